package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/inputs/camera"
	"github.com/sallyport/sallyport/inputs/recording"
	"github.com/sallyport/sallyport/journal/segment"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// recordedRules use what a recording has to bring back.
const recordedRules = rulesText + `  - name: loiterer
    on: target
    when: target.class == "person" && dwell("porch") > "20s"
    cooldown: 10m
    do: [{log: "somebody stays"}]
  - name: visitors
    on: plate
    when: plate.number != "ABC1234"
    per: plate
    limit: 2/1h
    do: [{log: "${plate.number}"}]
  - name: door left open
    on: contact
    when: contact("door").on
    for: 30s
    do: [{log: "door", after: 5s}]
    finally: [{log: "door shut"}]
  - name: armed by message
    on: message
    when: message.topic == "arm"
    do: [{flag: armed, set: true, for: 5m}]
  - name: while armed
    on: flag
    when: flag("armed")
    while: flag("armed")
    do: [{log: armed}, {log: still armed, after: 2m}]
    finally: [{log: disarmed}]
  - name: began
    on: start
    do: [{log: began}]
  - name: night round
    on: {cron: "*/20 * * * *"}
    do: [{log: round}]
  - name: perimeter
    on: alarm
    when: alarm.name == "perimeter" && alarm.on
    do: [{log: "perimeter of ${camera.name}"}]
  - name: gone
    on: camera
    when: "!camera.online"
    do: [{log: "${camera.name} is gone"}]
flags: {armed: false}
`

// liveRun is an engine in a loop of its own, recorded as the appliance is. Every
// relay does at once what it is asked to do.
type liveRun struct {
	t     *testing.T
	site  *config.Site
	port  *camera.Port
	rec   *recorder
	eng   *engine.Engine
	start time.Time
	shift time.Duration // of the wall clock
	said  []string      // the decisions, as replay prints them
	on    map[string]bool
	door  bool
	id    uint32
}

