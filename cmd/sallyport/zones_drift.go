package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/viewtron/client"
)

const (
	// driftFirst is how long after a start cameras are asked for their zones first, and
	// driftEvery how often from then on.
	driftFirst = 30 * time.Second
	driftEvery = 10 * time.Minute
	// driftTime is how long one camera may take over it, and driftAtOnce how many are
	// asked at a time.
	driftTime   = time.Minute
	driftAtOnce = 4
)

// driftCamera is a camera that can be asked for its zones.
type driftCamera struct {
	device  detectionReader
	channel int
}

// driftWatch notices that zones were changed on a camera since they were accepted. It
// changes nothing: rules go on with the accepted copies until somebody accepts.
type driftWatch struct {
	cameras map[string]driftCamera
	// inForce gives what the rules in force import, by camera and name, and the accepted
	// copies that they use.
	inForce func() (imports []string, copies accepted)
	// tell is told a camera's drift when it changes, a line each; none: it is over.
	tell func(camera string, drift []string)
	log  *slog.Logger

	mu   sync.Mutex            // covers what follows
	seen map[string]*zonesSeen // what each camera told last
	said map[string]driftSaid  // what was said of each camera
}

// driftSaid is what was said of a camera, so that it is said once.
type driftSaid struct {
	drift   []string
	failure string
}

// run asks the cameras until ctx ends.
func (d *driftWatch) run(ctx context.Context) {
	next := time.NewTimer(driftFirst)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		d.ask(ctx)
		next.Reset(driftEvery)
	}
}

// ask asks every camera that the rules in force import something from.
func (d *driftWatch) ask(ctx context.Context) {
	imports, _ := d.inForce()
	wanted := make(map[string][]client.Detector)
	var names []string
	for _, key := range imports {
		camera, word := splitImport(key)
		if _, ok := d.cameras[camera]; !ok {
			continue
		}
		if len(wanted[camera]) == 0 {
			names = append(names, camera)
		}
		if !slices.Contains(wanted[camera], client.Detector(word)) {
			wanted[camera] = append(wanted[camera], client.Detector(word))
		}
	}
	var wg sync.WaitGroup
	turns := make(chan struct{}, driftAtOnce)
	for _, camera := range names {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			d.askOne(ctx, camera, wanted[camera])
		})
	}
	wg.Wait()
}

// splitImport gives the camera and the detector of front/perimeter/1.
func splitImport(key string) (camera, word string) {
	camera, name, _ := strings.Cut(key, "/")
	word, _, _ = strings.Cut(name, "/")
	return camera, word
}

func (d *driftWatch) askOne(ctx context.Context, camera string, detectors []client.Detector) {
	ctx, cancel := context.WithTimeout(client.WithPriority(ctx, client.Normal), driftTime)
	defer cancel()
	c := d.cameras[camera]
	_, copies := d.inForce()
	seen, err := readZones(ctx, c.device, camera, c.channel, detectors, copies)
	d.mu.Lock()
	defer d.mu.Unlock()
	was := d.said[camera]
	now := driftSaid{drift: was.drift}
	switch {
	case err != nil && !errors.Is(err, client.ErrLoginRefused):
		return // a camera that does not answer is said elsewhere
	case err != nil:
		now.failure = err.Error()
	default:
		now.failure = strings.Join(seen.problems, "; ")
		if d.seen == nil {
			d.seen = make(map[string]*zonesSeen)
		}
		// What could not be read this time is taken to be as it was.
		for i := range seen.items {
			if before := d.seen[camera]; before != nil && seen.items[i].state == zoneUnread {
				if item := before.find(seen.items[i].name); item != nil {
					seen.items[i] = *item
				}
			}
		}
		d.seen[camera] = seen
		now.drift = d.compare(camera)
	}
	if !slices.Equal(now.drift, was.drift) {
		d.tell(camera, now.drift)
	}
	if now.failure != "" && now.failure != was.failure {
		d.log.Warn("zones and lines on the camera cannot be compared with the accepted copies", "camera", camera, "error", now.failure)
	}
	if d.said == nil {
		d.said = make(map[string]driftSaid)
	}
	d.said[camera] = now
}

// drift says how a camera's zones and lines differ from the accepted copies that the
// rules in force use, a line each; nil when they do not, or when nothing is known. It
// waits for no camera.
func (d *driftWatch) drift(camera string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.compare(camera)
}

// compare is drift for those who hold the lock.
func (d *driftWatch) compare(camera string) []string {
	seen := d.seen[camera]
	if seen == nil {
		return nil
	}
	var lines []string
	imports, copies := d.inForce()
	for _, key := range imports {
		name, ok := strings.CutPrefix(key, camera+"/")
		if !ok {
			continue
		}
		was, item := copies.find(camera, name), seen.find(name)
		switch {
		case was == nil || item == nil || item.state == zoneUnread:
			// Never accepted, which the rules' warnings say; or not told.
		case item.now == nil:
			lines = append(lines, name+" is gone from the camera; the accepted copy stays in use")
		case !was.same(item.now):
			lines = append(lines, fmt.Sprintf("%s changed on the camera: %s; `sallyport camera zones %s --accept %s` takes it over", name, difference(was, item.now), camera, name))
		}
	}
	return lines
}

// driftCameras are the cameras of a site that can be asked.
func driftCameras(site *config.Site, devices map[string]*client.Client) map[string]driftCamera {
	cameras := make(map[string]driftCamera, len(devices))
	for name, d := range devices {
		cameras[name] = driftCamera{device: d, channel: outputChannel(site, name)}
	}
	return cameras
}
