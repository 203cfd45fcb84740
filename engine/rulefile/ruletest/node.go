package ruletest

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/engine/schedule"
	"go.yaml.in/yaml/v4"
)

// The bounds of a test file.
const (
	maxDepth    = 24
	maxProblems = 1000
	maxText     = 1024                // characters of a name, a plate, a part of a condition
	maxShown    = 120                 // characters of a text from the file in a message
	maxMoment   = 31 * 24 * time.Hour // the latest moment of a test
)

// reader reads one test file and keeps what is wrong with it.
type reader struct {
	name     string
	lines    []string
	prefix   string // begins every message: `test "x": `
	problems []rulefile.Problem
}

func newReader(name string, data []byte) *reader {
	text := strings.TrimPrefix(string(data), "\ufeff")
	return &reader{name: name, lines: strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")}
}

// within is the same reader for a part of the file; its problems are the same.
func (r *reader) within(format string, args ...any) func() {
	was := r.prefix
	r.prefix += fmt.Sprintf(format, args...)
	return func() { r.prefix = was }
}

func (r *reader) put(line, col int, message string) {
	if len(r.problems) >= maxProblems {
		return
	}
	p := rulefile.Problem{File: r.name, Line: line, Col: col, Message: r.prefix + message}
	if line > 0 && line <= len(r.lines) {
		p.Source, p.Caret = snippet(r.lines[line-1], col)
	}
	r.problems = append(r.problems, p)
}

func (r *reader) errorf(n *yaml.Node, format string, args ...any) {
	r.put(n.Line, n.Column, fmt.Sprintf(format, args...))
}

// snippet is a line around a column, fit for a terminal, and a caret below it.
func snippet(line string, col int) (source, caret string) {
	const width = 120
	runes := []rune(strings.ToValidUTF8(line, "?"))
	at := min(max(col-1, 0), len(runes))
	from := 0
	if len(runes) > width {
		from = max(0, min(at-width/2, len(runes)-width))
	}
	shown := make([]rune, 0, width)
	for _, c := range runes[from:min(len(runes), from+width)] {
		if unicode.IsControl(c) || unicode.In(c, unicode.Cf) {
			c = ' '
		}
		shown = append(shown, c)
	}
	source = strings.TrimRight(string(shown), " ")
	if source == "" {
		return "", ""
	}
	return source, strings.Repeat(" ", at-from) + "^"
}

// parse reads the file to its top mapping; nil when it is empty or not YAML.
func (r *reader) parse(data []byte) *yaml.Node {
	var doc yaml.Node
	if err := yaml.Load(data, &doc); err != nil {
		var le *yaml.LoadError
		switch {
		case strings.Contains(err.Error(), "no documents"):
			return nil
		case !errors.As(err, &le):
			r.put(0, 0, "not YAML: "+err.Error())
			return nil
		}
		m := le.Mark
		if m.Line == 0 {
			m = le.ContextMark
		}
		r.put(m.Line, m.Column, "not YAML: "+le.Message)
		return nil
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 || isNull(doc.Content[0]) || !r.plain(doc.Content[0], 0) {
		return nil
	}
	return doc.Content[0]
}

// plain refuses what would make a file mean something else than it shows.
func (r *reader) plain(n *yaml.Node, depth int) bool {
	switch {
	case depth > maxDepth:
		r.errorf(n, "nested deeper than %d", maxDepth)
		return false
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.errorf(n, "anchors and aliases (& and *) are not part of test files")
		return false
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!merge":
		r.errorf(n, "a merge key (<<) is not part of test files")
		return false
	case n.Style&yaml.TaggedStyle != 0 && n.ShortTag() != "!!str":
		r.errorf(n, "a tag (%s) is not part of test files; put text that begins with ! into quotes", quoted(n.Tag))
		return false
	}
	for _, c := range n.Content {
		if !r.plain(c, depth+1) {
			return false
		}
	}
	return true
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// isPlain tells whether a scalar was written without quotes or block.
func isPlain(n *yaml.Node) bool {
	return n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
}

// what names a node in a message.
func what(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	}
	return quoted(n.Value)
}

// quoted shows a text from a file, shortened.
func quoted(s string) string {
	if utf8.RuneCountInString(s) > maxShown {
		s = string([]rune(s)[:maxShown]) + "…"
	}
	return strconv.Quote(s)
}

// pair is one key of a mapping with its value.
type pair struct {
	name     string
	key, val *yaml.Node
}

// pairs are the keys of one mapping in their order.
type pairs struct {
	node *yaml.Node
	list []pair
}

// get is the value of a key; nil when it is not there.
func (p *pairs) get(name string) *yaml.Node {
	for i := range p.list {
		if p.list[i].name == name {
			return p.list[i].val
		}
	}
	return nil
}

// has tells whether a key is there.
func (p *pairs) has(name string) bool { return p.get(name) != nil }

// mapping gives a mapping's pairs. Doubled keys and, unless known is nil,
// unknown ones are reported and left out.
func (r *reader) mapping(n *yaml.Node, name string, known ...string) (*pairs, bool) {
	if n.Kind != yaml.MappingNode {
		r.errorf(n, "%s is a mapping (key: value), not %s", name, what(n))
		return nil, false
	}
	p := &pairs{node: n}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		switch {
		case k.Kind != yaml.ScalarNode || isNull(k):
			r.errorf(k, "a key is a word, not %s", what(k))
		case p.has(k.Value):
			r.errorf(k, "the key %s is there twice", quoted(k.Value))
		case len(known) > 0 && !contains(known, k.Value):
			r.errorf(k, "unknown key %s%s", bare(k.Value), meant(k.Value, known))
		default:
			p.list = append(p.list, pair{k.Value, k, n.Content[i+1]})
		}
	}
	return p, true
}

// only refuses keys that do not go with the kind of thing that is described.
func (r *reader) only(p *pairs, name string, known ...string) {
	for _, k := range p.list {
		if !contains(known, k.name) {
			r.errorf(k.key, "%s does not go with %s", bare(k.name), name)
		}
	}
}

// items are a list's entries; empty ones are reported.
func (r *reader) items(n *yaml.Node, name string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		r.errorf(n, "%s is a list, not %s", name, what(n))
		return nil
	}
	out := make([]*yaml.Node, 0, len(n.Content))
	for _, c := range n.Content {
		if isNull(c) {
			r.errorf(c, "an entry of %s is empty", name)
			continue
		}
		out = append(out, c)
	}
	return out
}

