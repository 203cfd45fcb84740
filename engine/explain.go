package engine

import (
	"slices"
	"time"
)

// Reading is one value that a part of a condition read.
type Reading struct {
	// Name is what was read, as the rule writes it: dwell("porch").
	Name string `json:"name"`
	// Value is as people read it: 1.7s, "approach", 87; unknown when it is not known.
	Value string `json:"value"`
	// Bound is what the part holds the value against; nil when that is no constant number or duration.
	Bound *Bound `json:"bound,omitempty"`
}

// Bound is what a value is compared with, and how near it came.
type Bound struct {
	Value string `json:"value"`
	// Off is how far the value is from the bound, in thousandths of the bound.
	Off int `json:"off"`
}

// Part is one part of a condition on one look: its answer, and the values it read.
type Part struct {
	// Op is and, or, not; empty for a part that is not split further.
	Op string `json:"op,omitempty"`
	// Text is the part's source.
	Text   string `json:"text"`
	Answer Truth  `json:"answer"`
	// Missing is set on the parts that would have to be otherwise for the whole
	// to be true: the fewest of them, and of as many the nearest.
	Missing bool      `json:"missing,omitempty"`
	Values  []Reading `json:"values,omitempty"`
	Parts   []Part    `json:"parts,omitempty"`
}

// far is how far off a part is whose value has no distance.
const far = 1000

// short tells how many parts keep p from an answer, and how far these are off
// together, in thousandths. An unknown is as far off as can be.
func (p *Part) short(want Truth) (parts, off int) {
	if p.Answer == want {
		return 0, 0
	}
	switch p.Op {
	case "not":
		return p.Parts[0].short(want.Not())
	case "and", "or":
		all := (p.Op == "and") == (want == True)
		for i := range p.Parts {
			n, o := p.Parts[i].short(want)
			switch {
			case all:
				parts, off = parts+n, off+o
			case i == 0 || n < parts || n == parts && o < off:
				parts, off = n, o
			}
		}
		return parts, off
	}
	off = far
	for i := range p.Values {
		if b := p.Values[i].Bound; b != nil && p.Answer != Unknown {
			off = min(b.Off, far)
		}
	}
	return 1, off
}

// miss marks the parts that keep p from an answer.
func (p *Part) miss(want Truth) {
	if p.Answer == want {
		return
	}
	switch {
	case p.Op == "":
		p.Missing = true
	case p.Op == "not":
		p.Parts[0].miss(want.Not())
	case (p.Op == "and") == (want == True):
		for i := range p.Parts {
			p.Parts[i].miss(want)
		}
	default:
		best := 0
		parts, off := p.Parts[0].short(want)
		for i := range p.Parts[1:] {
			if n, o := p.Parts[i+1].short(want); n < parts || n == parts && o < off {
				best, parts, off = i+1, n, o
			}
		}
		p.Parts[best].miss(want)
	}
}

// missing gives the leaves that are marked, in order.
func (p *Part) missing(add []*Part) []*Part {
	if p.Missing {
		add = append(add, p)
	}
	for i := range p.Parts {
		add = p.Parts[i].missing(add)
	}
	return add
}

// trace evaluates a condition with every part, also those whose answer no longer
// matters. reached says that an evaluation would come here: what a part after that
// matched on a list is not kept.
func (c *Cond) trace(l *Look, reached bool) Part {
	p := Part{Text: c.Text}
	switch c.Op {
	case CondLeaf:
		match := l.match
		p.Answer = c.Test(l)
		if c.Read != nil {
			p.Values = c.Read(l)
		}
		if !reached {
			l.match = match
		}
		return p
	case CondNot:
		p.Op, p.Parts = "not", []Part{c.Kids[0].trace(l, reached)}
		p.Answer = p.Parts[0].Answer.Not()
		return p
	}
	// stop is what decides the whole.
	stop := TruthOf(c.Op == CondOr)
	p.Op, p.Answer = "and", stop.Not()
	if c.Op == CondOr {
		p.Op = "or"
	}
	for _, k := range c.Kids {
		part := k.trace(l, reached)
		switch {
		case part.Answer == stop:
			p.Answer, reached = stop, false
		case part.Answer == Unknown && p.Answer != stop:
			p.Answer = Unknown
		}
		p.Parts = append(p.Parts, part)
	}
	return p
}

