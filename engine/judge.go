package engine

import (
	"slices"
	"time"

	"github.com/sallyport/sallyport/engine/scene"
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
	for _, k := range r.On {
		switch k {
		case KindTarget:
			for _, cam := range e.cams {
				if contains(r.Need.Cameras, cam.number) {
					e.lookAtScene(r, cam, quiet)
				}
			}
		case KindAlarm:
			for _, cam := range e.cams {
				for _, a := range cam.alarms {
					if a.on == Unknown {
						continue
					}
					e.prepare(r, a.event, cam)
					e.lookAt(r, subject{cam: cam, name: a.key, quiet: quiet})
				}
			}
		case KindCamera:
			for _, cam := range e.cams {
				if cam.online == Unknown || !r.named(cam.name) {
					continue
				}
				e.prepare(r, &Event{Kind: k, Camera: cam.name, Name: cam.name, On: cam.online == True, Received: e.now.Wall}, cam)
				e.lookAt(r, subject{cam: cam, quiet: quiet})
			}
		case KindContact:
			e.lookAtLevels(r, k, e.contacts, quiet)
		case KindRelay:
			e.lookAtLevels(r, k, e.relays, quiet)
		case KindFlag:
			for _, f := range e.rs.Flags {
				if r.named(f.Name) {
					e.prepare(r, &Event{Kind: k, Name: f.Name, Value: e.flags[f.Name].value, Received: e.now.Wall}, nil)
					e.lookAt(r, subject{name: f.Name, quiet: quiet})
				}
			}
		}
	}
}

// lookAtScene looks at a rule for every live target of a camera.
func (e *Engine) lookAtScene(r *ruleState, cam *camera, quiet bool) {
	cam.scene.EndLook()
	for _, t := range slices.Clone(cam.scene.Targets()) {
		e.prepare(r, targetEvent(cam, t, e.now), cam)
		e.look.target = t
		e.lookAt(r, subject{cam: cam, serial: t.Serial(), quiet: quiet || t.FirstLook()})
	}
}

// targetEvent is the event of a look that no post caused.
func targetEvent(cam *camera, t *scene.Target, now Instant) *Event {
	return &Event{
		Kind: KindTarget, Camera: cam.name, Received: now.Wall,
		Targets: []Listed{{ID: t.ID(), HasID: true, Class: t.Class(), Box: t.Box(), HasBox: true}},
	}
}

func (e *Engine) lookAtLevels(r *ruleState, k Kind, levels map[string]Wired, quiet bool) {
	names := make([]string, 0, len(levels))
	for n := range levels {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		if !r.named(n) {
			continue
		}
		e.prepare(r, &Event{Kind: k, Name: n, On: levels[n].On == True, Received: e.now.Wall}, nil)
		e.lookAt(r, subject{name: n, quiet: quiet})
	}
}

// clockStepped judges the wall clock anew after it jumped.
func (e *Engine) clockStepped(step time.Duration) {
	e.changed |= ReadsClock
	for _, r := range e.rules {
		for i, t := range r.crons {
			if t.index < 0 {
				continue
			}
			// The instants that the clock jumped over are missed; none runs twice.
			at := e.now.Wall.Add(t.at - e.now.Mono).Add(-step)
			if step > 0 && !at.After(e.now.Wall) {
				e.look = Look{w: e, cam: -1, rule: r}
				e.suppress(r, "", "", "missed")
			}
			from := e.now.Wall
			if r.lastCron != nil && r.lastCron[i].After(from) {
				from = r.lastCron[i]
			}
			e.setCron(r, i, from)
		}
	}
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
	ev := &Event{Kind: KindCron, Received: e.now.Wall, Raw: at.Format(time.RFC3339)}
	e.cause = cause{}
	e.prepare(r, ev, nil)
	e.lookAt(r, subject{})
	e.setCron(r, i, at)
}
