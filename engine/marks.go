package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

const (
	// MaxMark bounds the bytes of an encoded mark.
	MaxMark = 2048
	// maxSeq bounds the numbers of marks.
	maxSeq = 1 << 62
)

// Mark is what a restart has to know of one request before anything moves by it: a
// [State] is written some time after the request was handed out, and what happened in
// between would happen twice. Every request of a step that is tried once carries one,
// but for leases and steps that turn a relay off. Whoever carries the request out
// keeps the mark on the disk first, and the next run is given it in [Options].Marks.
type Mark struct {
	// Seq counts the marks from 1, over restarts too. Numbers may be left out.
	Seq uint64
	// At is the wall clock at the request.
	At time.Time
	// Charge is the number of the firing among what is counted by Seq, the same in all
	// its marks. 0 = the firing charged nothing, or it was given back.
	Charge uint64
	// Age is the time from the firing to the request.
	Age time.Duration
	// Rule, Identity and Per tell which rule fired. The rule is empty in a mark that
	// would be too long with it; so it is with the key, and last with the visit.
	Rule, Identity string
	Per            Per
	Key            MarkKey
	// Visit is the plate visit the firing belongs to; nil = none.
	Visit *MarkVisit
	// Relay is the relay that the request pulses; empty = none.
	Relay string
	// Cooldown is what the firing charged, from the firing on; 0 = none.
	Cooldown time.Duration
	// Limit says that the firing counts against the rule's limit.
	Limit bool
}

// MarkKey is the key a rule fired for.
type MarkKey struct {
	Camera string // empty = of no camera
	Number uint64 // of the visit or the listed target; 0 = none
	Text   string
	Shown  string // as people read it: gate/#12, ABC1234, front
}

// MarkVisit is a plate visit as it stood at the request.
type MarkVisit struct {
	Camera string
	Number int
	First  string        // the first spelling, in normal form
	Most   string        // the one read most
	Owner  string        // the first one that is on a list; empty = none was
	Reads  int           // of all spellings
	Mosts  int           // of Most
	Age    time.Duration // since the last read
}

// savedMark is a Mark as it is written, times in nanoseconds.
type savedMark struct {
	Seq      uint64          `json:"seq"`
	At       time.Time       `json:"at"`
	Charge   uint64          `json:"charge"`
	Age      time.Duration   `json:"age"`
	Rule     string          `json:"rule"`
	Identity string          `json:"identity"`
	Per      string          `json:"per"`
	Key      savedMarkKey    `json:"key"`
	Visit    *savedMarkVisit `json:"visit"`
	Relay    string          `json:"relay"`
	Cooldown time.Duration   `json:"cooldown"`
	Limit    bool            `json:"limit"`
}

type savedMarkKey struct {
	Camera string `json:"camera"`
	Number uint64 `json:"number"`
	Text   string `json:"text"`
	Shown  string `json:"shown"`
}

type savedMarkVisit struct {
	Camera string        `json:"camera"`
	Number int           `json:"number"`
	First  string        `json:"first"`
	Most   string        `json:"most"`
	Owner  string        `json:"owner"`
	Reads  int           `json:"reads"`
	Mosts  int           `json:"mosts"`
	Age    time.Duration `json:"age"`
}

// AppendJSON adds the mark as one JSON object without a line break, of at most
// [MaxMark] bytes for a mark that the engine or [DecodeMark] made.
func (m *Mark) AppendJSON(b []byte) []byte {
	o := object{b: append(b, '{')}
	o.count("seq", m.Seq)
	o.text("at", m.At.UTC().Format(time.RFC3339Nano))
	o.count("charge", m.Charge)
	o.count("age", uint64(m.Age))
	o.text("rule", m.Rule)
	o.text("identity", m.Identity)
	o.text("per", m.Per.String())
	if m.Key != (MarkKey{}) {
		o.open("key")
		o.text("camera", m.Key.Camera)
		o.count("number", m.Key.Number)
		o.text("text", m.Key.Text)
		o.text("shown", m.Key.Shown)
		o.close()
	}
	if v := m.Visit; v != nil {
		o.open("visit")
		o.text("camera", v.Camera)
		o.count("number", uint64(v.Number))
		o.text("first", v.First)
		o.text("most", v.Most)
		o.text("owner", v.Owner)
		o.count("reads", uint64(v.Reads))
		o.count("mosts", uint64(v.Mosts))
		o.count("age", uint64(v.Age))
		o.close()
	}
	o.text("relay", m.Relay)
	o.count("cooldown", uint64(m.Cooldown))
	if m.Limit {
		o.boolean("limit", true)
	}
	return append(o.b, '}')
}

// count adds a number that is not 0.
func (o *object) count(k string, n uint64) {
	if n != 0 {
		o.key(k)
		o.b = strconv.AppendUint(o.b, n, 10)
	}
}

