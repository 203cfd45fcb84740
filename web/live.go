package web

import (
	"context"
	"net/http"
)

// LiveSource is where the console gets the scene and what moves in it, as [Source].
type LiveSource struct {
	// Hub is told what happens; nil stands for one that nobody tells anything.
	Hub *Hub
	// Hello is what a stream begins with.
	Hello func() Hello
	// Missed gives the journal's entries after an id, oldest first, at most so many,
	// those that are not on the disk yet among them.
	Missed func(ctx context.Context, after int64, most int) ([]StreamEntry, error)
	// Zones are all zones and then all lines of the rule files, in their order.
	Zones func(context.Context) ([]Zone, error)
	// Health is what is wrong, worst first.
	Health func(context.Context) ([]Trouble, error)
	// Flags are all flags, in the order of the rule files.
	Flags func(context.Context) ([]Flag, error)
}

// Trouble is something that is wrong.
type Trouble struct {
	// Level is warning or fault.
	Level string `json:"level"`
	// Area is what it is about: camera, relay, rules, contact, journal, recording, outbox,
	// clock, console; Name is which of them.
	Area string `json:"area"`
	Name string `json:"name,omitempty"`
	// Text says what is wrong and what to do.
	Text  string `json:"text"`
	Since Time   `json:"since,omitzero"`
}

// Zone is a zone or line of the rule files.
type Zone struct {
	Name string `json:"name"`
	// Kind is zone or line.
	Kind   string `json:"kind"`
	Camera string `json:"camera"`
	// Points are its corners; of a line its two ends. None for an import of which no copy was accepted.
	Points [][2]int32 `json:"points,omitempty"`
	// In is the side of a line that is in, left or right, looking from its first end to the other.
	In     string `json:"in,omitempty"`
	Anchor string `json:"anchor,omitempty"`
	// Classes are the only ones that are ever in; none for all.
	Classes []string `json:"classes,omitempty"`
	// Margin, Settle and Linger are in force, written or not; a line has a margin only.
	Margin int32    `json:"margin"`
	Settle *Seconds `json:"settle,omitempty"`
	Linger *Seconds `json:"linger,omitempty"`
	// File and Line are where it is declared.
	File string `json:"file"`
	Line int    `json:"line"`
	// Import is which of the camera's own it is a copy of: perimeter/1.
	Import string `json:"import,omitempty"`
	// Rules are the names of those that use it.
	Rules []string `json:"rules"`
}

func (z *Zone) tidy() {
	if z.Rules == nil {
		z.Rules = []string{}
	}
}

// Crossing is that a target crossed a line.
type Crossing struct {
	At     Time   `json:"at"`
	Camera string `json:"camera"`
	Line   string `json:"line"`
	// Direction is in or out.
	Direction string `json:"direction"`
	Target    uint64 `json:"target"`
}

// Flag is a flag's value: a bool, a float64 or a string.
type Flag struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
	Since Time   `json:"since,omitzero"`
}

func (s *Server) liveRoutes() []route {
	c := s.source.Live
	return []route{
		{"/api/v1/stream", methods{http.MethodGet: {role: RoleViewer, long: true, handle: s.stream}}},
		{"/api/v1/zones", get(collection(c.Zones, (*Zone).tidy))},
		{"/api/v1/health", get(collection(c.Health, func(*Trouble) {}))},
		{"/api/v1/flags", get(collection(c.Flags, func(*Flag) {}))},
	}
}
