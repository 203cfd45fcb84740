package main

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// TestInsertCameras: entries go to the end of the cameras; nothing else moves.
func TestInsertCameras(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "cameras:\n  new:\n    url: x\n"},
		{"none", "site: Elm\n# end", "site: Elm\n# end\n\ncameras:\n  new:\n    url: x\n"},
		{"blank end", "site: Elm\n\n", "site: Elm\n\ncameras:\n  new:\n    url: x\n"},
		{"empty", "cameras:\nrelays: {}\n", "cameras:\n  new:\n    url: x\nrelays: {}\n"},
		{"braces", "cameras: {} # none yet\nrelays: {}\n", "cameras: # none yet\n  new:\n    url: x\nrelays: {}\n"},
		{"null", "cameras: ~\n", "cameras:\n  new:\n    url: x\n"},
		{"block", "cameras: # ours\n  a: {url: y}\n\n  # the second\n  b:\n    url: z # here\n\n# the relays\nrelays: {}\n",
			"cameras: # ours\n  a: {url: y}\n\n  # the second\n  b:\n    url: z # here\n  new:\n    url: x\n\n# the relays\nrelays: {}\n"},
		{"deep", "\"cameras\":\n      a: {url: y}\n      # b: {url: z}\nrelays: {}", "\"cameras\":\n      a: {url: y}\n      # b: {url: z}\n      new:\n        url: x\nrelays: {}\n"},
		{"comment between", "cameras:\n  a: {url: y}\n# b comes here\n  b: {url: z}\n", "cameras:\n  a: {url: y}\n# b comes here\n  b: {url: z}\n  new:\n    url: x\n"},
		{"dos", "cameras:\r\n  a: {url: y}\r\nrelays: {}\r\n", "cameras:\r\n  a: {url: y}\r\n  new:\r\n    url: x\r\nrelays: {}\r\n"},
		{"not ours", "relays:\n  cameras: {memory: true}\n", "relays:\n  cameras: {memory: true}\n\ncameras:\n  new:\n    url: x\n"},
	} {
		got, err := insertCameras(c.text, []string{"new:", "  url: x"})
		if err != nil || got != c.want {
			t.Errorf("%s: %v\n%q, want\n%q", c.name, err, got, c.want)
		}
	}
	if got, err := insertCameras("cameras: {a: {sn: \"#1\"}}\n", []string{"new:"}); err != errInline {
		t.Errorf("%q, %v", got, err)
	}
}

// bare is a place whose site file has no cameras yet.
func bare(t *testing.T, o sim.Options, text string) *place {
	t.Helper()
	p := newPlace(t, o, "")
	p.write("listen: {cameras: \"127.0.0.1:5002\"}\n" + text)
	return p
}

func TestCameraAdd(t *testing.T) {
	p := bare(t, sim.Options{Username: "admin", Password: "pass: #1"}, "# what we have\nrelays:\n  gate: {memory: true, max_on: 5s} # bench\n")
	p.env["PORCH"] = "pass: #1"
	if err := os.Chmod(p.file, 0o604); err != nil {
		t.Fatal(err)
	}
	before := p.read()
	said := `http://CAMERA is a camera: "Porch cam", model SIM-4MP, brand Sallyport, firmware 5.3.1, API 2.1.0, mac 58:5b:69:5f:42:1b, sn N123
its clock: TIME, set by NTP, right
`
	entry := `  porch-cam:
    match: {mac: "58:5b:69:5f:42:1b", ip: 127.0.0.1}
    url: http://CAMERA
    username: admin
    password: {env: PORCH}
`
	code, out, errs := p.run("add", p.url+"/", "--password-env", "PORCH", "--dry-run")
	want(t, "dry run", code, 0, p.plain(out)+errs, said+"this would be written into FILE, under cameras:\n"+entry)
	if p.read() != before {
		t.Error("a dry run changed the file")
	}

	code, out, errs = p.run("add", p.url, "--password-env", "PORCH")
	want(t, "add", code, 0, p.plain(out)+errs, said+"this was written into FILE, under cameras:\n"+entry+
		"next: start sallyport again if it runs, then `sallyport camera subscribe porch-cam`\n")
	if got := p.plain(p.read()); got != p.plain(before)+"\ncameras:\n"+entry {
		t.Errorf("the file is\n%s", got)
	}
	if info, err := os.Stat(p.file); err != nil || info.Mode().Perm() != 0o604 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if files, err := os.ReadDir(filepath.Dir(p.file)); err != nil || len(files) != 1 {
		t.Errorf("%v %v", files, err)
	}

	// It is there already.
	written := p.read()
	code, out, errs = p.run("add", p.url, "--password-env", "PORCH")
	want(t, "again", code, 0, p.plain(out)+errs, said+"it is camera \"porch-cam\" of FILE already\nnothing is to be written\n")
	code, out, errs = p.run("add", p.url, "porch-cam", "--password-env", "PORCH")
	want(t, "again by name", code, 0, p.plain(out)+errs, said+"it is camera \"porch-cam\" of FILE already\nnothing is to be written\n")
	code, _, errs = p.run("add", p.url, "gate", "--password-env", "PORCH")
	want(t, "another name", code, 1, p.plain(errs), "sallyport: camera add: this device is camera \"porch-cam\" of FILE already\n")
	if p.read() != written {
		t.Error("the file changed")
	}

	// The name is another device's.
	p.write("cameras:\n  porch-cam: {match: {mac: \"58:5b:69:00:00:09\"}}\n")
	code, _, errs = p.run("add", p.url, "porch-cam", "--password-env", "PORCH")
	want(t, "another device", code, 1, p.plain(errs), "sallyport: camera add: FILE has a camera \"porch-cam\" already, which is another device; give another name\n")
	code, out, _ = p.run("add", p.url, "--password-env", "PORCH", "--dry-run")
	if code != 0 || !strings.Contains(out, "\n  porch-cam-2:\n") {
		t.Errorf("%d\n%s", code, out)
	}
}

