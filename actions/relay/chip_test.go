package relay

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gpio"
	"github.com/sallyport/sallyport/gpio/gpiotest"
)

// The tests in this file drive relays on a real chip, and judge them by what
// somebody outside sees on its wires. .ci/gpiovm runs them.

// onTime says how far from its length a time on may be on the wire. The upper
// end is for a machine that is emulated on a busy one; the lower for the watcher.
const (
	onEarly = 50 * time.Millisecond
	onLate  = 250 * time.Millisecond
)

// chipBench is a Service on lines of the chip.
type chipBench struct {
	*testing.T
	*Service
	wires *gpiotest.Wires
	chip  string
}

// newChipBench makes a Service of these relays; the first is on line 4, the next
// on 5, and so on. Their wires are watched from before the lines are requested.
func newChipBench(t *testing.T, activeLow bool, specs ...Spec) *chipBench {
	t.Helper()
	b := &chipBench{T: t, wires: gpiotest.Open(t, os.Getenv("SALLYPORT_GPIO_HOST")), chip: os.Getenv("SALLYPORT_GPIO")}
	var relays []Config
	for i, s := range specs {
		b.wires.Watch(4 + i)
		line, err := gpio.OpenOutput(gpio.OutputConfig{Chip: b.chip, Line: 4 + i, ActiveLow: activeLow})
		if err != nil {
			t.Fatal(err)
		}
		relays = append(relays, Config{Spec: s, Driver: line})
	}
	s, err := New(relays, Options{})
	if err != nil {
		t.Fatal(err)
	}
	b.Service = s
	t.Cleanup(func() { b.Close() })
	return b
}

// ask asks something of a relay, which must answer so.
func (b *chipBench) ask(q Request, want string) {
	b.Helper()
	out := b.Do(context.Background(), q)
	if out.Err != nil {
		b.Fatal(out.Err)
	}
	if got := answer(out.Verdict); got != want {
		b.Errorf("%s %s: %q, want %q", q.Verb, q.Relay, got, want)
	}
}

// closed closes the Service, which must do it without an error.
func (b *chipBench) closed() {
	b.Helper()
	if err := b.Close(); err != nil {
		b.Error(err)
	}
}

// ons gives how long a line was at this level each time, and where it is now.
func (b *chipBench) ons(line int, level bool) (times []time.Duration, still bool) {
	b.Helper()
	var since time.Duration
	for i, e := range b.wires.Edges(line) {
		switch {
		case e.High == level:
			since, still = e.At, true
		case i > 0:
			times, still = append(times, e.At-since), false
		}
	}
	return times, still
}

// once fails the test unless the line was at this level once, for this long.
func (b *chipBench) once(line int, level bool, length time.Duration) {
	b.Helper()
	times, still := b.ons(line, level)
	if len(times) != 1 || still {
		b.Fatalf("line %d was on for %v, and still is: %v; want once, for %v", line, times, still, length)
	}
	b.Logf("line %d was on for %v", line, times[0])
	if times[0] < length-onEarly || times[0] > length+onLate {
		b.Errorf("line %d was on for %v, want %v", line, times[0], length)
	}
}

func TestChipPulse(t *testing.T) {
	b := newChipBench(t, false, Spec{Name: "gate", MaxOn: 5 * time.Second})
	b.wires.Expect(4, false)
	b.ask(Request{Relay: "gate", Verb: Pulse, Length: 400 * time.Millisecond}, "begun")
	b.wires.Expect(4, true)
	b.ask(Request{Relay: "gate", Verb: Pulse, Length: 5 * time.Second}, "begun: merged")
	b.wires.Await(4, false, 5*time.Second)
	b.once(4, true, 400*time.Millisecond)
	b.closed()
	b.once(4, true, 400*time.Millisecond)
}

func TestChipActiveLow(t *testing.T) {
	b := newChipBench(t, true, Spec{Name: "gate", MaxOn: 5 * time.Second})
	b.wires.Expect(4, true)
	b.wires.Watch(4)
	b.ask(Request{Relay: "gate", Verb: Pulse, Length: 300 * time.Millisecond}, "begun")
	b.wires.Expect(4, false)
	b.wires.Await(4, true, 5*time.Second)
	b.once(4, false, 300*time.Millisecond)
	b.ask(Request{Relay: "gate", Verb: SetOn}, "begun")
	b.wires.Expect(4, false)
	b.closed()
	b.wires.Expect(4, true)
}

