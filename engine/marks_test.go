package engine

import (
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// life is a program that is killed now and then. Its disk keeps the state of the last
// save and every mark; what it did stays done.
type life struct {
	t     testing.TB
	rules func() *Ruleset
	now   time.Duration // true time
	skew  time.Duration // of the wall clock
	unset bool          // the wall clock is not set
	gap   time.Duration // of visits; 0 = as ever
	e     *Engine
	began time.Duration
	state *State
	marks []Mark
	cut   int // the marked request at which it is killed next; 0 = never
	dead  bool
	did   []deed
	asked []*Request // of the last call, to be answered
}

// deed is one request that moved something.
type deed struct {
	at            time.Duration
	what, plate   string
	firing, begun uint64
	index         int
}

func newLife(t testing.TB, rules func() *Ruleset) *life {
	l := &life{t: t, rules: rules}
	l.start()
	return l
}

func (l *life) instant() Instant {
	wall := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	if l.unset {
		wall = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC).Add(-l.began)
	}
	return Instant{begin + l.now - l.began, wall.Add(l.skew + l.now)}
}

func (l *life) options() Options {
	o := DefaultOptions()
	if l.gap != 0 {
		o.VisitGap = l.gap
	}
	return o
}

func (l *life) start() {
	l.dead, l.began, l.asked = false, l.now, nil
	o := l.options()
	o.Restore, o.Marks, o.Hand = l.state, l.marks, l.hand
	l.e, _ = New(l.rules(), o, l.instant())
}

// hand keeps the mark of a request, as one that is on the disk before anything moves.
func (l *life) hand(q *Request) {
	if l.dead {
		return
	}
	l.asked = append(l.asked, q)
	a, isRelay := q.Args.(RelayArgs)
	if must := q.Step.TriedOnce() && !q.Lease && !(isRelay && a.Op == RelayOff); must != (q.Mark != nil) {
		l.t.Errorf("%s: mark %v, want one: %v", q.Step.Text, q.Mark, must)
	}
	if q.Mark == nil {
		return
	}
	text := q.Mark.AppendJSON(nil)
	m, err := DecodeMark(text)
	if err != nil || !reflect.DeepEqual(m, *q.Mark) {
		l.t.Errorf("%s\nreads %+v, %v\nof    %+v", text, m, err, *q.Mark)
	}
	if n := len(l.marks); n > 0 && m.Seq <= l.marks[n-1].Seq {
		l.t.Errorf("mark %d after %d", m.Seq, l.marks[n-1].Seq)
	}
	l.marks = append(l.marks, m)
	d := deed{at: l.now, what: q.Step.Text, firing: q.Firing.ID, begun: uint64(l.began), index: q.Index}
	if ev := q.Firing.Event; ev != nil && ev.Plate != nil {
		d.plate = ev.Plate.Number
	}
	l.did = append(l.did, d)
	if l.cut--; l.cut == 0 {
		l.dead = true
	}
}

// save writes the state, as a program does now and then.
func (l *life) save() {
	if l.dead {
		return
	}
	text, err := l.e.Export().Encode()
	if err != nil {
		l.t.Fatal(err)
	}
	s, err := DecodeState(text)
	if err != nil {
		l.t.Fatal(err)
	}
	l.state = &s
}

// wait lets time pass; a program that is killed in it is started again at its end.
func (l *life) wait(d time.Duration) {
	l.now += d
	if !l.dead {
		l.e.Advance(l.instant())
	}
	if l.dead {
		l.start()
	}
}

// apply gives an event to the program, if it is alive.
func (l *life) apply(ev *Event) {
	if !l.dead {
		l.e.Apply(l.instant(), ev)
	}
}

func (l *life) plate(number string) {
	l.apply(&Event{Kind: KindPlate, Camera: "gate", Plate: &Plate{Number: number}, Received: l.instant().Wall})
}

// deeds counts what was done.
func (l *life) deeds() string {
	n := make(map[string]int)
	var order []string
	for _, d := range l.did {
		if n[d.what]++; n[d.what] == 1 {
			order = append(order, d.what)
		}
	}
	for i, what := range order {
		order[i] = fmt.Sprintf("%d × %s", n[what], what)
	}
	slices.Sort(order)
	return strings.Join(order, ", ")
}

