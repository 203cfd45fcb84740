package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/inputs/camera"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// timelineSite is the site of the timelines; the model knows it as limitsOf.
const timelineSite = `location: {timezone: UTC}
listen: {cameras: "127.0.0.1:0", console: "127.0.0.1:0"}
cameras:
  gate: {match: {mac: "58:5b:69:00:00:02"}}
  porch: {match: {mac: "58:5b:69:00:00:01"}}
  drive: {match: {mac: "58:5b:69:00:00:03"}}
relays:
  gate: {memory: true, max_on: 5s, min_off: 2s, interlock: [barrier], interlock_wait: 1s}
  barrier: {memory: true, max_on: 10s}
  horn: {memory: true, max_on: 5s}
  sign: {memory: true, max_on: 3s}
  bell: {memory: true, max_on: 4s}
  lamp: {memory: true, max_on: 6s, min_off: 500ms}
  tog: {memory: true, max_on: 8s}
  porch: {memory: true, max_on: 30s, min_off: 1s}
  chime: {memory: true, max_on: 5s}
  siren: {memory: true, max_on: 5s}
`

// timelineRules writes a shape as a rule file.
func timelineRules(s *ruleShape) string {
	var b strings.Builder
	fmt.Fprintf(&b, `flags: {armed: false}
schedules:
  work: {days: mon-sun, from: "08:00", to: "18:00"}
zones:
  porch: {camera: porch, polygon: [[2000, 3000], [8000, 3000], [8000, 10000], [2000, 10000]]}
  apron: {camera: drive, polygon: [[2000, 3000], [8000, 3000], [8000, 10000], [2000, 10000]]}
lists:
  residents: [{plate: %s}]
  guests: [{plate: %s}]
rules:
`, strings.Join(s.residents, "}, {plate: "), guestPlate)
	if !s.closed {
		fmt.Fprintf(&b, `  - name: residents
    on: plate
    when: plate.on("residents")
    do: [{relay: gate, pulse: %[1]s}, {relay: horn, pulse: 300ms, after: %[2]s}]
  - name: residents once more
    on: plate
    per: plate
    when: plate.on("residents")
    do: [{relay: gate, pulse: %[1]s}]
  - name: welcome
    on: plate
    when: plate.on("residents")
    do: [{relay: sign, set: on}]
`, s.gatePulse, hornAfter)
	}
	fmt.Fprintf(&b, `  - name: bell
    on: plate
    per: plate
    cooldown: %s
    when: plate.on("guests")
    do: [{relay: bell, set: on}]
  - name: lamp
    on: plate
    per: rule
    limit: %d/1m
    when: plate.number == "%s"
    do: [{relay: lamp, set: on}]
  - {name: no lamp, on: plate, per: rule, when: plate.number == "NOLAMP9", do: [{relay: lamp, set: off}]}
  - {name: toggle, on: plate, per: rule, when: plate.number == "%s", do: [{relay: tog, set: toggle}]}
  - {name: arm, on: plate, per: rule, when: plate.number == "%s", do: [{flag: armed, set: true}]}
  - {name: disarm, on: plate, per: rule, when: plate.number == "D1SMISS", do: [{flag: armed, set: false}]}
  - {name: siren, on: flag, when: flag("armed"), do: [{relay: siren, pulse: 500ms}]}
  - name: light
    on: target
    while: during("work")
    when: target.class == "person" && inside("porch")
    hold: %s
    do: [{relay: porch, follow: true}]
  - name: leaving
    on: target
    when: target.class == "person" && inside("porch")
    hold: %s
    do: [{log: somebody came}]
    finally: [{relay: chime, pulse: 400ms}]
  - name: barrier
    on: target
    when: target.class == "car" && inside("apron")
    do: [{relay: barrier, pulse: %s}]
`, bellCooldown, lampLimit, lampPlate, togglePlate, armPlate, s.porchHold, s.leaveHold, s.barrierFor)
	return b.String()
}

