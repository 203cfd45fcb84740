package ruletest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/engine"
)

const (
	// origin is the decision clock when a test begins; the program has been running.
	origin = time.Hour
	// before is how long it ran, so that nothing in a test is a first look.
	before = 10 * time.Minute
	// handed is how long before the test somebody put the relays as given.
	handed = time.Second
	// beat is how often a camera says that it is there.
	beat = 30 * time.Second
	// longestTail is how long the clock runs on after the last thing a test names.
	longestTail = 24 * time.Hour
	// maxTurns ends a test whose rules never come to rest.
	maxTurns = 5_000_000
)

// factType is what kind of thing happened.
type factType uint8

const (
	factInput factType = iota
	factEnter
	factLeave
	factCross
	factVanish
	factPlate
	factFiring
	factEnd
	factHeld // a rule or a step was held back
	factCall
	factRelay
	factFlag
	factFault
)

// fact is one thing that happened.
type fact struct {
	at     time.Duration // since the test began
	kind   factType
	rule   string
	key    string
	name   string // zone, line, relay, flag
	text   string // the line of a story
	reason string
	on     bool // relay
	value  engine.Scalar
	do     engine.Args
	words  string // a call as expectations see it
}

// runner runs one test.
type runner struct {
	t      *test
	rules  *engine.Ruleset
	eng    *engine.Engine
	relays Relays
	facts  []fact
	flags  []fact // that changed in the present call of the engine
	// queue holds what the engine is to be told, in the order it happened.
	queue  []answer
	wall   time.Time // at the decision clock's origin
	silent map[string]bool
	loc    *time.Location
	stuck  bool
}

// answer is a relay's new level, or what became of a step.
type answer struct {
	relay   *Change
	outcome engine.Outcome
}

func (r *runner) instant(at time.Duration) engine.Instant {
	return engine.Instant{Mono: at, Wall: r.wall.Add(at - origin)}
}

// run plays the test. With a witness its looks are told; the decisions are the same.
func (t *test) run(o *Options, see *witness) (*runner, error) {
	relays, err := o.Relays(relayNames(t, o))
	if err != nil {
		return nil, err
	}
	r := &runner{t: t, relays: relays, wall: t.at, silent: make(map[string]bool)}
	r.rules = r.ruleset(o.Rules, see)
	r.loc = time.UTC
	if r.rules.Location != nil {
		r.loc = r.rules.Location
	}
	r.start(o, see)
	r.play()
	return r, nil
}

// relayNames are the relays that a test needs when no site file names them.
func relayNames(t *test, o *Options) []string {
	out := slices.Clone(t.relays)
	for _, rule := range o.Rules.Rules {
		for _, n := range drives(rule) {
			if !contains(out, n) {
				out = append(out, n)
			}
		}
	}
	slices.Sort(out)
	return out
}

// ruleset is the set with the flags as given, with one more rule at its end that
// does nothing but see flags change, and with a witness of the rules asked for.
func (r *runner) ruleset(rs *engine.Ruleset, see *witness) *engine.Ruleset {
	c := *rs
	c.Flags = slices.Clone(rs.Flags)
	for i := range c.Flags {
		for _, g := range r.t.given.flags {
			if g.Name == c.Flags[i].Name {
				c.Flags[i].Initial = g.Initial
			}
		}
	}
	c.Rules = slices.Clone(rs.Rules)
	if see != nil {
		for i, rule := range c.Rules {
			c.Rules[i] = see.watched(rule)
		}
	}
	c.Rules = append(c.Rules, &engine.Rule{
		Name: "\x00flags", Identity: "\x00flags", On: []engine.Kind{engine.KindFlag}, Per: engine.PerName, Level: true,
		When: &engine.Cond{Test: func(l *engine.Look) engine.Truth {
			ev := l.Event()
			r.flags = append(r.flags, fact{at: l.Instant().Mono - origin, kind: factFlag, name: ev.Name, value: ev.Value, text: fmt.Sprintf("flag %s is %s", ev.Name, scalarText(ev.Value))})
			return engine.False
		}},
	})
	return &c
}

