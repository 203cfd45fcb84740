package rulefile

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sallyport/sallyport/engine"
)

// messages are the problems of a text, each in one line.
func messages(ps []Problem) []string {
	var out []string
	for _, p := range ps {
		out = append(out, p.Summary())
	}
	return out
}

func TestWarnings(t *testing.T) {
	const zones = `zones:
  porch: {camera: porch, polygon: [[2000, 3000], [8000, 3000], [8000, 9000], [2000, 9000]], classes: [person]}
  apron: {camera: gate, polygon: [[0, 0], [100, 0], [100, 100]]}
flags: {armed: true}
rules:
`
	const uses = "  - {name: u, on: start, when: 'occupancy(\"porch\") > 0 && occupancy(\"apron\") > 0 && flag(\"armed\")', do: [{log: x}]}\n"
	for _, c := range []struct{ rules, want string }{
		{"  - {name: r, on: start, do: [{log: x}]}\n", "rules.d/test.yaml:2:3: warning: zone \"porch\": no rule uses it\nrules.d/test.yaml:3:3: warning: zone \"apron\": no rule uses it\nrules.d/test.yaml:4:9: warning: flag \"armed\": no rule uses it"},
		{uses + `  - {name: r, on: target, when: 'inside("porch") && inside("apron")', do: [{log: x}]}`, `rules.d/test.yaml:7:50: warning: rule "r": when: the condition is never true: its parts exclude each other`},
		{uses + `  - {name: r, on: target, when: 'target.class == "car" && target.class == "person"', do: [{log: x}]}`, `rules.d/test.yaml:7:56: warning: rule "r": when: the condition is never true: its parts exclude each other`},
		{uses + `  - {name: r, on: target, when: 'target.class == "car" && inside("porch")', do: [{log: x}]}`, `rules.d/test.yaml:7:33: warning: rule "r": when: the condition is never true: zone "porch" only holds person`},
		{uses + `  - {name: r, on: target, when: 'seen("porch", "car", "3s")', do: [{log: x}]}`, `rules.d/test.yaml:7:48: warning: rule "r": when: zone "porch" never holds a car: its classes are person`},
		{uses + `  - {name: r, on: plate, when: 'plate.confidence > 100', do: [{log: x}]}`, `rules.d/test.yaml:7:50: warning: rule "r": when: this part is never true: plate.confidence is 0 to 100`},
		{uses + `  - {name: r, on: target, when: 'dwell("porch") >= "0s"', do: [{log: x}]}`, `rules.d/test.yaml:7:49: warning: rule "r": when: this part is always true: a duration is never below 0`},
		{uses + `  - {name: r, on: target, when: 'still() && 1 < 2', do: [{log: x}]}`, `rules.d/test.yaml:7:47: warning: rule "r": when: this part is always true: 1 < 2`},
		{uses + `  - {name: r, on: target, when: still(), do: [{relay: gate, pulse: 6s}]}`, `rules.d/test.yaml:7:68: warning: rule "r": do 1: this pulse is longer than max_on of relay "gate" (5s), which ends it`},
		{uses + `  - {name: r, on: target, when: 'relay("gate").on', do: [{relay: gate, set: off}]}`, `rules.d/test.yaml:7:58: warning: rule "r": do 1: this rule reads relay "gate", which it drives`},
		{uses + `  - {name: r, on: flag, when: 'flag("armed")', do: [{flag: armed, set: false}]}`, `rules.d/test.yaml:7:53: warning: rule "r": do 1: this rule reads flag "armed", which it sets`},
		{uses + "  - {name: a, on: target, when: still(), do: [{relay: gate, follow: true}]}\n  - {name: b, on: start, do: [{relay: gate, set: off}]}", `rules.d/test.yaml:8:31: warning: rule "b": do 1: this rule and rule "a" fight for relay "gate": one follows and the other switches it off`},
		{uses + "  - {name: a, on: motion, when: known(event.id), do: [{relay: gate, set: on}]}\n  - {name: b, on: motion, when: known(event.id), do: [{relay: gate, set: off}]}", `rules.d/test.yaml:8:55: warning: rule "b": do 1: this rule and rule "a" fight for relay "gate": one switches it on and the other off on the same condition`},
		{uses + `  - {name: r, on: motion, when: known(event.id), do: [{relay: gate, follow: true}]}`, `rules.d/test.yaml:7:77: warning: rule "r": do 1: this rule happens in an instant and has no hold, so the relay is never on`},
		{uses + `  - {name: r, on: start}`, `rules.d/test.yaml:7:5: warning: rule "r": this rule does nothing: do is missing`},
		{uses + `  - {name: r, on: plate, when: (plate.list ?? "none") == "allow", do: [{log: x}]}`, ``},
	} {
		rs, problems := loadText(t, zones+c.rules+"\n", testSite())
		if got := strings.Join(messages(problems), "\n"); got != c.want || rs == nil {
			t.Errorf("%s\ngot  %s\nwant %s", c.rules, got, c.want)
		}
	}
}

