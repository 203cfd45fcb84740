package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/web"
)

const gateRules = `zones: {drive: {camera: front, polygon: [[0, 0], [9, 0], [9, 9]]}}
rules:
  - {name: gate, on: target, when: inside("drive"), do: [{log: x}]}
`

// rulesFolder is a folder of rules as the console has it; saves are what it was told.
type rulesFolder struct {
	*testing.T
	*ruleFiles
	saves []string
}

func newRulesFolder(t *testing.T, files map[string]string) *rulesFolder {
	t.Helper()
	f := &rulesFolder{T: t}
	f.ruleFiles = &ruleFiles{
		dir:   filepath.Join(testFolder(t, files), "rules.d"),
		turn:  make(chan struct{}, 1),
		site:  func() rulefile.Site { return rulefile.Site{Open: true} },
		saved: func(who, what, file string) { f.saves = append(f.saves, who+" "+what+" "+file) },
	}
	return f
}

// put saves a file in the place of what is there now.
func (f *rulesFolder) put(name, text string) (web.RuleFile, error) {
	f.Helper()
	s := web.FileSave{Path: name, Text: []byte(text), Who: "ann"}
	if old, err := os.ReadFile(filepath.Join(f.dir, name)); err == nil {
		s.Match = tagOf(old)
	}
	return f.save(f.Context(), s)
}

func (f *rulesFolder) holds(name, want string) {
	f.Helper()
	got, err := os.ReadFile(filepath.Join(f.dir, name))
	if err != nil || string(got) != want {
		f.Errorf("%s holds %q (%v), want %q", name, got, err, want)
	}
}

func (f *rulesFolder) refused(what string, err error, want string) {
	f.Helper()
	if err == nil || err.Error() != want {
		f.Errorf("%s: %v\nwant %s", what, err, want)
	}
}

// TestAHandThatIsFaster: what somebody writes on the machine while a save is checked stays.
func TestAHandThatIsFaster(t *testing.T) {
	f := newRulesFolder(t, map[string]string{"rules.d/gate.yaml": gateRules})
	hand, open := gateRules+"# by hand\n", f.site
	f.site = func() rulefile.Site {
		if err := os.WriteFile(filepath.Join(f.dir, "gate.yaml"), []byte(hand), 0o600); err != nil {
			t.Error(err)
		}
		return open()
	}
	_, err := f.put("gate.yaml", gateRules+"# in the page\n")
	f.refused("a save", err, "gate.yaml was changed meanwhile; take the new text over first")
	f.holds("gate.yaml", hand)
}

