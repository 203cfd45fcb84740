package engine

import (
	"testing"
	"time"
)

// TestARejoinedTargetIsNewForARuleWithAPulse: what a camera lost and found again
// may keep a light on, but not open a gate by what somebody else did before.
func TestARejoinedTargetIsNewForARuleWithAPulse(t *testing.T) {
	dwells := is(func(l *Look) Truth { d, ok := l.Dwell(0); return TruthOf(ok && d >= 4*time.Second) })
	aged := is(func(l *Look) Truth { d, ok := l.TargetAge(); return TruthOf(ok && d >= 4*time.Second) })
	o := DefaultOptions()
	o.Tracking.Rejoin = 5 * time.Second
	b := startBench(t, o, site(
		&Rule{Name: "light", On: []Kind{KindTarget}, When: inYard, Hold: 10 * time.Second, Do: []Step{follow("light")}},
		&Rule{Name: "gate", On: []Kind{KindTarget}, When: dwells, Hold: 10 * time.Second, Do: []Step{pulse("gate")}},
		&Rule{Name: "horn", On: []Kind{KindTarget}, When: aged, Hold: 10 * time.Second, Do: []Step{pulse("horn")}},
		&Rule{Name: "note", On: []Kind{KindTarget}, When: dwells, Hold: 10 * time.Second, Do: []Step{logs("x")}},
	))
	b.stay(5*time.Second, "front", at(7, inside))
	b.want("0s firing light front/7", "0s action light front/7 follow light +",
		"4s firing gate front/7", "4s action gate front/7 pulse gate", "4s firing horn front/7", "4s action horn front/7 pulse horn", "4s firing note front/7", "4s action note front/7 log x")
	b.wait(3 * time.Second) // lost at 5 s, ended at 6.5 s
	b.stay(3*time.Second, "front", at(8, inside))
	b.want() // for the light and the note it is the same person, for the gate it is not yet there for long
	b.stay(2*time.Second, "front", at(8, inside))
	b.want("12s firing gate front/8", "12s action gate front/8 pulse gate", "12s firing horn front/8", "12s action horn front/8 pulse horn")
	b.wait(time.Minute)
	b.want("16.5s end gate front/7", "16.5s end horn front/7",
		"24.5s end light front/7", "24.5s action light front/7 follow light -", "24.5s end gate front/8", "24.5s end horn front/8", "24.5s end note front/7")
}
