package scene

import (
	"slices"
	"time"

	"github.com/sallyport/sallyport/engine/geometry"
)

// The scene computes in half units, so that the middle of a box is a whole number and a mirrored scene decides exactly alike.

// footLimit is where the foot of a box is at the lowest: one that reaches this far is cut off by the bottom of the frame.
const footLimit = 9990

// maxMargin keeps a margin from a careless caller within what can matter on the frame.
const maxMargin = 2 * geometry.Size

// zone is a Zone made ready for the frame path, in half units.
type zone struct {
	*Zone
	polygon geometry.Polygon
	// bounds is the box around the polygon, wide the same grown by the margin: what is outside needs no closer look.
	bounds, wide geometry.Box
	margin       int32
}

// line is a Line made ready for the frame path, in half units.
type line struct {
	*Line
	segment geometry.Segment
	margin  int32
	anchor  Anchor
}

func compile(l *Layout) ([]zone, []line) {
	zones := make([]zone, len(l.Zones))
	for i := range l.Zones {
		z := zone{Zone: &l.Zones[i]}
		for _, p := range z.Polygon {
			z.polygon = append(z.polygon, half(p))
		}
		z.margin = 2 * min(max(z.Margin, 0), maxMargin)
		z.bounds = z.polygon.Bounds()
		z.wide = z.bounds.Grown(z.margin)
		zones[i] = z
	}
	lines := make([]line, len(l.Lines))
	for i := range l.Lines {
		n := line{Line: &l.Lines[i]}
		n.segment = geometry.Segment{From: half(n.Segment.From), To: half(n.Segment.To)}
		n.margin = 2 * min(max(n.Margin, 0), maxMargin)
		n.anchor = n.Anchor
		if n.anchor >= AnchorAny {
			n.anchor = AnchorBottom
		}
		lines[i] = n
	}
	return zones, lines
}

func half(p geometry.Point) geometry.Point { return geometry.Point{X: 2 * p.X, Y: 2 * p.Y} }

// accepts tells whether a target of this class can be in the zone.
func (z *zone) accepts(c Class) bool { return z.Classes == 0 || z.Classes.Has(c) }

// holds tells whether a target is in the zone's polygon.
func (z *zone) holds(s *stance) bool {
	if z.Unknown {
		return false
	}
	if z.Anchor >= AnchorAny {
		return z.bounds.Meets(s.box) && z.polygon.Overlaps(s.box)
	}
	p := s.anchors[z.Anchor]
	return z.bounds.Contains(p) && z.polygon.Contains(p)
}

// keeps tells whether a target is in the zone's polygon or within its margin.
func (z *zone) keeps(s *stance) bool {
	if z.Unknown {
		return false
	}
	if z.Anchor >= AnchorAny {
		return z.wide.Meets(s.box) && z.polygon.BoxWithin(s.box, z.margin)
	}
	p := s.anchors[z.Anchor]
	return z.wide.Contains(p) && z.polygon.Within(p, z.margin)
}

// stance is where a target stands, in half units.
type stance struct {
	box     geometry.Box
	anchors [AnchorAny]geometry.Point
}

func stanceOf(b geometry.Box) stance {
	x := b.X1 + b.X2
	return stance{
		box: geometry.Box{X1: 2 * b.X1, Y1: 2 * b.Y1, X2: 2 * b.X2, Y2: 2 * b.Y2},
		anchors: [AnchorAny]geometry.Point{
			AnchorBottom: {X: x, Y: 2 * min(b.Y2, footLimit)},
			AnchorCenter: {X: x, Y: b.Y1 + b.Y2},
			AnchorTop:    {X: x, Y: 2 * b.Y1},
		},
	}
}

// SetLayout changes the zones, lines and options. Zones and lines that are equal in name and definition keep their state.
// A target already inside a new or changed zone is in from now on, without `entered`; visits of removed or changed zones
// end with reason Reload. It begins no look: Looked is empty after it, and ended targets are no longer readable.
func (c *Camera) SetLayout(l *Layout, o Options, now time.Duration) {
	c.begin()
	c.now = max(c.now, now)
	zones, lines := compile(l)
	m := mapping{
		zoneTo:   match(c.zones, zones, func(a, b *zone) bool { return a.Equal(b.Zone) }),
		zoneFrom: match(zones, c.zones, func(a, b *zone) bool { return a.Equal(b.Zone) }),
		lineFrom: match(lines, c.lines, func(a, b *line) bool { return *a.Line == *b.Line }),
	}
	for _, t := range c.live {
		for z := range c.zones {
			if m.zoneTo[z] < 0 && t.zones[z].running() {
				t.leave(z, Reload)
			}
		}
	}
	lastIn := slices.Repeat([]time.Duration{never}, len(zones)*classes)
	for z, from := range m.zoneFrom {
		if from >= 0 {
			copy(lastIn[z*classes:(z+1)*classes], c.lastIn[from*classes:])
		}
	}
	c.layout, c.options, c.zones, c.lines, c.lastIn = l, o, zones, lines, lastIn
	// What is kept for reuse has room for the old zones.
	c.free = nil
	for _, t := range c.vanished {
		t.remap(m)
	}
	for _, t := range c.live {
		t.remap(m)
		for z, from := range m.zoneFrom {
			if from < 0 && c.zones[z].accepts(t.class) && c.zones[z].holds(&t.stance) {
				v := &t.zones[z]
				v.first, v.last = c.now, c.now
				t.enter(z, true)
			}
		}
		t.endLook()
	}
}

// mapping tells which zones and lines of two layouts are equal: the place in the other layout, or -1.
type mapping struct{ zoneTo, zoneFrom, lineFrom []int }

func match[T any](list, in []T, equal func(a, b *T) bool) []int {
	found := make([]int, len(list))
	for i := range list {
		found[i] = -1
		for j := range in {
			if equal(&list[i], &in[j]) {
				found[i] = j
				break
			}
		}
	}
	return found
}
