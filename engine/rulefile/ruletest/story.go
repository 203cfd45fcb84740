package ruletest

import (
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/engine"
)

// maxLines is how much of what happened a story tells.
const maxLines = 12

// around is how far before and after the expected moment a story looks.
const around = 2 * time.Second

// words say what is expected.
func (x *expectation) words() string {
	var b strings.Builder
	switch x.about {
	case aboutNothing:
		b.WriteString("no rule fires and no relay moves")
	case aboutRelay:
		word := map[bool]string{true: "on", false: "off"}[x.on]
		verb := "goes"
		if x.hasIs && x.hasAt && !x.hasWithin && x.times < 0 {
			verb = "is"
		}
		fmt.Fprintf(&b, "relay %s %s %s", x.relay, verb, word)
	case aboutFlag:
		word := map[bool]string{true: "becomes", false: "is"}[x.hasWithin]
		fmt.Fprintf(&b, "flag %s %s %s", x.flag, word, scalarText(x.value))
	case aboutRule:
		fmt.Fprintf(&b, "rule %q fires", x.rule)
		if x.key != "" {
			b.WriteString(" for " + x.key)
		}
	case aboutCall:
		fmt.Fprintf(&b, "a call with %q", x.text)
	case aboutNotify:
		fmt.Fprintf(&b, "a notification to %s", x.name)
		if x.text != "" {
			fmt.Fprintf(&b, " with %q", x.text)
		}
	case aboutLog:
		fmt.Fprintf(&b, "a log line with %q", x.text)
	case aboutPlates:
		fmt.Fprintf(&b, "plates: %s", x.plates)
		for _, s := range []string{x.number, x.list, x.to, x.owner, x.phone} {
			if s != "" {
				b.WriteString(" " + s)
			}
		}
	case aboutCamera:
		what := "something"
		switch {
		case x.snapshot:
			what = "a snapshot"
		case x.alarm > 0:
			what = fmt.Sprintf("virtual alarm %d", x.alarm)
		}
		fmt.Fprintf(&b, "camera %s is asked for %s", x.name, what)
	case aboutEnter:
		b.WriteString("a target enters " + x.name)
	case aboutLeave:
		b.WriteString("a target leaves " + x.name)
	case aboutCross:
		b.WriteString("a target crosses " + x.name)
	case aboutBecause:
		b.WriteString("a reason")
	}
	if x.word != "" {
		fmt.Fprintf(&b, " (%s)", x.word)
	}
	if x.rule != "" && x.about != aboutRule {
		fmt.Fprintf(&b, " by rule %q", x.rule)
	}
	switch {
	case x.times == 0:
		b.WriteString(" never")
	case x.times == 1:
		b.WriteString(" exactly once")
	case x.times > 1:
		fmt.Fprintf(&b, " exactly %d times", x.times)
	}
	switch {
	case x.hasAt && (x.hasWithin || x.about != aboutRelay && x.about != aboutFlag || x.times >= 0):
		fmt.Fprintf(&b, " at %s, give or take %s", seconds(x.at), seconds(x.within))
	case x.hasAt:
		fmt.Fprintf(&b, " at %s", seconds(x.at))
	case x.about == aboutFlag:
		b.WriteString(" at the end")
	}
	return b.String()
}

// String says why something should not have happened.
func (b *because) String() string {
	if b.part != "" {
		return fmt.Sprintf("rule %q did not fire because this was not true: %s", b.rule, b.part)
	}
	return fmt.Sprintf("rule %q was held back by %s", b.rule, b.reason)
}

