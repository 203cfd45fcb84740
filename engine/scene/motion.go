package scene

import (
	"math"
	"time"

	"github.com/sallyport/sallyport/engine/geometry"
)

const (
	// motionWindow is the time that class and motion are taken from.
	motionWindow = time.Second
	// minFrames is how many frames a motion needs, minSpan how far apart in time the first and the last must be: frames
	// that a network delivers at once say nothing about speed when they have no sane stamps.
	minFrames = 3
	minSpan   = 100 * time.Millisecond
	// stillTravel is the way, in frame units, that a target must travel in the window to be moving.
	stillTravel = 200
	// stampSlack is how much the time between two stamps may differ from the time between their receptions.
	stampSlack = 500 * time.Millisecond
	// maxFrames bounds the frames remembered for the window; a faster stream is thinned to as many.
	maxFrames = 32
	// towardTime is how far ahead Toward looks.
	towardTime = 3.0
)

// frame is what is remembered of one frame of a target.
type frame struct {
	at time.Duration
	// stamp is the camera's own time of it in microseconds, if stamped.
	stamp   int64
	stamped bool
	class   Class
	// foot is where it stood, in half units.
	foot geometry.Point
}

func frameOf(at time.Duration, stamp time.Time, foot geometry.Point, class Class) frame {
	f := frame{at: at, foot: foot, class: class}
	if !stamp.IsZero() {
		f.stamp, f.stamped = stamp.UnixMicro(), true
	}
	return f
}

// frames are the last frames of a target.
type frames struct {
	ring [maxFrames]frame
	n    int
	next int
}

// back gives the frame i frames before the newest.
func (f *frames) back(i int) *frame { return &f.ring[(f.next-1-i+2*maxFrames)%maxFrames] }

// add remembers a frame. Where the stream is so fast that the window does not fit, the newest frame takes the place of the
// one before if that came too soon, so that what is kept spans the window.
func (f *frames) add(n frame) {
	if f.n == maxFrames && n.at-f.back(maxFrames-1).at < motionWindow && f.back(0).at-f.back(1).at < motionWindow/maxFrames {
		*f.back(0) = n
		return
	}
	f.ring[f.next] = n
	f.next = (f.next + 1) % maxFrames
	f.n = min(f.n+1, maxFrames)
}

// class gives the class most often said in the window before the newest frame, of equals the one said last, and the one
// before if none was said.
func (f *frames) class(before Class) Class {
	var said [classes]int
	best := ClassUnknown
	for i := 0; i < f.n && f.back(0).at-f.back(i).at <= motionWindow; i++ {
		if c := f.back(i).class; c != ClassUnknown && c < classes {
			said[c]++
		}
	}
	// From the newest back: a class seen earlier in this loop was said later.
	for i := 0; i < f.n && f.back(0).at-f.back(i).at <= motionWindow; i++ {
		if c := f.back(i).class; c != ClassUnknown && c < classes && said[c] > said[best] {
			best = c
		}
	}
	if best == ClassUnknown {
		return before
	}
	return best
}

// span gives how many of the newest frames lie in the window, and whether their stamps are sane: each is later than the one
// before, each step between two and all of them together agree with the receive times to within stampSlack, and they do not
// run at less than half the pace. If not, the window is one of receive times.
func (f *frames) span() (n int, stamps bool) {
	if n, stamps = f.stampSpan(); stamps {
		return n, true
	}
	for n = 1; n < f.n && f.back(0).at-f.back(n).at <= motionWindow; {
		n++
	}
	return n, false
}

func (f *frames) stampSpan() (int, bool) {
	const slack = int64(stampSlack / time.Microsecond)
	newest := f.back(0)
	if !newest.stamped {
		return 0, false
	}
	n := 1
	var all, took int64
	for ; n < f.n; n++ {
		newer, older := f.back(n-1), f.back(n)
		if newest.at-older.at > motionWindow+stampSlack {
			break
		}
		step := newer.stamp - older.stamp
		if !older.stamped || step <= 0 || apart(step, int64((newer.at-older.at)/time.Microsecond)) > slack {
			return 0, false
		}
		if all+step > int64(motionWindow/time.Microsecond) {
			break
		}
		all, took = all+step, int64((newest.at-older.at)/time.Microsecond)
		if apart(all, took) > slack {
			return 0, false
		}
	}
	return n, 2*all >= took
}

func apart(a, b int64) int64 { return max(a-b, b-a) }

// motion is what the frames of the window say; it is computed when first asked for after a frame.
type motion struct {
	done, known, still bool
	// vx and vy are in half units per second, speed in units per second.
	vx, vy, speed float64
}

func (t *Target) moves() *motion {
	if !t.motion.done {
		t.motion = t.frames.motion()
	}
	return &t.motion
}

