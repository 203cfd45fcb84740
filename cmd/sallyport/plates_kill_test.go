package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// longEnv asks for the tests that take long, at their full size.
const longEnv = "SALLYPORT_LONG"

// watchedLists is a camera whose lists are looked at after every request.
type watchedLists struct {
	world *killedSync
	name  string
	cam   *sim.Camera

	mu     sync.Mutex        // one request at a time; covers the fields below
	before map[string]string // where plates have been from the beginning
	wrong  []string
}

func (l *watchedLists) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cam.ServeHTTP(w, r)
	command := strings.TrimPrefix(r.URL.Path, "/")
	if strings.HasPrefix(command, "Get") || r.Header.Get("Authorization") == "" {
		return
	}
	// A change moves no plate; looking all the same is most of the work of a large site.
	if !l.world.fast || command != "ModifyLicensePlate" {
		l.look(command)
	}
	l.world.edited()
}

// look finds plates that are on a list where they neither were nor belong, or again
// where they were taken from.
func (l *watchedLists) look(command string) {
	stay := make(map[string]bool, len(l.before))
	for _, e := range l.cam.Plates() {
		before, was := l.before[e.Number]
		if was && e.Group == before {
			stay[e.Number] = true
		}
		if e.Group != l.world.wanted[e.Number] && e.Group != before {
			l.wrong = append(l.wrong, fmt.Sprintf("%s, after %s: %s is on %s, was on %q, belongs on %q", l.name, command, e.Number, e.Group, before, l.world.wanted[e.Number]))
		}
	}
	for n := range l.before {
		if !stay[n] {
			delete(l.before, n)
		}
	}
}

// killedSync is a site whose cameras are synchronized by a program that is killed.
type killedSync struct {
	testing.TB
	site   string
	wanted map[string]string // the group of every plate
	ends   map[string]bool   // plates with an end and an owner
	cams   []*watchedLists
	fast   bool // changes of a plate are not looked at

	edits atomic.Int64
	kill  atomic.Int64 // the number of the edit after which the program is killed
	hit   chan struct{}
}

func (k *killedSync) edited() {
	if k.edits.Add(1) == k.kill.Load() {
		close(k.hit)
	}
}

// newKilledSync writes a site with plates on local lists, a tenth of them with owner and
// validity. Cameras that are used have plates on other lists, of another validity, and
// such as are on no local list; new ones are empty.
func newKilledSync(t testing.TB, plates, cameras int, used bool) *killedSync {
	t.Helper()
	k := &killedSync{TB: t, wanted: make(map[string]string), ends: make(map[string]bool)}
	dir := t.TempDir()
	groups := []string{client.AllowGroup, client.BlockGroup, client.TemporaryGroup}
	names := []string{"residents", "banned", "visitors"}
	lists := make([]bytes.Buffer, len(names))
	for i := range lists {
		lists[i].WriteString("plate,owner,until\n")
	}
	for i := range plates {
		number, of, rest := fmt.Sprintf("P%05dX", i), max(0, i%10-7), ",,"
		if i%10 == 3 {
			rest = fmt.Sprintf(",\"Ann & Bob, %d\",2031-%02d-01 12:00", i, 1+i%12)
			k.ends[number] = true
		}
		k.wanted[number] = groups[of]
		lists[of].WriteString(number + rest + "\n")
	}
	site := "location: {timezone: America/New_York}\nlisten: {console: \"127.0.0.1:1\"}\nplates: {lists: {residents: allow, banned: block, visitors: temporary}}\ncameras:\n"
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for i := range cameras {
		l := &watchedLists{world: k, name: camName(i), cam: sim.NewCamera(sim.Options{Username: "admin", Password: "secret", Auth: sim.Digest, Location: zone}), before: make(map[string]string)}
		if used {
			for n := range plates {
				number := fmt.Sprintf("P%05dX", n)
				e := sim.ListEntry{Number: number, Group: k.wanted[number], Owner: "Carl"}
				switch (n + i) % 6 {
				case 0: // on another list
					e.Group = groups[(n+i)%3]
				case 1: // for too short
					e.End = time.Now().Add(100 * time.Hour)
				case 2: // on no local list
					e.Number = "OLD" + number
				default:
					continue
				}
				if err := l.cam.Put(e); err != nil {
					t.Fatal(err)
				}
				l.before[e.Number] = e.Group
			}
		}
		server := httptest.NewServer(l)
		t.Cleanup(server.Close)
		k.cams = append(k.cams, l)
		site += fmt.Sprintf("  %s: {match: {ip: 192.168.1.%d}, url: %q, username: admin, password: {file: password}}\n", l.name, i+1, server.URL)
	}
	k.site = filepath.Join(dir, "sallyport.yaml")
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("sallyport.yaml", site)
	write("password", "secret")
	rules := "lists:\n"
	for i, name := range names {
		write("rules.d/"+name+".csv", lists[i].String())
		rules += fmt.Sprintf("  %s: {file: %s.csv}\n", name, name)
	}
	write("rules.d/lists.yaml", rules)
	return k
}

