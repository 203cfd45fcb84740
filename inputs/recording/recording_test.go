package recording

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// The moment the tests' lines were received.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 797_000_000, time.UTC)

const received = `"received":"2026-03-02T12:00:00.797Z"`

// TestLines reads each kind of line.
func TestLines(t *testing.T) {
	remote := netip.MustParseAddr("192.168.0.52")
	for _, c := range []struct {
		text string
		want Line
	}{
		{`{` + received + `,"mono":12.345,"run":"r1","remote":"192.168.0.52","path":"/API","content_type":"application/xml","body":"<a\n/>"}`,
			Line{Type: Post, Mono: 12345 * time.Millisecond, HasMono: true, Run: "r1", Remote: remote, Path: "/API", ContentType: "application/xml", Body: []byte("<a\n/>")}},
		{`{` + received + `,"type":"post","remote":"[::ffff:192.168.0.52]:4711","body_base64":"/zwvPg==","images":"stripped"}`,
			Line{Type: Post, Remote: remote, Body: []byte("\xff</>")}},
		{`{` + received + `,"body":""}`, Line{Type: Post, Body: []byte{}}},
		{`{` + received + `,"mono":0.000000001}`, Line{Type: Post, Mono: 1, HasMono: true}},
		{`{` + received + `,"mono":9000000000,"later":{"a":[1]}}`, Line{Type: Post, Mono: 9_000_000_000 * time.Second, HasMono: true}},
		{`{"received":"2026-03-02T13:00:00.797+01:00","type":"contact","name":"door","on":true}`, Line{Type: Contact, Name: "door", On: true}},
		{`{` + received + `,"type":"message","topic":"gate/open","body":{"user":"ann"}}`, Line{Type: Message, Topic: "gate/open", Body: []byte(`{"user":"ann"}`)}},
		{`{` + received + `,"type":"flag","name":"armed","value":true}`, Line{Type: Flag, Name: "armed", Value: []byte("true")}},
		{`{` + received + `,"type":"camera","name":"porch","online":true}`, Line{Type: Camera, Name: "porch", On: true}},
		{`{` + received + `,"type":"alarm","camera":"porch","name":"perimeter","id":1,"on":true,"late":true}`,
			Line{Type: Alarm, Camera: "porch", Name: "perimeter", ID: 1, On: true, Late: true}},
		{`{` + received + `,"type":"relay","name":"gate","on":true}`, Line{Type: Relay, Name: "gate", On: true}},
		{`{` + received + `,"type":"outcome","firing":1,"step":2,"finally":true,"begun":false,"reason":"blocked"}`,
			Line{Type: Outcome, Firing: 1, Index: 2, Finally: true, Reason: "blocked"}},
		{`{` + received + `,"type":"outcome","step":null}`, Line{Type: Outcome, Begun: true}},
		{`{` + received + `,"camera":"porch","body":"<a/>"}`, Line{Type: Post, Camera: "porch", Body: []byte("<a/>")}},
		{`{` + received + `,"type":"contact","name":"door","unknown":true}`, Line{Type: Contact, Name: "door", Unknown: true}},
		{`{` + received + `,"type":"override","name":"gate for all","mode":"off","until":"2026-03-02T12:00:00.797Z","who":"ann"}`,
			Line{Type: Override, Name: "gate for all", Mode: "off", Until: noon, Who: "ann"}},
		{`{` + received + `,"type":"override","name":"gate"}`, Line{Type: Override, Name: "gate"}},
		{`{` + received + `,"type":"command","who":"ann","name":"gate","what":"pulse 800ms"}`, Line{Type: Command, Who: "ann", Name: "gate", What: "pulse 800ms"}},
		{`{` + received + `,"type":"rules","hash":"ab12","files":{"gate.yaml":"rules: []\n"}}`,
			Line{Type: Rules, Hash: "ab12", Files: map[string]string{"gate.yaml": "rules: []\n"}}},
		{`{` + received + `,"type":"clock"}`, Line{Type: Clock}},
		{`{` + received + `,"type":"clock","step":-3600.5}`, Line{Type: Clock, Step: -3600500 * time.Millisecond}},
		{`{` + received + `,"type":"snapshot","hash":"ab12","state":{"a":[1]}}`, Line{Type: Snapshot, Hash: "ab12", State: []byte(`{"a":[1]}`)}},
		{`{` + received + `,"type":"snapshot","memory":{"version":1},"marks":[{"seq":1}]}`,
			Line{Type: Snapshot, Memory: []byte(`{"version":1}`), Marks: []byte(`[{"seq":1}]`)}},
		{`{` + received + `,"type":"start"}`, Line{Type: Start}},
		{`{` + received + `,"type":"stop"}`, Line{Type: Stop}},
		{`{` + received + `,"type":"lost","lines":12}`, Line{Type: Lost, Lines: 12}},
		{`{` + received + `,"type":"lead"}`, Line{Type: Lead}},
	} {
		if c.want.Type != Outcome || c.want.Firing == 0 {
			c.want.Begun = true
		}
		r := NewReader("a.jsonl", strings.NewReader("\n  \n"+c.text))
		got, err := r.Next()
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		c.want.Number = 3
		if !got.Received.Equal(noon) {
			t.Errorf("%s: received %v", c.text, got.Received)
		}
		c.want.Received = got.Received
		if !reflect.DeepEqual(*got, c.want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.text, *got, c.want)
		}
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
	}
}