// DecodeMark reads what [Mark.AppendJSON] wrote. Whatever else it is given, it gives
// an error or a mark that an engine can begin with.
func DecodeMark(b []byte) (Mark, error) {
	if len(b) > MaxMark {
		return Mark{}, fmt.Errorf("the mark has %d bytes, more than %d", len(b), MaxMark)
	}
	var s savedMark
	if err := decodeStrict(b, &s); err != nil {
		return Mark{}, fmt.Errorf("the mark is not readable: %w", err)
	}
	m, err := s.mark()
	if err != nil {
		return Mark{}, fmt.Errorf("the mark cannot be right: %w", err)
	}
	return m, nil
}

func (s *savedMark) mark() (Mark, error) {
	m := Mark{
		Seq: s.Seq, At: s.At.UTC(), Charge: s.Charge, Age: s.Age, Rule: s.Rule, Identity: s.Identity,
		Key: MarkKey(s.Key), Visit: (*MarkVisit)(s.Visit), Relay: s.Relay, Cooldown: s.Cooldown, Limit: s.Limit,
	}
	var c stateChecker
	c.ages(m.Age, m.Cooldown)
	if v := m.Visit; v != nil {
		c.ages(v.Age)
		c.number(v.Number)
		c.number(v.Reads)
		c.number(v.Mosts)
	}
	per, known := ParsePer(s.Per)
	m.Per = per
	switch {
	case c.bad != "":
		return Mark{}, errors.New(c.bad)
	case m.Seq == 0 || m.Seq > maxSeq || m.Charge > m.Seq:
		return Mark{}, errNumber
	case s.Per != "" && !known:
		return Mark{}, errWord
	case m.At.Year() < 0 || m.At.Year() > 9999:
		return Mark{}, errTime
	case len(m.AppendJSON(nil)) > MaxMark: // escapes may make it longer than it was
		return Mark{}, errors.New("a text is too long")
	}
	return m, nil
}

// mark makes the mark of a request.
func (e *Engine) mark(run *stepRun, p *planned) *Mark {
	e.marks++
	f, ks := run.firing, run.key
	m := &Mark{
		Seq: e.marks, At: e.now.Wall.UTC().Round(0), Age: e.age(f.At.Mono),
		Rule: f.Rule.Name, Identity: f.Rule.Identity, Per: f.Rule.Per,
		Key: MarkKey{Number: ks.id.n, Text: ks.id.text, Shown: ks.text},
	}
	if ks.id.cam != nil {
		m.Key.Camera = ks.id.cam.name
	}
	if ks.given < f.ID {
		m.Charge, m.Cooldown, m.Limit = f.charge, min(f.Rule.Cooldown, maxAge), f.Rule.Limit.Count > 0
	}
	if v := run.visit; v != nil {
		most := v.most()
		m.Visit = &MarkVisit{
			Camera: f.Camera, Number: min(v.number, maxSavedNumber), First: v.first, Most: most, Owner: v.owner,
			Reads: min(v.reads, maxSavedNumber), Age: e.age(v.last),
		}
		for _, s := range v.seen {
			if s.plate == most {
				m.Visit.Mosts = min(s.n, maxSavedNumber)
			}
		}
	}
	if a, ok := p.args.(RelayArgs); ok && a.Op == RelayPulse {
		m.Relay = a.Relay
	}
	m.fit()
	return m
}

// fit makes a mark short enough. Only texts that no plate and no rule of sense has
// make it too long.
func (m *Mark) fit() {
	texts := len(m.Rule) + len(m.Identity) + len(m.Key.Camera) + len(m.Key.Text) + len(m.Key.Shown) + len(m.Relay)
	if v := m.Visit; v != nil {
		texts += len(v.Camera) + len(v.First) + len(v.Most) + len(v.Owner)
	}
	const longest = 6 // bytes for one of a text, when it is escaped
	if texts*longest+512 <= MaxMark || len(m.AppendJSON(nil)) <= MaxMark {
		return
	}
	if v := m.Visit; v != nil {
		v.Most, v.Owner, v.Mosts = "", "", 0
	}
	if len(m.AppendJSON(nil)) <= MaxMark {
		return
	}
	m.Rule, m.Identity, m.Per, m.Key, m.Charge, m.Cooldown, m.Limit = "", "", PerDefault, MarkKey{}, 0, 0, false
	if len(m.AppendJSON(nil)) > MaxMark {
		m.Visit = nil
	}
}

// redo applies the marks that a state does not hold yet: all with a number above the
// state's. What is applied twice is charged once.
func (e *Engine) redo(marks []Mark, held uint64) {
	marks = slices.Clone(marks)
	slices.SortStableFunc(marks, func(a, b Mark) int { return cmp.Compare(a.Seq, b.Seq) })
	charged := make(map[uint64]bool)
	for i := range marks {
		m := &marks[i]
		if m.Seq <= held {
			continue
		}
		e.marks = max(e.marks, min(m.Seq, maxSeq))
		away, known := e.away(m.At)
		r := restorer{Engine: e, away: away, known: known, still: !e.clockOK()}
		v := r.markedVisit(m)
		rule := e.byName[m.Rule]
		if rule == nil {
			continue
		}
		r.markedRule(rule, m)
		// A charge that the state holds may have been given back since.
		if m.Charge > held && m.Per == rule.Per {
			r.markedKey(rule, v, m, !charged[m.Charge])
			charged[m.Charge] = true
		}
	}
}

