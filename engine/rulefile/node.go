package rulefile

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/engine/schedule"
	"go.yaml.in/yaml/v4"
)

// source is one file as it was read.
type source struct {
	name  string
	lines []string
}

func newSource(name string, data []byte) *source {
	text := strings.TrimPrefix(string(data), "\ufeff")
	return &source{name: name, lines: strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")}
}

// line is a line by its number from 1; empty when there is none.
func (s *source) line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	return s.lines[n-1]
}

// extent is the text of an entry of a list from its first line to the one before next;
// 0 = to the end. What stands before next and belongs to it is left out.
func (s *source) extent(n *yaml.Node, next int) string {
	end := len(s.lines)
	if next > 0 {
		end = max(next-1, n.Line)
	}
	for ; end > n.Line; end-- {
		text := strings.TrimRight(s.line(end), " \t\r")
		bare := strings.TrimLeft(text, " \t")
		if bare != "" && !(bare[0] == '#' && runeLen(text)-runeLen(bare) < n.Column-1) {
			break
		}
	}
	if n.Line < 1 || end > len(s.lines) || n.Line > end {
		return ""
	}
	return strings.Join(s.lines[n.Line-1:end], "\n")
}

// The bounds of what one load reports.
const (
	maxProblems = 1000
	maxMeant    = 50 // problems that say what was probably meant, which looks through all names
)

// sink collects problems: of errors and of warnings the first maxProblems each.
type sink struct {
	problems []Problem
	errors   int
	warnings int
}

// list gives the problems in the order of their places, at most maxProblems and, under the name of the whole, a line
// that counts the rest. Errors go before warnings when there is no room for both, for they say why nothing is loaded.
func (s *sink) list(name string) []Problem {
	room := maxProblems - min(s.errors, maxProblems)
	var out []Problem
	for _, p := range s.problems {
		if p.Warning {
			if room == 0 {
				continue
			}
			room--
		}
		out = append(out, p)
	}
	sortProblems(out)
	if n := s.errors + s.warnings - len(out); n > 0 {
		out = append(out, Problem{File: name, Message: fmt.Sprintf("and %d more problems", n), Warning: s.errors == 0})
	}
	return out
}

// meant is ` (did you mean x?)` for the nearest known word, or nothing when none is near or much was said already.
func (s *sink) meant(word string, known []string) string {
	if s.errors+s.warnings >= maxMeant {
		return ""
	}
	if m := nearest(word, known); m != "" {
		return " (did you mean " + m + "?)"
	}
	return ""
}

// at is where problems are reported: a file and, within it, a thing and its part.
type at struct {
	sink *sink
	src  *source
	rule string
	part string
	// prefix begins every message, for things that are not rules: `zone "porch": `.
	prefix string
	failed *bool // set when an error was reported; may be nil
}

// in gives the same place with another part.
func (a at) in(part string) at { a.part = part; return a }

// put reports a problem at a place in the file.
func (a at) put(line, col int, warning bool, message string) {
	if !warning && a.failed != nil {
		*a.failed = true
	}
	count := &a.sink.errors
	if warning {
		count = &a.sink.warnings
	}
	if *count++; *count > maxProblems {
		return
	}
	p := Problem{File: a.src.name, Line: line, Col: col, Rule: a.rule, Part: a.part, Message: a.prefix + message, Warning: warning}
	if line > 0 {
		p.Source, p.Caret = snippet(a.src.line(line), col)
	}
	a.sink.problems = append(a.sink.problems, p)
}

func (a at) meant(word string, known []string) string { return a.sink.meant(word, known) }

func (a at) errorf(n *yaml.Node, format string, args ...any) {
	a.put(n.Line, n.Column, false, fmt.Sprintf(format, args...))
}

func (a at) warnf(n *yaml.Node, format string, args ...any) {
	a.put(n.Line, n.Column, true, fmt.Sprintf(format, args...))
}

// pair is one key of a mapping with its value.
type pair struct {
	name string
	key  *yaml.Node
	val  *yaml.Node
}

