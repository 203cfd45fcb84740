package engine

import (
	"math"
	"slices"
	"time"

	"github.com/sallyport/sallyport/engine/scene"
)

// counts packs how much of everything there is, so that it can be pointed to.
func (p *packer) counts() {
	e := p.e
	if p.Reading() {
		p.defs.all = slices.Clone(e.rs.Rules)
		for i, c := range e.rs.Cameras {
			e.cams = append(e.cams, e.makeCamera(i, c))
		}
		p.cams.all = slices.Clone(e.cams)
	}
	p.cams.each(p, len(e.cams), func(c *camera) { p.Text(&c.name) })
	p.defs.each(p, len(e.rs.Rules), func(r *Rule) {
		if p.pointed != nil {
			p.pointed[r] = true
		}
		p.rule(r)
	})
	if p.Reading() {
		for i, def := range e.rs.Rules {
			r := newRuleState(def)
			r.number = i
			e.rules = append(e.rules, r)
		}
		p.rules.all = slices.Clone(e.rules)
		e.wire()
	}
	p.rules.each(p, len(e.rules), func(r *ruleState) {
		def := r.Rule
		if !p.Reading() {
			def = p.def(def)
		}
		if must(p, &p.defs, &def) && p.Reading() {
			*r = *newRuleState(def)
		}
	})
	p.events.make(p, 0)
	p.firings.make(p, 0)
	p.visits.make(p, 0)
	p.keys.make(p, 0)
	p.runs.make(p, 0)
}

// state packs everything else, with what is pointed to before what points to it.
func (p *packer) state() {
	e := p.e
	p.engine()
	p.events.fill(p, 0, p.event)
	p.firings.fill(p, 0, p.firing)
	p.visits.fill(p, 0, p.visit)
	for _, c := range e.cams {
		if p.Err() == nil {
			p.camera(c)
		}
	}
	for _, r := range e.rules {
		if p.Err() == nil {
			p.ruleState(r)
		}
	}
	p.keys.fill(p, 0, p.key)
	p.runs.fill(p, 0, p.run)
	p.outcomes()
	scene.List(p.Pack, &e.orphans, maxPackedThings, p.orphan)
	scene.List(p.Pack, &e.queue, maxPackedThings, func(ev **Event) { must(p, &p.events, ev) })
	p.timers()
}

// engine packs what belongs to nothing else.
func (p *packer) engine() {
	e := p.e
	p.Time(&e.now.Wall)
	p.Check(e.now.Wall.Year() > 0 && e.now.Wall.Year() <= maxWallYear, "the clock is at no year of a calendar")
	p.Uint(&e.looks)
	p.Uint(&e.firings)
	p.Uint(&e.keySeq)
	p.Uint(&e.marks)
	p.Uint(&e.altered)
	p.Span(&e.slew)
	scene.Small(p.Pack, &e.changed, math.MaxUint8)
	p.Bits(&e.timers.rest)
	over := (e.now.Mono + e.phase) % time.Minute
	p.Span(&over)
	p.Check(over >= 0 && over < time.Minute, "a minute is out of bounds")
	if p.Reading() {
		e.phase = (over - e.now.Mono%time.Minute + time.Minute) % time.Minute
	}
	for _, def := range e.rs.Flags {
		f := e.flags[def.Name]
		p.scalar(&f.value)
		p.Moment(&f.since)
		p.Check(f.value.Type == def.Initial.Type, "a flag is of another type")
		if p.Reading() {
			e.flags[def.Name] = f
		}
	}
	names(p, e.flagTimers, maxPackedThings, func(name string, t *flagTimer) *flagTimer {
		if p.Reading() {
			t = e.newFlagTimer(name, Scalar{})
		}
		p.scalar(&t.back)
		return t
	})
	for _, levels := range []map[string]Wired{e.relays, e.contacts} {
		names(p, levels, maxPackedThings, func(_ string, l Wired) Wired {
			p.truth(&l.On)
			p.Bits(&l.known)
			p.Moment(&l.Since)
			return l
		})
	}
	for _, l := range e.rs.Lines {
		if p.Err() == nil {
			p.count(e.counts[l.Name])
		}
	}
	names(p, e.devices, maxDevices, func(_ string, d *deviceClock) *deviceClock {
		if p.Reading() {
			d = &deviceClock{}
		}
		p.device(d)
		return d
	})
}

