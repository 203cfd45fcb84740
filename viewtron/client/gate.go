package client

import (
	"context"
	"sync"
)

// Priority says which of several waiting requests goes first.
type Priority int

// The priorities, least first. A request that is under way is never interrupted,
// but long work is many requests, and the others go in between: what asks for
// the state of a device again and again is Normal and overtakes a
// synchronization, which is Background; a relay's off overtakes both.
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

// gate lets one request through at a time, the most urgent first and in order
// of arrival among equals.
type gate struct {
	mu      sync.Mutex // covers the fields below
	busy    bool
	waiting [3][]chan struct{} // by priority, Background first
}

// enter waits for the turn. When it returns nil, leave must be called.
func (g *gate) enter(ctx context.Context, p Priority) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g.mu.Lock()
	if !g.busy {
		g.busy = true
		g.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	lane := &g.waiting[p-Background]
	*lane = append(*lane, turn)
	g.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	for i, w := range *lane {
		if w == turn {
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
			close(lane[0])
			return
		}
	}
	g.busy = false
}