// TestACarReadOverAKillOpensOnce cuts a run at every request that moves something,
// with a state on the disk from up to 20 s before, and lets the car be read on.
func TestACarReadOverAKillOpensOnce(t *testing.T) {
	run := Step{Text: "run", Args: RunArgs{Argv: []string{"/bin/open"}}, Expires: 3 * time.Second}
	call := Step{Text: "call", Args: HTTPArgs{URL: "http://gate/open"}, Expires: 3 * time.Second}
	for name, c := range map[string]struct {
		rules  []*Rule
		plates []string
		want   string
	}{
		"per visit": {[]*Rule{{On: []Kind{KindPlate}, When: listed, Do: []Step{pulse("gate"), run, call, turnOn("lamp")}}},
			nil, "1 × call, 1 × on lamp, 1 × pulse gate, 1 × run"},
		"later": {[]*Rule{{On: []Kind{KindPlate}, When: listed, Do: []Step{logs("x"), pulse("gate").later(2 * time.Second), pulse("horn").later(5 * time.Second)}}},
			nil, "1 × pulse gate, 1 × pulse horn"},
		"per plate with cooldown": {[]*Rule{{On: []Kind{KindPlate}, Per: PerPlate, Repeat: true, When: listed, Cooldown: time.Hour, Do: []Step{pulse("gate"), run}}},
			nil, "1 × pulse gate, 1 × run"},
		"per camera with limit": {[]*Rule{{On: []Kind{KindPlate}, Per: PerCamera, Repeat: true, When: listed, Limit: Limit{3, time.Hour}, Do: []Step{pulse("gate"), call.later(time.Second)}}},
			nil, "3 × call, 3 × pulse gate"},
		"two rules on one relay": {[]*Rule{{On: []Kind{KindPlate}, When: listed, Do: []Step{pulse("gate")}}, {On: []Kind{KindPlate}, When: listed, Do: []Step{pulse("gate")}}, {On: []Kind{KindPlate}, Per: PerCamera, When: always, Do: []Step{pulse("gate")}}},
			nil, "1 × pulse gate"},
		"misread": {[]*Rule{{On: []Kind{KindPlate}, When: listed, Do: []Step{pulse("gate"), run}}},
			[]string{"A8C1234", "ABC12B4", "ABC1234", "ABC1Z34", "ABCI234"}, "1 × pulse gate, 1 × run"},
		"misread, open to all": {[]*Rule{{On: []Kind{KindPlate}, When: always, Do: []Step{pulse("gate"), run}}},
			[]string{"8BCI234", "ABC1234", "ABC1234", "ABC1Z3A", "ABC1ZB4"}, "1 × pulse gate, 1 × run"},
		"misread, later": {[]*Rule{{On: []Kind{KindPlate}, When: always, Do: []Step{pulse("gate").later(4 * time.Second)}}},
			append([]string{"8BC1284", "ABC1234", "ABC1234", "ABC1234"}, slices.Repeat([]string{"ABC1Z3A"}, 90)...), "1 × pulse gate"},
		"since": {[]*Rule{{On: []Kind{KindPlate}, Per: PerCamera, Repeat: true, Remember: true, When: is(func(l *Look) Truth {
			_, ok := l.Since("rule 0")
			return TruthOf(!ok)
		}), Do: []Step{pulse("gate")}}}, nil, "1 × pulse gate"},
	} {
		t.Run(name, func(t *testing.T) {
			rules := func() *Ruleset {
				var all []*Rule
				for i, r := range c.rules {
					x := *r
					x.Name = fmt.Sprint("rule ", i)
					all = append(all, &x)
				}
				return site(all...)
			}
			play := func(cut int, every time.Duration, off time.Duration) *life {
				l := newLife(t, rules)
				l.cut = cut
				for i := range 90 {
					plate := "ABC1234"
					if len(c.plates) > 0 {
						plate = c.plates[i%len(c.plates)]
					}
					l.plate(plate)
					if every != 0 && l.now%every == 0 {
						l.save()
					}
					if l.dead {
						l.wait(off)
					}
					l.wait(time.Second)
				}
				return l
			}
			whole := play(0, 0, 0)
			if got := whole.deeds(); got != c.want {
				t.Fatalf("an undisturbed run: %s, want %s", got, c.want)
			}
			for cut := 1; cut <= len(whole.did); cut++ {
				for _, every := range []time.Duration{0, time.Second, 2 * time.Second, 7 * time.Second, 20 * time.Second} {
					for _, off := range []time.Duration{0, 500 * time.Millisecond, 5 * time.Second} {
						got := play(cut, every, off).deeds()
						// What was planned and not done by the firing that was cut is lost.
						if strings.Count(c.want, ",") == 0 && got != c.want || moreThan(got, c.want) {
							t.Errorf("cut at request %d, a state every %v, off for %v: %s, want %s", cut, every, off, got, c.want)
						}
					}
				}
			}
		})
	}
}