// TestMistakes holds the whole messages, and that the line after a mistake is read.
func TestMistakes(t *testing.T) {
	long := strings.Repeat("ü", 50)
	for _, c := range []struct{ text, want string }{
		{`hello`, `not a JSON object; a replay file has one object a line`},
		{`[{}]`, `not a JSON object; a replay file has one object a line`},
		{`{"received"}`, `not valid JSON: invalid character '}' after object key`},
		{`{` + received, `not valid JSON: unexpected end of JSON input`},
		{`{` + received + `} {}`, `not valid JSON: invalid character '{' after top-level value`},
		{`{}`, `"received" is missing`},
		{`{"received":""}`, `"received" is missing`},
		{`{"received":12}`, `"received" is not a text`},
		{`{"received":"yesterday"}`, `"received": "yesterday" is not a time (try "2026-03-29T13:58:46.797Z")`},
		{`{"received":"` + long + `"}`, `"received": "` + long[:80] + `…" is not a time (try "2026-03-29T13:58:46.797Z")`},
		{`{` + received + `,"type":"pots"}`, `unknown type "pots"`},
		{`{` + received + `,"type":["post"]}`, `"type" is not a text`},
		{`{` + received + `,"mono":-1}`, `"mono": "-1" is not a number of seconds from 0 to 9000000000`},
		{`{` + received + `,"mono":1e3}`, `"mono": "1e3" is not a number of seconds from 0 to 9000000000`},
		{`{` + received + `,"mono":9999999999}`, `"mono": "9999999999" is not a number of seconds from 0 to 9000000000`},
		{`{` + received + `,"mono":1.0000000001}`, `"mono": "1.0000000001" is not a number of seconds from 0 to 9000000000`},
		{`{` + received + `,"mono":{}}`, `"mono" is not a number`},
		{`{` + received + `,"remote":"porch"}`, `"remote": "porch" is not an address`},
		{`{` + received + `,"body":{"a":1}}`, `"body" is not a text`},
		{`{` + received + `,"body":"a","body_base64":"YQ=="}`, `"body" and "body_base64" are both there`},
		{`{` + received + `,"body_base64":"a"}`, `"body_base64" is not base64`},
		{`{` + received + `,"type":"contact","on":"yes"}`, `"on" is not true or false`},
		{`{` + received + `,"type":"outcome","firing":-1}`, `"firing" is not a whole number`},
		{`{` + received + `,"type":"alarm","id":2147483648}`, `"id" is not a whole number`},
		{`{` + received + `,"type":"outcome","step":1.5}`, `"step" is not a whole number`},
		{`{` + received + `,"type":"outcome","step":"1"}`, `"step" is not a whole number`},
		{`{` + received + `,"type":"clock","step":"1"}`, `"step": "1" is not a number of seconds`},
		{`{` + received + `,"type":"clock","step":1e3}`, `"step": 1e3 is not a number of seconds`},
		{`{` + received + `,"type":"override","mode":"on"}`, `"mode": "on" is not live, shadow or off`},
		{`{` + received + `,"type":"override","until":"soon"}`, `"until": "soon" is not a time (try "2026-03-29T13:58:46.797Z")`},
		{`{` + received + `,"type":"lost","lines":"many"}`, `"lines" is not a whole number`},
		{`{` + received + `,"type":"rules","files":["gate.yaml"]}`, `"files" is not an object of texts`},
		{`{` + received + `,"type":"rules","files":{"gate.yaml":1}}`, `"files" is not a text`},
	} {
		r := NewReader("a.jsonl", strings.NewReader(c.text+"\n{"+received+"}\n"))
		if l, err := r.Next(); err == nil || err.Error() != "a.jsonl:1: "+c.want {
			t.Errorf("%s:\ngot  %v, %+v\nwant a.jsonl:1: %s", c.text, err, l, c.want)
		}
		if l, err := r.Next(); err != nil || l.Number != 2 {
			t.Errorf("%s: the line after it: %+v, %v", c.text, l, err)
		}
	}
}

