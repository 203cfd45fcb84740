package camera

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/viewtron"
)

// ChannelAny is the Channel of a mapping that takes every channel of a recorder,
// and its posts that name none.
const ChannelAny = -1

// Bounds of what a Matcher remembers.
const (
	maxSenders    = 1024            // identities whose match is kept at hand
	maxSenderKey  = 512             // bytes; a longer identity is matched anew each time
	maxPlaces     = 1024            // addresses whose cameras are remembered
	placeCameras  = 4               // cameras remembered of one address
	placeMemory   = time.Hour       // a camera that long silent while another posts from its address has moved away
	maxChannel    = math.MaxInt32   // a larger channel number matches nothing
	tokenPath     = "/c/"           // where the posts of cameras with a token arrive
	recordedToken = tokenPath + "~" // how a recording names the camera instead of its token
)

// Camera is one camera of the site: its name and the posts that are its own.
type Camera struct {
	Name string
	// Match are the mappings of which one must fit. A camera with a token and
	// no mapping takes every post that comes with its token.
	Match []Match
	// Token, when set, must stand in the path of every post: /c/<token>. The
	// channels of one recorder may share a token.
	Token string
}

// Match is one mapping. Keys that are not given are zero.
type Match struct {
	MAC     string       // lower case with colons
	SN      string       // as the device sends it
	Name    string       // the device's own name
	IP      netip.Prefix // the address the post comes from
	Channel int          // a recorder's channel from 1, or ChannelAny
}

// Verdict says whose a post is.
type Verdict uint8

// The verdicts. Only a post that is Matched is evaluated.
const (
	// Matched: the post belongs to exactly one camera.
	Matched Verdict = iota + 1
	// Unknown: no camera of the site fits.
	Unknown
	// Ambiguous: more than one camera fits.
	Ambiguous
	// NoChannel: the post comes from a recorder of the site and names no
	// channel, and the site file does not say whose such posts are. Heartbeats
	// of recorders are like that.
	NoChannel
)

// String is the verdict's word.
func (v Verdict) String() string {
	switch v {
	case Matched:
		return "matched"
	case Unknown:
		return "unknown"
	case Ambiguous:
		return "ambiguous"
	case NoChannel:
		return "no channel"
	}
	return ""
}

// Matcher finds the camera of a post. What it learns (which cameras post from
// an address) follows from the posts it was shown and their times alone, so a
// replay learns the same. It is safe for concurrent use.
type Matcher struct {
	cameras []Camera
	groups  []group // cameras that share a token; 0 is the group without one
	of      []int   // the group of each camera

	mu      sync.Mutex // covers everything below
	senders map[string]*sender
	places  map[place]*residents
	order   []place // in which places were first seen; the oldest goes first
	strange ledger
	unsure  ledger
}

// group is the cameras that share one token.
type group struct {
	hash    [sha256.Size]byte
	cameras []int
}

// place is an address as cameras of one group use it.
type place struct {
	addr  netip.Addr
	group int
}

// residents are the cameras whose identified posts came from a place.
type residents struct {
	cameras [placeCameras]int
	seen    [placeCameras]time.Time
	n       int
}

// sender is who posts, as far as the post and the connection tell, and whose
// that is. It is not written to after it was made.
type sender struct {
	device  engine.Device
	remote  netip.Addr
	named   bool // says a mac, a serial number or a name
	verdict Verdict
	camera  int   // when matched
	fits    []int // the cameras in question otherwise
}

// identity is what the keys of a mapping are compared with.
type identity struct {
	remote netip.Addr
	group  int
	device *viewtron.Device
}

// NewMatcher makes a Matcher for these cameras. Their order is the order in
// which cameras are listed where several fit.
func NewMatcher(cameras []Camera) *Matcher {
	m := &Matcher{
		cameras: cameras,
		groups:  make([]group, 1),
		of:      make([]int, len(cameras)),
		senders: make(map[string]*sender),
		places:  make(map[place]*residents),
	}
	for i, c := range cameras {
		g := 0
		if c.Token != "" {
			hash := sha256.Sum256([]byte(c.Token))
			for g = 1; g < len(m.groups) && m.groups[g].hash != hash; g++ {
			}
			if g == len(m.groups) {
				m.groups = append(m.groups, group{hash: hash})
			}
		}
		m.groups[g].cameras = append(m.groups[g].cameras, i)
		m.of[i] = g
	}
	return m
}

