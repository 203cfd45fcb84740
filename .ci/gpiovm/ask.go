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
//
// What came of it is printed as "@@HOST line 3 …". "@@ASK tag GET 3" is not, but
// answered in the machine by a line "@@ANSWER tag …", so that a test can wait
// until it is done. Package gpio/gpiotest is the other side.
//
// SET and GET answer "level=1 out=0": the wire is high, and the chip does not
// drive it. EDGES answers "12000500:1 12300700:0": microseconds on the host's
// clock and the new level. AWAIT answers "level=1", or "level=0" after the time.

// asks is a line of the protocol.
var asks = regexp.MustCompile(`@@(?:ASK (\S+) )?(SET|GET|WATCH|EDGES|AWAIT) ([0-7])(?: ([01]))?(?: ([0-9]{1,6}))?\s*$`)

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
	tag, verb := m[1], m[2]
	if tag == "" {
		h.show(line)
	}
	n, _ := strconv.Atoi(m[3])
	high := m[4] == "1"
	if (verb == "SET" || verb == "AWAIT") && m[4] == "" {
		return h.answer(tag, n, "no level in "+strconv.Quote(line))
	}
	switch verb {
	case "SET", "GET":
		if verb == "SET" {
			if err := h.wires.drive(n, high); err != nil {
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
		var words []string
		for _, e := range edges {
			words = append(words, fmt.Sprintf("%d:%d", e.at.Microseconds(), bit(e.high)))
		}
		return h.answer(tag, n, strings.Join(words, " "))
	}
	millis, _ := strconv.Atoi(m[5])
	go func() {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(millis)*time.Millisecond)
		defer cancel()
		level := h.wires.await(ctx, n, high)
		_ = h.answer(tag, n, fmt.Sprintf("level=%d", bit(level))) // a machine that is gone needs none
	}()
	return nil
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