func (p *packer) scalar(v *Scalar) {
	scene.Small(p.Pack, &v.Type, ScalarText)
	switch v.Type {
	case ScalarBool:
		p.Bits(&v.Bool)
	case ScalarNumber:
		p.Float(&v.Number)
	case ScalarText:
		p.Text(&v.Text)
	}
}

func (p *packer) count(c *lineCount) {
	p.Int64(&c.balance)
	p.Check(c.balance >= -math.MaxInt64/2 && c.balance <= math.MaxInt64/2, "a balance is out of bounds")
	p.Uint(&c.insBefore)
	ins := c.insBefore
	scene.List(p.Pack, &c.crossings, MaxCrossings, func(x *crossing) {
		in := x.ins > ins
		p.Moment(&x.at)
		if p.Bits(&in); in {
			ins++
		}
		x.ins = ins
	})
}

func (p *packer) device(d *deviceClock) {
	now := p.e.minute()
	scene.List(p.Pack, &d.minutes, offsetMinutes, func(m *minuteOffset) {
		age := now - m.minute
		p.Int64(&age)
		p.Check(age >= 0 && age <= int64(maxAge/time.Minute), "a minute is out of bounds")
		m.minute = now - age
		p.Int64((*int64)(&m.least)) // a stamp may be of any year
	})
	p.Int64((*int64)(&d.least))
	p.Moment(&d.step.first)
	p.Int64((*int64)(&d.step.diff))
	p.Int(&d.step.posts, 0, maxSavedNumber)
	p.Int(&d.steps, 0, maxSavedNumber)
	p.Moment(&d.heard)
	// What is too old for a duplicate is forgotten at the next post anyway.
	order := d.order
	for !p.Reading() && len(order) > 0 && p.e.now.Mono-d.digests[order[0]] > duplicateFor {
		order = order[1:]
	}
	scene.List(p.Pack, &order, maxDigests, func(x *uint64) {
		at := d.digests[*x]
		p.Uint(x)
		p.Moment(&at)
		if p.Reading() && p.Room(1, 4*scene.SizeOf[uint64]()) {
			if d.digests == nil {
				d.digests = make(map[uint64]time.Duration)
			}
			d.digests[*x] = at
		}
	})
	if p.Reading() {
		d.order = order
	}
}

func (p *packer) firing(f *Firing) {
	p.Uint(&f.ID)
	def := f.Rule
	if !p.Reading() {
		def = p.def(def)
	}
	if !must(p, &p.defs, &def) {
		return
	}
	f.Rule = def
	p.Text(&f.Key)
	p.Moment(&f.At.Mono)
	p.Time(&f.At.Wall)
	p.Text(&f.Camera)
	p.Uint(&f.Target)
	p.Bits(&f.HasTarget, &f.Shadow)
	p.Text(&f.Zone)
	p.Text(&f.Visit)
	ref(p, &p.events, &f.Event)
	p.Uint(&f.serial)
	p.Uint(&f.charge)
	// What a step's condition finds in its event must be there.
	if f.Event == nil {
		p.Check(!f.HasTarget && len(def.On) == 0, "a firing has no event")
	} else {
		p.Check(len(def.On) == 0 || def.on(f.Event.Kind), "a firing has an event that the rule is not for")
	}
}

func (p *packer) visit(v *visit) {
	if !must(p, &p.cams, &v.cam) {
		return
	}
	p.Int(&v.number, 0, maxSavedNumber)
	if p.Reading() {
		v.text = visitText(v.cam, v.number)
		v.timer = newTimer(v)
	}
	p.Text(&v.first)
	p.Text(&v.owner)
	p.Int(&v.reads, -maxSavedNumber, maxSavedNumber)
	p.Moment(&v.last)
	p.Bits(&v.over)
	scene.List(p.Pack, &v.seen, maxSpellings, func(s *plateCount) {
		p.Text(&s.plate)
		p.Int(&s.n, 0, maxSavedNumber)
		p.Moment(&s.last)
	})
	scene.List(p.Pack, &v.pulsed, maxPackedThings, p.Text)
	scene.List(p.Pack, &v.told, maxPackedThings, func(t *toldStep) {
		p.Text(&t.rule)
		p.Int(&t.index, 0, maxPackedThings)
	})
	if !v.over {
		scene.List(p.Pack, &v.keys, maxPackedThings, func(ks **keyState) { must(p, &p.keys, ks) })
	}
}

