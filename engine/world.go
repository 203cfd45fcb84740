package engine

import (
	"time"

	"github.com/sallyport/sallyport/engine/scene"
)

// ClockSetYear is the first year in which a clock counts as set.
const ClockSetYear = 2025

// world is what conditions read: the set, the moment, and everything known of
// cameras, flags and the wired things.
type world struct {
	rs       *Ruleset
	now      Instant
	cams     []*camera
	flags    map[string]flag
	relays   map[string]Wired
	contacts map[string]Wired
	counts   map[string]*lineCount // by the line's name
	judged   map[Schedule]judged
	rules    []*ruleState
	byName   map[string]*ruleState
}

// flag is a flag's value and since when it has it.
type flag struct {
	value Scalar
	since time.Duration
}

// camera is what is known of one camera.
type camera struct {
	name     string
	number   int
	scene    *scene.Camera
	due      time.Duration // when the next target ends; 0 = none
	settled  time.Duration // targets first seen before this moment are first looks
	online   Truth
	lastPost time.Duration
	lastBeat time.Duration
	heard    bool             // a heartbeat since it is online
	away     bool             // it was said to be offline: heartbeats in its name do not count
	beats    [3]time.Duration // the last intervals between heartbeats
	beatN    int
	offline  *timer
	visits   []*visit // in the order they began
	visitSeq int
	alarms   []*alarm // in the order first heard of
	targets  map[uint64]*trackedTarget
	mix      uint64 // of the classes of its targets
	index    index
	looks    uint64 // counts the changes of its targets
}

// mixOfClasses is a number that changes when a target has another class.
func (c *camera) mixOfClasses() uint64 {
	var m uint64
	for _, t := range c.scene.Targets() {
		x := (t.Serial()<<2 | uint64(t.Class())) * 0x9e3779b97f4a7c15
		m += x ^ x>>29
	}
	return m
}

// alarm is one alarm's last level.
type alarm struct {
	key   string
	on    Truth
	since time.Duration
	event *Event
}

// trackedTarget is what the engine remembers of a scene's target.
type trackedTarget struct {
	live bitset // rules that are not idle because of this target
}

func (rs *Ruleset) location() *time.Location {
	if rs.Location == nil {
		return time.UTC
	}
	return rs.Location
}

func (w *world) clockOK() bool { return w.now.Wall.Year() >= ClockSetYear }

// wall is the wall clock at a moment of the decision clock, as far as known now.
func (w *world) wall(mono time.Duration) time.Time { return w.now.Wall.Add(mono - w.now.Mono) }

// since is the time since a rule last fired for a key. A rule held per rule has one key.
func (w *world) since(rule string, key []byte) (time.Duration, bool) {
	r := w.byName[rule]
	if r == nil {
		return 0, false
	}
	if r.Per == PerRule {
		key = nil
	}
	at, ok := r.fired[string(key)]
	return w.now.Mono - at, ok
}

// judged is a schedule's answer and how long it stays.
type judged struct {
	from, next time.Time // next is zero when it never changes
	holds      bool
}

// scheduled asks a schedule only when its answer can have changed: a condition
// may ask on every frame.
func (w *world) scheduled(s Schedule) judged {
	now := w.now.Wall
	if c, ok := w.judged[s]; ok && !now.Before(c.from) && (c.next.IsZero() || now.Before(c.next)) {
		return c
	}
	local := now.In(w.rs.location())
	c := judged{from: now, holds: s.Holds(local)}
	if at, ok := s.Next(local); ok {
		c.next = at
	}
	w.judged[s] = c
	return c
}

// bitset is a set of small numbers.
type bitset []uint64

func newBits(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) set(i int)      { b[i>>6] |= 1 << (i & 63) }
func (b bitset) clear(i int)    { b[i>>6] &^= 1 << (i & 63) }
func (b bitset) has(i int) bool { return b[i>>6]&(1<<(i&63)) != 0 }

// index says which `on: target` rules can be true for a target of one camera.
type index struct {
	always  bitset             // rules that need no zone
	byZone  []bitset           // by the zone's number in the layout
	byClass [classCount]bitset // rules that accept the class
	atEnd   bitset             // rules that get a look when a target ends
}

const classCount = 4

// newIndex builds the index of one camera.
func newIndex(rs *Ruleset, cam int) index {
	n := len(rs.Rules)
	x := index{always: newBits(n), atEnd: newBits(n)}
	layout := rs.Cameras[cam].Layout
	x.byZone = make([]bitset, len(layout.Zones))
	for i := range x.byZone {
		x.byZone[i] = newBits(n)
	}
	for i := range x.byClass {
		x.byClass[i] = newBits(n)
	}
	for i, r := range rs.Rules {
		if r.Mode == ModeOff || !r.on(KindTarget) || !contains(r.Need.Cameras, cam) {
			continue
		}
		for c := range x.byClass {
			if r.Need.Classes == 0 || r.Need.Classes.Has(scene.Class(c)) {
				x.byClass[c].set(i)
			}
		}
		if r.AtEnd {
			x.atEnd.set(i)
		}
		if len(r.Need.Zones) == 0 {
			x.always.set(i)
			continue
		}
		for _, z := range r.Need.Zones {
			if p := rs.Zones[z]; p.Camera == cam {
				x.byZone[p.Index].set(i)
			}
		}
	}
	return x
}

// contains reports whether list holds n; an empty list holds everything.
func contains(list []int, n int) bool {
	for _, v := range list {
		if v == n {
			return true
		}
	}
	return len(list) == 0
}

func (r *Rule) on(k Kind) bool {
	for _, o := range r.On {
		if o == k {
			return true
		}
	}
	return false
}
