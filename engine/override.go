package engine

import (
	"math"
	"slices"
	"strings"
	"time"
)

// MaxOverrides bounds the rules that have another mode than their file says.
const MaxOverrides = 10_000

// Override is the mode that somebody gave a rule instead of the one in its file. It
// belongs to the rule's name, and outlasts reloads and restarts.
type Override struct {
	Rule string
	Mode Mode
	// Until is when the file counts again, by the wall clock; zero = until it is taken back.
	Until time.Time
	// Who set it, and At when, by the wall clock, are carried for people to see.
	Who string
	At  time.Time
}

// override is one in force.
type override struct {
	Override
	timer *timer
}

// endMode is why a firing is over whose rule was given another mode.
const endMode = "mode"

// Override gives a rule another mode than its file says; nil gives it the file's again.
// It is an input like any other. The rule is ended as by a reload, but its relays are
// let go at once, and what it has still to do later is not done, unless that tells
// somebody or turns something off. Nothing is moved by it: of what is already true for
// the rule in its new mode not even `follow` is done. A rule that there is not has its
// mode when it comes.
func (e *Engine) Override(at Instant, rule string, o *Override) []Decision {
	e.begin(at)
	e.setMode(rule, o)
	e.settle()
	return e.out
}

// Overrides are the modes that rules have instead of those in their files, by name.
func (e *Engine) Overrides() []Override {
	out := make([]Override, 0, len(e.overrides))
	for _, o := range e.overrides {
		out = append(out, o.Override)
	}
	return out
}

// Written is the set in force as its files say, where [Engine.Ruleset] has the modes
// that rules were given instead.
func (e *Engine) Written() *Ruleset { return e.written }

// setMode notes an override, or takes one back, and puts the set with it in force.
func (e *Engine) setMode(rule string, o *Override) {
	i, found := e.findOverride(rule)
	if o == nil && !found || o != nil && !found && len(e.overrides) >= MaxOverrides {
		return
	}
	e.altered++
	if found {
		e.timers.stop(e.overrides[i].timer)
		e.overrides = slices.Delete(e.overrides, i, i+1)
	}
	if o != nil {
		x := newOverride(*o)
		x.Rule = rule
		e.overrides = slices.Insert(e.overrides, i, x)
		e.lapse(x)
	}
	rs := overridden(e.written, e.overrides)
	was := e.byName[rule]
	if was == nil || was.Mode == rs.Rules[was.number].Mode {
		return
	}
	switch rs.Rules[was.number].Mode {
	case ModeShadow:
		e.giveUp(rule, "shadow")
	case ModeOff:
		e.giveUp(rule, endMode)
	}
	e.muting = true
	e.swap(rs, endMode)
	e.muting = false
}

func newOverride(o Override) *override {
	o.Until, o.At = o.Until.Round(0), o.At.Round(0)
	x := &override{Override: o}
	x.timer = newWallTimer(x)
	return x
}

func (e *Engine) findOverride(rule string) (int, bool) {
	return slices.BinarySearchFunc(e.overrides, rule, func(o *override, name string) int { return strings.Compare(o.Rule, name) })
}

// giveUp lets nothing move that a rule's firings have still to do, also when the rule has
// its mode again before that is due. why is the reason.
func (e *Engine) giveUp(rule, why string) {
	skip := func(run *stepRun) {
		if run.firing.Rule.Name != rule {
			return
		}
		for i := run.next; i < len(run.steps); i++ {
			if p := &run.steps[i]; p.skip == "" && !p.lets() {
				p.skip = why
			}
		}
	}
	for _, t := range e.timers.heap {
		if run, ok := t.task.(*stepRun); ok {
			skip(run)
		}
	}
	for _, run := range e.waiting {
		skip(run)
	}
}

// lapse sets when an override ends by itself. While the clock is not set nobody knows.
func (e *Engine) lapse(o *override) {
	e.timers.stop(o.timer)
	if !o.Until.IsZero() && e.clockOK() {
		left := min(o.Until.Sub(e.now.Wall), math.MaxInt64-e.now.Mono) // it may be centuries away
		e.timers.set(o.timer, max(e.now.Mono, e.now.Mono+left))
	}
}

