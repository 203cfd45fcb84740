// Package poll asks devices how their alarms stand, for those that cannot push, and
// makes events of what changed: edges from levels.
//
// One [Poller] asks one device, for all the cameras of the site that it is. It hands
// on [Change]s in order. What a device does not answer is unknown, which is not off:
// after [Misses] failures in a row its alarms are forgotten, and the next answer says
// how things stand, as the first one did.
package poll

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sallyport/sallyport/engine"
)

const (
	// MinGap is the least time from the end of one question to the next.
	MinGap = time.Second
	// Misses is how many failures in a row make a device's alarms unknown.
	Misses = 3
	// AliveEvery is how often it is handed on, at most, that a device answers.
	AliveEvery = 20 * time.Second
	// ChannelsEvery is how often a recorder is asked which channels are there.
	ChannelsEvery = 30 * time.Second
	// AgainAfter is how long a device is left alone that refuses the login, or does not
	// know the question. Asked more often, it would lock the account.
	AgainAfter = 10 * time.Minute
)

const (
	maxLevels = 1024 // alarms remembered of one device
	maxName   = 64   // bytes of an alarm's name
)

// What a [Device] says with errors.Is.
var (
	// ErrLogin is the kind of error of a refused login.
	ErrLogin = errors.New("the login is refused")
	// ErrUnknown is the kind of error of a question that the device does not know.
	ErrUnknown = errors.New("the device does not know the question")
)

const (
	offline = "chl_offline" // the alarm of a recorder that lost a channel
	sensor  = "sensor"      // the alarm of a wired input, whose number is no channel
)

// Alarm is one alarm's level as a device gives it.
type Alarm struct {
	Name string // as docs/interface.md has it: motion, perimeter
	ID   int    // the device's rule, input or channel number; 0 = not said
	// Channel is the recorder's channel, from 1; 0 = not said.
	Channel int
	On      bool
}

// Channel is one channel of a recorder.
type Channel struct {
	ID     int
	Online bool
}

// Device is what is asked. Its errors are of the kind [ErrLogin] or [ErrUnknown] where
// that is so. A call ends in bounded time, and soon after its context ends.
type Device interface {
	// Alarms gives all alarms, or those that are on. whole is false when some could not
	// be read: what is not listed is then as it was.
	Alarms(ctx context.Context) (list []Alarm, whole bool, err error)
	// Channels gives the channels whose state the device tells.
	Channels(ctx context.Context) ([]Channel, error)
	// ResetLogin lets calls through again after a refused login.
	ResetLogin()
}

// Camera is a camera of the site that the device is.
type Camera struct {
	Name string
	// Channel is the recorder's channel that it is; 0: the device itself.
	Channel int
}

// Change is one thing that a device's answer says.
type Change struct {
	// Event is of the kind alarm or camera. With Unknown set an alarm's level is not
	// known any more. It is the receiver's.
	Event *engine.Event
	// Asked is when the device was asked and At when it had answered, with a monotonic
	// reading. In between a post may have told something newer.
	Asked, At time.Time
	// News is false for what only says how things stand: that an alarm is off at first,
	// or not known, or that the device still answers.
	News bool
}

// Config says whom a Poller asks.
type Config struct {
	Device  Device
	Cameras []Camera
	// Every is the time from one question to the next. A device that answers slowly is
	// asked less often.
	Every time.Duration
	// OnChange is called for every change, in order, by [Poller.Run]. It must not block
	// for long.
	OnChange func(Change)
	// Problem is told once what keeps the device from being asked, in words, and once
	// with nil that it answers again. May be nil.
	Problem func(err error)
}

// Poller asks one device. See [Poller.Run].
type Poller struct {
	Config
	recorder bool // one of the cameras is a channel

	cams   []state
	levels []*level // in the order first heard of
	byKey  map[key]*level
	turn   int64 // counts answers

	missed   int
	problem  bool // one was told
	mute     bool // the channels cannot be asked for
	deaf     int  // failures of that in a row
	channels time.Time
}

