package engine

import (
	"strings"
	"testing"
	"time"
)

// mode gives a rule another mode than its file says.
func (b *bench) mode(rule string, m Mode) {
	b.took(b.e.Override(b.instant(), rule, &Override{Mode: m, Who: "ann", At: b.instant().Wall}))
}

func lamp() *Rule {
	return &Rule{Name: "lamp", On: []Kind{KindTarget}, When: inYard, Do: []Step{follow("lamp"), turnOn("siren")}, Finally: []Step{turnOff("siren"), turnOn("x"), tells("ann")}}
}

func TestARuleThatIsSetOffLetsGoAtOnce(t *testing.T) {
	b := newBench(t, lamp())
	b.frame("front", at(1, inside))
	b.want("0s firing lamp front/1", "0s action lamp front/1 follow lamp +", "0s action lamp front/1 on siren")
	b.wait(time.Second)
	b.mode("lamp", ModeOff)
	b.want("1s end lamp front/1 (mode)", "1s action lamp front/1 follow lamp -", "1s action lamp front/1 off siren",
		"1s suppressed lamp front/1 on x (mode)", "1s action lamp front/1 tell ann")
	b.stay(time.Second, "front", at(1, inside), at(2, inside))
	b.want()
}

func TestSwitchingARuleToLiveMovesNothing(t *testing.T) {
	shadow := lamp()
	shadow.Mode = ModeShadow
	waits := &Rule{Name: "waits", On: []Kind{KindContact}, When: wireOn, For: 2 * time.Second, Do: []Step{follow("w")}, Mode: ModeOff}
	standing := &Rule{Name: "standing", When: flagIs("armed", boolean(true)), Reads: ReadsFlags, Do: []Step{follow("s")}, Mode: ModeShadow}
	b := newBench(t, shadow, waits, standing)
	b.wire(KindContact, "door", true)
	b.flag("armed", boolean(true))
	b.frame("front", at(1, inside))
	b.want("0s firing standing (shadow)", "0s firing lamp front/1 (shadow)")
	b.wait(time.Second)
	for _, rule := range []string{"lamp", "waits", "standing"} {
		b.mode(rule, ModeLive)
	}
	b.stay(5*time.Second, "front", at(1, inside))
	b.want("1s end lamp front/1 (mode)", "1s firing lamp front/1 (first look)", "1s end standing (mode)", "1s firing standing (first look)", "3s firing waits door (first look)")
	// What comes after it is done.
	b.frame("front", at(1, inside), at(2, inside))
	b.wire(KindContact, "door", false)
	b.wire(KindContact, "door", true)
	b.wait(time.Second)
	b.frame("front", at(1, inside), at(2, inside))
	b.wait(time.Second)
	b.flag("armed", boolean(false))
	b.flag("armed", boolean(true))
	b.want("6s firing lamp front/2", "6s action lamp front/2 follow lamp +", "6s action lamp front/2 on siren", "6s end waits door",
		"8s firing waits door", "8s action waits door follow w +", "8s end standing", "8s firing standing", "8s action standing follow s +")
}

func TestAShadowKeepsALiveRuleFromActing(t *testing.T) {
	b := newBench(t, gateRule())
	b.plate("ABC1234")
	b.mode("gate", ModeShadow)
	b.all = nil
	b.plate("ABC1234")
	b.plate("ABC1235")
	b.wait(time.Minute)
	b.plate("XY12")
	b.want("1m0s firing gate gate/#2 (shadow)")
	// A car that stands there is not let in by the switch, nor by its next read: it has fired.
	b.mode("gate", ModeLive)
	b.plate("XY12")
	b.want("1m0s end gate gate/#2 (mode)")
	b.wait(time.Minute)
	b.plate("XY12")
	b.want("2m0s firing gate gate/#3", "2m0s action gate gate/#3 pulse gate")
}

func TestStepsThatAreDueLaterAreNotDoneOfARuleThatIsOff(t *testing.T) {
	r := &Rule{Name: "r", On: []Kind{KindMessage}, When: always, Do: []Step{pulse("gate").later(5 * time.Second), turnOff("siren"), tells("ann"), sets("armed", true)}}
	b := newBench(t, r)
	b.apply(&Event{Kind: KindMessage})
	b.mode("r", ModeOff)
	b.wait(time.Minute)
	b.want("0s firing r", "5s suppressed r pulse gate (mode)", "5s action r off siren", "5s action r tell ann", "5s suppressed r set armed true (mode)")
}

