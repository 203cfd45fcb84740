// Package recording reads replay files: what an engine took, in the order it took
// it, one JSON object a line (docs/interface.md, Replay file).
package recording

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
)

// Type is what a line holds.
type Type string

// The types of lines. Post is the default.
const (
	Post     Type = "post"
	Contact  Type = "contact"
	Message  Type = "message"
	Command  Type = "command"
	Outcome  Type = "outcome"
	Relay    Type = "relay"
	Flag     Type = "flag"
	Camera   Type = "camera"
	Rules    Type = "rules"
	Clock    Type = "clock"
	Snapshot Type = "snapshot"
)

// MaxLine is the longest line that is read, in bytes: a post of the largest size in base64.
const MaxLine = 16 << 20

// Line is one line of a replay file. Number is its place in the file, from 1.
type Line struct {
	Number      int
	Type        Type
	Received    time.Time
	Mono        time.Duration // the decision clock
	HasMono     bool
	Run         string // the run that recorded it; a new run begins the decision clock anew
	Remote      netip.Addr
	Path        string
	ContentType string
	Body        []byte

	Name  string          // contact, relay, flag, camera
	On    bool            // contact, relay; camera: online
	Value json.RawMessage // flag
	Topic string          // message; its body is in Body

	Firing  uint64 // outcome
	Index   int
	Finally bool
	Begun   bool
	Reason  string
}

// wire is a line as it stands in the file.
type wire struct {
	Type        Type            `json:"type"`
	Received    string          `json:"received"`
	Mono        *json.Number    `json:"mono"`
	Run         string          `json:"run"`
	Remote      string          `json:"remote"`
	Path        string          `json:"path"`
	ContentType string          `json:"content_type"`
	Body        json.RawMessage `json:"body"`
	BodyBase64  *string         `json:"body_base64"`
	Images      string          `json:"images"`
	Name        string          `json:"name"`
	On          bool            `json:"on"`
	Online      *bool           `json:"online"`
	Value       json.RawMessage `json:"value"`
	Topic       string          `json:"topic"`
	Firing      uint64          `json:"firing"`
	Step        int             `json:"step"`
	Finally     bool            `json:"finally"`
	Begun       *bool           `json:"begun"`
	Reason      string          `json:"reason"`
}

// Reader reads a replay file line by line.
type Reader struct {
	name string
	br   *bufio.Reader
	n    int
	over bool // the file cannot be read any further
}

// NewReader reads from r; name stands in errors.
func NewReader(name string, r io.Reader) *Reader {
	return &Reader{name: name, br: bufio.NewReaderSize(r, 64<<10)}
}

// Next gives the next line; io.EOF at the end. Any other error names the file and
// the line, and the reader goes on with the line after it. When the file itself
// cannot be read, that is said once, and then there is io.EOF.
func (r *Reader) Next() (*Line, error) {
	for {
		text, err := r.line()
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		l, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", r.name, r.n, err)
		}
		l.Number = r.n
		return l, nil
	}
}

