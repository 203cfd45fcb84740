package engine

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func durable(url string) Step {
	return Step{Text: "durable " + url, Args: HTTPArgs{URL: url}, Durable: true, Expires: 24 * time.Hour}
}

func edits2(number string) Step {
	return Step{Text: "plates " + number, Args: PlatesArgs{Number: number}}
}

// planBench keeps the order in which a caller is told things.
func planBench(t *testing.T, told *[]string, rules ...*Rule) *bench {
	o := DefaultOptions()
	o.Plan = func(q *Request) {
		*told = append(*told, fmt.Sprintf("plan %d/%d %s for %v until %v", q.Firing.ID, q.Index, q.Step.Text, q.Due-begin, q.Expires-begin))
		if q.Mark != nil {
			t.Errorf("a plan with a mark: %+v", q.Mark)
		}
	}
	o.Unplan = func(firing uint64, index int, finally bool) {
		*told = append(*told, fmt.Sprintf("unplan %d/%d %v", firing, index, finally))
	}
	o.Hand = func(q *Request) {
		*told = append(*told, fmt.Sprintf("hand %d/%d %s", q.Firing.ID, q.Index, q.Step.Text))
	}
	return startBench(t, o, site(rules...))
}

func wantTold(t *testing.T, told *[]string, want ...string) {
	t.Helper()
	if !slices.Equal(*told, want) {
		t.Errorf("told\n%q, want\n%q", *told, want)
	}
	*told = nil
}

func TestDurableStepsThatAreDueLaterArePlannedAtTheFiring(t *testing.T) {
	var told []string
	b := planBench(t, &told, &Rule{Name: "r", On: []Kind{KindMessage}, When: always, Do: []Step{
		turnOn("a"), durable("now"), durable("x").later(2 * time.Second), logs("l").later(time.Second), tells("retried"), edits2("AB"), sets("armed", true).waits(),
		durable("z").on(flagIs("armed", boolean(true))), durable("y").later(time.Minute).waits(), durable("behind").later(time.Second)}})
	message(b)
	wantTold(t, &told, "plan 1/2 durable x for 2s until 24h0m2s", "plan 1/5 plates AB for 3s until -10s", "plan 1/8 durable y for 1m3s until 24h1m3s", "hand 1/0 on a", "hand 1/1 durable now")
	b.wait(3 * time.Second)
	wantTold(t, &told, "hand 1/2 durable x", "hand 1/3 log l", "hand 1/4 tell retried", "hand 1/5 plates AB")
	b.wait(time.Hour)
	b.outcome(1, 8, true, "")
	wantTold(t, &told, "hand 1/8 durable y", "hand 1/9 durable behind")
}

func TestAPlanThatIsNotCarriedOutIsTakenBack(t *testing.T) {
	var told []string
	// The first firing of the visit is given back; what it told is not told again.
	b := planBench(t, &told, &Rule{Name: "r", On: []Kind{KindPlate}, When: listed, Do: []Step{turnOn("a"), durable("x").later(time.Second)}})
	b.plate("ABC1234")
	wantTold(t, &told, "plan 1/1 durable x for 1s until 24h0m1s", "hand 1/0 on a")
	b.wait(500 * time.Millisecond)
	b.outcome(1, 0, false, "min_off")
	b.plate("ABC1234")
	b.outcome(2, 0, false, "min_off")
	wantTold(t, &told, "plan 2/1 durable x for 1.5s until 24h0m1.5s", "hand 2/0 on a")
	b.wait(time.Second)
	b.plate("ABC1234")
	wantTold(t, &told, "hand 1/1 durable x", "unplan 2/1 false", "hand 3/0 on a")
	b.wait(time.Second)
	wantTold(t, &told)
}

func TestStepsOfFinallyArePlannedAtTheEnd(t *testing.T) {
	var told []string
	b := planBench(t, &told, &Rule{Name: "r", On: []Kind{KindContact}, When: wireOn, Finally: []Step{durable("x").later(time.Second)}})
	b.wire(KindContact, "door", false)
	b.wire(KindContact, "door", true)
	wantTold(t, &told)
	b.wire(KindContact, "door", false)
	wantTold(t, &told, "plan 1/0 durable x for 1s until 24h0m1s")
	b.wait(time.Second)
	wantTold(t, &told, "hand 1/0 durable x")
}

// TestPlansChangeNoDecision runs the random rules with and without anybody told.
func TestPlansChangeNoDecision(t *testing.T) {
	run := func(o Options) string {
		rs := randomRules(0)
		for _, r := range rs.Rules {
			r.Do = append(slices.Clone(r.Do), durable("x").later(time.Second), edits2("AB").later(time.Second))
		}
		b := startBench(t, o, rs)
		for i := range 300 {
			b.plate([]string{"ABC1234", "A8C1234", "XY12"}[i%3])
			b.wire(KindContact, "door", i%4 > 1)
			message(b)
			b.frame("front", at(uint64(i%5), int32(1000+i*37%8000)))
			b.wait(time.Duration(i%7) * 300 * time.Millisecond)
		}
		return string(appendDecisions(nil, b.all))
	}
	plans := 0
	o := DefaultOptions()
	want := run(o)
	o.Plan = func(*Request) { plans++ }
	o.Unplan = func(uint64, int, bool) {}
	if got := run(o); got != want {
		t.Error(firstDifference(got, want))
	}
	if plans < 100 {
		t.Errorf("only %d plans", plans)
	}
}

func TestAContactThatCannotBeReadIsUnknown(t *testing.T) {
	b := newBench(t,
		&Rule{Name: "follows", On: []Kind{KindContact}, When: wireOn, Hold: time.Second, Do: []Step{follow("lamp")}},
		&Rule{Name: "known", Reads: ReadsContact, When: is(func(l *Look) Truth {
			if c := l.Contact("door"); c.On == Unknown {
				return Unknown
			}
			return True
		})},
		&Rule{Name: "any change", On: []Kind{KindMotion, KindContact}, Per: PerRule, When: always})
	lost := func(name string) { b.apply(&Event{Kind: KindContact, Name: name, Unknown: true}) }
	lost("door") // it never was known
	b.want()
	b.wire(KindContact, "door", true)
	b.want("0s firing follows door (first look)", "0s action follows door follow lamp +", "0s firing any change (first look)", "0s firing known")
	b.wait(time.Second)
	lost("door")
	lost("door")
	b.want("1s end known")
	b.wait(time.Second)
	b.want("2s end follows door", "2s action follows door follow lamp -")
	// What it is then is a first value, whatever it was before.
	b.wire(KindContact, "door", false)
	b.want("2s firing any change (first look)", "2s firing known")
	lost("door")
	b.wire(KindContact, "door", true)
	b.want("2s end known", "2s firing follows door (first look)", "2s action follows door follow lamp +", "2s firing any change (first look)", "2s firing known")
	if got := string((&Event{Kind: KindContact, Name: "door", Unknown: true}).AppendJSON(nil)); got != `{"kind":"contact","name":"door"}` {
		t.Errorf("its event reads %s", got)
	}
}
