package camera

import (
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/viewtron"
)

// scratch is the memory one post needs while it is read.
type scratch struct {
	post  viewtron.Post
	key   []byte
	words words
}

// Reader reads posts one at a time, in their order: what a replay and a test
// drive. It is not safe for concurrent use.
type Reader struct {
	m      *Matcher
	s      scratch
	events []*engine.Event
}

// NewReader makes a Reader that matches, and learns, with m.
func NewReader(m *Matcher) *Reader {
	return &Reader{m: m, s: scratch{words: words{}}}
}

// Read reads one post that came at now from remote (the zero Addr when that is
// not known) to path. A path as [Item.Path] gives it is taken too.
//
// The events carry the camera's name and device, the receive time, and, where
// duplicates are looked for, a digest. They are good until the next call; their
// pictures are parts of body. There are none unless the verdict is Matched.
// A recorder's heartbeat, which names no channel, is one event for each of its cameras.
// The error is a [*viewtron.Error]: the body cannot be read, and tells nothing.
func (r *Reader) Read(now time.Time, remote netip.Addr, path string, body []byte) ([]*engine.Event, Verdict, error) {
	if err := viewtron.Decode(body, &r.s.post); err != nil {
		return nil, 0, err
	}
	group := r.m.recordedGroup(path)
	if group == 0 {
		group = r.m.groupOf(path)
	}
	var (
		from    *sender
		verdict Verdict
		camera  int
	)
	from, verdict, camera, r.s.key = r.m.find(now, clean(remote), group, &r.s.post, r.s.key)
	switch {
	case verdict == Matched:
		r.events = r.s.events(r.events, from, r.m.cameras[camera].Name, now, body)
		return r.events, Matched, nil
	case recorderBeat(verdict, &r.s.post):
		r.events = r.s.beats(r.events, from, r.m, now, body)
		return r.events, Matched, nil
	}
	return nil, verdict, nil
}

// recorderBeat says that a post is the heartbeat of a recorder, which names no
// channel: all of the recorder's cameras are there.
func recorderBeat(v Verdict, p *viewtron.Post) bool {
	return v == NoChannel && p.Kind == viewtron.KindHeartbeat
}

// beats fills list with one heartbeat for each camera of a recorder.
func (s *scratch) beats(list []*engine.Event, by *sender, m *Matcher, now time.Time, body []byte) []*engine.Event {
	list = list[:0]
	for _, c := range by.fits {
		e := &engine.Event{}
		fill(e, &s.post, 0, body, s.words)
		from(e, by, m.cameras[c].Name, now)
		list = append(list, e)
	}
	return list
}

// events fills list, reusing the events in it, with those of the decoded post.
func (s *scratch) events(list []*engine.Event, by *sender, camera string, now time.Time, body []byte) []*engine.Event {
	n := events(&s.post)
	list = list[:min(n, cap(list))]
	for i := range n {
		if i == len(list) {
			list = append(list, nil)
		}
		if list[i] == nil {
			list[i] = &engine.Event{}
		}
		fill(list[i], &s.post, i, body, s.words)
		from(list[i], by, camera, now)
	}
	return list
}

// Decode reads a single post by itself, as `sallyport decode` does: its events
// have no camera and no receive time. The pictures are parts of body. The error
// is a [*viewtron.Error].
func Decode(body []byte) ([]*engine.Event, error) {
	s := scratch{words: words{}}
	if err := viewtron.Decode(body, &s.post); err != nil {
		return nil, err
	}
	by := (&Matcher{groups: make([]group, 1)}).judge(&identity{device: &s.post.Device})
	list := s.events(nil, by, "", time.Time{}, body)
	for _, e := range list {
		e.Received = time.Time{}
	}
	return list, nil
}

// clean is an address as mappings are written: IPv4 as such, without a zone.
func clean(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
