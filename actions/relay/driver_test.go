package relay

import (
	"errors"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/gpio"
)

// testDriver is a line as TestDriver has it: what is driven, and how to see it.
type testDriver struct {
	Driver
	on func() bool // the level at the line itself
}

// device is an output of something on the network: it takes its time, fails as
// often as it is told to, and its Close is but an off.
type device struct {
	takes time.Duration

	mu    sync.Mutex // covers what follows
	on    bool
	fails int // so many calls yet
}

func (d *device) Set(on bool) error {
	time.Sleep(d.takes)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails > 0 {
		d.fails--
		return errors.New("no route to host")
	}
	d.on = on
	return nil
}

func (d *device) Close() error { return d.Set(false) }

func (d *device) level() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.on
}

// TestDriver holds every kind of line to the same sentences. A real one runs
// where SALLYPORT_GPIO names a chip whose line 0 is free and wired to nothing
// (SALLYPORT_GPIO_LINE: another one).
func TestDriver(t *testing.T) {
	kinds := []struct {
		name  string
		fails int // how often it fails before it works
		open  func(t *testing.T) testDriver
	}{
		{"memory", 0, func(*testing.T) testDriver {
			m := gpio.NewMemory(nil)
			return testDriver{m, m.On}
		}},
		{"device", 0, func(*testing.T) testDriver {
			d := &device{}
			return testDriver{d, d.level}
		}},
		{"slow device", 0, func(*testing.T) testDriver {
			d := &device{takes: 300 * ms}
			return testDriver{d, d.level}
		}},
		{"failing device", 2, func(*testing.T) testDriver {
			d := &device{fails: 2, on: true}
			return testDriver{d, d.level}
		}},
		{"slow and failing device", 2, func(*testing.T) testDriver {
			d := &device{takes: 700 * ms, fails: 2, on: true}
			return testDriver{d, d.level}
		}},
	}
	if chip := os.Getenv("SALLYPORT_GPIO"); chip != "" {
		for _, low := range []bool{false, true} {
			kinds = append(kinds, struct {
				name  string
				fails int
				open  func(t *testing.T) testDriver
			}{"chip, active low " + strconv.FormatBool(low), 0, func(t *testing.T) testDriver {
				offset, _ := strconv.Atoi(os.Getenv("SALLYPORT_GPIO_LINE"))
				out, err := gpio.OpenOutput(gpio.OutputConfig{Chip: chip, Line: offset, ActiveLow: low})
				if err != nil {
					t.Fatal(err)
				}
				return testDriver{out, func() bool {
					on, _ := out.On()
					return on
				}}
			}})
		}
	}
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			for _, c := range []struct {
				name string
				test func(t *testing.T, d testDriver, fails int)
			}{
				{"set is safe to repeat", repeatsSet},
				{"a service sets it off first, pulses it, and ends it", servesDriver},
				{"max_on holds", holdsMaxOn},
				{"closing turns it off", closesOff},
				{"Off turns it off", turnsOff},
			} {
				t.Run(c.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { c.test(t, kind.open(t), kind.fails) })
				})
			}
		})
	}
}

