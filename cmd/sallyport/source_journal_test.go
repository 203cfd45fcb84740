package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/journal"
	"github.com/sallyport/sallyport/web"
)

// journalConsole is a source over a journal that told wrote.
func journalConsole(t *testing.T) *source {
	t.Helper()
	_, data := journalSite(t)
	j := told(t, data)
	return &source{disk: &disk{journal: j}}
}

func TestConsoleEntry(t *testing.T) {
	s := journalConsole(t)
	items, next, err := s.journalPage(t.Context(), web.JournalQuery{Rule: "gate for residents", Kinds: []string{journal.KindFiring}, Limit: 1})
	if err != nil || next != "" || len(items) != 1 {
		t.Fatal(err, next, len(items))
	}
	var got struct {
		ID        int64
		Text      string
		CausedBy  int64 `json:"caused_by"`
		Picture   struct{ ID int64 }
		Steps     []string
		Links     map[string]int64
		Unrelated any
	}
	if err := json.Unmarshal(items[0], &got); err != nil {
		t.Fatal(err)
	}
	if got.Text != "gate for residents fired for ABC1234" || got.CausedBy != 5 || got.Picture.ID != 5 || len(got.Steps) != 3 || got.Links["event"] != 5 {
		t.Errorf("%s", items[0])
	}
	d, err := s.journalEntry(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, raw := range d.Chain {
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		said = append(said, got.Text)
	}
	want := `abc-1234 read at gate: approach
gate for residents fired for ABC1234
gate for residents for ABC1234, step flag away set false done
relay gate is on: pulse of 800ms (gate for residents)
relay gate on for 0.8 s by gate for residents
gate for residents for ABC1234, step http POST https://hooks.example.com:8443/… failed after 3 tries: Post "https://hooks.example.com:8443/…": dial tcp: refused`
	if got := strings.Join(said, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var none web.NotFoundError
	if _, err := s.journalEntry(t.Context(), 1<<40); !errors.As(err, &none) || err.Error() != "there is no such entry, or not any more" {
		t.Error(err)
	}
	if _, _, err := s.journalImage(t.Context(), 5, "target"); !errors.As(err, &none) || err.Error() != "there is no such picture, or not any more" {
		t.Error(err)
	}
	if b, version, err := s.journalImage(t.Context(), 5, "scene"); err != nil || string(b) != "picture" || version != "5-scene" {
		t.Errorf("%q %q %v", b, version, err)
	}
}

// TestAPictureThatIsStillBeingWritten is waited for: the stream tells of an entry before the disk has it.
func TestAPictureThatIsStillBeingWritten(t *testing.T) {
	s := journalConsole(t)
	for _, name := range []string{"picture", "entry"} {
		id := s.disk.journal.Add(journal.Entry{At: time.Now(), Kind: journal.KindEvent, Body: []byte("{}"), Images: []journal.Image{
			{Name: "scene", Size: 7, Bytes: func() ([]byte, error) { return []byte("picture"), nil }},
		}})
		var err error
		if name == "entry" {
			_, err = s.journalEntry(t.Context(), id)
		} else {
			_, _, err = s.journalImage(t.Context(), id, "scene")
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConsoleTable(t *testing.T) {
	s := journalConsole(t)
	var rows []web.JournalRow
	if err := s.journalExport(t.Context(), web.JournalQuery{Plate: "ABC-1234", Kinds: []string{journal.KindEvent, journal.KindAction}}, func(r *web.JournalRow) error {
		rows = append(rows, *r)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 4 {
		t.Fatalf("%+v", rows)
	}
	if got, want := rows[0], (web.JournalRow{
		ID: 5, At: at(2).Wall, Kind: "event", Camera: "gate", Plate: "ABC1234", Text: "abc-1234 read at gate: approach", What: "plate", Heading: "approach", Pictures: 1,
	}); got != want {
		t.Errorf(" got %+v\nwant %+v", got, want)
	}
	if r := rows[2]; r.What != "relay gate pulse 800ms" || r.Outcome != "done" || r.Firing != 6 {
		t.Errorf("%+v", r)
	}
	stop := errors.New("whoever reads went away")
	if err := s.journalExport(t.Context(), web.JournalQuery{}, func(*web.JournalRow) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

func TestConsoleTimelineTicks(t *testing.T) {
	when := at(1).Wall
	for _, tt := range []struct {
		k    journal.TimelineTick
		want web.TimelineTick
	}{
		{journal.TimelineTick{At: when, ID: 1, Key: "gate/#2"}, web.TimelineTick{At: web.Time{Time: when}, Kind: "firing", ID: 1, Text: "fired for visit 2 at gate"}},
		{journal.TimelineTick{At: when, ID: 2, Reason: "shadow"}, web.TimelineTick{At: web.Time{Time: when}, Kind: "firing", ID: 2, Text: "fired (shadow)"}},
		{journal.TimelineTick{At: when, ID: 3, Suppressed: true, Reason: "late", Key: "porch/7"},
			web.TimelineTick{At: web.Time{Time: when}, Kind: "suppressed", ID: 3, Text: "held back for target 7 at porch: the post came too late"}},
	} {
		if got := timelineTick(&tt.k); got != tt.want {
			t.Errorf("got %+v, want %+v", got, tt.want)
		}
	}
}

// TestWhatIsActiveLasts: the journal tells of it when it ends, the timeline shows it now.
func TestWhatIsActiveLasts(t *testing.T) {
	when := at(1).Wall
	tl := journal.Timeline{Rows: []journal.TimelineRow{{Name: "a", Ticks: []journal.TimelineTick{{At: when, ID: 7}}}, {Relay: true, Name: "b"}}}
	lasting(&tl, []string{"a", "b", "c"}, map[string][]time.Time{"a": {when.Add(time.Millisecond)}, "b": {when}})
	want := journal.Timeline{Rows: []journal.TimelineRow{
		{Name: "a", Ticks: []journal.TimelineTick{{At: when, ID: 7}}, Spans: []journal.TimelineSpan{{From: when.Add(time.Millisecond), ID: 7}}},
		{Name: "b", Spans: []journal.TimelineSpan{{From: when}}},
		{Relay: true, Name: "b"},
	}}
	if !reflect.DeepEqual(tl, want) {
		t.Errorf("got %+v, want %+v", tl, want)
	}
}

// TestTimelineOfARunningSite: from an arrival to the relay.
func TestTimelineOfARunningSite(t *testing.T) {
	s := startSite(t, rulesText, nil)
	s.post(plateRead("ABC1234"))
	s.out.await("gate is off (")
	s.awaitEntry("kind=relay", func(e entry) bool { return e.Relay == "gate" && !e.On })
	code, body := s.get("/api/v1/timeline")
	var tl struct {
		Rows []struct {
			Kind, Name string
			Spans      []struct{ From, To time.Time }
			Ticks      []struct{ Kind, Text string }
		}
	}
	if err := json.Unmarshal([]byte(body), &tl); err != nil || code != 200 || len(tl.Rows) != 2 {
		t.Fatal(code, body, err)
	}
	rule, gate := tl.Rows[0], tl.Rows[1]
	if rule.Kind != "rule" || rule.Name != "gate" || len(rule.Ticks) != 1 || rule.Ticks[0].Kind != "firing" || !strings.HasPrefix(rule.Ticks[0].Text, "fired for visit ") ||
		gate.Kind != "relay" || len(gate.Spans) != 1 || gate.Spans[0].To.Sub(gate.Spans[0].From) < 90*time.Millisecond {
		t.Error(body)
	}
	if code, body := s.get("/api/v1/timeline?kind=relay&since=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z"); code != 200 || !strings.Contains(body, `"rows":[]`) {
		t.Error(code, body)
	}
	code, body = s.send("POST", "/api/v1/journal/verify", `{}`)
	var job struct {
		ID, State string
		Result    web.VerifyResult
	}
	for err := json.Unmarshal([]byte(body), &job); job.State != "done"; err = json.Unmarshal([]byte(body), &job) {
		if err != nil || job.State == "failed" {
			t.Fatal(code, body, err)
		}
		code, body = s.get("/api/v1/jobs/" + job.ID + "?wait=5")
	}
	if r := job.Result; !r.OK || r.Entries < 5 || r.Text != fmt.Sprintf("all is as it was written: %d entries", r.Entries) {
		t.Errorf("%+v", r)
	}
}

// TestConsoleWithoutAJournal: a program that keeps nothing says so.
func TestConsoleWithoutAJournal(t *testing.T) {
	s := &source{}
	want := "there is no journal: this program keeps nothing on disk"
	for name, f := range map[string]func() error{
		"page":     func() error { _, _, err := s.journalPage(t.Context(), web.JournalQuery{}); return err },
		"entry":    func() error { _, err := s.journalEntry(t.Context(), 1); return err },
		"image":    func() error { _, _, err := s.journalImage(t.Context(), 1, "scene"); return err },
		"export":   func() error { return s.journalExport(t.Context(), web.JournalQuery{}, nil) },
		"verify":   func() error { _, err := s.journalVerify(t.Context(), true, nil); return err },
		"timeline": func() error { _, err := s.journalTimeline(t.Context(), web.TimelineQuery{}); return err },
	} {
		if err := f(); err == nil || err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
