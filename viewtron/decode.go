package viewtron

import (
	"bytes"
	"fmt"
	"strconv"
)

// Error says why a post was refused.
type Error struct {
	Offset int    // byte of the body
	Reason string // what is wrong there
}

// Error is the reason with its place.
func (e *Error) Error() string {
	return "byte " + strconv.Itoa(e.Offset) + ": " + e.Reason
}

// decoder reads one post. Elements may come in any order, so what depends on
// another part of the post (the kind, the scale of a box) is settled in finish.
type decoder struct {
	s scanner
	p *Post

	root, version, message, smart []byte
	width, height                 uint64 // of the whole picture, pixels; 0 when unknown

	traject, alarms   bool
	perimeter, wire   bool // there is such a block …
	perItems, wireOne bool // … and it is not empty
	area, trip        bool // the boundary's word, where it is only a word
	zoneRead          bool
	items             int

	firstImage, plateImage, bareImage Image
}

// item is one entry of a list, or what stands outside of all lists.
type item struct {
	id         Uint
	class      Class
	box, car   Box // as sent; finish checks and scales
	plate      Plate
	face       Face
	corners    Box
	ends       [2]Point
	endsKnown  [2]bool
	image      Image
	plateList  bool // of licensePlateListInfo, where rect is the plate's
	insideItem bool
}

func decode(body []byte, p *Post) error {
	d := decoder{p: p}
	d.s.b = body
	blank, ok := d.s.root()
	if blank {
		p.Kind = KindHeartbeat
		return nil
	}
	if ok {
		d.root = d.s.name
		d.version = d.s.attribute("version")
		var top item
		d.container(&top)
		d.s.end()
		if d.s.err == nil {
			d.commit(&top)
		}
	}
	if d.s.err != nil {
		p.reset()
		return d.s.err
	}
	d.finish()
	return nil
}

// container reads all children of the element just opened.
func (d *decoder) container(it *item) {
	for d.s.child() {
		d.element(it)
	}
}

