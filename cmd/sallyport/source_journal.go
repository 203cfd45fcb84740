package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/journal"
	"github.com/sallyport/sallyport/web"
)

// journalSource gives the console the journal.
func (s *source) journalSource() web.JournalSource {
	return web.JournalSource{
		Entry: s.journalEntry, Image: s.journalImage, Export: s.journalExport, Verify: s.journalVerify, Timeline: s.journalTimeline,
	}
}

// journalQuery is a question of the console as the journal takes it.
func journalQuery(q web.JournalQuery) journal.Query {
	kinds := slices.Clone(q.Kinds)
	for i, k := range kinds {
		switch k {
		case journal.KindFiring:
			kinds[i] = journal.OnlyFirings
		case "end":
			kinds[i] = journal.OnlyEnds
		}
	}
	return journal.Query{
		Since: q.Since, Until: q.Until, Kinds: kinds, Camera: q.Camera, Rule: q.Rule, Relay: q.Relay, Plate: q.Plate, Firing: q.Firing,
		Limit: q.Limit, Newest: q.Newest, Cursor: q.Cursor,
	}
}

// journalPage gives a page of the journal.
func (s *source) journalPage(ctx context.Context, q web.JournalQuery) ([]json.RawMessage, string, error) {
	if s.disk == nil {
		return nil, "", errNoJournal
	}
	entries, next, err := s.disk.journal.List(ctx, journalQuery(q))
	if err != nil {
		return nil, "", journalError(err)
	}
	items, err := s.entriesJSON(ctx, entries)
	return items, next, err
}

// journalError is an error of the journal as the console takes it.
func journalError(err error) error {
	switch {
	case errors.Is(err, journal.ErrCursor), errors.Is(err, journal.ErrLimit):
		return web.BadQueryError(err.Error())
	case errors.Is(err, journal.ErrNoImage):
		return web.NotFoundError("there is no such picture, or not any more")
	case errors.Is(err, journal.ErrNoEntry):
		return web.NotFoundError("there is no such entry, or not any more")
	}
	return err
}

// entriesJSON gives entries as the console's page takes them, each with the picture that shows it.
func (s *source) entriesJSON(ctx context.Context, entries []journal.Entry) ([]json.RawMessage, error) {
	pictures, err := s.disk.journal.Pictures(ctx, entries)
	if err != nil {
		return nil, err
	}
	items := make([]json.RawMessage, len(entries))
	for i := range entries {
		var shown *journal.Picture
		if p, ok := pictures[entries[i].ID]; ok {
			shown = &p
		}
		items[i] = journalJSON(&entries[i], shown, siteZone(s.site))
	}
	return items, nil
}

// journalJSON is an entry with its sentence, the entries that led to it, and the picture that shows it, if there is one.
func journalJSON(e *journal.Entry, shown *journal.Picture, zone *time.Location) json.RawMessage {
	b := bytes.TrimSuffix(e.AppendJSON(nil), []byte("}"))
	more := struct {
		Text     string        `json:"text"`
		CausedBy int64         `json:"caused_by,omitempty"`
		Firing   int64         `json:"firing,omitempty"`
		Picture  *shownPicture `json:"picture,omitempty"`
	}{Text: entryText(e, zone), CausedBy: e.Event, Firing: e.Firing}
	if shown != nil {
		more.Picture = &shownPicture{shown.Entry, shown.Name, web.Time{Time: shown.At}}
	}
	var tail bytes.Buffer
	enc := json.NewEncoder(&tail)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(more); err != nil {
		return append(b, '}')
	}
	return append(append(b, ','), bytes.TrimSpace(tail.Bytes())[1:]...)
}

// shownPicture says where the picture is that shows an entry.
type shownPicture struct {
	ID   int64    `json:"id"`
	Name string   `json:"name"`
	At   web.Time `json:"at"`
}

func (s *source) journalEntry(ctx context.Context, id int64) (web.EntryDetail, error) {
	if s.disk == nil {
		return web.EntryDetail{}, errNoJournal
	}
	e, chain, err := s.disk.journal.Chain(ctx, id)
	if errors.Is(err, journal.ErrNoEntry) && s.arriving(ctx, id) {
		e, chain, err = s.disk.journal.Chain(ctx, id)
	}
	if err != nil {
		return web.EntryDetail{}, journalError(err)
	}
	items, err := s.entriesJSON(ctx, append(chain, e))
	if err != nil {
		return web.EntryDetail{}, err
	}
	return web.EntryDetail{Entry: items[len(items)-1], Chain: items[:len(items)-1]}, nil
}