// Explanation says of one look of one rule what its condition read, where the
// key stood afterwards, and what held it back. It does not change any more.
type Explanation struct {
	Rule string
	File string
	Line int
	// At is the wall clock.
	At time.Time
	// Kind is the event looked at; KindNone for a standing rule.
	Kind   Kind
	Key    string
	Camera string
	Target uint64 // the camera's number, when HasTarget
	// HasTarget is false when the look was not about one target.
	HasTarget bool
	Plate     string // the number that was read, if any
	// Answer is the condition's own.
	Answer Truth
	When   *Part // nil when the rule has none
	While  *Part // nil when the rule has none
	// State is idle, pending (true, `for` runs), barred (true, held back), active,
	// or holding (not true any more, `hold` runs); For how long it has been so, when
	// it is pending or active.
	State string
	For   time.Duration
	// Held is what held it back: for, cooldown, limit, while, mode, shadow, late,
	// loop, unknown, visit, active, first look, too many keys; empty when nothing did.
	Held string
	// Left is when that, or the hold, is over; 0 when it does not end by itself.
	Left time.Duration
	// Did is what came of the look at once.
	Did []Happening
}

// Happening is one thing that came of a rule: it fired, it ended, or something
// did not happen, and why.
type Happening struct {
	At     time.Time // wall clock
	Type   DecisionType
	Key    string
	Step   string // of a step that was not done
	Reason string
}

// Short tells how many parts keep the answer from being true, and how far they
// are off together, in thousandths: 130 is 8.7 s of 10 s. A part without a
// distance is 1000 off.
func (x *Explanation) Short() (parts, off int) {
	if x.When == nil {
		return 0, 0
	}
	return x.When.short(True)
}

// Missing gives the parts that keep the answer from being true: the fewest of
// them, and of as many the nearest.
func (x *Explanation) Missing() []*Part {
	if x.When == nil {
		return nil
	}
	return x.When.missing(nil)
}

// nearMiss is how far off the only false part of a near miss may be, in thousandths.
const nearMiss = 200

// Near says that the answer is false because of one part only, and that part is
// off by less than a fifth.
func (x *Explanation) Near() bool {
	parts, off := x.Short()
	return x.Answer == False && parts == 1 && off < nearMiss
}

const (
	// maxGlimpses is how many looks are remembered of a rule on moments.
	maxGlimpses = 16
	// maxHappenings is how much is remembered of what came of a rule.
	maxHappenings = 16
	// mostTraced bounds the looks that are remembered in a second, whatever comes.
	mostTraced = 500
)

// ring keeps the newest of something.
type ring[T any] struct {
	all  []T
	next int
}

func (r *ring[T]) put(v T, most int) {
	if len(r.all) < most {
		r.all = append(r.all, v)
		return
	}
	r.all[r.next] = v
	r.next = (r.next + 1) % most
}

// each calls f for all, oldest first.
func (r *ring[T]) each(f func(*T)) {
	for i := range r.all {
		f(&r.all[(r.next+i)%len(r.all)])
	}
}

// memory is what is remembered of a rule for whoever asks why.
type memory struct {
	glimpses   ring[*Explanation]
	happenings ring[Happening]
}

// tracing is what explanations need of the engine beside its state.
type tracing struct {
	watcher func(*Rule, *Look, string, Truth)
	second  time.Duration // the decision clock's second that traced counts in
	traced  int
	idle    bool     // nothing was taken after the last timer
	now     struct { // of the look that a watcher is told of
		explanation *Explanation
		look        *Look
	}
}

// SetWatch lets f be told of every look at a rule, after what came of it: the
// rule, the look, its key and its answer, which is false when `while` is not true.
// The look is valid during the call; [Look.Explain] says more. nil ends it.
func (e *Engine) SetWatch(f func(r *Rule, l *Look, key string, t Truth)) { e.tracing.watcher = f }

// Explain says what the watched look saw. It is for the function given to
// [Engine.SetWatch]; elsewhere it is nil.
func (l *Look) Explain() *Explanation {
	if l.w == nil || l.w.tracing.now.look != l {
		return nil
	}
	return l.w.tracing.now.explanation
}

