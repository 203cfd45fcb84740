package contact

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/gpio"
)

// log writes down what a Service says.
type log struct {
	mu       sync.Mutex
	changes  []Change
	heard    []time.Time // when, per change
	problems []string
}

func (l *log) options() Options {
	return Options{
		OnChange: func(c Change) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.changes, l.heard = append(l.changes, c), append(l.heard, time.Now())
		},
		Problem: func(contact, problem string) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.problems = append(l.problems, contact+": "+problem)
		},
	}
}

// take gives the changes since the last call, as "door on", once everybody has
// come to rest.
func (l *log) take() []string {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []string
	for _, c := range l.changes {
		list = append(list, c.Name+" "+word(c.On, c.Known))
	}
	l.changes, l.heard = nil, nil
	return list
}

// said gives the problems since the last call.
func (l *log) said() []string {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.problems
	l.problems = nil
	return list
}

func word(on, known bool) string {
	switch {
	case !known && on:
		return "unknown, but on"
	case !known:
		return "unknown"
	case on:
		return "on"
	}
	return "off"
}

func must(t *testing.T, contacts []Contact, o Options) *Service {
	t.Helper()
	s, err := New(contacts, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func same[T any](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.EqualFunc(got, want, func(a, b T) bool { return reflect.DeepEqual(a, b) }) {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

func TestFirstLevelsThenChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l log
		door, bell := gpio.NewMemoryInput(0), gpio.NewMemoryInput(0)
		bell.Set(true)
		start := time.Now()
		s := must(t, []Contact{{Name: "door", Memory: door}, {Name: "bell", Memory: bell}}, l.options())
		if len(l.changes) != 2 {
			t.Fatalf("when New returned %d first levels were told, want 2", len(l.changes))
		}
		same(t, "first", l.take(), []string{"door off", "bell on"})
		time.Sleep(10 * time.Second)
		same(t, "nothing happened", l.take(), nil)

		for _, on := range []bool{true, false, true} { // a quick one is seen whole
			door.Set(on)
		}
		same(t, "door", l.take(), []string{"door on", "door off", "door on"})
		time.Sleep(time.Second)
		bell.Set(false)
		same(t, "bell", l.take(), []string{"bell off"})
		same(t, "states", s.States(), []State{
			{Name: "door", On: true, Known: true, Since: start.Add(10 * time.Second)},
			{Name: "bell", Known: true, Since: start.Add(11 * time.Second)},
		})
		same(t, "problems", l.said(), nil)
	})
}

func TestTimesAreThoseOfTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l log
		o := l.options()
		note, busy := o.OnChange, make(chan struct{})
		o.OnChange = func(c Change) {
			note(c)
			if c.On {
				<-busy
			}
		}
		door := gpio.NewMemoryInput(20 * time.Millisecond)
		must(t, []Contact{{Name: "door", Memory: door}}, o)
		start := time.Now()
		door.Set(true)
		time.Sleep(time.Second)
		door.Set(false)
		time.Sleep(time.Hour)
		close(busy)
		synctest.Wait()
		var at []time.Duration
		for _, c := range l.changes {
			at = append(at, c.At.Sub(start))
		}
		same(t, "a debounced door with a busy listener", at, []time.Duration{0, 20 * time.Millisecond, 1020 * time.Millisecond})
	})
}

func TestALostLineIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l log
		door := gpio.NewMemoryInput(0)
		door.Set(true)
		s := must(t, []Contact{{Name: "door", Memory: door}}, l.options())
		same(t, "first", l.take(), []string{"door on"})

		time.Sleep(500 * time.Millisecond)
		door.Break(errors.New("input/output error"))
		same(t, "lost", l.take(), []string{"door unknown"})
		same(t, "lost", l.said(), []string{"door: cannot be read any more and is unknown; it is tried again every second: input/output error"})
		if got := s.States()[0]; got.Known || got.On || time.Since(got.Since) != 0 {
			t.Errorf("lost: %+v", got)
		}
		door.Set(false)
		door.Set(true)
		time.Sleep(time.Hour)
		same(t, "still lost", l.take(), nil)
		same(t, "still lost", l.said(), nil)

		door.Break(nil)
		time.Sleep(time.Second)
		same(t, "had again", l.take(), []string{"door on"})
		same(t, "had again", l.said(), []string{"door: can be read again"})
		door.Set(false)
		same(t, "as ever", l.take(), []string{"door off"})
	})
}

// TestALineThatComesAndGoes is told of as it is, but spoken of once a minute.
func TestALineThatComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l log
		door := gpio.NewMemoryInput(0)
		must(t, []Contact{{Name: "door", Memory: door}}, l.options())
		l.take()
		time.Sleep(500 * time.Millisecond) // between two tries
		for range 90 {
			door.Break(errors.New("loose"))
			time.Sleep(time.Second)
			door.Break(nil)
			time.Sleep(time.Second)
		}
		changes := l.take()
		if n := len(changes); n < 170 || n > 181 || changes[n-1] != "door off" {
			t.Errorf("%d changes, the last %s, want one for each time", n, changes[n-1])
		}
		lost, had := "door: cannot be read any more and is unknown; it is tried again every second: loose", "door: can be read again"
		same(t, "in three minutes", l.said(), []string{lost, had, lost, had, lost, had})

		door.Break(errors.New("torn")) // right after one that was spoken of
		time.Sleep(2 * time.Minute)
		same(t, "lost for good", l.said(), []string{"door: cannot be read any more and is unknown; it is tried again every second: torn"})
	})
}

