//go:build linux

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gpio/gpiotest"
	"github.com/warthog618/go-gpiocdev"
)

// The tests in this file start the real program on a machine with a GPIO chip, and
// judge it by what somebody outside sees on the chip's wires. .ci/gpiovm runs them.

// The lines of chipSiteText.
const (
	porchLine = 4
	gateLine  = 5 // active low: the wire is high while the relay is off
)

const chipSiteText = `location: {timezone: UTC}
listen: {cameras: "127.0.0.1:0", console: "127.0.0.1:0"}
cameras:
  porch: {match: {mac: "58:5b:69:00:00:01"}}
  gate: {match: {mac: "58:5b:69:00:00:02"}}
relays:
  porch: {chip: gpiochip0, line: 4, max_on: 12h}
  gate: {chip: gpiochip0, line: 5, active_low: true, max_on: 20s}
`

// soonTime is how long anything may take that should come at once: the machine is
// emulated, on one that may be busy.
const soonTime = 10 * time.Second

// chipSite is a site on the chip, and the program that may run on it.
type chipSite struct {
	*testSite
	wires *gpiotest.Wires
	cmd   *exec.Cmd
	ended chan struct{} // closed when cmd has ended
}

// newChipSite writes a site; nothing runs yet. Both wires are off, and watched.
func newChipSite(t *testing.T, rules string) *chipSite {
	t.Helper()
	s := &chipSite{wires: gpiotest.Open(t, os.Getenv("SALLYPORT_GPIO_HOST")), testSite: &testSite{T: t, dir: t.TempDir()}}
	s.write("sallyport.yaml", chipSiteText)
	s.write("rules.d/rules.yaml", rules)
	if code, _, errs := s.sallyport("off"); code != 0 {
		t.Fatalf("off: exit code %d\n%s", code, errs)
	}
	s.wires.Watch(porchLine)
	s.wires.Watch(gateLine)
	return s
}

func (s *chipSite) file() string { return filepath.Join(s.dir, "sallyport.yaml") }

// command is the real program with this site.
func (s *chipSite) command(words ...string) *exec.Cmd {
	cmd := exec.CommandContext(s.Context(), os.Getenv("SALLYPORT_BIN"), append(words, "-c", s.file())...)
	cmd.WaitDelay = time.Second
	return cmd
}

