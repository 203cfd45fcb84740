package scene_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine/geometry"
	. "github.com/sallyport/sallyport/engine/scene"
)

const (
	ms = time.Millisecond
	// pace is the time between two frames at 7 frames a second; seven of them are a second and a little.
	pace = time.Second/7 + 1
)

// yard is a zone of the whole height between x 2000 and x 6000 with the default settle, margin and linger.
func yard() Zone {
	return Zone{
		Name: "yard", Polygon: geometry.Polygon{{X: 2000, Y: 0}, {X: 6000, Y: 0}, {X: 6000, Y: 10000}, {X: 2000, Y: 10000}},
		Settle: DefaultSettle, Margin: DefaultMargin, Linger: DefaultLinger,
	}
}

func street() Zone {
	z := yard()
	z.Name = "street"
	z.Polygon = geometry.Polygon{{X: 0, Y: 0}, {X: 1999, Y: 0}, {X: 1999, Y: 10000}, {X: 0, Y: 10000}}
	return z
}

// kerb runs down the middle of the picture between y 2000 and y 8000; in is towards its right side, which is left on the screen.
func kerb() Line {
	return Line{
		Name: "kerb", Segment: geometry.Segment{From: geometry.Point{X: 5000, Y: 2000}, To: geometry.Point{X: 5000, Y: 8000}},
		Margin: DefaultLineMargin,
	}
}

// at gives a person's box with its foot at (x, y).
func at(x, y int32) geometry.Box { return geometry.Box{X1: x - 300, Y1: y - 2000, X2: x + 300, Y2: y} }

func person(id uint64, x, y int32) Seen { return Seen{ID: id, Class: Person, Box: at(x, y)} }

// film drives a Camera and keeps what it decided.
type film struct {
	*Camera
	t     *testing.T
	now   time.Duration
	story []string
}

func shoot(t *testing.T, l *Layout) *film {
	return &film{Camera: NewCamera(l, Options{Timeout: DefaultTimeout}), t: t}
}

func (f *film) note() {
	for _, c := range f.Changes() {
		s := fmt.Sprintf("%v %s %d", c.At.Round(ms), c.Type, c.Target.ID())
		switch c.Type {
		case Enter:
			s += fmt.Sprintf(" %s since %v", c.Name, c.Since.Round(ms))
			if c.Already {
				s += " already"
			}
		case Leave:
			s += fmt.Sprintf(" %s %s since %v until %v dwell %v", c.Name, c.Reason, c.Since.Round(ms), c.Until.Round(ms), c.Dwell.Round(ms))
		case Cross:
			s += fmt.Sprintf(" %s %s", c.Name, c.Direction)
		}
		f.story = append(f.story, s)
	}
}

// frame shows targets one pace after the last frame.
func (f *film) frame(seen ...Seen) {
	f.after(pace, seen...)
}

func (f *film) after(d time.Duration, seen ...Seen) {
	f.now += d
	f.Expire(f.now)
	f.note()
	f.Update(f.now, time.Time{}, seen, true)
	f.note()
}

// walk shows target 1 with its foot at these x, one pace apart, at height 5000.
func (f *film) walk(xs ...int32) {
	for _, x := range xs {
		f.frame(person(1, x, 5000))
	}
}

// finish lets the time pass until no target is left.
func (f *film) finish() {
	for {
		due, ok := f.Next()
		if !ok {
			return
		}
		f.now = due
		f.Expire(f.now)
		f.note()
	}
}

func (f *film) expect(want ...string) {
	f.t.Helper()
	if !slices.Equal(f.story, want) {
		f.t.Errorf("got:\n  %s\nwant:\n  %s", strings.Join(f.story, "\n  "), strings.Join(want, "\n  "))
	}
	f.story = nil
}

// only gives the one live target.
func (f *film) only() *Target {
	f.t.Helper()
	if len(f.Targets()) != 1 {
		f.t.Fatalf("%d live targets, want 1", len(f.Targets()))
	}
	return f.Targets()[0]
}

func zones(z ...Zone) *Layout { return &Layout{Zones: z} }

func TestWords(t *testing.T) {
	for _, w := range []string{"person", "car", "motor"} {
		if c, ok := ParseClass(w); !ok || c.String() != w {
			t.Errorf("class %s: %v %v", w, c, ok)
		}
	}
	for _, w := range []string{"", "Person", "dog"} {
		if c, ok := ParseClass(w); ok || c != ClassUnknown {
			t.Errorf("class %q is known", w)
		}
	}
	for _, w := range []string{"bottom", "center", "top", "any"} {
		if a, ok := ParseAnchor(w); !ok || a.String() != w {
			t.Errorf("anchor %s: %v %v", w, a, ok)
		}
	}
	if _, ok := ParseAnchor("left"); ok {
		t.Error("anchor left is known")
	}
	s := Classes(Person, Motor, ClassUnknown)
	if !s.Has(Person) || s.Has(Car) || !s.Has(Motor) || s.Has(ClassUnknown) {
		t.Errorf("set %b", s)
	}
	if DirectionNone.String()+In.String()+Out.String() != "inout" {
		t.Error("directions")
	}
}

