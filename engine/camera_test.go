package engine

import (
	"slices"
	"testing"
	"time"
)

// stamped posts a message of the camera front with its own stamp, behind by a time.
func (b *bench) stamped(k Kind, behind time.Duration, digest uint64) {
	b.apply(&Event{Kind: k, Camera: "front", Time: b.instant().Wall.Add(-behind), Digest: digest, Device: Device{MAC: "58:5b:69:00:00:01"}})
}

func lateRules() []*Rule {
	return []*Rule{
		{Name: "moves", On: []Kind{KindMotion}, When: always, Do: []Step{turnOn("x"), tells("x")}, Cooldown: time.Second},
		{Name: "tells", On: []Kind{KindMotion}, When: always, Do: []Step{tells("y")}},
	}
}

func TestLatePostsMoveNothing(t *testing.T) {
	b := newBench(t, lateRules()...)
	b.stamped(KindMotion, time.Hour, 0) // whatever the clock of the camera says
	b.wait(10 * time.Second)
	b.all = nil
	b.stamped(KindMotion, time.Hour+3*time.Second, 0)
	b.want("10s firing moves front", "10s action moves front on x", "10s action moves front tell x", "10s firing tells front", "10s action tells front tell y")
	b.wait(10 * time.Second)
	b.stamped(KindMotion, time.Hour+3001*time.Millisecond, 0)
	b.stamped(KindMotion, time.Hour, 0) // nothing was charged
	b.want("20s suppressed moves front (late)", "20s firing tells front", "20s action tells front tell y",
		"20s firing moves front", "20s action moves front on x", "20s action moves front tell x", "20s firing tells front", "20s action tells front tell y")
	// What sends no stamp cannot be judged.
	b.wait(10 * time.Second)
	b.apply(&Event{Kind: KindMotion, Camera: "front", Device: Device{MAC: "58:5b:69:00:00:01"}})
	if d := b.all[0]; d.Type != DecisionFiring {
		t.Errorf("got %s", row(&d))
	}
}

func TestLatenessGoesByWhenThePostWasReceived(t *testing.T) {
	b := newBench(t, lateRules()...)
	b.stamped(KindMotion, 0, 0)
	b.all = nil
	b.wait(10 * time.Second)
	ev := &Event{Kind: KindMotion, Camera: "front", Received: b.instant().Wall, Time: b.instant().Wall, Device: Device{MAC: "58:5b:69:00:00:01"}}
	b.wait(5 * time.Second) // it waited its turn
	b.apply(ev)
	if d := b.all[0]; d.Type != DecisionFiring {
		t.Errorf("got %s", row(&d))
	}
}

func TestTheLeastOffsetIsForgottenAfterAnHourOfPosts(t *testing.T) {
	b := newBench(t, lateRules()...)
	b.stamped(KindHeartbeat, 0, 0)
	for range 59 {
		b.wait(time.Minute)
		b.stamped(KindHeartbeat, 2*time.Second, 0)
	}
	b.all = nil
	b.stamped(KindMotion, 4*time.Second, 0)
	if d := b.all[0]; d.Reason != "late" {
		t.Errorf("got %s", row(&d))
	}
	b.wait(time.Minute)
	b.stamped(KindHeartbeat, 2*time.Second, 0)
	b.all = nil
	b.stamped(KindMotion, 4*time.Second, 0)
	if d := b.all[0]; d.Type != DecisionFiring {
		t.Errorf("got %s", row(&d))
	}
}

func TestADeviceClockStepIsAccepted(t *testing.T) {
	late := func(b *bench, behind time.Duration) bool {
		b.all = nil
		b.stamped(KindMotion, behind, 0)
		return b.all[0].Reason == "late"
	}
	b := newBench(t, lateRules()...)
	b.stamped(KindHeartbeat, 0, 0)
	for _, c := range []struct {
		wait   time.Duration
		behind time.Duration
		late   bool
	}{
		{time.Second, time.Hour, true},
		{10 * time.Second, time.Hour + 500*time.Millisecond, true},
		{15 * time.Second, time.Hour, true},
		{4 * time.Second, time.Hour, true}, // 29 s
		{time.Second, time.Hour, false},    // 30 s, five posts
		{time.Second, time.Hour + time.Second, false},
		{time.Second, 2 * time.Hour, true},
		{15 * time.Second, 3 * time.Hour, true}, // not within a second: from the start
		{16 * time.Second, 3 * time.Hour, true},
		{15 * time.Second, 3 * time.Hour, false},
		{time.Second, 4 * time.Hour, true},
		{31 * time.Second, 4 * time.Hour, true}, // two posts are not enough
		{time.Second, 4 * time.Hour, false},
		{time.Second, -time.Minute, false}, // forward is at once
	} {
		b.wait(c.wait)
		if got := late(b, c.behind); got != c.late {
			t.Fatalf("%v behind at %v: late is %v, want %v", c.behind, b.now-begin, got, c.late)
		}
	}
	want := DeviceClock{"58:5b:69:00:00:01", -time.Minute, 3}
	if got := b.e.DeviceClocks(); len(got) != 1 || got[0] != want {
		t.Errorf("clocks %v, want %v", got, want)
	}
}

