package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/scene"
	"github.com/sallyport/sallyport/inputs/camera"
	"github.com/sallyport/sallyport/journal/segment"
	"github.com/sallyport/sallyport/web"
)

const (
	// trackTime is how long a question for tracks reads the recording.
	trackTime = 4 * time.Second
	// trackPoints is how many points of a track are shown.
	trackPoints = 64
	// maxPartTracks bounds the tracks of one segment, maxTrackCache the points that are
	// remembered of all.
	maxPartTracks = 20_000
	maxTrackCache = 1 << 20
)

// trackReader reads who walked where out of the recording, a segment at a time, and
// remembers those of segments that do not grow any more.
type trackReader struct {
	turn chan struct{} // holds a value while nobody reads

	mu    sync.Mutex // guards what follows
	parts map[string]*partTracks
	order []string // of parts, those used last at the end
	size  int      // points in all
}

// partTracks are the tracks of one segment by camera, each in the order they began.
type partTracks struct {
	bytes  int64 // of the segment when it was read
	points int
	cams   map[string][]web.Track
}

func newTrackReader() *trackReader {
	t := &trackReader{turn: make(chan struct{}, 1), parts: make(map[string]*partTracks)}
	t.turn <- struct{}{}
	return t
}

// errTrackTime says that the time to read is over.
var errTrackTime = errors.New("the time is over")

// tracks gives who walked where before a camera, the newest first.
func (s *source) tracks(ctx context.Context, q web.TrackQuery) (out []web.Track, next time.Time, err error) {
	if _, ok := s.site.Camera(q.Camera); !ok {
		return nil, next, web.NotFoundError(fmt.Sprintf("no camera is called %q", q.Camera))
	}
	if s.disk == nil {
		return nil, next, nil
	}
	t := s.trackReader
	select {
	case <-t.turn:
		defer func() { t.turn <- struct{}{} }()
	case <-ctx.Done():
		return nil, next, ctx.Err()
	}
	dir := filepath.Join(s.site.Data, recordingDir)
	parts, err := segment.Parts(dir)
	if err != nil {
		return nil, next, err
	}
	end := time.Now().Add(trackTime)
	until := q.Until
	if !q.Before.IsZero() && (until.IsZero() || q.Before.Before(until)) {
		until = q.Before
	}
	for i := len(parts) - 1; i >= 0; i-- {
		p := parts[i]
		if !until.IsZero() && !p.First.Before(until) {
			continue
		}
		if i+1 < len(parts) && !q.Since.IsZero() && !parts[i+1].First.After(q.Since) && !p.First.After(q.Since) {
			break // all of it is older
		}
		if len(out) >= q.Limit || len(out) > 0 && time.Now().After(end) {
			next = oldest(out)
			break
		}
		read, err := t.part(ctx, dir, p, i == len(parts)-1, end, s.site.Tracking.Timeout)
		if err != nil && !errors.Is(err, errTrackTime) {
			return nil, next, err
		}
		for _, x := range slices.Backward(read.cams[q.Camera]) {
			if (until.IsZero() || x.From.Before(until)) && (q.Since.IsZero() || !x.To.Before(q.Since)) {
				out = append(out, x)
			}
		}
		if errors.Is(err, errTrackTime) && i > 0 {
			next = p.First
			break
		}
	}
	slices.SortStableFunc(out, func(a, b web.Track) int { return b.From.Compare(a.From.Time) })
	if len(out) > q.Limit {
		out = out[:q.Limit]
		next = oldest(out)
	}
	return out, next, nil
}

// oldest is when the track began that began first.
func oldest(tracks []web.Track) time.Time {
	return slices.MinFunc(tracks, func(a, b web.Track) int { return a.From.Compare(b.From.Time) }).From.Time
}

// part reads the tracks of one segment, or remembers them.
func (t *trackReader) part(ctx context.Context, dir string, p segment.Part, growing bool, end time.Time, timeout time.Duration) (*partTracks, error) {
	t.mu.Lock()
	known := t.parts[p.Name]
	t.mu.Unlock()
	if known != nil && known.bytes == p.Size {
		return known, nil
	}
	w := walks{timeout: timeout, open: make(map[walkerID]*trackWalk), out: &partTracks{bytes: p.Size, cams: make(map[string][]web.Track)}}
	n := 0
	err := segment.ReadPart(ctx, dir, p.Name, func(at time.Time, text []byte) error {
		if n++; n%256 == 0 && time.Now().After(end) {
			return errTrackTime
		}
		w.line(at, text)
		return nil
	})
	w.end()
	if err == nil && !growing {
		t.remember(p.Name, w.out)
	}
	return w.out, err
}

// remember keeps the tracks of a segment, and forgets those used least lately.
func (t *trackReader) remember(name string, p *partTracks) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if was := t.parts[name]; was != nil {
		t.size -= was.points
		t.order = slices.DeleteFunc(t.order, func(n string) bool { return n == name })
	}
	t.parts[name] = p
	t.order = append(t.order, name)
	for t.size += p.points; t.size > maxTrackCache && len(t.order) > 1; t.order = t.order[1:] {
		t.size -= t.parts[t.order[0]].points
		delete(t.parts, t.order[0])
	}
}

