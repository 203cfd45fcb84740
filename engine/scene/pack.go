package scene

import (
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"time"
)

const (
	// mostSpan bounds every time in a pack either way, so that sums of two of them fit.
	mostSpan = 100 * 365 * 24 * time.Hour
	// mostSeconds bounds a wall time, in Unix seconds either way: some 35 000 years.
	mostSeconds = 1 << 40
)

// Pack writes values one after the other into bytes, or reads them back: the same
// calls in the same order do both, so that nothing is read otherwise than it was
// written. Every value is held against its bounds, both ways. After the first one that
// is out of them nothing more is written or read, values stay as they are, and Err
// says what it was. Make it with NewPack or OpenPack.
type Pack struct {
	b       []byte
	reading bool
	now     time.Duration
	zone    *time.Location
	most    int
	room    int64 // bytes of memory that what is read may still take
	err     error
}

// NewPack gives an empty pack to write to. now is the moment that moments are written
// as distances from. zone is the place whose clock most wall times are of. Beyond most
// bytes it is an error.
func NewPack(now time.Duration, zone *time.Location, most int) *Pack {
	return &Pack{b: make([]byte, 0, min(most, 1<<18)), now: now, zone: zone, most: most, room: int64(most) * memory}
}

// OpenPack gives a pack to read b from. now is the moment of the writing on the
// reader's decision clock; zone and most are those it was written with.
func OpenPack(b []byte, now time.Duration, zone *time.Location, most int) *Pack {
	return &Pack{b: b, reading: true, now: now, zone: zone, most: most, room: int64(most) * memory}
}

// memory is how much memory a byte may take that is read.
const memory = 16

// Reading tells whether values are read.
func (p *Pack) Reading() bool { return p.reading }

// Err says what was out of bounds; nil when nothing was.
func (p *Pack) Err() error { return p.err }

// Left gives how many bytes are still to be read.
func (p *Pack) Left() int { return len(p.b) }

// Bytes gives what was written.
func (p *Pack) Bytes() []byte { return p.b }

// Check fails with a text when ok is false. It gives whether nothing has failed.
func (p *Pack) Check(ok bool, what string) bool {
	if !ok && p.err == nil {
		p.err = errors.New(what)
	}
	return p.err == nil
}

const (
	shortText  = "it ends too early"
	longText   = "it is too long"
	numberText = "a number is out of bounds"
	timeText   = "a time is out of bounds"
	memoryText = "there is too much of it"
)

// Uint is a number of any size.
func (p *Pack) Uint(v *uint64) {
	switch {
	case p.err != nil:
	case !p.reading:
		p.b = binary.AppendUvarint(p.b, *v)
		p.Check(len(p.b) <= p.most, longText)
	default:
		x, n := binary.Uvarint(p.b)
		if p.Check(n != 0, shortText) && p.Check(n > 0, numberText) {
			*v, p.b = x, p.b[n:]
		}
	}
}

// Int64 is a number of any size, below zero too.
func (p *Pack) Int64(v *int64) {
	x := uint64(*v)<<1 ^ uint64(*v>>63)
	if p.Uint(&x); p.reading && p.err == nil {
		*v = int64(x>>1) ^ -int64(x&1)
	}
}

// Int32 is a coordinate.
func (p *Pack) Int32(v *int32) {
	x := int64(*v)
	p.Int64(&x)
	if p.Check(x >= math.MinInt32 && x <= math.MaxInt32, numberText) && p.reading {
		*v = int32(x)
	}
}

// Int is a number from least to most.
func (p *Pack) Int(v *int, least, most int) {
	x := int64(*v)
	p.Int64(&x)
	if p.Check(x >= int64(least) && x <= int64(most), numberText) && p.reading {
		*v = int(x)
	}
}

// Small packs a small number of any type: 0..most.
func Small[T ~uint8](p *Pack, v *T, most T) {
	x := uint64(*v)
	p.Uint(&x)
	if p.Check(x <= uint64(most), numberText) && p.reading {
		*v = T(x)
	}
}

