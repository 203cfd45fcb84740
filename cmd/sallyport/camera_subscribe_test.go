package main

import (
	"context"
	"net/http"
	"net/netip"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/viewtron/sim"
	"github.com/sallyport/sallyport/web"
)

// slot makes a slot of a camera's push.
func slot(t *testing.T, id int, to string) sim.PushSlot {
	t.Helper()
	s, err := sim.SlotTo(id, to)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSubscribeKeepsOtherSlots: our slot is written, the user's own stay as they are.
func TestSubscribeKeepsOtherSlots(t *testing.T) {
	p := newPlace(t, sim.Options{}, "")
	mine := slot(t, 1, "http://10.0.0.7:80/API") // the same path as ours, another place
	mine.Data, mine.Interval = []string{"smartData"}, 90*time.Second
	off := slot(t, 2, "https://10.0.0.8:443/x")
	off.On = false
	if err := p.cam.SetPush(sim.Push{Slots: []sim.PushSlot{mine, off}}); err != nil {
		t.Fatal(err)
	}
	before := p.cam.Push()
	code, out, errs := p.run("subscribe", "porch", "--dry-run", "--images", "--events", "PERIMETER,TRIPWIRE")
	ours := "slot 3: on, http://HOME/API, alarmStatus smartData sourceImage targetImage traject, events PERIMETER TRIPWIRE\n"
	words := `it reads plates: their pictures do not come reliably over this push on current firmware; --v1 sets up the one that is for them
slot 1: on, http://10.0.0.7:80/API, smartData, events ALL: stays
slot 2: off, https://10.0.0.8:443/x, alarmStatus traject smartData sourceImage targetImage, events ALL: stays
as asked ` + ours
	said, xml, _ := strings.Cut(p.plain(out), "this would be sent (SetHttpPostConfig):\n")
	want(t, "dry run", code, 0, said+errs, words)
	if n := strings.Count(xml, "<urlId>"); n != 3 || !strings.HasPrefix(xml, "<?xml ") || !strings.Contains(xml, "<port>80</port>") {
		t.Errorf("%d slots in %s", n, xml)
	}
	if p.times("SetHttpPostConfig") != 0 || !reflect.DeepEqual(p.cam.Push(), before) {
		t.Error("a dry run changed the camera")
	}

	code, out, errs = p.run("subscribe", "porch", "--no-wait", "--images", "--events", "PERIMETER,TRIPWIRE")
	want(t, "subscribe", code, 0, p.plain(out)+errs, words+"done, and read back\n")
	after := p.cam.Push()
	if len(after.Slots) != 3 || !reflect.DeepEqual(after.Slots[:2], before.Slots) || !reflect.DeepEqual(after.V1, before.V1) {
		t.Errorf("%+v", after)
	}

	// As it is already: nothing is sent.
	code, out, errs = p.run("subscribe", "porch", "--no-wait", "--images", "--events", "PERIMETER,TRIPWIRE")
	want(t, "again", code, 0, p.plain(out)+errs, words+"it is set up so already; nothing was sent\n")
	if n := p.times("SetHttpPostConfig"); n != 1 {
		t.Errorf("it was set %d times", n)
	}

	// Asked for something else: the same slot is changed.
	code, out, errs = p.run("subscribe", "porch", "--no-wait")
	said = strings.Join(strings.SplitAfter(p.plain(out), "\n")[2:], "")
	want(t, "otherwise", code, 0, said+errs, "now      "+ours+"as asked slot 3: on, http://HOME/API, alarmStatus smartData traject, events ALL\ndone, and read back\n")

	code, out, errs = p.run("subscribe", "porch", "--no-wait", "--slot", "2")
	want(t, "another slot", code, 1, out+errs, "sallyport: camera \"porch\": slot 3 posts here already, and everything would come twice: leave out --slot\n")

	for _, c := range p.sent {
		if !strings.HasPrefix(c, "Get") && c != "SetHttpPostConfig" {
			t.Errorf("%s was sent", c)
		}
	}
}

// TestSubscribeWithoutRoom: no slot of the user's is taken unasked.
func TestSubscribeWithoutRoom(t *testing.T) {
	p := newPlace(t, sim.Options{}, "")
	full := sim.Push{Slots: []sim.PushSlot{slot(t, 1, "http://10.0.0.7:80/a"), slot(t, 2, "http://10.0.0.8:80/b"), slot(t, 3, "http://10.0.0.9:80/c")}}
	for i := range full.Slots {
		full.Slots[i].Data = []string{"smartData"}
	}
	if err := p.cam.SetPush(full); err != nil {
		t.Fatal(err)
	}
	code, out, errs := p.run("subscribe", "porch", "--no-wait")
	want(t, "full", code, 1, out+errs, `sallyport: camera "porch": all its slots are in use, and none is ours:
  slot 1: on, http://10.0.0.7:80/a, smartData, events ALL
  slot 2: on, http://10.0.0.8:80/b, smartData, events ALL
  slot 3: on, http://10.0.0.9:80/c, smartData, events ALL
name the one to take with --slot
`)
	if p.times("SetHttpPostConfig") != 0 {
		t.Error("something was set")
	}
	code, out, errs = p.run("subscribe", "porch", "--no-wait", "--slot", "2")
	want(t, "slot 2", code, 0, p.plain(out)+errs, `slot 1: on, http://10.0.0.7:80/a, smartData, events ALL: stays
slot 3: on, http://10.0.0.9:80/c, smartData, events ALL: stays
now      slot 2: on, http://10.0.0.8:80/b, smartData, events ALL
as asked slot 2: on, http://HOME/API, alarmStatus smartData traject, events ALL
done, and read back
`)
	got := p.cam.Push()
	if !reflect.DeepEqual(got.Slots[0], full.Slots[0]) || !reflect.DeepEqual(got.Slots[2], full.Slots[2]) {
		t.Errorf("%+v", got)
	}
}

// TestSubscribeWithAToken: the camera is told the token, and nobody else.
func TestSubscribeWithAToken(t *testing.T) {
	p := newPlace(t, sim.Options{}, "    token: {env: TOKEN}\n")
	p.env["TOKEN"] = "s3cret"
	code, out, errs := p.run("subscribe", "porch", "--dry-run")
	if code != 0 || strings.Contains(out+errs, "s3cret") || !strings.Contains(out, "<path><![CDATA[/c/***]]></path>") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	code, out, errs = p.run("subscribe", "porch", "--no-wait")
	want(t, "subscribe", code, 0, p.plain(out)+errs, "as asked slot 1: on, http://HOME/c/***, alarmStatus smartData traject, events ALL\ndone, and read back\n")
	if got := p.cam.Push().Slots[0].Path; got != "/c/s3cret" {
		t.Errorf("%q", got)
	}
	code, out, errs = p.run("info", "porch")
	if code != 0 || strings.Contains(out+errs, "s3cret") || !strings.Contains(p.plain(out), "push 1     on, http://HOME/c/*** (this sallyport), ") {
		t.Errorf("%d\n%s%s", code, p.plain(out), errs)
	}
	// Known by the token also when the address changed.
	code, out, errs = p.run("subscribe", "porch", "--no-wait", "--url", "http://10.0.0.2:6000")
	want(t, "elsewhere", code, 0, p.plain(out)+errs, `now      slot 1: on, http://HOME/c/***, alarmStatus smartData traject, events ALL
as asked slot 1: on, http://10.0.0.2:6000/c/***, alarmStatus smartData traject, events ALL
done, and read back
`)
	code, out, errs = p.run("subscribe", "porch", "--no-wait", "--url", "http://10.0.0.2:6000/API")
	want(t, "path", code, 2, out+errs, "sallyport: camera subscribe: --url: the path is the camera's token; leave it out\n")
}

// TestSubscribeByHand: what cannot be set by command is told exactly.
func TestSubscribeByHand(t *testing.T) {
	p := newPlace(t, sim.Options{Recorder: true}, "    token: gate-token\n")
	code, out, errs := p.run("subscribe", "porch")
	warning := regexp.MustCompile(`(?s)^FILE.*?\n(sallyport: )`)
	want(t, "recorder", code, 1, warning.ReplaceAllString(p.plain(errs), "$1")+regexp.MustCompile(`port  .*`).ReplaceAllString(out, "port PORT"),
		`sallyport: camera "porch": it is a recorder, and where recorders post to is set up in their own page only
Type this into its page, where HTTP POST (also called alarm server) is set up:
  server or domain  127.0.0.1
  port PORT
  path or URL       /c/gate-token
  protocol          HTTP
  heartbeat         on, every 30 seconds
  authentication    none
`)
	p = newPlace(t, sim.Options{NoPushV2: true}, "")
	code, out, errs = p.run("subscribe", "porch", "--no-wait")
	want(t, "older", code, 1, out+errs, "sallyport: camera \"porch\": it has the older push only; --v1 sets that up\n")
}

func TestSubscribeV1(t *testing.T) {
	p := newPlace(t, sim.Options{}, "")
	if code, _, errs := p.run("subscribe", "porch", "--no-wait"); code != 0 {
		t.Fatal(errs)
	}
	before := p.cam.Push()
	code, out, errs := p.run("subscribe", "porch", "--no-wait", "--v1")
	want(t, "v1", code, 0, p.plain(out)+errs, "slot 1 posts here too, so events come twice: `sallyport camera subscribe porch --data traject` has it send frames only\n"+
		"as asked V1 push: on, http://HOME/API\ndone, and read back\n")
	after := p.cam.Push()
	if !reflect.DeepEqual(after.Slots, before.Slots) || !after.V1.On || after.V1.Server != "127.0.0.1" {
		t.Errorf("%+v", after)
	}
	after.V1.Server = "10.0.0.7"
	if err := p.cam.SetPush(after); err != nil {
		t.Fatal(err)
	}
	code, out, errs = p.run("subscribe", "porch", "--no-wait", "--v1")
	want(t, "in use", code, 1, regexp.MustCompile(`:\d+/`).ReplaceAllString(out+errs, ":1/"), "sallyport: camera \"porch\": its only place is in use (V1 push: on, http://10.0.0.7:1/API): switch it off in the camera's own page, or take it with --slot 1\n")
	if code, _, errs := p.run("subscribe", "porch", "--no-wait", "--v1", "--slot", "1"); code != 0 || p.cam.Push().V1.Server != "127.0.0.1" {
		t.Errorf("%d %s %+v", code, errs, p.cam.Push())
	}
}

// live lets the virtual camera live until the test ends: a person walks through the
// picture again and again.
func (p *place) live() {
	p.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := p.cam.Run(ctx, walk()); err != nil {
			p.t.Error(err)
		}
	})
	p.t.Cleanup(func() { stop(); wg.Wait() })
}

