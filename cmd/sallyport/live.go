package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/journal"
	"github.com/sallyport/sallyport/web"
)

const (
	// sceneEvery is how often the streams are told at most who is where, ruleEvery how
	// a rule stands, and slowEvery what changes all the time but matters little.
	sceneEvery = 100 * time.Millisecond
	ruleEvery  = 200 * time.Millisecond
	slowEvery  = time.Second
	// followTime is how long the loop may take to say what changed.
	followTime = 2 * time.Second
	// maxShown is how many keys of a rule are shown.
	maxShown = 20
	// maxNoted bounds what waits to be told to the streams.
	maxNoted = 1024
)

// live notes what happens for the console's streams, while anybody follows one: else
// each note costs an atomic load. None of its methods waits. A nil live notes nothing.
type live struct {
	hub  *web.Hub
	wake chan struct{}

	mu sync.Mutex // guards noted
	noted
}

// noted is what happened since the streams were told.
type noted struct {
	crossings []web.Crossing
	fired     map[string]bool // rules
	rules     map[string]bool // those that were given another mode
	relays    map[string]bool
	contacts  map[string]bool
	entries   []journal.Entry
	lost      bool // there was no room
}

func newLive(hub *web.Hub) *live { return &live{hub: hub, wake: make(chan struct{}, 1)} }

func (l *live) on() bool { return l != nil && l.hub.Listening() }

// nudge says that there is something to tell.
func (l *live) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// decided notes decisions, and that the scene may have changed.
func (l *live) decided(ds []engine.Decision) {
	if !l.on() {
		return
	}
	l.mu.Lock()
	for i := range ds {
		switch d := &ds[i]; d.Type {
		case engine.DecisionCross:
			if len(l.crossings) < maxNoted {
				l.crossings = append(l.crossings, web.Crossing{At: web.Time{Time: d.At.Wall}, Camera: d.Camera, Line: d.Line, Direction: d.Direction, Target: d.Target})
			}
		case engine.DecisionFiring:
			note(&l.fired, d.Rule.Name)
		}
	}
	l.mu.Unlock()
	l.nudge()
}

// note adds a name to a set.
func note(set *map[string]bool, name string) {
	if *set == nil {
		*set = make(map[string]bool)
	}
	(*set)[name] = true
}

// rule notes that a rule was given another mode.
func (l *live) rule(name string) { l.changed(func() { note(&l.rules, name) }) }

// relay notes that a relay's state changed.
func (l *live) relay(name string) { l.changed(func() { note(&l.relays, name) }) }

// clockSet lets every page ask for the clock anew: by it a press is late or not.
func (l *live) clockSet() {
	if l.on() {
		l.hub.Renew()
	}
}

// contact notes that a contact's level changed.
func (l *live) contact(name string) { l.changed(func() { note(&l.contacts, name) }) }

// entry notes an entry of the journal, which has its id.
func (l *live) entry(e journal.Entry) {
	l.changed(func() {
		if len(l.entries) >= maxNoted {
			l.entries, l.lost = nil, true
		}
		e.Body = bytes.Clone(e.Body)
		l.entries = append(l.entries, e)
	})
}

func (l *live) changed(f func()) {
	if !l.on() {
		return
	}
	l.mu.Lock()
	f()
	l.mu.Unlock()
	l.nudge()
}

// take gives what was noted, and forgets it.
func (l *live) take() noted {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.noted
	l.noted = noted{}
	return n
}

// tellStreams tells the streams what happens, as long as there are any, until ctx ends.
func (s *source) tellStreams(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.live.hub.Arrived():
			f := follower{source: s, scenes: make(map[string]uint64), told: make(map[string]time.Time), dirty: make(map[string]bool), cams: make(map[string][]byte), pictures: make(map[int64]journal.Picture)}
			f.run(ctx)
		}
	}
}

// follower tells the streams what changed, from the first one that is opened to the
// end of the last.
type follower struct {
	*source
	fresh  bool                 // somebody new needs the whole scene
	scenes map[string]uint64    // how often each camera's targets had changed when they were told
	flags  uint64               // how often the flags had changed
	told   map[string]time.Time // when each rule was told last
	dirty  map[string]bool      // rules to be told
	last   time.Time            // when anything was told
	slow   time.Time            // when what is slow was
	cams   map[string][]byte    // what was told of each camera
	health []byte
	rules  ruleStatus
	known  bool // rules and health are those of before
	// pictures are those of the entries that were told, by the entry's id.
	pictures map[int64]journal.Picture
}

func (f *follower) run(ctx context.Context) {
	f.fresh = true
	f.take() // what happened before anybody followed
	timer := time.NewTimer(0)
	defer timer.Stop()
	for f.live.on() {
		f.tell(ctx)
		wait := slowEvery - time.Since(f.slow)
		if len(f.dirty) > 0 {
			wait = min(wait, ruleEvery/2)
		}
		timer.Reset(max(wait, 0))
		select {
		case <-ctx.Done():
			return
		case <-f.live.hub.Arrived():
			f.fresh = true
		case <-f.live.wake:
		case <-timer.C:
		}
		if rest := sceneEvery - time.Since(f.last); rest > 0 {
			timer.Reset(rest)
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
		}
	}
}

