package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/inputs/camera"
	"github.com/sallyport/sallyport/inputs/poll"
	"github.com/sallyport/sallyport/journal"
	"github.com/sallyport/sallyport/viewtron/client"
)

const (
	// healthEvery is how often what goes by the time is looked at.
	healthEvery = 5 * time.Second
	// frameTime is how far from a smart event a frame of its target may be, and
	// frameMisses how many events in a row may have none.
	frameTime   = 10 * time.Second
	frameMisses = 3
	// A clock that is off by more than skewBad for skewTime is spoken of, until it is off
	// by less than skewGood.
	skewBad  = 30 * time.Second
	skewGood = 20 * time.Second
	skewTime = time.Minute
	// tamperTime is how long an event of a tampered picture counts.
	tamperTime = 10 * time.Minute
)

// What can be wrong with a camera: the kinds of its problems.
const (
	badOffline = "offline"
	badFrames  = "frames"
	badClock   = "clock"
	badPush    = "push"
	badTamper  = "tamper"
	badLogin   = "login"
	badPolling = "polling"
	badZones   = "zones"
	badPin     = "certificate"
)

// cameraNews is that something is wrong with a camera, or is not any more.
type cameraNews struct {
	at     engine.Instant
	camera string
	kind   string
	// text says it as people do: "is offline: nothing for 3 heartbeats (92 s)".
	text string
	over bool
}

// cameraProblem is what is wrong with a camera now.
type cameraProblem struct {
	kind, text string
	since      time.Time
}

// health knows what is wrong with the cameras. Each problem is told once when it
// begins and once when it is over.
type health struct {
	tell  func(cameraNews) // from any goroutine
	now   func() time.Time // the wall clock that people see
	slots chan struct{}    // room for what devices said

	mu   sync.Mutex // guards what follows
	cams []*cameraHealth
	news []cameraNews // not told yet
	// alarms are when those of cameras that are polled were posted last.
	alarms map[alarmLevel]time.Time
}

// cameraHealth is what is known of one camera.
type cameraHealth struct {
	name     string
	channel  bool // of a recorder, which posts no frames
	polled   bool
	back     chan struct{} // it is there again
	problems []cameraProblem

	framed    bool
	lastFrame time.Duration
	expected  bool // its events name targets, so frames should come
	waits     bool // an event waits for a frame
	event     time.Duration
	missing   int // events in a row without one

	off      bool // its clock is
	offSince time.Duration
	offPosts uint64

	tampered   bool // it posted that it is
	tamperedAt time.Duration
	// Alarms that are on:
	blurred, cast, moved bool
}

// newHealth begins to watch the cameras of a site.
func newHealth(site *config.Site, now func() time.Time, tell func(cameraNews)) *health {
	h := &health{tell: tell, now: now, slots: make(chan struct{}, polledRoom), alarms: make(map[alarmLevel]time.Time)}
	for _, c := range site.Cameras {
		h.cams = append(h.cams, &cameraHealth{
			name: c.Name, channel: outputChannel(site, c.Name) > 0, polled: c.Poll > 0, back: make(chan struct{}, 1),
		})
	}
	return h
}

// of finds a camera; nil when there is none of the name.
func (h *health) of(name string) *cameraHealth {
	for _, c := range h.cams {
		if c.name == name {
			return c
		}
	}
	return nil
}

// room waits for room for one more answer; false when nobody takes any more.
func (h *health) room(stopped <-chan struct{}) bool {
	select {
	case h.slots <- struct{}{}:
		return true
	case <-stopped:
		return false
	}
}

// taken says that an answer was taken.
func (h *health) taken() { <-h.slots }

// unlock gives the lock back, and then tells what is new.
func (h *health) unlock() {
	news := h.news
	h.news = nil
	h.mu.Unlock()
	for _, n := range news {
		h.tell(n)
	}
}

// raise notes a problem, and tells it unless it is known. The lock is held.
func (h *health) raise(c *cameraHealth, kind, text string) {
	for i := range c.problems {
		if c.problems[i].kind == kind {
			c.problems[i].text = text
			return
		}
	}
	c.problems = append(c.problems, cameraProblem{kind, text, h.now()})
	h.news = append(h.news, cameraNews{camera: c.name, kind: kind, text: text})
}

