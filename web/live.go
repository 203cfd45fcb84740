package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/engine"
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
	// Snapshot gives a camera's newest picture; fresh asks the device first. Its error is a
	// [NotFoundError] when there is no such camera or no picture, and a [RefusedError] when
	// the device cannot be asked.
	Snapshot func(ctx context.Context, camera string, fresh bool) (Picture, error)
	// Tracks gives who walked where before a camera, the newest first, and the cursor of
	// the next page, empty for none. Its error is a [NotFoundError] when there is no such
	// camera.
	Tracks func(context.Context, TrackQuery) (tracks []Track, next time.Time, err error)
	// Target gives a live target and what rules say of it. Its error is a [NotFoundError]
	// when there is none.
	Target func(ctx context.Context, camera string, id uint64) (TargetFacts, error)
}

// Picture is a JPEG and when it was taken.
type Picture struct {
	At   time.Time
	JPEG []byte
}

// TrackQuery asks who walked where. Zero times do not limit.
type TrackQuery struct {
	Camera       string
	Since, Until time.Time
	// Before leaves out the tracks that begin at it or later.
	Before time.Time
	Limit  int
}

// Track is the way of one target.
type Track struct {
	// ID is the camera's own.
	ID uint64 `json:"id"`
	// Class is person, car or motor; empty while unknown.
	Class string `json:"class,omitempty"`
	From  Time   `json:"from"`
	To    Time   `json:"to"`
	// Points are where its foot was: milliseconds since From, x, y.
	Points [][3]int32 `json:"points"`
}

// TargetFacts is a live target and what rules say of it.
type TargetFacts struct {
	Target Target       `json:"target"`
	Rules  []TargetRule `json:"rules"`
}

// TargetRule is how a rule stands for a target.
type TargetRule struct {
	Rule  string              `json:"rule"`
	State string              `json:"state"`
	Look  *engine.Explanation `json:"look,omitempty"`
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
	// site, clock, console; Name is which of them.
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
		{"/api/v1/cameras/{name}/snapshot", get(s.snapshot)},
		{"/api/v1/cameras/{name}/tracks", get(s.tracks)},
		{"/api/v1/cameras/{name}/targets/{id}", get(s.target)},
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

// snapshot answers with a camera's newest picture.
func (s *Server) snapshot(w http.ResponseWriter, r *http.Request) {
	fresh := r.URL.Query().Get("fresh") == "1"
	if fresh && !roleOf(r).may(RoleOperator) {
		fail(w, http.StatusForbidden, "to ask the camera for a new picture takes the role operator")
		return
	}
	p, err := s.source.Live.Snapshot(r.Context(), r.PathValue("name"), fresh)
	if err != nil {
		failAs(w, err)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Content-Type", "image/jpeg")
	h.Set("ETag", fmt.Sprintf(`"%x-%x"`, p.At.UnixMilli(), len(p.JPEG)))
	http.ServeContent(w, r, "", p.At, bytes.NewReader(p.JPEG))
}

// Bounds of a page of tracks.
const (
	defaultTracks = 300
	maxTracks     = 2000
)

func (s *Server) tracks(w http.ResponseWriter, r *http.Request) {
	q := TrackQuery{Camera: r.PathValue("name"), Limit: defaultTracks}
	values := r.URL.Query()
	for _, f := range []struct {
		name string
		at   *time.Time
	}{{"since", &q.Since}, {"until", &q.Until}, {"cursor", &q.Before}} {
		v := values.Get(f.name)
		if v == "" {
			continue
		}
		t, err := timeParam(f.name, v)
		if err != nil {
			fail(w, http.StatusBadRequest, err.Error())
			return
		}
		*f.at = t
	}
	if v := values.Get("limit"); v != "" {
		n, err := limitParam(v, maxTracks)
		if err != nil {
			fail(w, http.StatusBadRequest, err.Error())
			return
		}
		q.Limit = n
	}
	tracks, next, err := s.source.Live.Tracks(r.Context(), q)
	if err != nil {
		failAs(w, err)
		return
	}
	p := page[Track]{Items: tracks}
	if p.Items == nil {
		p.Items = []Track{}
	}
	if !next.IsZero() {
		p.Next = next.UTC().Format(time.RFC3339Nano)
	}
	answerJSON(w, p)
}

func (s *Server) target(w http.ResponseWriter, r *http.Request) {
	name, text := r.PathValue("name"), r.PathValue("id")
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		fail(w, http.StatusNotFound, "no target of camera "+quote(name)+" has the number "+quote(text))
		return
	}
	v, err := s.source.Live.Target(r.Context(), name, id)
	if err != nil {
		failAs(w, err)
		return
	}
	v.Target.tidy()
	if v.Rules == nil {
		v.Rules = []TargetRule{}
	}
	answerJSON(w, v)
}

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
