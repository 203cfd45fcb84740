package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// maxSize is the longest site file that is read, in bytes.
const maxSize = 1 << 20

// Load reads the site file at path. Besides what Parse finds, it follows the links of allow_programs, so that a link
// to an interpreter is refused too. See Parse for what it returns.
func Load(path string) (*Site, []Problem) {
	data, err := readLimited(path)
	if err != nil {
		return nil, []Problem{{File: path, Message: "cannot be read: " + because(err)}}
	}
	return parse(path, data, filepath.EvalSymlinks)
}

func readLimited(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxSize {
		return nil, fmt.Errorf("it is longer than %d bytes", maxSize)
	}
	return os.ReadFile(path)
}

// Parse reads a site file's text; name is its path, for messages and for what is relative to it. All problems are
// returned at once, in the order of the file. The site is nil only when the text is no YAML mapping; with errors among
// the problems (Failed) it holds what could be read, which is good for checking rules against it and for nothing
// else.
func Parse(name string, data []byte) (*Site, []Problem) {
	return parse(name, data, func(p string) (string, error) { return p, nil })
}

func parse(name string, data []byte, follow func(string) (string, error)) (*Site, []Problem) {
	d := &decoder{file: name, dir: filepath.Dir(name)}
	if len(data) > maxSize {
		d.add(at{}, false, fmt.Sprintf("is longer than %d bytes", maxSize))
		return nil, d.finish()
	}
	d.lines = strings.Split(strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n"), "\n")
	root := d.loadNode(data)
	if Failed(d.problems) {
		return nil, d.finish()
	}
	r := &reader{decoder: d, site: defaults(name), follow: follow}
	if root != nil && !isNull(root) {
		d.findMasks(root, 0, false)
		if !r.root(root) {
			return nil, d.finish()
		}
	}
	r.references()
	return r.site, d.finish()
}

// reader fills the site; it remembers the nodes of what can only be checked when everything is known.
type reader struct {
	*decoder
	site   *Site
	follow func(string) (string, error)

	relayNodes  []relayNodes
	cameraNodes []cameraNodes
	lineUsers   map[string]string // chip and line → who has it
}

type cameraNodes struct {
	key     *yaml.Node
	withURL bool // or why it has none was said already
}

type relayNodes struct {
	key, camera, feedback, feedbackTime *yaml.Node
	interlock                           []*yaml.Node
}

func (r *reader) reserved(prefix string) func(string) {
	return func(key string) { r.site.Reserved = append(r.site.Reserved, prefix+key) }
}

func (r *reader) root(n *yaml.Node) bool {
	s := r.site
	r.lineUsers = map[string]string{}
	var tls, insecure *yaml.Node
	ok := r.mapping(n, "", []field{
		{"site", func(v *yaml.Node) { r.text(v, "site: ", &s.Name) }},
		{"location", r.location},
		{"listen", r.listen},
		{"tls", func(v *yaml.Node) { tls = v; r.tls(v) }},
		{"insecure", func(v *yaml.Node) { insecure = v; r.boolean(v, "insecure: ", &s.Insecure) }},
		{"cameras", func(v *yaml.Node) { r.named(v, "cameras", "camera", r.camera) }},
		{"relays", func(v *yaml.Node) { r.named(v, "relays", "relay", r.relay) }},
		{"contacts", func(v *yaml.Node) { r.named(v, "contacts", "contact", r.contact) }},
		{"notifiers", func(v *yaml.Node) { r.named(v, "notifiers", "notifier", r.notifier) }},
		{"secrets", func(v *yaml.Node) { r.named(v, "secrets", "secret", r.namedSecret) }},
		{"deny_private", func(v *yaml.Node) { r.boolean(v, "deny_private: ", &s.DenyPrivate) }},
		{"run_as", r.runAs},
		{"sync", func(v *yaml.Node) { r.boolean(v, "sync: ", &s.Sync) }},
		{"allow_programs", r.allowPrograms},
		{"allow_shell", func(v *yaml.Node) { r.boolean(v, "allow_shell: ", &s.AllowShell) }},
		{"data", func(v *yaml.Node) {
			var p string
			if r.text(v, "data: ", &p) {
				s.Data = r.beside(p)
			}
		}},
		{"keep", r.keep},
		{"keep_order", r.keepOrder},
		{"tracking", func(v *yaml.Node) {
			r.mapping(v, "tracking: ", []field{
				{"timeout", func(v *yaml.Node) {
					r.duration(v, "tracking: timeout: ", 100*time.Millisecond, &s.Tracking.Timeout)
				}},
				{"rejoin", func(v *yaml.Node) { r.duration(v, "tracking: rejoin: ", 0, &s.Tracking.Rejoin) }},
			}, nil, nil)
		}},
		{"late", func(v *yaml.Node) { r.duration(v, "late: ", time.Millisecond, &s.Late) }},
		{"plates", func(v *yaml.Node) {
			r.mapping(v, "plates: ", []field{
				{"visit_gap", func(v *yaml.Node) { r.duration(v, "plates: visit_gap: ", time.Second, &s.Plates.VisitGap) }},
				{"lists", func(v *yaml.Node) { r.plateLists(v, "plates: lists: ", &s.Plates.Lists) }},
			}, nil, nil)
		}},
	}, []string{"mqtt", "frigate", "holidays", "uplink"}, r.reserved(""))
	switch {
	case !s.Insecure:
	case tls != nil:
		r.errorf(insecure, "insecure: means that nothing is encrypted, and tls says how it is: leave one of them out")
	case s.Listen.ConsoleOnLoopback():
		r.warnf(insecure, "insecure: means nothing here, for only this machine can reach the console: leave it out")
	}
	return ok
}

// tls reads the files of the console's certificate.
func (r *reader) tls(n *yaml.Node) {
	t := &r.site.TLS
	file := func(key string, into *string) field {
		return field{key, func(v *yaml.Node) {
			var p string
			if r.text(v, "tls: "+key+": ", &p) {
				*into = r.beside(p)
			}
		}}
	}
	ok := r.mapping(n, "tls: ", []field{file("cert", &t.Cert), file("key", &t.Key)}, nil, nil)
	if ok && (t.Cert == "" || t.Key == "") && !r.misspelt("tls: ", "cert", "key") {
		r.errorf(n, "tls: wants both cert and key, the files of a certificate; leave tls out, and the program makes one itself")
	}
}

// beside takes a relative path from the folder of the site file.
func (d *decoder) beside(p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(d.dir, p)
}

func (r *reader) location(n *yaml.Node) {
	l := &r.site.Location
	hasLat, hasLon := false, false
	ok := r.mapping(n, "location: ", []field{
		{"latitude", func(v *yaml.Node) {
			r.decimal(v, "location: latitude: ", -90, 90, &l.Latitude)
			hasLat = true
		}},
		{"longitude", func(v *yaml.Node) {
			r.decimal(v, "location: longitude: ", -180, 180, &l.Longitude)
			hasLon = true
		}},
		{"timezone", func(v *yaml.Node) {
			var name string
			if !r.text(v, "location: timezone: ", &name) {
				return
			}
			zone, err := time.LoadLocation(name)
			if err != nil || name == "Local" {
				r.errorf(v, "location: timezone: %s is not a time zone (try \"America/New_York\")", quote(name))
				return
			}
			l.Timezone, l.Zone = name, zone
		}},
	}, nil, nil)
	if ok && hasLat != hasLon {
		missing := "latitude"
		if hasLat {
			missing = "longitude"
		}
		if !r.misspelt("location: ", missing) {
			r.errorf(n, "location: %s is missing", missing)
		}
	}
	l.Known = hasLat && hasLon
}

func (r *reader) listen(n *yaml.Node) {
	address := func(key string, into *string) field {
		return field{key, func(v *yaml.Node) {
			where := "listen: " + key + ": "
			var text string
			if !r.text(v, where, &text) {
				return
			}
			_, port, err := net.SplitHostPort(text)
			number, perr := strconv.Atoi(port)
			if err != nil || perr != nil || number < 0 || number > 65535 || strconv.Itoa(number) != port {
				r.errorf(v, "%s%s is not an address to listen on (try %q)", where, quote(text), *into)
				return
			}
			*into = text
		}}
	}
	console := address("console", &r.site.Listen.Console)
	r.mapping(n, "listen: ", []field{
		address("cameras", &r.site.Listen.Cameras),
		{console.name, func(v *yaml.Node) {
			console.read(v)
			host, port, err := net.SplitHostPort(r.site.Listen.Console)
			if err != nil || host == "" || host == "localhost" {
				return
			}
			if _, err := netip.ParseAddr(host); err != nil {
				r.errorf(v, "listen: console: %s is a name, which can stand for another address tomorrow: write the address, or %s for all of them",
					quote(host), quote(":"+port))
			}
		}},
		{"names", func(v *yaml.Node) {
			r.list(v, "listen: names: ", func(e *yaml.Node) {
				var name string
				if !r.text(e, "listen: names: ", &name) {
					return
				}
				if !isHost(name) {
					r.errorf(e, "listen: names: %s is neither a name nor an address of a machine (try \"sallyport.example.com\", without a port)", quote(name))
					return
				}
				r.site.Listen.Names = append(r.site.Listen.Names, name)
			})
		}},
	}, nil, nil)
	if l := r.site.Listen; l.Cameras == l.Console && !strings.HasSuffix(l.Cameras, ":0") {
		r.errorf(n, "listen: cameras and console need two different addresses")
	}
}

// isHost tells whether a text is an address, or looks like the name of a machine.
func isHost(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	if len(text) > 253 {
		return false
	}
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			return false
		}
	}
	return true
}

