package engine

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// fieldsOf names the fields of a type as they are declared.
func fieldsOf(v any) string {
	t := reflect.TypeOf(v)
	var all []string
	for i := range t.NumField() {
		all = append(all, t.Field(i).Name)
	}
	return strings.Join(all, " ")
}

// TestASnapshotKnowsEveryField fails when something that the engine remembers gets
// another field. Carry it in the snapshot (or see here why it is not), show in
// TestResumeGoesOn that it is, and write it here.
func TestASnapshotKnowsEveryField(t *testing.T) {
	for _, c := range []struct {
		v    any
		want string
	}{
		// Not carried: opts (given), out and look to union (of one call), copyOf and copy
		// (of one call), watch to byKind (of the set), tracing (explanations), stirred and flagged (of who watches), written (given), muting and swapping (of one call).
		{Engine{}, "world opts timers out queue changed watch watched slew phase byKind cand live union look looks firings cause keySeq open openSeq waiting copyOf copy leases orphans flagTimers devices tracing marks altered stirred written overrides swapping muting flagged"},
		// Not carried: rs, judged (asked again).
		{world{}, "rs now cams flags relays contacts counts judged rules byName"},
		// Not carried: due (the scene's), targets (the subjects of keys), index (of the set), looks (of who watches).
		{camera{}, "name number scene due settled online lastPost lastBeat heard away beats beatN offline visits visitSeq alarms targets mix index looks"},
		{trackedTarget{}, "live"},
		// Not carried: tried, pulses (of the rule), memory (explanations), stirred (of who watches).
		{ruleState{}, "Rule number keys while wake crons cronAt lastCron tried pulses full stirred fired order memory"},
		{keyState{}, "rule id text seq state quiet mute subjects timer since cooldown limits said firing leases visit spent turn given"},
		{keyID{}, "cam n text"},
		{subject{}, "kind cam serial track name quiet idle"},
		{lease{}, "p id"},
		{visit{}, "cam number text first owner seen reads last over pulsed told keys timer"},
		{plateCount{}, "plate n last"},
		{toldStep{}, "rule index"},
		{alarm{}, "key on since event"},
		{flag{}, "value since"},
		{flagTimer{}, "timer name back"},
		{override{}, "Override timer"},
		{Override{}, "Rule Mode Until Who At"},
		{Wired{}, "On Since known"},
		{lineCount{}, "balance crossings insBefore"},
		{crossing{}, "at ins"},
		{deviceClock{}, "minutes least step digests order steps heard"},
		{minuteOffset{}, "minute least"},
		{stepRun{}, "key firing visit turn cause finally steps next base charge left once begun given told"},
		{planned{}, "index step args skip unasked pulsed planned"},
		{charge{}, "made was spent cooldown"},
		{cause{}, "late depth"},
		{openStep{}, "run step"},
		{outcomeKey{}, "firing index finally"},
		{orphan{}, "timer decision request"},
		// Of a request that an orphan holds: Finally, Due, Expires, LeaseOn and Mark are not set.
		{Request{}, "Firing Index Finally Step Args Due Expires Lease LeaseOn LeaseID Mark"},
		{Firing{}, "ID Rule Key At Camera Target HasTarget Zone Visit Event Shadow serial charge"},
		{Event{}, "Kind Raw Camera Device Received Time ID HasID Status Targets Zone Line Plate Face Alarm Values Scene Target Problems Message Name On Unknown Value Digest Late depth keep line balance"},
		{Device{}, "Name MAC SN Address Channel"},
		{Listed{}, "ID HasID Class Box HasBox"},
		{Plate{}, "Number List Group Confidence HasConfidence Heading Color Owner Vehicle Box HasBox"},
		{Vehicle{}, "Type Color Brand Model"},
		{Face{}, "Age Sex Glasses Mask Match"},
		{Alarm{}, "Name On ID"},
		{Value{}, "Name Number"},
		{Message{}, "Topic Body"},
		{Image{}, "Size Bytes"},
		{Scalar{}, "Type Bool Number Text"},
		{timer{}, "at seq task index wall"},
		{timers{}, "heap seq rest"},
		// Of a rule only what is asked when its set is gone: a reload or a running list does not evaluate it.
		{Rule{}, "Name File Line Identity On Crons Per Level Statuses AtEnd Names When While Reads Need FirstZone Remember For Hold Cooldown Limit Repeat Mode Do Finally Text Uses"},
		{Step{}, "Text If After Timeout Expires Retry Durable Wait Stop Args Fill"},
		// Imports say to others what the set was made of; the engine does not read them.
		{Ruleset{}, "Hash Location Cameras Zones Lines Lists Schedules Flags Rules Imports"},
	} {
		if got := fieldsOf(c.v); got != c.want {
			t.Errorf("%T has the fields\n%s\nbut a snapshot knows\n%s", c.v, got, c.want)
		}
	}
}

