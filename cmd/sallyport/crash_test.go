package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// killsEnv says how often the program is killed, seedEnv which way.
const (
	killsEnv = "SALLYPORT_KILLS"
	seedEnv  = "SALLYPORT_SEED"
)

// patience is how long anything may take on a machine that is busy.
const patience = 60 * time.Second

// offGrace is when a start goes on without outputs that are not off yet, less what
// comes before.
const offGrace = 900 * time.Millisecond

// TestKills kills the program at random moments while it works, and looks from
// outside at what its relays did, at what arrived, and at what its journal says.
// With the environment variable SALLYPORT_KILLS it does so that often.
func TestKills(t *testing.T) {
	kills, gap := 6, 1300*time.Millisecond
	if text := os.Getenv(killsEnv); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("%s=%q is not a number of kills", killsEnv, text)
		}
		// A relay may switch 30 times a minute.
		kills, gap = n, 4600*time.Millisecond
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(seedEnv); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s=%q: %v", seedEnv, text, err)
		}
		seed = n
	}
	t.Logf("%d kills, %s=%d", kills, seedEnv, seed)
	k := killer{crashWorld: newCrashWorld(t, seed, gap), rng: rand.New(rand.NewPCG(seed, 0)), ends: make(map[int]time.Time), starts: make(map[int]time.Time)}
	ctx, cancel := context.WithCancel(t.Context())
	var traffic sync.WaitGroup
	defer traffic.Wait()
	defer cancel()
	traffic.Go(func() { k.traffic(ctx) })

	for k.killed < kills {
		k.cycle()
	}
	c := k.start()
	k.ready(c)
	k.await("each gate opens again after the last kill", func() bool {
		return !slices.ContainsFunc(k.lanes, func(l *lane) bool {
			return !l.stays && !slices.ContainsFunc(l.dev.asked(), func(ch switching) bool { return ch.on && ch.run == c.run })
		})
	})
	cancel()
	traffic.Wait()
	k.sink.calm.Store(true)
	k.await("the outbox is empty", func() bool { return len(k.outbox(c)) == 0 })
	k.checkRelays(c)
	k.note(c)
	k.terminate(c)

	k.verify(k.heads...)
	entries := k.export()
	k.checkGates(entries)
	k.checkDeliveries(entries)
	slices.Sort(k.startTimes)
	t.Logf("%d starts, half of them within %v, the slowest %v; %d posts, %d of them in vain; %d deliveries, %d entries, %d saves",
		k.run.Load(), k.startTimes[len(k.startTimes)/2].Round(time.Millisecond), k.startTimes[len(k.startTimes)-1].Round(time.Millisecond),
		k.posted, k.failed, len(k.sink.deliveries()), len(entries), k.saves)
}

// killer starts the program and ends it.
type killer struct {
	*crashWorld
	rng    *rand.Rand
	killed int
	turn   []moment // that are to come

	heads        []string // noted while it ran
	starts, ends map[int]time.Time
	startTimes   []time.Duration
}

// child is a running program.
type child struct {
	run              int
	cmd              *exec.Cmd
	cameras, console string // addresses, once it is ready
	ready, done      chan struct{}
	err              error // how it ended, once done
	said             *tail
}

// tail keeps the last of what a program said.
type tail struct {
	mu   sync.Mutex // covers text
	text []byte
}