// timelineShapes are the rule sets that a timeline swaps between.
func timelineShapes() []*ruleShape {
	base := ruleShape{
		name: "base", residents: []string{"ABC1234", "KLM5678"}, gatePulse: 800 * time.Millisecond,
		porchHold: 3 * time.Second, leaveHold: 2 * time.Second, barrierFor: 2 * time.Second,
	}
	var all []*ruleShape
	add := func(name string, change func(*ruleShape)) {
		s := base
		s.name = name
		change(&s)
		all = append(all, &s)
	}
	add("base", func(*ruleShape) {})
	add("pulse", func(s *ruleShape) { s.gatePulse = 900 * time.Millisecond })
	add("closed", func(s *ruleShape) { s.closed = true })
	add("list", func(s *ruleShape) { s.residents = s.residents[:1] })
	add("holds", func(s *ruleShape) {
		s.porchHold, s.leaveHold, s.barrierFor = 4*time.Second, 4*time.Second, 2500*time.Millisecond
	})
	return all
}

// happening is one thing of a timeline. Everything that it needs is in it, so that
// others may be dropped without changing it.
type happening struct {
	at   time.Duration
	what string
	keep bool // it is never dropped

	camera     string
	stamp      time.Duration // a post
	plate, car string
	target     uint32
	class      string
	x          int

	length time.Duration // of a stall, of a line's trouble
	relay  string
	fails  bool // a line's trouble: it fails, else it is slow
	moves  bool // and yet it moves, or at once
	by     time.Duration
	set    int
}

func (h happening) String() string {
	switch h.what {
	case "read":
		return fmt.Sprintf("%v read of %s (%s), made at %v", h.at, h.plate, h.car, h.stamp)
	case "frame":
		return fmt.Sprintf("%v frame of %s: %s %d at x %d, made at %v", h.at, h.camera, h.class, h.target, h.x, h.stamp)
	case "stall":
		return fmt.Sprintf("%v the loop stands still for %v", h.at, h.length)
	case "line":
		how := "is slow"
		if h.fails {
			how = "fails"
		}
		return fmt.Sprintf("%v the line of %s %s for %v (moves at once or yet: %v)", h.at, h.relay, how, h.length, h.moves)
	case "clock":
		return fmt.Sprintf("%v the wall clock steps by %v", h.at, h.by)
	case "rules":
		return fmt.Sprintf("%v rule set %d", h.at, h.set)
	}
	return fmt.Sprintf("%v %s", h.at, h.what)
}

var timelineCameras = map[string]sim.Identity{
	"gate":  {Name: "gate", MAC: "58:5b:69:00:00:02", SN: "S2"},
	"porch": {Name: "porch", MAC: "58:5b:69:00:00:01", SN: "S1"},
	"drive": {Name: "drive", MAC: "58:5b:69:00:00:03", SN: "S3"},
}

// timeline is a seed's story.
type timeline struct {
	seed    uint64
	hour    time.Duration            // of the wall clock at the beginning
	offsets map[string]time.Duration // how far the cameras' clocks are ahead
	disk    time.Duration            // how long it takes to write
	events  []happening
}

