package camera

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/viewtron"
)

// Bounds of the lists of posts that are not evaluated.
const (
	maxListed        = 256 // entries of one list
	maxListedAddress = 16  // entries of one address, so that one device cannot fill the list
	maxListedText    = 64  // characters of a device's own words
)

// UnknownDevice is a device that posts and is no camera of the site.
type UnknownDevice struct {
	Device      engine.Device // what it says of itself, cut at 64 characters each
	Remote      netip.Addr    // where its posts come from
	First, Last time.Time
	Posts       uint64
	Kind        string // of its last post
	Reason      string
	// Adopt is the entry of the site file that would make it a camera, indented
	// to stand under `cameras:`, as a comment in front of it says. It is empty
	// when Reason says what to do instead. All entries of one list can be taken
	// together: their names differ, and no post of the list fits two of them.
	Adopt string
}

// AmbiguousPost is a sender whose posts fit more than one camera, or a
// recorder's post that names no channel.
type AmbiguousPost struct {
	Device      engine.Device // what it says of itself, cut at 64 characters each
	Remote      netip.Addr    // where its posts come from
	Cameras     []string      // the cameras in question, in the site file's order
	First, Last time.Time
	Posts       uint64
	Kind        string // of its last post
	Reason      string
}

// entry is one line of a ledger.
type entry struct {
	device      engine.Device
	remote      netip.Addr
	first, last time.Time
	posts       uint64
	kind        viewtron.Kind
	beats       bool // it sent nothing but heartbeats
	reason      string
	cameras     []string

	shown   engine.Device // what it says of itself, as far as a mapping can hold it
	crowded bool          // of a copy: it says nothing of itself and several cameras post from there
	adopt   string        // of a copy
}

// ledger is a bounded list of senders. Full, it gives up the one not heard of
// for longest; an address with many senders gives up one of its own.
type ledger struct {
	entries []*entry
	posts   uint64
}

// note counts a post. fill is called for a sender not listed yet.
func (l *ledger) note(now time.Time, s *sender, p *viewtron.Post, fill func(*entry)) {
	l.posts++
	device := engine.Device{
		Name: short(s.device.Name), MAC: short(s.device.MAC), SN: short(s.device.SN),
		Address: short(s.device.Address), Channel: s.device.Channel,
	}
	var oldest, neighbour *entry
	neighbours := 0
	for _, e := range l.entries {
		if e.remote == s.remote {
			if e.device == device {
				e.last, e.kind = now, p.Kind
				e.beats = e.beats && p.Kind == viewtron.KindHeartbeat
				e.posts++
				return
			}
			neighbours++
			if neighbour == nil || e.last.Before(neighbour.last) {
				neighbour = e
			}
		}
		if oldest == nil || e.last.Before(oldest.last) {
			oldest = e
		}
	}
	var e *entry
	switch {
	case neighbours >= maxListedAddress:
		e = neighbour
	case len(l.entries) >= maxListed:
		e = oldest
	default:
		e = &entry{}
		l.entries = append(l.entries, e)
	}
	*e = entry{
		device: device, remote: s.remote, first: now, last: now, posts: 1, kind: p.Kind, beats: p.Kind == viewtron.KindHeartbeat, shown: mappable(s.device),
	}
	fill(e)
}

// copied are the entries as they are now, in the order in which they were listed.
func (l *ledger) copied() []entry {
	list := make([]entry, 0, len(l.entries))
	for _, e := range l.entries {
		list = append(list, *e)
	}
	return list
}

// newestFirst sorts entries, the last heard of first.
func newestFirst(list []entry) {
	slices.SortStableFunc(list, func(a, b entry) int {
		return cmp.Or(b.last.Compare(a.last), a.remote.Compare(b.remote), cmp.Compare(a.device.MAC, b.device.MAC))
	})
}

// Unknown lists the devices that post and are no camera of the site, the last
// heard of first; at most 256, at most 16 of one address.
func (m *Matcher) Unknown() []UnknownDevice {
	entries := m.strangers()
	m.advise(entries)
	newestFirst(entries)
	list := make([]UnknownDevice, 0, len(entries))
	for _, e := range entries {
		list = append(list, UnknownDevice{
			Device: e.device, Remote: e.remote, First: e.first, Last: e.last, Posts: e.posts,
			Kind: e.kind.String(), Reason: e.reason, Adopt: e.adopt,
		})
	}
	return list
}

// strangers copies the list of unknown senders.
func (m *Matcher) strangers() []entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.strange.copied()
	for i := range list {
		at := place{list[i].remote, 0}
		_, alone := m.resident(at)
		list[i].crowded = !named(list[i].shown) && m.places[at] != nil && !alone
	}
	return list
}

// Ambiguous lists the senders whose posts could be more than one camera's, the
// last heard of first; bounded as [Matcher.Unknown].
func (m *Matcher) Ambiguous() []AmbiguousPost {
	m.mu.Lock()
	entries := m.unsure.copied()
	m.mu.Unlock()
	newestFirst(entries)
	list := make([]AmbiguousPost, 0, len(entries))
	for _, e := range entries {
		list = append(list, AmbiguousPost{
			Device: e.device, Remote: e.remote, Cameras: slices.Clone(e.cameras), First: e.first, Last: e.last,
			Posts: e.posts, Kind: e.kind.String(), Reason: e.reason,
		})
	}
	return list
}

// unmatched counts the posts of strangers and the posts in doubt.
func (m *Matcher) unmatched() (unknown, ambiguous uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.strange.posts, m.unsure.posts
}

// short cuts a device's own words.
func short(s string) string {
	if len(s) <= maxListedText {
		return s
	}
	n := 0
	for i := range s {
		if n == maxListedText {
			return s[:i] + "…"
		}
		n++
	}
	return s
}
