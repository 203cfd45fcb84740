package ruletest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/engine"
)

// forever is later than everything in a test.
const forever = time.Duration(1<<62 - 1)

// maxWhy is how many rules one failure explains.
const maxWhy = 3

// check runs a test and gives what was not as expected.
func (t *test) check(o *Options) ([]Failure, error) {
	r, err := t.run(o, nil)
	if err != nil {
		return nil, err
	}
	if r.stuck {
		return []Failure{{Line: t.line, Col: 1, Expected: "the rules come to rest", Story: "something happens again and again without end; the test was stopped"}}, nil
	}
	type missed struct {
		x       *expectation
		b       *because // nil: the expectation itself
		instead string
	}
	var missing []missed
	var asked []string // rules to be watched
	ask := func(names ...string) {
		for _, n := range names {
			if !contains(asked, n) {
				asked = append(asked, n)
			}
		}
	}
	for i := range t.expect {
		x := &t.expect[i]
		if ok, instead := r.meets(x); !ok {
			missing = append(missing, missed{x: x, instead: instead})
			ask(r.concerned(x, o)...)
		}
		for _, b := range x.reasons {
			ask(b.rule)
		}
	}
	if len(asked) == 0 && len(missing) == 0 {
		return nil, nil
	}
	// The very same test once more, with somebody who looks on.
	see := newWitness(o, asked)
	if _, err := t.run(o, see); err != nil {
		return nil, err
	}
	for i := range t.expect {
		x := &t.expect[i]
		for j := range x.reasons {
			b := &x.reasons[j]
			if ok, instead := r.because(x, b, see.find(b.rule)); !ok {
				missing = append(missing, missed{x, b, instead})
			}
		}
	}
	slices.SortStableFunc(missing, func(a, b missed) int { return a.x.line - b.x.line })
	var out []Failure
	told := make(map[string]bool)
	for _, m := range missing {
		f := Failure{Line: m.x.line, Col: m.x.col, Expected: m.x.words()}
		rules := r.concerned(m.x, o)
		if m.b != nil {
			f.Line, f.Col, f.Expected = m.b.line, m.b.col, m.b.String()
			rules = []string{m.b.rule}
		}
		f.Story = strings.Join(r.story(m.x, m.instead, rules, see, told), "\n")
		out = append(out, f)
	}
	return out, nil
}

// window is when an expectation looks.
func (x *expectation) window() (from, to time.Duration) {
	if !x.hasAt {
		return 0, forever
	}
	return x.at - x.within, x.at + x.within
}

func (x *expectation) during(at time.Duration) bool {
	from, to := x.window()
	return at >= from && at <= to
}

// meets tells whether an expectation is met, and if not what was instead.
func (r *runner) meets(x *expectation) (bool, string) {
	switch {
	case x.about == aboutBecause:
		return true, ""
	case x.about == aboutNothing:
		return r.nothing(x)
	case x.about == aboutRelay && x.hasIs && x.hasAt && !x.hasWithin && x.times < 0:
		return r.relayAt(x)
	case x.about == aboutFlag && !x.hasWithin:
		return r.flagAt(x)
	}
	var in, all []*fact
	for i := range r.facts {
		f := &r.facts[i]
		if f.at < 0 || !x.matches(f) {
			continue
		}
		all = append(all, f)
		if x.during(f.at) {
			in = append(in, f)
		}
	}
	if x.times < 0 && len(in) > 0 || x.times == len(in) {
		return true, ""
	}
	switch {
	case len(all) == 0:
		return false, "it never happened in this test" + r.others(x)
	case len(in) == 0 && x.times < 0 && len(all) == 1:
		return false, "it happened at " + seconds(all[0].at)
	case len(in) == 0 && x.times < 0:
		return false, "it happened at other times: " + times(all)
	}
	return false, fmt.Sprintf("it happened %s: %s", often(len(in)), times(in))
}

