package engine

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/scene"
)

func stepsOf(r Rule) *Rule {
	r.Do = []Step{follow("x"), turnOn("y"), tells("z")}
	r.Finally = []Step{turnOff("y")}
	return &r
}

func TestFirstLookAtTheStart(t *testing.T) {
	entered := is(func(l *Look) Truth { return l.Entered(0) })
	b := coldBench(t, DefaultOptions(), site(
		stepsOf(Rule{Name: "flag", When: flagIs("armed", boolean(false)), Reads: ReadsFlags}),
		stepsOf(Rule{Name: "contact", On: []Kind{KindContact}, When: wireOn}),
		stepsOf(Rule{Name: "target", On: []Kind{KindTarget}, When: inYard}),
		stepsOf(Rule{Name: "entered", On: []Kind{KindTarget}, When: entered}),
		stepsOf(Rule{Name: "contact for", On: []Kind{KindContact}, When: wireOn, For: time.Second}),
	))
	b.want("-10s firing flag (first look)", "-10s action flag follow x +")
	b.wire(KindContact, "door", true)
	b.frame("front", at(1, inside))
	b.want("-10s firing contact door (first look)", "-10s action contact door follow x +", "-10s firing target front/1 (first look)", "-10s action target front/1 follow x +")
	b.wait(time.Second)
	b.frame("front", at(1, inside), at(2, inside))
	b.want("-9s firing contact for door (first look)", "-9s action contact for door follow x +", "-9s firing target front/2 (first look)", "-9s action target front/2 follow x +")
	b.wait(time.Second)
	b.frame("front", at(1, outside), at(2, inside), at(3, inside))
	// Nobody did anything on the first look, so nothing is to be undone.
	b.want("-8s end target front/1", "-8s action target front/1 follow x -",
		"-8s firing target front/3", "-8s action target front/3 follow x +", "-8s action target front/3 on y", "-8s action target front/3 tell z",
		"-8s firing entered front/3", "-8s action entered front/3 follow x +", "-8s action entered front/3 on y", "-8s action entered front/3 tell z")
	b.flag("armed", boolean(true))
	b.flag("armed", boolean(false))
	b.want("-8s end flag", "-8s action flag follow x -", "-8s firing flag", "-8s action flag follow x +", "-8s action flag on y", "-8s action flag tell z")
}

func TestFirstLookChargesNothing(t *testing.T) {
	b := coldBench(t, DefaultOptions(), site(&Rule{Name: "r", On: []Kind{KindContact}, When: wireOn, Cooldown: time.Hour, Limit: Limit{1, time.Hour}, Do: []Step{turnOn("y")}}))
	b.wire(KindContact, "door", true)
	b.wire(KindContact, "door", false)
	b.wire(KindContact, "door", true)
	b.want("-10s firing r door (first look)", "-10s end r door", "-10s firing r door", "-10s action r door on y")
}

func TestAHoldDoesNotMixFirstLookAndFiring(t *testing.T) {
	r := stepsOf(Rule{Name: "r", On: []Kind{KindTarget}, Per: PerCamera, When: inYard, Hold: 30 * time.Second})
	b := newBench(t, r)
	b.frame("front", at(1, inside))
	b.wait(10 * time.Second)
	b.want("0s firing r front", "0s action r front follow x +", "0s action r front on y", "0s action r front tell z")
	// Somebody on a first look keeps it active; what was done is undone all the same.
	b.e.cams[0].settled = b.now + time.Second
	b.frame("front", at(2, inside))
	b.wait(time.Hour)
	b.want("41.5s end r front", "41.5s action r front follow x -", "41.5s action r front off y")
}

func TestFirstLookAfterTheCameraReturns(t *testing.T) {
	b := newBench(t, stepsOf(Rule{Name: "r", On: []Kind{KindTarget}, When: inYard}))
	b.beat("front")
	b.wait(10 * time.Minute)
	b.frame("front", at(1, inside))
	b.wait(time.Second)
	b.frame("front", at(1, inside), at(2, inside))
	b.wait(time.Second)
	b.frame("front", at(1, inside), at(3, inside))
	b.want("10m0s firing r front/1 (first look)", "10m0s action r front/1 follow x +", "10m1s firing r front/2 (first look)", "10m1s action r front/2 follow x +",
		"10m2s firing r front/3", "10m2s action r front/3 follow x +", "10m2s action r front/3 on y", "10m2s action r front/3 tell z")
}