// TestLongLine shows that a line too long is passed over as one line.
func TestLongLine(t *testing.T) {
	text := strings.Repeat("x", MaxLine+1) + "\n{" + received + "}"
	r := NewReader("a.jsonl", strings.NewReader(text))
	if _, err := r.Next(); fmt.Sprint(err) != "a.jsonl:1: the line is longer than 17 MB" {
		t.Errorf("got %v", err)
	}
	if l, err := r.Next(); err != nil || l.Number != 2 {
		t.Errorf("the line after it: %+v, %v", l, err)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

// TestUnreadable shows that a file that fails ends: a caller that passes over
// mistakes must not go on for ever.
func TestUnreadable(t *testing.T) {
	broken := errors.New("is a directory")
	r := NewReader("a.jsonl", io.MultiReader(strings.NewReader("{"+received+"}\n"), iotest.ErrReader(broken)))
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); fmt.Sprint(err) != "a.jsonl: is a directory" || !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("afterwards: %v", err)
	}
}

// TestAppend writes lines as they stand in a file.
func TestAppend(t *testing.T) {
	for _, c := range []struct {
		line     Line
		stripped bool
		want     string
	}{
		{Line{Type: Post, HasMono: true, Mono: 12345 * time.Millisecond, Run: "r1", Remote: netip.MustParseAddr("10.0.0.1"), Path: "/c/~gate", ContentType: "text/xml", Body: []byte(`<a b="1"/>`)}, true,
			`{"received":"2026-03-02T12:00:00.797Z","run":"r1","remote":"10.0.0.1","path":"/c/~gate","content_type":"text/xml","body":"<a b=\"1\"/>","images":"stripped","mono":12.345000000}`},
		{Line{Type: Post, Body: []byte("\xff")}, false, `{"received":"2026-03-02T12:00:00.797Z","body_base64":"/w=="}`},
		{Line{Type: Contact, Name: "door"}, false, `{"type":"contact","received":"2026-03-02T12:00:00.797Z","name":"door","on":false}`},
		{Line{Type: Relay, Name: "gate", On: true}, false, `{"type":"relay","received":"2026-03-02T12:00:00.797Z","name":"gate","on":true}`},
		{Line{Type: Outcome, Firing: 3, Begun: true, HasMono: true, Mono: 1}, false,
			`{"type":"outcome","received":"2026-03-02T12:00:00.797Z","firing":3,"step":0,"begun":true,"mono":0.000000001}`},
		{Line{Type: Post, Camera: "gate", Body: []byte("\"\\\t\r\n\x01\u2028<é&>")}, false,
			`{"received":"2026-03-02T12:00:00.797Z","camera":"gate","body":"\"\\\t\r\n\u0001\u2028<é&>"}`},
		{Line{Type: Contact, Name: "door", Unknown: true}, false, `{"type":"contact","received":"2026-03-02T12:00:00.797Z","name":"door","unknown":true}`},
		{Line{Type: Camera, Name: "porch\xff"}, false, `{"type":"camera","received":"2026-03-02T12:00:00.797Z","name":"porch\ufffd","online":false}`},
		{Line{Type: Alarm, Camera: "gate", Name: "motion", ID: 2, Late: true}, false,
			`{"type":"alarm","received":"2026-03-02T12:00:00.797Z","late":true,"camera":"gate","name":"motion","id":2,"on":false}`},
		{Line{Type: Alarm, Camera: "gate", Name: "motion", On: true, Unknown: true}, false,
			`{"type":"alarm","received":"2026-03-02T12:00:00.797Z","camera":"gate","name":"motion","unknown":true}`},
		{Line{Type: Flag, Name: "armed", Value: []byte("true")}, false, `{"type":"flag","received":"2026-03-02T12:00:00.797Z","name":"armed","value":true}`},
		{Line{Type: Message, Topic: "gate/open", Body: []byte("{\n \"a\": [1, 2]}")}, false,
			`{"type":"message","received":"2026-03-02T12:00:00.797Z","topic":"gate/open","body":{"a":[1,2]}}`},
		{Line{Type: Message, Topic: "x", Body: []byte("{")}, false, `{"type":"message","received":"2026-03-02T12:00:00.797Z","topic":"x","body":null}`},
		{Line{Type: Override, Name: "gate", Mode: "off", Until: noon, Who: "ann"}, false,
			`{"type":"override","received":"2026-03-02T12:00:00.797Z","name":"gate","mode":"off","until":"2026-03-02T12:00:00.797Z","who":"ann"}`},
		{Line{Type: Override, Name: "gate"}, false, `{"type":"override","received":"2026-03-02T12:00:00.797Z","name":"gate"}`},
		{Line{Type: Command, Who: "ann", Name: "gate", What: "pulse 800ms"}, false,
			`{"type":"command","received":"2026-03-02T12:00:00.797Z","who":"ann","name":"gate","what":"pulse 800ms"}`},
		{Line{Type: Rules, Hash: "ab", Files: map[string]string{"b.yaml": "x: 1\n", "a.yaml": ""}}, false,
			`{"type":"rules","received":"2026-03-02T12:00:00.797Z","hash":"ab","files":{"a.yaml":"","b.yaml":"x: 1\n"}}`},
		{Line{Type: Clock, Step: -time.Hour - time.Millisecond}, false, `{"type":"clock","received":"2026-03-02T12:00:00.797Z","step":-3600.001000000}`},
		{Line{Type: Snapshot, Hash: "ab", State: []byte(`{"a":1}`)}, false, `{"type":"snapshot","received":"2026-03-02T12:00:00.797Z","hash":"ab","state":{"a":1}}`},
		{Line{Type: Snapshot, Memory: []byte("{}\n"), Marks: []byte("[]")}, false,
			`{"type":"snapshot","received":"2026-03-02T12:00:00.797Z","memory":{},"marks":[]}`},
		{Line{Type: Start, Run: "r1", HasMono: true}, false, `{"type":"start","received":"2026-03-02T12:00:00.797Z","run":"r1","mono":0.000000000}`},
		{Line{Type: Stop}, false, `{"type":"stop","received":"2026-03-02T12:00:00.797Z"}`},
		{Line{Type: Lost, Lines: 12}, false, `{"type":"lost","received":"2026-03-02T12:00:00.797Z","lines":12}`},
		{Line{Type: Lead}, false, `{"type":"lead","received":"2026-03-02T12:00:00.797Z"}`},
	} {
		c.line.Received = noon
		got := string(Append([]byte("before\n"), &c.line, c.stripped))
		if got != "before\n"+c.want+"\n" {
			t.Errorf("got  %swant before\n%s\n", got, c.want)
		}
	}
}

