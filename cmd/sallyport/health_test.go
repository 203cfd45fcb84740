package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/inputs/camera"
	"github.com/sallyport/sallyport/inputs/poll"
	"github.com/sallyport/sallyport/inputs/recording"
	"github.com/sallyport/sallyport/journal"
	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// ward is the health of cameras, with what was said of it.
type ward struct {
	*testing.T
	*health
	said []string
}

func newWard(t *testing.T, cameras ...config.Camera) *ward {
	w := &ward{T: t}
	w.health = newHealth(&config.Site{Cameras: cameras}, time.Now, func(n cameraNews) {
		w.said = append(w.said, saidOf(n))
	})
	return w
}

// saidOf is a line, with + for a problem and - for its end.
func saidOf(n cameraNews) string {
	if n.over {
		return "- " + n.line()
	}
	return "+ " + n.line()
}

func (w *ward) want(lines ...string) {
	w.Helper()
	if !slices.Equal(w.said, lines) {
		w.Errorf("\ngot  %s\nwant %s", strings.Join(w.said, "\n     "), strings.Join(lines, "\n     "))
	}
	w.said = nil
}

func (w *ward) post(at time.Duration, ev engine.Event) {
	if ev.Camera == "" {
		ev.Camera = "gate"
	}
	w.posted(at, time.Time{}, &ev)
}

func TestEventsWithoutFrames(t *testing.T) {
	w := newWard(t, config.Camera{Name: "gate"}, config.Camera{Name: "nvr", Match: []config.Match{{Channel: 2}}})
	person := []engine.Listed{{ID: 1, HasID: true}}
	intrusion := engine.Event{Kind: engine.KindIntrusion, Targets: person}
	w.post(0, intrusion)
	w.post(time.Second, intrusion) // the same
	w.look(10*time.Second, nil)
	w.look(11*time.Second, nil)
	w.post(20*time.Second, engine.Event{Kind: engine.KindLoitering, Targets: person})
	w.look(40*time.Second, nil)
	// A frame before or after is enough.
	w.post(50*time.Second, engine.Event{Kind: engine.KindTarget})
	for i := range 10 {
		at := time.Duration(i+1) * time.Minute
		if w.post(at, intrusion); i%2 == 0 {
			w.post(at+9*time.Second, engine.Event{Kind: engine.KindTarget})
		}
		w.look(at+15*time.Second, nil)
	}
	// Others do not count: a recorder's channel, an end, an event without a target.
	for i := range 10 {
		at := time.Duration(i+20) * time.Minute
		for _, ev := range []engine.Event{
			{Kind: engine.KindIntrusion, Targets: person, Camera: "nvr"}, {Kind: engine.KindIntrusion},
			{Kind: engine.KindIntrusion, Targets: person, Device: engine.Device{Channel: 1}},
			{Kind: engine.KindIntrusion, Targets: person, Status: engine.StatusStop}, {Kind: engine.KindMotion, Targets: person},
		} {
			w.post(at, ev)
		}
		w.look(at+30*time.Second, nil)
	}
	w.want()
	w.post(40*time.Minute, engine.Event{Kind: engine.KindTarget})
	for i := range 5 {
		at := time.Duration(i+50) * time.Minute
		w.post(at, intrusion)
		w.look(at+time.Minute/2, nil)
	}
	w.want(`+ gate: its events come, but no frames: tick "Smart track data" in the camera's HTTP POST page; some firmware needs a reboot after that`)
	if list, frames := w.problems("gate"); len(list) != 1 || list[0].kind != badFrames || list[0].since.IsZero() || !frames {
		t.Errorf("problems %+v, frames expected %v", list, frames)
	}
	w.post(60*time.Minute, engine.Event{Kind: engine.KindTarget})
	w.want("- gate: its frames come")
	if list, _ := w.problems("gate"); len(list) != 0 {
		t.Errorf("problems %+v", list)
	}
}