func (r *reader) camera(key, value *yaml.Node) {
	c := Camera{Name: key.Value}
	where := fmt.Sprintf("camera %q: ", c.Name)
	matched, hasURL := false, false
	var poll, pin *yaml.Node
	ok := r.mapping(value, where, []field{
		{"match", func(v *yaml.Node) {
			matched = true
			m := resolve(v)
			if m.Kind != yaml.SequenceNode {
				r.match(v, where+"match: ", &c)
				return
			}
			if len(m.Content) == 0 {
				r.errorf(v, "%smatch: is empty", where)
			}
			for _, e := range m.Content {
				r.match(e, where+"match: ", &c)
			}
		}},
		{"url", func(v *yaml.Node) { hasURL = true; r.deviceURL(v, where+"url: ", &c.URL) }},
		{"username", func(v *yaml.Node) { r.text(v, where+"username: ", &c.Username) }},
		{"password", func(v *yaml.Node) { r.secret(v, where+"password: ", true, &c.Password) }},
		{"token", func(v *yaml.Node) { r.secret(v, where+"token: ", true, &c.Token) }},
		{"tls_pin", func(v *yaml.Node) { pin = v; r.fingerprint(v, where+"tls_pin: ", &c.TLSPin) }},
		{"poll", func(v *yaml.Node) { poll = v; r.duration(v, where+"poll: ", time.Second, &c.Poll) }},
		{"lists", func(v *yaml.Node) {
			if n := resolve(v); n.Kind == yaml.ScalarNode && n.Value == "none" {
				c.NoLists = true
				return
			}
			r.plateLists(v, where+"lists: ", &c.Lists)
		}},
	}, nil, nil)
	if ok && poll != nil && !hasURL && !r.misspelt(where, "url") {
		r.errorf(poll, "%spoll needs a url to ask at", where)
	}
	if ok && pin != nil && c.URL != "" && !strings.HasPrefix(c.URL, "https://") {
		r.errorf(pin, "%stls_pin needs a url that begins with https://", where)
	}
	if ok && !matched && c.Token.IsZero() && !r.misspelt(where, "match", "token") {
		r.warnf(key, "%sno match, so no post is this camera's", where)
	}
	r.site.Cameras = append(r.site.Cameras, c)
	r.cameraNodes = append(r.cameraNodes, cameraNodes{key: key, withURL: hasURL || !ok || r.misspelt(where, "url")})
}

