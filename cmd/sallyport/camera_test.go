package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// place is a site with one virtual camera, for the camera commands.
type place struct {
	t    *testing.T
	cam  *sim.Camera
	url  string
	file string
	env  map[string]string

	mu   sync.Mutex // covers what follows
	sent []string   // the commands that the camera answered
}

// newPlace makes a site file with the camera "porch" and the keys given.
func newPlace(t *testing.T, o sim.Options, keys string) *place {
	t.Helper()
	p := &place{t: t, file: filepath.Join(t.TempDir(), "sallyport.yaml"), env: map[string]string{}}
	if o.Name == "" {
		o.Identity = sim.Identity{Name: "Porch cam", MAC: "58:5b:69:5f:42:1b", SN: "N123"}
	}
	o.Watch = func(a sim.Activity) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if a.Command != "" && a.Status == http.StatusOK {
			p.sent = append(p.sent, a.Command)
		}
	}
	p.cam = sim.NewCamera(o)
	srv := httptest.NewServer(p.cam)
	t.Cleanup(srv.Close)
	p.url = srv.URL
	p.write("listen: {cameras: \"" + freePort(t) + "\", console: \"" + freePort(t) + "\"}\n" +
		"cameras:\n  porch:\n    match: {mac: \"58:5b:69:5f:42:1b\"}\n    url: " + p.url + "\n" + keys)
	return p
}

// times is how often the camera answered a command.
func (p *place) times(command string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, c := range p.sent {
		if c == command {
			n++
		}
	}
	return n
}

// listen is where the site takes posts.
func (p *place) listen() string {
	p.t.Helper()
	site, problems := config.Load(p.file)
	if config.Failed(problems) {
		p.t.Fatal(problems)
	}
	return site.Listen.Cameras
}

