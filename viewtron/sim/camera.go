package sim

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Auth is how a camera wants to be logged in to.
type Auth string

// The ways of logging in. Basic is also the zero value's.
const (
	Basic  Auth = "basic"
	Digest Auth = "digest"
)

// API is the generation of a camera's interface.
type API string

// The generations. API21 is also the zero value's.
const (
	API21 API = "2.1.0" // LicensePlates commands
	API20 API = "2.0.0" // no LicensePlates commands
	API19 API = "1.9"   // nor GetSupportedAPIs; unknown commands get an empty 400
)

// Group is one of the camera's plate lists.
type Group struct{ ID, Name string }

// FirmwareGroups are the lists of current firmware, with its ids: 1 is the
// temporary list, 2 the allow list, 3 the block list.
func FirmwareGroups() []Group {
	return []Group{{"1", "temporaryList"}, {"2", "whiteList"}, {"3", "blackList"}}
}

// ListEntry is a plate on one of the camera's lists. Zero times: from now on,
// until 2037, as the firmware sets it on add.
type ListEntry struct {
	Number    string    `json:"number"`
	Group     string    `json:"group"` // name: "whiteList", "blackList", "temporaryList"
	Owner     string    `json:"owner,omitempty"`
	Telephone string    `json:"telephone,omitempty"`
	Begin     time.Time `json:"begin,omitzero"`
	End       time.Time `json:"end,omitzero"`
}

// Fault is what goes wrong with one request. The zero value is nothing.
type Fault struct {
	Delay time.Duration // before anything else
	Drop  bool          // the connection is closed without an answer
	// Status, when not 0, is answered with Body instead of doing the command.
	Status      int
	ContentType string
	Body        string
}

// Options make a camera. The zero value of a part is that of current firmware.
type Options struct {
	Identity
	Username, Password string // an empty user name: no login
	Auth               Auth
	API                API
	MaxFailures        int           // wrong logins in a row until the lock-out; 0: 5
	LockFor            time.Duration // 0: 5 minutes
	Groups             []Group       // nil: FirmwareGroups
	MaxPlates          int           // 0: 10000
	Rate               int           // trajectory posts a second; 0: DefaultRate
	Location           *time.Location
	// Transport carries the posts of Play; nil: an own one.
	Transport http.RoundTripper
	// Fault is asked before each request, after the login; nil: nothing goes wrong.
	Fault func(command string, r *http.Request) Fault
}

// Stats counts what a camera did.
type Stats struct {
	Requests    int // of the device API, refused ones too
	BadLogins   int // requests with wrong credentials
	Sent        int // posts that were answered 200
	Failed      int // posts that were not
	Late        int // trajectories left out because they were overdue
	LastError   error
	Triggered   []int // virtual alarms, in order; the last 100
	AlarmOut    bool  // the alarm output
	AlarmOutSet int   // how often it was set
}

// A Camera is one virtual camera. It is safe for use by several goroutines.
type Camera struct {
	opt    Options
	secret string // of the Digest challenges

	mu       sync.Mutex // covers the fields below
	plates   []ListEntry
	stats    Stats
	failures int
	locked   time.Time // until then
}

// NewCamera makes a camera with empty plate lists.
func NewCamera(o Options) *Camera {
	if o.MaxFailures == 0 {
		o.MaxFailures = 5
	}
	if o.LockFor == 0 {
		o.LockFor = 5 * time.Minute
	}
	if o.Groups == nil {
		o.Groups = FirmwareGroups()
	}
	if o.MaxPlates == 0 {
		o.MaxPlates = 10_000
	}
	if o.Location == nil {
		o.Location = time.Local
	}
	if o.API == "" {
		o.API = API21
	}
	return &Camera{opt: o, secret: o.MAC + o.SN + o.Password}
}

// Stats gives the counts so far.
func (c *Camera) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Triggered = append([]int(nil), s.Triggered...)
	return s
}

func (c *Camera) count(f func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.stats)
}

