package relay

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// maxSwitches is how often a relay may change its level in switchWindow;
	// one more is a fault.
	maxSwitches  = 30
	switchWindow = time.Minute

	// A visit is remembered until nothing asked on its behalf for visitMemory;
	// per relay at most maxVisits are kept, those asked for last. Visits have
	// numbers that do not come again, so what is forgotten is over.
	visitMemory = 24 * time.Hour
	maxVisits   = 1024

	// A visit that is asked for again and again is noted anew this often.
	visitRefresh = time.Minute

	// Ons are counted over day; per relay maxOns are kept, the last ones.
	day    = 24 * time.Hour
	maxOns = 4096

	feedbackTime = 250 * time.Millisecond

	maxKey   = 1024 // bytes of a visit's name
	maxFault = 1000 // bytes of a fault's words

	faultSwitches = "more than 30 switches in a minute"
)

// Bank holds the arithmetic of all relays of a site. It is a pure state
// machine: every method takes the present moment of the decision clock, which
// never goes back (an earlier moment is taken as the latest one known). It is
// not safe for use by several goroutines.
type Bank struct {
	relays []*state
	index  map[string]int
	now    time.Duration
	await  bool
	out    []Change

	altered uint64 // counts what changes Export
}

// state is one relay. It is on exactly while pulse, latch or a lease asks,
// except that a lease may wait.
type state struct {
	Spec
	partners []partner

	on     bool
	onAt   time.Duration
	wasOff bool // offAt means something
	offAt  time.Duration
	since  time.Duration
	cause  string // of the last change
	by     asker  // who turned it on last
	last   asker  // who is behind the last change
	due    bool   // the line is still to be driven on: pulse and max_on count from then
	coming bool   // the line is not yet known to be on
	going  bool   // the line is not yet known to be off
	stuck  bool   // the line could not be set off
	moved  bool   // the relay was on since the start
	fault  string // empty for none
	passes bool   // the fault ends by itself once the line is off

	contact contact       // what the feedback says
	settled time.Duration // since when the line is at its level, unless it is coming or going

	pulse    bool
	pulseEnd time.Duration
	latch    bool
	leases   []lease // oldest first; the engine bounds them (keys of a rule)

	switches []time.Duration // of the last minute, oldest first
	ons      []time.Duration // of the last day, oldest first
	counted  bool            // the last of ons may still turn out not to have been
	visits   []visit         // asked for last, last
	pulsed   string          // the visit whose first pulse was the last on, or empty
}

type partner struct {
	relay int
	wait  time.Duration
}

// contact is the level of a relay's feedback.
type contact struct {
	known, on bool
	since     time.Duration
}

type asker struct{ rule, key, who, cause string }

type lease struct {
	asker
	start  time.Duration
	linger bool // ended, kept until end for a successor
	end    time.Duration
}

type visit struct {
	key  string
	last time.Duration
}

