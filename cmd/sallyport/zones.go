package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/viewtron/client"
)

// detectionReader is the part of a camera's client that knows its zones.
type detectionReader interface {
	GetDetection(ctx context.Context, d client.Detector, channel int) (client.Detection, error)
}

// What is known of a zone or line beside its accepted copy.
const (
	zoneSame    = "same"
	zoneNew     = "new"
	zoneChanged = "changed"
	zoneGone    = "gone"    // there is an accepted copy of it and it is not on the camera
	zoneUnread  = "unknown" // there is an accepted copy of it and the camera did not tell
)

// zoneItem is one zone or line: as it is on the camera, and as it was accepted.
type zoneItem struct {
	name, state string
	now, was    *zoneCopy // nil: there is none
	on, hasOn   bool      // whether its detector is on
}

// use is the copy that rules would have if what is on the camera were accepted.
func (i *zoneItem) use() *zoneCopy {
	if i.now != nil {
		return i.now
	}
	return i.was
}

// zonesSeen is what a camera told of its zones and lines.
type zonesSeen struct {
	items []zoneItem
	// problems says what could not be read, a line each.
	problems []string
	// failed says that a detector that the camera has could not be read.
	failed bool
}

// readZones asks a camera for the zones and lines of detectors, and compares them with
// the accepted copies. It gives an error when the camera does not answer or refuses the
// login; anything else that goes wrong is among the problems.
func readZones(ctx context.Context, device detectionReader, camera string, channel int, detectors []client.Detector, copies accepted) (*zonesSeen, error) {
	seen := &zonesSeen{}
	for _, d := range detectors {
		unread := false
		detection, err := device.GetDetection(ctx, d, channel)
		switch {
		case errors.Is(err, client.ErrUnknownCommand): // the camera has no such detector
		case err != nil && (unreachable(err) || errors.Is(err, client.ErrLoginRefused) || ctx.Err() != nil):
			return nil, err
		case err != nil:
			unread = true
			seen.failed = true
			seen.problems = append(seen.problems, d.Word()+": "+err.Error())
		}
		if len(detection.Problems) > 0 {
			unread = true // what is missing may be what could not be read
			for _, p := range detection.Problems {
				seen.problems = append(seen.problems, d.Word()+": "+p)
			}
		}
		now := copiesOf(camera, &detection)
		for i := range now {
			item := zoneItem{name: now[i].Name, now: &now[i], was: copies.find(camera, now[i].Name), on: detection.On, hasOn: detection.HasSwitch}
			switch {
			case item.was == nil:
				item.state = zoneNew
			case item.was.same(item.now):
				item.state = zoneSame
			default:
				item.state = zoneChanged
			}
			seen.items = append(seen.items, item)
		}
		for i := range copies {
			c := &copies[i]
			if c.Camera != camera || !strings.HasPrefix(c.Name, d.Word()+"/") || seen.find(c.Name) != nil {
				continue
			}
			item := zoneItem{name: c.Name, state: zoneGone, was: c}
			if unread {
				item.state = zoneUnread
			}
			seen.items = append(seen.items, item)
		}
	}
	return seen, nil
}

func (s *zonesSeen) find(name string) *zoneItem {
	for i := range s.items {
		if s.items[i].name == name {
			return &s.items[i]
		}
	}
	return nil
}

// zonesJob is one call of `sallyport camera zones`.
type zonesJob struct {
	process
	siteFlags
	yaml, json, accept, forget bool
	which                      []string // the names that --accept and --forget are about
}