// walk is a scene in which somebody new comes into the picture every half second.
func walk() sim.Scene {
	c := sim.CameraScene{Identity: sim.Identity{Name: "Porch cam"}}
	for i := range 60 {
		c.Targets = append(c.Targets, sim.Track{
			ID: uint32(7 + i), Class: "person", At: sim.Duration(time.Duration(i) * 500 * time.Millisecond), From: sim.Point{5000, 8000},
			Moves: []sim.Move{{Stay: sim.Duration(5 * time.Second)}},
		})
	}
	return sim.Scene{Cameras: []sim.CameraScene{c}}
}

// TestSubscribeWaits: it ends as soon as a heartbeat and a frame came.
func TestSubscribeWaits(t *testing.T) {
	p := newPlace(t, sim.Options{SmartTrack: true}, "")
	p.live()
	code, out, errs := p.run("subscribe", "porch", "--wait", "20s")
	if code != 0 || errs != "" {
		t.Fatalf("%d\n%s%s", code, p.plain(out), errs)
	}
	for _, line := range []string{
		"no sallyport runs here: posts are taken at HOME until the wait is over",
		"done, and read back",
		"waiting for a heartbeat and a frame, at most 20s; heartbeats come every 30 seconds",
		"a heartbeat came", "a frame came: targets are tracked", `camera "porch" is set up: it posts here`,
	} {
		if !strings.Contains(p.plain(out), line+"\n") {
			t.Errorf("%q is missing in\n%s", line, p.plain(out))
		}
	}
}

