package engine

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// everyArgs has values of every verb, every part of them filled at least once.
func everyArgs() []Args {
	return []Args{
		RelayArgs{Relay: "gate", Op: RelayPulse, Pulse: 800 * time.Millisecond},
		RelayArgs{Relay: "gate", Op: RelayOn},
		RelayArgs{Relay: "gate", Op: RelayOff},
		RelayArgs{Relay: "gate", Op: RelayToggle},
		RelayArgs{Relay: "gate", Op: RelayFollow},
		HTTPArgs{},
		HTTPArgs{
			Method: "POST", URL: "https://example.com/a?b=%22", Headers: [][2]string{{"X-A", "1"}, {"X-A", "<&>"}},
			ContentType: "text/plain", Body: []byte{0, 255, '"'}, Image: "scene", ExpectMin: 200, ExpectMax: 299, Sign: "hook",
		},
		RunArgs{Argv: []string{"/bin/x", "", "-a\n\u2028"}, Env: []string{"A=1"}, Dir: "/tmp"},
		ShellArgs{Command: `echo "$SALLYPORT_PLATE"`},
		PlatesArgs{Op: PlatesAdd, Number: "ABC1234", List: "allow", Owner: "Ann", Cameras: []string{"gate"}, Valid: time.Hour},
		PlatesArgs{Op: PlatesRemove, Number: "ABC1234"},
		PlatesArgs{Op: PlatesUpdate, Number: "ABC1234", List: "allow", Phone: "+49 170 1"},
		PlatesArgs{Op: PlatesMove, Number: "ABC1234", List: "temporary", To: "allow"},
		CameraArgs{Camera: "nvr", VirtualAlarm: 17},
		CameraArgs{Camera: "nvr", VirtualAlarm: MaxVirtualAlarm},
		CameraArgs{Camera: "gate", Snapshot: true},
		NotifyArgs{Notifier: "phone", Title: "a", Text: "b", Image: "target"},
		FlagArgs{Flag: "armed"},
		FlagArgs{Flag: "armed", Set: boolean(false), For: time.Minute},
		FlagArgs{Flag: "level", Set: Scalar{Type: ScalarNumber, Number: -0.5}},
		FlagArgs{Flag: "mode", Set: Scalar{Type: ScalarText}},
		CountArgs{Line: "kerb", Set: -3},
		LogArgs{Text: "Größe \x00 \\"},
	}
}

