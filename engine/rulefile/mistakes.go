package rulefile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// yamlError reports why a file is not YAML, in the words of the mistake when it is a well-known one, and at a place
// within the file.
func (a at) yamlError(err error) {
	var le *yaml.LoadError
	if !errors.As(err, &le) || le.Mark.Line == 0 && le.ContextMark.Line == 0 {
		switch text := err.Error(); {
		case strings.Contains(text, "no documents"):
			return
		case strings.Contains(text, "multiple"):
			line, col := a.secondDocument()
			a.put(line, col, false, "more than one YAML document (---); put them into files of their own")
		case le != nil:
			line, col := a.badCharacter()
			a.put(line, col, false, "this is not text in UTF-8: "+le.Message)
		default:
			a.put(0, 0, false, "not YAML: "+text)
		}
		return
	}
	m := mistake{src: a.src, at: le.Mark, from: le.ContextMark, message: le.Message, context: le.ContextMsg}
	if m.at.Line == 0 {
		m.at = m.from
	}
	line, col, why := m.explain()
	line, col = a.src.inside(line, col)
	a.put(line, col, false, why)
}

// secondDocument finds the line that begins another document.
func (a at) secondDocument() (line, col int) {
	began := false
	for i, l := range a.src.lines {
		switch {
		case strings.HasPrefix(l, "---") && began:
			return i + 1, 1
		case strings.HasPrefix(l, "..."):
			began = true
		case strings.TrimSpace(l) != "" && !strings.HasPrefix(strings.TrimSpace(l), "#"):
			began = true
		}
	}
	return a.src.inside(len(a.src.lines), 1)
}

// badCharacter finds the first character that may not stand in a file.
func (a at) badCharacter() (line, col int) {
	for i, l := range a.src.lines {
		c := 0
		for _, r := range l {
			c++
			if r < ' ' && r != '\t' || r == '\ufffd' || r == 0x7f {
				return i + 1, c
			}
		}
	}
	return 0, 0
}

// inside moves a place past the end of the file to the last thing in it.
func (s *source) inside(line, col int) (int, int) {
	if line <= len(s.lines) && strings.TrimSpace(s.line(line)) != "" {
		return line, col
	}
	for i := min(line, len(s.lines)); i > 0; i-- {
		if text := strings.TrimRight(s.line(i), " \t\r"); text != "" {
			return i, runeLen(text) + 1
		}
	}
	return 1, 1
}

// mistake is what the YAML parser says about a file, for the words of a person.
type mistake struct {
	src              *source
	at, from         yaml.Mark
	message, context string
}

// explain gives the place of the mistake and what is wrong.
func (m *mistake) explain() (line, col int, why string) {
	flow := strings.Contains(m.context, "flow") || strings.Contains(m.message, "node content")
	nested := strings.HasPrefix(m.message, "mapping values are not allowed")
	// The parser stops at the first token that does not fit, which may be on the line after the mistake.
	for line := m.at.Line; line >= max(1, m.at.Line-1); line-- {
		if why, col := trap(m.src.line(line)); why != "" {
			return line, col, why
		}
		if from, to := unquotedValue(m.src.line(line)); from > 0 && (flow || nested && line == m.at.Line && from < m.at.Column && m.at.Column < to) {
			return line, from, `text with ${…} needs quotes around it here: "${…}"`
		}
	}
	if line, col := m.tab(); line > 0 {
		return line, col, "a tab stands where the line is indented; YAML takes only blanks there"
	}
	switch {
	case nested:
		return m.nested()
	case flow:
		return m.flow()
	case strings.HasPrefix(m.context, "while scanning a quoted"):
		switch {
		case strings.Contains(m.message, "end of stream") || strings.Contains(m.message, "document indicator"):
			return m.from.Line, m.from.Column, "the text that begins here has no closing quote"
		case strings.Contains(m.message, "escape"):
			return m.at.Line, m.at.Column, `in double quotes \ begins an escape, and this is none; write \\ or put the text into single quotes`
		}
	case strings.HasPrefix(m.context, "while scanning a simple key"):
		return m.from.Line, m.from.Column, "this line is not finished: a key has a colon and a blank behind it"
	case strings.Contains(m.message, "cannot start any token"):
		return m.at.Line, m.at.Column, fmt.Sprintf("a text that begins with %c needs quotes around it", m.char())
	case strings.HasPrefix(m.context, "while parsing a block"):
		return m.block()
	case strings.Contains(m.message, "anchor"), strings.Contains(m.context, "an anchor"), strings.Contains(m.context, "an alias"):
		return m.at.Line, m.at.Column, "anchors and aliases (& and *) are not part of rule files; put text that begins with them into quotes"
	case strings.Contains(m.context, "a tag"):
		return m.from.Line, m.from.Column, "tags are not part of rule files; put text that begins with ! into quotes"
	case strings.Contains(m.context, "directive"):
		return m.from.Line, m.from.Column, "a line that begins with % is not part of rule files"
	}
	return m.at.Line, m.at.Column, "not YAML: " + m.message
}

