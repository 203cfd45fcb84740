package viewtron

import (
	"bytes"
	"testing"
	"unicode/utf8"
)

// FuzzDecode feeds Decode with anything and checks what everybody who uses a
// Post relies on.
func FuzzDecode(f *testing.F) {
	for _, b := range payloads(f) {
		f.Add(b)
	}
	for _, b := range samples(f) {
		f.Add(b)
	}
	f.Add(trajectoryBody())
	var reused Post
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		var p Post
		err := Decode(body, &p)
		again := Decode(body, &reused)
		if !bytes.Equal(body, before) {
			t.Fatal("Decode wrote to the body")
		}
		if (err == nil) != (again == nil) || err != nil && err.Error() != again.Error() {
			t.Fatalf("fresh: %v; reused: %v", err, again)
		}
		if got, want := dump(&reused), dump(&p); got != want {
			t.Fatalf("reused\n%s\nfresh\n%s", got, want)
		}
		if err != nil {
			if got := dump(&p); got != dump(&Post{}) {
				t.Fatalf("refused (%v), and left\n%s", err, got)
			}
			if !utf8.ValidString(err.Error()) || len(err.Error()) > 300 {
				t.Fatalf("the reason is %q", err)
			}
			return
		}
		checkPost(t, body, &p)
	})
}

func checkPost(t *testing.T, body []byte, p *Post) {
	t.Helper()
	if len(p.Targets) > MaxTargets || len(p.Plates) > MaxTargets || len(p.Faces) > MaxTargets || len(p.Zone) > MaxPoints ||
		len(p.Alarms) > MaxAlarms || len(p.Values) > MaxValues || len(p.Problems) > MaxProblems || len(p.Pictures) > maxPictures {
		t.Fatalf("a bound is broken:\n%s", dump(p))
	}
	if p.Kind > KindFire {
		t.Fatalf("kind %d", p.Kind)
	}
	text := func(b []byte) {
		if len(b) > MaxText || !utf8.Valid(b) {
			t.Fatalf("text %q", b)
		}
		for _, c := range b {
			if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
				t.Fatalf("a control character in %q", b)
			}
		}
	}
	box := func(b Box) {
		if !b.Known {
			if b != (Box{}) {
				t.Fatalf("an unknown box says %v", b)
			}
			return
		}
		if b.X1 < 0 || b.Y1 < 0 || b.X1 > b.X2 || b.Y1 > b.Y2 || b.X2 > Coordinate || b.Y2 > Coordinate {
			t.Fatalf("box %v", b)
		}
	}
	point := func(pt Point) {
		if pt.X < 0 || pt.Y < 0 || pt.X > Coordinate || pt.Y > Coordinate {
			t.Fatalf("point %v", pt)
		}
	}
	image := func(m Image) {
		if !m.Known() {
			return
		}
		if m.Offset < 0 || m.Offset+len(m.Text) > len(body) || !bytes.Equal(m.Text, body[m.Offset:m.Offset+len(m.Text)]) {
			t.Fatalf("a picture at %d, %d long, in a body of %d", m.Offset, len(m.Text), len(body))
		}
		if b, err := m.AppendDecode(nil); err == nil && len(b) != m.Size() {
			t.Fatalf("a picture of %d bytes says %d", len(b), m.Size())
		}
	}
	for _, b := range [][]byte{p.Raw, p.Device.Name, p.Device.MAC, p.Device.SN, p.Device.IP} {
		text(b)
	}
	if n := len(p.Device.MAC); n != 0 && n != 17 {
		t.Fatalf("mac %q", p.Device.MAC)
	}
	seen := make(map[uint64]bool)
	for i := range p.Targets {
		tg := &p.Targets[i]
		box(tg.Box)
		image(tg.Image)
		if tg.ID.Known && seen[tg.ID.V] {
			t.Fatalf("target %d twice", tg.ID.V)
		}
		seen[tg.ID.V] = seen[tg.ID.V] || tg.ID.Known
	}
	if len(p.Zone) > 0 && len(p.Zone) < 3 {
		t.Fatalf("zone %v", p.Zone)
	}
	for _, pt := range append(p.Line[:], p.Zone...) {
		point(pt)
	}
	if (p.Kind == KindPlate) && len(p.Plates) == 0 {
		t.Fatal("a plate event without a plate")
	}
	for i := range p.Plates {
		pl := &p.Plates[i]
		if len(pl.Number) == 0 || pl.Confidence < 0 || pl.Confidence > 100 {
			t.Fatalf("plate %+v", pl)
		}
		for _, b := range [][]byte{pl.Number, pl.List, pl.Group, pl.Owner, pl.Color, pl.Vehicle.Type, pl.Vehicle.Color, pl.Vehicle.Brand, pl.Vehicle.Model} {
			text(b)
		}
		box(pl.Box)
		image(pl.Image)
	}
	for i := range p.Faces {
		fc := &p.Faces[i]
		for _, b := range [][]byte{fc.Age, fc.Sex, fc.Glasses, fc.Mask, fc.Match} {
			text(b)
		}
	}
	for i := range p.Alarms {
		text(p.Alarms[i].Name)
	}
	for i := range p.Values {
		text(p.Values[i].Name)
	}
	image(p.Scene)
	image(p.Crop)
	end := 0
	for _, m := range p.Pictures {
		if m.Offset < end {
			t.Fatal("the pictures are not in the body's order")
		}
		image(m)
		end = m.Offset + len(m.Text)
	}
	for _, s := range p.Problems {
		if !utf8.ValidString(s) || len(s) > 300 {
			t.Fatalf("problem %q", s)
		}
	}
	p.AppendWithoutPictures(nil, body)
}

