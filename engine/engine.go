package engine

import (
	"math/bits"
	"time"

	"github.com/sallyport/sallyport/engine/scene"
)

// maxChain is how many firings may lead to one another.
const maxChain = 8

// Options are the parts of the site file that decisions depend on.
type Options struct {
	Tracking scene.Options
	// Late is how much later than usual a post may come and still move things (3 s).
	Late time.Duration
	// VisitGap ends a plate visit when no read came for longer (30 s).
	VisitGap time.Duration
	// NoOutcomes lets every step count as begun and done when it is due, as in
	// a replay without recorded outcomes.
	NoOutcomes bool
	// Hand, when set, is given every request the moment it is decided, before the
	// rules that come after are looked at; the decision follows as ever. It must
	// not call the engine.
	Hand func(*Request)
	// Plan, when set, is told at the firing of each step that must be done even if the
	// program ends before: a durable one or one of `plates` that is due later, unless
	// it stands behind a step that is waited for. The request is the one that will be
	// handed out under the same firing and index, Due in the future. Unplan, when set,
	// is told when it turns out not to be done. Both are called before the call that
	// made the firing returns, must not call the engine, and change no decision.
	Plan   func(*Request)
	Unplan func(firing uint64, index int, finally bool)
	// Presence, when set, is told when a camera comes or goes, before the rules are
	// looked at. It must not call the engine, and changes no decision.
	Presence func(Presence)
	// Lapsed, when set, is told of an [Override] whose time is over. It must not call the
	// engine, and changes no decision.
	Lapsed func(Override)
	// Restore is what an earlier run exported; nil for nothing.
	Restore *State
	// Marks are those that were kept of the runs before, in any order. Those with a
	// number above [State.Marks] of Restore are applied after it.
	Marks []Mark
}

// DefaultOptions are what a site file that says nothing gives.
func DefaultOptions() Options {
	return Options{
		Tracking: scene.Options{Timeout: 1500 * time.Millisecond},
		Late:     3 * time.Second,
		VisitGap: 30 * time.Second,
	}
}

// Engine is the state machine. One goroutine owns it.
type Engine struct {
	world
	opts       Options
	timers     timers
	out        []Decision
	queue      []*Event // what firings changed, taken after the present event
	changed    Reads
	watch      []*ruleState  // rules with a `while`, and standing rules
	watched    Reads         // what any of them reads
	slew       time.Duration // how far the wall clock drifted since the wall timers were set
	phase      time.Duration // the part of a minute that was over when the decision clock began
	byKind     [kindCount][]*ruleState
	cand       []bitset // per looked target: the rules to look at
	live       []bitset // per looked target: the rules that are not idle because of it
	union      bitset
	look       Look
	looks      uint64
	firings    uint64
	cause      cause // what the present event brings with it
	keySeq     uint64
	open       map[outcomeKey]openStep // steps whose outcome may give a firing back
	openSeq    []outcomeKey            // of open, oldest first
	waiting    map[outcomeKey]*stepRun // steps that the next one waits for
	copyOf     *Event                  // the event that copy is of
	copy       *Event
	leases     map[string]int        // how many keys hold each lease
	orphans    []*orphan             // leases kept over a reload, oldest first
	flagTimers map[string]*flagTimer // flags that go back after a time
	devices    map[string]*deviceClock
	tracing    tracing
	marks      uint64       // the number of the last mark
	altered    uint64       // changes when anything that survives a restart does
	stirred    []*ruleState // those of which a key changed since somebody asked
	written    *Ruleset     // the set in force as its files say
	overrides  []*override  // by the rule's name
	swapping   bool         // a set is put in force at present
	muting     bool         // rules are given another mode at present
	flagged    uint64       // counts the changes of flags
}

