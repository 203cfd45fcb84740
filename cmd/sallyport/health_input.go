package main

import (
	"context"
	"errors"
	"strings"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/inputs/poll"
	"github.com/sallyport/sallyport/inputs/recording"
	"github.com/sallyport/sallyport/viewtron/client"
)

// polledRoom is how many answers of devices wait for the loop; then the devices wait
// to be asked again.
const polledRoom = 1024

// polled takes what a device said when it was asked.
func (a *appliance) polled(eng *engine.Engine, c poll.Change) {
	a.health.taken()
	at := a.now()
	ev := c.Event
	ev.Received = at.Wall
	if ev.Kind == engine.KindCamera {
		a.rec.camera(at, ev.Name, ev.On, !c.News)
		a.decided(0, eng.Apply(at, ev))
		return
	}
	// The device may have been asked before it posted something newer.
	if !ev.Unknown && a.health.postedSince(ev, c.Asked) {
		return
	}
	// What waited while the program stood still opens nothing any more.
	ev.Late = at.Mono-c.At.Sub(a.start) > a.site.Late
	a.rec.alarm(at, ev, !c.News)
	ds := eng.Apply(at, ev)
	cause := int64(0)
	if c.News {
		a.health.alarm(ev)
		cause = a.happened(at, ev)
	}
	a.decided(cause, ds)
}

// alarmEvent is the event of a recording's line of the type alarm.
func alarmEvent(l *recording.Line) *engine.Event {
	return &engine.Event{
		Kind: engine.KindAlarm, Camera: l.Camera, Alarm: &engine.Alarm{Name: l.Name, ID: l.ID, On: l.On}, Unknown: l.Unknown, Late: l.Late,
	}
}

// polledDevice is a device as package poll asks it.
type polledDevice struct{ device *client.Client }

// Alarms gives the alarms that the device names.
func (d polledDevice) Alarms(ctx context.Context) ([]poll.Alarm, bool, error) {
	s, err := d.device.GetAlarmStatus(ctx)
	if err != nil {
		return nil, false, askedOf(err)
	}
	list := make([]poll.Alarm, 0, len(s.States))
	for _, a := range s.States {
		list = append(list, poll.Alarm{Name: a.Name, ID: a.ID, Channel: a.Channel, On: a.On})
	}
	return list, len(s.Problems) == 0, nil
}

// Channels gives the channels whose state the device tells.
func (d polledDevice) Channels(ctx context.Context) ([]poll.Channel, error) {
	channels, err := d.device.GetChannels(ctx)
	if err != nil {
		return nil, askedOf(err)
	}
	var list []poll.Channel
	for _, c := range channels {
		if c.HasOnline {
			list = append(list, poll.Channel{ID: c.ID, Online: c.Online})
		}
	}
	return list, nil
}

// ResetLogin lets calls through again after a refused login, unless another part of the
// program was refused since.
func (d polledDevice) ResetLogin() { d.device.RetryLogin(loginAgain) }

// askedOf is an error of a device in the words of package poll.
func askedOf(err error) error {
	switch {
	case errors.Is(err, client.ErrLoginRefused):
		return kindError{err, poll.ErrLogin}
	case errors.Is(err, client.ErrUnknownCommand):
		return kindError{err, poll.ErrUnknown}
	}
	return err
}

// kindError is an error that is of a kind as well.
type kindError struct {
	error
	kind error
}

// Is says whether it is of the kind.
func (e kindError) Is(target error) bool { return target == e.kind }

// Unwrap is the error itself.
func (e kindError) Unwrap() error { return e.error }

// pollers are one for each device of the site that is to be polled. Cameras with one
// address are one device.
func (a *appliance) pollers(devices map[string]*client.Client) []*poll.Poller {
	var list []*poll.Poller
	seen := make(map[string]bool)
	for _, c := range a.site.Cameras {
		url := strings.ToLower(c.URL)
		if c.Poll <= 0 || devices[c.Name] == nil || seen[url] {
			continue
		}
		seen[url] = true
		cfg := poll.Config{Device: polledDevice{devices[c.Name]}, Every: c.Poll}
		for _, other := range a.site.Cameras {
			if strings.ToLower(other.URL) == url && other.Poll > 0 {
				cfg.Every = min(cfg.Every, other.Poll)
				cfg.Cameras = append(cfg.Cameras, poll.Camera{Name: other.Name, Channel: outputChannel(a.site, other.Name)})
			}
		}
		cfg.OnChange = func(c poll.Change) {
			if a.health.room(a.stopped) {
				a.inbox.put(input{polled: &c})
			}
		}
		cfg.Problem = func(err error) {
			for _, c := range cfg.Cameras {
				a.health.asked(c.Name, err)
			}
		}
		list = append(list, poll.New(cfg))
	}
	return list
}
