//go:build unix

package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
)

// promptly fails the test when f takes long: it waits for a pipe that nobody reads.
func promptly(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("it hangs")
	}
}

// TestForeignThingsInTheWayOfAFile: a pipe or a link of the name of one of our files,
// or of its new text, neither holds up the program nor is written through.
func TestForeignThingsInTheWayOfAFile(t *testing.T) {
	dir := t.TempDir()
	file, other := filepath.Join(dir, stateFile), filepath.Join(dir, "other")
	for _, f := range []string{file, file + ".new"} {
		if err := syscall.Mkfifo(f, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	promptly(t, func() {
		if err := replaceFile(file, []byte("one")); err != nil {
			t.Error(err)
		}
	})
	if err := os.WriteFile(other, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(other, file+".new"); err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(file, []byte("two")); err != nil {
		t.Error(err)
	}
	for f, want := range map[string]string{file: "two", other: "mine"} {
		if b, err := os.ReadFile(f); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", f, b, err)
		}
	}
}

// TestPipesHoldUpNeitherStartNorOff: a start would wait for ever, and `sallyport off`
// would leave relays on.
func TestPipesHoldUpNeitherStartNorOff(t *testing.T) {
	site := config.Default()
	site.Data = t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(site.Data, runningFile), 0o600); err != nil {
		t.Fatal(err)
	}
	promptly(t, func() {
		d, err := openDisk(site, "", nil, 0, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Error(err)
			return
		}
		if err := d.close(); err != nil {
			t.Error(err)
		}
	})

	file := writeSite(t, "relays: {siren: {memory: true, max_on}}\n")
	data := filepath.Join(filepath.Dir(file), "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{lastGoodSite, lastGoodSite + keptFrom} {
		if err := syscall.Mkfifo(filepath.Join(data, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	promptly(t, func() {
		code, _, errs := runCommand(t, "off", "-c", file)
		if want := "has errors, and no copy of one that was run with is there: correct it, and run this again\n"; code != 1 || !strings.HasSuffix(errs, want) {
			t.Errorf("code %d\n%s", code, errs)
		}
	})
}

func TestMarksIntoAPipe(t *testing.T) {
	file := filepath.Join(t.TempDir(), marksFile)
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	m := newMarkLog(file, false, logged(&log))
	m.keep(mark(1))
	promptly(t, m.close)
	if want := file + " is not a regular file"; !strings.Contains(log.String(), want) {
		t.Errorf("%s", &log)
	}
}

// TestMarksOfAFolderThatWasReplaced: a mark that is noted in a file that is gone would
// open the gate once more after a kill.
func TestMarksOfAFolderThatWasReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	file := filepath.Join(dir, marksFile)
	var log bytes.Buffer
	m := newMarkLog(file, false, logged(&log))
	<-m.keep(mark(1))
	if err := os.Rename(dir, dir+".old"); err != nil {
		t.Fatal(err)
	}
	<-m.keep(mark(2))
	m.close()
	if got := seqs(loadMarks(file, logged(&log))); !reflect.DeepEqual(got, []uint64{2}) || log.Len() > 0 {
		t.Errorf("%v, %s", got, &log)
	}
}
