package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Driver is the line behind a relay. The Service calls it from one goroutine
// only, so a Driver needs no lock; it may block (a device on the network), and
// then delays its own relay only.
type Driver interface {
	// Set drives the line on or off. An error means that the level is not
	// known. It must be safe to repeat.
	Set(on bool) error

	// Close drives the line off and then releases it.
	Close() error
}

// Config is one relay of a Service.
type Config struct {
	Spec
	Driver Driver
}

// Options are what a Service needs from its surroundings.
type Options struct {
	// Now is the decision clock: it never jumps. Left out, it counts from New.
	// Requests give their deadlines on it, changes and states their times.
	Now func() time.Duration

	// OnChange, when given, is called for every change of every relay, in one
	// order, one at a time, from a goroutine of its own. It may block and may
	// call the Service; when it lags more than 4096 changes behind, the oldest
	// are left out and the next call says how many.
	OnChange func(c Change, missed int)

	// StartWait is how long New waits for lines that are slow to be set off,
	// at most; default 1 s. Later ones are refused every on until they are off.
	StartWait time.Duration

	// ReadyWait is how long an on waits for Request.Ready, at most; 0 is 50 ms.
	ReadyWait time.Duration

	// Restore, when given, is what an earlier Service exported, as
	// [DecodeSaved] gives it. A fault in it holds until it is cleared by hand.
	Restore *Saved

	// Wall is the wall clock, and gives the zero time while that is not set; it
	// only says how long the program was away. Left out it is time.Now.
	Wall func() time.Time
}

// ErrClosed says that the relays were closed.
var ErrClosed = errors.New("the relays are closed")

const (
	retryOff  = 100 * time.Millisecond
	startWait = time.Second
	readyWait = 50 * time.Millisecond

	// What Close gives to turning off, to releasing, and to telling the last
	// changes. Together they stay under 1 s.
	offWait     = 800 * time.Millisecond
	releaseWait = 100 * time.Millisecond
	tellWait    = 50 * time.Millisecond

	maxUnheard   = 4096
	causeClosing = "the program ends"
)

// Outcome is what became of a request to a Service.
type Outcome struct {
	Verdict

	// Err is why a line did not follow, or that the caller did not wait for
	// it. Whether the line moved is then not known, so Begun stays true.
	Err error

	// Unrecorded says that the line was driven on though Request.Ready had not
	// come in time.
	Unrecorded bool
}

// Service drives the relays of a site. All its methods may be used by several
// goroutines.
type Service struct {
	now     func() time.Duration
	wall    func() time.Time
	patient time.Duration // ReadyWait
	owners  []*owner
	byName  map[string]*owner
	wake    chan struct{} // for the keeper: Next may have changed
	ping    chan struct{} // for the keeper, which only has to take it
	stop    chan struct{} // closed when Close begins
	stopped chan struct{} // closed when the keeper has ended

	heard  func(Change, int)
	tell   chan struct{} // for the teller: there is something to tell
	ended  chan struct{} // closed when nothing more will be to tell
	silent chan struct{} // closed when the teller has ended

	mu      sync.Mutex // covers bank, what follows, and the upper part of every owner
	bank    *Bank
	closing bool
	planned time.Duration // when the keeper wakes at the latest
	unheard []Change
	missed  int
}

// owner is the one goroutine that drives a relay's line.
type owner struct {
	name   string
	driver Driver
	kick   chan struct{} // there is something to do
	done   chan struct{} // the driver is closed

	// Covered by Service.mu.
	want    bool
	expires time.Duration   // of the want, when it is an on; 0 = never
	ready   <-chan struct{} // of the want, when it is an on, or nil
	wait    time.Duration   // for ready, at most
	coming  <-chan struct{} // ready of the latest lease that waits, or nil
	order   uint64          // counts the wants
	served  uint64          // the last want that was tried
	failing error           // why the line cannot be set off; it is retried
	waiters []waiter
	ping    chan struct{} // closed by the owner when it comes by; nil when nobody asks
	release bool          // the line is to be released
	closed  error
}

// waiter is told how the want of this order went. A sure one waits until the
// line is off, however often that is tried.
type waiter struct {
	order uint64
	sure  bool
	ch    chan attempt
}