// generate makes the timeline of a seed.
func generate(seed uint64) *timeline {
	r := rand.New(rand.NewPCG(seed, 7))
	chance := func(p float64) bool { return r.Float64() < p }
	within := func(from, to time.Duration) time.Duration { return from + time.Duration(r.Int64N(int64(to-from))) }
	pick := func(d ...time.Duration) time.Duration { return d[r.IntN(len(d))] }
	tl := &timeline{
		seed: seed, hour: pick(12*time.Hour, 12*time.Hour, 12*time.Hour, 8*time.Hour-20*time.Second, 18*time.Hour-20*time.Second, 3*time.Hour),
		disk: pick(0, time.Millisecond, 20*time.Millisecond, 40*time.Millisecond), offsets: make(map[string]time.Duration),
	}
	for _, c := range []string{"gate", "porch", "drive"} {
		tl.offsets[c] = pick(0, 0, 3*time.Hour, -5*time.Minute, 700*time.Millisecond)
	}
	add := func(h happening) { tl.events = append(tl.events, h) }
	add(happening{at: 0, what: "start", keep: true})
	late := time.Duration(0)
	delay := func() time.Duration {
		switch {
		case chance(0.85):
			return within(time.Millisecond, 300*time.Millisecond)
		case chance(0.5) || late > 8:
			return within(300*time.Millisecond, 2400*time.Millisecond)
		}
		late++ // each by itself, so that no camera's clock seems to have been set
		return (4+3*late)*time.Second + within(0, 400*time.Millisecond)
	}
	// Every camera is heard once before anything may come late.
	warm := happening{at: 50 * time.Millisecond, what: "read", camera: "gate", stamp: 30 * time.Millisecond, plate: "WARM000", car: "WARM000", keep: true}
	add(warm)
	for _, c := range []string{"porch", "drive"} {
		add(happening{at: 50 * time.Millisecond, what: "frame", camera: c, stamp: 30 * time.Millisecond, target: 1, class: "motor", x: 500, keep: true})
	}

	cars := []string{"ABC1234", "ABC1234", "KLM5678", guestPlate, lampPlate, togglePlate, armPlate, "STRANG3"}
	var moments []time.Duration // of which something interesting may come just after
	read := func(made time.Duration, car string) {
		text := car
		if chance(0.25) {
			b := []byte(car)
			b[r.IntN(len(b))] = "WXYV"[r.IntN(4)]
			text = string(b)
		}
		at := made + delay()
		moments = append(moments, at)
		add(happening{at: at, what: "read", camera: "gate", stamp: made, plate: text, car: car})
		if chance(0.15) {
			add(happening{at: at + pick(time.Millisecond, time.Second, 7*time.Second, within(time.Second, 70*time.Second)), what: "read", camera: "gate", stamp: made, plate: text, car: car})
		}
	}
	for range 1 + r.IntN(4) {
		car := cars[r.IntN(len(cars))]
		at := within(500*time.Millisecond, 60*time.Second)
		for range 1 + r.IntN(6) {
			read(at, car)
			at += within(200*time.Millisecond, 2*time.Second)
			if chance(0.1) {
				at += pick(6*time.Second, 12*time.Second, 19*time.Second, 31*time.Second, 40*time.Second)
			}
		}
		switch car {
		case lampPlate, togglePlate:
			if chance(0.5) {
				read(at, "NOLAMP9")
				read(at+time.Second, car)
			}
		case armPlate:
			read(at, "D1SMISS")
			if chance(0.5) {
				read(at+2*time.Second, car)
			}
		}
	}
	walk := func(camera, class string) {
		id, at, x := uint32(10+r.IntN(3)), within(100*time.Millisecond, 60*time.Second), 500
		moments = append(moments, at)
		if chance(0.3) {
			x = 4000
		}
		step, stays := 300+r.IntN(700), r.IntN(25)
		for x < 9600 && x > 0 {
			made := at
			at += within(150*time.Millisecond, 300*time.Millisecond)
			add(happening{at: made + delay(), what: "frame", camera: camera, stamp: made, target: id, class: class, x: x})
			if stays > 0 && x > 4000 && x < 6000 {
				stays--
				continue
			}
			x += step
			if chance(0.03) {
				step = -step
			}
		}
		moments = append(moments, at)
	}
	for range r.IntN(3) {
		if chance(0.5) {
			walk("porch", "person")
		} else {
			walk("drive", "car")
		}
	}

	// What goes wrong comes at any time, or just before or after something else.
	when := func() time.Duration {
		if chance(0.3) {
			return within(0, 80*time.Second)
		}
		return max(0, moments[r.IntN(len(moments))]+pick(-50*time.Millisecond, time.Millisecond, 5*time.Millisecond, 30*time.Millisecond, 100*time.Millisecond, 700*time.Millisecond, 1500*time.Millisecond, 3*time.Second))
	}
	if chance(0.35) {
		for range 1 + r.IntN(2) {
			add(happening{at: when(), what: "stall", length: pick(100*time.Millisecond, time.Second, 2*time.Second, 2900*time.Millisecond, 4*time.Second, 10*time.Second, 30*time.Second)})
		}
	}
	if chance(0.35) {
		names := []string{"gate", "gate", "gate", "barrier", "barrier", "barrier", "horn", "sign", "bell", "lamp", "tog", "porch", "chime", "siren"}
		for range 1 + r.IntN(2) {
			add(happening{
				at: when(), what: "line", relay: names[r.IntN(len(names))], fails: chance(0.4), moves: chance(0.5),
				length: pick(50*time.Millisecond, time.Second, 2500*time.Millisecond, 4*time.Second, 12*time.Second),
			})
		}
	}
	if chance(0.3) {
		for range 1 + r.IntN(2) {
			add(happening{at: when(), what: "clock", by: pick(time.Second/2, 2*time.Second, 5*time.Second, -5*time.Second, time.Hour, -time.Hour, 6*time.Hour, 72*time.Hour, -72*time.Hour)})
		}
	}
	if chance(0.4) {
		for range 1 + r.IntN(3) {
			at := when()
			add(happening{at: at, what: "rules", set: r.IntN(5)})
			if chance(0.5) {
				add(happening{at: at + pick(time.Millisecond, 500*time.Millisecond, 2*time.Second), what: "rules", set: 0})
			}
		}
	}
	if chance(0.5) {
		for range 1 + r.IntN(2) {
			at, how := when(), "kill"
			if chance(0.3) {
				how = "stop"
			}
			add(happening{at: at, what: how})
			add(happening{at: at + pick(time.Millisecond, 100*time.Millisecond, time.Second, 3*time.Second, 20*time.Second, 40*time.Second), what: "start"})
		}
	}
	slices.SortStableFunc(tl.events, func(a, b happening) int { return cmp.Compare(a.at, b.at) })
	return tl
}

