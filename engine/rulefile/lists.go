package rulefile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sallyport/sallyport/engine"
	"go.yaml.in/yaml/v4"
)

// maxEntries bounds one list.
const maxEntries = 100_000

func (ld *loader) addList(a at, p pair) {
	if !a.unique(ld.lists, &ld.listNames, p.key, p.name) {
		return
	}
	var entries []engine.Entry
	switch p.val.Kind {
	case yaml.MappingNode:
		pairs, _ := a.mapping(p.val, "a list", []string{"file"})
		if n := find(pairs, "file"); n != nil {
			if name, data, ok := ld.data(a, n, "file"); ok {
				entries = ld.readCSV(name, data)
			}
		} else {
			a.errorf(p.val, "a list is [{plate: ABC1234}, …] or {file: plates/residents.csv}")
		}
	case yaml.SequenceNode:
		items, _ := a.items(p.val, "the list")
		doubles := doubles{}
		for _, i := range items {
			if isNull(i) {
				continue
			}
			if e, ok := ld.entry(a, i); ok {
				if first := doubles.add(e, i.Line); first > 0 {
					a.warnf(i, twice, cut(e.Plate), first)
				}
				entries = append(entries, e)
			}
		}
	default:
		a.errorf(p.val, "a list is [{plate: ABC1234}, …] or {file: plates/residents.csv}")
	}
	ld.listDefs = append(ld.listDefs, engine.NewList(p.name, entries))
	ld.listDecls = append(ld.listDecls, declared{at: a, key: p.key, used: slices.Contains(ld.site.PlateLists, p.name)})
}

func entryFields() []string { return []string{"plate", "owner", "from", "until", "schedule", "note"} }

// entry is one entry written in a rule file: a mapping, or the plate alone.
func (ld *loader) entry(a at, n *yaml.Node) (engine.Entry, bool) {
	a, failed := a.failing()
	e := engine.Entry{Schedule: -1}
	if n.Kind == yaml.ScalarNode {
		a.set(ld, &e, "plate", n.Value, n)
		return e, !*failed
	}
	pairs, ok := a.mapping(n, "an entry of a list", entryFields())
	if !ok {
		return e, false
	}
	if find(pairs, "plate") == nil {
		a.errorf(n, "plate is missing")
	}
	for _, f := range pairs {
		if s, ok := a.text(f.val, f.name); ok {
			a.set(ld, &e, f.name, s, f.val)
		}
	}
	if !*failed {
		if err := checkPeriod(e); err != nil {
			a.errorf(n, "%v", err)
		}
	}
	return e, !*failed
}

func (a at) set(ld *loader, e *engine.Entry, field, text string, n *yaml.Node) {
	if err := ld.setEntry(e, field, text); err != nil {
		a.errorf(n, "%s: %v", field, err)
	}
}

// twice is what is said of a plate that a list holds twice.
const twice = "the plate %s is in this list already (line %d)"

// double is the first entry of a plate.
type double struct {
	line int
	free bool // neither a period nor a schedule
}

// doubles finds plates that a list holds twice, by their normal form.
type doubles map[string]double

// add gives the line of an entry for the same plate, 0 when there is none. Two that both have a period or a schedule
// may be meant.
func (d doubles) add(e engine.Entry, line int) int {
	normal := engine.NormalPlate(e.Plate)
	free := e.From.IsZero() && e.Until.IsZero() && e.Schedule < 0
	first, ok := d[normal]
	switch {
	case !ok:
		d[normal] = double{line, free}
	case free || first.free:
		return first.line
	}
	return 0
}

func checkPeriod(e engine.Entry) error {
	if !e.From.IsZero() && !e.Until.IsZero() && !e.From.Before(e.Until) {
		return errors.New("until is before from")
	}
	return nil
}

// setEntry sets one field of an entry from its text.
func (ld *loader) setEntry(e *engine.Entry, field, text string) error {
	var err error
	switch field {
	case "plate":
		switch n := utf8.RuneCountInString(engine.NormalPlate(text)); {
		case n < 2:
			return fmt.Errorf("a plate has at least 2 characters, not %s", cut(text))
		case n > 32:
			return fmt.Errorf("a plate has at most 32 characters, not %s", cut(text))
		}
		e.Plate = text
	case "owner":
		if utf8.RuneCountInString(text) > maxValue {
			return fmt.Errorf("at most %d characters", maxValue)
		}
		e.Owner = text
	case "from":
		e.From, _, err = ld.moment(text)
	case "until":
		var day bool
		if e.Until, day, err = ld.moment(text); err == nil && day {
			// The day itself is included.
			e.Until = e.Until.AddDate(0, 0, 1)
		}
	case "schedule":
		i, ok := ld.schedules[text]
		if !ok {
			return fmt.Errorf("there is no schedule %s%s", cut(text), ld.sink.meant(text, ld.scheduleNames))
		}
		e.Schedule = i
		ld.scheduleDecls[i].used = true
	}
	return err
}

