package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestAFloodOfPlatesDoesNotMakeAnArrivalNew: whatever else is read meanwhile, one
// visit opens once.
func TestAFloodOfPlatesDoesNotMakeAnArrivalNew(t *testing.T) {
	b := newBench(t, gateRule())
	b.plate("ABC1234")
	for i := range 3 * maxVisits {
		b.wait(time.Millisecond)
		b.plate(fmt.Sprintf("%04dQQ%04d", i*37%10000, i*91%10000))
	}
	b.plate("ABC1234")
	fired := 0
	for _, d := range b.all {
		if d.Type == DecisionFiring {
			fired++
		}
	}
	if n := len(b.e.cams[1].visits); fired != 1 || n > maxVisits {
		t.Errorf("%d firings in %d visits, want 1 in at most %d", fired, n, maxVisits)
	}
}

// TestAFloodOfDevicesDoesNotForgetTheirClocks: beyond the devices that can be
// remembered a new one's stamps are not believed, and the known ones' still are.
func TestAFloodOfDevicesDoesNotForgetTheirClocks(t *testing.T) {
	b := newBench(t, lateRules()...)
	b.stamped(KindMotion, 0, 0)
	for i := range maxDevices {
		b.apply(&Event{Kind: KindHeartbeat, Camera: "front", Time: b.instant().Wall, Device: Device{MAC: fmt.Sprintf("02:00:00:00:%02x:%02x", i/256, i%256)}})
	}
	b.all = nil
	b.apply(&Event{Kind: KindMotion, Camera: "front", Time: b.instant().Wall.Add(-10 * time.Minute), Device: Device{MAC: "04:00:00:00:00:01"}})
	b.stamped(KindMotion, 0, 0)
	var got []string
	for i := range b.all {
		got = append(got, row(&b.all[i]))
	}
	if len(got) < 2 || !strings.Contains(got[0], "(late)") || strings.Contains(strings.Join(got[1:], "\n"), "(late)") {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
	if len(b.e.devices) > maxDevices {
		t.Errorf("%d devices are remembered", len(b.e.devices))
	}
	// After an hour of silence one makes room.
	b.wait(deviceMemory)
	b.all = nil
	b.apply(&Event{Kind: KindMotion, Camera: "front", Time: b.instant().Wall, Device: Device{MAC: "04:00:00:00:00:02"}})
	if got := row(&b.all[0]); !strings.Contains(got, "firing moves") {
		t.Errorf("got %s", got)
	}
}

// TestARepeatThatDidNothingKeepsWhatTheFirstFiringOwes: `finally` is still done
// when only a later firing of the same activation came to nothing.
func TestARepeatThatDidNothingKeepsWhatTheFirstFiringOwes(t *testing.T) {
	r := gateRule()
	r.Repeat = true
	r.Finally = []Step{pulse("close")}
	b := newBench(t, r)
	b.plate("ABC1234")
	first := b.all[len(b.all)-1].Do
	b.took(b.e.Outcome(b.instant(), Outcome{Firing: first.Firing.ID, Index: first.Index, Begun: true}))
	b.wait(time.Second)
	b.plate("ABC1234")
	second := b.all[len(b.all)-1].Do
	b.took(b.e.Outcome(b.instant(), Outcome{Firing: second.Firing.ID, Index: second.Index, Reason: "min_off"}))
	b.all = nil
	b.wait(time.Minute)
	var got []string
	for i := range b.all {
		got = append(got, row(&b.all[i]))
	}
	if text := strings.Join(got, "\n"); !strings.Contains(text, "action gate gate/#1 pulse close") {
		t.Errorf("the close was not done:\n%s", text)
	}
}

// TestAFloodBeforeARestartDoesNotMakeAnArrivalNew: the visit in which the gate opened
// is kept, however many were read after it.
func TestAFloodBeforeARestartDoesNotMakeAnArrivalNew(t *testing.T) {
	b := newBench(t, gateRule())
	b.plate("ABC1234")
	for i := range 900 {
		b.wait(time.Millisecond)
		b.plate(fmt.Sprintf("%04dQQ%04d", i*37%10000, i*91%10000))
	}
	state := b.e.Export()
	o := DefaultOptions()
	o.Restore = &state
	e, _ := New(site(gateRule()), o, b.instant())
	for _, d := range e.Apply(b.instant(), &Event{Kind: KindPlate, Camera: "gate", Plate: &Plate{Number: "ABC1234"}, Received: b.instant().Wall}) {
		if d.Type == DecisionFiring {
			t.Errorf("it fired again: %s", row(&d))
		}
	}
}

// TestAFlagThatWentBackWhileAwayIsNoEvent: nothing fires at a start because a flag's
// time ran out before it.
func TestAFlagThatWentBackWhileAwayIsNoEvent(t *testing.T) {
	set := sets("armed", true)
	set.Args = FlagArgs{Flag: "armed", Set: boolean(true), For: 3 * time.Second}
	rules := func() []*Rule {
		return []*Rule{
			{Name: "arm", On: []Kind{KindMotion}, When: always, Do: []Step{set}},
			{Name: "over", On: []Kind{KindFlag}, When: flagIs("armed", boolean(false)), Do: []Step{pulse("gate")}},
		}
	}
	b := newBench(t, rules()...)
	b.apply(&Event{Kind: KindMotion, Camera: "front"})
	b.wait(time.Second)
	state := b.e.Export()
	o := DefaultOptions()
	o.Restore = &state
	later := Instant{Wall: b.instant().Wall.Add(10 * time.Second)}
	e, out := New(site(rules()...), o, later)
	out = append([]Decision(nil), out...)
	out = append(out, e.Advance(Instant{Mono: time.Minute, Wall: later.Wall.Add(time.Minute)})...)
	for _, d := range out {
		if d.Do != nil {
			t.Errorf("something was done: %s", row(&d))
		}
	}
	if v := e.flags["armed"].value; v != boolean(false) {
		t.Errorf("the flag is %v", v)
	}
}
