package journal

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// childEnv tells the test program to be a child that writes a journal.
const childEnv = "SALLYPORT_JOURNAL_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		os.Exit(child(dir))
	}
	os.Exit(m.Run())
}

// child writes until it is killed, and prints what it was told is on the disk.
func child(dir string) int {
	j, err := Open(Config{Dir: dir, Images: true})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	run := os.Getpid()
	for i := 0; ; i++ {
		e := entry(i)
		if i%5 == 0 {
			e.Images = []Image{{Name: "scene", Size: 1000, Bytes: func() ([]byte, error) { return make([]byte, 1000), nil }}}
		}
		if i%10 == 0 {
			// The step is put before the firing that has it.
			id := fmt.Sprintf("%d-%d", run, i)
			j.Put(Parcel{ID: id, Body: []byte("body")}, func(err error) {
				if err == nil {
					fmt.Println("parcel", id)
				}
			})
			e.Kind, e.Key = KindFiring, id
		}
		j.Add(e)
		if i%7 == 0 {
			if err := j.Sync(context.Background()); err != nil {
				fmt.Println(err)
				return 1
			}
			fmt.Println("head", j.Head())
		}
		if i%50 == 49 {
			if err := j.Expire(context.Background(), begun().Add(20*time.Second), time.Time{}); err != nil {
				fmt.Println(err)
				return 1
			}
		}
	}
}

// Whatever moment the program is killed at, the chain is whole, what was told to be
// on the disk is there, and no firing is without its step.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	var head *Head
	parcels := make(map[string]bool)
	for n := range 5 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(out)
		for k := range 3 + rand.IntN(40) {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("run %d, line %d: %v", n, k, err)
			}
			head = noteLine(t, line, head, parcels)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(lines)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(rest)) {
			if strings.HasSuffix(line, "\n") {
				head = noteLine(t, line, head, parcels)
			}
		}
		_ = cmd.Wait() // it was killed
		if r := verify(t, dir, VerifyOptions{Noted: head}); r.Reason != "" {
			t.Fatalf("run %d: %s", n, r.Reason)
		}
	}
	r, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ps, err := r.Parcels(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	there := make(map[string]bool)
	for _, p := range ps {
		there[p.ID] = true
	}
	for id := range parcels {
		if !there[id] {
			t.Errorf("the parcel %s is lost", id)
		}
	}
	firings := all(t, r, Query{Kinds: []string{KindFiring}, Limit: MaxLimit})
	for _, e := range firings {
		if strings.Contains(e.Key, "-") && !there[e.Key] {
			t.Errorf("the firing %d is there without its step %s", e.ID, e.Key)
		}
	}
	if len(parcels) == 0 || len(firings) == 0 {
		t.Error("nothing was tested")
	}
}

// noteLine notes what a child prints.
func noteLine(t *testing.T, line string, head *Head, parcels map[string]bool) *Head {
	t.Helper()
	what, value, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch what {
	case "head":
		h, err := ParseHead(value)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		return &h
	case "parcel":
		parcels[value] = true
	default:
		t.Fatalf("the child says: %s", line)
	}
	return head
}
