package engine

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/scene"
)

// Bounds of what a snapshot may hold.
const (
	maxPackedThings = 1 << 20 // of one kind
	maxPackedDepth  = 32      // of a message's body
	maxWallYear     = 9000
)

// packer packs an engine, or reads one. What is pointed to from several places stands
// in a table, and is pointed to by its number there.
type packer struct {
	*scene.Pack
	e *Engine

	cams    table[camera]    // those in force, then dropped ones that keys remember
	defs    table[Rule]      // the set's rules, then changed ones that firings are of
	rules   table[ruleState] // of the set's rules, then of changed ones that keys are of
	keys    table[keyState]
	visits  table[visit]
	firings table[Firing]
	events  table[Event]
	runs    table[stepRun]

	byIdentity map[string]*Rule // the set's rules, when written
	pointed    map[*Rule]bool   // rules whose steps something points to, when written
}

// table numbers things that are pointed to.
type table[T any] struct {
	all    []*T
	number map[*T]int
}

// add numbers a thing. False when it is none, or has a number already.
func (t *table[T]) add(x *T) bool {
	if x == nil {
		return false
	}
	if _, ok := t.number[x]; ok {
		return false
	}
	if t.number == nil {
		t.number = make(map[*T]int)
	}
	t.number[x] = len(t.all)
	t.all = append(t.all, x)
	return true
}

// each packs the things of a table whose number is at least from: how many there are,
// then each of them. When they are read, they are made first.
func (t *table[T]) each(p *packer, from int, pack func(*T)) {
	t.make(p, from)
	t.fill(p, from, pack)
}

// make packs how many things there are, and makes them when they are read.
func (t *table[T]) make(p *packer, from int) {
	var made []T
	if p.Reading() {
		scene.List(p.Pack, &made, maxPackedThings, func(*T) {})
		for i := range made {
			t.all = append(t.all, &made[i])
		}
		return
	}
	p.Room(p.Length(len(t.all)-from, maxPackedThings), scene.SizeOf[T]())
}

// fill packs what the things are.
func (t *table[T]) fill(p *packer, from int, pack func(*T)) {
	for _, x := range t.all[min(from, len(t.all)):] {
		if p.Err() != nil {
			return
		}
		pack(x)
	}
}

// ref packs a pointer to a thing of a table. It may be nil.
func ref[T any](p *packer, t *table[T], x **T) {
	n := uint64(0)
	if !p.Reading() && *x != nil {
		i, ok := t.number[*x]
		if !p.Check(ok, "something points to what is not there") {
			return
		}
		n = uint64(i) + 1
	}
	p.Uint(&n)
	if !p.Check(n <= uint64(len(t.all)), "something points to what is not there") || !p.Reading() {
		return
	}
	if *x = nil; n > 0 {
		*x = t.all[n-1]
	}
}

// must packs a pointer that is never nil. False after an error.
func must[T any](p *packer, t *table[T], x **T) bool {
	ref(p, t, x)
	return p.Check(*x != nil, "something points to nothing")
}

// names packs the keys of a map in their order, each with its value.
func names[V any](p *packer, m map[string]V, most int, each func(name string, v V) V) {
	all := slices.Sorted(maps.Keys(m))
	scene.List(p.Pack, &all, most, func(name *string) {
		p.Text(name)
		if v := each(*name, m[*name]); p.Reading() && p.Err() == nil && p.Room(1, 2*scene.SizeOf[V]()) {
			m[*name] = v
		}
	})
}

func (p *packer) truth(t *Truth) {
	x := uint8(*t + 1)
	if scene.Small(p.Pack, &x, 2); p.Err() == nil {
		*t = Truth(x) - 1
	}
}

