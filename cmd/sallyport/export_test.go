package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// armedRules fire on every message while a flag is set: whether one fires tells
// which state a replay goes on from.
const armedRules = `flags: {armed: false}
rules:
  - name: heard
    on: message
    when: flag("armed")
    do: [{log: heard}]
  - name: began
    on: start
    do: [{log: began}]
  - name: lit
    on: message
    when: message.topic == "lit"
    hold: 1h
    do: [{relay: porch, follow: true}]
`

// TestReplayGoesOnFromSnapshots replays recordings written by hand. "m" is a
// message after so many seconds, and so on; the answer is what was printed, as the
// second, the type and the rule.
func TestReplayGoesOnFromSnapshots(t *testing.T) {
	r := newRecordedTest(t)
	hash := recordRules(t, r.site, armedRules).Hash
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	line := func(run string, second int, rest string) string {
		return fmt.Sprintf(`{"received":%q,"run":%q,"mono":%d,%s}`, noon.Add(time.Duration(second)*time.Second).Format(time.RFC3339), run, second, rest)
	}
	m := func(run string, second int) string {
		return line(run, second, `"type":"message","topic":"x","body":{}`)
	}
	armed := func(run string, second int, hash string) string {
		return line(run, second, fmt.Sprintf(`"type":"snapshot","hash":%q,"memory":{"version":1,"saved":"2026-03-02T12:00:00Z","flags":[{"name":"armed","value":{"bool":true},"age":0}]}`, hash))
	}
	fresh := func(run string, second int) string {
		return line(run, second, `"type":"snapshot","memory":null,"marks":[]`)
	}
	start := func(run string, second int) string { return line(run, second, `"type":"start"`) }
	const blind = "the recording begins without a snapshot: nothing is known before its first line\n"
	others := "the recording was made with other rules (set 0123456789ab) than these (set " + short(hash) + "): what they decide may differ\n"
	for _, c := range []struct {
		name  string
		lines []string
		want  string
		errs  string
	}{
		{"without a snapshot it begins with the first line", []string{m("a", 1), start("a", 2), m("a", 3)}, "1 firing began", blind},
		{"with one, the program starts where it did", []string{fresh("a", 0), m("a", 1), start("a", 2), m("a", 3)}, "2 firing began", ""},
		{"what was remembered is known", []string{armed("a", 0, hash), start("a", 1), m("a", 2)}, "1 firing began,2 firing heard", ""},
		{"a later one of the same run is passed over", []string{fresh("a", 0), m("a", 1), armed("a", 2, ""), m("a", 3)}, "", ""},
		{"another run begins with its own", []string{armed("a", 0, ""), m("a", 1), fresh("b", 2), m("b", 3), armed("c", 4, ""), m("c", 5)}, "1 firing heard,5 firing heard", ""},
		{"another run without one goes on", []string{armed("a", 0, ""), m("a", 1), m("b", 2)}, "1 firing heard,2 firing heard", ""},
		{"without a snapshot at first, the next one counts", []string{m("a", 1), armed("a", 2, ""), m("a", 3)}, "1 firing began,3 firing heard", blind},
		{"after lost lines the next one counts", []string{fresh("a", 0), m("a", 1), line("a", 2, `"type":"lost","lines":7`), m("a", 3), armed("a", 4, ""), m("a", 5)},
			"5 firing heard", "line 3: 7 lines are missing here: what follows may not be what was decided\n"},
		{"other rules are said once", []string{fresh("a", 0), line("a", 0, `"type":"rules","hash":"0123456789abcdef"`), m("a", 1), armed("a", 2, "0123456789abcdef"), m("a", 3)}, "", others},
		{"from where the rules are these, the snapshot counts", []string{fresh("a", 0), line("a", 0, `"type":"rules","hash":"0123456789abcdef"`), m("a", 1),
			line("a", 2, fmt.Sprintf(`"type":"rules","hash":%q`, hash)), armed("a", 2, hash), m("a", 3)}, "3 firing heard",
			others + "from 2026-03-02 12:00:02 on the recording was made with these rules: the replay goes on from its snapshot of then\n"},
		{"what is there to warm up is not told", []string{line("", 4, `"type":"lead"`), armed("a", 0, ""), m("a", 1), m("a", 3), m("a", 4), m("a", 5)},
			"4 firing heard,5 firing heard", ""},
		{"a run that stopped has ended", []string{fresh("a", 0), line("a", 1, `"type":"message","topic":"lit","body":{}`), line("a", 3, `"type":"stop"`),
			line("a", 4, `"type":"relay","name":"porch","on":false`)}, "1 firing lit,1 action lit,3 end lit,3 action lit", ""},
		{"after a run that stopped another one begins anew", []string{armed("a", 0, ""), line("a", 1, `"type":"stop"`), m("b", 2)}, "2 firing began", blind},
		{"a snapshot that is none is said", []string{line("a", 0, `"type":"snapshot","memory":{"version":9}`), m("a", 1), start("a", 2)}, "0 firing began",
			"line 1: the snapshot cannot be used: the state is of version 9, this program knows 1\n"},
		{"so is one of the engine", []string{line("a", 0, `"type":"snapshot","state":{"version":-1}`)}, "0 firing began", "line 1: the snapshot cannot be used: …"},
		{"and marks", []string{line("a", 0, `"type":"snapshot","marks":{}`)}, "0 firing began", "line 1: the snapshot cannot be used: its marks are no list\n"},
		{"a clock that was set does not let time pass", []string{fresh("", 0),
			`{"received":"2026-03-02T12:00:01Z","type":"message","topic":"lit","body":{}}`, `{"received":"2026-03-02T14:00:01Z","type":"clock","step":7200}`,
			`{"received":"2026-03-02T14:00:02Z","type":"stop"}`}, "1 firing lit,1 action lit,7202 end lit,7202 action lit", ""},
		{"a command changes nothing", []string{armed("a", 0, ""), line("a", 1, `"type":"command","who":"ann","name":"gate","what":"pulse"`), m("a", 2)}, "2 firing heard", ""},
	} {
		file := filepath.Join(r.dir, "hand.jsonl")
		if err := os.WriteFile(file, []byte(strings.Join(c.lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		decisions, errs := r.replay(file, armedRules)
		var got []string
		for _, text := range decisions {
			var d struct {
				At         time.Time
				Type, Rule string
				Reason     string
			}
			if err := json.Unmarshal([]byte(text), &d); err != nil {
				t.Fatal(err)
			}
			if d.Type == "action" && d.Rule != "lit" {
				continue
			}
			got = append(got, fmt.Sprintf("%d %s %s", d.At.Sub(noon)/time.Second, d.Type, d.Rule))
		}
		if text := strings.Join(got, ","); text != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, text, c.want)
		}
		var want strings.Builder
		for l := range strings.Lines(c.errs) {
			want.WriteString("sallyport: replay: " + l)
		}
		if begin, open := strings.CutSuffix(want.String(), "…"); errs != want.String() && !(open && strings.HasPrefix(errs, begin)) {
			t.Errorf("%s:\ngot  %swant %s", c.name, errs, want.String())
		}
	}
}

// TestParseWhen reads the moments of a range.
func TestParseWhen(t *testing.T) {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 29, 12, 30, 0, 0, loc) // the clocks went forward in the night
	for _, c := range []struct{ text, want string }{
		{"2026-03-02T22:00:05.5Z", "2026-03-02T22:00:05.5Z"},
		{"2026-03-02T22:00:05+01:00", "2026-03-02T21:00:05Z"},
		{"2026-03-02", "2026-03-01T23:00:00Z"},
		{"2026-03-02 22:00", "2026-03-02T21:00:00Z"},
		{"2026-03-02T22:00:05", "2026-03-02T21:00:05Z"},
		{"2026-03-02 22:00:05.25", "2026-03-02T21:00:05.25Z"},
		{"12:30", "2026-03-29T10:30:00Z"},
		{"12:30:01", "2026-03-28T11:30:01Z"},
		{"22:00:06.250", "2026-03-28T21:00:06.25Z"},
		{"2h", "2026-03-29T08:30:00Z"},
		{"90m", "2026-03-29T09:00:00Z"},
		{"7d", "2026-03-22T10:30:00Z"},
		{"0s", "2026-03-29T10:30:00Z"},
	} {
		got, err := parseWhen(c.text, now, loc)
		if err != nil || got.UTC().Format(time.RFC3339Nano) != c.want {
			t.Errorf("%s: %v, %v, want %s", c.text, got.UTC(), err, c.want)
		}
	}
	for _, text := range []string{"", "yesterday", "-2h", "25:00", "2026-02-30", "1.5d", "d", "99999d"} {
		if got, err := parseWhen(text, now, loc); err == nil || err.Error() != fmt.Sprintf("takes 22:00, 2026-03-02, 2026-03-02T22:00:05Z or 2h (ago), not %q", text) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

// TestExportSaysWhatItGives holds what the command says beside the lines.
func TestExportSaysWhatItGives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecordedTest(t)
		begun := time.Now()
		moment := func(d time.Duration) string { return begun.Add(d).UTC().Format("2006-01-02 15:04:05") }
		expect := func(code int, errs string, lines int, args ...string) string {
			t.Helper()
			var out, err bytes.Buffer
			p := process{stdout: &out, stderr: &err, getenv: func(string) string { return "" }}
			got := run(context.Background(), append([]string{"export", "-c", r.site.File}, args...), p)
			if n := strings.Count(out.String(), "\n"); got != code || n != lines || err.String() != errs {
				t.Errorf("export %q: %d, %d lines, says\n%swant %d, %d lines\n%s", args, got, n, &err, code, lines, errs)
			}
			return out.String()
		}
		expect(1, "sallyport: export: there is no recording in "+filepath.Join(r.site.Data, "recording")+"\n", 0)
		expect(2, "sallyport: export: --since takes 22:00, 2026-03-02, 2026-03-02T22:00:05Z or 2h (ago), not \"soon\"\n", 0, "--since", "soon")
		expect(2, "sallyport: export: --until "+moment(-2*time.Hour)+" is before --since "+moment(-time.Hour)+"\n", 0, "--since", "1h", "--until", "2h")

		rec := r.recorder()
		l := startRun(t, r.site, recordRules(t, r.site, "rules: []\n"), rec, nil) // 5 lines: what is remembered, the set, two relays, the start
		l.pass(10 * time.Second)
		l.post(sim.AppendHeartbeat(nil, gateCamera, sim.V1))
		l.post(plateAt("ABC1234", l.now().Wall))
		l.pass(10 * time.Second)
		l.post(sim.AppendHeartbeat(nil, porchCamera, sim.V1))
		l.pass(15 * time.Minute)
		// The program runs on.
		expect(0, "", 8)
		expect(0, "sallyport: export: it begins at "+moment(0)+": nothing older is recorded\n", 8, "--since", "1h")
		text := expect(0, "sallyport: export: it begins at "+moment(0)+", with the last snapshot before that\n", 9, "--since", begun.Add(15*time.Second).Format(time.RFC3339))
		if want := `{"type":"lead","received":"` + begun.Add(15*time.Second).UTC().Format(time.RFC3339) + `"}` + "\n" + `{"type":"snapshot",`; !strings.HasPrefix(text, want) {
			t.Errorf("it begins %.200s, not %s", text, want)
		}
		expect(0, "", 7, "--until", begun.Add(15*time.Second).Format(time.RFC3339))
		expect(0, "sallyport: export: it begins at "+moment(0)+", with the last snapshot before that\nsallyport: export: nothing was recorded in this range; there is only what was before it\n", 9, "--since", "1m")
		text = expect(0, "", 7, "--camera", "gate")
		if strings.Contains(text, `"camera":"porch"`) || strings.Count(text, `"camera":"gate"`) != 2 {
			t.Errorf("of one camera: %s", text)
		}
		expect(0, "sallyport: export: there is no post of a camera \"yard\" in this range\n", 5, "--camera", "yard")
		expect(1, "sallyport: export: nothing was recorded before "+moment(-time.Minute)+"\n", 0, "--until", begun.Add(-time.Minute).Format(time.RFC3339))
		r.close(rec)

		// The power went while a segment was written, and a disk lost the first one.
		files, err := filepath.Glob(filepath.Join(r.site.Data, "recording", "*"))
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		f, err := os.OpenFile(files[0], os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("torn"); err != nil {
			t.Fatal(err)
		}
		f.Close()
		time.Sleep(time.Second)
		rec = r.recorder()
		rec.relay(engine.Instant{Wall: time.Now()}, relay.Change{Relay: "gate"})
		r.close(rec)
		expect(0, "sallyport: export: "+filepath.Base(files[0])+": 4 bytes could not be read and are left out\n", 9)
		if err := os.Remove(files[0]); err != nil {
			t.Fatal(err)
		}
		expect(0, "sallyport: export: it begins at "+time.Now().UTC().Format("2006-01-02 15:04:05")+", without a snapshot: a replay does not know what was before\n", 1)
		expect(0, "sallyport: export: it begins at "+time.Now().UTC().Format("2006-01-02 15:04:05")+", with the oldest line: there is no snapshot before that\n"+
			"sallyport: export: nothing was recorded in this range; there is only what was before it\n", 2, "--since", time.Now().Add(time.Minute).Format(time.RFC3339))
	})
}