// char is the character the parser stopped at; 0 at the end of a line or of the file.
func (m *mistake) char() rune {
	if r := []rune(m.src.line(m.at.Line)); m.at.Column >= 1 && m.at.Column <= len(r) {
		return r[m.at.Column-1]
	}
	return 0
}

// tab finds a tab in the indent of the line the parser stopped at, or of the next.
func (m *mistake) tab() (line, col int) {
	if !strings.Contains(m.message, "tab") && !strings.Contains(m.message, "cannot start any token") {
		return 0, 0
	}
	for line := m.at.Line; line <= m.at.Line+1; line++ {
		text := m.src.line(line)
		indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
		if i := strings.IndexByte(indent, '\t'); i >= 0 {
			return line, i + 1
		}
	}
	return 0, 0
}

// nested explains a second `key: ` on a line, or a key where there can be none.
func (m *mistake) nested() (line, col int, why string) {
	runes := []rune(m.src.line(m.at.Line))
	before := string(runes[:min(max(m.at.Column-1, 0), len(runes))])
	body := strings.TrimLeft(before, " -")
	indent := runeLen(before) - runeLen(body)
	key, value, two := strings.Cut(body, ": ")
	switch {
	case two && strings.Contains(value, ", "):
		return m.at.Line, indent + 1, "several keys on one line need { } around them: {" + brief(string(runes[indent:])) + "}"
	case two:
		value = strings.TrimLeft(value, " ")
		from := runeLen(before) - runeLen(value)
		if text := string(runes[from:]); manyKeys(text) {
			return m.at.Line, from + 1, "several keys on one line need { } around them: " + key + ": {" + brief(text) + "}"
		}
		return m.at.Line, from + 1, "a text with a colon and a blank in it needs quotes around it: " + key + `: "` + brief(string(runes[from:])) + `"`
	}
	// Not this line is wrong but the one before: it has taken this one for more of its text.
	for line := m.at.Line - 1; line > 0; line-- {
		text := m.src.line(line)
		body := strings.TrimLeft(text, " -")
		if body == "" || body[0] == '#' {
			continue
		}
		if word, _, ok := strings.Cut(body, ":"); ok && validName(strings.ReplaceAll(word, "_", "-")) && !strings.Contains(body, ": ") && !strings.HasSuffix(strings.TrimRight(body, " "), ":") {
			return line, runeLen(text) - runeLen(body) + runeLen(word) + 1, "a blank is missing after this colon"
		}
		break
	}
	return m.at.Line, indent + 1, "this line is indented further than the line it follows; the keys of one thing begin in the same column"
}

// manyKeys tells whether a text looks like `camera: front, anchor: top`.
func manyKeys(text string) bool {
	n := 0
	for _, p := range strings.Split(text, ", ") {
		if word, _, ok := strings.Cut(p, ": "); ok && validName(strings.ReplaceAll(word, "_", "-")) {
			n++
		}
	}
	return n > 1
}

// brief is the text of a line for a message, without its comment and its end when it is long.
func brief(s string) string {
	s, _, _ = strings.Cut(s, " #")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.TrimSpace(strings.ToValidUTF8(s, "?")))
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return s
}

// flow explains what is wrong within [ ] and { }.
func (m *mistake) flow() (line, col int, why string) {
	open := m.from
	if !strings.Contains(m.message, "expected ','") {
		// The parser does not say which bracket it is in.
		var ok bool
		if open.Line, open.Column, ok = m.src.openBracket(m.at.Line, m.at.Column); !ok {
			switch c := m.char(); c {
			case 0:
				return m.at.Line, m.at.Column, "something is missing here"
			case ']', '}':
				return m.at.Line, m.at.Column, fmt.Sprintf("this %c closes nothing", c)
			default:
				return m.at.Line, m.at.Column, fmt.Sprintf("%c cannot stand here", c)
			}
		}
	}
	bracket := '['
	if r := []rune(m.src.line(open.Line)); open.Column >= 1 && open.Column <= len(r) {
		bracket = r[open.Column-1]
	}
	closer := ']'
	if bracket == '{' {
		closer = '}'
	}
	c := m.char()
	switch {
	case c == 0 || m.at.Line > open.Line:
		return open.Line, open.Column, fmt.Sprintf("this %c is not closed: a %c is missing", bracket, closer)
	case c == ']' || c == '}':
		return m.at.Line, m.at.Column, fmt.Sprintf("a %c is missing before this %c: it closes the %c of column %d", closer, c, bracket, open.Column)
	case strings.Contains(m.message, "expected ','"):
		return m.at.Line, m.at.Column, fmt.Sprintf("a comma or %c is missing before this; a text with a colon, comma or bracket in it needs quotes around it", closer)
	}
	return m.at.Line, m.at.Column, fmt.Sprintf("%c cannot stand here", c)
}

