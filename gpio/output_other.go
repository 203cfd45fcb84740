//go:build !linux

package gpio

import (
	"fmt"
	"runtime"
)

// Output is an output line of a GPIO chip. Only Linux has them.
type Output struct{}

// OpenOutput fails: only Linux has the GPIO character device. The error names
// the line and the way out.
func OpenOutput(cfg OutputConfig) (*Output, error) {
	return nil, fmt.Errorf("%s line %d: GPIO lines need Linux and this is %s: use \"memory: true\" to try rules here", cfg.Chip, cfg.Line, runtime.GOOS)
}

// Set returns ErrClosed: there is no line to set.
func (*Output) Set(bool) error { return ErrClosed }

// On returns ErrClosed: there is no line to read.
func (*Output) On() (bool, error) { return false, ErrClosed }

// Close returns ErrClosed: there is no line to release.
func (*Output) Close() error { return ErrClosed }
