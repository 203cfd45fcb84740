package engine

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine/scene"
)

// restart ends the bench's engine without a word, and begins another with what it
// exported, after the program was off for a time.
func (b *bench) restart(off time.Duration, rs *Ruleset) *bench {
	b.t.Helper()
	return b.begin(b.exported(), b.instant().Wall.Add(off), rs)
}

// exported is what a restart would find on the disk.
func (b *bench) exported() State {
	b.t.Helper()
	text, err := b.e.Export().Encode()
	if err != nil {
		b.t.Fatal(err)
	}
	s, err := DecodeState(text)
	if err != nil {
		b.t.Fatalf("%v of %s", err, text)
	}
	return s
}

// begin starts an engine with a state. Its decision clock begins with begin, so
// that rows count from the start.
func (b *bench) begin(s State, wall time.Time, rs *Ruleset) *bench {
	n := &bench{t: b.t, zero: wall.Add(-begin), now: begin}
	o := DefaultOptions()
	o.Restore = &s
	var out []Decision
	n.e, out = New(rs, o, n.instant())
	n.took(out)
	return n
}

func TestAVisitSurvivesARestart(t *testing.T) {
	rules := func() *Ruleset {
		return site(gateRule(), &Rule{Name: "other", On: []Kind{KindPlate}, When: always, Do: []Step{pulse("gate"), pulse("horn")}})
	}
	b := startBench(t, DefaultOptions(), rules())
	b.plate("ABC1234")
	b.want("0s firing gate gate/#1", "0s action gate gate/#1 pulse gate", "0s firing other gate/#1", "0s suppressed other gate/#1 pulse gate (visit)", "0s action other gate/#1 pulse horn")
	b.wait(10 * time.Second)
	n := b.restart(15*time.Second, rules())
	n.plate("A8C1234")
	n.plate("ABC1234")
	n.wait(20 * time.Second)
	n.plate("ABC1234")
	n.want()
	// It ends as ever, and the next has the next number.
	n.wait(31 * time.Second)
	n.plate("ABC1234")
	n.want("51s firing gate gate/#2", "51s action gate gate/#2 pulse gate", "51s firing other gate/#2", "51s suppressed other gate/#2 pulse gate (visit)", "51s action other gate/#2 pulse horn")
}

func TestAVisitOfBeforeIsOverAfterItsGap(t *testing.T) {
	b := newBench(t, gateRule())
	b.plate("ABC1234")
	b.wait(10 * time.Second)
	n := b.restart(20*time.Second+time.Millisecond, site(gateRule()))
	n.plate("ABC1234")
	n.want("0s firing gate gate/#2", "0s action gate gate/#2 pulse gate")
}

func TestAVisitStandsStillWhileTheClockIsNotSet(t *testing.T) {
	b := newBench(t, gateRule())
	b.plate("ABC1234")
	b.wait(29 * time.Second)
	n := b.begin(b.exported(), time.Date(1970, 1, 1, 0, 0, 5, 0, time.UTC), site(gateRule()))
	n.wait(30 * time.Second)
	n.plate("ABC1234")
	n.want()
	n.wait(31 * time.Second)
	n.plate("ABC1234")
	n.want("1m1s firing gate gate/#2", "1m1s action gate gate/#2 pulse gate")
}

func TestAClockThatWentBackIsNoTimeAway(t *testing.T) {
	b := newBench(t, gateRule())
	b.plate("ABC1234")
	b.wait(20 * time.Second)
	n := b.restart(-time.Hour, site(gateRule()))
	n.wait(9 * time.Second)
	n.plate("ABC1234")
	n.want()
}

func TestWhatAFiringChargedSurvives(t *testing.T) {
	recent := is(func(l *Look) Truth { d, ok := l.Since("since"); return TruthOf(ok && d >= 5*time.Minute) })
	rules := func() []*Rule {
		return []*Rule{
			{Name: "cooldown", On: []Kind{KindMotion}, When: always, Cooldown: time.Minute},
			{Name: "limit", On: []Kind{KindMotion}, When: always, Limit: Limit{2, time.Hour}},
			{Name: "since", On: []Kind{KindMessage}, When: always, Remember: true},
			{Name: "after", On: []Kind{KindSensor}, Per: PerRule, When: recent},
		}
	}
	motion := func(b *bench, camera string) { b.apply(&Event{Kind: KindMotion, Camera: camera}) }
	b := newBench(t, rules()...)
	motion(b, "front")
	message(b)
	b.wait(30 * time.Second)
	motion(b, "gate")
	b.want("0s firing cooldown front", "0s firing limit front", "0s firing since", "30s firing cooldown gate", "30s firing limit gate")
	n := b.restart(40*time.Second, site(rules()...))
	motion(n, "front")
	motion(n, "gate")
	n.want("0s firing cooldown front", "0s firing limit front", "0s suppressed cooldown gate (cooldown)", "0s firing limit gate")
	n.wait(20 * time.Second)
	motion(n, "gate")
	motion(n, "front")
	n.want("20s firing cooldown gate", "20s suppressed limit gate (limit)", "20s suppressed cooldown front (cooldown)", "20s suppressed limit front (limit)")
	n.apply(&Event{Kind: KindSensor, Camera: "front"})
	n.want()
	n.wait(210 * time.Second) // 5 minutes after the message
	n.apply(&Event{Kind: KindSensor, Camera: "front"})
	n.want("3m50s firing after")
	// A rule that changed inherits what it would over a reload.
	changed := rules()
	changed[1].Identity = "changed"
	n = n.restart(time.Second, site(changed...))
	motion(n, "front")
	n.want("0s firing cooldown front", "0s suppressed limit front (limit)")
}