func TestAStepOfOurOwnClockMakesNoPostLate(t *testing.T) {
	b := newBench(t, lateRules()...)
	b.stamped(KindHeartbeat, 0, 0)
	b.zero = b.zero.Add(time.Hour)
	b.wait(time.Second)
	b.stamped(KindMotion, time.Hour, 0)
	if d := b.all[0]; d.Type != DecisionFiring {
		t.Errorf("got %s", row(&d))
	}
}

func TestLatenessIsCarriedThroughFlags(t *testing.T) {
	b := newBench(t,
		&Rule{Name: "a", On: []Kind{KindMotion}, When: always, Do: []Step{sets("armed", true)}},
		&Rule{Name: "b", On: []Kind{KindFlag}, When: flagIs("armed", boolean(true)), Do: []Step{turnOn("x")}},
		&Rule{Name: "c", When: flagIs("armed", boolean(true)), Reads: ReadsFlags, Do: []Step{tells("y")}})
	b.stamped(KindHeartbeat, 0, 0)
	b.stamped(KindMotion, time.Minute, 0)
	b.want("0s firing a front", "0s action a front set armed true", "0s suppressed b armed (late)", "0s firing c", "0s action c tell y")
}

func TestALateLevelFiresWithTheNextPostInTime(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindTarget}, When: inYard, Do: []Step{turnOn("x")}})
	frame := func(behind time.Duration) {
		b.apply(&Event{Kind: KindTarget, Camera: "front", Time: b.instant().Wall.Add(-behind), Targets: []Listed{at(1, inside)}})
		b.wait(100 * time.Millisecond)
	}
	b.stamped(KindHeartbeat, 0, 0)
	b.apply(&Event{Kind: KindHeartbeat, Camera: "front", Time: b.instant().Wall})
	frame(time.Minute)
	frame(time.Minute)
	frame(0)
	b.want("0s suppressed r front/1 (late)", "200ms firing r front/1", "200ms action r front/1 on x")
}

func TestDuplicates(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindMotion}, When: always})
	b.stamped(KindMotion, 0, 7)
	b.stamped(KindMotion, 0, 7)
	b.stamped(KindMotion, 0, 8)
	b.wait(10 * time.Minute)
	b.stamped(KindMotion, 0, 7)
	b.wait(time.Millisecond)
	b.stamped(KindMotion, 0, 7)
	b.apply(&Event{Kind: KindMotion, Camera: "front", Digest: 9})
	b.apply(&Event{Kind: KindMotion, Camera: "front", Digest: 9}) // without a stamp
	b.want("0s firing r front", "0s suppressed (duplicate)", "0s firing r front", "10m0s suppressed (duplicate)", "10m0.001s firing r front", "10m0.001s firing r front", "10m0.001s firing r front")
}

func cameraRules() []*Rule {
	offline := is(func(l *Look) Truth { return l.CameraOnline().Not() })
	return []*Rule{{Name: "dead", On: []Kind{KindCamera}, When: offline, Do: []Step{tells("phone")}}}
}

func TestACameraIsOfflineAfterThreeHeartbeats(t *testing.T) {
	b := newBench(t, cameraRules()...)
	b.stay(time.Second, "front", at(1, outside))
	b.wait(10 * time.Minute)
	// Until its interval is known 6 minutes. The other camera never posted: its first value tells nothing.
	b.want("5m50s firing dead gate (first look)", "6m1s firing dead front", "6m1s action dead front tell phone")
	b.beat("front")
	b.want("10m1s end dead front")
	b.wait(40 * time.Second)
	b.beat("front")
	b.wait(10 * time.Minute)
	b.want("12m41s firing dead front", "12m41s action dead front tell phone")
	// The silence was no interval between heartbeats.
	b.beat("front")
	for range 5 {
		b.wait(10 * time.Second)
		b.beat("front")
	}
	b.all = nil
	b.wait(10 * time.Minute)
	b.want("22m31s firing dead front", "22m31s action dead front tell phone")
}

func TestAnyPostShowsThatACameraIsOnline(t *testing.T) {
	b := newBench(t, cameraRules()...)
	for range 100 {
		b.stamped(KindMotion, 0, 0)
		b.wait(5 * time.Minute)
	}
	b.want("5m50s firing dead gate (first look)")
}

func TestAlarmsAreUnknownWhileTheCameraIsOffline(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindAlarm}, When: alarmOn, Hold: 10 * time.Second, Do: []Step{follow("siren")}})
	b.alarm("perimeter", 1, true)
	b.want("0s firing r front/perimeter/1 (first look)", "0s action r front/perimeter/1 follow siren +")
	b.alarm("perimeter", 1, false)
	b.wait(time.Minute)
	b.alarm("perimeter", 1, true)
	b.alarm("perimeter", 1, true)
	b.want("10s end r front/perimeter/1", "10s action r front/perimeter/1 follow siren -", "1m0s firing r front/perimeter/1", "1m0s action r front/perimeter/1 follow siren +")
	b.wait(10 * time.Minute)
	b.want("7m10s end r front/perimeter/1", "7m10s action r front/perimeter/1 follow siren -")
	b.alarm("perimeter", 1, true) // again a first value
	b.want("11m0s firing r front/perimeter/1 (first look)", "11m0s action r front/perimeter/1 follow siren +")
}