// matches tells whether a fact is of the kind an expectation is about, at any time.
func (x *expectation) matches(f *fact) bool {
	if x.rule != "" && f.rule != x.rule {
		return false
	}
	switch x.about {
	case aboutRelay:
		return f.kind == factRelay && f.name == x.relay && f.on == x.on
	case aboutFlag:
		return f.kind == factFlag && f.name == x.flag && f.value == x.value
	case aboutRule:
		return f.kind == factFiring && (x.key == "" || f.key == x.key)
	case aboutEnter:
		return f.kind == factEnter && f.name == x.name
	case aboutLeave:
		return f.kind == factLeave && f.name == x.name && (x.word == "" || f.reason == x.word)
	case aboutCross:
		return f.kind == factCross && f.name == x.name && (x.word == "" || f.reason == x.word)
	}
	if f.kind != factCall {
		return false
	}
	switch a := f.do.(type) {
	case engine.NotifyArgs:
		return x.about == aboutNotify && a.Notifier == x.name && strings.Contains(a.Title+": "+a.Text, x.text)
	case engine.LogArgs:
		return x.about == aboutLog && strings.Contains(a.Text, x.text)
	case engine.PlatesArgs:
		return x.about == aboutPlates && a.Op == x.plates && (x.number == "" || engine.NormalPlate(a.Number) == engine.NormalPlate(x.number)) &&
			(x.list == "" || a.List == x.list) && (x.to == "" || a.To == x.to) && (x.owner == "" || a.Owner == x.owner) && (x.phone == "" || a.Phone == x.phone)
	case engine.CameraArgs:
		return x.about == aboutCamera && a.Camera == x.name && (x.alarm == 0 || a.VirtualAlarm == x.alarm) && (!x.snapshot || a.Snapshot)
	}
	return x.about == aboutCall && strings.Contains(f.words, x.text)
}

// nothing is met when no rule fires and no relay moves.
func (r *runner) nothing(x *expectation) (bool, string) {
	var seen []string
	for i := range r.facts {
		f := &r.facts[i]
		if f.at >= 0 && x.during(f.at) && (f.kind == factFiring || f.kind == factRelay) {
			seen = append(seen, fmt.Sprintf("at %s %s", seconds(f.at), f.text))
		}
	}
	if len(seen) == 0 {
		return true, ""
	}
	if n := len(seen) - 3; n > 0 {
		seen = append(seen[:3], fmt.Sprintf("and %d more", n))
	}
	return false, strings.Join(seen, "; ")
}

// relayAt is met when the relay is as expected at that moment.
func (r *runner) relayAt(x *expectation) (bool, string) {
	var last *fact
	for i := range r.facts {
		if f := &r.facts[i]; f.kind == factRelay && f.name == x.relay && f.at <= x.at {
			last = f
		}
	}
	on := last != nil && last.on
	word := map[bool]string{true: "on", false: "off"}[on]
	switch {
	case on != x.on && last == nil:
		return false, "it had never been on until then"
	case on != x.on:
		return false, fmt.Sprintf("it was %s since %s (%s)", word, seconds(last.at), last.text)
	case x.rule != "" && (last == nil || last.rule != x.rule):
		who := "nobody moved it"
		if last != nil {
			who = last.text
		}
		return false, fmt.Sprintf("it was %s, but not by that rule: %s", word, who)
	}
	return true, ""
}

// flagAt is met when the flag is as expected at that moment, or at the end.
func (r *runner) flagAt(x *expectation) (bool, string) {
	var value engine.Scalar
	for _, f := range r.rules.Flags {
		if f.Name == x.flag {
			value = f.Initial
		}
	}
	since := ""
	for i := range r.facts {
		if f := &r.facts[i]; f.kind == factFlag && f.name == x.flag && (!x.hasAt || f.at <= x.at) && f.value != value {
			value, since = f.value, " since "+seconds(f.at)
		}
	}
	if value == x.value {
		return true, ""
	}
	if since == "" {
		since = " all the time"
	}
	return false, "it was " + scalarText(value) + since
}

