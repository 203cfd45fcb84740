package engine_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/engine/scene"
)

func loadSet(t testing.TB, text string) *engine.Ruleset {
	t.Helper()
	site := rulefile.Site{Open: true, Cameras: []string{"front", "gate"}, Contacts: []string{"door"}, Notifiers: []string{"phone"}}
	rs, problems := rulefile.LoadFiles([]rulefile.File{{Name: "a.yaml", Data: []byte(text)}}, "rules.d", site)
	if rulefile.Failed(problems) {
		t.Fatal(problems)
	}
	return rs
}

// editions are rule sets that replace one another: rules, zones, flags and cameras
// change, go and come back.
func editions(t testing.TB) []*engine.Ruleset {
	t.Helper()
	b, err := os.ReadFile("testdata/snapshot/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	edited := strings.NewReplacer(
		"cooldown: 4s", "cooldown: 5s", "polygon: [[6000, 2000]", "polygon: [[6500, 2000]", "hold: 3s", "hold: 4s", "flags: {armed: false", "flags: {armed: true",
		"cooldown: 10s", "cooldown: 9s", "per: visit", "per: plate", "level: 1", "level: high", `flag("level") > 1`, `flag("level") == "x"`, "set: 2, for: 7s", "set: x, for: 7s",
		"plate.on(\"residents\") &&", "plate.on(\"residents\") && true ==", "after: 3s", "after: 2s", "from: [4000, 0]", "from: [4100, 0]",
	).Replace(text)
	edited = strings.Replace(edited, `plate.on("residents") && true == (plate.heading ?? "approach") == "approach"`, `plate.on("residents") && plate.heading != "away"`, 1)
	var some []string
	for i, part := range strings.Split(text, "\n  - name: ") {
		if i == 0 || i%3 != 1 {
			some = append(some, part)
		}
	}
	short := strings.Join(some, "\n  - name: ")
	alone := *loadSet(t, "zones: {street: {camera: front, polygon: [[0, 0], [3000, 0], [3000, 10000], [0, 10000]]}}\nrules: [{name: entered left, on: target, when: inside(\"street\"), do: [{relay: porch, follow: true}]}]")
	alone.Cameras = alone.Cameras[:1] // no gate
	return []*engine.Ruleset{loadSet(t, text), loadSet(t, edited), loadSet(t, short), &alone}
}

// twin is an engine whose decision clock began some time later than the recording's.
type twin struct {
	*engine.Engine
	behind time.Duration
	set    *engine.Ruleset
}

func (w *twin) at(at engine.Instant) engine.Instant {
	at.Mono -= w.behind
	return at
}

// input is something an engine is given.
type input struct {
	what string
	at   engine.Instant
	do   func(*twin, engine.Instant) []engine.Decision
}

// append adds all that can be seen of decisions, with moments as on the recording's clock.
func (w *twin) append(b []byte, ds []engine.Decision) []byte {
	for i := range ds {
		d := &ds[i]
		b = fmt.Appendf(b, "%d ", d.At.Mono+w.behind)
		b = d.AppendJSON(b)
		if f := d.Firing; f != nil {
			b = fmt.Appendf(b, " %d %s %v ", f.At.Mono+w.behind, f.Visit, f.Shadow)
			b = f.AppendJSON(b)
		}
		if q := d.Do; q != nil {
			b = fmt.Appendf(b, " do %d %d %v %+v %d %v %v %s", q.Firing.ID, q.Index, q.Finally, q.Args, q.Due+w.behind, q.Lease, q.LeaseOn, q.LeaseID)
			s := q.Step
			b = fmt.Appendf(b, " %s %v %v %d %v %v %v", s.Text, s.After, s.Timeout, s.Retry, s.Durable, s.Wait, s.Stop)
			if q.Expires > 0 {
				b = fmt.Appendf(b, " %d", q.Expires+w.behind)
			}
			if q.Mark != nil {
				b = q.Mark.AppendJSON(b)
			}
		}
		b = append(b, '\n')
	}
	return b
}

// short is what else can be seen of an engine at once.
func (w *twin) short() [3]uint64 {
	next, ok := w.Next()
	if !ok {
		return [3]uint64{0, w.Altered(), w.Looks()}
	}
	return [3]uint64{uint64(next + w.behind), w.Altered(), w.Looks()}
}

