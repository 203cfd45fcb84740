package actions

import (
	"context"
	"errors"
	"time"

	"github.com/sallyport/sallyport/engine"
)

// Parcel is one durable step on its way to one destination, as it is kept on
// disk. Times are of the wall clock; zero is none.
type Parcel struct {
	ID   string // unique, the same at every try and over restarts
	Lane string // its destination
	Verb string
	Fold string // what it is an edit of, for people; empty when a later one never takes its place
	Body []byte // what is needed to carry it out; absent in [Runner.Outbox]

	Rule, Key, Step string // where it comes from
	Firing          int64  // the engine's number, of the run it comes from

	Created time.Time
	Due     time.Time // not tried before; zero = at once
	Expires time.Time // not tried after
	Tries   int
	Next    time.Time // when it is tried again
	Reason  string    // what the last try came to
}

// Store keeps parcels over restarts. Its methods must not block: Put is called
// from the engine's loop. It does what it is asked in the order in which it is asked.
type Store interface {
	// Put writes a parcel, and calls done once it is on disk (nil) or could not
	// be written. One with the same id takes the other's place.
	Put(p Parcel, done func(error))

	// Update notes tries, next try and reason of a parcel. It may be lost.
	Update(p Parcel)

	// Remove takes a parcel out, and calls done when that is on disk or could
	// not be written. One that is not there is no error.
	Remove(id string, done func(error))

	// Parcels are those that are kept, in the order of their first Put.
	Parcels(ctx context.Context) ([]Parcel, error)
}

// ErrNoParcel is what errors.Is finds when there is no parcel with an id.
var ErrNoParcel = errors.New("no such step is waiting")

// ErrUnderWay is what errors.Is finds when a step that is being tried is
// cancelled: this try goes on, and is the last one.
var ErrUnderWay = errors.New("it is being tried just now; it will not be tried again")

// Start takes up the parcels of earlier runs. It is called once, before the first
// Submit; after an error it may be called again.
func (r *Runner) Start(ctx context.Context) error { return nil }

// Plan keeps a durable step that is due later: it is on disk now, and tried when
// it is due, also after a restart. In this run it waits for [Runner.Submit] or
// [Runner.Unplan]. Other steps are left alone.
func (r *Runner) Plan(q engine.Request) {}

// Unplan takes back what Plan kept.
func (r *Runner) Unplan(firing uint64, index int, finally bool) {}

// Outbox shows the durable steps that wait or are being tried, in their order,
// without their bodies.
func (r *Runner) Outbox() []Parcel { return nil }

// Cancel gives a durable step up. The error is [ErrNoParcel] when there is none
// with this id, [ErrUnderWay] when it is being tried.
func (r *Runner) Cancel(id string) error { return ErrNoParcel }
