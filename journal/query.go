package journal

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/engine"
)

const (
	// MaxLimit is the most entries that a query gives at once.
	MaxLimit = 1000
	// defaultLimit is how many it gives when it does not say.
	defaultLimit = 100
)

// Query asks for entries. Empty parts ask for nothing.
type Query struct {
	Since time.Time // at this time or later
	Until time.Time // before this time
	Kinds []string  // any of them; also OnlyFirings and OnlyEnds

	Camera, Rule, Relay, Plate string

	After  int64  // entries with a greater id
	Firing int64  // the entry of this id, and those that a firing of this id led to
	Limit  int    // 1..MaxLimit; 0 = 100
	Cursor string // what the page before gave as next
	Newest bool   // newest first
}

// Errors of a query, which the one who asks can mend.
var (
	ErrLimit  = fmt.Errorf("limit must be 1..%d", MaxLimit)
	ErrCursor = errors.New("the cursor is not one that a page gave as next")
)

// Reader reads a journal, also of a program that runs. Its methods may be used by
// several goroutines.
type Reader struct {
	dir string
	db  *sql.DB
}

// OpenReader opens the journal of a data folder to read it. Nothing is changed.
func OpenReader(dir string) (*Reader, error) {
	file := filepath.Join(dir, database)
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no journal in %s", dir)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: %w", file, errForeign)
	}
	r, err := openReader(dir, "mode=ro")
	if err == nil || damaged(err) {
		return r, err
	}
	// Without a program that has it open, a folder that cannot be written is read as it stands.
	if info, serr := os.Stat(file + "-wal"); serr == nil && info.Size() > 0 {
		return nil, err
	}
	if r, ierr := openReader(dir, "mode=ro&immutable=1"); ierr == nil {
		return r, nil
	}
	return nil, err
}