func TestReloadKeepsWhatDidNotChange(t *testing.T) {
	rules := func(mark string) []*Rule {
		return []*Rule{
			{Name: "changed", Identity: "changed" + mark, On: []Kind{KindContact}, When: wireOn, Do: []Step{follow("x")}, Finally: []Step{turnOn("y"), turnOff("y"), tells("z")}},
			{Name: "for", On: []Kind{KindContact}, When: wireOn, For: 10 * time.Second},
			{Name: "hold", On: []Kind{KindContact}, When: &Cond{Op: CondNot, Kids: []*Cond{wireOn}}, Hold: 10 * time.Second, Do: []Step{follow("h")}},
		}
	}
	b := newBench(t, rules("")...)
	b.wire(KindContact, "door", true)
	b.wire(KindContact, "door", false)
	b.all = nil
	b.wire(KindContact, "door", true)
	b.want("0s firing changed door", "0s action changed door follow x +")
	b.wait(5 * time.Second)
	b.swap(rules("2")...)
	b.want("5s end changed door (reload)", "5s suppressed changed door on y (reload)", "5s action changed door off y", "5s action changed door tell z",
		"5s firing changed door (first look)", "5s action changed door follow x +")
	b.wait(time.Minute)
	b.want("10s firing for door", "10s end hold door", "10s action hold door follow h -")
	// A rule that is gone gives its lease back after a second.
	b.swap(rules("2")[1:]...)
	b.wait(time.Minute)
	b.want("1m5s end changed door (reload)", "1m6s action changed door follow x -")
}

func TestALeaseNobodyTookOverEndsAtAStopToo(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", When: flagIs("armed", boolean(true)), Reads: ReadsFlags, Do: []Step{follow("x")}})
	b.flag("armed", boolean(true))
	b.swap()
	b.took(b.e.Stop(b.instant()))
	b.want("0s firing r", "0s action r follow x +", "0s end r (reload)", "0s action r follow x -")
}

func TestAChangedRuleInherits(t *testing.T) {
	rules := func(mark string) []*Rule {
		gate := gateRule()
		gate.Identity = mark
		gate.Do = []Step{pulse("gate"), tells("phone")}
		return []*Rule{
			{Name: "cooldown", Identity: "c" + mark, On: []Kind{KindMessage}, When: always, Cooldown: time.Minute},
			{Name: "limit", Identity: "l" + mark, On: []Kind{KindMessage}, When: always, Limit: Limit{1, time.Minute}},
			{Name: "since", Identity: "s" + mark, On: []Kind{KindMessage}, When: is(func(l *Look) Truth { _, ok := l.Since("cooldown"); return TruthOf(ok) })},
			gate,
		}
	}
	remember := func(rs []*Rule) []*Rule { rs[0].Remember = true; return rs }
	b := newBench(t, remember(rules(""))...)
	message(b)
	b.plate("ABC1234")
	b.all = nil
	b.wait(10 * time.Second)
	b.swap(remember(rules("2"))...)
	b.want("10s end gate gate/#1 (reload)")
	message(b)
	b.plate("ABC1234")
	b.want("10s suppressed cooldown (cooldown)", "10s suppressed limit (limit)", "10s firing since")
	b.outcome(1+2, 0, true, "")
	b.wait(50 * time.Second)
	message(b)
	b.plate("ABC1234")
	b.want("1m0s firing cooldown", "1m0s firing limit", "1m0s firing since", "1m0s firing gate gate/#2", "1m0s action gate gate/#2 pulse gate", "1m0s action gate gate/#2 tell phone")
}

