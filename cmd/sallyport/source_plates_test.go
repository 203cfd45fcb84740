package main

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/viewtron/sim"
	"github.com/sallyport/sallyport/web"
)

const listRules = `lists:
  residents:
    # Ann's
    - {plate: ABC1234, owner: Ann}
    - {plate: OLD777, until: 2020-01-31, note: moved away}
  staff: {file: plates/staff.csv}
  nowhere: {file: plates/none.csv}
schedules:
  never: {dates: "2020-01-01"}
rules:
  - name: gate
    on: plate
    when: plate.heading == "approach" && plate.on("residents")
    do: [{relay: gate, pulse: 100ms}]
`

const staffFile = "plate,owner\nST4FF, Bob # the cook\n"

// page asks for a collection.
func page[T any](s *testSite, path string) []T {
	s.Helper()
	code, body := s.get(path)
	var p struct{ Items []T }
	if err := json.Unmarshal([]byte(body), &p); err != nil || code != 200 {
		s.Fatal(path, code, body, err)
	}
	return p.Items
}

func startPlates(t *testing.T, change func(*service)) *testSite {
	t.Helper()
	return startSite(t, strings.Replace(listRules, "\n  nowhere: {file: plates/none.csv}", "", 1), func(svc *service) {
		if err := os.MkdirAll(filepath.Join(svc.dir, "plates"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(svc.dir, "plates/staff.csv"), []byte(staffFile), 0o644); err != nil {
			t.Fatal(err)
		}
		if change != nil {
			change(svc)
		}
	})
}

func (s *testSite) holds(name, want string) {
	s.Helper()
	if got, err := os.ReadFile(filepath.Join(s.dir, name)); err != nil || string(got) != want {
		s.Errorf("%s holds\n%s%v, want\n%s", name, got, err, want)
	}
}

// TestAGuestIsPutOnAList: in the place where the list stands, everything else as it was; the rules know at once, and the
// journal who it was.
func TestAGuestIsPutOnAList(t *testing.T) {
	s := startPlates(t, nil)
	code, body := s.send("PUT", "/api/v1/plates/lists/residents/GU%203ST", `{"owner":"Eve","until":"2099-01-31 18:00"}`)
	if want := `{"plate":"GU 3ST","owner":"Eve","until":"2099-01-31 18:00","valid":true}` + "\n"; code != 200 || body != want {
		t.Errorf("%d %s, want %s", code, body, want)
	}
	text := strings.Replace(listRules, "\n  nowhere: {file: plates/none.csv}", "", 1)
	text = strings.Replace(text, "note: moved away}\n", "note: moved away}\n    - {plate: GU 3ST, owner: Eve, until: \"2099-01-31 18:00\"}\n", 1)
	s.holds("rules.d/rules.yaml", text)
	s.awaitEntry("kind=action&plate=GU3ST", func(e entry) bool {
		return e.Type == "command" && e.Who == "console at 127.0.0.1" && e.Step == "put GU 3ST on the list residents"
	})
	s.awaitEntry("kind=reload", func(e entry) bool { return e.Loaded })
	s.out.await("rules loaded: ")
	s.post(sim.AppendPlate(nil, gateCamera, time.Now(), sim.PlateRead{Number: "GU3ST", Heading: "approach", Confidence: 98}))
	s.out.await("gate is on (")
	firing := s.awaitEntry("kind=firing", func(e entry) bool { return e.Plate == "GU3ST" })

	reads := page[web.PlateRead](s, "/api/v1/plates/reads?q=6U35T")
	if len(reads) != 1 || reads[0].ID != firing.Links.Event || reads[0].Number != "GU3ST" || reads[0].Heading != "approach" ||
		!reflect.DeepEqual(reads[0].Fired, []string{"gate"}) || !reflect.DeepEqual(reads[0].Lists, []web.PlateOn{{Name: "residents", Owner: "Eve"}}) {
		t.Errorf("%+v", reads)
	}
	if code, body := s.send("DELETE", "/api/v1/plates/lists/residents/gu-3st", ""); code != 204 || body != "" {
		t.Error(code, body)
	}
	s.holds("rules.d/rules.yaml", strings.Replace(listRules, "\n  nowhere: {file: plates/none.csv}", "", 1))
	s.awaitEntry("kind=action&plate=GU3ST", func(e entry) bool { return e.Step == "take gu-3st off the list residents" })

	// A list file is changed in its place as well.
	if code, body := s.send("PUT", "/api/v1/plates/lists/staff/NEW1", `{"owner":"Al","schedule":"never"}`); code != 200 ||
		body != `{"plate":"NEW1","owner":"Al","schedule":"never","valid":false,"why":"outside its schedule never"}`+"\n" {
		t.Error(code, body)
	}
	s.holds("rules.d/plates/staff.csv", "plate,owner,schedule\nST4FF, Bob # the cook\nNEW1,Al,never\n")
	if code, body := s.send("DELETE", "/api/v1/plates/lists/staff/ST4FF", ""); code != 204 {
		t.Error(code, body)
	}
	s.holds("rules.d/plates/staff.csv", "plate,owner,schedule\nNEW1,Al,never\n")

	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"PUT", "residents/X", `{}`, 400, `plate: a plate has at least 2 characters, not \"X\"`},
		{"PUT", "staff/XY1", `{"until":"soon"}`, 400, `until: \"soon\" is not a day or a time (try 2027-01-31 or \"2027-01-31 18:00\")`},
		{"PUT", "staff/XY1", `{"schedule":"neve"}`, 400, `schedule: there is no schedule \"neve\" (did you mean never?)`},
		{"PUT", "guests/XY1", `{}`, 404, `there is no list \"guests\" in the rule files`},
		{"DELETE", "residents/NONE1", ``, 404, `NONE1 is not on the list residents`},
		{"DELETE", "staff/NONE1", ``, 404, `NONE1 is not on the list staff`},
	} {
		code, body := s.send(c.method, "/api/v1/plates/lists/"+c.path, c.body)
		if code != c.status || !strings.Contains(body, `"detail":"`+c.want+`"`) {
			t.Errorf("%s %s: %d %s, want %d %s", c.method, c.path, code, body, c.status, c.want)
		}
	}
}

