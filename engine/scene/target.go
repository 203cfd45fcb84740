package scene

import (
	"slices"
	"time"

	"github.com/sallyport/sallyport/engine/geometry"
)

// Target is one tracked object on one camera. After its end it stays readable until the next Update, Expire or SetLayout.
// It is not known beyond that: the object may be used for another target. Methods that take the number of a zone or line
// answer for one that does not exist as for one the target has nothing to do with.
type Target struct {
	camera                          *Camera
	id, serial, track, rejoinedFrom uint64
	rejoined                        bool
	class                           Class
	box                             geometry.Box
	stance                          stance
	first, last                     time.Duration
	// own is the first frame of this track, whatever it took over.
	own time.Duration
	// begun says that the first frame was applied.
	begun bool
	// heard says that the camera posted anything else since the last frame.
	heard  bool
	gone   bool
	goneAt time.Duration
	// ended and candidate say in which of the camera's lists of past targets it is.
	ended, candidate bool
	firstLook        bool

	zones []visit
	lines []approach
	// One bit a zone: in, decided to be in on this look, no longer in on this look, in or left on this look, and still in
	// since it was first seen there on a first look.
	inside, entered, left, shown, firstIn []uint64
	// lastLeft is the zone left last, -1 if none, and lastLeftUntil the last moment inside it.
	lastLeft      int
	lastLeftUntil time.Duration
	stays         []stay
	frames        frames
	motion        motion
}

// state is where a target is with respect to one zone.
type state uint8

const (
	outside  state = iota
	settling       // inside, not yet long enough
	inside         // in
	away           // in, but outside, not yet long enough
)

// visit is the running visit of one zone, or the last one.
type visit struct {
	state   state
	already bool
	// cut says that the target ended inside: who takes over its identity goes on with the visit.
	cut bool
	// first and last are the first and last inside moments, since the first moment outside after last.
	first, last, since time.Duration
}

func (v *visit) running() bool { return v.state >= inside }

// length is how long the visit is by now.
func (v *visit) length(now time.Duration) time.Duration {
	if v.state == inside {
		return max(now-v.first, 0)
	}
	return v.last - v.first
}

// stay is a visit that ended.
type stay struct {
	zone         int
	already      bool
	since, until time.Duration
}

// maxStays bounds the visits a target remembers; of more, the oldest are forgotten.
const maxStays = 64

// approach is what is known about the way of a target to one line.
type approach struct {
	// near is the side the target came from, On before it was seen on either.
	near geometry.Side
	// cut says that the way since the near side cut the line, far counts the updates in a row beyond its margin.
	cut     bool
	far     uint8
	crossed Direction
}

// reset makes t a new target. Its first frame is to come.
func (t *Target) reset(c *Camera, id, serial uint64) {
	words := (len(c.zones) + 63) / 64
	*t = Target{
		camera: c, id: id, serial: serial, track: serial, first: c.now, own: c.now, last: c.now, lastLeft: -1,
		zones: zeroed(t.zones, len(c.zones)), lines: zeroed(t.lines, len(c.lines)),
		inside: zeroed(t.inside, words), entered: zeroed(t.entered, words), left: zeroed(t.left, words),
		shown: zeroed(t.shown, words), firstIn: zeroed(t.firstIn, words),
		stays: t.stays[:0],
	}
}

// zeroed gives n zero values, in the room of s if it has enough.
func zeroed[T any](s []T, n int) []T {
	s = slices.Grow(s[:0], n)[:n]
	clear(s)
	return s
}

// takeOver makes t the continuation of old: its identity, visits, lines and motion.
func (t *Target) takeOver(old *Target) {
	t.serial, t.rejoinedFrom, t.rejoined = old.serial, old.id, true
	t.class, t.box, t.stance, t.first = old.class, old.box, old.stance, old.first
	copy(t.zones, old.zones)
	copy(t.lines, old.lines)
	t.lastLeft, t.lastLeftUntil = old.lastLeft, old.lastLeftUntil
	t.stays = append(t.stays[:0], old.stays...)
	t.frames = old.frames
}