// markedVisit is the visit of a mark, made if it has to be; nil when it is over.
func (r *restorer) markedVisit(m *Mark) *visit {
	x := m.Visit
	if x == nil || r.rs.Camera(x.Camera) < 0 {
		return nil
	}
	cam := r.cams[r.rs.Camera(x.Camera)]
	cam.visitSeq = max(cam.visitSeq, x.Number)
	last := r.past(x.Age)
	over := x.Age > r.opts.VisitGap // at the request already
	if r.still {
		last = r.now.Mono
	}
	v := cam.visit(x.Number)
	if over || v == nil && r.now.Mono-last > r.opts.VisitGap {
		return nil
	}
	if v == nil {
		r.endBefore(cam, x)
		if !r.roomForVisit(cam) {
			return nil
		}
		v = r.makeVisit(cam, x.Number, x.First)
		v.last = last
		slices.SortStableFunc(cam.visits, func(a, b *visit) int { return cmp.Compare(a.number, b.number) })
	}
	v.last, v.reads = max(v.last, last), max(v.reads, x.Reads)
	v.recall(x.Most, x.Mosts, v.last) // before others: of equals the first is the most
	if x.Owner != "" {
		v.owner = x.Owner
		v.recall(x.Owner, 1, v.last)
	}
	if m.Relay != "" && !slices.Contains(v.pulsed, m.Relay) {
		v.pulsed = append(v.pulsed, m.Relay)
	}
	r.timers.set(v.timer, v.last+r.opts.VisitGap+1)
	return v
}

// endBefore ends the visits that a mark's visit shows to be over, though the clock
// does not tell: while they ran it would not have begun, unless two plates of the
// list are so like that they were told apart.
func (r *restorer) endBefore(cam *camera, x *MarkVisit) {
	for _, v := range slices.Clone(cam.visits) {
		apart := v.owner != "" && x.Owner != "" && v.owner != x.Owner
		if v.number < x.Number && !apart && v.distance(x.First) >= 0 {
			r.endVisit(cam, v)
		}
	}
}

// recall notes that a spelling was read at least so often, and not before at last.
func (v *visit) recall(plate string, n int, last time.Duration) {
	if plate == "" || n == 0 {
		return
	}
	i := slices.IndexFunc(v.seen, func(s plateCount) bool { return s.plate == plate })
	switch {
	case i >= 0:
		v.seen[i].n, v.seen[i].last = max(v.seen[i].n, n), max(v.seen[i].last, last)
	case len(v.seen) < maxSpellings:
		v.seen = append(v.seen, plateCount{plate, n, last})
	}
}

// markedRule notes when a rule fired, for since() and its crons.
func (r *restorer) markedRule(rule *ruleState, m *Mark) {
	if rule.Remember {
		at := r.past(m.Age)
		if was, ok := rule.fired[m.Key.Shown]; !ok || was < at {
			rule.note(m.Key.Shown, at)
		}
	}
	if m.Identity != rule.Identity || rule.Mode == ModeOff {
		return
	}
	// The clock went back: what it passes again has run.
	if at := m.At.Add(-m.Age); at.After(r.now.Wall) && at.Sub(r.now.Wall) < cronBack {
		for i := range rule.Crons {
			if rule.lastCron[i].Before(at) {
				rule.lastCron[i] = at
				r.setCron(rule, i, at)
			}
		}
	}
}

// markedKey charges a key; against its limit only the first time.
func (r *restorer) markedKey(rule *ruleState, v *visit, m *Mark, first bool) {
	id := keyID{n: m.Key.Number, text: m.Key.Text}
	if m.Key.Camera != "" {
		n := r.rs.Camera(m.Key.Camera)
		if n < 0 {
			return
		}
		id.cam = r.cams[n]
	}
	if rule.Per == PerTarget && id.text == "" {
		return // a tracked target, which does not survive
	}
	ks := rule.keys[id]
	if ks == nil {
		if len(rule.keys) >= maxKeys {
			return
		}
		ks = r.newKey(rule, id, m.Key.Shown)
	}
	if left := m.Cooldown - m.Age - r.away; left > 0 {
		ks.cooldown = max(ks.cooldown, r.now.Mono+left)
	}
	if at := r.past(m.Age); first && m.Limit && rule.Limit.Count > 0 && at+rule.Limit.Per > r.now.Mono {
		ks.limits = append(ks.limits, at)
		slices.Sort(ks.limits)
		ks.limits = ks.limits[max(0, len(ks.limits)-rule.Limit.Count):]
	}
	if v != nil && rule.Per == PerVisit && id.cam != nil && id.n == uint64(v.number) {
		ks.spent = spentBefore
		if ks.visit == nil {
			ks.visit = v
			v.keys = append(v.keys, ks)
		}
	}
	r.forget(ks)
}