func TestAnOverrideEndsByItself(t *testing.T) {
	var over []Override
	o := DefaultOptions()
	o.Lapsed = func(x Override) { over = append(over, x) }
	b := startBench(t, o, site(lamp()))
	until := b.instant().Wall.Add(10 * time.Second)
	b.took(b.e.Override(b.instant(), "lamp", &Override{Mode: ModeOff, Until: until, Who: "ann"}))
	if at, ok := b.e.Next(); !ok || at > b.now+10*time.Second {
		t.Errorf("wants to be woken at %v, %v", at-begin, ok)
	}
	// The wall clock counts, also when it is set.
	b.zero = b.zero.Add(-time.Minute)
	b.stay(30*time.Second, "front", at(1, inside))
	b.want()
	b.zero = b.zero.Add(time.Minute)
	b.frame("front", at(1, inside))
	b.wait(0)
	b.want("30s firing lamp front/1 (first look)")
	if len(over) != 1 || over[0].Rule != "lamp" || over[0].Mode != ModeOff || !over[0].Until.Equal(until) || over[0].Who != "ann" {
		t.Errorf("over are %v", over)
	}
	if all := b.e.Overrides(); len(all) != 0 {
		t.Errorf("in force are %v", all)
	}
}

func TestAnOverrideThatEndsInCenturies(t *testing.T) {
	b := newBench(t, lamp())
	// A clock that was far ahead when it was set gives such an end.
	b.took(b.e.Override(b.instant(), "lamp", &Override{Mode: ModeOff, Until: b.instant().Wall.AddDate(400, 0, 0), Who: "ann"}))
	b.stay(time.Second, "front", at(1, inside))
	b.want()
	if all := b.e.Overrides(); len(all) != 1 {
		t.Errorf("in force are %v", all)
	}
}

func TestWhatWasGivenUpIsNotDoneWhenTheRuleIsLiveAgain(t *testing.T) {
	r := &Rule{Name: "r", On: []Kind{KindMessage}, When: always, Do: []Step{pulse("gate").later(5 * time.Second), turnOff("siren"), tells("ann")}}
	b := newBench(t, r)
	b.apply(&Event{Kind: KindMessage})
	b.wait(time.Second)
	b.mode("r", ModeOff)
	b.wait(time.Second)
	b.took(b.e.Override(b.instant(), "r", nil))
	b.wait(time.Minute)
	b.want("0s firing r", "5s suppressed r pulse gate (mode)", "5s action r off siren", "5s action r tell ann")
}

func TestAnOverrideOutlastsReloadsAndRestarts(t *testing.T) {
	b := newBench(t, lamp())
	b.mode("lamp", ModeOff)
	b.mode("not there", ModeShadow)
	changed := lamp()
	changed.Identity = "lamp 2"
	b.swap(changed, &Rule{Name: "not there", On: []Kind{KindTarget}, When: inYard, Do: []Step{follow("y")}})
	b.frame("front", at(1, inside))
	b.want("0s firing not there front/1 (shadow)")
	if m, w := b.e.Ruleset().Rules[0].Mode, b.e.Written().Rules[0].Mode; m != ModeOff || w != ModeLive {
		t.Errorf("the mode is %v, as written %v", m, w)
	}
	text, err := b.e.Export().Encode()
	if err != nil {
		t.Fatal(err)
	}
	state, err := DecodeState(text)
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.Restore = &state
	b2 := coldBench(t, o, site(lamp()))
	b2.frame("front", at(1, inside))
	b2.wait(10 * time.Second)
	b2.frame("front", at(2, inside))
	b2.want()
	if all := b2.e.Overrides(); len(all) != 2 || all[0].Rule != "lamp" || all[0].Who != "ann" || all[1].Rule != "not there" {
		t.Errorf("in force are %v", all)
	}
	// Taken back, the file counts again.
	b2.took(b2.e.Override(b2.instant(), "lamp", nil))
	b2.frame("front", at(2, inside), at(3, inside))
	b2.want("0s firing lamp front/2 (first look)", "0s firing lamp front/3", "0s action lamp front/3 follow lamp +", "0s action lamp front/3 on siren")
}