// element reads the element just opened, at the top, in an item, or in a block
// around either that is only there to hold things together.
func (d *decoder) element(it *item) {
	s, p := &d.s, d.p
	switch string(s.name) {
	case "types", "subscribeRelation", "subscribeOption", "trajectlength", "velocity", "direction", "point", "dataType",
		"deviceNo.", "DeviceNo.":
		s.skip()

	case "messageType":
		d.once(&d.message)
	case "smartType":
		d.once(&d.smart)
	case "currentTime":
		if t := d.word(); t != nil {
			if when, ok := stamp(t); ok {
				p.Time = when
			} else {
				d.problem("currentTime %q is not a time", head(t))
			}
		}
	case "dataTime":
		if t := d.word(); t != nil {
			if when, ok := wallClock(t); ok {
				p.DeviceClock = when
			} else {
				d.problem("dataTime %q is not a time", head(t))
			}
		}

	case "deviceInfo":
		for s.child() {
			switch string(s.name) {
			case "deviceName", "sn", "SN", "ip", "ipAddress", "mac", "macAddress", "channelId":
				d.element(it)
			default:
				s.skip()
			}
		}
	case "deviceName", "DeviceName":
		d.once(&p.Device.Name)
	case "sn", "SN":
		d.once(&p.Device.SN)
	case "ip", "ipAddress":
		d.once(&p.Device.IP)
	case "mac", "macAddress", "MAC":
		if t := d.text(); t != nil && p.Device.MAC == nil {
			p.Device.MAC = d.mac(t)
		}
	case "channelId":
		if n := d.uint(1 << 16); !p.Device.Channel.Known {
			p.Device.Channel = n
		}

	case "alarmStatusInfo":
		d.alarms = true
		d.alarmStatus()
	case "traject":
		d.traject = true
		d.trajectory()
	case "perimeter":
		before := d.items
		d.perimeter = true
		d.container(it)
		d.perItems = d.perItems || d.items > before
	case "tripwire":
		before := d.items
		d.wire = true
		d.container(it)
		d.wireOne = d.wireOne || d.items > before
	case "item":
		d.item(it)
	case "licensePlateListInfo":
		was := it.plateList
		it.plateList = true
		d.container(it)
		it.plateList = was

	case "eventId":
		if n := d.uint(0); !p.EventID.Known {
			p.EventID = n
		}
	case "status":
		if st := status(d.word()); p.Status == StatusNone {
			p.Status = st
		}
	case "targetId":
		it.id = d.uint(0)
	case "targetType":
		if c := class(d.word()); c != ClassUnknown {
			it.class = c
		}
	case "rect":
		it.box = d.rect()
	case "carRect":
		it.car = d.rect()
	case "boundary", "pointGroup":
		d.boundary()
	case "line", "directionLine":
		d.line()
	case "startPoint":
		d.lineEnd(it, 0)
	case "endPoint":
		d.lineEnd(it, 1)

	case "sourceDataInfo":
		d.picture(nil)
	case "targetImageData":
		if m := d.picture(it); it.image.Text == nil {
			it.image = m
		}

	case "plateNumber", "licensePlateNumber":
		d.once(&it.plate.Number)
	case "vehicleListType":
		if t := d.text(); t != nil {
			it.plate.Group = t
		}
	case "groupName":
		d.once(&it.plate.Group)
	case "carOwner":
		if t := d.text(); t != nil {
			it.plate.Owner = t
		} else if it.plate.Owner == nil {
			it.plate.Owner = d.s.b[:0:0]
		}
	case "vehicleDirect":
		if t := d.word(); t != nil {
			it.plate.Heading = d.heading(t)
		}
	case "PlateConfidence", "plateConfidence":
		d.confidence(&it.plate)
	case "plateColor":
		d.once(&it.plate.Color)
	case "leftTop", "rightTop", "leftBottom", "rightBottom":
		d.corner(it)
	case "licensePlateAttribute":
		for s.child() {
			switch string(s.name) {
			case "licensePlateNumber", "plateNumber":
				d.once(&it.plate.Number)
			case "color", "plateColor":
				d.once(&it.plate.Color)
			default:
				s.skip()
			}
		}
	case "carAttr", "carAttribute":
		d.vehicle(&it.plate.Vehicle)

	case "age":
		d.once(&it.face.Age)
	case "sex":
		d.once(&it.face.Sex)
	case "glasses":
		d.once(&it.face.Glasses)
	case "mask":
		d.once(&it.face.Mask)
	case "name", "faceName", "personName", "matchName":
		d.once(&it.face.Match)

	default:
		d.other(it)
	}
}

// once reads the text of the element just opened into field, unless that is set.
func (d *decoder) once(field *[]byte) {
	if *field != nil {
		d.s.skip()
		return
	}
	*field = d.text()
}

// other reads an element nobody has described: a number is a value, anything
// else is looked through for what is known.
func (d *decoder) other(it *item) {
	s := &d.s
	name := s.name
	var around []byte
	if s.depth > 1 {
		o := s.open[s.depth-2]
		around = s.b[o.from:o.to]
	}
	t, _, ok := s.leaf()
	if !ok {
		d.container(it)
		return
	}
	if n, ok := decimal(trim(t)); ok {
		d.value(around, name, n)
	}
}

// item reads one entry of a list. An entry inside an entry is part of something
// unknown and is passed over.
func (d *decoder) item(around *item) {
	if around.insideItem {
		d.s.skip()
		return
	}
	d.items++
	it := item{insideItem: true, plateList: around.plateList}
	d.container(&it)
	if d.s.err == nil {
		d.commit(&it)
	}
}