// attempt is how driving a level went.
type attempt struct {
	reason     string // expired or overtaken: it was not tried
	err        error
	unrecorded bool
}

// New makes a Service of these relays and sets every line off before anything
// else. It fails as NewBank does, and for a relay without a driver; then no
// line was touched and the drivers are still the caller's. A line that cannot
// be set off is no failure: it is retried, shown as a fault, and refuses to go
// on. Close must be called in the end.
func New(relays []Config, o Options) (*Service, error) {
	specs := make([]Spec, len(relays))
	var problems []error
	for i, r := range relays {
		specs[i] = r.Spec
		if r.Driver == nil {
			problems = append(problems, fmt.Errorf("relay %q: has no line", r.Name))
		}
	}
	bank, err := NewBank(specs)
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, err
	}
	if o.Now == nil {
		start := time.Now()
		o.Now = func() time.Duration { return time.Since(start) }
	}
	if o.StartWait <= 0 {
		o.StartWait = startWait
	}
	if o.Wall == nil {
		o.Wall = time.Now
	}
	if o.ReadyWait <= 0 {
		o.ReadyWait = readyWait
	}
	s := &Service{
		wall: o.Wall, patient: o.ReadyWait, ping: make(chan struct{}),
		now: o.Now, bank: bank, byName: make(map[string]*owner, len(relays)), heard: o.OnChange,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}),
		tell: make(chan struct{}, 1), ended: make(chan struct{}), silent: make(chan struct{}),
	}
	bank.AwaitOffs()
	if o.Restore != nil {
		bank.Restore(o.Now(), o.Wall(), *o.Restore)
	}
	var firsts []chan attempt
	for _, r := range relays {
		w := &owner{name: r.Name, driver: r.Driver, kick: make(chan struct{}, 1), done: make(chan struct{})}
		s.owners = append(s.owners, w)
		s.byName[r.Name] = w
		w.drive(false, 0)
		firsts = append(firsts, w.await(false))
	}
	for _, w := range s.owners {
		go s.own(w)
	}
	go s.keep()
	go s.tellAll()

	patience := time.NewTimer(o.StartWait)
	defer patience.Stop()
	for _, first := range firsts {
		select {
		case <-first:
		case <-patience.C:
			return s, nil
		}
	}
	return s, nil
}

// Do asks something of a relay and waits until its line has followed, was tried
// in vain, or ctx is done. A line in this machine follows in microseconds; a
// relay on a device may take longer, and delays no other. It does not wait for
// a lease that has to wait, and an off that fails is retried after Do returned.
func (s *Service) Do(ctx context.Context, q Request) Outcome { return s.Begin(q)(ctx) }

// Begin is the first half of [Service.Do]: the request is applied and the relay's
// owner is told. wait, to be called once at most, is the second: it gives Do's outcome.
func (s *Service) Begin(q Request) (wait func(context.Context) Outcome) {
	known := func(o Outcome) func(context.Context) Outcome {
		return func(context.Context) Outcome { return o }
	}
	s.mu.Lock()
	now := s.now()
	if s.closing {
		s.mu.Unlock()
		return func(context.Context) Outcome { return s.doClosing(q) }
	}
	v := s.bank.Do(now, q)
	w := s.byName[q.Relay]
	if w == nil {
		s.mu.Unlock()
		return known(Outcome{Verdict: v})
	}
	if v.Waits {
		w.coming = q.Ready
	}
	if v.Begun && !v.Waits && q.Verb.mayTurnOn() {
		s.apply(q)
	} else {
		s.apply(Request{})
	}
	var ch chan attempt
	var failing error
	switch {
	case !v.Begun || v.Waits || v.Reason != "":
	case w.served != w.order:
		ch = w.await(false)
	case !w.want:
		failing = w.failing
	}
	s.plan()
	s.mu.Unlock()
	if ch == nil {
		return known(Outcome{Verdict: v, Err: failing})
	}
	return func(ctx context.Context) Outcome {
		select {
		case a := <-ch:
			if a.reason != "" {
				return Outcome{Verdict: dropped(a.reason)}
			}
			return Outcome{Verdict: v, Err: a.err, Unrecorded: a.unrecorded}
		case <-ctx.Done():
			return Outcome{Verdict: v, Err: fmt.Errorf("relay %q: not waited for: %w", q.Relay, ctx.Err())}
		}
	}
}