// parse reads one file to its top mapping; nil when it holds nothing but comments, or cannot be read, which is reported.
func (a at) parse(data []byte) *yaml.Node {
	// A slow save empties the file first; half a save must not take away the rules that run.
	if len(bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))) == 0 {
		a.put(0, 0, false, "the file is empty; remove it if its rules are to go")
		return nil
	}
	var doc yaml.Node
	if err := yaml.Load(data, &doc); err != nil {
		a.yamlError(err)
		return nil
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return nil
	}
	top := doc.Content[0]
	if top.Kind == yaml.ScalarNode && isNull(top) {
		return nil
	}
	if !a.plain(top) {
		return nil
	}
	return top
}

// maxDepth bounds how deep a rule file nests; nothing in the language needs more.
const maxDepth = 24

// plain refuses what would make a file mean something else than it shows: anchors, aliases, merges, tags and nesting
// without end. A tag before a condition is left to [at.condition], which knows what was meant.
func (a at) plain(top *yaml.Node) bool {
	ok := true
	var walk func(n *yaml.Node, depth int, condition bool)
	walk = func(n *yaml.Node, depth int, condition bool) {
		switch {
		case condition && n.Kind == yaml.ScalarNode && isBang(n):
			return
		case depth > maxDepth:
			if ok {
				a.errorf(n, "nested deeper than %d", maxDepth)
			}
			ok = false
			return
		case n.Kind == yaml.AliasNode || n.Anchor != "":
			a.errorf(n, "anchors and aliases (& and *) are not part of rule files")
			ok = false
			return
		case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!merge":
			a.errorf(n, "a merge key (<<) is not part of rule files")
			ok = false
			return
		case n.Style&yaml.TaggedStyle != 0 && !condition && n.ShortTag() != "!!str":
			a.errorf(n, "a tag (%s) is not part of rule files; put text that begins with ! into quotes", cut(n.Tag))
			ok = false
			return
		}
		for i, c := range n.Content {
			walk(c, depth+1, n.Kind == yaml.MappingNode && i%2 == 1 && isConditionKey(n.Content[i-1].Value))
		}
	}
	walk(top, 0, false)
	return ok
}

// isBang tells whether YAML took the ! at the beginning of a text for a tag.
func isBang(n *yaml.Node) bool {
	return strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!")
}

func isConditionKey(s string) bool { return s == "when" || s == "while" || s == "if" }

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// isPlain tells whether a scalar was written without quotes or block.
func isPlain(n *yaml.Node) bool {
	return n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
}

// kindWord names what a node is.
func kindWord(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	}
	return cut(n.Value)
}

// mapping gives a mapping's pairs in their order. Doubled keys and, when known is not nil, unknown ones are reported and
// left out.
func (a at) mapping(n *yaml.Node, what string, known []string) ([]pair, bool) {
	if n.Kind != yaml.MappingNode {
		a.errorf(n, "%s is a mapping (key: value), not %s", what, kindWord(n))
		return nil, false
	}
	pairs := make([]pair, 0, len(n.Content)/2)
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode || isNull(k) {
			a.errorf(k, "a key is a word, not %s", kindWord(k))
			continue
		}
		if seen[k.Value] {
			a.errorf(k, "the key %s is there twice", cut(k.Value))
			continue
		}
		seen[k.Value] = true
		if known != nil && !contains(known, k.Value) {
			a.errorf(k, "unknown key %s%s", clean(k.Value), a.meant(k.Value, known))
			// A misspelt key is read as the one that was meant, so that it is not reported as missing too.
			if m := nearest(k.Value, known); m != "" && !hasKey(n, m) && !seen[m] {
				seen[m] = true
				pairs = append(pairs, pair{m, k, n.Content[i+1]})
			}
			continue
		}
		pairs = append(pairs, pair{k.Value, k, n.Content[i+1]})
	}
	return pairs, true
}

// hasKey tells whether a mapping has a key of this name.
func hasKey(n *yaml.Node, name string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return true
		}
	}
	return false
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// clean shows a word as it is when it is harmless, else quoted.
func clean(s string) string {
	if len(s) == 0 || len(s) > 60 {
		return cut(s)
	}
	for _, r := range s {
		if r <= ' ' || r >= 0x7f {
			return cut(s)
		}
	}
	return s
}

