package gpio

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/warthog618/go-gpiocdev"
)

// The tests in this file run on a real chip, where SALLYPORT_GPIO names one. Its
// line SALLYPORT_GPIO_LINE (0 when not given) and the next one are wired to
// somebody who drives them: a line "@@SET n v" on standard output asks for wire
// n to be driven to level v. Nothing is answered; the tests wait for the edge.

// chipLine gives the chip and its line, or skips the test.
func chipLine(t *testing.T) (string, int) {
	chip := os.Getenv("SALLYPORT_GPIO")
	if chip == "" {
		t.Skip("SALLYPORT_GPIO names no chip")
	}
	line, _ := strconv.Atoi(os.Getenv("SALLYPORT_GPIO_LINE"))
	return chip, line
}

// set asks for a wire to be driven.
func set(line int, level bool) {
	v := 0
	if level {
		v = 1
	}
	fmt.Printf("\n@@SET %d %d\n", line, v)
}

// barrier gives a function that returns when all that was asked for before has
// been done: by then the next line's wire, which is driven after it, has moved.
func barrier(t *testing.T, chip string, line int) func() {
	t.Helper()
	in, err := OpenInput(InputConfig{Chip: chip, Line: line + 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	level := await(t, in, 1)[0].On
	return func() {
		t.Helper()
		level = !level
		set(line+1, level)
		if edges := await(t, in, 1); edges[len(edges)-1].On != level {
			t.Errorf("the wire of line %d does not follow", line+1)
		}
	}
}

// chipRig opens a line whose wire is inactive.
func chipRig(t *testing.T, cfg InputConfig) rig {
	t.Helper()
	sync := barrier(t, cfg.Chip, cfg.Line)
	drive := func(on bool) { set(cfg.Line, on != cfg.ActiveLow) }
	drive(false)
	sync()
	in, err := OpenInput(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	return rig{in, drive, sync}
}

func TestChipInput(t *testing.T) {
	chip, line := chipLine(t)
	for _, low := range []bool{false, true} {
		t.Run(fmt.Sprintf("active low %v", low), func(t *testing.T) {
			testInput(t, chipRig(t, InputConfig{Chip: chip, Line: line, ActiveLow: low}))
		})
	}
}

func TestChipDebounce(t *testing.T) {
	chip, line := chipLine(t)
	const debounce = 500 * time.Millisecond
	for _, low := range []bool{false, true} {
		t.Run(fmt.Sprintf("active low %v", low), func(t *testing.T) {
			testDebounce(t, chipRig(t, InputConfig{Chip: chip, Line: line, ActiveLow: low, Debounce: debounce}), debounce)
		})
	}
	t.Run("here", func(t *testing.T) { // as for a chip that refuses to
		in := chipRig(t, InputConfig{Chip: chip, Line: line})
		tap := in.inputLine.(*Input).tap
		tap.mu.Lock()
		tap.settle = debounce
		tap.mu.Unlock()
		testDebounce(t, in, debounce)
	})
}

// TestChipEventsOverflow holds up the reading of the kernel's events, so that it
// drops some. What the kernel keeps fits our own queue: all that is missed shows
// in the numbers of the events alone.
func TestChipEventsOverflow(t *testing.T) {
	chip, line := chipLine(t)
	r := chipRig(t, InputConfig{Chip: chip, Line: line})
	await(t, r, 1)
	in := r.inputLine.(*Input)
	in.mu.Lock()
	for i := range kernelEdges + 15 {
		r.drive(i%2 == 0)
		r.sync() // or the chip sees two quick changes as none
	}
	in.mu.Unlock()
	got := await(t, in, 1)
	limit := time.After(inputLimit)
	for in.Missed() == 0 {
		select {
		case <-in.Changed():
		case <-limit:
			t.Fatalf("%d changes were given and none is said to be missed", len(got))
		}
		edges, err := in.Take()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, edges...)
	}
	if list := levels(t, got); !list[len(list)-1] {
		t.Error("the last level is off, but the wire is on")
	}
	isOn(t, in, true)
	r.drive(false)
	if list := levels(t, await(t, in, 1)); list[len(list)-1] {
		t.Error("the wire went off, but the last level is on")
	}
}

// TestChipEventTimes: a change that is taken late is told for when it was.
func TestChipEventTimes(t *testing.T) {
	chip, line := chipLine(t)
	in := chipRig(t, InputConfig{Chip: chip, Line: line})
	await(t, in, 1)
	var marks []time.Time
	pause := func() {
		for range 3 { // longer than an event is under way
			in.sync()
		}
		marks = append(marks, time.Now())
	}
	pause()
	for _, on := range []bool{true, false, true} {
		in.drive(on)
		pause()
	}
	for i, e := range await(t, in, 3) {
		if e.At.Before(marks[i]) || e.At.After(marks[i+1]) {
			t.Errorf("change %d was between %v and %v, but is told for %v", i, marks[i], marks[i+1], e.At)
		}
	}
}

func TestChipPull(t *testing.T) {
	chip, line := chipLine(t)
	for _, pull := range []string{"up", "down", "none"} {
		in, err := OpenInput(InputConfig{Chip: chip, Line: line, Pull: pull})
		if err == nil {
			if _, err := in.On(); err != nil {
				t.Errorf("pull %s: %v", pull, err)
			}
			in.Close()
			continue
		}
		want := fmt.Sprintf(`%s line %d: the chip cannot pull this line %s: leave "pull" out and wire a resistor: `, chip, line, pull)
		if pull == "none" {
			want = fmt.Sprintf(`%s line %d: the chip cannot switch this line's pull resistor off: leave "pull" out: `, chip, line)
		}
		if !strings.HasPrefix(err.Error(), want) {
			t.Errorf("pull %s:\n got %v\nwant %s…", pull, err, want)
		}
	}
}

func TestChipBusy(t *testing.T) {
	chip, line := chipLine(t)
	cfg := InputConfig{Chip: chip, Line: line, Pull: "up", Debounce: time.Millisecond}
	in, err := OpenInput(InputConfig{Chip: chip, Line: line})
	if err != nil {
		t.Fatal(err)
	}
	ours := fmt.Sprintf(`%s line %d: held by "sallyport": another sallyport is running, or `, chip, line)
	_, err = OpenInput(cfg)
	if want := ours + "another contact or relay names this line: device or resource busy"; err == nil || err.Error() != want {
		t.Errorf("an input of ours:\n got %v\nwant %s", err, want)
	}
	_, err = OpenOutput(OutputConfig{Chip: chip, Line: line})
	if want := ours + "two relays name this line: device or resource busy"; err == nil || err.Error() != want {
		t.Errorf("as an output:\n got %v\nwant %s", err, want)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}

	kettle, err := gpiocdev.RequestLine(chip, line, gpiocdev.WithConsumer("kettle"))
	if err != nil {
		t.Fatal(err)
	}
	defer kettle.Close()
	_, err = OpenInput(cfg)
	if want := fmt.Sprintf(`%s line %d: held by "kettle": stop that program or use another line: device or resource busy`, chip, line); err == nil || err.Error() != want {
		t.Errorf("a line of somebody else:\n got %v\nwant %s", err, want)
	}
}

func TestChipMissing(t *testing.T) {
	chip, line := chipLine(t)
	cfg := InputConfig{Chip: "gpiochip99", Line: line}
	_, err := OpenInput(cfg)
	if want := fmt.Sprintf(`gpiochip99 line %d: there is no /dev/gpiochip99 (this machine has %s): correct "chip" in the site file: lstat /dev/gpiochip99: no such file or directory`,
		line, strings.Join(gpiocdev.Chips(), ", ")); err == nil || err.Error() != want {
		t.Errorf("a chip that is not there:\n got %v\nwant %s", err, want)
	}
	c, err := gpiocdev.NewChip(chip)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, line := range []int{c.Lines(), -1, 1 << 20} {
		_, err = OpenInput(InputConfig{Chip: chip, Line: line})
		if want := fmt.Sprintf(`%s line %d: the chip has the lines 0 to %d: correct "line" in the site file: invalid offset`, chip, line, c.Lines()-1); err == nil || err.Error() != want {
			t.Errorf("a line that is not there:\n got %v\nwant %s", err, want)
		}
	}
}

// TestChipLink: a chip may be named by a link, as udev rules make them.
func TestChipLink(t *testing.T) {
	chip, line := chipLine(t)
	if os.Geteuid() != 0 {
		t.Skip("only root may make a link below /dev")
	}
	link := "/dev/sallyport-test-chip"
	if err := os.Symlink(filepath.Base(chip), link); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(link)
	in, err := OpenInput(InputConfig{Chip: "sallyport-test-chip", Line: line})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.On(); err != nil {
		t.Error(err)
	}
	in.Close()
}

// TestChipPermission tries the chip as a user who may not open it, in a process
// of its own.
func TestChipPermission(t *testing.T) {
	chip, line := chipLine(t)
	const child = "SALLYPORT_GPIO_CHILD"
	if os.Getenv(child) == "" {
		if os.Geteuid() != 0 {
			t.Skip("only root can become somebody else")
		}
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(self, "-test.run", "^TestChipPermission$")
		cmd.Env = append(os.Environ(), child+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	want := fmt.Sprintf(`%[1]s line %[2]d: no permission to open /dev/%[1]s: add the user that runs sallyport to the group that owns it (often "gpio"): open /dev/%[1]s: permission denied`, chip, line)
	if _, err := OpenInput(InputConfig{Chip: chip, Line: line}); err == nil || err.Error() != want {
		t.Errorf("input:\n got %v\nwant %s", err, want)
	}
	if _, err := OpenOutput(OutputConfig{Chip: chip, Line: line}); err == nil || err.Error() != want {
		t.Errorf("output:\n got %v\nwant %s", err, want)
	}
}

// TestChipOutputCloseSetsOff looks at the line after its release, as it was left.
func TestChipOutputCloseSetsOff(t *testing.T) {
	chip, line := chipLine(t)
	for _, low := range []bool{false, true} {
		out, err := OpenOutput(OutputConfig{Chip: chip, Line: line, ActiveLow: low})
		if err != nil {
			t.Fatal(err)
		}
		if err := out.Set(true); err != nil {
			t.Fatal(err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		left, err := gpiocdev.RequestLine(chip, line, gpiocdev.AsIs)
		if err != nil {
			t.Fatal(err)
		}
		off := 0
		if low {
			off = 1
		}
		info, err := left.Info()
		if err != nil || info.Config.Direction != gpiocdev.LineDirectionOutput {
			t.Errorf("the line is no output any more: %+v, %v", info, err)
		}
		if level, err := left.Value(); err != nil || level != off {
			t.Errorf("active low %v: released at level %d, %v, want %d", low, level, err, off)
		}
		left.Close()
	}
	// Whoever runs next finds an input.
	if in, err := OpenInput(InputConfig{Chip: chip, Line: line}); err != nil {
		t.Error(err)
	} else {
		in.Close()
	}
}

// TestChipCloseWhileRead: Close ends whoever waits, and nothing hangs.
func TestChipCloseWhileRead(t *testing.T) {
	chip, line := chipLine(t)
	in, err := OpenInput(InputConfig{Chip: chip, Line: line, Debounce: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	await(t, in, 1)
	ended := make(chan error)
	go func() {
		for {
			<-in.Changed()
			if _, err := in.Take(); err != nil {
				ended <- err
				return
			}
		}
	}()
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, ErrClosed) {
			t.Errorf("the reader is told %v", err)
		}
	case <-time.After(inputLimit):
		t.Error("the reader still waits")
	}
	if err := in.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
}
