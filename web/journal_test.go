package web

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
)

const (
	entryText = `{"id":7,"at":"2026-03-29T13:58:46.000Z","kind":"firing","text":"gate fired for ABC1234","camera":"gate","rule":"gate","key":"gate/#1",` +
		`"relay":"gate","plate":"ABC1234","caused_by":6,"firing":5,"images":[{"name":"scene","size":9,"sha256":"5f0c"},{"name":"target","missing":"it was cut out"}],` +
		`"picture":{"id":6,"name":"scene","at":"2026-03-29T13:58:46.000Z"}}`
	jpegText = "\xff\xd8\xff\xe0 a picture"
)

// fullJournal, emptyJournal and brokenJournal fill the functions of a source: everything set, nothing there, errors.
func fullJournal(s *Source) {
	entry := json.RawMessage(entryText)
	s.Journal = func(context.Context, JournalQuery) ([]json.RawMessage, string, error) {
		return []json.RawMessage{entry}, "8", nil
	}
	s.Entries = JournalSource{
		Entry: func(context.Context, int64) (EntryDetail, error) {
			return EntryDetail{Entry: entry, Chain: []json.RawMessage{entry}}, nil
		},
		Image: func(_ context.Context, _ int64, name string) ([]byte, string, error) {
			if name == "target" {
				return []byte("<script>"), "7-target", nil
			}
			return []byte(jpegText), "7-scene", nil
		},
		Export: func(_ context.Context, _ JournalQuery, each func(*JournalRow) error) error {
			return each(&JournalRow{
				ID: 7, At: at("2026-03-29T13:58:46Z").Time, Kind: "firing", Camera: "gate", Rule: "=1+1", Key: "@x", Relay: "-r", Plate: "+49", Text: "a, \"b\"\nc",
				What: "\tfiring", Outcome: "\rdone", Reason: "late", By: "ann", List: "allow", Heading: "away", Confidence: "99", CausedBy: 6, Firing: 5, Pictures: 2,
			})
		},
		Verify: func(_ context.Context, images bool, tell func(float64, string)) (VerifyResult, error) {
			tell(0.5, "4 entries read")
			v := VerifyResult{Entries: 8, First: 1, Last: 8, Bad: 7, Text: "entry 7 was altered"}
			if images {
				v.Images = 3
			}
			return v, nil
		},
		Timeline: func(_ context.Context, q TimelineQuery) (Timeline, error) {
			return Timeline{Since: at("2026-03-29T13:00:00Z"), Until: at("2026-03-29T14:00:00Z"), More: true, Rows: []TimelineRow{
				{Kind: "rule", Name: "gate", Spans: []TimelineSpan{{From: at("2026-03-29T13:00:00Z"), To: at("2026-03-29T13:10:00Z"), ID: 3}},
					Ticks: []TimelineTick{{At: at("2026-03-29T13:00:00Z"), Kind: "suppressed", ID: 4, Text: "held back: cooldown"}}},
				{Kind: "relay", Name: q.Relay},
			}}, nil
		},
	}
}

func emptyJournal(s *Source) {
	none := NotFoundError("there is no such entry, or not any more")
	s.Entries = JournalSource{
		Entry:    func(context.Context, int64) (EntryDetail, error) { return EntryDetail{}, none },
		Image:    func(context.Context, int64, string) ([]byte, string, error) { return nil, "", none },
		Export:   func(context.Context, JournalQuery, func(*JournalRow) error) error { return nil },
		Verify:   func(context.Context, bool, func(float64, string)) (VerifyResult, error) { return VerifyResult{}, nil },
		Timeline: func(context.Context, TimelineQuery) (Timeline, error) { return Timeline{}, nil },
	}
}

func brokenJournal(s *Source) {
	err := errors.New("the disk does not answer")
	s.Entries = JournalSource{
		Entry:    func(context.Context, int64) (EntryDetail, error) { return EntryDetail{}, err },
		Image:    func(context.Context, int64, string) ([]byte, string, error) { return nil, "", err },
		Export:   func(context.Context, JournalQuery, func(*JournalRow) error) error { return err },
		Verify:   func(context.Context, bool, func(float64, string)) (VerifyResult, error) { return VerifyResult{}, err },
		Timeline: func(context.Context, TimelineQuery) (Timeline, error) { return Timeline{}, err },
	}
}