// New makes an engine that begins at an instant with a rule set. Nothing moves
// at the start: what is already true is a first look.
func New(rs *Ruleset, o Options, at Instant) (*Engine, []Decision) {
	e := newEngine(rs, o, at)
	if o.Restore != nil {
		e.restoreOverrides(o.Restore.saved.Overrides)
		rs = e.rs
	}
	for _, f := range rs.Flags {
		e.flags[f.Name] = flag{value: f.Initial, since: at.Mono}
	}
	for i, c := range rs.Cameras {
		e.cams = append(e.cams, e.newCamera(i, c))
	}
	e.install(nil)
	if o.Restore != nil {
		e.opts.Restore = nil
		e.restore(&o.Restore.saved)
	}
	e.opts.Marks = nil
	e.redo(o.Marks, e.marks)
	e.first(func(*ruleState) bool { return true })
	e.settle()
	return e, e.out
}

// newEngine is an engine that knows nothing yet.
func newEngine(rs *Ruleset, o Options, at Instant) *Engine {
	e := &Engine{
		opts: o, open: make(map[outcomeKey]openStep), waiting: make(map[outcomeKey]*stepRun),
		leases: make(map[string]int), flagTimers: make(map[string]*flagTimer), devices: make(map[string]*deviceClock),
	}
	e.now = at
	e.rs, e.written = rs, rs
	e.flags = make(map[string]flag)
	e.relays = make(map[string]Wired)
	e.contacts = make(map[string]Wired)
	e.judged = make(map[Schedule]judged)
	return e
}

// newCamera makes a camera that nothing was heard of yet; its silence counts from now on.
func (e *Engine) newCamera(number int, c CameraDef) *camera {
	cam := e.makeCamera(number, c)
	cam.settled = e.now.Mono + e.opts.Tracking.Timeout
	e.timers.set(cam.offline, e.now.Mono+unknownBeat)
	return cam
}

// makeCamera makes a camera nothing is known of. Its timer is not set.
func (e *Engine) makeCamera(number int, c CameraDef) *camera {
	cam := &camera{
		name: c.Name, number: number, online: Unknown,
		scene:   scene.NewCamera(c.Layout, e.opts.Tracking),
		targets: make(map[uint64]*trackedTarget),
	}
	cam.offline = newWallTimer(silence{cam})
	return cam
}

// Ruleset is the set in force.
func (e *Engine) Ruleset() *Ruleset { return e.rs }

// Now is the engine's present on both clocks.
func (e *Engine) Now() Instant { return e.now }

// Looks counts how often a rule was looked at for a key.
func (e *Engine) Looks() uint64 { return e.looks }

// Next is when the engine wants to be woken by [Engine.Advance]; false when nothing is pending.
func (e *Engine) Next() (time.Duration, bool) {
	at, _, ok := e.nextDue()
	return at, ok
}

// Rest ends a recording: cron, schedules and the silence of cameras no longer
// wake anything, so that [Engine.Next] ends when no target, pending or hold is left.
func (e *Engine) Rest() { e.timers.letRest() }

// nextDue is the next moment and the camera whose targets end then; nil when it is a timer's.
func (e *Engine) nextDue() (at time.Duration, cam *camera, ok bool) {
	for _, c := range e.cams {
		if c.due != 0 && (!ok || c.due < at) {
			at, cam, ok = c.due, c, true
		}
	}
	if t := e.timers.next(); t != nil && (!ok || t.at < at) {
		return t.at, nil, true
	}
	return at, cam, ok
}

// Advance lets time pass up to an instant: targets end, timers run, each at its
// own moment. The decisions are valid until the next call.
func (e *Engine) Advance(to Instant) []Decision {
	e.begin(to)
	e.tracing.idle = true
	return e.out
}

// begin empties the decisions and lets time pass up to the moment of an input. One
// taken after something later is taken now: the decision clock does not go back.
func (e *Engine) begin(to Instant) {
	e.out = e.out[:0]
	e.copyOf, e.copy = nil, nil
	e.tracing.idle = false
	if to.Mono < e.now.Mono {
		to.Wall = to.Wall.Add(e.now.Mono - to.Mono)
		to.Mono = e.now.Mono
	}
	for {
		at, cam, ok := e.nextDue()
		if !ok || at > to.Mono {
			break
		}
		e.cause = cause{}
		if at > e.now.Mono {
			e.now = Instant{Mono: at, Wall: e.wall(at)}
		}
		if cam != nil {
			e.expire(cam)
		} else {
			e.timers.pop().task.due(e)
		}
		e.settle()
	}
	e.cause = cause{}
	e.moveWall(to)
}