// TestSubscribeEveryGeneration: whatever firmware the camera has, and however it wants
// to be logged in to.
func TestSubscribeEveryGeneration(t *testing.T) {
	for _, o := range []sim.Options{{API: sim.API19, Auth: sim.Basic}, {API: sim.API20, Auth: sim.Digest}, {API: sim.API21, EmptyHeartbeats: true}} {
		t.Run(string(o.API), func(t *testing.T) {
			t.Parallel()
			o.SmartTrack, o.Username, o.Password = true, "admin", "pw"
			p := newPlace(t, o, "    username: admin\n    password: {env: PW}\n")
			p.env["PW"] = "pw"
			p.live()
			if code, out, errs := p.run("subscribe", "porch", "--wait", "20s"); code != 0 || errs != "" {
				t.Errorf("%d\n%s%s", code, out, errs)
			}
		})
	}
}

// TestSubscribeRefused: the camera's own words are shown, and what is said to be
// written is read back.
func TestSubscribeRefused(t *testing.T) {
	var mu sync.Mutex // covers refuse
	refuse := ""      // what SetHttpPostConfig is answered
	p := newPlace(t, sim.Options{Fault: func(command string, _ *http.Request) sim.Fault {
		mu.Lock()
		defer mu.Unlock()
		if command == "SetHttpPostConfig" {
			return sim.Fault{Status: http.StatusOK, ContentType: "application/xml", Body: refuse, Drop: refuse == ""}
		}
		return sim.Fault{}
	}}, "")
	answer := func(text string) {
		mu.Lock()
		defer mu.Unlock()
		refuse = text
	}
	code, _, errs := p.run("subscribe", "porch", "--no-wait")
	if code != exitUnreachable || !strings.HasPrefix(errs, "sallyport: camera \"porch\" does not answer: SetHttpPostConfig: ") {
		t.Errorf("%d %s", code, errs)
	}
	answer(`<config status="failed" errorCode="4" errorDesc="No Permission"/>`)
	code, _, errs = p.run("subscribe", "porch", "--no-wait")
	want(t, "refused", code, 1, errs, "sallyport: camera \"porch\": SetHttpPostConfig: the camera answered code 4 (permission denied): \"No Permission\"\n")
	answer(`<config status="success"/>`)
	code, _, errs = p.run("subscribe", "porch", "--no-wait")
	want(t, "not kept", code, 1, p.plain(errs), "sallyport: camera \"porch\" took it, and kept something else: slot 1: on, http://HOME/API, alarmStatus smartData traject, events ALL is gone\n")
	answer(`<config status="failed" errorCode="1"/>`)
	code, out, errs := p.run("subscribe", "porch", "--no-wait")
	if code != 1 || errs != "sallyport: camera \"porch\": it takes no command to set up where it posts to\n" || !strings.Contains(out, "  server or domain  127.0.0.1\n") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
}