func TestFilesOfTheFolder(t *testing.T) {
	f := newRulesFolder(t, map[string]string{
		"secret.yaml":                   "rules: []\n",
		"rules.d/gate.yaml":             gateRules,
		"rules.d/gate_test.yaml":        "tests: []\n",
		"rules.d/_old.yaml":             "rules: [\n",
		"rules.d/notes.md":              "x",
		"rules.d/plates/residents.csv":  "plate\n",
		"rules.d/a/b/c/d.csv":           "plate\n",
		"rules.d/lists.yaml":            "lists: {residents: {file: plates/residents.csv}, x: []}\nlines: {kerb: {camera: front, from: [0, 0], to: [9, 9], in: left}}\n",
		"rules.d/.hidden/residents.csv": "plate\n",
	})
	for name, to := range map[string]string{"link.yaml": "../secret.yaml", "inner.yaml": "gate.yaml", "out": ".."} {
		if err := os.Symlink(to, filepath.Join(f.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(f.dir, "inner.yaml")); err != nil { // two files with the same zones do not load
		t.Fatal(err)
	}
	all, err := f.list(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, w := range all {
		names = append(names, w.Path)
	}
	if want := []string{"gate.yaml", "gate_test.yaml", "lists.yaml", "plates/residents.csv"}; !slices.Equal(names, want) {
		t.Errorf("files are %q, want %q", names, want)
	}
	if g := all[0]; !slices.Equal(g.Rules, []string{"gate"}) || !slices.Equal(g.Zones, []string{"drive"}) || g.Size != int64(len(gateRules)) || g.Modified.IsZero() {
		t.Errorf("%+v", g)
	}
	if l := all[2]; !slices.Equal(l.Zones, []string{"kerb"}) {
		t.Errorf("%+v", l)
	}
	text, tag, err := f.text(t.Context(), "gate.yaml")
	if err != nil || string(text) != gateRules || tag != all[0].ETag {
		t.Error(string(text), tag, err)
	}
	const want = " is no path of a rule file; " + wantFilePath
	for name, want := range map[string]string{
		"../secret.yaml":             `"../secret.yaml"` + want,
		"/etc/passwd":                `"/etc/passwd"` + want,
		"out/secret.yaml":            `"out/secret.yaml"` + want,
		"out/residents.csv":          "out/residents.csv cannot be read: path escapes from parent",
		"link.yaml":                  "link.yaml cannot be read: path escapes from parent",
		".hidden/residents.csv":      `".hidden/residents.csv"` + want,
		"a/b/c/d.csv":                `"a/b/c/d.csv"` + want,
		"notes.md":                   `"notes.md"` + want,
		"_old.yaml":                  `"_old.yaml"` + want,
		"gate.yaml ":                 `"gate.yaml "` + want,
		"":                           `""` + want,
		"gate\x00.yaml":              `"gate\x00.yaml"` + want,
		"ga\\te.yaml":                `"ga\\te.yaml"` + want,
		"none.yaml":                  "there is no file none.yaml",
		strings.Repeat("x/", 99):     `"` + strings.Repeat("x/", 30) + `"` + want,
		strings.Repeat("x", 130):     `"` + strings.Repeat("x", 60) + `"` + want,
		"plates":                     `"plates"` + want,
		"\u202egate.yaml":            `"\u202egate.yaml"` + want,
		"gate.yaml/x.csv":            "gate.yaml/x.csv cannot be read: not a directory",
		"https://e.example/gate.csv": `"https://e.example/gate.csv"` + want,
	} {
		_, _, err := f.text(t.Context(), name)
		f.refused("read "+name, err, want)
		_, err = f.save(t.Context(), web.FileSave{Path: name, Text: []byte("plate\n"), Match: `"x"`})
		if err == nil {
			t.Errorf("%q was written", name)
		}
		if err := f.remove(t.Context(), web.FileSave{Path: name, Match: `"x"`}); err == nil {
			t.Errorf("%q was removed", name)
		}
	}
	if b, err := os.ReadFile(filepath.Join(f.dir, "..", "secret.yaml")); err != nil || string(b) != "rules: []\n" {
		t.Error("the file outside was changed", string(b), err)
	}
}

func TestSaves(t *testing.T) {
	f := newRulesFolder(t, map[string]string{"rules.d/gate.yaml": gateRules})
	file := filepath.Join(f.dir, "gate.yaml")
	if err := os.Chmod(file, 0o604); err != nil {
		t.Fatal(err)
	}
	better := strings.ReplaceAll(gateRules, "[9, 9]", "[9, 8]")
	w, err := f.put("gate.yaml", better)
	if err != nil || w.ETag != tagOf([]byte(better)) || w.Path != "gate.yaml" || !slices.Equal(w.Rules, []string{"gate"}) {
		t.Fatalf("%+v %v", w, err)
	}
	f.holds("gate.yaml", better)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o604 {
		t.Error("the mode is", info.Mode(), err)
	}
	// A warning does not keep a file from being saved, and comes with the answer.
	w, err = f.put("lists.yaml", "lists: {residents: [{plate: A111}, {plate: a-111}]}\n")
	if err != nil || len(w.Problems) == 0 || !w.Problems[0].Warning || w.Problems[0].File != "lists.yaml" {
		t.Errorf("%+v %v", w, err)
	}
	if info, err := os.Stat(filepath.Join(f.dir, "lists.yaml")); err != nil || info.Mode().Perm() != 0o640 {
		t.Error("the mode of a new file is", info.Mode(), err)
	}
	if _, err = f.put("plates/new.csv", "plate,owner\nA111,Ann\n"); err != nil {
		t.Error(err)
	}
	_, err = f.put("gate.yaml", strings.ReplaceAll(gateRules, "inside", "insid"))
	f.refused("a mistake", err, "the rules would not load: unknown function insid (did you mean inside?)")
	var bad web.RejectedError
	if !errors.As(err, &bad) || !slices.ContainsFunc(bad.Problems, func(p web.Problem) bool {
		return p.File == "gate.yaml" && p.Line == 3 && p.Column == 36 && p.Suggestion == "inside" && !p.Warning
	}) {
		t.Errorf("%+v", bad.Problems)
	}
	_, err = f.put("other.yaml", gateRules)
	f.refused("the same names again", err, `the rules would not load: zone "drive": this name is taken; names are unique over all files`)
	_, err = f.put("gate.yaml", "")
	f.refused("an empty file", err, "the rules would not load: the file is empty; remove it if its rules are to go")
	_, err = f.put("gate_test.yaml", "tests: [\n")
	f.refused("tests that are no YAML", err, "the rules would not load: this [ is not closed: a ] is missing")
	_, err = f.put("gate.yaml", strings.Repeat("#", 1<<20+1))
	f.refused("a large file", err, "the text is larger than 1 MB")
	_, err = f.save(t.Context(), web.FileSave{Path: "gate.yaml", Text: []byte(gateRules)})
	f.refused("a new file that is there", err, "there is a file gate.yaml already")
	_, err = f.save(t.Context(), web.FileSave{Path: "gate.yaml", Text: []byte(gateRules), Match: tagOf([]byte(gateRules))})
	f.refused("an old tag", err, "gate.yaml was changed meanwhile; take the new text over first")
	_, err = f.save(t.Context(), web.FileSave{Path: "gone.yaml", Text: []byte("rules: []"), Match: `"x"`})
	f.refused("one that is gone", err, "gone.yaml is not there any more")
	f.holds("gate.yaml", better)

	f.put("use.yaml", "rules:\n  - {name: use, on: target, when: inside(\"drive\"), do: [{log: x}]}\n")
	err = f.remove(t.Context(), web.FileSave{Path: "gate.yaml", Match: tagOf([]byte(better)), Who: "ann"})
	f.refused("a removal of what is used", err, `the rules would not load: there is no zone "drive"`)
	if err = f.remove(t.Context(), web.FileSave{Path: "lists.yaml", Match: `"x"`, Who: "ann"}); err == nil || err.Error() != "lists.yaml was changed meanwhile; take the new text over first" {
		t.Error(err)
	}
	_, tag, _ := f.text(t.Context(), "use.yaml")
	if err := f.remove(t.Context(), web.FileSave{Path: "use.yaml", Match: tag, Who: "bob"}); err != nil {
		t.Error(err)
	}
	want := []string{"ann saved gate.yaml", "ann saved lists.yaml", "ann saved plates/new.csv", "ann saved use.yaml", "bob removed use.yaml"}
	if !slices.Equal(f.saves, want) {
		t.Errorf("told %q", f.saves)
	}
	if left, _ := filepath.Glob(filepath.Join(f.dir, ".*")); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
}

// TestOneOfTwoBrokenFilesCanBeMended, and no mistake is added by it.
func TestOneOfTwoBrokenFilesCanBeMended(t *testing.T) {
	f := newRulesFolder(t, map[string]string{"rules.d/a.yaml": "zones: [", "rules.d/b.yaml": "rules: [{name: b, on: target, when: \"nope\", do: [{log: x}]}]\n"})
	_, err := f.put("a.yaml", "zones: [a")
	f.refused("another mistake", err, "the rules would not load: this [ is not closed: a ] is missing")
	_, err = f.put("a.yaml", "rules: [{name: b, on: target, when: clock_ok, do: [{log: x}]}]\n")
	f.refused("a mistake that shows in the other file", err, "the rules would not load: this name is taken; names are unique over all files")
	if _, err := f.put("a.yaml", "zones: {}\n"); err != nil {
		t.Error(err)
	}
	if _, err := f.put("b.yaml", "rules: []\n"); err != nil {
		t.Error(err)
	}
}

// TestOfTwoSaversOneWins whatever comes when.
func TestOfTwoSaversOneWins(t *testing.T) {
	f := newRulesFolder(t, map[string]string{"rules.d/gate.yaml": gateRules})
	f.saved = func(string, string, string) {}
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = f.save(context.Background(), web.FileSave{Path: "gate.yaml", Text: []byte(fmt.Sprintf("# %d\n%s", i, gateRules)), Match: tagOf([]byte(gateRules))})
		})
	}
	wg.Wait()
	won := -1
	for i, err := range errs {
		var changed web.ChangedError
		switch {
		case err == nil && won < 0:
			won = i
		case err == nil:
			t.Errorf("%d and %d were saved", won, i)
		case !errors.As(err, &changed):
			t.Error(err)
		}
	}
	f.holds("gate.yaml", fmt.Sprintf("# %d\n%s", won, gateRules))
}

