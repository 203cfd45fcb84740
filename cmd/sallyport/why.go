package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/inputs/recording"
	"github.com/sallyport/sallyport/web"
)

// What `why` shows at most.
const (
	mostChanges = 60     // lines of what happened
	mostTrees   = 5      // looks explained whole
	mostNear    = 100    // near misses
	mostCourses = 10_000 // keys that are followed
	mostLately  = 5      // of what came of the rule before a moment
)

// whyFlags are what `sallyport why` was asked.
type whyFlags struct {
	siteFlags
	rule, at, target, replay string
	near, json               bool
}

// runWhy is `sallyport why`: each look at a rule, explained, from a recording or
// from a running appliance.
func runWhy(ctx context.Context, p process, args []string) int {
	var f whyFlags
	fs := p.flags("why")
	f.add(fs)
	fs.StringVar(&f.replay, "replay", "", "look at this replay `FILE` instead of a running appliance")
	fs.StringVar(&f.at, "at", "", "the moment: 22:00:05.250 in the site's zone, RFC 3339, or 12.5s from the beginning of the recording")
	fs.StringVar(&f.target, "target", "", "only looks about the target with this `ID`")
	fs.BoolVar(&f.near, "near", false, "rules whose only false part missed by under 20 %; of all rules when none is named")
	fs.BoolVar(&f.json, "json", false, "print one JSON object")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if len(rest) == 1 {
		f.rule = rest[0]
	}
	if bad := f.wrong(fs, len(rest)); bad != "" {
		fmt.Fprintf(p.stderr, "%s: %s\n", fs.Name(), bad)
		return exitUsage
	}
	file, site, ok := p.loadSite(&f.siteFlags)
	if !ok {
		return exitError
	}
	var err error
	if f.replay != "" {
		code, err = f.replayed(ctx, p, file, site)
	} else {
		code, err = f.live(ctx, p, site)
	}
	if err != nil {
		return p.errorf("why: %v", err)
	}
	return code
}

// wrong says what is wrong with the command line; empty when nothing is.
func (f *whyFlags) wrong(fs *flag.FlagSet, names int) string {
	switch {
	case names > 1:
		return "takes one rule; a name with blanks needs quotes"
	case names == 0 && !f.near:
		return "which rule? " + commandUsage(fs.Name())
	case f.near && f.replay == "":
		return "--near looks through a recording; name it with --replay FILE"
	case f.near && f.at != "":
		return "--near looks at the whole recording; leave out --at"
	}
	if f.target != "" {
		if _, err := strconv.ParseUint(f.target, 10, 64); err != nil {
			return "--target takes the number that the camera gave it, not " + strconv.Quote(f.target)
		}
	}
	if f.at != "" {
		if _, err := parseMoment(f.at, time.Unix(0, 0), time.UTC); err != nil {
			return err.Error()
		}
	}
	return ""
}

// commandUsage is a command's usage in one line.
func commandUsage(name string) string {
	for _, c := range commands() {
		if name == "sallyport "+c.name {
			return "usage: " + name + " " + c.args
		}
	}
	return ""
}

// parseMoment reads --at: a time of day after the start in a zone, a whole time, or
// how long after the start. Lines show milliseconds, so all of that one is meant.
func parseMoment(s string, start time.Time, loc *time.Location) (time.Time, error) {
	const rest = time.Millisecond - 1
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t.Add(rest), nil
	}
	if t, err := time.ParseInLocation("2006-01-02 15:04:05", s, loc); err == nil {
		return t.Add(rest), nil
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		day := start.In(loc)
		at := time.Date(day.Year(), day.Month(), day.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), loc)
		if at.Add(rest).Before(start) {
			at = time.Date(day.Year(), day.Month(), day.Day()+1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), loc)
		}
		return at.Add(rest), nil
	}
	if d, err := time.ParseDuration(strings.TrimPrefix(s, "+")); err == nil && d >= 0 {
		return start.Add(d).Truncate(time.Millisecond).Add(rest), nil
	}
	return time.Time{}, fmt.Errorf("--at takes 22:00:05.250, 2026-03-02T22:00:05Z or 12.5s, not %q", s)
}

// about says whether a look is among those asked for.
func (f *whyFlags) about(x *engine.Explanation) bool {
	return f.target == "" || x.HasTarget && strconv.FormatUint(x.Target, 10) == f.target
}

