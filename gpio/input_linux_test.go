package gpio

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

func TestOpenInputWithoutAChip(t *testing.T) {
	for _, c := range []struct {
		cfg  InputConfig
		want string
	}{
		{InputConfig{Chip: "null", Line: 3}, `null line 3: /dev/null is not a GPIO chip: correct "chip" in the site file: not a character device`},
		{InputConfig{Chip: "gpiochip0", Line: 3, Pull: "Up"}, `gpiochip0 line 3: there is no pull "Up": it is up, down or none`},
		{InputConfig{Chip: "gpiochip0", Line: 3, Debounce: 2 * time.Minute}, `gpiochip0 line 3: a debounce of 2m0s cannot be: it is 0s to 1m0s`},
		{InputConfig{Chip: "gpiochip0", Line: 3, Debounce: -1}, `gpiochip0 line 3: a debounce of -1ns cannot be: it is 0s to 1m0s`},
	} {
		if _, err := OpenInput(c.cfg); err == nil || err.Error() != c.want {
			t.Errorf("%+v:\n got %v\nwant %s", c.cfg, err, c.want)
		}
	}
	_, err := OpenInput(InputConfig{Chip: "gpiochip-none", Line: 3})
	if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), `gpiochip-none line 3: there is no /dev/gpiochip-none (this machine has `) {
		t.Errorf("a chip that is not there: %v", err)
	}
}

func TestInputErrorsSayWhatToDo(t *testing.T) {
	cfg := InputConfig{Chip: "gpiochip0", Line: 24}
	for _, c := range []struct {
		name string
		err  error
		seen lookup
		want string
	}{
		{"no pull", errNoPull, lookup{pull: "up"},
			`gpiochip0 line 24: the chip cannot pull this line up: leave "pull" out and wire a resistor: the chip refuses to set the line's pull resistor`},
		{"no pull to switch off", errNoPull, lookup{pull: "none"},
			`gpiochip0 line 24: the chip cannot switch this line's pull resistor off: leave "pull" out: the chip refuses to set the line's pull resistor`},
		{"no edges", errNoEdges, lookup{},
			`gpiochip0 line 24: the chip does not report changes of this line (it has no interrupt): use another line or chip: the chip does not report changes of the line`},
		{"old kernel", errOldUAPI, lookup{},
			`gpiochip0 line 24: contacts need Linux 5.10 or later: the kernel has no GPIO interface version 2`},
		{"busy by ourselves", syscall.EBUSY, lookup{holder: "sallyport"},
			`gpiochip0 line 24: held by "sallyport": another sallyport is running, or another contact or relay names this line: device or resource busy`},
	} {
		got := explain(cfg.wire(), c.err, c.seen)
		if got.Error() != c.want {
			t.Errorf("%s:\n got %v\nwant %s", c.name, got, c.want)
		}
		if !errors.Is(got, c.err) {
			t.Errorf("%s: the cause is not wrapped", c.name)
		}
	}
}

// TestEventTimes: the kernel's stamps count from some moment of its own. An
// event that was read late is told for when it was; what was seen of the clock
// when the line was opened is mended by an event that was read sooner.
func TestEventTimes(t *testing.T) {
	start := time.Now()
	const boot = 77 * time.Hour
	clock := eventClock{start: start, least: int64(20*time.Millisecond - boot)}
	for _, c := range []struct{ event, read, want time.Duration }{
		{1 * time.Second, 1100 * time.Millisecond, 1020 * time.Millisecond},
		{2 * time.Second, 2001 * time.Millisecond, 2001 * time.Millisecond}, // the quickest so far
		{3 * time.Second, 3201 * time.Millisecond, 3001 * time.Millisecond},
		{4 * time.Second, 4000 * time.Millisecond, 4000 * time.Millisecond},
		{5 * time.Second, 9000 * time.Millisecond, 5000 * time.Millisecond},
	} {
		got := clock.at(uint64(boot+c.event), start.Add(c.read))
		if got.Sub(start) != c.want {
			t.Errorf("an event at %v, read at %v, is told for %v, want %v", c.event, c.read, got.Sub(start), c.want)
		}
	}
}

// TestEventClock: the first event is told for when it was, too: the clocks were
// compared before.
func TestEventClock(t *testing.T) {
	clock, err := newEventClock()
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		t.Fatal(err)
	}
	read := time.Now().Add(time.Hour)
	got := clock.at(uint64(ts.Nano()), read)
	if got.Before(before) || !got.Before(read.Add(-time.Hour/2)) {
		t.Errorf("an event after %v, read at %v, is told for %v", before, read, got)
	}
}

// TestEventNumbers: a gap in the kernel's numbers is counted and wakes the
// reader, also when the numbers begin anew.
func TestEventNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		level := false
		tap, err := newTap(0, func() (bool, error) { return level, nil })
		if err != nil {
			t.Fatal(err)
		}
		in := &Input{tap: tap, clock: eventClock{start: time.Now()}, seq: 1<<32 - 2}
		var all []Edge
		for i, e := range []struct {
			seq  uint32
			kind uint32
		}{{1<<32 - 1, 1}, {0, 2}, {1, 1}, {4, 2}, {5, 1}} {
			b := make([]byte, eventSize)
			binary.NativeEndian.PutUint64(b, uint64(i)*1000)
			binary.NativeEndian.PutUint32(b[8:], e.kind)
			binary.NativeEndian.PutUint32(b[20:], e.seq)
			level = e.kind == 1
			tap.mu.Lock()
			in.take(b, time.Now())
			tap.mu.Unlock()
			all = append(all, await(t, &MemoryInput{tap: tap}, 1)...)
		}
		if got := levels(t, all); !reflect.DeepEqual(got, []bool{true, false, true, false, true}) {
			t.Errorf("levels %v", got)
		}
		if n := tap.Missed(); n != 2 {
			t.Errorf("%d missed, want the two between 1 and 4", n)
		}
	})
}
