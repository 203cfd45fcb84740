package rulefile

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// EditError says why a rule file is not changed. Nothing of it was.
type EditError string

// Error is the text itself.
func (e EditError) Error() string { return string(e) }

// errInPlace is what is said of a file whose text cannot be changed at one place alone.
const errInPlace = EditError("this file is written in a way that cannot be changed at one place alone; edit its text")

// document is the text of a rule file, and what stands where in it. A change is made to the text, so that every byte
// that it does not concern stays as it is: comments, order, quotes, line ends.
type document struct {
	data  []byte
	lines []int  // where each line begins
	nl    string // how lines end
	top   *yaml.Node
}

// splice is a piece of text in the place of another.
type splice struct {
	from, to int
	text     string
}

// newDocument reads a text; name stands in problems. Text without anything in it is a document with nothing in it. The
// error is the [Problem] of a text that is none of a rule file, or an [EditError].
func newDocument(data []byte, name string) (*document, error) {
	d := &document{data: data, nl: "\n"}
	switch {
	case len(data) > maxFileSize:
		return nil, EditError(tooLarge(maxFileSize))
	case !utf8.Valid(data):
		return nil, EditError("the file is not UTF-8")
	}
	text := string(data)
	for _, odd := range []string{"\u0085", "\u2028", "\u2029"} {
		if strings.Contains(text, odd) {
			return nil, errInPlace // YAML counts lines by them, and nobody sees them
		}
	}
	if strings.Count(text, "\r") != strings.Count(text, "\r\n") {
		return nil, errInPlace
	}
	if first, _, ok := strings.Cut(text, "\n"); ok && strings.HasSuffix(first, "\r") {
		d.nl = "\r\n"
	}
	d.lines = []int{0}
	for i, c := range data {
		if c == '\n' {
			d.lines = append(d.lines, i+1)
		}
	}
	if len(bytes.TrimSpace(bytes.TrimPrefix(data, []byte(bom)))) == 0 {
		return d, nil
	}
	a := at{sink: &sink{}, src: newSource(name, data)}
	d.top = a.parse(data)
	if len(a.sink.problems) > 0 {
		return nil, a.sink.problems[0]
	}
	if d.top != nil && d.top.Kind != yaml.MappingNode {
		a.mapping(d.top, "a rule file", sectionNames())
		return nil, a.sink.problems[0]
	}
	return d, nil
}

const bom = "\ufeff"

// offset is where a node begins.
func (d *document) offset(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(d.lines) {
		return len(d.data)
	}
	at := d.lines[n.Line-1]
	if n.Line == 1 {
		at += len(d.data) - len(bytes.TrimPrefix(d.data, []byte(bom)))
	}
	for range n.Column - 1 {
		if at >= len(d.data) {
			break
		}
		_, size := utf8.DecodeRune(d.data[at:])
		at += size
	}
	return at
}

// lineStart is where the line of a place begins, lineEnd where it ends, before its line end.
func (d *document) lineStart(at int) int {
	return bytes.LastIndexByte(d.data[:at], '\n') + 1
}

func (d *document) lineEnd(at int) int {
	end := len(d.data)
	if i := bytes.IndexByte(d.data[at:], '\n'); i >= 0 {
		end = at + i
	}
	if end > at && d.data[end-1] == '\r' {
		end--
	}
	return end
}

