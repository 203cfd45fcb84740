package actions

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/sallyport/sallyport/engine"
)

// Reasons an [engine.Outcome] gives for a step that was not begun, besides
// those of its action.
const (
	ReasonExpired   = "expired"    // its time had passed before it could start
	ReasonQueueFull = "queue full" // too many steps wait for the same destination
	ReasonStopped   = "stopped"    // the program ends
	ReasonShadow    = "shadow"     // the rule only decides
)

const (
	defaultTimeout = 10 * time.Second
	defaultQueue   = 64
	maxLanes       = 1024
	maxReason      = 300 // characters of Outcome.Reason
	minRetries     = 4   // of a Forever handler, when its destination answers
	startGrace     = 20 * time.Millisecond
	firstBackoff   = time.Second
	lastBackoff    = time.Minute
	closeGrace     = 500 * time.Millisecond
)

// Handler is one verb of a [Runner].
type Handler struct {
	Verb   engine.Verb
	Action Action

	// Lane names the destination of a request. Steps of one lane start in the
	// order they were submitted. Left out, the verb has one lane.
	Lane func(engine.Request) string

	// Split makes one request per destination of a request with several; their
	// outcomes become one again. Left out, a request has one destination.
	Split func(engine.Request) []engine.Request

	// Width is how many steps of a lane may be under way at a time; default 1.
	Width int

	// Queue is how many steps of a lane may wait; default 64. One more is
	// dropped with [ReasonQueueFull].
	Queue int

	// Begin, when set, does the first half of a step inside [Runner.Submit],
	// without waiting, and gives the second, which waits for its end; Action is
	// not used then. Its steps never wait for one another; at most Queue are
	// under way in a lane. recorded is closed when the step is on record
	// ([Config.Before]); nil when nobody keeps one.
	Begin func(q engine.Request, recorded <-chan struct{}) (wait func(context.Context) error)

	// Forever tries told steps again until they expire as long as their
	// destination is away (see [Away]). What fails otherwise is tried again as
	// often as the step names, at least four times.
	Forever bool
}

// Config is what a Runner needs.
type Config struct {
	// Handlers are the verbs, one each.
	Handlers []Handler

	// Report is told once what became of each request. It is called from many
	// goroutines, also from inside Submit, and must not block nor call the
	// engine: it puts the outcome where the engine's loop takes its inputs.
	Report func(engine.Outcome, Record)

	// Now is the decision clock, on which requests give their deadlines.
	Now func() time.Duration

	// Wall is the wall clock, for what is kept over restarts; nil = time.Now.
	Wall func() time.Time

	// Store keeps durable steps over restarts; nil = they are kept in memory.
	Store Store

	// Run is this run's id, of which the ids of steps are made; empty = a random
	// one.
	Run string

	// Before is asked inside Submit about a step that is tried once and carries a
	// mark. What it gives is closed when the mark is on disk; the step waits for
	// that, 50 ms at most. nil = nothing waits.
	Before func(engine.Request) <-chan struct{}

	// Log gets what a person should know of the outbox; nil = nothing is said.
	Log *slog.Logger
}

// Record is what became of a request, for the journal.
type Record struct {
	Request engine.Request
	Lane    string        // its destination; of a split request all, with commas
	Started time.Duration // decision clock of the first try; 0 when there was none
	Took    time.Duration // from the first try to the end of the last, waits included
	Tries   int           // 0 when it was not started
	Detail  string        // what the action noted: a status, a program's output; up to 64 KB
	Err     error         // nil when all went well, or when it was not started

	Begun  bool   // false only when it surely did nothing
	Reason string // why not, or what failed, in one line; empty when all went well

	HasExit  bool
	ExitCode int // of a program; -1 when a signal ended it
	Status   int // of an http answer; 0 = none

	// Parcel is the id the other side knows the step by; of a split request all,
	// with commas.
	Parcel string

	// Earlier is set for a durable step of an earlier run. Its outcome is not for
	// the engine, which does not know its firing.
	Earlier bool

	// Unrecorded is set when the step started before its mark was on disk.
	Unrecorded bool
}