// moveWall sets both clocks. When the wall clock is not where the decision clock's
// pace would have it, what follows it is judged anew.
func (e *Engine) moveWall(to Instant) {
	step := to.Wall.Sub(e.wall(to.Mono))
	e.now = to
	if step == 0 {
		return
	}
	e.slew += step
	switch {
	case step.Abs() > time.Second:
		e.clockStepped(step)
	case e.slew.Abs() > mostSlew:
		e.clockMoved()
	default:
		return
	}
	e.settle()
}

// Apply takes one event that happened at an instant. The event may be reused
// afterwards. The decisions are valid until the next call.
func (e *Engine) Apply(at Instant, ev *Event) []Decision {
	e.begin(at)
	e.apply(ev)
	e.settle()
	return e.out
}

// settle takes what firings changed, and judges again what reads it, until
// nothing changes any more.
func (e *Engine) settle() {
	for {
		if e.changed != 0 {
			changed := e.changed
			e.changed = 0
			e.judge(changed)
			continue
		}
		if len(e.queue) == 0 {
			return
		}
		ev := e.queue[0]
		e.queue = append(e.queue[:0], e.queue[1:]...)
		e.apply(ev)
	}
}

func (e *Engine) apply(ev *Event) {
	e.cause = cause{late: ev.Late, depth: ev.depth}
	e.copyOf, e.copy = nil, nil
	var cam *camera
	if ev.Camera != "" {
		if n := e.rs.Camera(ev.Camera); n >= 0 {
			cam = e.cams[n]
		}
	}
	if ev.line != "" {
		e.applyCount(ev)
		return
	}
	switch ev.Kind {
	case KindContact:
		e.applyLevel(e.contacts, ReadsContact, ev)
		return
	case KindRelay:
		e.applyLevel(e.relays, ReadsRelays, ev)
		return
	case KindFlag:
		e.applyFlag(ev)
		return
	case KindMessage, KindStart, KindCron:
		e.lookAll(ev, nil)
		return
	case KindCamera:
		if cam != nil {
			e.told(cam, ev.On)
		}
		return
	}
	if cam == nil {
		return
	}
	if ev.Kind == KindAlarm && ev.Unknown {
		e.alarmUnknown(cam, ev)
		return
	}
	e.posted(cam, ev)
	ev.Late = ev.Late || e.late(cam, ev)
	e.cause.late = ev.Late
	if e.duplicate(cam, ev) {
		e.emit(Decision{Type: DecisionSuppressed, Camera: cam.name, Reason: "duplicate"})
		return
	}
	switch {
	case ev.Kind == KindTarget:
		e.applyTargets(cam, ev)
	case ev.Kind == KindPlate:
		e.applyPlate(cam, ev)
	case ev.Kind == KindAlarm:
		e.applyAlarm(cam, ev)
	case ev.Kind == KindHeartbeat:
	case ev.Kind.Smart():
		e.applySmart(cam, ev)
	default:
		e.lookAll(ev, cam)
	}
}

// emit adds a decision at the present instant.
func (e *Engine) emit(d Decision) {
	d.At = e.now
	e.out = append(e.out, d)
	if d.Do != nil && e.opts.Hand != nil {
		e.opts.Hand(d.Do)
	}
	switch d.Type {
	case DecisionCross, DecisionPlate, DecisionFiring, DecisionSuppressed, DecisionAction:
		e.altered++
	}
	e.note(&d)
}

