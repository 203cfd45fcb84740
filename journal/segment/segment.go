// Package segment keeps lines of text in compressed files, one after the other, and
// gives ranges of them back. It knows nothing of what a line means except when it
// was and whether a reader may begin there (a snapshot).
//
// A folder holds segments, NUMBER-MOMENT-RUN.jsonl.gz: the number ascends, so that
// names sort in the order of writing whatever the clock did, and the moment (UTC) is
// that of the first line. A segment is a row of gzip members, and any gunzip reads
// it. Each member is whole in itself and tells in its header how long it is, when
// its lines were and whether it is a snapshot: a reader finds its way without
// unpacking, and a damaged or torn member costs only its own lines.
//
// Nothing is written twice or in place. What was added is in the file within
// [Config].Flush (quiet lines: [Config].FlushQuiet) and survives the death of the
// process from then on. It is made to survive a power cut (fsync) with every
// snapshot, at the end of every segment, and else at most every [Config].Sync.
package segment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	// MaxLine is the longest line that is taken, in bytes.
	MaxLine = 17 << 20
	// batch is how many bytes of lines make a member, if they have the time to gather.
	batch = 64 << 10
	// maxInMember bounds the lines of a member, whose times stand in its header.
	maxInMember = 4096
	// retry is how soon a disk that failed is tried again, sayEvery how often it is said.
	retry    = 5 * time.Second
	sayEvery = time.Minute
	// keptBuffer is the largest buffer that is kept for reuse.
	keptBuffer = 1 << 20
)

// Config is what a writer needs. Zero values of sizes and times give the defaults.
type Config struct {
	// Dir is the folder of the segments. It is made when it is not there.
	Dir string
	// Run stands in the names of the segments: letters, digits, dots.
	Run string
	// SegmentSize is how large a segment grows before the next begins, in bytes as
	// they are on the disk (8 MB).
	SegmentSize int64
	// Queue bounds the bytes that wait in memory for the disk (32 MB).
	Queue int
	// Flush is how long a line waits at most before it is written (2 s); FlushQuiet
	// is that of quiet lines (10 min).
	Flush, FlushQuiet time.Duration
	// Sync is how often the disk is asked at most to keep what was written over a
	// power cut, snapshots and ends of segments apart (10 s).
	Sync time.Duration
	// Lost gives the line that stands where n lines were left out because the disk
	// was too slow or failed. Nil: nothing stands there.
	Lost func(at time.Time, n int64) []byte
	// Log is told of a disk that fails, once a minute, and when it is well again.
	Log *slog.Logger

	create func(name string) (file, error) // for tests; nil = a real file
}

// file is a segment that is being written.
type file interface {
	io.WriteCloser
	Sync() error
}

// Line is one line to be kept.
type Line struct {
	At time.Time
	// Text is the line, with or without its end. It may be reused afterwards.
	Text []byte
	// Snapshot marks a line that a reader may begin with. It is written at once.
	Snapshot bool
	// Quiet marks a line that may wait long before it is written.
	Quiet bool
}

// Stats are counts since the writer was opened.
type Stats struct {
	Lines    int64  // taken
	Lost     int64  // left out: the queue was full, the line too long, or the writer closed on a failing disk
	Waiting  int    // bytes in memory that are not written yet
	Segments int64  // begun
	Written  int64  // bytes on the disk, compressed
	Writes   int64  // calls that wrote them
	Syncs    int64  // fsync of a segment
	Err      string // what is wrong with the disk now; empty when nothing is
}

// Writer adds lines to the newest segment. Its methods may be called by anyone at
// any time, and none but Close waits for the disk of what was added.
type Writer struct {
	cfg  Config
	wake chan struct{}
	done chan struct{} // closed when the disk's goroutine has ended

	mu      sync.Mutex // guards what follows
	queue   lines
	spare   lines
	taken   int       // bytes the disk's goroutine holds
	missing int64     // left out since the last line that was taken
	cut     bool      // the next line begins a new segment
	due     time.Time // when what waits must be written; zero = nothing waits
	open    string    // the name of the segment being written; empty = none
	closed  bool
	stats   Stats
}