// A target is in after two updates in a row inside that span the settle time, and since the first of them.
func TestSettle(t *testing.T) {
	f := shoot(t, zones(yard()))
	f.walk(1000, 2100, 2200)
	f.expect()
	if f.only().Inside(0) || f.only().Dwell(0, f.now) != 0 {
		t.Error("in before it settled")
	}
	f.walk(2300)
	f.expect("571ms enter 1 yard since 286ms")
	x := f.only()
	if !x.Inside(0) || !x.Entered(0) || x.Dwell(0, f.now).Round(ms) != 286*ms || x.ZoneBits()[0] != 1 {
		t.Errorf("inside %v entered %v dwell %v bits %v", x.Inside(0), x.Entered(0), x.Dwell(0, f.now), x.ZoneBits())
	}
	f.walk(2400)
	if x.Entered(0) || !x.Inside(0) {
		t.Error("entered holds on more than one look")
	}
	f.expect()
}

func TestSettleNeedsUpdatesInARow(t *testing.T) {
	f := shoot(t, zones(yard()))
	// The margin counts only for those who are in.
	f.walk(2100, 1950, 2100, 1950, 2100, 1950, 2100, 2100)
	f.expect()
	f.walk(2100)
	f.expect("1.286s enter 1 yard since 1s")
}

func TestSettleNeedsTwoUpdates(t *testing.T) {
	f := shoot(t, zones(yard()))
	f.after(time.Second, person(1, 3000, 5000))
	f.expect()
	// The second update alone spans far more than the settle time.
	f.after(1400*ms, person(1, 3000, 5000))
	f.expect("2.4s enter 1 yard since 1s")
}

func TestSettleZeroIsAtOnce(t *testing.T) {
	z := yard()
	z.Settle, z.Linger, z.Margin = 0, 0, 0
	f := shoot(t, zones(z))
	f.walk(3000, 6001, 6000)
	f.expect("143ms enter 1 yard since 143ms",
		"286ms leave 1 yard left since 143ms until 143ms dwell 0s",
		"429ms enter 1 yard since 429ms")
}

// Within the margin of the edge a target that is in stays in, for as long as it likes.
func TestMargin(t *testing.T) {
	f := shoot(t, zones(yard()))
	f.walk(3000, 3000, 3000)
	f.walk(slices.Repeat([]int32{6150}, 30)...)
	f.expect("429ms enter 1 yard since 143ms")
	if d := f.only().Dwell(0, f.now); d != f.now-pace {
		t.Errorf("dwell %v", d)
	}
	f.walk(slices.Repeat([]int32{6151}, 8)...)
	f.expect("5.857s leave 1 yard left since 143ms until 4.714s dwell 4.571s")
}

// While a target is outside and the leave not decided it is still in and dwell stands; coming back adds the time outside.
func TestLingerAndDwell(t *testing.T) {
	f := shoot(t, zones(yard()))
	f.walk(3000, 3000, 3000, 3000)
	x := f.only()
	if d := x.Dwell(0, f.now+100*ms); d != 3*pace+100*ms {
		t.Errorf("dwell does not go on between updates: %v", d)
	}
	f.walk(7000, 7000, 7000)
	if !x.Inside(0) || x.Left(0) || x.Dwell(0, f.now) != 3*pace || x.Dwell(0, f.now+100*ms) != 3*pace {
		t.Errorf("outside for a moment: inside %v dwell %v", x.Inside(0), x.Dwell(0, f.now))
	}
	f.walk(3000)
	if d := x.Dwell(0, f.now); d != 7*pace {
		t.Errorf("the time outside is not added: %v", d)
	}
	f.expect("429ms enter 1 yard since 143ms")
	f.walk(slices.Repeat([]int32{7000}, 7)...)
	f.expect()
	f.walk(7000)
	f.expect("2.286s leave 1 yard left since 143ms until 1.143s dwell 1s")
	if x.Inside(0) || !x.Left(0) || x.Dwell(0, f.now) != 7*pace || x.ZoneBits()[0] != 1 || !x.CameFrom(0) {
		t.Error("on the look of the leave")
	}
	f.walk(7000)
	if x.Left(0) || x.Dwell(0, f.now) != 0 || x.ZoneBits()[0] != 0 || !x.CameFrom(0) {
		t.Error("on the look after the leave")
	}
}

func TestEndLook(t *testing.T) {
	z := yard()
	z.Settle, z.Linger = 0, 0
	f := shoot(t, zones(z))
	f.walk(3000)
	x := f.only()
	if f.EndLook(); x.Entered(0) || !x.Inside(0) {
		t.Error("entered holds after the look")
	}
	f.walk(7000)
	if f.EndLook(); x.Left(0) || x.Dwell(0, f.now) != 0 || x.ZoneBits()[0] != 0 {
		t.Error("left holds after the look")
	}
}