func TestAClockThatIsOff(t *testing.T) {
	w := newWard(t, config.Camera{Name: "gate"})
	posts := uint64(0)
	look := func(at, skew time.Duration) {
		posts++
		w.look(at, []camera.CameraStats{{Name: "gate", HasSkew: true, Skew: skew, Posts: posts}})
	}
	look(0, 31*time.Second)
	look(59*time.Second, 31*time.Second)
	look(65*time.Second, 29*time.Second)
	look(70*time.Second, 125*time.Second)
	w.look(200*time.Second, []camera.CameraStats{{Name: "gate", HasSkew: true, Skew: 125 * time.Second, Posts: posts}}) // one post is not enough
	w.want()
	look(205*time.Second, 125*time.Second)
	look(210*time.Second, 125*time.Second)
	look(300*time.Second, 25*time.Second)
	w.want("+ gate: its clock is 2 min 5 s behind: set NTP in the camera")
	if list, _ := w.problems("gate"); len(list) != 1 || list[0].text != "its clock is 25 s behind: set NTP in the camera" {
		t.Errorf("problems %+v", list)
	}
	look(310*time.Second, -time.Second)
	w.want("- gate: its clock is right again")
	for skew, want := range map[time.Duration]string{
		-40 * time.Second: "its clock is 40 s ahead: set NTP in the camera", 5*time.Hour + 90*time.Second: "its clock is 5 h 1 min behind: set NTP in the camera",
		-100 * 24 * time.Hour: "its clock is 100 days ahead: set NTP in the camera",
	} {
		if got := skewText(skew); got != want {
			t.Errorf("%v: %q, want %q", skew, got, want)
		}
	}
}

func TestATamperedPicture(t *testing.T) {
	w := newWard(t, config.Camera{Name: "gate"})
	w.post(0, engine.Event{Kind: engine.KindTamper})
	w.look(9*time.Minute, nil)
	w.want("+ gate: somebody may have tampered with the picture: the camera reports that it was blurred, cast or turned away")
	w.look(10*time.Minute, nil)
	w.want("- gate: the picture is well again")
	alarm := func(name string, on bool) {
		w.post(time.Hour, engine.Event{Kind: engine.KindAlarm, Alarm: &engine.Alarm{Name: name, On: on}})
	}
	alarm("clarity_abnormal", true)
	alarm("scene_change", true)
	alarm("motion", true)
	w.look(5*time.Hour, nil)
	w.want("+ gate: somebody may have tampered with the picture: it is blurred")
	alarm("clarity_abnormal", false)
	if list, _ := w.problems("gate"); len(list) != 1 || list[0].text != "somebody may have tampered with the picture: the scene has changed" {
		t.Errorf("problems %+v", list)
	}
	alarm("scene_change", false)
	w.want("- gate: the picture is well again")
}

func TestWhyACameraIsOffline(t *testing.T) {
	for _, c := range []struct {
		p    engine.Presence
		want string
	}{
		{engine.Presence{Silent: 92 * time.Second, Interval: 30 * time.Second}, "is offline: nothing for 3 heartbeats (92 s)"},
		{engine.Presence{Silent: 6 * time.Minute}, "is offline: nothing for 360 s"},
		{engine.Presence{Silent: 6 * time.Minute, First: true}, "is offline: nothing was heard of it since the start (360 s)"},
		{engine.Presence{Said: true}, "is offline: its recorder says so"},
	} {
		if got := silentText(c.p); got != c.want {
			t.Errorf("%+v: %q, want %q", c.p, got, c.want)
		}
	}
}

// wire carries calls to a virtual camera without a network, unless it is cut.
type wire struct {
	*sim.Camera
	cut atomic.Bool
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.cut.Load() {
		return nil, errors.New("no route to host")
	}
	return inside{w.Camera}.RoundTrip(r)
}

// manned is an appliance with virtual cameras and no network, in a bubble of its own time.
type manned struct {
	*appliance
	end   func()
	start time.Time

	mu    sync.Mutex // guards lines
	lines []string
}

func (m *manned) note(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines = append(m.lines, fmt.Sprintf("%v ", time.Since(m.start).Round(time.Second))+fmt.Sprintf(format, args...))
}

