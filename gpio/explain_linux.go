package gpio

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/warthog618/go-gpiocdev"
)

// wire is a line as a person names it.
type wire struct {
	chip  string
	line  int
	twice string // how the site file may have asked for it twice
}

// String gives "gpiochip0 line 17".
func (w wire) String() string {
	return fmt.Sprintf("%s line %d", w.chip, w.line)
}

// lookup is what could be found out about a chip after a request failed.
type lookup struct {
	chips  []string // the chips of this machine
	lines  int      // how many lines the chip has
	holder string   // who holds the line, as the kernel tells it
	pull   string   // what was asked for
}

// explain turns a failed request into words a person can act on.
func explain(at wire, err error, seen lookup) error {
	path := devicePath(at.chip)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		have := "this machine has no GPIO chip"
		if len(seen.chips) > 0 {
			have = "this machine has " + strings.Join(seen.chips, ", ")
		}
		return fmt.Errorf("%s: there is no %s (%s): correct \"chip\" in the site file: %w", at, path, have, err)
	case errors.Is(err, gpiocdev.ErrNotCharacterDevice):
		return fmt.Errorf("%s: %s is not a GPIO chip: correct \"chip\" in the site file: %w", at, path, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: no permission to open %s: add the user that runs sallyport to the group that owns it (often \"gpio\"): %w", at, path, err)
	case errors.Is(err, gpiocdev.ErrInvalidOffset):
		return fmt.Errorf("%s: the chip has the lines 0 to %d: correct \"line\" in the site file: %w", at, seen.lines-1, err)
	case errors.Is(err, syscall.EBUSY):
		switch seen.holder {
		case "":
			return fmt.Errorf("%s: held by another program: stop it or use another line: %w", at, err)
		case Consumer:
			return fmt.Errorf("%s: held by %q: another sallyport is running, or %s: %w", at, seen.holder, at.twice, err)
		}
		return fmt.Errorf("%s: held by %q: stop that program or use another line: %w", at, seen.holder, err)
	case errors.Is(err, errNoPull) && seen.pull == "none":
		return fmt.Errorf("%s: the chip cannot switch this line's pull resistor off: leave \"pull\" out: %w", at, err)
	case errors.Is(err, errNoPull):
		return fmt.Errorf("%s: the chip cannot pull this line %s: leave \"pull\" out and wire a resistor: %w", at, seen.pull, err)
	case errors.Is(err, errNoEdges):
		return fmt.Errorf("%s: the chip does not report changes of this line (it has no interrupt): use another line or chip: %w", at, err)
	case errors.Is(err, errOldUAPI):
		return fmt.Errorf("%s: contacts need Linux 5.10 or later: %w", at, err)
	}
	return fmt.Errorf("%s: cannot be requested: %w", at, err)
}

// resolve gives the path of a chip's device, behind any symbolic link.
func resolve(chip string) string {
	path := devicePath(chip)
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		return resolved
	}
	return path
}

func devicePath(chip string) string {
	if strings.HasPrefix(chip, "/dev/") {
		return chip
	}
	return "/dev/" + chip
}
