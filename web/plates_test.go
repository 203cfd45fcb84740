package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
)

func fullSyncPlan() SyncPlan {
	return SyncPlan{Camera: "gate", Prune: true, Cameras: []SyncCamera{{
		Camera: "gate", Error: "it did not answer in time", Same: 7,
		Steps:    []SyncStep{{Op: "move", Plate: "ABC1234", List: "allow", FromList: "block", Text: `owner "Ann"`, Done: true, Failed: "no room"}},
		Findings: []SyncFinding{{Kind: "kept", Plate: "OLD1", List: "allow", Text: "only on the camera"}},
	}}}
}

// fullPlates, emptyPlates and brokenPlates fill the functions of a source: everything set, nothing there, errors.
func fullPlates(s *Source) {
	entry := PlateEntry{Plate: "ABC1234", Owner: "Ann", From: "2026-01-01", Until: "2026-02-01", Schedule: "office", Note: "n", Valid: true, Why: "w"}
	s.Plates = PlateSource{
		Reads: func(context.Context, PlateQuery) ([]PlateRead, string, error) {
			return []PlateRead{{
				ID: 7, At: at("2026-03-29T13:58:46Z"), Camera: "gate", Number: "ABC1234", List: "allow", Heading: "approach", Confidence: ptr(99.5),
				Vehicle: &Vehicle{Type: "van", Color: "grey", Brand: "b", Model: "m"}, Lists: []PlateOn{{Name: "residents", Owner: "Ann"}},
				Fired: []string{"gate"}, Shadow: []string{"bell"}, Undone: []HeldBack{{Rule: "gate", Reason: "min_off"}}, Held: []HeldBack{{Rule: "log", Reason: "cooldown"}}, Images: []string{"scene"},
			}, {ID: 6}}, "r6", nil
		},
		Lists: func(context.Context) ([]PlateList, error) {
			return []PlateList{{Name: "residents", File: "gate.yaml", Line: 3, Entries: 1, Belongs: []PlateBelongs{{Camera: "gate", List: "allow"}}, Fixed: "it is a link"}, {Name: "staff"}}, nil
		},
		List: func(context.Context, string, string) ([]PlateEntry, error) { return []PlateEntry{entry}, nil },
		Put: func(_ context.Context, _ string, e PlateEntry, _ string) (PlateEntry, error) {
			e.Valid = true
			return e, nil
		},
		Remove: func(context.Context, string, string, string) error { return nil },
		Cameras: func(context.Context) ([]CameraLists, error) {
			return []CameraLists{{Camera: "gate", Lists: []CameraListSize{{Name: "allow", Entries: 3}}}, {Camera: "side", Error: "it did not answer in time"}}, nil
		},
		Plan: func(_ context.Context, q SyncQuery, tell func(float64, string)) (SyncPlan, error) {
			tell(0.5, "1 of 2 cameras read")
			return SyncPlan{Camera: q.Camera, Prune: q.Prune}, nil
		},
		Sync: func(_ context.Context, shown SyncPlan, _ string, tell func(float64, string, SyncPlan)) (SyncPlan, error) {
			tell(0.5, "1 of 2 steps", shown)
			return shown, nil
		},
	}
}

func emptyPlates(s *Source) {
	none := NotFoundError(`there is no list "front" in the rule files`)
	s.Plates = PlateSource{
		Reads:   func(context.Context, PlateQuery) ([]PlateRead, string, error) { return nil, "", nil },
		Lists:   func(context.Context) ([]PlateList, error) { return nil, nil },
		List:    func(context.Context, string, string) ([]PlateEntry, error) { return nil, nil },
		Put:     func(context.Context, string, PlateEntry, string) (PlateEntry, error) { return PlateEntry{}, none },
		Remove:  func(context.Context, string, string, string) error { return none },
		Cameras: func(context.Context) ([]CameraLists, error) { return nil, nil },
		Plan: func(context.Context, SyncQuery, func(float64, string)) (SyncPlan, error) {
			return SyncPlan{Cameras: []SyncCamera{{Camera: "gate"}}}, nil
		},
		Sync: func(_ context.Context, shown SyncPlan, _ string, _ func(float64, string, SyncPlan)) (SyncPlan, error) {
			return shown, nil
		},
	}
}

