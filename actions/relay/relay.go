// Package relay moves relays, and keeps them from being moved wrongly.
//
// [Bank] is the arithmetic of a site's relays as a pure state machine: pulses,
// leases, the latch, max_on, min_off, interlocks, the daily cap, feedback and the
// limit on switches. It has no clock and no goroutine, so tests, replays and the
// running program use the very same code. [Service] is a Bank with a clock, and
// one goroutine per relay that owns its line. A relay that is on goes off by the
// Service alone; nothing else has to be alive for it. [Saved] is what must
// outlast a restart. [Off] drives lines off without anything else.
package relay

import "time"

// Spec says what a relay may do. All durations are on the decision clock.
type Spec struct {
	// Name is the relay's name in the site file.
	Name string

	// MaxOn is the longest unbroken on-time, whatever asks. Required.
	MaxOn time.Duration

	// MinOff is how long the relay stays off before it may go on again; 0 is
	// no limit.
	MinOff time.Duration

	// Interlock names the relays that must not be on together with this one.
	// It is symmetric: it is enough that one of the two names the other.
	Interlock []string

	// InterlockWait is how long this relay and those interlocked with it wait
	// after the other's off. Where the two differ the longer one holds.
	InterlockWait time.Duration

	// DailyCap is how often the relay may be turned on in any 24 hours of the
	// decision clock, at most 4096; 0 is no limit.
	DailyCap int

	// Feedback names the contact that must say what the relay is, or is empty.
	// A contact that says the other for FeedbackTime is a fault. While its
	// level is unknown nothing is judged: not the relay that is off, and not
	// one that is turned on, which is allowed. A relay that is on for no longer
	// than FeedbackTime is not judged for that on.
	Feedback string

	// FeedbackTime is how long the contact may say the other than the relay,
	// from when the line was driven or, if that was later, from when the
	// contact changed; 0 is 250 ms.
	FeedbackTime time.Duration
}

// Verb says what a request asks of a relay.
type Verb uint8

// The verbs. The first four come from relay steps and from people, the leases
// from rules that follow, Clear from people only.
const (
	Pulse      Verb = iota + 1 // on for Request.Length, once
	SetOn                      // latch on
	SetOff                     // end the pulse, every lease and the latch
	Toggle                     // SetOff when the relay is on, else SetOn
	LeaseStart                 // on until LeaseEnd of the same rule and key
	LeaseEnd                   // end the lease of this rule and key
	Clear                      // clear a fault
)

// mayTurnOn says whether the verb can turn a relay on, and so can expire.
func (v Verb) mayTurnOn() bool {
	return v == Pulse || v == SetOn || v == Toggle || v == LeaseStart
}

// String gives the verb as a person would say it.
func (v Verb) String() string {
	switch v {
	case Pulse:
		return "pulse"
	case SetOn:
		return "set on"
	case SetOff:
		return "set off"
	case Toggle:
		return "toggle"
	case LeaseStart:
		return "follow"
	case LeaseEnd:
		return "end follow"
	case Clear:
		return "clear"
	}
	return "?"
}

// Request asks something of one relay.
type Request struct {
	Relay string
	Verb  Verb

	// Length is how long a pulse is on. Must be over 0 for Pulse.
	Length time.Duration

	// Rule and Key say which firing asks. Together they name a lease.
	Rule, Key string

	// Who is the person who asks by hand: a user or an address. Empty for
	// rules.
	Who string

	// Cause says in words who or what asks, for journal and console. Left
	// empty it is made of Who, or else of Rule and Key.
	Cause string

	// Visit is the plate visit the firing belongs to ("gate/#12"), or empty.
	// One visit pulses a relay once, whichever rules ask. At most 1024 bytes.
	Visit string

	// Repeat lifts the limit of one pulse per visit (`repeat: true`).
	Repeat bool

	// Expires is the moment on the decision clock after which the relay may
	// not be turned on by this request; 0 is never. Turning off never expires.
	Expires time.Duration

	// Linger keeps a lease that is ended for up to this long, so that the rule
	// that replaces its rule at a reload can take it over without an edge.
	Linger time.Duration

	// Ready, when given, is closed once the record of this request is on disk.
	// An on waits for it before its line is driven, for Options.ReadyWait at
	// most; an off never waits, and one that comes meanwhile overtakes the on.
	// A pulse and max_on count from when the line is driven. Of a Bank, which has
	// no lines, it is not looked at.
	Ready <-chan struct{}
}

// The words that say why a request did nothing, or why it waits.
const (
	ReasonVisit     = "visit"         // this visit pulsed the relay already
	ReasonMerged    = "merged"        // a pulse is running; it is not lengthened
	ReasonOn        = "on"            // the relay is on otherwise than by a pulse
	ReasonMinOff    = "min_off"       // it went off too short a time ago
	ReasonInterlock = "interlock"     // an interlocked relay is on or just went off
	ReasonDailyCap  = "daily_cap"     // it was turned on too often in the last 24 hours
	ReasonFault     = "fault"         // the relay has a fault
	ReasonExpired   = "expired"       // the request came after its deadline
	ReasonUnknown   = "unknown relay" // there is no such relay
	ReasonInvalid   = "invalid"       // no such verb, a pulse without a length, a visit with too long a name
	ReasonOvertaken = "overtaken"     // an off came before the line was on
	ReasonClosed    = "closed"        // the program is ending
)

// Verdict is what became of a request.
type Verdict struct {
	// Begun says that the request took effect, or had taken effect already: a
	// pulse that falls into a running one has (with the reason "merged").
	Begun bool

	// Waits says that a lease was accepted and goes on as soon as it may.
	Waits bool

	// Reason is one of the Reason words when Begun is false, when the lease
	// waits, and for "merged"; else empty.
	Reason string
}

// Change is something that happened to a relay: a new level, or a fault that
// came or went.
type Change struct {
	Relay string
	On    bool
	At    time.Duration // on the decision clock
	Cause string        // in words
	Rule  string        // of the request behind it, if any
	Key   string
	Who   string // the person behind it, if any

	// Fault is the relay's fault after this change, empty for none.
	Fault string
}

// State is a relay as it stands.
type State struct {
	Name  string
	On    bool
	Since time.Duration // on the decision clock; of the last change of level
	Cause string        // of the last change
	Rule  string        // of the request behind the last change, if any
	Key   string
	Who   string // the person behind the last change, if any
	MaxOn time.Duration
	Fault string // empty for none

	// Today counts how often the relay was turned on in the last 24 hours;
	// 4096 is that or more.
	Today int

	// Waits says that a lease is live but the relay may not go on yet.
	Waits bool

	// Ends is when it goes off by itself at the latest, on the decision clock: at the
	// end of a pulse that nothing outlasts, else when max_on is over. 0 = it is not on.
	Ends time.Duration
}
