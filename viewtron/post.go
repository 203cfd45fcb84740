package viewtron

import "time"

// Limits of one post. A post beyond MaxDepth, MaxTargets, MaxPoints, MaxAlarms,
// MaxTag, MaxCount or MaxLength is refused; so is one with more than 129 pictures
// or with more than a megabyte of text that has to be copied (because it holds
// references, say). Beyond the other limits only the part is left out and named
// in [Post.Problems].
const (
	MaxDepth    = 64       // elements inside one another
	MaxTargets  = 64       // targets, plates or faces of one post, each
	MaxPoints   = 64       // points of one polygon
	MaxAlarms   = 256      // alarm states of one post
	MaxTag      = 4096     // bytes of one tag with its attributes
	MaxCount    = 10_000   // a list's count="…", whatever the list really holds
	MaxLength   = 64 << 20 // a picture's declared length, bytes
	MaxText     = 4096     // bytes of one text field
	MaxValues   = 64       // numbers in [Post.Values]
	MaxProblems = 32       // entries of [Post.Problems]
)

// Coordinate is the largest coordinate on either axis of the frame (protocol
// notes 1.2).
const Coordinate = 10_000

// Kind says what a post is about (protocol notes 1, the smartType table).
type Kind uint8

// The kinds. KindOther is what is in none of the tables, a plate event without
// a plate number, and a "PEA" event that shows neither a perimeter nor a
// tripwire; [Post.Raw] then says what the device called it.
const (
	KindOther Kind = iota
	KindHeartbeat
	KindAlarm
	KindTarget // a trajectory: where the tracked targets are now
	KindIntrusion
	KindLineCrossing
	KindPlate
	KindFace
	KindFaceMatch
	KindMetadata
	KindRegionEntry
	KindRegionExit
	KindLoitering
	KindParking
	KindLineCount
	KindAreaCount
	KindMotion
	KindSensor
	KindObject
	KindTamper
	KindAudio
	KindCrowd
	KindTemperature
	KindFire
)

// Dialect says which of the two forms a post was read as (protocol notes 1).
// The mixed form (version 2.x, no messageType, a v1 smartType) is DialectV1.
type Dialect uint8

// The dialects. DialectNone is an empty heartbeat.
const (
	DialectNone Dialect = iota
	DialectV1
	DialectV2
)

// Status is the state of a smart event as the device names it. SMART_NONE and
// words that are not known are StatusNone.
type Status uint8

// The states.
const (
	StatusNone Status = iota
	StatusStart
	StatusStop
	StatusProcedure
)

// Class is what a target is.
type Class uint8

// The classes. The numbers 1, 2 and 4 of v1 are person, car and motor; bike and
// motorcycle are motor.
const (
	ClassUnknown Class = iota
	ClassPerson
	ClassCar
	ClassMotor
)

// Heading is the way a vehicle goes, seen from the camera.
type Heading uint8

// The headings. The devices' "leave" and "away" are both HeadingAway.
const (
	HeadingUnknown Heading = iota
	HeadingApproach
	HeadingAway
)

// Point is a place on the frame, 0..10000 on each axis.
type Point struct{ X, Y int32 }

// Box is a rectangle on the frame, 0..10000 on each axis, X1 <= X2 and Y1 <= Y2.
// The zero Box, with Known false, is no position: none was sent, it was all
// zeros, it could not be true, or it was in pixels of a picture of unknown size.
type Box struct {
	X1, Y1, X2, Y2 int32
	Known          bool
}

// Uint is a number that may not have been sent.
type Uint struct {
	V     uint64
	Known bool
}

// Device is who a post says it is from. v1 smart events often say nothing at
// all. Absent fields are nil.
type Device struct {
	Name    []byte
	MAC     []byte // lower case with colons: 58:5b:69:5f:42:1b
	SN      []byte
	IP      []byte // as the device writes it; not checked
	Channel Uint   // an NVR's channel
}

// Target is one person or vehicle of a post. The parts a post gives in several
// lists are merged by ID; where two lists differ, the last counts.
type Target struct {
	ID    Uint
	Class Class
	Box   Box
	Image Image // the target's own picture, if any
}

// Plate is one licence plate. Text fields are nil when not sent or sent empty,
// but for Owner, which is empty (not nil) when it was sent empty. The text is
// whatever somebody painted on a car or typed into a recorder: data, never to
// be trusted.
type Plate struct {
	Number []byte // never empty
	// List is the list the device found the plate on: allow, block, temporary,
	// stranger, or the name of an NVR's own group. Nil when the device names
	// none, which it also does for an expired entry.
	List  []byte
	Group []byte // the same in the device's own word: whiteList, …
	Owner []byte
	// Confidence is 0..100 percent, in steps of 0.01, when HasConfidence.
	Confidence    float64
	HasConfidence bool
	Heading       Heading
	Color         []byte // of the plate
	Vehicle       Vehicle
	Box           Box   // of the plate, not of the vehicle
	Target        Uint  // the ID of the Target it belongs to
	Image         Image // the plate's own picture, if any
}

// Vehicle is what a plate event says about the car. Absent fields are nil.
type Vehicle struct{ Type, Color, Brand, Model []byte }

// Face is one face, in the device's own words. Absent fields are nil; a device
// may also send the word "unknown".
type Face struct {
	Age, Sex, Glasses, Mask []byte
	Match                   []byte // the name it was matched to
	Target                  Uint   // the ID of the Target it belongs to
}

