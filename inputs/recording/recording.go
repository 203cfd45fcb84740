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
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
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
	Command  Type = "command" // somebody asked for something; what came of it has lines of its own
	Outcome  Type = "outcome"
	Relay    Type = "relay"
	Flag     Type = "flag"
	Camera   Type = "camera"   // a device said whether it is there, or a recorder of a channel
	Alarm    Type = "alarm"    // a device was asked, and an alarm's level had changed
	Rules    Type = "rules"    // the set that is in force from here on
	Clock    Type = "clock"    // the wall clock was set
	Snapshot Type = "snapshot" // all that the engine knows here; the first of a run: what the run remembered
	Start    Type = "start"    // the program began: the event of `on: start`
	Stop     Type = "stop"     // the program ended in order, and with it every rule
	Lost     Type = "lost"     // lines are missing here
	Override Type = "override" // somebody gave a rule another mode than its file says
	Lead     Type = "lead"     // what is before Received is there to warm up: nothing is told of it
)

// known are the types that are read.
func (t Type) known() bool {
	switch t {
	case Post, Contact, Message, Command, Outcome, Relay, Flag, Camera, Alarm, Rules, Clock, Snapshot, Start, Stop, Lost, Lead, Override:
		return true
	}
	return false
}

// MaxLine is the longest line that is read, in bytes: a post of the largest size in
// base64, or the largest snapshot.
const MaxLine = 17 << 20

// envelope is what a line may need around its body or state, in bytes.
const envelope = 64 << 10

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
	Camera      string // post: the site's name of the camera, as the run knew it; empty = of several. Alarm: of the camera
	Body        []byte // post: the post; message: its JSON

	Name    string          // contact, relay, flag, camera, alarm; command: what it is about
	ID      int             // alarm: the device's number; 0 = not said
	On      bool            // contact, relay, alarm; camera: online
	Unknown bool            // contact: its line cannot be read; alarm: the device cannot be asked
	Late    bool            // post, contact, alarm: it waited in the program too long to move anything
	Value   json.RawMessage // flag
	Topic   string          // message
	Who     string          // command, override
	Mode    string          // override of the rule Name: live, shadow, off; empty = the file counts again
	Until   time.Time       // override: when the file counts again; zero = never
	What    string          // command

	Firing  uint64 // outcome
	Index   int
	Finally bool
	Begun   bool
	Reason  string

	Hash  string            // rules, snapshot: of the set in force
	Files map[string]string // rules: the rule files' texts by name, when they were recorded
	Step  time.Duration     // clock: how far the wall clock was set ahead, or back
	Lines int64             // lost: how many are missing

	State  json.RawMessage // snapshot: all that the engine knows; absent at a run's first one
	Memory json.RawMessage // snapshot: what the run remembered of the ones before
	Marks  json.RawMessage // snapshot: the marks it was given beside that, a list
}

// wire is a line as it stands in the file.
type wire struct {
	Type        Type              `json:"type"`
	Received    string            `json:"received"`
	Mono        *json.Number      `json:"mono"`
	Run         string            `json:"run"`
	Remote      string            `json:"remote"`
	Path        string            `json:"path"`
	ContentType string            `json:"content_type"`
	Camera      string            `json:"camera"`
	Body        json.RawMessage   `json:"body"`
	BodyBase64  *string           `json:"body_base64"`
	Images      string            `json:"images"`
	Name        string            `json:"name"`
	ID          int32             `json:"id"`
	On          bool              `json:"on"`
	Online      *bool             `json:"online"`
	Unknown     bool              `json:"unknown"`
	Late        bool              `json:"late"`
	Value       json.RawMessage   `json:"value"`
	Topic       string            `json:"topic"`
	Who         string            `json:"who"`
	Mode        string            `json:"mode"`
	Until       string            `json:"until"`
	What        string            `json:"what"`
	Firing      uint64            `json:"firing"`
	Step        json.RawMessage   `json:"step"`
	Finally     bool              `json:"finally"`
	Begun       *bool             `json:"begun"`
	Reason      string            `json:"reason"`
	Hash        string            `json:"hash"`
	Files       map[string]string `json:"files"`
	Lines       int64             `json:"lines"`
	State       json.RawMessage   `json:"state"`
	Memory      json.RawMessage   `json:"memory"`
	Marks       json.RawMessage   `json:"marks"`
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

// Parse reads one line, without its end; the text may be reused afterwards. Its Number is 0.
func Parse(text []byte) (*Line, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, errors.New("the line is empty")
	}
	return parse(text)
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
		Firing: w.Firing, Finally: w.Finally, Begun: w.Begun == nil || *w.Begun, Reason: w.Reason,
		Camera: w.Camera, ID: int(w.ID), Unknown: w.Unknown, Late: w.Late, Who: w.Who, What: w.What, Hash: w.Hash, Files: w.Files, Lines: w.Lines,
		State: w.State, Memory: w.Memory, Marks: w.Marks,
	}
	if l.Type == "" {
		l.Type = Post
	}
	if !l.Type.known() {
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
	if err := l.override(&w); err != nil {
		return nil, err
	}
	if err := l.step(w.Step); err != nil {
		return nil, err
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
	case reflect.Int32, reflect.Int64, reflect.Uint64:
		want = "a whole number"
	case reflect.Map:
		want = "an object of texts"
	}
	if t.Type == reflect.TypeFor[json.Number]() {
		want = "a number"
	}
	return fmt.Errorf("%q is not %s", t.Field, want)
}

