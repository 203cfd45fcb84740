package engine

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// leaf makes a condition of one leaf with a source, which can be explained.
func leaf(text string, f func(*Look) Truth) *Cond { return &Cond{Test: f, Text: text} }

func (c *Cond) named(text string) *Cond { c.Text = text; return c }

func allOf(kids ...*Cond) *Cond { return &Cond{Op: CondAnd, Kids: kids, Text: "all"} }
func anyOf(kids ...*Cond) *Cond { return &Cond{Op: CondOr, Kids: kids, Text: "any"} }
func not(kid *Cond) *Cond       { return &Cond{Op: CondNot, Kids: []*Cond{kid}, Text: "!"} }

// why gives a line for each explanation of a rule: the key, the answer, the
// state, what held it back, and how long that lasts.
func (b *bench) why(rule string) []string {
	b.t.Helper()
	lines := []string{}
	if !b.e.Explain(rule, func(x *Explanation) {
		line := fmt.Sprintf("%s %s %s", x.Key, x.Answer, x.State)
		if x.Held != "" {
			line += " (" + x.Held + ")"
		}
		if x.Left > 0 {
			line += " " + x.Left.String()
		}
		lines = append(lines, line)
	}) {
		b.t.Fatalf("there is no rule %s", rule)
	}
	return lines
}

func (b *bench) wantWhy(rule string, lines ...string) {
	b.t.Helper()
	if got := b.why(rule); !reflect.DeepEqual(got, lines) && len(got)+len(lines) > 0 {
		b.t.Errorf("%s\ngot  %q\nwant %q", rule, got, lines)
	}
}

func motion() *Event { return &Event{Kind: KindMotion, Camera: "front"} }

func TestWhyOfALevel(t *testing.T) {
	armed := flagIs("armed", boolean(true)).named("armed")
	b := newBench(t,
		&Rule{Name: "for", On: []Kind{KindTarget}, When: inYard, For: 2 * time.Second, Hold: 3 * time.Second},
		&Rule{Name: "while", On: []Kind{KindTarget}, While: armed, When: inYard},
		&Rule{Name: "cooldown", On: []Kind{KindContact}, When: wireOn, Cooldown: 10 * time.Second},
		&Rule{Name: "limit", On: []Kind{KindContact}, When: wireOn, Limit: Limit{1, time.Minute}},
		&Rule{Name: "shadow", On: []Kind{KindContact}, When: wireOn, Mode: ModeShadow},
		&Rule{Name: "off", On: []Kind{KindContact}, When: wireOn, Mode: ModeOff},
		&Rule{Name: "unknown", On: []Kind{KindContact}, When: is(func(*Look) Truth { return Unknown })},
		&Rule{Name: "standing", When: armed, Reads: ReadsFlags},
	)
	b.wantWhy("for")
	b.wantWhy("standing", " false idle")
	b.frame("front", at(7, inside), at(8, outside))
	b.wait(500 * time.Millisecond)
	b.wantWhy("for", "front/7 true pending (for) 1.5s", "front/8 false idle")
	b.wantWhy("while", "front/7 true idle (while)", "front/8 false idle (while)")
	b.frame("front", at(7, inside))
	b.wait(time.Second)
	b.frame("front", at(7, inside))
	b.wait(time.Second)
	b.wantWhy("for", "front/7 true active")
	b.frame("front", at(7, outside))
	b.wantWhy("for", "front/7 false holding 3s")
	b.flag("armed", boolean(true))
	b.wantWhy("standing", " true active")

	b.wire(KindContact, "door", false)
	b.wire(KindContact, "door", true)
	b.wantWhy("cooldown", "door true active")
	b.wire(KindContact, "door", false)
	b.wire(KindContact, "door", true)
	b.wantWhy("cooldown", "door true barred (cooldown) 10s")
	b.wantWhy("limit", "door true barred (limit) 1m0s")
	b.wantWhy("shadow", "door true active (shadow)")
	b.wantWhy("off", "door true idle (mode)")
	b.wantWhy("unknown", "door unknown idle (unknown)")
	if b.e.Explain("none", func(*Explanation) { t.Error("a rule that is none is explained") }) {
		t.Error("there is a rule of no name")
	}
}

