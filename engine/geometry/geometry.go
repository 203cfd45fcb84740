// Package geometry holds the points, boxes, polygons and line segments of a camera's frame.
//
// Coordinates are integers, 0..10000 per axis, origin top left, y down. Everything decided here is decided in integers and
// exactly, so that every machine decides alike. Nothing here allocates except Validate's errors and the JSON methods.
// The arithmetic is exact for coordinates and margins up to 2^29 either way, far beyond the frame: the scene computes in
// half units, and a motion may point out of the frame.
package geometry

import (
	"encoding/json"
	"fmt"
	"math/bits"
)

// Size is the largest coordinate of the frame on either axis.
const Size = 10000

// MinPoints and MaxPoints bound the corners of a Polygon.
const (
	MinPoints = 3
	MaxPoints = 64
)

// Point is a place on the frame, in frame units. Its JSON form is [x, y].
type Point struct{ X, Y int32 }

// Box is a rectangle on the frame, in frame units: X1 is left of X2, Y1 above Y2. Its edges belong to it. Its JSON form is
// [x1, y1, x2, y2].
type Box struct{ X1, Y1, X2, Y2 int32 }

// Polygon is an area given by its corners in order; the last is joined to the first. Its edges belong to it. Methods
// other than Validate expect a polygon that Validate accepts.
type Polygon []Point

// MarshalJSON gives [x, y].
func (p Point) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "[%d,%d]", p.X, p.Y), nil }

// UnmarshalJSON reads [x, y]: exactly two whole numbers.
func (p *Point) UnmarshalJSON(data []byte) error {
	var v []int32
	if err := json.Unmarshal(data, &v); err != nil {
		return fmt.Errorf("a point is [x, y] in whole numbers: %w", err)
	}
	if len(v) != 2 {
		return fmt.Errorf("a point is [x, y], not %d numbers", len(v))
	}
	*p = Point{v[0], v[1]}
	return nil
}

// MarshalJSON gives [x1, y1, x2, y2].
func (b Box) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "[%d,%d,%d,%d]", b.X1, b.Y1, b.X2, b.Y2), nil
}

// UnmarshalJSON reads [x1, y1, x2, y2]: exactly four whole numbers.
func (b *Box) UnmarshalJSON(data []byte) error {
	var v []int32
	if err := json.Unmarshal(data, &v); err != nil {
		return fmt.Errorf("a box is [x1, y1, x2, y2] in whole numbers: %w", err)
	}
	if len(v) != 4 {
		return fmt.Errorf("a box is [x1, y1, x2, y2], not %d numbers", len(v))
	}
	*b = Box{v[0], v[1], v[2], v[3]}
	return nil
}

// Valid tells whether b lies on the frame and is not inside out. A box without width or height is valid.
func (b Box) Valid() bool {
	return b.X1 >= 0 && b.Y1 >= 0 && b.X1 <= b.X2 && b.Y1 <= b.Y2 && b.X2 <= Size && b.Y2 <= Size
}

// Contains tells whether p is in b; a point on an edge is.
func (b Box) Contains(p Point) bool {
	return p.X >= b.X1 && p.X <= b.X2 && p.Y >= b.Y1 && p.Y <= b.Y2
}

// Meets tells whether b and o have at least one point in common; touching is enough.
func (b Box) Meets(o Box) bool {
	return b.X1 <= o.X2 && o.X1 <= b.X2 && b.Y1 <= o.Y2 && o.Y1 <= b.Y2
}

// Grown gives b with every edge moved outwards by d units.
func (b Box) Grown(d int32) Box { return Box{b.X1 - d, b.Y1 - d, b.X2 + d, b.Y2 + d} }

// Area gives the area of b in square units.
func (b Box) Area() int64 { return (int64(b.X2) - int64(b.X1)) * (int64(b.Y2) - int64(b.Y1)) }

// OverlapAtLeast tells whether the area b and o share is at least percent hundredths of the area they cover together
// (intersection over union). Two boxes without any area never overlap so.
func (b Box) OverlapAtLeast(o Box, percent int64) bool {
	common := Box{max(b.X1, o.X1), max(b.Y1, o.Y1), min(b.X2, o.X2), min(b.Y2, o.Y2)}
	if common.X1 >= common.X2 || common.Y1 >= common.Y2 {
		return false
	}
	both := common.Area()
	return both*100 >= (b.Area()+o.Area()-both)*percent
}

// cross gives twice the signed area of the triangle o, a, b: positive when b lies to the right of the way from o to a as
// seen on the screen (y down).
func cross(o, a, b Point) int64 {
	return (int64(a.X)-int64(o.X))*(int64(b.Y)-int64(o.Y)) - (int64(a.Y)-int64(o.Y))*(int64(b.X)-int64(o.X))
}

// between tells whether p, known to be on the straight line through a and b, lies between them or on one of them.
func between(p, a, b Point) bool {
	return p.X >= min(a.X, b.X) && p.X <= max(a.X, b.X) && p.Y >= min(a.Y, b.Y) && p.Y <= max(a.Y, b.Y)
}

// distanceSquared gives the square of the distance of a and b.
func distanceSquared(a, b Point) int64 {
	dx, dy := int64(a.X)-int64(b.X), int64(a.Y)-int64(b.Y)
	return dx*dx + dy*dy
}

// squareCompare compares a*a with b*b*c, for c of at least 0, without overflow of any of them; b*b must fit.
func squareCompare(a, b, c int64) int {
	if a < 0 {
		a = -a
	}
	hi1, lo1 := bits.Mul64(uint64(a), uint64(a))
	hi2, lo2 := bits.Mul64(uint64(b*b), uint64(c))
	switch {
	case hi1 != hi2 && hi1 < hi2, hi1 == hi2 && lo1 < lo2:
		return -1
	case hi1 == hi2 && lo1 == lo2:
		return 0
	}
	return 1
}
