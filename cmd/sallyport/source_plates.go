package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/journal"
	"github.com/sallyport/sallyport/web"
)

// plateSource gives the console plates and their lists.
func (s *source) plateSource() web.PlateSource {
	lists := &plateLists{source: s, files: s.files}
	syncs := &plateSyncs{source: s}
	return web.PlateSource{
		Reads: s.plateReads, Lists: lists.all, List: lists.entries, Put: lists.put, Remove: lists.remove,
		Cameras: syncs.cameras, Plan: syncs.plan, Sync: syncs.sync,
	}
}

// plateReads gives plates that were read, with what came of them.
func (s *source) plateReads(ctx context.Context, q web.PlateQuery) ([]web.PlateRead, string, error) {
	if s.disk == nil {
		return nil, "", errNoJournal
	}
	ask := journal.ReadQuery{Since: q.Since, Until: q.Until, Camera: q.Camera, Limit: q.Limit, Cursor: q.Cursor}
	if strings.TrimSpace(q.Q) != "" {
		want, ok := engine.WantPlate(q.Q)
		if !ok {
			return nil, "", web.BadQueryError(fmt.Sprintf("q: no plate is written like %.40q", q.Q))
		}
		ask.Alike = want.Fit
	}
	found, next, err := s.disk.journal.Reads(ctx, ask)
	if err != nil {
		return nil, "", journalError(err)
	}
	rules, err := s.rulesInForce(ctx)
	if err != nil {
		return nil, "", err
	}
	now := s.instant(time.Now()).Wall
	reads := make([]web.PlateRead, len(found))
	for i := range found {
		reads[i] = shownRead(&found[i])
		reads[i].Lists = listsOf(rules, reads[i].Number, now.In(siteZone(s.site)))
	}
	return reads, next, nil
}

// rulesInForce is the rule set that runs. It never changes.
func (s *source) rulesInForce(ctx context.Context) (rules *engine.Ruleset, err error) {
	err = s.ask(ctx, func(e *engine.Engine) { rules = e.Ruleset() })
	return rules, err
}

// shownRead is a read as the console shows it.
func shownRead(f *journal.Read) web.PlateRead {
	r := web.PlateRead{ID: f.ID, At: web.Time{Time: f.At}, Camera: f.Camera, Number: f.Plate}
	var body struct {
		Plate struct {
			Number, List, Heading string
			Confidence            *float64
			Vehicle               *web.Vehicle
		}
	}
	if json.Unmarshal(f.Body, &body) == nil {
		p := &body.Plate
		if p.Number != "" {
			r.Number = p.Number
		}
		r.List, r.Heading, r.Confidence, r.Vehicle = p.List, p.Heading, p.Confidence, p.Vehicle
	}
	for i := range f.Images {
		if f.Images[i].SHA256 != "" {
			r.Images = append(r.Images, f.Images[i].Name)
		}
	}
	for _, d := range f.Decided {
		switch {
		case d.Suppressed:
			r.Held = append(r.Held, web.HeldBack{Rule: d.Rule, Reason: d.Reason})
			continue
		case d.Reason == "shadow":
			if !slices.Contains(r.Shadow, d.Rule) {
				r.Shadow = append(r.Shadow, d.Rule)
			}
			continue
		case d.Undone != "":
			r.Undone = append(r.Undone, web.HeldBack{Rule: d.Rule, Reason: d.Undone})
		}
		if !slices.Contains(r.Fired, d.Rule) {
			r.Fired = append(r.Fired, d.Rule)
		}
	}
	return r
}

// listsOf are the lists that a plate is on now.
func listsOf(rules *engine.Ruleset, number string, now time.Time) []web.PlateOn {
	var on []web.PlateOn
	for _, l := range rules.Lists {
		for _, e := range l.Find(number) {
			if ok, _ := countsNow(rules, e.From, e.Until, e.Schedule, now); ok {
				on = append(on, web.PlateOn{Name: l.Name, Owner: e.Owner})
				break
			}
		}
	}
	return on
}

