package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// testFolder writes files below a folder and gives the folder.
func testFolder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// runTests is `sallyport test` as a user types it, in a folder.
func runTests(t *testing.T, dir string, args ...string) (code int, out, errs string) {
	t.Helper()
	t.Chdir(dir)
	var o, e bytes.Buffer
	p := process{stdin: strings.NewReader(""), stdout: &o, stderr: &e, getenv: func(string) string { return "" }}
	code = run(context.Background(), append([]string{"test"}, args...), p)
	return code, o.String(), e.String()
}

// The rules and tests of the reference, as they stand there but for the notification.
const (
	referenceRules = `schedules:
  after-hours: {not: {days: mon-fri, from: "07:00", to: "18:30"}}
zones:
  porch: {camera: porch, polygon: [[2000, 3000], [8000, 3000], [8000, 10000], [2000, 10000]]}
  apron: {camera: gate, polygon: [[900, 4000], [9000, 3800], [9800, 9990], [200, 9990]]}
lists:
  residents: [{plate: ABC1234, owner: Ann}, {plate: "0123", owner: Bob, until: 2026-02-28}]
rules:
  - name: porch light after hours
    on: target
    while: during("after-hours")
    when: target.class == "person" && dwell("porch") > "2s"
    hold: 90s
    do: [{relay: porch, follow: true}]
  - name: gate for residents              # per: visit is the default: one opening per arrival
    on: plate
    when: plate.heading == "approach" && plate.confidence >= 90 && plate.on("residents")
    do:
      - {relay: gate, pulse: 800ms}
  - name: gate for residents, seen by the NVR     # which sends neither direction nor confidence
    on: plate
    when: plate.on("residents") && !known(plate.heading) && seen("apron", "car", "3s")
    do: [{relay: gate, pulse: 800ms}]
`
	referenceTests = `tests:
  - name: a passer-by does not light the porch
    at: 2026-03-02 22:00                       # in the site's zone; times below count from it
    cameras:
      porch:
        - {walk: person, from: [500, 9000], to: [9500, 9000], over: 2s}     # 7 frames a second (rate: changes it)
    expect: {nothing: true}
  - name: a visitor does, and the light stays 90 s
    at: 2026-03-02 22:00
    cameras:
      porch:
        - {walk: person, from: [500, 9000], to: [5000, 9000], over: 2s}
        - {stay: 10s}
    expect:
      - {at: 2.8s, within: 200ms, rule: porch light after hours, relay: porch, is: on}
      - {at: 103.5s, within: 300ms, relay: porch, is: off}    # last frame 12 s, timeout 1.5 s, hold 90 s
  - name: an expired plate stays out
    at: 2026-03-02 08:00
    events: [{at: 1s, camera: gate, plate: "0123", confidence: 97, heading: approach}]
    expect: {nothing: true, because: {rule: gate for residents, part: 'plate.on("residents")'}}
`
	// limitedSite is a site whose relays have every limit.
	limitedSite = `location: {timezone: Europe/Berlin}
cameras:
  porch: {match: {mac: "58:5b:69:5f:42:1b"}}
  gate: {match: {mac: "58:5b:69:5f:42:1c"}}
relays:
  porch: {memory: true, max_on: 12h}
  gate: {memory: true, max_on: 1s, min_off: 40s, interlock: [close]}
  close: {memory: true, max_on: 10s}
contacts:
  door: {chip: gpiochip0, line: 24}
`
	openWarns = "rules.d: warning: without a site file, the names that rules use are taken as given\n"
)

