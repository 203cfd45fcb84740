package ruletest

import (
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/scene"
	"go.yaml.in/yaml/v4"
)

// maxFrames bounds the boxes of one test: ten hours of one target at 7 a second.
const maxFrames = 250_000

// defaultRate is how many frames a second a camera sends of a target.
const defaultRate = 7

// size is the width and height of a target's box, in frame units.
type size struct{ w, h int32 }

// sizeOf is how big a target is when the test does not say.
func sizeOf(c scene.Class) size {
	switch c {
	case scene.Car:
		return size{2400, 1600}
	case scene.Motor:
		return size{1000, 1500}
	}
	return size{700, 2200}
}

// track is one target from its first frame to its last.
type track struct {
	class  scene.Class
	id     uint64
	start  time.Duration
	rate   int64
	size   size
	jitter int64 // standard deviation, in frame units
	seed   uint64
	legs   []leg
	place  geometry.Point // where it is after the last leg
	end    time.Duration
}

// leg is one part of a track: it moves evenly from one foot point to another.
type leg struct {
	from, to   geometry.Point
	start, end time.Duration
	lost       bool
	id         uint64
}

// add lets the track go on to a foot point.
func (t *track) add(to geometry.Point, over time.Duration, lost bool) {
	t.legs = append(t.legs, leg{from: t.place, to: to, start: t.end, end: t.end + over, lost: lost, id: t.id})
	t.place, t.end = to, t.end+over
}

// box is a target's box on the frame; false when nothing of it is on the frame.
func (t *track) box(p geometry.Point) (geometry.Box, bool) {
	b := geometry.Box{X1: p.X - t.size.w/2, X2: p.X - t.size.w/2 + t.size.w, Y1: p.Y - t.size.h, Y2: p.Y}
	if b.X2 < 0 || b.Y2 < 0 || b.X1 > geometry.Size || b.Y1 > geometry.Size {
		return b, false
	}
	on := func(v int32) int32 { return min(max(v, 0), geometry.Size) }
	return geometry.Box{X1: on(b.X1), Y1: on(b.Y1), X2: on(b.X2), Y2: on(b.Y2)}, true
}

// frames calls f for every frame of the track, in order.
func (t *track) frames(f func(at time.Duration, l engine.Listed)) {
	random := source(t.seed)
	emit := func(l *leg, at time.Duration) {
		p := l.at(at)
		if t.jitter > 0 {
			p.X += random.normal(t.jitter)
			p.Y += random.normal(t.jitter)
		}
		if b, ok := t.box(p); ok {
			f(at, engine.Listed{ID: l.id, HasID: true, Class: t.class, Box: b, HasBox: true})
		}
	}
	for i := 0; i < len(t.legs); {
		if t.legs[i].lost {
			i++
			continue
		}
		// A run is what is seen without a gap: it begins and ends with a frame.
		last := i
		for last+1 < len(t.legs) && !t.legs[last+1].lost {
			last++
		}
		start, end := t.legs[i].start, t.legs[last].end
		at := start
		for k := int64(1); at < end; k++ {
			for t.legs[i].end <= at && i < last {
				i++
			}
			emit(&t.legs[i], at)
			at = start + time.Duration(k*int64(time.Second)/t.rate)
		}
		emit(&t.legs[last], end)
		i = last + 1
	}
}

// count is how many frames the track has at most.
func (t *track) count() int64 {
	return int64((t.end-t.start)/time.Millisecond)*t.rate/1000 + int64(2*len(t.legs)) + 2
}

// at is where the foot is at a moment.
func (l *leg) at(at time.Duration) geometry.Point {
	over := int64(l.end - l.start)
	if over == 0 {
		return l.to
	}
	gone := int64(at - l.start)
	between := func(a, b int32) int32 { return a + int32(int64(b-a)*(gone/1000)/(over/1000)) }
	if over < 1000 {
		return l.to
	}
	return geometry.Point{X: between(l.from.X, l.to.X), Y: between(l.from.Y, l.to.Y)}
}

// source gives the same numbers on every machine.
type source uint64

func (s *source) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// normal is close to normally distributed: the sum of twelve even ones.
func (s *source) normal(deviation int64) int32 {
	sum := int64(-6 << 16)
	for range 12 {
		sum += int64(s.next() >> 48)
	}
	return int32(sum * deviation / (1 << 16))
}

