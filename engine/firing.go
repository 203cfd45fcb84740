package engine

import (
	"slices"
	"strconv"
	"time"
)

// maxKeys bounds the keys of one rule; beyond it a new key does not fire.
const maxKeys = 10_000

// ruleState is one rule with what it remembers.
type ruleState struct {
	*Rule
	number   int
	keys     map[keyID]*keyState
	while    Truth
	wake     *timer
	crons    []*timer
	cronAt   []time.Time // the next instant of each
	lastCron []time.Time // the last one that ran
	tried    bool        // has a step that is tried once
	fired    map[string]time.Duration
	order    []string // of fired, oldest first
}

// keyID is what a rule holds one state for. It is comparable.
type keyID struct {
	cam  *camera
	n    uint64
	text string
}

// state is where a key is.
type state uint8

const (
	idle    state = iota
	pending       // true, `for` is running
	barred        // true, but held back
	active
	holding // no longer true, `hold` is running
)

// subject is what one look is about: a tracked target, an alarm, a wired name,
// or nothing.
type subject struct {
	cam    *camera
	serial uint64
	name   string
	quiet  bool // a first look: only follow is done
}

// is tells whether two subjects are the same thing.
func (s subject) is(o subject) bool {
	return s.cam == o.cam && s.serial == o.serial && s.name == o.name
}

// keyState is one rule for one key.
type keyState struct {
	rule     *ruleState
	id       keyID
	text     string
	seq      uint64
	state    state
	quiet    bool
	subjects []subject // level: what the condition is true for
	timer    *timer    // the end of for, hold, cooldown or limit
	since    time.Duration
	cooldown time.Duration // no firing before
	limits   []time.Duration
	said     string // why it was held back last
	firing   *Firing
	leases   []lease
	visit    *visit
	told     bool // its told steps ran in this visit
}

// lease is a follow step that holds a relay on.
type lease struct {
	step  *Step
	index int
	args  RelayArgs
	id    string
}

// named says whether the rule is looked at for a wired thing of this name.
func (r *ruleState) named(name string) bool {
	return len(r.Names) == 0 || slices.Contains(r.Names, name)
}

// keyFor makes the key of the present look.
func (e *Engine) keyFor(r *ruleState, s subject) keyID {
	var cam *camera
	if e.look.cam >= 0 {
		cam = e.cams[e.look.cam]
	}
	switch r.Per {
	case PerTarget:
		if s.cam != nil {
			return keyID{cam: cam, n: s.serial}
		}
		id, _ := e.look.TargetID()
		return keyID{cam: cam, n: id}
	case PerVisit:
		if e.look.visit != nil {
			return keyID{cam: cam, n: uint64(e.look.visit.number)}
		}
	case PerPlate:
		if p := e.look.Plate(); p != nil {
			return keyID{text: NormalPlate(p.Number)}
		}
	case PerCamera:
		return keyID{cam: cam}
	case PerAlarm:
		return keyID{cam: cam, text: s.name}
	case PerName:
		return keyID{text: s.name}
	}
	return keyID{}
}

// keyText is the key as people read it: front/2157, gate/#12, ABC1234, front, front/perimeter/1.
func (e *Engine) keyText(r *ruleState, id keyID) string {
	cam := ""
	if id.cam != nil {
		cam = id.cam.name
	}
	switch r.Per {
	case PerTarget:
		n := id.n
		if t := e.look.target; t != nil {
			n = t.ID()
		}
		return cam + "/" + strconv.FormatUint(n, 10)
	case PerVisit:
		return cam + "/#" + strconv.FormatUint(id.n, 10)
	case PerAlarm:
		return cam + "/" + id.text
	case PerCamera:
		return cam
	}
	return id.text
}

// lookAt looks at a rule for a subject; e.look is prepared.
func (e *Engine) lookAt(r *ruleState, s subject) {
	e.looks++
	e.look.about = s
	if r.While != nil && r.while != True {
		return
	}
	t := True
	if r.When != nil {
		t = r.When.Eval(&e.look)
	}
	if r.Level {
		e.level(r, s, t)
	} else if t == True {
		e.moment(r, s)
	}
}