// want lets time pass up to a moment, and holds what was said since against lines. Their
// order is not looked at: log steps have a runner between.
func (m *manned) want(t *testing.T, at time.Duration, lines ...string) {
	t.Helper()
	time.Sleep(time.Until(m.start.Add(at)))
	synctest.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	slices.Sort(m.lines)
	slices.Sort(lines)
	if !slices.Equal(m.lines, lines) {
		t.Errorf("\ngot  %s\nwant %s", strings.Join(m.lines, "\n     "), strings.Join(lines, "\n     "))
	}
	m.lines = nil
}

func man(t *testing.T, cameras []config.Camera, rules string, devices map[string]*client.Client, change func(*parts)) *manned {
	t.Helper()
	site := &config.Site{Cameras: cameras, Late: 3 * time.Second, Listen: config.Listen{Cameras: ":5002"}}
	rs, problems := rulefile.LoadFiles([]rulefile.File{{Name: "a.yaml", Data: []byte(rules)}}, "rules.d", ruleSite(site))
	if rulefile.Failed(problems) {
		t.Fatal(problems)
	}
	cams, err := inputCameras(site, process{getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	m := &manned{start: time.Now()}
	p := parts{
		site: site, rules: rs, cameras: cams, log: slog.New(slog.DiscardHandler),
		onCamera: func(n cameraNews) { m.note("%s", saidOf(n)) },
		onLog:    func(_ engine.Instant, rule, line string) { m.note("%s", line) },
		onEvent: func(ev *engine.Event) {
			late := ""
			if ev.Late {
				late = ", late"
			}
			m.note("%s says %s %v%s", ev.Camera, ev.Alarm.Name, ev.Alarm.On, late)
		},
	}
	if change != nil {
		change(&p)
	}
	if m.appliance, err = newAppliance(p); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { m.loop(ctx) })
	running.Go(func() { m.watchCameras(ctx, devices) })
	m.end = func() {
		cancel()
		running.Wait()
		m.closeRunner()
		if err := m.closeRelays(); err != nil {
			t.Error(err)
		}
	}
	return m
}

func deviceAt(t *testing.T, w *wire) *client.Client {
	t.Helper()
	d, err := client.New(client.Config{URL: "http://camera", Username: "admin", Password: "pw", HTTPClient: &http.Client{Transport: w}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const polledRules = `rules:
  - name: down
    on: camera
    when: "!camera.online"
    for: 1m
    do: [{log: "${camera.name} is down"}]
    finally: [{log: "${camera.name} is up"}]
  - name: perimeter
    on: alarm
    when: alarm.name == "perimeter" && alarm.on
    do: [{log: "perimeter of ${camera.name}"}]
    finally: [{log: "perimeter is over"}]
`

// A camera that cannot push is online while it answers, and its alarms are events.
func TestACameraThatIsPolledOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &wire{Camera: sim.NewCamera(sim.Options{Identity: gateCamera, Username: "admin", Password: "pw"})}
		cams := []config.Camera{{Name: "gate", URL: "http://camera", Poll: 2 * time.Second}}
		m := man(t, cams, polledRules, map[string]*client.Client{"gate": deviceAt(t, cam)}, nil)
		defer m.end()
		set := func(on bool) {
			if err := cam.SetAlarm("perimeterAlarm", 1, on); err != nil {
				t.Fatal(err)
			}
		}
		m.want(t, 20*time.Minute)
		set(true)
		m.want(t, 21*time.Minute, "20m2s gate says perimeter true", "20m2s perimeter of gate")
		set(false)
		m.want(t, 22*time.Minute, "21m2s gate says perimeter false", "21m2s perimeter is over")
		set(true)
		m.want(t, 23*time.Minute, "22m2s gate says perimeter true", "22m2s perimeter of gate")
		cam.cut.Store(true)
		m.want(t, 25*time.Minute,
			"23m6s perimeter is over", "23m6s + gate does not answer when it is asked for its alarms, which are unknown now (GetAlarmStatus: no route to host)",
			"24m0s + gate is offline: nothing for 3 heartbeats (60 s)", "25m0s gate is down")
		cam.cut.Store(false)
		// What is on now is how things stand: no rule fires.
		m.want(t, 26*time.Minute, "25m2s - gate is online again", "25m2s gate is up", "25m2s gate says perimeter true", "25m2s - gate answers again")
	})
}

// What a polled camera said is in the recording, and a replay decides the same.
func TestAReplayOfAPolledCamera(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "polled.jsonl")
		cam := &wire{Camera: sim.NewCamera(sim.Options{Identity: gateCamera, Username: "admin", Password: "pw"})}
		cams := []config.Camera{{Name: "gate", URL: "http://camera", Poll: 2 * time.Second}}
		var live []string
		var p parts
		m := man(t, cams, polledRules, map[string]*client.Client{"gate": deviceAt(t, cam)}, func(made *parts) {
			var err error
			if made.rec, err = newRecorder(recorderConfig{file: file, log: made.log}); err != nil {
				t.Fatal(err)
			}
			made.onDecision = func(d *engine.Decision) { live = append(live, string(d.AppendJSON(nil))) }
			p = *made
		})
		for i := range 6 {
			time.Sleep(time.Minute)
			if err := cam.SetAlarm("perimeterAlarm", 1, i%2 == 0); err != nil {
				t.Fatal(err)
			}
			cam.cut.Store(i == 3)
		}
		time.Sleep(3 * time.Minute)
		m.end()
		if err := p.rec.close(); err != nil {
			t.Fatal(err)
		}
		in, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		r, err := newReplay("replay", process{stderr: io.Discard, getenv: func(string) string { return "" }}, p.site, p.rules, nil)
		if err != nil {
			t.Fatal(err)
		}
		var again []string
		r.print = func(d *engine.Decision) { again = append(again, string(d.AppendJSON(nil))) }
		if err := r.run(t.Context(), recording.NewReader(file, in)); err != nil {
			t.Fatal(err)
		}
		if len(live) < 8 || !slices.Equal(live, again) {
			t.Errorf("live\n%s\nreplayed\n%s", strings.Join(live, "\n"), strings.Join(again, "\n"))
		}
	})
}

