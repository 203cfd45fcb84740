package actions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sallyport/sallyport/engine"
)

const (
	maxWaiting  = 10_000   // kept steps of one destination
	maxKept     = 50_000   // kept steps of all
	maxKeptSize = 64 << 20 // bytes of their bodies

	putPatience    = 10 * time.Second // for a disk that does not answer
	startPatience  = 30 * time.Second // for one that does not tell what earlier runs left
	writeAgain     = 10 * time.Second // after a disk that failed
	cancelPatience = 5 * time.Second
	keptRetries    = 10 // of a durable step that its destination does not take
	awayLong       = time.Hour
	longBackoff    = 5 * time.Minute // of a destination that is away for awayLong
)

// Parcel is one durable step on its way to one destination, as it is kept on
// disk. Times are of the wall clock; zero is none.
type Parcel struct {
	ID   string // unique, the same at every try and over restarts
	Lane string // its destination
	Verb string
	Fold string // what it is an edit of; a later one of the same may take its place
	Body []byte // what is needed to carry it out; absent in [Runner.Outbox]

	Rule, Key, Step string // where it comes from
	Firing          int64  // the engine's number, of the run it comes from

	Created time.Time
	Due     time.Time // not tried before; zero = at once
	Expires time.Time // not tried after
	Tries   int
	Next    time.Time // when it is tried again
	Reason  string    // what the last try came to
}

// Store keeps parcels over restarts. Its methods must not block: Put is called
// from the engine's loop. It does what it is asked in the order in which it is
// asked, and may call done from any goroutine, or at once.
type Store interface {
	// Put writes a parcel, and calls done once it is on disk (nil) or could not
	// be written. One with the same id takes the other's place.
	Put(p Parcel, done func(error))

	// Update notes Tries, Next and Reason of a parcel. It may be lost.
	Update(p Parcel)

	// Remove takes a parcel out, and calls done when that is on disk or could
	// not be written. One that is not there is no error.
	Remove(id string, done func(error))

	// Parcels are those that are kept, in the order of their first Put.
	Parcels(ctx context.Context) ([]Parcel, error)
}

// ErrNoParcel is what errors.Is finds when there is no parcel with an id.
var ErrNoParcel = errors.New("no such step is waiting")

// ErrUnderWay is what errors.Is finds when a step that is being tried is
// cancelled: this try goes on, and is the last one.
var ErrUnderWay = errors.New("it is being tried just now; it will not be tried again")

// planKey is a step of a firing of this run.
type planKey struct {
	firing  uint64
	index   int
	finally bool
}

// item is a parcel and its way. Covered by Runner.mu, but for the task while it
// is being tried.
type item struct {
	*task
	p       Parcel
	lane    *keptLane
	place   int64         // among all
	order   time.Duration // of its run's decision clock
	subject string        // what it edits; empty = nothing that could be folded
	due     time.Duration // when it is planned
	planned bool          // not due yet
	earlier bool          // of an earlier run

	writing bool // the store was asked to write it and has not answered
	ready   bool // the store answered, or nobody waits for it any more
	saved   bool // it is on disk
	lost    error

	failed  bool          // it was tried in vain in this run
	next    time.Duration // when it is tried again
	backoff time.Duration
	away    time.Duration // since when its destination is
	isAway  bool
	left    int     // tries beyond the next that fail without the destination being away
	given   bool    // cancelled while it was tried
	told    bool    // it was reported
	instead []*item // whose place it took; they go when it is on disk
}

// outbox is what a Runner keeps. Covered by Runner.mu.
type outbox struct {
	items     map[string]*item
	lanes     map[string]*keptLane
	plans     map[planKey][]*item // of this run
	cancelled map[string]planKey  // planned steps of this run that were cancelled
	size      int64               // bytes of all bodies
	last      int64               // place of the newest
	writes    int                 // that the store has not answered
	pending   int                 // calls that are being made without the lock
	taken     bool                // Start has read the store
	hold      time.Duration       // until then nothing is tried before it has
	failing   bool                // the disk is, and that was said
	due       *time.Timer         // for planned steps of earlier runs
	again     *time.Timer         // to write again what could not be written
}

// calls are what is to be done without the lock, in order: reports, and questions
// to the store.
type calls []func()