// runCameraZones is `sallyport camera zones`: the zones and lines of a camera, and
// which of them rules use.
func runCameraZones(ctx context.Context, p process, args []string) int {
	j := zonesJob{process: p}
	fs := p.cameraFlags("zones")
	j.addSite(fs)
	fs.BoolVar(&j.yaml, "yaml", false, "print them as a part of a rule file")
	fs.BoolVar(&j.json, "json", false, "print one JSON object")
	fs.BoolVar(&j.accept, "accept", false, "let import: use what is on the camera now: all, or those named (perimeter/1)")
	fs.BoolVar(&j.forget, "forget", false, "let import: use the accepted copies of those named no more; the camera is not asked")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	bad := ""
	switch {
	case len(rest) == 0:
		bad = "want the name of a camera"
	case j.yaml && (j.json || j.accept || j.forget), j.json && (j.accept || j.forget), j.accept && j.forget:
		bad = "--yaml, --json, --accept and --forget do not go together"
	case len(rest) > 1 && !j.accept && !j.forget:
		bad = fmt.Sprintf("want one camera, got also %q (zones are named after --accept or --forget)", rest[1])
	case j.forget && len(rest) == 1:
		bad = "--forget wants the names of what to forget (perimeter/1)"
	}
	for _, w := range rest[min(1, len(rest)):] {
		name, _, ok := rulefile.ParseImport(w)
		if !ok && bad == "" {
			bad = fmt.Sprintf("%q is no name of a camera's zone or line, such as perimeter/1 or tripwire/2", w)
		}
		j.which = append(j.which, name)
	}
	if bad != "" {
		fmt.Fprintf(p.stderr, "%s: %s\n", fs.Name(), bad)
		return exitUsage
	}
	if j.forget {
		return j.drop(rest[0])
	}
	d, err := p.siteCamera(&j.siteFlags, rest[0])
	if err != nil {
		return p.errorf("camera: %v", err)
	}
	defer d.Close()
	return j.read(ctx, d)
}

// drop forgets accepted copies. The camera may be gone for good.
func (j *zonesJob) drop(camera string) int {
	_, site, ok := j.loadSite(&j.siteFlags)
	switch {
	case !ok:
		return j.errorf("camera: %v", errSiteFile)
	case site == nil:
		return j.errorf("camera: %v", errNoSiteFile)
	}
	file := importsPath(site.Data)
	copies, err := j.copies(file)
	if err != nil {
		return j.errorf("camera: %v", err)
	}
	for _, name := range j.which {
		if copies.find(camera, name) == nil {
			return j.errorf("camera: %s of camera %q was never accepted", name, camera)
		}
	}
	for _, name := range j.which {
		copies = copies.without(camera, name)
	}
	if err := writeAccepted(file, copies); err != nil {
		return j.errorf("camera: %v", err)
	}
	for _, name := range j.which {
		fmt.Fprintf(j.stdout, "%s/%s is forgotten: nothing is known about zones and lines that import it\n", camera, name)
	}
	return exitOK
}

// copies are the accepted copies; without a folder to keep them in there can be none.
func (j *zonesJob) copies(file string) (accepted, error) {
	if file == "" {
		return nil, errors.New("the site file has no data folder to keep accepted copies in")
	}
	return readAccepted(file)
}

// read asks the camera and says, prints or accepts what it told.
func (j *zonesJob) read(ctx context.Context, d *siteDevice) int {
	file := importsPath(d.site.Data)
	copies, err := j.copies(file)
	if err != nil && (j.accept || file != "") {
		return j.errorf("camera: %v", err)
	}
	name := d.camera.Name
	info, err := d.GetDeviceInfo(ctx)
	var refused *client.Error
	if err != nil && (!errors.As(err, &refused) || errors.Is(err, client.ErrLoginRefused)) {
		return j.failed(name, err)
	}
	seen, err := readZones(ctx, d, name, d.channel, importDetectors(), copies)
	if err != nil {
		return j.failed(name, err)
	}
	code := exitOK
	if seen.failed {
		code = exitError
	}
	switch {
	case j.accept:
		code = max(code, j.take(seen, &info, d.site, name, file))
	case j.yaml:
		err = writeZonesYAML(j.stdout, seen, name, &info)
	case j.json:
		err = writeZonesJSON(j.stdout, seen, name, &info)
	default:
		err = writeZones(j.stdout, seen, name, &info, d.site.Location.Zone)
	}
	if err != nil {
		return j.errorf("camera: %v", err)
	}
	for _, p := range seen.problems {
		fmt.Fprintf(j.stderr, "sallyport: camera %q: %s\n", name, printable(p))
	}
	return code
}