// fingerprint reads the SHA-256 of a certificate in hex, with or without colons.
func (r *reader) fingerprint(n *yaml.Node, where string, into *string) {
	var text string
	if !r.text(n, where, &text) {
		return
	}
	b, err := hex.DecodeString(strings.ReplaceAll(text, ":", ""))
	if err != nil || len(b) != sha256.Size {
		r.errorf(n, "%s%s is not a SHA-256 fingerprint of 64 hex digits (\"sallyport camera add\" shows it)", where, quote(text))
		return
	}
	*into = hex.EncodeToString(b)
}

// isPort tells whether a URL can have this port; "" is the usual one.
func isPort(text string) bool {
	n, err := strconv.Atoi(text)
	return text == "" || err == nil && n >= 1 && n <= 65535
}

// plateLists reads which local lists go to which lists of the cameras.
func (r *reader) plateLists(n *yaml.Node, where string, into *[]PlateList) {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		r.errorf(n, "%swant a mapping from local lists to the cameras' lists, like {residents: allow}, found %s", where, kindName(n))
		return
	}
	r.pairs(n, where, func(key, value *yaml.Node) {
		l := PlateList{Local: key.Value}
		if r.text(value, where+key.Value+": ", &l.Camera) {
			*into = append(*into, l)
		}
	})
}

