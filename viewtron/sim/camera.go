package sim

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Auth is how a camera wants to be logged in to.
type Auth string

// The ways of logging in. Basic is also the zero value's.
const (
	Basic  Auth = "basic"
	Digest Auth = "digest" // a Basic login counts as a wrong one
)

// API is the generation of a camera's interface.
type API string

// The generations. API21 is also the zero value's.
const (
	API21 API = "2.1.0" // LicensePlates commands
	API20 API = "2.0.0" // VehiclePlate commands instead
	API19 API = "1.9"   // nor GetSupportedAPIs; unknown commands get an empty 400
)

// Fault is what goes wrong with one request. The zero value is nothing.
type Fault struct {
	Delay time.Duration // before anything else
	Drop  bool          // not done, and the connection is closed without an answer
	Lost  bool          // done, but the connection is closed without an answer
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

	// Recorder makes it a recorder (NVR): several channels, virtual alarms, no
	// detections, plate lists or trajectories of its own, and a push
	// configuration that no command reaches: see [Camera.SetPush].
	Recorder bool
	Channels int // of a recorder; 0: 4
	// VirtualAlarms is how many virtual alarm inputs follow the physical ones; 0: 16
	// on a recorder, none on a camera.
	VirtualAlarms int
	// NoPlates makes it a camera that knows no plate lists.
	NoPlates bool
	// Thermal gives it the thermal commands.
	Thermal bool
	// Detections are the zones and lines at the start, where a detector that is
	// missing is off; nil: DefaultDetections.
	Detections []Detection
	// NoPushV2 leaves it with the older push configuration, httpPost, only.
	NoPushV2 bool
	// SmartTrack is the tick of "Smart track data" in the camera's own page,
	// without which it sends no trajectories whatever is subscribed.
	SmartTrack bool
	// NeedsReboot makes that tick take effect after a reboot only.
	NeedsReboot bool
	RebootTime  time.Duration // 0: 30 s
	// LongClock writes currentTime in posts with 20 digits, as some firmware does.
	LongClock bool
	// EmptyHeartbeats sends heartbeats without a body, as some firmware does.
	EmptyHeartbeats bool
	// Loop begins the scene of Run anew whenever it is over, after a pause; 0: it does not.
	Loop time.Duration

	// Transport carries the posts; nil: an own one.
	Transport http.RoundTripper
	// Fault is asked before each request, after the login; nil: nothing goes wrong.
	Fault func(command string, r *http.Request) Fault
	// Watch is told each command that was answered and each post that was sent,
	// after its effect. It is called by several goroutines; nil: nobody is told.
	Watch func(Activity)
}

// Activity is one thing that a camera did.
type Activity struct {
	// Command is what was asked of it; "" for a post.
	Command string
	Remote  string // who asked
	Path    string // as asked
	// Post is the kind of what it sent, as in [Post]; "" for a command.
	Post string
	URL  string // where it sent it
	// Status is the HTTP status that it answered or got; 0 when there was none.
	Status int
	// Code is the device's error code of its answer; 0 is success.
	Code int
	// Err says why a post did not arrive or a command was not answered.
	Err error
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
	AlarmOut    bool  // the first alarm output
	AlarmOutSet int   // how often an output was set by a command
	Reboots     int
}

// A Camera is one virtual camera. It is safe for use by several goroutines.
type Camera struct {
	opt    Options
	secret string        // of the Digest challenges
	wake   chan struct{} // tells Run that something changed

	mu         sync.Mutex // covers the fields below
	plates     plateList
	stats      Stats
	failures   int
	locked     time.Time // until then
	down       time.Time // rebooting until then
	skew       time.Duration
	detections []Detection
	push       Push
	pushed     int // how often the push configuration was set, so that Run sees it
	smartTrack bool
	tracking   bool // the tick is in effect
	outputs    []bool
	offline    map[int]bool // channels of a recorder
	alarms     map[alarmKey]*alarmState
	changed    []alarmChange // alarms that Run has yet to post
	counts     counts
	stage      *stage // what is seen now; nil: nothing
}

// NewCamera makes a camera with empty plate lists and no push configuration.
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
	if o.RebootTime == 0 {
		o.RebootTime = 30 * time.Second
	}
	if o.Rate <= 0 {
		o.Rate = DefaultRate
	}
	switch {
	case !o.Recorder:
		o.Channels = 1
	case o.Channels == 0:
		o.Channels = 4
	}
	if o.Recorder && o.VirtualAlarms == 0 {
		o.VirtualAlarms = 16
	}
	c := &Camera{
		opt: o, secret: o.MAC + o.SN + o.Password, wake: make(chan struct{}, 1),
		smartTrack: o.SmartTrack, tracking: o.SmartTrack && !o.NeedsReboot,
		offline: map[int]bool{}, alarms: map[alarmKey]*alarmState{}, counts: counts{},
	}
	c.outputs = make([]bool, c.alarmOuts())
	if o.Detections == nil {
		o.Detections = DefaultDetections()
	}
	c.detections = cloneDetections(o.Detections)
	return c
}

