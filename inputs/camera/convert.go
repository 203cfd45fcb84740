package camera

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/scene"
	"github.com/sallyport/sallyport/viewtron"
)

// Bounds of the words kept at hand.
const (
	maxWords = 512
	maxWord  = 64 // bytes
)

// words keeps the short texts that devices repeat in every post, so that each is
// made a string once.
type words map[string]string

func (w words) of(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := w[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(s) <= maxWord {
		if len(w) >= maxWords {
			clear(w)
		}
		w[s] = s
	}
	return s
}

// eventKinds says which kind of event a post's kind is.
var eventKinds = [...]engine.Kind{
	viewtron.KindOther:        engine.KindOther,
	viewtron.KindHeartbeat:    engine.KindHeartbeat,
	viewtron.KindAlarm:        engine.KindAlarm,
	viewtron.KindTarget:       engine.KindTarget,
	viewtron.KindIntrusion:    engine.KindIntrusion,
	viewtron.KindLineCrossing: engine.KindLineCrossing,
	viewtron.KindPlate:        engine.KindPlate,
	viewtron.KindFace:         engine.KindFace,
	viewtron.KindFaceMatch:    engine.KindFaceMatch,
	viewtron.KindMetadata:     engine.KindMetadata,
	viewtron.KindRegionEntry:  engine.KindRegionEntry,
	viewtron.KindRegionExit:   engine.KindRegionExit,
	viewtron.KindLoitering:    engine.KindLoitering,
	viewtron.KindParking:      engine.KindParking,
	viewtron.KindLineCount:    engine.KindLineCount,
	viewtron.KindAreaCount:    engine.KindAreaCount,
	viewtron.KindMotion:       engine.KindMotion,
	viewtron.KindSensor:       engine.KindSensor,
	viewtron.KindObject:       engine.KindObject,
	viewtron.KindTamper:       engine.KindTamper,
	viewtron.KindAudio:        engine.KindAudio,
	viewtron.KindCrowd:        engine.KindCrowd,
	viewtron.KindTemperature:  engine.KindTemperature,
	viewtron.KindFire:         engine.KindFire,
}

var statuses = [...]engine.Status{
	viewtron.StatusNone:      engine.StatusNone,
	viewtron.StatusStart:     engine.StatusStart,
	viewtron.StatusStop:      engine.StatusStop,
	viewtron.StatusProcedure: engine.StatusProcedure,
}

var targetClasses = [...]scene.Class{
	viewtron.ClassUnknown: scene.ClassUnknown,
	viewtron.ClassPerson:  scene.Person,
	viewtron.ClassCar:     scene.Car,
	viewtron.ClassMotor:   scene.Motor,
}

// events is the number of events in a post: one for each alarm, plate or face,
// else one.
func events(p *viewtron.Post) int {
	switch p.Kind {
	case viewtron.KindAlarm:
		return max(1, len(p.Alarms))
	case viewtron.KindPlate:
		return max(1, len(p.Plates))
	case viewtron.KindFace, viewtron.KindFaceMatch:
		return max(1, len(p.Faces))
	}
	return 1
}

// fill makes e the i-th event of a post. Its pictures are parts of body, which
// must not be written to as long as the event lives when there are any. A
// trajectory costs no allocation once e has grown to its size.
func fill(e *engine.Event, p *viewtron.Post, i int, body []byte, w words) {
	e.Reset()
	e.Kind = eventKinds[p.Kind]
	e.Raw = w.of(p.Raw)
	e.Time = p.Time
	if p.EventID.Known && p.EventID.V <= math.MaxInt64 {
		e.ID, e.HasID = int64(p.EventID.V), true
	}
	e.Status = statuses[p.Status]
	for j := range p.Targets {
		t := &p.Targets[j]
		l := engine.Listed{ID: t.ID.V, HasID: t.ID.Known, Class: targetClasses[t.Class]}
		l.Box, l.HasBox = box(t.Box)
		e.Targets = append(e.Targets, l)
	}
	for _, q := range p.Zone {
		e.Zone = append(e.Zone, geometry.Point(q))
	}
	if p.HasLine {
		e.Line = append(e.Line, geometry.Point(p.Line[0]), geometry.Point(p.Line[1]))
	}
	e.Problems = append(e.Problems, p.Problems...)
	if p.Kind == viewtron.KindTarget || p.Kind == viewtron.KindHeartbeat {
		return
	}

	for _, v := range p.Values {
		e.Values = append(e.Values, engine.Value{Name: w.of(v.Name), Number: v.Number})
	}
	crop := p.Crop
	switch {
	case p.Kind == viewtron.KindAlarm && len(p.Alarms) == 0:
		// It names no alarm, so it says only that the device is there.
		e.Kind = engine.KindHeartbeat
	case p.Kind == viewtron.KindAlarm:
		a := &p.Alarms[i]
		e.Alarm = &engine.Alarm{Name: w.of(a.Name), On: a.On}
		if a.ID.Known && a.ID.V <= math.MaxInt32 {
			e.Alarm.ID = int(a.ID.V)
		}
	case i < len(p.Plates):
		e.Plate = plate(&p.Plates[i], w)
		if p.Plates[i].Image.Known() {
			crop = p.Plates[i].Image
		}
	case i < len(p.Faces):
		f := &p.Faces[i]
		e.Face = &engine.Face{Age: w.of(f.Age), Sex: w.of(f.Sex), Glasses: w.of(f.Glasses), Mask: w.of(f.Mask), Match: string(f.Match)}
	}
	e.Scene, e.Target = image(p.Scene, body), image(crop, body)
	if p.Kind != viewtron.KindAlarm && !p.Time.IsZero() {
		e.Digest = digest(p, i, body)
	}
}

// from says who sent e, and when it arrived.
func from(e *engine.Event, s *sender, camera string, now time.Time) {
	e.Device = s.device
	e.Camera = camera
	e.Received = stamp(now)
}

// stamp is a time as events and recordings keep it: to the millisecond, so that
// a replay sees what was seen live.
func stamp(t time.Time) time.Time { return t.Round(0).UTC().Truncate(time.Millisecond) }

func box(b viewtron.Box) (geometry.Box, bool) {
	return geometry.Box{X1: b.X1, Y1: b.Y1, X2: b.X2, Y2: b.Y2}, b.Known
}

func plate(p *viewtron.Plate, w words) *engine.Plate {
	r := &engine.Plate{
		Number:        string(p.Number),
		List:          w.of(p.List),
		Group:         w.of(p.Group),
		Confidence:    p.Confidence,
		HasConfidence: p.HasConfidence,
		Heading:       p.Heading.String(),
		Color:         w.of(p.Color),
		Owner:         string(p.Owner),
		Vehicle: engine.Vehicle{
			Type: w.of(p.Vehicle.Type), Color: w.of(p.Vehicle.Color), Brand: w.of(p.Vehicle.Brand), Model: w.of(p.Vehicle.Model),
		},
	}
	r.Box, r.HasBox = box(p.Box)
	return r
}

// image is a picture that is decoded when somebody asks for it. The place in
// the body is kept, not the post's view of it, which the next post overwrites.
func image(m viewtron.Image, body []byte) engine.Image {
	if !m.Known() {
		return engine.Image{}
	}
	m.Text = body[m.Offset : m.Offset+len(m.Text) : m.Offset+len(m.Text)]
	return engine.Image{Size: m.Size(), Bytes: func() ([]byte, error) { return m.AppendDecode(nil) }}
}

// digest is the first 64 bits of the SHA-256 of the post without its pictures
// and of the event's number in it, never zero: what two copies of one event
// have in common and two different events have not.
func digest(p *viewtron.Post, i int, body []byte) uint64 {
	h := sha256.New()
	at := 0
	for _, m := range p.Pictures {
		h.Write(body[at:m.Offset])
		at = m.Offset + len(m.Text)
	}
	h.Write(body[at:])
	var sum [sha256.Size]byte
	return max(1, binary.BigEndian.Uint64(h.Sum(sum[:0]))+uint64(i))
}