// countsNow tells whether an entry counts, and why not. now is in the site's zone.
func countsNow(rules *engine.Ruleset, from, until time.Time, schedule int, now time.Time) (counts bool, why string) {
	// A day alone is the first that counts, or the last.
	form := func(t time.Time, last int) string {
		if t = t.In(now.Location()); t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 {
			return t.AddDate(0, 0, -last).Format("2006-01-02")
		}
		return t.Format("2006-01-02 15:04")
	}
	switch {
	case from.IsZero() && until.IsZero() && schedule < 0:
		return true, ""
	case now.Year() < engine.ClockSetYear:
		return false, "the clock is not set"
	case !from.IsZero() && now.Before(from):
		return false, "begins " + form(from, 0)
	case !until.IsZero() && !now.Before(until):
		return false, "ended " + form(until, 1)
	case schedule >= 0 && !rules.Schedules[schedule].Holds(now):
		return false, "outside its schedule " + rules.Schedules[schedule].Name
	}
	return true, ""
}

// plateLists are the local lists as they are written.
type plateLists struct {
	*source
	files *ruleFiles
}

// writtenList is a list, and the text that it stands in.
type writtenList struct {
	rulefile.ListText
	in      string // the rule file
	file    string // where the entries stand
	text    []byte
	tag     string
	entries []rulefile.ListEntry
	fixed   string
}

// read reads all lists, in the order of the rule files.
func (p *plateLists) read(ctx context.Context) ([]writtenList, error) {
	all, err := os.ReadDir(p.files.dir)
	if err != nil {
		return nil, err
	}
	var out []writtenList
	for _, e := range all {
		if !rulefile.IsRuleFile(e.Name()) {
			continue
		}
		text, tag, err := p.files.text(ctx, e.Name())
		if err != nil {
			continue // what cannot be read holds no list that can be used; the check says so
		}
		lists, _ := rulefile.ReadLists(text)
		for _, l := range lists {
			w := writtenList{ListText: l, in: e.Name(), file: e.Name(), text: text, tag: tag, entries: l.Entries}
			if l.File != "" {
				p.follow(ctx, &w)
			}
			out = append(out, w)
		}
	}
	return out, nil
}

// follow reads the list file that a list names.
func (p *plateLists) follow(ctx context.Context, w *writtenList) {
	w.file, w.text, w.tag = path.Clean(w.File), nil, ""
	var err error
	if w.text, w.tag, err = p.files.text(ctx, w.file); err == nil {
		w.entries, err = rulefile.ReadListFile(w.text)
	}
	if err != nil {
		w.fixed = err.Error()
	}
}

// find gives the list of a name.
func (p *plateLists) find(ctx context.Context, name string) (*writtenList, error) {
	lists, err := p.read(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(lists, func(l writtenList) bool { return l.Name == name }); i >= 0 {
		return &lists[i], nil
	}
	return nil, web.NotFoundError(fmt.Sprintf("there is no list %.64q in the rule files", name))
}

func (p *plateLists) all(ctx context.Context) ([]web.PlateList, error) {
	lists, err := p.read(ctx)
	if err != nil {
		return nil, err
	}
	var out []web.PlateList
	for i := range lists {
		l := &lists[i]
		w := web.PlateList{Name: l.Name, File: l.file, Entries: len(l.entries), Belongs: p.belongs(l.Name), Fixed: l.fixed}
		if l.file == l.in {
			w.Line = l.Line
		}
		out = append(out, w)
	}
	return out, nil
}

// belongs are the lists of cameras that a local list goes to.
func (p *plateLists) belongs(name string) []web.PlateBelongs {
	var out []web.PlateBelongs
	for _, c := range p.site.Cameras {
		if c.URL == "" || c.NoLists {
			continue
		}
		maps := mappingOf(p.site, c)
		for _, m := range maps {
			if m.Local == name {
				out = append(out, web.PlateBelongs{Camera: c.Name, List: m.Camera})
			}
		}
		// Without any mapping the lists that every camera has are found by their name.
		if len(maps) == 0 && slices.Contains([]string{"allow", "block", "temporary"}, name) {
			out = append(out, web.PlateBelongs{Camera: c.Name, List: name})
		}
	}
	return out
}

func (p *plateLists) entries(ctx context.Context, name, q string) ([]web.PlateEntry, error) {
	l, err := p.find(ctx, name)
	if err != nil {
		return nil, err
	}
	rules, err := p.rulesInForce(ctx)
	if err != nil {
		return nil, err
	}
	q = strings.TrimSpace(q)
	want, isPlate := engine.WantPlate(q)
	var out []web.PlateEntry
	for _, e := range l.entries {
		if q == "" || isPlate && want.Fit(e.Plate) > 0 || holdsText(e.Owner, q) || holdsText(e.Note, q) {
			out = append(out, p.shown(rules, e))
		}
	}
	return out, nil
}

func holdsText(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(part))
}

