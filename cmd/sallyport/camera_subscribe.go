package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/viewtron/client"
)

// pushInterval is how often a camera is asked to send a heartbeat.
const pushInterval = 30 * time.Second

// The words of the devices for what a push slot sends, and for which detectors
// (protocol notes 2, "Push set-up").
func pushData() []string {
	return []string{"alarmStatus", "traject", "smartData", "sourceImage", "targetImage"}
}

func pushEvents() []string {
	return []string{"ALL", "MOTION", "SENSOR", "PERIMETER", "TRIPWIRE", "OSC", "AVD", "AOIENTRY", "AOILEAVE", "PASSLINECOUNT", "TRAFFIC", "VSD", "PVD", "LOITER", "ASD"}
}

// traject is the word for the trajectories, without which there are no targets.
const traject = "traject"

// cameraSubscribe is what `sallyport camera subscribe` was asked.
type cameraSubscribe struct {
	siteFlags
	dryRun, images, v1, noWait bool
	data, events, url          string
	slot                       int
	wait                       time.Duration
}

// runCameraSubscribe is `sallyport camera subscribe`: it has a camera post to this
// sallyport, and waits until it does.
func runCameraSubscribe(ctx context.Context, p process, args []string) int {
	var f cameraSubscribe
	fs := p.cameraFlags("subscribe")
	f.addSite(fs)
	fs.BoolVar(&f.dryRun, "dry-run", false, "show what would be sent, send nothing")
	fs.StringVar(&f.data, "data", "traject,smartData,alarmStatus", "`WHAT` is posted, with commas: "+strings.Join(pushData(), ", "))
	fs.BoolVar(&f.images, "images", false, "pictures too: targetImage and sourceImage")
	fs.StringVar(&f.events, "events", "ALL", "of which `EVENTS`, with commas: "+strings.Join(pushEvents(), ", "))
	fs.StringVar(&f.url, "url", "", "where the camera reaches this machine, `http://HOST:PORT` (default the address that it is reached from, and the port of listen.cameras)")
	fs.IntVar(&f.slot, "slot", 0, "take this `slot`, whatever is in it")
	fs.BoolVar(&f.v1, "v1", false, "set up the older push (httpPost), which is the one for pictures of plates")
	fs.DurationVar(&f.wait, "wait", 2*time.Minute, "how `long` to wait for a heartbeat and a frame")
	fs.BoolVar(&f.noWait, "no-wait", false, "do not wait for anything to come")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if wrong := f.wrong(); wrong != "" {
		fmt.Fprintf(p.stderr, "%s: %s\n", fs.Name(), wrong)
		return exitUsage
	}
	d, code, ok := p.openCamera(fs, &f.siteFlags, rest)
	if !ok {
		return code
	}
	defer d.Close()
	return f.subscribe(ctx, p, d)
}

// wrong says what is wrong with the flags.
func (f *cameraSubscribe) wrong() string {
	for _, l := range []struct {
		name, text string
		known      []string
	}{{"data", f.data, pushData()}, {"events", f.events, pushEvents()}} {
		for _, w := range strings.Split(l.text, ",") {
			if !slices.Contains(l.known, w) {
				return fmt.Sprintf("--%s: %q is none of %s", l.name, w, strings.Join(l.known, ", "))
			}
		}
	}
	switch {
	case f.slot < 0 || f.slot > 64:
		return fmt.Sprintf("--slot: %d is no slot", f.slot)
	case f.wait <= 0:
		return "--wait: want a time above 0; --no-wait does not wait"
	}
	return ""
}

// dataWords is what is to be posted, each once.
func (f *cameraSubscribe) dataWords() []string {
	data := strings.Split(f.data, ",")
	if f.images {
		data = append(data, "targetImage", "sourceImage")
	}
	slices.Sort(data)
	return slices.Compact(data)
}

// home is where a camera is to post to: this program, as the camera sees it.
type home struct {
	protocol string // http, or https when somebody in front of us takes it
	host     string
	port     int
	path     string
	token    string
	camera   netip.Addr // where the camera is; not valid when that is not known
	guessed  bool       // host is the address that the camera is reached from
}

// home finds out where a camera is to post to.
func (d *siteDevice) home(ctx context.Context) (home, error) {
	h := home{protocol: "http", path: "/API"}
	token, err := d.camera.Token.Value(d.getenv, os.ReadFile)
	if err != nil {
		return home{}, fmt.Errorf("token: %w", err)
	}
	if token != "" {
		if url.PathEscape(token) != token {
			return home{}, errors.New("its token cannot stand in an address: use letters, digits, - and _")
		}
		h.token, h.path = token, "/c/"+token
	}
	host, port, err := net.SplitHostPort(d.site.Listen.Cameras)
	if err == nil {
		h.port, err = strconv.Atoi(port)
	}
	if err != nil {
		return home{}, fmt.Errorf("listen.cameras: %w", err)
	}
	from, err := d.seenFrom(ctx, &h)
	if err != nil {
		return home{}, err
	}
	h.host, h.guessed = from, true
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err == nil && !ip.IsUnspecified() {
		h.host, h.guessed = ip.String(), false
	}
	return h, nil
}

