package sim

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// alarmGap is how long an alarm stays off after its hold time while somebody
// is still there; real ones take 5 to 20 s.
const alarmGap = 10 * time.Second

// dwellTime is how long a target stays before it loiters or parks.
const dwellTime = 10 * time.Second

// stage is a scene that is being played.
type stage struct {
	start    time.Time
	original []CameraScene
	parts    []CameraScene // by channel; with new target ids in each round
	round    int
	views    []*view
	frame    int64 // the last one that was taken
	events   uint32
}

// view is what one channel noticed so far.
type view struct {
	script   []planned
	scripted map[string]bool // kinds of events and names of alarms that the scene has
	inside   map[place]time.Time
	told     map[place]bool // who loiters or parks and was reported
	foot     map[uint32]Point
	offSince time.Time // of the perimeter alarm, while somebody is inside
}

// place is a target in a detector's zone.
type place struct {
	detector string
	region   int
	target   uint32
}

// perRound is how much the ids of targets grow from one round of a scene to the
// next: a target that comes back has a new one.
const perRound = 1000

func newStage(start time.Time, parts []CameraScene, round int) *stage {
	s := &stage{start: start, original: parts, round: round, frame: -1}
	for _, p := range parts {
		shift := uint32(round * perRound)
		p.Targets = slices.Clone(p.Targets)
		for i := range p.Targets {
			p.Targets[i].ID = p.Targets[i].id(i) + shift
		}
		p.Events = slices.Clone(p.Events)
		for i := range p.Events {
			if p.Events[i].TargetID != 0 {
				p.Events[i].TargetID += shift
			}
		}
		p.Reads = slices.Clone(p.Reads)
		for i := range p.Reads {
			if p.Reads[i].TargetID != 0 {
				p.Reads[i].TargetID += shift
			}
		}
		v := &view{scripted: map[string]bool{}, inside: map[place]time.Time{}, told: map[place]bool{}, foot: map[uint32]Point{}}
		for i, e := range p.Events {
			v.script = append(v.script, planned{at: time.Duration(e.At), what: event, index: i})
			v.scripted[e.Kind] = true
		}
		for i, r := range p.Reads {
			v.script = append(v.script, planned{at: time.Duration(r.At), what: read, index: i})
		}
		for i, a := range p.Alarms {
			v.script = append(v.script, planned{at: time.Duration(a.At), what: alarm, index: i})
			v.scripted[a.Name] = true
		}
		slices.SortStableFunc(v.script, func(a, b planned) int {
			return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.what, b.what))
		})
		s.parts, s.views = append(s.parts, p), append(s.views, v)
	}
	return s
}

// end is when the last thing of all parts happens.
func (s *stage) end() time.Time {
	var end time.Duration
	for _, p := range s.parts {
		end = max(end, p.End())
	}
	return s.start.Add(end)
}

// skip passes over what nobody sees, because the camera is not there.
func (s *stage) skip(now time.Time) {
	elapsed := now.Sub(s.start)
	for _, v := range s.views {
		for len(v.script) > 0 && v.script[0].at <= elapsed {
			v.script = v.script[1:]
		}
		clear(v.inside)
		clear(v.told)
		clear(v.foot)
	}
}

// advance does what happened until now.
func (s *stage) advance(w *pen) {
	elapsed := w.now.Sub(s.start)
	for i, v := range s.views {
		for len(v.script) > 0 && v.script[0].at <= elapsed {
			item := v.script[0]
			v.script = v.script[1:]
			w.scripted(s, i, item)
		}
	}
	frame := frameAt(elapsed, w.c.opt.Rate)
	if frame <= s.frame {
		return
	}
	s.frame = frame
	for i, v := range s.views {
		targets := s.parts[i].TargetsAt(frameTime(frame, w.c.opt.Rate))
		if len(targets) > 0 {
			w.trajectory(targets)
		}
		v.look(w, s, i, targets)
	}
}

// frameAt is the number of the last frame at a time, and frameTime when it is,
// rounded up so that the one is the other's reverse.
func frameAt(elapsed time.Duration, rate int) int64 {
	return int64(elapsed) * int64(rate) / int64(time.Second)
}

func frameTime(frame int64, rate int) time.Duration {
	return time.Duration((frame*int64(time.Second) + int64(rate) - 1) / int64(rate))
}

