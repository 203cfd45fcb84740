package sim_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/viewtron"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// receiver is where a camera posts to: it notes what came, when and where.
type receiver struct {
	start time.Time
	mu    sync.Mutex // covers the fields below
	lines []string
	last  map[string][]byte // body by kind
}

func (r *receiver) RoundTrip(q *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	var p viewtron.Post
	if err := viewtron.Decode(b, &p); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	line := fmt.Sprintf("%v %s %s", time.Since(r.start).Round(time.Millisecond), q.URL, summary(&p))
	r.lines = append(r.lines, line)
	if r.last == nil {
		r.last = map[string][]byte{}
	}
	r.last[p.Kind.String()] = b
	return ok(), nil
}

// seen gives what came, without frames, which are counted.
func (r *receiver) seen() (lines []string, frames int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.lines {
		if strings.Contains(l, " target ") {
			frames++
			continue
		}
		lines = append(lines, l)
	}
	return lines, frames
}

func (r *receiver) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = nil
}

func (r *receiver) wants(t *testing.T, frames int, want ...string) {
	t.Helper()
	synctest.Wait()
	lines, n := r.seen()
	if n != frames {
		t.Errorf("%d frames, want %d", n, frames)
	}
	if !slices.Equal(lines, want) {
		t.Errorf("posts\n got %s\nwant %s", strings.Join(lines, "\n     "), strings.Join(want, "\n     "))
	}
}

// walk is a person who goes into the default zone, stays, and leaves it again.
func walk(stay time.Duration) sim.Scene {
	d := func(v time.Duration) sim.Duration { return sim.Duration(v) }
	return sim.Scene{Cameras: []sim.CameraScene{{
		Identity: sim.Identity{Name: "porch"},
		Targets: []sim.Track{{ID: 7, Class: "person", At: d(time.Second), From: sim.Point{1000, 9000}, Moves: []sim.Move{
			{To: &sim.Point{5000, 9000}, Over: d(2 * time.Second)}, {Stay: d(stay)}, {To: &sim.Point{1000, 9000}, Over: d(2 * time.Second)},
		}}},
	}}}
}

// living runs a camera in a bubble and gives what it posts to.
func living(t *testing.T, o sim.Options, s sim.Scene) (*sim.Camera, *receiver) {
	t.Helper()
	r := &receiver{start: time.Now()}
	o.Transport = r
	o.Location = time.UTC
	if o.Name == "" {
		o.Identity = sim.Identity{Name: "porch", MAC: "58:5b:69:00:00:01"}
	}
	cam := sim.NewCamera(o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- cam.Run(ctx, s) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	return cam, r
}

func slot(t *testing.T, id int, url string, data, events []string) sim.PushSlot {
	t.Helper()
	s, err := sim.SlotTo(id, url)
	if err != nil {
		t.Fatal(err)
	}
	s.Data, s.Events = data, events
	return s
}

func TestNothingIsPostedBeforeItIsConfigured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam, r := living(t, sim.Options{SmartTrack: true}, walk(5*time.Second))
		time.Sleep(5 * time.Second)
		r.wants(t, 0)
		if err := cam.SetPush(sim.Push{Slots: []sim.PushSlot{slot(t, 2, "http://here:5002/API", []string{"traject"}, []string{"PERIMETER"})}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30*time.Second + 500*time.Millisecond)
		r.wants(t, 35, "5s http://here:5002/API heartbeat v2 device=porch/58:5b:69:00:00:01", "35s http://here:5002/API heartbeat v2 device=porch/58:5b:69:00:00:01")
		cam.FactoryReset()
		r.clear()
		time.Sleep(2 * time.Minute)
		r.wants(t, 0)
	})
}

const here = "http://here:5002/API"

