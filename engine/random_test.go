package engine

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// given is one input of a random run.
type given struct {
	at   Instant
	what string
	do   func(e *Engine, at Instant) []Decision
}

// randomRules uses every part of the firing at least once. edition changes some of them.
func randomRules(edition int) *Ruleset {
	mark := fmt.Sprint(edition % 2)
	armed := flagIs("armed", boolean(true))
	w := &window{8*time.Hour + 3*time.Minute, 8*time.Hour + 6*time.Minute}
	rs := site(
		&Rule{Name: "follow", On: []Kind{KindTarget}, When: inYard, Need: Need{Cameras: []int{0}, Zones: []ZoneRef{0}}, Hold: 3 * time.Second, Do: []Step{follow("porch")}, Finally: []Step{turnOff("siren")}},
		&Rule{Name: "per camera", Identity: "pc" + mark, On: []Kind{KindTarget}, Per: PerCamera, When: always, For: 2 * time.Second, Hold: time.Second, Do: []Step{follow("lamp"), turnOn("y").later(time.Second)}},
		&Rule{Name: "cooldown", Identity: "cd" + mark, On: []Kind{KindTarget}, When: inYard, Cooldown: 5 * time.Second, Limit: Limit{2, time.Minute}, Do: []Step{turnOn("x"), tells("y")}},
		&Rule{Name: "while", On: []Kind{KindTarget}, When: inYard, While: armed, Reads: ReadsFlags, Hold: 2 * time.Second, Do: []Step{follow("porch")}, Finally: []Step{sets("armed", false)}},
		&Rule{Name: "ends", On: []Kind{KindTarget}, When: is(func(l *Look) Truth { return l.Left(0) }), AtEnd: true, Do: []Step{logs("left")}},
		&Rule{Name: "gate", Identity: "g" + mark, On: []Kind{KindPlate}, When: listed, Do: []Step{pulse("gate"), tells("phone")}},
		&Rule{Name: "gate too", On: []Kind{KindPlate}, Per: PerPlate, When: always, Cooldown: time.Second, Do: []Step{pulse("gate"), pulse("lamp").later(time.Second)}},
		&Rule{Name: "gate again", On: []Kind{KindPlate}, When: listed, Repeat: true, Hold: 2 * time.Second, Do: []Step{follow("lamp"), tells("x")}},
		&Rule{Name: "alarm", On: []Kind{KindAlarm}, When: alarmOn, For: time.Second, Hold: time.Second, Do: []Step{follow("siren"), sets("armed", true)}},
		&Rule{Name: "contact", Identity: "co" + mark, On: []Kind{KindContact}, When: wireOn, Cooldown: 2 * time.Second, Do: []Step{follow("x"), turnOn("y").waits(), turnOn("z")}},
		&Rule{Name: "motion", On: []Kind{KindMotion}, When: always, Hold: 2 * time.Second, Do: []Step{follow("lamp")}},
		&Rule{Name: "message", On: []Kind{KindMessage}, When: always, Limit: Limit{3, 10 * time.Second}, Do: []Step{turnOn("x").stops(), sets("armed", false)}},
		&Rule{Name: "standing", When: armed, Reads: ReadsFlags, Hold: time.Second, Do: []Step{follow("armed"), sets("armed", false).later(3 * time.Second)}},
		&Rule{Name: "crowd", Reads: ReadsScene, When: is(func(l *Look) Truth { n, _ := l.Occupancy(0, 0); return TruthOf(n >= 2) }), Do: []Step{follow("crowd")}},
		&Rule{Name: "flag", On: []Kind{KindFlag}, When: armed, Names: []string{"armed"}, Mode: ModeShadow},
		&Rule{Name: "hours", When: during(w), Reads: ReadsClock, Do: []Step{follow("hours")}},
		&Rule{Name: "minutely", On: []Kind{KindCron}, Crons: []Cron{every(time.Minute)}, When: always, Do: []Step{turnOn("x")}},
		&Rule{Name: "offline", On: []Kind{KindCamera}, When: is(func(l *Look) Truth { return l.CameraOnline().Not() }), Do: []Step{tells("x")}},
	)
	if edition%3 == 2 {
		rs.Rules = rs.Rules[3:]
		rs.Cameras[1].Layout = rs.Cameras[0].Layout
	}
	return rs
}

func appendDecisions(b []byte, ds []Decision) []byte {
	for i := range ds {
		b = ds[i].AppendJSON(b)
		if q := ds[i].Do; q != nil {
			b = fmt.Appendf(b, " %d %d %v %v %v %v %s", q.Firing.ID, q.Index, q.Finally, q.Due, q.Expires, q.LeaseOn, q.LeaseID)
		}
		b = append(b, '\n')
	}
	return b
}

