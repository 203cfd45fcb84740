package relay

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

// script plays requests on a bank. A line is "TIME RELAY VERB [ARGS] [= ANSWER]":
//
//	0s gate pulse 800ms visit=gate/#1 repeat expires=3s = begun
//	2s gate on            ("off", "toggle", "clear")
//	3s porch lease R/K    ("unlease R/K [linger=1s]")
//	9s advance
//	9s feedback door on   ("off", "unknown"; what the contact says)
//
// The answer is "begun", "begun: REASON", "waits: REASON" or "dropped: REASON";
// left out it is "begun".
func script(t *testing.T, b *Bank, lines string) {
	t.Helper()
	for line := range strings.Lines(lines) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		ask, want, stated := strings.Cut(line, " = ")
		if !stated {
			want = "begun"
		}
		f := strings.Fields(ask)
		now := duration(t, f[0])
		if f[1] == "advance" {
			b.Advance(now)
			continue
		}
		if f[1] == "feedback" {
			b.Feedback(now, f[2], f[3] == "on", f[3] != "unknown")
			continue
		}
		q := Request{Relay: f[1], Rule: "r"}
		args := f[3:]
		switch f[2] {
		case "pulse":
			q.Verb, q.Length, args = Pulse, duration(t, args[0]), args[1:]
		case "lease", "unlease":
			q.Verb = map[string]Verb{"lease": LeaseStart, "unlease": LeaseEnd}[f[2]]
			q.Rule, q.Key, _ = strings.Cut(args[0], "/")
			args = args[1:]
		default:
			q.Verb = map[string]Verb{"on": SetOn, "off": SetOff, "toggle": Toggle, "clear": Clear}[f[2]]
		}
		for _, arg := range args {
			k, v, _ := strings.Cut(arg, "=")
			switch k {
			case "visit":
				q.Visit = v
			case "repeat":
				q.Repeat = true
			case "expires":
				q.Expires = duration(t, v)
			case "linger":
				q.Linger = duration(t, v)
			default:
				t.Fatalf("%q: what is %q?", line, arg)
			}
		}
		if got := answer(b.Do(now, q)); got != want {
			t.Errorf("%s: got %q", line, got)
		}
		b.Driving(now, q.Relay) // lines here are driven at once
	}
}

func answer(v Verdict) string {
	word := "dropped"
	switch {
	case v.Waits:
		word = "waits"
	case v.Begun:
		word = "begun"
	}
	if v.Reason != "" {
		word += ": " + v.Reason
	}
	return word
}

