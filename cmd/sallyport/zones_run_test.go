package main

import (
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// TestAcceptTakesEffectAtOnce: the running program knows nothing about a zone until it
// is accepted, then takes it over by itself, keeps it when the camera is away or the
// file is damaged, and begins with it again.
func TestAcceptTakesEffectAtOnce(t *testing.T) {
	rules := strings.Replace(rulesText, "polygon: [[2000, 3000], [8000, 3000], [8000, 10000], [2000, 10000]]", "import: perimeter/1", 1)
	s := startSite(t, rules, nil)
	s.err.await(`the camera's own zone perimeter/1 was never accepted`)
	s.walk(t, 15)
	if got := s.out.String(); strings.Contains(got, "enters porch") || strings.Contains(got, "porch is on") {
		t.Fatalf("somebody is in a zone that nobody knows:\n%s", got)
	}

	cam := sim.NewCamera(sim.Options{Identity: porchCamera})
	server := httptest.NewServer(cam)
	defer server.Close()
	file := writeSite(t, "data: "+filepath.Join(s.dir, "data")+"\ncameras: {porch: {url: \""+server.URL+"\", match: {mac: \"58:5b:69:00:00:01\"}}}\n")
	if code, out, errs := runCommand(t, "camera", "zones", "porch", "-c", file, "--accept"); code != 0 {
		t.Fatalf("it ends with %d\n%s%s", code, out, errs)
	}
	server.Close()
	s.out.await("rules loaded: 2 rules")
	s.walk(t, 15)
	s.out.await("enters porch")
	s.out.await("porch is on (")

	imports := filepath.Join(s.dir, "data", importsFile)
	if err := os.WriteFile(imports, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.out.await("the rules did not load; the running set stays")
	if code, body := s.get("/readyz"); code != 503 || !strings.Contains(body, "an earlier set is in use") {
		t.Errorf("readyz %d %s", code, body)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}

	site, _ := config.Load(filepath.Join(s.dir, "sallyport.yaml"))
	r := &reloader{
		dir: filepath.Join(s.dir, "rules.d"), data: site.Data, site: ruleSite(site), imports: importsPath(site.Data),
		log: slog.New(slog.DiscardHandler), note: func(string) {}, tell: func(string) {},
	}
	rs := r.first()
	if got := r.current().instead; got != "the last good set is in use" {
		t.Fatalf("after the start: %q", got)
	}
	place := rs.Zones[0]
	if z := rs.Cameras[place.Camera].Layout.Zones[place.Index]; z.Unknown || len(z.Polygon) != 4 {
		t.Errorf("the zone of the last good set is %+v", z)
	}
	if imports, copies := r.inForce(); len(imports) != 1 || copies.find("porch", "perimeter/1") == nil {
		t.Errorf("in force are %q with %+v", imports, copies)
	}
	if err := os.Remove(imports); err != nil {
		t.Fatal(err)
	}
	if rs, ok := r.load(); !ok || !rs.Cameras[rs.Zones[0].Camera].Layout.Zones[0].Unknown {
		t.Error("without accepted copies the zone is known")
	}
}
