package rulefile

import (
	"strconv"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/scene"
	"go.yaml.in/yaml/v4"
)

// failing gives a place that notes whether an error was reported at it.
func (a at) failing() (at, *bool) {
	failed := new(bool)
	a.failed = failed
	return a, failed
}

func find(pairs []pair, name string) *yaml.Node {
	for _, p := range pairs {
		if p.name == name {
			return p.val
		}
	}
	return nil
}

// cameraOf is the number of the camera that a zone or line is on.
func (ld *loader) cameraOf(a at, p pair, pairs []pair) int {
	n := find(pairs, "camera")
	if n == nil {
		a.errorf(p.key, "camera is missing")
		return 0
	}
	name, ok := a.text(n, "camera")
	if !ok {
		return 0
	}
	if !ld.camera(name) {
		a.errorf(n, "there is no camera %s%s", cut(name), a.meant(name, ld.cameraNames))
		return 0
	}
	return ld.cameras[name]
}

func zoneKeys() []string {
	return []string{"camera", "polygon", "import", "anchor", "settle", "margin", "linger", "classes"}
}

func lineKeys() []string {
	return []string{"camera", "from", "to", "import", "in", "margin", "anchor"}
}

func zoneAnchors() []string { return append(lineAnchors(), "any") }

func lineAnchors() []string { return []string{"bottom", "center", "top"} }

// sideWords are the sides of a line, looking from its beginning to its end.
func sideWords() []string { return []string{"left", "right"} }

func (ld *loader) addZone(a at, p pair) {
	// A zone with errors is known by name all the same, so that rules that use it are not reported too.
	if !a.unique(ld.zones, &ld.zoneNames, p.key, p.name) {
		return
	}
	z := scene.Zone{Name: p.name, Settle: scene.DefaultSettle, Margin: scene.DefaultMargin, Linger: scene.DefaultLinger}
	cam := 0
	pairs, ok := a.mapping(p.val, "a zone", zoneKeys())
	if ok {
		cam = ld.cameraOf(a, p, pairs)
		polygon, imported := find(pairs, "polygon"), find(pairs, "import")
		switch {
		case polygon == nil && imported == nil:
			a.errorf(p.key, "polygon is missing")
		case polygon != nil && imported != nil:
			a.errorf(imported, "a zone has a polygon or an import, not both")
		case imported != nil:
			c, ok := ld.imported(a, imported, pairs, "zone", zoneImports())
			z.Polygon, z.Unknown = c.Polygon, !ok
			if err := c.Polygon.Validate(); ok && err != nil {
				a.errorf(imported, "the accepted copy of this zone cannot be used: %v; accept it again", err)
			}
		}
		for _, f := range pairs {
			switch f.name {
			case "polygon":
				z.Polygon = a.polygon(f.val)
			case "anchor":
				if s, ok := a.word(f.val, "anchor", zoneAnchors()); ok {
					z.Anchor, _ = scene.ParseAnchor(s)
				}
			case "settle":
				z.Settle, _ = a.duration(f.val, "settle", true)
			case "linger":
				z.Linger, _ = a.duration(f.val, "linger", true)
			case "margin":
				m, _ := a.integer(f.val, "margin", 0, geometry.Size)
				z.Margin = int32(m)
			case "classes":
				z.Classes = a.classes(f.val)
			}
		}
	}
	ld.zonePlaces = append(ld.zonePlaces, a.place(p, pairs, cam))
	ld.zoneDefs = append(ld.zoneDefs, z)
	ld.zoneNodes = append(ld.zoneNodes, p)
	ld.zoneDecls = append(ld.zoneDecls, declared{at: a, key: p.key})
}

// place is where a zone or line is declared.
func (a at) place(p pair, pairs []pair, camera int) engine.Place {
	at := engine.Place{Name: p.name, Camera: camera, File: a.src.name, Line: p.key.Line}
	if n := find(pairs, "import"); n != nil {
		at.Import, _, _ = ParseImport(n.Value)
	}
	return at
}

func (a at) classes(n *yaml.Node) scene.ClassSet {
	var set scene.ClassSet
	items, ok := a.oneOrMore(n, "classes")
	if !ok {
		return 0
	}
	if len(items) == 0 {
		a.errorf(n, "classes is empty; leave it out to allow all")
	}
	for _, i := range items {
		if s, ok := a.word(i, "a class", classWords()); ok {
			c, _ := scene.ParseClass(s)
			set |= scene.Classes(c)
		}
	}
	return set
}

func (a at) polygon(n *yaml.Node) geometry.Polygon {
	items, ok := a.items(n, "polygon")
	if !ok {
		return nil
	}
	var p geometry.Polygon
	for _, i := range items {
		pt, good := a.point(i, "a point of the polygon")
		p = append(p, pt)
		ok = ok && good
		if len(p) > geometry.MaxPoints {
			break
		}
	}
	if !ok {
		return nil
	}
	if err := p.Validate(); err != nil {
		a.errorf(n, "%v", err)
		return nil
	}
	return p
}