// Stats gives the counts so far.
func (c *Camera) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Triggered = append([]int(nil), s.Triggered...)
	s.AlarmOut = c.outputs[0]
	return s
}

func (c *Camera) count(f func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.stats)
}

// now is the time on the camera's own clock. The lock is held.
func (c *Camera) now() time.Time { return time.Now().Add(c.skew).In(c.opt.Location) }

// SetSkew makes the camera's clock wrong by so much; positive is fast.
func (c *Camera) SetSkew(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skew = d
}

// Reboot makes the camera unreachable for Options.RebootTime. It keeps its
// configuration and its lists; its alarms and outputs are off afterwards.
func (c *Camera) Reboot() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = time.Now().Add(c.opt.RebootTime)
	c.stats.Reboots++
	c.tracking = c.smartTrack
	clear(c.alarms)
	clear(c.outputs)
	c.changed = nil
	c.poke()
}

// FactoryReset clears the push configuration and the tick of SmartTrack, and
// puts the detections back to those of the start. Plates stay.
func (c *Camera) FactoryReset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.push = Push{}
	c.pushed++
	c.smartTrack, c.tracking = false, false
	d := c.opt.Detections
	if d == nil {
		d = DefaultDetections()
	}
	c.detections = cloneDetections(d)
	c.poke()
}

// SetSmartTrack ticks "Smart track data" as a person does in the camera's page.
// With Options.NeedsReboot it takes effect after a reboot.
func (c *Camera) SetSmartTrack(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if on == c.smartTrack {
		return
	}
	c.smartTrack = on
	c.tracking = on && !c.opt.NeedsReboot
	c.poke()
}

// poke wakes Run up.
func (c *Camera) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// reply is the answer to a command.
type reply struct {
	status int
	code   int
	kind   string // content type; "" is XML
	body   []byte
}

// ServeHTTP answers the device's commands.
func (c *Camera) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.stats.Requests++
	rebooting := time.Now().Before(c.down)
	c.mu.Unlock()
	if rebooting {
		panic(http.ErrAbortHandler)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	var a reply
	command, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	told := Activity{Command: command, Remote: r.RemoteAddr, Path: r.URL.Path}
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
			told.Err = errors.New("the connection was dropped")
			c.tell(told)
			panic(http.ErrAbortHandler)
		case f.Status != 0:
			a = reply{status: f.Status, kind: f.ContentType, body: []byte(f.Body)}
		default:
			a = c.command(command, rest, r.Method, body)
		}
		if f.Lost {
			told.Code, told.Err = a.code, errors.New("the answer was lost")
			c.tell(told)
			panic(http.ErrAbortHandler)
		}
	}
	told.Status, told.Code = a.status, a.code
	c.tell(told)
	kind := a.kind
	if kind == "" {
		kind = "application/xml"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client may be gone
}

func (c *Camera) tell(a Activity) {
	if c.opt.Watch != nil {
		c.opt.Watch(a)
	}
}

// Serve answers the device's commands on a listener until ctx ends, and then
// gives nil. While the camera reboots, connections are cut as soon as they are made.
func (c *Camera) Serve(ctx context.Context, l net.Listener) error {
	s := &http.Server{
		Handler: c, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: log.New(io.Discard, "", 0), // strangers' mistakes are theirs
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() }) // connections go with it; nobody waits for them
	defer stop()
	err := s.Serve(deafListener{l, c})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// deafListener cuts what comes in while the camera reboots.
type deafListener struct {
	net.Listener
	camera *Camera
}

func (l deafListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		l.camera.mu.Lock()
		down := time.Now().Before(l.camera.down)
		l.camera.mu.Unlock()
		if !down {
			return conn, nil
		}
		_ = conn.Close() // nobody is there
	}
}

