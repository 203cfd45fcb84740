package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/actions"
	cameraverb "github.com/sallyport/sallyport/actions/camera"
	"github.com/sallyport/sallyport/actions/httpcall"
	"github.com/sallyport/sallyport/actions/log"
	"github.com/sallyport/sallyport/actions/plates"
	"github.com/sallyport/sallyport/actions/relay"
	runverb "github.com/sallyport/sallyport/actions/run"
	"github.com/sallyport/sallyport/actions/shell"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/inputs/camera"
	"github.com/sallyport/sallyport/inputs/contact"
	"github.com/sallyport/sallyport/inputs/poll"
)

// burst is how many posts the loop takes before it looks at anything else.
const burst = 256

// explainEvery is how often it is said, at most, why a plate opened nothing: it asks
// every rule on plates, and a flood of plates must not delay anything.
const explainEvery = 50 * time.Millisecond

// parts are what an appliance is put together from.
type parts struct {
	site    *config.Site
	rules   *engine.Ruleset
	cameras []camera.Camera
	relays  []relay.Config
	lists   []plates.Camera
	devices []cameraverb.Camera // what the verb camera may ask
	// onEvent and onDecision are told of everything that is worth a line. They are
	// called by the loop and must not block.
	onEvent    func(*engine.Event)
	onDecision func(*engine.Decision)
	onRelay    func(at engine.Instant, c relay.Change)
	onLog      func(at engine.Instant, rule, line string)
	// onClosed is told why a plate that was read made no rule fire. May be nil.
	onClosed func(at engine.Instant, plate string, why []string)
	// secret finds a secret of the site file; programs are started as runAs, nil for
	// the user of this program.
	secret func(name string) (string, error)
	runAs  *actions.User
	// state is what an earlier run left; onState is told what the next one needs. It
	// is called by the loop and must not block.
	state   *engine.State
	onState func(engine.State)
	// marks are what an earlier run asked after its state was kept; keepMark notes
	// one, and closes what it gives when that is done. nil: none is kept.
	marks    []engine.Mark
	keepMark func(*engine.Mark) <-chan struct{}
	// synced, when set, waits until the journal is on the disk: nothing moves before
	// (`sync: true`).
	synced func(context.Context) error
	// relayState is what an earlier run left of the relays; onRelayState is told what
	// the next one needs, by one goroutine at a time.
	relayState   *relay.Saved
	onRelayState func(relay.Saved)
	// told is told what the journal is to keep, rec what the engine takes, in its
	// order; store keeps durable steps. Each may be nil.
	told   *journaling
	killed bool // the run before did not end in order
	rec    *recorder
	store  actions.Store
	// onOverrides is told the modes that rules have instead of those in their files, and
	// closes what it gives when they are on the disk. It is called by the loop, also for
	// those that are over, and must not block. nil: nobody keeps them.
	onOverrides func([]engine.Override) <-chan struct{}
	log         *slog.Logger
	plates      *plateWatch // may be nil
	live        *live       // what the console's streams are told; may be nil
	// onCamera is told what is wrong with a camera, and when it is over. It is called
	// by the loop and must not block. May be nil.
	onCamera func(cameraNews)
	// shift moves the wall clock, for a demonstration by night.
	shift time.Duration
}

// appliance is everything that runs: the camera port, the one loop that owns the
// engine, the relays and the runner.
type appliance struct {
	parts
	start   time.Time // the decision clock's zero, with a monotonic reading
	port    *camera.Port
	relay   *relay.Service
	memory  *relayMemory
	contact *contact.Service
	runner  *actions.Runner
	health  *health
	inbox   inbox
	rulesIn chan swap
	next    *swap // the loop's own: a set that waits for the posts before it
	asks    chan func(*engine.Engine)
	closing sync.Once
	stopped chan struct{} // closed when the loop has ended
	explain time.Duration // the loop's own: when a plate that opened nothing may be explained again
	wall    time.Duration // the loop's own: how far the wall clock is from the decision clock
	// unsynced are the loop's own: requests that wait for what it is about to tell.
	unsynced []unsynced
	// presences are the loop's own: cameras that came and went in what the engine just took.
	presences []engine.Presence
	tally     *tally // what the rules did lately
	pictures  *newestPictures
	// ruleset is what the engine has in force now.
	ruleset atomic.Pointer[inUse]
	orders  chan func(*engine.Engine)
	lapsed  []engine.Override // the loop's own: those whose time was over in what the engine just took
}

