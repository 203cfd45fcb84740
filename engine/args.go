package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// MaxArgs bounds the bytes of encoded [Args].
const MaxArgs = 2 << 20

// The values of the verbs as they are written. Times are in nanoseconds, bodies are
// in base64, and empty parts are left out.
type (
	savedRelay struct {
		Relay string        `json:"relay"`
		Op    string        `json:"op"`
		Pulse time.Duration `json:"pulse,omitempty"`
	}
	savedHTTP struct {
		Method      string      `json:"method"`
		URL         string      `json:"url"`
		Headers     [][2]string `json:"headers,omitempty"`
		ContentType string      `json:"content_type,omitempty"`
		Body        []byte      `json:"body,omitempty"`
		Image       string      `json:"image,omitempty"`
		ExpectMin   int         `json:"expect_min,omitempty"`
		ExpectMax   int         `json:"expect_max,omitempty"`
		Sign        string      `json:"sign,omitempty"`
	}
	savedRun struct {
		Argv []string `json:"argv"`
		Env  []string `json:"env,omitempty"`
		Dir  string   `json:"dir,omitempty"`
	}
	savedShell struct {
		Command string `json:"command"`
	}
	savedPlates struct {
		Op      string        `json:"op"`
		Number  string        `json:"number"`
		List    string        `json:"list,omitempty"`
		To      string        `json:"to,omitempty"`
		Owner   string        `json:"owner,omitempty"`
		Phone   string        `json:"phone,omitempty"`
		Cameras []string      `json:"cameras,omitempty"`
		Valid   time.Duration `json:"valid,omitempty"`
	}
	savedCameraArgs struct {
		Camera       string `json:"camera"`
		VirtualAlarm int64  `json:"virtual_alarm,omitempty"`
		Snapshot     bool   `json:"snapshot,omitempty"`
	}
	savedNotify struct {
		Notifier string `json:"notifier"`
		Title    string `json:"title,omitempty"`
		Text     string `json:"text,omitempty"`
		Image    string `json:"image,omitempty"`
	}
	savedFlagArgs struct {
		Flag string        `json:"flag"`
		Set  *savedScalar  `json:"set,omitempty"` // none for a step whose value is made later
		For  time.Duration `json:"for,omitempty"`
	}
	savedCount struct {
		Line string `json:"line"`
		Set  int64  `json:"set"`
	}
	savedLog struct {
		Text string `json:"text"`
	}
)

// EncodeArgs gives the values of a step as one JSON object, always the same for the
// same values. [DecodeArgs] with the same verb gives them back; what is not UTF-8 in
// a text comes back as U+FFFD, and an empty list as none. It is an error when they
// have more than [MaxArgs] bytes, when a number cannot be written, or for a type that
// no verb has.
func EncodeArgs(a Args) ([]byte, error) {
	var v any
	switch a := a.(type) {
	case RelayArgs:
		v = savedRelay{a.Relay, a.Op.String(), a.Pulse}
	case HTTPArgs:
		v = savedHTTP(a)
	case RunArgs:
		v = savedRun(a)
	case ShellArgs:
		v = savedShell(a)
	case PlatesArgs:
		v = savedPlates{a.Op.String(), a.Number, a.List, a.To, a.Owner, a.Phone, a.Cameras, a.Valid}
	case CameraArgs:
		v = savedCameraArgs{a.Camera, int64(a.VirtualAlarm), a.Snapshot}
	case NotifyArgs:
		v = savedNotify(a)
	case FlagArgs:
		f := savedFlagArgs{Flag: a.Flag, For: a.For}
		if a.Set.Type != ScalarNone {
			set := saveScalar(a.Set)
			f.Set = &set
		}
		v = f
	case CountArgs:
		v = savedCount{a.Line, int64(a.Set)}
	case LogArgs:
		v = savedLog(a)
	default:
		return nil, fmt.Errorf("the values of a step of type %T cannot be written", a)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("the values of the %s step cannot be written: %w", a.Verb(), err)
	}
	if len(b) > MaxArgs {
		return nil, fmt.Errorf("the values of the %s step have %d bytes, more than %d", a.Verb(), len(b), MaxArgs)
	}
	return b, nil
}

