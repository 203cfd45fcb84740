// Package camera asks the devices behind cameras: for a virtual alarm, or for a picture.
package camera

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptrace"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/viewtron/client"
)

// Device is what is asked; [client.Client] is one. Each call is made once, over
// net/http with the context it is given: by that the action sees whether anything
// was sent.
type Device interface {
	TriggerVirtualAlarm(ctx context.Context, id int) error
	GetSnapshot(ctx context.Context, channel int) ([]byte, error)
}

// Camera is a camera whose device can be asked.
type Camera struct {
	Name   string
	Device Device
	// Channel is which of a recorder's channels the camera is; 0 = the device has one.
	Channel int
}

// Config is what the action needs.
type Config struct {
	// Cameras are those that a step may name.
	Cameras []Camera

	// Now is the decision clock, on which requests say until when they may start;
	// nil = a step that waits for its device does not expire.
	Now func() time.Duration
}

// New gives the verb camera. Its steps are tried once. Every camera has a lane of
// its own, one step at a time, which the edits of plate lists do not share.
//
// A device takes one request at a time, so a step may have to wait for what others
// ask of it. Nothing is sent after the step has expired: then it was not begun, with
// [actions.ReasonExpired]. It was not begun either when no connection was made, or
// when the device refused the command by its code. A picture that was taken is in
// the record (see [actions.NotePicture]).
func New(c Config) actions.Handler {
	d := &devices{cameras: slices.Clone(c.Cameras), now: c.Now}
	return actions.Handler{Verb: engine.VerbCamera, Action: d, Lane: lane}
}

type devices struct {
	cameras []Camera
	now     func() time.Duration
}

func lane(r engine.Request) string {
	if a, ok := r.Args.(engine.CameraArgs); ok {
		return "device " + a.Camera
	}
	return "device"
}

// Do asks the device of the camera that the request names.
func (d *devices) Do(ctx context.Context, r engine.Request) error {
	a, ok := r.Args.(engine.CameraArgs)
	if !ok {
		return refuse(fmt.Errorf("not the values of a camera step: %T", r.Args))
	}
	i := slices.IndexFunc(d.cameras, func(c Camera) bool { return c.Name == a.Camera })
	switch {
	case i < 0:
		return refuse(fmt.Errorf("there is no camera %q with a url", a.Camera))
	case a.Snapshot == (a.VirtualAlarm != 0):
		return refuse(errors.New("a camera step asks for a virtual alarm or for a picture"))
	case !a.Snapshot && (a.VirtualAlarm < 1 || a.VirtualAlarm > engine.MaxVirtualAlarm):
		return refuse(fmt.Errorf("%d is not the id of a virtual alarm", a.VirtualAlarm))
	}
	s := &sending{}
	inner, done := d.watch(ctx, r, s)
	defer done()
	err := ask(inner, ctx, &d.cameras[i], a)
	if err == nil {
		return nil
	}
	sent, expired := s.end()
	switch {
	case !sent && expired:
		actions.Note(ctx, fmt.Sprintf("camera %q was busy, or not to be reached, until then", a.Camera))
		return actions.NotBegun(errors.New(actions.ReasonExpired))
	case !sent, refused(err):
		return actions.NotBegun(fmt.Errorf("camera %q: %w", a.Camera, err))
	}
	return fmt.Errorf("camera %q: %w", a.Camera, err)
}

// ask makes the call; what is to be kept of it goes to the step's context.
func ask(ctx, step context.Context, c *Camera, a engine.CameraArgs) error {
	if !a.Snapshot {
		return c.Device.TriggerVirtualAlarm(ctx, a.VirtualAlarm)
	}
	b, err := c.Device.GetSnapshot(ctx, c.Channel)
	if err != nil {
		return err
	}
	actions.NotePicture(step, b)
	actions.Note(step, "a picture of "+strconv.Itoa(len(b))+" bytes")
	return nil
}

// watch ends the call when the step expires before anything was sent.
func (d *devices) watch(ctx context.Context, r engine.Request, s *sending) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	stop := func() bool { return false }
	if d.now != nil && r.Expires != 0 {
		// It may still start at that moment; it is late just after.
		stop = time.AfterFunc(max(r.Expires-d.now(), 0)+time.Millisecond, func() {
			if s.expire() {
				cancel()
			}
		}).Stop
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) {
			if !s.next() {
				cancel()
			}
		},
		GotConn: func(httptrace.GotConnInfo) { s.begin() },
	})
	return ctx, func() { stop(); cancel() }
}

// sending is how far a call came. A device that asks for a login gets it in a second
// exchange: the one before did nothing.
type sending struct {
	mu      sync.Mutex // covers what follows
	sent    bool       // the last exchange was
	expired bool
}

// next notes that an exchange is about to be, and says whether it may.
func (s *sending) next() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = false
	return !s.expired
}

// begin notes that there is a connection, on which something is sent next.
func (s *sending) begin() {
	s.mu.Lock()
	s.sent = true
	s.mu.Unlock()
}

// expire says whether nothing was sent yet, and notes that nothing is to be.
func (s *sending) expire() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expired = true
	return !s.sent
}

func (s *sending) end() (sent, expired bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent, s.expired
}

// refused says that a device answered that it does not do what it was asked. Of an
// answer that says less it is not known.
func refused(err error) bool {
	var answer *client.Error
	if !errors.As(err, &answer) {
		return false
	}
	const internal = 79 // who knows how far it came
	return answer.NotSent || errors.Is(err, client.ErrLoginRefused) || errors.Is(err, client.ErrUnknownCommand) ||
		answer.Code != 0 && answer.Code != internal
}

// refuse marks an error of a step that never can do anything.
func refuse(err error) error { return actions.NotBegun(actions.Permanent(err)) }
