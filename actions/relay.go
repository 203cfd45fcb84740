package actions

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/engine"
)

// Relays moves relays; [relay.Service] does. Do applies the request before it
// asks ctx.Done for the first time, and only waits after that.
type Relays interface {
	Do(ctx context.Context, q relay.Request) relay.Outcome
}

// NewRelay gives the verb relay. A request is applied inside [Runner.Submit], so
// that relays get theirs in the order the engine decided, over all relays;
// waiting for a slow line happens elsewhere.
func NewRelay(s Relays) Handler {
	return Handler{
		Verb: engine.VerbRelay,
		Action: Func(func(ctx context.Context, r engine.Request) error {
			return askRelay(ctx, s, r)
		}),
		Lane: func(r engine.Request) string {
			a, _ := r.Args.(engine.RelayArgs)
			return "relay " + a.Relay
		},
		AtOnce: true,
	}
}

func askRelay(ctx context.Context, s Relays, r engine.Request) error {
	a, ok := r.Args.(engine.RelayArgs)
	if !ok {
		return NotBegun(fmt.Errorf("not the values of a relay step: %T", r.Args))
	}
	q := relay.Request{
		Relay: a.Relay, Length: a.Pulse, Rule: r.Firing.Rule.Name, Key: r.Firing.Key,
		Visit: r.Firing.Visit, Repeat: r.Firing.Rule.Repeat, Expires: r.Expires,
	}
	switch {
	case r.Lease && r.LeaseOn:
		q.Verb = relay.LeaseStart
	case r.Lease:
		q.Verb = relay.LeaseEnd
	case a.Op == engine.RelayPulse:
		q.Verb = relay.Pulse
	case a.Op == engine.RelayOn:
		q.Verb = relay.SetOn
	case a.Op == engine.RelayOff:
		q.Verb = relay.SetOff
	case a.Op == engine.RelayToggle:
		q.Verb = relay.Toggle
	default:
		return NotBegun(fmt.Errorf("relay %q: follow without a lease", a.Relay))
	}
	out := s.Do(&handing{Context: ctx}, q)
	switch {
	case out.Err != nil && !out.Begun:
		return NotBegun(out.Err)
	case out.Err != nil:
		return out.Err
	case !out.Begun:
		return NotBegun(errors.New(out.Reason))
	}
	Note(ctx, out.Reason)
	return nil
}

// handing is a context that tells the runner when somebody begins to wait for
// its end: the request has been applied then.
type handing struct {
	context.Context
	once sync.Once
}

// Done notes that the request is applied.
func (h *handing) Done() <-chan struct{} {
	h.once.Do(func() { Started(h.Context) })
	return h.Context.Done()
}
