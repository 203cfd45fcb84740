package actions

import (
	"context"
	"errors"
	"strings"

	"github.com/sallyport/sallyport/engine"
)

// Action carries out the steps of one verb. It may be called by several
// goroutines at once.
type Action interface {
	// Do makes one try. It returns soon after ctx is done. An error made by
	// [NotBegun] says that the step surely did nothing; after any other error
	// it counts as begun. An error made by [Permanent] says that another try
	// cannot go better.
	Do(ctx context.Context, r engine.Request) error
}

// Func is an [Action] made of a function.
type Func func(ctx context.Context, r engine.Request) error

// Do calls the function.
func (f Func) Do(ctx context.Context, r engine.Request) error { return f(ctx, r) }

// ErrNotBegun is what errors.Is finds in an error of a step that surely did
// nothing.
var ErrNotBegun = errors.New("not begun")

// ErrPermanent is what errors.Is finds in an error that another try cannot mend.
var ErrPermanent = errors.New("permanent")

// ErrAway is what errors.Is finds in an error that says nothing about the step:
// its destination cannot be reached, or takes nothing at present.
var ErrAway = errors.New("away")

// marked is an error with a sentinel that does not show in its text.
type marked struct {
	error
	mark error
}

func (m marked) Unwrap() error        { return m.error }
func (m marked) Is(target error) bool { return target == m.mark }

// NotBegun marks an error: the step surely did nothing. The text stays.
func NotBegun(err error) error {
	if err == nil {
		return nil
	}
	return marked{err, ErrNotBegun}
}

// Permanent marks an error: the same step will fail the same way again. The
// text stays.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return marked{err, ErrPermanent}
}

// Away marks an error: the destination cannot be reached, or takes nothing at
// present. The text stays.
func Away(err error) error {
	if err == nil {
		return nil
	}
	return marked{err, ErrAway}
}

// taskKey finds the runner's task in a context.
type taskKey struct{}

// Started tells the runner that the step is on its way (the request is written,
// the program runs): the next step to the same destination may start. Without
// it the next one starts when Do returns, or 20 ms after this one did, as far
// as the lane is wide enough. On a context that is not of a runner it does
// nothing.
func Started(ctx context.Context) {
	if t, ok := ctx.Value(taskKey{}).(*task); ok {
		t.runner.started(t)
	}
}

// Note keeps a detail of the try for the record: a status line, a program's
// output, up to 64 KB. The last note counts. It must be called from the goroutine
// that runs Do. On a context that is not of a runner it does nothing.
func Note(ctx context.Context, detail string) {
	if t, ok := ctx.Value(taskKey{}).(*task); ok {
		t.detail = cut(detail)
	}
}

// NoteExit keeps a program's exit code for the record; -1 when a signal ended it.
// It must be called from the goroutine that runs Do.
func NoteExit(ctx context.Context, code int) {
	if t, ok := ctx.Value(taskKey{}).(*task); ok {
		t.hasExit, t.exit = true, code
	}
}

// NoteStatus keeps the status of an http answer for the record. It must be called
// from the goroutine that runs Do.
func NoteStatus(ctx context.Context, status int) {
	if t, ok := ctx.Value(taskKey{}).(*task); ok {
		t.status = status
	}
}

// NotePicture keeps a picture that the step took, a JPEG, for the record; the last
// one counts. Of a split request none is kept. It must be called from the goroutine
// that runs Do. On a context that is not of a runner it does nothing.
func NotePicture(ctx context.Context, jpeg []byte) {
	if t, ok := ctx.Value(taskKey{}).(*task); ok {
		t.picture = jpeg
	}
}

// noteUnrecorded keeps that a step did not wait for its record any longer.
func noteUnrecorded(ctx context.Context) {
	if t, ok := ctx.Value(taskKey{}).(*task); ok {
		t.unrecorded = true
	}
}

// cut bounds a detail.
func cut(s string) string {
	if len(s) <= maxDetail {
		return s
	}
	return strings.ToValidUTF8(s[:maxDetail], "")
}