// recordSite is the site of the test's recordings.
func recordSite(t testing.TB, dir string) *config.Site {
	t.Helper()
	file := filepath.Join(dir, "sallyport.yaml")
	if err := os.WriteFile(file, []byte(siteText+"contacts: {door: {memory: true}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	site, problems := config.Load(file)
	if config.Failed(problems) {
		t.Fatal(problems)
	}
	return site
}

func recordRules(t testing.TB, site *config.Site, text string) *engine.Ruleset {
	t.Helper()
	rules, problems := rulefile.LoadFiles([]rulefile.File{{Name: "rules.yaml", Data: []byte(text)}}, "rules.d", ruleSite(site))
	if rulefile.Failed(problems) {
		t.Fatal(problems)
	}
	return rules
}

// startRun begins a run with what an earlier one remembered.
func startRun(t *testing.T, site *config.Site, rules *engine.Ruleset, rec *recorder, memory *engine.State) *liveRun {
	t.Helper()
	cams, err := inputCameras(site, process{getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	l := &liveRun{t: t, site: site, rec: rec, port: camera.New(camera.Config{Cameras: cams}), start: time.Now(), on: make(map[string]bool)}
	at := l.now()
	rec.begin(at, rules.Hash, map[string]string{"rules.yaml": "…"}, memory, nil)
	o := engineOptions(site)
	o.Restore = memory
	eng, out := engine.New(rules, o, at)
	l.eng = eng
	l.decided(out)
	for _, name := range []string{"gate", "porch"} {
		l.relay(name, false)
	}
	rec.start(l.now())
	l.decided(eng.Apply(l.now(), &engine.Event{Kind: engine.KindStart, Received: l.now().Wall}))
	return l
}

func (l *liveRun) now() engine.Instant {
	t := time.Now()
	return engine.Instant{Mono: t.Sub(l.start), Wall: t.Round(0).UTC().Add(l.shift)}
}

// decided notes decisions, carries out what they ask for and gives the outcomes.
func (l *liveRun) decided(ds []engine.Decision) {
	var todo []*engine.Request
	for i := range ds {
		l.said = append(l.said, string(ds[i].AppendJSON(nil)))
		if ds[i].Do != nil {
			todo = append(todo, ds[i].Do)
		}
	}
	for _, q := range todo {
		o := engine.Outcome{Firing: q.Firing.ID, Index: q.Index, Finally: q.Finally, Begun: true}
		l.rec.outcome(l.now(), o)
		l.decided(l.eng.Outcome(l.now(), o))
		if a, ok := q.Args.(engine.RelayArgs); ok {
			l.relay(a.Relay, a.Op != engine.RelayOff && (!q.Lease || q.LeaseOn))
		}
	}
}

func (l *liveRun) relay(name string, on bool) {
	if was, ok := l.on[name]; ok && was == on {
		return
	}
	l.on[name] = on
	l.rec.relay(l.now(), relay.Change{Relay: name, On: on})
	l.decided(l.eng.Apply(l.now(), &engine.Event{Kind: engine.KindRelay, Name: name, On: on, Received: l.now().Wall}))
}

// pass lets time pass, and takes a snapshot when one is due.
func (l *liveRun) pass(d time.Duration) {
	end := l.now().Mono + d
	for {
		next, ok := l.eng.Next()
		if !ok || next > end {
			break
		}
		time.Sleep(next - l.now().Mono)
		l.decided(l.eng.Advance(l.now()))
	}
	time.Sleep(end - l.now().Mono)
	if l.rec.wantsSnapshot(l.now()) {
		l.decided(l.eng.Advance(l.now()))
		l.rec.snapshot(l.eng)
	}
}

// post posts a body and takes what came in.
func (l *liveRun) post(body []byte) {
	r, err := http.NewRequest(http.MethodPost, "/API", bytes.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	r.RemoteAddr = "127.0.0.1:4000"
	l.port.ServeHTTP(answer{http.Header{}}, r)
	for it, ok := l.port.Take(); ok; it, ok = l.port.Take() {
		at := engine.Instant{Mono: it.Received.Sub(l.start), Wall: it.Received.Round(0).UTC().Add(l.shift)}
		l.rec.item(at, it, false)
		for _, ev := range it.Events {
			ev.Received = at.Wall
			l.decided(l.eng.Apply(at, ev))
		}
		l.port.Release(it)
	}
}

// swap puts another set in force.
func (l *liveRun) swap(rules *engine.Ruleset) {
	l.rec.rules(l.now(), rules.Hash, nil)
	l.decided(l.eng.Swap(l.now(), rules))
	l.rec.snapshot(l.eng)
}

// stop ends the run in order.
func (l *liveRun) stop() *engine.State {
	l.rec.stop(l.now())
	l.decided(l.eng.Stop(l.now()))
	return l.kill()
}

// kill ends the run; only what it remembers is left.
func (l *liveRun) kill() *engine.State {
	s := l.eng.Export()
	return &s
}

// something happens at the site: one of all that a recording holds.
func (l *liveRun) something(rnd *rand.Rand) {
	stamp := l.now().Wall
	switch rnd.IntN(15) {
	case 0, 1:
		l.post(sim.AppendHeartbeat(nil, []sim.Identity{gateCamera, porchCamera}[rnd.IntN(2)], sim.V1))
	case 2, 3, 4: // somebody walks over the porch, and sometimes stays
		l.id++
		frames := 10 + rnd.IntN(40)*rnd.IntN(4)
		for i := range frames {
			box := sim.FootBox(sim.Point{min(5000, i*600), 9000}, sim.Size("person"))
			l.post(sim.AppendTrajectory(nil, porchCamera, l.now().Wall, []sim.Target{{ID: l.id, Class: "person", Box: box}}))
			l.pass(200 * time.Millisecond)
		}
	case 5, 6, 7:
		number := []string{"ABC1234", "ABC1235", "XYZ99", "GUEST1"}[rnd.IntN(4)]
		l.post(plateAt(number, stamp))
	case 8:
		l.door = !l.door
		l.rec.contact(l.now(), "door", l.door, false, false)
		l.decided(l.eng.Apply(l.now(), &engine.Event{Kind: engine.KindContact, Name: "door", On: l.door, Received: stamp}))
	case 9:
		l.rec.message(l.now(), "arm", []byte(`{"user": "ann"}`))
		l.decided(l.eng.Apply(l.now(), &engine.Event{Kind: engine.KindMessage, Received: stamp,
			Message: &engine.Message{Topic: "arm", Body: map[string]any{"user": "ann"}}}))
	case 10:
		on := rnd.IntN(2) == 0
		l.rec.command(l.now(), "ann", "armed", fmt.Sprint(on))
		v := engine.Scalar{Type: engine.ScalarBool, Bool: on}
		l.rec.flag(l.now(), "armed", v)
		l.decided(l.eng.Apply(l.now(), &engine.Event{Kind: engine.KindFlag, Name: "armed", Value: v, Received: stamp}))
	case 11:
		on := rnd.IntN(2) == 0
		l.rec.camera(l.now(), "porch", on, false)
		l.decided(l.eng.Apply(l.now(), &engine.Event{Kind: engine.KindCamera, Camera: "porch", Name: "porch", On: on, Received: stamp}))
	case 13:
		ev := &engine.Event{Kind: engine.KindAlarm, Camera: "gate", Received: stamp, Unknown: rnd.IntN(4) == 0,
			Alarm: &engine.Alarm{Name: "perimeter", ID: rnd.IntN(2), On: rnd.IntN(2) == 0}}
		l.rec.alarm(l.now(), ev, false)
		l.decided(l.eng.Apply(l.now(), ev))
	case 14:
		rules := l.eng.Ruleset().Rules
		rule, o := rules[rnd.IntN(len(rules))].Name, (*engine.Override)(nil)
		if mode := rnd.IntN(4); mode < 3 {
			o = &engine.Override{Mode: engine.Mode(mode), At: stamp, Who: "ann"}
			if rnd.IntN(2) == 0 {
				o.Until = stamp.Add(time.Duration(rnd.IntN(1000)) * time.Second)
			}
		}
		l.rec.override(l.now(), rule, o, "ann")
		l.decided(l.eng.Override(l.now(), rule, o))
	case 12:
		step := time.Duration(rnd.IntN(240)-120) * time.Second
		if rnd.IntN(4) > 0 {
			return
		}
		l.shift += step
		l.rec.clock(l.now(), step)
		l.decided(l.eng.Advance(l.now()))
	}
}

// plateAt is a read of a plate with the camera's stamp.
func plateAt(number string, at time.Time) []byte {
	return sim.AppendPlate(nil, gateCamera, at, sim.PlateRead{Number: number, Heading: "approach"})
}

// recordedTest makes recordings in a folder. They are of virtual time.
type recordedTest struct {
	*testing.T
	dir  string
	site *config.Site
}

func newRecordedTest(t *testing.T) *recordedTest {
	dir := t.TempDir()
	return &recordedTest{T: t, dir: dir, site: recordSite(t, dir)}
}

func (r *recordedTest) recorder() *recorder {
	rec, err := newRecorder(recorderConfig{data: r.site.Data, log: slog.New(slog.DiscardHandler)})
	if err != nil {
		r.Fatal(err)
	}
	return rec
}

func (r *recordedTest) close(rec *recorder) {
	if err := rec.close(); err != nil {
		r.Error(err)
	}
}

// export runs the command and gives the file it wrote.
func (r *recordedTest) export(args ...string) (file, errs string) {
	var out, err bytes.Buffer
	p := process{stdout: &out, stderr: &err, getenv: func(string) string { return "" }}
	if code := run(r.Context(), append([]string{"export", "-c", r.site.File}, args...), p); code != exitOK {
		r.Fatalf("export %q gives %d: %s", args, code, &err)
	}
	file = filepath.Join(r.dir, "export.jsonl")
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		r.Fatal(err)
	}
	return file, err.String()
}

// replay runs the command with rules and gives what it decides.
func (r *recordedTest) replay(file, rules string) (decisions []string, errs string) {
	dir := filepath.Join(r.dir, "rules.d")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "rules.yaml"), []byte(rules), 0o600); err != nil {
		r.Fatal(err)
	}
	var out, err bytes.Buffer
	p := process{stdout: &out, stderr: &err, getenv: func(string) string { return "" }}
	if code := run(r.Context(), []string{"replay", "-c", r.site.File, "--json", file}, p); code != exitOK {
		r.Fatalf("replay gives %d: %s", code, &err)
	}
	for line := range strings.Lines(err.String()) {
		if strings.HasPrefix(line, "sallyport:") { // the rest are warnings about the rules
			errs += line
		}
	}
	for line := range strings.Lines(out.String()) {
		decisions = append(decisions, strings.TrimSpace(line))
	}
	return decisions, errs
}

// between are the decisions of a range of time.
func decidedBetween(t *testing.T, all []string, since, until time.Time) []string {
	t.Helper()
	var some []string
	for _, text := range all {
		var d struct{ At time.Time }
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatal(err)
		}
		if !d.At.Before(since) && !d.At.After(until) {
			some = append(some, text)
		}
	}
	return some
}

// same compares what was decided live with what a replay decides.
func same(t *testing.T, what string, live, replayed []string) {
	t.Helper()
	for i := range max(len(live), len(replayed)) {
		var a, b string
		if i < len(live) {
			a = live[i]
		}
		if i < len(replayed) {
			b = replayed[i]
		}
		if a != b {
			t.Errorf("%s: decision %d of %d\nlive     %s\nreplayed %s", what, i, len(live), a, b)
			return
		}
	}
}

// TestExportedRangesDecideTheSame: three runs of some hours, one of which is killed,
// with everything that a recording holds: a replay of all of it, and of ranges of it,
// decides what the live runs decided then.
func TestExportedRangesDecideTheSame(t *testing.T) {
	for seed := range uint64(2) {
		synctest.Test(t, func(t *testing.T) {
			r := newRecordedTest(t)
			rules := recordRules(t, r.site, recordedRules)
			rnd := rand.New(rand.NewPCG(seed, 7))
			var live []string
			var memory *engine.State
			begun := time.Now()
			for n := range 3 {
				rec := r.recorder()
				l := startRun(t, r.site, rules, rec, memory)
				for range 40 {
					l.something(rnd)
					l.pass(time.Duration(rnd.IntN(240_000)) * time.Millisecond)
				}
				if n == 1 {
					memory = l.kill()
				} else {
					memory = l.stop()
				}
				live = append(live, l.said...)
				r.close(rec)
				time.Sleep(time.Duration(rnd.IntN(3600)) * time.Second)
			}
			if len(live) < 200 {
				t.Errorf("only %d decisions", len(live))
			}
			file, errs := r.export()
			if errs != "" {
				t.Errorf("export says %s", errs)
			}
			replayed, errs := r.replay(file, recordedRules)
			same(t, fmt.Sprintf("seed %d, all of it", seed), live, replayed)
			again, _ := r.replay(file, recordedRules)
			same(t, "the same file once more", replayed, again)
			if errs != "" {
				t.Errorf("replay says %s", errs)
			}
			middle := 0 // exports that begin in the middle of a run
			for range 5 {
				since := begun.Add(time.Duration(rnd.Int64N(int64(time.Since(begun)))))
				until := since.Add(time.Duration(rnd.IntN(5000)) * time.Second)
				file, _ := r.export("--since", since.Format(time.RFC3339Nano), "--until", until.Format(time.RFC3339Nano))
				replayed, errs := r.replay(file, recordedRules)
				if errs != "" {
					t.Errorf("replay says %s", errs)
				}
				if b, err := os.ReadFile(file); err != nil {
					t.Error(err)
				} else if _, rest, _ := bytes.Cut(b, []byte("\n")); bytes.HasPrefix(rest, []byte(`{"type":"snapshot",`)) &&
					bytes.Contains(rest[:bytes.IndexByte(rest, '\n')], []byte(`"state":`)) {
					middle++
				}
				same(t, fmt.Sprintf("seed %d, from %v to %v", seed, since.Sub(begun), until.Sub(begun)),
					decidedBetween(t, live, since, until), decidedBetween(t, replayed, since, until))
				if early := decidedBetween(t, replayed, time.Time{}, since.Truncate(time.Millisecond).Add(-1)); len(early) > 0 {
					t.Errorf("decisions of before are printed: %s", early[0])
				}
			}
			if middle == 0 {
				t.Error("every export begins with a run")
			}
		})
	}
}

// TestARecordingOverAReload: with the rules of before it decides what was decided up
// to the reload, with those of after it from there on.
func TestARecordingOverAReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecordedTest(t)
		after := strings.NewReplacer("20s", "12s", "limit: 2/1h", "limit: 3/1h", "for: 30s", "for: 40s").Replace(recordedRules)
		rec := r.recorder()
		l := startRun(t, r.site, recordRules(t, r.site, recordedRules), rec, nil)
		rnd := rand.New(rand.NewPCG(3, 4))
		some := func() {
			for range 50 {
				l.something(rnd)
				l.pass(time.Duration(rnd.IntN(120_000)) * time.Millisecond)
			}
		}
		some()
		reload := l.now().Wall
		l.swap(recordRules(t, r.site, after))
		some()
		l.stop()
		r.close(rec)
		file, _ := r.export()
		end := l.now().Wall.Add(time.Hour)
		other := func(was, is string) string {
			return "sallyport: replay: the recording was made with other rules (set " + short(recordRules(t, r.site, was).Hash) +
				") than these (set " + short(recordRules(t, r.site, is).Hash) + "): what they decide may differ\n"
		}
		replayed, errs := r.replay(file, recordedRules)
		same(t, "with the rules of before", decidedBetween(t, l.said, time.Time{}, reload.Add(-1)), decidedBetween(t, replayed, time.Time{}, reload.Add(-1)))
		if errs != other(after, recordedRules) {
			t.Errorf("says %s", errs)
		}
		replayed, errs = r.replay(file, after)
		same(t, "with the rules of after", decidedBetween(t, l.said, reload.Add(time.Millisecond), end), decidedBetween(t, replayed, reload.Add(time.Millisecond), end))
		if want := other(recordedRules, after) + "sallyport: replay: from " + reload.Format(time.DateTime) +
			" on the recording was made with these rules: the replay goes on from its snapshot of then\n"; errs != want {
			t.Errorf("says %swant %s", errs, want)
		}
	})
}

