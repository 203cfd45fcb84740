package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// lines is how many lines the chip has.
const lines = 8

// The chip's registers on qemu's machine "virt": the levels of all lines, and
// which of them are outputs.
const (
	dataRegister      = 0x090303fc
	directionRegister = 0x09030400
)

// edge is a change of a line that the chip drives.
type edge struct {
	at   time.Duration // since the machine's start, on the host's clock
	high bool
}

// wires are the chip's lines as they are seen from outside, by qemu's own test
// interface: it tells every change of an output, and drives inputs.
type wires struct {
	conn  net.Conn
	chip  string
	start time.Time

	talk    sync.Mutex // covers one question with its answer
	answers chan string

	mu      sync.Mutex // covers what follows
	level   [lines]bool
	edges   [lines][]edge
	changed chan struct{} // closed at the next edge
}

// maxEdges is how many edges of a line are kept.
const maxEdges = 200

func openWires(conn net.Conn, chip string) (*wires, error) {
	w := &wires{conn: conn, chip: chip, start: time.Now(), answers: make(chan string, 1), changed: make(chan struct{})}
	go w.listen()
	_, err := w.ask("irq_intercept_out " + chip)
	return w, err
}

// listen takes what qemu says: answers, and changes of the wires in between.
func (w *wires) listen() {
	defer close(w.answers)
	for in := bufio.NewScanner(w.conn); in.Scan(); {
		words := strings.Fields(in.Text())
		if len(words) == 3 && words[0] == "IRQ" {
			w.note(words[1] == "raise", words[2])
			continue
		}
		w.answers <- in.Text()
	}
}

func (w *wires) note(high bool, word string) {
	now := time.Since(w.start)
	n, err := strconv.Atoi(word)
	if err != nil || n < 0 || n >= lines {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.level[n] = high
	if len(w.edges[n]) < maxEdges {
		w.edges[n] = append(w.edges[n], edge{now, high})
	}
	close(w.changed)
	w.changed = make(chan struct{})
}

// ask gives what follows OK in qemu's answer. Every edge that was before the
// answer is noted when it returns.
func (w *wires) ask(text string) (string, error) {
	w.talk.Lock()
	defer w.talk.Unlock()
	if _, err := fmt.Fprintln(w.conn, text); err != nil {
		return "", err
	}
	answer, open := <-w.answers
	if !open {
		return "", errors.New("qemu is gone")
	}
	value, ok := strings.CutPrefix(answer, "OK")
	if !ok {
		return "", fmt.Errorf("qemu answers %q to %q", answer, text)
	}
	return strings.TrimSpace(value), nil
}

// drive sets the level of an input from outside.
func (w *wires) drive(n int, high bool) error {
	_, err := w.ask(fmt.Sprintf("set_irq_in %s unnamed-gpio-in %d %d", w.chip, n, bit(high)))
	return err
}

// read gives the level of a line, and whether the chip drives it.
func (w *wires) read(n int) (high, out bool, err error) {
	data, err := w.register(dataRegister)
	if err != nil {
		return false, false, err
	}
	direction, err := w.register(directionRegister)
	return data>>n&1 == 1, direction>>n&1 == 1, err
}

func (w *wires) register(address uint64) (uint64, error) {
	answer, err := w.ask(fmt.Sprintf("readl %#x", address))
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(answer, 0, 64)
}

// seen gives the edges of a line, which may then be forgotten.
func (w *wires) seen(n int, forget bool) ([]edge, error) {
	// A question and its answer make sure that no edge is still on its way.
	if _, err := w.register(dataRegister); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if forget {
		w.edges[n] = nil
	}
	return append([]edge(nil), w.edges[n]...), nil
}

// await waits until the level of a line and its edges are as wanted, and gives
// the level that it has in the end.
func (w *wires) await(ctx context.Context, n int, wanted func(level bool, edges []edge) bool) bool {
	for {
		w.mu.Lock()
		level, changed := w.level[n], w.changed
		done := wanted(level, w.edges[n])
		w.mu.Unlock()
		if done {
			return level
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return level
		}
	}
}

// monitor is qemu's monitor, of which little is needed.
type monitor struct {
	conn net.Conn
	in   *json.Decoder
}

func openMonitor(conn net.Conn) (*monitor, error) {
	m := &monitor{conn, json.NewDecoder(conn)}
	var greeting struct{ QMP json.RawMessage }
	if err := m.in.Decode(&greeting); err != nil {
		return nil, err
	}
	return m, m.do(nil, "qmp_capabilities", nil)
}

// do carries out a command and reads what it returns into result, if not nil.
func (m *monitor) do(result any, command string, arguments map[string]string) error {
	request := map[string]any{"execute": command}
	if arguments != nil {
		request["arguments"] = arguments
	}
	if err := json.NewEncoder(m.conn).Encode(request); err != nil {
		return err
	}
	for {
		var answer struct {
			Event  string
			Return json.RawMessage
			Error  *struct{ Desc string }
		}
		if err := m.in.Decode(&answer); err != nil {
			return err
		}
		switch {
		case answer.Event != "":
			continue
		case answer.Error != nil:
			return fmt.Errorf("qemu: %s: %s", command, answer.Error.Desc)
		case result == nil:
			return nil
		}
		return json.Unmarshal(answer.Return, result)
	}
}

// chip finds the GPIO chip among qemu's devices.
func (m *monitor) chip() (string, error) {
	const where = "/machine/unattached"
	var devices []struct{ Name, Type string }
	if err := m.do(&devices, "qom-list", map[string]string{"path": where}); err != nil {
		return "", err
	}
	for _, d := range devices {
		if d.Type == "child<pl061>" {
			return where + "/" + d.Name, nil
		}
	}
	return "", errors.New("qemu's machine has no PL061")
}
