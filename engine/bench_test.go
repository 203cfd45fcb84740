package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/scene"
)

// site is a small site: cameras front (zone yard, its left half, in and out at
// once) and gate (zone apron, all of it), flags armed and mode, a list residents.
func site(rules ...*Rule) *Ruleset {
	square := func(name string, x2 int32) scene.Zone {
		return scene.Zone{Name: name, Polygon: geometry.Polygon{{X: 0, Y: 0}, {X: x2, Y: 0}, {X: x2, Y: 10000}, {X: 0, Y: 10000}}}
	}
	rs := &Ruleset{
		Cameras: []CameraDef{
			{"front", &scene.Layout{Zones: []scene.Zone{square("yard", 5000)}}},
			{"gate", &scene.Layout{Zones: []scene.Zone{square("apron", 10000)}}},
		},
		Zones: []Place{{Name: "yard"}, {Name: "apron", Camera: 1}},
		Flags: []FlagDef{{"armed", boolean(false)}, {"mode", Scalar{Type: ScalarText, Text: "home"}}},
		Lists: []*List{NewList("residents", []Entry{
			{Plate: "ABC1234", Owner: "Ann", Schedule: -1}, {Plate: "ABC1235", Owner: "Bob", Schedule: -1}, {Plate: "XY12", Schedule: -1},
		})},
		Rules: rules,
	}
	for _, r := range rules {
		if r.Identity == "" {
			r.Identity = r.Name
		}
		if r.Per == PerDefault {
			r.Per = PerRule
			if len(r.On) > 0 {
				r.Per = r.On[0].DefaultPer()
			}
		}
		r.Level = len(r.On) == 0 || r.On[0].Nature() == Level
	}
	return rs
}

func boolean(b bool) Scalar { return Scalar{Type: ScalarBool, Bool: b} }

// is makes a condition of one leaf.
func is(f func(*Look) Truth) *Cond { return &Cond{Test: f} }

var (
	always  = is(func(*Look) Truth { return True })
	inYard  = is(func(l *Look) Truth { return l.Inside(0) })
	alarmOn = is(func(l *Look) Truth { return TruthOf(l.Event().Alarm.On) })
	wireOn  = is(func(l *Look) Truth { return TruthOf(l.Event().On) })
	listed  = is(func(l *Look) Truth { return l.PlateOn(0, PlateExact) })
)

func flagIs(name string, v Scalar) *Cond {
	return is(func(l *Look) Truth { got, _ := l.Flag(name); return TruthOf(got == v) })
}

// Steps as the loader makes them.
func pulse(relay string) Step {
	return Step{Text: "pulse " + relay, Args: RelayArgs{Relay: relay, Op: RelayPulse, Pulse: time.Second}, Expires: 3 * time.Second}
}
func follow(relay string) Step {
	return Step{Text: "follow " + relay, Args: RelayArgs{Relay: relay, Op: RelayFollow}}
}
func turnOn(relay string) Step {
	return Step{Text: "on " + relay, Args: RelayArgs{Relay: relay, Op: RelayOn}, Expires: 3 * time.Second}
}
func turnOff(relay string) Step {
	return Step{Text: "off " + relay, Args: RelayArgs{Relay: relay, Op: RelayOff}}
}
func logs(text string) Step { return Step{Text: "log " + text, Args: LogArgs{Text: text}} }
func tells(url string) Step {
	return Step{Text: "tell " + url, Args: HTTPArgs{URL: url}, Retry: 3, Expires: 24 * time.Hour}
}
func sets(name string, v bool) Step {
	return Step{Text: fmt.Sprintf("set %s %v", name, v), Args: FlagArgs{Flag: name, Set: boolean(v)}}
}
func (s Step) later(d time.Duration) Step { s.After = d; return s }
func (s Step) waits() Step                { s.Wait = true; return s }
func (s Step) stops() Step                { s.Wait, s.Stop = true, true; return s }
func (s Step) on(c *Cond) Step            { s.If = c; return s }

// bench runs an engine and keeps what it decided.
type bench struct {
	t    testing.TB
	e    *Engine
	zero time.Time     // the wall clock when the decision clock was 0
	now  time.Duration // of the last call
	all  []Decision    // since the last look at them
}

// begin is when a bench starts, far from its first look.
const begin = 10 * time.Second

func newBench(t testing.TB, rules ...*Rule) *bench {
	return startBench(t, DefaultOptions(), site(rules...))
}

// startBench starts an engine that has been running for a while.
func startBench(t testing.TB, o Options, rs *Ruleset) *bench {
	b := coldBench(t, o, rs)
	b.wait(begin)
	b.all = nil
	return b
}

func coldBench(t testing.TB, o Options, rs *Ruleset) *bench {
	b := &bench{t: t, zero: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}
	var out []Decision
	b.e, out = New(rs, o, b.instant())
	b.took(out)
	return b
}

func (b *bench) instant() Instant { return Instant{b.now, b.zero.Add(b.now)} }

func (b *bench) took(out []Decision) {
	for _, d := range out {
		if n := len(b.all); n > 0 && d.At.Mono < b.all[n-1].At.Mono {
			b.t.Errorf("%s comes after %s", row(&d), row(&b.all[n-1]))
		}
		b.all = append(b.all, d)
	}
}

