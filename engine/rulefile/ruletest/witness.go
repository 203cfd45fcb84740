package ruletest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/scene"
)

// maxLooks bounds the looks that are kept of one rule.
const maxLooks = 200_000

// witness sees every look at some rules, all parts of their conditions, none cut
// short. It sees also the looks that the engine's index saves.
type witness struct {
	rules []*watch
}

// watch is one rule with what was seen of it.
type watch struct {
	rule   *engine.Rule
	when   *tree
	while  *tree
	looks  []sight // at the condition
	whiles []sight // at `while`, whenever it was judged
}

// sight is one look.
type sight struct {
	at      time.Duration
	subject string
	truth   engine.Truth
	parts   []engine.Truth // of each part of the tree
	values  []string       // of each part
	far     int            // how many parts would have to be otherwise
	near    time.Duration  // of equals the longer dwell is nearer
}

// tree is a condition with the means to show it.
type tree struct {
	cond   *engine.Cond
	parts  []*engine.Cond // the whole first, every part before its own
	probes [][]probe
}

// probe reads one value that a part names.
type probe struct {
	name string
	read func(*engine.Look) (text string, dwell time.Duration)
}

// newWitness watches the rules of these names.
func newWitness(o *Options, names []string) *witness {
	w := &witness{}
	for _, n := range names {
		if r := o.rule(n); r != nil {
			w.rules = append(w.rules, &watch{rule: r, when: newTree(r.When, o.Rules), while: newTree(r.While, o.Rules)})
		}
	}
	return w
}