// moreThan says that something of got was done more often than in want.
func moreThan(got, want string) bool {
	count := func(s string) map[string]int {
		m := make(map[string]int)
		for part := range strings.SplitSeq(s, ", ") {
			var n int
			if _, err := fmt.Sscanf(part, "%d ×", &n); err == nil {
				_, what, _ := strings.Cut(part, " × ")
				m[what] = n
			}
		}
		return m
	}
	w := count(want)
	for what, n := range count(got) {
		if n > w[what] {
			return true
		}
	}
	return false
}

// TestRandomRunsOpenOnceOverKills lets cars come and go, and kills the program at
// random requests, many times, with clocks that are not set or go back.
func TestRandomRunsOpenOnceOverKills(t *testing.T) {
	seeds := uint64(40)
	if os.Getenv("SALLYPORT_LONG") != "" {
		seeds = 5000
	}
	deeds, kills := 0, 0
	for seed := range seeds {
		d, k := randomKills(t, seed)
		deeds, kills = deeds+d, kills+k
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if kills < int(seeds) || deeds < 5*int(seeds) {
		t.Errorf("%d kills and %d deeds: too few to tell anything", kills, deeds)
	}
}

func randomKills(t *testing.T, seed uint64) (deeds, kills int) {
	rnd := rand.New(rand.NewPCG(seed, 3))
	run := Step{Text: "run", Args: RunArgs{Argv: []string{"/bin/open"}}, Expires: 3 * time.Second}
	cars := []string{"ABC1234", "XKM7799", "QQW5021"}
	l := newLife(t, func() *Ruleset {
		rs := site(
			&Rule{Name: "visit", On: []Kind{KindPlate}, When: listed, Do: []Step{pulse("gate"), run}},
			&Rule{Name: "other", On: []Kind{KindPlate}, When: listed, Cooldown: 5 * time.Second, Do: []Step{pulse("gate"), pulse("horn").later(1500 * time.Millisecond)}},
			&Rule{Name: "plate", On: []Kind{KindPlate}, Per: PerPlate, Repeat: true, When: listed, Cooldown: 4 * time.Minute, Do: []Step{pulse("barrier"), tells("phone")}},
			&Rule{Name: "camera", On: []Kind{KindPlate}, Per: PerCamera, Repeat: true, When: always, Limit: Limit{2, 5 * time.Minute}, Do: []Step{pulse("bell"), turnOn("lamp").later(time.Second)}, Finally: []Step{pulse("buzzer")}},
			&Rule{Name: "all", On: []Kind{KindPlate}, When: always, Do: []Step{pulse("light")}},
		)
		entries := make([]Entry, len(cars))
		for i, p := range cars {
			entries[i] = Entry{Plate: p, Schedule: -1}
		}
		rs.Lists = []*List{NewList("residents", entries)}
		return rs
	})
	type stay struct {
		car      string
		from, to time.Duration
	}
	var stays []stay
	var free [3]time.Duration
	for at := time.Duration(0); at < 8*time.Minute; at += time.Duration(rnd.IntN(40_000)) * time.Millisecond {
		n := rnd.IntN(len(cars))
		if at < free[n] {
			continue
		}
		s := stay{cars[n], at, at + time.Duration(1+rnd.IntN(60))*time.Second}
		// Long enough for a visit to be over, also while a program is off.
		free[n] = s.to + time.Minute
		stays = append(stays, s)
	}
	saved := l.now
	for l.now < 10*time.Minute {
		if l.cut <= 0 && rnd.IntN(10) == 0 {
			l.cut = 1 + rnd.IntN(5)
		}
		for _, s := range stays {
			if l.now >= s.from && l.now <= s.to && rnd.IntN(5) > 0 {
				plate := s.car
				if rnd.IntN(3) == 0 {
					plate = misread(rnd, plate)
				}
				l.plate(plate)
			}
		}
		asked := l.asked
		l.asked = nil
		for _, q := range asked {
			if !l.dead && !q.Lease && rnd.IntN(2) == 0 {
				o := Outcome{Firing: q.Firing.ID, Index: q.Index, Finally: q.Finally, Begun: rnd.IntN(6) > 0}
				if !o.Begun {
					o.Reason = "min_off"
					l.did = slices.DeleteFunc(l.did, func(d deed) bool {
						return d.firing == o.Firing && d.index == o.Index && d.begun == uint64(l.began) && d.what == q.Step.Text
					})
				}
				l.e.Outcome(l.instant(), o)
			}
		}
		if rnd.IntN(5) == 0 || l.now-saved > 3*time.Second {
			l.save()
			saved = l.now
		}
		if l.dead {
			kills++
			l.now += time.Duration(rnd.IntN(8000)) * time.Millisecond
			// A clock that went back stays so: a true one later would tell of time that
			// did not pass.
			switch rnd.IntN(10) {
			case 0:
				l.unset = !l.unset && rnd.IntN(2) == 0
			case 1:
				l.skew -= time.Duration(rnd.IntN(100)) * time.Second
			}
		}
		l.wait(time.Duration(200+rnd.IntN(1500)) * time.Millisecond)
	}
	for i, d := range l.did {
		// What a rule of the visit did for this stay, and what the others may do in their time.
		for _, o := range l.did[:i] {
			s := func(d deed) int {
				return slices.IndexFunc(stays, func(s stay) bool {
					return near(d.plate, s.car) < 99 && d.at >= s.from && d.at <= s.to+5*time.Second
				})
			}
			if o.what != d.what {
				continue
			}
			switch d.what {
			case "pulse gate", "pulse horn", "run", "pulse light":
				if s(o) == s(d) {
					t.Errorf("%s for %s at %v, and again for %s at %v", o.what, o.plate, o.at, d.plate, d.at)
				}
			case "pulse barrier":
				if o.plate == d.plate && d.at-o.at < 4*time.Minute {
					t.Errorf("%s for %s at %v, and again at %v", o.what, o.plate, o.at, d.at)
				}
			}
		}
		if d.what == "pulse bell" {
			n := 0
			for _, o := range l.did[:i] {
				if o.what == d.what && d.at-o.at < 5*time.Minute {
					n++
				}
			}
			if n >= 2 {
				t.Errorf("%s at %v, and %d times in the 5 minutes before", d.what, d.at, n)
			}
		}
	}
	return len(l.did), kills
}

// misread changes one character of a plate for one that no other plate has there.
func misread(rnd *rand.Rand, plate string) string {
	b := []byte(plate)
	b[rnd.IntN(len(b))] = "0Q8B"[rnd.IntN(4)]
	return string(b)
}

// killed begins anew with what is on the disk, after a time.
func (l *life) killed(off time.Duration) {
	l.now += off
	l.start()
}

func (l *life) want(deeds string) {
	l.t.Helper()
	if got := l.deeds(); got != deeds {
		l.t.Errorf("at %v: %s, want %s", l.now, got, deeds)
	}
}

func gateLife(t *testing.T, rules ...*Rule) *life {
	return newLife(t, func() *Ruleset { return site(rules...) })
}

func TestAMarkedVisitLastsFromItsLastRead(t *testing.T) {
	l := gateLife(t, gateRule())
	l.plate("A8C1234")
	l.save() // the visit, read at 0 s
	l.wait(20 * time.Second)
	l.plate("ABC1234")
	l.killed(5 * time.Second)
	l.wait(24 * time.Second)
	l.plate("ABC1234") // 29 s after the last read
	l.want("1 × pulse gate")
	l.killed(31 * time.Second)
	l.plate("ABC1234")
	l.want("2 × pulse gate")
}

func TestAMarkOfAnOverVisitDoesNotBringItBack(t *testing.T) {
	r := gateRule()
	r.Do = []Step{pulse("gate").later(40 * time.Second)}
	l := gateLife(t, r)
	l.plate("ABC1234")
	l.wait(41 * time.Second)
	l.want("1 × pulse gate")
	l.killed(time.Second)
	l.plate("ABC1234")
	l.wait(41 * time.Second)
	l.want("2 × pulse gate")
	if got := l.marks[1].Visit.Number; got != 2 {
		t.Errorf("the second visit has the number %d", got)
	}
	l.unset = true
	l.killed(time.Second)
	l.plate("ABC1234")
	l.wait(41 * time.Second)
	l.want("3 × pulse gate")
}

func TestAMarkedVisitKeepsItsOwnPlate(t *testing.T) {
	l := gateLife(t, gateRule())
	l.plate("ABC1234")
	l.killed(time.Second)
	l.plate("ABC1235") // a resident's neighbour, or a misread
	l.wait(time.Second)
	l.plate("ABC1235")
	l.want("1 × pulse gate")
	l.wait(4 * time.Second)
	l.plate("ABC1235") // the old one is gone for 5 s
	l.want("2 × pulse gate")
}

func TestMarkedVisitsStandStillWhileTheClockIsNotSet(t *testing.T) {
	r := gateRule()
	r.Do = []Step{pulse("gate").later(20 * time.Second)}
	l := gateLife(t, r)
	l.plate("ABC1234")
	l.wait(21 * time.Second)
	l.unset = true
	l.killed(time.Hour)
	l.wait(29 * time.Second)
	l.plate("ABC1234")
	l.wait(30 * time.Second)
	l.want("1 × pulse gate")
}

// TestAMarkedVisitEndsTheOneBefore: while the clock is not set nobody knows that the
// visit in an old state is over, but that the car's next visit began.
func TestAMarkedVisitEndsTheOneBefore(t *testing.T) {
	l := gateLife(t, gateRule())
	l.unset = true
	l.start()
	l.plate("ABC1234")
	l.e.Outcome(l.instant(), Outcome{Firing: 1, Reason: "min_off"})
	l.wait(29 * time.Second)
	l.save()
	l.wait(2 * time.Second)
	l.plate("ABC1Z34")
	l.plate("ABC1234")
	l.want("2 × pulse gate")
	l.killed(time.Second)
	l.plate("ABC1234")
	l.want("2 × pulse gate")
}

func TestMarkedChargesEndInTime(t *testing.T) {
	l := gateLife(t,
		&Rule{Name: "cooldown", On: []Kind{KindMessage}, When: always, Cooldown: time.Minute, Do: []Step{turnOn("a")}},
		&Rule{Name: "limit", On: []Kind{KindMessage}, When: always, Limit: Limit{2, time.Minute}, Do: []Step{turnOn("b"), turnOn("c")}})
	l.apply(&Event{Kind: KindMessage})
	l.killed(59 * time.Second)
	l.apply(&Event{Kind: KindMessage})
	l.want("1 × on a, 2 × on b, 2 × on c")
	l.killed(500 * time.Millisecond)
	l.apply(&Event{Kind: KindMessage})
	l.want("1 × on a, 2 × on b, 2 × on c")
	l.killed(500 * time.Millisecond)
	l.apply(&Event{Kind: KindMessage})
	l.want("2 × on a, 3 × on b, 3 × on c")
}

func TestACronThatMovedSomethingRunsNotAgainWhenTheClockWentBack(t *testing.T) {
	night := func() *Rule {
		return &Rule{Name: "night", On: []Kind{KindCron}, Crons: []Cron{every(time.Hour)}, Do: []Step{turnOn("a").later(2 * time.Second)}}
	}
	l := gateLife(t, night())
	l.wait(time.Hour + 3*time.Second)
	l.want("1 × on a")
	l.skew = -10 * time.Minute
	l.killed(0)
	l.wait(20 * time.Minute)
	l.want("1 × on a")
	l.wait(time.Hour)
	l.want("2 × on a")
}

// TestWhatWasGivenBackIsNotChargedByAMark: the state knows that nothing began, and a
// mark of the same rule's end that comes after it does not say otherwise.
func TestWhatWasGivenBackIsNotChargedByAMark(t *testing.T) {
	l := gateLife(t, &Rule{Name: "r", On: []Kind{KindContact}, When: wireOn, Cooldown: time.Hour, Limit: Limit{1, time.Hour},
		Do: []Step{turnOn("a")}, Finally: []Step{turnOn("b")}})
	door := func(on bool) { l.apply(&Event{Kind: KindContact, Name: "door", On: on}) }
	door(false)
	door(true)
	l.e.Outcome(l.instant(), Outcome{Firing: 1, Index: 0, Reason: "min_off"})
	l.save()
	door(false)
	l.want("1 × on a, 1 × on b")
	if m := l.marks[1]; m.Charge != 0 || m.Cooldown != 0 || m.Limit {
		t.Errorf("the end's mark charges: %+v", m)
	}
	l.killed(time.Second)
	door(false)
	door(true)
	l.want("1 × on b, 2 × on a")
	l.killed(time.Second)
	door(false)
	door(true)
	l.want("1 × on b, 2 × on a")
}

// TestMarksChargeWhatAStateWould compares a run that begins with the state of just now
// with one that has an older state and the marks since.
func TestMarksChargeWhatAStateWould(t *testing.T) {
	compared := 0
	for seed := range uint64(8) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		l := gateLife(t,
			&Rule{Name: "visit", On: []Kind{KindPlate}, When: listed, Do: []Step{pulse("gate"), pulse("horn").later(3 * time.Second)}},
			&Rule{Name: "plate", On: []Kind{KindPlate}, Per: PerPlate, Repeat: true, Remember: true, When: always, Cooldown: 20 * time.Second, Do: []Step{pulse("a"), turnOn("b").later(2 * time.Second)}},
			&Rule{Name: "camera", On: []Kind{KindPlate}, Per: PerCamera, Repeat: true, When: always, Limit: Limit{3, 30 * time.Second}, Do: []Step{turnOn("c"), turnOn("d"), turnOn("e").later(time.Second)}},
			&Rule{Name: "listed", On: []Kind{KindIntrusion}, Per: PerTarget, When: always, Cooldown: time.Minute, Do: []Step{turnOn("f")}},
			&Rule{Name: "message", On: []Kind{KindMessage}, When: always, Remember: true, Cooldown: 5 * time.Second, Limit: Limit{5, time.Minute}, Do: []Step{turnOn("g")}},
		)
		// An older state does not know of reads since that no mark tells of.
		l.gap = time.Hour
		l.start()
		type saved struct {
			at    time.Duration
			state *State
		}
		var states []saved
		for range 120 {
			l.save()
			states = append(states, saved{l.now, l.state})
			for l.now-states[0].at > 8*time.Second {
				states = states[1:]
			}
			n := len(l.marks)
			switch rnd.IntN(6) {
			case 0:
				l.apply(&Event{Kind: KindMessage})
			case 1:
				l.apply(&Event{Kind: KindIntrusion, Camera: "front", Targets: []Listed{at(uint64(rnd.IntN(3)), inside)}})
			default:
				l.plate([]string{"ABC1234", "A8C1234", "XY12"}[rnd.IntN(3)])
			}
			if len(l.marks) > n {
				compared++
				off := time.Duration(rnd.IntN(10)) * time.Second
				now := l.e.Export()
				s := states[rnd.IntN(len(states))].state
				at := l.instant()
				at.Mono += off
				at.Wall = at.Wall.Add(off)
				o := l.options()
				o.Restore = &now
				a, _ := New(l.rules(), o, at)
				o.Restore, o.Marks = s, slices.Clone(l.marks)
				rnd.Shuffle(len(o.Marks), func(i, j int) { o.Marks[i], o.Marks[j] = o.Marks[j], o.Marks[i] })
				o.Marks = append(o.Marks, o.Marks...)
				b, _ := New(l.rules(), o, at)
				want, got := a.Export().saved, b.Export().saved
				if got.Marks != want.Marks {
					t.Fatalf("seed %d: counts %d marks, want %d", seed, got.Marks, want.Marks)
				}
				for i := range want.Rules {
					sortKeys(want.Rules[i].Keys)
					sortKeys(got.Rules[i].Keys)
					if !reflect.DeepEqual(got.Rules[i], want.Rules[i]) {
						t.Fatalf("seed %d, %v off\n%+v, want\n%+v", seed, off, got.Rules[i], want.Rules[i])
					}
				}
			}
			l.wait(time.Duration(rnd.IntN(3000)) * time.Millisecond)
		}
	}
	if compared < 400 {
		t.Errorf("compared only %d times", compared)
	}
}

