package ruletest

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
)

var update = flag.Bool("update", false, "write the golden files")

// simple are relays without limits: pulses, a latch and leases.
type simple struct {
	relays map[string]*simpleRelay
	names  []string
	out    []Change
}

type simpleRelay struct {
	on, latch bool
	pulse     time.Duration
	leases    []string
	cause     string
	rule, key string
}

func newSimple(names []string) (Relays, error) {
	s := &simple{relays: make(map[string]*simpleRelay), names: slices.Sorted(slices.Values(names))}
	for _, n := range names {
		s.relays[n] = &simpleRelay{}
	}
	return s, nil
}

func (s *simple) Do(at time.Duration, q *engine.Request) (bool, string) {
	a := q.Args.(engine.RelayArgs)
	r := s.relays[a.Relay]
	if r == nil {
		return false, "unknown relay"
	}
	lease := q.Firing.Rule.Name + "|" + q.Firing.Key
	r.rule, r.key, r.cause = q.Firing.Rule.Name, q.Firing.Key, fmt.Sprintf("rule %q %s", q.Firing.Rule.Name, q.Firing.Key)
	if r.rule == "" {
		r.cause = "by hand"
	}
	switch {
	case q.Lease && q.LeaseOn:
		r.leases = append(r.leases, lease)
	case q.Lease:
		r.leases = slices.DeleteFunc(r.leases, func(l string) bool { return l == lease })
	case a.Op == engine.RelayPulse && r.on:
		return false, "on"
	case a.Op == engine.RelayPulse:
		r.pulse = at + a.Pulse
	case a.Op == engine.RelayOn:
		r.latch = true
	default:
		r.latch, r.pulse, r.leases = false, 0, nil
	}
	s.settle(at)
	return true, ""
}

func (s *simple) settle(at time.Duration) {
	for _, n := range s.names {
		r := s.relays[n]
		if on := r.latch || r.pulse > 0 || len(r.leases) > 0; on != r.on {
			r.on = on
			s.out = append(s.out, Change{Relay: n, On: on, At: at, Cause: r.cause, Rule: r.rule, Key: r.key})
		}
	}
}

func (s *simple) Advance(at time.Duration) []Change {
	for _, n := range s.names {
		if r := s.relays[n]; r.pulse > 0 && r.pulse <= at {
			t := r.pulse
			r.pulse = 0
			s.settle(t)
		}
	}
	out := s.out
	s.out = nil
	return out
}

func (s *simple) Next() (time.Duration, bool) {
	at := time.Duration(0)
	for _, r := range s.relays {
		if r.pulse > 0 && (at == 0 || r.pulse < at) {
			at = r.pulse
		}
	}
	return at, at > 0
}

func rules(t testing.TB, dir, name string) *engine.Ruleset {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", dir, name))
	if err != nil {
		t.Fatal(err)
	}
	rs, problems := rulefile.LoadFiles([]rulefile.File{{Name: name, Data: data}}, "rules.d", rulefile.Site{Open: true})
	if rs == nil {
		t.Fatalf("the rules do not load: %v", problems)
	}
	return rs
}

func options(rs *engine.Ruleset) Options {
	return Options{Rules: rs, Engine: engine.DefaultOptions(), Open: true, Relays: newSimple}
}

