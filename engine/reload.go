package engine

import (
	"slices"
	"time"

	"github.com/sallyport/sallyport/engine/scene"
)

// Swap puts another rule set in force at an instant. Everything that can fail was
// done before: a Ruleset is complete. State stays with what did not change; a
// changed rule is ended, and what is already true for the new one is a first look.
func (e *Engine) Swap(at Instant, rs *Ruleset) []Decision {
	e.begin(at)
	e.written = rs
	e.swap(overridden(rs, e.overrides), endReload)
	return e.out
}

// swap puts a set in force; why is the reason for the end of rules that it changes.
func (e *Engine) swap(rs *Ruleset, why string) {
	e.altered++
	e.swapping = true
	kept := make(map[string]*ruleState, len(rs.Rules))
	for _, r := range rs.Rules {
		kept[r.Identity] = nil
	}
	for _, r := range e.rules {
		if was, ok := kept[r.Identity]; ok && was == nil {
			kept[r.Identity] = r
			continue
		}
		e.endAll(r, why)
	}
	for _, c := range e.cams {
		if rs.Camera(c.name) < 0 {
			e.dropCamera(c)
		}
	}
	e.swapCameras(rs)
	e.swapFlags(rs)
	e.rs = rs
	clear(e.judged)
	byName := e.byName
	e.install(kept)
	// Nobody asks for rules that are gone, and they must not pile up until somebody asks at all.
	e.stirred = slices.DeleteFunc(e.stirred, func(r *ruleState) bool { return e.byName[r.Name] != r })
	for _, r := range e.rules {
		if was := byName[r.Name]; was != nil && was != r {
			e.inherit(r, was)
		}
	}
	e.first(func(r *ruleState) bool { return kept[r.Identity] != r })
	if why != endMode { // another mode changes nothing that other rules read
		e.changed = e.watched
	}
	e.settle()
	e.swapping = false
}

// swapFlags keeps the flags whose type stays.
func (e *Engine) swapFlags(rs *Ruleset) {
	e.flagged++
	was := e.flags
	e.flags = make(map[string]flag, len(rs.Flags))
	for _, f := range rs.Flags {
		if old, ok := was[f.Name]; ok && old.value.Type == f.Initial.Type {
			e.flags[f.Name] = old
			continue
		}
		e.flags[f.Name] = flag{value: f.Initial, since: e.now.Mono}
	}
}

// swapCameras gives every camera its new layout. Cameras stay by their name.
func (e *Engine) swapCameras(rs *Ruleset) {
	was := e.cams
	e.cams = nil
	for i, def := range rs.Cameras {
		n := slices.IndexFunc(was, func(c *camera) bool { return c.name == def.Name })
		if n < 0 {
			e.cams = append(e.cams, e.newCamera(i, def))
			continue
		}
		cam := was[n]
		cam.number = i
		cam.scene.SetLayout(def.Layout, e.opts.Tracking, e.now.Mono)
		cam.looks++
		e.sceneChanged(cam)
		cam.nextDue()
		e.cams = append(e.cams, cam)
	}
}

// dropCamera ends what is active because of a camera that is no longer there.
func (e *Engine) dropCamera(c *camera) {
	e.timers.stop(c.offline)
	for _, v := range slices.Clone(c.visits) {
		e.endVisit(c, v)
	}
	for _, r := range e.rules {
		for _, ks := range sortedKeys(r) {
			for _, s := range slices.Clone(ks.subjects) {
				if s.cam == c {
					e.prepareKey(ks)
					e.release(ks, s)
				}
			}
		}
	}
}

// install makes the states of the set's rules; kept ones go on, by identity.
func (e *Engine) install(kept map[string]*ruleState) {
	for _, r := range e.rules {
		if kept[r.Identity] != r {
			e.timers.stop(r.wake)
			for _, t := range r.crons {
				e.timers.stop(t)
			}
		}
	}
	was := e.rules
	e.rules = nil
	var fresh []*ruleState
	for i, def := range e.rs.Rules {
		r := kept[def.Identity]
		if r == nil || slices.Contains(e.rules, r) {
			r = newRuleState(def)
			fresh = append(fresh, r)
		}
		r.Rule, r.number = def, i
		e.rules = append(e.rules, r)
	}
	e.wire()
	for _, r := range fresh {
		for i := range r.crons {
			e.setCron(r, i, e.now.Wall)
		}
	}
	for _, c := range e.cams {
		for _, tt := range c.targets {
			live := newBits(len(e.rules))
			for i, r := range was {
				if tt.live.has(i) && r.number < len(e.rules) && e.rules[r.number] == r {
					live.set(r.number)
				}
			}
			tt.live = live
		}
	}
}

