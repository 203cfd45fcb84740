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
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/engine"
	"go.yaml.in/yaml/v4"
)

// ListText is a list of plates as it is written in a rule file.
type ListText struct {
	Name string
	Line int // of its name
	// File is the list file it names, with slashes; empty when the entries stand here.
	File string
	// Entries are in their order. Those that cannot be read are not among them.
	Entries []ListEntry
}

// ReadLists reads the lists that stand in the text of a rule file, whether it would load or not; false when it cannot be
// read as a rule file at all.
func ReadLists(text []byte) ([]ListText, bool) {
	d, err := newDocument(text, "")
	if err != nil {
		return nil, false
	}
	at, ok := d.at("lists")
	if !ok || at.val.Kind != yaml.MappingNode {
		return nil, true
	}
	var out []ListText
	for i := 0; i+1 < len(at.val.Content); i += 2 {
		name, v := at.val.Content[i], at.val.Content[i+1]
		l := ListText{Name: name.Value, Line: name.Line}
		switch v.Kind {
		case yaml.MappingNode:
			if k := keyIndex(v, "file"); k >= 0 {
				l.File = v.Content[2*k+1].Value
			}
		case yaml.SequenceNode:
			for _, item := range v.Content {
				if e, ok := listEntry(item); ok {
					l.Entries = append(l.Entries, e)
				}
			}
		}
		out = append(out, l)
	}
	return out, true
}

// listEntry reads one entry as it is written: a mapping, or the plate alone.
func listEntry(n *yaml.Node) (e ListEntry, ok bool) {
	if n.Kind == yaml.ScalarNode {
		return ListEntry{Plate: n.Value}, !isNull(n)
	}
	if n.Kind != yaml.MappingNode {
		return e, false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if v := n.Content[i+1]; v.Kind == yaml.ScalarNode && !isNull(v) {
			e.set(n.Content[i].Value, v.Value)
		}
	}
	return e, e.Plate != ""
}

// set sets a field by its word; others are left alone.
func (l *ListEntry) set(field, text string) {
	switch field {
	case "plate":
		l.Plate = text
	case "owner":
		l.Owner = text
	case "from":
		l.From = text
	case "until":
		l.Until = text
	case "schedule":
		l.Schedule = text
	case "note":
		l.Note = text
	}
}

// get gives a field by its word.
func (l *ListEntry) get(field string) string {
	switch field {
	case "plate":
		return l.Plate
	case "owner":
		return l.Owner
	case "from":
		return l.From
	case "until":
		return l.Until
	case "schedule":
		return l.Schedule
	case "note":
		return l.Note
	}
	return ""
}

// Check tells what keeps an entry from being used. schedules are the names that there are; the error is an [EditError].
func (l ListEntry) Check(zone *time.Location, schedules []string) error {
	ld := newLoader(Site{Location: zone}, "")
	for i, name := range schedules {
		ld.schedules[name] = i
	}
	ld.scheduleNames = schedules
	ld.scheduleDecls = make([]declared, len(schedules))
	e := engine.Entry{Schedule: -1}
	for _, field := range entryFields() {
		text := l.get(field)
		if text == "" && field != "plate" {
			continue
		}
		if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return EditError(field + " has characters that cannot be written")
		}
		if field == "note" && utf8.RuneCountInString(text) > maxValue {
			return EditError(fmt.Sprintf("note: at most %d characters", maxValue))
		}
		if err := ld.setEntry(&e, field, text); err != nil {
			return EditError(field + ": " + err.Error())
		}
	}
	if err := checkPeriod(e); err != nil {
		return EditError(err.Error())
	}
	return nil
}

// Period is when an entry counts: from the first moment, before the second; zero for no bound. The times are of a zone, nil
// is UTC. A text that is no time is an error.
func (l ListEntry) Period(zone *time.Location) (from, until time.Time, err error) {
	ld := loader{site: Site{Location: zone}}
	var e engine.Entry
	if l.From != "" {
		err = ld.setEntry(&e, "from", l.From)
	}
	if l.Until != "" && err == nil {
		err = ld.setEntry(&e, "until", l.Until)
	}
	return e.From, e.Until, err
}

// listFile is the text of a list file, with where its rows are.
type listFile struct {
	data    []byte
	comma   rune
	newline string
	columns []string
	header  listRow
	rows    []listRow
}

// listRow is a row of a list file: its place, without its line end, and what it says.
type listRow struct {
	from, to int
	entry    ListEntry
}

// errNoColumns is the error of a list file whose first line does not name the columns.
const errNoColumns = EditError("the first line of the list file does not name the columns (plate,owner,from,until,schedule,note)")

// readListFile finds the rows. What the loader leaves out is not among them.
func readListFile(data []byte) (*listFile, error) {
	f := &listFile{data: data, comma: ',', newline: "\n"}
	begin := 0
	if bytes.HasPrefix(data, []byte("\ufeff")) {
		begin = len("\ufeff")
	}
	first, _, _ := bytes.Cut(data[begin:], []byte("\n"))
	if bytes.ContainsRune(first, ';') && !bytes.ContainsRune(first, ',') {
		f.comma = ';'
	}
	if bytes.HasSuffix(first, []byte("\r")) {
		f.newline = "\r\n"
	}
	lines := []int{begin}
	for i := begin; i < len(data); i++ {
		if data[i] == '\n' {
			lines = append(lines, i+1)
		}
	}
	r := csv.NewReader(bytes.NewReader(data[begin:]))
	r.FieldsPerRecord, r.TrimLeadingSpace, r.Comment, r.Comma = -1, true, '#', f.comma
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			continue
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		one := listRow{from: lines[line-1], to: begin + int(r.InputOffset())}
		for one.to > one.from && (data[one.to-1] == '\n' || data[one.to-1] == '\r') {
			one.to--
		}
		if f.columns == nil {
			for _, c := range record {
				f.columns = append(f.columns, strings.ToLower(strings.TrimSpace(c)))
			}
			f.header = one
			if !slices.Contains(f.columns, "plate") {
				return nil, errNoColumns
			}
			continue
		}
		if len(record) > len(f.columns) {
			continue
		}
		for i, text := range record {
			one.entry.set(f.columns[i], strings.TrimSpace(text))
		}
		if one.entry.Plate != "" {
			f.rows = append(f.rows, one)
		}
	}
	if f.columns == nil {
		return nil, errNoColumns
	}
	return f, nil
}

