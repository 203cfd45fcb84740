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
	ReasonCancelled = "cancelled"  // by a person, while it waited

	// ReasonOutboxFull: too many durable steps wait, or they are too large.
	ReasonOutboxFull = "outbox full"
)

const (
	defaultTimeout = 10 * time.Second
	defaultQueue   = 64
	maxLanes       = 1024
	maxReason      = 300         // characters of Outcome.Reason
	minRetries     = 4           // of a Kept handler, when its destination answers
	maxDetail      = 64<<10 + 64 // bytes of Record.Detail
	recordWait     = 50 * time.Millisecond
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

	// Kept puts every step of the verb into the outbox, besides durable ones: it
	// is on disk before it is tried, and its lane tries one after the other until
	// it has arrived. A step is tried again until it expires as long as its
	// destination is away (see [Away]). What fails otherwise is tried again as
	// often as the step names: at least four times, ten for a durable step of
	// another verb.
	Kept bool

	// Subject names what a step in the outbox edits in its lane; empty when
	// nothing. A later edit of the same, when Replaces says so, takes the place of
	// the last one that is not being tried. Both may be left out.
	Subject  func(engine.Request) string
	Replaces func(later, earlier engine.Request) bool
}

// Config is what a Runner needs.
type Config struct {
	// Handlers are the verbs, one each.
	Handlers []Handler

	// Report is told once what became of each request. It is called from many
	// goroutines, also from inside Submit, and must not block nor call the
	// engine: it puts the outcome where the engine's loop takes its inputs.
	// What stays in the outbox when the runner is closed is not reported.
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

	// Picture is what the step took, a JPEG; nil = none.
	Picture []byte

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
	wall     func() time.Time
	before   func(engine.Request) <-chan struct{}
	store    Store
	id       string
	log      *slog.Logger
	handlers map[engine.Verb]*Handler
	root     context.Context // of every try
	cancel   context.CancelFunc
	closing  chan struct{} // closed when Close begins: nobody waits to try again

	mu     sync.Mutex // covers what follows and every lane
	lanes  map[laneID]*lane
	box    outbox
	active int           // tasks that wait or run
	closed bool          // nothing new is taken
	empty  chan struct{} // closed when closed and nothing is active
}

// New makes a runner. It fails for a verb without an action and for one that is
// handled twice. Close must be called in the end.
func New(c Config) (*Runner, error) {
	r := &Runner{
		report: c.Report, now: c.Now, wall: c.Wall, before: c.Before, store: c.Store, id: runID(c.Run), log: c.Log,
		handlers: make(map[engine.Verb]*Handler, len(c.Handlers)),
		closing:  make(chan struct{}),
		lanes:    make(map[laneID]*lane),
		empty:    make(chan struct{}),
		box: outbox{
			items: make(map[string]*item), lanes: make(map[string]*keptLane),
			plans: make(map[planKey][]*item), cancelled: make(map[string]planKey),
		},
	}
	if r.wall == nil {
		r.wall = time.Now
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
	r.box.hold = r.now() + startPatience
	r.root, r.cancel = context.WithCancel(context.Background())
	return r, nil
}

// task is one request to one destination, on its way.
type task struct {
	runner  *Runner
	h       *Handler
	req     engine.Request
	lane    *lane                       // nil until it has one
	key     string                      // the lane's name
	join    *join                       // nil unless it is a part of a split request
	number  int                         // of the part
	wait    func(context.Context) error // the second half of a step that has begun
	id      string                      // made when it is asked for
	earlier bool                        // of an earlier run

	recorded <-chan struct{} // nil = nothing to wait for
	patience time.Time       // it waits for recorded until then

	// Written by the goroutine that runs it.
	first        time.Duration
	from         time.Time
	tries        int
	begun        bool
	detail       string
	hasExit      bool
	exit, status int
	picture      []byte
	unrecorded   bool
}

// ident is the step's id. Only one goroutine may be at the task.
func (t *task) ident() string {
	if t.id == "" {
		t.id = stepID(t.runner.id, t.req, t.key)
	}
	return t.id
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
		r.tellRefused(q, fmt.Sprintf("nothing carries out the verb %s", q.Step.Verb()))
		return
	case q.Firing.Shadow:
		r.tellRefused(q, ReasonShadow)
		return
	}
	tasks := r.tasks(h, q)
	if len(tasks) == 0 {
		r.tellRefused(q, "no destination")
		return
	}
	if recorded := r.ask(q); recorded != nil {
		patience := time.Now().Add(recordWait)
		for _, t := range tasks {
			t.recorded, t.patience = recorded, patience
		}
	}
	if h.Split != nil {
		j := &join{req: q, left: len(tasks), parts: make([]part, len(tasks))}
		for i, t := range tasks {
			t.join, t.number = j, i
		}
	}
	for _, t := range tasks {
		if h.kept(q) {
			r.keep(t)
		} else {
			r.submit(t)
		}
	}
}

