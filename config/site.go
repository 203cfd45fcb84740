package config

import (
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"time"
)

// Site is the site file, read and checked. Names of cameras, relays, contacts, notifiers and secrets are
// [a-z][a-z0-9-]* and unique per kind; the slices keep the order of the file. A Site is not written to after it was loaded.
type Site struct {
	// File is the path the site was read from; empty for Default.
	File string
	// Name is what people call the place ("Elm Street 4").
	Name string
	// Location is where the place is and which clock hangs on its wall.
	Location Location
	// Listen holds the two ports.
	Listen Listen
	// TLS is the certificate of the console.
	TLS TLS
	// Insecure lets the console be reached from other machines without encryption.
	Insecure bool
	// Cameras are the devices whose posts are taken.
	Cameras []Camera
	// Relays are the outputs.
	Relays []Relay
	// Contacts are the wired inputs.
	Contacts []Contact
	// Notifiers are the ways to tell a person.
	Notifiers []Notifier
	// Secrets are the values that rules refer to by name, to sign calls with.
	Secrets []NamedSecret
	// DenyPrivate keeps http steps from private, loopback and link-local addresses.
	DenyPrivate bool
	// RunAs is the user, by name or number, that `run` and `shell` steps run as; empty: the program's own. Whether
	// there is such a user shows at the start.
	RunAs string
	// Sync lets a relay wait until the journal's entry about it is on the disk.
	Sync bool
	// AllowPrograms are the absolute paths that a `run` step may start. Empty: none.
	AllowPrograms []string
	// AllowShell permits the `shell` verb.
	AllowShell bool
	// Data is the folder of journal, recording and images. A relative path in the file is taken from the folder of
	// the site file; without `data` it is the folder `data` next to the site file.
	Data string
	// Keep says how much of the past is kept.
	Keep Keep
	// KeepOrder names the parts of Keep in the order in which they give way when space runs out.
	KeepOrder []string
	// Tracking holds the times after which a target is over.
	Tracking Tracking
	// Late is how much a post may exceed the least delay of its device before it counts as late.
	Late time.Duration
	// Plates holds the times of plate visits.
	Plates Plates
	// Reserved lists the keys that were read and not used, because a later version gives them a meaning
	// ("mqtt"), in the order of the file.
	Reserved []string
}

// Location is a place on earth and its time zone.
type Location struct {
	// Latitude and Longitude are degrees, north and east positive; they mean something only when Known.
	Latitude, Longitude float64
	// Known tells whether the file gave a latitude and a longitude.
	Known bool
	// Timezone is the zone's name as written; empty when the file names none.
	Timezone string
	// Zone is never nil: the named zone, or the machine's own (time.Local) when the file names none.
	Zone *time.Location
}

// Listen holds listen addresses, host:port each.
type Listen struct {
	// Cameras is the address for camera posts.
	Cameras string
	// Console is the address of the API and the web console.
	Console string
	// Names are the names and addresses by which browsers may ask for the console, besides its own addresses and the
	// machine's name.
	Names []string
}

// TLS names the files of a certificate, PEM both; empty for one that the program makes itself.
type TLS struct {
	// Cert is the certificate with those that lead to a known one, Key its private key.
	Cert, Key string
}

