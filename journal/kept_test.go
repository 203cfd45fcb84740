package journal

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestWhatIsKeptOutlastsTheProgram(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	open := func() *Journal {
		j, err := Open(Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	j := open()
	if b, err := j.Kept(ctx, "overrides"); b != nil || err != nil {
		t.Errorf("nothing is kept: %q, %v", b, err)
	}
	for _, text := range []string{"first", "second"} {
		if err := j.Keep(ctx, "overrides", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Keep(ctx, "other", nil); err != nil {
		t.Error(err)
	}
	if err := j.Keep(ctx, "x", make([]byte, MaxKept+1)); err == nil || err.Error() != "x has 8388609 bytes; the journal takes 8388608" {
		t.Error(err)
	}
	shut(t, j)
	if err := j.Keep(ctx, "overrides", nil); err != ErrClosed {
		t.Error(err)
	}
	j = open()
	defer shut(t, j)
	if b, err := j.Kept(ctx, "overrides"); string(b) != "second" || err != nil {
		t.Errorf("kept is %q, %v", b, err)
	}
}

func shut(t *testing.T, j *Journal) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := j.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestRuleCounts(t *testing.T) {
	j, err := Open(Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, j)
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	add := func(minutes int, kind, rule, body string) int64 {
		return j.Add(Entry{At: noon.Add(time.Duration(minutes) * time.Minute), Kind: kind, Rule: rule, Key: strings.ToUpper(rule), Body: []byte(body)})
	}
	add(-90, KindFiring, "gate", `{"type":"firing"}`)
	add(1, KindFiring, "gate", `{"type":"firing","target":1}`)
	add(2, KindFiring, "gate", `{"type":"end"}`)
	last := add(3, KindFiring, "gate", `{"type":"firing"}`)
	add(4, KindSuppressed, "gate", `{"type":"suppressed","reason":"cooldown"}`)
	add(61, KindSuppressed, "light", `{"type":"suppressed","reason":"cooldown"}`)
	add(62, KindAction, "light", `{"type":"action"}`)
	upTo := add(63, KindRelay, "light", `{"on":true}`)
	add(64, KindFiring, "late", `{"type":"firing"}`)
	if err := j.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := j.RuleCounts(t.Context(), noon.Add(-time.Hour), upTo)
	if err != nil {
		t.Fatal(err)
	}
	want := []RuleCount{
		{Rule: "gate", Hour: noon, Firings: 2, Last: last, LastAt: noon.Add(3 * time.Minute), LastKey: "GATE"},
		{Rule: "gate", Hour: noon, Suppressed: 1},
		{Rule: "light", Hour: noon.Add(time.Hour), Suppressed: 1},
	}
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %+v\nwant %+v", got[i], want[i])
		}
	}
}
