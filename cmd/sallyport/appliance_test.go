package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/gpio"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// screen is what a program printed so far.
type screen struct {
	mu    sync.Mutex // guards text and the waiters
	text  strings.Builder
	wake  chan struct{}
	limit *testing.T
}

func newScreen(t *testing.T) *screen { return &screen{wake: make(chan struct{}), limit: t} }

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.wake)
	s.wake = make(chan struct{})
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await waits until the screen shows a text.
func (s *screen) await(text string) {
	s.limit.Helper()
	s.awaitCount(text, 1)
}

// awaitCount waits until the screen shows a text n times.
func (s *screen) awaitCount(text string, n int) {
	s.limit.Helper()
	over := time.After(20 * time.Second)
	for {
		s.mu.Lock()
		found, wake := strings.Count(s.text.String(), text) >= n, s.wake
		s.mu.Unlock()
		if found {
			return
		}
		select {
		case <-wake:
		case <-over:
			s.limit.Fatalf("nothing showed %q; the screen:\n%s", text, s)
		}
	}
}

// testSite writes a site with its rules and starts the appliance on it. The
// address is the camera port's.
type testSite struct {
	*testing.T
	dir      string
	out, err *screen
	addr     string
	console  string
	stop     func() error
}

const siteText = `location: {timezone: UTC}
listen: {cameras: "127.0.0.1:0", console: "127.0.0.1:0"}
cameras:
  porch: {match: {mac: "58:5b:69:00:00:01"}}
  gate: {match: {mac: "58:5b:69:00:00:02"}}
relays:
  porch: {memory: true, max_on: 12h}
  gate: {memory: true, max_on: 5s}
`

const rulesText = `zones:
  porch: {camera: porch, polygon: [[2000, 3000], [8000, 3000], [8000, 10000], [2000, 10000]]}
lists:
  residents: [{plate: ABC1234, owner: Ann}]
rules:
  - name: light
    on: target
    when: target.class == "person" && inside("porch")
    hold: 300ms
    do: [{relay: porch, follow: true}]
  - name: gate
    on: plate
    when: plate.heading == "approach" && plate.on("residents")
    do: [{relay: gate, pulse: 100ms}, {log: "${plate.number} came in"}]
`