// commit adds what an item said to the post.
func (d *decoder) commit(it *item) {
	p := d.p
	if it.endsKnown[0] && it.endsKnown[1] {
		d.setLine(it.ends[0], it.ends[1])
	}
	if it.image.Known() {
		if !d.firstImage.Known() {
			d.firstImage = it.image
		}
		if it.plate.Number == nil && !d.bareImage.Known() {
			d.bareImage = it.image
		}
		if it.plate.Number != nil && !d.plateImage.Known() {
			d.plateImage = it.image
		}
	}
	box, image := it.box, it.image
	if it.plateList {
		box = Box{}
	}
	if it.car.Known {
		box = it.car
	}
	if it.plate.Number != nil {
		if len(p.Plates) == MaxTargets {
			d.s.fail(d.s.pos, fmt.Sprintf("more than %d plates in one post", MaxTargets))
			return
		}
		it.plate.Box = it.corners
		if it.plateList {
			it.plate.Box = it.box
		}
		it.plate.Target = it.id
		it.plate.Image = it.image
		image = Image{}
		if it.plate.Group != nil {
			it.plate.List = d.list(it.plate.Group)
		}
		p.Plates = append(p.Plates, it.plate)
	}
	if f := &it.face; f.Age != nil || f.Sex != nil || f.Glasses != nil || f.Mask != nil || f.Match != nil {
		if len(p.Faces) == MaxTargets {
			d.s.fail(d.s.pos, fmt.Sprintf("more than %d faces in one post", MaxTargets))
			return
		}
		f.Target = it.id
		p.Faces = append(p.Faces, *f)
	}
	if it.id.Known || box.Known || it.class != ClassUnknown {
		d.target(Target{ID: it.id, Class: it.class, Box: box, Image: image})
	}
}

// target adds t, or what it says to the target of the same id.
func (d *decoder) target(t Target) {
	p := d.p
	if t.ID.Known {
		for i := range p.Targets {
			o := &p.Targets[i]
			if o.ID != t.ID {
				continue
			}
			if t.Class != ClassUnknown {
				o.Class = t.Class
			}
			if t.Box.Known {
				o.Box = t.Box
			}
			if t.Image.Known() {
				o.Image = t.Image
			}
			return
		}
	}
	if len(p.Targets) == MaxTargets {
		d.s.fail(d.s.pos, fmt.Sprintf("more than %d targets in one post", MaxTargets))
		return
	}
	p.Targets = append(p.Targets, t)
}

// trajectory reads the list of tracked targets, the frame path (protocol notes
// 1.1). Speed, direction and point are zeros on every firmware seen.
func (d *decoder) trajectory() {
	s := &d.s
	for s.child() {
		if string(s.name) != "item" {
			s.skip()
			continue
		}
		var t Target
		for s.child() {
			switch string(s.name) {
			case "targetId":
				t.ID = d.uint(0)
			case "rect":
				t.Box = d.rect()
			case "targetType":
				t.Class = class(d.word())
			default:
				s.skip()
			}
		}
		if s.err != nil {
			return
		}
		if !t.ID.Known {
			d.problem("a traject item has no targetId")
		}
		d.target(t)
	}
}

// rect reads a rectangle as sent: x1 y1 x2 y2, or x y width height. A missing or
// empty part makes it no position; so do zeros only.
func (d *decoder) rect() Box {
	s := &d.s
	name := s.name
	var a, b [4]int32 // corners; corner and size
	var haveA, haveB [4]bool
	bad := false
	for s.child() {
		to, have, i := &a, &haveA, 0
		switch string(s.name) {
		case "x1", "X1":
		case "y1", "Y1":
			i = 1
		case "x2", "X2":
			i = 2
		case "y2", "Y2":
			i = 3
		case "x", "X":
			to, have = &b, &haveB
		case "y", "Y":
			to, have, i = &b, &haveB, 1
		case "width", "Width":
			to, have, i = &b, &haveB, 2
		case "height", "Height":
			to, have, i = &b, &haveB, 3
		default:
			s.skip()
			continue
		}
		t := d.word()
		if t == nil {
			continue
		}
		n, ok := integer(t)
		if !ok {
			bad = true
			d.problem("%s: %q is not a coordinate", head(name), head(t))
		}
		to[i], have[i] = n, ok
	}
	switch all := [4]bool{true, true, true, true}; {
	case bad:
		return Box{}
	case haveA == all:
	case haveB == all:
		if b[2] < 0 || b[3] < 0 {
			d.problem("%s: width %d, height %d", head(name), b[2], b[3])
			return Box{}
		}
		a = [4]int32{b[0], b[1], b[0] + b[2], b[1] + b[3]}
	default:
		return Box{}
	}
	if a[0] == a[2] && a[1] == a[3] && a[0] >= 0 && a[1] >= 0 && a[0] <= Coordinate && a[1] <= Coordinate {
		return Box{}
	}
	return Box{X1: a[0], Y1: a[1], X2: a[2], Y2: a[3], Known: true}
}

