package rulefile

import (
	"maps"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/geometry"
)

const importing = `
zones:
  yard: {camera: front, import: perimeter/1, margin: 50}
  read: {camera: front, import: plate}
lines:
  kerb: {camera: front, import: tripwire/1}
  walk: {camera: front, import: tripwire/1, in: right}
rules:
  - {name: r, on: target, when: 'inside("yard") || inside("read") || crossed("kerb", "in") || crossed("walk")', do: {log: x}}
`

func square(x1, y1, x2, y2 int32) geometry.Polygon {
	return geometry.Polygon{{X: x1, Y: y1}, {X: x2, Y: y1}, {X: x2, Y: y2}, {X: x1, Y: y2}}
}

func acceptedCopies() map[string]Import {
	return map[string]Import{
		"front/perimeter/1": {Polygon: square(0, 0, 5000, 5000)},
		"front/perimeter/2": {Polygon: square(0, 0, 10, 10)},
		"front/plate/1":     {Polygon: square(100, 100, 900, 900)},
		"front/tripwire/1":  {Segment: geometry.Segment{From: geometry.Point{X: 5000, Y: 1000}, To: geometry.Point{X: 5000, Y: 9000}}, In: "left"},
		"gate/perimeter/1":  {Polygon: square(0, 0, 20, 20)},
	}
}

// loadImporting loads the text with these copies and demands how many warnings it gets.
func loadImporting(t *testing.T, copies map[string]Import, warnings int) *engine.Ruleset {
	t.Helper()
	s := testSite()
	s.Imports = copies
	rs, problems := LoadFiles([]File{{"a.yaml", []byte(importing)}}, "rules.d", s)
	if rs == nil || len(problems) != warnings {
		t.Fatalf("%s", listing(problems))
	}
	return rs
}

// TestImports: zones and lines are where the accepted copies are.
func TestImports(t *testing.T) {
	rs := loadImporting(t, acceptedCopies(), 0)
	if want := []string{"front/perimeter/1", "front/plate/1", "front/tripwire/1"}; !slices.Equal(rs.Imports, want) {
		t.Errorf("the set's imports are %q, not %q", rs.Imports, want)
	}
	l := rs.Cameras[rs.Zones[0].Camera].Layout
	if z := l.Zones[rs.Zones[0].Index]; z.Unknown || z.Margin != 50 || z.Polygon[2] != (geometry.Point{X: 5000, Y: 5000}) {
		t.Errorf("the yard is %+v", z)
	}
	if z := l.Zones[rs.Zones[1].Index]; z.Unknown || z.Polygon[2] != (geometry.Point{X: 900, Y: 900}) {
		t.Errorf("the plate zone is %+v", z)
	}
	for i, left := range []bool{true, false} {
		if n := l.Lines[rs.Lines[i].Index]; n.InLeft != left || n.Segment.To != (geometry.Point{X: 5000, Y: 9000}) {
			t.Errorf("line %d is %+v", i, n)
		}
	}
}

// TestImportsHash: another copy makes another set; a copy that no zone imports does not.
func TestImportsHash(t *testing.T) {
	first := loadImporting(t, acceptedCopies(), 0).Hash
	other := acceptedCopies()
	other["front/perimeter/2"] = Import{Polygon: square(0, 0, 30, 30)}
	delete(other, "gate/perimeter/1")
	if got := loadImporting(t, other, 0).Hash; got != first {
		t.Error("copies that nothing imports make another set")
	}
	for what, change := range map[string]func(map[string]Import){
		"a corner":     func(m map[string]Import) { m["front/perimeter/1"] = Import{Polygon: square(0, 0, 5000, 5001)} },
		"the plates":   func(m map[string]Import) { m["front/plate/1"] = Import{Polygon: square(0, 0, 900, 900)} },
		"the way in":   func(m map[string]Import) { c := m["front/tripwire/1"]; c.In = "right"; m["front/tripwire/1"] = c },
		"a line's end": func(m map[string]Import) { c := m["front/tripwire/1"]; c.Segment.To.X++; m["front/tripwire/1"] = c },
	} {
		changed := maps.Clone(acceptedCopies())
		change(changed)
		if loadImporting(t, changed, 0).Hash == first {
			t.Errorf("%s changed and the set is the same", what)
		}
	}
	gone := acceptedCopies()
	delete(gone, "front/plate/1")
	if loadImporting(t, gone, 1).Hash == first {
		t.Error("a copy is gone and the set is the same")
	}
}

// TestImportsFault: copies that cannot be read are an error for a set that needs them, and nothing to any other.
func TestImportsFault(t *testing.T) {
	s := testSite()
	s.ImportsFault = "imports.json: not an object"
	_, problems := LoadFiles([]File{{"a.yaml", []byte("zones: {yard: {camera: front, import: perimeter/1}}\nrules: [{name: r, on: target, when: inside(\"yard\"), do: {log: x}}]\n")}}, "rules.d", s)
	const want = `rules.d/a.yaml:1:39: zone "yard": the accepted copies of the cameras' zones cannot be read; correct or remove the file and accept them anew: imports.json: not an object`
	if len(problems) != 1 || problems[0].Summary() != want {
		t.Errorf("%s", listing(problems))
	}
	if rs, problems := LoadFiles([]File{{"a.yaml", []byte("flags: {a: true}\n")}}, "rules.d", s); rs == nil {
		t.Errorf("%s", listing(problems))
	}
}

// TestUnacceptedLine: nothing is known about a line that was never accepted, so neither a condition nor its opposite holds.
func TestUnacceptedLine(t *testing.T) {
	for _, condition := range []string{`crossed("fence")`, `crossed("fence", "in")`, `balance("fence") == 0`, `crossings("fence", "1h") == 0`, `balance("fence") > 0`} {
		if got, _ := probe(t, "target", condition, noon, stay(4)...); got != engine.Unknown {
			t.Errorf("%s: %v", condition, got)
		}
	}
	if got, _ := probe(t, "target", `crossed("kerb")`, noon, stay(4)...); got != engine.False {
		t.Errorf("the line that is known: %v", got)
	}
}

func TestParseImport(t *testing.T) {
	for s, want := range map[string]string{
		"perimeter/1": "perimeter/1", "parking/64": "parking/64", "plate": "plate/1", "tripwire/4": "tripwire/4 line", "line_count/1": "line_count/1 line",
		"perimeter": "", "perimeter/0": "", "perimeter/65": "", "perimeter/+1": "", "perimeter/01": "", "face/1": "", "": "", "/1": "", "perimeter/1/1": "",
	} {
		name, line, ok := ParseImport(s)
		if line {
			name += " line"
		}
		if name != want || ok != (want != "") {
			t.Errorf("%q gives %q, %v", s, name, ok)
		}
	}
}