// sortKeys gives the keys an order that does not tell when they were made.
func sortKeys(keys []savedKey) {
	slices.SortFunc(keys, func(a, b savedKey) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
}

func TestMarksAreShort(t *testing.T) {
	for _, plate := range []string{strings.Repeat("\x01", 200), strings.Repeat("A", 3000), strings.Repeat("Ü", 200)} {
		r := gateRule()
		r.When, r.Name, r.Per = always, strings.Repeat("\u2028", 200), PerPlate
		l := gateLife(t, r)
		l.plate(plate)
		if len(l.marks) != 1 || l.marks[0].Relay != "gate" {
			t.Errorf("%.10q: marks %+v", plate, l.marks)
		}
		if n := len(l.marks[0].AppendJSON(nil)); n > MaxMark {
			t.Errorf("%.10q: %d bytes", plate, n)
		}
	}
}

func TestMarksThatCannotBe(t *testing.T) {
	for text, want := range map[string]string{
		``:                            "the mark is not readable: EOF",
		`[]`:                          "the mark is not readable: they are no object",
		`{}`:                          "the mark cannot be right: a number is out of bounds",
		`{"seq":1}x`:                  "the mark is not readable: something follows them",
		`{"seq":1,"at":"yesterday"}`:  `the mark is not readable: parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"`,
		`{"seq":4611686018427387905}`: "the mark cannot be right: a number is out of bounds",
		`{"seq":1,"charge":2}`:        "the mark cannot be right: a number is out of bounds",
		`{"seq":1,"age":-1}`:          "the mark cannot be right: a time is out of bounds",
		`{"seq":1,"cooldown":9223372036854775807}`:                 "the mark cannot be right: a time is out of bounds",
		`{"seq":1,"per":"moon"}`:                                   "the mark cannot be right: an unknown word",
		`{"seq":1,"visit":{"number":-1}}`:                          "the mark cannot be right: a number is out of bounds",
		`{"seq":1,"open":true}`:                                    `the mark is not readable: json: unknown field "open"`,
		`{"seq":1,"relay":"` + strings.Repeat("\x7f", 500) + `"}`:  "the mark cannot be right: a text is too long",
		`{"seq":1,"relay":"` + strings.Repeat("x", MaxMark) + `"}`: "the mark has 2068 bytes, more than 2048",
	} {
		if m, err := DecodeMark([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%.60s: %+v, %v, want %s", text, m, err, want)
		}
	}
}

// FuzzDecodeMark: what decodes is written in one form, and an engine can begin with it.
func FuzzDecodeMark(f *testing.F) {
	l := newLife(f, func() *Ruleset {
		r := gateRule()
		r.Cooldown, r.Limit, r.Remember = time.Minute, Limit{2, time.Hour}, true
		return site(r, &Rule{Name: "c", On: []Kind{KindCron}, Crons: []Cron{every(time.Hour)}, Do: []Step{turnOn("a")}})
	})
	l.plate("A8C1234")
	l.plate("ABC1234")
	l.wait(2 * time.Hour)
	l.save()
	for _, m := range l.marks {
		f.Add(m.AppendJSON(nil))
	}
	f.Add([]byte(`{"seq":9,"at":"9999-12-31T23:59:59Z","charge":9,"rule":"gate","per":"visit","key":{"camera":"gate","number":1},"visit":{"camera":"gate","number":1073741823},"limit":true}`))
	f.Add([]byte(`{"seq":9,"at":"0000-01-01T00:00:00Z","charge":8,"age":630720000000000000,"rule":"c","identity":"c","per":"rule","cooldown":630720000000000000}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := DecodeMark(text)
		if err != nil {
			return
		}
		once := m.AppendJSON(nil)
		again, err := DecodeMark(once)
		if err != nil || len(once) > MaxMark || strings.ContainsAny(string(once), "\n\r") {
			t.Fatalf("%s becomes %s, %v", text, once, err)
		}
		if twice := again.AppendJSON(nil); string(twice) != string(once) {
			t.Fatalf("%s becomes %s", once, twice)
		}
		n := &life{t: t, rules: l.rules, marks: []Mark{m}}
		n.start()
		n.marks = nil // its next one may have a lower number than a hostile one
		n.plate("ABC1234")
		n.wait(time.Hour)
		n.plate("ABC1234")
		n.wait(24 * time.Hour)
		n.save()
	})
}
