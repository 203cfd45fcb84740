package web

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Source is where the console gets what it shows. Each function is called for
// each request that needs it, by many goroutines at once, with a context that
// ends after [AnswerTime]; its error is shown to the caller in a 503. What it
// returns is the server's to keep. All of them are needed.
type Source struct {
	// Status is the appliance at a glance.
	Status func(context.Context) (Status, error)
	// Relays are all relays, in the site file's order.
	Relays func(context.Context) ([]Relay, error)
	// Cameras are all cameras, in the site file's order.
	Cameras func(context.Context) ([]Camera, error)
	// Targets are those alive now, by camera, then in the order they came.
	Targets func(context.Context) ([]Target, error)
	// UnknownDevices are the senders whose posts are not evaluated.
	UnknownDevices func(context.Context) ([]Device, error)
	// Ready gives the reasons why the appliance is not fully at work, worst
	// first, a sentence each; none when it is.
	Ready func(context.Context) []string
	// Why explains a rule. Its error is a [NotFoundError] when there is no rule of the name.
	Why func(ctx context.Context, rule string) (Why, error)
	// Contacts are all contacts, in the site file's order.
	Contacts func(context.Context) ([]Contact, error)
	// Command moves a relay by hand. Its error is a [NotFoundError] when there is no
	// relay of the name and a [RefusedError] when the relay refuses.
	Command func(context.Context, Command) (Relay, error)
	// Journal gives a page of the journal's entries, one JSON object each, and the
	// cursor of the next page, empty for none. Its error is a [BadQueryError] for a
	// cursor that is none.
	Journal func(context.Context, JournalQuery) (items []json.RawMessage, next string, err error)
	// Outbox are the steps that are kept until they are done, in their order.
	Outbox func(context.Context) ([]Parcel, error)
	// Cancel takes a step out of the outbox; who asks is journaled. Its error is a [NotFoundError] when there
	// is none of that id.
	Cancel func(ctx context.Context, id, who string) error

	Auth    AuthSource
	Live    LiveSource
	Rules   RuleSource
	Files   FileSource
	Zones   ZoneSource
	Entries JournalSource
	Plates  PlateSource
	System  SystemSource
}

// Seconds is a duration that JSON gives as a number of seconds, to the millisecond.
type Seconds time.Duration

// MarshalJSON gives 0.8 for 800 ms.
func (s Seconds) MarshalJSON() ([]byte, error) {
	ms := time.Duration(s).Round(time.Millisecond) / time.Millisecond
	return strconv.AppendFloat(nil, float64(ms)/1000, 'f', -1, 64), nil
}

// UnmarshalJSON reads what [Seconds.MarshalJSON] gives. Anything else than a number of
// less than a hundred years is an error.
func (s *Seconds) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseFloat(string(b), 64)
	if err != nil || !(math.Abs(v) < 100*365*24*3600) {
		return fmt.Errorf("web: %q is no number of seconds", b)
	}
	*s = Seconds(math.Round(v*1000)) * Seconds(time.Millisecond)
	return nil
}

// Time is a moment that JSON gives in UTC with milliseconds. The zero Time is
// unknown and left out of every value of this package.
type Time struct{ time.Time }

// MarshalJSON gives "2026-03-29T13:58:46.797Z", whatever the zone of the Time.
func (t Time) MarshalJSON() ([]byte, error) {
	return []byte(t.UTC().Format(`"2006-01-02T15:04:05.000Z"`)), nil
}

// Status is the appliance at a glance.
type Status struct {
	Version string `json:"version"`
	// Site is what people call the place, and Timezone its IANA zone.
	Site     string `json:"site"`
	Timezone string `json:"timezone"`
	// Now is the wall clock, which is moved in a demonstration.
	Now    Time    `json:"now"`
	Uptime Seconds `json:"uptime"`
	// Demo says that it is a demonstration.
	Demo  bool  `json:"demo"`
	Rules Rules `json:"rules"`
	// Cameras are the same items as those of the cameras collection.
	Cameras []Camera `json:"cameras"`
	// Counts are totals since the start, by name in lower snake case.
	Counts map[string]uint64 `json:"counts"`
	// Journal and Recording are how the memory on disk is; nil when there is no data folder.
	Journal   *JournalStatus   `json:"journal,omitempty"`
	Recording *RecordingStatus `json:"recording,omitempty"`
}

// JournalStatus is how the journal is.
type JournalStatus struct {
	// Head is the last entry on the disk and its hash. Noted elsewhere, it shows
	// when the end of the journal was cut off.
	Head *Head `json:"head,omitempty"`
	// Written and Dropped count entries since the start; Waiting are not on the disk yet.
	Written uint64 `json:"written"`
	Dropped uint64 `json:"dropped"`
	Waiting int    `json:"waiting"`
	// Bytes is what journal and pictures take on the disk.
	Bytes int64 `json:"bytes"`
	// Error is what keeps it from being written, in words; empty for nothing.
	Error string `json:"error,omitempty"`
}