func (p *packer) camera(c *camera) {
	p.Moment(&c.settled)
	p.truth(&c.online)
	p.Moment(&c.lastPost)
	p.Moment(&c.lastBeat)
	p.Bits(&c.heard, &c.away)
	for i := range c.beats {
		p.Span(&c.beats[i])
		p.Check(c.beats[i] >= 0 && c.beats[i] <= maxAge, "a time is out of bounds")
	}
	p.Int(&c.beatN, 0, maxSavedNumber)
	p.Int(&c.visitSeq, 0, maxSavedNumber)
	p.Uint(&c.mix)
	scene.List(p.Pack, &c.alarms, maxAlarms, func(a **alarm) {
		if p.Reading() {
			*a = &alarm{}
		}
		p.Text(&(*a).key)
		p.truth(&(*a).on)
		p.Moment(&(*a).since)
		if must(p, &p.events, &(*a).event) {
			p.Check((*a).event.Kind == KindAlarm, "an alarm has another event")
		}
	})
	scene.List(p.Pack, &c.visits, maxVisits, func(v **visit) {
		if must(p, &p.visits, v) {
			p.Check((*v).cam == c && !(*v).over, "a visit is not the camera's")
		}
	})
	c.scene.Pack(p.Pack)
	if p.Reading() && p.Err() == nil {
		c.nextDue()
	}
}

// ruleState packs what a rule of the set in force remembers, but for its keys.
func (p *packer) ruleState(r *ruleState) {
	p.truth(&r.while)
	p.Bits(&r.full)
	scene.List(p.Pack, &r.order, maxKeys, func(key *string) {
		at := r.fired[*key]
		p.Text(key)
		p.Moment(&at)
		if p.Reading() && p.Room(1, 8*scene.SizeOf[string]()) {
			if r.fired == nil {
				r.fired = make(map[string]time.Duration)
			}
			r.fired[*key] = at
		}
	})
	for i := range r.crons {
		for _, t := range []*time.Time{&r.cronAt[i], &r.lastCron[i]} {
			p.Time(t)
			p.Check(t.IsZero() || t.Sub(p.e.now.Wall).Abs() < maxCron, "an instant is out of bounds")
		}
	}
}

// maxCron bounds how far a cron instant may be away.
const maxCron = 100 * 365 * 24 * time.Hour

func (p *packer) key(ks *keyState) {
	if !must(p, &p.rules, &ks.rule) {
		return
	}
	in := !p.Reading() && ks.rule.keys[ks.id] == ks
	p.Bits(&in, &ks.quiet, &ks.mute)
	ref(p, &p.cams, &ks.id.cam)
	p.Uint(&ks.id.n)
	p.Text(&ks.id.text)
	p.Text(&ks.text)
	p.Uint(&ks.seq)
	scene.Small(p.Pack, &ks.state, holding)
	p.Moment(&ks.since)
	p.Moment(&ks.cooldown)
	scene.List(p.Pack, &ks.limits, maxPackedThings, p.Moment)
	p.Text(&ks.said)
	ref(p, &p.firings, &ks.firing)
	ref(p, &p.visits, &ks.visit)
	p.Uint(&ks.spent)
	p.Uint(&ks.turn)
	p.Uint(&ks.given)
	p.Check(ks.firing != nil || ks.state < active, "a rule is active without a firing")
	p.Check(ks.firing == nil || !p.Reading() || ks.firing.Rule == ks.rule.Rule, "a firing is of another rule")
	scene.List(p.Pack, &ks.subjects, maxPackedThings, func(s *subject) { p.subject(ks.rule, s) })
	scene.List(p.Pack, &ks.leases, maxPackedThings, func(l *lease) {
		if p.Reading() {
			l.p = &planned{}
		}
		p.Text(&l.id)
		p.plannedStep(ks.rule.Do, l.p)
	})
	if !p.Reading() || p.Err() != nil {
		return
	}
	ks.timer = newTimer(ks)
	if in && p.Check(len(ks.rule.keys) < maxKeys, "a rule has too many keys") {
		ks.rule.keys[ks.id] = ks
	}
	for _, s := range ks.subjects {
		p.e.setLive(ks.rule, s, true)
	}
	for _, l := range ks.leases {
		p.e.leases[l.id]++
	}
}