// sallyport runs a command of the program to its end.
func (s *chipSite) sallyport(words ...string) (code int, stdout, stderr string) {
	s.Helper()
	var out, errs strings.Builder
	cmd := s.command(words...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		s.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// start starts `sallyport run`, and waits until it takes posts.
func (s *chipSite) start() {
	s.Helper()
	s.out, s.err = newScreen(s.T), newScreen(s.T)
	s.cmd = s.command("run")
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.err
	if err := s.cmd.Start(); err != nil {
		s.Fatal(err)
	}
	cmd, ended, out, errs := s.cmd, make(chan struct{}), s.out, s.err
	s.ended = ended
	go func() {
		defer close(ended)
		_ = cmd.Wait() // its state tells the exit code
	}()
	s.Cleanup(func() { // before the lines are wanted again
		_ = cmd.Process.Kill()
		<-ended
		if s.Failed() {
			s.Logf("the program said\n%s%s", out, errs)
		}
	})
	s.out.await("cameras post to http://")
	_, rest, _ := strings.Cut(s.out.String(), "cameras post to http://")
	s.addr, rest, _ = strings.Cut(rest, ";")
	_, rest, _ = strings.Cut(rest, "the console is at ")
	s.console, _, _ = strings.Cut(rest, "\n")
}

// end ends the running program by a signal, and gives its exit code; -1 when the
// signal ended it.
func (s *chipSite) end(sig syscall.Signal) int {
	s.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.Fatal(err)
	}
	select {
	case <-s.ended:
	case <-time.After(soonTime):
		s.Fatalf("the program goes on after the signal %v:\n%s%s", sig, s.out, s.err)
	}
	return s.cmd.ProcessState.ExitCode()
}

// fails runs a command that must end with 1, nothing on stdout and these words.
func (s *chipSite) fails(name, want string) {
	s.Helper()
	code, out, errs := s.sallyport(name)
	if code != exitError || out != "" || errs != want {
		s.Errorf("%s: exit code %d, stdout %q, stderr\n%swant\n%s", name, code, out, errs, want)
	}
}

// lit lights the porch by a person who stands there, and holds the gate open.
func (s *chipSite) lit() {
	s.Helper()
	s.walk(s.T, 15)
	s.wires.Await(porchLine, true, soonTime)
	s.post(plateRead("ABC1234"))
	s.wires.Await(gateLine, false, soonTime)
}

// kept waits until a text is on the disk, in what a restart needs.
func (s *chipSite) kept(text string) {
	s.Helper()
	name := filepath.Join(s.dir, "data", stateFile)
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for begin := time.Now(); time.Since(begin) < soonTime; <-look.C {
		if b, _ := os.ReadFile(name); strings.Contains(string(b), text) {
			return
		}
	}
	s.Fatalf("%s never held %q", name, text)
}

// chipRules are rulesText with the light on for an hour and the gate for 10 s.
func chipRules() string {
	return strings.NewReplacer("hold: 300ms", "hold: 1h", "pulse: 100ms", "pulse: 10s").Replace(rulesText)
}

// TestChipAppliance is the whole way: posts of two cameras, and what they do to the
// wires.
func TestChipAppliance(t *testing.T) {
	s := newChipSite(t, strings.NewReplacer("pulse: 100ms", "pulse: 1s", "hold: 300ms", "hold: 2s").Replace(rulesText))
	s.start()
	s.wires.Expect(porchLine, false)
	s.wires.Expect(gateLine, true)

	s.post(plateRead("XYZ999"))
	s.out.await(`no firing  XYZ999: "gate": plate.on("residents") is false, plate.number = "XYZ999"`)
	s.wires.Expect(gateLine, true)
	for range 3 { // one opening per arrival, however often it is read
		s.post(plateRead("ABC1234"))
	}
	s.wires.AwaitEdges(gateLine, 2, soonTime)
	s.post(plateRead("ABC1234"))
	if edges := s.wires.Edges(gateLine); len(edges) != 2 || edges[0].High {
		t.Errorf("the gate's wire: %v, want one pulse", edges)
	} else {
		length := edges[1].At - edges[0].At
		t.Logf("the pulse took %v on the wire", length)
		// It counts from the decision, so a line that is driven late is on for less.
		if length < 700*time.Millisecond || length > 1500*time.Millisecond {
			t.Errorf("the pulse took %v on the wire, want 1s", length)
		}
	}

	s.walk(t, 15)
	// No frame for 1.5 s, and the hold.
	if edges := s.wires.AwaitEdges(porchLine, 2, soonTime); len(edges) != 2 || !edges[0].High {
		t.Errorf("the light's wire: %v, want on and off", edges)
	}
	s.end(syscall.SIGTERM)
	if edges := s.wires.Edges(gateLine); len(edges) != 2 {
		t.Errorf("the gate's wire: %v, want one pulse", edges)
	}
}

// TestChipContact: the host opens and closes a door, whose contact pulls the line
// to ground while it is closed.
func TestChipContact(t *testing.T) {
	const doorLine = 2
	s := newChipSite(t, `rules:
  - name: bell
    on: contact
    when: contact("door").open
    do: [{relay: gate, pulse: 200ms}]
  - name: light
    when: contact("door").open
    do: [{relay: porch, follow: true}]
`)
	s.write("sallyport.yaml", chipSiteText+"contacts:\n  door: {chip: gpiochip0, line: 2, active_low: true, debounce: 5ms}\n")
	s.wires.Drive(doorLine, true)
	s.start()
	s.wires.Await(porchLine, true, soonTime) // it follows the door, which is open
	s.wires.Drive(doorLine, false)
	s.wires.Await(porchLine, false, soonTime)
	if edges := s.wires.Edges(gateLine); len(edges) > 0 {
		t.Errorf("the bell's wire moved for a door that was open before: %v", edges)
	}
	s.wires.Drive(doorLine, true)
	s.wires.Await(porchLine, true, soonTime)
	s.wires.AwaitEdges(gateLine, 2, soonTime)
	s.end(syscall.SIGTERM)
	if edges := s.wires.Edges(gateLine); len(edges) != 2 {
		t.Errorf("the bell's wire: %v, want one pulse", edges)
	}
	s.wires.Expect(porchLine, false)
}

// TestChipTerm: a stop leaves every wire off.
func TestChipTerm(t *testing.T) {
	s := newChipSite(t, chipRules())
	s.start()
	s.lit()
	if code := s.end(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, s.err)
	}
	s.wires.Expect(porchLine, false)
	s.wires.Expect(gateLine, true)
}

