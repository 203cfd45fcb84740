package camera_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/actions/camera"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// device is one that does as it is told.
type device struct {
	alarm func(ctx context.Context, id int) error
	shot  func(ctx context.Context, channel int) ([]byte, error)
}

func (d device) TriggerVirtualAlarm(ctx context.Context, id int) error { return d.alarm(ctx, id) }
func (d device) GetSnapshot(ctx context.Context, channel int) ([]byte, error) {
	return d.shot(ctx, channel)
}

// sent says that a device's request goes out now.
func sent(ctx context.Context) {
	httptrace.ContextClientTrace(ctx).GotConn(httptrace.GotConnInfo{})
}

func request(a engine.Args) engine.Request {
	s := &engine.Step{Args: a, Text: "camera"}
	return engine.Request{Firing: &engine.Firing{ID: 1, Rule: &engine.Rule{Name: "r"}}, Step: s, Args: a}
}

func TestNothingIsSentAfterTheStepHasExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		now := func() time.Duration { return time.Since(begin) }
		busy := device{alarm: func(ctx context.Context, _ int) error { // it waits for its turn
			<-ctx.Done()
			return ctx.Err()
		}}
		h := camera.New(camera.Config{Cameras: []camera.Camera{{Name: "nvr", Device: busy}}, Now: now})
		q := request(engine.CameraArgs{Camera: "nvr", VirtualAlarm: 17})
		q.Expires = 3 * time.Second
		err := h.Action.Do(t.Context(), q)
		if err == nil || err.Error() != "expired" || !errors.Is(err, actions.ErrNotBegun) || now() != 3001*time.Millisecond {
			t.Errorf("%v after %v", err, now())
		}
		// One that never expires waits for as long as the step may take.
		q.Expires = 0
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := h.Action.Do(ctx, q); err == nil || err.Error() != `camera "nvr": context deadline exceeded` || now() < time.Minute {
			t.Errorf("%v after %v", err, now())
		}
	})
}

func TestWhatWasSentInTimeIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		now := func() time.Duration { return time.Since(begin) }
		var fails error
		slow := device{alarm: func(ctx context.Context, _ int) error {
			time.Sleep(2 * time.Second)
			sent(ctx)
			select {
			case <-time.After(5 * time.Second):
				return fails
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
		h := camera.New(camera.Config{Cameras: []camera.Camera{{Name: "nvr", Device: slow}}, Now: now})
		q := request(engine.CameraArgs{Camera: "nvr", VirtualAlarm: 17})
		q.Expires = 3 * time.Second
		if err := h.Action.Do(t.Context(), q); err != nil || now() != 7*time.Second {
			t.Errorf("%v after %v", err, now())
		}
		// What became of it is not known, so it counts as begun.
		fails = errors.New("connection reset by peer")
		q.Expires = now() + 3*time.Second
		if err := h.Action.Do(t.Context(), q); err == nil || err.Error() != `camera "nvr": connection reset by peer` || errors.Is(err, actions.ErrNotBegun) {
			t.Errorf("got %v", err)
		}
	})
}

