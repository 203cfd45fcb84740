package journal

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"
)

const (
	// maxAlike is how many different plates one search takes into account.
	maxAlike = 100
	// scanIDs is how many ids are looked through at a time, scanTime for how long at most: a page may end there, and the
	// next goes on.
	scanIDs  = 32 << spanBits
	scanTime = time.Second
	// decidedIDs is how many ids behind a read its decisions are looked for.
	decidedIDs = 256
)

// ReadQuery asks for plates that were read. Empty parts ask for nothing.
type ReadQuery struct {
	Since, Until time.Time
	Camera       string
	// Alike says how well a plate fits what is looked for: 0 not at all, 1 best. Plates are given without what never
	// counts in one. Nil takes all.
	Alike  func(plate string) int
	Limit  int    // 1..MaxLimit; 0 = 100
	Cursor string // what the page before gave as next
}

// Read is a plate that was read, and what came of it at once.
type Read struct {
	Entry
	Decided []Decided
}

// Decided is a firing, or one that was held back with a reason.
type Decided struct {
	ID           int64
	Rule, Reason string
	Suppressed   bool
	// Undone says why a step of the firing was not done; empty when all were, as far as is known.
	Undone string
}

// Reads gives plates that were read, the newest first, and the cursor of the next page; empty when there is none. A page
// may be short although more follow.
func (r *Reader) Reads(ctx context.Context, q ReadQuery) (reads []Read, next string, err error) {
	switch {
	case q.Limit == 0:
		q.Limit = defaultLimit
	case q.Limit < 0 || q.Limit > MaxLimit:
		return nil, "", ErrLimit
	}
	below := int64(maxID)
	if q.Cursor != "" {
		if below, err = strconv.ParseInt(q.Cursor[1:], 10, 64); err != nil || below < 1 || q.Cursor != readCursor(below) {
			return nil, "", ErrCursor
		}
	}
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, "", err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	ranges, err := timeRanges(ctx, tx, Query{Since: q.Since, Until: q.Until, Newest: true}, idRange{0, below - 1})
	if err != nil {
		return nil, "", err
	}
	var ids []int64
	rest := int64(0) // where a search that took too long ended
	if q.Alike == nil {
		ids, rest, err = newestReads(ctx, tx, q, ranges)
	} else {
		ids, err = alikeReads(ctx, tx, q, ranges)
	}
	if err != nil {
		return nil, "", err
	}
	if len(ids) > q.Limit {
		ids, rest = ids[:q.Limit], ids[q.Limit-1]
	}
	for _, id := range ids {
		one := Read{}
		if one.Entry, err = entryOf(ctx, tx, id); err == nil {
			one.Decided, err = decided(ctx, tx, id)
		}
		if err != nil {
			return nil, "", err
		}
		reads = append(reads, one)
	}
	if rest > 0 {
		next = readCursor(rest)
	}
	return reads, next, nil
}

// Reads is as [Reader.Reads].
func (j *Journal) Reads(ctx context.Context, q ReadQuery) (reads []Read, next string, err error) {
	r, err := j.read()
	if err != nil {
		return nil, "", err
	}
	return r.Reads(ctx, q)
}

// readCursor is the place below an id.
func readCursor(id int64) string { return "r" + strconv.FormatInt(id, 10) }

// where is the rest of a question for reads.
func (q *ReadQuery) where() (string, []any) {
	text, args := "", []any(nil)
	if q.Camera != "" {
		text, args = " AND +camera = ?", append(args, q.Camera)
	}
	if !q.Since.IsZero() || !q.Until.IsZero() {
		since, until := (&Query{Since: q.Since, Until: q.Until}).times()
		text, args = text+" AND at >= ? AND at < ?", append(args, since, until)
	}
	return text, args
}

// newestReads finds one more than the page takes; rest is where it had to stop looking.
func newestReads(ctx context.Context, tx *sql.Tx, q ReadQuery, ranges []idRange) (ids []int64, rest int64, err error) {
	if len(ranges) == 1 && ranges[0].to == maxID-1 {
		if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(id), 0) FROM entries").Scan(&ranges[0].to); err != nil {
			return nil, 0, err
		}
	}
	if len(ranges) > 0 {
		last := &ranges[len(ranges)-1]
		var first int64
		if err := tx.QueryRowContext(ctx, "SELECT coalesce(min(id), 0) FROM entries").Scan(&first); err != nil {
			return nil, 0, err
		}
		last.from = max(last.from, first)
	}
	text, more := q.where()
	begun := time.Now()
	for _, r := range ranges {
		for to := r.to; to >= r.from; to -= scanIDs {
			from := max(to-scanIDs+1, r.from)
			some, err := readIDs(ctx, tx, "SELECT id FROM entries INDEXED BY by_kind WHERE kind = ? AND plate <> '' AND id BETWEEN ? AND ?"+text+" ORDER BY id DESC LIMIT ?",
				append(append([]any{KindEvent, from, to}, more...), q.Limit+1-len(ids))...)
			if err != nil {
				return nil, 0, err
			}
			if ids = append(ids, some...); len(ids) > q.Limit {
				return ids, 0, nil
			}
			if time.Since(begun) > scanTime {
				return ids, from, nil
			}
		}
	}
	return ids, 0, nil
}