// missing is what a subscription says is missing, when the camera is as o says.
func missing(t *testing.T, o sim.Options, before func(*place), args ...string) string {
	t.Helper()
	p := newPlace(t, o, "")
	if before != nil {
		before(p)
	}
	p.live()
	code, out, errs := p.run(append([]string{"subscribe", "porch", "--wait", "2500ms"}, args...)...)
	if code != 1 {
		t.Errorf("%d\n%s", code, out)
	}
	_, errs, _ = strings.Cut(errs, "sallyport: camera \"porch\": the wait is over, and something is missing:\n")
	return p.plain(errs)
}

func TestSubscribeSaysWhatIsMissing(t *testing.T) {
	t.Run("smart track", func(t *testing.T) {
		t.Parallel()
		got := missing(t, sim.Options{}, nil)
		want(t, "missing", 0, 0, got, "  events came and no frame: tick \"Smart track data\" in the camera's own page, where HTTP POST is set up; if no frame comes then either, restart the camera\n")
	})
	t.Run("restart", func(t *testing.T) {
		t.Parallel()
		got := missing(t, sim.Options{NeedsReboot: true}, func(p *place) { p.cam.SetSmartTrack(true) })
		want(t, "missing", 0, 0, got, "  events came and no frame: tick \"Smart track data\" in the camera's own page, where HTTP POST is set up; if no frame comes then either, restart the camera\n")
	})
	t.Run("perimeter off", func(t *testing.T) {
		t.Parallel()
		got := missing(t, sim.Options{SmartTrack: true}, func(p *place) {
			if err := p.cam.SetDetector("perimeter", false); err != nil {
				t.Fatal(err)
			}
		})
		want(t, "missing", 0, 0, got, "  perimeter detection is off, and frames come with it: switch it on in the camera's own page, with a region over what is to be seen\n")
	})
	t.Run("wrong address", func(t *testing.T) {
		t.Parallel()
		got := missing(t, sim.Options{SmartTrack: true}, nil, "--url", "http://127.0.0.1:9")
		got = regexp.MustCompile(`this machine is at .*`).ReplaceAllString(got, "this machine is at …")
		want(t, "missing", 0, 0, got, "  nothing came from it. It was told to post to http://127.0.0.1:9/API: that address is wrong, or a firewall or a missing route is between them; this machine is at …\n")
	})
	t.Run("another device", func(t *testing.T) {
		t.Parallel()
		got := missing(t, sim.Options{SmartTrack: true}, func(p *place) {
			p.write(strings.Replace(p.read(), "58:5b:69:5f:42:1b", "58:5b:69:5f:42:1c", 1))
		})
		want(t, "missing", 0, 0, got, `  posts of 127.0.0.1 Porch cam 58:5b:69:5f:42:1b came and are not taken for this camera's: no camera of the site file fits
  this would make it a camera, or take the keys for the match of camera "porch":
  # under cameras:
    porch-cam:
      match: {mac: "58:5b:69:5f:42:1b"}
`)
	})
	t.Run("two cameras", func(t *testing.T) {
		t.Parallel()
		got := missing(t, sim.Options{SmartTrack: true}, func(p *place) {
			p.write(p.read() + "  twin: {match: {name: Porch cam}}\n")
		})
		if !strings.HasPrefix(got, "  posts of 127.0.0.1 Porch cam 58:5b:69:5f:42:1b") || !strings.Contains(got, " came and are not taken for this camera's: it fits 2 cameras; add a key to their `match` that tells them apart\n") {
			t.Error(got)
		}
	})
	t.Run("nobody walks", func(t *testing.T) {
		w := &waiting{wantFrames: true}
		got := strings.Join(w.missing(sight{heartbeats: 2}), "\n")
		want(t, "missing", 0, 0, got, "heartbeats came and no frame: walk through the picture while this waits")
	})
}