// Cameras are the names of the cameras, in their order.
func (m *Matcher) Cameras() []string {
	names := make([]string, len(m.cameras))
	for i, c := range m.cameras {
		names[i] = c.Name
	}
	return names
}

// groupOf finds the group whose token stands in a path; 0 when none does. Every
// token is compared, in the same time whether it is right or not.
func (m *Matcher) groupOf(path string) int {
	if len(m.groups) == 1 || !strings.HasPrefix(path, tokenPath) {
		return 0
	}
	token := path[len(tokenPath):]
	if i := strings.IndexByte(token, '/'); i >= 0 {
		token = token[:i]
	}
	hash := sha256.Sum256([]byte(token))
	found := 0
	for g := 1; g < len(m.groups); g++ {
		same := subtle.ConstantTimeCompare(hash[:], m.groups[g].hash[:])
		found = subtle.ConstantTimeSelect(same, g, found)
	}
	return found
}

// recordedGroup finds the group that a recorded path names by its camera.
func (m *Matcher) recordedGroup(path string) int {
	name, ok := strings.CutPrefix(path, recordedToken)
	if !ok {
		return 0
	}
	for i, c := range m.cameras {
		if c.Name == name {
			return m.of[i]
		}
	}
	return 0
}

// recordPath is how a recording writes a path: a token is replaced by the name
// of its first camera, so that no recording gives a token away.
func (m *Matcher) recordPath(path string, group int) string {
	if group == 0 {
		return path
	}
	return recordedToken + m.cameras[m.groups[group].cameras[0]].Name
}

// find says whose a post is and learns from it. key is scratch memory that is
// returned for the next call. A known sender costs no allocation.
func (m *Matcher) find(now time.Time, remote netip.Addr, group int, p *viewtron.Post, key []byte) (*sender, Verdict, int, []byte) {
	id := identity{remote: remote, group: group, device: &p.Device}
	key = id.appendKey(key[:0])

	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.senders[string(key)]
	if s == nil {
		s = m.judge(&id)
		if len(key) <= maxSenderKey {
			if len(m.senders) >= maxSenders {
				clear(m.senders) // only a shortcut: no answer depends on it
			}
			m.senders[string(key)] = s
		}
	}
	verdict, camera := s.verdict, s.camera
	switch {
	case s.named:
		if verdict == Matched {
			m.learn(now, place{remote, group}, camera)
		}
	case !p.Device.Channel.Known:
		// What says nothing of itself belongs to the camera that is known to
		// post from there (protocol notes 1, "Who sent it").
		if only, ok := m.resident(place{remote, group}); ok {
			verdict, camera = Matched, only
		}
	}
	if verdict != Matched {
		m.list(now, s, verdict, p)
	}
	return s, verdict, camera, key
}

// learn notes that an identified post of a camera came from a place.
func (m *Matcher) learn(now time.Time, at place, camera int) {
	if !at.addr.IsValid() {
		return
	}
	r := m.places[at]
	if r == nil {
		if len(m.order) >= maxPlaces {
			delete(m.places, m.order[0])
			m.order = append(m.order[:0], m.order[1:]...)
		}
		r = &residents{}
		m.places[at] = r
		m.order = append(m.order, at)
	}
	slot, oldest := -1, 0
	for i := range r.n {
		if r.cameras[i] == camera {
			slot = i
			break
		}
		if r.seen[i].Before(r.seen[oldest]) {
			oldest = i
		}
	}
	switch {
	case slot >= 0:
	case r.n < placeCameras:
		slot = r.n
		r.n++
	default:
		slot = oldest
	}
	r.cameras[slot], r.seen[slot] = camera, now
}

// resident is the one camera that posts from a place, if there is exactly one.
func (m *Matcher) resident(at place) (int, bool) {
	r := m.places[at]
	if r == nil {
		return 0, false
	}
	newest := 0
	for i := range r.n {
		if r.seen[i].After(r.seen[newest]) {
			newest = i
		}
	}
	for i := range r.n {
		if i != newest && r.seen[newest].Sub(r.seen[i]) < placeMemory {
			return 0, false
		}
	}
	return r.cameras[newest], true
}