func TestReasonsAtTheEnd(t *testing.T) {
	t.Run("lost", func(t *testing.T) {
		f := shoot(t, zones(yard()))
		f.walk(3000, 3000, 3000, 3000)
		f.Posted(f.now + 100*ms)
		f.story = nil
		x := f.only()
		f.finish()
		f.expect("2.071s leave 1 yard lost since 143ms until 571ms dwell 429ms", "2.071s vanish 1")
		if looked := f.Looked(); len(looked) != 1 || looked[0] != x || !x.Gone() || !x.Left(0) || x.Inside(0) || x.Dwell(0, f.now) != 3*pace {
			t.Error("the last look")
		}
	})
	t.Run("another target is a sign of life", func(t *testing.T) {
		f := shoot(t, zones(yard()))
		f.walk(3000, 3000, 3000)
		f.story = nil
		f.frame(person(2, 9000, 5000))
		f.finish()
		f.expect("1.929s leave 1 yard lost since 143ms until 429ms dwell 286ms", "1.929s vanish 1", "2.071s vanish 2")
	})
	t.Run("offline", func(t *testing.T) {
		f := shoot(t, zones(yard()))
		f.Posted(f.now)
		f.walk(3000, 3000, 3000)
		f.story = nil
		f.finish()
		f.expect("1.929s leave 1 yard offline since 143ms until 429ms dwell 286ms", "1.929s vanish 1")
	})
	t.Run("posted too late to count", func(t *testing.T) {
		f := shoot(t, zones(yard()))
		f.walk(3000, 3000, 3000)
		f.story = nil
		f.Posted(f.now + 2*time.Second)
		f.now += 2 * time.Second
		f.Expire(f.now)
		f.note()
		f.expect("1.929s leave 1 yard offline since 143ms until 429ms dwell 286ms", "1.929s vanish 1")
	})
	t.Run("left", func(t *testing.T) {
		f := shoot(t, zones(yard()))
		f.walk(3000, 3000, 3000, 7000)
		f.story = nil
		f.finish()
		f.expect("2.071s leave 1 yard left since 143ms until 429ms dwell 286ms", "2.071s vanish 1")
	})
	t.Run("not in yet", func(t *testing.T) {
		f := shoot(t, zones(yard()))
		f.walk(3000, 3000)
		f.finish()
		f.expect("1.786s vanish 1")
	})
}

// Each target ends at its own due moment, in that order, even when asked late; and also when a post comes before the asking.
func TestEndsInOrder(t *testing.T) {
	film := func() *film {
		f := shoot(t, zones(yard()))
		f.frame(person(1, 3000, 5000), person(2, 8000, 5000), person(3, 9000, 5000))
		f.frame(person(3, 9000, 5000), person(1, 3000, 5000))
		f.frame(person(1, 3000, 5000))
		f.story = nil
		return f
	}
	want := []string{"1.643s vanish 2", "1.786s vanish 3", "1.929s leave 1 yard offline since 143ms until 429ms dwell 286ms", "1.929s vanish 1"}
	f := film()
	f.Expire(time.Minute)
	f.note()
	f.expect(want...)
	if len(f.Looked()) != 3 || len(f.Targets()) != 0 {
		t.Error("looks of the ended ones")
	}
	f = film()
	f.Update(time.Minute, time.Time{}, []Seen{person(1, 3000, 5000)}, true)
	f.note()
	f.expect(want...)
	if looked := f.Looked(); len(looked) != 4 || !looked[2].Gone() || looked[3].Gone() || looked[3].ID() != 1 || looked[3].Serial() == looked[2].Serial() {
		t.Error("the same id after the end is not a new target")
	}
}

func TestSameIDAfterTheEnd(t *testing.T) {
	f := shoot(t, zones(yard()))
	f.walk(3000, 3000, 3000)
	serial := f.only().Serial()
	f.finish()
	f.story = nil
	f.walk(3000)
	x := f.only()
	if x.Serial() == serial || x.Age(f.now) != 0 || x.Inside(0) || x.Dwell(0, f.now) != 0 || x.Gone() || x.FirstSeen() != f.now {
		t.Error("the new target knows something of the old one")
	}
	f.expect()
}

// A box cut off by the bottom of the frame has its foot at the bottom, also of a zone that ends at 9990.
func TestFootAtTheBottom(t *testing.T) {
	z := yard()
	z.Settle = 0
	z.Polygon = geometry.Polygon{{X: 2000, Y: 8000}, {X: 6000, Y: 8000}, {X: 6000, Y: 9990}, {X: 2000, Y: 9990}}
	for _, y := range []int32{9989, 9990, 9995, 10000} {
		f := shoot(t, zones(z))
		f.frame(person(1, 3000, y))
		f.expect("143ms enter 1 yard since 143ms")
	}
}

func TestAnchors(t *testing.T) {
	// The zone is a band of y 4000..5000; the box of a person is 2000 high.
	for _, tt := range []struct {
		anchor Anchor
		foot   int32
		want   bool
	}{
		{AnchorBottom, 4000, true}, {AnchorBottom, 5000, true}, {AnchorBottom, 5001, false}, {AnchorBottom, 3999, false},
		{AnchorCenter, 5000, true}, {AnchorCenter, 6000, true}, {AnchorCenter, 6001, false}, {AnchorCenter, 4999, false},
		{AnchorTop, 6000, true}, {AnchorTop, 7000, true}, {AnchorTop, 7001, false}, {AnchorTop, 5999, false},
		{AnchorAny, 4000, true}, {AnchorAny, 7000, true}, {AnchorAny, 5500, true}, {AnchorAny, 7001, false}, {AnchorAny, 3999, false},
	} {
		z := yard()
		z.Settle, z.Anchor = 0, tt.anchor
		z.Polygon = geometry.Polygon{{X: 0, Y: 4000}, {X: 10000, Y: 4000}, {X: 10000, Y: 5000}, {X: 0, Y: 5000}}
		f := shoot(t, zones(z))
		f.frame(person(1, 3000, tt.foot))
		if got := f.only().Inside(0); got != tt.want {
			t.Errorf("%s, foot at %d: inside %v", tt.anchor, tt.foot, got)
		}
	}
	z := yard()
	z.Settle, z.Linger, z.Anchor = 0, 0, AnchorAny
	f := shoot(t, zones(z))
	// With the margin of 150 the box, 300 to either side, is out beyond 6450.
	f.walk(6301, 6300, 6450)
	f.expect("286ms enter 1 yard since 286ms")
	f.walk(6451)
	f.expect("571ms leave 1 yard left since 286ms until 429ms dwell 143ms")
}

