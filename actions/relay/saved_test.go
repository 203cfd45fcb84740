package relay

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// carry gives what a bank exports the way a file would.
func carry(t *testing.T, s Saved) Saved {
	t.Helper()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	out, err := DecodeSaved(data)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// restart gives a bank of the same relays that begins with what the old one
// remembers at this moment, the wall clock having gone on by away.
func restart(t *testing.T, old *Bank, now, away time.Duration, specs ...Spec) *Bank {
	t.Helper()
	b := newBank(t, specs...)
	b.Restore(0, noon.Add(away), carry(t, old.Export(now, noon)))
	return b
}

func TestRestartKeepsFaults(t *testing.T) {
	specs := []Spec{door("gate"), porch, {Name: "flap", MaxOn: time.Minute}, {Name: "far", MaxOn: time.Minute}}
	b := newBank(t, specs...)
	b.AwaitOffs()
	b.Off(0, "gate")
	b.Off(0, "porch")
	b.Off(0, "flap")
	b.Feedback(0, "door", true, true)
	b.Do(0, Request{Relay: "porch", Verb: SetOn})
	b.Do(time.Second, Request{Relay: "porch", Verb: SetOff})
	b.OffFailed(time.Second, "porch", "input/output error")
	b.OffFailed(time.Second, "far", "no route to host")
	for i := range 16 {
		at := 2*time.Second + time.Duration(i)*time.Second
		b.Do(at, Request{Relay: "flap", Verb: Pulse, Length: ms})
		b.Driving(at, "flap")
		b.Advance(at + ms)
		b.Off(at+ms, "flap")
	}

	// Away for a year, and for any number of restarts.
	next := restart(t, b, time.Minute, 365*24*time.Hour, specs...)
	for range 3 {
		next = restart(t, next, time.Minute, time.Minute, specs...)
	}
	script(t, next, `1s gate on = dropped: fault
		1s porch on = dropped: fault
		1s flap on = dropped: fault
		1s far on`)
	st, _ := next.State("gate")
	want := State{Name: "gate", MaxOn: 5 * time.Second, Cause: "fault from before the start: feedback: the contact gate says on",
		Fault: "feedback: the contact door says on while the relay is off"}
	want.Cause = "fault from before the start: " + want.Fault
	if st != want {
		t.Errorf("state\n got %+v\nwant %+v", st, want)
	}

	script(t, next, `2s gate clear
		2s porch clear
		2s flap clear`)
	next = restart(t, next, time.Minute, time.Minute, specs...)
	script(t, next, `1s gate on
		1s porch on
		1s flap on`)
}

func TestRestartKeepsTheDailyCap(t *testing.T) {
	old := newBank(t, capped)
	script(t, old, `1h gate pulse 1s
		2h gate pulse 1s`)
	for _, c := range []struct {
		name      string
		taken, at time.Time
		want      string
	}{
		{"at once", noon, noon, `21h59m59s gate on = dropped: daily_cap
			22h gate on
			22h1m gate on = dropped: daily_cap
			23h gate on`},
		{"an hour away", noon, noon.Add(time.Hour), `20h59m59s gate on = dropped: daily_cap
			21h gate on`},
		{"a day away", noon, noon.Add(24 * time.Hour), `0s gate on
			1m gate on`},
		{"for ever away", noon, noon.AddDate(500, 0, 0), `0s gate on`},
		{"the clock went back", noon, noon.Add(-time.Hour), `21h59m59s gate on = dropped: daily_cap
			22h gate on`},
		{"the clock is not set", noon, time.Time{}, `21h59m59s gate on = dropped: daily_cap
			22h gate on`},
		{"the clock was not set", time.Time{}, noon, `21h59m59s gate on = dropped: daily_cap
			22h gate on`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBank(t, capped)
			b.Restore(0, c.at, carry(t, old.Export(3*time.Hour, c.taken)))
			script(t, b, c.want)
		})
	}
}

func TestRestartKeepsVisitsAndSwitches(t *testing.T) {
	old := newBank(t, gate)
	script(t, old, `1s gate pulse 1s visit=gate/#1
		3s gate pulse 1s visit=gate/#2
		5s gate pulse 1s visit=gate/#1 = dropped: visit`)
	for i := range 13 {
		old.Do(10*time.Second+time.Duration(i)*time.Second, Request{Relay: "gate", Verb: Pulse, Length: ms})
	}
	b := restart(t, old, 30*time.Second, 10*time.Second, gate)
	script(t, b, `0s gate pulse 1s visit=gate/#1 = dropped: visit
		0s gate pulse 1s visit=gate/#2 = dropped: visit
		10s gate pulse 1s visit=gate/#3 = dropped: fault`)
	// 30 s before, 10 s away: after 20 s the minute is over for the first two.
	b = restart(t, old, 30*time.Second, 10*time.Second, gate)
	script(t, b, `24s gate pulse 1s visit=gate/#3
		26s gate pulse 1s visit=gate/#3 = dropped: visit`)
	b = restart(t, old, 30*time.Second, 24*time.Hour, gate)
	script(t, b, `0s gate pulse 1s visit=gate/#1`)
}

