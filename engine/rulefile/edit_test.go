package rulefile

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/scene"
	"go.yaml.in/yaml/v4"
)

func corners(n int32) []geometry.Point {
	return []geometry.Point{{X: 0, Y: 0}, {X: n, Y: 0}, {X: n, Y: n}}
}

func porch(points ...geometry.Point) *Place {
	return &Place{Name: "porch", Camera: "front", Points: points}
}

type editCase struct {
	name, text string
	do         func(text []byte) ([]byte, error)
}

func place(section, was string, p *Place) func([]byte) ([]byte, error) {
	return func(b []byte) ([]byte, error) { return EditPlace(b, section, was, p) }
}

func entry(list string, l ListEntry) func([]byte) ([]byte, error) {
	return func(b []byte) ([]byte, error) { return EditListEntry(b, list, l) }
}

func off(list, plate string) func([]byte) ([]byte, error) {
	return func(b []byte) ([]byte, error) { return RemoveListEntry(b, list, plate) }
}

func editCases() []editCase {
	zero, second, margin := time.Duration(0), time.Second, 20
	full := &Place{Name: "porch", Camera: "front", Points: corners(900), Anchor: "center", Classes: []string{"person", "car"}, Margin: &margin, Settle: &zero, Linger: &second}
	settle := scene.DefaultSettle
	usual := &Place{Name: "porch", Camera: "front", Points: corners(900), Anchor: "bottom", Settle: &settle, Linger: &second, Classes: []string{}}
	line := &Place{Name: "kerb", Camera: "front", Points: corners(900)[:2], In: "left"}
	block := `# The house.
zones:
  # The porch, from the door to the lamp.
  porch:               # in front
    camera: front      # the one above the door
    polygon:           # drawn by Ann
      - [1, 2]         # the mat
      - [3000, 2]
      - [3000, 4000]   # the lamp
    anchor: 'center'   # half
    settle: 1000ms
  # The drive.
  drive: {camera: front, polygon: [[0, 0], [5, 0], [5, 5]]}

# And what is done.
rules: []
`
	lists := `lists:
  # Who lives here.
  residents:
    - plate: ABC1234      # Ann's
      owner: "Ann"
      until: 2027-02-28
    - {plate: "0123", owner: 'Bob'}   # old
    - XY 99
    # Ends here.
  staff: [A111, {plate: B222},  C333]
  nobody: []
  none:
  long: {file: plates/long.csv}
  many: [
    {plate: D444},   # four
    {plate: E555}    # five
  ]
  twice: [A111, a-111, B222]
`
	return []editCase{
		{"a corner is moved", block, place("zones", "porch", porch(geometry.Point{X: 1, Y: 2}, geometry.Point{X: 3100, Y: 2}, geometry.Point{X: 3000, Y: 4000}))},
		{"a corner is added", block, place("zones", "porch", porch(append(corners(7), geometry.Point{X: 0, Y: 7})...))},
		{"corners are taken away", block, place("zones", "porch", porch(corners(7)[:2]...))},
		{"the name changes", block, place("zones", "porch", &Place{Name: "step"})},
		{"everything changes", block, place("zones", "porch", full)},
		{"usual values are not written, and those that are there are set", block, place("zones", "porch", usual)},
		{"usual values in flow", block, place("zones", "drive", &Place{Name: "drive", Camera: "front", Points: []geometry.Point{{X: 0, Y: 0}, {X: 5, Y: 0}, {X: 5, Y: 5}}, Anchor: "bottom", Settle: &settle, Linger: &second})},
		{"everything in flow", block, place("zones", "drive", &Place{Camera: "back", Points: corners(6), Anchor: "any", Classes: []string{"car"}, Margin: &margin, Settle: &zero, Linger: &second})},
		{"an import instead", block, place("zones", "porch", &Place{Import: "perimeter/1"})},
		{"an import instead in flow", block, place("zones", "drive", &Place{Import: "perimeter/1"})},
		{"points instead of an import", "zones: {yard: {import: perimeter/1, camera: front}}\n", place("zones", "yard", &Place{Points: corners(8)})},
		{"it is removed", block, place("zones", "porch", nil)},
		{"the one below is removed", block, place("zones", "drive", nil)},
		{"a new one", block, place("zones", "", &Place{Name: "yard", Camera: "front", Points: corners(9), Classes: []string{"car"}})},
		{"a new one beside blocks", "zones:\n  drive:\n      camera: front\n      import: plate # here\n# end\n", place("zones", "", full)},
		{"a line in a new section", block, place("lines", "", line)},
		{"a line in an empty file", "", place("lines", "", line)},
		{"a line in a file of comments", "# nothing here", place("lines", "", line)},
		{"a section without anything in it", "zones: # none yet\n  # so far\nrules: []\n", place("zones", "", porch(corners(3)...))},
		{"an empty section", "zones: {}   # none\nrules: []\n", place("zones", "", porch(corners(3)...))},
		{"a section of null", "zones: null # none\n", place("zones", "", porch(corners(3)...))},
		{"the last one is removed", "zones:\n  porch: {camera: front, import: plate}   # gone\n  # here\nrules: []\n", place("zones", "porch", nil)},
		{"the last one is removed in flow", "zones: {porch: {camera: front, import: plate}}   # gone\n", place("zones", "porch", nil)},
		{"one of flow is removed", "zones: {a: {camera: x}, porch: {camera: front, import: plate}, b: {camera: x}}\n", place("zones", "porch", nil)},
		{"the last of flow is removed", "zones: {a: {camera: x}, porch: {camera: front, import: plate} , }\n", place("zones", "porch", nil)},
		{"one more in flow", "zones: {a: {camera: x}   # one\n}\n", place("zones", "", porch(corners(3)...))},
		{"flow over lines", "zones: {\n  a: {camera: x},   # one\n  b: {camera: x}    # two\n}\n", place("zones", "", porch(corners(3)...))},
		{"flow over lines is removed", "zones: {\n  a: {camera: x},   # one\n  b: {camera: x}    # two\n}\n", place("zones", "b", nil)},
		{"points below each other", "zones:\n  porch: {camera: front, polygon: [[0, 0],\n                                  [9, 0],   # right\n                                  [9, 9]]}\n", place("zones", "porch", porch(append(corners(9), geometry.Point{X: 0, Y: 9})...))},
		{"quoted keys", "\"zones\":\n  'porch': {\"camera\": \"front\", 'polygon': [[0, 0], [9, 0], [9, 9]]}\n", place("zones", "porch", &Place{Name: "step", Camera: "back", Points: corners(8)})},
		{"as JSON", `{"zones": {"porch": {"camera": "front", "polygon": [[0,0],[9,0],[9,9]]}}}`, place("zones", "porch", &Place{Name: "step", Camera: "back", Points: corners(8)})},
		{"as JSON, a new section", `{"zones": {"porch": {"camera": "front"}}}`, place("lines", "", line)},
		{"CRLF", "zones:\r\n  drive: {camera: front, import: plate}   # one\r\nrules: []\r\n", place("zones", "", porch(corners(3)...))},
		{"CRLF, a new section", "rules: []\r\n", place("zones", "", porch(corners(3)...))},
		{"CRLF, removed", "zones:\r\n  porch: {camera: front, import: plate}   # one\r\n  drive: {camera: front, import: plate}\r\n", place("zones", "porch", nil)},
		{"no line end at the end", "zones:\n  drive: {camera: front, import: plate}", place("zones", "", porch(corners(3)...))},
		{"no line end at the end, a new section", "rules: []", place("zones", "", porch(corners(3)...))},
		{"no line end at the end, removed", "zones:\n  drive: {camera: front, import: plate}\n  porch: {camera: front}", place("zones", "porch", nil)},
		{"a mark at the beginning", "\ufeffzones:\n  porch: {camera: front, import: plate}\n", place("zones", "porch", porch(corners(3)...))},
		{"letters of several bytes", "rules: [] # äöü\nzones: {\"ä\": {camera: é}, porch: {camera: 'ü', import: plate}} # ß\n", place("zones", "porch", porch(corners(3)...))},
		{"below a block text", "rules:\n  - name: r\n    when: |\n      true\n      # not a comment\n", place("zones", "", porch(corners(3)...))},
		{"a text over lines", "zones:\n  porch:\n    camera: fro\n      nt\n    import: plate\n", place("zones", "porch", &Place{Camera: "back"})},
		{"indented sections", "  # all in\n  zones:\n    drive: {camera: front}\n", place("lines", "", line)},
		{"a hostile camera", "zones: {}\n", place("zones", "", &Place{Name: "porch", Camera: "x}, evil: {camera: y}\n#", Points: corners(3)})},
		{"a hostile name", "zones:\n  a: {camera: x}\n", place("zones", "a", &Place{Name: "a: {}\nrules: [", Camera: "'\"\\\t\u2028"})},
		{"words that are none", "zones: {a: {camera: x}}\n", place("zones", "a", &Place{Name: "null", Camera: "yes", Import: "0123", Anchor: "~"})},
		{"twice", block, place("zones", "", porch(corners(3)...))},
		{"renamed to one that is there", block, place("zones", "porch", &Place{Name: "drive"})},
		{"not there", block, place("zones", "porsch", nil)},
		{"not there to be changed", block, place("lines", "porch", porch(corners(3)...))},
		{"a comment between a key and its value stays", "zones:\n  porch:\n    camera: # the one\n      # above the door\n      front # old\n    import: plate\n", place("zones", "porch", &Place{Camera: "back"})},
		{"the comment of the entry before stays", "lists:\n  all: [A111,   # Ann\n        B222]   # Bob\n", off("all", "B222")},
		{"the comment of the entry before stays, with a comma at the end", "lists:\n  all: [A111,   # Ann\n        B222,]   # Bob\n", off("all", "B222")},
		{"the comment of the entry that follows stays", "lists:\n  all: [A111, B222,   # both\n        # a guest\n        C333]\n", off("all", "B222")},
		{"three points of a line", block, place("lines", "", &Place{Name: "kerb", Camera: "front", Points: corners(9)})},
		{"a line changes", "lines:\n  kerb: {camera: front, from: [0, 0], to: [9, 9], in: right} # in\n", place("lines", "kerb", &Place{Camera: "front", Points: corners(9)[:2], In: "left", Margin: &margin, Settle: &zero})},
		{"no YAML", "zones: [", place("zones", "porch", nil)},
		{"no mapping", "- zones\n", place("zones", "porch", nil)},
		{"an anchor", "zones: &z\n  porch: {camera: front}\n", place("zones", "porch", nil)},
		{"an explicit key", "zones:\n  ? porch\n  : {camera: front}\n", place("zones", "porch", &Place{Camera: "back"})},
		{"two documents", "---\nzones:\n  porch: {camera: front}\n...\n", place("lines", "", line)},
		{"a lone carriage return", "zones:\r  porch: {camera: front}\n", place("zones", "porch", nil)},
		{"not UTF-8", "zones: {\xff: 1}\n", place("zones", "porch", nil)},
		{"no mapping as a section", "zones: [a]\n", place("zones", "", porch(corners(3)...))},

		{"an entry more", lists, entry("residents", ListEntry{Plate: "NEW 1", Owner: "Eve", Until: "2027-01-31 18:00", Note: "she's \"the\" one: #1"})},
		{"an entry changes", lists, entry("residents", ListEntry{Plate: "abc-1234", Owner: "Anna", Until: "2027-02-28"})},
		{"an entry loses its end", lists, entry("residents", ListEntry{Plate: "ABC1234", Owner: "Ann"})},
		{"an entry in flow changes", lists, entry("residents", ListEntry{Plate: "0123", Owner: "Bo'b", From: "2027-01-01", Schedule: "office"})},
		{"a plate alone gets an owner", lists, entry("residents", ListEntry{Plate: "XY99", Owner: "Cy"})},
		{"a plate alone stays", lists, entry("residents", ListEntry{Plate: "XY99"})},
		{"an entry goes", lists, off("residents", "ABC1234")},
		{"an entry in flow goes", lists, off("residents", "0123")},
		{"the last entry goes", lists, off("residents", "XY99")},
		{"of a list in flow", lists, off("staff", "B222")},
		{"of a list in flow the last", lists, off("staff", "c333")},
		{"of a list over lines", lists, off("many", "E555")},
		{"of a list over lines the first", lists, off("many", "D444")},
		{"to a list over lines", lists, entry("many", ListEntry{Plate: "F666"})},
		{"to an empty list", lists, entry("nobody", ListEntry{Plate: "F666"})},
		{"to a list of nothing", lists, entry("none", ListEntry{Plate: "F666"})},
		{"the only entry goes", "lists:\n  a:\n    # one\n    - plate: A111 # it\n      owner: Ann\n  b: []\n", off("a", "A111")},
		{"both entries go", lists, off("twice", "A111")},
		{"one of two", lists, entry("twice", ListEntry{Plate: "A111", Owner: "Ann"})},
		{"of a list in a file", lists, off("long", "A111")},
		{"of no list", lists, off("visitors", "A111")},
		{"of nobody", lists, off("staff", "Z999")},
		{"no plate", lists, entry("staff", ListEntry{Plate: " -."})},
		{"the first key after a dash goes", "lists:\n  a:\n    - owner: Ann\n      plate: A111\n    -\n      plate: B222\n", entry("a", ListEntry{Plate: "A111"})},
		{"an item below its dash goes", "lists:\n  a:\n    - owner: Ann\n      plate: A111\n    -\n      plate: B222\n", off("a", "B222")},
	}
}