// journalCases are requests that TestDescription makes besides the plain ones.
func journalCases() []apiCase {
	js := map[string]string{"Content-Type": "application/json"}
	empty := func() Source { return empty() }
	broken := func() Source { return broken() }
	return []apiCase{
		{path: "/api/v1/journal/{id}", method: "GET", target: "/api/v1/journal/7", status: 200},
		{path: "/api/v1/journal/{id}", method: "GET", target: "/api/v1/journal/7", source: empty, status: 404},
		{path: "/api/v1/journal/{id}", method: "GET", target: "/api/v1/journal/7", source: broken, status: 503},
		{path: "/api/v1/journal/{id}", method: "GET", target: "/api/v1/journal/0", status: 400},
		{path: "/api/v1/journal/{id}/images/{name}", method: "GET", target: "/api/v1/journal/7/images/scene", status: 200},
		{path: "/api/v1/journal/{id}/images/{name}", method: "GET", target: "/api/v1/journal/7/images/target", status: 404},
		{path: "/api/v1/journal/{id}/images/{name}", method: "GET", target: "/api/v1/journal/7/images/scene", source: empty, status: 404},
		{path: "/api/v1/journal.csv", method: "GET", target: "/api/v1/journal.csv", status: 200},
		{path: "/api/v1/journal.csv", method: "GET", target: "/api/v1/journal.csv", source: empty, status: 200},
		{path: "/api/v1/journal.csv", method: "GET", target: "/api/v1/journal.csv", source: broken, status: 503},
		{path: "/api/v1/journal.csv", method: "GET", target: "/api/v1/journal.csv?limit=3", status: 400},
		{path: "/api/v1/journal/verify", method: "POST", target: "/api/v1/journal/verify", body: `{"images":true}`, header: js, status: 202},
		{path: "/api/v1/journal/verify", method: "POST", target: "/api/v1/journal/verify", body: `{"pictures":true}`, header: js, status: 400},
		{path: "/api/v1/timeline", method: "GET", target: "/api/v1/timeline?relay=gate&kind=relay", status: 200},
		{path: "/api/v1/timeline", method: "GET", target: "/api/v1/timeline", source: empty, status: 200},
		{path: "/api/v1/timeline", method: "GET", target: "/api/v1/timeline?kind=zone", status: 400},
	}
}

// journalSamples are what is asked and what comes of jobs.
func journalSamples() []apiSample {
	return []apiSample{
		{"VerifyRequest", map[string]bool{"images": true}},
		{"VerifyResult", VerifyResult{OK: true, Entries: 8, Images: 3, First: 1, Last: 8, Bad: 7, Text: "entry 7 was altered"}},
	}
}

func TestEntryPicture(t *testing.T) {
	s := server(t, full())
	w := ask(s, "GET", "/api/v1/journal/7/images/scene", "localhost")
	if h := w.Header(); w.Code != 200 || w.Body.String() != jpegText || h.Get("Content-Type") != "image/jpeg" || h.Get("ETag") != `"7-scene"` ||
		h.Get("Cache-Control") != "private, max-age=31536000, immutable" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v %q", w.Code, h, w.Body)
	}
	r := httptest.NewRequest("GET", "/api/v1/journal/7/images/scene", nil)
	r.Host = "localhost"
	r.Header.Set("If-None-Match", `"7-scene"`)
	again := httptest.NewRecorder()
	s.ServeHTTP(again, r)
	if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("asked again: %d %q", again.Code, again.Body)
	}
	w = ask(s, "GET", "/api/v1/journal/7/images/target", "localhost")
	if want := problemText(404, "Not Found", "what the camera sent there is no picture"); w.Code != 404 || w.Body.String() != want {
		t.Errorf("%d %s, want %s", w.Code, w.Body, want)
	}
}

func TestJournalTable(t *testing.T) {
	w := ask(server(t, full()), "GET", "/api/v1/journal.csv?kind=firing&rule=gate", "localhost")
	rows, err := csv.NewReader(strings.NewReader(w.Body.String())).ReadAll()
	want := [][]string{
		{"id", "at", "kind", "camera", "rule", "key", "relay", "plate", "text", "what", "outcome", "reason", "by", "list", "heading", "confidence", "caused_by", "firing", "pictures"},
		{"7", "2026-03-29T13:58:46.000Z", "firing", "gate", "'=1+1", "'@x", "'-r", "'+49", "a, \"b\"\nc", "'\tfiring", "'\rdone", "late", "ann", "allow", "away", "99", "6", "5", "2"},
	}
	if err != nil || !reflect.DeepEqual(rows, want) {
		t.Errorf("%v\n got %q\nwant %q", err, rows, want)
	}
	if h := w.Header(); h.Get("Content-Type") != "text/csv; charset=utf-8" || h.Get("Content-Disposition") != `attachment; filename="journal.csv"` {
		t.Error(h)
	}
	named, err := New(Config{Source: full(), Site: "Elm \"Street\" 4 ü"})
	if err != nil {
		t.Fatal(err)
	}
	w = ask(named, "GET", "/api/v1/journal.csv?since=2026-03-29T13:58:46Z&until=2026-03-30T13:58:46Z", "localhost")
	if got := w.Header().Get("Content-Disposition"); got != `attachment; filename="Elm-Street-4-journal-from-2026-03-29T1358Z-to-2026-03-30T1358Z.csv"` {
		t.Error(got)
	}
	w = ask(server(t, full()), "GET", "/api/v1/journal.csv?order=newest", "localhost")
	if want := problemText(400, "Bad Request", `there is no "order" to ask by: a table has everything, the oldest first`); w.Body.String() != want {
		t.Errorf("%s, want %s", w.Body, want)
	}
}

