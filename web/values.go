package web

import (
	"context"
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
}

// Seconds is a duration that JSON gives as a number of seconds, to the millisecond.
type Seconds time.Duration

// MarshalJSON gives 0.8 for 800 ms.
func (s Seconds) MarshalJSON() ([]byte, error) {
	ms := time.Duration(s).Round(time.Millisecond) / time.Millisecond
	return strconv.AppendFloat(nil, float64(ms)/1000, 'f', -1, 64), nil
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
	Version string  `json:"version"`
	Uptime  Seconds `json:"uptime"`
	Rules   Rules   `json:"rules"`
	// Cameras are the same items as those of the cameras collection.
	Cameras []Camera `json:"cameras"`
	// Counts are totals since the start, by name in lower snake case.
	Counts map[string]uint64 `json:"counts"`
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
	// Since is the last change, and Cause why.
	Since Time   `json:"since,omitzero"`
	Cause string `json:"cause,omitempty"`
	// MaxOn is the longest it may stay on.
	MaxOn Seconds `json:"max_on"`
	// Fault says what is wrong with it; empty for nothing.
	Fault string `json:"fault,omitempty"`
}

// Camera is how one camera posts.
type Camera struct {
	Name   string `json:"name"`
	Online bool   `json:"online"`
	// LastSeen is its last post.
	LastSeen Time `json:"last_seen,omitzero"`
	// Frames counts trajectory posts since the start, Rate is how many come a second.
	Frames uint64  `json:"frames"`
	Rate   float64 `json:"rate"`
	// ClockSkew is how far its clock is behind ours; nil while it sent no time.
	ClockSkew *Seconds `json:"clock_skew,omitempty"`
	// Problems are what could not be true in its posts.
	Problems []Count `json:"problems"`
}

// Count is something that happened, and how often.
type Count struct {
	Text  string `json:"text"`
	Count uint64 `json:"count"`
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

// page is how a collection is answered. Every collection is bounded and given whole so far, so Next stays empty.
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
		c.Problems = []Count{}
	}
}

func (t *Target) tidy() {
	if t.Zones == nil {
		t.Zones = map[string]Seconds{}
	}
}