// repack changes the packed state of a snapshot and makes its checksum right.
func repack(t testing.TB, text []byte, change func([]byte) []byte) []byte {
	t.Helper()
	var s snapshot
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return wrapped(s.Set, change(s.State))
}

func wrapped(set string, state []byte) []byte {
	return fmt.Appendf(nil, `{"version":1,"set":%q,"check":%d,"state":%q}`, set, crc32.ChecksumIEEE(state), base64.StdEncoding.EncodeToString(state))
}

// running is an engine of the random rules after so many inputs of a random run.
func running(t testing.TB, seed uint64, most int) (*Engine, *Ruleset) {
	rs := randomRules(0)
	rs.Hash = "of this set"
	inputs, _ := randomRun(t, seed)
	e, _ := New(rs, DefaultOptions(), Instant{0, time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)})
	for _, in := range inputs[:min(most, len(inputs))] {
		if in.what != "swap" {
			in.do(e, in.at)
		}
	}
	return e, rs
}

// exercise uses an engine as a run would: nothing of what was resumed may break it.
func exercise(e *Engine) {
	now := e.Now()
	for range 40 {
		next, ok := e.Next()
		if !ok || next > now.Mono+time.Hour {
			break
		}
		now = Instant{max(next, now.Mono), now.Wall.Add(max(next-now.Mono, 0))}
		e.Advance(now)
	}
	wall := now.Wall
	for _, ev := range []*Event{
		{Kind: KindTarget, Camera: "front", Received: wall, Time: wall, Targets: []Listed{at(1, 1000), at(2, 8000)}},
		{Kind: KindPlate, Camera: "gate", Received: wall, Time: wall, Digest: 7, Plate: &Plate{Number: "ABC1234"}},
		{Kind: KindAlarm, Camera: "gate", Received: wall, Alarm: &Alarm{Name: "perimeter", On: true}},
		{Kind: KindContact, Name: "door", On: true},
		{Kind: KindFlag, Name: "armed", Value: boolean(true)},
		{Kind: KindMessage, Received: wall},
		{Kind: KindCamera, Camera: "gate", Name: "gate"},
	} {
		e.Apply(now, ev)
	}
	for _, k := range slices.Clone(e.openSeq) {
		e.Outcome(now, Outcome{Firing: k.firing, Index: k.index, Finally: k.finally, Reason: "min_off"})
	}
	now = Instant{now.Mono + time.Minute, now.Wall.Add(time.Minute)}
	e.Advance(now)
	_, _ = e.Export().Encode()
	_, _ = e.Snapshot()
	e.Swap(now, randomRules(1))
	e.Stop(now)
}

