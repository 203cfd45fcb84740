package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine/scene"
)

func TestLevelFollowsItsConditionPerTarget(t *testing.T) {
	b := newBench(t, &Rule{Name: "light", On: []Kind{KindTarget}, When: inYard, Do: []Step{follow("porch")}, Finally: []Step{logs("bye")}})
	b.frame("front", at(2157, inside), at(8, outside))
	b.wait(time.Second)
	b.frame("front", at(2157, inside), at(8, inside))
	b.wait(time.Second)
	b.frame("front", at(2157, outside), at(8, inside))
	b.want(
		"0s firing light front/2157", "0s action light front/2157 follow porch +",
		"1s firing light front/8", "1s action light front/8 follow porch +",
		"2s end light front/2157", "2s action light front/2157 follow porch -", "2s action light front/2157 log bye",
	)
	// Its frames end: for a rule that does not name the end the condition is false from then on.
	b.wait(time.Minute)
	b.want("3.5s end light front/8", "3.5s action light front/8 follow porch -", "3.5s action light front/8 log bye")
}

func TestTheSameIDAfterTheEndIsANewTarget(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindTarget}, When: inYard, Cooldown: time.Hour})
	b.frame("front", at(7, inside))
	b.wait(10 * time.Second)
	b.frame("front", at(7, inside))
	b.want("0s firing r front/7", "1.5s end r front/7", "10s firing r front/7")
}

func TestForAndHold(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindContact}, When: wireOn, For: 2 * time.Second, Hold: 3 * time.Second,
		Do: []Step{follow("porch")}})
	b.wire(KindContact, "door", false)
	b.wire(KindContact, "door", true)
	b.wait(time.Second)
	b.wire(KindContact, "door", false) // not long enough
	b.wait(time.Second)
	b.wire(KindContact, "door", true) // 2 s
	b.wait(4 * time.Second)
	b.wire(KindContact, "door", false) // 6 s: hold begins
	b.wait(2 * time.Second)
	b.wire(KindContact, "door", true) // 8 s: hold is cancelled
	b.wait(2 * time.Second)
	b.wire(KindContact, "door", false) // 10 s: hold begins anew
	b.wait(4 * time.Second)
	b.want("4s firing r door", "4s action r door follow porch +", "13s end r door", "13s action r door follow porch -")
}

func TestALevelFiresWhenItsCooldownEnds(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindContact}, When: wireOn, Cooldown: 10 * time.Second})
	b.wire(KindContact, "door", false)
	b.wire(KindContact, "door", true)
	b.wait(time.Second)
	b.wire(KindContact, "door", false)
	b.wait(time.Second)
	b.wire(KindContact, "door", true)
	b.wait(time.Second)
	b.wire(KindContact, "door", false)
	b.wait(time.Second)
	b.wire(KindContact, "door", true)
	b.wait(time.Minute)
	b.want("0s firing r door", "1s end r door", "2s suppressed r door (cooldown)", "4s suppressed r door (cooldown)", "10s firing r door")
}

func TestAMomentInsideACooldownIsLost(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindMessage}, When: always, Cooldown: 10 * time.Second})
	for range 3 {
		b.apply(&Event{Kind: KindMessage})
		b.wait(5 * time.Second)
	}
	b.wait(time.Minute)
	b.want("0s firing r", "5s suppressed r (cooldown)", "10s firing r")
}

func TestLimitSlidesPerKey(t *testing.T) {
	r := &Rule{Name: "r", On: []Kind{KindMotion}, When: always, Limit: Limit{2, 10 * time.Second}}
	b := newBench(t, r)
	motion := func(camera string) { b.apply(&Event{Kind: KindMotion, Camera: camera}) }
	motion("front")
	b.wait(4 * time.Second)
	motion("front")
	b.wait(4 * time.Second)
	motion("front")
	motion("gate")
	b.wait(2 * time.Second)
	motion("front")
	motion("front")
	b.want("0s firing r front", "4s firing r front", "8s suppressed r front (limit)", "8s firing r gate", "10s firing r front", "10s suppressed r front (limit)")
}

