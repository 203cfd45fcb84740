package viewtron

import (
	"fmt"
	"strings"
	"time"
)

// dump writes what is in p, a line for each part that is known.
func dump(p *Post) string {
	var w strings.Builder
	line := func(name string, v any) { fmt.Fprintf(&w, "%s: %v\n", name, v) }
	text := func(name string, t []byte) {
		if t != nil {
			fmt.Fprintf(&w, "%s: %q\n", name, t)
		}
	}
	num := func(name string, n Uint) {
		if n.Known {
			line(name, n.V)
		}
	}
	box := func(name string, b Box) {
		if b.Known {
			fmt.Fprintf(&w, "%s: %d %d %d %d\n", name, b.X1, b.Y1, b.X2, b.Y2)
		}
	}
	image := func(name string, m Image) {
		if m.Known() {
			fmt.Fprintf(&w, "%s: at %d, %d characters, %d bytes\n", name, m.Offset, len(m.Text), m.Size())
		}
	}
	line("kind", p.Kind)
	line("dialect", p.Dialect)
	text("raw", p.Raw)
	text("device.name", p.Device.Name)
	text("device.mac", p.Device.MAC)
	text("device.sn", p.Device.SN)
	text("device.ip", p.Device.IP)
	num("device.channel", p.Device.Channel)
	if !p.Time.IsZero() {
		line("time", p.Time.Format(time.RFC3339Nano))
	}
	if !p.DeviceClock.IsZero() {
		line("clock", p.DeviceClock.Format(time.DateTime))
	}
	num("event", p.EventID)
	if p.Status != StatusNone {
		line("status", p.Status)
	}
	for i := range p.Targets {
		t := &p.Targets[i]
		line("target", i)
		num("  id", t.ID)
		if t.Class != ClassUnknown {
			line("  class", t.Class)
		}
		box("  box", t.Box)
		image("  image", t.Image)
	}
	if len(p.Zone) > 0 {
		line("zone", p.Zone)
	}
	if p.HasLine {
		line("line", p.Line)
	}
	for i := range p.Plates {
		pl := &p.Plates[i]
		text("plate", pl.Number)
		text("  list", pl.List)
		text("  group", pl.Group)
		text("  owner", pl.Owner)
		if pl.HasConfidence {
			line("  confidence", pl.Confidence)
		}
		if pl.Heading != HeadingUnknown {
			line("  heading", pl.Heading)
		}
		text("  color", pl.Color)
		text("  vehicle.type", pl.Vehicle.Type)
		text("  vehicle.color", pl.Vehicle.Color)
		text("  vehicle.brand", pl.Vehicle.Brand)
		text("  vehicle.model", pl.Vehicle.Model)
		box("  box", pl.Box)
		num("  target", pl.Target)
		image("  image", pl.Image)
	}
	for i := range p.Faces {
		f := &p.Faces[i]
		line("face", i)
		text("  age", f.Age)
		text("  sex", f.Sex)
		text("  glasses", f.Glasses)
		text("  mask", f.Mask)
		text("  match", f.Match)
		num("  target", f.Target)
	}
	for i := range p.Alarms {
		a := &p.Alarms[i]
		fmt.Fprintf(&w, "alarm: %q %v\n", a.Name, a.On)
		num("  id", a.ID)
	}
	for i := range p.Values {
		fmt.Fprintf(&w, "value: %q %v\n", p.Values[i].Name, p.Values[i].Number)
	}
	image("scene", p.Scene)
	image("crop", p.Crop)
	for _, m := range p.Pictures {
		image("picture", m)
	}
	for _, s := range p.Problems {
		line("problem", s)
	}
	return w.String()
}