// Bits packs up to 8 bools into one number.
func (p *Pack) Bits(bits ...*bool) {
	var x uint64
	for i, b := range bits {
		if *b {
			x |= 1 << i
		}
	}
	p.Uint(&x)
	if p.Check(x < 1<<len(bits), numberText) && p.reading {
		for i, b := range bits {
			*b = x>>i&1 != 0
		}
	}
}

// Float is any number with a fraction, to the last bit.
func (p *Pack) Float(v *float64) {
	x := math.Float64bits(*v)
	if p.Uint(&x); p.reading && p.err == nil {
		*v = math.Float64frombits(x)
	}
}

// Text is a text.
func (p *Pack) Text(s *string) {
	n := p.Length(len(*s), p.most)
	switch {
	case p.err != nil:
	case !p.reading:
		p.b = append(p.b, *s...)
		p.Check(len(p.b) <= p.most, longText)
	default:
		*s, p.b = string(p.b[:n]), p.b[n:]
	}
}

// Length is the length of a list or text that follows, at most most. It gives it back,
// 0 after an error. Each of as many entries must take at least a byte.
func (p *Pack) Length(n, most int) int {
	x := uint64(n)
	p.Uint(&x)
	p.Check(x <= uint64(most), memoryText)
	if p.reading {
		p.Check(x <= uint64(len(p.b)), shortText)
	}
	if p.err != nil {
		return 0
	}
	return int(x)
}

// Room takes account of the memory that n things of a size will take.
func (p *Pack) Room(n int, size uintptr) bool {
	p.room -= int64(n) * int64(size)
	return p.Check(p.room >= 0, memoryText)
}

// SizeOf is the memory that a value of a type takes.
func SizeOf[T any]() uintptr { return reflect.TypeFor[T]().Size() }

// List packs a list of at most most entries by packing each.
func List[T any](p *Pack, list *[]T, most int, each func(*T)) {
	n := p.Length(len(*list), most)
	if !p.Room(n, SizeOf[T]()) {
		return
	}
	if p.reading {
		*list = nil
		if n > 0 {
			*list = make([]T, n)
		}
	}
	for i := range *list {
		if p.err != nil {
			return
		}
		each(&(*list)[i])
	}
}

// Span is a length of time.
func (p *Pack) Span(d *time.Duration) {
	x := int64(*d)
	p.Int64(&x)
	if p.Check(x >= -int64(mostSpan) && x <= int64(mostSpan), timeText) && p.reading {
		*d = time.Duration(x)
	}
}

// Moment is a moment of the decision clock.
func (p *Pack) Moment(at *time.Duration) {
	d := *at - p.now
	if p.Span(&d); p.reading && p.err == nil {
		*at = p.now + d
	}
}

// How a wall time's place is written.
const (
	placeNone = iota // the zero time
	placeUTC
	placeZone
	placeOther
)

// Time is a wall time with the place whose clock shows it.
func (p *Pack) Time(t *time.Time) {
	place, offset := uint64(placeNone), 0
	if !p.reading && !t.IsZero() {
		_, offset = t.Zone()
		_, home := t.In(p.zone).Zone()
		switch {
		case t.Location() == time.UTC:
			place = placeUTC
		case offset == home:
			place = placeZone
		default:
			place = placeOther
		}
	}
	if p.Uint(&place); place == placeNone || !p.Check(place <= placeOther, numberText) {
		if p.reading && p.err == nil {
			*t = time.Time{}
		}
		return
	}
	second, nano := t.Unix(), uint64(t.Nanosecond())
	p.Int64(&second)
	p.Uint(&nano)
	if place == placeOther {
		p.Int(&offset, -24*3600, 24*3600)
	}
	if !p.Check(second >= -mostSeconds && second <= mostSeconds && nano < 1e9, timeText) || !p.reading {
		return
	}
	*t = time.Unix(second, int64(nano))
	switch place {
	case placeUTC:
		*t = t.UTC()
	case placeZone:
		*t = t.In(p.zone)
	default:
		*t = t.In(time.FixedZone("", offset))
	}
}