// sync starts the real program; it is killed after a number of edits, unless that is 0.
func (k *killedSync) sync(after int64, args ...string) (killed bool, code int, said string) {
	k.Helper()
	self, err := os.Executable()
	if err != nil {
		k.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args = append([]string{"sallyport", "plates", "sync", "-c", k.site}, args...) // TestMain takes it for the program
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	k.hit = make(chan struct{})
	k.kill.Store(-1)
	if after > 0 {
		k.kill.Store(k.edits.Load() + after)
	}
	if err := cmd.Start(); err != nil {
		k.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	late := time.NewTimer(3 * patience)
	defer late.Stop()
	select {
	case <-k.hit:
		_ = cmd.Process.Kill()
		<-done
	case <-done:
	case <-late.C:
		_ = cmd.Process.Kill()
		k.Fatalf("it does not end\n%s", &out)
	}
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return status.Signaled() && status.Signal() == syscall.SIGKILL, cmd.ProcessState.ExitCode(), out.String()
}

// check says what is not as it should be in the end.
func (k *killedSync) check() {
	k.Helper()
	for _, l := range k.cams {
		l.mu.Lock()
		for i, text := range l.wrong {
			if i < 5 {
				k.Error(text)
			}
		}
		have := l.cam.Plates()
		if len(have) != len(k.wanted) {
			k.Errorf("%s has %d plates, want %d", l.name, len(have), len(k.wanted))
		}
		for _, e := range have {
			endless := e.End.Year() >= 2036
			switch {
			case e.Group != k.wanted[e.Number]:
				k.Errorf("%s: %s is on %s, want %q", l.name, e.Number, e.Group, k.wanted[e.Number])
			case endless == k.ends[e.Number], k.ends[e.Number] != strings.HasPrefix(e.Owner, "Ann & Bob, "):
				k.Errorf("%s: %+v", l.name, e)
			}
		}
		l.mu.Unlock()
	}
}

// TestPlatesKilled kills a synchronization at random moments, while the cameras look at
// their lists after every request. The next run goes on, and the last one ends it.
func TestPlatesKilled(t *testing.T) {
	plates, cameras, kills := 150, 3, 4
	if os.Getenv(longEnv) != "" {
		plates, cameras, kills = 5000, 10, 8
	}
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	k := newKilledSync(t, plates, cameras, true)
	hits := 0
	for range kills {
		// About as many edits as there are in all, divided by the kills.
		killed, code, said := k.sync(1+rng.Int64N(int64(plates*cameras*2/3/kills)), "--prune")
		if killed {
			hits++
		} else if code != exitOK {
			t.Fatalf("code %d\n%s", code, said)
		}
	}
	if _, code, said := k.sync(0, "--prune"); code != exitOK {
		t.Fatalf("code %d\n%s", code, said)
	}
	k.check()
	if hits == 0 {
		t.Error("it was never killed in the middle")
	}
	_, code, said := k.sync(0, "--prune", "--dry-run")
	var want strings.Builder
	for _, l := range k.cams {
		fmt.Fprintf(&want, "%s: %d as they are\n", l.name, plates)
	}
	if code != exitOK || said != want.String() {
		t.Errorf("code %d\n%s", code, said)
	}
	t.Logf("%d edits, killed %d times", k.edits.Load(), hits)
}

// TestPlatesSpeed puts 5000 plates, 500 of them with owner and validity, on ten cameras,
// killed in the middle, and says how long that took.
func TestPlatesSpeed(t *testing.T) {
	if os.Getenv(longEnv) == "" {
		t.Skipf("%s is not set", longEnv)
	}
	k := newKilledSync(t, 5000, 10, false)
	k.fast = true
	begin := time.Now()
	killed, _, _ := k.sync(2500)
	half := time.Since(begin)
	if _, code, said := k.sync(0); code != exitOK {
		t.Fatalf("code %d\n%s", code, said)
	}
	took := time.Since(begin)
	k.check()
	t.Logf("5000 plates on 10 cameras took %s, killed (%v) after %s", took.Round(time.Millisecond), killed, half.Round(time.Millisecond))
	if !killed {
		t.Error("it was not killed in the middle")
	}
}

// BenchmarkPlatesSync synchronizes an empty camera, a tenth of the plates with owner and
// validity.
func BenchmarkPlatesSync(b *testing.B) {
	const plates, cameras = 500, 4
	for b.Loop() {
		b.StopTimer()
		k := newKilledSync(b, plates, cameras, false)
		k.fast = true
		b.StartTimer()
		if _, code, said := k.sync(0); code != exitOK {
			b.Fatalf("code %d\n%s", code, said)
		}
	}
	b.ReportMetric(float64(plates*cameras*b.N)/b.Elapsed().Seconds(), "plates/s")
}
