package contact

import (
	"fmt"
	"sync"
	"time"

	"github.com/sallyport/sallyport/gpio"
)

// watcher is the one goroutine that watches a contact. What is not covered by
// mu belongs to that goroutine.
type watcher struct {
	Contact
	o    Options
	open func(gpio.InputConfig) (input, error)

	in   input // nil while the line is lost
	pace pace
	held *gpio.Edge // the last level, when it has to wait: not the one handed on last

	lost    error     // why the line is lost
	said    bool      // that it is lost was said
	saidAt  time.Time // when that was last said of any loss
	countAt time.Time // when changes left out were last spoken of
	counted uint64    // how many there had been by then

	mu     sync.Mutex // covers what follows
	state  State
	before uint64 // changes missed by lines that are closed
	line   input  // in, for States
}

// begin opens the line and reads it.
func (w *watcher) begin() (gpio.Edge, error) {
	in := input(w.Memory)
	if w.Memory == nil {
		var err error
		if in, err = w.open(w.Line); err != nil {
			return gpio.Edge{}, err
		}
	}
	edges, err := in.Take()
	if err != nil {
		if w.Memory == nil {
			in.Close()
		}
		return gpio.Edge{}, err
	}
	w.use(in)
	return edges[len(edges)-1], nil
}

// use goes on with this line; nil for none.
func (w *watcher) use(in input) {
	w.in = in
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.line != nil && w.Memory == nil {
		w.before += w.line.Missed()
	}
	w.line = in
}

// release lets go of the line.
func (w *watcher) release() {
	if w.in == nil {
		return
	}
	in := w.in
	w.use(nil)
	if w.Memory == nil {
		in.Close()
	}
}

func (w *watcher) run(stop <-chan struct{}) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	slow := time.NewTimer(slot)
	slow.Stop()
	for {
		var changed <-chan struct{}
		if w.in != nil {
			changed = w.in.Changed()
		}
		select {
		case <-stop:
			return
		case <-changed:
			w.read(stop)
		case <-slow.C:
			w.flush()
		case <-tick.C:
			if w.in == nil {
				w.again()
			} else {
				w.read(stop)
			}
			w.count()
		}
		if w.held != nil {
			slow.Reset(w.pace.wait(time.Now()))
		} else {
			slow.Stop()
		}
	}
}

// read hands on what happened to the line.
func (w *watcher) read(stop <-chan struct{}) {
	edges, err := w.in.Take()
	for _, e := range edges {
		select {
		case <-stop:
			return
		default:
			w.offer(e)
		}
	}
	if err != nil {
		w.lose(err)
	}
}

// offer hands on an edge, or holds it while the contact chatters.
func (w *watcher) offer(e gpio.Edge) {
	if w.held == nil && w.pace.take(time.Now()) {
		w.hand(Change{Name: w.Name, On: e.On, Known: true, At: e.At})
		return
	}
	if w.held != nil {
		w.held = nil
		w.drop(2) // there and back again
		return
	}
	w.held = &e
}

// flush hands on the level that waits, when its time has come.
func (w *watcher) flush() {
	if w.held == nil || !w.pace.take(time.Now()) {
		return
	}
	e := *w.held
	w.held = nil
	w.hand(Change{Name: w.Name, On: e.On, Known: true, At: e.At})
}

// lose makes the contact unknown.
func (w *watcher) lose(err error) {
	if w.held != nil {
		w.held = nil
		w.drop(1)
	}
	w.release()
	w.hand(Change{Name: w.Name, At: time.Now()})
	w.lost, w.said = err, false
	w.complain()
}

// complain says once that the line is lost. A line that comes and goes is
// spoken of once a minute.
func (w *watcher) complain() {
	if w.said || !w.saidAt.IsZero() && time.Since(w.saidAt) < tellEvery {
		return
	}
	w.said, w.saidAt = true, time.Now()
	w.o.Problem(w.Name, fmt.Sprintf("cannot be read any more and is unknown; it is tried again every second: %v", w.lost))
}

// again tries to have a lost line back.
func (w *watcher) again() {
	first, err := w.begin()
	if err != nil {
		w.complain()
		return
	}
	w.hand(Change{Name: w.Name, On: first.On, Known: true, At: first.At})
	if w.said {
		w.o.Problem(w.Name, "can be read again")
	}
}

// count says, at most once a minute, that changes were left out.
func (w *watcher) count() {
	state := w.now()
	out := state.Missed + state.Dropped
	if out == w.counted || !w.countAt.IsZero() && time.Since(w.countAt) < tellEvery {
		return
	}
	w.o.Problem(w.Name, fmt.Sprintf("chatters: %d changes were left out, for at most %d a second are handed on: look at the wiring, or make its debounce longer", out-w.counted, Rate))
	w.countAt, w.counted = time.Now(), out
}

// hand hands on a change.
func (w *watcher) hand(c Change) {
	w.mu.Lock()
	w.state.On, w.state.Known, w.state.Since = c.On, c.Known, c.At
	w.mu.Unlock()
	w.o.OnChange(c)
}

func (w *watcher) drop(n uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.Dropped += n
}

// now gives how the contact stands.
func (w *watcher) now() State {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.state
	s.Name, s.Missed = w.Name, w.before
	if w.line != nil {
		s.Missed += w.line.Missed()
	} else if w.Memory != nil {
		s.Missed += w.Memory.Missed()
	}
	return s
}

// pace is an allowance of Burst changes that fills up at Rate.
type pace struct {
	full time.Time // when the allowance will be full
}

// take uses one change of the allowance, if there is one.
func (p *pace) take(now time.Time) bool {
	if p.wait(now) > 0 {
		return false
	}
	if p.full.Before(now) {
		p.full = now
	}
	p.full = p.full.Add(slot)
	return true
}

// wait is the time until there is one.
func (p *pace) wait(now time.Time) time.Duration {
	return max(0, p.full.Add(-(Burst-1)*slot).Sub(now))
}
