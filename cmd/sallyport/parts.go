package main

import (
	"context"
	"flag"
	"fmt"
	"strconv"
	"strings"
)

// group is a command that is made of commands: `camera` of info, add and so on.
type group struct {
	name  string
	parts func() []command
}

// run runs the part that the first argument names.
func (g group) run(ctx context.Context, p process, args []string) int {
	parts := g.parts()
	word := "nothing"
	if len(args) > 0 {
		for _, part := range parts {
			if part.name == args[0] {
				return part.run(ctx, p, args[1:])
			}
		}
		switch args[0] {
		case "-h", "-help", "--help":
			fmt.Fprintf(p.stderr, "usage: sallyport %s COMMAND …\n", g.name)
			for _, part := range parts {
				fmt.Fprintln(p.stderr)
				part.run(ctx, p, []string{"-h"})
			}
			return exitOK
		}
		word = strconv.Quote(args[0])
	}
	var names []string
	for _, part := range parts {
		names = append(names, part.name)
	}
	last := len(names) - 1
	fmt.Fprintf(p.stderr, "sallyport %s: want %s or %s first, got %s\n", g.name, strings.Join(names[:last], ", "), names[last], word)
	return exitUsage
}

// flags makes the flag set of a part.
func (g group) flags(p process, name string) *flag.FlagSet {
	fs := flag.NewFlagSet("sallyport "+g.name+" "+name, flag.ContinueOnError)
	fs.SetOutput(p.stderr)
	fs.Usage = func() {
		for _, part := range g.parts() {
			if part.name == name {
				fmt.Fprintf(fs.Output(), "usage: sallyport %s %s %s\n%s\n", g.name, part.name, part.args, part.short)
			}
		}
		fs.PrintDefaults()
	}
	return fs
}