func TestListsOfPlates(t *testing.T) {
	s := startPlates(t, func(svc *service) {
		svc.site.Cameras[0].URL = "http://127.0.0.1:1"
		svc.site.Plates.Lists = append(svc.site.Plates.Lists, svc.site.Plates.Lists...)
	})
	lists := page[web.PlateList](s, "/api/v1/plates/lists")
	want := []web.PlateList{
		{Name: "residents", File: "rules.yaml", Line: 2, Entries: 2, Belongs: []web.PlateBelongs{}},
		{Name: "staff", File: "plates/staff.csv", Entries: 1, Belongs: []web.PlateBelongs{}},
	}
	if !reflect.DeepEqual(lists, want) {
		t.Errorf("got %+v\nwant %+v", lists, want)
	}
	entries := page[web.PlateEntry](s, "/api/v1/plates/lists/residents")
	if want := []web.PlateEntry{{Plate: "ABC1234", Owner: "Ann", Valid: true}, {Plate: "OLD777", Until: "2020-01-31", Note: "moved away", Why: "ended 2020-01-31"}}; !reflect.DeepEqual(entries, want) {
		t.Errorf("got %+v\nwant %+v", entries, want)
	}
	for q, want := range map[string]int{"away": 1, "ann": 1, "A8C": 1, "0LD-777": 1, "zzz": 0} {
		if got := page[web.PlateEntry](s, "/api/v1/plates/lists/residents?q="+q); len(got) != want {
			t.Errorf("%s: %+v", q, got)
		}
	}
}

// TestAListFileThatIsNotThere cannot be changed, and says why.
func TestAListFileThatIsNotThere(t *testing.T) {
	s := startPlates(t, nil)
	s.write("rules.d/rules.yaml", listRules)
	lists := page[web.PlateList](s, "/api/v1/plates/lists")
	if len(lists) != 3 || lists[2].Fixed != "there is no file plates/none.csv" {
		t.Errorf("%+v", lists)
	}
	code, body := s.send("PUT", "/api/v1/plates/lists/nowhere/AB1", `{}`)
	if code != 409 || !strings.Contains(body, `"detail":"the list nowhere cannot be changed here: there is no file plates/none.csv"`) {
		t.Error(code, body)
	}
}

// TestEntriesThatCount: a list is what counts now.
func TestEntriesThatCount(t *testing.T) {
	now := time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)
	rules := &engine.Ruleset{}
	for _, tt := range []struct {
		from, until, now time.Time
		want             string
	}{
		{time.Time{}, time.Time{}, time.Time{}, ""},
		{now, now.Add(1), now, ""},
		{now.Add(time.Hour), time.Time{}, now, "begins 2026-03-29 13:00"},
		{time.Time{}, now.Add(-12 * time.Hour), now, "ended 2026-03-28"}, // the last day that is included
		{time.Time{}, now.Add(-time.Hour), now, "ended 2026-03-29 11:00"},
		{time.Time{}, now, time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), "the clock is not set"},
	} {
		if ok, why := countsNow(rules, tt.from, tt.until, -1, tt.now); why != tt.want || ok != (why == "") {
			t.Errorf("%v to %v: %v %q, want %q", tt.from, tt.until, ok, why, tt.want)
		}
	}
}