// rest is all else that can be seen of an engine.
func (w *twin) rest(t testing.TB) string {
	state, err := w.Export().Encode()
	if err != nil {
		t.Fatal(err)
	}
	b := fmt.Appendf(state, "%+v", w.DeviceClocks())
	for _, c := range w.set.Cameras {
		b = fmt.Appendf(b, "\n%s %v", c.Name, w.Online(c.Name))
		for _, x := range w.Targets(c.Name) {
			b = fmt.Appendf(b, " %d %d %v %v %v", x.ID(), x.Serial(), x.Class(), x.Box(), x.LastSeen()+w.behind)
		}
	}
	return string(b)
}

// timeline makes random inputs that look like a site's.
type timeline struct {
	rnd     *rand.Rand
	sets    []*engine.Ruleset
	at      engine.Instant
	walkers []walker
	replies []reply
	ids     uint64
	on      map[string]bool
	away    map[string]time.Duration // a camera's stamps are behind
}

func newTimeline(rnd *rand.Rand, sets []*engine.Ruleset) *timeline {
	l := &timeline{rnd: rnd, sets: sets, on: map[string]bool{}, away: map[string]time.Duration{}}
	l.at = engine.Instant{Mono: time.Duration(rnd.IntN(1e9)), Wall: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}
	return l
}

// walker is somebody who walks or drives before a camera.
type walker struct {
	camera     string
	id         uint64
	class      scene.Class
	x, y, u, v float64 // place and way, in units and units a second
	until      time.Duration
}

type reply struct {
	at time.Duration
	o  engine.Outcome
}

func (l *timeline) pass(d time.Duration) {
	l.at.Mono += d
	l.at.Wall = l.at.Wall.Add(d)
}

func (l *timeline) event(ev *engine.Event) input {
	return input{ev.Kind.String(), l.at, func(w *twin, at engine.Instant) []engine.Decision { return w.Apply(at, ev.Clone()) }}
}

// took lets what was asked for be answered some time later.
func (l *timeline) took(ds []engine.Decision) {
	for _, d := range ds {
		q := d.Do
		if q == nil || q.Lease {
			continue
		}
		o := engine.Outcome{Firing: q.Firing.ID, Index: q.Index, Finally: q.Finally, Begun: true}
		switch l.rnd.IntN(6) {
		case 0:
			o.Begun, o.Reason = false, "min_off"
		case 1:
			o.Reason = "timeout"
		case 2:
			continue // nobody ever knows
		}
		l.replies = append(l.replies, reply{l.at.Mono + time.Duration(l.rnd.IntN(4000))*time.Millisecond, o})
	}
}

var plates = []string{"ABC1234", "ABC1235", "A8C1234", "XY12", "XY 12", "KLM4567", "KLM4568", "QQQ99", "ABC12"}