// plannedStep packs one step of a list by its number, with its values.
func (p *packer) plannedStep(list []Step, x *planned) {
	if p.Int(&x.index, 0, len(list)-1); p.Err() != nil {
		return
	}
	if p.Reading() {
		x.step = &list[x.index]
	}
	p.values(x)
}

func (p *packer) subject(r *ruleState, s *subject) {
	scene.Small(p.Pack, &s.kind, kindCount-1)
	ref(p, &p.cams, &s.cam)
	p.Uint(&s.serial)
	p.Uint(&s.track)
	p.Text(&s.name)
	p.Bits(&s.quiet, &s.idle)
	if !p.Reading() || p.Err() != nil {
		return
	}
	known := s.cam == nil || s.cam.scene != nil
	switch s.kind {
	case KindTarget, KindCamera:
		known = known && s.cam != nil
	case KindAlarm:
		known = known && s.cam != nil && slices.ContainsFunc(s.cam.alarms, func(a *alarm) bool { return a.key == s.name })
	}
	p.Check(known && r.number < len(p.e.rules) && p.e.rules[r.number] == r, "a rule is true for what is not there")
	p.Room(1, scene.SizeOf[trackedTarget]()+uintptr(len(p.e.rules)/8)+2*scene.SizeOf[uint64]())
}

func (p *packer) run(run *stepRun) {
	if !must(p, &p.keys, &run.key) || !must(p, &p.firings, &run.firing) {
		return
	}
	ref(p, &p.visits, &run.visit)
	p.Uint(&run.turn)
	p.Int(&run.cause.depth, 0, maxChain+1)
	p.Bits(&run.cause.late, &run.finally, &run.once, &run.begun, &run.given, &run.charge.made)
	list := run.firing.Rule.Do
	if run.finally {
		list = run.firing.Rule.Finally
	}
	p.Moment(&run.base)
	p.Moment(&run.charge.was)
	p.Uint(&run.charge.spent)
	p.Moment(&run.charge.cooldown)
	p.Int(&run.left, -maxPackedThings, maxPackedThings)
	scene.List(p.Pack, &run.told, maxPackedThings, func(i *int) { p.Int(i, 0, maxPackedThings) })
	scene.List(p.Pack, &run.steps, maxPackedThings, func(x *planned) {
		p.plannedStep(list, x)
		p.Text(&x.skip)
		p.Bits(&x.unasked, &x.pulsed, &x.planned)
		p.Check(!x.pulsed || run.visit != nil, "a step pulsed in no visit")
	})
	p.Int(&run.next, 0, len(run.steps))
}

// outcomes packs which steps are awaited, in the order they were begun.
func (p *packer) outcomes() {
	e := p.e
	open := make([]openStep, 0, len(e.openSeq))
	for _, k := range e.openSeq {
		open = append(open, e.open[k])
	}
	scene.List(p.Pack, &open, maxOpen, func(s *openStep) {
		if !must(p, &p.runs, &s.run) {
			return
		}
		i := 0
		if !p.Reading() {
			i = s.step.index
		}
		p.Int(&i, 0, len(s.run.steps)-1)
		if !p.Reading() || p.Err() != nil {
			return
		}
		s.step = &s.run.steps[i]
		k := outcomeKey{s.run.firing.ID, s.step.index, s.run.finally}
		e.open[k] = *s
		e.openSeq = append(e.openSeq, k)
	})
	var waiting []*stepRun
	for _, k := range sortedWaiting(e.waiting) {
		waiting = append(waiting, e.waiting[k])
	}
	scene.List(p.Pack, &waiting, maxPackedThings, func(run **stepRun) {
		if must(p, &p.runs, run) && p.Check((*run).next > 0, "a list waits for no step") && p.Reading() {
			e.waiting[outcomeKey{(*run).firing.ID, (*run).steps[(*run).next-1].index, (*run).finally}] = *run
		}
	})
}

