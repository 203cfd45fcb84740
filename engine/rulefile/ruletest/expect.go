package ruletest

import (
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/engine"
	"go.yaml.in/yaml/v4"
)

// what an expectation is about.
type about uint8

const (
	aboutNothing about = iota // no rule fires, no relay moves
	aboutRelay                // a relay switches, or is on or off
	aboutFlag
	aboutRule // a rule fires
	aboutCall // http, run, shell, mqtt
	aboutNotify
	aboutPlates
	aboutCamera
	aboutLog
	aboutEnter
	aboutLeave
	aboutCross
	aboutBecause // only why something did not happen
)

// usual is how far what happens may be from `at:` when `within:` is not written.
const usual = 100 * time.Millisecond

// expectation is one entry of `expect:`.
type expectation struct {
	about     about
	line, col int
	hasAt     bool
	at        time.Duration
	within    time.Duration
	hasWithin bool

	rule, key string
	relay     string
	hasIs, on bool
	flag      string
	value     engine.Scalar
	text      string // of a call, a notification or a log line: a part of it
	plates    engine.PlatesOp
	name      string // notifier, zone or line
	word      string // leave: the reason; cross: the direction
	number    string
	list      string
	to        string
	owner     string
	phone     string
	alarm     int  // a virtual alarm; 0: any, or a picture
	snapshot  bool // a picture; false: any, or a virtual alarm
	times     int  // exactly; -1: at least once
	reasons   []because
}

// because is why something did not happen.
type because struct {
	line, col int
	rule      string
	part      string // of the rule's condition: it was not true
	reason    string
}

// reasons are what can hold a rule or a step back.
func reasons() []string {
	return []string{
		"cooldown", "limit", "late", "loop", "unknown", "visit", "expired", "min_off", "daily_cap", "interlock", "fault", "while", "for", "shadow", "mode", "missed",
		"on", "active", "failed", "too many keys", "first look", "reload",
	}
}

func (r *fileReader) expectation(n *yaml.Node) {
	p, ok := r.mapping(n, "an expectation",
		"at", "within", "rule", "key", "fires", "relay", "is", "times", "call", "notify", "text", "plates", "number", "list", "to", "owner", "phone",
		"camera", "virtual_alarm", "snapshot", "log", "flag",
		"nothing", "enter", "leave", "cross", "reason", "direction", "because")
	if !ok {
		return
	}
	x := expectation{line: n.Line, col: n.Column, times: -1}
	before := len(r.problems)
	r.when(&x, p)
	common := []string{"at", "within", "because"}
	is := func(a about, name string, more ...string) {
		x.about = a
		r.only(p, name, append(common, more...)...)
	}
	switch {
	case p.has("nothing"):
		is(aboutNothing, "nothing", "nothing")
		if v, ok := r.level(p.get("nothing"), "nothing"); ok && !v {
			r.errorf(p.get("nothing"), "nothing is true, or not written")
		}
	case p.has("relay"):
		is(aboutRelay, "relay", "rule", "relay", "is", "times")
		r.relayIs(&x, p)
	case p.has("flag"):
		is(aboutFlag, "flag", "flag", "is")
		r.flagIs(&x, p)
	case p.has("call"):
		is(aboutCall, "call", "rule", "call", "times")
		x.text, _ = r.text(p.get("call"), "call")
	case p.has("notify"):
		is(aboutNotify, "notify", "rule", "notify", "text", "times")
		x.name, _ = r.text(p.get("notify"), "notify")
		x.text = r.optional(p, "text")
	case p.has("log"):
		is(aboutLog, "log", "rule", "log", "times")
		x.text, _ = r.text(p.get("log"), "log")
	case p.has("plates"):
		is(aboutPlates, "plates", "rule", "plates", "number", "list", "to", "owner", "phone", "times")
		s, _ := r.word(p.get("plates"), "plates", "add", "remove", "update", "move")
		for _, o := range []engine.PlatesOp{engine.PlatesAdd, engine.PlatesRemove, engine.PlatesUpdate, engine.PlatesMove} {
			if o.String() == s {
				x.plates = o
			}
		}
		x.number, x.list, x.to = r.optional(p, "number"), r.optional(p, "list"), r.optional(p, "to")
		x.owner, x.phone = r.optional(p, "owner"), r.optional(p, "phone")
	case p.has("camera"):
		is(aboutCamera, "camera", "rule", "camera", "virtual_alarm", "snapshot", "times")
		x.name, _ = r.named(p.get("camera"), "camera", r.names.cameras)
		if c := p.get("virtual_alarm"); c != nil {
			v, _ := r.integer(c, "virtual_alarm", 1, engine.MaxVirtualAlarm)
			x.alarm = int(v)
		}
		if c := p.get("snapshot"); c != nil {
			if x.snapshot, ok = r.level(c, "snapshot"); ok && !x.snapshot {
				r.errorf(c, "snapshot is true, or not written")
			}
			if x.alarm > 0 {
				r.errorf(c, "one step is a virtual alarm or a snapshot, not both")
			}
		}
	case p.has("enter"):
		is(aboutEnter, "enter", "enter", "times")
		x.name, _ = r.named(p.get("enter"), "zone", r.names.zones)
	case p.has("leave"):
		is(aboutLeave, "leave", "leave", "reason", "times")
		x.name, _ = r.named(p.get("leave"), "zone", r.names.zones)
		if c := p.get("reason"); c != nil {
			x.word, _ = r.word(c, "reason", "left", "lost", "offline")
		}
	case p.has("cross"):
		is(aboutCross, "cross", "cross", "direction", "times")
		x.name, _ = r.named(p.get("cross"), "line", r.names.lines)
		if c := p.get("direction"); c != nil {
			x.word, _ = r.word(c, "direction", "in", "out")
		}
	case p.has("rule"):
		is(aboutRule, "rule", "rule", "key", "fires")
		x.key = r.optional(p, "key")
	case p.has("because"):
		is(aboutBecause, "because")
	default:
		r.errorf(n, "an expectation has one of nothing, rule, relay, flag, call, notify, plates, camera, log, enter, leave, cross or because")
	}
	if c := p.get("rule"); c != nil {
		x.rule, _ = r.named(c, "rule", r.names.rules)
	}
	for _, key := range []string{"fires", "times"} {
		if c := p.get(key); c != nil {
			v, _ := r.integer(c, key, 0, 100_000)
			x.times = int(v)
		}
	}
	if c := p.get("because"); c != nil {
		items := []*yaml.Node{c}
		if c.Kind == yaml.SequenceNode {
			items = r.items(c, "because")
		}
		for _, c := range items {
			done := r.within("because: ")
			r.because(&x, c)
			done()
		}
	}
	if len(r.problems) == before {
		r.t.expect = append(r.t.expect, x)
	}
}