// TestLargestPost shows that whatever the camera port takes can be written and read.
func TestLargestPost(t *testing.T) {
	for _, fill := range []string{"<", "\x01"} {
		l := &Line{Type: Post, Received: noon, HasMono: true, Body: []byte(strings.Repeat(fill, 8<<20))}
		got, err := NewReader("a.jsonl", bytes.NewReader(Append(nil, l, false))).Next()
		if err != nil {
			t.Errorf("%q: %v", fill, err)
		} else if !bytes.Equal(got.Body, l.Body) {
			t.Errorf("%q: the body does not come back", fill)
		}
	}
}

// TestTextsAreWrittenAsByTheLibrary compares every character with encoding/json.
func TestTextsAreWrittenAsByTheLibrary(t *testing.T) {
	check := func(text string) {
		t.Helper()
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(text); err != nil {
			t.Fatal(err)
		}
		got := string(appendText(nil, text)) + "\n"
		// The library has short forms of these two.
		got = strings.NewReplacer(`\u0008`, `\b`, `\u000c`, `\f`).Replace(got)
		if got != want.String() {
			t.Errorf("%q: got %s want %s", text, got, want.String())
		}
	}
	for r := rune(0); r < 0x3000; r++ {
		check("a" + string(r) + "b" + string(r))
	}
	for _, s := range []string{"", "\xff", "a\xc3", "\xed\xa0\x80", "😀", "\U0010ffff", "�"} {
		check(s)
	}
}

// BenchmarkAppendPost is what the loop pays for recording a frame.
func BenchmarkAppendPost(b *testing.B) {
	l := &Line{Type: Post, Received: noon, HasMono: true, Run: "r", Remote: netip.MustParseAddr("192.168.0.52"), Path: "/API", ContentType: "text/xml",
		Camera: "gate", Body: []byte(strings.Repeat("<item attribute=\"value\">some text</item>\n", 36))}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = Append(buf[:0], l, false)
	}
}

