package scene

import (
	"math"
	"slices"
	"time"
)

// MaxTargets bounds the live targets of one camera.
const MaxTargets = 256

// Camera is the scene of one camera. It must be made with NewCamera.
type Camera struct {
	layout  *Layout
	options Options
	zones   []zone
	bounds  []bound
	lines   []line

	now     time.Duration
	serial  uint64
	ignored uint64
	// live are in order of first appearance; ended ended in the last call and are still readable; vanished are those
	// whose identity can be taken over, oldest first; free are for reuse.
	live, ended, vanished, free []*Target
	looked                      []*Target
	changes                     []Change
	// kept are the places in the post that count, last first.
	kept []int
	// lastIn is the last moment anything of a class was in a zone, at zone*classes+class.
	lastIn []time.Duration
}

// never stands in lastIn for no such moment.
const never = time.Duration(math.MinInt64)

// NewCamera gives the empty scene of a camera that looks at l.
func NewCamera(l *Layout, o Options) *Camera {
	c := &Camera{layout: l, options: o}
	c.zones, c.bounds, c.lines = compile(l)
	c.lastIn = slices.Repeat([]time.Duration{never}, len(c.zones)*classes)
	return c
}

// begin ends the last look and makes room for the decisions of the next call.
func (c *Camera) begin() {
	c.EndLook()
	c.looked = c.looked[:0]
	c.changes = c.changes[:0]
	for _, t := range c.ended {
		t.ended = false
		if !t.candidate {
			c.free = append(c.free, t)
		}
	}
	c.ended = c.ended[:0]
	for len(c.vanished) > 0 && (len(c.vanished) > MaxTargets || c.now-c.vanished[0].goneAt > c.options.Rejoin) {
		c.drop(0)
	}
}

// drop takes the vanished target i off the list of those whose identity can be taken over.
func (c *Camera) drop(i int) {
	t := c.vanished[i]
	c.vanished = slices.Delete(c.vanished, i, i+1)
	t.candidate = false
	if !t.ended {
		c.free = append(c.free, t)
	}
}

// Update applies one trajectory post whole. stamp is the camera's own time of it, zero if it has none. settled is false
// within Options.Timeout of the program's start or of the camera's return: a target that is new then is on its first look
// (Target.FirstLook) and has no `entered` for the zones it is first seen in.
//
// Targets that were due before now are ended first, as by Expire. An id twice in a post: the last counts, at its last
// place. Boxes that are not valid, and new targets beyond MaxTargets, are ignored and counted (Ignored).
func (c *Camera) Update(now time.Duration, stamp time.Time, seen []Seen, settled bool) {
	c.begin()
	c.expire(now)
	c.now = max(c.now, now)
	for _, t := range c.live {
		t.heard = true
	}
	c.keep(seen)
	for i := len(c.kept) - 1; i >= 0; i-- {
		s := &seen[c.kept[i]]
		t := c.Target(s.ID)
		if t == nil {
			if len(c.live) >= MaxTargets {
				c.ignored++
				continue
			}
			t = c.appear(s, settled)
		}
		t.update(stamp, s)
		c.looked = append(c.looked, t)
	}
	for _, t := range c.live {
		if t.firstLook && settled && none(t.firstIn) {
			t.firstLook = false
		}
	}
}

// keep fills c.kept.
func (c *Camera) keep(seen []Seen) {
	c.kept = c.kept[:0]
next:
	for i := len(seen) - 1; i >= 0; i-- {
		for _, k := range c.kept {
			if seen[k].ID == seen[i].ID {
				continue next
			}
		}
		if len(c.kept) >= MaxTargets || !seen[i].Box.Valid() {
			c.ignored++
			continue
		}
		c.kept = append(c.kept, i)
	}
}

// appear adds a target, or brings back the one whose identity it takes over.
func (c *Camera) appear(s *Seen, settled bool) *Target {
	var t *Target
	if n := len(c.free); n > 0 {
		t = c.free[n-1]
		c.free = c.free[:n-1]
	} else {
		t = new(Target)
	}
	c.serial++
	t.reset(c, s.ID, c.serial)
	t.firstLook = !settled
	if i, ok := c.rejoins(s); ok {
		t.takeOver(c.vanished[i])
		c.drop(i)
	}
	c.live = append(c.live, t)
	return t
}

