package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// disk is the goroutine that writes. It alone waits for the disk.
type disk struct {
	w    *Writer
	pack packer

	left   lines // taken, not written yet
	f      file
	name   string
	size   int64 // of f
	whole  bool  // there is a whole member in f
	lines  int64 // in f
	again  time.Time
	said   time.Time
	failed bool

	unsynced bool
	synced   time.Time
}

func (d *disk) run() {
	defer close(d.w.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		at, closing := d.next()
		if closing {
			d.end()
			return
		}
		now := time.Now()
		if at.IsZero() || at.After(now) {
			timer.Stop()
			if !at.IsZero() {
				timer.Reset(at.Sub(now))
			}
			select {
			case <-d.w.wake:
			case <-timer.C:
			}
			continue
		}
		d.work(now)
	}
}

// next is when there is something to do; zero for never.
func (d *disk) next() (at time.Time, closing bool) {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	at = d.w.due
	if len(d.left.recs) > 0 {
		at = d.again
	}
	if d.again.After(at) && !at.IsZero() {
		at = d.again
	}
	if s := d.synced.Add(d.w.cfg.Sync); d.unsynced && (at.IsZero() || s.Before(at)) {
		at = s
	}
	return at, d.w.closed
}

// work writes what is due at now.
func (d *disk) work(now time.Time) {
	err := d.write(now)
	if err == nil && d.unsynced && !now.Before(d.synced.Add(d.w.cfg.Sync)) {
		err = d.sync()
	}
	d.tell(err)
}

// write takes what waits, if it is due, and writes it.
func (d *disk) write(now time.Time) error {
	if len(d.left.recs) == 0 {
		d.w.mu.Lock()
		if d.w.due.IsZero() || d.w.due.After(now) {
			d.w.mu.Unlock()
			return nil
		}
		d.left, d.w.queue, d.w.spare = d.w.queue, d.w.spare, lines{}
		d.w.taken, d.w.due = len(d.left.text), time.Time{}
		d.w.mu.Unlock()
	}
	whole := d.left
	var err error
	for len(d.left.recs) > 0 && err == nil {
		err = d.some()
	}
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	d.w.taken = len(d.left.text)
	if len(d.left.recs) == 0 {
		d.left = lines{}
		if cap(whole.text) <= keptBuffer {
			d.w.spare = lines{whole.text[:0], whole.recs[:0]}
		}
	}
	return err
}

// some writes lines up to the next end of a segment. Only members that are whole in
// the file are done with: what is tried again stands in the recording once.
func (d *disk) some() error {
	recs, text := d.left.recs, d.left.text
	if d.f != nil && (recs[0].cut || d.size >= d.w.cfg.SegmentSize) {
		if err := d.finish(); err != nil {
			return err
		}
	}
	if _, ok := d.f.(*os.File); ok {
		if _, err := os.Lstat(filepath.Join(d.w.cfg.Dir, d.name)); errors.Is(err, fs.ErrNotExist) {
			return d.gone(err)
		}
	}
	if d.f == nil {
		if err := d.begin(recs[0].at); err != nil {
			return err
		}
	}
	var out []byte
	var done []lines // what is left after each member
	var ends []int
	urgent := false
	for first := true; len(recs) > 0 && (first || !recs[0].cut) && len(out) < 4*batch && d.size+int64(len(out)) < d.w.cfg.SegmentSize; first = false {
		n, size := 1, recs[0].n
		for !recs[0].snapshot && n < len(recs) && n < maxInMember && !recs[n].snapshot && !recs[n].cut && size+recs[n].n <= batch {
			size += recs[n].n
			n++
		}
		urgent = urgent || recs[0].snapshot
		out = d.pack.pack(out, text, recs[:n])
		recs, text = recs[n:], text[size:]
		done = append(done, lines{text, recs})
		ends = append(ends, len(out))
	}
	n, err := d.f.Write(out)
	d.size += int64(n)
	for i, end := range ends {
		if n >= end {
			d.lines += int64(len(d.left.recs) - len(done[i].recs))
			d.left = done[i]
			d.unsynced, d.whole = true, true
		}
	}
	d.w.mu.Lock()
	d.w.stats.Written += int64(n)
	d.w.stats.Writes++
	if n > 0 && d.size == int64(n) {
		d.w.stats.Segments++
	}
	d.w.mu.Unlock()
	if err == nil && urgent {
		err = d.sync()
	}
	return err
}