func TestChatter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l log
		door, bell := gpio.NewMemoryInput(0), gpio.NewMemoryInput(0)
		s := must(t, []Contact{{Name: "door", Memory: door}, {Name: "bell", Memory: bell}}, l.options())
		l.take()
		level := false
		const seconds = 130
		for range seconds * 300 {
			level = !level
			door.Set(level)
			time.Sleep(time.Second / 301)
		}
		if level {
			t.Fatal("the level should end off")
		}
		door.Set(true)
		last := time.Now()
		time.Sleep(time.Second / Rate)
		synctest.Wait()

		l.mu.Lock()
		n := len(l.changes)
		if n > seconds*Rate+Burst || n < seconds*Rate*9/10 {
			t.Errorf("%d changes in %d s, want %d a second", n, seconds, Rate)
		}
		for i := range n {
			if i > 0 && l.changes[i].On == l.changes[i-1].On {
				t.Fatalf("change %d is none", i)
			}
			if i > 0 && l.changes[i].At.Before(l.changes[i-1].At) {
				t.Fatalf("change %d is out of order", i)
			}
			if late := l.heard[i].Sub(l.changes[i].At); late > time.Second/Rate {
				t.Fatalf("change %d is %v late", i, late)
			}
			if j := i + Rate + Burst; j < n && l.heard[j].Sub(l.heard[i]) < time.Second {
				t.Fatalf("%d changes within %v", j-i, l.heard[j].Sub(l.heard[i]))
			}
		}
		if c := l.changes[n-1]; !c.On || l.heard[n-1].Sub(last) > time.Second/Rate {
			t.Errorf("the last level is told as %v, %v late", c.On, l.heard[n-1].Sub(last))
		}
		l.mu.Unlock()
		l.take()

		state := s.States()[0]
		if total := uint64(seconds*300 + 1); !state.On || state.Missed != 0 || state.Dropped+uint64(n) != total {
			t.Errorf("%d changes told of %d, %+v", n, total, state)
		}
		said := l.said()
		if len(said) != 3 { // in the first second, after a minute, after two
			t.Fatalf("said %q", said)
		}
		var out, sum uint64
		for _, p := range said {
			if _, err := fmt.Sscanf(p, "door: chatters: %d changes were left out", &out); err != nil {
				t.Error(err)
			}
			sum += out
		}
		want := fmt.Sprintf("door: chatters: %d changes were left out, for at most 50 a second are handed on: look at the wiring, or make its debounce longer", out)
		if said[2] != want || sum > state.Dropped || sum < state.Dropped*9/10 {
			t.Errorf("%d of %d dropped changes were spoken of:\n got %s\nwant %s", sum, state.Dropped, said[2], want)
		}

		time.Sleep(time.Minute)
		same(t, "the rest is spoken of when the minute is over", []int{len(l.said())}, []int{1})
		time.Sleep(time.Hour)
		same(t, "at rest", l.said(), nil)
		same(t, "at rest", l.take(), nil)
		bell.Set(true)
		same(t, "the other", l.take(), []string{"bell on"})
	})
}

// TestSlowListener: while one contact's change is being taken, changes wait or
// are counted, the last level comes, and other contacts do not notice.
func TestSlowListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l log
		o := l.options()
		note, busy := o.OnChange, make(chan struct{})
		o.OnChange = func(c Change) {
			note(c)
			if c.Name == "door" && c.On {
				<-busy
			}
		}
		door, bell := gpio.NewMemoryInput(0), gpio.NewMemoryInput(0)
		s := must(t, []Contact{{Name: "door", Memory: door}, {Name: "bell", Memory: bell}}, o)
		l.take()
		door.Set(true)
		same(t, "one is being taken", l.take(), []string{"door on"})
		for range 1000 {
			door.Set(false)
			door.Set(true)
		}
		door.Set(false)
		bell.Set(true)
		same(t, "the other comes through", l.take(), []string{"bell on"})
		close(busy)
		time.Sleep(time.Second)
		got := l.take()
		if n := len(got); n == 0 || n > Rate+Burst || got[n-1] != "door off" {
			t.Errorf("afterwards %d changes came, want the last to be off: %v", n, got)
		}
		state := s.States()[0]
		// After the gap comes a level that was told already, which is no change.
		if sum := state.Missed + state.Dropped + uint64(len(got)); state.Missed == 0 || state.On || sum < 2000 || sum > 2001 {
			t.Errorf("%d told afterwards of 2001, %+v", len(got), state)
		}
	})
}

