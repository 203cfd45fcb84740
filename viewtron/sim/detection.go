package sim

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Detection is how one detector is set up. Detectors are called perimeter,
// tripwire, region_entry, region_exit, loitering, parking, face, plate,
// line_count, metadata and thermal.
type Detection struct {
	Detector string
	On       bool
	Hold     time.Duration // of its alarm, in whole seconds; 0: 20 s
	// Regions are its zones, at most 4 of at most 8 points, numbered from 1. An
	// empty one keeps its number. That of plate is one rectangle.
	Regions [][]Point
	Lines   []Line   // of tripwire and line_count
	Classes []string // "person", "car", "motor" as far as it looks for them; nil: all
}

// Line is a line of tripwire or line_count.
type Line struct {
	From, To  Point
	Direction string // "none", "rightortop", "leftorbotton", in the devices' spelling; "" is none
}

// Limits of the firmware.
const (
	maxRegions = 4
	maxPoints  = 8
)

// DefaultDetections are those of a camera somebody has set up: everything on
// but face, metadata and thermal, one zone for perimeter, a line across the
// middle for tripwire and line_count.
func DefaultDetections() []Detection {
	return []Detection{
		{Detector: "perimeter", On: true, Regions: [][]Point{{{2000, 3000}, {8000, 3000}, {8000, 10000}, {2000, 10000}}}},
		{Detector: "tripwire", On: true, Lines: []Line{{From: Point{0, 6000}, To: Point{10000, 6000}, Direction: "none"}}},
		{Detector: "region_entry", On: true},
		{Detector: "region_exit", On: true},
		{Detector: "loitering", On: true},
		{Detector: "parking", On: true},
		{Detector: "face"},
		{Detector: "plate", On: true, Regions: [][]Point{{{375, 2866}, {9625, 2866}, {9625, 8800}, {375, 8800}}}},
		{Detector: "line_count", On: true, Lines: []Line{{From: Point{0, 6000}, To: Point{10000, 6000}, Direction: "leftorbotton"}}},
		{Detector: "metadata"},
		{Detector: "thermal"},
	}
}

func cloneDetections(in []Detection) []Detection {
	out := slices.Clone(in)
	for i := range out {
		d := &out[i]
		d.Regions = slices.Clone(d.Regions)
		for j := range d.Regions {
			d.Regions[j] = slices.Clone(d.Regions[j])
		}
		d.Lines, d.Classes = slices.Clone(d.Lines), slices.Clone(d.Classes)
	}
	return out
}

// shape says what a detector's set-up has.
type shape int

const (
	switchOnly shape = iota
	regions
	lines
	rectangle
)

// detector is what the firmware calls a detector.
type detector struct {
	word, command, element, support string
	shape                           shape
}

func detectors() []detector {
	return []detector{
		{"perimeter", "GetSmartPerimeterConfig", "perimeter", "supportPerimeter", regions},
		{"tripwire", "GetSmartTripwireConfig", "tripwire", "supportTripwire", lines},
		{"region_entry", "GetSmartAoiEntryConfig", "aoiEntry", "supportAoiEntry", regions},
		{"region_exit", "GetSmartAoiLeaveConfig", "aoiLeave", "supportAoiLeave", regions},
		{"loitering", "GetSmartLoiteringConfig", "loitering", "supportLoitering", regions},
		{"parking", "GetSmartPvdConfig", "pvd", "supportPvd", regions},
		{"face", "GetSmartVfdConfig", "vfd", "supportVfd", switchOnly},
		{"plate", "GetSmartVehicleConfig", "vehicle", "supportvehicle", rectangle},
		{"line_count", "GetPassLineCountConfig", "passLineCount", "supportPassLineCount", lines},
		{"metadata", "GetSmartVsdConfig", "vsd", "supportVsd", switchOnly},
		{"thermal", "GetMeasureTemperatureConfig", "measureTemperature", "supportThermal", switchOnly},
	}
}

func findDetector(word string) (detector, error) {
	for _, d := range detectors() {
		if d.word == word {
			return d, nil
		}
	}
	return detector{}, fmt.Errorf("there is no detector %q", word)
}

// setup gives the set-up of a detector, made when it has none. The lock is held.
func (c *Camera) setup(word string) *Detection {
	for i := range c.detections {
		if c.detections[i].Detector == word {
			return &c.detections[i]
		}
	}
	c.detections = append(c.detections, Detection{Detector: word})
	return &c.detections[len(c.detections)-1]
}

func (d *Detection) hold() time.Duration {
	if d.Hold <= 0 {
		return 20 * time.Second
	}
	return d.Hold
}

func (d *Detection) looksFor(class string) bool {
	return d.Classes == nil || slices.Contains(d.Classes, class)
}

// Detections gives the set-up of all detectors as it is now.
func (c *Camera) Detections() []Detection {
	c.mu.Lock()
	defer c.mu.Unlock()
	return cloneDetections(c.detections)
}

// SetDetector switches a detector on or off, as a person does in the camera's page.
func (c *Camera) SetDetector(detector string, on bool) error {
	if _, err := findDetector(detector); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.setup(detector).On = on
	c.poke()
	return nil
}