// Head is the end of the journal's chain.
type Head struct {
	ID   int64  `json:"id"`
	Hash string `json:"hash"`
	At   Time   `json:"at,omitzero"`
}

// RecordingStatus is how the recording is.
type RecordingStatus struct {
	Written uint64 `json:"written"`
	Dropped uint64 `json:"dropped"`
	// Bytes is what it takes on the disk.
	Bytes int64 `json:"bytes"`
	// Error is what keeps it from being written, in words; empty for nothing.
	Error string `json:"error,omitempty"`
}

// Rules is the rule set in use, and what is wrong with the files.
type Rules struct {
	// Hash is the set's identity; empty while there is none.
	Hash string `json:"hash,omitempty"`
	// LoadedAt is when the set in use was taken.
	LoadedAt Time `json:"loaded_at,omitzero"`
	// Problems are those of the last load. If one of them is no warning, the
	// files were refused and the set in use is an earlier one.
	Problems []Problem `json:"problems"`
	// Count is how many rules there are; Shadow how many of them decide without acting,
	// and Overridden how many have another mode than their file says.
	Count      int `json:"count"`
	Shadow     int `json:"shadow"`
	Overridden int `json:"overridden"`
}

// Problem is something wrong with a rule file.
type Problem struct {
	// File is the path as a person would write it: rules.d/gate.yaml.
	File string `json:"file"`
	// Line and Column count from 1, Column in characters; 0 when the problem is the whole file's.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Rule is the rule's name, Part the place in it: when, do 2. Either may be empty.
	Rule string `json:"rule,omitempty"`
	Part string `json:"part,omitempty"`
	// Message says what is wrong.
	Message string `json:"message"`
	// Suggestion is what was probably meant; may be empty.
	Suggestion string `json:"suggestion,omitempty"`
	// Source is the line of the file and Caret a line that points into it.
	Source string `json:"source,omitempty"`
	Caret  string `json:"caret,omitempty"`
	// Warning is true for what does not keep the set from being used.
	Warning bool `json:"warning"`
}

// Relay is the state of one relay.
type Relay struct {
	Name string `json:"name"`
	On   bool   `json:"on"`
	// Since is the last change, Cause why, and Who the person or program behind it when
	// it was moved by hand.
	Since Time   `json:"since,omitzero"`
	Cause string `json:"cause,omitempty"`
	Who   string `json:"who,omitempty"`
	// MaxOn is the longest it may stay on.
	MaxOn Seconds `json:"max_on"`
	// Fault says what is wrong with it; empty for nothing.
	Fault string `json:"fault,omitempty"`
	// Waits is true while a rule asks for it and it may not go on yet.
	Waits bool `json:"waits,omitempty"`
	// Today is how often it was turned on in the last 24 hours, DailyCap how often it
	// may be; 0 is no cap.
	Today    int `json:"today"`
	DailyCap int `json:"daily_cap,omitempty"`
	// Confirm says that a person is asked once more before it is moved by hand.
	Confirm bool `json:"confirm"`
	// OffAt is when it goes off by itself at the latest; zero while it is off.
	OffAt Time `json:"off_at,omitzero"`
	// Pulse is the pulse that rules give it; 0 for a relay that no rule pulses.
	Pulse Seconds `json:"pulse,omitempty"`
	// Camera is the device whose alarm output it is; empty for a line of this machine.
	Camera string `json:"camera,omitempty"`
	// Rules are the names of those that drive it.
	Rules []string `json:"rules"`
}

// Contact is the level of one wired input.
type Contact struct {
	Name string `json:"name"`
	// On is its active level; nil while it cannot be read.
	On *bool `json:"on,omitempty"`
	// Since is its last change.
	Since Time `json:"since,omitzero"`
}

// Parcel is a step that is kept until it is done.
type Parcel struct {
	ID string `json:"id"`
	// To is where it goes: a host or a camera.
	To   string `json:"to"`
	Rule string `json:"rule"`
	Key  string `json:"key,omitempty"`
	Step string `json:"step"`
	// Created is the firing, Due when it may begin, Expires when it is given up.
	Created Time `json:"created,omitzero"`
	Due     Time `json:"due,omitzero"`
	Expires Time `json:"expires,omitzero"`
	// Tries is how often it was tried, Next when it will be again, Reason why not yet.
	Tries  int    `json:"tries"`
	Next   Time   `json:"next,omitzero"`
	Reason string `json:"reason,omitempty"`
}

