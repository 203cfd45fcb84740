package engine

import (
	"slices"
	"time"
)

// maxOpen bounds the firings whose outcomes are awaited.
const maxOpen = 4096

// planned is one step of a firing with its values.
type planned struct {
	index   int
	step    *Step
	args    Args
	skip    string // why it is not done
	unasked bool   // left out by `if` or on a first look: the firing does not have it
	pulsed  bool   // it noted its relay in the visit
	planned bool   // it was told to Options.Plan
}

// stepRun carries out one list of steps, each when it is due.
type stepRun struct {
	key     *keyState
	firing  *Firing
	visit   *visit
	turn    uint64 // of the key, when it began
	cause   cause
	finally bool
	steps   []planned
	next    int
	base    time.Duration // when the step before was due

	charge charge
	left   int  // steps whose beginning decides what is given back, still to be answered
	once   bool // only steps that are tried once decide, but for harmless ones
	begun  bool
	given  bool  // the charge was given back
	told   []int // steps that were handed out and are done once in a visit
}

// charge is what a firing took and gives back when nothing of it began.
type charge struct {
	made     bool
	was      time.Duration // the cooldown's end before
	spent    uint64        // the firing of this activation before, which counts as the visit's one
	cooldown time.Duration // and since
}

// outcomeKey names one awaited step.
type outcomeKey struct {
	firing  uint64
	index   int
	finally bool
}

// start plans a firing's steps and does what is due at once. The values are made
// now, from the present look. why says that they are not all done: on a first look
// only what follows; when the rule itself is going only what tells or turns off;
// when nothing of the firing began nothing that is tried once, unless it turns off.
func (e *Engine) start(ks *keyState, f *Firing, steps []Step, finally bool, why string, c charge) {
	if len(steps) == 0 {
		return
	}
	run := &stepRun{
		key: ks, firing: f, visit: e.look.visit, turn: ks.turn, cause: e.cause, finally: finally,
		base: e.now.Mono, charge: c, steps: make([]planned, len(steps)),
	}
	for i := range steps {
		s := &steps[i]
		p := &run.steps[i]
		*p = planned{index: i, step: s, args: s.Args}
		relay, isRelay := s.Args.(RelayArgs)
		follow := isRelay && relay.Op == RelayFollow
		switch {
		case why == firstLook && (!follow || ks.mute), finally && follow, s.If != nil && s.If.Eval(&e.look) != True:
			p.unasked = true
			continue
		}
		run.once = run.once || s.TriedOnce() && !s.harmless()
		off := isRelay && relay.Op == RelayOff
		switch {
		case (why == endReload || why == endStop || why == endMode) && !off && !s.told() && s.Verb() != VerbLog,
			why == endUnused && !off && s.TriedOnce():
			p.skip = why
		case s.Fill != nil:
			p.args, p.skip = s.Fill(&e.look)
		}
	}
	for i := range run.steps {
		if run.decides(&run.steps[i]) {
			run.left++
		}
	}
	if e.opts.Plan != nil {
		e.plan(run)
	}
	e.proceed(run)
}

// plan tells of the steps that are due later and must be done even if the program
// ends before. A step behind one that is waited for is not planned: nobody knows
// when it will be due, or whether.
func (e *Engine) plan(run *stepRun) {
	due := run.base
	for i := range run.steps {
		p := &run.steps[i]
		due += p.step.After
		if p.unasked || p.skip != "" {
			continue
		}
		told := run.visit != nil && !run.finally && p.step.told() && run.visit.wasTold(run.firing.Rule, p.index)
		if due > e.now.Mono && (p.step.Durable || p.step.Verb() == VerbPlates) && !told {
			p.planned = true
			q := request(run.firing, p, due)
			q.Finally = run.finally
			e.opts.Plan(q)
		}
		if p.step.Wait && !e.opts.NoOutcomes && p.handed() {
			return
		}
	}
}

