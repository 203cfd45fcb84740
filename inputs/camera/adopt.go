package camera

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/viewtron"
)

// maxMappable is the longest word of a device, in bytes, that is proposed as a key of the site file.
const maxMappable = 256

// mappable is what a device says of itself without the words too long for a site file.
func mappable(d engine.Device) engine.Device {
	for _, s := range []*string{&d.Name, &d.MAC, &d.SN} {
		if len(*s) > maxMappable {
			*s = ""
		}
	}
	d.Address = ""
	return d
}

// named says whether a device says anything of itself that tells it from others.
func named(d engine.Device) bool { return d.MAC != "" || d.SN != "" || d.Name != "" }

// identityOf is what the keys of a mapping are compared with for the posts of a listed device.
func identityOf(d engine.Device, remote netip.Addr) *identity {
	v := &viewtron.Device{MAC: []byte(d.MAC), SN: []byte(d.SN), Name: []byte(d.Name)}
	if d.Channel > 0 {
		v.Channel = viewtron.Uint{V: uint64(d.Channel), Known: true}
	}
	return &identity{remote: remote, device: v}
}

// behindToken says so when a device would be a camera if its posts came with a token.
func (m *Matcher) behindToken(s *sender) string {
	id := identityOf(mappable(s.device), s.remote)
	for g := 1; g < len(m.groups); g++ {
		for _, c := range m.groups[g].cameras {
			for i := range m.cameras[c].Match {
				if ok, _ := m.cameras[c].Match[i].agrees(id); ok {
					return fmt.Sprintf("camera %q takes posts only at /c/<its token>", m.cameras[c].Name)
				}
			}
		}
	}
	return ""
}

// candidate is a listed device that the site file could take as a camera.
type candidate struct {
	*entry
	id    *identity
	match Match
	name  string
	rival *candidate // the one to adopt first: posts would fit both
}

// advise says of each unknown sender why it is one, and what would adopt it. Two
// senders whose posts would fit one mapping are often one device that does not say
// all of itself in every post; only the surer of them is proposed.
func (m *Matcher) advise(list []entry) {
	candidates := make([]*candidate, 0, len(list))
	for i := range list {
		e := &list[i]
		switch {
		case e.reason != "":
		case e.crowded:
			e.reason = "it says nothing of itself and several cameras post from its address; write `ip` at the one whose it is"
		case !named(e.shown) && !e.remote.IsValid():
			e.reason = "no camera of the site file fits, and it shows nothing to know it by"
		default:
			candidates = append(candidates, &candidate{entry: e, id: identityOf(e.shown, e.remote), match: proposal(e.shown, e.remote)})
		}
	}
	choose(candidates)
	taken := make(map[string]bool, len(m.cameras)+len(candidates))
	for _, c := range m.cameras {
		taken[c.Name] = true
	}
	for _, c := range candidates {
		if c.rival == nil {
			c.name = freeName(c.shown, taken)
			taken[c.name] = true
			c.adopt = adoption(c.name, c.match)
		}
	}
	for _, c := range candidates {
		c.reason = c.why()
	}
}

// choose finds the rivals of the candidates that are not to be proposed: no post of the
// list may fit two of the others.
func choose(candidates []*candidate) {
	order := slices.Clone(candidates)
	slices.SortStableFunc(order, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(b.rank(), a.rank()), a.first.Compare(b.first))
	})
	takenBy := make([]*candidate, len(order)) // whose mapping the posts of each fit
	for i, c := range order {
		c.rival = takenBy[i]
		var fits []int
		for k, other := range order {
			// That a post lacks the channel of several mappings puts it in doubt for none of them.
			if ok, wantsChannel := c.match.agrees(other.id); ok && !wantsChannel {
				fits = append(fits, k)
				if c.rival == nil {
					c.rival = takenBy[k]
				}
			}
		}
		if c.rival != nil {
			continue
		}
		for _, k := range fits {
			takenBy[k] = c
		}
	}
}

// rank says how surely a candidate's mapping tells it from others. A channel comes
// first: a mapping without one would take the posts of all channels of a recorder.
func (c *candidate) rank() int {
	r := 0
	if c.match.Channel > 0 {
		r += 8
	}
	switch {
	case c.match.MAC != "":
		r += 6
	case c.match.SN != "":
		r += 4
	case c.match.Name != "":
		r += 2
	}
	if c.shown.Name != "" {
		r++ // it gives the better name
	}
	return r
}

// why says why the sender is unknown and, when it has a rival, what to do instead of adopting it.
func (c *candidate) why() string {
	const stranger = "no camera of the site file fits"
	switch {
	case c.rival == nil && c.beats && named(c.shown) && c.shown.Channel == 0:
		return stranger + "; if it is a recorder, its channels are listed when they post: adopt those instead"
	case c.rival == nil:
		return stranger
	case c.beats && named(c.shown) && c.shown.Channel == 0 && c.rival.shown.Channel > 0:
		return "it is the heartbeat of a recorder; adopt the recorder's channels, which are listed when they post"
	case !named(c.shown):
		return fmt.Sprintf("it says nothing of itself and an unknown device posts from its address; adopt that one (%q) first", c.rival.name)
	}
	return fmt.Sprintf("it is probably the unknown device that is listed to be adopted as %q; adopt that one first", c.rival.name)
}

// proposal is the mapping that takes a device by the surest key it shows.
func proposal(d engine.Device, remote netip.Addr) Match {
	var m Match
	switch {
	case d.MAC != "":
		m.MAC = d.MAC
	case d.SN != "":
		m.SN = d.SN
	default:
		m.Name = d.Name
		if remote.IsValid() {
			m.IP = netip.PrefixFrom(remote, remote.BitLen())
		}
	}
	m.Channel = d.Channel
	return m
}

// adoption is the entry of the site file that takes the posts of that mapping as a camera of that name.
func adoption(name string, m Match) string {
	var keys []string
	if m.MAC != "" {
		keys = append(keys, "mac: "+quote(m.MAC))
	}
	if m.SN != "" {
		keys = append(keys, "sn: "+quote(m.SN))
	}
	if m.Name != "" {
		keys = append(keys, "name: "+quote(m.Name))
	}
	if m.IP.IsValid() {
		keys = append(keys, "ip: "+quote(m.IP.Addr().String()))
	}
	if m.Channel > 0 {
		keys = append(keys, "channel: "+strconv.Itoa(m.Channel))
	}
	return "# under cameras:\n  " + name + ":\n    match: {" + strings.Join(keys, ", ") + "}\n"
}

// freeName is a name for a device that is not taken yet: its own, with its channel.
func freeName(d engine.Device, taken map[string]bool) string {
	base := cameraName(d.Name)
	if d.Channel > 0 {
		base += "-" + strconv.Itoa(d.Channel)
	}
	name := base
	for n := 2; taken[name]; n++ {
		name = base + "-" + strconv.Itoa(n)
	}
	return name
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
