package plates_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sallyport/sallyport/actions/plates"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/viewtron/sim"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// planNow is the wall clock of the plans.
func planNow() time.Time { return time.Date(2026, 6, 1, 12, 0, 0, 0, newYork()) }

func newYork() *time.Location {
	z, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err)
	}
	return z
}

// TestPlans: each file holds local lists, what the camera has, and the plan. -update rewrites the plans.
func TestPlans(t *testing.T) {
	files, err := filepath.Glob("testdata/plan/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			groups, have, o := planInput(t, ar)
			got := showPlan(plates.NewPlan(groups, have, o))
			// The order of what the camera lists decides nothing.
			for range 3 {
				rand.Shuffle(len(have), func(i, j int) { have[i], have[j] = have[j], have[i] })
				if again := showPlan(plates.NewPlan(groups, have, o)); again != got {
					t.Errorf("the order of the camera's plates changes the plan:\n%s\nand\n%s", got, again)
				}
			}
			i := slices.IndexFunc(ar.Files, func(f txtar.File) bool { return f.Name == "plan" })
			if i < 0 {
				i = len(ar.Files)
				ar.Files = append(ar.Files, txtar.File{Name: "plan"})
			}
			if want := string(ar.Files[i].Data); got != want {
				if !*update {
					t.Fatalf("got\n%s\nwant\n%s", got, want)
				}
				ar.Files[i].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// planInput reads the files: local (LIST PLATE; owner=…; from=…; until=…; schedule, or
// LIST alone), map (LOCAL CAMERA), camera (GROUP PLATE; owner=…; phone=…; begin=…;
// end=…), groups (a line each), options.
func planInput(t *testing.T, ar *txtar.Archive) (groups []client.Group, have []client.Plate, o plates.SyncOptions) {
	t.Helper()
	o = plates.SyncOptions{Now: planNow(), Zone: newYork()}
	for _, g := range sim.FirmwareGroups() {
		groups = append(groups, client.Group(g))
	}
	moment := func(s string) time.Time {
		at, err := time.ParseInLocation(time.DateTime, s, newYork())
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	var names []string
	entries := make(map[string][]engine.Entry)
	for _, f := range ar.Files {
		for line := range strings.Lines(string(f.Data)) {
			line = strings.TrimSuffix(line, "\n")
			parts := strings.Split(line, "; ")
			first, second, _ := strings.Cut(parts[0], " ")
			field := func(name string) string {
				for _, p := range parts[1:] {
					if v, ok := strings.CutPrefix(p, name+"="); ok {
						return strings.ReplaceAll(v, `\n`, "\n")
					}
				}
				return ""
			}
			at := func(name string) time.Time {
				if s := field(name); s != "" {
					return moment(s)
				}
				return time.Time{}
			}
			switch f.Name {
			case "local":
				if !slices.Contains(names, first) {
					names = append(names, first)
				}
				if second == "" {
					continue
				}
				e := engine.Entry{Plate: second, Owner: field("owner"), From: at("from"), Until: at("until"), Schedule: -1}
				if slices.Contains(parts, "schedule") {
					e.Schedule = 0
				}
				entries[first] = append(entries[first], e)
			case "map":
				o.Mapping = append(o.Mapping, plates.Mapping{Local: first, Camera: second})
			case "groups":
				groups = append(groups, client.Group{ID: fmt.Sprint(len(groups) + 1), Name: line})
			case "camera":
				have = append(have, client.Plate{Group: first, Number: second, Owner: field("owner"), Telephone: field("phone"), Begin: at("begin"), End: at("end")})
			case "options":
				o.Prune = o.Prune || line == "prune"
				o.AllowEmpty = o.AllowEmpty || line == "allow-empty"
			}
		}
	}
	for _, n := range names {
		o.Local = append(o.Local, engine.NewList(n, entries[n]))
	}
	return groups, have, o
}

func showPlan(p *plates.Plan, err error) string {
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var b strings.Builder
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "%s %s", s.Op, s.Plate.Number)
		if s.From != "" {
			fmt.Fprintf(&b, " from %s", s.From)
		}
		fmt.Fprintf(&b, " on %s", s.Plate.Group)
		if s.Why != "" {
			fmt.Fprintf(&b, ": %s", s.Why)
		}
		b.WriteByte('\n')
	}
	for _, f := range p.Findings {
		fmt.Fprintf(&b, "%s %s (%s): %s\n", f.Kind, f.Number, f.List, f.Text)
	}
	fmt.Fprintf(&b, "same: %d\n", p.Same)
	if len(p.Unmapped) > 0 {
		fmt.Fprintf(&b, "unmapped: %s\n", strings.Join(p.Unmapped, " "))
	}
	if p.Bad() {
		b.WriteString("bad\n")
	}
	return b.String()
}