func TestALevelFiresWhenItsLimitAllows(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindRelay}, When: wireOn, Limit: Limit{1, 10 * time.Second}})
	b.wire(KindRelay, "x", false)
	b.wire(KindRelay, "x", true)
	b.wire(KindRelay, "x", false)
	b.wire(KindRelay, "x", true)
	b.wait(time.Minute)
	b.want("0s firing r x", "0s end r x", "0s suppressed r x (limit)", "10s firing r x")
}

func TestHoldKeepsAMomentActive(t *testing.T) {
	r := &Rule{Name: "r", On: []Kind{KindMotion}, When: always, Hold: 3 * time.Second, Do: []Step{follow("light")}}
	b := newBench(t, r)
	b.apply(&Event{Kind: KindMotion, Camera: "front"})
	b.wait(2 * time.Second)
	b.apply(&Event{Kind: KindMotion, Camera: "front"}) // extends, without `do`
	b.wait(time.Minute)
	b.want("0s firing r front", "0s action r front follow light +", "5s end r front", "5s action r front follow light -")
}

func TestRepeatRunsDoAgain(t *testing.T) {
	r := &Rule{Name: "r", On: []Kind{KindMotion}, When: always, Hold: 3 * time.Second, Repeat: true, Do: []Step{follow("light"), logs("again")}}
	b := newBench(t, r)
	b.apply(&Event{Kind: KindMotion, Camera: "front"})
	b.wait(2 * time.Second)
	b.apply(&Event{Kind: KindMotion, Camera: "front"})
	b.wait(time.Minute)
	b.want("0s firing r front", "0s action r front follow light +", "0s action r front log again",
		"2s firing r front", "2s action r front log again",
		"5s end r front", "5s action r front follow light -")
}

func TestKeys(t *testing.T) {
	var rules []*Rule
	for _, k := range []struct {
		on  Kind
		per Per
	}{{KindTarget, PerTarget}, {KindIntrusion, PerTarget}, {KindPlate, PerVisit}, {KindPlate, PerPlate}, {KindPlate, PerCamera}, {KindAlarm, PerAlarm}, {KindContact, PerName}, {KindMessage, PerRule}, {KindIntrusion, PerCamera}} {
		rules = append(rules, &Rule{Name: k.on.String() + " per " + k.per.String() + ":", On: []Kind{k.on}, Per: k.per, When: always})
	}
	b := newBench(t, rules...)
	b.frame("front", at(2157, inside))
	b.apply(&Event{Kind: KindIntrusion, Camera: "front", Targets: []Listed{at(2157, inside), at(9, inside), {}}})
	b.apply(&Event{Kind: KindIntrusion, Camera: "front", Status: StatusStop, Targets: []Listed{at(9, inside)}})
	b.plate("abc-12 34")
	b.alarm("perimeter", 1, false)
	b.alarm("tamper", 0, false)
	b.wire(KindContact, "door", true)
	b.apply(&Event{Kind: KindMessage})
	var got []string
	for _, d := range b.all {
		if d.Type == DecisionFiring {
			got = append(got, d.Rule.Name+" "+d.Key)
		}
	}
	want := []string{
		"target per target: front/2157",
		"intrusion per target: front/2157", "intrusion per target: front/9", "intrusion per target: front",
		"intrusion per camera: front", "intrusion per camera: front", "intrusion per camera: front",
		"plate per visit: gate/#1", "plate per plate: ABC1234", "plate per camera: gate",
		"alarm per alarm: front/perimeter/1", "alarm per alarm: front/tamper",
		"contact per name: door", "message per rule: ",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestOnlyRulesThatNameTheStatusSeeStopAndProcedure(t *testing.T) {
	b := newBench(t,
		&Rule{Name: "plain", On: []Kind{KindMotion}, When: always},
		&Rule{Name: "named", On: []Kind{KindMotion}, When: always, Statuses: true})
	for _, s := range []Status{StatusStop, StatusProcedure, StatusNone} {
		b.apply(&Event{Kind: KindMotion, Camera: "front", Status: s})
	}
	b.want("0s firing named front", "0s firing named front", "0s firing plain front", "0s firing named front")
}

func TestNamesOfAMixedRuleConcernWiredThingsOnly(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindMessage, KindContact}, Per: PerRule, Names: []string{"door"}, When: always})
	b.wire(KindContact, "window", true)
	b.apply(&Event{Kind: KindMessage})
	b.wire(KindContact, "door", true)
	b.want("0s firing r", "0s firing r (first look)")
}

