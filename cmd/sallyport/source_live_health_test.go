package main

import (
	"slices"
	"testing"

	"github.com/sallyport/sallyport/web"
)

// TestHealthOfTheSiteFile holds that a site file that the program could not start again
// with is spoken of, and what stands in it is not shown.
func TestHealthOfTheSiteFile(t *testing.T) {
	s := startSite(t, rulesText, again)
	health := func() []web.Trouble {
		all := asked[struct{ Items []web.Trouble }](s, "GET", "/api/v1/health", "", 200)
		return slices.DeleteFunc(all.Items, func(t web.Trouble) bool { return t.Area != "site" && (t.Area != "camera" || t.Name != "") })
	}
	if got := health(); len(got) > 0 {
		t.Errorf("%+v", got)
	}
	s.write("sallyport.yaml", siteText+"lamps: {}\n")
	want := web.Trouble{Level: "fault", Area: "site", Text: "the site file has errors, so the program could not start again with it; System says which"}
	if got := health(); !slices.Equal(got, []web.Trouble{want}) {
		t.Errorf("%+v", got)
	}
	s.write("sallyport.yaml", siteText)
	if got := health(); len(got) > 0 {
		t.Errorf("%+v", got)
	}
	s.write("rules.d/rules.yaml", "rules:\n  - name: none\n    on: plate\n    do: [{log: none}]\n")
	s.write("sallyport.yaml", "location: {timezone: UTC}\nlisten: {cameras: \"127.0.0.1:0\", console: \"127.0.0.1:0\"}\n")
	asked[map[string]bool](s, "POST", "/api/v1/restart", "", 202)
	s.out.awaitCount("the console is at "+s.console, 2)
	want = web.Trouble{Level: "warning", Area: "camera", Text: "no camera is set up, so nothing is seen: add one under System"}
	if got := health(); !slices.Equal(got, []web.Trouble{want}) {
		t.Errorf("%+v", got)
	}
}

// TestNeverSeen holds that a camera of which nothing came is told once.
func TestNeverSeen(t *testing.T) {
	for _, c := range []struct {
		camera web.Camera
		want   bool
	}{
		{web.Camera{}, true},
		{web.Camera{Online: true}, false},
		{web.Camera{Posts: 1}, false},
		{web.Camera{Problems: []web.CameraProblem{{Kind: badOffline}}}, false},
		{web.Camera{Problems: []web.CameraProblem{{Kind: badZones}}}, true},
	} {
		if got := neverSeen(&c.camera); got != c.want {
			t.Errorf("%+v: %t", c.camera, got)
		}
	}
}