// key finds or makes the state of the present look's key; nil when the rule has too many.
func (e *Engine) key(r *ruleState, id keyID) *keyState {
	if ks := r.keys[id]; ks != nil {
		return ks
	}
	text := e.keyText(r, id)
	if len(r.keys) >= maxKeys {
		e.suppress(r, text, "", "too many keys")
		return nil
	}
	ks := &keyState{rule: r, id: id, text: text, seq: e.keySeq}
	e.keySeq++
	ks.timer = newTimer(func() { e.keyDue(ks) })
	r.keys[id] = ks
	return ks
}

// forget drops a key that is idle and remembers nothing.
func (e *Engine) forget(ks *keyState) {
	if ks.state != idle || len(ks.subjects) > 0 {
		return
	}
	if ks.visit != nil && !ks.visit.over {
		return
	}
	now := e.now.Mono
	until := ks.cooldown
	if n := len(ks.limits); n > 0 {
		until = max(until, ks.limits[n-1]+ks.rule.Limit.Per)
	}
	if until > now {
		e.timers.set(ks.timer, until)
		return
	}
	e.timers.stop(ks.timer)
	delete(ks.rule.keys, ks.id)
}

// level lets a level rule follow its condition for one subject.
func (e *Engine) level(r *ruleState, s subject, t Truth) {
	id := e.keyFor(r, s)
	ks := r.keys[id]
	if t != True {
		if ks != nil {
			e.release(ks, s)
		}
		return
	}
	if ks == nil {
		if ks = e.key(r, id); ks == nil {
			return
		}
	}
	if !slices.ContainsFunc(ks.subjects, s.is) {
		if len(ks.subjects) == 0 {
			ks.quiet = s.quiet
		}
		ks.subjects = append(ks.subjects, s)
		e.setLive(r, s, true)
	}
	switch ks.state {
	case idle:
		if r.For > 0 {
			ks.state = pending
			ks.since = e.now.Mono
			e.timers.set(ks.timer, e.now.Mono+r.For)
			return
		}
		e.activate(ks)
	case barred:
		if ks.said == "late" {
			e.activate(ks)
		}
	case holding:
		e.timers.stop(ks.timer)
		ks.state = active
	}
}

// release takes a subject from a key; with the last one the condition is no longer true.
func (e *Engine) release(ks *keyState, s subject) {
	i := slices.IndexFunc(ks.subjects, s.is)
	if i < 0 {
		return
	}
	ks.subjects = slices.Delete(ks.subjects, i, i+1)
	e.setLive(ks.rule, s, false)
	if len(ks.subjects) > 0 {
		return
	}
	switch ks.state {
	case pending, barred:
		ks.state, ks.said = idle, ""
		e.timers.stop(ks.timer)
		e.forget(ks)
	case active:
		if ks.rule.Hold > 0 {
			ks.state = holding
			e.timers.set(ks.timer, e.now.Mono+ks.rule.Hold)
			return
		}
		e.end(ks, "")
	}
}

// setLive notes that a target keeps a rule from being idle, so that the index does not hide it.
func (e *Engine) setLive(r *ruleState, s subject, on bool) {
	if s.cam == nil || s.serial == 0 {
		return
	}
	tt := s.cam.targets[s.serial]
	if tt == nil {
		if !on {
			return
		}
		tt = &trackedTarget{live: newBits(len(e.rules))}
		s.cam.targets[s.serial] = tt
	}
	if on {
		tt.live.set(r.number)
	} else {
		tt.live.clear(r.number)
	}
}

// moment lets a rule fire that is true for this instant only.
func (e *Engine) moment(r *ruleState, s subject) {
	ks := e.key(r, e.keyFor(r, s))
	if ks == nil {
		return
	}
	if v := e.look.visit; v != nil && r.Per == PerVisit && ks.visit == nil {
		ks.visit = v
		v.keys = append(v.keys, ks)
	}
	if ks.state == active || ks.state == holding {
		if r.Hold > 0 {
			e.timers.set(ks.timer, e.now.Mono+r.Hold)
		}
		if r.Repeat {
			e.activate(ks)
		}
		return
	}
	e.activate(ks)
	switch {
	case ks.state != active:
		ks.state = idle
		e.forget(ks)
	case r.Hold > 0:
		e.timers.set(ks.timer, e.now.Mono+r.Hold)
	case r.Per == PerVisit && ks.visit != nil:
	default:
		e.end(ks, "")
	}
}

