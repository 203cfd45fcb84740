package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine"
)

// manager is a service manager that hears what the program tells it.
func manager(t *testing.T, limit time.Duration) (told <-chan string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify") // t.TempDir is too long for a socket's name
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "s")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); os.RemoveAll(dir) })
	t.Setenv("NOTIFY_SOCKET", name)
	t.Setenv("WATCHDOG_USEC", strconv.FormatInt(limit.Microseconds(), 10))
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	all := make(chan string, 1000)
	go func() {
		b := make([]byte, 1000)
		for {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			all <- string(b[:n])
		}
	}()
	return all
}

func hear(t *testing.T, told <-chan string, want string) {
	t.Helper()
	over := time.After(20 * time.Second)
	for {
		select {
		case s := <-told:
			if s == want {
				return
			}
		case <-over:
			t.Fatalf("the service manager never heard %q", want)
		}
	}
}

func TestTheServiceManagerIsTold(t *testing.T) {
	told := manager(t, 200*time.Millisecond)
	s := startSite(t, rulesText, nil)
	hear(t, told, "READY=1")
	hear(t, told, "WATCHDOG=1")
	hear(t, told, "WATCHDOG=1")
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	hear(t, told, "STOPPING=1")
}

// TestAHangIsNotWell: when the loop stands still the watchdog is not fed, and is
// again when it goes on.
func TestAHangIsNotWell(t *testing.T) {
	told := manager(t, 100*time.Millisecond)
	var a *appliance
	s := startSite(t, rulesText, func(svc *service) { svc.running = func(x *appliance) { a = x } })
	hear(t, told, "WATCHDOG=1")
	hold, held := make(chan struct{}), make(chan struct{})
	go a.ask(t.Context(), func(*engine.Engine) { close(held); <-hold })
	<-held
	s.err.await("the program does not answer itself")
	for len(told) > 0 {
		<-told // what was said before it hung
	}
	s.err.awaitCount("the program does not answer itself", 3)
	if len(told) > 0 {
		t.Errorf("while it hung it said %q", <-told)
	}
	close(hold)
	hear(t, told, "WATCHDOG=1")
}

func TestWithoutAServiceManagerNothingIsTold(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	errs := newScreen(t)
	s := supervisor{slog.New(slog.NewTextHandler(errs, nil))}
	s.ready()
	s.watch(t.Context(), func(context.Context) error { return errors.New("nobody asks") })
	s.stopping()
	if errs.String() != "" {
		t.Error(errs)
	}
}

// TestServiceFile holds the commands of the service file against the program.
func TestServiceFile(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "packaging", "sallyport.service"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		words := strings.Fields(strings.TrimPrefix(value, "-"))
		if !strings.HasPrefix(name, "Exec") || words[0] != "/usr/bin/sallyport" {
			continue
		}
		found++
		var out strings.Builder
		args := append(words[1:], "-h")
		if code := run(t.Context(), args, process{stdout: &out, stderr: &out}); code != 0 || !strings.Contains(out.String(), "usage: sallyport "+words[1]) {
			t.Errorf("%s: %s", line, out.String())
		}
	}
	if found != 3 {
		t.Errorf("%d commands", found)
	}
}
