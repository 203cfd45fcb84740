package journal

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

const (
	// MaxChain is the most entries that [Reader.Chain] gives.
	MaxChain = 200
	// near is how many ids behind an event its decisions are looked for: they are added right after it.
	near = 1024
	// pictureIDs and pictureTime are how far the picture that shows a moment may be from it.
	pictureIDs  = 512
	pictureTime = 10 * time.Second
)

// ErrNoEntry says that there is no entry of an id, or not any more.
var ErrNoEntry = errors.New("there is no such entry")

// Entry gives one entry; [ErrNoEntry] when it is not there.
func (r *Reader) Entry(ctx context.Context, id int64) (Entry, error) {
	return entryOf(ctx, r.db, id)
}

// asker is a database or a transaction.
type asker interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func entryOf(ctx context.Context, db asker, id int64) (Entry, error) {
	e, err := readEntry(db.QueryRowContext(ctx, "SELECT "+columns+" FROM entries WHERE id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return Entry{}, ErrNoEntry
	}
	return e, err
}

// Chain gives an entry and those that belong to it, oldest first: the event, what was decided because of it, the
// steps of the firing and the relays they moved. There are at most [MaxChain], the entry itself always among them.
func (r *Reader) Chain(ctx context.Context, id int64) (e Entry, chain []Entry, err error) {
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return Entry{}, nil, err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	if e, err = entryOf(ctx, tx, id); err != nil {
		return Entry{}, nil, err
	}
	event, firings := e.Event, []int64(nil)
	switch {
	case e.Firing != 0:
		firings = []int64{e.Firing}
		f, err := entryOf(ctx, tx, e.Firing)
		if err == nil {
			event = f.Event
		} else if !errors.Is(err, ErrNoEntry) {
			return Entry{}, nil, err
		}
	case e.Kind == KindFiring:
		firings = []int64{e.ID}
	case e.Kind == KindEvent:
		event = e.ID
	}
	ids := []int64{e.ID, event}
	if len(firings) == 0 && event != 0 {
		some, err := readIDs(ctx, tx, "SELECT id FROM entries WHERE id > ? AND id <= ? AND +event = ? ORDER BY id LIMIT ?", event, event+near, event, MaxChain)
		if err != nil {
			return Entry{}, nil, err
		}
		ids, firings = append(ids, some...), some
	}
	for _, f := range firings {
		some, err := readIDs(ctx, tx, "SELECT id FROM entries WHERE firing = ? AND firing <> 0 ORDER BY id LIMIT ?", f, MaxChain)
		if err != nil {
			return Entry{}, nil, err
		}
		if ids = append(append(ids, f), some...); len(ids) > 4*MaxChain {
			break
		}
	}
	slices.Sort(ids)
	ids = slices.DeleteFunc(slices.Compact(ids), func(id int64) bool { return id == 0 })
	if at, _ := slices.BinarySearch(ids, e.ID); at >= MaxChain {
		ids = append(ids[:MaxChain-1], e.ID)
	}
	for _, id := range ids[:min(len(ids), MaxChain)] {
		one, err := entryOf(ctx, tx, id)
		if errors.Is(err, ErrNoEntry) {
			continue // it was too old
		}
		if err != nil {
			return Entry{}, nil, err
		}
		chain = append(chain, one)
	}
	return e, chain, nil
}

// Picture names a picture of an entry.
type Picture struct {
	Entry int64
	Name  string
	At    time.Time
}

// Pictures finds, for each entry, the picture that shows it best: its own, that of the event that led to it, or else the
// nearest of the same camera within ten seconds. Those without one are not in the map.
func (r *Reader) Pictures(ctx context.Context, entries []Entry) (map[int64]Picture, error) {
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	found := make(map[int64]Picture, len(entries))
	known := make(map[int64]Entry)
	get := func(id int64) (Entry, error) {
		if e, ok := known[id]; ok {
			return e, nil
		}
		e, err := entryOf(ctx, tx, id)
		if errors.Is(err, ErrNoEntry) {
			err = nil
		}
		if err == nil {
			e.Body = nil
			known[id] = e
		}
		return e, err
	}
	for i := range entries {
		known[entries[i].ID] = entries[i]
	}
	for i := range entries {
		e := &entries[i]
		camera, at := e.Camera, e
		event := e.Event
		if p, ok := e.picture(); ok {
			found[e.ID] = p
			continue
		}
		if e.Kind == KindEvent || e.Kind == KindReload || e.Kind == KindLogin {
			continue
		}
		if e.Firing != 0 {
			f, err := get(e.Firing)
			if err != nil {
				return nil, err
			}
			if f.ID != 0 {
				event, at = cmp.Or(f.Event, event), &f
				camera = cmp.Or(f.Camera, camera)
			}
		}
		if event != 0 {
			ev, err := get(event)
			if err != nil {
				return nil, err
			}
			if p, ok := ev.picture(); ok {
				found[e.ID] = p
				continue
			}
			camera = cmp.Or(camera, ev.Camera)
		}
		if camera == "" {
			continue
		}
		p, ok, err := nearest(ctx, tx, camera, at)
		if err != nil {
			return nil, err
		}
		if ok {
			found[e.ID] = p
		}
	}
	return found, nil
}

// picture is the first of an entry's pictures that is kept, the whole scene before its parts.
func (e *Entry) picture() (Picture, bool) {
	best := -1
	for i := range e.Images {
		if m := &e.Images[i]; m.SHA256 != "" && (best < 0 || m.Name == "scene") {
			best = i
		}
	}
	if best < 0 {
		return Picture{}, false
	}
	return Picture{Entry: e.ID, Name: e.Images[best].Name, At: e.At}, true
}

// nearest finds the picture of a camera that was taken nearest to an entry.
func nearest(ctx context.Context, db asker, camera string, e *Entry) (best Picture, ok bool, err error) {
	for _, q := range []struct {
		from, to int64
		order    string
	}{{e.ID - pictureIDs, e.ID, "DESC"}, {e.ID, e.ID + pictureIDs, "ASC"}} {
		rows, err := db.QueryContext(ctx, "SELECT "+columns+" FROM entries INDEXED BY by_camera WHERE camera = ? AND camera <> '' AND id BETWEEN ? AND ? AND images <> '' ORDER BY id "+q.order+" LIMIT 3",
			camera, q.from, q.to)
		if err != nil {
			return Picture{}, false, err
		}
		for rows.Next() {
			other, err := readEntry(rows)
			if err != nil {
				return Picture{}, false, errors.Join(err, rows.Close())
			}
			p, has := other.picture()
			if !has {
				continue
			}
			off := other.At.Sub(e.At).Abs()
			if off <= pictureTime && (!ok || off < best.At.Sub(e.At).Abs()) {
				best, ok = p, true
			}
			break
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return Picture{}, false, err
		}
	}
	return best, ok, nil
}

// Entry is as [Reader.Entry].
func (j *Journal) Entry(ctx context.Context, id int64) (Entry, error) {
	r, err := j.read()
	if err != nil {
		return Entry{}, err
	}
	return r.Entry(ctx, id)
}

// Chain is as [Reader.Chain].
func (j *Journal) Chain(ctx context.Context, id int64) (e Entry, chain []Entry, err error) {
	r, err := j.read()
	if err != nil {
		return Entry{}, nil, err
	}
	return r.Chain(ctx, id)
}

// Pictures is as [Reader.Pictures].
func (j *Journal) Pictures(ctx context.Context, entries []Entry) (map[int64]Picture, error) {
	r, err := j.read()
	if err != nil {
		return nil, err
	}
	return r.Pictures(ctx, entries)
}