func brokenPlates(s *Source) {
	err := errors.New("the disk does not answer")
	s.Plates = PlateSource{
		Reads:   func(context.Context, PlateQuery) ([]PlateRead, string, error) { return nil, "", err },
		Lists:   func(context.Context) ([]PlateList, error) { return nil, err },
		List:    func(context.Context, string, string) ([]PlateEntry, error) { return nil, err },
		Put:     func(context.Context, string, PlateEntry, string) (PlateEntry, error) { return PlateEntry{}, err },
		Remove:  func(context.Context, string, string, string) error { return err },
		Cameras: func(context.Context) ([]CameraLists, error) { return nil, err },
		Plan:    func(context.Context, SyncQuery, func(float64, string)) (SyncPlan, error) { return SyncPlan{}, err },
		Sync: func(context.Context, SyncPlan, string, func(float64, string, SyncPlan)) (SyncPlan, error) {
			return SyncPlan{}, err
		},
	}
}

// platesCases are requests that TestDescription makes besides the plain ones.
func platesCases() []apiCase {
	js := map[string]string{"Content-Type": "application/json"}
	empty := func() Source { return empty() }
	changed := func() Source {
		s := full()
		s.Plates.Put = func(context.Context, string, PlateEntry, string) (PlateEntry, error) {
			return PlateEntry{}, ChangedError("gate.yaml was changed meanwhile")
		}
		return s
	}
	const one, sync = "/api/v1/plates/lists/{name}/{plate}", "/api/v1/plates/sync"
	const abc = "/api/v1/plates/lists/residents/ABC%201234"
	return []apiCase{
		{path: "/api/v1/plates/reads", method: "GET", target: "/api/v1/plates/reads?limit=0", status: 400},
		{path: one, method: "PUT", target: abc, body: `{"owner":"Ann","from":"2026-01-01","until":"2026-02-01","schedule":"s","note":"n"}`, header: js, status: 200},
		{path: one, method: "PUT", target: abc, body: `{"color":"red"}`, header: js, status: 400},
		{path: one, method: "PUT", target: abc, body: `{}`, header: js, source: empty, status: 404},
		{path: one, method: "PUT", target: abc, body: `{}`, header: js, source: changed, status: 412},
		{path: one, method: "DELETE", target: abc, status: 204},
		{path: one, method: "DELETE", target: abc, source: empty, status: 404},
		{path: sync, method: "POST", target: sync, body: `{"dry_run":true,"camera":"gate","prune":true}`, header: js, status: 202},
		{path: sync, method: "POST", target: sync, body: `{"plan":"none"}`, header: js, status: 404},
		{path: sync, method: "POST", target: sync, body: `{}`, header: js, status: 400},
		{path: sync, method: "POST", target: sync, body: `{"dry_run":true,"plan":"x"}`, header: js, status: 400},
		{path: sync, method: "POST", target: sync, body: `{"plan":"x","prune":true}`, header: js, status: 400},
	}
}

// platesSamples are what is asked and what comes of jobs.
func platesSamples() []apiSample {
	return []apiSample{
		{"PlateChange", map[string]string{"owner": "Ann", "from": "2026-01-01", "until": "2026-02-01", "schedule": "s", "note": "n"}},
		{"SyncRequest", map[string]any{"dry_run": true, "camera": "gate", "prune": true, "plan": "k3v"}},
		{"SyncPlan", fullSyncPlan()},
	}
}