// nextAt is when the next thing happens; zero: never.
func (s *stage) nextAt(now time.Time, rate int) time.Time {
	elapsed := now.Sub(s.start)
	next, ok := time.Duration(0), false
	at := func(t time.Duration) {
		if !ok || t < next {
			next, ok = t, true
		}
	}
	for i, v := range s.views {
		if len(v.script) > 0 {
			at(v.script[0].at)
		}
		frame := frameTime(frameAt(elapsed, rate)+1, rate)
		if len(v.foot) > 0 || len(s.parts[i].TargetsAt(frame)) > 0 {
			at(frame)
		} else if arrival, more := s.parts[i].nextArrival(elapsed); more {
			at(frameTime(frameAfter(arrival, rate), rate))
		}
	}
	if !ok {
		return time.Time{}
	}
	return s.start.Add(next)
}

// kindOf says what belongs to a kind of event: the word it is subscribed with,
// the detector, and the alarm.
func kindOf(kind string) (word, detector, alarm string) {
	for _, k := range [...]struct{ kind, word, detector, alarm string }{
		{"intrusion", "PERIMETER", "perimeter", "perimeterAlarm"},
		{"line_crossing", "TRIPWIRE", "tripwire", "tripwireAlarm"},
		{"region_entry", "AOIENTRY", "region_entry", "aoiEntryAlarm"},
		{"region_exit", "AOILEAVE", "region_exit", "aoiLeaveAlarm"},
		{"loitering", "LOITER", "loitering", "loiteringAlarm"},
		{"parking", "PVD", "parking", "pvdAlarm"},
		{"metadata", "VSD", "metadata", ""},
		{"line_count", "PASSLINECOUNT", "line_count", ""},
		{"plate", "", "plate", ""},
	} {
		if k.kind == kind {
			return k.word, k.detector, k.alarm
		}
	}
	if upper := strings.ToUpper(kind); upper != "ALL" && slices.Contains(pushEvents(), upper) {
		return upper, "", ""
	}
	return "", "", ""
}

// alarmOf says what belongs to an alarm: the word it is subscribed with, and
// the detector whose hold time it has.
func alarmOf(name string) (word, detector string) {
	for _, k := range [...]struct{ name, word, detector string }{
		{"perimeterAlarm", "PERIMETER", "perimeter"}, {"tripwireAlarm", "TRIPWIRE", "tripwire"},
		{"aoiEntryAlarm", "AOIENTRY", "region_entry"}, {"aoiLeaveAlarm", "AOILEAVE", "region_exit"},
		{"loiteringAlarm", "LOITER", "loitering"}, {"pvdAlarm", "PVD", "parking"}, {"vfdAlarm", "", "face"},
		{"passlineAlarm", "PASSLINECOUNT", "line_count"}, {"trafficAlarm", "TRAFFIC", ""},
		{"motionAlarm", "MOTION", ""}, {"sensorAlarm", "SENSOR", ""}, {"sensorAlarmIn", "SENSOR", ""},
		{"oscAlarm", "OSC", ""}, {"avdAlarm", "AVD", ""}, {"clarityAbnormal", "AVD", ""}, {"colorAbnormal", "AVD", ""},
		{"sceneChange", "AVD", ""}, {"asdAlarm", "ASD", ""},
	} {
		if k.name == name {
			return k.word, k.detector
		}
	}
	return "", ""
}