// NewBank makes a bank of these relays, all off for long enough that neither
// min_off nor interlock_wait holds anything back. It fails for an empty or
// double name, a max_on that is not over 0, a negative duration, a daily_cap
// that cannot be counted and an interlock with an unknown relay or with itself,
// and names all of them.
func NewBank(specs []Spec) (*Bank, error) {
	b := &Bank{index: make(map[string]int, len(specs))}
	var problems []error
	bad := func(s Spec, format string, args ...any) {
		problems = append(problems, fmt.Errorf("relay %q: %s", s.Name, fmt.Sprintf(format, args...)))
	}
	for i, s := range specs {
		if s.Name == "" {
			bad(s, "has no name")
		} else if _, twice := b.index[s.Name]; twice {
			bad(s, "is there twice")
		} else {
			b.index[s.Name] = i
		}
		if s.MaxOn <= 0 {
			bad(s, "max_on is required and must be over 0")
		}
		if s.MinOff < 0 {
			bad(s, "min_off is negative")
		}
		if s.InterlockWait < 0 {
			bad(s, "interlock_wait is negative")
		}
		if s.DailyCap < 0 || s.DailyCap > maxOns {
			bad(s, "daily_cap must be from 0 to %d", maxOns)
		}
		if s.FeedbackTime < 0 {
			bad(s, "feedback_time is negative")
		}
		if s.FeedbackTime == 0 {
			s.FeedbackTime = feedbackTime
		}
		s.Interlock = slices.Clone(s.Interlock)
		b.relays = append(b.relays, &state{Spec: s})
	}
	for i, r := range b.relays {
		for _, name := range r.Interlock {
			j, known := b.index[name]
			switch {
			case !known:
				bad(r.Spec, "interlock with %q, which is not there", name)
			case j == i:
				bad(r.Spec, "interlock with itself")
			default:
				wait := max(r.InterlockWait, b.relays[j].InterlockWait)
				r.addPartner(j, wait)
				b.relays[j].addPartner(i, wait)
			}
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return b, nil
}

func (r *state) addPartner(j int, wait time.Duration) {
	for _, p := range r.partners {
		if p.relay == j {
			return
		}
	}
	r.partners = append(r.partners, partner{j, wait})
}

// AwaitOffs tells the bank that it drives real lines: from now on an off counts
// (for min_off, for interlocks and for the relay's own next on) only from the
// moment [Bank.Off] reports it, and every line is first to be reported off. A
// feedback is judged only from the moment that Off or [Bank.On] reports the line.
func (b *Bank) AwaitOffs() {
	b.await = true
	for _, r := range b.relays {
		r.going = true
	}
}

// Driving reports that the relay's line is about to be driven on, after AwaitOffs:
// a pulse and max_on count from here, so that what comes before it (a note on the
// disk, a busy machine) makes no pulse shorter. [Bank.On] does it where it was left out.
func (b *Bank) Driving(now time.Duration, relay string) {
	r := b.find(relay)
	if r == nil {
		return
	}
	now = b.advance(now)
	r.driving(now)
	b.advance(now)
}

func (r *state) driving(now time.Duration) {
	if !r.on || !r.due {
		return
	}
	if r.pulse {
		r.pulseEnd = later(r.pulseEnd, now-r.onAt)
	}
	r.due, r.onAt = false, now
}

// On reports that the relay's line was driven on. It answers every change to
// on, after AwaitOffs.
func (b *Bank) On(now time.Duration, relay string) {
	r := b.find(relay)
	if r == nil {
		return
	}
	now = b.advance(now)
	r.driving(now)
	r.counted = false
	if r.on && r.coming {
		r.coming, r.settled = false, now
	}
	b.advance(now)
}

// Off reports that the relay's line was driven off. It answers every change to
// off, after AwaitOffs.
func (b *Bank) Off(now time.Duration, relay string) {
	r := b.find(relay)
	if r == nil {
		return
	}
	now = b.advance(now)
	if r.on || !r.going {
		return
	}
	r.offAt, r.wasOff, r.settled = now, true, now
	r.going = false
	if r.stuck {
		r.stuck = false
		if r.passes {
			r.passes = false
			b.setFault(r, "")
		}
		r.since, r.cause, r.last = now, "turned off at last", asker{}
		b.report(now, r)
	}
	b.advance(now)
}

// OffFailed reports that the relay's line could not be driven off. Until
// [Bank.Off] the relay counts as on, also for its interlocks. The fault stays
// until cleared by hand; but the one of a relay that was never on since the
// start (a device that does not answer yet) ends with Off, and leases wait for
// that. It answers a change to off, after AwaitOffs.
func (b *Bank) OffFailed(now time.Duration, relay, why string) {
	r := b.find(relay)
	if r == nil {
		return
	}
	now = b.advance(now)
	if r.stuck {
		return
	}
	r.stuck = true
	why = cut("cannot be turned off: " + why)
	r.since, r.cause, r.last = now, "fault: "+why, asker{}
	if r.fault == "" {
		r.passes = !r.moved
		b.setFault(r, why)
	}
	if !r.passes {
		r.endAll()
	}
	b.report(now, r)
	b.advance(now)
}

// OnFailed takes back an on that its line did not follow: all that asked is
// ended, and the relay is off. A change to off follows, so that the line is
// driven there whatever it did.
func (b *Bank) OnFailed(now time.Duration, relay, why string) {
	r := b.find(relay)
	if r == nil {
		return
	}
	now = b.advance(now)
	if r.on {
		r.endAll()
		b.turn(now, r, false, asker{r.by.rule, r.by.key, r.by.who, why})
	}
	b.advance(now)
}

// Feedback takes the level of a contact: on is its active level, known is false
// when there is none to be had. It concerns every relay whose feedback it is.
func (b *Bank) Feedback(now time.Duration, name string, on, known bool) {
	now = b.advance(now)
	on = on && known
	for _, r := range b.relays {
		if r.Feedback == name && name != "" && (r.contact.known != known || r.contact.on != on) {
			r.contact = contact{known, on, now}
		}
	}
	b.advance(now)
}

// NeverOn reports that the relay's last on did not even reach its line. It is
// not counted for the day, and if it was a pulse, the visit behind it may pulse
// again.
func (b *Bank) NeverOn(relay string) {
	r := b.find(relay)
	if r == nil {
		return
	}
	if r.counted && len(r.ons) > 0 {
		r.ons = r.ons[:len(r.ons)-1]
		b.altered++
	}
	r.counted = false
	if r.pulsed != "" {
		r.visits = slices.DeleteFunc(r.visits, func(v visit) bool { return v.key == r.pulsed })
		r.pulsed = ""
		b.altered++
	}
}

// Do takes a request at the moment now and says what became of it. What has to
// be driven is in [Bank.Changes].
func (b *Bank) Do(now time.Duration, q Request) Verdict {
	r := b.find(q.Relay)
	if r == nil {
		return dropped(ReasonUnknown)
	}
	now = b.advance(now)
	v := b.do(now, r, q)
	b.advance(now)
	return v
}

// late says whether a request that turns the relay on comes after its deadline.
// Offs do not expire.
func late(now time.Duration, r *state, q Request) bool {
	if q.Expires == 0 || now <= q.Expires || !q.Verb.mayTurnOn() {
		return false
	}
	return q.Verb != Toggle || !r.on
}

func (b *Bank) do(now time.Duration, r *state, q Request) Verdict {
	by := asker{q.Rule, q.Key, q.Who, causeOf(q)}
	if late(now, r, q) {
		return dropped(ReasonExpired)
	}
	switch q.Verb {
	case Pulse:
		return b.doPulse(now, r, q, by)
	case SetOn:
		return b.doSetOn(now, r, by)
	case SetOff:
		return b.doSetOff(now, r, by)
	case Toggle:
		if r.on {
			return b.doSetOff(now, r, by)
		}
		return b.doSetOn(now, r, by)
	case LeaseStart:
		return b.doLeaseStart(now, r, by)
	case LeaseEnd:
		return b.doLeaseEnd(now, r, q, by)
	case Clear:
		return b.doClear(now, r, by)
	}
	return dropped(ReasonInvalid)
}

func (b *Bank) doPulse(now time.Duration, r *state, q Request, by asker) Verdict {
	switch {
	case q.Length <= 0 || len(q.Visit) > maxKey:
		return dropped(ReasonInvalid)
	case r.fault != "":
		return dropped(ReasonFault)
	case q.Visit != "" && b.remembers(now, r, q.Visit) && !q.Repeat:
		return dropped(ReasonVisit)
	case r.pulse:
		b.remember(now, r, q.Visit)
		return Verdict{Begun: true, Reason: ReasonMerged}
	case r.on:
		return dropped(ReasonOn)
	}
	if reason := b.turnOn(now, r, by); reason != "" {
		return dropped(reason)
	}
	r.pulse, r.pulseEnd = true, later(now, q.Length)
	if b.remember(now, r, q.Visit) {
		r.pulsed = q.Visit
	}
	return Verdict{Begun: true}
}

func (b *Bank) doSetOn(now time.Duration, r *state, by asker) Verdict {
	if r.fault != "" {
		return dropped(ReasonFault)
	}
	if !r.on {
		if reason := b.turnOn(now, r, by); reason != "" {
			return dropped(reason)
		}
	}
	r.latch = true
	return Verdict{Begun: true}
}

func (b *Bank) doSetOff(now time.Duration, r *state, by asker) Verdict {
	r.endAll()
	if r.on {
		b.turn(now, r, false, by)
	}
	return Verdict{Begun: true}
}

func (b *Bank) doLeaseStart(now time.Duration, r *state, by asker) Verdict {
	if r.fault != "" && !r.passes {
		return dropped(ReasonFault)
	}
	// The first new lease takes over what a reload left behind.
	r.leases = slices.DeleteFunc(r.leases, func(l lease) bool { return l.linger })
	if r.lease(by) < 0 {
		r.leases = append(r.leases, lease{asker: by, start: now})
	}
	switch {
	case r.on:
		return Verdict{Begun: true}
	case r.passes:
		return Verdict{Begun: true, Waits: true, Reason: ReasonFault}
	}
	switch reason := b.turnOn(now, r, by); reason {
	case "":
		return Verdict{Begun: true}
	case ReasonFault:
		return dropped(ReasonFault)
	default:
		return Verdict{Begun: true, Waits: true, Reason: reason}
	}
}

func (b *Bank) doLeaseEnd(now time.Duration, r *state, q Request, by asker) Verdict {
	i := r.lease(by)
	switch {
	case i < 0:
	case q.Linger > 0 && r.on:
		if !r.leases[i].linger {
			r.leases[i].linger, r.leases[i].end = true, later(now, q.Linger)
		}
	default:
		r.leases = slices.Delete(r.leases, i, i+1)
		if r.on && !r.asked() {
			b.turn(now, r, false, asker{by.rule, by.key, by.who, "end of " + by.cause})
		}
	}
	return Verdict{Begun: true}
}

func (b *Bank) doClear(now time.Duration, r *state, by asker) Verdict {
	if r.stuck || r.fault != "" && r.differs() {
		return dropped(ReasonFault)
	}
	if r.fault != "" {
		b.setFault(r, "")
		r.switches = r.switches[:0]
		r.last, r.cause = by, "fault cleared: "+by.cause
		b.report(now, r)
	}
	return Verdict{Begun: true}
}

// Advance does what falls due up to now: ends of pulses, of lingering leases
// and of max_on, faults of the feedback, and leases that waited.
func (b *Bank) Advance(now time.Duration) { b.advance(now) }

// Next gives the earliest moment at which Advance has something to do.
func (b *Bank) Next() (time.Duration, bool) {
	at, _, _ := b.next()
	return at, at != never
}

// Changes gives what happened since the last call, in order. The caller owns
// the slice.
func (b *Bank) Changes() []Change {
	out := b.out
	b.out = nil
	return out
}

// States gives every relay, in the order of the specs.
func (b *Bank) States() []State { return b.statesAt(b.now) }

// statesAt is States at a moment that the bank was not told yet.
func (b *Bank) statesAt(now time.Duration) []State {
	out := make([]State, len(b.relays))
	for i, r := range b.relays {
		out[i] = r.snapshot(max(now, b.now))
	}
	return out
}

// State gives one relay; false when there is none of that name.
func (b *Bank) State(relay string) (State, bool) { return b.stateAt(b.now, relay) }

func (b *Bank) stateAt(now time.Duration, relay string) (State, bool) {
	r := b.find(relay)
	if r == nil {
		return State{}, false
	}
	return r.snapshot(max(now, b.now)), true
}

func (r *state) snapshot(now time.Duration) State {
	return State{
		Name: r.Name, On: r.on || r.stuck, Since: r.since, Cause: r.cause, Rule: r.last.rule, Key: r.last.key, Who: r.last.who,
		MaxOn: r.MaxOn, Fault: r.fault, Today: len(recent(r.ons, now, day)), Waits: !r.on && r.waiting() >= 0,
		Ends: r.ends(),
	}
}

// ends is when the relay goes off by itself at the latest; 0 when it is not on, or
// its line is still to be driven on.
func (r *state) ends() time.Duration {
	switch {
	case !r.on || r.due:
		return 0
	case r.pulse && !r.latch && len(r.leases) == 0:
		return min(r.pulseEnd, r.onAt+r.MaxOn)
	}
	return r.onAt + r.MaxOn
}

const never = time.Duration(1<<63 - 1)

type due uint8

const (
	dueNothing due = iota
	dueMaxOn
	duePulse
	dueLinger
	dueFeedback
	dueLease
)

// advance does what is due up to now, each at its own moment, and gives the
// moment that it then is.
func (b *Bank) advance(now time.Duration) time.Duration {
	now = max(now, b.now)
	for {
		at, what, i := b.next()
		if what == dueNothing || at > now {
			b.now = now
			return now
		}
		// What could have been done earlier is done now: time does not go back.
		at = max(at, b.now)
		b.now = at
		r := b.relays[i]
		switch what {
		case dueMaxOn:
			r.endAll()
			b.turn(at, r, false, r.by.because("max_on reached"))
		case duePulse:
			r.pulse = false
			b.settle(at, r, "end of pulse")
		case dueLinger:
			r.leases = slices.DeleteFunc(r.leases, func(l lease) bool { return l.linger && l.end <= at })
			b.settle(at, r, "end of lease")
		case dueFeedback:
			b.disagree(at, r)
		case dueLease:
			b.turnOn(at, r, r.leases[r.waiting()].asker)
		}
	}
}

// next finds what is due first. At one moment offs come before ons, max_on
// before the rest (it ends all that asks), and of the leases that wait the
// oldest goes first; what is then still equal goes in the order of the relays.
func (b *Bank) next() (time.Duration, due, int) {
	at, what, which := never, dueNothing, -1
	var oldest time.Duration
	for i, r := range b.relays {
		consider := func(t time.Duration, d due) {
			if t < at || t == at && d < what {
				at, what, which = t, d, i
			}
		}
		if r.on {
			consider(later(r.onAt, r.MaxOn), dueMaxOn)
		}
		if r.pulse && !r.due {
			consider(r.pulseEnd, duePulse)
		}
		for k := range r.leases {
			if r.leases[k].linger {
				consider(r.leases[k].end, dueLinger)
			}
		}
		if r.fault == "" && !r.coming && !r.going && r.differs() {
			consider(later(max(r.contact.since, r.settled), r.FeedbackTime), dueFeedback)
		}
		if r.on {
			continue
		}
		if k := r.waiting(); k >= 0 {
			// Equal moments are compared as they will be done: never in the past.
			t, free, _ := b.mayGoOn(r)
			t = max(t, b.now)
			switch {
			case !free:
			case t == at && what == dueLease && r.leases[k].start < oldest:
				which, oldest = i, r.leases[k].start
			case t < at || t == at && dueLease < what:
				at, what, which, oldest = t, dueLease, i, r.leases[k].start
			}
		}
	}
	return at, what, which
}

// mayGoOn gives the moment from which the relay may go on as far as min_off,
// daily_cap and interlocks go, and the word for what holds it back longest. It is not free
// while that depends on another's off, or its own, that has not happened yet.
func (b *Bank) mayGoOn(r *state) (at time.Duration, free bool, reason string) {
	if r.going {
		return 0, false, ReasonMinOff
	}
	if r.wasOff && r.MinOff > 0 {
		at, reason = later(r.offAt, r.MinOff), ReasonMinOff
	}
	if n := len(r.ons) - r.DailyCap; r.DailyCap > 0 && n >= 0 {
		if t := later(r.ons[n], day); t > at {
			at, reason = t, ReasonDailyCap
		}
	}
	for _, p := range r.partners {
		other := b.relays[p.relay]
		// What the feedback says is on is on, whatever was asked of its line.
		if other.on || other.going || other.stuck || other.contact.on {
			return 0, false, ReasonInterlock
		}
		if t := later(other.offAt, p.wait); other.wasOff && p.wait > 0 && t > at {
			at, reason = t, ReasonInterlock
		}
	}
	return at, true, reason
}

// turnOn turns a relay that is off on, or says what forbids it.
func (b *Bank) turnOn(now time.Duration, r *state, by asker) string {
	if r.fault != "" {
		return ReasonFault
	}
	if at, free, reason := b.mayGoOn(r); !free || at > now {
		return reason
	}
	if r.switchesAt(now) >= maxSwitches {
		b.tooMany(now, r, by)
		return ReasonFault
	}
	b.turn(now, r, true, by)
	return ""
}

// turn changes the level. The caller has seen to what asks.
func (b *Bank) turn(now time.Duration, r *state, on bool, by asker) {
	many := r.switchesAt(now) >= maxSwitches
	r.switches = append(r.switches, now)
	r.on, r.since, r.cause, r.last, r.settled = on, now, by.cause, by, now
	r.coming, r.going = on && b.await, !on && b.await
	r.due = r.coming
	if on {
		r.onAt, r.by, r.moved, r.pulsed, r.counted = now, by, true, "", true
		r.ons = append(tail(recent(r.ons, now, day), maxOns-1), now)
	} else {
		r.offAt, r.wasOff = now, true
		if many && r.fault == "" {
			b.setFault(r, faultSwitches)
			r.endAll()
		}
	}
	b.altered++
	b.report(now, r)
}

// tooMany puts a relay that is off into the fault of too many switches.
func (b *Bank) tooMany(now time.Duration, r *state, by asker) {
	r.endAll()
	b.setFault(r, faultSwitches)
	r.last = by.because("fault: " + faultSwitches)
	r.cause = r.last.cause
	b.report(now, r)
}

// disagree puts a relay into the fault that its feedback says the other.
func (b *Bank) disagree(now time.Duration, r *state) {
	word := map[bool]string{true: "on", false: "off"}
	b.setFault(r, cut(fmt.Sprintf("feedback: the contact %s says %s while the relay is %s", r.Feedback, word[r.contact.on], word[r.on])))
	r.endAll()
	if r.on {
		b.turn(now, r, false, r.by.because("fault: "+r.fault))
		return
	}
	r.last = asker{cause: "fault: " + r.fault}
	r.cause = r.last.cause
	b.report(now, r)
}

func (b *Bank) setFault(r *state, words string) {
	r.fault = words
	b.altered++
}

// settle turns a relay off if nothing asks for it any more.
func (b *Bank) settle(now time.Duration, r *state, why string) {
	if r.on && !r.asked() {
		b.turn(now, r, false, r.by.because(why))
	}
}

func (b *Bank) report(now time.Duration, r *state) {
	b.out = append(b.out, Change{
		Relay: r.Name, On: r.on || r.stuck, At: now, Cause: r.cause, Rule: r.last.rule, Key: r.last.key, Who: r.last.who, Fault: r.fault,
	})
}

func (b *Bank) find(relay string) *state {
	i, ok := b.index[relay]
	if !ok {
		return nil
	}
	return b.relays[i]
}

// differs says whether the feedback says the other than the relay.
func (r *state) differs() bool { return r.contact.known && r.contact.on != r.on }

func (r *state) asked() bool { return r.pulse || r.latch || len(r.leases) > 0 }

func (r *state) endAll() {
	r.pulse, r.latch = false, false
	r.leases = nil
}

// waiting gives the oldest lease that could turn the relay on, or -1. One that
// lingers could not: its rule is gone.
func (r *state) waiting() int {
	return slices.IndexFunc(r.leases, func(l lease) bool { return !l.linger })
}

func (r *state) lease(by asker) int {
	return slices.IndexFunc(r.leases, func(l lease) bool { return l.rule == by.rule && l.key == by.key })
}

// switchesAt counts the changes of level in the minute that ends now.
func (r *state) switchesAt(now time.Duration) int {
	r.switches = append(r.switches[:0], recent(r.switches, now, switchWindow)...)
	return len(r.switches)
}

// recent gives those of the times, oldest first, that are less than the window old.
func recent(times []time.Duration, now, window time.Duration) []time.Duration {
	old := 0
	for old < len(times) && times[old] <= now-window {
		old++
	}
	return times[old:]
}

// tail gives the last n at most.
func tail[T any](all []T, n int) []T { return all[max(0, len(all)-n):] }

// remembers says whether the visit pulsed this relay already.
func (b *Bank) remembers(now time.Duration, r *state, key string) bool {
	old := 0
	for old < len(r.visits) && r.visits[old].last <= now-visitMemory {
		old++
	}
	r.visits = slices.Delete(r.visits, 0, old)
	i := slices.IndexFunc(r.visits, func(v visit) bool { return v.key == key })
	if i < 0 {
		return false
	}
	// Asked for once more, it is the freshest again.
	if r.visits[i].last <= now-visitRefresh {
		r.visits = append(slices.Delete(r.visits, i, i+1), visit{key, now})
		b.altered++
	}
	return true
}

// remember notes that the visit pulsed this relay, and says whether that is new.
func (b *Bank) remember(now time.Duration, r *state, key string) bool {
	if key == "" || b.remembers(now, r, key) {
		return false
	}
	if len(r.visits) >= maxVisits {
		r.visits = slices.Delete(r.visits, 0, 1)
	}
	r.visits = append(r.visits, visit{key, now})
	b.altered++
	return true
}

func (a asker) because(why string) asker {
	if a.cause != "" {
		why += " (" + a.cause + ")"
	}
	return asker{a.rule, a.key, a.who, why}
}

// causeOf says in words who asks, when the request does not.
func causeOf(q Request) string {
	if q.Cause != "" {
		return q.Cause
	}
	if q.Who != "" {
		return "by hand: " + q.Who
	}
	var s strings.Builder
	if q.Rule != "" {
		fmt.Fprintf(&s, "rule %q", q.Rule)
	}
	if q.Key != "" {
		if s.Len() > 0 {
			s.WriteByte(' ')
		}
		s.WriteString(q.Key)
	}
	if s.Len() == 0 {
		return q.Verb.String()
	}
	return s.String()
}

// later adds without running over.
func later(t, d time.Duration) time.Duration {
	if t > never-d {
		return never - 1
	}
	return t + d
}

// cut keeps the words of a fault, which may come from a device, in bounds.
func cut(s string) string {
	if len(s) > maxFault {
		s = s[:maxFault]
	}
	return strings.ToValidUTF8(s, "")
}

func dropped(reason string) Verdict { return Verdict{Reason: reason} }