// TestCellsAreNoFormulas, whatever a spreadsheet takes to stand between cells.
func TestCellsAreNoFormulas(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "",
		"ABC 123":                  "ABC 123",
		"gate-1 a=b; c":            "gate-1 a=b; c",
		"=1+1":                     "'=1+1",
		"-r":                       "'-r",
		" =1+1":                    " '=1+1",
		`"=1+1`:                    `"'=1+1`,
		"A;=1+1":                   "A;'=1+1",
		"A; \"@x":                  "A; \"'@x",
		"A\t+1":                    "A\t'+1",
		"A\n=1":                    "A\n'=1",
		"\t=1":                     "'\t'=1",
		"2026-03-29T13:58:46.000Z": "2026-03-29T13:58:46.000Z",
	} {
		if got := harmless(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestJournalTableThatBreaks: whoever reads must see that it is not whole.
func TestJournalTableThatBreaks(t *testing.T) {
	source := full()
	source.Entries.Export = func(_ context.Context, _ JournalQuery, each func(*JournalRow) error) error {
		for range 1000 {
			if err := each(&JournalRow{ID: 1, Text: "a row"}); err != nil {
				return err
			}
		}
		return errors.New("the disk does not answer")
	}
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("the connection is not cut off: %v", p)
		}
	}()
	ask(server(t, source), "GET", "/api/v1/journal.csv", "localhost")
}

func TestTimelineQuestions(t *testing.T) {
	var got TimelineQuery
	source := full()
	source.Entries.Timeline = func(_ context.Context, q TimelineQuery) (Timeline, error) {
		got = q
		return Timeline{}, nil
	}
	s := server(t, source)
	w := ask(s, "GET", "/api/v1/timeline?since=2026-03-29T13:00:00Z&until=2026-03-29T14:00:00Z&camera=c&rule=r&relay=g&kind=rule", "localhost")
	want := TimelineQuery{Since: time.Date(2026, 3, 29, 13, 0, 0, 0, time.UTC), Until: time.Date(2026, 3, 29, 14, 0, 0, 0, time.UTC), Camera: "c", Rule: "r", Relay: "g", Kind: "rule"}
	if w.Code != 200 || got != want || w.Body.String() != `{"since":"0001-01-01T00:00:00.000Z","until":"0001-01-01T00:00:00.000Z","rows":[],"more":false}`+"\n" {
		t.Errorf("%d %s\n got %+v\nwant %+v", w.Code, w.Body, got, want)
	}
	for query, want := range map[string]string{
		"since=x":   `since: "x" is not a time (try 2026-03-29T13:58:46Z)`,
		"kind=zone": `kind: "zone" is not rule or relay`,
		"who=me":    `there is no "who" to ask by (since, until, camera, rule, relay, kind)`,
		"until=2026-03-29T13:00:00Z&since=2026-03-29T13:00:00Z": "until must be after since",
	} {
		if w := ask(s, "GET", "/api/v1/timeline?"+query, "localhost"); w.Code != 400 || w.Body.String() != problemText(400, "Bad Request", want) {
			t.Errorf("%s: %d %s, want %s", query, w.Code, w.Body, want)
		}
	}
}

func TestVerifyIsAJob(t *testing.T) {
	s := server(t, full())
	t.Cleanup(s.jobs.stop)
	w := postJSON(s, "/api/v1/journal/verify", `{"images":true}`)
	var job struct{ ID, Kind string }
	if err := json.Unmarshal(w.Body.Bytes(), &job); err != nil || w.Code != 202 || job.Kind != "verify" {
		t.Fatal(w.Code, w.Body, err)
	}
	var done struct {
		State  string
		Result VerifyResult
	}
	w = ask(s, "GET", "/api/v1/jobs/"+job.ID+"?wait=5", "localhost")
	for range 100 {
		if err := json.Unmarshal(w.Body.Bytes(), &done); err != nil {
			t.Fatal(w.Body, err)
		}
		if done.State == "done" {
			break
		}
		w = ask(s, "GET", "/api/v1/jobs/"+job.ID+"?wait=1", "localhost")
	}
	if want := (VerifyResult{Entries: 8, Images: 3, First: 1, Last: 8, Bad: 7, Text: "entry 7 was altered"}); done.Result != want {
		t.Errorf("got %+v, want %+v", done.Result, want)
	}
}

// postJSON posts a body as pages do.
func postJSON(s *Server, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", target, strings.NewReader(body))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}
