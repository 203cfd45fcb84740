package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const probedID = "probed"

func fullProbe() Probe {
	return Probe{
		URL: "https://192.0.2.52", Name: "Porch cam", Model: "IPC-1", MAC: "58:5b:69:5f:42:1b", SN: "N123", Firmware: "5.3.1", Channels: 4,
		Certificate: "ab:cd", Notes: []string{"it reads plates"}, SuggestedName: "porch-cam", Key: "k",
	}
}

// fullSystem, emptySystem and brokenSystem fill the functions of a source: everything set, nothing there, errors.
func fullSystem(s *Source) {
	s.System = SystemSource{
		System: func(context.Context) (System, error) {
			return System{
				Version: "v1.2.3", Commit: "abc", Go: "go1.26", Platform: "linux/arm64", Started: at("2026-03-29T13:58:46Z"), PID: 7, Memory: 30 << 20,
				Listen: Ports{Cameras: "[::]:5002", Console: "192.0.2.1:8080", TLS: true, Fingerprint: "ab:cd"}, PostTo: "http://192.0.2.1:5002/API",
				Data:     &DataFolder{Path: "/var/lib/sallyport", Free: 1, Total: 2, Journal: 3, Images: 4, Recording: 5, Limit: 6, Keep: map[string]string{"journal": "400 days"}},
				SiteFile: "/etc/sallyport/sallyport.yaml", RestartNeeded: true, SiteProblems: []string{"sallyport.yaml:3:1: unknown key"},
			}, nil
		},
		Restart: func(context.Context, string) error { return nil },
		Adopt: func(_ context.Context, _ string, a Adoption) (Adopted, error) {
			return Adopted{Camera: a.As, Lines: "  " + a.As + ":\n    match: {mac: \"" + a.MAC + "\"}\n", RestartNeeded: true}, nil
		},
		Probe: func(context.Context, string, ProbeQuery) (Probe, error) { return fullProbe(), nil },
		AddCamera: func(_ context.Context, who string, found Probe, as string) (Adopted, error) {
			return Adopted{Camera: as, Lines: found.URL + " " + found.Key + " " + who, RestartNeeded: true}, nil
		},
		Recipes: func(context.Context) ([]Recipe, error) {
			return []Recipe{{
				File: "gate.yaml", Title: "The gate opens", Text: "rules: []\n", Cameras: []string{"gate"}, Zones: []string{"porch"}, Lines: []string{"ramp"},
				Relays: []string{"gate"}, Contacts: []string{"door"}, Lists: []string{"residents"},
			}, {File: "bare.yaml"}}, nil
		},
	}
}

func emptySystem(s *Source) {
	s.System = SystemSource{
		System:  func(context.Context) (System, error) { return System{Data: &DataFolder{}}, nil },
		Restart: func(context.Context, string) error { return SiteError{"sallyport.yaml:3:1: unknown key \"x\"", "two"} },
		Adopt: func(context.Context, string, Adoption) (Adopted, error) {
			return Adopted{}, NotFoundError("no such device posts here any more")
		},
		Probe: func(context.Context, string, ProbeQuery) (Probe, error) { return Probe{}, nil },
		AddCamera: func(context.Context, string, Probe, string) (Adopted, error) {
			return Adopted{}, RefusedError("it is one already")
		},
		Recipes: func(context.Context) ([]Recipe, error) { return nil, nil },
	}
}

func brokenSystem(s *Source) {
	s.System = SystemSource{
		System:  func(context.Context) (System, error) { return System{}, errStopping },
		Restart: func(context.Context, string) error { return errStopping },
		Adopt: func(context.Context, string, Adoption) (Adopted, error) {
			return Adopted{}, BadQueryError("as: no name")
		},
		Probe:     func(context.Context, string, ProbeQuery) (Probe, error) { return Probe{}, errStopping },
		AddCamera: func(context.Context, string, Probe, string) (Adopted, error) { return Adopted{}, errStopping },
		Recipes:   func(context.Context) ([]Recipe, error) { return nil, errStopping },
	}
}

// probedBefore lets a probe end, under a known id.
func probedBefore(s *Server) {
	j, err := s.jobs.start("probe", "ann", func(ctx context.Context, _ func(JobProgress)) (any, error) {
		return s.source.System.Probe(ctx, "ann", ProbeQuery{URL: "http://192.0.2.52"})
	})
	if err != nil {
		panic(err)
	}
	for range 2000 {
		if s.jobs.show(j, false).State != jobRunning {
			break
		}
		time.Sleep(time.Millisecond)
	}
	s.jobs.mu.Lock()
	j.id = probedID
	s.jobs.mu.Unlock()
}