func TestWhyOfTheFirstLook(t *testing.T) {
	b := coldBench(t, DefaultOptions(), site(&Rule{Name: "r", On: []Kind{KindTarget}, When: inYard}))
	b.frame("front", at(7, inside))
	b.wantWhy("r", "front/7 true active (first look)")
}

func TestWhyOfMoments(t *testing.T) {
	on := leaf("true", func(*Look) Truth { return True })
	b := newBench(t,
		&Rule{Name: "cooldown", On: []Kind{KindMotion}, When: on, Cooldown: 10 * time.Second},
		&Rule{Name: "hold", On: []Kind{KindMotion}, When: on, Hold: 10 * time.Second},
		&Rule{Name: "visit", On: []Kind{KindPlate}, When: leaf("listed", listed.Test)},
		&Rule{Name: "while", On: []Kind{KindMotion}, While: flagIs("armed", boolean(true)).named("armed"), When: on},
	)
	b.wantWhy("cooldown")
	b.apply(motion())
	b.wait(2 * time.Second)
	b.apply(motion())
	b.wantWhy("cooldown", "front true idle", "front true idle (cooldown) 8s")
	b.wantWhy("hold", "front true active 10s", "front true active (active) 10s")
	b.wantWhy("while", "front true idle (while)", "front true idle (while)")
	b.plate("XX99")
	b.plate("ABC1234")
	b.plate("ABC1234")
	b.wantWhy("visit", "gate/#1 false idle", "gate/#2 true active", "gate/#2 true active (visit)")
	var did []string
	b.e.Happenings("visit", func(h Happening) { did = append(did, h.Text()) })
	b.wait(time.Minute)
	b.e.Happenings("visit", func(h Happening) { did = append(did, h.Text()) })
	if want := []string{"fired for gate/#2", "fired for gate/#2", "ended for gate/#2"}; !reflect.DeepEqual(did, want) {
		t.Errorf("got %q, want %q", did, want)
	}
}

// TestWhyForgets holds what is remembered to its bound, the oldest first to go.
func TestWhyForgets(t *testing.T) {
	n := 0
	r := &Rule{Name: "r", On: []Kind{KindMessage}, When: leaf("n", func(*Look) Truth { return True })}
	r.When.Read = func(*Look) []Reading { return []Reading{{Name: "n", Value: fmt.Sprint(n)}} }
	b := newBench(t, r)
	for n = 1; n <= 20; n++ {
		b.apply(&Event{Kind: KindMessage, Message: &Message{Topic: "t"}})
	}
	var got []string
	b.e.Explain("r", func(x *Explanation) { got = append(got, x.When.Values[0].Value) })
	if want := "5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"; strings.Join(got, " ") != want {
		t.Errorf("got %s, want %s", got, want)
	}
	happened := 0
	b.e.Happenings("r", func(Happening) { happened++ })
	if happened != maxHappenings {
		t.Errorf("%d happenings are remembered", happened)
	}
	// However many come, only so many a second are explained.
	b.wait(time.Second)
	for range 2 * mostTraced {
		b.apply(&Event{Kind: KindMessage, Message: &Message{Topic: "t"}})
	}
	if b.e.tracing.traced != 2*mostTraced {
		t.Error(b.e.tracing.traced)
	}
}