// lookAll looks at every rule of the event's kind once.
func (e *Engine) lookAll(ev *Event, cam *camera) {
	for _, r := range e.byKind[ev.Kind] {
		if ev.statusHides(r.Rule) {
			continue
		}
		e.prepare(r, ev, cam)
		e.lookAt(r, subject{kind: ev.Kind})
	}
}

// statusHides says that a rule which does not name the status is not looked at.
func (ev *Event) statusHides(r *Rule) bool {
	return (ev.Status == StatusStop || ev.Status == StatusProcedure) && !r.Statuses
}

// applySmart looks once per listed target, or once with the target unknown.
func (e *Engine) applySmart(cam *camera, ev *Event) {
	for _, r := range e.byKind[ev.Kind] {
		if ev.statusHides(r.Rule) {
			continue
		}
		if len(ev.Targets) == 0 {
			e.prepare(r, ev, cam)
			e.lookAt(r, subject{kind: ev.Kind})
			continue
		}
		for i := range ev.Targets {
			e.prepare(r, ev, cam)
			e.look.listed = &ev.Targets[i]
			if ev.Targets[i].HasID {
				e.look.target = cam.scene.Target(ev.Targets[i].ID)
			}
			e.lookAt(r, subject{kind: ev.Kind})
		}
	}
}

// prepare sets the look up for a rule; the caller adds target and visit.
func (e *Engine) prepare(r *ruleState, ev *Event, cam *camera) {
	e.look = Look{w: e, ev: ev, cam: -1, rule: r}
	if cam != nil {
		e.look.cam = cam.number
	}
}

// applyTargets takes a trajectory post whole, then looks at the rules for each
// of its targets, rules outermost.
func (e *Engine) applyTargets(cam *camera, ev *Event) {
	var buf [32]scene.Seen
	seen := buf[:0]
	for i := range ev.Targets {
		t := &ev.Targets[i]
		if t.HasID && t.HasBox {
			seen = append(seen, scene.Seen{ID: t.ID, Class: t.Class, Box: t.Box})
		}
	}
	cam.scene.Update(e.now.Mono, ev.Time, seen, e.now.Mono >= cam.settled)
	cam.looks++
	e.sceneChanged(cam)
	if e.watched&ReadsScene != 0 {
		// A target in a zone may be of another class now: no enter or leave tells.
		if m := cam.mixOfClasses(); m != cam.mix {
			cam.mix = m
			e.changed |= ReadsScene
		}
	}
	e.lookTargets(cam, ev)
	cam.nextDue()
}

func (c *camera) nextDue() {
	at, ok := c.scene.Next()
	if !ok {
		at = 0
	}
	c.due = at
}

// expire ends the targets that are due now and gives them their last look.
func (e *Engine) expire(cam *camera) {
	cam.scene.Expire(e.now.Mono)
	cam.looks++
	e.sceneChanged(cam)
	ev := &Event{Kind: KindTarget, Camera: cam.name, Received: e.now.Wall}
	for _, t := range cam.scene.Looked() {
		ev.Targets = append(ev.Targets, Listed{ID: t.ID(), HasID: true, Class: t.Class(), Box: t.Box(), HasBox: true})
	}
	e.lookTargets(cam, ev)
	for _, t := range cam.scene.Looked() {
		delete(cam.targets, t.Serial())
	}
	cam.nextDue()
}

// sceneChanged tells what the scene decided.
func (e *Engine) sceneChanged(cam *camera) {
	for i := range cam.scene.Changes() {
		c := &cam.scene.Changes()[i]
		d := Decision{Camera: cam.name, Target: c.Target.ID(), HasTarget: true}
		switch c.Type {
		case scene.Enter:
			d.Type = DecisionEnter
			d.Zone = c.Name
			d.Since = e.wall(c.Since)
			e.changed |= ReadsScene
		case scene.Leave:
			d.Type = DecisionLeave
			d.Zone = c.Name
			d.Since, d.Until = e.wall(c.Since), e.wall(c.Until)
			d.Dwell, d.HasDwell = c.Dwell, true
			d.Reason = c.Reason.String()
			e.changed |= ReadsScene
		case scene.Cross:
			d.Type = DecisionCross
			d.Line = c.Name
			d.Direction = c.Direction.String()
			if n := e.counts[c.Name]; n != nil {
				n.add(e.now.Mono, c.Direction == scene.In)
				e.changed |= ReadsCounts
			}
		case scene.Vanish:
			d.Type = DecisionVanish
			d.Since, d.Until = e.wall(c.Target.FirstSeen()), e.wall(c.Target.LastSeen())
		}
		e.emit(d)
	}
}