// remap moves what t knows about zones and lines to the places they have now.
func (t *Target) remap(m mapping) {
	words := (len(m.zoneFrom) + 63) / 64
	zones, in, firstIn := make([]visit, len(m.zoneFrom)), make([]uint64, words), make([]uint64, words)
	for z, from := range m.zoneFrom {
		if from < 0 {
			continue
		}
		zones[z] = t.zones[from]
		if has(t.inside, from) {
			set(in, z)
		}
		if has(t.firstIn, from) {
			set(firstIn, z)
		}
	}
	t.zones, t.inside, t.firstIn = zones, in, firstIn
	t.entered, t.left, t.shown = make([]uint64, words), make([]uint64, words), make([]uint64, words)
	lines := make([]approach, len(m.lineFrom))
	for i, from := range m.lineFrom {
		if from >= 0 {
			lines[i] = t.lines[from]
		} else {
			n := &t.camera.lines[i]
			lines[i].near = n.segment.Side(t.stance.anchor(n.Anchor))
		}
	}
	t.lines = lines
	kept := t.stays[:0]
	for _, s := range t.stays {
		if s.zone = m.zoneTo[s.zone]; s.zone >= 0 {
			kept = append(kept, s)
		}
	}
	t.stays = kept
	if t.lastLeft >= 0 {
		t.lastLeft = m.zoneTo[t.lastLeft]
	}
}

func (t *Target) due() time.Duration { return t.last + t.camera.options.Timeout }

// update applies a frame of the target.
func (t *Target) update(stamp time.Time, s *Seen) {
	c := t.camera
	before, first := t.stance, !t.begun
	t.begun, t.heard = true, false
	t.last, t.box, t.stance = c.now, s.Box, stanceOf(s.Box)
	t.frames.add(frameOf(c.now, stamp, t.stance.anchor(AnchorBottom), s.Class))
	t.class = t.frames.class(t.class)
	t.motion = motion{}
	for z := range c.bounds {
		// Most targets are far from most zones.
		if t.zones[z].state == outside && !c.bounds[z].reaches(&t.stance) && !first && !t.firstLook {
			continue
		}
		t.visitZone(z, first)
	}
	if first && !t.rejoined {
		before = t.stance
	}
	for i := range c.lines {
		t.approachLine(i, &before)
	}
	t.show()
}

// visitZone decides about one zone on a frame.
func (t *Target) visitZone(i int, first bool) {
	now, z, v := t.camera.now, &t.camera.zones[i], &t.zones[i]
	if v.cut {
		v.cut = false
		if z.accepts(t.class) && z.keeps(&t.stance) {
			t.resume(i)
			return
		}
	}
	if v.running() {
		switch {
		case !z.accepts(t.class):
			t.leave(i, Left)
		case z.keeps(&t.stance):
			v.state, v.last = inside, now
			t.camera.touch(i, t.class)
		default:
			if v.state == inside {
				v.state, v.since = away, now
			}
			if now-v.since >= z.Linger {
				unset(t.firstIn, i)
				t.leave(i, Left)
			}
		}
		return
	}
	if !t.camera.bounds[i].reaches(&t.stance) || !z.holds(&t.stance) {
		v.state = outside
		unset(t.firstIn, i)
		return
	}
	if first && t.firstLook {
		set(t.firstIn, i)
	}
	if !z.accepts(t.class) {
		v.state = outside
		return
	}
	v.last = now
	if v.state == outside {
		v.state, v.first = settling, now
		if z.Settle > 0 {
			return
		}
	}
	if now-v.first >= z.Settle {
		t.enter(i, has(t.firstIn, i))
	}
}

// resume goes on with the visit that the end of the target this one continues had cut.
func (t *Target) resume(i int) {
	for k := len(t.stays) - 1; k >= 0; k-- {
		if t.stays[k].zone == i {
			t.stays = slices.Delete(t.stays, k, k+1)
			break
		}
	}
	t.zones[i].last = t.camera.now
	t.enter(i, true)
}

// enter begins the visit whose first and last moments stand in the zone's place.
func (t *Target) enter(i int, already bool) {
	v := &t.zones[i]
	v.state, v.already = inside, already
	set(t.inside, i)
	if !already {
		set(t.entered, i)
	}
	t.camera.touch(i, t.class)
	t.camera.changes = append(t.camera.changes, Change{
		Type: Enter, At: t.camera.now, Target: t, Zone: i, Line: -1, Name: t.camera.zones[i].Name,
		Since: v.first, Until: v.last, Already: already,
	})
}

