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
	// wide is the box around the polygon grown by the margin: what is outside needs no closer look.
	wide   geometry.Box
	margin int32
}

// bound is the box around a zone's polygon, in half units; of an unknown zone it is inside out and meets nothing. The bounds
// are kept side by side, because every target is held against every one of them.
type bound struct {
	box    geometry.Box
	anchor Anchor
}

// reaches tells whether a target may be in the zone's polygon.
func (b *bound) reaches(s *stance) bool { return b.box.Meets(s.parts[b.anchor]) }

// line is a Line made ready for the frame path, in half units.
type line struct {
	*Line
	segment geometry.Segment
	margin  int32
}

func compile(l *Layout) ([]zone, []bound, []line) {
	zones, bounds := make([]zone, len(l.Zones)), make([]bound, len(l.Zones))
	for i := range l.Zones {
		z := zone{Zone: &l.Zones[i]}
		for _, p := range z.Polygon {
			z.polygon = append(z.polygon, half(p))
		}
		z.margin = 2 * min(max(z.Margin, 0), maxMargin)
		bounds[i] = bound{z.polygon.Bounds(), min(z.Anchor, AnchorAny)}
		z.wide = bounds[i].box.Grown(z.margin)
		if z.Unknown || len(z.polygon) == 0 {
			bounds[i].box = geometry.Box{X1: 1, X2: -1}
		}
		zones[i] = z
	}
	lines := make([]line, len(l.Lines))
	for i := range l.Lines {
		n := line{Line: &l.Lines[i]}
		n.segment = geometry.Segment{From: half(n.Segment.From), To: half(n.Segment.To)}
		n.margin = 2 * min(max(n.Margin, 0), maxMargin)
		lines[i] = n
	}
	return zones, bounds, lines
}

func half(p geometry.Point) geometry.Point { return geometry.Point{X: 2 * p.X, Y: 2 * p.Y} }

// accepts tells whether a target of this class can be in the zone.
func (z *zone) accepts(c Class) bool { return z.Classes == 0 || z.Classes.Has(c) }

// holds tells whether a target is in the zone's polygon.
func (z *zone) holds(s *stance) bool {
	switch {
	case z.Unknown:
		return false
	case z.Anchor >= AnchorAny:
		return z.polygon.Overlaps(s.parts[AnchorAny])
	}
	return z.polygon.Contains(s.anchor(z.Anchor))
}

// keeps tells whether a target is in the zone's polygon or within its margin.
func (z *zone) keeps(s *stance) bool {
	switch {
	case z.Unknown:
		return false
	case z.Anchor >= AnchorAny:
		return z.wide.Meets(s.parts[AnchorAny]) && z.polygon.BoxWithin(s.parts[AnchorAny], z.margin)
	}
	p := s.anchor(z.Anchor)
	return z.wide.Contains(p) && z.polygon.Within(p, z.margin)
}

// stance is where a target stands, in half units.
type stance struct {
	// parts are what stands for the target under each Anchor: boxes of one point, but for AnchorAny.
	parts [AnchorAny + 1]geometry.Box
}

func stanceOf(b geometry.Box) stance {
	x, bottom, center, top := b.X1+b.X2, 2*min(b.Y2, footLimit), b.Y1+b.Y2, 2*b.Y1
	return stance{[AnchorAny + 1]geometry.Box{
		AnchorBottom: {X1: x, Y1: bottom, X2: x, Y2: bottom},
		AnchorCenter: {X1: x, Y1: center, X2: x, Y2: center},
		AnchorTop:    {X1: x, Y1: top, X2: x, Y2: top},
		AnchorAny:    {X1: 2 * b.X1, Y1: top, X2: 2 * b.X2, Y2: 2 * b.Y2},
	}}
}

// anchor gives the point of an Anchor, of AnchorAny the foot.
func (s *stance) anchor(a Anchor) geometry.Point {
	if a >= AnchorAny {
		a = AnchorBottom
	}
	return geometry.Point{X: s.parts[a].X1, Y: s.parts[a].Y1}
}

// SetLayout changes the zones, lines and options. Zones and lines that are equal in name and definition keep their state.
// A target already inside a new or changed zone is in from now on, without `entered`; visits of removed or changed zones
// end with reason Reload. It begins no look: Looked is empty after it, and ended targets are no longer readable.
func (c *Camera) SetLayout(l *Layout, o Options, now time.Duration) {
	c.begin()
	c.now = max(c.now, now)
	zones, bounds, lines := compile(l)
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
	c.layout, c.options, c.zones, c.bounds, c.lines, c.lastIn = l, o, zones, bounds, lines, lastIn
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