// handed says that the step is handed out, not done by the engine itself.
func (p *planned) handed() bool {
	switch a := p.args.(type) {
	case FlagArgs, CountArgs:
		return false
	case RelayArgs:
		return a.Op != RelayFollow
	}
	return true
}

// unplan takes back a plan that will not be carried out.
func (e *Engine) unplan(run *stepRun, p *planned) {
	if p.planned && e.opts.Unplan != nil {
		e.opts.Unplan(run.firing.ID, p.index, run.finally)
	}
	p.planned = false
}

// lets says that the step tells somebody or turns something off: it is done even when
// its rule is going.
func (p *planned) lets() bool {
	a, ok := p.step.Args.(RelayArgs)
	return ok && a.Op == RelayOff || p.step.told() || p.step.Verb() == VerbLog
}

// decides says whether the step's beginning keeps what the firing charged.
func (run *stepRun) decides(p *planned) bool {
	return run.charge.made && !p.unasked && (!run.once || p.step.TriedOnce() && !p.step.harmless())
}

// marked says that the step's request carries a mark.
func (p *planned) marked() bool {
	a, ok := p.args.(RelayArgs)
	return p.step.TriedOnce() && !(ok && a.Op == RelayOff)
}

// answered notes whether a step began.
func (run *stepRun) answered(p *planned, begun bool) {
	if run.decides(p) {
		run.left--
		run.begun = run.begun || begun
	}
}

// onceAVisit reports the steps that a firing does not do again after one of the same
// visit that was given back.
func (s *Step) onceAVisit() bool { return s.told() || s.harmless() }

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
		due := run.base + p.step.After
		if due > e.now.Mono {
			e.timers.set(newTimer(run), due)
			break
		}
		run.base = due
		run.next++
		if e.startStep(run, p, due) && p.step.Wait && !e.opts.NoOutcomes {
			e.waiting[outcomeKey{run.firing.ID, p.index, run.finally}] = run
			break
		}
	}
	e.giveBack(run)
}

// decision is a row about one step.
func (run *stepRun) decision(t DecisionType, p *planned, reason string) Decision {
	f := run.firing
	return Decision{
		Type: t, Rule: f.Rule, Key: f.Key, Camera: f.Camera, Target: f.Target, HasTarget: f.HasTarget,
		Step: p.step.Text, Reason: reason, Firing: f,
	}
}

// held gives the reason why a step that is due is not done; empty when it is.
func (e *Engine) held(run *stepRun, p *planned, due time.Duration) string {
	switch {
	case p.skip != "":
		return p.skip
	case p.step.Expires > 0 && e.now.Mono > due+p.step.Expires:
		return "expired"
	}
	switch {
	case run.visit == nil:
		return ""
	case p.step.onceAVisit() && !run.finally && run.visit.wasTold(run.firing.Rule, p.index):
		return "visit"
	}
	a, ok := p.args.(RelayArgs)
	if !ok || a.Op != RelayPulse {
		return ""
	}
	if !slices.Contains(run.visit.pulsed, a.Relay) {
		run.visit.pulsed = append(run.visit.pulsed, a.Relay)
		p.pulsed = true
	} else if !run.firing.Rule.Repeat {
		return "visit"
	}
	return ""
}