func TestRestartWithOtherRelays(t *testing.T) {
	old := newBank(t, capped, porch)
	script(t, old, `1s gate on
		1s porch on`)
	b := restart(t, old, time.Minute, 0, down, capped)
	if st, _ := b.State("gate"); st.Today != 1 || st.On {
		t.Errorf("gate %+v", st)
	}
	if st, _ := b.State("down"); st.Today != 0 {
		t.Errorf("down %+v", st)
	}
	if got := b.Changes(); len(got) != 0 {
		t.Errorf("changes %+v", got)
	}
}

func TestAlteredSaysWhenToSave(t *testing.T) {
	b := newBank(t, door("gate"))
	for _, c := range []struct {
		ask   string
		alter bool
	}{
		{"1s gate pulse 1s visit=gate/#1", true},
		{"1s gate pulse 1s visit=gate/#1 = dropped: visit", false},
		{"1s gate pulse 1s visit=gate/#2 = begun: merged", true},
		{"1s gate pulse 1s = begun: merged", false},
		{"1s gate on", false},
		{"2s advance", false},
		{"3s gate off", true},
		{"4s gate lease r/1", true},
		{"4s gate pulse 1s = dropped: on", false},
		{"5s gate unlease r/1", true},
		{"5s gate pulse 1s visit=gate/#1 = dropped: visit", false},
		{"2m gate pulse 1s visit=gate/#1 = dropped: visit", true},
		{"3m feedback door on", false},
		{"4m advance", true},
		{"4m gate clear = dropped: fault", false},
		{"5m feedback door off", false},
		{"5m gate clear", true},
		{"5m gate clear", false},
	} {
		before := b.Altered()
		script(t, b, c.ask)
		if altered := b.Altered() != before; altered != c.alter {
			t.Errorf("%s: altered %v", c.ask, altered)
		}
	}
	before := b.Altered()
	b.Do(10*time.Minute, Request{Relay: "gate", Verb: SetOn})
	b.NeverOn("gate")
	if b.Altered() < before+2 {
		t.Error("not altered by an on that was none")
	}
}

func TestExportIsWhatWasRestored(t *testing.T) {
	old := newBank(t, gate, porch)
	script(t, old, `1s gate pulse 1s visit=gate/#1
		3s gate pulse 1s visit=gate/#2
		9s porch on
		12s gate on
		13s gate off`)
	first := old.Export(20*time.Second, noon)
	want := `{"version":1,"at":"2026-03-02T12:00:00Z","relays":[` +
		`{"name":"gate","ons":[19000000000,17000000000,8000000000],` +
		`"switches":[19000000000,18000000000,17000000000,16000000000,8000000000,7000000000],` +
		`"visits":[{"visit":"gate/#1","age":19000000000},{"visit":"gate/#2","age":17000000000}]},` +
		`{"name":"porch","ons":[11000000000],"switches":[11000000000]}]}`
	data, err := json.Marshal(first)
	if err != nil || string(data) != want {
		t.Errorf("%v\n got %s\nwant %s", err, data, want)
	}
	b := newBank(t, gate, porch)
	b.Restore(5*time.Second, noon, carry(t, first))
	if second := b.Export(5*time.Second, noon); !reflect.DeepEqual(first, second) {
		t.Errorf("\n got %+v\nwant %+v", second, first)
	}
}