// newRuleState makes the state of a rule that remembers nothing. Its timers are not set.
func newRuleState(def *Rule) *ruleState {
	r := &ruleState{Rule: def, keys: make(map[keyID]*keyState)}
	r.wake = newWallTimer(wake{r})
	if def.Mode == ModeOff {
		return r
	}
	r.cronAt, r.lastCron = make([]time.Time, len(def.Crons)), make([]time.Time, len(def.Crons))
	for i := range def.Crons {
		r.crons = append(r.crons, newWallTimer(cronTask{r, i}))
	}
	return r
}

// wire makes what follows from the set in force and the states of its rules.
func (e *Engine) wire() {
	e.byName = make(map[string]*ruleState, len(e.rules))
	e.watch, e.watched = nil, 0
	e.keepCounts()
	for k := range e.byKind {
		e.byKind[k] = nil
	}
	for _, r := range e.rules {
		r.tried = slices.ContainsFunc(r.Do, once) || slices.ContainsFunc(r.Finally, once)
		r.pulses = slices.ContainsFunc(r.Do, pulses) || slices.ContainsFunc(r.Finally, pulses)
		e.byName[r.Name] = r
		if r.Mode == ModeOff {
			continue
		}
		for _, k := range r.On {
			if !slices.Contains(e.byKind[k], r) {
				e.byKind[k] = append(e.byKind[k], r)
			}
		}
		if r.While != nil || len(r.On) == 0 {
			e.watch = append(e.watch, r)
			e.watched |= r.Reads
		}
	}
	for _, c := range e.cams {
		c.index = newIndex(e.rs, c.number)
	}
	e.union = newBits(len(e.rules))
	e.cand = nil
}

// inherit gives a changed rule what its forerunner of the same name remembers:
// cooldowns, limits, since, and the visits it fired in.
func (e *Engine) inherit(r, was *ruleState) {
	r.fired, r.order = was.fired, was.order
	if r.Per != was.Per {
		return
	}
	for _, old := range sortedKeys(was) {
		e.timers.stop(old.timer)
		fired := old.visit != nil && !old.visit.over && old.spent != 0
		if old.cooldown <= e.now.Mono && len(old.limits) == 0 && !fired {
			continue
		}
		ks := e.newKey(r, old.id, old.text)
		ks.cooldown, ks.limits = old.cooldown, slices.Clone(old.limits) // both may be cut
		if fired {
			ks.visit, ks.spent = old.visit, old.spent
			old.visit.keys = append(old.visit.keys, ks)
		}
		e.forget(ks)
	}
}

func once(s Step) bool { return s.TriedOnce() }

func pulses(s Step) bool {
	a, ok := s.Args.(RelayArgs)
	return ok && a.Op == RelayPulse
}

// first is the first look of rules at a start or after a reload: what is already
// true becomes active, and of its steps only `follow` is done.
func (e *Engine) first(want func(*ruleState) bool) {
	for _, r := range e.rules {
		if r.Mode == ModeOff || !want(r) {
			continue
		}
		if r.While != nil || len(r.On) == 0 {
			e.judgeRule(r, true)
		}
		if r.While == nil {
			e.lookAgain(r, true)
		}
	}
}

// Stop ends every rule, in order: leases go, and of `finally` only what tells or
// turns off is done.
func (e *Engine) Stop(at Instant) []Decision {
	e.begin(at)
	for _, r := range e.rules {
		e.endAll(r, endStop)
	}
	for len(e.orphans) > 0 {
		e.endOrphan(e.orphans[0])
	}
	return e.out
}

// Online says whether a camera posts; unknown until it did.
func (e *Engine) Online(camera string) Truth {
	if n := e.rs.Camera(camera); n >= 0 {
		return e.cams[n].online
	}
	return Unknown
}

// Targets gives the live targets of a camera in order of appearance, for people to see.
func (e *Engine) Targets(camera string) []*scene.Target {
	if n := e.rs.Camera(camera); n >= 0 {
		return e.cams[n].scene.Targets()
	}
	return nil
}
