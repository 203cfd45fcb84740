package relay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/gpio"
)

// The lines of package gpio are drivers.
var (
	_ Driver = (*gpio.Output)(nil)
	_ Driver = (*gpio.Memory)(nil)
)

// wires is a shared record of what lines did.
type wires struct {
	start time.Time

	mu  sync.Mutex // covers log
	log []string
}

func (w *wires) add(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, fmt.Sprintf(format, args...)+"@"+time.Since(w.start).String())
}

func (w *wires) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { w.log = nil }()
	return strings.Join(w.log, " ")
}

// line is a driver that can be slow and can fail.
type line struct {
	name string
	*wires

	mu    sync.Mutex // covers what follows
	takes time.Duration
	fail  map[bool]error
	on    bool
}

func (l *line) Set(on bool) error {
	l.mu.Lock()
	takes, err := l.takes, l.fail[on]
	l.mu.Unlock()
	time.Sleep(takes)
	word := map[bool]string{true: "+", false: "-"}[on]
	if err != nil {
		l.add("%s!%s", l.name, word)
		return err
	}
	l.mu.Lock()
	l.on = on
	l.mu.Unlock()
	l.add("%s%s", l.name, word)
	return nil
}

func (l *line) Close() error {
	l.mu.Lock()
	on := l.on
	l.mu.Unlock()
	if on {
		l.add("%s closed while on", l.name)
	} else {
		l.add("%s.", l.name)
	}
	return nil
}

func (l *line) set(takes time.Duration, failOn, failOff error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.takes, l.fail = takes, map[bool]error{true: failOn, false: failOff}
}

type bench struct {
	*Service
	*wires
	lines map[string]*line

	mu      sync.Mutex // covers changes
	changes []Change
}

func newBench(t *testing.T, prepare func(map[string]*line), specs ...Spec) *bench {
	t.Helper()
	b := &bench{wires: &wires{start: time.Now()}, lines: map[string]*line{}}
	var relays []Config
	for _, s := range specs {
		l := &line{name: s.Name, wires: b.wires}
		b.lines[s.Name] = l
		relays = append(relays, Config{Spec: s, Driver: l})
	}
	if prepare != nil {
		prepare(b.lines)
	}
	s, err := New(relays, Options{OnChange: func(c Change, missed int) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.changes = append(b.changes, c)
		if missed != 0 {
			t.Errorf("%d changes missed", missed)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	b.Service = s
	return b
}

func (b *bench) heardChanges() []Change {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.changes)
}

// do asks and says the answer.
func (b *bench) do(q Request) string {
	out := b.Do(context.Background(), q)
	s := answer(out.Verdict)
	if out.Err != nil {
		s += " (" + out.Err.Error() + ")"
	}
	return s
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

func pulse(relay string, length time.Duration) Request {
	return Request{Relay: relay, Verb: Pulse, Length: length, Rule: "r", Key: "k"}
}

func TestServicePulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, gate)
		expect(t, "at the start", b.take(), "gate-@0s")
		expect(t, "pulse", b.do(pulse("gate", 800*ms)), "begun")
		expect(t, "line when Do returns", b.take(), "gate+@0s")
		st, _ := b.State("gate")
		if !st.On || st.Cause != `rule "r" k` || st.MaxOn != 5*time.Second {
			t.Errorf("state %+v", st)
		}
		time.Sleep(300 * ms)
		expect(t, "pulse in the pulse", b.do(pulse("gate", 800*ms)), "begun: merged")
		time.Sleep(time.Minute)
		synctest.Wait()
		expect(t, "after the pulse", b.take(), "gate-@800ms")
		if got := levels(b.heardChanges()); got != "gate+0s gate-800ms" {
			t.Errorf("changes %s", got)
		}
		if b.States()[0].On {
			t.Error("still on")
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		expect(t, "close", b.take(), "gate.@1m0.3s")
	})
}

func TestServiceMaxOnNeedsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, gate)
		defer b.Close()
		b.take()
		b.do(Request{Relay: "gate", Verb: SetOn})
		b.do(Request{Relay: "gate", Verb: LeaseStart, Rule: "r", Key: "k"})
		time.Sleep(time.Hour)
		expect(t, "line", b.take(), "gate+@0s gate-@5s")
	})
}

func TestServiceCloseTurnsOffBeforeRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, gate, porch)
		b.take()
		b.do(Request{Relay: "gate", Verb: SetOn})
		b.do(Request{Relay: "porch", Verb: LeaseStart, Rule: "r"})
		b.take()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		got := strings.Fields(b.take())
		slices.Sort(got[:2])
		slices.Sort(got[2:])
		expect(t, "lines", strings.Join(got, " "), "gate-@0s porch-@0s gate.@0s porch.@0s")
		changes := b.heardChanges()
		if last := changes[len(changes)-1]; last.On || last.Cause != "the program ends" {
			t.Errorf("last change %+v", last)
		}
		expect(t, "on after Close", b.do(pulse("gate", 800*ms)), "dropped: closed")
		expect(t, "off after Close", b.do(Request{Relay: "gate", Verb: SetOff}), "begun")
		expect(t, "no such relay", b.do(Request{Relay: "gat", Verb: SetOff}), "dropped: unknown relay")
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		expect(t, "second Close", b.take(), "")
	})
}

func TestServiceCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, gate, porch, Spec{Name: "siren", MaxOn: time.Minute})
		b.do(Request{Relay: "gate", Verb: SetOn})
		b.do(Request{Relay: "porch", Verb: SetOn})
		b.do(Request{Relay: "siren", Verb: SetOn})
		b.take()
		b.lines["siren"].set(5*time.Second, nil, nil)
		b.lines["porch"].set(0, nil, errors.New("input/output error"))
		start := time.Now()
		time.AfterFunc(450*ms, func() { b.lines["porch"].set(0, nil, nil) })
		err := b.Close()
		if took := time.Since(start); took >= time.Second {
			t.Errorf("Close took %v", took)
		}
		want := `relay "siren": the line did not answer while the program ended; it may still be on`
		if err == nil || err.Error() != want {
			t.Errorf("Close: %v, want %s", err, want)
		}
		log := b.take()
		for _, want := range []string{"gate-@0s", "gate.@800ms", "porch!-@400ms", "porch-@500ms", "porch.@800ms"} {
			if !slices.Contains(strings.Fields(log), want) {
				t.Errorf("%s is not in %s", want, log)
			}
		}
		time.Sleep(20 * time.Second)
		expect(t, "the slow line ends too", b.take(), "siren-@5s siren.@5s")
	})
}

func TestServiceRetriesAnOffThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, up, down)
		defer b.Close()
		time.Sleep(time.Second) // interlock_wait counts from the start, too
		b.take()
		expect(t, "pulse", b.do(pulse("up", time.Second)), "begun")
		b.lines["up"].set(0, nil, errors.New("input/output error"))
		time.Sleep(1250 * ms)
		expect(t, "line", b.take(), "up+@1s up!-@2s up!-@2.1s up!-@2.2s")
		expect(t, "on", b.do(pulse("up", ms)), "dropped: fault")
		expect(t, "off", b.do(Request{Relay: "up", Verb: SetOff}), `begun (relay "up": cannot be turned off: input/output error)`)
		expect(t, "clear", b.do(Request{Relay: "up", Verb: Clear}), "dropped: fault")
		expect(t, "the interlocked one", b.do(pulse("down", ms)), "dropped: interlock")
		expect(t, "its lease", b.do(Request{Relay: "down", Verb: LeaseStart, Rule: "r"}), "waits: interlock")
		st, _ := b.State("up")
		if !st.On || st.Fault != "cannot be turned off: input/output error" {
			t.Errorf("state %+v", st)
		}
		b.lines["up"].set(0, nil, nil)
		time.Sleep(time.Second)
		expect(t, "line", b.take(), "up-@2.3s down+@2.8s")
		expect(t, "still", b.do(pulse("up", ms)), "dropped: fault")
		b.do(Request{Relay: "down", Verb: SetOff})
		time.Sleep(time.Second)
		expect(t, "clear", b.do(Request{Relay: "up", Verb: Clear}), "begun")
		expect(t, "on", b.do(pulse("up", ms)), "begun")
	})
}