// wait lets time pass; the engine hears of it once.
func (b *bench) wait(d time.Duration) {
	b.now += d
	b.took(b.e.Advance(b.instant()))
}

func (b *bench) apply(ev *Event) {
	if ev.Received.IsZero() {
		ev.Received = b.instant().Wall
	}
	b.took(b.e.Apply(b.instant(), ev))
}

// at gives a person whose foot is at x.
func at(id uint64, x int32) Listed {
	return Listed{ID: id, HasID: true, Class: scene.Person, HasBox: true, Box: geometry.Box{X1: x - 300, Y1: 3000, X2: x + 300, Y2: 6000}}
}

const (
	inside  = 2000
	outside = 8000
)

func (b *bench) frame(camera string, targets ...Listed) {
	b.apply(&Event{Kind: KindTarget, Camera: camera, Targets: targets})
}

// stay posts a frame every 100 ms for a time, the first now.
func (b *bench) stay(d time.Duration, camera string, targets ...Listed) {
	for end := b.now + d; ; {
		b.frame(camera, targets...)
		if b.now >= end {
			return
		}
		b.wait(100 * time.Millisecond)
	}
}

func (b *bench) plate(number string) {
	b.apply(&Event{Kind: KindPlate, Camera: "gate", Plate: &Plate{Number: number}})
}
func (b *bench) alarm(name string, id int, on bool) {
	b.apply(&Event{Kind: KindAlarm, Camera: "front", Alarm: &Alarm{Name: name, On: on, ID: id}})
}
func (b *bench) wire(k Kind, name string, on bool) { b.apply(&Event{Kind: k, Name: name, On: on}) }
func (b *bench) flag(name string, v Scalar)        { b.apply(&Event{Kind: KindFlag, Name: name, Value: v}) }
func (b *bench) beat(camera string)                { b.apply(&Event{Kind: KindHeartbeat, Camera: camera}) }

func (b *bench) outcome(firing uint64, index int, begun bool, reason string) {
	b.took(b.e.Outcome(b.instant(), Outcome{Firing: firing, Index: index, Begun: begun, Reason: reason}))
}

func (b *bench) swap(rules ...*Rule) { b.took(b.e.Swap(b.instant(), site(rules...))) }

// row is a decision as the tests write it, its moment counted from begin.
func row(d *Decision) string {
	s := fmt.Sprintf("%v %s", d.At.Mono-begin, d.Type)
	if d.Rule != nil {
		s += " " + d.Rule.Name
	}
	if d.Key != "" {
		s += " " + d.Key
	}
	if d.Step != "" {
		s += " " + d.Step
	}
	if d.Do != nil && d.Do.Lease {
		s += map[bool]string{true: " +", false: " -"}[d.Do.LeaseOn]
	}
	if d.Reason != "" && d.Reason != "ended" {
		s += " (" + d.Reason + ")"
	}
	return s
}

// want compares what was decided since the last want, but for the scene's rows
// and the reads of plates.
func (b *bench) want(rows ...string) {
	b.t.Helper()
	var got []string
	for i := range b.all {
		switch d := &b.all[i]; d.Type {
		case DecisionFiring, DecisionEnd, DecisionSuppressed, DecisionAction:
			got = append(got, row(d))
		}
	}
	b.all = nil
	if !slices.Equal(got, rows) {
		b.t.Errorf("decided\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(rows, "\n\t"))
	}
}

// scene compares the scene's rows.
func (b *bench) wantScene(rows ...string) {
	b.t.Helper()
	var got []string
	for i := range b.all {
		switch d := &b.all[i]; d.Type {
		case DecisionEnter, DecisionLeave, DecisionCross, DecisionVanish:
			s := fmt.Sprintf("%v %s %d", d.At.Mono-begin, d.Type, d.Target)
			if d.Zone != "" {
				s += " " + d.Zone
			}
			if d.HasDwell {
				s += " " + d.Dwell.String()
			}
			if d.Reason != "" {
				s += " (" + d.Reason + ")"
			}
			got = append(got, s)
		}
	}
	b.all = nil
	if !slices.Equal(got, rows) {
		b.t.Errorf("seen\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(rows, "\n\t"))
	}
}

// wall is a schedule that holds between two wall-clock times of its day.
type window struct{ from, to time.Duration }

func (w *window) edges(t time.Time) (from, to time.Time) {
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
	return day.Add(w.from), day.Add(w.to)
}
func (w *window) Holds(t time.Time) bool {
	from, to := w.edges(t)
	return !t.Before(from) && t.Before(to)
}
func (w *window) Next(t time.Time) (time.Time, bool) {
	from, to := w.edges(t)
	switch {
	case t.Before(from):
		return from, true
	case t.Before(to):
		return to, true
	}
	return from.AddDate(0, 0, 1), true
}

func during(w *window) *Cond { return is(func(l *Look) Truth { return l.Schedule(w) }) }

// every is a cron of whole periods since midnight.
type every time.Duration

func (c every) Next(t time.Time) (time.Time, bool) {
	return t.Truncate(time.Duration(c)).Add(time.Duration(c)), true
}