// clear ends a problem, and tells it when there was one. The lock is held.
func (h *health) clear(c *cameraHealth, kind, text string) {
	n := len(c.problems)
	c.problems = slices.DeleteFunc(c.problems, func(p cameraProblem) bool { return p.kind == kind })
	if len(c.problems) < n {
		h.news = append(h.news, cameraNews{camera: c.name, kind: kind, text: text, over: true})
	}
}

// problems gives what is wrong with a camera now, the oldest first, and whether its
// events say that frames should come.
func (h *health) problems(name string) (list []cameraProblem, frames bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.of(name)
	if c == nil {
		return nil, false
	}
	return slices.Clone(c.problems), c.expected
}

// posted takes what a camera posted; received has a monotonic reading.
func (h *health) posted(at time.Duration, received time.Time, ev *engine.Event) {
	h.mu.Lock()
	defer h.unlock()
	c := h.of(ev.Camera)
	if c == nil {
		return
	}
	switch ev.Kind {
	case engine.KindTarget:
		c.framed, c.lastFrame, c.waits, c.missing = true, at, false, 0
		h.clear(c, badFrames, "its frames come")
	case engine.KindIntrusion, engine.KindRegionEntry, engine.KindRegionExit, engine.KindLoitering:
		if c.channel || ev.Device.Channel > 0 || len(ev.Targets) == 0 || ev.Status == engine.StatusStop {
			return
		}
		c.expected = true
		switch {
		case c.framed && at-c.lastFrame <= frameTime:
			c.missing = 0
		case !c.waits:
			c.waits, c.event = true, at
		}
	case engine.KindTamper:
		if ev.Status == engine.StatusStop {
			c.tampered = false
		} else {
			c.tampered, c.tamperedAt = true, at
		}
		h.tamper(c)
	case engine.KindAlarm:
		if ev.Alarm == nil {
			return
		}
		h.alarmLocked(c, ev)
		if k := (alarmLevel{ev.Camera, ev.Alarm.Name, ev.Alarm.ID}); c.polled {
			if _, known := h.alarms[k]; known || len(h.alarms) < maxLevels {
				k.name = strings.Clone(k.name) // it may be a part of the whole post
				h.alarms[k] = received
			}
		}
	}
}

// postedSince says whether an alarm's level was posted since a moment.
func (h *health) postedSince(ev *engine.Event, t time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.alarms[alarmLevel{ev.Camera, ev.Alarm.Name, ev.Alarm.ID}].Before(t)
}

// alarm takes an alarm's level that was asked for.
func (h *health) alarm(ev *engine.Event) {
	h.mu.Lock()
	defer h.unlock()
	if c := h.of(ev.Camera); c != nil && ev.Alarm != nil {
		h.alarmLocked(c, ev)
	}
}

func (h *health) alarmLocked(c *cameraHealth, ev *engine.Event) {
	switch ev.Alarm.Name {
	case "clarity_abnormal":
		c.blurred = ev.Alarm.On
	case "color_abnormal":
		c.cast = ev.Alarm.On
	case "scene_change":
		c.moved = ev.Alarm.On
	default:
		return
	}
	h.tamper(c)
}

// tamper raises or ends what is said of a tampered picture. The lock is held.
func (h *health) tamper(c *cameraHealth) {
	var what []string
	if c.blurred {
		what = append(what, "it is blurred")
	}
	if c.cast {
		what = append(what, "its colours are wrong")
	}
	if c.moved {
		what = append(what, "the scene has changed")
	}
	switch {
	case len(what) > 0:
		h.raise(c, badTamper, "somebody may have tampered with the picture: "+strings.Join(what, ", "))
	case c.tampered:
		h.raise(c, badTamper, "somebody may have tampered with the picture: the camera reports that it was blurred, cast or turned away")
	default:
		h.clear(c, badTamper, "the picture is well again")
	}
}

// presence takes that a camera came or went, as the engine sees it, and gives what is
// new, for the loop to tell at once.
func (h *health) presence(p engine.Presence) []cameraNews {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.of(p.Camera)
	if c == nil {
		return nil
	}
	if p.Online {
		h.clear(c, badOffline, "is online again")
		// Nobody knows how these alarms are now; the camera tells what it finds.
		c.blurred, c.cast, c.moved = false, false, false
		h.tamper(c)
		select {
		case c.back <- struct{}{}:
		default:
		}
	} else {
		h.raise(c, badOffline, silentText(p))
	}
	news := h.news
	h.news = nil
	return news
}