func (r *reader) match(n *yaml.Node, where string, c *Camera) {
	var m Match
	before := len(r.problems)
	ok := r.mapping(n, where, []field{
		{"mac", func(v *yaml.Node) {
			var text string
			if r.text(v, where+"mac: ", &text) {
				mac, err := parseMAC(text)
				if err != nil {
					r.errorf(v, "%smac: %v, found %s", where, err, quote(text))
				}
				m.MAC = mac
			}
		}},
		{"sn", func(v *yaml.Node) { r.text(v, where+"sn: ", &m.SN) }},
		{"ip", func(v *yaml.Node) {
			var text string
			if !r.text(v, where+"ip: ", &text) {
				return
			}
			if prefix, err := parsePrefix(text); err != nil {
				r.errorf(v, "%sip: %s is neither an address nor a network (try \"192.168.0.52\" or \"192.168.0.0/24\")", where, quote(text))
			} else {
				m.IP = prefix
			}
		}},
		{"channel", func(v *yaml.Node) {
			if s := resolve(v); s.Kind == yaml.ScalarNode && s.Value == "any" {
				m.Channel = ChannelAny
				return
			}
			if s := resolve(v); s.Kind == yaml.ScalarNode && s.Tag == "!!str" {
				r.errorf(v, "%schannel: want a number or any, found %s", where, kindName(s))
				return
			}
			r.integer(v, where+"channel: ", 1, 1024, &m.Channel)
		}},
		{"name", func(v *yaml.Node) { r.text(v, where+"name: ", &m.Name) }},
	}, nil, nil)
	if !ok || len(r.problems) > before {
		return
	}
	switch {
	case m == Match{}:
		r.errorf(n, "%sat least one of mac, sn, ip, channel, name is needed", where)
		return
	case m == Match{Channel: m.Channel}:
		r.warnf(n, "%schannel alone fits the recorder of anybody; add ip, mac or sn", where)
	}
	c.Match = append(c.Match, m)
}

// parsePrefix reads an address or a network. A zone (%eth0) is refused, a mapped IPv4 address is taken as IPv4, and
// host bits of a network are cut off.
func parsePrefix(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return netip.Prefix{}, err
		}
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	a = a.Unmap().WithZone("")
	return a.Prefix(a.BitLen())
}

func (r *reader) deviceURL(n *yaml.Node, where string, into *string) {
	var text string
	if !r.text(n, where, &text) {
		return
	}
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		r.errorf(n, "%swant a URL like \"http://192.168.0.52\"", where)
	case u.User != nil:
		r.errorf(n, "%suser and password do not belong here; use username and password", where)
	case u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		r.errorf(n, "%sa URL of a device ends with its address; leave out what follows it", where)
	case !isPort(u.Port()):
		r.errorf(n, "%sthere is no port %s; they go from 1 to 65535", where, quote(u.Port()))
	default:
		*into = u.Scheme + "://" + u.Host
	}
}

// secret reads {env: NAME}, {file: path} or a plain text.
func (r *reader) secret(n *yaml.Node, where string, warnPlain bool, into *Secret) {
	v := resolve(n)
	if v.Kind != yaml.MappingNode {
		var text string
		if r.text(n, where, &text) {
			*into = Secret{plain: text}
			if warnPlain {
				r.warnf(n, "%sstands here for everybody to read; use {env: NAME} or {file: path}", where)
			}
		}
		return
	}
	var s Secret
	before := len(r.problems)
	r.mapping(n, where, []field{
		{"env", func(v *yaml.Node) {
			if r.text(v, where+"env: ", &s.env) && strings.ContainsAny(s.env, "= \t") {
				r.errorf(v, "%senv: %s is not the name of a variable", where, quote(s.env))
			}
		}},
		{"file", func(v *yaml.Node) {
			var p string
			if r.text(v, where+"file: ", &p) {
				s.file = r.beside(p)
			}
		}},
	}, nil, nil)
	if len(r.problems) == before && (s.env == "") == (s.file == "") {
		r.errorf(n, "%swant exactly one of env and file", where)
		return
	}
	*into = s
}

// wiring are the keys that relays and contacts share.
type wiring struct {
	chip, line, memory, camera *yaml.Node
}

func (r *reader) chip(v *yaml.Node, where string, into *string) {
	if !r.text(v, where, into) {
		return
	}
	name := strings.TrimPrefix(*into, "/dev/")
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != "" {
		r.errorf(v, "%s%s is not a GPIO chip (try \"gpiochip0\")", where, quote(*into))
		return
	}
	*into = name
}

