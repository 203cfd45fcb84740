package rulefile

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/geometry"
	"go.yaml.in/yaml/v4"
)

// maxImport is the highest number of a camera's own zone or line.
const maxImport = 64

// Import is the accepted copy of a zone or line that is set up on a camera: one of Polygon and Segment.
type Import struct {
	// Polygon is the zone.
	Polygon geometry.Polygon
	// Segment is the line.
	Segment geometry.Segment
	// In is the side of the line, left or right, looking from its From to its To on the screen, a move onto which is in.
	// It is empty when the camera counts both ways alike.
	In string
}

// zoneImports are the detectors whose areas a zone may import.
func zoneImports() []string {
	return []string{"perimeter", "region_entry", "region_exit", "loitering", "parking", "plate"}
}

// lineImports are the detectors whose lines a line may import.
func lineImports() []string { return []string{"tripwire", "line_count"} }

// ParseImport reads what stands after `import:`: a detector and a number from 1 to 64, perimeter/1. plate alone is
// plate/1, for a camera has one. It gives the name as it is in [Site.Imports] after the camera's, and whether it is a
// line; false when it is neither zone nor line.
func ParseImport(s string) (name string, line, ok bool) {
	if s == "plate" {
		return "plate/1", false, true
	}
	word, number, _ := strings.Cut(s, "/")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > maxImport || strconv.Itoa(n) != number {
		return "", false, false
	}
	line = contains(lineImports(), word)
	if !line && !contains(zoneImports(), word) {
		return "", false, false
	}
	return s, line, true
}

// imported is the accepted copy that an import names. Without one it reports why; false means that nothing is known
// about the zone or line. What is in the copy belongs to the set: with another copy it is another set.
func (ld *loader) imported(a at, n *yaml.Node, pairs []pair, what string, words []string) (Import, bool) {
	s, ok := a.text(n, "import")
	if !ok {
		return Import{}, false
	}
	name, line, ok := ParseImport(s)
	if !ok || line != (what == "line") {
		word, _, _ := strings.Cut(s, "/")
		meant := ""
		if !contains(words, word) {
			meant = a.meant(word, words)
		}
		a.errorf(n, "%s is not a %s of a camera: those are %s, each with / and its number (%s/1)%s", cut(s), what, orList(words), words[0], meant)
		return Import{}, false
	}
	if ld.site.ImportsFault != "" {
		a.errorf(n, "the accepted copies of the cameras' zones cannot be read; correct or remove the file and accept them anew: %s", ld.site.ImportsFault)
		return Import{}, false
	}
	cam := find(pairs, "camera")
	if cam == nil || cam.Kind != yaml.ScalarNode || !ld.camera(cam.Value) {
		return Import{}, false // it is said already
	}
	key := cam.Value + "/" + name
	ld.imports = append(ld.imports, key)
	c, ok := ld.site.Imports[key]
	if !ok {
		a.warnf(n, "the camera's own %s %s was never accepted, so nothing is known about it; \"sallyport camera zones %s --accept\" accepts it", what, name, cam.Value)
		return Import{}, false
	}
	// No file of the folder can have such a name.
	ld.addHash("/import/"+key, fmt.Appendf(nil, "%v %v %q", c.Polygon, c.Segment, c.In))
	return c, true
}

// lineKnown tells whether anything is known of a line: the copy of an imported one may never have been accepted.
func (ld *loader) lineKnown(line engine.LineRef) bool {
	s := ld.lineDefs[line].Segment
	return s.From != s.To
}

func onFrame(p geometry.Point) bool {
	return p.X >= 0 && p.X <= geometry.Size && p.Y >= 0 && p.Y <= geometry.Size
}
