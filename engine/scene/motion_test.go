package scene_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine/geometry"
	. "github.com/sallyport/sallyport/engine/scene"
)

// track shows one target moving at (vx, vy) units a second, and gives it back. Reception and stamp are given for each frame
// in terms of the true time.
func track(c *Camera, frames int, vx, vy float64, received func(i int, d time.Duration) time.Duration, stamp func(i int, d time.Duration) time.Time) *Target {
	for i := range frames {
		d := time.Duration(i) * pace
		x, y := 5000+vx*d.Seconds(), 5000+vy*d.Seconds()
		c.Update(received(i, d), stamp(i, d), []Seen{person(1, int32(math.Round(x)), int32(math.Round(y)))}, true)
	}
	return c.Target(1)
}

var noon = time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)

func onTime(_ int, d time.Duration) time.Duration { return d }

func noStamp(int, time.Duration) time.Time { return time.Time{} }

func goodStamp(_ int, d time.Duration) time.Time { return noon.Add(d).Truncate(ms) }

func newScene() *Camera { return NewCamera(zones(yard()), Options{Timeout: DefaultTimeout}) }

func TestHeadingAndSpeed(t *testing.T) {
	for _, tt := range []struct{ vx, vy, heading, speed float64 }{
		{0, -1000, 0, 1000}, {1000, 0, 90, 1000}, {0, 1000, 180, 1000}, {-1000, 0, 270, 1000},
		{1000, -1000, 45, 1414.2}, {1000, 1000, 135, 1414.2}, {-1000, 1000, 225, 1414.2}, {-1000, -1000, 315, 1414.2},
		{300, -400, 36.87, 500}, {-400, -300, 306.87, 500}, {10, -1000, 0.57, 1000}, {-10, -1000, 359.43, 1000},
	} {
		x := track(newScene(), 8, tt.vx, tt.vy, onTime, goodStamp)
		h, ok := x.Heading()
		s, ok2 := x.Speed()
		if off := math.Abs(h - tt.heading); !ok || !ok2 || min(off, 360-off) > 0.2 || math.Abs(s-tt.speed) > 5 || h < 0 || h >= 360 {
			t.Errorf("%v: heading %.2f %v, speed %.1f %v", tt, h, ok, s, ok2)
		}
	}
}

func TestMotionNeedsThreeFrames(t *testing.T) {
	for n := 1; n <= 4; n++ {
		x := track(newScene(), n, 1500, 0, onTime, noStamp)
		_, heading := x.Heading()
		_, speed := x.Speed()
		_, still := x.Still()
		_, toward := x.Toward(0)
		if want := n >= 3; heading != want || speed != want || still != want || toward != want {
			t.Errorf("%d frames: heading %v, speed %v, still %v, toward %v known", n, heading, speed, still, toward)
		}
	}
	// Three frames, but the oldest is more than a second old.
	c := newScene()
	for _, at := range []time.Duration{0, time.Second, 1100 * ms} {
		c.Update(at, time.Time{}, []Seen{person(1, 3000, 5000)}, true)
	}
	c.Update(1950*ms, time.Time{}, []Seen{person(1, 3000, 5000)}, true)
	if _, known := c.Target(1).Still(); !known {
		t.Error("three frames within a second")
	}
	c.Update(3200*ms, time.Time{}, []Seen{person(1, 3000, 5000)}, true)
	if _, known := c.Target(1).Still(); known {
		t.Error("one frame within a second")
	}
}

func TestStill(t *testing.T) {
	for speed, want := range map[float64]bool{0: true, 150: true, 195: true, 260: false, 1000: false} {
		x := track(newScene(), 10, 0, speed, onTime, goodStamp)
		still, known := x.Still()
		_, heading := x.Heading()
		toward, towardKnown := x.Toward(0)
		if !known || still != want || heading == want || !towardKnown || (want && toward) {
			t.Errorf("at %v a second: still %v %v, heading %v, toward %v %v", speed, still, known, heading, toward, towardKnown)
		}
	}
	// Jitter of 60 units is no motion, from the third frame on.
	r := rand.New(rand.NewPCG(3, 4))
	c, moved := newScene(), 0
	for i := range 2000 {
		c.Update(time.Duration(i)*pace, time.Time{}, []Seen{person(1, 5000+int32(r.NormFloat64()*60), 5000+int32(r.NormFloat64()*60))}, true)
		if still, known := c.Target(1).Still(); known && !still {
			moved++
		}
	}
	if moved > 40 {
		t.Errorf("somebody who stands moved on %d of 2000 frames", moved)
	}
}

func TestToward(t *testing.T) {
	// The yard is x 2000..6000.
	for _, tt := range []struct {
		x, vx, vy float64
		want      bool
	}{
		{8000, -700, 0, true},     // 3 s at 700 is 2100
		{9000, -700, 0, false},    // not within 3 s
		{8000, 700, 0, false},     // away from it
		{3000, 700, 0, true},      // in it
		{8000, -300, 1000, false}, // past it
	} {
		c := newScene()
		for i := range 8 {
			back := time.Duration(7-i) * pace
			c.Update(time.Duration(i)*pace, time.Time{}, []Seen{person(1, int32(tt.x-tt.vx*back.Seconds()), int32(5000-tt.vy*back.Seconds()))}, true)
		}
		if got, known := c.Target(1).Toward(0); got != tt.want || !known {
			t.Errorf("%v: %v %v", tt, got, known)
		}
	}
}

