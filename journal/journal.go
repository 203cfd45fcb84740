package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/engine"
)

const (
	// DefaultCommit is how long an entry waits for others to be written with.
	DefaultCommit = 200 * time.Millisecond
	// MaxBody is the most bytes that the body of an entry may have; a longer one is left out, and the entry says so.
	MaxBody = 256 << 10
	// maxText is how long the texts of an entry may be, in bytes; longer ones are cut.
	maxText = 512
	// overhead is what an entry or a change of the outbox takes in memory besides its texts.
	overhead = 512
)

// What may wait for the disk.
const (
	maxEntries     = 16384
	maxEntryBytes  = 16 << 20
	maxImageBytes  = 32 << 20
	maxChanges     = 16384
	maxChangeBytes = 32 << 20
	maxBatch       = 1000 // in one transaction
	maxBatchBytes  = 4 << 20
	maxParcels     = 100_000
	maxParcelBytes = 8 << 20
	slowDisk       = 5 * time.Second // a write that takes longer counts as failed for those who wait for it
	retryFirst     = time.Second     // after a failure; doubled up to retryMost
	retryMost      = 10 * time.Second
	sayEvery       = time.Minute // how often a problem is said, at most
	openWait       = 5 * time.Second
	asideEvery     = time.Hour // how often a running journal sets a damaged database aside, at most
)

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
	ErrTooLarge   = errors.New("the step is larger than the 8 MB that the outbox takes")
	ErrNoImage    = errors.New("there is no such picture")
)

// Journal is an open journal. Its methods may be used by several goroutines;
// what one of them adds is written in its order.
type Journal struct {
	cfg  Config
	log  *slog.Logger
	wake chan struct{} // there is something new for the writer
	jobs chan job      // what is done between writes
	done chan struct{} // closed when the writer has ended

	room int // how many entries may wait

	mu      sync.Mutex // covers what follows; it is never held while the disk is used
	queue   []*op      // in the order they were added
	entries load       // of the queue
	changes load
	images  int64 // bytes of pictures in the queue
	urgent  bool  // somebody waits for what is in the queue
	closed  bool
	nextID  int64
	head    Head
	written int64
	dropped int64
	size    int64
	// pictures are the bytes of those that were written since it was opened.
	pictures int64
	parcels  int
	problem  error // why the disk takes nothing at present
	said     said

	readMu sync.Mutex // covers reader
	reader *Reader
}

// load is how much of something waits.
type load struct {
	n     int
	bytes int64
}

// op is one thing to write.
type op struct {
	entry  *Entry
	put    *Parcel
	update *Parcel
	remove string
	probe  bool // nothing: somebody waits for what stands before it

	lost   *gap // the entry tells of these
	added  time.Time
	bytes  int64
	images int64
	ready  bool // pictures and body are as they are to be written
	urgent bool // it is written at once
	tried  bool // a transaction had it
	done   func(error)
}

// gap counts entries that were dropped one after the other.
type gap struct {
	n           int64
	first, last time.Time
}

// said is when something was last said, so that nothing is said too often.
type said struct{ problem, dropped time.Time }

// job is something to do with the database between writes.
type job struct {
	do   func(*store) error
	done chan error
}

// Head is the last entry that is on the disk. ID is 0 when there is none.
type Head struct {
	ID   int64
	Hash string // hexadecimal
	At   time.Time
}

// String is the head as [ParseHead] takes it, for whoever notes it.
func (h Head) String() string { return fmt.Sprintf("%d:%s", h.ID, h.Hash) }

// Stats is how a journal does.
type Stats struct {
	Written int64         // entries written since it was opened
	Dropped int64         // entries that were never written, since it was opened
	Waiting int           // entries and changes of the outbox that wait for the disk
	Bytes   int64         // memory that they hold
	Lag     time.Duration // how long the oldest of them has waited
	Size    int64         // the database on the disk, in bytes
	Images  int64         // bytes of pictures written since it was opened
	Parcels int           // steps in the outbox, as far as they are on the disk
	Problem string        // why nothing can be written at present; empty when all is well
}