// TestExplainingChangesNothing runs the same scene with and without questions.
func TestExplainingChangesNothing(t *testing.T) {
	run := func(ask bool) string {
		owner := leaf("owner", func(l *Look) Truth { o, ok := l.PlateOwner(); return TruthOf(ok && o == "Ann") })
		owner.Read = func(l *Look) []Reading { o, _ := l.PlateOwner(); return []Reading{{Name: "owner", Value: o}} }
		rules := []*Rule{
			{Name: "for", On: []Kind{KindTarget}, When: leaf("yard", inYard.Test), For: time.Second, Hold: time.Second, Do: []Step{follow("porch")}},
			{Name: "gate", On: []Kind{KindPlate}, When: allOf(leaf("listed", listed.Test), owner), Do: []Step{pulse("gate"), sets("armed", true)}},
			{Name: "standing", When: flagIs("armed", boolean(true)).named("armed"), Reads: ReadsFlags, Do: []Step{follow("lamp")}},
			{Name: "timed", While: leaf("later", func(l *Look) Truth { l.WakeAt(20 * time.Second); return TruthOf(l.Instant().Mono >= 20*time.Second) }),
				When: leaf("always", always.Test), Reads: ReadsClock, Do: []Step{logs("late")}},
			{Name: "motion", On: []Kind{KindMotion}, When: leaf("always", always.Test), Limit: Limit{2, 10 * time.Second}},
		}
		b := newBench(t, rules...)
		looks := 0
		if ask {
			b.e.SetWatch(func(r *Rule, l *Look, key string, answer Truth) {
				x := l.Explain()
				if x == nil || x.Rule != r.Name || x.Key != key || x.Held != "while" && x.Answer != answer {
					t.Errorf("%s for %s: %s, explained %+v", r.Name, key, answer, x)
				}
				looks++
			})
		}
		asked := func() {
			for _, r := range rules {
				if ask {
					b.e.Explain(r.Name, func(*Explanation) { looks++ })
				}
			}
		}
		for i := range 40 {
			x := int32(inside)
			if i%9 > 5 {
				x = outside
			}
			b.frame("front", at(7, x), at(uint64(20+i/5), inside))
			asked()
			if i%4 == 0 {
				b.apply(motion())
				asked()
			}
			if i%10 == 3 {
				b.plate("ABC1234")
				b.plate("ABC1235")
				asked()
			}
			b.wait(300 * time.Millisecond)
			asked()
		}
		if ask && looks < 100 {
			t.Errorf("only %d looks", looks)
		}
		var rows []string
		for i := range b.all {
			rows = append(rows, row(&b.all[i]))
		}
		return strings.Join(rows, "\n")
	}
	if without, with := run(false), run(true); without != with {
		t.Errorf("without\n%s\nwith\n%s", without, with)
	}
}

func TestALookIsExplainedWhileItIsWatchedOnly(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindMotion}, When: leaf("x", always.Test)})
	var kept *Look
	var text string
	b.e.SetWatch(func(_ *Rule, l *Look, _ string, _ Truth) {
		kept, text = l, string(l.Explain().AppendText(nil, time.UTC))
	})
	b.apply(motion())
	if want := "\"r\" for front at 2026-03-02 08:00:10.000: true\n  when     true     x\n  state  idle\n  why    it fired\n"; text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if kept.Explain() != nil {
		t.Error("the look is explained after it is over")
	}
	b.e.SetWatch(nil)
	text = ""
	b.apply(motion())
	if text != "" {
		t.Error("nobody watches any more")
	}
}

// TestTrace holds the tree's answers to those of the evaluation, for all trees of
// two levels over three leaves, and what is missing to what would make it true.
func TestTrace(t *testing.T) {
	values := [3]Truth{}
	x := func(i int) *Cond { return leaf(fmt.Sprint(i), func(*Look) Truth { return values[i] }) }
	trees := []*Cond{
		x(0), not(x(0)), allOf(x(0), x(1), x(2)), anyOf(x(0), x(1), x(2)), allOf(anyOf(x(0), x(1)), x(2)), anyOf(allOf(x(0), x(1)), x(2)),
		not(allOf(x(0), anyOf(x(1), x(2)))), not(anyOf(x(0), not(allOf(x(1), x(2))))), allOf(not(x(0)), not(anyOf(x(1), x(2)))),
	}
	all := []Truth{False, True, Unknown}
	for n, c := range trees {
		for i := range 27 {
			values = [3]Truth{all[i%3], all[i/3%3], all[i/9]}
			p := c.trace(&Look{}, true)
			if p.Answer != c.Eval(&Look{}) {
				t.Fatalf("tree %d of %v: %s, evaluated %s", n, values, p.Answer, c.Eval(&Look{}))
			}
			p.miss(True)
			missing := p.missing(nil)
			parts, _ := p.short(True)
			if len(missing) != parts {
				t.Fatalf("tree %d of %v: %d parts are missing, %d are marked", n, values, parts, len(missing))
			}
			// With the marked leaves turned to true, or to false when they are true, or
			// whichever of both helps when they are unknown, the whole is true.
			was, helped := values, parts == 0
			for turn := range 1 << parts {
				values = was
				for k, m := range missing {
					at := int(m.Text[0] - '0')
					values[at] = TruthOf(turn>>k&1 == 1)
				}
				helped = helped || c.Eval(&Look{}) == True
			}
			if !helped {
				t.Fatalf("tree %d of %v: turning what is marked does not help", n, was)
			}
		}
	}
}

