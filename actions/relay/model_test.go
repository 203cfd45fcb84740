package relay

import (
	"flag"
	"fmt"
	"math/rand/v2"
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
		q := randomRequest(rnd, specs, now)
		for {
			at, ok := punctual.Next()
			if !ok || at > now {
				break
			}
			punctual.Advance(at)
		}
		early := punctual.Changes()
		v := punctual.Do(now, q)
		late := punctual.Changes()
		if w := b.Do(now, q); w != v {
			return fmt.Sprintf("%v %+v: %+v when woken late, %+v when woken in time", now, q, w, v)
		}
		if got, want := b.Changes(), append(early, late...); !slices.Equal(got, want) {
			return fmt.Sprintf("changes %+v when woken late, %+v when woken in time", got, want)
		}
		for _, ch := range early {
			c.change(ch, nil)
		}
		c.request(now, q, v)
		for _, ch := range late {
			c.change(ch, &q)
		}
		c.rest(now, b)
		if len(c.problems) > 0 {
			return fmt.Sprintf("after %v %+v: %+v: %s", now, q, v, strings.Join(c.problems, "; "))
		}
	}
	b.Advance(now + time.Hour)
	for _, ch := range b.Changes() {
		c.change(ch, nil)
	}
	for _, st := range b.States() {
		if st.On {
			c.fail("%s is on an hour later", st.Name)
		}
	}
	return strings.Join(c.problems, "; ")
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
	visits   map[string]bool
	switches []time.Duration
}

func newChecker(specs []Spec) *checker {
	c := &checker{relays: map[string]*checked{}}
	for _, s := range specs {
		c.relays[s.Name] = &checked{
			spec: s, waits: map[string]time.Duration{}, leases: map[string]bool{}, linger: map[string]time.Duration{}, visits: map[string]bool{},
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
			if r.visits[q.Visit] && !q.Repeat {
				c.fail("a second pulse in one visit")
			}
			r.visits[q.Visit] = true
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
		if r.fault {
			r.switches = nil
		}
	}
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
			}
		}
		r.on, r.onAt = true, now
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
		r.on, r.offAt, r.wasOff = false, now, true
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
			held := r.wasOff && now < r.offAt+r.spec.MinOff
			for other, wait := range r.waits {
				o := c.relays[other]
				held = held || o.on || o.wasOff && now < o.offAt+wait
			}
			if !held {
				c.fail("%s: a lease waits for nothing", name)
			}
		}
	}
}