// newAppliance puts the parts together. Relays are set off before it returns.
func newAppliance(p parts) (*appliance, error) {
	a := &appliance{
		parts: p, start: time.Now(),
		rulesIn: make(chan swap, 1), pictures: newPictures(), asks: make(chan func(*engine.Engine)), orders: make(chan func(*engine.Engine)), stopped: make(chan struct{}), tally: newTally(),
	}
	a.inbox.wake = make(chan struct{}, 1)
	a.ruleset.Store(&inUse{p.rules, p.rules, nil})
	a.health = newHealth(p.site, func() time.Time { return time.Now().Add(p.shift) }, func(n cameraNews) { a.inbox.put(input{camera: &n}) })
	var err error
	a.memory = &relayMemory{keep: p.onRelayState}
	var readyWait time.Duration // as relays do
	if p.synced != nil {
		readyWait = syncTime
	}
	a.relay, err = relay.New(p.relays, relay.Options{Now: a.mono, Wall: wallClock, Restore: p.relayState, ReadyWait: readyWait, OnChange: func(c relay.Change, missed int) {
		if missed > 0 {
			a.log.Error("relay changes were left out: the loop is too slow", "missed", missed)
		}
		a.inbox.put(input{relay: &c})
		a.memory.changed()
	}})
	if err != nil {
		return nil, err
	}
	a.memory.begin(a.relay)
	a.contact, err = contact.New(contacts(p.site), contact.Options{
		OnChange: func(c contact.Change) {
			a.relay.Feedback(c.Name, c.On, c.Known)
			a.inbox.put(input{contact: &c})
		},
		Problem: func(name, problem string) { a.log.Warn("a contact is not well", "contact", name, "problem", problem) },
	})
	if err != nil {
		return nil, errors.Join(err, a.relay.Close())
	}
	a.runner, err = actions.New(actions.Config{
		Now: a.mono, Log: p.log, Before: a.recorded, Store: p.store,
		Report: func(o engine.Outcome, r actions.Record) {
			if r.Err != nil {
				a.log.Warn("a step failed", "rule", r.Request.Firing.Rule.Name, "step", r.Request.Step.Text, "error", r.Err)
			}
			a.inbox.put(input{outcome: &outcome{o, r}})
		},
		Handlers: []actions.Handler{
			actions.NewRelay(a.relay),
			httpcall.New(httpcall.Config{DenyPrivate: p.site.DenyPrivate, Secret: p.secret}),
			runverb.New(p.site.AllowPrograms, p.runAs),
			shell.New(p.site.AllowShell, p.runAs),
			plates.New(plates.Config{Cameras: p.lists}),
			cameraverb.New(cameraverb.Config{Cameras: p.devices, Now: a.mono}),
			log.New(func(rule, line string) { a.inbox.put(input{log: &logLine{rule, line}}) }),
		},
	})
	if err != nil {
		a.contact.Close()
		return nil, errors.Join(err, a.relay.Close())
	}
	a.port = camera.New(camera.Config{Cameras: p.cameras, Log: p.log})
	return a, nil
}

// mono is the decision clock.
func (a *appliance) mono() time.Duration { return time.Since(a.start) }

// instant is a moment of the machine's clock on both of ours.
func (a *appliance) instant(t time.Time) engine.Instant {
	return engine.Instant{Mono: t.Sub(a.start), Wall: t.Round(0).Add(a.shift)}
}

// input is something the engine takes besides posts.
type input struct {
	outcome *outcome
	relay   *relay.Change
	contact *contact.Change
	log     *logLine
	polled  *poll.Change
	camera  *cameraNews
}

// outcome is what became of a step, for the engine and for the journal.
type outcome struct {
	engine.Outcome
	record actions.Record
}

// swap is a rule set that is to be in force, and what is said of its files.
type swap struct {
	rules    *engine.Ruleset
	problems []string
	at       time.Time // when it was handed over
}