func TestFlagsSurvive(t *testing.T) {
	arm := Step{Text: "arm", Args: FlagArgs{Flag: "armed", Set: boolean(true), For: time.Minute}}
	mode := Step{Text: "away", Args: FlagArgs{Flag: "mode", Set: Scalar{Type: ScalarText, Text: "away"}}}
	rules := func() []*Rule {
		return []*Rule{
			{Name: "arm", On: []Kind{KindMessage}, When: always, Do: []Step{arm, mode}},
			{Name: "armed", When: flagIs("armed", boolean(true)), Reads: ReadsFlags, Do: []Step{follow("lamp"), logs("x")}},
			{Name: "away", When: flagIs("mode", Scalar{Type: ScalarText, Text: "away"}), Reads: ReadsFlags},
		}
	}
	b := newBench(t, rules()...)
	message(b)
	b.wait(20 * time.Second)
	n := b.restart(10*time.Second, site(rules()...))
	n.wait(time.Minute)
	// What is already so is a first look; the flag goes back when it would have.
	n.want("0s firing armed (first look)", "0s action armed follow lamp +", "0s firing away (first look)", "30s end armed", "30s action armed follow lamp -")
}

func TestCountsSurvive(t *testing.T) {
	rules := func() []*Rule {
		return []*Rule{
			{Name: "balance", Reads: ReadsCounts, When: is(func(l *Look) Truth { return TruthOf(l.Balance(0) == 1) })},
			{Name: "in", Reads: ReadsCounts, When: crossings(scene.In, time.Hour, 2)},
			{Name: "all", Reads: ReadsCounts, When: crossings(scene.DirectionNone, time.Minute, 3)},
		}
	}
	b := startBench(t, DefaultOptions(), kerbSite(rules()...))
	b.cross(1, true)
	b.cross(2, false)
	b.cross(3, true)
	n := b.restart(30*time.Second, kerbSite(rules()...))
	n.wait(2 * time.Hour)
	n.want("0s firing balance (first look)", "0s firing in (first look)", "0s firing all (first look)", "29.1s end all", "59m29.1s end in")
}

func TestCronInstantsThatPassedWhileOffAreMissed(t *testing.T) {
	night := func() *Rule {
		return &Rule{Name: "night", On: []Kind{KindCron}, Crons: []Cron{every(time.Hour), every(30 * time.Minute)}}
	}
	b := newBench(t, night())
	b.wait(31 * time.Minute)
	b.want("29m50s firing night")
	b.restart(20*time.Minute, site(night())).want()
	b.restart(3*time.Hour, site(night())).want("0s suppressed night (missed)")
	changed := night()
	changed.Identity = "changed"
	b.restart(3*time.Hour, site(changed)).want()
	// None runs twice when the clock goes back.
	n := b.restart(-10*time.Minute, site(night()))
	n.wait(30 * time.Minute)
	n.want()
	n.wait(20 * time.Minute)
	n.want("38m50s firing night", "38m50s firing night")
}

func TestDeviceClocksSurvive(t *testing.T) {
	post := func(b *bench, behind time.Duration) {
		b.apply(&Event{Kind: KindPlate, Camera: "gate", Plate: &Plate{Number: "ABC1234"}, Time: b.instant().Wall.Add(-behind)})
	}
	b := newBench(t, gateRule())
	post(b, time.Second)
	b.wait(5 * time.Minute)
	post(b, 2*time.Second)
	b.want("0s firing gate gate/#1", "0s action gate gate/#1 pulse gate", "30.000000001s end gate gate/#1", "5m0s firing gate gate/#2", "5m0s action gate gate/#2 pulse gate")
	n := b.restart(time.Hour, site(gateRule()))
	post(n, 10*time.Second)
	n.want("0s suppressed gate gate/#3 (late)")
	n.wait(time.Minute)
	post(n, 3*time.Second)
	n.want("1m0s firing gate gate/#4", "1m0s action gate gate/#4 pulse gate")
}

