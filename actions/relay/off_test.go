package relay

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wires{start: time.Now()}
		lines := map[string]*line{}
		var relays []Config
		for _, name := range []string{"gate", "slow", "deaf", "broken", "shaky", "stuck"} {
			lines[name] = &line{name: name, wires: w, on: true}
			relays = append(relays, Config{Spec{Name: name}, lines[name]})
		}
		relays = append(relays, Config{Spec: Spec{Name: "none"}})
		lines["slow"].set(2*time.Second, nil, nil)
		lines["deaf"].set(time.Minute, nil, nil)
		lines["broken"].set(0, nil, errors.New("input/output error"))
		lines["shaky"].set(0, nil, errors.New("busy"))
		lines["stuck"].set(2900*ms, nil, errors.New("timeout"))
		time.AfterFunc(250*ms, func() { lines["shaky"].set(0, nil, nil) })

		errs := Off(t.Context(), relays, 3*time.Second)
		if took := time.Since(w.start); took != 3*time.Second {
			t.Errorf("took %v", took)
		}
		want := []string{
			"<nil>", "<nil>",
			`relay "deaf": the line did not answer; it may still be on`,
			`relay "broken": cannot be turned off: input/output error`,
			"<nil>",
			`relay "stuck": cannot be turned off: timeout`,
			`relay "none": has no line`,
		}
		for i, err := range errs {
			if fmt.Sprint(err) != want[i] {
				t.Errorf("%s: got %v, want %s", relays[i].Name, err, want[i])
			}
		}
		for _, name := range []string{"gate", "slow", "shaky"} {
			if lines[name].on {
				t.Errorf("%s is on", name)
			}
		}
		time.Sleep(2 * time.Minute)
	})
}

func TestOffIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wires{start: time.Now()}
		l := &line{name: "gate", wires: w, on: true}
		l.set(0, nil, errors.New("input/output error"))
		ctx, cancel := context.WithTimeout(t.Context(), 150*ms)
		defer cancel()
		errs := Off(ctx, []Config{{Spec{Name: "gate"}, l}}, 3*time.Second)
		if took := time.Since(w.start); took != 150*ms || len(errs) != 1 || errs[0] == nil {
			t.Errorf("took %v: %v", took, errs)
		}
	})
}

// closer is a line that goes off at once and takes its time to be released.
type closer struct {
	takes time.Duration
	err   error
}

func (closer) Set(bool) error { return nil }

func (c closer) Close() error {
	time.Sleep(c.takes)
	return c.err
}

func TestOffOfWhatIsNotReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errs := Off(t.Context(), []Config{
			{Spec{Name: "a"}, closer{time.Minute, nil}},
			{Spec{Name: "b"}, closer{0, errors.New("bad file descriptor")}},
		}, 3*time.Second)
		want := `[<nil> relay "b": cannot be released: bad file descriptor]`
		if fmt.Sprint(errs) != want {
			t.Errorf("got %v, want %s", errs, want)
		}
		time.Sleep(time.Minute)
	})
}
