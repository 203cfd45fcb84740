package geometry

// Side is a side of a Segment, looking from From to To on the screen.
type Side int8

// The sides of a segment. On is also the answer where neither side is certain.
const (
	Left  Side = -1
	On    Side = 0
	Right Side = 1
)

// Segment is a straight line between two points; both belong to it.
type Segment struct{ From, To Point }

// Side tells on which side of the endless straight line through s the point p lies; On when it is on that line, or when s
// has no length.
func (s Segment) Side(p Point) Side { return sideOf(cross(s.From, s.To, p)) }

func sideOf(c int64) Side {
	switch {
	case c < 0:
		return Left
	case c > 0:
		return Right
	}
	return On
}

// Beyond tells on which side of the endless straight line through s the point p lies by more than margin units; On when it
// is not that far from the line.
func (s Segment) Beyond(p Point, margin int32) Side {
	c := cross(s.From, s.To, p)
	if margin > 0 && squareCompare(c, int64(margin), distanceSquared(s.From, s.To)) <= 0 {
		return On
	}
	return sideOf(c)
}

// Near tells whether p is at most margin units away from s itself.
func (s Segment) Near(p Point, margin int32) bool {
	dx, dy := int64(s.To.X)-int64(s.From.X), int64(s.To.Y)-int64(s.From.Y)
	px, py := int64(p.X)-int64(s.From.X), int64(p.Y)-int64(s.From.Y)
	length := dx*dx + dy*dy
	along := px*dx + py*dy
	m := int64(margin)
	switch {
	case m < 0:
		return false
	case along <= 0:
		return px*px+py*py <= m*m
	case along >= length:
		return distanceSquared(p, s.To) <= m*m
	}
	return squareCompare(dx*py-dy*px, m, length) <= 0
}

// Cuts tells whether the straight way from a to b has at least one point in common with s. Touching an end of s, or ending
// on s, is enough; a way that ends on s and a next one that begins there both cut it, so who counts crossings must count
// changes of side and not cuts.
func (s Segment) Cuts(a, b Point) bool { return segmentsMeet(a, b, s.From, s.To) }

// segmentsMeet tells whether the segments a, b and c, d have at least one point in common.
func segmentsMeet(a, b, c, d Point) bool {
	if max(a.X, b.X) < min(c.X, d.X) || max(c.X, d.X) < min(a.X, b.X) || max(a.Y, b.Y) < min(c.Y, d.Y) || max(c.Y, d.Y) < min(a.Y, b.Y) {
		return false
	}
	s1, s2 := sideOf(cross(a, b, c)), sideOf(cross(a, b, d))
	s3, s4 := sideOf(cross(c, d, a)), sideOf(cross(c, d, b))
	// With the boxes around them meeting, two segments are apart only if one lies wholly on one side of the other.
	return s1*s2 <= 0 && s3*s4 <= 0
}
