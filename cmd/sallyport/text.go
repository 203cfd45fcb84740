package main

import (
	"bytes"
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

// output writes lines without ever holding up the one who has them: when the
// reader is slow, lines are left out and counted.
type output struct {
	lines chan []byte
	done  chan struct{}

	mu   sync.Mutex // guards lost, and sending after close
	lost int
	over bool
}

// maxLines is how many lines wait for a slow reader.
const maxLines = 1024

func newOutput(w io.Writer) *output {
	o := &output{lines: make(chan []byte, maxLines), done: make(chan struct{})}
	go func() {
		defer close(o.done)
		var buf bytes.Buffer
		for line := range o.lines {
			buf.Reset()
			buf.Write(line)
			for more := true; more && buf.Len() < 64<<10; {
				select {
				case l, ok := <-o.lines:
					buf.Write(l)
					more = ok
				default:
					more = false
				}
			}
			if _, err := w.Write(buf.Bytes()); err != nil {
				for range o.lines {
					// Nobody reads any more; the work goes on.
				}
				return
			}
		}
	}()
	return o
}

// line writes one line.
func (o *output) line(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return
	}
	if o.lost > 0 {
		select {
		case o.lines <- fmt.Appendf(nil, "(%d lines left out: the reader was too slow)\n", o.lost):
			o.lost = 0
		default:
			o.lost++
			return
		}
	}
	select {
	case o.lines <- append([]byte(text), '\n'):
	default:
		o.lost++
	}
}

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