// remembers says that a look at the rule is to be explained: somebody watches, or
// the rule is on moments, which nobody can ask about when they are over. A condition
// without a source has nothing to show.
func (e *Engine) remembers(r *ruleState) bool {
	if e.tracing.watcher != nil {
		return true
	}
	if r.Level || r.When != nil && r.When.Text == "" {
		return false
	}
	if s := e.now.Mono.Truncate(time.Second); s != e.tracing.second {
		e.tracing.second, e.tracing.traced = s, 0
	}
	e.tracing.traced++
	return e.tracing.traced <= mostTraced
}

// lookTraced is [Engine.decide] with an explanation.
func (e *Engine) lookTraced(r *ruleState, s subject) {
	look, from := e.look, len(e.out)
	x := e.explain(r, s)
	var buf [64]byte
	key := string(e.appendKey(buf[:0], r, e.keyFor(r, s)))
	t := e.decide(r, s)
	for i := range e.out[from:] {
		if d := &e.out[from+i]; d.Rule == r.Rule && d.tells() {
			x.Did = append(x.Did, d.happening())
		}
	}
	after := e.look
	e.look = look
	e.stateOf(x, r, s)
	e.look = after
	if !r.Level {
		r.memory.glimpses.put(x, maxGlimpses)
	}
	if f := e.tracing.watcher; f != nil {
		e.tracing.now.explanation, e.tracing.now.look = x, &look
		f(r.Rule, &look, key, t)
		e.tracing.now.explanation, e.tracing.now.look = nil, nil
	}
}

// explain evaluates a rule for the prepared look, which stays as it is.
func (e *Engine) explain(r *ruleState, s subject) *Explanation {
	x := &Explanation{Rule: r.Name, File: r.File, Line: r.Line, At: e.now.Wall, Answer: True}
	l := e.look
	l.about = s
	x.Camera, _ = l.Camera()
	if l.target != nil || l.listed != nil {
		x.Target, x.HasTarget = l.TargetID()
	}
	if l.ev != nil {
		x.Kind = l.ev.Kind
		if l.ev.Plate != nil {
			x.Plate = l.ev.Plate.Number
		}
	}
	if r.When != nil {
		p := r.When.trace(&l, true)
		p.miss(True)
		x.When, x.Answer = &p, p.Answer
	}
	if r.While != nil {
		l = Look{w: e, cam: -1, rule: r}
		p := r.While.trace(&l, true)
		p.miss(True)
		x.While = &p
	}
	return x
}

// stateOf adds to an explanation where the key of the prepared look stands, and
// what holds it back.
func (e *Engine) stateOf(x *Explanation, r *ruleState, s subject) {
	id := e.keyFor(r, s)
	var buf [64]byte
	x.Key = string(e.appendKey(buf[:0], r, id))
	x.State = idle.String()
	ks := r.keys[id]
	if ks != nil {
		x.State = ks.state.String()
		if ks.state == pending || ks.state == active || ks.state == holding {
			x.For = e.now.Mono - ks.since
		}
		if ks.state != idle && ks.timer.index >= 0 {
			x.Left = ks.timer.at - e.now.Mono
		}
	}
	switch {
	case r.Mode == ModeOff:
		x.Held = "mode"
	case r.While != nil && x.While.Answer != True:
		x.Held = "while"
	case x.Answer == Unknown:
		x.Held = "unknown"
	case x.Answer != True:
	case x.heldBy():
		if ks != nil && x.Left == 0 {
			x.Left = ks.barredFor(x.Held, e.now.Mono)
		}
	case ks == nil:
	case ks.state == pending:
		x.Held = "for"
	case ks.state == barred:
		x.Held = ks.said
	case x.fired() && ks.quiet:
		x.Held = firstLook
	case r.Level && ks.quiet:
		x.Held = firstLook
	case x.fired() || r.Level:
		if r.Mode == ModeShadow {
			x.Held = "shadow"
		}
	case ks.spent != 0 && ks.visit != nil && !ks.visit.over && !r.Repeat:
		x.Held = "visit"
	case ks.state == active && !r.Repeat:
		x.Held = "active"
	}
}

// heldBy takes why the rule did not fire from what came of the look.
func (x *Explanation) heldBy() bool {
	for _, h := range x.Did {
		if h.Type == DecisionSuppressed && h.Step == "" {
			x.Held = h.Reason
			return true
		}
	}
	return false
}