func TestAFailureAfterAReloadIsGivenBackToTheNewRule(t *testing.T) {
	a, z := gateRule(), gateRule()
	z.Identity = "2"
	b := newBench(t, a)
	b.plate("ABC1234")
	b.swap(z)
	b.outcome(1, 0, false, "interlock")
	b.plate("ABC1234")
	b.want("0s firing gate gate/#1", "0s action gate gate/#1 pulse gate", "0s end gate gate/#1 (reload)", "0s suppressed gate gate/#1 pulse gate (interlock)",
		"0s firing gate gate/#1", "0s action gate gate/#1 pulse gate")
}

func TestReloadWithOtherZonesAndCameras(t *testing.T) {
	r := &Rule{Name: "r", On: []Kind{KindTarget}, When: inYard, Do: []Step{follow("x")}, Hold: time.Second}
	b := newBench(t, r, &Rule{Name: "s", On: []Kind{KindTarget}, When: is(func(l *Look) Truth { n, _ := l.Camera(); return TruthOf(n == "gate") }), Do: []Step{follow("g")}})
	b.frame("front", at(1, inside))
	b.frame("gate", at(1, inside))
	b.wantScene("0s enter 1 yard", "0s enter 1 apron")
	// The camera front goes, another comes before gate, whose zone is gone.
	rs := site(&Rule{Name: "s", Identity: "s", On: []Kind{KindTarget}, When: always, Do: []Step{follow("g")}})
	rs.Cameras = []CameraDef{{"attic", &scene.Layout{}}, {"cellar", &scene.Layout{}}, {"gate", &scene.Layout{}}}
	rs.Zones = nil
	b.took(b.e.Swap(b.instant(), rs))
	if d := b.all[len(b.all)-1]; d.Type != DecisionLeave || d.Zone != "apron" || d.Reason != "reload" {
		t.Errorf("got %s %s", row(&d), d.Zone)
	}
	b.all = nil
	b.wait(time.Second)
	b.frame("gate", at(1, inside))
	b.want("1s action r front/1 follow x -")
	b.wait(time.Minute)
	b.want("2.5s end s gate/1", "2.5s action s gate/1 follow g -")
}

func TestTargetsInsideANewZoneAreInWithoutEntered(t *testing.T) {
	entered := &Rule{Name: "entered", On: []Kind{KindTarget}, When: is(func(l *Look) Truth { return l.Entered(0) }), Do: []Step{turnOn("y")}}
	b := newBench(t, entered)
	b.frame("front", at(1, 7000))
	rs := site(entered, stepsOf(Rule{Name: "in", On: []Kind{KindTarget}, When: inYard}))
	rs.Cameras[0].Layout = &scene.Layout{Zones: []scene.Zone{{Name: "yard", Polygon: geometry.Polygon{{X: 6000, Y: 0}, {X: 9000, Y: 0}, {X: 9000, Y: 10000}, {X: 6000, Y: 10000}}}}}
	b.took(b.e.Swap(b.instant(), rs))
	b.wait(time.Second)
	b.frame("front", at(1, 7000))
	b.want("0s firing in front/1 (first look)", "0s action in front/1 follow x +")
}

func TestReloadToNothing(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindTarget}, When: inYard})
	b.frame("front", at(1, inside))
	b.swap()
	b.wait(time.Second)
	b.frame("front", at(1, inside))
	b.want("0s firing r front/1", "0s end r front/1 (reload)")
}

func TestFlagsOverAReload(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", When: flagIs("armed", boolean(true)), Reads: ReadsFlags})
	b.flag("armed", boolean(true))
	rs := site(&Rule{Name: "r", When: flagIs("armed", boolean(true)), Reads: ReadsFlags})
	rs.Flags[1].Initial = boolean(true) // another type
	b.took(b.e.Swap(b.instant(), rs))
	b.want("0s firing r")
	l := Look{w: b.e}
	if v, _ := l.Flag("mode"); v != boolean(true) {
		t.Errorf("mode is %v", v)
	}
	rs = site(&Rule{Name: "r", When: flagIs("armed", boolean(true)), Reads: ReadsFlags})
	rs.Flags = nil
	b.took(b.e.Swap(b.instant(), rs))
	b.want("0s end r")
}