// findRule gives an error that says what was meant when there is no such rule.
func findRule(rs *engine.Ruleset, name string) error {
	var names []string
	for _, r := range rs.Rules {
		if r.Name == name {
			return nil
		}
		names = append(names, r.Name)
	}
	return web.NotFoundError(noRule(name, names))
}

// noRule says that a rule does not exist, and which was probably meant.
func noRule(name string, names []string) string {
	text := "there is no rule " + strconv.Quote(name)
	var meant []string
	if n := rulefile.Nearest(name, names); n != "" {
		meant = append(meant, n)
	}
	for _, n := range names {
		if name != "" && strings.Contains(strings.ToLower(n), strings.ToLower(name)) && !slices.Contains(meant, n) {
			meant = append(meant, n)
		}
	}
	for i, n := range meant {
		meant[i] = strconv.Quote(n)
	}
	switch {
	case len(names) == 0:
		return text + "; there are no rules at all"
	case len(meant) == 0:
		return text
	}
	return text + " (did you mean " + strings.Join(meant[:min(3, len(meant))], " or ") + "?)"
}

// lookedUp is what `why` found: printed as text, or as the JSON of its kind.
type lookedUp interface {
	text(w io.Writer, loc *time.Location)
}

// show prints what was found.
func (f *whyFlags) show(p process, v lookedUp, loc *time.Location) error {
	w := bufio.NewWriter(p.stdout)
	if f.json {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			return err
		}
	} else {
		v.text(w, loc)
	}
	return w.Flush()
}

// replayed answers from a recording.
func (f *whyFlags) replayed(ctx context.Context, p process, file string, site *config.Site) (int, error) {
	devices, err := p.recordedDevices(site, f.replay)
	if err != nil {
		return 0, err
	}
	rules, problems := rulefile.Load(f.rulesDir(file), replaySite(site, devices))
	if rulefile.Failed(problems) {
		printRuleProblems(p.stderr, problems)
		return exitError, nil
	}
	if f.rule != "" {
		if err := findRule(rules, f.rule); err != nil {
			return 0, err
		}
	}
	in, err := p.openRecording(f.replay)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	r, err := newReplay("why", p, site, rules, devices)
	if err != nil {
		return 0, err
	}
	loc := siteZone(site)
	lines := recording.NewReader(f.replay, in)
	var v lookedUp
	switch {
	case f.near:
		v, err = f.nearMisses(ctx, r, lines)
	case f.at != "":
		v, err = f.moment(ctx, r, lines, loc)
	default:
		v, err = f.course(ctx, r, lines)
	}
	if err != nil {
		return 0, err
	}
	r.warnOfPosts()
	if r.nothingCounted() {
		return 0, errNothingCounted
	}
	return exitOK, f.show(p, v, loc)
}

// whyAnswer is what is known of a rule at one moment.
type whyAnswer struct {
	web.Why
	flags *whyFlags
}

func (a *whyAnswer) text(w io.Writer, loc *time.Location) {
	var b []byte
	for i, x := range a.Looks {
		if i == mostTrees {
			b = fmt.Appendf(b, "(and %s more; --target shows one, --json all)\n", count(len(a.Looks)-i, "look"))
			break
		}
		if i > 0 {
			b = append(b, '\n')
		}
		b = x.AppendText(b, loc)
	}
	if len(a.Looks) == 0 {
		b = fmt.Appendf(b, "%q (%s:%d): nothing that it looks at was there at %s\n", a.Rule, a.File, a.Line, a.At.In(loc).Format("2006-01-02 15:04:05.000"))
	}
	if len(a.Happenings) > 0 {
		b = append(b, "lately\n"...)
	}
	for _, h := range a.Happenings[max(0, len(a.Happenings)-mostLately):] {
		b = fmt.Appendf(b, "  %s  %s\n", h.At.In(loc).Format(clockMillis), h.Text())
	}
	w.Write(b)
}

