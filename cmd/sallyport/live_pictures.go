package main

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/journal"
	"github.com/sallyport/sallyport/web"
)

const (
	// maxPicture bounds the bytes of a camera's picture that is held in memory.
	maxPicture = 2 << 20
	// freshEvery is how often a device is asked for a picture, at most.
	freshEvery = 2 * time.Second
	// freshTime is how long it may take to give one.
	freshTime = 4 * time.Second
	// oldPictures is how many entries of a camera are looked through for its last picture.
	oldPictures = 200
)

// newestPictures holds the newest picture of every camera.
type newestPictures struct {
	mu   sync.Mutex // guards cams
	cams map[string]*cameraPicture
}

// cameraPicture is the newest picture of a camera. Of an event it is decoded when
// somebody asks for it.
type cameraPicture struct {
	at   time.Time
	raw  engine.Image
	jpeg []byte
}

func newPictures() *newestPictures { return &newestPictures{cams: make(map[string]*cameraPicture)} }

// posted takes the picture of an event. It never waits.
func (p *newestPictures) posted(at time.Time, ev *engine.Event) {
	if ev.Camera == "" || ev.Scene.Size <= 0 || ev.Scene.Bytes == nil || ev.Scene.Size+ev.Target.Size > maxPicture {
		return
	}
	p.put(ev.Camera, &cameraPicture{at: at, raw: ev.Scene})
}

// put takes a picture, unless there is a later one.
func (p *newestPictures) put(camera string, x *cameraPicture) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if was := p.cams[camera]; was == nil || !x.at.Before(was.at) {
		p.cams[camera] = x
	}
}

// taken takes a picture that a rule had a device take.
func (p *newestPictures) taken(at time.Time, r actions.Record) {
	if a, ok := r.Request.Args.(engine.CameraArgs); ok && isJPEG(r.Picture) {
		p.put(a.Camera, &cameraPicture{at: at, jpeg: r.Picture})
	}
}

// when says when the newest picture of a camera was taken; zero when there is none.
func (p *newestPictures) when(camera string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if x := p.cams[camera]; x != nil {
		return x.at
	}
	return time.Time{}
}

// get gives the newest picture of a camera; false when there is none.
func (p *newestPictures) get(camera string) (web.Picture, bool) {
	p.mu.Lock()
	x := p.cams[camera]
	if x == nil {
		p.mu.Unlock()
		return web.Picture{}, false
	}
	at, jpeg, raw := x.at, x.jpeg, x.raw
	p.mu.Unlock()
	if jpeg != nil {
		return web.Picture{At: at, JPEG: jpeg}, true
	}
	jpeg, err := raw.Bytes()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil || !isJPEG(jpeg) {
		if p.cams[camera] == x {
			delete(p.cams, camera) // what the camera sent there is no picture
		}
		return web.Picture{}, false
	}
	x.jpeg, x.raw = jpeg, engine.Image{} // the post it came in is not held any longer
	return web.Picture{At: at, JPEG: jpeg}, true
}

func isJPEG(b []byte) bool {
	return len(b) <= maxPicture && bytes.HasPrefix(b, []byte{0xff, 0xd8, 0xff})
}

// asking lets one at a time ask a device for a picture.
type asking struct {
	turn chan struct{} // holds a value while nobody asks
	last time.Time     // when somebody did, for who has the turn
}

// asker gives who asks a camera's device its turn.
func (s *source) asker(camera string) *asking {
	s.askMu.Lock()
	defer s.askMu.Unlock()
	if s.askers == nil {
		s.askers = make(map[string]*asking)
	}
	a := s.askers[camera]
	if a == nil {
		a = &asking{turn: make(chan struct{}, 1)}
		a.turn <- struct{}{}
		s.askers[camera] = a
	}
	return a
}

// snapshot gives the newest picture of a camera.
func (s *source) snapshot(ctx context.Context, camera string, fresh bool) (web.Picture, error) {
	if _, ok := s.site.Camera(camera); !ok {
		return web.Picture{}, web.NotFoundError(fmt.Sprintf("no camera is called %q", camera))
	}
	if fresh {
		if err := s.freshPicture(ctx, camera); err != nil {
			return web.Picture{}, err
		}
	}
	p, ok := s.pictures.get(camera)
	if !ok {
		return p, web.NotFoundError(fmt.Sprintf("there is no picture of camera %q yet", camera))
	}
	return p, nil
}

// freshPicture asks a device for a picture, unless that was done just now.
func (s *source) freshPicture(ctx context.Context, camera string) error {
	d := s.clients[camera]
	if d == nil {
		return web.RefusedError(fmt.Sprintf("camera %q has no url in the site file, so it cannot be asked for a picture", camera))
	}
	a := s.asker(camera)
	select {
	case <-a.turn:
		defer func() { a.turn <- struct{}{} }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if time.Since(a.last) < freshEvery && !s.pictures.when(camera).IsZero() {
		return nil
	}
	a.last = time.Now()
	ctx, cancel := context.WithTimeout(ctx, freshTime)
	defer cancel()
	jpeg, err := d.GetSnapshot(ctx, outputChannel(s.site, camera))
	switch {
	case err != nil:
		return web.RefusedError(fmt.Sprintf("camera %q gives no picture: %v", camera, err))
	case !isJPEG(jpeg):
		return web.RefusedError(fmt.Sprintf("camera %q gives no picture that can be shown", camera))
	}
	s.pictures.put(camera, &cameraPicture{at: s.instant(time.Now()).Wall, jpeg: jpeg})
	return nil
}

// loadPictures finds the last picture of every camera in the journal.
func (s *source) loadPictures(ctx context.Context) {
	if s.disk == nil {
		return
	}
	for _, c := range s.site.Cameras {
		if ctx.Err() != nil {
			return
		}
		entries, _, err := s.disk.journal.List(ctx, journal.Query{Camera: c.Name, Newest: true, Limit: oldPictures})
		if err != nil {
			continue // there is none then
		}
		for i := range entries {
			if name := wholePicture(&entries[i]); name != "" {
				b, err := s.disk.journal.Image(ctx, entries[i].ID, name)
				if err == nil && isJPEG(b) {
					s.pictures.put(c.Name, &cameraPicture{at: entries[i].At, jpeg: b})
					break
				}
			}
		}
	}
}

// wholePicture is the name of an entry's picture of all that the camera sees; empty when
// it has none.
func wholePicture(e *journal.Entry) string {
	for _, img := range e.Images {
		if img.Missing == "" && img.Size <= maxPicture && (img.Name == "scene" || img.Name == "snapshot") {
			return img.Name
		}
	}
	return ""
}
