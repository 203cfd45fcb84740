package rulefile

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/scene"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// testSite is the site that the rules of the tests are for.
func testSite() Site {
	return Site{
		Cameras: []string{"porch", "gate", "front"}, Contacts: []string{"door"}, Notifiers: []string{"phone"}, Secrets: []string{"hook"},
		Relays:        map[string]RelayInfo{"gate": {MaxOn: 5 * time.Second}, "porch": {MaxOn: 12 * time.Hour}},
		AllowPrograms: []string{"/usr/local/bin/open.sh"}, HasPlace: true, Latitude: 26.71, Longitude: -80.05,
	}
}

func loadText(t *testing.T, text string, site Site) (*engine.Ruleset, []Problem) {
	t.Helper()
	return LoadFiles([]File{{"test.yaml", []byte(text)}}, "rules.d", site)
}

// mustLoad fails on any error; warnings are allowed.
func mustLoad(t *testing.T, text string) *engine.Ruleset {
	t.Helper()
	rs, problems := loadText(t, text, testSite())
	if rs == nil {
		t.Fatalf("does not load:\n%s", listing(problems))
	}
	return rs
}

func listing(ps []Problem) string {
	var b strings.Builder
	for _, p := range ps {
		b.WriteString(p.String() + "\n")
	}
	return b.String()
}

func TestExampleOfTheContract(t *testing.T) {
	data, err := os.ReadFile("testdata/rules/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rs, problems := LoadFiles([]File{{"example.yaml", data}}, "rules.d", testSite())
	if rs == nil {
		t.Fatalf("does not load:\n%s", listing(problems))
	}
	if len(problems) != 1 || problems[0].Message != "notify is checked, but not sent in this version" {
		t.Errorf("problems:\n%s", listing(problems))
	}
	var cameras []string
	for _, c := range rs.Cameras {
		cameras = append(cameras, c.Name)
	}
	if want := []string{"front", "gate", "porch"}; !reflect.DeepEqual(cameras, want) {
		t.Errorf("cameras %v, want %v", cameras, want)
	}
	light, gate, nvr := rs.Rules[0], rs.Rules[1], rs.Rules[2]
	wantNeed := engine.Need{Cameras: []int{2}, Classes: scene.Classes(scene.Person), Zones: []engine.ZoneRef{0}}
	if !reflect.DeepEqual(light.Need, wantNeed) {
		t.Errorf("need %+v, want %+v", light.Need, wantNeed)
	}
	if !light.Level || light.Per != engine.PerTarget || light.Hold != 90*time.Second || light.Reads != engine.ReadsClock || light.FirstZone != "porch" || light.Line != 10 {
		t.Errorf("light: %+v", light)
	}
	if got, want := light.Do[0].Args, (engine.RelayArgs{Relay: "porch", Op: engine.RelayFollow}); got != want {
		t.Errorf("step %+v, want %+v", got, want)
	}
	if gate.Level || gate.Per != engine.PerVisit || len(gate.Do) != 2 || gate.Do[0].Text != "relay gate pulse 800ms" || gate.Do[1].Fill == nil || gate.Do[1].Expires != time.Hour {
		t.Errorf("gate: %+v", gate)
	}
	if nvr.FirstZone != "apron" || len(nvr.When.Kids) != 3 {
		t.Errorf("nvr: %+v", nvr)
	}
}

func TestLoadFolder(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"b.yaml":          "rules:\n  - {name: b, on: start, do: [{log: b}]}\n",
		"a.yml":           "rules:\n  - {name: a, on: start, do: [{log: a}]}\n",
		"a_test.yaml":     "tests: []\n",
		".hidden.yaml":    "rubbish: [",
		"_draft.yaml":     "rubbish: [",
		"old.yaml~":       "rubbish: [",
		".a.yml.swp":      "rubbish: [",
		"c.yaml.disabled": "rubbish: [",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rs, problems := Load(dir, testSite())
	if len(problems) > 0 {
		t.Fatalf("problems:\n%s", listing(problems))
	}
	if len(rs.Rules) != 2 || rs.Rules[0].Name != "a" || rs.Rules[1].Name != "b" {
		t.Errorf("rules %v", rs.Rules)
	}
	if got, want := rs.Rules[0].File, filepath.ToSlash(dir)+"/a.yml"; got != want {
		t.Errorf("file %s, want %s", got, want)
	}
	again, _ := Load(dir, testSite())
	if again.Hash != rs.Hash || len(rs.Hash) != 64 {
		t.Errorf("hash %s and %s", rs.Hash, again.Hash)
	}
	_, problems = Load(filepath.Join(dir, "none"), testSite())
	if want := filepath.ToSlash(dir) + "/none: the folder of rules cannot be read: no such file or directory\n"; listing(problems) != want {
		t.Errorf("got %swant %s", listing(problems), want)
	}
}