// TestChipKill: nothing runs on a kill, and this chip keeps its wires as they were.
// `sallyport off` turns them off.
func TestChipKill(t *testing.T) {
	s := newChipSite(t, chipRules())
	s.start()
	s.lit()
	s.end(syscall.SIGKILL)
	s.wires.Expect(porchLine, true)
	s.wires.Expect(gateLine, false)

	code, out, errs := s.sallyport("off")
	if code != 0 || out != "porch is off\ngate is off\n" || errs != "" {
		t.Errorf("off: exit code %d, stdout %q, stderr %q", code, out, errs)
	}
	s.wires.Expect(porchLine, false)
	s.wires.Expect(gateLine, true)
}

// TestChipStartAfterKill: the next start turns the wires off before it takes posts,
// and the car that goes on being read is let in once.
func TestChipStartAfterKill(t *testing.T) {
	s := newChipSite(t, chipRules())
	s.start()
	s.lit()
	s.kept("ABC1234")
	s.end(syscall.SIGKILL)
	s.start()
	s.wires.Expect(porchLine, false)
	s.wires.Expect(gateLine, true)
	s.post(plateRead("ABC1234"))
	s.out.await("ABC1234")
	s.end(syscall.SIGTERM)
	if edges := s.wires.Edges(gateLine); len(edges) != 2 {
		t.Errorf("the gate's wire: %v, want one opening", edges)
	}
}

// TestChipOffWhileRunning: lines that a program holds are that program's.
func TestChipOffWhileRunning(t *testing.T) {
	s := newChipSite(t, chipRules())
	s.start()
	s.lit()
	s.fails("off", `sallyport: off: relay "porch": gpiochip0 line 4: held by "sallyport": another sallyport is running, or two relays name this line: device or resource busy
sallyport: off: relay "gate": gpiochip0 line 5: held by "sallyport": another sallyport is running, or two relays name this line: device or resource busy
`)
	s.wires.Expect(porchLine, true)
	s.wires.Expect(gateLine, false)
	s.end(syscall.SIGTERM)
}

// TestChipBusy: who holds a line is named, and the lines that are free stay off.
func TestChipBusy(t *testing.T) {
	s := newChipSite(t, chipRules())
	line, err := gpiocdev.RequestLine("gpiochip0", gateLine, gpiocdev.AsOutput(1), gpiocdev.WithConsumer("door-opener"))
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	const held = `relay "gate": gpiochip0 line 5: held by "door-opener": stop that program or use another line: device or resource busy` + "\n"
	s.fails("run", "sallyport: run: "+held)
	code, out, errs := s.sallyport("off")
	if code != exitError || out != "porch is off\n" || errs != "sallyport: off: "+held {
		t.Errorf("off: exit code %d, stdout %q, stderr %q", code, out, errs)
	}
	s.wires.Expect(porchLine, false)
	if edges := s.wires.Edges(porchLine); len(edges) > 0 {
		t.Errorf("the wire of a line that is free moved: %v", edges)
	}
}

