package sim_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/viewtron"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// receiver is where a camera posts to: it notes what came, when and where.
type receiver struct {
	start time.Time
	mu    sync.Mutex // covers the fields below
	lines []string
	last  map[string][]byte // body by kind
}

func (r *receiver) RoundTrip(q *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	var p viewtron.Post
	if err := viewtron.Decode(b, &p); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	line := fmt.Sprintf("%v %s %s", time.Since(r.start).Round(time.Millisecond), q.URL, summary(&p))
	r.lines = append(r.lines, line)
	if r.last == nil {
		r.last = map[string][]byte{}
	}
	r.last[string(p.Kind)] = b
	return ok(), nil
}

// seen gives what came, without frames, which are counted.
func (r *receiver) seen() (lines []string, frames int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.lines {
		if strings.Contains(l, " target ") {
			frames++
			continue
		}
		lines = append(lines, l)
	}
	return lines, frames
}

func (r *receiver) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = nil
}

func (r *receiver) wants(t *testing.T, frames int, want ...string) {
	t.Helper()
	synctest.Wait()
	lines, n := r.seen()
	if n != frames {
		t.Errorf("%d frames, want %d", n, frames)
	}
	if !slices.Equal(lines, want) {
		t.Errorf("posts\n got %s\nwant %s", strings.Join(lines, "\n     "), strings.Join(want, "\n     "))
	}
}

// walk is a person who goes into the default zone, stays, and leaves it again.
func walk(stay time.Duration) sim.Scene {
	d := func(v time.Duration) sim.Duration { return sim.Duration(v) }
	return sim.Scene{Cameras: []sim.CameraScene{{
		Identity: sim.Identity{Name: "porch"},
		Targets: []sim.Track{{ID: 7, Class: "person", At: d(time.Second), From: sim.Point{1000, 9000}, Moves: []sim.Move{
			{To: &sim.Point{5000, 9000}, Over: d(2 * time.Second)}, {Stay: d(stay)}, {To: &sim.Point{1000, 9000}, Over: d(2 * time.Second)},
		}}},
	}}}
}

// living runs a camera in a bubble and gives what it posts to.
func living(t *testing.T, o sim.Options, s sim.Scene) (*sim.Camera, *receiver) {
	t.Helper()
	r := &receiver{start: time.Now()}
	o.Transport = r
	o.Location = time.UTC
	if o.Name == "" {
		o.Identity = sim.Identity{Name: "porch", MAC: "58:5b:69:00:00:01"}
	}
	cam := sim.NewCamera(o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- cam.Run(ctx, s) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	return cam, r
}

func slot(t *testing.T, id int, url string, data, events []string) sim.PushSlot {
	t.Helper()
	s, err := sim.SlotTo(id, url)
	if err != nil {
		t.Fatal(err)
	}
	s.Data, s.Events = data, events
	return s
}

func TestNothingIsPostedBeforeItIsConfigured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam, r := living(t, sim.Options{SmartTrack: true}, walk(5*time.Second))
		time.Sleep(5 * time.Second)
		r.wants(t, 0)
		if err := cam.SetPush(sim.Push{Slots: []sim.PushSlot{slot(t, 2, "http://here:5002/API", []string{"traject"}, []string{"PERIMETER"})}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30*time.Second + 500*time.Millisecond)
		r.wants(t, 35, "5s http://here:5002/API heartbeat v2 device=porch/58:5b:69:00:00:01", "35s http://here:5002/API heartbeat v2 device=porch/58:5b:69:00:00:01")
		cam.FactoryReset()
		r.clear()
		time.Sleep(2 * time.Minute)
		r.wants(t, 0)
	})
}
