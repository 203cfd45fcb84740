package actions

import (
	"errors"
	"slices"
	"time"

	"github.com/sallyport/sallyport/engine"
)

// keptLane is one destination of the outbox. Its first step is tried until it
// arrives or is given up; the others wait. Covered by Runner.mu.
type keptLane struct {
	name    string
	count   int     // items that are planned, wait or are tried
	queue   []*item // in order; the first may be under way
	running *item
	soonest time.Duration // no deadline in queue lies before; 0 = there is none
	timer   *time.Timer

	// What has ended is removed from the store one after the other, so that what
	// is left there after a crash is always the end of what was done.
	gone     []removal
	removing bool
	stuck    bool // the last removal failed; it is tried again
}

// removal is an item to be taken out of the store. done may be nil.
type removal struct {
	it   *item
	done chan<- error
}

// drop notes an item for removal from the store.
func (l *keptLane) drop(it *item, done chan<- error) {
	for _, e := range it.instead {
		l.drop(e, nil)
	}
	it.instead = nil
	l.gone = append(l.gone, removal{it, done})
}

// enqueue puts an item at the end of its lane. The caller holds r.mu.
func (r *Runner) enqueue(it *item, later *calls) {
	l := it.lane
	r.lineUp(l, it, later)
	r.pump(l, later)
}

// lineUp puts an item at the end of a lane, in the place of those it makes
// needless. The caller holds r.mu.
func (r *Runner) lineUp(l *keptLane, it *item, later *calls) {
	for it.subject != "" {
		i := len(l.queue) - 1
		for i >= 0 && l.queue[i].subject != it.subject {
			i--
		}
		if i < 0 || l.queue[i] == l.running || !it.h.Replaces(it.req, l.queue[i].req) {
			break
		}
		e := l.queue[i]
		l.queue = slices.Delete(l.queue, i, i+1)
		r.forget(e)
		// What it wanted is taken care of, so to the engine it counts as begun: a
		// firing whose edit was overtaken must not be given back and edit again.
		e.detail = "superseded by " + it.p.ID
		r.tell(e, outcome(e.req, true, ""), nil, later)
		if it.saved || r.store == nil {
			l.drop(e, nil)
		} else {
			it.instead = append([]*item{e}, it.instead...)
		}
	}
	l.queue = append(l.queue, it)
	if e := it.req.Expires; e != 0 && (l.soonest == 0 || e < l.soonest) {
		l.soonest = e
	}
	r.pumpGone(l, later)
}

// putBefore puts items of earlier runs before what waits. The caller holds r.mu.
func (r *Runner) putBefore(l *keptLane, items []*item, later *calls) {
	rest := l.queue
	l.queue = nil
	if l.running != nil {
		l.queue, rest = rest[:1:1], rest[1:]
	}
	for _, it := range append(items, rest...) {
		r.lineUp(l, it, later)
	}
	r.pump(l, later)
}

// pump starts the first step of a lane when it may, and drops those whose time has
// passed. The caller holds r.mu.
func (r *Runner) pump(l *keptLane, later *calls) {
	if r.root.Err() != nil {
		return
	}
	now := r.now()
	if l.soonest != 0 && now > l.soonest {
		r.dropLate(l, later)
	}
	if len(l.queue) == 0 {
		r.closeLane(l)
		return
	}
	head := l.queue[0]
	if l.running == nil && head.ready && now >= r.tryFrom(head) && !(r.closed && head.failed) {
		l.running = head
		go r.tryKept(head)
	}
	r.armKept(l)
}

// tryFrom is the moment from which an item may be tried. The caller holds r.mu.
func (r *Runner) tryFrom(it *item) time.Duration {
	if r.store != nil && !r.box.taken {
		return max(it.next, r.box.hold)
	}
	return it.next
}

// dropLate reports what may not be tried any more.
func (r *Runner) dropLate(l *keptLane, later *calls) {
	l.soonest = 0
	for _, it := range slices.Clone(l.queue) {
		e := it.req.Expires
		switch {
		case e == 0 || it == l.running:
		case r.expired(it.task):
			if it.detail == "" {
				it.detail = it.p.Reason // what the last try came to
			}
			r.settle(it, outcome(it.req, it.begun, ReasonExpired), nil, later)
		case l.soonest == 0 || e < l.soonest:
			l.soonest = e
		}
	}
}

// armKept sets the timer for what happens to a lane without anybody's doing. The
// caller holds r.mu.
func (r *Runner) armKept(l *keptLane) {
	at := time.Duration(-1)
	if head := l.queue[0]; l.running == nil && head.ready && !r.closed {
		at = r.tryFrom(head)
	}
	if l.soonest != 0 && (at < 0 || l.soonest < at) {
		at = l.soonest + time.Millisecond
	}
	switch {
	case at < 0:
		if l.timer != nil {
			l.timer.Stop()
		}
	case l.timer == nil:
		l.timer = time.AfterFunc(at-r.now(), func() { r.locked(func(later *calls) { r.pump(l, later) }) })
	default:
		l.timer.Reset(at - r.now())
	}
}

// closeLane forgets a lane with which nothing is left to do. The caller holds r.mu.
func (r *Runner) closeLane(l *keptLane) {
	if l.timer != nil {
		l.timer.Stop()
	}
	if l.count == 0 && len(l.gone) == 0 && r.box.lanes[l.name] == l {
		delete(r.box.lanes, l.name)
	}
}