// TestChipOfAnotherSite: two programs cannot have one line.
func TestChipOfAnotherSite(t *testing.T) {
	s := newChipSite(t, chipRules())
	s.start()
	other := &chipSite{testSite: &testSite{T: t, dir: t.TempDir()}, wires: s.wires}
	other.write("sallyport.yaml", "location: {timezone: UTC}\nlisten: {cameras: \"127.0.0.1:0\", console: \"127.0.0.1:0\"}\nrelays: {bell: {chip: gpiochip0, line: 5, max_on: 5s}}\n")
	other.fails("run", `sallyport: run: relay "bell": gpiochip0 line 5: held by "sallyport": another sallyport is running, or two relays name this line: device or resource busy`+"\n")
	s.wires.Expect(gateLine, true)
	s.end(syscall.SIGTERM)
}

// TestChipMissing: a chip or line that is not there.
func TestChipMissing(t *testing.T) {
	s := newChipSite(t, chipRules())
	const missing = `relay "gate": gpiochip7 line 5: there is no /dev/gpiochip7 (this machine has gpiochip0): correct "chip" in the site file: lstat /dev/gpiochip7: no such file or directory` + "\n"
	s.write("sallyport.yaml", strings.Replace(chipSiteText, "gpiochip0, line: 5", "gpiochip7, line: 5", 1))
	s.fails("run", "sallyport: run: "+missing)
	code, out, errs := s.sallyport("off")
	if code != exitError || out != "porch is off\n" || errs != "sallyport: off: "+missing {
		t.Errorf("off: exit code %d, stdout %q, stderr %q", code, out, errs)
	}
	s.write("sallyport.yaml", strings.Replace(chipSiteText, "gpiochip0, line: 5", "gpiochip0, line: 8", 1))
	s.fails("run", `sallyport: run: relay "gate": gpiochip0 line 8: the chip has the lines 0 to 7: correct "line" in the site file: invalid offset`+"\n")
	s.wires.Expect(porchLine, false)
}

// TestChipPermission: a user who may not open the chip.
func TestChipPermission(t *testing.T) {
	s := newChipSite(t, chipRules())
	if err := os.Chmod(s.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(s.dir), 0o755); err != nil {
		t.Fatal(err)
	}
	var errs strings.Builder
	cmd := s.command("run")
	cmd.Stderr = &errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	err := cmd.Run()
	const denied = `gpiochip0 line %: no permission to open /dev/gpiochip0: add the user that runs sallyport to the group that owns it (often "gpio"): open /dev/gpiochip0: permission denied` + "\n"
	want := `sallyport: run: relay "porch": ` + strings.Replace(denied, "%", "4", 1) + `relay "gate": ` + strings.Replace(denied, "%", "5", 1)
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != exitError || errs.String() != want {
		t.Errorf("%v, stderr\n%swant\n%s", err, errs.String(), want)
	}
}

// dataDisk makes the site's data folder a small disk of its own.
func (s *chipSite) dataDisk(flags uintptr) {
	s.Helper()
	data := filepath.Join(s.dir, "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		s.Fatal(err)
	}
	s.mount(flags)
	s.Cleanup(func() {
		if err := syscall.Unmount(data, syscall.MNT_DETACH); err != nil {
			s.Error(err)
		}
	})
}

func (s *chipSite) mount(flags uintptr) {
	s.Helper()
	if err := syscall.Mount("tmpfs", filepath.Join(s.dir, "data"), "tmpfs", flags, "size=4m"); err != nil {
		s.Fatal(err)
	}
}