// line reads one line without its end, at most MaxLine long; of a longer one the
// rest is passed over.
func (r *Reader) line() ([]byte, error) {
	if r.over {
		return nil, io.EOF
	}
	var text []byte
	long := false
	for {
		part, err := r.br.ReadSlice('\n')
		if long = long || len(text)+len(part) > MaxLine; !long {
			text = append(text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			r.over = true
			if len(text) == 0 && !long {
				return nil, io.EOF
			}
		case err != nil:
			r.over = true
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
		r.n++
		if long {
			return nil, fmt.Errorf("%s:%d: the line is longer than %d MB", r.name, r.n, MaxLine>>20)
		}
		return bytes.TrimSuffix(text, []byte{'\n'}), nil
	}
}

func parse(text []byte) (*Line, error) {
	if r := bytes.TrimSpace(text)[0]; r != '{' {
		return nil, errors.New("not a JSON object; a replay file has one object a line")
	}
	var w wire
	if err := json.Unmarshal(text, &w); err != nil {
		return nil, wrongShape(err)
	}
	l := &Line{
		Type: w.Type, Run: w.Run, Path: w.Path, ContentType: w.ContentType, Name: w.Name, On: w.On, Value: w.Value, Topic: w.Topic,
		Firing: w.Firing, Index: w.Step, Finally: w.Finally, Begun: w.Begun == nil || *w.Begun, Reason: w.Reason,
	}
	if l.Type == "" {
		l.Type = Post
	}
	switch l.Type {
	case Post, Contact, Message, Command, Outcome, Relay, Flag, Camera, Rules, Clock, Snapshot:
	default:
		return nil, fmt.Errorf("unknown type %q", cut(string(l.Type)))
	}
	if w.Online != nil {
		l.On = *w.Online
	}
	if w.Received == "" {
		return nil, errors.New(`"received" is missing`)
	}
	t, err := time.Parse(time.RFC3339Nano, w.Received)
	if err != nil {
		return nil, fmt.Errorf(`"received": %q is not a time (try "2026-03-29T13:58:46.797Z")`, cut(w.Received))
	}
	l.Received = t
	if w.Mono != nil {
		d, ok := seconds(w.Mono.String())
		if !ok {
			return nil, fmt.Errorf(`"mono": %q is not a number of seconds from 0 to 9000000000`, cut(w.Mono.String()))
		}
		l.Mono, l.HasMono = d, true
	}
	if w.Remote != "" {
		if l.Remote, err = netip.ParseAddr(w.Remote); err != nil {
			ap, err2 := netip.ParseAddrPort(w.Remote)
			if err2 != nil {
				return nil, fmt.Errorf(`"remote": %q is not an address`, cut(w.Remote))
			}
			l.Remote = ap.Addr()
		}
		l.Remote = l.Remote.Unmap().WithZone("")
	}
	if err := l.body(&w); err != nil {
		return nil, err
	}
	return l, nil
}

// wrongShape says what is wrong with a line in the words of the file, not of Go.
func wrongShape(err error) error {
	var t *json.UnmarshalTypeError
	if !errors.As(err, &t) || t.Field == "" {
		return fmt.Errorf("not valid JSON: %w", err)
	}
	want := "a text"
	switch t.Type.Kind() {
	case reflect.Bool:
		want = "true or false"
	case reflect.Int, reflect.Uint64:
		want = "a whole number"
	}
	if t.Type == reflect.TypeFor[json.Number]() {
		want = "a number"
	}
	return fmt.Errorf("%q is not %s", t.Field, want)
}

// body takes the body: text, base64, or a message's JSON.
func (l *Line) body(w *wire) error {
	switch {
	case w.BodyBase64 != nil && len(w.Body) > 0:
		return errors.New(`"body" and "body_base64" are both there`)
	case w.BodyBase64 != nil:
		b, err := base64.StdEncoding.DecodeString(*w.BodyBase64)
		if err != nil {
			return errors.New(`"body_base64" is not base64`)
		}
		l.Body = b
	case l.Type == Message:
		l.Body = w.Body
	case len(w.Body) > 0:
		var s string
		if err := json.Unmarshal(w.Body, &s); err != nil {
			return errors.New(`"body" is not a text`)
		}
		l.Body = []byte(s)
	}
	return nil
}

// seconds reads a number of seconds exactly, to the nanosecond.
func seconds(s string) (time.Duration, bool) {
	whole, frac, _ := strings.Cut(s, ".")
	if whole == "" || len(whole) > 10 || len(frac) > 9 {
		return 0, false
	}
	var n int64
	for _, c := range whole + (frac + "000000000")[:9] {
		if c < '0' || c > '9' || n > (1<<63-10)/10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return time.Duration(n), true
}

// written is a line as it is written; the decision clock is added after, for a
// float cannot hold it to the nanosecond.
type written struct {
	Type        Type    `json:"type,omitempty"`
	Received    string  `json:"received"`
	Run         string  `json:"run,omitempty"`
	Remote      string  `json:"remote,omitempty"`
	Path        string  `json:"path,omitempty"`
	ContentType string  `json:"content_type,omitempty"`
	Body        *string `json:"body,omitempty"`
	BodyBase64  *string `json:"body_base64,omitempty"`
	Images      string  `json:"images,omitempty"`
	Name        string  `json:"name,omitempty"`
	On          *bool   `json:"on,omitempty"`
	Firing      uint64  `json:"firing,omitempty"`
	Step        *int    `json:"step,omitempty"`
	Finally     bool    `json:"finally,omitempty"`
	Begun       *bool   `json:"begun,omitempty"`
	Reason      string  `json:"reason,omitempty"`
}

// Append adds a line of type post, relay, contact or outcome, with its end.
// stripped says that the pictures were cut out of a post's body.
func Append(b []byte, l *Line, stripped bool) []byte {
	w := written{
		Type: l.Type, Received: l.Received.UTC().Format(time.RFC3339Nano), Run: l.Run, Path: l.Path, ContentType: l.ContentType,
		Name: l.Name, Firing: l.Firing, Finally: l.Finally, Reason: l.Reason,
	}
	switch l.Type {
	case Post:
		w.Type = ""
		if l.Remote.IsValid() {
			w.Remote = l.Remote.String()
		}
		if utf8.Valid(l.Body) {
			s := string(l.Body)
			w.Body = &s
		} else {
			s := base64.StdEncoding.EncodeToString(l.Body)
			w.BodyBase64 = &s
		}
		if stripped {
			w.Images = "stripped"
		}
	case Outcome:
		w.Step, w.Begun = &l.Index, &l.Begun
	case Relay, Contact:
		w.On = &l.On
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // bodies are XML; escaped they would be hard to read and a third longer
	// Nothing in w can fail to be written.
	_ = enc.Encode(w)
	if w.Body != nil && buf.Len() > MaxLine-64 {
		// So many characters are escaped that no reader would take the line.
		s := base64.StdEncoding.EncodeToString(l.Body)
		w.Body, w.BodyBase64 = nil, &s
		buf.Reset()
		_ = enc.Encode(w)
	}
	if !l.HasMono {
		return append(b, buf.Bytes()...)
	}
	b = append(b, buf.Bytes()[:buf.Len()-2]...) // without the closing brace and the line's end
	b = fmt.Appendf(b, `,"mono":%d.%09d}`, l.Mono/time.Second, l.Mono%time.Second)
	return append(b, '\n')
}

// cut shortens a text for a message.
func cut(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
