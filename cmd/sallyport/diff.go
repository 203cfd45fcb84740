package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/inputs/camera"
	"github.com/sallyport/sallyport/inputs/recording"
	"github.com/sallyport/sallyport/web"
)

// mostDiffering is how many differing moments `diff` prints as text.
const mostDiffering = 200

// runDiff is `sallyport diff`: two rule folders on one recording, side by side.
func runDiff(ctx context.Context, p process, args []string) int {
	var sf siteFlags
	fs := p.flags("diff")
	sf.addSite(fs)
	asJSON := fs.Bool("json", false, "print one JSON object")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if len(rest) != 3 {
		fs.Usage()
		return exitUsage
	}
	_, site, ok := p.loadSite(&sf)
	if !ok {
		return exitError
	}
	d := diff{Old: rest[0], New: rest[1], Recording: rest[2], Rules: []ruleCount{}, Moments: []differing{}}
	if err := d.play(ctx, p, site); err != nil {
		if !errors.Is(err, errSaid) {
			p.errorf("diff: %v", err)
		}
		return exitError
	}
	w := bufio.NewWriter(p.stdout)
	var err error
	if *asJSON {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		err = enc.Encode(&d)
	} else {
		d.text(w, siteZone(site))
	}
	if ferr := w.Flush(); err == nil {
		err = ferr
	}
	if err != nil {
		return p.errorf("diff: %v", err)
	}
	if !d.Same {
		return exitError
	}
	return exitOK
}

// errSaid is an error that was said already.
var errSaid = errors.New("said already")

// diff is what two rule folders decide on one recording.
type diff struct {
	Old       string      `json:"old"`
	New       string      `json:"new"`
	Recording string      `json:"recording"`
	Same      bool        `json:"same"`
	Rules     []ruleCount `json:"rules"`
	Moments   []differing `json:"moments"`
}

// ruleCount is how often a rule fired; nil where a side does not have it.
type ruleCount struct {
	Rule string `json:"rule"`
	Old  *int   `json:"old,omitempty"`
	New  *int   `json:"new,omitempty"`
	// Differs is true also when it fired as often but not at the same moments, or
	// something else came of it.
	Differs bool `json:"differs"`
}

// differing is a moment at which the two sides did not do the same: what only one
// of them did, in its order.
type differing struct {
	At  web.Time `json:"at"`
	Old []deed   `json:"old"`
	New []deed   `json:"new"`
}

// deed is one thing that a rule did.
type deed struct {
	Rule   string `json:"rule"`
	Type   string `json:"type"`
	Key    string `json:"key,omitempty"`
	Step   string `json:"step,omitempty"`
	Reason string `json:"reason,omitempty"`

	at   time.Time
	said string
}

// side is one rule folder on the recording.
type side struct {
	rules *engine.Ruleset
	r     *replay
	deeds []deed
	fired map[string]int
}

