package main

import (
	"context"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/web"
)

// source is what the console shows of an appliance.
type source struct {
	*appliance
	*reloader
	zones    *driftWatch
	site     *config.Site
	disk     *disk // nil: nothing is kept
	accounts *accountStore
	// service is who runs the appliance; restarts takes what a restart begins with.
	service     *service
	restarts    chan restart
	listen      [2]net.Addr // the camera port's and the console's
	fingerprint string      // of the console's own certificate; empty: it has none
	files       *ruleFiles
	// clients are those of the cameras that can be called.
	clients map[string]*client.Client
	// askers let one at a time ask a device for a picture.
	askMu       sync.Mutex // guards askers
	askers      map[string]*asking
	trackReader *trackReader
	presses     presses
}

func (s *source) web() web.Source {
	return web.Source{
		Status: s.status, Relays: s.relays, Cameras: s.cameras, Targets: s.targets,
		UnknownDevices: s.unknown, Ready: s.ready, Why: s.why,
		Contacts: s.contacts, Command: s.command, Journal: s.journalPage, Outbox: s.outbox, Cancel: s.cancel,
		Live: s.liveSource(), Rules: s.ruleSource(), Files: s.fileSource(), Zones: s.zoneSource(),
		Entries: s.journalSource(), Plates: s.plateSource(),
		Auth: s.authSource(), System: s.systemSource(),
	}
}

func (s *source) status(ctx context.Context) (web.Status, error) {
	version, commit := buildVersion()
	cams, err := s.cameras(ctx)
	if err != nil {
		return web.Status{}, err
	}
	ports := s.port.Stats()
	st := web.Status{
		Version:  version + " " + commit,
		Site:     s.site.Name,
		Timezone: s.site.Location.Zone.String(),
		Now:      web.Time{Time: s.instant(time.Now()).Wall},
		Uptime:   web.Seconds(s.mono()),
		Demo:     s.shift != 0,
		Rules:    s.ruleSet(),
		Cameras:  cams,
	}
	var looks uint64
	if err := s.ask(ctx, func(e *engine.Engine) { looks = e.Looks() }); err != nil {
		return web.Status{}, err
	}
	st.Counts = map[string]uint64{
		"rules": uint64(st.Rules.Count), "looks": looks, "posts": ports.Posts, "bad": ports.Bad, "unknown": ports.Unknown,
		"ambiguous": ports.Ambiguous, "too_large": ports.TooLarge, "slow": ports.Slow, "full": ports.Full, "turned_away": ports.Turned,
	}
	if s.disk != nil {
		st.Journal, st.Recording = s.disk.status()
	}
	for _, c := range ports.Cameras {
		st.Counts["frames"] += c.Frames
		st.Counts["merged"] += c.Merged
		st.Counts["dropped"] += c.Dropped
		st.Counts["refused"] += c.Refused
	}
	return st, nil
}

func webProblems(problems []rulefile.Problem) []web.Problem {
	out := make([]web.Problem, 0, len(problems))
	for _, p := range problems {
		_, meant, _ := strings.Cut(p.Message, "did you mean ")
		meant, _, _ = strings.Cut(meant, "?")
		out = append(out, web.Problem{
			Suggestion: meant,
			File:       p.File, Line: p.Line, Column: p.Col, Rule: p.Rule, Part: p.Part, Message: p.Message,
			Source: p.Source, Caret: p.Caret, Warning: p.Warning,
		})
	}
	return out
}

func (s *source) relays(context.Context) ([]web.Relay, error) {
	states := s.relay.States()
	out := make([]web.Relay, 0, len(states))
	for _, r := range states {
		out = append(out, s.webRelay(r))
	}
	return out, nil
}

func (s *source) webRelay(r relay.State) web.Relay {
	w := web.Relay{Name: r.Name, On: r.On, Cause: r.Cause, MaxOn: web.Seconds(r.MaxOn), Fault: r.Fault, Waits: r.Waits, Who: r.Who, Today: r.Today}
	use := s.relayUse(r.Name)
	w.Rules, w.Pulse = use.rules, web.Seconds(use.pulse)
	if spec, ok := s.site.Relay(r.Name); ok {
		w.DailyCap, w.Camera = spec.DailyCap, spec.Camera
		// What rules pulse opens something.
		w.Confirm = use.pulse > 0
		if spec.Confirm != nil {
			w.Confirm = *spec.Confirm
		}
	}
	if r.Ends > 0 {
		w.OffAt = s.wallAt(r.Ends)
	}
	if r.Cause != "" {
		w.Since = s.wallAt(r.Since)
	}
	return w
}

// wallAt is a moment of the decision clock on the wall clock as it is now: it may have been
// set since the start.
func (s *source) wallAt(mono time.Duration) web.Time {
	now := s.instant(time.Now())
	return web.Time{Time: now.Wall.Add(mono - now.Mono)}
}

