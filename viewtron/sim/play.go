package sim

import (
	"context"
	"fmt"
	"iter"
	"net"
	"net/http"
	"slices"
	"time"
)

// DefaultRate is how many trajectory posts a second a camera sends.
const DefaultRate = 7

// Post is one post of a scene.
type Post struct {
	At   time.Duration // since the start of the scene
	Kind string        // "heartbeat", "target", "intrusion" and the other event kinds, "plate", "alarm"
	Body []byte        // valid until the next one is asked for
}

// Lists tells on which list a plate is at a time, in the word of
// vehicleListType; "" when on none, or no longer valid.
type Lists func(number string, at time.Time) string

// Posts gives the posts of a camera's scene in order of time, each built when
// it is asked for. Trajectories are sent rate times a second (0: DefaultRate)
// on one grid that begins with the scene, all targets of a moment in one post.
// start is the moment the scene began, on the camera's clock.
func (c CameraScene) Posts(start time.Time, rate int, lists Lists) iter.Seq[Post] {
	if rate <= 0 {
		rate = DefaultRate
	}
	return func(yield func(Post) bool) {
		var buf []byte
		for _, s := range c.plan() {
			switch s.what {
			case frames:
				for k := frameAfter(s.at, rate); ; k++ {
					at := time.Duration(k * int64(time.Second) / int64(rate))
					if at > s.until {
						break
					}
					targets := c.TargetsAt(at)
					if len(targets) == 0 {
						next, ok := c.nextArrival(at)
						if !ok {
							break
						}
						k = max(k, frameAfter(next, rate)-1)
						continue
					}
					buf = AppendTrajectory(buf[:0], c.Identity, start.Add(at), targets)
					if !yield(Post{At: at, Kind: "target", Body: buf}) {
						return
					}
				}
			default:
				var kind string
				buf, kind = c.build(buf[:0], s, start.Add(s.at), lists)
				if !yield(Post{At: s.at, Kind: kind, Body: buf}) {
					return
				}
			}
		}
	}
}

// frameAfter is the number of the first frame at or after a time.
func frameAfter(at time.Duration, rate int) int64 {
	return (int64(at)*int64(rate) + int64(time.Second) - 1) / int64(time.Second)
}

// nextArrival is when the next target appears, if one does.
func (c CameraScene) nextArrival(after time.Duration) (time.Duration, bool) {
	next, ok := time.Duration(0), false
	for _, t := range c.Targets {
		if at := time.Duration(t.At); at > after && (!ok || at < next) {
			next, ok = at, true
		}
	}
	return next, ok
}

type what int

// In the order in which things of one moment are sent.
const (
	heartbeat what = iota
	frames         // all trajectory posts from at to until
	event
	read
	alarm
)

type planned struct {
	at, until time.Duration
	what      what
	index     int
}

// plan puts everything but the frames in order and fills the times between
// with frames.
func (c CameraScene) plan() []planned {
	var fixed []planned
	if end := c.End(); c.Heartbeat > 0 {
		for at := time.Duration(0); at <= end; at += time.Duration(c.Heartbeat) {
			fixed = append(fixed, planned{at: at, what: heartbeat})
		}
	}
	for i, e := range c.Events {
		fixed = append(fixed, planned{at: time.Duration(e.At), what: event, index: i})
	}
	for i, r := range c.Reads {
		fixed = append(fixed, planned{at: time.Duration(r.At), what: read, index: i})
	}
	for i, a := range c.Alarms {
		fixed = append(fixed, planned{at: time.Duration(a.At), what: alarm, index: i})
	}
	slices.SortStableFunc(fixed, func(a, b planned) int {
		if a.at != b.at {
			return int(min(max(a.at-b.at, -1), 1))
		}
		return int(a.what - b.what)
	})
	var out []planned
	from, end := time.Duration(0), time.Duration(0)
	for _, t := range c.Targets {
		end = max(end, t.End())
	}
	for _, f := range fixed {
		until := f.at
		if f.what == heartbeat {
			until-- // a heartbeat goes before the frame of its moment
		}
		if until >= from && until >= 0 {
			out = append(out, planned{at: from, until: until, what: frames})
			from = until + 1
		}
		out = append(out, f)
	}
	return append(out, planned{at: from, until: end, what: frames})
}

