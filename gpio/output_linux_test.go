package gpio

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"
	"testing"

	"github.com/warthog618/go-gpiocdev"
)

func TestOpenOutputWithoutAChip(t *testing.T) {
	_, err := OpenOutput(OutputConfig{Chip: "null", Line: 3})
	want := `null line 3: /dev/null is not a GPIO chip: correct "chip" in the site file: not a character device`
	if err == nil || err.Error() != want {
		t.Errorf("a device that is no chip:\n got %v\nwant %s", err, want)
	}
	_, err = OpenOutput(OutputConfig{Chip: "gpiochip-none", Line: 3})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a chip that is not there: %v", err)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	cfg := OutputConfig{Chip: "gpiochip0", Line: 17}
	pathError := func(op string, err error) error {
		return &fs.PathError{Op: op, Path: "/dev/gpiochip0", Err: err}
	}
	for _, c := range []struct {
		name string
		err  error
		seen lookup
		want string
	}{
		{"no chip", pathError("lstat", syscall.ENOENT), lookup{chips: []string{"gpiochip1", "gpiochip2"}},
			`gpiochip0 line 17: there is no /dev/gpiochip0 (this machine has gpiochip1, gpiochip2): correct "chip" in the site file: lstat /dev/gpiochip0: no such file or directory`},
		{"no chip at all", pathError("lstat", syscall.ENOENT), lookup{},
			`gpiochip0 line 17: there is no /dev/gpiochip0 (this machine has no GPIO chip): correct "chip" in the site file: lstat /dev/gpiochip0: no such file or directory`},
		{"no permission", pathError("open", syscall.EACCES), lookup{},
			`gpiochip0 line 17: no permission to open /dev/gpiochip0: add the user that runs sallyport to the group that owns it (often "gpio"): open /dev/gpiochip0: permission denied`},
		{"no such line", gpiocdev.ErrInvalidOffset, lookup{lines: 8},
			`gpiochip0 line 17: the chip has the lines 0 to 7: correct "line" in the site file: invalid offset`},
		{"busy", syscall.EBUSY, lookup{holder: "spi0 CS0"},
			`gpiochip0 line 17: held by "spi0 CS0": stop that program or use another line: device or resource busy`},
		{"busy by ourselves", syscall.EBUSY, lookup{holder: "sallyport"},
			`gpiochip0 line 17: held by "sallyport": another sallyport is running, or two relays name this line: device or resource busy`},
		{"busy by nobody known", syscall.EBUSY, lookup{},
			`gpiochip0 line 17: held by another program: stop it or use another line: device or resource busy`},
		{"something else", syscall.EINVAL, lookup{},
			`gpiochip0 line 17: cannot be requested: invalid argument`},
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

// TestRealLine drives a real line. It runs where SALLYPORT_GPIO names a chip
// whose line 0 is free and wired to nothing (SALLYPORT_GPIO_LINE: another one).
func TestRealLine(t *testing.T) {
	chip := os.Getenv("SALLYPORT_GPIO")
	if chip == "" {
		t.Skip("SALLYPORT_GPIO names no chip")
	}
	offset, _ := strconv.Atoi(os.Getenv("SALLYPORT_GPIO_LINE"))
	for _, low := range []bool{false, true} {
		cfg := OutputConfig{Chip: chip, Line: offset, ActiveLow: low}
		out, err := OpenOutput(cfg)
		if err != nil {
			t.Fatal(err)
		}
		level := func() bool {
			on, err := out.On()
			if err != nil {
				t.Fatal(err)
			}
			return on
		}
		if level() {
			t.Error("on after the request")
		}
		_, err = OpenOutput(cfg)
		want := fmt.Sprintf(`%s line %d: held by "sallyport": another sallyport is running, or two relays name this line: device or resource busy`, chip, offset)
		if err == nil || err.Error() != want {
			t.Errorf("a second request:\n got %v\nwant %s", err, want)
		}
		for _, on := range []bool{true, false, true} {
			if err := out.Set(on); err != nil {
				t.Fatal(err)
			}
			if level() != on {
				t.Errorf("active low %v: after Set(%v) the line is %v", low, on, !on)
			}
		}
		if err := out.Close(); err != nil {
			t.Error(err)
		}
		if err := out.Set(true); !errors.Is(err, ErrClosed) {
			t.Errorf("Set after Close: %v", err)
		}
		if err := out.Close(); !errors.Is(err, ErrClosed) {
			t.Errorf("second Close: %v", err)
		}
	}
	_, err := OpenOutput(OutputConfig{Chip: chip, Line: 1 << 20})
	if !errors.Is(err, gpiocdev.ErrInvalidOffset) {
		t.Errorf("a line that is not there: %v", err)
	}
}