// nextLine is where the line after that of a place begins.
func (d *document) nextLine(at int) int {
	if i := bytes.IndexByte(d.data[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(d.data)
}

// blank tells whether there are only blanks in a range.
func (d *document) blank(from, to int) bool {
	return from <= to && len(bytes.Trim(d.data[from:to], " \t\r")) == 0
}

// idle tells whether there is nothing but blanks and comments in a range that begins after a token.
func (d *document) idle(from, to int) bool {
	if from > to {
		return false
	}
	for line := range bytes.SplitSeq(d.data[from:to], []byte("\n")) {
		line = bytes.Trim(line, " \t\r")
		if len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}

func isFlow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

func isEmptyNull(n *yaml.Node) bool { return isNull(n) && n.Value == "" && isPlain(n) }

// end is where a node ends. In a block the next thing begins at limit.
func (d *document) end(n *yaml.Node, flow bool, limit int) (int, error) {
	from := d.offset(n)
	switch {
	case n.Kind == yaml.ScalarNode:
		return d.scalarEnd(n, from, flow, limit)
	case n.Kind != yaml.MappingNode && n.Kind != yaml.SequenceNode:
		return 0, errInPlace
	case !isFlow(n) || from < len(d.data) && d.data[from] != '{' && d.data[from] != '[':
		// A block, or one pair alone in a list: [x: y].
		if len(n.Content) == 0 {
			return 0, errInPlace
		}
		return d.end(n.Content[len(n.Content)-1], flow || isFlow(n), limit)
	}
	at, err := from+1, error(nil)
	if len(n.Content) > 0 {
		if at, err = d.end(n.Content[len(n.Content)-1], true, limit); err != nil {
			return 0, err
		}
	}
	for at < len(d.data) {
		switch c := d.data[at]; c {
		case ' ', '\t', '\r', '\n', ',':
			at++
		case '#':
			at = d.nextLine(at)
		case ']', '}':
			return at + 1, nil
		default:
			return 0, errInPlace
		}
	}
	return 0, errInPlace
}

func (d *document) scalarEnd(n *yaml.Node, from int, flow bool, limit int) (int, error) {
	if isEmptyNull(n) {
		return from, nil
	}
	if from >= len(d.data) {
		return 0, errInPlace
	}
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		if d.data[from] != '"' {
			return 0, errInPlace
		}
		for at := from + 1; at < len(d.data); at++ {
			switch d.data[at] {
			case '\\':
				at++
			case '"':
				return at + 1, nil
			}
		}
		return 0, errInPlace
	case n.Style&yaml.SingleQuotedStyle != 0:
		if d.data[from] != '\'' {
			return 0, errInPlace
		}
		for at := from + 1; at < len(d.data); at++ {
			if d.data[at] != '\'' {
				continue
			}
			if at+1 < len(d.data) && d.data[at+1] == '\'' {
				at++
				continue
			}
			return at + 1, nil
		}
		return 0, errInPlace
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return from + len(bytes.TrimRight(d.data[from:limit], " \t\r\n")), nil
	case flow:
		return d.plainInFlow(from), nil
	}
	// It goes on over lines until a comment or the next thing.
	at := from
	for at < limit {
		end := min(d.lineEnd(at), limit)
		line := d.data[at:end]
		if i := bytes.Index(append([]byte{' '}, line...), []byte(" #")); i >= 0 && (at > from || i > 0) {
			return d.trimmed(from, at+max(i-1, 0)), nil
		}
		at = min(d.nextLine(end), limit)
	}
	return d.trimmed(from, limit), nil
}

// trimmed is the end of what is not blank in a range.
func (d *document) trimmed(from, to int) int {
	return from + len(bytes.TrimRight(d.data[from:to], " \t\r\n"))
}

// plainInFlow is the end of a text without quotes within { } or [ ].
func (d *document) plainInFlow(from int) int {
	for at := from; at < len(d.data); at++ {
		switch c := d.data[at]; {
		case strings.IndexByte(",[]{}", c) >= 0,
			c == '#' && at > from && strings.IndexByte(" \t\n", d.data[at-1]) >= 0,
			c == ':' && (at+1 >= len(d.data) || strings.IndexByte(" \t\r\n,[]{}", d.data[at+1]) >= 0):
			return d.trimmed(from, at)
		}
	}
	return d.trimmed(from, len(d.data))
}

// afterColon is the place after the colon of a key.
func (d *document) afterColon(key *yaml.Node, flow bool) (int, error) {
	at, err := d.end(key, true, len(d.data))
	if err != nil {
		return 0, err
	}
	for at < len(d.data) && (d.data[at] == ' ' || d.data[at] == '\t') {
		at++
	}
	if at >= len(d.data) || d.data[at] != ':' {
		return 0, errInPlace
	}
	return at + 1, nil
}

// spot is a node where it stands.
type spot struct {
	key, val *yaml.Node // key is nil for an item of a list
	flow     bool       // it stands within { } or [ ]
	limit    int        // where the next thing begins, in a block
}

// at finds a node by the keys and numbers that lead to it; false when there is none.
func (d *document) at(path ...any) (spot, bool) {
	s := spot{val: d.top, limit: len(d.data)}
	if s.val == nil {
		return s, false
	}
	for _, step := range path {
		parent := s
		switch step := step.(type) {
		case string:
			i := keyIndex(s.val, step)
			if i < 0 {
				return s, false
			}
			s = d.child(parent, i)
		case int:
			if s.val.Kind != yaml.SequenceNode || step >= len(s.val.Content) {
				return s, false
			}
			s = d.child(parent, step)
		}
	}
	return s, true
}

// keyIndex is the number of a key's pair in a mapping; -1 when there is none.
func keyIndex(m *yaml.Node, key string) int {
	if m.Kind != yaml.MappingNode {
		return -1
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return i / 2
		}
	}
	return -1
}

// count is how many pairs or items a node has.
func count(n *yaml.Node) int {
	if n.Kind == yaml.MappingNode {
		return len(n.Content) / 2
	}
	return len(n.Content)
}

// child is the pair or item of a number.
func (d *document) child(parent spot, i int) spot {
	s := spot{flow: parent.flow || isFlow(parent.val), limit: parent.limit}
	next := i + 1
	if parent.val.Kind == yaml.MappingNode {
		s.key, s.val = parent.val.Content[2*i], parent.val.Content[2*i+1]
		next *= 2
	} else {
		s.val = parent.val.Content[i]
	}
	if !s.flow && next < len(parent.val.Content) {
		s.limit = d.offset(parent.val.Content[next])
		if s.key == nil {
			s.limit = max(d.dash(parent.val.Content[next]), 0)
		}
	}
	return s
}

// dash is where the dash of an item of a block list is; -1 when it cannot be found.
func (d *document) dash(item *yaml.Node) int {
	at := d.offset(item) - 1
	for at >= 0 && strings.IndexByte(" \t\r\n", d.data[at]) >= 0 {
		at--
	}
	if at < 0 || d.data[at] != '-' {
		return -1
	}
	return at
}

// span is a pair or an item from its key, or its dash, to its end.
func (d *document) span(s spot) (from, to int, err error) {
	switch {
	case s.key != nil:
		from = d.offset(s.key)
	case s.flow:
		from = d.offset(s.val)
	default:
		if from = d.dash(s.val); from < 0 {
			return 0, 0, errInPlace
		}
	}
	if to, err = d.end(s.val, s.flow, s.limit); err != nil {
		return 0, 0, err
	}
	if s.key != nil && isEmptyNull(s.val) {
		if to, err = d.afterColon(s.key, s.flow); err != nil {
			// A key alone within { } has no colon.
			if to, err = d.end(s.key, true, s.limit); err != nil {
				return 0, 0, err
			}
		}
	}
	if to < from {
		return 0, 0, errInPlace
	}
	return from, to, nil
}

// put puts a text in the place of a pair's or an item's value.
func (d *document) put(s spot, text string) (splice, error) {
	from := d.offset(s.val)
	to, err := d.end(s.val, s.flow, s.limit)
	if err != nil {
		return splice{}, err
	}
	if s.key == nil {
		return splice{from, to, text}, nil
	}
	colon, err := d.afterColon(s.key, s.flow)
	if err != nil {
		return splice{}, err
	}
	switch {
	case isEmptyNull(s.val):
		return splice{colon, colon, " " + text}, nil
	case !d.blank(colon, from): // it begins on a line below its key
		switch {
		case !d.idle(colon, from):
			return splice{}, errInPlace
		case d.commented(colon, from) && s.val.Kind == yaml.ScalarNode:
			return splice{from, to, text}, nil // where it stands, so that the comments can stay
		}
		return splice{colon, to, " " + text}, nil
	}
	return splice{from, to, text}, nil
}

// rename puts another text in the place of a key.
func (d *document) rename(s spot, text string) (splice, error) {
	to, err := d.end(s.key, true, s.limit)
	return splice{d.offset(s.key), to, text}, err
}

// cut takes out a number of pairs or items that stand one after the other.
func (d *document) cut(parent spot, i, n int) (splice, error) {
	first, last := d.child(parent, i), d.child(parent, i+n-1)
	from, _, err := d.span(first)
	if err != nil {
		return splice{}, err
	}
	_, to, err := d.span(last)
	if err != nil {
		return splice{}, err
	}
	more := i+n < count(parent.val)
	if !first.flow {
		switch {
		case !d.idle(to, d.lineEnd(to)):
			return splice{}, errInPlace
		case d.blank(d.lineStart(from), from):
			return splice{d.lineStart(from), d.nextLine(to), ""}, nil
		case more && first.key != nil: // the first key after a dash
			next := d.offset(parent.val.Content[2*(i+n)])
			if !d.idle(to, next) {
				return splice{}, errInPlace
			}
			return splice{from, next, ""}, nil
		}
		return splice{}, errInPlace
	}
	after := to
	for after < len(d.data) && (d.data[after] == ' ' || d.data[after] == '\t') {
		after++
	}
	comma := after < len(d.data) && d.data[after] == ','
	if comma {
		after++
	}
	switch {
	// Alone on its lines.
	case d.blank(d.lineStart(from), from) && d.idle(after, d.lineEnd(after)) && (comma || i > 0 || !more):
		return splice{d.lineStart(from), d.nextLine(after), ""}, nil
	case more:
		next, _, err := d.span(d.child(parent, i+n))
		if err == nil && d.commented(to, next) {
			if !comma {
				return splice{}, errInPlace
			}
			return splice{from, after, ""}, nil
		}
		return splice{from, next, ""}, err
	case i > 0:
		_, before, err := d.span(d.child(parent, i-1))
		if err == nil && d.commented(before, from) { // of the one before, whose comma may stay
			if !comma {
				after = to
			}
			return splice{from, after, ""}, nil
		}
		return splice{before, to, ""}, err
	case comma:
		return splice{from, after, ""}, nil
	}
	return splice{from, to, ""}, nil
}

// commented tells whether a comment stands between two places that have none but marks between them.
func (d *document) commented(from, to int) bool { return bytes.IndexByte(d.data[from:to], '#') >= 0 }

// add puts pairs or items behind the last one of a mapping or list that has one, or between empty brackets.
func (d *document) add(parent spot, texts []string) ([]splice, error) {
	n := parent.val
	size := count(n)
	if isFlow(n) {
		if size == 0 {
			from := d.offset(n)
			if from >= len(d.data) || d.data[from] != '{' && d.data[from] != '[' {
				return nil, errInPlace
			}
			return []splice{{from + 1, from + 1, strings.Join(texts, ", ")}}, nil
		}
		return d.addInFlow(parent, texts)
	}
	if size == 0 {
		return nil, errInPlace
	}
	from, _, err := d.span(d.child(parent, 0))
	if err != nil {
		return nil, err
	}
	_, to, err := d.span(d.child(parent, size-1))
	if err != nil {
		return nil, err
	}
	if !d.idle(to, d.lineEnd(to)) {
		return nil, errInPlace
	}
	indent := d.column(from)
	if indent == "" && d.lineStart(from) != from-len(d.bomAt(from)) {
		return nil, errInPlace
	}
	var b strings.Builder
	for _, t := range texts {
		b.WriteString(d.nl + indent)
		if n.Kind == yaml.SequenceNode {
			b.WriteString("- ")
		}
		b.WriteString(t)
	}
	at := d.lineEnd(to)
	return []splice{{at, at, b.String()}}, nil
}

// bomAt is the mark at the beginning of the file when it stands right before a place.
func (d *document) bomAt(at int) string {
	if at == len(bom) && bytes.HasPrefix(d.data, []byte(bom)) {
		return bom
	}
	return ""
}

// column is as many blanks as stand before a place in its line, or dashes.
func (d *document) column(at int) string {
	line := bytes.TrimPrefix(d.data[d.lineStart(at):at], []byte(bom))
	return strings.Repeat(" ", utf8.RuneCount(line))
}

func (d *document) addInFlow(parent spot, texts []string) ([]splice, error) {
	from, to, err := d.span(d.child(parent, count(parent.val)-1))
	if err != nil {
		return nil, err
	}
	close, err := d.end(parent.val, parent.flow, parent.limit)
	if err != nil {
		return nil, err
	}
	own := d.blank(d.lineStart(from), from) // it begins its line
	indent := string(d.data[d.lineStart(from):from])
	below := d.lineEnd(to) < close-1
	switch {
	case own && below:
		after, comma := to, false
		for after < len(d.data) && strings.IndexByte(" \t,", d.data[after]) >= 0 {
			comma = comma || d.data[after] == ','
			after++
		}
		if !d.idle(after, d.lineEnd(after)) {
			return nil, errInPlace
		}
		end, last := ",", ""
		var out []splice
		if comma {
			last = ","
		} else {
			out = append(out, splice{to, to, ","})
		}
		at := d.lineEnd(to)
		return append(out, splice{at, at, d.nl + indent + strings.Join(texts, end+d.nl+indent) + last}), nil
	case own:
		return []splice{{to, to, "," + d.nl + indent + strings.Join(texts, ","+d.nl+indent)}}, nil
	}
	return []splice{{to, to, ", " + strings.Join(texts, ", ")}}, nil
}

// spliced is a text with splices in it. They must not overlap.
func spliced(data []byte, all []splice) ([]byte, error) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b splice) int { return a.from - b.from })
	var out []byte
	at := 0
	for _, s := range all {
		if s.from < at || s.to < s.from || s.to > len(data) {
			return nil, errInPlace
		}
		out = append(append(out, data[at:s.from]...), s.text...)
		at = s.to
	}
	return append(out, data[at:]...), nil
}

