// Package run starts programs: an argument list without a shell, from a list of
// allowed programs, with the firing as JSON on standard input and its parts as
// variables.
package run

import (
	"context"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/actions/internal/program"
	"github.com/sallyport/sallyport/engine"
)

// New gives the verb run. allow are the absolute paths of the programs that may
// be started (allow_programs of the site file); with none, nothing is. as is whom
// they run as; nil = the user of this process. A program
// has a lane of its own, with four of it under way at most.
//
// The program leads a process group of its own. When the step's time is over
// the whole group is killed, and what is left of it when the program ends by
// itself too. It gets PATH, the step's own variables and the SALLYPORT_… ones,
// nothing else of this process. Up to 64 KB of output are kept.
func New(allow []string, as *actions.User) actions.Handler {
	allow = slices.Clone(allow)
	return actions.Handler{
		Verb: engine.VerbRun,
		Action: actions.Func(func(ctx context.Context, r engine.Request) error {
			return do(ctx, allow, as, r)
		}),
		Lane: func(r engine.Request) string {
			if a, ok := r.Args.(engine.RunArgs); ok && len(a.Argv) > 0 {
				return "program " + a.Argv[0]
			}
			return "program"
		},
		Width: 4,
	}
}

func do(ctx context.Context, allow []string, as *actions.User, r engine.Request) error {
	a, ok := r.Args.(engine.RunArgs)
	if !ok || len(a.Argv) == 0 {
		return refuse(fmt.Errorf("not the values of a run step: %T", r.Args))
	}
	if !slices.Contains(allow, a.Argv[0]) {
		return refuse(fmt.Errorf("%s: not in allow_programs of the site file", a.Argv[0]))
	}
	return program.Run(ctx, program.Command{
		Path: a.Argv[0], Args: a.Argv[1:], Dir: a.Dir,
		Env:   append(slices.Clone(a.Env), program.Variables(r.Firing)...),
		Stdin: r.Firing.AppendJSON(nil),
		As:    as,
	})
}

// refuse marks an error of a step that never can do anything.
func refuse(err error) error { return actions.NotBegun(actions.Permanent(err)) }