// TestSubscribeBehindAToken: posts without the token of the site file are said to lack it.
func TestSubscribeBehindAToken(t *testing.T) {
	w := &waiting{name: "porch", mac: "58:5b:69:5f:42:1b", wantFrames: true, home: home{token: "x", camera: netip.MustParseAddr("10.0.0.5")}}
	got := w.missing(sight{strangers: []web.Device{
		{Remote: "10.0.0.6", MAC: "58:5b:69:00:00:01", Reason: "another one"},
		{Remote: "10.0.0.5", Reason: "camera \"porch\" takes posts only at /c/<its token>"},
	}})
	want(t, "missing", 0, 0, strings.Join(got, "\n"), `posts of 10.0.0.5 came and are not taken for this camera's: camera "porch" takes posts only at /c/<its token>`)
}

// TestHomeThatNobodyReaches: an address of this machine alone is not told to a camera.
func TestHomeThatNobodyReaches(t *testing.T) {
	for _, c := range []struct {
		h    home
		want string
	}{
		{home{host: "127.0.0.1", port: 5002, camera: netip.MustParseAddr("192.168.0.52")},
			`listen.cameras is for this machine only, so no camera can post to it; write listen.cameras: ":5002"`},
		{home{host: "127.0.0.1", port: 5002, camera: netip.MustParseAddr("127.0.0.1")}, ""},
		{home{host: "192.168.0.10", port: 5002, camera: netip.MustParseAddr("192.168.0.52")}, ""},
		{home{host: "192.168.0.10"}, "listen.cameras has no port that could be told to a camera; give one, or --url"},
		{home{host: "0.0.0.0", port: 5002}, "no camera can post to 0.0.0.0"},
		{home{host: "sallyport.lan", port: 5002}, ""},
	} {
		if got := c.h.useless(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.h, got, c.want)
		}
	}
}