// next gives the next input.
func (l *timeline) next() input {
	rnd := l.rnd
	l.pass(time.Duration(rnd.ExpFloat64() * float64(120*time.Millisecond)))
	if rnd.IntN(60) == 0 {
		l.pass(time.Duration(rnd.IntN(9000)) * time.Millisecond)
	}
	if rnd.IntN(200) == 0 {
		l.pass(time.Duration(rnd.IntN(500)) * time.Second)
	}
	switch rnd.IntN(150) {
	case 0:
		l.at.Wall = l.at.Wall.Add(time.Duration(rnd.IntN(400)-200) * time.Second)
	case 1:
		l.at.Wall = l.at.Wall.Add(time.Duration(rnd.IntN(30)-15) * time.Millisecond)
	}
	for i, r := range l.replies {
		if r.at <= l.at.Mono {
			l.replies = append(l.replies[:i], l.replies[i+1:]...)
			return input{"outcome", l.at, func(w *twin, at engine.Instant) []engine.Decision { return w.Outcome(at, r.o) }}
		}
	}
	camera := []string{"front", "gate"}[rnd.IntN(2)]
	behind := 100 * time.Millisecond
	if l.at.Mono < l.away[camera] {
		behind = 20 * time.Second
	} else if rnd.IntN(300) == 0 {
		l.away[camera] = l.at.Mono + time.Duration(rnd.IntN(60))*time.Second
	}
	ev := &engine.Event{Camera: camera, Received: l.at.Wall, Time: l.at.Wall.Add(-behind), Device: engine.Device{MAC: []string{"", "58:5b:69:5f:42:1b"}[rnd.IntN(2)]}}
	flip := func(name string) bool { l.on[name] = !l.on[name]; return l.on[name] }
	switch n := rnd.IntN(100); {
	case n < 50:
		return l.frame(camera, ev)
	case n < 62:
		ev.Kind, ev.Camera = engine.KindPlate, []string{"gate", "gate", "front"}[rnd.IntN(3)]
		ev.Plate = &engine.Plate{Number: plates[rnd.IntN(len(plates))], Heading: []string{"", "approach", "away"}[rnd.IntN(3)], Confidence: float64(rnd.IntN(100)), HasConfidence: rnd.IntN(3) > 0}
		ev.Digest = uint64(rnd.IntN(40) + 1)
		ev.Scene.Size = 1000
	case n < 66:
		ev.Kind, ev.Alarm = engine.KindAlarm, &engine.Alarm{Name: "perimeter", ID: rnd.IntN(2), On: flip("alarm")}
	case n < 70:
		ev = &engine.Event{Kind: engine.KindContact, Name: "door", On: flip("door"), Unknown: rnd.IntN(8) == 0}
	case n < 73:
		ev = &engine.Event{Kind: engine.KindRelay, Name: "gate", On: flip("gate")}
	case n < 75:
		ev = &engine.Event{Kind: engine.KindFlag, Name: "armed", Value: engine.Scalar{Type: engine.ScalarBool, Bool: flip("armed")}}
	case n < 76:
		ev = &engine.Event{Kind: engine.KindFlag, Name: "level", Value: engine.Scalar{Type: engine.ScalarNumber, Number: float64(rnd.IntN(4))}}
	case n < 80:
		ev.Kind = engine.KindMotion
		ev.Status = engine.Status(rnd.IntN(4))
	case n < 83:
		ev.Kind = engine.KindIntrusion
		for range rnd.IntN(3) {
			ev.Targets = append(ev.Targets, engine.Listed{ID: uint64(rnd.IntN(20)), HasID: rnd.IntN(4) > 0, Class: scene.Class(rnd.IntN(4))})
		}
	case n < 86:
		body := map[string]any{"what": []any{"open", "shut", nil}[rnd.IntN(3)], "n": float64(rnd.IntN(9)), "list": []any{true, "x", map[string]any{}}}
		ev = &engine.Event{Kind: engine.KindMessage, Received: l.at.Wall, Message: &engine.Message{Topic: "a/b", Body: body}}
	case n < 90:
		ev.Kind = engine.KindHeartbeat
	case n < 92:
		ev.Kind, ev.Face = engine.KindFace, &engine.Face{Match: []string{"Ann", "Bob"}[rnd.IntN(2)]}
	case n < 93:
		ev = &engine.Event{Kind: engine.KindCamera, Camera: camera, Name: camera, On: rnd.IntN(2) == 0}
	case n < 94 && rnd.IntN(4) == 0:
		rs := l.sets[rnd.IntN(len(l.sets))]
		return input{"swap", l.at, func(w *twin, at engine.Instant) []engine.Decision { w.set = rs; return w.Swap(at, rs) }}
	case n < 96 && rnd.IntN(2) == 0:
		rules := l.sets[0].Rules
		name := rules[rnd.IntN(len(rules))].Name
		var o *engine.Override
		if mode := rnd.IntN(4); mode < 3 {
			o = &engine.Override{Mode: engine.Mode(mode), Who: "ann", At: l.at.Wall}
			if rnd.IntN(2) == 0 {
				o.Until = l.at.Wall.Add(time.Duration(rnd.IntN(20)) * time.Second)
			}
		}
		return input{"override", l.at, func(w *twin, at engine.Instant) []engine.Decision { return w.Override(at, name, o) }}
	default:
		return input{"advance", l.at, func(w *twin, at engine.Instant) []engine.Decision { return w.Advance(at) }}
	}
	return l.event(ev)
}

