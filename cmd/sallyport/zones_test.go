package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/engine/scene"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// zonesSite is a site with one virtual camera called front.
type zonesSite struct {
	*testing.T
	cam    *sim.Camera
	server *httptest.Server
	file   string // the site file
}

func newZonesSite(t *testing.T) *zonesSite {
	t.Helper()
	cam := sim.NewCamera(sim.Options{Detections: []sim.Detection{
		{Detector: "perimeter", On: true, Regions: [][]sim.Point{{{2000, 3000}, {8000, 3000}, {8000, 10000}, {2000, 10000}}, {}, {{0, 0}, {900, 0}, {900, 900}}}},
		{Detector: "tripwire", Lines: []sim.Line{{From: sim.Point{5000, 1000}, To: sim.Point{5000, 9000}, Direction: "rightortop"}, {From: sim.Point{0, 6000}, To: sim.Point{10000, 6000}, Direction: "none"}}},
		{Detector: "plate", On: true, Regions: [][]sim.Point{{{375, 2866}, {9625, 2866}, {9625, 8800}, {375, 8800}}}},
	}})
	server := httptest.NewServer(cam)
	t.Cleanup(server.Close)
	file := writeSite(t, fmt.Sprintf("location: {timezone: UTC}\ndata: data\ncameras: {front: {url: %q, match: {ip: 127.0.0.9}}}\n", server.URL))
	return &zonesSite{t, cam, server, file}
}

// clock hides when a copy was accepted.
var clock = regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\dZ?`)

// zones calls `sallyport camera zones` and demands its exit code.
func (s *zonesSite) zones(code int, args ...string) (stdout, stderr string) {
	s.Helper()
	got, out, errs := runCommand(s.T, append([]string{"camera", "zones", "front", "-c", s.file}, args...)...)
	if got != code {
		s.Errorf("%q ends with %d, not %d\n%s%s", args, got, code, out, errs)
	}
	return clock.ReplaceAllString(out, "THEN"), errs
}

// demand compares what was printed, all of it.
func (s *zonesSite) demand(what, got, want string) {
	s.Helper()
	if got != want {
		s.Errorf("%s prints\n%s\nwant\n%s", what, got, want)
	}
}

func (s *zonesSite) rules(text string) {
	s.Helper()
	dir := filepath.Join(filepath.Dir(s.file), "rules.d")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "rules.yaml"), []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
}

func (s *zonesSite) region(id int, points ...sim.Point) {
	s.Helper()
	if err := s.cam.SetRegion("perimeter", id, points); err != nil {
		s.Fatal(err)
	}
}

// device is how the virtual camera calls itself.
func (s *zonesSite) device() string {
	s.Helper()
	out, _ := s.zones(0)
	line, _, _ := strings.Cut(out, "\n")
	return line
}

// TestCameraZones follows a camera's zones from the first look to the last.
func TestCameraZones(t *testing.T) {
	s := newZonesSite(t)
	head := s.device()
	if !strings.Contains(head, "firmware") {
		t.Errorf("the first line is %q", head)
	}
	out, errs := s.zones(0)
	s.demand("a first look", out+errs, head+`
perimeter/1     zone [[2000, 3000], [8000, 3000], [8000, 10000], [2000, 10000]]
                new: not accepted
perimeter/3     zone [[0, 0], [900, 0], [900, 900]]
                new: not accepted
tripwire/1      line [5000, 1000] to [5000, 9000], left to right or bottom to top (rightortop)
                its detector is off on the camera; rules can use it all the same
                new: not accepted
tripwire/2      line [0, 6000] to [10000, 6000], both ways
                its detector is off on the camera; rules can use it all the same
                new: not accepted
plate/1         zone [[375, 2866], [9625, 2866], [9625, 8800], [375, 8800]]
                new: not accepted
`+"`sallyport camera zones front --accept` lets rules with import: use what is new or changed\n")

	out, errs = s.zones(0, "--accept", "perimeter/1", "tripwire/1")
	s.demand("accepting two", out+errs, `perimeter/1 is accepted: [[2000, 3000], [8000, 3000], [8000, 10000], [2000, 10000]]
