package actions_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/engine"
)

// stepOf is a step of a verb that is tried once.
func stepOf(b *bench, id uint64, a engine.Args) engine.Request {
	q := b.once(id, "")
	q.Args, q.Step.Args = a, a
	return q
}

func TestNothingDelaysARelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := relays(t, clock(), relay.Config{Spec: relay.Spec{Name: "gate", MaxOn: time.Hour}, Driver: &slowLine{}})
		hang := func(ctx context.Context, _ engine.Request) error {
			<-ctx.Done()
			return actions.Away(ctx.Err())
		}
		program := actions.Handler{Verb: engine.VerbRun, Action: actions.Func(hang), Width: 4, Lane: func(r engine.Request) string {
			return "program " + r.Args.(engine.RunArgs).Argv[0]
		}}
		camera := actions.Handler{Verb: engine.VerbPlates, Action: actions.Func(hang), Kept: true, Lane: func(r engine.Request) string {
			return "camera " + r.Args.(engine.PlatesArgs).Cameras[0]
		}}
		d := &store{disk: &disk{ever: map[string]bool{}}, point: func(string) {}, ops: make(chan func(), 1<<16)} // it never answers
		k := newKeeper(t, "run", d, actions.NewRelay(s), action(4, hang), program, camera)
		synctest.Wait()

		id := uint64(0)
		for range 3 {
			for i := range 600 { // more than there are lanes
				id++
				host := fmt.Sprintf("http://%d", i)
				k.Submit(k.once(id, host))
				k.Submit(k.durable(id+1e6, host))
				k.Submit(k.retry(id+2e6, host, 3, 0))
			}
			for i := range 50 {
				id++
				k.Submit(stepOf(k.bench, id, engine.RunArgs{Argv: []string{fmt.Sprintf("/bin/%d", i)}}))
				k.Submit(stepOf(k.bench, id+3e6, engine.PlatesArgs{Cameras: []string{fmt.Sprint(i)}}))
			}
		}
		synctest.Wait()
		if got := k.now(); got != 0 {
			t.Errorf("Submit waited %v", got)
		}
		for _, wait := range []time.Duration{0, time.Second, 20 * time.Second} {
			time.Sleep(wait)
			for _, op := range []engine.RelayOp{engine.RelayOn, engine.RelayOff} {
				k.Submit(relayStep(k.bench, 1, "gate", op, 0))
				synctest.Wait()
				st, _ := s.State("gate")
				last := k.all()[len(k.all())-1]
				if st.On != (op == engine.RelayOn) || last.out.Firing != 1 || last.at != k.now() || !last.out.Begun {
					t.Errorf("after %v: %v: %+v, told %v %+v", wait, op, st, last.at, last.out)
				}
			}
		}
		k.end()
		_ = s.Close()
	})
}

func TestAProgramThatHangsDelaysNoOtherProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := action(4, func(ctx context.Context, r engine.Request) error {
			actions.Started(ctx)
			if byURL(r) == "/bin/hangs" {
				<-ctx.Done()
			}
			return ctx.Err()
		})
		b := newBench(t, h)
		for i := range uint64(64) {
			b.Submit(b.once(i, "/bin/hangs"))
		}
		b.Submit(b.once(100, "/bin/quick"))
		synctest.Wait()
		equal(t, b.lines(), []string{"0s #100 begun"})
		b.shut(t)
	})
}

func TestAStepWaitsForItsRecordButNotLong(t *testing.T) {
	for _, tt := range []struct {
		name       string
		after      time.Duration // when the record is written; 0 = before Submit comes back, -1 = never
		want       time.Duration
		unrecorded bool
	}{{"at once", 0, 0, false}, {"soon", 20 * time.Millisecond, 20 * time.Millisecond, false}, {"never", -1, 50 * time.Millisecond, true}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := clock()
				s := relays(t, now, relay.Config{Spec: relay.Spec{Name: "gate", MaxOn: time.Hour}, Driver: &slowLine{}})
				synctest.Wait()
				asked := 0
				var mu sync.Mutex // covers what follows
				at := map[uint64]time.Duration{}
				var told []actions.Record
				look := func(f func()) {
					mu.Lock()
					defer mu.Unlock()
					f()
				}
				r, err := actions.New(actions.Config{
					Handlers: []actions.Handler{actions.NewRelay(s), action(1, func(_ context.Context, r engine.Request) error {
						look(func() { at[r.Firing.ID] = now() })
						return nil
					})},
					Now:    now,
					Report: func(_ engine.Outcome, rec actions.Record) { look(func() { told = append(told, rec) }) },
					Before: func(engine.Request) <-chan struct{} {
						asked++
						ch := make(chan struct{})
						switch tt.after {
						case 0:
							close(ch)
						case -1:
						default:
							time.AfterFunc(tt.after, func() { close(ch) })
						}
						return ch
					},
				})
				if err != nil {
					t.Fatal(err)
				}
				b := &bench{Runner: r, begin: time.Now()}
				marked := b.once(1, "http://a")
				marked.Mark = &engine.Mark{}
				r.Submit(marked)
				r.Submit(b.once(2, "http://b")) // not marked
				pulse := relayStep(b, 3, "gate", engine.RelayOn, 0)
				pulse.Mark = &engine.Mark{}
				r.Submit(pulse)
				if got := now(); got != 0 {
					t.Errorf("Submit waited %v", got)
				}
				if tt.want > 0 {
					time.Sleep(tt.want - time.Millisecond)
					synctest.Wait()
					look(func() {
						if len(told) != 1 {
							t.Errorf("%d steps went before their time", len(told)-1)
						}
					})
					time.Sleep(2 * time.Millisecond)
				}
				synctest.Wait()
				_ = r.Close(t.Context())
				if at[1] != tt.want || at[2] != 0 || asked != 2 || len(told) != 3 {
					t.Errorf("begun at %v; asked %d times, %d told", at, asked, len(told))
				}
				for _, rec := range told {
					if rec.Unrecorded != (tt.unrecorded && rec.Request.Mark != nil) || !rec.Begun {
						t.Errorf("record %+v", rec)
					}
				}
				_ = s.Close()
			})
		})
	}
}

func TestAStepWhoseTimePassesWhileItsRecordIsWrittenIsNotDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []engine.Outcome
		r, err := actions.New(actions.Config{
			Handlers: []actions.Handler{action(1, func(context.Context, engine.Request) error { return errors.New("it was done") })},
			Now:      clock(), Before: func(engine.Request) <-chan struct{} { return make(chan struct{}) },
			Report: func(o engine.Outcome, _ actions.Record) { told = append(told, o) },
		})
		if err != nil {
			t.Fatal(err)
		}
		b := &bench{Runner: r, begin: time.Now()}
		q := b.once(1, "http://a")
		q.Mark, q.Expires = &engine.Mark{}, 30*time.Millisecond
		r.Submit(q)
		_ = r.Close(t.Context())
		if len(told) != 1 || told[0].Begun || told[0].Reason != actions.ReasonExpired {
			t.Errorf("told %+v", told)
		}
	})
}
