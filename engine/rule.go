package engine

import (
	"time"

	"github.com/sallyport/sallyport/engine/scene"
)

// Per says what a rule holds one state for.
type Per uint8

// The keys a rule can be held per.
const (
	PerDefault Per = iota
	PerTarget
	PerVisit
	PerPlate
	PerCamera
	PerAlarm
	PerName
	PerRule
)

// perNames is indexed by Per.
var perNames = [...]string{"", "target", "visit", "plate", "camera", "alarm", "name", "rule"}

// String is the word after `per:`.
func (p Per) String() string {
	if int(p) < len(perNames) {
		return perNames[p]
	}
	return ""
}

// ParsePer finds a key kind by its word.
func ParsePer(s string) (Per, bool) {
	for p, n := range perNames {
		if n == s && s != "" {
			return Per(p), true
		}
	}
	return PerDefault, false
}

// Mode says what a rule may do.
type Mode uint8

// A live rule acts, a shadow rule only decides, an off rule is not looked at.
const (
	ModeLive Mode = iota
	ModeShadow
	ModeOff
)

// modeNames is indexed by Mode.
var modeNames = [...]string{"live", "shadow", "off"}

// String is the word after `mode:`.
func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return ""
}

// ParseMode finds a mode by its word.
func ParseMode(s string) (Mode, bool) {
	for m, n := range modeNames {
		if n == s {
			return Mode(m), true
		}
	}
	return ModeLive, false
}

// Reads says which parts of the world a condition reads, so that a standing
// rule or a `while` is judged again when one of them changed and only then.
type Reads uint8

// What a condition can read besides its own event.
const (
	ReadsClock   Reads = 1 << iota // now, schedules, clock_ok
	ReadsScene                     // occupancy, seen
	ReadsFlags                     // flag
	ReadsRelays                    // relay
	ReadsContact                   // contact
	ReadsCameras                   // camera state
	ReadsFirings                   // since
	ReadsCounts                    // crossings, balance
)

// Need is what a condition cannot be true without. It is what the engine's
// index is made of: a rule whose need is not met is not looked at, unless it
// has to be ended. Empty parts need nothing.
type Need struct {
	Cameras []int          // numbers in Ruleset.Cameras; any of them
	Classes scene.ClassSet // any of them
	Zones   []ZoneRef      // the target is, or on this look left, at least one of them
}

// Limit is the most firings of one key in a sliding window.
type Limit struct {
	Count int
	Per   time.Duration
}

// Rule is one rule, compiled. It never changes.
type Rule struct {
	Name string
	File string
	Line int
	// Identity is a hash of everything that makes the rule what it is. Equal
	// identities keep their state over a reload.
	Identity string

	On       []Kind // empty: a standing rule, looked at when something it reads changed
	Crons    []Cron // for KindCron, in the order written
	Per      Per
	Level    bool     // follows its condition; false: true for an instant only
	Statuses bool     // names event.status, so it is looked at for stop and procedure too
	AtEnd    bool     // names target.gone or left, so it gets a last look when a target ends
	Names    []string // contact, relay, flag, camera names it is looked at for; empty: all
	When     *Cond
	While    *Cond
	Reads    Reads // of a standing When and of While
	Need     Need
	// FirstZone is the first zone the condition names; empty when it names none.
	FirstZone string
	// Remember is set when some rule asks since() of this one.
	Remember bool

	For, Hold, Cooldown time.Duration
	Limit               Limit
	Repeat              bool
	Mode                Mode
	Do, Finally         []Step

	// Text is the rule's own lines of its file, and Uses what it names, for people to
	// see: the engine reads neither.
	Text string
	Uses Uses
}

// Uses are the names that a rule's conditions and steps hold, each once, in the order
// in which the files declare them; relays in the order of the steps that drive them.
type Uses struct {
	Zones, Lines, Lists, Relays []string
}

// Cron gives the instants of one cron expression.
type Cron interface {
	// Next is the first instant after t, in t's own zone; false when there is none.
	Next(t time.Time) (time.Time, bool)
}

// Schedule is a set of wall-clock windows.
type Schedule interface {
	// Holds says whether t lies in a window.
	Holds(t time.Time) bool
	// Next is the first edge after t; false when there is none.
	Next(t time.Time) (time.Time, bool)
}

// ZoneRef is a zone's number in Ruleset.Zones; LineRef a line's in Ruleset.Lines.
type (
	ZoneRef int
	LineRef int
)

// Place is where a zone or line stands: the camera's number and the number in its layout.
type Place struct {
	Name   string
	Camera int
	Index  int
	// File and Line are where it is declared, and Import is which of the camera's own it
	// is a copy of (perimeter/1), empty for none. They are for people to see.
	File   string
	Line   int
	Import string
}

// CameraDef is one camera with its zones and lines.
type CameraDef struct {
	Name   string
	Layout *scene.Layout
}

// NamedSchedule is a schedule under its name.
type NamedSchedule struct {
	Name string
	Schedule
}

// FlagDef declares a flag; its initial value gives the type.
type FlagDef struct {
	Name    string
	Initial Scalar
}

// Ruleset is everything the rule files say, ready to run. It is immutable: a
// reload makes a new one and swaps it whole.
type Ruleset struct {
	Hash      string
	Location  *time.Location // the site's zone; nil is UTC
	Cameras   []CameraDef    // in name order
	Zones     []Place
	Lines     []Place
	Lists     []*List
	Schedules []NamedSchedule
	Flags     []FlagDef
	Rules     []*Rule // in file order, then in order within the file
	// Imports are the devices' own zones and lines that zones and lines here are copies of, by camera and name, each once,
	// sorted: front/perimeter/1. Also those of which there is no accepted copy.
	Imports []string
}

// Camera finds a camera's number; -1 when there is none of that name.
func (rs *Ruleset) Camera(name string) int {
	lo, hi := 0, len(rs.Cameras)
	for lo < hi {
		m := (lo + hi) / 2
		if rs.Cameras[m].Name < name {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo < len(rs.Cameras) && rs.Cameras[lo].Name == name {
		return lo
	}
	return -1
}