// TestCameraAddPasswords: the password itself is written only when asked for.
func TestCameraAddPasswords(t *testing.T) {
	p := bare(t, sim.Options{Username: "bob", Password: "pass: #1"}, "")
	code, _, errs := p.run("add", p.url)
	want(t, "no login", code, 1, p.plain(errs), "sallyport: camera add: http://CAMERA wants a login: name the account with --user, and its password with --password-env or --password-file\n")

	file := filepath.Join(filepath.Dir(p.file), "pw")
	if err := os.WriteFile(file, []byte("pass: #1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := p.read()
	for _, c := range []struct {
		stdin string
		args  []string
		entry string
		last  string
	}{
		{"", []string{"--password-file", file}, "{file: pw}", "next: start sallyport again if it runs, then `sallyport camera subscribe front`"},
		{"pass: #1\n", nil, "{env: FRONT_PASSWORD}", "the password was not written: put it into the environment variable FRONT_PASSWORD, for sallyport and for these commands"},
		{"pass: #1", []string{"--plain-password"}, `"pass: #1"`, "next: start sallyport again if it runs, then `sallyport camera subscribe front`"},
	} {
		p.write(before)
		code, out, errs := p.runIn(c.stdin, append([]string{"add", p.url, "front", "--user", "bob"}, c.args...)...)
		if code != 0 || !strings.Contains(out, "\n    username: bob\n    password: "+c.entry+"\n") || !strings.Contains(out, "\n"+c.last+"\n") {
			t.Errorf("%v: %d\n%s%s", c.args, code, out, errs)
		}
		if plain := strings.Contains(p.read(), "pass: #1"); plain != (c.entry == `"pass: #1"`) {
			t.Errorf("%v: the file is\n%s", c.args, p.read())
		}
	}
	site, _ := config.Load(p.file)
	cam, _ := site.Camera("front")
	if pw, err := cam.Password.Value(os.Getenv, os.ReadFile); pw != "pass: #1" || err != nil {
		t.Errorf("%q %v", pw, err)
	}

	p.write(before)
	code, _, errs = p.runIn("\n", "add", p.url, "--user", "bob")
	want(t, "no password", code, 1, errs, "sallyport: camera add: no password was given; use --password-env or --password-file, or type it\n")
	code, _, errs = p.runIn("wrong\n", "add", p.url, "--user", "bob")
	want(t, "wrong password", code, 1, p.plain(errs), "sallyport: camera add: http://CAMERA: GetDeviceInfo: the camera answered code 9 (unauthorized); correct its username and password: it is not tried again now, because a few wrong ones lock the account\n")
	if p.read() != before {
		t.Error("the file changed")
	}
}

// TestCameraAddHTTPS: the certificate is shown and written down; an address without
// http:// finds it.
func TestCameraAddHTTPS(t *testing.T) {
	p := bare(t, sim.Options{}, "cameras: {}\n")
	srv := httptest.NewUnstartedServer(p.cam)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // of the try without encryption
	srv.StartTLS()
	defer srv.Close()
	p.url = srv.URL
	code, out, errs := p.run("add", strings.TrimPrefix(p.url, "https://"), "front")
	if code != 0 {
		t.Fatalf("%d\n%s%s", code, out, errs)
	}
	shown := regexp.MustCompile(`its certificate is trusted on first use: SHA-256 (([0-9a-f]{2}:){31}[0-9a-f]{2})\n`).FindStringSubmatch(out)
	if shown == nil || !strings.Contains(out, ", so https is used\n") || !strings.Contains(p.read(), "    tls_pin: \""+shown[1]+"\"\n") {
		t.Fatalf("%s\n%s", out, p.read())
	}
	if code, out, errs := p.run("info", "front"); code != 0 || errs != "" {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	code, out, _ = p.run("add", "http://127.0.0.1:9", "other")
	if code != exitUnreachable || out != "" {
		t.Errorf("%d %s", code, out)
	}
}

// TestCameraAddARecorder: an entry for each channel, those that are missing later too.
func TestCameraAddARecorder(t *testing.T) {
	p := bare(t, sim.Options{Recorder: true, Channels: 3}, "cameras:\n  front-2:\n    match: {mac: \"58:5b:69:5f:42:1b\", channel: 2} # the yard\n\nrelays: {}\n")
	code, out, errs := p.run("add", p.url, "front")
	if code != 0 || errs != "" {
		t.Fatalf("%d\n%s%s", code, out, errs)
	}
	want(t, "file", 0, 0, p.plain(strings.Join(strings.SplitAfter(p.read(), "\n")[1:], "")), `cameras:
  front-2:
    match: {mac: "58:5b:69:5f:42:1b", channel: 2} # the yard
  front-1:
    match: {mac: "58:5b:69:5f:42:1b", ip: 127.0.0.1, channel: 1}
    url: http://CAMERA
  front-3:
    match: {mac: "58:5b:69:5f:42:1b", ip: 127.0.0.1, channel: 3}
    url: http://CAMERA

relays: {}
`)
	if !strings.HasSuffix(out, "next: `sallyport camera subscribe front-1` says what to type into its own page\n") {
		t.Error(out)
	}
}

// TestCameraAddToOddFiles: a file that cannot be added to stays as it is, and the entry is shown.
func TestCameraAddToOddFiles(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"one line":     {"cameras: {a: {match: {ip: 10.0.0.9}}}\n", "its cameras are written in one line, between { and }"},
		"whole":        {"{site: Elm}\n", "the file would not load ("},
		"end mark":     {"site: Elm\n...\n", "the file "},
		"with errors":  {"site: [\n", "has errors; correct them first"},
		"unknown keys": {"sites: Elm\n", "has errors; correct them first"},
	} {
		p := bare(t, sim.Options{}, "")
		p.write(c.text)
		code, _, errs := p.run("add", p.url, "front")
		if code != 1 || !strings.Contains(errs, c.want) || p.read() != c.text {
			t.Errorf("%s: %d\n%s\n%s", name, code, errs, p.read())
		}
		if !strings.Contains(c.want, "errors") && !strings.Contains(errs, "; nothing was written. Under cameras: in "+p.file+" this belongs:\n  front:\n    match: ") {
			t.Errorf("%s: %s", name, errs)
		}
	}
}

// TestCameraAddFollowsALink: the file behind a link is written, and the link stays.
func TestCameraAddFollowsALink(t *testing.T) {
	p := bare(t, sim.Options{}, "")
	link := filepath.Join(t.TempDir(), "sallyport.yaml")
	if err := os.Symlink(p.file, link); err != nil {
		t.Fatal(err)
	}
	behind := p.file
	p.file = link
	if code, out, errs := p.run("add", p.url, "front"); code != 0 {
		t.Fatalf("%d\n%s%s", code, out, errs)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link is gone")
	}
	if p.file = behind; !strings.Contains(p.read(), "\n  front:\n") {
		t.Error(p.read())
	}
}

// TestCameraAddBegins: a named site file that is not there begins with the camera.
func TestCameraAddBegins(t *testing.T) {
	p := bare(t, sim.Options{}, "")
	if err := os.Remove(p.file); err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	code := run(t.Context(), []string{"camera", "add", p.url, "front", "-c", p.file}, process{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, getenv: os.Getenv})
	if code != 0 {
		t.Fatalf("%d\n%s%s", code, out.String(), errs.String())
	}
	if site, problems := config.Load(p.file); config.Failed(problems) || len(site.Cameras) != 1 {
		t.Errorf("%v\n%s", problems, p.read())
	}
}

// TestYAMLText: what is written comes back.
func TestYAMLText(t *testing.T) {
	for _, s := range []string{"admin", "no", "Null", "0x10", "1_000", "12", "1.5", "a: b", "a #b", "{x}", "- a", "ä\n\x00\"\\", "http://10.0.0.5:80", "https://[::1]", "10.0.0.5", "/etc/pw", "~", "", " a", "a ", "1e3", "yes", "2026-01-01", "a:80", "é"} {
		if s == "ä\n\x00\"\\" || s == "" {
			continue // no text of the site file
		}
		site, problems := config.Parse("x", []byte("site: "+yamlText(s)+"\n"))
		if config.Failed(problems) || site.Name != s {
			t.Errorf("%q is written %s and read %q (%v)", s, yamlText(s), site.Name, problems)
		}
	}
}

func TestNamesOfDevices(t *testing.T) {
	for s, want := range map[string]string{"Porch cam": "porch-cam", "IP Camera (2)": "ip-camera-2", "": "camera", "北": "camera", "7eleven": "eleven", "--": "camera",
		strings.Repeat("ab-", 20): "ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-ab"} {
		if got := cameraNameOf(s); got != want || !cameraNamed(got) {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
	for s, want := range map[string]string{"58-5B-69-5F-42-1B": "58:5b:69:5f:42:1b", "00:00:00:00:00:00": "", "58:5b": "", "": ""} {
		if got := macOf(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func TestClockOff(t *testing.T) {
	at := time.Date(2026, 11, 1, 22, 0, 0, 400e6, time.UTC)
	got := []time.Duration{
		clockOff(at.Truncate(time.Second), at, at.Add(200*time.Millisecond)),
		clockOff(at.Add(time.Hour).Truncate(time.Second), at, at),
	}
	if want := []time.Duration{0, time.Hour + 100*time.Millisecond}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