tripwire/1 is accepted: [5000, 1000] to [5000, 9000], left to right or bottom to top (rightortop)
`)
	s.region(1, sim.Point{2000, 3000}, sim.Point{8000, 3500}, sim.Point{8000, 10000}, sim.Point{2000, 10000})
	s.region(3)
	if err := s.cam.SetLine("tripwire", 1, sim.Point{5000, 1000}, sim.Point{5000, 9000}, "leftorbotton"); err != nil {
		t.Fatal(err)
	}
	out, errs = s.zones(0)
	for _, want := range []string{`
                changed: point 2 from [8000, 3000] to [8000, 3500]
                rules use [[2000, 3000], [8000, 3000], [8000, 10000], [2000, 10000]], accepted THEN
`, `
                changed: direction from left to right or bottom to top (rightortop) to right to left or top to bottom (leftorbotton)
                rules use [5000, 1000] to [5000, 9000], left to right or bottom to top (rightortop), accepted THEN
`} {
		if !strings.Contains(out, want) || errs != "" {
			t.Errorf("not said:%s in\n%s%s", want, out, errs)
		}
	}
	out, errs = s.zones(0, "--accept")
	s.demand("accepting all", out+errs, `perimeter/1 is accepted: [[2000, 3000], [8000, 3500], [8000, 10000], [2000, 10000]]
  before it was [[2000, 3000], [8000, 3000], [8000, 10000], [2000, 10000]], accepted THEN
tripwire/1 is accepted: [5000, 1000] to [5000, 9000], right to left or top to bottom (leftorbotton)
  before it was [5000, 1000] to [5000, 9000], left to right or bottom to top (rightortop), accepted THEN