// TestWhatACameraKept: a slot that is not as it was sent, or another one that changed,
// is said.
func TestWhatACameraKept(t *testing.T) {
	ours := client.PushSlot{ID: 2, On: true, Protocol: "http", Domain: "10.0.0.1", Port: 5002, Path: "/API", Data: []string{"traject", "smartData"}, Events: []string{"ALL"}}
	other := client.PushSlot{ID: 1, On: true, Protocol: "http", Domain: "10.0.0.7", Port: 80, Path: "/a"}
	plan := pushPlan{slot: ours, next: client.PushConfig{HasV2: true, Slots: []client.PushSlot{other, ours}}}
	swapped, less, moved := ours, ours, other
	swapped.Data = []string{"smartData", "traject"}
	less.Data = []string{"smartData"}
	moved.Port = 81
	for _, c := range []struct {
		got  []client.PushSlot
		want string
	}{
		{[]client.PushSlot{other, ours}, ""},
		{[]client.PushSlot{swapped, other}, ""},
		{[]client.PushSlot{other, less}, "slot 2: on, http://10.0.0.1:5002/API, smartData, events ALL"},
		{[]client.PushSlot{ours}, "slot 1: on, http://10.0.0.7:80/a is gone"},
		{[]client.PushSlot{moved, ours}, "another slot changed: slot 1: on, http://10.0.0.7:81/a"},
	} {
		if got := plan.kept(client.PushConfig{Slots: c.got}, home{}); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestNoPasswordIsShown: what another slot of the user's holds stays out of a dry run.
func TestNoPasswordIsShown(t *testing.T) {
	got := hidden(`<item><userName>u</userName><password type="string">pw</password><userPwd><![CDATA[x]]></userPwd></item>`)
	if got != `<item><userName>u</userName><password type="string">***</password><userPwd>***</userPwd></item>` {
		t.Error(got)
	}
}

// TestTokensThatNoAddressHolds: such a token is not shown either.
func TestTokensThatNoAddressHolds(t *testing.T) {
	p := newPlace(t, sim.Options{}, "    token: {env: TOKEN}\n")
	p.env["TOKEN"] = "s3 cret/"
	code, out, errs := p.run("subscribe", "porch", "--no-wait")
	want(t, "subscribe", code, 1, out+errs, "sallyport: camera \"porch\": its token cannot stand in an address: use letters, digits, - and _\n")
	code, out, errs = p.run("info", "porch")
	if code != 0 || errs != "" || strings.Contains(out, "nothing is posted") || strings.Contains(out, "s3 cret") ||
		!strings.HasSuffix(out, "problem    whether it posts here cannot be said: its token cannot stand in an address: use letters, digits, - and _\n") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
}
