package journal

import "time"

// The kinds of entries.
const (
	KindEvent      = "event"
	KindFiring     = "firing"
	KindSuppressed = "suppressed"
	KindAction     = "action"
	KindRelay      = "relay"
	KindReload     = "reload"
	KindLogin      = "login"
	KindError      = "error"
)

// What a [Query] can ask for besides kinds: of the entries of [KindFiring] the firings alone, and their ends alone.
const (
	OnlyFirings = "only firings"
	OnlyEnds    = "only ends"
)

// Entry is one thing that happened.
type Entry struct {
	ID   int64     // given by [Journal.Add]
	At   time.Time // wall clock; kept to the microsecond
	Kind string    // one of the kinds
	// What it is about; empty when it is about none. They are what a [Query] looks
	// for. A plate is kept without what never counts in one.
	Camera, Rule, Key, Relay, Plate string
	// Event and Firing are the ids of the entries that led here; 0 = none.
	Event, Firing int64
	// Body is one JSON object with the rest.
	Body []byte
	// Images are its pictures.
	Images []Image

	// Hash is the entry's link of the chain, in hexadecimal. It is set on entries that are read.
	Hash string
}

// Image is a picture of an entry.
type Image struct {
	Name string // scene, target or snapshot
	// Size is how many bytes it has. When it is added this is how much memory it holds while it waits.
	Size int64
	// Bytes gives the picture when it is added. It is called once, by the journal's own goroutine. Nil on entries that are read.
	Bytes func() ([]byte, error)
	// SHA256 is its hash in hexadecimal, Missing why it was not kept. One of the two is set on entries that are read.
	SHA256  string
	Missing string
}
