package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/inputs/recording"
	"github.com/sallyport/sallyport/journal/segment"
	"github.com/sallyport/sallyport/web"
)

const (
	// replayWindow is how much of the recording is looked at in one piece, the newest first.
	replayWindow = time.Hour
	// replayLead is how much before a piece is taken to warm up when there is no snapshot.
	replayLead = time.Hour
	// replayTail is how long after the last line of a piece the clock goes on at most.
	replayTail = 10 * time.Minute
	// maxFirings and maxSuppressed bound what is given of one side.
	maxFirings    = 1500
	maxSuppressed = 500
	// maxReplayNotes bounds what is said of a recording.
	maxReplayNotes = 5
)

// What a look into the recording leaves to the appliance.
const (
	paceWork  = 4 * time.Millisecond   // of work without a rest
	paceProbe = 200 * time.Millisecond // how often the loop is asked whether it is behind
	paceSlow  = 25 * time.Millisecond  // it is, when it answers later than this
	paceWait  = 500 * time.Millisecond // and is left alone for so long
)

// pace lets work for the console stand back behind the appliance.
type pace struct {
	// behind tells how long the loop takes to answer.
	behind      func(context.Context) (time.Duration, error)
	begun, last time.Time
}

// rest is called between two pieces of work, which are short.
func (p *pace) rest(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := time.Now()
	if p.begun.IsZero() {
		p.begun, p.last = now, now
	}
	worked := now.Sub(p.begun)
	if worked < paceWork {
		return nil
	}
	wait := worked / 2
	if now.Sub(p.last) >= paceProbe {
		for {
			took, err := p.behind(ctx)
			if err != nil {
				return err
			}
			if took < paceSlow {
				break
			}
			if err := sleep(ctx, paceWait); err != nil {
				return err
			}
		}
		p.last = time.Now()
	}
	if err := sleep(ctx, wait); err != nil {
		return err
	}
	p.begun = time.Now()
	return nil
}

// sleep waits, or gives the error of ctx when that ends before.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// past looks into the recording, a piece at a time, the newest first. It has no outputs.
type past struct {
	dir          string // of the recording
	since, until time.Time
	pace         pace
	tell         func(done float64, text string)
	loc          *time.Location
	// play begins a piece: it gives the replays that get its lines. Decisions before `from` are not to be told.
	play func(from, to time.Time) ([]*replay, error)
	// played is called after a piece; false ends it.
	played func(from, to time.Time) bool

	notes []string
}

var errNoRecording = web.RefusedError("nothing is recorded: the site file has no data folder, or the recording is off")

// run looks at all pieces.
func (p *past) run(ctx context.Context) error {
	first, err := p.oldest(ctx)
	if err != nil {
		return err
	}
	if first.After(p.since) {
		p.note("the recording begins at " + first.In(p.loc).Format("2006-01-02 15:04"))
		p.since = first
	}
	whole := p.until.Sub(p.since)
	for to := p.until; to.After(p.since); {
		from := to.Add(-replayWindow)
		if from.Before(p.since) {
			from = p.since
		}
		p.tell(float64(p.until.Sub(to))/float64(whole), from.In(p.loc).Format("Mon 15:04")+" to "+to.In(p.loc).Format("15:04"))
		if err := p.piece(ctx, from, to); err != nil {
			return err
		}
		if !p.played(from, to) {
			return nil
		}
		to = from
	}
	return nil
}

// oldest is when the recording begins.
func (p *past) oldest(ctx context.Context) (time.Time, error) {
	info, err := segment.Read(ctx, p.dir, time.Time{}, p.until, func([]byte) error { return errEnough })
	switch {
	case errors.Is(err, segment.ErrEmpty):
		return time.Time{}, errNoRecording
	case err != nil && !errors.Is(err, errEnough):
		return time.Time{}, err
	case info.Lines == 0:
		return time.Time{}, web.RefusedError("nothing was recorded before " + p.until.In(p.loc).Format(time.DateTime))
	}
	return info.Begin, nil
}

// note keeps what is to be said of the recording, each once.
func (p *past) note(text string) {
	if len(p.notes) < maxReplayNotes && !slices.Contains(p.notes, text) {
		p.notes = append(p.notes, text)
	}
}

