package relay

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/gpio"
)

// after gives a channel that is closed after a time.
func after(d time.Duration) <-chan struct{} {
	ch := make(chan struct{})
	time.AfterFunc(d, func() { close(ch) })
	return ch
}

func TestReadyIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, gate)
		defer b.Close()
		b.take()
		q := pulse("gate", 800*ms)
		q.Ready = after(20 * ms)
		if out := b.Do(t.Context(), q); out != (Outcome{Verdict: Verdict{Begun: true}}) {
			t.Errorf("outcome %+v", out)
		}
		time.Sleep(time.Second)
		expect(t, "line", b.take(), "gate+@20ms gate-@820ms")

		q.Ready = after(0)
		synctest.Wait()
		if out := b.Do(t.Context(), q); out.Unrecorded {
			t.Errorf("outcome %+v", out)
		}
		expect(t, "line, with a record that is there already", b.take(), "gate+@1.02s")
	})
}

func TestReadyThatDoesNotCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, gate, porch)
		defer b.Close()
		b.take()
		q := pulse("gate", 800*ms)
		q.Ready = make(chan struct{})
		go func() {
			time.Sleep(10 * ms)
			b.do(Request{Relay: "porch", Verb: SetOn})
		}()
		if out := b.Do(t.Context(), q); !out.Unrecorded || !out.Begun || out.Err != nil {
			t.Errorf("outcome %+v", out)
		}
		expect(t, "lines", b.take(), "porch+@10ms gate+@50ms")

		time.Sleep(time.Second)
		b.take()
		b.lines["gate"].set(0, errors.New("input/output error"), nil)
		if out := b.Do(t.Context(), q); !out.Unrecorded || out.Err == nil {
			t.Errorf("outcome of an on that fails %+v", out)
		}
	})
}

func TestReadyOfAShortPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, gate)
		defer b.Close()
		b.take()
		q := pulse("gate", 40*ms)
		q.Ready = make(chan struct{})
		if out := b.Do(t.Context(), q); !out.Unrecorded {
			t.Errorf("outcome %+v", out)
		}
		time.Sleep(time.Second)
		expect(t, "line", b.take(), "gate+@50ms gate-@90ms")
	})
}

func TestReadyIsOvertakenByAnOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, gate)
		defer b.Close()
		b.take()
		q := pulse("gate", 800*ms)
		q.Ready, q.Visit = after(40*ms), "gate/#1"
		wait := b.Begin(q)
		time.Sleep(10 * ms)
		off := Request{Relay: "gate", Verb: SetOff, Ready: make(chan struct{})}
		expect(t, "off", b.do(off), "begun")
		expect(t, "line", b.take(), "gate-@10ms")
		expect(t, "on", answer(wait(t.Context()).Verdict), "dropped: overtaken")
		time.Sleep(time.Second)
		expect(t, "line later", b.take(), "")
		if st, _ := b.State("gate"); st.Today != 0 {
			t.Errorf("counted %d times", st.Today)
		}
		expect(t, "the visit has its pulse", b.do(q), "begun")
	})
}

func TestReadyAndTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, gate)
		defer b.Close()
		b.take()
		q := pulse("gate", 800*ms)
		q.Ready, q.Expires = after(40*ms), 30*ms
		expect(t, "on", b.do(q), "dropped: expired")
		time.Sleep(time.Second)
		expect(t, "line", b.take(), "gate-@40ms")
	})
}

func TestReadyOfALeaseThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, slow)
		defer b.Close()
		b.take()
		time.Sleep(2980 * ms)
		expect(t, "lease", b.do(Request{Relay: "gate", Verb: LeaseStart, Rule: "r", Ready: after(40 * ms)}), "waits: min_off")
		time.Sleep(time.Second)
		expect(t, "line", b.take(), "gate+@3.02s")
	})
}

func TestReadyAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, gate)
		b.take()
		q := pulse("gate", 800*ms)
		q.Ready = make(chan struct{})
		wait := b.Begin(q)
		synctest.Wait()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		expect(t, "on", answer(wait(t.Context()).Verdict), "dropped: overtaken")
		expect(t, "line", b.take(), "gate-@0s gate.@0s")
	})
}

func TestPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, gate, porch)
		ping := func(limit time.Duration) string {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			if err := b.Ping(ctx); err != nil {
				return err.Error()
			}
			return "alive"
		}
		expect(t, "ping", ping(time.Second), "alive")
		expect(t, "again", ping(time.Second), "alive")

		// One that waits for a record is alive.
		q := pulse("gate", 800*ms)
		q.Ready = make(chan struct{})
		b.Begin(q)
		synctest.Wait()
		start := time.Now()
		expect(t, "while an on waits", ping(time.Second), "alive")
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v", took)
		}

		b.lines["porch"].set(5*time.Second, nil, nil)
		go b.do(Request{Relay: "porch", Verb: SetOn})
		synctest.Wait()
		for range 3 {
			expect(t, "while a device is at work", ping(time.Second), `relay "porch": its owner did not answer: context deadline exceeded`)
		}
		expect(t, "once it is done", ping(10*time.Second), "alive")

		b.lines["porch"].set(0, nil, errors.New("no"))
		b.do(Request{Relay: "porch", Verb: SetOff})
		expect(t, "between tries", ping(time.Second), "alive")
		b.lines["porch"].set(0, nil, nil)
		time.Sleep(time.Second)
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		expect(t, "after Close", ping(time.Second), "the relays are closed")
	})
}

// A camera that died with a pulse on its way: the on is tried in vain, and the off
// after it. The owner answers between the two, so a watchdog restarts nothing.
func TestPingBetweenTheTriesOfADeadDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, porch)
		defer b.Close()
		b.lines["porch"].set(3*time.Second, errors.New("no answer"), errors.New("no answer"))
		b.Begin(Request{Relay: "porch", Verb: SetOn})
		synctest.Wait()
		start := time.Now()
		if err := b.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		expect(t, "answered after", time.Since(start).String(), "3s")
		b.lines["porch"].set(0, nil, nil)
		time.Sleep(4 * time.Second)
	})
}

// What hangs with the lock in its hands is found, too.
func TestPingWhenEverythingHangs(t *testing.T) {
	var hang atomic.Bool
	inside, end := make(chan struct{}, 100), make(chan struct{})
	s, err := New([]Config{{gate, gpio.NewMemory(nil)}}, Options{Now: func() time.Duration {
		if hang.Load() {
			inside <- struct{}{}
			<-end
		}
		return time.Second
	}})
	if err != nil {
		t.Fatal(err)
	}
	hang.Store(true)
	go s.States()
	<-inside
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	want := "relays: nothing answered: context canceled"
	if err := s.Ping(ctx); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	hang.Store(false)
	close(end)
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