// prepared is what all timelines share and nobody changes.
type prepared struct {
	site    *config.Site
	cameras []camera.Camera
	specs   []relay.Spec
	shapes  []*ruleShape
	rules   []*engine.Ruleset
}

func prepareTimelines(t testing.TB) *prepared {
	t.Helper()
	site, problems := config.Parse("sallyport.yaml", []byte(timelineSite))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	p := &prepared{site: site, shapes: timelineShapes()}
	var err error
	if p.cameras, err = inputCameras(site, process{getenv: func(string) string { return "" }}); err != nil {
		t.Fatal(err)
	}
	relays, err := openRelays(site, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range relays {
		p.specs = append(p.specs, r.Spec)
	}
	for _, s := range p.shapes {
		rs, problems := rulefile.LoadFiles([]rulefile.File{{Name: "rules.yaml", Data: []byte(timelineRules(s))}}, "rules.d", ruleSite(site))
		if rulefile.Failed(problems) {
			t.Fatal(problems)
		}
		p.rules = append(p.rules, rs)
	}
	return p
}

// world is everything outside of the program: lines, disk, clocks and cameras.
type world struct {
	*prepared
	*timeline
	begin time.Time
	wall  time.Time

	mu    sync.Mutex // guards what follows
	h     history
	level map[string]bool
	shift time.Duration
	stuck []happening // troubles of lines
	state *engine.State
	marks [][]byte
	saved *relay.Saved

	run  *life // nil while the program does not run
	set  int
	ends sync.WaitGroup // what is left of earlier lives
}

// life is one run of the program.
type life struct {
	*appliance
	number int
	cut    chan struct{} // closed when nothing it does counts any more
	cancel context.CancelFunc
}

func (l *life) over() bool {
	select {
	case <-l.cut:
		return true
	default:
		return false
	}
}

func (w *world) now() time.Duration { return time.Since(w.begin) }

// testLine is a relay's line as one life drives it.
type testLine struct {
	*world
	name string
	life *life
}

var errCut = errors.New("the program is not there any more")

// trouble is what is wrong with the line now; nil when nothing is. Called with mu held.
func (l *testLine) trouble() *happening {
	now := l.now()
	for i := range l.stuck {
		if s := &l.stuck[i]; s.relay == l.name && s.at <= now && now < s.at+s.length {
			return s
		}
	}
	return nil
}

func (l *testLine) Set(on bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.life.over() {
		return errCut
	}
	i := len(l.h.calls)
	l.h.calls = append(l.h.calls, lineCall{relay: l.name, life: l.life.number, on: on, begin: l.now(), end: 1 << 62})
	bad := l.trouble()
	switch {
	case bad == nil:
		l.turn(on)
	case bad.fails:
		if bad.moves {
			l.turn(on)
		}
		l.h.calls[i].failed = true
	default:
		if bad.moves {
			l.turn(on)
		}
		timer := time.NewTimer(bad.at + bad.length - l.now())
		l.mu.Unlock()
		select {
		case <-timer.C:
		case <-l.life.cut:
		}
		timer.Stop()
		l.mu.Lock()
		if l.life.over() {
			return errCut
		}
		if !bad.moves {
			l.turn(on)
		}
	}
	l.h.calls[i].end = l.now()
	if l.h.calls[i].failed {
		return errors.New("the line fails")
	}
	return nil
}

func (l *testLine) Close() error { return l.Set(false) }

// turn changes what the line really is. Called with mu held.
func (l *testLine) turn(on bool) {
	if l.level[l.name] != on {
		l.level[l.name] = on
		l.h.levels = append(l.h.levels, lineLevel{l.name, l.life.number, l.now(), on})
	}
}

// written runs f once the disk has written, unless the life was cut off before.
func (w *world) written(l *life, f func()) {
	write := func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !l.over() {
			f()
		}
	}
	if w.disk == 0 {
		write()
		return
	}
	time.AfterFunc(w.disk, write)
}

