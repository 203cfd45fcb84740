package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// zonesCamera tells of its zones what a test wants.
type zonesCamera struct {
	mu    sync.Mutex // covers what follows
	zones map[client.Detector]client.Detection
	err   error
	asked []string // detectors, with the seconds since the beginning
	begin time.Time
}

func (c *zonesCamera) GetDetection(ctx context.Context, d client.Detector, _ int) (client.Detection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, time.Since(c.begin).String()+" "+d.Word())
	if _, ok := ctx.Deadline(); !ok {
		return client.Detection{}, errors.New("the question has no end")
	}
	if c.err != nil {
		return client.Detection{}, c.err
	}
	got, ok := c.zones[d]
	if !ok {
		return client.Detection{}, &client.Error{Command: d.Command(), Code: 11}
	}
	got.Detector = d
	return got, nil
}

func (c *zonesCamera) set(d client.Detector, got client.Detection, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.zones[d], c.err = got, err
}

func triangle(x int) client.Detection {
	return client.Detection{Regions: []client.Region{{ID: 1, Points: []client.Point{{X: 0, Y: 0}, {X: x, Y: 0}, {X: x, Y: 9000}}}}}
}

// lines is a log as a test reads it: a line each, without the time.
type lines struct {
	mu  sync.Mutex // covers all
	all []string
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, regexp.MustCompile(`^time=\S+ `).ReplaceAllString(strings.TrimSpace(string(b)), ""))
	return len(b), nil
}

// take gives what was logged since it was called last.
func (l *lines) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.all
	l.all = nil
	return all
}

// TestDrift: a zone that changes on the camera is noticed within ten minutes and said
// once for each change; what rules use stays as it was accepted.
func TestDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &zonesCamera{zones: map[client.Detector]client.Detection{client.Perimeter: triangle(9000)}, begin: time.Now()}
		var mu sync.Mutex
		copies := accepted{{Camera: "front", Name: "perimeter/1", Points: [][2]int32{{0, 0}, {9000, 0}, {9000, 9000}}}}
		log := &lines{}
		d := &driftWatch{
			cameras: map[string]driftCamera{"front": {device: cam}, "gate": {}},
			inForce: func() ([]string, accepted) {
				mu.Lock()
				defer mu.Unlock()
				return []string{"attic/perimeter/1", "front/perimeter/1", "front/perimeter/2"}, copies
			},
			tell: func(camera string, drift []string) {
				_, _ = log.Write([]byte(camera + ": " + strings.Join(drift, "; ") + "\n"))
			},
			log: slog.New(slog.NewTextHandler(log, nil)),
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { d.run(ctx); close(ended) }()
		wait := func(long time.Duration) {
			time.Sleep(long)
			synctest.Wait()
		}
		demand := func(when string, drift, logged []string) {
			t.Helper()
			if got := d.drift("front"); !slices.Equal(got, drift) {
				t.Errorf("%s: the drift is %q", when, got)
			}
			if got := log.take(); !slices.Equal(got, logged) {
				t.Errorf("%s: logged\n%s", when, strings.Join(got, "\n"))
			}
		}
		wait(29 * time.Second)
		demand("before the first question", nil, nil)
		wait(time.Second)
		demand("as accepted", nil, nil)

		cam.set(client.Perimeter, triangle(8000), nil)
		wait(9*time.Minute + 59*time.Second)
		demand("before the second question", nil, nil)
		wait(time.Second)
		changed := []string{"perimeter/1 changed on the camera: point 2 from [9000, 0] to [8000, 0]; point 3 from [9000, 9000] to [8000, 9000]; `sallyport camera zones front --accept perimeter/1` takes it over"}
		const said = "front: "
		demand("changed", changed, []string{said + changed[0]})
		wait(driftEvery)
		demand("still changed", changed, nil)

		cam.set(client.Perimeter, triangle(8000), &net.OpError{Op: "dial", Err: errors.New("no route to host")})
		wait(driftEvery)
		demand("away", changed, nil)
		refused := &client.Error{Command: "GetSmartPerimeterConfig", Code: 9}
		cam.set(client.Perimeter, triangle(8000), refused)
		wait(driftEvery)
		const failed = `level=WARN msg="zones and lines on the camera cannot be compared with the accepted copies" camera=front error="GetSmartPerimeterConfig: the camera answered code 9 (unauthorized)"`
		demand("login refused", changed, []string{failed})
		wait(driftEvery)
		demand("login still refused", changed, nil)

		cam.set(client.Perimeter, client.Detection{}, nil)
		wait(driftEvery)
		gone := []string{"perimeter/1 is gone from the camera; the accepted copy stays in use"}
		demand("gone", gone, []string{said + gone[0]})
		cam.set(client.Perimeter, client.Detection{Problems: []string{"region 1: X is \"a\", not 0 to 10000"}}, nil)
		wait(driftEvery)
		demand("unreadable", gone, []string{
			`level=WARN msg="zones and lines on the camera cannot be compared with the accepted copies" camera=front error="perimeter: region 1: X is \"a\", not 0 to 10000"`,
		})
		cam.set(client.Perimeter, triangle(7000), nil)
		wait(driftEvery)
		changed[0] = strings.NewReplacer("[8000, 0]", "[7000, 0]", "[8000, 9000]", "[7000, 9000]").Replace(changed[0])
		demand("changed again", changed, []string{said + changed[0]})

		mu.Lock()
		copies = accepted{{Camera: "front", Name: "perimeter/1", Points: [][2]int32{{0, 0}, {7000, 0}, {7000, 9000}}}}
		mu.Unlock()
		demand("accepted", nil, nil)
		wait(driftEvery)
		demand("asked after it was accepted", nil, []string{"front:"})
		cancel()
		<-ended
		if len(cam.asked) != 10 || cam.asked[0] != "30s perimeter" || cam.asked[1] != "10m30s perimeter" {
			t.Errorf("asked %q", cam.asked)
		}
	})
}