func TestClassIsTheOneSaidMost(t *testing.T) {
	f := shoot(t, zones(yard()))
	say := func(want Class, said ...Class) {
		t.Helper()
		for _, c := range said {
			f.frame(Seen{ID: 1, Class: c, Box: at(3000, 5000)})
		}
		if got := f.only().Class(); got != want {
			t.Errorf("after %v: %v, want %v", said, got, want)
		}
	}
	say(ClassUnknown, ClassUnknown)
	say(Person, Person)
	say(Car, Car) // as often, and said later
	say(Person, Person)
	say(Person, Car, Person, Car, Person)
	// A second of cars is eight frames.
	say(Car, Car, Car, Car, Car, Car, Car, Car, Car)
	say(Car, Person)
	// What says nothing changes nothing.
	say(Car, ClassUnknown, ClassUnknown, ClassUnknown, ClassUnknown)
	say(Person, slices.Repeat([]Class{ClassUnknown}, 10)...)
	say(Motor, Motor)
}

func TestZoneClasses(t *testing.T) {
	z := yard()
	z.Settle, z.Classes = 0, Classes(Car)
	f := shoot(t, zones(z))
	f.walk(3000)
	f.expect()
	car := Seen{ID: 1, Class: Car, Box: at(3000, 5000)}
	f.frame(car)
	f.expect("286ms enter 1 yard since 286ms")
	// One frame that says otherwise changes nothing; when the target turns out to be a person it was never to be in.
	f.frame(person(1, 3000, 5000), car)
	f.frame(car)
	f.expect()
	f.walk(3000, 3000, 3000)
	f.expect("857ms leave 1 yard left since 286ms until 714ms dwell 429ms")
	f.frame(Seen{ID: 2, Box: at(3000, 5000)})
	if f.Target(2).Inside(0) {
		t.Error("a target of unknown class is in a zone for cars")
	}
}

func TestUnknownZone(t *testing.T) {
	z := yard()
	z.Unknown, z.Polygon = true, nil
	f := shoot(t, zones(z))
	f.walk(3000, 3500, 4000, 4500)
	f.finish()
	f.expect("2.071s vanish 1")
	f.walk(3000, 3500, 4000, 4500)
	if _, known := f.only().Toward(0); known || f.only().Overlap(0) != 0 {
		t.Error("something is known about an unknown zone")
	}
}

// What a number that is no zone or line asks has the answer of one the target has nothing to do with.
func TestNumbersOutOfRange(t *testing.T) {
	f := shoot(t, &Layout{Zones: []Zone{yard()}, Lines: []Line{kerb()}})
	f.walk(3000, 3000, 3000)
	x := f.only()
	for _, n := range []int{-1, 1, 64, 1 << 30} {
		_, known := x.Toward(n)
		if x.Inside(n) || x.Entered(n) || x.Left(n) || x.Dwell(n, f.now) != 0 || x.DwellTotal(n, time.Hour, f.now) != 0 || x.Overlap(n) != 0 ||
			x.Path([]int{n}, time.Hour, f.now) || x.Path([]int{n, 0}, time.Hour, f.now) || x.CameFrom(n) || x.Crossed(n) != DirectionNone || known ||
			f.Occupancy(n, ClassUnknown) != 0 || f.Seen(n, ClassUnknown, time.Hour, f.now) {
			t.Errorf("number %d", n)
		}
	}
	if x.Path(nil, time.Hour, f.now) {
		t.Error("a path of no zones")
	}
}

