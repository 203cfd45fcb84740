package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/viewtron/sim"
)

// This is the world around a program that is killed: cameras that post, their
// outputs, which are the relays, and the places that durable steps go to. It lives
// in the test, so that it sees what no killed program could tell.

// moment is something after which a kill is worth while.
type moment string

const (
	atFirstRead moment = "a car's first read"
	atRead      moment = "a further read"
	atOpening   moment = "a relay goes on"
	atClosing   moment = "a relay goes off"
	atEvent     moment = "an event with durable steps"
	atDelivery  moment = "a durable step arrives"
	atEdit      moment = "a plate list is edited"
	atSave      moment = "rule files are saved"
	atReady     moment = "the program is ready"
)

// moments let one goroutine wait for what others see.
type moments struct {
	mu   sync.Mutex // covers both
	want moment
	hit  chan struct{}
}

// next gives a channel that is closed when the moment comes.
func (m *moments) next(want moment) <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.want, m.hit = want, make(chan struct{})
	return m.hit
}

func (m *moments) note(now moment) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.want == now {
		close(m.hit)
		m.want = ""
	}
}

// switching is a command to an output.
type switching struct {
	at  time.Time
	run int // the program's that gave it
	on  bool
}

func (s switching) String() string {
	return fmt.Sprintf("%s in run %d at %s", onOff(s.on), s.run, s.at.Format(clockMillis))
}

// device is a camera and every command to its output.
type device struct {
	cam   *sim.Camera
	world *crashWorld
	url   string

	mu      sync.Mutex // one request at a time; covers changes
	changes []switching
}

// pingPath is no command of a camera: the test itself asks for it.
const pingPath = "/ping"

func (d *device) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == pingPath {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if strings.HasPrefix(r.URL.Path, "/AddLicensePlates") {
		d.world.moments.note(atEdit)
	}
	before := d.cam.Stats()
	d.cam.ServeHTTP(w, r)
	after := d.cam.Stats()
	if after.AlarmOutSet == before.AlarmOutSet {
		return
	}
	d.changes = append(d.changes, switching{time.Now(), int(d.world.run.Load()), after.AlarmOut})
	switch {
	case after.AlarmOut:
		d.world.moments.note(atOpening)
	case before.AlarmOut:
		d.world.moments.note(atClosing)
	}
}

func (d *device) on() bool { return d.cam.Stats().AlarmOut }

func (d *device) asked() []switching {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]switching(nil), d.changes...)
}

// delivery is a durable step that arrived, each time it did.
type delivery struct {
	key   string // its Idempotency-Key
	body  string
	taken bool // it was answered 200
}

// sink takes durable steps, refuses some and is slow with others.
type sink struct {
	world *crashWorld
	calm  atomic.Bool // everything is taken at once

	mu  sync.Mutex // covers both
	rng *rand.Rand
	got []delivery
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return // the program was killed while it wrote
	}
	s.mu.Lock()
	luck := s.rng.IntN(100)
	if s.calm.Load() {
		luck = 99
	}
	taken := luck >= 3
	s.got = append(s.got, delivery{strings.Join(r.Header.Values("Idempotency-Key"), " and "), string(body), taken})
	s.mu.Unlock()
	s.world.moments.note(atDelivery)
	if luck < 6 && taken {
		slow := time.NewTimer(100 * time.Millisecond)
		defer slow.Stop()
		select {
		case <-slow.C:
		case <-r.Context().Done():
		}
	}
	if !taken {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func (s *sink) deliveries() []delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]delivery(nil), s.got...)
}

// sighting is a plate that was posted.
type sighting struct {
	at    time.Time // before it was sent
	run   int       // the program's that it was sent to
	taken bool      // it was answered 200
}

func (s sighting) String() string {
	text := fmt.Sprintf("in run %d at %s", s.run, s.at.Format(clockMillis))
	if !s.taken {
		text += " in vain"
	}
	return text
}

// car is one visit.
type car struct {
	plate string
	first time.Time
	reads []sighting
}

