package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// VerifyOptions says how much is verified.
type VerifyOptions struct {
	Noted    *Head               // a head noted earlier that must still be there; nil = none
	Images   bool                // read the pictures too
	Progress func(entries int64) // told now and then; nil = nobody
}

// Result is what a verification found.
type Result struct {
	Entries     int64  // entries that were read
	First, Last int64  // the ids of the first and the last
	Anchor      Head   // of what retention removed; ID 0 when it removed nothing
	Head        Head   // the last entry
	Images      int64  // pictures that are as they were
	NoImages    int64  // pictures that are not there, as after their time
	Bad         int64  // the first entry that is not right; 0 when none is
	Reason      string // what is wrong; empty when all is well
}

// Verify reads the whole journal of a data folder, also of a program that runs, and
// changes nothing. The error says that it cannot be read; what is wrong with what
// was read stands in the result.
func Verify(ctx context.Context, dir string, o VerifyOptions) (Result, error) {
	r, err := OpenReader(dir)
	if err != nil {
		return Result{}, err
	}
	v := verifier{r: r, o: o}
	err = v.run(ctx)
	return v.Result, errors.Join(err, r.Close())
}

// verifier follows the chain.
type verifier struct {
	Result
	r     *Reader
	o     VerifyOptions
	last  link // what the next entry must follow
	found bool // the noted head was met
}

func (v *verifier) run(ctx context.Context) error {
	for more := true; more && v.Reason == ""; {
		var err error
		// Small reads, so that the program's own writes are never held up.
		if more, err = v.part(ctx); err != nil {
			return err
		}
		if v.o.Progress != nil {
			v.o.Progress(v.Entries)
		}
	}
	v.Head = v.last.head()
	if n := v.o.Noted; n != nil && v.Reason == "" && !v.found {
		v.Bad = n.ID
		switch {
		case n.ID > v.last.id:
			v.Reason = fmt.Sprintf("the noted head, entry %d, is gone: the journal ends at entry %d", n.ID, v.last.id)
		case n.ID < v.Anchor.ID:
			v.Reason = fmt.Sprintf("the noted head, entry %d, cannot be judged: it was removed by its age, the journal begins after entry %d", n.ID, v.Anchor.ID)
		default:
			v.Reason = fmt.Sprintf("entry %d is not the noted head", n.ID)
		}
	}
	return nil
}

// part verifies some entries. It says whether there may be more.
func (v *verifier) part(ctx context.Context) (more bool, err error) {
	tx, err := v.r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return false, err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	anchor, err := readAnchor(ctx, tx)
	if err != nil {
		return false, err
	}
	if anchor.id > v.last.id { // what was removed meanwhile is not missed
		v.last = anchor
		v.note(anchor)
	}
	v.Anchor = anchor.head()
	if err := v.before(ctx, tx, anchor); err != nil || v.Reason != "" {
		return false, err
	}
	rows, err := tx.QueryContext(ctx, "SELECT "+columns+" FROM entries WHERE id > ? ORDER BY id LIMIT ?", v.last.id, MaxLimit)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var s stored
		if err := s.scan(rows); err != nil {
			return false, err
		}
		n++
		if !v.entry(&s) {
			return false, nil
		}
	}
	return n == MaxLimit, rows.Err()
}

// before looks for entries that stand before the anchor, where none is left.
func (v *verifier) before(ctx context.Context, tx *sql.Tx, anchor link) error {
	var id int64
	err := tx.QueryRowContext(ctx, "SELECT id FROM entries WHERE id <= ? ORDER BY id LIMIT 1", anchor.id).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		v.Bad, v.Reason = id, fmt.Sprintf("entry %d was put in: the journal begins after entry %d", id, anchor.id)
	}
	return err
}

// entry verifies the next entry. It says whether that is right.
func (v *verifier) entry(s *stored) bool {
	v.Entries++
	hash := chain(v.last.hash, &s.Entry, s.at, s.images)
	if !slices.Equal(hash[:], s.hash) {
		v.Bad = s.ID
		if v.last.id == 0 {
			v.Reason = fmt.Sprintf("entry %d is not the beginning: it was altered, or something before it was removed", s.ID)
		} else {
			v.Reason = fmt.Sprintf("entry %d does not follow from entry %d: one of them was altered, or entries were removed, moved or put in", s.ID, v.last.id)
		}
		return false
	}
	v.last = link{id: s.ID, at: s.at, hash: hash}
	if v.First == 0 {
		v.First = s.ID
	}
	v.Last = s.ID
	v.note(v.last)
	if !v.o.Images {
		return true
	}
	s.At = time.UnixMicro(s.at).UTC()
	images, err := decodeImages(s.images)
	if err != nil {
		v.Bad, v.Reason = s.ID, fmt.Sprintf("entry %d: its pictures cannot be read", s.ID)
		return false
	}
	for i := range images {
		switch _, err := readImage(v.r.dir, &s.Entry, &images[i]); {
		case err == nil:
			v.Images++
		case errors.Is(err, ErrNoImage):
			v.NoImages++
		default:
			v.Bad, v.Reason = s.ID, fmt.Sprintf("entry %d: the picture %q: %v", s.ID, images[i].Name, err)
			return false
		}
	}
	return true
}

// note looks whether a link is the noted head.
func (v *verifier) note(l link) {
	if v.o.Noted != nil && v.o.Noted.is(l) {
		v.found = true
	}
}