// TestTestCommand runs the tests of the reference, with and without a site file.
func TestTestCommand(t *testing.T) {
	dir := testFolder(t, map[string]string{"rules.d/gate.yaml": referenceRules, "rules.d/gate_test.yaml": referenceTests, "site/site.yaml": limitedSite})
	for _, c := range []struct {
		name, args, out, errs string
		code                  int
	}{
		{"quiet", "", "ok    rules.d/gate_test.yaml  3 passed\n3 passed, 0 failed\n", openWarns, exitOK},
		{"verbose", "-v", "ok    rules.d/gate_test.yaml:2: a passer-by does not light the porch\nok    rules.d/gate_test.yaml:8: a visitor does, and the light stays 90 s\n" +
			"ok    rules.d/gate_test.yaml:17: an expired plate stays out\n3 passed, 0 failed\n", openWarns, exitOK},
		{"by name", "visitor", "ok    rules.d/gate_test.yaml  1 passed\n1 passed, 0 failed\n", openWarns, exitOK},
		{"by a pattern", "a* p*", "ok    rules.d/gate_test.yaml  2 passed\n2 passed, 0 failed\n", openWarns, exitOK},
		{"no such test", "nobody", "0 passed, 0 failed\n", openWarns + "sallyport: test: no test's name has or matches \"nobody\"\n", exitError},
		{"with a site file", "-c site/site.yaml --rules rules.d", "ok    rules.d/gate_test.yaml  3 passed\n3 passed, 0 failed\n", "", exitOK},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := strings.Fields(c.args)
			if c.name == "by a pattern" {
				args = []string{c.args}
			}
			code, out, errs := runTests(t, dir, args...)
			if code != c.code || out != c.out || errs != c.errs {
				t.Errorf("got %d\n%s%s\nwant %d\n%s%s", code, out, errs, c.code, c.out, c.errs)
			}
		})
	}
	if code, _, _ := runTests(t, dir, "a", "b"); code != exitUsage {
		t.Errorf("two patterns give %d", code)
	}
}

// TestTestCommandOfASite keeps the limits of a site's relays.
func TestTestCommandOfASite(t *testing.T) {
	dir := testFolder(t, map[string]string{
		"sallyport.yaml": limitedSite, "rules.d/gate.yaml": referenceRules,
		"rules.d/limits_test.yaml": `tests:
  - name: max_on ends what somebody left on
    events: [{at: 1s, relay: gate, set: on}]
    expect: {at: 2s, within: 0s, relay: gate, is: off}
  - name: min_off holds the next one back
    events: [{at: 1s, camera: gate, plate: ABC1234, confidence: 97, heading: approach, times: 2, every: 33s}]
    expect:
      - {relay: gate, times: 1, because: {rule: gate for residents, reason: min_off}}
      - {rule: gate for residents, fires: 2}
  - name: interlock
    events:
      - {at: 1s, relay: close, pulse: 5s}
      - {at: 2s, camera: gate, plate: ABC1234, confidence: 97, heading: approach}
      - {at: 7s, camera: gate, plate: ABC1234, confidence: 97, heading: approach}
    expect:
      - {because: {rule: gate for residents, reason: interlock}, at: 2s}
      - {at: 7s, relay: gate, is: on}       # nothing had begun, so the visit has its opening still
  - name: the site's own hours
    at: 2026-07-06 18:29
    cameras: {porch: [{walk: person, from: [5000, 9000]}, {stay: 2m}]}
    expect: {at: 60s, within: 200ms, relay: porch, is: on}
`})
	code, out, errs := runTests(t, dir)
	if want := "ok    rules.d/limits_test.yaml  4 passed\n4 passed, 0 failed\n"; code != exitOK || out != want || errs != "" {
		t.Errorf("got %d\n%s%s\nwant\n%s", code, out, errs, want)
	}
}