// lookTargets looks at the rules that can matter for the targets of the scene's
// last look: by the index those that can be true, and those that are not idle.
func (e *Engine) lookTargets(cam *camera, ev *Event) {
	targets := cam.scene.Looked()
	if len(targets) == 0 || len(e.byKind[KindTarget]) == 0 {
		return
	}
	words := len(cam.index.always)
	for len(e.cand) < len(targets) {
		e.cand = append(e.cand, nil)
		e.live = append(e.live, nil)
	}
	clear(e.union)
	for i, t := range targets {
		if len(e.cand[i]) != words {
			e.cand[i] = make(bitset, words)
		}
		cand := e.cand[i]
		copy(cand, cam.index.always)
		for w, z := range t.ZoneBits() {
			for z != 0 {
				b := bits.TrailingZeros64(z)
				z &^= 1 << b
				for k, v := range cam.index.byZone[w*64+b] {
					cand[k] |= v
				}
			}
		}
		class := cam.index.byClass[t.Class()&(classCount-1)]
		for k := range cand {
			cand[k] &= class[k]
			if t.Gone() {
				cand[k] &= cam.index.atEnd[k]
			}
		}
		e.live[i] = nil
		if tt := cam.targets[t.Serial()]; tt != nil {
			e.live[i] = tt.live
			for k, v := range tt.live {
				cand[k] |= v
			}
		}
		for k, v := range cand {
			e.union[k] |= v
		}
	}
	for w := range e.union {
		for u := e.union[w]; u != 0; {
			b := bits.TrailingZeros64(u)
			u &^= 1 << b
			n := w*64 + b
			r := e.rules[n]
			for i, t := range targets {
				if e.cand[i].has(n) {
					e.lookTarget(r, cam, ev, t, e.live[i] == nil || !e.live[i].has(n))
				}
			}
		}
	}
}

// lookTarget looks at one rule for one tracked target. idle says that the rule was
// not true for the target before.
func (e *Engine) lookTarget(r *ruleState, cam *camera, ev *Event, t *scene.Target, idle bool) {
	e.prepare(r, ev, cam)
	e.look.target = t
	s := subject{kind: KindTarget, cam: cam, serial: t.Serial(), track: t.Track(), quiet: t.FirstLook(), idle: idle}
	if t.Gone() && !r.AtEnd {
		e.level(r, s, False)
		return
	}
	e.lookAt(r, s)
	if t.Gone() {
		// The last look is over: nothing holds for this target any more.
		s.idle = false
		e.level(r, s, False)
	}
}

// applyAlarm takes an alarm's level. The first value is a first look.
func (e *Engine) applyAlarm(cam *camera, ev *Event) {
	if ev.Alarm == nil {
		return
	}
	key := alarmKey(ev.Alarm)
	var a *alarm
	for _, x := range cam.alarms {
		if x.key == key {
			a = x
		}
	}
	quiet := a == nil
	if a == nil {
		if len(cam.alarms) >= maxAlarms {
			return
		}
		a = &alarm{key: key, on: Unknown}
		cam.alarms = append(cam.alarms, a)
	}
	if on := TruthOf(ev.Alarm.On); a.on != on {
		quiet = quiet || a.on == Unknown
		a.on, a.since = on, e.now.Mono
	}
	a.event = ev.Clone()
	for _, r := range e.byKind[KindAlarm] {
		e.prepare(r, ev, cam)
		e.lookAt(r, subject{kind: KindAlarm, cam: cam, name: key, quiet: quiet})
	}
}