// FuzzReader reads anything: it ends, numbers its lines, and what it takes can be
// written and comes back.
func FuzzReader(f *testing.F) {
	for _, s := range []string{
		"hello\n\n{}\n", "{" + received + "}\n{" + received,
		`{` + received + `,"mono":12.345,"run":"r1","remote":"192.168.0.52","path":"/API","content_type":"application/xml","body":"<a\u2028/>"}`,
		`{` + received + `,"body_base64":"/zwvPg=="}` + "\r\n" + `{` + received + `,"type":"outcome","firing":1,"step":2,"finally":true,"begun":false}`,
		`{` + received + `,"type":"message","topic":"x","body":{"a":[1,null]}}`, `{"type":"flag","received":"0000-01-01T00:00:00Z","value":null}`,
		`{` + received + `,"type":"contact","name":"door","on":true,"mono":9000000000.999999999,"remote":"fe80::1%eth0"}`,
		`{` + received + `,"type":"clock","step":-0.5}` + "\n" + `{` + received + `,"type":"rules","hash":"a","files":{"a":"b"}}` + "\n" + `{` + received + `,"type":"lost","lines":-3}`,
		`{` + received + `,"type":"snapshot","hash":"a","state":{"a":[1.0e3]},"memory":null,"marks":[{}]}` + "\n" + `{` + received + `,"type":"start"}` + "\n" + `{` + received + `,"type":"lead"}`,
		`{` + received + `,"type":"command","who":"a","what":"b","name":"c"}` + "\n" + `{` + received + `,"type":"stop","camera":"x","unknown":true}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := NewReader("a.jsonl", bytes.NewReader(data))
		lines := bytes.Count(data, []byte("\n")) + 1
		last := 0
		for range lines + 1 {
			l, err := r.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				if !strings.HasPrefix(err.Error(), "a.jsonl:") || strings.ContainsAny(err.Error(), "\r\n") {
					t.Errorf("message %q", err)
				}
				continue
			}
			if l.Number <= last || l.Number > lines {
				t.Errorf("line %d after %d, of %d", l.Number, last, lines)
			}
			last = l.Number
			if l.Mono < 0 {
				t.Errorf("decision clock %v", l.Mono)
			}
			roundTrip(t, l)
		}
		t.Error("it does not end")
	})
}

// roundTrip writes a line and reads it back; what is written of it must come back.
func roundTrip(t *testing.T, l *Line) {
	written := Append(nil, l, false)
	if year := l.Received.UTC().Year(); year < 0 || year > 9999 {
		return // an offset took it out of what can be written
	}
	again, err := NewReader("b.jsonl", bytes.NewReader(written)).Next()
	if err != nil {
		t.Fatalf("%s: %v", written, err)
	}
	again.Number = l.Number
	if !again.Received.Equal(l.Received) {
		t.Errorf("%v came back as %v", l.Received, again.Received)
	}
	again.Received = l.Received
	// What is written of a line is what belongs to its type.
	want := Line{Number: l.Number, Type: l.Type, Received: l.Received, Mono: l.Mono, HasMono: l.HasMono, Run: l.Run, Begun: true}
	switch l.Type {
	case Post:
		want.Remote, want.Path, want.ContentType, want.Camera, want.Body = l.Remote, l.Path, l.ContentType, l.Camera, l.Body
		if want.Body == nil {
			want.Body = []byte{}
		}
	case Contact:
		want.Name, want.On, want.Unknown = l.Name, l.On && !l.Unknown, l.Unknown
	case Relay, Camera:
		want.Name, want.On = l.Name, l.On
	case Alarm:
		want.Camera, want.Name, want.ID, want.On, want.Unknown = l.Camera, l.Name, l.ID, l.On && !l.Unknown, l.Unknown
	case Flag:
		want.Name, want.Value = l.Name, l.Value
	case Message:
		want.Topic, want.Body = l.Topic, l.Body
	case Command:
		want.Who, want.Name, want.What = l.Who, l.Name, l.What
	case Outcome:
		want.Firing, want.Index, want.Finally, want.Begun, want.Reason = l.Firing, l.Index, l.Finally, l.Begun, l.Reason
	case Rules:
		want.Hash = l.Hash
		if len(l.Files) > 0 {
			want.Files = l.Files
		}
	case Clock:
		want.Step = l.Step
	case Lost:
		want.Lines = l.Lines
	case Snapshot:
		want.Hash, want.State, want.Memory, want.Marks = l.Hash, l.State, l.Memory, l.Marks
	}
	if !reflect.DeepEqual(*again, want) {
		t.Errorf("%+v\ncame back as %+v\nfrom %s", want, *again, written)
	}
}