func startSite(t *testing.T, rules string, change func(*service)) *testSite {
	t.Helper()
	dir := t.TempDir()
	s := &testSite{T: t, dir: dir, out: newScreen(t), err: newScreen(t)}
	s.write("sallyport.yaml", siteText)
	s.write("rules.d/rules.yaml", rules)
	site, problems := config.Load(filepath.Join(dir, "sallyport.yaml"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	svc := service{
		process: process{stdout: s.out, stderr: s.err, getenv: func(string) string { return "" }},
		site:    site, dir: filepath.Join(dir, "rules.d"),
	}
	addr := make(chan net.Addr, 1)
	svc.started = func(ctx context.Context, cameras net.Addr) error {
		addr <- cameras
		<-ctx.Done()
		return nil
	}
	if change != nil {
		change(&svc)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	var ended error
	go func() {
		defer close(done)
		ended = svc.run(ctx)
	}()
	s.stop = func() error {
		cancel()
		<-done
		return ended
	}
	t.Cleanup(func() { s.stop() })
	select {
	case a := <-addr:
		s.addr = a.String()
	case <-done:
		t.Fatal(ended, s.err)
	}
	if !svc.json {
		s.out.await("the console is at ")
		_, rest, _ := strings.Cut(s.out.String(), "the console is at ")
		s.console, _, _ = strings.Cut(rest, "\n")
	}
	return s
}

func (s *testSite) write(name, text string) {
	s.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.Fatal(err)
	}
}

func (s *testSite) post(body []byte) {
	s.Helper()
	r, err := http.Post("http://"+s.addr+"/API", "application/xml", bytes.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	defer r.Body.Close()
	answer, err := io.ReadAll(r.Body)
	if err != nil {
		s.Fatal(err)
	}
	const want = `<config version="1.0" xmlns="http://www.ipc.com/ver10"><status>success</status></config>`
	if r.StatusCode != 200 || string(answer) != want {
		s.Fatalf("answer %d %s", r.StatusCode, answer)
	}
}

func (s *testSite) get(path string) (int, string) {
	s.Helper()
	r, err := http.Get(s.console + path)
	if err != nil {
		s.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		s.Fatal(err)
	}
	return r.StatusCode, string(b)
}

var (
	porchCamera = sim.Identity{Name: "porch", MAC: "58:5b:69:00:00:01", SN: "S1"}
	gateCamera  = sim.Identity{Name: "gate", MAC: "58:5b:69:00:00:02", SN: "S2"}
)

func plateRead(number string) []byte {
	return sim.AppendPlate(nil, gateCamera, time.Now(), sim.PlateRead{Number: number, Heading: "approach", Confidence: 98})
}

func TestPlateMovesTheGate(t *testing.T) {
	s := startSite(t, rulesText, nil)
	s.post(plateRead("XYZ999"))
	s.out.await(`no firing  XYZ999: "gate": plate.on("residents") is false, plate.number = "XYZ999"`)
	s.post(plateRead("ABC1234"))
	s.out.await("gate is on (")
	s.out.await("gate is off (")
	s.post(plateRead("ABC1234"))
	s.out.await("ABC1234 came in")
	if code, body := s.get("/api/v1/relays"); code != 200 || !strings.Contains(body, `"name":"gate"`) {
		t.Errorf("relays: %d %s", code, body)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(s.out.String(), "gate is on ("); n != 1 {
		t.Errorf("the gate went on %d times; once per visit is the promise\n%s", n, s.out)
	}
}

func TestSavedRulesHoldAndBrokenOnesDoNot(t *testing.T) {
	s := startSite(t, rulesText, nil)
	s.write("rules.d/rules.yaml", strings.Replace(rulesText, "plate.on(", "plate.onn(", 1))
	s.out.await("the rules did not load; the running set stays")
	s.err.await(`rules.yaml:13:48: rule "gate": when: plate has no field onn (did you mean on?)`)
	if code, _ := s.get("/readyz"); code != 503 {
		t.Errorf("readyz %d with a bad set, want 503", code)
	}
	s.post(plateRead("ABC1234"))
	s.out.await("gate is on (")
	s.write("rules.d/rules.yaml", strings.Replace(rulesText, "ABC1234", "NEW777", 1))
	s.out.await("rules loaded: 2 rules")
	s.post(plateRead("NEW777"))
	s.out.await("NEW777 came in")
	if code, body := s.get("/readyz"); code != 200 {
		t.Errorf("readyz %d %s", code, body)
	}
}

func TestStartsWithTheLastGoodSet(t *testing.T) {
	s := startSite(t, rulesText, nil)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(s.dir, "data", lastGood)
	if _, err := os.Stat(filepath.Join(good, "rules.yaml")); err != nil {
		t.Fatal(err)
	}
	site, _ := config.Load(filepath.Join(s.dir, "sallyport.yaml"))
	s.write("rules.d/rules.yaml", "rules: [")
	r := &reloader{
		dir: filepath.Join(s.dir, "rules.d"), data: site.Data, site: ruleSite(site), log: slog.New(slog.DiscardHandler),
		note: func(string) {}, tell: func(string) {},
	}
	if rs := r.first(); len(rs.Rules) != 2 || r.current().instead != "the last good set is in use" {
		t.Errorf("%d rules, want the 2 of the last good set; %+v", len(rs.Rules), r.current())
	}
	// Another folder's last good set is not this one's.
	r.dir = filepath.Join(s.dir, "typo.d")
	if rs := r.first(); len(rs.Rules) != 0 || r.current().instead != "there are no rules in use" {
		t.Errorf("%d rules without a last good set, want none; %+v", len(rs.Rules), r.current())
	}
}

// TestStopTurnsRelaysOff: a stop ends rules, relays go off, and it is quick.
func TestStopTurnsRelaysOff(t *testing.T) {
	s := startSite(t, strings.Replace(rulesText, "hold: 300ms", "hold: 1h", 1), nil)
	s.walk(t, 15)
	s.out.await("porch is on (")
	begin := time.Now()
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("the stop took %v", took)
	}
	for _, want := range []string{`"light" for porch/2157: relay porch follow (ended)`, "porch is off ("} {
		if !strings.Contains(s.out.String(), want) {
			t.Errorf("%s is not said:\n%s", want, s.out)
		}
	}
}

// walk posts frames of a person in the porch at the camera's pace.
func (s *testSite) walk(t *testing.T, frames int) {
	t.Helper()
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	s.post(sim.AppendHeartbeat(nil, porchCamera, sim.V1))
	for i := range frames {
		x := min(5000, i*600)
		box := sim.FootBox(sim.Point{x, 9000}, sim.Size("person"))
		s.post(sim.AppendTrajectory(nil, porchCamera, time.Now(), []sim.Target{{ID: 2157, Class: "person", Box: box}}))
		<-tick.C
	}
}

// TestReplayDecidesWhatTheLiveRunDecided records a live run and replays it.
func TestReplayDecidesWhatTheLiveRunDecided(t *testing.T) {
	record := filepath.Join(t.TempDir(), "live.jsonl")
	s := startSite(t, rulesText, func(svc *service) { svc.json, svc.record = true, record })
	for range 2 {
		s.post(sim.AppendHeartbeat(nil, gateCamera, sim.V1))
		s.post(plateRead("ABC1234"))
	}
	// The person is seen after the program has settled, so this is no first look.
	s.out.await(`"type":"firing","rule":"gate"`)
	settled := time.NewTimer(1600 * time.Millisecond)
	<-settled.C
	s.walk(t, 30)
	s.out.await(`"type":"end","rule":"light"`)
	s.post(plateRead("ABC1235"))
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	var live []string
	for line := range strings.Lines(s.out.String()) {
		if strings.Contains(line, `"type":`) && !strings.Contains(line, `"reason":"stop"`) {
			live = append(live, strings.TrimSpace(line))
		}
	}
	var out, errs bytes.Buffer
	p := process{stdout: &out, stderr: &errs, getenv: os.Getenv}
	if code := run(t.Context(), []string{"replay", "-c", filepath.Join(s.dir, "sallyport.yaml"), "--json", record}, p); code != 0 {
		t.Fatal(code, errs.String())
	}
	var replayed []string
	for line := range strings.Lines(out.String()) {
		replayed = append(replayed, strings.TrimSpace(line))
	}
	// The live run was stopped while the gate's visit was still on.
	replayed = replayed[:min(len(replayed), len(live))]
	if !slices.Equal(live, replayed) {
		t.Errorf("live:\n%s\n\nreplayed:\n%s", strings.Join(live, "\n"), strings.Join(replayed, "\n"))
	}
	if len(live) < 8 {
		t.Errorf("only %d decisions: %s", len(live), strings.Join(live, "\n"))
	}
}

// TestSamplesThroughTheAppliance posts every vendor sample, when they are there:
// what is printed is what decode says, with a camera and a receive time.
func TestSamplesThroughTheAppliance(t *testing.T) {
	files, err := filepath.Glob("../../../shared/samples/*/*.xml")
	if err != nil || len(files) == 0 {
		t.Skip("the vendor's samples are not here")
	}
	s := startSite(t, rulesText, func(svc *service) {
		svc.json = true // heartbeats too, which the text leaves out
		svc.site.Cameras[0].Match = []config.Match{{IP: netip.MustParsePrefix("127.0.0.1/32")}}
	})
	for i, f := range files {
		body, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if code := run(t.Context(), []string{"decode", f}, process{stdout: &out, stderr: io.Discard}); code != 0 {
			t.Fatal(f, code)
		}
		s.post(body)
		s.out.awaitCount(`{"kind":`, i+1)
		shown := ""
		for line := range strings.Lines(s.out.String()) {
			if strings.HasPrefix(line, `{"kind":`) {
				shown = strings.TrimSpace(line)
			}
		}
		shown = regexp.MustCompile(`,"(camera|received)":"[^"]*"`).ReplaceAllString(shown, "")
		if want := strings.TrimSpace(out.String()); shown != want {
			t.Errorf("%s:\nshown %s\nwant  %s", f, shown, want)
		}
	}
}

// deaf is a reader that never reads: who writes to it waits until the test ends.
type deaf struct{ *testing.T }

func (d deaf) Write([]byte) (int, error) {
	<-d.Context().Done()
	return 0, d.Context().Err()
}

// TestStopWithoutReaders: nobody reads what is printed, and the relays go off all the same.
func TestStopWithoutReaders(t *testing.T) {
	line := gpio.NewMemory(nil)
	s := startSite(t, rulesText, func(svc *service) {
		svc.json, svc.stdout, svc.stderr = true, deaf{t}, deaf{t}
		svc.relays = []relay.Config{
			{Spec: relay.Spec{Name: "porch", MaxOn: time.Hour}, Driver: line},
			{Spec: relay.Spec{Name: "gate", MaxOn: time.Hour}, Driver: gpio.NewMemory(nil)},
		}
	})
	s.walk(t, 15)
	for !line.On() {
		s.walk(t, 1)
	}
	begin := time.Now()
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if line.On() {
		t.Error("the light is still on")
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the stop took %v", took)
	}
}

// TestALatePartOfAPostMovesNothing: a plate post that is half sent when the stop
// comes opens nothing when its rest arrives.
func TestALatePartOfAPostMovesNothing(t *testing.T) {
	s := startSite(t, rulesText, nil)
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := plateRead("ABC1234")
	fmt.Fprintf(conn, "POST /API HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:100])
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	s.out.await("the program ends")
	_, _ = conn.Write(body[100:])
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if strings.Contains(s.out.String(), "gate is on") {
		t.Errorf("the gate opened after the stop:\n%s", s.out)
	}
}