func TestServiceTurnsOffWhatDidNotTurnOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(l map[string]*line) { l["gate"].set(0, errors.New("input/output error"), nil) }, gate)
		defer b.Close()
		b.take()
		expect(t, "pulse", b.do(pulse("gate", time.Second)), `begun (relay "gate": cannot be turned on: input/output error)`)
		synctest.Wait()
		expect(t, "line", b.take(), "gate!+@0s gate-@0s")
		st, _ := b.State("gate")
		if st.On || st.Fault != "" || st.Cause != `relay "gate": cannot be turned on: input/output error` {
			t.Errorf("state %+v", st)
		}
	})
}

func TestServiceReallyOffBeforeTheOtherGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, up, down)
		defer b.Close()
		time.Sleep(time.Second)
		b.take()
		b.do(pulse("up", time.Second))
		b.lines["up"].set(2*time.Second, nil, nil)
		b.do(Request{Relay: "down", Verb: LeaseStart, Rule: "r"})
		time.Sleep(5 * time.Second)
		expect(t, "lines", b.take(), "up+@1s up-@4s down+@4.5s")
	})
}

func TestServiceNoOnBeforeItsOwnOffIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, gate)
		defer b.Close()
		b.take()
		b.do(pulse("gate", time.Second))
		b.lines["gate"].set(2*time.Second, nil, nil)
		time.Sleep(1500 * ms)
		expect(t, "pulse", b.do(pulse("gate", time.Second)), "dropped: min_off")
		time.Sleep(5 * time.Second)
		expect(t, "line", b.take(), "gate+@0s gate-@3s")
	})
}

func TestServiceASlowRelayDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, gate, porch)
		defer b.Close()
		b.take()
		b.lines["porch"].set(2*time.Second, nil, nil)
		go b.do(Request{Relay: "porch", Verb: SetOn})
		time.Sleep(100 * ms)
		b.do(pulse("gate", 800*ms))
		expect(t, "line", b.take(), "gate+@100ms")

		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		out := b.Do(ctx, Request{Relay: "porch", Verb: SetOff})
		if !out.Begun || !errors.Is(out.Err, context.DeadlineExceeded) {
			t.Errorf("outcome %+v", out)
		}
		time.Sleep(5 * time.Second)
		expect(t, "lines", b.take(), "gate-@900ms porch+@2s porch-@4s")
	})
}

func TestServiceRefusesAfterTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, gate)
		defer b.Close()
		b.take()
		time.Sleep(4 * time.Second)
		q := pulse("gate", time.Second)
		q.Expires = 3 * time.Second
		expect(t, "late", b.do(q), "dropped: expired")
		q.Expires = 4 * time.Second
		expect(t, "in time", b.do(q), "begun")
		expect(t, "off", b.do(Request{Relay: "gate", Verb: SetOff, Expires: time.Second}), "begun")
		expect(t, "line", b.take(), "gate+@4s gate-@4s")
	})
}