// TestTraceKeepsTheMatch: a part that an evaluation would not reach does not change
// what later parts are said to have read.
func TestTraceKeepsTheMatch(t *testing.T) {
	first, second := &Entry{Owner: "Ann"}, &Entry{Owner: "Bob"}
	match := func(e *Entry) *Cond { return leaf(e.Owner, func(l *Look) Truth { l.match = e; return True }) }
	l := &Look{w: &Engine{}}
	anyOf(match(first), match(second)).trace(l, true)
	if o, _ := l.PlateOwner(); o != "Ann" {
		t.Errorf("the owner is %s", o)
	}
}

func TestNear(t *testing.T) {
	off := func(n int) Part {
		return Part{Values: []Reading{{Name: "x", Value: "8.7s", Bound: &Bound{Value: "10s", Off: n}}}}
	}
	whole := func(op string, parts ...Part) *Explanation {
		return &Explanation{When: &Part{Op: op, Parts: parts}}
	}
	for _, c := range []struct {
		x    *Explanation
		near bool
	}{
		{whole("and", off(130), Part{Answer: True}), true},
		{whole("and", off(199)), true},
		{whole("and", off(200)), false},
		{whole("and", off(130), off(10)), false}, // two parts
		{whole("or", off(130), Part{}), true},
		{whole("and", Part{}), false}, // a part without a distance
		{whole("and", off(130), Part{Answer: Unknown}), false},
		{&Explanation{Answer: True}, false},
	} {
		if c.x.Near() != c.near {
			b, _ := json.Marshal(c.x)
			t.Errorf("%s: near %v", b, !c.near)
		}
	}
}

func TestExplanationJSON(t *testing.T) {
	b := newBench(t,
		&Rule{Name: "r", On: []Kind{KindTarget}, File: "rules.d/a.yaml", Line: 7, While: leaf("1 < 2", always.Test), When: allOf(leaf("yard", inYard.Test), not(leaf("b", inYard.Test))), For: time.Second},
		&Rule{Name: "p", On: []Kind{KindPlate}, When: leaf("listed", listed.Test)},
	)
	b.frame("front", at(7, inside))
	b.plate("ABC1234")
	b.wait(250 * time.Millisecond)
	for _, rule := range []string{"r", "p"} {
		b.e.Explain(rule, func(x *Explanation) {
			text, err := json.Marshal(x)
			if err != nil {
				t.Fatal(err)
			}
			var back Explanation
			if err := json.Unmarshal(text, &back); err != nil {
				t.Fatal(err)
			}
			if got, want := string(back.AppendText(nil, time.UTC)), string(x.AppendText(nil, time.UTC)); got != want {
				t.Errorf("%s\ngives\n%s\nwant\n%s", text, got, want)
			}
			if !back.At.Equal(x.At) {
				back.At = x.At
			}
			again, _ := json.Marshal(&back)
			if string(again) != string(text) {
				t.Errorf("got %s, want %s", again, text)
			}
		})
	}
	var x Explanation
	if x.UnmarshalJSON([]byte("[]")) == nil {
		t.Error("a list is an explanation")
	}
}

// TestTextIsPlain: what a device sent cannot write to a terminal.
func TestTextIsPlain(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindPlate}, Per: PerPlate, When: leaf("\x1b[2J", always.Test)})
	b.plate("A\x1b[2J\n1")
	b.e.Explain("r", func(x *Explanation) {
		if text := string(x.AppendText(nil, time.UTC)); strings.ContainsRune(text, '\x1b') || strings.Count(text, "\n") != 4 {
			t.Errorf("%q", text)
		}
	})
}

// TestWhyAStepWasNotDone: what a relay refused is remembered with its reason.
func TestWhyAStepWasNotDone(t *testing.T) {
	b := newBench(t, &Rule{Name: "gate", On: []Kind{KindPlate}, When: leaf("listed", listed.Test), Do: []Step{pulse("gate")}})
	b.plate("ABC1234")
	b.outcome(1, 0, false, "min_off")
	var did []string
	b.e.Happenings("gate", func(h Happening) { did = append(did, h.Text()) })
	if want := []string{"fired for gate/#1", "did not do pulse gate for gate/#1 (min_off)", "ended for gate/#1 (given back)"}; !reflect.DeepEqual(did, want) {
		t.Errorf("got %q, want %q", did, want)
	}
}