func TestWhileEndsAtOnceAndLooksAgain(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindTarget}, When: inYard, Hold: time.Hour, While: flagIs("armed", boolean(true)), Reads: ReadsFlags,
		Do: []Step{follow("light")}, Finally: []Step{turnOff("siren")}})
	b.stay(time.Second, "front", at(1, inside))
	b.want()
	b.flag("armed", boolean(true))
	b.want("1s firing r front/1", "1s action r front/1 follow light +")
	b.stay(time.Second, "front", at(1, inside))
	b.flag("armed", boolean(false))
	b.want("2s end r front/1 (while)", "2s action r front/1 follow light -", "2s action r front/1 off siren")
	b.stay(time.Second, "front", at(1, inside))
	b.want()
}

func TestWhileBySchedule(t *testing.T) {
	w := &window{8*time.Hour + time.Minute, 9 * time.Hour}
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindContact}, When: wireOn, While: during(w), Reads: ReadsClock})
	b.wire(KindContact, "door", true)
	b.wait(2 * time.Hour)
	b.want("50s firing r door", "59m50s end r door (while)")
	b.wait(24 * time.Hour)
	b.want("24h0m50s firing r door", "24h59m50s end r door (while)")
}

func TestAWallStepJudgesSchedulesAnew(t *testing.T) {
	w := &window{9 * time.Hour, 10 * time.Hour}
	b := newBench(t, &Rule{Name: "r", When: during(w), Reads: ReadsClock})
	b.zero = b.zero.Add(90 * time.Minute)
	b.wait(time.Second)
	b.want("1s firing r")
	b.zero = b.zero.Add(-90 * time.Minute)
	b.wait(time.Second)
	b.want("2s end r")
	// A clock that creeps forward wakes the schedule in time.
	for range 100 {
		b.zero = b.zero.Add(500 * time.Millisecond)
		b.wait(time.Second)
	}
	b.want()
	for ; b.instant().Wall.Before(time.Date(2026, 3, 2, 8, 59, 59, 0, time.UTC)); b.zero = b.zero.Add(500 * time.Millisecond) {
		b.wait(time.Second)
	}
	b.want()
	b.zero = b.zero.Add(500 * time.Millisecond)
	b.wait(time.Second)
	if n := len(b.all); n != 1 || b.all[0].At.Wall.Sub(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)) > time.Second {
		t.Errorf("%d decisions, want one within a second of nine: %v", n, b.all)
	}
}

func TestAnUnsetClockKeepsSchedulesUnknown(t *testing.T) {
	w := &window{0, 24 * time.Hour}
	b := &bench{t: t, zero: time.Date(1970, 1, 1, 8, 0, 0, 0, time.UTC)}
	b.e, _ = New(site(
		&Rule{Name: "in", When: during(w), Reads: ReadsClock},
		&Rule{Name: "out", When: &Cond{Op: CondNot, Kids: []*Cond{during(w)}}, Reads: ReadsClock},
		&Rule{Name: "hourly", On: []Kind{KindCron}, Crons: []Cron{every(time.Hour)}, When: always},
	), DefaultOptions(), b.instant())
	b.wait(3*time.Hour + begin)
	b.want()
	b.zero = time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC).Add(-b.now)
	b.wait(0)
	b.want("3h0m0s firing in")
	b.wait(time.Hour)
	b.want("3h30m0s firing hourly")
}

func TestCron(t *testing.T) {
	b := newBench(t, &Rule{Name: "hourly", On: []Kind{KindCron}, Crons: []Cron{every(time.Hour)}, When: always})
	b.wait(2 * time.Hour)
	b.want("59m50s firing hourly", "1h59m50s firing hourly")
	// Back over an instant that ran: it does not run twice.
	b.zero = b.zero.Add(-30 * time.Minute)
	b.wait(time.Second)
	b.wait(29*time.Minute + 59*time.Second)
	b.want()
	b.wait(time.Hour)
	b.want("3h29m50s firing hourly")
	// Forward over one: it is missed.
	b.zero = b.zero.Add(time.Hour)
	b.wait(time.Second)
	b.want("3h30m1s suppressed hourly (missed)")
}