// point reads x and y of the element just opened, inside a point element or not.
func (d *decoder) point() (p Point, ok bool) {
	s := &d.s
	var haveX, haveY bool
	for s.child() {
		switch string(s.name) {
		case "x", "X":
			p.X, haveX = d.coordinate()
		case "y", "Y":
			p.Y, haveY = d.coordinate()
		case "point":
			p, ok = d.point()
			haveX, haveY = ok, ok
		default:
			s.skip()
		}
	}
	return p, haveX && haveY
}

// coordinate reads one number of the frame; false when it is not one.
func (d *decoder) coordinate() (int32, bool) {
	n, ok := integer(d.word())
	return n, ok && n >= 0 && n <= Coordinate
}

// boundary reads a zone, or the word that stands in its place in v2.
func (d *decoder) boundary() {
	s, p := &d.s, d.p
	if t, _, ok := s.leaf(); ok {
		switch {
		case bytes.EqualFold(trim(t), []byte("area")):
			d.area = true
		case bytes.EqualFold(trim(t), []byte("tripwire")):
			d.trip = true
		}
		return
	}
	keep, sound, n := !d.zoneRead, true, 0
	for s.child() {
		pt, ok := d.point()
		if n++; n > MaxPoints {
			s.fail(s.pos, fmt.Sprintf("more than %d points in one polygon", MaxPoints))
			return
		}
		sound = sound && ok
		if keep {
			p.Zone = append(p.Zone, pt)
		}
	}
	if !keep || n == 0 {
		return
	}
	d.zoneRead = true
	if !sound {
		d.problem("a point of the zone is not on the frame")
	} else if n < 3 {
		d.problem("a zone of %d points", n)
	}
	if !sound || n < 3 {
		p.Zone = p.Zone[:0]
		d.zoneRead = false
	}
}

// line reads a line: two points, or x1 y1 x2 y2.
func (d *decoder) line() {
	s := &d.s
	var it item
	var ok [4]bool
	var n [4]int32
	sent := false
	for s.child() {
		switch string(s.name) {
		case "startPoint":
			d.lineEnd(&it, 0)
		case "endPoint":
			d.lineEnd(&it, 1)
		case "x1":
			n[0], ok[0] = d.coordinate()
			sent = true
		case "y1":
			n[1], ok[1] = d.coordinate()
			sent = true
		case "x2":
			n[2], ok[2] = d.coordinate()
			sent = true
		case "y2":
			n[3], ok[3] = d.coordinate()
			sent = true
		default:
			s.skip()
		}
	}
	switch {
	case it.endsKnown[0] && it.endsKnown[1]:
		d.setLine(it.ends[0], it.ends[1])
	case ok == [4]bool{true, true, true, true}:
		d.setLine(Point{n[0], n[1]}, Point{n[2], n[3]})
	case sent:
		d.problem("an end of the line is not on the frame")
	}
}

func (d *decoder) lineEnd(it *item, i int) {
	it.ends[i], it.endsKnown[i] = d.point()
	if !it.endsKnown[i] && d.s.err == nil {
		d.problem("an end of the line is not on the frame")
	}
}

// setLine keeps the first line of a post. One without length is none.
func (d *decoder) setLine(from, to Point) {
	if !d.p.HasLine && from != to {
		d.p.Line = [2]Point{from, to}
		d.p.HasLine = true
	}
}

