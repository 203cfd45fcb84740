package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/web"
)

// zonesFile is where a new zone or line goes when nothing is said.
const zonesFile = "zones.yaml"

func (s *source) zoneSource() web.ZoneSource {
	a := &acceptance{source: s}
	return web.ZoneSource{Edit: s.files.editZone, Imports: a.list, Accept: a.accept}
}

// editZone gives what a rule file becomes when a zone or line is written into it.
func (f *ruleFiles) editZone(ctx context.Context, e web.ZoneEdit) (web.ZoneEdited, error) {
	section := ""
	for _, kind := range []string{e.Kind, zoneKind(e.Zone)} {
		if kind != "" {
			section = kind + "s"
		}
	}
	file := e.File
	if e.Was != "" {
		var err error
		if file, section, err = f.placeOf(e.Was, section); err != nil {
			return web.ZoneEdited{}, err
		}
	} else if file == "" {
		file = zonesFile
	}
	if !rulefile.IsRuleFile(file) || !isFilePath(file) {
		return web.ZoneEdited{}, badFilePath(file)
	}
	v := web.ZoneEdited{Path: file}
	before, tag, err := f.text(ctx, file)
	var none web.NotFoundError
	if err != nil && (!errors.As(err, &none) || e.Was != "") {
		return v, err
	}
	v.ETag, v.Before = tag, string(before)
	text, err := rulefile.EditPlace(before, section, e.Was, f.place(e, section, before))
	var bad rulefile.Problem
	var not rulefile.EditError
	switch {
	case errors.As(err, &bad):
		bad.File = file
		return v, web.RejectedError{Problems: webProblems([]rulefile.Problem{bad})}
	case errors.Is(err, rulefile.ErrNotThere):
		return v, web.NotFoundError("there is no " + strings.TrimSuffix(section, "s") + " " + e.Was + " in " + file + " any more")
	case errors.As(err, &not):
		return v, web.RefusedError(file + ": " + not.Error())
	case err != nil:
		return v, err
	}
	v.Text = string(text)
	v.Problems, err = f.check(ctx, map[string][]byte{file: append([]byte{}, text...)})
	return v, err
}

func zoneKind(z *web.ZoneText) string {
	if z == nil {
		return ""
	}
	return z.Kind
}

// placeOf finds the file and the section that a zone or line stands in; section may be empty.
func (f *ruleFiles) placeOf(name, section string) (file, in string, err error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return "", "", err
	}
	has := func(all []rulefile.Named) bool {
		return slices.ContainsFunc(all, func(n rulefile.Named) bool { return n.Name == name })
	}
	for _, e := range entries {
		if !rulefile.IsRuleFile(e.Name()) || !isFilePath(e.Name()) {
			continue
		}
		text, _, err := f.text(context.Background(), e.Name())
		if err != nil {
			continue
		}
		o, _ := rulefile.ReadOutline(text)
		for _, s := range []struct {
			section string
			has     bool
		}{{"zones", has(o.Zones)}, {"lines", has(o.Lines)}} {
			switch {
			case !s.has || section != "" && section != s.section:
			case in != "" && in != s.section:
				return "", "", web.BadQueryError("there is a zone and a line " + name + "; say which with kind")
			case in == "":
				file, in = e.Name(), s.section
			}
		}
	}
	if in == "" {
		what := "zone or line"
		if section != "" {
			what = strings.TrimSuffix(section, "s")
		}
		return "", "", web.NotFoundError("there is no " + what + " " + name + " in the rule files")
	}
	return file, in, nil
}

// place is a zone or line as the editor of rule files takes it.
func (f *ruleFiles) place(e web.ZoneEdit, section string, text []byte) *rulefile.Place {
	z := e.Zone
	if z == nil {
		return nil
	}
	p := &rulefile.Place{Name: z.Name, Camera: z.Camera, Import: z.Import, In: z.In, Anchor: z.Anchor, Classes: z.Classes, Margin: z.Margin}
	if z.Settle != nil {
		d := time.Duration(*z.Settle)
		p.Settle = &d
	}
	if z.Linger != nil {
		d := time.Duration(*z.Linger)
		p.Linger = &d
	}
	for _, xy := range z.Points {
		p.Points = append(p.Points, geometry.Point{X: xy[0], Y: xy[1]})
	}
	// Which side is in, the camera says of its own lines; only what differs from that is written.
	if section == "lines" && z.Import != "" && z.In != "" && !rulefile.HasKey(text, section, e.Was, "in") {
		if name, _, ok := rulefile.ParseImport(z.Import); ok && f.site().Imports[z.Camera+"/"+name].In == z.In {
			p.In = ""
		}
	}
	return p
}