func TestStandingRulesAreWokenByWhatTheyRead(t *testing.T) {
	looked := 0
	open := is(func(l *Look) Truth {
		looked++
		c := l.Contact("door")
		if c.On != True {
			return c.On
		}
		l.WakeAt(c.Since + 5*time.Second)
		return TruthOf(l.Instant().Mono-c.Since >= 5*time.Second)
	})
	b := newBench(t, &Rule{Name: "door open", When: open, Reads: ReadsContact, Do: []Step{logs("close it")}},
		&Rule{Name: "crowd", Reads: ReadsScene, When: is(func(l *Look) Truth { n, _ := l.Occupancy(0, scene.Car); return TruthOf(n >= 1) })})
	looked = 0
	b.stay(3*time.Second, "front", at(1, outside))
	b.wire(KindRelay, "porch", true)
	b.flag("armed", boolean(true))
	if looked != 0 {
		t.Errorf("looked at %d times by what it does not read", looked)
	}
	b.wire(KindContact, "door", true)
	b.wait(time.Minute)
	b.want("8s firing door open", "8s action door open log close it")
	if looked != 2 {
		t.Errorf("looked at %d times, want at the change and when 5 s had passed", looked)
	}
	b.wire(KindContact, "door", false)
	b.want("1m3s end door open")
	// A target that turns out to be a car changes the count of cars in the zone.
	car := at(3, inside)
	b.stay(2*time.Second, "front", car)
	b.want()
	car.Class = scene.Car
	b.stay(time.Second, "front", car)
	if len(b.all) != 1 || b.all[0].Type != DecisionFiring {
		t.Errorf("decided %v, want one firing", b.all)
	}
}

func TestStandingRuleReadsFirings(t *testing.T) {
	recent := is(func(l *Look) Truth {
		since, ok := l.Since("a")
		if !ok {
			return Unknown
		}
		if since < 10*time.Second {
			l.WakeIn(10*time.Second - since)
		}
		return TruthOf(since < 10*time.Second)
	})
	b := newBench(t, &Rule{Name: "b", When: recent, Reads: ReadsFirings, Do: []Step{follow("x")}},
		&Rule{Name: "a", On: []Kind{KindMessage}, When: always, Remember: true})
	b.apply(&Event{Kind: KindMessage})
	b.wait(4 * time.Second)
	b.apply(&Event{Kind: KindMessage})
	b.wait(time.Minute)
	b.want("0s firing a", "0s firing b", "0s action b follow x +", "4s firing a", "14s end b", "14s action b follow x -")
}

func TestSinceIsPerKey(t *testing.T) {
	var got []string
	b := newBench(t,
		&Rule{Name: "a", On: []Kind{KindMotion}, When: is(func(l *Look) Truth { c, _ := l.Camera(); return TruthOf(c == "front") }), Remember: true},
		&Rule{Name: "b", On: []Kind{KindMotion}, When: is(func(l *Look) Truth {
			d, ok := l.Since("a")
			got = append(got, fmt.Sprint(d.Round(time.Second), ok))
			return False
		})})
	b.apply(&Event{Kind: KindMotion, Camera: "front"})
	b.wait(3 * time.Second)
	b.apply(&Event{Kind: KindMotion, Camera: "gate"})
	if want := "0s true,false"; !strings.HasPrefix(strings.Join(got, ","), "0s true,") || !strings.HasSuffix(strings.Join(got, ","), "false") {
		t.Errorf("since %v, want %s", got, want)
	}
}