// picture reads a block that holds the picture of an item, or, with none, of the
// whole frame, whose size is the scale of boxes in pixels.
func (d *decoder) picture(of *item) Image {
	s, p := &d.s, d.p
	whole := of == nil
	var m Image
	for s.child() {
		switch string(s.name) {
		case "sourceBase64Data", "targetBase64Data":
			if t := d.image(); t.Known() && !m.Known() {
				m = t
			}
		case "sourceBase64Length", "targetBase64Length":
			name := s.name
			t, _, ok := s.leaf()
			if !ok {
				s.skip()
			} else if n, ok := digits(trim(t)); ok && n > MaxLength {
				s.fail(s.pos, fmt.Sprintf("%s is %s, more than %d", head(name), head(trim(t)), MaxLength))
			}
		case "width", "Width":
			n := d.uint(1 << 16)
			if whole && d.width == 0 {
				d.width = n.V
			}
		case "height", "Height":
			n := d.uint(1 << 16)
			if whole && d.height == 0 {
				d.height = n.V
			}
		case "targetType":
			if c := class(d.word()); c != ClassUnknown && !whole {
				of.class = c
			}
		default:
			s.skip()
		}
	}
	if whole && m.Known() && !p.Scene.Known() {
		p.Scene = m
	}
	return m
}

// image finds the end of a picture's text and keeps its place.
func (d *decoder) image() Image {
	s, p := &d.s, d.p
	t, _, ok := s.leaf()
	if !ok {
		if s.err == nil {
			s.skip()
			d.problem("a picture is in several pieces")
		}
		return Image{}
	}
	if t = trim(t); len(t) == 0 {
		return Image{}
	}
	if len(p.Pictures) == maxPictures {
		s.fail(s.pos, fmt.Sprintf("more than %d pictures in one post", maxPictures))
		return Image{}
	}
	// t is a part of the body, so the difference of the capacities is its place.
	m := Image{Text: t[:len(t):len(t)], Offset: cap(s.b) - cap(t)}
	p.Pictures = append(p.Pictures, m)
	return m
}

// maxPictures is one for every target a post can have, twice, and the frame's.
const maxPictures = 2*MaxTargets + 1

// alarmStatus reads the alarms of a post, in both shapes (protocol notes 1.6).
func (d *decoder) alarmStatus() {
	s := &d.s
	for s.child() {
		name, id := s.name, d.attrID()
		if t, _, ok := s.leaf(); ok {
			d.alarm(name, id, trim(t))
			continue
		}
		s.loose = nil
		for s.child() {
			if string(s.name) != "item" {
				s.skip()
				continue
			}
			itemID := d.attrID()
			t := d.word()
			if !itemID.Known {
				itemID = id
			}
			d.alarm(name, itemID, t)
		}
		d.alarm(name, id, s.loose)
	}
}

func (d *decoder) attrID() Uint {
	n, ok := digits(d.s.attribute("id"))
	if !ok {
		return Uint{}
	}
	return Uint{V: n, Known: true}
}

func (d *decoder) alarm(name []byte, id Uint, state []byte) {
	p := d.p
	if d.s.err != nil || len(state) == 0 {
		return
	}
	on := bytes.EqualFold(state, []byte("true")) || string(state) == "1"
	if !on && !bytes.EqualFold(state, []byte("false")) && string(state) != "0" {
		d.problem("%s is %q, neither true nor false", head(name), head(state))
		return
	}
	if len(p.Alarms) == MaxAlarms {
		d.s.fail(d.s.pos, fmt.Sprintf("more than %d alarms in one post", MaxAlarms))
		return
	}
	p.Alarms = append(p.Alarms, Alarm{Name: d.alarmName(name), ID: id, On: on})
}

// value keeps a number under its element's name; the first of a name counts.
func (d *decoder) value(around, name []byte, n float64) {
	p := d.p
	if len(name) > 64 {
		name = name[:64]
	}
	start := len(p.text)
	if bareWord(name) && len(around) > 0 {
		p.text = appendText(p.text, around[:min(64, len(around))], true, start+MaxText)
		p.text = append(p.text, '.')
	}
	p.text = appendText(p.text, name, true, start+MaxText)
	full := p.text[start:len(p.text):len(p.text)]
	for i := range p.Values {
		if bytes.Equal(p.Values[i].Name, full) {
			p.text = p.text[:start]
			return
		}
	}
	if len(p.Values) == MaxValues {
		p.text = p.text[:start]
		d.problem("more than %d values", MaxValues)
		return
	}
	p.Values = append(p.Values, Value{Name: full, Number: n})
}

