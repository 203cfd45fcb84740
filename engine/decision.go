package engine

import "time"

// DecisionType is what the engine decided or noticed.
type DecisionType uint8

// The types, as they stand in the journal and in `replay --json`.
const (
	DecisionEnter DecisionType = iota
	DecisionLeave
	DecisionCross
	DecisionVanish
	DecisionPlate
	DecisionFiring
	DecisionEnd
	DecisionSuppressed
	DecisionAction
)

// String is the type's word.
func (t DecisionType) String() string {
	return [...]string{"enter", "leave", "cross", "vanish", "plate", "firing", "end", "suppressed", "action"}[t%9]
}

// Decision is one line of what happened. Absent parts are zero.
type Decision struct {
	At        Instant
	Type      DecisionType
	Rule      *Rule
	Key       string
	Camera    string
	Target    uint64
	HasTarget bool
	Zone      string
	Line      string
	Direction string
	Since     time.Time
	Until     time.Time
	Dwell     time.Duration
	HasDwell  bool
	Step      string
	Reason    string

	// Firing is set on firing, end and action.
	Firing *Firing
	// Do is set on action when the step is to be carried out now.
	Do *Request
}

// Firing is one rule that came true for one key.
type Firing struct {
	ID     uint64 // counts from 1 in a run
	Rule   *Rule
	Key    string
	At     Instant
	Camera string // where it happened; empty when at no camera
	// Target is the target it is about, by the camera's number.
	Target    uint64
	HasTarget bool
	Zone      string // the first zone the condition names, when it names one
	Visit     string // the plate visit the firing belongs to; empty when none
	Event     *Event // a copy that the firings of one event share; not to be changed
	Shadow    bool

	serial uint64 // of the tracked target; 0 = none
	charge uint64 // its number among the marks; 0 = it charged nothing that a mark tells of
}

// Request is one step that is due. Whoever carries it out tells the engine with
// [Engine.Outcome].
type Request struct {
	Firing  *Firing
	Index   int  // the step's number in its list
	Finally bool // the step is of `finally:`
	Step    *Step
	Args    Args
	Due     time.Duration // decision clock
	Expires time.Duration // decision clock; not started later; 0 = never
	// Lease is set for a follow step: true takes the lease, false gives it back.
	Lease   bool
	LeaseOn bool
	// LeaseID names the lease: the same rule and key over a reload have the same one.
	LeaseID string
	// Mark is what a restart has to know of the request before anything moves by it;
	// nil when nothing has to be known.
	Mark *Mark
}

// Outcome is what became of a request.
type Outcome struct {
	Firing  uint64
	Index   int
	Finally bool
	// Begun is false only when the step surely did nothing. A timeout counts as begun.
	Begun bool
	// Reason says why not, or what failed; empty when all went well.
	Reason string
}