// lane is a camera at a gate, whose relay is the camera's own output. One car at a
// time is in front of it, so that an opening is for the latest.
type lane struct {
	name  string
	dev   *device
	id    sim.Identity
	every time.Duration // between two reads
	stays bool          // its first car never leaves, so it opens once in all

	// The traffic's own.
	cars   []*car
	here   bool // the last of cars is
	next   time.Time
	leaves time.Time
}

// crashWorld is everything around the program.
type crashWorld struct {
	*testing.T
	dir, site string
	gap       time.Duration // between the first reads of two cars of a lane
	lanes     []*lane
	lists     *device
	sink      *sink
	moments   moments
	conns     conns

	run atomic.Int64          // number of the program that runs, or ran last
	up  atomic.Pointer[child] // nil while none takes posts

	// The traffic's own.
	rng     *rand.Rand
	last    int // the run it posted to last
	client  *http.Client
	frame   int
	event   uint32
	eventAt time.Time
	savedAt time.Time
	saves   int
	plates  int
	failed  int // posts that got no 200
	posted  int
}

// conns counts the connections that programs hold to the devices.
type conns struct {
	mu   sync.Mutex // covers open
	open int
}

func (c *conns) changed(_ net.Conn, s http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch s {
	case http.StateNew:
		c.open++
	case http.StateClosed, http.StateHijacked:
		c.open--
	}
}

func (c *conns) none() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open == 0
}

const (
	lanes = 6
	// crashGap is plates.visit_gap: short, so that a car which is forgotten shows.
	crashGap = 15 * time.Second
)

func newCrashWorld(t *testing.T, seed uint64, gap time.Duration) *crashWorld {
	t.Helper()
	w := &crashWorld{
		T: t, dir: t.TempDir(), gap: gap, rng: rand.New(rand.NewPCG(seed, 1)),
		client: &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second},
	}
	w.site = filepath.Join(w.dir, "sallyport.yaml")
	w.sink = &sink{world: w, rng: rand.New(rand.NewPCG(seed, 2))}
	hook := httptest.NewServer(w.sink)
	t.Cleanup(hook.Close)
	serve := func(d *device) string {
		s := httptest.NewUnstartedServer(d)
		s.Config.ConnState = w.conns.changed
		s.Start()
		t.Cleanup(s.Close)
		d.url = s.URL
		return s.URL
	}
	var site, gates strings.Builder
	site.WriteString("location: {timezone: UTC}\nlisten: {cameras: \"127.0.0.1:0\", console: \"127.0.0.1:0\"}\ncameras:\n" +
		"  front: {match: {mac: \"58:5b:69:00:00:f0\"}}\n")
	w.lists = &device{cam: sim.NewCamera(sim.Options{Fault: w.sink.fault}), world: w}
	fmt.Fprintf(&site, "  lists: {match: {mac: \"58:5b:69:00:00:f1\"}, url: %q}\n", serve(w.lists))
	relays := "relays:\n  porch: {memory: true, max_on: 12h}\n"
	gates.WriteString("rules:\n")
	for i := range lanes {
		l := &lane{
			name: fmt.Sprintf("gate-%d", i), dev: &device{cam: sim.NewCamera(sim.Options{}), world: w},
			id: sim.Identity{MAC: fmt.Sprintf("58:5b:69:00:00:%02x", i)}, every: []time.Duration{time.Second, 300 * time.Millisecond}[i%2], stays: i < 2,
		}
		w.lanes = append(w.lanes, l)
		fmt.Fprintf(&site, "  %s: {match: {mac: %q}, url: %q}\n", l.name, l.id.MAC, serve(l.dev))
		relays += fmt.Sprintf("  %s: {camera: %s, max_on: 2s}\n", l.name, l.name)
		fmt.Fprintf(&gates, `  - name: open %[1]s
    on: plate
    when: camera.name == "%[1]s" && plate.heading == "approach" && plate.confidence >= 90
    do:
      - {relay: %[1]s, pulse: 100ms}
      - {http: "%[2]s/opened", durable: true, json: {plate: "${plate.number}"}}
      - {plates: add, number: "${plate.number}", list: temporary, cameras: [lists]}
`, l.name, hook.URL)
	}
	site.WriteString(relays)
	fmt.Fprintf(&site, "plates: {visit_gap: %s}\n", crashGap)
	w.write("sallyport.yaml", site.String())
	w.write("rules.d/gates.yaml", gates.String())
	w.write("rules.d/front.yaml", `zones:
  yard: {camera: front, polygon: [[2000, 3000], [8000, 3000], [8000, 10000], [2000, 10000]]}
rules:
  - name: light
    on: target
    when: target.class == "person" && inside("yard")
    hold: 200ms
    do: [{relay: porch, follow: true}]
`)
	w.write("rules.d/events.yaml", fmt.Sprintf(`rules:
  - name: %s
    on: intrusion
    when: camera.name == "front"
    do:
      - {http: "%[2]s/event", durable: true, json: {event: "${event.id}", step: now}}
      - {http: "%[2]s/event", durable: true, after: 300ms, json: {event: "${event.id}", step: later}}
`, eventRule, hook.URL))
	return w
}

