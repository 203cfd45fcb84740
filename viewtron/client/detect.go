package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Point is a place in a camera's frame: 0..10000 on each axis, origin top
// left, y down.
type Point struct{ X, Y int }

// A Detector is one of the smart detections a device can do.
type Detector string

// The detectors. Their values are the words of [Detector.Word].
const (
	Perimeter      Detector = "perimeter"
	Tripwire       Detector = "tripwire"
	RegionEntry    Detector = "region_entry"
	RegionExit     Detector = "region_exit"
	Loitering      Detector = "loitering"
	Parking        Detector = "parking"
	Face           Detector = "face"
	PlateDetection Detector = "plate"
	LineCount      Detector = "line_count"
	Metadata       Detector = "metadata"
	Thermal        Detector = "thermal"
)

// Detectors lists all detectors, in the order of the constants.
func Detectors() []Detector {
	return []Detector{Perimeter, Tripwire, RegionEntry, RegionExit, Loitering, Parking, Face, PlateDetection, LineCount, Metadata, Thermal}
}

// Word is the detector's name in words of this package, for example
// region_entry.
func (d Detector) Word() string { return string(d) }

// Command is the name of the command that reads the detector's settings, ""
// for a detector that is none of the constants. Two of them break the pattern:
// the line counter's has no Smart in it, and the thermal one's is a measurement.
func (d Detector) Command() string {
	switch d {
	case Perimeter:
		return "GetSmartPerimeterConfig"
	case Tripwire:
		return "GetSmartTripwireConfig"
	case RegionEntry:
		return "GetSmartAoiEntryConfig"
	case RegionExit:
		return "GetSmartAoiLeaveConfig"
	case Loitering:
		return "GetSmartLoiteringConfig"
	case Parking:
		return "GetSmartPvdConfig"
	case Face:
		return "GetSmartVfdConfig"
	case PlateDetection:
		return "GetSmartVehicleConfig"
	case LineCount:
		return "GetPassLineCountConfig"
	case Metadata:
		return "GetSmartVsdConfig"
	case Thermal:
		return "GetMeasureTemperatureConfig"
	}
	return ""
}

// element is the name of the part of the answer that holds the settings, in
// any case, as far as documents and firmware show it.
func (d Detector) element() string {
	switch d {
	case Perimeter:
		return "perimeter"
	case Tripwire:
		return "tripwire"
	case RegionEntry:
		return "aoiEntry"
	case RegionExit:
		return "aoiLeave"
	case Loitering:
		return "loitering"
	case Parking:
		return "pvd"
	case Face:
		return "vfd"
	case PlateDetection:
		return "vehicle"
	case LineCount:
		return "passLineCount"
	case Metadata:
		return "vsd"
	case Thermal:
		return "TakeTemperature"
	}
	return ""
}

// A Region is one of a detector's areas.
type Region struct {
	ID     int // its place in the device's list, from 1
	Points []Point
}

// A Line is one of a detector's lines.
type Line struct {
	ID       int // its place in the device's list, from 1
	From, To Point
	// Direction is "none" (both ways), "rightortop" (left to right or bottom to
	// top) or "leftorbotton" (the reverse), as the devices spell it; "" when the
	// device gave none of the three.
	Direction string
}

// A Filter says whether a detector looks for a class, and how keenly.
type Filter struct {
	Class       string // "person", "car" or "motor"
	On          bool
	Sensitivity int // 1..100; 0 when the device gave none
}

// A Detection is how a detector of a device is set.
type Detection struct {
	Detector  Detector
	On        bool
	HasSwitch bool          // the device said whether it is on; else On means nothing
	Hold      time.Duration // how long an alarm stays on; 0 when the device gave none
	Regions   []Region      // an empty place of the device's list is left out, the others keep their ID
	Lines     []Line        // as Regions
	Filters   []Filter      // person, car, motor, those the device has
	// Sensitivity is that of the whole detector, 1..100; 0 when it has none.
	Sensitivity int
	Area        string // of plates: where the plates are from, in the device's words
	Dedup       string // of plates: "off", or for how long the same plate is not reported again, such as "5s"
	// Problems names what could not be true and was left out, a line each.
	Problems []string
	Raw      []byte // the answer as the device sent it
}

// Bounds on what a detector's settings may hold.
const (
	maxRegions  = 64
	maxPoints   = 64
	maxProblems = 32
	coordinate  = 10_000
	maxHold     = 24 * 60 * 60 // seconds
)