// override takes the mode that a rule was given.
func (l *Line) override(w *wire) error {
	if l.Type != Override {
		return nil
	}
	if l.Mode = w.Mode; !slices.Contains([]string{"", "live", "shadow", "off"}, l.Mode) {
		return fmt.Errorf(`"mode": %q is not live, shadow or off`, cut(l.Mode))
	}
	if w.Until == "" {
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, w.Until)
	if err != nil {
		return fmt.Errorf(`"until": %q is not a time (try "2026-03-29T13:58:46.797Z")`, cut(w.Until))
	}
	l.Until = t
	return nil
}

// step takes the number of a step, or of the seconds that the wall clock was set by.
func (l *Line) step(raw json.RawMessage) error {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	switch l.Type {
	case Outcome:
		if json.Unmarshal(raw, &l.Index) != nil {
			return errors.New(`"step" is not a whole number`)
		}
	case Clock:
		text, back := strings.CutPrefix(string(raw), "-")
		d, ok := seconds(text)
		if !ok {
			return fmt.Errorf(`"step": %s is not a number of seconds`, cut(string(raw)))
		}
		if l.Step = d; back {
			l.Step = -d
		}
	}
	return nil
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

// Append adds a line with its end. Received must be of the years 0 to 9999. stripped
// says that the pictures were cut out of a post's body. What is not of the line's
// type is left out.
func Append(b []byte, l *Line, stripped bool) []byte {
	b = append(b, '{')
	if l.Type != Post {
		b = field(b, "type", string(l.Type))
	}
	b = append(key(b, "received"), '"')
	b = l.Received.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, '"')
	b = optional(b, "run", l.Run)
	if l.Late && (l.Type == Post || l.Type == Contact || l.Type == Alarm) {
		b = append(key(b, "late"), "true"...)
	}
	switch l.Type {
	case Post:
		b = appendPost(b, l, stripped)
	case Contact:
		b = optional(b, "name", l.Name)
		if l.Unknown {
			b = append(key(b, "unknown"), "true"...)
			break
		}
		b = strconv.AppendBool(key(b, "on"), l.On)
	case Relay:
		b = optional(b, "name", l.Name)
		b = strconv.AppendBool(key(b, "on"), l.On)
	case Camera:
		b = optional(b, "name", l.Name)
		b = strconv.AppendBool(key(b, "online"), l.On)
	case Alarm:
		b = optional(b, "camera", l.Camera)
		b = optional(b, "name", l.Name)
		if l.ID != 0 {
			b = strconv.AppendInt(key(b, "id"), int64(l.ID), 10)
		}
		if l.Unknown {
			b = append(key(b, "unknown"), "true"...)
			break
		}
		b = strconv.AppendBool(key(b, "on"), l.On)
	case Flag:
		b = optional(b, "name", l.Name)
		b = raw(b, "value", valid(l.Value))
	case Message:
		b = optional(b, "topic", l.Topic)
		b = raw(b, "body", valid(l.Body))
	case Command:
		b = optional(b, "who", l.Who)
		b = optional(b, "name", l.Name)
		b = optional(b, "what", l.What)
	case Override:
		b = optional(b, "name", l.Name)
		b = optional(b, "mode", l.Mode)
		if !l.Until.IsZero() {
			b = append(key(b, "until"), '"')
			b = append(l.Until.UTC().AppendFormat(b, time.RFC3339Nano), '"')
		}
		b = optional(b, "who", l.Who)
	case Outcome:
		b = strconv.AppendUint(key(b, "firing"), l.Firing, 10)
		b = strconv.AppendInt(key(b, "step"), int64(l.Index), 10)
		if l.Finally {
			b = append(key(b, "finally"), "true"...)
		}
		b = strconv.AppendBool(key(b, "begun"), l.Begun)
		b = optional(b, "reason", l.Reason)
	case Rules:
		b = optional(b, "hash", l.Hash)
		b = files(b, l.Files)
	case Clock:
		b = appendSeconds(key(b, "step"), l.Step)
	case Lost:
		b = strconv.AppendInt(key(b, "lines"), l.Lines, 10)
	case Snapshot:
		b = optional(b, "hash", l.Hash)
		b = raw(b, "state", l.State)
		b = raw(b, "memory", l.Memory)
		b = raw(b, "marks", l.Marks)
	}
	if l.HasMono {
		b = appendSeconds(key(b, "mono"), l.Mono)
	}
	return append(b, '}', '\n')
}