// ConsoleOnLoopback tells whether only this machine can reach the console.
func (l Listen) ConsoleOnLoopback() bool {
	host, _, err := net.SplitHostPort(l.Console)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// ChannelAny is the Channel of a mapping that says `channel: any`.
const ChannelAny = -1

// Camera is one device, or one channel of a recorder.
type Camera struct {
	// Name is what rules call it.
	Name string
	// Match holds the mappings of which one must fit for a post to be this camera's. Empty: no post is.
	Match []Match
	// URL is the root of the device's own API (http://192.168.0.52), without a slash at the end; empty when it is
	// never called.
	URL string
	// Username is the account on the device.
	Username string
	// Password belongs to Username.
	Password Secret
	// Token, when set, must be the last part of the path that posts come to: /c/<token>.
	Token Secret
	// TLSPin is the SHA-256 fingerprint of the device's certificate in 64 hex digits; empty: the certificate that it
	// shows first is trusted.
	TLSPin string
	// Poll is how often the device is asked for its alarms, because it cannot push them; 0: never.
	Poll time.Duration
	// Lists says which local lists go to which of its plate lists, instead of Plates.Lists; NoLists that none does.
	Lists   []PlateList
	NoLists bool
}

// PlateList says that the plates of a local list belong on a list of a camera.
type PlateList struct {
	// Local is the name of a list of the rule files.
	Local string
	// Camera is allow, block, temporary, or the camera's own name of a list.
	Camera string
}

// Match is one mapping of a camera. A key that was not given is its zero value.
type Match struct {
	// MAC is in lower case with colons (58:5b:69:5f:42:1b).
	MAC string
	// SN is the serial number as the device sends it.
	SN string
	// IP is the address the post comes from, a single address as a prefix of full length. Not given: !IP.IsValid().
	IP netip.Prefix
	// Channel is the recorder's channel, from 1; 0 when not given; ChannelAny for `any`.
	Channel int
	// Name is the device's own name.
	Name string
}

// Relay is one output. Exactly one of Chip (with Line), Memory and Camera is set.
type Relay struct {
	// Name is what rules call it.
	Name string
	// Chip is the GPIO chip (gpiochip0) and Line the offset on it.
	Chip string
	// Line is the offset on Chip.
	Line int
	// ActiveLow says that the relay is on while the line is low.
	ActiveLow bool
	// Memory makes a relay that moves nothing.
	Memory bool
	// Camera names the camera whose own alarm output this is.
	Camera string
	// MaxOn ends an unbroken time on, whatever asks. Always above 0.
	MaxOn time.Duration
	// MinOff is the least time off before it may go on again.
	MinOff time.Duration
	// Interlock names the relays that must not be on together with this one, sorted. It is symmetric: when a names
	// b, b names a too.
	Interlock []string
	// InterlockWait is the pause after an interlocked relay went off before this one may go on. Of two relays the
	// longer pause counts for both.
	InterlockWait time.Duration
	// Feedback names the contact that says what the relay really is; empty: none does.
	Feedback string
	// FeedbackTime is how long Feedback may say something else before that is a fault; 0 without Feedback, and at
	// most MaxOn. Default 250 ms.
	FeedbackTime time.Duration
	// DailyCap is how often it may be turned on in any 24 hours; 0: as often as one likes.
	DailyCap int
	// Confirm lets the console ask a person once more before it switches the relay; nil where the file does not say:
	// then it asks for relays that rules pulse.
	Confirm *bool
}

// Contact is one wired input. Exactly one of Chip (with Line) and Memory is set.
type Contact struct {
	// Name is what rules call it.
	Name string
	// Chip is the GPIO chip (gpiochip0).
	Chip string
	// Line is the offset on Chip.
	Line int
	// Memory makes a contact that nothing is wired to.
	Memory bool
	// ActiveLow says that the contact is on while the line is low.
	ActiveLow bool
	// Pull is "up", "down", "none", or empty to leave the line as it is.
	Pull string
	// Debounce is how long a level must last to count. Default 20 ms.
	Debounce time.Duration
}

// Notifier is one way to tell a person something.
type Notifier struct {
	// Name is what rules call it.
	Name string
	// URL is the service's address. It holds the service's password, hence a Secret.
	URL Secret
}

// NamedSecret is a secret under the name that rules use.
type NamedSecret struct {
	// Name is what rules call it.
	Name string
	// Secret is its value.
	Secret Secret
}

// Keep says how long each kind of record is kept, and how much space all of them may take.
type Keep struct {
	// Recording, Journal and Images are the ages after which these go.
	Recording, Journal, Images time.Duration
	// Size is the limit in bytes of all three together.
	Size int64
}

// Tracking holds the times of targets.
type Tracking struct {
	// Timeout ends a target for which no frame has come this long.
	Timeout time.Duration
	// Rejoin is how long after its end a target may be taken up again by a new one. 0: never.
	Rejoin time.Duration
}

// Plates holds the times of plate visits.
type Plates struct {
	// VisitGap is the longest pause between two reads of one visit.
	VisitGap time.Duration
	// Lists says which local lists go to which lists of every camera that has no Lists of its own.
	Lists []PlateList
}

// Default is the site without a site file: the default ports, no cameras, no relays, the place Greenwich and the
// zone UTC.
func Default() *Site {
	s := defaults("")
	s.Location = Location{Latitude: 51.4779, Longitude: 0, Known: true, Timezone: "UTC", Zone: time.UTC}
	return s
}

// defaults is what a site file at path means before its first line is read.
func defaults(path string) *Site {
	return &Site{
		File:      path,
		Name:      "sallyport",
		Location:  Location{Zone: time.Local},
		Listen:    Listen{Cameras: ":5002", Console: "127.0.0.1:8080"},
		Data:      filepath.Join(filepath.Dir(path), "data"),
		Keep:      Keep{Recording: 7 * day, Journal: 400 * day, Images: 30 * day, Size: 4_000_000_000},
		KeepOrder: keepParts(),
		Tracking:  Tracking{Timeout: 1500 * time.Millisecond},
		Late:      3 * time.Second,
		Plates:    Plates{VisitGap: 30 * time.Second},
	}
}

// Camera returns the camera of that name.
func (s *Site) Camera(name string) (Camera, bool) {
	for _, c := range s.Cameras {
		if c.Name == name {
			return c, true
		}
	}
	return Camera{}, false
}

// Relay returns the relay of that name.
func (s *Site) Relay(name string) (Relay, bool) {
	for _, r := range s.Relays {
		if r.Name == name {
			return r, true
		}
	}
	return Relay{}, false
}

// Contact returns the contact of that name.
func (s *Site) Contact(name string) (Contact, bool) {
	for _, c := range s.Contacts {
		if c.Name == name {
			return c, true
		}
	}
	return Contact{}, false
}

// Secret returns the secret of that name.
func (s *Site) Secret(name string) (Secret, bool) {
	for _, n := range s.Secrets {
		if n.Name == name {
			return n.Secret, true
		}
	}
	return Secret{}, false
}

// Notifier returns the notifier of that name.
func (s *Site) Notifier(name string) (Notifier, bool) {
	for _, n := range s.Notifiers {
		if n.Name == name {
			return n, true
		}
	}
	return Notifier{}, false
}

// String is the mapping as it would be written, for messages.
func (m Match) String() string {
	var parts []string
	if m.MAC != "" {
		parts = append(parts, "mac: "+m.MAC)
	}
	if m.SN != "" {
		parts = append(parts, "sn: "+m.SN)
	}
	if m.IP.IsValid() {
		if m.IP.IsSingleIP() {
			parts = append(parts, "ip: "+m.IP.Addr().String())
		} else {
			parts = append(parts, "ip: "+m.IP.String())
		}
	}
	switch {
	case m.Channel == ChannelAny:
		parts = append(parts, "channel: any")
	case m.Channel != 0:
		parts = append(parts, "channel: "+itoa(m.Channel))
	}
	if m.Name != "" {
		parts = append(parts, "name: "+m.Name)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