func TestDecodeSavedSaysWhatIsWrong(t *testing.T) {
	relays := func(s string) string { return `{"version":1,"relays":[` + s + `]}` }
	for _, c := range []struct{ data, want string }{
		{``, `unexpected end of JSON input`},
		{`[]`, `json: cannot unmarshal array into Go value of type relay.Saved`},
		{`{}`, `version 0 is not known, only 1`},
		{`{"version":2}`, `version 2 is not known, only 1`},
		{relays(`{}`), `relay "" is there twice, or has no name`},
		{relays(`{"name":"a"},{"name":"a"}`), `relay "a" is there twice, or has no name`},
		{relays(strings.TrimSuffix(strings.Repeat(`{},`, 1025), ",")), `1025 relays are more than 1024`},
		{relays(`{"name":"a","fault":"` + strings.Repeat("x", 1001) + `"}`), `relay "a": the fault is too long`},
		{relays(`{"name":"a","ons":[-1]}`), `relay "a": ons: an age of -1ns is not between 0 and 24h0m0s`},
		{relays(`{"name":"a","ons":[86400000000000]}`), `relay "a": ons: an age of 24h0m0s is not between 0 and 24h0m0s`},
		{relays(`{"name":"a","ons":[1,2]}`), `relay "a": ons: not oldest first`},
		{relays(`{"name":"a","ons":[0` + strings.Repeat(",0", 4096) + `]}`), `relay "a": ons: 4097 are more than 4096`},
		{relays(`{"name":"a","switches":[60000000000]}`), `relay "a": switches: an age of 1m0s is not between 0 and 1m0s`},
		{relays(`{"name":"a","switches":[0` + strings.Repeat(",0", 31) + `]}`), `relay "a": switches: 32 are more than 31`},
		{relays(`{"name":"a","visits":[{"age":1}]}`), `relay "a": visits: "" is there twice, empty or too long`},
		{relays(`{"name":"a","visits":[{"visit":"v","age":1},{"visit":"v","age":1}]}`), `relay "a": visits: "v" is there twice, empty or too long`},
		{relays(`{"name":"a","visits":[{"visit":"v","age":1},{"visit":"w","age":2}]}`), `relay "a": visits: not oldest first`},
	} {
		_, err := DecodeSaved([]byte(c.data))
		if want := "memory of the relays: " + c.want; err == nil || err.Error() != want {
			t.Errorf("%.60s:\n got %v\nwant %s", c.data, err, want)
		}
	}
	_, err := DecodeSaved(make([]byte, maxSaved+1))
	if want := "memory of the relays: 67108865 bytes are more than 67108864"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// What a bank exports is always taken, however much it has to remember.
func TestExportIsBounded(t *testing.T) {
	b := newBank(t, Spec{Name: "gate", MaxOn: time.Minute, Feedback: strings.Repeat("é", 2000)})
	at := time.Duration(0)
	for i := range maxOns + maxVisits {
		at += 4100 * ms
		b.Do(at, Request{Relay: "gate", Verb: Pulse, Length: ms, Visit: fmt.Sprint(strings.Repeat("é", 400), i)})
	}
	b.Feedback(at+time.Second, strings.Repeat("é", 2000), true, true)
	at += time.Minute
	b.Advance(at)
	s := carry(t, b.Export(at, noon))
	r := s.Relays[0]
	if len(r.Ons) != maxOns || len(r.Visits) != maxVisits || !strings.HasPrefix(r.Fault, "feedback: ") {
		t.Errorf("%d ons, %d visits, fault %.40q", len(r.Ons), len(r.Visits), r.Fault)
	}
	if v := b.Do(at, Request{Relay: "gate", Verb: Pulse, Length: ms, Visit: strings.Repeat("x", maxKey+1)}); v.Reason != ReasonInvalid {
		t.Errorf("a visit with too long a name: %+v", v)
	}
}

func FuzzDecodeSaved(f *testing.F) {
	b, err := NewBank([]Spec{capped, porch})
	if err != nil {
		f.Fatal(err)
	}
	b.Do(time.Second, Request{Relay: "gate", Verb: Pulse, Length: ms, Visit: "gate/#1"})
	b.OffFailed(2*time.Second, "gate", "input/output error")
	data, err := json.Marshal(b.Export(time.Minute, noon))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"version":1,"at":"2026-03-02T12:00:00Z","relays":[{"name":"gate","fault":"more than 30 switches in a minute"}]}`))
	f.Add([]byte(`{"version":1,"relays":[{"name":"gate","ons":[5,5,1],"switches":[3],"visits":[{"visit":"gate/#1","age":7}]},{"name":"porch"}]}`))
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte(`{"version":1,"relays":[{"name":"gate","ons":[-1]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := DecodeSaved(data)
		if err != nil {
			return
		}
		var specs []Spec
		for _, r := range s.Relays {
			specs = append(specs, Spec{Name: r.Name, MaxOn: time.Second, DailyCap: 3})
		}
		b, err := NewBank(specs)
		if err != nil {
			t.Fatal(err)
		}
		b.Restore(time.Hour, noon, s)
		for _, r := range s.Relays {
			v := b.Do(time.Hour, Request{Relay: r.Name, Verb: SetOn})
			if r.Fault != "" && v.Reason != ReasonFault {
				t.Errorf("relay %q: %+v in the fault %q", r.Name, v, r.Fault)
			}
		}
		b.Advance(2 * time.Hour)
		carry(t, b.Export(2*time.Hour, noon))
	})
}