// start begins a life with what is on the disk.
func (w *world) start() {
	if w.run != nil {
		return
	}
	w.mu.Lock()
	l := &life{number: len(w.h.lives), cut: make(chan struct{})}
	w.h.lives = append(w.h.lives, lifeSpan{boot: w.now(), end: 1 << 62})
	w.h.sets = append(w.h.sets, setAsked{w.now(), l.number, w.shapes[w.set]})
	p := parts{
		site: w.site, rules: w.rules[w.set], cameras: w.cameras, log: slog.New(slog.DiscardHandler), shift: w.shift,
		onLog:   func(engine.Instant, string, string) {},
		onState: func(s engine.State) { w.written(l, func() { w.state = &s }) },
		keepMark: func(m *engine.Mark) <-chan struct{} {
			text, done := m.AppendJSON(nil), make(chan struct{})
			w.written(l, func() { w.marks = append(w.marks, text); close(done) })
			return done
		},
		onRelayState: func(s relay.Saved) { w.written(l, func() { w.saved = &s }) },
	}
	// What is on the disk is read back as text.
	if w.state != nil {
		s := must(engine.DecodeState(must(w.state.Encode())))
		p.state = &s
	}
	for _, text := range w.marks {
		p.marks = append(p.marks, must(engine.DecodeMark(text)))
	}
	if w.saved != nil {
		s := must(relay.DecodeSaved(must(json.Marshal(w.saved))))
		p.relayState = &s
	}
	for _, s := range w.specs {
		p.relays = append(p.relays, relay.Config{Spec: s, Driver: &testLine{w, s.Name, l}})
	}
	w.mu.Unlock()
	l.appliance = must(newAppliance(p))
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	w.mu.Lock()
	w.h.lives[l.number].ready = w.now()
	w.mu.Unlock()
	go l.loop(ctx)
	w.run = l
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// cutOff ends a life in the eyes of everybody.
func (w *world) cutOff(killed bool) {
	l := w.run
	w.run = nil
	w.mu.Lock()
	close(l.cut)
	w.h.lives[l.number].end, w.h.lives[l.number].killed = w.now(), killed
	w.mu.Unlock()
	// What runs on is only cleared away.
	w.ends.Go(func() {
		l.cancel()
		<-l.stopped
		_ = l.closeRelays()
		l.closeRunner()
	})
}

// stop ends a life as SIGTERM does.
func (w *world) stop() {
	l := w.run
	w.mu.Lock()
	w.h.lives[l.number].stop = w.now()
	w.mu.Unlock()
	l.cancel()
	limit := time.After(stopTime)
	select {
	case <-l.stopped:
	case <-limit:
	}
	_ = l.closeRelays()
	l.closeRunner()
	time.Sleep(w.disk) // as the writers are waited for
	w.cutOff(false)
}

func (w *world) post(h happening) {
	if w.run == nil {
		return
	}
	stamp := w.wall.Add(h.stamp + w.offsets[h.camera])
	id := timelineCameras[h.camera]
	var body []byte
	if h.plate != "" {
		body = sim.AppendPlate(nil, id, stamp, sim.PlateRead{Number: h.plate, Heading: "approach", Confidence: 95})
	} else {
		box := sim.FootBox(sim.Point{h.x, 9000}, sim.Size(h.class))
		body = sim.AppendTrajectory(nil, id, stamp, []sim.Target{{ID: h.target, Class: h.class, Box: box}})
	}
	w.mu.Lock()
	w.h.posts = append(w.h.posts, posted{
		at: w.now(), life: w.run.number, camera: h.camera, stamp: h.stamp,
		plate: h.plate, car: h.car, id: h.target, class: h.class, x: h.x,
	})
	w.mu.Unlock()
	answer := httptest.NewRecorder()
	w.run.port.ServeHTTP(answer, httptest.NewRequest("POST", "/API", bytes.NewReader(body)))
	if answer.Code != 200 {
		panic(answer.Body.String())
	}
}

// stall lets the loop stand still.
func (w *world) stall(length time.Duration) {
	l := w.run
	w.ends.Go(func() {
		_ = l.ask(context.Background(), func(*engine.Engine) {
			w.mu.Lock()
			i := len(w.h.stalls)
			w.h.stalls = append(w.h.stalls, span{w.now(), 1 << 62})
			w.mu.Unlock()
			timer := time.NewTimer(length)
			select {
			case <-timer.C:
			case <-l.cut:
			}
			timer.Stop()
			w.mu.Lock()
			w.h.stalls[i].to = w.now()
			w.mu.Unlock()
		})
	})
}

// step sets the wall clock.
func (w *world) step(by time.Duration) {
	note := func() {
		w.mu.Lock()
		w.shift += by
		w.h.steps = append(w.h.steps, wallStep{w.now(), by})
		w.mu.Unlock()
	}
	l := w.run
	if l == nil {
		note()
		return
	}
	w.ends.Go(func() {
		err := l.ask(context.Background(), func(*engine.Engine) {
			note()
			l.shift += by
		})
		if err != nil {
			note()
		}
	})
}

// play lets a timeline happen and gives what happened.
func (p *prepared) play(tl *timeline) *history {
	// The bubble's clock begins in 2000; ours is set.
	begin := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).Add(tl.hour)
	time.Sleep(time.Until(begin))
	w := &world{prepared: p, timeline: tl, begin: time.Now(), wall: begin, level: make(map[string]bool)}
	w.h.wall = begin
	for _, h := range tl.events {
		if wait := h.at - w.now(); wait > 0 {
			time.Sleep(wait)
		}
		switch h.what {
		case "start":
			w.start()
		case "kill":
			if w.run != nil {
				w.cutOff(true)
			}
		case "stop":
			if w.run != nil {
				w.stop()
			}
		case "read", "frame":
			w.post(h)
		case "stall":
			if w.run != nil {
				w.stall(h.length)
			}
		case "line":
			w.mu.Lock()
			h.at = w.now()
			w.stuck = append(w.stuck, h)
			w.mu.Unlock()
		case "clock":
			w.step(h.by)
		case "rules":
			w.set = h.set
			if w.run != nil {
				w.mu.Lock()
				w.h.sets = append(w.h.sets, setAsked{w.now(), w.run.number, w.shapes[h.set]})
				w.mu.Unlock()
				w.run.swapRules(w.rules[h.set], nil)
			}
		}
	}
	time.Sleep(45 * time.Second) // longer than anything is on
	if w.run != nil {
		w.stop()
	}
	w.ends.Wait()
	return &w.h
}

