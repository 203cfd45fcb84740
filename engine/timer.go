package engine

import (
	"container/heap"
	"slices"
	"time"
)

// timer is one moment at which something is to be done. Timers of the same
// moment run in the order they were set.
type timer struct {
	at    time.Duration
	seq   uint64
	task  task
	index int  // place in the heap; -1 = not set
	wall  bool // follows the wall clock or a silence; rests after a recording's end
}

// task is what is to be done at a timer's moment. It is a part of the engine's state
// and no closure, so that a snapshot can say what it is.
type task interface{ due(*Engine) }

// timers is a heap of timers by moment, then by the order they were set.
type timers struct {
	heap []*timer
	seq  uint64
	rest bool // timers that follow the wall clock are not set any more
}

func (q *timers) Len() int { return len(q.heap) }
func (q *timers) Less(i, j int) bool {
	a, b := q.heap[i], q.heap[j]
	if a.at != b.at {
		return a.at < b.at
	}
	return a.seq < b.seq
}
func (q *timers) Swap(i, j int) {
	q.heap[i], q.heap[j] = q.heap[j], q.heap[i]
	q.heap[i].index, q.heap[j].index = i, j
}
func (q *timers) Push(x any) {
	t := x.(*timer)
	t.index = len(q.heap)
	q.heap = append(q.heap, t)
}
func (q *timers) Pop() any {
	n := len(q.heap) - 1
	t := q.heap[n]
	q.heap[n] = nil
	q.heap = q.heap[:n]
	t.index = -1
	return t
}

// newTimer makes a timer that is not set.
func newTimer(t task) *timer { return &timer{task: t, index: -1} }

// newWallTimer makes a timer for cron, schedules and the silence of cameras.
func newWallTimer(t task) *timer { return &timer{task: t, index: -1, wall: true} }

// letRest stops every timer that follows the wall clock, for good.
func (q *timers) letRest() {
	q.rest = true
	for _, t := range slices.Clone(q.heap) {
		if t.wall {
			q.stop(t)
		}
	}
}

// set lets t run at a moment, whatever it was set to before.
func (q *timers) set(t *timer, at time.Duration) {
	if q.rest && t.wall {
		return
	}
	t.at = at
	t.seq = q.seq
	q.seq++
	if t.index >= 0 {
		heap.Fix(q, t.index)
		return
	}
	heap.Push(q, t)
}

// stop takes t back; a timer that is not set stays so.
func (q *timers) stop(t *timer) {
	if t != nil && t.index >= 0 {
		heap.Remove(q, t.index)
	}
}

// next is the first timer; nil when none is set.
func (q *timers) next() *timer {
	if len(q.heap) == 0 {
		return nil
	}
	return q.heap[0]
}

// pop takes the first timer out.
func (q *timers) pop() *timer { return heap.Pop(q).(*timer) }

// due is the end of for, hold, cooldown or limit.
func (ks *keyState) due(e *Engine) { e.keyDue(ks) }

// due is the next step's moment.
func (run *stepRun) due(e *Engine) { e.proceed(run) }

// due is the end of a visit.
func (v *visit) due(e *Engine) { e.endVisit(v.cam, v) }

// due is the end of a lease that no rule took over.
func (o *orphan) due(e *Engine) { e.endOrphan(o) }

// silence is a camera that may have been silent for too long.
type silence struct{ cam *camera }

func (s silence) due(e *Engine) { e.cameraOffline(s.cam) }

// wake is a rule whose condition may change by itself.
type wake struct{ rule *ruleState }

func (w wake) due(e *Engine) { e.judgeRule(w.rule, false) }

// cronTask is an instant of one of a rule's cron expressions.
type cronTask struct {
	rule  *ruleState
	index int
}

func (c cronTask) due(e *Engine) { e.cronDue(c.rule, c.index) }

// due takes the flag back.
func (t *flagTimer) due(e *Engine) {
	e.queue = append(e.queue, &Event{Kind: KindFlag, Name: t.name, Value: t.back, Received: e.now.Wall})
}
