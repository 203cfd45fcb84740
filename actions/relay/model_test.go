package relay

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var timelines = flag.Int("timelines", 10_000, "how many random timelines TestRandomTimelines plays")

// TestRandomTimelines plays random requests and checks what the bank did
// against a checker that shares nothing with it but the types.
func TestRandomTimelines(t *testing.T) {
	n := *timelines
	if testing.Short() {
		n /= 10
	}
	for seed := range uint64(n) {
		if problem := playRandom(seed); problem != "" {
			t.Fatalf("seed %d: %s", seed, problem)
		}
	}
}

func playRandom(seed uint64) string {
	rnd := rand.New(rand.NewPCG(seed, 1))
	specs := randomSpecs(rnd)
	b, err := NewBank(specs)
	if err != nil {
		return err.Error()
	}
	punctual, _ := NewBank(specs) // the same, woken at every moment of Next
	c := newChecker(specs)
	now := time.Duration(0)
	steps := 25
	if seed%100 == 0 {
		steps = 400 // enough for too many switches in a minute
	}
	for range steps {
		// Coarse times, so that moments often fall together.
		now += time.Duration(rnd.IntN(12)) * 100 * ms
		if rnd.IntN(50) == 0 {
			now += 24*time.Hour - time.Duration(rnd.IntN(200))*100*ms
		}
		for {
			at, ok := punctual.Next()
			if !ok || at > now {
				break
			}
			punctual.Advance(at)
		}
		early := punctual.Changes()
		q, what, ask, note := randomStep(rnd, specs, now, c)
		v := ask(punctual)
		late := punctual.Changes()
		if w := ask(b); w != v {
			return fmt.Sprintf("%v %s: %+v when woken late, %+v when woken in time", now, what, w, v)
		}
		if got, want := b.Changes(), append(slices.Clone(early), late...); !slices.Equal(got, want) {
			return fmt.Sprintf("%v %s: changes %+v when woken late, %+v when woken in time", now, what, got, want)
		}
		if x, y := b.Export(now, noon), punctual.Export(now, noon); !reflect.DeepEqual(x, y) {
			return fmt.Sprintf("%v %s: exports %+v when woken late, %+v when woken in time", now, what, x, y)
		}
		for _, ch := range early {
			c.change(ch, nil)
		}
		note(v)
		for _, ch := range late {
			c.change(ch, q)
		}
		c.rest(now, b)
		if len(c.problems) > 0 {
			return fmt.Sprintf("after %v %s: %+v: %s", now, what, v, strings.Join(c.problems, "; "))
		}
		if rnd.IntN(40) == 0 {
			away := time.Duration(rnd.IntN(100)) * 100 * ms
			if rnd.IntN(4) == 0 {
				away += 24*time.Hour - 5*time.Second
			}
			wall := noon.Add(away) // or a clock that went back
			if rnd.IntN(3) == 0 {
				wall = noon.Add(-away)
			}
			saved := b.Export(now, noon)
			now += away
			b, _ = NewBank(specs)
			punctual, _ = NewBank(specs)
			b.Restore(now, wall, saved)
			punctual.Restore(now, wall, saved)
			c.restart(away, wall.Before(noon))
			c.rest(now, b)
			if len(c.problems) > 0 {
				return fmt.Sprintf("after a restart at %v, away %v: %s", now, away, strings.Join(c.problems, "; "))
			}
		}
	}
	// Long enough for leases that wait for the daily cap.
	b.Advance(now + 100*time.Hour)
	for _, ch := range b.Changes() {
		c.change(ch, nil)
	}
	for _, st := range b.States() {
		if st.On {
			c.fail("%s is on long after", st.Name)
		}
	}
	return strings.Join(c.problems, "; ")
}