tripwire/2 is accepted: [0, 6000] to [10000, 6000], both ways
plate/1 is accepted: [[375, 2866], [9625, 2866], [9625, 8800], [375, 8800]]
`)
	s.region(1)
	out, _ = s.zones(0)
	if want := "perimeter/1     zone [[2000, 3000], [8000, 3500], [8000, 10000], [2000, 10000]]\n                gone from the camera; rules use this copy, accepted THEN\n"; !strings.Contains(out, want) || strings.Contains(out, "--accept") {
		t.Errorf("a zone that is gone:\n%s", out)
	}
	out, errs = s.zones(0, "--accept", "plate")
	s.demand("accepting what is", out+errs, "plate/1 is accepted already\n")
	out, errs = s.zones(0, "--accept")
	s.demand("accepting with one gone", out+errs, "perimeter/1 is not on the camera any more; its accepted copy stays in use until `sallyport camera zones front --forget perimeter/1`\n"+
		"tripwire/1 is accepted already\ntripwire/2 is accepted already\nplate/1 is accepted already\n")
	s.server.Close() // to forget, nobody is asked
	out, errs = s.zones(0, "--forget", "perimeter/1")
	s.demand("forgetting", out+errs, "front/perimeter/1 is forgotten: nothing is known about zones and lines that import it\n")
	out, errs = s.zones(1, "--forget", "perimeter/1")
	s.demand("forgetting twice", out+errs, "sallyport: camera: perimeter/1 of camera \"front\" was never accepted\n")
	if _, errs = s.zones(3); !strings.HasPrefix(errs, `sallyport: camera "front" does not answer: `) {
		t.Errorf("a dead camera: %s", errs)
	}
}

func TestCameraZonesUsage(t *testing.T) {
	s := newZonesSite(t)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--accept", "face/1"}, 2, "sallyport camera zones: \"face/1\" is no name of a camera's zone or line, such as perimeter/1 or tripwire/2\n"},
		{[]string{"perimeter/1"}, 2, "sallyport camera zones: want one camera, got also \"perimeter/1\" (zones are named after --accept or --forget)\n"},
		{[]string{"--forget"}, 2, "sallyport camera zones: --forget wants the names of what to forget (perimeter/1)\n"},
		{[]string{"--accept", "--json"}, 2, "sallyport camera zones: --yaml, --json, --accept and --forget do not go together\n"},
		{[]string{"--accept", "perimeter/1", "perimeter/2"}, 1, "sallyport: camera: perimeter/2 is not on camera \"front\" (it has perimeter/1, perimeter/3, tripwire/1, tripwire/2, plate/1)\n"},
	} {
		out, errs := s.zones(c.code, c.args...)
		s.demand(strings.Join(c.args, " "), out+errs, c.want)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(s.file), "data", importsFile)); err == nil {
		t.Error("something was accepted")
	}
}

// TestAZoneThatCannotBeUsedIsNotAccepted and nothing else is lost by it.
func TestAZoneThatCannotBeUsedIsNotAccepted(t *testing.T) {
	s := newZonesSite(t)
	s.zones(0, "--accept")
	s.region(1, sim.Point{0, 0}, sim.Point{9000, 9000}, sim.Point{9000, 0}, sim.Point{0, 9000})
	s.region(3, sim.Point{0, 0}, sim.Point{900, 0}, sim.Point{900, 950})
	out, errs := s.zones(1, "--accept")
	if want := "sallyport: camera: perimeter/1 cannot be accepted: the polygon crosses itself: the edge from point 1 to point 2 meets the edge from point 3 to point 4: [[0, 0], [9000, 9000], [9000, 0], [0, 9000]]\n"; errs != want {
		t.Errorf("got %s\nwant %s", errs, want)
	}
	if !strings.Contains(out, "perimeter/3 is accepted: [[0, 0], [900, 0], [900, 950]]\n") {
		t.Errorf("the other zone:\n%s", out)
	}
	copies, err := readAccepted(filepath.Join(filepath.Dir(s.file), "data", importsFile))
	if err != nil {
		t.Fatal(err)
	}
	if c := copies.find("front", "perimeter/1"); c == nil || c.text() != "[[2000, 3000], [8000, 3000], [8000, 10000], [2000, 10000]]" {
		t.Errorf("the earlier copy is %+v", c)
	}
	if out, _ := s.zones(0); !strings.Contains(out, "                cannot be used: the polygon crosses itself: ") {
		t.Errorf("the look at it:\n%s", out)
	}
}

// TestCameraZonesYAML: what is printed is a rule file, and says the same as the import.
func TestCameraZonesYAML(t *testing.T) {
	s := newZonesSite(t)
	head := strings.TrimPrefix(s.device(), "front: ")
	out, errs := s.zones(0, "--yaml")
	s.demand("--yaml", out+errs, "# What is set up on the camera front: "+head+`.
zones:
  front-perimeter-1: {camera: front, polygon: [[2000, 3000], [8000, 3000], [8000, 10000], [2000, 10000]]}   # from perimeter/1
  front-perimeter-3: {camera: front, polygon: [[0, 0], [900, 0], [900, 900]]}   # from perimeter/3
  front-plate-1: {camera: front, polygon: [[375, 2866], [9625, 2866], [9625, 8800], [375, 8800]]}   # from plate/1
lines:
  front-tripwire-1: {camera: front, from: [5000, 1000], to: [5000, 9000], in: left}   # from tripwire/1, left to right or bottom to top (rightortop)
  front-tripwire-2: {camera: front, from: [0, 6000], to: [10000, 6000], in: right}   # from tripwire/2, both ways: which way is in is a guess
