package camera

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

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
	// Adopt are the lines of the site file that would make it a camera; empty
	// when Reason says what to do instead.
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
	reason      string
	adopt       string
	cameras     []string
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
	*e = entry{device: device, remote: s.remote, first: now, last: now, posts: 1, kind: p.Kind}
	fill(e)
}

// sorted is a copy of the entries, the last heard of first.
func (l *ledger) sorted() []entry {
	list := make([]entry, 0, len(l.entries))
	for _, e := range l.entries {
		list = append(list, *e)
	}
	slices.SortStableFunc(list, func(a, b entry) int {
		return cmp.Or(b.last.Compare(a.last), a.remote.Compare(b.remote), cmp.Compare(a.device.MAC, b.device.MAC))
	})
	return list
}

// Unknown lists the devices that post and are no camera of the site, the last
// heard of first; at most 256, at most 16 of one address.
func (m *Matcher) Unknown() []UnknownDevice {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]UnknownDevice, 0, len(m.strange.entries))
	for _, e := range m.strange.sorted() {
		list = append(list, UnknownDevice{
			Device: e.device, Remote: e.remote, First: e.first, Last: e.last, Posts: e.posts,
			Kind: e.kind.String(), Reason: e.reason, Adopt: e.adopt,
		})
	}
	return list
}

// Ambiguous lists the senders whose posts could be more than one camera's, the
// last heard of first; bounded as [Matcher.Unknown].
func (m *Matcher) Ambiguous() []AmbiguousPost {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]AmbiguousPost, 0, len(m.unsure.entries))
	for _, e := range m.unsure.sorted() {
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

// adoption is the part of a site file that takes a sender as a camera of that
// name, by the surest key it shows.
func adoption(s *sender, name string) string {
	d := s.device
	var keys []string
	switch {
	case d.MAC != "":
		keys = append(keys, "mac: "+quote(d.MAC))
	case d.SN != "":
		keys = append(keys, "sn: "+quote(d.SN))
	case d.Name != "":
		keys = append(keys, "name: "+quote(d.Name))
		if s.remote.IsValid() {
			keys = append(keys, "ip: "+quote(s.remote.String()))
		}
	case s.remote.IsValid():
		keys = append(keys, "ip: "+quote(s.remote.String()))
	default:
		return ""
	}
	if d.Channel > 0 {
		keys = append(keys, "channel: "+strconv.Itoa(d.Channel))
	}
	return "cameras:\n  " + name + ":\n    match: {" + strings.Join(keys, ", ") + "}\n"
}

// quote writes a text so that YAML reads it back as it is, whatever it holds.
func quote(s string) string { return strconv.QuoteToASCII(s) }

// cameraName makes a name the site file takes out of a device's own.
func cameraName(s string) string {
	var b strings.Builder
	for _, r := range s {
		if b.Len() >= 32 {
			break
		}
		switch {
		case r >= 'A' && r <= 'Z':
			b.WriteRune(r - 'A' + 'a')
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9' && b.Len() > 0:
			b.WriteRune(r)
		case r < utf8.RuneSelf && b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	if name := strings.TrimRight(b.String(), "-"); name != "" {
		return name
	}
	return "camera"
}