// wired checks that there is exactly one way to reach the thing, and that nothing else has its line.
func (r *reader) wired(key *yaml.Node, where, ways string, w wiring, chip string, line int) {
	count := 0
	for _, given := range []bool{w.chip != nil || w.line != nil, w.memory != nil, w.camera != nil} {
		if given {
			count++
		}
	}
	switch {
	case count == 0 && r.misspelt(where, "chip", "line", "memory", "camera"):
	case count == 0:
		r.errorf(key, "%swhere is it wired? Write %s", where, ways)
	case count > 1:
		r.errorf(key, "%sonly one of %s may be given", where, ways)
	case w.chip != nil && w.line == nil:
		if !r.misspelt(where, "line") {
			r.errorf(key, "%sline is missing", where)
		}
	case w.chip == nil && w.line != nil:
		if !r.misspelt(where, "chip") {
			r.errorf(key, "%schip is missing", where)
		}
	case w.chip != nil && chip != "":
		id := chip + " " + strconv.Itoa(line)
		who := strings.TrimSuffix(where, ": ")
		if other, taken := r.lineUsers[id]; taken {
			r.errorf(w.line, "%sline %d of %s is already that of %s", where, line, chip, other)
			return
		}
		r.lineUsers[id] = who
	}
}

// memory reads `memory: true`; false is as good as leaving it out, which then is said.
func (r *reader) memory(v *yaml.Node, where string, into *bool) {
	before := len(r.problems)
	r.boolean(v, where+"memory: ", into)
	if len(r.problems) == before && !*into {
		r.errorf(v, "%smemory: only true means something here; leave the key out", where)
	}
}

func (r *reader) relay(key, value *yaml.Node) {
	y := Relay{Name: key.Value}
	nodes := relayNodes{key: key}
	where := fmt.Sprintf("relay %q: ", y.Name)
	var w wiring
	maxOn := false
	ok := r.mapping(value, where, []field{
		{"chip", func(v *yaml.Node) { w.chip = v; r.chip(v, where+"chip: ", &y.Chip) }},
		{"line", func(v *yaml.Node) { w.line = v; r.integer(v, where+"line: ", 0, 1023, &y.Line) }},
		{"active_low", func(v *yaml.Node) { r.boolean(v, where+"active_low: ", &y.ActiveLow) }},
		{"memory", func(v *yaml.Node) { w.memory = v; r.memory(v, where, &y.Memory) }},
		{"camera", func(v *yaml.Node) {
			w.camera = v
			if r.text(v, where+"camera: ", &y.Camera) {
				nodes.camera = v
			}
		}},
		{"max_on", func(v *yaml.Node) { maxOn = true; r.duration(v, where+"max_on: ", time.Millisecond, &y.MaxOn) }},
		{"min_off", func(v *yaml.Node) { r.duration(v, where+"min_off: ", 0, &y.MinOff) }},
		{"interlock", func(v *yaml.Node) {
			r.list(v, where+"interlock: ", func(e *yaml.Node) {
				var name string
				if r.text(e, where+"interlock: ", &name) {
					y.Interlock = append(y.Interlock, name)
					nodes.interlock = append(nodes.interlock, e)
				}
			})
		}},
		{"interlock_wait", func(v *yaml.Node) { r.duration(v, where+"interlock_wait: ", 0, &y.InterlockWait) }},
		{"feedback", func(v *yaml.Node) {
			if r.text(v, where+"feedback: ", &y.Feedback) {
				nodes.feedback = v
			}
		}},
		{"feedback_time", func(v *yaml.Node) {
			if r.duration(v, where+"feedback_time: ", time.Millisecond, &y.FeedbackTime) {
				nodes.feedbackTime = v
			}
		}},
		{"daily_cap", func(v *yaml.Node) { r.integer(v, where+"daily_cap: ", 1, 4096, &y.DailyCap) }},
		{"confirm", func(v *yaml.Node) { y.Confirm = new(bool); r.boolean(v, where+"confirm: ", y.Confirm) }},
	}, nil, nil)
	if ok {
		r.wired(key, where, "chip and line, memory: true, or camera", w, y.Chip, y.Line)
		if !maxOn && !r.misspelt(where, "max_on") {
			r.errorf(key, "%smax_on is missing: the longest it may ever stay on (try \"5s\" for a gate, \"12h\" for a light)", where)
		}
		if w.camera != nil && y.ActiveLow {
			r.errorf(key, "%sactive_low has no meaning on a camera's output", where)
		}
		r.feedback(&y, where, nodes)
	}
	r.site.Relays = append(r.site.Relays, y)
	r.relayNodes = append(r.relayNodes, nodes)
}