// TestEdits holds what becomes of a file against testdata/edit.golden, where it can be read: - and + are the lines that
// are taken out and put in.
func TestEdits(t *testing.T) {
	var b strings.Builder
	for _, c := range editCases() {
		fmt.Fprintf(&b, "=== %s\n", c.name)
		after, err := c.do([]byte(c.text))
		if err != nil {
			fmt.Fprintf(&b, "error: %v\n", err)
			continue
		}
		b.WriteString(lineDiff(c.text, string(after)))
	}
	file := filepath.Join("testdata", "edit.golden")
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("%s is not what comes out; look at the difference and run with -update:\n%s", file, lineDiff(string(want), got))
	}
}

// lineDiff shows two texts line by line, with what stays between the changes.
func lineDiff(a, b string) string {
	x, y := strings.SplitAfter(a, "\n"), strings.SplitAfter(b, "\n")
	head := 0
	for head < min(len(x), len(y)) && x[head] == y[head] {
		head++
	}
	tail := 0
	for tail < min(len(x), len(y))-head && x[len(x)-1-tail] == y[len(y)-1-tail] {
		tail++
	}
	var out strings.Builder
	show := func(mark string, lines []string) {
		for _, l := range lines {
			if l != "" {
				l = strings.ReplaceAll(l, "\r", "␍")
				if l, ok := strings.CutSuffix(l, "\n"); ok {
					out.WriteString(mark + " " + l + "\n")
					continue
				}
				out.WriteString(mark + " " + l + "¬\n")
			}
		}
	}
	show(" ", x[max(0, head-2):head])
	show("-", x[head:len(x)-tail])
	show("+", y[head:len(y)-tail])
	show(" ", x[len(x)-tail:min(len(x), len(x)-tail+2)])
	return out.String()
}