func often(n int) string {
	switch n {
	case 0:
		return "not at all"
	case 1:
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// times lists when facts happened.
func times(facts []*fact) string {
	if len(facts) == 0 {
		return "never"
	}
	var out []string
	for i, f := range facts {
		if i == 6 {
			out = append(out, "…")
			break
		}
		out = append(out, seconds(f.at))
	}
	return strings.Join(out, ", ")
}

// story tells what happened instead, what happened around that time, and why the
// rules in question did or did not fire. What was told of the test before is not
// told again.
func (r *runner) story(x *expectation, instead string, rules []string, see *witness, told map[string]bool) []string {
	out := []string{"instead: " + instead}
	from, to := time.Duration(0), forever
	if x.hasAt {
		from, to = x.at-x.within-around, x.at+x.within+around
	}
	head := "what happened:"
	if x.hasAt {
		head = "what happened around that time:"
	}
	lines := r.timeline(from, to)
	if len(lines) == 0 && x.hasAt {
		head, lines = "nothing happened around that time; in the whole test:", r.timeline(0, forever)
	}
	if len(lines) == 0 {
		head = "nothing happened in the whole test"
	}
	once := func(lines []string) {
		if text := strings.Join(lines, "\n"); !told[text] {
			told[text] = true
			out = append(out, lines...)
		}
	}
	for i := range lines {
		lines[i] = "  " + lines[i]
	}
	once(append([]string{head}, lines...))
	for _, name := range rules {
		if w := see.find(name); w != nil {
			once(r.why(w, x))
		}
	}
	return out
}

// timeline is what happened in a span of time, a line each.
func (r *runner) timeline(from, to time.Duration) []string {
	var out []string
	left := 0
	for i := range r.facts {
		f := &r.facts[i]
		if f.at < 0 || f.at < from || f.at > to {
			continue
		}
		if len(out) >= maxLines {
			left++
			continue
		}
		out = append(out, fmt.Sprintf("%8s  %s", seconds(f.at), f.text))
	}
	if left > 0 {
		out = append(out, fmt.Sprintf("… and %d more", left))
	}
	return out
}

// nothingFor says why a rule was not looked at.
func nothingFor(r *engine.Rule) string {
	if len(r.On) == 0 {
		return "nothing that it reads changed"
	}
	words := make([]string, len(r.On))
	for i, k := range r.On {
		words[i] = k.String()
	}
	return "nothing it is for happened (on: " + strings.Join(words, ", ") + ")"
}

// why tells why a rule did or did not fire.
func (r *runner) why(w *watch, x *expectation) []string {
	name := w.rule.Name
	from, to := x.window()
	from = max(from, 0)
	var firings, held []*fact
	for i := range r.facts {
		f := &r.facts[i]
		if f.rule != name || f.at < 0 {
			continue
		}
		switch f.kind {
		case factFiring:
			firings = append(firings, f)
		case factHeld:
			held = append(held, f)
		}
	}
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	parts := func(p *engine.Part) {
		for _, l := range partLines(p) {
			out = append(out, "  "+l)
		}
	}
	if w.rule.Mode == engine.ModeOff {
		return []string{fmt.Sprintf("why: rule %q is switched off (mode: off)", name)}
	}
	switch {
	case len(firings) == 1:
		say("why: rule %q fired at %s%s", name, seconds(firings[0].at), forKey(firings[0].key))
	case len(firings) > 1:
		say("why: rule %q fired %d times: %s", name, len(firings), times(firings))
	default:
		say("why: rule %q did not fire", name)
	}
	for i, f := range held {
		if i == 3 {
			say("  … and was held back %d times more", len(held)-i)
			break
		}
		say("  at %s %s", seconds(f.at), f.text)
	}
	if len(firings) > 0 {
		// The look that fired says why it did.
		w.within(firings[0].at, firings[0].at, func(s *sight) {
			if s.Answer == engine.True && s.When != nil && s.Key == firings[0].key {
				say("  its condition at %s%s:", seconds(s.at), aside(s))
				parts(s.When)
			}
		})
	}
	if r.fired(name, from, to) {
		return out
	}
	if s := w.closed(from, to); s != nil {
		say("  at %s its while was not true:", seconds(s.at))
		parts(s.While)
	}
	s, where := w.nearest(from, to), ""
	if s == nil && len(firings) == 0 {
		from, to = 0, forever
		s, where = w.nearest(from, to), " in the whole test"
	}
	switch {
	case s == nil && len(firings) == 0:
		say("  it was not looked at: %s", nothingFor(w.rule))
	case s == nil || s.When == nil:
	case s.Answer != engine.True:
		n := 0
		w.within(from, to, func(*sight) { n++ })
		say("  it was looked at %s%s and its condition was never true; it came nearest at %s%s:", often(n), where, seconds(s.at), aside(s))
		parts(s.When)
	case s.open():
		since, until := w.span(s)
		say("  its condition was true from %s to %s%s", seconds(since), seconds(until), aside(s))
		switch {
		case s.Held == "for":
			say("  but for: asks for %s", seconds(w.rule.For))
		case s.Held != "":
			say("  but it was held back (%s)", s.Held)
		}
	}
	return out
}

func forKey(key string) string {
	if key == "" {
		return ""
	}
	return " for " + key
}

// aside is what a look was about, in brackets.
func aside(s *sight) string {
	if t := s.subject(); t != "" {
		return " (" + t + ")"
	}
	return ""
}
