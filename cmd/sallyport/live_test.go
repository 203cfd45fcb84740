package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/viewtron/sim"
	"github.com/sallyport/sallyport/web"
)

const liveRules = rulesText + `  - name: opened by message
    on: message
    when: message.topic == "gate/open" && string(message.body.user) == "ann"
    do: [{relay: gate, pulse: 1s}]
  - name: armed
    when: flag("armed")
    do: [{log: "armed now"}]
flags: {armed: false, guests: 0}
`

// stream follows the console's stream. await waits for an event of a kind that holds a
// text, and gives it.
func (s *testSite) stream(after string) (await func(event, text string) string) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 20*time.Second)
	s.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.console+"/api/v1/stream"+after, nil)
	if err != nil {
		s.Fatal(err)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil || a.StatusCode != 200 {
		s.Fatal(a, err)
	}
	s.Cleanup(func() { _ = a.Body.Close() })
	lines := bufio.NewScanner(a.Body)
	lines.Buffer(nil, 1<<20)
	return func(event, text string) string {
		s.Helper()
		var all []string
		kind := ""
		for lines.Scan() {
			line := lines.Text()
			if k, ok := strings.CutPrefix(line, "event: "); ok {
				kind = k
			}
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				if kind == event && strings.Contains(data, text) {
					return data
				}
				all = append(all, kind+" "+data)
			}
		}
		s.Fatalf("no %s with %s came: %v\n%s", event, text, lines.Err(), strings.Join(all, "\n"))
		return ""
	}
}