// alarmUnknown forgets an alarm's level: the device that is asked for it does not
// answer. The next level is a first one.
func (e *Engine) alarmUnknown(cam *camera, ev *Event) {
	if ev.Alarm == nil {
		return
	}
	key := alarmKey(ev.Alarm)
	for _, a := range cam.alarms {
		if a.key == key && a.on != Unknown {
			a.on = Unknown
			for _, r := range e.byKind[KindAlarm] {
				e.alarmLost(r, cam, a)
			}
		}
	}
}

// applyLevel takes the level of a relay or a contact. The first value is no event.
func (e *Engine) applyLevel(levels map[string]Wired, reads Reads, ev *Event) {
	was := levels[ev.Name]
	if ev.Unknown && ev.Kind == KindContact {
		if was.known {
			e.levelLost(levels, reads, ev)
		}
		return
	}
	on := TruthOf(ev.On)
	if was.known && was.On == on {
		return
	}
	levels[ev.Name] = Wired{On: on, Since: e.now.Mono, known: true}
	e.changed |= reads
	for _, r := range e.byKind[ev.Kind] {
		if !r.named(ev.Name) {
			continue
		}
		e.prepare(r, ev, nil)
		e.lookAt(r, subject{kind: ev.Kind, name: ev.Name, quiet: !was.known})
	}
}

// levelLost forgets a level that is not known any more: what held because of it
// ends, and the next level is a first one.
func (e *Engine) levelLost(levels map[string]Wired, reads Reads, ev *Event) {
	delete(levels, ev.Name)
	e.changed |= reads
	for _, r := range e.byKind[ev.Kind] {
		if r.named(ev.Name) {
			e.prepare(r, ev, nil)
			e.level(r, subject{kind: ev.Kind, name: ev.Name}, Unknown)
		}
	}
}

// applyFlag stores a flag's value.
func (e *Engine) applyFlag(ev *Event) {
	was, ok := e.flags[ev.Name]
	if !ok || was.value.Type != ev.Value.Type {
		return
	}
	e.altered++
	e.keepFlag(ev, was.value)
	if was.value == ev.Value {
		return
	}
	e.flags[ev.Name] = flag{value: ev.Value, since: e.now.Mono}
	e.flagged++
	e.changed |= ReadsFlags
	for _, r := range e.byKind[KindFlag] {
		if !r.named(ev.Name) {
			continue
		}
		e.prepare(r, ev, nil)
		e.lookAt(r, subject{kind: KindFlag, name: ev.Name})
	}
}

// flagTimer takes a flag back to what it was before it was set for a time.
type flagTimer struct {
	*timer
	name string
	back Scalar
}

// keepFlag lets a flag go back after the time it is set for. Setting it again
// begins that time anew, or ends it when none is named; what it goes back to stays.
func (e *Engine) keepFlag(ev *Event, back Scalar) {
	if t := e.flagTimers[ev.Name]; t != nil {
		back = t.back
		e.timers.stop(t.timer)
		delete(e.flagTimers, ev.Name)
	}
	if ev.keep <= 0 {
		return
	}
	e.flagBack(ev.Name, back, e.now.Mono+ev.keep)
}

// newFlagTimer makes the timer of a flag that goes back to a value. It is not set.
func (e *Engine) newFlagTimer(name string, back Scalar) *flagTimer {
	t := &flagTimer{name: name, back: back}
	t.timer = newTimer(t)
	e.flagTimers[name] = t
	return t
}

// flagBack lets a flag go back to a value at a moment.
func (e *Engine) flagBack(name string, back Scalar, at time.Duration) {
	e.timers.set(e.newFlagTimer(name, back).timer, at)
}

// maxAlarms bounds the alarms remembered of one camera.
const maxAlarms = 256

func alarmKey(a *Alarm) string {
	if a.ID == 0 {
		return a.Name
	}
	return a.Name + "/" + itoa(a.ID)
}
