package actions_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/engine"
)

// told is what a runner reported.
type told struct {
	at  time.Duration
	out engine.Outcome
	rec actions.Record
}

// bench is a runner whose clock begins with the test.
type bench struct {
	*actions.Runner
	begin time.Time
	mu    sync.Mutex // covers told
	told  []told
}

func newBench(t *testing.T, handlers ...actions.Handler) *bench {
	t.Helper()
	b := &bench{begin: time.Now()}
	r, err := actions.New(actions.Config{Handlers: handlers, Now: b.now, Report: func(o engine.Outcome, rec actions.Record) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.told = append(b.told, told{b.now(), o, rec})
	}})
	if err != nil {
		t.Fatal(err)
	}
	b.Runner = r
	return b
}

func (b *bench) now() time.Duration { return time.Since(b.begin) }

// shut ends the runner after everything it has to do.
func (b *bench) shut(t *testing.T) {
	t.Helper()
	if err := b.Close(context.Background()); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// lines are the outcomes as text, in the order they were told; those of one
// moment in the order of the firings.
func (b *bench) lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	slices.SortStableFunc(b.told, func(x, y told) int {
		return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.out.Firing, y.out.Firing))
	})
	var out []string
	for _, x := range b.told {
		begun := "begun"
		if !x.out.Begun {
			begun = "not begun"
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%v #%d %s %s", x.at, x.out.Firing, begun, x.out.Reason)))
	}
	return out
}

func equal(t *testing.T, got, want []string) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// once is a request to a host that is tried once and expires 3 s after now.
func (b *bench) once(id uint64, host string) engine.Request {
	args := engine.HTTPArgs{URL: host}
	return engine.Request{
		Firing: &engine.Firing{ID: id, Rule: &engine.Rule{Name: "r"}, Key: "k", Event: &engine.Event{}},
		Step:   &engine.Step{Args: args, Timeout: 10 * time.Second}, Args: args,
		Due: b.now(), Expires: b.now() + 3*time.Second,
	}
}

// retry is a request that is told.
func (b *bench) retry(id uint64, host string, tries int, expires time.Duration) engine.Request {
	q := b.once(id, host)
	q.Step.Retry = tries
	q.Expires = 0
	if expires > 0 {
		q.Expires = b.now() + expires
	}
	return q
}

func byURL(r engine.Request) string { return r.Args.(engine.HTTPArgs).URL }

// action makes an http verb with the lanes of a host.
func action(width int, do func(ctx context.Context, r engine.Request) error) actions.Handler {
	return actions.Handler{Verb: engine.VerbHTTP, Action: actions.Func(do), Lane: byURL, Width: width}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestStepsOfALaneStartInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var order []uint64
		b := newBench(t, action(4, func(ctx context.Context, r engine.Request) error {
			mu.Lock()
			order = append(order, r.Firing.ID)
			mu.Unlock()
			actions.Started(ctx)
			return sleep(ctx, 100*time.Millisecond)
		}))
		var want []uint64
		for i := range uint64(40) {
			b.Submit(b.once(i, "http://a"))
			want = append(want, i)
		}
		b.shut(t)
		if !slices.Equal(order, want) {
			t.Errorf("started in the order %v", order)
		}
		// Four at a time: forty calls of 100 ms take a second.
		if got := b.now(); got != time.Second {
			t.Errorf("took %v", got)
		}
	})
}

func TestAStepThatDoesNotGetOnItsWayHoldsUpTheNextFor20ms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, action(2, func(ctx context.Context, r engine.Request) error { return sleep(ctx, time.Second) }))
		for i := range uint64(2) {
			b.Submit(b.once(i, "http://a"))
		}
		b.shut(t)
		equal(t, b.lines(), []string{"1s #0 begun", "1.02s #1 begun"})
	})
}

func TestADeadHostDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, action(4, func(ctx context.Context, r engine.Request) error {
			if byURL(r) == "http://dead" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}))
		for i := range uint64(8) {
			b.Submit(b.once(i, "http://dead"))
		}
		synctest.Wait()
		for i := range uint64(20) {
			b.Submit(b.once(100+i, fmt.Sprintf("http://live-%d", i)))
		}
		synctest.Wait()
		if n := len(b.lines()); n != 20 {
			t.Errorf("%d calls of 20 to hosts that answer have ended", n)
		}
		b.shut(t)
	})
}

func TestAStepThatWaitsTooLongIsToldSoAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ran := 0
		b := newBench(t, action(1, func(ctx context.Context, r engine.Request) error {
			ran++
			<-ctx.Done()
			return errors.New("no answer")
		}))
		b.Submit(b.once(1, "http://dead"))
		time.Sleep(time.Second)
		b.Submit(b.once(2, "http://dead"))
		late := b.once(3, "http://dead")
		late.Expires = b.now() - time.Nanosecond
		b.Submit(late)
		last := b.once(4, "http://dead")
		last.Expires = 0
		b.Submit(last)
		b.shut(t)
		equal(t, b.lines(), []string{
			"1s #3 not begun expired",
			"4.001s #2 not begun expired",
			"10s #1 begun no answer",
			"20s #4 begun no answer",
		})
		if ran != 2 {
			t.Errorf("%d steps ran", ran)
		}
	})
}

func TestAFullLaneDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := action(1, func(ctx context.Context, r engine.Request) error { return sleep(ctx, time.Second) })
		h.Queue = 2
		b := newBench(t, h)
		for i := range uint64(5) {
			b.Submit(b.once(i, "http://a"))
		}
		b.shut(t)
		equal(t, b.lines(), []string{
			"0s #3 not begun queue full", "0s #4 not begun queue full",
			"1s #0 begun", "2s #1 begun", "3s #2 begun",
		})
	})
}

func TestTriedOnceIsNeverRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ran := 0
		b := newBench(t, action(1, func(context.Context, engine.Request) error {
			ran++
			return actions.NotBegun(errors.New("connection refused"))
		}))
		b.Submit(b.once(1, "http://a"))
		b.shut(t)
		equal(t, b.lines(), []string{"0s #1 not begun connection refused"})
		if ran != 1 {
			t.Errorf("tried %d times", ran)
		}
	})
}

func TestRetryBacksOff(t *testing.T) {
	for _, tt := range []struct {
		name    string
		retry   int
		expires time.Duration
		err     error
		tries   []time.Duration
		want    string
	}{
		{"until the tries are used up", 3, 0, errors.New("down"), []time.Duration{0, 1, 3, 7}, "7s #1 begun down"},
		{"until it expires", 9, 6 * time.Second, errors.New("down"), []time.Duration{0, 1, 3}, "3s #1 begun down"},
		{"at most a minute", 8, 0, actions.NotBegun(errors.New("refused")),
			[]time.Duration{0, 1, 3, 7, 15, 31, 63, 123, 183}, "3m3s #1 not begun refused"},
		{"not when it is of no use", 3, 0, actions.Permanent(errors.New("no such thing")), []time.Duration{0}, "0s #1 begun no such thing"},
		{"not when it went well", 3, 0, nil, []time.Duration{0}, "0s #1 begun"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var tries []time.Duration
				var b *bench
				b = newBench(t, action(1, func(context.Context, engine.Request) error {
					tries = append(tries, b.now()/time.Second)
					return tt.err
				}))
				b.Submit(b.retry(1, "http://a", tt.retry, tt.expires))
				time.Sleep(time.Hour)
				b.shut(t)
				equal(t, b.lines(), []string{tt.want})
				if !slices.Equal(tries, tt.tries) {
					t.Errorf("tried at seconds %d, want %d", tries, tt.tries)
				}
				if got := b.told[0].rec.Tries; got != len(tt.tries) {
					t.Errorf("the record says %d tries", got)
				}
			})
		})
	}
}

func TestWhatWaitsToBeTriedAgainDoesNotHoldUpWhatIsTriedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, action(1, func(_ context.Context, r engine.Request) error {
			if r.Step.Retry > 0 {
				return errors.New("down")
			}
			return nil
		}))
		b.Submit(b.retry(1, "http://a", 2, 0))
		synctest.Wait()
		b.Submit(b.once(2, "http://a"))
		time.Sleep(time.Minute)
		b.shut(t)
		equal(t, b.lines(), []string{"0s #2 begun", "3s #1 begun down"})
	})
}

func TestAForeverStepIsTriedUntilItsDestinationIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b *bench
		var done []uint64
		h := action(1, func(_ context.Context, r engine.Request) error {
			switch {
			case b.now() < 7*24*time.Hour:
				return actions.Away(errors.New("no route to host"))
			case r.Firing.ID == 2:
				return errors.New("not this one")
			}
			done = append(done, r.Firing.ID)
			return nil
		})
		h.Kept = true
		b = newBench(t, h)
		for i := range uint64(3) {
			b.Submit(b.retry(i+1, "camera", 1, 0))
		}
		time.Sleep(8 * 24 * time.Hour)
		b.shut(t)
		if !slices.Equal(done, []uint64{1, 3}) {
			t.Errorf("done: %v", done)
		}
		_ = b.lines() // in order
		if got := b.told[1].out; got.Reason != "not this one" || b.told[1].rec.Tries != 5 {
			t.Errorf("the one that the destination refuses: %+v after %d tries", got, b.told[1].rec.Tries)
		}
	})
}

func TestATimeoutCountsAsBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, action(1, func(ctx context.Context, r engine.Request) error {
			<-ctx.Done()
			return actions.NotBegun(fmt.Errorf("gave up: %w", ctx.Err()))
		}))
		q := b.once(1, "http://a")
		q.Step.Timeout = 0 // not written: 10 s
		b.Submit(q)
		b.shut(t)
		equal(t, b.lines(), []string{"10s #1 begun gave up: context deadline exceeded"})
	})
}

func TestAPanicIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, action(1, func(context.Context, engine.Request) error { panic("oh\nno") }))
		b.Submit(b.once(1, "http://a"))
		b.Submit(b.once(2, "http://a"))
		b.shut(t)
		equal(t, b.lines(), []string{
			"0s #1 begun the http action failed unexpectedly: oh no",
			"0s #2 begun the http action failed unexpectedly: oh no",
		})
	})
}

func TestReasonsAreOneBoundedLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, action(1, func(context.Context, engine.Request) error {
			return errors.New("\x1b[31m" + strings.Repeat("ü", 1000))
		}))
		b.Submit(b.once(1, "http://a"))
		b.shut(t)
		if got, want := b.told[0].out.Reason, " [31m"+strings.Repeat("ü", 295)+"…"; got != want {
			t.Errorf("got %q", got)
		}
	})
}

func TestWhatIsNotCarriedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, action(1, func(context.Context, engine.Request) error { return nil }))
		shadow := b.once(1, "http://a")
		shadow.Firing.Shadow = true
		b.Submit(shadow)
		unknown := b.once(2, "http://a")
		unknown.Step.Args = engine.RunArgs{}
		b.Submit(unknown)
		b.shut(t)
		b.Submit(b.once(3, "http://a"))
		equal(t, b.lines(), []string{
			"0s #1 not begun shadow",
			"0s #2 not begun nothing carries out the verb run",
			"0s #3 not begun stopped",
		})
	})
}

func TestASplitRequestHasOneOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := action(1, func(ctx context.Context, r engine.Request) error {
			actions.Note(ctx, "saw "+byURL(r))
			switch byURL(r) {
			case "a":
				return nil
			case "b":
				return sleep(ctx, time.Second)
			}
			return actions.NotBegun(errors.New("unknown camera"))
		})
		h.Split = func(r engine.Request) (out []engine.Request) {
			for _, u := range strings.Fields(byURL(r)) {
				r.Args = engine.HTTPArgs{URL: u}
				out = append(out, r)
			}
			return out
		}
		b := newBench(t, h)
		b.Submit(b.once(1, "a b c"))
		b.Submit(b.once(2, "c d"))
		b.Submit(b.once(3, ""))
		b.shut(t)
		equal(t, b.lines(), []string{
			"0s #2 not begun c: unknown camera; d: unknown camera",
			"0s #3 not begun no destination",
			"1s #1 begun c: unknown camera",
		})
		if rec := b.told[2].rec; rec.Lane != "a, b, c" || rec.Detail != "a: saw a; b: saw b; c: saw c" || byURL(rec.Request) != "a b c" || rec.Took != time.Second {
			t.Errorf("record: %+v", rec)
		}
	})
}

func TestCloseLetsWaitingStepsGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, action(1, func(ctx context.Context, r engine.Request) error { return sleep(ctx, time.Second) }))
		b.Submit(b.once(1, "a"))
		b.Submit(b.once(2, "a"))
		b.shut(t)
		equal(t, b.lines(), []string{"1s #1 begun", "2s #2 begun"})
		b.shut(t) // a second time is harmless
	})
}

func TestCloseEndsWhatTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, action(1, func(ctx context.Context, r engine.Request) error {
			if r.Step.Retry > 0 {
				return errors.New("down")
			}
			<-ctx.Done()
			return ctx.Err()
		}))
		b.Submit(b.once(1, "a"))
		b.Submit(b.once(2, "a"))
		b.Submit(b.retry(3, "b", 5, 0))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := b.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close: %v", err)
		}
		equal(t, b.lines(), []string{"0s #3 begun down", "2s #1 begun context canceled", "2s #2 not begun stopped"})
	})
}

func TestCloseDoesNotWaitForAnActionThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		b := newBench(t, action(1, func(context.Context, engine.Request) error { <-hang; return nil }))
		b.Submit(b.once(1, "a"))
		synctest.Wait()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = b.Close(ctx)
		if got := b.now(); got != 500*time.Millisecond {
			t.Errorf("Close took %v", got)
		}
		close(hang)
	})
}

func TestAVerbIsHandledOnce(t *testing.T) {
	nop := actions.Func(func(context.Context, engine.Request) error { return nil })
	_, err := actions.New(actions.Config{
		Handlers: []actions.Handler{{Verb: engine.VerbRun, Action: nop}, {Verb: engine.VerbRun, Action: nop}, {Verb: engine.VerbLog}},
		Now:      func() time.Duration { return 0 }, Report: func(engine.Outcome, actions.Record) {},
	})
	want := "actions: the verb run is handled twice\nactions: the verb log has no action"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestNobodyWaitsForeverInAStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, action(4, func(ctx context.Context, r engine.Request) error {
			actions.Started(ctx)
			return sleep(ctx, time.Duration(1+r.Firing.ID%7)*time.Millisecond)
		}))
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				for i := range 500 {
					b.Submit(b.once(uint64(i), fmt.Sprintf("http://%d", (i+g)%9)))
					if i%50 == 0 {
						time.Sleep(time.Millisecond)
					}
				}
			})
		}
		wg.Wait()
		b.shut(t)
		if n := len(b.told); n != 2000 {
			t.Errorf("%d of 2000 requests were answered", n)
		}
	})
}