// state is what is known of one camera.
type state struct {
	read  bool // its alarms were read since they were last forgotten
	alive time.Time
	told  bool // away was handed on
	away  bool
	lost  bool // by the recorder's alarm
	down  bool // by the list of channels
}

// key names an alarm of a camera by its number.
type key struct {
	camera int
	name   string
	id     int
}

// level is an alarm's level.
type level struct {
	key
	on, known bool
	turn      int64 // the answer that named it last
	next      bool  // what that said
}

// New makes a Poller. It asks nothing yet.
func New(c Config) *Poller {
	if c.Problem == nil {
		c.Problem = func(error) {}
	}
	p := &Poller{Config: c, cams: make([]state, len(c.Cameras)), byKey: make(map[key]*level)}
	p.recorder = slices.ContainsFunc(c.Cameras, func(c Camera) bool { return c.Channel > 0 })
	return p
}

// Run asks the device until ctx ends.
func (p *Poller) Run(ctx context.Context) {
	p.channels = time.Now()
	for {
		wait := p.alarms(ctx)
		if p.recorder && !p.mute && p.missed == 0 && !time.Now().Before(p.channels) {
			if !rest(ctx, MinGap) {
				return
			}
			p.channels = time.Now().Add(ChannelsEvery)
			p.askChannels(ctx)
		}
		if !rest(ctx, wait) {
			return
		}
	}
}

// rest waits, and says whether ctx is still there then.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return ctx.Err() == nil
	}
}

// alarms asks for the alarms, and says when to ask again.
func (p *Poller) alarms(ctx context.Context) time.Duration {
	asked := time.Now()
	list, whole, err := p.Device.Alarms(ctx)
	at := time.Now()
	took := at.Sub(asked)
	wait := max(MinGap, p.Every-took, took)
	switch {
	case ctx.Err() != nil:
		return wait
	case err == nil:
		p.missed = 0
		p.say(nil)
		p.answer(asked, at, list, whole)
		return wait
	case errors.Is(err, ErrLogin), errors.Is(err, ErrUnknown):
		p.missed = Misses
		p.forget(asked, at)
		p.say(err)
		if !rest(ctx, AgainAfter-MinGap) {
			return wait
		}
		if errors.Is(err, ErrLogin) {
			p.Device.ResetLogin()
		}
		return MinGap
	}
	if p.missed++; p.missed == Misses {
		p.forget(asked, at)
	}
	if p.missed >= Misses {
		p.say(err)
	}
	return wait
}

// say tells a problem, or its end, once.
func (p *Poller) say(err error) {
	if was := p.problem; was != (err != nil) {
		p.problem = !was
		p.Problem(err)
	}
}

// answer takes all alarms that the device names. What a whole answer does not name is off.
func (p *Poller) answer(asked, at time.Time, list []Alarm, whole bool) {
	p.turn++
	for i := range p.cams {
		p.cams[i].lost = p.cams[i].lost && !whole
	}
	for _, a := range list {
		if a.Name == "" || len(a.Name) > maxName {
			continue
		}
		p.route(a)
	}
	p.online(asked, at)
	for _, l := range p.levels {
		c := &p.cams[l.camera]
		if c.away || l.turn != p.turn && !whole {
			continue
		}
		on := l.turn == p.turn && l.next
		switch {
		case !l.known:
			if on && c.read {
				// It was not named by the answer before, so it was off.
				p.alarm(asked, at, l, false, false)
			}
			p.alarm(asked, at, l, on, on)
		case l.on != on:
			p.alarm(asked, at, l, on, true)
		}
		l.known, l.on = true, on
	}
	for i := range p.cams {
		p.cams[i].read = !p.cams[i].away && (whole || p.cams[i].read)
	}
}