// seenFrom is the address of this machine as the camera sees it. No packet is sent to
// find it: the system says by which of its addresses it would go there.
func (d *siteDevice) seenFrom(ctx context.Context, h *home) (string, error) {
	u, err := url.Parse(d.camera.URL)
	if err != nil {
		return "", err
	}
	port := u.Port()
	if port == "" {
		port = u.Scheme
	}
	conn, err := new(net.Dialer).DialContext(ctx, "udp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return "", fmt.Errorf("there is no way to %s: %w", u.Host, err)
	}
	defer conn.Close()
	if a, ok := conn.RemoteAddr().(*net.UDPAddr); ok {
		h.camera = a.AddrPort().Addr().Unmap().WithZone("")
	}
	a, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return "", errors.New("the address of this machine is not known; give it with --url")
	}
	return a.AddrPort().Addr().Unmap().WithZone("").String(), nil
}

// at takes the address that a person gave.
func (h *home) at(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("--url: %q is no address like http://192.168.0.10:5002", text)
	case u.Path != "" && u.Path != "/" && h.token != "":
		return errors.New("--url: the path is the camera's token; leave it out")
	}
	h.protocol, h.host, h.guessed = u.Scheme, u.Hostname(), false
	if u.Path != "" && u.Path != "/" {
		h.path = u.EscapedPath()
	}
	switch {
	case u.Port() != "":
		if h.port, err = strconv.Atoi(u.Port()); err != nil {
			return fmt.Errorf("--url: %q is no port", u.Port())
		}
	case u.Scheme == "https":
		h.port = 443
	default:
		h.port = 80
	}
	return nil
}

// is says that a place of a camera's push is this program.
func (h home) is(host string, port int, path string) bool {
	if h.host == "" {
		return false
	}
	return host == h.host && port == h.port || h.token != "" && (path == h.path || strings.HasPrefix(path, h.path+"/"))
}

// url is where the camera posts to, without the token.
func (h home) url() string {
	return h.masked(h.protocol + "://" + net.JoinHostPort(h.host, strconv.Itoa(h.port)) + h.path)
}

// masked keeps the token out of a text.
func (h home) masked(text string) string {
	if h.token == "" {
		return text
	}
	return strings.ReplaceAll(text, "/c/"+h.token, "/c/***")
}

// slotURL is where a slot posts to.
func slotURL(s client.PushSlot) string {
	return s.Protocol + "://" + net.JoinHostPort(s.Domain, strconv.Itoa(s.Port)) + s.Path
}

// slotText is a slot in one line.
func (h home) slotText(s client.PushSlot) string {
	text := fmt.Sprintf("slot %d: %s, %s", s.ID, onOff(s.On), h.masked(slotURL(s)))
	if len(s.Data) > 0 {
		text += ", " + strings.Join(s.Data, " ")
	}
	if len(s.Events) > 0 {
		text += ", events " + strings.Join(s.Events, " ")
	}
	return printable(text)
}

