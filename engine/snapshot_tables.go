package engine

import (
	"cmp"
	"maps"
	"slices"

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

	byIdentity map[string]*Rule // of defs, when written
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

// def gives the rule that stands for r: one of the same identity, that of the set first.
func (p *packer) def(r *Rule) *Rule {
	if _, ok := p.defs.number[r]; !ok {
		if same := p.byIdentity[r.Identity]; same != nil {
			return same
		}
		p.defs.add(r)
		p.byIdentity[r.Identity] = r
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