// text is a scalar's text by its source: 0123 stays 0123.
func (r *reader) text(n *yaml.Node, name string) (string, bool) {
	switch {
	case n.Kind != yaml.ScalarNode || isNull(n):
		r.errorf(n, "%s is a text, not %s", name, what(n))
	case utf8.RuneCountInString(n.Value) > maxText:
		r.errorf(n, "%s has at most %d characters", name, maxText)
	default:
		return n.Value, true
	}
	return "", false
}

// word is a text that is one of a few.
func (r *reader) word(n *yaml.Node, name string, known ...string) (string, bool) {
	s, ok := r.text(n, name)
	if ok && !contains(known, s) {
		r.errorf(n, "%s is %s, not %s%s", name, orList(known), quoted(s), meant(s, known))
		ok = false
	}
	return s, ok
}

// named is a name that must exist.
func (r *reader) named(n *yaml.Node, kind string, known []string) (string, bool) {
	s, ok := r.text(n, kind)
	if ok && !contains(known, s) {
		r.errorf(n, "there is no %s %s%s", kind, quoted(s), meant(s, known))
		ok = false
	}
	return s, ok
}

// level is true, false, on or off.
func (r *reader) level(n *yaml.Node, name string) (bool, bool) {
	if n.Kind == yaml.ScalarNode && isPlain(n) {
		switch n.Value {
		case "true", "on":
			return true, true
		case "false", "off":
			return false, true
		}
	}
	r.errorf(n, "%s is on or off (true or false), not %s", name, what(n))
	return false, false
}

// flagValue is a flag's value, written as in the rules.
func (r *reader) flagValue(n *yaml.Node, f *engine.FlagDef) (engine.Scalar, bool) {
	s, ok := r.text(n, "the value of a flag")
	if !ok {
		return engine.Scalar{}, false
	}
	switch f.Initial.Type {
	case engine.ScalarBool:
		if isPlain(n) && (s == "true" || s == "false") {
			return engine.Scalar{Type: engine.ScalarBool, Bool: s == "true"}, true
		}
		r.errorf(n, "flag %s is true or false, not %s", quoted(f.Name), quoted(s))
	case engine.ScalarNumber:
		if v, ok := decimal(s); ok && isPlain(n) {
			return engine.Scalar{Type: engine.ScalarNumber, Number: v}, true
		}
		r.errorf(n, "flag %s is a number, not %s", quoted(f.Name), quoted(s))
	default:
		return engine.Scalar{Type: engine.ScalarText, Text: s}, true
	}
	return engine.Scalar{}, false
}