// SetHold sets how long a detector's alarm stays on, in whole seconds.
func (c *Camera) SetHold(detector string, hold time.Duration) error {
	if _, err := findDetector(detector); err != nil {
		return err
	}
	if hold < time.Second || hold > 10*time.Minute {
		return fmt.Errorf("a hold time of %s is not 1s to 10m", hold)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.setup(detector).Hold = hold
	return nil
}

// SetRegion draws a detector's zone, numbered from 1, anew; no points remove
// it and leave its number free. For plate the rectangle around the points counts.
func (c *Camera) SetRegion(detector string, id int, points []Point) error {
	d, err := findDetector(detector)
	most := maxRegions
	switch {
	case err != nil:
		return err
	case d.shape == rectangle:
		most = 1
	case d.shape != regions:
		return fmt.Errorf("%s has no zones", detector)
	}
	if id < 1 || id > most {
		return fmt.Errorf("%s has zones 1 to %d, not %d", detector, most, id)
	}
	if n := len(points); n > maxPoints || n > 0 && n < 3 {
		return fmt.Errorf("a zone has 3 to %d points, not %d", maxPoints, n)
	}
	for _, p := range points {
		if !onFrame(p) {
			return fmt.Errorf("%v is not on the frame (0..10000)", p)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.setup(detector)
	for len(s.Regions) < id {
		s.Regions = append(s.Regions, nil)
	}
	s.Regions[id-1] = slices.Clone(points)
	return nil
}

// SetLine draws a line of tripwire or line_count, numbered from 1, anew. The
// direction is "none", "rightortop" (from left to right, or from the bottom to
// the top) or "leftorbotton" (the reverse).
func (c *Camera) SetLine(detector string, id int, from, to Point, direction string) error {
	d, err := findDetector(detector)
	switch {
	case err != nil:
		return err
	case d.shape != lines:
		return fmt.Errorf("%s has no lines", detector)
	case id < 1 || id > maxRegions:
		return fmt.Errorf("%s has lines 1 to %d, not %d", detector, maxRegions, id)
	case !onFrame(from) || !onFrame(to):
		return errors.New("a line's points are on the frame (0..10000)")
	case !slices.Contains([]string{"none", "rightortop", "leftorbotton"}, direction):
		return fmt.Errorf("direction %q is none of none, rightortop, leftorbotton", direction)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.setup(detector)
	for len(s.Lines) < id {
		s.Lines = append(s.Lines, Line{Direction: "none"})
	}
	s.Lines[id-1] = Line{From: from, To: to, Direction: direction}
	return nil
}

func onFrame(p Point) bool { return p[0] >= 0 && p[0] <= 10000 && p[1] >= 0 && p[1] <= 10000 }

// detection answers a detector's Get…Config.
func (c *Camera) detection(d detector, rest string) reply {
	if _, a, ok := c.channel(rest, 1); !ok {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.setup(d.word)
	w := c.writer()
	if d.shape == lines && w.typed {
		w.types("tripwireDirection", "none", "rightortop", "leftorbotton")
	}
	w.open(d.element)
	w.flag("switch", s.On)
	if d.shape == rectangle {
		w.value("plateSencitivity", "uint8", "49")
		w.word("plateSupportArea", "plateAreaType", "U.S.A")
		w.open("dedupMode")
		w.flag("switch", false)
		w.num("intervalTime", 5)
		w.close("dedupMode")
	} else {
		w.num("alarmHoldTime", int(s.hold()/time.Second))
		w.open("objectFilter")
		for _, class := range [...]string{"car", "person", "motor"} {
			w.open(class)
			w.flag("switch", s.looksFor(class))
			if w.typed {
				w.b = append(w.b, `<sensitivity type="uint32" max="100" min="1" default="50">50</sensitivity>`...)
			} else {
				w.num("sensitivity", 50)
			}
			w.close(class)
		}
		w.close("objectFilter")
	}
	w.flag("saveTargetPicture", false)
	w.flag("saveSourcePicture", false)
	switch d.shape {
	case regions:
		w.list("regionInfo", len(s.Regions), maxRegions)
		for _, r := range s.Regions {
			w.open("item")
			w.list("pointGroup", len(r), maxPoints)
			for _, p := range r {
				w.open("item")
				w.place(p)
				w.close("item")
			}
			w.close("pointGroup")
			w.close("item")
		}
		w.close("regionInfo")
	case lines:
		w.list("lineInfo", len(s.Lines), maxRegions)
		for _, l := range s.Lines {
			w.open("item")
			direction := l.Direction
			if direction == "" {
				direction = "none"
			}
			w.word("direction", "tripwireDirection", direction)
			w.open("startPoint")
			w.place(l.From)
			w.close("startPoint")
			w.open("endPoint")
			w.place(l.To)
			w.close("endPoint")
			w.close("item")
		}
		w.close("lineInfo")
	case rectangle:
		w.list("regionInfo", min(len(s.Regions), 1), 1)
		if len(s.Regions) > 0 && len(s.Regions[0]) > 0 {
			b := bounds(s.Regions[0])
			w.open("item")
			for i, name := range [...]string{"X1", "Y1", "X2", "Y2"} {
				w.num(name, b[i])
			}
			w.close("item")
		}
		w.close("regionInfo")
	}
	w.close(d.element)
	return w.reply()
}

// place writes a point in the set-up of a detector, where coordinates are capitals.
func (w *writer) place(p Point) {
	w.num("X", p[0])
	w.num("Y", p[1])
}

func bounds(points []Point) Box {
	b := Box{points[0][0], points[0][1], points[0][0], points[0][1]}
	for _, p := range points {
		b = Box{min(b[0], p[0]), min(b[1], p[1]), max(b[2], p[0]), max(b[3], p[1])}
	}
	return b
}

// counts are the crossings of the counting lines by class: in the line's
// direction, and against it.
type counts map[string][2]int

func (c *Camera) lineCounts(rest string, _ []byte) reply {
	if _, a, ok := c.channel(rest, 1); !ok {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.writer()
	for i, name := range [...]string{"entranceCount", "exitCount"} {
		w.open(name)
		for _, k := range [...]struct{ element, class string }{{"person", "person"}, {"car", "car"}, {"bike", "motor"}} {
			w.value(k.element, "uint32", strconv.Itoa(c.counts[k.class][i]))
		}
		w.close(name)
	}
	return w.reply()
}