// start brings the program up some time before the test begins.
func (r *runner) start(o *Options, see *witness) {
	at := r.instant(origin - before)
	options := o.Engine
	options.NoOutcomes = false
	eng, out := engine.New(r.rules, options, at)
	r.eng = eng
	if see != nil {
		eng.SetWatch(func(rule *engine.Rule, l *engine.Look, _ string, _ engine.Truth) { see.see(rule, l) })
	}
	r.decided(out)
	names := relayNames(r.t, o)
	for _, n := range o.RelayNames {
		if !contains(names, n) {
			names = append(names, n)
		}
	}
	for _, n := range names {
		r.apply(at, &engine.Event{Kind: engine.KindRelay, Name: n})
	}
	contacts := slices.Clone(o.Contacts)
	levels := make(map[string]bool)
	for _, in := range r.t.inputs {
		if in.event != nil && in.event.Kind == engine.KindContact && !contains(contacts, in.event.Name) {
			contacts = append(contacts, in.event.Name)
		}
	}
	for _, w := range r.t.given.contacts {
		levels[w.name] = w.on
		if !contains(contacts, w.name) {
			contacts = append(contacts, w.name)
		}
	}
	for _, n := range contacts {
		r.apply(at, &engine.Event{Kind: engine.KindContact, Name: n, On: levels[n]})
	}
	for _, c := range r.t.given.offline {
		r.silent[c] = true
		r.apply(at, &engine.Event{Kind: engine.KindCamera, Camera: c, Name: c})
	}
	r.beats(at)
	// Alarms of the test have been heard of before: they were off.
	for _, in := range r.t.inputs {
		if ev := in.event; ev != nil && ev.Kind == engine.KindAlarm && ev.Alarm != nil && !r.silent[ev.Camera] {
			r.apply(at, &engine.Event{Kind: engine.KindAlarm, Camera: ev.Camera, Alarm: &engine.Alarm{Name: ev.Alarm.Name, ID: ev.Alarm.ID}})
		}
	}
	r.apply(at, &engine.Event{Kind: engine.KindStart})
}

// beats lets every camera that is not silent say that it is there.
func (r *runner) beats(at engine.Instant) {
	for _, c := range r.rules.Cameras {
		if !r.silent[c.Name] {
			r.apply(at, &engine.Event{Kind: engine.KindHeartbeat, Camera: c.Name})
		}
	}
}

// inputs are what happens just before the test: relays are put as given.
func (g *given) inputs() []input {
	var out []input
	for _, w := range g.relays {
		if w.on {
			out = append(out, input{at: -handed, relay: &relayInput{relay: w.name, args: engine.RelayArgs{Relay: w.name, Op: engine.RelayOn}}})
		}
	}
	return out
}

// end is the last moment that the test itself names.
func (t *test) end() time.Duration {
	if t.until > 0 {
		return t.until
	}
	end := time.Duration(0)
	if n := len(t.inputs); n > 0 {
		end = t.inputs[n-1].at
	}
	for i := range t.expect {
		if x := &t.expect[i]; x.hasAt {
			end = max(end, x.at+x.within)
		}
	}
	return end
}

// play lets everything happen, each thing at its own moment.
func (r *runner) play() {
	end := origin + r.t.end()
	inputs := append(r.t.given.inputs(), r.t.inputs...)
	nextBeat := r.eng.Now().Mono + beat
	for turn := 0; ; turn++ {
		if turn > maxTurns {
			r.stuck = true
			return
		}
		at, what := end, 0
		consider := func(t time.Duration, ok bool, w int) {
			if ok && t <= end && (what == 0 || t < at) {
				at, what = t, w
			}
		}
		t, ok := r.relays.Next()
		consider(t, ok, 1)
		t, ok = r.eng.Next()
		consider(t, ok, 2)
		consider(nextBeat, true, 3)
		if len(inputs) > 0 {
			consider(origin+inputs[0].at, true, 4)
		}
		at = max(at, r.eng.Now().Mono)
		switch what {
		case 0:
			r.advance(end)
			if r.t.until == 0 {
				r.tail(end + longestTail)
			}
			return
		case 1, 2:
			r.advance(at)
		case 3:
			r.advance(at)
			r.beats(r.instant(at))
			nextBeat += beat
		case 4:
			r.advance(at)
			r.take(at, &inputs[0])
			inputs = inputs[1:]
		}
	}
}

// tail lets the clock run on until no target, pending or hold is left.
func (r *runner) tail(end time.Duration) {
	r.eng.Rest()
	for range maxTurns {
		at, ok := r.eng.Next()
		if !ok || at > end {
			return
		}
		if t, ok := r.relays.Next(); ok && t < at {
			at = t
		}
		r.advance(max(at, r.eng.Now().Mono))
	}
	r.stuck = true
}

// advance lets time pass: relays first, for theirs is the shorter way.
func (r *runner) advance(to time.Duration) {
	r.changed(r.relays.Advance(to))
	r.settle(to)
	r.decided(r.eng.Advance(r.instant(to)))
	r.settle(to)
}

func (r *runner) apply(at engine.Instant, ev *engine.Event) {
	ev.Received = at.Wall
	r.decided(r.eng.Apply(at, ev))
	r.settle(at.Mono)
}

