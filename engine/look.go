package engine

import (
	"time"

	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/scene"
)

// Look is one look of one rule at the world: what its condition reads. It is
// valid only while the engine calls the condition. Methods that can meet an
// unknown say so with a bool or a [Truth].
type Look struct {
	w      *Engine
	ev     *Event        // nil for a standing rule and for `while`
	cam    int           // the camera's number; -1 = none
	target *scene.Target // the tracked target; nil = none
	listed *Listed       // a target of a smart event; nil = none
	visit  *visit        // the plate visit; nil = none
	rule   *ruleState
	about  subject
	key    *keyState     // the key, when time looks at it; nil = made of event and subject
	wake   time.Duration // the earliest moment the answer can change by itself; 0 = never
	match  *Entry        // the list entry the last plate call matched
}

// Instant is the moment of the look.
func (l *Look) Instant() Instant { return l.w.now }

// Now is the wall clock in the site's zone.
func (l *Look) Now() time.Time { return l.w.now.Wall.In(l.w.rs.location()) }

// ClockOK says whether the wall clock is set.
func (l *Look) ClockOK() bool { return l.w.clockOK() }

// WakeAt tells the engine that the answer may change at a moment of the decision clock.
func (l *Look) WakeAt(at time.Duration) {
	if at > l.w.now.Mono && (l.wake == 0 || at < l.wake) {
		l.wake = at
	}
}

// WakeIn is [Look.WakeAt] counted from now. A comparison of something that grows
// with time says when it will reach its bound.
func (l *Look) WakeIn(d time.Duration) { l.WakeAt(l.w.now.Mono + d) }

// Event is the event looked at; nil when the look has none.
func (l *Look) Event() *Event { return l.ev }

// Camera is the camera's name; false when the look has none.
func (l *Look) Camera() (string, bool) {
	if l.cam >= 0 {
		return l.w.cams[l.cam].name, true
	}
	if l.ev != nil && l.ev.Camera != "" {
		return l.ev.Camera, true
	}
	return "", false
}

// CameraOnline says whether the camera posts; unknown until it ever did.
func (l *Look) CameraOnline() Truth {
	if l.cam < 0 {
		return Unknown
	}
	return l.w.cams[l.cam].online
}

// Target is the tracked target looked at; nil when there is none or it is not known.
func (l *Look) Target() *scene.Target { return l.target }

// TargetID is the target's id as the camera gives it.
func (l *Look) TargetID() (uint64, bool) {
	if l.target != nil {
		return l.target.ID(), true
	}
	if l.listed != nil && l.listed.HasID {
		return l.listed.ID, true
	}
	return 0, false
}

// TargetClass is the target's class.
func (l *Look) TargetClass() (scene.Class, bool) {
	if l.listed != nil && l.listed.Class != scene.ClassUnknown {
		return l.listed.Class, true
	}
	if l.target != nil {
		c := l.target.Class()
		return c, c != scene.ClassUnknown
	}
	return scene.ClassUnknown, false
}

// TargetBox is the target's box on the 0..10000 frame.
func (l *Look) TargetBox() (geometry.Box, bool) {
	if l.listed != nil {
		return l.listed.Box, l.listed.HasBox
	}
	if l.target != nil {
		return l.target.Box(), true
	}
	return geometry.Box{}, false
}

// TargetAge is the time since the target was first seen.
func (l *Look) TargetAge() (time.Duration, bool) {
	if l.target == nil {
		return 0, false
	}
	return l.own(l.target.Age(l.w.now.Mono)), true
}

// own leaves out of a time what a target that rejoined took over, for a rule with
// a pulse.
func (l *Look) own(d time.Duration) time.Duration {
	if l.rule.pulses {
		return min(d, l.w.now.Mono-l.target.Begun())
	}
	return d
}

// here gives the target and the zone's number in its camera's layout. ok is
// false when nothing can be known; a zone of another camera is not here.
func (l *Look) here(z ZoneRef) (index int, here, ok bool) {
	if l.target == nil || l.cam < 0 {
		return 0, false, false
	}
	p := &l.w.rs.Zones[z]
	if p.Camera != l.cam {
		return 0, false, true
	}
	if l.w.rs.Cameras[p.Camera].Layout.Zones[p.Index].Unknown {
		return 0, false, false
	}
	return p.Index, true, true
}

// Inside says whether the target is in the zone.
func (l *Look) Inside(z ZoneRef) Truth {
	i, here, ok := l.here(z)
	if !ok {
		return Unknown
	}
	return TruthOf(here && l.target.Inside(i))
}