func newTree(c *engine.Cond, rs *engine.Ruleset) *tree {
	if c == nil {
		return nil
	}
	t := &tree{cond: c}
	walkParts(c, func(c *engine.Cond) {
		t.parts = append(t.parts, c)
		var p []probe
		if c.Op == engine.CondLeaf {
			p = probes(c.Text, rs)
		}
		t.probes = append(t.probes, p)
	})
	return t
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

// watched is the rule itself, or one that tells its looks and decides the same.
func (w *witness) watched(r *engine.Rule, rs *engine.Ruleset) *engine.Rule {
	x := w.find(r.Name)
	if x == nil {
		return r
	}
	c := *r
	// The index leaves out looks that cannot be true. Here they are wanted.
	c.Need = engine.Need{Cameras: r.Need.Cameras}
	c.When = &engine.Cond{Test: func(l *engine.Look) engine.Truth {
		if x.when == nil {
			x.looks = append(x.looks, sight{at: l.Instant().Mono - origin, subject: subject(l), truth: engine.True})
			return engine.True
		}
		return x.when.look(l, &x.looks)
	}}
	if x.while != nil {
		c.While = &engine.Cond{Test: func(l *engine.Look) engine.Truth { return x.while.look(l, &x.whiles) }}
	}
	return &c
}

// look evaluates all parts, then the condition as the engine does.
func (t *tree) look(l *engine.Look, into *[]sight) engine.Truth {
	s := sight{at: l.Instant().Mono - origin, subject: subject(l), parts: make([]engine.Truth, 0, len(t.parts))}
	s.judge(t.cond, l)
	s.far, _ = distance(t.cond, s.parts, engine.True)
	s.values = make([]string, len(t.parts))
	for i, list := range t.probes {
		var texts []string
		for _, p := range list {
			text, dwell := p.read(l)
			texts = append(texts, p.name+" is "+text)
			if s.parts[i] != engine.True {
				s.near += dwell
			}
		}
		s.values[i] = strings.Join(texts, ", ")
	}
	s.truth = t.cond.Eval(l)
	if len(*into) < maxLooks {
		*into = append(*into, s)
	}
	return s.truth
}

// judge fills the truth of every part, without leaving any out.
func (s *sight) judge(c *engine.Cond, l *engine.Look) engine.Truth {
	at := len(s.parts)
	s.parts = append(s.parts, engine.Unknown)
	var t engine.Truth
	switch c.Op {
	case engine.CondLeaf:
		t = c.Test(l)
	case engine.CondNot:
		t = s.judge(c.Kids[0], l).Not()
	case engine.CondAnd:
		t = engine.True
		for _, k := range c.Kids {
			switch s.judge(k, l) {
			case engine.False:
				t = engine.False
			case engine.Unknown:
				if t == engine.True {
					t = engine.Unknown
				}
			}
		}
	default:
		t = engine.False
		for _, k := range c.Kids {
			switch s.judge(k, l) {
			case engine.True:
				t = engine.True
			case engine.Unknown:
				if t == engine.False {
					t = engine.Unknown
				}
			}
		}
	}
	s.parts[at] = t
	return t
}

// distance is how many leaves would have to be otherwise for a part to be as
// wanted, and how many places the part takes in the list of truths.
func distance(c *engine.Cond, parts []engine.Truth, want engine.Truth) (far, size int) {
	if c.Op == engine.CondLeaf {
		if parts[0] == want {
			return 0, 1
		}
		return 1, 1
	}
	if c.Op == engine.CondNot {
		far, size = distance(c.Kids[0], parts[1:], want.Not())
		return far, size + 1
	}
	all := (c.Op == engine.CondAnd) == (want == engine.True)
	size = 1
	least := -1
	for _, k := range c.Kids {
		f, n := distance(k, parts[size:], want)
		size += n
		far += f
		if least < 0 || f < least {
			least = f
		}
	}
	if !all {
		far = least
	}
	return far, size
}

// subject is what a look is about: a target, a plate, a camera, a name.
func subject(l *engine.Look) string {
	cam, _ := l.Camera()
	if id, ok := l.TargetID(); ok {
		return cam + "/" + strconv.FormatUint(id, 10)
	}
	if p := l.Plate(); p != nil {
		return cam + ", plate " + p.Number
	}
	if ev := l.Event(); ev != nil && ev.Name != "" {
		return ev.Name
	}
	return cam
}

// nearest is the look within a span of time that was nearest to being true; nil when there was none.
func (x *watch) nearest(from, to time.Duration) *sight {
	var best *sight
	for i := range x.looks {
		s := &x.looks[i]
		if s.at < from || s.at > to {
			continue
		}
		if best == nil || s.far < best.far || s.far == best.far && s.near > best.near {
			best = s
		}
	}
	return best
}

// closed is the last time within a span that `while` was judged and not true, or
// how it stood when the span began; nil when it was true all the time.
func (x *watch) closed(from, to time.Duration) *sight {
	var found *sight
	for i := range x.whiles {
		s := &x.whiles[i]
		if s.at > to {
			break
		}
		if s.at <= from {
			found = nil // an earlier answer does not reach into the span
		}
		if s.truth != engine.True {
			found = s
		}
	}
	return found
}

// keptFrom tells whether a part was in the way on a look.
func (t *tree) keptFrom(text string, s *sight) bool {
	if s == nil || len(s.parts) != len(t.parts) {
		return false
	}
	found := false
	var walk func(c *engine.Cond, i int, want engine.Truth) int
	walk = func(c *engine.Cond, i int, want engine.Truth) int {
		if c.Text == text && s.parts[i] != want {
			found = true
		}
		if c.Op == engine.CondNot {
			want = want.Not()
		}
		next := i + 1
		for _, k := range c.Kids {
			next = walk(k, next, want)
		}
		return next
	}
	walk(t.cond, 0, engine.True)
	return found
}

// has tells whether a condition has a part of this source.
func (t *tree) has(text string) bool {
	if t == nil {
		return false
	}
	for _, c := range t.parts {
		if c.Text == text {
			return true
		}
	}
	return false
}

// lines shows a look at a condition, a line a part.
func (t *tree) lines(s *sight) []string {
	var out []string
	if s == nil || len(s.parts) != len(t.parts) {
		return nil
	}
	var walk func(c *engine.Cond, i, indent int) int
	put := func(i, indent int, text string) {
		line := fmt.Sprintf("%-7s  %s%s", s.parts[i], strings.Repeat("  ", indent), text)
		if v := s.values[i]; v != "" {
			line += "   (" + v + ")"
		}
		out = append(out, line)
	}
	walk = func(c *engine.Cond, i, indent int) int {
		switch {
		case c.Op == engine.CondLeaf:
			put(i, indent, c.Text)
			return i + 1
		case c.Op == engine.CondNot && c.Kids[0].Op == engine.CondLeaf:
			if s.values[i] == "" {
				s.values[i] = s.values[i+1]
			}
			put(i, indent, c.Text)
			return i + 2
		case c.Op == engine.CondNot:
			put(i, indent, "not:")
			return walk(c.Kids[0], i+1, indent+1)
		case c.Op == engine.CondOr:
			put(i, indent, "any of:")
			indent++
		case i > 0:
			put(i, indent, "all of:")
			indent++
		}
		next := i + 1
		for _, k := range c.Kids {
			next = walk(k, next, indent)
		}
		return next
	}
	walk(t.cond, 0, 0)
	return out
}

// probes finds the values that a part of a condition names.
func probes(text string, rs *engine.Ruleset) []probe {
	named := regexp.MustCompile(`\b(dwell|occupancy|overlap|flag|contact|relay|since)\("([^"]*)"(?:, ?"([^"]*)")?\)|\b(plate|target|alarm|camera|face|event)\.(\w+)`)
	var out []probe
	seen := make(map[string]bool)
	for _, m := range named.FindAllStringSubmatch(text, -1) {
		if seen[m[0]] {
			continue
		}
		seen[m[0]] = true
		var read func(*engine.Look) (string, time.Duration)
		if m[1] != "" {
			read = callProbe(m[1], m[2], m[3], rs)
		} else {
			read = fieldProbe(m[4], m[5])
		}
		if read != nil {
			out = append(out, probe{m[0], read})
		}
	}
	return out
}

const unknown = "unknown"

func callProbe(word, name, more string, rs *engine.Ruleset) func(*engine.Look) (string, time.Duration) {
	zone := engine.ZoneRef(-1)
	for i, z := range rs.Zones {
		if z.Name == name {
			zone = engine.ZoneRef(i)
		}
	}
	truth := func(t engine.Truth) string {
		return map[engine.Truth]string{engine.True: "on", engine.False: "off", engine.Unknown: unknown}[t]
	}
	switch word {
	case "flag":
		return func(l *engine.Look) (string, time.Duration) { v, _ := l.Flag(name); return scalarText(v), 0 }
	case "contact":
		return func(l *engine.Look) (string, time.Duration) { return truth(l.Contact(name).On), 0 }
	case "relay":
		return func(l *engine.Look) (string, time.Duration) { return truth(l.Relay(name).On), 0 }
	case "since":
		return func(l *engine.Look) (string, time.Duration) {
			if d, ok := l.Since(name); ok {
				return seconds(d), 0
			}
			return unknown, 0
		}
	}
	if zone < 0 {
		return nil
	}
	switch word {
	case "dwell":
		return func(l *engine.Look) (string, time.Duration) {
			if d, ok := l.Dwell(zone); ok {
				return seconds(d), d
			}
			return unknown, 0
		}
	case "overlap":
		return func(l *engine.Look) (string, time.Duration) { n, ok := l.Overlap(zone); return numberText(n, ok), 0 }
	case "occupancy":
		class, _ := scene.ParseClass(more)
		return func(l *engine.Look) (string, time.Duration) {
			n, ok := l.Occupancy(zone, class)
			return numberText(n, ok), 0
		}
	}
	return nil
}

func numberText(n int, ok bool) string {
	if !ok {
		return unknown
	}
	return strconv.Itoa(n)
}

func fieldProbe(thing, field string) func(*engine.Look) (string, time.Duration) {
	f := map[string]func(l *engine.Look) (string, bool){
		"plate.number": func(l *engine.Look) (string, bool) {
			return quotedOr(l.Plate(), func(p *engine.Plate) string { return p.Number })
		},
		"plate.list": func(l *engine.Look) (string, bool) {
			return quotedOr(l.Plate(), func(p *engine.Plate) string { return p.List })
		},
		"plate.heading": func(l *engine.Look) (string, bool) {
			return quotedOr(l.Plate(), func(p *engine.Plate) string { return p.Heading })
		},
		"plate.color": func(l *engine.Look) (string, bool) {
			return quotedOr(l.Plate(), func(p *engine.Plate) string { return p.Color })
		},
		"plate.on": func(l *engine.Look) (string, bool) {
			return quotedOr(l.Plate(), func(p *engine.Plate) string { return p.Number })
		},
		"plate.looks": func(l *engine.Look) (string, bool) {
			return quotedOr(l.Plate(), func(p *engine.Plate) string { return p.Number })
		},
		"plate.near": func(l *engine.Look) (string, bool) {
			return quotedOr(l.Plate(), func(p *engine.Plate) string { return p.Number })
		},
		"plate.confidence": confidence,
		"plate.reads":      func(l *engine.Look) (string, bool) { n, ok := l.PlateReads(); return strconv.Itoa(n), ok },
		"target.class":     func(l *engine.Look) (string, bool) { c, ok := l.TargetClass(); return c.String(), ok },
		"target.id":        func(l *engine.Look) (string, bool) { n, ok := l.TargetID(); return strconv.FormatUint(n, 10), ok },
		"target.age":       func(l *engine.Look) (string, bool) { d, ok := l.TargetAge(); return seconds(d), ok },
		"target.speed":     func(l *engine.Look) (string, bool) { v, ok := l.Speed(); return strconv.FormatFloat(v, 'f', 0, 64), ok },
		"target.heading": func(l *engine.Look) (string, bool) {
			v, ok := l.Heading()
			return strconv.FormatFloat(v, 'f', 0, 64), ok
		},
		"alarm.name": func(l *engine.Look) (string, bool) {
			return quotedOr(l.Event(), func(e *engine.Event) string {
				if e.Alarm == nil {
					return ""
				}
				return e.Alarm.Name
			})
		},
		"camera.name":   func(l *engine.Look) (string, bool) { return l.Camera() },
		"camera.online": func(l *engine.Look) (string, bool) { return l.CameraOnline().String(), true },
		"event.name": func(l *engine.Look) (string, bool) {
			return quotedOr(l.Event(), func(e *engine.Event) string { return e.Name })
		},
		"event.status": func(l *engine.Look) (string, bool) {
			return quotedOr(l.Event(), func(e *engine.Event) string { return e.Status.String() })
		},
		"face.match": func(l *engine.Look) (string, bool) {
			return quotedOr(l.Event(), func(e *engine.Event) string {
				if e.Face == nil {
					return ""
				}
				return e.Face.Match
			})
		},
	}[thing+"."+field]
	if f == nil {
		return nil
	}
	return func(l *engine.Look) (string, time.Duration) {
		if s, ok := f(l); ok {
			return s, 0
		}
		return unknown, 0
	}
}

func confidence(l *engine.Look) (string, bool) {
	p := l.Plate()
	if p == nil || !p.HasConfidence {
		return "", false
	}
	return strconv.FormatFloat(p.Confidence, 'f', -1, 64), true
}

// quotedOr is a text of something that may be absent; empty is unknown.
func quotedOr[T any](of *T, get func(*T) string) (string, bool) {
	if of == nil {
		return "", false
	}
	s := get(of)
	return strconv.Quote(s), s != ""
}
