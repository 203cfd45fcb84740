// Package scene knows who is where, since when, and going where: the targets of one camera, their visits of zones and their
// crossings of lines. It is the "Geometry" and "Targets" of the rule language.
//
// A Camera is a pure state machine. It has no clock: every call says what time it is on the decision clock, a Duration that
// never goes back. Times are such durations, places are frame units (0..10000 per axis, origin top left, y down). A Camera
// belongs to one goroutine. The same calls give the same answers on every machine.
package scene

import (
	"slices"
	"time"

	"github.com/sallyport/sallyport/engine/geometry"
)

// Class is the kind of thing a target is.
type Class uint8

// The classes a camera tells apart.
const (
	ClassUnknown Class = iota
	Person
	Car
	Motor
	classes = iota
)

// String gives "person", "car", "motor", and "" for an unknown class.
func (c Class) String() string {
	switch c {
	case Person:
		return "person"
	case Car:
		return "car"
	case Motor:
		return "motor"
	}
	return ""
}

// ParseClass is the opposite of Class.String for the three known classes.
func ParseClass(s string) (Class, bool) {
	for c := Person; c < classes; c++ {
		if c.String() == s {
			return c, true
		}
	}
	return ClassUnknown, false
}

// ClassSet is a set of known classes.
type ClassSet uint8

// Classes gives the set of these classes; unknown ones are left out.
func Classes(list ...Class) ClassSet {
	var s ClassSet
	for _, c := range list {
		if c != ClassUnknown && c < classes {
			s |= 1 << c
		}
	}
	return s
}

// Has tells whether c is in the set. An unknown class never is.
func (s ClassSet) Has(c Class) bool { return s&(1<<c) != 0 }

// Anchor is the point of a target's box that stands for it.
type Anchor uint8

// The anchors. AnchorAny is for zones only: the whole box, inside when any of it overlaps the zone.
const (
	AnchorBottom Anchor = iota
	AnchorCenter
	AnchorTop
	AnchorAny
)

// String gives the word of the rule language: "bottom", "center", "top", "any".
func (a Anchor) String() string {
	switch a {
	case AnchorCenter:
		return "center"
	case AnchorTop:
		return "top"
	case AnchorAny:
		return "any"
	}
	return "bottom"
}

// ParseAnchor is the opposite of Anchor.String.
func ParseAnchor(s string) (Anchor, bool) {
	for a := AnchorBottom; a <= AnchorAny; a++ {
		if a.String() == s {
			return a, true
		}
	}
	return AnchorBottom, false
}

// Direction is the way a line was crossed.
type Direction uint8

// The directions of a crossing.
const (
	DirectionNone Direction = iota
	In
	Out
)

// String gives "in", "out", and "" for no crossing.
func (d Direction) String() string {
	switch d {
	case In:
		return "in"
	case Out:
		return "out"
	}
	return ""
}

// The defaults of zones and lines, for those who read them from files.
const (
	DefaultSettle     = 200 * time.Millisecond
	DefaultLinger     = time.Second
	DefaultMargin     = 150 // of a zone, in frame units
	DefaultLineMargin = 100 // of a line, in frame units
	DefaultTimeout    = 1500 * time.Millisecond
)

// Zone is an area of the frame.
type Zone struct {
	// Name identifies the zone over reloads.
	Name string
	// Polygon is the area; it must be one that geometry.Polygon.Validate accepts.
	Polygon geometry.Polygon
	// Anchor is the part of the box that must be inside.
	Anchor Anchor
	// Settle is how long the updates in a row inside must span, two at least, before the target is in; 0: in at once.
	Settle time.Duration
	// Margin is how far beyond the edge, in frame units, a target that is in still counts as inside.
	Margin int32
	// Linger is how long a target that is in must be outside before it is out; 0: out at once.
	Linger time.Duration
	// Classes are the ones that can be in; 0 means all, unknown ones too.
	Classes ClassSet
	// Unknown says that nothing is known about the zone (an import never accepted): no target is ever in it.
	Unknown bool
}

// Equal tells whether z and o are the same zone by name and definition.
func (z *Zone) Equal(o *Zone) bool {
	return z.Name == o.Name && z.Anchor == o.Anchor && z.Settle == o.Settle && z.Margin == o.Margin && z.Linger == o.Linger &&
		z.Classes == o.Classes && z.Unknown == o.Unknown && slices.Equal(z.Polygon, o.Polygon)
}

// Line is a line to be crossed.
type Line struct {
	// Name identifies the line over reloads.
	Name string
	// Segment is where it lies. One without length is never crossed.
	Segment geometry.Segment
	// InLeft says that a move onto the left side, looking from From to To on the screen, is "in"; else onto the right.
	InLeft bool
	// Margin is how far beyond the line, in frame units, a target must get.
	Margin int32
	// Anchor is the point of the box that crosses. AnchorAny means AnchorBottom.
	Anchor Anchor
}

// Layout is what one camera looks at: its zones and lines. A zone's or line's number is its place here. A Layout must not
// be changed once a Camera has it.
type Layout struct {
	Zones []Zone
	Lines []Line
}

// Options say how targets are tracked.
type Options struct {
	// Timeout is how long a target lives without a new frame.
	Timeout time.Duration
	// Rejoin is how long after its end a target's identity can be taken over by a new one in its place; 0: never.
	Rejoin time.Duration
}

// Seen is one target as one trajectory post names it.
type Seen struct {
	ID    uint64
	Class Class
	Box   geometry.Box
}

// LeaveReason is why a visit ended.
type LeaveReason uint8

// The reasons of a leave.
const (
	// Left: the target was last seen outside.
	Left LeaveReason = iota
	// Lost: its frames ended while it was inside.
	Lost
	// Offline: its frames ended while it was inside, and the camera posted nothing else in that time.
	Offline
	// Reload: the zone was removed or changed.
	Reload
)

// String gives the word of the rule language: "left", "lost", "offline", "reload".
func (r LeaveReason) String() string {
	switch r {
	case Lost:
		return "lost"
	case Offline:
		return "offline"
	case Reload:
		return "reload"
	}
	return "left"
}

// ChangeType is what kind of Change was decided.
type ChangeType uint8

// The kinds of changes.
const (
	Enter ChangeType = iota
	Leave
	Cross
	Vanish
)

// String gives "enter", "leave", "cross", "vanish".
func (t ChangeType) String() string {
	switch t {
	case Leave:
		return "leave"
	case Cross:
		return "cross"
	case Vanish:
		return "vanish"
	}
	return "enter"
}

// Change is one decision about one target.
type Change struct {
	Type ChangeType
	// At is when it was decided.
	At     time.Duration
	Target *Target
	// Zone is the number of the zone entered or left, Line of the line crossed; -1 for the other kinds. A leave by Reload
	// has the number that the zone had before.
	Zone, Line int
	// Name is the name of that zone or line; "" for Vanish.
	Name string
	// Direction is the way of a crossing.
	Direction Direction
	// Since and Until are the first and the last inside moment of a visit so far; for Vanish the target's first and last
	// frame; for Cross both are At.
	Since, Until time.Duration
	// Dwell is the length of a visit that ended, Until minus Since.
	Dwell time.Duration
	// Reason is why a visit ended.
	Reason LeaveReason
	// Already says that an Enter has no `entered`: the target was first seen there on a first look, or was there when
	// the zone came with a reload, or has taken over the visit of the target it is the continuation of.
	Already bool
}
