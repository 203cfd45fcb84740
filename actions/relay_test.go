package actions_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/engine"
)

// slowLine is a line on a device that takes its time.
type slowLine struct {
	takes time.Duration
	err   error
	on    bool
}

func (l *slowLine) Set(on bool) error {
	time.Sleep(l.takes)
	if on && l.err != nil {
		return l.err
	}
	l.on = on
	return nil
}

func (l *slowLine) Close() error { return l.Set(false) }

func relayStep(b *bench, id uint64, name string, op engine.RelayOp, pulse time.Duration) engine.Request {
	a := engine.RelayArgs{Relay: name, Op: op, Pulse: pulse}
	return engine.Request{
		Firing: &engine.Firing{ID: id, Rule: &engine.Rule{Name: "r"}, Key: "front/1"},
		Step:   &engine.Step{Args: a, Timeout: 10 * time.Second}, Args: a, Due: b.now(), Expires: b.now() + 3*time.Second,
	}
}

func relays(t *testing.T, now func() time.Duration, configs ...relay.Config) *relay.Service {
	t.Helper()
	s, err := relay.New(configs, relay.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// clock begins now.
func clock() func() time.Duration {
	begin := time.Now()
	return func() time.Duration { return time.Since(begin) }
}

func TestRelayStepsAreAppliedInsideSubmit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &slowLine{takes: 2 * time.Second}
		s := relays(t, clock(),
			relay.Config{Spec: relay.Spec{Name: "siren", MaxOn: time.Hour}, Driver: slow},
			relay.Config{Spec: relay.Spec{Name: "open", MaxOn: time.Hour, Interlock: []string{"close"}}, Driver: &slowLine{}},
			relay.Config{Spec: relay.Spec{Name: "close", MaxOn: time.Hour}, Driver: &slowLine{}},
		)
		time.Sleep(3 * time.Second) // the slow line is off
		b := newBench(t, actions.NewRelay(s))
		b.begin = b.begin.Add(-3 * time.Second)

		b.Submit(relayStep(b, 1, "siren", engine.RelayOn, 0))
		if got := b.now() - 3*time.Second; got != 0 {
			t.Errorf("Submit took %v for a line that takes 2 s", got)
		}
		if st, _ := s.State("siren"); !st.On {
			t.Error("the request was not applied when Submit came back")
		}
		b.Submit(relayStep(b, 2, "open", engine.RelayOn, 0))
		b.Submit(relayStep(b, 3, "close", engine.RelayOn, 0)) // interlocked with the one before
		synctest.Wait()
		b.Submit(relayStep(b, 4, "open", engine.RelayOff, 0))
		for i, want := range []bool{true, false, false} {
			if got := s.States()[i].On; got != want {
				t.Errorf("relay %s on: %v", s.States()[i].Name, got)
			}
		}
		b.shut(t)
		equal(t, b.lines(), []string{
			"3s #2 begun", "3s #3 not begun interlock", "3s #4 begun", "5s #1 begun",
		})
		if err := s.Close(); err == nil {
			t.Error("a line that takes 2 s cannot be released in 1 s")
		}
		time.Sleep(10 * time.Second)
	})
}

func TestAnOffNeverExpiresAndNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := &slowLine{}
		s := relays(t, clock(), relay.Config{Spec: relay.Spec{Name: "lamp", MaxOn: time.Hour}, Driver: line})
		b := newBench(t, actions.NewRelay(s))
		synctest.Wait()
		b.Submit(relayStep(b, 1, "lamp", engine.RelayOn, 0))
		synctest.Wait()
		line.takes = time.Second
		off := relayStep(b, 0, "lamp", engine.RelayOff, 0)
		off.Expires = 1
		on := relayStep(b, 100, "lamp", engine.RelayOn, 0)
		on.Expires = 1
		time.Sleep(time.Minute)
		b.Submit(on)
		// The lane is full of offs that wait for the line, and the next is taken all the same.
		for i := range uint64(70) {
			off.Firing = &engine.Firing{ID: 200 + i, Rule: off.Firing.Rule}
			b.Submit(off)
		}
		if st, _ := s.State("lamp"); st.On {
			t.Error("the lamp is on")
		}
		b.shut(t)
		for i, x := range b.told {
			switch {
			case i == 1 && x.out.Reason != "expired":
				t.Errorf("the on: %+v", x.out)
			case i > 1 && !x.out.Begun:
				t.Errorf("an off was not done: %+v", x.out)
			}
		}
		if len(b.told) != 72 {
			t.Errorf("%d outcomes", len(b.told))
		}
		_ = s.Close()
		time.Sleep(10 * time.Second)
	})
}

func TestWhatBecomesOfARelayStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := relays(t, clock(),
			relay.Config{Spec: relay.Spec{Name: "gate", MaxOn: 5 * time.Second}, Driver: &slowLine{}},
			relay.Config{Spec: relay.Spec{Name: "porch", MaxOn: time.Hour}, Driver: &slowLine{}},
			relay.Config{Spec: relay.Spec{Name: "broken", MaxOn: time.Hour}, Driver: &slowLine{err: errors.New("no such device")}},
		)
		b := newBench(t, actions.NewRelay(s))
		do := func(q engine.Request) { b.Submit(q); synctest.Wait() }

		visit := relayStep(b, 1, "gate", engine.RelayPulse, 800*time.Millisecond)
		visit.Firing.Visit = "gate/#12"
		do(visit)
		do(relayStep(b, 2, "gate", engine.RelayPulse, 800*time.Millisecond))
		time.Sleep(10 * time.Second)
		visit.Firing, visit.Expires = &engine.Firing{ID: 3, Rule: visit.Firing.Rule, Visit: "gate/#12"}, 0
		do(visit)
		visit.Firing = &engine.Firing{ID: 4, Rule: &engine.Rule{Name: "again", Repeat: true}, Visit: "gate/#12"}
		do(visit)
		do(relayStep(b, 5, "nowhere", engine.RelayOn, 0))
		do(relayStep(b, 6, "broken", engine.RelayOn, 0))
		do(relayStep(b, 7, "gate", engine.RelayFollow, 0))

		lease := relayStep(b, 8, "porch", engine.RelayFollow, 0)
		lease.Lease, lease.LeaseOn = true, true
		do(lease)
		if st, _ := s.State("porch"); !st.On || st.Rule != "r" || st.Key != "front/1" {
			t.Errorf("porch after follow: %+v", st)
		}
		lease.LeaseOn, lease.Expires = false, 1
		do(lease)
		if st, _ := s.State("porch"); st.On {
			t.Error("the porch is on after the lease was given back")
		}
		do(relayStep(b, 9, "porch", engine.RelayToggle, 0))
		if st, _ := s.State("porch"); !st.On {
			t.Error("the porch is off after toggle")
		}
		b.shut(t)
		_ = s.Close()
		do(relayStep(b, 10, "gate", engine.RelayOn, 0))
		equal(t, b.lines(), []string{
			"0s #1 begun",
			"0s #2 begun", // merged
			"10s #3 not begun visit",
			"10s #4 begun",
			"10s #5 not begun unknown relay",
			`10s #6 begun relay "broken": cannot be turned on: no such device`,
			`10s #7 not begun relay "gate": follow without a lease`,
			"10s #8 begun", "10s #8 begun", "10s #9 begun",
			"10s #10 not begun stopped",
		})
		if got := b.told[1].rec.Detail; got != "merged" {
			t.Errorf("detail of the second pulse: %q", got)
		}
	})
}

func TestRelayStepOfAnotherKindIsRefused(t *testing.T) {
	h := actions.NewRelay(nil)
	err := h.Action.Do(context.Background(), engine.Request{Args: engine.LogArgs{}})
	if !errors.Is(err, actions.ErrNotBegun) || err.Error() != "not the values of a relay step: engine.LogArgs" {
		t.Errorf("got %v", err)
	}
}