// code makes the answer for an error code; 0 is success.
func (c *Camera) code(code int) reply {
	words := [...]struct {
		code int
		desc string
	}{
		{0, "No Error"}, {1, "Invalid Request"}, {2, "Invalid XML Format"}, {3, "Invalid XML Content"},
		{9, "Unauthorized"}, {10, "User Locked"}, {11, "Unsupported Function"}, {12, "Channel Error"},
		{15, "Missing Required Parameters"}, {16, "Range Error"}, {19, "Over Specifications"}, {20, "Resources Not Exist"},
		{202, "Exceeding Maximum License Plate Library Limit"}, {203, "Same License Plate Already Exists"},
		{204, "License Plate Not Exist"}, {207, "License Plate Group Not Exist"},
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
			return reply{status: status, code: code}
		}
	}
	attrs := fmt.Sprintf(`status="%s" errorCode="%d"`, word, code)
	if c.opt.API != API19 {
		attrs += fmt.Sprintf(` errorDesc="%s"`, desc)
	} else if code == 0 {
		attrs = `status="success"`
	}
	return reply{status: status, code: code, body: []byte(xmlHead + `<config version="` + c.version() + `" xmlns="http://www.ipc.com/ver10" ` + attrs + "/>\n")}
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
	until API  // the last one; "": all since
	kind  kind // of device
	write bool // POST only
	do    func(c *Camera, rest string, body []byte) reply
}

// kind says which devices have a command.
type kind int

const (
	anyDevice kind = iota
	cameraOnly
	recorderOnly
	thermalOnly
	withPlates
	withVirtualAlarms
)

// handlers are the commands that devices know, in the order in which
// GetSupportedAPIs lists them.
func handlers() []handler {
	h := []handler{
		{"GetDeviceInfo", API19, "", anyDevice, false, (*Camera).deviceInfo},
		{"GetDeviceDetail", API19, "", cameraOnly, false, (*Camera).deviceDetail},
		{"GetSupportedAPIs", API20, "", anyDevice, false, (*Camera).supported},
		{"GetChannelInfo", API20, "", anyDevice, false, (*Camera).channelInfo},
		{"GetChannelList", API19, API19, recorderOnly, false, (*Camera).channelList},
		{"GetAlarmInInfo", API20, "", anyDevice, false, (*Camera).alarmInInfo},
		{"GetAlarmInList", API19, API19, recorderOnly, false, (*Camera).alarmInList},
		{"GetDateAndTime", API19, "", anyDevice, false, (*Camera).clock},
		{"GetSnapshot", API19, "", anyDevice, false, (*Camera).snapshot},
		{"GetAlarmStatus", API19, "", anyDevice, false, (*Camera).alarmStatus},
		{"ManualAlarmOut", API19, "", anyDevice, true, (*Camera).alarmOut},
		{"TriggerVirtualAlarm", API20, "", withVirtualAlarms, false, (*Camera).virtualAlarm},
		{"GetHttpPostConfig", API19, "", cameraOnly, false, (*Camera).getPush},
		{"SetHttpPostConfig", API19, "", cameraOnly, true, (*Camera).setPush},
		{"GetPassLineCountStatistics", API20, "", cameraOnly, false, (*Camera).lineCounts},
		{"GetLicensePlateGroups", API21, "", withPlates, false, (*Camera).plateGroups},
		{"GetLicensePlates", API21, "", withPlates, true, (*Camera).getPlates},
		{"AddLicensePlates", API21, "", withPlates, true, (*Camera).addPlates},
		{"ModifyLicensePlate", API21, "", withPlates, true, (*Camera).modifyPlate},
		{"DeleteLicensePlate", API21, "", withPlates, true, (*Camera).deletePlate},
		{"AddVehiclePlate", API19, API20, withPlates, true, (*Camera).addVehicles},
		{"GetVehiclePlate", API19, API20, withPlates, false, (*Camera).getVehicles},
	}
	for _, d := range detectors() {
		k, since := cameraOnly, API19
		if d.word == "thermal" {
			k, since = thermalOnly, API20
		}
		h = append(h, handler{d.command, since, "", k, false, func(c *Camera, rest string, _ []byte) reply { return c.detection(d, rest) }})
	}
	return h
}

// has compares generations; their names sort in order.
func (c *Camera) has(h handler) bool {
	switch {
	case h.kind == cameraOnly && c.opt.Recorder, h.kind == recorderOnly && !c.opt.Recorder:
		return false
	case h.kind == withPlates && (c.opt.Recorder || c.opt.NoPlates):
		return false
	case h.kind == withVirtualAlarms && c.opt.VirtualAlarms == 0:
		return false
	case h.kind == thermalOnly && (c.opt.Recorder || !c.opt.Thermal):
		return false
	}
	return h.since <= c.opt.API && (h.until == "" || c.opt.API <= h.until)
}

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

// channel reads the channel of a command; none is the first. ok is false, with
// the answer, when there is no such channel.
func (c *Camera) channel(rest string, most int) (ch int, a reply, ok bool) {
	first, _, _ := strings.Cut(rest, "/")
	if first == "" {
		return 1, reply{}, true
	}
	ch, err := strconv.Atoi(first)
	if err == nil && ch >= 1 && ch <= most {
		return ch, reply{}, true
	}
	if c.opt.API == API19 {
		return 0, c.code(1), false
	}
	return 0, c.code(12), false
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
