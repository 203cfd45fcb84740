package journal

import (
	"context"
	"errors"
	"log/slog"
	"time"

	_ "modernc.org/sqlite" // the database
)

// DefaultCommit is how long an entry waits for others to be written with.
const DefaultCommit = 200 * time.Millisecond

// Config says where and how a journal is kept.
type Config struct {
	Dir    string           // the data folder; the database is journal.db in it, pictures are below images
	Images bool             // pictures are kept
	Commit time.Duration    // how long an entry waits for others; 0 = DefaultCommit
	Log    *slog.Logger     // nil = nothing is said
	Now    func() time.Time // the wall clock; nil = time.Now
}

// Errors of a journal.
var (
	ErrClosed     = errors.New("the journal is closed")
	ErrFull       = errors.New("the journal has no room: too much waits for the disk")
	ErrSlow       = errors.New("the disk does not answer")
	ErrOutboxFull = errors.New("the outbox is full: 100000 steps wait in it")
	ErrNoImage    = errors.New("there is no such picture")
)

// Journal is an open journal. Its methods may be used by several goroutines;
// what one of them adds is written in its order.
type Journal struct{}

// Head is the last entry that is on the disk. ID is 0 when there is none.
type Head struct {
	ID   int64
	Hash string // hexadecimal
	At   time.Time
}

// Stats is how a journal does.
type Stats struct {
	Written int64         // entries written since it was opened
	Dropped int64         // entries that were never written, since it was opened
	Waiting int           // entries and outbox changes that wait for the disk
	Bytes   int64         // memory that they hold
	Lag     time.Duration // how long the oldest of them has waited
	Size    int64         // the database on the disk, in bytes
	Parcels int           // steps in the outbox, as far as they are on the disk
	Problem string        // why nothing can be written at present; empty when all is well
}

// Open opens the journal of a data folder, or begins one. It fails only when the
// configuration cannot be used. A database that is damaged is set aside as
// journal.db.bad-TIME, loudly, and a new one begun. While the folder cannot be
// used the journal runs without a disk, and tries again by itself.
func Open(c Config) (*Journal, error) { return &Journal{}, nil }

// Add takes an entry and gives its id, at once. Ids ascend, over restarts too. It
// gives 0, and counts, when there is no room for the entry.
func (j *Journal) Add(e Entry) (id int64) { return 0 }

// AddThen is [Journal.Add] for an entry that somebody waits for. It is written at
// once, and done is called by another goroutine: with nil when it is on the disk, else with why it
// is not there yet. An entry that had to wait may still be written later.
func (j *Journal) AddThen(e Entry, done func(error)) (id int64) { return 0 }

// Sync waits until everything added so far is on the disk, or says why it is not.
func (j *Journal) Sync(ctx context.Context) error { return nil }

// Head is the last entry on the disk. It never waits.
func (j *Journal) Head() Head { return Head{} }

// Stats says how the journal does. It never waits.
func (j *Journal) Stats() Stats { return Stats{} }

// List gives the entries that a query asks for, and the cursor of the next page;
// empty when there is none.
func (j *Journal) List(ctx context.Context, q Query) (entries []Entry, next string, err error) {
	return nil, "", nil
}

// Image gives a picture of an entry; [ErrNoImage] when it is not there.
func (j *Journal) Image(ctx context.Context, id int64, name string) ([]byte, error) {
	return nil, ErrNoImage
}

// Expire removes the entries from before a time, and the pictures from before another; a zero time removes none.
// It does so in small bites between other writes.
func (j *Journal) Expire(ctx context.Context, before, images time.Time) error { return nil }

// Shrink removes the oldest entries until the database takes at most this many bytes on the disk.
func (j *Journal) Shrink(ctx context.Context, bytes int64) error { return nil }

// ShrinkImages removes the pictures of the oldest days until all take at most this many bytes.
// Those of today stay.
func (j *Journal) ShrinkImages(ctx context.Context, bytes int64) error { return nil }

// Usage is how much of the disk the journal takes, in bytes.
func (j *Journal) Usage(ctx context.Context) (database, images int64, err error) { return 0, 0, nil }

// Close writes what waits and closes the database. When ctx ends first it says
// how much is lost.
func (j *Journal) Close(ctx context.Context) error { return nil }
