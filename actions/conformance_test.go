//go:build unix

package actions_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/actions"
	cameraverb "github.com/sallyport/sallyport/actions/camera"
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
	late    engine.Args      // does something, unless its time has passed; nil = fine does
	did     func() int       // how often something was done
	durable bool             // it is kept over restarts …
	down    func(bool)       // … while its destination is away
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

// web is a server that is fine at /, and at /hang waits until the test is over.
type web struct {
	url   string
	calls atomic.Int64
	down  atomic.Bool
	mu    sync.Mutex // covers ids
	ids   []string   // of calls that were taken
}

func webServer(t *testing.T) *web {
	over := make(chan struct{})
	s := &web{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/hang":
			<-over
		case s.down.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		s.mu.Lock()
		s.ids = append(s.ids, r.Header.Get("Idempotency-Key"))
		s.mu.Unlock()
		s.calls.Add(1)
	}))
	s.url = srv.URL
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(over) })
	return s
}

// camera is a virtual camera with plate lists.
func camera(t *testing.T, o sim.Options) (*sim.Camera, *client.Client) {
	t.Helper()
	o.VirtualAlarms = 16
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
	line := &slowLine{}
	trace := filepath.Join(t.TempDir(), "trace")
	traced := func() int {
		b, _ := os.ReadFile(trace)
		return len(b)
	}
	var away atomic.Bool
	var mu sync.Mutex // covers lines
	lines := 0
	svc, err := relay.New([]relay.Config{
		{Spec: relay.Spec{Name: "good", MaxOn: time.Hour}, Driver: line},
		{Spec: relay.Spec{Name: "deaf", MaxOn: time.Hour}, Driver: deaf{over}},
		{Spec: relay.Spec{Name: "broken", MaxOn: time.Hour}, Driver: broken{}},
	}, relay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(over); _ = svc.Close() })
	cam, good := camera(t, sim.Options{Location: time.UTC, Fault: func(string, *http.Request) sim.Fault {
		if away.Load() {
			return sim.Fault{Status: http.StatusServiceUnavailable}
		}
		return sim.Fault{}
	}})
	_, slow := camera(t, sim.Options{Fault: func(string, *http.Request) sim.Fault { return sim.Fault{Delay: 2 * time.Second} }})
	_, old := camera(t, sim.Options{API: sim.API20, NoPlates: true})
	nvr, recorder := camera(t, sim.Options{Recorder: true})
	_, older := camera(t, sim.Options{API: sim.API19})
	nowhere, err := client.New(client.Config{URL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	devices := []cameraverb.Camera{{Name: "good", Device: good}, {Name: "nvr", Device: recorder}, {Name: "slow", Device: slow}, {Name: "older", Device: older}, {Name: "nowhere", Device: nowhere}}
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
			late:    engine.RelayArgs{Relay: "good", Op: engine.RelayOn},
			did:     func() int { st, _ := svc.State("good"); return map[bool]int{true: 1}[st.On] },
		},
		{
			name: "http", handler: httpcall.New(httpcall.Config{}),
			fine:    engine.HTTPArgs{URL: web.url + "/"},
			hangs:   engine.HTTPArgs{URL: web.url + "/hang"},
			fails:   engine.HTTPArgs{URL: "http://127.0.0.1:1/"},
			because: func(err error) bool { return errors.Is(err, actions.ErrNotBegun) },
			did:     func() int { return int(web.calls.Load()) },
		},
		{
			name: "durable http", handler: httpcall.New(httpcall.Config{}),
			fine:    engine.HTTPArgs{URL: web.url + "/", Method: "POST", Body: []byte("x")},
			hangs:   engine.HTTPArgs{URL: web.url + "/hang"},
			fails:   engine.HTTPArgs{URL: "http://127.0.0.1:1/"},
			because: func(err error) bool { return errors.Is(err, actions.ErrAway) },
			did:     func() int { return int(web.calls.Load()) },
			durable: true, down: web.down.Store,
			twice: func() string { // by the id that both tries have
				web.mu.Lock()
				defer web.mu.Unlock()
				seen := slices.Clone(web.ids)
				slices.Sort(seen)
				return strings.Join(slices.Compact(seen), ",") + "."
			},
		},
		{
			name: "run", handler: run.New([]string{me, "/nowhere/x"}, nil),
			fine:    engine.RunArgs{Argv: []string{me, helperWord, "exit", "0"}},
			hangs:   engine.RunArgs{Argv: []string{me, helperWord, "sleep"}},
			fails:   engine.RunArgs{Argv: []string{me, helperWord, "exit", "7"}},
			because: exitCode(7),
			late:    engine.RunArgs{Argv: []string{me, helperWord, "pid", trace}},
			did:     traced,
		},
		{
			name: "shell", handler: shell.New(true, nil),
			fine:    engine.ShellArgs{Command: "true"},
			hangs:   engine.ShellArgs{Command: "sleep 60 & sleep 60"},
			fails:   engine.ShellArgs{Command: "exit 7"},
			because: exitCode(7),
			late:    engine.ShellArgs{Command: "echo >>" + trace},
			did:     traced,
		},
		{
			name: "durable plates", handler: plates.New(plates.Config{Cameras: []plates.Camera{{Name: "good", Lists: good}, {Name: "slow", Lists: slow}, {Name: "old", Lists: old}}}),
			fine:    edit("good"),
			hangs:   edit("slow"),
			fails:   edit("old"),
			because: func(err error) bool { return errors.Is(err, client.ErrNoPlateLists) },
			did:     func() int { return len(cam.Plates()) },
			durable: true, down: away.Store,
			twice: func() string {
				var s []string
				for _, p := range cam.Plates() {
					s = append(s, p.Number+" "+p.Group+" "+p.Owner)
				}
				return strings.Join(s, ", ")
			},
		},
		{
			name: "camera", handler: cameraverb.New(cameraverb.Config{Cameras: devices}),
			fine:  engine.CameraArgs{Camera: "nvr", VirtualAlarm: 17},
			hangs: engine.CameraArgs{Camera: "slow", VirtualAlarm: 17},
			fails: engine.CameraArgs{Camera: "older", VirtualAlarm: 17},
			because: func(err error) bool {
				return errors.Is(err, client.ErrUnknownCommand) && errors.Is(err, actions.ErrNotBegun)
			},
			did: func() int { return len(nvr.Stats().Triggered) },
		},
		{
			name: "camera snapshot", handler: cameraverb.New(cameraverb.Config{Cameras: devices}),
			fine:  engine.CameraArgs{Camera: "good", Snapshot: true},
			hangs: engine.CameraArgs{Camera: "slow", Snapshot: true},
			fails: engine.CameraArgs{Camera: "nowhere", Snapshot: true},
			because: func(err error) bool {
				return errors.Is(err, syscall.ECONNREFUSED) && errors.Is(err, actions.ErrNotBegun)
			},
			did: func() int { return cam.Stats().Requests },
		},
		{
			name: "log", handler: log.New(func(string, string) { mu.Lock(); lines++; mu.Unlock() }), fine: engine.LogArgs{Text: "hello"},
			did: func() int { mu.Lock(); defer mu.Unlock(); return lines },
		},
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

// waitFor waits until something is so, a few seconds at most.
func waitFor(what func() bool) bool {
	for range 500 {
		if what() {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

func TestEveryAction(t *testing.T) {
	for _, s := range subjects(t) {
		asked := func(a engine.Args) engine.Request {
			q := asked(a)
			q.Step.Durable = s.durable
			return q
		}
		t.Run(s.name, func(t *testing.T) {
			t.Run("starts nothing after its time", func(t *testing.T) {
				q := asked(s.fine)
				if s.late != nil {
					q = asked(s.late)
				}
				b, before := newKeeper(t, "run", nil, s.handler), s.did()
				q.Expires = b.now()
				time.Sleep(time.Millisecond)
				b.Submit(q)
				b.shut(t)
				if len(b.told) != 1 || b.told[0].out.Begun || !strings.HasSuffix(b.told[0].out.Reason, actions.ReasonExpired) || s.did() != before {
					t.Errorf("told %+v; it was done %d times", b.told, s.did()-before)
				}
			})
			if s.durable {
				t.Run("goes on after a restart", func(t *testing.T) {
					s.down(true)
					d, before := &disk{}, s.did()
					k := newKeeper(t, "one", newStore(t, d), s.handler)
					k.Submit(asked(s.fine))
					if !waitFor(func() bool { o := k.Outbox(); return len(o) == 1 && o[0].Tries == 1 }) {
						t.Fatalf("not tried: %+v", k.Outbox())
					}
					k.end()
					if len(k.told) != 0 || len(d.ids()) != 1 || s.did() != before {
						t.Errorf("told %+v, on the disk %v", k.told, d.ids())
					}
					s.down(false)
					id := d.ids()[0]
					k = newKeeper(t, "two", newStore(t, d), s.handler)
					if !waitFor(func() bool { return len(d.ids()) == 0 }) {
						t.Errorf("on the disk: %v", d.ids())
					}
					k.shut(t)
					if len(k.told) != 1 || k.told[0].rec.Parcel != id || !k.told[0].rec.Earlier || k.told[0].rec.Reason != "" || s.did() != before+1 {
						t.Errorf("told %+v", k.told)
					}
				})
			}
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
