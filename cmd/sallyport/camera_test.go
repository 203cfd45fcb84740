package main

import (
	"bytes"
	"context"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/viewtron/sim"
)

// place is a site with one virtual camera, for the camera commands.
type place struct {
	t    *testing.T
	cam  *sim.Camera
	url  string
	file string
	env  map[string]string
}

// newPlace makes a site file with the camera "porch" and the keys given.
func newPlace(t *testing.T, o sim.Options, keys string) *place {
	t.Helper()
	p := &place{t: t, file: filepath.Join(t.TempDir(), "sallyport.yaml"), env: map[string]string{}}
	if o.Name == "" {
		o.Identity = sim.Identity{Name: "Porch cam", MAC: "58:5b:69:5f:42:1b", SN: "N123"}
	}
	p.cam = sim.NewCamera(o)
	srv := httptest.NewServer(p.cam)
	t.Cleanup(srv.Close)
	p.url = srv.URL
	p.write("listen: {cameras: \"" + freePort(t) + "\", console: \"" + freePort(t) + "\"}\n" +
		"cameras:\n  porch:\n    match: {mac: \"58:5b:69:5f:42:1b\"}\n    url: " + p.url + "\n" + keys)
	return p
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

func TestTry(t *testing.T) {
	for _, o := range []sim.Options{{}, {API: sim.API19}, {API: sim.API20}, {Recorder: true}} {
		p := newPlace(t, o, "")
		for _, args := range [][]string{{"info", "porch"}, {"info", "porch", "--json"}, {"counts", "porch"}, {"snapshot", "porch", "-o", filepath.Join(t.TempDir(), "x.jpg")}, {"subscribe", "porch", "--dry-run"}, {"subscribe", "porch", "--no-wait"}, {"subscribe", "porch", "--no-wait"}, {"subscribe", "porch", "--wait", "1s"}, {"subscribe", "porch", "--no-wait", "--v1"}, {"add", p.url, "front"}, {"info", "porch"}} {
			code, out, errs := p.run(args...)
			t.Logf("%v: %d\n%s---\n%s", args, code, out, errs)
		}
		p.write("# only relays\nrelays:\n  gate: {memory: true, max_on: 5s} # test\n")
		code, out, errs := p.run("add", p.url, "front")
		t.Logf("add: %d\n%s---\n%s\n=====\n%s", code, out, errs, p.read())
	}
}
