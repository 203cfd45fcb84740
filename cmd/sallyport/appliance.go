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
	"time"

	"github.com/sallyport/sallyport/actions"
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
	// onEvent and onDecision are told of everything that is worth a line; onFrame
	// of every post, for a recording. They are called by the loop and must not block.
	onEvent    func(*engine.Event)
	onDecision func(*engine.Decision)
	onItem     func(at engine.Instant, it *camera.Item)
	onOutcome  func(at engine.Instant, o engine.Outcome)
	onRelay    func(at engine.Instant, c relay.Change)
	onContact  func(at engine.Instant, ev *engine.Event)
	onLog      func(at engine.Instant, rule, line string)
	// onClosed is told why a plate that was read made no rule fire. May be nil.
	onClosed func(at engine.Instant, plate string, why []string)
	// state is what an earlier run left; onState is told what the next one needs. It
	// is called by the loop and must not block.
	state   *engine.State
	onState func(engine.State)
	// relayState is what an earlier run left of the relays; onRelayState is told what
	// the next one needs, by one goroutine at a time.
	relayState   *relay.Saved
	onRelayState func(relay.Saved)
	log          *slog.Logger
	plates       *plateWatch // may be nil
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
	inbox   inbox
	rulesIn chan *engine.Ruleset
	asks    chan func(*engine.Engine)
	closing sync.Once
	stopped chan struct{} // closed when the loop has ended
	asked   bool          // the loop's own: a relay was asked to go on since the state was kept
	explain time.Duration // the loop's own: when a plate that opened nothing may be explained again
}

