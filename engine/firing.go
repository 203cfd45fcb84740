package engine

import (
	"slices"
	"strconv"
	"time"

	"github.com/sallyport/sallyport/engine/scene"
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
	pulses   bool        // has a step that pulses a relay
	full     bool        // it was told that there are too many keys
	stirred  bool        // it stands among Engine.stirred
	fired    map[string]time.Duration
	order    []string // of fired, oldest first
	memory   memory
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
	kind   Kind
	cam    *camera
	serial uint64
	track  uint64 // the serial it had if it had not rejoined
	name   string
	quiet  bool // a first look: only follow is done
	idle   bool // on a level: the rule was surely not true for it before
}

// is tells whether two subjects are the same thing.
func (s subject) is(o subject) bool {
	return s.kind == o.kind && s.cam == o.cam && s.serial == o.serial && s.name == o.name
}

// keyState is one rule for one key.
type keyState struct {
	rule     *ruleState
	id       keyID
	text     string
	seq      uint64
	state    state
	quiet    bool
	mute     bool      // of a first look: not even follow is done
	subjects []subject // level: what the condition is true for
	timer    *timer    // the end of for, hold, cooldown or limit
	since    time.Duration
	cooldown time.Duration // no firing before
	limits   []time.Duration
	said     string // why it was held back last
	firing   *Firing
	leases   []lease
	visit    *visit
	spent    uint64 // the firing that counts as the visit's one; 0 = none
	turn     uint64 // counts how often it became active
	given    uint64 // the last firing that gave back what it charged; 0 = none
}

// lease is a follow step that holds a relay on.
type lease struct {
	p  *planned
	id string
}

// named says whether the rule is looked at for a wired thing of this name.
func (r *ruleState) named(name string) bool {
	return len(r.Names) == 0 || slices.Contains(r.Names, name)
}

// identity is what a rule knows a target by. A rule with a pulse takes one that
// rejoined for a new one.
func (r *ruleState) identity(serial, track uint64) uint64 {
	if r.pulses {
		return track
	}
	return serial
}

