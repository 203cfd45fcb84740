package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// paper is what a command wrote so far.
type paper struct {
	mu sync.Mutex // covers b
	b  bytes.Buffer
}

func (p *paper) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(b)
}

func (p *paper) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.String()
}

// A virtual camera that is told where to post does so, answers commands with its
// login and certificate, says what it does, and ends with 0.
func TestSimIsACameraToOthers(t *testing.T) {
	came := make(chan string, 100)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		select {
		case came <- r.URL.Path + " " + string(b):
		default:
		}
	})}
	defer srv.Close()
	go func() { _ = srv.Serve(l) }()
	dir := t.TempDir()
	list := filepath.Join(dir, "plates.csv")
	if err := os.WriteFile(list, []byte("\ufeffplate,list,owner,phone,from,until\nABC1234,allow,Ann,555,2026-01-01,2030-12-31\nBAD1,block,,,,\nCAR9,,,,,2030-12-31 18:00\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	scene := filepath.Join(dir, "scene.json")
	if err := os.WriteFile(scene, []byte(`{"cameras": [{"name": "attic", "mac": "58:5b:69:00:00:07",
		"targets": [{"class": "person", "from": [5000, 9000], "moves": [{"stay": "1m"}]}]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	var out paper
	code := make(chan int)
	go func() {
		code <- run(ctx, []string{"sim", "--listen", "127.0.0.1:0", "--tls", "--auth", "digest", "--password", "pw", "--plates", list, "--scene", scene,
			"--post", "http://" + l.Addr().String() + "/c/token"}, process{stdout: &out, stderr: &out})
	}()
	heartbeat, frame := false, false
	for deadline := time.After(10 * time.Second); !heartbeat || !frame; {
		select {
		case b := <-came:
			if !strings.HasPrefix(b, "/c/token ") || !strings.Contains(b, "58:5b:69:00:00:07") {
				t.Errorf("posted %s", b)
			}
			heartbeat = heartbeat || strings.Contains(b, "<messageType>keepalive")
			frame = frame || strings.Contains(b, "<traject>")
		case <-deadline:
			t.Fatalf("heartbeat %v, frame %v\n%s", heartbeat, frame, out.String())
		}
	}
	m := regexp.MustCompile(`(?m)^address      (https://\S+)\n(?:.*\n)*certificate  (\S+)$`).FindStringSubmatch(out.String())
	if m == nil {
		t.Fatal(out.String())
	}
	c, err := client.New(client.Config{URL: m[1], Username: "admin", Password: "pw", Pin: m[2], Location: time.Local})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	plates, err := c.AllPlates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, p := range plates {
		got[p.Number] = p.Group + " " + p.Owner + " " + p.End.Format("2006-01-02 15:04:05")
	}
	for number, want := range map[string]string{
		"ABC1234": "whiteList Ann 2030-12-31 23:59:59", "BAD1": "blackList  2037-12-30 10:59:59", "CAR9": "whiteList  2030-12-31 18:00:00",
	} {
		if got[number] != want {
			t.Errorf("%s is %q, want %q", number, got[number], want)
		}
	}
	cancel()
	if got := <-code; got != exitOK {
		t.Errorf("exit code %d\n%s", got, out.String())
	}
	for _, want := range []string{
		"a virtual camera called \"attic\", API 2.1.0\n", "\nlogin        admin, password pw, digest\n", "\nplates       3\n",
		"  heartbeat  to http://", "  GetLicensePlates from 127.0.0.1:",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

func TestSimNeedsItsPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"sim", "--listen", l.Addr().String()}, process{stdout: &out, stderr: &errs})
	want := "sallyport: sim: listen tcp " + l.Addr().String() + ": bind: address already in use\n"
	if code != exitError || errs.String() != want {
		t.Errorf("%d, %q, want %q", code, errs.String(), want)
	}
}

// A camera under a name of its own plays the part of the scene's camera that it is.
func TestSimUnderAnotherName(t *testing.T) {
	for _, args := range [][]string{{"--name", "drive"}, {"--name", "drive", "--camera", "porch", "--mac", "58:5b:69:00:00:77"}} {
		var f simFlags
		fs := process{stdout: io.Discard, stderr: io.Discard}.flags("sim")
		f.define(fs)
		if err := fs.Parse(args); err != nil {
			t.Fatal(err)
		}
		s, err := f.build()
		if err != nil {
			t.Errorf("%q: %v", args, err)
			continue
		}
		if s.opt.Name != "drive" {
			t.Errorf("%q is called %q", args, s.opt.Name)
		}
		if err := sim.NewCamera(s.opt).Show(s.scene); err != nil {
			t.Errorf("%q: %v", args, err)
		}
	}
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"sim", "--listen", "127.0.0.1:0", "--camera", "attic"}, process{stdout: &out, stderr: &errs})
	want := "sallyport: sim: --camera: the scene has no camera \"attic\"; it has \"porch\", \"gate\"\n"
	if code != exitUsage || errs.String() != want || out.Len() > 0 {
		t.Errorf("%d, %q, %q, want %q", code, errs.String(), out.String(), want)
	}
}

// The scene in the docs can be played, and makes what they say.
func TestTheSceneOfTheDocs(t *testing.T) {
	n := 0
	for _, b := range blocks(t) {
		if b.info != "json" || filepath.Base(b.file) != "testing.md" {
			continue
		}
		n++
		s, err := sim.LoadScene(strings.NewReader(b.text))
		if err != nil {
			t.Errorf("%s: %v", b, err)
		} else if len(s.Cameras) != 1 || s.Cameras[0].End() != 28*time.Second {
			t.Errorf("%s: %d cameras, the first until %s", b, len(s.Cameras), s.Cameras[0].End())
		}
	}
	if n != 1 {
		t.Errorf("%d scenes in the docs", n)
	}
}
