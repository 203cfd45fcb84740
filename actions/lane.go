package actions

import "time"

// laneID names a lane: steps tried once and steps told have one each.
type laneID struct {
	destination string
	told        bool
}

// lane is one destination. Its steps start one after the other: the next one
// when the one before is on its way, or has had its chance to be.
type lane struct {
	id    laneID
	width int

	// Covered by Runner.mu.
	queue    []*task // in order
	running  int
	starting *task // the last one started, until it is on its way
	since    time.Time
	timer    *time.Timer // wakes the lane for a deadline or an end of patience
}

// dispatch starts what may start and gives the tasks whose time has passed, to
// be reported without the lock. The caller holds r.mu.
func (r *Runner) dispatch(l *lane) (late []*task) {
	for len(l.queue) > 0 && l.starting == nil && l.running < l.width {
		t := l.queue[0]
		l.queue[0] = nil
		l.queue = l.queue[1:]
		if r.expired(t) {
			late = append(late, t)
			continue
		}
		l.running++
		l.starting, l.since = t, time.Now()
		go r.run(t)
	}
	if len(l.queue) > 0 {
		r.arm(l)
		return late
	}
	if l.timer != nil {
		l.timer.Stop()
	}
	if l.running == 0 {
		delete(r.lanes, l.id)
	}
	return late
}

// arm sets the timer for the next moment at which something happens to those
// who wait without anybody's doing. The caller holds r.mu.
func (r *Runner) arm(l *lane) {
	now := r.now()
	wait := time.Duration(-1)
	sooner := func(d time.Duration) {
		if d = max(d, 0); wait < 0 || d < wait {
			wait = d
		}
	}
	for _, t := range l.queue {
		if t.req.Expires != 0 {
			// A step may still start at its deadline; it is late just after.
			sooner(t.req.Expires - now + time.Millisecond)
		}
	}
	if l.starting != nil && l.running < l.width {
		sooner(startGrace - time.Since(l.since))
	}
	switch {
	case wait < 0:
		if l.timer != nil {
			l.timer.Stop()
		}
	case l.timer == nil:
		l.timer = time.AfterFunc(wait, func() { r.wake(l) })
	default:
		l.timer.Reset(wait)
	}
}

// wake drops what is late and ends the patience with one that does not get on
// its way.
func (r *Runner) wake(l *lane) {
	r.mu.Lock()
	var late []*task
	kept := l.queue[:0]
	for _, t := range l.queue {
		if r.expired(t) {
			late = append(late, t)
		} else {
			kept = append(kept, t)
		}
	}
	clear(l.queue[len(kept):])
	l.queue = kept
	if l.starting != nil && time.Since(l.since) >= startGrace {
		l.starting = nil
	}
	late = append(late, r.dispatch(l)...)
	r.mu.Unlock()
	r.refuseAll(late)
}

// started notes that a task is on its way.
func (r *Runner) started(t *task) {
	r.mu.Lock()
	var late []*task
	if t.lane != nil && t.lane.starting == t { // in the outbox nothing waits for a start
		t.lane.starting = nil
		late = r.dispatch(t.lane)
	}
	r.mu.Unlock()
	r.refuseAll(late)
}

// leave takes a task that has ended off its lane. The caller holds r.mu.
func (r *Runner) leave(t *task) (late []*task) {
	l := t.lane
	l.running--
	if l.starting == t {
		l.starting = nil
	}
	return r.dispatch(l)
}