// leave ends the running visit.
func (t *Target) leave(i int, reason LeaveReason) {
	v := &t.zones[i]
	v.state = outside
	unset(t.inside, i)
	set(t.left, i)
	if len(t.stays) == maxStays {
		t.stays = slices.Delete(t.stays, 0, 1)
	}
	t.stays = append(t.stays, stay{zone: i, already: v.already, since: v.first, until: v.last})
	if reason == Left && (t.lastLeft < 0 || v.last >= t.lastLeftUntil) {
		t.lastLeft, t.lastLeftUntil = i, v.last
	}
	t.camera.changes = append(t.camera.changes, Change{
		Type: Leave, At: t.camera.now, Target: t, Zone: i, Line: -1, Name: t.camera.zones[i].Name,
		Since: v.first, Until: v.last, Dwell: v.last - v.first, Reason: reason,
	})
}

// approachLine decides about one line on a frame.
func (t *Target) approachLine(i int, before *stance) {
	n, a := &t.camera.lines[i], &t.lines[i]
	from, to := before.anchor(n.Anchor), t.stance.anchor(n.Anchor)
	side := n.segment.Side(to)
	if a.near == geometry.On || side == a.near {
		a.near, a.cut, a.far = side, false, 0
		return
	}
	a.cut = a.cut || n.segment.Cuts(from, to)
	if n.segment.Beyond(to, n.margin) != -a.near {
		a.far = 0
		return
	}
	if a.far++; a.far < 2 {
		return
	}
	cut := a.cut
	a.near, a.cut, a.far = side, false, 0
	if !cut {
		return
	}
	a.crossed = Out
	if (side == geometry.Left) == n.InLeft {
		a.crossed = In
	}
	t.camera.changes = append(t.camera.changes, Change{
		Type: Cross, At: t.camera.now, Target: t, Zone: -1, Line: i, Name: n.Name, Direction: a.crossed,
		Since: t.camera.now, Until: t.camera.now,
	})
}

// end ends the target at its camera's present time.
func (t *Target) end() {
	reason := Offline
	if t.heard {
		reason = Lost
	}
	for i := range t.zones {
		switch v := &t.zones[i]; v.state {
		case settling:
			v.state = outside
		case inside:
			v.cut = true
			t.leave(i, reason)
		case away:
			t.leave(i, Left)
		}
	}
	t.gone, t.goneAt = true, t.camera.now
	t.camera.changes = append(t.camera.changes, Change{
		Type: Vanish, At: t.camera.now, Target: t, Zone: -1, Line: -1, Since: t.first, Until: t.last,
	})
	t.show()
}

func (t *Target) show() {
	for w := range t.shown {
		t.shown[w] = t.inside[w] | t.left[w]
	}
}

func (t *Target) endLook() {
	clear(t.entered)
	clear(t.left)
	copy(t.shown, t.inside)
	for i := range t.lines {
		t.lines[i].crossed = DirectionNone
	}
}

// touch notes that something of a class is in a zone now.
func (c *Camera) touch(zone int, class Class) { c.lastIn[zone*classes+int(class)] = c.now }

func has(set []uint64, i int) bool {
	return i >= 0 && i>>6 < len(set) && set[i>>6]&(1<<(i&63)) != 0
}

func set(set []uint64, i int) { set[i>>6] |= 1 << (i & 63) }

func unset(set []uint64, i int) { set[i>>6] &^= 1 << (i & 63) }

func none(set []uint64) bool {
	for _, w := range set {
		if w != 0 {
			return false
		}
	}
	return true
}

// ID is the camera's own number of the target.
func (t *Target) ID() uint64 { return t.id }

// Serial identifies the target: unique per camera over the run, so that the same ID after the end is another Serial. A
// target that rejoined has the Serial of the one it took over from.
func (t *Target) Serial() uint64 { return t.serial }

// Track is like Serial but never taken over: it identifies one unbroken track.
func (t *Target) Track() uint64 { return t.track }

// Rejoined gives the ID of the target whose identity this one took over.
func (t *Target) Rejoined() (id uint64, ok bool) { return t.rejoinedFrom, t.rejoined }