// reach is a client of a virtual device.
func reach(t *testing.T, o sim.Options, password string) (*sim.Camera, *client.Client) {
	t.Helper()
	cam := sim.NewCamera(o)
	srv := httptest.NewServer(cam)
	t.Cleanup(srv.Close)
	user := ""
	if password != "" {
		user = "admin"
	}
	c, err := client.New(client.Config{URL: srv.URL, Username: user, Password: password, Location: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return cam, c
}

func TestWhetherADeviceDidAnythingIsToldFromItsAnswer(t *testing.T) {
	fault := func(f sim.Fault) sim.Options {
		return sim.Options{Fault: func(string, *http.Request) sim.Fault { return f }}
	}
	code := func(n int) sim.Fault {
		return sim.Fault{Status: http.StatusOK, ContentType: "application/xml", Body: fmt.Sprintf(`<config version="1.0" xmlns="http://www.ipc.com/ver10" status="failed"><errorCode>%d</errorCode></config>`, n)}
	}
	nobody, err := client.New(client.Config{URL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	dev := func(o sim.Options, password string) camera.Device {
		_, c := reach(t, o, password)
		return c
	}
	login := sim.Options{Recorder: true, Username: "admin", Password: "right"}
	for name, c := range map[string]struct {
		dev      camera.Device
		id       int
		want     string
		notBegun bool
	}{
		"done":           {dev(sim.Options{Recorder: true}, ""), 17, "", false},
		"done by login":  {dev(login, "right"), 17, "", false},
		"wrong login":    {dev(login, "wrong"), 17, `camera "nvr": TriggerVirtualAlarm: the camera answered code 9 (unauthorized)`, true},
		"no recorder":    {dev(sim.Options{}, ""), 17, `camera "nvr": TriggerVirtualAlarm: the camera answered code 1 (invalid request, or the command is unknown)`, true},
		"no such thing":  {dev(sim.Options{API: sim.API19}, ""), 17, `camera "nvr": TriggerVirtualAlarm: the camera answered code 1 (invalid request, or the command is unknown)`, true},
		"away":           {nobody, 17, `camera "nvr": TriggerVirtualAlarm: `, true},
		"not well":       {dev(fault(sim.Fault{Status: http.StatusServiceUnavailable}), ""), 17, `camera "nvr": TriggerVirtualAlarm: the camera answered HTTP 503`, false},
		"internal error": {dev(fault(code(79)), ""), 17, `camera "nvr": TriggerVirtualAlarm: the camera answered code 79 (internal error)`, false},
		"busy":           {dev(fault(code(7)), ""), 17, `camera "nvr": TriggerVirtualAlarm: the camera answered code 7 (busy)`, true},
		"cut off":        {dev(fault(sim.Fault{Drop: true}), ""), 17, `camera "nvr": TriggerVirtualAlarm: `, false},
		"no id":          {dev(sim.Options{Recorder: true}, ""), 65536, "65536 is not the id of a virtual alarm", true},
		"nothing asked":  {dev(sim.Options{Recorder: true}, ""), 0, "a camera step asks for a virtual alarm or for a picture", true},
	} {
		t.Run(name, func(t *testing.T) {
			h := camera.New(camera.Config{Cameras: []camera.Camera{{Name: "nvr", Device: c.dev}}})
			err := h.Action.Do(t.Context(), request(engine.CameraArgs{Camera: "nvr", VirtualAlarm: c.id}))
			switch {
			case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)):
				t.Errorf("got %v, want %s", err, c.want)
			case errors.Is(err, actions.ErrNotBegun) != c.notBegun:
				t.Errorf("not begun: %v, of %v", !c.notBegun, err)
			}
		})
	}
	h := camera.New(camera.Config{})
	if err := h.Action.Do(t.Context(), request(engine.CameraArgs{Camera: "nvr", VirtualAlarm: 17})); err == nil || err.Error() != `there is no camera "nvr" with a url` || !errors.Is(err, actions.ErrNotBegun) {
		t.Errorf("got %v", err)
	}
}

// run puts requests through a runner and gives what became of them.
func run(t *testing.T, c camera.Config, requests ...engine.Request) []actions.Record {
	t.Helper()
	begin := time.Now()
	records := make(chan actions.Record, len(requests))
	r, err := actions.New(actions.Config{
		Handlers: []actions.Handler{camera.New(c)}, Now: func() time.Duration { return time.Since(begin) },
		Report: func(_ engine.Outcome, r actions.Record) { records <- r },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range requests {
		r.Submit(q)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	close(records)
	var all []actions.Record
	for rec := range records {
		all = append(all, rec)
	}
	return all
}

func TestAPictureIsInTheRecord(t *testing.T) {
	jpeg := []byte("\xff\xd8\xff a picture \xff\xd9")
	var channels []int
	fine := device{shot: func(_ context.Context, channel int) ([]byte, error) {
		channels = append(channels, channel)
		return jpeg, nil
	}}
	broken := device{shot: func(ctx context.Context, _ int) ([]byte, error) {
		sent(ctx)
		return nil, errors.New("GetSnapshot: the camera's answer is not a JPEG picture")
	}}
	got := run(t, camera.Config{Cameras: []camera.Camera{{Name: "gate", Device: fine, Channel: 3}}},
		request(engine.CameraArgs{Camera: "gate", Snapshot: true}))[0]
	if !bytes.Equal(got.Picture, jpeg) || got.Detail != "a picture of 16 bytes" || got.Lane != "device gate" || !got.Begun || got.Tries != 1 || got.Reason != "" || !slices.Equal(channels, []int{3}) {
		t.Errorf("got %+v of channels %v", got, channels)
	}
	got = run(t, camera.Config{Cameras: []camera.Camera{{Name: "gate", Device: broken}}}, request(engine.CameraArgs{Camera: "gate", Snapshot: true}))[0]
	if got.Picture != nil || got.Tries != 1 || got.Reason != `camera "gate": GetSnapshot: the camera's answer is not a JPEG picture` {
		t.Errorf("got %+v", got)
	}
}

// TestTheLastExchangeCounts over the network, with a device that answers later than the step may start: what was sent
// in time is waited for, and a login that it asks for too late is not sent.
func TestTheLastExchangeCounts(t *testing.T) {
	for _, login := range []string{"", "right"} {
		o := sim.Options{Recorder: true}
		if login != "" {
			o.Username, o.Password = "admin", login
		}
		cam := sim.NewCamera(o)
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(150 * time.Millisecond)
			cam.ServeHTTP(w, r)
		}))
		defer srv.Close()
		dev, err := client.New(client.Config{URL: srv.URL, Username: o.Username, Password: o.Password})
		if err != nil {
			t.Fatal(err)
		}
		defer dev.Close()
		q := request(engine.CameraArgs{Camera: "nvr", VirtualAlarm: 17})
		q.Expires = 100 * time.Millisecond
		got := run(t, camera.Config{Cameras: []camera.Camera{{Name: "nvr", Device: dev}}, Now: func() time.Duration { return 0 }}, q)[0]
		stats := cam.Stats()
		if stats.Requests != 1 || got.Tries != 1 {
			t.Errorf("with login %q: got %+v, and the device %+v", login, got, stats)
		}
		if login == "" && (!got.Begun || got.Reason != "" || !slices.Equal(stats.Triggered, []int{17})) {
			t.Errorf("got %+v, and the device %+v", got, stats)
		}
		if login != "" && (got.Begun || got.Reason != "expired" || got.Detail != `camera "nvr" was busy, or not to be reached, until then` || len(stats.Triggered) != 0) {
			t.Errorf("got %+v, and the device %+v", got, stats)
		}
	}
}
