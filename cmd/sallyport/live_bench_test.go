//go:build unix

package main

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/engine/scene"
	"github.com/sallyport/sallyport/web"
)

// BenchmarkOnePageOpen is the share of a core that the process takes for eight cameras
// with five targets each, seven frames a second, while nobody and while one page
// follows them. An iteration is a second. The promise is under 5 % for the console.
func BenchmarkOnePageOpen(b *testing.B) {
	b.Run("nobody", func(b *testing.B) { benchPage(b, false) })
	b.Run("one page", func(b *testing.B) { benchPage(b, true) })
}

func benchPage(b *testing.B, open bool) {
	site := config.Default()
	site.Data = ""
	text := "zones:\n"
	for i := range 8 {
		site.Cameras = append(site.Cameras, config.Camera{Name: fmt.Sprint("cam-", i)})
		text += fmt.Sprintf("  yard-%d: {camera: cam-%d, polygon: [[0, 0], [9000, 0], [9000, 9000], [0, 9000]]}\n", i, i)
	}
	text += "rules:\n"
	for i := range 8 {
		text += fmt.Sprintf("  - {name: r%d, on: target, when: inside(\"yard-%d\"), do: [{log: x}]}\n", i, i)
	}
	rules, problems := rulefile.LoadFiles([]rulefile.File{{Name: "a.yaml", Data: []byte(text)}}, "rules.d", ruleSite(site))
	if rulefile.Failed(problems) {
		b.Fatal(problems)
	}
	a, err := newAppliance(parts{
		site: site, rules: rules, log: slog.New(slog.DiscardHandler), live: newLive(web.NewHub()), onLog: func(engine.Instant, string, string) {},
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	accounts, err := openAccounts(b.TempDir(), a.log)
	if err != nil {
		b.Fatal(err)
	}
	r := &reloader{}
	s := &source{
		appliance: a, reloader: r, zones: &driftWatch{inForce: r.inForce}, site: site, trackReader: newTrackReader(), accounts: accounts, files: newRuleFiles(r, nil),
	}
	console, err := web.New(web.Config{Source: s.web()})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(console)
	go a.loop(ctx)
	go s.tellStreams(ctx)
	defer func() {
		a.live.hub.Close()
		server.Close()
		cancel()
		<-a.stopped
		a.closeRunner()
		if err := a.closeRelays(); err != nil {
			b.Error(err)
		}
	}()
	if open {
		answer, err := http.Get(server.URL + "/api/v1/stream")
		if err != nil || answer.StatusCode != 200 {
			b.Fatal(answer, err)
		}
		defer answer.Body.Close()
		go func() {
			for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			}
		}()
	}
	tick := time.NewTicker(time.Second / 7)
	defer tick.Stop()
	begun, used := time.Now(), cpuTime(b)
	x := int32(0)
	for b.Loop() {
		for range 7 {
			<-tick.C
			x = (x + 100) % 8000
			for i := range 8 {
				ev := &engine.Event{Kind: engine.KindTarget, Camera: fmt.Sprint("cam-", i)}
				for id := range uint64(5) {
					box := geometry.Box{X1: x, Y1: 1000 * int32(id), X2: x + 700, Y2: 1000*int32(id) + 2200}
					ev.Targets = append(ev.Targets, engine.Listed{ID: id, HasID: true, Class: scene.Person, Box: box, HasBox: true})
				}
				if err := a.ask(ctx, func(e *engine.Engine) { a.decided(0, e.Apply(a.now(), ev)) }); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.ReportMetric(100*float64(cpuTime(b)-used)/float64(time.Since(begun)), "%-of-a-core")
}

// cpuTime is what the process has used of the processor.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
