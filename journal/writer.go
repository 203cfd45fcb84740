package journal

import (
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// writer is the one goroutine that writes. It alone has the database.
type writer struct {
	j      *Journal
	opened chan struct{} // closed when the first try to open is over
	store  *store        // nil while it cannot be used
	gone   bool          // the database was removed or replaced while it was open
	aside  time.Time     // when a damaged database was set aside last
	retry  time.Time     // while the disk fails: when to try again
	wait   time.Duration // and how long to wait after that
}

// run writes until the journal is closed and the queue is empty, or the disk
// does not take it.
func (w *writer) run() {
	j := w.j
	defer close(j.done)
	w.open()
	close(w.opened)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		j.mu.Lock()
		n, urgent, closed := len(j.queue), j.urgent, j.closed
		var due time.Time
		if n > 0 {
			due = j.queue[0].added.Add(j.cfg.Commit)
		}
		if n >= maxBatch {
			due = time.Time{}
		}
		j.mu.Unlock()
		failing := !w.retry.IsZero()
		if failing {
			due = w.retry
			if urgent {
				w.refuse()
			}
		}
		now := time.Now()
		switch {
		case closed && n == 0 && !failing:
			w.close()
			return
		case closed:
			if !w.write() {
				w.close()
				return
			}
			continue
		case (n > 0 || failing) && (urgent && !failing || !now.Before(due)):
			w.write()
			continue
		}
		var alarm <-chan time.Time
		if n > 0 || failing {
			timer.Reset(due.Sub(now))
			alarm = timer.C
		}
		select {
		case <-j.wake:
		case <-alarm:
		case b := <-j.jobs:
			b.done <- w.job(b.do)
		}
	}
}

// open opens the database, as far as that can be done now.
func (w *writer) open() bool {
	j := w.j
	// Nobody reads a database that is renamed.
	j.readMu.Lock()
	defer j.readMu.Unlock()
	j.closeReader()
	mayAside := w.aside.IsZero() || time.Since(w.aside) >= asideEvery
	s, bad, err := openStore(j.cfg.Dir, j.cfg.Now(), mayAside)
	if bad != nil && bad.file != "" {
		w.aside = time.Now()
		j.log.Error("the journal is damaged: it is set aside and a new one begun", "file", bad.file, "error", bad.err, "steps saved", bad.saved)
	}
	if err != nil {
		w.fails(err)
		return false
	}
	w.store = s
	j.mu.Lock()
	defer j.mu.Unlock()
	j.head, j.parcels, j.size = s.head.head(), s.parcels, s.size()
	if w.retry.IsZero() {
		j.problem = nil // it only was slow
	}
	set := bad != nil && bad.file != ""
	if j.nextID == 0 && set {
		j.nextID = j.cfg.freshID()
	}
	j.nextID = max(j.nextID, s.head.id+1)
	if set {
		j.note(bad.body())
	}
	if w.gone {
		w.gone = false
		j.note([]byte(`{"error":"the journal was removed or replaced while the program ran: entries and waiting steps from before may be missing"}`))
	}
	return true
}

// note adds an entry about the journal itself. The lock is held.
func (j *Journal) note(body []byte) {
	e := &Entry{ID: j.nextID, At: j.cfg.Now(), Kind: KindError, Body: body}
	e.tidy()
	j.nextID++
	j.push(&op{entry: e, added: time.Now(), bytes: e.weight()})
}

// fails notes that the disk does not take anything, and when to try again.
func (w *writer) fails(err error) {
	w.closeStore()
	w.gone = w.gone || errors.Is(err, errGone)
	err = plain(w.j.cfg.Dir, err)
	w.wait = min(max(2*w.wait, retryFirst), retryMost)
	w.retry = time.Now().Add(w.wait)
	w.j.failed(err)
	w.refuse()
}

// refuse tells all who wait that nothing is written at present. Parcels are left to
// those who put them: one whose commit failed may be on the disk all the same, and is
// taken out of it. Entries wait on.
func (w *writer) refuse() {
	j := w.j
	j.mu.Lock()
	err := j.problem
	tell := j.takeDone(func(*op) bool { return true })
	j.queue = slices.DeleteFunc(j.queue, func(o *op) bool {
		if o.put != nil && o.tried {
			o.remove, o.put = o.put.ID, nil
		}
		gone := o.put != nil || o.probe
		if gone {
			j.weigh(o, -1)
		}
		return gone
	})
	j.urgent = false
	for _, o := range j.queue {
		if o.lost != nil {
			o.ready = false // it may count more
		}
	}
	j.mu.Unlock()
	for _, done := range tell {
		done(err)
	}
}

// takeDone takes the functions of those who wait out of the queue. The lock is held.
func (j *Journal) takeDone(which func(*op) bool) []func(error) {
	var tell []func(error)
	for _, o := range j.queue {
		if o.done != nil && which(o) {
			tell = append(tell, o.done)
			o.done = nil
		}
	}
	return tell
}