func TestTrajectoriesNeedTheirTickTheirRebootAndThePerimeter(t *testing.T) {
	everything := func(t *testing.T, cam *sim.Camera) {
		t.Helper()
		s, err := sim.SlotTo(1, here)
		if err != nil {
			t.Fatal(err)
		}
		if err := cam.SetPush(sim.Push{Slots: []sim.PushSlot{s}}); err != nil {
			t.Fatal(err)
		}
	}
	frames := func(r *receiver) bool {
		synctest.Wait()
		r.clear()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		_, n := r.seen()
		return n > 0
	}
	synctest.Test(t, func(t *testing.T) {
		cam, r := living(t, sim.Options{}, walk(time.Hour))
		everything(t, cam)
		if frames(r) {
			t.Error("frames without the tick")
		}
		cam.SetSmartTrack(true)
		if !frames(r) {
			t.Error("no frames with the tick")
		}
		if err := cam.SetDetector("perimeter", false); err != nil {
			t.Fatal(err)
		}
		if frames(r) {
			t.Error("frames with the perimeter detection off")
		}
		if err := cam.SetDetector("perimeter", true); err != nil {
			t.Fatal(err)
		}
		if !frames(r) {
			t.Error("no frames with the perimeter detection on again")
		}
		cam.SetSmartTrack(false)
		if frames(r) {
			t.Error("frames after the tick was taken away")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		cam, r := living(t, sim.Options{NeedsReboot: true}, walk(time.Hour))
		everything(t, cam)
		cam.SetSmartTrack(true)
		if frames(r) {
			t.Error("frames before the reboot")
		}
		cam.Reboot()
		r.clear()
		time.Sleep(29 * time.Second)
		if lines, n := r.seen(); len(lines)+n > 0 {
			t.Errorf("%d posts during the reboot", len(lines)+n)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if lines, _ := r.seen(); len(lines) == 0 || !strings.Contains(lines[0], " heartbeat ") {
			t.Errorf("after the reboot there is no heartbeat: %s", lines)
		}
		if !frames(r) {
			t.Error("no frames after the reboot")
		}
		cam.FactoryReset()
		everything(t, cam)
		if frames(r) {
			t.Error("the tick outlived a factory reset")
		}
	})
}

// The camera finds out by itself who is in its zone; the alarm ends with its hold
// time though somebody is still there, and comes again after a gap.
func TestAlarmsHaveTheirHoldTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam, r := living(t, sim.Options{API: sim.API19}, walk(40*time.Second))
		if err := cam.SetHold("perimeter", 15*time.Second); err != nil {
			t.Fatal(err)
		}
		if err := cam.SetPush(sim.Push{Slots: []sim.PushSlot{slot(t, 1, here, []string{"alarmStatus", "smartData"}, []string{"PERIMETER"})}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if w := ask(cam, "POST", "/ManualAlarmOut", "", "", `<config><action><status>true</status></action></config>`); w.Code != 200 {
			t.Fatal(w.Body)
		}
		status := func() string {
			b := ask(cam, "GET", "/GetAlarmStatus", "", "", "").Body.String()
			i := strings.Index(b, "<perimeterAlarm")
			return b[i : i+strings.Index(b[i:], "</")]
		}
		for _, want := range []string{"2s true true", "16s true true", "17s false false", "27s true false", "43s false false"} {
			var at time.Duration
			var on, out bool
			if _, err := fmt.Sscanf(want, "%s %t %t", new(string), &on, &out); err != nil {
				t.Fatal(err)
			}
			at, _ = time.ParseDuration(strings.Fields(want)[0])
			time.Sleep(at - time.Since(r.start))
			synctest.Wait()
			if got := fmt.Sprintf("%v %t %t", at, strings.HasSuffix(status(), ">true"), cam.Output(1)); got != want {
				t.Errorf("time, alarm and output are %s, want %s", got, want)
			}
		}
		time.Sleep(time.Second)
		r.wants(t, 0,
			"0s "+here+" heartbeat v1 device=porch/58:5b:69:00:00:01",
			"1.571s "+here+" intrusion v1 device=porch/58:5b:69:00:00:01 1 start 7 person {1792 6800 2492 9000 true} zone=4",
			"1.571s "+here+" alarm v1 device=porch/58:5b:69:00:00:01 perimeter/1=true",
			"16.571s "+here+" alarm v1 device=porch/58:5b:69:00:00:01 perimeter/1=false",
			"26.571s "+here+" alarm v1 device=porch/58:5b:69:00:00:01 perimeter/1=true",
			"30s "+here+" heartbeat v1 device=porch/58:5b:69:00:00:01",
			"41.571s "+here+" alarm v1 device=porch/58:5b:69:00:00:01 perimeter/1=false",
		)
	})
}

func TestASlotGetsWhatItSubscribedTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		demo := sim.DemoScene().Cameras[0]
		demo.Heartbeat = 0
		cam, r := living(t, sim.Options{SmartTrack: true}, sim.Scene{Cameras: []sim.CameraScene{demo}})
		quiet := slot(t, 3, "http://third/", []string{"alarmStatus", "smartData", "traject"}, []string{"TRIPWIRE", "VSD"})
		quiet.Heartbeat = false
		off := slot(t, 2, "http://second/", []string{"traject"}, []string{"ALL"})
		off.On = false
		first := slot(t, 1, "http://first/", []string{"smartData", "targetImage"}, []string{"PERIMETER"})
		first.Interval = 120 * time.Second
		p := sim.Push{
			Slots: []sim.PushSlot{first, off, quiet},
			V1:    sim.PushV1{On: true, Server: "10.0.0.9", Port: 80, Path: "/old", Interval: 45 * time.Second},
		}
		if err := cam.SetPush(p); err != nil {
			t.Fatal(err)
		}
		time.Sleep(60 * time.Second)
		synctest.Wait()
		lines, frames := r.seen()
		slices.Sort(lines) // two slots of one moment come in no order
		want := []string{
			"0s http://10.0.0.9:80/old heartbeat v2 device=porch/58:5b:69:00:00:01",
			"0s http://first:80/ heartbeat v2 device=porch/58:5b:69:00:00:01",
			"13.7s http://10.0.0.9:80/old alarm v1 device=porch/58:5b:69:00:00:01 perimeter/1=false",
			"3.5s http://10.0.0.9:80/old intrusion v1 device=porch/58:5b:69:00:00:01 220 start 2157 person {2350 6800 3050 9000 true} zone=4",
			"3.5s http://first:80/ intrusion v2 device=porch/58:5b:69:00:00:01 220 2157 person {2350 6800 3050 9000 true} zone=4",
			"3.7s http://10.0.0.9:80/old alarm v1 device=porch/58:5b:69:00:00:01 perimeter/1=true",
			"45s http://10.0.0.9:80/old heartbeat v2 device=porch/58:5b:69:00:00:01",
		}
		if frames != 0 || !slices.Equal(lines, want) {
			t.Errorf("%d frames\n got %s\nwant %s", frames, strings.Join(lines, "\n     "), strings.Join(want, "\n     "))
		}
		var post viewtron.Post
		if err := viewtron.Decode(r.last["intrusion"], &post); err != nil {
			t.Fatal(err)
		}
		// Both slots got one; the one without sourceImage has the target's picture only.
		if v2 := post.Dialect.String() == "v2"; post.Scene.Known() == v2 || !post.Crop.Known() {
			t.Errorf("%s has scene %v, crop %v", post.Dialect, post.Scene.Known(), post.Crop.Known())
		}
		// A client that writes its own slot only takes the others away.
		body := `<config version="1.0" xmlns="http://www.ipc.com/ver10"><httpPostV2><postUrlConf><urlList type="list" count="1"><item><urlId>1</urlId><switch>true</switch>` +
			`<url><protocol>http</protocol><domain><![CDATA[mine]]></domain><port>5002</port><path><![CDATA[/c/x]]></path><authentication>none</authentication></url>` +
			`<heatBeatSwitch>true</heatBeatSwitch><keepaliveTimeval>30</keepaliveTimeval><subscribeDateType type="list" count="1"><item>traject</item></subscribeDateType>` +
			`<subscriptionEvents type="list" count="1"><item>ALL</item></subscriptionEvents></item></urlList></postUrlConf></httpPostV2></config>`
		if w := ask(cam, "POST", "/SetHttpPostConfig", "", "", body); w.Code != 200 || !strings.Contains(w.Body.String(), `status="success"`) {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if got := cam.Push(); len(got.Slots) != 1 || got.Slots[0].Domain != "mine" || !got.V1.On {
			t.Errorf("%+v", got)
		}
	})
}