// TestTestCommandFails gives 1 for a failing test, for a test that cannot be read
// and for rules that do not load.
func TestTestCommandFails(t *testing.T) {
	dir := testFolder(t, map[string]string{
		"rules.d/gate.yaml": referenceRules,
		"rules.d/a_test.yaml": `tests:
  - name: it opens
    events: [{at: 1s, camera: gate, plate: ABC1234, confidence: 80, heading: approach}]
    expect: {rule: gate for residents, fires: 1}
`,
		"rules.d/b_test.yaml": "tests:\n  - {name: x, expct: {nothing: true}, expect: {nothing: true}}\n",
		"bad/gate.yaml":       "rules: [{name: x}]\n", "bad/gate_test.yaml": referenceTests,
		"none/gate.yaml": referenceRules,
	})
	code, out, _ := runTests(t, dir)
	want := `rules.d/b_test.yaml:2:15: test "x": unknown key expct (did you mean expect?)
    - {name: x, expct: {nothing: true}, expect: {nothing: true}}
                ^
FAIL  rules.d/a_test.yaml:2: it opens
  rules.d/a_test.yaml:4:13: expected: rule "gate for residents" fires exactly once
    instead: it never happened in this test
    what happened:
            1s  gate reads plate ABC1234
    why: rule "gate for residents" did not fire
`
	if code != exitError || !strings.HasPrefix(out, want) || !strings.HasSuffix(out, "FAIL  rules.d/a_test.yaml  0 passed, 1 failed\n0 passed, 2 failed\n") {
		t.Errorf("got %d\n%s\nwant\n%s", code, out, want)
	}
	code, out, errs := runTests(t, dir, "--rules", "bad")
	if code != exitError || out != "" || !strings.Contains(errs, "bad/gate.yaml:1:9: ") {
		t.Errorf("rules that do not load give %d\n%s%s", code, out, errs)
	}
	code, out, errs = runTests(t, dir, "--rules", "none")
	if code != exitOK || out != "0 passed, 0 failed\n" || !strings.HasSuffix(errs, "sallyport: test: there are no tests in none (files named *_test.yaml)\n") {
		t.Errorf("a folder without tests gives %d\n%s%s", code, out, errs)
	}
}

// TestTestCommandReplays plays what cameras posted.
func TestTestCommandReplays(t *testing.T) {
	post := func(at, mac, heading string) string {
		return `{"received":"2026-02-27T08:00:` + at + `Z","remote":"192.168.0.52","path":"/API","body":"<?xml version=\"1.0\"?><config version=\"1.7\"><smartType>VEHICE</smartType><mac>` + mac +
			`</mac><listInfo><item><plateNumber>ABC1234</plateNumber><vehicleListType>whiteList</vehicleListType></item></listInfo></config>"}` + "\n"
	}
	dir := testFolder(t, map[string]string{
		"sallyport.yaml": limitedSite, "rules.d/gate.yaml": referenceRules,
		"rules.d/clips/gate.jsonl": post("00.000", "58:5b:69:5f:42:1c", "approach") +
			`{"received":"2026-02-27T08:00:01Z","type":"contact","name":"door","on":true}` + "\n" +
			`{"received":"2026-02-27T08:00:01Z","type":"outcome","firing":1,"step":0,"begun":true}` + "\n",
		"rules.d/clips/strange.jsonl": post("00.000", "58:5b:69:5f:42:ff", "approach"),
		"rules.d/clips/broken.jsonl":  "hello\n",
		"rules.d/a_test.yaml": `tests:
  - name: the plate has no direction, and no car was seen
    replay: clips/gate.jsonl
    expect: {nothing: true, because: {rule: "gate for residents, seen by the NVR", part: 'seen("apron", "car", "3s")'}}
  - name: with a car it opens
    replay: {file: clips/gate.jsonl, at: 3s}
    cameras: {gate: [{walk: car, from: [5000, 8000]}, {stay: 3s}]}
    expect: {at: 3s, rule: "gate for residents, seen by the NVR", relay: gate, is: on}
`,
		"rules.d/b_test.yaml": `tests:
  - {name: a, replay: clips/strange.jsonl, expect: {nothing: true}}
  - {name: b, replay: clips/broken.jsonl, expect: {nothing: true}}
`,
	})
	code, out, _ := runTests(t, dir)
	want := `rules.d/b_test.yaml:2:23: test "a": replay: clips/strange.jsonl: nothing in it is of a camera that the rules know
    - {name: a, replay: clips/strange.jsonl, expect: {nothing: true}}
                        ^
rules.d/b_test.yaml:3:23: test "b": replay: clips/broken.jsonl:1: not a JSON object; a replay file has one object a line
    - {name: b, replay: clips/broken.jsonl, expect: {nothing: true}}
                        ^
ok    rules.d/a_test.yaml  2 passed
2 passed, 2 failed
`
	if code != exitError || out != want {
		t.Errorf("got %d\n%s\nwant\n%s", code, out, want)
	}
}