// TestAnEditOfTheRecipes: zones and entries of every recipe are moved, renamed and removed, and every other line stays
// as it is, byte for byte.
func TestAnEditOfTheRecipes(t *testing.T) {
	files, err := filepath.Glob("../../rules.d/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	edits := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := newDocument(text, file)
		if err != nil || strings.HasSuffix(file, "_test.yaml") {
			continue
		}
		try := func(what string, after []byte, err error) {
			t.Helper()
			edits++
			if err != nil {
				t.Errorf("%s: %s: %v", file, what, err)
				return
			}
			if _, err := newDocument(after, file); err != nil {
				t.Errorf("%s: %s: %v", file, what, err)
			}
			before := strings.Split(string(text), "\n")
			for _, l := range strings.Split(string(after), "\n") {
				if i := slices.Index(before, l); i >= 0 {
					before = slices.Delete(before, i, i+1)
				}
			}
			if len(before) > 10 {
				t.Errorf("%s: %s changes %d lines:\n%s", file, what, len(before), strings.Join(before, "\n"))
			}
		}
		for _, section := range []string{"zones", "lines"} {
			s, ok := d.at(section)
			if !ok {
				continue
			}
			for i := range count(s.val) {
				name := s.val.Content[2*i].Value
				p := &Place{Name: "other", Camera: "other", Points: corners(1234)}
				if section == "lines" {
					p.Points = p.Points[:2]
				}
				after, err := EditPlace(text, section, name, p)
				try("change of "+name, after, err)
				after, err = EditPlace(text, section, name, nil)
				try("removal of "+name, after, err)
			}
			p := &Place{Name: "other", Camera: "other", Points: corners(1234)[:2]}
			after, err := EditPlace(text, section, "", p)
			if section == "zones" && err == nil {
				try("one more in "+section, after, err)
			}
		}
		if s, ok := d.at("lists"); ok {
			for i := range count(s.val) {
				name := s.val.Content[2*i].Value
				after, err := EditListEntry(text, name, ListEntry{Plate: "NEW777", Owner: "Eve"})
				try("entry in "+name, after, err)
			}
		}
	}
	if edits < 20 {
		t.Errorf("only %d edits", edits)
	}
}

