package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/web"
)

// commandTime is how long after it was given a command may still move a relay: what
// a person asked for comes at once or not at all.
const commandTime = 3 * time.Second

// command moves a relay by hand, under the same limits as a rule.
func (s *source) command(ctx context.Context, c web.Command) (web.Relay, error) {
	if _, ok := s.relay.State(c.Relay); !ok {
		return web.Relay{}, web.NotFoundError(fmt.Sprintf("no relay is called %q", c.Relay))
	}
	q := relay.Request{Relay: c.Relay, Who: c.Who, Expires: s.mono() + commandTime}
	switch {
	case c.Clear:
		q.Verb = relay.Clear
	case c.Set == "on":
		q.Verb = relay.SetOn
	case c.Set == "off":
		q.Verb = relay.SetOff
	default:
		q.Verb, q.Length = relay.Pulse, c.Pulse
	}
	out := s.relay.Do(ctx, q)
	switch {
	case !out.Begun:
		return web.Relay{}, web.RefusedError(fmt.Sprintf("relay %q refuses: %s", c.Relay, out.Reason))
	case out.Err != nil:
		return web.Relay{}, out.Err
	}
	state, _ := s.relay.State(c.Relay)
	return s.webRelay(state), nil
}

// contacts gives the level of every contact.
func (s *source) contacts(context.Context) ([]web.Contact, error) {
	out := []web.Contact{}
	for _, c := range s.contact.States() {
		w := web.Contact{Name: c.Name, Since: web.Time{Time: c.Since.Add(s.shift)}}
		if c.Known {
			w.On = &c.On
		}
		out = append(out, w)
	}
	return out, nil
}

var errNoJournal = errors.New("there is no journal: this program keeps nothing on disk")

// journalPage gives a page of the journal.
func (s *source) journalPage(context.Context, web.JournalQuery) ([]json.RawMessage, string, error) {
	return nil, "", errNoJournal
}

// outbox gives the steps that are kept until they are done.
func (s *source) outbox(context.Context) ([]web.Parcel, error) { return nil, nil }

// cancel gives such a step up.
func (s *source) cancel(_ context.Context, id string) error {
	return web.NotFoundError(fmt.Sprintf("nothing waits under the id %q", id))
}