// keep leaves the looks that were asked for: at a moment, of a rule on moments, the
// last one before it.
func (a *whyAnswer) keep(until time.Time) {
	var newest time.Time
	kept := a.Looks[:0]
	for _, x := range a.Looks {
		if !a.flags.about(x) || !until.IsZero() && x.At.After(until) {
			continue
		}
		if x.At.After(newest) {
			newest = x.At
		}
		kept = append(kept, x)
	}
	a.Looks = kept
	if !until.IsZero() {
		a.Looks = slices.DeleteFunc(a.Looks, func(x *engine.Explanation) bool { return x.At.Before(newest) })
	} else if n := len(a.Looks); n > mostTrees && newest.After(a.Looks[0].At) {
		a.Looks = a.Looks[n-mostTrees:]
	}
	a.Happenings = slices.DeleteFunc(a.Happenings, func(h engine.Happening) bool { return !until.IsZero() && h.At.After(until) })
}

// whyNow asks an engine about a rule.
func whyNow(e *engine.Engine, rule string) (web.Why, bool) {
	v := web.Why{Rule: rule, At: web.Time{Time: e.Now().Wall}, Looks: []*engine.Explanation{}, Happenings: []engine.Happening{}}
	for _, r := range e.Ruleset().Rules {
		if r.Name == rule {
			v.File, v.Line = r.File, r.Line
		}
	}
	ok := e.Explain(rule, func(x *engine.Explanation) { v.Looks = append(v.Looks, x) })
	e.Happenings(rule, func(h engine.Happening) { v.Happenings = append(v.Happenings, h) })
	return v, ok
}

// moment explains the look at a moment of a recording, or the last one before it.
func (f *whyFlags) moment(ctx context.Context, r *replay, lines *recording.Reader, loc *time.Location) (lookedUp, error) {
	var at time.Time
	r.before = func(next engine.Instant) error {
		if at.IsZero() {
			var err error
			if at, err = parseMoment(f.at, next.Wall, loc); err != nil {
				return err
			}
			if next.Wall.After(at) {
				return fmt.Errorf("the recording begins at %s, after %s", next.Wall.In(loc).Format("2006-01-02 15:04:05.000"), f.at)
			}
		}
		if next.Wall.After(at) {
			return errEnough
		}
		return nil
	}
	if err := r.run(ctx, lines); err != nil {
		return nil, err
	}
	if r.engine == nil {
		return nil, errors.New("the recording is empty")
	}
	if at.After(r.now.Wall) && r.ended {
		r.warn("the recording ended at %s; this is how it stood then", r.now.Wall.In(loc).Format("2006-01-02 15:04:05.000"))
	}
	// The look is explained as it was; time goes on only as far as it must.
	if next, ok := r.engine.Next(); ok {
		if wall := r.now.Wall.Add(next - r.now.Mono); !wall.After(at) {
			r.show(r.engine.Advance(engine.Instant{Mono: r.now.Mono + at.Sub(r.now.Wall), Wall: at}))
		}
	}
	v, _ := whyNow(r.engine, f.rule)
	a := &whyAnswer{Why: v, flags: f}
	a.keep(at)
	return a, nil
}

// courses is a rule over a whole recording.
type courses struct {
	Rule    string                `json:"rule"`
	File    string                `json:"file"`
	Line    int                   `json:"line"`
	Changes []change              `json:"changes"`
	Left    int                   `json:"left_out,omitempty"`
	Closest []*engine.Explanation `json:"closest"`

	looks, keys, never int
}

// change is a new answer for something, or what came of the rule.
type change struct {
	At     web.Time      `json:"at"`
	About  string        `json:"about,omitempty"`
	Answer *engine.Truth `json:"answer,omitempty"`
	Held   string        `json:"held,omitempty"`
	Type   string        `json:"type,omitempty"`
	Step   string        `json:"step,omitempty"`
	Reason string        `json:"reason,omitempty"`
	said   string
}

// followed is one key of a course.
type followed struct {
	answer  engine.Truth
	fired   bool
	closest *engine.Explanation
	held    string
}

func (c *courses) add(n change) {
	if len(c.Changes) >= mostChanges {
		c.Left++
		return
	}
	c.Changes = append(c.Changes, n)
}

