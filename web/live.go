package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
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
	// SetFlag gives a flag another value: a bool, a float64 or a string. Its error is a
	// [NotFoundError] when there is none of the name, and a [BadQueryError] for a value of
	// another type than the file's.
	SetFlag func(ctx context.Context, name string, value any, who string) (Flag, error)
	// Message hands a message to the rules.
	Message func(context.Context, Message) error
}

// Message is what somebody tells the rules: a topic, and JSON as encoding/json gives it.
type Message struct {
	Topic string
	Body  any
	// Text is the body as it came.
	Text []byte
	Who  string
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
		{"/api/v1/flags/{name}", methods{http.MethodPost: {role: RoleOperator, handle: s.setFlag}}},
		{"/api/v1/messages/{topic...}", methods{http.MethodPost: {role: RoleOperator, handle: s.message}}},
	}
}

const (
	// maxFlagBody, maxTopic and maxMessage bound bytes, maxNesting how deep a message's
	// parts lie within each other.
	maxFlagBody = 128 << 10
	maxTopic    = 256
	maxMessage  = 64 << 10
	maxNesting  = 24
)

const wantFlag = `want {"set": true}, with a value of the flag's own type: true or false, a number, or a text`

func (s *Server) setFlag(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Set any `json:"set"`
	}
	if !readJSON(w, r, maxFlagBody, &in, wantFlag) {
		return
	}
	switch in.Set.(type) {
	case bool, float64, string:
	default:
		fail(w, http.StatusBadRequest, wantFlag)
		return
	}
	f, err := s.source.Live.SetFlag(r.Context(), r.PathValue("name"), in.Set, caller(r))
	if err != nil {
		failAs(w, err)
		return
	}
	answerJSON(w, f)
}

func (s *Server) message(w http.ResponseWriter, r *http.Request) {
	topic := r.PathValue("topic")
	if topic == "" || len(topic) > maxTopic || !utf8.ValidString(topic) || strings.ContainsFunc(topic, unicode.IsControl) {
		fail(w, http.StatusBadRequest, fmt.Sprintf("a topic has 1 to %d bytes of text", maxTopic))
		return
	}
	var text json.RawMessage
	if !readJSON(w, r, maxMessage, &text, wantMessage) {
		return
	}
	m := Message{Topic: topic, Text: text, Who: caller(r)}
	if deeper(text, maxNesting) || json.Unmarshal(text, &m.Body) != nil {
		fail(w, http.StatusBadRequest, wantMessage)
		return
	}
	if err := s.source.Live.Message(r.Context(), m); err != nil {
		failAs(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

const wantMessage = "want one JSON value, with no number that is too large and lists and objects at most 24 within each other"

// deeper tells whether lists and objects of a JSON text lie more than so many within each other.
func deeper(text []byte, most int) bool {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > most {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