// Entered holds on the look that decided the enter.
func (l *Look) Entered(z ZoneRef) Truth {
	i, here, ok := l.here(z)
	if !ok {
		return Unknown
	}
	return TruthOf(here && l.target.Entered(i))
}

// Left holds on the look that decided the leave.
func (l *Look) Left(z ZoneRef) Truth {
	i, here, ok := l.here(z)
	if !ok {
		return Unknown
	}
	return TruthOf(here && l.target.Left(i))
}

// Dwell is the length of the target's stay in the zone; 0 when it is not in it.
func (l *Look) Dwell(z ZoneRef) (time.Duration, bool) {
	i, here, ok := l.here(z)
	if !ok || !here {
		return 0, ok
	}
	return l.own(l.target.Dwell(i, l.w.now.Mono)), true
}

// DwellTotal adds up the target's stays in the zone within a window.
func (l *Look) DwellTotal(z ZoneRef, window time.Duration) (time.Duration, bool) {
	i, here, ok := l.here(z)
	if !ok || !here {
		return 0, ok
	}
	return l.own(l.target.DwellTotal(i, window, l.w.now.Mono)), true
}

// Overlap is the share of the target's box inside the zone, 0..100.
func (l *Look) Overlap(z ZoneRef) (int, bool) {
	i, here, ok := l.here(z)
	if !ok || !here {
		return 0, ok
	}
	return l.target.Overlap(i), true
}

// Path says whether the target entered these zones in this order, the last one
// on this look, within the time.
func (l *Look) Path(zones []ZoneRef, within time.Duration) Truth {
	var buf [8]int
	idx := buf[:0]
	for _, z := range zones {
		i, here, ok := l.here(z)
		if !ok {
			return Unknown
		}
		if !here {
			return False
		}
		idx = append(idx, i)
	}
	return TruthOf(l.target.Path(idx, within, l.w.now.Mono))
}

// CameFrom says whether the zone is the last one the target left.
func (l *Look) CameFrom(z ZoneRef) Truth {
	i, here, ok := l.here(z)
	if !ok {
		return Unknown
	}
	return TruthOf(here && l.target.CameFrom(i))
}

// Crossed holds on the update that completes the crossing; DirectionNone asks for either.
func (l *Look) Crossed(line LineRef, d scene.Direction) Truth {
	if l.target == nil || l.cam < 0 {
		return Unknown
	}
	p := &l.w.rs.Lines[line]
	if p.Camera != l.cam {
		return False
	}
	got := l.target.Crossed(p.Index)
	if d == scene.DirectionNone {
		return TruthOf(got != scene.DirectionNone)
	}
	return TruthOf(got == d)
}

// Heading is the target's heading in degrees clockwise from up; false when it
// is still or not yet known.
func (l *Look) Heading() (float64, bool) {
	if l.target == nil {
		return 0, false
	}
	return l.target.Heading()
}

// Speed is in frame units per second.
func (l *Look) Speed() (float64, bool) {
	if l.target == nil {
		return 0, false
	}
	return l.target.Speed()
}

// Moving says whether the heading is within tolerance of a direction, both in degrees.
// It is false for a still target and unknown with fewer than three updates.
func (l *Look) Moving(direction, tolerance float64) Truth {
	still := l.Still()
	if still != False {
		return still.Not()
	}
	h, ok := l.target.Heading()
	if !ok {
		return Unknown
	}
	d := h - direction
	for d > 180 {
		d -= 360
	}
	for d < -180 {
		d += 360
	}
	return TruthOf(d >= -tolerance && d <= tolerance)
}

// Still says whether the target travelled under 200 units in the last second.
func (l *Look) Still() Truth {
	if l.target == nil {
		return Unknown
	}
	still, known := l.target.Still()
	if !known {
		return Unknown
	}
	return TruthOf(still)
}

// Toward says whether the target will meet the zone within 3 s if it goes straight on.
func (l *Look) Toward(z ZoneRef) Truth {
	i, here, ok := l.here(z)
	if !ok {
		return Unknown
	}
	if !here {
		return False
	}
	t, known := l.target.Toward(i)
	if !known {
		return Unknown
	}
	return TruthOf(t)
}

// zone gives the scene and the number of a zone; false when it is an import
// never accepted.
func (l *Look) zone(z ZoneRef) (*scene.Camera, int, bool) {
	p := &l.w.rs.Zones[z]
	c := l.w.cams[p.Camera].scene
	return c, p.Index, !c.Layout().Zones[p.Index].Unknown
}