// tracks reads what walks past one camera. A `walk` begins a target; the steps
// after it are the target's.
func (r *reader) tracks(n *yaml.Node) []*track {
	var all []*track
	var t *track
	items := r.items(n, "the walks of a camera")
	for i, c := range items {
		done := r.within("step %d: ", i+1)
		p, ok := r.mapping(c, "a step of a walk", "walk", "at", "from", "to", "over", "rate", "size", "jitter", "seed", "id", "stay", "lose")
		switch {
		case !ok:
		case p.has("walk"):
			began := time.Duration(0)
			if t != nil {
				began = t.end
			}
			t = r.walk(p, began, len(all)+1)
			all = append(all, t)
		case t == nil:
			r.errorf(c, "begin with walk: {walk: person, from: [x, y], to: [x, y], over: 2s}")
		case p.has("lose"):
			r.only(p, "lose", "lose", "to", "id")
			if i+1 == len(items) || walks(items[i+1]) {
				r.errorf(c, "lose stands between two steps: after its last step a target is gone anyway")
			}
			r.lose(p, t)
		case p.has("stay"):
			r.only(p, "stay", "stay")
			if d, ok := r.moment(p.get("stay"), "stay", false); ok {
				t.add(t.place, d, false)
			}
		case p.has("to"):
			r.only(p, "a step with to", "to", "over")
			r.move(p, t)
		default:
			r.errorf(c, "a step is a walk, or has to, stay or lose")
		}
		if t != nil && t.end > maxMoment {
			r.errorf(c, "a walk ends at the latest after 31d")
			t.end, t.legs = 0, nil
		}
		done()
	}
	return all
}

// walks tells whether a step begins a target.
func walks(n *yaml.Node) bool {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "walk" {
			return true
		}
	}
	return false
}

// walk reads the step that begins a target.
func (r *reader) walk(p *pairs, began time.Duration, number int) *track {
	t := &track{id: uint64(number), start: began, rate: defaultRate, seed: uint64(number)}
	r.only(p, "walk", "walk", "at", "from", "to", "over", "rate", "size", "jitter", "seed", "id")
	if s, ok := r.word(p.get("walk"), "walk", "person", "car", "motor"); ok {
		t.class, _ = scene.ParseClass(s)
	}
	t.size = sizeOf(t.class)
	for _, k := range p.list {
		switch k.name {
		case "at":
			if d, ok := r.moment(k.val, "at", true); ok {
				t.start = d
			}
		case "from":
			t.place, _ = r.point(k.val, "from")
		case "rate":
			if v, ok := r.integer(k.val, "rate", 1, 60); ok {
				t.rate = v
			}
		case "size":
			if v, ok := r.numbers(k.val, "size", "[width, height]", 2, 1, geometry.Size); ok {
				t.size = size{v[0], v[1]}
			}
		case "jitter":
			t.jitter, _ = r.integer(k.val, "jitter", 0, 2000)
		case "seed":
			v, _ := r.integer(k.val, "seed", 0, 1<<62)
			t.seed = uint64(v)
		case "id":
			if v, ok := r.integer(k.val, "id", 0, 1<<62); ok {
				t.id = uint64(v)
			}
		}
	}
	if !p.has("from") {
		r.errorf(p.node, "from is missing: the point where the target's foot is first")
	}
	t.end = t.start
	if p.has("to") || p.has("over") {
		r.move(p, t)
	} else {
		t.add(t.place, 0, false)
	}
	return t
}

// move reads to and over.
func (r *reader) move(p *pairs, t *track) {
	to, over := p.get("to"), p.get("over")
	switch {
	case to == nil:
		r.errorf(p.node, "to is missing: over says how long the way to it takes")
		return
	case over == nil:
		r.errorf(p.node, "over is missing: how long the way takes (over: 2s)")
		return
	}
	pt, ok := r.point(to, "to")
	d, good := r.moment(over, "over", false)
	if ok && good {
		t.add(pt, d, false)
	}
}

// lose reads a time in which the camera does not see the target.
func (r *reader) lose(p *pairs, t *track) {
	d, ok := r.moment(p.get("lose"), "lose", false)
	to := t.place
	if n := p.get("to"); n != nil {
		to, _ = r.point(n, "to")
	}
	if ok {
		t.add(to, d, true)
	}
	if n := p.get("id"); n != nil {
		if v, ok := r.integer(n, "id", 0, 1<<62); ok {
			t.id = uint64(v)
		}
	}
}
