package engine

import (
	"maps"
	"slices"
	"time"
)

const (
	// offsetMinutes is how many minutes of a device's least delay are kept.
	offsetMinutes = 60
	// stepTime and stepPosts are what it takes to believe that a device's clock was set.
	stepTime  = 30 * time.Second
	stepPosts = 3
	// stepWithin is how far the posts after a clock step may lie apart.
	stepWithin = time.Second
	// duplicateFor is how long a post's digest is remembered.
	duplicateFor = 10 * time.Minute
	// maxDigests bounds the digests of one device.
	maxDigests = 4096
	// maxDevices bounds the devices remembered. When there are as many, one that was
	// silent for deviceMemory makes room; without one a new device's stamps cannot
	// be judged, and its posts count as late.
	maxDevices   = 4096
	deviceMemory = time.Hour
)

// deviceClock is how a device's stamps stand to the time its posts arrive, and
// what it posted lately.
type deviceClock struct {
	minutes []minuteOffset // oldest first
	least   time.Duration  // of minutes
	step    struct {
		first time.Duration // decision clock
		diff  time.Duration
		posts int
	}
	digests map[uint64]time.Duration
	order   []uint64
	steps   int // clock steps that were accepted
	heard   time.Duration
}

// DeviceClock is how a device's clock stands to ours.
type DeviceClock struct {
	// Device is the mac its posts name, else the camera.
	Device string
	// Behind is the least (received − stamp) of the last hour of posts: how far
	// its clock is behind ours, the way of a post included.
	Behind time.Duration
	// Steps counts the steps of its clock that were accepted.
	Steps int
}

// DeviceClocks gives the clocks of all devices that send stamps, by their names.
func (e *Engine) DeviceClocks() []DeviceClock {
	var all []DeviceClock
	for _, name := range slices.Sorted(maps.Keys(e.devices)) {
		if d := e.devices[name]; len(d.minutes) > 0 {
			all = append(all, DeviceClock{name, d.least, d.steps})
		}
	}
	return all
}

// minuteOffset is the least (received − stamp) of one minute of the decision clock.
type minuteOffset struct {
	minute int64
	least  time.Duration
}

// deviceOf finds the clock of the device that sent an event: by the mac the post
// names, else by the camera.
func (e *Engine) deviceOf(cam *camera, ev *Event) *deviceClock {
	key := ev.Device.MAC
	if key == "" {
		key = cam.name
	}
	d := e.devices[key]
	if d == nil {
		if len(e.devices) >= maxDevices && !e.forgetDevice() {
			return nil
		}
		d = &deviceClock{minutes: make([]minuteOffset, 0, offsetMinutes)}
		e.devices[key] = d
	}
	d.heard = e.now.Mono
	return d
}

// forgetDevice makes room for another device, if one was silent long enough.
func (e *Engine) forgetDevice() bool {
	oldest := ""
	for name, d := range e.devices {
		// The order of the map does not matter: of equals the lesser name goes.
		if o := e.devices[oldest]; o == nil || d.heard < o.heard || d.heard == o.heard && name < oldest {
			oldest = name
		}
	}
	if e.now.Mono-e.devices[oldest].heard < deviceMemory {
		return false
	}
	delete(e.devices, oldest)
	return true
}

// late says whether a post came too late to move anything. A post without a
// stamp cannot be judged.
func (e *Engine) late(cam *camera, ev *Event) bool {
	if ev.Time.IsZero() {
		return false
	}
	d := e.deviceOf(cam, ev)
	if d == nil {
		return true
	}
	received := ev.Received
	if received.IsZero() {
		received = e.now.Wall
	}
	diff := received.Sub(ev.Time)
	if len(d.minutes) > 0 && diff-d.least > e.opts.Late {
		if d.step.posts > 0 && (diff-d.step.diff).Abs() <= stepWithin {
			d.step.posts++
		} else {
			d.step.first, d.step.diff, d.step.posts = e.now.Mono, diff, 1
		}
		if d.step.posts < stepPosts || e.now.Mono-d.step.first < stepTime {
			return true
		}
		d.minutes = d.minutes[:0]
		d.steps++
	}
	d.step.posts = 0
	if d.enter(e.minute(), diff) {
		e.altered++
	}
	return false
}

// minute is the minute of the decision clock. After [Resume] it begins when it began
// on the clock of the engine before.
func (e *Engine) minute() int64 { return int64((e.now.Mono + e.phase) / time.Minute) }

// shift moves the differences by a step of our own clock, which is no device's doing.
func (d *deviceClock) shift(step time.Duration) {
	for i := range d.minutes {
		d.minutes[i].least += step
	}
	d.least += step
	d.step.diff += step
}

// enter keeps a post's difference in its minute. It says whether that is a new one.
func (d *deviceClock) enter(minute int64, diff time.Duration) (fresh bool) {
	n := len(d.minutes)
	if n > 0 && d.minutes[n-1].minute == minute {
		if diff >= d.minutes[n-1].least {
			return false
		}
		d.minutes[n-1].least = diff
		d.least = min(d.least, diff)
		return false
	}
	if n == offsetMinutes {
		d.minutes = slices.Delete(d.minutes, 0, 1)
	}
	d.minutes = append(d.minutes, minuteOffset{minute, diff})
	d.least = diff
	for _, m := range d.minutes {
		d.least = min(d.least, m.least)
	}
	return true
}

// duplicate says whether the same post was received from the device lately.
func (e *Engine) duplicate(cam *camera, ev *Event) bool {
	if ev.Digest == 0 || ev.Time.IsZero() {
		return false
	}
	d := e.deviceOf(cam, ev)
	if d == nil {
		return false
	}
	if d.digests == nil {
		d.digests = make(map[uint64]time.Duration)
	}
	for len(d.order) > 0 && (e.now.Mono-d.digests[d.order[0]] > duplicateFor || len(d.order) >= maxDigests) {
		delete(d.digests, d.order[0])
		d.order = slices.Delete(d.order, 0, 1)
	}
	if _, ok := d.digests[ev.Digest]; ok {
		return true
	}
	d.digests[ev.Digest] = e.now.Mono
	d.order = append(d.order, ev.Digest)
	return false
}