// acceptance is the camera's own zones and lines, and which of them rules may use.
type acceptance struct {
	*source
	mu sync.Mutex // one acceptance at a time
}

// list asks a camera for its zones and lines.
func (a *acceptance) list(ctx context.Context, camera string) ([]web.DeviceZone, error) {
	seen, err := a.read(ctx, camera)
	if err != nil {
		return nil, err
	}
	return deviceZones(seen), nil
}

// read asks a camera; what it tells counts for its drift, too.
func (a *acceptance) read(ctx context.Context, camera string) (*zonesSeen, error) {
	if _, ok := a.site.Camera(camera); !ok {
		return nil, web.NotFoundError("no camera is called " + camera)
	}
	c, ok := a.zones.cameras[camera]
	switch {
	case !ok:
		return nil, web.RefusedError("camera " + camera + " cannot be asked: the site file gives it no url")
	case a.imports == "":
		return nil, web.RefusedError("the site file has no data folder to keep accepted copies in")
	}
	copies, err := readAccepted(a.imports)
	if err != nil {
		return nil, web.RefusedError("the accepted copies cannot be read: " + err.Error())
	}
	seen, err := readZones(client.WithPriority(ctx, client.Normal), c.device, camera, c.channel, importDetectors(), copies)
	if err != nil {
		return nil, web.RefusedError("camera " + camera + ": " + printable(err.Error()))
	}
	a.zones.noticed(camera, seen)
	return seen, nil
}

// deviceZones are the zones and lines that a camera told of.
func deviceZones(seen *zonesSeen) []web.DeviceZone {
	var out []web.DeviceZone
	for i := range seen.items {
		item := &seen.items[i]
		use := item.use()
		z := web.DeviceZone{ID: item.name, Kind: "zone", Points: use.Points, State: item.state}
		if use.line() {
			z.Kind, z.Direction = "line", wayText(use.Direction)
		}
		switch item.state {
		case zoneSame:
			z.State = "accepted"
		case zoneChanged:
			z.Accepted, z.Difference = item.was.Points, difference(item.was, item.now)
		case zoneUnread:
			z.State, z.Difference = "accepted", "the camera did not tell of it; rules use the accepted copy"
		}
		if item.now != nil {
			if err := item.now.validate(); err != nil {
				z.Difference = "it cannot be used: " + err.Error()
			}
		}
		out = append(out, z)
	}
	return out
}

// accept lets rules use zones and lines as they are on the camera now.
func (a *acceptance) accept(ctx context.Context, camera string, names []string, who string) ([]web.DeviceZone, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	seen, err := a.read(ctx, camera)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if item := seen.find(name); item == nil || item.now == nil {
			return nil, web.NotFoundError(printable(name) + " is not on camera " + camera)
		}
	}
	var model client.DeviceInfo
	if d, ok := a.zones.cameras[camera].device.(interface {
		GetDeviceInfo(context.Context) (client.DeviceInfo, error)
	}); ok {
		model, _ = d.GetDeviceInfo(ctx) // it is noted when the camera says it
	}
	// Another program may have accepted something while the camera was asked.
	copies, err := readAccepted(a.imports)
	if err != nil {
		return nil, web.RefusedError("the accepted copies cannot be read: " + err.Error())
	}
	var taken []string
	for i := range seen.items {
		item := &seen.items[i]
		named := slices.Contains(names, item.name)
		if item.now == nil || item.state == zoneSame || len(names) > 0 && !named {
			continue
		}
		if err := item.now.validate(); err != nil {
			if named {
				return nil, web.RefusedError(item.name + " cannot be accepted: " + err.Error())
			}
			continue // it is said beside it
		}
		item.now.Accepted = time.Now().UTC().Truncate(time.Second)
		item.now.Model, item.now.Firmware = model.Model, model.SoftwareVersion
		copies = copies.with(*item.now)
		item.was, item.state = item.now, zoneSame
		taken = append(taken, camera+"/"+item.name)
	}
	if len(taken) > 0 {
		if err := writeAccepted(a.imports, copies); err != nil {
			return nil, web.RefusedError("nothing is accepted: " + err.Error())
		}
		a.files.saved(who, "accepted", strings.Join(taken, ", "))
	}
	return deviceZones(seen), nil
}

// noticed takes what a camera told somebody who asked it.
func (d *driftWatch) noticed(camera string, seen *zonesSeen) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen == nil {
		d.seen = make(map[string]*zonesSeen)
	}
	kept := &zonesSeen{items: slices.Clone(seen.items)}
	for i := range kept.items {
		if before := d.seen[camera]; before != nil && kept.items[i].state == zoneUnread {
			if item := before.find(kept.items[i].name); item != nil {
				kept.items[i] = *item
			}
		}
	}
	d.seen[camera] = kept
}