// Runner carries out requests. Its methods may be used by several goroutines;
// order is kept among requests submitted by one.
type Runner struct {
	report   func(engine.Outcome, Record)
	now      func() time.Duration
	handlers map[engine.Verb]*Handler
	root     context.Context // of every try
	cancel   context.CancelFunc
	closing  chan struct{} // closed when Close begins: nobody waits to try again

	mu     sync.Mutex // covers what follows and every lane
	lanes  map[laneID]*lane
	active int           // tasks that wait or run
	closed bool          // nothing new is taken
	empty  chan struct{} // closed when closed and nothing is active
}

// New makes a runner. It fails for a verb without an action and for one that is
// handled twice. Close must be called in the end.
func New(c Config) (*Runner, error) {
	r := &Runner{
		report: c.Report, now: c.Now,
		handlers: make(map[engine.Verb]*Handler, len(c.Handlers)),
		closing:  make(chan struct{}),
		lanes:    make(map[laneID]*lane),
		empty:    make(chan struct{}),
	}
	var problems []error
	if c.Report == nil || c.Now == nil {
		problems = append(problems, errors.New("actions: Report and Now are required"))
	}
	for _, h := range c.Handlers {
		switch {
		case h.Action == nil:
			problems = append(problems, fmt.Errorf("actions: the verb %s has no action", h.Verb))
		case r.handlers[h.Verb] != nil:
			problems = append(problems, fmt.Errorf("actions: the verb %s is handled twice", h.Verb))
		}
		h.Width = max(h.Width, 1)
		if h.Queue <= 0 {
			h.Queue = defaultQueue
		}
		r.handlers[h.Verb] = &h
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	r.root, r.cancel = context.WithCancel(context.Background())
	return r, nil
}

// task is one request to one destination, on its way.
type task struct {
	runner *Runner
	h      *Handler
	req    engine.Request
	lane   *lane                       // nil until it has one
	key    string                      // the lane's name
	join   *join                       // nil unless it is a part of a split request
	number int                         // of the part
	wait   func(context.Context) error // the second half of a step that has begun

	// Written by the goroutine that runs it.
	first  time.Duration
	from   time.Time
	tries  int
	begun  bool
	detail string
}

// join collects the outcomes of the parts of one request.
type join struct {
	req   engine.Request
	mu    sync.Mutex // covers what follows
	left  int
	parts []part // in the order of the split
}

// part is what became of one of them.
type part struct {
	out engine.Outcome
	rec Record
}

// Submit takes a request that is due. It never waits for an action's work.
func (r *Runner) Submit(q engine.Request) {
	h := r.handlers[q.Step.Verb()]
	switch {
	case h == nil:
		r.report(outcome(q, false, fmt.Sprintf("nothing carries out the verb %s", q.Step.Verb())), Record{Request: q})
		return
	case q.Firing.Shadow:
		r.report(outcome(q, false, ReasonShadow), Record{Request: q})
		return
	case h.Split == nil:
		r.submit(&task{runner: r, h: h, req: q})
		return
	}
	parts := h.Split(q)
	if len(parts) == 0 {
		r.report(outcome(q, false, "no destination"), Record{Request: q})
		return
	}
	j := &join{req: q, left: len(parts), parts: make([]part, len(parts))}
	for i, p := range parts {
		r.submit(&task{runner: r, h: h, req: p, join: j, number: i})
	}
}

// submit puts a task on its lane, and starts it when the lane is free.
func (r *Runner) submit(t *task) {
	t.key = t.h.Verb.String()
	if t.h.Lane != nil {
		t.key = t.h.Lane(t.req)
	}
	// What waits to be tried again must not hold up what is tried once.
	id := laneID{t.key, !t.req.Step.TriedOnce()}
	if r.expired(t) {
		r.refuse(t, ReasonExpired)
		return
	}
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		r.refuse(t, ReasonStopped)
		return
	}
	l := r.lanes[id]
	if l == nil {
		if len(r.lanes) >= maxLanes && !turnsOff(t.req) {
			r.mu.Unlock()
			r.refuse(t, ReasonQueueFull)
			return
		}
		l = &lane{id: id, width: t.h.Width}
		r.lanes[id] = l
	}
	t.lane = l
	if t.h.Begin != nil {
		if l.running >= t.h.Queue && !turnsOff(t.req) {
			r.mu.Unlock()
			r.refuse(t, ReasonQueueFull)
			return
		}
		r.active++
		l.running++
		r.mu.Unlock()
		t.begin()
		go r.run(t)
		return
	}
	if len(l.queue) >= t.h.Queue {
		r.mu.Unlock()
		r.refuse(t, ReasonQueueFull)
		return
	}
	r.active++
	l.queue = append(l.queue, t)
	late := r.dispatch(l)
	r.mu.Unlock()
	r.refuseAll(late)
}