func (c *calls) add(f func()) { *c = append(*c, f) }

// locked runs f with the lock, and then what it left to do.
func (r *Runner) locked(f func(later *calls)) {
	var later calls
	r.mu.Lock()
	f(&later)
	r.box.pending++
	r.mu.Unlock()
	for _, g := range later {
		g()
	}
	r.mu.Lock()
	r.box.pending--
	r.checkEmpty()
	r.mu.Unlock()
}

// kept says whether a request goes through the outbox.
func (h *Handler) kept(q engine.Request) bool {
	return h.Begin == nil && (h.Kept || q.Step.Durable && !q.Step.TriedOnce())
}

// keep takes a durable step that is due.
func (r *Runner) keep(t *task) {
	if r.expired(t) {
		// It may be planned; then it is there no longer.
		r.forgetPlan(t.ident())
		r.refuse(t, ReasonExpired)
		return
	}
	id, known := t.ident(), true
	r.locked(func(later *calls) {
		it := r.box.items[id]
		_, cancelled := r.box.cancelled[id]
		switch {
		case cancelled:
			delete(r.box.cancelled, id)
			later.add(func() { r.refuse(t, ReasonCancelled) })
		case it == nil || !it.planned || r.closed:
			known = false
		default:
			r.unplanned(it)
			t.req.Firing = it.req.Firing // of the event it holds the picture only
			it.task = t
			r.enqueue(it, later)
		}
	})
	if !known {
		r.take(t, 0)
	}
}

// take makes a new parcel; due is when it may be tried, 0 = now.
func (r *Runner) take(t *task, due time.Duration) {
	r.mu.Lock()
	r.box.last++
	place := r.box.last
	r.mu.Unlock()
	now, wall := r.now(), r.wall().Round(0)
	order := max(now, due)
	body, req, err := pack(t.req, r.id, order, place)
	if err != nil {
		if due == 0 {
			r.finish(t, outcome(t.req, false, reasonOf(err)), NotBegun(Permanent(err)))
		}
		return
	}
	original := t.req
	t.req = req
	it := &item{task: t, place: place, order: order, due: due, planned: due > 0}
	it.p = Parcel{
		ID: t.ident(), Lane: t.key, Verb: t.h.Verb.String(), Body: body,
		Rule: req.Firing.Rule.Name, Key: req.Firing.Key, Step: req.Step.Text, Firing: int64(req.Firing.ID), Created: wall,
	}
	if due > now {
		it.p.Due = wall.Add(due - now)
	}
	if req.Expires != 0 {
		it.p.Expires = wall.Add(req.Expires - now)
	}
	it.prepare()
	it.p.Fold = it.subject

	r.locked(func(later *calls) {
		l, reason := r.room(it)
		if reason != "" {
			if due == 0 {
				t.req = original
				later.add(func() { r.refuse(t, reason) })
			}
			return
		}
		r.box.items[it.p.ID] = it
		r.box.size += int64(len(body))
		l.count++
		it.lane = l
		if it.planned {
			k := it.plan()
			r.box.plans[k] = append(r.box.plans[k], it)
		}
		r.write(it, later)
		if !it.planned {
			r.enqueue(it, later)
		}
	})
}

// prepare sets what an item starts with.
func (it *item) prepare() {
	it.backoff, it.left = firstBackoff, max(it.req.Step.Retry, keptRetries)
	if it.h.Kept {
		it.left = max(it.req.Step.Retry, minRetries)
	}
	if it.h.Subject != nil && it.h.Replaces != nil {
		it.subject = it.h.Subject(it.req)
	}
}

// room finds the lane for one more step, or says why there is none. The caller
// holds r.mu.
func (r *Runner) room(it *item) (l *keptLane, refused string) {
	l = r.box.lanes[it.p.Lane]
	switch {
	case r.closed:
		return nil, ReasonStopped
	case r.box.items[it.p.ID] != nil:
		return nil, "it is waiting already"
	case l != nil && l.count+len(l.gone) >= maxWaiting:
		return nil, ReasonQueueFull
	case len(r.box.items) >= maxKept, r.box.size+int64(len(it.p.Body)) > maxKeptSize, l == nil && len(r.box.lanes) >= maxLanes:
		return nil, ReasonOutboxFull
	case l == nil:
		l = &keptLane{name: it.p.Lane}
		r.box.lanes[l.name] = l
	}
	return l, ""
}