func (f *follower) take() noted { return f.live.take() }

// tell tells what changed.
func (f *follower) tell(ctx context.Context) {
	now := time.Now()
	f.last = now
	n := f.take()
	hub := f.live.hub
	at := f.instant(now)
	scene := make(map[string][]web.Target)
	var ticks []web.RuleTick
	var flags []web.Flag
	ctx, cancel := context.WithTimeout(ctx, followTime)
	defer cancel()
	err := f.ask(ctx, func(e *engine.Engine) {
		for _, c := range e.Ruleset().Cameras {
			seq := e.SceneChanges(c.Name)
			was, known := f.scenes[c.Name]
			if f.fresh && seq > 0 || known && seq != was || !known && seq > 0 {
				scene[c.Name] = webTargets(e, c, at.Mono)
			}
			f.scenes[c.Name] = seq
		}
		e.Stirred(func(rule string) { f.dirty[rule] = true })
		for _, names := range []map[string]bool{n.fired, n.rules} {
			for rule := range names {
				f.dirty[rule] = true
			}
		}
		for rule := range f.dirty {
			if !n.fired[rule] && now.Sub(f.told[rule]) < ruleEvery {
				continue
			}
			if t, ok := ruleTick(e, rule); ok {
				t.Fired = n.fired[rule]
				ticks = append(ticks, t)
				f.told[rule] = now
			}
			delete(f.dirty, rule)
		}
		if c := e.FlagChanges(); c != f.flags {
			f.flags = c
			flags = webFlags(e)
		}
	})
	if err != nil {
		if ctx.Err() == nil {
			hub.Reset()
		}
		return
	}
	f.fresh = false
	if n.lost {
		hub.Reset()
	}
	if len(scene) > 0 {
		hub.Scene(at.Wall, scene)
	}
	for _, c := range n.crossings {
		hub.Cross(c)
	}
	slices.SortFunc(ticks, func(a, b web.RuleTick) int { return cmp.Compare(a.Name, b.Name) })
	for _, t := range ticks {
		hub.Rule(t)
	}
	for _, v := range flags {
		hub.Flag(v)
	}
	f.tellNoted(ctx, &n)
	if now.Sub(f.slow) >= slowEvery {
		f.slow = now
		f.tellSlow(ctx)
	}
}

// tellNoted tells of relays, contacts and entries.
func (f *follower) tellNoted(ctx context.Context, n *noted) {
	hub := f.live.hub
	for _, r := range f.relay.States() {
		if n.relays[r.Name] {
			hub.Relay(f.webRelay(r))
		}
	}
	if len(n.contacts) > 0 {
		contacts, err := f.contacts(ctx)
		for _, c := range contacts {
			if err == nil && n.contacts[c.Name] {
				hub.Contact(c)
			}
		}
	}
	slices.SortStableFunc(n.entries, func(a, b journal.Entry) int { return cmp.Compare(a.ID, b.ID) })
	for i := range n.entries {
		hub.Entry(web.StreamEntry{ID: n.entries[i].ID, Body: journalJSON(&n.entries[i], f.shows(&n.entries[i]), siteZone(f.site))})
	}
}

// shows finds the picture that shows an entry among those that the streams were told of:
// its own, or else that of the event that led to it.
func (f *follower) shows(e *journal.Entry) *journal.Picture {
	for _, img := range e.Images {
		if img.Missing == "" {
			p := journal.Picture{Entry: e.ID, Name: img.Name, At: e.At}
			if len(f.pictures) >= maxPictures {
				clear(f.pictures)
			}
			f.pictures[e.ID] = p
			return &p
		}
	}
	for _, id := range []int64{e.Event, e.Firing} {
		if p, ok := f.pictures[id]; ok {
			f.pictures[e.ID] = p // what it leads to is shown by it too
			return &p
		}
	}
	return nil
}

// maxPictures bounds the pictures that are remembered for the entries to come.
const maxPictures = 512

// tellSlow tells of cameras, health and the rule set, when they are otherwise than before.
func (f *follower) tellSlow(ctx context.Context) {
	hub := f.live.hub
	if cams, err := f.cameras(ctx); err == nil {
		for _, c := range cams {
			b, err := json.Marshal(c)
			if err != nil || bytes.Equal(b, f.cams[c.Name]) {
				continue
			}
			f.cams[c.Name] = b
			hub.Camera(c)
		}
	}
	if all, err := f.troubles(ctx); err == nil {
		if b, err := json.Marshal(all); err == nil && !bytes.Equal(b, f.health) {
			f.health = b
			if f.known {
				hub.Health(all)
			}
		}
	}
	now := f.current()
	if f.known && (now.hash != f.rules.hash || !now.loadedAt.Equal(f.rules.loadedAt) || !slices.Equal(now.problems, f.rules.problems)) {
		hub.Rules(f.ruleSet())
	}
	f.rules, f.known = now, true
}