// Close takes nothing new, lets what waits and runs go on until ctx is done,
// and then ends it: what has not started is reported as stopped, what runs has
// its context cancelled. Nobody waits to try again any more. It gives ctx's
// error when something had to be ended.
func (r *Runner) Close(ctx context.Context) error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		select {
		case <-r.empty:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.closed = true
	close(r.closing)
	r.checkEmpty()
	r.mu.Unlock()
	defer r.cancel()

	select {
	case <-r.empty:
		return nil
	case <-ctx.Done():
	}
	r.mu.Lock()
	var rest []*task
	for _, l := range r.lanes {
		rest = append(rest, l.queue...)
		l.queue = nil
	}
	r.active -= len(rest)
	r.checkEmpty()
	r.mu.Unlock()
	r.cancel()
	for _, t := range rest {
		r.refuse(t, ReasonStopped)
	}
	patience := time.NewTimer(closeGrace)
	defer patience.Stop()
	select {
	case <-r.empty:
	case <-patience.C:
	}
	return ctx.Err()
}

// checkEmpty notices that the last task has ended. The caller holds r.mu.
func (r *Runner) checkEmpty() {
	if !r.closed || r.active > 0 {
		return
	}
	select {
	case <-r.empty:
	default:
		close(r.empty)
	}
}

// run carries a task out, makes room in its lane and reports.
func (r *Runner) run(t *task) {
	err := r.try(t)

	r.mu.Lock()
	late := r.leave(t)
	r.mu.Unlock()
	r.refuseAll(late)

	switch {
	case t.tries == 0 && r.root.Err() != nil:
		r.refuse(t, ReasonStopped)
	case t.tries == 0:
		r.refuse(t, ReasonExpired)
	default:
		r.finish(t, outcome(t.req, t.begun, reasonOf(err)), err)
	}

	r.mu.Lock()
	r.active--
	r.checkEmpty()
	r.mu.Unlock()
}

// try makes as many tries as the step's promise allows.
func (r *Runner) try(t *task) error {
	once := t.req.Step.TriedOnce()
	left := t.req.Step.Retry
	if t.h.Forever {
		left = max(left, minRetries)
	}
	backoff := firstBackoff
	var err error
	for {
		if t.wait == nil && (r.expired(t) || r.root.Err() != nil) {
			return err
		}
		err = r.once(t)
		if err == nil || once || errors.Is(err, ErrPermanent) {
			return err
		}
		if !t.h.Forever || !errors.Is(err, ErrAway) {
			left--
		}
		if left < 0 {
			return err
		}
		if e := t.req.Expires; e != 0 && r.now()+backoff > e {
			return err
		}
		if !r.pause(backoff) {
			return err
		}
		backoff = min(2*backoff, lastBackoff)
	}
}

// pause waits, or says at once that the program ends.
func (r *Runner) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.closing:
		return false
	}
}

