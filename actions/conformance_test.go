//go:build unix

package actions_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/actions/httpcall"
	"github.com/sallyport/sallyport/actions/log"
	"github.com/sallyport/sallyport/actions/plates"
	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/actions/run"
	"github.com/sallyport/sallyport/actions/shell"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// subject is one action with what the suite asks of it. The parts an action
// cannot do are nil.
type subject struct {
	name    string
	handler actions.Handler
	fine    engine.Args      // goes well
	hangs   engine.Args      // takes longer than anybody waits
	fails   engine.Args      // goes wrong …
	because func(error) bool // … for a reason that can still be told from the error
	twice   func() string    // what is there after a repeat; "" = as after the first
}

// deaf is a line that does not answer until the test is over.
type deaf struct{ over chan struct{} }

func (d deaf) Set(on bool) error {
	if on {
		<-d.over
	}
	return nil
}

func (d deaf) Close() error { return nil }

// broken is a line that cannot be set on.
type broken struct{}

var errNoDevice = errors.New("no such device")

func (broken) Set(on bool) error {
	if on {
		return errNoDevice
	}
	return nil
}

func (broken) Close() error { return nil }

// webServer is fine at /, and at /hang waits until the test is over.
func webServer(t *testing.T) string {
	over := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hang" {
			<-over
		}
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(over) })
	return srv.URL
}

