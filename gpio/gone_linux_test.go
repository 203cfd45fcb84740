package gpio

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestChipGone takes the chip away from under an open line, as pulling a USB
// adapter does. The chip comes back under another name, so this runs alone: where
// SALLYPORT_GPIO_GONE is set as well, and as root.
func TestChipGone(t *testing.T) {
	chip, line := chipLine(t)
	if os.Getenv("SALLYPORT_GPIO_GONE") == "" {
		t.Skip("SALLYPORT_GPIO_GONE is not set")
	}
	in, err := OpenInput(InputConfig{Chip: chip, Line: line})
	if err != nil {
		t.Fatal(err)
	}
	await(t, in, 1)
	sys, err := filepath.EvalSymlinks("/sys/bus/gpio/devices/" + chip)
	if err != nil {
		t.Fatal(err)
	}
	device := filepath.Dir(sys)
	driver, err := filepath.EvalSymlinks(device + "/driver")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(driver+"/unbind", []byte(filepath.Base(device)), 0); err != nil {
		t.Fatal(err)
	}
	defer os.WriteFile(driver+"/bind", []byte(filepath.Base(device)), 0)
	edges, err := in.Take()
	want := fmt.Sprintf("%s line %d: cannot be read: no such device", chip, line)
	watch := fmt.Sprintf("%s line %d: cannot be watched: no such device", chip, line)
	if len(edges) > 0 || !errors.Is(err, syscall.ENODEV) || err.Error() != want && err.Error() != watch {
		t.Errorf("the chip is gone, but Take gives %v, %v", edges, err)
	}
	if on, err := in.On(); on || err == nil {
		t.Errorf("the chip is gone, but On gives %v, %v", on, err)
	}
	if err := in.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if _, err := OpenInput(InputConfig{Chip: chip, Line: line}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the chip is gone, but opening it gives %v", err)
	}
}
