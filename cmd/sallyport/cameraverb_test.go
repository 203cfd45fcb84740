package main

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// TestDevicesAreAskedByRules: a plate raises a recorder's virtual alarm, once in a visit, and a picture of the gate is
// kept with the step's entry.
func TestDevicesAreAskedByRules(t *testing.T) {
	recorder, gate := sim.NewCamera(sim.Options{Recorder: true}), sim.NewCamera(sim.Options{})
	urls := make(map[string]string)
	for name, cam := range map[string]*sim.Camera{"nvr": recorder, "gate": gate} {
		srv := httptest.NewServer(cam)
		t.Cleanup(srv.Close)
		urls[name] = srv.URL
	}
	s := startSite(t, `rules:
  - name: arrival
    on: plate
    when: plate.heading == "approach"
    do:
      - {camera: nvr, virtual_alarm: 17}
      - {camera: gate, snapshot: true}
      - {camera: porch, snapshot: true}
`, func(s *service) {
		for i := range s.site.Cameras {
			s.site.Cameras[i].URL = urls[s.site.Cameras[i].Name]
		}
		s.site.Cameras = append(s.site.Cameras, config.Camera{Name: "nvr", URL: urls["nvr"]})
	})
	s.post(plateRead("ABC1234"))
	firing := s.awaitEntry("kind=firing", func(e entry) bool { return e.Rule == "arrival" })
	of := func(step string) entry {
		return s.awaitEntry("kind=action", func(e entry) bool { return e.Links.Firing == firing.ID && e.Step == step })
	}
	if e := of("camera nvr virtual_alarm 17"); e.Outcome != "done" || e.Reason != "" {
		t.Errorf("%+v", e)
	}
	if e := of("camera porch snapshot"); e.Outcome != "not begun" || e.Reason != `there is no camera "porch" with a url` {
		t.Errorf("%+v", e)
	}
	shot := of("camera gate snapshot")
	if shot.Outcome != "done" {
		t.Errorf("%+v", shot)
	}
	s.post(plateRead("ABC1234")) // the same visit
	s.out.awaitCount("ABC1234", 2)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if got := recorder.Stats().Triggered; !slices.Equal(got, []int{17}) {
		t.Errorf("virtual alarms: %v", got)
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "data", "images", "*", "*-snapshot.jpg"))
	if err != nil || len(files) != 1 || !strings.HasSuffix(files[0], "-snapshot.jpg") {
		t.Fatalf("pictures: %v, %v", files, err)
	}
	if b, err := os.ReadFile(files[0]); err != nil || !bytes.Equal(b, sim.Picture(nil)) {
		t.Errorf("the picture has %d bytes, %v", len(b), err)
	}
	code, out, errs := runCommand(t, "journal", "verify", "-c", filepath.Join(s.dir, "sallyport.yaml"))
	if code != 0 || !strings.HasPrefix(out, "ok: ") || errs != "" {
		t.Errorf("%d %s%s", code, out, errs)
	}
}