// Plates gives the plates on all lists, in the order they were added.
func (c *Camera) Plates() []ListEntry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]ListEntry(nil), c.plates...)
}

// Put puts a plate on a list, or changes it when the camera has it already.
func (c *Camera) Put(e ListEntry) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.group(e.Group); !ok {
		return fmt.Errorf("the camera has no plate list %q", e.Group)
	}
	c.validity(&e)
	if i := c.index(e.Number); i >= 0 {
		c.plates[i] = e
	} else {
		c.plates = append(c.plates, e)
	}
	return nil
}

func (c *Camera) validity(e *ListEntry) {
	if e.Begin.IsZero() {
		e.Begin = time.Now().In(c.opt.Location).Truncate(time.Second)
	}
	if e.End.IsZero() {
		e.End = time.Date(2037, 12, 30, 10, 59, 59, 0, c.opt.Location)
	}
}

// ListOf tells what the camera would send as vehicleListType for a plate at a
// time: its list's name, or "" when it is on none or not valid then.
func (c *Camera) ListOf(number string, at time.Time) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.index(number)
	if i < 0 || at.Before(c.plates[i].Begin) || at.After(c.plates[i].End) {
		return ""
	}
	return c.plates[i].Group
}

func (c *Camera) index(number string) int {
	for i := range c.plates {
		if c.plates[i].Number == number {
			return i
		}
	}
	return -1
}

func (c *Camera) group(name string) (Group, bool) {
	for _, g := range c.opt.Groups {
		if g.Name == name {
			return g, true
		}
	}
	return Group{}, false
}

func (c *Camera) groupByID(id string) (Group, bool) {
	for _, g := range c.opt.Groups {
		if g.ID == id {
			return g, true
		}
	}
	return Group{}, false
}

// reply is the answer to a command.
type reply struct {
	status int
	kind   string // content type; "" is XML
	body   []byte
}

// ServeHTTP answers the device's commands.
func (c *Camera) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	c.count(func(s *Stats) { s.Requests++ })
	var a reply
	command, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch refusal, ok := c.login(w, r); {
	case err != nil:
		a = c.code(3)
	case !ok:
		a = refusal
	default:
		var f Fault
		if c.opt.Fault != nil {
			f = c.opt.Fault(command, r)
		}
		if f.Delay > 0 {
			t := time.NewTimer(f.Delay)
			defer t.Stop()
			select {
			case <-t.C:
			case <-r.Context().Done():
			}
		}
		switch {
		case f.Drop:
			panic(http.ErrAbortHandler)
		case f.Status != 0:
			a = reply{status: f.Status, kind: f.ContentType, body: []byte(f.Body)}
		default:
			a = c.command(command, rest, r.Method, body)
		}
	}
	kind := a.kind
	if kind == "" {
		kind = "application/xml"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client may be gone
}

