package journal

import (
	"context"
	"errors"
	"time"
)

const (
	// bite is how many entries are removed in one transaction, and how many pages are
	// given back to the disk.
	bite = 500
	// leastKept is how many entries stay however little room there is.
	leastKept = 1000
	// ahead is how far beyond now an entry's time may lie before it counts as that of
	// a wrong clock.
	ahead = 24 * time.Hour
	// slack is the share of the database that may be empty before pages are given
	// back; what comes next uses them again without a write more.
	slack = 8
)

// Expire removes the entries from before a time, and the pictures of the days before
// another; a zero time removes none. It removes from the beginning on, in small bites
// between other writes, and what it removes leaves its last id and hash as the
// anchor. An entry from a time that has not come does not keep those after it.
func (j *Journal) Expire(ctx context.Context, before, images time.Time) error {
	var err error
	if !images.IsZero() {
		err = expireImages(ctx, j.cfg.Dir, images)
	}
	if before.IsZero() {
		return err
	}
	for more := true; more; {
		jerr := j.job(ctx, func(s *store) (err error) {
			more, err = s.expire(before.UnixMicro(), j.cfg.Now().Add(ahead).UnixMicro())
			return err
		})
		if jerr != nil {
			return errors.Join(err, jerr)
		}
	}
	return errors.Join(err, j.vacuum(ctx, slack))
}

// Shrink removes the oldest entries, in small bites, until the database takes at
// most this many bytes, and gives the room back to the disk. The newest 1000 stay.
func (j *Journal) Shrink(ctx context.Context, bytes int64) error {
	for more := true; more; {
		err := j.job(ctx, func(s *store) (err error) {
			used, err := s.used()
			if err != nil || used <= bytes {
				more = false
				return err
			}
			more, err = s.removeOldest()
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := j.vacuum(ctx, 0); err != nil {
		return err
	}
	return j.job(ctx, func(s *store) error {
		var busy, pages, done int64
		return s.one("PRAGMA wal_checkpoint(TRUNCATE)", &busy, &pages, &done) // a reader may keep it from all of it
	})
}

// ShrinkImages removes the oldest pictures until all take at most this many bytes.
func (j *Journal) ShrinkImages(ctx context.Context, bytes int64) error {
	return shrinkImages(ctx, j.cfg.Dir, bytes)
}

// Usage is how much of the disk the journal takes, in bytes.
func (j *Journal) Usage(ctx context.Context) (database, images int64, err error) {
	images, err = imageBytes(ctx, j.cfg.Dir)
	return sizeOf(j.cfg.Dir), images, err
}

// vacuum gives empty pages back to the disk, unless they are fewer than one in share.
func (j *Journal) vacuum(ctx context.Context, share int64) error {
	for more := true; more; {
		err := j.job(ctx, func(s *store) error {
			var free, all int64
			if err := errors.Join(s.one("PRAGMA freelist_count", &free), s.one("PRAGMA page_count", &all)); err != nil {
				return err
			}
			if free == 0 || free*share < all && share > 0 {
				more = false
				return nil
			}
			return s.giveBack()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// giveBack shortens the database by some empty pages.
func (s *store) giveBack() error {
	rows, err := s.conn.QueryContext(context.Background(), "PRAGMA incremental_vacuum(500)")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() { // it goes on as long as it is asked
	}
	return rows.Err()
}

// used is what the database takes without its empty pages, in bytes.
func (s *store) used() (int64, error) {
	var free, all, size int64
	err := errors.Join(s.one("PRAGMA freelist_count", &free), s.one("PRAGMA page_count", &all), s.one("PRAGMA page_size", &size))
	return (all - free) * size, err
}

// expire removes a bite of entries from the beginning: those before a time, and
// those from beyond another. It says whether there may be more.
func (s *store) expire(before, beyond int64) (more bool, err error) {
	return s.remove(bite, func(l link) bool { return l.at < before || l.at > beyond })
}

// removeOldest removes a bite from the beginning, but not of the newest.
func (s *store) removeOldest() (more bool, err error) {
	var n int64
	if err := s.one("SELECT count(*) FROM (SELECT 1 FROM entries LIMIT 1500)", &n); err != nil || n <= leastKept {
		return false, err
	}
	return s.remove(int(min(n-leastKept, bite)), func(link) bool { return true })
}

// remove removes at most n entries from the beginning for as long as they may go,
// and makes the last of them the anchor.
func (s *store) remove(n int, may func(link) bool) (more bool, err error) {
	last, gone, err := s.first(n, may)
	if err != nil || gone == 0 {
		return false, err
	}
	if err := s.exec("BEGIN IMMEDIATE"); err != nil {
		return false, err
	}
	defer func() {
		if err != nil {
			_ = s.exec("ROLLBACK") // the first error says more
		}
	}()
	err = errors.Join(
		s.exec("DELETE FROM entries WHERE id <= ?", last.id),
		s.exec("DELETE FROM spans WHERE block < ?", last.id>>spanBits),
		s.exec("INSERT INTO state VALUES ('anchor', ?, ?, ?) ON CONFLICT(name) DO UPDATE SET id = excluded.id, at = excluded.at, hash = excluded.hash",
			last.id, last.at, last.hash[:]),
	)
	if err != nil {
		return false, err
	}
	return gone == n, s.exec("COMMIT")
}

// first finds the last of the entries at the beginning that may go.
func (s *store) first(n int, may func(link) bool) (last link, gone int, err error) {
	rows, err := s.conn.QueryContext(context.Background(), "SELECT id, at, hash FROM entries ORDER BY id LIMIT ?", n)
	if err != nil {
		return link{}, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var l link
		var hash []byte
		if err := rows.Scan(&l.id, &l.at, &hash); err != nil {
			return link{}, 0, err
		}
		copy(l.hash[:], hash)
		if !may(l) {
			break
		}
		last = l
		gone++
	}
	return last, gone, rows.Err()
}