func (l *tail) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	l.text = l.text[max(0, len(l.text)-8<<10):]
	return len(b), nil
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// command is the program with the site's file, in a process of its own.
func (k *killer) command(args ...string) *exec.Cmd {
	k.Helper()
	self, err := os.Executable()
	if err != nil {
		k.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args = append([]string{"sallyport"}, args...) // TestMain takes it for the program
	cmd.Args = append(cmd.Args, "-c", k.site)
	return cmd
}

// start starts the program and lets the cameras post once it is ready.
func (k *killer) start() *child {
	k.Helper()
	c := &child{run: int(k.run.Add(1)), cmd: k.command("run"), ready: make(chan struct{}), done: make(chan struct{}), said: new(tail)}
	c.cmd.Stderr = c.said
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		k.Fatal(err)
	}
	begin := time.Now()
	if err := c.cmd.Start(); err != nil {
		k.Fatal(err)
	}
	k.Cleanup(func() { _ = c.cmd.Process.Kill() })
	go func() {
		defer close(c.done)
		lines := bufio.NewReader(io.TeeReader(out, c.said))
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				break
			}
			if rest, ok := strings.CutPrefix(line, "cameras post to "); ok {
				c.cameras, c.console, _ = strings.Cut(strings.TrimSpace(rest), "; the console is at ")
				took := time.Since(begin)
				k.startTimes = append(k.startTimes, took)
				k.starts[c.run] = time.Now()
				// Whatever an earlier run left on is off before anybody can post. A device that
				// is slow does not hold up the start, and on a busy machine this one may be.
				for took >= offGrace && slices.ContainsFunc(k.lanes, func(l *lane) bool { return l.dev.on() }) && time.Since(begin) < patience {
					<-time.After(2 * time.Millisecond)
				}
				k.checkOff(fmt.Sprintf("run %d is ready", c.run))
				close(c.ready)
				k.up.Store(c)
				k.moments.note(atReady)
			}
		}
		c.err = c.cmd.Wait()
	}()
	return c
}

// cycle starts the program once and ends it, mostly by a kill.
func (k *killer) cycle() {
	k.Helper()
	moment := k.moment()
	hit := k.moments.next(moment)
	c := k.start()
	switch {
	case k.rng.IntN(8) == 0: // in the middle of the start
		k.pause(c, time.Duration(k.rng.Int64N(int64(150*time.Millisecond))))
	default:
		k.ready(c)
		if k.rng.IntN(2) == 0 {
			k.note(c)
		}
		if moment != atReady {
			hit = k.moments.next(moment)
		}
		k.until(c, hit, 2*time.Second)
		// Most moments that matter follow soon.
		r := k.rng.Float64()
		k.pause(c, time.Duration(r*r*r*float64(400*time.Millisecond)))
	}
	if k.rng.IntN(10) == 0 {
		k.terminate(c)
	} else {
		k.kill(c)
	}
	k.verify(k.heads[max(0, len(k.heads)-1):]...)
	if k.rng.IntN(5) < 2 {
		if out, err := k.command("off").CombinedOutput(); err != nil {
			k.Fatalf("sallyport off: %v\n%s", err, out)
		}
		k.checkOff("after `sallyport off`")
	}
}

// moment gives every moment once before one comes again.
func (k *killer) moment() moment {
	if len(k.turn) == 0 {
		k.turn = []moment{atFirstRead, atRead, atOpening, atClosing, atEvent, atDelivery, atEdit, atSave, atReady}
		k.rng.Shuffle(len(k.turn), func(i, j int) { k.turn[i], k.turn[j] = k.turn[j], k.turn[i] })
	}
	m := k.turn[0]
	k.turn = k.turn[1:]
	return m
}

// ready waits until a program takes posts.
func (k *killer) ready(c *child) {
	k.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-c.ready:
	case <-c.done:
		k.Fatalf("run %d did not start: %v\n%s", c.run, c.err, c.said)
	case <-late.C:
		k.Fatalf("run %d does not get ready\n%s", c.run, c.said)
	}
}

// until waits for a moment, or for a time when it does not come.
func (k *killer) until(c *child, hit <-chan struct{}, most time.Duration) {
	k.Helper()
	over := time.NewTimer(most)
	defer over.Stop()
	select {
	case <-hit:
	case <-over.C:
	case <-c.done:
		k.Fatalf("run %d ended by itself: %v\n%s", c.run, c.err, c.said)
	}
}

// pause is the random time between a moment and the kill.
func (k *killer) pause(c *child, d time.Duration) {
	k.Helper()
	k.until(c, nil, d)
}

