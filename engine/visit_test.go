package engine

import (
	"testing"
	"time"
)

func gateRule() *Rule {
	return &Rule{Name: "gate", On: []Kind{KindPlate}, When: listed, Do: []Step{pulse("gate")}}
}

func (b *bench) reads(number string, n int, every time.Duration) {
	for range n {
		b.plate(number)
		b.wait(every)
	}
}

func TestTenReadsOverAMinuteOpenOnce(t *testing.T) {
	b := newBench(t, gateRule())
	b.reads("ABC1234", 10, 6*time.Second)
	b.wait(time.Minute)
	b.want("0s firing gate gate/#1", "0s action gate gate/#1 pulse gate", "1m24.000000001s end gate gate/#1")
	b.plate("ABC1234")
	b.want("2m0s firing gate gate/#2", "2m0s action gate gate/#2 pulse gate")
}

func TestVisitGap(t *testing.T) {
	b := newBench(t, gateRule())
	b.reads("ABC1234", 2, 30*time.Second)
	b.plate("ABC1234")
	b.want("0s firing gate gate/#1", "0s action gate gate/#1 pulse gate")
	b.wait(30*time.Second + time.Millisecond)
	b.plate("ABC1234")
	b.want("1m30.000000001s end gate gate/#1", "1m30.001s firing gate gate/#2", "1m30.001s action gate gate/#2 pulse gate")
}

func TestAMisreadFirstThenTheListedPlateOpensOnce(t *testing.T) {
	b := newBench(t, gateRule())
	b.reads("A8C1Z34", 2, time.Second)
	b.reads("abc 12-34", 20, time.Second)
	b.want("2s firing gate gate/#1", "2s action gate gate/#1 pulse gate")
}

func TestAListedPlateAmongMisreadsOpensOnce(t *testing.T) {
	b := newBench(t, gateRule())
	for i := range 60 {
		b.plate([]string{"ABC1234", "A8C1234", "ABC12B4", "ABCI234", "ABC1Z3A"}[i%5])
		b.wait(time.Second)
	}
	b.want("0s firing gate gate/#1", "0s action gate gate/#1 pulse gate")
}

func TestListedNeighboursSecondsApartBothOpen(t *testing.T) {
	b := newBench(t, gateRule())
	b.reads("ABC1234", 3, time.Second)
	b.reads("ABC1235", 10, time.Second)
	b.want("0s firing gate gate/#1", "0s action gate gate/#1 pulse gate", "7s firing gate gate/#2", "7s action gate gate/#2 pulse gate")
	// The first visit is over when its own plate was not read for the gap.
	b.wait(time.Minute)
	b.want("32.000000001s end gate gate/#1", "42.000000001s end gate gate/#2")
}

func TestOneReadOfANeighbourIsAMisread(t *testing.T) {
	b := newBench(t, gateRule())
	b.plate("ABC1234")
	b.wait(10 * time.Second)
	b.plate("ABC1235")
	b.wait(time.Second)
	b.reads("ABC1234", 3, time.Second)
	b.want("0s firing gate gate/#1", "0s action gate gate/#1 pulse gate")
}