// when reads at and within.
func (r *fileReader) when(x *expectation, p *pairs) {
	if c := p.get("at"); c != nil {
		x.at, x.hasAt = r.moment(c, "at", true)
		if x.hasAt && r.t.until > 0 && x.at > r.t.until {
			r.errorf(c, "the test ends at %s, before this", seconds(r.t.until))
		}
	}
	x.within = usual
	if c := p.get("within"); c != nil {
		if !p.has("at") {
			r.errorf(c, "within says how far it may be from at, which is missing")
		}
		x.within, x.hasWithin = r.moment(c, "within", true)
	}
}

func (r *fileReader) optional(p *pairs, name string) string {
	n := p.get(name)
	if n == nil {
		return ""
	}
	s, _ := r.text(n, name)
	return s
}

func (r *fileReader) relayIs(x *expectation, p *pairs) {
	x.relay, _ = r.relay(p.get("relay"), false)
	is := p.get("is")
	switch {
	case is == nil && !p.has("times"):
		r.errorf(p.node, "say what is expected of the relay: is: on, is: off, or times: how often it goes on")
	case is == nil:
		x.on = true
	case p.has("times"):
		x.on, x.hasIs = r.level(is, "the relay")
	default:
		x.on, x.hasIs = r.level(is, "the relay")
		if !x.hasAt {
			r.errorf(is, "say when with at: (without within: it is on or off at that moment, with within: it goes on or off then)")
		}
	}
}

func (r *fileReader) flagIs(x *expectation, p *pairs) {
	name, ok := r.named(p.get("flag"), "flag", r.names.flags)
	is := p.get("is")
	switch {
	case is == nil:
		r.errorf(p.node, "say the flag's value with is:")
	case ok:
		x.flag = name
		x.value, _ = r.flagValue(is, &r.o.Rules.Flags[slices.Index(r.names.flags, name)])
	}
}

func (r *fileReader) because(x *expectation, n *yaml.Node) {
	p, ok := r.mapping(n, "because", "rule", "part", "reason")
	if !ok {
		return
	}
	b := because{line: n.Line, col: n.Column}
	var rule *engine.Rule
	if c := p.get("rule"); c == nil {
		r.errorf(n, "rule is missing: which rule did not fire")
	} else if s, ok := r.named(c, "rule", r.names.rules); ok {
		b.rule = s
		rule = r.o.rule(s)
	}
	part, why := p.get("part"), p.get("reason")
	switch {
	case (part == nil) == (why == nil):
		r.errorf(n, "because has a part of the rule's condition that was not true, or a reason (cooldown, limit, while, …)")
	case why != nil:
		b.reason, _ = r.word(why, "reason", reasons()...)
	default:
		s, ok := r.text(part, "part")
		if ok && rule != nil {
			b.part = r.part(part, rule, s)
		}
	}
	x.reasons = append(x.reasons, b)
}

// part finds a part of a rule's condition by its source.
func (r *fileReader) part(n *yaml.Node, rule *engine.Rule, text string) string {
	var known []string
	for _, c := range []*engine.Cond{rule.While, rule.When} {
		walkParts(c, func(c *engine.Cond) { known = append(known, c.Text) })
	}
	for _, k := range known {
		if sameSource(k, text) {
			return k
		}
	}
	var leaves []string
	for _, c := range []*engine.Cond{rule.While, rule.When} {
		walkParts(c, func(c *engine.Cond) {
			if c.Op == engine.CondLeaf {
				leaves = append(leaves, c.Text)
			}
		})
	}
	r.errorf(n, "the condition of rule %s has no part %s%s; its parts are %s", quoted(rule.Name), quoted(text), meant(text, known), strings.Join(leaves, ", "))
	return ""
}

// walkParts calls f for every part of a condition, the whole first.
func walkParts(c *engine.Cond, f func(*engine.Cond)) {
	if c == nil {
		return
	}
	f(c)
	for _, k := range c.Kids {
		walkParts(k, f)
	}
}

// sameSource compares two pieces of a condition: blanks, parentheses and the kind of quotes do not count.
func sameSource(a, b string) bool { return bareSource(a) == bareSource(b) }

func bareSource(s string) string {
	var b strings.Builder
	quote := rune(0)
	for _, c := range s {
		switch {
		case quote != 0 && c == quote:
			quote = 0
			c = '"'
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
			c = '"'
		case quote == 0 && strings.ContainsRune(" \t\n()", c):
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}