func openReader(dir, mode string) (*Reader, error) {
	db, err := sql.Open("sqlite", dsn(dir, mode+"&_busy_timeout=2000&_query_only=1&_defensive=1"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(1)
	var app, ver int64
	if err = db.QueryRow("PRAGMA application_id").Scan(&app); err == nil {
		err = db.QueryRow("PRAGMA user_version").Scan(&ver)
	}
	if err == nil && (app != applicationID || ver != version) {
		err = errForeign
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", filepath.Join(dir, database), err), db.Close())
	}
	return &Reader{dir: dir, db: db}, nil
}

// Close ends the reading.
func (r *Reader) Close() error { return r.db.Close() }

// List gives the entries that a query asks for, and the cursor of the next page;
// empty when there is none. A plate is found however it is written: case, blanks,
// dots and dashes never count.
func (r *Reader) List(ctx context.Context, q Query) (entries []Entry, next string, err error) {
	switch {
	case q.Limit == 0:
		q.Limit = defaultLimit
	case q.Limit < 0 || q.Limit > MaxLimit:
		return nil, "", ErrLimit
	}
	if q.Plate != "" && engine.NormalPlate(q.Plate) == "" {
		return nil, "", nil // no plate is written so
	}
	after, err := q.after()
	if err != nil {
		return nil, "", err
	}
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, "", err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	ids, err := findIDs(ctx, tx, q, after)
	if err != nil {
		return nil, "", err
	}
	more := len(ids) > q.Limit
	ids = ids[:min(len(ids), q.Limit)]
	row, err := tx.PrepareContext(ctx, "SELECT "+columns+" FROM entries WHERE id = ?")
	if err != nil {
		return nil, "", err
	}
	defer row.Close()
	for _, id := range ids {
		e, err := readEntry(row.QueryRowContext(ctx, id))
		if err != nil {
			return nil, "", err
		}
		entries = append(entries, e)
	}
	if more {
		next = q.cursor(ids[len(ids)-1])
	}
	return entries, next, nil
}

// cursor is the place after an entry.
func (q *Query) cursor(id int64) string {
	if q.Newest {
		return "n" + strconv.FormatInt(id, 10)
	}
	return "o" + strconv.FormatInt(id, 10)
}

// after is the id that the page begins behind; 0 when at the beginning.
func (q *Query) after() (int64, error) {
	if q.Cursor == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(q.Cursor[1:], 10, 64)
	if err != nil || id < 1 || id == maxID || q.Cursor != q.cursor(id) {
		return 0, ErrCursor
	}
	return id, nil
}

// ids is a range of ids, both ends in it.
type idRange struct{ from, to int64 }

// maxID is larger than every id.
const maxID = 1<<63 - 1

// findIDs finds one id more than the page takes, if there is one.
func findIDs(ctx context.Context, tx *sql.Tx, q Query, after int64) ([]int64, error) {
	all := idRange{max(q.After, -1) + 1, maxID}
	switch {
	case after > 0 && q.Newest:
		all.to = after - 1
	case after > 0:
		all.from = max(all.from, after+1)
	}
	ranges, err := timeRanges(ctx, tx, q, all)
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, r := range ranges {
		more, err := idsWithin(ctx, tx, q, r, q.Limit+1-len(ids))
		if err != nil {
			return nil, err
		}
		if ids = append(ids, more...); len(ids) > q.Limit {
			break
		}
	}
	return ids, nil
}

// timeRanges are the ids among which the entries of the time asked for are, in the
// order of the page. The clock may have been set back and forth meanwhile.
func timeRanges(ctx context.Context, tx *sql.Tx, q Query, all idRange) ([]idRange, error) {
	if q.Since.IsZero() && q.Until.IsZero() {
		return []idRange{all}, nil
	}
	since, until := q.times()
	rows, err := tx.QueryContext(ctx, "SELECT block FROM spans WHERE high >= ? AND low < ? AND block BETWEEN ? AND ? ORDER BY block",
		since, until, all.from>>spanBits, all.to>>spanBits)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ranges []idRange
	for rows.Next() {
		var b int64
		if err := rows.Scan(&b); err != nil {
			return nil, err
		}
		r := idRange{max(b<<spanBits, all.from), min((b+1)<<spanBits-1, all.to)}
		if k := len(ranges); k > 0 && ranges[k-1].to+1 == r.from {
			ranges[k-1].to = r.to
		} else {
			ranges = append(ranges, r)
		}
	}
	if q.Newest {
		slices.Reverse(ranges)
	}
	return ranges, rows.Err()
}

// times are the bounds of a query as they are stored.
func (q *Query) times() (since, until int64) {
	since, until = -1<<63, maxID
	if !q.Since.IsZero() {
		since = q.Since.UnixMicro()
		if time.UnixMicro(since).Before(q.Since) {
			since++
		}
	}
	if !q.Until.IsZero() {
		until = q.Until.UnixMicro()
	}
	return since, until
}

// idsWithin finds at most n ids in a range. Each kind is asked for by itself, so that
// the index gives them in order; so are a firing and what it led to.
func idsWithin(ctx context.Context, tx *sql.Tx, q Query, r idRange, n int) ([]int64, error) {
	where := []string{"id BETWEEN ? AND ?"}
	args := []any{r.from, r.to}
	for _, f := range []struct{ column, value string }{{"camera", q.Camera}, {"rule", q.Rule}, {"relay", q.Relay}, {"plate", engine.NormalPlate(q.Plate)}} {
		if f.value != "" {
			// The second part lets SQLite use the index, which has no empty ones.
			where = append(where, f.column+" = ? AND "+f.column+" <> ''")
			args = append(args, f.value)
		}
	}
	if !q.Since.IsZero() || !q.Until.IsZero() {
		since, until := q.times()
		where = append(where, "at >= ? AND at < ?")
		args = append(args, since, until)
	}
	type part struct {
		text string
		arg  any
	}
	firings := []part{{}}
	if q.Firing != 0 {
		firings = []part{{"firing = ? AND firing <> 0", q.Firing}, {"id = ?", q.Firing}}
	}
	kinds := []part{{}}
	if len(q.Kinds) > 0 {
		kinds = kinds[:0]
		for _, k := range slices.Compact(slices.Sorted(slices.Values(q.Kinds))) {
			switch k {
			case OnlyFirings:
				kinds = append(kinds, part{"kind = ? AND body NOT LIKE '{\"type\":\"end\"%'", KindFiring})
			case OnlyEnds:
				kinds = append(kinds, part{"kind = ? AND body LIKE '{\"type\":\"end\"%'", KindFiring})
			default:
				kinds = append(kinds, part{"kind = ?", k})
			}
		}
	}
	order, sign := " ORDER BY id LIMIT ?", int64(1)
	if q.Newest {
		order, sign = " ORDER BY id DESC LIMIT ?", -1
	}
	var ids []int64
	for _, k := range kinds {
		for _, f := range firings {
			w, a := slices.Clone(where), slices.Clone(args)
			for _, p := range []part{k, f} {
				if p.text != "" {
					w, a = append(w, p.text), append(a, p.arg)
				}
			}
			some, err := readIDs(ctx, tx, "SELECT id FROM entries WHERE "+strings.Join(w, " AND ")+order, append(a, n)...)
			if err != nil {
				return nil, err
			}
			ids = append(ids, some...)
		}
	}
	slices.SortFunc(ids, func(a, b int64) int {
		if a < b {
			return int(-sign)
		}
		return int(sign)
	})
	ids = slices.Compact(ids)
	return ids[:min(len(ids), n)], nil
}

func readIDs(ctx context.Context, tx *sql.Tx, query string, args ...any) ([]int64, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// columns are what readEntry reads.
const columns = "id, at, kind, camera, rule, key, relay, plate, event, firing, body, images, hash"

// scanner is a row.
type scanner interface{ Scan(into ...any) error }

// stored is an entry as it is stored.
type stored struct {
	Entry
	at     int64
	images string
	hash   []byte
}

func (s *stored) scan(row scanner) error {
	return row.Scan(&s.ID, &s.at, &s.Kind, &s.Camera, &s.Rule, &s.Key, &s.Relay, &s.Plate, &s.Event, &s.Firing, &s.Body, &s.images, &s.hash)
}

func readEntry(row scanner) (Entry, error) {
	var s stored
	if err := s.scan(row); err != nil {
		return Entry{}, err
	}
	s.At = time.UnixMicro(s.at).UTC()
	s.Hash = hex.EncodeToString(s.hash)
	var err error
	s.Images, err = decodeImages(s.images)
	if err != nil {
		err = fmt.Errorf("entry %d: %w", s.ID, err)
	}
	return s.Entry, err
}

// Image gives a picture of an entry; [ErrNoImage] when it is not there.
func (r *Reader) Image(ctx context.Context, id int64, name string) ([]byte, error) {
	e, err := readEntry(r.db.QueryRowContext(ctx, "SELECT "+columns+" FROM entries WHERE id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoImage
	}
	if err != nil {
		return nil, err
	}
	for i := range e.Images {
		if e.Images[i].Name == name {
			return readImage(r.dir, &e, &e.Images[i])
		}
	}
	return nil, ErrNoImage
}

// List is as [Reader.List]. What waits for the disk is not among the entries.
func (j *Journal) List(ctx context.Context, q Query) (entries []Entry, next string, err error) {
	r, err := j.read()
	if err != nil {
		return nil, "", err
	}
	return r.List(ctx, q)
}

// Image is as [Reader.Image].
func (j *Journal) Image(ctx context.Context, id int64, name string) ([]byte, error) {
	r, err := j.read()
	if err != nil {
		return nil, err
	}
	return r.Image(ctx, id, name)
}

// read gives the journal's own reader.
func (j *Journal) read() (*Reader, error) {
	j.readMu.Lock()
	defer j.readMu.Unlock()
	if j.reader != nil {
		return j.reader, nil
	}
	select {
	case <-j.done:
		return nil, ErrClosed
	default:
	}
	r, err := OpenReader(j.cfg.Dir)
	if err != nil {
		return nil, err
	}
	j.reader = r
	return r, nil
}

// dropReader closes the reader at the end.
func (j *Journal) dropReader() {
	j.readMu.Lock()
	defer j.readMu.Unlock()
	j.closeReader()
}

// closeReader closes the reader; the next who reads opens another. readMu is held.
func (j *Journal) closeReader() {
	if j.reader != nil {
		_ = j.reader.Close() // it only read
		j.reader = nil
	}
}
