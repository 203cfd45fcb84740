package actions_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/actions/plates"
	"github.com/sallyport/sallyport/engine"
)

// killer kills a run at its nth step.
type killer struct {
	mu   sync.Mutex // covers what follows
	n    int
	seen int
	dead bool
	kill func()
}

// point is one step of a run: true when the run is dead.
func (k *killer) point(string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen++
	if k.seen == k.n && !k.dead {
		k.dead = true
		k.kill()
	}
	return k.dead
}

var errDead = errors.New("dead")

// arrived is one call as its host saw it.
type arrived struct {
	run    int
	id     string
	number uint64
	host   string
}

func TestAKillLosesNoDurableStepAndKeepsTheirOrder(t *testing.T) {
	// The first round kills at no point, and says how many there are.
	total := 1 << 30
	for n := 1; n <= total; n++ {
		synctest.Test(t, func(t *testing.T) {
			d := &disk{}
			var mu sync.Mutex
			var got []arrived
			var promised []string
			fails := 0
			start := func(run int, at int) (*keeper, *killer) {
				s := newStore(t, d)
				k := &killer{n: at, kill: s.kill}
				s.point = func(what string) { k.point(what) }
				h := action(4, func(ctx context.Context, r engine.Request) error {
					if k.point("a try begins") {
						return errDead
					}
					mu.Lock()
					if fails++; fails%5 == 0 {
						mu.Unlock()
						return actions.Away(errors.New("away"))
					}
					got = append(got, arrived{run, actions.ID(ctx), r.Firing.ID, byURL(r)})
					mu.Unlock()
					if k.point("it has arrived") {
						return errDead
					}
					err := sleep(ctx, 3*time.Millisecond)
					k.point("it is answered")
					return err
				})
				return newKeeper(t, fmt.Sprintf("run%d", run), s, h), k
			}
			k, kill := start(1, n)
			if n == total {
				t.Fatal("no end")
			}
			for i := range uint64(8) {
				q := k.durable(i+1, fmt.Sprintf("http://%d", i%2))
				if i == 5 {
					q.Due += 20 * time.Millisecond
					k.Plan(q)
					time.AfterFunc(20*time.Millisecond, func() { k.Submit(q) })
				} else {
					k.Submit(q)
				}
				time.Sleep(time.Duration(i%3) * time.Millisecond)
			}
			time.Sleep(time.Minute)
			dead := kill.point("the end")
			if !dead {
				total = n // this one was after the last point
				kill.mu.Lock()
				kill.dead = true
				kill.kill()
				kill.mu.Unlock()
			}
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			_ = k.Close(ctx)
			d.mu.Lock()
			for id := range d.ever {
				promised = append(promised, id)
			}
			d.mu.Unlock()

			k, _ = start(2, 0)
			pass(time.Hour)
			k.end()
			if left := d.ids(); len(left) != 0 {
				t.Fatalf("killed at %d: left on the disk: %v", n, left)
			}
			last := map[string]arrived{}
			for _, a := range got {
				if !d.ever[a.id] {
					t.Errorf("killed at %d: %v arrived and was never on the disk", n, a)
				}
				promised = slices.DeleteFunc(promised, func(id string) bool { return id == a.id })
				if a.number == 6 {
					continue // due later
				}
				// A new run may begin with what the old one could not cross out.
				before := last[a.host]
				if before.run == a.run && a.number <= before.number {
					t.Errorf("killed at %d: %v after %v", n, a, before)
				}
				last[a.host] = a
			}
			if len(promised) > 0 {
				t.Errorf("killed at %d: lost %v", n, promised)
			}
		})
		if t.Failed() {
			return
		}
	}
	if total < 70 {
		t.Errorf("only %d points to be killed at", total)
	}
}

func TestAKillLeavesTheCamerasListAsItWasAskedFor(t *testing.T) {
	for seed := range uint64(100) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 4))
			d, cam := &disk{}, &lists{on: map[string]string{"whiteList B2": "old", "temporaryList A1": "old"}}
			want := map[string]string{"whiteList B2": "old", "temporaryList A1": "old"}
			type edit struct {
				id   uint64
				args engine.PlatesArgs
			}
			// A run that is killed at some step, twice over, then one that is not.
			next := uint64(1)
			for run := range 3 {
				s := newStore(t, d)
				at := 1 + rnd.IntN(60)
				if run == 2 {
					at = -1
				}
				k := &killer{n: at, kill: s.kill}
				s.point = func(what string) { k.point(what) }
				tries := 0
				cam.mu.Lock()
				cam.about = func() error {
					tries++
					switch {
					case k.point("before an edit"):
						return errDead
					case run < 2 && tries%4 == 1:
						return fmt.Errorf("no route to host: %w", context.DeadlineExceeded)
					}
					return nil
				}
				cam.mu.Unlock()
				b := newKeeper(t, fmt.Sprintf("run%d", run), s, plates.New(plates.Config{Cameras: []plates.Camera{{Name: "a", Lists: cam}}}))
				var edits []edit
				for range 12 {
					a := engine.PlatesArgs{Number: []string{"A1", "B2"}[rnd.IntN(2)], List: []string{"allow", "temporary"}[rnd.IntN(2)]}
					if rnd.IntN(2) == 0 {
						a.Op = engine.PlatesRemove
					} else {
						a.Owner = []string{"Ann", "Bob"}[rnd.IntN(2)]
						a.Valid = 1000 * time.Hour
					}
					q := b.durable(next, "")
					q.Args, q.Step.Args, q.Expires = a, a, 0
					q.Firing.At.Wall = time.Now()
					b.Submit(q)
					edits = append(edits, edit{next, a})
					next++
					time.Sleep(time.Duration(rnd.IntN(3)) * time.Millisecond)
				}
				time.Sleep(time.Second)
				if run == 2 {
					time.Sleep(time.Hour)
				}
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				if run < 2 {
					s.kill()
					cancel()
				}
				_ = b.Close(ctx)
				cancel()
				// What was on the disk was promised.
				for _, e := range edits {
					written := false
					for id := range d.ever {
						written = written || strings.HasPrefix(id, fmt.Sprintf("run%d-%d-", run, e.id))
					}
					if !written {
						continue
					}
					where := map[string]string{"allow": "whiteList", "temporary": "temporaryList"}[e.args.List] + " " + e.args.Number
					if e.args.Op == engine.PlatesRemove {
						delete(want, where)
					} else {
						want[where] = e.args.Owner + " 1000h0m0s"
					}
				}
			}
			if got := fmt.Sprint(cam.on); got != fmt.Sprint(want) {
				t.Errorf("seed %d: on the camera %v\nwant %v\nedits %q", seed, got, want, cam.edits)
			}
			if left := d.ids(); len(left) != 0 {
				t.Errorf("seed %d: left on the disk: %v", seed, left)
			}
		})
	}
}
