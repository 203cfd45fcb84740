package scene

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine/geometry"
)

// TestDwellDoesNotAddVisitsUp: six visits of two seconds are never ten seconds of dwell.
func TestDwellDoesNotAddVisitsUp(t *testing.T) {
	layout := &Layout{Zones: []Zone{{
		Name: "x", Polygon: geometry.Polygon{{X: 2000, Y: 2000}, {X: 8000, Y: 2000}, {X: 8000, Y: 9000}, {X: 2000, Y: 9000}},
		Settle: DefaultSettle, Margin: DefaultMargin, Linger: DefaultLinger,
	}}}
	c := NewCamera(layout, Options{Timeout: DefaultTimeout})
	const rate = 7
	longest, visits := time.Duration(0), 0
	for frame := range 30 * rate {
		now := time.Second + time.Duration(frame)*time.Second/rate
		foot := geometry.Point{X: 500, Y: 8000} // three seconds outside
		if frame%(5*rate) >= 3*rate {
			foot.X = 5000 // two seconds inside
		}
		box := geometry.Box{X1: foot.X - 300, Y1: foot.Y - 2000, X2: foot.X + 300, Y2: foot.Y}
		c.Update(now, time.Time{}, []Seen{{ID: 1, Class: Person, Box: box}}, true)
		longest = max(longest, c.Target(1).Dwell(0, now))
		for _, ch := range c.Changes() {
			if ch.Type == Enter {
				visits++
			}
		}
	}
	if visits != 6 || longest > 3*time.Second {
		t.Errorf("%d visits, the longest dwell %v; want 6, each about 2s", visits, longest)
	}
}
