//go:build !linux

package gpio

import (
	"fmt"
	"runtime"
)

// Input is an input line of a GPIO chip. Only Linux has them.
type Input struct{}

// OpenInput fails: only Linux has the GPIO character device. The error names
// the line and the way out.
func OpenInput(cfg InputConfig) (*Input, error) {
	return nil, fmt.Errorf("%s line %d: GPIO lines need Linux and this is %s: use \"memory: true\" to try rules here", cfg.Chip, cfg.Line, runtime.GOOS)
}

// On returns ErrClosed: there is no line to read.
func (*Input) On() (bool, error) { return false, ErrClosed }

// Changed gives a channel that never holds a value.
func (*Input) Changed() <-chan struct{} { return nil }

// Take returns ErrClosed: there is no line to read.
func (*Input) Take() ([]Edge, error) { return nil, ErrClosed }

// Missed is 0.
func (*Input) Missed() uint64 { return 0 }

// Close returns ErrClosed: there is no line to release.
func (*Input) Close() error { return ErrClosed }