// feedback checks how long a feedback may take, and gives it its default.
func (r *reader) feedback(y *Relay, where string, nodes relayNodes) {
	n := nodes.feedbackTime
	switch {
	case n != nil && nodes.feedback == nil:
		if !r.misspelt(where, "feedback") {
			r.errorf(n, "%sfeedback_time: means something only with feedback, the contact that says what the relay is", where)
		}
	case n != nil && y.MaxOn > 0 && y.FeedbackTime > y.MaxOn:
		r.errorf(n, "%sfeedback_time: is longer than max_on, so it would never be judged while the relay is on", where)
	case n == nil && nodes.feedback != nil:
		y.FeedbackTime = min(250*time.Millisecond, y.MaxOn)
	}
}

func pullWords() []string { return []string{"up", "down", "none"} }

func (r *reader) contact(key, value *yaml.Node) {
	c := Contact{Name: key.Value, Debounce: 20 * time.Millisecond}
	where := fmt.Sprintf("contact %q: ", c.Name)
	var w wiring
	ok := r.mapping(value, where, []field{
		{"chip", func(v *yaml.Node) { w.chip = v; r.chip(v, where+"chip: ", &c.Chip) }},
		{"line", func(v *yaml.Node) { w.line = v; r.integer(v, where+"line: ", 0, 1023, &c.Line) }},
		{"memory", func(v *yaml.Node) { w.memory = v; r.memory(v, where, &c.Memory) }},
		{"active_low", func(v *yaml.Node) { r.boolean(v, where+"active_low: ", &c.ActiveLow) }},
		{"pull", func(v *yaml.Node) {
			var pull string
			if !r.text(v, where+"pull: ", &pull) {
				return
			}
			if !slices.Contains(pullWords(), pull) {
				r.errorf(v, "%spull: want up, down or none, found %s", where, quote(pull))
				return
			}
			c.Pull = pull
		}},
		{"debounce", func(v *yaml.Node) { r.duration(v, where+"debounce: ", 0, &c.Debounce) }},
	}, nil, nil)
	if ok {
		r.wired(key, where, "chip and line, or memory: true", w, c.Chip, c.Line)
	}
	r.site.Contacts = append(r.site.Contacts, c)
}

func (r *reader) notifier(key, value *yaml.Node) {
	n := Notifier{Name: key.Value}
	where := fmt.Sprintf("notifier %q: ", n.Name)
	given := false
	ok := r.mapping(value, where, []field{
		{"url", func(v *yaml.Node) {
			given = true
			r.secret(v, where+"url: ", false, &n.URL)
			if n.URL.plain != "" && !strings.Contains(n.URL.plain, "://") {
				r.errorf(v, "%surl: want a URL like \"ntfy://…\"", where)
			}
		}},
	}, nil, nil)
	if ok && !given && !r.misspelt(where, "url") {
		r.errorf(key, "%surl is missing", where)
	}
	r.site.Notifiers = append(r.site.Notifiers, n)
}

func (r *reader) namedSecret(key, value *yaml.Node) {
	n := NamedSecret{Name: key.Value}
	r.secret(value, fmt.Sprintf("secret %q: ", n.Name), true, &n.Secret)
	r.site.Secrets = append(r.site.Secrets, n)
}

// runAs reads the name or number of a user.
func (r *reader) runAs(n *yaml.Node) {
	var user string
	if !r.text(n, "run_as: ", &user) {
		return
	}
	if strings.ContainsAny(user, " :/") || strings.HasPrefix(user, "-") {
		r.errorf(n, "run_as: %s is not a user's name or number", quote(user))
		return
	}
	r.site.RunAs = user
}

func (r *reader) allowPrograms(n *yaml.Node) {
	r.list(n, "allow_programs: ", func(e *yaml.Node) {
		var program string
		if !r.text(e, "allow_programs: ", &program) {
			return
		}
		switch {
		case !path.IsAbs(program) || path.Clean(program) != program:
			r.errorf(e, "allow_programs: %s is not an absolute path, without .. and doubled slashes", quote(program))
			return
		case Interpreter(program):
			r.errorf(e, "allow_programs: %s runs whatever stands in its arguments; allow a program of your own that does one thing", quote(program))
			return
		case slices.Contains(r.site.AllowPrograms, program):
			r.errorf(e, "allow_programs: %s is here twice", quote(program))
			return
		}
		// A program that is not there yet is found missing when it is to be started.
		if real, err := r.follow(program); err == nil && Interpreter(real) {
			r.errorf(e, "allow_programs: %s is a link to %s, which runs whatever stands in its arguments", quote(program), quote(real))
			return
		}
		r.site.AllowPrograms = append(r.site.AllowPrograms, program)
	})
}