func TestCrossing(t *testing.T) {
	for _, tt := range []struct {
		name string
		way  []geometry.Point
		want []string
	}{
		{"a walk to the left, then back", []geometry.Point{{X: 5600, Y: 5000}, {X: 5300, Y: 5000}, {X: 4950, Y: 5000}, {X: 4700, Y: 5000}, {X: 4400, Y: 5000}, {X: 4000, Y: 5000}, {X: 4700, Y: 5000}, {X: 5200, Y: 5000}, {X: 5700, Y: 5000}},
			[]string{"714ms cross 1 kerb in", "1.286s cross 1 kerb out"}},
		{"a runner", []geometry.Point{{X: 7000, Y: 5000}, {X: 5600, Y: 5000}, {X: 4200, Y: 5000}, {X: 2800, Y: 5000}}, []string{"571ms cross 1 kerb in"}},
		{"a flicker", []geometry.Point{{X: 5600, Y: 5000}, {X: 4400, Y: 5000}, {X: 5600, Y: 5000}, {X: 4400, Y: 5000}, {X: 5600, Y: 5000}}, nil},
		{"a flicker to the margin", []geometry.Point{{X: 5600, Y: 5000}, {X: 4400, Y: 5000}, {X: 4950, Y: 5000}, {X: 4400, Y: 5000}, {X: 5600, Y: 5000}}, nil},
		{"not beyond the margin", []geometry.Point{{X: 5600, Y: 5000}, {X: 4900, Y: 5000}, {X: 4900, Y: 5000}, {X: 4900, Y: 5000}}, nil},
		{"just beyond the margin", []geometry.Point{{X: 5600, Y: 5000}, {X: 4899, Y: 5000}, {X: 4899, Y: 5000}, {X: 4899, Y: 5000}}, []string{"429ms cross 1 kerb in"}},
		{"ends before completion", []geometry.Point{{X: 5600, Y: 5000}, {X: 4400, Y: 5000}}, nil},
		{"around the end", []geometry.Point{{X: 5600, Y: 5000}, {X: 5600, Y: 9000}, {X: 4400, Y: 9000}, {X: 4400, Y: 5000}, {X: 4400, Y: 5000}}, nil},
		{"around the end, then back over it", []geometry.Point{{X: 5600, Y: 9000}, {X: 4400, Y: 9000}, {X: 4400, Y: 5000}, {X: 5600, Y: 5000}, {X: 5600, Y: 5000}}, []string{"714ms cross 1 kerb out"}},
		{"just past the end", []geometry.Point{{X: 5600, Y: 8001}, {X: 4400, Y: 8001}, {X: 4400, Y: 8001}}, nil},
		{"through the end", []geometry.Point{{X: 5600, Y: 8000}, {X: 4400, Y: 8000}, {X: 4400, Y: 8000}}, []string{"429ms cross 1 kerb in"}},
		{"cut, then along behind it past its end", []geometry.Point{{X: 5600, Y: 7000}, {X: 4950, Y: 7500}, {X: 4950, Y: 8500}, {X: 4400, Y: 8800}, {X: 4400, Y: 8800}}, []string{"714ms cross 1 kerb in"}},
		{"begins on the line", []geometry.Point{{X: 5000, Y: 5000}, {X: 4400, Y: 5000}, {X: 4400, Y: 5000}}, nil},
		{"stops on the line", []geometry.Point{{X: 5600, Y: 5000}, {X: 5000, Y: 5000}, {X: 5000, Y: 5000}, {X: 4400, Y: 5000}, {X: 4400, Y: 5000}}, []string{"714ms cross 1 kerb in"}},
		{"begins within the margin", []geometry.Point{{X: 5050, Y: 5000}, {X: 4400, Y: 5000}, {X: 4400, Y: 5000}}, []string{"429ms cross 1 kerb in"}},
		{"touches and turns back", []geometry.Point{{X: 5600, Y: 5000}, {X: 5000, Y: 5000}, {X: 5600, Y: 5000}, {X: 5600, Y: 9000}, {X: 4400, Y: 9000}, {X: 4400, Y: 9000}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := shoot(t, &Layout{Lines: []Line{kerb()}})
			for _, p := range tt.way {
				f.frame(person(1, p.X, p.Y))
				for _, c := range f.Changes() {
					if c.Type == Cross && f.only().Crossed(0) != c.Direction {
						t.Errorf("crossed is %v on the look that completes", f.only().Crossed(0))
					}
				}
				if f.EndLook(); f.only().Crossed(0) != DirectionNone {
					t.Error("crossed holds after the look")
				}
			}
			f.expect(tt.want...)
		})
	}
}

// `in: right` of the rule language's kerb, from left to right in the picture, is a move downwards.
func TestCrossingSides(t *testing.T) {
	for _, left := range []bool{false, true} {
		n := Line{Name: "kerb", Segment: geometry.Segment{From: geometry.Point{X: 0, Y: 6000}, To: geometry.Point{X: 10000, Y: 6000}}, InLeft: left, Margin: 100}
		f := shoot(t, &Layout{Lines: []Line{n}})
		for _, y := range []int32{5500, 5800, 6200, 6500, 6200, 5800, 5500} {
			f.frame(person(1, 5000, y))
		}
		if left {
			f.expect("571ms cross 1 kerb out", "1s cross 1 kerb in")
		} else {
			f.expect("571ms cross 1 kerb in", "1s cross 1 kerb out")
		}
	}
}

func TestOccupancyAndSeen(t *testing.T) {
	f := shoot(t, zones(yard()))
	car := Seen{ID: 7, Class: Car, Box: at(4000, 5000)}
	for range 3 {
		f.frame(person(1, 3000, 5000), person(2, 3500, 5000), car, person(3, 9000, 5000))
	}
	if a, p, c, m := f.Occupancy(0, ClassUnknown), f.Occupancy(0, Person), f.Occupancy(0, Car), f.Occupancy(0, Motor); a != 3 || p != 2 || c != 1 || m != 0 {
		t.Errorf("occupancy %d, persons %d, cars %d, motors %d", a, p, c, m)
	}
	f.finish()
	gone := 3 * pace
	if f.Occupancy(0, ClassUnknown) != 0 {
		t.Error("somebody is left")
	}
	for _, tt := range []struct {
		class  Class
		within time.Duration
		want   bool
	}{{Car, f.now - gone, true}, {Car, f.now - gone - ms, false}, {ClassUnknown, f.now - gone, true}, {Motor, time.Hour, false}} {
		if got := f.Seen(0, tt.class, tt.within, f.now); got != tt.want {
			t.Errorf("%v seen within %v: %v", tt.class, tt.within, got)
		}
	}
	f.frame(person(1, 9000, 5000), car)
	f.frame(car)
	if f.Seen(0, Car, 0, f.now) {
		t.Error("seen before it is in")
	}
	f.frame(car)
	if !f.Seen(0, Car, 0, f.now+100*ms) {
		t.Error("not seen between two frames of it")
	}
}