// collect numbers everything that the engine knows, in an order that does not depend
// on that of a map.
func (p *packer) collect() {
	e := p.e
	p.pointed = make(map[*Rule]bool)
	p.byIdentity = make(map[string]*Rule, len(e.rs.Rules))
	for _, r := range e.rs.Rules {
		if p.defs.add(r); p.byIdentity[r.Identity] == nil {
			p.byIdentity[r.Identity] = r
		}
	}
	for _, r := range e.rules {
		p.rules.add(r)
	}
	for _, c := range e.cams {
		p.cams.add(c)
	}
	for _, r := range e.rules {
		for _, ks := range sortedKeys(r) {
			p.addKey(ks)
		}
	}
	for _, c := range e.cams {
		for _, v := range c.visits {
			p.addVisit(v)
		}
		for _, a := range c.alarms {
			p.events.add(a.event)
		}
	}
	for _, t := range e.timers.sorted() {
		switch t := t.task.(type) {
		case *keyState:
			p.addKey(t)
		case *stepRun:
			p.addRun(t)
		}
	}
	for _, k := range e.openSeq {
		p.addRun(e.open[k].run)
	}
	for _, k := range sortedWaiting(e.waiting) {
		p.addRun(e.waiting[k])
	}
	for _, o := range e.orphans {
		p.addFiring(o.request.Firing)
	}
	for _, ev := range e.queue {
		p.events.add(ev)
	}
}

// sorted gives the timers that are set in the order they run.
func (q *timers) sorted() []*timer {
	all := slices.Clone(q.heap)
	slices.SortFunc(all, func(a, b *timer) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.seq, b.seq)) })
	return all
}

func sortedWaiting(waiting map[outcomeKey]*stepRun) []outcomeKey {
	finally := func(k outcomeKey) int {
		if k.finally {
			return 1
		}
		return 0
	}
	return slices.SortedFunc(maps.Keys(waiting), func(a, b outcomeKey) int {
		return cmp.Or(cmp.Compare(a.firing, b.firing), cmp.Compare(a.index, b.index), cmp.Compare(finally(a), finally(b)))
	})
}

// def gives the rule that stands for r: that of the set when it did not change.
func (p *packer) def(r *Rule) *Rule {
	if _, ok := p.defs.number[r]; !ok {
		if same := p.byIdentity[r.Identity]; same != nil {
			return same
		}
		p.defs.add(r)
	}
	return r
}

func (p *packer) addKey(ks *keyState) {
	if !p.keys.add(ks) {
		return
	}
	if p.rules.add(ks.rule) {
		p.def(ks.rule.Rule)
	}
	p.cams.add(ks.id.cam)
	p.addVisit(ks.visit)
	p.addFiring(ks.firing)
}

func (p *packer) addVisit(v *visit) {
	if !p.visits.add(v) {
		return
	}
	p.cams.add(v.cam)
	if !v.over { // nobody asks for the keys of one that is over
		for _, ks := range v.keys {
			p.addKey(ks)
		}
	}
}

func (p *packer) addFiring(f *Firing) {
	if p.firings.add(f) {
		p.pointed[p.def(f.Rule)] = true
		p.events.add(f.Event)
	}
}

func (p *packer) addRun(run *stepRun) {
	if p.runs.add(run) {
		p.addKey(run.key)
		p.addFiring(run.firing)
		p.addVisit(run.visit)
	}
}

// set packs what a rule set is, as far as something may be remembered of it.
func (p *packer) set(rs *Ruleset) {
	scene.List(p.Pack, &rs.Cameras, maxPackedThings, func(c *CameraDef) {
		p.Text(&c.Name)
		if p.Reading() {
			c.Layout = &scene.Layout{}
		}
		c.Layout.Pack(p.Pack)
	})
	scene.List(p.Pack, &rs.Lines, maxPackedThings, func(l *Place) { p.Text(&l.Name) })
	scene.List(p.Pack, &rs.Flags, maxPackedThings, func(f *FlagDef) {
		p.Text(&f.Name)
		scene.Small(p.Pack, &f.Initial.Type, ScalarText)
	})
	scene.List(p.Pack, &rs.Rules, maxPackedThings, func(r **Rule) {
		if p.Room(1, scene.SizeOf[Rule]()); p.Reading() {
			*r = &Rule{}
		}
		p.rule(*r)
	})
}

// rule packs what has to be known of a rule when its set is not there any more. Its
// conditions are not kept: nothing asks them then.
func (p *packer) rule(r *Rule) {
	p.Text(&r.Name)
	p.Text(&r.Identity)
	scene.Small(p.Pack, &r.Per, PerRule)
	scene.Small(p.Pack, &r.Mode, ModeOff)
	steps := p.pointed[r]
	p.Bits(&r.Level, &r.Repeat, &steps)
	p.Span(&r.Hold)
	p.Span(&r.Cooldown)
	p.Int(&r.Limit.Count, 0, maxSavedNumber)
	p.Span(&r.Limit.Per)
	scene.List(p.Pack, &r.Crons, maxPackedThings, func(*Cron) { p.Bits() })
	if steps {
		scene.List(p.Pack, &r.Do, maxPackedThings, p.step)
		scene.List(p.Pack, &r.Finally, maxPackedThings, p.step)
	}
}