// Open opens the journal of a data folder, or begins one. It fails only when the
// configuration cannot be used. A database that is damaged is set aside as
// journal.db.bad-TIME, loudly, and a new one begun. While the folder cannot be
// used the journal runs without a disk, and tries again by itself.
func Open(c Config) (*Journal, error) {
	if c.Dir == "" {
		return nil, errors.New("the journal needs a data folder")
	}
	if c.Commit <= 0 {
		c.Commit = DefaultCommit
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	j := &Journal{cfg: c, log: c.Log, wake: make(chan struct{}, 1), jobs: make(chan job), done: make(chan struct{}), room: maxEntries}
	w := &writer{j: j, opened: make(chan struct{})}
	go w.run()
	// A disk that does not answer holds up the start for a moment only.
	slow := time.NewTimer(openWait)
	defer slow.Stop()
	select {
	case <-w.opened:
	case <-slow.C:
		j.failed(ErrSlow)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.nextID == 0 {
		j.nextID = c.freshID()
	}
	return j, nil
}

// freshID is where ids begin when it is not known which were used: it is larger than
// any that was counted up to now, and JavaScript still counts beyond it.
func (c *Config) freshID() int64 { return max(c.Now().UnixMilli(), 1) }

// Add takes an entry and gives its id, at once. Ids ascend, over restarts too. It
// gives 0, and counts, when there is no room for the entry.
func (j *Journal) Add(e Entry) (id int64) { return j.AddThen(e, nil) }

// AddThen is [Journal.Add] for an entry that somebody waits for. It is written at
// once, and done is called by another goroutine: with nil when the entry is on the
// disk, else with why it is not there yet. An entry that had to wait may still be
// written later. With a nil done it is Add.
func (j *Journal) AddThen(e Entry, done func(error)) (id int64) {
	e.tidy()
	o := &op{entry: &e, added: time.Now(), bytes: e.weight(), done: done, urgent: done != nil}
	for i := range e.Images {
		o.images += max(e.Images[i].Size, 0)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.closed:
		o.fail(ErrClosed)
		return 0
	case j.entries.n >= j.room || j.entries.bytes+o.bytes > maxEntryBytes:
		j.drop(1, e.At)
		o.fail(ErrFull)
		return 0
	case o.images > 0 && j.images+o.images > maxImageBytes:
		for i := range e.Images {
			e.Images[i].Bytes, e.Images[i].Missing = nil, "too many pictures waited for the disk"
		}
		o.images = 0
	}
	e.ID = j.nextID
	j.nextID++
	j.push(o)
	return e.ID
}

// push puts something at the end of the queue. The lock is held.
func (j *Journal) push(o *op) {
	first := len(j.queue) == 0
	j.queue = append(j.queue, o)
	j.weigh(o, 1)
	if o.urgent {
		j.urgent = true
	}
	if first || o.urgent {
		j.signal()
	}
}

// weigh adds what an op takes, or takes it off. The lock is held.
func (j *Journal) weigh(o *op, sign int) {
	l := &j.changes
	if o.entry != nil {
		l = &j.entries
	}
	l.n += sign
	l.bytes += int64(sign) * o.bytes
	j.images += int64(sign) * o.images
}

// signal wakes the writer.
func (j *Journal) signal() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// drop counts entries that are lost. An entry in the place of the first tells of
// them and of those right after it. The lock is held.
func (j *Journal) drop(n int64, at time.Time) {
	j.dropped += n
	if now := time.Now(); j.said.dropped.IsZero() || now.Sub(j.said.dropped) >= sayEvery {
		j.said.dropped = now
		j.log.Error("the journal has no room: entries are left out", "left out so far", j.dropped)
	}
	if k := len(j.queue); k > 0 && j.queue[k-1].lost != nil && !j.queue[k-1].ready {
		j.queue[k-1].lost.n += n
		j.queue[k-1].lost.last = at
		return
	}
	e := &Entry{ID: j.nextID, At: j.cfg.Now(), Kind: KindError}
	e.tidy()
	j.nextID++
	j.push(&op{entry: e, lost: &gap{n: n, first: at, last: at}, added: time.Now(), bytes: e.weight()})
}

// tell makes the body of the entry that tells of dropped ones.
func (g *gap) body() []byte {
	const form = "2006-01-02T15:04:05.000Z"
	return fmt.Appendf(nil, `{"error":"entries are missing here: the disk did not take them","dropped":%d,"since":%q,"until":%q}`,
		g.n, g.first.UTC().Format(form), g.last.UTC().Format(form))
}

// fail tells whoever waits, elsewhere.
func (o *op) fail(err error) {
	if done := o.done; done != nil {
		o.done = nil
		go done(err)
	}
}

// Sync waits until everything added so far is on the disk, or says why it is not.
func (j *Journal) Sync(ctx context.Context) error {
	done := make(chan error, 1)
	j.mu.Lock()
	switch {
	case len(j.queue) == 0 && j.problem == nil:
		j.mu.Unlock()
		return nil
	case j.closed:
		j.mu.Unlock()
		return ErrClosed
	}
	j.push(&op{probe: true, urgent: true, added: time.Now(), done: func(err error) { done <- err }})
	j.mu.Unlock()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrSlow, ctx.Err())
	}
}