// login checks the credentials of a request. A request without any is
// challenged and is no failure.
func (c *Camera) login(w http.ResponseWriter, r *http.Request) (reply, bool) {
	if c.opt.Username == "" {
		return reply{}, true
	}
	now := time.Now()
	auth := r.Header.Get("Authorization")
	good, stale := false, false
	if c.opt.Auth == Digest {
		good, stale = c.checkDigest(auth, r, now)
	} else if user, password, ok := r.BasicAuth(); ok {
		good = same(user, c.opt.Username) && same(password, c.opt.Password)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	code := 9
	switch {
	case now.Before(c.locked):
		code = 10
	case good && !stale:
		c.failures = 0
		return reply{}, true
	case auth != "" && !stale:
		c.stats.BadLogins++
		if c.failures++; c.failures >= c.opt.MaxFailures {
			c.failures, c.locked, code = 0, now.Add(c.opt.LockFor), 10
		}
	}
	challenge := `Basic realm="device"`
	if c.opt.Auth == Digest {
		challenge = `Digest realm="device", qop="auth", algorithm=MD5, nonce="` + c.nonce(now) + `"`
		if stale {
			challenge += ", stale=true"
		}
	}
	w.Header().Set("WWW-Authenticate", challenge)
	a := c.code(code)
	a.status = http.StatusUnauthorized
	return a, false
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// nonce makes a challenge that tells its own age.
func (c *Camera) nonce(now time.Time) string {
	stamp := strconv.FormatInt(now.UnixMilli(), 16)
	sum := sha256.Sum256([]byte(stamp + c.secret))
	return stamp + "-" + hex.EncodeToString(sum[:8])
}

// checkDigest checks a Digest login (RFC 7616, MD5, qop auth). stale: the
// challenge it answers is not ours or over a minute old.
func (c *Camera) checkDigest(auth string, r *http.Request, now time.Time) (good, stale bool) {
	rest, ok := strings.CutPrefix(auth, "Digest ")
	if !ok {
		return false, false
	}
	v := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		v[name] = strings.Trim(value, `"`)
	}
	stamp, _, _ := strings.Cut(v["nonce"], "-")
	ms, err := strconv.ParseInt(stamp, 16, 64)
	made := time.UnixMilli(ms)
	if err != nil || v["nonce"] != c.nonce(made) || now.Sub(made) > time.Minute {
		return false, true
	}
	h := func(s string) string { sum := md5.Sum([]byte(s)); return hex.EncodeToString(sum[:]) }
	want := h(h(c.opt.Username+":device:"+c.opt.Password) + ":" + v["nonce"] + ":" + v["nc"] + ":" + v["cnonce"] + ":" + v["qop"] + ":" + h(r.Method+":"+r.URL.RequestURI()))
	return v["uri"] == r.URL.RequestURI() && v["username"] == c.opt.Username && same(v["response"], want), false
}

// code makes the answer for an error code; 0 is success.
func (c *Camera) code(code int) reply {
	words := [...]struct {
		code int
		desc string
	}{
		{0, "No Error"}, {1, "Invalid Request"}, {2, "Invalid XML Format"}, {3, "Invalid XML Content"},
		{9, "Unauthorized"}, {10, "User Locked"}, {11, "Unsupported Function"}, {15, "Missing Required Parameters"},
		{16, "Range Error"}, {20, "Resources Not Exist"}, {202, "Exceeding Maximum License Plate Library Limit"},
		{203, "Same License Plate Already Exists"}, {204, "License Plate Not Exist"}, {207, "License Plate Group Not Exist"},
	}
	desc := ""
	for _, w := range words {
		if w.code == code {
			desc = w.desc
		}
	}
	status, word := http.StatusOK, "failed"
	if code == 0 {
		word = "success"
	}
	if code == 1 {
		status = http.StatusBadRequest
		if c.opt.API == API19 {
			return reply{status: status}
		}
	}
	attrs := fmt.Sprintf(`status="%s" errorCode="%d"`, word, code)
	if c.opt.API != API19 {
		attrs += fmt.Sprintf(` errorDesc="%s"`, desc)
	} else if code == 0 {
		attrs = `status="success"`
	}
	return reply{status: status, body: []byte(xmlHead + `<config version="` + c.version() + `" xmlns="http://www.ipc.com/ver10" ` + attrs + "/>\n")}
}

func (c *Camera) version() string {
	if c.opt.API == API19 {
		return "1.7"
	}
	return string(c.opt.API)
}

// data makes an answer with content.
func (c *Camera) data(f func([]byte) []byte) reply {
	b := append([]byte(nil), xmlHead+`<config version="`+c.version()+`" xmlns="http://www.ipc.com/ver10">`+"\n"...)
	return reply{status: http.StatusOK, body: append(f(b), "\n</config>\n"...)}
}

// handler does one command.
type handler struct {
	name  string
	since API  // the first generation that has it
	write bool // POST only
	do    func(c *Camera, rest string, body []byte) reply
}

// handlers are the commands the camera knows, in the order in which
// GetSupportedAPIs lists them.
func handlers() []handler {
	return []handler{
		{"GetDeviceInfo", API19, false, (*Camera).deviceInfo},
		{"GetDeviceDetail", API19, false, (*Camera).deviceDetail},
		{"GetSupportedAPIs", API20, false, (*Camera).supported},
		{"GetDateAndTime", API19, false, (*Camera).clock},
		{"GetSnapshot", API19, false, (*Camera).snapshot},
		{"ManualAlarmOut", API19, true, (*Camera).alarmOut},
		{"TriggerVirtualAlarm", API20, false, (*Camera).virtualAlarm},
		{"GetLicensePlateGroups", API21, false, (*Camera).plateGroups},
		{"GetLicensePlates", API21, true, (*Camera).getPlates},
		{"AddLicensePlates", API21, true, (*Camera).addPlates},
		{"ModifyLicensePlate", API21, true, (*Camera).modifyPlate},
		{"DeleteLicensePlate", API21, true, (*Camera).deletePlate},
	}
}

// has compares generations; their names sort in order.
func (c *Camera) has(h handler) bool { return h.since <= c.opt.API }

func (c *Camera) command(name, rest, method string, body []byte) reply {
	for _, h := range handlers() {
		if h.name != name || !c.has(h) {
			continue
		}
		if method != http.MethodPost && (h.write || method != http.MethodGet) {
			return c.code(1)
		}
		return h.do(c, rest, body)
	}
	return c.code(1)
}

func (c *Camera) deviceInfo(string, []byte) reply {
	return c.data(func(b []byte) []byte {
		b = append(b, "<deviceInfo>"...)
		b = c.appendInfo(b)
		if c.opt.API != API19 {
			b = c.appendVersions(b)
		}
		b = appendUint(b, "chlMaxCount", 1)
		b = appendUint(b, "alarmInCount", 1)
		b = appendUint(b, "alarmOutCount", 1)
		return append(b, "</deviceInfo>"...)
	})
}

func (c *Camera) deviceDetail(string, []byte) reply {
	return c.data(func(b []byte) []byte {
		b = append(b, "<detail><property>"...)
		b = c.appendVersions(c.appendInfo(b))
		return append(b, "</property></detail>"...)
	})
}

func (c *Camera) appendInfo(b []byte) []byte {
	for _, e := range [...]struct{ name, value string }{
		{"deviceName", c.opt.Name}, {"deviceDescription", "virtual camera"}, {"model", "SIM-4MP"}, {"brand", "Sallyport"},
		{"softwareVersion", "5.3.1"}, {"mac", c.opt.MAC}, {"sn", c.opt.SN},
	} {
		b = appendString(b, e.name, e.value)
	}
	return b
}

func (c *Camera) appendVersions(b []byte) []byte {
	b = appendString(b, "apiVersion", string(c.opt.API))
	if c.opt.API != API19 {
		b = appendString(b, "httpPostVersion", string(c.opt.API))
	}
	return b
}

func (c *Camera) supported(string, []byte) reply {
	return c.data(func(b []byte) []byte {
		// Real devices give a count that is not true and repeat names.
		b = append(b, `<applicationInterfaces type="list" count="111"><itemType type="string" maxLen="63"/>`...)
		for _, h := range append(handlers(), handlers()[0]) {
			if c.has(h) {
				b = append(b, "<item><![CDATA["+h.name+"]]></item>"...)
			}
		}
		return append(b, "</applicationInterfaces>"...)
	})
}

const wallTime = "2006-01-02 15:04:05"

func (c *Camera) clock(string, []byte) reply {
	return c.data(func(b []byte) []byte {
		now := time.Now().In(c.opt.Location)
		// POSIX counts the offset westward.
		_, offset := now.Zone()
		b = append(b, "<time><timezoneInfo>"...)
		b = appendString(b, "timeZone", fmt.Sprintf("UTC%+d", -offset/3600))
		b = append(b, `</timezoneInfo><synchronizeInfo><type type="synchronizeType">NTP</type>`...)
		b = appendString(b, "currentTime", now.Format(wallTime))
		return append(b, "</synchronizeInfo></time>"...)
	})
}

func (c *Camera) snapshot(string, []byte) reply {
	return reply{status: http.StatusOK, kind: "application/octet-stream", body: Picture(nil)}
}

func (c *Camera) alarmOut(_ string, body []byte) reply {
	var in struct {
		Status string `xml:"action>status"`
	}
	if a, ok := c.read(body, &in); !ok {
		return a
	}
	on, err := strconv.ParseBool(strings.TrimSpace(in.Status))
	if err != nil {
		return c.code(3)
	}
	c.count(func(s *Stats) { s.AlarmOut = on; s.AlarmOutSet++ })
	return c.code(0)
}

func (c *Camera) virtualAlarm(rest string, _ []byte) reply {
	id, err := strconv.Atoi(rest)
	if err != nil || id < 1 {
		return c.code(16)
	}
	c.count(func(s *Stats) {
		s.Triggered = append(s.Triggered, id)
		s.Triggered = s.Triggered[max(0, len(s.Triggered)-100):]
	})
	return c.code(0)
}

func (c *Camera) plateGroups(string, []byte) reply {
	return c.data(func(b []byte) []byte {
		b = append(b, fmt.Sprintf(`<licensePlateGroups type="list" count="%d">`, len(c.opt.Groups))...)
		for _, g := range c.opt.Groups {
			b = append(b, "<item>"...)
			b = appendString(b, "groupId", g.ID)
			b = appendString(b, "groupName", g.Name)
			b = append(b, "</item>"...)
		}
		return append(b, "</licensePlateGroups>"...)
	})
}

// maxPlateChars is what fits into the virtual camera's table.
const maxPlateChars = 63

func (c *Camera) addPlates(_ string, body []byte) reply {
	var in struct {
		Items []struct {
			Index  string `xml:"index"`
			Number string `xml:"licensePlateNumber"`
			Group  string `xml:"groupId"`
		} `xml:"licensePlates>item"`
	}
	if a, ok := c.read(body, &in); !ok {
		return a
	}
	if len(in.Items) == 0 {
		return c.code(15)
	}
	if len(in.Items) > 100 {
		return c.code(16)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.data(func(b []byte) []byte {
		b = append(b, "<licensePlatesReply>"...)
		for _, it := range in.Items {
			number := strings.TrimSpace(it.Number)
			g, ok := c.groupByID(strings.TrimSpace(it.Group))
			code := 0
			switch {
			case number == "":
				code = 15
			case utf8.RuneCountInString(number) > maxPlateChars:
				code = 16
			case !ok:
				code = 207
			case c.index(number) >= 0:
				code = 203
			case len(c.plates) >= c.opt.MaxPlates:
				code = 202
			default:
				e := ListEntry{Number: number, Group: g.Name}
				c.validity(&e)
				c.plates = append(c.plates, e)
			}
			index, _ := strconv.ParseUint(strings.TrimSpace(it.Index), 10, 32)
			b = append(b, "<item>"...)
			b = appendUint(b, "index", index)
			b = appendUint(b, "errorCode", uint64(code))
			b = append(b, "</item>"...)
		}
		return append(b, "</licensePlatesReply>"...)
	})
}

func (c *Camera) getPlates(_ string, body []byte) reply {
	var in struct {
		Max    int    `xml:"searchFilter>maxResult"`
		Offset int    `xml:"searchFilter>resultOffset"`
		Group  string `xml:"searchFilter>groupId"`
	}
	if a, ok := c.read(body, &in); !ok {
		return a
	}
	if in.Offset < 1 || in.Max < 1 {
		return c.code(16)
	}
	g, ok := c.groupByID(strings.TrimSpace(in.Group))
	if !ok {
		return c.code(207)
	}
	var list []ListEntry
	for _, e := range c.Plates() {
		if e.Group == g.Name {
			list = append(list, e)
		}
	}
	if in.Offset > len(list) {
		return c.code(20)
	}
	page := list[in.Offset-1:]
	page = page[:min(len(page), in.Max, 100)]
	return c.data(func(b []byte) []byte {
		b = append(b, fmt.Sprintf(`<licensePlates type="list" total="%d" count="%d">`, len(list), len(page))...)
		for _, e := range page {
			b = append(b, "<item>"...)
			b = appendString(b, "licensePlateNumber", e.Number)
			b = appendString(b, "groupId", g.ID)
			b = appendString(b, "beginTime", e.Begin.In(c.opt.Location).Format(wallTime))
			b = appendString(b, "endTime", e.End.In(c.opt.Location).Format(wallTime))
			b = appendString(b, "licensePlateType", "")
			b = appendString(b, "carOwner", e.Owner)
			b = appendString(b, "cardNumber", "")
			b = appendString(b, "telephone", e.Telephone)
			b = append(b, "</item>"...)
		}
		return append(b, "</licensePlates>"...)
	})
}

// typed is a value that counts only with its type attribute.
type typed struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

func (c *Camera) modifyPlate(_ string, body []byte) reply {
	var in struct {
		Number string `xml:"licensePlate>licensePlateNumber"`
		Group  string `xml:"licensePlate>groupId"`
		Owner  *typed `xml:"licensePlate>carOwner"`
		Phone  *typed `xml:"licensePlate>telephone"`
		Begin  *typed `xml:"licensePlate>beginTime"`
		End    *typed `xml:"licensePlate>endTime"`
	}
	if a, ok := c.read(body, &in); !ok {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	i, code := c.find(in.Number, in.Group)
	if code != 0 {
		return c.code(code)
	}
	e := c.plates[i]
	for _, f := range [...]struct {
		in   *typed
		text *string
		time *time.Time
	}{{in.Owner, &e.Owner, nil}, {in.Phone, &e.Telephone, nil}, {in.Begin, nil, &e.Begin}, {in.End, nil, &e.End}} {
		switch {
		case f.in == nil:
		case f.in.Type != "string":
			return c.code(16)
		case f.text != nil:
			*f.text = f.in.Text
		default:
			t, err := time.ParseInLocation(wallTime, f.in.Text, c.opt.Location)
			if err != nil {
				return c.code(16)
			}
			*f.time = t
		}
	}
	c.plates[i] = e
	return c.code(0)
}

func (c *Camera) deletePlate(_ string, body []byte) reply {
	var in struct {
		Number string `xml:"deleteAction>licensePlateNumber"`
		Group  string `xml:"deleteAction>groupId"`
	}
	if a, ok := c.read(body, &in); !ok {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	i, code := c.find(in.Number, in.Group)
	if code == 0 {
		c.plates = append(c.plates[:i], c.plates[i+1:]...)
	}
	return c.code(code)
}

// find looks for a plate on a list; a code other than 0 says why it is not there.
func (c *Camera) find(number, group string) (i, code int) {
	g, ok := c.groupByID(strings.TrimSpace(group))
	if !ok {
		return 0, 207
	}
	i = c.index(strings.TrimSpace(number))
	if i < 0 || c.plates[i].Group != g.Name {
		return 0, 204
	}
	return i, 0
}

// read decodes a request's body.
func (c *Camera) read(body []byte, into any) (reply, bool) {
	err := xml.Unmarshal(body, into)
	var num *strconv.NumError
	switch {
	case err == nil:
		return reply{}, true
	case errors.As(err, &num):
		return c.code(16), false
	}
	return c.code(2), false
}

// appendString appends a string element as the devices write it, always in
// CDATA unless it cannot be.
func appendString(b []byte, name, value string) []byte {
	b = append(b, "<"+name+` type="string">`...)
	b = appendText(b, value)
	return append(b, "</"+name+">"...)
}
