package relay

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// site checks, at the lines themselves, what must never happen there.
type site struct {
	t    *testing.T
	seed uint64
	c    *checker // only for the interlocks and the specs

	mu  sync.Mutex // covers rnd and the lines
	rnd *rand.Rand
}

// shaky is a line that is slow and fails at random. It counts as on from the
// moment it is asked on until it was set off.
type shaky struct {
	*site
	name   string
	bad    bool // slow and failing, else neither
	on     bool
	onAt   time.Time
	onDone time.Time // when the line said that it is on
	asked  bool      // asked off since
	offAt  time.Time
	ons    int
	wasOn  bool
	others map[string]*shaky
}

func (l *shaky) fail(format string, args ...any) {
	l.t.Errorf("seed %d: %s: %s", l.seed, l.name, fmt.Sprintf(format, args...))
}

func (l *shaky) Set(on bool) error {
	l.mu.Lock()
	now, spec := time.Now(), l.c.relays[l.name]
	if on {
		if l.on {
			l.fail("turned on while it is on")
		}
		if l.wasOn && now.Sub(l.offAt) < spec.spec.MinOff {
			l.fail("on %v after its off", now.Sub(l.offAt))
		}
		for name, wait := range spec.waits {
			if o := l.others[name]; o.on || o.wasOn && now.Sub(o.offAt) < wait {
				l.fail("on against %s", name)
			}
		}
		if l.ons++; spec.spec.DailyCap > 0 && l.ons > spec.spec.DailyCap {
			l.fail("on for the %d. time in a day", l.ons)
		}
		l.on, l.wasOn, l.asked, l.onAt, l.onDone = true, true, false, now, now
	} else if l.on && !l.asked {
		l.asked = true
		if over := min(now.Sub(l.onAt)-spec.spec.MaxOn, now.Sub(l.onDone)); over > 0 {
			l.fail("on for %v longer than max_on", over)
		}
	}
	takes, fails := time.Duration(0), false
	if l.bad && l.rnd.IntN(3) == 0 {
		takes = time.Duration(l.rnd.IntN(700)) * ms
	}
	if l.bad && l.rnd.IntN(20) == 0 {
		fails = true
	}
	l.mu.Unlock()
	time.Sleep(takes)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case on:
		l.onDone = time.Now()
	case !fails:
		l.on, l.offAt = false, time.Now()
	}
	if fails {
		return errors.New("input/output error")
	}
	return nil
}

// says is what a contact would.
func (l *shaky) says() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.on
}

func (l *shaky) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.on && !l.bad {
		l.fail("released while it is on")
	}
	return nil
}

// TestRandomLines asks at random for relays with lines that are slow and fail.
func TestRandomLines(t *testing.T) {
	for seed := range uint64(*timelines / 50) {
		synctest.Test(t, func(t *testing.T) { askRandom(t, seed) })
		if t.Failed() {
			return
		}
	}
}

func askRandom(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 2))
	specs := randomSpecs(rnd)
	st := &site{t: t, seed: seed, c: newChecker(specs), rnd: rand.New(rand.NewPCG(seed, 3))}
	lines := map[string]*shaky{}
	var relays []Config
	for _, spec := range specs {
		lines[spec.Name] = &shaky{site: st, name: spec.Name, bad: rnd.IntN(2) == 0, others: lines}
		relays = append(relays, Config{spec, lines[spec.Name]})
	}
	start := time.Now()
	s, err := New(relays, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 100 {
		time.Sleep(time.Duration(rnd.IntN(8)) * 100 * ms)
		q := randomRequest(rnd, specs, time.Since(start))
		switch rnd.IntN(6) {
		case 0:
			q.Ready = after(time.Duration(rnd.IntN(80)) * ms)
		case 1:
			q.Ready = make(chan struct{}) // it never comes
		case 2:
			l := lines[q.Relay]
			s.Feedback(l.c.relays[q.Relay].spec.Feedback, l.says(), rnd.IntN(4) > 0)
		}
		all.Go(func() { s.Do(t.Context(), q) })
	}
	all.Wait()
	time.Sleep(time.Minute)
	for _, state := range s.States() {
		if state.On {
			t.Errorf("seed %d: %s is on a minute later: %+v", seed, state.Name, state)
		}
	}
	s.Close()
}