func TestValuesOfEveryVerbComeBack(t *testing.T) {
	seen := make(map[Verb]bool)
	for _, a := range everyArgs() {
		seen[a.Verb()] = true
		b, err := EncodeArgs(a)
		if err != nil {
			t.Errorf("%#v: %v", a, err)
			continue
		}
		if got, err := DecodeArgs(a.Verb(), b); err != nil || !reflect.DeepEqual(got, a) {
			t.Errorf("%s gives %#v and %v, want %#v", b, got, err, a)
		}
	}
	for v := VerbRelay; v <= VerbLog; v++ {
		if !seen[v] && v != VerbMQTT { // which has no values in this version
			t.Errorf("no values of %s were tried", v)
		}
	}
	b, err := EncodeArgs(PlatesArgs{Number: "AB\xff12"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := DecodeArgs(VerbPlates, b); err != nil || got.(PlatesArgs).Number != "AB\ufffd12" {
		t.Errorf("a text that is not UTF-8 gives %#v and %v", got, err)
	}
}

type noArgs struct{}

func (noArgs) Verb() Verb { return VerbLog }

func TestValuesThatCannotBeWritten(t *testing.T) {
	for want, a := range map[string]Args{
		"the values of a step of type engine.noArgs cannot be written":                noArgs{},
		"the values of the flag step cannot be written: json: unsupported value: NaN": FlagArgs{Set: Scalar{Type: ScalarNumber, Number: math.NaN()}},
		"the values of the shell step have 2097166 bytes, more than 2097152":          ShellArgs{Command: strings.Repeat("x", MaxArgs)},
	} {
		if b, err := EncodeArgs(a); err == nil || err.Error() != want {
			t.Errorf("%.80s and %v, want %s", b, err, want)
		}
	}
}

func TestValuesThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		verb       Verb
		text, want string
	}{
		{VerbRelay, ``, "the values of the relay step are not readable: EOF"},
		{VerbRelay, `null`, "the values of the relay step are not readable: they are no object"},
		{VerbRelay, `{"relay":"gate","op":"pulse"} {}`, "the values of the relay step are not readable: something follows them"},
		{VerbRelay, `{"relay":"gate","op":"open"}`, "the values of the relay step are not readable: an unknown word"},
		{VerbRelay, `{"relay":"gate","op":"pulse","pulse":-1}`, "the values of the relay step are not readable: a time is out of bounds"},
		{VerbRelay, `{"relay":"gate","op":"pulse","extra":1}`, `the values of the relay step are not readable: json: unknown field "extra"`},
		{VerbHTTP, `{"method":"GET","url":"x","expect_min":300,"expect_max":200}`, "the values of the http step are not readable: a number is out of bounds"},
		{VerbHTTP, `{"method":"GET","url":"x","image":"/etc/passwd"}`, "the values of the http step are not readable: an unknown word"},
		{VerbPlates, `{"op":"add","number":"x","valid":9223372036854775807}`, "the values of the plates step are not readable: a time is out of bounds"},
		{VerbCamera, `{"camera":"nvr"}`, "the values of the camera step are not readable: a number is out of bounds"},
		{VerbCamera, `{"camera":"nvr","virtual_alarm":-1}`, "the values of the camera step are not readable: a number is out of bounds"},
		{VerbCamera, `{"camera":"nvr","virtual_alarm":65536}`, "the values of the camera step are not readable: a number is out of bounds"},
		{VerbCamera, `{"camera":"nvr","virtual_alarm":17,"snapshot":true}`, "the values of the camera step are not readable: a number is out of bounds"},
		{VerbFlag, `{"flag":"armed","set":{"bool":true,"text":"x"}}`, "the values of the flag step are not readable: a flag has no value or several"},
		{VerbCount, `{"line":"kerb","set":4294967296}`, "the values of the count step are not readable: a number is out of bounds"},
		{VerbMQTT, `{}`, "the values of the mqtt step are not readable: there is no such verb"},
		{Verb(99), `{}`, "the values of the  step are not readable: there is no such verb"},
		{VerbLog, `{"text":"` + strings.Repeat("x", MaxArgs) + `"}`, "the values of the step have 2097163 bytes, more than 2097152"},
	} {
		if a, err := DecodeArgs(c.verb, []byte(c.text)); err == nil || err.Error() != c.want {
			t.Errorf("%s %.80s: %v and %v, want %s", c.verb, c.text, a, err, c.want)
		}
	}
}

// FuzzDecodeArgs: what decodes is written again in one form, which gives the same.
func FuzzDecodeArgs(f *testing.F) {
	for _, a := range everyArgs() {
		b, err := EncodeArgs(a)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(a.Verb()), b)
	}
	f.Add(uint8(VerbRun), []byte(`{"ARGV":[null],"argv":null}`))
	f.Fuzz(func(t *testing.T, verb uint8, b []byte) {
		a, err := DecodeArgs(Verb(verb), b)
		if err != nil {
			return
		}
		if a.Verb() != Verb(verb) {
			t.Fatalf("%s gives values of %s", Verb(verb), a.Verb())
		}
		once, err := EncodeArgs(a)
		if err != nil {
			if len(b) > MaxArgs/8 {
				return // what is escaped takes more room
			}
			t.Fatal(err)
		}
		again, err := DecodeArgs(Verb(verb), once)
		if err != nil {
			t.Fatalf("%v of %s", err, once)
		}
		if twice, err := EncodeArgs(again); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%s becomes %s, %v", once, twice, err)
		}
	})
}