// logLine is the line of a log step. It waits its turn, so that it stands after
// the decision that wrote it.
type logLine struct{ rule, line string }

// inbox holds inputs until the loop takes them. Every one answers something the
// loop began, or is the change of a contact, of which few come in a second, or is
// what a device says that is asked, which waits outside when there is much of it: so
// what is in it is bounded by what runner, relays, contacts and health hold.
type inbox struct {
	mu    sync.Mutex // guards queue
	queue []input
	wake  chan struct{}
}

func (b *inbox) put(in input) {
	b.mu.Lock()
	b.queue = append(b.queue, in)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// take swaps the queue for an empty one.
func (b *inbox) take(spare []input) []input {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := b.queue
	b.queue = spare[:0]
	return q
}

// swapRules puts a rule set in force at the loop's next turn. Of two that wait the
// later one counts.
func (a *appliance) swapRules(rs *engine.Ruleset, problems []string) {
	for {
		select {
		case a.rulesIn <- swap{rs, problems, time.Now()}:
			return
		default:
		}
		select {
		case <-a.rulesIn:
		default:
		}
	}
}

// ask runs f in the loop, where it may look at the engine, and waits for it.
func (a *appliance) ask(ctx context.Context, f func(*engine.Engine)) error {
	return a.inLoop(ctx, a.asks, f)
}

func (a *appliance) inLoop(ctx context.Context, loop chan<- func(*engine.Engine), f func(*engine.Engine)) error {
	done := make(chan struct{})
	select {
	case loop <- func(e *engine.Engine) { f(e); close(done) }:
	case <-a.stopped:
		return errors.New("the appliance is stopping")
	case <-ctx.Done():
		return ctx.Err()
	}
	<-done
	return nil
}

// inUse is a rule set as the engine has it: with the modes that rules were given.
type inUse struct {
	*engine.Ruleset
	written   *engine.Ruleset // as the files say
	overrides []engine.Override
}

// uses notes what the engine has in force, for those who show it.
func (a *appliance) uses(eng *engine.Engine) {
	a.ruleset.Store(&inUse{eng.Ruleset(), eng.Written(), eng.Overrides()})
}

// order is as [appliance.ask] for what changes something: what the cameras posted before
// is taken first. What the loop has not begun in [commandTime], or when ctx ends, is never
// done: a message may open a gate.
func (a *appliance) order(ctx context.Context, f func(*engine.Engine)) error {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	err := a.inLoop(ctx, a.orders, f)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the engine did not take it within %s, and it is not done: try again", commandTime)
	}
	return err
}

