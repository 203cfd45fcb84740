package engine

import (
	"slices"
	"sort"
	"time"

	"github.com/sallyport/sallyport/engine/scene"
)

const (
	// MaxWindow is the longest time that crossings can be counted over.
	MaxWindow = 24 * time.Hour
	// MaxCrossings bounds the crossings remembered of one line; of more, the oldest are forgotten.
	MaxCrossings = 10_000
)

// lineCount is what is counted at one line.
type lineCount struct {
	balance   int64      // ins minus outs since it was set
	crossings []crossing // of the last day, oldest first
	insBefore uint64     // the ins of the crossings that are forgotten
}

// crossing is one crossing of a line.
type crossing struct {
	at  time.Duration // decision clock
	ins uint64        // how many of the crossings so far went in, this one included
}

// ins is how many of all crossings before number i went in.
func (c *lineCount) ins(i int) uint64 {
	if i == 0 {
		return c.insBefore
	}
	return c.crossings[i-1].ins
}

// add counts a crossing.
func (c *lineCount) add(at time.Duration, in bool) {
	drop := c.first(at - MaxWindow)
	if len(c.crossings)-drop >= MaxCrossings {
		drop = len(c.crossings) - MaxCrossings + 1
	}
	if drop > 0 {
		c.insBefore = c.ins(drop)
		c.crossings = slices.Delete(c.crossings, 0, drop)
	}
	x := crossing{at: at, ins: c.ins(len(c.crossings))}
	if in {
		x.ins++
		c.balance++
	} else {
		c.balance--
	}
	c.crossings = append(c.crossings, x)
}

// first is the number of the first crossing after a moment.
func (c *lineCount) first(after time.Duration) int {
	return sort.Search(len(c.crossings), func(i int) bool { return c.crossings[i].at > after })
}

// Crossings counts the crossings of a line in a window that ends now, at most
// [MaxWindow] long; DirectionNone counts both directions.
func (l *Look) Crossings(line LineRef, d scene.Direction, window time.Duration) int {
	c := l.w.counts[l.w.rs.Lines[line].Name]
	i := c.first(l.w.now.Mono - window)
	all := len(c.crossings) - i
	if all == 0 {
		return 0
	}
	l.WakeAt(c.crossings[i].at + window)
	ins := int(c.ins(len(c.crossings)) - c.ins(i))
	switch d {
	case scene.In:
		return ins
	case scene.Out:
		return all - ins
	}
	return all
}

// Balance is the ins minus the outs of a line since it was set by a `count` step.
func (l *Look) Balance(line LineRef) int64 {
	return l.w.counts[l.w.rs.Lines[line].Name].balance
}

// setCount queues a line's new balance as an event of its own.
func (e *Engine) setCount(a CountArgs, c cause) {
	e.queue = append(e.queue, &Event{line: a.Line, balance: int64(a.Set), Received: e.now.Wall, Late: c.late, depth: c.depth + 1})
}

// applyCount stores a line's balance.
func (e *Engine) applyCount(ev *Event) {
	c := e.counts[ev.line]
	if c == nil || c.balance == ev.balance {
		return
	}
	c.balance = ev.balance
	e.altered++
	e.changed |= ReadsCounts
}

// keepCounts makes a count for each line of the set in force. A line keeps its
// count by its name.
func (e *Engine) keepCounts() {
	was := e.counts
	e.counts = make(map[string]*lineCount, len(e.rs.Lines))
	for _, l := range e.rs.Lines {
		c := was[l.Name]
		if c == nil {
			c = &lineCount{}
		}
		e.counts[l.Name] = c
	}
}