func (p *packer) orphan(x **orphan) {
	if p.Reading() {
		o := &orphan{request: &Request{Lease: true}}
		o.timer = newTimer(o)
		o.decision = Decision{Type: DecisionAction, Reason: leaseEnded, Do: o.request}
		*x = o
	}
	q, d := (*x).request, &(*x).decision
	if !must(p, &p.firings, &q.Firing) {
		return
	}
	made := planned{index: q.Index, step: q.Step, args: q.Args}
	p.plannedStep(q.Firing.Rule.Do, &made)
	p.Text(&q.LeaseID)
	p.Text(&d.Camera)
	p.Uint(&d.Target)
	p.Bits(&d.HasTarget)
	if p.Reading() && p.Err() == nil {
		q.Index, q.Step, q.Args = made.index, made.step, made.args
		d.Rule, d.Key, d.Firing, d.Step = q.Firing.Rule, q.Firing.Key, q.Firing, q.Step.Text
	}
}

// What a timer is for.
const (
	taskSilence uint8 = iota
	taskWake
	taskCron
	taskKey
	taskRun
	taskVisit
	taskOrphan
	taskFlag
	taskOverride
)

// timers packs the timers that are set, in the order they run.
func (p *packer) timers() {
	e := p.e
	all := e.timers.sorted()
	scene.List(p.Pack, &all, maxPackedThings, func(t **timer) {
		at := time.Duration(0)
		if !p.Reading() {
			at = (*t).at
		}
		p.Moment(&at)
		p.timer(t)
		if p.Check(*t != nil, "a timer is for nothing") && p.Reading() {
			e.timers.set(*t, at)
		}
	})
}

// timer packs what a timer is for.
func (p *packer) timer(t **timer) {
	var (
		e    = p.e
		what uint8
		cam  *camera
		rule *ruleState
		cron int
		ks   *keyState
		run  *stepRun
		v    *visit
		o    *orphan
		name string
	)
	if !p.Reading() {
		switch x := (*t).task.(type) {
		case silence:
			what, cam = taskSilence, x.cam
		case wake:
			what, rule = taskWake, x.rule
		case cronTask:
			what, rule, cron = taskCron, x.rule, x.index
		case *keyState:
			what, ks = taskKey, x
		case *stepRun:
			what, run = taskRun, x
		case *visit:
			what, v = taskVisit, x
		case *orphan:
			what, o = taskOrphan, x
		case *flagTimer:
			what, name = taskFlag, x.name
		case *override:
			what, name = taskOverride, x.Rule
		}
	}
	switch scene.Small(p.Pack, &what, taskOverride); what {
	case taskSilence:
		if must(p, &p.cams, &cam) && p.Check(cam.offline != nil, "a timer is for a camera that is gone") {
			*t = cam.offline
		}
	case taskWake:
		if must(p, &p.rules, &rule) {
			*t = rule.wake
		}
	case taskCron:
		if !must(p, &p.rules, &rule) {
			return
		}
		if p.Int(&cron, 0, len(rule.crons)-1); p.Err() == nil {
			*t = rule.crons[cron]
			p.Check(!rule.cronAt[cron].Before(e.now.Wall.Add(-cronLag)), "an instant is out of bounds")
		}
	case taskKey:
		if must(p, &p.keys, &ks) {
			*t = ks.timer
		}
	case taskRun:
		if must(p, &p.runs, &run) && p.Reading() {
			*t = newTimer(run)
		}
	case taskVisit:
		if must(p, &p.visits, &v) {
			*t = v.timer
		}
	case taskOrphan:
		i := slices.Index(e.orphans, o)
		if p.Int(&i, 0, len(e.orphans)-1); p.Err() == nil {
			*t = e.orphans[i].timer
		}
	case taskOverride:
		p.Text(&name)
		if i, found := e.findOverride(name); p.Check(found, "a timer is for no override") {
			*t = e.overrides[i].timer
		}
	case taskFlag:
		if p.Text(&name); p.Check(e.flagTimers[name] != nil, "a timer is for no flag") {
			*t = e.flagTimers[name].timer
		}
	}
}

// cronLag is more than a cron instant that is still to come can be past by a clock
// that was moved a little at a time.
const cronLag = time.Minute
