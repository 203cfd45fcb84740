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
	now := e.now.Mono
	if ev.Kind == KindHeartbeat {
		if cam.heard {
			cam.beats[cam.beatN%len(cam.beats)] = now - cam.lastBeat
			cam.beatN++
		}
		cam.lastBeat, cam.heard = now, true
	}
	if ev.Kind != KindTarget {
		cam.scene.Posted(now)
	}
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
	longest := time.Duration(0)
	for _, b := range c.beats {
		longest = max(longest, b)
	}
	return max(leastBeat, beatsMissed*longest)
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
				e.prepare(r, a.event, cam)
				e.level(r, subject{kind: KindAlarm, cam: cam, name: a.key}, Unknown)
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