func TestWhichReadsBelongTogether(t *testing.T) {
	visits := func(plates ...string) string {
		b := newBench(t, &Rule{Name: "r", On: []Kind{KindPlate}, When: always, Repeat: true})
		s := ""
		for _, p := range plates {
			b.plate(p)
			b.wait(time.Second)
		}
		for _, d := range b.all {
			if d.Type == DecisionFiring {
				s += d.Key[len("gate/#"):]
			}
		}
		return s
	}
	for _, c := range []struct {
		want   string
		plates []string
	}{
		{"11", []string{"KLM4567", "KLM4599"}},                         // two edits
		{"12", []string{"KLM4567", "KLN4599"}},                         // three
		{"12", []string{"KLM4567", "KLM45"}},                           // under six two edits are too many
		{"11", []string{"KL123", "KL124"}},                             // one edit under six
		{"12", []string{"KL123", "KL144"}},                             // two
		{"12", []string{"KL1234", "KL144"}},                            // one of them has under six
		{"11", []string{"KLM 45.67", "klm-4567"}},                      // what never counts
		{"1111", []string{"KLM4567", "KLM4589", "KLM4589", "KLN4588"}}, // from the most frequent read
		{"121", []string{"AAAAAAA", "AAAABBB", "AAAAAAB"}},             // nearest
		{"122", []string{"AAAAAAA", "AAAABBB", "AAAABBA"}},             // nearest is the later
		{"122", []string{"AAAAAA", "AAABBBC", "AAABBA"}},
	} {
		if got := visits(c.plates...); got != c.want {
			t.Errorf("%v are of visits %s, want %s", c.plates, got, c.want)
		}
	}
	// Of two at the same distance the later.
	if got := visits("AAAAAAAA", "AAAABBBB", "AAAAAABB"); got != "122" {
		t.Errorf("between two visits: %s, want the later", got)
	}
}

func TestEveryReadIsLookedAt(t *testing.T) {
	sure := is(func(l *Look) Truth { return TruthOf(l.Plate().Confidence >= 90) })
	b := newBench(t, &Rule{Name: "gate", On: []Kind{KindPlate}, When: sure, Do: []Step{pulse("gate")}})
	for _, c := range []float64{40, 95, 99} {
		b.apply(&Event{Kind: KindPlate, Camera: "gate", Plate: &Plate{Number: "KLM4567", Confidence: c}})
		b.wait(time.Second)
	}
	if d := b.all[2]; d.Type != DecisionFiring || d.Firing.Event.Plate.Confidence != 95 || d.Firing.Visit != "gate/#1" {
		t.Errorf("got %v", b.all)
	}
	b.want("1s firing gate gate/#1", "1s action gate gate/#1 pulse gate")
}

func TestOneVisitPulsesARelayOnce(t *testing.T) {
	other := &Rule{Name: "per camera", On: []Kind{KindPlate}, Per: PerCamera, When: listed, Do: []Step{pulse("gate"), pulse("lamp")}}
	again := &Rule{Name: "again", On: []Kind{KindPlate}, When: listed, Repeat: true, Do: []Step{pulse("gate")}}
	b := newBench(t, again, gateRule(), other)
	b.plate("ABC1234")
	b.want(
		"0s firing again gate/#1", "0s action again gate/#1 pulse gate",
		"0s firing gate gate/#1", "0s suppressed gate gate/#1 pulse gate (visit)", "0s end gate gate/#1 (given back)",
		"0s firing per camera gate", "0s suppressed per camera gate pulse gate (visit)", "0s action per camera gate pulse lamp",
	)
	b.wait(time.Second)
	b.plate("ABC1234")
	b.want(
		"1s firing again gate/#1", "1s action again gate/#1 pulse gate",
		"1s firing gate gate/#1", "1s suppressed gate gate/#1 pulse gate (visit)", "1s end gate gate/#1 (given back)",
		"1s firing per camera gate", "1s suppressed per camera gate pulse gate (visit)", "1s suppressed per camera gate pulse lamp (visit)",
	)
	b.reads("XY12", 1, 0) // another visit
	b.want(
		"1s firing again gate/#2", "1s action again gate/#2 pulse gate",
		"1s firing gate gate/#2", "1s suppressed gate gate/#2 pulse gate (visit)", "1s end gate gate/#2 (given back)",
		"1s firing per camera gate", "1s suppressed per camera gate pulse gate (visit)", "1s action per camera gate pulse lamp",
	)
}

