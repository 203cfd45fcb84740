package sim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// Show begins a scene in front of the camera, now, instead of the one that is
// there. A camera takes the part of its name, or the only one; a recorder takes
// all parts as its channels. The scene's plates are put on the camera's lists.
// An empty scene is nothing to see.
func (c *Camera) Show(s Scene) error {
	var parts []CameraScene
	if len(s.Cameras) > 0 {
		if err := s.Check(); err != nil {
			return err
		}
		part, ok := s.Camera(c.opt.Name)
		switch {
		case c.opt.Recorder && len(s.Cameras) > c.opt.Channels:
			return fmt.Errorf("the scene has %d cameras, the recorder %d channels", len(s.Cameras), c.opt.Channels)
		case c.opt.Recorder:
			parts = s.Cameras
		case ok:
			parts = []CameraScene{part}
		case len(s.Cameras) == 1:
			parts = s.Cameras
		default:
			return fmt.Errorf("the scene has no camera %q", c.opt.Name)
		}
	}
	for _, part := range parts {
		for _, p := range part.Plates {
			if err := c.Put(p); err != nil {
				return err
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stage = newStage(time.Now(), parts, 0)
	c.poke()
	return nil
}

// Run lives the life of a camera in front of a scene until ctx ends, and then
// gives nil: it detects, keeps its alarms' hold times and counts, and posts to
// the slots of its push configuration, whenever that is set, what they
// subscribed to. Nothing is posted before. When the scene is over the camera
// goes on (see Options.Loop, [Camera.Show]).
//
// Trajectories also need Options.SmartTrack, and are sent while somebody is in
// the picture and the perimeter detection is on. Smart events are those of the
// scene; of a kind of which the scene has none, the camera makes its own from
// its zones and lines. The same holds for alarms, which follow the events. A
// detector that is off sends nothing of its kind. A post that gets no answer is
// lost; see [Camera.Stats].
func (c *Camera) Run(ctx context.Context, s Scene) error {
	if err := c.Show(s); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	var senders [1 + maxSlots]chan outPost // V1, then the slots by their id
	for i := range senders {
		senders[i] = make(chan outPost, 128)
		wg.Go(func() { c.deliver(ctx, i, senders[i]) })
	}
	var beats beats
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-c.wake:
		case <-ctx.Done():
			return nil
		}
		posts, next := c.step(time.Now(), &beats)
		for _, p := range posts {
			select {
			case senders[p.slot] <- p:
			default: // as a camera whose receiver does not keep up
				c.count(func(s *Stats) {
					if p.kind == "target" {
						s.Late++
					} else {
						s.Failed++
					}
				})
			}
		}
		timer.Reset(max(time.Until(next), 0))
	}
}

// outPost is a post on its way.
type outPost struct {
	slot int // 0: V1
	url  string
	kind string
	made time.Time
	body []byte
}

// deliver sends the posts of one slot, one after the other.
func (c *Camera) deliver(ctx context.Context, slot int, queue <-chan outPost) {
	rt := c.opt.Transport
	if rt == nil {
		t := &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			MaxConnsPerHost:     1,
			MaxIdleConnsPerHost: 1,
		}
		if c.opt.Recorder {
			// Recorders close each connection and write the whole URL in the request line.
			t.DisableKeepAlives = true
			t.Proxy = func(r *http.Request) (*url.URL, error) {
				if r.URL.Scheme == "http" {
					return &url.URL{Scheme: "http", Host: r.URL.Host}, nil
				}
				return nil, nil
			}
		}
		defer t.CloseIdleConnections()
		rt = t
	}
	hc := &http.Client{Transport: rt, Timeout: 5 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for {
		select {
		case p := <-queue:
			if p.kind == "target" && time.Since(p.made) > time.Second {
				c.count(func(s *Stats) { s.Late++ })
				continue
			}
			if !c.wanted(slot, p.url) {
				continue // taken out of the configuration meanwhile
			}
			status, err := send(ctx, hc, p)
			if ctx.Err() != nil {
				return
			}
			c.count(func(s *Stats) {
				if err != nil {
					s.Failed++
					s.LastError = err
				} else {
					s.Sent++
				}
			})
			c.tell(Activity{Post: p.kind, URL: p.url, Status: status, Err: err})
		case <-ctx.Done():
			return
		}
	}
}

func send(ctx context.Context, hc *http.Client, p outPost) (int, error) {
	// The transport may read the body after Do has returned.
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(bytes.Clone(p.body)))
	if err != nil {
		return 0, err
	}
	if len(p.body) > 0 {
		req.Header.Set("Content-Type", "application/xml")
	}
	resp, err := hc.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)); err != nil {
		return resp.StatusCode, err
	}
	if resp.StatusCode != http.StatusOK {
		return resp.StatusCode, fmt.Errorf("%s was answered %s", p.kind, resp.Status)
	}
	return resp.StatusCode, nil
}