// eventRule fires for every event, which has a number of its own.
const eventRule = "tell of an event"

// fault lets the device of the plate lists refuse an edit now and then.
func (s *sink) fault(command string, _ *http.Request) sim.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calm.Load() {
		return sim.Fault{}
	}
	switch luck := s.rng.IntN(100); {
	case luck < 3:
		return sim.Fault{Drop: true}
	case luck < 6:
		return sim.Fault{Status: http.StatusServiceUnavailable}
	case luck < 9:
		return sim.Fault{Delay: 50 * time.Millisecond}
	}
	return sim.Fault{}
}

// write puts a whole file in the place of another, as an editor does that is careful.
func (w *crashWorld) write(name, text string) {
	w.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(path+".new~", []byte(text), 0o644); err != nil {
		w.Fatal(err)
	}
	if err := os.Rename(path+".new~", path); err != nil {
		w.Fatal(err)
	}
}

// traffic posts until ctx ends: 50 frames a second, plates, events, and saves rule
// files. What is random about it is so by the seed.
func (w *crashWorld) traffic(ctx context.Context) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		if now.Sub(w.savedAt) > 700*time.Millisecond {
			w.savedAt = now
			w.save()
		}
		c := w.up.Load()
		if c == nil {
			continue
		}
		if c.run != w.last {
			w.client.CloseIdleConnections()
			w.last = c.run
			w.someLeave(now)
		}
		w.frames(c, now)
		for _, l := range w.lanes {
			w.drive(c, l, now)
		}
		if now.Sub(w.eventAt) > 150*time.Millisecond {
			w.eventAt = now
			w.tell(c)
		}
	}
}

// post gives a program a body, and says whether it took it.
func (w *crashWorld) post(c *child, body []byte) bool {
	w.posted++
	r, err := w.client.Post(c.cameras+"/API", "application/xml", bytes.NewReader(body))
	if err != nil {
		w.failed++
		return false
	}
	defer r.Body.Close()
	_, err = io.Copy(io.Discard, r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		w.failed++
		return false
	}
	return true
}

// frames posts where a person is, who walks to and fro.
func (w *crashWorld) frames(c *child, now time.Time) {
	w.frame++
	x := w.frame * 40 % 18000
	if x > 9000 {
		x = 18000 - x
	}
	id := uint32(w.frame/250 + 1)
	w.post(c, sim.AppendTrajectory(nil, sim.Identity{MAC: "58:5b:69:00:00:f0"}, now, []sim.Target{
		{ID: id, Class: "person", Box: sim.Box{x, 5000, x + 700, 7200}},
	}))
}