// decimal reads a number as JSON writes one.
func decimal(s string) (float64, bool) {
	body := strings.TrimPrefix(s, "-")
	if body == "" || body[0] < '0' || body[0] > '9' || len(body) > 1 && body[0] == '0' && body[1] >= '0' && body[1] <= '9' || strings.ContainsAny(body, "xX_pP") {
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && !math.IsInf(v, 0)
}

func (r *reader) number(n *yaml.Node, name string, low, high float64) (float64, bool) {
	s, ok := r.text(n, name)
	if !ok {
		return 0, false
	}
	v, ok := decimal(s)
	switch {
	case !ok:
		r.errorf(n, "%s is a number, not %s", name, quoted(s))
	case v < low || v > high:
		r.errorf(n, "%s is from %v to %v, not %s", name, low, high, s)
	default:
		return v, true
	}
	return 0, false
}

func (r *reader) integer(n *yaml.Node, name string, low, high int64) (int64, bool) {
	s, ok := r.text(n, name)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil:
		r.errorf(n, "%s is a whole number, not %s", name, quoted(s))
	case v < low || v > high:
		r.errorf(n, "%s is from %d to %d, not %d", name, low, high, v)
	default:
		return v, true
	}
	return 0, false
}

// moment is a time since the test began, or a length of time.
func (r *reader) moment(n *yaml.Node, name string, zero bool) (time.Duration, bool) {
	s, ok := r.text(n, name)
	if !ok {
		return 0, false
	}
	d, err := schedule.ParseDuration(s)
	switch {
	case err != nil:
		r.errorf(n, "%s: %v", name, err)
	case d == 0 && !zero:
		r.errorf(n, "%s must be longer than 0", name)
	case d > maxMoment:
		r.errorf(n, "%s is at most 31d, not %s", name, quoted(s))
	default:
		return d, true
	}
	return 0, false
}

// date is a wall-clock moment in the site's zone: 2026-03-02 22:00.
func (r *reader) date(n *yaml.Node, name string, loc *time.Location) (time.Time, bool) {
	s, ok := r.text(n, name)
	if !ok {
		return time.Time{}, false
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02"} {
		t, err := time.ParseInLocation(layout, s, loc)
		if err != nil {
			continue
		}
		if t.Format(layout) != s {
			r.errorf(n, "%s: the clocks of %s skip %s", name, loc, s)
			return time.Time{}, false
		}
		return t, true
	}
	r.errorf(n, `%s is a date with a time of day (try "2026-03-02 22:00"), not %s`, name, quoted(s))
	return time.Time{}, false
}

// point is [x, y]; a target may come from outside the frame.
func (r *reader) point(n *yaml.Node, name string) (geometry.Point, bool) {
	v, ok := r.numbers(n, name, "[x, y]", 2, -geometry.Size, 2*geometry.Size)
	if !ok {
		return geometry.Point{}, false
	}
	return geometry.Point{X: v[0], Y: v[1]}, true
}

func (r *reader) numbers(n *yaml.Node, name, form string, count int, low, high int64) ([]int32, bool) {
	if n.Kind != yaml.SequenceNode || len(n.Content) != count {
		r.errorf(n, "%s is %s", name, form)
		return nil, false
	}
	v := make([]int32, count)
	good := true
	for i, c := range n.Content {
		x, ok := r.integer(c, name, low, high)
		v[i] = int32(x)
		good = good && ok
	}
	return v, good
}

// json turns a message's body into what JSON would give; a scalar is read by its source.
func (r *reader) json(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		if p, ok := r.mapping(n, "body"); ok {
			for _, k := range p.list {
				m[k.name] = r.json(k.val)
			}
		}
		return m
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			list = append(list, r.json(c))
		}
		return list
	}
	if !isPlain(n) {
		return n.Value
	}
	switch n.Value {
	case "null", "~", "":
		return nil
	case "true":
		return true
	case "false":
		return false
	}
	if v, ok := decimal(n.Value); ok {
		return v
	}
	return n.Value
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// bare shows a harmless word as it is.
func bare(s string) string {
	if s == "" || len(s) > 60 {
		return quoted(s)
	}
	for _, c := range s {
		if c <= ' ' || c >= 0x7f {
			return quoted(s)
		}
	}
	return s
}

// orList is "a, b or c".
func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// meant is ` (did you mean x?)` for the nearest known word, or nothing when none is near.
func meant(word string, known []string) string {
	best := rulefile.Nearest(word, known)
	if best == "" {
		return ""
	}
	return " (did you mean " + best + "?)"
}
