package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/gpio"
)

// stairs is an appliance with a rule that waits and holds, and no network: its
// switch is a relay that a test says is on or off, its lamp a line that notes when
// it was switched.
type stairs struct {
	*appliance
	end func()

	mu       sync.Mutex // guards switches
	switches []time.Time
	switched chan struct{} // one for each
}

func startStairs(t testing.TB, wait, hold string) *stairs {
	t.Helper()
	text := "rules: [{name: stairs, on: relay, when: 'relay(\"switch\").on', for: " + wait + ", hold: " + hold + ", do: [{relay: lamp, follow: true}]}]"
	rules, problems := rulefile.LoadFiles([]rulefile.File{{Name: "a.yaml", Data: []byte(text)}}, "rules.d", openSite())
	if rulefile.Failed(problems) {
		t.Fatal(problems)
	}
	s := &stairs{switched: make(chan struct{}, 1000)}
	lamp := gpio.NewMemory(func(bool) {
		s.mu.Lock()
		s.switches = append(s.switches, time.Now())
		s.mu.Unlock()
		s.switched <- struct{}{}
	})
	a, err := newAppliance(parts{
		site: &config.Site{}, rules: rules, log: slog.New(slog.DiscardHandler),
		relays: []relay.Config{{Spec: relay.Spec{Name: "lamp", MaxOn: time.Hour}, Driver: lamp}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.appliance = a
	ctx, cancel := context.WithCancel(context.Background())
	go a.loop(ctx)
	s.end = func() {
		cancel()
		<-a.stopped
		a.closeRunner()
		if err := a.closeRelays(); err != nil {
			t.Error(err)
		}
	}
	s.flip(false) // the first value is no event
	return s
}

// flip turns the switch and gives the moment.
func (s *stairs) flip(on bool) time.Time {
	s.inbox.put(input{relay: &relay.Change{Relay: "switch", On: on}})
	return time.Now()
}

// last waits for the lamp to be switched and gives the moment.
func (s *stairs) last() time.Time {
	<-s.switched
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.switches[len(s.switches)-1]
}

// TestTheLoopKeepsForAndHoldByItself: no event comes at the moments at which a
// rule becomes active and ends. In virtual time they are kept exactly.
func TestTheLoopKeepsForAndHoldByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startStairs(t, "2s", "90s")
		defer s.end()
		synctest.Wait()
		for range 3 {
			begun := s.flip(true)
			if took := s.last().Sub(begun); took != 2*time.Second {
				t.Errorf("the lamp went on after %v, want 2s", took)
			}
			begun = s.flip(false)
			if took := s.last().Sub(begun); took != 90*time.Second {
				t.Errorf("the lamp went off after %v, want 1m30s", took)
			}
		}
	})
}

// BenchmarkForAndHold is how much later than due the relay is switched, on the
// real clock. The promise is 50 ms.
func BenchmarkForAndHold(b *testing.B) {
	const due = 20 * time.Millisecond
	var late []time.Duration
	var s *stairs
	for i := 0; b.Loop(); i++ {
		if i%14 == 0 { // a relay that switches more than 30 times a minute is at fault
			if s != nil {
				s.end()
			}
			s = startStairs(b, due.String(), due.String())
		}
		for _, on := range []bool{true, false} {
			begun := s.flip(on)
			late = append(late, s.last().Sub(begun)-due)
		}
	}
	s.end()
	slices.Sort(late)
	b.ReportMetric(float64(late[len(late)/2].Microseconds()), "p50-µs-late")
	b.ReportMetric(float64(late[len(late)*99/100].Microseconds()), "p99-µs-late")
	b.ReportMetric(float64(late[len(late)-1].Microseconds()), "max-µs-late")
}
