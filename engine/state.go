package engine

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

const (
	// stateVersion is the version of the text that [State.Encode] gives.
	stateVersion = 1
	// MaxState bounds the bytes of an encoded state.
	MaxState = 8 << 20
	// maxAge bounds every time in a state, so that sums of them stay small.
	maxAge = 20 * 365 * 24 * time.Hour
	// maxSavedText bounds the bytes of a name or key in a state; of visits and keys
	// with longer ones nothing survives.
	maxSavedText = 1024
	// maxSavedValue bounds the bytes of a flag's value in a state.
	maxSavedValue = 1 << 16
	// maxSavedKeys bounds the keys of all rules together in a state.
	maxSavedKeys = 20_000
	// maxSavedVisits bounds the visits of one camera in a state: all that there can
	// be, for one that is left out could open once more.
	maxSavedVisits = maxVisits
	// maxSavedNumber bounds counts of reads and visits on every machine.
	maxSavedNumber = math.MaxInt32 / 2
	// cronBack is how far the wall clock may have gone back over a restart for a
	// cron instant that ran not to run again.
	cronBack = 25 * time.Hour
)

// spentBefore stands for a firing of an earlier run that counts as a visit's one.
const spentBefore = math.MaxUint64

// State is what survives a restart: flags, counts, cooldowns, limits, since(),
// plate visits with what was done in them, and how devices' clocks stand. It
// shares nothing with the engine. The zero State holds nothing.
type State struct{ saved savedState }

// savedState is a State as it is written. Times are ages at the moment of the
// export, in nanoseconds, so that they do not depend on when a run began.
type savedState struct {
	Version int           `json:"version"`
	Saved   time.Time     `json:"saved"`           // wall clock
	Marks   uint64        `json:"marks,omitempty"` // the number of the last mark
	Flags   []savedFlag   `json:"flags,omitempty"`
	Lines   []savedLine   `json:"lines,omitempty"`
	Rules   []savedRule   `json:"rules,omitempty"`
	Cameras []savedCamera `json:"cameras,omitempty"`
	Devices []savedDevice `json:"devices,omitempty"`
	// Overrides are the modes that rules have instead of those in their files.
	Overrides []savedOverride `json:"overrides,omitempty"`
}

type savedScalar struct {
	Bool   *bool    `json:"bool,omitempty"`
	Number *float64 `json:"number,omitempty"`
	Text   *string  `json:"text,omitempty"`
}

type savedFlag struct {
	Name  string        `json:"name"`
	Value savedScalar   `json:"value"`
	Age   time.Duration `json:"age"`
	// Back is what the flag goes back to when Left is over.
	Back *savedScalar  `json:"back,omitempty"`
	Left time.Duration `json:"left,omitempty"`
}

type savedLine struct {
	Name    string          `json:"name"`
	Balance int64           `json:"balance,omitempty"`
	In      []time.Duration `json:"in,omitempty"`  // ages, the oldest first
	Out     []time.Duration `json:"out,omitempty"` // ages, the oldest first
}

type savedRule struct {
	Name     string       `json:"name"`
	Identity string       `json:"identity"`
	Per      string       `json:"per"`
	Keys     []savedKey   `json:"keys,omitempty"`
	Fired    []savedFired `json:"fired,omitempty"` // oldest key first
	Crons    []time.Time  `json:"crons,omitempty"` // the last instant that ran; zero = none
}

type savedKey struct {
	Camera   string          `json:"camera,omitempty"`
	Number   uint64          `json:"number,omitempty"`
	Text     string          `json:"text,omitempty"`
	Shown    string          `json:"shown,omitempty"`
	Cooldown time.Duration   `json:"cooldown,omitempty"` // what is left of it
	Limits   []time.Duration `json:"limits,omitempty"`   // ages, the oldest first
	Spent    bool            `json:"spent,omitempty"`    // it fired in the visit Number
}

type savedFired struct {
	Key string        `json:"key,omitempty"`
	Age time.Duration `json:"age"`
}

type savedCamera struct {
	Name   string       `json:"name"`
	Number int          `json:"visit_number"`
	Visits []savedVisit `json:"visits,omitempty"`
}

type savedVisit struct {
	Number int             `json:"number"`
	First  string          `json:"first"`
	Owner  string          `json:"owner,omitempty"`
	Reads  int             `json:"reads"`
	Age    time.Duration   `json:"age"` // of the last read
	Seen   []savedSpelling `json:"seen,omitempty"`
	Pulsed []string        `json:"pulsed,omitempty"`
	Told   []savedTold     `json:"told,omitempty"`
}

