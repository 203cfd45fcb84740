package engine

import (
	"slices"
	"strconv"
	"time"
)

// maxVisits bounds the running visits of one camera. Beyond it the one that was
// read least lately ends, unless something fired in it: a flood of plates must not
// make an arrival new again. When none can end, a read is looked at by no rule.
const maxVisits = 1000

// oldQuiet is how long the old plate must not have been read before another
// listed plate begins a visit of its own.
const oldQuiet = 5 * time.Second

// visit is one arrival: the reads of one plate on one camera, misread or not.
type visit struct {
	cam    *camera
	number int
	text   string // gate/#12
	first  string // normal form
	owner  string // the first read that is on a list; empty while none is
	seen   []plateCount
	reads  int
	last   time.Duration // of any read
	over   bool
	pulsed []string // relays pulsed in it
	told   []toldStep
	keys   []*keyState
	timer  *timer
}

// toldStep is a step that told somebody for a firing that was given back.
type toldStep struct {
	rule  string
	index int
}

// keepTold notes what a given back firing told, so that it is not told again.
func (v *visit) keepTold(run *stepRun) {
	for _, index := range run.told {
		v.told = append(v.told, toldStep{run.firing.Rule.Name, index})
	}
	run.told = run.told[:0]
}

func (v *visit) wasTold(r *Rule, index int) bool {
	return slices.Contains(v.told, toldStep{r.Name, index})
}

// plateCount counts one spelling in a visit.
type plateCount struct {
	plate string
	n     int
	last  time.Duration
}

// maxSpellings bounds the spellings remembered of one visit.
const maxSpellings = 64

// most is the most frequent read; of equals the one read first.
func (v *visit) most() string {
	best := -1
	for i, s := range v.seen {
		if best < 0 || s.n > v.seen[best].n {
			best = i
		}
	}
	if best < 0 {
		return v.first
	}
	return v.seen[best].plate
}

// distance is how far a read is from the visit; -1 when it does not belong.
func (v *visit) distance(plate string) int {
	d := plateDistance(plate, v.first)
	if m := v.most(); m != v.first {
		if dm := plateDistance(plate, m); dm >= 0 && (d < 0 || dm < d) {
			d = dm
		}
	}
	return d
}

// plateDistance counts the edits between two normal plates; -1 when there are
// more than a misread makes: two, or one if either has under 6 characters.
func plateDistance(a, b string) int {
	if a == b {
		return 0
	}
	ra, rb := []rune(a), []rune(b)
	if len(ra) > maxPlateRunes || len(rb) > maxPlateRunes {
		return -1
	}
	most := 2
	if len(ra) < 6 || len(rb) < 6 {
		most = 1
	}
	if max(len(ra), len(rb))-min(len(ra), len(rb)) > most {
		return -1
	}
	if d := edits(ra, rb); d <= most {
		return d
	}
	return -1
}

// maxPlateRunes is the longest text whose misreads are looked for.
const maxPlateRunes = 32

