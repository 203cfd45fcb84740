package actions_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/actions/run"
	"github.com/sallyport/sallyport/actions/shell"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/gpio"
)

func TestAProgramGetsNoOpenFileOfOurs(t *testing.T) {
	// One that nobody marked to be closed, as those are that we were started with.
	fd, err := syscall.Open("/dev/null", syscall.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(fd) }()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := os.Open("/dev/zero")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if chip := os.Getenv("SALLYPORT_GPIO"); chip != "" {
		line, err := gpio.OpenOutput(gpio.OutputConfig{Chip: chip})
		if err != nil {
			t.Fatal(err)
		}
		defer line.Close()
	}
	_, rec := carry(t, shell.New(true, nil), plateFiring("A"), engine.ShellArgs{Command: "ls /proc/$$/fd"}, 10*time.Second)
	if rec.Detail != "0\n1\n2\n" {
		t.Errorf("a program has the files %q", rec.Detail)
	}
	if !rec.HasExit || rec.ExitCode != 0 || !rec.Begun || rec.Reason != "" {
		t.Errorf("record %+v", rec)
	}
}

func TestAProgramDiesWithUs(t *testing.T) {
	me, file := self(t), filepath.Join(t.TempDir(), "pid")
	parent := exec.Command(me, helperWord, "parent", file)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if b, err := os.ReadFile(file); err == nil && len(b) > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	gone(t, file)
}

// everybodys is a copy of this program that every user may start.
func everybodys(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sallyport")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	in, err := os.Open(self(t))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	path := filepath.Join(dir, "me")
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func nobody(t *testing.T) (*user.User, *syscall.Credential) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Skip(err)
	}
	c := &syscall.Credential{}
	_, _ = fmt.Sscan(u.Uid, &c.Uid)
	_, _ = fmt.Sscan(u.Gid, &c.Gid)
	return u, c
}

func TestAProgramRunsAsAnotherUser(t *testing.T) {
	want, _ := nobody(t)
	for _, name := range []string{"nobody", want.Uid} {
		u, err := actions.LookupUser(name)
		if err != nil {
			t.Fatal(err)
		}
		_, rec := carry(t, shell.New(true, u), plateFiring("A"), engine.ShellArgs{Command: "id -u; id -g; id -G; grep CapEff /proc/self/status"}, 10*time.Second)
		if want := want.Uid + "\n" + want.Gid + "\n" + want.Gid + "\nCapEff:\t0000000000000000\n"; rec.Detail != want {
			t.Errorf("%s: %q, want %q (%s)", name, rec.Detail, want, rec.Reason)
		}
	}
	u, err := actions.LookupUser("nobody")
	if err != nil {
		t.Fatal(err)
	}
	me := everybodys(t)
	_, rec := carry(t, run.New([]string{me}, u), plateFiring("A"), engine.RunArgs{Argv: []string{me, helperWord, "become", "root", "id -u"}}, 10*time.Second)
	if want := `run_as: programs cannot be started as "root": that takes root, or CAP_SETUID, CAP_SETGID and CAP_KILL` + "\n"; rec.Detail != want {
		t.Errorf("got %q", rec.Detail)
	}
	_, rec = carry(t, run.New([]string{me}, u), plateFiring("A"), engine.RunArgs{Argv: []string{me, helperWord, "become", "nobody", "id -u"}}, 10*time.Second)
	if want := "<nil>\n"; rec.Detail != want {
		t.Errorf("as itself: %q", rec.Detail)
	}
}

func TestAProgramGetsNoCapabilityOfOurs(t *testing.T) {
	_, who := nobody(t)
	// As systemd starts a service with AmbientCapabilities.
	dir, err := os.MkdirTemp("", "sallyport")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	seen := filepath.Join(dir, "seen")
	c := exec.Command(everybodys(t), helperWord, "become", "daemon", "(id -u; grep -E 'Cap(Eff|Amb)' /proc/self/status) >"+seen)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: who, AmbientCaps: []uintptr{5, 6, 7}}
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Run(); err != nil {
		t.Fatal(err, said.String())
	}
	if strings.HasSuffix(said.String(), "the ambient capabilities of this process cannot be given up: operation not supported\n") {
		return // a build with cgo, as for the race detector; it refuses
	}
	b, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err, said.String())
	}
	daemon, err := user.Lookup("daemon")
	if err != nil {
		t.Skip(err)
	}
	if want := daemon.Uid + "\nCapEff:\t0000000000000000\nCapAmb:\t0000000000000000\n"; string(b) != want || said.String() != "<nil>\n" {
		t.Errorf("got %q, said %q", b, said.String())
	}
}

func TestAUserWhoseProgramsCouldNotBeKilledIsRefused(t *testing.T) {
	_, who := nobody(t)
	c := exec.Command(everybodys(t), helperWord, "become", "daemon", "true")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: who, AmbientCaps: []uintptr{6, 7}}
	said, err := c.CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	if want := `run_as: programs cannot be started as "daemon": that takes root, or CAP_SETUID, CAP_SETGID and CAP_KILL` + "\n"; string(said) != want {
		t.Errorf("said %q", said)
	}
}

func TestAUserThatIsNotThere(t *testing.T) {
	for name, want := range map[string]string{
		"nobody-of-this-name": `run_as: there is no user "nobody-of-this-name"`,
		"4000000001":          "run_as: there is no user with the number 4000000001",
	} {
		if _, err := actions.LookupUser(name); err == nil || err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