// due is the end of an override.
func (o *override) due(e *Engine) {
	if e.now.Wall.Before(o.Until) {
		e.lapse(o) // the clock was moved
		return
	}
	e.setMode(o.Rule, nil)
	if e.opts.Lapsed != nil {
		e.opts.Lapsed(o.Override)
	}
}

// overridden is a set with the modes that rules were given; the set itself when they
// change nothing.
func overridden(rs *Ruleset, list []*override) *Ruleset {
	if len(list) == 0 {
		return rs
	}
	modes := make(map[string]Mode, len(list))
	for _, o := range list {
		modes[o.Rule] = o.Mode
	}
	var out *Ruleset
	for i, r := range rs.Rules {
		mode, ok := modes[r.Name]
		if !ok || mode == r.Mode {
			continue
		}
		if out == nil {
			c := *rs
			c.Rules = slices.Clone(rs.Rules)
			out = &c
		}
		c := *r
		c.Mode, c.Identity = mode, r.Identity+"/"+mode.String()
		out.Rules[i] = &c
	}
	if out == nil {
		return rs
	}
	return out
}

// savedOverride is an Override as it is written.
type savedOverride struct {
	Rule  string    `json:"rule"`
	Mode  string    `json:"mode"`
	Until time.Time `json:"until,omitzero"`
	Who   string    `json:"who,omitempty"`
	At    time.Time `json:"at,omitzero"`
}

func saveOverrides(list []*override) []savedOverride {
	var out []savedOverride
	for _, o := range list {
		if len(o.Rule) > maxSavedText || len(o.Who) > maxSavedText {
			continue
		}
		out = append(out, savedOverride{o.Rule, o.Mode.String(), o.Until.UTC(), o.Who, o.At.UTC()})
	}
	return out
}

// checkOverrides says what is wrong with written overrides; empty for nothing.
func checkOverrides(list []savedOverride) string {
	if len(list) > MaxOverrides {
		return "there are too many overrides"
	}
	for _, o := range list {
		_, known := ParseMode(o.Mode)
		switch {
		case o.Rule == "" || len(o.Rule) > maxSavedText || len(o.Who) > maxSavedText:
			return "a name is empty or too long"
		case !known:
			return "there is no such mode"
		case o.Until.Year() > 9999 || o.Until.Year() < 0 || o.At.Year() > 9999 || o.At.Year() < 0:
			return "a time is out of bounds"
		}
	}
	return ""
}

// openOverrides makes written overrides those of an engine, in order of their names,
// each rule's last. Their ends are not set.
func openOverrides(list []savedOverride) []*override {
	byName := make(map[string]*override, len(list))
	for _, s := range list {
		mode, _ := ParseMode(s.Mode)
		byName[s.Rule] = newOverride(Override{s.Rule, mode, s.Until, s.Who, s.At})
	}
	out := make([]*override, 0, len(byName))
	for _, o := range byName {
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b *override) int { return strings.Compare(a.Rule, b.Rule) })
	return out
}

// Overrides are the modes that rules had instead of those in their files.
func (s State) Overrides() []Override {
	var out []Override
	for _, o := range openOverrides(s.saved.Overrides) {
		out = append(out, o.Override)
	}
	return out
}

// WithOverrides is the state with these modes in the place of those that it holds.
func (s State) WithOverrides(list []Override) State {
	all := make([]*override, 0, len(list))
	for _, o := range list {
		all = append(all, newOverride(o))
	}
	s.saved.Overrides = saveOverrides(all)
	return s
}

// EncodeOverrides gives overrides as JSON, for [DecodeOverrides].
func EncodeOverrides(list []Override) ([]byte, error) {
	return State{}.WithOverrides(list).Encode()
}

// DecodeOverrides reads what [EncodeOverrides] wrote. Anything else is an error.
func DecodeOverrides(b []byte) ([]Override, error) {
	s, err := DecodeState(b)
	if err != nil {
		return nil, err
	}
	return s.Overrides(), nil
}

// restoreOverrides takes up the overrides of an earlier run that are not over.
func (e *Engine) restoreOverrides(list []savedOverride) {
	for _, o := range openOverrides(list) {
		if !o.Until.IsZero() && e.clockOK() && !e.now.Wall.Before(o.Until) {
			continue
		}
		e.overrides = append(e.overrides, o)
		e.lapse(o)
	}
	e.rs = overridden(e.written, e.overrides)
}