// A lease that goes on at the moment of a late request has no part in its
// lateness.
func TestServiceLateRequestBesideALease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The clock stands still between the steps, so the keeper sleeps and
		// the requests bring about what is due.
		var now atomic.Int64
		w := &wires{start: time.Now()}
		s, err := New([]Config{{slow, &line{name: "gate", wires: w}}}, Options{Now: func() time.Duration { return time.Duration(now.Load()) }})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for _, c := range []struct {
			at   time.Duration
			q    Request
			want string
		}{
			{3 * time.Second, pulse("gate", time.Second), "begun"},
			{4 * time.Second, Request{Relay: "gate", Verb: LeaseStart, Rule: "r"}, "waits: min_off"},
			{7 * time.Second, Request{Relay: "gate", Verb: LeaseEnd, Rule: "other", Expires: time.Second}, "begun"},
			{7 * time.Second, Request{Relay: "gate", Verb: SetOn, Expires: time.Second}, "dropped: expired"},
		} {
			now.Store(int64(c.at))
			expect(t, c.q.Verb.String(), answer(s.Do(t.Context(), c.q).Verdict), c.want)
			synctest.Wait()
		}
		expect(t, "line", w.take(), "gate-@0s gate+@0s gate-@0s gate+@0s")
	})
}

// An owner that was held up looks at the deadline again before it moves.
func TestServiceRefusesAfterTheDeadlineAtTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now atomic.Int64
		w := &wires{start: time.Now()}
		s, err := New([]Config{{gate, &line{name: "gate", wires: w}}}, Options{Now: func() time.Duration { return time.Duration(now.Load()) }})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		w.take()

		// The time passes between the decision and the line.
		q := pulse("gate", 4*time.Second)
		q.Expires, q.Visit = 3*time.Second, "gate/#1"
		s.mu.Lock()
		s.bank.Do(0, q)
		s.apply(q)
		tried := s.byName["gate"].await(false)
		now.Store(int64(3*time.Second) + 1)
		s.mu.Unlock()
		if a := <-tried; a.reason != ReasonExpired {
			t.Errorf("attempt %+v", a)
		}
		synctest.Wait()
		expect(t, "line", w.take(), "gate-@0s")
		q.Expires = 0
		if out := s.Do(t.Context(), q); !out.Begun {
			t.Errorf("the visit has lost its pulse: %+v", out)
		}
	})
}

// An on that did not reach its line before its off came is left out.
func TestServiceOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, gate)
		defer b.Close()
		b.take()
		q := pulse("gate", time.Second)
		q.Visit = "gate/#1"
		s := b.Service
		s.mu.Lock()
		s.bank.Do(0, q)
		s.apply(q)
		tried := s.byName["gate"].await(false)
		s.bank.Do(0, Request{Relay: "gate", Verb: SetOff})
		s.apply(Request{})
		s.mu.Unlock()
		if a := <-tried; a.reason != ReasonOvertaken {
			t.Errorf("attempt %+v", a)
		}
		synctest.Wait()
		expect(t, "line", b.take(), "gate-@0s")
		expect(t, "the visit has its pulse", b.do(q), "begun")
	})
}

func TestServiceStartWithADeviceThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(l map[string]*line) { l["siren"].set(3*time.Second, nil, errors.New("no route to host")) },
			Spec{Name: "siren", MaxOn: time.Minute}, gate)
		defer b.Close()
		if took := time.Since(b.start); took != time.Second {
			t.Errorf("New took %v", took)
		}
		expect(t, "the other line is off at once", b.take(), "gate-@0s")
		expect(t, "on", b.do(pulse("siren", ms)), "dropped: min_off")
		time.Sleep(5 * time.Second)
		expect(t, "later", b.do(pulse("siren", ms)), "dropped: fault")
		expect(t, "lease", b.do(Request{Relay: "siren", Verb: LeaseStart, Rule: "r"}), "waits: fault")
		b.lines["siren"].set(0, nil, nil)
		time.Sleep(5 * time.Second)
		expect(t, "line", b.take(), "siren!-@3s siren!-@6.1s siren-@6.2s siren+@6.2s")
	})
}

