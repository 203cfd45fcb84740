package journal

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

const (
	// MaxRows is the most rows that a timeline has, MaxMarks the most spans and the most ticks of one row.
	MaxRows  = 200
	MaxMarks = 500
	// timelineParts is into how many parts the entries of a timeline are cut, partMarks how many entries of a kind are
	// looked at in each: a long time gives an even sample, at the same cost.
	timelineParts = 48
	partMarks     = 200
	// lookBehind is how many entries after a timeline the end of a firing within it is looked for.
	lookBehind = 20_000
	// shortBody is how much of a body is read: levels and ends are shorter, of firings only the beginning counts.
	shortBody = 600
)

// TimelineQuery asks for a timeline. Empty parts of it ask for nothing.
type TimelineQuery struct {
	Since, Until        time.Time // both are needed
	Camera, Rule, Relay string
	// Rules and Relays are the names that are known now, in their order: those rows come first, and what was on or
	// active all the time is found for them.
	Rules, Relays []string
}

// Timeline is what rules and relays did over a time.
type Timeline struct {
	Rows []TimelineRow
	More bool // more happened than is given
}

// TimelineRow is what one rule or relay did. Everything is in the order of time.
type TimelineRow struct {
	Relay bool // else it is a rule
	Name  string
	Spans []TimelineSpan
	Ticks []TimelineTick
}

// TimelineSpan is a time for which a rule was active or a relay on. To is zero when it lasts, or when its end is not known.
type TimelineSpan struct {
	From, To time.Time
	ID       int64 // the entry of the firing, or of the relay's on; 0 = not known
}

// TimelineTick is a firing, or one that was held back.
type TimelineTick struct {
	At         time.Time
	ID         int64
	Suppressed bool
	Reason     string // why it was held back, or the word that stands with a firing
	Key        string
}

// mark is an entry of a timeline.
type mark struct {
	id, at, firing               int64
	kind, rule, relay, key, body string
}

// Timeline gives the timeline of a time, in one read of the journal.
func (r *Reader) Timeline(ctx context.Context, q TimelineQuery) (Timeline, error) {
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return Timeline{}, err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	t := timeline{ctx: ctx, tx: tx, q: q, rows: make(map[rowName]*TimelineRow)}
	if err := t.read(); err != nil {
		return Timeline{}, err
	}
	return t.done(), nil
}

// Timeline is as [Reader.Timeline].
func (j *Journal) Timeline(ctx context.Context, q TimelineQuery) (Timeline, error) {
	r, err := j.read()
	if err != nil {
		return Timeline{}, err
	}
	return r.Timeline(ctx, q)
}

type rowName struct {
	relay bool
	name  string
}

// timeline is one that is being made.
type timeline struct {
	ctx  context.Context
	tx   *sql.Tx
	q    TimelineQuery
	rows map[rowName]*TimelineRow
	more bool
}

func (t *timeline) read() error {
	query := Query{Since: t.q.Since, Until: t.q.Until}
	ranges, err := timeRanges(t.ctx, t.tx, query, idRange{0, maxID})
	if err != nil || len(ranges) == 0 {
		return err
	}
	first, last := ranges[0].from, ranges[len(ranges)-1].to
	if err := t.before(first); err != nil {
		return err
	}
	for _, part := range parts(ranges) {
		marks, cut, err := t.marks(part)
		if err != nil {
			return err
		}
		for i := range marks {
			t.add(&marks[i])
		}
		if cut {
			t.more = true
			t.lose(marks)
		}
	}
	return t.behind(last)
}

// parts cuts ranges into pieces of about the same number of ids.
func parts(ranges []idRange) []idRange {
	var ids int64
	for _, r := range ranges {
		ids += r.to - r.from + 1
	}
	// Smaller ones than a block, too: a young journal has but one.
	step := max((ids+timelineParts-1)/timelineParts, partMarks/2)
	var out []idRange
	for _, r := range ranges {
		for from := r.from; from <= r.to; from += step {
			out = append(out, idRange{from, min(from+step-1, r.to)})
		}
	}
	return out
}

