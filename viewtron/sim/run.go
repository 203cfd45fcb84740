package sim

import (
	"context"
	"time"
)

// stage is a scene that is being played.
type stage struct {
	start time.Time
	parts []CameraScene // by channel
}

// seen gives the targets in front of a channel now. The lock is held.
func (c *Camera) seen(channel int) []Target {
	if c.stage == nil || channel > len(c.stage.parts) {
		return nil
	}
	return c.stage.parts[channel-1].TargetsAt(time.Since(c.stage.start))
}

// Run lives the life of a camera in front of a scene until ctx ends.
func (c *Camera) Run(ctx context.Context, s Scene) error {
	<-ctx.Done()
	return nil
}
