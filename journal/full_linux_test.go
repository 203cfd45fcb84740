package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fullEnv tells the test program to be a child whose files may not grow.
const fullEnv = "SALLYPORT_JOURNAL_FULL"

// A disk that takes no more bytes and later does again, without root: in a child,
// whose files may not grow beyond a limit.
func TestFilesMayNotGrow(t *testing.T) {
	if dir := os.Getenv(fullEnv); dir != "" {
		signal.Ignore(syscall.SIGXFSZ)
		limit := func(n uint64) {
			var l syscall.Rlimit
			if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
				t.Fatal(err)
			}
			l.Cur = n
			if n == 0 {
				l.Cur = l.Max
			}
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
				t.Fatal(err)
			}
		}
		fillUp(t, dir, "disk I/O error (778)", func() { limit(400 << 10) }, func() { limit(0) })
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestFilesMayNotGrow$", "-test.v")
	cmd.Env = append(os.Environ(), fullEnv+"="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// The same on a small file system of its own, which only root may mount.
func TestDiskFull(t *testing.T) {
	dir := tmpfs(t, "size=48m")
	fillUp(t, dir, "the disk is full", func() {
		// What is left is taken by somebody else.
		f, err := os.Create(dir + "/other")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for b := make([]byte, 4096); err == nil; {
			_, err = f.Write(b)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}, func() {
		if err := os.Remove(dir + "/other"); err != nil {
			t.Fatal(err)
		}
	})
}

// A file system that is read-only at the start, as a dying card's is, and is not later.
func TestReadOnly(t *testing.T) {
	dir := tmpfs(t, "size=20m")
	remount := func(flags uintptr) {
		if err := syscall.Mount("none", dir, "", syscall.MS_REMOUNT|flags, ""); err != nil {
			t.Skip("a file system cannot be mounted anew here: ", err)
		}
	}
	j := open(t, dir)
	fill(t, j, 10)
	closeNow(t, j)
	remount(syscall.MS_RDONLY)
	if r := verify(t, dir, VerifyOptions{}); r.Reason != "" || r.Entries != 10 { // it can be read all the same
		t.Errorf("%+v", r)
	}
	j = open(t, dir)
	j.Add(entry(10))
	if err := j.Sync(t.Context()); err == nil || j.Stats().Problem != "open "+dir+"/journal.db: read-only file system" {
		t.Fatalf("%v, %+v", err, j.Stats())
	}
	remount(0)
	deadline := time.Now().Add(3 * retryMost)
	for j.Sync(t.Context()) != nil {
		if time.Now().After(deadline) {
			t.Fatalf("it does not recover: %+v", j.Stats())
		}
		time.Sleep(10 * time.Millisecond)
	}
	if es := all(t, j, Query{}); len(es) != 11 {
		t.Errorf("%d entries", len(es))
	}
}

// tmpfs mounts a file system in memory.
func tmpfs(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, options); err != nil {
		t.Skip("a file system cannot be mounted here: ", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fillUp writes, makes the disk full, and then usable again: everything is counted,
// nobody waits, and it goes on by itself.
func fillUp(t *testing.T, dir, want string, full, again func()) {
	j, err := Open(Config{Dir: dir, Images: true})
	if err != nil {
		t.Fatal(err)
	}
	j.room = room
	add := func(n int) {
		for i := range n {
			e := entry(i)
			e.Body = fmt.Appendf(nil, `{"text":%q}`, strings.Repeat("x", 500))
			began := time.Now()
			j.Add(e)
			if d := time.Since(began); d > time.Second {
				t.Fatalf("an entry was taken after %v", d)
			}
		}
	}
	add(100)
	flush(t, j)
	full()
	add(1000)
	if err := j.Sync(t.Context()); err == nil {
		t.Fatal("a full disk took everything")
	}
	if s := j.Stats(); s.Problem != want || s.Waiting == 0 {
		t.Fatalf("%+v", s)
	}
	put := make(chan error, 1)
	j.Put(Parcel{ID: "a"}, func(err error) { put <- err })
	if err := <-put; err == nil {
		t.Error("a full disk took a parcel")
	}
	j.Add(Entry{At: begun(), Kind: KindEvent, Images: []Image{{Name: "scene", Size: 1 << 20, Bytes: func() ([]byte, error) { return make([]byte, 1<<20), nil }}}})
	add(room)
	if j.Stats().Dropped == 0 {
		t.Fatalf("%+v", j.Stats())
	}
	again()
	deadline := time.Now().Add(3 * retryMost)
	for j.Stats().Problem != "" || j.Stats().Waiting > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("it does not recover: %+v", j.Stats())
		}
		if j.Sync(t.Context()) != nil {
			time.Sleep(10 * time.Millisecond)
		}
	}
	s := j.Stats()
	if es := all(t, j, Query{Kinds: []string{KindError}, Newest: true, Limit: 1}); !strings.Contains(string(es[0].Body), `"dropped":`+fmt.Sprint(s.Dropped)) {
		t.Errorf("%s", es[0].Body)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, dir, VerifyOptions{}); r.Reason != "" {
		t.Fatal(r.Reason)
	}
}