// write asks the store to write an item. The caller holds r.mu.
func (r *Runner) write(it *item, later *calls) {
	if r.store == nil {
		it.ready = true
		return
	}
	it.writing = true
	r.box.writes++
	p := it.p
	answered := false // covered by r.mu
	var patience *time.Timer
	if !it.ready {
		patience = time.AfterFunc(putPatience, func() {
			r.locked(func(later *calls) {
				if !answered {
					it.ready, it.lost = true, errors.New("the disk does not answer")
					r.diskFails(it.lost, later)
					r.pump(it.lane, later)
				}
			})
		})
	}
	later.add(func() {
		r.store.Put(p, func(err error) {
			r.locked(func(later *calls) {
				if answered {
					return
				}
				answered = true
				if patience != nil {
					patience.Stop()
				}
				r.box.writes--
				it.writing = false
				r.written(it, err, later)
			})
		})
	})
}

// written takes the store's answer. What could not be written is tried all the
// same, and written later: better told than lost.
func (r *Runner) written(it *item, err error, later *calls) {
	it.ready = true
	if err != nil {
		it.lost = err
		r.diskFails(err, later)
	} else {
		it.saved, it.lost = true, nil
		r.diskWorks(later)
		for _, e := range it.instead {
			it.lane.drop(e, nil)
		}
		it.instead = nil
	}
	r.pumpGone(it.lane, later)
	r.pump(it.lane, later)
}

// diskFails says once that the store does not write, and has it tried again.
func (r *Runner) diskFails(err error, later *calls) {
	if !r.box.failing {
		r.box.failing = true
		if r.log != nil {
			later.add(func() { r.log.Error("durable steps are in memory only: they cannot be written", "error", err) })
		}
	}
	if r.root.Err() != nil {
		return
	}
	if r.box.again == nil {
		r.box.again = time.AfterFunc(writeAgain, r.rewrite)
	} else {
		r.box.again.Reset(writeAgain)
	}
}

func (r *Runner) diskWorks(later *calls) {
	if r.box.failing {
		r.box.failing = false
		if r.log != nil {
			later.add(func() { r.log.Info("durable steps are written again") })
		}
	}
}