// FuzzScanner walks anything in every way the decoder does and checks that the
// walk ends, stays inside, and that a whole document is told from a cut one.
func FuzzScanner(f *testing.F) {
	for _, b := range payloads(f) {
		f.Add(b, uint64(0))
		f.Add(b, uint64(0x5555555555555555))
	}
	f.Fuzz(func(t *testing.T, body []byte, ways uint64) {
		walk := func(ways uint64) *Error {
			s := scanner{b: body}
			var visit func()
			visit = func() {
				way := ways & 3
				ways = ways>>2 | ways<<62
				switch way {
				case 0:
					for s.child() {
						visit()
					}
				case 1:
					s.skip()
				case 2:
					s.gather(nil, 100)
				default:
					if _, _, ok := s.leaf(); !ok {
						for s.child() {
							visit()
						}
					}
				}
			}
			if _, ok := s.root(); ok {
				visit()
				s.end()
			}
			if s.err == nil && s.depth != 0 {
				t.Fatalf("%d elements are left open", s.depth)
			}
			if s.pos < 0 || s.pos > len(body) || s.depth < 0 || s.err != nil && (s.err.Offset < 0 || s.err.Offset > len(body)) {
				t.Fatalf("at %d, depth %d, %v", s.pos, s.depth, s.err)
			}
			return s.err
		}
		// Whichever way it is read, the same documents are whole.
		if a, b := walk(ways), walk(0); (a == nil) != (b == nil) {
			t.Fatalf("read so: %v; all children: %v", a, b)
		}
	})
}

// FuzzWords feeds the readers of single values.
func FuzzWords(f *testing.F) {
	for _, s := range []string{"2026-03-29 09:58:21", "11-19-2025 12:15:11 PM", "1774792726797123", "58:5b:69:5f:42:1b", "585b.695f.421b",
		"SMART_START", "motorcycle", "vehiceMotionAlarm", "-12.50", "99999999999999999999", "&#x41;&lt;&bomb;"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := decoder{p: new(Post)}
		for _, out := range [][]byte{d.mac(b), d.alarmName(b), appendText(nil, b, false, 1<<20), appendText(nil, b, true, 1<<20)} {
			if !utf8.Valid(out) {
				t.Fatalf("%q gives %q", b, out)
			}
		}
		if when, ok := wallClock(b); ok && (when.Year() < 1 || when.Year() > 9999) {
			t.Fatalf("%q is %v", b, when)
		}
		if when, ok := stamp(b); ok && (when.Year() < 1970 || when.Year() > 2286) {
			t.Fatalf("%q is %v", b, when)
		}
		if n, ok := decimal(b); ok && n != n {
			t.Fatalf("%q is %v", b, n)
		}
		kindOf(b)
		class(b)
		status(b)
		integer(b)
	})
}