func TestPushConfigurationsThatACameraRefuses(t *testing.T) {
	item := func(id, interval, data, event string) string {
		return `<item><urlId>` + id + `</urlId><switch>true</switch><url><protocol>http</protocol><domain>here</domain><port>80</port><path>/</path></url><keepaliveTimeval>` + interval +
			`</keepaliveTimeval><subscribeDateType><item>` + data + `</item></subscribeDateType><subscriptionEvents><item>` + event + `</item></subscriptionEvents></item>`
	}
	list := func(items ...string) string {
		return `<config><httpPostV2><postUrlConf><urlList>` + strings.Join(items, "") + `</urlList></postUrlConf></httpPostV2></config>`
	}
	good := item("1", "30", "traject", "ALL")
	for _, c := range []struct{ name, body, v2, v1 string }{
		{"nothing", `<config></config>`, `errorCode="15"`, `errorCode="3"`},
		{"slot 4", list(item("4", "30", "traject", "ALL")), `errorCode="16"`, `errorCode="3"`},
		{"four slots", list(good, good, good, good), `errorCode="19"`, `errorCode="3"`},
		{"a slot twice", list(good, good), `errorCode="16"`, `errorCode="3"`},
		{"an interval of 10 s", list(item("1", "10", "traject", "ALL")), `errorCode="16"`, `errorCode="3"`},
		{"no such data", list(item("1", "30", "video", "ALL")), `errorCode="16"`, `errorCode="3"`},
		{"no such event", list(item("1", "30", "traject", "FIRE")), `errorCode="16"`, `errorCode="3"`},
		{"no host", strings.Replace(list(good), "<domain>here</domain>", "", 1), `errorCode="15"`, `errorCode="3"`},
		{"port 0", strings.Replace(list(good), "<port>80</port>", "", 1), `errorCode="16"`, `errorCode="3"`},
		{"a port in words", strings.Replace(list(good), "80", "http", 1), `errorCode="16"`, `errorCode="16"`},
		{"good", list(good), `errorCode="0"`, `status="success"`},
		{"empty list", list(), `errorCode="0"`, `status="success"`},
	} {
		for api, want := range map[sim.API]string{sim.API21: c.v2, sim.API19: c.v1} {
			cam := sim.NewCamera(sim.Options{API: api})
			if w := ask(cam, "POST", "/SetHttpPostConfig", "", "", c.body); w.Code != 200 || !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s on %s: %d %s, want %s", c.name, api, w.Code, w.Body, want)
			}
		}
	}
	cam := sim.NewCamera(sim.Options{NoPushV2: true})
	if w := ask(cam, "GET", "/GetHttpPostConfig", "", "", ""); strings.Contains(w.Body.String(), "httpPostV2") {
		t.Errorf("a camera without V2 has %s", w.Body)
	}
	if w := ask(cam, "POST", "/SetHttpPostConfig", "", "", list(good)); !strings.Contains(w.Body.String(), `errorCode="15"`) {
		t.Errorf("a camera without V2 takes it: %s", w.Body)
	}
	if _, err := sim.SlotTo(1, "here:5002"); err == nil || err.Error() != `"here:5002": there is no host (try http://192.168.0.10:5002/API)` {
		t.Errorf("SlotTo: %v", err)
	}
}