// judge matches an identity against every mapping.
func (m *Matcher) judge(id *identity) *sender {
	d := id.device
	s := &sender{remote: id.remote, named: len(d.MAC) > 0 || len(d.SN) > 0 || len(d.Name) > 0}
	s.device = engine.Device{Name: string(d.Name), MAC: string(d.MAC), SN: string(d.SN), Address: string(d.IP)}
	if d.Channel.Known && d.Channel.V <= maxChannel {
		s.device.Channel = int(d.Channel.V)
	}
	fits, held := m.fits(id)
	switch {
	case len(fits) == 1:
		s.verdict, s.camera = Matched, fits[0]
	case len(fits) > 1:
		s.verdict, s.fits = Ambiguous, fits
	case len(held) > 0:
		s.verdict, s.fits = NoChannel, held
	default:
		s.verdict = Unknown
	}
	return s
}

// fits lists the cameras an identity fits, and those it would fit if it named
// their channel.
func (m *Matcher) fits(id *identity) (fits, held []int) {
	entries := 0
	for _, c := range m.groups[id.group].cameras {
		mappings := m.cameras[c].Match
		if len(mappings) == 0 && id.group != 0 {
			mappings = []Match{{}}
		}
		for i := range mappings {
			ok, wantsChannel := mappings[i].agrees(id)
			switch {
			case !ok:
			case wantsChannel:
				entries++
				held = add(held, c)
			default:
				entries++
				fits = add(fits, c)
			}
		}
	}
	// A post without a channel fits a mapping with one only if that is the
	// recorder's only mapping.
	if entries == 1 && len(held) == 1 {
		return held, nil
	}
	return fits, held
}

// add appends a camera unless it is the last one already.
func add(list []int, camera int) []int {
	if n := len(list); n > 0 && list[n-1] == camera {
		return list
	}
	return append(list, camera)
}

// agrees says whether every key of the mapping that the post carries agrees and
// at least one is carried (the token of the path counts as one), and whether
// the mapping wants a channel that the post does not name.
func (e *Match) agrees(id *identity) (ok, wantsChannel bool) {
	d := id.device
	carried := id.group != 0
	if e.IP.IsValid() && id.remote.IsValid() {
		if !e.IP.Contains(id.remote) {
			return false, false
		}
		carried = true
	}
	for _, k := range [...]struct {
		want string
		got  []byte
	}{{e.MAC, d.MAC}, {e.SN, d.SN}, {e.Name, d.Name}} {
		if k.want == "" || len(k.got) == 0 {
			continue
		}
		if k.want != string(k.got) {
			return false, false
		}
		carried = true
	}
	switch {
	case e.Channel <= 0:
	case !d.Channel.Known:
		wantsChannel = true
	case d.Channel.V != uint64(e.Channel):
		return false, false
	default:
		carried = true
	}
	return carried, wantsChannel
}

// appendKey appends the identity in one unambiguous piece.
func (id *identity) appendKey(b []byte) []byte {
	a := id.remote.As16()
	b = append(b, a[:]...)
	b = binary.AppendUvarint(b, uint64(id.group))
	if id.device.Channel.Known {
		b = append(b, 1)
		b = binary.AppendUvarint(b, id.device.Channel.V)
	} else {
		b = append(b, 0)
	}
	for _, t := range [...][]byte{id.device.MAC, id.device.SN, id.device.Name, id.device.IP} {
		b = binary.AppendUvarint(b, uint64(len(t)))
		b = append(b, t...)
	}
	return b
}

// list puts a post that is not evaluated on the list of strangers or of posts
// in doubt. A heartbeat that only lacks a channel is in order.
func (m *Matcher) list(now time.Time, s *sender, v Verdict, p *viewtron.Post) {
	if v == NoChannel && p.Kind == viewtron.KindHeartbeat {
		return
	}
	if v == Unknown {
		m.strange.note(now, s, p, func(e *entry) { e.reason = m.behindToken(s) })
		return
	}
	m.unsure.note(now, s, p, func(e *entry) {
		for _, c := range s.fits {
			e.cameras = append(e.cameras, m.cameras[c].Name)
		}
		if v == NoChannel {
			e.reason = "it comes from a recorder of the site file and names no channel; write `channel: any` at the camera whose it is"
		} else {
			e.reason = fmt.Sprintf("it fits %d cameras; add a key to their `match` that tells them apart", len(s.fits))
		}
	})
}
