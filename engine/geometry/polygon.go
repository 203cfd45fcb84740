package geometry

import "fmt"

// Validate tells what is wrong with p: it must have 3..64 points of 0..10000 per axis, no point repeated after itself, edges
// that neither cross nor touch each other, and an area. The last point is joined to the first and need not repeat it.
func (p Polygon) Validate() error {
	if len(p) < MinPoints || len(p) > MaxPoints {
		return fmt.Errorf("a polygon has %d to %d points, this one has %d", MinPoints, MaxPoints, len(p))
	}
	for i, c := range p {
		if c.X < 0 || c.X > Size || c.Y < 0 || c.Y > Size {
			return fmt.Errorf("point %d, [%d, %d], is outside the frame (0..%d)", i+1, c.X, c.Y, Size)
		}
	}
	n := len(p)
	for i := range p {
		if i+1 < n && p[i] == p[i+1] {
			return fmt.Errorf("point %d repeats the point before it", i+2)
		}
	}
	if p[0] == p[n-1] {
		return fmt.Errorf("the last point repeats the first: leave it out, a polygon closes by itself")
	}
	if p.flat() {
		return fmt.Errorf("the polygon has no area: all its points are on one straight line")
	}
	for i := range p {
		for j := i + 1; j < n; j++ {
			a, b, c, d := p[i], p[(i+1)%n], p[j], p[(j+1)%n]
			bad := false
			switch {
			case j == i+1:
				bad = foldsBack(a, b, d)
			case i == 0 && j == n-1:
				bad = foldsBack(c, a, b)
			default:
				bad = segmentsMeet(a, b, c, d)
			}
			if bad {
				return fmt.Errorf("the polygon crosses itself: the edge from point %d to point %d meets the edge from point %d to point %d", i+1, (i+1)%n+1, j+1, (j+1)%n+1)
			}
		}
	}
	return nil
}

// flat tells whether all points of p are on one straight line.
func (p Polygon) flat() bool {
	for _, c := range p {
		if cross(p[0], p[1], c) != 0 {
			return false
		}
	}
	return true
}

// foldsBack tells whether the way from b to c runs back along the way from a to b.
func foldsBack(a, b, c Point) bool {
	if cross(a, b, c) != 0 {
		return false
	}
	return (int64(b.X)-int64(a.X))*(int64(c.X)-int64(b.X))+(int64(b.Y)-int64(a.Y))*(int64(c.Y)-int64(b.Y)) < 0
}

// Bounds gives the smallest box around p; the zero Box for none.
func (p Polygon) Bounds() Box {
	if len(p) == 0 {
		return Box{}
	}
	b := Box{p[0].X, p[0].Y, p[0].X, p[0].Y}
	for _, c := range p[1:] {
		b = Box{min(b.X1, c.X), min(b.Y1, c.Y), max(b.X2, c.X), max(b.Y2, c.Y)}
	}
	return b
}

// Contains tells whether c is in p; a point on an edge is.
func (p Polygon) Contains(c Point) bool {
	if len(p) == 0 {
		return false
	}
	inside := false
	a := p[len(p)-1]
	for _, b := range p {
		side := cross(a, b, c)
		if side == 0 && between(c, a, b) {
			return true
		}
		// A ray to the left meets the edges whose ends lie on both sides of it; the half-open comparison counts a corner once.
		if (a.Y > c.Y) != (b.Y > c.Y) && (side > 0) == (b.Y < a.Y) {
			inside = !inside
		}
		a = b
	}
	return inside
}

// Within tells whether c is in p or at most margin units away from it.
func (p Polygon) Within(c Point, margin int32) bool {
	if p.Contains(c) {
		return true
	}
	if margin <= 0 || len(p) == 0 {
		return false
	}
	a := p[len(p)-1]
	for _, b := range p {
		if (Segment{a, b}).Near(c, margin) {
			return true
		}
		a = b
	}
	return false
}

// Overlaps tells whether p and b have at least one point in common; touching is enough.
func (p Polygon) Overlaps(b Box) bool {
	if len(p) == 0 {
		return false
	}
	if b.Contains(p[0]) || p.Contains(Point{b.X1, b.Y1}) {
		return true
	}
	// Neither lies wholly in the other, so they have a point in common only where edges meet.
	corners := b.corners()
	for i := range corners {
		if p.meetsEdge(corners[i], corners[(i+1)%4]) {
			return true
		}
	}
	return false
}