func (s *source) cameras(ctx context.Context) ([]web.Camera, error) {
	online := make(map[string]bool)
	if err := s.ask(ctx, func(e *engine.Engine) {
		for _, c := range s.site.Cameras {
			online[c.Name] = e.Online(c.Name) == engine.True
		}
	}); err != nil {
		return nil, err
	}
	stats := s.port.Stats()
	out := make([]web.Camera, 0, len(stats.Cameras))
	for _, c := range stats.Cameras {
		w := web.Camera{
			Name: c.Name, Online: online[c.Name], LastSeen: s.shifted(c.LastSeen), Frames: c.Frames, Rate: c.Rate, Posts: c.Posts,
		}
		var wrong []cameraProblem
		wrong, w.FramesExpected = s.health.problems(c.Name)
		drift := s.zones.drift(c.Name)
		for _, p := range wrong {
			if p.kind == badZones && len(drift) == 0 {
				continue // accepted since the camera was asked
			}
			w.Problems = append(w.Problems, web.CameraProblem{Kind: p.kind, Text: p.text, Since: web.Time{Time: p.since}})
		}
		w.Device, w.SnapshotAt = s.clients[c.Name] != nil, web.Time{Time: s.pictures.when(c.Name)}
		if c.HasSkew {
			skew := web.Seconds(c.Skew)
			w.ClockSkew = &skew
		}
		for _, p := range c.Problems {
			w.Problems = append(w.Problems, web.CameraProblem{Text: p.Text, Count: p.Count})
		}
		out = append(out, w)
	}
	return out, nil
}

// shifted is a moment of the machine's clock on the clock that people see.
func (s *source) shifted(t time.Time) web.Time {
	if t.IsZero() {
		return web.Time{}
	}
	return web.Time{Time: t.Add(s.shift)}
}

func (s *source) targets(ctx context.Context) ([]web.Target, error) {
	out := []web.Target{}
	err := s.ask(ctx, func(e *engine.Engine) {
		now := s.instant(time.Now()).Mono
		for _, c := range e.Ruleset().Cameras {
			out = append(out, webTargets(e, c, now)...)
		}
	})
	return out, err
}

func (s *source) unknown(context.Context) ([]web.Device, error) {
	out := []web.Device{}
	for _, d := range s.port.Unknown() {
		w := webDevice(d.Device)
		w.Remote, w.FirstSeen, w.LastSeen = d.Remote.String(), s.shifted(d.First), s.shifted(d.Last)
		w.Posts, w.Kind, w.Reason, w.Adopt = d.Posts, d.Kind, d.Reason, d.Adopt
		out = append(out, w)
	}
	for _, d := range s.port.Ambiguous() {
		w := webDevice(d.Device)
		w.Remote, w.FirstSeen, w.LastSeen = d.Remote.String(), s.shifted(d.First), s.shifted(d.Last)
		w.Posts, w.Kind, w.Reason, w.Cameras = d.Posts, d.Kind, d.Reason, d.Cameras
		out = append(out, w)
	}
	return out, nil
}

func webDevice(d engine.Device) web.Device {
	return web.Device{Name: d.Name, MAC: d.MAC, SN: d.SN, Address: d.Address, Channel: d.Channel}
}

// ready gives the reasons why the appliance is not fully at work.
func (s *source) ready(ctx context.Context) []string {
	var why []string
	if err := s.ask(ctx, func(*engine.Engine) {}); err != nil {
		why = append(why, "the engine does not answer")
	}
	for _, r := range s.relay.States() {
		if r.Fault != "" {
			why = append(why, "relay "+strconv.Quote(r.Name)+": "+r.Fault)
		}
	}
	r := s.current()
	switch {
	case r.instead != "":
		why = append(why, "the rule files have errors; "+r.instead)
	case rulefile.Failed(r.problems):
		why = append(why, "the rule files have errors; an earlier set is in use")
	}
	if r.unkept != "" {
		why = append(why, "the data folder cannot be written: "+r.unkept)
	}
	if s.disk != nil {
		why = append(why, s.disk.problems()...)
	}
	if time.Now().Year() < engine.ClockSetYear {
		why = append(why, "the clock is not set: schedules are unknown")
	}
	return why
}

// strangers writes a line for every device that is new among those whose posts
// are not evaluated, so that an installer sees it at once.
func (s *source) strangers(ctx context.Context, console string, note func(string)) {
	seen := make(map[string]bool)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		devices, err := s.unknown(ctx)
		if err != nil {
			continue
		}
		for _, d := range devices {
			key := d.Remote + "|" + d.MAC + "|" + d.SN + "|" + d.Name + "|" + strconv.Itoa(d.Channel)
			if seen[key] || len(seen) >= maxStrangers {
				continue
			}
			seen[key] = true
			who := d.Remote
			for _, part := range []string{d.Name, d.MAC, d.SN} {
				if part != "" {
					who += " " + part
				}
			}
			note("not evaluated: posts of " + printable(who) + ": " + printable(d.Reason) + "; see " + console + "/api/v1/devices/unknown")
		}
	}
}

// maxStrangers bounds the strangers that are said.
const maxStrangers = 1000