`)
	s.rules(out)
	if code, _, errs := runCommand(t, "check", "-c", s.file); code != 0 {
		t.Errorf("it does not load:\n%s", errs)
	}
	s.region(1, sim.Point{0, 0}, sim.Point{9000, 9000}, sim.Point{9000, 0}, sim.Point{0, 9000})
	s.region(3)
	out, _ = s.zones(0, "--yaml")
	s.rules(out)
	if code, _, errs := runCommand(t, "check", "-c", s.file); code != 0 || !strings.Contains(out, "  # front-perimeter-1: {") {
		t.Errorf("with a zone that crosses itself:\n%s%s", out, errs)
	}
}

func TestCameraZonesJSON(t *testing.T) {
	s := newZonesSite(t)
	s.zones(0, "--accept", "perimeter/1")
	s.region(1, sim.Point{0, 0}, sim.Point{900, 0}, sim.Point{900, 900})
	out, _ := s.zones(0, "--json")
	var got struct {
		Camera string
		Items  []zoneJSON
	}
	if err := json.Unmarshal([]byte(strings.ReplaceAll(out, "THEN", "2026-01-01T00:00:00Z")), &got); err != nil || got.Camera != "front" || len(got.Items) != 5 {
		t.Fatalf("%v\n%s", err, out)
	}
	if i := got.Items[0]; i.Name != "perimeter/1" || i.State != "changed" || i.Changes != "3 points instead of 4" || i.Accepted == nil || len(i.Accepted.Points) != 4 || len(i.Points) != 3 {
		t.Errorf("the zone is %+v", i)
	}
	if i := got.Items[2]; i.Name != "tripwire/1" || i.Kind != "line" || i.State != "new" || i.In != "left" || i.On == nil || *i.On {
		t.Errorf("the line is %+v", i)
	}
}

// TestImportedWays: over an imported line, who goes the camera's way goes in, whichever
// way the line was drawn; who comes back goes out.
func TestImportedWays(t *testing.T) {
	type way struct{ from, to geometry.Point }
	const far, near, middle = 7000, 3000, 5000
	right := way{geometry.Point{X: near, Y: middle}, geometry.Point{X: far, Y: middle}}
	up := way{geometry.Point{X: middle, Y: far}, geometry.Point{X: middle, Y: near}}
	back := func(w way) way { return way{w.to, w.from} }
	upright := [2][2]int32{{5000, 1000}, {5400, 9000}}
	flat := [2][2]int32{{1000, 5200}, {9000, 5000}}
	swapped := func(l [2][2]int32) [2][2]int32 { return [2][2]int32{l[1], l[0]} }
	for _, c := range []struct {
		line      [2][2]int32
		direction string
		in        way
	}{
		{upright, rightOrTop, right},
		{swapped(upright), rightOrTop, right},
		{upright, leftOrBottom, back(right)},
		{swapped(upright), leftOrBottom, back(right)},
		{flat, rightOrTop, up},
		{swapped(flat), rightOrTop, up},
		{flat, leftOrBottom, back(up)},
		{swapped(flat), leftOrBottom, back(up)},
	} {
		copied := zoneCopy{Camera: "front", Name: "tripwire/1", Points: c.line[:], Direction: c.direction}
		rules, problems := rulefile.LoadFiles([]rulefile.File{{Name: "a.yaml", Data: []byte("lines: {kerb: {camera: front, import: tripwire/1}}\nrules: [{name: r, on: target, when: crossed(\"kerb\"), do: {log: x}}]\n")}}, "rules.d",
			rulefile.Site{Cameras: []string{"front"}, Imports: accepted{copied}.rules()})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		for want, w := range map[string]way{"in": c.in, "out": back(c.in)} {
			if got := crossing(t, rules, w.from, w.to); got != want {
				t.Errorf("line %s, walk from %v to %v: %q, want %q", copied.text(), w.from, w.to, got, want)
			}
		}
	}
}

// crossing walks a person from one point to another and gives which way a line was crossed.
func crossing(t *testing.T, rules *engine.Ruleset, from, to geometry.Point) string {
	t.Helper()
	begin := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	e, _ := engine.New(rules, engine.DefaultOptions(), engine.Instant{Wall: begin})
	got := ""
	const steps = 20
	for i := range int32(steps + 1) {
		foot := geometry.Point{X: from.X + (to.X-from.X)*i/steps, Y: from.Y + (to.Y-from.Y)*i/steps}
		at := time.Second + time.Duration(i)*150*time.Millisecond
		ev := &engine.Event{Kind: engine.KindTarget, Camera: "front", Received: begin.Add(at), Targets: []engine.Listed{{
			ID: 7, HasID: true, Class: scene.Person, HasBox: true, Box: geometry.Box{X1: foot.X - 200, Y1: foot.Y - 1000, X2: foot.X + 200, Y2: foot.Y},
		}}}
		for _, d := range e.Apply(engine.Instant{Mono: at, Wall: begin.Add(at)}, ev) {
			if d.Type == engine.DecisionCross {
				got = d.Direction
			}
		}
	}
	return got
}

const importingRules = `zones:
  porch: {camera: front, import: perimeter/1}
