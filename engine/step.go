package engine

import "time"

// Step is one thing to do, as compiled from `do:` or `finally:`.
type Step struct {
	// Text is how the step is shown, without values: "relay gate pulse 800ms".
	Text    string
	If      *Cond
	After   time.Duration // from the start of the step before
	Timeout time.Duration // how long a try may take (10 s when not written)
	Expires time.Duration // not started later than this after it was due; 0 = never expires
	Retry   int           // tries beyond the first; 0 = none
	Durable bool
	Wait    bool // the next step waits for this one's end
	Stop    bool // on_error: stop
	// Args holds the step's values when they are constant.
	Args Args
	// Fill makes the values from a look; nil when Args is constant. A reason
	// that is not empty says why the step is skipped ("unknown").
	Fill func(*Look) (args Args, skip string)
}

// TriedOnce reports which of the two promises holds: a step tried once is never
// repeated and never comes from a queue; any other is told.
func (s *Step) TriedOnce() bool {
	switch s.Verb() {
	case VerbRelay, VerbCamera, VerbRun, VerbShell:
		return true
	case VerbHTTP, VerbMQTT:
		return s.Retry == 0 && !s.Durable
	}
	return false
}

// harmless reports a step that is tried once and moves nothing: a picture is taken.
// Whether it began says nothing about what its firing was for.
func (s *Step) harmless() bool {
	a, ok := s.Args.(CameraArgs)
	return ok && a.Snapshot
}

// Verb is the step's verb. A step with Fill says it by an empty Args of the verb's type.
func (s *Step) Verb() Verb {
	if s.Args == nil {
		return VerbNone
	}
	return s.Args.Verb()
}

// Verb is what a step does.
type Verb uint8

// The verbs of the rule language.
const (
	VerbNone Verb = iota
	VerbRelay
	VerbHTTP
	VerbRun
	VerbShell
	VerbPlates
	VerbCamera
	VerbNotify
	VerbMQTT
	VerbFlag
	VerbCount
	VerbLog
)

// verbNames is indexed by Verb.
var verbNames = [...]string{"", "relay", "http", "run", "shell", "plates", "camera", "notify", "mqtt", "flag", "count", "log"}

// String is the verb's word.
func (v Verb) String() string {
	if int(v) < len(verbNames) {
		return verbNames[v]
	}
	return ""
}

// Args are the values of one step, complete: whatever carries the step out
// needs nothing else. Values that came from outside are data in them.
type Args interface{ Verb() Verb }

// RelayOp is what a relay step asks for.
type RelayOp uint8

// The relay operations. Follow is on while the rule's key is active.
const (
	RelayPulse RelayOp = iota
	RelayOn
	RelayOff
	RelayToggle
	RelayFollow
)

// String is the operation's word.
func (o RelayOp) String() string {
	return [...]string{"pulse", "on", "off", "toggle", "follow"}[o%5]
}

// RelayArgs asks one relay.
type RelayArgs struct {
	Relay string
	Op    RelayOp
	Pulse time.Duration
}

// HTTPArgs is one HTTP call, every value encoded for its place already.
type HTTPArgs struct {
	Method, URL string
	Headers     [][2]string
	ContentType string
	Body        []byte
	Image       string // scene or target: send that picture as the body
	ExpectMin   int    // statuses ExpectMin..ExpectMax are success
	ExpectMax   int
	Sign        string // the secret of the site file that the call is signed with; empty = not signed
}

// RunArgs starts one program. Argv[0] is constant and allowed by the site file.
type RunArgs struct {
	Argv []string
	Env  []string // NAME=value
	Dir  string
}

// ShellArgs is one constant shell text; values reach it by variables only.
type ShellArgs struct{ Command string }

// PlatesOp is an edit of a camera's plate list.
type PlatesOp uint8

// The plate edits.
const (
	PlatesAdd PlatesOp = iota
	PlatesRemove
	PlatesUpdate
	PlatesMove
)

// String is the edit's word.
func (o PlatesOp) String() string { return [...]string{"add", "remove", "update", "move"}[o&3] }

// PlatesArgs edits plate lists on cameras. No cameras means all.
type PlatesArgs struct {
	Op      PlatesOp
	Number  string
	List    string // the list of the edit; of a move the one the plate comes from
	To      string // of a move: the list it comes to
	Owner   string // of an update: empty = as it is
	Phone   string // of an update: empty = as it is
	Cameras []string
	Valid   time.Duration // from the firing on; 0 = as the device sets it, of an update: as it is
}

// MaxVirtualAlarm is the largest id of a virtual alarm.
const MaxVirtualAlarm = 65535

// CameraArgs asks the device of one camera: for a virtual alarm or for a picture,
// never for both.
type CameraArgs struct {
	Camera       string
	VirtualAlarm int  // the id of a virtual alarm to raise, 1 to MaxVirtualAlarm; 0 = none
	Snapshot     bool // take a picture and keep it
}

// FlagArgs stores a value; For > 0 takes it back after that time.
type FlagArgs struct {
	Flag string
	Set  Scalar
	For  time.Duration
}

// CountArgs sets a line's balance, by the line's name.
type CountArgs struct {
	Line string
	Set  int
}

// NotifyArgs tells somebody.
type NotifyArgs struct {
	Notifier    string
	Title, Text string
	Image       string // scene or target: send that picture along
}

// LogArgs writes one line.
type LogArgs struct{ Text string }

// Verb methods.
func (RelayArgs) Verb() Verb  { return VerbRelay }
func (HTTPArgs) Verb() Verb   { return VerbHTTP }
func (RunArgs) Verb() Verb    { return VerbRun }
func (ShellArgs) Verb() Verb  { return VerbShell }
func (PlatesArgs) Verb() Verb { return VerbPlates }
func (CameraArgs) Verb() Verb { return VerbCamera }
func (NotifyArgs) Verb() Verb { return VerbNotify }
func (FlagArgs) Verb() Verb   { return VerbFlag }
func (CountArgs) Verb() Verb  { return VerbCount }
func (LogArgs) Verb() Verb    { return VerbLog }