// startStep does one step or hands it out. False when it was not handed out.
func (e *Engine) startStep(run *stepRun, p *planned, due time.Duration) bool {
	if p.unasked {
		return false
	}
	if reason := e.held(run, p, due); reason != "" {
		e.emit(run.decision(DecisionSuppressed, p, reason))
		e.unplan(run, p)
		run.answered(p, false)
		return false
	}
	d := run.decision(DecisionAction, p, "")
	switch a := p.args.(type) {
	case FlagArgs:
		e.emit(d)
		e.setFlag(a, run.cause)
		run.answered(p, true)
		return false
	case CountArgs:
		e.emit(d)
		e.setCount(a, run.cause)
		run.answered(p, true)
		return false
	case RelayArgs:
		if a.Op == RelayFollow {
			e.takeLease(run, p, a, d, due)
			run.answered(p, true)
			return false
		}
	}
	d.Do = request(run.firing, p, due)
	d.Do.Finally = run.finally
	if p.marked() {
		d.Do.Mark = e.mark(run, p)
	}
	e.emit(d)
	if p.step.onceAVisit() && run.visit != nil {
		run.told = append(run.told, p.index)
		if run.given {
			run.visit.keepTold(run)
		}
	}
	switch {
	case !run.decides(p):
	case p.step.Verb() == VerbLog || e.opts.NoOutcomes:
		run.answered(p, true)
	default:
		if len(e.openSeq) >= maxOpen {
			delete(e.open, e.openSeq[0])
			e.openSeq = slices.Delete(e.openSeq, 0, 1)
		}
		k := outcomeKey{run.firing.ID, p.index, run.finally}
		e.open[k] = openStep{run, p}
		e.openSeq = append(e.openSeq, k)
	}
	return true
}

// request is a step that is to be carried out.
func request(f *Firing, p *planned, due time.Duration) *Request {
	q := &Request{Firing: f, Index: p.index, Step: p.step, Args: p.args, Due: due}
	if p.step.Expires > 0 {
		q.Expires = due + p.step.Expires
	}
	return q
}

// openStep is a step whose outcome is awaited.
type openStep struct {
	run  *stepRun
	step *planned
}

// Outcome takes what became of a step. It is an input like any other.
func (e *Engine) Outcome(at Instant, o Outcome) []Decision {
	e.begin(at)
	k := outcomeKey{o.Firing, o.Index, o.Finally}
	if s, ok := e.open[k]; ok {
		delete(e.open, k)
		if i := slices.Index(e.openSeq, k); i >= 0 {
			e.openSeq = slices.Delete(e.openSeq, i, i+1)
		}
		if !o.Begun {
			e.emit(s.run.decision(DecisionSuppressed, s.step, o.Reason))
			s.run.unmark(s.step)
		}
		s.run.answered(s.step, o.Begun)
		e.giveBack(s.run)
	}
	if run := e.waiting[k]; run != nil {
		delete(e.waiting, k)
		if o.Reason != "" && run.steps[run.next-1].step.Stop {
			e.stopSteps(run)
		}
		e.proceed(run)
	}
	e.settle()
	return e.out
}

// stopSteps leaves out what is left of a list whose step failed.
func (e *Engine) stopSteps(run *stepRun) {
	for i := run.next; i < len(run.steps); i++ {
		if p := &run.steps[i]; !p.unasked {
			e.emit(run.decision(DecisionSuppressed, p, "stopped"))
			e.unplan(run, p)
			run.answered(p, false)
		}
	}
	run.next = len(run.steps)
}

// unmark takes back the note that the visit had a step's pulse.
func (run *stepRun) unmark(p *planned) {
	if a, ok := p.args.(RelayArgs); ok && p.pulsed {
		p.pulsed = false
		if i := slices.Index(run.visit.pulsed, a.Relay); i >= 0 {
			run.visit.pulsed = slices.Delete(run.visit.pulsed, i, i+1)
		}
	}
}

// giveBack gives back what a firing charged, once it is known that none of the
// steps that decide about it began.
func (e *Engine) giveBack(run *stepRun) {
	if !run.charge.made || run.left > 0 || run.begun {
		return
	}
	run.charge.made, run.given = false, true
	run.key.given = max(run.key.given, run.firing.ID)
	if run.visit != nil {
		run.visit.keepTold(run)
	}
	ks := e.heir(run.key)
	if ks.cooldown == run.charge.cooldown {
		ks.cooldown = run.charge.was
	}
	if i := slices.Index(ks.limits, run.firing.At.Mono); i >= 0 {
		ks.limits = slices.Delete(ks.limits, i, i+1)
	}
	if ks.spent == run.firing.ID {
		ks.spent = run.charge.spent
		if ks.spent == 0 && ks.state == active && ks.rule.Per == PerVisit {
			e.prepareKey(ks)
			e.end(ks, endUnused)
			return
		}
	}
	e.forget(ks)
}