func TestPlateQuestions(t *testing.T) {
	var got PlateQuery
	source := full()
	source.Plates.Reads = func(_ context.Context, q PlateQuery) ([]PlateRead, string, error) {
		got = q
		return nil, "", nil
	}
	s := server(t, source)
	w := ask(s, "GET", "/api/v1/plates/reads?since=2026-03-29T13:00:00Z&until=2026-03-29T14:00:00Z&q=A8C%201&camera=gate&limit=5&cursor=r7", "localhost")
	want := PlateQuery{Since: time.Date(2026, 3, 29, 13, 0, 0, 0, time.UTC), Until: time.Date(2026, 3, 29, 14, 0, 0, 0, time.UTC), Q: "A8C 1", Camera: "gate", Limit: 5, Cursor: "r7"}
	if w.Code != 200 || got != want || w.Body.String() != `{"items":[]}`+"\n" {
		t.Errorf("%d %s\n got %+v\nwant %+v", w.Code, w.Body, got, want)
	}
	for query, want := range map[string]string{
		"limit=x":  `limit: "x" is not a number from 1 to 1000`,
		"plate=A1": `there is no "plate" to ask by (since, until, q, camera, limit, cursor)`,
	} {
		if w := ask(s, "GET", "/api/v1/plates/reads?"+query, "localhost"); w.Code != 400 || w.Body.String() != problemText(400, "Bad Request", want) {
			t.Errorf("%s: %d %s, want %s", query, w.Code, w.Body, want)
		}
	}
}

func TestAPlateIsPutOnAList(t *testing.T) {
	var got []any
	source := full()
	source.Plates.Put = func(_ context.Context, list string, e PlateEntry, who string) (PlateEntry, error) {
		got = []any{list, e, who}
		e.Valid = true
		return e, nil
	}
	s := server(t, source)
	r := httptest.NewRequest("PUT", "/api/v1/plates/lists/our%20people/B%2FMW%201", strings.NewReader(`{"owner":"Ann","until":"2027-01-31 18:00"}`))
	r.Host, r.RemoteAddr = "localhost", "127.0.0.1:40000"
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	want := []any{"our people", PlateEntry{Plate: "B/MW 1", Owner: "Ann", Until: "2027-01-31 18:00"}, "console at 127.0.0.1"}
	if body := `{"plate":"B/MW 1","owner":"Ann","until":"2027-01-31 18:00","valid":true}` + "\n"; w.Code != 200 || w.Body.String() != body || !reflect.DeepEqual(got, want) {
		t.Errorf("%d %s\n got %+v\nwant %+v", w.Code, w.Body, got, want)
	}
}

// TestOnlyWhatWasShownIsSynchronized: a synchronization is given the very plan of the job that it names.
func TestOnlyWhatWasShownIsSynchronized(t *testing.T) {
	source := full()
	plan := fullSyncPlan()
	source.Plates.Plan = func(_ context.Context, q SyncQuery, _ func(float64, string)) (SyncPlan, error) {
		if q != (SyncQuery{Camera: "gate", Prune: true}) {
			t.Errorf("asked for %+v", q)
		}
		return plan, nil
	}
	given := make(chan SyncPlan, 1)
	source.Plates.Sync = func(_ context.Context, shown SyncPlan, _ string, _ func(float64, string, SyncPlan)) (SyncPlan, error) {
		given <- shown
		return shown, nil
	}
	s := server(t, source)
	t.Cleanup(s.jobs.stop)
	begin := func(body string, status int) string {
		w := postJSON(s, "/api/v1/plates/sync", body)
		var job struct{ ID, Detail string }
		if err := json.Unmarshal(w.Body.Bytes(), &job); err != nil || w.Code != status {
			t.Fatal(w.Code, w.Body, err)
		}
		return job.ID + job.Detail
	}
	id := begin(`{"dry_run":true,"camera":"gate","prune":true}`, 202)
	for jobOf(t, s, id, "?wait=5").State != jobDone {
		continue
	}
	done := begin(`{"plan":"`+id+`"}`, 202)
	if got := <-given; !reflect.DeepEqual(got, plan) {
		t.Errorf("got %+v, want %+v", got, plan)
	}
	// The id of what was done is no plan.
	if got, want := begin(`{"plan":"`+done+`"}`, 404), `there is no job "`+done+`" of this kind; it was perhaps too long ago`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
