package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/actions/plates"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/viewtron/client"
)

// plateEdit is an edit of the cameras' lists by hand.
type plateEdit struct {
	siteFlags
	number, list, camera string
	owner, phone         string
	end                  time.Time
}

// runPlatesAdd is `sallyport plates add`.
func runPlatesAdd(ctx context.Context, p process, args []string) int {
	var e plateEdit
	var valid, until string
	fs := p.platesFlags("add")
	e.add(fs)
	fs.StringVar(&e.camera, "camera", allCameras, "the `name` of a camera, or all")
	fs.StringVar(&e.list, "list", "", "the `list`: allow, block, temporary, or the camera's own name")
	fs.StringVar(&e.owner, "owner", "", "the owner's name, a `text`")
	fs.StringVar(&e.phone, "phone", "", "the owner's telephone, a `text`")
	fs.StringVar(&valid, "valid", "", "for this `time` from now: 24h, 7d")
	fs.StringVar(&until, "until", "", "until this `time`: 2027-01-31 (the day included), \"2027-01-31 18:00\"")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	usage := func(text string) int {
		fmt.Fprintf(p.stderr, "%s: %s\n", fs.Name(), text)
		return exitUsage
	}
	switch {
	case len(rest) != 1:
		return usage("want one plate; one with blanks needs quotes")
	case e.list == "":
		return usage("say on which list with --list: allow, block, temporary, or the camera's own name")
	case valid != "" && until != "":
		return usage("--valid and --until say the same; leave one out")
	}
	site, err := p.openSite(&e.siteFlags)
	if err != nil {
		return p.errorf("plates: %v", err)
	}
	e.number = strings.TrimSpace(rest[0])
	now := wallClock()
	if now.IsZero() && (valid != "" || until != "") {
		return p.errorf("plates: %v", errNoClock)
	}
	switch {
	case valid != "":
		d, ok := parseAgo(valid)
		if !ok || d <= 0 {
			return usage(fmt.Sprintf("--valid takes 24h or 7d, not %q", valid))
		}
		e.end = now.Add(d).Truncate(time.Second)
	case until != "":
		if e.end, err = parseUntil(until, siteZone(site)); err != nil {
			return usage(err.Error())
		}
		if !e.end.After(now) {
			return usage(fmt.Sprintf("--until %s has passed", until))
		}
	}
	plate := client.Plate{Number: e.number, Group: client.GroupName(e.list), Owner: e.owner, Telephone: e.phone, End: e.end}
	return e.each(ctx, p, site, func(d *listDevice) (string, error) {
		if err := d.AddPlate(ctx, plate); err != nil {
			return "", err
		}
		text := "is on " + e.list
		if !e.end.IsZero() {
			text += " until " + wallTime(e.end, siteZone(site))
		}
		return text, nil
	}, func(groups []client.Group) []client.Plate { return []client.Plate{plate} })
}

// parseUntil reads --until. A day counts whole.
func parseUntil(s string, zone *time.Location) (time.Time, error) {
	if t, err := time.ParseInLocation(time.DateOnly, s, zone); err == nil {
		return t.AddDate(0, 0, 1).Add(-time.Second), nil
	}
	for _, layout := range []string{"2006-01-02 15:04", time.DateTime, "2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t.Add(-time.Second), nil
		}
	}
	return time.Time{}, fmt.Errorf("--until takes 2027-01-31 or \"2027-01-31 18:00\", not %q", s)
}

// runPlatesRemove is `sallyport plates remove`.
func runPlatesRemove(ctx context.Context, p process, args []string) int {
	var e plateEdit
	fs := p.platesFlags("remove")
	e.add(fs)
	fs.StringVar(&e.camera, "camera", allCameras, "the `name` of a camera, or all")
	fs.StringVar(&e.list, "list", "", "only off this `list`; otherwise off every list it is on")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if len(rest) != 1 {
		fmt.Fprintf(p.stderr, "%s: want one plate; one with blanks needs quotes\n", fs.Name())
		return exitUsage
	}
	site, err := p.openSite(&e.siteFlags)
	if err != nil {
		return p.errorf("plates: %v", err)
	}
	e.number = strings.TrimSpace(rest[0])
	normal := engine.NormalPlate(e.number)
	if normal == "" {
		return p.errorf("plates: plate is empty")
	}
	return e.each(ctx, p, site, func(d *listDevice) (string, error) {
		all, err := d.AllPlates(ctx)
		if err != nil {
			return "", err
		}
		var off []string
		for _, pl := range all {
			if engine.NormalPlate(pl.Number) != normal || !isList(pl, e.list) {
				continue
			}
			if err := d.RemovePlate(ctx, pl.Group, pl.Number); err != nil {
				return "", err
			}
			word := plates.ListWord(pl.Group)
			if pl.Number != e.number {
				word += " as " + strconv.Quote(pl.Number)
			}
			off = append(off, word)
		}
		switch {
		case len(off) > 0:
			return "taken off " + strings.Join(off, " and "), nil
		case e.list != "":
			return "was not on " + e.list, nil
		}
		return "was on no list", nil
	}, func([]client.Group) []client.Plate { return nil })
}