// doClosing answers while the program ends: everything is going off already.
func (s *Service) doClosing(q Request) Outcome {
	switch {
	case s.byName[q.Relay] == nil:
		return Outcome{Verdict: dropped(ReasonUnknown)}
	case q.Verb == SetOff || q.Verb == LeaseEnd:
		return Outcome{Verdict: Verdict{Begun: true}}
	}
	return Outcome{Verdict: dropped(ReasonClosed)}
}

// States gives every relay, in the order of the configuration.
func (s *Service) States() []State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bank.statesAt(s.now())
}

// State gives one relay; false when there is none of that name.
func (s *Service) State(relay string) (State, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bank.stateAt(s.now(), relay)
}

// Feedback takes the level of a contact: on is its active level, known is false
// when there is none to be had. It concerns the relays whose Spec.Feedback names
// the contact, and may be called for every contact.
func (s *Service) Feedback(contact string, on, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return
	}
	s.bank.Feedback(s.now(), contact, on, known)
	s.apply(Request{})
	s.plan()
}

// Export gives what must outlast a restart, to be handed to the next Service as
// Options.Restore. It may be called after Close, too.
func (s *Service) Export() Saved {
	s.mu.Lock()
	defer s.mu.Unlock()
	saved := s.bank.Export(s.now(), s.wall())
	s.apply(Request{})
	s.plan()
	return saved
}

// Altered gives a number that changes with everything that [Service.Export]
// would give otherwise than before, but for the time that passes. It is cheap.
func (s *Service) Altered() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bank.Altered()
}

// Ping asks the goroutine that ends pulses, and the owner of every line, for a
// sign of life, and waits for all of them until ctx is done. The error names who
// did not answer; an owner does not while its driver is at work. After Close it
// is ErrClosed. Ping moves no line, but one that cannot be set off is tried once
// more.
func (s *Service) Ping(ctx context.Context) error {
	// What hangs may hold the lock: that must not hold up the answer.
	asked := make(chan []<-chan struct{}, 1)
	go func() { asked <- s.askOwners() }()
	var answers []<-chan struct{}
	select {
	case answers = <-asked:
	case <-ctx.Done():
		return fmt.Errorf("relays: nothing answered: %w", ctx.Err())
	}
	if answers == nil {
		return ErrClosed
	}
	var problems []error
	if !s.pingKeeper(ctx) {
		problems = append(problems, fmt.Errorf("relays: what ends pulses did not answer: %w", ctx.Err()))
	}
	for i, w := range s.owners {
		select {
		case <-answers[i]:
			continue
		case <-w.done:
			continue
		case <-ctx.Done():
		}
		select {
		case <-answers[i]:
		default:
			problems = append(problems, fmt.Errorf("relay %q: its owner did not answer: %w", w.name, ctx.Err()))
		}
	}
	return errors.Join(problems...)
}

// askOwners gives what each owner closes when it comes by; nil at the end.
func (s *Service) askOwners() []<-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil
	}
	answers := make([]<-chan struct{}, len(s.owners))
	for i, w := range s.owners {
		if w.ping == nil {
			w.ping = make(chan struct{})
		}
		answers[i] = w.ping
		poke(w.kick)
	}
	return answers
}

// pingKeeper says whether the keeper answered, or has ended as it should.
func (s *Service) pingKeeper(ctx context.Context) bool {
	select {
	case s.ping <- struct{}{}:
		return true
	case <-s.stopped:
		return true
	case <-ctx.Done():
		return false
	}
}