// A network that delivers late and in bursts changes nothing when the stamps are sane; stamps that are not are not used.
func TestStamps(t *testing.T) {
	bursts := func(i int, d time.Duration) time.Duration { return time.Duration(i|3)*pace + time.Duration(i)*ms }
	for _, tt := range []struct {
		name     string
		received func(int, time.Duration) time.Duration
		stamp    func(int, time.Duration) time.Time
	}{
		{"good", onTime, goodStamp},
		{"none", onTime, noStamp},
		{"bursts with good stamps", bursts, goodStamp},
		{"years off", onTime, func(_ int, d time.Duration) time.Time { return time.Unix(1000, 0).Add(d) }},
		{"always the same", onTime, func(int, time.Duration) time.Time { return noon }},
		{"whole seconds", onTime, func(_ int, d time.Duration) time.Time { return noon.Add(d.Truncate(time.Second)) }},
		{"jumping ahead", onTime, func(i int, d time.Duration) time.Time { return noon.Add(d + time.Duration(i/6)*time.Hour) }},
		{"jumping back", onTime, func(i int, d time.Duration) time.Time { return noon.Add(d - time.Duration(i/6)*3*time.Second) }},
		{"running backwards", onTime, func(_ int, d time.Duration) time.Time { return noon.Add(-d) }},
		{"far too slow", onTime, func(i int, _ time.Duration) time.Time { return noon.Add(time.Duration(i) * ms) }},
		{"far too fast", onTime, func(_ int, d time.Duration) time.Time { return noon.Add(20 * d) }},
		{"now and then", onTime, func(i int, d time.Duration) time.Time {
			if i%3 == 0 {
				return time.Time{}
			}
			return noon.Add(d + time.Hour)
		}},
		{"absurd", onTime, func(i int, _ time.Duration) time.Time { return time.Unix(int64(1)<<(20+i), 0) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for n := 5; n < 12; n++ {
				x := track(newScene(), n, 900, 0, tt.received, tt.stamp)
				if s, known := x.Speed(); !known || math.Abs(s-900) > 10 {
					t.Errorf("after %d frames: speed %.1f %v, want 900", n, s, known)
				}
				if h, known := x.Heading(); !known || math.Abs(h-90) > 1 {
					t.Errorf("after %d frames: heading %.1f %v, want 90", n, h, known)
				}
			}
		})
	}
	// Frames delivered at once without stamps say nothing.
	x := track(newScene(), 8, 900, 0, func(i int, _ time.Duration) time.Duration { return time.Second + time.Duration(i)*ms }, noStamp)
	if _, known := x.Speed(); known {
		t.Error("a speed from frames received at once")
	}
}

// A jump of the camera's clock moves nothing but the stamps: visits are on the decision clock.
func TestClockJumpMovesNoVisit(t *testing.T) {
	for _, jump := range []time.Duration{0, time.Hour, -time.Hour} {
		f := shoot(t, zones(yard()))
		for i := range 20 {
			f.now += pace
			stamp := noon.Add(f.now)
			if i >= 10 {
				stamp = stamp.Add(jump)
			}
			x := int32(3000)
			if i >= 8 {
				x = 7000
			}
			f.Update(f.now, stamp, []Seen{person(1, x, 5000)}, true)
			f.note()
		}
		f.expect("429ms enter 1 yard since 143ms", "2.286s leave 1 yard left since 143ms until 1.143s dwell 1s")
	}
}

// Of a stream faster than any camera's the frames are thinned, and the motion is still that of a second.
func TestFastStream(t *testing.T) {
	c := newScene()
	for i := range 3000 {
		d := time.Duration(i) * time.Second / 700
		c.Update(d, time.Time{}, []Seen{person(1, 1000+int32(300*d.Seconds()), 5000)}, true)
	}
	x := c.Target(1)
	if s, known := x.Speed(); !known || math.Abs(s-300) > 10 {
		t.Errorf("speed %v %v", s, known)
	}
	if still, _ := x.Still(); still {
		t.Error("still")
	}
}

func TestHeadingAgainstMath(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		c := newScene()
		x, y := 3000+r.Int32N(4000), 3000+r.Int32N(4000)
		dx, dy := r.Int32N(1001)-500, r.Int32N(1001)-500
		for i := range int32(3) {
			c.Update(time.Duration(i)*100*ms, time.Time{}, []Seen{{ID: 1, Class: Person, Box: geometry.Box{X1: x - 300 + dx*i, Y1: y - 500 + dy*i, X2: x + 300 + dx*i, Y2: y + dy*i}}}, true)
		}
		h, known := c.Target(1).Heading()
		s, _ := c.Target(1).Speed()
		if travel := 2 * math.Hypot(float64(dx), float64(dy)); math.Abs(travel-200) > 1e-9 && known != (travel > 200) {
			t.Fatalf("travel %v: heading known %v", travel, known)
		}
		want := math.Mod(math.Atan2(float64(dx), float64(-dy))*180/math.Pi+360, 360)
		if known && math.Abs(h-want) > 1e-9 || math.Abs(s-10*math.Hypot(float64(dx), float64(dy))) > 1e-6 {
			t.Fatalf("(%d, %d): heading %v, want %v, speed %v", dx, dy, h, want, s)
		}
	}
}
