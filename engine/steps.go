package engine

import (
	"slices"
	"time"
)

// maxOpen bounds the firings whose outcomes are awaited.
const maxOpen = 4096

// planned is one step of a firing with its values.
type planned struct {
	index int
	step  *Step
	args  Args
	skip  string // why it is not done
	after time.Duration
}

// stepRun carries out one list of steps, each when it is due.
type stepRun struct {
	key     *keyState
	firing  *Firing
	finally bool
	steps   []planned
	next    int
	base    time.Duration // when the step before was due
	timer   *timer
	give    *giveBack
	target  uint64
	hasID   bool
	camera  string
	offOnly bool
}

// giveBack remembers what a firing charged until it is known that something began.
type giveBack struct {
	key      *keyState
	cooldown time.Duration // as it was before the firing
	left     int           // outcomes still awaited
	begun    bool
	once     bool // only steps that are tried once count
	pulses   []pulseMark
	depth    int
	late     bool
}

// pulseMark is a pulse that was noted in a visit.
type pulseMark struct {
	index int
	relay string
}

// outcomeKey names one awaited step.
type outcomeKey struct {
	firing  uint64
	index   int
	finally bool
}

// start plans a firing's steps and does what is due at once. The values are made
// now, from the look that fired.
func (e *Engine) start(ks *keyState, f *Firing, steps []Step, g *giveBack, quiet, offOnly bool) {
	run := &stepRun{key: ks, firing: f, finally: g == nil, base: e.now.Mono, give: g, offOnly: offOnly}
	run.target, run.hasID = e.look.TargetID()
	run.camera, _ = e.look.Camera()
	if g != nil {
		g.once = ks.rule.tried
	}
	after := time.Duration(0)
	for i := range steps {
		s := &steps[i]
		after += s.After
		p := planned{index: i, step: s, args: s.Args, after: after}
		after = 0
		relay, isRelay := s.Args.(RelayArgs)
		follow := isRelay && relay.Op == RelayFollow
		switch {
		case quiet && !follow, run.finally && follow:
			p.skip = "first look"
		case offOnly && !telling(s) && !(isRelay && relay.Op == RelayOff):
			p.skip = "reload"
		case ks.told && s.told():
			p.skip = "visit"
		case s.If != nil && s.If.Eval(&e.look) != True:
			p.skip = "if"
		case s.Fill != nil:
			p.args, p.skip = s.Fill(&e.look)
		}
		if g != nil && (!g.once || s.TriedOnce()) {
			g.left++
		}
		run.steps = append(run.steps, p)
	}
	if len(run.steps) == 0 {
		return
	}
	run.timer = newTimer(func() { e.proceed(run) })
	e.proceed(run)
}

// telling reports a step that tells somebody and moves nothing.
func telling(s *Step) bool {
	switch s.Verb() {
	case VerbNotify, VerbLog:
		return true
	case VerbHTTP, VerbMQTT:
		return !s.TriedOnce()
	}
	return false
}

// told reports the steps of the second promise.
func (s *Step) told() bool {
	switch s.Verb() {
	case VerbNotify, VerbPlates, VerbHTTP, VerbMQTT:
		return !s.TriedOnce()
	}
	return false
}

// proceed starts the steps that are due, in order, until one has to wait.
func (e *Engine) proceed(run *stepRun) {
	for run.next < len(run.steps) {
		p := &run.steps[run.next]
		due := run.base + p.after
		if due > e.now.Mono {
			e.timers.set(run.timer, due)
			return
		}
		run.base = due
		run.next++
		if e.startStep(run, p, due) && p.step.Wait && !e.opts.NoOutcomes {
			e.waiting[outcomeKey{run.firing.ID, p.index, run.finally}] = run
			return
		}
	}
}

// startStep hands one step out. False when it was not.
func (e *Engine) startStep(run *stepRun, p *planned, due time.Duration) bool {
	f, r := run.firing, run.key.rule
	d := Decision{Type: DecisionAction, Rule: r.Rule, Key: f.Key, Camera: run.camera, Target: run.target, HasTarget: run.hasID, Step: p.step.Text, Firing: f}
	skip := p.skip
	relay, isRelay := p.args.(RelayArgs)
	if skip == "" && isRelay && relay.Op == RelayPulse && !r.Repeat {
		if v := run.key.visit; v != nil {
			if slices.Contains(v.pulsed, relay.Relay) {
				skip = "visit"
			} else {
				v.pulsed = append(v.pulsed, relay.Relay)
				if run.give != nil {
					run.give.pulses = append(run.give.pulses, pulseMark{p.index, relay.Relay})
				}
			}
		}
	}
	if expires := due + p.step.Expires; skip == "" && p.step.Expires > 0 && e.now.Mono > expires {
		skip = "expired"
	}
	if skip != "" {
		// What a first look or `if` leaves out was never meant to happen.
		if skip != "first look" && skip != "if" {
			d.Type, d.Reason = DecisionSuppressed, skip
			e.emit(d)
		}
		e.answered(run.give, p.step, false)
		return false
	}
	switch a := p.args.(type) {
	case FlagArgs:
		e.emit(d)
		e.setFlag(a, run.give)
		e.answered(run.give, p.step, true)
		return false
	case RelayArgs:
		if a.Op == RelayFollow {
			e.takeLease(run, p, a, d, due)
			e.answered(run.give, p.step, true)
			return false
		}
	}
	d.Do = &Request{Firing: f, Index: p.index, Finally: run.finally, Step: p.step, Args: p.args, Due: due}
	if p.step.Expires > 0 {
		d.Do.Expires = due + p.step.Expires
	}
	e.emit(d)
	g := run.give
	switch {
	case g == nil:
	case p.step.Verb() == VerbLog || e.opts.NoOutcomes:
		e.answered(g, p.step, true)
	case !g.once || p.step.TriedOnce():
		if len(e.openSeq) >= maxOpen {
			delete(e.open, e.openSeq[0])
			e.openSeq = slices.Delete(e.openSeq, 0, 1)
		}
		k := outcomeKey{f.ID, p.index, false}
		e.open[k] = openStep{give: g, step: p.step}
		e.openSeq = append(e.openSeq, k)
	}
	return true
}