func TestShadowDecidesAndDoesNothing(t *testing.T) {
	b := newBench(t, &Rule{Name: "s", On: []Kind{KindContact}, When: wireOn, Mode: ModeShadow, Cooldown: 5 * time.Second, Do: []Step{follow("x"), sets("armed", true), pulse("y")}, Finally: []Step{logs("z")}},
		&Rule{Name: "o", On: []Kind{KindContact}, When: wireOn, Mode: ModeOff, Do: []Step{pulse("y")}},
		&Rule{Name: "off standing", When: always, Mode: ModeOff})
	b.wire(KindContact, "door", false)
	b.wire(KindContact, "door", true)
	b.wait(time.Second)
	b.wire(KindContact, "door", false)
	b.wire(KindContact, "door", true)
	b.wait(10 * time.Second)
	b.want("0s firing s door (shadow)", "1s end s door", "1s suppressed s door (cooldown)", "5s firing s door (shadow)")
}

func TestRulesFireInOrderAndChangesComeAfterAll(t *testing.T) {
	b := newBench(t,
		&Rule{Name: "on flag", On: []Kind{KindFlag}, When: flagIs("armed", boolean(true)), Names: []string{"armed"}},
		&Rule{Name: "first", On: []Kind{KindMessage}, When: flagIs("armed", boolean(false)), Do: []Step{sets("armed", true)}},
		&Rule{Name: "second", On: []Kind{KindMessage}, When: flagIs("armed", boolean(false))},
	)
	b.apply(&Event{Kind: KindMessage})
	b.want("0s firing first", "0s action first set armed true", "0s firing second", "0s firing on flag armed")
}

func TestChainsAreCut(t *testing.T) {
	b := newBench(t,
		&Rule{Name: "up", When: flagIs("armed", boolean(true)), Reads: ReadsFlags, Do: []Step{sets("armed", false)}},
		&Rule{Name: "down", When: flagIs("armed", boolean(false)), Reads: ReadsFlags, Do: []Step{sets("armed", true)}},
	)
	b.flag("armed", boolean(true))
	fired, loops := 0, 0
	for _, d := range b.all {
		switch {
		case d.Type == DecisionFiring:
			fired++
		case d.Reason == "loop":
			loops++
		}
	}
	if fired != 9 || loops != 1 {
		t.Errorf("%d firings and %d cut, want the first, 8 that follow from it, and a cut", fired, loops)
	}
}

func TestAChainThroughFinallyIsCut(t *testing.T) {
	b := newBench(t,
		&Rule{Name: "a", When: always, While: flagIs("armed", boolean(true)), Reads: ReadsFlags, Finally: []Step{sets("armed", true)}},
		&Rule{Name: "b", On: []Kind{KindFlag}, When: flagIs("armed", boolean(true)), Do: []Step{sets("armed", false)}},
	)
	b.flag("armed", boolean(true)) // must come back
	n := 0
	for _, d := range b.all {
		if d.Reason == "loop" {
			n++
		}
	}
	if n == 0 {
		t.Error("no chain was cut")
	}
}

func TestTooManyKeys(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindObject}, Per: PerTarget, When: always, Cooldown: time.Hour})
	ev := &Event{Kind: KindObject, Camera: "front"}
	for i := range uint64(maxKeys + 2) {
		ev.Targets = append(ev.Targets, Listed{ID: i, HasID: true})
	}
	b.apply(ev)
	fired := 0
	for _, d := range b.all {
		if d.Type == DecisionFiring {
			fired++
		}
	}
	if last := b.all[len(b.all)-1]; fired != maxKeys || row(&last) != "0s suppressed r front/10001 (too many keys)" {
		t.Errorf("%d fired, last %s", fired, row(&last))
	}
	b.all = nil
	b.wait(time.Hour)
	if n := len(b.e.rules[0].keys); n != 0 {
		t.Errorf("%d keys are kept for nothing", n)
	}
	ev.Targets = ev.Targets[maxKeys+1:]
	b.apply(ev)
	b.want("1h0m0s firing r front/10001")
}

func TestALevelWithTooManyKeysSaysSoOnce(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindTarget}, When: inYard})
	r := b.e.rules[0]
	for i := range uint64(maxKeys) {
		b.e.newKey(r, keyID{n: i + 1000}, "x")
	}
	b.stay(time.Second, "front", at(1, inside))
	b.want("0s suppressed r front/1 (too many keys)")
}