func TestPathAndCameFrom(t *testing.T) {
	f := shoot(t, zones(street(), yard()))
	f.walk(1000, 1200, 1400, 1600, 2500, 2800)
	x := f.only()
	if x.Path([]int{0, 1}, time.Hour, f.now) {
		t.Error("path before the last zone was entered")
	}
	f.walk(3100)
	if !x.Entered(1) || !x.Path([]int{0, 1}, 10*time.Second, f.now) || x.Path([]int{1, 0}, 10*time.Second, f.now) {
		t.Error("path on the look that enters")
	}
	if !x.Path([]int{0, 1}, 6*pace, f.now) || x.Path([]int{0, 1}, 6*pace-1, f.now) {
		t.Error("the time of a path")
	}
	if x.CameFrom(0) {
		t.Error("came from a zone whose leave is not decided")
	}
	f.walk(slices.Repeat([]int32{3400}, 6)...)
	if !x.CameFrom(0) || x.CameFrom(1) || !x.Path([]int{0, 1}, time.Minute, f.now) || !x.Path([]int{1}, time.Minute, f.now) {
		t.Error("after the street was left")
	}
	f.walk(slices.Repeat([]int32{1000}, 10)...)
	if !x.Path([]int{0, 1, 0}, time.Minute, f.now) || !x.Path([]int{1, 0}, time.Minute, f.now) || x.Path([]int{0, 1}, time.Minute, f.now) || x.Path([]int{1, 0, 1, 0}, time.Minute, f.now) || !x.CameFrom(1) {
		t.Error("back on the street")
	}
}

func TestDwellTotal(t *testing.T) {
	z := yard()
	z.Settle, z.Linger = 0, 0
	f := shoot(t, zones(z))
	f.now = -pace
	for range 6 {
		f.walk(slices.Repeat([]int32{3000}, 15)...) // 2 s
		if d := f.only().Dwell(0, f.now); d != 14*pace {
			t.Errorf("a visit of %v: visits must not add up", d)
		}
		f.walk(slices.Repeat([]int32{8000}, 6)...)
	}
	x := f.only()
	for _, tt := range []struct{ window, want time.Duration }{
		{time.Hour, 6 * 14 * pace},
		{5 * pace, 0},
		{f.now - 5*21*pace, 14 * pace},
		{f.now - 5*21*pace - 4*pace, 10 * pace},
		{f.now - 4*21*pace, 28 * pace},
		{0, 0},
	} {
		if got := x.DwellTotal(0, tt.window, f.now); got != tt.want {
			t.Errorf("within %v: %v, want %v", tt.window, got, tt.want)
		}
	}
	f.walk(3000)
	if got := x.DwellTotal(0, time.Hour, f.now+ms); got != 6*14*pace+ms {
		t.Errorf("with a running visit: %v", got)
	}
	if got := x.DwellTotal(0, ms/2, f.now+ms); got != ms/2 {
		t.Errorf("of a running visit: %v", got)
	}
}

func TestFirstLook(t *testing.T) {
	post := func(f *film, settled bool, seen ...Seen) *Target {
		f.now += pace
		f.Update(f.now, time.Time{}, seen, settled)
		f.note()
		return f.Target(1)
	}
	f := shoot(t, zones(yard()))
	var x *Target
	for range 3 {
		x = post(f, false, person(1, 3000, 5000))
		if !x.FirstLook() {
			t.Error("no first look at the start")
		}
	}
	f.expect("429ms enter 1 yard since 143ms already")
	if !x.Inside(0) || x.Entered(0) {
		t.Error("entered a zone it was first seen in")
	}
	if x = post(f, true, person(1, 3000, 5000)); !x.FirstLook() {
		t.Error("the first look ends while the target is in the zone it was first seen in")
	}
	for range 7 {
		if x = post(f, true, person(1, 7000, 5000)); !x.FirstLook() && x.Inside(0) {
			t.Error("the first look ends before the visit")
		}
	}
	x = post(f, true, person(1, 7000, 5000))
	if x.FirstLook() {
		t.Error("the first look does not end")
	}
	f.story = nil
	for range 3 {
		x = post(f, true, person(1, 3000, 5000))
	}
	f.expect("2.143s enter 1 yard since 1.857s")
	if !x.Entered(0) {
		t.Error("the second visit has no entered")
	}

	f = shoot(t, zones(yard()))
	if x = post(f, false, person(1, 1000, 5000)); !x.FirstLook() {
		t.Error("not first looked at outside of zones")
	}
	if x = post(f, true, person(2, 3000, 5000)); x.FirstLook() {
		t.Error("the first look goes on after the timeout outside of zones")
	}
	if f.Target(2).FirstLook() {
		t.Error("a first look at a target that came later")
	}
	f = shoot(t, zones(yard()))
	post(f, false, person(1, 1000, 5000))
	for range 3 {
		x = post(f, false, person(1, 3000, 5000))
	}
	if !x.Entered(0) {
		t.Error("a zone it was not first seen in has no entered")
	}
}