// plain takes what differs from run to run out of a text.
func (p *place) plain(text string) string {
	for old, fresh := range map[string]string{p.url: "http://CAMERA", p.file: "FILE", p.listen(): "HOME"} {
		text = strings.ReplaceAll(text, old, fresh)
	}
	return regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\+0`).ReplaceAllString(text, "TIME")
}

func (p *place) write(text string) {
	p.t.Helper()
	if err := os.WriteFile(p.file, []byte(text), 0o640); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) read() string {
	p.t.Helper()
	text, err := os.ReadFile(p.file)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// run runs `sallyport camera …` on the site.
func (p *place) run(args ...string) (code int, out, errs string) {
	p.t.Helper()
	return p.runIn("", args...)
}

func (p *place) runIn(stdin string, args ...string) (code int, out, errs string) {
	p.t.Helper()
	var o, e bytes.Buffer
	code = run(context.Background(), append(append([]string{"camera"}, args...), "-c", p.file), process{
		stdin: strings.NewReader(stdin), stdout: &o, stderr: &e, getenv: func(name string) string { return p.env[name] },
	})
	return code, o.String(), e.String()
}

// freePort is an address of this machine at which nobody listens now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// want compares what a command did with what it should.
func want(t *testing.T, what string, code, wantCode int, got, wanted string) {
	t.Helper()
	if code != wantCode || got != wanted {
		t.Errorf("%s: %d, want %d, and\n%s\nwant\n%s", what, code, wantCode, got, wanted)
	}
}

func TestCameraWords(t *testing.T) {
	p := newPlace(t, sim.Options{}, "  other: {match: {mac: \"58:5b:69:00:00:09\"}}\n")
	for _, c := range []struct {
		args []string
		code int
		errs string
	}{
		{nil, 2, "sallyport camera: want info, counts, snapshot, subscribe, add or zones first, got \"-c\"\n"},
		{[]string{"dance"}, 2, "sallyport camera: want info, counts, snapshot, subscribe, add or zones first, got \"dance\"\n"},
		{[]string{"info"}, 2, "sallyport camera info: want the name of a camera\n"},
		{[]string{"info", "a", "b"}, 2, "sallyport camera info: want one camera, got also \"b\"\n"},
		{[]string{"info", "gate"}, 1, "sallyport: camera: FILE has no camera \"gate\" (it has porch, other)\n"},
		{[]string{"info", "other"}, 1, "sallyport: camera: camera \"other\" has no url in FILE, so it cannot be asked\n"},
		{[]string{"subscribe", "porch", "--data", "trajekt"}, 2, "sallyport camera subscribe: --data: \"trajekt\" is none of alarmStatus, traject, smartData, sourceImage, targetImage\n"},
		{[]string{"subscribe", "porch", "--slot", "-1"}, 2, "sallyport camera subscribe: --slot: -1 is no slot\n"},
		{[]string{"subscribe", "porch", "--wait", "0s"}, 2, "sallyport camera subscribe: --wait: want a time above 0; --no-wait does not wait\n"},
		{[]string{"subscribe", "porch", "--url", "10.0.0.1"}, 2, "sallyport: camera subscribe: --url: \"10.0.0.1\" is no address like http://192.168.0.10:5002\n"},
		{[]string{"add"}, 2, "sallyport camera add: want the address of a device, for example http://192.168.0.52\n"},
		{[]string{"add", "http://x", "Front"}, 2, "sallyport camera add: \"Front\" is no name for a camera: small letters, digits and dashes, a letter first\n"},
	} {
		code, out, errs := p.run(c.args...)
		want(t, strings.Join(c.args, " "), code, c.code, p.plain(out+errs), c.errs)
	}
}

func TestCameraInfo(t *testing.T) {
	p := newPlace(t, sim.Options{}, "")
	if err := p.cam.Put(sim.ListEntry{Number: "ABC1234", Group: "whiteList"}); err != nil {
		t.Fatal(err)
	}
	others, err := sim.SlotTo(2, "http://10.0.0.7:80/hook")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cam.SetPush(sim.Push{Slots: []sim.PushSlot{others}}); err != nil {
		t.Fatal(err)
	}
	p.cam.SetSkew(-90 * time.Second)
	code, out, errs := p.run("info", "porch")
	out = regexp.MustCompile(`1m(29|30|31)s`).ReplaceAllString(p.plain(out), "1m30s")
	want(t, "info", code, 0, out+errs, `porch      "Porch cam", model SIM-4MP, brand Sallyport, firmware 5.3.1, API 2.1.0, mac 58:5b:69:5f:42:1b, sn N123
address    http://CAMERA
clock      TIME, set by NTP, 1m30s behind: set NTP
channel    1 channel1
detector   perimeter on, 1 region
detector   tripwire on, 1 line
detector   region_entry on
detector   region_exit on
detector   loitering on
detector   parking on
detector   face off
detector   plate on, 1 region
detector   line_count on, 1 line
detector   metadata off
plates     temporaryList: 0 plates
plates     whiteList: 1 plate
plates     blackList: 0 plates
plates     the LicensePlates commands
push v1    off
push 2     on, http://10.0.0.7:80/hook, alarmStatus traject smartData sourceImage targetImage, events ALL
push       1 of 3 slots used
push       nothing is posted to this sallyport: `+"`sallyport camera subscribe porch`"+` sets it up
`)
	code, out, errs = p.run("info", "porch", "--json")
	var got cameraInfo
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || errs != "" {
		t.Fatalf("%d %v %s", code, err, errs)
	}
	if got.Device.Model != "SIM-4MP" || got.Clock == nil || got.Clock.Off > -85 || len(got.Detectors) != 10 || got.Push == nil || len(got.Push.Slots) != 1 ||
		got.Push.Slots[0].Ours || got.Plates.Dialect != "LicensePlates" {
		t.Errorf("%+v", got)
	}
	for _, c := range p.sent {
		if !strings.HasPrefix(c, "Get") {
			t.Errorf("info sent %s", c)
		}
	}
}

// TestCameraInfoOfARecorder: what a device cannot do is said.
func TestCameraInfoOfARecorder(t *testing.T) {
	p := newPlace(t, sim.Options{Recorder: true, Channels: 2}, "")
	if err := p.cam.SetChannel(2, false); err != nil {
		t.Fatal(err)
	}
	code, out, errs := p.run("info", "porch")
	want(t, "info", code, 0, p.plain(out)+errs, `porch      "Porch cam", model SIM-NVR, brand Sallyport, firmware 1.4.13, API 2.1.0, mac 58:5b:69:5f:42:1b, sn N123
address    http://CAMERA
clock      TIME, set by NTP, right
channel    1 channel1
channel    2 channel2, offline
cannot     tell its detectors
cannot     keep plates
cannot     be told where to post by `+"`camera subscribe`"+`: only in its own page
`)
}

// TestCameraInfoInParts: one answer that does not come takes no other away.
func TestCameraInfoInParts(t *testing.T) {
	p := newPlace(t, sim.Options{Fault: func(command string, _ *http.Request) sim.Fault {
		if command == "GetDateAndTime" || command == "GetSmartTripwireConfig" {
			return sim.Fault{Status: 200, ContentType: "application/xml", Body: `<config version="1.0" status="failed" errorCode="7"/>`}
		}
		return sim.Fault{}
	}}, "")
	code, out, _ := p.run("info", "porch")
	if code != 0 || !strings.Contains(out, "detector   perimeter on, 1 region\n") ||
		!strings.HasSuffix(out, "problem    GetDateAndTime: the camera answered code 7 (busy)\nproblem    GetSmartTripwireConfig: the camera answered code 7 (busy)\n") {
		t.Errorf("%d\n%s", code, out)
	}
}

// TestCameraDoesNotAnswer: 3 for a camera that is not there, 1 for one that refuses.
func TestCameraDoesNotAnswer(t *testing.T) {
	p := newPlace(t, sim.Options{Username: "admin", Password: "right"}, "    username: admin\n    password: {env: PW}\n")
	p.env["PW"] = "wrong"
	for _, args := range [][]string{{"info", "porch"}, {"counts", "porch"}, {"snapshot", "porch"}, {"subscribe", "porch"}} {
		code, out, errs := p.run(args...)
		if code != 1 || out != "" || !strings.HasPrefix(errs, "sallyport: camera \"porch\": ") || !strings.Contains(errs, "the camera answered code 9 (unauthorized)") {
			t.Errorf("%v: %d %s%s", args, code, out, errs)
		}
	}
	gone := freePort(t)
	p.write("cameras:\n  porch: {match: {ip: 127.0.0.1}, url: \"http://" + gone + "\"}\n")
	for _, args := range [][]string{{"info", "porch"}, {"counts", "porch"}, {"snapshot", "porch"}, {"subscribe", "porch"}, {"add", "http://" + gone}, {"add", gone}} {
		code, out, errs := p.run(args...)
		if code != exitUnreachable || out != "" || !strings.Contains(errs, "does not answer: ") {
			t.Errorf("%v: %d %s%s", args, code, out, errs)
		}
	}
}

func TestCameraCounts(t *testing.T) {
	p := newPlace(t, sim.Options{}, "")
	code, out, errs := p.run("counts", "porch")
	want(t, "counts", code, 0, out+errs, "entered  person 0, car 0, bike 0\nleft     person 0, car 0, bike 0\n")
	code, out, errs = p.run("counts", "porch", "--json")
	want(t, "counts", code, 0, strings.Join(strings.Fields(out+errs), ""), `{"name":"porch","entered":{"person":0,"car":0,"bike":0},"left":{"person":0,"car":0,"bike":0}}`)

	p = newPlace(t, sim.Options{API: sim.API19}, "")
	code, out, errs = p.run("counts", "porch")
	want(t, "counts", code, 1, out+errs, "sallyport: camera \"porch\": it has no counting line that can be asked "+
		"(GetPassLineCountStatistics: the camera answered code 1 (invalid request, or the command is unknown))\n")
}

func TestCameraSnapshot(t *testing.T) {
	p := newPlace(t, sim.Options{}, "")
	code, out, errs := p.run("snapshot", "porch")
	if code != 0 || !strings.HasPrefix(out, "\xff\xd8\xff") || errs != "" {
		t.Errorf("%d %d bytes %s", code, len(out), errs)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "now.jpg")
	code, said, errs := p.run("snapshot", "porch", "-o", file)
	want(t, "snapshot", code, 0, said+errs, fmt.Sprintf("%s: %d bytes\n", file, len(out)))
	if got, err := os.ReadFile(file); err != nil || !bytes.HasPrefix(got, []byte("\xff\xd8\xff")) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	// A picture that does not come leaves the one that is there.
	p.write("cameras:\n  porch: {match: {ip: 127.0.0.1}, url: \"http://" + freePort(t) + "\"}\n")
	if code, _, _ := p.run("snapshot", "porch", "-o", file); code != exitUnreachable {
		t.Errorf("%d", code)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%v %v", files, err)
	}
	if got, _ := os.ReadFile(file); len(got) != len(out) {
		t.Errorf("%d bytes are left", len(got))
	}
}

// TestTerminals: what is no terminal is none.
func TestTerminals(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if isTerminal(f) || isTerminal(&bytes.Buffer{}) {
		t.Error("a terminal was seen")
	}
}
