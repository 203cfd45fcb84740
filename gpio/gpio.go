// Package gpio holds output and input lines: on the Linux GPIO character device,
// and in memory for benches, tests and the demonstration.
//
// An output line has one owner. It is requested once, starts off, and is held
// for the life of the process: the kernel does not promise the level of a line
// after its release, so a line is set off before it is let go. What a line does
// between a crash and the next start is up to the chip's driver (on a Raspberry
// Pi it keeps its level).
//
// An input line tells its changes to one reader, who may be slow: changes wait
// in a bounded queue, and the level is read again whenever they are taken.
//
// Nothing here knows about pulses, time limits or interlocks; package
// actions/relay does.
package gpio

import (
	"errors"
	"sync"
)

// Consumer is the name under which lines are requested. Other programs (and
// gpioinfo) see it as the holder of the line.
const Consumer = "sallyport"

// ErrClosed says that a line was already released.
var ErrClosed = errors.New("the line is already released")

// OutputConfig says which line to drive and how.
type OutputConfig struct {
	// Chip is the name of the chip's device below /dev ("gpiochip0"), or its
	// full path. A symbolic link is followed.
	Chip string

	// Line is the line's number on the chip, from 0.
	Line int

	// ActiveLow says that the line is on at the low level. It is the kernel
	// that inverts, so the line never shows the wrong level, not even for an
	// instant at the request.
	ActiveLow bool
}

// Memory is an output line that exists only in this process. It is safe for
// use by several goroutines.
type Memory struct {
	watch func(on bool)

	mu     sync.Mutex // covers what follows, and the calls of watch
	on     bool
	closed bool
}

// NewMemory returns a line in memory, off. When watch is not nil it is called
// with the new level at every change, in order; it must not call the line.
func NewMemory(watch func(on bool)) *Memory {
	return &Memory{watch: watch}
}

// Set sets the line on or off. After Close it returns ErrClosed.
func (m *Memory) Set(on bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	m.set(on)
	return nil
}

// On says whether the line is on.
func (m *Memory) On() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.on
}

// Close sets the line off and releases it. A second Close returns ErrClosed.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	m.set(false)
	m.closed = true
	return nil
}

func (m *Memory) set(on bool) {
	if m.on == on {
		return
	}
	m.on = on
	if m.watch != nil {
		m.watch(on)
	}
}