// edits is the number of characters to change, add or drop between two texts of
// at most maxPlateRunes each.
func edits(a, b []rune) int {
	var buf [maxPlateRunes + 1]int
	row := buf[:len(b)+1]
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diag := row[0]
		row[0] = i + 1
		for j, y := range b {
			cost := diag
			if x != y {
				cost++
			}
			diag = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// applyPlate takes one read: finds its visit, then looks at the plate rules.
func (e *Engine) applyPlate(cam *camera, ev *Event) {
	if ev.Plate == nil || ev.Plate.Number == "" {
		return
	}
	v := e.visitOf(cam, ev.Plate)
	d := Decision{Type: DecisionPlate, Key: ev.Plate.Number, Camera: cam.name}
	if ev.Late {
		d.Reason = "late"
	}
	if v == nil {
		d.Type, d.Reason = DecisionSuppressed, "too many visits"
		e.emit(d)
		return
	}
	e.emit(d)
	for _, r := range e.byKind[KindPlate] {
		if ev.statusHides(r.Rule) {
			continue
		}
		e.prepare(r, ev, cam)
		e.look.visit = v
		e.lookAt(r, subject{kind: KindPlate})
	}
}

// visitOf finds the visit a read belongs to, or begins one.
func (e *Engine) visitOf(cam *camera, p *Plate) *visit {
	plate, now := NormalPlate(p.Number), e.now.Mono
	var best *visit
	dist := -1
	for _, v := range cam.visits {
		// A later visit is preferred among equals.
		if d := v.distance(plate); d >= 0 && (best == nil || d <= dist) {
			best, dist = v, d
		}
	}
	listed := e.listed(plate, p)
	if best != nil && listed && best.owner != "" && best.owner != plate && best.another(plate, now) {
		if v := e.split(cam, best, plate); v != nil {
			best = v
		}
	}
	if best == nil {
		if best = e.newVisit(cam, plate); best == nil {
			return nil
		}
	}
	if best.owner == "" && listed {
		best.owner = plate
	}
	best.reads++
	best.last = now
	best.count(plate, now)
	e.timers.set(best.timer, now+e.opts.VisitGap+1)
	return best
}

// another says that this is at least the second read of a plate other than the
// visit's own, which was not read for a while. The visit's own is the first that
// was on a list: a misread that comes before it does not make it another.
func (v *visit) another(plate string, now time.Duration) bool {
	n := 1
	var old time.Duration
	for _, s := range v.seen {
		switch s.plate {
		case plate:
			n += s.n
		case v.owner:
			old = s.last
		}
	}
	return n >= 2 && now-old >= oldQuiet
}

// listed says that a plate is exactly on a local list, or that the device names
// an allow list or a group for it.
func (e *Engine) listed(plate string, p *Plate) bool {
	switch p.List {
	case "", "block", "temporary", "stranger":
	default:
		return true
	}
	for _, l := range e.rs.Lists {
		if len(l.byPlate[plate]) > 0 {
			return true
		}
	}
	return false
}

// split begins a visit for a plate that was taken for a misread of another.
func (e *Engine) split(cam *camera, old *visit, plate string) *visit {
	v := e.newVisit(cam, plate)
	if v == nil {
		return nil
	}
	if i := slices.IndexFunc(old.seen, func(s plateCount) bool { return s.plate == plate }); i >= 0 {
		v.seen = append(v.seen, old.seen[i])
		v.reads = old.seen[i].n
		old.reads -= old.seen[i].n
		old.seen = slices.Delete(old.seen, i, i+1)
	}
	// The old visit lasts as long as its own plate does.
	old.last = e.now.Mono - e.opts.VisitGap - 1
	for _, s := range old.seen {
		old.last = max(old.last, s.last)
	}
	e.timers.set(old.timer, max(e.now.Mono, old.last+e.opts.VisitGap+1))
	return v
}

// idlest is the visit read least lately of those in which nothing fired.
func (c *camera) idlest() *visit {
	var idle *visit
	for _, v := range c.visits {
		fired := len(v.pulsed) > 0 || slices.ContainsFunc(v.keys, func(ks *keyState) bool { return ks.spent != 0 })
		if !fired && (idle == nil || v.last < idle.last) {
			idle = v
		}
	}
	return idle
}

func (e *Engine) newVisit(cam *camera, plate string) *visit {
	if !e.roomForVisit(cam) {
		return nil
	}
	cam.visitSeq++
	return e.makeVisit(cam, cam.visitSeq, plate)
}

// roomForVisit ends the idlest visit when there are too many; false when none can end.
func (e *Engine) roomForVisit(cam *camera) bool {
	if len(cam.visits) < maxVisits {
		return true
	}
	idle := cam.idlest()
	if idle != nil {
		e.endVisit(cam, idle)
	}
	return idle != nil
}

func visitText(cam *camera, number int) string { return cam.name + "/#" + strconv.Itoa(number) }

func (e *Engine) makeVisit(cam *camera, number int, plate string) *visit {
	v := &visit{cam: cam, number: number, text: visitText(cam, number), first: plate}
	v.timer = newTimer(v)
	cam.visits = append(cam.visits, v)
	return v
}

func (v *visit) count(plate string, now time.Duration) {
	for i := range v.seen {
		if v.seen[i].plate == plate {
			v.seen[i].n++
			v.seen[i].last = now
			return
		}
	}
	if len(v.seen) < maxSpellings {
		v.seen = append(v.seen, plateCount{plate, 1, now})
	}
}

// endVisit ends a visit and the rules that were active because of it.
func (e *Engine) endVisit(cam *camera, v *visit) {
	v.over = true
	e.timers.stop(v.timer)
	if i := slices.Index(cam.visits, v); i >= 0 {
		cam.visits = slices.Delete(cam.visits, i, i+1)
	}
	for _, ks := range v.keys {
		if ks.rule.keys[ks.id] != ks {
			continue
		}
		if ks.timer.index >= 0 && ks.state == active {
			continue // its hold is longer than the visit
		}
		e.prepareKey(ks)
		e.end(ks, "")
	}
}

// plateOn looks a plate up on a list. Exact beats look-alike beats near; two
// differing entries on the best level are no match.
func (w *world) plateOn(l *List, number string, level PlateLevel) (Truth, *Entry) {
	plate := NormalPlate(number)
	if hits := l.byPlate[plate]; len(hits) > 0 {
		return w.valid(l, hits)
	}
	if level == PlateExact {
		return False, nil
	}
	folded := lookAlike(plate)
	if t, e, found := w.best(l, l.byLooks[folded]); found || level == PlateLooks {
		return t, e
	}
	t, e, _ := w.best(l, l.near(folded))
	return t, e
}

// best judges the entries that match on one level; none or differing plates are no match.
func (w *world) best(l *List, hits []int) (t Truth, e *Entry, found bool) {
	if len(hits) == 0 {
		return False, nil, false
	}
	for _, i := range hits[1:] {
		if l.entries[i].normal != l.entries[hits[0]].normal {
			return False, nil, true
		}
	}
	t, e = w.valid(l, hits)
	return t, e, true
}

// valid judges entries of one plate: true when any is valid now, unknown when
// that cannot be known because the clock is not set.
func (w *world) valid(l *List, hits []int) (Truth, *Entry) {
	r := False
	for _, i := range hits {
		switch e := &l.entries[i]; w.entryValid(e) {
		case True:
			return True, e
		case Unknown:
			r = Unknown
		}
	}
	return r, nil
}

func (w *world) entryValid(e *Entry) Truth {
	if e.From.IsZero() && e.Until.IsZero() && e.Schedule < 0 {
		return True
	}
	if !w.clockOK() {
		return Unknown
	}
	now := w.now.Wall
	if !e.From.IsZero() && now.Before(e.From) || !e.Until.IsZero() && !now.Before(e.Until) {
		return False
	}
	if e.Schedule >= 0 {
		return TruthOf(w.rs.Schedules[e.Schedule].Holds(now.In(w.rs.location())))
	}
	return True
}

// lookAlike folds the characters cameras take for one another:
// O 0 Q D, I 1 L, B 8, S 5, Z 2, G 6.
func lookAlike(plate string) string {
	b := []rune(plate)
	for i, r := range b {
		switch r {
		case 'O', 'Q', 'D':
			b[i] = '0'
		case 'I', 'L':
			b[i] = '1'
		case 'B':
			b[i] = '8'
		case 'S':
			b[i] = '5'
		case 'Z':
			b[i] = '2'
		case 'G':
			b[i] = '6'
		}
	}
	return string(b)
}
