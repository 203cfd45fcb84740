package web

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// JournalSource is where the console gets the journal, as [Source].
type JournalSource struct {
	// Entry gives an entry and those that belong to it. Its error is a [NotFoundError] when there is none of that id.
	Entry func(ctx context.Context, id int64) (EntryDetail, error)
	// Image gives a picture of an entry, and a text that changes with it. Its error is a [NotFoundError] when there is none.
	Image func(ctx context.Context, id int64, name string) (picture []byte, version string, err error)
	// Export calls a function for each entry that a question finds, and stops with that one's error. The question has no
	// limit and no cursor. It may take as long as ctx lasts.
	Export func(ctx context.Context, q JournalQuery, each func(*JournalRow) error) error
	// Verify reads the whole journal, with the pictures when they are asked for, and tells how far it is: done is 0..1.
	// It may take as long as ctx lasts.
	Verify func(ctx context.Context, images bool, tell func(done float64, text string)) (VerifyResult, error)
	// Timeline gives what rules and relays did. Without Until it ends now, without Since it is a day long.
	Timeline func(context.Context, TimelineQuery) (Timeline, error)
}

// EntryDetail is an entry with those that belong to it, the oldest first, itself among them. Each is a JSON object, as a
// page of the journal has it.
type EntryDetail struct {
	Entry json.RawMessage   `json:"entry"`
	Chain []json.RawMessage `json:"chain"`
}

// JournalRow is an entry as a row of a table.
type JournalRow struct {
	ID                        int64
	At                        time.Time
	Kind, Camera, Rule, Key   string
	Relay, Plate, Text        string
	What, Outcome, Reason, By string
	List, Heading, Confidence string
	CausedBy, Firing          int64 // 0 for none
	Pictures                  int
}

// VerifyResult is what a verification found.
type VerifyResult struct {
	OK      bool  `json:"ok"`
	Entries int64 `json:"entries"`
	// Images counts the pictures that are as they were.
	Images int64 `json:"images"`
	// First and Last are the ids of the first and the last entry.
	First int64 `json:"first"`
	Last  int64 `json:"last"`
	// Bad is the first entry that is not right; 0 for none.
	Bad int64 `json:"bad,omitempty"`
	// Text says in a sentence what was found.
	Text string `json:"text"`
}

// TimelineQuery asks for a timeline. Empty names do not limit.
type TimelineQuery struct {
	Since, Until        time.Time
	Camera, Rule, Relay string
	// Kind is "rule" or "relay"; empty for both.
	Kind string
}

// Timeline is what rules and relays did over a time.
type Timeline struct {
	Since Time          `json:"since"`
	Until Time          `json:"until"`
	Rows  []TimelineRow `json:"rows"`
	// More says that more happened than is given.
	More bool `json:"more"`
}

// TimelineRow is what one rule or relay did, in the order of time.
type TimelineRow struct {
	Kind  string         `json:"kind"` // rule, relay
	Name  string         `json:"name"`
	Spans []TimelineSpan `json:"spans"`
	Ticks []TimelineTick `json:"ticks"`
}

// TimelineSpan is a time for which a rule was active or a relay on. To is absent when it lasts.
type TimelineSpan struct {
	From Time  `json:"from"`
	To   Time  `json:"to,omitzero"`
	ID   int64 `json:"id,omitempty"`
}

// TimelineTick is a firing, or one that was held back.
type TimelineTick struct {
	At   Time   `json:"at"`
	Kind string `json:"kind"` // firing, suppressed
	ID   int64  `json:"id"`
	Text string `json:"text,omitempty"`
}

func (s *Server) journalRoutes() []route {
	return []route{
		{"/api/v1/journal/{id}", get(s.entry)},
		{"/api/v1/journal/{id}/images/{name}", get(s.entryImage)},
		{"/api/v1/journal.csv", methods{http.MethodGet: {role: RoleViewer, long: true, handle: s.journalTable}}},
		{"/api/v1/journal/verify", methods{http.MethodPost: {role: RoleViewer, handle: s.verifyJournal}}},
		{"/api/v1/timeline", get(s.timeline)},
	}
}

// Bounds of a page of the journal.
const (
	defaultLimit = 100
	maxLimit     = 1000
)

// JournalQuery asks for entries of the journal. Empty fields do not limit.
type JournalQuery struct {
	Since, Until time.Time
	Kinds        []string // any of them
	Camera, Rule string
	Relay, Plate string
	Firing       int64 // the entry of this id and what a firing of this id led to
	Limit        int
	Newest       bool // the newest first; otherwise the oldest
	Cursor       string
}

func (s *Server) journal(w http.ResponseWriter, r *http.Request) {
	q, err := readJournalQuery(r.URL.RawQuery)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	items, next, err := s.source.Journal(r.Context(), q)
	if err != nil {
		failAs(w, err)
		return
	}
	if items == nil {
		items = []json.RawMessage{}
	}
	answerJSON(w, page[json.RawMessage]{Items: items, Next: next})
}

