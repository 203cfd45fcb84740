package gpio

import (
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"
)

// inputLine is what memory and real input lines have in common.
type inputLine interface {
	On() (bool, error)
	Changed() <-chan struct{}
	Take() ([]Edge, error)
	Missed() uint64
	Close() error
}

// rig is an input line with a hand at its wire.
type rig struct {
	inputLine
	drive func(on bool) // drives the wire, active or not
	sync  func()        // returns when all that was driven has arrived
}

// inputLimit is how long a test waits for an edge before it fails.
const inputLimit = 20 * time.Second

// await collects changes until there are n.
func await(t *testing.T, in inputLine, n int) []Edge {
	t.Helper()
	limit := time.NewTimer(inputLimit)
	defer limit.Stop()
	var all []Edge
	for {
		edges, err := in.Take()
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, edges...); len(all) >= n {
			return all
		}
		select {
		case <-in.Changed():
		case <-limit.C:
			t.Fatalf("after %v there are %d changes, want %d: %v", inputLimit, len(all), n, all)
		}
	}
}

// levels are the levels of edges, whose times must not go back.
func levels(t *testing.T, edges []Edge) []bool {
	t.Helper()
	var list []bool
	for i, e := range edges {
		list = append(list, e.On)
		if i > 0 && e.At.Before(edges[i-1].At) {
			t.Errorf("the times go back: %v", edges)
		}
		if i > 0 && e.On == edges[i-1].On {
			t.Errorf("twice the same level: %v", edges)
		}
		if e.At.After(time.Now()) {
			t.Errorf("in the future: %v", e)
		}
	}
	return list
}

func isOn(t *testing.T, in inputLine, want bool) {
	t.Helper()
	if on, err := in.On(); err != nil || on != want {
		t.Errorf("On() = %v, %v, want %v", on, err, want)
	}
}

func quiet(t *testing.T, in inputLine) {
	t.Helper()
	if edges, err := in.Take(); err != nil || len(edges) > 0 {
		t.Errorf("nothing happened, but Take gives %v, %v", edges, err)
	}
}

// testInput is what holds for every input line. The rig's wire is inactive and
// no debounce is set.
func testInput(t *testing.T, in rig) {
	began := time.Now()
	first := await(t, in, 1)
	if got := levels(t, first); !reflect.DeepEqual(got, []bool{false}) {
		t.Errorf("the first Take gives %v, want the level as it is", first)
	}
	isOn(t, in, false)
	quiet(t, in)

	in.drive(true)
	up := await(t, in, 1)
	if got := levels(t, append(first, up...)); !reflect.DeepEqual(got, []bool{false, true}) {
		t.Errorf("levels %v", got)
	}
	if up[0].At.Before(began) {
		t.Errorf("the change is told for %v before it", began.Sub(up[0].At))
	}
	isOn(t, in, true)

	for _, on := range []bool{false, true, false} {
		in.drive(on)
		in.sync() // or the chip itself may see nothing of it
	}
	if got := levels(t, await(t, in, 3)); !reflect.DeepEqual(got, []bool{false, true, false}) {
		t.Errorf("a quick off-on-off that fits the queue: %v", got)
	}
	if n := in.Missed(); n != 0 {
		t.Errorf("%d missed", n)
	}

	for tries := 0; in.Missed() == 0 && tries < 20; tries++ { // a chip may see two quick changes as none
		for range maxEdges / 2 {
			in.drive(true)
			in.drive(false)
		}
		in.sync()
	}
	in.drive(true)
	in.sync()
	edges, err := in.Take()
	if got := levels(t, edges); err != nil || len(got) == 0 || len(got) > maxEdges+1 || !got[len(got)-1] {
		t.Errorf("a reader that was slow gets %d changes, the last %v, %v; want at most %d, the last on", len(got), edges[len(edges)-1], err, maxEdges+1)
	}
	if in.Missed() == 0 {
		t.Error("changes that were too many are not counted")
	}
	isOn(t, in, true)
	quiet(t, in)
	in.drive(false)
	if got := levels(t, await(t, in, 1)); !reflect.DeepEqual(got, []bool{false}) {
		t.Errorf("after a burst: %v", got)
	}

	in.drive(true)
	in.sync()
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if edges, err := in.Take(); len(edges) > 0 || !errors.Is(err, ErrClosed) {
		t.Errorf("Take after Close: %v, %v", edges, err)
	}
	if _, err := in.On(); !errors.Is(err, ErrClosed) {
		t.Errorf("On after Close: %v", err)
	}
	if err := in.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
}

// testDebounce is what holds for every input line with a debounce, which is
// longer than it takes to drive the wire six times.
func testDebounce(t *testing.T, in rig, debounce time.Duration) {
	await(t, in, 1)
	began := time.Now()
	for range 3 {
		in.drive(true)
		in.drive(false)
	}
	in.drive(true)
	isOn(t, in, false)
	edges := await(t, in, 1)
	if got := levels(t, edges); !reflect.DeepEqual(got, []bool{true}) {
		t.Errorf("a bouncing contact gives %v, want one change", edges)
	}
	if after := edges[0].At.Sub(began); after < debounce {
		t.Errorf("the level counted after %v, want it to last %v first", after, debounce)
	}
	isOn(t, in, true)

	in.drive(false) // as short as that it does not count
	in.drive(true)
	in.drive(false)
	if got := levels(t, await(t, in, 1)); !reflect.DeepEqual(got, []bool{false}) {
		t.Errorf("after it: %v", got)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
}

func memoryRig(debounce time.Duration) (rig, *MemoryInput) {
	m := NewMemoryInput(debounce)
	return rig{m, func(on bool) { m.Set(on) }, func() {}}, m
}

func TestMemoryInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, m := memoryRig(0)
		testInput(t, in)
		if err := m.Set(false); !errors.Is(err, ErrClosed) {
			t.Errorf("Set after Close: %v", err)
		}
	})
}

func TestMemoryInputDebounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, _ := memoryRig(20 * time.Millisecond)
		testDebounce(t, in, 20*time.Millisecond)
	})
}

// TestDebounceToTheMillisecond: a level counts when it lasted that long, and
// not before.
func TestDebounceToTheMillisecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, m := memoryRig(20 * time.Millisecond)
		await(t, in, 1)
		began := time.Now()
		for range 5 { // every 19 ms
			m.Set(true)
			time.Sleep(19 * time.Millisecond)
			m.Set(false)
			time.Sleep(19 * time.Millisecond)
		}
		quiet(t, in)
		m.Set(true)
		edges := await(t, in, 1)
		if after := edges[0].At.Sub(began); after != 210*time.Millisecond {
			t.Errorf("counted after %v, want 190 ms of bouncing and 20 ms", after)
		}
		m.Set(false)
		time.Sleep(10 * time.Millisecond)
		m.Close()
		time.Sleep(time.Second)
		if edges, err := in.Take(); len(edges) > 0 || !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v, %v", edges, err)
		}
	})
}

// TestDebounceNoticesALostChange: the chip reported nothing, but the level is
// another.
func TestDebounceNoticesALostChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, m := memoryRig(20 * time.Millisecond)
		await(t, in, 1)
		m.mu.Lock()
		m.on = true
		m.mu.Unlock()
		isOn(t, in, false)
		time.Sleep(20 * time.Millisecond)
		synctest.Wait()
		isOn(t, in, true)
		if got := levels(t, await(t, in, 1)); !reflect.DeepEqual(got, []bool{true}) {
			t.Errorf("got %v", got)
		}
	})
}

// TestTakeReadsTheLine: whatever the source reports or keeps to itself, the last
// level given is what the line is.
func TestTakeReadsTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, m := memoryRig(0)
		await(t, in, 1)
		for _, c := range []struct {
			name     string
			reported []bool
			is       bool
			want     []bool
		}{
			{"a change that was lost", nil, true, []bool{true}},
			{"one of three that was lost", []bool{true, false}, false, []bool{false}},
			{"the last of three that was lost", []bool{true, false}, true, []bool{true, false, true}},
			{"a change that is still to come", []bool{false, true}, false, []bool{false, true, false}},
			{"which comes now", []bool{false}, false, nil},
		} {
			m.mu.Lock()
			m.on = c.is
			for _, on := range c.reported {
				m.push(Edge{On: on, At: time.Now()})
			}
			m.mu.Unlock()
			edges, err := in.Take()
			if got := levels(t, edges); err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s: %v, %v, want %v", c.name, got, err, c.want)
			}
			time.Sleep(time.Second)
		}
	})
}

// TestTimesNeverGoBack: a level was read before its change was reported.
func TestTimesNeverGoBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, m := memoryRig(0)
		all := await(t, in, 1)
		early := time.Now()
		time.Sleep(time.Millisecond)
		m.mu.Lock()
		m.on = true
		m.mu.Unlock()
		all = append(all, await(t, in, 1)...)
		m.mu.Lock()
		for i, on := range []bool{true, false, true} {
			m.push(Edge{On: on, At: early.Add(time.Duration(i))})
		}
		m.mu.Unlock()
		all = append(all, await(t, in, 2)...)
		if got := levels(t, all); !reflect.DeepEqual(got, []bool{false, true, false, true}) {
			t.Errorf("got %v", got)
		}
	})
}

func TestBrokenInput(t *testing.T) {
	for _, debounce := range []time.Duration{0, 20 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			in, m := memoryRig(debounce)
			await(t, in, 1)
			cut := errors.New("the wire is cut")
			m.Set(true)
			time.Sleep(30 * time.Millisecond)
			m.Break(cut)
			<-in.Changed()
			edges, err := in.Take()
			if got := levels(t, edges); !errors.Is(err, cut) || !reflect.DeepEqual(got, []bool{true}) {
				t.Errorf("Take of a broken line gives %v, %v", edges, err)
			}
			if _, err := in.On(); !errors.Is(err, cut) {
				t.Errorf("On of a broken line: %v", err)
			}
			m.Set(false)
			time.Sleep(30 * time.Millisecond)
			m.Set(true)
			time.Sleep(30 * time.Millisecond)
			if _, err := in.Take(); !errors.Is(err, cut) {
				t.Errorf("Take of a line that is still broken: %v", err)
			}
			m.Break(nil)
			<-in.Changed()
			if got := levels(t, await(t, in, 1)); !reflect.DeepEqual(got, []bool{true}) {
				t.Errorf("a mended line gives %v, want the level as it is, though it is the last one given", got)
			}
			isOn(t, in, true)
		})
	}
}