// silentText says why a camera is offline.
func silentText(p engine.Presence) string {
	switch {
	case p.Said:
		return "is offline: its recorder says so"
	case p.First:
		return fmt.Sprintf("is offline: nothing was heard of it since the start (%d s)", int64(p.Silent.Seconds()))
	case p.Interval == 0:
		return fmt.Sprintf("is offline: nothing for %d s", int64(p.Silent.Seconds()))
	}
	return fmt.Sprintf("is offline: nothing for %d heartbeats (%d s)", int64(p.Silent/p.Interval), int64(p.Silent.Seconds()))
}

// asked takes whether a device can be asked: nil when it answers.
func (h *health) asked(name string, err error) {
	h.mu.Lock()
	defer h.unlock()
	c := h.of(name)
	var pin *client.CertificateError
	switch {
	case c == nil:
	case errors.As(err, &pin):
		h.raise(c, badPin, fmt.Sprintf("shows another certificate than it did, so nothing is sent to it (%v)", err))
	case err == nil:
		h.clear(c, badPin, "shows its certificate again")
		h.clear(c, badLogin, "takes the login again")
		h.clear(c, badPolling, "answers again")
	case errors.Is(err, poll.ErrLogin):
		h.raise(c, badLogin, fmt.Sprintf("refuses the login, and is asked again in 10 minutes (%v); look at username and password in the site file", err))
	case errors.Is(err, poll.ErrUnknown):
		h.raise(c, badPolling, fmt.Sprintf("cannot be polled (%v); it has to push, or its firmware is too old", err))
	default:
		h.raise(c, badPolling, fmt.Sprintf("does not answer when it is asked for its alarms, which are unknown now (%v)", err))
	}
}

// refused takes that a device refused the login.
func (h *health) refused(name string, err error) {
	h.mu.Lock()
	defer h.unlock()
	if c := h.of(name); c != nil {
		h.raise(c, badLogin, fmt.Sprintf("refuses the login (%v); look at username and password in the site file", err))
	}
}

// pushes takes whether a camera is set up to post to us.
func (h *health) pushes(name string, ok bool) {
	h.mu.Lock()
	defer h.unlock()
	c := h.of(name)
	switch {
	case c == nil:
	case ok:
		h.clear(c, badPush, "it is set up to post to us again")
	default:
		h.raise(c, badPush, "its push set-up is gone, as after a factory reset, so it does not post to us any more: sallyport camera subscribe "+name)
	}
	if c != nil {
		h.clear(c, badLogin, "takes the login again")
	}
}

// zones takes how a camera's zones differ from the accepted copies; every difference
// that is new is told.
func (h *health) zones(name string, drift []string) {
	h.mu.Lock()
	defer h.unlock()
	c := h.of(name)
	if c == nil {
		return
	}
	if len(drift) == 0 {
		h.clear(c, badZones, "its zones and lines are as they were accepted")
		return
	}
	text := "zones on the camera are not as they were accepted, and rules use the accepted copies: " + strings.Join(drift, "; ")
	for i := range c.problems {
		if p := &c.problems[i]; p.kind == badZones && p.text != text {
			h.news = append(h.news, cameraNews{camera: name, kind: badZones, text: text})
		}
	}
	h.raise(c, badZones, text)
}

// look lets the time pass up to a moment.
func (h *health) look(at time.Duration, stats []camera.CameraStats) {
	h.mu.Lock()
	defer h.unlock()
	for _, c := range h.cams {
		h.lookFrames(c, at)
		if c.tampered && at-c.tamperedAt >= tamperTime {
			c.tampered = false
			h.tamper(c)
		}
		for i := range stats {
			if stats[i].Name == c.name && stats[i].HasSkew {
				h.lookClock(c, at, &stats[i])
			}
		}
	}
}

func (h *health) lookFrames(c *cameraHealth, at time.Duration) {
	if !c.waits || at-c.event <= frameTime {
		return
	}
	c.waits = false
	if c.missing++; c.missing >= frameMisses {
		h.raise(c, badFrames, "its events come, but no frames: tick \"Smart track data\" in the camera's HTTP POST page; some firmware needs a reboot after that")
	}
}