func TestPlatesAreSentWithTheListTheyAreOnThen(t *testing.T) {
	read := func(at time.Duration, number string) sim.TimedRead {
		return sim.TimedRead{At: sim.Duration(at), PlateRead: sim.PlateRead{Number: number, Heading: "approach"}}
	}
	scene := sim.Scene{Cameras: []sim.CameraScene{{Identity: sim.Identity{Name: "porch"},
		Reads: []sim.TimedRead{read(time.Second, "GUEST"), read(90*time.Second, "GUEST"), read(100*time.Second, "OTHER")}}}}
	for format, want := range map[string][]string{
		"v1": {" plate=GUEST temporary approach 99", " plate=GUEST approach 99", " plate=OTHER approach 99"},
		"v2": {" plate=GUEST temporary 0", " plate=GUEST 0", " plate=OTHER 0"},
	} {
		synctest.Test(t, func(t *testing.T) {
			cam, r := living(t, sim.Options{LongClock: true}, scene)
			if err := cam.Put(sim.ListEntry{Number: "GUEST", Group: "temporaryList", Owner: "Bo", End: time.Now().Add(time.Minute)}); err != nil {
				t.Fatal(err)
			}
			p := sim.Push{V1: sim.PushV1{On: true, Server: "here", Port: 5002, Path: "/API", Interval: 120 * time.Second}}
			if format == "v2" {
				s := slot(t, 1, here, []string{"smartData", "sourceImage", "targetImage"}, []string{"ALL"})
				s.Heartbeat = false
				p = sim.Push{Slots: []sim.PushSlot{s}}
			}
			if err := cam.SetPush(p); err != nil {
				t.Fatal(err)
			}
			time.Sleep(110 * time.Second)
			synctest.Wait()
			lines, _ := r.seen()
			lines = slices.DeleteFunc(lines, func(l string) bool { return strings.Contains(l, " heartbeat ") })
			if len(lines) != 3 {
				t.Fatal(lines)
			}
			for i, l := range lines {
				if !strings.Contains(l, " "+format+" ") || !strings.Contains(l, want[i]) {
					t.Errorf("%s\nwant %s%s", l, format, want[i])
				}
			}
			var post viewtron.Post
			if err := viewtron.Decode(r.last["plate"], &post); err != nil {
				t.Fatal(err)
			}
			// Pictures of plates come over the older push only; a clock of 20 digits is none.
			if !post.Crop.Known() != (format == "v2") || !post.Time.IsZero() {
				t.Errorf("%s: no picture %v, time %v", format, !post.Crop.Known(), post.Time)
			}
		})
	}
}

func TestARecorderPostsItsChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		scene := sim.DemoScene()
		cam, r := living(t, sim.Options{Identity: sim.Identity{Name: "nvr", MAC: "58:5b:69:00:00:0f"}, Recorder: true, SmartTrack: true, API: sim.API20}, scene)
		// Nobody sets a recorder up by a command.
		if w := ask(cam, "GET", "/GetHttpPostConfig", "", "", ""); w.Code != 400 {
			t.Errorf("GetHttpPostConfig: %d", w.Code)
		}
		if err := cam.SetPush(sim.Push{Slots: []sim.PushSlot{slot(t, 1, here, []string{"alarmStatus", "smartData", "traject"}, []string{"ALL"})}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(4 * time.Second)
		if err := cam.SetChannel(3, false); err != nil {
			t.Fatal(err)
		}
		if w := ask(cam, "GET", "/GetAlarmStatus", "", "", ""); !strings.Contains(w.Body.String(), `<alarmStatusInfo><chlOfflineAlarm><item id="3">true</item></chlOfflineAlarm><perimeterAlarm><item id="1">true</item></perimeterAlarm></alarmStatusInfo>`) {
			t.Errorf("alarms: %s", w.Body)
		}
		if w := ask(cam, "GET", "/GetChannelInfo", "", "", ""); !strings.Contains(w.Body.String(), `<channelId>3</channelId><name>channel3</name><status>offline</status>`) {
			t.Errorf("channels: %s", w.Body)
		}
		if w := ask(cam, "GET", "/TriggerVirtualAlarm/18", "", "", ""); !strings.Contains(w.Body.String(), `errorCode="0"`) {
			t.Errorf("virtual alarm: %s", w.Body)
		}
		if w := ask(cam, "GET", "/TriggerVirtualAlarm/16", "", "", ""); !strings.Contains(w.Body.String(), `errorCode="6"`) {
			t.Errorf("a contact as a virtual alarm: %s", w.Body)
		}
		time.Sleep(6 * time.Second)
		r.wants(t, 0,
			"0s "+here+" heartbeat v2 device=nvr/58:5b:69:00:00:0f",
			"3.5s "+here+" intrusion v2 device=nvr/58:5b:69:00:00:0f/1 220 2157 person {2350 6800 3050 9000 true} zone=4",
			"3.7s "+here+" alarm v2 device=nvr/58:5b:69:00:00:0f/1 perimeter/1=true",
			"4s "+here+" alarm v2 device=nvr/58:5b:69:00:00:0f/3 chl_offline/3=true",
			"4s "+here+" alarm v2 device=nvr/58:5b:69:00:00:0f sensor/18=true",
			"6s "+here+" intrusion v2 device=nvr/58:5b:69:00:00:0f/2 2 31 car {3800 2900 6200 4500 true} zone=4",
			"6s "+here+" alarm v2 device=nvr/58:5b:69:00:00:0f/2 perimeter/2=true",
			"7.571s "+here+" line_crossing v2 device=nvr/58:5b:69:00:00:0f/2 3 31 car {3800 4471 6200 6071 true} line",
			"8s "+here+" plate v2 device=nvr/58:5b:69:00:00:0f/2 plate=ABC1234 allow 0 Tesla {4599 6796 5297 7194 true}",
			"8.6s "+here+" plate v2 device=nvr/58:5b:69:00:00:0f/2 plate=ABC1234 allow 0 Tesla {4599 6796 5297 7194 true}",
		)
	})
}
