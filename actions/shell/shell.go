// Package shell runs a constant text in the system's shell. Values reach it by
// variables only, so nothing that comes from outside is ever read as a command.
package shell

import (
	"context"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/actions/internal/program"
	"github.com/sallyport/sallyport/engine"
)

// Config is what the action needs.
type Config struct {
	// Allow permits the verb (allow_shell of the site file).
	Allow bool

	// Encode gives a firing as JSON, for standard input.
	Encode func(*engine.Firing) []byte
}

// New gives the verb shell. Each text has a lane of its own, four deep. What
// holds for a program of the verb run holds for the shell: process group,
// variables, output, time.
func New(c Config) actions.Handler {
	return actions.Handler{
		Verb: engine.VerbShell,
		Action: actions.Func(func(ctx context.Context, r engine.Request) error {
			return do(ctx, c, r)
		}),
		Lane: func(r engine.Request) string {
			a, _ := r.Args.(engine.ShellArgs)
			return "shell " + a.Command
		},
		Width: 4,
	}
}

func do(ctx context.Context, c Config, r engine.Request) error {
	a, ok := r.Args.(engine.ShellArgs)
	switch {
	case !ok:
		return refuse(fmt.Errorf("not the values of a shell step: %T", r.Args))
	case !c.Allow:
		return refuse(errors.New("the site file does not say allow_shell: true"))
	}
	p := program.Command{Path: "/bin/sh", Args: []string{"-c", a.Command}, Env: program.Variables(r.Firing)}
	if c.Encode != nil {
		p.Stdin = c.Encode(r.Firing)
	}
	return program.Run(ctx, p)
}

// refuse marks an error of a step that never can do anything.
func refuse(err error) error { return actions.NotBegun(actions.Permanent(err)) }