func (h *health) lookClock(c *cameraHealth, at time.Duration, s *camera.CameraStats) {
	switch off := s.Skew.Abs(); {
	case off > skewBad && !c.off:
		c.off, c.offSince, c.offPosts = true, at, s.Posts
	case off < skewGood:
		c.off = false
		h.clear(c, badClock, "its clock is right again")
	case off <= skewBad:
		c.off = false
		if slices.ContainsFunc(c.problems, func(p cameraProblem) bool { return p.kind == badClock }) {
			h.raise(c, badClock, skewText(s.Skew))
		}
	case at-c.offSince >= skewTime && s.Posts > c.offPosts:
		h.raise(c, badClock, skewText(s.Skew))
	}
}

// skewText says how far a camera's clock is off.
func skewText(skew time.Duration) string {
	way := "behind"
	if skew < 0 {
		way = "ahead"
	}
	s := int64(math.Round(skew.Abs().Seconds()))
	amount := fmt.Sprintf("%d s", s)
	switch {
	case s >= 2*86400:
		amount = fmt.Sprintf("%d days", s/86400)
	case s >= 2*3600:
		amount = fmt.Sprintf("%d h %d min", s/3600, s/60%60)
	case s >= 120:
		amount = fmt.Sprintf("%d min %d s", s/60, s%60)
	}
	return "its clock is " + amount + " " + way + ": set NTP in the camera"
}

// watchCameras asks the devices that are to be asked, and looks at what goes by the
// time, until ctx ends.
func (a *appliance) watchCameras(ctx context.Context, devices map[string]*client.Client) {
	var wg sync.WaitGroup
	for _, p := range a.pollers(devices) {
		wg.Go(func() { p.Run(ctx) })
	}
	for _, w := range a.pushWatches(devices) {
		wg.Go(func() { w.run(ctx) })
	}
	wg.Go(func() {
		tick := time.NewTicker(healthEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				a.health.look(a.mono(), a.port.Stats().Cameras)
			}
		}
	})
	wg.Wait()
}

// presence tells that a camera came or went, and gives the id of the journal's entry.
func (a *appliance) presence(p engine.Presence) (id int64) {
	for _, n := range a.health.presence(p) {
		n.at = p.At
		if entry := a.cameraNews(n); id == 0 {
			id = entry
		}
	}
	return id
}

// cameraNews tells what is wrong with a camera, or that it is over, and gives the id of
// the journal's entry.
func (a *appliance) cameraNews(n cameraNews) int64 {
	if n.over {
		a.log.Info("a camera is well again", "camera", n.camera, "now", n.text)
	} else {
		a.log.Warn("a camera is not well", "camera", n.camera, "problem", n.text)
	}
	if a.onCamera != nil {
		a.onCamera(n)
	}
	if a.told == nil {
		return 0
	}
	return a.told.camera(n)
}

// line is what a person reads: the camera, and what is the matter.
func (n cameraNews) line() string {
	switch n.kind {
	case badOffline, badLogin, badPolling, badPin:
		return n.camera + " " + n.text
	}
	return n.camera + ": " + n.text
}

// camera tells what is wrong with a camera, or that it is over, and gives the id of the
// entry.
func (l *journaling) camera(n cameraNews) int64 {
	body := struct {
		Kind    string `json:"kind"`
		Camera  string `json:"camera"`
		Online  *bool  `json:"online,omitempty"`
		Problem string `json:"problem"` // which one
		Over    bool   `json:"over,omitempty"`
		Text    string `json:"text"`
	}{Kind: "camera", Camera: n.camera, Problem: n.kind, Over: n.over, Text: shorten(l.clean(n.text), maxDetail)}
	if n.kind == badOffline {
		body.Online = &n.over
	}
	return l.add(journal.Entry{At: n.at.Wall, Kind: journal.KindEvent, Camera: n.camera}, body)
}

// camera writes what is wrong with a camera, or that it is over.
func (l *printer) camera(n cameraNews) {
	if !l.json {
		l.out.text(fmt.Sprintf("%s  %-10s %s", n.at.Wall.In(l.loc).Format(clockMillis), "camera", printable(n.line())))
		return
	}
	if n.kind == badOffline {
		ev := engine.Event{Kind: engine.KindCamera, Camera: n.camera, Name: n.camera, On: n.over, Received: n.at.Wall}
		l.out.text(string(ev.AppendJSON(nil)))
	}
}