func (a at) point(n *yaml.Node, what string) (geometry.Point, bool) {
	if n.Kind != yaml.SequenceNode || len(n.Content) != 2 {
		a.errorf(n, "%s is [x, y]", what)
		return geometry.Point{}, false
	}
	var xy [2]int32
	for i, c := range n.Content {
		v, err := strconv.ParseInt(c.Value, 10, 32)
		if c.Kind != yaml.ScalarNode || err != nil {
			if _, fe := strconv.ParseFloat(c.Value, 64); c.Kind == yaml.ScalarNode && fe == nil {
				a.errorf(c, "a coordinate is a whole number from 0 to %d, not %s (shares of the frame are not used)", geometry.Size, c.Value)
			} else {
				a.errorf(c, "a coordinate is a whole number from 0 to %d, not %s", geometry.Size, kindWord(c))
			}
			return geometry.Point{}, false
		}
		if v < 0 || v > geometry.Size {
			a.errorf(c, "a coordinate is a whole number from 0 to %d, not %d", geometry.Size, v)
			return geometry.Point{}, false
		}
		xy[i] = int32(v)
	}
	return geometry.Point{X: xy[0], Y: xy[1]}, true
}

func (ld *loader) addLine(a at, p pair) {
	if !a.unique(ld.lines, &ld.lineNames, p.key, p.name) {
		return
	}
	l := scene.Line{Name: p.name, Margin: scene.DefaultLineMargin}
	cam := 0
	pairs, ok := a.mapping(p.val, "a line", lineKeys())
	if ok {
		cam = ld.cameraOf(a, p, pairs)
		imported := find(pairs, "import")
		switch {
		case imported == nil:
			for _, must := range []string{"from", "to", "in"} {
				if find(pairs, must) == nil {
					a.errorf(p.key, "%s is missing", must)
				}
			}
		case find(pairs, "from") != nil || find(pairs, "to") != nil:
			a.errorf(imported, "a line has from and to or an import, not both")
		default:
			c, ok := ld.imported(a, imported, pairs, "line", lineImports())
			l.Segment, l.InLeft = c.Segment, c.In == "left"
			switch {
			case !ok:
			case !onFrame(c.Segment.From) || !onFrame(c.Segment.To) || c.Segment.From == c.Segment.To:
				a.errorf(imported, "the accepted copy of this line cannot be used: it has no length or leaves the frame; accept it again")
			case c.In == "" && find(pairs, "in") == nil:
				a.errorf(imported, "the camera counts both ways over this line alike, so in is needed: left or right, looking from [%d, %d] to [%d, %d]",
					c.Segment.From.X, c.Segment.From.Y, c.Segment.To.X, c.Segment.To.Y)
			}
		}
		var from, to bool
		for _, f := range pairs {
			switch f.name {
			case "from":
				l.Segment.From, from = a.point(f.val, "from")
			case "to":
				l.Segment.To, to = a.point(f.val, "to")
			case "in":
				s, _ := a.word(f.val, "in", sideWords())
				l.InLeft = s == "left"
			case "margin":
				m, _ := a.integer(f.val, "margin", 0, geometry.Size)
				l.Margin = int32(m)
			case "anchor":
				if s, ok := a.word(f.val, "anchor", lineAnchors()); ok {
					l.Anchor, _ = scene.ParseAnchor(s)
				}
			}
		}
		if from && to && l.Segment.From == l.Segment.To {
			a.errorf(find(pairs, "to"), "from and to are the same point")
		}
	}
	ld.linePlaces = append(ld.linePlaces, a.place(p, pairs, cam))
	ld.lineDefs = append(ld.lineDefs, l)
	ld.lineNodes = append(ld.lineNodes, p)
}

func (ld *loader) addFlag(a at, p pair) {
	if !a.unique(ld.flags, &ld.flagNames, p.key, p.name) {
		return
	}
	s, _ := a.scalar(p.val)
	ld.flagDefs = append(ld.flagDefs, engine.FlagDef{Name: p.name, Initial: s})
	ld.flagDecls = append(ld.flagDecls, declared{at: a, key: p.key})
}

// scalar is a flag's value: true, false, a number or a text.
func (a at) scalar(n *yaml.Node) (engine.Scalar, bool) {
	if n.Kind != yaml.ScalarNode || isNull(n) {
		a.errorf(n, "a flag's value is true, false, a number or a text, not %s", kindWord(n))
		return engine.Scalar{}, false
	}
	if isPlain(n) {
		switch n.Value {
		case "true", "True", "TRUE":
			return engine.Scalar{Type: engine.ScalarBool, Bool: true}, true
		case "false", "False", "FALSE":
			return engine.Scalar{Type: engine.ScalarBool}, true
		case "yes", "no", "on", "off", "Yes", "No", "On", "Off", "YES", "NO", "ON", "OFF":
			a.errorf(n, "write true or false, or %q in quotes for the text", n.Value)
			return engine.Scalar{}, false
		}
		// 0123 is a text: a number is not written so.
		if isJSONNumber(n.Value) {
			f, ok := parseNumber(n.Value)
			return engine.Scalar{Type: engine.ScalarNumber, Number: f}, ok
		}
	}
	if runeLen(n.Value) > maxValue {
		a.errorf(n, "a flag's value has at most %d characters", maxValue)
		return engine.Scalar{}, false
	}
	return engine.Scalar{Type: engine.ScalarText, Text: n.Value}, true
}
