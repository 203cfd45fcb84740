package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/viewtron/client"
)

// lockedCamera refuses the login until its account is unlocked. As a client does, it
// sends nothing after a refusal until its login is reset.
type lockedCamera struct {
	until  time.Time
	failed bool
	logins int
}

func (c *lockedCamera) AddPlate(context.Context, client.Plate) error { return c.call() }

func (c *lockedCamera) RemovePlate(context.Context, string, string) error { return c.call() }

func (c *lockedCamera) ModifyPlate(context.Context, string, client.PlateChange) error {
	return c.call()
}

func (c *lockedCamera) MovePlate(context.Context, string, string, client.Plate) error {
	return c.call()
}

func (c *lockedCamera) FindPlate(context.Context, string, string) ([]client.Plate, error) {
	return nil, c.call()
}

func (c *lockedCamera) ResetLogin() { c.failed = false }

func (c *lockedCamera) call() error {
	if c.failed {
		return &client.Error{Code: 9, NotSent: true}
	}
	c.logins++
	if time.Now().Before(c.until) {
		c.failed = true
		return &client.Error{Code: 9}
	}
	return nil
}

// TestALockedAccountDelaysAPlateEdit and does not lose it, nor is the account asked so
// often that it stays locked.
func TestALockedAccountDelaysAPlateEdit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if err := (&client.Error{Code: 9}); !errors.Is(err, client.ErrLoginRefused) {
			t.Fatal("code 9 is no refused login")
		}
		cam := &lockedCamera{until: time.Now().Add(25 * time.Minute)}
		lists := &cameraLists{device: cam}
		begin := time.Now()
		for {
			if lists.RemovePlate(t.Context(), "whiteList", "ABC1234") == nil {
				break
			}
			if time.Since(begin) > time.Hour {
				t.Fatal("the plate is never taken off")
			}
			time.Sleep(time.Minute) // as the outbox tries again
		}
		if took := time.Since(begin); took != 30*time.Minute || cam.logins != 4 {
			t.Errorf("taken off after %v with %d logins", took, cam.logins)
		}
	})
}
