package engine

import (
	"testing"
	"time"
)

func message(b *bench) { b.apply(&Event{Kind: KindMessage}) }

func TestStepsRunInOrderAfterOneAnother(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindMessage}, When: always, Do: []Step{
		turnOn("a"), turnOn("b").later(2 * time.Second), turnOn("c").later(time.Second), logs("d")}})
	message(b)
	b.wait(time.Minute)
	if q := b.all[2].Do; q.Due != begin+2*time.Second || q.Expires != begin+5*time.Second || q.Index != 1 || q.Firing.ID != 1 {
		t.Errorf("handed out %+v", q)
	}
	b.want("0s firing r", "0s action r on a", "2s action r on b", "3s action r on c", "3s action r log d")
}

func TestWaitAndOnError(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindMessage}, When: always, Do: []Step{turnOn("a").waits(), turnOff("b"), tells("c").stops(), logs("d")}})
	message(b)
	b.wait(time.Second)
	b.want("0s firing r", "0s action r on a")
	b.outcome(1, 0, true, "timeout") // no on_error: goes on
	b.want("1s action r off b", "1s action r tell c")
	b.outcome(1, 2, true, "500 Internal Server Error")
	b.want("1s suppressed r log d (stopped)")
	message(b)
	b.outcome(2, 0, true, "")
	b.outcome(2, 2, true, "")
	b.want("1s firing r", "1s action r on a", "1s action r off b", "1s action r tell c", "1s action r log d")
}

func TestAStepThatIsLateExpires(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindMessage}, When: always, Do: []Step{turnOn("a").waits(), turnOn("b"), turnOff("c"), tells("d")}})
	message(b)
	b.wait(4 * time.Second)
	b.outcome(1, 0, true, "")
	b.want("0s firing r", "0s action r on a", "4s suppressed r on b (expired)", "4s action r off c", "4s action r tell d")
}

func TestIfAndUnknownValuesSkipAStep(t *testing.T) {
	unknown := Step{Text: "call", Args: HTTPArgs{}, Fill: func(*Look) (Args, string) { return nil, "unknown" }}
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindMessage}, When: always, Do: []Step{logs("a").on(flagIs("armed", boolean(true))), unknown, logs("b")}})
	message(b)
	b.want("0s firing r", "0s suppressed r call (unknown)", "0s action r log b")
}

func TestFollowAfterAWhileOnlyIfStillActive(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindContact}, When: wireOn, Do: []Step{follow("x").later(2 * time.Second)}})
	b.wire(KindContact, "door", false)
	b.wire(KindContact, "door", true)
	b.wait(time.Second)
	b.wire(KindContact, "door", false)
	b.wire(KindContact, "door", true)
	b.wait(500 * time.Millisecond)
	b.want("0s firing r door", "1s end r door", "1s firing r door")
	b.wait(time.Minute)
	b.want("3s action r door follow x +")
}

func TestAFlagGoesBackAfterItsTime(t *testing.T) {
	visitor := sets("armed", true)
	visitor.Args = FlagArgs{Flag: "armed", Set: boolean(true), For: 10 * time.Second}
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindMessage}, When: always, Do: []Step{visitor}},
		&Rule{Name: "seen", When: flagIs("armed", boolean(true)), Reads: ReadsFlags})
	message(b)
	b.wait(6 * time.Second)
	message(b) // begins the time anew, and does not forget what it was
	b.wait(time.Minute)
	b.want("0s firing r", "0s action r set armed true", "0s firing seen", "6s firing r", "6s action r set armed true", "16s end seen")
	message(b)
	b.wait(time.Second)
	b.flag("armed", boolean(true)) // by hand: it stays
	b.wait(time.Minute)
	b.want("1m6s firing r", "1m6s action r set armed true", "1m6s firing seen")
}

func TestFlagsKeepTheirType(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindFlag}, When: flagIs("mode", Scalar{Type: ScalarText, Text: "away"}), Names: []string{"mode"}})
	b.flag("armed", Scalar{Type: ScalarText, Text: "yes"})
	b.flag("nobody", boolean(true))
	b.flag("armed", boolean(false))
	b.want()
	b.flag("mode", Scalar{Type: ScalarText, Text: "away"})
	b.want("0s firing r mode")
}