// piece plays the lines of a range, and before it those from the nearest snapshot on.
func (p *past) piece(ctx context.Context, from, to time.Time) error {
	sides, err := p.play(from, to)
	if err != nil {
		return err
	}
	begun := false
	_, err = segment.Read(ctx, p.dir, from, to, func(text []byte) error {
		if err := p.pace.rest(ctx); err != nil {
			return err
		}
		l, err := recording.Parse(text)
		if err != nil {
			p.note("a line of the recording cannot be read and is left out")
			return nil
		}
		if !begun && l.Type != recording.Snapshot && l.Received.Before(from.Add(-replayLead)) {
			return nil
		}
		begun = true
		for _, r := range sides {
			if err := r.line(l); err != nil {
				p.note("a line of the recording cannot be played and is left out")
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, segment.ErrEmpty) {
		return err
	}
	for _, r := range sides {
		r.until(to)
	}
	return nil
}

// until lets the clock of a replay go on to the end of its piece, as far as the recording may be taken to go on.
func (r *replay) until(to time.Time) {
	if r.engine == nil || r.stopped {
		return
	}
	end := r.now.Mono + min(to.Sub(r.now.Wall), replayTail)
	for {
		at, ok := r.engine.Next()
		if !ok || at >= end {
			return
		}
		r.now = engine.Instant{Mono: at, Wall: r.now.Wall.Add(at - r.now.Mono)}
		r.show(r.engine.Advance(r.now))
	}
}

// past begins a look into the recording.
func (s *source) past(since, until time.Time, tell func(done float64, text string)) (*past, error) {
	if s.disk == nil {
		return nil, errNoRecording
	}
	return &past{
		dir: filepath.Join(s.site.Data, recordingDir), since: since, until: until, tell: tell, loc: s.site.Location.Zone,
		pace: pace{behind: func(ctx context.Context) (time.Duration, error) {
			begun := time.Now()
			err := s.ask(ctx, func(*engine.Engine) {})
			return time.Since(begun), err
		}},
	}, nil
}

// pastReplay is a replay of a set for a look into the recording. What steps became of is not taken: it belongs to the
// rules that ran then.
func (s *source) pastReplay(p *past, rules *engine.Ruleset, from time.Time, deaf bool) (*replay, error) {
	r, err := newReplay("replay", s.service.process, s.site, rules, nil)
	if err != nil {
		return nil, err
	}
	r.deaf, r.lead = deaf, from
	r.warn = func(format string, args ...any) { p.note(fmt.Sprintf(format, args...)) }
	return r, nil
}

// replay puts the recording through the rules in force and through others.
func (s *source) replay(ctx context.Context, q web.ReplayQuery, tell func(web.JobProgress)) (any, error) {
	rules, problems, err := s.files.load(ctx, q.Files)
	if err != nil {
		return nil, err
	}
	if rulefile.Failed(problems) {
		return nil, web.RejectedError{Problems: webProblems(problems)}
	}
	progress := web.JobProgress{Done: -1}
	p, err := s.past(q.Since, q.Until, func(done float64, text string) {
		progress.Done, progress.Text = done, text
		tell(progress)
	})
	if err != nil {
		return nil, err
	}
	w := whatIf{old: s.ruleset.Load().written, fresh: rules, until: q.Until}
	p.play = func(from, to time.Time) ([]*replay, error) {
		w.sides = [2]firings{{to: to}, {to: to}}
		var both []*replay
		for i, rules := range []*engine.Ruleset{w.old, w.fresh} {
			r, err := s.pastReplay(p, rules, from, true)
			if err != nil {
				return nil, err
			}
			r.print = w.sides[i].take
			if i > 0 {
				r.warn = func(string, ...any) {} // the first one says it
			}
			both = append(both, r)
		}
		return both, nil
	}
	p.played = func(from, _ time.Time) bool {
		progress.Result = w.end(from, p.notes)
		tell(progress)
		return true
	}
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	return w.result(p.notes), nil
}

// whatIf gathers what two sets decided, the newest piece first.
type whatIf struct {
	old, fresh *engine.Ruleset
	from       time.Time // how far back it has got
	until      time.Time
	sides      [2]firings            // of the present piece
	all        [2][]web.ReplayFiring // of all pieces, oldest first
	firings    [2]int                // how many of all are firings
	more       int
}

// firings are the decisions of one side in one piece: the newest of both types.
type firings struct {
	to    time.Time // what is decided from here on belongs to the next piece
	list  []web.ReplayFiring
	count [2]int // firings and suppressed ones in the list
	more  int
}

// index is 0 for a firing, 1 for a suppressed one.
func index(f *web.ReplayFiring) int {
	if f.Type == engine.DecisionFiring.String() {
		return 0
	}
	return 1
}

// room is how many of a type there may be.
func room(i int) int { return [2]int{maxFirings, maxSuppressed}[i] }

// take keeps a decision about a rule.
func (f *firings) take(d *engine.Decision) {
	if d.Rule == nil || d.Type != engine.DecisionFiring && d.Type != engine.DecisionSuppressed || d.Step != "" || !d.At.Wall.Before(f.to) {
		return
	}
	w := web.ReplayFiring{At: web.Time{Time: d.At.Wall.Truncate(time.Millisecond)}, Rule: d.Rule.Name, Key: d.Key, Camera: d.Camera, Type: d.Type.String(), Reason: d.Reason}
	if d.HasTarget {
		id := d.Target
		w.Target = &id
	}
	if d.Firing != nil && d.Firing.Event != nil && d.Firing.Event.Plate != nil {
		w.Plate = d.Firing.Event.Plate.Number
	}
	f.list = append(f.list, w)
	i := index(&w)
	if f.count[i]++; f.count[i] > 2*room(i) {
		f.trim()
	}
}

// trim leaves the newest of each type.
func (f *firings) trim() {
	drop := [2]int{f.count[0] - room(0), f.count[1] - room(1)}
	f.list = slices.DeleteFunc(f.list, func(w web.ReplayFiring) bool {
		i := index(&w)
		if drop[i] <= 0 {
			return false
		}
		drop[i]--
		f.count[i]--
		f.more++
		return true
	})
}

// end takes a piece over and gives what there is so far.
func (w *whatIf) end(from time.Time, notes []string) web.ReplayResult {
	w.from = from
	for i := range w.sides {
		w.sides[i].trim()
		w.more += w.sides[i].more
	}
	compareFirings(w.sides[0].list, w.sides[1].list)
	for i := range w.sides {
		// What came later counts more.
		have := [2]int{w.firings[i], len(w.all[i]) - w.firings[i]}
		drop := [2]int{}
		for k := range drop {
			drop[k] = max(0, have[k]+w.sides[i].count[k]-room(k))
			w.more += drop[k]
		}
		w.firings[i] += w.sides[i].count[0] - drop[0]
		list := slices.DeleteFunc(w.sides[i].list, func(f web.ReplayFiring) bool {
			k := index(&f)
			drop[k]--
			return drop[k] >= 0
		})
		// A new list: the one before was given away.
		w.all[i] = slices.Concat(list, w.all[i])
	}
	return w.result(notes)
}

// result is what there is so far.
func (w *whatIf) result(notes []string) web.ReplayResult {
	r := web.ReplayResult{From: web.Time{Time: w.from}, Until: web.Time{Time: w.until}, Old: w.all[0], New: w.all[1], More: w.more}
	if w.from.IsZero() {
		r.From = r.Until
	}
	for i, n := range notes {
		if i > 0 {
			r.Note += "; "
		}
		r.Note += n
	}
	if r.Old == nil {
		r.Old = []web.ReplayFiring{}
	}
	if r.New == nil {
		r.New = []web.ReplayFiring{}
	}
	return r
}

// compareFirings notes what both sides decided. What is there twice counts twice; in what order the rules of one moment
// stand does not matter.
func compareFirings(a, b []web.ReplayFiring) {
	type what struct {
		at                      int64
		rule, key, kind, reason string
	}
	of := func(f *web.ReplayFiring) what { return what{f.At.UnixMilli(), f.Rule, f.Key, f.Type, f.Reason} }
	left := make(map[what][]*web.ReplayFiring)
	for i := range b {
		k := of(&b[i])
		left[k] = append(left[k], &b[i])
	}
	for i := range a {
		k := of(&a[i])
		if both := left[k]; len(both) > 0 {
			a[i].Same, both[0].Same = true, true
			left[k] = both[1:]
		}
	}
}

// near looks for near misses of a rule in the recording, the newest first.
func (s *source) near(ctx context.Context, q web.NearQuery, tell func(web.JobProgress)) (any, error) {
	rules := s.ruleset.Load().written
	if err := findRule(rules, q.Rule); err != nil {
		return nil, err
	}
	progress := web.JobProgress{Done: -1}
	p, err := s.past(q.Since, q.Until, func(done float64, text string) {
		progress.Done, progress.Text = done, text
		tell(progress)
	})
	if err != nil {
		return nil, err
	}
	found := web.NearMisses{Items: []web.NearMiss{}}
	var piece *approaches
	p.play = func(from, _ time.Time) ([]*replay, error) {
		r, err := s.pastReplay(p, rules, from, false)
		if err != nil {
			return nil, err
		}
		r.print = func(*engine.Decision) {}
		piece = newApproaches(r, q.Rule, func(*engine.Explanation) bool { return true })
		piece.keep = q.Limit
		return []*replay{r}, nil
	}
	p.played = func(from, to time.Time) bool {
		all := piece.end().Near
		items := slices.Clone(found.Items)
		for _, m := range slices.Backward(all) {
			if m.At.Before(from) || !m.At.Before(to) {
				continue
			}
			if len(items) == q.Limit {
				break
			}
			items = append(items, web.NearMiss{At: m.At, Look: m.Look, Missing: m.Text})
		}
		found.Items = items
		progress.Result = found
		tell(progress)
		return len(items) < q.Limit
	}
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	return found, nil
}
