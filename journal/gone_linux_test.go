package journal

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFolderIsReplaced: what is written after the folder was removed or replaced under
// a running program can be read there, and an entry says what happened. The files of
// another journal that took the place are left as they are.
func TestFolderIsReplaced(t *testing.T) {
	for name, replace := range map[string]func(t *testing.T, dir string){
		"removed": func(t *testing.T, dir string) {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		},
		"another": func(t *testing.T, dir string) {
			if err := os.Rename(dir, dir+".old"); err != nil {
				t.Fatal(err)
			}
			other := open(t, dir)
			other.Add(entry(7))
			flush(t, other)
			closeNow(t, other)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			j := open(t, dir)
			j.Add(entry(0))
			flush(t, j)
			replace(t, dir)
			id := j.Add(entry(1))
			for over := time.Now().Add(20 * time.Second); j.Stats().Written < 3; {
				if time.Now().After(over) {
					t.Fatalf("%+v", j.Stats())
				}
				<-time.After(10 * time.Millisecond)
			}
			closeNow(t, j)
			r, err := OpenReader(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			es, _, err := r.List(t.Context(), Query{})
			if err != nil || len(es) < 2 {
				t.Fatal(es, err)
			}
			last := es[len(es)-1]
			if name == "removed" && es[0].ID != id || last.Kind != KindError || !strings.Contains(string(last.Body), "the journal was removed or replaced while the program ran") {
				t.Errorf("%+v", es)
			}
			if v, err := Verify(t.Context(), dir, VerifyOptions{}); err != nil || v.Reason != "" {
				t.Error(v, err)
			}
		})
	}
}

// TestPipeIsSetAside: a pipe of the journal's name does not hold up the start.
func TestPipeIsSetAside(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, database), 0o600); err != nil {
		t.Fatal(err)
	}
	j := open(t, dir)
	j.Add(entry(0))
	flush(t, j)
	if es := all(t, j, Query{}); len(es) != 2 || es[0].Kind != KindError {
		t.Errorf("%+v", es)
	}
}
