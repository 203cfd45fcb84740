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

// New gives the verb shell; allow permits it (allow_shell of the site file); as is
// whom it runs as, nil = the user of this process.
// Each text has a lane of its own, with four of it under way at most. What holds
// for a program of the verb run holds for the shell: process group, variables,
// standard input, output, time.
func New(allow bool, as *actions.User) actions.Handler {
	return actions.Handler{
		Verb: engine.VerbShell,
		Action: actions.Func(func(ctx context.Context, r engine.Request) error {
			return do(ctx, allow, as, r)
		}),
		Lane: func(r engine.Request) string {
			a, _ := r.Args.(engine.ShellArgs)
			return "shell " + a.Command
		},
		Width: 4,
	}
}

func do(ctx context.Context, allow bool, as *actions.User, r engine.Request) error {
	a, ok := r.Args.(engine.ShellArgs)
	switch {
	case !ok:
		return refuse(fmt.Errorf("not the values of a shell step: %T", r.Args))
	case !allow:
		return refuse(errors.New("the site file does not say allow_shell: true"))
	}
	return program.Run(ctx, program.Command{
		Path: "/bin/sh", Args: []string{"-c", a.Command},
		Env:   program.Variables(r.Firing),
		Stdin: r.Firing.AppendJSON(nil),
		As:    as,
	})
}

// refuse marks an error of a step that never can do anything.
func refuse(err error) error { return actions.NotBegun(actions.Permanent(err)) }