func (x *Explanation) fired() bool {
	return slices.ContainsFunc(x.Did, func(h Happening) bool { return h.Type == DecisionFiring })
}

// barredFor is how long a cooldown or limit goes on.
func (ks *keyState) barredFor(reason string, now time.Duration) time.Duration {
	switch {
	case reason == "cooldown":
		return max(0, ks.cooldown-now)
	case reason == "limit" && len(ks.limits) > 0:
		return max(0, ks.limits[0]+ks.rule.Limit.Per-now)
	}
	return 0
}

// String is the state's word in an explanation.
func (s state) String() string {
	return [...]string{"idle", "pending", "barred", "active", "holding"}[s%5]
}

// tells says that a decision is about what came of a rule.
func (d *Decision) tells() bool {
	switch d.Type {
	case DecisionFiring, DecisionEnd, DecisionSuppressed:
		return d.Rule != nil
	}
	return false
}

func (d *Decision) happening() Happening {
	return Happening{At: d.At.Wall, Type: d.Type, Key: d.Key, Step: d.Step, Reason: d.Reason}
}

// note remembers what came of a rule.
func (e *Engine) note(d *Decision) {
	if !d.tells() {
		return
	}
	if r := e.byName[d.Rule.Name]; r != nil {
		r.memory.happenings.put(d.happening(), maxHappenings)
	}
}

// Explain explains a rule to f as it stands now: on levels for everything it can
// be looked at for (targets, alarms, contacts, …), with what holds each back; on
// moments for its last looks, oldest first. Nothing changes. It is false when there
// is no rule of that name.
func (e *Engine) Explain(rule string, f func(*Explanation)) bool {
	r := e.byName[rule]
	if r == nil {
		return false
	}
	look := e.look
	defer func() { e.look = look }()
	now := func(s subject) {
		e.prepareKnown(r, s)
		e.look.about = s
		x := e.explain(r, s)
		e.stateOf(x, r, s)
		f(x)
	}
	if len(r.On) == 0 {
		now(subject{})
		return true
	}
	e.known(r, now)
	r.memory.glimpses.each(func(x **Explanation) { f(*x) })
	return true
}

const (
	// mostTried bounds the looks that are explained to find the one of a firing.
	mostTried = 8
	// mostPassed is how much time may have passed since a firing that is explained.
	mostPassed = 100 * time.Millisecond
)

// ExplainFiring explains the look on which a rule fired, as long as the engine has
// taken nothing else since. Nothing changes. It is nil when that cannot be told any
// more, so when the firing itself made the condition untrue.
func (e *Engine) ExplainFiring(d *Decision) *Explanation {
	// A timer is due a little before it is seen to.
	passed := e.now.Mono - d.At.Mono
	if d.Type != DecisionFiring || d.Rule == nil || passed != 0 && (!e.tracing.idle || passed > mostPassed) {
		return nil
	}
	r := e.byName[d.Rule.Name]
	if r == nil || r.Rule != d.Rule || r.When != nil && r.When.Text == "" {
		return nil
	}
	var found *Explanation
	if !r.Level {
		r.memory.glimpses.each(func(p **Explanation) {
			if x := *p; x.Key == d.Key && x.At.Equal(d.At.Wall) && x.fired() {
				found = x
			}
		})
		return found
	}
	look := e.look
	defer func() { e.look = look }()
	tried := 0
	try := func(s subject) {
		if found != nil || tried == mostTried {
			return
		}
		e.prepareKnown(r, s)
		e.look.about = s
		if id, ok := e.look.TargetID(); d.HasTarget && (!ok || id != d.Target) {
			return
		}
		var buf [64]byte
		if string(e.appendKey(buf[:0], r, e.keyFor(r, s))) != d.Key {
			return
		}
		tried++
		x := e.explain(r, s)
		if x.Answer != True {
			return
		}
		x.Did = []Happening{d.happening()}
		e.stateOf(x, r, s)
		found = x
	}
	if len(r.On) == 0 {
		try(subject{})
	} else {
		e.known(r, try)
	}
	return found
}

// Happenings gives what came of a rule lately to f, oldest first.
func (e *Engine) Happenings(rule string, f func(Happening)) {
	if r := e.byName[rule]; r != nil {
		r.memory.happenings.each(func(h *Happening) { f(*h) })
	}
}