// openStep is a step whose outcome is awaited.
type openStep struct {
	give *giveBack
	step *Step
}

// Outcome takes what became of a step. It is an input like any other.
func (e *Engine) Outcome(at Instant, o Outcome) []Decision {
	e.out = e.out[:0]
	if at.Mono < e.now.Mono {
		at.Wall = at.Wall.Add(e.now.Mono - at.Mono)
		at.Mono = e.now.Mono
	}
	e.advance(at)
	k := outcomeKey{o.Firing, o.Index, o.Finally}
	if s, ok := e.open[k]; ok {
		delete(e.open, k)
		if i := slices.Index(e.openSeq, k); i >= 0 {
			e.openSeq = slices.Delete(e.openSeq, i, i+1)
		}
		if !o.Begun {
			e.prepareKey(s.give.key)
			e.suppress(s.give.key.rule, s.give.key.text, s.step.Text, o.Reason)
			s.give.unmark(o.Index)
		}
		e.answered(s.give, s.step, o.Begun)
	}
	if run := e.waiting[k]; run != nil {
		delete(e.waiting, k)
		if o.Reason != "" && run.steps[run.next-1].step.Stop {
			run.next = len(run.steps)
		} else {
			e.proceed(run)
		}
	}
	e.settle()
	return e.out
}

// unmark takes back the note that the visit had a pulse.
func (g *giveBack) unmark(index int) {
	for i, m := range g.pulses {
		if m.index == index && g.key.visit != nil {
			v := g.key.visit
			if j := slices.Index(v.pulsed, m.relay); j >= 0 {
				v.pulsed = slices.Delete(v.pulsed, j, j+1)
			}
			g.pulses = slices.Delete(g.pulses, i, i+1)
			return
		}
	}
}

// answered counts one step of a firing. When all that count are known and none
// began, the firing gives back what it charged.
func (e *Engine) answered(g *giveBack, s *Step, begun bool) {
	if g == nil || g.once && !s.TriedOnce() {
		return
	}
	g.left--
	g.begun = g.begun || begun
	if g.left > 0 || g.begun {
		return
	}
	ks := g.key
	ks.cooldown = g.cooldown
	if n := len(ks.limits); n > 0 {
		ks.limits = ks.limits[:n-1]
	}
	if ks.rule.Per == PerVisit && ks.state == active && !ks.rule.Level {
		ks.state = idle
		ks.firing = nil
		e.timers.stop(ks.timer)
	}
	e.forget(ks)
}

// setFlag queues a flag's new value as an event of its own.
func (e *Engine) setFlag(a FlagArgs, g *giveBack) {
	ev := &Event{Kind: KindFlag, Name: a.Flag, Value: a.Set, Received: e.now.Wall, depth: e.cause.depth + 1, Late: e.cause.late}
	if g != nil {
		ev.depth, ev.Late = g.depth+1, g.late
	}
	was := e.flags[a.Flag].value
	e.queue = append(e.queue, ev)
	if t := e.flagTimers[a.Flag]; t != nil {
		e.timers.stop(t)
		delete(e.flagTimers, a.Flag)
	}
	if a.For > 0 {
		t := newTimer(func() {
			delete(e.flagTimers, a.Flag)
			e.queue = append(e.queue, &Event{Kind: KindFlag, Name: a.Flag, Value: was, Received: e.now.Wall})
		})
		e.flagTimers[a.Flag] = t
		e.timers.set(t, e.now.Mono+a.For)
	}
}

// takeLease holds a relay on for as long as the key is active.
func (e *Engine) takeLease(run *stepRun, p *planned, a RelayArgs, d Decision, due time.Duration) {
	ks := run.key
	if ks.state != active && ks.state != holding {
		return
	}
	l := lease{step: p.step, index: p.index, args: a, id: ks.rule.Name + "|" + ks.text + "|" + a.Relay}
	ks.leases = append(ks.leases, l)
	if t := e.orphans[l.id]; t != nil {
		e.timers.stop(t)
		delete(e.orphans, l.id)
	}
	d.Do = &Request{Firing: run.firing, Index: p.index, Step: p.step, Args: a, Due: due, Lease: true, LeaseOn: true, LeaseID: l.id}
	if p.step.Expires > 0 {
		d.Do.Expires = due + p.step.Expires
	}
	e.emit(d)
}

// leaseGrace is how long a lease outlives a rule that a reload ended, so that the
// changed rule can take it without an edge.
const leaseGrace = time.Second

// endLeases gives a key's leases back; kept ones after a grace.
func (e *Engine) endLeases(ks *keyState, f *Firing, keep bool) {
	leases := ks.leases
	ks.leases = nil
	for _, l := range leases {
		d := e.lookDecision(DecisionAction)
		d.Rule, d.Key, d.Step, d.Reason, d.Firing = ks.rule.Rule, ks.text, l.step.Text, "ended", f
		d.Do = &Request{Firing: f, Index: l.index, Step: l.step, Args: l.args, Due: e.now.Mono, Lease: true, LeaseID: l.id}
		if !keep {
			e.emit(d)
			continue
		}
		t := newTimer(func() {
			delete(e.orphans, l.id)
			d.Do.Due = e.now.Mono
			e.emit(d)
		})
		e.orphans[l.id] = t
		e.timers.set(t, e.now.Mono+leaseGrace)
	}
}