// Alarm is one alarm input or detector going on or off. A post can hold several.
type Alarm struct {
	// Name is the element's name without Alarm, in lower snake case, its
	// spelling mended: vehiceAlarm is vehicle, sensorAlarmIn is sensor,
	// clarityAbnormal is clarity_abnormal.
	Name []byte
	ID   Uint
	On   bool
}

// Value is a number under the device's own element name, such as
// enterPersonCount. Where the element is only called person, car, bike or the
// like, the name of the element around it comes first: entranceCount.person.
type Value struct {
	Name   []byte
	Number float64
}

// Image is a picture still in base64, in its place in the body. The zero Image
// is none.
type Image struct {
	Text   []byte // base64 as sent, may hold line breaks; nil when there is none
	Offset int    // of Text in the body
}

// Post is one decoded post. All text and all pictures in it are parts of the
// body given to [Decode] or of a buffer inside the Post: they are good until the
// body is written to or the Post is decoded into again, whichever is first.
// Keep a copy (or an interned string) of what has to live longer, and do not
// write to them.
//
// Text is valid UTF-8 without control characters but tab, line feed and
// carriage return, without blanks around it, and at most MaxText bytes: bytes
// that are not UTF-8 and characters XML forbids have become U+FFFD, longer text
// is left out and named in Problems.
type Post struct {
	Kind    Kind
	Dialect Dialect
	// Raw is smartType as sent; for posts without one messageType, or the name
	// of the root element; nil for an empty body, alarm status and trajectories
	// that have no messageType.
	Raw    []byte
	Device Device

	Time        time.Time // currentTime, in UTC; zero when unknown
	DeviceClock time.Time // dataTime, a wall clock without a zone, given as if UTC; zero when unknown

	EventID Uint   // of the first item that has one
	Status  Status // of the first item that has one

	Targets []Target // in the order they first appear
	Zone    []Point  // the first polygon of the post, 3 to MaxPoints points; empty when unknown
	Line    [2]Point // from, to, when HasLine
	HasLine bool
	Plates  []Plate // usually one
	Faces   []Face
	Alarms  []Alarm
	// Values are the numbers of counting, temperature, sensor and other events
	// that are in no other field. Targets, plates, faces, alarms have none.
	Values []Value

	Scene    Image   // the whole frame
	Crop     Image   // the target's or the plate's own picture, the first of them
	Pictures []Image // every picture of the post, in the body's order

	// Problems names what could not be true and was left out, a line each.
	Problems []string

	text []byte // holds text that could not stay in the body
}

// Decode reads the body of one post into p, which is reset first; its slices
// are reused. An empty or blank body is a heartbeat.
//
// It refuses (with an [*Error]; p then holds nothing) only what is not one
// complete, well-formed XML document and what breaks a limit. Anything else that
// cannot be true is left out and named in p.Problems.
func Decode(body []byte, p *Post) error {
	p.reset()
	return decode(body, p)
}

// reset empties p and keeps its memory, but not what only an odd post needed.
func (p *Post) reset() {
	if cap(p.text) > 64<<10 {
		p.text = nil
	}
	*p = Post{
		Targets: p.Targets[:0], Zone: p.Zone[:0], Plates: p.Plates[:0], Faces: p.Faces[:0],
		Alarms: p.Alarms[:0], Values: p.Values[:0], Pictures: p.Pictures[:0], Problems: p.Problems[:0],
		text: p.text[:0],
	}
}

// String is the kind's name in rules and in JSON, such as line_crossing.
func (k Kind) String() string {
	switch k {
	case KindHeartbeat:
		return "heartbeat"
	case KindAlarm:
		return "alarm"
	case KindTarget:
		return "target"
	case KindIntrusion:
		return "intrusion"
	case KindLineCrossing:
		return "line_crossing"
	case KindPlate:
		return "plate"
	case KindFace:
		return "face"
	case KindFaceMatch:
		return "face_match"
	case KindMetadata:
		return "metadata"
	case KindRegionEntry:
		return "region_entry"
	case KindRegionExit:
		return "region_exit"
	case KindLoitering:
		return "loitering"
	case KindParking:
		return "parking"
	case KindLineCount:
		return "line_count"
	case KindAreaCount:
		return "area_count"
	case KindMotion:
		return "motion"
	case KindSensor:
		return "sensor"
	case KindObject:
		return "object"
	case KindTamper:
		return "tamper"
	case KindAudio:
		return "audio"
	case KindCrowd:
		return "crowd"
	case KindTemperature:
		return "temperature"
	case KindFire:
		return "fire"
	}
	return "other"
}

// String is "v1", "v2" or "".
func (d Dialect) String() string {
	switch d {
	case DialectV1:
		return "v1"
	case DialectV2:
		return "v2"
	}
	return ""
}

// String is "start", "stop", "procedure" or "".
func (s Status) String() string {
	switch s {
	case StatusStart:
		return "start"
	case StatusStop:
		return "stop"
	case StatusProcedure:
		return "procedure"
	}
	return ""
}

// String is "person", "car", "motor" or "".
func (c Class) String() string {
	switch c {
	case ClassPerson:
		return "person"
	case ClassCar:
		return "car"
	case ClassMotor:
		return "motor"
	}
	return ""
}

// String is "approach", "away" or "".
func (h Heading) String() string {
	switch h {
	case HeadingApproach:
		return "approach"
	case HeadingAway:
		return "away"
	}
	return ""
}
