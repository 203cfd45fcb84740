package journal

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine"
)

// scene writes a car that is let in, a light that went on for a while, and somebody who was not let in.
func scene(t testing.TB) (r *Reader, ids map[string]int64) {
	t.Helper()
	dir := t.TempDir()
	j := open(t, dir)
	ids = make(map[string]int64)
	add := func(name string, s float64, e Entry, body string) {
		e.At, e.Body = begun().Add(time.Duration(s*float64(time.Second))), []byte(body)
		ids[name] = j.Add(e)
	}
	image := Image{Name: "scene", Bytes: func() ([]byte, error) { return []byte("picture"), nil }}
	add("light was on", -100, Entry{Kind: KindRelay, Relay: "light"}, `{"on":true}`)
	add("crossing", 0, Entry{Kind: KindEvent, Camera: "gate", Images: []Image{image}}, `{"kind":"line_crossing"}`)
	add("plate", 1, Entry{Kind: KindEvent, Camera: "gate", Plate: "ABC1234", Images: []Image{{Name: "target", Bytes: image.Bytes}, image}}, `{"kind":"plate","plate":{"number":"ABC1234"}}`)
	add("opened", 1, Entry{Kind: KindFiring, Camera: "gate", Rule: "residents", Key: "gate/#1", Plate: "ABC1234", Event: ids["plate"]}, `{"type":"firing","steps":["relay gate pulse 800ms"]}`)
	add("logged", 1, Entry{Kind: KindSuppressed, Camera: "gate", Rule: "log", Key: "gate/#1", Plate: "ABC1234", Event: ids["plate"]}, `{"type":"suppressed","reason":"cooldown"}`)
	add("gate on", 1.1, Entry{Kind: KindRelay, Rule: "residents", Key: "gate/#1", Relay: "gate", Firing: ids["opened"]}, `{"on":true,"cause":"rule"}`)
	add("step", 1.1, Entry{Kind: KindAction, Rule: "residents", Key: "gate/#1", Plate: "ABC1234", Relay: "gate", Firing: ids["opened"]}, `{"type":"action","outcome":"done"}`)
	add("gate off", 1.9, Entry{Kind: KindRelay, Rule: "residents", Key: "gate/#1", Relay: "gate", Firing: ids["opened"]}, `{"on":false}`)
	add("light off", 2, Entry{Kind: KindRelay, Relay: "light"}, `{"on":false}`)
	add("lit", 3, Entry{Kind: KindFiring, Camera: "porch", Rule: "light", Key: "porch/7"}, `{"type":"firing","event":{"kind":"target","raw":"`+strings.Repeat("x", 1000)+`"}}`)
	add("stranger", 4, Entry{Kind: KindEvent, Camera: "gate", Plate: "XYZ999"}, `{"kind":"plate","plate":{"number":"XYZ999"}}`)
	add("unlit", 60, Entry{Kind: KindFiring, Camera: "porch", Rule: "light", Key: "porch/7", Firing: ids["lit"]},
		`{"type":"end","since":"2026-03-29T13:58:49.797Z","until":"2026-03-29T13:59:46.797Z"}`)
	flush(t, j)
	r, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r, ids
}

// names are the names of entries.
func names(entries []Entry, ids map[string]int64) (out []string) {
	for i := range entries {
		for name, id := range ids {
			if id == entries[i].ID {
				out = append(out, name)
			}
		}
	}
	return out
}

func TestChainOfAnEntry(t *testing.T) {
	r, ids := scene(t)
	car := []string{"plate", "opened", "gate on", "step", "gate off"}
	for of, want := range map[string][]string{
		"plate":    {"plate", "opened", "logged", "gate on", "step", "gate off"},
		"opened":   car,
		"step":     car,
		"gate off": car,
		"logged":   {"plate", "opened", "logged", "gate on", "step", "gate off"},
		"lit":      {"lit", "unlit"},
		"unlit":    {"lit", "unlit"},
		"stranger": {"stranger"},
		"crossing": {"crossing"},
	} {
		e, chain, err := r.Chain(t.Context(), ids[of])
		if got := names(chain, ids); err != nil || e.ID != ids[of] || !slices.Equal(got, want) {
			t.Errorf("%s: %v %v\n got %q\nwant %q", of, e.ID, err, got, want)
		}
	}
	if _, _, err := r.Chain(t.Context(), 1<<40); !errors.Is(err, ErrNoEntry) {
		t.Error(err)
	}
}