// route finds the cameras that an alarm is of. A recorder's alarm is of the channel
// that it names; one of no channel, and one of a channel that no camera is, is of the
// cameras that are the whole device.
func (p *Poller) route(a Alarm) {
	channel := a.Channel
	if channel == 0 && p.recorder && a.Name != sensor {
		channel = a.ID
	}
	found := false
	for i, c := range p.Cameras {
		if channel > 0 && c.Channel == channel {
			found = true
			if a.Name == offline {
				p.cams[i].lost = p.cams[i].lost || a.On
			} else {
				p.note(i, a)
			}
		}
	}
	for i, c := range p.Cameras {
		if !found && c.Channel == 0 {
			p.note(i, a)
		}
	}
}

// note takes what an answer says of a camera's alarm. One that is named twice is on
// when either says so.
func (p *Poller) note(camera int, a Alarm) {
	k := key{camera, a.Name, a.ID}
	l := p.byKey[k]
	if l == nil {
		if len(p.levels) >= maxLevels {
			return
		}
		l = &level{key: k}
		p.byKey[k] = l
		p.levels = append(p.levels, l)
	}
	l.next = a.On || l.turn == p.turn && l.next
	l.turn = p.turn
}

// online hands on which cameras are there.
func (p *Poller) online(asked, at time.Time) {
	for i := range p.cams {
		c := &p.cams[i]
		away := c.lost || c.down
		switch {
		case away && (!c.told || !c.away):
			p.channels = at // the other source says soon whether it sees it too
			c.alive = time.Time{}
			p.camera(asked, at, i, false, true)
			p.drop(i)
		case !away && c.away:
			p.channels = at
			p.camera(asked, at, i, true, true)
			c.alive = at
		case !away && (c.alive.IsZero() || at.Sub(c.alive) >= AliveEvery):
			p.camera(asked, at, i, true, false)
			c.alive = at
		}
		c.told, c.away = true, away
	}
}

// drop forgets a camera's alarms.
func (p *Poller) drop(camera int) {
	p.cams[camera].read = false
	for _, l := range p.levels {
		if l.camera == camera {
			l.known = false
		}
	}
}

// forget makes every alarm unknown: the device does not answer.
func (p *Poller) forget(asked, at time.Time) {
	for _, l := range p.levels {
		if l.known {
			p.OnChange(Change{Event: p.alarmEvent(l, false, true), Asked: asked, At: at})
		}
	}
	for i := range p.cams {
		p.drop(i)
		p.cams[i].told, p.cams[i].alive = false, time.Time{}
	}
}

// askChannels asks which channels are there.
func (p *Poller) askChannels(ctx context.Context) {
	asked := time.Now()
	list, err := p.Device.Channels(ctx)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		p.mute = errors.Is(err, ErrUnknown)
		if p.deaf++; p.mute || p.deaf >= Misses {
			// What is not known any more must keep no camera offline.
			for i := range p.cams {
				p.cams[i].down = false
			}
		}
		return
	}
	p.deaf = 0
	for i, c := range p.Cameras {
		p.cams[i].down = c.Channel > 0 && slices.ContainsFunc(list, func(ch Channel) bool { return ch.ID == c.Channel && !ch.Online })
	}
	p.online(asked, time.Now())
}

func (p *Poller) alarmEvent(l *level, on, unknown bool) *engine.Event {
	return &engine.Event{
		Kind: engine.KindAlarm, Camera: p.Cameras[l.camera].Name, Unknown: unknown,
		Alarm: &engine.Alarm{Name: l.name, ID: l.id, On: on},
	}
}

func (p *Poller) alarm(asked, at time.Time, l *level, on, news bool) {
	p.OnChange(Change{Event: p.alarmEvent(l, on, false), Asked: asked, At: at, News: news})
}

func (p *Poller) camera(asked, at time.Time, camera int, online, news bool) {
	name := p.Cameras[camera].Name
	p.OnChange(Change{Event: &engine.Event{Kind: engine.KindCamera, Camera: name, Name: name, On: online}, Asked: asked, At: at, News: news})
}