// A picture that was taken does not keep the gate closed for the rest of the visit,
// and is not taken again at every read.
func TestAVisitIsGivenBackThoughAPictureWasTaken(t *testing.T) {
	r := gateRule()
	r.Do = append(r.Do, Step{Text: "picture", Args: CameraArgs{Camera: "gate", Snapshot: true}, Expires: 3 * time.Second})
	b := newBench(t, r)
	b.plate("ABC1234")
	b.want("0s firing gate gate/#1", "0s action gate gate/#1 pulse gate", "0s action gate gate/#1 picture")
	b.outcome(1, 1, true, "")
	b.want()
	b.outcome(1, 0, false, "min_off")
	b.want("0s suppressed gate gate/#1 pulse gate (min_off)", "0s end gate gate/#1 (given back)")
	b.wait(time.Second)
	b.plate("ABC1234")
	b.want("1s firing gate gate/#1", "1s action gate gate/#1 pulse gate", "1s suppressed gate gate/#1 picture (visit)")
	b.outcome(2, 0, true, "")
	b.plate("ABC1234")
	b.want()
}

// A virtual alarm may open something: once per visit, whatever its outcome.
func TestAVisitIsSpentByAVirtualAlarm(t *testing.T) {
	r := gateRule()
	r.Do = []Step{{Text: "alarm", Args: CameraArgs{Camera: "nvr", VirtualAlarm: 17}, Expires: 3 * time.Second}, {Text: "picture", Args: CameraArgs{Camera: "gate", Snapshot: true}}}
	b := newBench(t, r)
	b.plate("ABC1234")
	for _, d := range b.all {
		if d.Type == DecisionAction && (d.Do.Mark == nil || d.Do.Mark.Charge != 1) {
			t.Errorf("%s has the mark %+v", d.Step, d.Do.Mark)
		}
	}
	b.want("0s firing gate gate/#1", "0s action gate gate/#1 alarm", "0s action gate gate/#1 picture")
	b.outcome(1, 0, true, "no answer in time")
	b.outcome(1, 1, false, "expired")
	b.want()
	b.plate("ABC1234")
	b.want()
}

func TestAVisitIsGivenBackWhenTheGateDidNotMove(t *testing.T) {
	r := gateRule()
	r.Do = append(r.Do, tells("phone"), logs("opened"))
	r.Finally = []Step{turnOn("lamp"), turnOff("lamp"), tells("gone")}
	b := newBench(t, r)
	b.plate("ABC1234")
	b.want("0s firing gate gate/#1", "0s action gate gate/#1 pulse gate", "0s action gate gate/#1 tell phone", "0s action gate gate/#1 log opened")
	b.wait(time.Second)
	b.outcome(1, 0, false, "interlock")
	b.want("1s suppressed gate gate/#1 pulse gate (interlock)", "1s end gate gate/#1 (given back)",
		"1s suppressed gate gate/#1 on lamp (given back)", "1s action gate gate/#1 off lamp", "1s action gate gate/#1 tell gone")
	b.plate("ABC1234") // once more; what was told is not told again
	b.want("1s firing gate gate/#1", "1s action gate gate/#1 pulse gate", "1s suppressed gate gate/#1 tell phone (visit)", "1s action gate gate/#1 log opened")
	b.outcome(2, 0, true, "")
	b.plate("ABC1234")
	b.want()
	b.wait(time.Minute)
	b.want("31.000000001s end gate gate/#1", "31.000000001s action gate gate/#1 on lamp", "31.000000001s action gate gate/#1 off lamp", "31.000000001s action gate gate/#1 tell gone")
	b.plate("ABC1234") // a new visit tells again
	b.want("1m1s firing gate gate/#2", "1m1s action gate gate/#2 pulse gate", "1m1s action gate gate/#2 tell phone", "1m1s action gate gate/#2 log opened")
}

func TestWhatWasNotToldIsToldAtTheNextTry(t *testing.T) {
	r := gateRule()
	r.Do = []Step{pulse("gate").stops(), tells("phone")}
	b := newBench(t, r)
	b.plate("ABC1234")
	b.outcome(1, 0, false, "min_off")
	b.all = nil
	b.plate("ABC1234")
	b.outcome(2, 0, true, "")
	b.want("0s firing gate gate/#1", "0s action gate gate/#1 pulse gate", "0s action gate gate/#1 tell phone")
}

