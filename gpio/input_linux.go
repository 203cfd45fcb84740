package gpio

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"syscall"
	"time"

	"github.com/warthog618/go-gpiocdev"
	"github.com/warthog618/go-gpiocdev/uapi"
	"golang.org/x/sys/unix"
)

// Input is an input line of a GPIO chip, held until Close. It is safe for use
// by several goroutines.
//
// It reads the kernel's events itself, not through go-gpiocdev's watcher, which
// panics when waiting fails, spins when the chip goes away, and would wait for
// a slow reader.
type Input struct {
	*tap
	at      wire
	file    *os.File
	control syscall.RawConn
	done    chan struct{} // closed when nobody reads events any more

	// Covered by tap.mu.
	clock eventClock
	seq   uint32 // of the last event; the kernel counts from 1
	buf   [kernelEdges * eventSize]byte
}

// Errors that a chip's refusal comes down to.
var (
	errNoPull   = errors.New("the chip refuses to set the line's pull resistor")
	errNoEdges  = errors.New("the chip does not report changes of the line")
	errOldUAPI  = errors.New("the kernel has no GPIO interface version 2")
	errNoEvents = errors.New("the kernel reports no changes of the line any more")
)

// kernelEdges is how many changes the kernel keeps until they are read.
const kernelEdges = 64

// eventSize is the size in bytes of the kernel's struct gpio_v2_line_event: the
// time in nanoseconds (8), the kind, the line, the number of the event in the
// request and in the line (4 each), and room for more (24).
const eventSize = 48

// OpenInput requests the line and reads its level once. The error says which
// line, what is wrong and what to do: the chip is not there, is not a GPIO chip,
// may not be opened, has no such line, cannot pull it as asked for or report its
// changes, or the line is held by somebody else, who is named.
func OpenInput(cfg InputConfig) (*Input, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	file, settle, err := request(cfg)
	if err != nil {
		return nil, err
	}
	in := &Input{at: cfg.wire(), file: file, done: make(chan struct{})}
	if in.control, err = file.SyscallConn(); err == nil {
		in.tap, err = newTap(settle, in.value)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	if in.clock, err = newEventClock(); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: the kernel's clock cannot be read: %w", in.at, err)
	}
	go in.watch()
	return in, nil
}

// Close releases the line. A second Close returns ErrClosed.
func (in *Input) Close() error {
	if !in.shut() {
		return ErrClosed
	}
	err := in.file.Close()
	<-in.done
	if err != nil {
		return fmt.Errorf("%s: cannot be released: %w", in.at, err)
	}
	return nil
}

// value reads the level from the kernel; of a line that the kernel debounces it
// is the one that counts. mu is held, once there is a tap. The events that wait are
// taken first: a level that was told before its event would be told again by it.
func (in *Input) value() (bool, error) {
	values := uapi.LineValues{Mask: 1}
	err := control(in.control, func(fd uintptr) error {
		if in.tap != nil && in.settle == 0 {
			in.drain(fd) // what is wrong with it the watch finds out, too
		}
		return uapi.GetLineValuesV2(fd, &values)
	})
	if err != nil {
		return false, fmt.Errorf("%s: cannot be read: %w", in.at, err)
	}
	return values.Get(0) != 0, nil
}

// watch hands the kernel's events to the tap until the line is closed or gone.
func (in *Input) watch() {
	defer close(in.done)
	var failed error
	closed := in.control.Read(func(fd uintptr) (done bool) {
		for more := true; more; {
			in.mu.Lock()
			more, failed = in.drain(fd)
			in.mu.Unlock()
		}
		return failed != nil
	})
	in.fail(fmt.Errorf("%s: cannot be watched: %w", in.at, cmp.Or(failed, closed)))
}

// drain takes the events that wait, as many as the kernel keeps, and says whether
// there may be more. It does not wait for any. mu is held.
func (in *Input) drain(fd uintptr) (more bool, err error) {
	n, err := syscall.Read(int(fd), in.buf[:])
	now := time.Now()
	switch {
	case errors.Is(err, syscall.EINTR):
		return true, nil
	case errors.Is(err, syscall.EAGAIN):
		return false, nil
	case err != nil:
		return false, err
	case n < eventSize:
		return false, errNoEvents // waiting again would return at once, for ever
	}
	for b := in.buf[:n]; len(b) >= eventSize; b = b[eventSize:] {
		in.take(b, now)
	}
	return true, nil
}

// take hands on one event that was read at that time.
func (in *Input) take(b []byte, now time.Time) {
	seq := binary.NativeEndian.Uint32(b[20:])
	if gap := seq - in.seq - 1; gap > 0 {
		in.lose(uint64(gap))
	}
	in.seq = seq
	stamp := binary.NativeEndian.Uint64(b)
	rising := uapi.LineEventID(binary.NativeEndian.Uint32(b[8:])) == uapi.LineEventRisingEdge
	in.push(Edge{On: rising, At: in.clock.at(stamp, now)})
}

// eventClock tells the time of events. The kernel stamps them with the clock
// that Go's monotonic readings come from too, but Go does not show its value.
// The difference between the two is constant. It is no more than what is seen
// between a look at the kernel's clock, or an event's stamp, and a reading of
// Go's right after it: the least that was seen comes nearest to it.
type eventClock struct {
	start time.Time
	least int64 // ns between the kernel's clock and Go's, counted from start
}

// newEventClock looks at both clocks, some times over: between two looks
// something else may have run.
func newEventClock() (eventClock, error) {
	c := eventClock{start: time.Now(), least: math.MaxInt64}
	for range 10 {
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			return eventClock{}, err
		}
		c.least = min(c.least, int64(time.Since(c.start))-ts.Nano())
	}
	return c, nil
}

