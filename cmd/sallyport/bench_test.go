package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// stopwatch is a relay's line that notes when it was switched.
type stopwatch struct{ on, off chan time.Time }

func (s stopwatch) Set(on bool) error {
	note := s.off
	if on {
		note = s.on
	}
	select {
	case note <- time.Now():
	default: // nobody waits for this one
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
// frame, the relay's rule being looked at before or after the hundred. It prints
// percentiles in microseconds. Journal and recording are kept, as they are live.
func BenchmarkFrameToRelay(b *testing.B) {
	b.Run("first rule", func(b *testing.B) { benchFrameToRelay(b, "action.yaml") })
	b.Run("last rule", func(b *testing.B) { benchFrameToRelay(b, "relay.yaml") })
}

func benchFrameToRelay(b *testing.B, file string) {
	site, problems := config.Load("../../testdata/bench/sallyport.yaml")
	if config.Failed(problems) {
		b.Fatal(problems)
	}
	rules, rp := rulefile.LoadFiles([]rulefile.File{
		{Name: "bench.yaml", Data: read(b, "../../testdata/bench/rules.d/bench.yaml")},
		{Name: file, Data: []byte(`zones:
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
	watch := stopwatch{make(chan time.Time, 1), make(chan time.Time, 1)}
	p := parts{
		site: site, rules: rules, cameras: cams, log: slog.New(slog.DiscardHandler),
		relays: []relay.Config{{Spec: relay.Spec{Name: "bench", MaxOn: time.Hour}, Driver: watch}},
		onLog:  func(engine.Instant, string, string) {},
	}
	site.Data = b.TempDir()
	kept, err := openDisk(site, "", nil, 0, p.log)
	if err != nil {
		b.Fatal(err)
	}
	defer kept.close()
	kept.serve(&p)
	a, err := newAppliance(p)
	if err != nil {
		b.Fatal(err)
	}
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
	relayRound(b, a, watch) // the first frames make what later ones reuse
	var took []time.Duration
	for b.Loop() {
		took = append(took, relayRound(b, a, watch)...)
	}
	slices.Sort(took)
	at := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))]) / 1e3 }
	b.ReportMetric(at(0.5), "p50-µs")
	b.ReportMetric(at(0.99), "p99-µs")
	b.ReportMetric(at(1), "max-µs")
	b.ReportMetric(float64(len(took)), "switches")
}

// relayRound times the way from frames to the relay, as often as a relay may
// switch in a minute, and then clears the count of switches.
func relayRound(b *testing.B, a *appliance, watch stopwatch) []time.Duration {
	ask := func(v relay.Verb) {
		if out := a.relay.Do(context.Background(), relay.Request{Relay: "bench", Verb: v, Cause: "bench"}); out.Err != nil {
			b.Fatal(out.Err)
		}
	}
	for state, _ := a.relay.State("bench"); state.Fault == ""; state, _ = a.relay.State("bench") {
		ask(relay.SetOn)
		ask(relay.SetOff)
	}
	ask(relay.Clear)
	for len(watch.on)+len(watch.off) > 0 {
		select {
		case <-watch.on:
		case <-watch.off:
		}
	}
	out, in := benchFrame(1500), benchFrame(6500)
	post := func(body []byte) {
		r, err := http.NewRequest(http.MethodPost, "/c/through", bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		r.RemoteAddr = "127.0.0.1:4000"
		a.port.ServeHTTP(answer{http.Header{}}, r)
	}
	var took []time.Duration
	for range switchesEach {
		post(out)
		begin := time.Now()
		post(in)
		took = append(took, (<-watch.on).Sub(begin))
		post(out)
		<-watch.off
	}
	return took
}

// benchFrame is a post of 20 people whose feet are at a height of the frame. It has
// no stamp, so that it can be posted again without being late.
func benchFrame(y int) []byte {
	targets := make([]sim.Target, 20)
	for i := range targets {
		targets[i] = sim.Target{ID: uint32(i + 1), Class: "person", Box: sim.FootBox(sim.Point{5000, y}, sim.Size("person"))}
	}
	body := sim.AppendTrajectory(nil, sim.Identity{Name: "bench"}, time.Now(), targets)
	return regexp.MustCompile(`<currentTime[^<]*</currentTime>`).ReplaceAll(body, nil)
}

func read(b *testing.B, name string) []byte {
	b.Helper()
	data, err := readPost(nil, name)
	if err != nil {
		b.Fatal(err)
	}
	return data
}