func (r *reader) keep(n *yaml.Node) {
	k := &r.site.Keep
	r.mapping(n, "keep: ", []field{
		{"recording", func(v *yaml.Node) { r.duration(v, "keep: recording: ", time.Minute, &k.Recording) }},
		{"journal", func(v *yaml.Node) { r.duration(v, "keep: journal: ", time.Minute, &k.Journal) }},
		{"images", func(v *yaml.Node) { r.duration(v, "keep: images: ", time.Minute, &k.Images) }},
		{"size", func(v *yaml.Node) {
			var text string
			if !r.text(v, "keep: size: ", &text) {
				return
			}
			size, err := parseSize(text)
			switch {
			case err != nil:
				r.errorf(v, "keep: size: %v", err)
			case size < 10_000_000:
				r.errorf(v, "keep: size: %s is too little to work with (at least \"10MB\")", quote(text))
			default:
				k.Size = size
			}
		}},
	}, nil, nil)
}

// keepParts are what `keep` keeps, in the order in which they give way.
func keepParts() []string { return []string{"images", "recording", "journal"} }

func (r *reader) keepOrder(n *yaml.Node) {
	parts := keepParts()
	var order []string
	before := len(r.problems)
	r.list(n, "keep_order: ", func(e *yaml.Node) {
		var part string
		if !r.text(e, "keep_order: ", &part) {
			return
		}
		switch {
		case !slices.Contains(parts, part):
			r.errorf(e, "keep_order: %s is not one of images, recording, journal%s", quote(part), didYouMean(part, parts))
		case slices.Contains(order, part):
			r.errorf(e, "keep_order: %s is here twice", quote(part))
		default:
			order = append(order, part)
		}
	})
	if len(r.problems) > before {
		return
	}
	if len(order) < len(parts) {
		r.errorf(n, "keep_order: want each of images, recording, journal once")
		return
	}
	r.site.KeepOrder = order
}

// references checks what one entry says about another, and makes interlocks symmetric.
func (r *reader) references() {
	s := r.site
	cameras := make([]string, len(s.Cameras))
	for i, c := range s.Cameras {
		cameras[i] = c.Name
	}
	relays := make([]string, len(s.Relays))
	for i, y := range s.Relays {
		relays[i] = y.Name
	}
	contacts := make([]string, len(s.Contacts))
	for i, c := range s.Contacts {
		contacts[i] = c.Name
	}
	outputs := make(map[string]string) // who has a device's output
	for i, y := range s.Relays {
		where := fmt.Sprintf("relay %q: ", y.Name)
		if n := r.relayNodes[i].feedback; n != nil && !slices.Contains(contacts, y.Feedback) {
			r.errorf(n, "%sfeedback: there is no contact %s%s", where, quote(y.Feedback), didYouMean(y.Feedback, contacts))
		}
		if n := r.relayNodes[i].camera; n != nil {
			switch j := slices.Index(cameras, y.Camera); {
			case j < 0:
				r.errorf(n, "%scamera: there is no camera %s%s", where, quote(y.Camera), didYouMean(y.Camera, cameras))
			case !r.cameraNodes[j].withURL:
				r.errorf(n, "%scamera: the camera %s has no url to switch its output by", where, quote(y.Camera))
			default:
				// Two relays of one output would each end what the other asks for, and be
				// on for longer than either may.
				id := output(s.Cameras[j])
				if other, taken := outputs[id]; taken {
					r.errorf(n, "%scamera: the output of %s is already that of relay %s", where, quote(y.Camera), quote(other))
				} else {
					outputs[id] = y.Name
				}
			}
		}
		for j, other := range y.Interlock {
			n := r.relayNodes[i].interlock[j]
			switch {
			case other == y.Name:
				r.errorf(n, "%sinterlock: a relay cannot exclude itself", where)
			case !slices.Contains(relays, other):
				r.errorf(n, "%sinterlock: there is no relay %s%s", where, quote(other), didYouMean(other, relays))
			}
		}
	}
	interlock(s.Relays)
	r.overlaps()
}

// output names the alarm output behind a camera: that of the device, or of the
// recorder's channel that it is.
func output(c Camera) string {
	channel := 0
	for _, m := range c.Match {
		if channel = m.Channel; channel > 0 {
			break
		}
	}
	return strings.ToLower(c.URL) + " " + strconv.Itoa(channel)
}

