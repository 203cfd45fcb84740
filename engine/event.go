package engine

import (
	"time"

	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/scene"
)

// Instant is one moment on both clocks.
type Instant struct {
	// Mono is the decision clock: time since the run began. It never jumps.
	Mono time.Duration
	// Wall is the wall clock, for schedules, validity and what people read.
	Wall time.Time
}

// Kind is what happened, in the words of the rule language.
type Kind uint8

// The kinds of events. Target to AreaCount come from cameras.
const (
	KindNone Kind = iota
	KindTarget
	KindIntrusion
	KindLineCrossing
	KindRegionEntry
	KindRegionExit
	KindLoitering
	KindParking
	KindMetadata
	KindObject
	KindMotion
	KindSensor
	KindTamper
	KindAudio
	KindCrowd
	KindTemperature
	KindFire
	KindOther
	KindLineCount
	KindAreaCount
	KindPlate
	KindFace
	KindFaceMatch
	KindAlarm
	KindHeartbeat
	KindCamera
	KindContact
	KindRelay
	KindFlag
	KindMessage
	KindCron
	KindStart
	kindCount
)

// kindNames is written nowhere; it is indexed by Kind.
var kindNames = [kindCount]string{
	"", "target", "intrusion", "line_crossing", "region_entry", "region_exit", "loitering", "parking", "metadata", "object",
	"motion", "sensor", "tamper", "audio", "crowd", "temperature", "fire", "other", "line_count", "area_count",
	"plate", "face", "face_match", "alarm", "heartbeat", "camera", "contact", "relay", "flag", "message", "cron", "start",
}

// String is the kind's word in rules and JSON.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return ""
}

// ParseKind finds a kind by its word; false when there is none of that name.
func ParseKind(s string) (Kind, bool) {
	for k, n := range kindNames {
		if n == s && s != "" {
			return Kind(k), true
		}
	}
	return KindNone, false
}

// Nature tells kinds that last from kinds that happen.
type Nature uint8

// Level kinds are true for a while, moments for an instant.
const (
	Moment Nature = iota
	Level
)

// Nature says whether the kind is a level or a moment (docs/rules.md, Events).
func (k Kind) Nature() Nature {
	switch k {
	case KindTarget, KindAlarm, KindCamera, KindContact, KindRelay, KindFlag:
		return Level
	}
	return Moment
}

// Smart reports whether the kind is a camera's smart event that lists targets.
func (k Kind) Smart() bool {
	switch k {
	case KindIntrusion, KindLineCrossing, KindRegionEntry, KindRegionExit, KindLoitering, KindParking, KindMetadata, KindObject:
		return true
	}
	return false
}

// DefaultPer is the key a rule of this kind has when it does not say `per:`.
func (k Kind) DefaultPer() Per {
	switch k {
	case KindTarget:
		return PerTarget
	case KindPlate:
		return PerVisit
	case KindAlarm:
		return PerAlarm
	case KindContact, KindRelay, KindFlag:
		return PerName
	case KindMessage, KindCron, KindStart, KindNone:
		return PerRule
	}
	return PerCamera
}

// Status is where in its life a smart event is.
type Status uint8

// What a device says of an event; StatusNone when it says nothing.
const (
	StatusNone Status = iota
	StatusStart
	StatusStop
	StatusProcedure
)

// String is the status's word, empty when unknown.
func (s Status) String() string {
	return [...]string{"", "start", "stop", "procedure"}[s&3]
}

// Device is who sent a post, as far as the post or the connection tells.
type Device struct {
	Name, MAC, SN, Address string
	Channel                int // 0 = not said
}

// Listed is one target an event names. What a device did not send is unknown.
type Listed struct {
	ID     uint64
	HasID  bool
	Class  scene.Class
	Box    geometry.Box
	HasBox bool
}

// Vehicle is what a plate post says of the car.
type Vehicle struct{ Type, Color, Brand, Model string }

// Plate is one read of a number plate. Empty text is unknown.
type Plate struct {
	Number        string
	List          string // allow, block, temporary, stranger or an NVR's group; empty = the device names none
	Group         string // the raw word
	Confidence    float64
	HasConfidence bool
	Heading       string // approach or away
	Color         string
	Owner         string
	Vehicle       Vehicle
	Box           geometry.Box
	HasBox        bool
}

// Face is what a face post says. Empty text is unknown.
type Face struct{ Age, Sex, Glasses, Mask, Match string }

// Alarm is one alarm's level.
type Alarm struct {
	Name string // perimeter, vehicle, clarity_abnormal, …
	On   bool
	ID   int // the device's rule or input number; 0 = not said
}

// Value is one number a device sent under its own element name.
type Value struct {
	Name   string
	Number float64
}

// Message is a text from outside: a topic and a JSON body already bounded by the input.
type Message struct {
	Topic string
	Body  any
}

// Image is a picture inside a post. Its bytes are fetched only when wanted.
type Image struct {
	Size  int                    // bytes after decoding; 0 = none
	Bytes func() ([]byte, error) // nil when the picture was cut out (a replay)
}

// Event is one thing that happened. Absent is unknown; nothing is invented.
type Event struct {
	Kind     Kind
	Raw      string // the device's own word for the kind
	Camera   string // the site file's name; empty when no camera matched
	Device   Device
	Received time.Time // wall clock
	Time     time.Time // the device's stamp (currentTime); zero = none
	ID       int64     // the device's event id
	HasID    bool
	Status   Status
	Targets  []Listed
	Zone     []geometry.Point
	Line     []geometry.Point // two points, or none
	Plate    *Plate
	Face     *Face
	Alarm    *Alarm
	Values   []Value
	Scene    Image
	Target   Image
	Problems []string

	Message *Message
	Name    string // contact, relay or flag
	On      bool   // contact, relay, camera (online): the level
	Unknown bool   // contact: its line cannot be read; alarm: the device cannot be asked. On says nothing
	Value   Scalar // flag: its new value

	// Digest is a hash of the post without its images; zero where duplicates are not looked for.
	Digest uint64
	// Late is set by the engine when the post came too late to move anything.
	Late bool
	// depth counts the firings that led to this event.
	depth int
	// keep is how long a flag has its new value; 0 = until it is set again.
	keep time.Duration
	// line is the line whose balance a firing sets; empty for every other event.
	line    string
	balance int64
}

// Reset empties the event for reuse and keeps the memory of its slices.
func (e *Event) Reset() {
	*e = Event{Targets: e.Targets[:0], Zone: e.Zone[:0], Line: e.Line[:0], Values: e.Values[:0], Problems: e.Problems[:0]}
}

// Clone is a copy that shares nothing that is reused.
func (e *Event) Clone() *Event {
	c := *e
	c.Targets = append([]Listed(nil), e.Targets...)
	c.Zone = append([]geometry.Point(nil), e.Zone...)
	c.Line = append([]geometry.Point(nil), e.Line...)
	c.Values = append([]Value(nil), e.Values...)
	c.Problems = append([]string(nil), e.Problems...)
	return &c
}

// ScalarType is the type of a flag's value.
type ScalarType uint8

// A scalar holds nothing, a bool, a number or a text.
const (
	ScalarNone ScalarType = iota
	ScalarBool
	ScalarNumber
	ScalarText
)

// Scalar is one typed value. The zero value is unknown.
type Scalar struct {
	Type   ScalarType
	Bool   bool
	Number float64
	Text   string
}