// others tells what there was of the same sort.
func (r *runner) others(x *expectation) string {
	var list []string
	for i := range r.facts {
		f := &r.facts[i]
		if f.at < 0 {
			continue
		}
		same := false
		switch x.about {
		case aboutCall, aboutNotify, aboutLog, aboutPlates, aboutCamera:
			same = f.kind == factCall
		case aboutRelay:
			same = f.kind == factRelay && f.name == x.relay
		case aboutRule:
			same = f.kind == factFiring && x.key != "" && f.rule == x.rule
		}
		if same {
			list = append(list, fmt.Sprintf("at %s %s", seconds(f.at), f.text))
		}
	}
	if len(list) == 0 {
		return ""
	}
	if n := len(list) - 3; n > 0 {
		list = append(list[:3], fmt.Sprintf("and %d more", n))
	}
	return "; there was: " + strings.Join(list, "; ")
}

// because tells whether a reason holds, and if not what is known.
func (r *runner) because(x *expectation, b *because, w *watch) (bool, string) {
	from, to := x.window()
	from = max(from, 0)
	if b.part != "" {
		s := w.nearest(from, to)
		ok := false
		w.within(from, to, func(l *sight) {
			least, _ := s.Short()
			n, _ := l.Short()
			ok = ok || inTheWay(l.While, b.part, engine.True) || n == least && inTheWay(l.When, b.part, engine.True)
		})
		switch {
		case ok:
			return true, ""
		case s == nil:
			return false, "the rule was not looked at: " + nothingFor(w.rule)
		}
		return false, fmt.Sprintf("that part was not in the way at %s, when the rule was nearest to firing", seconds(s.at))
	}
	var held []string
	for i := range r.facts {
		f := &r.facts[i]
		if f.rule != b.rule || f.at < from || f.at > to || f.reason == "" || f.kind != factHeld && f.kind != factFiring {
			continue
		}
		if f.reason == b.reason {
			return true, ""
		}
		held = append(held, fmt.Sprintf("at %s %s", seconds(f.at), f.reason))
	}
	switch {
	case b.reason == "mode" && w.rule.Mode == engine.ModeOff:
		return true, ""
	case b.reason == "for" && r.fired(b.rule, from, to):
		// It was held back for a while, then it fired.
	case w.held(b.reason, from, to) != nil:
		return true, ""
	}
	if len(held) == 0 {
		return false, "nothing of the kind held the rule back"
	}
	if n := len(held) - 3; n > 0 {
		held = append(held[:3], fmt.Sprintf("and %d more", n))
	}
	return false, "what held it back was: " + strings.Join(held, ", ")
}

func (r *runner) fired(rule string, from, to time.Duration) bool {
	return slices.ContainsFunc(r.facts, func(f fact) bool { return f.kind == factFiring && f.rule == rule && f.at >= max(from, 0) && f.at <= to })
}

// concerned are the rules that a failed expectation is about.
func (r *runner) concerned(x *expectation, o *Options) []string {
	if x.rule != "" {
		return []string{x.rule}
	}
	var out []string
	add := func(name string) {
		if name != "" && !contains(out, name) && len(out) < maxWhy {
			out = append(out, name)
		}
	}
	if x.about == aboutNothing {
		for i := range r.facts {
			if f := &r.facts[i]; f.at >= 0 && x.during(f.at) && (f.kind == factFiring || f.kind == factRelay) {
				add(f.rule)
			}
		}
		return out
	}
	for _, rule := range o.Rules.Rules {
		for _, steps := range [][]engine.Step{rule.Do, rule.Finally} {
			for i := range steps {
				if x.mayDo(&steps[i]) {
					add(rule.Name)
				}
			}
		}
	}
	return out
}

// mayDo tells whether a step could do what is expected.
func (x *expectation) mayDo(s *engine.Step) bool {
	switch a := s.Args.(type) {
	case engine.RelayArgs:
		return x.about == aboutRelay && a.Relay == x.relay
	case engine.FlagArgs:
		return x.about == aboutFlag && a.Flag == x.flag
	case engine.CameraArgs:
		return x.about == aboutCamera && a.Camera == x.name
	}
	switch s.Verb() {
	case engine.VerbNotify:
		return x.about == aboutNotify
	case engine.VerbPlates:
		return x.about == aboutPlates
	case engine.VerbLog:
		return x.about == aboutLog
	case engine.VerbHTTP, engine.VerbRun, engine.VerbShell, engine.VerbMQTT:
		return x.about == aboutCall
	}
	return false
}