// loop owns the engine until ctx ends, then ends every rule. It is the only place
// where anyone waits.
func (a *appliance) loop(ctx context.Context) {
	defer close(a.stopped)
	options := engineOptions(a.site)
	options.Hand, options.Unplan = a.hand, a.runner.Unplan
	options.Presence = func(p engine.Presence) { a.presences = append(a.presences, p) }
	options.Lapsed = func(o engine.Override) { a.lapsed = append(a.lapsed, o) }
	options.Plan = func(q *engine.Request) { a.runner.Plan(*q) }
	options.Restore, options.Marks = a.state, a.marks
	at := a.instant(time.Now())
	a.rec.begin(at, a.rules.Hash, nil, a.state, a.marks)
	eng, out := engine.New(a.rules, options, at)
	a.wall = at.Wall.Sub(a.start) - at.Mono
	a.uses(eng)
	if a.told != nil {
		version, _ := buildVersion()
		a.told.explain = eng.ExplainFiring
		a.told.begin(at, version, a.rules.Hash, a.killed)
	}
	save := newSaving(a.onState)
	defer save.timer.Stop()
	if len(a.marks) > 0 {
		save.save(eng) // one place is enough to remember them
	}
	a.state, a.marks = nil, nil
	a.decided(0, out)
	for _, r := range a.relay.States() {
		a.relayChanged(eng, relay.Change{Relay: r.Name, On: r.On})
	}
	var spare []input
	a.takeInbox(eng, &spare) // the first levels of the contacts
	at = a.instant(time.Now())
	a.rec.start(at)
	a.decided(0, eng.Apply(at, &engine.Event{Kind: engine.KindStart, Received: at.Wall}))
	timer := time.NewTimer(0)
	defer timer.Stop()
	var armed time.Duration = -1
	always := make(chan struct{})
	close(always)
	more := false
	for {
		a.endOverrides(eng)
		if at, ok := eng.Next(); !ok {
			timer.Stop()
			armed = -1
		} else if at != armed {
			timer.Reset(time.Until(a.start.Add(at)))
			armed = at
		}
		save.look(eng)
		ready := a.port.Ready()
		if more {
			ready = always
		}
		if a.rec.wantsSnapshot(eng.Now()) {
			a.rec.snapshot(eng)
		}
		// What is no post happens now. Posts that came before it are taken first, each at
		// its own moment: after a stall no visit may end whose next read is waiting.
		select {
		case <-ctx.Done():
			a.takeInbox(eng, &spare)
			at := a.instant(time.Now())
			a.rec.stop(at)
			a.decided(0, eng.Stop(at))
			if a.told != nil {
				a.told.end(at)
			}
			save.save(eng)
			return
		case <-ready:
			more = a.takePosts(ctx, eng)
		case <-a.inbox.wake:
			more = a.takePosts(ctx, eng)
			a.takeInbox(eng, &spare)
		case <-timer.C:
			armed = -1
			more = a.takePosts(ctx, eng)
			a.decided(0, eng.Advance(a.now()))
		case <-save.timer.C:
			save.save(eng)
		case in := <-a.rulesIn:
			a.next = &in
			more = a.takePosts(ctx, eng)
		case f := <-a.asks:
			f(eng)
		case f := <-a.orders:
			more = a.takePosts(ctx, eng)
			f(eng)
		}
	}
}

// takePosts takes what the cameras posted, a burst at most, so that a flood delays
// nothing else for long. It says whether there may be more.
// A post that was not taken when the program is told to stop is not taken any more.
func (a *appliance) takePosts(ctx context.Context, eng *engine.Engine) (more bool) {
	for range burst {
		if ctx.Err() != nil {
			return false
		}
		if a.next == nil {
			select {
			case in := <-a.rulesIn:
				a.next = &in
			default:
			}
		}
		it, ok := a.port.Take()
		// What came after a set was handed over is decided by that set, and what came
		// before by the one before, also when both waited.
		if a.next != nil && (!ok || !it.Received.Before(a.next.at)) {
			a.swapped(eng, *a.next)
			a.next = nil
		}
		if !ok {
			return false
		}
		at := a.instant(it.Received)
		waited := eng.Now().Mono - at.Mono
		if waited > 0 {
			at.Wall, at.Mono = at.Wall.Add(waited), at.Mono+waited
		}
		late := waited > a.site.Late
		for _, ev := range it.Events {
			ev.Received = at.Wall
			ev.Late = late
			a.health.posted(at.Mono, it.Received, ev)
			// What is to be done is handed out inside Apply; lines are made after it.
			ds := eng.Apply(at, ev)
			cause := a.happened(at, ev)
			a.decided(cause, ds)
			if a.plates != nil {
				if advice := a.plates.note(at.Mono, ev); advice != "" {
					a.log.Warn("two cameras may see one place", "advice", advice)
				}
			}
			if ev.Kind == engine.KindPlate && ev.Plate != nil && a.onClosed != nil && !fired(ds) && at.Mono >= a.explain {
				a.explain = at.Mono + explainEvery
				a.onClosed(at, ev.Plate.Number, whyNot(eng))
			}
		}
		// After what it led to was handed out: to record it takes longer than to decide.
		a.rec.item(at, it, late)
		a.port.Release(it)
	}
	return true
}

func (a *appliance) takeInbox(eng *engine.Engine, spare *[]input) {
	q := a.inbox.take(*spare)
	for i := range q {
		at := a.now()
		switch in := &q[i]; {
		case in.outcome != nil:
			a.ended(eng, at, in.outcome)
		case in.relay != nil:
			a.relayChanged(eng, *in.relay)
		case in.contact != nil:
			a.contactChanged(eng, *in.contact)
		case in.log != nil:
			a.onLog(at, in.log.rule, in.log.line)
		case in.polled != nil:
			a.polled(eng, *in.polled)
		case in.camera != nil:
			in.camera.at = at
			a.cameraNews(*in.camera)
		}
		q[i] = input{}
	}
	*spare = q
}