func TestOncePerVisitAlsoOverWhile(t *testing.T) {
	r := gateRule()
	r.Do = []Step{tells("phone")}
	r.While, r.Reads = flagIs("armed", boolean(true)), ReadsFlags
	b := newBench(t, r)
	b.flag("armed", boolean(true))
	b.plate("ABC1234")
	b.flag("armed", boolean(false))
	b.plate("ABC1234")
	b.flag("armed", boolean(true))
	b.plate("ABC1234")
	b.want("0s firing gate gate/#1", "0s action gate gate/#1 tell phone", "0s end gate gate/#1 (while)")
}

func TestAnExpiredPulseWasNoPulse(t *testing.T) {
	r := gateRule()
	r.Do = []Step{turnOn("lamp").waits(), pulse("gate")}
	b := newBench(t, r, &Rule{Name: "second", On: []Kind{KindPlate}, When: is(func(l *Look) Truth { n, _ := l.PlateReads(); return TruthOf(n == 2) }), Do: []Step{pulse("gate")}})
	b.plate("ABC1234")
	b.wait(4 * time.Second)
	b.outcome(1, 0, true, "")
	b.plate("ABC1234")
	b.want("0s firing gate gate/#1", "0s action gate gate/#1 on lamp", "4s suppressed gate gate/#1 pulse gate (expired)", "4s firing second gate/#1", "4s action second gate/#1 pulse gate")
}

func TestAHoldOutlastsAVisit(t *testing.T) {
	r := gateRule()
	r.Hold, r.Do = time.Minute, []Step{follow("lamp")}
	b := newBench(t, r)
	b.plate("ABC1234")
	b.wait(10 * time.Second)
	b.plate("ABC1234")
	b.wait(time.Hour)
	b.want("0s firing gate gate/#1", "0s action gate gate/#1 follow lamp +", "1m10s end gate gate/#1", "1m10s action gate gate/#1 follow lamp -")
}

func TestPlatesOnLists(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 3, d, 0, 0, 0, 0, time.UTC) }
	rs := site()
	rs.Lists = []*List{NewList("l", []Entry{
		{Plate: "ABC 1234", Owner: "Ann", Schedule: -1}, {Plate: "ABO1234", Schedule: -1}, {Plate: "KLM4567", Until: day(2), Schedule: -1},
		{Plate: "NOW1111", From: day(2), Until: day(3), Schedule: -1},
	})}
	b := startBench(t, DefaultOptions(), rs)
	l := &Look{w: b.e, cam: -1, ev: &Event{Plate: &Plate{}}}
	for _, c := range []struct {
		plate           string
		on, looks, near Truth
	}{
		{"abc-12.34", True, True, True},
		{"A8C1234", False, True, True},
		{"ABQ1234", False, True, True},
		{"ABC123", False, False, True},
		{"ABC12345", False, False, True},
		{"ABX1234", False, False, False}, // as near to one as to the other
		{"KLM4567", False, False, False}, // no longer valid
		{"NOW1111", True, True, True},
		{"ZZZ9999", False, False, False},
		{"", Unknown, Unknown, Unknown},
	} {
		l.ev.Plate.Number = c.plate
		for level, want := range []Truth{c.on, c.looks, c.near} {
			if got := l.PlateOn(0, PlateLevel(level)); got != want {
				t.Errorf("%q on level %d: %v, want %v", c.plate, level, got, want)
			}
		}
	}
	b.zero = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	b.wait(0)
	l.ev.Plate.Number = "NOW1111"
	if got := l.PlateOn(0, PlateExact); got != Unknown {
		t.Errorf("while the clock is not set: %v", got)
	}
}
