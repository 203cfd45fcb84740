package main

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The tests tell and ask the host by lines on the machine's console:
//
//	@@SET 3 1           drives line 3, which is an input, high
//	@@GET 3             what is on the wire of line 3 now
//	@@WATCH 3           forgets what was on the wire
//	@@EDGES 3           every change of an output since then
//	@@AWAIT 3 1 2000    waits until the output is high, for 2000 ms at most
//	@@COUNT 3 2 2000    waits until it changed twice since WATCH, no longer
//
// What came of it is printed as "@@HOST line 3 …". "@@ASK tag GET 3" is not, but
// answered in the machine by a line "@@ANSWER tag …", so that a test can wait
// until it is done. Package gpio/gpiotest is the other side.
//
// SET and GET answer "level=1 out=0": the wire is high, and the chip does not
// drive it. EDGES answers "12000500:1 12300700:0": microseconds on the host's
// clock and the new level. AWAIT answers "level=1", or "level=0" after the time,
// and COUNT as EDGES, whatever there is by then.

// asks is a line of the protocol.
var asks = regexp.MustCompile(`@@(?:ASK (\S+) )?(?:(GET|WATCH|EDGES) ([0-7])|(SET) ([0-7]) ([01])|(AWAIT) ([0-7]) ([01]) ([0-9]{1,6})|(COUNT) ([0-7]) ([0-9]{1,3}) ([0-9]{1,6}))\s*$`)

// host answers what the tests ask.
type host struct {
	wires *wires

	mu    sync.Mutex // covers what follows
	print io.Writer
	guest io.Writer // what the machine reads from its console
}

// hear prints a line of the console, and does what it asks for.
func (h *host) hear(ctx context.Context, line string) error {
	m := asks.FindStringSubmatch(line)
	if m == nil {
		h.show(line)
		return nil
	}
	// The verb and its numbers, of which the first is the line.
	tag, words := m[1], strings.Fields(strings.Join(m[2:], " "))
	verb, numbers := words[0], [3]int{}
	for i, word := range words[1:] {
		numbers[i], _ = strconv.Atoi(word)
	}
	n := numbers[0]
	if tag == "" {
		h.show(line)
	}
	switch verb {
	case "SET", "GET":
		if verb == "SET" {
			if err := h.wires.drive(n, numbers[1] == 1); err != nil {
				return err
			}
		}
		level, out, err := h.wires.read(n)
		if err != nil {
			return err
		}
		return h.answer(tag, n, fmt.Sprintf("level=%d out=%d", bit(level), bit(out)))
	case "WATCH", "EDGES":
		edges, err := h.wires.seen(n, verb == "WATCH")
		if err != nil {
			return err
		}
		return h.answer(tag, n, text(edges))
	}
	go func() {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(numbers[2])*time.Millisecond)
		defer cancel()
		// A machine that is gone needs no answer.
		if verb == "AWAIT" {
			level := h.wires.await(ctx, n, func(level bool, _ []edge) bool { return level == (numbers[1] == 1) })
			_ = h.answer(tag, n, fmt.Sprintf("level=%d", bit(level)))
			return
		}
		h.wires.await(ctx, n, func(_ bool, edges []edge) bool { return len(edges) >= numbers[1] })
		edges, _ := h.wires.seen(n, false)
		_ = h.answer(tag, n, text(edges))
	}()
	return nil
}

// text is how edges are told.
func text(edges []edge) string {
	var words []string
	for _, e := range edges {
		words = append(words, fmt.Sprintf("%d:%d", e.at.Microseconds(), bit(e.high)))
	}
	return strings.Join(words, " ")
}

func (h *host) answer(tag string, line int, text string) error {
	if tag == "" {
		h.show(fmt.Sprintf("@@HOST line %d %s", line, text))
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := fmt.Fprintf(h.guest, "@@ANSWER %s %s\n", tag, text)
	return err
}

// show prints a line. Empty ones only keep the lines of the protocol apart.
func (h *host) show(line string) {
	if line == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	fmt.Fprintln(h.print, line)
}

func bit(high bool) int {
	if high {
		return 1
	}
	return 0
}
