package main

import (
	"context"
	"sync"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/journal"
	"github.com/sallyport/sallyport/web"
)

const (
	// tallyHours is how far back firings are counted.
	tallyHours = 24
	// maxTallied bounds the rules that are counted; the journal knows those of long ago too.
	maxTallied = 20_000
)

// tally counts what rules did in each of the last hours, so that a page with many of
// them asks the journal nothing. A nil tally counts nothing.
type tally struct {
	mu    sync.Mutex // guards rules
	rules map[string]*ruleTally
}

// ruleTally is what one rule did.
type ruleTally struct {
	hours [tallyHours]tallyHour // by the hour's number
	last  web.LastFiring
}

type tallyHour struct {
	hour int64 // since 1970
	web.RuleHour
}

func newTally() *tally { return &tally{rules: make(map[string]*ruleTally)} }

// took counts decisions, whose firings the journal has entries of.
func (t *tally) took(ds []engine.Decision, told *journaling) {
	for i := range ds {
		d := &ds[i]
		switch {
		case d.Rule == nil:
		case d.Type == engine.DecisionFiring:
			t.add(d.Rule.Name, d.At.Wall, web.RuleHour{Firings: 1}, &web.LastFiring{ID: told.entryOf(d.Firing.ID), At: web.Time{Time: d.At.Wall}, Key: d.Key})
		case d.Type == engine.DecisionSuppressed:
			t.add(d.Rule.Name, d.At.Wall, web.RuleHour{Suppressed: 1}, nil)
		}
	}
}

// add counts what a rule did at a moment.
func (t *tally) add(rule string, at time.Time, n web.RuleHour, last *web.LastFiring) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.rules[rule]
	if r == nil {
		if len(t.rules) >= maxTallied {
			return
		}
		r = &ruleTally{}
		t.rules[rule] = r
	}
	hour := hourOf(at)
	if h := &r.hours[uint64(hour)%tallyHours]; h.hour < hour || h.hour > hour+tallyHours { // the clock was set back
		*h = tallyHour{hour, n}
	} else if h.hour == hour {
		h.Firings += n.Firings
		h.Suppressed += n.Suppressed
	}
	if last != nil && !last.At.Before(r.last.At.Time) {
		r.last = *last
	}
}

func hourOf(at time.Time) int64 { return at.Unix() / 3600 }

// of gives what a rule did in the last hours, the oldest first, and when it fired last;
// nil when that is not known.
func (t *tally) of(rule string, now time.Time) ([]web.RuleHour, *web.LastFiring) {
	hours := make([]web.RuleHour, tallyHours)
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.rules[rule]
	if r == nil {
		return hours, nil
	}
	first := hourOf(now) - tallyHours + 1
	for i := range hours {
		if h := r.hours[uint64(first+int64(i))%tallyHours]; h.hour == first+int64(i) {
			hours[i] = h.RuleHour
		}
	}
	if r.last.At.IsZero() {
		return hours, nil
	}
	last := r.last
	return hours, &last
}

// load counts what earlier runs wrote into the journal, up to the entry of an id.
func (t *tally) load(ctx context.Context, j *journal.Journal, upTo int64, now time.Time) error {
	counts, err := j.RuleCounts(ctx, now.Add(-tallyHours*time.Hour), upTo)
	if err != nil {
		return err
	}
	for _, c := range counts {
		n := web.RuleHour{Firings: c.Firings, Suppressed: c.Suppressed}
		var last *web.LastFiring
		if c.Last > 0 {
			last = &web.LastFiring{ID: c.Last, At: web.Time{Time: c.LastAt}, Key: c.LastKey}
		}
		t.add(c.Rule, c.Hour, n, last)
	}
	return nil
}

// tallyTime is how long a start counts what earlier runs did.
const tallyTime = time.Minute

// loadTally counts what earlier runs did, up to the entry of an id.
func (s *source) loadTally(ctx context.Context, upTo int64) {
	if s.disk == nil || upTo == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, tallyTime)
	defer cancel()
	if err := s.tally.load(ctx, s.disk.journal, upTo, s.instant(time.Now()).Wall); err != nil && ctx.Err() == nil {
		s.log.Warn("what the rules did before the start is not counted", "error", err)
	}
}