// overlaps warns of a camera whose posts can fit a camera before it, once.
func (r *reader) overlaps() {
	for i, c := range r.site.Cameras {
		for _, other := range r.site.Cameras[:i] {
			mine, theirs, found := overlap(c, other)
			if !found {
				continue
			}
			key, remedy := r.cameraNodes[i].key, tellApart(c, mine, other, theirs)
			switch {
			case mine == theirs:
				r.warnf(key, "camera %q: has the same match %s as %q, so a post that fits is ambiguous and not evaluated: %s",
					c.Name, mine, other.Name, remedy)
			case mine.shares(theirs):
				r.warnf(key, "camera %q: a post that fits its %s can fit %s of %q too, and then is ambiguous and not evaluated: %s",
					c.Name, mine, theirs, other.Name, remedy)
			default:
				r.warnf(key, "camera %q: nothing keeps a device from fitting its %s and %s of %q, and then its posts are ambiguous and not evaluated: %s",
					c.Name, mine, theirs, other.Name, remedy)
			}
			break
		}
	}
}

// overlap finds a mapping of each of two cameras that one post can fit: two that are the same before two that have a key
// in common, and these before others. A camera with a token and no mapping takes every post that comes with it.
func overlap(a, b Camera) (ofA, ofB Match, found bool) {
	if a.Token != b.Token {
		return Match{}, Match{}, false
	}
	mappings := func(c Camera) []Match {
		if len(c.Match) == 0 && !c.Token.IsZero() {
			return []Match{{}}
		}
		return c.Match
	}
	best := 0
	for _, m := range mappings(a) {
		for _, n := range mappings(b) {
			if m.differs(n) {
				continue
			}
			how := 1
			switch {
			case m == n:
				how = 3
			case m.shares(n):
				how = 2
			}
			if how > best {
				best, ofA, ofB = how, m, n
			}
		}
	}
	return ofA, ofB, best > 0
}

// shares tells whether two mappings that do not differ have a key in common that tells a device.
func (m Match) shares(n Match) bool {
	return m.MAC != "" && n.MAC != "" || m.SN != "" && n.SN != "" || m.Name != "" && n.Name != "" || m.IP.IsValid() && n.IP.IsValid()
}

// differs tells whether a key that both mappings have keeps every post that carries it from fitting both.
func (m Match) differs(n Match) bool {
	text := func(a, b string) bool { return a != "" && b != "" && a != b }
	return text(m.MAC, n.MAC) || text(m.SN, n.SN) || text(m.Name, n.Name) ||
		m.IP.IsValid() && n.IP.IsValid() && !m.IP.Overlaps(n.IP) ||
		m.Channel > 0 && n.Channel > 0 && m.Channel != n.Channel
}

// tellApart says what to write so that two mappings no longer fit one post.
func tellApart(a Camera, m Match, b Camera, n Match) string {
	keys := []struct {
		name string
		m, n bool
	}{
		{"channel", m.Channel > 0, n.Channel > 0}, {"mac", m.MAC != "", n.MAC != ""}, {"ip", m.IP.IsValid(), n.IP.IsValid()},
		{"sn", m.SN != "", n.SN != ""}, {"name", m.Name != "", n.Name != ""},
	}
	if !m.shares(n) {
		keys[0], keys[2] = keys[2], keys[0]
	}
	for _, key := range keys {
		lacks, channel := a.Name, m.Channel
		switch {
		case key.m == key.n:
			continue
		case key.m:
			lacks, channel = b.Name, n.Channel
		}
		if key.name == "channel" && channel == ChannelAny {
			return fmt.Sprintf("write the channel of %q instead of any", lacks)
		}
		return fmt.Sprintf("add the %s of %q to its match", key.name, lacks)
	}
	switch {
	case m.Channel == ChannelAny:
		return "write their channels instead of any"
	case m.Channel > 0 && m.MAC == "":
		return "add the mac of each to its match"
	case m.Channel > 0:
		return "one of them must be wrong"
	case m.MAC == "":
		return "add the mac of each to its match, or the channel when they are of one recorder"
	}
	return "add the channel of each to its match when they are of one recorder, else one of them is wrong"
}

// interlock makes the lists symmetric, sorted and without doubles, drops names that do not exist, and gives both
// relays of a pair the longer wait.
func interlock(relays []Relay) {
	written := make([]Relay, len(relays))
	copy(written, relays)
	for i := range relays {
		var others []string
		for j, other := range written {
			if i == j || !slices.Contains(written[i].Interlock, other.Name) && !slices.Contains(other.Interlock, written[i].Name) {
				continue
			}
			others = append(others, other.Name)
			relays[i].InterlockWait = max(relays[i].InterlockWait, written[j].InterlockWait)
		}
		slices.Sort(others)
		relays[i].Interlock = others
	}
}
