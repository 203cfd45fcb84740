package poll

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fake is a device that answers as a test says.
type fake struct {
	alarms   []Alarm
	part     bool
	channels []Channel
	err      error // of alarms
	chErr    error
	took     time.Duration

	turn sync.Mutex // what a test sets before it lets time pass is seen by the next question

	last   time.Time // the end of the last question
	asked  []time.Time
	resets int
	gaps   []time.Duration
}

func (f *fake) begin() {
	f.turn.Lock()
	took := f.took
	f.turn.Unlock()
	if !f.last.IsZero() {
		f.gaps = append(f.gaps, time.Since(f.last))
	}
	time.Sleep(took)
}

func (f *fake) Alarms(context.Context) ([]Alarm, bool, error) {
	f.begin()
	defer func() { f.last = time.Now() }()
	f.asked = append(f.asked, time.Now())
	return slices.Clone(f.alarms), !f.part, f.err
}

func (f *fake) Channels(context.Context) ([]Channel, error) {
	f.begin()
	defer func() { f.last = time.Now() }()
	return f.channels, f.chErr
}

func (f *fake) ResetLogin() {
	f.turn.Lock()
	defer f.turn.Unlock()
	f.resets++
}

// world is a poller of a fake device in a bubble of its own time.
type world struct {
	*testing.T
	*fake
	said     []string
	problems []string
	start    time.Time
}

func poll(t *testing.T, every time.Duration, f *fake, cameras []Camera, story func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, fake: f, start: time.Now()}
		p := New(Config{Device: f, Cameras: cameras, Every: every,
			OnChange: func(c Change) {
				f.turn.Lock()
				defer f.turn.Unlock()
				w.said = append(w.said, text(c))
			},
			Problem: func(err error) {
				s := "well"
				if err != nil {
					s = err.Error()
				}
				w.problems = append(w.problems, s)
			},
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); p.Run(ctx) }()
		synctest.Wait()
		story(w)
		w.pass(0)
		cancel()
		<-done
		for _, g := range f.gaps {
			if g < MinGap {
				t.Errorf("a question %v after the last one", g)
			}
		}
	})
}

// text is a change in few words; (…) is what is no news.
func text(c Change) string {
	ev := c.Event
	s := ev.Camera
	switch {
	case ev.Alarm == nil:
		s += map[bool]string{true: " is there", false: " is gone"}[ev.On]
	default:
		s += " " + ev.Alarm.Name
		if ev.Alarm.ID > 0 {
			s += fmt.Sprint("/", ev.Alarm.ID)
		}
		s += map[bool]string{true: " on", false: " off"}[ev.Alarm.On]
		if ev.Unknown {
			s = strings.TrimSuffix(s, " off") + " unknown"
		}
	}
	if !c.News {
		s = "(" + s + ")"
	}
	return s
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	w.turn.Lock()
	at := time.Now().Add(d)
	w.turn.Unlock()
	time.Sleep(time.Until(at))
	synctest.Wait()
}

// expect waits, and holds what was said since against lines.
func (w *world) expect(after time.Duration, want ...string) {
	w.Helper()
	w.pass(after)
	w.turn.Lock()
	defer w.turn.Unlock()
	if !slices.Equal(w.said, want) {
		w.Errorf("after %v:\ngot  %q\nwant %q", time.Since(w.start), w.said, want)
	}
	w.said = nil
}

func gate() []Camera { return []Camera{{Name: "gate"}} }

func TestEdgesFromLevels(t *testing.T) {
	f := &fake{alarms: []Alarm{{Name: "motion", ID: 1}, {Name: "perimeter", On: true}}}
	poll(t, 2*time.Second, f, gate(), func(w *world) {
		w.expect(0, "(gate is there)", "(gate motion/1 off)", "gate perimeter on")
		f.alarms[0].On = true
		w.expect(1999 * time.Millisecond)
		w.expect(time.Millisecond, "gate motion/1 on")
		w.expect(10 * time.Second)
		f.alarms[1].On = false
		w.expect(8*time.Second, "gate perimeter off", "(gate is there)")
	})
}

// A device that lists only what is on: what is not there any more is off, and what is
// new was off before.
func TestOnlyActiveAlarmsAreListed(t *testing.T) {
	f := &fake{}
	poll(t, 2*time.Second, f, gate(), func(w *world) {
		w.expect(0, "(gate is there)")
		f.alarms = []Alarm{{Name: "perimeter", On: true}}
		w.expect(2*time.Second, "(gate perimeter off)", "gate perimeter on")
		f.alarms = nil
		w.expect(2*time.Second, "gate perimeter off")
		// What could not be read is as it was.
		f.alarms = []Alarm{{Name: "perimeter", On: true}}
		w.expect(2*time.Second, "gate perimeter on")
		f.alarms, f.part = nil, true
		w.expect(2 * time.Second)
		f.part = false
		w.expect(2*time.Second, "gate perimeter off")
	})
}

func TestAFailureIsNoEdge(t *testing.T) {
	f := &fake{alarms: []Alarm{{Name: "perimeter", On: true}, {Name: "motion"}}}
	poll(t, 5*time.Second, f, gate(), func(w *world) {
		w.expect(0, "(gate is there)", "gate perimeter on", "(gate motion off)")
		f.err = errors.New("no route")
		w.expect(10 * time.Second)
		if w.problems != nil {
			w.Errorf("after two failures: %q", w.problems)
		}
		w.expect(5*time.Second, "(gate perimeter unknown)", "(gate motion unknown)")
		w.expect(time.Minute)
		if !slices.Equal(w.problems, []string{"no route"}) {
			w.Errorf("problems %q", w.problems)
		}
		f.err = nil
		f.alarms = nil // what is not listed now is off
		w.expect(5*time.Second, "(gate is there)", "(gate perimeter off)", "(gate motion off)")
		f.alarms = []Alarm{{Name: "tamper", On: true}}
		w.expect(5*time.Second, "(gate tamper off)", "gate tamper on")
		if !slices.Equal(w.problems, []string{"no route", "well"}) {
			w.Errorf("problems %q", w.problems)
		}
	})
}

