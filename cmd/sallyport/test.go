package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/engine/rulefile/ruletest"
	"github.com/sallyport/sallyport/inputs/camera"
	"github.com/sallyport/sallyport/inputs/recording"
)

// openMaxOn is the max_on of relays when there is no site file.
const openMaxOn = 12 * time.Hour

// runTest is `sallyport test`: the rules' own tests, on a virtual clock. There are
// no cameras and no outputs here.
func runTest(_ context.Context, p process, args []string) int {
	var sf siteFlags
	fs := p.flags("test")
	sf.add(fs)
	verbose := fs.Bool("v", false, "a line for every test")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if len(rest) > 1 {
		fs.Usage()
		return exitUsage
	}
	file := sf.siteFile()
	var site *config.Site
	if file != "" {
		var problems []config.Problem
		site, problems = config.Load(file)
		if printSiteProblems(p.stderr, problems) {
			return exitError
		}
	}
	dir := sf.rulesDir(file)
	rules, problems := rulefile.Load(dir, ruleSite(site))
	if printRuleProblems(p.stderr, problems) {
		return exitError
	}
	o := ruleTests(site, rules, p)
	if len(rest) == 1 {
		o.Pattern = rest[0]
	}
	rep, err := ruletest.Run(os.DirFS(dir), dir, o)
	if err != nil {
		return p.errorf("test: %v", err)
	}
	if err := rep.Write(p.stdout, *verbose); err != nil {
		return p.errorf("test: %v", err)
	}
	switch {
	case rep.Failed > 0:
		return exitError
	case rep.Passed == 0 && o.Pattern != "":
		return p.errorf("test: no test's name has or matches %q", o.Pattern)
	case rep.Passed == 0:
		fmt.Fprintf(p.stderr, "sallyport: test: there are no tests in %s (files named *_test.yaml)\n", dir)
	}
	return exitOK
}

// ruleTests are what tests of rules run with. A nil site takes the names that
// rules and tests use as given.
func ruleTests(site *config.Site, rules *engine.Ruleset, p process) ruletest.Options {
	o := ruletest.Options{
		Rules: rules, Engine: engineOptions(site), Open: site == nil,
		Clip: func(name string, data []byte) (*ruletest.Clip, error) { return readClip(site, rules, p, name, data) },
	}
	var specs []relay.Spec
	if site != nil {
		for _, c := range site.Contacts {
			o.Contacts = append(o.Contacts, c.Name)
		}
		for _, r := range site.Relays {
			o.RelayNames = append(o.RelayNames, r.Name)
			spec := relaySpec(r)
			spec.Feedback, spec.FeedbackTime = "", 0 // a test's contacts do not follow its relays
			specs = append(specs, spec)
		}
	}
	o.Relays = func(names []string) (ruletest.Relays, error) {
		specs := specs
		if site == nil {
			for _, n := range names {
				specs = append(specs, relay.Spec{Name: n, MaxOn: openMaxOn})
			}
		}
		b, err := relay.NewBank(specs)
		if err != nil {
			return nil, err
		}
		return testRelays{b}, nil
	}
	return o
}

// testRelays are the relays of one test: their arithmetic, and no lines.
type testRelays struct{ bank *relay.Bank }

// Do takes one step as the running program's relays do.
func (t testRelays) Do(at time.Duration, r *engine.Request) (begun bool, reason string) {
	q, err := actions.RelayRequest(*r)
	if err != nil {
		return false, err.Error()
	}
	if q.Rule == "" {
		q.Cause = "by hand"
	}
	v := t.bank.Do(at, q)
	return v.Begun, v.Reason
}

// Advance does what falls due and tells what changed.
func (t testRelays) Advance(at time.Duration) []ruletest.Change {
	t.bank.Advance(at)
	var out []ruletest.Change
	for _, c := range t.bank.Changes() {
		out = append(out, ruletest.Change{Relay: c.Relay, On: c.On, At: c.At, Cause: c.Cause, Rule: c.Rule, Key: c.Key, Fault: c.Fault})
	}
	return out
}

// Next is when something falls due.
func (t testRelays) Next() (time.Duration, bool) { return t.bank.Next() }

// readClip reads a recording for a test: what came from outside. What the rules
// did then is left out; the test's own rules decide.
func readClip(site *config.Site, rules *engine.Ruleset, p process, name string, data []byte) (*ruletest.Clip, error) {
	matcher, err := replayMatcher(site, rules, nil, p)
	if err != nil {
		return nil, err
	}
	remote := netip.Addr{}
	if site == nil {
		remote = netip.IPv6Unspecified()
	}
	reader := camera.NewReader(matcher)
	lines := recording.NewReader(name, bytes.NewReader(data))
	clip := &ruletest.Clip{}
	var before *recording.Line
	after := time.Duration(0)
	for {
		l, err := lines.Next()
		if errors.Is(err, io.EOF) {
			if len(clip.Events) == 0 {
				return nil, fmt.Errorf("%s: nothing in it is of a camera that the rules know", name)
			}
			return clip, nil
		}
		if err != nil {
			return nil, err
		}
		if before == nil {
			clip.Start = l.Received
		} else {
			after += between(before, l)
		}
		before = l
		if !l.Remote.IsValid() {
			l.Remote = remote
		}
		events, err := clipEvents(reader, l)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, l.Number, err)
		}
		for _, ev := range events {
			clip.Events = append(clip.Events, ruletest.ClipEvent{After: after, Event: ev.Clone()})
		}
	}
}

// between is the time from one line of a recording to the next: by the decision
// clock within a run, else by the wall clock. It never goes back.
func between(a, b *recording.Line) time.Duration {
	if a.HasMono && b.HasMono && a.Run == b.Run {
		return max(0, b.Mono-a.Mono)
	}
	return max(0, b.Received.Sub(a.Received))
}

// clipEvents are the events of one line; none when the line is about what the
// rules did, or nobody's post. They are good until the next call.
func clipEvents(reader *camera.Reader, l *recording.Line) ([]*engine.Event, error) {
	one := func(ev *engine.Event) ([]*engine.Event, error) { return []*engine.Event{ev}, nil }
	switch l.Type {
	case recording.Post:
		events, _, err := reader.Read(l.Received, l.Remote, l.Path, l.Body)
		return events, err
	case recording.Contact:
		return one(&engine.Event{Kind: engine.KindContact, Name: l.Name, On: l.On})
	case recording.Camera:
		return one(&engine.Event{Kind: engine.KindCamera, Camera: l.Name, Name: l.Name, On: l.On})
	case recording.Alarm:
		return one(alarmEvent(l))
	case recording.Flag:
		v, ok := scalar(l.Value)
		if !ok {
			return nil, errors.New("a flag's value is true, false, a number or a text")
		}
		return one(&engine.Event{Kind: engine.KindFlag, Name: l.Name, Value: v})
	case recording.Message:
		var body any
		if err := json.Unmarshal(l.Body, &body); err != nil {
			return nil, errors.New("the message's body is not JSON")
		}
		return one(&engine.Event{Kind: engine.KindMessage, Message: &engine.Message{Topic: l.Topic, Body: body}})
	}
	return nil, nil
}