// wanted tells whether a slot still posts to a URL.
func (c *Camera) wanted(slot int, to string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.targets(), func(t pushTarget) bool { return t.slot == slot && t.url == to })
}

// pushTarget is a slot that is on, of either push.
type pushTarget struct {
	slot         int
	url          string
	format       Format
	heartbeat    bool
	interval     time.Duration
	data, events []string
}

// targets gives the slots that are on. The lock is held.
func (c *Camera) targets() []pushTarget {
	var out []pushTarget
	if v := c.push.V1; v.On {
		out = append(out, pushTarget{
			slot: 0, url: v.url(), format: V1, heartbeat: true, interval: v.Interval,
			data: []string{"alarmStatus", "smartData", "sourceImage", "targetImage"}, events: []string{"ALL"},
		})
	}
	format := V2
	if c.opt.API == API19 {
		format = V1
	}
	for _, s := range c.push.Slots {
		if s.On {
			out = append(out, pushTarget{slot: s.ID, url: s.url(), format: format, heartbeat: s.Heartbeat, interval: s.Interval, data: s.Data, events: s.Events})
		}
	}
	return out
}

// wants tells whether a slot subscribed to a kind of data of an event. An event
// without a word of its own comes with ALL only.
func (t pushTarget) wants(data, event string) bool {
	return slices.Contains(t.data, data) && (slices.Contains(t.events, "ALL") || event != "" && slices.Contains(t.events, event))
}

// beats is when each slot's next heartbeat is due.
type beats struct {
	url  [1 + maxSlots]string
	next [1 + maxSlots]time.Time
}

// step does what is due, and tells when to come again.
func (c *Camera) step(now time.Time, b *beats) (posts []outPost, next time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next = now.Add(time.Hour)
	at := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	if now.Before(c.down) {
		*b = beats{} // a heartbeat follows at once when it is up again
		if c.stage != nil {
			c.stage.skip(now)
		}
		return nil, c.down
	}
	w := &pen{c: c, now: now, targets: c.targets()}
	c.expire(now)
	for _, t := range w.targets {
		if b.url[t.slot] != t.url {
			b.url[t.slot], b.next[t.slot] = t.url, now
		}
		if !t.heartbeat {
			continue
		}
		if due := b.next[t.slot]; !now.Before(due) {
			w.heartbeat(t)
			b.next[t.slot] = now.Add(t.interval)
		}
		at(b.next[t.slot])
	}
	if s := c.stage; s != nil {
		s.advance(w)
		at(s.nextAt(now, c.opt.Rate))
		if end := s.end(); c.opt.Loop > 0 && len(s.parts) > 0 {
			if !now.Before(end.Add(c.opt.Loop)) {
				c.stage = newStage(now, s.original, s.round+1)
				c.stage.events = s.events
				at(now)
			} else {
				at(end.Add(c.opt.Loop))
			}
		}
	}
	changed := c.changed
	c.changed = nil
	for _, a := range changed {
		w.alarm(a)
	}
	at(c.nextExpiry())
	for slot := range b.url {
		if !slices.ContainsFunc(w.targets, func(t pushTarget) bool { return t.slot == slot }) {
			b.url[slot] = ""
		}
	}
	return w.posts, next
}
