package rulefile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/engine/scene"
)

// manyRules are 1000 rules on one camera with 50 zones, 20 rules a zone. With
// need, a rule cannot be true without its zone, so the index hides it elsewhere.
func manyRules(need bool) string {
	var b strings.Builder
	b.WriteString("zones:\n")
	for z := range 50 {
		x, y := z%10*1000, z/10*2000
		fmt.Fprintf(&b, "  z%d: {camera: front, polygon: [[%d, %d], [%d, %d], [%d, %d], [%d, %d]], settle: 0s}\n", z, x, y, x+999, y, x+999, y+1999, x, y+1999)
	}
	b.WriteString("rules:\n")
	for r := range 1000 {
		when := fmt.Sprintf(`target.class == "person" && dwell("z%d") > "%dh"`, r%50, r/50+1)
		if !need {
			when = fmt.Sprintf(`target.class == "person" && (dwell("z%d") > "%dh" || target.age > "%dh")`, r%50, r/50+1, r/50+1)
		}
		fmt.Fprintf(&b, "  - {name: rule %d, on: target, when: '%s', do: [{log: x}]}\n", r, when)
	}
	return b.String()
}

// BenchmarkThousandRules measures one frame with one person against 1000 rules:
// once when 20 of them can match, once when all must be looked at.
func BenchmarkThousandRules(b *testing.B) {
	for _, c := range []struct {
		name string
		need bool
	}{{"20 can match", true}, {"all looked at", false}} {
		b.Run(c.name, func(b *testing.B) {
			rules, problems := rulefile.LoadFiles([]rulefile.File{{Name: "many.yaml", Data: []byte(manyRules(c.need))}}, "rules.d", rulefile.Site{Open: true})
			if rulefile.Failed(problems) {
				b.Fatal(problems)
			}
			start := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
			at := engine.Instant{Wall: start}
			e, _ := engine.New(rules, engine.DefaultOptions(), at)
			ev := engine.Event{Kind: engine.KindTarget, Camera: "front", Targets: []engine.Listed{{ID: 1, HasID: true, Class: scene.Person, HasBox: true}}}
			n := 0
			frame := func() {
				x := int32(300 + n%7)
				ev.Targets[0].Box = geometry.Box{X1: x, Y1: 300, X2: x + 200, Y2: 900}
				at.Mono += 140 * time.Millisecond
				at.Wall = start.Add(at.Mono)
				e.Apply(at, &ev)
				n++
			}
			for range 20 {
				frame()
			}
			before, frames := e.Looks(), n
			b.ReportAllocs()
			for b.Loop() {
				frame()
			}
			b.ReportMetric(float64(e.Looks()-before)/float64(n-frames), "looks/frame")
		})
	}
}