// subscribe does it.
func (f *cameraSubscribe) subscribe(ctx context.Context, p process, d *siteDevice) int {
	name := d.camera.Name
	h, err := d.home(ctx)
	if err != nil {
		return p.errorf("camera %q: %v", name, err)
	}
	if f.url != "" {
		if err := h.at(f.url); err != nil {
			p.errorf("camera subscribe: %v", err)
			return exitUsage
		}
	}
	if text := h.useless(); text != "" {
		return p.errorf("camera %q: %s", name, text)
	}
	caps, err := d.Capabilities(ctx)
	if err != nil {
		return p.failed(name, err)
	}
	if d.channel > 0 || max(caps.Channels, caps.Info.Channels) > 1 {
		return f.byHand(p, d, h, "it is a recorder, and where recorders post to is set up in their own page only")
	}
	push, err := d.GetHttpPostConfig(ctx)
	switch {
	case errors.Is(err, client.ErrUnknownCommand):
		return f.byHand(p, d, h, "it has no command to set up where it posts to")
	case err != nil:
		return p.failed(name, err)
	}
	if caps.Plates != client.NoPlateDialect && !f.v1 && slices.ContainsFunc(f.dataWords(), func(w string) bool { return strings.HasSuffix(w, "Image") }) {
		p.say("it reads plates: their pictures do not come reliably over this push on current firmware; --v1 sets up the one that is for them")
	}
	plan, err := f.plan(push, h, name)
	if err != nil {
		return p.errorf("camera %q: %v", name, err)
	}
	for _, text := range plan.words {
		p.say(text)
	}
	if f.dryRun {
		if plan.same {
			p.say("nothing would be sent: it is set up so already")
		} else {
			p.say("this would be sent (SetHttpPostConfig):")
			for line := range strings.Lines(hidden(h.masked(string(plan.next.Request())))) {
				p.say(strings.TrimRight(line, "\n"))
			}
		}
		return exitOK
	}
	var w *waiting
	if !f.noWait {
		if w, err = f.watch(ctx, p, d, h); err != nil {
			return p.errorf("camera %q: %s", name, printable(err.Error()))
		}
		defer w.close()
	}
	if plan.same {
		p.say("it is set up so already; nothing was sent")
	} else {
		err := d.SetHttpPostConfig(ctx, plan.next)
		if errors.Is(err, client.ErrUnknownCommand) || errors.Is(err, client.ErrNotDocumented) {
			return f.byHand(p, d, h, "it takes no command to set up where it posts to")
		}
		if err != nil {
			return p.failed(name, err)
		}
		got, err := d.GetHttpPostConfig(ctx)
		if err != nil {
			return p.failed(name, err)
		}
		if wrong := plan.kept(got, h); wrong != "" {
			return p.errorf("camera %q took it, and kept something else: %s", name, printable(wrong))
		}
		p.say("done, and read back")
	}
	w.advise(ctx, d)
	if w == nil {
		return exitOK
	}
	return w.run(ctx, f.wait)
}

// say writes one line for people.
func (p process) say(text string) { fmt.Fprintln(p.stdout, printable(text)) }

// useless says why no camera could post to an address.
func (h home) useless() string {
	at, err := netip.ParseAddr(h.host)
	switch {
	case h.port == 0:
		return "listen.cameras has no port that could be told to a camera; give one, or --url"
	case err != nil:
		return ""
	case at.IsUnspecified():
		return "no camera can post to " + h.host
	case at.IsLoopback() && h.camera.IsValid() && !h.camera.IsLoopback():
		return "listen.cameras is for this machine only, so no camera can post to it; write listen.cameras: \":" + strconv.Itoa(h.port) + "\""
	}
	return ""
}

// hidden keeps the passwords of other places of the push out of what is shown.
func hidden(text string) string {
	return regexp.MustCompile(`(?is)(<[a-z]*(?:password|pwd|secret)\b[^>]*>)(?:<!\[CDATA\[.*?\]\]>|[^<])*(</)`).ReplaceAllString(text, "$1***$2")
}

// byHand tells what to type into a device's own page.
func (f *cameraSubscribe) byHand(p process, d *siteDevice, h home, why string) int {
	p.errorf("camera %q: %s", d.camera.Name, why)
	fmt.Fprintf(p.stdout, "Type this into its page, where HTTP POST (also called alarm server) is set up:\n"+
		"  server or domain  %s\n  port              %d\n  path or URL       %s\n  protocol          %s\n  heartbeat         on, every %d seconds\n  authentication    none\n",
		h.host, h.port, h.path, strings.ToUpper(h.protocol), int(pushInterval/time.Second))
	if d.channel > 0 {
		p.say("A recorder passes no trajectories on: rules on targets need the camera itself to post here.")
	}
	return exitError
}

// pushPlan is what a subscription would change in a camera.
type pushPlan struct {
	next  client.PushConfig
	slot  client.PushSlot // ours, of the second push
	v1    *client.PushV1  // ours, of the first push
	same  bool            // nothing is to be changed
	words []string
}

