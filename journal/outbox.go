package journal

import (
	"context"
	"time"
)

// Parcel is one step that must not be lost, until it was carried out.
type Parcel struct {
	ID               string // names it for ever
	Lane, Verb, Fold string
	Body             []byte
	Rule, Key, Step  string
	Firing           int64
	Created          time.Time
	Due, Expires     time.Time // zero = none
	Tries            int
	Next             time.Time // of the next try; zero = none is planned
	Reason           string    // of the last try that failed
}

// Put writes a parcel at once, before everything that is added later. done is called by another
// goroutine: with nil when it is on the disk, else with why it is not. A parcel that
// is there already is left as it is.
func (j *Journal) Put(p Parcel, done func(error)) {}

// Update writes what became of a parcel's tries, soon.
func (j *Journal) Update(p Parcel) {}

// Remove takes a parcel out, soon. done may be nil.
func (j *Journal) Remove(id string, done func(error)) {}

// Parcels gives all parcels in the order they were put.
func (j *Journal) Parcels(ctx context.Context) ([]Parcel, error) { return nil, nil }