// look takes one look. The engine did not take it when it is an extra one: then it
// may be the closest, and changes nothing.
func (c *courses) look(all map[string]*followed, x *engine.Explanation, extra bool) *followed {
	about := x.About()
	k := all[about]
	if k == nil {
		if len(all) >= mostCourses {
			return nil
		}
		k = &followed{}
		all[about] = k
	}
	c.looks++
	if extra && x.Answer == engine.True && x.Held != "mode" {
		return k // the engine decides on its own next look
	}
	if (!extra || x.Held == "mode") && (x.Answer != k.answer || x.Answer == engine.True && x.Held != k.held && x.Held != "") {
		t := x.Answer
		n := change{At: web.Time{Time: x.At}, About: about, Answer: &t, Held: x.Held, said: t.String()}
		if t == engine.True && x.Held != "" {
			n.said += ", " + x.Why()
		}
		c.add(n)
	}
	if !extra || x.Held == "mode" {
		k.answer, k.held = x.Answer, x.Held
	}
	switch {
	case x.Answer == engine.True && slices.Contains([]string{"", "shadow", "first look", "visit", "active"}, x.Held):
		k.fired = true
	case !k.fired && (k.closest == nil || closer(x, k.closest) < 0):
		k.closest = x
	}
	return k
}

// closer orders looks by how near they came to being true.
func closer(a, b *engine.Explanation) int {
	an, ao := a.Short()
	bn, bo := b.Short()
	return cmp.Or(cmp.Compare(an, bn), cmp.Compare(ao, bo))
}

// course follows a rule through a recording.
func (f *whyFlags) course(ctx context.Context, r *replay, lines *recording.Reader) (lookedUp, error) {
	c := &courses{Rule: f.rule, Changes: []change{}, Closest: []*engine.Explanation{}}
	all := make(map[string]*followed)
	seen := make(map[*followed]bool)
	fired := make(map[string]bool)
	level := true
	for _, d := range r.rules.Rules {
		if d.Name == f.rule {
			c.File, c.Line, level = d.File, d.Line, d.Level
		}
	}
	take := func(x *engine.Explanation, extra bool) {
		if f.about(x) {
			if k := c.look(all, x, extra); k != nil {
				seen[k] = true
			}
		}
	}
	r.begun = func(e *engine.Engine) {
		e.SetWatch(func(d *engine.Rule, l *engine.Look, _ string, _ engine.Truth) {
			if d.Name == f.rule {
				take(l.Explain(), false)
			}
		})
	}
	r.print = func(d *engine.Decision) {
		if d.Rule == nil || d.Rule.Name != f.rule || d.Type == engine.DecisionAction {
			return
		}
		if f.target != "" && (!d.HasTarget || strconv.FormatUint(d.Target, 10) != f.target) {
			return
		}
		if d.Type == engine.DecisionFiring {
			fired[d.Key] = true
		}
		h := engine.Happening{Type: d.Type, Key: d.Key, Step: d.Step, Reason: d.Reason}
		c.add(change{At: web.Time{Time: d.At.Wall}, About: d.Key, Type: d.Type.String(), Step: d.Step, Reason: d.Reason, said: h.Text()})
	}
	// The engine does not look at what cannot be true; here it is looked at too.
	r.after = func() {
		if level {
			r.engine.Explain(f.rule, func(x *engine.Explanation) {
				if k := all[x.About()]; k == nil || !seen[k] {
					take(x, true)
				}
			})
		}
		clear(seen)
	}
	if err := r.run(ctx, lines); err != nil {
		return nil, err
	}
	c.keys = len(all)
	for _, k := range all {
		// A key may fire without a look: when its `for` is over, or at the start.
		if !k.fired && k.closest != nil && !fired[k.closest.Key] {
			c.never++
			c.Closest = append(c.Closest, k.closest)
		}
	}
	slices.SortFunc(c.Closest, func(a, b *engine.Explanation) int {
		return cmp.Or(closer(a, b), a.At.Compare(b.At), strings.Compare(a.About(), b.About()))
	})
	c.Closest = c.Closest[:min(mostTrees, len(c.Closest))]
	return c, nil
}

