package gpio

import (
	"errors"
	"fmt"

	"github.com/warthog618/go-gpiocdev"
)

// Output is an output line of a GPIO chip, held until Close. It is safe for use
// by several goroutines.
type Output struct {
	line  *gpiocdev.Line
	place string // "gpiochip0 line 17", for errors
}

// OpenOutput requests the line and drives it off, without ever showing another
// level. The error says which line, what is wrong and what to do: the chip is
// not there, is not a GPIO chip, may not be opened, has no such line, or the
// line is held by somebody else, who is named.
func OpenOutput(cfg OutputConfig) (*Output, error) {
	chip, err := gpiocdev.NewChip(resolve(cfg.Chip), gpiocdev.WithConsumer(Consumer))
	if err != nil {
		return nil, explain(cfg.wire(), err, lookup{chips: gpiocdev.Chips()})
	}
	// The request outlives the chip's own file, which is of no use afterwards.
	defer chip.Close()

	var options []gpiocdev.LineReqOption
	if cfg.ActiveLow {
		options = append(options, gpiocdev.AsActiveLow)
	}
	options = append(options, gpiocdev.AsOutput(0))
	line, err := chip.RequestLine(cfg.Line, options...)
	if err != nil {
		seen := lookup{lines: chip.Lines()}
		if info, err := chip.LineInfo(cfg.Line); err == nil && info.Used {
			seen.holder = info.Consumer
		}
		return nil, explain(cfg.wire(), err, seen)
	}
	return &Output{line: line, place: cfg.wire().String()}, nil
}

// Set sets the line on (active) or off. After Close it returns an error that
// wraps ErrClosed.
func (o *Output) Set(on bool) error {
	value, word := 0, "off"
	if on {
		value, word = 1, "on"
	}
	if err := o.line.SetValue(value); err != nil {
		return fmt.Errorf("%s: cannot be set %s: %w", o.place, word, closedAs(err))
	}
	return nil
}

// On reads the level back from the chip: true is on (active).
func (o *Output) On() (bool, error) {
	value, err := o.line.Value()
	if err != nil {
		return false, fmt.Errorf("%s: cannot be read: %w", o.place, closedAs(err))
	}
	return value != 0, nil
}

// Close sets the line off and then releases it. The line is released also when
// it cannot be set off; the error then says so.
func (o *Output) Close() error {
	off := o.Set(false)
	if errors.Is(off, ErrClosed) {
		return off
	}
	if err := o.line.Close(); err != nil {
		return errors.Join(off, fmt.Errorf("%s: cannot be released: %w", o.place, closedAs(err)))
	}
	return off
}

func (cfg OutputConfig) wire() wire {
	return wire{chip: cfg.Chip, line: cfg.Line, twice: "two relays name this line"}
}

func closedAs(err error) error {
	if errors.Is(err, gpiocdev.ErrClosed) {
		return ErrClosed
	}
	return err
}
