package scene

import (
	"slices"

	"github.com/sallyport/sallyport/engine/geometry"
)

// mostPlaces bounds the zones and the lines of a packed layout.
const mostPlaces = 1 << 14

// Pack writes a layout to p, or reads it.
func (l *Layout) Pack(p *Pack) {
	List(p, &l.Zones, mostPlaces, func(z *Zone) {
		p.Text(&z.Name)
		List(p, (*[]geometry.Point)(&z.Polygon), geometry.MaxPoints, func(v *geometry.Point) { packPoint(p, v) })
		Small(p, &z.Anchor, AnchorAny)
		p.Span(&z.Settle)
		p.Int32(&z.Margin)
		p.Span(&z.Linger)
		Small(p, &z.Classes, 1<<classes-1)
		p.Bits(&z.Unknown)
	})
	List(p, &l.Lines, mostPlaces, func(n *Line) {
		p.Text(&n.Name)
		packPoint(p, &n.Segment.From)
		packPoint(p, &n.Segment.To)
		p.Int32(&n.Margin)
		Small(p, &n.Anchor, AnchorAny)
		p.Bits(&n.InLeft)
	})
}

func packPoint(p *Pack, v *geometry.Point) {
	p.Int32(&v.X)
	p.Int32(&v.Y)
}

// Equal tells whether l and o have the same zones and lines in the same order.
func (l *Layout) Equal(o *Layout) bool {
	return slices.EqualFunc(l.Zones, o.Zones, func(a, b Zone) bool { return a.Equal(&b) }) && slices.Equal(l.Lines, o.Lines)
}

// Pack writes everything that is known of the scene to p, but for its layout and
// options; or reads it into a scene that was just made with an equal layout. What is
// readable of the last call alone, Changes and targets that ended in it, is not kept.
func (c *Camera) Pack(p *Pack) {
	p.Moment(&c.now)
	p.Uint(&c.serial)
	p.Uint(&c.ignored)
	for i := range c.lastIn {
		known := c.lastIn[i] != never
		if p.Bits(&known); known {
			p.Moment(&c.lastIn[i])
		}
	}
	c.packTargets(p, &c.live, MaxTargets)
	c.packTargets(p, &c.vanished, 2*MaxTargets)
	if p.reading && p.err == nil {
		for _, t := range c.vanished {
			t.candidate = true
		}
	}
}

func (c *Camera) packTargets(p *Pack, list *[]*Target, most int) {
	List(p, list, most, func(t **Target) {
		if !p.Room(1, targetSize+uintptr(len(c.zones))*visitSize) {
			return
		}
		if p.reading {
			*t = new(Target)
			(*t).reset(c, 0, 0)
		}
		(*t).pack(p)
	})
}

// Rough sizes in memory.
const (
	targetSize = 2500
	visitSize  = 40
)

func (t *Target) pack(p *Pack) {
	c := t.camera
	p.Uint(&t.id)
	p.Uint(&t.serial)
	p.Uint(&t.track)
	looked := slices.Contains(c.looked, t) && !t.ended
	p.Bits(&t.rejoined, &t.begun, &t.heard, &t.gone, &t.firstLook, &looked)
	if looked && p.reading {
		c.looked = append(c.looked, t)
	}
	if t.rejoined {
		p.Uint(&t.rejoinedFrom)
	}
	Small(p, &t.class, classes-1)
	for _, v := range []*int32{&t.box.X1, &t.box.Y1, &t.box.X2, &t.box.Y2} {
		p.Int32(v)
	}
	p.Check(t.box.Valid(), "a box is not on the frame")
	t.stance = stanceOf(t.box)
	p.Moment(&t.first)
	p.Moment(&t.last)
	p.Moment(&t.own)
	if t.gone {
		p.Moment(&t.goneAt)
	}
	for i := range t.zones {
		t.packZone(p, i)
	}
	for i := range t.lines {
		t.lines[i].pack(p, t.ended)
	}
	p.Int(&t.lastLeft, -1, len(t.zones)-1)
	if t.lastLeft >= 0 {
		p.Moment(&t.lastLeftUntil)
	}
	List(p, &t.stays, maxStays, func(s *stay) {
		p.Int(&s.zone, 0, len(t.zones)-1)
		p.Bits(&s.already)
		p.Moment(&s.since)
		p.Moment(&s.until)
	})
	t.frames.pack(p)
	if p.reading {
		t.show()
	}
}

// packZone packs what the target has to do with a zone: nearly always nothing.
func (t *Target) packZone(p *Pack, i int) {
	v := &t.zones[i]
	settled, beyond := v.state&1 != 0, v.state&2 != 0
	in, entered, left, firstIn := has(t.inside, i), has(t.entered, i), has(t.left, i), has(t.firstIn, i)
	if t.ended { // its look is over when it is read
		entered, left = false, false
	}
	p.Bits(&settled, &beyond, &v.already, &v.cut, &in, &entered, &left, &firstIn)
	if p.reading {
		v.state = 0
		if settled {
			v.state |= 1
		}
		if beyond {
			v.state |= 2
		}
		for _, b := range []struct {
			set []uint64
			on  bool
		}{{t.inside, in}, {t.entered, entered}, {t.left, left}, {t.firstIn, firstIn}} {
			if b.on {
				set(b.set, i)
			}
		}
	}
	if settled || beyond || v.cut || left {
		p.Moment(&v.first)
		p.Moment(&v.last)
	}
	if settled && beyond {
		p.Moment(&v.since)
	}
}

func (a *approach) pack(p *Pack, ended bool) {
	x := uint64(a.near+1) | uint64(a.far)<<5
	if a.cut {
		x |= 1 << 2
	}
	if !ended {
		x |= uint64(a.crossed) << 3
	}
	p.Uint(&x)
	near, crossed := x&3, Direction(x>>3&3)
	if !p.Check(near < 3 && crossed <= Out && x>>5 < 2, numberText) || !p.reading {
		return
	}
	*a = approach{near: geometry.Side(near) - 1, cut: x>>2&1 != 0, far: uint8(x >> 5), crossed: crossed}
}

// pack packs the frames that can still matter: those that no window reaches any more
// are left out.
func (f *frames) pack(p *Pack) {
	n := min(f.n, 1)
	for n < f.n && f.back(0).at-f.back(n).at <= motionWindow+stampSlack {
		n++
	}
	p.Int(&n, 0, maxFrames)
	if p.err != nil {
		return
	}
	if p.reading {
		f.n, f.next = n, n%maxFrames
	}
	var newer frame
	for i := range n {
		b := f.back(i)
		if i == 0 {
			p.Moment(&b.at)
		} else {
			age := newer.at - b.at
			p.Span(&age)
			p.Check(age >= 0 && age <= motionWindow+stampSlack, timeText)
			b.at = newer.at - age
		}
		p.Bits(&b.stamped)
		if b.stamped {
			step := newer.stamp - b.stamp
			p.Int64(&step)
			b.stamp = newer.stamp - step
		}
		Small(p, &b.class, classes-1)
		p.Int32(&b.foot.X)
		p.Int32(&b.foot.Y)
		p.Check(min(b.foot.X, b.foot.Y) >= 0 && max(b.foot.X, b.foot.Y) <= 2*geometry.Size, numberText)
		if newer.at = b.at; b.stamped {
			newer.stamp = b.stamp
		}
	}
}