// take accepts what is new or changed. What cannot be used is refused and keeps its
// earlier copy; the others are accepted all the same.
func (j *zonesJob) take(seen *zonesSeen, info *client.DeviceInfo, site *config.Site, camera, file string) int {
	for _, name := range j.which {
		if item := seen.find(name); item == nil || item.now == nil {
			var has []string
			for _, i := range seen.items {
				if i.now != nil {
					has = append(has, i.name)
				}
			}
			return j.errorf("camera: %s is not on camera %q (it has %s)", name, camera, orNothing(strings.Join(has, ", ")))
		}
	}
	code := exitOK
	var taken []zoneItem
	for _, item := range seen.items {
		named := len(j.which) == 0 || slices.Contains(j.which, item.name)
		switch {
		case !named:
		case item.state == zoneGone:
			fmt.Fprintf(j.stdout, "%s is not on the camera any more; its accepted copy stays in use until `sallyport camera zones %s --forget %s`\n", item.name, camera, item.name)
		case item.state == zoneUnread:
			fmt.Fprintf(j.stdout, "%s could not be read; its accepted copy stays in use\n", item.name)
		case item.state == zoneSame:
			fmt.Fprintf(j.stdout, "%s is accepted already\n", item.name)
		default:
			if err := item.now.validate(); err != nil {
				code = j.errorf("camera: %s cannot be accepted: %v: %s", item.name, err, item.now.text())
				continue
			}
			item.now.Accepted = time.Now().UTC().Truncate(time.Second)
			item.now.Model, item.now.Firmware = info.Model, info.SoftwareVersion
			taken = append(taken, item)
		}
	}
	if len(seen.items) == 0 {
		fmt.Fprintf(j.stdout, "%s has no zones and no lines\n", camera)
	}
	if len(taken) == 0 {
		return code
	}
	// Another command may have accepted something while the camera was asked.
	copies, err := readAccepted(file)
	if err == nil {
		for _, item := range taken {
			copies = copies.with(*item.now)
		}
		err = writeAccepted(file, copies)
	}
	if err != nil {
		return j.errorf("camera: nothing is accepted: %v", err)
	}
	for _, item := range taken {
		fmt.Fprintf(j.stdout, "%s is accepted: %s\n", item.name, item.now.text())
		if item.was != nil {
			fmt.Fprintf(j.stdout, "  before it was %s, accepted %s\n", item.was.text(), item.was.Accepted.In(site.Location.Zone).Format(time.DateTime))
		}
	}
	return code
}