// relayChanged tells the engine a relay's level, which rules may read.
func (a *appliance) relayChanged(eng *engine.Engine, c relay.Change) {
	at := a.now()
	if a.onRelay != nil {
		a.onRelay(at, c)
	}
	a.rec.relay(at, c)
	a.live.relay(c.Relay)
	if a.told != nil && (c.Cause != "" || c.On) { // off at the start is no news
		a.told.relay(at, c)
	}
	a.decided(0, eng.Apply(at, &engine.Event{Kind: engine.KindRelay, Name: c.Relay, On: c.On, Received: at.Wall}))
}

// ended takes what became of a step.
func (a *appliance) ended(eng *engine.Engine, at engine.Instant, o *outcome) {
	if a.told != nil {
		a.told.outcome(at, o.Outcome, o.record)
	}
	if len(o.record.Picture) > 0 {
		a.pictures.taken(at.Wall, o.record)
	}
	if o.record.Earlier {
		return // the engine does not know the firings of an earlier run
	}
	a.rec.outcome(at, o.Outcome)
	a.decided(0, eng.Outcome(at, o.Outcome))
}

// swapped puts a rule set in force.
func (a *appliance) swapped(eng *engine.Engine, in swap) {
	at := a.instant(in.at)
	if now := eng.Now(); at.Mono < now.Mono {
		at = engine.Instant{Mono: now.Mono, Wall: at.Wall.Add(now.Mono - at.Mono)}
	}
	a.rec.rules(at, in.rules.Hash, nil)
	if a.told != nil {
		a.told.reload(at, in.rules.Hash, true, in.problems)
	}
	a.decided(0, eng.Swap(at, in.rules))
	a.uses(eng)
	a.rec.snapshot(eng)
}

// happened tells of an event and gives the id of its entry in the journal.
func (a *appliance) happened(at engine.Instant, ev *engine.Event) int64 {
	if ev.Kind == engine.KindTarget {
		return 0
	}
	a.pictures.posted(at.Wall, ev)
	if a.onEvent != nil {
		a.onEvent(ev)
	}
	if a.told == nil {
		return 0
	}
	return a.told.event(at, ev)
}

// now is the present, and notices that the wall clock was set.
func (a *appliance) now() engine.Instant {
	at := a.instant(time.Now())
	wall := at.Wall.Sub(a.start) - at.Mono
	if step := wall - a.wall; step.Abs() > time.Second {
		a.wall = wall
		a.rec.clock(at, step)
		if a.told != nil {
			a.told.clock(at, step)
		}
		a.live.clockSet()
	} else if step.Abs() > time.Millisecond {
		a.wall = wall // it is slewed
	}
	return at
}

// contactChanged tells the engine a contact's level.
func (a *appliance) contactChanged(eng *engine.Engine, c contact.Change) {
	at := a.now()
	ev := &engine.Event{Kind: engine.KindContact, Name: c.Name, On: c.On, Unknown: !c.Known, Received: at.Wall}
	// A press that waited while the program stood still opens nothing any more.
	ev.Late = at.Mono-c.At.Sub(a.start) > a.site.Late
	a.rec.contact(at, c.Name, c.On, !c.Known, ev.Late)
	a.live.contact(c.Name)
	ds := eng.Apply(at, ev)
	a.decided(a.happened(at, ev), ds)
}

// fired says whether a rule fired among decisions.
func fired(ds []engine.Decision) bool {
	return slices.ContainsFunc(ds, func(d engine.Decision) bool { return d.Type == engine.DecisionFiring })
}