// tasks are a request's parts, one for each destination.
func (r *Runner) tasks(h *Handler, q engine.Request) []*task {
	parts := []engine.Request{q}
	if h.Split != nil {
		parts = h.Split(q)
	}
	out := make([]*task, len(parts))
	for i, p := range parts {
		out[i] = &task{runner: r, h: h, req: p, key: h.Verb.String()}
		if h.Lane != nil {
			out[i].key = h.Lane(p)
		}
	}
	return out
}

// tellRefused reports a request of which nothing was made.
func (r *Runner) tellRefused(q engine.Request, reason string) {
	r.report(outcome(q, false, reason), Record{Request: q, Reason: reason})
}

// submit puts a task on its lane, and starts it when the lane is free.
func (r *Runner) submit(t *task) {
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
		if len(r.lanes) >= maxLanes && t.h.Begin == nil { // those that begin at once are as many as there are relays
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
// its context cancelled. Nobody waits to try again any more. What the outbox has
// on disk stays there for the next run, and is not reported. It gives ctx's
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
	defer r.locked(r.closeKept)
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
	if !r.closed || r.active > 0 || r.keptBusy() {
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
	backoff := firstBackoff
	r.await(t)
	var err error
	for {
		if t.wait == nil && (r.expired(t) || r.root.Err() != nil) {
			return err
		}
		err = r.once(t)
		if err == nil || once || errors.Is(err, ErrPermanent) {
			return err
		}
		if left--; left < 0 {
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
	if t.tries++; t.from.IsZero() {
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
		t.wait = t.h.Begin(t.req, t.recorded)
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
	if t.earlier {
		out = engine.Outcome{Begun: out.Begun, Reason: out.Reason}
	}
	rec := Record{
		Request: t.req, Lane: t.key, Started: t.first, Tries: t.tries, Detail: t.detail, Err: err,
		Begun: out.Begun, Reason: out.Reason, HasExit: t.hasExit, ExitCode: t.exit, Status: t.status,
		Picture: t.picture, Parcel: t.id, Earlier: t.earlier, Unrecorded: t.unrecorded,
	}
	if !t.from.IsZero() {
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
	var lanes, reasons, details, ids []string
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
		if p.rec.Parcel != "" {
			ids = append(ids, p.rec.Parcel)
		}
		rec.Unrecorded = rec.Unrecorded || p.rec.Unrecorded
		rec.Tries = max(rec.Tries, p.rec.Tries)
		rec.Took = max(rec.Took, p.rec.Took)
		problems = append(problems, p.rec.Err)
	}
	out.Reason = clean(strings.Join(reasons, "; "))
	rec.Begun, rec.Reason, rec.Parcel = out.Begun, out.Reason, strings.Join(ids, ", ")
	rec.Lane, rec.Detail, rec.Err = strings.Join(lanes, ", "), cut(strings.Join(details, "; ")), errors.Join(problems...)
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
