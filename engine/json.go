package engine

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/sallyport/sallyport/engine/geometry"
)

// object writes one JSON object with its fields in the order they are added.
type object struct {
	b     []byte
	comma bool
}

func (o *object) key(k string) {
	if o.comma {
		o.b = append(o.b, ',')
	}
	o.comma = true
	o.b = append(o.b, '"')
	o.b = append(o.b, k...)
	o.b = append(o.b, '"', ':')
}

func (o *object) open(k string) {
	o.key(k)
	o.b = append(o.b, '{')
	o.comma = false
}

func (o *object) close() {
	o.b = append(o.b, '}')
	o.comma = true
}

func (o *object) text(k, v string) {
	if v != "" {
		o.key(k)
		o.b = appendString(o.b, v)
	}
}

func (o *object) integer(k string, v int64) {
	o.key(k)
	o.b = strconv.AppendInt(o.b, v, 10)
}

func (o *object) number(k string, v float64) {
	o.key(k)
	o.b = appendNumber(o.b, v)
}

func (o *object) boolean(k string, v bool) {
	o.key(k)
	o.b = strconv.AppendBool(o.b, v)
}

func (o *object) box(k string, v geometry.Box) {
	o.key(k)
	o.b = appendInts(o.b, v.X1, v.Y1, v.X2, v.Y2)
}

func (o *object) points(k string, v []geometry.Point) {
	if len(v) == 0 {
		return
	}
	o.key(k)
	o.b = append(o.b, '[')
	for i, p := range v {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.b = appendInts(o.b, p.X, p.Y)
	}
	o.b = append(o.b, ']')
}

func appendInts(b []byte, v ...int32) []byte {
	b = append(b, '[')
	for i, n := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return append(b, ']')
}

// appendNumber writes a number as encoding/json does; what JSON cannot say is null.
func appendNumber(b []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, "null"...)
	}
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		n := len(b)
		b = strconv.AppendFloat(b, v, 'e', -1, 64)
		// e-09 is e-9.
		if k := len(b); k-n >= 4 && b[k-4] == 'e' && b[k-3] == '-' && b[k-2] == '0' {
			b[k-2] = b[k-1]
			b = b[:k-1]
		}
		return b
	}
	return strconv.AppendFloat(b, v, 'f', -1, 64)
}

// appendString writes a JSON string. Bytes that are not UTF-8 become U+FFFD; < and
// > and & stay, for these texts are not put into pages unescaped.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\t':
			b = append(b, '\\', 't')
		case r == '\r':
			b = append(b, '\\', 'r')
		case r < ' ' || r >= 0x7f && r < 0xa0 || r >= '\u2028' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\u200e' || r == '\u200f':
			// What moves a terminal's cursor or turns its text around stays a number.
			b = append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// millis is RFC 3339 in UTC with milliseconds.
const millis = "2006-01-02T15:04:05.000Z"

// stamp is RFC 3339 in UTC with as many digits as the time has, at most microseconds.
func stamp(t time.Time) string { return t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano) }

// AppendJSON adds the event's canonical JSON: what `decode` prints, the journal
// keeps and a firing carries. Absent is unknown.
func (e *Event) AppendJSON(b []byte) []byte {
	o := object{b: append(b, '{')}
	o.text("kind", e.Kind.String())
	o.text("raw", e.Raw)
	o.text("camera", e.Camera)
	if e.Device != (Device{}) {
		o.open("device")
		o.text("name", e.Device.Name)
		o.text("mac", e.Device.MAC)
		o.text("sn", e.Device.SN)
		o.text("address", e.Device.Address)
		if e.Device.Channel != 0 {
			o.integer("channel", int64(e.Device.Channel))
		}
		o.close()
	}
	if !e.Received.IsZero() {
		o.text("received", e.Received.UTC().Format(millis))
	}
	if !e.Time.IsZero() {
		o.text("time", stamp(e.Time))
	}
	if e.HasID {
		o.integer("event_id", e.ID)
	}
	o.text("status", e.Status.String())
	if len(e.Targets) > 0 {
		o.key("targets")
		o.b = append(o.b, '[')
		for i := range e.Targets {
			t := &e.Targets[i]
			if i > 0 {
				o.b = append(o.b, ',')
			}
			o.b = append(o.b, '{')
			o.comma = false
			if t.HasID {
				o.key("id")
				o.b = strconv.AppendUint(o.b, t.ID, 10)
			}
			o.text("class", t.Class.String())
			if t.HasBox {
				o.box("box", t.Box)
			}
			o.close()
		}
		o.b = append(o.b, ']')
	}
	o.points("zone", e.Zone)
	o.points("line", e.Line)
	if p := e.Plate; p != nil {
		o.open("plate")
		o.text("number", p.Number)
		o.text("list", p.List)
		o.text("group", p.Group)
		if p.HasConfidence {
			o.number("confidence", p.Confidence)
		}
		o.text("heading", p.Heading)
		o.text("color", p.Color)
		o.text("owner", p.Owner)
		if p.Vehicle != (Vehicle{}) {
			o.open("vehicle")
			o.text("type", p.Vehicle.Type)
			o.text("color", p.Vehicle.Color)
			o.text("brand", p.Vehicle.Brand)
			o.text("model", p.Vehicle.Model)
			o.close()
		}
		if p.HasBox {
			o.box("box", p.Box)
		}
		o.close()
	}
	if f := e.Face; f != nil {
		o.open("face")
		o.text("age", f.Age)
		o.text("sex", f.Sex)
		o.text("glasses", f.Glasses)
		o.text("mask", f.Mask)
		o.text("match", f.Match)
		o.close()
	}
	if a := e.Alarm; a != nil {
		o.open("alarm")
		o.text("name", a.Name)
		if !e.Unknown {
			o.boolean("on", a.On)
		}
		if a.ID != 0 {
			o.integer("id", int64(a.ID))
		}
		o.close()
	}
	if len(e.Values) > 0 {
		o.open("values")
		for _, v := range e.Values {
			if o.comma {
				o.b = append(o.b, ',')
			}
			o.comma = true
			o.b = append(appendString(o.b, v.Name), ':')
			o.b = appendNumber(o.b, v.Number)
		}
		o.close()
	}
	if e.Scene.Size > 0 || e.Target.Size > 0 {
		o.open("images")
		if e.Scene.Size > 0 {
			o.integer("scene", int64(e.Scene.Size))
		}
		if e.Target.Size > 0 {
			o.integer("target", int64(e.Target.Size))
		}
		o.close()
	}
	e.appendWired(&o)
	if len(e.Problems) > 0 {
		o.key("problems")
		o.b = append(o.b, '[')
		for i, p := range e.Problems {
			if i > 0 {
				o.b = append(o.b, ',')
			}
			o.b = appendString(o.b, p)
		}
		o.b = append(o.b, ']')
	}
	return append(o.b, '}')
}