// take lets one thing of the test happen.
func (r *runner) take(at time.Duration, in *input) {
	switch {
	case !in.clock.IsZero():
		r.wall = in.clock.Add(origin - at)
		r.note(at, "the clock is set to "+in.clock.In(r.loc).Format("2006-01-02 15:04:05"))
		r.decided(r.eng.Advance(r.instant(at)))
		r.settle(at)
	case in.relay != nil:
		r.note(at, "somebody asks relay "+in.relay.relay+" for "+in.relay.args.Op.String())
		r.byHand(at, in.relay)
		r.changed(r.relays.Advance(at))
		r.settle(at)
	default:
		ev := in.event.Clone()
		if ev.Kind == engine.KindCamera {
			r.silent[ev.Camera] = !ev.On
		}
		if text := eventText(ev); text != "" {
			r.note(at, text)
		}
		r.apply(r.instant(at), ev)
	}
}

// byHand asks a relay in nobody's name.
func (r *runner) byHand(at time.Duration, in *relayInput) {
	r.relays.Do(at, &engine.Request{Firing: &engine.Firing{Rule: &engine.Rule{}}, Step: &engine.Step{Text: "by hand"}, Args: in.args, Due: at})
}

// settle tells the engine what became of its steps and of the relays, until
// nothing is left to tell.
func (r *runner) settle(at time.Duration) {
	for n := 0; len(r.queue) > 0; n++ {
		if n > maxTurns/10 {
			r.stuck, r.queue = true, nil
			return
		}
		a := r.queue[0]
		r.queue = r.queue[1:]
		now := r.instant(at)
		if a.relay != nil {
			r.decided(r.eng.Apply(now, &engine.Event{Kind: engine.KindRelay, Name: a.relay.Relay, On: a.relay.On, Received: now.Wall}))
			continue
		}
		r.decided(r.eng.Outcome(now, a.outcome))
	}
}

// changed notes what relays did.
func (r *runner) changed(list []Change) {
	for _, c := range list {
		word := "off"
		if c.On {
			word = "on"
		}
		f := fact{at: c.At - origin, kind: factRelay, name: c.Relay, on: c.On, rule: c.Rule, key: c.Key, text: fmt.Sprintf("relay %s goes %s (%s)", c.Relay, word, c.Cause)}
		if c.Fault != "" {
			f.text += "; fault: " + c.Fault
		}
		r.add(f)
		r.queue = append(r.queue, answer{relay: &c})
	}
}

func (r *runner) add(f fact) { r.facts = append(r.facts, f) }

func (r *runner) note(at time.Duration, text string) {
	r.add(fact{at: at - origin, kind: factInput, text: text})
}

// decided notes what the engine decided and carries it out as far as relays go.
func (r *runner) decided(list []engine.Decision) {
	for i := range list {
		d := &list[i]
		r.decision(d)
		if d.Do == nil {
			continue
		}
		q := *d.Do
		out := engine.Outcome{Firing: q.Firing.ID, Index: q.Index, Finally: q.Finally, Begun: true}
		if _, ok := q.Args.(engine.RelayArgs); ok {
			out.Begun, out.Reason = r.relays.Do(d.At.Mono, &q)
			r.changed(r.relays.Advance(d.At.Mono))
			if q.Lease && out.Reason != "" {
				r.add(fact{at: d.At.Mono - origin, kind: factHeld, rule: d.Rule.Name, key: d.Key, reason: out.Reason, text: fmt.Sprintf("rule %q: %s: held back (%s)", d.Rule.Name, d.Step, out.Reason)})
			}
			if out.Begun {
				out.Reason = ""
			}
		} else {
			words := callText(q.Step, q.Args)
			text := words
			if slices.ContainsFunc(r.t.fails, func(s string) bool { return strings.Contains(words, s) }) {
				out.Begun, out.Reason = false, "failed"
				text += " (fails)"
			}
			r.add(fact{at: d.At.Mono - origin, kind: factCall, rule: d.Rule.Name, key: d.Key, do: q.Args, words: words, text: text})
		}
		if !q.Lease {
			r.queue = append(r.queue, answer{outcome: out})
		}
	}
	r.facts = append(r.facts, r.flags...)
	r.flags = r.flags[:0]
}