func TestTwiceInAPost(t *testing.T) {
	f := shoot(t, zones(yard()))
	f.frame(person(1, 3000, 5000), person(2, 4000, 5000), person(1, 5000, 5000), person(3, 100, 5000))
	got := []uint64{}
	for _, x := range f.Looked() {
		got = append(got, x.ID())
	}
	// A box partly out of the frame is not valid.
	if !slices.Equal(got, []uint64{2, 1}) || f.Target(1).Box() != at(5000, 5000) || f.Ignored() != 1 {
		t.Errorf("looked at %v, box %v, %d ignored", got, f.Target(1).Box(), f.Ignored())
	}
}

func TestTooManyTargets(t *testing.T) {
	f := shoot(t, zones(yard()))
	seen := []Seen{}
	for i := range uint64(MaxTargets + 10) {
		seen = append(seen, person(i, 3000, 5000))
	}
	f.frame(seen[:MaxTargets-1]...)
	f.frame(seen[MaxTargets-2:]...)
	if len(f.Targets()) != MaxTargets || f.Ignored() != 10 || len(f.Looked()) != 2 {
		t.Errorf("%d targets, %d ignored, %d looked at", len(f.Targets()), f.Ignored(), len(f.Looked()))
	}
	f.frame(seen...)
	if len(f.Targets()) != MaxTargets {
		t.Errorf("%d targets", len(f.Targets()))
	}
	f.finish()
	for i := range 100 {
		f.frame(person(uint64(i), 3000, 5000))
	}
}

func TestTimeGoingBackIsHeld(t *testing.T) {
	f := shoot(t, zones(yard()))
	f.walk(3000, 3000, 3000, 3000)
	f.now = 0
	f.walk(3000, 9000)
	f.finish()
	for _, s := range f.story {
		if strings.Contains(s, "dwell -") {
			t.Error(s)
		}
	}
}

func TestReload(t *testing.T) {
	changed, added := yard(), yard()
	changed.Name, added.Name = "drive", "lawn"
	l := &Layout{Zones: []Zone{changed, yard()}, Lines: []Line{kerb()}}
	f := shoot(t, l)
	f.frame(person(1, 5600, 5000))
	f.frame(person(1, 5600, 5000))
	f.frame(person(1, 5600, 5000))
	f.frame(person(1, 4400, 5000))
	f.story = nil
	x, serial := f.only(), f.only().Serial()
	changed.Linger = 0
	f.now += 10 * ms
	next := &Layout{Zones: []Zone{yard(), added, changed}, Lines: []Line{{Name: "other", Segment: kerb().Segment}, kerb()}}
	f.SetLayout(next, Options{Timeout: DefaultTimeout}, f.now)
	f.note()
	f.expect("581ms leave 1 drive reload since 143ms until 571ms dwell 429ms",
		"581ms enter 1 lawn since 581ms already", "581ms enter 1 drive since 581ms already")
	if f.Layout() != next || len(f.Looked()) != 0 || x.Serial() != serial {
		t.Error("a reload begins a look")
	}
	for z, want := range []time.Duration{f.now - pace, 0, 0} {
		if !x.Inside(z) || x.Entered(z) || x.Left(z) || x.Dwell(z, f.now) != want {
			t.Errorf("zone %d: inside %v entered %v left %v dwell %v", z, x.Inside(z), x.Entered(z), x.Left(z), x.Dwell(z, f.now))
		}
	}
	if x.ZoneBits()[0] != 7 || x.CameFrom(0) || x.CameFrom(2) {
		t.Error("zones after the reload")
	}
	// The crossing that had begun is completed on the line that did not change, not on the new one.
	f.frame(person(1, 4400, 5000))
	f.expect("724ms cross 1 kerb in")
	f.finish()
	f.expect("2.224s leave 1 yard offline since 143ms until 724ms dwell 581ms",
		"2.224s leave 1 lawn offline since 581ms until 724ms dwell 143ms",
		"2.224s leave 1 drive offline since 581ms until 724ms dwell 143ms", "2.224s vanish 1")
	f.SetLayout(&Layout{}, Options{Timeout: DefaultTimeout}, f.now)
	f.walk(3000, 3000, 3000)
	f.finish()
	f.expect("4.153s vanish 1")
}