// GetDetection reads how a detector is set; channel 0 leaves the channel to the
// device. A device without the detector gives [ErrUnknownCommand]. The rectangle
// of plate detection comes as a Region of four corners.
func (c *Client) GetDetection(ctx context.Context, d Detector, channel int) (Detection, error) {
	if d.Command() == "" {
		return Detection{}, fmt.Errorf("%q is not a detector", cut(string(d), 64))
	}
	n, raw, err := c.do(ctx, call{command: d.Command(), path: channelPath(channel)})
	if err != nil {
		return Detection{}, err
	}
	out, err := detection(n, d)
	if err != nil {
		return Detection{}, fmt.Errorf("%s: %w", d.Command(), err)
	}
	out.Raw = raw
	return out, nil
}

// detection reads the settings out of an answer. The element they are in is not
// documented for every detector, so that one of another name is taken when it
// looks like one.
func detection(n *node, d Detector) (Detection, error) {
	out := Detection{Detector: d}
	s, ok := settings(n, d)
	if !ok {
		return out, errors.New("the camera's answer holds no settings")
	}
	out.On, out.HasSwitch = truth(s.kid(switches()...).text)
	if v, ok := number(s.kid("alarmHoldTime", "holdTime").text); ok && v <= maxHold {
		out.Hold = time.Duration(v) * time.Second
	}
	out.Sensitivity = percent(s.kid("plateSencitivity", "plateSensitivity", "sensitivity", "sencitivity").text)
	if area := s.kid("plateSupportArea"); checkText("area", area.text, MaxTextChars) == nil {
		out.Area = area.text
	}
	out.Dedup = dedup(s.kid("dedupMode"))
	for _, class := range []string{"person", "car", "motor"} {
		f := s.kid("objectFilter").kid(class)
		if f.name == "" {
			continue
		}
		on, _ := truth(f.kid("switch").text)
		out.Filters = append(out.Filters, Filter{Class: class, On: on, Sensitivity: percent(f.kid("sensitivity", "sencitivity").text)})
	}
	for i, it := range s.kid("regionInfo", "boundary").items() {
		if i == maxRegions {
			out.problem("more than %d regions", maxRegions)
			break
		}
		points, err := regionPoints(it)
		switch {
		case err != nil:
			out.problem("region %d: %v", i+1, err)
		case points != nil:
			out.Regions = append(out.Regions, Region{ID: i + 1, Points: points})
		}
	}
	for i, it := range s.kid("lineInfo", "line").items() {
		if i == maxRegions {
			out.problem("more than %d lines", maxRegions)
			break
		}
		start, end := it.kid("startPoint"), it.kid("endPoint")
		if len(start.kids) == 0 && len(end.kids) == 0 {
			continue
		}
		from, err := point(start)
		to, err2 := point(end)
		if err := errors.Join(err, err2); err != nil {
			out.problem("line %d: %s", i+1, strings.ReplaceAll(err.Error(), "\n", "; "))
			continue
		}
		if from == to {
			continue
		}
		word := it.kid("direction").text
		way, ok := direction(word)
		if !ok {
			out.problem("line %d: %q is no direction", i+1, cut(word, 40))
		}
		out.Lines = append(out.Lines, Line{ID: i + 1, From: from, To: to, Direction: way})
	}
	return out, nil
}

func (d *Detection) problem(format string, args ...any) {
	if len(d.Problems) < maxProblems {
		d.Problems = append(d.Problems, fmt.Sprintf(format, args...))
	}
}

// switches are the names of a detector's own switch; the thermal one's is spelled
// so.
func switches() []string { return []string{"switch", "takeEanble", "takeEnable"} }

// settings finds the element that holds a detector's settings. Some firmware
// wraps them once more.
func settings(n *node, d Detector) (*node, bool) {
	marks := append(switches(), "regionInfo", "boundary", "lineInfo", "line", "objectFilter")
	isOne := func(k *node) bool { return k.name != "types" && k.kid(marks...).name != "" }
	if k := n.kid(d.element()); k.name != "" {
		if inner := k.kid("param"); inner.name != "" && !isOne(k) {
			return inner, true
		}
		if len(k.kids) > 0 {
			return k, true
		}
	}
	if isOne(n) {
		return n, true
	}
	for _, k := range n.kids {
		if isOne(k) {
			return k, true
		}
	}
	// Further down only by name: a switch in there may be of something else.
	for _, k := range n.kids {
		if inner := k.kid(d.element(), "param"); k.name != "types" && isOne(inner) {
			return inner, true
		}
	}
	return nil, false
}