// live plays a timeline in virtual time.
func (p *prepared) live(t *testing.T, tl *timeline) (h *history) {
	synctest.Test(t, func(*testing.T) { h = p.play(tl) })
	return h
}

// shrink drops what a violation does not need. Which of two things that happen at one
// moment comes first is not in a seed, so each try is made a few times.
func (p *prepared) shrink(t *testing.T, tl *timeline) (*timeline, []string) {
	small := *tl
	var wrong []string
	tries := 0
	fails := func(events []happening) bool {
		try := small
		try.events = events
		for range 3 {
			tries++
			if v := p.live(t, &try).violations(); len(v) > 0 {
				wrong = v
				return true
			}
		}
		return false
	}
	for n := len(small.events) / 2; n > 0 && tries < 3000; {
		dropped := false
		for from := 0; from < len(small.events); {
			to := min(from+n, len(small.events))
			var left []happening
			for i, h := range small.events {
				if i < from || i >= to || h.keep {
					left = append(left, h)
				}
			}
			if len(left) < len(small.events) && fails(left) {
				small.events, dropped = left, true
			} else {
				from = to
			}
		}
		if !dropped {
			n /= 2
		}
	}
	return &small, wrong
}

func (tl *timeline) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the wall clock begins at %v, the cameras are ahead by %v, the disk takes %v\n", tl.hour, tl.offsets, tl.disk)
	for _, h := range tl.events {
		fmt.Fprintln(&b, h)
	}
	return b.String()
}