// at gives the time of an event that was stamped so, in nanoseconds, and read at
// that time.
func (c *eventClock) at(stamp uint64, read time.Time) time.Time {
	apart := int64(read.Sub(c.start)) - int64(stamp)
	c.least = min(c.least, apart)
	return read.Add(-time.Duration(apart - c.least))
}

// request asks the kernel for the line. Besides the line's file it gives the
// debounce that is left to be done here.
func request(cfg InputConfig) (*os.File, time.Duration, error) {
	at := cfg.wire()
	path := resolve(cfg.Chip)
	chip, err := openChip(path)
	if err != nil {
		return nil, 0, explain(at, err, lookup{chips: gpiocdev.Chips()})
	}
	defer chip.Close() // the request outlives it
	conn, err := chip.SyscallConn()
	if err != nil {
		return nil, 0, explain(at, err, lookup{})
	}
	var info uapi.ChipInfo
	err = control(conn, func(fd uintptr) (err error) {
		info, err = uapi.GetChipInfo(fd)
		return err
	})
	seen := lookup{lines: int(info.Lines), pull: cfg.Pull}
	if err == nil && (cfg.Line < 0 || cfg.Line >= seen.lines) {
		err = gpiocdev.ErrInvalidOffset
	}
	if err != nil {
		return nil, 0, explain(at, err, seen)
	}
	ask := func(c InputConfig, edges bool) (int, error) {
		r := c.request(edges)
		err := control(conn, func(fd uintptr) error { return uapi.GetLine(fd, &r) })
		return int(r.Fd), err
	}
	line, settle := -1, time.Duration(0)
	if line, err = ask(cfg, true); err != nil && !errors.Is(err, syscall.EBUSY) && cfg.Debounce > 0 {
		// Drivers that debounce themselves refuse times that they cannot keep.
		cfg.Debounce, settle = 0, cfg.Debounce
		line, err = ask(cfg, true)
	}
	if err != nil {
		var of uapi.LineInfoV2
		old := control(conn, func(fd uintptr) (err error) {
			of, err = uapi.GetLineInfoV2(fd, cfg.Line)
			return err
		})
		if old != nil {
			err = errors.Join(errOldUAPI, err)
		} else if of.Flags.IsUsed() {
			seen.holder = uapi.BytesToString(of.Consumer[:])
		}
		if old == nil && !errors.Is(err, syscall.EBUSY) {
			// What is it that the chip does not like?
			plain := cfg
			plain.Pull = ""
			works := func(edges bool) bool {
				probe, wrong := ask(plain, edges)
				if wrong == nil {
					syscall.Close(probe)
				}
				return wrong == nil
			}
			switch {
			case cfg.Pull != "" && works(true):
				err = fmt.Errorf("%w (%w)", errNoPull, err)
			case works(false):
				err = fmt.Errorf("%w (%w)", errNoEdges, err)
			}
		}
		return nil, 0, explain(at, err, seen)
	}
	if err := syscall.SetNonblock(line, true); err != nil { // so that Close ends a Read
		syscall.Close(line)
		return nil, 0, explain(at, err, seen)
	}
	return os.NewFile(uintptr(line), at.String()), settle, nil
}

// openChip opens a chip's device, after a look that it is one.
func openChip(path string) (*os.File, error) {
	if err := gpiocdev.IsChip(path); err != nil {
		return nil, err
	}
	return os.Open(path)
}

// request is what the kernel is asked for.
func (cfg InputConfig) request(edges bool) uapi.LineRequest {
	r := uapi.LineRequest{Lines: 1, EventBufferSize: kernelEdges}
	r.Offsets[0] = uint32(cfg.Line)
	copy(r.Consumer[:len(r.Consumer)-1], Consumer)
	r.Config.Flags = uapi.LineFlagV2Input
	if edges {
		r.Config.Flags |= uapi.LineFlagV2EdgeBoth
	}
	if cfg.ActiveLow {
		r.Config.Flags |= uapi.LineFlagV2ActiveLow
	}
	switch cfg.Pull {
	case "up":
		r.Config.Flags |= uapi.LineFlagV2BiasPullUp
	case "down":
		r.Config.Flags |= uapi.LineFlagV2BiasPullDown
	case "none":
		r.Config.Flags |= uapi.LineFlagV2BiasDisabled
	}
	if edges && cfg.Debounce > 0 {
		r.Config.AddAttribute(uapi.LineConfigAttribute{Attr: uapi.DebouncePeriod(cfg.Debounce).Encode(), Mask: 1})
	}
	return r
}

// check refuses what no line can do.
func (cfg InputConfig) check() error {
	switch cfg.Pull {
	case "", "up", "down", "none":
	default:
		return fmt.Errorf("%s: there is no pull %q: it is up, down or none", cfg.wire(), cfg.Pull)
	}
	if cfg.Debounce < 0 || cfg.Debounce > MaxDebounce {
		return fmt.Errorf("%s: a debounce of %v cannot be: it is 0s to %v", cfg.wire(), cfg.Debounce, MaxDebounce)
	}
	return nil
}

func (cfg InputConfig) wire() wire {
	return wire{chip: cfg.Chip, line: cfg.Line, twice: "another contact or relay names this line"}
}

// control runs do with the connection's descriptor, which stays open until then.
func control(c syscall.RawConn, do func(fd uintptr) error) error {
	var failed error
	if err := c.Control(func(fd uintptr) { failed = do(fd) }); err != nil {
		return err
	}
	return failed
}