// kinds are the kinds of entries that can be asked for. The ends of firings are entries of the kind firing, too, but
// asked for by themselves.
func kinds() []string {
	return []string{"event", "firing", "end", "suppressed", "action", "relay", "reload", "login", "error"}
}

// eachParam calls a function for each parameter of a question, in the order of their names. Only the named ones may be
// there more than once.
func eachParam(raw string, several []string, each func(name, value string) error) error {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return errors.New("the question after ? cannot be read")
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		all := values[name]
		if len(all) > 1 && !slices.Contains(several, name) {
			return fmt.Errorf("%s is there twice", quote(name))
		}
		for _, v := range all {
			if err := each(name, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// timeParam reads the value of a parameter that is a time.
func timeParam(name, v string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, v)
	if err != nil {
		return t, fmt.Errorf("%s: %s is not a time (try 2026-03-29T13:58:46Z)", name, quote(v))
	}
	return t, nil
}

// limitParam reads the value of limit, which is at most most.
func limitParam(v string, most int) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("limit: %s is not a number from 1 to %d", quote(v), most)
	}
	return n, nil
}

func readJournalQuery(raw string) (JournalQuery, error) {
	q := JournalQuery{Limit: defaultLimit}
	err := eachParam(raw, []string{"kind"}, func(name, v string) (err error) {
		switch name {
		case "since":
			q.Since, err = timeParam(name, v)
		case "until":
			q.Until, err = timeParam(name, v)
		case "kind":
			for k := range strings.SplitSeq(v, ",") {
				if !slices.Contains(kinds(), k) {
					return fmt.Errorf("kind: there is no %s (kinds: %s)", quote(k), strings.Join(kinds(), ", "))
				}
				q.Kinds = append(q.Kinds, k)
			}
		case "camera":
			q.Camera = v
		case "rule":
			q.Rule = v
		case "relay":
			q.Relay = v
		case "plate":
			q.Plate = v
		case "firing":
			if q.Firing, err = strconv.ParseInt(v, 10, 64); err != nil || q.Firing < 1 {
				return fmt.Errorf("firing: %s is not the id of an entry", quote(v))
			}
		case "limit":
			q.Limit, err = limitParam(v, maxLimit)
		case "order":
			if v != "newest" && v != "oldest" {
				return fmt.Errorf("order: %s is not newest or oldest", quote(v))
			}
			q.Newest = v == "newest"
		case "cursor":
			q.Cursor = v
		default:
			return fmt.Errorf("there is no %s to ask by (since, until, kind, camera, rule, relay, plate, firing, limit, order, cursor)", quote(name))
		}
		return err
	})
	return q, err
}

// readID reads the id of an entry out of the path.
func readID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return 0, fmt.Errorf("%s is not the id of an entry: it is a number", quote(r.PathValue("id")))
	}
	return id, nil
}

func (s *Server) entry(w http.ResponseWriter, r *http.Request) {
	id, err := readID(r)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	d, err := s.source.Entries.Entry(r.Context(), id)
	if err != nil {
		failAs(w, err)
		return
	}
	if d.Chain == nil {
		d.Chain = []json.RawMessage{}
	}
	answerJSON(w, d)
}