// Class is the class most often said in the last second up to the last frame; of equals, the one said last. Frames that
// say none do not count; if all of that second say none, it is the class said last before.
func (t *Target) Class() Class { return t.class }

// Box is the box of the last frame.
func (t *Target) Box() geometry.Box { return t.box }

// Age is the time since the first frame.
func (t *Target) Age(now time.Duration) time.Duration { return max(now-t.first, 0) }

// Gone is true on the target's last look, after its end.
func (t *Target) Gone() bool { return t.gone }

// FirstSeen is the time of the first frame.
func (t *Target) FirstSeen() time.Duration { return t.first }

// Begun is the time of the first frame of this track. It is later than FirstSeen when the target rejoined.
func (t *Target) Begun() time.Duration { return t.own }

// LastSeen is the time of the last frame.
func (t *Target) LastSeen() time.Duration { return t.last }

// FirstLook is true while a level rule that comes true for this target may only follow: the target was new when the scene
// was not settled, and the scene is not settled yet or the target is still in one of the zones it was first seen in.
func (t *Target) FirstLook() bool { return t.firstLook }

// Inside tells whether the target is in the zone.
func (t *Target) Inside(zone int) bool { return has(t.inside, zone) }

// Entered tells whether this look decided that the target is in the zone.
func (t *Target) Entered(zone int) bool { return has(t.entered, zone) }

// Left tells whether this look decided that the target is no longer in the zone.
func (t *Target) Left(zone int) bool { return has(t.left, zone) }

// Dwell is the length of the running visit of the zone: up to now while inside, up to the last inside moment while outside.
// On the look where Left holds it is the length of the visit that ended; else, without a visit, 0.
func (t *Target) Dwell(zone int, now time.Duration) time.Duration {
	if has(t.inside, zone) || has(t.left, zone) {
		return t.zones[zone].length(now)
	}
	return 0
}

// DwellTotal is the time of all the target's visits of the zone within the window before now.
func (t *Target) DwellTotal(zone int, window, now time.Duration) time.Duration {
	var sum time.Duration
	for _, s := range t.stays {
		if s.zone == zone {
			sum += max(s.until-max(s.since, now-window), 0)
		}
	}
	if has(t.inside, zone) {
		v := &t.zones[zone]
		sum += max(v.first+v.length(now)-max(v.first, now-window), 0)
	}
	return sum
}

// Overlap is the share of the box that lies in the zone, 0..100 percent.
func (t *Target) Overlap(zone int) int {
	if zone < 0 || zone >= len(t.zones) || t.camera.zones[zone].Unknown {
		return 0
	}
	return t.camera.zones[zone].Polygon.Share(t.box)
}

// Path tells whether the target is in the last of these zones and entered them in this order, the first of them at most
// within before now. Other zones between do not matter.
func (t *Target) Path(zones []int, within, now time.Duration) bool {
	if len(zones) == 0 {
		return false
	}
	last := zones[len(zones)-1]
	if !has(t.inside, last) || t.zones[last].already {
		return false
	}
	at := t.zones[last].first
	for i := len(zones) - 2; i >= 0; i-- {
		var ok bool
		if at, ok = t.enteredBefore(zones[i], at); !ok {
			return false
		}
	}
	return now-at <= within
}

// enteredBefore gives the last time before the given one that the target entered the zone.
func (t *Target) enteredBefore(zone int, before time.Duration) (time.Duration, bool) {
	if has(t.inside, zone) && !t.zones[zone].already && t.zones[zone].first < before {
		return t.zones[zone].first, true
	}
	for i := len(t.stays) - 1; i >= 0; i-- {
		if s := &t.stays[i]; s.zone == zone && !s.already && s.since < before {
			return s.since, true
		}
	}
	return 0, false
}

// CameFrom tells whether the zone is the one the target left last.
func (t *Target) CameFrom(zone int) bool { return zone >= 0 && zone == t.lastLeft }

// Crossed tells which way this look completed a crossing of the line; DirectionNone when it did not.
func (t *Target) Crossed(line int) Direction {
	if line < 0 || line >= len(t.lines) {
		return DirectionNone
	}
	return t.lines[line].crossed
}

// ZoneBits has the bit of every zone the target is in or has left on this look: zone z is bit z%64 of word z/64. Read only.
func (t *Target) ZoneBits() []uint64 { return t.shown }
