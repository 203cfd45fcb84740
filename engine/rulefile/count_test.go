package rulefile

import (
	"testing"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/geometry"
)

// TestCounts lets somebody cross the kerb in the file's own words.
func TestCounts(t *testing.T) {
	walk := func() []*engine.Event {
		box := func(foot int32) geometry.Box { return geometry.Box{X1: 4000, Y1: foot - 2000, X2: 4700, Y2: foot} }
		return stay(5, box(4000), box(4500), box(5500), box(6000), box(6500))
	}
	for _, c := range []struct {
		condition string
		want      engine.Truth
	}{
		{`crossings("kerb", "1h") == 1`, engine.True},
		{`crossings("kerb", "in", "1h") == 1`, engine.True},
		{`crossings("kerb", "out", "24h") > 0`, engine.False},
		{`crossings("kerb", "100ms") == 0`, engine.True}, // the last frame comes 150 ms after
		{`balance("kerb") == 1`, engine.True},
		{`balance("kerb") + crossings("kerb", "in", "1m") == 2`, engine.True},
	} {
		if got, _ := probe(t, "target", c.condition, noon, walk()...); got != c.want {
			t.Errorf("%s is %s, want %s", c.condition, got, c.want)
		}
	}
}

func TestACountStep(t *testing.T) {
	rs := mustLoad(t, world+`rules: [{name: full, while: balance("kerb") >= 0, when: balance("kerb") > 9, do: [{count: kerb, set: -3}]}]`)
	r := rs.Rules[0]
	if got, want := r.Do[0].Args, (engine.CountArgs{Line: "kerb", Set: -3}); got != want || r.Do[0].Text != "count kerb set -3" || r.Reads != engine.ReadsCounts {
		t.Errorf("%+v reads %b, want %+v", r.Do[0], r.Reads, want)
	}
}