// TestFights shows which two rules that switch one relay on and off are said to fight: those that surely do.
func TestFights(t *testing.T) {
	const same, second, first = "one switches it on and the other off on the same condition",
		"one switches it on and the other off, and that one fires whenever this one does",
		"one switches it on and the other off, and this one fires whenever that one does"
	for _, c := range []struct{ a, b, want string }{
		{`on: plate, when: known(plate.number), do: [{relay: gate, set: on}]`, `on: plate, when: known(plate.number), do: [{relay: gate, set: off}]`, same},
		{`on: plate, when: known(plate.number), do: [{relay: gate, set: off}]`, `on: plate, when: known(plate.number), do: [{relay: gate, set: on}]`, same},
		{`on: plate, when: known(plate.number) && day(), do: [{relay: gate, set: on}]`, `on: plate, when: day() && known(plate.number), do: [{relay: gate, set: off}]`, same},
		{`on: message, do: [{relay: gate, set: on}]`, `on: message, do: [{relay: gate, set: off}]`, same},
		{`on: target, when: still(), do: [{relay: gate, set: on}]`, `on: target, when: still(), do: [{relay: gate, set: off}]`, same},
		{`on: plate, when: known(plate.number), do: [{relay: gate, set: on}]`, `on: plate, when: known(plate.number) && night(), do: [{relay: gate, set: off}]`, second},
		{`on: plate, when: night() && known(plate.number) && known(plate.list), do: [{relay: gate, set: on}]`, `on: plate, when: known(plate.list) && night(), do: [{relay: gate, set: off}]`, first},
		{`on: [plate, face], per: rule, when: day(), do: [{relay: gate, set: on}]`, `on: plate, when: day() && known(plate.number), do: [{relay: gate, set: off}]`, second},
		{`on: message, do: [{relay: gate, set: on}]`, `on: message, when: known(message.body.a), do: [{relay: gate, set: off}]`, second},
		{`on: plate, while: day(), when: known(plate.number), do: [{relay: gate, set: on}]`, `on: plate, when: known(plate.number), do: [{relay: gate, set: off}]`, first},
		// These may be meant so, or cannot be told.
		{`on: plate, when: day() && known(plate.number), do: [{relay: gate, set: on}]`, `on: plate, when: night() && known(plate.number), do: [{relay: gate, set: off}]`, ""},
		{`on: plate, while: day(), when: known(plate.number), do: [{relay: gate, set: on}]`, `on: plate, while: night(), when: known(plate.number), do: [{relay: gate, set: off}]`, ""},
		{`on: target, when: still(), do: [{relay: gate, set: on}]`, `on: target, when: still(), for: 10s, do: [{relay: gate, set: off}]`, ""},
		{`on: target, when: still(), do: [{relay: gate, set: on}]`, `on: target, when: 'still() && target.age > "10s"', do: [{relay: gate, set: off}]`, ""},
		{`on: plate, when: day(), do: [{relay: gate, set: on}]`, `on: face, when: day(), do: [{relay: gate, set: off}]`, ""},
		{`on: {cron: "0 7 * * *"}, do: [{relay: gate, set: on}]`, `on: {cron: "0 22 * * *"}, do: [{relay: gate, set: off}]`, ""},
		{`on: plate, when: day(), do: [{relay: gate, set: on}]`, `on: plate, when: day(), do: [{relay: gate, set: off, after: 10s}]`, ""},
		{`on: plate, when: day(), do: [{relay: gate, set: on, if: known(plate.list)}]`, `on: plate, when: day(), do: [{relay: gate, set: off, if: known(plate.owner)}]`, ""},
		{`on: plate, when: day(), do: [{relay: gate, set: on}]`, `on: plate, when: day(), mode: shadow, do: [{relay: gate, set: off}]`, ""},
		{`on: plate, when: day(), do: [{relay: gate, set: on}]`, `on: plate, when: day(), do: [{relay: porch, set: off}]`, ""},
		{`on: plate, when: day(), do: [{relay: gate, set: on}]`, `on: plate, when: day(), do: [{log: x}], finally: [{relay: gate, set: off}]`, ""},
	} {
		rs, problems := loadText(t, "rules:\n  - {name: a, "+c.a+"}\n  - {name: b, "+c.b+"}\n", testSite())
		if c.want != "" {
			c.want = `this rule and rule "a" fight for relay "gate": ` + c.want
		}
		got := ""
		for _, p := range problems {
			if strings.Contains(p.Message, "fight") {
				got += p.Message
			}
		}
		if got != c.want || rs == nil {
			t.Errorf("%s\n%s\ngot  %s\nwant %s", c.a, c.b, got, c.want)
		}
	}
}