func TestResumeRefuses(t *testing.T) {
	e, rs := running(t, 1, 600)
	good, err := e.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	at := e.Now()
	for _, c := range []struct {
		name string
		text []byte
		at   Instant
		want string
	}{
		{"nothing", nil, at, "the snapshot is not readable: EOF"},
		{"a list", []byte("[]"), at, "the snapshot is not readable: they are no object"},
		{"more", append(slices.Clone(good), "{}"...), at, "the snapshot is not readable: something follows them"},
		{"too much", make([]byte, MaxSnapshot+2), at, "the snapshot has 16777218 bytes, more than 16777216"},
		{"another version", bytes.Replace(good, []byte(`"version":1`), []byte(`"version":2`), 1), at, "the snapshot is of version 2, this program knows 1"},
		{"damaged", bytes.Replace(good, []byte(`"check":`), []byte(`"check":1`), 1), at, ""},
		{"cut", repack(t, good, func(b []byte) []byte { return b[:len(b)/2] }), at, "the snapshot cannot be right: it ends too early"},
		{"longer", repack(t, good, func(b []byte) []byte { return append(b, 0) }), at, "the snapshot cannot be right: something follows it"},
		{"before the run", good, Instant{-1, at.Wall}, "the snapshot cannot be right: it is resumed at no moment of a run"},
		{"empty", wrapped("", nil), at, "the snapshot cannot be right: it ends too early"},
	} {
		_, err := Resume(rs, DefaultOptions(), c.at, c.text)
		if err == nil || c.want != "" && err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

// TestADamagedSnapshotBreaksNothing changes bytes of snapshots behind their checksum.
func TestADamagedSnapshotBreaksNothing(t *testing.T) {
	e, rs := running(t, 2, 700)
	good, err := e.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	refused := 0
	const tries = 300
	for range tries {
		text := repack(t, good, func(b []byte) []byte {
			for range rnd.IntN(3) + 1 {
				b[rnd.IntN(len(b))] = byte(rnd.IntN(256))
			}
			return b
		})
		set := rs
		if rnd.IntN(4) == 0 {
			set = randomRules(1)
		}
		got, err := Resume(set, DefaultOptions(), e.Now(), text)
		if err != nil {
			refused++
			continue
		}
		exercise(got)
	}
	if refused < tries/10 || refused > tries*99/100 {
		t.Errorf("%d of %d were refused", refused, tries)
	}
}

func FuzzResume(f *testing.F) {
	rs := randomRules(0)
	rs.Hash = "of this set"
	for seed := range uint64(4) {
		e, _ := running(f, seed, 25*int(seed+1)) // small ones, that the fuzzer can do much with
		b, err := e.Snapshot()
		if err != nil {
			f.Fatal(err)
		}
		var s snapshot
		if err := json.Unmarshal(b, &s); err != nil {
			f.Fatal(err)
		}
		f.Add(s.State, true)
		f.Add(s.State, false)
	}
	f.Add([]byte{}, true)
	f.Fuzz(func(t *testing.T, state []byte, same bool) {
		set := ""
		if same {
			set = rs.Hash
		}
		e, err := Resume(rs, DefaultOptions(), Instant{time.Hour, time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}, wrapped(set, state))
		if err == nil {
			exercise(e)
		}
	})
}

// TestASnapshotThatWouldBeTooLarge is refused, and the engine goes on.
func TestASnapshotThatWouldBeTooLarge(t *testing.T) {
	b := newBench(t)
	long := strings.Repeat("x", 4096)
	for i := range 5000 {
		b.e.Apply(b.instant(), &Event{Kind: KindContact, Name: fmt.Sprint(long, i)})
	}
	const want = "the engine's state cannot be written as a snapshot: it is too long"
	if _, err := b.e.Snapshot(); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// busySite is an engine with 50 cameras, 6 targets before each, and three rules of a
// hundred active for each target.
func busySite(t testing.TB) *Engine {
	rs := site()
	for i := range 48 {
		rs.Cameras = append(rs.Cameras, CameraDef{fmt.Sprintf("x%02d", i), rs.Cameras[0].Layout})
	}
	for i := range 100 {
		r := &Rule{Name: fmt.Sprint("rule ", i), Identity: fmt.Sprint(i), On: []Kind{KindTarget}, Per: PerTarget, Level: true, When: always, Cooldown: time.Hour, Hold: time.Minute, Do: []Step{follow("porch"), turnOn("x").later(time.Hour)}}
		if i%40 != 0 {
			r.When = is(func(*Look) Truth { return False })
		}
		rs.Rules = append(rs.Rules, r)
	}
	e, _ := New(rs, DefaultOptions(), Instant{0, time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)})
	for i := range 30 {
		now := Instant{time.Duration(i+20) * time.Second / 7, time.Date(2026, 3, 2, 8, 0, i/7, i%7*1e8, time.UTC)}
		for _, c := range rs.Cameras {
			ev := &Event{Kind: KindTarget, Camera: c.Name, Received: now.Wall, Time: now.Wall}
			for id := range uint64(6) {
				ev.Targets = append(ev.Targets, at(id, int32(i*100+int(id)*300)))
			}
			e.Apply(now, ev)
		}
	}
	return e
}

func BenchmarkSnapshot(b *testing.B) {
	e := busySite(b)
	var text []byte
	for b.Loop() {
		var err error
		if text, err = e.Snapshot(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(text)), "bytes")
}

func BenchmarkResume(b *testing.B) {
	e := busySite(b)
	text, err := e.Snapshot()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Resume(e.Ruleset(), DefaultOptions(), e.Now(), text); err != nil {
			b.Fatal(err)
		}
	}
}