rules:
  - {name: somebody, on: target, when: entered("porch"), do: [{log: "somebody is on the porch"}]}
`

// TestEveryCommandKnowsTheAcceptedCopies: check warns until the zone is accepted, and
// the rules' tests walk in the zone as it was accepted.
func TestEveryCommandKnowsTheAcceptedCopies(t *testing.T) {
	s := newZonesSite(t)
	s.rules(importingRules)
	story := filepath.Join(filepath.Dir(s.file), "rules.d", "porch_test.yaml")
	if err := os.WriteFile(story, []byte(`tests:
  - name: a person comes to the porch
    cameras:
      front:
        - {walk: person, from: [500, 9000], to: [5000, 9000], over: 2s}
    expect:
      - {at: 1s, within: 1s, rule: somebody}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	rules := filepath.Join(filepath.Dir(s.file), "rules.d", "rules.yaml")
	code, _, errs := runCommand(t, "check", "-c", s.file)
	if want := rules + `:2:34: warning: zone "porch": the camera's own zone perimeter/1 was never accepted, so nothing is known about it; "sallyport camera zones front --accept" accepts it`; code != 0 || !strings.HasPrefix(errs, want+"\n") {
		t.Errorf("check ends with %d:\n%s", code, errs)
	}
	if code, out, _ := runCommand(t, "test", "-c", s.file); code != 1 {
		t.Errorf("test ends with %d:\n%s", code, out)
	}
	s.zones(0, "--accept")
	if code, _, errs := runCommand(t, "check", "-c", s.file); code != 0 || errs != "" {
		t.Errorf("check ends with %d:\n%s", code, errs)
	}
	if code, out, errs := runCommand(t, "test", "-c", s.file); code != 0 {
		t.Errorf("test ends with %d:\n%s%s", code, out, errs)
	}
	imports := filepath.Join(filepath.Dir(s.file), "data", importsFile)
	if err := os.WriteFile(imports, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs = runCommand(t, "check", "-c", s.file)
	if want := rules + `:2:34: zone "porch": the accepted copies of the cameras' zones cannot be read; correct or remove the file and accept them anew: ` + imports + `: unexpected end of JSON input`; code != 1 || !strings.HasPrefix(errs, want+"\n") {
		t.Errorf("check with a damaged file ends with %d:\n%s", code, errs)
	}
}

func TestReadAccepted(t *testing.T) {
	file := filepath.Join(t.TempDir(), importsFile)
	if got, err := readAccepted(file); got != nil || err != nil {
		t.Errorf("no file: %v, %v", got, err)
	}
	for text, want := range map[string]string{
		`{"version":2}`: "it is of version 2, this program reads version 1",
		`{"version":1,"zones":[{"camera":"a","name":"face/1","points":[]}]}`:                                                                          `copy 1 of camera "a": "face/1" is neither a zone nor a line of a camera`,
		`{"version":1,"zones":[{"camera":"a","name":"perimeter/1","points":[[0,0],[9,9]]}]}`:                                                          `copy 1 of camera "a": a polygon has 3 to 64 points, this one has 2`,
		`{"version":1,"zones":[{"camera":"a","name":"tripwire/1","points":[[0,0]]}]}`:                                                                 `copy 1 of camera "a": a line has 2 points, this one has 1`,
		`{"version":1,"zones":[{"camera":"a","name":"tripwire/1","points":[[5,5],[5,5]]}]}`:                                                           `copy 1 of camera "a": the line has no length`,
		`{"version":1,"zones":[{"camera":"a","name":"tripwire/1","points":[[0,0],[0,10001]]}]}`:                                                       `copy 1 of camera "a": point 2, [0, 10001], is outside the frame (0..10000)`,
		`{"version":1,"zones":[{"camera":"a","name":"tripwire/1","points":[[0,0],[0,9]],"direction":"up"}]}`:                                          `copy 1 of camera "a": "up" is no direction of a line`,
		`{"version":1,"zones":[{"camera":"a","name":"tripwire/1","points":[[0,0],[0,9]]},{"camera":"a","name":"tripwire/1","points":[[0,0],[0,9]]}]}`: `there are two copies of a/tripwire/1`,
		`{"version":1,"zones":[{"camera":"a","name":"plate/1","points":[[0,0],[9,0],[9,9]],"direction":"none"}]}`:                                     `copy 1 of camera "a": a zone has no direction`,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readAccepted(file); err == nil || err.Error() != file+": "+want {
			t.Errorf("%s:\n%v\nwant %s", text, err, want)
		}
	}
}

