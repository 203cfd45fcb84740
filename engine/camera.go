package engine

import "time"

const (
	// unknownBeat is how long a camera may be silent while its heartbeat interval is not known.
	unknownBeat = 6 * time.Minute
	// leastBeat is the shortest silence that makes a camera offline.
	leastBeat = 60 * time.Second
	// beatsMissed is how many heartbeats may be missed.
	beatsMissed = 3
)

// posted notes that a camera posted: it is online.
func (e *Engine) posted(cam *camera, ev *Event) {
	if cam.away {
		// A recorder goes on to post for a channel that it has lost.
		if ev.Kind == KindHeartbeat || ev.Kind == KindAlarm {
			return
		}
		cam.away = false
	}
	if ev.Kind == KindHeartbeat {
		cam.beat(e.now.Mono)
	}
	if ev.Kind != KindTarget {
		cam.scene.Posted(e.now.Mono)
	}
	e.there(cam)
}

// told takes what was said of a camera otherwise than by its posts: that it answers,
// which counts as a heartbeat, or that it is not there.
func (e *Engine) told(cam *camera, on bool) {
	cam.away = !on
	if !on {
		e.timers.stop(cam.offline)
		e.setOnline(cam, false)
		return
	}
	cam.beat(e.now.Mono)
	e.there(cam)
}

// beat notes a heartbeat, from which the interval between them is known.
func (c *camera) beat(now time.Duration) {
	if c.heard {
		c.beats[c.beatN%len(c.beats)] = now - c.lastBeat
		c.beatN++
	}
	c.lastBeat, c.heard = now, true
}

// there notes that a camera was heard of now.
func (e *Engine) there(cam *camera) {
	now := e.now.Mono
	cam.lastPost = now
	if cam.online != True {
		e.setOnline(cam, true)
	}
	// The timer is put off only when it runs: a post a frame must cost nothing.
	if due := now + cam.silence(); cam.offline.index < 0 || due < cam.offline.at {
		e.timers.set(cam.offline, due)
	}
}

// silence is how long the camera may post nothing before it is offline.
func (c *camera) silence() time.Duration {
	if c.beatN == 0 {
		return unknownBeat
	}
	return max(leastBeat, beatsMissed*c.interval())
}

// interval is the longest of the last intervals between heartbeats; 0 = none is known.
func (c *camera) interval() time.Duration {
	longest := time.Duration(0)
	for _, b := range c.beats {
		longest = max(longest, b)
	}
	return longest
}

// cameraOffline runs when a camera may have been silent for too long.
func (e *Engine) cameraOffline(cam *camera) {
	if due := cam.lastPost + cam.silence(); due > e.now.Mono {
		e.timers.set(cam.offline, due)
		return
	}
	e.setOnline(cam, false)
}

// setOnline notes whether a camera posts. The first value is no event.
func (e *Engine) setOnline(cam *camera, on bool) {
	was := cam.online
	if was == TruthOf(on) {
		return
	}
	cam.online = TruthOf(on)
	e.changed |= ReadsCameras
	if e.opts.Presence != nil {
		e.opts.Presence(e.presence(cam, was == Unknown))
	}
	if on && was == False {
		cam.settled = e.now.Mono + e.opts.Tracking.Timeout
	}
	if !on {
		// The next heartbeat does not tell the interval.
		cam.heard = false
		// Nobody knows what its alarms are now.
		for _, a := range cam.alarms {
			a.on = Unknown
		}
		for _, r := range e.byKind[KindAlarm] {
			for _, a := range cam.alarms {
				e.alarmLost(r, cam, a)
			}
		}
	}
	s := subject{kind: KindCamera, cam: cam, quiet: was == Unknown}
	ev := e.eventOf(s)
	for _, r := range e.byKind[KindCamera] {
		if !r.named(cam.name) {
			continue
		}
		e.prepare(r, ev, cam)
		e.lookAt(r, s)
	}
}

// Presence is that a camera came or went.
type Presence struct {
	At     Instant
	Camera string
	Online bool
	First  bool // nothing was known before
	// Silent is how long nothing was heard of it, and Interval the longest of its last
	// heartbeat intervals; 0 = not known. Said is set when it was said to be offline.
	Silent, Interval time.Duration
	Said             bool
}

func (e *Engine) presence(cam *camera, first bool) Presence {
	p := Presence{At: e.now, Camera: cam.name, Online: cam.online == True, First: first, Said: cam.away}
	if !p.Online {
		p.Silent = e.now.Mono - cam.lastPost
		p.Interval = cam.interval()
	}
	return p
}

// alarmLost ends what holds in a rule because of an alarm whose level is not known any more.
func (e *Engine) alarmLost(r *ruleState, cam *camera, a *alarm) {
	e.prepare(r, a.event, cam)
	e.level(r, subject{kind: KindAlarm, cam: cam, name: a.key}, Unknown)
}