func (d *decoder) confidence(pl *Plate) {
	t := trim(d.s.count)
	if t == nil {
		t = d.word()
	} else {
		d.s.skip()
	}
	if len(t) == 0 {
		return
	}
	n, ok := digits(t)
	if !ok || n > 100*100 {
		d.problem("PlateConfidence %q is not 0 to 10000", head(t))
		return
	}
	pl.Confidence = float64(n) / 100
	pl.HasConfidence = true
}

// corner widens the plate's box by one of its four corners.
func (d *decoder) corner(it *item) {
	if t, _, ok := d.s.leaf(); ok {
		if len(trim(t)) > 0 {
			d.problem("a corner of the plate is %q", head(trim(t)))
		}
		return
	}
	pt, ok := d.point()
	if d.s.err != nil {
		return
	}
	if !ok {
		d.problem("a corner of the plate is not on the frame")
		return
	}
	c := &it.corners
	if !c.Known {
		*c = Box{X1: pt.X, Y1: pt.Y, X2: pt.X, Y2: pt.Y, Known: true}
		return
	}
	c.X1, c.Y1 = min(c.X1, pt.X), min(c.Y1, pt.Y)
	c.X2, c.Y2 = max(c.X2, pt.X), max(c.Y2, pt.Y)
}

func (d *decoder) vehicle(v *Vehicle) {
	s := &d.s
	for s.child() {
		switch string(s.name) {
		case "type", "carType":
			d.once(&v.Type)
		case "color", "carColor":
			d.once(&v.Color)
		case "brand", "carBrand":
			d.once(&v.Brand)
		case "model", "carModel":
			d.once(&v.Model)
		default:
			s.skip()
		}
	}
}

// maxKept bounds the text that cannot stay in the body: what 64 plates with long
// names can need, and no more.
const maxKept = 1 << 20

// text reads the element just opened: its text without the blanks around it, nil
// when there is none.
func (d *decoder) text() []byte {
	s, p := &d.s, d.p
	name := s.name
	t, cdata, whole := s.leaf()
	if s.err != nil {
		return nil
	}
	if whole {
		if t = trim(t); len(t) == 0 {
			return nil
		}
		if len(t) <= MaxText && plain(t, cdata) {
			return t[:len(t):len(t)]
		}
	}
	start := len(p.text)
	if start > maxKept {
		s.fail(s.pos, fmt.Sprintf("more than %d bytes of text to keep", maxKept))
		return nil
	}
	if whole {
		p.text = appendText(p.text, t, cdata, start+MaxText)
	} else {
		p.text = s.gather(p.text, MaxText)
	}
	if len(p.text)-start > MaxText {
		p.text = p.text[:start]
		d.problem("%s is longer than %d bytes", head(name), MaxText)
		return nil
	}
	if t = trim(p.text[start:]); len(t) == 0 {
		return nil
	}
	return t[:len(t):len(t)]
}

// word reads the text of the element just opened for a look: it is good until
// the next text is read.
func (d *decoder) word() []byte {
	start := len(d.p.text)
	t := d.text()
	d.p.text = d.p.text[:start]
	return t
}

// uint reads a whole number; 0 as the limit is no limit.
func (d *decoder) uint(limit uint64) Uint {
	name := d.s.name
	t := d.word()
	if t == nil {
		return Uint{}
	}
	n, ok := digits(t)
	if !ok || n > limit && limit > 0 || n == ^uint64(0) {
		d.problem("%s %q is not a number that can be", head(name), head(t))
		return Uint{}
	}
	return Uint{V: n, Known: true}
}

func (d *decoder) problem(format string, args ...any) {
	if d.s.err == nil && len(d.p.Problems) < MaxProblems {
		d.p.Problems = append(d.p.Problems, fmt.Sprintf(format, args...))
	}
}