// whyNot says of each rule on plates that was looked at just now what kept it
// from firing. It is the first question at a gate that stays closed.
func whyNot(eng *engine.Engine) []string {
	var why []string
	now := eng.Now().Wall
	for _, r := range eng.Ruleset().Rules {
		if !slices.Contains(r.On, engine.KindPlate) {
			continue
		}
		var last *engine.Explanation
		eng.Explain(r.Name, func(x *engine.Explanation) { last = x })
		if last == nil || !last.At.Equal(now) {
			continue
		}
		text := last.Why()
		missing := last.Missing()
		if slices.ContainsFunc(missing, func(m *engine.Part) bool { return len(m.Values) > 0 && m.Values[0].Name == "camera.name" }) {
			continue // a rule about another camera
		}
		if len(missing) > 0 {
			text = missing[0].Text + " is " + missing[0].Answer.String()
			for i := range missing[0].Values {
				text += ", " + missing[0].Values[i].Text()
			}
		}
		why = append(why, strconv.Quote(r.Name)+": "+text)
	}
	return why
}

// last tells of the relays that went off, and of the steps that ended, after the loop
// had ended.
func (a *appliance) last() {
	for _, in := range a.inbox.take(nil) {
		at := a.instant(time.Now())
		switch {
		case in.relay != nil:
			if a.onRelay != nil {
				a.onRelay(at, *in.relay)
			}
			if a.told != nil {
				a.told.relay(at, *in.relay)
			}
		case in.outcome != nil && a.told != nil:
			a.told.outcome(at, in.outcome.Outcome, in.outcome.record)
		}
	}
}

// hand gives a step that is due to the runner, and lets it begin before anything
// else is done here: other rules, lines to write.
func (a *appliance) hand(q *engine.Request) {
	a.runner.Submit(*q)
	runtime.Gosched()
}

// syncTime is how long a relay waits for the journal to be on the disk (`sync: true`).
// A disk that hangs or is full does not keep a gate closed for longer.
const syncTime = time.Second

// unsynced is a request that waits for the journal.
type unsynced struct {
	marked <-chan struct{} // its mark is on record; nil: there is none
	ready  chan struct{}
}

// recorded says when the mark of a request is on record: then it may move something.
// With `sync: true` the journal must be on the disk as well.
func (a *appliance) recorded(q engine.Request) <-chan struct{} {
	var marked <-chan struct{}
	if a.keepMark != nil {
		marked = a.keepMark(q.Mark)
	}
	if a.synced == nil {
		return marked
	}
	u := unsynced{marked, make(chan struct{})}
	a.unsynced = append(a.unsynced, u)
	return u.ready
}

// sync lets what waits for the journal go on, once that is on the disk.
func (a *appliance) sync() {
	if len(a.unsynced) == 0 {
		return
	}
	all := a.unsynced
	a.unsynced = nil
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), syncTime)
		defer cancel()
		if err := a.synced(ctx); err != nil {
			a.log.Error("the journal is not on the disk: relays move all the same", "error", err)
			return // they have waited as long as they should
		}
		for _, u := range all {
			if u.marked != nil {
				select {
				case <-u.marked:
				case <-ctx.Done():
					return
				}
			}
			close(u.ready)
		}
	}()
}

// decided tells of what the engine decided; cause is the id of the journal's entry of
// the event behind it, or 0. What is to be done was handed out already.
func (a *appliance) decided(cause int64, ds []engine.Decision) {
	for _, p := range a.presences {
		if id := a.presence(p); cause == 0 {
			cause = id
		}
	}
	a.presences = a.presences[:0]
	if a.onDecision != nil {
		for i := range ds {
			a.onDecision(&ds[i])
		}
	}
	if a.told != nil && len(ds) > 0 {
		a.told.decided(cause, ds)
	}
	a.tally.took(ds, a.told)
	a.live.decided(ds)
	a.sync()
}

// closeRelays turns every relay off and releases the lines, in under a second.
func (a *appliance) closeRelays() error {
	a.closing.Do(a.contact.Close)
	err := a.relay.Close()
	a.memory.close()
	if err != nil {
		return fmt.Errorf("relays: %w", err)
	}
	return nil
}

// runnerTime is how long steps on their way have when the program stops.
const runnerTime = time.Second

// closeRunner gives the steps on their way a moment, then ends them.
func (a *appliance) closeRunner() {
	ctx, cancel := context.WithTimeout(context.Background(), runnerTime)
	defer cancel()
	if err := a.runner.Close(ctx); err != nil {
		a.log.Warn("steps were ended because the program stops")
	}
}