// tell prints what the lines did.
func (h *history) tell() string {
	var b strings.Builder
	for _, l := range h.lives {
		fmt.Fprintf(&b, "run from %v to %v (killed: %v)\n", l.boot, l.end, l.killed)
	}
	for _, c := range h.calls {
		fmt.Fprintf(&b, "%v..%v %s on: %v (run %d, failed: %v)\n", c.begin, c.end, c.relay, c.on, c.life, c.failed)
	}
	return b.String()
}

// timelines is how many are played: SALLYPORT_TIMELINES, else 100 000 in a long run
// without the race detector.
func timelines() uint64 {
	if n, err := strconv.ParseUint(os.Getenv("SALLYPORT_TIMELINES"), 10, 64); err == nil {
		return n
	}
	long := os.Getenv("SALLYPORT_LONG") != ""
	switch {
	case long && raced:
		return 3000
	case long:
		return 100_000
	case testing.Short() || raced:
		return 100
	}
	return 300
}

// TestTimelines holds generated timelines against the model. One seed:
// SALLYPORT_SEED=17 go test -run TestTimelines ./cmd/sallyport
func TestTimelines(t *testing.T) {
	p := prepareTimelines(t)
	first, count := uint64(0), timelines()
	if seed, err := strconv.ParseUint(os.Getenv("SALLYPORT_SEED"), 10, 64); err == nil {
		first, count = seed, 1
	}
	var next atomic.Uint64
	var failed atomic.Bool
	var mu sync.Mutex // guards moved
	moved := make(map[string]int)
	next.Store(first)
	t.Run("play", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("worker", func(t *testing.T) {
				t.Parallel()
				for !failed.Load() {
					seed := next.Add(1) - 1
					if seed >= first+count {
						return
					}
					tl := generate(seed)
					h := p.live(t, tl)
					if wrong := h.violations(); len(wrong) > 0 {
						failed.Store(true)
						small, again := p.shrink(t, tl)
						if len(again) == 0 {
							small, again = tl, wrong
						}
						t.Errorf("seed %d:\n%s\n\nthe least that shows\n%s\n\n%s\nthe lines\n%s", seed, strings.Join(wrong, "\n"), strings.Join(again, "\n"), small, p.live(t, small).tell())
						return
					}
					mu.Lock()
					for _, c := range h.calls {
						if c.on {
							moved[c.relay]++
						}
					}
					mu.Unlock()
				}
			})
		}
	})
	if t.Failed() || count < 50 {
		return
	}
	// A model that allows everything, or relays that never move, would show nothing.
	for _, s := range p.specs {
		if moved[s.Name] < int(count)/50 {
			t.Errorf("%s was moved %d times in %d timelines: they show nothing of it", s.Name, moved[s.Name], count)
		}
	}
	t.Logf("%d timelines, ons of relays: %v", count, moved)
}