// A recorder loses one channel: that camera is offline, not the other one.
func TestAChannelOfARecorderIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &wire{Camera: sim.NewCamera(sim.Options{Identity: gateCamera, Username: "admin", Password: "pw", Recorder: true})}
		d := deviceAt(t, cam)
		channel := func(name string, n int) config.Camera {
			return config.Camera{Name: name, URL: "http://camera", Poll: 2 * time.Second, Match: []config.Match{{Channel: n}}}
		}
		m := man(t, []config.Camera{channel("door", 1), channel("yard", 2)}, polledRules, map[string]*client.Client{"door": d, "yard": d}, nil)
		defer m.end()
		m.want(t, 10*time.Minute)
		if err := cam.SetChannel(2, false); err != nil {
			t.Fatal(err)
		}
		m.want(t, 12*time.Minute, "10m2s + yard is offline: its recorder says so", "11m2s yard is down")
		if err := cam.SetChannel(2, true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		m.mu.Lock()
		defer m.mu.Unlock()
		if len(m.lines) != 2 || !strings.HasSuffix(m.lines[0], "- yard is online again") || !strings.HasSuffix(m.lines[1], "yard is up") {
			t.Errorf("%q", m.lines)
		}
	})
}

// A login that is refused is said once, and the camera is left alone.
func TestARefusedLoginIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &wire{Camera: sim.NewCamera(sim.Options{Identity: gateCamera, Username: "admin", Password: "other"})}
		cams := []config.Camera{{Name: "gate", URL: "http://camera", Poll: 2 * time.Second}}
		m := man(t, cams, polledRules, map[string]*client.Client{"gate": deviceAt(t, cam)}, nil)
		defer m.end()
		time.Sleep(29 * time.Minute)
		synctest.Wait()
		m.mu.Lock()
		defer m.mu.Unlock()
		if len(m.lines) != 2 || !strings.Contains(m.lines[0], "+ gate refuses the login, and is asked again in 10 minutes (GetAlarmStatus: the camera answered code 9 (unauthorized)") ||
			!strings.HasSuffix(m.lines[1], "+ gate is offline: nothing was heard of it since the start (360 s)") {
			t.Errorf("%q", m.lines)
		}
		if n := cam.Stats().BadLogins; n > 3 {
			t.Errorf("%d wrong logins in half an hour", n)
		}
	})
}