// checker holds the invariants over a run.
type checker struct {
	t      testing.TB
	last   time.Duration
	active map[string]uint64
	ended  map[uint64]int
	lasts  map[uint64]string
	leases map[string]bool
	taken  map[string]bool // keys that a reload ended: their lease may be taken again
	pulses map[string]string
	n      int
}

func (c *checker) look(ds []Decision) {
	for i := range ds {
		d := &ds[i]
		c.n++
		if d.At.Mono < c.last {
			c.t.Errorf("%s comes after %v", row(d), c.last-begin)
		}
		c.last = d.At.Mono
		switch d.Type {
		case DecisionFiring:
			key := fmt.Sprint(d.Rule.Name, "|", d.Key, "|", d.Firing.serial)
			if d.Rule.Per != PerTarget {
				key = d.Rule.Name + "|" + d.Key
			}
			if was, on := c.active[key]; on {
				if !d.Rule.Repeat {
					c.t.Errorf("%s while firing %d is active", row(d), was)
				}
				delete(c.lasts, was)
			}
			if d.Rule.Level || d.Rule.Hold > 0 || d.Rule.Per == PerVisit {
				c.active[key] = d.Firing.ID
				c.lasts[d.Firing.ID] = key
			}
		case DecisionEnd:
			key, ok := c.lasts[d.Firing.ID]
			if c.ended[d.Firing.ID]++; !ok || c.ended[d.Firing.ID] > 1 {
				c.t.Errorf("%s: ended without being active", row(d))
			}
			delete(c.active, key)
			delete(c.lasts, d.Firing.ID)
			c.taken[d.Rule.Name+d.Key] = d.Reason == endReload
		}
		if d.Do == nil {
			continue
		}
		if d.Do.Due > d.At.Mono {
			c.t.Errorf("%s before it is due", row(d))
		}
		if id := d.Do.LeaseID; d.Do.Lease {
			if c.leases[id] == d.Do.LeaseOn && !(d.Do.LeaseOn && c.taken[d.Rule.Name+d.Key]) {
				c.t.Errorf("%s twice: %s", row(d), id)
			}
			c.leases[id] = d.Do.LeaseOn
			c.taken[d.Rule.Name+d.Key] = false
		}
		if a, ok := d.Do.Args.(RelayArgs); ok && a.Op == RelayPulse && d.Do.Firing.Visit != "" && !d.Rule.Repeat {
			k := d.Do.Firing.Visit + " " + a.Relay
			if was, ok := c.pulses[k]; ok {
				c.t.Errorf("%s: the visit pulsed it already: %s", row(d), was)
			}
			c.pulses[k] = row(d)
		}
	}
}

