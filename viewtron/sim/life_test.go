package sim_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/viewtron/sim"
)

// track is one target that goes from a point to another in 4 s.
func track(class string, from, to sim.Point) sim.Scene {
	return sim.Scene{Cameras: []sim.CameraScene{{Identity: sim.Identity{Name: "porch"}, Targets: []sim.Track{
		{ID: 7, Class: class, From: from, Moves: []sim.Move{{To: &to, Over: sim.Duration(4 * time.Second)}}},
	}}}}
}

func TestLinesHaveADirection(t *testing.T) {
	left, right, top, bottom := sim.Point{1000, 6000}, sim.Point{9000, 6000}, sim.Point{5000, 3000}, sim.Point{5000, 9000}
	for _, c := range []struct {
		name               string
		from, to           sim.Point
		lineFrom, lineTo   sim.Point
		rightortop, leftor bool
	}{
		{"to the right", left, right, sim.Point{5000, 0}, sim.Point{5000, 10000}, true, false},
		{"to the right, the line drawn upwards", left, right, sim.Point{5000, 10000}, sim.Point{5000, 0}, true, false},
		{"to the left", right, left, sim.Point{5000, 0}, sim.Point{5000, 10000}, false, true},
		{"up", bottom, top, sim.Point{0, 6000}, sim.Point{10000, 6000}, true, false},
		{"down, the line drawn from the right", top, bottom, sim.Point{10000, 6000}, sim.Point{0, 6000}, false, true},
		{"beside the line", top, bottom, sim.Point{6000, 6000}, sim.Point{10000, 6000}, false, false},
	} {
		for direction, want := range map[string]bool{"rightortop": c.rightortop, "leftorbotton": c.leftor, "none": c.rightortop || c.leftor} {
			synctest.Test(t, func(t *testing.T) {
				cam, r := living(t, sim.Options{}, track("motor", c.from, c.to))
				for _, d := range []string{"tripwire", "line_count"} {
					if err := cam.SetLine(d, 1, c.lineFrom, c.lineTo, direction); err != nil {
						t.Fatal(err)
					}
				}
				if err := cam.SetPush(sim.Push{Slots: []sim.PushSlot{slot(t, 1, here, []string{"smartData"}, []string{"TRIPWIRE"})}}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Second)
				synctest.Wait()
				lines, _ := r.seen()
				if got := strings.Count(strings.Join(lines, "\n"), " line_crossing "); (got == 1) != want || got > 1 {
					t.Errorf("%s over a line of %s: %d crossings, want %v", c.name, direction, got, want)
				}
				in, out := 0, 0
				if c.rightortop && direction != "leftorbotton" || c.leftor && direction == "leftorbotton" {
					in = 1
				} else if c.rightortop || c.leftor {
					out = 1
				}
				want := fmt.Sprintf(`<entranceCount><person>0</person><car>0</car><bike>%d</bike></entranceCount><exitCount><person>0</person><car>0</car><bike>%d</bike></exitCount>`, in, out)
				if w := ask(cam, "GET", "/GetPassLineCountStatistics", "", "", ""); !strings.Contains(w.Body.String(), want) {
					t.Errorf("%s over a line of %s: %s, want %s", c.name, direction, w.Body, want)
				}
			})
		}
	}
}

func TestEveryDetectorReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zone := []sim.Point{{3000, 5000}, {7000, 5000}, {7000, 10000}, {3000, 10000}}
		cam, r := living(t, sim.Options{Detections: []sim.Detection{
			{Detector: "perimeter", On: true, Classes: []string{"person"}, Regions: [][]sim.Point{zone}},
			{Detector: "region_entry", On: true, Regions: [][]sim.Point{nil, zone}}, {Detector: "region_exit", On: true, Regions: [][]sim.Point{zone}},
			{Detector: "loitering", On: true, Regions: [][]sim.Point{zone}}, {Detector: "parking", On: true, Regions: [][]sim.Point{zone}},
			{Detector: "tripwire", On: false, Lines: []sim.Line{{From: sim.Point{5000, 0}, To: sim.Point{5000, 10000}}}},
		}}, sim.Scene{})
		if err := cam.SetPush(sim.Push{Slots: []sim.PushSlot{slot(t, 1, here, []string{"smartData"}, []string{"ALL"})}}); err != nil {
			t.Fatal(err)
		}
		stay := func(class string) sim.Scene {
			s := track(class, sim.Point{1000, 9000}, sim.Point{5000, 9000})
			s.Cameras[0].Targets[0].Moves = append(s.Cameras[0].Targets[0].Moves, sim.Move{Stay: sim.Duration(15 * time.Second)}, sim.Move{To: &sim.Point{9000, 9000}, Over: sim.Duration(4 * time.Second)})
			return s
		}
		time.Sleep(time.Second)
		if err := cam.Show(stay("person")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(24 * time.Second)
		if err := cam.Show(stay("car")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(24 * time.Second)
		synctest.Wait()
		lines, _ := r.seen()
		var got []string
		for _, l := range lines {
			if f := strings.Fields(l); f[2] != "heartbeat" {
				got = append(got, f[2])
			}
		}
		if want := "intrusion region_entry loitering region_exit region_entry parking region_exit"; strings.Join(got, " ") != want {
			t.Errorf("events %q, want %q\n%s", strings.Join(got, " "), want, strings.Join(lines, "\n"))
		}
	})
}

func TestASceneIsPlayedAgainWithNewTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, r := living(t, sim.Options{Loop: 6 * time.Second, SmartTrack: true, API: sim.API19}, sim.Scene{})
		r.wants(t, 0)
	})
	synctest.Test(t, func(t *testing.T) {
		cam, r := living(t, sim.Options{Loop: 6 * time.Second}, track("person", sim.Point{1000, 9000}, sim.Point{5000, 9000}))
		if err := cam.SetPush(sim.Push{Slots: []sim.PushSlot{slot(t, 1, here, []string{"smartData"}, []string{"ALL"})}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Second)
		r.wants(t, 0,
			"0s "+here+" heartbeat v2 device=porch/58:5b:69:00:00:01",
			"1s "+here+" intrusion v2 device=porch/58:5b:69:00:00:01 1 7 person {1650 6800 2350 9000 true} zone=4",
			"11s "+here+" intrusion v2 device=porch/58:5b:69:00:00:01 2 1007 person {1650 6800 2350 9000 true} zone=4",
		)
	})
}

func TestTheSnapshotShowsWhoIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := sim.NewCamera(sim.Options{})
		if err := cam.Show(track("car", sim.Point{1000, 9000}, sim.Point{5000, 9000})); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		want := sim.Picture([]sim.Target{{ID: 7, Class: "car", Box: sim.Box{1800, 7400, 4200, 9000}}})
		if w := ask(cam, "GET", "/GetSnapshot", "", "", ""); !bytes.Equal(w.Body.Bytes(), want) {
			t.Error("the picture is not that of a car in the middle of its way")
		}
		time.Sleep(time.Minute)
		if w := ask(cam, "GET", "/GetSnapshot/1", "", "", ""); !bytes.Equal(w.Body.Bytes(), sim.Picture(nil)) {
			t.Error("the picture is not empty when the car is gone")
		}
	})
}