// step packs a step. One with a condition is not asked for when it is read, and one
// whose values are made at the firing is skipped.
func (p *packer) step(s *Step) {
	p.Text(&s.Text)
	p.Span(&s.After)
	p.Span(&s.Timeout)
	p.Span(&s.Expires)
	p.Int(&s.Retry, 0, maxSavedNumber)
	asks, fills := s.If != nil, s.Fill != nil
	p.Bits(&s.Durable, &s.Wait, &s.Stop, &asks, &fills)
	p.args(&s.Args)
	if !p.Reading() {
		return
	}
	if asks {
		s.If = &Cond{Test: func(*Look) Truth { return Unknown }}
	}
	if fills {
		args := s.Args
		s.Fill = func(*Look) (Args, string) { return args, "unknown" }
	}
}

func (p *packer) args(a *Args) {
	verb, text := VerbNone, ""
	if !p.Reading() && *a != nil {
		b, err := EncodeArgs(*a)
		if err != nil {
			p.Check(false, err.Error())
			return
		}
		verb, text = (*a).Verb(), string(b)
	}
	if scene.Small(p.Pack, &verb, VerbLog); verb == VerbNone {
		return
	}
	p.Text(&text)
	if !p.Reading() || p.Err() != nil {
		return
	}
	made, err := DecodeArgs(verb, []byte(text))
	if err != nil {
		p.Check(false, err.Error())
		return
	}
	*a = made
}

// values packs the values of a planned step: those of the step, or what was made of it.
func (p *packer) values(x *planned) {
	if x.step.Fill != nil {
		p.args(&x.args)
		p.Check(x.args == nil || x.args.Verb() == x.step.Verb(), "a step has the values of another verb")
		return
	}
	x.args = x.step.Args
}

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

func (p *packer) event(ev *Event) {
	scene.Small(p.Pack, &ev.Kind, kindCount-1)
	p.Text(&ev.Raw)
	p.Text(&ev.Camera)
	for _, s := range []*string{&ev.Device.Name, &ev.Device.MAC, &ev.Device.SN, &ev.Device.Address} {
		p.Text(s)
	}
	p.Int(&ev.Device.Channel, math.MinInt32, math.MaxInt32)
	p.Time(&ev.Received)
	p.Time(&ev.Time)
	p.Int64(&ev.ID)
	scene.Small(p.Pack, &ev.Status, StatusProcedure)
	scene.List(p.Pack, &ev.Targets, maxPackedThings, p.listed)
	for _, points := range []*[]geometry.Point{&ev.Zone, &ev.Line} {
		scene.List(p.Pack, points, maxPackedThings, func(v *geometry.Point) {
			p.Int32(&v.X)
			p.Int32(&v.Y)
		})
	}
	plate, face, alarm, message := ev.Plate != nil, ev.Face != nil, ev.Alarm != nil, ev.Message != nil
	p.Bits(&ev.HasID, &ev.On, &ev.Unknown, &ev.Late, &plate, &face, &alarm, &message)
	if p.Reading() {
		p.parts(ev, plate, face, alarm, message)
	}
	p.Check((ev.Kind != KindPlate || plate) && (ev.Kind != KindAlarm || alarm), "an event has not what its kind has")
	if plate {
		p.plate(ev.Plate)
	}
	if face {
		for _, s := range []*string{&ev.Face.Age, &ev.Face.Sex, &ev.Face.Glasses, &ev.Face.Mask, &ev.Face.Match} {
			p.Text(s)
		}
	}
	if alarm {
		p.Text(&ev.Alarm.Name)
		p.Bits(&ev.Alarm.On)
		p.Int(&ev.Alarm.ID, math.MinInt32, math.MaxInt32)
	}
	if message {
		p.Text(&ev.Message.Topic)
		p.body(&ev.Message.Body, 0)
	}
	scene.List(p.Pack, &ev.Values, maxPackedThings, func(v *Value) {
		p.Text(&v.Name)
		p.Float(&v.Number)
	})
	p.Int(&ev.Scene.Size, 0, math.MaxInt32)
	p.Int(&ev.Target.Size, 0, math.MaxInt32)
	scene.List(p.Pack, &ev.Problems, maxPackedThings, p.Text)
	p.Text(&ev.Name)
	p.scalar(&ev.Value)
	p.Uint(&ev.Digest)
	p.Int(&ev.depth, 0, maxChain+1)
	p.Span(&ev.keep)
	p.Text(&ev.line)
	p.Int64(&ev.balance)
}