// plan works out what is to be changed.
func (f *cameraSubscribe) plan(push client.PushConfig, h home, name string) (pushPlan, error) {
	if f.v1 {
		return f.planV1(push, h, name)
	}
	var plan pushPlan
	if !push.HasV2 {
		return plan, errors.New("it has the older push only; --v1 sets that up")
	}
	data := f.dataWords()
	plan.slot = client.PushSlot{
		ID: f.slot, On: true, Protocol: h.protocol, Domain: h.host, Port: h.port, Path: h.path, Authentication: "none",
		Heartbeat: true, Interval: pushInterval, Data: data, Events: strings.Split(f.events, ","),
	}
	var was *client.PushSlot
	for i, s := range push.Slots {
		ours := h.is(s.Domain, s.Port, s.Path)
		switch {
		case f.slot == s.ID:
			was = &push.Slots[i]
		case ours && f.slot != 0 && s.On:
			return plan, fmt.Errorf("slot %d posts here already, and everything would come twice: leave out --slot", s.ID)
		case ours && f.slot == 0 && was == nil && s.Domain != "":
			was = &push.Slots[i]
			plan.slot.ID = s.ID
		case ours && s.On:
			plan.words = append(plan.words, fmt.Sprintf("slot %d posts here too: switch it off in the camera's own page, or everything comes twice", s.ID))
		default:
			if s.Domain != "" {
				plan.words = append(plan.words, h.slotText(s)+": stays")
			}
		}
	}
	if v := push.V1; v != nil && v.On && h.is(v.Server, v.Port, v.Path) && !slices.Equal(data, []string{traject}) {
		plan.words = append(plan.words, "its older push (V1) posts here too, so events come twice: with --data traject they do not")
	}
	var err error
	plan.next, err = push.WithSlot(plan.slot)
	if errors.Is(err, client.ErrNoFreeSlot) {
		text := "all its slots are in use, and none is ours:"
		for _, s := range push.Slots {
			text += "\n  " + h.slotText(s)
		}
		return plan, errors.New(text + "\nname the one to take with --slot")
	}
	if err != nil {
		return plan, err
	}
	if plan.slot.ID == 0 {
		for _, s := range plan.next.Slots {
			if s.Domain == plan.slot.Domain && s.Port == plan.slot.Port && s.Path == plan.slot.Path {
				plan.slot.ID = s.ID
			}
		}
	}
	if was != nil && was.Domain != "" {
		if plan.same = sameSlot(*was, plan.slot); !plan.same {
			plan.words = append(plan.words, "now      "+h.slotText(*was))
		}
	}
	plan.words = append(plan.words, "as asked "+h.slotText(plan.slot))
	return plan, nil
}

// planV1 is plan for the older push, which has one place.
func (f *cameraSubscribe) planV1(push client.PushConfig, h home, name string) (pushPlan, error) {
	var plan pushPlan
	v := push.V1
	if v == nil {
		return plan, errors.New("it has no older push (V1); leave out --v1")
	}
	text := func(v client.PushV1) string {
		return printable(h.masked(fmt.Sprintf("V1 push: %s, http://%s%s", onOff(v.On), net.JoinHostPort(v.Server, strconv.Itoa(v.Port)), v.Path)))
	}
	if v.On && v.Server != "" && !h.is(v.Server, v.Port, v.Path) && f.slot != 1 {
		return plan, fmt.Errorf("its only place is in use (%s): switch it off in the camera's own page, or take it with --slot 1", text(*v))
	}
	if h.protocol != "http" {
		return plan, errors.New("the V1 push knows http only")
	}
	plan.v1 = &client.PushV1{On: true, Server: h.host, Port: h.port, Path: h.path, Interval: pushInterval}
	var err error
	if plan.next, err = push.WithV1(*plan.v1); err != nil {
		return plan, err
	}
	if plan.same = *v == *plan.v1; !plan.same && v.Server != "" {
		plan.words = append(plan.words, "now      "+text(*v))
	}
	for _, s := range push.Slots {
		if s.On && h.is(s.Domain, s.Port, s.Path) && !slices.Equal(s.Data, []string{traject}) {
			plan.words = append(plan.words, fmt.Sprintf("slot %d posts here too, so events come twice: `sallyport camera subscribe %s --data traject` has it send frames only", s.ID, name))
		}
	}
	plan.words = append(plan.words, "as asked "+text(*plan.v1))
	return plan, nil
}

// kept says what a camera kept otherwise than it was told; empty: nothing.
func (l *pushPlan) kept(got client.PushConfig, h home) string {
	if l.v1 != nil {
		if got.V1 == nil || *got.V1 != *l.v1 {
			return "its V1 push is not as it was sent"
		}
	}
	for _, s := range l.next.Slots {
		i := slices.IndexFunc(got.Slots, func(g client.PushSlot) bool { return g.ID == s.ID })
		switch {
		case i < 0:
			return h.slotText(s) + " is gone"
		case l.v1 == nil && s.ID == l.slot.ID:
			if !sameSlot(got.Slots[i], l.slot) {
				return h.slotText(got.Slots[i])
			}
		case !reflect.DeepEqual(got.Slots[i], s):
			return "another slot changed: " + h.slotText(got.Slots[i])
		}
	}
	return ""
}

// sameSlot says that a slot does what was asked for.
func sameSlot(a, b client.PushSlot) bool {
	words := func(list []string) []string {
		list = slices.Clone(list)
		slices.Sort(list)
		return slices.Compact(list)
	}
	data := slices.Equal(words(a.Data), words(b.Data))
	events := slices.Equal(words(a.Events), words(b.Events))
	a.Data, a.Events, b.Data, b.Events = nil, nil, nil, nil
	return data && events && reflect.DeepEqual(a, b)
}