// kill ends a program as a power cut would.
func (k *killer) kill(c *child) {
	k.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		k.Fatalf("run %d: %v\n%s", c.run, err, c.said)
	}
	k.killed++
	k.ended(c)
	if status, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		k.Fatalf("run %d ended by itself: %v\n%s", c.run, c.err, c.said)
	}
}

// terminate stops a program as the service manager does.
func (k *killer) terminate(c *child) {
	k.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		k.Fatal(err)
	}
	k.ended(c)
	// One that has not come far enough is ended by the signal itself.
	if status, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && k.starts[c.run].IsZero() {
		return
	}
	if c.err != nil {
		k.Errorf("run %d was asked to stop: %v\n%s", c.run, c.err, c.said)
	}
	k.checkOff("after a stop")
}

// ended waits until a program is gone, and until nothing of it is on its way to a
// device: what comes afterwards is of the next.
func (k *killer) ended(c *child) {
	k.Helper()
	select {
	case <-c.done:
	case <-time.After(patience):
		k.Fatalf("run %d does not end\n%s", c.run, c.said)
	}
	k.up.Store(nil) // it may have got ready while it was killed
	k.ends[c.run] = time.Now()
	for _, word := range []string{"DATA RACE", "panic: ", "fatal error: "} {
		if strings.Contains(c.said.String(), word) {
			k.Errorf("run %d: %s", c.run, c.said)
		}
	}
	// A connection that was not accepted yet is, before one that is made now.
	for _, l := range append(slices.Clone(k.lanes), &lane{dev: k.lists}) {
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
		r, err := client.Get(l.dev.url + pingPath)
		if err != nil {
			k.Fatal(err)
		}
		_ = r.Body.Close()
	}
	k.await("the devices are left alone", k.conns.none)
}