// appendWired adds what events from elsewhere than cameras carry.
func (e *Event) appendWired(o *object) {
	switch e.Kind {
	case KindContact, KindRelay:
		o.text("name", e.Name)
		if !e.Unknown {
			o.boolean("on", e.On)
		}
	case KindCamera:
		o.boolean("online", e.On)
	case KindFlag:
		o.text("name", e.Name)
		o.key("value")
		o.b = e.Value.appendJSON(o.b)
	case KindMessage:
		if e.Message != nil {
			o.open("message")
			o.text("topic", e.Message.Topic)
			if body, err := json.Marshal(e.Message.Body); err == nil {
				o.key("body")
				o.b = append(o.b, body...)
			}
			o.close()
		}
	}
}

func (s Scalar) appendJSON(b []byte) []byte {
	switch s.Type {
	case ScalarBool:
		return strconv.AppendBool(b, s.Bool)
	case ScalarNumber:
		return appendNumber(b, s.Number)
	case ScalarText:
		return appendString(b, s.Text)
	}
	return append(b, "null"...)
}

// MarshalJSON is [Event.AppendJSON].
func (e *Event) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil), nil }

// AppendJSON adds the decision as one JSON object, the fields in a fixed order,
// absent ones left out: a line of `replay --json`.
func (d *Decision) AppendJSON(b []byte) []byte {
	o := object{b: append(b, '{')}
	d.appendFields(&o)
	return append(o.b, '}')
}

func (d *Decision) appendFields(o *object) {
	o.text("at", d.At.Wall.UTC().Format(millis))
	o.text("type", d.Type.String())
	if d.Rule != nil {
		o.text("rule", d.Rule.Name)
	}
	o.text("key", d.Key)
	o.text("camera", d.Camera)
	if d.HasTarget {
		o.key("target")
		o.b = strconv.AppendUint(o.b, d.Target, 10)
	}
	o.text("zone", d.Zone)
	o.text("line", d.Line)
	o.text("direction", d.Direction)
	if !d.Since.IsZero() {
		o.text("since", d.Since.UTC().Format(millis))
	}
	if !d.Until.IsZero() {
		o.text("until", d.Until.UTC().Format(millis))
	}
	if d.HasDwell {
		o.key("dwell")
		o.b = appendSeconds(o.b, d.Dwell)
	}
	o.text("step", d.Step)
	o.text("reason", d.Reason)
}

// appendSeconds writes a duration in seconds with at most milliseconds.
func appendSeconds(b []byte, d time.Duration) []byte {
	ms := d.Milliseconds()
	if ms < 0 {
		b = append(b, '-')
		ms = -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	if ms %= 1000; ms != 0 {
		b = append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
	}
	return b
}

// AppendJSON adds the firing as programs and servers get it: the firing's line,
// its id, the steps of the rule and the event.
func (f *Firing) AppendJSON(b []byte) []byte {
	d := Decision{At: f.At, Type: DecisionFiring, Rule: f.Rule, Key: f.Key, Zone: f.Zone, Camera: f.Camera, Target: f.Target, HasTarget: f.HasTarget}
	o := object{b: append(b, '{')}
	d.appendFields(&o)
	o.key("id")
	o.b = strconv.AppendUint(o.b, f.ID, 10)
	o.key("steps")
	o.b = append(o.b, '[')
	for i := range f.Rule.Do {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.b = appendString(o.b, f.Rule.Do[i].Text)
	}
	o.b = append(o.b, ']')
	if f.Event != nil {
		o.key("event")
		o.b = f.Event.AppendJSON(o.b)
	}
	return append(o.b, '}')
}
