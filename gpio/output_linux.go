package gpio

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

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
	path := devicePath(cfg.Chip)
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	chip, err := gpiocdev.NewChip(path, gpiocdev.WithConsumer(Consumer))
	if err != nil {
		return nil, explain(cfg, err, lookup{chips: gpiocdev.Chips()})
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
		return nil, explain(cfg, err, seen)
	}
	return &Output{line: line, place: cfg.place()}, nil
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

// lookup is what could be found out about a chip after a request failed.
type lookup struct {
	chips  []string // the chips of this machine
	lines  int      // how many lines the chip has
	holder string   // who holds the line, as the kernel tells it
}

// explain turns a failed request into words a person can act on.
func explain(cfg OutputConfig, err error, seen lookup) error {
	path := devicePath(cfg.Chip)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		have := "this machine has no GPIO chip"
		if len(seen.chips) > 0 {
			have = "this machine has " + strings.Join(seen.chips, ", ")
		}
		return fmt.Errorf("%s: there is no %s (%s): correct \"chip\" in the site file: %w", cfg.place(), path, have, err)
	case errors.Is(err, gpiocdev.ErrNotCharacterDevice):
		return fmt.Errorf("%s: %s is not a GPIO chip: correct \"chip\" in the site file: %w", cfg.place(), path, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: no permission to open %s: add the user that runs sallyport to the group that owns it (often \"gpio\"): %w", cfg.place(), path, err)
	case errors.Is(err, gpiocdev.ErrInvalidOffset):
		return fmt.Errorf("%s: the chip has the lines 0 to %d: correct \"line\" in the site file: %w", cfg.place(), seen.lines-1, err)
	case errors.Is(err, syscall.EBUSY):
		switch seen.holder {
		case "":
			return fmt.Errorf("%s: held by another program: stop it or use another line: %w", cfg.place(), err)
		case Consumer:
			return fmt.Errorf("%s: held by %q: another sallyport is running, or two relays name this line: %w", cfg.place(), seen.holder, err)
		}
		return fmt.Errorf("%s: held by %q: stop that program or use another line: %w", cfg.place(), seen.holder, err)
	}
	return fmt.Errorf("%s: cannot be requested: %w", cfg.place(), err)
}

func (cfg OutputConfig) place() string {
	return fmt.Sprintf("%s line %d", cfg.Chip, cfg.Line)
}

func devicePath(chip string) string {
	if strings.HasPrefix(chip, "/dev/") {
		return chip
	}
	return "/dev/" + chip
}

func closedAs(err error) error {
	if errors.Is(err, gpiocdev.ErrClosed) {
		return ErrClosed
	}
	return err
}