func TestChainIsBounded(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	first := j.Add(Entry{At: begun(), Kind: KindFiring, Rule: "r"})
	last := int64(0)
	for range 3 * MaxChain {
		last = j.Add(Entry{At: begun(), Kind: KindAction, Rule: "r", Firing: first})
	}
	flush(t, j)
	_, chain, err := j.Chain(t.Context(), last)
	if err != nil || len(chain) != MaxChain || chain[0].ID != first || chain[MaxChain-1].ID != last {
		t.Errorf("%v, %d entries", err, len(chain))
	}
}

func TestPicturesThatShowEntries(t *testing.T) {
	r, ids := scene(t)
	entries, _, err := r.List(t.Context(), Query{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := r.Pictures(t.Context(), entries)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"crossing": "crossing", "plate": "plate", "opened": "plate", "logged": "plate", "gate on": "plate", "step": "plate",
		"stranger": "", "lit": "", "unlit": "", "light off": "",
	} {
		if got := found[ids[name]]; got.Entry != ids[want] || want != "" && got.Name != "scene" {
			t.Errorf("%s is shown by %+v, want that of %q", name, got, want)
		}
	}
}

// TestPictureNearby: what a frame caused is shown by the nearest picture of the same camera, unless that is too old.
func TestPictureNearby(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	image := Image{Name: "scene", Bytes: func() ([]byte, error) { return []byte("picture"), nil }}
	add := func(s int, kind, camera string, images ...Image) int64 {
		return j.Add(Entry{At: begun().Add(time.Duration(s) * time.Second), Kind: kind, Camera: camera, Rule: "r", Images: images})
	}
	old := add(0, KindEvent, "porch", image)
	near := add(2, KindFiring, "porch")
	newer := add(3, KindEvent, "porch", image)
	add(4, KindEvent, "gate", image)
	late := add(20, KindFiring, "porch")
	flush(t, j)
	entries, _, err := j.List(t.Context(), Query{Kinds: []string{KindFiring}})
	if err != nil {
		t.Fatal(err)
	}
	found, err := j.Pictures(t.Context(), entries)
	if err != nil || found[near].Entry != newer || found[late].Entry != 0 {
		t.Errorf("%v %+v (the older one is %d)", err, found, old)
	}
}

func TestTimeline(t *testing.T) {
	r, ids := scene(t)
	sec := func(s float64) time.Time { return begun().Add(time.Duration(s * float64(time.Second))) }
	at := func(name string) int64 { return ids[name] }
	known := TimelineQuery{Rules: []string{"residents", "log", "light"}, Relays: []string{"light", "gate"}}
	residents := TimelineRow{Name: "residents", Ticks: []TimelineTick{{At: sec(1), ID: at("opened"), Key: "gate/#1"}}}
	held := TimelineRow{Name: "log", Ticks: []TimelineTick{{At: sec(1), ID: at("logged"), Suppressed: true, Reason: "cooldown", Key: "gate/#1"}}}
	lit := TimelineRow{Name: "light", Spans: []TimelineSpan{{From: sec(3), To: sec(60), ID: at("lit")}}, Ticks: []TimelineTick{{At: sec(3), ID: at("lit"), Key: "porch/7"}}}
	light := TimelineRow{Relay: true, Name: "light", Spans: []TimelineSpan{{From: sec(-100), To: sec(2), ID: at("light was on")}}}
	gate := TimelineRow{Relay: true, Name: "gate", Spans: []TimelineSpan{{From: sec(1.1), To: sec(1.9), ID: at("gate on")}}}
	for _, tt := range []struct {
		what string
		q    TimelineQuery
		want []TimelineRow
	}{
		{"all of it", TimelineQuery{Since: sec(-200), Until: sec(100)}, []TimelineRow{residents, held, lit, light, gate}},
		{"a part: what was on before and what ends after it", TimelineQuery{Since: sec(0), Until: sec(30)}, []TimelineRow{residents, held, lit, light, gate}},
		{"while it is on", TimelineQuery{Since: sec(1.2), Until: sec(1.5)}, []TimelineRow{
			{Relay: true, Name: "light", Spans: []TimelineSpan{{From: sec(-100), ID: at("light was on")}}},
			{Relay: true, Name: "gate", Spans: []TimelineSpan{{From: sec(1.1), ID: at("gate on")}}},
		}},
		{"active all the time", TimelineQuery{Since: sec(10), Until: sec(20)}, []TimelineRow{{Name: "light", Spans: lit.Spans}}},
		{"a rule, with what it moved", TimelineQuery{Since: sec(-200), Until: sec(100), Rule: "residents"}, []TimelineRow{residents, gate}},
		{"a relay", TimelineQuery{Since: sec(-200), Until: sec(100), Relay: "gate"}, []TimelineRow{gate}},
		{"a camera", TimelineQuery{Since: sec(-200), Until: sec(100), Camera: "porch"}, []TimelineRow{lit}},
		{"before everything", TimelineQuery{Since: sec(-300), Until: sec(-200)}, nil},
	} {
		tt.q.Rules, tt.q.Relays = known.Rules, known.Relays
		got, err := r.Timeline(t.Context(), tt.q)
		if err != nil || got.More || !reflect.DeepEqual(got.Rows, tt.want) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", tt.what, err, got, tt.want)
		}
	}
}