// What a device was asked before it posted something newer is old.
func TestAnAnswerFromBeforeAPostIsNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cams := []config.Camera{{Name: "gate", URL: "http://camera", Poll: 2 * time.Second}}
		m := man(t, cams, polledRules, nil, nil)
		defer m.end()
		at := func(d time.Duration) time.Time { return m.start.Add(d) }
		said := func(asked time.Time, on, news bool) {
			if !m.health.room(m.stopped) {
				t.Fatal("no room")
			}
			ev := &engine.Event{Kind: engine.KindAlarm, Camera: "gate", Alarm: &engine.Alarm{Name: "perimeter", ID: 1, On: on}}
			m.inbox.put(input{polled: &poll.Change{Event: ev, Asked: asked, At: time.Now(), News: news}})
		}
		said(at(0), false, false)
		time.Sleep(10 * time.Second)
		m.health.posted(0, at(9*time.Second), &engine.Event{Kind: engine.KindAlarm, Camera: "gate", Alarm: &engine.Alarm{Name: "perimeter", ID: 1}})
		said(at(8*time.Second), true, true)
		m.want(t, 11*time.Second)
		said(at(11*time.Second), true, true)
		m.want(t, 12*time.Second, "11s gate says perimeter true", "11s perimeter of gate")
		said(at(12*time.Second), false, true)
		m.want(t, 13*time.Second, "12s gate says perimeter false", "12s perimeter is over")
		// One that waited while the program stood still is late, and moves no relay.
		time.Sleep(10 * time.Second)
		ev := &engine.Event{Kind: engine.KindAlarm, Camera: "gate", Alarm: &engine.Alarm{Name: "perimeter", ID: 1, On: true}}
		m.health.room(m.stopped)
		m.inbox.put(input{polled: &poll.Change{Event: ev, Asked: at(14 * time.Second), At: at(15 * time.Second), News: true}})
		m.want(t, 30*time.Second, "23s gate says perimeter true, late", "23s perimeter of gate")
	})
}

// A factory reset takes the push set-up; subscribing again ends it.
func TestALostPushSetUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &wire{Camera: sim.NewCamera(sim.Options{Identity: gateCamera, Username: "admin", Password: "pw"})}
		push := sim.Push{Slots: []sim.PushSlot{
			{ID: 1, On: true, Protocol: "http", Domain: "10.0.0.9", Port: 5002, Path: "/API", Authentication: "none", Heartbeat: true, Interval: 30 * time.Second,
				Data: []string{"traject"}, Events: []string{"ALL"}},
		}}
		set := func(p sim.Push) {
			if err := cam.SetPush(p); err != nil {
				t.Fatal(err)
			}
		}
		var mu sync.Mutex // guards said
		var said []string
		h := newHealth(&config.Site{Cameras: []config.Camera{{Name: "gate"}}}, time.Now, func(n cameraNews) {
			mu.Lock()
			defer mu.Unlock()
			said = append(said, saidOf(n))
		})
		var posting atomic.Bool
		w := &pushWatch{
			name: "gate", device: deviceAt(t, cam), port: 5002, health: h, back: h.cams[0].back, posting: posting.Load,
			local: func() []netip.Addr { return []netip.Addr{netip.MustParseAddr("10.0.0.2")} },
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); w.run(ctx) }()
		pass := func(d time.Duration, want ...string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(said, want) {
				t.Errorf("got %q, want %q", said, want)
			}
			said = nil
		}
		const lost = "+ gate: its push set-up is gone, as after a factory reset, so it does not post to us any more: sallyport camera subscribe gate"
		const back = "- gate: it is set up to post to us again"
		// Another machine's: not ours, and not missed.
		set(push)
		pass(11 * time.Minute)
		set(sim.Push{})
		pass(11 * time.Minute)
		// Our address.
		push.Slots[0].Domain = "10.0.0.2"
		set(push)
		pass(11 * time.Minute)
		set(sim.Push{})
		pass(30*time.Minute, lost)
		set(push)
		pass(11*time.Minute, back)
		push.Slots[0].On = false
		set(push)
		h.presence(engine.Presence{Camera: "gate", Online: true}) // it was started anew
		pass(6*time.Second, lost)
		// By a name that we do not know, but posts come.
		posting.Store(true)
		push.Slots[0].On, push.Slots[0].Domain = true, "sallyport.lan"
		set(push)
		pass(11*time.Minute, back)
		// An address that is not ours any more, but was.
		posting.Store(false)
		pass(11 * time.Minute)
		cancel()
		<-done
	})
}