// marks reads the entries of a part, oldest first; cut says that there are more.
func (t *timeline) marks(part idRange) (marks []mark, cut bool, err error) {
	since, until := (&Query{Since: t.q.Since, Until: t.q.Until}).times()
	where, args := " WHERE id BETWEEN ? AND ? AND at >= ? AND at < ?", []any{part.from, part.to, since, until}
	index, kinds := "by_kind", []string{KindFiring, KindSuppressed, KindRelay}
	for _, f := range []struct{ column, value string }{{"camera", t.q.Camera}, {"rule", t.q.Rule}, {"relay", t.q.Relay}} {
		if f.value != "" {
			index = "by_" + f.column
			where += " AND " + f.column + " = ? AND " + f.column + " <> ''"
			args = append(args, f.value)
		}
	}
	limit := partMarks
	var asks []string
	if index == "by_kind" {
		for _, k := range kinds {
			asks = append(asks, " AND kind = '"+k+"'")
		}
	} else {
		limit *= len(kinds)
		asks = []string{" AND +kind IN ('" + strings.Join(kinds, "', '") + "')"}
	}
	for _, ask := range asks {
		some, err := t.some("SELECT "+markColumns+" FROM entries INDEXED BY "+index+where+ask+" ORDER BY id LIMIT ?",
			append(append([]any{shortBody}, args...), limit+1)...)
		if err != nil {
			return nil, false, err
		}
		if len(some) > limit {
			cut, some = true, some[:limit]
		}
		marks = append(marks, some...)
	}
	slices.SortFunc(marks, func(a, b mark) int { return cmp.Compare(a.id, b.id) })
	return marks, cut, nil
}

// markColumns are what some reads; the first argument is how much of the body.
const markColumns = "id, at, firing, kind, rule, relay, key, substr(body, 1, ?)"

func (t *timeline) some(query string, args ...any) ([]mark, error) {
	rows, err := t.tx.QueryContext(t.ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var marks []mark
	for rows.Next() {
		var m mark
		if err := rows.Scan(&m.id, &m.at, &m.firing, &m.kind, &m.rule, &m.relay, &m.key, &m.body); err != nil {
			return nil, err
		}
		marks = append(marks, m)
	}
	return marks, rows.Err()
}

// row is the row of a name.
func (t *timeline) row(relay bool, name string) *TimelineRow {
	n := rowName{relay, name}
	r := t.rows[n]
	if r == nil {
		r = &TimelineRow{Relay: relay, Name: name}
		t.rows[n] = r
	}
	return r
}

// add puts an entry where it belongs.
func (t *timeline) add(m *mark) {
	at := timeOf(m.at)
	switch {
	case m.kind == KindRelay && m.relay != "":
		r := t.row(true, m.relay)
		open := len(r.Spans) > 0 && r.Spans[len(r.Spans)-1].To.IsZero()
		switch on := level(m.body); {
		case on && !open:
			r.Spans = append(r.Spans, TimelineSpan{From: at, ID: m.id})
		case !on && open:
			r.Spans[len(r.Spans)-1].To = at
		}
	case m.rule == "":
	case m.kind == KindSuppressed:
		r := t.row(false, m.rule)
		r.Ticks = append(r.Ticks, TimelineTick{At: at, ID: m.id, Suppressed: true, Reason: firingOf(m.body).Reason, Key: m.key})
	case m.kind == KindFiring:
		r, f := t.row(false, m.rule), firingOf(m.body)
		if f.Type != "end" {
			r.Ticks = append(r.Ticks, TimelineTick{At: at, ID: m.id, Reason: f.Reason, Key: m.key})
			return
		}
		if s, ok := f.span(at); ok {
			s.ID = m.firing
			r.Spans = append(r.Spans, s)
		}
	}
}

// lose ends the spans of relays that were on where entries are left out: nobody knows for how long.
func (t *timeline) lose(marks []mark) {
	if len(marks) == 0 {
		return
	}
	for n, r := range t.rows {
		if k := len(r.Spans) - 1; n.relay && k >= 0 && r.Spans[k].To.IsZero() {
			r.Spans[k].To = timeOf(marks[len(marks)-1].at)
		}
	}
}

// before finds the relays that were on when the time began.
func (t *timeline) before(first int64) error {
	if t.q.Camera != "" || t.q.Rule != "" {
		return nil
	}
	for _, name := range t.q.Relays[:min(len(t.q.Relays), MaxRows)] {
		if t.q.Relay != "" && t.q.Relay != name {
			continue
		}
		// Entries of the first block may be before the time, or within it.
		marks, err := t.some("SELECT "+markColumns+" FROM entries INDEXED BY by_relay WHERE relay = ? AND relay <> '' AND +kind = ? AND id < ? AND at < ? ORDER BY id DESC LIMIT 1",
			shortBody, name, KindRelay, first+1<<spanBits, micro(t.q.Since))
		if err != nil {
			return err
		}
		if len(marks) == 1 && level(marks[0].body) {
			t.add(&marks[0])
		}
	}
	return nil
}

// behind finds the ends of firings that were still active when the time was over.
func (t *timeline) behind(last int64) error {
	if t.q.Relay != "" || t.q.Camera != "" {
		return nil
	}
	until := micro(t.q.Until)
	for _, name := range t.q.Rules[:min(len(t.q.Rules), MaxRows)] {
		if t.q.Rule != "" && t.q.Rule != name {
			continue
		}
		marks, err := t.some("SELECT "+markColumns+" FROM entries INDEXED BY by_rule WHERE rule = ? AND rule <> '' AND +kind = ? AND at >= ? AND id BETWEEN ? AND ? ORDER BY id LIMIT 20",
			shortBody, name, KindFiring, until, max(last-1<<spanBits, 0), last+min(lookBehind, maxID-last))
		if err != nil {
			return err
		}
		for i := range marks {
			f := firingOf(marks[i].body)
			if s, ok := f.span(timeOf(marks[i].at)); ok && f.Type == "end" && s.From.Before(t.q.Until) {
				s.ID = marks[i].firing
				r := t.row(false, name)
				r.Spans = append(r.Spans, s)
			}
		}
	}
	return nil
}

// done gives the rows in their order, none too long.
func (t *timeline) done() Timeline {
	names := make([]rowName, 0, len(t.rows))
	for n := range t.rows {
		names = append(names, n)
	}
	place := func(n rowName) int {
		known := t.q.Rules
		if n.relay {
			known = t.q.Relays
		}
		if i := slices.Index(known, n.name); i >= 0 {
			return i
		}
		return len(known)
	}
	slices.SortFunc(names, func(a, b rowName) int {
		if a.relay != b.relay {
			return map[bool]int{true: 1, false: -1}[a.relay]
		}
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a.name, b.name))
	})
	out := Timeline{More: t.more || len(names) > MaxRows}
	for _, n := range names[:min(len(names), MaxRows)] {
		r := t.rows[n]
		slices.SortStableFunc(r.Spans, func(a, b TimelineSpan) int { return a.From.Compare(b.From) })
		slices.SortStableFunc(r.Ticks, func(a, b TimelineTick) int { return a.At.Compare(b.At) })
		out.More = out.More || len(r.Spans) > MaxMarks || len(r.Ticks) > MaxMarks
		r.Spans = thin(r.Spans, t.q, func(s TimelineSpan) (time.Time, bool) { return s.From, s.To.IsZero() })
		r.Ticks = thin(r.Ticks, t.q, func(k TimelineTick) (time.Time, bool) { return k.At, false })
		out.Rows = append(out.Rows, *r)
	}
	return out
}

