package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/viewtron/sim"
	"github.com/sallyport/sallyport/web"
)

// again lets an appliance under test be restarted.
func again(s *service) {
	first, begun := s.started, false
	s.started = func(ctx context.Context, cameras net.Addr) error {
		if begun {
			<-ctx.Done()
			return nil
		}
		begun = true
		return first(ctx, cameras)
	}
}

// asked sends a request and decodes the answer.
func asked[T any](s *testSite, method, path, body string, status int) T {
	s.Helper()
	code, text := s.send(method, path, body)
	var v T
	if code != status || json.Unmarshal([]byte(text), &v) != nil {
		s.Fatalf("%s %s: %d %s; want %d", method, path, code, text, status)
	}
	return v
}

// turnedDown is a refusal.
type turnedDown struct {
	Detail  string
	Reasons []string
}

// TestRestart begins an appliance anew with a site file that has one relay more: its ports
// stay where they are, its relays go off, what it knew it knows, and the journal says who did it.
func TestRestart(t *testing.T) {
	s := startSite(t, rulesText+"flags: {armed: false}\n", again)
	if v := asked[web.System](s, "GET", "/api/v1/system", "", 200); v.RestartNeeded || v.SiteFile != filepath.Join(s.dir, "sallyport.yaml") ||
		v.PostTo != "http://"+s.addr+"/API" || v.Listen.Cameras != s.addr || v.Data == nil || v.Data.Keep["journal"] != "400 days" || v.PID != os.Getpid() {
		t.Errorf("%+v", v)
	}
	if code, body := s.send("POST", "/api/v1/relays/porch", `{"set":"on"}`); code != 200 {
		t.Fatal(code, body)
	}
	s.write("sallyport.yaml", siteText+"  lamp: {memory: true, max_on: 1h}\n")
	before := asked[web.System](s, "GET", "/api/v1/system", "", 200)
	if !before.RestartNeeded || len(before.SiteProblems) > 0 {
		t.Errorf("%+v", before)
	}
	asked[map[string]bool](s, "POST", "/api/v1/restart", "", 202)
	s.out.awaitCount("the console is at "+s.console, 2)
	var relays struct{ Items []web.Relay }
	_, body := s.send("GET", "/api/v1/relays", "")
	if err := json.Unmarshal([]byte(body), &relays); err != nil || len(relays.Items) != 3 {
		t.Fatal(err, body)
	}
	for _, r := range relays.Items {
		if r.On {
			t.Errorf("%s is on after a restart", r.Name)
		}
	}
	after := asked[web.System](s, "GET", "/api/v1/system", "", 200)
	if after.RestartNeeded || !after.Started.After(before.Started.Time) || after.Listen != before.Listen {
		t.Errorf("%+v\n%+v", before, after)
	}
	e := s.awaitEntry("kind=action", func(e entry) bool { return e.Step == "restart" })
	if e.Who != "console at 127.0.0.1" || e.Outcome != "done" {
		t.Errorf("%+v", e)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if text := s.out.String(); strings.Count(text, "the program starts again") != 1 || strings.Count(text, "\nthe program ends\n") != 1 {
		t.Error(text)
	}
}

// TestRestartRefused holds that nothing is stopped for a site file that would not do.
func TestRestartRefused(t *testing.T) {
	s := startSite(t, rulesText, again)
	file := filepath.Join(s.dir, "sallyport.yaml")
	for _, c := range []struct{ name, text, want string }{
		{"an unknown key", siteText + "lamps: {}\n", file + `:9:1: unknown key "lamps" (there are `},
		{"a password that is not there", strings.Replace(siteText, `"58:5b:69:00:00:02"}`, `"58:5b:69:00:00:02"}, url: http://192.0.2.1, username: a, password: {file: none}`, 1),
			`camera "gate": password: ` + "secret file: open " + filepath.Join(s.dir, "none") + ": no such file or directory"},
	} {
		s.write("sallyport.yaml", c.text)
		got := asked[turnedDown](s, "POST", "/api/v1/restart", "", 409)
		if len(got.Reasons) != 1 || !strings.HasPrefix(got.Reasons[0], c.want) || got.Detail != "the program is not restarted, for the site file has errors: "+got.Reasons[0] {
			t.Errorf("%s: %q", c.name, got)
		}
	}
	if v := asked[web.System](s, "GET", "/api/v1/system", "", 200); !v.RestartNeeded {
		t.Errorf("%+v", v)
	}
	if strings.Contains(s.out.String(), "starts again") {
		t.Error(s.out)
	}
}

// TestRestartThatFails goes on with the site file before, when the new one shows at the
// start that it cannot be run with.
func TestRestartThatFails(t *testing.T) {
	s := startSite(t, rulesText, again)
	s.write("sallyport.yaml", siteText+"  lamp: {chip: nochip, line: 1, max_on: 1h}\n")
	asked[map[string]bool](s, "POST", "/api/v1/restart", "", 202)
	s.out.awaitCount("the console is at "+s.console, 2)
	v := asked[web.System](s, "GET", "/api/v1/system", "", 200)
	if !v.RestartNeeded || len(v.SiteProblems) != 1 ||
		!strings.HasPrefix(v.SiteProblems[0], `the program could not begin anew with the site file, and goes on with the one before: relay "lamp": `) {
		t.Errorf("%+v", v)
	}
	s.err.await("the program cannot be restarted with the site file as it is; the one before is used")
	if code, body := s.send("POST", "/api/v1/relays/porch", `{"set":"on"}`); code != 200 {
		t.Error(code, body)
	}
}

// TestAdoptADevice makes a camera of a device that posts: the entry is written below the
// others, with all comments kept, and counts after a restart.
func TestAdoptADevice(t *testing.T) {
	s := startSite(t, rulesText, again)
	text := strings.Replace(siteText, "relays:\n", "# what they move\nrelays:\n", 1)
	s.write("sallyport.yaml", text)
	s.post(sim.AppendHeartbeat(nil, sim.Identity{Name: "Yard Cam", MAC: "58:5b:69:00:00:07", SN: "N7", IP: "127.0.0.1"}, sim.V2))
	var list struct{ Items []web.Device }
	if _, body := s.send("GET", "/api/v1/devices/unknown", ""); json.Unmarshal([]byte(body), &list) != nil || len(list.Items) != 1 {
		t.Fatal(body)
	}
	d := list.Items[0]
	ask := func(as string) string {
		b, err := json.Marshal(web.Adoption{Remote: d.Remote, MAC: d.MAC, SN: d.SN, Name: d.Name, Channel: d.Channel, As: as})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for as, want := range map[string]string{
		"Yard": `"Yard" is no name for a camera: small letters, digits and dashes, a letter first, at most 48`, "": `"" is no name for a camera: small letters, digits and dashes, a letter first, at most 48`,
		"a: {}": `"a: {}" is no name for a camera: small letters, digits and dashes, a letter first, at most 48`,
	} {
		if got := asked[turnedDown](s, "POST", "/api/v1/devices/unknown/adopt", ask(as), 400); got.Detail != want {
			t.Errorf("%q: %q", as, got.Detail)
		}
	}
	if got := asked[turnedDown](s, "POST", "/api/v1/devices/unknown/adopt", ask("gate"), 409); got.Detail != filepath.Join(s.dir, "sallyport.yaml")+` has a camera "gate" already; give another name` {
		t.Error(got.Detail)
	}
	if got := asked[turnedDown](s, "POST", "/api/v1/devices/unknown/adopt", `{"remote":"192.0.2.9","as":"yard"}`, 404); got.Detail != "no such device posts here any more, or it is a camera already" {
		t.Error(got.Detail)
	}
	got := asked[web.Adopted](s, "POST", "/api/v1/devices/unknown/adopt", ask("yard"), 200)
	lines := "  yard:\n    match: {mac: \"58:5b:69:00:00:07\"}\n"
	if got != (web.Adopted{Camera: "yard", Lines: lines, RestartNeeded: true}) {
		t.Errorf("%+v", got)
	}
	after, err := os.ReadFile(filepath.Join(s.dir, "sallyport.yaml"))
	if want := strings.Replace(text, "# what they move\n", lines+"# what they move\n", 1); err != nil || string(after) != want {
		t.Errorf("%v\n%s", err, after)
	}
	asked[map[string]bool](s, "POST", "/api/v1/restart", "", 202)
	s.out.awaitCount("the console is at "+s.console, 2)
	if code, body := s.send("GET", "/api/v1/cameras/yard", ""); code != 200 {
		t.Error(code, body)
	}
}

// TestAddACamera asks a device at its address and makes a camera of it: its password is in
// a file of its own, and nowhere else.
func TestAddACamera(t *testing.T) {
	cam := sim.NewCamera(sim.Options{
		Identity: sim.Identity{Name: "Side Cam", MAC: "58:5b:69:00:00:08", SN: "N8"}, Username: "admin", Password: "box: #8 \"x\"", Auth: sim.Digest,
	})
	device := httptest.NewServer(cam)
	defer device.Close()
	s := startSite(t, rulesText, again)
	probe := func(body string) (j struct {
		ID, State, Error string
		Result           web.Probe
	}) {
		t.Helper()
		id := asked[struct{ ID string }](s, "POST", "/api/v1/cameras/probe", body, 202).ID
		for range 100 {
			if _, text := s.send("GET", "/api/v1/jobs/"+id+"?wait=5", ""); json.Unmarshal([]byte(text), &j) != nil {
				t.Fatal(text)
			}
			if j.State != "running" && j.State != "waiting" {
				break
			}
		}
		return j
	}
	for _, c := range []struct{ body, want string }{
		{`{"url":"` + device.URL + `","username":"admin","password":"wrong"}`, device.URL + " refuses the account or its password; after a few wrong ones it locks the account for some minutes"},
		{`{"url":"` + device.URL + `"}`, device.URL + " wants a login: give the account and its password"},
		{`{"url":"file:///etc/passwd"}`, `"file:///etc/passwd" is no address of a device (try http://192.168.0.52)`},
		{`{"url":"ftp://192.0.2.1"}`, `a device is asked over http or https, not ftp`},
		{`{"url":"http://a:b@192.0.2.1"}`, `give the account and its password on their own, not in the address`},
		{`{"url":"http://admin:se/cret@192.0.2.1"}`, `give the account and its password on their own, not in the address`},
		{`{"url":"admin:se%cret@192.0.2.1/x"}`, `give the account and its password on their own, not in the address`},
		{`{"url":"http://192.0.2.1/admin?x=1"}`, `"http://192.0.2.1/admin?x=1" is no address of a device (try http://192.168.0.52)`},
	} {
		if j := probe(c.body); j.State != "failed" || j.Error != c.want {
			t.Errorf("%s: %s %q", c.body, j.State, j.Error)
		}
	}
	if _, text := s.send("GET", "/api/v1/jobs", ""); strings.Contains(text, "cret") || strings.Contains(text, "a:b") {
		t.Errorf("a password of an address can be seen: %s", text)
	}
	j := probe(`{"url":"` + device.URL + `","username":"admin","password":"box: #8 \"x\""}`)
	if j.State != "done" || j.Result.SuggestedName != "side-cam" || j.Result.MAC != "58:5b:69:00:00:08" || j.Result.Model != "SIM-4MP" || len(j.Result.Notes) < 2 {
		t.Fatalf("%+v", j)
	}
	got := asked[web.Adopted](s, "POST", "/api/v1/cameras", `{"probe":"`+j.ID+`","as":"side"}`, 200)
	want := "  side:\n    match: {mac: \"58:5b:69:00:00:08\", ip: \"127.0.0.1\"}\n    url: " + device.URL + "\n    username: admin\n    password: {file: data/passwords/side}\n"
	if got.Lines != strings.Replace(want, `"127.0.0.1"`, "127.0.0.1", 1) || got.Camera != "side" {
		t.Errorf("%+v", got)
	}
	kept := filepath.Join(s.dir, "data", "passwords", "side")
	if b, err := os.ReadFile(kept); err != nil || string(b) != "box: #8 \"x\"\n" {
		t.Errorf("%q %v", b, err)
	}
	for name, mode := range map[string]os.FileMode{kept: 0o600, filepath.Dir(kept): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	if got := asked[turnedDown](s, "POST", "/api/v1/cameras", `{"probe":"`+j.ID+`","as":"side-2"}`, 409); got.Detail != "it is added already, as camera \"side\", which counts after a restart" {
		t.Error(got.Detail)
	}
	asked[map[string]bool](s, "POST", "/api/v1/restart", "", 202)
	s.out.awaitCount("the console is at "+s.console, 2)
	site, problems := config.Load(filepath.Join(s.dir, "sallyport.yaml"))
	if c, ok := site.Camera("side"); len(problems) > 0 || !ok || c.URL != device.URL {
		t.Error(problems, c)
	}
	s.stop()
	if err := filepath.WalkDir(s.dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == kept {
			return err
		}
		b, err := os.ReadFile(name)
		if strings.Contains(string(b), "box: #8") {
			t.Errorf("%s holds the password", name)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// TestProbesAreForgotten keeps passwords no longer, and no more of them, than is needed.
func TestProbesAreForgotten(t *testing.T) {
	var p probes
	now := time.Now()
	first := p.keep(&probedDevice{password: "x", at: now})
	for i := range maxProbes {
		p.keep(&probedDevice{at: now.Add(time.Duration(i+1) * time.Second)})
	}
	if p.find(first) != nil || len(p.all) != maxProbes {
		t.Error("the oldest of too many is remembered")
	}
}

// TestShippedRecipes holds what the console says of the recipes.
func TestShippedRecipes(t *testing.T) {
	all, err := shippedRecipes()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range all {
		names = append(names, r.File)
		if r.Title == "" || len(r.Title) > 160 || strings.HasPrefix(r.Text, "# yaml-language-server") {
			t.Errorf("%s: title %q", r.File, r.Title)
		}
	}
	if !slices.Equal(names, recipes(t)) {
		t.Errorf("%q", names)
	}
	i := slices.Index(names, "porch-light.yaml")
	r := all[i]
	r.Text = ""
	want := web.Recipe{File: "porch-light.yaml", Title: r.Title, Cameras: []string{"porch"}, Zones: []string{"porch"}, Relays: []string{"porch"}}
	if got, _ := json.Marshal(r); string(got) != func() string { b, _ := json.Marshal(want); return string(b) }() {
		t.Errorf("%s", got)
	}
}