// Head is the last entry on the disk. It never waits.
func (j *Journal) Head() Head {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.head
}

// Stats says how the journal does. It never waits.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := Stats{
		Written: j.written, Dropped: j.dropped, Waiting: len(j.queue), Bytes: j.entries.bytes + j.changes.bytes + j.images,
		Size: j.size, Images: j.pictures, Parcels: j.parcels,
	}
	if len(j.queue) > 0 {
		s.Lag = time.Since(j.queue[0].added)
	}
	if j.problem != nil {
		s.Problem = j.problem.Error()
	}
	return s
}

// failed notes why the disk takes nothing, and says so, at most once a minute.
func (j *Journal) failed(err error) {
	j.mu.Lock()
	j.problem = err
	now := time.Now()
	say := j.said.problem.IsZero() || now.Sub(j.said.problem) >= sayEvery
	if say {
		j.said.problem = now
	}
	waiting := j.entries.n
	j.mu.Unlock()
	if say {
		j.log.Error("the journal cannot be written; everything else goes on", "folder", j.cfg.Dir, "error", err, "waiting", waiting)
	}
}

// Close writes what waits and closes the database. When ctx ends first, or the
// disk does not take it, it says how much is lost.
func (j *Journal) Close(ctx context.Context) error {
	j.mu.Lock()
	j.closed = true
	j.signal()
	j.mu.Unlock()
	var err error
	select {
	case <-j.done:
	case <-ctx.Done():
		err = fmt.Errorf("%w: %w", ErrSlow, ctx.Err())
	}
	j.mu.Lock()
	lost := j.entries.n
	if err == nil {
		err = j.problem
	}
	j.mu.Unlock()
	if lost > 0 {
		return fmt.Errorf("the journal lost %d entries at its end: %w", lost, err)
	}
	return nil
}

// job runs something between writes, with the database.
func (j *Journal) job(ctx context.Context, do func(*store) error) error {
	b := job{do, make(chan error, 1)}
	select {
	case j.jobs <- b:
	case <-j.done:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-b.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tidy bounds an entry's texts and makes them what can be stored.
func (e *Entry) tidy() {
	e.At = time.UnixMicro(e.At.UnixMicro()).UTC()
	for _, s := range []*string{&e.Kind, &e.Camera, &e.Rule, &e.Key, &e.Relay, &e.Plate} {
		*s = cut(*s)
	}
	e.Plate = engine.NormalPlate(e.Plate)
	switch {
	case len(e.Body) > MaxBody:
		e.Body = fmt.Appendf(nil, `{"error":"this entry had %d bytes; the journal takes %d"}`, len(e.Body), MaxBody)
	case len(e.Body) == 0:
		e.Body = []byte("{}")
	default:
		e.Body = bytes.Clone(e.Body)
	}
	e.Images = append([]Image(nil), e.Images...)
}

// cut is a text that can be stored: valid, without a zero byte and not too long.
func cut(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return strings.ToValidUTF8(s, "")
}

// weight is about what an entry takes in memory, without its pictures.
func (e *Entry) weight() int64 {
	return int64(overhead + len(e.Body) + len(e.Kind) + len(e.Camera) + len(e.Rule) + len(e.Key) + len(e.Relay) + len(e.Plate))
}