// fill writes until the data disk is full, and gives what makes room again.
func (s *chipSite) fill() (free func()) {
	s.Helper()
	name := filepath.Join(s.dir, "data", "ballast")
	f, err := os.Create(name)
	if err != nil {
		s.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		s.Fatal(err)
	}
	return func() {
		s.Helper()
		if err := os.Remove(name); err != nil {
			s.Fatal(err)
		}
	}
}

// opens reads a plate that is listed, which must move the gate's wire.
func (s *chipSite) opens(plate string) {
	s.Helper()
	before := len(s.wires.Edges(gateLine))
	s.post(plateRead(plate))
	s.wires.AwaitEdges(gateLine, before+2, soonTime)
}

// diskRules let in three cars. The pulse is long enough for a machine that is slow
// to find out what its disk does.
func diskRules() string {
	return strings.NewReplacer("[{plate: ABC1234, owner: Ann}]", "[{plate: ABC1234}, {plate: KLM5678}, {plate: XYZ9999}]", "pulse: 100ms", "pulse: 1s").Replace(rulesText)
}

// unwritten waits until the program says that it cannot write, and why.
func (s *chipSite) unwritten(why, journal string) {
	s.Helper()
	s.err.await(`msg="what a restart needs cannot be written"`)
	s.err.await(why)
	s.err.await(`msg="the journal cannot be written; everything else goes on" folder=` + filepath.Join(s.dir, "data") + ` error="` + journal)
}

// written ends the program once it can write again, and fails the test when one of
// these plates is not in the journal, or the last is not kept for a restart.
func (s *chipSite) written(plates ...string) {
	s.Helper()
	s.err.await(`msg="the journal is written again"`)
	s.kept(plates[len(plates)-1])
	s.end(syscall.SIGTERM)
	for _, p := range plates {
		code, out, errs := s.sallyport("journal", "list", "--kind", "event", "--plate", p)
		if code != 0 || strings.Count(out, "\n") != 1 {
			s.Errorf("journal list: exit code %d, want one reading of %s\n%s%s", code, p, out, errs)
		}
	}
	if code, out, errs := s.sallyport("journal", "verify"); code != 0 {
		s.Errorf("journal verify: exit code %d\n%s%s", code, out, errs)
	}
	s.wires.Expect(gateLine, true)
}

// TestChipDiskFull: a full disk is said, and moves nothing and stops nothing; with
// room again all is written as before, without a restart.
func TestChipDiskFull(t *testing.T) {
	s := newChipSite(t, diskRules())
	s.dataDisk(0)
	s.start()
	s.opens("ABC1234")
	s.kept("ABC1234")
	free := s.fill()
	s.opens("KLM5678")
	s.unwritten("no space left on device", "the disk is full")
	free()
	s.opens("XYZ9999")
	s.written("ABC1234", "KLM5678", "XYZ9999")
	if edges := s.wires.Edges(gateLine); len(edges) != 6 {
		t.Errorf("the gate's wire: %v, want three pulses", edges)
	}
}

// TestChipDiskFullAtStart: a program starts on a full disk.
func TestChipDiskFullAtStart(t *testing.T) {
	s := newChipSite(t, diskRules())
	s.dataDisk(0)
	free := s.fill()
	s.start()
	s.opens("ABC1234")
	s.unwritten("no space left on device", "the disk is full")
	free()
	s.opens("XYZ9999")
	s.written("ABC1234", "XYZ9999")
}

// TestChipDiskReadOnly: as a card that wears out, which the kernel lets nobody write.
func TestChipDiskReadOnly(t *testing.T) {
	s := newChipSite(t, diskRules())
	s.dataDisk(syscall.MS_RDONLY)
	s.start()
	s.opens("ABC1234")
	s.unwritten("read-only file system", "open "+filepath.Join(s.dir, "data", "journal.db")+": read-only file system")
	s.mount(syscall.MS_REMOUNT)
	s.opens("XYZ9999")
	s.written("ABC1234", "XYZ9999")
}