type savedSpelling struct {
	Plate string        `json:"plate"`
	N     int           `json:"n"`
	Age   time.Duration `json:"age"`
}

type savedTold struct {
	Rule  string `json:"rule"`
	Index int    `json:"index"`
}

type savedDevice struct {
	Name  string          `json:"name"`
	Least []time.Duration `json:"least"` // of each minute, oldest first
}

// Encode gives the state as JSON, always the same for the same state.
func (s State) Encode() ([]byte, error) {
	c := s.saved
	c.Version = stateVersion
	b, err := json.Marshal(&c)
	if err != nil {
		return nil, err
	}
	if len(b) > MaxState {
		return nil, fmt.Errorf("the state has %d bytes, more than %d", len(b), MaxState)
	}
	return append(b, '\n'), nil
}

// DecodeState reads what [State.Encode] wrote. Whatever else it is given, it gives
// an error or a state that an engine can begin with.
func DecodeState(b []byte) (State, error) {
	if len(b) > MaxState+1 {
		return State{}, fmt.Errorf("the state has %d bytes, more than %d", len(b), MaxState)
	}
	var s State
	if err := json.Unmarshal(b, &s.saved); err != nil {
		return State{}, fmt.Errorf("the state is not readable: %w", err)
	}
	if v := s.saved.Version; v != stateVersion {
		return State{}, fmt.Errorf("the state is of version %d, this program knows %d", v, stateVersion)
	}
	var c stateChecker
	c.check(&s.saved)
	if c.bad != "" {
		return State{}, fmt.Errorf("the state cannot be right: %s", c.bad)
	}
	return s, nil
}

// Marks is the number of the last mark whose request the state holds.
func (s State) Marks() uint64 { return s.saved.Marks }

// Saved is the wall clock when the state was exported.
func (s State) Saved() time.Time { return s.saved.Saved }

// stateChecker holds every number and text of a state against its bounds.
type stateChecker struct {
	bad string // the first thing that is wrong
}

func (c *stateChecker) fail(what string) {
	if c.bad == "" {
		c.bad = what
	}
}

func (c *stateChecker) text(s string) {
	if len(s) > maxSavedText {
		c.fail("a text is too long")
	}
}

func (c *stateChecker) ages(ages ...time.Duration) {
	for _, d := range ages {
		if d < 0 || d > maxAge {
			c.fail("a time is out of bounds")
		}
	}
}

func (c *stateChecker) number(n int) {
	if n < 0 || n > maxSavedNumber {
		c.fail("a number is out of bounds")
	}
}

func (c *stateChecker) scalar(v *savedScalar) {
	n := 0
	if v.Bool != nil {
		n++
	}
	if v.Number != nil {
		n++
	}
	if v.Text != nil {
		n++
		if len(*v.Text) > maxSavedValue {
			c.fail("a value is too long")
		}
	}
	if n != 1 {
		c.fail("a flag has no value or several")
	}
}

func (c *stateChecker) check(s *savedState) {
	if s.Marks > maxSeq {
		c.fail("a number is out of bounds")
	}
	if wrong := checkOverrides(s.Overrides); wrong != "" {
		c.fail(wrong)
	}
	for i := range s.Flags {
		f := &s.Flags[i]
		c.text(f.Name)
		c.scalar(&f.Value)
		c.ages(f.Age, f.Left)
		if f.Back != nil {
			c.scalar(f.Back)
		}
	}
	for _, l := range s.Lines {
		c.text(l.Name)
		c.ages(l.In...)
		c.ages(l.Out...)
		if l.Balance < -math.MaxInt64/2 || l.Balance > math.MaxInt64/2 {
			c.fail("a number is out of bounds")
		}
	}
	for _, r := range s.Rules {
		c.rule(&r)
	}
	for _, cam := range s.Cameras {
		c.text(cam.Name)
		c.number(cam.Number)
		for _, v := range cam.Visits {
			c.visit(&v)
		}
	}
	for _, d := range s.Devices {
		c.text(d.Name)
		if len(d.Least) > offsetMinutes {
			c.fail("a device has too many minutes")
		}
		for _, l := range d.Least {
			if l < -maxAge || l > maxAge {
				c.fail("a time is out of bounds")
			}
		}
	}
}

func (c *stateChecker) rule(r *savedRule) {
	for _, k := range r.Keys {
		c.text(k.Camera)
		c.text(k.Text)
		c.text(k.Shown)
		c.ages(k.Cooldown)
		c.ages(k.Limits...)
	}
	for _, f := range r.Fired {
		c.text(f.Key)
		c.ages(f.Age)
	}
}

