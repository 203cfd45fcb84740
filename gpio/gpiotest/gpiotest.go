// Package gpiotest lets tests on a GPIO chip ask somebody who sees its wires
// from outside. That is the host of the emulated machine of .ci/gpiovm, reached
// over the machine's console; what a program says about itself proves little.
package gpiotest

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long the host may take to answer, beyond what it was told to
// wait.
const patience = 20 * time.Second

// Wires are the lines of the chip, by their number, seen from outside. Levels are
// those of the wire: true is high, whatever the program makes of it.
type Wires struct {
	t    testing.TB
	file *os.File
	in   *bufio.Reader

	mu sync.Mutex // covers a question with its answer
}

// Edge is a change of a line that the chip drives.
type Edge struct {
	At   time.Duration // on the host's clock, from some moment
	High bool
}

// Open reaches the host over a console, often the value of SALLYPORT_GPIO_HOST.
// Where it is empty the test is skipped.
func Open(t testing.TB, console string) *Wires {
	t.Helper()
	if console == "" {
		t.Skip("nobody sees the wires of this machine: .ci/gpiovm has one where somebody does")
	}
	f, err := os.OpenFile(console, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return &Wires{t: t, file: f, in: bufio.NewReader(f)}
}

// Drive sets the level of a line that is an input, as a contact would.
func (w *Wires) Drive(line int, high bool) {
	w.t.Helper()
	w.ask(0, "SET", line, bit(high))
}

// Level reads what is on a wire, and whether the chip drives it.
func (w *Wires) Level(line int) (high, driven bool) {
	w.t.Helper()
	answer := w.ask(0, "GET", line)
	return strings.Contains(answer, "level=1"), strings.Contains(answer, "out=1")
}

// Expect fails the test when the wire is not driven to this level.
func (w *Wires) Expect(line int, high bool) {
	w.t.Helper()
	if level, driven := w.Level(line); level != high || !driven {
		w.t.Errorf("the wire of line %d: high %v, driven %v; want high %v, driven", line, level, driven, high)
	}
}

// Watch forgets the edges of a line.
func (w *Wires) Watch(line int) {
	w.t.Helper()
	w.ask(0, "WATCH", line)
}

// Edges gives what the chip put on a line since Watch.
func (w *Wires) Edges(line int) []Edge {
	w.t.Helper()
	return w.edges(w.ask(0, "EDGES", line))
}

// AwaitEdges waits until the chip changed a line so many times since Watch, and
// gives the changes; it fails the test when there were fewer in this time. Other
// than with Await no change is missed that was over soon.
func (w *Wires) AwaitEdges(line, count int, limit time.Duration) []Edge {
	w.t.Helper()
	edges := w.edges(w.ask(limit, "COUNT", line, count, limit.Milliseconds()))
	if len(edges) < count {
		w.t.Fatalf("the wire of line %d changed %d times within %v, want %d: %v", line, len(edges), limit, count, edges)
	}
	return edges
}

func (w *Wires) edges(answer string) []Edge {
	w.t.Helper()
	var edges []Edge
	for _, word := range strings.Fields(answer) {
		at, level, _ := strings.Cut(word, ":")
		us, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			w.t.Fatalf("the host answers %q", answer)
		}
		edges = append(edges, Edge{At: time.Duration(us) * time.Microsecond, High: level == "1"})
	}
	return edges
}

// Await waits until the chip drives a line to this level, and fails the test
// when it did not in this time.
func (w *Wires) Await(line int, high bool, limit time.Duration) {
	w.t.Helper()
	if answer := w.ask(limit, "AWAIT", line, bit(high), limit.Milliseconds()); answer != fmt.Sprintf("level=%d", bit(high)) {
		w.t.Fatalf("the wire of line %d did not go to %d within %v: %s", line, bit(high), limit, answer)
	}
}

// ask tells the host something, and waits for its answer.
func (w *Wires) ask(wait time.Duration, verb string, numbers ...any) string {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	tag := strconv.FormatInt(time.Now().UnixNano(), 36)
	if err := w.file.SetDeadline(time.Now().Add(wait + patience)); err != nil {
		w.t.Fatal(err)
	}
	// Whatever the test wrote before may have left a line open.
	if _, err := fmt.Fprintf(w.file, "\n@@ASK %s %s %s\n", tag, verb, fmt.Sprint(numbers...)); err != nil {
		w.t.Fatal(err)
	}
	for {
		line, err := w.in.ReadString('\n')
		if err != nil {
			w.t.Fatalf("the host does not answer: %v", err)
		}
		// What an earlier test did not wait for is passed over.
		words := strings.SplitN(strings.TrimSpace(line), " ", 3)
		if len(words) >= 2 && words[0] == "@@ANSWER" && words[1] == tag {
			return strings.Join(words[2:], "")
		}
	}
}

func bit(high bool) int {
	if high {
		return 1
	}
	return 0
}