// heir is the key that a reload gave what a key of a changed rule remembered.
func (e *Engine) heir(ks *keyState) *keyState {
	if r := e.byName[ks.rule.Name]; r != nil && r != ks.rule && r.Per == ks.rule.Per {
		if heir := r.keys[ks.id]; heir != nil {
			return heir
		}
	}
	return ks
}

// setFlag queues a flag's new value as an event of its own.
func (e *Engine) setFlag(a FlagArgs, c cause) {
	e.queue = append(e.queue, &Event{
		Kind: KindFlag, Name: a.Flag, Value: a.Set, Received: e.now.Wall, Late: c.late, depth: c.depth + 1, keep: a.For,
	})
}

// takeLease holds a relay on for as long as the key is active.
func (e *Engine) takeLease(run *stepRun, p *planned, a RelayArgs, d Decision, due time.Duration) {
	ks := run.key
	if ks.state != active && ks.state != holding || ks.turn != run.turn {
		return
	}
	id := ks.rule.Name + "|" + ks.text + "|" + a.Relay
	if slices.ContainsFunc(ks.leases, func(l lease) bool { return l.id == id }) {
		return
	}
	ks.leases = append(ks.leases, lease{p: p, id: id})
	// A camera may give a number again while the hold of the target before runs: both
	// keys read alike, and the lease is on until the last of them ends.
	if e.leases[id]++; e.leases[id] > 1 {
		return
	}
	for i, o := range e.orphans {
		if o.request.LeaseID == id {
			e.timers.stop(o.timer)
			e.orphans = slices.Delete(e.orphans, i, i+1)
			break
		}
	}
	d.Do = request(run.firing, p, due)
	d.Do.Lease, d.Do.LeaseOn, d.Do.LeaseID = true, true, id
	e.emit(d)
}

// leaseGrace is how long a lease outlives a rule that a reload ended, so that the
// changed rule can take it without an edge.
const leaseGrace = time.Second

// leaseEnded is why a lease that is given back is no longer held.
const leaseEnded = "ended"

// orphan is a lease whose rule a reload ended.
type orphan struct {
	timer    *timer
	decision Decision
	request  *Request
}

// endLeases gives a key's leases back; kept ones after a grace.
func (e *Engine) endLeases(ks *keyState, f *Firing, keep bool) {
	leases := ks.leases
	ks.leases = nil
	for _, l := range leases {
		if e.leases[l.id]--; e.leases[l.id] > 0 {
			continue
		}
		delete(e.leases, l.id)
		d := e.lookDecision(DecisionAction)
		d.Rule, d.Key, d.Step, d.Reason, d.Firing = f.Rule, f.Key, l.p.step.Text, leaseEnded, f
		d.Do = &Request{Firing: f, Index: l.p.index, Step: l.p.step, Args: l.p.args, Due: e.now.Mono, Lease: true, LeaseID: l.id}
		if !keep {
			e.emit(d)
			continue
		}
		o := &orphan{decision: d, request: d.Do}
		o.timer = newTimer(o)
		e.orphans = append(e.orphans, o)
		e.timers.set(o.timer, e.now.Mono+leaseGrace)
	}
}

// endOrphan ends a lease that no rule took over.
func (e *Engine) endOrphan(o *orphan) {
	e.timers.stop(o.timer)
	e.orphans = slices.DeleteFunc(e.orphans, func(x *orphan) bool { return x == o })
	o.request.Due = e.now.Mono
	e.emit(o.decision)
}
