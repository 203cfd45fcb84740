package engine

import (
	"maps"
	"slices"
	"time"
)

// judge looks again at the rules that read what changed without an event of
// their own: `while` conditions and standing rules.
func (e *Engine) judge(changed Reads) {
	for _, r := range e.watch {
		if r.Reads&changed != 0 {
			e.judgeRule(r, false)
		}
	}
}

// judgeRule evaluates a rule's `while`, and a standing rule's condition.
func (e *Engine) judgeRule(r *ruleState, quiet bool) {
	if r.Mode == ModeOff {
		return
	}
	var wake time.Duration
	if r.While != nil {
		e.prepare(r, nil, nil)
		t := r.While.Eval(&e.look)
		wake = e.look.wake
		was := r.while
		r.while = t
		switch {
		case was == True && t != True:
			e.endAll(r, endWhile)
		case was != True && t == True:
			e.lookAgain(r, quiet)
		}
	}
	if len(r.On) == 0 {
		e.prepare(r, nil, nil)
		e.lookAt(r, subject{quiet: quiet})
		if w := e.look.wake; w != 0 && (wake == 0 || w < wake) {
			wake = w
		}
	}
	if wake == 0 {
		e.timers.stop(r.wake)
		return
	}
	e.timers.set(r.wake, wake)
}

// lookAgain looks at a level rule for everything its kinds know of now.
func (e *Engine) lookAgain(r *ruleState, quiet bool) {
	if !r.Level {
		return
	}
	if r.on(KindTarget) {
		for _, cam := range e.cams {
			if contains(r.Need.Cameras, cam.number) {
				cam.scene.EndLook()
			}
		}
	}
	e.known(r, func(s subject) {
		s.quiet = s.quiet || quiet
		e.prepareKnown(r, s)
		e.lookAt(r, s)
	})
}

// known gives everything that a level rule can be looked at for without an event.
func (e *Engine) known(r *ruleState, f func(subject)) {
	for _, k := range r.On {
		switch k {
		case KindTarget:
			for _, cam := range e.cams {
				if !contains(r.Need.Cameras, cam.number) {
					continue
				}
				for _, t := range cam.scene.Targets() {
					f(subject{kind: k, cam: cam, serial: t.Serial(), track: t.Track(), quiet: t.FirstLook()})
				}
			}
		case KindAlarm:
			for _, cam := range e.cams {
				for _, a := range cam.alarms {
					if a.on != Unknown {
						f(subject{kind: k, cam: cam, name: a.key})
					}
				}
			}
		case KindCamera:
			for _, cam := range e.cams {
				if cam.online != Unknown && r.named(cam.name) {
					f(subject{kind: k, cam: cam})
				}
			}
		case KindContact:
			r.levels(k, e.contacts, f)
		case KindRelay:
			r.levels(k, e.relays, f)
		case KindFlag:
			for _, d := range e.rs.Flags {
				if r.named(d.Name) {
					f(subject{kind: k, name: d.Name})
				}
			}
		}
	}
}

func (r *ruleState) levels(k Kind, levels map[string]Wired, f func(subject)) {
	for _, name := range slices.Sorted(maps.Keys(levels)) {
		if r.named(name) {
			f(subject{kind: k, name: name})
		}
	}
}

// prepareKnown prepares a look at something that is known, without an event of its own.
func (e *Engine) prepareKnown(r *ruleState, s subject) {
	e.prepare(r, e.eventOf(s), s.cam)
	if s.serial != 0 {
		e.look.target = s.cam.tracked(s.serial)
	}
}

// mostSlew is how far the wall clock may drift, a little at a time, before the
// timers that follow it are set anew.
const mostSlew = 20 * time.Millisecond

// clockMoved sets the timers that follow the wall clock anew.
func (e *Engine) clockMoved() {
	e.slew = 0
	e.changed |= ReadsClock
	for _, o := range e.overrides {
		e.lapse(o)
	}
	for _, r := range e.rules {
		for i := range r.crons {
			from := e.now.Wall
			if r.lastCron[i].After(from) {
				from = r.lastCron[i] // none runs twice
			}
			if at := r.cronAt[i]; r.crons[i].index >= 0 && !at.After(from) {
				e.timers.set(r.crons[i], e.now.Mono)
				continue
			}
			e.setCron(r, i, from)
		}
	}
}

// clockStepped judges the wall clock anew after it jumped. The instants that it
// jumped over are missed.
func (e *Engine) clockStepped(step time.Duration) {
	for _, r := range e.rules {
		for i, t := range r.crons {
			if t.index >= 0 && !r.cronAt[i].After(e.now.Wall) {
				e.timers.stop(t)
				e.prepare(r, nil, nil)
				e.suppress(r, "", "", "missed")
			}
		}
	}
	for _, d := range e.devices {
		d.shift(step)
	}
	e.clockMoved()
}

// setCron sets a rule's cron timer to its first instant after from.
func (e *Engine) setCron(r *ruleState, i int, from time.Time) {
	e.timers.stop(r.crons[i])
	if !e.clockOK() {
		return
	}
	at, ok := r.Crons[i].Next(from.In(e.rs.location()))
	if !ok {
		return
	}
	r.cronAt[i] = at
	e.timers.set(r.crons[i], max(e.now.Mono, e.now.Mono+at.Sub(e.now.Wall)))
}

// cronDue runs when a cron instant should be there by the decision clock.
func (e *Engine) cronDue(r *ruleState, i int) {
	at := r.cronAt[i]
	if e.now.Wall.Before(at) {
		e.timers.set(r.crons[i], e.now.Mono+at.Sub(e.now.Wall))
		return
	}
	r.lastCron[i] = at
	e.altered++
	e.prepare(r, &Event{Kind: KindCron, Received: e.now.Wall, Raw: at.Format(time.RFC3339)}, nil)
	e.lookAt(r, subject{kind: KindCron})
	e.setCron(r, i, at)
}