// arriving waits for an entry that the stream has told of and the disk does not have yet, and says whether that was so.
func (s *source) arriving(ctx context.Context, id int64) bool {
	if id <= s.disk.journal.Head().ID || s.disk.journal.Stats().Waiting == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, arriveTime)
	defer cancel()
	return s.disk.journal.Sync(ctx) == nil
}

// arriveTime is how long is waited for an entry that is not on the disk yet.
const arriveTime = 2 * time.Second

func (s *source) journalImage(ctx context.Context, id int64, name string) (picture []byte, version string, err error) {
	if s.disk == nil {
		return nil, "", errNoJournal
	}
	b, err := s.disk.journal.Image(ctx, id, name)
	if errors.Is(err, journal.ErrNoImage) && s.arriving(ctx, id) {
		b, err = s.disk.journal.Image(ctx, id, name)
	}
	if err != nil {
		return nil, "", journalError(err)
	}
	// An entry's picture is never another one: the journal compares it with the hash that the entry has.
	return b, strconv.FormatInt(id, 10) + "-" + name, nil
}

// journalExport reads the journal a page at a time, so that a slow reader holds nothing up.
func (s *source) journalExport(ctx context.Context, q web.JournalQuery, each func(*web.JournalRow) error) error {
	if s.disk == nil {
		return errNoJournal
	}
	ask := journalQuery(q)
	ask.Limit = journal.MaxLimit
	for {
		entries, next, err := s.disk.journal.List(ctx, ask)
		if err != nil {
			return journalError(err)
		}
		for i := range entries {
			row := tableRow(&entries[i], siteZone(s.site))
			if err := each(&row); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		ask.Cursor = next
	}
}

// tableRow is an entry as a row of a table.
func tableRow(e *journal.Entry, zone *time.Location) web.JournalRow {
	row := web.JournalRow{
		ID: e.ID, At: e.At, Kind: e.Kind, Camera: e.Camera, Rule: e.Rule, Key: e.Key, Relay: e.Relay, Plate: e.Plate, Text: entryText(e, zone),
		CausedBy: e.Event, Firing: e.Firing,
	}
	for i := range e.Images {
		if e.Images[i].SHA256 != "" {
			row.Pictures++
		}
	}
	var b entryBody
	if json.Unmarshal(e.Body, &b) != nil {
		return row
	}
	row.What, row.Outcome, row.Reason, row.By = b.Step, b.Outcome, b.Reason, b.Who
	row.List, row.Heading = b.Plate.List, b.Plate.Heading
	if b.Plate.Confidence != nil {
		row.Confidence = strconv.FormatFloat(*b.Plate.Confidence, 'f', -1, 64)
	}
	switch e.Kind {
	case journal.KindEvent:
		row.What = b.Kind
	case journal.KindFiring:
		row.What = b.Type
	case journal.KindRelay:
		row.What, row.Reason = "", b.Cause
		if b.On != nil {
			row.What = onOff(*b.On)
		}
	}
	return row
}

func (s *source) journalVerify(ctx context.Context, images bool, tell func(done float64, text string)) (web.VerifyResult, error) {
	if s.disk == nil {
		return web.VerifyResult{}, errNoJournal
	}
	oldest, _, err := s.disk.journal.List(ctx, journal.Query{Limit: 1})
	if err != nil {
		return web.VerifyResult{}, err
	}
	about := int64(1)
	if len(oldest) > 0 {
		about = max(s.disk.journal.Head().ID-oldest[0].ID+1, 1)
	}
	r, err := journal.Verify(ctx, s.site.Data, journal.VerifyOptions{Images: images, Progress: func(n int64) {
		tell(min(float64(n)/float64(about), 1), entries(n)+" read")
	}})
	if err != nil {
		return web.VerifyResult{}, err
	}
	v := web.VerifyResult{OK: r.Reason == "", Entries: r.Entries, Images: r.Images, First: r.First, Last: r.Last, Bad: r.Bad, Text: r.Reason}
	if v.OK {
		v.Text = "all is as it was written: " + entries(r.Entries)
		if images {
			v.Text += fmt.Sprintf(", %s, %d no longer there", count(int(r.Images), "picture"), r.NoImages)
		}
	}
	return v, nil
}

// usualTimeline is how long a timeline is that does not say since when.
const usualTimeline = 24 * time.Hour

func (s *source) journalTimeline(ctx context.Context, q web.TimelineQuery) (web.Timeline, error) {
	if s.disk == nil {
		return web.Timeline{}, errNoJournal
	}
	now := s.instant(time.Now()).Wall
	if q.Until.IsZero() {
		q.Until = now
		if q.Since.After(now) {
			q.Until = q.Since.Add(time.Millisecond)
		}
	}
	if q.Since.IsZero() {
		q.Since = q.Until.Add(-usualTimeline)
	}
	active := make(map[string][]time.Time) // since when, by rule
	ask := journal.TimelineQuery{Since: q.Since, Until: q.Until, Camera: q.Camera, Rule: q.Rule, Relay: q.Relay}
	if err := s.ask(ctx, func(e *engine.Engine) {
		for _, r := range e.Ruleset().Rules {
			ask.Rules = append(ask.Rules, r.Name)
			if (q.Rule == "" || q.Rule == r.Name) && q.Relay == "" {
				e.Keys(r.Name, journal.MaxMarks, func(k engine.KeyShown) {
					if (k.State == "active" || k.State == "holding") && !k.Since.IsZero() && k.Since.Before(q.Until) && (q.Camera == "" || q.Camera == k.Camera) {
						active[r.Name] = append(active[r.Name], k.Since)
					}
				})
			}
		}
	}); err != nil {
		return web.Timeline{}, err
	}
	for i := range s.site.Relays {
		ask.Relays = append(ask.Relays, s.site.Relays[i].Name)
	}
	t, err := s.disk.journal.Timeline(ctx, ask)
	if err != nil {
		return web.Timeline{}, err
	}
	lasting(&t, ask.Rules, active)
	out := web.Timeline{Since: web.Time{Time: q.Since}, Until: web.Time{Time: q.Until}, More: t.More}
	for i := range t.Rows {
		r := &t.Rows[i]
		row := web.TimelineRow{Kind: "rule", Name: r.Name}
		if r.Relay {
			row.Kind = "relay"
		}
		if q.Kind != "" && q.Kind != row.Kind {
			continue
		}
		for _, p := range r.Spans {
			row.Spans = append(row.Spans, web.TimelineSpan{From: web.Time{Time: p.From}, To: web.Time{Time: p.To}, ID: p.ID})
		}
		for _, k := range r.Ticks {
			row.Ticks = append(row.Ticks, timelineTick(&k))
		}
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}

// sameMoment is how far two times of one firing may be apart.
const sameMoment = 2 * time.Millisecond

// lasting adds what is active now to the rows of the rules. The journal has it when it ends.
func lasting(t *journal.Timeline, rules []string, active map[string][]time.Time) {
	for _, name := range rules {
		if len(active[name]) == 0 {
			continue
		}
		i := slices.IndexFunc(t.Rows, func(r journal.TimelineRow) bool { return !r.Relay && r.Name == name })
		if i < 0 {
			// Before the relays.
			if i = slices.IndexFunc(t.Rows, func(r journal.TimelineRow) bool { return r.Relay }); i < 0 {
				i = len(t.Rows)
			}
			t.Rows = slices.Insert(t.Rows, i, journal.TimelineRow{Name: name})
		}
		r := &t.Rows[i]
		for _, since := range active[name] {
			span := journal.TimelineSpan{From: since}
			for _, k := range r.Ticks {
				if k.At.Sub(since).Abs() <= sameMoment {
					span.ID = k.ID
				}
			}
			r.Spans = append(r.Spans, span)
		}
	}
}

// timelineTick is a firing with what is said of it in few words.
func timelineTick(k *journal.TimelineTick) web.TimelineTick {
	e := journal.Entry{Key: k.Key}
	tick := web.TimelineTick{At: web.Time{Time: k.At}, Kind: journal.KindFiring, ID: k.ID, Text: "fired" + forKey(&e)}
	switch {
	case k.Suppressed:
		tick.Kind, tick.Text = journal.KindSuppressed, after("held back"+forKey(&e), heldWords(k.Reason))
	case k.Reason != "":
		tick.Text += " (" + k.Reason + ")"
	}
	return tick
}
