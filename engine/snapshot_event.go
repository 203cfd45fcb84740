package engine

import (
	"encoding/json"
	"math"

	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/scene"
)

// event packs an event that something remembers, without the bytes of its pictures.
func (p *packer) event(ev *Event) {
	scene.Small(p.Pack, &ev.Kind, kindCount-1)
	p.Text(&ev.Raw)
	p.Text(&ev.Camera)
	for _, s := range []*string{&ev.Device.Name, &ev.Device.MAC, &ev.Device.SN, &ev.Device.Address} {
		p.Text(s)
	}
	p.Int(&ev.Device.Channel, math.MinInt32, math.MaxInt32)
	p.Time(&ev.Received)
	p.Time(&ev.Time)
	p.Int64(&ev.ID)
	scene.Small(p.Pack, &ev.Status, StatusProcedure)
	scene.List(p.Pack, &ev.Targets, maxPackedThings, p.listed)
	for _, points := range []*[]geometry.Point{&ev.Zone, &ev.Line} {
		scene.List(p.Pack, points, maxPackedThings, func(v *geometry.Point) {
			p.Int32(&v.X)
			p.Int32(&v.Y)
		})
	}
	plate, face, alarm, message := ev.Plate != nil, ev.Face != nil, ev.Alarm != nil, ev.Message != nil
	p.Bits(&ev.HasID, &ev.On, &ev.Unknown, &ev.Late, &plate, &face, &alarm, &message)
	if p.Reading() {
		p.parts(ev, plate, face, alarm, message)
	}
	p.Check((ev.Kind != KindPlate || plate) && (ev.Kind != KindAlarm || alarm), "an event has not what its kind has")
	if plate {
		p.plate(ev.Plate)
	}
	if face {
		for _, s := range []*string{&ev.Face.Age, &ev.Face.Sex, &ev.Face.Glasses, &ev.Face.Mask, &ev.Face.Match} {
			p.Text(s)
		}
	}
	if alarm {
		p.Text(&ev.Alarm.Name)
		p.Bits(&ev.Alarm.On)
		p.Int(&ev.Alarm.ID, math.MinInt32, math.MaxInt32)
	}
	if message {
		p.Text(&ev.Message.Topic)
		p.body(&ev.Message.Body, 0)
	}
	scene.List(p.Pack, &ev.Values, maxPackedThings, func(v *Value) {
		p.Text(&v.Name)
		p.Float(&v.Number)
	})
	p.Int(&ev.Scene.Size, 0, math.MaxInt32)
	p.Int(&ev.Target.Size, 0, math.MaxInt32)
	scene.List(p.Pack, &ev.Problems, maxPackedThings, p.Text)
	p.Text(&ev.Name)
	p.scalar(&ev.Value)
	p.Uint(&ev.Digest)
	p.Int(&ev.depth, 0, maxChain+1)
	p.Span(&ev.keep)
	p.Text(&ev.line)
	p.Int64(&ev.balance)
}

// parts makes the parts of an event that is read.
func (p *packer) parts(ev *Event, plate, face, alarm, message bool) {
	if plate {
		ev.Plate = &Plate{}
	}
	if face {
		ev.Face = &Face{}
	}
	if alarm {
		ev.Alarm = &Alarm{}
	}
	if message {
		ev.Message = &Message{}
	}
	p.Room(1, scene.SizeOf[Plate]())
}

func (p *packer) listed(t *Listed) {
	p.Uint(&t.ID)
	scene.Small(p.Pack, &t.Class, scene.Motor)
	p.Bits(&t.HasID, &t.HasBox)
	p.box(&t.Box)
}

func (p *packer) box(b *geometry.Box) {
	for _, v := range []*int32{&b.X1, &b.Y1, &b.X2, &b.Y2} {
		p.Int32(v)
	}
}

func (p *packer) plate(x *Plate) {
	for _, s := range []*string{
		&x.Number, &x.List, &x.Group, &x.Heading, &x.Color, &x.Owner,
		&x.Vehicle.Type, &x.Vehicle.Color, &x.Vehicle.Brand, &x.Vehicle.Model,
	} {
		p.Text(s)
	}
	p.Bits(&x.HasConfidence, &x.HasBox)
	p.Float(&x.Confidence)
	p.box(&x.Box)
}

// What a value in a message's body is.
const (
	bodyNone uint8 = iota
	bodyBool
	bodyNumber
	bodyText
	bodyDigits
	bodyList
	bodyMap
)

// body packs a message's body: what a JSON text is read as.
func (p *packer) body(v *any, depth int) {
	if !p.Check(depth <= maxPackedDepth, "a message is too deep") || !p.Room(1, 2*scene.SizeOf[any]()) {
		return
	}
	what := bodyNone
	switch (*v).(type) {
	case nil:
	case bool:
		what = bodyBool
	case float64:
		what = bodyNumber
	case string:
		what = bodyText
	case json.Number:
		what = bodyDigits
	case []any:
		what = bodyList
	case map[string]any:
		what = bodyMap
	default:
		p.Check(false, "a message holds what no JSON text holds")
	}
	if scene.Small(p.Pack, &what, bodyMap); p.Err() != nil {
		return
	}
	switch what {
	case bodyBool:
		x, _ := (*v).(bool)
		p.Bits(&x)
		*v = x
	case bodyNumber:
		x, _ := (*v).(float64)
		p.Float(&x)
		*v = x
	case bodyText:
		x, _ := (*v).(string)
		p.Text(&x)
		*v = x
	case bodyDigits:
		x, _ := (*v).(json.Number)
		p.Text((*string)(&x))
		*v = x
	case bodyList:
		x, _ := (*v).([]any)
		scene.List(p.Pack, &x, maxPackedThings, func(y *any) { p.body(y, depth+1) })
		*v = x
	case bodyMap:
		x, _ := (*v).(map[string]any)
		if p.Reading() {
			x = make(map[string]any)
		}
		names(p, x, maxPackedThings, func(_ string, y any) any {
			p.body(&y, depth+1)
			return y
		})
		*v = x
	}
}