// TestDriftOfAVirtualCamera: the whole way, over HTTP.
func TestDriftOfAVirtualCamera(t *testing.T) {
	s := newZonesSite(t)
	s.zones(0, "--accept")
	copies, err := readAccepted(filepath.Join(filepath.Dir(s.file), "data", importsFile))
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Config{URL: s.server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	d := &driftWatch{
		cameras: map[string]driftCamera{"front": {device: c}}, log: slog.New(slog.DiscardHandler), tell: func(string, []string) {},
		inForce: func() ([]string, accepted) { return []string{"front/perimeter/3", "front/tripwire/2"}, copies },
	}
	d.ask(t.Context())
	if got := d.drift("front"); got != nil {
		t.Errorf("as accepted: %q", got)
	}
	s.region(3, sim.Point{0, 0}, sim.Point{900, 0}, sim.Point{950, 900})
	s.region(1) // nothing imports it
	if err := s.cam.SetLine("tripwire", 2, sim.Point{0, 6000}, sim.Point{9000, 6000}, "rightortop"); err != nil {
		t.Fatal(err)
	}
	d.ask(t.Context())
	want := []string{
		"perimeter/3 changed on the camera: point 3 from [900, 900] to [950, 900]; `sallyport camera zones front --accept perimeter/3` takes it over",
		"tripwire/2 changed on the camera: point 2 from [10000, 6000] to [9000, 6000]; direction from both ways to left to right or bottom to top (rightortop); `sallyport camera zones front --accept tripwire/2` takes it over",
	}
	if got := d.drift("front"); !slices.Equal(got, want) {
		t.Errorf("changed: %q", got)
	}
}

// TestDriftIsAProblemOfTheCamera: every difference that is new is told, also while an
// earlier one lasts, and that it is over.
func TestDriftIsAProblemOfTheCamera(t *testing.T) {
	site, problems := config.Parse("sallyport.yaml", []byte("cameras: {front: {match: {ip: 192.0.2.1}}}\n"))
	if config.Failed(problems) {
		t.Fatal(problems)
	}
	var got []string
	h := newHealth(site, time.Now, func(n cameraNews) { got = append(got, n.line()) })
	h.zones("front", []string{"perimeter/1 changed"})
	h.zones("front", []string{"perimeter/1 changed"})
	h.zones("front", []string{"perimeter/1 changed", "tripwire/1 is gone"})
	if list, _ := h.problems("front"); len(list) != 1 || list[0].kind != badZones {
		t.Errorf("problems %v", list)
	}
	h.zones("front", nil)
	h.zones("front", nil)
	h.zones("attic", []string{"perimeter/1 changed"}) // a camera that is not there
	const not = "front: zones on the camera are not as they were accepted, and rules use the accepted copies: perimeter/1 changed"
	if want := []string{not, not + "; tripwire/1 is gone", "front: its zones and lines are as they were accepted"}; !slices.Equal(got, want) {
		t.Errorf("told %q", got)
	}
}
