package main

import (
	"context"
	"errors"
	"time"

	"github.com/sallyport/sallyport/actions/plates"
	"github.com/sallyport/sallyport/viewtron/client"
)

// listsAgain is how often a camera that refused the login is asked again to take a
// plate edit. A few wrong passwords lock an account for some minutes, whoever typed
// them; a banned plate must come off the list all the same. More often, and we would
// be the ones who lock it.
const listsAgain = 10 * time.Minute

// cameraLists are the plate lists of one camera, for one goroutine at a time.
type cameraLists struct {
	device interface {
		plates.Lists
		ResetLogin()
	}
	asked time.Time // when it was last sent a login that it refused
}

// AddPlate adds a plate, or brings it up to date.
func (l *cameraLists) AddPlate(ctx context.Context, p client.Plate) error {
	return l.do(func() error { return l.device.AddPlate(ctx, p) })
}

// RemovePlate takes a plate off a list.
func (l *cameraLists) RemovePlate(ctx context.Context, list, number string) error {
	return l.do(func() error { return l.device.RemovePlate(ctx, list, number) })
}

// ModifyPlate changes what is kept of a plate.
func (l *cameraLists) ModifyPlate(ctx context.Context, list string, p client.PlateChange) error {
	return l.do(func() error { return l.device.ModifyPlate(ctx, list, p) })
}

// MovePlate takes a plate from one list to another.
func (l *cameraLists) MovePlate(ctx context.Context, from, to string, p client.Plate) error {
	return l.do(func() error { return l.device.MovePlate(ctx, from, to, p) })
}

// FindPlate looks for a plate on a list.
func (l *cameraLists) FindPlate(ctx context.Context, list, number string) (found []client.Plate, err error) {
	err = l.do(func() error {
		found, err = l.device.FindPlate(ctx, list, number)
		return err
	})
	return found, err
}

func (l *cameraLists) do(edit func() error) error {
	err := edit()
	var refused *client.Error
	if !errors.As(err, &refused) || !errors.Is(err, client.ErrLoginRefused) {
		return err
	}
	now := time.Now()
	if !refused.NotSent || l.asked.IsZero() {
		l.asked = now
		return err
	}
	if now.Sub(l.asked) < listsAgain {
		return err
	}
	l.asked = now
	l.device.ResetLogin()
	return edit()
}
