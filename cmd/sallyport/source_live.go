package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/engine/scene"
	"github.com/sallyport/sallyport/journal"
	"github.com/sallyport/sallyport/web"
)

// liveSource is what the console shows of the scene and of what moves in it.
func (s *source) liveSource() web.LiveSource {
	return web.LiveSource{
		Hub:    s.live.hub,
		Hello:  func() web.Hello { return web.Hello{Now: web.Time{Time: s.instant(time.Now()).Wall}, Run: s.runID()} },
		Missed: s.missed, Zones: s.webZones, Health: s.troubles, Flags: s.flags,
		SetFlag: s.setFlag, Message: s.message, Snapshot: s.snapshot, Tracks: s.tracks, Target: s.target,
	}
}

// runID tells this run of the program from others.
func (s *source) runID() string { return s.start.UTC().Format("20060102T150405.000Z") }

// webTargets are the live targets of a camera, in the order they came.
func webTargets(e *engine.Engine, c engine.CameraDef, now time.Duration) []web.Target {
	targets := e.Targets(c.Name)
	out := make([]web.Target, 0, len(targets))
	for _, t := range targets {
		out = append(out, webTarget(t, c, now))
	}
	return out
}

func webTarget(t *scene.Target, c engine.CameraDef, now time.Duration) web.Target {
	w := web.Target{
		ID: t.ID(), Camera: c.Name, Class: t.Class().String(), Box: [4]int32{t.Box().X1, t.Box().Y1, t.Box().X2, t.Box().Y2},
		Zones: make(map[string]web.Seconds), Age: web.Seconds(t.Age(now)),
	}
	for i := range c.Layout.Zones {
		if t.Inside(i) {
			w.Zones[c.Layout.Zones[i].Name] = web.Seconds(t.Dwell(i, now))
		}
	}
	// A direction and a speed are as good as a tenth.
	if h, ok := t.Heading(); ok {
		h = math.Round(h*10) / 10
		w.Heading = &h
	}
	if v, ok := t.Speed(); ok {
		v = math.Round(v*10) / 10
		w.Speed = &v
	}
	return w
}

// missedSync is how long a stream that goes on waits for the entries that are on their
// way to the disk.
const missedSync = time.Second

// missed gives the entries of the journal after an id, oldest first.
func (s *source) missed(ctx context.Context, after int64, most int) ([]web.StreamEntry, error) {
	if s.disk == nil {
		return nil, errNoJournal
	}
	soon, cancel := context.WithTimeout(ctx, missedSync)
	defer cancel()
	if err := s.disk.journal.Sync(soon); err != nil {
		return nil, err
	}
	entries, _, err := s.disk.journal.List(ctx, journal.Query{After: after, Limit: most})
	if err != nil {
		return nil, err
	}
	items, err := s.entriesJSON(ctx, entries)
	if err != nil {
		return nil, err
	}
	out := make([]web.StreamEntry, len(entries))
	for i := range entries {
		out[i] = web.StreamEntry{ID: entries[i].ID, Body: items[i]}
	}
	return out, nil
}

// webZones gives the zones and lines of the rule files.
func (s *source) webZones(context.Context) ([]web.Zone, error) {
	rs := s.ruleset.Load()
	zoneRules, lineRules := make(map[string][]string), make(map[string][]string)
	for _, r := range rs.Rules {
		for _, z := range r.Uses.Zones {
			zoneRules[z] = append(zoneRules[z], r.Name)
		}
		for _, l := range r.Uses.Lines {
			lineRules[l] = append(lineRules[l], r.Name)
		}
	}
	out := make([]web.Zone, 0, len(rs.Zones)+len(rs.Lines))
	for _, p := range rs.Zones {
		c := &rs.Cameras[p.Camera]
		z := &c.Layout.Zones[p.Index]
		settle, linger := web.Seconds(z.Settle), web.Seconds(z.Linger)
		w := web.Zone{
			Name: p.Name, Kind: "zone", Camera: c.Name, Anchor: z.Anchor.String(), Margin: z.Margin, Settle: &settle, Linger: &linger,
			File: s.below(p.File), Line: p.Line, Import: p.Import, Rules: zoneRules[p.Name],
		}
		for _, class := range []scene.Class{scene.Person, scene.Car, scene.Motor} {
			if z.Classes.Has(class) {
				w.Classes = append(w.Classes, class.String())
			}
		}
		if !z.Unknown {
			for _, v := range z.Polygon {
				w.Points = append(w.Points, [2]int32{v.X, v.Y})
			}
		}
		out = append(out, w)
	}
	for _, p := range rs.Lines {
		c := &rs.Cameras[p.Camera]
		l := &c.Layout.Lines[p.Index]
		w := web.Zone{
			Name: p.Name, Kind: "line", Camera: c.Name, Anchor: l.Anchor.String(), Margin: l.Margin,
			File: s.below(p.File), Line: p.Line, Import: p.Import, Rules: lineRules[p.Name],
		}
		if l.Segment.From != l.Segment.To {
			w.Points = [][2]int32{{l.Segment.From.X, l.Segment.From.Y}, {l.Segment.To.X, l.Segment.To.Y}}
			w.In = "right"
			if l.InLeft {
				w.In = "left"
			}
		}
		out = append(out, w)
	}
	return out, nil
}