// newAppliance puts the parts together. Relays are set off before it returns.
func newAppliance(p parts) (*appliance, error) {
	a := &appliance{
		parts: p, start: time.Now(),
		rulesIn: make(chan *engine.Ruleset, 1), asks: make(chan func(*engine.Engine)), stopped: make(chan struct{}),
	}
	a.inbox.wake = make(chan struct{}, 1)
	var err error
	a.memory = &relayMemory{keep: p.onRelayState}
	a.relay, err = relay.New(p.relays, relay.Options{Now: a.mono, Wall: wallClock, Restore: p.relayState, OnChange: func(c relay.Change, missed int) {
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
		Now: a.mono,
		Report: func(o engine.Outcome, r actions.Record) {
			if r.Err != nil {
				a.log.Warn("a step failed", "rule", r.Request.Firing.Rule.Name, "step", r.Request.Step.Text, "error", r.Err)
			}
			a.inbox.put(input{outcome: &o})
		},
		Handlers: []actions.Handler{
			actions.NewRelay(a.relay),
			httpcall.New(httpcall.Config{}),
			runverb.New(p.site.AllowPrograms, nil),
			shell.New(p.site.AllowShell, nil),
			plates.New(plates.Config{Cameras: p.lists}),
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
	outcome *engine.Outcome
	relay   *relay.Change
	contact *contact.Change
	log     *logLine
}

// logLine is the line of a log step. It waits its turn, so that it stands after
// the decision that wrote it.
type logLine struct{ rule, line string }

// inbox holds inputs until the loop takes them. Every one answers something the
// loop began, or is the change of a contact, of which few come in a second: so what
// is in it is bounded by what runner, relays and contacts hold.
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
func (a *appliance) swapRules(rs *engine.Ruleset) {
	for {
		select {
		case a.rulesIn <- rs:
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
	done := make(chan struct{})
	select {
	case a.asks <- func(e *engine.Engine) { f(e); close(done) }:
	case <-a.stopped:
		return errors.New("the appliance is stopping")
	case <-ctx.Done():
		return ctx.Err()
	}
	<-done
	return nil
}

// loop owns the engine until ctx ends, then ends every rule. It is the only place
// where anyone waits.
func (a *appliance) loop(ctx context.Context) {
	defer close(a.stopped)
	options := engineOptions(a.site)
	options.Hand = a.hand
	options.Restore = a.state
	a.state = nil
	eng, out := engine.New(a.rules, options, a.instant(time.Now()))
	save := newSaving(a.onState)
	defer save.timer.Stop()
	a.decided(out)
	for _, r := range a.relay.States() {
		a.relayChanged(eng, relay.Change{Relay: r.Name, On: r.On})
	}
	var spare []input
	a.takeInbox(eng, &spare) // the first levels of the contacts
	at := a.instant(time.Now())
	a.decided(eng.Apply(at, &engine.Event{Kind: engine.KindStart, Received: at.Wall}))
	timer := time.NewTimer(0)
	defer timer.Stop()
	var armed time.Duration = -1
	always := make(chan struct{})
	close(always)
	more := false
	for {
		if at, ok := eng.Next(); !ok {
			timer.Stop()
			armed = -1
		} else if at != armed {
			timer.Reset(time.Until(a.start.Add(at)))
			armed = at
		}
		save.look(eng, a.asked)
		a.asked = false
		ready := a.port.Ready()
		if more {
			ready = always
		}
		select {
		case <-ctx.Done():
			a.takeInbox(eng, &spare)
			a.decided(eng.Stop(a.instant(time.Now())))
			save.save(eng)
			return
		case <-ready:
			more = a.takePosts(ctx, eng)
		case <-a.inbox.wake:
			a.takeInbox(eng, &spare)
		case <-timer.C:
			armed = -1
			a.decided(eng.Advance(a.instant(time.Now())))
		case <-save.timer.C:
			save.save(eng)
		case rs := <-a.rulesIn:
			a.decided(eng.Swap(a.instant(time.Now()), rs))
		case f := <-a.asks:
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
		it, ok := a.port.Take()
		if !ok {
			return false
		}
		at := a.instant(it.Received)
		if a.onItem != nil {
			if now := eng.Now(); at.Mono < now.Mono {
				at.Wall = at.Wall.Add(now.Mono - at.Mono)
				at.Mono = now.Mono
			}
			a.onItem(at, it)
		}
		for _, ev := range it.Events {
			ev.Received = at.Wall
			// What is to be done is handed out inside Apply; lines are made after it.
			ds := eng.Apply(at, ev)
			if a.onEvent != nil && ev.Kind != engine.KindTarget {
				a.onEvent(ev)
			}
			a.decided(ds)
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
		a.port.Release(it)
		if a.asked {
			return true // what a restart must know is kept before anything else
		}
	}
	return true
}

func (a *appliance) takeInbox(eng *engine.Engine, spare *[]input) {
	q := a.inbox.take(*spare)
	for i := range q {
		at := a.instant(time.Now())
		switch in := &q[i]; {
		case in.outcome != nil:
			if a.onOutcome != nil {
				a.onOutcome(at, *in.outcome)
			}
			a.decided(eng.Outcome(at, *in.outcome))
		case in.relay != nil:
			a.relayChanged(eng, *in.relay)
		case in.contact != nil:
			a.contactChanged(eng, *in.contact)
		case in.log != nil:
			a.onLog(at, in.log.rule, in.log.line)
		}
		q[i] = input{}
	}
	*spare = q
}

// relayChanged tells the engine a relay's level, which rules may read.
func (a *appliance) relayChanged(eng *engine.Engine, c relay.Change) {
	at := a.instant(time.Now())
	if a.onRelay != nil {
		a.onRelay(at, c)
	}
	a.decided(eng.Apply(at, &engine.Event{Kind: engine.KindRelay, Name: c.Relay, On: c.On, Received: at.Wall}))
}

// contactChanged tells the engine a contact's level.
func (a *appliance) contactChanged(eng *engine.Engine, c contact.Change) {
	at := a.instant(time.Now())
	ev := &engine.Event{Kind: engine.KindContact, Name: c.Name, On: c.On, Received: at.Wall}
	// A press that waited while the program stood still opens nothing any more.
	ev.Late = at.Mono-c.At.Sub(a.start) > a.site.Late
	if a.onContact != nil {
		a.onContact(at, ev)
	}
	ds := eng.Apply(at, ev)
	if a.onEvent != nil {
		a.onEvent(ev)
	}
	a.decided(ds)
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

// lastRelays tells of the relays that went off after the loop had ended.
func (a *appliance) lastRelays() {
	for _, in := range a.inbox.take(nil) {
		if in.relay != nil && a.onRelay != nil {
			a.onRelay(a.instant(time.Now()), *in.relay)
		}
	}
}

// hand gives a step that is due to the runner, and lets it begin before anything
// else is done here: other rules, lines to write.
func (a *appliance) hand(q *engine.Request) {
	a.runner.Submit(*q)
	if r, ok := q.Args.(engine.RelayArgs); ok && !q.Lease && r.Op != engine.RelayOff {
		a.asked = true
	}
	runtime.Gosched()
}

// decided tells of what the engine decided. What is to be done was handed out already.
func (a *appliance) decided(ds []engine.Decision) {
	if a.onDecision != nil {
		for i := range ds {
			a.onDecision(&ds[i])
		}
	}
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