// block explains a line whose indent does not fit.
func (m *mistake) block() (line, col int, why string) {
	runes := []rune(m.src.line(m.at.Line))
	before := string(runes[:min(max(m.at.Column-1, 0), len(runes))])
	c := m.char()
	switch {
	case strings.TrimSpace(before) != "":
		return m.at.Line, m.at.Column, `the text before this has ended, and this does not belong to it (a quote within quotes is written \" or '')`
	case c == '-' && m.from.Column == m.at.Column:
		return m.from.Line, m.from.Column, "a - is missing before this: what follows it are the entries of a list"
	}
	return m.at.Line, m.at.Column, fmt.Sprintf("the indent of this line fits none of the lines above; what it could belong to begins in column %d of line %d", m.from.Column, m.from.Line)
}

// openBracket finds the innermost [ or { that is open at a place. A quote, bracket or # counts as one only where a
// value or a comment can begin; the text of blocks (|) is stepped over.
func (s *source) openBracket(line, col int) (openLine, openCol int, ok bool) {
	type place struct {
		line, col int
	}
	var open []place
	var quote rune
	block := -1 // the indent of the line whose block is stepped over
	for n := 1; n <= min(line, len(s.lines)); n++ {
		text := []rune(s.line(n))
		indent := 0
		for indent < len(text) && text[indent] == ' ' {
			indent++
		}
		if block >= 0 && (indent > block || indent == len(text)) {
			continue
		}
		block = -1
		begins := true // a value can begin here
		for i := 0; i < len(text) && (n < line || i+1 < col); i++ {
			c := text[i]
			switch {
			case quote != 0:
				if c == '\\' && quote == '"' {
					i++
				} else if c == quote {
					quote = 0
				}
			case c == ' ' || c == '\t':
				if i > 0 && (text[i-1] == ':' || text[i-1] == '-') {
					begins = true
				}
				continue
			case c == '#' && (i == 0 || text[i-1] == ' '):
				i = len(text)
			case begins && (c == '"' || c == '\''):
				quote = c
			case (begins || len(open) > 0) && (c == '[' || c == '{'):
				open = append(open, place{n, i + 1})
				begins = true
				continue
			case len(open) > 0 && (c == ']' || c == '}'):
				open = open[:len(open)-1]
			case len(open) > 0 && c == ',':
				begins = true
				continue
			case begins && len(open) == 0 && (c == '|' || c == '>'):
				block, i = indent, len(text)
			}
			begins = false
		}
	}
	if len(open) == 0 {
		return 0, 0, false
	}
	last := open[len(open)-1]
	return last.line, last.col, true
}

// trap recognises the usual YAML mistakes of a line with a condition.
func trap(line string) (why string, col int) {
	body := strings.TrimLeft(line, " \t-{,")
	indent := len([]rune(line)) - len([]rune(body))
	key, rest, ok := strings.Cut(body, ":")
	if !ok || !isConditionKey(strings.TrimSpace(key)) {
		return "", 0
	}
	value := strings.TrimLeft(rest, " ")
	col = indent + len(key) + 1 + len(rest) - len(value) + 1
	switch {
	case value == "":
	case strings.ContainsRune("[{!", rune(value[0])), value[0] == '"' && goesOn(value), value[0] == '\'' && goesOn(value):
		return fmt.Sprintf("a condition that begins with %c needs \"%s: |\" with the condition on the next line, or single quotes around it", value[0], strings.TrimSpace(key)), col
	case value[0] != '"' && value[0] != '\'' && strings.Contains(value, ": "):
		return fmt.Sprintf("a condition that holds a colon and a blank needs \"%s: |\" with the condition on the next line, or single quotes around it", strings.TrimSpace(key)), col
	}
	return "", 0
}

// goesOn tells whether something that is no comment follows the closing quote of the text that a value begins with.
func goesOn(value string) bool {
	i := strings.IndexByte(value[1:], value[0])
	if i < 0 {
		return false
	}
	rest := strings.TrimLeft(value[i+2:], " ")
	return rest != "" && !strings.ContainsRune("#,}]", rune(rest[0]))
}

// unquotedValue finds a ${…} that stands outside quotes: the columns of its beginning and behind its end; 0 when there is none.
func unquotedValue(line string) (from, to int) {
	var quote rune
	runes := []rune(line)
	last := ' ' // the last character that is no blank
	for i, c := range runes {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case (c == '"' || c == '\'') && strings.ContainsRune(" :,[{-", last):
			quote = c
		case c == '$' && i+1 < len(runes) && runes[i+1] == '{':
			if end := slices.Index(runes[i:], '}'); end > 0 {
				return i + 1, i + end + 1
			}
			return i + 1, len(runes) + 1
		}
		if c != ' ' {
			last = c
		}
	}
	return 0, 0
}
