package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/actions"
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
	left := commandTime
	if c.Set != "off" { // that is never too late, nor once too often
		var err error
		if left, err = s.presses.check(c.Press, s.runID(), s.instant(time.Now()).Wall); err != nil {
			return web.Relay{}, web.RefusedError(fmt.Sprintf("relay %q refuses: %s", c.Relay, err))
		}
	}
	q := relay.Request{Relay: c.Relay, Who: c.Who, Expires: s.mono() + left}
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
	what := q.Verb.String()
	if q.Verb == relay.Pulse {
		what += " " + q.Length.String()
	}
	s.rec.command(s.instant(time.Now()), c.Who, c.Relay, what)
	if s.told != nil {
		s.told.command(s.instant(time.Now()).Wall, c.Who, c.Relay, what, out)
	}
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

// outbox gives the steps that are kept until they are done.
func (s *source) outbox(context.Context) ([]web.Parcel, error) {
	out := []web.Parcel{}
	for _, p := range s.runner.Outbox() {
		out = append(out, web.Parcel{
			ID: p.ID, To: p.Lane, Rule: p.Rule, Key: p.Key, Step: p.Step, Created: web.Time{Time: p.Created}, Due: web.Time{Time: p.Due},
			Expires: web.Time{Time: p.Expires}, Tries: p.Tries, Next: web.Time{Time: p.Next}, Reason: p.Reason,
		})
	}
	return out, nil
}

// cancel gives such a step up.
func (s *source) cancel(_ context.Context, id, who string) error {
	err := s.runner.Cancel(id)
	if s.told != nil && (err == nil || errors.Is(err, actions.ErrUnderWay)) {
		s.told.cancelled(s.instant(time.Now()).Wall, who, id)
	}
	switch {
	case errors.Is(err, actions.ErrNoParcel):
		return web.NotFoundError(fmt.Sprintf("nothing waits under the id %q", id))
	case errors.Is(err, actions.ErrUnderWay):
		return web.RefusedError(err.Error())
	default:
		return err
	}
}

// status is how the memory on disk is.
func (d *disk) status() (*web.JournalStatus, *web.RecordingStatus) {
	js, rs := d.journal.Stats(), d.rec.segments.Stats()
	j := &web.JournalStatus{Written: uint64(js.Written), Dropped: uint64(js.Dropped), Waiting: js.Waiting, Bytes: js.Size, Error: js.Problem}
	if h := d.journal.Head(); h.ID > 0 {
		j.Head = &web.Head{ID: h.ID, Hash: h.Hash, At: web.Time{Time: h.At}}
	}
	size, err := d.rec.segments.Size()
	r := &web.RecordingStatus{Written: uint64(rs.Lines - rs.Lost), Dropped: uint64(rs.Lost), Bytes: size, Error: rs.Err}
	if err != nil && r.Error == "" {
		r.Error = err.Error()
	}
	return j, r
}