func (c *courses) text(w io.Writer, loc *time.Location) {
	fmt.Fprintf(w, "%q (%s:%d): %s", c.Rule, c.File, c.Line, count(c.looks, "look"))
	if c.looks == 0 {
		fmt.Fprintln(w, ": nothing that it looks at was there")
	} else {
		fmt.Fprintf(w, " at %s", count(c.keys, "thing"))
		if c.never > 0 {
			fmt.Fprintf(w, "; for %d of them it never fired", c.never)
		}
		fmt.Fprintln(w)
	}
	for _, n := range c.Changes {
		if n.Type != "" {
			fmt.Fprintf(w, "  %s  %s\n", n.At.In(loc).Format(clockMillis), n.said)
			continue
		}
		about := n.About
		if about != "" {
			about += ": "
		}
		fmt.Fprintf(w, "  %s  %s%s\n", n.At.In(loc).Format(clockMillis), about, n.said)
	}
	if c.Left > 0 {
		fmt.Fprintf(w, "  (and %s more; --at and --target look closer)\n", count(c.Left, "change"))
	}
	for i, x := range c.Closest {
		if i == 0 {
			fmt.Fprint(w, "\nwhere it never fired, the closest looks\n")
		} else {
			fmt.Fprintln(w)
		}
		w.Write(x.AppendText(nil, loc))
	}
}

// nearMiss is one near miss.
type nearMiss struct {
	At    web.Time            `json:"at"`
	Rule  string              `json:"rule"`
	About string              `json:"about,omitempty"`
	Text  string              `json:"text"`
	Off   int                 `json:"off"` // thousandths
	Look  *engine.Explanation `json:"look"`
}

// nears are the near misses of a recording.
type nears struct {
	Near []nearMiss `json:"near"`
	Left int        `json:"left_out,omitempty"`
}

// approach is how one key of a rule comes near.
type approach struct {
	best    *engine.Explanation
	spent   bool // it was true: what follows is going, not coming
	waiting *engine.Explanation
	waits   time.Duration // for
}

// nearMisses finds the looks that missed by under a fifth, the nearest of each
// approach.
func (f *whyFlags) nearMisses(ctx context.Context, r *replay, lines *recording.Reader) (lookedUp, error) {
	all := newApproaches(r, f.rule, f.about)
	if err := r.run(ctx, lines); err != nil {
		return nil, err
	}
	n := all.end()
	if len(n.Near) > mostNear {
		n.Left = len(n.Near) - mostNear
		n.Near = n.Near[:mostNear]
	}
	return n, nil
}

// approaches follows the keys of rules through a replay.
type approaches struct {
	found nears
	// keep is how many of the newest near misses are kept at least; 0 is all.
	keep  int
	keys  map[string]*approach
	order []*approach
}

// newApproaches has a replay tell of the looks of a rule, empty for all, that are wanted.
func newApproaches(r *replay, rule string, wanted func(*engine.Explanation) bool) *approaches {
	all := &approaches{found: nears{Near: []nearMiss{}}, keys: make(map[string]*approach)}
	r.begun = func(e *engine.Engine) {
		e.SetWatch(func(d *engine.Rule, l *engine.Look, _ string, _ engine.Truth) {
			if rule != "" && d.Name != rule {
				return
			}
			x := l.Explain()
			if !wanted(x) || x.Held == "while" {
				return
			}
			key := d.Name + "\x00" + x.About()
			a := all.keys[key]
			if a == nil {
				if len(all.keys) >= mostCourses {
					return
				}
				a = &approach{waits: d.For}
				all.keys[key] = a
				all.order = append(all.order, a)
			}
			all.found.look(a, x)
			if n := len(all.found.Near); all.keep > 0 && n > 2*all.keep {
				all.found.Near = slices.Clone(all.found.Near[n-all.keep:])
			}
		})
	}
	return all
}

// end gives the near misses, oldest first.
func (all *approaches) end() *nears {
	for _, a := range all.order {
		all.found.missed(a)
	}
	slices.SortStableFunc(all.found.Near, func(a, b nearMiss) int { return a.At.Compare(b.At.Time) })
	return &all.found
}

// look takes one look at a key.
func (n *nears) look(a *approach, x *engine.Explanation) {
	switch {
	case x.State == "pending":
		a.best, a.waiting = nil, x
	case x.Answer == engine.True:
		a.best, a.waiting, a.spent = nil, nil, true
	case a.waiting != nil:
		// It was true until now, not as long as `for` asks.
		a.waiting.For += x.At.Sub(a.waiting.At)
		a.waiting.At = x.At
		n.missed(a)
	case !x.Near():
		n.missed(a)
		a.spent = false
	case a.spent:
	case a.best == nil || closer(x, a.best) < 0:
		a.best = x
	}
}