// once makes one try.
func (r *Runner) once(t *task) error {
	timeout := t.req.Step.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(context.WithValue(r.root, taskKey{}, t), timeout)
	defer cancel()
	if t.tries++; t.tries == 1 {
		t.first, t.from = r.now(), time.Now()
	}
	err := safely(t.req, func() error {
		if t.wait != nil {
			return t.wait(ctx)
		}
		return t.h.Action.Do(ctx, t.req)
	})
	// A timeout counts as begun, whatever the action thinks of it.
	if err == nil || ctx.Err() != nil || !errors.Is(err, ErrNotBegun) {
		t.begun = true
	}
	return err
}

// safely turns a panic of an action into an error.
func safely(q engine.Request, do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = Permanent(fmt.Errorf("the %s action failed unexpectedly: %v", q.Step.Verb(), p))
		}
	}()
	return do()
}

// begin does the first half of a step whose handler has one.
func (t *task) begin() {
	err := safely(t.req, func() error {
		t.wait = t.h.Begin(t.req, nil)
		return nil
	})
	if err != nil {
		t.wait = func(context.Context) error { return err }
	}
}

// expired says whether a task may no longer start.
func (r *Runner) expired(t *task) bool {
	return t.req.Expires != 0 && r.now() > t.req.Expires && !turnsOff(t.req)
}

// turnsOff says whether the request turns a relay off: such a step never
// expires and never waits.
func turnsOff(q engine.Request) bool {
	if q.Lease {
		return !q.LeaseOn
	}
	a, ok := q.Args.(engine.RelayArgs)
	return ok && a.Op == engine.RelayOff
}

// refuse reports a task that was not started.
func (r *Runner) refuse(t *task, reason string) {
	r.finish(t, outcome(t.req, false, reason), nil)
}

func (r *Runner) refuseAll(late []*task) {
	for _, t := range late {
		r.refuse(t, ReasonExpired)
	}
	if len(late) > 0 {
		r.mu.Lock()
		r.active -= len(late)
		r.checkEmpty()
		r.mu.Unlock()
	}
}

// finish reports a task, or its request when it is the last part of it.
func (r *Runner) finish(t *task, out engine.Outcome, err error) {
	rec := Record{Request: t.req, Lane: t.key, Started: t.first, Tries: t.tries, Detail: t.detail, Err: err}
	if t.tries > 0 {
		rec.Took = time.Since(t.from)
	}
	j := t.join
	if j == nil {
		r.report(out, rec)
		return
	}
	j.mu.Lock()
	j.parts[t.number] = part{out, rec}
	j.left--
	done := j.left == 0
	j.mu.Unlock()
	if done {
		r.report(j.sum())
	}
}

// sum makes one outcome of those of all parts.
func (j *join) sum() (engine.Outcome, Record) {
	out, rec := outcome(j.req, false, ""), Record{Request: j.req}
	var lanes, reasons, details []string
	var problems []error
	for _, p := range j.parts {
		lanes = append(lanes, p.rec.Lane)
		out.Begun = out.Begun || p.out.Begun
		if p.out.Reason != "" {
			reasons = append(reasons, p.rec.Lane+": "+p.out.Reason)
		}
		if p.rec.Detail != "" {
			details = append(details, p.rec.Lane+": "+p.rec.Detail)
		}
		if p.rec.Tries > 0 && (rec.Tries == 0 || p.rec.Started < rec.Started) {
			rec.Started = p.rec.Started
		}
		rec.Tries = max(rec.Tries, p.rec.Tries)
		rec.Took = max(rec.Took, p.rec.Took)
		problems = append(problems, p.rec.Err)
	}
	out.Reason = clean(strings.Join(reasons, "; "))
	rec.Lane, rec.Detail, rec.Err = strings.Join(lanes, ", "), strings.Join(details, "; "), errors.Join(problems...)
	return out, rec
}

func outcome(q engine.Request, begun bool, reason string) engine.Outcome {
	return engine.Outcome{Firing: q.Firing.ID, Index: q.Index, Finally: q.Finally, Begun: begun, Reason: reason}
}

func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	return clean(err.Error())
}

// clean makes one bounded line of a text that may hold anything.
func clean(s string) string {
	s = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, s)
	n := 0
	for i := range s {
		if n++; n > maxReason {
			return s[:i] + "…"
		}
	}
	return s
}
