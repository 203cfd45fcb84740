package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Duration is a time.Duration that is written as text ("1.5s") in JSON.
type Duration time.Duration

// MarshalText writes d as time.Duration does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads a duration such as "800ms" or "1m30s".
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is not a duration (try \"2s\")", b)
	}
	*d = Duration(v)
	return nil
}

// Scene is what happens in front of some cameras. All times count from its start.
type Scene struct {
	Cameras []CameraScene `json:"cameras"`
}

// CameraScene is what one camera sees and sends.
type CameraScene struct {
	Identity
	Heartbeat Duration     `json:"heartbeat,omitempty"` // interval; 0 = none
	Length    Duration     `json:"length,omitempty"`    // heartbeats go on so long; 0 = until the last thing happened
	Anonymous bool         `json:"anonymous,omitempty"` // v1 smart events carry no identity, as on most firmware
	Plates    []ListEntry  `json:"plates,omitempty"`    // on the camera's own lists at the start
	Targets   []Track      `json:"targets,omitempty"`
	Reads     []TimedRead  `json:"reads,omitempty"`
	Events    []TimedEvent `json:"events,omitempty"`
	Alarms    []TimedAlarm `json:"alarms,omitempty"`
	// Painter makes the pictures of posts and snapshots; nil: [Picture] and [Crop] do.
	Painter Painter `json:"-"`
}

// Track is one walker or car: it appears at From, makes its moves and is gone.
type Track struct {
	ID    uint32   `json:"id,omitempty"` // 0: 100 and the position in the list
	Class string   `json:"class"`        // "person", "car", "motor"
	At    Duration `json:"at,omitempty"`
	From  Point    `json:"from"`           // foot point: middle of the lower edge of the box
	Size  Point    `json:"size,omitempty"` // width and height; 0: of the class, see [Size]
	Moves []Move   `json:"moves,omitempty"`
}

// Move is one leg of a track: either to a foot point over a time, or a stay.
type Move struct {
	To   *Point   `json:"to,omitempty"`
	Over Duration `json:"over,omitempty"`
	Stay Duration `json:"stay,omitempty"`
}

// TimedRead is a plate read at a time. Its list is decided by the camera's own
// lists when it is sent; a confidence of 0 is sent as 99.
type TimedRead struct {
	At Duration `json:"at"`
	PlateRead
}

// TimedEvent is a smart event at a time. Without a box it has that of the
// track with its target's id at that time, without a class that track's.
type TimedEvent struct {
	At Duration `json:"at"`
	SmartEvent
}

// TimedAlarm is an alarm that goes on or off at a time.
type TimedAlarm struct {
	At Duration `json:"at"`
	Alarm
}

// Size gives the box size of a class in frame units: person 700 by 2200, car
// 2400 by 1600, motor 1000 by 1500 (anything else as person).
func Size(class string) Point {
	switch class {
	case "car":
		return Point{2400, 1600}
	case "motor":
		return Point{1000, 1500}
	}
	return Point{700, 2200}
}

// FootBox gives the box of a size whose lower edge has its middle at foot, cut
// off at the frame.
func FootBox(foot, size Point) Box {
	clip := func(v int) int { return min(max(v, 0), 10000) }
	return Box{clip(foot[0] - size[0]/2), clip(foot[1] - size[1]), clip(foot[0] - size[0]/2 + size[0]), clip(foot[1])}
}

// End is when the track is last seen.
func (t Track) End() time.Duration {
	end := t.At
	for _, m := range t.Moves {
		end += m.Over + m.Stay
	}
	return time.Duration(end)
}

// BoxAt gives the track's box at a time since the start of the scene, and false
// when it is not in the picture then.
func (t Track) BoxAt(at time.Duration) (Box, bool) {
	if at < time.Duration(t.At) || at > t.End() {
		return Box{}, false
	}
	at -= time.Duration(t.At)
	foot := t.From
	for _, m := range t.Moves {
		if m.To != nil {
			if over := time.Duration(m.Over); at < over {
				for i := range foot {
					foot[i] += int(int64(m.To[i]-foot[i]) * int64(at) / int64(over))
				}
				at = 0
				break
			} else {
				foot, at = *m.To, at-over
			}
		}
		if stay := time.Duration(m.Stay); at < stay {
			break
		} else {
			at -= stay
		}
	}
	size := t.Size
	if size == (Point{}) {
		size = Size(t.Class)
	}
	return FootBox(foot, size), true
}

// LoadScene reads a scene file (JSON) and checks it.
func LoadScene(r io.Reader) (Scene, error) {
	const limit = 4 << 20
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return Scene{}, fmt.Errorf("scene file: %w", err)
	}
	if len(b) > limit {
		return Scene{}, fmt.Errorf("scene file is larger than %d bytes", limit)
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	var s Scene
	if err := d.Decode(&s); err != nil {
		return Scene{}, fmt.Errorf("scene file: %w", err)
	}
	if d.More() {
		return Scene{}, errors.New("scene file: something follows after the scene")
	}
	return s, s.Check()
}

// UnmarshalJSON reads [x, y] and refuses any other number of values.
func (p *Point) UnmarshalJSON(b []byte) error {
	var v []int
	if err := json.Unmarshal(b, &v); err != nil || len(v) != 2 {
		return fmt.Errorf("%s is not a point (try [5000, 9000])", b)
	}
	*p = Point{v[0], v[1]}
	return nil
}