// Close refuses every on, drives all lines off, side by side, and only then
// releases them. It returns within 1 s; the error names every relay whose line
// could not be driven off in that time or failed to be released. Further calls do
// nothing.
func (s *Service) Close() error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return nil
	}
	s.closing = true
	now := s.now()
	var offs []chan attempt
	for _, w := range s.owners {
		s.bank.Do(now, Request{Relay: w.name, Verb: SetOff, Cause: causeClosing})
	}
	s.apply(Request{})
	for _, w := range s.owners {
		if w.served != w.order || w.failing != nil {
			offs = append(offs, w.await(true))
		}
	}
	s.mu.Unlock()
	close(s.stop)
	<-s.stopped

	limit := time.After(offWait)
	inTime := true
	for _, off := range offs {
		inTime = inTime && soon(off, limit)
	}
	s.mu.Lock()
	for _, w := range s.owners {
		w.release = true
		poke(w.kick)
	}
	s.mu.Unlock()

	limit = time.After(releaseWait)
	inTime = true
	for _, w := range s.owners {
		inTime = inTime && soon(w.done, limit)
	}
	var problems []error
	for _, w := range s.owners {
		select {
		case <-w.done:
			s.mu.Lock()
			err := w.closed
			s.mu.Unlock()
			if err != nil {
				problems = append(problems, fmt.Errorf("relay %q: %w", w.name, err))
			}
		default:
			s.mu.Lock()
			off := w.served == w.order && w.failing == nil
			s.mu.Unlock()
			if !off { // a line that is off is released by the end of the process at the latest
				problems = append(problems, fmt.Errorf("relay %q: the line did not answer while the program ended; it may still be on", w.name))
			}
		}
	}
	close(s.ended)
	soon(s.silent, time.After(tellWait))
	return errors.Join(problems...)
}

// soon waits for ch, and says whether it came before the limit.
func soon[T any](ch <-chan T, limit <-chan time.Time) bool {
	select {
	case <-ch:
		return true
	case <-limit:
		return false
	}
}

// apply hands what the bank decided to the owners and to the teller. The caller
// holds s.mu; q is the request that turns its relay on, or empty.
func (s *Service) apply(q Request) {
	changes := s.bank.Changes()
	for _, c := range changes {
		w, r := s.byName[c.Relay], s.bank.find(c.Relay)
		switch {
		case r.on && !w.want:
			var expires time.Duration
			ready := w.coming
			if c.Relay == q.Relay {
				expires, ready = q.Expires, q.Ready
			}
			w.drive(true, expires)
			w.ready, w.wait = ready, s.patient
		case !r.on && w.want, r.going && w.served == w.order && w.failing == nil:
			w.drive(false, 0)
		}
	}
	if s.heard == nil || len(changes) == 0 {
		return
	}
	s.unheard = append(s.unheard, changes...)
	if over := len(s.unheard) - maxUnheard; over > 0 {
		s.missed += over
		s.unheard = append(s.unheard[:0], s.unheard[over:]...)
	}
	poke(s.tell)
}

// plan wakes the keeper when something falls due before it would wake. The
// caller holds s.mu.
func (s *Service) plan() {
	if at, ok := s.bank.Next(); ok && at < s.planned {
		s.planned = at
		poke(s.wake)
	}
}

// keep calls the bank when something falls due, until Close.
func (s *Service) keep() {
	defer close(s.stopped)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-s.wake:
		case <-timer.C:
		case <-s.ping:
		}
		s.mu.Lock()
		now := s.now()
		s.bank.Advance(now)
		s.apply(Request{})
		s.planned = never
		if at, ok := s.bank.Next(); ok {
			s.planned = at
		}
		timer.Reset(s.planned - now)
		s.mu.Unlock()
	}
}

// tellAll calls OnChange, until there is nothing more to tell.
func (s *Service) tellAll() {
	defer close(s.silent)
	for last := false; !last; {
		select {
		case <-s.tell:
		case <-s.ended:
			last = true
		}
		s.mu.Lock()
		changes, missed := s.unheard, s.missed
		s.unheard, s.missed = nil, 0
		s.mu.Unlock()
		for _, c := range changes {
			s.heard(c, missed)
			missed = 0
		}
	}
}