func appendPost(b []byte, l *Line, stripped bool) []byte {
	if l.Remote.IsValid() {
		b = append(key(b, "remote"), '"')
		b = append(l.Remote.AppendTo(b), '"')
	}
	b = optional(b, "path", l.Path)
	b = optional(b, "content_type", l.ContentType)
	b = optional(b, "camera", l.Camera)
	before := len(b)
	whole := false
	if utf8.Valid(l.Body) {
		b = appendText(key(b, "body"), l.Body)
		whole = len(b)-before <= MaxLine-envelope
	}
	if !whole {
		// Not a text, or so many characters are escaped that no reader would take it.
		b = append(key(b[:before], "body_base64"), '"')
		b = append(base64.StdEncoding.AppendEncode(b, l.Body), '"')
	}
	if stripped {
		b = field(b, "images", "stripped")
	}
	return b
}

// key begins a field.
func key(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

func field(b []byte, name, text string) []byte { return appendText(key(b, name), text) }

// optional leaves an empty text out.
func optional(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	return field(b, name, text)
}

// valid is null for what is no JSON.
func valid(value []byte) []byte {
	if len(value) == 0 || json.Valid(value) {
		return value
	}
	return []byte("null")
}

// raw adds what is JSON already, in one line.
func raw(b []byte, name string, value []byte) []byte {
	if len(value) == 0 {
		return b
	}
	if bytes.IndexByte(value, '\n') < 0 {
		return append(key(b, name), value...)
	}
	var line bytes.Buffer
	if json.Compact(&line, value) != nil {
		return b
	}
	return append(key(b, name), line.Bytes()...)
}

// files adds texts by name, in the order of the names.
func files(b []byte, texts map[string]string) []byte {
	if len(texts) == 0 {
		return b
	}
	b = append(key(b, "files"), '{')
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(appendText(b, name), ':')
		b = appendText(b, texts[name])
	}
	return append(b, '}')
}

// appendSeconds writes a time to the nanosecond, which a float cannot hold.
func appendSeconds(b []byte, d time.Duration) []byte {
	u := uint64(d)
	if d < 0 {
		b = append(b, '-')
		u = -u
	}
	b = strconv.AppendUint(b, u/uint64(time.Second), 10)
	b = append(b, '.')
	part := u % uint64(time.Second)
	for unit := uint64(time.Second) / 10; unit > 0; unit /= 10 {
		b = append(b, byte('0'+part/unit%10))
	}
	return b
}

// plain are the bytes that stand for themselves in a JSON string.
var plain = func() (t [256]bool) {
	for c := byte(' '); c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// appendText writes a JSON string. Letters of XML stand as they are: escaped they
// would be hard to read and a third longer.
func appendText[T string | []byte](b []byte, s T) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			b = append(b, s[done:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\r':
				b = append(b, '\\', 'r')
			case '\t':
				b = append(b, '\\', 't')
			default:
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			i++
			done = i
			continue
		}
		r, n := utf8.DecodeRuneInString(string(s[i:min(len(s), i+utf8.UTFMax)]))
		if r == utf8.RuneError && n == 1 || r == '\u2028' || r == '\u2029' {
			b = append(b, s[done:i]...)
			b = append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
			done = i + n
		}
		i += n
	}
	b = append(b, s[done:]...)
	return append(b, '"')
}

// cut shortens a text for a message.
func cut(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
