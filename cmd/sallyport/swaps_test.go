package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/gpio"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// swapRulesText is a set of which the number changes two rules: the gate's, and the
// lamp's, whose lease the new rule takes over. The porch's rule is always the same.
func swapRulesText(n int) string {
	return fmt.Sprintf(`zones:
  porch: {camera: porch, polygon: [[2000, 3000], [8000, 3000], [8000, 10000], [2000, 10000]]}
lists:
  residents: [{plate: ABC%04[1]d}]
rules:
  - name: light
    on: target
    when: target.class == "person" && inside("porch")
    hold: 1m
    do: [{relay: porch, follow: true}]
  - name: lamp
    on: target
    when: target.class == "person" && inside("porch")
    hold: %[2]ds
    do: [{relay: lamp, follow: true}]
  - name: gate
    on: plate
    when: plate.on("residents")
    do: [{relay: gate, pulse: %[3]dms}]
`, n%10_000, 60+n%1000, 100+n)
}

// swapNumber is the number of the set in force.
func swapNumber(rs *engine.Ruleset) (n int) {
	for _, r := range rs.Rules {
		if r.Name == "gate" {
			if a, ok := r.Do[0].Args.(engine.RelayArgs); ok {
				n = int(a.Pulse/time.Millisecond) - 100
			}
		}
	}
	return n
}

// TestSwapsUnderLoad puts rule sets in force one after the other, from the loader and
// from saved files, while cameras post: no frame is lost, no line sees an edge, and in
// the end the last set is in force.
func TestSwapsUnderLoad(t *testing.T) {
	swaps, saves := 300, 5
	if os.Getenv("SALLYPORT_LONG") != "" {
		swaps, saves = 10_000, 50
	}
	fresh := 1 // every so many swaps a set comes fresh from the loader, which is slow to race
	if raced {
		fresh = 10
	}
	var mu sync.Mutex // guards edges
	var edges []string
	line := func(name string) relay.Config {
		return relay.Config{Spec: relay.Spec{Name: name, MaxOn: 12 * time.Hour}, Driver: gpio.NewMemory(func(on bool) {
			mu.Lock()
			edges = append(edges, fmt.Sprintf("%s %v", name, on))
			mu.Unlock()
		})}
	}
	running := make(chan *appliance, 1)
	s := startSite(t, swapRulesText(0), func(svc *service) {
		porch, ok := svc.site.Relay("porch")
		if !ok {
			t.Fatal("no porch")
		}
		porch.Name = "lamp"
		svc.site.Relays = append(svc.site.Relays, porch)
		svc.relays = []relay.Config{line("porch"), line("gate"), line("lamp")}
		svc.running = func(a *appliance) { running <- a }
	})
	a := <-running

	// A camera that shows somebody on the porch, and two with somebody outside of it.
	ctx, stop := context.WithCancel(t.Context())
	var posters sync.WaitGroup
	var frames atomic.Int64
	failed := make(chan error, 3)
	for i := range 3 {
		posters.Go(func() {
			box := sim.FootBox(sim.Point{5000, 9000}, sim.Size("person"))
			id := porchCamera
			if i > 0 {
				box, id = sim.FootBox(sim.Point{600 + 100*i, 2000}, sim.Size("motor")), gateCamera
			}
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for ctx.Err() == nil {
				class := "person"
				if i > 0 {
					class = "motor"
				}
				body := sim.AppendTrajectory(nil, id, time.Now(), []sim.Target{{ID: uint32(100 + i), Class: class, Box: box}})
				r, err := http.Post("http://"+s.addr+"/API", "application/xml", bytes.NewReader(body))
				if err == nil {
					_, err = io.Copy(io.Discard, r.Body)
					_ = r.Body.Close()
				}
				if err == nil && r.StatusCode != http.StatusOK {
					err = fmt.Errorf("answered %s", r.Status)
				}
				if err != nil {
					failed <- err
					return
				}
				frames.Add(1)
				<-tick.C
			}
		})
	}
	s.out.await("porch is on (")
	s.out.await("lamp is on (")

	await := func(want int) {
		t.Helper()
		got, over := -1, time.Now().Add(20*time.Second)
		for got != want {
			if err := a.ask(t.Context(), func(e *engine.Engine) { got = swapNumber(e.Ruleset()) }); err != nil {
				t.Fatal(err)
			}
			if got != want && time.Now().After(over) {
				t.Fatalf("set %d is in force, not the last one, %d", got, want)
			}
		}
	}
	begin := time.Now()
	site := rulefile.Site{Cameras: []string{"porch", "gate"}, Relays: map[string]rulefile.RelayInfo{}}
	for _, name := range []string{"porch", "gate", "lamp"} {
		site.Relays[name] = rulefile.RelayInfo{MaxOn: 12 * time.Hour}
	}
	var sets []*engine.Ruleset // loaded, the last ones
	for n := range swaps {
		rs := (*engine.Ruleset)(nil)
		if n%fresh == 0 {
			var problems []rulefile.Problem
			rs, problems = rulefile.LoadFiles([]rulefile.File{{Name: "rules.yaml", Data: []byte(swapRulesText(n + 1))}}, s.dir, site)
			if rulefile.Failed(problems) {
				t.Fatal(problems)
			}
			sets = append(sets[max(0, len(sets)-9):], rs)
		} else {
			rs = sets[n%len(sets)]
		}
		a.swapRules(rs, nil)
		await(swapNumber(rs)) // a question may come before a swap that was put first
	}
	loaded := time.Since(begin)

	// Saved in place, and written beside and renamed; each is waited for.
	begin = time.Now()
	last := swaps
	for n := range saves {
		last++
		if n%2 == 0 {
			s.write("rules.d/rules.yaml", swapRulesText(last))
		} else {
			s.write("rules.d/.rules.yaml.new", swapRulesText(last))
			if err := os.Rename(filepath.Join(s.dir, "rules.d/.rules.yaml.new"), filepath.Join(s.dir, "rules.d/rules.yaml")); err != nil {
				t.Fatal(err)
			}
		}
		s.out.awaitCount("rules loaded: 3 rules, set ", n+1)
		await(last)
	}
	saved := time.Since(begin)
	// A burst counts as its last.
	for range 5 {
		last++
		s.write("rules.d/rules.yaml", swapRulesText(last))
	}
	await(last)

	stop()
	posters.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	if err := a.ask(t.Context(), func(*engine.Engine) {}); err != nil {
		t.Fatal(err)
	}
	var counted, lost uint64
	for _, c := range a.port.Stats().Cameras {
		counted += c.Frames
		lost += c.Merged + c.Dropped + c.Refused
	}
	if counted != uint64(frames.Load()) || lost > 0 {
		t.Errorf("%d frames were answered 200, %d counted, %d merged or lost", frames.Load(), counted, lost)
	}
	mu.Lock()
	if got := strings.Join(edges, ", "); got != "porch true, lamp true" && got != "lamp true, porch true" {
		t.Errorf("the lines saw: %s", got)
	}
	mu.Unlock()
	t.Logf("%d swaps in %v, one in %d fresh from the loader, %d from files in %v, %d frames", swaps, loaded, fresh, saves, saved, counted)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
}