// lines are texts one after the other, and what is known of each.
type lines struct {
	text []byte
	recs []record
}

type record struct {
	at       int64 // wall clock, nanoseconds
	n        int   // bytes of text
	snapshot bool
	cut      bool // it begins a new segment
}

// Open makes a writer. A folder that cannot be written now is tried again and again:
// only a configuration that can never work is an error.
func Open(cfg Config) (*Writer, error) {
	if cfg.Dir == "" {
		return nil, errors.New("segment: no folder")
	}
	if !isRun(cfg.Run) {
		return nil, fmt.Errorf("segment: the run %q has more than letters, digits and dots", cfg.Run)
	}
	if cfg.SegmentSize <= 0 {
		cfg.SegmentSize = 8 << 20
	}
	if cfg.Queue <= 0 {
		cfg.Queue = 32 << 20
	}
	if cfg.Flush <= 0 {
		cfg.Flush = 2 * time.Second
	}
	if cfg.FlushQuiet <= 0 {
		cfg.FlushQuiet = 10 * time.Minute
	}
	if cfg.Sync <= 0 {
		cfg.Sync = 10 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.create == nil {
		cfg.create = func(name string) (file, error) {
			return os.OpenFile(filepath.Join(cfg.Dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o640)
		}
	}
	w := &Writer{cfg: cfg, wake: make(chan struct{}, 1), done: make(chan struct{}), cut: true}
	d := &disk{w: w}
	go d.run()
	return w, nil
}

// Add takes a line. It never blocks: when too much waits for the disk the line is
// left out and counted, and a line that says how many are missing stands in its place.
func (w *Writer) Add(l Line) {
	text := bytes.TrimSuffix(l.Text, []byte{'\n'})
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed, len(text) == 0, len(text) > MaxLine, bytes.IndexByte(text, '\n') >= 0, w.waiting()+len(text) > w.cfg.Queue:
		w.missing++
		w.stats.Lost++
		return
	}
	if w.missing > 0 && w.cfg.Lost != nil {
		w.put(l.At, bytes.TrimSuffix(w.cfg.Lost(l.At, w.missing), []byte{'\n'}), false)
	}
	w.missing = 0
	w.put(l.At, text, l.Snapshot)
	w.stats.Lines++
	due := now.Add(w.cfg.Flush)
	switch {
	case l.Snapshot, len(w.queue.text) >= batch:
		due = now
	case l.Quiet:
		due = now.Add(w.cfg.FlushQuiet)
	}
	if w.due.IsZero() || due.Before(w.due) {
		w.due = due
		w.nudge()
	}
}

// put puts a line into the queue. The lock is held.
func (w *Writer) put(at time.Time, text []byte, snapshot bool) {
	w.queue.text = append(w.queue.text, text...)
	w.queue.recs = append(w.queue.recs, record{at: nanos(at), n: len(text), snapshot: snapshot, cut: w.cut})
	w.cut = false
}

// waiting is how many bytes are in memory. The lock is held.
func (w *Writer) waiting() int { return len(w.queue.text) + w.taken }

// nudge lets the disk's goroutine look at what is due.
func (w *Writer) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Cut lets the next line that is added begin a new segment.
func (w *Writer) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
}

// Stats counts what was done since Open.
func (w *Writer) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats
	s.Waiting = w.waiting()
	return s
}

// Close writes what waits and ends the segment. When ctx is over before the disk
// has taken it, it says so; what is not written then is lost.
func (w *Writer) Close(ctx context.Context) error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.nudge()
	select {
	case <-w.done:
	case <-ctx.Done():
		return fmt.Errorf("the recording is not whole: its disk does not take it: %w", ctx.Err())
	}
	if s := w.Stats(); s.Err != "" {
		return fmt.Errorf("the recording is not whole: %s", s.Err)
	}
	return nil
}

// nanos is a wall clock as it is kept. What no clock shows is cut off.
func nanos(t time.Time) int64 {
	switch y := t.Year(); {
	case y < 1700:
		return time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	case y > 2200:
		return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	}
	return t.UnixNano()
}

func isRun(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '.' && i > 0:
		default:
			return false
		}
	}
	return s != "" && len(s) <= 64
}