func (c *stateChecker) visit(v *savedVisit) {
	c.number(v.Number)
	c.number(v.Reads)
	c.text(v.First)
	c.text(v.Owner)
	c.ages(v.Age)
	if len(v.Seen) > maxSpellings {
		c.fail("a visit has too many spellings")
	}
	for _, s := range v.Seen {
		c.text(s.Plate)
		c.number(s.N)
		c.ages(s.Age)
	}
	for _, p := range v.Pulsed {
		c.text(p)
	}
	for _, t := range v.Told {
		c.number(t.Index)
	}
}

// Altered is a number that changes when anything of [Engine.Export] does, but for
// the passing of time.
func (e *Engine) Altered() uint64 { return e.altered }

// Export gives what survives a restart, as it stands now.
func (e *Engine) Export() State {
	s := savedState{Version: stateVersion, Saved: e.now.Wall.UTC().Round(0), Marks: e.marks, Overrides: saveOverrides(e.overrides)}
	for _, def := range e.rs.Flags {
		if v := e.flags[def.Name].value; v.Type != ScalarNone && !math.IsNaN(v.Number) && !math.IsInf(v.Number, 0) && len(v.Text) <= maxSavedValue {
			s.Flags = append(s.Flags, e.exportFlag(def.Name))
		}
	}
	for _, l := range e.rs.Lines {
		s.Lines = append(s.Lines, e.exportLine(l.Name))
	}
	room := maxSavedKeys
	for _, r := range e.rules {
		s.Rules = append(s.Rules, e.exportRule(r, &room))
	}
	for _, cam := range e.cams {
		s.Cameras = append(s.Cameras, e.exportCamera(cam))
	}
	if !e.clockOK() {
		return State{s} // the devices' clocks are held against nothing
	}
	for _, name := range slices.Sorted(maps.Keys(e.devices)) {
		d := e.devices[name]
		if len(d.minutes) == 0 || len(name) > maxSavedText {
			continue
		}
		x := savedDevice{Name: name}
		for _, m := range d.minutes {
			x.Least = append(x.Least, min(max(m.least, -maxAge), maxAge))
		}
		s.Devices = append(s.Devices, x)
	}
	return State{s}
}

// age is how long ago a moment of the decision clock was.
func (e *Engine) age(at time.Duration) time.Duration { return min(max(e.now.Mono-at, 0), maxAge) }

func saveScalar(v Scalar) savedScalar {
	switch v.Type {
	case ScalarBool:
		return savedScalar{Bool: &v.Bool}
	case ScalarNumber:
		return savedScalar{Number: &v.Number}
	}
	return savedScalar{Text: &v.Text}
}

func (v *savedScalar) scalar() Scalar {
	switch {
	case v.Bool != nil:
		return Scalar{Type: ScalarBool, Bool: *v.Bool}
	case v.Number != nil:
		return Scalar{Type: ScalarNumber, Number: *v.Number}
	}
	return Scalar{Type: ScalarText, Text: *v.Text}
}

func (e *Engine) exportFlag(name string) savedFlag {
	f := e.flags[name]
	x := savedFlag{Name: name, Value: saveScalar(f.value), Age: e.age(f.since)}
	if t := e.flagTimers[name]; t != nil {
		back := saveScalar(t.back)
		x.Back, x.Left = &back, min(max(t.at-e.now.Mono, 0), maxAge)
	}
	return x
}

func (e *Engine) exportLine(name string) savedLine {
	c := e.counts[name]
	x := savedLine{Name: name, Balance: c.balance}
	for i := c.first(e.now.Mono - MaxWindow); i < len(c.crossings); i++ {
		age := e.age(c.crossings[i].at)
		if c.crossings[i].ins > c.ins(i) {
			x.In = append(x.In, age)
		} else {
			x.Out = append(x.Out, age)
		}
	}
	return x
}

func (e *Engine) exportRule(r *ruleState, room *int) savedRule {
	x := savedRule{Name: r.Name, Identity: r.Identity, Per: r.Per.String(), Crons: slices.Clone(r.lastCron)}
	for i := range x.Crons {
		x.Crons[i] = x.Crons[i].UTC()
	}
	for _, ks := range sortedKeys(r) {
		if *room == 0 {
			return x
		}
		if k, ok := e.exportKey(ks); ok {
			x.Keys = append(x.Keys, k)
			*room--
		}
	}
	for _, key := range r.order {
		if *room == 0 {
			return x
		}
		if len(key) <= maxSavedText {
			x.Fired = append(x.Fired, savedFired{key, e.age(r.fired[key])})
			*room--
		}
	}
	return x
}

