package main

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/journal"
)

// sentences are what is said of the entries that told writes.
const sentences = `Sallyport v1 started
alarm perimeter at gate is on
alarm perimeter at gate is off
contact door is on
abc-1234 read at gate: approach
gate for residents fired for ABC1234
gate for residents for ABC1234, step flag away set false done
gate for residents for visit 2 at gate held back: cooldown
relay gate is on: pulse of 800ms (gate for residents)
relay gate on for 0.8 s by gate for residents
gate for residents for ABC1234, step http POST https://hooks.example.com:8443/… failed after 3 tries: Post "https://hooks.example.com:8443/…": dial tcp: refused
light fired for target 7 at porch
light ended for target 7 at porch after 5 s
rules did not load, set 0123456789ab stays: rules.d/a.yaml:1:1: no
rules loaded, set fedcba987654
the clock was set by -2.5 s
ann was refused from 192.168.0.9
camera gate: the camera refuses: GET http://192.168.0.52/…: 401
Sallyport stopped
`

func TestEntryTextOfWhatHappens(t *testing.T) {
	_, data := journalSite(t)
	j := told(t, data)
	entries, _, err := j.List(t.Context(), journal.Query{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i := range entries {
		b.WriteString(entryText(&entries[i], time.UTC) + "\n")
	}
	if got := b.String(); got != sentences {
		t.Errorf("got\n%swant\n%s", got, sentences)
	}
}

func TestEntryText(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	evening := time.Date(2026, 11, 24, 20, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		e    journal.Entry
		want string
	}{
		{journal.Entry{Kind: "event", Camera: "gate", Body: []byte(`{"kind":"plate","plate":{"number":"ABC1234","list":"allow"}}`)}, "ABC1234 read at gate: allow"},
		{journal.Entry{Kind: "event", Camera: "porch", Body: []byte(`{"kind":"line_crossing","targets":[{"id":7,"class":"person"},{"class":"car"},{"id":9},{"id":10},{"id":11}]}`)}, "line crossing at porch: person 7, car, target 9, 2 more"},
		{journal.Entry{Kind: "event", Camera: "porch", Body: []byte(`{"kind":"face_match","face":{"match":"Ann"}}`)}, "the face of Ann seen at porch"},
		{journal.Entry{Kind: "event", Camera: "porch", Body: []byte(`{"kind":"camera","text":"is silent for 2 min"}`)}, "camera porch: is silent for 2 min"},
		{journal.Entry{Kind: "event", Camera: "porch", Body: []byte(`{"kind":"camera","online":false}`)}, "camera porch is offline"},
		{journal.Entry{Kind: "event", Body: []byte(`{"kind":"flag","name":"away","value":true}`)}, "flag away is true"},
		{journal.Entry{Kind: "event", Body: []byte(`{"kind":"message","message":{"topic":"bell/front","body":{}}}`)}, "message bell/front came"},
		{journal.Entry{Kind: "event", Body: []byte(`{"kind":"contact","name":"door"}`)}, "contact door cannot be read"},
		{journal.Entry{Kind: "event", Body: []byte(`{"kind":"start","version":"v2","after_kill":true}`)}, "Sallyport v2 started; the run before did not end in order"},
		{journal.Entry{Kind: "firing", Rule: "porch light", Key: "porch", Body: []byte(`{"type":"firing","reason":"shadow"}`)}, "porch light would have fired for porch (shadow)"},
		{journal.Entry{Kind: "firing", Rule: "siren", Key: "porch/perimeter/1", Body: []byte(`{"type":"firing","reason":"first look"}`)}, "siren fired for perimeter 1 at porch (first look)"},
		{journal.Entry{Kind: "firing", Rule: "siren", Body: []byte(`{"type":"end","since":"2026-03-29T13:00:00.000Z","until":"2026-03-29T16:20:00.000Z","reason":"reload"}`)}, "siren ended after 3 h 20 min (reload)"},
		{journal.Entry{Kind: "suppressed", Rule: "gate", Plate: "ABC1234", Body: []byte(`{"type":"suppressed","step":"relay gate pulse 1s","reason":"visit"}`)}, "gate for ABC1234, step relay gate pulse 1s held back: this visit had it already"},
		{journal.Entry{Kind: "action", Rule: "porch light", Relay: "porch", Body: []byte(`{"type":"action","step":"relay porch follow","outcome":"done"}`)}, "relay porch held on by porch light"},
		{journal.Entry{Kind: "action", Rule: "gate", Plate: "A1", Relay: "gate", Body: []byte(`{"type":"action","step":"relay gate pulse 800ms","outcome":"not begun","reason":"min_off"}`)}, "gate for A1, step relay gate pulse 800ms was not begun: min_off"},
		{journal.Entry{Kind: "action", Rule: "porch light", Relay: "porch", Body: []byte(`{"type":"action","step":"relay porch follow","outcome":"done","reason":"ended"}`)}, "relay porch no longer held on by porch light"},
		{journal.Entry{Kind: "action", Rule: "gate", Body: []byte(`{"type":"action","step":"log ${plate.number} came in","outcome":"done","detail":"ABC1234 came in"}`)}, "gate says: ABC1234 came in"},
		{journal.Entry{Kind: "action", Rule: "gate", Body: []byte(`{"type":"action","step":"log","outcome":"done","detail":"ABC1234 (Ann)\ncame in"}`)}, "gate says: ABC1234 (Ann) came in"},
		{journal.Entry{Kind: "action", Relay: "gate", Body: []byte(`{"type":"command","who":"ann","step":"relay gate pulse 800ms","outcome":"done"}`)}, "relay gate on for 0.8 s by hand: ann"},
		{journal.Entry{Kind: "action", Relay: "gate", Body: []byte(`{"type":"command","who":"ann","step":"relay gate on","outcome":"failed","reason":"fault"}`)}, "ann asked for relay gate on failed: fault"},
		{journal.Entry{Kind: "action", At: evening, Rule: "gate", Body: []byte(`{"type":"command","who":"ann","step":"mode shadow until 2026-11-24T22:12:18.379Z","outcome":"done"}`)}, "gate: mode shadow until 23:12 by hand: ann"},
		{journal.Entry{Kind: "action", At: evening, Rule: "gate", Body: []byte(`{"type":"command","who":"ann","step":"mode off until 2026-11-25T22:12:18.379Z","outcome":"done"}`)}, "gate: mode off until Wed 25 Nov 23:12 by hand: ann"},
		{journal.Entry{Kind: "action", At: evening, Rule: "gate", Body: []byte(`{"type":"command","who":"the clock","step":"mode as its file says","outcome":"done","reason":"its time is over"}`)}, "gate: mode as its file says (its time is over)"},
		{journal.Entry{Kind: "action", Body: []byte(`{"type":"command","who":"ann","step":"cancel 12","outcome":"done"}`)}, "cancel 12 by hand: ann"},
		{journal.Entry{Kind: "relay", Relay: "gate", Body: []byte(`{"on":true,"cause":"by hand: ann","who":"ann"}`)}, "relay gate is on: by hand, ann"},
		{journal.Entry{Kind: "relay", Relay: "gate", Body: []byte(`{"on":true,"cause":"by hand: console at ::1","who":"console at ::1"}`)}, "relay gate is on: by hand at this machine"},
		{journal.Entry{Kind: "action", Relay: "gate", Body: []byte(`{"type":"command","step":"relay gate on","outcome":"done","who":"console at 127.0.0.1"}`)}, "relay gate on by hand at this machine"},
		{journal.Entry{Kind: "reload", Body: []byte(`{"file":"a.yaml","who":"console at 127.0.0.1"}`)}, "somebody at this machine saved a.yaml"},
		{journal.Entry{Kind: "relay", Relay: "gate", Rule: "gate for residents", Plate: "A1", Body: []byte(`{"on":true,"cause":"rule \"gate for residents\" gate/#1"}`)}, "relay gate is on: gate for residents for A1"},
		{journal.Entry{Kind: "relay", Relay: "gate", Rule: "gate for residents", Body: []byte(`{"on":false,"cause":"end of pulse (rule \"gate for residents\" gate/#1)"}`)}, "relay gate is off: end of pulse (gate for residents)"},
		{journal.Entry{Kind: "relay", Relay: "porch", Rule: "porch light", Body: []byte(`{"on":false,"cause":"end of rule \"porch light\" porch/7"}`)}, "relay porch is off: end of porch light"},
		{journal.Entry{Kind: "relay", Relay: "gate", Body: []byte(`{"on":false,"cause":"fault: the line is lost","fault":"the line is lost"}`)}, "relay gate is off, fault: the line is lost"},
		{journal.Entry{Kind: "reload", Body: []byte(`{"loaded":false,"rules":"0123456789abcdef","problems":["a.yaml:1: no","b.yaml:2: no"]}`)}, "rules did not load, set 0123456789ab stays: a.yaml:1: no (and 1 more)"},
		{journal.Entry{Kind: "login", Body: []byte(`{"who":"ann","ok":true}`)}, "ann signed in"},
		{journal.Entry{Kind: "error", Body: []byte(`{"error":"entries are missing here: the disk did not take them","dropped":2}`)}, "entries are missing here: the disk did not take them (2 entries are missing)"},
		{journal.Entry{Kind: "error", Body: []byte(`{`)}, "error: its text cannot be read"},
		{journal.Entry{Kind: "error", Body: []byte(`{"error":"` + strings.Repeat("x", 1000) + `"}`)}, strings.Repeat("x", 300) + "…"},
	} {
		if got := entryText(&tt.e, berlin); got != tt.want {
			t.Errorf("%s %s\n got %q\nwant %q", tt.e.Kind, tt.e.Body, got, tt.want)
		}
	}
}