// UnmarshalJSON reads [x1, y1, x2, y2] and refuses any other number of values.
func (b *Box) UnmarshalJSON(in []byte) error {
	var v []int
	if err := json.Unmarshal(in, &v); err != nil || len(v) != 4 {
		return fmt.Errorf("%s is not a box (try [1000, 2000, 3000, 4000])", in)
	}
	*b = Box{v[0], v[1], v[2], v[3]}
	return nil
}

// Check reports everything that is wrong with a scene.
func (s Scene) Check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("scene: "+format, args...)) }
	if len(s.Cameras) == 0 || len(s.Cameras) > 64 {
		bad("%d cameras; there must be 1 to 64", len(s.Cameras))
	}
	const day = Duration(24 * time.Hour)
	frame := func(p Point) bool { return p[0] >= 0 && p[0] <= 10000 && p[1] >= 0 && p[1] <= 10000 }
	seen := map[string]bool{}
	for _, c := range s.Cameras {
		if c.Name == "" || seen[c.Name] {
			bad("camera name %q is empty or used twice", c.Name)
		}
		seen[c.Name] = true
		if c.Heartbeat < 0 || c.Heartbeat > 0 && c.Heartbeat < Duration(time.Second) {
			bad("camera %q: heartbeat %s is shorter than 1s", c.Name, time.Duration(c.Heartbeat))
		}
		if c.Length < 0 || c.Length > day {
			bad("camera %q: length must be 0s to 24h", c.Name)
		}
		if n := len(c.Targets) + len(c.Reads) + len(c.Events) + len(c.Alarms); n > 10_000 {
			bad("camera %q has %d things to do; 10000 is the most", c.Name, n)
		}
		for i, t := range c.Targets {
			where := fmt.Sprintf("camera %q: target %d", c.Name, i+1)
			if !slices.Contains([]string{"person", "car", "motor"}, t.Class) {
				bad("%s: class %q is none of person, car, motor", where, t.Class)
			}
			if !frame(t.From) {
				bad("%s: from %v is not on the frame (0..10000)", where, t.From)
			}
			if t.Size != (Point{}) && (!frame(t.Size) || t.Size[0] == 0 || t.Size[1] == 0) {
				bad("%s: size %v is not 1..10000", where, t.Size)
			}
			end := t.At
			for j, m := range t.Moves {
				if m.To != nil && (!frame(*m.To) || m.Over <= 0 || m.Over > day) {
					bad("%s: move %d needs a point on the frame and a time over which it goes there", where, j+1)
				}
				if m.To == nil && m.Over != 0 || m.Stay < 0 || m.Stay > day {
					bad("%s: move %d is neither a way nor a stay", where, j+1)
				}
				end = min(max(end+m.Over+m.Stay, 0), 2*day)
			}
			if t.At < 0 || end > day {
				bad("%s: it must begin and end within 24h", where)
			}
		}
		at := func(what string, i int, d Duration) {
			if d < 0 || d > day {
				bad("camera %q: %s %d is not within 24h", c.Name, what, i+1)
			}
		}
		for i, r := range c.Reads {
			at("read", i, r.At)
			if r.Number == "" || len(r.Number) > 1024 {
				bad("camera %q: read %d has no plate number, or one that is too long", c.Name, i+1)
			}
			if r.Confidence < 0 || r.Confidence > 100 {
				bad("camera %q: read %d: confidence %d is not 0..100", c.Name, i+1, r.Confidence)
			}
		}
		for i, e := range c.Events {
			at("event", i, e.At)
			if e.Kind == "" {
				bad("camera %q: event %d has no kind", c.Name, i+1)
			}
			if n := len(e.Line); n != 0 && n != 2 {
				bad("camera %q: event %d: a line has two points", c.Name, i+1)
			}
		}
		for i, a := range c.Alarms {
			at("alarm", i, a.At)
			if !isName(a.Name) {
				bad("camera %q: alarm %d: %q is not an alarm's element name (try \"perimeterAlarm\")", c.Name, i+1, a.Name)
			}
		}
	}
	return errors.Join(errs...)
}

// Camera gives the part of the scene of the camera with this name.
func (s Scene) Camera(name string) (CameraScene, bool) {
	for _, c := range s.Cameras {
		if c.Name == name {
			return c, true
		}
	}
	return CameraScene{}, false
}

// End is when the last thing happens.
func (c CameraScene) End() time.Duration {
	end := time.Duration(c.Length)
	for _, t := range c.Targets {
		end = max(end, t.End())
	}
	for _, r := range c.Reads {
		end = max(end, time.Duration(r.At))
	}
	for _, e := range c.Events {
		end = max(end, time.Duration(e.At))
	}
	for _, a := range c.Alarms {
		end = max(end, time.Duration(a.At))
	}
	return end
}

// TargetsAt gives the targets in the picture at a time, in the order of the scene.
func (c CameraScene) TargetsAt(at time.Duration) []Target {
	var out []Target
	for i, t := range c.Targets {
		if b, ok := t.BoxAt(at); ok {
			out = append(out, Target{ID: t.id(i), Class: t.Class, Box: b})
		}
	}
	return out
}

func (t Track) id(i int) uint32 {
	if t.ID != 0 {
		return t.ID
	}
	return uint32(100 + i)
}
