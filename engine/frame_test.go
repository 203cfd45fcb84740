package engine

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/scene"
)

// busy is a camera with ten zones side by side, each with ten rules, and twenty
// people on it. A rule opens its relay for somebody who is in its zone.
func busy() *Ruleset {
	layout := &scene.Layout{}
	rs := &Ruleset{Cameras: []CameraDef{{"front", layout}}, Flags: []FlagDef{{"armed", boolean(true)}}}
	for z := range 10 {
		x := int32(z) * 1000
		layout.Zones = append(layout.Zones, scene.Zone{
			Name: fmt.Sprint("zone", z), Margin: scene.DefaultMargin, Linger: scene.DefaultLinger,
			Polygon: geometry.Polygon{{X: x, Y: 2000}, {X: x + 999, Y: 2000}, {X: x + 999, Y: 9000}, {X: x, Y: 9000}},
		})
		rs.Zones = append(rs.Zones, Place{Name: fmt.Sprint("zone", z), Index: z})
	}
	for i := range 100 {
		z := ZoneRef(i % 10)
		r := &Rule{
			Name: fmt.Sprint("rule ", i), On: []Kind{KindTarget}, Per: PerTarget, Level: true, Hold: time.Second,
			Need: Need{Cameras: []int{0}, Zones: []ZoneRef{z}, Classes: scene.Classes(scene.Person)},
			When: &Cond{Op: CondAnd, Kids: []*Cond{
				is(func(l *Look) Truth { c, ok := l.TargetClass(); return TruthOf(ok && c == scene.Person) }),
				is(func(l *Look) Truth { return l.Inside(z) }),
			}},
			Do: []Step{turnOn("gate")},
		}
		switch i / 10 {
		case 1: // reads how long it is since a rule fired for the target
			r.Remember = true
			r.When.Kids = append(r.When.Kids, is(func(l *Look) Truth {
				d, ok := l.Since(r.Name)
				return TruthOf(!ok || d >= 0)
			}))
		case 2: // reads a schedule
			w := &window{0, 24 * time.Hour}
			r.When.Kids = append(r.When.Kids, during(w))
		case 3: // never true
			r.When.Kids = append(r.When.Kids, is(func(l *Look) Truth { d, _ := l.Dwell(z); return TruthOf(d > 1000*time.Hour) }))
		case 4:
			r.While, r.Reads = flagIs("armed", boolean(true)), ReadsFlags
		}
		r.Identity = r.Name
		rs.Rules = append(rs.Rules, r)
	}
	rs.Rules = append(rs.Rules, &Rule{
		Name: "crowd", Identity: "crowd", Per: PerRule, Level: true, Reads: ReadsScene,
		When: is(func(l *Look) Truth { n, _ := l.Occupancy(0, scene.Person); return TruthOf(n > 50) }),
	})
	return rs
}

// crowd is a post with twenty people, shifted to the right.
func crowd(shift int32) *Event {
	ev := &Event{Kind: KindTarget, Camera: "front", Device: Device{MAC: "58:5b:69:00:00:01"}}
	for i := range 20 {
		ev.Targets = append(ev.Targets, at(uint64(i+1), (500*int32(i)+400+shift)%9400+300))
	}
	return ev
}

func TestAFrameThatChangesNothingAllocatesNothing(t *testing.T) {
	b := startBench(t, DefaultOptions(), busy())
	ev := crowd(0)
	post := func() {
		b.now += time.Millisecond
		at := b.instant()
		ev.Received, ev.Time = at.Wall, at.Wall
		if out := b.e.Apply(at, ev); b.now > begin+time.Second && len(out) > 0 {
			t.Fatalf("decided %v", out)
		}
	}
	for range 1200 {
		post()
	}
	looks := b.e.Looks()
	if n := testing.AllocsPerRun(1000, post); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
	if n := float64(b.e.Looks()-looks) / 1001; n < 190 {
		t.Errorf("%v looks a frame, want every rule of the zone of each of 20 people", n)
	}
}

func BenchmarkFrame(b *testing.B) {
	rig := startBench(b, DefaultOptions(), busy())
	ev := crowd(0)
	b.ReportAllocs()
	for b.Loop() {
		rig.now += time.Millisecond
		at := rig.instant()
		ev.Received, ev.Time = at.Wall, at.Wall
		rig.e.Apply(at, ev)
	}
}

// BenchmarkFrameToRelay is the time from a frame on which somebody comes into a
// zone to the relay's request, the other nineteen standing about.
func BenchmarkFrameToRelay(b *testing.B) {
	rig := startBench(b, DefaultOptions(), busy())
	ev := crowd(0)
	others := ev.Targets[:19]
	var took []time.Duration
	for i := uint64(0); b.Loop(); i++ {
		for range 20 {
			rig.now += 100 * time.Millisecond
			ev.Targets, ev.Received = others, rig.instant().Wall
			rig.e.Apply(rig.instant(), ev)
		}
		ev.Targets = append(others, at(1000+i, int32(i%10)*1000+500))
		begun := time.Now()
		out := rig.e.Apply(rig.instant(), ev)
		took = append(took, time.Since(begun))
		if !slices.ContainsFunc(out, func(d Decision) bool { return d.Do != nil }) {
			b.Fatal("no relay was asked")
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1000, "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1000, "p99-µs")
}