// regionPoints reads an area: a list of points, or two corners. nil, nil is an
// empty one.
func regionPoints(n *node) ([]Point, error) {
	if n.kid("X1").name != "" {
		a, err := corner(n, "X1", "Y1")
		b, err2 := corner(n, "X2", "Y2")
		if err := errors.Join(err, err2); err != nil {
			return nil, errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		if a == b {
			return nil, nil
		}
		if a.X >= b.X || a.Y >= b.Y {
			return nil, fmt.Errorf("the rectangle %d,%d to %d,%d is inside out", a.X, a.Y, b.X, b.Y)
		}
		return []Point{a, {b.X, a.Y}, b, {a.X, b.Y}}, nil
	}
	items := n.kid("pointGroup", "point").items()
	if len(items) > maxPoints {
		return nil, fmt.Errorf("more than %d points", maxPoints)
	}
	var points []Point
	for _, it := range items {
		p, err := point(it)
		if err != nil {
			return nil, err
		}
		points = append(points, p)
	}
	different := slices.Clone(points)
	slices.SortFunc(different, func(a, b Point) int { return (a.X-b.X)*(2*coordinate) + a.Y - b.Y })
	switch n := len(slices.Compact(different)); {
	case n < 2:
		return nil, nil
	case n == 2:
		return nil, errors.New("two points make no area")
	}
	return points, nil
}

func point(n *node) (Point, error) { return corner(n, "X", "Y") }

// corner reads a point from two elements.
func corner(n *node, x, y string) (Point, error) {
	var p Point
	for _, axis := range []struct {
		name string
		to   *int
	}{{x, &p.X}, {y, &p.Y}} {
		k := n.kid(axis.name)
		v, ok := number(k.text)
		if !ok || v > coordinate {
			return Point{}, fmt.Errorf("%s is %q, not 0 to 10000", axis.name, cut(k.text, 40))
		}
		*axis.to = v
	}
	return p, nil
}

// direction gives the devices' own spelling of a line's direction; false for a
// word that is none of the three. None at all is "" and no mistake.
func direction(word string) (string, bool) {
	switch strings.ToLower(word) {
	case "":
		return "", true
	case "none", "rightortop", "leftorbotton":
		return strings.ToLower(word), true
	case "leftorbottom":
		return "leftorbotton", true
	}
	return "", false
}

func dedup(n *node) string {
	on, ok := truth(n.kid("switch").text)
	switch {
	case !ok:
		return ""
	case !on:
		return "off"
	}
	if v, ok := number(n.kid("intervalTime").text); ok && v <= maxHold {
		return (time.Duration(v) * time.Second).String()
	}
	return "on"
}

// truth reads a switch; ok is false for what is neither on nor off.
func truth(s string) (on, ok bool) {
	switch strings.ToLower(s) {
	case "true", "1", "on":
		return true, true
	case "false", "0", "off":
		return false, true
	}
	return false, false
}

// percent reads a number up to 100, 0 for anything else.
func percent(s string) int {
	if v, ok := number(s); ok && v <= 100 {
		return v
	}
	return 0
}

// A ClassCount counts by class. A class the device does not count is 0.
type ClassCount struct{ Person, Car, Bike int }

// LineCounts is how many crossed the counting line since the count was last
// reset.
type LineCounts struct {
	Entered, Left ClassCount
	Raw           []byte
}

// GetPassLineCountStatistics reads the line counter; channel 0 leaves the
// channel to the device. A count that is no number is an error, not zero.
func (c *Client) GetPassLineCountStatistics(ctx context.Context, channel int) (LineCounts, error) {
	n, raw, err := c.do(ctx, call{command: "GetPassLineCountStatistics", path: channelPath(channel)})
	if err != nil {
		return LineCounts{}, err
	}
	out, err := lineCounts(n)
	if err != nil {
		return LineCounts{}, fmt.Errorf("GetPassLineCountStatistics: %w", err)
	}
	out.Raw = raw
	return out, nil
}

func lineCounts(n *node) (LineCounts, error) {
	if n.kid("entranceCount").name == "" && n.kid("exitCount").name == "" {
		for _, k := range n.kids {
			if k.kid("entranceCount").name != "" || k.kid("exitCount").name != "" {
				n = k
				break
			}
		}
	}
	in, out := n.kid("entranceCount"), n.kid("exitCount")
	if in.name == "" || out.name == "" {
		return LineCounts{}, errors.New("the camera's answer holds no counts")
	}
	entered, err := classCount(in)
	if err != nil {
		return LineCounts{}, err
	}
	left, err := classCount(out)
	return LineCounts{Entered: entered, Left: left}, err
}

func classCount(n *node) (ClassCount, error) {
	var c ClassCount
	for _, class := range []struct {
		name string
		to   *int
	}{{"person", &c.Person}, {"car", &c.Car}, {"bike", &c.Bike}} {
		k := n.kid(class.name)
		if k.name == "" && class.name == "bike" {
			k = n.kid("motor")
		}
		if k.name == "" {
			continue
		}
		v, ok := number(k.text)
		if !ok {
			return ClassCount{}, fmt.Errorf("the camera's %s of %s is %s", n.name, class.name, strconv.Quote(cut(k.text, 40)))
		}
		*class.to = v
	}
	return c, nil
}
