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
	e.out = e.out[:0]
	e.advance(at)
	old := e.rules
	kept := make(map[string]*ruleState, len(old))
	for _, r := range rs.Rules {
		kept[r.Identity] = nil
	}
	for _, r := range old {
		if was, ok := kept[r.Identity]; ok && was == nil {
			kept[r.Identity] = r
			continue
		}
		e.endAll(r, endReload)
	}
	e.swapCameras(rs)
	for _, f := range rs.Flags {
		if was, ok := e.flags[f.Name]; !ok || was.value.Type != f.Initial.Type {
			e.flags[f.Name] = flag{value: f.Initial, since: e.now.Mono}
		}
	}
	for name := range e.flags {
		if !slices.ContainsFunc(rs.Flags, func(f FlagDef) bool { return f.Name == name }) {
			delete(e.flags, name)
		}
	}
	e.rs = rs
	clear(e.judged)
	byName := e.byName
	e.install(kept)
	for _, r := range e.rules {
		if was := byName[r.Name]; was != nil && was.Identity != r.Identity {
			e.inherit(r, was)
		}
	}
	e.first(func(r *ruleState) bool { return kept[r.Identity] != r })
	e.changed |= ReadsClock | ReadsScene
	e.settle()
	return e.out
}

// swapCameras gives every camera its new layout. Cameras stay by their name.
func (e *Engine) swapCameras(rs *Ruleset) {
	var cams []*camera
	for i, def := range rs.Cameras {
		var cam *camera
		for _, c := range e.cams {
			if c.name == def.Name {
				cam = c
			}
		}
		if cam == nil {
			cam = e.newCamera(i, def)
		} else {
			cam.scene.SetLayout(def.Layout, e.opts.Tracking, e.now.Mono)
			e.sceneChanged(cam, nil)
			cam.nextDue()
		}
		cam.number = i
		cams = append(cams, cam)
	}
	for _, c := range e.cams {
		if !slices.Contains(cams, c) {
			e.dropCamera(c)
		}
	}
	e.cams = cams
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
	oldNumber := make(map[*ruleState]int, len(e.rules))
	for _, r := range e.rules {
		oldNumber[r] = r.number
	}
	e.rules = nil
	e.byName = make(map[string]*ruleState, len(e.rs.Rules))
	e.watch = nil
	for k := range e.byKind {
		e.byKind[k] = nil
	}
	for i, def := range e.rs.Rules {
		r := kept[def.Identity]
		if r == nil || slices.Contains(e.rules, r) {
			r = &ruleState{keys: make(map[keyID]*keyState)}
			r.wake = newWallTimer(func() { e.cause = cause{}; e.judgeRule(r, false) })
		}
		fresh := r.Rule == nil
		r.Rule, r.number = def, i
		r.tried = slices.ContainsFunc(def.Do, func(s Step) bool { return s.TriedOnce() }) ||
			slices.ContainsFunc(def.Finally, func(s Step) bool { return s.TriedOnce() })
		e.rules = append(e.rules, r)
		e.byName[def.Name] = r
		if def.Mode == ModeOff {
			continue
		}
		for _, k := range def.On {
			if !slices.Contains(e.byKind[k], r) {
				e.byKind[k] = append(e.byKind[k], r)
			}
		}
		if def.While != nil || len(def.On) == 0 {
			e.watch = append(e.watch, r)
		}
		if fresh {
			r.cronAt, r.lastCron = make([]time.Time, len(def.Crons)), make([]time.Time, len(def.Crons))
			for j := range def.Crons {
				r.crons = append(r.crons, newWallTimer(func() { e.cronDue(r, j) }))
				e.setCron(r, j, e.now.Wall)
			}
		}
	}
	for _, c := range e.cams {
		c.index = newIndex(e.rs, c.number)
		for _, tt := range c.targets {
			live := newBits(len(e.rules))
			for r, n := range oldNumber {
				if n < len(tt.live)*64 && tt.live.has(n) && slices.Contains(e.rules, r) {
					live.set(r.number)
				}
			}
			tt.live = live
		}
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
		fired := old.visit != nil && !old.visit.over && old.told
		if old.cooldown <= e.now.Mono && len(old.limits) == 0 && !fired {
			continue
		}
		ks := &keyState{rule: r, id: old.id, text: old.text, seq: e.keySeq, cooldown: old.cooldown, limits: old.limits}
		e.keySeq++
		ks.timer = newTimer(func() { e.keyDue(ks) })
		r.keys[old.id] = ks
		if fired {
			ks.visit, ks.told, ks.state, ks.since = old.visit, true, active, old.since
			old.visit.keys = append(old.visit.keys, ks)
		}
		e.forget(ks)
	}
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
	e.out = e.out[:0]
	e.advance(at)
	for _, r := range e.rules {
		e.endAll(r, endStop)
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