// TestProblemsOfCamerasAreJournaled: a person finds them there.
func TestProblemsOfCamerasAreJournaled(t *testing.T) {
	dir := t.TempDir()
	j, err := journal.Open(journal.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	l := newJournaling(j, nil)
	at := engine.Instant{Wall: time.Date(2026, 3, 2, 22, 0, 0, 0, time.UTC)}
	l.camera(cameraNews{at: at, camera: "gate", kind: badOffline, text: "is offline: nothing for 3 heartbeats (92 s)"})
	l.camera(cameraNews{at: at, camera: "gate", kind: badOffline, text: "is online again", over: true})
	l.camera(cameraNews{at: at, camera: "gate", kind: badClock, text: "its clock is 40 s behind: set NTP in the camera"})
	if err := j.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := journal.OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	list, _, err := r.List(t.Context(), journal.Query{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range list {
		var b strings.Builder
		writeEntry(&b, &list[i], time.UTC)
		got = append(got, b.String())
	}
	want := []string{
		"2026-03-02 22:00:00.000  1      event      camera gate is offline: nothing for 3 heartbeats (92 s)",
		"2026-03-02 22:00:00.000  2      event      camera gate is online again",
		"2026-03-02 22:00:00.000  3      event      camera gate its clock is 40 s behind: set NTP in the camera",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %s", strings.Join(got, "\n     "))
	}
	const body = `{"kind":"camera","camera":"gate","online":true,"problem":"offline","over":true,"text":"is online again"}`
	if len(list) == 3 && string(list[1].Body) != body {
		t.Errorf("body %s, want %s", list[1].Body, body)
	}
}

// The whole program with a camera that refuses the login: a line, the log, the API; and
// a device that hangs does not hold up the stop.
func TestProblemsOfCamerasAreShown(t *testing.T) {
	cam := sim.NewCamera(sim.Options{Identity: gateCamera, Username: "admin", Password: "pw"})
	device := httptest.NewServer(cam)
	defer device.Close()
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer hang.Close()
	s := startSite(t, rulesText, func(svc *service) {
		svc.site.Cameras[0].URL, svc.site.Cameras[0].Poll = hang.URL, time.Second
		svc.site.Cameras[1].URL, svc.site.Cameras[1].Poll = device.URL, time.Second
	})
	s.out.await("  camera     gate refuses the login, and is asked again in 10 minutes (")
	s.err.await(`msg="a camera is not well" camera=gate`)
	_, body := s.get("/api/v1/cameras/gate")
	if !strings.Contains(body, `"problems":[{"kind":"login","text":"refuses the login, and is asked again in 10 minutes (`) || !strings.Contains(body, `"since":"`) {
		t.Errorf("the API gives %s", body)
	}
	begin := time.Now()
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("the stop took %v", took)
	}
}

// A frame costs nothing here.
func TestHealthOfAFrameAllocatesNothing(t *testing.T) {
	w := newWard(t, config.Camera{Name: "front"}, config.Camera{Name: "gate"})
	ev := &engine.Event{Kind: engine.KindTarget, Camera: "gate"}
	if n := testing.AllocsPerRun(1000, func() { w.posted(time.Second, time.Time{}, ev) }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}