// thin keeps the first mark of each 500th of the time, and those that must stay.
func thin[T any](marks []T, q TimelineQuery, at func(T) (when time.Time, must bool)) []T {
	if len(marks) <= MaxMarks {
		return marks
	}
	slot := max(q.Until.Sub(q.Since)/(MaxMarks-1), 1)
	kept, last := marks[:0:0], int64(-1)
	for _, m := range marks {
		when, must := at(m)
		if n := int64(max(when.Sub(q.Since), 0) / slot); n != last || must {
			kept, last = append(kept, m), n
		}
	}
	return kept[:min(len(kept), MaxMarks)]
}

// level says whether the body of a relay's entry means on.
func level(body string) bool { return strings.HasPrefix(body, `{"on":true`) }

// firingBody is what of a firing's body counts here.
type firingBody struct{ Type, Since, Until, Reason string }

// firingOf reads the beginning of a body. A firing that carries its event is longer than that, and has nothing more to say.
func firingOf(body string) (f firingBody) {
	if json.Unmarshal([]byte(body), &f) == nil {
		return f
	}
	d := json.NewDecoder(bytes.NewReader([]byte(body)))
	if _, err := d.Token(); err != nil {
		return f
	}
	for {
		key, err := d.Token()
		if err != nil {
			return f
		}
		var value any
		if d.Decode(&value) != nil {
			return f
		}
		text, _ := value.(string)
		switch key {
		case "type":
			f.Type = text
		case "reason":
			f.Reason = text
		}
	}
}

// span is the time that an end tells of; at is when it was told.
func (f *firingBody) span(at time.Time) (TimelineSpan, bool) {
	from, err := time.Parse(time.RFC3339, f.Since)
	if err != nil {
		return TimelineSpan{}, false
	}
	to, err := time.Parse(time.RFC3339, f.Until)
	if err != nil || to.Before(from) {
		to = at
	}
	return TimelineSpan{From: from, To: to}, true
}