// play puts the recording through both sides, a line at a time.
func (d *diff) play(ctx context.Context, p process, site *config.Site) error {
	devices, err := p.recordedDevices(site, d.Recording)
	if err != nil {
		return err
	}
	var sides [2]*side
	var cameras []string
	failed := false
	for i, dir := range []string{d.Old, d.New} {
		rules, problems := rulefile.Load(dir, replaySite(site, devices))
		if rulefile.Failed(problems) {
			failed = printRuleProblems(p.stderr, problems)
			continue
		}
		sides[i] = &side{rules: rules, fired: make(map[string]int)}
		for _, c := range rules.Cameras {
			if !slices.Contains(cameras, c.Name) {
				cameras = append(cameras, c.Name)
			}
		}
	}
	if failed {
		return errSaid
	}
	in, err := p.openRecording(d.Recording)
	if err != nil {
		return err
	}
	defer in.Close()
	for i, s := range sides {
		// Both sides know the same cameras, so that posts belong to the same ones.
		matcher, err := cameraMatcher(site, cameras, devices, p)
		if err != nil {
			return err
		}
		if s.r, err = newReplay("diff", p, site, s.rules, devices); err != nil {
			return err
		}
		s.r.reader = camera.NewReader(matcher)
		s.r.print, s.r.deaf = s.take, true
		if i > 0 {
			s.r.warn = func(string, ...any) {} // the first one says it
		}
	}
	err = eachLine(ctx, recording.NewReader(d.Recording, in), func(l *recording.Line) error {
		for _, s := range sides {
			if err := s.r.line(l); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range sides {
		if err := s.r.finish(); err != nil {
			return err
		}
	}
	sides[0].r.warnOfPosts()
	if sides[0].r.nothingCounted() {
		return errNothingCounted
	}
	d.compare(sides[0], sides[1])
	return nil
}

// take keeps what a rule did.
func (s *side) take(d *engine.Decision) {
	if d.Rule == nil {
		return
	}
	if d.Type == engine.DecisionFiring {
		s.fired[d.Rule.Name]++
	}
	x := deed{Rule: d.Rule.Name, Type: d.Type.String(), Key: d.Key, Step: d.Step, Reason: d.Reason, at: d.At.Wall.Truncate(time.Millisecond)}
	x.said = x.Type + " " + printable(x.Rule)
	if x.Key != "" {
		x.said += " for " + printable(x.Key)
	}
	if x.Step != "" {
		x.said += ": " + printable(x.Step)
	}
	if x.Reason != "" {
		x.said += " (" + printable(x.Reason) + ")"
	}
	s.deeds = append(s.deeds, x)
}

// compare finds what only one side did at a moment. In what order the rules of one
// moment stand does not matter.
func (d *diff) compare(old, now *side) {
	differs := make(map[string]bool)
	a, b := old.deeds, now.deeds
	for len(a) > 0 || len(b) > 0 {
		var at time.Time
		switch {
		case len(b) == 0 || len(a) > 0 && !b[0].at.Before(a[0].at):
			at = a[0].at
		default:
			at = b[0].at
		}
		var x, y []deed
		x, a = until(a, at)
		y, b = until(b, at)
		x, y = without(x, y), without(y, x)
		if len(x) == 0 && len(y) == 0 {
			continue
		}
		for _, one := range append(slices.Clone(x), y...) {
			differs[one.Rule] = true
		}
		d.Moments = append(d.Moments, differing{At: web.Time{Time: at}, Old: x, New: y})
	}
	for _, r := range old.rules.Rules {
		n := old.fired[r.Name]
		d.Rules = append(d.Rules, ruleCount{Rule: r.Name, Old: &n, Differs: differs[r.Name]})
	}
	for _, r := range now.rules.Rules {
		n := now.fired[r.Name]
		i := slices.IndexFunc(d.Rules, func(c ruleCount) bool { return c.Rule == r.Name })
		if i < 0 {
			d.Rules = append(d.Rules, ruleCount{Rule: r.Name, New: &n, Differs: differs[r.Name]})
			continue
		}
		d.Rules[i].New = &n
	}
	d.Same = len(d.Moments) == 0
}

// until cuts off what was done at a moment.
func until(all []deed, at time.Time) (now, rest []deed) {
	n := 0
	for n < len(all) && !all[n].at.After(at) {
		n++
	}
	return all[:n], all[n:]
}

// without gives what is in a and not in b; what is there twice counts twice.
func without(a, b []deed) []deed {
	left := slices.Clone(b)
	out := []deed{}
	for _, x := range a {
		if i := slices.Index(left, x); i >= 0 {
			left = slices.Delete(left, i, i+1)
			continue
		}
		out = append(out, x)
	}
	return out
}

// The widths of the columns of a diff.
const (
	leastColumn = 20
	mostColumn  = 70
)

func (d *diff) text(w io.Writer, loc *time.Location) {
	width := len("rule")
	for _, r := range d.Rules {
		width = max(width, len([]rune(printable(r.Rule))))
	}
	fmt.Fprintf(w, "%-*s  %6s  %6s\n", width, "fired", "old", "new")
	number := func(n *int) string {
		if n == nil {
			return "-"
		}
		return fmt.Sprint(*n)
	}
	changed := 0
	for _, r := range d.Rules {
		mark := ""
		if r.Differs {
			mark = "  differs"
			changed++
		}
		fmt.Fprintf(w, "%-*s  %6s  %6s%s\n", width, printable(r.Rule), number(r.Old), number(r.New), mark)
	}
	if d.Same {
		fmt.Fprintf(w, "\nsame: %s decide the same on %s\n", d.Old+" and "+d.New, d.Recording)
		return
	}
	shown := d.Moments[:min(len(d.Moments), mostDiffering)]
	column := max(leastColumn, len([]rune(d.Old))+4)
	for _, m := range shown {
		for _, x := range m.Old {
			column = min(max(column, len([]rune(x.said))), mostColumn)
		}
	}
	fmt.Fprintf(w, "\n%-12s  %-*s    %s\n", "", column, "old "+d.Old, "new "+d.New)
	for _, m := range shown {
		at := m.At.In(loc).Format(clockMillis)
		for i := range max(len(m.Old), len(m.New)) {
			var l, r string
			if i < len(m.Old) {
				l = "- " + m.Old[i].said
			}
			if i < len(m.New) {
				r = "+ " + m.New[i].said
			}
			fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%-12s  %-*s  %s", at, column+2, l, r), " "))
			at = ""
		}
	}
	if n := len(d.Moments) - len(shown); n > 0 {
		fmt.Fprintf(w, "(and %s more; --json has all)\n", count(n, "moment"))
	}
	fmt.Fprintf(w, "\ndiffers: %s at %s\n", count(changed, "rule"), count(len(d.Moments), "moment"))
}