// decision notes one decision.
func (r *runner) decision(d *engine.Decision) {
	f := fact{at: d.At.Mono - origin, key: d.Key, reason: d.Reason}
	target := d.Camera
	if d.HasTarget {
		target += "/" + strconv.FormatUint(d.Target, 10)
	}
	why := ""
	if d.Reason != "" {
		why = " (" + d.Reason + ")"
	}
	if d.Rule != nil {
		f.rule = d.Rule.Name
	}
	forKey := ""
	if d.Key != "" {
		forKey = " for " + d.Key
	}
	switch d.Type {
	case engine.DecisionEnter:
		f.kind, f.name, f.text = factEnter, d.Zone, fmt.Sprintf("%s enters %s", target, d.Zone)
	case engine.DecisionLeave:
		f.kind, f.name, f.text = factLeave, d.Zone, fmt.Sprintf("%s leaves %s after %s%s", target, d.Zone, seconds(d.Dwell), why)
	case engine.DecisionCross:
		f.kind, f.name, f.reason, f.text = factCross, d.Line, d.Direction, fmt.Sprintf("%s crosses %s, %s", target, d.Line, d.Direction)
	case engine.DecisionVanish:
		f.kind, f.text = factVanish, target+" is gone"
	case engine.DecisionPlate:
		f.kind, f.text = factPlate, fmt.Sprintf("%s reads plate %s%s", d.Camera, d.Key, why)
	case engine.DecisionFiring:
		f.kind, f.text = factFiring, fmt.Sprintf("rule %q fires%s%s", f.rule, forKey, why)
	case engine.DecisionEnd:
		f.kind, f.text = factEnd, fmt.Sprintf("rule %q ends%s%s", f.rule, forKey, why)
	case engine.DecisionSuppressed:
		f.kind = factHeld
		switch {
		case d.Rule == nil:
			f.text = fmt.Sprintf("%s: left out%s", d.Camera, why)
		case d.Step != "":
			f.text = fmt.Sprintf("rule %q%s: %s: held back%s", f.rule, forKey, d.Step, why)
		default:
			f.text = fmt.Sprintf("rule %q is held back%s%s", f.rule, forKey, why)
		}
	default:
		return // what a step does is noted when it is done
	}
	r.add(f)
}

// callText is a step as expectations see it: its verb, where it goes, what it says.
func callText(s *engine.Step, args engine.Args) string {
	switch a := args.(type) {
	case engine.HTTPArgs:
		text := a.Method + " " + a.URL
		if len(a.Body) > 0 {
			text += " " + string(a.Body)
		}
		return text
	case engine.RunArgs:
		return "run " + strings.Join(a.Argv, " ")
	case engine.ShellArgs:
		return "shell " + a.Command
	case engine.NotifyArgs:
		text := "notify " + a.Notifier
		if a.Title != "" {
			text += ": " + a.Title
		}
		if a.Text != "" {
			text += ": " + a.Text
		}
		return text
	case engine.PlatesArgs:
		text := "plates " + a.Op.String() + " " + a.Number
		preposition := " to "
		switch a.Op {
		case engine.PlatesRemove:
			preposition = " from "
		case engine.PlatesUpdate:
			preposition = " on "
		case engine.PlatesMove:
			return text + " from " + a.List + " to " + a.To
		}
		if a.List != "" {
			text += preposition + a.List
		}
		return text
	case engine.LogArgs:
		return "log: " + a.Text
	}
	return s.Text
}

// eventText is what an input is called in a story; empty for what needs no line.
func eventText(ev *engine.Event) string {
	level := func(on string, off string) string {
		if ev.On {
			return on
		}
		return off
	}
	switch ev.Kind {
	case engine.KindTarget, engine.KindPlate, engine.KindHeartbeat, engine.KindFlag:
		return ""
	case engine.KindContact:
		return "contact " + ev.Name + " goes " + level("on", "off")
	case engine.KindCamera:
		return "camera " + ev.Camera + " is " + level("online", "offline")
	case engine.KindMessage:
		return "message " + ev.Message.Topic
	case engine.KindAlarm:
		if ev.Alarm.On {
			return fmt.Sprintf("%s: alarm %s is on", ev.Camera, ev.Alarm.Name)
		}
		return fmt.Sprintf("%s: alarm %s is off", ev.Camera, ev.Alarm.Name)
	case engine.KindStart:
		return "the program starts"
	}
	return fmt.Sprintf("%s: %s", ev.Camera, ev.Kind)
}

// seconds is a duration as people read a stopwatch, 2.857s, or a clock, 8h0m0s.
func seconds(d time.Duration) string {
	if d >= 10*time.Minute {
		return d.Round(time.Millisecond).String()
	}
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	ms := int64((d + time.Millisecond/2) / time.Millisecond)
	text := fmt.Sprintf("%s%d.%03d", sign, ms/1000, ms%1000)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "s"
}

func scalarText(s engine.Scalar) string {
	switch s.Type {
	case engine.ScalarBool:
		return strconv.FormatBool(s.Bool)
	case engine.ScalarNumber:
		return strconv.FormatFloat(s.Number, 'g', -1, 64)
	case engine.ScalarText:
		return strconv.Quote(s.Text)
	}
	return "unknown"
}
