package sim

import (
	"bytes"
	"time"
)

// pen writes the posts of one moment, for each slot in its dialect and with
// what it subscribed to. The camera's lock is held.
type pen struct {
	c       *Camera
	now     time.Time
	targets []pushTarget
	posts   []outPost
}

func (w *pen) post(t pushTarget, kind string, body []byte) {
	if w.c.opt.LongClock {
		body = longClock(body)
	}
	w.posts = append(w.posts, outPost{slot: t.slot, url: t.url, kind: kind, made: w.now, body: body})
}

// clock is the moment on the camera's own clock.
func (w *pen) clock() time.Time { return w.now.Add(w.c.skew).In(w.c.opt.Location) }

// identity is who a post says it is from; channel counts from 0.
func (w *pen) identity(channel int) Identity {
	id := w.c.opt.Identity
	if w.c.opt.Recorder {
		id.Channel = channel + 1
	}
	return id
}

func (w *pen) heartbeat(t pushTarget) {
	if w.c.opt.EmptyHeartbeats {
		w.post(t, "heartbeat", nil)
		return
	}
	f := t.format
	if w.c.opt.API == API21 {
		f = V2 // also where the older push is used
	}
	w.post(t, "heartbeat", AppendHeartbeat(nil, w.c.opt.Identity, f))
}

// trajectory posts the targets of a frame.
func (w *pen) trajectory(targets []Target) {
	if w.c.opt.Recorder || !w.c.tracking || !w.c.setup("perimeter").On {
		return
	}
	var body []byte // the same for all slots
	for _, t := range w.targets {
		if !t.wants("traject", "PERIMETER") {
			continue
		}
		if body == nil {
			body = appendTrajectory(nil, w.identity(0), w.clock(), targets, t.format)
		}
		w.post(t, "target", body)
	}
}

// scripted does what the scene says.
func (w *pen) scripted(s *stage, channel int, item planned) {
	part := s.parts[channel]
	switch item.what {
	case event:
		e := part.Events[item.index].SmartEvent
		part.complete(&e, item.at)
		w.event(s, channel, e)
	case read:
		w.plate(s, channel, part.Reads[item.index].PlateRead)
	case alarm:
		a := part.Alarms[item.index].Alarm
		key := alarmKey{a.Name, max(a.ID, 1)}
		if w.c.opt.Recorder {
			key.id = channel + 1
		}
		if _, detector := alarmOf(a.Name); detector != "" && !w.c.opt.Recorder && a.On && !w.c.setup(detector).On {
			return
		}
		// Without an end in the scene it ends after its hold time.
		until := w.now.Add(w.hold(a.Name))
		for _, later := range s.views[channel].script {
			if later.what == alarm && part.Alarms[later.index].Name == a.Name && !part.Alarms[later.index].On {
				until = time.Time{}
			}
		}
		w.c.setAlarm(key, a.On, until)
	}
}

func (w *pen) hold(name string) time.Duration {
	if _, detector := alarmOf(name); detector != "" {
		return w.c.setup(detector).hold()
	}
	return (&Detection{}).hold()
}

func (w *pen) alarmKey(name string, channel int) alarmKey {
	if w.c.opt.Recorder {
		if name == "tripwireAlarm" {
			name = "perimeterAlarm" // as recorders call both
		}
		return alarmKey{name, channel + 1}
	}
	return alarmKey{name, 1}
}

// trigger begins an alarm. One that is on stays as it is: its hold time is not
// lengthened.
func (w *pen) trigger(k alarmKey) {
	if w.c.alarms[k] == nil {
		w.c.setAlarm(k, true, w.now.Add(w.hold(k.name)))
	}
}

// event posts a smart event and begins its alarm.
func (w *pen) event(s *stage, channel int, e SmartEvent) {
	word, detector, name := kindOf(e.Kind)
	if detector != "" && !w.c.setup(detector).On {
		return
	}
	part := s.parts[channel]
	s.events++
	if e.EventID == 0 {
		e.EventID = s.events
	}
	if name != "" && !s.views[channel].scripted[name] {
		w.trigger(w.alarmKey(name, channel))
	}
	for _, t := range w.targets {
		if !t.wants("smartData", word) {
			continue
		}
		out := e
		out.Format = t.format
		if t.wants("sourceImage", word) {
			out.Scene = part.frame(part.TargetsAt(w.now.Sub(s.start)))
		}
		if t.wants("targetImage", word) {
			out.Crop = part.crop(part.TargetsAt(w.now.Sub(s.start)), e)
		}
		id := w.identity(channel)
		if part.Anonymous && t.format == V1 {
			id = Identity{}
		}
		w.post(t, e.Kind, AppendEvent(nil, id, w.clock(), out))
	}
}

// plate posts a reading; the camera's own lists say what it is.
func (w *pen) plate(s *stage, channel int, r PlateRead) {
	if !w.c.setup("plate").On {
		return
	}
	if r.Confidence == 0 {
		r.Confidence = 99
	}
	if r.Box == (Box{}) {
		r.Box = plateBox()
	}
	part := s.parts[channel]
	entry := w.c.listed(r.Number, w.clock())
	r.List, r.Owner = entry.Group, entry.Owner
	for _, t := range w.targets {
		if !t.wants("smartData", "") {
			continue
		}
		out := r
		out.Format = t.format
		// Pictures of plates over httpPostV2 are unreliable: here they never come.
		// Recorders send them.
		if t.slot == 0 || w.c.opt.Recorder {
			if t.wants("sourceImage", "") {
				out.Scene = part.frame(part.TargetsAt(w.now.Sub(s.start)))
			}
			if t.wants("targetImage", "") {
				out.Crop = part.plate(r.Number)
			}
		}
		id := w.identity(channel)
		if part.Anonymous && t.format == V1 {
			id = Identity{}
		}
		w.post(t, "plate", AppendPlate(nil, id, w.clock(), out))
	}
}

// alarm posts a change of an alarm.
func (w *pen) alarm(a alarmChange) {
	word, _ := alarmOf(a.name)
	id := w.c.opt.Identity
	if w.c.opt.Recorder && a.name != "sensorAlarmIn" {
		id.Channel = a.id
	}
	for _, t := range w.targets {
		if t.wants("alarmStatus", word) {
			w.post(t, "alarm", AppendAlarm(nil, id, w.clock(), Alarm{Name: a.name, ID: a.id, On: a.on, Format: t.format}))
		}
	}
}

// longClock makes 20 digits of a post's currentTime.
func longClock(body []byte) []byte {
	start := bytes.Index(body, []byte("<currentTime"))
	if start < 0 {
		return body
	}
	end := bytes.Index(body[start:], []byte("</currentTime>"))
	if end < 0 {
		return body
	}
	at := start + end
	out := append([]byte(nil), body[:at]...)
	out = append(out, "0000"...)
	return append(out, body[at:]...)
}