// shown is an entry as the console shows it.
func (p *plateLists) shown(rules *engine.Ruleset, e rulefile.ListEntry) web.PlateEntry {
	w := web.PlateEntry{Plate: e.Plate, Owner: e.Owner, From: e.From, Until: e.Until, Schedule: e.Schedule, Note: e.Note}
	zone := siteZone(p.site)
	names := scheduleNames(rules)
	if err := e.Check(zone, names); err != nil {
		w.Why = err.Error()
		return w
	}
	from, until, err := e.Period(zone)
	if err != nil {
		w.Why = err.Error()
		return w
	}
	schedule := -1
	if e.Schedule != "" {
		schedule = slices.Index(names, e.Schedule)
	}
	w.Valid, w.Why = countsNow(rules, from, until, schedule, p.instant(time.Now()).Wall.In(zone))
	return w
}

func scheduleNames(rules *engine.Ruleset) []string {
	names := make([]string, len(rules.Schedules))
	for i := range rules.Schedules {
		names[i] = rules.Schedules[i].Name
	}
	return names
}

// put adds an entry to a list or changes it, where it stands.
func (p *plateLists) put(ctx context.Context, name string, e web.PlateEntry, who string) (web.PlateEntry, error) {
	rules, err := p.rulesInForce(ctx)
	if err != nil {
		return e, err
	}
	entry := rulefile.ListEntry{Plate: strings.TrimSpace(e.Plate), Owner: e.Owner, From: e.From, Until: e.Until, Schedule: e.Schedule, Note: e.Note}
	for _, text := range []*string{&entry.Owner, &entry.From, &entry.Until, &entry.Schedule, &entry.Note} {
		*text = strings.TrimSpace(*text)
	}
	// A row of a list file that cannot be used would only be left out, and nobody would see it.
	if err := entry.Check(siteZone(p.site), scheduleNames(rules)); err != nil {
		return e, web.BadQueryError(err.Error())
	}
	if err := p.change(ctx, name, entry.Plate, "put "+entry.Plate+" on", who, func(l *writtenList) ([]byte, error) {
		if l.file != l.in {
			return rulefile.EditListFile(l.text, entry)
		}
		return rulefile.EditListEntry(l.text, name, entry)
	}); err != nil {
		return e, err
	}
	return p.shown(rules, entry), nil
}

// remove takes a plate off a list, where it stands.
func (p *plateLists) remove(ctx context.Context, name, plate, who string) error {
	return p.change(ctx, name, plate, "take "+plate+" off", who, func(l *writtenList) ([]byte, error) {
		if l.file != l.in {
			return rulefile.RemoveListFileEntry(l.text, plate)
		}
		return rulefile.RemoveListEntry(l.text, name, plate)
	})
}

// change writes the file of a list anew. It is checked and saved as one that somebody wrote.
func (p *plateLists) change(ctx context.Context, name, plate, what, who string, edit func(*writtenList) ([]byte, error)) error {
	l, err := p.find(ctx, name)
	if err != nil {
		return err
	}
	if l.fixed != "" {
		return web.RefusedError("the list " + name + " cannot be changed here: " + l.fixed)
	}
	text, err := edit(l)
	var no rulefile.EditError
	var bad rulefile.Problem
	switch {
	case errors.Is(err, rulefile.ErrNotThere):
		return web.NotFoundError(fmt.Sprintf("%.40s is not on the list %s", plate, name))
	case errors.As(err, &no):
		return web.RefusedError(no.Error())
	case errors.As(err, &bad):
		return web.RefusedError("the file " + l.file + " cannot be read: " + bad.Summary())
	case err != nil:
		return err
	case string(text) == string(l.text):
		return nil // it says so already
	}
	if _, err := p.files.save(ctx, web.FileSave{Path: l.file, Text: text, Match: l.tag, Who: who}); err != nil {
		return err
	}
	if p.told != nil {
		p.told.plateList(p.instant(time.Now()).Wall, who, name, plate, what)
	}
	return nil
}

// plateList tells that somebody changed a list.
func (l *journaling) plateList(at time.Time, who, list, plate, what string) {
	l.add(journal.Entry{At: at, Kind: journal.KindAction, Plate: plate}, byHand{"command", l.clean(who), what + " the list " + list, "done", ""})
}
