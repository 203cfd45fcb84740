// Package program starts one program, keeps its output and ends it with all it
// started.
package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/sallyport/sallyport/actions"
)

const (
	// MaxOutput is how many bytes of standard output and error are kept.
	MaxOutput = 64 << 10

	// pipeGrace is how long a pipe may stay open after the program has ended.
	pipeGrace = 200 * time.Millisecond
)

// Command is one program to start. Nothing of the environment of this process
// reaches it.
type Command struct {
	Path  string   // absolute
	Args  []string // without the program
	Env   []string // NAME=value; of two for one name the later counts
	Dir   string   // empty = /
	Stdin []byte
	As    *actions.User // nil = the user of this process
}

// searchPath is the PATH programs get.
const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Run starts the program and waits for its end, or kills it and everything in
// its process group when ctx is done. What is left of the group when the
// program ends by itself is killed too. On Linux the program also dies with this
// process, however that ends; what it started itself does not. It gets no open
// file of this process but its standard input, output and error. The output goes
// to [actions.Note], the exit code to [actions.NoteExit]. The error wraps an
// [exec.ExitError] when the program failed.
func Run(ctx context.Context, c Command) error {
	if err := c.check(); err != nil {
		return actions.NotBegun(actions.Permanent(err))
	}
	if err := ctx.Err(); err != nil {
		return actions.NotBegun(fmt.Errorf("%s: not started: %w", c.Path, err))
	}
	out := &output{}
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
	cmd.Env = append([]string{searchPath}, c.Env...)
	cmd.Dir = c.Dir
	if cmd.Dir == "" {
		cmd.Dir = "/"
	}
	cmd.Stdin = bytes.NewReader(c.Stdin)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = pipeGrace
	if err := separate(cmd, c.As); err != nil {
		return actions.NotBegun(actions.Permanent(fmt.Errorf("%s: %w", c.Path, err)))
	}
	cmd.Cancel = func() error { return killGroup(cmd) }
	// The death of the thread that starts a program counts as that of the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begin := time.Now()
	closeOnExec()
	if err := cmd.Start(); err != nil {
		return actions.NotBegun(fmt.Errorf("%s: cannot be started: %w", c.Path, plain(err)))
	}
	actions.Started(ctx)
	err := cmd.Wait()
	_ = killGroup(cmd) // most often nothing is left
	actions.Note(ctx, out.String())
	if cmd.ProcessState != nil {
		actions.NoteExit(ctx, cmd.ProcessState.ExitCode())
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: killed after %v: %w", c.Path, time.Since(begin).Round(time.Millisecond), ctx.Err())
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		// The latter: the program went well and left a child with its pipes.
		return nil
	case errors.As(err, &exit):
		return fmt.Errorf("%s: %w", c.Path, exit)
	}
	return fmt.Errorf("%s: %w", c.Path, err)
}

// check refuses what cannot be handed to a program as it is.
func (c *Command) check() error {
	for i, a := range c.Args {
		if strings.IndexByte(a, 0) >= 0 {
			return fmt.Errorf("%s: argument %d holds a NUL byte", c.Path, i+1)
		}
	}
	for _, e := range c.Env {
		name, value, ok := strings.Cut(e, "=")
		switch {
		case !ok || name == "" || strings.IndexByte(name, 0) >= 0:
			return fmt.Errorf("%s: %q is not a variable", c.Path, e)
		case strings.IndexByte(value, 0) >= 0:
			return fmt.Errorf("%s: the variable %s holds a NUL byte", c.Path, name)
		}
	}
	if strings.IndexByte(c.Dir, 0) >= 0 {
		return fmt.Errorf("%s: the folder holds a NUL byte", c.Path)
	}
	return nil
}

// plain takes the path off an error of starting a program: it is said already.
func plain(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// output keeps the first MaxOutput bytes. Only one goroutine writes.
type output struct {
	b    bytes.Buffer
	more int64
}

// Write takes everything, so that the program never waits.
func (o *output) Write(p []byte) (int, error) {
	keep := min(len(p), MaxOutput-o.b.Len())
	o.b.Write(p[:keep])
	o.more += int64(len(p) - keep)
	return len(p), nil
}

func (o *output) String() string {
	s := strings.ToValidUTF8(o.b.String(), "\uFFFD")
	if o.more > 0 {
		s += fmt.Sprintf("\n[%d more bytes]", o.more)
	}
	return s
}