// TestLostWhileChattering: the level that waits is not handed on after that the
// contact is unknown.
func TestLostWhileChattering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l log
		door := gpio.NewMemoryInput(0)
		must(t, []Contact{{Name: "door", Memory: door}}, l.options())
		l.take()
		for i := range 2*Burst + 1 {
			door.Set(i%2 == 0)
		}
		door.Break(errors.New("torn"))
		got := l.take()
		if len(got) != Burst+1 || got[Burst] != "door unknown" {
			t.Errorf("got %v", got)
		}
		time.Sleep(30 * time.Second)
		same(t, "afterwards", l.take(), nil)
	})
}

// chip is a chip in memory, whose lines can be taken away.
type chip struct {
	mu    sync.Mutex
	lines map[int]*gpio.MemoryInput // those that are open
	gone  error
}

func (c *chip) open(cfg gpio.InputConfig) (input, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone != nil {
		return nil, c.gone
	}
	if c.lines[cfg.Line] != nil {
		return nil, fmt.Errorf("line %d is busy", cfg.Line)
	}
	m := gpio.NewMemoryInput(cfg.Debounce)
	c.lines[cfg.Line] = m
	return chipLine{m, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.lines, cfg.Line)
	}}, nil
}

type chipLine struct {
	*gpio.MemoryInput
	closed func()
}

func (l chipLine) Close() error {
	l.closed()
	return l.MemoryInput.Close()
}

func TestALostLineIsOpenedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l log
		c := &chip{lines: make(map[int]*gpio.MemoryInput)}
		s, err := start([]Contact{{Name: "door", Line: gpio.InputConfig{Line: 24}}}, l.options(), c.open)
		if err != nil {
			t.Fatal(err)
		}
		l.take()
		old := c.lines[24]
		for range 500 {
			old.Set(true)
			old.Set(false)
		}
		time.Sleep(time.Second)
		if got := l.take(); got[len(got)-1] != "door off" {
			t.Errorf("got %v", got)
		}
		l.said()
		missed := s.States()[0].Missed
		c.mu.Lock()
		c.gone = errors.New("no such device")
		c.mu.Unlock()
		old.Break(c.gone)
		same(t, "gone", l.take(), []string{"door unknown"})
		if len(c.lines) > 0 {
			t.Error("the line that is gone is still held")
		}
		time.Sleep(10 * time.Second)
		c.mu.Lock()
		c.gone = nil
		c.mu.Unlock()
		time.Sleep(time.Second)
		same(t, "back", l.take(), []string{"door off"})
		c.lines[24].Set(true)
		same(t, "works", l.take(), []string{"door on"})
		if got := s.States()[0].Missed; got != missed || missed == 0 {
			t.Errorf("%d missed before, %d afterwards", missed, got)
		}
		s.Close()
		if len(c.lines) > 0 {
			t.Error("Close leaves the line held")
		}
	})
}

func TestNewSaysAllThatIsWrong(t *testing.T) {
	var l log
	c := &chip{lines: make(map[int]*gpio.MemoryInput)}
	broken, fine := gpio.NewMemoryInput(0), gpio.NewMemoryInput(0)
	broken.Break(errors.New("input/output error"))
	_, err := start([]Contact{
		{Name: "door", Line: gpio.InputConfig{Line: 24}},
		{Name: "bell", Line: gpio.InputConfig{Line: 24}},
		{Name: "beam", Memory: broken},
		{Name: "door", Memory: fine},
		{Line: gpio.InputConfig{Line: 25}},
	}, l.options(), c.open)
	want := strings.Join([]string{
		`contact "bell": line 24 is busy`,
		`contact "beam": input/output error`,
		`contact "door": is there twice`,
		`contact "": has no name`,
	}, "\n")
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if len(c.lines) > 0 {
		t.Error("a line is still held")
	}
	if len(l.changes) > 0 {
		t.Errorf("told %v", l.changes)
	}
	if _, err := New(nil, Options{}); err == nil || err.Error() != "contact: OnChange is required" {
		t.Errorf("without OnChange: %v", err)
	}
	if _, err := New([]Contact{{Name: "x", Line: gpio.InputConfig{Chip: "null", Line: 3}}}, l.options()); err == nil ||
		!strings.HasPrefix(err.Error(), `contact "x": null line 3: `) {
		t.Errorf("a chip that is none: %v", err)
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l log
		door := gpio.NewMemoryInput(0)
		s := must(t, []Contact{{Name: "door", Memory: door}}, l.options())
		for i := range 2*Burst + 1 { // one waits for its slot
			door.Set(i%2 == 0)
		}
		synctest.Wait()
		s.Close()
		l.take()
		door.Set(false)
		time.Sleep(time.Minute)
		same(t, "after Close", l.take(), nil)
		s.Close()
		if err := door.Close(); err != nil {
			t.Errorf("the line in memory is the caller's, but: %v", err)
		}
		if got := s.States(); len(got) != 1 || got[0].Name != "door" {
			t.Errorf("states after Close: %v", got)
		}
	})
}

func TestNoContacts(t *testing.T) {
	s := must(t, nil, new(log).options())
	if got := s.States(); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}
