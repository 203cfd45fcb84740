// Package log writes a line for a log step.
package log

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/engine"
)

// maxLine is how many characters a line keeps.
const maxLine = 4096

// New gives the verb log. write gets one line without its end, at most 4096
// characters, in which control characters and line separators are blanks; rule
// is the rule's name. It must not block.
func New(write func(rule, line string)) actions.Handler {
	do := func(r engine.Request) error {
		a, ok := r.Args.(engine.LogArgs)
		if !ok {
			return actions.NotBegun(actions.Permanent(fmt.Errorf("not the values of a log step: %T", r.Args)))
		}
		write(r.Firing.Rule.Name, line(a.Text))
		return nil
	}
	return actions.Handler{
		Verb:   engine.VerbLog,
		Action: actions.Func(func(_ context.Context, r engine.Request) error { return do(r) }),
		Begin: func(r engine.Request, _ <-chan struct{}) func(context.Context) error {
			err := do(r)
			return func(context.Context) error { return err }
		},
	}
}

// line makes one harmless line of a text. Characters that turn the direction of
// writing could make a line show something else than it says, so they go too.
func line(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsControl(c), c == '\u2028', c == '\u2029':
			return ' '
		case unicode.Is(unicode.Bidi_Control, c):
			return -1
		}
		return c
	}, s)
	n := 0
	for i := range s {
		if n++; n > maxLine {
			return s[:i] + "…"
		}
	}
	return s
}