func TestCooldownIsGivenBackWhenNothingTriedBegan(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindMessage}, When: always, Cooldown: time.Minute, Limit: Limit{1, time.Hour}, Do: []Step{turnOn("x"), tells("y")}})
	message(b)
	b.want("0s firing r", "0s action r on x", "0s action r tell y")
	b.outcome(1, 1, true, "") // a told step does not count
	b.outcome(1, 0, false, "min_off")
	b.want("0s suppressed r on x (min_off)")
	message(b)
	b.outcome(2, 0, true, "timeout") // counts as begun
	message(b)
	b.want("0s firing r", "0s action r on x", "0s action r tell y", "0s suppressed r (cooldown)")
}

func TestCooldownOfToldStepsIsGivenBackWhenNoneBegan(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindMessage}, When: always, Cooldown: time.Minute, Do: []Step{tells("x"), tells("y")}},
		&Rule{Name: "l", On: []Kind{KindMessage}, When: always, Cooldown: time.Minute, Do: []Step{tells("x"), logs("always begins")}})
	message(b)
	b.outcome(1, 0, false, "full")
	b.outcome(2, 0, false, "full")
	b.all = nil
	message(b)
	b.want("0s suppressed r (cooldown)", "0s suppressed l (cooldown)")
	b.outcome(1, 1, false, "full")
	message(b)
	b.want("0s suppressed r tell y (full)", "0s firing r", "0s action r tell x", "0s action r tell y", "0s suppressed l (cooldown)")
}

func TestAStoppedListGivesBack(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindMessage}, When: always, Cooldown: time.Minute, Do: []Step{turnOn("x").stops(), turnOn("y")}})
	message(b)
	b.outcome(1, 0, false, "interlock")
	message(b)
	b.want("0s firing r", "0s action r on x", "0s suppressed r on x (interlock)", "0s suppressed r on y (stopped)", "0s firing r", "0s action r on x")
}

func TestALateRefusalTakesNothingFromALaterFiring(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindMessage}, When: always, Cooldown: 5 * time.Second, Do: []Step{turnOn("x")}})
	message(b)
	b.wait(6 * time.Second)
	message(b)
	b.outcome(1, 0, false, "closed")
	message(b)
	b.want("0s firing r", "0s action r on x", "6s firing r", "6s action r on x", "6s suppressed r on x (closed)", "6s suppressed r (cooldown)")
}

func TestTriedStepsLeftOutByIfDoNotDecide(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindMessage}, When: always, Cooldown: time.Minute, Do: []Step{turnOn("x").on(flagIs("armed", boolean(true))), tells("y")}})
	message(b)
	b.outcome(1, 1, true, "")
	message(b)
	b.want("0s firing r", "0s action r tell y", "0s suppressed r (cooldown)")
}

func TestWithoutRecordedOutcomesStepsBeginAndEnd(t *testing.T) {
	o := DefaultOptions()
	o.NoOutcomes = true
	b := startBench(t, o, site(&Rule{Name: "r", On: []Kind{KindMessage}, When: always, Cooldown: time.Minute, Do: []Step{turnOn("a").waits(), turnOn("b")}}))
	message(b)
	message(b)
	b.want("0s firing r", "0s action r on a", "0s action r on b", "0s suppressed r (cooldown)")
}

func TestANotifyIsSentAtEveryFiring(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindMotion}, When: always, Cooldown: time.Minute, Do: []Step{tells("phone")}})
	for range 2 {
		b.apply(&Event{Kind: KindMotion, Camera: "front"})
		b.wait(time.Minute)
	}
	b.want("0s firing r front", "0s action r front tell phone", "1m0s firing r front", "1m0s action r front tell phone")
}

func TestStopEndsEveryRule(t *testing.T) {
	b := newBench(t,
		&Rule{Name: "a", On: []Kind{KindContact}, When: wireOn, Do: []Step{follow("x")}, Finally: []Step{turnOn("y"), turnOff("z"), tells("phone"), logs("bye")}},
		&Rule{Name: "b", When: always, For: time.Hour})
	b.wire(KindContact, "door", false)
	b.wire(KindContact, "door", true)
	b.all = nil
	b.took(b.e.Stop(b.instant()))
	b.want("0s end a door (stop)", "0s action a door follow x -", "0s suppressed a door on y (stop)", "0s action a door off z", "0s action a door tell phone", "0s action a door log bye")
}