// The first answer after a silence says how things stand: an alarm that is new in it
// may have been on for long.
func TestTheFirstAnswerAfterASilenceIsNoEdge(t *testing.T) {
	f := &fake{}
	poll(t, 2*time.Second, f, gate(), func(w *world) {
		w.expect(0, "(gate is there)")
		f.err = errors.New("away")
		w.expect(8 * time.Second)
		f.err, f.alarms = nil, []Alarm{{Name: "perimeter", On: true}}
		w.expect(2*time.Second, "(gate is there)", "gate perimeter on")
	})
}

func TestARecorderIsAskedOnceForAllItsCameras(t *testing.T) {
	cams := []Camera{{"door", 1}, {"yard", 2}, {"nvr", 0}}
	f := &fake{
		alarms: []Alarm{{Name: "motion", ID: 1, On: true}, {Name: "motion", ID: 2}, {Name: "motion", ID: 3}, {Name: "sensor", ID: 1}},
		chErr:  ErrUnknown,
	}
	poll(t, 2*time.Second, f, cams, func(w *world) {
		w.expect(0, "(door is there)", "(yard is there)", "(nvr is there)",
			"door motion/1 on", "(yard motion/2 off)", "(nvr motion/3 off)", "(nvr sensor/1 off)")
		f.alarms[3].On = true
		w.expect(4*time.Second, "nvr sensor/1 on")
		// Channel 2 is lost: the camera, not the whole.
		f.alarms = append(f.alarms, Alarm{Name: offline, ID: 2, On: true})
		f.alarms[1].On = true
		w.expect(4*time.Second, "yard is gone")
		f.alarms = f.alarms[:4]
		w.expect(2*time.Second, "yard is there", "yard motion/2 on")
		if len(f.asked) > 6 {
			w.Errorf("asked %d times in 10 s", len(f.asked))
		}
	})
}

func TestTheListOfChannels(t *testing.T) {
	f := &fake{channels: []Channel{{1, true}, {2, true}}}
	poll(t, 2*time.Second, f, []Camera{{"door", 1}, {"yard", 2}}, func(w *world) {
		w.expect(5*time.Second, "(door is there)", "(yard is there)")
		f.channels[1].Online = false
		w.pass(40 * time.Second)
		if !slices.Contains(w.said, "yard is gone") || slices.Contains(w.said, "door is gone") {
			w.Errorf("%q", w.said)
		}
		w.said = nil
		// One failure changes nothing; for good, nobody knows.
		f.chErr = errors.New("busy")
		w.pass(70 * time.Second)
		if slices.Contains(w.said, "yard is there") {
			w.Errorf("%q", w.said)
		}
		w.pass(40 * time.Second)
		if !slices.Contains(w.said, "yard is there") {
			w.Errorf("%q", w.said)
		}
	})
}

func TestARefusedLoginIsLeftAlone(t *testing.T) {
	f := &fake{alarms: []Alarm{{Name: "perimeter", On: true}}}
	poll(t, 2*time.Second, f, gate(), func(w *world) {
		w.expect(0, "(gate is there)", "gate perimeter on")
		f.err = fmt.Errorf("locked: %w", ErrLogin)
		w.expect(2*time.Second, "(gate perimeter unknown)")
		n := len(f.asked)
		w.expect(598 * time.Second)
		if len(f.asked) != n || f.resets != 0 {
			w.Errorf("asked %d times more, %d resets", len(f.asked)-n, f.resets)
		}
		w.expect(3 * time.Second)
		if len(f.asked) != n+1 || f.resets != 1 {
			w.Errorf("after ten minutes asked %d times more, %d resets", len(f.asked)-n, f.resets)
		}
		if !slices.Equal(w.problems, []string{"locked: the login is refused"}) {
			w.Errorf("problems %q", w.problems)
		}
		f.err = nil
		w.expect(590 * time.Second)
		w.expect(20*time.Second, "(gate is there)", "gate perimeter on")
	})
}

func TestASlowDeviceIsAskedLessOften(t *testing.T) {
	f := &fake{took: 4 * time.Second}
	poll(t, time.Second, f, gate(), func(w *world) { w.pass(81 * time.Second) })
	if n := len(f.asked); n < 10 || n > 11 {
		t.Errorf("asked %d times in 81 s, each took 4 s", n)
	}
}

func TestAlarmsAreBounded(t *testing.T) {
	f := &fake{}
	for i := range 3 * maxLevels {
		f.alarms = append(f.alarms, Alarm{Name: fmt.Sprint("a", i), On: true})
	}
	f.alarms = append(f.alarms, Alarm{Name: strings.Repeat("x", maxName+1), On: true}, Alarm{On: true})
	poll(t, time.Second, f, gate(), func(w *world) {
		if n := len(w.said); n != maxLevels+1 {
			w.Errorf("%d changes, want %d", n, maxLevels+1)
		}
		w.said = nil
		w.expect(3 * time.Second)
	})
}

// Two lines of one name are on when either is.
func TestAnAlarmThatIsNamedTwice(t *testing.T) {
	f := &fake{alarms: []Alarm{{Name: "motion", On: true}, {Name: "motion"}}}
	poll(t, time.Second, f, gate(), func(w *world) {
		w.expect(5*time.Second, "(gate is there)", "gate motion on")
	})
}