// rejoins gives the vanished target whose identity s takes over: the only one of its class in its place.
func (c *Camera) rejoins(s *Seen) (int, bool) {
	found, n := 0, 0
	for i, v := range c.vanished {
		if s.Class != ClassUnknown && v.class == s.Class && c.now-v.goneAt <= c.options.Rejoin && v.box.OverlapAtLeast(s.Box, 30) {
			found, n = i, n+1
		}
	}
	return found, n == 1
}

// Posted says that the camera posted anything else than a trajectory: it tells `lost` from `offline`.
func (c *Camera) Posted(now time.Duration) {
	for _, t := range c.live {
		if now <= t.due() {
			t.heard = true
		}
	}
}

// Next tells when the next target ends, if no frame of it comes; false when there is no target.
func (c *Camera) Next() (time.Duration, bool) {
	if len(c.live) == 0 {
		return 0, false
	}
	return max(c.live[c.nextDue()].due(), c.now), true
}

// nextDue gives the place of the target that ends next, of equals the one that appeared first. There must be one.
func (c *Camera) nextDue() int {
	first := 0
	for i, t := range c.live {
		if t.last < c.live[first].last {
			first = i
		}
	}
	return first
}

// Expire ends every target due at or before now, each at its own due moment, in that order.
func (c *Camera) Expire(now time.Duration) {
	c.begin()
	c.expire(now)
	c.now = max(c.now, now)
}

func (c *Camera) expire(now time.Duration) {
	for len(c.live) > 0 {
		i := c.nextDue()
		t := c.live[i]
		if t.due() > now {
			return
		}
		c.now = max(c.now, t.due())
		t.end()
		c.live = slices.Delete(c.live, i, i+1)
		c.ended = append(c.ended, t)
		t.ended = true
		if c.options.Rejoin > 0 {
			c.vanished = append(c.vanished, t)
			t.candidate = true
		}
		c.looked = append(c.looked, t)
	}
}

// EndLook ends the look that the last Update or Expire began: entered, left, and crossed hold no longer. Call it before
// looking at a target again because time passed. Update, Expire and SetLayout begin with it.
func (c *Camera) EndLook() {
	for _, t := range c.looked {
		t.endLook()
	}
}

// Layout gives the layout in use.
func (c *Camera) Layout() *Layout { return c.layout }

// Changes gives what the last Update, Expire or SetLayout decided, in order. The slice is reused by the next of them.
func (c *Camera) Changes() []Change { return c.changes }

// Looked gives the targets to look at: those of the last Update in the post's order, or those the last Expire ended. The
// slice is reused by the next call of either.
func (c *Camera) Looked() []*Target { return c.looked }

// Targets gives the live targets in order of first appearance. The slice is reused.
func (c *Camera) Targets() []*Target { return c.live }

// Target gives the live target that the camera's posts call id, nil if there is none.
func (c *Camera) Target(id uint64) *Target {
	for _, t := range c.live {
		if t.id == id {
			return t
		}
	}
	return nil
}

// Ignored counts the targets in posts that were left out: more than MaxTargets at once, or a box that is not valid.
func (c *Camera) Ignored() uint64 { return c.ignored }

// Occupancy counts the targets of a class that are in a zone now; ClassUnknown counts all.
func (c *Camera) Occupancy(zone int, class Class) int {
	n := 0
	for _, t := range c.live {
		if t.Inside(zone) && (class == ClassUnknown || t.class == class) {
			n++
		}
	}
	return n
}

// Seen tells whether a target of a class was in a zone within the time before now; ClassUnknown means any.
func (c *Camera) Seen(zone int, class Class, within, now time.Duration) bool {
	if zone < 0 || zone >= len(c.zones) || class >= classes {
		return false
	}
	for _, t := range c.live {
		if t.zones[zone].state == inside && (class == ClassUnknown || t.class == class) {
			return true
		}
	}
	for k := range Class(classes) {
		last := c.lastIn[zone*classes+int(k)]
		if (class == ClassUnknown || k == class) && last != never && now-last <= within {
			return true
		}
	}
	return false
}
