package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/viewtron/sim"
)

// firstDayRules are what an installer writes before there is a camera.
const firstDayRules = `zones:
  porch: {camera: porch, polygon: [[2000, 3000], [8000, 3000], [8000, 10000], [2000, 10000]]}
rules:
  - name: light
    on: target
    when: target.class == "person" && inside("porch")
    hold: 60s
    do: [{relay: light, follow: true}]
`

// TestFirstDay is what an installer does with a camera out of its box, a site file
// with nothing but relays, and these commands alone: somebody walks past, and the
// light goes on.
func TestFirstDay(t *testing.T) {
	p := newPlace(t, sim.Options{
		Identity: sim.Identity{Name: "Porch cam", MAC: "58:5b:69:5f:42:1b", SN: "N123"},
		Username: "admin", Password: "box 1", Auth: sim.Digest, SmartTrack: true,
	}, "")
	listen, _, _ := strings.Cut(p.read(), "\n")
	p.write(listen + "\nrelays:\n  light: {memory: true, max_on: 1h}\n")
	p.env["PORCH_PASSWORD"] = "box 1"
	dir := filepath.Join(filepath.Dir(p.file), "rules.d")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "porch.yaml"), []byte(firstDayRules), 0o644); err != nil {
		t.Fatal(err)
	}

	if code, out, errs := p.run("add", p.url, "porch", "--password-env", "PORCH_PASSWORD"); code != 0 || errs != "" {
		t.Fatalf("add: %d\n%s%s", code, out, errs)
	}
	var said bytes.Buffer
	if code := run(t.Context(), []string{"check", "-c", p.file}, process{stdout: &said, stderr: &said, getenv: func(n string) string { return p.env[n] }}); code != 0 {
		t.Fatalf("check: %d\n%s", code, said.String())
	}

	screen, problems := newScreen(t), newScreen(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"run", "-c", p.file}, process{stdin: strings.NewReader(""), stdout: screen, stderr: problems, getenv: func(n string) string { return p.env[n] }})
	}()
	defer stop()
	screen.await("the console is at ")

	p.live()
	code, out, errs := p.run("subscribe", "porch", "--wait", "20s")
	if code != 0 || errs != "" {
		t.Fatalf("subscribe: %d\n%s%s\n%s", code, out, errs, problems)
	}
	for _, line := range []string{"a sallyport runs here: it is watched for the camera's posts", "a heartbeat came", "a frame came: targets are tracked", "camera \"porch\" is set up: it posts here"} {
		if !strings.Contains(out, line+"\n") {
			t.Errorf("%q is missing in\n%s", line, out)
		}
	}
	screen.await("light is on")
	if n := p.times("SetHttpPostConfig"); n != 1 {
		t.Errorf("the camera was set up %d times", n)
	}
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("run: %d\n%s", code, problems)
	}
}

// TestSubscribeToAProgramThatDoesNotKnowIt: a program that was not started again since
// the camera was added is said to need that.
func TestSubscribeToAProgramThatDoesNotKnowIt(t *testing.T) {
	p := newPlace(t, sim.Options{SmartTrack: true}, "")
	with := p.read()
	listen, _, _ := strings.Cut(with, "\n")
	p.write(listen + "\n")
	screen, problems := newScreen(t), newScreen(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"run", "-c", p.file}, process{stdin: strings.NewReader(""), stdout: screen, stderr: problems, getenv: func(string) string { return "" }})
	}()
	defer func() { stop(); <-ended }()
	screen.await("the console is at ")
	p.write(with)
	p.live()
	code, _, errs := p.run("subscribe", "porch", "--wait", "500ms")
	want(t, "subscribe", code, 1, errs, `sallyport: camera "porch": the wait is over, and something is missing:
  the sallyport that runs does not know camera "porch": start it again, so that it reads the site file
`)
}
