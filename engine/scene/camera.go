package scene

import (
	"time"

	"github.com/sallyport/sallyport/engine/geometry"
)

// MaxTargets bounds the live targets of one camera.
const MaxTargets = 256

// Camera is the scene of one camera. It must be made with NewCamera.
type Camera struct {
	layout *Layout
}

// NewCamera gives the empty scene of a camera that looks at l.
func NewCamera(l *Layout, o Options) *Camera { return &Camera{layout: l} }

// Update applies one trajectory post whole. stamp is the camera's own time of it, zero if it has none. settled is false
// within Options.Timeout of the program's start or of the camera's return: a target that is new then is on its first look
// (Target.FirstLook) and has no `entered` for the zones it is first seen in.
//
// Targets that were due before now are ended first, as by Expire. An id twice in a post: the last counts, at its last
// place. Boxes that are not valid, and new targets beyond MaxTargets, are ignored and counted (Ignored).
func (c *Camera) Update(now time.Duration, stamp time.Time, seen []Seen, settled bool) {}

// Posted says that the camera posted anything else than a trajectory: it tells `lost` from `offline`.
func (c *Camera) Posted(now time.Duration) {}

// Next tells when the next target ends, if no frame of it comes; false when there is no target.
func (c *Camera) Next() (time.Duration, bool) { return 0, false }

// Expire ends every target due at or before now, each at its own due moment, in that order.
func (c *Camera) Expire(now time.Duration) {}

// EndLook ends the look that the last Update or Expire began: entered, left, and crossed hold no longer. Call it before
// looking at a target again because time passed. Update, Expire and SetLayout begin with it.
func (c *Camera) EndLook() {}

// SetLayout changes the zones, lines and options. Zones and lines that are equal in name and definition keep their state.
// A target already inside a new or changed zone is in from now on, without `entered`; visits of removed or changed zones
// end with reason Reload. It begins no look: Looked is empty after it.
func (c *Camera) SetLayout(l *Layout, o Options, now time.Duration) { c.layout = l }

// Layout gives the layout in use.
func (c *Camera) Layout() *Layout { return c.layout }

// Changes gives what the last Update, Expire or SetLayout decided, in order. The slice is reused by the next of them.
func (c *Camera) Changes() []Change { return nil }

// Looked gives the targets to look at: those of the last Update in the post's order, or those the last Expire ended. The
// slice is reused by the next call of either.
func (c *Camera) Looked() []*Target { return nil }

// Targets gives the live targets in order of first appearance. The slice is reused.
func (c *Camera) Targets() []*Target { return nil }

// Target gives the live target that the camera's posts call id, nil if there is none.
func (c *Camera) Target(id uint64) *Target { return nil }

// Ignored counts the targets in posts that were left out: more than MaxTargets at once, or a box that is not valid.
func (c *Camera) Ignored() uint64 { return 0 }

// Occupancy counts the targets of a class that are in a zone now; ClassUnknown counts all.
func (c *Camera) Occupancy(zone int, class Class) int { return 0 }

// Seen tells whether a target of a class was in a zone within the time before now; ClassUnknown means any.
func (c *Camera) Seen(zone int, class Class, within, now time.Duration) bool { return false }

// Target is one tracked object on one camera. It stays readable until the Update or Expire after its end.
type Target struct{}

// ID is the camera's own number of the target.
func (t *Target) ID() uint64 { return 0 }

// Serial identifies the target: unique per camera over the run, so that the same ID after the end is another Serial. A
// target that rejoined has the Serial of the one it took over from.
func (t *Target) Serial() uint64 { return 0 }

// Track is like Serial but never taken over: it identifies one unbroken track.
func (t *Target) Track() uint64 { return 0 }

// Rejoined gives the ID of the target whose identity this one took over.
func (t *Target) Rejoined() (id uint64, ok bool) { return 0, false }

// Class is the class most often said in the last second up to the last frame; of equals, the one said last. Frames that
// say none do not count; if all of that second say none, it is the class said last before.
func (t *Target) Class() Class { return ClassUnknown }

// Box is the box of the last frame.
func (t *Target) Box() geometry.Box { return geometry.Box{} }

// Age is the time since the first frame.
func (t *Target) Age(now time.Duration) time.Duration { return 0 }

// Gone is true on the target's last look, after its end.
func (t *Target) Gone() bool { return false }

// FirstSeen is the time of the first frame.
func (t *Target) FirstSeen() time.Duration { return 0 }

// LastSeen is the time of the last frame.
func (t *Target) LastSeen() time.Duration { return 0 }

// FirstLook is true while a level rule that comes true for this target may only follow: the target was new when the scene
// was not settled, and the scene is not settled yet or the target is still in one of the zones it was first seen in.
func (t *Target) FirstLook() bool { return false }

// Inside tells whether the target is in the zone.
func (t *Target) Inside(zone int) bool { return false }

// Entered tells whether this look decided that the target is in the zone.
func (t *Target) Entered(zone int) bool { return false }

// Left tells whether this look decided that the target is no longer in the zone.
func (t *Target) Left(zone int) bool { return false }

// Dwell is the length of the running visit of the zone: up to now while inside, up to the last inside moment while outside.
// On the look where Left holds it is the length of the visit that ended; else, without a visit, 0.
func (t *Target) Dwell(zone int, now time.Duration) time.Duration { return 0 }

// DwellTotal is the time of all the target's visits of the zone within the window before now.
func (t *Target) DwellTotal(zone int, window, now time.Duration) time.Duration { return 0 }

// Overlap is the share of the box that lies in the zone, 0..100 percent.
func (t *Target) Overlap(zone int) int { return 0 }

// Path tells whether the target is in the last of these zones and entered them in this order, the first of them at most
// within before now. Other zones between do not matter.
func (t *Target) Path(zones []int, within, now time.Duration) bool { return false }

// CameFrom tells whether the zone is the one the target left last.
func (t *Target) CameFrom(zone int) bool { return false }

// Crossed tells which way this look completed a crossing of the line; DirectionNone when it did not.
func (t *Target) Crossed(line int) Direction { return DirectionNone }

// Speed is in frame units per second; unknown with fewer than 3 frames in the last second.
func (t *Target) Speed() (unitsPerSecond float64, known bool) { return 0, false }

// Heading is in degrees clockwise from up (90 is right), 0..360; unknown with fewer than 3 frames in the last second and
// while the target is still.
func (t *Target) Heading() (degrees float64, known bool) { return 0, false }

// Still tells whether the target moved under 200 units in the last second; unknown with fewer than 3 frames in it.
func (t *Target) Still() (still, known bool) { return false, false }

// Toward tells whether the straight way of its heading meets the zone within 3 s at its speed. False for a still target;
// unknown with fewer than 3 frames in the last second, or when the zone is unknown.
func (t *Target) Toward(zone int) (meets, known bool) { return false, false }

// ZoneBits has the bit of every zone the target is in or has left on this look: zone z is bit z%64 of word z/64. Read only.
func (t *Target) ZoneBits() []uint64 { return nil }