// TestNoProgramIsStartedInAnotherWay: a rule that starts a program can be removed over the console, and nothing else.
func TestNoProgramIsStartedInAnotherWay(t *testing.T) {
	const rules = `rules:
  - name: horn
    on: plate
    when: plate.number == "A111"
    do:
      - {run: [/usr/bin/horn, loud]}
  - {name: other, on: plate, when: plate.number == "B222", do: [{log: x}]}
`
	f := newRulesFolder(t, map[string]string{"rules.d/gate.yaml": rules})
	said := func(name string) string {
		return fmt.Sprintf("rule %q has a run or shell step: such rules can be added and changed only in the file on the machine itself, not over the console", name)
	}
	for _, c := range []struct{ from, to, rule string }{
		{"loud", "louder", "horn"},
		{"A111", "A112", "horn"},
		{"on: plate\n", "on: plate\n    mode: shadow\n", "horn"},
		{"name: horn", "name: bell", "bell"},
		{"[{log: x}]", "[{log: x}, {shell: \"true\"}]", "other"},
		{"[{log: x}]", "{run: [/bin/true]}", "other"},
		{"do: [{log: x}]", "do: [{log: x}], finally: {\"run\": [/bin/true]}", "other"},
	} {
		_, err := f.put("gate.yaml", strings.Replace(rules, c.from, c.to, 1))
		f.refused(c.to, err, said(c.rule))
	}
	_, err := f.put("new.yaml", "rules: [{name: new, on: start, do: [{shell: \"rm -r /\"}]}]\n")
	f.refused("a new one", err, said("new"))
	f.holds("gate.yaml", rules)
	for _, ok := range []string{
		strings.Replace(rules, "B222", "B223", 1),
		"# Written otherwise.\nrules:\n  - {name: other, on: plate, when: plate.number == \"B222\", do: [{log: y}]}\n  - {name: 'horn', on: plate, when: 'plate.number == \"A111\"', do: [{run: [/usr/bin/horn, \"loud\"]}]}\n",
		"rules: [{name: other, on: plate, when: plate.number == \"B222\", do: [{log: x}]}]\n",
	} {
		if _, err := f.put("gate.yaml", ok); err != nil {
			t.Errorf("%v\n%s", err, ok)
		}
	}
	_, err = f.put("gate.yaml", rules)
	f.refused("back again", err, said("horn"))

	// A file that somebody broke by hand is mended with the programs of when it loaded last.
	f = newRulesFolder(t, map[string]string{"rules.d/gate.yaml": "rules: [", "good/gate.yaml": rules})
	f.lastGood = filepath.Join(filepath.Dir(f.dir), "good")
	_, err = f.put("gate.yaml", rules)
	f.refused("of no known folder", err, said("horn"))
	if err := os.WriteFile(filepath.Join(f.lastGood, keptFrom), []byte(absolute(f.dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = f.put("gate.yaml", strings.Replace(rules, "loud", "louder", 1))
	f.refused("changed while it is broken", err, said("horn"))
	if _, err = f.put("gate.yaml", rules); err != nil {
		t.Error(err)
	}
}

// TestACheckOfOtherFiles looks at the folder with them, and takes hostile text in its stride.
func TestACheckOfOtherFiles(t *testing.T) {
	f := newRulesFolder(t, map[string]string{"rules.d/gate.yaml": gateRules, "rules.d/plates/a.csv": "plate\n"})
	for _, c := range []struct {
		files map[string][]byte
		want  string // the first problem; empty for none
	}{
		{nil, ""},
		{map[string][]byte{"gate.yaml": nil}, ""},
		{map[string][]byte{"use.yaml": []byte("rules: [{name: u, on: target, when: inside(\"drive\"), do: [{log: x}]}]")}, ""},
		{map[string][]byte{"gate.yaml": nil, "use.yaml": []byte("rules: [{name: u, on: target, when: inside(\"drive\"), do: [{log: x}]}]")}, `there is no zone "drive"`},
		{map[string][]byte{"lists.yaml": []byte("lists: {a: {file: plates/a.csv}}")}, ""},
		{map[string][]byte{"lists.yaml": []byte("lists: {a: {file: plates/a.csv}}"), "plates/a.csv": nil}, `list "a": plates/a.csv: there is no such file`},
		{map[string][]byte{"lists.yaml": []byte("lists: {a: {file: plates/b.csv}}"), "plates/b.csv": []byte("plate\nA111\n")}, ""},
		{map[string][]byte{"lists.yaml": []byte("lists: {a: {file: ../../etc/passwd}}")}, `list "a": file is a path within the folder of rules (plates/residents.csv), not "../../etc/passwd"`},
	} {
		problems, err := f.check(t.Context(), c.files)
		problems = slices.DeleteFunc(problems, func(p web.Problem) bool { return p.Warning })
		got := ""
		if len(problems) > 0 {
			got = problems[0].Message
		}
		if err != nil || got != c.want {
			t.Errorf("%q: %q %v, want %q", c.files, got, err, c.want)
		}
	}
	if _, err := f.check(t.Context(), map[string][]byte{"../x.yaml": nil}); err == nil || !strings.HasPrefix(err.Error(), `"../x.yaml" is no path of a rule file; `) {
		t.Error(err)
	}
	begun := time.Now()
	for _, hostile := range []string{
		"rules: [{name: x, on: target, when: '" + strings.Repeat("(", 4000) + "', do: []}]",
		"rules: [{name: x, on: plate, when: '" + strings.Repeat("plate.near(\"a\") || ", 200) + "clock_ok', do: []}]",
		"rules:\n" + strings.Repeat("  - {name: x, on: target, when: 'any(any(any(", 5000),
		"rules: " + strings.Repeat("[", 100_000),
		"a: &a [x]\nb: " + strings.Repeat("*a ", 1000),
		strings.Repeat("zones: {}\n", 50_000),
		"rules: [{name: x, on: plate, when: 'plate.number matches \"" + strings.Repeat("(a*)*", 400) + "\"', do: []}]",
	} {
		if problems, err := f.check(t.Context(), map[string][]byte{"gate.yaml": []byte(hostile)}); err != nil || len(problems) == 0 {
			t.Errorf("%.60q: %v %v", hostile, problems, err)
		}
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("hostile texts took %s", took)
	}
}

// TestASaveIsUsedAtOnce over the console: the rules change, and who did it is journaled.
// TestACheckShowsNoOtherFiles: whoever may try rules out reads no file by that which is no list.
func TestACheckShowsNoOtherFiles(t *testing.T) {
	f := newRulesFolder(t, map[string]string{
		"secret":           "SECRET=1",
		"rules.d/.env":     "SECRET=1",
		"rules.d/keys":     "SECRET=1",
		"rules.d/open.csv": "open=1",
	})
	if err := errors.Join(os.Symlink("../secret", filepath.Join(f.dir, "link.csv")), os.Symlink("..", filepath.Join(f.dir, "up"))); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{".env", "keys", "link.csv", "up/secret", "up/rules.d/keys"} {
		for _, text := range []string{"lists: {l: {file: " + file + "}}\n", "schedules: {s: {holidays: " + file + "}}\n"} {
			problems, err := f.check(t.Context(), map[string][]byte{"x.yaml": []byte(text)})
			if said := fmt.Sprint(problems); err != nil || len(problems) == 0 || strings.Contains(said, "SECRET") {
				t.Errorf("%s: %s, %v", text, said, err)
			}
		}
	}
	problems, err := f.check(t.Context(), map[string][]byte{"x.yaml": []byte("lists: {l: {file: open.csv}}\n")})
	if err != nil || len(problems) != 1 || problems[0].Source != "open=1" {
		t.Errorf("what is wrong with a list: %+v, %v", problems, err)
	}
	problems, err = f.check(t.Context(), map[string][]byte{"x.yaml": []byte("lists: {l: {file: keys}}\n")})
	if want := "it is not a list or holidays that can be used; what is wrong with it is shown on the machine itself only"; err != nil || len(problems) != 1 || problems[0].Message != want || problems[0].File != "keys" {
		t.Errorf("%+v, %v", problems, err)
	}
}

func TestASaveIsUsedAtOnce(t *testing.T) {
	s := startSite(t, "rules: []\n", nil)
	var tag string
	if resp, err := s.api("GET", "/api/v1/files/rules.yaml", "", nil); err != nil || resp.code != 200 || resp.body != "rules: []\n" {
		t.Fatal(resp, err)
	} else {
		tag = resp.header.Get("ETag")
	}
	resp, err := s.api("PUT", "/api/v1/files/rules.yaml", "rules: [{name: somebody, on: target, do: [{log: x}], when: clock_ok}]\n", map[string]string{"If-Match": tag})
	if err != nil || resp.code != 200 || resp.header.Get("ETag") == tag {
		t.Fatal(resp, err)
	}
	s.out.await("rules loaded: 1 rule")
	resp, err = s.api("GET", "/api/v1/names", "", nil)
	if err != nil || resp.code != 200 || !strings.Contains(resp.body, `"cameras":["`) || !strings.Contains(resp.body, `{"name":"dwell","signature":"dwell(\"zone\")","help":"the length of this visit so far"}`) {
		t.Error(resp, err)
	}
	// Files are named by their paths within the folder everywhere.
	s.write("rules.d/zones.yaml", "zones: {yard: {camera: gate, polygon: [[0, 0], [9, 0], [9, 9]]}}\n")
	s.out.awaitCount("rules loaded: 1 rule", 2)
	for path, want := range map[string]string{
		"zones": `"file":"zones.yaml","line":1`, "rules": `"file":"rules.yaml","line":1`, "status": `{"file":"zones.yaml","line":1,"column":9,"message":"zone \"yard\": no rule uses it`,
	} {
		// What was loaded is in force with the loop's next turn.
		for try := range 200 {
			resp, err := s.api("GET", "/api/v1/"+path, "", nil)
			if err == nil && strings.Contains(resp.body, want) && !strings.Contains(resp.body, "rules.d/") {
				break
			}
			if try == 199 {
				t.Error(path, resp, err)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	resp, err = s.api("GET", "/api/v1/schema", "", nil)
	if err != nil || resp.body != string(rulefile.Schema()) {
		t.Error(resp, err)
	}
}

// apiAnswer is what the console answered.
type apiAnswer struct {
	code   int
	body   string
	header http.Header
}

// api asks the console.
func (s *testSite) api(method, path, body string, header map[string]string) (apiAnswer, error) {
	r, err := http.NewRequestWithContext(s.Context(), method, s.console+path, strings.NewReader(body))
	if err != nil {
		return apiAnswer{}, err
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return apiAnswer{}, err
	}
	defer w.Body.Close()
	b, err := io.ReadAll(w.Body)
	return apiAnswer{w.StatusCode, string(b), w.Header}, err
}