func orNothing(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// writeZones writes what a camera has, for people.
func writeZones(w io.Writer, seen *zonesSeen, camera string, info *client.DeviceInfo, loc *time.Location) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: %s\n", camera, deviceText(info))
	if len(seen.items) == 0 {
		fmt.Fprintf(&b, "no zones and no lines\n")
	}
	open := false
	for i := range seen.items {
		item := &seen.items[i]
		kind := "zone"
		if item.use().line() {
			kind = "line"
		}
		fmt.Fprintf(&b, "%-15s %s %s\n", item.name, kind, item.use().text())
		if item.hasOn && !item.on {
			fmt.Fprintf(&b, "%-15s its detector is off on the camera; rules can use it all the same\n", "")
		}
		if item.now != nil {
			if err := item.now.validate(); err != nil {
				fmt.Fprintf(&b, "%-15s cannot be used: %v\n", "", err)
			}
		}
		was := ""
		if item.was != nil {
			was = item.was.Accepted.In(loc).Format(time.DateTime)
		}
		switch item.state {
		case zoneNew:
			open = true
			fmt.Fprintf(&b, "%-15s new: not accepted\n", "")
		case zoneSame:
			fmt.Fprintf(&b, "%-15s the same as accepted %s\n", "", was)
		case zoneChanged:
			open = true
			fmt.Fprintf(&b, "%-15s changed: %s\n", "", difference(item.was, item.now))
			fmt.Fprintf(&b, "%-15s rules use %s, accepted %s\n", "", item.was.text(), was)
		case zoneGone:
			fmt.Fprintf(&b, "%-15s gone from the camera; rules use this copy, accepted %s\n", "", was)
		case zoneUnread:
			fmt.Fprintf(&b, "%-15s could not be read; rules use this copy, accepted %s\n", "", was)
		}
	}
	if open {
		fmt.Fprintf(&b, "`sallyport camera zones %s --accept` lets rules with import: use what is new or changed\n", camera)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func deviceText(info *client.DeviceInfo) string {
	model, firmware := printable(info.Model), printable(info.SoftwareVersion)
	if model == "" {
		model = "a camera that does not say its model"
	}
	if firmware != "" {
		model += ", firmware " + firmware
	}
	return model
}

// difference says in words what changed from one copy to the next.
func difference(was, now *zoneCopy) string {
	var parts []string
	if len(was.Points) != len(now.Points) {
		parts = append(parts, fmt.Sprintf("%d points instead of %d", len(now.Points), len(was.Points)))
	} else {
		for i := range was.Points {
			if was.Points[i] != now.Points[i] {
				parts = append(parts, fmt.Sprintf("point %d from %s to %s", i+1, pointText(was.Points[i]), pointText(now.Points[i])))
			}
		}
	}
	if wayOf(was.Direction) != wayOf(now.Direction) {
		parts = append(parts, "direction from "+wayText(was.Direction)+" to "+wayText(now.Direction))
	}
	return strings.Join(parts, "; ")
}

// writeZonesYAML writes what a camera has as a part of a rule file.
func writeZonesYAML(w io.Writer, seen *zonesSeen, camera string, info *client.DeviceInfo) error {
	var zones, lines bytes.Buffer
	for i := range seen.items {
		item := &seen.items[i]
		if item.now == nil {
			continue
		}
		c := item.now
		name := camera + "-" + strings.NewReplacer("/", "-", "_", "-").Replace(c.Name)
		if len(name) > maxRuleName {
			name = name[len(name)-maxRuleName:]
			name = strings.TrimLeft(name, "-0123456789")
		}
		b, text := &zones, fmt.Sprintf("%s: {camera: %s, polygon: %s}", name, camera, pointsText(c.Points))
		from := "from " + c.Name
		if c.line() {
			b, from = &lines, from+", "+wayText(c.Direction)
			in := c.in()
			if in == "" {
				in, from = "right", from+": which way is in is a guess"
			}
			text = fmt.Sprintf("%s: {camera: %s, from: %s, to: %s, in: %s}", name, camera, pointText(c.Points[0]), pointText(c.Points[1]), in)
		}
		if err := c.validate(); err != nil {
			text, from = "# "+text, from+": cannot be used: "+err.Error()
		}
		fmt.Fprintf(b, "  %s   # %s\n", text, from)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "# What is set up on the camera %s: %s.\n", camera, deviceText(info))
	for _, part := range []struct {
		name string
		b    *bytes.Buffer
	}{{"zones", &zones}, {"lines", &lines}} {
		if part.b.Len() > 0 {
			fmt.Fprintf(&out, "%s:\n%s", part.name, part.b)
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

// maxRuleName is how long the name of a zone or line in a rule file may be.
const maxRuleName = 64

// zoneJSON is a zone or line in JSON.
type zoneJSON struct {
	Name      string      `json:"name"`
	Kind      string      `json:"kind"` // zone or line
	State     string      `json:"state"`
	On        *bool       `json:"on,omitempty"`
	Points    [][2]int32  `json:"points,omitempty"`    // as on the camera
	Direction string      `json:"direction,omitempty"` // in the camera's word
	In        string      `json:"in,omitempty"`        // left or right
	Problem   string      `json:"problem,omitempty"`   // why it cannot be used
	Changes   string      `json:"changes,omitempty"`   // what changed since it was accepted
	Accepted  *acceptJSON `json:"accepted,omitempty"`
}

type acceptJSON struct {
	At        time.Time  `json:"at"`
	Points    [][2]int32 `json:"points"`
	Direction string     `json:"direction,omitempty"`
	Model     string     `json:"model,omitempty"`
	Firmware  string     `json:"firmware,omitempty"`
}

// writeZonesJSON writes what a camera has for programs.
func writeZonesJSON(w io.Writer, seen *zonesSeen, camera string, info *client.DeviceInfo) error {
	out := struct {
		Camera   string     `json:"camera"`
		Model    string     `json:"model,omitempty"`
		Firmware string     `json:"firmware,omitempty"`
		Items    []zoneJSON `json:"items"`
		Problems []string   `json:"problems,omitempty"`
	}{camera, info.Model, info.SoftwareVersion, []zoneJSON{}, seen.problems}
	for i := range seen.items {
		item := &seen.items[i]
		z := zoneJSON{Name: item.name, Kind: "zone", State: item.state}
		if item.use().line() {
			z.Kind = "line"
		}
		if item.hasOn {
			z.On = &item.on
		}
		if c := item.now; c != nil {
			z.Points, z.Direction = c.Points, c.Direction
			if err := c.validate(); err != nil {
				z.Problem = err.Error()
			} else if c.line() {
				z.In = c.in()
			}
		}
		if c := item.was; c != nil {
			z.Accepted = &acceptJSON{c.Accepted, c.Points, c.Direction, c.Model, c.Firmware}
		}
		if item.state == zoneChanged {
			z.Changes = difference(item.was, item.now)
		}
		out.Items = append(out.Items, z)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}
