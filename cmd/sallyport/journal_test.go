package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/journal"
	"github.com/sallyport/sallyport/web"
)

// journalSite makes a site with a data folder and gives its file and that folder.
func journalSite(t *testing.T) (file, data string) {
	t.Helper()
	dir := t.TempDir()
	file, data = filepath.Join(dir, "sallyport.yaml"), filepath.Join(dir, "data")
	text := "site: Test\nlocation: {latitude: 51.5, longitude: 0, timezone: UTC}\nlisten: {cameras: \"127.0.0.1:0\", console: \"127.0.0.1:0\"}\ndata: data\n"
	if err := os.WriteFile(file, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return file, data
}

// journalCommand runs a part of the command and gives what it prints.
func journalCommand(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = run(context.Background(), append([]string{"journal"}, args...), process{stdin: strings.NewReader(""), stdout: &o, stderr: &e, getenv: func(string) string { return "" }})
	return code, o.String(), e.String()
}

func at(s float64) engine.Instant {
	d := time.Duration(s * float64(time.Second))
	return engine.Instant{Mono: d, Wall: time.Date(2026, 3, 29, 13, 58, 46, 0, time.UTC).Add(d)}
}

// told writes one of everything and gives the journal, still open.
func told(t *testing.T, data string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(journal.Config{Dir: data, Images: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close(context.Background()) })
	l := newJournaling(j, []string{"hunter2!", "abc"})
	rule := &engine.Rule{Name: "gate for residents", Do: []engine.Step{
		{Text: "relay gate pulse 800ms", Args: engine.RelayArgs{Relay: "gate"}},
		{Text: "http POST https://***@hooks.example.com:8443/services/T0/B0?x=1", Args: engine.HTTPArgs{}},
		{Text: "flag away set false", Args: engine.FlagArgs{Flag: "away"}},
	}}
	l.begin(at(0), "v1", "0123456789abcdef", false)
	alarm := func(on bool) *engine.Event {
		return &engine.Event{Kind: engine.KindAlarm, Camera: "gate", Received: at(1).Wall, Alarm: &engine.Alarm{Name: "perimeter", On: on, ID: 1}}
	}
	for _, on := range []bool{false, true, true, false, false} {
		l.event(at(1), alarm(on))
	}
	for _, k := range []engine.Kind{engine.KindHeartbeat, engine.KindTarget, engine.KindStart, engine.KindRelay} {
		if id := l.event(at(1), &engine.Event{Kind: k, Camera: "gate", Name: "gate"}); id != 0 {
			t.Errorf("%v has the entry %d", k, id)
		}
	}
	l.event(at(1.5), &engine.Event{Kind: engine.KindContact, Name: "door", On: true, Received: at(1.5).Wall})
	plate := &engine.Event{
		Kind: engine.KindPlate, Camera: "gate", Received: at(2).Wall, Plate: &engine.Plate{Number: "abc-1234", Heading: "approach"},
		Scene: engine.Image{Size: 7, Bytes: func() ([]byte, error) { return []byte("picture"), nil }},
	}
	cause := l.event(at(2), plate)
	f := &engine.Firing{ID: 1, Rule: rule, Key: "gate/#1", At: at(2), Camera: "gate", Visit: "gate/#1", Event: plate.Clone()}
	l.decided(cause, []engine.Decision{
		{At: at(2), Type: engine.DecisionPlate, Key: "abc-1234", Camera: "gate"},
		{At: at(2), Type: engine.DecisionFiring, Rule: rule, Key: "gate/#1", Camera: "gate", Firing: f},
		{At: at(2), Type: engine.DecisionAction, Rule: rule, Key: "gate/#1", Camera: "gate", Firing: f, Step: rule.Do[0].Text, Do: &engine.Request{}},
		{At: at(2), Type: engine.DecisionAction, Rule: rule, Key: "gate/#1", Camera: "gate", Firing: f, Step: rule.Do[2].Text},
		{At: at(2), Type: engine.DecisionSuppressed, Rule: rule, Key: "gate/#2", Camera: "gate", Reason: "cooldown"},
	})
	l.relay(at(2.0625), relay.Change{Relay: "gate", On: true, Rule: rule.Name, Key: "gate/#1", Cause: "pulse of 800ms"})
	l.outcome(at(2.1), engine.Outcome{Firing: 1, Begun: true}, actions.Record{
		Request: engine.Request{Firing: f, Step: &rule.Do[0], Args: rule.Do[0].Args}, Lane: "relay gate", Took: 100 * time.Millisecond, Tries: 1,
	})
	err = errors.New(`Post "https://user:pw@hooks.example.com:8443/services/T0/B0?token=s3cret": dial tcp: refused`)
	l.outcome(at(3), engine.Outcome{Firing: 1, Index: 1, Begun: true, Reason: err.Error()}, actions.Record{
		Request: engine.Request{Firing: f, Index: 1, Step: &rule.Do[1]}, Took: time.Second, Tries: 3, Status: 503,
		Detail: "password: opensesame, hunter2! Authorization: Bearer abcdefghijkl " + strings.Repeat("x", 70_000),
	})
	person := &engine.Event{Kind: engine.KindTarget, Camera: "porch", Received: at(4).Wall, Targets: []engine.Listed{{ID: 7, HasID: true}}}
	light := &engine.Rule{Name: "light"}
	g := &engine.Firing{ID: 2, Rule: light, Key: "porch/7", At: at(4), Camera: "porch", Target: 7, HasTarget: true, Event: person}
	l.decided(l.event(at(4), person), []engine.Decision{
		{At: at(4), Type: engine.DecisionEnter, Camera: "porch", Target: 7, HasTarget: true, Zone: "porch"},
		{At: at(4), Type: engine.DecisionFiring, Rule: light, Key: "porch/7", Camera: "porch", Target: 7, HasTarget: true, Zone: "porch", Firing: g},
	})
	l.decided(0, []engine.Decision{{At: at(9), Type: engine.DecisionEnd, Rule: light, Key: "porch/7", Camera: "porch", Target: 7, HasTarget: true, Firing: g, Since: at(4).Wall, Until: at(9).Wall}})
	l.reload(at(10), "0123456789abcdef", false, []string{"rules.d/a.yaml:1:1: no"})
	l.reload(at(11), "fedcba9876543210", true, nil)
	l.clock(at(12), -2500*time.Millisecond)
	l.login(at(13).Wall, web.AccountEvent{Type: "refused", Who: "ann", From: "192.168.0.9"})
	l.failure(at(14).Wall, "gate", "the camera refuses", errors.New("GET http://admin:hunter2!@192.168.0.52/x: 401"))
	l.end(at(15))
	if err := j.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	return j
}

const journalLines = `2026-03-29 13:58:46.000  1      event      start v1
2026-03-29 13:58:47.000  2      event      alarm gate perimeter on
2026-03-29 13:58:47.000  3      event      alarm gate perimeter off
2026-03-29 13:58:47.500  4      event      contact door on
2026-03-29 13:58:48.000  5      event      plate gate abc-1234 approach
2026-03-29 13:58:48.000  6      firing     "gate for residents" for gate/#1
2026-03-29 13:58:48.000  7      action     "gate for residents" for gate/#1 · flag away set false: done
2026-03-29 13:58:48.000  8      suppressed "gate for residents" for gate/#2 (cooldown)
2026-03-29 13:58:48.062  9      relay      gate is on "gate for residents" for gate/#1 (pulse of 800ms)
2026-03-29 13:58:48.100  10     action     "gate for residents" for gate/#1 · relay gate pulse 800ms: done
2026-03-29 13:58:49.000  11     action     "gate for residents" for gate/#1 · http POST https://hooks.example.com:8443/…: failed (Post "https://hooks.example.com:8443/…": dial tcp: refused) after 3 tries
2026-03-29 13:58:50.000  12     firing     "light" for porch/7
2026-03-29 13:58:55.000  13     firing     end of "light" for porch/7
2026-03-29 13:58:56.000  14     reload     rules did not load, set 0123456789ab stays: rules.d/a.yaml:1:1: no
2026-03-29 13:58:57.000  15     reload     rules loaded, set fedcba987654
2026-03-29 13:58:58.000  16     event      clock set by -2.500 s
2026-03-29 13:58:59.000  17     login      ann was refused from 192.168.0.9
2026-03-29 13:59:00.000  18     error      the camera refuses GET http://192.168.0.52/…: 401
2026-03-29 13:59:01.000  19     event      stop
`

func TestJournalList(t *testing.T) {
	file, data := journalSite(t)
	told(t, data)
	lines := strings.SplitAfter(journalLines, "\n")
	for _, tt := range []struct {
		args string
		want string
	}{
		{"", journalLines},
		{"--limit 0", journalLines},
		{"--limit 2", lines[0] + lines[1]},
		{"--newest --limit 1", lines[18]},
		{"--kind reload,login", lines[13] + lines[14] + lines[16]},
		{"--kind relay", lines[8]},
		{"--relay gate", lines[8] + lines[9]},
		{"--plate ABC1234 --kind event", lines[4]},
		{"--firing 6", strings.Join(lines[5:7], "") + strings.Join(lines[8:11], "")},
		{"--firing 12", lines[11] + lines[12]},
		{"--camera porch", lines[11] + lines[12]},
		{"--rule light", lines[11] + lines[12]},
		{"--since 2026-03-29T13:59:00Z", lines[17] + lines[18]},
		{"--until 2026-03-29T13:58:47Z", lines[0]},
		{"--since 2026-04-01", ""},
	} {
		code, out, errs := journalCommand(append([]string{"list", "-c", file}, strings.Fields(tt.args)...)...)
		if code != exitOK || errs != "" || out != tt.want {
			t.Errorf("%s: exit %d, prints\n%s%s\nwant\n%s", tt.args, code, out, errs, tt.want)
		}
	}
}

func TestJournalExport(t *testing.T) {
	file, data := journalSite(t)
	told(t, data)
	code, out, errs := journalCommand("export", "-c", file)
	if code != exitOK || errs != "" {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, secret := range []string{"hunter2", "opensesame", "s3cret", "T0", "pw@", "abcdefghijkl"} {
		if strings.Contains(out, secret) {
			t.Errorf("%q is in the journal:\n%s", secret, out)
		}
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 19 {
		t.Fatalf("%d lines", len(lines))
	}
	var all []map[string]any
	for _, line := range lines {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, m)
	}
	hash := func(i int) string { return fmt.Sprint(all[i]["hash"]) }
	images := fmt.Sprintf(`"images":[{"name":"scene","size":7,"sha256":"%x"}]`, sha256.Sum256([]byte("picture")))
	for i, want := range map[int]string{
		0:  `{"id":1,"kind":"event","at":"2026-03-29T13:58:46.000Z","event":{"kind":"start","version":"v1","rules":"0123456789abcdef"},"hash":"` + hash(0) + `"}`,
		4:  `{"id":5,"kind":"event","at":"2026-03-29T13:58:48.000Z","camera":"gate","plate":"ABC1234","event":{"kind":"plate","camera":"gate","received":"2026-03-29T13:58:48.000Z","plate":{"number":"abc-1234","heading":"approach"},"images":{"scene":7}},` + images + `,"hash":"` + hash(4) + `"}`,
		5:  `{"id":6,"kind":"firing","at":"2026-03-29T13:58:48.000Z","camera":"gate","rule":"gate for residents","key":"gate/#1","plate":"ABC1234","type":"firing","visit":"gate/#1","steps":["relay gate pulse 800ms","http POST https://hooks.example.com:8443/…","flag away set false"],"rules":"0123456789abcdef","links":{"event":5},"hash":"` + hash(5) + `"}`,
		7:  `{"id":8,"kind":"suppressed","at":"2026-03-29T13:58:48.000Z","camera":"gate","rule":"gate for residents","key":"gate/#2","type":"suppressed","reason":"cooldown","links":{"event":5},"hash":"` + hash(7) + `"}`,
		8:  `{"id":9,"kind":"relay","at":"2026-03-29T13:58:48.062Z","rule":"gate for residents","key":"gate/#1","relay":"gate","on":true,"cause":"pulse of 800ms","links":{"firing":6},"hash":"` + hash(8) + `"}`,
		9:  `{"id":10,"kind":"action","at":"2026-03-29T13:58:48.100Z","camera":"gate","rule":"gate for residents","key":"gate/#1","relay":"gate","plate":"ABC1234","type":"action","step":"relay gate pulse 800ms","outcome":"done","lane":"relay gate","took":0.1,"tries":1,"links":{"firing":6},"hash":"` + hash(9) + `"}`,
		11: `{"id":12,"kind":"firing","at":"2026-03-29T13:58:50.000Z","camera":"porch","rule":"light","key":"porch/7","type":"firing","target":7,"zone":"porch","rules":"0123456789abcdef","event":{"kind":"target","camera":"porch","received":"2026-03-29T13:58:50.000Z","targets":[{"id":7}]},"hash":"` + hash(11) + `"}`,
		12: `{"id":13,"kind":"firing","at":"2026-03-29T13:58:55.000Z","camera":"porch","rule":"light","key":"porch/7","type":"end","target":7,"since":"2026-03-29T13:58:50.000Z","until":"2026-03-29T13:58:55.000Z","links":{"firing":12},"hash":"` + hash(12) + `"}`,
	} {
		if lines[i] != want {
			t.Errorf("line %d is\n%s\nwant\n%s", i+1, lines[i], want)
		}
	}
	if d := fmt.Sprint(all[10]["detail"]); len(d) != maxDetail+len("…") || !strings.HasPrefix(d, "password: ***, *** Authorization: *** *** xxx") {
		t.Errorf("%d bytes of detail: %.80s", len(d), d)
	}
}

func TestJournalVerify(t *testing.T) {
	file, data := journalSite(t)
	j := told(t, data)
	head := j.Head()
	want := fmt.Sprintf("ok: 19 entries, 1 to 19; head %s", head)
	for _, tt := range []struct {
		args      []string
		code      int
		out, errs string
	}{
		{nil, exitOK, want + "\n", ""},
		{[]string{"--images"}, exitOK, want + "; 1 picture, 0 no longer there\n", ""},
		{[]string{"--head", head.String()}, exitOK, want + "; the noted head is there\n", ""},
		{[]string{"--head", "7:" + head.Hash}, exitError, "", "sallyport: journal: entry 7 is not the noted head\n"},
		{[]string{"--head", "99:" + head.Hash}, exitError, "", "sallyport: journal: the noted head, entry 99, is gone: the journal ends at entry 19\n"},
		{[]string{"--head", "7"}, exitUsage, "", "sallyport: journal: --head: a head is ID:HASH, as the status shows it; of the hash at least 16 digits\n"},
	} {
		code, out, errs := journalCommand(append([]string{"verify", "-c", file}, tt.args...)...)
		if code != tt.code || out != tt.out || errs != tt.errs {
			t.Errorf("%v: exit %d\n%s%s", tt.args, code, out, errs)
		}
	}
	if err := j.Expire(t.Context(), at(2).Wall, time.Time{}); err != nil {
		t.Fatal(err)
	}
	_, out, errs := journalCommand("verify", "-c", file)
	if !strings.HasPrefix(out, "ok: 15 entries, 5 to 19; anchor 4:") || errs != "" {
		t.Errorf("%s%s", out, errs)
	}
}

func TestJournalSaysWhatIsWrong(t *testing.T) {
	file, data := journalSite(t)
	for _, tt := range []struct {
		args []string
		code int
		errs string
	}{
		{[]string{"list", "-c", file}, exitError, "sallyport: journal: there is no journal in " + data + "\n"},
		{[]string{"verify", "-c", file}, exitError, "sallyport: journal: there is no journal in " + data + "\n"},
		{[]string{"show"}, exitUsage, "sallyport journal: want verify, list or export first, got \"show\"\n"},
		{nil, exitUsage, "sallyport journal: want verify, list or export first, got nothing\n"},
		{[]string{"list", "-c", file, "x"}, exitUsage, "sallyport journal: takes no argument, got \"x\"\n"},
		{[]string{"list", "-c", file, "--kind", "events"}, exitUsage, "sallyport: journal: --kind: there is no \"events\" (kinds: event, firing, suppressed, action, relay, reload, login, error)\n"},
		{[]string{"list", "-c", file, "--since", "soon"}, exitUsage, "sallyport: journal: --since takes 22:00, 2026-03-02, 2026-03-02T22:00:05Z or 2h (ago), not \"soon\"\n"},
		{[]string{"list", "-c", file, "--limit", "-1"}, exitUsage, "sallyport: journal: --limit takes a number from 0 on\n"},
	} {
		code, out, errs := journalCommand(tt.args...)
		if code != tt.code || out != "" || errs != tt.errs {
			t.Errorf("%v: exit %d\n%s%s", tt.args, code, out, errs)
		}
	}
	if err := os.MkdirAll(data, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "journal.db"), []byte(strings.Repeat("no database ", 100)), 0o640); err != nil {
		t.Fatal(err)
	}
	code, out, errs := journalCommand("list", "-c", file)
	if code != exitError || out != "" || errs != "sallyport: journal: "+filepath.Join(data, "journal.db")+": file is not a database (26)\n" {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

// What is remembered to link by is bounded.
func TestJournalingIsBounded(t *testing.T) {
	r := newRecent[int]()
	for i := range 3 * maxRemembered {
		r.put(i, int64(i))
		r.put(i, int64(i))
	}
	if len(r.of) != maxRemembered || len(r.order) != maxRemembered || r.get(3*maxRemembered-1) == 0 || r.get(2*maxRemembered-1) != 0 || r.get(2*maxRemembered) == 0 {
		t.Errorf("%d remembered", len(r.of))
	}
}

func TestSecretsAreLeftOut(t *testing.T) {
	l := newJournaling(nil, []string{`a"b\c1`, "abc"})
	for text, want := range map[string]string{
		"nothing to hide, abc":                         "nothing to hide, abc",
		"see https://example.com":                      "see https://example.com",
		"see https://example.com/ and":                 "see https://example.com and",
		"ntfy://user:pw@ntfy.sh/topic?x=1 failed":      "ntfy://ntfy.sh/… failed",
		`GET "http://10.0.0.1:80/a?p=1": EOF`:          `GET "http://10.0.0.1:80/…": EOF`,
		"http://[::1]:8080/x: refused, ftp://a@b@c/d":  "http://[::1]:8080/…: refused, ftp://c/…",
		`https:///only/a/path`:                         "https:///…",
		`https://host\@evil/x`:                         `https://host/…`,
		"PASSWORD=abc def token : xyz api-key='k1'":    "PASSWORD=*** def token : *** api-key='***'",
		`{"secret":"xx","plate":"ABC"}`:                `{"secret":"***","plate":"ABC"}`,
		`mine is a"b\c1 or "a\"b\\c1"`:                 `mine is *** or "***"`,
		"Authorization: Basic dXNlcjpwYXNzd29yZA== ok": "Authorization: *** *** ok",
		"the token expired":                            "the token expired",
		"":                                             "",
	} {
		if got := l.clean(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