// ReadListFile reads the entries of a list file (CSV), in their order. Rows that cannot be read as rows are left out. The
// error is an [EditError] of a file that does not name its columns.
func ReadListFile(data []byte) ([]ListEntry, error) {
	f, err := readListFile(data)
	if err != nil {
		return nil, err
	}
	out := make([]ListEntry, len(f.rows))
	for i := range f.rows {
		out[i] = f.rows[i].entry
	}
	return out, nil
}

// of finds the rows of a plate.
func (f *listFile) of(plate string) []listRow {
	normal := engine.NormalPlate(plate)
	var out []listRow
	for _, r := range f.rows {
		if engine.NormalPlate(r.entry.Plate) == normal {
			out = append(out, r)
		}
	}
	return out
}

// EditListFile adds an entry to a list file (CSV), or makes the row of its plate say just this. Everything else stays:
// comments, the order of rows and columns, quotes, line ends. A column that is missing is added. The error is an
// [EditError].
func EditListFile(data []byte, l ListEntry) ([]byte, error) {
	if engine.NormalPlate(l.Plate) == "" {
		return nil, EditError("the plate is missing")
	}
	f, err := readListFile(data)
	if err != nil {
		return nil, err
	}
	there := f.of(l.Plate)
	if len(there) > 1 {
		return nil, EditError(fmt.Sprintf("the plate %s is in this list %d times; edit the file", cut(l.Plate), len(there)))
	}
	columns := slices.Clone(f.columns)
	var header bytes.Buffer
	header.Write(f.data[f.header.from:f.header.to])
	for _, field := range entryFields() {
		if l.get(field) != "" && !slices.Contains(columns, field) {
			columns = append(columns, field)
			header.WriteString(string(f.comma) + field)
		}
	}
	var out bytes.Buffer
	out.Write(f.data[:f.header.from])
	out.Write(header.Bytes())
	if len(there) == 0 {
		out.Write(f.data[f.header.to:])
		if !bytes.HasSuffix(out.Bytes(), []byte("\n")) {
			out.WriteString(f.newline)
		}
		out.WriteString(f.record(columns, nil, l) + f.newline)
		return out.Bytes(), nil
	}
	at := there[0]
	out.Write(f.data[f.header.to:at.from])
	out.WriteString(f.record(columns, f.raw(at), l))
	out.Write(f.data[at.to:])
	return out.Bytes(), nil
}

// RemoveListFileEntry takes all rows of a plate out of a list file (CSV). The error is an [EditError]: [ErrNotThere] when
// the plate is not in it.
func RemoveListFileEntry(data []byte, plate string) ([]byte, error) {
	f, err := readListFile(data)
	if err != nil {
		return nil, err
	}
	there := f.of(plate)
	if len(there) == 0 {
		return nil, ErrNotThere
	}
	var out bytes.Buffer
	from := 0
	for _, r := range there {
		out.Write(data[from:r.from])
		from = r.to
		if rest := data[from:]; len(rest) > 0 && rest[0] == '\r' {
			from++
		}
		if rest := data[from:]; len(rest) > 0 && rest[0] == '\n' {
			from++
		}
	}
	out.Write(data[from:])
	return out.Bytes(), nil
}

// raw gives the fields of a row as they are written.
func (f *listFile) raw(r listRow) []string {
	var fields []string
	from, quoted := r.from, false
	for i := r.from; i < r.to; i++ {
		switch c := f.data[i]; {
		case c == '"':
			quoted = !quoted
		case c == byte(f.comma) && !quoted:
			fields, from = append(fields, string(f.data[from:i])), i+1
		}
	}
	return append(fields, string(f.data[from:r.to]))
}

// record writes a row. What was written before and says the same stays as it is.
func (f *listFile) record(columns, raw []string, l ListEntry) string {
	var was ListEntry
	if raw != nil {
		if rows := f.of(l.Plate); len(rows) == 1 {
			was = rows[0].entry
		}
	}
	fields := make([]string, 0, len(columns))
	for i, c := range columns {
		switch {
		case i < len(raw) && (c == "plate" || was.get(c) == l.get(c)):
			fields = append(fields, raw[i])
		default:
			fields = append(fields, f.quoted(l.get(c)))
		}
	}
	for len(fields) > max(len(raw), 1) && fields[len(fields)-1] == "" {
		fields = fields[:len(fields)-1]
	}
	return strings.Join(fields, string(f.comma))
}

// quoted is a field, in quotes when it needs them.
func (f *listFile) quoted(text string) string {
	if text == "" || !strings.ContainsFunc(text, func(r rune) bool { return r == f.comma || r == '"' || r == '#' || r == '\n' || r == '\r' }) && strings.TrimSpace(text) == text {
		return text
	}
	return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
}