// exportKey gives what a key remembers; false when that is nothing. A tracked
// target does not survive, nor does its key.
func (e *Engine) exportKey(ks *keyState) (savedKey, bool) {
	id := ks.id
	if ks.rule.Per == PerTarget && id.text == "" || len(id.text) > maxSavedText || len(ks.text) > maxSavedText {
		return savedKey{}, false
	}
	x := savedKey{Number: id.n, Text: id.text, Shown: ks.text}
	if id.cam != nil {
		x.Camera = id.cam.name
	}
	x.Cooldown = min(max(ks.cooldown-e.now.Mono, 0), maxAge)
	for _, at := range ks.limits {
		if at+ks.rule.Limit.Per > e.now.Mono {
			x.Limits = append(x.Limits, e.age(at))
		}
	}
	x.Spent = ks.visit != nil && !ks.visit.over && ks.spent != 0
	return x, x.Cooldown > 0 || len(x.Limits) > 0 || x.Spent
}

func (e *Engine) exportCamera(cam *camera) savedCamera {
	x := savedCamera{Name: cam.name, Number: min(cam.visitSeq, maxSavedNumber)}
	for _, v := range cam.visits {
		if len(v.first) > maxSavedText || len(v.owner) > maxSavedText || v.number > maxSavedNumber {
			continue
		}
		y := savedVisit{Number: v.number, First: v.first, Owner: v.owner, Reads: min(v.reads, maxSavedNumber), Age: e.age(v.last), Pulsed: slices.Clone(v.pulsed)}
		for _, s := range v.seen {
			if len(s.plate) <= maxSavedText {
				y.Seen = append(y.Seen, savedSpelling{s.plate, min(s.n, maxSavedNumber), e.age(s.last)})
			}
		}
		for _, t := range v.told {
			y.Told = append(y.Told, savedTold{t.rule, t.index})
		}
		x.Visits = append(x.Visits, y)
	}
	return x
}

// restore begins with what an earlier run exported. Names that are not in the set
// any more are left out.
func (e *Engine) restore(s *savedState) {
	e.marks = s.Marks
	away, known := e.away(s.Saved)
	r := restorer{Engine: e, away: away, known: known, still: !e.clockOK()}
	for i := range s.Flags {
		r.flag(&s.Flags[i])
	}
	for i := range s.Lines {
		r.line(&s.Lines[i])
	}
	for i := range s.Cameras {
		r.camera(&s.Cameras[i])
	}
	for i := range s.Rules {
		r.rule(&s.Rules[i], s.Saved)
	}
	for i := range s.Devices {
		r.device(&s.Devices[i])
	}
}

// away is how long the program was off. It is none, and not known, when a clock
// was not set or went back.
func (e *Engine) away(saved time.Time) (d time.Duration, known bool) {
	if !e.clockOK() || saved.Year() < ClockSetYear || saved.After(e.now.Wall) {
		return 0, false
	}
	return min(e.now.Wall.Sub(saved), maxAge), true
}

// restorer gives an engine what an earlier run remembered.
type restorer struct {
	*Engine
	away  time.Duration // how long the program was off
	known bool          // that is known
	still bool          // the clock is not set yet
}

// past is the moment that was some time before the export.
func (r *restorer) past(age time.Duration) time.Duration { return r.now.Mono - age - r.away }

func (r *restorer) flag(f *savedFlag) {
	was, ok := r.flags[f.Name]
	v := f.Value.scalar()
	if !ok || was.value.Type != v.Type {
		return
	}
	r.flags[f.Name] = flag{value: v, since: r.past(f.Age)}
	if f.Back == nil {
		return
	}
	back := f.Back.scalar()
	switch {
	case back.Type != v.Type:
	case f.Left <= r.away:
		// It went back while the program was away: the value it has now is its first,
		// which is no event.
		r.flags[f.Name] = flag{value: back, since: r.now.Mono}
	default:
		r.flagBack(f.Name, back, r.now.Mono+f.Left-r.away)
	}
}

func (r *restorer) line(l *savedLine) {
	c := r.counts[l.Name]
	if c == nil || len(c.crossings) > 0 {
		return
	}
	type one struct {
		age time.Duration
		in  bool
	}
	all := make([]one, 0, len(l.In)+len(l.Out))
	for _, age := range l.In {
		all = append(all, one{age, true})
	}
	for _, age := range l.Out {
		all = append(all, one{age, false})
	}
	slices.SortStableFunc(all, func(a, b one) int { return cmp.Compare(b.age, a.age) })
	for _, x := range all[max(0, len(all)-MaxCrossings):] {
		c.add(r.past(x.age), x.in)
	}
	c.balance = l.Balance
}