// frame moves whoever walks before a camera.
func (l *timeline) frame(camera string, ev *engine.Event) input {
	rnd := l.rnd
	ev.Kind = engine.KindTarget
	if len(l.walkers) < 6 && rnd.IntN(8) == 0 {
		l.ids++
		w := walker{camera: camera, id: l.ids % 9, class: scene.Class(rnd.IntN(3) + 1), x: rnd.Float64() * 10000, y: rnd.Float64() * 10000, until: l.at.Mono + time.Duration(rnd.IntN(20000))*time.Millisecond}
		w.u, w.v = rnd.Float64()*5000-2500, rnd.Float64()*3000-1500
		l.walkers = append(l.walkers, w)
	}
	kept := l.walkers[:0]
	for _, w := range l.walkers {
		if w.camera == camera {
			if w.x += w.u / 4; w.x < 0 || w.x > 9000 {
				w.u, w.x = -w.u, min(max(w.x, 0), 9000)
			}
			if w.y += w.v / 4; w.y < 0 || w.y > 8000 {
				w.v, w.y = -w.v, min(max(w.y, 0), 8000)
			}
			x, y := int32(w.x), int32(w.y)
			class := w.class
			if rnd.IntN(5) == 0 {
				class = scene.Class(rnd.IntN(4)) // a camera is not always sure
			}
			ev.Targets = append(ev.Targets, engine.Listed{ID: w.id, HasID: true, Class: class, Box: geometry.Box{X1: x, Y1: y, X2: x + 900, Y2: y + 1900}, HasBox: true})
			if rnd.IntN(25) == 0 {
				w.id = l.ids%9 + 20 // the camera lost it, and gives it another number
				l.ids++
			}
		}
		if l.at.Mono < w.until {
			kept = append(kept, w)
		}
	}
	l.walkers = kept
	if rnd.IntN(20) == 0 {
		ev.Time = time.Time{}
	}
	return l.event(ev)
}

// TestResumeGoesOn drives engines through random timelines, lets others go on from
// snapshots of them at random moments, and holds everything that can be seen of them
// side by side.
func TestResumeGoesOn(t *testing.T) {
	seeds, n := 40, 250
	if os.Getenv("SALLYPORT_LONG") != "" {
		seeds, n = 5000, 600
	}
	sets := editions(t)
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { resumeRun(t, sets, uint64(seed), n) })
	}
}

func resumeRun(t *testing.T, sets []*engine.Ruleset, seed uint64, n int) {
	rnd := rand.New(rand.NewPCG(seed, 11))
	o := engine.DefaultOptions()
	if rnd.IntN(2) == 0 {
		o.Tracking.Rejoin = 3 * time.Second
	}
	o.NoOutcomes = rnd.IntN(6) == 0
	l := newTimeline(rnd, sets)
	first := sets[0]
	e, _ := engine.New(first, o, l.at)
	plain, _ := engine.New(first, o, l.at)
	live := &twin{Engine: e, set: first}
	twins := []*twin{{Engine: plain, set: first}} // the first one never gives a snapshot
	for i := range n {
		in := l.next()
		if i == n-1 {
			in = input{"stop", l.at, func(w *twin, at engine.Instant) []engine.Decision { return w.Stop(at) }}
		}
		if i == n-50 && rnd.IntN(4) == 0 {
			in = input{"rest", l.at, func(w *twin, at engine.Instant) []engine.Decision {
				out := w.Advance(at)
				w.Rest()
				return out
			}}
		}
		out := in.do(live, in.at)
		want := live.append(nil, out)
		l.took(out)
		short, rest := live.short(), ""
		if i%20 == 0 || i == n-1 {
			rest = live.rest(t)
		}
		for k, w := range twins {
			if got := w.append(nil, in.do(w, w.at(in.at))); !bytes.Equal(got, want) {
				t.Fatalf("twin %d (%v behind) decides otherwise at input %d, %s\n%s\nwant\n%s", k, w.behind, i, in.what, got, want)
			}
			if got := w.short(); got != short {
				t.Fatalf("twin %d (%v behind) wants to be woken otherwise after input %d, %s: %d, want %d", k, w.behind, i, in.what, got, short)
			}
			if rest == "" {
				continue
			}
			if got := w.rest(t); got != rest {
				t.Fatalf("twin %d (%v behind) is otherwise after input %d, %s\n%s\nwant\n%s", k, w.behind, i, in.what, got, rest)
			}
		}
		if rnd.IntN(n/4) != 0 && (in.what != "swap" || rnd.IntN(2) == 0) {
			continue
		}
		snapshot := snapshotOf(t, live)
		for k, w := range twins[1:] {
			// What is not set yet is at another distance from now on another clock.
			if got := snapshotOf(t, w); w.behind == 0 && !bytes.Equal(got, snapshot) {
				t.Fatalf("twin %d gives another snapshot after input %d, %s", k+1, i, in.what)
			}
		}
		w := &twin{set: live.set}
		if rnd.IntN(2) == 0 {
			w.behind = time.Duration(rnd.Int64N(int64(l.at.Mono) + 1))
		}
		at := w.at(l.at)
		if rnd.IntN(2) == 0 {
			at.Wall = time.Time{} // as it was
		}
		resumed, err := engine.Resume(live.set, o, at, snapshot)
		if err != nil {
			t.Fatalf("after input %d, %s: %v", i, in.what, err)
		}
		w.Engine = resumed
		if got := snapshotOf(t, w); !bytes.Equal(got, snapshot) {
			t.Fatalf("what goes on gives another snapshot after input %d, %s", i, in.what)
		}
		if got, rest := w.rest(t), live.rest(t); got != rest {
			t.Fatalf("what goes on is otherwise after input %d, %s\n%s\nwant\n%s", i, in.what, got, rest)
		}
		twins = append(twins, w)
	}
}