// text is a scalar's text by its source: 0123 stays 0123.
func (a at) text(n *yaml.Node, what string) (string, bool) {
	if n.Kind != yaml.ScalarNode || isNull(n) {
		a.errorf(n, "%s is a text, not %s", what, kindWord(n))
		return "", false
	}
	return n.Value, true
}

// word is a text that is one of a few words.
func (a at) word(n *yaml.Node, what string, known []string) (string, bool) {
	s, ok := a.text(n, what)
	if !ok {
		return "", false
	}
	if !contains(known, s) {
		a.errorf(n, "%s is %s, not %s%s", what, orList(known), cut(s), a.meant(s, known))
		return "", false
	}
	return s, true
}

// orList is "a, b or c".
func orList(words []string) string {
	switch len(words) {
	case 0:
		return "nothing"
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// boolean is true or false as written in YAML 1.2.
func (a at) boolean(n *yaml.Node, what string) (bool, bool) {
	if n.Kind == yaml.ScalarNode && isPlain(n) {
		switch n.Value {
		case "true", "True", "TRUE":
			return true, true
		case "false", "False", "FALSE":
			return false, true
		}
	}
	a.errorf(n, "%s is true or false, not %s", what, kindWord(n))
	return false, false
}

// duration is a duration above 0 or, when zero is allowed, not below it.
func (a at) duration(n *yaml.Node, what string, zero bool) (time.Duration, bool) {
	s, ok := a.text(n, what)
	if !ok {
		return 0, false
	}
	d, err := schedule.ParseDuration(s)
	switch {
	case err != nil:
		a.errorf(n, "%s: %v", what, err)
	case d == 0 && !zero:
		a.errorf(n, "%s must be longer than 0", what)
	case d > maxDuration:
		a.errorf(n, "%s is at most 3650d, not %s", what, cut(s))
	default:
		return d, true
	}
	return 0, false
}

// maxDuration bounds every duration in a rule file.
const maxDuration = 3650 * 24 * time.Hour

// integer is a whole number in a range.
func (a at) integer(n *yaml.Node, what string, low, high int64) (int64, bool) {
	s, ok := a.text(n, what)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil:
		a.errorf(n, "%s is a whole number, not %s", what, cut(s))
	case v < low || v > high:
		a.errorf(n, "%s is from %d to %d, not %d", what, low, high, v)
	default:
		return v, true
	}
	return 0, false
}

// items are a list's entries; an empty entry is reported.
func (a at) items(n *yaml.Node, what string) ([]*yaml.Node, bool) {
	if n.Kind != yaml.SequenceNode {
		a.errorf(n, "%s is a list, not %s", what, kindWord(n))
		return nil, false
	}
	ok := true
	for _, c := range n.Content {
		if isNull(c) {
			a.errorf(c, "an entry of %s is empty", what)
			ok = false
		}
	}
	return n.Content, ok
}

// oneOrMore are the entries of a list, or the one thing that stands for a list of one.
func (a at) oneOrMore(n *yaml.Node, what string) ([]*yaml.Node, bool) {
	if n.Kind == yaml.SequenceNode {
		return a.items(n, what)
	}
	if isNull(n) {
		a.errorf(n, "%s is empty", what)
		return nil, false
	}
	return []*yaml.Node{n}, true
}

// canonical writes a node so that two nodes that mean the same give the same text.
func canonical(b *strings.Builder, n *yaml.Node) {
	switch n.Kind {
	case yaml.ScalarNode:
		// A text and a number may look alike: "1" and 1.
		b.WriteString(n.ShortTag())
		b.WriteString(strconv.Quote(n.Value))
	case yaml.SequenceNode, yaml.MappingNode:
		b.WriteString(n.ShortTag() + "(")
		for _, c := range n.Content {
			canonical(b, c)
			b.WriteByte(',')
		}
		b.WriteByte(')')
	}
}
