package engine

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/scene"
)

// kerbSite is site with a line across the middle of the front camera: to the right is in.
func kerbSite(rules ...*Rule) *Ruleset {
	rs := site(rules...)
	rs.Cameras[0].Layout.Lines = []scene.Line{{Name: "kerb", Segment: geometry.Segment{From: geometry.Point{X: 5000, Y: 0}, To: geometry.Point{X: 5000, Y: 10000}}, InLeft: true, Margin: 100}}
	rs.Lines = []Place{{Name: "kerb"}}
	return rs
}

// cross lets a new target cross the kerb in 300 ms.
func (b *bench) cross(id uint64, in bool) {
	xs := []int32{3000, 4500, 5500, 7000}
	if !in {
		xs = []int32{7000, 5500, 4500, 3000}
	}
	for _, x := range xs {
		b.frame("front", at(id, x))
		b.wait(100 * time.Millisecond)
	}
}

func count(line string, n int) Step {
	return Step{Text: "count " + line, Args: CountArgs{Line: line, Set: n}}
}

func crossings(d scene.Direction, window time.Duration, least int) *Cond {
	return is(func(l *Look) Truth { return TruthOf(l.Crossings(0, d, window) >= least) })
}

func TestCrossingsInASlidingWindow(t *testing.T) {
	b := startBench(t, DefaultOptions(), kerbSite(
		&Rule{Name: "two in", Reads: ReadsCounts, When: crossings(scene.In, 10*time.Second, 2)},
		&Rule{Name: "two out", Reads: ReadsCounts, When: crossings(scene.Out, 10*time.Second, 2)},
		&Rule{Name: "three", Reads: ReadsCounts, When: crossings(scene.DirectionNone, 10*time.Second, 3)},
	))
	b.cross(1, true)
	b.wait(4600 * time.Millisecond)
	b.cross(2, true)
	b.wait(600 * time.Millisecond)
	b.cross(3, false)
	b.want("5.3s firing two in", "6.3s firing three")
	// Nothing more happens, and still they end when the first leaves the window.
	b.wait(time.Minute)
	b.want("10.3s end two in", "10.3s end three")
}

func TestBalanceSinceACountStep(t *testing.T) {
	full := is(func(l *Look) Truth { return TruthOf(l.Balance(0) >= 2) })
	b := startBench(t, DefaultOptions(), kerbSite(
		&Rule{Name: "full", Reads: ReadsCounts, When: full, Do: []Step{follow("lamp")}},
		&Rule{Name: "reset", On: []Kind{KindMessage}, When: always, Do: []Step{count("kerb", 0)}},
	))
	b.cross(1, true)
	b.cross(2, true)
	b.cross(3, false)
	b.cross(4, true)
	b.want("700ms firing full", "700ms action full follow lamp +", "1.1s end full", "1.1s action full follow lamp -",
		"1.5s firing full", "1.5s action full follow lamp +")
	// The step is a row of its own, and what it changes is taken after it.
	b.apply(&Event{Kind: KindMessage})
	b.want("1.6s firing reset", "1.6s action reset count kerb", "1.6s end full", "1.6s action full follow lamp -")
}

func TestCountsStayOverAReload(t *testing.T) {
	rule := func(name string) *Rule {
		return &Rule{Name: name, Reads: ReadsCounts, When: is(func(l *Look) Truth { return TruthOf(l.Balance(0) == 1 && l.Crossings(0, scene.In, time.Hour) == 1) })}
	}
	b := startBench(t, DefaultOptions(), kerbSite(rule("a")))
	b.cross(1, true)
	b.took(b.e.Swap(b.instant(), kerbSite(rule("b"))))
	b.want("300ms firing a", "400ms end a (reload)", "400ms firing b (first look)")
}

func TestStandingRulesThatSetACountForEverAreCut(t *testing.T) {
	r := &Rule{Name: "r", On: []Kind{KindMessage}, When: always, Do: []Step{count("kerb", 1)}}
	up := &Rule{Name: "up", Reads: ReadsCounts, When: is(func(l *Look) Truth { return TruthOf(l.Balance(0) == 1) }), Do: []Step{count("kerb", 2)}}
	down := &Rule{Name: "down", Reads: ReadsCounts, When: is(func(l *Look) Truth { return TruthOf(l.Balance(0) == 2) }), Do: []Step{count("kerb", 1)}}
	b := startBench(t, DefaultOptions(), kerbSite(r, up, down))
	b.apply(&Event{Kind: KindMessage})
	firings, loops := 0, 0
	for _, d := range b.all {
		switch {
		case d.Type == DecisionFiring:
			firings++
		case d.Type == DecisionSuppressed && d.Reason == "loop":
			loops++
		}
	}
	if firings != 9 || loops != 1 {
		t.Errorf("%d firings and %d cut, want 9 and 1", firings, loops)
	}
}

func TestTooManyCrossings(t *testing.T) {
	c := &lineCount{}
	for i := range 3 * MaxCrossings {
		c.add(time.Duration(i)*time.Second, i%3 == 0)
	}
	if len(c.crossings) != MaxCrossings || c.balance != -MaxCrossings {
		t.Errorf("%d crossings, balance %d", len(c.crossings), c.balance)
	}
	if i := c.first(3*MaxCrossings*time.Second - time.Hour); c.ins(len(c.crossings))-c.ins(i) != 1199 || len(c.crossings)-i != 3599 {
		t.Errorf("%d of %d went in during the last hour", c.ins(len(c.crossings))-c.ins(i), len(c.crossings)-i)
	}
	// A day later they are forgotten.
	c.add(3*MaxCrossings*time.Second+MaxWindow, true)
	if len(c.crossings) != 1 {
		t.Errorf("%d crossings are remembered", len(c.crossings))
	}
}