// own drives one relay's line, until it is released. It always goes for the
// latest want: an on never follows an off that was not confirmed (the bank sees
// to that), so nothing but an on can be overtaken.
func (s *Service) own(w *owner) {
	defer close(w.done)
	retry := time.NewTimer(retryOff)
	retry.Stop()
	defer retry.Stop()
	for {
		select {
		case <-w.kick:
		case <-retry.C:
		}
		for s.serve(w) {
		}
		s.mu.Lock()
		release, failing := w.release, w.failing != nil
		w.answer()
		s.mu.Unlock()
		if release {
			err := w.driver.Close()
			s.mu.Lock()
			w.closed = err
			s.mu.Unlock()
			return
		}
		if failing {
			retry.Reset(retryOff)
		}
	}
}

// serve drives the latest want, once, and says whether a newer one is there.
func (s *Service) serve(w *owner) (more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.answer() // here too: a slow line may have one want after the other
	if w.served == w.order && w.failing == nil {
		return false
	}
	want, order := w.want, w.order
	if w.served+1 < order {
		// An on that was not tried before its off came is not tried any more.
		w.tellWaiters(order-1, attempt{reason: ReasonOvertaken})
		s.bank.NeverOn(w.name)
	}
	unrecorded := false
	if want && w.ready != nil {
		unrecorded = !s.awaitReady(w)
		if w.order != order {
			return true // overtaken
		}
	}
	if now := s.now(); want && w.expires != 0 && now > w.expires {
		w.served = order
		w.tellWaiters(order, attempt{reason: ReasonExpired})
		s.bank.NeverOn(w.name)
		s.bank.OnFailed(now, w.name, "came too late to be turned on")
		s.apply(Request{})
		s.plan()
		return true
	}

	if want {
		s.bank.Driving(s.now(), w.name)
	}
	s.mu.Unlock()
	err := w.driver.Set(want)
	s.mu.Lock()

	now := s.now()
	w.served = order
	switch {
	case err == nil:
		w.failing = nil
		w.tellWaiters(order, attempt{unrecorded: unrecorded})
		if want {
			s.bank.On(now, w.name)
		} else {
			s.bank.Off(now, w.name)
		}
	case want:
		err = fmt.Errorf("relay %q: cannot be turned on: %w", w.name, err)
		w.tellWaiters(order, attempt{err: err, unrecorded: unrecorded})
		if w.order == order {
			s.bank.OnFailed(now, w.name, err.Error())
		}
	default:
		w.failing = fmt.Errorf("relay %q: cannot be turned off: %w", w.name, err)
		w.tellWaiters(order, attempt{err: w.failing})
		s.bank.OffFailed(now, w.name, err.Error())
	}
	s.apply(Request{})
	s.plan()
	return w.served != w.order
}

// awaitReady waits until the latest want may be driven, and says whether its
// record is there. It comes back early when a newer want overtakes it. The
// caller holds s.mu, and again afterwards.
func (s *Service) awaitReady(w *owner) (recorded bool) {
	order, ready, wait := w.order, w.ready, w.wait
	w.ready = nil
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-ready:
		return true
	default:
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-ready:
			return true
		case <-timer.C:
			return false
		case <-w.kick:
		}
		s.mu.Lock()
		overtaken := w.order != order
		w.answer()
		s.mu.Unlock()
		if overtaken {
			return false
		}
	}
}

// answer tells who asked that the owner is alive. The caller holds Service.mu.
func (w *owner) answer() {
	if w.ping != nil {
		close(w.ping)
		w.ping = nil
	}
}

// drive makes on the level to go for. The caller holds Service.mu.
func (w *owner) drive(on bool, expires time.Duration) {
	w.want, w.expires, w.ready, w.coming = on, expires, nil, nil
	w.order++
	poke(w.kick)
}

// await gives a channel that is told how the latest want went; sure waits until
// the line is off. The caller holds Service.mu.
func (w *owner) await(sure bool) chan attempt {
	ch := make(chan attempt, 1)
	w.waiters = append(w.waiters, waiter{w.order, sure, ch})
	return ch
}

// tellWaiters answers those who wait for a want up to this order. The caller
// holds Service.mu.
func (w *owner) tellWaiters(order uint64, a attempt) {
	kept := w.waiters[:0]
	for _, q := range w.waiters {
		if q.order > order || q.sure && (a.err != nil || w.want) {
			kept = append(kept, q)
			continue
		}
		q.ch <- a
	}
	w.waiters = kept
}

// poke leaves a note in a channel of length one.
func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
