package journal

import (
	"context"
	"time"
)

// Parcel is one step that must not be lost, until it was carried out.
type Parcel struct {
	ID               string // names it for ever
	Lane, Verb, Fold string
	Body             []byte
	Rule, Key, Step  string
	Firing           int64
	Created          time.Time
	Due, Expires     time.Time // zero = none
	Tries            int
	Next             time.Time // of the next try; zero = none is planned
	Reason           string    // of the last try that failed
}

func (p *Parcel) weight() int64 {
	return int64(overhead + len(p.ID) + len(p.Lane) + len(p.Verb) + len(p.Fold) + len(p.Body) + len(p.Rule) + len(p.Key) + len(p.Step) + len(p.Reason))
}

// Put writes a parcel at once, before everything that is added later; it takes the
// place of one with the same id. done is called by another goroutine, once: with nil
// when the parcel is on the disk, else with why it is not. One that failed is not
// tried again by itself. While the disk does not answer done is not called.
func (j *Journal) Put(p Parcel, done func(error)) {
	p.Body = append([]byte(nil), p.Body...)
	o := &op{put: &p, bytes: p.weight(), done: done, urgent: true}
	if len(p.Body) > maxParcelBytes {
		o.fail(ErrTooLarge)
		return
	}
	j.change(o)
}

// Update writes what became of a parcel's tries: Tries, Next and Reason. It is
// written soon, and left out when too much waits for the disk.
func (j *Journal) Update(p Parcel) {
	p.Body = nil
	j.change(&op{update: &p, bytes: p.weight()})
}

// Remove takes a parcel out: at once when somebody waits for it, so that a kill makes
// few steps come twice, else soon. done may be nil; it is called as that of
// [Journal.Put], but a removal that failed is tried again until it is on the disk.
func (j *Journal) Remove(id string, done func(error)) {
	if id == "" {
		(&op{done: done}).fail(nil)
		return
	}
	j.change(&op{remove: id, bytes: int64(overhead + len(id)), done: done, urgent: done != nil})
}

// change takes a change of the outbox.
func (j *Journal) change(o *op) {
	o.added = time.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.closed:
		o.fail(ErrClosed)
	case j.changes.n >= maxChanges || j.changes.bytes+o.bytes > maxChangeBytes:
		o.fail(ErrFull)
	default:
		j.push(o)
	}
}

// Parcels gives all parcels that are on the disk, in the order they were put.
func (j *Journal) Parcels(ctx context.Context) ([]Parcel, error) {
	r, err := j.read()
	if err != nil {
		return nil, err
	}
	return r.Parcels(ctx)
}

// Parcels is as [Journal.Parcels].
func (r *Reader) Parcels(ctx context.Context) ([]Parcel, error) { return readParcels(ctx, r.db) }

// readParcels reads the outbox; what was read before an error is given with it.
func readParcels(ctx context.Context, q querier) ([]Parcel, error) {
	rows, err := q.QueryContext(ctx, `SELECT id, lane, verb, fold, body, rule, key, step, firing, created, due, expires, tries, next, reason FROM outbox ORDER BY seq`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var parcels []Parcel
	for rows.Next() {
		var p Parcel
		var created, due, expires, next int64
		err := rows.Scan(&p.ID, &p.Lane, &p.Verb, &p.Fold, &p.Body, &p.Rule, &p.Key, &p.Step, &p.Firing, &created, &due, &expires, &p.Tries, &next, &p.Reason)
		if err != nil {
			return parcels, err
		}
		p.Created, p.Due, p.Expires, p.Next = timeOf(created), timeOf(due), timeOf(expires), timeOf(next)
		parcels = append(parcels, p)
	}
	return parcels, rows.Err()
}

// writeParcel puts a parcel into the outbox. refused says why it was not taken.
func (s *store) writeParcel(p *Parcel) (refused, err error) {
	var there int
	if err := s.conn.QueryRowContext(context.Background(), "SELECT count(*) FROM outbox WHERE id = ?", p.ID).Scan(&there); err != nil {
		return nil, err
	}
	if there == 0 && s.parcels >= maxParcels {
		return ErrOutboxFull, nil
	}
	body := p.Body
	if body == nil {
		body = []byte{}
	}
	err = s.exec(`INSERT INTO outbox (id, lane, verb, fold, body, rule, key, step, firing, created, due, expires, tries, next, reason)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET lane = excluded.lane, verb = excluded.verb, fold = excluded.fold,
		body = excluded.body, rule = excluded.rule, key = excluded.key, step = excluded.step, firing = excluded.firing, created = excluded.created,
		due = excluded.due, expires = excluded.expires, tries = excluded.tries, next = excluded.next, reason = excluded.reason`,
		p.ID, p.Lane, p.Verb, p.Fold, body, p.Rule, p.Key, p.Step, p.Firing, micro(p.Created), micro(p.Due), micro(p.Expires), p.Tries, micro(p.Next), p.Reason)
	if err == nil && there == 0 {
		s.parcels++
	}
	return nil, err
}

func (s *store) removeParcel(id string) error {
	res, err := s.conn.ExecContext(context.Background(), "DELETE FROM outbox WHERE id = ?", id)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	s.parcels -= int(n)
	return err
}