// awaitJob waits until a job ends.
func (s *testSite) awaitJob(body string) (state, text string, plan web.SyncPlan) {
	s.Helper()
	code, answer := s.send("POST", "/api/v1/plates/sync", body)
	var job struct {
		ID, State, Error string
		Result           web.SyncPlan
	}
	if err := json.Unmarshal([]byte(answer), &job); err != nil || code != 202 {
		s.Fatal(code, answer, err)
	}
	id := job.ID
	for job.State == "waiting" || job.State == "running" {
		_, answer = s.get("/api/v1/jobs/" + id + "?wait=5")
		if err := json.Unmarshal([]byte(answer), &job); err != nil {
			s.Fatal(answer, err)
		}
	}
	if job.State == "done" && job.Error == "" {
		return id, "", job.Result
	}
	return job.State, job.Error, job.Result
}

// TestTheCamerasListsAreMadeEqual: as it was shown, and not otherwise.
func TestTheCamerasListsAreMadeEqual(t *testing.T) {
	cam := sim.NewCamera(sim.Options{Location: time.UTC})
	device := httptest.NewServer(cam)
	defer device.Close()
	if err := cam.Put(sim.ListEntry{Number: "ONLY1", Group: "whiteList"}); err != nil {
		t.Fatal(err)
	}
	s := startPlates(t, func(svc *service) {
		svc.site.Cameras[0].URL = device.URL
		svc.site.Cameras[0].Lists = []config.PlateList{{Local: "residents", Camera: "allow"}}
	})
	cameras := page[web.CameraLists](s, "/api/v1/plates/cameras")
	if len(cameras) != 1 || cameras[0].Error != "" || len(cameras[0].Lists) == 0 || !slices.Contains(cameras[0].Lists, web.CameraListSize{Name: "allow", Entries: 1}) {
		t.Fatalf("%+v", cameras)
	}
	const name = "porch"
	shown := web.SyncPlan{Cameras: []web.SyncCamera{{
		Camera: name, Steps: []web.SyncStep{{Op: "add", Plate: "ABC1234", List: "allow", Text: `owner "Ann"`}},
		Findings: []web.SyncFinding{
			{Kind: "local", Plate: "OLD777", List: "allow", Text: `on the local list "residents" only: its time has passed`},
			{Kind: "kept", Plate: "ONLY1", List: "allow", Text: "only on the camera"},
		},
	}}}
	id, wrong, plan := s.awaitJob(`{"dry_run":true}`)
	if wrong != "" || !reflect.DeepEqual(plan, shown) {
		t.Fatalf("%s\n got %+v\nwant %+v", wrong, plan, shown)
	}
	if n := len(cam.Plates()); n != 1 {
		t.Errorf("the plan alone left %d plates", n)
	}

	// Somebody changes the list between the plan and the yes.
	if code, body := s.send("PUT", "/api/v1/plates/lists/residents/NEW1", `{}`); code != 200 {
		t.Fatal(code, body)
	}
	if state, text, _ := s.awaitJob(`{"plan":"` + id + `"}`); state != "failed" || text != "the lists changed since the plan was made: look again, nothing was done" {
		t.Error(state, text)
	}
	if n := len(cam.Plates()); n != 1 {
		t.Errorf("another plan than the shown one was done: %d plates", n)
	}

	id, wrong, plan = s.awaitJob(`{"dry_run":true,"prune":true}`)
	if wrong != "" || len(plan.Cameras) != 1 || len(plan.Cameras[0].Steps) != 3 || !plan.Prune {
		t.Fatalf("%s %+v", wrong, plan)
	}
	_, wrong, done := s.awaitJob(`{"plan":"` + id + `"}`)
	for _, st := range done.Cameras[0].Steps {
		if !st.Done || st.Failed != "" {
			t.Errorf("%+v", st)
		}
	}
	var on []string
	for _, p := range cam.Plates() {
		on = append(on, p.Number)
	}
	if wrong != "" || strings.Join(on, " ") != "ABC1234 NEW1" {
		t.Errorf("%s %q", wrong, on)
	}
	s.awaitEntry("kind=action", func(e entry) bool { return e.Step == "synchronize the cameras' plate lists, 3 steps" && e.Who != "" })

	// Rules that do not load synchronize nothing.
	s.write("rules.d/rules.yaml", "lists: [\n")
	if state, text, _ := s.awaitJob(`{"dry_run":true}`); state != "failed" || text != "the rules do not load: nothing is synchronized" {
		t.Error(state, text)
	}
}