func TestServiceFeedback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, door("gate"), porch)
		defer b.Close()
		b.take()
		b.Feedback("door", false, true)
		b.Feedback("window", true, true)
		b.do(Request{Relay: "gate", Verb: SetOn})
		time.Sleep(200 * ms)
		b.Feedback("door", true, true)
		time.Sleep(time.Second)
		b.Feedback("door", false, true)
		time.Sleep(time.Second)
		expect(t, "line", b.take(), "gate+@0s gate-@1.45s")
		expect(t, "on", b.do(pulse("gate", ms)), "dropped: fault")
		expect(t, "clear", b.do(Request{Relay: "gate", Verb: Clear, Who: "ann"}), "begun")
		expect(t, "on", b.do(pulse("gate", ms)), "begun")
		time.Sleep(time.Second)
		b.Feedback("door", true, true)
		time.Sleep(time.Second)
		expect(t, "clear while it says on", b.do(Request{Relay: "gate", Verb: Clear, Who: "ann"}), "dropped: fault")
		b.Feedback("door", false, false)
		expect(t, "clear while it says nothing", b.do(Request{Relay: "gate", Verb: Clear, Who: "ann"}), "begun")
		var faults []string
		for _, c := range b.heardChanges() {
			if c.Fault != "" || c.Who != "" {
				faults = append(faults, c.Fault+"|"+c.Cause)
			}
		}
		want := []string{
			`feedback: the contact door says off while the relay is on|fault: feedback: the contact door says off while the relay is on (set on)`,
			`|fault cleared: by hand: ann`,
			`feedback: the contact door says on while the relay is off|fault: feedback: the contact door says on while the relay is off`,
			`|fault cleared: by hand: ann`,
		}
		if !slices.Equal(faults, want) {
			t.Errorf("faults\n got %q\nwant %q", faults, want)
		}
	})
}

// A device that takes its time is judged from when it was switched.
func TestServiceFeedbackOfASlowDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, door("gate"))
		defer b.Close()
		b.Feedback("door", false, true)
		b.lines["gate"].set(2*time.Second, nil, nil)
		go func() {
			time.Sleep(2100 * ms)
			b.Feedback("door", true, true)
			time.Sleep(4 * time.Second)
			b.Feedback("door", false, true)
		}()
		b.do(Request{Relay: "gate", Verb: SetOn})
		time.Sleep(2 * time.Second)
		b.do(Request{Relay: "gate", Verb: SetOff})
		time.Sleep(2 * time.Second)
		if st, _ := b.State("gate"); st.Fault != "" {
			t.Errorf("state %+v", st)
		}
	})
}

// A contact that is on at the start, with the relay's line off, is welded.
func TestServiceFeedbackAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, door("gate"))
		defer b.Close()
		time.Sleep(10 * time.Second)
		b.Feedback("door", true, true)
		time.Sleep(250 * ms)
		expect(t, "on", b.do(pulse("gate", ms)), "dropped: fault")
	})
}

func TestServiceDailyCap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, capped)
		defer b.Close()
		b.take()
		for range 2 {
			b.do(pulse("gate", time.Second))
			time.Sleep(time.Hour)
		}
		expect(t, "pulse", b.do(pulse("gate", time.Second)), "dropped: daily_cap")
		expect(t, "lease", b.do(Request{Relay: "gate", Verb: LeaseStart, Rule: "r"}), "waits: daily_cap")
		b.take()
		time.Sleep(24 * time.Hour)
		expect(t, "line", b.take(), "gate+@24h0m0s gate-@24h0m5s")
		if st, _ := b.State("gate"); st.Today != 1 {
			t.Errorf("state %+v", st)
		}
	})
}