func randomRun(t testing.TB, seed uint64) (inputs []given, want []byte) {
	rnd := rand.New(rand.NewPCG(seed, 7))
	b := &bench{t: t, zero: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}
	c := &checker{t: t, active: map[string]uint64{}, ended: map[uint64]int{}, lasts: map[uint64]string{}, leases: map[string]bool{}, taken: map[string]bool{}, pulses: map[string]string{}}
	e, out := New(randomRules(0), DefaultOptions(), b.instant())
	want = appendDecisions(want, out)
	c.look(out)
	type reply struct {
		at time.Duration
		o  Outcome
	}
	var replies []reply
	take := func(what string, do func(*Engine, Instant) []Decision) {
		g := given{b.instant(), what, do}
		inputs = append(inputs, g)
		out := do(e, g.at)
		want = appendDecisions(want, out)
		c.look(out)
		for _, d := range out {
			if q := d.Do; q != nil && !q.Lease {
				o := Outcome{Firing: q.Firing.ID, Index: q.Index, Finally: q.Finally, Begun: true}
				switch rnd.IntN(6) {
				case 0:
					o.Begun, o.Reason = false, "min_off"
					if a, ok := q.Args.(RelayArgs); ok && a.Op == RelayPulse {
						delete(c.pulses, q.Firing.Visit+" "+a.Relay)
					}
				case 1:
					o.Reason = "timeout"
				}
				replies = append(replies, reply{b.now + time.Duration(rnd.IntN(2000))*time.Millisecond, o})
			}
		}
	}
	plates := []string{"ABC1234", "ABC1235", "A8C1234", "XY12", "KLM4567", "KLM4568"}
	contact, alarm, edition := false, false, 0
	for b.now < 12*time.Minute {
		b.now += time.Duration(rnd.ExpFloat64() * float64(300*time.Millisecond))
		if rnd.IntN(400) == 0 {
			b.now += time.Duration(rnd.IntN(60)) * time.Second
		}
		if rnd.IntN(300) == 0 {
			b.zero = b.zero.Add(time.Duration(rnd.IntN(400)-200) * time.Second)
		}
		for i := 0; i < len(replies); i++ {
			if r := replies[i]; r.at <= b.now {
				replies = append(replies[:i], replies[i+1:]...)
				i--
				take("outcome", func(e *Engine, at Instant) []Decision { return e.Outcome(at, r.o) })
			}
		}
		var ev Event
		camera := []string{"front", "gate"}[rnd.IntN(2)]
		behind := time.Duration(0)
		if rnd.IntN(30) == 0 {
			behind = 10 * time.Second
		}
		ev = Event{Camera: camera, Received: b.instant().Wall, Time: b.instant().Wall.Add(-behind)}
		switch rnd.IntN(16) {
		case 0:
			ev.Kind, ev.Plate, ev.Camera = KindPlate, &Plate{Number: plates[rnd.IntN(len(plates))]}, "gate"
			ev.Digest = uint64(rnd.IntN(40) + 1)
		case 1:
			alarm = !alarm
			ev.Kind, ev.Alarm = KindAlarm, &Alarm{Name: "perimeter", ID: rnd.IntN(2), On: alarm}
		case 2:
			contact = !contact
			ev = Event{Kind: KindContact, Name: "door", On: contact}
		case 3:
			ev = Event{Kind: KindFlag, Name: "armed", Value: boolean(rnd.IntN(2) == 0)}
		case 4:
			ev.Kind = KindMotion
		case 5:
			ev = Event{Kind: KindMessage}
		case 6:
			ev.Kind = KindHeartbeat
		case 7:
			if rnd.IntN(20) == 0 {
				edition++
				rs := randomRules(edition)
				take("swap", func(e *Engine, at Instant) []Decision { return e.Swap(at, rs) })
			} else if rnd.IntN(8) == 0 {
				rules := randomRules(0).Rules
				name, o := rules[rnd.IntN(len(rules))].Name, (*Override)(nil)
				if mode := rnd.IntN(4); mode < 3 {
					o = &Override{Mode: Mode(mode)}
					if rnd.IntN(2) == 0 {
						o.Until = b.instant().Wall.Add(time.Duration(rnd.IntN(60)) * time.Second)
					}
				}
				take("override", func(e *Engine, at Instant) []Decision { return e.Override(at, name, o) })
			}
			continue
		default:
			ev.Kind = KindTarget
			for id := range uint64(4) {
				if rnd.IntN(2) == 0 {
					ev.Targets = append(ev.Targets, at(id, int32(1000+rnd.IntN(8000))))
				}
			}
		}
		take(ev.Kind.String(), func(e *Engine, at Instant) []Decision { x := *ev.Clone(); return e.Apply(at, &x) })
	}
	b.now += time.Hour
	take("advance", (*Engine).Advance)
	take("stop", (*Engine).Stop)
	for id, key := range c.lasts {
		t.Errorf("firing %d (%s) never ended", id, key)
	}
	for id, on := range c.leases {
		if on {
			t.Errorf("lease %s never ended", id)
		}
	}
	if c.n < 1000 {
		t.Errorf("only %d decisions", c.n)
	}
	return inputs, want
}

func TestRandomRunsKeepTheInvariants(t *testing.T) {
	seeds := uint64(4)
	if os.Getenv("SALLYPORT_LONG") != "" {
		seeds = 300
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inputs, want := randomRun(t, seed)
			// The same inputs, time let pass in between in as many steps as one likes, or as it asks.
			for split := range 3 {
				rnd := rand.New(rand.NewPCG(seed, uint64(split)))
				e, out := New(randomRules(0), DefaultOptions(), Instant{0, time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)})
				got := appendDecisions(nil, out)
				for _, in := range inputs {
					for split > 0 {
						now := e.Now()
						to := now.Mono + time.Duration(rnd.IntN(3000))*time.Millisecond
						if split == 2 {
							next, ok := e.Next()
							if !ok {
								break
							}
							to = max(next, now.Mono)
						}
						if to >= in.at.Mono {
							break
						}
						got = appendDecisions(got, e.Advance(Instant{to, now.Wall.Add(to - now.Mono)}))
					}
					got = appendDecisions(got, in.do(e, in.at))
				}
				if string(got) != string(want) {
					t.Fatalf("split %d decides otherwise: %s", split, firstDifference(string(got), string(want)))
				}
			}
		})
	}
}

func firstDifference(got, want string) string {
	line := 0
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			lo := max(0, i-300)
			return fmt.Sprintf("at line %d\n…%s\n\n…%s", line, got[lo:min(len(got), i+300)], want[lo:min(len(want), i+300)])
		}
		if got[i] == '\n' {
			line++
		}
	}
	return "one is longer"
}
