package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/inputs/camera"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// stopwatch is a relay's line that notes when it was switched.
type stopwatch struct{ on, off chan time.Time }

func (s stopwatch) Set(on bool) error {
	if on {
		s.on <- time.Now()
		return nil
	}
	select {
	case s.off <- time.Now():
	default: // the one at the start, which nobody waits for
	}
	return nil
}

func (s stopwatch) Close() error { return nil }

// answer is a camera's side of an HTTP answer that nobody reads.
type answer struct{ header http.Header }

func (a answer) Header() http.Header         { return a.header }
func (a answer) Write(b []byte) (int, error) { return len(b), nil }
func (a answer) WriteHeader(int)             {}

// switchesEach is how often a round switches its relay: below the 30 a minute
// that are a fault.
const switchesEach = 14

// BenchmarkFrameToRelay measures from a post's arrival in the handler to the
// relay's line, with the hundred rules of testdata/bench and 20 targets in every
// frame. It prints percentiles in microseconds.
func BenchmarkFrameToRelay(b *testing.B) {
	site, problems := config.Load("../../testdata/bench/sallyport.yaml")
	if config.Failed(problems) {
		b.Fatal(problems)
	}
	rules, rp := rulefile.LoadFiles([]rulefile.File{
		{Name: "bench.yaml", Data: read(b, "../../testdata/bench/rules.d/bench.yaml")},
		{Name: "relay.yaml", Data: []byte(`zones:
  action: {camera: through, polygon: [[3000, 4500], [7000, 4500], [7000, 8500], [3000, 8500]], settle: 0s, linger: 0s, margin: 0}
rules:
  - name: action
    on: target
    when: target.id == 1 && inside("action")
    do: [{relay: bench, follow: true}]
`)},
	}, "rules.d", ruleSite(site))
	if rulefile.Failed(rp) {
		b.Fatal(rp)
	}
	cams, err := inputCameras(site, process{})
	if err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	for b.Loop() {
		took = append(took, relayRound(b, site, rules, cams)...)
	}
	slices.Sort(took)
	at := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))]) / 1e3 }
	b.ReportMetric(at(0.5), "p50-µs")
	b.ReportMetric(at(0.99), "p99-µs")
	b.ReportMetric(at(1), "max-µs")
	b.ReportMetric(float64(len(took)), "switches")
}

// relayRound starts an appliance and times the way from frames to its relay.
func relayRound(b *testing.B, site *config.Site, rules *engine.Ruleset, cams []camera.Camera) []time.Duration {
	watch := stopwatch{make(chan time.Time, 1), make(chan time.Time, 1)}
	a, err := newAppliance(parts{
		site: site, rules: rules, cameras: cams, log: slog.New(slog.DiscardHandler),
		relays: []relay.Config{{Spec: relay.Spec{Name: "bench", MaxOn: time.Hour}, Driver: watch}},
		onLog:  func(engine.Instant, string, string) {},
	})
	if err != nil {
		b.Fatal(err)
	}
	<-watch.off
	ctx, cancel := context.WithCancel(context.Background())
	go a.loop(ctx)
	defer func() {
		cancel()
		<-a.stopped
		if err := a.closeRelays(); err != nil {
			b.Error(err)
		}
		a.closeRunner()
	}()
	post := func(y int) {
		targets := make([]sim.Target, 20)
		for i := range targets {
			targets[i] = sim.Target{ID: uint32(i + 1), Class: "person", Box: sim.FootBox(sim.Point{5000, y}, sim.Size("person"))}
		}
		body := sim.AppendTrajectory(nil, sim.Identity{Name: "bench"}, time.Now(), targets)
		r, err := http.NewRequest(http.MethodPost, "/c/through", bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		r.RemoteAddr = "127.0.0.1:4000"
		a.port.ServeHTTP(answer{http.Header{}}, r)
	}
	var took []time.Duration
	for range switchesEach {
		post(1500)
		begin := time.Now()
		post(6500)
		took = append(took, (<-watch.on).Sub(begin))
		post(1500)
		<-watch.off
	}
	return took
}

func read(b *testing.B, name string) []byte {
	b.Helper()
	data, err := readPost(nil, name)
	if err != nil {
		b.Fatal(err)
	}
	return data
}
