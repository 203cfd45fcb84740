package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/viewtron/sim"
	"github.com/sallyport/sallyport/web"
)

// zone is a zone as the page sends it back: everything that it was given, with other points.
func zone(name string, points ...[2]int32) *web.ZoneText {
	settle, linger, margin := web.Seconds(200*time.Millisecond), web.Seconds(time.Second), 150
	return &web.ZoneText{Name: name, Kind: "zone", Camera: "front", Points: points, Anchor: "bottom", Settle: &settle, Linger: &linger, Margin: &margin}
}

func TestZonesAreWrittenIntoTheirFile(t *testing.T) {
	const porch = "zones:\n  porch: {camera: front, polygon: [[0, 0], [9, 0], [9, 9]]}   # by the door\nlines:\n  both: {camera: front, from: [0, 0], to: [9, 9], in: left}\n"
	const use = "zones:\n  both: {camera: front, polygon: [[0, 0], [9, 0], [9, 9]]}\n  wall: {camera: front, import: perimeter/1}\nlines:\n  fence: {camera: front, import: tripwire/1}\nrules:\n  - {name: r, on: target, when: inside(\"porch\"), do: [{log: x}]}\n"
	f := newRulesFolder(t, map[string]string{"rules.d/a.yaml": porch, "rules.d/b.yaml": use, "rules.d/c_test.yaml": "tests: []\n"})
	f.site = func() rulefile.Site {
		return rulefile.Site{Cameras: []string{"front"}, Imports: map[string]rulefile.Import{"front/tripwire/1": {In: "right", Segment: geometry.Segment{To: geometry.Point{X: 9, Y: 9}}}}}
	}
	tri := [][2]int32{{0, 0}, {9, 0}, {9, 8}}
	fence := &web.ZoneText{Name: "fence", Kind: "line", Camera: "front", Import: "tripwire/1", Points: [][2]int32{{1, 1}, {2, 2}}, In: "right", Anchor: "bottom"}
	left := *fence
	left.In = "left"
	for _, c := range []struct {
		name     string
		e        web.ZoneEdit
		path     string
		from, to string // in the file
		problem  string // the first error that is no warning
	}{
		{"moved", web.ZoneEdit{Was: "porch", Zone: zone("porch", tri...)}, "a.yaml", "[9, 9]]}   # by", "[9, 8]]}   # by", ""},
		{"as it was", web.ZoneEdit{Was: "porch", Zone: zone("porch", [2]int32{0, 0}, [2]int32{9, 0}, [2]int32{9, 9})}, "a.yaml", "", "", ""},
		{"renamed", web.ZoneEdit{Was: "porch", Zone: zone("step", tri...)}, "a.yaml", "  porch: {camera: front, polygon: [[0, 0], [9, 0], [9, 9]]}", "  step: {camera: front, polygon: [[0, 0], [9, 0], [9, 8]]}", `there is no zone "porch"`},
		{"removed", web.ZoneEdit{Was: "porch"}, "a.yaml", "  porch: {camera: front, polygon: [[0, 0], [9, 0], [9, 9]]}   # by the door\n", "", `there is no zone "porch"`},
		{"two points", web.ZoneEdit{Was: "porch", Zone: zone("porch", tri[:2]...)}, "a.yaml", ", [9, 9]", "", `zone "porch": a polygon has 3 to 64 points, this one has 2`},
		{"outside", web.ZoneEdit{Was: "porch", Zone: zone("porch", [2]int32{-1, 0}, [2]int32{9, 0}, [2]int32{9, 9})}, "a.yaml", "[[0, 0]", "[[-1, 0]", `zone "porch": a coordinate is a whole number from 0 to 10000, not -1`},
		{"of two the line", web.ZoneEdit{Was: "both", Kind: "line"}, "a.yaml", "  both: {camera: front, from: [0, 0], to: [9, 9], in: left}\n", "", ""},
		{"of two the zone", web.ZoneEdit{Was: "both", Zone: zone("both", tri...)}, "b.yaml", "[9, 9]", "[9, 8]", ""},
		{"an import stays one", web.ZoneEdit{Was: "fence", Zone: fence}, "b.yaml", "", "", ""},
		{"an import with another side", web.ZoneEdit{Was: "fence", Zone: &left}, "b.yaml", "import: tripwire/1}", "import: tripwire/1, in: left}", ""},
		{"points of its own", web.ZoneEdit{Was: "wall", Zone: zone("wall", tri...)}, "b.yaml", "wall: {camera: front, import: perimeter/1}", "wall: {camera: front, polygon: [[0, 0], [9, 0], [9, 8]]}", ""},
		{"a new one", web.ZoneEdit{Zone: zone("yard", tri...)}, "zones.yaml", "", "zones:\n  yard: {camera: front, polygon: [[0, 0], [9, 0], [9, 8]]}\n", ""},
		{"a new one beside others", web.ZoneEdit{Zone: zone("yard", tri...), File: "a.yaml"}, "a.yaml", "# by the door\n", "# by the door\n  yard: {camera: front, polygon: [[0, 0], [9, 0], [9, 8]]}\n", ""},
		{"a new one with a taken name", web.ZoneEdit{Zone: zone("both", tri...), File: "a.yaml"}, "a.yaml", "# by the door\n", "# by the door\n  both: {camera: front, polygon: [[0, 0], [9, 0], [9, 8]]}\n", `zone "both": this name is taken; names are unique over all files`},
		{"a hostile name", web.ZoneEdit{Zone: zone("x: {}\nrules: [", tri...)}, "zones.yaml", "", "zones:\n  \"x: {}\\nrules: [\": {camera: front, polygon: [[0, 0], [9, 0], [9, 8]]}\n",
			`"x: {}\nrules: [" is not a name: names are a-z, 0-9 and -, begin with a letter and have at most 64 characters`},
	} {
		v, err := f.editZone(t.Context(), c.e)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		before := map[string]string{"a.yaml": porch, "b.yaml": use}[c.path]
		want := strings.Replace(before, c.from, c.to, 1)
		tag := tagOf([]byte(before))
		if before == "" {
			tag = ""
		}
		if v.Path != c.path || v.Before != before || v.Text != want || v.ETag != tag {
			t.Errorf("%s: %s %s\n%s\nwant\n%s", c.name, v.Path, v.ETag, v.Text, want)
		}
		problem := ""
		for _, p := range v.Problems {
			if !p.Warning && problem == "" {
				problem = p.Message
			}
		}
		if problem != c.problem {
			t.Errorf("%s: problem %q, want %q", c.name, problem, c.problem)
		}
	}
	f.holds("a.yaml", porch)
	f.holds("b.yaml", use)
	for _, c := range []struct {
		e    web.ZoneEdit
		want string
	}{
		{web.ZoneEdit{Was: "both"}, "there is a zone and a line both; say which with kind"},
		{web.ZoneEdit{Was: "none"}, "there is no zone or line none in the rule files"},
		{web.ZoneEdit{Was: "porch", Kind: "line"}, "there is no line porch in the rule files"},
		{web.ZoneEdit{Zone: zone("x"), File: "../x.yaml"}, `"../x.yaml" is no path of a rule file; ` + wantFilePath},
		{web.ZoneEdit{Zone: zone("x"), File: "x.csv"}, `"x.csv" is no path of a rule file; ` + wantFilePath},
		{web.ZoneEdit{Zone: zone("both"), File: "b.yaml"}, `b.yaml: "both" is in this file already`},
	} {
		_, err := f.editZone(t.Context(), c.e)
		f.refused(fmt.Sprintf("%+v", c.e), err, c.want)
	}
	if err := os.WriteFile(filepath.Join(f.dir, "zones.yaml"), []byte("zones: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := f.editZone(t.Context(), web.ZoneEdit{Zone: zone("yard", tri...)})
	f.refused("a broken file", err, "the rules would not load: this [ is not closed: a ] is missing")
}

// TestImportsOverTheConsole: what is on the camera is shown beside what rules use, and accepted by name.
func TestImportsOverTheConsole(t *testing.T) {
	z := newZonesSite(t)
	site, _ := config.Load(z.file)
	devices, err := deviceClientsSaying(site, process{getenv: func(string) string { return "" }}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	f := newRulesFolder(t, nil)
	r := &reloader{imports: importsPath(site.Data)}
	watch := &driftWatch{cameras: driftCameras(site, devices), tell: func(string, []string) {}, log: slog.New(slog.DiscardHandler), inForce: func() ([]string, accepted) {
		a, _ := readAccepted(r.imports)
		return []string{"front/perimeter/1", "front/tripwire/1"}, a
	}}
	a := &acceptance{source: &source{reloader: r, zones: watch, site: site, files: f.ruleFiles}}
	text := func(items []web.DeviceZone, err error) string {
		if err != nil {
			return err.Error()
		}
		var b strings.Builder
		for _, i := range items {
			fmt.Fprintln(&b, i.ID, i.Kind, i.State, i.Points, i.Accepted, i.Direction, i.Difference)
		}
		return b.String()
	}
	const zones = "perimeter/1 zone %s [[2000 3000] [8000 3000] [8000 10000] [2000 10000]] []  \nperimeter/3 zone new [[0 0] [900 0] [900 900]] []  \n" +
		"tripwire/1 line %s [[5000 1000] [5000 9000]] [] left to right or bottom to top (rightortop) \ntripwire/2 line new [[0 6000] [10000 6000]] [] both ways \nplate/1 zone new [[375 2866] [9625 2866] [9625 8800] [375 8800]] []  \n"
	z.demand("list", text(a.list(t.Context(), "front")), fmt.Sprintf(zones, "new", "new"))
	z.demand("accept", text(a.accept(t.Context(), "front", []string{"perimeter/1", "tripwire/1"}, "ann")), fmt.Sprintf(zones, "accepted", "accepted"))
	if want := "ann accepted front/perimeter/1, front/tripwire/1"; len(f.saves) != 1 || f.saves[0] != want {
		t.Errorf("told %q", f.saves)
	}
	copies, err := readAccepted(r.imports)
	if c := copies.find("front", "perimeter/1"); err != nil || len(copies) != 2 || c == nil || c.Model == "" || time.Since(c.Accepted) > time.Minute {
		t.Errorf("%+v %v", copies, err)
	}
	z.region(1, sim.Point{0, 0}, sim.Point{9000, 0}, sim.Point{9000, 9000})
	want := "perimeter/1 zone changed [[0 0] [9000 0] [9000 9000]] [[2000 3000] [8000 3000] [8000 10000] [2000 10000]]  3 points instead of 4\n"
	if got := text(a.list(t.Context(), "front")); !strings.HasPrefix(got, want) {
		t.Errorf("changed: %s", got)
	}
	if got := watch.drift("front"); len(got) != 1 {
		t.Errorf("drift %q", got)
	}
	if _, err := a.accept(t.Context(), "front", nil, "ann"); err != nil {
		t.Error(err)
	}
	if got := watch.drift("front"); len(got) != 0 {
		t.Errorf("drift after it was accepted: %q", got)
	}
	z.region(1, sim.Point{0, 0}, sim.Point{9000, 9000}, sim.Point{9000, 0}, sim.Point{0, 9000})
	const crossed = "it cannot be used: the polygon crosses itself: the edge from point 1 to point 2 meets the edge from point 3 to point 4"
	if got := text(a.list(t.Context(), "front")); !strings.Contains(got, crossed) {
		t.Errorf("crossed: %s", got)
	}
	z.demand("accept a crossed one", text(a.accept(t.Context(), "front", []string{"perimeter/1"}, "ann")), strings.Replace(crossed, "it cannot be used", "perimeter/1 cannot be accepted", 1))
	z.demand("accept nothing", text(a.accept(t.Context(), "front", []string{"perimeter/2"}, "ann")), "perimeter/2 is not on camera front")
	z.demand("no camera", text(a.list(t.Context(), "back")), "no camera is called back")
	watch.cameras = nil
	z.demand("no url", text(a.list(t.Context(), "front")), "camera front cannot be asked: the site file gives it no url")
	watch.cameras = driftCameras(site, devices)
	z.server.Close()
	if got := text(a.list(t.Context(), "front")); !strings.HasPrefix(got, "camera front: ") {
		t.Error(got)
	}
	r.imports = ""
	z.demand("no data folder", text(a.list(t.Context(), "front")), "the site file has no data folder to keep accepted copies in")
}
