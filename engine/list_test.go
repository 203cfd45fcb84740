package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestNearFindsWhatComparingAllFinds: sharing a half never loses an entry.
func TestNearFindsWhatComparingAllFinds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	text := func(n int) string {
		b := make([]rune, n)
		for i := range b {
			b[i] = []rune("AC3Ä")[rng.IntN(4)]
		}
		return string(b)
	}
	for range 200 {
		var entries []Entry
		for range 60 {
			entries = append(entries, Entry{Plate: text(1 + rng.IntN(7)), Schedule: -1})
		}
		l := NewList("many", entries)
		plate := text(rng.IntN(8))
		var want []int
		for i := range l.entries {
			if edits([]rune(plate), []rune(l.entries[i].looks)) <= 1 {
				want = append(want, i)
			}
		}
		if got := l.near(plate); !slices.Equal(got, want) {
			t.Fatalf("near %q: got %v, want %v of %v", plate, got, want, entries)
		}
	}
}

// BenchmarkNear looks a plate up that is on no list of a hundred thousand.
func BenchmarkNear(b *testing.B) {
	var entries []Entry
	for i := range 100_000 {
		entries = append(entries, Entry{Plate: fmt.Sprintf("%c%c%05d", 'A'+i%26, 'A'+i/26%26, i), Schedule: -1})
	}
	l := NewList("many", entries)
	b.ReportAllocs()
	for b.Loop() {
		l.near("AC99X99")
	}
}