// TestSnapshotsAreWhatAReplayKnows: at each snapshot of a run a replay that began with
// the run knows the same, to the byte.
func TestSnapshotsAreWhatAReplayKnows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecordedTest(t)
		rules := recordRules(t, r.site, recordedRules)
		rec := r.recorder()
		l := startRun(t, r.site, rules, rec, nil)
		rnd := rand.New(rand.NewPCG(5, 6))
		for range 150 {
			l.something(rnd)
			l.pass(time.Duration(rnd.IntN(120_000)) * time.Millisecond)
		}
		r.close(rec)
		file, _ := r.export()
		in, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		p := process{stderr: io.Discard, getenv: func(string) string { return "" }}
		play, err := newReplay("replay", p, r.site, rules, nil)
		if err != nil {
			t.Fatal(err)
		}
		compared := 0
		play.passed = func(_ engine.Instant, state []byte) {
			compared++
			own, err := play.engine.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(own, state) {
				n := 0
				for n < min(len(own), len(state)) && own[n] == state[n] {
					n++
				}
				from := max(0, n-60)
				t.Errorf("snapshot %d differs at byte %d:\nlive     …%.160s\nreplayed …%.160s", compared, n, state[from:], own[from:])
			}
		}
		if err := play.run(t.Context(), recording.NewReader(file, in)); err != nil {
			t.Fatal(err)
		}
		if compared < 2 {
			t.Errorf("%d snapshots were compared", compared)
		}
	})
}