// webFlags are all flags.
func webFlags(e *engine.Engine) []web.Flag {
	out := []web.Flag{}
	for _, def := range e.Ruleset().Flags {
		if f, ok := webFlag(e, def.Name); ok {
			out = append(out, f)
		}
	}
	return out
}

func webFlag(e *engine.Engine, name string) (web.Flag, bool) {
	v, since, ok := e.Flag(name)
	if !ok {
		return web.Flag{}, false
	}
	f := web.Flag{Name: name, Since: web.Time{Time: since}}
	switch v.Type {
	case engine.ScalarBool:
		f.Value = v.Bool
	case engine.ScalarNumber:
		f.Value = v.Number
	default:
		f.Value = v.Text
	}
	return f, true
}

func (s *source) flags(ctx context.Context) (out []web.Flag, err error) {
	err = s.ask(ctx, func(e *engine.Engine) { out = webFlags(e) })
	return out, err
}

// setFlag gives a flag another value.
func (s *source) setFlag(ctx context.Context, name string, value any, who string) (web.Flag, error) {
	var v engine.Scalar
	switch x := value.(type) {
	case bool:
		v = engine.Scalar{Type: engine.ScalarBool, Bool: x}
	case float64:
		v = engine.Scalar{Type: engine.ScalarNumber, Number: x}
	case string:
		if len(x) > maxFlagText {
			return web.Flag{}, web.BadQueryError(fmt.Sprintf("a flag's text has at most %d bytes", maxFlagText))
		}
		v = engine.Scalar{Type: engine.ScalarText, Text: x}
	}
	var f web.Flag
	var refused error
	err := s.order(ctx, func(e *engine.Engine) {
		was, _, ok := e.Flag(name)
		switch {
		case !ok:
			refused = web.NotFoundError(fmt.Sprintf("no flag is called %q", name))
			return
		case was.Type != v.Type:
			refused = web.BadQueryError("the flag " + name + " is " + scalarWord(was.Type))
			return
		}
		at := s.now()
		ev := &engine.Event{Kind: engine.KindFlag, Name: name, Value: v, Received: at.Wall}
		s.rec.flag(at, name, v)
		cause := int64(0)
		if s.told != nil {
			cause = s.told.byHand(at, ev, who)
		}
		s.decided(cause, e.Apply(at, ev))
		f, _ = webFlag(e, name)
	})
	if err == nil {
		err = refused
	}
	return f, err
}

// maxFlagText bounds the bytes of a flag's text.
const maxFlagText = 16 << 10

func scalarWord(t engine.ScalarType) string {
	switch t {
	case engine.ScalarBool:
		return "true or false"
	case engine.ScalarNumber:
		return "a number"
	}
	return "a text"
}

// message hands a message to the rules.
func (s *source) message(ctx context.Context, m web.Message) error {
	return s.order(ctx, func(e *engine.Engine) {
		at := s.now()
		ev := &engine.Event{Kind: engine.KindMessage, Message: &engine.Message{Topic: m.Topic, Body: m.Body}, Received: at.Wall}
		s.rec.message(at, m.Topic, m.Text)
		ds := e.Apply(at, ev)
		cause := int64(0)
		if s.told != nil {
			cause = s.told.byHand(at, ev, m.Who)
		}
		s.decided(cause, ds)
	})
}

// byHand tells of an event that somebody made, and who, and gives the id of its entry.
func (l *journaling) byHand(at engine.Instant, ev *engine.Event, who string) int64 {
	b := ev.AppendJSON(nil)
	if name, err := json.Marshal(l.clean(who)); err == nil {
		b = append(append(append(b[:len(b)-1], `,"who":`...), name...), '}')
	}
	return l.put(journal.Entry{At: at.Wall, Kind: journal.KindEvent, Body: b})
}

// How bad a trouble is.
const (
	troubleFault   = "fault"
	troubleWarning = "warning"
)

// oldParcel is how long a step may wait in the outbox before that is a trouble.
const oldParcel = 15 * time.Minute

// silentStart is how long after the start a camera may have posted nothing.
const silentStart = time.Minute