// camera restores the visits of a camera that are not over. While the clock is
// not set they stand still: each begins its gap anew.
func (r *restorer) camera(x *savedCamera) {
	n := r.rs.Camera(x.Name)
	if n < 0 {
		return
	}
	cam := r.cams[n]
	cam.visitSeq = max(cam.visitSeq, x.Number)
	for i := range x.Visits {
		s := &x.Visits[i]
		last := r.past(s.Age)
		if r.still {
			last = r.now.Mono
		}
		if r.now.Mono-last > r.opts.VisitGap || len(cam.visits) >= maxSavedVisits || cam.visit(s.Number) != nil {
			continue
		}
		v := r.makeVisit(cam, s.Number, s.First)
		v.owner, v.reads, v.last, v.pulsed = s.Owner, s.Reads, last, slices.Clone(s.Pulsed)
		for _, p := range s.Seen {
			v.seen = append(v.seen, plateCount{p.Plate, p.N, r.past(p.Age)})
		}
		for _, t := range s.Told {
			v.told = append(v.told, toldStep{t.Rule, t.Index})
		}
		cam.visitSeq = max(cam.visitSeq, v.number)
		r.timers.set(v.timer, last+r.opts.VisitGap+1)
	}
}

// visit finds a running visit by its number.
func (c *camera) visit(number int) *visit {
	for _, v := range c.visits {
		if v.number == number {
			return v
		}
	}
	return nil
}

// rule restores a rule of the same name. One that changed inherits what it would
// over a reload.
func (r *restorer) rule(x *savedRule, saved time.Time) {
	rule := r.byName[x.Name]
	if rule == nil {
		return
	}
	if rule.Remember {
		for _, f := range x.Fired {
			if _, ok := rule.fired[f.Key]; ok || len(rule.order) >= maxKeys {
				continue
			}
			if rule.fired == nil {
				rule.fired = make(map[string]time.Duration)
			}
			rule.fired[f.Key] = r.past(f.Age)
			rule.order = append(rule.order, f.Key)
		}
	}
	if x.Per == rule.Per.String() {
		for i := range x.Keys {
			r.key(rule, &x.Keys[i])
		}
	}
	if x.Identity == rule.Identity && rule.Mode != ModeOff && len(x.Crons) == len(rule.Crons) {
		r.crons(rule, x.Crons, saved)
	}
}

func (r *restorer) key(rule *ruleState, x *savedKey) {
	id := keyID{n: x.Number, text: x.Text}
	if x.Camera != "" {
		n := r.rs.Camera(x.Camera)
		if n < 0 {
			return
		}
		id.cam = r.cams[n]
	}
	if rule.keys[id] != nil || len(rule.keys) >= maxKeys || rule.Per == PerTarget && id.text == "" {
		return
	}
	ks := r.newKey(rule, id, x.Shown)
	if x.Cooldown > r.away {
		ks.cooldown = r.now.Mono + x.Cooldown - r.away
	}
	for _, age := range x.Limits {
		if at := r.past(age); at+rule.Limit.Per > r.now.Mono && len(ks.limits) < rule.Limit.Count {
			ks.limits = append(ks.limits, at)
		}
	}
	slices.Sort(ks.limits)
	if x.Spent && id.cam != nil && x.Number <= maxSavedNumber {
		if v := id.cam.visit(int(x.Number)); v != nil {
			ks.visit, ks.spent = v, spentBefore
			v.keys = append(v.keys, ks)
		}
	}
	r.forget(ks)
}

// crons journals that instants passed while the program was off, and keeps those
// that ran from running again.
func (r *restorer) crons(rule *ruleState, last []time.Time, saved time.Time) {
	missed := false
	for i, c := range rule.Crons {
		from := saved
		if last[i].After(from) {
			from = last[i]
		}
		if at, ok := c.Next(from.In(r.rs.location())); ok && r.known && !at.After(r.now.Wall) {
			missed = true
		}
		if last[i].After(r.now.Wall) && last[i].Sub(r.now.Wall) < cronBack {
			rule.lastCron[i] = last[i]
			r.setCron(rule, i, last[i])
		}
	}
	if missed {
		r.prepare(rule, nil, nil)
		r.suppress(rule, "", "", "missed")
	}
}

func (r *restorer) device(x *savedDevice) {
	if len(x.Least) == 0 || r.devices[x.Name] != nil || len(r.devices) >= maxDevices {
		return
	}
	d := &deviceClock{minutes: make([]minuteOffset, 0, offsetMinutes)}
	r.devices[x.Name] = d
	first := r.minute() - int64(len(x.Least))
	for i, least := range x.Least {
		d.enter(first+int64(i), least)
	}
}