// FuzzAccepted: whatever the file holds, what is read of it can be used and is written
// back as it was.
func FuzzAccepted(f *testing.F) {
	f.Add([]byte(`{"version":1,"zones":[{"camera":"front","name":"perimeter/1","points":[[0,0],[9000,0],[9000,9000]],"accepted":"2026-03-02T12:00:00Z","model":"M"}]}`))
	f.Add([]byte(`{"version":1,"zones":[{"camera":"front","name":"tripwire/1","points":[[0,0],[9000,0]],"direction":"leftorbotton","accepted":"2026-03-02T12:00:00Z"}]}`))
	f.Add([]byte(`{"version":1,"zones":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := decodeAccepted(b, "f")
		if err != nil {
			return
		}
		for key, c := range a.rules() {
			if len(c.Polygon) > 0 && c.Polygon.Validate() != nil || len(c.Polygon) == 0 && c.Segment.From == c.Segment.To {
				t.Errorf("%s: %+v", key, c)
			}
		}
	})
}

// TestCameraZonesOfEveryGeneration of firmware are the same.
func TestCameraZonesOfEveryGeneration(t *testing.T) {
	want := ""
	for _, api := range []sim.API{sim.API19, sim.API20, sim.API21} {
		cam := sim.NewCamera(sim.Options{API: api})
		server := httptest.NewServer(cam)
		defer server.Close()
		file := writeSite(t, fmt.Sprintf("data: data\ncameras: {front: {url: %q, match: {ip: 127.0.0.9}}}\n", server.URL))
		code, out, errs := runCommand(t, "camera", "zones", "front", "-c", file, "--accept")
		if want == "" {
			want = out
		}
		if code != 0 || out != want || strings.Count(out, " is accepted: ") != 4 {
			t.Errorf("%s ends with %d\n%s%s\nwant\n%s", api, code, out, errs, want)
		}
	}
}

// TestAZoneThatCannotBeReadStays: a detector that the camera refuses to tell of keeps
// its accepted copies, and is not called gone; one that it does not have is.
func TestAZoneThatCannotBeReadStays(t *testing.T) {
	s := newZonesSite(t)
	s.zones(0, "--accept")
	inner := s.server.Config.Handler
	s.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/GetSmartPerimeterConfig":
			fmt.Fprint(w, `<config version="2.0.0" status="failed" errorCode="7"/>`)
		case "/GetSmartVehicleConfig":
			fmt.Fprint(w, `<config version="2.0.0" status="failed" errorCode="11"/>`)
		default:
			inner.ServeHTTP(w, r)
		}
	})
	out, errs := s.zones(1)
	if want := "sallyport: camera \"front\": perimeter: GetSmartPerimeterConfig: the camera answered code 7 (busy)\n"; errs != want {
		t.Errorf("got %s", errs)
	}
	for _, want := range []string{
		"perimeter/1     zone [[2000, 3000], [8000, 3000], [8000, 10000], [2000, 10000]]\n                could not be read; rules use this copy, accepted THEN\n",
		"plate/1         zone [[375, 2866], [9625, 2866], [9625, 8800], [375, 8800]]\n                gone from the camera; rules use this copy, accepted THEN\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("not said: %s\nin\n%s", want, out)
		}
	}
	out, _ = s.zones(1, "--accept")
	if !strings.HasPrefix(out, "perimeter/1 could not be read; its accepted copy stays in use\n") {
		t.Errorf("accepting prints\n%s", out)
	}
}