// BoxWithin tells whether b overlaps p or is at most margin units away from it.
func (p Polygon) BoxWithin(b Box, margin int32) bool {
	if p.Overlaps(b) {
		return true
	}
	if margin <= 0 {
		return false
	}
	// Two areas apart are closest at a corner of one of them.
	corners := b.corners()
	for _, c := range corners {
		if p.Within(c, margin) {
			return true
		}
	}
	for _, c := range p {
		for i := range corners {
			if (Segment{corners[i], corners[(i+1)%4]}).Near(c, margin) {
				return true
			}
		}
	}
	return false
}

// Meets tells whether the straight way from a to b touches p or runs in it.
func (p Polygon) Meets(a, b Point) bool { return p.Contains(a) || p.meetsEdge(a, b) }

// meetsEdge tells whether the straight way from a to b touches an edge of p.
func (p Polygon) meetsEdge(a, b Point) bool {
	if len(p) == 0 {
		return false
	}
	c := p[len(p)-1]
	for _, d := range p {
		if segmentsMeet(a, b, c, d) {
			return true
		}
		c = d
	}
	return false
}

func (b Box) corners() [4]Point {
	return [4]Point{{b.X1, b.Y1}, {b.X2, b.Y1}, {b.X2, b.Y2}, {b.X1, b.Y2}}
}

// shareScale is how much finer than a unit Share computes where an edge of the polygon cuts an edge of the box.
const shareScale = 1024

// Share gives how much of b lies in p, 0..100 percent to the nearest whole one; of a box without area, 100 when its middle
// is in p and 0 when not. Coordinates must be on the frame.
func (p Polygon) Share(b Box) int {
	if b.X1 >= b.X2 || b.Y1 >= b.Y2 {
		// Both whole places next to the middle, so that a mirrored box has the same share.
		if p.Contains(Point{(b.X1 + b.X2) / 2, (b.Y1 + b.Y2) / 2}) || p.Contains(Point{(b.X1 + b.X2 + 1) / 2, (b.Y1 + b.Y2 + 1) / 2}) {
			return 100
		}
		return 0
	}
	if len(p) == 0 {
		return 0
	}
	left, right := int64(b.X1)*shareScale, int64(b.X2)*shareScale
	top, bottom := int64(b.Y1)*shareScale, int64(b.Y2)*shareScale
	// The area of the polygon in the box is the sum over its edges, signed by their way, of the area between the edge and
	// the top of the box, both cut to the box.
	var twice int64
	a := p[len(p)-1]
	for _, c := range p {
		twice += areaBelow(a, c, left, right, top) - areaBelow(a, c, left, right, bottom)
		a = c
	}
	if twice < 0 {
		twice = -twice
	}
	whole := 2 * (right - left) * (bottom - top)
	return int(min((twice*100+whole/2)/whole, 100))
}

// areaBelow gives twice the area between the height y and the part of the edge a, b that is below y on the screen and
// between left and right, all scaled; negative when the edge runs to the left.
func areaBelow(a, b Point, left, right, y int64) int64 {
	sign := int64(1)
	if a.X > b.X {
		a, b, sign = b, a, -1
	}
	ax, ay, bx, by := int64(a.X)*shareScale, int64(a.Y)*shareScale, int64(b.X)*shareScale, int64(b.Y)*shareScale
	from, to := max(ax, left), min(bx, right)
	if from >= to {
		return 0
	}
	h1 := ay + (by-ay)*(from-ax)/(bx-ax) - y
	h2 := ay + (by-ay)*(to-ax)/(bx-ax) - y
	width := to - from
	switch {
	case h1 <= 0 && h2 <= 0:
		return 0
	case h1 >= 0 && h2 >= 0:
		return sign * (h1 + h2) * width
	case h1 > 0:
		return sign * h1 * (width * h1 / (h1 - h2))
	}
	return sign * h2 * (width * h2 / (h2 - h1))
}