// systemCases are requests that TestDescription makes besides the plain ones.
func systemCases() []apiCase {
	js := map[string]string{"Content-Type": "application/json"}
	return []apiCase{
		{path: "/api/v1/devices/unknown/adopt", method: "POST", target: "/api/v1/devices/unknown/adopt", header: js, body: `{"remote":"192.0.2.52","mac":"58:5b:69:5f:42:1b","as":"porch"}`, status: 200},
		{path: "/api/v1/devices/unknown/adopt", method: "POST", target: "/api/v1/devices/unknown/adopt", header: js, body: `{"remote":"192.0.2.52","as":"porch"}`, source: empty, status: 404},
		{path: "/api/v1/devices/unknown/adopt", method: "POST", target: "/api/v1/devices/unknown/adopt", header: js, body: `{"remote":"192.0.2.52","as":"porch"}`, source: broken, status: 400},
		{path: "/api/v1/devices/unknown/adopt", method: "POST", target: "/api/v1/devices/unknown/adopt", header: js, body: `{"remote":"` + strings.Repeat("x", maxSystemBody) + `"}`, status: 413},
		{path: "/api/v1/cameras/probe", method: "POST", target: "/api/v1/cameras/probe", header: js, body: `{"url":"http://192.0.2.52","username":"admin","password":"x"}`, status: 202},
		{path: "/api/v1/cameras/probe", method: "POST", target: "/api/v1/cameras/probe", header: js, body: `{"username":"admin"}`, status: 400},
		{path: "/api/v1/cameras", method: "POST", target: "/api/v1/cameras", header: js, body: `{"probe":"` + probedID + `","as":"porch"}`, before: probedBefore, status: 200},
		{path: "/api/v1/cameras", method: "POST", target: "/api/v1/cameras", header: js, body: `{"probe":"` + probedID + `","as":"porch"}`, before: probedBefore, source: empty, status: 409},
		{path: "/api/v1/cameras", method: "POST", target: "/api/v1/cameras", header: js, body: `{"probe":"` + probedID + `","as":"porch"}`, before: probedBefore, source: broken, status: 409},
		{path: "/api/v1/cameras", method: "POST", target: "/api/v1/cameras", header: js, body: `{"probe":"none","as":"porch"}`, status: 404},
		{path: "/api/v1/restart", method: "POST", target: "/api/v1/restart", status: 202},
		{path: "/api/v1/restart", method: "POST", target: "/api/v1/restart", source: empty, status: 409},
		{path: "/api/v1/restart", method: "POST", target: "/api/v1/restart", source: broken, status: 503},
	}
}

// systemSamples are what no answer holds by itself.
func systemSamples() []apiSample {
	return []apiSample{
		{"Adoption", Adoption{Remote: "192.0.2.52", MAC: "58:5b:69:5f:42:1b", SN: "N1", Name: "cam", Channel: 2, As: "porch"}},
		{"ProbeQuery", ProbeQuery{URL: "192.0.2.52", Username: "admin", Password: "x"}},
		{"Probe", fullProbe()},
		{"NewCamera", map[string]string{"probe": "k3v", "as": "porch"}},
	}
}

// TestSystemRefusals holds what is said when the machine's side of things is refused.
func TestSystemRefusals(t *testing.T) {
	js := "application/json"
	for _, c := range []struct {
		name, method, target, contentType, body string
		source                                  Source
		want                                    string
	}{
		{"errors in the site file", "POST", "/api/v1/restart", "", "", empty(),
			`{"type":"about:blank","title":"Conflict","status":409,"detail":"the program is not restarted, for the site file has errors: sallyport.yaml:3:1: unknown key \"x\"; two","reasons":["sallyport.yaml:3:1: unknown key \"x\"","two"]}`},
		{"a form", "POST", "/api/v1/cameras/probe", "text/plain", `{"url":"http://192.0.2.52"}`, full(),
			`{"type":"about:blank","title":"Bad Request","status":400,"detail":"want a body of Content-Type application/json"}`},
		{"an unknown field", "POST", "/api/v1/devices/unknown/adopt", js, `{"remote":"192.0.2.52","to":"x"}`, full(),
			`{"type":"about:blank","title":"Bad Request","status":400,"detail":"want {\"remote\": …, \"mac\": …, \"sn\": …, \"name\": …, \"channel\": …, \"as\": …}, as the unknown device says them, and as a name for the camera"}`},
		{"no address", "POST", "/api/v1/cameras/probe", js, `{"url":""}`, full(),
			`{"type":"about:blank","title":"Bad Request","status":400,"detail":"want the address of a device, for example http://192.168.0.52"}`},
	} {
		req := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
		req.Host, req.RemoteAddr = "localhost", "127.0.0.1:40000"
		if c.contentType != "" {
			req.Header.Set("Content-Type", c.contentType)
		}
		w := httptest.NewRecorder()
		server(t, c.source).ServeHTTP(w, req)
		if got := strings.TrimSpace(w.Body.String()); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestProbeOfADevice asks a device, and makes a camera of what it said: the key by which the source
// finds it again, and with it the password, never leave the server.
func TestProbeOfADevice(t *testing.T) {
	s := server(t, full())
	t.Cleanup(s.jobs.stop)
	probedBefore(s)
	got, err := s.jobResult(probedID, "probe")
	if p, ok := got.(Probe); err != nil || !ok || p.Key != "k" {
		t.Fatal(got, err)
	}
	w := ask(s, http.MethodGet, "/api/v1/jobs/"+probedID, "localhost")
	if body := w.Body.String(); !strings.Contains(body, `"result":{"url":"https://192.0.2.52","name":"Porch cam"`) || strings.Contains(body, "Key") || strings.Contains(body, `"k"`) {
		t.Error(body)
	}
	if _, err := s.jobResult(probedID, "replay"); !errors.As(err, new(NotFoundError)) {
		t.Error(err)
	}
	w = post(s, "/api/v1/cameras", `{"probe":"`+probedID+`","as":"porch"}`)
	if want := `{"camera":"porch","lines":"https://192.0.2.52 k console at 127.0.0.1","restart_needed":true}` + "\n"; w.Body.String() != want {
		t.Errorf("got %s want %s", w.Body, want)
	}
}