func TestReasonsOfALeave(t *testing.T) {
	b := newBench(t)
	b.frame("front", at(1, inside), at(2, inside))
	b.wait(time.Second)
	b.frame("front", at(1, outside), at(2, inside))
	b.wait(time.Second)
	b.beat("front")
	b.wait(time.Minute)
	b.frame("front", at(3, inside))
	b.wait(time.Minute)
	b.wantScene("0s enter 1 yard", "0s enter 2 yard", "1s leave 1 yard 0s (left)", "2.5s vanish 1", "2.5s leave 2 yard 1s (lost)", "2.5s vanish 2",
		"1m2s enter 3 yard", "1m3.5s leave 3 yard 0s (offline)", "1m3.5s vanish 3")
}

func TestTheLastLookOfATarget(t *testing.T) {
	gone := is(func(l *Look) Truth { return TruthOf(l.Target().Gone()) })
	left := is(func(l *Look) Truth { return l.Left(0) })
	b := newBench(t, &Rule{Name: "gone", On: []Kind{KindTarget}, When: gone, AtEnd: true}, &Rule{Name: "left", On: []Kind{KindTarget}, When: left, AtEnd: true, Need: Need{Zones: []ZoneRef{0}}})
	b.frame("front", at(1, inside), at(2, outside))
	b.wait(time.Minute)
	b.want("1.5s firing gone front/1", "1.5s end gone front/1", "1.5s firing gone front/2", "1.5s end gone front/2", "1.5s firing left front/1", "1.5s end left front/1")
}

func TestADeviceThatAnswersIsOnline(t *testing.T) {
	b := newBench(t, cameraRules()...)
	says := func(on bool) { b.apply(&Event{Kind: KindCamera, Camera: "front", Name: "front", On: on}) }
	for range 30 {
		says(true)
		b.wait(20 * time.Second)
	}
	b.want("5m50s firing dead gate (first look)")
	b.wait(10 * time.Minute)
	b.want("10m40s firing dead front", "10m40s action dead front tell phone")
	says(true)
	b.want("20m0s end dead front")
	// A recorder that lost the channel goes on to post heartbeats and alarms for it.
	says(false)
	b.want("20m0s firing dead front", "20m0s action dead front tell phone")
	for range 10 {
		b.beat("front")
		b.alarm("motion", 1, false)
		b.wait(30 * time.Second)
	}
	b.want()
	if b.e.Online("front") != False {
		t.Errorf("online: %v", b.e.Online("front"))
	}
	b.apply(&Event{Kind: KindMotion, Camera: "front"}) // that only a camera posts
	b.want("25m0s end dead front")
}

func TestWhoIsToldThatACameraComesAndGoes(t *testing.T) {
	var said []Presence
	o := DefaultOptions()
	o.Presence = func(p Presence) {
		if p.Camera == "front" {
			p.At.Wall = time.Time{}
			said = append(said, p)
		}
	}
	b := startBench(t, o, site())
	b.beat("front")
	b.wait(30 * time.Second)
	b.beat("front")
	b.wait(5 * time.Minute)
	b.beat("front")
	b.apply(&Event{Kind: KindCamera, Camera: "front", Name: "front"})
	want := []Presence{
		{At: Instant{Mono: begin}, Camera: "front", Online: true, First: true},
		{At: Instant{Mono: begin + 2*time.Minute}, Camera: "front", Silent: 90 * time.Second, Interval: 30 * time.Second},
		{At: Instant{Mono: begin + 330*time.Second}, Camera: "front", Online: true},
		{At: Instant{Mono: begin + 330*time.Second}, Camera: "front", Interval: 30 * time.Second, Said: true},
	}
	if !slices.Equal(said, want) {
		t.Errorf("got  %+v\nwant %+v", said, want)
	}
}

// An alarm of a device that is asked, and does not answer any more.
func TestAnAlarmThatCannotBeAskedForIsUnknown(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindAlarm}, When: alarmOn, Hold: 10 * time.Second, Do: []Step{follow("siren")}})
	unknown := func(id int) {
		b.apply(&Event{Kind: KindAlarm, Camera: "front", Alarm: &Alarm{Name: "perimeter", ID: id}, Unknown: true})
	}
	unknown(1) // nobody heard of it
	b.alarm("perimeter", 1, false)
	b.alarm("perimeter", 1, true)
	b.want("0s firing r front/perimeter/1", "0s action r front/perimeter/1 follow siren +")
	unknown(2)
	b.wait(20 * time.Second)
	b.want()
	unknown(1)
	unknown(1)
	b.wait(20 * time.Second)
	b.want("30s end r front/perimeter/1", "30s action r front/perimeter/1 follow siren -")
	b.alarm("perimeter", 1, true) // a first value
	b.want("40s firing r front/perimeter/1 (first look)", "40s action r front/perimeter/1 follow siren +")
}