func snapshotOf(t testing.TB, w *twin) []byte {
	t.Helper()
	b, err := w.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestResumeWithAnotherSet compares with a reload at the same moment. What a changed
// rule still tells because it ended has its values from conditions that are gone, so it
// is left out on both sides.
func TestResumeWithAnotherSet(t *testing.T) {
	seeds, n := 20, 150
	if os.Getenv("SALLYPORT_LONG") != "" {
		seeds, n = 2000, 500
	}
	sets := editions(t)
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(uint64(seed), 12))
			o := engine.DefaultOptions()
			o.Tracking.Rejoin = 3 * time.Second
			l := newTimeline(rnd, sets)
			live := &twin{set: sets[rnd.IntN(len(sets))]}
			live.Engine, _ = engine.New(live.set, o, l.at)
			for range n {
				in := l.next()
				l.took(in.do(live, in.at))
			}
			snapshot, to := snapshotOf(t, live), sets[(slices.Index(sets, live.set)+1+rnd.IntN(len(sets)-1))%len(sets)]
			w := &twin{set: to, behind: time.Duration(rnd.Int64N(int64(l.at.Mono) + 1))}
			resumed, err := engine.Resume(to, o, w.at(l.at), snapshot)
			if err != nil {
				t.Fatal(err)
			}
			w.Engine = resumed
			live.Swap(l.at, to)
			live.set = to
			for i := range n {
				if got, want := w.rest(t), live.rest(t); got != want {
					t.Fatalf("after input %d it is otherwise than after a reload\n%s\nwant\n%s", i, got, want)
				}
				if got, want := w.short(), live.short(); got != want {
					t.Fatalf("after input %d it wants to be woken otherwise than after a reload: %d, want %d", i, got, want)
				}
				in := l.next()
				out := in.do(live, in.at)
				l.took(out)
				got, want := w.append(nil, untold(in.do(w, w.at(in.at)))), live.append(nil, untold(out))
				if !bytes.Equal(got, want) {
					t.Fatalf("at input %d, %s, it decides otherwise than after a reload\n%s\nwant\n%s", i, in.what, got, want)
				}
			}
		})
	}
}

// untold leaves out what is done or not done of steps that tell or log.
func untold(ds []engine.Decision) []engine.Decision {
	return slices.DeleteFunc(slices.Clone(ds), func(d engine.Decision) bool {
		return strings.HasPrefix(d.Step, "notify") || strings.HasPrefix(d.Step, "log") || strings.HasPrefix(d.Step, "plates")
	})
}