// missed ends an approach.
func (n *nears) missed(a *approach) {
	if x := a.waiting; x != nil && a.waits > 0 && x.For < a.waits && (a.waits-x.For)*5 < a.waits {
		off := int((a.waits - x.For) * 1000 / a.waits)
		text := fmt.Sprintf("for = %s of %s (%s %% off)", x.For.Truncate(10*time.Millisecond), a.waits, tenth(off))
		n.Near = append(n.Near, nearMiss{At: web.Time{Time: x.At}, Rule: x.Rule, About: x.About(), Text: text, Off: off, Look: x})
	}
	if x := a.best; x != nil {
		_, off := x.Short()
		text := ""
		for _, part := range x.Missing() {
			for i := range part.Values {
				if part.Values[i].Bound != nil {
					text = part.Values[i].Text()
				}
			}
		}
		n.Near = append(n.Near, nearMiss{At: web.Time{Time: x.At}, Rule: x.Rule, About: x.About(), Text: text, Off: off, Look: x})
	}
	a.best, a.waiting = nil, nil
}

// tenth is a number of thousandths in percent.
func tenth(off int) string { return strconv.FormatFloat(float64(off)/10, 'f', -1, 64) }

func (n *nears) text(w io.Writer, loc *time.Location) {
	for _, m := range n.Near {
		about := ""
		if m.About != "" {
			about = " for " + m.About
		}
		fmt.Fprintf(w, "%s  %q%s: %s\n", m.At.In(loc).Format(clockMillis), m.Rule, about, m.Text)
	}
	if n.Left > 0 {
		fmt.Fprintf(w, "(and %d more)\n", n.Left)
	}
	if len(n.Near) == 0 {
		fmt.Fprintln(w, "no rule missed by under 20 % because of one part")
	}
}

// askTime is how long a running appliance has to answer.
const askTime = 5 * time.Second

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 16 << 20

// live asks a running appliance.
func (f *whyFlags) live(ctx context.Context, p process, site *config.Site) (int, error) {
	if site == nil {
		return 0, errors.New("there is no sallyport.yaml that says where the appliance answers; name it with -c, or a recording with --replay FILE")
	}
	console := newConsoleClient(site)
	base := console.base
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	resp, err := console.get(ctx, "rules/"+url.PathEscape(f.rule)+"/why")
	if errors.Is(err, errNotLetIn) {
		return 0, err
	}
	if err != nil {
		return 0, fmt.Errorf("the appliance does not answer at %s (%v); is it running?", base, errors.Unwrap(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, fmt.Errorf("the answer of %s: %w", base, err)
	}
	if resp.StatusCode != http.StatusOK {
		var problem struct{ Detail string }
		if json.Unmarshal(body, &problem) != nil || problem.Detail == "" {
			problem.Detail = resp.Status
		}
		return 0, errors.New(printable(problem.Detail))
	}
	a := &whyAnswer{flags: f}
	if err := json.Unmarshal(body, &a.Why); err != nil {
		return 0, fmt.Errorf("the answer of %s is not what it should be: %w", base, err)
	}
	var until time.Time
	loc := siteZone(site)
	if f.at != "" {
		// A time of day is of the last 24 hours.
		if until, err = parseMoment(f.at, a.At.Add(-24*time.Hour), loc); err != nil {
			return 0, err
		}
		if len(a.Looks) > 0 && !slices.ContainsFunc(a.Looks, func(x *engine.Explanation) bool { return !x.At.After(until) }) {
			return 0, fmt.Errorf("the appliance remembers no look of %q at %s or before; look at a recording with --replay FILE", f.rule, f.at)
		}
		a.At = web.Time{Time: until}
	}
	a.keep(until)
	return exitOK, f.show(p, a, loc)
}

// why answers the console.
func (s *source) why(ctx context.Context, rule string) (v web.Why, err error) {
	var names []string
	found := false
	if err := s.ask(ctx, func(e *engine.Engine) {
		if v, found = whyNow(e, rule); !found {
			for _, r := range e.Ruleset().Rules {
				names = append(names, r.Name)
			}
		}
	}); err != nil {
		return web.Why{}, err
	}
	if !found {
		return web.Why{}, web.NotFoundError(noRule(rule, names))
	}
	return v, nil
}