// Camera is how one camera posts.
type Camera struct {
	Name   string `json:"name"`
	Online bool   `json:"online"`
	// LastSeen is its last post, and Posts counts them since the start.
	LastSeen Time   `json:"last_seen,omitzero"`
	Posts    uint64 `json:"posts"`
	// FramesExpected says that its events name targets, so frames of them should come too.
	FramesExpected bool `json:"frames_expected,omitempty"`
	// Frames counts trajectory posts since the start, Rate is how many come a second.
	Frames uint64  `json:"frames"`
	Rate   float64 `json:"rate"`
	// ClockSkew is how far its clock is behind ours; nil while it sent no time.
	ClockSkew *Seconds `json:"clock_skew,omitempty"`
	// Problems are what is wrong with it now, the oldest first, and then what could not
	// be true in its posts.
	Problems []CameraProblem `json:"problems"`
	// Device says that it has an address of its own, and can be asked.
	Device bool `json:"device"`
	// SnapshotAt is when its newest picture was taken; zero when there is none.
	SnapshotAt Time `json:"snapshot_at,omitzero"`
}

// CameraProblem is something wrong with a camera now, or something that could not be
// true in its posts, and how often.
type CameraProblem struct {
	// Kind is which of the things that can be wrong it is: offline, frames, clock, push,
	// tamper, login, polling, zones; empty for what was in its posts.
	Kind string `json:"kind,omitempty"`
	Text string `json:"text"`
	// Since is when it was noticed, Count how often it was in a post.
	Since Time   `json:"since,omitzero"`
	Count uint64 `json:"count,omitempty"`
}

// Target is one tracked object, alive now.
type Target struct {
	// ID is the camera's own.
	ID     uint64 `json:"id"`
	Camera string `json:"camera"`
	// Class is person, car or motor; empty while unknown.
	Class string `json:"class,omitempty"`
	// Box is left, top, right and bottom, 0..10000 each.
	Box [4]int32 `json:"box"`
	// Zones are those it is in, with the dwell of this visit.
	Zones map[string]Seconds `json:"zones"`
	// Heading is in degrees clockwise from up, Speed in units a second; nil while unknown, and
	// Heading also for a target that stands still.
	Heading *float64 `json:"heading,omitempty"`
	Speed   *float64 `json:"speed,omitempty"`
	// Age is the time since its first frame.
	Age Seconds `json:"age"`
}

// Device is a sender whose posts are not evaluated: no camera of the site
// matches it, or more than one does.
type Device struct {
	// Name, MAC, SN, Address and Channel are what it says of itself; empty or 0 when it does not.
	Name    string `json:"name,omitempty"`
	MAC     string `json:"mac,omitempty"`
	SN      string `json:"sn,omitempty"`
	Address string `json:"address,omitempty"`
	Channel int    `json:"channel,omitempty"`
	// Remote is the address its posts come from.
	Remote    string `json:"remote"`
	FirstSeen Time   `json:"first_seen,omitzero"`
	LastSeen  Time   `json:"last_seen,omitzero"`
	Posts     uint64 `json:"posts"`
	// Kind is that of its last post.
	Kind string `json:"kind,omitempty"`
	// Cameras are the cameras in question when its posts fit more than one.
	Cameras []string `json:"cameras,omitempty"`
	// Reason says why it is not evaluated.
	Reason string `json:"reason"`
	// Adopt are the lines of the site file that would make it a camera; empty when Reason says what to do instead.
	Adopt string `json:"adopt,omitempty"`
}

// page is how a collection is answered. All but the journal are bounded and given whole, so Next stays empty.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

// problem is an error as the caller gets it.
type problem struct {
	Type    string   `json:"type"`
	Title   string   `json:"title"`
	Status  int      `json:"status"`
	Detail  string   `json:"detail"`
	Reasons []string `json:"reasons,omitempty"`
	// Problems are those of rule files that were refused.
	Problems []Problem `json:"problems,omitempty"`
}

// An absent list is an empty one in JSON, not null: scripts count and loop over them.

func (s *Status) tidy() {
	if s.Rules.Problems == nil {
		s.Rules.Problems = []Problem{}
	}
	if s.Cameras == nil {
		s.Cameras = []Camera{}
	}
	for i := range s.Cameras {
		s.Cameras[i].tidy()
	}
	if s.Counts == nil {
		s.Counts = map[string]uint64{}
	}
}

func (c *Camera) tidy() {
	if c.Problems == nil {
		c.Problems = []CameraProblem{}
	}
}

func (r *Relay) tidy() {
	if r.Rules == nil {
		r.Rules = []string{}
	}
}

func (t *Target) tidy() {
	if t.Zones == nil {
		t.Zones = map[string]Seconds{}
	}
}