// TestExportIsDeterministic also says that nothing is lost on the way.
func TestExportIsDeterministic(t *testing.T) {
	b := startBench(t, DefaultOptions(), kerbSite(gateRule(), &Rule{Name: "m", On: []Kind{KindMotion}, When: always, Cooldown: time.Hour, Limit: Limit{5, time.Hour}, Remember: true}))
	for _, p := range []string{"ABC1234", "A8C1234", "XY12", "QQQ777"} {
		b.plate(p)
		b.wait(time.Second)
	}
	b.cross(1, true)
	b.apply(&Event{Kind: KindMotion, Camera: "gate", Time: b.instant().Wall})
	b.apply(&Event{Kind: KindMotion, Camera: "front", Time: b.instant().Wall})
	want, err := b.e.Export().Encode()
	if err != nil {
		t.Fatal(err)
	}
	n := b.restart(0, b.e.Ruleset())
	got, err := n.e.Export().Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the restored engine exports\n%s\nwant\n%s", got, want)
	}
	for _, part := range []string{`"cooldown":`, `"limits":`, `"fired":`, `"pulsed":["gate"]`, `"spent":true`, `"in":[`, `"least":[`} {
		if !strings.Contains(string(want), part) {
			t.Errorf("there is no %s in %s", part, want)
		}
	}
}

func TestAlteredTellsWhatIsWorthSaving(t *testing.T) {
	b := newBench(t, gateRule())
	was := b.e.Altered()
	step := func(what string, change bool, f func()) {
		f()
		if now := b.e.Altered(); now != was != change {
			t.Errorf("%s: altered: %v", what, now != was)
		}
		was = b.e.Altered()
	}
	step("time", false, func() { b.wait(time.Hour) })
	step("a frame", false, func() { b.frame("front", at(1, inside)) })
	step("a heartbeat", false, func() { b.beat("front") })
	step("a flag", true, func() { b.flag("armed", boolean(true)) })
	step("a plate", true, func() { b.plate("NONE99") })
	step("a stamp", true, func() { b.apply(&Event{Kind: KindHeartbeat, Camera: "front", Time: b.instant().Wall}) })
	step("another of the minute", false, func() { b.apply(&Event{Kind: KindHeartbeat, Camera: "front", Time: b.instant().Wall}) })
}

func TestStatesThatCannotBe(t *testing.T) {
	for text, want := range map[string]string{
		"":                "the state is not readable: unexpected end of JSON input",
		"[]":              "the state is not readable: json: cannot unmarshal array into Go value of type engine.savedState",
		"{}":              "the state is of version 0, this program knows 1",
		`{"version":2}`:   "the state is of version 2, this program knows 1",
		`{"version":1`:    "the state is not readable: unexpected end of JSON input",
		`{"version":1}{}`: "the state is not readable: invalid character '{' after top-level value",
		`{"version":1,"flags":[{"name":"a","value":{}}]}`:                                    "the state cannot be right: a flag has no value or several",
		`{"version":1,"flags":[{"name":"a","value":{"bool":true,"text":"x"}}]}`:              "the state cannot be right: a flag has no value or several",
		`{"version":1,"flags":[{"name":"a","value":{"bool":true},"age":-1}]}`:                "the state cannot be right: a time is out of bounds",
		`{"version":1,"lines":[{"name":"a","in":[9223372036854775807]}]}`:                    "the state cannot be right: a time is out of bounds",
		`{"version":1,"rules":[{"keys":[{"cooldown":9223372036854775807}]}]}`:                "the state cannot be right: a time is out of bounds",
		`{"version":1,"cameras":[{"name":"gate","visits":[{"number":-1}]}]}`:                 "the state cannot be right: a number is out of bounds",
		`{"version":1,"devices":[{"name":"` + strings.Repeat("x", 1025) + `"}]}`:             "the state cannot be right: a text is too long",
		`{"version":1,"devices":[{"name":"x","least":[` + strings.Repeat("1,", 60) + `1]}]}`: "the state cannot be right: a device has too many minutes",
	} {
		if _, err := DecodeState([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%.80s: %v, want %s", text, err, want)
		}
	}
}

// FuzzDecodeState: an engine can begin with whatever decodes, and exports it again.
func FuzzDecodeState(f *testing.F) {
	rules := func() *Ruleset {
		return kerbSite(gateRule(), &Rule{Name: "m", On: []Kind{KindMotion}, When: always, Cooldown: time.Hour, Limit: Limit{5, time.Hour}, Remember: true},
			&Rule{Name: "c", On: []Kind{KindCron}, Crons: []Cron{every(time.Hour)}})
	}
	b := startBench(f, DefaultOptions(), rules())
	b.plate("ABC1234")
	b.cross(1, true)
	b.apply(&Event{Kind: KindMotion, Camera: "gate", Time: b.instant().Wall})
	text, err := b.e.Export().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(bytes.ReplaceAll(text, []byte(`"gate"`), []byte(`"front"`)))
	f.Add(bytes.ReplaceAll(text, []byte(`2026`), []byte(`2099`)))
	f.Add(bytes.ReplaceAll(text, []byte(`1`), []byte(`2`)))
	f.Add([]byte(`{"version":1,"cameras":[{"name":"gate","visits":[{"number":1},{"number":1}]}],"rules":[{"name":"gate","identity":"gate","per":"visit","keys":[{"camera":"gate","number":1,"spent":true},{"camera":"gate","number":1,"spent":true}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := DecodeState(text)
		if err != nil {
			return
		}
		n := (&bench{t: t}).begin(s, b.instant().Wall, rules())
		n.plate("ABC1234")
		n.wait(time.Hour)
		n.plate("ABC1234")
		n.cross(1, true)
		n.wait(24 * time.Hour)
		n.exported()
	})
}