// await waits until something is so.
func (k *killer) await(what string, so func() bool) {
	k.Helper()
	for over := time.Now().Add(patience); !so(); {
		if time.Now().After(over) {
			k.Fatalf("it never came about that %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// note notes the head of the journal, as somebody would elsewhere.
func (k *killer) note(c *child) {
	k.Helper()
	var status struct {
		Journal struct {
			Head *struct {
				ID   int64
				Hash string
			}
			Dropped int
			Error   string
		}
	}
	if err := c.get("/api/v1/status", &status); err != nil {
		k.Fatal(err, c.said)
	}
	if status.Journal.Error != "" || status.Journal.Dropped > 0 {
		k.Errorf("run %d: the journal: %+v", c.run, status.Journal)
	}
	if h := status.Journal.Head; h != nil {
		k.heads = append(k.heads, fmt.Sprintf("%d:%s", h.ID, h.Hash))
	}
}

// verify says whether the journal is whole, and still has heads that were noted.
func (k *killer) verify(heads ...string) {
	k.Helper()
	if _, err := os.Stat(filepath.Join(k.dir, "data", "journal.db")); err != nil && len(heads) == 0 {
		return // it was killed before there was one
	}
	want := "the noted head is there"
	if len(heads) == 0 {
		heads, want = []string{""}, "ok: "
	}
	for _, head := range heads {
		code, out, errs := runCommand(k.T, "journal", "verify", "--head", head, "-c", k.site)
		if code != 0 || !strings.HasPrefix(out, "ok: ") || !strings.Contains(out, want) {
			k.Fatalf("after run %d, head %q: code %d\n%s%s", k.run.Load(), head, code, out, errs)
		}
	}
}

// checkOff says which outputs are on.
func (k *killer) checkOff(when string) {
	for _, l := range k.lanes {
		if l.dev.on() {
			k.Errorf("%s is on: %s", l.name, when)
		}
	}
}

// outbox is what waits for its destination.
func (k *killer) outbox(c *child) []any {
	k.Helper()
	var page struct{ Items []any }
	if err := c.get("/api/v1/outbox", &page); err != nil {
		k.Fatal(err, c.said)
	}
	return page.Items
}

// checkRelays says which relays are not well.
func (k *killer) checkRelays(c *child) {
	k.Helper()
	var page struct {
		Items []struct{ Name, Fault string }
	}
	if err := c.get("/api/v1/relays", &page); err != nil || len(page.Items) != lanes+1 {
		k.Fatal(err, page, c.said)
	}
	for _, r := range page.Items {
		if r.Fault != "" && r.Name != "porch" { // the light switches at every start
			k.Errorf("relay %s: %s", r.Name, r.Fault)
		}
	}
}

// crashEntry is an entry of the journal.
type crashEntry struct {
	ID                                                             int64
	At, Kind, Type, Rule, Key, Plate, Relay, Step, Outcome, Reason string
	Links                                                          struct{ Event, Firing int64 }
	Event                                                          struct {
		ID int64 `json:"event_id"`
	}
}

// export is the whole journal.
func (k *killer) export() []crashEntry {
	k.Helper()
	code, out, errs := runCommand(k.T, "journal", "export", "-c", k.site)
	if code != 0 {
		k.Fatal(code, errs)
	}
	var all []crashEntry
	for line := range strings.Lines(out) {
		var e crashEntry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			k.Fatalf("%v: %s", err, line)
		}
		all = append(all, e)
	}
	return all
}

// checkGates says whether every car was opened for once, by the program that saw it,
// and for as long as it should.
func (k *killer) checkGates(entries []crashEntry) {
	k.Helper()
	moved := make(map[string]bool)   // plates for which the journal says that a relay moved
	about := make(map[string]string) // what the journal says of a plate
	for _, e := range entries {
		if e.Plate != "" && e.Kind != "event" {
			about[e.Plate] += fmt.Sprintf("%+v\n", e)
		}
		if e.Kind == "action" && e.Relay != "" && e.Outcome == "done" {
			moved[e.Plate] = true
		}
	}
	cars, shut := 0, 0
	for _, l := range k.lanes {
		asked := l.dev.asked()
		opened := make([]int, len(l.cars))
		for i, ch := range asked {
			if !ch.on {
				continue
			}
			of := -1
			for n, car := range l.cars {
				if !car.reads[0].at.After(ch.at) {
					of = n
				}
			}
			if of < 0 {
				k.Errorf("%s opened before there was a car, in run %d", l.name, ch.run)
				continue
			}
			opened[of]++
			// What was read before a restart opens nothing after it.
			if !slices.ContainsFunc(l.cars[of].reads, func(r sighting) bool {
				return r.run == ch.run && !r.at.After(ch.at) && ch.at.Sub(r.at) < 4*time.Second
			}) {
				k.Errorf("%s went %v, but car %s was read %v only", l.name, ch, l.cars[of].plate, l.cars[of].reads)
			}
			// Nothing is left on, but by a kill.
			end, limit := k.ends[ch.run], ch.at.Add(3*time.Second)
			if (i+1 == len(asked) || asked[i+1].on || asked[i+1].at.After(limit)) && end.After(limit) {
				k.Errorf("%s was on for too long: %v", l.name, asked[i:min(i+2, len(asked))])
			}
		}
		for i, car := range l.cars {
			cars++
			switch {
			case opened[i] > visits(car):
				k.Errorf("%s opened %d times for car %s, read %v: %v\n%s", l.name, opened[i], car.plate, car.reads, during(asked, car), about[car.plate])
			case opened[i] == 0 && moved[car.plate]:
				k.Errorf("%s did not open for car %s, but the journal says so", l.name, car.plate)
			case opened[i] == 0 && k.shouldOpen(car):
				shut++
				k.Logf("%s did not open for car %s, read %v\n%s", l.name, car.plate, car.reads, about[car.plate])
			}
		}
	}
	// An opening that was asked for is not asked for again: a kill just then may leave
	// a gate closed, and must be rare.
	if shut > 2+k.killed/10 {
		k.Errorf("%d of %d cars were not let in", shut, cars)
	}
	k.Logf("%d cars, %d of them were not let in because of a kill", cars, shut)
}

// during are the switchings while a car was there.
func during(asked []switching, c *car) []switching {
	return slices.DeleteFunc(slices.Clone(asked), func(s switching) bool {
		return s.at.Before(c.reads[0].at) || s.at.After(c.reads[len(c.reads)-1].at.Add(time.Second))
	})
}

// visits is how often a car may be let in: once, unless a machine that was too busy
// had it unread for long.
func visits(c *car) int {
	n, last := 1, c.first
	for _, r := range c.reads {
		if r.at.Sub(last) > crashGap/2 {
			n++
		}
		if r.taken {
			last = r.at
		}
	}
	return n
}

// shouldOpen says whether a car was read by a program that had the time to open.
func (k *killer) shouldOpen(c *car) bool {
	return slices.ContainsFunc(c.reads, func(r sighting) bool { return r.taken && k.ends[r.run].Sub(r.at) > 500*time.Millisecond })
}

// checkDeliveries says whether every durable step whose firing is in the journal
// arrived, with its id, which is always the same.
func (k *killer) checkDeliveries(entries []crashEntry) {
	k.Helper()
	arrived := make(map[string]bool)
	bodies := make(map[string]string)            // by key
	keys := make(map[string]map[string]struct{}) // by body
	for _, d := range k.sink.deliveries() {
		if d.key == "" {
			k.Errorf("%s came without an id", d.body)
		}
		if b, ok := bodies[d.key]; ok && b != d.body {
			k.Errorf("%s and %s came with one id, %s", b, d.body, d.key)
		}
		bodies[d.key] = d.body
		if keys[d.body] == nil {
			keys[d.body] = make(map[string]struct{})
		}
		keys[d.body][d.key] = struct{}{}
		arrived[d.body] = arrived[d.body] || d.taken
	}
	repeated := len(k.sink.deliveries()) - len(bodies)
	for _, body := range slices.Sorted(maps.Keys(keys)) {
		if strings.Contains(body, `"event"`) && len(keys[body]) > 1 {
			k.Errorf("%s came with %d ids: %v", body, len(keys[body]), slices.Sorted(maps.Keys(keys[body])))
		}
	}
	lists := make(map[string]bool)
	for _, p := range k.lists.cam.Plates() {
		lists[p.Number] = true
	}
	events := make(map[int64]int64) // numbers of events by entry
	firings, fired := 0, make(map[int64]int64)
	for _, e := range entries {
		if e.Kind == "event" {
			events[e.ID] = e.Event.ID
		}
		if e.Kind != "firing" || e.Type != "firing" {
			continue
		}
		switch {
		case e.Rule == eventRule:
			firings++
			n := events[e.Links.Event]
			if n == 0 {
				k.Errorf("entry %d has no event", e.ID)
			}
			if before, ok := fired[n]; ok {
				k.Errorf("event %d fired in entry %d and again in %d", n, before, e.ID)
			}
			fired[n] = e.ID
			for _, step := range []string{"now", "later"} {
				if body := fmt.Sprintf(`{"event":%d,"step":%q}`, n, step); !arrived[body] {
					k.Errorf("lost: %s, whose firing is entry %d", body, e.ID)
				}
			}
		case strings.HasPrefix(e.Rule, "open "):
			firings++
			if body := fmt.Sprintf(`{"plate":%q}`, e.Plate); !arrived[body] {
				k.Errorf("lost: %s, whose firing is entry %d", body, e.ID)
			}
			if !lists[e.Plate] {
				k.Errorf("lost: the edit of the plate lists for %s, whose firing is entry %d", e.Plate, e.ID)
			}
		}
	}
	if firings == 0 || len(bodies) == 0 {
		k.Errorf("nothing was shown: %d firings, %d deliveries", firings, len(bodies))
	}
	k.Logf("%d firings with durable steps; %d steps arrived, %d of them again", firings, len(bodies), repeated)
}