// finish settles what only the whole post can tell.
func (d *decoder) finish() {
	p := d.p
	kind, form := kindOf(d.smart)
	switch {
	case form == formV2 && d.message == nil:
		p.Dialect = DialectV2
	case d.message != nil && (len(d.version) == 0 || d.version[0] != '1'):
		p.Dialect = DialectV2
	default:
		p.Dialect = DialectV1
	}
	p.Raw = d.smart
	if p.Raw == nil {
		p.Raw = d.message
	}
	is := func(word string) bool { return bytes.EqualFold(d.message, []byte(word)) }
	switch {
	case is("keepalive"), string(d.root) == "DeviceInfo":
		p.Kind = KindHeartbeat
	case is("trajectory"):
		p.Kind = KindTarget
	case is("alarmStatus"):
		p.Kind = KindAlarm
	case d.smart != nil:
		p.Kind = d.smartKind(kind)
	case d.traject:
		p.Kind = KindTarget
	case d.alarms:
		p.Kind = KindAlarm
	}
	if p.Raw == nil && (p.Kind == KindOther || p.Kind == KindHeartbeat) {
		p.Raw = d.keep(d.root)
	}

	pixels := p.Dialect == DialectV2 && (kind == KindPlate || bytes.EqualFold(d.smart, []byte("videoFaceDetect")))
	for i := range p.Targets {
		t := &p.Targets[i]
		t.Box = d.frame(t.Box, pixels, "target", t.ID)
	}
	for i := range p.Plates {
		pl := &p.Plates[i]
		pl.Box = d.frame(pl.Box, pixels, "plate of target", pl.Target)
	}

	if kind == KindPlate {
		// The overview entry of a plate event says "car" and nothing else.
		kept := p.Targets[:0]
		for _, t := range p.Targets {
			t.Image = Image{} // an overview, or the plate's
			if t.ID.Known || t.Box.Known {
				kept = append(kept, t)
			}
		}
		p.Targets = kept
		p.Crop = d.plateImage
		if !p.Scene.Known() {
			p.Scene = d.bareImage
		}
	} else {
		p.Crop = d.firstImage
	}

	if kind != KindFace && kind != KindFaceMatch {
		// Elsewhere an element called name is not somebody's.
		kept := p.Faces[:0]
		for _, f := range p.Faces {
			f.Match = nil
			if f.Age != nil || f.Sex != nil || f.Glasses != nil || f.Mask != nil {
				kept = append(kept, f)
			}
		}
		p.Faces = kept
	}

	switch p.Kind {
	case KindHeartbeat, KindAlarm, KindTarget, KindPlate, KindFace, KindFaceMatch:
		p.Values = p.Values[:0]
	}
}

// smartKind is the kind of a smart event, where the word alone is not enough.
func (d *decoder) smartKind(kind Kind) Kind {
	p := d.p
	switch kind {
	case KindPlate:
		if len(p.Plates) == 0 {
			return KindOther
		}
	case kindPEA:
		switch {
		case d.perItems:
			return KindIntrusion
		case d.wireOne:
			return KindLineCrossing
		case d.perimeter != d.wire:
			if d.wire {
				return KindLineCrossing
			}
			return KindIntrusion
		case d.area != d.trip:
			if d.trip {
				return KindLineCrossing
			}
			return KindIntrusion
		}
		return KindOther
	}
	return kind
}

// frame checks a box as sent and puts it on the 0..10000 frame.
func (d *decoder) frame(b Box, pixels bool, what string, id Uint) Box {
	if !b.Known {
		return Box{}
	}
	right, bottom := int64(Coordinate), int64(Coordinate)
	if pixels {
		if d.width == 0 || d.height == 0 {
			return Box{}
		}
		right, bottom = int64(d.width), int64(d.height)
	}
	if b.X1 > b.X2 || b.Y1 > b.Y2 || b.X1 < 0 || b.Y1 < 0 || int64(b.X2) > right || int64(b.Y2) > bottom {
		who := what
		if id.Known {
			who = what + " " + strconv.FormatUint(id.V, 10)
		}
		d.problem("%s: box %d %d %d %d cannot be on a frame of %d by %d", who, b.X1, b.Y1, b.X2, b.Y2, right, bottom)
		return Box{}
	}
	if pixels {
		scale := func(n int32, of int64) int32 { return int32((int64(n)*Coordinate + of/2) / of) }
		b.X1, b.X2 = scale(b.X1, right), scale(b.X2, right)
		b.Y1, b.Y2 = scale(b.Y1, bottom), scale(b.Y2, bottom)
	}
	return b
}