// motion fits straight lines to the places of the frames by least squares. The sums are whole numbers, and products of
// fractions are rounded before they are added, so that every machine gets the same.
func (f *frames) motion() motion {
	m := motion{done: true}
	n, stamps := f.span()
	if n < minFrames {
		return m
	}
	newest := f.back(0)
	var t, st, stt, sx, stx, sy, sty int64
	for i := range n {
		b := f.back(i)
		if t = int64((newest.at - b.at) / time.Microsecond); stamps {
			t = newest.stamp - b.stamp
		}
		x, y := int64(b.foot.X)-int64(newest.foot.X), int64(b.foot.Y)-int64(newest.foot.Y)
		st, stt = st+t, stt+t*t
		sx, stx = sx+x, stx+t*x
		sy, sty = sy+y, sty+t*y
	}
	span := t
	if span < int64(minSpan/time.Microsecond) {
		return m
	}
	// t counts back from the newest frame, hence the minus.
	pace := float64(int64(n)*stt-st*st) / -1e6
	m.known = true
	m.vx = float64(int64(n)*stx-st*sx) / pace
	m.vy = float64(int64(n)*sty-st*sy) / pace
	m.speed = math.Sqrt(float64(m.vx*m.vx)+float64(m.vy*m.vy)) / 2
	m.still = m.speed*float64(span) < stillTravel*1e6
	return m
}

// heading gives the way of (x, y) in degrees clockwise from up.
func heading(x, y float64) float64 {
	ax, ay := math.Abs(x), math.Abs(y)
	var a float64
	if ax > ay {
		a = 90 - arctan(ay/ax)
	} else {
		a = arctan(ax / ay)
	}
	switch {
	case x >= 0 && y > 0:
		a = 180 - a
	case x < 0 && y > 0:
		a = 180 + a
	case x < 0:
		a = 360 - a
	}
	if a >= 360 {
		return 0
	}
	return a
}

// arctan gives the angle in degrees whose tangent is x, 0..1, to about 1e-13. It is the Cephes method, as in package math,
// which may not be used here: there the compiler may fuse products and sums, and then machines differ in the last digit.
func arctan(x float64) float64 {
	base := 0.0
	if x > 0.66 {
		base, x = 45, (x-1)/(x+1)
	}
	z := float64(x * x)
	p := float64(-8.750608600031904122785e-01*z) - 1.615753718733365076637e+01
	p = float64(p*z) - 7.500855792314704667340e+01
	p = float64(p*z) - 1.228866684490136173410e+02
	p = float64(p*z) - 6.485021904942025371773e+01
	q := z + 2.485846490142306297962e+01
	q = float64(q*z) + 1.650270098316988542046e+02
	q = float64(q*z) + 4.328810604912902668951e+02
	q = float64(q*z) + 4.853903996359136964868e+02
	q = float64(q*z) + 1.945506571482613964425e+02
	r := float64(x*float64(z*p)/q) + x
	return base + float64(r*(180/math.Pi))
}

// Speed is in frame units per second; unknown with fewer than 3 frames in the last second.
func (t *Target) Speed() (unitsPerSecond float64, known bool) {
	m := t.moves()
	return m.speed, m.known
}

// Heading is in degrees clockwise from up (90 is right), 0..360; unknown with fewer than 3 frames in the last second and
// while the target is still.
func (t *Target) Heading() (degrees float64, known bool) {
	m := t.moves()
	if !m.known || m.still {
		return 0, false
	}
	return heading(m.vx, m.vy), true
}

// Still tells whether the target moved under 200 units in the last second; unknown with fewer than 3 frames in it.
func (t *Target) Still() (still, known bool) {
	m := t.moves()
	return m.still, m.known
}

// Toward tells whether the straight way of its heading meets the zone within 3 s at its speed. False for a still target;
// unknown with fewer than 3 frames in the last second, or when the zone is unknown.
func (t *Target) Toward(zone int) (meets, known bool) {
	if zone < 0 || zone >= len(t.zones) || t.camera.zones[zone].Unknown {
		return false, false
	}
	m := t.moves()
	if !m.known || m.still {
		return false, m.known
	}
	z := &t.camera.zones[zone]
	from := t.stance.anchor(z.Anchor)
	return z.polygon.Meets(from, geometry.Point{X: ahead(from.X, m.vx), Y: ahead(from.Y, m.vy)}), true
}

// ahead gives where a coordinate is after towardTime at this speed, in half units, no farther than integers are exact.
func ahead(from int32, speed float64) int32 {
	const far = 1 << 28
	return from + int32(math.Round(min(max(float64(speed*towardTime), -far), far)))
}
