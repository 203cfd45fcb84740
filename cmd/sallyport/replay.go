package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/inputs/camera"
	"github.com/sallyport/sallyport/inputs/recording"
)

// longestTail is how long the clock runs on after the last line.
const longestTail = 24 * time.Hour

// runReplay is `sallyport replay`: recorded posts through the rules on their own
// clock. There are no outputs here, so it cannot move anything.
func runReplay(ctx context.Context, p process, args []string) int {
	var sf siteFlags
	fs := p.flags("replay")
	sf.add(fs)
	asJSON := fs.Bool("json", false, "print one JSON object a line")
	speed := fs.String("speed", "max", "`1x` at the recording's own pace, max as fast as it goes")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if *speed != "max" && *speed != "1x" {
		p.errorf("replay: --speed is 1x or max, not %q", *speed)
		return exitUsage
	}
	if len(rest) != 1 {
		fs.Usage()
		return exitUsage
	}
	file, site, ok := p.loadSite(&sf)
	if !ok {
		return exitError
	}
	devices, err := p.recordedDevices(site, rest[0])
	if err != nil {
		return p.errorf("replay: %v", err)
	}
	rules, problems := rulefile.Load(sf.rulesDir(file), replaySite(site, devices))
	if printRuleProblems(p.stderr, problems) {
		return exitError
	}
	in, err := p.openRecording(rest[0])
	if err != nil {
		return p.errorf("replay: %v", err)
	}
	defer in.Close()
	r, err := newReplay("replay", p, site, rules, devices)
	if err != nil {
		return p.errorf("replay: %v", err)
	}
	w := bufio.NewWriter(p.stdout)
	loc := siteZone(site)
	r.print = func(d *engine.Decision) {
		if *asJSON {
			w.Write(append(d.AppendJSON(nil), '\n'))
			return
		}
		fmt.Fprintln(w, decisionText(d, loc))
	}
	if *speed == "1x" {
		r.wait = func(d time.Duration) error {
			w.Flush()
			t := time.NewTimer(d)
			defer t.Stop()
			select {
			case <-t.C:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	err = r.run(ctx, recording.NewReader(rest[0], in))
	if ferr := w.Flush(); err == nil && ferr != nil {
		err = ferr
	}
	if err != nil {
		return p.errorf("replay: %v", err)
	}
	r.warnOfPosts()
	return exitOK
}

// loadSite reads the site file, if there is one. ok is false when it cannot be
// used, which is said.
func (p process) loadSite(sf *siteFlags) (file string, site *config.Site, ok bool) {
	if file = sf.siteFile(); file == "" {
		return "", nil, true
	}
	site, problems := config.Load(file)
	return file, site, !printSiteProblems(p.stderr, problems)
}

// siteZone is the site's time zone.
func siteZone(site *config.Site) *time.Location {
	if site == nil {
		return time.UTC
	}
	return site.Location.Zone
}

// openRecording opens a replay file; - is stdin.
func (p process) openRecording(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(p.stdin), nil
	}
	return os.Open(name)
}

// newReplay makes a replay of a command. The cameras of the posts are those of the
// site file, else those that the rules name.
func newReplay(command string, p process, site *config.Site, rules *engine.Ruleset, devices []engine.Device) (*replay, error) {
	matcher, err := replayMatcher(site, rules, devices, p)
	if err != nil {
		return nil, err
	}
	r := &replay{
		rules: rules, options: engineOptions(site), reader: camera.NewReader(matcher), loc: siteZone(site),
		print: func(*engine.Decision) {},
		warn: func(format string, args ...any) {
			fmt.Fprintf(p.stderr, "sallyport: "+command+": "+format+"\n", args...)
		},
	}
	if site == nil {
		r.remote = netip.IPv6Unspecified()
	}
	return r, nil
}

// replay drives an engine with the lines of a recording.
type replay struct {
	rules   *engine.Ruleset
	options engine.Options
	reader  *camera.Reader
	remote  netip.Addr // of posts whose line names none
	print   func(*engine.Decision)
	warn    func(format string, args ...any)
	wait    func(time.Duration) error // nil: as fast as it goes
	deaf    bool                      // outcomes of steps are not taken: they are of other rules
	// before is called before the clock goes on to a moment, and may end the replay
	// with errEnough; after is called after everything the engine took. Both may be
	// nil.
	before func(at engine.Instant) error
	after  func()
	begun  func(*engine.Engine) // of every engine, when there is one; may be nil
	// passed is called at every snapshot that the engine is not made of; may be nil.
	passed func(at engine.Instant, state []byte)
	loc    *time.Location // of the moments that are said

	engine                *engine.Engine
	now                   engine.Instant
	run0                  string        // the run of the line before
	base                  time.Duration // where the run's decision clock begins on ours
	wall                  time.Time     // receive time of the line before
	posts, bad, strangers int
	ended                 bool // nothing was left

	lead    time.Time // decisions from before are not printed; zero = all are
	gap     string    // why the engine is not what it was in the run; empty when it is
	others  bool      // the recording runs with other rules here
	told    bool      // and that was said
	waits   bool      // the engine is made as the run's was: its start is still to come
	stopped bool      // the run has ended in order
}

// errEnough ends a replay of which enough was seen.
var errEnough = errors.New("enough was seen")

// run plays the whole recording and lets the clock run on until nothing is left.
func (r *replay) run(ctx context.Context, lines *recording.Reader) error {
	switch err := eachLine(ctx, lines, r.line); {
	case errors.Is(err, errEnough):
		return nil
	case err != nil:
		return err
	}
	return r.finish()
}

// eachLine takes the lines of a recording in their order until one cannot be taken.
func eachLine(ctx context.Context, lines *recording.Reader, take func(*recording.Line) error) error {
	for {
		l, err := lines.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := take(l); err != nil {
			return err
		}
	}
}

// finish lets the clock run on until nothing is left.
func (r *replay) finish() error {
	if r.engine == nil {
		return nil
	}
	if r.stopped {
		r.ended = true
		return nil
	}
	r.engine.Rest()
	end := r.now.Mono + longestTail
	for {
		at, ok := r.engine.Next()
		if !ok || at > end {
			r.ended = true
			return nil
		}
		if err := r.pause(at - r.now.Mono); err != nil {
			return err
		}
		next := engine.Instant{Mono: at, Wall: r.now.Wall.Add(at - r.now.Mono)}
		if r.before != nil {
			switch err := r.before(next); {
			case errors.Is(err, errEnough):
				return nil
			case err != nil:
				return err
			}
		}
		r.now = next
		r.show(r.engine.Advance(r.now))
	}
}

// Why an engine is not what it was in the run that was recorded.
const (
	gapBegin = "begin" // it began without a snapshot
	gapLost  = "lost"  // lines are missing
	gapRules = "rules" // the recording ran with other rules before
)

// line takes one line at its moment.
func (r *replay) line(l *recording.Line) error {
	if l.Type == recording.Lead {
		r.lead = l.Received
		return nil
	}
	again := r.engine != nil && l.Run != r.run0 // another run
	at := r.instant(l)
	if r.before != nil {
		if err := r.before(at); err != nil {
			return err
		}
	}
	if r.engine != nil {
		if err := r.pause(at.Mono - r.now.Mono); err != nil {
			return err
		}
	}
	if r.stopped && !again {
		return nil // relays that went off at the end
	}
	if l.Type == recording.Rules || l.Type == recording.Snapshot {
		r.set(l)
	}
	r.now = at
	switch {
	case l.Type == recording.Snapshot && (r.engine == nil || again || r.gap != ""):
		// What ran before has ended with its process.
		if r.enter(at, l, again) {
			return nil
		}
	case r.engine == nil, again && r.stopped:
		r.warn("the recording begins without a snapshot: nothing is known before its first line")
		r.blind(at, l)
	}
	return r.take(at, l)
}

// set notes the rule set that the recording runs with from here on.
func (r *replay) set(l *recording.Line) {
	if r.deaf || l.Hash == "" {
		return
	}
	others := l.Hash != r.rules.Hash
	switch {
	case others && !r.told:
		r.told = true
		r.warn("the recording was made with other rules (set %s) than these (set %s): what they decide may differ", short(l.Hash), short(r.rules.Hash))
	case !others && r.others && r.engine != nil:
		r.gap = gapRules
	}
	r.others = others
}

// enter goes on from a snapshot. It says whether there is an engine of it now.
func (r *replay) enter(at engine.Instant, l *recording.Line, again bool) bool {
	if r.gap == gapLost && r.others && !again {
		return false // it would bring what other rules did
	}
	o := r.options
	o.NoOutcomes = l.Run == "" || r.deaf
	var eng *engine.Engine
	var out []engine.Decision
	var err error
	if len(l.State) > 0 {
		eng, err = engine.Resume(r.rules, o, at, l.State)
	} else {
		o.Restore, o.Marks, err = remembered(l)
		if err == nil {
			eng, out = engine.New(r.rules, o, at)
		}
	}
	if err != nil {
		r.warn("line %d: the snapshot cannot be used: %v", l.Number, err)
		if r.engine == nil || again {
			r.blind(at, l)
		}
		return false
	}
	if r.gap == gapRules {
		r.warn("from %s on the recording was made with these rules: the replay goes on from its snapshot of then", l.Received.In(r.loc).Format("2006-01-02 15:04:05"))
	}
	r.engine, r.gap, r.stopped, r.waits = eng, "", false, len(l.State) == 0
	if r.begun != nil {
		r.begun(eng)
	}
	r.show(out)
	return true
}

// remembered is what a run was given of the ones before it.
func remembered(l *recording.Line) (state *engine.State, marks []engine.Mark, err error) {
	if len(l.Memory) > 0 && string(l.Memory) != "null" {
		s, err := engine.DecodeState(l.Memory)
		if err != nil {
			return nil, nil, err
		}
		state = &s
	}
	var texts []json.RawMessage
	if len(l.Marks) > 0 {
		if err := json.Unmarshal(l.Marks, &texts); err != nil {
			return nil, nil, errors.New("its marks are no list")
		}
	}
	for _, text := range texts {
		m, err := engine.DecodeMark(text)
		if err != nil {
			return nil, nil, err
		}
		marks = append(marks, m)
	}
	return state, marks, nil
}

// blind begins without a snapshot. Where a recording of ours goes on, its next
// snapshot tells the rest.
func (r *replay) blind(at engine.Instant, l *recording.Line) {
	// A recording of ours holds the outcomes of steps; without them every step
	// counts as begun and done.
	o := r.options
	o.NoOutcomes = l.Run == "" || r.deaf
	r.gap, r.stopped, r.waits = gapBegin, false, false
	var out []engine.Decision
	r.engine, out = engine.New(r.rules, o, at)
	if r.begun != nil {
		r.begun(r.engine)
	}
	r.show(out)
	r.show(r.engine.Apply(at, &engine.Event{Kind: engine.KindStart, Received: at.Wall}))
}

// take gives the engine a line.
func (r *replay) take(at engine.Instant, l *recording.Line) error {
	switch l.Type {
	case recording.Post:
		r.post(at, l)
	case recording.Contact:
		r.apply(at, &engine.Event{Kind: engine.KindContact, Name: l.Name, On: l.On, Unknown: l.Unknown, Late: l.Late})
	case recording.Relay:
		r.apply(at, &engine.Event{Kind: engine.KindRelay, Name: l.Name, On: l.On})
	case recording.Camera:
		r.apply(at, &engine.Event{Kind: engine.KindCamera, Camera: l.Name, Name: l.Name, On: l.On})
	case recording.Alarm:
		r.apply(at, alarmEvent(l))
	case recording.Flag:
		v, ok := scalar(l.Value)
		if !ok {
			return fmt.Errorf("line %d: a flag's value is true, false, a number or a text", l.Number)
		}
		r.apply(at, &engine.Event{Kind: engine.KindFlag, Name: l.Name, Value: v})
	case recording.Message:
		var body any
		if err := json.Unmarshal(l.Body, &body); err != nil {
			return fmt.Errorf("line %d: the message's body is not JSON", l.Number)
		}
		r.apply(at, &engine.Event{Kind: engine.KindMessage, Message: &engine.Message{Topic: l.Topic, Body: body}})
	case recording.Override:
		r.show(r.engine.Override(at, l.Name, overrideOf(l)))
	case recording.Outcome:
		if r.deaf {
			r.show(r.engine.Advance(at))
			break
		}
		r.show(r.engine.Outcome(at, engine.Outcome{Firing: l.Firing, Index: l.Index, Finally: l.Finally, Begun: l.Begun, Reason: l.Reason}))
	case recording.Start:
		if !r.waits { // the engine has begun already
			r.show(r.engine.Advance(at))
			break
		}
		r.waits = false
		r.apply(at, &engine.Event{Kind: engine.KindStart})
	case recording.Stop:
		r.show(r.engine.Stop(at))
		r.stopped = true
	case recording.Lost:
		r.warn("line %d: %d lines are missing here: what follows may not be what was decided", l.Number, l.Lines)
		r.show(r.engine.Advance(at))
		if r.gap == "" {
			r.gap = gapLost
		}
	case recording.Snapshot:
		r.show(r.engine.Advance(at))
		if r.passed != nil {
			r.passed(at, l.State)
		}
	default:
		// A command changes nothing by itself, and where the clock was set is in the
		// line's own times.
		r.show(r.engine.Advance(at))
	}
	return nil
}

// instant is a line's moment on both clocks. Without `mono` the decision clock
// follows the receive time, which it does not follow back.
func (r *replay) instant(l *recording.Line) engine.Instant {
	at := engine.Instant{Wall: l.Received}
	first := r.engine == nil
	switch {
	case l.HasMono && (first || l.Run != r.run0):
		// Another run begins its clock anew: it goes on where the last one ended,
		// by the time that passed between them.
		gap := time.Duration(0)
		if !first {
			gap = max(0, l.Received.Sub(r.wall))
		}
		r.base = r.now.Mono + gap - l.Mono
		at.Mono = r.base + l.Mono
	case l.HasMono:
		at.Mono = max(r.now.Mono, r.base+l.Mono)
	case !first:
		at.Mono = r.now.Mono + max(0, l.Received.Sub(r.wall)-l.Step)
	}
	r.run0, r.wall = l.Run, l.Received
	return at
}

func (r *replay) pause(d time.Duration) error {
	if r.wait == nil || d <= 0 {
		return nil
	}
	return r.wait(d)
}

func (r *replay) post(at engine.Instant, l *recording.Line) {
	r.posts++
	if !l.Remote.IsValid() {
		l.Remote = r.remote
	}
	events, verdict, err := r.reader.Read(at.Wall, l.Remote, l.Path, l.Body)
	switch {
	case err != nil:
		r.bad++
		r.warn("line %d: %v", l.Number, err)
		r.show(r.engine.Advance(at))
		return
	case verdict != camera.Matched:
		r.strangers++
		r.show(r.engine.Advance(at))
		return
	}
	for _, ev := range events {
		ev.Late = l.Late
		r.apply(at, ev)
	}
}

func (r *replay) apply(at engine.Instant, ev *engine.Event) {
	if ev.Received.IsZero() {
		ev.Received = at.Wall
	}
	r.show(r.engine.Apply(at, ev))
}

func (r *replay) show(ds []engine.Decision) {
	for i := range ds {
		if !ds[i].At.Wall.Before(r.lead) {
			r.print(&ds[i])
		}
	}
	if r.after != nil {
		r.after()
	}
}

// warnOfPosts says how many posts did not count.
func (r *replay) warnOfPosts() {
	if r.bad > 0 || r.strangers > 0 {
		r.warn("%s, %s could not be read, %s of no or more than one camera", count(r.posts, "post"), count(r.bad, "post"), count(r.strangers, "post"))
	}
}

// nothingCounted says that a recording has posts and that none of them was of a
// camera: nothing can be concluded from it.
func (r *replay) nothingCounted() bool { return r.posts > 0 && r.posts == r.bad+r.strangers }

// errNothingCounted is what there is to say then.
var errNothingCounted = errors.New("no post of the recording is of a camera that the rules know; name the site file it was recorded with (-c)")

// overrideOf is the mode that a rule was given; nil when its file counts again.
func overrideOf(l *recording.Line) *engine.Override {
	mode, ok := engine.ParseMode(l.Mode)
	if !ok {
		return nil
	}
	return &engine.Override{Rule: l.Name, Mode: mode, Until: l.Until, Who: l.Who, At: l.Received}
}

// scalar reads a flag's value.
func scalar(raw json.RawMessage) (engine.Scalar, bool) {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return engine.Scalar{}, false
	}
	switch v := v.(type) {
	case bool:
		return engine.Scalar{Type: engine.ScalarBool, Bool: v}, true
	case float64:
		return engine.Scalar{Type: engine.ScalarNumber, Number: v}, true
	case string:
		return engine.Scalar{Type: engine.ScalarText, Text: v}, true
	}
	return engine.Scalar{}, false
}

// maxRecorded bounds the devices that are told apart in a recording.
const maxRecorded = 256

// recordedDevices lists the devices whose posts a recording holds, for a replay
// without a site file. From standard input they cannot be known beforehand.
func (p process) recordedDevices(site *config.Site, name string) ([]engine.Device, error) {
	if site != nil || name == "-" {
		return nil, nil
	}
	in, err := p.openRecording(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var devices []engine.Device
	lines := recording.NewReader(name, in)
	for {
		l, err := lines.Next()
		if errors.Is(err, io.EOF) || len(devices) == maxRecorded {
			return devices, nil
		}
		if err != nil || l.Type != recording.Post {
			continue // the replay itself says what is wrong
		}
		events, err := camera.Decode(l.Body)
		if err != nil {
			continue
		}
		for _, ev := range events {
			d := engine.Device{Name: ev.Device.Name, MAC: ev.Device.MAC, SN: ev.Device.SN, Channel: ev.Device.Channel}
			if d != (engine.Device{}) && !slices.Contains(devices, d) {
				devices = append(devices, d)
			}
		}
	}
}

// replaySite is what the rules of a replay may know: the site, or without one the
// names that rules use and those of the recorded devices.
func replaySite(site *config.Site, devices []engine.Device) rulefile.Site {
	s := ruleSite(site)
	for _, d := range devices {
		if name := cameraWord(d.Name); name != "" && !slices.Contains(s.Cameras, name) {
			s.Cameras = append(s.Cameras, name)
		}
	}
	return s
}

// cameraWord is a device's own name as a camera of a site file could be called;
// empty when there is none.
func cameraWord(device string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(device) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' && b.Len() > 0:
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}

// replayMatcher finds the cameras of recorded posts. Without a site file a post
// belongs to the camera of the device's own name; and when the rules name one
// camera and the recording holds one device of another name, that is the camera.
func replayMatcher(site *config.Site, rules *engine.Ruleset, devices []engine.Device, p process) (*camera.Matcher, error) {
	names := make([]string, 0, len(rules.Cameras))
	for _, c := range rules.Cameras {
		names = append(names, c.Name)
	}
	return cameraMatcher(site, names, devices, p)
}

// cameraMatcher is [replayMatcher] for the cameras of these names.
func cameraMatcher(site *config.Site, names []string, devices []engine.Device, p process) (*camera.Matcher, error) {
	if site != nil {
		cams, err := inputCameras(site, p)
		if err != nil {
			return nil, err
		}
		return camera.NewMatcher(cams), nil
	}
	var cams []camera.Camera
	var other []string // cameras that no recorded device is called
	for _, name := range names {
		in := camera.Camera{Name: name, Match: []camera.Match{{Name: name}}}
		called := false
		for _, d := range devices {
			if cameraWord(d.Name) != name {
				continue
			}
			called = true
			if d.Name != name && !slices.Contains(in.Match, camera.Match{Name: d.Name}) {
				in.Match = append(in.Match, camera.Match{Name: d.Name})
			}
		}
		if !called {
			other = append(other, name)
		}
		cams = append(cams, in)
	}
	if len(other) == 1 && len(devices) <= 1 {
		cams = []camera.Camera{{Name: other[0], Match: anyAddress()}}
	}
	return camera.NewMatcher(cams), nil
}