// written is a text as a YAML scalar that is read as it, in a block and within { } or [ ].
func written(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", EditError("a text is not UTF-8")
	}
	if isBare(s) {
		return s, nil
	}
	quoted := strconv.Quote(s)
	if n := readScalar(quoted); n == nil || n.Value != s {
		return "", EditError("a text cannot be written: " + cut(s))
	}
	return quoted, nil
}

// isBare tells whether a text needs no quotes.
func isBare(s string) bool {
	for i, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '.', c == '/':
		case (c == '-' || c == ' ') && i > 0 && i < len(s)-1:
		default:
			return false
		}
	}
	if len(s) == 10 && strings.Count(s, "-") == 2 && s[4] == '-' { // a day is read by its text
		return true
	}
	n := readScalar(s)
	return n != nil && n.Value == s && n.ShortTag() == "!!str" && !slices.Contains([]string{"y", "n", "yes", "no", "on", "off"}, strings.ToLower(s))
}

// readScalar reads a text as YAML does; nil when it is no scalar.
func readScalar(s string) *yaml.Node {
	var n yaml.Node
	if yaml.Load([]byte(s), &n) != nil || len(n.Content) != 1 || n.Content[0].Kind != yaml.ScalarNode {
		return nil
	}
	return n.Content[0]
}

// problemOf gives the problem that an error of [newDocument] is.
func problemOf(err error) (Problem, bool) {
	var p Problem
	ok := errors.As(err, &p)
	return p, ok
}