// write writes what stands first in the queue, as one transaction. It says whether
// that worked.
func (w *writer) write() bool {
	j := w.j
	stop := w.watch() // before the disk is touched
	defer stop()
	if w.store == nil && !w.open() {
		return false
	}
	j.mu.Lock()
	batch := j.batch()
	for _, o := range batch {
		o.tried = true
	}
	j.mu.Unlock()
	for _, o := range batch {
		w.prepare(o)
	}
	res, err := w.store.write(batch, !w.retry.IsZero())
	if err != nil {
		w.fails(err)
		return false
	}
	size := w.store.size()
	j.mu.Lock()
	var tell []func(error)
	for i, o := range batch {
		j.weigh(o, -1)
		if o.done != nil {
			done := o.done
			if e := res.refused[i]; e != nil {
				tell = append(tell, func(error) { done(e) })
			} else {
				tell = append(tell, done)
			}
		}
	}
	rest := copy(j.queue, j.queue[len(batch):])
	clear(j.queue[rest:])
	j.queue = j.queue[:rest]
	if rest == 0 && cap(j.queue) > 1024 {
		j.queue = nil
	}
	j.urgent = slices.ContainsFunc(j.queue, func(o *op) bool { return o.urgent })
	j.written += res.written
	j.head, j.parcels, j.size = w.store.head.head(), w.store.parcels, size
	if res.lost > 0 {
		j.drop(res.lost, res.lostAt)
		j.nextID = max(j.nextID, j.head.ID+1)
	}
	again := j.problem != nil
	j.problem = nil
	j.mu.Unlock()
	w.retry, w.wait = time.Time{}, 0
	if again {
		j.log.Info("the journal is written again")
	}
	for _, done := range tell {
		done(nil)
	}
	return true
}

// watch looks whether the write under way takes too long, and tells those who wait.
// It never waits for the disk itself.
func (w *writer) watch() (stop func()) {
	j := w.j
	j.mu.Lock()
	defer j.mu.Unlock()
	over := false // under the lock, as the timer
	var timer *time.Timer
	timer = time.AfterFunc(slowDisk, func() {
		late := time.Now().Add(-slowDisk)
		j.mu.Lock()
		if over {
			j.mu.Unlock()
			return
		}
		// Parcels are not given up: those who put them have patience of their own.
		tell := j.takeDone(func(o *op) bool { return (o.entry != nil || o.probe) && !o.added.After(late) })
		timer.Reset(time.Second)
		j.mu.Unlock()
		j.failed(ErrSlow)
		for _, done := range tell {
			done(ErrSlow)
		}
	})
	return func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		over = true
		timer.Stop()
	}
}

// batch is what the next transaction takes. The lock is held; the queue stays.
func (j *Journal) batch() []*op {
	var bytes int64
	n := 0
	for n < len(j.queue) && n < maxBatch && (n == 0 || bytes < maxBatchBytes) {
		bytes += j.queue[n].bytes
		n++
	}
	return slices.Clone(j.queue[:n])
}

// prepare makes an entry ready to be written: its pictures on the disk, its body one
// JSON object.
func (w *writer) prepare(o *op) {
	if o.entry == nil || o.ready {
		return
	}
	j := w.j
	if o.lost != nil {
		j.mu.Lock()
		o.ready = true // nothing is added to it any more
		o.entry.Body = o.lost.body()
		j.mu.Unlock()
		return
	}
	e := o.entry
	if len(e.Body) == 0 || e.Body[0] != '{' || !json.Valid(e.Body) {
		e.Body = []byte(`{"error":"what this entry had to say was no JSON object"}`)
	}
	var kept int64
	for i := range e.Images {
		keepImage(j.cfg.Dir, j.cfg.Images, e, &e.Images[i])
		kept += e.Images[i].Size
	}
	j.mu.Lock()
	j.pictures += kept
	o.ready = true
	j.images -= o.images
	o.images = 0
	j.mu.Unlock()
}

// job does something with the database between writes.
func (w *writer) job(do func(*store) error) error {
	if w.store == nil {
		w.j.mu.Lock()
		defer w.j.mu.Unlock()
		return w.j.problem
	}
	stop := w.watch()
	defer stop()
	err := do(w.store)
	if err != nil {
		w.fails(err)
		return err
	}
	size := w.store.size()
	w.j.mu.Lock()
	defer w.j.mu.Unlock()
	w.j.size = size
	w.j.problem = nil // it only was slow
	return nil
}

// close closes the database at the end.
func (w *writer) close() {
	w.refuse()
	w.j.dropReader()
	w.closeStore()
}

func (w *writer) closeStore() {
	if w.store != nil {
		_ = w.store.close() // what was committed is on the disk
		w.store = nil
	}
}