// handMade makes a timeline by hand, with the start and the warm-up that every one has.
func handMade(events ...happening) *timeline {
	tl := &timeline{hour: 12 * time.Hour, offsets: make(map[string]time.Duration), events: []happening{
		{what: "start"},
		{at: 50 * time.Millisecond, what: "read", camera: "gate", stamp: 30 * time.Millisecond, plate: "WARM000", car: "WARM000"},
	}}
	for _, h := range events {
		if h.what == "read" {
			h.camera, h.car, h.stamp = "gate", h.plate, h.at-20*time.Millisecond
		}
		tl.events = append(tl.events, h)
	}
	return tl
}

func gateOpenings(h *history) (at []time.Duration) {
	for _, c := range h.calls {
		if c.on && c.relay == "gate" {
			at = append(at, c.begin)
		}
	}
	return at
}

// TestAPlateThatWaitedTooLongOpensNothing: the loop stands still while it comes.
func TestAPlateThatWaitedTooLongOpensNothing(t *testing.T) {
	p := prepareTimelines(t)
	for _, c := range []struct {
		still time.Duration
		want  []time.Duration
	}{
		{time.Second, []time.Duration{6100 * time.Millisecond}},
		{10 * time.Second, nil},
	} {
		read := happening{at: 5200 * time.Millisecond, what: "read", plate: "ABC1234"}
		for range 10 { // which of two inputs the loop takes first is by chance
			h := p.live(t, handMade(happening{at: 5100 * time.Millisecond, what: "stall", length: c.still}, read,
				happening{at: read.at + c.still/2, what: "frame", camera: "drive", stamp: read.at, target: 1, class: "motor", x: 500}))
			if got := gateOpenings(h); !slices.Equal(got, c.want) {
				t.Fatalf("the loop stood still for %v: the gate was opened at %v, want %v", c.still, got, c.want)
			}
		}
	}
}

// TestAVisitLastsOverAStall: a read that waits for a loop that stands still keeps the
// visit running, whatever else came in meanwhile.
func TestAVisitLastsOverAStall(t *testing.T) {
	p := prepareTimelines(t)
	for range 20 {
		h := p.live(t, handMade(
			happening{at: 5 * time.Second, what: "read", plate: "ABC1234"},
			happening{at: 5100 * time.Millisecond, what: "stall", length: 30 * time.Second},
			happening{at: 20 * time.Second, what: "read", plate: "ABC1234"},
			happening{at: 34 * time.Second, what: "read", plate: "ABC1234"},
			happening{at: 36 * time.Second, what: "read", plate: "ABC1234"},
		))
		if got := gateOpenings(h); !slices.Equal(got, []time.Duration{5 * time.Second}) {
			t.Fatalf("the gate was opened at %v", got)
		}
	}
}

// TestAVisitLastsOverAStallWithOtherCameras: what another camera posted later does not
// end a visit whose next read is still waiting.
func TestAVisitLastsOverAStallWithOtherCameras(t *testing.T) {
	p := prepareTimelines(t)
	h := p.live(t, handMade(
		happening{at: 5 * time.Second, what: "read", plate: "ABC1234"},
		happening{at: 25 * time.Second, what: "stall", length: 12 * time.Second},
		happening{at: 26 * time.Second, what: "read", plate: "STRANG3"},
		happening{at: 27 * time.Second, what: "read", plate: "ABC1234"},
		happening{at: 35500 * time.Millisecond, what: "frame", camera: "drive", stamp: 35 * time.Second, target: 1, class: "motor", x: 500},
		happening{at: 36500 * time.Millisecond, what: "read", plate: "ABC1234"},
	))
	if got := gateOpenings(h); !slices.Equal(got, []time.Duration{5 * time.Second}) {
		t.Fatalf("the gate was opened at %v", got)
	}
}