// TestTimelineIsBounded: of much that happened an even part is given, at once.
func TestTimelineIsBounded(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	const n = 60_000
	for i := range n {
		e := Entry{At: begun().Add(time.Duration(i) * time.Second), Kind: KindFiring, Rule: fmt.Sprint("rule ", i%3), Body: []byte(`{"type":"firing"}`)}
		if i%10 == 9 {
			e.Kind, e.Rule, e.Relay, e.Body = KindRelay, "", "gate", fmt.Appendf(nil, `{"on":%v}`, i%20 == 9)
		}
		j.Add(e)
		if i%5000 == 0 {
			flush(t, j)
		}
	}
	flush(t, j)
	until := begun().Add(n * time.Second)
	got, err := j.Timeline(t.Context(), TimelineQuery{Since: begun(), Until: until})
	if err != nil || !got.More || len(got.Rows) != 4 {
		t.Fatal(err, got.More, len(got.Rows))
	}
	for _, r := range got.Rows {
		if len(r.Spans) > MaxMarks || len(r.Ticks) > MaxMarks {
			t.Errorf("%s: %d spans, %d ticks", r.Name, len(r.Spans), len(r.Ticks))
		}
		parts := make(map[int]bool)
		for _, k := range r.Ticks {
			parts[int(k.At.Sub(begun())*10/until.Sub(begun()))] = true
		}
		for _, s := range r.Spans {
			parts[int(s.From.Sub(begun())*10/until.Sub(begun()))] = true
			if s.To.IsZero() && s.From.Before(until.Add(-time.Minute)) {
				t.Errorf("%s: on from %s without an end, although nobody knows", r.Name, s.From)
			}
		}
		if len(parts) != 10 {
			t.Errorf("%s: only %d tenths of the time have something", r.Name, len(parts))
		}
	}
}