func (s *Server) entryImage(w http.ResponseWriter, r *http.Request) {
	id, err := readID(r)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	picture, version, err := s.source.Entries.Image(r.Context(), id, r.PathValue("name"))
	if err != nil {
		failAs(w, err)
		return
	}
	// What a camera sent is shown as a picture or not at all.
	kind := http.DetectContentType(picture)
	if kind != "image/jpeg" && kind != "image/png" {
		fail(w, http.StatusNotFound, "what the camera sent there is no picture")
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	tag := strconv.Quote(version)
	h.Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	answer(w, http.StatusOK, kind, picture)
}

// tableColumns are the columns of the table.
func tableColumns() []string {
	return []string{
		"id", "at", "kind", "camera", "rule", "key", "relay", "plate", "text", "what", "outcome", "reason", "by", "list", "heading", "confidence",
		"caused_by", "firing", "pictures",
	}
}

func (row *JournalRow) cells() []string {
	number := func(n int64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	cells := []string{
		number(row.ID), row.At.UTC().Format("2006-01-02T15:04:05.000Z"), row.Kind, row.Camera, row.Rule, row.Key, row.Relay, row.Plate, row.Text,
		row.What, row.Outcome, row.Reason, row.By, row.List, row.Heading, row.Confidence, number(row.CausedBy), number(row.Firing), number(int64(row.Pictures)),
	}
	for i, c := range cells {
		cells[i] = harmless(c)
	}
	return cells
}

// harmless keeps a spreadsheet from taking a text for a formula: at its beginning, and where a cell would begin for one
// that takes semicolons or tabs to stand between cells, as those of many countries do.
func harmless(s string) string {
	var b strings.Builder
	begins := true
	for _, c := range s {
		if begins && strings.ContainsRune("=+-@\t\r", c) {
			b.WriteByte('\'')
		}
		begins = strings.ContainsRune(";\t\r\n", c) || begins && (c == ' ' || c == '"')
		b.WriteRune(c)
	}
	return b.String()
}

// patient writes what may take as long as it likes, as long as each piece of it is fetched.
type patient struct {
	w http.ResponseWriter
	c *http.ResponseController
}

// Write writes a piece.
func (p *patient) Write(b []byte) (int, error) {
	_ = p.c.SetWriteDeadline(time.Now().Add(writeTime)) // what cannot has none
	return p.w.Write(b)
}

// journalTable gives everything that is asked for as CSV. It is written as it is read.
func (s *Server) journalTable(w http.ResponseWriter, r *http.Request) {
	q, err := readJournalQuery(r.URL.RawQuery)
	for _, name := range []string{"limit", "order", "cursor"} {
		if err == nil && r.URL.Query().Has(name) {
			err = fmt.Errorf("there is no %q to ask by: a table has everything, the oldest first", name)
		}
	}
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	q.Limit = 0
	out, begun := csv.NewWriter(&patient{w, http.NewResponseController(w)}), false
	begin := func() {
		if begun {
			return
		}
		begun = true
		h := w.Header()
		h.Set("Content-Type", "text/csv; charset=utf-8")
		h.Set("Content-Disposition", `attachment; filename="`+s.tableName(q)+`"`)
		_ = out.Write(tableColumns()) // an error comes again with the rows
	}
	err = s.source.Entries.Export(r.Context(), q, func(row *JournalRow) error {
		begin()
		return out.Write(row.cells())
	})
	switch {
	case err != nil && !begun:
		failAs(w, err)
		return
	case err != nil:
		// Whoever reads must not take a part for the whole.
		panic(http.ErrAbortHandler)
	}
	begin()
	out.Flush()
}

// tableName is the name of the file of a table: the site's, and from when to when it is, in UTC as its times are.
func (s *Server) tableName(q JournalQuery) string {
	const layout = "2006-01-02T1504Z"
	name := strings.Join(strings.FieldsFunc(s.site, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}), "-")
	if name = name[:min(len(name), 60)]; name != "" {
		name += "-"
	}
	name += "journal"
	if !q.Since.IsZero() {
		name += "-from-" + q.Since.UTC().Format(layout)
	}
	if !q.Until.IsZero() {
		name += "-to-" + q.Until.UTC().Format(layout)
	}
	return name + ".csv"
}

func (s *Server) verifyJournal(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Images bool `json:"images"`
	}
	if !readJSON(w, r, maxCommand, &in, `want {} or {"images": true}`) {
		return
	}
	s.startJob(w, r, "verify", func(ctx context.Context, tell func(JobProgress)) (any, error) {
		return s.source.Entries.Verify(ctx, in.Images, func(done float64, text string) { tell(JobProgress{Done: done, Text: text}) })
	})
}

func (s *Server) timeline(w http.ResponseWriter, r *http.Request) {
	q, err := readTimelineQuery(r.URL.RawQuery)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	t, err := s.source.Entries.Timeline(r.Context(), q)
	if err != nil {
		failAs(w, err)
		return
	}
	if t.Rows == nil {
		t.Rows = []TimelineRow{}
	}
	for i := range t.Rows {
		row := &t.Rows[i]
		if row.Spans == nil {
			row.Spans = []TimelineSpan{}
		}
		if row.Ticks == nil {
			row.Ticks = []TimelineTick{}
		}
	}
	answerJSON(w, t)
}

func readTimelineQuery(raw string) (TimelineQuery, error) {
	var q TimelineQuery
	err := eachParam(raw, nil, func(name, v string) (err error) {
		switch name {
		case "since":
			q.Since, err = timeParam(name, v)
		case "until":
			q.Until, err = timeParam(name, v)
		case "camera":
			q.Camera = v
		case "rule":
			q.Rule = v
		case "relay":
			q.Relay = v
		case "kind":
			if q.Kind = v; v != "rule" && v != "relay" {
				err = fmt.Errorf("kind: %s is not rule or relay", quote(v))
			}
		default:
			err = fmt.Errorf("there is no %s to ask by (since, until, camera, rule, relay, kind)", quote(name))
		}
		return err
	})
	if err == nil && !q.Since.IsZero() && !q.Until.IsZero() && !q.Since.Before(q.Until) {
		err = errors.New("until must be after since")
	}
	return q, err
}
