package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/inputs/camera"
	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/web"
)

// lookEvery is how often it is looked whether something came.
const lookEvery = 200 * time.Millisecond

// sight is what came from a camera since it is watched.
type sight struct {
	heartbeats, frames, events uint64
	event                      string // the kind of the last event
	// strangers are the senders since then whose posts are no camera's.
	strangers []web.Device
	// trouble is why it cannot be said, for now.
	trouble string
}

// watcher is who sees the posts of a camera.
type watcher interface {
	look(ctx context.Context) sight
	close()
}

// waiting is the wait for a camera's first posts.
type waiting struct {
	watcher
	p          process
	name       string
	home       home
	mac, sn    string
	wantFrames bool
	unset      []string // what in the camera's own set-up keeps frames from coming
}

// watch begins to watch a camera, before it is told to post.
func (f *cameraSubscribe) watch(ctx context.Context, p process, d *siteDevice, h home) (*waiting, error) {
	w := &waiting{p: p, name: d.camera.Name, home: h}
	if caps, err := d.Capabilities(ctx); err == nil {
		w.mac, w.sn = macOf(caps.Info.MAC), caps.Info.SN
	}
	w.wantFrames = !f.v1 && slices.Contains(f.dataWords(), traject)
	running := &programWatch{console: newConsoleClient(d.site), name: w.name, begun: time.Now()}
	if running.begin(ctx) {
		w.watcher = running
		p.say("a sallyport runs here: it is watched for the camera's posts")
		return w, nil
	}
	own, err := openPortWatch(d, p)
	if err != nil {
		return nil, fmt.Errorf("%w; no sallyport answers at %s either, so nothing could be seen: end the other program, or use --no-wait", err, running.console.base)
	}
	w.watcher = own
	p.say("no sallyport runs here: posts are taken at " + d.site.Listen.Cameras + " until the wait is over")
	return w, nil
}

// advise says what in the camera's own set-up keeps frames from coming. w may be nil.
func (w *waiting) advise(ctx context.Context, d *siteDevice) {
	if w == nil || !w.wantFrames {
		return
	}
	got, err := d.GetDetection(ctx, client.Perimeter, d.channel)
	switch {
	case err != nil: // it may have no perimeter detection, and another one
		return
	case got.HasSwitch && !got.On:
		w.unset = append(w.unset, "perimeter detection is off, and frames come with it: switch it on in the camera's own page, with a region over what is to be seen")
	case len(got.Regions) == 0:
		w.unset = append(w.unset, "perimeter detection has no region, and frames come with it: draw one in the camera's own page")
	case len(got.Filters) > 0 && !slices.ContainsFunc(got.Filters, func(f client.Filter) bool { return f.On }):
		w.unset = append(w.unset, "perimeter detection looks for neither persons nor cars: choose what it is to look for in the camera's own page")
	}
	for _, text := range w.unset {
		w.p.say(text)
	}
}

// run waits, and says each new thing once. It gives the exit code.
func (w *waiting) run(ctx context.Context, limit time.Duration) int {
	w.p.say(fmt.Sprintf("waiting for a heartbeat%s, at most %s; heartbeats come every %d seconds", w.andFrame(), limit, int(pushInterval/time.Second)))
	over := time.NewTimer(limit)
	defer over.Stop()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	said := make(map[string]bool)
	once := func(text string) {
		if !said[text] && len(said) < maxStrangers {
			said[text] = true
			w.p.say(text)
		}
	}
	for {
		seen := w.look(ctx)
		if seen.frames+seen.events > 0 && slices.ContainsFunc(seen.strangers, w.silent) {
			seen.heartbeats++ // by now it would be taken for the camera's
		}
		w.tell(seen, once)
		if seen.heartbeats > 0 && (seen.frames > 0 || !w.wantFrames) {
			w.p.say(fmt.Sprintf("camera %q is set up: it posts here", w.name))
			return exitOK
		}
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
		case <-over.C:
		}
		w.p.errorf("camera %q: the wait is over, and something is missing:", w.name)
		for _, text := range w.missing(seen) {
			for line := range strings.Lines(text) {
				fmt.Fprintln(w.p.stderr, "  "+printable(strings.TrimRight(line, "\n")))
			}
		}
		return exitError
	}
}

func (w *waiting) andFrame() string {
	if w.wantFrames {
		return " and a frame"
	}
	return ""
}

// tell says what is new.
func (w *waiting) tell(s sight, once func(string)) {
	if s.trouble != "" {
		once(s.trouble)
	}
	if s.heartbeats > 0 {
		once("a heartbeat came")
	}
	if s.events > 0 {
		once("an event came (" + s.event + ")")
	}
	switch {
	case s.frames > 0:
		once("a frame came: targets are tracked")
	case s.heartbeats > 0 && w.wantFrames && len(w.unset) == 0:
		once("now walk through the picture, so that a frame comes")
	}
	for _, d := range w.likely(s) {
		if w.silent(d) {
			continue // until something tells whose it is
		}
		once("posts of " + who(d) + " came: " + d.Reason)
	}
}