// neverSeen says that nothing has come from a camera, and that nothing else says so.
func neverSeen(c *web.Camera) bool {
	return !c.Online && c.Posts == 0 && !slices.ContainsFunc(c.Problems, func(p web.CameraProblem) bool {
		switch p.Kind {
		case badOffline, badPolling, badLogin, badPin, badPush:
			return true
		}
		return false
	})
}

// troubles gives what is wrong, worst first.
func (s *source) troubles(ctx context.Context) ([]web.Trouble, error) {
	var all []web.Trouble
	add := func(level, area, name, text string, since time.Time) {
		all = append(all, web.Trouble{Level: level, Area: area, Name: name, Text: text, Since: web.Time{Time: since}})
	}
	cams, err := s.cameras(ctx)
	if err != nil {
		add(troubleFault, "console", "", "the engine does not answer: "+err.Error(), time.Time{})
	}
	for _, r := range s.relay.States() {
		if r.Fault != "" {
			add(troubleFault, "relay", r.Name, "relay "+r.Name+" is at fault and stays off: "+r.Fault+"; look at its wiring, then clear the fault", time.Time{})
		}
	}
	for _, c := range s.contact.States() {
		if !c.Known {
			add(troubleFault, "contact", c.Name, "contact "+c.Name+" cannot be read, so rules take it as unknown; look at its line", c.Since.Add(s.shift))
		}
	}
	r := s.current()
	switch {
	case r.instead != "":
		add(troubleFault, "rules", "", "the rule files have errors; "+r.instead, time.Time{})
	case rulefile.Failed(r.problems):
		add(troubleFault, "rules", "", "the rule files have errors; an earlier set is in use until they are corrected", time.Time{})
	}
	if r.unkept != "" {
		add(troubleWarning, "rules", "", "the rules could not be kept as the last good set: the data folder cannot be written: "+r.unkept, time.Time{})
	}
	if s.disk != nil {
		if p := s.disk.journal.Stats().Problem; p != "" {
			add(troubleFault, "journal", "", "the journal cannot be written: "+p, time.Time{})
		}
		if p := s.disk.rec.segments.Stats().Err; p != "" {
			add(troubleFault, "recording", "", "the recording cannot be written: "+p, time.Time{})
		}
	}
	if p := s.service.brokenSite(); p != "" {
		add(troubleFault, "site", "", p, time.Time{})
	}
	if time.Now().Year() < engine.ClockSetYear {
		add(troubleFault, "clock", "", "the clock is not set, so schedules are unknown; set it, or let the network do so", time.Time{})
	}
	if err == nil && len(s.site.Cameras) == 0 {
		add(troubleWarning, "camera", "", "no camera is set up, so nothing is seen: add one under System", time.Time{})
	}
	for _, c := range cams {
		if s.mono() >= silentStart && neverSeen(&c) {
			add(troubleWarning, "camera", c.Name, c.Name+": nothing has come from it since the start; look at its HTTP POST page, or whether it has power and network", s.wallAt(0).Time)
		}
		for _, p := range c.Problems {
			switch p.Kind {
			case "":
			case badOffline:
				add(troubleFault, "camera", c.Name, c.Name+" "+p.Text, p.Since.Time)
			default:
				add(troubleWarning, "camera", c.Name, cameraNews{camera: c.Name, kind: p.Kind, text: p.Text}.line(), p.Since.Time)
			}
		}
	}
	s.oldParcels(func(to, text string, since time.Time) { add(troubleWarning, "outbox", to, text, since) })
	slices.SortStableFunc(all, func(a, b web.Trouble) int {
		switch {
		case a.Level == b.Level:
			return 0
		case a.Level == troubleFault:
			return -1
		}
		return 1
	})
	return all, nil
}

// oldParcels says of each destination how many steps wait for it for too long.
func (s *source) oldParcels(add func(to, text string, since time.Time)) {
	now := time.Now()
	type wait struct {
		n      int
		first  time.Time
		reason string
	}
	waits := make(map[string]*wait)
	var order []string
	for _, p := range s.runner.Outbox() {
		due := p.Due
		if due.Before(p.Created) {
			due = p.Created
		}
		if now.Sub(due) < oldParcel {
			continue
		}
		w := waits[p.Lane]
		if w == nil {
			w = &wait{first: due}
			waits[p.Lane] = w
			order = append(order, p.Lane)
		}
		if w.n++; due.Before(w.first) {
			w.first = due
		}
		if p.Reason != "" {
			w.reason = ": " + p.Reason
		}
	}
	for _, to := range order {
		w := waits[to]
		add(to, fmt.Sprintf("%s to %s could not be done yet, and %s tried again%s", count(w.n, "step"), strconv.Quote(to), isOrAre(w.n), w.reason), w.first.Add(s.shift))
	}
}

func isOrAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