// walks puts the frames of a segment together to tracks.
type walks struct {
	timeout time.Duration
	open    map[walkerID]*trackWalk
	out     *partTracks
	tracks  int
}

// walkerID is a camera's number of a target.
type walkerID struct {
	camera string
	id     uint64
}

// trackWalk is a track that is not over.
type trackWalk struct {
	from, last time.Time
	classes    [4]int
	points     [][3]int32
	stride     int // every how many frames have a point
	skipped    int
}

// recordedPost is what has to be known of a recorded post.
type recordedPost struct {
	Camera     string `json:"camera"`
	Body       string `json:"body"`
	BodyBase64 []byte `json:"body_base64"`
}

// line takes one line of the recording. Only posts begin without a type.
func (w *walks) line(at time.Time, text []byte) {
	if bytes.HasPrefix(text, []byte(`{"type":`)) {
		return
	}
	var p recordedPost
	if json.Unmarshal(text, &p) != nil || p.Camera == "" {
		return
	}
	body := p.BodyBase64
	if body == nil {
		body = []byte(p.Body)
	}
	events, err := camera.Decode(body)
	if err != nil {
		return
	}
	for _, ev := range events {
		if ev.Kind == engine.KindTarget {
			w.frame(at, p.Camera, ev.Targets)
		}
	}
}

// frame takes the targets of a frame.
func (w *walks) frame(at time.Time, camera string, targets []engine.Listed) {
	for i := range targets {
		t := &targets[i]
		if !t.HasID || !t.HasBox {
			continue
		}
		id := walkerID{camera, t.ID}
		x := w.open[id]
		if x != nil && (at.Sub(x.last) > w.timeout || at.Before(x.last)) {
			w.close(id, x)
			x = nil
		}
		if x == nil {
			if w.tracks >= maxPartTracks {
				return
			}
			w.tracks++
			x = &trackWalk{from: at, stride: 1}
			w.open[id] = x
		}
		x.last = at
		x.classes[t.Class&3]++
		x.step(int32(at.Sub(x.from).Milliseconds()), t.Box.X1+(t.Box.X2-t.Box.X1)/2, t.Box.Y2)
	}
}

// step adds a point, and thins the points out evenly when there are many.
func (x *trackWalk) step(ms, px, py int32) {
	if x.skipped++; x.skipped < x.stride && len(x.points) > 0 {
		return
	}
	x.skipped = 0
	if x.points = append(x.points, [3]int32{ms, px, py}); len(x.points) < 2*trackPoints {
		return
	}
	for i := range trackPoints {
		x.points[i] = x.points[2*i]
	}
	x.points = x.points[:trackPoints]
	x.stride *= 2
}

// close ends a track. One frame alone is nobody's way.
func (w *walks) close(id walkerID, x *trackWalk) {
	delete(w.open, id)
	if len(x.points) < 2 {
		return
	}
	points := x.points
	if n := len(points); n > trackPoints {
		points = make([][3]int32, trackPoints)
		for i := range points {
			points[i] = x.points[i*(n-1)/(trackPoints-1)]
		}
	}
	class := scene.ClassUnknown
	for c := range x.classes {
		if c != int(scene.ClassUnknown) && x.classes[c] > 0 && (class == scene.ClassUnknown || x.classes[c] > x.classes[class]) {
			class = scene.Class(c)
		}
	}
	w.out.cams[id.camera] = append(w.out.cams[id.camera], web.Track{
		ID: id.id, Class: class.String(), From: web.Time{Time: x.from}, To: web.Time{Time: x.last}, Points: slices.Clip(points),
	})
	w.out.points += len(points)
}

// end ends every track.
func (w *walks) end() {
	for id, x := range w.open {
		w.close(id, x)
	}
	for _, tracks := range w.out.cams {
		slices.SortFunc(tracks, func(a, b web.Track) int { return cmp.Or(a.From.Compare(b.From.Time), cmp.Compare(a.ID, b.ID)) })
	}
}

// target gives a live target and what rules say of it.
func (s *source) target(ctx context.Context, name string, id uint64) (web.TargetFacts, error) {
	var f web.TargetFacts
	found := false
	err := s.ask(ctx, func(e *engine.Engine) {
		rs := e.Ruleset()
		n := rs.Camera(name)
		if n < 0 {
			return
		}
		for _, t := range e.Targets(name) {
			if t.ID() == id {
				f.Target, found = webTarget(t, rs.Cameras[n], s.instant(time.Now()).Mono), true
			}
		}
		e.ExplainTarget(name, id, func(x *engine.Explanation) {
			state := x.State
			if state == "idle" && x.Answer == engine.Unknown {
				state = "unknown"
			}
			f.Rules = append(f.Rules, web.TargetRule{Rule: x.Rule, State: state, Look: x})
		})
	})
	if err == nil && !found {
		err = web.NotFoundError(fmt.Sprintf("camera %q sees no target %d now", name, id))
	}
	return f, err
}