func duration(t *testing.T, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// levels gives the changes of level as "gate+0s gate-800ms", faults as "gate!1s".
func levels(changes []Change) string {
	var out []string
	on := map[string]bool{}
	for _, c := range changes {
		sign := "!"
		if c.On != on[c.Relay] {
			sign = map[bool]string{true: "+", false: "-"}[c.On]
		}
		on[c.Relay] = c.On
		out = append(out, fmt.Sprint(c.Relay, sign, c.At))
	}
	return strings.Join(out, " ")
}

func newBank(t *testing.T, specs ...Spec) *Bank {
	t.Helper()
	b, err := NewBank(specs)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var (
	gate  = Spec{Name: "gate", MaxOn: 5 * time.Second}
	slow  = Spec{Name: "gate", MaxOn: 5 * time.Second, MinOff: 3 * time.Second}
	up    = Spec{Name: "up", MaxOn: 10 * time.Second, Interlock: []string{"down"}, InterlockWait: 500 * ms}
	down  = Spec{Name: "down", MaxOn: 10 * time.Second}
	porch = Spec{Name: "porch", MaxOn: time.Minute}
)

var capped = Spec{Name: "gate", MaxOn: 5 * time.Second, DailyCap: 2}

// door is a relay with the contact door as feedback.
func door(name string) Spec { return Spec{Name: name, MaxOn: 5 * time.Second, Feedback: "door"} }

// TestSentences has every sentence of the relay section of the rule language.
func TestSentences(t *testing.T) {
	for _, c := range []struct {
		name   string
		specs  []Spec
		script string
		want   string
	}{
		{"on while a pulse runs", []Spec{gate}, `0s gate pulse 800ms
			9s advance`, "gate+0s gate-800ms"},
		{"on while a lease lives", []Spec{porch}, `1s porch lease r/1
			9s porch unlease r/1`, "porch+1s porch-9s"},
		{"on while any of two leases lives", []Spec{porch}, `1s porch lease r/1
			2s porch lease r/2
			3s porch unlease r/1
			4s porch lease s/2
			5s porch unlease r/2
			6s porch unlease s/2`, "porch+1s porch-6s"},
		{"on while latched", []Spec{porch}, `1s porch on
			2s porch on
			9s porch off`, "porch+1s porch-9s"},
		{"the latch outlasts a pulse in it", []Spec{gate}, `0s gate pulse 800ms
			400ms gate on
			2s gate off`, "gate+0s gate-2s"},
		{"a lease outlasts a pulse in it", []Spec{gate}, `0s gate pulse 800ms
			400ms gate lease r/1
			2s gate unlease r/1`, "gate+0s gate-2s"},
		{"a pulse outlasts a lease in it", []Spec{gate}, `0s gate pulse 800ms
			400ms gate lease r/1
			500ms gate unlease r/1
			2s advance`, "gate+0s gate-800ms"},
		{"the end of a lease that is not there changes nothing", []Spec{porch}, `0s porch on
			1s porch unlease r/1
			2s porch off
			3s porch unlease r/1`, "porch+0s porch-2s"},

		{"off ends all three", []Spec{porch}, `0s porch pulse 9s
			1s porch lease r/1
			2s porch on
			3s porch off
			20s advance`, "porch+0s porch-3s"},
		{"toggle turns off what is on, whatever asks", []Spec{porch}, `0s porch toggle
			1s porch toggle
			2s porch lease r/1
			3s porch toggle
			4s porch toggle
			5s porch unlease r/1
			6s porch off`, "porch+0s porch-1s porch+2s porch-3s porch+4s porch-6s"},
		{"a lease ended by off stays ended until its rule fires again", []Spec{porch}, `0s porch lease r/1
			1s porch off
			9s advance
			10s porch unlease r/1
			11s porch lease r/1
			12s porch unlease r/1`, "porch+0s porch-1s porch+11s porch-12s"},
		{"off ends a lease that waits", []Spec{slow}, `0s gate pulse 1s
			2s gate lease r/1 = waits: min_off
			3s gate off
			9s advance`, "gate+0s gate-1s"},

		{"a pulse within a pulse is merged and never lengthens it", []Spec{gate}, `0s gate pulse 800ms
			700ms gate pulse 800ms = begun: merged
			9s advance`, "gate+0s gate-800ms"},
		{"also while the relay is latched", []Spec{gate}, `0s gate pulse 800ms
			100ms gate on
			700ms gate pulse 4s = begun: merged
			1s gate off
			9s advance`, "gate+0s gate-1s"},
		{"a pulse at the end of another is one of its own", []Spec{gate}, `0s gate pulse 800ms
			800ms gate pulse 800ms
			9s advance`, "gate+0s gate-800ms gate+800ms gate-1.6s"},
		{"a pulse on a latched relay is dropped", []Spec{gate}, `0s gate on
			1s gate pulse 800ms = dropped: on
			2s gate off
			9s advance`, "gate+0s gate-2s"},
		{"a pulse on a relay with a lease is dropped", []Spec{gate}, `0s gate lease r/1
			1s gate pulse 8s = dropped: on
			2s gate unlease r/1
			9s advance`, "gate+0s gate-2s"},
		{"a pulse without a length is refused", []Spec{gate}, `0s gate pulse 0s = dropped: invalid
			0s gate pulse -1s = dropped: invalid`, ""},

		{"max_on ends a pulse", []Spec{gate}, `0s gate pulse 9s
			20s advance`, "gate+0s gate-5s"},
		{"max_on counts unbroken on-time whatever asks", []Spec{gate}, `0s gate pulse 2s
			1s gate on
			3s gate lease r/1
			4s gate on
			20s advance`, "gate+0s gate-5s"},
		{"max_on ends everything that asks", []Spec{gate}, `0s gate lease r/1
			1s gate on
			6s gate unlease r/1
			7s gate lease r/1
			8s gate unlease r/1
			20s advance`, "gate+0s gate-5s gate+7s gate-8s"},
		{"a lease ended by max_on stays ended until its rule fires again", []Spec{gate}, `0s gate lease r/1
			9s advance
			10s gate lease r/1
			20s advance`, "gate+0s gate-5s gate+10s gate-15s"},
		{"max_on counts from the last on", []Spec{gate}, `0s gate on
			4s gate off
			4s gate on
			20s advance`, "gate+0s gate-4s gate+4s gate-9s"},
		{"a pulse as long as max_on with a lease in it ends with max_on", []Spec{gate}, `0s gate pulse 5s
			1s gate lease r/1
			20s advance`, "gate+0s gate-5s"},

		{"min_off: a pulse that comes sooner is dropped", []Spec{slow}, `0s gate pulse 1s
			3999ms gate pulse 1s = dropped: min_off
			4s gate pulse 1s
			9s advance`, "gate+0s gate-1s gate+4s gate-5s"},
		{"min_off: a set on that comes sooner is dropped", []Spec{slow}, `0s gate pulse 1s
			2s gate on = dropped: min_off
			2s gate toggle = dropped: min_off
			9s advance`, "gate+0s gate-1s"},
		{"min_off: a lease waits", []Spec{slow}, `0s gate pulse 1s
			2s gate lease r/1 = waits: min_off
			6s gate unlease r/1`, "gate+0s gate-1s gate+4s gate-6s"},
		{"min_off: a lease that ends while it waits was never on", []Spec{slow}, `0s gate pulse 1s
			2s gate lease r/1 = waits: min_off
			3s gate unlease r/1
			9s advance`, "gate+0s gate-1s"},
		{"min_off: a pulse is dropped also while a lease waits", []Spec{slow}, `0s gate pulse 1s
			2s gate lease r/1 = waits: min_off
			2s gate pulse 1s = dropped: min_off
			4s gate pulse 1s = dropped: on
			5s gate unlease r/1`, "gate+0s gate-1s gate+4s gate-5s"},
		{"min_off holds nothing back at first", []Spec{slow}, `0s gate pulse 1s
			2s advance`, "gate+0s gate-1s"},

		{"interlock: an on while the other is on is dropped", []Spec{up, down}, `0s up pulse 2s
			1s down pulse 1s = dropped: interlock
			1s down on = dropped: interlock
			1s down toggle = dropped: interlock
			9s advance`, "up+0s up-2s"},
		{"interlock is symmetric", []Spec{up, down}, `0s down pulse 2s
			1s up pulse 1s = dropped: interlock
			2s up pulse 1s = dropped: interlock
			2499ms up pulse 1s = dropped: interlock
			2500ms up pulse 1s
			9s advance`, "down+0s down-2s up+2.5s up-3.5s"},
		{"interlock: an on within interlock_wait of the other's off is dropped", []Spec{up, down}, `0s up pulse 1s
			1s down on = dropped: interlock
			1499ms down on = dropped: interlock
			1500ms down on
			2s down off`, "up+0s up-1s down+1.5s down-2s"},
		{"interlock: a lease waits", []Spec{up, down}, `0s up pulse 2s
			1s down lease r/1 = waits: interlock
			4s down unlease r/1`, "up+0s up-2s down+2.5s down-4s"},
		{"interlock: nothing is switched off to make room", []Spec{up, down}, `0s up on
			1s down lease r/1 = waits: interlock
			9s up off
			11s down unlease r/1`, "up+0s up-9s down+9.5s down-11s"},
		{"interlock: a relay's own off does not hold it back", []Spec{up, down}, `0s up pulse 1s
			1s up pulse 1s
			9s advance`, "up+0s up-1s up+1s up-2s"},
		{"interlock: of two leases that wait the older goes on", []Spec{
			{Name: "b", MaxOn: 9 * time.Second, Interlock: []string{"c"}}, {Name: "a", MaxOn: 9 * time.Second, Interlock: []string{"b", "c"}},
			{Name: "c", MaxOn: 9 * time.Second}}, `0s c pulse 2s
			1s a lease r/1 = waits: interlock
			1500ms b lease r/1 = waits: interlock
			3s a unlease r/1
			4s b unlease r/1`, "c+0s c-2s a+2s a-3s b+3s b-4s"},
		{"interlock without a wait: on at once after the off", []Spec{
			{Name: "a", MaxOn: 9 * time.Second, Interlock: []string{"b"}}, {Name: "b", MaxOn: 9 * time.Second}}, `0s a on
			1s b lease r/1 = waits: interlock
			2s a off
			3s b unlease r/1`, "a+0s a-2s b+2s b-3s"},
		{"a lease waits for both, min_off and interlock", []Spec{up, {Name: "down", MaxOn: time.Minute, MinOff: 3 * time.Second}}, `0s down pulse 1s
			1500ms up pulse 500ms
			1600ms down lease r/1 = waits: interlock
			5s down unlease r/1`, "down+0s down-1s up+1.5s up-2s down+4s down-5s"},

		{"daily_cap: a pulse and a set on beyond it are dropped, in any 24 hours", []Spec{capped}, `1h gate pulse 1s
			2h gate on
			3h gate pulse 1s = dropped: daily_cap
			3h gate on = dropped: daily_cap
			3h gate toggle = dropped: daily_cap
			24h59m59s gate pulse 1s = dropped: daily_cap
			25h gate pulse 1s
			25h59m59s gate pulse 1s = dropped: daily_cap
			26h gate on
			27h gate pulse 1s = dropped: daily_cap`,
			"gate+1h0m0s gate-1h0m1s gate+2h0m0s gate-2h0m5s gate+25h0m0s gate-25h0m1s gate+26h0m0s gate-26h0m5s"},
		{"daily_cap: a lease waits until it may", []Spec{capped}, `1h gate pulse 1s
			2h gate pulse 1s
			3h gate lease r/1 = waits: daily_cap
			25h1s gate unlease r/1
			30h advance`, "gate+1h0m0s gate-1h0m1s gate+2h0m0s gate-2h0m1s gate+25h0m0s gate-25h0m1s"},
		{"daily_cap: what does not turn on is not counted", []Spec{capped}, `1h gate pulse 1s
			1h gate pulse 1s = begun: merged
			1h gate lease r/1
			1h gate on
			1h1s gate off
			2h gate on`, "gate+1h0m0s gate-1h0m1s gate+2h0m0s"},
		{"daily_cap: a fault that was cleared does not lift it", []Spec{{Name: "gate", MaxOn: time.Second, DailyCap: 2, Feedback: "door"}}, `1h gate pulse 1s
			2h gate on
			2h1m feedback door on
			2h2m feedback door off
			2h2m gate clear
			2h2m gate pulse 1s = dropped: daily_cap`, "gate+1h0m0s gate-1h0m1s gate+2h0m0s gate-2h0m1s gate!2h1m0.25s gate!2h2m0s"},

		{"feedback: nothing is judged while its level is unknown", []Spec{door("gate")}, `0s gate pulse 1s
			2s gate on
			3s feedback other off
			6s gate off
			9s advance`, "gate+0s gate-1s gate+2s gate-6s"},
		{"feedback: one that follows in time is no fault", []Spec{door("gate")}, `0s feedback door off
			1s gate on
			1249ms feedback door on
			2s gate off
			2249ms feedback door off
			9s advance`, "gate+1s gate-2s"},
		{"feedback: one that does not follow is a fault, and the relay goes off", []Spec{door("gate")}, `0s feedback door off
			1s gate lease r/1
			1100ms gate on
			2s gate pulse 1s = dropped: fault
			2s gate on = dropped: fault
			2s gate lease r/2 = dropped: fault
			2s gate toggle = dropped: fault
			9h gate off
			9h gate clear
			9h gate pulse 100ms
			10h advance`, "gate+1s gate-1.25s gate!9h0m0s gate+9h0m0s gate-9h0m0.1s"},
		{"feedback: nor may it leave while the relay is on", []Spec{door("gate")}, `0s gate on
			100ms feedback door on
			2s feedback door off
			2100ms feedback door on
			3s feedback door off
			9s advance`, "gate+0s gate-3.25s"},
		{"feedback: a relay that is on for no longer than feedback_time is not judged for it", []Spec{door("gate")}, `0s feedback door off
			1s gate pulse 250ms
			9s advance`, "gate+1s gate-1.25s"},
		{"feedback: on while the relay is off is a fault, also at the start", []Spec{door("gate")}, `0s feedback door on
			249ms gate pulse 10ms
			1s gate pulse 1s = dropped: fault
			2s gate clear = dropped: fault
			3s feedback door off
			3s gate clear
			3s gate pulse 100ms
			9s advance`, "gate+249ms gate-259ms gate!509ms gate!3s gate+3s gate-3.1s"},
		{"feedback: a contact that gets unknown is no fault", []Spec{door("gate")}, `0s feedback door off
			1s gate on
			1200ms feedback door unknown
			4s gate off
			5s feedback door on
			5100ms feedback door unknown
			9s advance`, "gate+1s gate-4s"},
		{"feedback: a fault ends a lease that waits", []Spec{{Name: "gate", MaxOn: time.Minute, MinOff: 3 * time.Second, Feedback: "door"}}, `0s gate pulse 100ms
			1s gate lease r/1 = waits: min_off
			2s feedback door on
			3s feedback door off
			3s gate clear
			9s advance`, "gate+0s gate-100ms gate!2.25s gate!3s"},
		{"feedback: a fault comes before a lease that may go on at that moment", []Spec{{Name: "gate", MaxOn: time.Minute, MinOff: 3 * time.Second, Feedback: "door"}}, `0s gate pulse 100ms
			1s gate lease r/1 = waits: min_off
			2850ms feedback door on
			9s advance`, "gate+0s gate-100ms gate!3.1s"},
		{"feedback: what it says is on is on for the interlock", []Spec{up, {Name: "down", MaxOn: time.Minute, Feedback: "door"}}, `0s down pulse 1s
			100ms feedback door on
			1500ms up pulse 1s = dropped: interlock
			2s up lease r/1 = waits: interlock
			8s feedback door off
			9s up off`, "down+0s down-1s down!1.25s up+8s up-9s"},
		{"feedback: one contact for two relays", []Spec{door("a"), door("b")}, `0s feedback door on
			0s a on
			100ms b pulse 100ms
			4s advance`, "a+0s b+100ms b-200ms b!450ms"},

		{"one visit pulses a relay once, whichever rules ask", []Spec{gate, porch}, `0s gate pulse 1s visit=gate/#1
			500ms gate pulse 1s visit=gate/#1 = dropped: visit
			2s gate pulse 1s visit=gate/#1 = dropped: visit
			2s porch pulse 1s visit=gate/#1
			20h gate pulse 1s visit=gate/#1 = dropped: visit
			40h gate pulse 1s visit=gate/#1 = dropped: visit
			40h gate pulse 1s visit=gate/#2
			40h1m gate pulse 1s
			41h advance`, "gate+0s gate-1s porch+2s porch-3s gate+40h0m0s gate-40h0m1s gate+40h1m0s gate-40h1m1s"},
		{"unless its rule says repeat", []Spec{gate}, `0s gate pulse 1s visit=gate/#1
			2s gate pulse 1s visit=gate/#1 repeat
			4s gate pulse 1s visit=gate/#1 = dropped: visit
			9s advance`, "gate+0s gate-1s gate+2s gate-3s"},
		{"a pulse that was dropped leaves the visit its pulse", []Spec{slow}, `0s gate pulse 1s visit=gate/#1
			2s gate pulse 1s visit=gate/#2 = dropped: min_off
			5s gate pulse 1s visit=gate/#2
			9s advance`, "gate+0s gate-1s gate+5s gate-6s"},
		{"a merged pulse is the visit's pulse", []Spec{gate}, `0s gate pulse 1s visit=gate/#1
			500ms gate pulse 1s visit=gate/#2 = begun: merged
			5s gate pulse 1s visit=gate/#2 = dropped: visit
			9s advance`, "gate+0s gate-1s"},

		{"an on after its deadline is refused", []Spec{gate}, `4s gate pulse 1s expires=3s = dropped: expired
			4s gate on expires=3s = dropped: expired
			4s gate toggle expires=3s = dropped: expired
			4s gate lease r/1 expires=3s = dropped: expired
			4s gate on expires=4s
			5s gate toggle expires=3s
			5s gate on
			6s gate off expires=3s
			6s gate lease r/1
			7s gate unlease r/1 expires=3s`, "gate+4s gate-5s gate+5s gate-6s gate+6s gate-7s"},
		{"a lease that waits does not expire", []Spec{slow}, `0s gate pulse 1s
			1s gate lease r/1 expires=2s = waits: min_off
			5s gate unlease r/1`, "gate+0s gate-1s gate+4s gate-5s"},

		{"after a reload the new rule takes the lease without an edge", []Spec{porch}, `0s porch lease r/1
			5s porch unlease r/1 linger=1s
			5500ms porch lease r/1
			8s porch unlease r/1
			20s advance`, "porch+0s porch-8s"},
		{"or it ends after the time", []Spec{porch}, `0s porch lease r/1
			5s porch unlease r/1 linger=1s
			20s advance`, "porch+0s porch-6s"},
		{"a lease that was taken over is over", []Spec{porch}, `0s porch lease r/1
			5s porch unlease r/1 linger=1s
			5100ms porch lease r/2
			5200ms porch unlease r/2
			20s advance`, "porch+0s porch-5.2s"},
		{"a lease that lingers turns nothing on", []Spec{slow}, `0s gate pulse 1s
			2s gate lease r/1 = waits: min_off
			3s gate unlease r/1 linger=20s
			30s advance`, "gate+0s gate-1s"},
		{"off ends a lease that lingers", []Spec{porch}, `0s porch lease r/1
			5s porch unlease r/1 linger=1s
			5100ms porch off
			5200ms porch pulse 100ms
			20s advance`, "porch+0s porch-5.1s porch+5.2s porch-5.3s"},

		{"there is no such relay", []Spec{gate}, `0s gat pulse 1s = dropped: unknown relay`, ""},
		{"there is no such verb", []Spec{gate}, `0s gate dance = dropped: invalid`, ""},
		{"time does not go back", []Spec{gate}, `5s gate pulse 1s
			2s advance
			2s gate pulse 1s = begun: merged
			6s advance`, "gate+5s gate-6s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBank(t, c.specs...)
			script(t, b, c.script)
			if got := levels(b.Changes()); got != c.want {
				t.Errorf("changes\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestNextNamesEveryMoment(t *testing.T) {
	b := newBank(t, up, down)
	script(t, b, `0s up pulse 2s
		1s down lease r/1 = waits: interlock`)
	var woken []time.Duration
	for {
		at, ok := b.Next()
		if !ok {
			break
		}
		woken = append(woken, at)
		b.Advance(at)
	}
	if want := []time.Duration{2 * time.Second, 2500 * ms, 12500 * ms}; !slices.Equal(woken, want) {
		t.Errorf("woken at %v, want %v", woken, want)
	}
	if got, want := levels(b.Changes()), "up+0s up-2s down+2.5s down-12.5s"; got != want {
		t.Errorf("changes %s, want %s", got, want)
	}
}

func TestThirtySwitchesAMinute(t *testing.T) {
	flap := func(b *Bank, from time.Duration, pulses int) (at time.Duration) {
		for i := range pulses {
			at = from + time.Duration(i)*time.Second
			b.Do(at, Request{Relay: "gate", Verb: Pulse, Length: 500 * ms})
		}
		return at
	}

	t.Run("thirty are allowed, in any minute", func(t *testing.T) {
		b := newBank(t, gate)
		flap(b, 0, 15)
		flap(b, 60*time.Second, 15)
		b.Advance(5 * time.Minute)
		if n := len(b.Changes()); n != 60 {
			t.Errorf("%d changes, want 60", n)
		}
	})

	t.Run("one more is a fault: off, and refused until cleared by hand", func(t *testing.T) {
		b := newBank(t, gate)
		flap(b, 0, 15)
		script(t, b, `20s gate pulse 1s = dropped: fault
			20s gate on = dropped: fault
			20s gate toggle = dropped: fault
			20s gate lease r/1 = dropped: fault
			10h gate pulse 1s = dropped: fault
			10h gate off
			10h gate clear
			10h gate lease r/1
			10h1s gate unlease r/1`)
		changes := b.Changes()[30:]
		if got, want := levels(changes), "gate!20s gate!10h0m0s gate+10h0m0s gate-10h0m1s"; got != want {
			t.Errorf("changes %s, want %s", got, want)
		}
		if got, want := changes[0].Fault, "more than 30 switches in a minute"; got != want {
			t.Errorf("fault %q, want %q", got, want)
		}
		if changes[1].Fault != "" {
			t.Errorf("fault %q after it was cleared", changes[1].Fault)
		}
	})

	t.Run("an off is done also when it is the one too many", func(t *testing.T) {
		b := newBank(t, gate)
		b.Do(0, Request{Relay: "gate", Verb: SetOn})
		b.Do(1*time.Second, Request{Relay: "gate", Verb: SetOff})
		flap(b, 2*time.Second, 14)
		// The first on is out of the minute, the first off is not.
		b.Do(60500*ms, Request{Relay: "gate", Verb: LeaseStart, Rule: "r"})
		b.Do(60600*ms, Request{Relay: "gate", Verb: SetOff})
		st, _ := b.State("gate")
		if st.On || st.Fault != "more than 30 switches in a minute" {
			t.Errorf("on %v, fault %q", st.On, st.Fault)
		}
	})

	t.Run("a fault ends leases that wait", func(t *testing.T) {
		b := newBank(t, Spec{Name: "gate", MaxOn: time.Minute, MinOff: 200 * ms})
		flap(b, 0, 15)
		script(t, b, `14600ms gate lease r/1 = waits: min_off
			15s advance
			16s gate clear
			30s advance`)
		if got, want := levels(b.Changes()[30:]), "gate!14.7s gate!16s"; got != want {
			t.Errorf("changes %s, want %s", got, want)
		}
	})

	t.Run("a restart does not clear it", func(t *testing.T) {
		old := newBank(t, gate)
		flap(old, 0, 16)
		b := newBank(t, gate)
		b.Restore(0, time.Time{}, old.Export(20*time.Second, time.Time{}))
		script(t, b, `1s gate on = dropped: fault
			2s gate clear
			3s gate on`)
	})
}

func TestVisitsAreBounded(t *testing.T) {
	b := newBank(t, gate)
	r := b.relays[0]
	at := time.Duration(0)
	pulse := func(key string) Verdict {
		at += 10 * time.Second
		return b.Do(at, Request{Relay: "gate", Verb: Pulse, Length: ms, Visit: key})
	}
	pulse("parked")
	for i := range 3 * maxVisits {
		pulse(fmt.Sprint("gate/#", i))
		if i%100 == 0 {
			if v := pulse("parked"); v.Reason != ReasonVisit {
				t.Fatalf("after %d other visits: %+v", i, v)
			}
		}
	}
	if len(r.visits) > maxVisits {
		t.Errorf("%d visits remembered", len(r.visits))
	}
	at += visitMemory
	pulse("next day")
	if len(r.visits) != 1 {
		t.Errorf("%d visits remembered a day later", len(r.visits))
	}
}

func TestStatesSayWhy(t *testing.T) {
	b := newBank(t, gate, porch)
	ask := func(at time.Duration, q Request) {
		q.Relay = "gate"
		b.Do(at, q)
	}
	now := time.Duration(0)
	for _, c := range []struct {
		do   func()
		want State // but Today
	}{
		{func() {}, State{}},
		{func() {
			ask(now, Request{Verb: Pulse, Length: ms, Rule: "gate for residents", Key: "gate/#12"})
		}, State{On: true, Since: 1 * time.Second, Cause: `rule "gate for residents" gate/#12`, Rule: "gate for residents", Key: "gate/#12", Ends: 1001 * ms}},
		{func() {}, State{Since: 1001 * ms, Cause: `end of pulse (rule "gate for residents" gate/#12)`, Rule: "gate for residents", Key: "gate/#12"}},
		{func() { ask(now, Request{Verb: SetOn, Cause: "console: ann"}) }, State{On: true, Since: 3 * time.Second, Cause: "console: ann", Ends: 8 * time.Second}},
		{func() { ask(now, Request{Verb: SetOff}) }, State{Since: 4 * time.Second, Cause: "set off"}},
		{func() { ask(now, Request{Verb: LeaseStart, Rule: "r", Key: "k"}) },
			State{On: true, Since: 5 * time.Second, Cause: `rule "r" k`, Rule: "r", Key: "k", Ends: 10 * time.Second}},
		{func() { ask(now, Request{Verb: LeaseEnd, Rule: "r", Key: "k"}) },
			State{Since: 6 * time.Second, Cause: `end of rule "r" k`, Rule: "r", Key: "k"}},
		{func() { ask(now, Request{Verb: SetOn, Cause: "console: bob"}); now += 6 * time.Second },
			State{Since: 12 * time.Second, Cause: `max_on reached (console: bob)`}},
	} {
		c.do()
		b.Advance(now)
		c.want.Name, c.want.MaxOn = "gate", 5*time.Second
		got, _ := b.State("gate")
		c.want.Today = got.Today
		if got != c.want {
			t.Errorf("at %v\n got %+v\nwant %+v", now, got, c.want)
		}
		now += time.Second
	}
	if _, ok := b.State("gat"); ok {
		t.Error("a relay that is not there has a state")
	}
	if all := b.States(); len(all) != 2 || all[0].Name != "gate" || all[1].Name != "porch" {
		t.Errorf("states %+v", all)
	}
}

// TestTimesCountFromTheLine: what comes before a line is driven, as a note on the
// disk, makes neither pulse nor max_on shorter or longer.
func TestTimesCountFromTheLine(t *testing.T) {
	b := newBank(t, gate, porch)
	b.AwaitOffs()
	b.Off(0, "gate")
	b.Off(0, "porch")
	b.Do(time.Second, Request{Relay: "gate", Verb: Pulse, Length: 40 * ms})
	b.Do(time.Second, Request{Relay: "porch", Verb: SetOn})
	b.Driving(1100*ms, "gate")
	b.Driving(1100*ms, "porch")
	b.Driving(1200*ms, "gate") // the line is driven once
	b.On(1150*ms, "gate")
	b.On(1150*ms, "porch")
	b.Advance(2 * time.Minute)
	if got, want := levels(b.Changes()), "gate+1s porch+1s gate-1.14s porch-1m1.1s"; got != want {
		t.Errorf("changes\n got %s\nwant %s", got, want)
	}
}

func TestLinesThatAnswer(t *testing.T) {
	b := newBank(t, up, down, Spec{Name: "gate", MaxOn: time.Minute, MinOff: time.Second})
	b.AwaitOffs()
	script(t, b, `0s gate pulse 1s = dropped: min_off
		0s down pulse 1s = dropped: min_off`)
	for _, name := range []string{"up", "down", "gate"} {
		b.Off(time.Second, name)
	}
	script(t, b, `1s gate pulse 1s = dropped: min_off
		1s up on = dropped: interlock
		2s gate pulse 1s
		2s up pulse 1s
		3500ms down lease r/1 = waits: interlock
		9s gate pulse 1s = dropped: min_off
		9s gate lease r/1 = waits: min_off`)
	// An off counts from the moment that the line is off.
	b.Off(10*time.Second, "gate")
	b.Off(10*time.Second, "up")
	script(t, b, `20s advance`)
	want := "gate+2s up+2s up-3s gate-3s down+10.5s gate+11s"
	if got := levels(b.Changes()); !strings.HasPrefix(got, want) {
		t.Errorf("changes %s, want %s", got, want)
	}
}

func TestAnOffThatFails(t *testing.T) {
	b := newBank(t, up, down)
	b.AwaitOffs()
	b.Off(0, "up")
	b.Off(0, "down")
	script(t, b, `1s up pulse 1s
		1500ms down lease r/1 = waits: interlock
		2s advance`)
	b.OffFailed(2100*ms, "up", "input/output error")
	b.OffFailed(2200*ms, "up", "input/output error")
	script(t, b, `8s up pulse 1s = dropped: fault
		8s up clear = dropped: fault
		8s down pulse 1s = dropped: interlock`)
	st, _ := b.State("up")
	want := State{Name: "up", On: true, Since: 2100 * ms, MaxOn: 10 * time.Second,
		Cause: "fault: cannot be turned off: input/output error", Fault: "cannot be turned off: input/output error", Today: 1}
	if st != want {
		t.Errorf("state\n got %+v\nwant %+v", st, want)
	}
	b.Off(9*time.Second, "up")
	script(t, b, `9s up pulse 1s = dropped: fault
		10s up pulse 1s = dropped: fault
		10s down unlease r/1`)
	b.Off(10*time.Second, "down")
	script(t, b, `11s up clear
		11s up pulse 1s`)
	if got, want := levels(b.Changes()), "up+1s up-2s up+2.1s up-9s down+9.5s down-10s up!11s up+11s"; got != want {
		t.Errorf("changes\n got %s\nwant %s", got, want)
	}
}

func TestADeviceThatDoesNotAnswerAtTheStart(t *testing.T) {
	b := newBank(t, porch)
	b.AwaitOffs()
	b.OffFailed(100*ms, "porch", "no route to host")
	script(t, b, `1s porch pulse 1s = dropped: fault
		1s porch on = dropped: fault
		1s porch lease r/1 = waits: fault`)
	b.Off(5*time.Second, "porch")
	st, _ := b.State("porch")
	if !st.On || st.Fault != "" || st.Since != 5*time.Second {
		t.Errorf("state %+v", st)
	}
}

func TestAnOnThatFails(t *testing.T) {
	b := newBank(t, gate)
	b.AwaitOffs()
	b.Off(0, "gate")
	script(t, b, `1s gate pulse 1s visit=gate/#1
		1s gate lease r/1`)
	b.OnFailed(1*time.Second, "gate", "cannot be turned on: no")
	b.Off(1*time.Second, "gate")
	script(t, b, `2s gate pulse 1s visit=gate/#1 = dropped: visit
		2s gate pulse 1s visit=gate/#2`)
	b.NeverOn("gate")
	b.OnFailed(2*time.Second, "gate", "came too late")
	b.Off(2*time.Second, "gate")
	script(t, b, `3s gate pulse 1s visit=gate/#2`)
	if got, want := levels(b.Changes()), "gate+1s gate-1s gate+2s gate-2s gate+3s"; got != want {
		t.Errorf("changes %s, want %s", got, want)
	}
}

func TestNewBankNamesEveryProblem(t *testing.T) {
	_, err := NewBank([]Spec{
		{},
		{Name: "a", MaxOn: -1, MinOff: -1, InterlockWait: -1},
		{Name: "a", MaxOn: 1, Interlock: []string{"b"}},
		{Name: "c", MaxOn: 1, Interlock: []string{"c"}, DailyCap: 4097, FeedbackTime: -1},
	})
	want := `relay "": has no name
relay "": max_on is required and must be over 0
relay "a": max_on is required and must be over 0
relay "a": min_off is negative
relay "a": interlock_wait is negative
relay "a": is there twice
relay "c": daily_cap must be from 0 to 4096
relay "c": feedback_time is negative
relay "a": interlock with "b", which is not there
relay "c": interlock with itself`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestFeedbackSaysWhatIsWrong(t *testing.T) {
	b := newBank(t, door("gate"))
	b.Do(time.Second, Request{Relay: "gate", Verb: SetOn, Who: "ann"})
	b.Feedback(2*time.Second, "door", false, true)
	b.Advance(3 * time.Second)
	st, _ := b.State("gate")
	want := State{Name: "gate", Since: 2250 * ms, MaxOn: 5 * time.Second, Who: "ann", Today: 1,
		Cause: "fault: feedback: the contact door says off while the relay is on (by hand: ann)",
		Fault: "feedback: the contact door says off while the relay is on"}
	if st != want {
		t.Errorf("state\n got %+v\nwant %+v", st, want)
	}
	script(t, b, `4s gate clear
		5s feedback door on
		6s advance`)
	changes := b.Changes()
	last := changes[len(changes)-1]
	wantChange := Change{Relay: "gate", At: 5250 * ms, Cause: "fault: feedback: the contact door says on while the relay is off",
		Fault: "feedback: the contact door says on while the relay is off"}
	if last != wantChange {
		t.Errorf("change\n got %+v\nwant %+v", last, wantChange)
	}
}

// A feedback is judged from when the line was driven, however long that took.
func TestFeedbackOfASlowLine(t *testing.T) {
	b := newBank(t, door("gate"))
	b.AwaitOffs()
	b.Feedback(0, "door", true, true)
	b.Advance(3 * time.Second)
	b.Off(3*time.Second, "gate")
	b.Feedback(3200*ms, "door", false, true)
	script(t, b, `4s gate on
		6s advance`)
	b.On(6*time.Second, "gate")
	b.Feedback(6240*ms, "door", true, true)
	script(t, b, `7s gate off
		9s advance`)
	b.Off(9*time.Second, "gate")
	script(t, b, `9249ms gate clear
		9300ms advance`)
	if got, want := levels(b.Changes()), "gate+4s gate-7s gate!9.25s"; got != want {
		t.Errorf("changes %s, want %s", got, want)
	}
}

func TestTodayCountsTheLastDay(t *testing.T) {
	b := newBank(t, gate)
	today := func(at time.Duration, want int) {
		t.Helper()
		b.Advance(at)
		if st, _ := b.State("gate"); st.Today != want {
			t.Errorf("at %v: today %d, want %d", at, st.Today, want)
		}
	}
	today(0, 0)
	script(t, b, `1h gate pulse 1s
		2h gate pulse 1s`)
	today(24*time.Hour, 2)
	today(25*time.Hour, 1)
	today(30*time.Hour, 0)
	for i := range maxOns + 10 {
		b.Do(30*time.Hour+time.Duration(i)*5*time.Second, Request{Relay: "gate", Verb: Pulse, Length: ms})
	}
	today(36*time.Hour, 4096)
}

// An on that did not reach its line is not counted for the day.
func TestDailyCapCountsWhatReachedTheLine(t *testing.T) {
	b := newBank(t, capped)
	b.AwaitOffs()
	b.Off(0, "gate")
	for i := range 3 {
		at := time.Duration(i) * time.Second
		if got := answer(b.Do(at, Request{Relay: "gate", Verb: Pulse, Length: time.Second})); got != "begun" {
			t.Errorf("pulse %d: %s", i, got)
		}
		b.NeverOn("gate")
		b.OnFailed(at, "gate", "came too late")
		b.Off(at, "gate")
	}
	for i, want := range []string{"begun", "begun", "dropped: daily_cap"} {
		at := time.Duration(i+4) * time.Second
		if got := answer(b.Do(at, Request{Relay: "gate", Verb: SetOn})); got != want {
			t.Errorf("on %d: %s, want %s", i, got, want)
		}
		b.On(at, "gate")
		b.NeverOn("gate")
		b.OnFailed(at, "gate", "input/output error")
		b.Off(at, "gate")
	}
}

func TestWho(t *testing.T) {
	b := newBank(t, gate)
	b.Do(0, Request{Relay: "gate", Verb: Pulse, Length: time.Second, Who: "192.168.0.9"})
	b.Do(2*time.Second, Request{Relay: "gate", Verb: SetOn, Who: "ann", Cause: "console: ann"})
	b.Do(3*time.Second, Request{Relay: "gate", Verb: SetOff, Rule: "r"})
	var got []string
	for _, c := range b.Changes() {
		got = append(got, c.Who+": "+c.Cause)
	}
	want := []string{"192.168.0.9: by hand: 192.168.0.9", "192.168.0.9: end of pulse (by hand: 192.168.0.9)", "ann: console: ann", `: rule "r"`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}