// TestTrueBetweenUpdates: a target's dwell goes on between its updates, and a rule
// is decided on them.
func TestTrueBetweenUpdates(t *testing.T) {
	b := newBench(t, &Rule{Name: "r", On: []Kind{KindTarget}, When: leaf("dwell", func(l *Look) Truth { d, ok := l.Dwell(0); return TruthOf(ok && d >= time.Second) })})
	b.stay(900*time.Millisecond, "front", at(7, inside))
	b.wait(150 * time.Millisecond)
	b.wantWhy("r", "front/7 true idle")
	b.e.Explain("r", func(x *Explanation) {
		if got, want := x.Why(), "it came true since the target's last update; the next one decides"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	b.frame("front", at(7, inside))
	b.wantWhy("r", "front/7 true active")
}

func TestReadingsArePlain(t *testing.T) {
	r := Reading{Name: "message.body", Value: "\"a\u009b2J\x1b\""}
	if got := r.Text(); got != `message.body = "a?2J?"` {
		t.Error(got)
	}
}

// TestWhyOfAFiring explains a look as long as nothing was taken since.
func TestWhyOfAFiring(t *testing.T) {
	on := leaf("true", func(*Look) Truth { return True })
	yard := leaf("in yard", inYard.Test)
	b := newBench(t,
		&Rule{Name: "target", On: []Kind{KindTarget}, When: yard},
		&Rule{Name: "for", On: []Kind{KindTarget}, When: yard, For: 2 * time.Second},
		&Rule{Name: "shadow", On: []Kind{KindTarget}, When: yard, Mode: ModeShadow},
		&Rule{Name: "visit", On: []Kind{KindPlate}, When: leaf("listed", listed.Test)},
		&Rule{Name: "none", On: []Kind{KindMotion}, When: is(on.Test)},
		&Rule{Name: "standing", When: flagIs("armed", boolean(true)).named("armed"), Reads: ReadsFlags},
	)
	// said gives a line for each firing of the newest decisions.
	said := func() []string {
		lines := []string{}
		for i := range b.e.out {
			d := &b.e.out[i]
			if d.Type != DecisionFiring {
				continue
			}
			line := d.Rule.Name + ":"
			if x := b.e.ExplainFiring(d); x != nil {
				line = fmt.Sprintf("%s %s %s %s %s", line, x.Key, x.Answer, x.When.Text, x.Held)
				for _, h := range x.Did {
					line += " " + h.Text()
				}
			}
			lines = append(lines, line)
		}
		return lines
	}
	want := func(lines ...string) {
		t.Helper()
		if got := said(); !reflect.DeepEqual(got, lines) {
			t.Errorf("\ngot  %q\nwant %q", got, lines)
		}
	}
	b.frame("front", at(8, outside))
	b.frame("front", at(8, outside), at(7, inside))
	want("target: front/7 true in yard  fired for front/7", "shadow: front/7 true in yard shadow fired for front/7 (shadow)")
	old := b.e.out[0]
	for i := range b.e.out {
		if b.e.out[i].Type == DecisionFiring {
			old = b.e.out[i]
			break
		}
	}
	b.wait(time.Second)
	if x := b.e.ExplainFiring(&old); x != nil {
		t.Errorf("a second later it is still explained: %+v", x)
	}
	b.frame("front", at(8, outside), at(7, inside))
	b.wait(time.Second + 20*time.Millisecond)
	want("for: front/7 true in yard  fired for front/7")
	for i := range b.e.out {
		old = b.e.out[i]
	}
	b.frame("front", at(8, outside), at(7, outside))
	if x := b.e.ExplainFiring(&old); x != nil {
		t.Errorf("after another frame it is still explained: %+v", x)
	}
	b.plate("ABC1234")
	want("visit: gate/#1 true listed  fired for gate/#1")
	b.flag("armed", boolean(true))
	want("standing:  true armed  fired")
	b.apply(motion())
	want("none:")
}
