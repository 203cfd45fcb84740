package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/viewtron/client"
)

// importsFile holds the accepted copies of the cameras' own zones and lines, below the
// data folder. Rules know these only: what is changed on a camera, or a camera that is
// away, moves nothing.
const importsFile = "imports.json"

// The bounds of the file.
const (
	maxImportsSize = 4 << 20 // bytes
	maxCopies      = 10_000
)

// The directions of a camera's line, as the devices spell them.
const (
	rightOrTop   = "rightortop"   // left to right, or bottom to top
	leftOrBottom = "leftorbotton" // right to left, or top to bottom
)

// zoneCopy is a copy of a zone or line that is set up on a camera.
type zoneCopy struct {
	Camera string `json:"camera"`
	Name   string `json:"name"` // perimeter/1
	// Points are the corners of a zone, or a line's beginning and end.
	Points    [][2]int32 `json:"points"`
	Direction string     `json:"direction,omitempty"` // of a line, in the device's word
	Accepted  time.Time  `json:"accepted"`
	// Model and Firmware are the device's when it was accepted.
	Model    string `json:"model,omitempty"`
	Firmware string `json:"firmware,omitempty"`
}

func (c *zoneCopy) key() string { return c.Camera + "/" + c.Name }

func (c *zoneCopy) line() bool {
	_, line, _ := rulefile.ParseImport(c.Name)
	return line
}

func (c *zoneCopy) polygon() geometry.Polygon {
	p := make(geometry.Polygon, len(c.Points))
	for i, xy := range c.Points {
		p[i] = geometry.Point{X: xy[0], Y: xy[1]}
	}
	return p
}

// segment is a line with its two points.
func (c *zoneCopy) segment() geometry.Segment {
	p := c.polygon()
	return geometry.Segment{From: p[0], To: p[1]}
}

// validate says why a copy cannot be used.
func (c *zoneCopy) validate() error {
	_, line, ok := rulefile.ParseImport(c.Name)
	switch {
	case !ok:
		return fmt.Errorf("%q is neither a zone nor a line of a camera", c.Name)
	case !line && len(c.Direction) > 0:
		return errors.New("a zone has no direction")
	case !line:
		return c.polygon().Validate()
	case len(c.Points) != 2:
		return fmt.Errorf("a line has 2 points, this one has %d", len(c.Points))
	case c.Points[0] == c.Points[1]:
		return errors.New("the line has no length")
	case !slices.Contains([]string{"", "none", rightOrTop, leftOrBottom}, c.Direction):
		return fmt.Errorf("%q is no direction of a line", c.Direction)
	}
	for i, p := range c.Points {
		if p[0] < 0 || p[0] > geometry.Size || p[1] < 0 || p[1] > geometry.Size {
			return fmt.Errorf("point %d, %s, is outside the frame (0..%d)", i+1, pointText(p), geometry.Size)
		}
	}
	return nil
}

// same tells whether two copies are of the same zone or line.
func (c *zoneCopy) same(o *zoneCopy) bool {
	return slices.Equal(c.Points, o.Points) && wayOf(c.Direction) == wayOf(o.Direction)
}

// wayOf is a direction; a camera that says none counts both ways.
func wayOf(direction string) string { return cmp.Or(direction, "none") }

// in is the side of a line, left or right, looking from its first point to its second
// on the screen, onto which the camera's direction leads; empty when the camera counts
// both ways. A line that is more upright than flat is crossed to the right or the left,
// any other to the top or the bottom.
func (c *zoneCopy) in() string {
	if c.Direction != rightOrTop && c.Direction != leftOrBottom {
		return ""
	}
	s := c.segment()
	dx, dy := s.To.X-s.From.X, s.To.Y-s.From.Y
	// A point that is surely on the side to the right, or the top, of the line.
	beyond := geometry.Point{X: s.From.X + 1, Y: s.From.Y}
	if max(dx, -dx) > max(dy, -dy) {
		beyond = geometry.Point{X: s.From.X, Y: s.From.Y - 1}
	}
	if (s.Side(beyond) == geometry.Left) == (c.Direction == rightOrTop) {
		return "left"
	}
	return "right"
}

// rule is the copy as the rule loader takes it.
func (c *zoneCopy) rule() rulefile.Import {
	if c.line() {
		return rulefile.Import{Segment: c.segment(), In: c.in()}
	}
	return rulefile.Import{Polygon: c.polygon()}
}

// text is where the zone or line is: its points, and a line's direction.
func (c *zoneCopy) text() string {
	if c.line() && len(c.Points) == 2 {
		return pointText(c.Points[0]) + " to " + pointText(c.Points[1]) + ", " + wayText(c.Direction)
	}
	return pointsText(c.Points)
}

func wayText(direction string) string {
	switch direction {
	case rightOrTop:
		return "left to right or bottom to top (rightortop)"
	case leftOrBottom:
		return "right to left or top to bottom (leftorbotton)"
	}
	return "both ways"
}

func pointText(p [2]int32) string {
	return "[" + strconv.Itoa(int(p[0])) + ", " + strconv.Itoa(int(p[1])) + "]"
}