// Occupancy counts the targets in a zone now; ClassUnknown counts all classes.
func (l *Look) Occupancy(z ZoneRef, class scene.Class) (int, bool) {
	c, i, ok := l.zone(z)
	if !ok {
		return 0, false
	}
	return c.Occupancy(i, class), true
}

// Seen says whether a target of the class was in the zone within the time.
func (l *Look) Seen(z ZoneRef, class scene.Class, within time.Duration) Truth {
	c, i, ok := l.zone(z)
	if !ok {
		return Unknown
	}
	return TruthOf(c.Seen(i, class, within, l.w.now.Mono))
}

// Plate is the read looked at; nil when the look has none.
func (l *Look) Plate() *Plate {
	if l.ev == nil {
		return nil
	}
	return l.ev.Plate
}

// PlateReads counts the reads of the visit so far, this one included.
func (l *Look) PlateReads() (int, bool) {
	if l.visit == nil {
		return 0, false
	}
	return l.visit.reads, true
}

// PlateOwner is the owner of the list entry that matched on this look, else as sent.
func (l *Look) PlateOwner() (string, bool) {
	if l.match != nil && l.match.Owner != "" {
		return l.match.Owner, true
	}
	if p := l.Plate(); p != nil && p.Owner != "" {
		return p.Owner, true
	}
	return "", false
}

// PlateLevel is how forgiving a list look-up is.
type PlateLevel uint8

// The levels of plate.on, plate.looks and plate.near.
const (
	PlateExact PlateLevel = iota
	PlateLooks
	PlateNear
)

// PlateOn says whether the plate is on a list and valid now. list is a number
// in Ruleset.Lists. It is unknown when the read has no number, or when the entry's
// validity cannot be judged because the clock is not set.
func (l *Look) PlateOn(list int, level PlateLevel) Truth {
	p := l.Plate()
	if p == nil || p.Number == "" {
		return Unknown
	}
	t, e := l.w.plateOn(l.w.rs.Lists[list], p.Number, level)
	if t == True {
		l.match = e
	}
	return t
}

// PlateLapsed says that the plate stands on a list and is not valid now, for an
// explanation: people ask why a listed plate did not count.
func (l *Look) PlateLapsed(list int) bool {
	p := l.Plate()
	if p == nil {
		return false
	}
	entries := l.w.rs.Lists[list]
	hits := entries.byPlate[NormalPlate(p.Number)]
	if len(hits) == 0 {
		return false
	}
	t, _ := l.w.valid(entries, hits)
	return t == False
}

// During says whether a schedule holds now; unknown while the clock is not set.
func (l *Look) During(schedule int) Truth {
	if !l.w.clockOK() {
		return Unknown
	}
	return l.Schedule(l.w.rs.Schedules[schedule].Schedule)
}

// Schedule is [Look.During] for any schedule, such as night.
func (l *Look) Schedule(s Schedule) Truth {
	if !l.w.clockOK() {
		return Unknown
	}
	c := l.w.scheduled(s)
	if !c.next.IsZero() {
		l.WakeIn(c.next.Sub(l.w.now.Wall))
	}
	return TruthOf(c.holds)
}

// Wired is a wired thing's level and since when; unknown until it was first heard of.
type Wired struct {
	On    Truth
	Since time.Duration // decision clock

	known bool
}

// level gives what is known of a wired thing.
func level(levels map[string]Wired, name string) Wired {
	l := levels[name]
	if !l.known {
		l.On = Unknown
	}
	return l
}

// Relay is a relay's level.
func (l *Look) Relay(name string) Wired { return level(l.w.relays, name) }

// Contact is a contact's level.
func (l *Look) Contact(name string) Wired { return level(l.w.contacts, name) }

// Flag is a flag's value and since when it has it.
func (l *Look) Flag(name string) (Scalar, time.Duration) {
	f := l.w.flags[name]
	return f.value, f.since
}

// Since is the time since a rule last fired for this look's key; false when it never did.
func (l *Look) Since(rule string) (time.Duration, bool) {
	var buf [64]byte
	key := buf[:0]
	switch {
	case l.key != nil:
		key = append(key, l.key.text...)
	case l.ev != nil:
		key = l.w.appendKey(key, l.rule, l.w.keyFor(l.rule, l.about))
	}
	return l.w.since(rule, key)
}