func TestReads(t *testing.T) {
	r, ids := scene(t)
	want := func(typed string) func(string) int {
		w, _ := engine.WantPlate(typed)
		return w.Fit
	}
	for _, tt := range []struct {
		what string
		q    ReadQuery
		want []string
	}{
		{"all", ReadQuery{}, []string{"stranger", "plate"}},
		{"looks otherwise", ReadQuery{Alike: want("A8C-12EE")}, nil},
		{"looks nearly alike", ReadQuery{Alike: want("A8C-1Z3A")}, []string{"plate"}},
		{"a part", ReadQuery{Alike: want("yz9")}, []string{"stranger"}},
		{"a camera", ReadQuery{Camera: "porch"}, nil},
		{"a time", ReadQuery{Since: begun(), Until: begun().Add(2 * time.Second)}, []string{"plate"}},
		{"a time, alike", ReadQuery{Since: begun().Add(2 * time.Second), Alike: want("ABC1234")}, nil},
	} {
		reads, next, err := r.Reads(t.Context(), tt.q)
		var got []Entry
		for i := range reads {
			got = append(got, reads[i].Entry)
		}
		if err != nil || next != "" || !slices.Equal(names(got, ids), tt.want) {
			t.Errorf("%s: %v %q %q, want %q", tt.what, err, next, names(got, ids), tt.want)
		}
	}
	reads, next, err := r.Reads(t.Context(), ReadQuery{Limit: 1})
	if err != nil || next == "" || len(reads) != 1 || reads[0].ID != ids["stranger"] || reads[0].Decided != nil {
		t.Fatalf("%v %q %+v", err, next, reads)
	}
	reads, next, err = r.Reads(t.Context(), ReadQuery{Limit: 1, Cursor: next})
	decided := []Decided{{ID: ids["opened"], Rule: "residents"}, {ID: ids["logged"], Rule: "log", Reason: "cooldown", Suppressed: true}}
	if err != nil || next != "" || len(reads) != 1 || reads[0].ID != ids["plate"] || !reflect.DeepEqual(reads[0].Decided, decided) {
		t.Fatalf("%v %q %+v", err, next, reads)
	}
	if why, err := refusedStep(t); err != nil || why != "min_off" {
		t.Errorf("%q %v, want min_off", why, err)
	}
	for _, c := range []string{"x", "r", "r0", "r-1", "n7", "r07"} {
		if _, _, err := r.Reads(t.Context(), ReadQuery{Cursor: c}); !errors.Is(err, ErrCursor) {
			t.Errorf("cursor %q: %v", c, err)
		}
	}
}

func TestFiringsAndTheirEnds(t *testing.T) {
	r, ids := scene(t)
	for kind, want := range map[string][]string{
		OnlyFirings: {"opened", "lit"},
		OnlyEnds:    {"unlit"},
		KindFiring:  {"opened", "lit", "unlit"},
	} {
		entries, _, err := r.List(t.Context(), Query{Kinds: []string{kind}})
		if got := names(entries, ids); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v %v, want %v", kind, got, err, want)
		}
	}
}

// refusedStep is what a read says of a firing whose step was not begun.
func refusedStep(t *testing.T) (string, error) {
	t.Helper()
	dir := t.TempDir()
	j := open(t, dir)
	read := j.Add(Entry{At: begun(), Kind: KindEvent, Plate: "ABC1234", Body: []byte(`{"kind":"plate"}`)})
	fired := j.Add(Entry{At: begun(), Kind: KindFiring, Rule: "gate", Plate: "ABC1234", Event: read, Body: []byte(`{"type":"firing"}`)})
	j.Add(Entry{At: begun(), Kind: KindAction, Rule: "gate", Firing: fired, Body: []byte(`{"type":"action","outcome":"not begun","reason":"min_off"}`)})
	flush(t, j)
	reads, _, err := j.Reads(t.Context(), ReadQuery{})
	if err != nil || len(reads) != 1 || len(reads[0].Decided) != 1 {
		return "", err
	}
	return reads[0].Decided[0].Undone, nil
}

// TestTimelineOfAYoungJournal: of a few hundred firings none is left out, however few the blocks are.
func TestTimelineOfAYoungJournal(t *testing.T) {
	j := open(t, t.TempDir())
	const n = 450
	for i := range n {
		j.Add(Entry{At: begun().Add(time.Duration(i) * time.Second), Kind: KindFiring, Rule: "light", Body: []byte(`{"type":"firing"}`)})
	}
	flush(t, j)
	got, err := j.Timeline(t.Context(), TimelineQuery{Since: begun(), Until: begun().Add(n * time.Second)})
	if err != nil || got.More || len(got.Rows) != 1 || len(got.Rows[0].Ticks) != n {
		t.Errorf("%v, more: %v, %d rows", err, got.More, len(got.Rows))
	}
}