// tell posts an event with a number that no other has.
func (w *crashWorld) tell(c *child) {
	w.event++
	w.moments.note(atEvent)
	w.post(c, sim.AppendEvent(nil, sim.Identity{MAC: "58:5b:69:00:00:f0"}, time.Now(), sim.SmartEvent{
		Kind: "intrusion", EventID: w.event, TargetID: 1, Class: "person", Status: "start", Box: sim.Box{3000, 5000, 3700, 7200},
	}))
}

// someLeave makes cars drive off that stood there when the program was killed.
func (w *crashWorld) someLeave(now time.Time) {
	for _, l := range w.lanes {
		if l.here && !l.stays && w.rng.IntN(3) == 0 {
			l.here = false
			w.nextCar(l, now)
		}
	}
}

// nextCar says when the next car comes.
func (w *crashWorld) nextCar(l *lane, now time.Time) {
	soonest := now.Add(300 * time.Millisecond)
	if n := len(l.cars); n > 0 {
		if at := l.cars[n-1].first.Add(w.gap); at.After(soonest) {
			soonest = at
		}
	}
	l.next = soonest.Add(time.Duration(w.rng.Int64N(int64(w.gap) / 4)))
}

// drive lets the cars of a lane come, stand and go.
func (w *crashWorld) drive(c *child, l *lane, now time.Time) {
	if l.next.IsZero() {
		l.next = now.Add(time.Duration(w.rng.Int64N(int64(w.gap) / 2))) // not all at once
	}
	if now.Before(l.next) {
		return
	}
	if l.here && !l.stays && now.After(l.leaves) {
		l.here = false
		w.nextCar(l, now)
		return
	}
	if !l.here {
		w.plates++
		l.here = true
		l.cars = append(l.cars, &car{plate: w.plate(), first: now})
		l.leaves = now.Add(w.gap/4 + time.Duration(w.rng.Int64N(int64(w.gap))))
		w.moments.note(atFirstRead)
	} else {
		w.moments.note(atRead)
	}
	car := l.cars[len(l.cars)-1]
	r := sighting{at: time.Now(), run: c.run}
	l.next = now.Add(l.every)
	r.taken = w.post(c, sim.AppendPlate(nil, l.id, r.at, sim.PlateRead{Number: car.plate, Heading: "approach", Confidence: 99}))
	car.reads = append(car.reads, r)
}

// plate is a number that is far from every other.
func (w *crashWorld) plate() string {
	const letters = "ACEFHJKMNPRTUVWXY"
	b := make([]byte, 9)
	for i := range b {
		b[i] = letters[w.rng.IntN(len(letters))]
	}
	return string(b)
}

// save changes rule files: another confidence at the gates, other rules beside them,
// some with a mistake. A set that is refused must change nothing, and one that is
// taken must not open a gate again.
func (w *crashWorld) save() {
	w.saves++
	switch w.rng.IntN(4) {
	case 0:
		text, err := os.ReadFile(filepath.Join(w.dir, "rules.d/gates.yaml"))
		if err != nil {
			w.Error(err)
			return
		}
		before, _, _ := bytes.Cut(text, []byte("# "))
		before = bytes.ReplaceAll(before, []byte(">= 9"), []byte(">= 8"))
		if w.saves%2 == 0 {
			before = bytes.ReplaceAll(before, []byte(">= 8"), []byte(">= 9"))
		}
		w.write("rules.d/gates.yaml", fmt.Sprintf("%s# saved %d times\n", before, w.saves))
	case 1:
		w.write("rules.d/more.yaml", fmt.Sprintf("rules: [{name: more, on: motion, when: camera.name == \"gate-%d\", do: [{log: %q}]}]\n", w.saves%lanes, w.plate()))
	case 2:
		w.write("rules.d/more.yaml", "rules: [{name: more, on: motion, wen: true}]\n")
	case 3:
		w.write("rules.d/more.yaml", "flags: {armed: false}\n")
	}
	w.moments.note(atSave)
}

// get asks the console.
func (c *child) get(path string, into any) error {
	client := http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	r, err := client.Get(c.console + path)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, r.Status)
	}
	return json.NewDecoder(r.Body).Decode(into)
}