// TestEveryProblemAtOnce shows all mistakes of all files in one go, in the order of files and lines.
func TestEveryProblemAtOnce(t *testing.T) {
	files := []File{
		{"b.yaml", []byte("flags: {armed: true}\nrules:\n  - {name: r, on: start, do: [{log: x}]}\n  - {name: s, on: strt, do: [{relay: x}]}\n")},
		{"a.yaml", []byte("flags: {armed: false}\nrules:\n  - {name: r, on: target, when: 'insde(\"x\") && outside', hold: 2x, do: [{lg: x}]}\n")},
		{"c.yaml", []byte("rules: [\n")},
	}
	rs, problems := LoadFiles(files, "rules.d", testSite())
	want := []string{
		`rules.d/a.yaml:3:34: rule "r": when: unknown function insde (did you mean inside?)`,
		`rules.d/a.yaml:3:48: rule "r": when: unknown name outside`,
		`rules.d/a.yaml:3:64: rule "r": hold: "2x" is not a duration (try "2s")`,
		`rules.d/a.yaml:3:73: rule "r": do 1: a step has a verb: relay, http, run, shell, plates, camera, notify, mqtt, flag, count or log (did you mean log?)`,
		`rules.d/b.yaml:1:9: flag "armed": this name is taken; names are unique over all files`,
		`rules.d/b.yaml:3:12: rule "r": this name is taken; names are unique over all files`,
		`rules.d/b.yaml:4:19: rule "s": on: unknown event kind strt (did you mean start?)`,
		`rules.d/b.yaml:4:38: rule "s": do 1: there is no relay "x"`,
		`rules.d/c.yaml:1:8: this [ is not closed: a ] is missing`,
	}
	if rs != nil {
		t.Error("it loads")
	}
	if got := messages(problems); !reflect.DeepEqual(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestProblemShowsItsPlace(t *testing.T) {
	_, problems := LoadFiles([]File{{"gate.yaml", []byte("rules:\n  - name: gate\n    on: plate\n    when: plat.on(\"x\")\n    do: [{log: x}]\n")}}, "rules.d", testSite())
	const want = "rules.d/gate.yaml:4:11: rule \"gate\": when: unknown name plat (did you mean plate?)\n" +
		"      when: plat.on(\"x\")\n" +
		"            ^\n"
	if got := listing(problems); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestListFile(t *testing.T) {
	csv := "\ufeffplate,owner,from,until,schedule,note\n" +
		"ABC1234,\"Ann, Bob\",,2026-02-28,office,x\n" +
		"# a comment\n" +
		"A\n" +
		"DEF 567,,tomorrow,,,\n" +
		"GHI890,,,,ofice,\n" +
		"\"JKL\n" +
		"123\",,,,,\n" +
		"MNO111,,2026-01-01 08:00,2026-01-01 09:00\n" +
		"PQR222,a,b,c,d,e,f\n"
	site := testSite()
	site.Location, _ = time.LoadLocation("America/New_York")
	rs, problems := LoadFiles([]File{
		{"a.yaml", []byte("schedules: {office: {days: mon-fri}}\nlists: {l: {file: plates/r.csv}}\nrules: [{name: r, on: plate, when: plate.on(\"l\"), do: [{log: x}]}]\n")},
		{"plates/r.csv", []byte(csv)},
	}, "rules.d", site)
	if rs == nil {
		t.Fatal(listing(problems))
	}
	want := []string{
		`rules.d/plates/r.csv:4:1: warning: this row is left out: plate: a plate has at least 2 characters, not "A"`,
		`rules.d/plates/r.csv:5:10: warning: this row is left out: from: "tomorrow" is not a day or a time (try 2027-01-31 or "2027-01-31 18:00")`,
		`rules.d/plates/r.csv:6:11: warning: this row is left out: schedule: there is no schedule "ofice" (did you mean office?)`,
		`rules.d/plates/r.csv:10:1: warning: this row is left out: it has 7 fields, the first line names 6`,
	}
	if got := messages(problems); !reflect.DeepEqual(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	entries := rs.Lists[0].Entries()
	if len(entries) != 3 {
		t.Fatalf("%+v", entries)
	}
	// The last day is included, in the site's zone.
	if e := entries[0]; e.Owner != "Ann, Bob" || e.Schedule != 0 || !e.Until.Equal(time.Date(2026, 3, 1, 5, 0, 0, 0, time.UTC)) || !e.From.IsZero() {
		t.Errorf("%+v", e)
	}
	if e := entries[2]; e.Schedule != -1 || e.Until.Sub(e.From) != time.Hour {
		t.Errorf("%+v", e)
	}
}

func TestTextStaysAsWritten(t *testing.T) {
	rs := mustLoad(t, "lists:\n  l: [0123, 1e3, {plate: 0x1F}, {plate: 12_34}, {plate: 2026-01-01}]\nflags: {a: 0123, b: 12, c: \"12\", d: 1_000}\n")
	var got []string
	for _, e := range rs.Lists[0].Entries() {
		got = append(got, e.Plate)
	}
	if want := []string{"0123", "1e3", "0x1F", "12_34", "2026-01-01"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	want := []engine.Scalar{{Type: engine.ScalarText, Text: "0123"}, {Type: engine.ScalarNumber, Number: 12}, {Type: engine.ScalarText, Text: "12"}, {Type: engine.ScalarText, Text: "1_000"}}
	for i, f := range rs.Flags {
		if f.Initial != want[i] {
			t.Errorf("flag %s: %+v, want %+v", f.Name, f.Initial, want[i])
		}
	}
}

// TestIdentity shows what makes a rule another one: its own text and what it names, but not the lists.
func TestIdentity(t *testing.T) {
	const text = `
zones:
  a: {camera: porch, polygon: [[0, 0], [100, 0], [100, 100]]}
  b: {camera: porch, polygon: [[0, 0], [100, 0], [100, 100]]}
schedules: {office: {days: mon-fri}}
lists: {l: [AB12]}
flags: {f: true}
rules:
  - {name: r, on: target, when: 'inside("a") && during("office")', do: [{log: x}]}
  - {name: s, on: plate, when: 'plate.on("l") && flag("f")', do: [{log: "${occupancy("b")}"}]}
`
	base := mustLoad(t, strings.ReplaceAll(text, `"${occupancy("b")}"`, `'${occupancy("b")}'`))
	for _, c := range []struct {
		from, to string
		r, s     bool // whether it stays the same
	}{
		{"rules:\n", "# a comment\nrules:\n\n", true, true},
		{"[AB12]", "[AB12, CD34]", true, true},
		{"a: {camera: porch, polygon: [[0, 0]", "a: {camera: porch, polygon: [[0, 1]", false, true},
		{"b: {camera: porch, polygon: [[0, 0]", "b: {camera: porch, polygon: [[0, 1]", true, false},
		{"mon-fri", "mon-sat", false, true},
		{"f: true", "f: false", true, true},
		{"log: x", "log: y", false, true},
		{"on: target, when:", "on: target,   when:", true, true},
	} {
		changed := strings.ReplaceAll(strings.Replace(text, c.from, c.to, 1), `"${occupancy("b")}"`, `'${occupancy("b")}'`)
		rs := mustLoad(t, changed)
		if r, s := rs.Rules[0].Identity == base.Rules[0].Identity, rs.Rules[1].Identity == base.Rules[1].Identity; r != c.r || s != c.s {
			t.Errorf("%s: the same: %v %v, want %v %v", c.to, r, s, c.r, c.s)
		}
		if rs.Hash == base.Hash {
			t.Errorf("%s: the hash of the set does not change", c.to)
		}
	}
}

func TestWithoutSiteFile(t *testing.T) {
	data, err := os.ReadFile("testdata/rules/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	extra := "rules:\n  - {name: x, on: camera, when: 'camera.name == \"back\" && contact(\"c\").on && night()', do: [{run: [/bin/x]}, {shell: ls}, {plates: add, number: AB12, list: allow, cameras: side}]}\n"
	rs, problems := LoadFiles([]File{{"a.yaml", []byte(extra)}, {"example.yaml", data}}, "rules.d", Site{Open: true})
	if rs == nil {
		t.Fatal(listing(problems))
	}
	if got, want := messages(problems)[0], "rules.d: warning: without a site file, the names that rules use are taken as given"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var names []string
	for _, c := range rs.Cameras {
		names = append(names, c.Name)
	}
	if want := []string{"back", "gate", "porch", "side"}; !reflect.DeepEqual(names, want) {
		t.Errorf("cameras %v, want %v", names, want)
	}
	if n := rs.Rules[0].Need.Cameras; !reflect.DeepEqual(n, []int{0}) {
		t.Errorf("need %v", n)
	}
	if p := rs.Zones[0]; p.Camera != 2 || p.Name != "porch" || rs.Cameras[2].Layout.Zones[p.Index].Name != "porch" {
		t.Errorf("zone %+v", p)
	}
}

func TestBounds(t *testing.T) {
	big := []byte("# " + strings.Repeat("x", 1<<20))
	_, problems := LoadFiles([]File{{"big.yaml", big}}, "rules.d", testSite())
	if got, want := strings.Join(messages(problems), "\n"), "rules.d/big.yaml: the file is larger than 1 MB"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "big.yaml"), big, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, problems = Load(dir, testSite())
	if got, want := strings.Join(messages(problems), "\n"), filepath.ToSlash(dir)+"/big.yaml: the file is larger than 1 MB\n"+filepath.ToSlash(dir)+"/folder.yaml: is a folder"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	many := make([]File, maxFiles+1)
	for i := range many {
		many[i] = File{fmt.Sprintf("f%d.yaml", i), []byte("#")}
	}
	_, problems = LoadFiles(many, "rules.d", testSite())
	if got, want := strings.Join(messages(problems), "\n"), "rules.d: there are more than 1000 rule files"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, problems = loadText(t, "rules: [{name: r, on: start, do: [{log: "+strings.Repeat("x", 1<<16+1)+"}]}]\n", testSite())
	if got, want := strings.Join(messages(problems), "\n"), `rules.d/test.yaml:1:41: rule "r": do 1: log is longer than 64 KB`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	rows := []byte("plate\n\n" + func() string {
		var b strings.Builder
		for i := range maxEntries + 1 {
			fmt.Fprintf(&b, "P%06d\n", i)
		}
		return b.String()
	}())
	_, problems = LoadFiles([]File{
		{"a.yaml", []byte("lists: {l: {file: r.csv}}\nrules: [{name: r, on: plate, when: plate.on(\"l\"), do: [{log: x}]}]\n")}, {"r.csv", rows},
	}, "rules.d", testSite())
	if got, want := strings.Join(messages(problems), "\n"), "rules.d/r.csv:100003:1: warning: a list has at most 100000 entries; the rest is left out"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, problems = LoadFS(fstest.MapFS{"p.yaml": {Mode: fs.ModeNamedPipe}}, "rules.d", testSite())
	if got, want := strings.Join(messages(problems), "\n"), "rules.d/p.yaml: not a regular file"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var over strings.Builder
	over.WriteString("rules:\n")
	for i := range maxRules + 1 {
		fmt.Fprintf(&over, "- {name: r%d, on: start, do: [{log: x}]}\n", i)
	}
	_, problems = loadText(t, over.String(), testSite())
	if got, want := strings.Join(messages(problems), "\n"), "rules.d/test.yaml:10002:3: there are more than 10000 rules"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var b strings.Builder
	b.WriteString("rules:\n")
	for range 10_001 {
		b.WriteString("- {name: x}\n")
	}
	_, problems = loadText(t, b.String(), testSite())
	if last := problems[len(problems)-1].Summary(); last != "rules.d: and 9002 more problems" {
		t.Errorf("%d problems, the last: %s", len(problems), last)
	}
}

func TestEmptyFilesAreFine(t *testing.T) {
	for _, text := range []string{"# nothing\n", "---\n", "rules:\n", "zones: {}\nrules: []\n", "~\n"} {
		if rs, problems := loadText(t, text, testSite()); rs == nil || len(problems) > 0 {
			t.Errorf("%q: %s", text, listing(problems))
		}
	}
}

// FuzzLoad feeds anything: it must not panic, and every problem says where.
func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/rules/*.yaml")
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		for _, site := range sites() {
			rs, problems := LoadFiles([]File{{"a.yaml", data}}, "rules.d", site)
			if rs == nil != Failed(problems) {
				t.Errorf("a set: %v, failed: %v", rs != nil, Failed(problems))
			}
			lines := strings.Count(string(data), "\n") + 1
			for _, p := range problems {
				whole := wholeFile(p.Message)
				if p.File == "" || p.Message == "" || p.Line < 1 && !whole || p.Line > lines+1 {
					t.Errorf("%q: %+v", data, p)
				}
			}
		}
	})
}

// sites are sites of every sort: with everything, with nothing at all, and without a site file.
func sites() []Site {
	return []Site{testSite(), {}, {Cameras: []string{"porch"}}, {Open: true}}
}

// wholeFile tells whether a message is about a file and no place in it.
func wholeFile(message string) bool {
	return strings.Contains(message, "YAML") || strings.Contains(message, "the file is empty") || strings.Contains(message, "more problems") || strings.Contains(message, "without a site file")
}

// TestEverySite loads every rule file of the tests for sites that lack what the rules name: there may be no panic.
func TestEverySite(t *testing.T) {
	files, err := filepath.Glob("testdata/rules/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, site := range sites() {
			if rs, problems := LoadFiles([]File{{"a.yaml", data}}, "rules.d", site); rs == nil != Failed(problems) {
				t.Errorf("%s, site %d: a set: %v, failed: %v", name, i, rs != nil, Failed(problems))
			}
		}
	}
}

func TestNoCameras(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"zones:\n  z: {camera: nope, polygon: [[0, 0], [9, 0], [9, 9]]}\n", `rules.d/test.yaml:2:15: zone "z": there is no camera "nope"`},
		{"zones:\n  z: {polygon: [[0, 0], [9, 0], [9, 9]]}\n", `rules.d/test.yaml:2:3: zone "z": camera is missing`},
		{"lines:\n  l: {camera: nope, from: [0, 0], to: [9, 9], in: left}\n", `rules.d/test.yaml:2:15: line "l": there is no camera "nope"`},
	} {
		rs, problems := loadText(t, c.text, Site{})
		if got := strings.Join(messages(problems), "\n"); rs != nil || got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestNightNeedsAPlace(t *testing.T) {
	site := testSite()
	site.HasPlace = false
	_, problems := loadText(t, "rules:\n  - {name: r, on: start, when: night(), do: [{log: x}]}\n", site)
	const want = `rules.d/test.yaml:2:32: rule "r": when: night() needs the site's latitude and longitude (location: in the site file)`
	if got := strings.Join(messages(problems), "\n"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// BenchmarkLoad loads a hundred rules.
func BenchmarkLoad(b *testing.B) {
	var text strings.Builder
	text.WriteString("zones:\n  porch: {camera: porch, polygon: [[2000, 3000], [8000, 3000], [8000, 9000], [2000, 9000]]}\nrules:\n")
	for i := range 100 {
		text.WriteString("  - {name: r" + strings.Repeat("x", i) + ", on: target, when: 'target.class == \"person\" && dwell(\"porch\") > \"2s\"', do: [{relay: porch, follow: true}]}\n")
	}
	files := []File{{"a.yaml", []byte(text.String())}}
	for b.Loop() {
		if rs, problems := LoadFiles(files, "rules.d", testSite()); rs == nil {
			b.Fatal(listing(problems))
		}
	}
}

// TestListsForCameras shows that a list which only the cameras need is not said to be unused.
func TestListsForCameras(t *testing.T) {
	site := testSite()
	site.PlateLists = []string{"banned"}
	_, problems := loadText(t, "lists: {banned: [BAD0001], old: [OLD0001]}\nrules:\n  - {name: r, on: start, do: [{log: x}]}\n", site)
	const want = `rules.d/test.yaml:1:28: warning: list "old": no rule uses it`
	if got := strings.Join(messages(problems), "\n"); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// TestWhatIsShownOfARule: where zones are declared, what rules name, and their own lines.
func TestWhatIsShownOfARule(t *testing.T) {
	const text = `zones:
  yard: {camera: front, polygon: [[0, 0], [9000, 0], [9000, 9000]]}
lists:
  residents: [{plate: ABC1234}]

rules:
  # the first one
  - name: first
    on: target
    when: |
      inside("yard")

      && target.class == "person"
    do:
      - {relay: porch, follow: true}
      # within it

  # about the second
  - {name: second, on: plate, when: plate.on("residents"), do: [{relay: gate, pulse: 800ms}, {relay: porch, set: on}, {relay: gate, pulse: 1s, after: 1s}]}

lines:
  kerb: {camera: front, from: [0, 6000], to: [9000, 6000], in: right}
`
	rs, problems := LoadFiles([]File{{"a.yaml", []byte(text)}}, "rules.d", Site{Cameras: []string{"front"}, Relays: map[string]RelayInfo{"porch": {}, "gate": {}}})
	if Failed(problems) {
		t.Fatal(problems)
	}
	lines := strings.Split(text, "\n")
	first, second := rs.Rules[0], rs.Rules[1]
	if want := strings.Join(lines[7:16], "\n"); first.Text != want {
		t.Errorf("the first is\n%s\nwant\n%s", first.Text, want)
	}
	if want := lines[18]; second.Text != want {
		t.Errorf("the second is\n%s\nwant\n%s", second.Text, want)
	}
	if got, want := fmt.Sprint(first.Uses, second.Uses), "{[yard] [] [] [porch]} {[] [] [residents] [gate porch]}"; got != want {
		t.Errorf("they name %s, want %s", got, want)
	}
	if z, l := rs.Zones[0], rs.Lines[0]; z.File != "rules.d/a.yaml" || z.Line != 2 || l.File != "rules.d/a.yaml" || l.Line != 22 {
		t.Errorf("declared at %+v, %+v", z, l)
	}
}