// segmentLine is a line that goes past the recorder.
func segmentLine(text string) segment.Line { return segment.Line{At: time.Now(), Text: []byte(text)} }

// TestWhatIsNewsIsWrittenSoon: heartbeats and alarms that are as they were may wait
// ten minutes, everything else two seconds.
func TestWhatIsNewsIsWrittenSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecordedTest(t)
		rec := r.recorder()
		l := startRun(t, r.site, recordRules(t, r.site, "rules: []\n"), rec, nil)
		alarm := func(id sim.Identity, on bool) []byte {
			return sim.AppendAlarm(nil, id, l.now().Wall, sim.Alarm{Name: "motionAlarm", On: on})
		}
		for i, c := range []struct {
			body  []byte
			quiet bool
		}{
			{sim.AppendHeartbeat(nil, porchCamera, sim.V1), true},
			{sim.AppendHeartbeat(nil, gateCamera, sim.V2), true},
			{alarm(porchCamera, false), false}, // the first value
			{alarm(porchCamera, false), true},
			{alarm(gateCamera, false), false},
			{alarm(porchCamera, true), false},
			{alarm(porchCamera, true), true},
			{alarm(gateCamera, false), true},
			{plateAt("ABC1234", l.now().Wall), false},
			{sim.AppendTrajectory(nil, porchCamera, l.now().Wall, nil), false},
		} {
			l.pass(11 * time.Minute)
			synctest.Wait()
			l.post(c.body)
			time.Sleep(3 * time.Second)
			synctest.Wait()
			if waits := rec.segments.Stats().Waiting > 0; waits != c.quiet {
				t.Errorf("post %d waits: %v", i, waits)
			}
		}
		r.close(rec)
	})
}