// gone counts the lines of a segment that was removed while it was written, with its
// folder perhaps: what would be added to it nobody could read.
func (d *disk) gone(err error) error {
	d.w.mu.Lock()
	d.w.stats.Lost += d.lines
	d.w.mu.Unlock()
	d.lines = 0
	return fmt.Errorf("a piece was removed while it was written: %w", err)
}

// begin makes a new segment, whose number is above all others.
func (d *disk) begin(first int64) error {
	if err := os.MkdirAll(d.w.cfg.Dir, 0o750); err != nil {
		return err
	}
	all, err := list(d.w.cfg.Dir)
	if err != nil {
		return err
	}
	n := name{number: 1, first: moment(first), run: d.w.cfg.Run}
	if len(all) > 0 {
		n.number = all[len(all)-1].number + 1
	}
	d.name = n.String()
	f, err := d.w.cfg.create(d.name)
	if err != nil {
		return err
	}
	d.f, d.size, d.whole, d.lines = f, 0, false, 0
	d.w.mu.Lock()
	d.w.open = d.name
	d.w.mu.Unlock()
	return syncFolder(d.w.cfg.Dir)
}

// finish ends the segment.
func (d *disk) finish() error {
	var err error
	if d.unsynced {
		err = d.sync()
	}
	err = errors.Join(err, d.f.Close())
	d.f = nil
	d.closedFile()
	return err
}

func (d *disk) closedFile() {
	d.w.mu.Lock()
	d.w.open = ""
	d.w.mu.Unlock()
}

func (d *disk) sync() error {
	d.unsynced, d.synced = false, time.Now()
	d.w.mu.Lock()
	d.w.stats.Syncs++
	d.w.mu.Unlock()
	return d.f.Sync()
}

// tell notes how the disk is. After a failure the segment is given up: what its end
// holds is not known, and a new one begins.
func (d *disk) tell(err error) {
	now := time.Now()
	d.w.mu.Lock()
	d.w.stats.Err = ""
	if err != nil {
		d.w.stats.Err = err.Error()
	}
	lost, waiting := d.w.stats.Lost, d.w.waiting()
	d.w.mu.Unlock()
	if err == nil {
		if d.failed && len(d.left.recs) == 0 {
			d.failed = false
			d.w.cfg.Log.Info("the recording goes on", "lines left out", lost)
		}
		return
	}
	if d.f != nil {
		_ = d.f.Close()
		d.f = nil
		if !d.whole { // a disk that stays full must not fill up with such
			_ = os.Remove(filepath.Join(d.w.cfg.Dir, d.name))
		}
		d.closedFile()
	}
	d.unsynced = false
	d.failed, d.again = true, now.Add(retry)
	if d.said.IsZero() || now.Sub(d.said) >= sayEvery {
		d.said = now
		d.w.cfg.Log.Error("the recording cannot be written", "folder", d.w.cfg.Dir, "error", err, "bytes waiting", waiting, "lines left out", lost)
	}
}

// end writes what waits, once, and ends the segment.
func (d *disk) end() {
	var err error
	for range 2 { // what was taken before, and what came since
		d.w.mu.Lock()
		d.w.due = time.Time{}
		if len(d.w.queue.recs) > 0 {
			d.w.due = time.Now()
		}
		d.w.mu.Unlock()
		if err == nil {
			err = d.write(time.Now())
		}
	}
	if err == nil && d.f != nil {
		err = d.finish()
	}
	d.tell(err)
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	d.w.stats.Lost += int64(len(d.left.recs) + len(d.w.queue.recs))
}

// syncFolder makes a new name last over a loss of power.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