func pointsText(points [][2]int32) string {
	texts := make([]string, len(points))
	for i, p := range points {
		texts[i] = pointText(p)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// accepted are the accepted copies of a site, sorted by camera and name.
type accepted []zoneCopy

// find gives the copy of a camera's zone or line; nil when none was accepted.
func (a accepted) find(camera, name string) *zoneCopy {
	for i := range a {
		if a[i].Camera == camera && a[i].Name == name {
			return &a[i]
		}
	}
	return nil
}

// rules are the copies as the rule loader takes them.
func (a accepted) rules() map[string]rulefile.Import {
	m := make(map[string]rulefile.Import, len(a))
	for i := range a {
		m[a[i].key()] = a[i].rule()
	}
	return m
}

// with puts a copy in the place of the earlier one of the same zone or line.
func (a accepted) with(c zoneCopy) accepted {
	out := append(a.without(c.Camera, c.Name), c)
	slices.SortFunc(out, func(x, y zoneCopy) int { return compareNames(x.key(), y.key()) })
	return out
}

func (a accepted) without(camera, name string) accepted {
	return slices.DeleteFunc(slices.Clone(a), func(c zoneCopy) bool { return c.Camera == camera && c.Name == name })
}

// compareNames sorts front/perimeter/2 before front/perimeter/10.
func compareNames(a, b string) int {
	i, j := strings.LastIndexByte(a, '/'), strings.LastIndexByte(b, '/')
	if i < 0 || j < 0 || a[:i] != b[:j] {
		return strings.Compare(a, b)
	}
	x, _ := strconv.Atoi(a[i+1:])
	y, _ := strconv.Atoi(b[j+1:])
	return cmp.Compare(x, y)
}

// importsVersion is the version of the file.
const importsVersion = 1

type importsText struct {
	Version int      `json:"version"`
	Zones   accepted `json:"zones"`
}

// readAccepted reads the accepted copies; no file is none. A file that is not right in
// any part is not used at all.
func readAccepted(file string) (accepted, error) {
	if err := regular(file); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	b, err := readBounded(file, maxImportsSize)
	if err != nil {
		return nil, err
	}
	return decodeAccepted(b, file)
}

// decodeAccepted reads the text of a file with accepted copies.
func decodeAccepted(b []byte, file string) (accepted, error) {
	var t importsText
	if err := json.Unmarshal(b, &t); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if t.Version != importsVersion {
		return nil, fmt.Errorf("%s: it is of version %d, this program reads version %d", file, t.Version, importsVersion)
	}
	if len(t.Zones) > maxCopies {
		return nil, fmt.Errorf("%s: it holds more than %d copies", file, maxCopies)
	}
	seen := make(map[string]bool, len(t.Zones))
	for i := range t.Zones {
		c := &t.Zones[i]
		if err := c.validate(); err != nil {
			return nil, fmt.Errorf("%s: copy %d of camera %q: %w", file, i+1, c.Camera, err)
		}
		if seen[c.key()] {
			return nil, fmt.Errorf("%s: there are two copies of %s", file, c.key())
		}
		seen[c.key()] = true
	}
	return t.Zones, nil
}

// writeAccepted puts the copies in the place of the earlier ones.
func writeAccepted(file string, a accepted) error {
	b, err := json.MarshalIndent(importsText{Version: importsVersion, Zones: a}, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(file, append(b, '\n'))
}

// importsPath is where a site keeps its accepted copies; empty when it keeps nothing.
func importsPath(data string) string {
	if data == "" {
		return ""
	}
	return filepath.Join(data, importsFile)
}

// siteImports puts the accepted copies of a data folder into what rules may know.
func siteImports(s rulefile.Site, file string) (rulefile.Site, accepted) {
	s.Imports, s.ImportsFault = nil, ""
	if file == "" {
		return s, nil
	}
	a, err := readAccepted(file)
	if err != nil {
		s.ImportsFault = err.Error()
		return s, nil
	}
	s.Imports = a.rules()
	return s, a
}

// copiesOf are a detector's zones and lines as copies, by name. Points that only repeat
// the one before them, and a last one that repeats the first, are left out.
func copiesOf(camera string, d *client.Detection) []zoneCopy {
	var out []zoneCopy
	name := func(id int) (name string, line, ok bool) {
		return rulefile.ParseImport(d.Detector.Word() + "/" + strconv.Itoa(id))
	}
	for _, r := range d.Regions {
		name, line, ok := name(r.ID)
		if !ok || line {
			continue
		}
		c := zoneCopy{Camera: camera, Name: name}
		for _, p := range r.Points {
			c.Points = append(c.Points, unitPoint(p))
		}
		c.Points = slices.Compact(c.Points)
		if n := len(c.Points); n > 1 && c.Points[0] == c.Points[n-1] {
			c.Points = c.Points[:n-1]
		}
		out = append(out, c)
	}
	for _, l := range d.Lines {
		if name, line, ok := name(l.ID); ok && line {
			out = append(out, zoneCopy{Camera: camera, Name: name, Points: [][2]int32{unitPoint(l.From), unitPoint(l.To)}, Direction: l.Direction})
		}
	}
	return out
}

// unitPoint keeps what is outside the frame outside of it.
func unitPoint(p client.Point) [2]int32 {
	unit := func(v int) int32 { return int32(max(min(v, geometry.Size+1), -1)) }
	return [2]int32{unit(p.X), unit(p.Y)}
}

// importDetectors are the detectors whose zones and lines can be imported.
func importDetectors() []client.Detector {
	return slices.DeleteFunc(client.Detectors(), func(d client.Detector) bool {
		_, _, ok := rulefile.ParseImport(d.Word() + "/1")
		return !ok
	})
}
