package geometry_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/sallyport/sallyport/engine/geometry"
)

var (
	square = Polygon{{1000, 1000}, {5000, 1000}, {5000, 5000}, {1000, 5000}}
	// comb is concave: two teeth upwards from a bar.
	comb = Polygon{{1000, 1000}, {2000, 1000}, {2000, 4000}, {4000, 4000}, {4000, 1000}, {5000, 1000}, {5000, 5000}, {1000, 5000}}
)

func TestPolygonValidate(t *testing.T) {
	many := make(Polygon, 65)
	for _, tt := range []struct {
		name string
		p    Polygon
		want string
	}{
		{"square", square, ""},
		{"comb", comb, ""},
		{"the whole frame", Polygon{{0, 0}, {10000, 0}, {10000, 10000}, {0, 10000}}, ""},
		{"a corner on a straight edge", Polygon{{0, 0}, {500, 0}, {1000, 0}, {1000, 1000}}, ""},
		{"none", nil, "a polygon has 3 to 64 points, this one has 0"},
		{"two points", square[:2], "a polygon has 3 to 64 points, this one has 2"},
		{"65 points", many, "a polygon has 3 to 64 points, this one has 65"},
		{"outside", Polygon{{0, 0}, {10001, 0}, {0, 10}}, "point 2, [10001, 0], is outside the frame (0..10000)"},
		{"negative", Polygon{{0, 0}, {10, 0}, {0, -1}}, "point 3, [0, -1], is outside the frame (0..10000)"},
		{"repeated", Polygon{{0, 0}, {10, 0}, {10, 0}, {0, 10}}, "point 3 repeats the point before it"},
		{"closed", Polygon{{0, 0}, {10, 0}, {0, 10}, {0, 0}}, "the last point repeats the first: leave it out, a polygon closes by itself"},
		{"flat", Polygon{{0, 0}, {10, 10}, {20, 20}}, "the polygon has no area: all its points are on one straight line"},
		{"bow tie", Polygon{{0, 0}, {10, 10}, {10, 0}, {0, 10}}, "the polygon crosses itself: the edge from point 1 to point 2 meets the edge from point 3 to point 4"},
		{"spike", Polygon{{0, 0}, {10, 0}, {20, 0}, {5, 0}, {5, 10}}, "the polygon crosses itself: the edge from point 1 to point 2 meets the edge from point 3 to point 4"},
		{"spike at the start", Polygon{{20, 0}, {10, 0}, {10, 10}, {5, 10}, {5, 0}}, "the polygon crosses itself: the edge from point 1 to point 2 meets the edge from point 5 to point 1"},
		{"touching itself", Polygon{{0, 0}, {10, 0}, {10, 10}, {5, 0}, {0, 10}}, "the polygon crosses itself: the edge from point 1 to point 2 meets the edge from point 3 to point 4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := tt.p.Validate(); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPolygonContains(t *testing.T) {
	for _, tt := range []struct {
		p    Polygon
		c    Point
		want bool
	}{
		{square, Point{3000, 3000}, true},
		{square, Point{1000, 3000}, true}, {square, Point{5000, 3000}, true}, {square, Point{3000, 1000}, true}, {square, Point{3000, 5000}, true},
		{square, Point{1000, 1000}, true}, {square, Point{5000, 5000}, true},
		{square, Point{999, 3000}, false}, {square, Point{5001, 3000}, false}, {square, Point{999, 1000}, false}, {square, Point{5001, 5000}, false},
		{comb, Point{1500, 2000}, true}, {comb, Point{4500, 2000}, true}, {comb, Point{3000, 2000}, false}, {comb, Point{3000, 4000}, true},
		{comb, Point{3000, 3999}, false}, {comb, Point{500, 4000}, false}, {comb, Point{6000, 4000}, false}, {comb, Point{3000, 1000}, false},
		{nil, Point{}, false},
	} {
		if got := tt.p.Contains(tt.c); got != tt.want {
			t.Errorf("%v contains %v: %v", tt.p, tt.c, got)
		}
	}
}

func TestPolygonWithin(t *testing.T) {
	for _, tt := range []struct {
		c      Point
		margin int32
		want   bool
	}{
		{Point{3000, 3000}, 0, true},
		{Point{850, 3000}, 150, true}, {Point{849, 3000}, 150, false},
		// At a corner the margin is round: 3-4-5.
		{Point{1000 - 90, 1000 - 120}, 150, true}, {Point{1000 - 91, 1000 - 120}, 150, false},
		{Point{5000, 5150}, 150, true}, {Point{5000, 5151}, 150, false},
		{Point{999, 1000}, 0, false}, {Point{999, 1000}, -5, false},
	} {
		if got := square.Within(tt.c, tt.margin); got != tt.want {
			t.Errorf("%v within %d: %v", tt.c, tt.margin, got)
		}
	}
	slanted := Polygon{{0, 0}, {10000, 9999}, {0, 10000}}
	// The distance of (1, 0) from the long edge is just over 0.7.
	if !slanted.Within(Point{1, 0}, 1) || slanted.Within(Point{3, 0}, 2) {
		t.Error("distance from a slanted edge")
	}
}

func TestPolygonOverlapsBox(t *testing.T) {
	for _, tt := range []struct {
		name string
		p    Polygon
		b    Box
		want bool
	}{
		{"inside", square, Box{2000, 2000, 3000, 3000}, true},
		{"around", square, Box{0, 0, 10000, 10000}, true},
		{"across, no corner in either", square, Box{2000, 0, 3000, 10000}, true},
		{"touching", square, Box{5000, 2000, 6000, 3000}, true},
		{"touching a corner", square, Box{5000, 5000, 6000, 6000}, true},
		{"beside", square, Box{5001, 2000, 6000, 3000}, false},
		{"between the teeth", comb, Box{2100, 1500, 3900, 3900}, false},
		{"bridging the teeth", comb, Box{1900, 1500, 4100, 3900}, true},
		{"a point", square, Box{3000, 3000, 3000, 3000}, true},
	} {
		if got := tt.p.Overlaps(tt.b); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	for _, tt := range []struct {
		p      Polygon
		b      Box
		margin int32
		want   bool
	}{
		{square, Box{5150, 2000, 6000, 3000}, 150, true}, {square, Box{5151, 2000, 6000, 3000}, 150, false},
		{square, Box{5090, 5120, 6000, 6000}, 150, true}, {square, Box{5091, 5120, 6000, 6000}, 150, false},
		{comb, Box{2100, 1500, 3900, 3900}, 100, true}, {comb, Box{2100, 1500, 3899, 3899}, 99, false},
		// A corner of the polygon near the middle of an edge of the box.
		{Polygon{{5000, 5000}, {6000, 4000}, {6000, 6000}}, Box{0, 0, 4900, 10000}, 100, true},
		{Polygon{{5000, 5000}, {6000, 4000}, {6000, 6000}}, Box{0, 0, 4900, 10000}, 99, false},
		{square, Box{5151, 2000, 6000, 3000}, 0, false},
	} {
		if got := tt.p.BoxWithin(tt.b, tt.margin); got != tt.want {
			t.Errorf("%v within %d: %v", tt.b, tt.margin, got)
		}
	}
}

func TestPolygonShare(t *testing.T) {
	triangle := Polygon{{0, 0}, {10000, 0}, {0, 10000}}
	for _, tt := range []struct {
		p    Polygon
		b    Box
		want int
	}{
		{square, Box{2000, 2000, 3000, 3000}, 100},
		{square, Box{0, 2000, 2000, 3000}, 50},
		{square, Box{0, 0, 2000, 2000}, 25},
		{square, Box{0, 0, 10000, 10000}, 16},
		{square, Box{6000, 6000, 7000, 7000}, 0},
		{square, Box{5000, 2000, 6000, 3000}, 0},
		{comb, Box{1000, 1000, 5000, 4000}, 50},
		{comb, Box{2000, 1000, 4000, 4000}, 0},
		{triangle, Box{0, 0, 10000, 10000}, 50},
		{triangle, Box{0, 0, 5000, 5000}, 100},
		{triangle, Box{5000, 0, 10000, 5000}, 50},
		{triangle, Box{2500, 5000, 5000, 7500}, 50},
		{square, Box{3000, 3000, 3000, 4000}, 100},
		{square, Box{7000, 3000, 7000, 4000}, 0},
		{nil, Box{0, 0, 10, 10}, 0},
	} {
		if got := tt.p.Share(tt.b); got != tt.want {
			t.Errorf("share of %v in %v: %d, want %d", tt.b, tt.p, got, tt.want)
		}
		reversed := Polygon{}
		for i := range tt.p {
			reversed = append(reversed, tt.p[len(tt.p)-1-i])
		}
		if got := reversed.Share(tt.b); got != tt.want {
			t.Errorf("share of %v, the other way round: %d, want %d", tt.b, got, tt.want)
		}
	}
}

// Whatever the polygon, Share agrees with counting points, and the box tests agree with each other.
func TestPolygonAgainstCounting(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tried := 0
	for tried < 60 {
		p := Polygon{}
		for range 3 + r.IntN(5) {
			p = append(p, Point{r.Int32N(101) * 100, r.Int32N(101) * 100})
		}
		if p.Validate() != nil {
			continue
		}
		tried++
		b := Box{r.Int32N(8000), r.Int32N(8000), 0, 0}
		b.X2, b.Y2 = b.X1+500+r.Int32N(1500), b.Y1+500+r.Int32N(1500)
		in, all := 0, 0
		for x := b.X1 + 5; x < b.X2; x += 10 {
			for y := b.Y1 + 5; y < b.Y2; y += 10 {
				all++
				if p.Contains(Point{x, y}) {
					in++
				}
			}
		}
		share := p.Share(b)
		if counted := float64(in) * 100 / float64(all); math.Abs(counted-float64(share)) > 2 {
			t.Errorf("share of %v in %v: %d, counted %.1f", b, p, share, counted)
		}
		if in > 0 && !p.Overlaps(b) {
			t.Errorf("%v overlaps %v: false, but points of it are inside", b, p)
		}
		if share > 0 != p.Overlaps(b) && share > 0 {
			t.Errorf("%v: share %d, but no overlap", b, share)
		}
		d := r.Int32N(400)
		c := Point{r.Int32N(10001), r.Int32N(10001)}
		nearest := math.Inf(1)
		for i := range p {
			nearest = min(nearest, distance(c, p[i], p[(i+1)%len(p)]))
		}
		if want := p.Contains(c) || nearest <= float64(d); math.Abs(nearest-float64(d)) > 1e-6 && p.Within(c, d) != want {
			t.Errorf("%v within %d of %v: %v, distance %f", c, d, p, !want, nearest)
		}
		if p.BoxWithin(Box{c.X, c.Y, c.X, c.Y}, d) != p.Within(c, d) {
			t.Errorf("%v as a box within %d of %v differs from the point", c, d, p)
		}
	}
}

func distance(c, a, b Point) float64 {
	dx, dy := float64(b.X-a.X), float64(b.Y-a.Y)
	k := (float64(c.X-a.X)*dx + float64(c.Y-a.Y)*dy) / (dx*dx + dy*dy)
	k = min(max(k, 0), 1)
	return math.Hypot(float64(c.X-a.X)-k*dx, float64(c.Y-a.Y)-k*dy)
}

func TestSegmentSides(t *testing.T) {
	// The kerb of the rule language: looking to the right of the picture, right is down.
	kerb := Segment{Point{0, 6000}, Point{10000, 6000}}
	for _, tt := range []struct {
		p            Point
		margin       int32
		side, beyond Side
	}{
		{Point{5000, 7000}, 100, Right, Right},
		{Point{5000, 6101}, 100, Right, Right},
		{Point{5000, 6100}, 100, Right, On},
		{Point{5000, 6000}, 0, On, On},
		{Point{5000, 5999}, 0, Left, Left},
		{Point{5000, 5999}, 100, Left, On},
		{Point{5000, 100}, 100, Left, Left},
	} {
		if got := kerb.Side(tt.p); got != tt.side {
			t.Errorf("side of %v: %d", tt.p, got)
		}
		if got := kerb.Beyond(tt.p, tt.margin); got != tt.beyond {
			t.Errorf("%v beyond %d: %d", tt.p, tt.margin, got)
		}
	}
	// 3-4-5: the point is exactly 50 from the line.
	slanted := Segment{Point{0, 0}, Point{400, 300}}
	if slanted.Beyond(Point{400 - 30, 300 + 40}, 50) != On || slanted.Beyond(Point{400 - 30, 300 + 40}, 49) != Right {
		t.Error("distance from a slanted line")
	}
	if (Segment{}).Side(Point{5, 5}) != On || (Segment{}).Beyond(Point{5, 5}, 1) != On {
		t.Error("a line without length has sides")
	}
	// Near the limits nothing overflows.
	const far = 1 << 29
	long := Segment{Point{-far, -far}, Point{far, far}}
	if long.Beyond(Point{-far, far}, 1000) != Right || !long.Near(Point{far, far - 1}, 1) || long.Near(Point{-far, far}, 1<<28) {
		t.Error("far away")
	}
}

func TestSegmentCuts(t *testing.T) {
	s := Segment{Point{1000, 1000}, Point{3000, 1000}}
	for _, tt := range []struct {
		name string
		a, b Point
		want bool
	}{
		{"across", Point{2000, 0}, Point{2000, 2000}, true},
		{"a runner's step", Point{2900, 300}, Point{2950, 1700}, true},
		{"through an end", Point{1000, 0}, Point{1000, 2000}, true},
		{"ends on it", Point{2000, 0}, Point{2000, 1000}, true},
		{"past the end", Point{999, 0}, Point{999, 2000}, false},
		{"short of it", Point{2000, 0}, Point{2000, 999}, false},
		{"along it", Point{0, 1000}, Point{1500, 1000}, true},
		{"along, but before it", Point{0, 1000}, Point{999, 1000}, false},
		{"standing on it", Point{2000, 1000}, Point{2000, 1000}, true},
		{"standing beside it", Point{2000, 1001}, Point{2000, 1001}, false},
		{"slanted, boxes meet, no cut", Point{2500, 0}, Point{4000, 1500}, false},
	} {
		if got := s.Cuts(tt.a, tt.b); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
		if got := (Segment{s.To, s.From}).Cuts(tt.b, tt.a); got != tt.want {
			t.Errorf("%s, the other way round: %v", tt.name, got)
		}
	}
}

func TestPolygonMeetsWay(t *testing.T) {
	for _, tt := range []struct {
		a, b Point
		want bool
	}{
		{Point{0, 3000}, Point{30000, 3000}, true},
		{Point{0, 3000}, Point{1000, 3000}, true},
		{Point{0, 3000}, Point{999, 3000}, false},
		{Point{2000, 2000}, Point{2100, 2100}, true},
		{Point{0, 0}, Point{-1 << 28, 1 << 28}, false},
	} {
		if got := square.Meets(tt.a, tt.b); got != tt.want {
			t.Errorf("%v to %v: %v", tt.a, tt.b, got)
		}
	}
}

func TestBoxOverlap(t *testing.T) {
	b := Box{0, 0, 1000, 1000}
	for _, tt := range []struct {
		o    Box
		want bool
	}{
		{b, true},
		// 600 of 1400 is 43 %, 460 of 1540 is 29.9 %, 462 of 1538 is 30.04 %.
		{Box{400, 0, 1400, 1000}, true},
		{Box{540, 0, 1540, 1000}, false},
		{Box{538, 0, 1538, 1000}, true},
		{Box{1000, 0, 2000, 1000}, false},
		{Box{500, 500, 500, 500}, false},
	} {
		if got := b.OverlapAtLeast(tt.o, 30); got != tt.want {
			t.Errorf("%v: %v", tt.o, got)
		}
	}
	for b, want := range map[Box]bool{{0, 0, 10000, 10000}: true, {5, 5, 5, 5}: true, {6, 5, 5, 5}: false, {0, 6, 5, 5}: false, {-1, 0, 5, 5}: false, {0, 0, 10001, 5}: false} {
		if b.Valid() != want {
			t.Errorf("%v valid: %v", b, !want)
		}
	}
}

func TestJSON(t *testing.T) {
	var v struct {
		Box  Box
		Area Polygon
	}
	const text = `{"Box":[1,2,3,4],"Area":[[5,6],[7,8],[9,10]]}`
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	if got, _ := json.Marshal(v); string(got) != text {
		t.Errorf("got %s", got)
	}
	for text, want := range map[string]string{
		`{"Box":[1,2,3]}`:       "a box is [x1, y1, x2, y2], not 3 numbers",
		`{"Area":[[1,2,3]]}`:    "a point is [x, y], not 3 numbers",
		`{"Area":[[0.5,0.25]]}`: "a point is [x, y] in whole numbers: json: cannot unmarshal number 0.5 into Go value of type int32",
		`{"Box":"x"}`:           "a box is [x1, y1, x2, y2] in whole numbers: json: cannot unmarshal string into Go value of type []int32",
	} {
		if err := json.Unmarshal([]byte(text), &v); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