// keyDue runs when a key's timer does.
func (e *Engine) keyDue(ks *keyState) {
	switch ks.state {
	case pending:
		e.prepareKey(ks)
		e.activate(ks)
	case barred:
		e.prepareKey(ks)
		e.activate(ks)
	case holding:
		e.prepareKey(ks)
		e.end(ks, "")
	case active: // a moment's hold
		if ks.rule.Level {
			return
		}
		if ks.visit != nil && !ks.visit.over {
			return // the visit ends it
		}
		e.prepareKey(ks)
		e.end(ks, "")
	default:
		e.forget(ks)
	}
}

// prepareKey prepares a look for a key at a moment without an event, with what
// is known now of the first thing the condition is true for.
func (e *Engine) prepareKey(ks *keyState) {
	var s subject
	if len(ks.subjects) > 0 {
		s = ks.subjects[0]
	}
	ev, cam := e.subjectEvent(ks, s)
	e.prepare(ks.rule, ev, cam)
	if s.cam != nil && s.serial != 0 {
		for _, t := range s.cam.scene.Targets() {
			if t.Serial() == s.serial {
				e.look.target = t
			}
		}
	}
	e.look.visit = ks.visit
	e.cause = cause{}
}

// subjectEvent is the event a key's look goes by when time, not a post, moves it.
func (e *Engine) subjectEvent(ks *keyState, s subject) (*Event, *camera) {
	if s.cam != nil {
		if s.serial == 0 {
			for _, a := range s.cam.alarms {
				if a.key == s.name {
					return a.event, s.cam
				}
			}
			return &Event{Kind: KindCamera, Camera: s.cam.name, On: s.cam.online == True, Received: e.now.Wall}, s.cam
		}
		ev := &Event{Kind: KindTarget, Camera: s.cam.name, Received: e.now.Wall}
		for _, t := range s.cam.scene.Targets() {
			if t.Serial() == s.serial {
				ev.Targets = []Listed{{ID: t.ID(), HasID: true, Class: t.Class(), Box: t.Box(), HasBox: true}}
			}
		}
		return ev, s.cam
	}
	if f := ks.firing; f != nil && f.Event != nil {
		var cam *camera
		if n := e.rs.Camera(f.Event.Camera); n >= 0 {
			cam = e.cams[n]
		}
		return f.Event, cam
	}
	return nil, nil
}

// cause is what a present event brings with it.
type cause struct {
	late  bool
	depth int
}

// activate fires a key whose condition is true, or says why not.
func (e *Engine) activate(ks *keyState) {
	r, now := ks.rule, e.now.Mono
	reason, until := "", time.Duration(0)
	switch {
	case e.cause.depth > maxChain:
		reason = "loop"
	case e.cause.late && r.tried:
		reason = "late"
	case ks.quiet:
	case now < ks.cooldown:
		reason, until = "cooldown", ks.cooldown
	case r.Limit.Count > 0:
		for len(ks.limits) > 0 && ks.limits[0]+r.Limit.Per <= now {
			ks.limits = slices.Delete(ks.limits, 0, 1)
		}
		if len(ks.limits) >= r.Limit.Count {
			reason, until = "limit", ks.limits[0]+r.Limit.Per
		}
	}
	if reason == "" {
		e.fire(ks)
		return
	}
	if ks.said != reason || !r.Level {
		e.suppress(r, ks.text, "", reason)
	}
	ks.said = reason
	if ks.state == active || ks.state == holding {
		return // a repeat that was held back
	}
	ks.state = barred
	if until > 0 && r.Level {
		e.timers.set(ks.timer, until)
	}
}

// suppress tells that something did not happen, and why.
func (e *Engine) suppress(r *ruleState, key, step, reason string) {
	d := e.lookDecision(DecisionSuppressed)
	d.Rule, d.Key, d.Step, d.Reason = r.Rule, key, step, reason
	e.emit(d)
}

// lookDecision is a decision with what the present look is about.
func (e *Engine) lookDecision(t DecisionType) Decision {
	d := Decision{Type: t}
	d.Camera, _ = e.look.Camera()
	if e.look.target != nil || e.look.listed != nil {
		d.Target, d.HasTarget = e.look.TargetID()
	}
	return d
}