// TestAFileAndNoRecording: run --record writes what the segments hold, and without
// either nothing is recorded.
func TestAFileAndNoRecording(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecordedTest(t)
		rules := recordRules(t, r.site, recordedRules)
		file := filepath.Join(r.dir, "live.jsonl")
		rec, err := newRecorder(recorderConfig{data: r.site.Data, file: file, log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		rnd := rand.New(rand.NewPCG(1, 2))
		l := startRun(t, r.site, rules, rec, nil)
		for range 30 {
			l.something(rnd)
			l.pass(10 * time.Second)
		}
		l.stop()
		r.close(rec)
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		exported, _ := r.export()
		got, err := os.ReadFile(exported)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) || len(got) < 10_000 {
			t.Errorf("the file has %d bytes, the export %d", len(want), len(got))
		}
		var none *recorder
		startRun(t, r.site, rules, none, nil).something(rnd)
		none.snapshot(l.eng)
		none.rules(l.now(), "", nil)
		if none.wantsSnapshot(l.now()) || none.close() != nil {
			t.Error("no recorder wants something")
		}
	})
}

// BenchmarkRecordFrame is what the loop pays for recording a frame of 20 people.
func BenchmarkRecordFrame(b *testing.B) {
	site := recordSite(b, b.TempDir())
	cams, err := inputCameras(site, process{})
	if err != nil {
		b.Fatal(err)
	}
	rec, err := newRecorder(recorderConfig{data: b.TempDir(), log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer rec.close()
	port := camera.New(camera.Config{Cameras: cams})
	targets := make([]sim.Target, 20)
	for i := range targets {
		targets[i] = sim.Target{ID: uint32(i + 1), Class: "person", Box: sim.FootBox(sim.Point{5000, 5000}, sim.Size("person"))}
	}
	r, err := http.NewRequest(http.MethodPost, "/API", bytes.NewReader(sim.AppendTrajectory(nil, porchCamera, time.Now(), targets)))
	if err != nil {
		b.Fatal(err)
	}
	r.RemoteAddr = "127.0.0.1:4000"
	port.ServeHTTP(answer{http.Header{}}, r)
	it, ok := port.Take()
	if !ok {
		b.Fatal("no item")
	}
	at := engine.Instant{Wall: time.Now()}
	b.SetBytes(int64(len(it.Raw)))
	b.ReportAllocs()
	for b.Loop() {
		rec.item(at, it, false)
	}
}

// TestARecordersHeartbeatIsOfNoOneCamera: it counts for each of its channels, and
// stays in the export of one of them.
func TestARecordersHeartbeatIsOfNoOneCamera(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecordedTest(t)
		r.site.Cameras = []config.Camera{
			{Name: "yard", Match: []config.Match{{IP: netip.MustParsePrefix("127.0.0.1/32"), Channel: 1}}},
			{Name: "gate", Match: []config.Match{{IP: netip.MustParsePrefix("127.0.0.1/32"), Channel: 2}}},
		}
		rec := r.recorder()
		l := startRun(t, r.site, recordRules(t, r.site, "rules: []\n"), rec, nil)
		l.post(sim.AppendHeartbeat(nil, sim.Identity{Name: "NVR"}, sim.V2))
		l.post(sim.AppendAlarm(nil, sim.Identity{Name: "NVR", Channel: 2}, l.now().Wall, sim.Alarm{Name: "motionAlarm", On: true, Format: sim.V2}))
		r.close(rec)
		for camera, posts := range map[string]int{"yard": 1, "gate": 2} {
			file, _ := r.export("--camera", camera)
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(b), `"body":`); n != posts {
				t.Errorf("%s: %d posts\n%s", camera, n, b)
			}
		}
	})
}