// plateBox is where a plate stands that a scene gives no place.
func plateBox() Box { return Box{4600, 6800, 5300, 7200} }

// complete gives an event of a target its class and box at a time.
func (c CameraScene) complete(e *SmartEvent, at time.Duration) {
	for i, t := range c.Targets {
		if t.id(i) != e.TargetID {
			continue
		}
		if e.Class == "" {
			e.Class = t.Class
		}
		if b, ok := t.BoxAt(at); ok && e.Box == (Box{}) {
			e.Box = b
		}
	}
}

// build makes the body of anything but a frame.
func (c CameraScene) build(dst []byte, p planned, at time.Time, lists Lists) (body []byte, kind string) {
	switch p.what {
	case event:
		e := c.Events[p.index].SmartEvent
		c.complete(&e, p.at)
		if e.EventID == 0 {
			e.EventID = uint32(1 + p.index)
		}
		targets := c.TargetsAt(p.at)
		e.Scene, e.Crop = c.frame(targets), c.crop(targets, e)
		id := c.Identity
		if c.Anonymous && e.Format != V2 {
			id = Identity{}
		}
		return AppendEvent(dst, id, at, e), e.Kind
	case read:
		r := c.Reads[p.index].PlateRead
		if r.Confidence == 0 {
			r.Confidence = 99
		}
		if r.Box == (Box{}) {
			r.Box = plateBox()
		}
		if lists != nil {
			r.List = lists(r.Number, at)
		}
		r.Scene, r.Crop = c.frame(c.TargetsAt(p.at)), c.plate(r.Number)
		id := c.Identity
		if c.Anonymous {
			id = Identity{}
		}
		return AppendPlate(dst, id, at, r), "plate"
	case alarm:
		return AppendAlarm(dst, c.Identity, at, c.Alarms[p.index].Alarm), "alarm"
	}
	return AppendHeartbeat(dst, c.Identity, V1), "heartbeat"
}

// Play plays the camera's part of a scene to a URL at the pace of a camera,
// over one kept connection, and returns when it is over or ctx ends. Like a
// camera it drops a post that gets no answer and goes on; how many, says
// [Camera.Stats]. The scene's plates are put on the camera's lists first.
func (c *Camera) Play(ctx context.Context, s Scene, url string) error {
	rt := c.opt.Transport
	if rt == nil {
		t := &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			MaxConnsPerHost:     1,
			MaxIdleConnsPerHost: 1,
		}
		defer t.CloseIdleConnections()
		rt = t
	}
	hc := &http.Client{Transport: rt, Timeout: 5 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return c.PlayTo(ctx, s, func(ctx context.Context, p Post) error {
		_, err := send(ctx, hc, outPost{url: url, kind: p.Kind, body: p.Body})
		return err
	})
}

// PlayTo plays the camera's part of a scene into a function, one post after
// the other. A trajectory that is over a second behind its time is left out.
func (c *Camera) PlayTo(ctx context.Context, s Scene, send func(context.Context, Post) error) error {
	part, ok := s.Camera(c.opt.Name)
	if !ok {
		return fmt.Errorf("the scene has no camera %q", c.opt.Name)
	}
	if err := s.Check(); err != nil {
		return err
	}
	for _, p := range part.Plates {
		if err := c.Put(p); err != nil {
			return err
		}
	}
	part.Identity = c.opt.Identity
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	c.mu.Lock()
	c.stage = newStage(start, []CameraScene{part}, 0) // for its pictures
	c.mu.Unlock()
	for p := range part.Posts(start.In(c.opt.Location), c.opt.Rate, c.ListOf) {
		if wait := p.At - time.Since(start); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		} else if p.Kind == "target" && wait < -time.Second {
			c.count(func(s *Stats) { s.Late++ })
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		err := send(ctx, p)
		c.count(func(s *Stats) {
			if err != nil {
				s.Failed++
				s.LastError = err
			} else {
				s.Sent++
			}
		})
	}
	return ctx.Err()
}