// silent says that a stranger is a heartbeat from the camera's address that says nothing
// of itself, as some firmware sends it: it is the camera's as soon as another post from
// there was.
func (w *waiting) silent(d web.Device) bool {
	return d.Kind == engine.KindHeartbeat.String() && d.MAC == "" && d.SN == "" && d.Name == "" &&
		w.home.camera.IsValid() && d.Remote == w.home.camera.String()
}

// likely are the strangers that may be this camera: by what they say, or by their
// address when they say nothing.
func (w *waiting) likely(s sight) []web.Device {
	var out []web.Device
	for _, d := range s.strangers {
		if slices.Contains(d.Cameras, w.name) || d.MAC != "" && d.MAC == w.mac || d.SN != "" && d.SN == w.sn ||
			(d.MAC == "" || w.mac == "") && w.home.camera.IsValid() && d.Remote == w.home.camera.String() {
			out = append(out, d)
		}
	}
	return out
}

func who(d web.Device) string {
	text := d.Remote
	for _, part := range []string{d.Name, d.MAC, d.SN} {
		if part != "" {
			text += " " + part
		}
	}
	return text
}

// missing says in words what a camera that was told to post does not do, and what to
// do about it.
func (w *waiting) missing(s sight) []string {
	if s.trouble != "" {
		return append([]string{s.trouble}, w.unset...)
	}
	if s.heartbeats+s.frames+s.events == 0 {
		likely := w.likely(s)
		strangers := likely
		if len(strangers) == 0 {
			strangers = s.strangers
		}
		var out []string
		for _, d := range strangers[:min(len(strangers), 8)] {
			text := "posts of " + who(d) + " came and are not taken for this camera's: " + d.Reason
			if d.Adopt != "" {
				text += "\nthis would make it a camera, or take the keys for the match of camera \"" + w.name + "\":\n" + d.Adopt
			}
			out = append(out, text)
		}
		if len(likely) == 0 {
			text := fmt.Sprintf("nothing came from it. It was told to post to %s: that address is wrong, or a firewall or a missing route is between them", w.home.url())
			if w.home.guessed {
				text += "; give the address that the camera can reach with --url"
			} else {
				text += "; this machine is at " + strings.Join(machineAddresses(), ", ")
			}
			out = append([]string{text}, out...)
		}
		return append(out, w.unset...)
	}
	var out []string
	if s.heartbeats == 0 {
		out = append(out, "no heartbeat came, though other posts did: wait longer with --wait 5m")
	}
	if s.frames > 0 || !w.wantFrames {
		return out
	}
	out = append(out, w.unset...)
	switch {
	case len(w.unset) > 0:
	case s.events > 0:
		out = append(out, "events came and no frame: tick \"Smart track data\" in the camera's own page, where HTTP POST is set up; if no frame comes then either, restart the camera")
	default:
		out = append(out, "heartbeats came and no frame: walk through the picture while this waits")
	}
	return out
}

// machineAddresses are the addresses of this machine that another one could reach.
func machineAddresses() []string {
	addrs, _ := net.InterfaceAddrs()
	var out []string
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && !p.Addr().IsLoopback() && !p.Addr().IsLinkLocalUnicast() {
			out = append(out, p.Addr().String())
		}
	}
	if len(out) == 0 {
		return []string{"127.0.0.1 only"}
	}
	return out
}

// programWatch watches through the console port of a sallyport that runs.
type programWatch struct {
	console *consoleClient
	name    string
	begun   time.Time
	was     postCounts // when it began, or after the program was started again
	seen    sight
	others  uint64 // posts that are no frames, at the last look
	// beat says that at the last look a post had come that is no frame, and nothing else
	// was seen of it.
	beat bool
}

// postCounts is what the console says of a camera's posts since the program was started.
type postCounts struct {
	Posts  uint64 `json:"posts"`
	Frames uint64 `json:"frames"`
}

// begin says whether a program answers.
func (w *programWatch) begin(ctx context.Context) bool {
	var c postCounts
	status, err := w.get(ctx, "cameras/"+url.PathEscape(w.name), &c)
	if errors.Is(err, errNotLetIn) {
		return true // which each look will say
	}
	if err != nil || status != http.StatusOK && status != http.StatusNotFound {
		return false
	}
	w.was = c
	return true
}

// get asks the console for one thing.
func (w *programWatch) get(ctx context.Context, path string, into any) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	resp, err := w.console.get(ctx, path)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil || resp.StatusCode != http.StatusOK {
		return resp.StatusCode, err
	}
	return resp.StatusCode, json.Unmarshal(body, into)
}