// fire makes a key active and does what the rule says.
func (e *Engine) fire(ks *keyState) {
	r, now := ks.rule, e.now.Mono
	e.firings++
	f := &Firing{ID: e.firings, Rule: r.Rule, Key: ks.text, At: e.now, Shadow: r.Mode == ModeShadow, Zone: r.FirstZone}
	if e.look.ev != nil {
		f.Event = e.look.ev.Clone()
	}
	if e.look.visit != nil {
		f.Visit = e.look.visit.text
	}
	again := ks.state == active || ks.state == holding
	if !again {
		ks.since = now
	}
	ks.state, ks.said, ks.firing = active, "", f
	g := &giveBack{key: ks, cooldown: ks.cooldown, depth: e.cause.depth, late: e.cause.late}
	d := e.lookDecision(DecisionFiring)
	d.Rule, d.Key, d.Firing = r.Rule, ks.text, f
	switch {
	case ks.quiet:
		d.Reason = "first look"
	case f.Shadow:
		d.Reason = "shadow"
	}
	if !ks.quiet {
		if r.Cooldown > 0 {
			ks.cooldown = now + r.Cooldown
		}
		if r.Limit.Count > 0 {
			ks.limits = append(ks.limits, now)
		}
		e.remember(r, ks.text)
	}
	e.emit(d)
	if f.Shadow {
		return
	}
	e.start(ks, f, r.Do, g, ks.quiet, false)
	ks.told = true
}

// remember notes when a rule fired for a key, for since().
func (e *Engine) remember(r *ruleState, key string) {
	if !r.Remember {
		return
	}
	if r.fired == nil {
		r.fired = make(map[string]time.Duration)
	}
	if _, ok := r.fired[key]; !ok {
		if len(r.order) >= maxKeys {
			delete(r.fired, r.order[0])
			r.order = slices.Delete(r.order, 0, 1)
		}
		r.order = append(r.order, key)
	}
	r.fired[key] = e.now.Mono
	e.changed |= ReadsFirings
}

// Why a rule is ended from outside.
const (
	endReload = "reload"
	endStop   = "stop"
	endWhile  = "while"
)

// end leaves active: leases go, `finally` runs. When the rule itself is going,
// only telling and off steps of it do.
func (e *Engine) end(ks *keyState, reason string) {
	if ks.state != active && ks.state != holding {
		ks.state, ks.said = idle, ""
		e.timers.stop(ks.timer)
		e.forget(ks)
		return
	}
	r, f := ks.rule, ks.firing
	ks.state, ks.said = idle, ""
	e.timers.stop(ks.timer)
	lasting := r.Level || r.Hold > 0 || r.Per == PerVisit
	if lasting {
		d := e.lookDecision(DecisionEnd)
		d.Rule, d.Key, d.Firing, d.Reason = r.Rule, ks.text, f, reason
		d.Since, d.Until = e.wall(ks.since), e.now.Wall
		e.emit(d)
	}
	if f != nil && !f.Shadow {
		e.endLeases(ks, f, reason == endReload)
		if !ks.quiet && len(r.Finally) > 0 {
			e.start(ks, f, r.Finally, nil, false, reason == endReload || reason == endStop)
		}
	}
	ks.firing = nil
	e.forget(ks)
}

// endAll ends every key of a rule, in the order the keys began.
func (e *Engine) endAll(r *ruleState, reason string) {
	for _, ks := range sortedKeys(r) {
		for _, s := range ks.subjects {
			e.setLive(r, s, false)
		}
		e.prepareKey(ks)
		ks.subjects = nil
		e.end(ks, reason)
	}
}

func sortedKeys(r *ruleState) []*keyState {
	all := make([]*keyState, 0, len(r.keys))
	for _, ks := range r.keys {
		all = append(all, ks)
	}
	slices.SortFunc(all, func(a, b *keyState) int {
		switch {
		case a.seq < b.seq:
			return -1
		case a.seq > b.seq:
			return 1
		}
		return 0
	})
	return all
}

func itoa(n int) string { return strconv.Itoa(n) }