func TestChipMaxOn(t *testing.T) {
	b := newChipBench(t, false,
		Spec{Name: "latched", MaxOn: 300 * time.Millisecond}, Spec{Name: "leased", MaxOn: 300 * time.Millisecond}, Spec{Name: "pulsed", MaxOn: 300 * time.Millisecond})
	b.ask(Request{Relay: "latched", Verb: SetOn}, "begun")
	b.ask(Request{Relay: "leased", Verb: LeaseStart, Rule: "light", Key: "a"}, "begun")
	b.ask(Request{Relay: "pulsed", Verb: Pulse, Length: time.Minute}, "begun")
	for line := 4; line <= 6; line++ {
		b.wires.Await(line, false, 5*time.Second)
		b.once(line, true, 300*time.Millisecond)
	}
}

func TestChipInterlock(t *testing.T) {
	const wait = 300 * time.Millisecond
	b := newChipBench(t, false,
		Spec{Name: "open", MaxOn: 5 * time.Second, Interlock: []string{"close"}, InterlockWait: wait}, Spec{Name: "close", MaxOn: 5 * time.Second})
	// The start set both off, and that is an off to wait for.
	b.ask(Request{Relay: "open", Verb: LeaseStart, Rule: "enter", Key: "a"}, "waits: interlock")
	b.wires.Await(4, true, 5*time.Second)
	b.ask(Request{Relay: "close", Verb: Pulse, Length: 100 * time.Millisecond}, "dropped: interlock")
	b.ask(Request{Relay: "close", Verb: LeaseStart, Rule: "shut", Key: "a"}, "waits: interlock")
	b.wires.Expect(4, true)
	b.wires.Expect(5, false)
	b.ask(Request{Relay: "open", Verb: LeaseEnd, Rule: "enter", Key: "a"}, "begun")
	b.wires.Expect(4, false)
	b.wires.Await(5, true, 5*time.Second)
	b.ask(Request{Relay: "open", Verb: Pulse, Length: 100 * time.Millisecond}, "dropped: interlock")

	open, shut := b.wires.Edges(4), b.wires.Edges(5)
	if len(open) != 2 || len(shut) != 1 {
		t.Fatalf("open %v, close %v: want on and off, then on", open, shut)
	}
	gap := shut[0].At - open[1].At
	t.Logf("close is on %v after open is off", gap)
	if gap < wait-onEarly || gap > wait+onLate {
		t.Errorf("close is on %v after open is off, want %v", gap, wait)
	}
}

// TestChipMinOff: what comes too soon does not move the wire.
func TestChipMinOff(t *testing.T) {
	const off = 300 * time.Millisecond
	b := newChipBench(t, false, Spec{Name: "gate", MaxOn: 5 * time.Second, MinOff: off})
	b.ask(Request{Relay: "gate", Verb: LeaseStart, Rule: "light", Key: "a"}, "waits: min_off") // off since the start
	b.wires.Await(4, true, 5*time.Second)
	b.ask(Request{Relay: "gate", Verb: LeaseEnd, Rule: "light", Key: "a"}, "begun")
	b.ask(Request{Relay: "gate", Verb: Pulse, Length: 100 * time.Millisecond}, "dropped: min_off")
	b.ask(Request{Relay: "gate", Verb: SetOn}, "dropped: min_off")
	b.wires.Expect(4, false)
	b.ask(Request{Relay: "gate", Verb: LeaseStart, Rule: "light", Key: "b"}, "waits: min_off")
	b.wires.Await(4, true, 5*time.Second)
	edges := b.wires.Edges(4)
	if len(edges) != 3 {
		t.Fatalf("%v: want on, off, on", edges)
	}
	if gap := edges[2].At - edges[1].At; gap < off-onEarly || gap > off+onLate {
		t.Errorf("on %v after it went off, want %v", gap, off)
	}
}

// TestChipCloseIsOffBeforeRelease: a line keeps its level when it is released,
// so one that is off then was driven off before.
func TestChipCloseIsOffBeforeRelease(t *testing.T) {
	b := newChipBench(t, false, Spec{Name: "gate", MaxOn: time.Minute}, Spec{Name: "porch", MaxOn: time.Hour})
	b.ask(Request{Relay: "gate", Verb: SetOn}, "begun")
	b.ask(Request{Relay: "porch", Verb: LeaseStart, Rule: "light", Key: "a"}, "begun")
	b.wires.Expect(4, true)
	b.wires.Expect(5, true)
	b.closed()
	for line := 4; line <= 5; line++ {
		b.wires.Expect(line, false)
		if times, still := b.ons(line, true); len(times) != 1 || still {
			t.Errorf("line %d was on for %v, and still is: %v", line, times, still)
		}
		free, err := gpio.OpenOutput(gpio.OutputConfig{Chip: b.chip, Line: line})
		if err != nil {
			t.Fatalf("not released: %v", err)
		}
		free.Close()
	}
	b.ask(Request{Relay: "gate", Verb: SetOn}, "dropped: closed")
	b.wires.Expect(4, false)
}