// keyFor makes the key of the present look.
func (e *Engine) keyFor(r *ruleState, s subject) keyID {
	var cam *camera
	if e.look.cam >= 0 {
		cam = e.cams[e.look.cam]
	}
	switch r.Per {
	case PerTarget:
		if s.serial != 0 {
			return keyID{cam: cam, n: r.identity(s.serial, s.track)}
		}
		if t := e.look.target; t != nil {
			return keyID{cam: cam, n: r.identity(t.Serial(), t.Track())}
		}
		if id, ok := e.look.TargetID(); ok {
			return keyID{cam: cam, n: id, text: "listed"} // not tracked: another number than a serial
		}
		return keyID{cam: cam}
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

// appendKey adds the key of the present look as people read it: front/2157,
// gate/#12, ABC1234, front, front/perimeter/1.
func (e *Engine) appendKey(b []byte, r *ruleState, id keyID) []byte {
	if id.cam != nil {
		b = append(b, id.cam.name...)
	}
	switch r.Per {
	case PerTarget:
		if n, ok := e.look.TargetID(); ok {
			b = strconv.AppendUint(append(b, '/'), n, 10)
		}
	case PerVisit:
		if id.n != 0 {
			b = strconv.AppendUint(append(b, "/#"...), id.n, 10)
		}
	case PerAlarm:
		b = append(append(b, '/'), id.text...)
	case PerPlate, PerName:
		b = append(b, id.text...)
	}
	return b
}

// lookAt looks at a rule for a subject; e.look is prepared.
func (e *Engine) lookAt(r *ruleState, s subject) {
	e.looks++
	e.look.about = s
	if e.remembers(r) {
		e.lookTraced(r, s)
		return
	}
	e.decide(r, s)
}

// decide evaluates the condition for the present look and does what follows from
// the answer, which it gives.
func (e *Engine) decide(r *ruleState, s subject) Truth {
	if r.While != nil && r.while != True {
		return False
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
	return t
}

// key finds or makes the state of the present look's key; nil when the rule has too many.
func (e *Engine) key(r *ruleState, id keyID) *keyState {
	if ks := r.keys[id]; ks != nil {
		return ks
	}
	var buf [64]byte
	text := string(e.appendKey(buf[:0], r, id))
	if len(r.keys) >= maxKeys {
		// A level would say so on every look.
		if !r.Level || !r.full {
			e.suppress(r, text, "", "too many keys")
		}
		r.full = true
		return nil
	}
	return e.newKey(r, id, text)
}

func (e *Engine) newKey(r *ruleState, id keyID, text string) *keyState {
	ks := &keyState{rule: r, id: id, text: text, seq: e.keySeq}
	e.keySeq++
	ks.timer = newTimer(ks)
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
	if ks.rule.keys[ks.id] == ks {
		delete(ks.rule.keys, ks.id)
		ks.rule.full = false
	}
}

// level lets a level rule follow its condition for one subject.
func (e *Engine) level(r *ruleState, s subject, t Truth) {
	if t != True && s.idle {
		return // it was not true for the subject, and still is not
	}
	s.idle = false
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
		ks.subjects = append(ks.subjects, s)
		e.setLive(r, s, true)
	}
	switch ks.state {
	case idle:
		ks.quiet, ks.mute = s.quiet, e.muting
		if r.For > 0 {
			e.move(ks, pending)
			ks.since = e.now.Mono
			e.timers.set(ks.timer, e.now.Mono+r.For)
			return
		}
		e.activate(ks)
	case barred:
		if ks.said == "late" && !e.swapping { // what came too late does not move because of a reload
			e.activate(ks)
		}
	case holding:
		e.timers.stop(ks.timer)
		e.move(ks, active)
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
		e.move(ks, idle)
		ks.said = ""
		e.timers.stop(ks.timer)
		e.forget(ks)
	case active:
		if ks.rule.Hold > 0 {
			e.move(ks, holding)
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
			ks.quiet = ks.quiet && s.quiet
			e.activate(ks)
		}
		return
	}
	ks.quiet, ks.mute = s.quiet, false
	if ks.spent != 0 && !r.Repeat {
		return // it fired in this visit, and was ended since
	}
	e.activate(ks)
	switch {
	case ks.state != active:
		e.move(ks, idle)
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
	case pending, barred:
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

// prepareKey prepares a look for a key at a moment without an event: with what is
// known now of the first thing the condition is true for, else with what fired.
func (e *Engine) prepareKey(ks *keyState) {
	var s subject
	if len(ks.subjects) > 0 {
		s = ks.subjects[0]
	}
	cam, serial := s.cam, s.serial
	ev := e.eventOf(s)
	f := ks.firing
	if s.kind == KindNone && f != nil {
		ev, serial = f.Event, f.serial
		if n := e.rs.Camera(f.Camera); n >= 0 {
			cam = e.cams[n]
		}
	}
	e.prepare(ks.rule, ev, cam)
	e.look.about, e.look.key, e.look.visit = s, ks, ks.visit
	if cam != nil && serial != 0 {
		e.look.target = cam.tracked(serial)
	}
	if e.look.target == nil && f != nil && f.HasTarget && ev == f.Event {
		for i := range ev.Targets {
			if t := &ev.Targets[i]; t.HasID && t.ID == f.Target {
				e.look.listed = t
			}
		}
	}
}

// tracked finds a live target by its serial.
func (c *camera) tracked(serial uint64) *scene.Target {
	for _, t := range c.scene.Targets() {
		if t.Serial() == serial {
			return t
		}
	}
	return nil
}

// eventOf is the event of a look that no event caused: what is known now of its
// subject. Nil when it has none.
func (e *Engine) eventOf(s subject) *Event {
	ev := &Event{Kind: s.kind, Name: s.name, Received: e.now.Wall}
	if s.cam != nil {
		ev.Camera = s.cam.name
	}
	switch s.kind {
	case KindTarget:
		if t := s.cam.tracked(s.serial); t != nil {
			ev.Targets = []Listed{{ID: t.ID(), HasID: true, Class: t.Class(), Box: t.Box(), HasBox: true}}
		}
	case KindAlarm:
		for _, a := range s.cam.alarms {
			if a.key == s.name {
				return a.event
			}
		}
	case KindCamera:
		ev.Name, ev.On = s.cam.name, s.cam.online == True
	case KindContact:
		ev.On = e.contacts[s.name].On == True
	case KindRelay:
		ev.On = e.relays[s.name].On == True
	case KindFlag:
		ev.Value = e.flags[s.name].value
	default:
		return nil
	}
	return ev
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
	e.move(ks, barred)
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
	f.Camera, _ = e.look.Camera()
	f.Target, f.HasTarget = e.look.TargetID()
	if e.look.target != nil {
		f.serial = e.look.target.Serial()
	}
	if e.look.ev != nil {
		f.Event = e.copied(e.look.ev)
	}
	if e.look.visit != nil {
		f.Visit = e.look.visit.text
	}
	if ks.state != active && ks.state != holding {
		ks.since = now
		ks.turn++
	}
	before := ks.spent
	e.move(ks, active)
	ks.said, ks.firing, ks.spent = "", f, 0
	if ks.visit != nil {
		ks.spent = f.ID
	}
	d := e.lookDecision(DecisionFiring)
	d.Rule, d.Key, d.Zone, d.Firing = r.Rule, ks.text, f.Zone, f
	switch {
	case ks.quiet:
		d.Reason = firstLook
	case f.Shadow:
		d.Reason = "shadow"
	}
	charge := charge{was: ks.cooldown, spent: before}
	if !ks.quiet {
		charge.made = true
		if r.Cooldown > 0 {
			ks.cooldown = now + r.Cooldown
		}
		if r.Limit.Count > 0 {
			ks.limits = append(ks.limits, now)
		}
		e.remember(r, ks.text)
		if r.tried && !f.Shadow {
			e.marks++
			f.charge = e.marks
		}
	}
	charge.cooldown = ks.cooldown
	e.emit(d)
	if f.Shadow {
		return
	}
	e.start(ks, f, r.Do, false, d.Reason, charge)
}

// copied is a copy of an event for the firings it causes; they share it.
func (e *Engine) copied(ev *Event) *Event {
	if e.copyOf != ev {
		e.copyOf, e.copy = ev, ev.Clone()
	}
	return e.copy
}

// remember notes when a rule fired for a key, for since().
func (e *Engine) remember(r *ruleState, key string) {
	if !r.Remember {
		return
	}
	r.note(key, e.now.Mono)
	e.changed |= ReadsFirings
}

// note keeps when the rule fired for a key.
func (r *ruleState) note(key string, at time.Duration) {
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
	r.fired[key] = at
}

// firstLook is why of a firing only what follows is done.
const firstLook = "first look"

// Why a firing is over though its condition may still hold.
const (
	endReload = "reload"
	endStop   = "stop"
	endWhile  = "while"
	endUnused = "given back"
)

// end leaves active: leases go, `finally` runs. When the rule itself is going,
// only telling and off steps of it do; when nothing of the firing began, nothing
// of it that is tried once.
func (e *Engine) end(ks *keyState, reason string) {
	was, r, f := ks.state, ks.rule, ks.firing
	e.move(ks, idle)
	ks.said, ks.firing = "", nil
	e.timers.stop(ks.timer)
	if was != active && was != holding {
		e.forget(ks)
		return
	}
	if r.Level || r.Hold > 0 || r.Per == PerVisit {
		d := e.lookDecision(DecisionEnd)
		d.Rule, d.Key, d.Firing, d.Reason = r.Rule, ks.text, f, reason
		d.Since, d.Until = e.wall(ks.since), e.now.Wall
		e.emit(d)
	}
	if !f.Shadow {
		e.endLeases(ks, f, reason == endReload)
		if !ks.quiet {
			e.start(ks, f, r.Finally, true, reason, charge{})
		}
	}
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
