package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/engine"
)

// clockMillis is a time of day as lines begin with it.
const clockMillis = "15:04:05.000"

// decisionText is a decision in one line for people: the time, what, where, why.
func decisionText(d *engine.Decision, loc *time.Location) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %-10s ", d.At.Wall.In(loc).Format(clockMillis), d.Type)
	target := ""
	if d.HasTarget {
		target = d.Camera + "/" + strconv.FormatUint(d.Target, 10)
	}
	switch d.Type {
	case engine.DecisionEnter:
		fmt.Fprintf(&b, "%s enters %s", target, d.Zone)
	case engine.DecisionLeave:
		fmt.Fprintf(&b, "%s leaves %s after %s (%s)", target, d.Zone, tenths(d.Dwell), d.Reason)
	case engine.DecisionCross:
		fmt.Fprintf(&b, "%s crosses %s, %s", target, d.Line, d.Direction)
	case engine.DecisionVanish:
		fmt.Fprintf(&b, "%s is gone", target)
	case engine.DecisionPlate:
		fmt.Fprintf(&b, "%s reads %q", d.Camera, d.Key)
		if d.Reason != "" {
			fmt.Fprintf(&b, " (%s)", d.Reason)
		}
	default:
		if d.Rule != nil {
			fmt.Fprintf(&b, "%q", d.Rule.Name)
		} else {
			b.WriteString(d.Camera)
		}
		if d.Key != "" {
			fmt.Fprintf(&b, " for %s", printable(d.Key))
		}
		if d.Step != "" {
			fmt.Fprintf(&b, ": %s", printable(d.Step))
		}
		if d.Reason != "" {
			fmt.Fprintf(&b, " (%s)", printable(d.Reason))
		}
	}
	return b.String()
}

func tenths(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// printable keeps a terminal from being written to by what came from outside.
func printable(s string) string {
	q := strconv.Quote(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

// output writes lines without ever holding up the one who has them: they are
// made and written elsewhere, and when the reader is slow they are left out and
// counted.
type output struct {
	lines chan func([]byte) []byte
	done  chan struct{}

	mu   sync.Mutex // guards lost, and sending after close
	lost int
	over bool
}

// maxLines is how many lines wait for a slow reader.
const maxLines = 1024

func newOutput(w io.Writer) *output {
	o := &output{lines: make(chan func([]byte) []byte, maxLines), done: make(chan struct{})}
	go func() {
		defer close(o.done)
		var buf []byte
		for line := range o.lines {
			buf = append(line(buf[:0]), '\n')
			for more := true; more && len(buf) < 64<<10; {
				select {
				case line, ok := <-o.lines:
					if more = ok; ok {
						buf = append(line(buf), '\n')
					}
				default:
					more = false
				}
			}
			if _, err := w.Write(buf); err != nil {
				for range o.lines {
					// Nobody reads any more; the work goes on.
				}
				return
			}
		}
	}()
	return o
}

// line writes one line, which add appends to what it is given.
func (o *output) line(add func([]byte) []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return
	}
	if lost := o.lost; lost > 0 {
		select {
		case o.lines <- func(b []byte) []byte { return fmt.Appendf(b, "(%d lines left out: the reader was too slow)", lost) }:
			o.lost = 0
		default:
			o.lost++
			return
		}
	}
	select {
	case o.lines <- add:
	default:
		o.lost++
	}
}

// Write takes lines from a logger. They never wait for a reader.
func (o *output) Write(b []byte) (int, error) {
	o.text(strings.TrimSuffix(string(b), "\n"))
	return len(b), nil
}

// text writes one line.
func (o *output) text(s string) { o.line(func(b []byte) []byte { return append(b, s...) }) }

// close writes what is left and ends, at the latest when a slow reader had a second.
func (o *output) close() {
	o.mu.Lock()
	o.over = true
	close(o.lines)
	o.mu.Unlock()
	select {
	case <-o.done:
	case <-time.After(time.Second):
	}
}