func repeatsSet(t *testing.T, d testDriver, fails int) {
	for range fails {
		if d.Set(false) == nil {
			t.Error("did not fail")
		}
	}
	for _, on := range []bool{false, false, true, true, false, false, true} {
		if err := d.Set(on); err != nil {
			t.Fatal(err)
		}
		if d.on() != on {
			t.Errorf("after Set(%v) it is %v", on, d.on())
		}
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// serve makes a service of the line and waits until it is off and may go on.
func serve(t *testing.T, d testDriver) *Service {
	t.Helper()
	s, err := New([]Config{{gate, d}, {porch, gpio.NewMemory(nil)}}, Options{StartWait: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * time.Second)
	if d.on() {
		t.Error("not off after the start")
	}
	return s
}

// finish closes the service: its line is off within the time that a stop has.
func finish(t *testing.T, s *Service, d testDriver) {
	t.Helper()
	start := time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took >= time.Second {
		t.Errorf("Close took %v", took)
	}
	if _, chip := d.Driver.(*gpio.Output); chip {
		return // it is released, and not ours to look at
	}
	time.Sleep(10 * time.Second)
	if d.on() {
		t.Error("on after Close")
	}
}

func servesDriver(t *testing.T, d testDriver, _ int) {
	s := serve(t, d)
	defer finish(t, s, d)
	out := s.Do(t.Context(), pulse("gate", 2*time.Second))
	if !out.Begun || out.Err != nil || !d.on() {
		t.Errorf("on: %+v, level %v", out, d.on())
	}
	if st, _ := s.State("gate"); !st.On || st.Fault != "" {
		t.Errorf("state %+v", st)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	time.Sleep(4 * time.Second)
	if d.on() {
		t.Error("on after the pulse")
	}
	s.Do(t.Context(), Request{Relay: "gate", Verb: SetOn})
	if out := s.Do(t.Context(), Request{Relay: "gate", Verb: SetOff}); out.Err != nil || d.on() {
		t.Errorf("off: %+v, level %v", out, d.on())
	}
}

func holdsMaxOn(t *testing.T, d testDriver, _ int) {
	s := serve(t, d)
	defer finish(t, s, d)
	s.Do(t.Context(), Request{Relay: "gate", Verb: SetOn})
	time.Sleep(gate.MaxOn + time.Second)
	if d.on() {
		t.Error("on after max_on")
	}
}

func closesOff(t *testing.T, d testDriver, _ int) {
	s := serve(t, d)
	s.Do(t.Context(), Request{Relay: "gate", Verb: SetOn})
	if !d.on() {
		t.Error("not on")
	}
	finish(t, s, d)
}

func turnsOff(t *testing.T, d testDriver, _ int) {
	if errs := Off(t.Context(), []Config{{gate, d}}, 3*time.Second); errs[0] != nil {
		t.Error(errs[0])
	}
	if _, chip := d.Driver.(*gpio.Output); !chip && d.on() {
		t.Error("on after Off")
	}
}

// A device that is at work for seconds delays no other relay, and all can be
// asked for their states meanwhile.
func TestADeviceThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		siren := Spec{Name: "siren", MaxOn: time.Minute}
		b := newBench(t, nil, siren, gate, porch)
		defer b.Close()
		b.take()
		b.do(Request{Relay: "siren", Verb: SetOn, Who: "ann"})
		b.lines["siren"].set(4*time.Second, nil, errors.New("timeout"))
		b.take()

		// It takes 4 s to fail to go off, and is tried again 100 ms later.
		off := b.Begin(Request{Relay: "siren", Verb: SetOff, Who: "bob"})
		for i := range 10 {
			time.Sleep(time.Second)
			start := time.Now()
			expect(t, "the gate", b.do(pulse("gate", 200*ms)), "begun")
			b.Feedback("door", i%2 == 0, true)
			b.Export()
			for _, st := range b.States() {
				if st.Cause == "" && st.Name != "porch" {
					t.Errorf("no cause: %+v", st)
				}
				if st.Name == "gate" && !st.On {
					t.Errorf("state %+v", st)
				}
			}
			if took := time.Since(start); took != 0 {
				t.Errorf("took %v", took)
			}
			want := "dropped: min_off" // its off is still on its way
			if i >= 3 {
				want = "dropped: fault"
			}
			on := b.Begin(Request{Relay: "siren", Verb: SetOn})
			expect(t, "an on", answer(on(t.Context()).Verdict), want)
			expect(t, "a pulse", b.do(pulse("siren", ms)), want)
			b.do(Request{Relay: "porch", Verb: Toggle})
		}
		st, _ := b.State("siren")
		if !st.On || st.Cause != "fault: cannot be turned off: timeout" || st.Fault != "cannot be turned off: timeout" {
			t.Errorf("state %+v", st)
		}
		if out := off(t.Context()); out.Err == nil || out.Err.Error() != `relay "siren": cannot be turned off: timeout` {
			t.Errorf("outcome %+v", out)
		}
		b.lines["siren"].set(0, nil, nil)
		time.Sleep(5 * time.Second)
		expect(t, "lines", b.take(), "gate+@1s porch+@1s gate-@1.2s gate+@2s porch-@2s gate-@2.2s gate+@3s porch+@3s gate-@3.2s siren!-@4s "+
			"gate+@4s porch-@4s gate-@4.2s gate+@5s porch+@5s gate-@5.2s gate+@6s porch-@6s gate-@6.2s gate+@7s porch+@7s gate-@7.2s "+
			"gate+@8s porch-@8s siren!-@8.1s gate-@8.2s gate+@9s porch+@9s gate-@9.2s gate+@10s porch-@10s gate-@10.2s siren!-@12.2s siren-@12.3s")
		expect(t, "still a fault", b.do(pulse("siren", ms)), "dropped: fault")
		expect(t, "cleared", b.do(Request{Relay: "siren", Verb: Clear, Who: "bob"}), "begun")
		expect(t, "on", b.do(pulse("siren", ms)), "begun")
	})
}