func TestTheConsoleIsToldWhatHappens(t *testing.T) {
	s := startSite(t, liveRules, nil)
	await := s.stream("")
	await("hello", `"run":"`)
	settled := time.NewTimer(1600 * time.Millisecond)
	<-settled.C
	go s.walk(t, 30)
	await("scene", `"cameras":{"porch":[{"id":2157,"camera":"porch","class":"person"`)
	await("rule", `{"name":"light","state":"active","keys":[{"key":"porch/2157","state":"active","since":"`)
	entry := await("entry", `"text":"`)
	var e struct {
		ID int64
	}
	if err := json.Unmarshal([]byte(entry), &e); err != nil || e.ID == 0 {
		t.Errorf("an entry without an id: %s", entry)
	}
	if code, body := s.get("/api/v1/cameras/porch/targets/2157"); code != 200 || !strings.Contains(body, `{"rule":"light","state":"active","look":{"rule":"light"`) {
		t.Errorf("the facts: %d %s", code, body)
	}
	await("scene", `{"porch":[]}`)
	await("relay", `{"name":"porch","on":false`)
	if code, body := s.send("POST", "/api/v1/flags/armed", `{"set": true}`); code != 200 || !strings.HasPrefix(body, `{"name":"armed","value":true,"since":"`) {
		t.Errorf("the flag: %d %s", code, body)
	}
	await("flag", `{"name":"armed","value":true`)
	for path, want := range map[string]string{
		"armed":  `400 the flag armed is true or false`,
		"guests": `200 `,
		"none":   `404 no flag is called \"none\"`,
	} {
		code, body := s.send("POST", "/api/v1/flags/"+path, `{"set": 3}`)
		if got := fmt.Sprintf("%d %s", code, body); !strings.HasPrefix(got, want[:4]) || !strings.Contains(got, want[4:]) {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if code, body := s.send("POST", "/api/v1/messages/gate/open", `{"user": "ann"}`); code != 204 {
		t.Errorf("the message: %d %s", code, body)
	}
	await("relay", `{"name":"gate","on":true`)
	await("relay", `{"name":"gate","on":false`)
	// What was journaled meanwhile comes first after a reconnect.
	again := s.stream(fmt.Sprintf("?after=%d", e.ID))
	again("entry", `"kind":"message"`)
	again("entry", `"relay":"gate"`)
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	await("bye", "{}")
}

// TestAModeSetByHand: it is in force at once, is journaled and recorded, and outlasts
// reloads, restarts and kills.
func TestAModeSetByHand(t *testing.T) {
	s := startSite(t, liveRules, nil)
	const mode = "/api/v1/rules/light/override"
	for _, c := range []struct {
		method, body string
		code         int
		want         string
	}{
		{"PUT", `{"mode": "off"}`, 200, `"mode":"off","file_mode":"live","override":{"mode":"off","who":"console at 127.0.0.1","at":"`},
		{"DELETE", ``, 200, `"mode":"live","file_mode":"live","on":`},
		{"DELETE", ``, 200, `"mode":"live","file_mode":"live","on":`},
		{"PUT", `{"mode": "shadow", "until": "2035-01-01T00:00:00Z"}`, 200, `"mode":"shadow","file_mode":"live","override":{"mode":"shadow","until":"2035-01-01T00:00:00.000Z","who":`},
	} {
		if code, body := s.send(c.method, mode, c.body); code != c.code || !strings.Contains(body, c.want) {
			t.Errorf("%s %s: %d %s", c.method, c.body, code, body)
		}
	}
	if code, body := s.send("PUT", "/api/v1/rules/none/override", `{"mode": "off"}`); code != 404 || !strings.Contains(body, `no rule is called \"none\"`) {
		t.Errorf("%d %s", code, body)
	}
	s.write("rules.d/rules.yaml", strings.Replace(liveRules, "hold: 300ms", "hold: 400ms", 1))
	s.out.await("rules loaded: 4 rules")
	check := func(what string) {
		t.Helper()
		if code, body := s.get("/api/v1/rules/light"); code != 200 || !strings.Contains(body, `"mode":"shadow","file_mode":"live","override":`) {
			t.Errorf("after %s: %d %s", what, code, body)
		}
		if code, body := s.get("/api/v1/status"); code != 200 || !strings.Contains(body, `"count":4,"shadow":1,"overridden":1}`) {
			t.Errorf("after %s: %d %s", what, code, body)
		}
	}
	check("a reload")
	s.awaitEntry("rule=light&kind=action", func(e entry) bool { return e.Step == "mode shadow until 2035-01-01T00:00:00.000Z" })
	if code, body := s.get("/api/v1/journal?rule=light&kind=action"); code != 200 || strings.Count(body, `"type":"command"`) != 3 || !strings.Contains(body, `"who":"console at 127.0.0.1","step":"mode off"`) {
		t.Errorf("the journal: %d %s", code, body)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	// A kill leaves an older memory of the engine: the database knows better.
	data := filepath.Join(s.dir, "data")
	if err := os.Remove(filepath.Join(data, stateFile)); err != nil {
		t.Fatal(err)
	}
	s2 := startSite(t, liveRules, func(svc *service) { svc.site.Data = data })
	s = s2
	check("a restart")
	settled := time.NewTimer(1600 * time.Millisecond)
	<-settled.C
	s.walk(t, 20)
	s.out.await(`firing     "light" for porch/2157 (shadow)`)
	if strings.Contains(s.out.String(), "porch is on") {
		t.Errorf("a rule in shadow moved its relay:\n%s", s.out)
	}
}

func TestPicturesAndTracks(t *testing.T) {
	s := startSite(t, liveRules, nil)
	if code, body := s.get("/api/v1/cameras/gate/snapshot"); code != 404 || !strings.Contains(body, `there is no picture of camera \"gate\" yet`) {
		t.Errorf("%d %s", code, body)
	}
	picture := append([]byte{0xff, 0xd8, 0xff, 0xe0}, bytes.Repeat([]byte("x"), 1000)...)
	s.post(sim.AppendPlate(nil, gateCamera, time.Now(), sim.PlateRead{Number: "XYZ999", Scene: picture}))
	s.out.await("no firing  XYZ999")
	if code, body := s.get("/api/v1/cameras/gate/snapshot"); code != 200 || body != string(picture) {
		t.Errorf("%d, %d bytes", code, len(body))
	}
	for path, want := range map[string]string{
		"gate":  `camera \"gate\" has no url in the site file, so it cannot be asked for a picture`,
		"attic": `no camera is called \"attic\"`,
	} {
		if _, body := s.get("/api/v1/cameras/" + path + "/snapshot?fresh=1"); !strings.Contains(body, want) {
			t.Errorf("%s: %s", path, body)
		}
	}
	s.walk(t, 20)
	var body string
	for range 100 { // the recording is written within two seconds
		if _, body = s.get("/api/v1/cameras/porch/tracks"); strings.Contains(body, `"id":2157`) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	var page struct {
		Items []web.Track
		Next  string
	}
	if err := json.Unmarshal([]byte(body), &page); err != nil || len(page.Items) != 1 || page.Next != "" {
		t.Fatal(err, body)
	}
	x := page.Items[0]
	if n := len(x.Points); n < 10 || x.Class != "person" || x.Points[0][0] != 0 || x.Points[0][2] != 9000 || x.Points[n-1][1] != 5000 {
		t.Errorf("the track is %s", body)
	}
	if _, body := s.get("/api/v1/cameras/porch/tracks?until=2020-01-01T00:00:00Z"); body != `{"items":[]}`+"\n" {
		t.Errorf("before it began: %s", body)
	}
	// A start knows the last picture from the journal.
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s2 := startSite(t, liveRules, func(svc *service) { svc.site.Data = filepath.Join(s.dir, "data") })
	for range 100 {
		if code, _ := s2.get("/api/v1/cameras/gate/snapshot"); code == 200 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("the picture is forgotten")
}

func TestTracksAreThinnedEvenly(t *testing.T) {
	w := walks{timeout: time.Second, open: make(map[walkerID]*trackWalk), out: &partTracks{cams: make(map[string][]web.Track)}}
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	frame := func(id uint64, x int32) {
		l := engine.Listed{ID: id, HasID: true, HasBox: true}
		l.Box.X1, l.Box.X2, l.Box.Y2 = x, x, 5000
		w.frame(at, "front", []engine.Listed{l})
	}
	for i := range int32(1000) {
		frame(1, i)
		at = at.Add(100 * time.Millisecond)
	}
	at = at.Add(2 * time.Second)
	frame(1, 7) // another target of the same number, for one frame
	w.end()
	tracks := w.out.cams["front"]
	if len(tracks) != 1 || len(tracks[0].Points) != trackPoints {
		t.Fatalf("%d tracks: %+v", len(tracks), tracks)
	}
	p := tracks[0].Points
	for i := 1; i < len(p); i++ {
		if step := p[i][1] - p[i-1][1]; step < 8 || step > 32 {
			t.Errorf("point %d is %d after the one before", i, step)
		}
	}
	if p[0][0] != 0 || p[len(p)-1][1] < 980 || tracks[0].To.Sub(tracks[0].From.Time) != 99900*time.Millisecond {
		t.Errorf("from %v to %v: %+v", tracks[0].From, tracks[0].To, p)
	}
}

func TestTheTallyOfADay(t *testing.T) {
	y := newTally()
	noon := time.Date(2026, 3, 2, 12, 30, 0, 0, time.UTC)
	rule := &engine.Rule{Name: "gate"}
	took := func(at time.Time, kind engine.DecisionType, key string) {
		y.took([]engine.Decision{{At: engine.Instant{Wall: at}, Type: kind, Rule: rule, Key: key, Firing: &engine.Firing{ID: 1}}}, nil)
	}
	took(noon.Add(-25*time.Hour), engine.DecisionFiring, "long ago")
	took(noon.Add(-23*time.Hour), engine.DecisionFiring, "b")
	took(noon, engine.DecisionFiring, "c")
	took(noon, engine.DecisionSuppressed, "c")
	took(noon, engine.DecisionEnd, "c")
	hours, last := y.of("gate", noon.Add(20*time.Minute))
	if len(hours) != 24 || hours[0] != (web.RuleHour{Firings: 1}) || hours[23] != (web.RuleHour{Firings: 1, Suppressed: 1}) || last == nil || last.Key != "c" {
		t.Errorf("%+v, %+v", hours, last)
	}
	if hours, last := y.of("none", noon); len(hours) != 24 || last != nil {
		t.Errorf("%+v, %+v", hours, last)
	}
	// A day later all of it is old, and the clock that goes back counts anew.
	if hours, _ := y.of("gate", noon.Add(24*time.Hour)); hours[0] != (web.RuleHour{}) {
		t.Errorf("%+v", hours)
	}
}