// each makes the edit on every device that was asked for and says what each did. left
// gives what a device has of the plate afterwards.
func (e *plateEdit) each(ctx context.Context, p process, site *config.Site, edit func(*listDevice) (string, error), left func([]client.Group) []client.Plate) int {
	devices, skipped, err := p.listDevices(site, e.camera)
	if err != nil {
		return p.errorf("plates: %v", err)
	}
	for _, text := range skipped {
		fmt.Fprintln(p.stderr, text)
	}
	if len(devices) == 0 {
		return p.errorf("plates: no camera of the site file has plate lists")
	}
	options, known := e.local(site)
	texts := make([]string, len(devices))
	warnings := make([]string, len(devices))
	errs := make([]error, len(devices))
	sideBySide(devices, func(i int, d *listDevice) {
		if d.Client == nil {
			errs[i] = d.err
			return
		}
		if texts[i], errs[i] = edit(d); errs[i] != nil || !known {
			return
		}
		o := options
		o.Mapping = d.mapping
		if c, _ := site.Camera(d.name); c.NoLists {
			return
		}
		if groups, err := d.PlateGroups(ctx); err == nil {
			warnings[i] = undone(groups, left(groups), e.number, o)
		}
	})
	var o listOutcome
	for i, d := range devices {
		if errs[i] != nil {
			o.note(p, d.name, errs[i])
			continue
		}
		fmt.Fprintf(p.stdout, "%s: %s %s\n", d.title(), printable(e.number), printable(texts[i]))
		if warnings[i] != "" {
			fmt.Fprintf(p.stderr, "%s: warning: %s\n", d.name, printable(warnings[i]))
		}
	}
	return o.code()
}

// local gives what a sync would go by. Without rules that load nobody knows what it
// would do.
func (e *plateEdit) local(site *config.Site) (plates.SyncOptions, bool) {
	rules, problems := rulefile.Load(e.rulesDir(site.File), ruleSite(site))
	now := wallClock()
	if rulefile.Failed(problems) || len(rules.Lists) == 0 || now.IsZero() {
		return plates.SyncOptions{}, false
	}
	return plates.SyncOptions{Local: rules.Lists, Now: now, Zone: siteZone(site)}, true
}

// runPlatesImport is `sallyport plates import`.
func runPlatesImport(ctx context.Context, p process, args []string) int {
	var sf siteFlags
	var camera, list string
	fs := p.platesFlags("import")
	sf.addSite(fs)
	fs.StringVar(&camera, "camera", "", "the `name` of a camera")
	fs.StringVar(&list, "list", "", "the `list`: allow, block, temporary, or the camera's own name; needed when more than one has plates")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if !noArgs(fs, rest) {
		return exitUsage
	}
	if camera == "" || camera == allCameras {
		fmt.Fprintf(p.stderr, "%s: say of which camera with --camera NAME\n", fs.Name())
		return exitUsage
	}
	site, err := p.openSite(&sf)
	if err != nil {
		return p.errorf("plates: %v", err)
	}
	devices, _, err := p.listDevices(site, camera)
	if err != nil {
		return p.errorf("plates: %v", err)
	}
	d := devices[0]
	var have []client.Plate
	if err = d.err; d.Client != nil {
		have, err = d.AllPlates(ctx)
	}
	var o listOutcome
	if err != nil {
		o.note(p, d.name, err)
		return o.code()
	}
	if list, err = oneList(have, list); err != nil {
		return p.errorf("plates: %v", err)
	}
	have = slices.DeleteFunc(have, func(pl client.Plate) bool { return !isList(pl, list) })
	text, n, problems := importCSV(have, time.Now(), siteZone(site))
	for _, problem := range problems {
		fmt.Fprintf(p.stderr, "%s: %s\n", d.name, problem)
	}
	if _, err := p.stdout.Write(text); err != nil {
		return p.errorf("plates: %v", err)
	}
	word := plates.ListWord(list)
	fmt.Fprintf(p.stderr, "%s: %s of the list %s. Saved as rules.d/plates/NAME.csv it is a local list with this in a rule file:\n  lists: {NAME: {file: plates/NAME.csv}}\nand with this in the site file a sync keeps it on the camera:\n  plates: {lists: {NAME: %s}}\n", d.name, count(n, "plate"), printable(word), printable(word))
	return o.code()
}

// oneList finds the list to import: a file of plates that may come in and plates that
// must not would be a trap.
func oneList(have []client.Plate, list string) (string, error) {
	if list != "" {
		return client.GroupName(list), nil
	}
	var names []string
	on := make(map[string]int)
	for _, pl := range have {
		if on[pl.Group] == 0 {
			names = append(names, pl.Group)
		}
		on[pl.Group]++
	}
	switch len(names) {
	case 0:
		return "", errors.New("the camera's lists are empty")
	case 1:
		return names[0], nil
	}
	var texts []string
	for _, name := range names {
		texts = append(texts, fmt.Sprintf("%s (%s)", printable(plates.ListWord(name)), count(on[name], "plate")))
	}
	return "", fmt.Errorf("say which list with --list: %s", strings.Join(texts, ", "))
}