func TestFiringOfAContactCarriesItsEventAlsoAfterFor(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindContact}, When: wireOn, For: time.Second})
	b.wire(KindContact, "door", false)
	b.wire(KindContact, "door", true)
	b.wait(time.Second)
	if len(b.all) != 1 || b.all[0].Firing.Event == nil || b.all[0].Firing.Event.Name != "door" || !b.all[0].Firing.Event.On {
		t.Fatalf("decided %v", b.all)
	}
}

func TestEndKnowsTheTargetOfItsFiring(t *testing.T) {
	var seen []string
	say := Step{Text: "say", Args: LogArgs{}, Fill: func(l *Look) (Args, string) {
		id, ok := l.TargetID()
		c, _ := l.TargetClass()
		seen = append(seen, fmt.Sprint(id, ok, c, l.Event().Kind))
		return LogArgs{}, ""
	}}
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindTarget}, When: inYard, Hold: 5 * time.Second, Finally: []Step{say}})
	b.frame("front", at(4, outside), at(7, inside))
	b.wait(time.Minute)
	if d := b.all[len(b.all)-2]; row(&d) != "6.5s end r front/7" || d.Target != 7 || !d.HasTarget || d.Camera != "front" {
		t.Errorf("got %s of target %d", row(&d), d.Target)
	}
	if strings.Join(seen, ";") != "7 true person target" {
		t.Errorf("finally saw %v", seen)
	}
}

func TestNextGivesTheDueMoment(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindContact}, When: wireOn, For: 7 * time.Second})
	b.wire(KindContact, "door", false)
	b.wire(KindContact, "door", true)
	if at, ok := b.e.Next(); !ok || at != begin+7*time.Second {
		t.Errorf("next %v %v", at-begin, ok)
	}
	b.wait(time.Hour)
	b.want("7s firing r door")
}

func TestATimeThatGoesBackIsNow(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindMessage}, When: always})
	b.wait(5 * time.Second)
	early := b.instant()
	early.Mono -= 3 * time.Second
	early.Wall = early.Wall.Add(-3 * time.Second)
	b.took(b.e.Apply(early, &Event{Kind: KindMessage}))
	b.took(b.e.Advance(early))
	if now := b.e.Now(); now != b.instant() {
		t.Errorf("now %v, want %v", now, b.instant())
	}
	b.want("5s firing r")
}

func TestTheFirstValueIsNoEventForMixedKindsEither(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindMessage, KindContact}, Per: PerRule, When: always, Cooldown: time.Hour, Do: []Step{turnOn("x")}})
	b.wire(KindContact, "door", true)
	b.wire(KindContact, "door", false)
	b.want("0s firing r (first look)", "0s firing r", "0s action r on x")
}

func TestAfterARecordingsEndOnlyWhatIsPendingWakes(t *testing.T) {
	b := newBench(t, &Rule{Name: "hourly", On: []Kind{KindCron}, Crons: []Cron{every(time.Hour)}, When: always},
		&Rule{Name: "hours", When: during(&window{9 * time.Hour, 10 * time.Hour}), Reads: ReadsClock},
		&Rule{Name: "hold", On: []Kind{KindTarget}, When: inYard, Hold: time.Minute})
	b.frame("front", at(1, inside))
	b.e.Rest()
	n := 0
	for at, ok := b.e.Next(); ok; at, ok = b.e.Next() {
		b.wait(at - b.now)
		if n++; n > 10 {
			t.Fatal("it never ends")
		}
	}
	b.want("0s firing hold front/1", "1m1.5s end hold front/1")
}

func TestHollowEventsDoNothing(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindPlate, KindAlarm, KindTarget, KindIntrusion}, Per: PerCamera, When: inYard})
	for k := range kindCount {
		for _, camera := range []string{"", "front", "nobody"} {
			b.apply(&Event{Kind: k, Camera: camera})
			b.apply(&Event{Kind: k, Camera: camera, Plate: &Plate{}, Alarm: &Alarm{}, Targets: []Listed{{}, {HasID: true}, {HasBox: true}}})
		}
	}
	b.outcome(99, 99, false, "nobody asked")
	b.want()
}