func TestReloadOfTheSame(t *testing.T) {
	f := shoot(t, &Layout{Zones: []Zone{street(), yard()}, Lines: []Line{kerb()}})
	f.walk(1000, 1000, 1000, 3000, 3000)
	f.story = nil
	x := f.only()
	f.SetLayout(&Layout{Zones: []Zone{yard(), street()}, Lines: []Line{kerb()}}, Options{Timeout: DefaultTimeout}, f.now)
	f.note()
	f.expect()
	// The second zone is away, the first settling.
	f.walk(3000, 3000, 3000, 3000, 3000, 3000)
	f.expect("857ms enter 1 yard since 571ms", "1.571s leave 1 street left since 143ms until 429ms dwell 286ms")
	if !x.Path([]int{1, 0}, time.Minute, f.now) || !x.CameFrom(1) {
		t.Error("what was known is lost")
	}
	f.SetLayout(&Layout{Zones: []Zone{street()}}, Options{Timeout: 100 * ms}, f.now)
	f.note()
	f.expect("1.571s leave 1 yard reload since 571ms until 1.571s dwell 1s")
	if !x.CameFrom(0) || !f.Seen(0, Person, f.now-3*pace, f.now) || f.Seen(0, Person, f.now-3*pace-ms, f.now) || x.DwellTotal(0, time.Hour, f.now) != 2*pace {
		t.Error("what was known of the zone that stays is lost")
	}
	if due, ok := f.Next(); !ok || due != f.now+100*ms {
		t.Errorf("the new timeout is not used: %v", due)
	}
}

func TestRejoin(t *testing.T) {
	begin := func(t *testing.T) (*film, uint64) {
		f := &film{Camera: NewCamera(&Layout{Zones: []Zone{yard()}, Lines: []Line{kerb()}}, Options{Timeout: DefaultTimeout, Rejoin: 3 * time.Second}), t: t}
		f.walk(5600, 5600, 5600, 5600)
		serial := f.only().Serial()
		f.finish()
		f.story = nil
		return f, serial
	}
	t.Run("takes over", func(t *testing.T) {
		f, serial := begin(t)
		f.after(3*time.Second, person(9, 5500, 5000))
		f.expect("5.071s enter 9 yard since 143ms already")
		x := f.only()
		old, ok := x.Rejoined()
		if x.Serial() != serial || x.Track() == serial || !ok || old != 1 || x.ID() != 9 || x.FirstSeen() != pace || x.Entered(0) || !x.Inside(0) {
			t.Error("the identity was not taken over")
		}
		if d := x.Dwell(0, f.now); d != f.now-pace {
			t.Errorf("dwell %v", d)
		}
		if d := x.DwellTotal(0, time.Hour, f.now); d != f.now-pace {
			t.Errorf("dwell in all %v", d)
		}
		f.frame(person(9, 4400, 5000))
		f.frame(person(9, 4400, 5000))
		f.expect("5.357s cross 9 kerb in")
	})
	for name, try := range map[string]func(f *film){
		"too late":      func(f *film) { f.after(3001*ms, person(9, 5600, 5000)) },
		"too far":       func(f *film) { f.after(time.Second, person(9, 5200, 5000)) },
		"another class": func(f *film) { f.after(time.Second, Seen{ID: 9, Class: Car, Box: at(5600, 5000)}) },
		"no class":      func(f *film) { f.after(time.Second, Seen{ID: 9, Box: at(5600, 5000)}) },
	} {
		t.Run(name, func(t *testing.T) {
			f, serial := begin(t)
			try(f)
			f.expect()
			if _, ok := f.only().Rejoined(); ok || f.only().Serial() == serial {
				t.Error("rejoined")
			}
		})
	}
	t.Run("two candidates", func(t *testing.T) {
		f := &film{Camera: NewCamera(zones(yard()), Options{Timeout: DefaultTimeout, Rejoin: 3 * time.Second}), t: t}
		for range 3 {
			f.frame(person(1, 3000, 5000), person(2, 3100, 5000))
		}
		f.finish()
		f.after(time.Second, person(9, 3050, 5000))
		if _, ok := f.only().Rejoined(); ok {
			t.Error("rejoined")
		}
	})
	t.Run("once", func(t *testing.T) {
		f, serial := begin(t)
		f.after(time.Second, person(9, 5600, 5000), person(10, 5600, 5000))
		if f.Target(9).Serial() != serial || f.Target(10).Serial() == serial {
			t.Error("the first new target takes over, the second cannot")
		}
	})
	t.Run("without asking for the end first", func(t *testing.T) {
		f := &film{Camera: NewCamera(zones(yard()), Options{Timeout: DefaultTimeout, Rejoin: 3 * time.Second}), t: t}
		f.walk(3000, 3000, 3000)
		f.story = nil
		f.now += 2 * time.Second
		f.Update(f.now, time.Time{}, []Seen{person(9, 3000, 5000)}, true)
		f.note()
		f.expect("1.929s leave 1 yard offline since 143ms until 429ms dwell 286ms", "1.929s vanish 1", "2.429s enter 9 yard since 143ms already")
		if looked := f.Looked(); len(looked) != 2 || !looked[0].Gone() || looked[0].ID() != 1 || looked[1].Gone() || looked[1].Serial() != looked[0].Serial() {
			t.Error("looks")
		}
	})
	t.Run("over a reload", func(t *testing.T) {
		f, serial := begin(t)
		f.SetLayout(&Layout{Zones: []Zone{street(), yard()}}, Options{Timeout: DefaultTimeout, Rejoin: 3 * time.Second}, f.now)
		f.after(time.Second, person(9, 5600, 5000))
		f.expect("3.071s enter 9 yard since 143ms already")
		if f.only().Serial() != serial {
			t.Error("not rejoined")
		}
	})
}