// parts makes the parts of an event that is read.
func (p *packer) parts(ev *Event, plate, face, alarm, message bool) {
	if plate {
		ev.Plate = &Plate{}
	}
	if face {
		ev.Face = &Face{}
	}
	if alarm {
		ev.Alarm = &Alarm{}
	}
	if message {
		ev.Message = &Message{}
	}
	p.Room(1, scene.SizeOf[Plate]())
}

func (p *packer) listed(t *Listed) {
	p.Uint(&t.ID)
	scene.Small(p.Pack, &t.Class, scene.Motor)
	p.Bits(&t.HasID, &t.HasBox)
	p.box(&t.Box)
}

func (p *packer) box(b *geometry.Box) {
	for _, v := range []*int32{&b.X1, &b.Y1, &b.X2, &b.Y2} {
		p.Int32(v)
	}
}

func (p *packer) plate(x *Plate) {
	for _, s := range []*string{
		&x.Number, &x.List, &x.Group, &x.Heading, &x.Color, &x.Owner,
		&x.Vehicle.Type, &x.Vehicle.Color, &x.Vehicle.Brand, &x.Vehicle.Model,
	} {
		p.Text(s)
	}
	p.Bits(&x.HasConfidence, &x.HasBox)
	p.Float(&x.Confidence)
	p.box(&x.Box)
}

// What a value in a message's body is.
const (
	bodyNone uint8 = iota
	bodyBool
	bodyNumber
	bodyText
	bodyDigits
	bodyList
	bodyMap
)

// body packs a message's body: what a JSON text is read as.
func (p *packer) body(v *any, depth int) {
	if !p.Check(depth <= maxPackedDepth, "a message is too deep") || !p.Room(1, 2*scene.SizeOf[any]()) {
		return
	}
	what := bodyNone
	switch (*v).(type) {
	case nil:
	case bool:
		what = bodyBool
	case float64:
		what = bodyNumber
	case string:
		what = bodyText
	case json.Number:
		what = bodyDigits
	case []any:
		what = bodyList
	case map[string]any:
		what = bodyMap
	default:
		p.Check(false, "a message holds what no JSON text holds")
	}
	if scene.Small(p.Pack, &what, bodyMap); p.Err() != nil {
		return
	}
	switch what {
	case bodyBool:
		x, _ := (*v).(bool)
		p.Bits(&x)
		*v = x
	case bodyNumber:
		x, _ := (*v).(float64)
		p.Float(&x)
		*v = x
	case bodyText:
		x, _ := (*v).(string)
		p.Text(&x)
		*v = x
	case bodyDigits:
		x, _ := (*v).(json.Number)
		p.Text((*string)(&x))
		*v = x
	case bodyList:
		x, _ := (*v).([]any)
		scene.List(p.Pack, &x, maxPackedThings, func(y *any) { p.body(y, depth+1) })
		*v = x
	case bodyMap:
		x, _ := (*v).(map[string]any)
		if p.Reading() {
			x = make(map[string]any)
		}
		names(p, x, maxPackedThings, func(_ string, y any) any {
			p.body(&y, depth+1)
			return y
		})
		*v = x
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
	p.Bits(&c.heard)
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
	p.Bits(&in, &ks.quiet)
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
		}
	}
	switch scene.Small(p.Pack, &what, taskFlag); what {
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
	case taskFlag:
		if p.Text(&name); p.Check(e.flagTimers[name] != nil, "a timer is for no flag") {
			*t = e.flagTimers[name].timer
		}
	}
}

// cronLag is more than a cron instant that is still to come can be past by a clock
// that was moved a little at a time.
const cronLag = time.Minute
