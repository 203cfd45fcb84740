package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// errSilent says that the machine ended, or was ended, without its report.
var errSilent = errors.New("the machine did not report in time")

// connectTime is how long qemu may take to begin.
const connectTime = 30 * time.Second

// runMachine boots the machine, prints what it says, and answers what its tests
// ask, until it has reported or ctx ends.
func runMachine(ctx context.Context, kernel, initrd string) (*report, error) {
	r := &report{packages: make(map[string]*tally)}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dir := filepath.Dir(initrd)
	control, err := net.Listen("unix", filepath.Join(dir, "monitor"))
	if err != nil {
		return r, err
	}
	defer control.Close()
	probe, err := net.Listen("unix", filepath.Join(dir, "wires"))
	if err != nil {
		return r, err
	}
	defer probe.Close()

	qemu := exec.CommandContext(ctx, "qemu-system-aarch64",
		"-M", "virt,gic-version=2", "-cpu", "cortex-a53", "-accel", "tcg", "-m", "768",
		"-nodefaults", "-display", "none", "-no-reboot", "-S",
		"-serial", "stdio",
		"-chardev", "socket,id=monitor,path="+filepath.Join(dir, "monitor"), "-mon", "chardev=monitor,mode=control",
		"-qtest", "unix:"+filepath.Join(dir, "wires"), "-qtest-log", "none",
		"-kernel", kernel, "-initrd", initrd,
		"-append", "console=ttyAMA0 quiet loglevel=3 panic=-1")
	qemu.Stderr = os.Stderr
	qemu.WaitDelay = 5 * time.Second
	in, err := qemu.StdinPipe()
	if err != nil {
		return r, err
	}
	out, err := qemu.StdoutPipe()
	if err != nil {
		return r, err
	}
	if err := qemu.Start(); err != nil {
		return r, err
	}
	defer qemu.Wait()
	defer cancel() // before it is waited for

	conns := [2]net.Conn{}
	for i, l := range []net.Listener{control, probe} {
		if err := l.(*net.UnixListener).SetDeadline(time.Now().Add(connectTime)); err != nil {
			return r, err
		}
		if conns[i], err = l.Accept(); err != nil {
			return r, fmt.Errorf("qemu does not begin: %w", err)
		}
		defer conns[i].Close()
	}
	m, err := openMonitor(conns[0])
	if err != nil {
		return r, err
	}
	chip, err := m.chip()
	if err != nil {
		return r, err
	}
	w, err := openWires(conns[1], chip)
	if err != nil {
		return r, err
	}
	if err := m.do(nil, "cont", nil); err != nil {
		return r, err
	}

	h := &host{wires: w, print: os.Stdout, guest: in}
	console := bufio.NewReader(out)
	for {
		line, err := console.ReadString('\n')
		line = strings.TrimRight(line, "\r\n")
		if err := h.hear(ctx, line); err != nil {
			return r, err
		}
		if err != nil {
			return r, errSilent
		}
		if done := r.hear(line); done {
			return r, nil
		}
	}
}

// report is what the machine said of the tests.
type report struct {
	packages map[string]*tally
	now      *tally // of the tests that run
}

// tally counts the tests of one package.
type tally struct {
	passed, failed, skipped int
	ended                   bool
	code                    string // of the tests' process, the first that is not 0
}

// hear takes a line of the console, and says whether it was the last.
func (r *report) hear(line string) (done bool) {
	words := strings.Fields(line)
	switch {
	case line == "@@DONE":
		return true
	case len(words) == 2 && words[0] == "@@BEGIN":
		if r.packages[words[1]] == nil {
			r.packages[words[1]] = new(tally)
		}
		r.now = r.packages[words[1]]
		r.now.ended = false
	case r.now == nil:
	case len(words) == 3 && words[0] == "@@END":
		r.now.ended = true
		if r.now.code == "" || r.now.code == "0" {
			r.now.code = words[2]
		}
		r.now = nil
	case strings.HasPrefix(line, "--- PASS: "):
		r.now.passed++
	case strings.HasPrefix(line, "--- FAIL: "):
		r.now.failed++
	case strings.HasPrefix(line, "--- SKIP: "):
		r.now.skipped++
	}
	return false
}

// problems says what is wrong. Tests that did not run are wrong, too.
func (r *report) problems(packages []string) []string {
	var problems []string
	for _, p := range packages {
		t := r.packages[testName(p)]
		switch {
		case t == nil || !t.ended:
			problems = append(problems, p+": the tests did not end")
		case t.code != "0":
			problems = append(problems, fmt.Sprintf("%s: tests failed (%d passed, %d failed, exit code %s)", p, t.passed, t.failed, t.code))
		case t.passed == 0:
			problems = append(problems, p+": no test named TestChip… ran")
		}
	}
	return problems
}

func (r *report) String() string {
	var all tally
	for _, t := range r.packages {
		all.passed += t.passed
		all.failed += t.failed
		all.skipped += t.skipped
	}
	return fmt.Sprintf("on the chip: %d passed, %d failed, %d skipped", all.passed, all.failed, all.skipped)
}