// moment reads a day or a time in the site's zone; day tells which.
func (ld *loader) moment(text string) (t time.Time, day bool, err error) {
	zone := ld.site.Location
	if zone == nil {
		zone = time.UTC
	}
	if t, err = time.ParseInLocation("2006-01-02", text, zone); err == nil {
		return t, true, nil
	}
	for _, form := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
		if t, err = time.ParseInLocation(form, text, zone); err == nil {
			return t, false, nil
		}
	}
	return t, false, fmt.Errorf("%s is not a day or a time (try 2027-01-31 or \"2027-01-31 18:00\")", cut(text))
}

// readCSV reads a list file. A row that cannot be used is left out and reported as a warning; the rest serves.
func (ld *loader) readCSV(name string, data []byte) []engine.Entry {
	a := ld.fileAt(name, data)
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	first, _, _ := bytes.Cut(data, []byte("\n"))
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = -1
	r.TrimLeadingSpace = true
	r.Comment = '#'
	// Some spreadsheets write semicolons.
	if bytes.ContainsRune(first, ';') && !bytes.ContainsRune(first, ',') {
		r.Comma = ';'
	}
	var columns []string
	var entries []engine.Entry
	doubles := doubles{}
	for {
		record, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			line, col := 0, 0
			var pe *csv.ParseError
			if errors.As(err, &pe) {
				line, col, err = pe.Line, pe.Column, pe.Err
			}
			a.put(line, max(col, 1), true, "this row is left out: "+err.Error())
			if pe == nil {
				break
			}
			continue
		}
		line, _ := r.FieldPos(0)
		if columns == nil {
			if columns = a.columns(line, record); columns == nil {
				return nil
			}
			continue
		}
		if len(entries) >= maxEntries {
			a.put(line, 1, true, fmt.Sprintf("a list has at most %d entries; the rest is left out", maxEntries))
			break
		}
		if len(record) > len(columns) {
			a.put(line, 1, true, fmt.Sprintf("this row is left out: it has %d fields, the first line names %d", len(record), len(columns)))
			continue
		}
		e, ok := engine.Entry{Schedule: -1}, true
		for i, text := range record {
			text = strings.TrimSpace(text)
			if text == "" && columns[i] != "plate" {
				continue
			}
			if !utf8.ValidString(text) {
				text, ok = "", false
				l, c := r.FieldPos(i)
				a.put(l, c, true, "this row is left out: not UTF-8")
				break
			}
			if err := ld.setEntry(&e, columns[i], text); err != nil {
				l, c := r.FieldPos(i)
				a.put(l, c, true, fmt.Sprintf("this row is left out: %s: %v", columns[i], err))
				ok = false
				break
			}
		}
		if err := checkPeriod(e); ok && err != nil {
			a.put(line, 1, true, "this row is left out: "+err.Error())
			ok = false
		}
		if ok && e.Plate == "" {
			a.put(line, 1, true, "this row is left out: plate is missing")
			ok = false
		}
		if ok {
			if first := doubles.add(e, line); first > 0 {
				a.put(line, 1, true, fmt.Sprintf(twice, cut(e.Plate), first))
			}
			entries = append(entries, e)
		}
	}
	if columns == nil {
		// A slow save empties the file first; half a save must not take everybody off a list in use.
		a.put(0, 0, false, "the file is empty; a list of nobody keeps its first line: plate,owner")
	}
	return entries
}

// columns reads the first line of a list file; nil, with an error, when it does not name the columns.
func (a at) columns(line int, record []string) []string {
	out := make([]string, len(record))
	plate := false
	for i, c := range record {
		c = strings.ToLower(strings.TrimSpace(c))
		if !contains(entryFields(), c) {
			a.put(line, 1, false, fmt.Sprintf("the first line names the columns (%s); %s is none%s", strings.Join(entryFields(), ","), cut(c), a.meant(c, entryFields())))
			return nil
		}
		if contains(out[:i], c) {
			a.put(line, 1, false, fmt.Sprintf("the column %s is there twice", c))
			return nil
		}
		out[i] = c
		plate = plate || c == "plate"
	}
	if !plate {
		a.put(line, 1, false, "the column plate is missing")
		return nil
	}
	return out
}
