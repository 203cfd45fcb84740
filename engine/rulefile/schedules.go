package rulefile

import (
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/schedule"
	"go.yaml.in/yaml/v4"
)

func (ld *loader) addSchedule(a at, p pair) {
	if !a.unique(ld.schedules, &ld.scheduleNames, p.key, p.name) {
		return
	}
	a, failed := a.failing()
	var s engine.Schedule
	windows := ld.windows(a, p.val, 0)
	if !*failed {
		made, err := schedule.New(ld.place, windows...)
		if err != nil {
			a.errorf(p.val, "%v", err)
		}
		s = made
	}
	ld.scheduleDefs = append(ld.scheduleDefs, engine.NamedSchedule{Name: p.name, Schedule: s})
	ld.scheduleNodes = append(ld.scheduleNodes, p)
	ld.scheduleDecls = append(ld.scheduleDecls, declared{at: a, key: p.key})
}

// maxNots bounds how deep `not:` nests.
const maxNots = 4

func (ld *loader) windows(a at, n *yaml.Node, depth int) []schedule.Window {
	items, ok := a.oneOrMore(n, "a schedule")
	if !ok {
		return nil
	}
	if len(items) == 0 {
		a.errorf(n, "a schedule has at least one window")
	}
	var out []schedule.Window
	for _, i := range items {
		if !isNull(i) {
			out = append(out, ld.window(a, i, depth))
		}
	}
	return out
}

func windowKeys() []string { return []string{"days", "from", "to", "dates", "holidays", "not"} }

func (ld *loader) window(a at, n *yaml.Node, depth int) schedule.Window {
	w := schedule.Window{To: schedule.Edge{Offset: 24 * time.Hour}}
	pairs, ok := a.mapping(n, "a window", windowKeys())
	if !ok {
		return w
	}
	if len(pairs) == 0 {
		a.errorf(n, "a window says at least one of days, from, to, dates, holidays and not")
	}
	for _, f := range pairs {
		switch f.name {
		case "days":
			w.Days = a.days(f.val)
		case "from", "to":
			s, ok := a.text(f.val, f.name)
			if !ok {
				continue
			}
			e, err := schedule.ParseEdge(s)
			if err != nil {
				a.errorf(f.val, "%s: %v", f.name, err)
			} else if f.name == "from" {
				w.From = e
			} else {
				w.To = e
			}
		case "dates":
			items, _ := a.oneOrMore(f.val, "dates")
			for _, i := range items {
				s, ok := a.text(i, "a date")
				if !ok {
					continue
				}
				r, err := schedule.ParseDates(s)
				if err != nil {
					a.errorf(i, "%v", err)
				}
				w.Dates = append(w.Dates, r)
			}
		case "holidays":
			name, data, ok := ld.data(a, f.val, "holidays")
			if !ok {
				continue
			}
			days, rows := schedule.ParseHolidays(data)
			w.Holidays = days
			file := ld.fileAt(name, data)
			for _, r := range rows {
				file.put(r.Line, 1, true, "this line is left out: "+r.Err.Error())
			}
		case "not":
			if depth >= maxNots {
				a.errorf(f.val, "not is nested at most %d deep", maxNots)
				continue
			}
			w.Not = ld.windows(a, f.val, depth+1)
		}
	}
	return w
}

func (a at) days(n *yaml.Node) schedule.Days {
	items, ok := a.oneOrMore(n, "days")
	if !ok {
		return 0
	}
	var all schedule.Days
	for _, i := range items {
		s, ok := a.text(i, "days")
		if !ok {
			continue
		}
		d, err := schedule.ParseDays(s)
		if err != nil {
			a.errorf(i, "%v", err)
		}
		all |= d
	}
	return all
}

// fileAt is the place of problems in a file that rule files name.
func (ld *loader) fileAt(name string, data []byte) at {
	a := ld.file(name)
	a.src = newSource(a.src.name, data)
	return a
}
