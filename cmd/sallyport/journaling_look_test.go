package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/journal"
)

// TestJournalKeepsLooks holds what a firing's entry says of why to its bounds, and
// secrets out of it.
func TestJournalKeepsLooks(t *testing.T) {
	j, err := journal.Open(journal.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close(t.Context())
	l := newJournaling(j, []string{"hunter2!"})
	rule := &engine.Rule{Name: "r"}
	part := &engine.Part{Op: "and", Text: `a && token("hunter2!")`, Answer: engine.True, Parts: []engine.Part{
		{Text: "a", Answer: engine.True, Values: []engine.Reading{{Name: "a", Value: "hunter2!"}}},
	}}
	fire := func(n int, seconds float64) {
		d := engine.Decision{At: at(seconds), Type: engine.DecisionFiring, Rule: rule, Key: "k", Firing: &engine.Firing{ID: uint64(n), Rule: rule, Key: "k", At: at(seconds)}}
		l.decided(0, []engine.Decision{d})
	}
	fire(1, 1) // nobody explains yet
	l.explain = func(d *engine.Decision) *engine.Explanation {
		return &engine.Explanation{Rule: "r", File: "rules.d/a.yaml", Line: 3, At: d.At.Wall, Key: d.Key, Answer: engine.True, When: part, State: "active",
			Did: []engine.Happening{{At: d.At.Wall, Type: engine.DecisionFiring, Key: "k"}}}
	}
	for n := range mostLooks + 5 {
		fire(2+n, 2)
	}
	fire(99, 3)
	part = &engine.Part{Text: strings.Repeat("x", maxLook), Answer: engine.True}
	fire(100, 4)
	if err := j.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	entries, _, err := j.List(t.Context(), journal.Query{Kinds: []string{journal.KindFiring}, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	per := map[int]int{}
	for _, e := range entries {
		if strings.Contains(string(e.Body), `"look":`) {
			per[int(e.At.Sub(at(0).Wall)/time.Second)]++
		}
	}
	if got, want := fmt.Sprint(per), fmt.Sprintf("map[2:%d 3:1]", mostLooks); got != want {
		t.Errorf("looks by second: %s, want %s", got, want)
	}
	const look = `"look":{"rule":"r","at":"2026-03-29T13:58:48.000Z","key":"k","answer":"true","when":{"op":"and","text":"a && token(\"***\")","answer":"true","parts":[{"text":"a","answer":"true","values":[{"name":"a","value":"***"}]}]},"state":"active","did":[{"at":"2026-03-29T13:58:48.000Z","type":"firing","key":"k"}]}`
	if body := string(entries[1].Body); !strings.Contains(body, look) {
		t.Errorf("got  %s\nwant %s", body, look)
	}
}
