package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/journal"
	"github.com/sallyport/sallyport/web"
)

const (
	// keptOverrides is the name under which the journal's database keeps the modes that
	// rules have instead of those in their files.
	keptOverrides = "overrides"
	// overrideTime is how long a change of a mode waits to be on the disk, and a start for
	// those that are kept.
	overrideTime = time.Second
)

// overrideKeeper keeps the modes of rules in the journal's database.
type overrideKeeper struct{ *keeper[overridesToKeep] }

// overridesToKeep are modes, and what is closed when they are on the disk.
type overridesToKeep struct {
	list []engine.Override
	done chan struct{}
}

func newOverrideKeeper(j *journal.Journal, log *slog.Logger) overrideKeeper {
	return overrideKeeper{newKeeper(keptOverrides, log, func(name string, o overridesToKeep) error {
		b, err := engine.EncodeOverrides(o.list)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(context.Background(), stateRetry)
		defer cancel()
		if err := j.Keep(ctx, name, b); err != nil {
			return err
		}
		close(o.done)
		return nil
	})}
}

// keep hands the modes on, and gives what is closed when they are on the disk.
func (k overrideKeeper) keep(list []engine.Override) <-chan struct{} {
	o := overridesToKeep{list, make(chan struct{})}
	k.keeper.keep(o)
	return o.done
}

// restoreOverrides puts the modes that the journal's database keeps into the state that
// an earlier run left. When the database does not tell, those of the state count.
func restoreOverrides(state *engine.State, j *journal.Journal, log *slog.Logger) *engine.State {
	ctx, cancel := context.WithTimeout(context.Background(), overrideTime)
	defer cancel()
	b, err := j.Kept(ctx, keptOverrides)
	var list []engine.Override
	if err == nil && b != nil {
		list, err = engine.DecodeOverrides(b)
	}
	switch {
	case err != nil:
		log.Error("the modes that rules were given are not known from the journal's database: those of the last state count", "error", err)
		return state
	case b == nil || state == nil && len(list) == 0:
		return state
	case state == nil:
		state = &engine.State{}
	}
	s := state.WithOverrides(list)
	return &s
}

// override gives a rule another mode than its file says; nil gives it the file's again.
func (s *source) override(ctx context.Context, rule string, o *web.Override, who string) (web.Rule, error) {
	var known bool
	var kept <-chan struct{}
	var refused error
	var mode *engine.Override
	if o != nil {
		m, ok := engine.ParseMode(o.Mode)
		if !ok {
			return web.Rule{}, web.BadQueryError(fmt.Sprintf("%q is no mode of a rule", o.Mode))
		}
		mode = &engine.Override{Rule: rule, Mode: m, Until: o.Until.Time, Who: who}
	}
	err := s.order(ctx, func(e *engine.Engine) {
		has := func(r *engine.Rule) bool { return r.Name == rule }
		all := e.Overrides()
		at := slices.IndexFunc(all, func(o engine.Override) bool { return o.Rule == rule })
		// One that is gone can still be taken back.
		if known = slices.ContainsFunc(e.Ruleset().Rules, has) || mode == nil && at >= 0; !known {
			return
		}
		switch {
		case mode == nil && at < 0:
			return // it is as its file says
		case mode != nil && at < 0 && len(all) >= engine.MaxOverrides:
			refused = web.RefusedError("too many rules have another mode than their files say")
			return
		}
		kept = s.setMode(e, rule, mode, who)
	})
	switch {
	case err != nil:
		return web.Rule{}, err
	case refused != nil:
		return web.Rule{}, refused
	case !known:
		return web.Rule{}, unknownRule(rule)
	}
	if kept != nil {
		select {
		case <-kept:
		case <-time.After(overrideTime): // it is in force, and is tried again
		case <-ctx.Done():
		}
	}
	all, err := s.webRules(ctx)
	if err != nil {
		return web.Rule{}, err
	}
	i := slices.IndexFunc(all, func(r web.Rule) bool { return r.Name == rule })
	if i < 0 {
		return web.Rule{}, unknownRule(rule)
	}
	return all[i], nil
}

func unknownRule(name string) error {
	return web.NotFoundError(fmt.Sprintf("no rule is called %q", name))
}

// setMode gives a rule another mode; nil gives it that of its file. It is for the loop.
func (a *appliance) setMode(e *engine.Engine, rule string, mode *engine.Override, who string) (kept <-chan struct{}) {
	at := a.now()
	if mode != nil {
		mode.At = at.Wall
	}
	a.rec.override(at, rule, mode, who)
	cause := int64(0)
	if a.told != nil {
		cause = a.told.override(at, rule, mode, who)
	}
	a.decided(cause, e.Override(at, rule, mode))
	return a.modeChanged(e, rule)
}

// modeChanged tells those who show and keep it that a rule has another mode.
func (a *appliance) modeChanged(e *engine.Engine, rule string) (kept <-chan struct{}) {
	a.uses(e)
	a.live.rule(rule)
	if a.onOverrides != nil {
		kept = a.onOverrides(e.Overrides())
	}
	return kept
}

// endOverrides tells of modes whose time was over. It is for the loop.
func (a *appliance) endOverrides(e *engine.Engine) {
	if len(a.lapsed) == 0 {
		return
	}
	for _, o := range a.lapsed {
		if a.told != nil {
			a.told.override(e.Now(), o.Rule, nil, "")
		}
		a.log.Info("a rule has the mode of its file again: its time is over", "rule", o.Rule, "mode", o.Mode.String())
		a.modeChanged(e, o.Rule)
	}
	a.lapsed = a.lapsed[:0]
}

// override tells that a rule was given another mode, or has that of its file again, and
// gives the id of the entry. Without a name it was the time.
func (l *journaling) override(at engine.Instant, rule string, o *engine.Override, who string) int64 {
	var b strings.Builder
	b.WriteString("mode ")
	switch {
	case o == nil:
		b.WriteString("as its file says")
	default:
		b.WriteString(o.Mode.String())
		if !o.Until.IsZero() {
			b.WriteString(" until " + stamp(o.Until))
		}
	}
	body := byHand{"command", l.clean(who), b.String(), "done", ""}
	if who == "" {
		body.Who, body.Reason = clockSetIt, "its time is over"
	}
	return l.add(journal.Entry{At: at.Wall, Kind: journal.KindAction, Rule: rule}, body)
}

// clockSetIt stands in the journal for who gave a rule its file's mode again when the other one's time was over.
const clockSetIt = "the clock"

// webOverride is what somebody set instead of a rule's mode; nil for nothing.
func webOverride(list []engine.Override, rule string) *web.Override {
	i, found := slices.BinarySearchFunc(list, rule, func(o engine.Override, name string) int { return strings.Compare(o.Rule, name) })
	if !found {
		return nil
	}
	o := list[i]
	return &web.Override{Mode: o.Mode.String(), Until: web.Time{Time: o.Until}, Who: o.Who, At: web.Time{Time: o.At}}
}
