package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// runCommand is a command as a person types it, in a folder.
func runCommand(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = run(t.Context(), args, process{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, getenv: func(string) string { return "" }})
	return code, out.String(), errs.String()
}

// deviceOn gives a camera whose alarm output is on.
func deviceOn(t *testing.T) (*sim.Camera, string) {
	t.Helper()
	cam := sim.NewCamera(sim.Options{})
	server := httptest.NewServer(cam)
	t.Cleanup(server.Close)
	d, err := client.New(client.Config{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.ManualAlarmOut(t.Context(), 0, true); err != nil {
		t.Fatal(err)
	}
	if !cam.Stats().AlarmOut {
		t.Fatal("the output is not on")
	}
	return cam, server.URL
}

func writeSite(t *testing.T, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "sallyport.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestOffTurnsDevicesOff(t *testing.T) {
	cam, url := deviceOn(t)
	file := writeSite(t, fmt.Sprintf("cameras: {gate: {url: %q}}\nrelays: {bench: {memory: true, max_on: 1h}, siren: {camera: gate, max_on: 3m}}\n", url))
	code, out, errs := runCommand(t, "off", "-c", file)
	if code != 0 || out != "bench is in memory: there is nothing to drive\nsiren is off\n" || errs != "" {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	if cam.Stats().AlarmOut {
		t.Error("the output is still on")
	}
}

// TestOffGoesOnWithTheRest: one device that is dead and one whose password is not
// known keep no other relay on.
func TestOffGoesOnWithTheRest(t *testing.T) {
	cam, url := deviceOn(t)
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	file := writeSite(t, fmt.Sprintf(`cameras:
  gate: {url: %q}
  away: {url: %q}
  locked: {url: %q, username: admin, password: {env: NOT_THERE}}
  other: {url: http://127.0.0.1:9, username: admin, password: {env: NOT_THERE_EITHER}}
relays:
  lamp: {camera: away, max_on: 3m}
  bell: {camera: locked, max_on: 3m}
  siren: {camera: gate, max_on: 3m}
  barrier: {chip: gpiochip-none, line: 3, max_on: 3s}
`, url, dead.URL, "http://127.0.0.1:9"))
	code, out, errs := runCommand(t, "off", "-c", file)
	if code != 1 || out != "siren is off\n" {
		t.Errorf("code %d, printed %q", code, out)
	}
	if cam.Stats().AlarmOut {
		t.Error("the output is still on")
	}
	if strings.Contains(errs, "other") {
		t.Errorf("a camera that is no relay is spoken of:\n%s", errs)
	}
	for _, want := range []string{
		`sallyport: off: camera "locked": password: `,
		`sallyport: off: relay "lamp": `,
		`sallyport: off: relay "bell": the camera "locked" cannot be called`,
		`sallyport: off: relay "barrier": gpiochip-none line 3: `,
	} {
		if !strings.Contains(errs, want) {
			t.Errorf("nothing says %q:\n%s", want, errs)
		}
	}
}

// TestOffWithABrokenSiteFile: the relays of the last file that was run with go off.
func TestOffWithABrokenSiteFile(t *testing.T) {
	cam, url := deviceOn(t)
	file := writeSite(t, fmt.Sprintf("cameras: {gate: {url: %q, username: admin, password: {file: gate.secret}}}\nrelays: {siren: {camera: gate, max_on: 3m}}\n", url))
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "gate.secret"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := "relays: {siren: {camera: gate, max_on}}\n"
	siteOf := func(text string) string {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	code, _, errs := runCommand(t, "off", "-c", siteOf(broken))
	if want := "sallyport: off: " + file + " has errors, and no copy of one that was run with is there: correct it, and run this again\n"; code != 1 || !strings.HasSuffix(errs, want) {
		t.Errorf("code %d\n%s", code, errs)
	}

	site, _ := (process{stderr: new(strings.Builder)}).siteOfRelays(siteOf(string(whole)))
	if err := keepSite(site); err != nil {
		t.Fatal(err)
	}
	code, out, errs := runCommand(t, "off", "-c", siteOf(broken))
	want := fmt.Sprintf("sallyport: off: %s has errors; these are the relays of the last one that was run with, %s\n", file, filepath.Join(filepath.Dir(file), "data", lastGoodSite))
	if code != 0 || out != "siren is off\n" || !strings.HasSuffix(errs, want) || cam.Stats().AlarmOut {
		t.Errorf("code %d, output %v\n%s%s", code, cam.Stats().AlarmOut, out, errs)
	}
}
