package ruletest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sallyport/sallyport/engine"
)

// maxLooks bounds the looks that are kept of one rule.
const maxLooks = 50_000

// witness sees every look at some rules, also those that the engine's index saves.
type witness struct {
	rules []*watch
}

// watch is one rule with what was seen of it.
type watch struct {
	rule  *engine.Rule
	looks []sight
}

// sight is one look.
type sight struct {
	at time.Duration // since the test began
	*engine.Explanation
}

// newWitness watches the rules of these names.
func newWitness(o *Options, names []string) *witness {
	w := &witness{}
	for _, n := range names {
		if r := o.rule(n); r != nil {
			w.rules = append(w.rules, &watch{rule: r})
		}
	}
	return w
}

// find is the watch of a rule; nil when it is not watched.
func (w *witness) find(rule string) *watch {
	for _, x := range w.rules {
		if x.rule.Name == rule {
			return x
		}
	}
	return nil
}

// watched is the rule itself, or one that decides the same and is looked at also
// when it cannot be true.
func (w *witness) watched(r *engine.Rule) *engine.Rule {
	if w.find(r.Name) == nil {
		return r
	}
	c := *r
	c.Need = engine.Need{Cameras: r.Need.Cameras}
	return &c
}

// see keeps one look.
func (w *witness) see(r *engine.Rule, l *engine.Look) {
	if x := w.find(r.Name); x != nil && len(x.looks) < maxLooks {
		if e := l.Explain(); e != nil {
			x.looks = append(x.looks, sight{l.Instant().Mono - origin, e})
		}
	}
}

// subject is what a look was about: a target, a plate, a camera, a name.
func (s *sight) subject() string {
	switch {
	case s.HasTarget:
		return s.Camera + "/" + strconv.FormatUint(s.Target, 10)
	case s.Plate != "":
		return s.Camera + ", plate " + s.Plate
	case s.Key != "":
		return s.Key
	}
	return s.Camera
}

// open tells whether the rule's `while` was true or there is none.
func (s *sight) open() bool { return s.While == nil || s.While.Answer == engine.True }

// within calls f for the looks within a span of time.
func (x *watch) within(from, to time.Duration, f func(*sight)) {
	for i := range x.looks {
		if s := &x.looks[i]; s.at >= from && s.at <= to {
			f(s)
		}
	}
}

// nearest is the look within a span that was nearest to being true; nil when there was none.
func (x *watch) nearest(from, to time.Duration) *sight {
	var best *sight
	parts, off := 0, 0
	x.within(from, to, func(s *sight) {
		p, o := s.Short()
		if best == nil || p < parts || p == parts && o < off {
			best, parts, off = s, p, o
		}
	})
	return best
}

// closed is the last look within a span at which `while` was not true; nil when it always was.
func (x *watch) closed(from, to time.Duration) *sight {
	var last *sight
	x.within(from, to, func(s *sight) {
		if !s.open() {
			last = s
		}
	})
	return last
}

// held is a look within a span that was held back for this reason; nil when none was.
func (x *watch) held(reason string, from, to time.Duration) *sight {
	var found *sight
	x.within(from, to, func(s *sight) {
		if s.Held == reason {
			found = s
		}
	})
	return found
}

// inTheWay tells whether the part of this source kept p from what was wanted.
func inTheWay(p *engine.Part, text string, want engine.Truth) bool {
	if p == nil {
		return false
	}
	if p.Text == text && p.Answer != want {
		return true
	}
	if p.Op == "not" {
		want = want.Not()
	}
	for i := range p.Parts {
		if inTheWay(&p.Parts[i], text, want) {
			return true
		}
	}
	return false
}

// partLines shows a condition on one look, a line a part: `>` before those that
// would have to be otherwise, the answer, the source, the values.
func partLines(p *engine.Part) []string {
	var rows [][2]string
	put := func(p *engine.Part, depth int, text string, values []engine.Reading) {
		mark := "  "
		if p.Missing || len(p.Parts) == 1 && p.Parts[0].Missing {
			mark = "> "
		}
		var seen []string
		for _, v := range values {
			if !p.Missing {
				v.Bound = nil // how far it is beyond does not matter
			}
			seen = append(seen, v.Text())
		}
		rows = append(rows, [2]string{fmt.Sprintf("%s%-7s  %s%s", mark, p.Answer, strings.Repeat("  ", depth), text), strings.Join(seen, ", ")})
	}
	var walk func(p *engine.Part, depth int, top bool)
	walk = func(p *engine.Part, depth int, top bool) {
		switch {
		case p.Op == "":
			put(p, depth, p.Text, p.Values)
			return
		case p.Op == "not" && p.Parts[0].Op == "":
			put(p, depth, p.Text, p.Parts[0].Values)
			return
		case p.Op == "not":
			put(p, depth, "not:", nil)
			depth++
		case p.Op == "or":
			put(p, depth, "any of:", nil)
			depth++
		case !top:
			put(p, depth, "all of:", nil)
			depth++
		}
		for i := range p.Parts {
			walk(&p.Parts[i], depth, false)
		}
	}
	if p != nil {
		walk(p, 0, true)
	}
	width := 0
	for _, r := range rows {
		width = max(width, utf8.RuneCountInString(r[0]))
	}
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r[0]
		if r[1] != "" {
			out[i] += strings.Repeat(" ", width-utf8.RuneCountInString(r[0])) + "   " + r[1]
		}
	}
	return out
}

// span is from when to when the condition was true around a look at the same thing.
func (x *watch) span(at *sight) (from, to time.Duration) {
	from, to = at.at, at.at
	open := false
	for i := range x.looks {
		s := &x.looks[i]
		if s.subject() != at.subject() {
			continue
		}
		switch {
		case s.Answer == engine.True && !open:
			if s.at > at.at {
				return from, to
			}
			from, to, open = s.at, s.at, true
		case s.Answer == engine.True:
			to = s.at
		case open && s.at >= at.at:
			return from, s.at
		default:
			open = false
		}
	}
	return from, to
}