// run runs a folder of tests and gives what is printed.
func run(t testing.TB, fsys fs.FS, o Options, verbose bool) string {
	t.Helper()
	rep, err := Run(fsys, "rules.d", o)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := rep.Write(&b, verbose); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// TestReferenceExample runs the example of the reference as it stands there.
func TestReferenceExample(t *testing.T) {
	got := run(t, os.DirFS("testdata/section10"), options(rules(t, "section10", "gate.yaml")), true)
	want := `ok    rules.d/gate_test.yaml:2: a passer-by does not light the porch
ok    rules.d/gate_test.yaml:8: a visitor does, and the light stays 90 s
ok    rules.d/gate_test.yaml:17: an expired plate stays out
3 passed, 0 failed
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// TestEverythingThatCanHappen runs tests that use every input and every expectation.
func TestEverythingThatCanHappen(t *testing.T) {
	began := time.Now()
	got := run(t, os.DirFS("testdata/good"), options(rules(t, ".", "rules.yaml")), false)
	if want := "ok    rules.d/good_test.yaml  22 passed\n22 passed, 0 failed\n"; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("it took %v", d)
	}
}

// TestStories compares what is told of tests that fail.
func TestStories(t *testing.T) {
	o := options(rules(t, ".", "rules.yaml"))
	got := run(t, os.DirFS("testdata/stories"), o, true)
	golden(t, "testdata/stories/stories.golden", got)
	for range 5 {
		if again := run(t, os.DirFS("testdata/stories"), o, true); again != got {
			t.Fatalf("the second time it tells:\n%s\nnot:\n%s", again, got)
		}
	}
}

// TestBadFiles reads files with mistakes, each named for them, and compares all that is said.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.bad.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	o := options(rules(t, ".", "rules.yaml"))
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".bad.yaml")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			got := run(t, fstest.MapFS{name + "_test.yaml": {Data: data}}, o, false)
			if !strings.Contains(got, "0 passed, ") || strings.Contains(got, ", 0 failed") {
				t.Errorf("it passes:\n%s", got)
			}
			golden(t, strings.TrimSuffix(f, ".yaml")+".err", got)
		})
	}
}

// TestSiteNames checks tests against the names of a site file.
func TestSiteNames(t *testing.T) {
	o := options(rules(t, ".", "rules.yaml"))
	o.Open, o.RelayNames, o.Contacts = false, []string{"porch", "gate", "horn"}, []string{"door"}
	o.Relays = func([]string) (Relays, error) { return newSimple(o.RelayNames) }
	got := run(t, fstest.MapFS{"x_test.yaml": {Data: []byte(`tests:
  - name: a
    events: [{contact: dor, on: true}, {relay: horm, set: on}]
    expect: {relay: gat, times: 0}
`)}}, o, false)
	want := `rules.d/x_test.yaml:3:24: test "a": events: 1: there is no contact "dor" (did you mean door?)
      events: [{contact: dor, on: true}, {relay: horm, set: on}]
                         ^
rules.d/x_test.yaml:3:48: test "a": events: 2: there is no relay "horm" (did you mean horn?)
      events: [{contact: dor, on: true}, {relay: horm, set: on}]
                                                 ^
rules.d/x_test.yaml:4:21: test "a": expect: there is no relay "gat" (did you mean gate?)
      expect: {relay: gat, times: 0}
                      ^
0 passed, 1 failed
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if got := run(t, os.DirFS("testdata/good"), o, false); got != "ok    rules.d/good_test.yaml  22 passed\n22 passed, 0 failed\n" {
		t.Errorf("with a site file:\n%s", got)
	}
}

// TestPattern chooses tests by a part of their name or a pattern.
func TestPattern(t *testing.T) {
	for pattern, want := range map[string]int{"": 22, "camera": 2, "a *": 9, "an alarm while*": 2, "[": 0} {
		o := options(rules(t, ".", "rules.yaml"))
		o.Pattern = pattern
		rep, err := Run(os.DirFS("testdata/good"), "rules.d", o)
		if err != nil {
			t.Fatal(err)
		}
		if rep.Passed != want || rep.Failed != 0 {
			t.Errorf("%q: %d passed, %d failed, want %d passed", pattern, rep.Passed, rep.Failed, want)
		}
	}
}

// TestClip plays a recording: at its own time of day, or at the test's.
func TestClip(t *testing.T) {
	o := options(rules(t, ".", "rules.yaml"))
	o.Clip = func(name string, data []byte) (*Clip, error) {
		if string(data) != "recorded" {
			return nil, fmt.Errorf("%s is not a recording", name)
		}
		c := &Clip{Start: time.Date(2026, 2, 20, 8, 0, 0, 0, time.UTC)}
		for i := range 2 {
			c.Events = append(c.Events, ClipEvent{After: time.Duration(i) * 5 * time.Minute, Event: &engine.Event{Kind: engine.KindPlate, Camera: "gate", Plate: &engine.Plate{Number: "0123", Heading: "approach", Confidence: 99, HasConfidence: true}}})
		}
		return c, nil
	}
	folder := fstest.MapFS{
		"clips/gate.jsonl": {Data: []byte("recorded")}, "clips/other.jsonl": {Data: []byte("?")},
		"a_test.yaml": {Data: []byte(`tests:
  - name: valid on the day of the recording
    replay: clips/gate.jsonl
    expect: [{rule: gate, at: 0s}, {rule: gate, at: 5m}, {rule: gate, fires: 2}]
  - name: expired in March
    at: 2026-03-02 08:00
    replay: {file: clips/gate.jsonl, at: 10s}
    expect:
      - {log: 0123 is a stranger, at: 10s}
      - {rule: gate, fires: 0}
`)},
		"b_test.yaml": {Data: []byte(`tests:
  - {name: a, replay: clips/none.jsonl, expect: {nothing: true}}
  - {name: b, replay: clips/other.jsonl, expect: {nothing: true}}
  - {name: c, replay: ../gate.jsonl, expect: {nothing: true}}
  - {name: d, replay: clips, expect: {nothing: true}}
`)},
	}
	got := run(t, folder, o, false)
	golden(t, "testdata/clips.golden", got)
}

// TestFolder says what is wrong with a folder.
func TestFolder(t *testing.T) {
	o := options(rules(t, ".", "rules.yaml"))
	if _, err := Run(os.DirFS("testdata/none"), "rules.d", o); err == nil || err.Error() != "the folder of rules cannot be read: there is no such file" {
		t.Errorf("error: %v", err)
	}
	got := run(t, fstest.MapFS{"rules.yaml": {}, "_test.yaml": {}, ".x_test.yaml": {}, "sub/a_test.yaml": {}, "e_test.yml": {}}, o, false)
	if want := "rules.d/e_test.yml: there is no test in the file\n0 passed, 1 failed\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestSkippedHour refuses a time of day that the clocks of the place skip.
func TestSkippedHour(t *testing.T) {
	rs := *rules(t, ".", "rules.yaml")
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	rs.Location = berlin
	got := run(t, fstest.MapFS{"x_test.yaml": {Data: []byte("tests: [{name: a, at: 2026-03-29 02:30, expect: {nothing: true}}]")}}, options(&rs), false)
	want := `rules.d/x_test.yaml:1:23: test "a": at: the clocks of Europe/Berlin skip 2026-03-29 02:30
  tests: [{name: a, at: 2026-03-29 02:30, expect: {nothing: true}}]
                        ^
0 passed, 1 failed
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// FuzzTestFile reads any bytes as a test file; what can be read runs without end of the program.
func FuzzTestFile(f *testing.F) {
	for _, pattern := range []string{"testdata/*/*_test.yaml", "testdata/bad/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	o := options(rules(f, ".", "rules.yaml"))
	o.folder = fstest.MapFS{}
	f.Fuzz(func(t *testing.T, data []byte) {
		tests, _, problems := parse("x_test.yaml", data, &o)
		for _, p := range problems {
			if p.Message == "" || p.File == "" || p.Line < 0 {
				t.Errorf("a problem without words or place: %+v", p)
			}
		}
		if len(problems) > 0 {
			return
		}
		for _, x := range tests {
			if len(x.inputs) > 1000 || x.end() > time.Hour {
				continue
			}
			if _, err := x.check(&o); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestWhatDidNotHappenFails: an expectation that no rule is concerned in fails all
// the same, whatever its kind.
func TestWhatDidNotHappenFails(t *testing.T) {
	rs, problems := rulefile.LoadFiles([]rulefile.File{{Name: "a.yaml", Data: []byte(`zones:
  apron: {camera: gate, polygon: [[0, 0], [10000, 0], [10000, 10000], [0, 10000]]}
lines:
  edge: {camera: gate, from: [0, 6000], to: [10000, 6000], in: right}
flags: {armed: true}
rules:
  - {name: never, on: message, when: 'message.topic == "x"', do: [{relay: gate, pulse: 800ms}, {relay: siren, set: on}]}
`)}}, "rules.d", rulefile.Site{Open: true})
	if rulefile.Failed(problems) {
		t.Fatal(problems)
	}
	for _, expect := range []string{
		"{enter: apron, times: 3}", "{enter: apron}", "{leave: apron}", "{cross: edge}", "{cross: edge, direction: in, times: 99}",
		`{call: "https://nobody.example"}`, "{log: hello}", "{plates: add}", "{flag: armed, is: false}", "{relay: siren, is: on, at: 1s}",
		"{relay: siren, times: 1}", "{rule: never}", "{rule: never, fires: 1}",
	} {
		folder := fstest.MapFS{"a_test.yaml": {Data: []byte("tests:\n  - {name: a, until: 5s, expect: " + expect + "}\n")}}
		rep, err := Run(folder, "rules.d", options(rs))
		if err != nil {
			t.Fatal(err)
		}
		if rep.Passed != 0 || rep.Failed != 1 || len(rep.Problems) > 0 {
			t.Errorf("%s: %d passed, %d failed, %v", expect, rep.Passed, rep.Failed, rep.Problems)
		}
	}
	folder := fstest.MapFS{"a_test.yaml": {Data: []byte("tests:\n  - {name: a, events: [{at: 1s, relay: gate, pulse: 800ms}], expect: {nothing: true}}\n")}}
	rep, err := Run(folder, "rules.d", options(rs))
	if err != nil {
		t.Fatal(err)
	}
	if rep.Failed != 1 {
		t.Errorf("nothing: a relay moved by hand: %d passed, %d failed, %v", rep.Passed, rep.Failed, rep.Problems)
	}
}
