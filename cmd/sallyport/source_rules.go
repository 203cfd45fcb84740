package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/journal"
	"github.com/sallyport/sallyport/web"
)

// ruleSource is what the console shows of the rules.
func (s *source) ruleSource() web.RuleSource {
	return web.RuleSource{Rules: s.webRules, Rule: s.webRule, Override: s.override}
}

// ruleTick is how a rule stands; false when there is none of the name.
func ruleTick(e *engine.Engine, rule string) (web.RuleTick, bool) {
	i := slices.IndexFunc(e.Ruleset().Rules, func(r *engine.Rule) bool { return r.Name == rule })
	if i < 0 {
		return web.RuleTick{}, false
	}
	t := web.RuleTick{Name: rule, Mode: e.Ruleset().Rules[i].Mode.String()}
	t.State, t.Keys, t.KeysMore = ruleKeys(e, rule)
	return t, true
}

// statesByWeight are the states of a key, the one that counts most first.
func statesByWeight() []string { return []string{"active", "holding", "pending", "barred", "idle"} }

// ruleKeys gives the state of a rule that counts most, and its keys that are not idle.
func ruleKeys(e *engine.Engine, rule string) (state string, keys []web.RuleKey, more int) {
	weights := statesByWeight()
	weight := len(weights) - 1
	// Of many keys those beyond the shown ones count for the state as well.
	all := e.Keys(rule, maxShownStates, func(k engine.KeyShown) {
		weight = min(weight, slices.Index(weights, k.State))
		if len(keys) == maxShown {
			return
		}
		w := web.RuleKey{Key: k.Key, State: k.State, Since: web.Time{Time: k.Since}, Ends: web.Time{Time: k.Ends}, Camera: k.Camera, Held: k.Held}
		if k.HasTarget {
			w.Target = &k.Target
		}
		keys = append(keys, w)
	})
	return weights[weight], keys, all - len(keys)
}

// maxShownStates bounds the keys of a rule that are looked at for its state.
const maxShownStates = 1000

// webRules gives all rules as they stand.
func (s *source) webRules(ctx context.Context) ([]web.Rule, error) {
	var out []web.Rule
	var rules []*engine.Rule
	var rs *engine.Ruleset
	set := s.ruleset.Load()
	if err := s.ask(ctx, func(e *engine.Engine) {
		set = s.ruleset.Load()
		rs = e.Ruleset()
		rules = rs.Rules
		out = make([]web.Rule, len(rules))
		for i, r := range rules {
			out[i].State, out[i].Keys, out[i].KeysMore = ruleKeys(e, r.Name)
		}
	}); err != nil {
		return nil, err
	}
	problems := make(map[string][]web.Problem)
	for _, p := range s.fileProblems(s.current().problems) {
		if p.Rule != "" {
			problems[p.Rule] = append(problems[p.Rule], p)
		}
	}
	now := s.instant(time.Now()).Wall
	for i, r := range rules {
		s.describe(&out[i], rs, r, now)
		out[i].FileMode = set.written.Rules[i].Mode.String()
		out[i].Override = webOverride(set.overrides, r.Name)
		out[i].Problems = problems[r.Name]
	}
	return out, nil
}

// describe fills in what the files and the past say of a rule.
func (s *source) describe(w *web.Rule, rs *engine.Ruleset, r *engine.Rule, now time.Time) {
	w.Name, w.File, w.Line = r.Name, s.below(r.File), r.Line
	w.Mode = r.Mode.String()
	w.Per = r.Per.String()
	for _, k := range r.On {
		w.On = append(w.On, k.String())
	}
	w.Relays = r.Uses.Relays
	w.Cameras = ruleCameras(rs, r)
	w.Hours, w.LastFiring = s.tally.of(r.Name, now)
}

// ruleCameras are the cameras that a rule's condition needs one of, and those of its
// zones and lines.
func ruleCameras(rs *engine.Ruleset, r *engine.Rule) []string {
	var all []string
	add := func(camera int) {
		if name := rs.Cameras[camera].Name; !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	for _, c := range r.Need.Cameras {
		add(c)
	}
	for _, p := range rs.Zones {
		if slices.Contains(r.Uses.Zones, p.Name) {
			add(p.Camera)
		}
	}
	for _, p := range rs.Lines {
		if slices.Contains(r.Uses.Lines, p.Name) {
			add(p.Camera)
		}
	}
	slices.Sort(all)
	return all
}

// detailEntries is how many entries stand beside a rule.
const detailEntries = 20

// webRule gives one rule with all there is to say of it.
func (s *source) webRule(ctx context.Context, name string) (web.RuleDetail, error) {
	all, err := s.webRules(ctx)
	if err != nil {
		return web.RuleDetail{}, err
	}
	rs := s.ruleset.Load()
	i := slices.IndexFunc(all, func(r web.Rule) bool { return r.Name == name })
	k := slices.IndexFunc(rs.Rules, func(r *engine.Rule) bool { return r.Name == name })
	if i < 0 || k < 0 {
		return web.RuleDetail{}, web.NotFoundError(fmt.Sprintf("no rule is called %q", name))
	}
	r := rs.Rules[k]
	d := web.RuleDetail{Rule: all[i], Text: r.Text, Zones: slices.Concat(r.Uses.Zones, r.Uses.Lines), Lists: r.Uses.Lists}
	if s.disk == nil {
		return d, nil
	}
	entries, _, err := s.disk.journal.List(ctx, journal.Query{
		Rule: name, Kinds: []string{journal.OnlyFirings, journal.KindSuppressed}, Newest: true, Limit: detailEntries,
	})
	if err != nil {
		return d, err
	}
	d.Entries, err = s.entriesJSON(ctx, entries)
	return d, err
}

// ruleSet is which rule set is in force, and what is wrong with the files.
func (s *source) ruleSet() web.Rules {
	r := s.current()
	w := web.Rules{Hash: r.hash, LoadedAt: web.Time{Time: r.loadedAt.Add(s.shift)}, Problems: s.fileProblems(r.problems)}
	rs := s.ruleset.Load()
	w.Count = len(rs.Rules)
	for _, r := range rs.Rules {
		if r.Mode == engine.ModeShadow {
			w.Shadow++
		}
		if webOverride(rs.overrides, r.Name) != nil {
			w.Overridden++
		}
	}
	return w
}

// relayUse is what rules do with a relay.
type relayUse struct {
	rules []string
	pulse time.Duration // the first one that a rule gives it; 0 = none
}

func (s *source) relayUse(name string) relayUse {
	var use relayUse
	for _, r := range s.ruleset.Load().Rules {
		if !slices.Contains(r.Uses.Relays, name) {
			continue
		}
		use.rules = append(use.rules, r.Name)
		for i := range r.Do {
			if a, ok := r.Do[i].Args.(engine.RelayArgs); ok && a.Relay == name && a.Op == engine.RelayPulse && use.pulse == 0 {
				use.pulse = a.Pulse
			}
		}
	}
	return use
}