// FuzzEdit: whatever a file holds, an edit gives a file that says the same but for what was edited, or an error.
func FuzzEdit(f *testing.F) {
	for _, c := range editCases() {
		f.Add([]byte(c.text), "porch", "front", "A111", int32(7))
	}
	f.Fuzz(func(t *testing.T, text []byte, name, camera, plate string, n int32) {
		if len(text) > 4096 {
			return
		}
		p := &Place{Name: name, Camera: camera, Points: corners(n), Classes: []string{camera, "car"}}
		var was []string
		if d, err := newDocument(text, ""); err == nil && d.top != nil {
			if s, ok := d.at("zones"); ok && s.val.Kind == yaml.MappingNode {
				for i := range count(s.val) {
					was = append(was, s.val.Content[2*i].Value)
				}
			}
		}
		for _, one := range append(was[:min(len(was), 3)], "", name) {
			after, err := EditPlace(text, "zones", one, p)
			if err != nil {
				continue
			}
			d, err := newDocument(after, "")
			if err != nil {
				t.Fatalf("%q becomes %q: %v", text, after, err)
			}
			s, ok := d.at("zones", name)
			if name == "" && one != "" {
				s, ok = d.at("zones", one)
			}
			if !ok || s.val.Content[2*keyIndex(s.val, "camera")+1].Value != camera && camera != "" {
				t.Fatalf("%q becomes %q", text, after)
			}
			gone, err := EditPlace(after, "zones", s.key.Value, nil)
			if err != nil && err != errInPlace {
				t.Fatalf("%q becomes %q and then: %v", text, after, err)
			}
			if _, err := newDocument(gone, ""); err != nil {
				t.Fatalf("%q becomes %q: %v", after, gone, err)
			}
		}
		after, err := EditListEntry(text, "a", ListEntry{Plate: plate, Owner: camera, Note: name})
		if err != nil {
			return
		}
		if again, err := EditListEntry(after, "a", ListEntry{Plate: plate, Owner: camera, Note: name}); err != nil || string(again) != string(after) {
			t.Fatalf("%q becomes %q and then %q: %v", text, after, again, err)
		}
	})
}