// rewrite writes what could not be written, and removes what could not be removed.
func (r *Runner) rewrite() {
	r.locked(func(later *calls) {
		if r.root.Err() != nil {
			return
		}
		for _, it := range r.sorted() {
			if !it.saved && !it.writing {
				r.write(it, later)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(r.box.lanes)) {
			l := r.box.lanes[name]
			l.stuck = false
			r.pumpGone(l, later)
		}
	})
}

// sorted are all items in their order.
func (r *Runner) sorted() []*item {
	return slices.SortedFunc(maps.Values(r.box.items), func(a, b *item) int { return cmp.Compare(a.place, b.place) })
}

// Start takes up the parcels of earlier runs, in their order, and puts them before
// what waits. Until it has, nothing of the outbox is tried, for 30 s at most: a
// plate that is banned now must not be put on a list afterwards by an edit of
// before. After an error it may be called again. Those that cannot be read any more, and those whose time has
// passed, are reported and removed.
func (r *Runner) Start(ctx context.Context) error {
	if r.store == nil {
		return nil
	}
	parcels, err := r.store.Parcels(ctx)
	if err != nil {
		return fmt.Errorf("the durable steps of earlier runs cannot be read: %w", err)
	}
	verbs := make(map[string]*Handler, len(r.handlers))
	for v, h := range r.handlers {
		verbs[v.String()] = h
	}
	now, wall := r.now(), r.wall()
	type arrival struct {
		it  *item
		run int
		seq int64
		bad error
	}
	var all []arrival
	runs := make(map[string]int)
	for _, p := range parcels {
		h := verbs[p.Verb]
		a := arrival{it: &item{task: &task{runner: r, h: h, key: p.Lane, id: p.ID, earlier: true}, p: p, earlier: true, saved: true, ready: true}}
		var e envelope
		if h == nil || h.Begin != nil {
			a.bad = fmt.Errorf("nothing carries out the verb %q", p.Verb)
		} else {
			a.it.req, e, a.bad = unpack(p, h.Verb)
		}
		if a.bad != nil {
			a.it.req = engine.Request{
				Firing: &engine.Firing{ID: uint64(p.Firing), Rule: &engine.Rule{Name: p.Rule}, Key: p.Key, Event: &engine.Event{}},
				Step:   &engine.Step{Text: p.Step},
			}
		}
		if e.Run == r.id {
			continue // of this run: it is there already, or gone
		}
		a.it.resume(now, wall)
		a.it.order, a.seq = e.Order, e.Seq
		if _, ok := runs[e.Run]; !ok {
			runs[e.Run] = len(runs)
		}
		a.run = runs[e.Run]
		all = append(all, a)
	}
	// What was written late stands late in the store, so the order is each run's own.
	slices.SortStableFunc(all, func(a, b arrival) int {
		return cmp.Or(cmp.Compare(a.run, b.run), cmp.Compare(a.it.order, b.it.order), cmp.Compare(a.seq, b.seq))
	})
	r.locked(func(later *calls) {
		if r.box.taken || r.closed {
			return
		}
		r.box.taken = true
		waiting := make(map[*keptLane][]*item)
		var lanes []*keptLane
		for i, a := range all {
			it := a.it
			it.place = int64(i - len(all))
			l := r.box.lanes[it.p.Lane]
			if l == nil {
				l = &keptLane{name: it.p.Lane}
				r.box.lanes[it.p.Lane] = l
			}
			if _, ok := waiting[l]; !ok {
				lanes = append(lanes, l)
				waiting[l] = nil
			}
			it.lane = l
			l.count++
			r.box.items[it.p.ID] = it
			r.box.size += int64(len(it.p.Body))
			switch {
			case a.bad != nil:
				r.settle(it, outcome(it.req, false, reasonOf(a.bad)), NotBegun(Permanent(a.bad)), later)
			case it.planned:
			default:
				waiting[l] = append(waiting[l], it)
			}
		}
		for _, l := range lanes {
			r.putBefore(l, waiting[l], later)
		}
		for _, name := range slices.Sorted(maps.Keys(r.box.lanes)) {
			r.pump(r.box.lanes[name], later)
		}
		r.armPlans()
	})
	return nil
}

// halfDone says whether a step may have done a part of its work, which only another
// try finds out: a plate may stand on a camera's list without the end it was to get.
// Such a step does not expire.
func (it *item) halfDone() bool { return it.h.Kept && (it.begun || it.p.Tries > 0) }

// resume gives an item of an earlier run its place on this run's clock. A wall
// clock that is wrong may delay it by no more than it had to wait in any case.
func (it *item) resume(now time.Duration, wall time.Time) {
	p := &it.p
	left := func(t time.Time) time.Duration {
		d := t.Sub(wall)
		if !p.Created.IsZero() {
			d = min(d, t.Sub(p.Created))
		}
		return d
	}
	if !p.Due.IsZero() {
		if d := left(p.Due); d > 0 {
			it.planned, it.due = true, now+d
		}
	}
	if !p.Expires.IsZero() && !it.halfDone() {
		// The deadline may lie before this run's beginning, but not at "none".
		if it.req.Expires = now + left(p.Expires); it.req.Expires == 0 {
			it.req.Expires = 1
		}
	}
	if !p.Next.IsZero() {
		it.next = now + min(max(p.Next.Sub(wall), 0), lastBackoff)
	}
	it.tries = p.Tries
	it.begun = p.Tries > 0 // it may have been
	if it.h != nil {
		it.prepare()
	}
}

// armPlans sets the timer for planned steps of earlier runs. The caller holds r.mu.
func (r *Runner) armPlans() {
	wait, some := time.Duration(0), false
	now := r.now()
	for _, it := range r.box.items {
		if it.planned && it.earlier && (!some || it.due-now < wait) {
			wait, some = it.due-now, true
		}
	}
	switch {
	case !some:
		if r.box.due != nil {
			r.box.due.Stop()
		}
	case r.box.due == nil:
		r.box.due = time.AfterFunc(wait, r.planDue)
	default:
		r.box.due.Reset(wait)
	}
}

// planDue puts the planned steps of earlier runs that are due on their lanes.
func (r *Runner) planDue() {
	r.locked(func(later *calls) {
		if r.closed {
			return
		}
		now := r.now()
		var due []*item
		for _, it := range r.sorted() {
			if it.planned && it.earlier && it.due <= now {
				due = append(due, it)
			}
		}
		slices.SortStableFunc(due, func(a, b *item) int { return cmp.Compare(a.due, b.due) })
		for _, it := range due {
			it.planned = false
			r.enqueue(it, later)
		}
		r.armPlans()
	})
}

// Plan keeps a durable step that is due later: it is on disk now, and tried when
// it is due, also after a restart. In this run it waits for [Runner.Submit] or
// [Runner.Unplan]. Other steps are left alone. It never waits.
func (r *Runner) Plan(q engine.Request) {
	h := r.handlers[q.Step.Verb()]
	if h == nil || q.Firing.Shadow || !h.kept(q) {
		return
	}
	for _, t := range r.tasks(h, q) {
		r.take(t, max(q.Due, 1))
	}
}

// Unplan takes back what Plan kept.
func (r *Runner) Unplan(firing uint64, index int, finally bool) {
	r.locked(func(later *calls) {
		k := planKey{firing, index, finally}
		for _, it := range slices.Clone(r.box.plans[k]) {
			r.unplanned(it)
			r.remove(it, nil, later)
		}
		maps.DeleteFunc(r.box.cancelled, func(_ string, c planKey) bool { return c == k })
	})
}

// forgetPlan takes one planned step back.
func (r *Runner) forgetPlan(id string) {
	r.locked(func(later *calls) {
		delete(r.box.cancelled, id)
		if it := r.box.items[id]; it != nil && it.planned && !it.earlier {
			r.unplanned(it)
			r.remove(it, nil, later)
		}
	})
}

// plan is what the engine calls an item.
func (it *item) plan() planKey { return planKey{it.req.Firing.ID, it.req.Index, it.req.Finally} }

// unplanned takes an item of this run off the plans. The caller holds r.mu.
func (r *Runner) unplanned(it *item) {
	it.planned = false
	k := it.plan()
	if rest := slices.DeleteFunc(r.box.plans[k], func(e *item) bool { return e == it }); len(rest) > 0 {
		r.box.plans[k] = rest
	} else {
		delete(r.box.plans, k)
	}
}

// Outbox shows the durable steps that wait or are being tried, in their order,
// without their bodies. Reason says what the last try came to, Next when the next
// one is; Next is zero for a step that waits for its turn.
func (r *Runner) Outbox() []Parcel {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, wall := r.now(), r.wall().Round(0)
	all := r.sorted()
	out := make([]Parcel, len(all))
	for i, it := range all {
		p := it.p
		p.Body, p.Next = nil, time.Time{}
		if it.lane.running != it && it.next > now {
			p.Next = wall.Add(it.next - now)
		}
		out[i] = p
	}
	return out
}

// Cancel gives a durable step up and waits until that is on disk, 5 s at most. The
// error is [ErrNoParcel] when there is none with this id and [ErrUnderWay] when it
// is being tried; any other says that it is cancelled, but comes back after a
// restart, because the disk could not be written.
func (r *Runner) Cancel(id string) error {
	var err error
	removed := make(chan error, 1)
	r.locked(func(later *calls) {
		it := r.box.items[id]
		switch {
		case it == nil:
			err = ErrNoParcel
		case it.lane.running == it:
			it.given = true
			err = ErrUnderWay
		case it.planned && !it.earlier:
			// It is told about when it would have been due.
			r.unplanned(it)
			r.box.cancelled[id] = it.plan()
			r.remove(it, removed, later)
		default:
			r.tell(it, outcome(it.req, it.begun, ReasonCancelled), nil, later)
			r.remove(it, removed, later)
			r.pump(it.lane, later)
			r.armPlans()
		}
	})
	if err != nil {
		return err
	}
	patience := time.NewTimer(cancelPatience)
	defer patience.Stop()
	select {
	case err = <-removed:
	case <-patience.C:
		err = errors.New("the disk does not answer")
	}
	if err != nil {
		return fmt.Errorf("it is cancelled, but not yet removed from the disk, and would be tried again after a restart: %w", err)
	}
	return nil
}