// look is the camera's own detection on one frame.
func (v *view) look(w *pen, s *stage, channel int, targets []Target) {
	here := map[uint32]bool{}
	within := false // of a perimeter zone, somebody who was there before
	for _, t := range targets {
		here[t.ID] = true
		foot := Point{(t.Box[0] + t.Box[2]) / 2, t.Box[3]}
		last, moved := v.foot[t.ID]
		v.foot[t.ID] = foot
		for _, d := range w.c.detections {
			if !d.On || !d.looksFor(t.Class) {
				continue
			}
			for i, r := range d.Regions {
				if d.Detector == "plate" || len(r) < 3 {
					continue
				}
				at := place{d.Detector, i, t.ID}
				since, was := v.inside[at]
				is := inPolygon(foot, r)
				switch {
				case is && !was:
					v.inside[at] = w.now
				case !is && was:
					delete(v.inside, at)
					delete(v.told, at)
				}
				e := SmartEvent{TargetID: t.ID, Class: t.Class, Box: t.Box, Status: "start", Zone: r}
				switch d.Detector {
				case "perimeter":
					within = within || is && was
					e.Kind = "intrusion"
					if is && !was {
						v.own(w, s, channel, e)
					}
				case "region_entry":
					// Somebody who appears inside has not come in.
					if e.Kind = "region_entry"; is && !was && moved {
						v.own(w, s, channel, e)
					}
				case "region_exit":
					if e.Kind = "region_exit"; !is && was {
						v.own(w, s, channel, e)
					}
				case "loitering", "parking":
					e.Kind = d.Detector
					if is && was && !v.told[at] && w.now.Sub(since) >= dwellTime && (t.Class == "car") == (d.Detector == "parking") {
						v.told[at] = true
						v.own(w, s, channel, e)
					}
				}
			}
			for _, l := range d.Lines {
				if !moved {
					continue
				}
				crossed, forward := l.crossed(last, foot)
				if !crossed {
					continue
				}
				if d.Detector == "line_count" {
					n := w.c.counts[t.Class]
					if forward == (l.Direction != "leftorbotton") {
						n[0]++
					} else {
						n[1]++
					}
					w.c.counts[t.Class] = n
				} else if l.Direction == "" || l.Direction == "none" || forward == (l.Direction == "rightortop") {
					v.own(w, s, channel, SmartEvent{Kind: "line_crossing", TargetID: t.ID, Class: t.Class, Box: t.Box, Status: "start", Line: []Point{l.From, l.To}})
				}
			}
		}
	}
	for id := range v.foot {
		if !here[id] {
			delete(v.foot, id)
		}
	}
	for at := range v.inside {
		if !here[at.target] {
			delete(v.inside, at)
			delete(v.told, at)
		}
	}
	// The alarm goes off after its hold time though somebody is still there, and comes again.
	key := w.alarmKey("perimeterAlarm", channel)
	switch {
	case !within || v.scripted[key.name] || w.c.alarms[key] != nil:
		v.offSince = time.Time{}
	case v.offSince.IsZero():
		v.offSince = w.now
	case w.now.Sub(v.offSince) >= alarmGap:
		v.offSince = time.Time{}
		w.trigger(key)
	}
}

// own reports an event that the camera found, unless the scene tells that kind itself.
func (v *view) own(w *pen, s *stage, channel int, e SmartEvent) {
	if v.scripted[e.Kind] {
		return
	}
	w.event(s, channel, e)
}

// crossed tells whether a way from a to b crosses the line, and whether it goes
// from left to right or from the bottom to the top (rightortop).
func (l Line) crossed(a, b Point) (crossed, forward bool) {
	side := func(p Point) int {
		return (l.To[0]-l.From[0])*(p[1]-l.From[1]) - (l.To[1]-l.From[1])*(p[0]-l.From[0])
	}
	before, after := side(a), side(b)
	if (before >= 0) == (after >= 0) {
		return false, false
	}
	// The two ends of the line must lie on both sides of the way, too.
	way := func(p Point) int { return (b[0]-a[0])*(p[1]-a[1]) - (b[1]-a[1])*(p[0]-a[0]) }
	if from, to := way(l.From), way(l.To); from > 0 && to > 0 || from < 0 && to < 0 {
		return false, false
	}
	// The line's normal, pointing to the right where it has a right, else up.
	n := Point{l.To[1] - l.From[1], l.From[0] - l.To[0]}
	if abs(n[0]) >= abs(n[1]) && n[0] < 0 || abs(n[0]) < abs(n[1]) && n[1] > 0 {
		n[0], n[1] = -n[0], -n[1]
	}
	return true, (b[0]-a[0])*n[0]+(b[1]-a[1])*n[1] > 0
}

func abs(v int) int { return max(v, -v) }

// inPolygon tells whether a point is in a polygon, by the even-odd rule.
func inPolygon(p Point, poly []Point) bool {
	in := false
	for i, a := range poly {
		b := poly[(i+len(poly)-1)%len(poly)]
		if (a[1] > p[1]) != (b[1] > p[1]) && p[0] < (b[0]-a[0])*(p[1]-a[1])/(b[1]-a[1])+a[0] {
			in = !in
		}
		if onEdge(p, a, b) {
			return true
		}
	}
	return in
}

// onEdge tells whether a point lies between two others.
func onEdge(p, a, b Point) bool {
	return (b[0]-a[0])*(p[1]-a[1]) == (b[1]-a[1])*(p[0]-a[0]) &&
		p[0] >= min(a[0], b[0]) && p[0] <= max(a[0], b[0]) && p[1] >= min(a[1], b[1]) && p[1] <= max(a[1], b[1])
}

// seen gives the part of a channel, and the targets in front of it now. The lock is held.
func (c *Camera) seen(channel int) (CameraScene, []Target) {
	if c.stage == nil || channel > len(c.stage.parts) {
		return CameraScene{}, nil
	}
	part := c.stage.parts[channel-1]
	return part, part.TargetsAt(time.Since(c.stage.start))
}
