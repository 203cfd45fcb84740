package client

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Priority says which of several waiting requests goes first.
type Priority int

// The priorities, least first. A request that is under way is not interrupted, except
// a read that keeps something Urgent waiting for a second. Long work is many requests,
// and the others go in between: what asks for the state of a device again and again is
// Normal and overtakes a synchronization, which is Background; a relay's off overtakes
// both.
const (
	Background Priority = -1 // synchronizing lists
	Normal     Priority = 0  // reading state, also in turns; single edits
	Urgent     Priority = 1  // switching something off
)

type priorityKey struct{}

// WithPriority gives the requests made with ctx a priority; the default is [Normal].
func WithPriority(ctx context.Context, p Priority) context.Context {
	return context.WithValue(ctx, priorityKey{}, p)
}

func priorityOf(ctx context.Context) Priority {
	p, _ := ctx.Value(priorityKey{}).(Priority)
	return min(max(p, Background), Urgent)
}

// patience is how long something Urgent waits for a read that is under way.
const patience = time.Second

// errGivenUp is why a read ended that something Urgent waited for.
var errGivenUp = errors.New("given up, because something had to be switched at once")

// gate lets one request through at a time, the most urgent first and in order
// of arrival among equals.
type gate struct {
	mu      sync.Mutex // covers the fields below
	busy    bool
	giveUp  context.CancelCauseFunc // ends what is under way; nil: that may not be
	waiting [3][]*waiter            // by priority, Background first
}

// waiter waits for its turn.
type waiter struct {
	turn   chan struct{} // closed when it is there
	giveUp context.CancelCauseFunc
}

// enter waits for the turn. When it returns nil, leave must be called. giveUp ends
// the request when something Urgent waits too long for it; nil: nothing may.
func (g *gate) enter(ctx context.Context, p Priority, giveUp context.CancelCauseFunc) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g.mu.Lock()
	if !g.busy {
		g.busy, g.giveUp = true, giveUp
		g.mu.Unlock()
		return nil
	}
	w := &waiter{make(chan struct{}), giveUp}
	lane := &g.waiting[p-Background]
	*lane = append(*lane, w)
	if under := g.giveUp; p == Urgent && under != nil {
		// Who comes next is urgent as well, so this ends nothing else.
		defer time.AfterFunc(patience, func() { under(errGivenUp) }).Stop()
	}
	g.mu.Unlock()
	select {
	case <-w.turn:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	for i, o := range *lane {
		if o == w {
			*lane = append((*lane)[:i], (*lane)[i+1:]...)
			g.mu.Unlock()
			return ctx.Err()
		}
	}
	g.mu.Unlock()
	// The turn was given at the same moment: pass it on.
	g.leave()
	return ctx.Err()
}

// leave gives the turn to the next who waits.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := len(g.waiting) - 1; i >= 0; i-- {
		if lane := g.waiting[i]; len(lane) > 0 {
			g.waiting[i] = lane[1:]
			g.giveUp = lane[0].giveUp
			close(lane[0].turn)
			return
		}
	}
	g.busy, g.giveUp = false, nil
}