func (w *programWatch) look(ctx context.Context) sight {
	var c postCounts
	status, err := w.get(ctx, "cameras/"+url.PathEscape(w.name), &c)
	w.seen.trouble = ""
	switch {
	case err != nil:
		w.seen.trouble = fmt.Sprintf("the sallyport that runs does not answer at %s: %v", w.console.base, err)
		return w.seen
	case status != http.StatusOK && status != http.StatusNotFound:
		w.seen.trouble = fmt.Sprintf("the sallyport that runs answers %d at %s", status, w.console.base)
		return w.seen
	case status == http.StatusNotFound:
		w.seen.trouble = fmt.Sprintf("the sallyport that runs does not know camera %q: start it again, so that it reads the site file", w.name)
	default:
		w.note(ctx, c)
	}
	var strangers struct{ Items []web.Device }
	if status, err := w.get(ctx, "devices/unknown", &strangers); err == nil && status == http.StatusOK {
		w.seen.strangers = slices.DeleteFunc(strangers.Items, func(d web.Device) bool { return d.LastSeen.Time.Before(w.begun) })
	}
	return w.seen
}

// note takes what the console says of the camera. A heartbeat is a post that is no frame
// and of which the journal has nothing; it has an event a little later than it is counted.
func (w *programWatch) note(ctx context.Context, c postCounts) {
	if c.Frames < w.was.Frames || c.Posts < w.was.Posts {
		w.was, w.others, w.beat = postCounts{}, 0, false // it was started again
	}
	frames, events := c.Frames-w.was.Frames, w.events(ctx)
	others := c.Posts - w.was.Posts - frames
	if w.others > events && events < maxWatched || w.beat && events == w.seen.events {
		w.seen.heartbeats++
	}
	w.beat = others > w.others && events == w.seen.events
	w.others, w.seen.frames, w.seen.events = others, frames, events
}

// maxWatched is how many events are counted.
const maxWatched = 100

// events counts what the journal has of the camera since the watch began.
func (w *programWatch) events(ctx context.Context) uint64 {
	q := url.Values{"camera": {w.name}, "kind": {"event"}, "since": {w.begun.UTC().Format(time.RFC3339Nano)}, "limit": {strconv.Itoa(maxWatched)}}
	var page struct {
		Items []struct {
			Event struct{ Kind string }
		}
	}
	if status, err := w.get(ctx, "journal?"+q.Encode(), &page); err != nil || status != http.StatusOK {
		return w.seen.events
	}
	for _, i := range page.Items {
		w.seen.event = i.Event.Kind
	}
	return uint64(len(page.Items))
}

func (w *programWatch) close() {}

// portWatch takes the posts itself, as the program would. Nothing is decided by them.
type portWatch struct {
	port *camera.Port
	name string
	stop context.CancelFunc
	done sync.WaitGroup

	mu   sync.Mutex // covers seen
	seen sight
}

func openPortWatch(d *siteDevice, p process) (*portWatch, error) {
	cameras, err := inputCameras(d.site, p)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", d.site.Listen.Cameras)
	if err != nil {
		return nil, fmt.Errorf("listen.cameras: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &portWatch{port: camera.New(camera.Config{Cameras: cameras}), name: d.camera.Name, stop: cancel}
	w.done.Go(func() { _ = w.port.Serve(l) })
	w.done.Go(func() { w.take(ctx) })
	return w, nil
}

// take takes posts until ctx ends.
func (w *portWatch) take(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.port.Ready():
		}
		for {
			it, ok := w.port.Take()
			if !ok {
				break
			}
			for _, ev := range it.Events {
				w.note(ev)
			}
			w.port.Release(it)
		}
	}
}

func (w *portWatch) note(ev *engine.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case ev.Camera != w.name:
	case ev.Kind == engine.KindHeartbeat:
		w.seen.heartbeats++
	case ev.Kind == engine.KindTarget:
		w.seen.frames++
	default:
		w.seen.events++
		w.seen.event = ev.Kind.String()
	}
}

func (w *portWatch) look(context.Context) sight {
	w.mu.Lock()
	s := w.seen
	w.mu.Unlock()
	s.strangers = strangersOf(w.port)
	return s
}

// strangersOf are the senders whose posts a port does not take for a camera's.
func strangersOf(port *camera.Port) []web.Device {
	var out []web.Device
	for _, u := range port.Unknown() {
		d := webDevice(u.Device)
		d.Remote, d.LastSeen, d.Posts, d.Kind, d.Reason, d.Adopt = u.Remote.String(), web.Time{Time: u.Last}, u.Posts, u.Kind, u.Reason, u.Adopt
		out = append(out, d)
	}
	for _, a := range port.Ambiguous() {
		d := webDevice(a.Device)
		d.Remote, d.LastSeen, d.Posts, d.Kind, d.Reason, d.Cameras = a.Remote.String(), web.Time{Time: a.Last}, a.Posts, a.Kind, a.Reason, a.Cameras
		out = append(out, d)
	}
	return out
}

func (w *portWatch) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = w.port.Shutdown(ctx)
	w.stop()
	w.done.Wait()
}