// stuck is an engine whose snapshots fail or are large.
type stuck struct {
	rules *engine.Ruleset
	at    engine.Instant
	text  []byte
	err   error
	asked int
}

func (s *stuck) Now() engine.Instant      { return s.at }
func (s *stuck) Ruleset() *engine.Ruleset { return s.rules }
func (s *stuck) Snapshot() ([]byte, error) {
	s.asked++
	return s.text, s.err
}

// TestSnapshotsAreTakenHourly, and soon after lines were lost; each hour a segment
// begins with one. One that cannot be made is said once.
func TestSnapshotsAreTakenHourly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		var log bytes.Buffer
		rec, err := newRecorder(recorderConfig{data: dir, log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		e := &stuck{rules: &engine.Ruleset{Hash: "h"}, text: []byte(`{}`)}
		now := func() engine.Instant { return engine.Instant{Mono: time.Since(begun), Wall: time.Now()} }
		pass := func(d time.Duration) (taken int) {
			before := e.asked
			for range d / time.Second {
				time.Sleep(time.Second)
				e.at = now()
				if rec.wantsSnapshot(e.at) {
					rec.snapshot(e)
				}
			}
			return e.asked - before
		}
		rec.begin(now(), "h", nil, nil, nil)
		if n := pass(time.Hour - time.Second); n != 0 {
			t.Errorf("%d in the first hour", n)
		}
		if n := pass(3 * time.Hour); n != 3 {
			t.Errorf("%d in three hours", n)
		}
		files, err := filepath.Glob(filepath.Join(dir, "recording", "*.jsonl.gz"))
		if err != nil || len(files) != 4 {
			t.Errorf("segments %q, %v", files, err)
		}
		rec.snapshot(e) // a reload
		pass(time.Second)
		if files, _ := filepath.Glob(filepath.Join(dir, "recording", "*.jsonl.gz")); len(files) != 4 {
			t.Errorf("a reload begins a segment: %q", files)
		}
		rec.message(now(), "x", []byte("\"a\\u000ab\"")) // no line by itself
		rec.segments.Add(segmentLine(strings.Repeat("x", 20<<20)))
		if n := pass(30 * time.Second); n != 0 {
			t.Errorf("%d at once after a lost line", n)
		}
		if n := pass(2 * time.Minute); n != 1 {
			t.Errorf("%d after a lost line", n)
		}
		e.err = fmt.Errorf("too much is known")
		if n := pass(5 * time.Hour); n != 5 || strings.Count(log.String(), "too much is known") != 1 {
			t.Errorf("%d that failed, the log:\n%s", n, &log)
		}
		if err := rec.close(); err != nil {
			t.Error(err)
		}
	})
}