// randomStep draws a request, or what a contact says. note tells the checker
// what came of it.
func randomStep(rnd *rand.Rand, specs []Spec, now time.Duration, c *checker) (request *Request, what string, ask func(*Bank) Verdict, note func(Verdict)) {
	if rnd.IntN(4) > 0 {
		q := randomRequest(rnd, specs, now)
		return &q, fmt.Sprintf("%+v", q), func(b *Bank) Verdict { return b.Do(now, q) }, func(v Verdict) { c.request(now, q, v) }
	}
	// Mostly it says what the relay is.
	spec := specs[rnd.IntN(len(specs))]
	on, known := c.relays[spec.Name].on, rnd.IntN(10) > 0
	if rnd.IntN(8) == 0 {
		on = !on
	}
	what = fmt.Sprintf("contact %q on %v, known %v", spec.Feedback, on, known)
	ask = func(b *Bank) Verdict {
		b.Feedback(now, spec.Feedback, on, known)
		return Verdict{}
	}
	return nil, what, ask, func(Verdict) { c.contact(now, spec.Feedback, on, known) }
}

func randomSpecs(rnd *rand.Rand) []Spec {
	specs := []Spec{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	for i := range specs {
		s := &specs[i]
		s.MaxOn = time.Duration(1+rnd.IntN(30)) * 100 * ms
		if rnd.IntN(2) == 0 {
			s.MinOff = time.Duration(rnd.IntN(10)) * 100 * ms
		}
		if rnd.IntN(2) == 0 {
			s.InterlockWait = time.Duration(rnd.IntN(10)) * 100 * ms
		}
		if rnd.IntN(2) == 0 {
			s.Interlock = []string{specs[(i+1+rnd.IntN(2))%3].Name}
		}
		if rnd.IntN(3) == 0 {
			s.DailyCap = 1 + rnd.IntN(5)
		}
		if rnd.IntN(3) == 0 {
			s.Feedback = []string{"x", "y"}[rnd.IntN(2)]
			s.FeedbackTime = time.Duration(rnd.IntN(4)) * 100 * ms
		}
	}
	return specs
}

func randomRequest(rnd *rand.Rand, specs []Spec, now time.Duration) Request {
	q := Request{
		Relay: specs[rnd.IntN(len(specs))].Name, Verb: Pulse + Verb(rnd.IntN(int(Clear))),
		Rule: string(rune('r' + rnd.IntN(2))), Key: string(rune('1' + rnd.IntN(2))),
	}
	switch q.Verb {
	case Pulse:
		q.Length = time.Duration(1+rnd.IntN(15)) * 100 * ms
		if rnd.IntN(2) == 0 {
			q.Visit = fmt.Sprint("gate/#", rnd.IntN(6))
			q.Repeat = rnd.IntN(5) == 0
		}
	case LeaseEnd:
		if rnd.IntN(4) == 0 {
			q.Linger = time.Second
		}
	}
	if rnd.IntN(4) == 0 {
		q.Expires = max(1, now+time.Duration(rnd.IntN(7)-3)*100*ms)
	}
	return q
}

// checker follows what was asked and what was done.
type checker struct {
	relays   map[string]*checked
	problems []string
}

type checked struct {
	spec     Spec
	waits    map[string]time.Duration // interlocked relay → wait
	on       bool
	onAt     time.Duration
	wasOff   bool
	offAt    time.Duration
	fault    bool
	pulseEnd time.Duration
	pulse    bool
	latch    bool
	leases   map[string]bool
	linger   map[string]time.Duration
	visits   map[string]time.Duration // when it was last asked for
	switches []time.Duration
	ons      []time.Duration

	known, says  bool // what the contact says
	since        time.Duration
	levelSince   time.Duration
	feedbackTime time.Duration
}

func newChecker(specs []Spec) *checker {
	c := &checker{relays: map[string]*checked{}}
	for _, s := range specs {
		c.relays[s.Name] = &checked{
			spec: s, waits: map[string]time.Duration{}, leases: map[string]bool{}, linger: map[string]time.Duration{}, visits: map[string]time.Duration{},
			feedbackTime: s.FeedbackTime,
		}
		if s.FeedbackTime == 0 {
			c.relays[s.Name].feedbackTime = 250 * ms
		}
	}
	for _, s := range specs {
		for _, other := range s.Interlock {
			wait := max(s.InterlockWait, c.relays[other].spec.InterlockWait)
			c.relays[s.Name].waits[other], c.relays[other].waits[s.Name] = wait, wait
		}
	}
	return c
}

func (c *checker) fail(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// request notes what asks from now on.
func (c *checker) request(now time.Duration, q Request, v Verdict) {
	r := c.relays[q.Relay]
	verb := q.Verb
	if verb == Toggle {
		verb = SetOn
		if r.on {
			verb = SetOff
		}
	}
	if q.Expires != 0 && now > q.Expires && verb != SetOff && verb != LeaseEnd && verb != Clear {
		if v.Begun {
			c.fail("begun after its deadline")
		}
		return
	}
	if r.fault && v.Begun && verb != SetOff && verb != LeaseEnd && verb != Clear {
		c.fail("begun in a fault")
	}
	who := q.Rule + "/" + q.Key
	switch verb {
	case Pulse:
		if q.Visit != "" && v.Begun {
			// A visit may be forgotten up to a minute early.
			if last, was := r.visits[q.Visit]; was && !q.Repeat && now < last+24*time.Hour-time.Minute {
				c.fail("a second pulse in one visit")
			}
			r.visits[q.Visit] = now
		}
		if v.Reason == ReasonVisit {
			if last, was := r.visits[q.Visit]; !was || now >= last+24*time.Hour {
				c.fail("refused for a visit that had no pulse")
			}
			r.visits[q.Visit] = now
		}
		if r.on && v.Begun && v.Reason != ReasonMerged {
			c.fail("a pulse begun on a relay that is on")
		}
		if v.Begun && v.Reason == "" {
			r.pulse, r.pulseEnd = true, now+q.Length
		}
	case SetOn:
		if r.on && !v.Begun {
			c.fail("a set on refused on a relay that is on")
		}
		r.latch = r.latch || v.Begun
	case SetOff:
		if !v.Begun {
			c.fail("an off refused")
		}
		r.nothing()
	case LeaseStart:
		if v.Begun {
			clear(r.linger)
			r.leases[who] = true
		}
	case LeaseEnd:
		if r.leases[who] && q.Linger > 0 && r.on {
			r.linger[who] = now + q.Linger
		}
		if q.Linger == 0 {
			delete(r.linger, who)
		}
		delete(r.leases, who)
	case Clear:
		if v.Begun == (r.fault && r.differs()) {
			c.fail("clear: %+v", v)
		}
		if r.fault && v.Begun {
			r.switches = nil
		}
	}
	if v.Reason == ReasonDailyCap && (r.spec.DailyCap == 0 || r.today(now) < r.spec.DailyCap) {
		c.fail("refused for a cap that is not reached")
	}
}

// contact notes what a contact says from now on.
func (c *checker) contact(now time.Duration, name string, on, known bool) {
	for _, r := range c.relays {
		if name != "" && r.spec.Feedback == name && (r.known != known || r.says != (on && known)) {
			r.known, r.says, r.since = known, on && known, now
		}
	}
}

// restart notes that the program was away, and that its clock did or did not
// tell for how long.
func (c *checker) restart(away time.Duration, back bool) {
	shift := time.Duration(0)
	if back {
		shift = away
	}
	for _, r := range c.relays {
		r.nothing()
		r.on, r.wasOff, r.known, r.says = false, false, false, false
		for i := range r.ons {
			r.ons[i] += shift
		}
		for i := range r.switches {
			r.switches[i] += shift
		}
		for v := range r.visits {
			r.visits[v] += shift
		}
	}
}

func (r *checked) differs() bool { return r.known && r.says != r.on }

// judged is when what the contact says becomes a fault.
func (r *checked) judged() time.Duration { return max(r.since, r.levelSince) + r.feedbackTime }

// today counts the ons of the last 24 hours.
func (r *checked) today(now time.Duration) (n int) {
	for _, t := range r.ons {
		if t > now-24*time.Hour {
			n++
		}
	}
	return n
}

func (r *checked) nothing() {
	r.pulse, r.latch = false, false
	clear(r.leases)
	clear(r.linger)
}

// lapse drops what asked only up to now.
func (r *checked) lapse(now time.Duration) {
	r.pulse = r.pulse && r.pulseEnd > now
	for who, end := range r.linger {
		if end <= now {
			delete(r.linger, who)
		}
	}
}

func (r *checked) asked() bool { return r.pulse || r.latch || len(r.leases)+len(r.linger) > 0 }

// change checks one change; q is the request that was made just before it.
func (c *checker) change(ch Change, q *Request) {
	r := c.relays[ch.Relay]
	now := ch.At
	if !r.fault && strings.HasPrefix(ch.Fault, "feedback: ") && (!r.differs() || now != r.judged()) {
		c.fail("%s: a fault at %v, but differs %v, judged at %v", ch.Relay, now, r.differs(), r.judged())
	}
	r.fault = ch.Fault != ""
	if ch.On != r.on {
		r.switches = append(slices.DeleteFunc(r.switches, func(t time.Duration) bool { return t <= now-time.Minute }), now)
		if len(r.switches) > 30 && (ch.On || !r.fault) {
			c.fail("%s: switched more than 30 times in a minute", ch.Relay)
		}
	}
	switch {
	case ch.On && !r.on:
		if r.fault {
			c.fail("%s: on with a fault", ch.Relay)
		}
		if r.wasOff && now < r.offAt+r.spec.MinOff {
			c.fail("%s: on at %v, %v after its off", ch.Relay, now, now-r.offAt)
		}
		for name, wait := range r.waits {
			if other := c.relays[name]; other.on || other.wasOff && now < other.offAt+wait {
				c.fail("%s: on at %v against %s", ch.Relay, now, name)
			} else if other.says {
				c.fail("%s: on at %v while the contact of %s says on", ch.Relay, now, name)
			}
		}
		if r.spec.DailyCap > 0 && r.today(now) >= r.spec.DailyCap {
			c.fail("%s: on at %v, the %d. time in a day", ch.Relay, now, r.today(now)+1)
		}
		r.ons = append(r.ons, now)
		r.on, r.onAt, r.levelSince = true, now, now
		r.lapse(now)
		if !r.asked() {
			c.fail("%s: on at %v and nothing asks", ch.Relay, now)
		}
	case !ch.On && r.on:
		full := now == r.onAt+r.spec.MaxOn
		r.lapse(now)
		if full || r.fault {
			r.nothing()
		}
		if r.asked() {
			c.fail("%s: off at %v though something asks", ch.Relay, now)
		}
		if now > r.onAt+r.spec.MaxOn {
			c.fail("%s: on for %v", ch.Relay, now-r.onAt)
		}
		if byRequest := q != nil && q.Relay == ch.Relay; !full && !r.fault && !byRequest && now != r.pulseEnd && !strings.HasPrefix(ch.Cause, "end of lease") {
			c.fail("%s: off at %v, but the pulse ended at %v", ch.Relay, now, r.pulseEnd)
		}
		r.on, r.offAt, r.wasOff, r.levelSince = false, now, true, now
	case r.fault:
		r.nothing()
	}
}

// rest checks how things stand after everything at now is done.
func (c *checker) rest(now time.Duration, b *Bank) {
	for name, r := range c.relays {
		r.lapse(now)
		st, _ := b.State(name)
		if st.On != r.on {
			c.fail("%s: state says on: %v", name, st.On)
		}
		if st.Today != r.today(now) {
			c.fail("%s: today %d, not %d", name, st.Today, r.today(now))
		}
		if (st.Fault != "") != r.fault {
			c.fail("%s: fault %q", name, st.Fault)
		}
		if !r.fault && r.differs() && now >= r.judged() {
			c.fail("%s: the contact differs for too long", name)
		}
		if r.on && now >= r.onAt+r.spec.MaxOn {
			c.fail("%s: still on after max_on", name)
		}
		if r.on && !r.asked() {
			c.fail("%s: on and nothing asks", name)
		}
		if !r.on && (r.pulse || r.latch) {
			c.fail("%s: off during a pulse or the latch", name)
		}
		if !r.on && len(r.leases) > 0 {
			// A lease that waits has something to wait for.
			held := r.wasOff && now < r.offAt+r.spec.MinOff || r.spec.DailyCap > 0 && r.today(now) >= r.spec.DailyCap
			for other, wait := range r.waits {
				o := c.relays[other]
				held = held || o.on || o.says || o.wasOff && now < o.offAt+wait
			}
			if !held {
				c.fail("%s: a lease waits for nothing", name)
			}
		}
	}
}