// DecodeArgs reads what [EncodeArgs] wrote for a step of the verb. Whatever else it
// is given, it gives an error or values such as that verb's steps can have: the
// operations are known ones and times and numbers lie within their bounds. Whether
// names still exist, and whether a program or an address is allowed, it does not say.
func DecodeArgs(v Verb, b []byte) (Args, error) {
	if len(b) > MaxArgs {
		return nil, fmt.Errorf("the values of the step have %d bytes, more than %d", len(b), MaxArgs)
	}
	a, err := decodeArgs(v, b)
	if err != nil {
		return nil, fmt.Errorf("the values of the %s step are not readable: %w", v, err)
	}
	return a, nil
}

var (
	errTime   = errors.New("a time is out of bounds")
	errNumber = errors.New("a number is out of bounds")
	errWord   = errors.New("an unknown word")
)

func decodeArgs(v Verb, b []byte) (Args, error) {
	switch v {
	case VerbRelay:
		var s savedRelay
		if err := decodeStrict(b, &s); err != nil {
			return nil, err
		}
		for op := RelayPulse; op <= RelayFollow; op++ {
			if op.String() == s.Op {
				return RelayArgs{s.Relay, op, s.Pulse}, timesOf(s.Pulse)
			}
		}
		return nil, errWord
	case VerbHTTP:
		var s savedHTTP
		if err := decodeStrict(b, &s); err != nil {
			return nil, err
		}
		if s.ExpectMin < 0 || s.ExpectMax < s.ExpectMin || s.ExpectMax > 999 {
			return nil, errNumber
		}
		return HTTPArgs(s), imageOf(s.Image)
	case VerbRun:
		var s savedRun
		err := decodeStrict(b, &s)
		return RunArgs(s), err
	case VerbShell:
		var s savedShell
		err := decodeStrict(b, &s)
		return ShellArgs(s), err
	case VerbPlates:
		var s savedPlates
		if err := decodeStrict(b, &s); err != nil {
			return nil, err
		}
		for op := PlatesAdd; op <= PlatesMove; op++ {
			if op.String() == s.Op {
				return PlatesArgs{op, s.Number, s.List, s.To, s.Owner, s.Phone, s.Cameras, s.Valid}, timesOf(s.Valid)
			}
		}
		return nil, errWord
	case VerbCamera:
		var s savedCameraArgs
		if err := decodeStrict(b, &s); err != nil {
			return nil, err
		}
		if s.VirtualAlarm < 0 || s.VirtualAlarm > MaxVirtualAlarm || (s.VirtualAlarm > 0) == s.Snapshot {
			return nil, errNumber
		}
		return CameraArgs{s.Camera, int(s.VirtualAlarm), s.Snapshot}, nil
	case VerbNotify:
		var s savedNotify
		if err := decodeStrict(b, &s); err != nil {
			return nil, err
		}
		return NotifyArgs(s), imageOf(s.Image)
	case VerbFlag:
		return decodeFlag(b)
	case VerbCount:
		var s savedCount
		if err := decodeStrict(b, &s); err != nil {
			return nil, err
		}
		if s.Set < -maxSavedNumber || s.Set > maxSavedNumber {
			return nil, errNumber
		}
		return CountArgs{s.Line, int(s.Set)}, nil
	case VerbLog:
		var s savedLog
		err := decodeStrict(b, &s)
		return LogArgs(s), err
	}
	return nil, errors.New("there is no such verb")
}

func decodeFlag(b []byte) (Args, error) {
	var s savedFlagArgs
	if err := decodeStrict(b, &s); err != nil {
		return nil, err
	}
	a := FlagArgs{Flag: s.Flag, For: s.For}
	if s.Set != nil {
		var c stateChecker
		if c.scalar(s.Set); c.bad != "" {
			return nil, errors.New(c.bad)
		}
		a.Set = s.Set.scalar()
	}
	return a, timesOf(s.For)
}

// timesOf checks times of values.
func timesOf(times ...time.Duration) error {
	for _, d := range times {
		if d < 0 || d > maxAge {
			return errTime
		}
	}
	return nil
}

// imageOf checks the name of a picture.
func imageOf(name string) error {
	if !slices.Contains([]string{"", "scene", "target"}, name) {
		return errWord
	}
	return nil
}

// decodeStrict reads one JSON object that has no other fields than v has.
func decodeStrict(b []byte, v any) error {
	if t := bytes.TrimLeft(b, " \t\r\n"); len(t) > 0 && t[0] != '{' {
		return errors.New("they are no object")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows them")
	}
	return nil
}
