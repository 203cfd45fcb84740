package actions

import (
	"context"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/engine"
)

// Relays moves relays; [relay.Service] does. Begin applies the request without
// waiting; what it gives waits for the line.
type Relays interface {
	Begin(q relay.Request) (wait func(context.Context) relay.Outcome)
}

// NewRelay gives the verb relay. A request is applied inside [Runner.Submit], so
// that relays get theirs in the order the engine decided, over all relays;
// waiting for a slow line happens elsewhere.
func NewRelay(s Relays) Handler {
	begin := func(r engine.Request, recorded <-chan struct{}) func(context.Context) error {
		return beginRelay(s, r, recorded)
	}
	return Handler{
		Verb:   engine.VerbRelay,
		Action: Func(func(ctx context.Context, r engine.Request) error { return begin(r, nil)(ctx) }),
		Lane: func(r engine.Request) string {
			a, _ := r.Args.(engine.RelayArgs)
			return "relay " + a.Relay
		},
		Begin: begin, Queue: relayQueue,
	}
}

// relayQueue is how many steps of one relay may be under way: more than a rule has
// keys, so that of many that follow at one moment none is left out.
const relayQueue = 16 << 10

// RelayRequest is what a relay step asks of its relay.
func RelayRequest(r engine.Request) (relay.Request, error) {
	a, ok := r.Args.(engine.RelayArgs)
	if !ok {
		return relay.Request{}, fmt.Errorf("not the values of a relay step: %T", r.Args)
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
		return relay.Request{}, fmt.Errorf("relay %q: follow without a lease", a.Relay)
	}
	return q, nil
}

// beginRelay asks for a relay and gives what waits for its line.
func beginRelay(s Relays, r engine.Request, recorded <-chan struct{}) func(context.Context) error {
	q, err := RelayRequest(r)
	if err != nil {
		return func(context.Context) error { return NotBegun(err) }
	}
	q.Ready = recorded
	wait := s.Begin(q)
	return func(ctx context.Context) error { return relayError(ctx, wait(ctx)) }
}

// relayError is the outcome of a relay request as an action's error.
func relayError(ctx context.Context, out relay.Outcome) error {
	if out.Unrecorded {
		noteUnrecorded(ctx)
	}
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