func TestAnOverrideTouchesNoOtherRule(t *testing.T) {
	waits := &Rule{Name: "waits", On: []Kind{KindTarget}, When: inYard, For: 3 * time.Second, Hold: 5 * time.Second, Do: []Step{follow("w")}}
	dwells := &Rule{Name: "dwells", On: []Kind{KindTarget}, When: is(func(l *Look) Truth { d, _ := l.Dwell(0); return TruthOf(d > 2*time.Second) }), Do: []Step{follow("d")}}
	b := newBench(t, lamp(), waits, dwells)
	b.stay(time.Second, "front", at(1, inside))
	b.all = nil
	b.mode("lamp", ModeOff)
	b.mode("lamp", ModeShadow)
	b.all = nil
	b.stay(3*time.Second, "front", at(1, inside))
	b.mode("lamp", ModeLive)
	b.stay(time.Second, "front", at(1, inside))
	b.want("2.1s firing dwells front/1", "2.1s action dwells front/1 follow d +", "3s firing waits front/1", "3s action waits front/1 follow w +",
		"4s end lamp front/1 (mode)", "4s firing lamp front/1 (first look)")
}

func TestWhatCameTooLateIsNotDoneBecauseOfAnotherRule(t *testing.T) {
	crowd := func() *Rule {
		return &Rule{Name: "crowd", Reads: ReadsScene, When: is(func(l *Look) Truth { n, _ := l.Occupancy(0, 0); return TruthOf(n > 0) }), Do: []Step{pulse("gate")}}
	}
	other := func(identity string) *Rule {
		return &Rule{Name: "other", Identity: identity, On: []Kind{KindMessage}, When: always}
	}
	b := newBench(t, crowd(), other("1"))
	b.apply(&Event{Kind: KindTarget, Camera: "front", Targets: []Listed{at(1, inside)}, Late: true})
	b.want("0s suppressed crowd (late)")
	b.mode("other", ModeOff)
	b.swap(crowd(), other("2"))
	b.want()
	// What comes in time counts.
	b.frame("front", at(1, inside), at(2, inside))
	b.want("0s firing crowd", "0s action crowd pulse gate")
}

func TestOverridesThatCannotBeRight(t *testing.T) {
	for text, want := range map[string]string{
		`{"rule":"r","mode":"on"}`:                                  "there is no such mode",
		`{"rule":"","mode":"off"}`:                                  "a name is empty or too long",
		`{"rule":"` + strings.Repeat("x", 2000) + `","mode":"off"}`: "a name is empty or too long",
		`{"rule":"r","mode":"off","until":"-001-01-01T00:00:00Z"}`:  "",
	} {
		_, err := DecodeOverrides([]byte(`{"version":1,"overrides":[` + text + `]}`))
		if err == nil || want != "" && err.Error() != "the state cannot be right: "+want {
			t.Errorf("%.60s: %v", text, err)
		}
	}
	list := []Override{{Rule: "a", Mode: ModeShadow, Until: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), Who: "ann", At: time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC)}, {Rule: "b", Mode: ModeOff}}
	text, err := EncodeOverrides(list)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeOverrides(text)
	if err != nil || len(got) != 2 || got[0] != list[0] || got[1] != list[1] {
		t.Errorf("%s gives %v, %v", text, got, err)
	}
}

// TestRulesThatAreGoneDoNotPileUp while nobody asks what changed.
func TestRulesThatAreGoneDoNotPileUp(t *testing.T) {
	b := newBench(t, lamp())
	b.frame("front", at(1, inside))
	for range 50 {
		b.mode("lamp", ModeOff)
		b.mode("lamp", ModeLive)
		b.stay(time.Second, "front", at(1, inside))
	}
	if n := len(b.e.stirred); n > len(b.e.rules) {
		t.Errorf("%d rules wait to be told of, and there is %d", n, len(b.e.rules))
	}
}