// alikeReads finds one more than the page takes. The plates that there are stand in an index, each is looked at once.
func alikeReads(ctx context.Context, tx *sql.Tx, q ReadQuery, ranges []idRange) ([]int64, error) {
	plates, err := alike(ctx, tx, q.Alike)
	if err != nil {
		return nil, err
	}
	text, more := q.where()
	var ids []int64
	for _, r := range ranges {
		for _, p := range plates {
			some, err := readIDs(ctx, tx, "SELECT id FROM entries INDEXED BY by_plate WHERE plate = ? AND plate <> '' AND +kind = ? AND id BETWEEN ? AND ?"+text+" ORDER BY id DESC LIMIT ?",
				append(append([]any{p, KindEvent, r.from, r.to}, more...), q.Limit+1)...)
			if err != nil {
				return nil, err
			}
			ids = append(ids, some...)
		}
		if len(ids) > q.Limit {
			break
		}
	}
	slices.SortFunc(ids, func(a, b int64) int { return cmp.Compare(b, a) })
	return ids[:min(len(ids), q.Limit+1)], nil
}

// alike finds the plates of the journal that fit, the best first.
func alike(ctx context.Context, tx *sql.Tx, fits func(string) int) ([]string, error) {
	// The index is jumped through from one plate to the next.
	rows, err := tx.QueryContext(ctx, `WITH RECURSIVE known(p) AS (
		SELECT (SELECT plate FROM entries WHERE plate <> '' ORDER BY plate LIMIT 1)
		UNION ALL SELECT (SELECT plate FROM entries WHERE plate > p AND plate <> '' ORDER BY plate LIMIT 1) FROM known WHERE p IS NOT NULL
	) SELECT p FROM known WHERE p IS NOT NULL`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	type candidate struct {
		plate string
		fit   int
	}
	var all []candidate
	for rows.Next() {
		var c candidate
		if err := rows.Scan(&c.plate); err != nil {
			return nil, err
		}
		if c.fit = fits(c.plate); c.fit > 0 {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.fit, b.fit) })
	var out []string
	for _, c := range all[:min(len(all), maxAlike)] {
		out = append(out, c.plate)
	}
	return out, rows.Err()
}

// decided finds what was decided because of an event.
func decided(ctx context.Context, tx *sql.Tx, event int64) ([]Decided, error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, kind, rule, substr(body, 1, ?) FROM entries WHERE id > ? AND id <= ? AND +event = ? ORDER BY id",
		shortBody, event, event+decidedIDs, event)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Decided
	for rows.Next() {
		var d Decided
		var kind, body string
		if err := rows.Scan(&d.ID, &kind, &d.Rule, &body); err != nil {
			return nil, err
		}
		f := firingOf(body)
		d.Reason = f.Reason
		switch {
		case kind == KindSuppressed:
			d.Suppressed = true
		case kind != KindFiring || f.Type == "end":
			continue
		}
		out = append(out, d)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for i := range out {
		if d := &out[i]; !d.Suppressed {
			if d.Undone, err = undone(ctx, tx, d.ID); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// firingSteps is how many steps of a firing are looked at.
const firingSteps = 50

// undone says why a step of a firing was not done, of the first one.
func undone(ctx context.Context, tx *sql.Tx, firing int64) (string, error) {
	rows, err := tx.QueryContext(ctx, "SELECT body FROM entries INDEXED BY by_firing WHERE firing = ? AND firing <> 0 AND +kind = ? ORDER BY id LIMIT ?",
		firing, KindAction, firingSteps)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return "", err
		}
		var step struct{ Outcome, Reason string }
		if json.Unmarshal(body, &step) != nil {
			continue
		}
		switch step.Outcome {
		case "not begun":
			return cmp.Or(step.Reason, step.Outcome), nil
		case "failed":
			if step.Reason == "" {
				return step.Outcome, nil
			}
			return step.Outcome + ": " + step.Reason, nil
		}
	}
	return "", rows.Err()
}