// tryKept makes one try of the first step of a lane.
func (r *Runner) tryKept(it *item) {
	err := r.once(it.task)
	r.locked(func(later *calls) {
		l := it.lane
		l.running = nil
		it.failed = true
		it.p.Tries++
		switch {
		case err != nil && r.root.Err() != nil:
			return // the program ends; it is tried again by the next run
		case err == nil, errors.Is(err, ErrPermanent), it.given, !r.again(it, err):
			r.settle(it, outcome(it.req, it.begun, reasonOf(err)), err, later)
		default:
			it.p.Reason = reasonOf(err)
			it.p.Next = r.wall().Round(0).Add(it.next - r.now())
			// A destination that is away for a week must not wear the disk out.
			if n := it.p.Tries; it.saved && n&(n-1) == 0 {
				p := it.p
				later.add(func() { r.store.Update(p) })
			}
		}
		r.pump(l, later)
	})
}

// again plans the next try of a step that failed, or says that there is none.
func (r *Runner) again(it *item, err error) bool {
	now := r.now()
	longest := lastBackoff
	switch {
	case !errors.Is(err, ErrAway):
		it.isAway = false
		if it.left--; it.left < 0 {
			return false
		}
	case !it.isAway:
		it.isAway, it.away = true, now
	case now-it.away >= awayLong:
		longest = longBackoff
	}
	it.next = now + it.backoff
	it.backoff = min(2*it.backoff, longest)
	if it.halfDone() && it.begun {
		it.req.Expires = 0
	}
	return it.req.Expires == 0 || it.next <= it.req.Expires
}

// settle ends an item: it is reported, and removed from the store. The caller
// holds r.mu.
func (r *Runner) settle(it *item, out engine.Outcome, err error, later *calls) {
	r.tell(it, out, err, later)
	r.remove(it, nil, later)
}

// tell reports an item, once. The caller holds r.mu.
func (r *Runner) tell(it *item, out engine.Outcome, err error, later *calls) {
	if it.told {
		return
	}
	it.told = true
	if it.lost != nil {
		if it.detail != "" {
			it.detail += "\n"
		}
		it.detail += "it was kept in memory only: " + it.lost.Error()
	}
	t := it.task
	later.add(func() { r.finish(t, out, err) })
}

// remove takes an item off its lane and out of the store. The caller holds r.mu.
func (r *Runner) remove(it *item, done chan<- error, later *calls) {
	l := it.lane
	if i := slices.Index(l.queue, it); i >= 0 {
		l.queue = slices.Delete(l.queue, i, i+1)
	}
	r.forget(it)
	l.drop(it, done)
	r.pumpGone(l, later)
	if len(l.queue) == 0 {
		r.closeLane(l)
	}
}

// forget takes an item off the list of all. The caller holds r.mu.
func (r *Runner) forget(it *item) {
	if r.box.items[it.p.ID] == it {
		delete(r.box.items, it.p.ID)
		r.box.size -= int64(len(it.p.Body))
		it.lane.count--
	}
}

// pumpGone asks the store to remove the next one that has ended. The caller holds
// r.mu.
func (r *Runner) pumpGone(l *keptLane, later *calls) {
	for len(l.gone) > 0 && !l.removing && !l.stuck {
		g := l.gone[0]
		if g.it.writing {
			return // a removal must not overtake the writing
		}
		if !g.it.saved {
			l.removed(nil)
			continue
		}
		l.removing = true
		later.add(func() {
			answered := false // covered by r.mu
			r.store.Remove(g.it.p.ID, func(err error) {
				r.locked(func(later *calls) {
					if answered {
						return
					}
					answered = true
					l.removing = false
					if err != nil {
						l.stuck = true
						if g.done != nil {
							g.done <- err
							l.gone[0].done = nil
						}
						r.diskFails(err, later)
						return
					}
					r.diskWorks(later)
					l.removed(nil)
					r.pumpGone(l, later)
					if len(l.queue) == 0 {
						r.closeLane(l)
					}
				})
			})
		})
	}
}

// removed takes the first removal off the list.
func (l *keptLane) removed(err error) {
	if d := l.gone[0].done; d != nil {
		d <- err
	}
	l.gone[0] = removal{}
	l.gone = l.gone[1:]
}

// keptBusy says whether Close has something to wait for: a step under way or that
// can start, or the disk. The caller holds r.mu.
func (r *Runner) keptBusy() bool {
	ended := r.root.Err() != nil
	if r.box.pending > 0 || r.box.writes > 0 && !ended {
		return true
	}
	for _, l := range r.box.lanes {
		if l.running != nil || l.removing && !ended {
			return true
		}
		if !ended && len(l.queue) > 0 && !l.queue[0].failed && r.tryFrom(l.queue[0]) <= r.now() {
			return true
		}
	}
	return false
}

// closeKept ends the outbox: what is on disk goes on in the next run, what is not
// is reported. The caller holds r.mu.
func (r *Runner) closeKept(later *calls) {
	for _, t := range []*time.Timer{r.box.due, r.box.again} {
		if t != nil {
			t.Stop()
		}
	}
	for _, l := range r.box.lanes {
		if l.timer != nil {
			l.timer.Stop()
		}
	}
	for _, it := range r.sorted() {
		if !it.saved && !it.planned {
			r.tell(it, outcome(it.req, it.begun, ReasonStopped), nil, later)
		}
	}
}