// camera is a virtual camera with plate lists.
func camera(t *testing.T, o sim.Options) (*sim.Camera, *client.Client) {
	t.Helper()
	cam := sim.NewCamera(o)
	srv := httptest.NewServer(cam)
	t.Cleanup(srv.Close)
	c, err := client.New(client.Config{URL: srv.URL, Location: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return cam, c
}

func subjects(t *testing.T) []subject {
	t.Helper()
	me, web := self(t), webServer(t)
	over := make(chan struct{})
	svc, err := relay.New([]relay.Config{
		{Spec: relay.Spec{Name: "good", MaxOn: time.Hour}, Driver: &slowLine{}},
		{Spec: relay.Spec{Name: "deaf", MaxOn: time.Hour}, Driver: deaf{over}},
		{Spec: relay.Spec{Name: "broken", MaxOn: time.Hour}, Driver: broken{}},
	}, relay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(over); _ = svc.Close() })
	cam, good := camera(t, sim.Options{Location: time.UTC})
	_, slow := camera(t, sim.Options{Fault: func(string, *http.Request) sim.Fault { return sim.Fault{Delay: 2 * time.Second} }})
	_, old := camera(t, sim.Options{API: sim.API20})
	edit := func(camera string) engine.Args {
		return engine.PlatesArgs{Op: engine.PlatesAdd, Number: "ABC1234", List: "temporary", Owner: "Ann", Valid: 24 * time.Hour, Cameras: []string{camera}}
	}
	return []subject{
		{
			name: "relay", handler: actions.NewRelay(svc),
			fine:    engine.RelayArgs{Relay: "good", Op: engine.RelayOff},
			hangs:   engine.RelayArgs{Relay: "deaf", Op: engine.RelayOn},
			fails:   engine.RelayArgs{Relay: "broken", Op: engine.RelayOn},
			because: func(err error) bool { return errors.Is(err, errNoDevice) },
		},
		{
			name: "http", handler: httpcall.New(httpcall.Config{}),
			fine:    engine.HTTPArgs{URL: web + "/"},
			hangs:   engine.HTTPArgs{URL: web + "/hang"},
			fails:   engine.HTTPArgs{URL: "http://127.0.0.1:1/"},
			because: func(err error) bool { return errors.Is(err, actions.ErrNotBegun) },
		},
		{
			name: "run", handler: run.New([]string{me, "/nowhere/x"}, nil),
			fine:    engine.RunArgs{Argv: []string{me, helperWord, "exit", "0"}},
			hangs:   engine.RunArgs{Argv: []string{me, helperWord, "sleep"}},
			fails:   engine.RunArgs{Argv: []string{me, helperWord, "exit", "7"}},
			because: exitCode(7),
		},
		{
			name: "shell", handler: shell.New(true, nil),
			fine:    engine.ShellArgs{Command: "true"},
			hangs:   engine.ShellArgs{Command: "sleep 60 & sleep 60"},
			fails:   engine.ShellArgs{Command: "exit 7"},
			because: exitCode(7),
		},
		{
			name: "plates", handler: plates.New(plates.Config{Cameras: []plates.Camera{{Name: "good", Lists: good}, {Name: "slow", Lists: slow}, {Name: "old", Lists: old}}}),
			fine:    edit("good"),
			hangs:   edit("slow"),
			fails:   edit("old"),
			because: func(err error) bool { return errors.Is(err, client.ErrNoPlateLists) },
			twice: func() string {
				var s []string
				for _, p := range cam.Plates() {
					s = append(s, p.Number+" "+p.Group+" "+p.Owner)
				}
				return strings.Join(s, ", ")
			},
		},
		{name: "log", handler: log.New(func(string, string) {}), fine: engine.LogArgs{Text: "hello"}},
	}
}

func exitCode(want int) func(error) bool {
	return func(err error) bool {
		var e *exec.ExitError
		return errors.As(err, &e) && e.ExitCode() == want
	}
}

func asked(a engine.Args) engine.Request {
	f := plateFiring("ABC1234")
	f.At.Wall = time.Now()
	return engine.Request{Firing: f, Step: &engine.Step{Args: a}, Args: a}
}

func TestEveryAction(t *testing.T) {
	for _, s := range subjects(t) {
		t.Run(s.name, func(t *testing.T) {
			do := func(ctx context.Context, a engine.Args) error { return s.handler.Action.Do(ctx, asked(a)) }

			t.Run("goes well, also many at once", func(t *testing.T) {
				var all sync.WaitGroup
				for range 8 {
					all.Go(func() {
						if err := do(t.Context(), s.fine); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
			})
			t.Run("refuses the values of another verb", func(t *testing.T) {
				err := do(t.Context(), engine.CountArgs{})
				if !errors.Is(err, actions.ErrNotBegun) || !strings.HasSuffix(err.Error(), "engine.CountArgs") {
					t.Errorf("got %v", err)
				}
			})
			if s.hangs != nil {
				t.Run("does not outlive its deadline", func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
					defer cancel()
					begin := time.Now()
					err := do(ctx, s.hangs)
					if took := time.Since(begin); took > 1500*time.Millisecond {
						t.Errorf("took %v", took)
					}
					if !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("got %v", err)
					}
				})
				t.Run("honours its context", func(t *testing.T) {
					ctx, cancel := context.WithCancel(t.Context())
					time.AfterFunc(50*time.Millisecond, cancel)
					begin := time.Now()
					err := do(ctx, s.hangs)
					if took := time.Since(begin); took > 1500*time.Millisecond {
						t.Errorf("took %v", took)
					}
					if !errors.Is(err, context.Canceled) {
						t.Errorf("got %v", err)
					}
					if err := do(ctx, s.hangs); !errors.Is(err, context.Canceled) {
						t.Errorf("with a context that is over: %v", err)
					}
				})
			}
			if s.fails != nil {
				t.Run("wraps its error", func(t *testing.T) {
					if err := do(t.Context(), s.fails); !s.because(err) {
						t.Errorf("got %v", err)
					}
				})
			}
			if s.twice != nil {
				t.Run("is safe to repeat", func(t *testing.T) {
					first := s.twice()
					if err := do(t.Context(), s.fine); err != nil {
						t.Error(err)
					}
					if again := s.twice(); again != first || first == "" {
						t.Errorf("after the first %q, after the second %q", first, again)
					}
				})
			}
		})
	}
}
