package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// MaxKept is the most bytes of one thing that [Journal.Keep] takes.
const MaxKept = 8 << 20

// keptTable holds what is kept beside the entries, by its name.
const keptTable = `CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT`

// Keep puts a text under a name into the database, in the place of the one before, and
// waits until it is on the disk. What is kept is no entry: nothing ever removes it.
func (j *Journal) Keep(ctx context.Context, name string, body []byte) error {
	if len(body) > MaxKept {
		return fmt.Errorf("%s has %d bytes; the journal takes %d", name, len(body), MaxKept)
	}
	body = append([]byte{}, body...) // nil would be no text
	done := errNotOpen
	if err := j.job(ctx, func(s *store) error {
		done = s.exec("INSERT INTO kept VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET body = excluded.body", name, body)
		return done
	}); err != nil {
		return err // it may still be under way
	}
	return done
}

// errNotOpen says that the database could not be opened yet.
var errNotOpen = errors.New("the journal is not open")

// Kept gives what is kept under a name; nil when nothing is.
func (j *Journal) Kept(ctx context.Context, name string) ([]byte, error) {
	var body []byte
	done := errNotOpen
	if err := j.job(ctx, func(s *store) error {
		done = s.conn.QueryRowContext(context.Background(), "SELECT body FROM kept WHERE name = ?", name).Scan(&body)
		if errors.Is(done, sql.ErrNoRows) {
			done = nil
		}
		return done
	}); err != nil {
		return nil, err // it may still be under way
	}
	return body, done
}
