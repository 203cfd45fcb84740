// Gpiovm runs tests on a real GPIO chip. It starts an emulated machine with a
// stock Debian kernel for arm64, whose /dev/gpiochip0 is a PL061 of 8 lines, and
// runs in it the tests named TestChip… of the packages given as arguments. The
// program itself is there too, as /sallyport. What the host sees and drives at
// the chip's wires is told and asked by lines on the machine's console: ask.go.
//
// It exits with 0 when all tests passed, with 1 when some did not, with 2 when
// the machine could not be had, and with 3 when it did not report in time.
// Needed are qemu-system-aarch64, apt-get and dpkg. The kernel is kept in
// gpiovm below the user's cache folder.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

const (
	exitFailed = 1 // tests failed
	exitNone   = 2 // no machine
	exitSilent = 3 // the machine did not report
)

// timeLimit is how long the machine may take, from its start to its report.
const timeLimit = 240 * time.Second

func main() { os.Exit(run(os.Args[1:])) }

func run(packages []string) int {
	if len(packages) == 0 {
		fmt.Fprintln(os.Stderr, "usage: gpiovm PACKAGE-FOLDER...")
		return exitNone
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	kernel, initrd, clean, err := prepare(ctx, packages)
	defer clean()
	if err != nil {
		fmt.Fprintln(os.Stderr, "gpiovm:", err)
		return exitNone
	}
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	begin := time.Now()
	report, err := runMachine(ctx, kernel, initrd)
	fmt.Printf("%s; the machine ran for %.1f s\n", report, time.Since(begin).Seconds())
	switch {
	case errors.Is(err, errSilent):
		fmt.Fprintln(os.Stderr, "gpiovm:", err)
		return exitSilent
	case err != nil:
		fmt.Fprintln(os.Stderr, "gpiovm:", err)
		return exitNone
	}
	if problems := report.problems(packages); len(problems) > 0 {
		for _, p := range problems {
			fmt.Fprintln(os.Stderr, "gpiovm:", p)
		}
		return exitFailed
	}
	return 0
}

// prepare gives the kernel and what the machine boots into. clean removes what
// is not kept; it may be called whatever happened.
func prepare(ctx context.Context, packages []string) (kernel, initrd string, clean func(), err error) {
	clean = func() {}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", "", clean, err
	}
	kernel, busybox, err := fetch(ctx, filepath.Join(cache, "gpiovm"))
	if err != nil {
		return "", "", clean, err
	}
	dir, err := os.MkdirTemp("", "gpiovm-")
	if err != nil {
		return "", "", clean, err
	}
	clean = func() { os.RemoveAll(dir) }
	initrd, err = buildInitrd(ctx, dir, busybox, packages)
	return kernel, initrd, clean, err
}
