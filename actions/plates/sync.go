package plates

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/sallyport/sallyport/viewtron/client"
)

// ListReader reads the plate lists of one camera; [client.Client] does.
type ListReader interface {
	PlateGroups(ctx context.Context) ([]client.Group, error)
	// AllPlates gives every plate of every group, or an error.
	AllPlates(ctx context.Context) ([]client.Plate, error)
}

// ListWriter puts plates on lists and takes them off. Both calls are safe to repeat.
type ListWriter interface {
	// AddPlates has an error for each plate, nil for one that is on the list now.
	AddPlates(ctx context.Context, group string, plates []client.Plate) ([]error, error)
	RemovePlate(ctx context.Context, group, number string) error
}

// ListChanger changes plates that are there. Both calls are safe to repeat.
type ListChanger interface {
	ModifyPlate(ctx context.Context, group string, p client.PlateChange) error
	MovePlate(ctx context.Context, from, to string, p client.Plate) error
}

// ListEditor carries out a plan on one camera; [client.Client] does.
type ListEditor interface {
	ListWriter
	ListChanger
}

// ReadPlan reads a camera's lists and compares them with the local ones. It makes
// its requests with the least priority.
func ReadPlan(ctx context.Context, lists ListReader, o SyncOptions) (*Plan, error) {
	ctx = client.WithPriority(ctx, client.Background)
	groups, err := lists.PlateGroups(ctx) // a camera that is away shall be told soon
	if err != nil {
		return nil, err
	}
	have, err := again(ctx, func() ([]client.Plate, error) { return lists.AllPlates(ctx) })
	if err != nil {
		return nil, err
	}
	return NewPlan(groups, have, o)
}

// A StepError says why a step was not done.
type StepError struct {
	Step Step
	Err  error
}

// A Result is what came of a plan.
type Result struct {
	Done   []Step
	Failed []StepError
	// Err says why the rest was not tried: the camera does not answer any more,
	// it refuses the login, or the context ended.
	Err error
}

// Count gives the number of steps with an op that were done.
func (r *Result) Count(op Op) int {
	n := 0
	for i := range r.Done {
		if r.Done[i].Op == op {
			n++
		}
	}
	return n
}

// Apply does the steps of a plan in their order, one request at a time and with
// the least priority. A step that the camera refuses is left out and the rest
// goes on. progress, which may be nil, is told after each request how many steps
// are over.
//
// A plan that was stopped in the middle needs nothing but a new plan: it is made
// of what the camera has then.
func Apply(ctx context.Context, lists ListEditor, plan *Plan, progress func(done int)) *Result {
	ctx = client.WithPriority(ctx, client.Background)
	if progress == nil {
		progress = func(int) {}
	}
	r := &Result{}
	steps := plan.Steps
	for len(steps) > 0 && r.Err == nil {
		if err := ctx.Err(); err != nil {
			r.Err = err
			break
		}
		n := 1
		if steps[0].Op == OpAdd {
			n = together(steps)
			r.add(ctx, lists, steps[:n])
		} else {
			r.note(steps[0], takeOff(ctx, lists, steps[0], edit(ctx, lists, steps[0])))
		}
		steps = steps[n:]
		progress(len(plan.Steps) - len(steps))
	}
	if err := ctx.Err(); err != nil && r.Err != nil {
		r.Err = err
	}
	return r
}

// together says how many of the first steps are added in one call.
func together(steps []Step) int {
	n := 1
	for n < len(steps) && n < steps[0].atOnce() && steps[n].Op == OpAdd && steps[n].Plate.Group == steps[0].Plate.Group && steps[n].atOnce() == steps[0].atOnce() {
		n++
	}
	return n
}

// edit does any step but an addition.
func edit(ctx context.Context, lists ListEditor, s Step) error {
	_, err := again(ctx, func() (struct{}, error) {
		switch s.Op {
		case OpRemove:
			return struct{}{}, lists.RemovePlate(ctx, s.Plate.Group, s.Plate.Number)
		case OpMove:
			return struct{}{}, lists.MovePlate(ctx, s.From, s.Plate.Group, s.Plate)
		case OpChange:
			return struct{}{}, lists.ModifyPlate(ctx, s.Plate.Group, s.change)
		}
		return struct{}{}, fmt.Errorf("no step %q", s.Op)
	})
	return err
}

// add adds the plates of some steps, again those for which that may help.
func (r *Result) add(ctx context.Context, lists ListWriter, steps []Step) {
	for try := 1; ; try++ {
		plates := make([]client.Plate, len(steps))
		for i, s := range steps {
			plates[i] = s.Plate
		}
		errs, err := lists.AddPlates(ctx, steps[0].Plate.Group, plates)
		var left []Step
		var leftErrs []error
		for i, s := range steps {
			e := err
			if i < len(errs) {
				e = errs[i]
			}
			if errors.Is(e, client.ErrNotSent) && err != nil {
				e = err
			}
			if e != nil && transient(e) {
				left, leftErrs = append(left, s), append(leftErrs, e)
				continue
			}
			r.note(s, e)
		}
		if len(left) == 0 || r.Err != nil {
			return
		}
		if try == tries || !pause(ctx, try) {
			for i, s := range left {
				r.note(s, takeOff(ctx, lists, s, leftErrs[i]))
			}
			return
		}
		steps = left
	}
}

// takeOff takes a plate off again that is on a list without its end. When that fails
// too, the next plan sees it there and goes on.
func takeOff(ctx context.Context, lists ListWriter, s Step, err error) error {
	var stuck *client.PlateStuckError
	if !errors.As(err, &stuck) || Unreachable(err) || ctx.Err() != nil {
		return err
	}
	if off := lists.RemovePlate(ctx, s.Plate.Group, s.Plate.Number); off != nil {
		return err
	}
	return fmt.Errorf("plate %q was taken off %q again, because its validity could not be set: %w", s.Plate.Number, s.Plate.Group, stuck.Err)
}

// note takes the outcome of a step. What keeps every further step from being done
// ends the work.
func (r *Result) note(s Step, err error) {
	switch {
	case err == nil:
		r.Done = append(r.Done, s)
	case Unreachable(err), errors.Is(err, client.ErrLoginRefused), errors.Is(err, context.Canceled):
		r.Err = err
	default:
		r.Failed = append(r.Failed, StepError{s, err})
	}
}

// tries is how often a request is made that may do better the next time.
const tries = 3

// again makes a request until it did not fail for a passing reason.
func again[T any](ctx context.Context, request func() (T, error)) (T, error) {
	for try := 1; ; try++ {
		v, err := request()
		if err == nil || !transient(err) || try == tries || !pause(ctx, try) {
			return v, err
		}
	}
}

// pause waits before the next try: half a second, then two.
func pause(ctx context.Context, try int) bool {
	t := time.NewTimer(time.Duration(try*try) * 500 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// transient tells whether a failure may pass by itself.
func transient(err error) bool {
	var answer *client.Error
	var stuck *client.PlateStuckError
	if errors.As(err, &stuck) && !errors.Is(err, client.ErrLoginRefused) || errors.Is(err, client.ErrListChanged) {
		return true
	}
	if errors.As(err, &answer) {
		return answer.Code == 7 || answer.Code == 0 && answer.HTTPStatus >= 500
	}
	return Unreachable(err)
}

// Unreachable says that an error means that a camera did not answer, not that it
// answered something else than what was wanted.
func Unreachable(err error) bool {
	var answer *client.Error
	var pin *client.CertificateError
	var network net.Error
	if err == nil || errors.As(err, &answer) || errors.As(err, &pin) {
		return false
	}
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded)
}