func TestScenesThatDoNotFit(t *testing.T) {
	two := sim.DemoScene()
	for _, c := range []struct {
		o    sim.Options
		s    sim.Scene
		want string
	}{
		{sim.Options{Identity: sim.Identity{Name: "attic"}}, two, `the scene has no camera "attic"`},
		{sim.Options{Recorder: true, Channels: 1}, two, "the scene has 2 cameras, the recorder 1 channels"},
		{sim.Options{Identity: sim.Identity{Name: "gate"}, Groups: []sim.Group{}}, two, `the camera has no plate list "whiteList"`},
	} {
		if err := sim.NewCamera(c.o).Run(t.Context(), c.s); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	cam := sim.NewCamera(sim.Options{})
	for _, c := range []struct {
		err  error
		want string
	}{
		{cam.SetRegion("motion", 1, nil), `there is no detector "motion"`},
		{cam.SetRegion("tripwire", 1, nil), "tripwire has no zones"},
		{cam.SetRegion("perimeter", 5, nil), "perimeter has zones 1 to 4, not 5"},
		{cam.SetRegion("plate", 2, nil), "plate has zones 1 to 1, not 2"},
		{cam.SetRegion("perimeter", 1, make([]sim.Point, 9)), "a zone has 3 to 8 points, not 9"},
		{cam.SetRegion("perimeter", 1, []sim.Point{{0, 0}, {1, 1}, {10001, 0}}), "[10001 0] is not on the frame (0..10000)"},
		{cam.SetLine("perimeter", 1, sim.Point{}, sim.Point{}, "none"), "perimeter has no lines"},
		{cam.SetLine("tripwire", 1, sim.Point{}, sim.Point{}, "left"), `direction "left" is none of none, rightortop, leftorbotton`},
		{cam.SetHold("perimeter", time.Millisecond), "a hold time of 1ms is not 1s to 10m"},
		{cam.SetAlarm("x><", 1, true), `"x><" is not an alarm's element name (try "motionAlarm")`},
		{cam.SetChannel(1, false), "there is no channel 1"},
		{cam.SetPush(sim.Push{Slots: make([]sim.PushSlot, 4)}), "4 slots; a camera has 3"},
		{cam.SetPush(sim.Push{V1: sim.PushV1{On: true}}), "httpPost: there is no host"},
	} {
		if c.err == nil || c.err.Error() != c.want {
			t.Errorf("%v, want %s", c.err, c.want)
		}
	}
}

func TestACameraIsServedWithItsCertificateAndItsFaults(t *testing.T) {
	cert, err := sim.SelfSigned("front", "127.0.0.1", "front.lan")
	if err != nil {
		t.Fatal(err)
	}
	again, err := sim.SelfSigned("front", "127.0.0.1", "front.lan")
	if err != nil {
		t.Fatal(err)
	}
	other, err := sim.SelfSigned("back", "127.0.0.1", "front.lan")
	if err != nil {
		t.Fatal(err)
	}
	if a, b, c := sim.Fingerprint(cert), sim.Fingerprint(again), sim.Fingerprint(other); a != b || a == c || len(a) != 95 {
		t.Errorf("fingerprints %s, %s, %s", a, b, c)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex // covers log
	var log []string
	faults := map[string]sim.Fault{"GetChannelInfo": {Lost: true}, "GetAlarmInInfo": {Drop: true}}
	cam := sim.NewCamera(sim.Options{
		Fault: sim.Faults(sim.Unknown("GetAlarmStatus"), func(c string, _ *http.Request) sim.Fault { return faults[c] }),
		Watch: func(a sim.Activity) {
			mu.Lock()
			defer mu.Unlock()
			log = append(log, fmt.Sprintf("%s %d %d %v", a.Command, a.Status, a.Code, a.Err))
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- cam.ServeTLS(ctx, l, cert) }()
	hc := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
		if !bytes.Equal(s.PeerCertificates[0].Raw, cert.Certificate[0]) {
			t.Error("it shows another certificate")
		}
		return nil
	}}}}
	get := func(command string) string {
		r, err := hc.Get("https://" + l.Addr().String() + "/" + command)
		if err != nil {
			return "cut"
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return err.Error()
		}
		return fmt.Sprintf("%d %t", r.StatusCode, len(b) > 0)
	}
	for command, want := range map[string]string{"GetDeviceInfo": "200 true", "GetAlarmStatus": "400 false", "GetChannelInfo": "cut", "GetAlarmInInfo": "cut", "Nothing": "400 true"} {
		if got := get(command); got != want {
			t.Errorf("%s: %s, want %s", command, got, want)
		}
	}
	cam.Reboot()
	if got := get("GetDeviceInfo"); got != "cut" {
		t.Errorf("while it reboots: %s", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"GetDeviceInfo 200 0 <nil>", "GetAlarmStatus 400 0 <nil>", "GetChannelInfo 0 0 the answer was lost", "GetAlarmInInfo 0 0 the connection was dropped", "Nothing 400 1 <nil>"} {
		if strings.Count(strings.Join(log, "\n"), want) != 1 {
			t.Errorf("%q is missing in %q", want, log)
		}
	}
}

func TestFaultsAddUp(t *testing.T) {
	f := sim.Faults(sim.Slow(time.Second), sim.Slow(2*time.Second), sim.Drops(1, 1), sim.Loses(1, 1))("GetDeviceInfo", nil)
	if f != (sim.Fault{Delay: 3 * time.Second, Drop: true}) {
		t.Errorf("%+v", f)
	}
	n := 0
	half := sim.Drops(0.5, 7)
	for range 1000 {
		if half("", nil).Drop {
			n++
		}
	}
	if n < 450 || n > 550 {
		t.Errorf("%d of 1000 were dropped", n)
	}
}

// Recorders write the whole URL in the request line and close each connection;
// cameras keep theirs. Some firmware's heartbeats are empty.
func TestPostsTravelAsThoseOfTheirKind(t *testing.T) {
	for _, recorder := range []bool{true, false} {
		came := make(chan string, 8)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			came <- fmt.Sprintf("%s close=%t %q %d", r.RequestURI, r.Close, r.Header.Get("Content-Type"), len(b))
		})}
		go func() { _ = srv.Serve(l) }()
		to := "http://" + l.Addr().String()
		cam := sim.NewCamera(sim.Options{Recorder: recorder, EmptyHeartbeats: true})
		s, err := sim.SlotTo(1, to+"/c/token")
		if err != nil {
			t.Fatal(err)
		}
		if err := cam.SetPush(sim.Push{Slots: []sim.PushSlot{s}}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- cam.Run(ctx, sim.Scene{}) }()
		want := `/c/token close=false "" 0`
		if recorder {
			want = to + `/c/token close=true "" 0`
		}
		select {
		case got := <-came:
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Error("no heartbeat")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		srv.Close()
	}
}
