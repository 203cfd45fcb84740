package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/inputs/recording"
	"github.com/sallyport/sallyport/journal/segment"
	"github.com/sallyport/sallyport/viewtron/sim"
	"github.com/sallyport/sallyport/web"
)

// record writes posts of the gate's camera into a folder of segments: a plate at each of the moments.
func record(t *testing.T, dir string, begin time.Time, reads map[time.Duration]string, other map[time.Duration][]byte) {
	t.Helper()
	w, err := segment.Open(segment.Config{Dir: dir, Run: "R1"})
	if err != nil {
		t.Fatal(err)
	}
	var moments []time.Duration
	for at := range reads {
		moments = append(moments, at)
	}
	for at := range other {
		moments = append(moments, at)
	}
	slices.Sort(moments)
	for _, at := range moments {
		wall := begin.Add(at)
		body := other[at]
		if number := reads[at]; number != "" {
			body = sim.AppendPlate(nil, gateCamera, wall, sim.PlateRead{Number: number, Heading: "approach", Confidence: 98})
		}
		l := recording.Line{Type: recording.Post, Received: wall, Mono: at, HasMono: true, Run: "R1", Remote: netip.MustParseAddr("127.0.0.1"), Path: "/API", Body: body}
		w.Add(segment.Line{At: wall, Text: recording.Append(nil, &l, true)})
	}
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// job asks the console for work and waits for its end.
func (s *testSite) job(path, body string) (state, result, failure string) {
	s.Helper()
	a, err := s.api("POST", path, body, map[string]string{"Content-Type": "application/json"})
	if err != nil || a.code != 202 {
		s.Fatal(a, err)
	}
	var j struct {
		ID, State, Error string
		Result           json.RawMessage
	}
	for range 100 {
		if err := json.Unmarshal([]byte(a.body), &j); err != nil {
			s.Fatal(err, a)
		}
		if j.State != "waiting" && j.State != "running" {
			return j.State, string(j.Result), j.Error
		}
		if a, err = s.api("GET", "/api/v1/jobs/"+j.ID+"?wait=20", "", nil); err != nil {
			s.Fatal(err)
		}
	}
	s.Fatal("the job does not end", a)
	return
}

func TestWhatWouldHaveHappened(t *testing.T) {
	begin := time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)
	reads := make(map[time.Duration]string)
	for h := range 5 {
		reads[time.Duration(h)*time.Hour+10*time.Minute] = "ABC1234"
		reads[time.Duration(h)*time.Hour+20*time.Minute] = "NEW777"
		reads[time.Duration(h)*time.Hour+30*time.Minute] = "ABC1234"
		reads[time.Duration(h)*time.Hour+30*time.Minute+2*time.Second] = "ABC1234" // the same visit
	}
	var dir string
	s := startSite(t, rulesText, func(svc *service) {
		dir = filepath.Join(svc.site.Data, recordingDir)
		record(t, dir, begin, reads, nil)
	})
	changed := strings.Replace(rulesText, "plate.on(\"residents\")", "(plate.on(\"residents\") && now < now || plate.number == \"NEW777\" || event.received == event.received && plate.on(\"residents\") && plate.reads > 1)", 1)
	if changed == rulesText {
		t.Fatal("nothing was changed")
	}
	ask := func(files map[string]string) web.ReplayResult {
		t.Helper()
		body, _ := json.Marshal(map[string]any{"since": begin.Add(30 * time.Minute), "until": begin.Add(3*time.Hour + 30*time.Minute + time.Second), "files": files})
		state, result, failure := s.job("/api/v1/replay", string(body))
		var r web.ReplayResult
		if state != "done" || failure != "" {
			t.Fatal(state, failure)
		}
		if err := json.Unmarshal([]byte(result), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	show := func(all []web.ReplayFiring) (out string) {
		for _, f := range all {
			out += fmt.Sprintf("%s %s %s %s %s %s %t\n", f.At.Format("15:04:05"), f.Type, f.Rule, f.Plate, f.Camera, f.Reason, f.Same)
		}
		return out
	}
	r := ask(nil)
	want := "06:30:00 firing gate ABC1234 gate  true\n07:10:00 firing gate ABC1234 gate  true\n07:30:00 firing gate ABC1234 gate  true\n" +
		"08:10:00 firing gate ABC1234 gate  true\n08:30:00 firing gate ABC1234 gate  true\n09:10:00 firing gate ABC1234 gate  true\n09:30:00 firing gate ABC1234 gate  true\n"
	if show(r.Old) != want || show(r.New) != want || r.More != 0 || !r.From.Equal(begin.Add(30*time.Minute)) {
		t.Errorf("the same rules: from %s, %d more\n%s\nand\n%s\nwant\n%s", r.From, r.More, show(r.Old), show(r.New), want)
	}
	if want := "the recording begins without a snapshot: nothing is known before its first line"; r.Note != want {
		t.Errorf("the note is %q", r.Note)
	}
	r = ask(map[string]string{"rules.yaml": changed})
	old := strings.ReplaceAll(want, "true", "false")
	if show(r.Old) != old {
		t.Errorf("old\n%s\nwant\n%s", show(r.Old), old)
	}
	want = "06:30:02 firing gate ABC1234 gate  false\n07:20:00 firing gate NEW777 gate  false\n07:30:02 firing gate ABC1234 gate  false\n08:20:00 firing gate NEW777 gate  false\n08:30:02 firing gate ABC1234 gate  false\n09:20:00 firing gate NEW777 gate  false\n"
	if show(r.New) != want {
		t.Errorf("new\n%s\nwant\n%s", show(r.New), want)
	}
	if strings.Contains(s.out.String(), "gate is on") {
		t.Error("the gate moved")
	}
	a, err := s.api("POST", "/api/v1/replay", `{"files": {"rules.yaml": "rules: [{name: x, on: target, when: nope, do: []}]"}}`, map[string]string{"Content-Type": "application/json"})
	if err != nil || a.code != 422 || !strings.Contains(a.body, "unknown name nope") {
		t.Error(a, err)
	}
	state, result, failure := s.job("/api/v1/replay", `{"since": "2020-01-01T00:00:00Z", "until": "2020-01-02T00:00:00Z"}`)
	if state != "failed" || failure != "nothing was recorded before 2020-01-02 00:00:00" {
		t.Error(state, result, failure)
	}
}

// TestNearMissesOverTheConsole: who stood in the porch nearly long enough is found, the newest first, and only so many.
func TestNearMissesOverTheConsole(t *testing.T) {
	const rules = `zones: {porch: {camera: porch, polygon: [[2000, 3000], [8000, 3000], [8000, 10000], [2000, 10000]]}}
rules: [{name: loiterer, on: target, when: 'dwell("porch") > "3s"', do: [{log: x}]}]
`
	begin := time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)
	posts := make(map[time.Duration][]byte)
	for h := range 3 {
		for i := range 20 { // 2.85 s in steps of 150 ms
			at := time.Duration(h)*time.Hour + time.Duration(i)*150*time.Millisecond
			posts[at] = sim.AppendTrajectory(nil, porchCamera, begin.Add(at), []sim.Target{{ID: uint32(h + 1), Class: "person", Box: sim.Box{4000, 4000, 5000, 7000}}})
		}
	}
	s := startSite(t, rules, func(svc *service) {
		record(t, filepath.Join(svc.site.Data, recordingDir), begin, nil, posts)
	})
	body := func(limit int) string {
		return fmt.Sprintf(`{"since": "2026-03-02T05:00:00Z", "until": "2026-03-02T09:00:00Z", "limit": %d}`, limit)
	}
	for limit, want := range map[int][]string{10: {"08:00:02", "07:00:02", "06:00:02"}, 2: {"08:00:02", "07:00:02"}} {
		state, result, failure := s.job("/api/v1/rules/loiterer/near", body(limit))
		var v struct {
			Items []struct {
				At      time.Time
				Missing string
				Look    struct{ Rule, Camera string }
			}
		}
		if err := json.Unmarshal([]byte(result), &v); state != "done" || err != nil {
			t.Fatal(state, failure, err)
		}
		var got []string
		for _, m := range v.Items {
			got = append(got, m.At.Format("15:04:05"))
			if !strings.HasPrefix(m.Missing, `dwell("porch") = 2.8`) || m.Look.Rule != "loiterer" || m.Look.Camera != "porch" {
				t.Errorf("%+v", m)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("limit %d: %q, want %q", limit, got, want)
		}
	}
	a, err := s.api("POST", "/api/v1/rules/loiter/near", "{}", map[string]string{"Content-Type": "application/json"})
	if err != nil || a.code != 404 || !strings.Contains(a.body, `there is no rule \"loiter\" (did you mean \"loiterer\"?)`) {
		t.Error(a, err)
	}
}

// TestAReplayStandsBack: it rests after little work, waits while the loop is slow, and ends when it is told.
func TestAReplayStandsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		slow, asked := 0, 0
		p := pace{behind: func(context.Context) (time.Duration, error) {
			asked++
			if slow > 0 {
				slow--
				return time.Second, nil
			}
			return 0, nil
		}}
		begun := time.Now()
		worked := time.Duration(0)
		for worked < time.Second {
			time.Sleep(time.Millisecond) // work
			worked += time.Millisecond
			if err := p.rest(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begun); took < 1400*time.Millisecond || took > 1600*time.Millisecond || asked < 5 || asked > 8 {
			t.Errorf("a second of work took %s, and the loop was asked %d times", took, asked)
		}
		slow, begun = 3, time.Now()
		for range 300 {
			time.Sleep(time.Millisecond)
			if err := p.rest(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begun); took < 1900*time.Millisecond || took > 2100*time.Millisecond {
			t.Errorf("300 ms of work beside a slow loop took %s", took)
		}
		cancel()
		if err := p.rest(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestAReplayKeepsTheNewest of too much, and of each type.
func TestAReplayKeepsTheNewest(t *testing.T) {
	begin := time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)
	rule := &engine.Rule{Name: "r"}
	w := whatIf{until: begin.Add(2 * time.Hour)}
	for piece := range 2 {
		to := begin.Add(time.Duration(2-piece) * time.Hour)
		w.sides = [2]firings{{to: to}, {to: to}}
		for i := range 10_000 {
			d := engine.Decision{At: engine.Instant{Wall: to.Add(-time.Hour + time.Duration(i)*100*time.Millisecond)}, Type: engine.DecisionSuppressed, Rule: rule}
			if i%10 == 0 {
				d.Type = engine.DecisionFiring
			}
			w.sides[0].take(&d)
			if i%100 == 0 {
				w.sides[1].take(&d)
			}
		}
		w.end(to.Add(-time.Hour), nil)
	}
	r := w.result([]string{"a", "b"})
	count := func(all []web.ReplayFiring) (n [2]int) {
		for i := range all {
			n[index(&all[i])]++
		}
		return n
	}
	if got := count(r.Old); got != [2]int{1500, 500} || r.More != 20_000-2000 {
		t.Errorf("%v of old, %d more", got, r.More)
	}
	if got := count(r.New); got != [2]int{200, 0} {
		t.Errorf("%v of new", got)
	}
	if !slices.IsSortedFunc(r.Old, func(a, b web.ReplayFiring) int { return a.At.Compare(b.At.Time) }) || !r.New[0].Same || r.Note != "a; b" || !r.From.Equal(begin) {
		t.Errorf("%+v", r.New[0])
	}
}