// What is remembered goes from one Service to the next, also after Close.
func TestServiceRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		specs := []Spec{gate, capped}
		specs[1].Name = "capped"
		var saved *Saved
		open := func() *Service {
			var relays []Config
			for _, spec := range specs {
				relays = append(relays, Config{spec, gpio.NewMemory(nil)})
			}
			s, err := New(relays, Options{Restore: saved})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		shut := func(s *Service) {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			out := carry(t, s.Export())
			saved = &out
		}
		ask := func(s *Service, q Request, want string) {
			t.Helper()
			expect(t, q.Verb.String(), answer(s.Do(t.Context(), q).Verdict), want)
		}

		s := open()
		first := s.Altered()
		for range 15 {
			ask(s, pulse("gate", ms), "begun")
			time.Sleep(time.Second)
		}
		ask(s, pulse("gate", ms), "dropped: fault")
		visit := pulse("capped", time.Second)
		visit.Visit = "gate/#7"
		ask(s, visit, "begun")
		if s.Altered() == first {
			t.Error("not altered")
		}
		shut(s)

		time.Sleep(23 * time.Hour)
		s = open()
		ask(s, pulse("gate", ms), "dropped: fault")
		ask(s, visit, "dropped: visit")
		ask(s, pulse("capped", time.Second), "begun")
		time.Sleep(2 * time.Second)
		ask(s, pulse("capped", time.Second), "dropped: daily_cap")
		ask(s, Request{Relay: "gate", Verb: Clear, Who: "ann"}, "begun")
		shut(s)

		time.Sleep(time.Hour)
		s = open()
		ask(s, pulse("gate", ms), "begun")
		ask(s, pulse("capped", time.Second), "begun")
		shut(s)
	})
}

func TestServiceKeepsChangesInOrderForASlowListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []Change
		s, err := New([]Config{{gate, gpio.NewMemory(nil)}}, Options{OnChange: func(c Change, _ int) {
			time.Sleep(time.Second)
			got = append(got, c)
		}})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			s.Do(context.Background(), pulse("gate", 100*ms))
			time.Sleep(200 * ms)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		expect(t, "changes", levels(got), "gate+0s gate-100ms gate+200ms gate-300ms gate+400ms gate-500ms")
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestServiceWithoutALine(t *testing.T) {
	_, err := New([]Config{{Spec: gate}, {Spec: Spec{Name: "a"}}}, Options{})
	want := `relay "gate": has no line
relay "a": has no line
relay "a": max_on is required and must be over 0`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestServiceUnderLoad(t *testing.T) {
	specs := []Spec{up, down, gate, porch}
	var relays []Config
	var mu sync.Mutex // covers on and problems
	on := map[string]bool{}
	for i := range specs {
		name := specs[i].Name
		specs[i].MinOff, specs[i].InterlockWait = 0, 0
		relays = append(relays, Config{specs[i], gpio.NewMemory(func(level bool) {
			mu.Lock()
			defer mu.Unlock()
			on[name] = level
			if on["up"] && on["down"] {
				t.Error("both interlocked lines are on")
			}
		})})
	}
	s, err := New(relays, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 500 {
				name := specs[(g+i)%len(specs)].Name
				s.Do(t.Context(), Request{Relay: name, Verb: Pulse + Verb((g*7+i)%int(Clear)), Length: ms, Rule: "r", Key: fmt.Sprint(g)})
				s.States()
			}
		})
	}
	all.Wait()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for name, level := range on {
		if level {
			t.Errorf("%s is on after Close", name)
		}
	}
}

func BenchmarkDoToLine(b *testing.B) {
	m := gpio.NewMemory(nil)
	s, err := New([]Config{{gate, m}}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var took []time.Duration
	for b.Loop() {
		// Too many switches would be a fault; this is about the way to the line.
		s.mu.Lock()
		s.bank.relays[0].switches = nil
		s.mu.Unlock()
		start := time.Now()
		s.Do(b.Context(), Request{Relay: "gate", Verb: SetOn})
		took = append(took, time.Since(start))
		if !m.On() {
			b.Fatal("not on")
		}
		s.Do(b.Context(), Request{Relay: "gate", Verb: SetOff})
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
}
