package rulefile

import (
	"encoding/json"
	"math"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/engine"
	"go.yaml.in/yaml/v4"
)

// maxValue is how many characters of a ${…} are used.
const maxValue = 256

// template is a text with ${…} in it.
type template struct {
	source string // as written, for people
	parts  []part
}

// part is a constant text, or the value of an expression.
type part struct {
	text  string
	value textFunc
	any   anyFunc
}

// constant is the text when there is no ${…} in it.
func (t *template) constant() (string, bool) {
	switch {
	case len(t.parts) == 0:
		return "", true
	case len(t.parts) == 1 && t.parts[0].value == nil:
		return t.parts[0].text, true
	}
	return "", false
}

// single is the one part of a text that is exactly one ${…}.
func (t *template) single() *part {
	if len(t.parts) == 1 && t.parts[0].value != nil {
		return &t.parts[0]
	}
	return nil
}

// safeValue bounds a value and makes it text that can be shown anywhere.
func safeValue(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if len(s) <= maxValue {
		return s
	}
	n := 0
	for i := range s {
		if n == maxValue {
			return s[:i]
		}
		n++
	}
	return s
}

// loose makes the text; unknown values are empty in it.
func (t *template) loose(l *engine.Look) string {
	s, _ := t.make(l, nil)
	return s
}

// make puts the text together; known is false when a value is not. shape changes each value for the place it goes to.
func (t *template) make(l *engine.Look, shape func(string) string) (text string, known bool) {
	if s, ok := t.constant(); ok {
		return s, true
	}
	var b strings.Builder
	known = true
	for i := range t.parts {
		p := &t.parts[i]
		if p.value == nil {
			b.WriteString(p.text)
			continue
		}
		s, ok := p.value(l, nil)
		if !ok {
			known = false
			continue
		}
		s = safeValue(s)
		if shape != nil {
			s = shape(s)
		}
		b.WriteString(s)
	}
	return b.String(), known
}

// field makes the text of a form field, a variable or a header: absent when it is exactly one unknown ${…}.
func (t *template) field(l *engine.Look) (text string, present bool) {
	text, known := t.make(l, nil)
	return text, known || t.single() == nil
}

// template compiles a scalar's text; nil when it has errors.
func (rc *ruleCompiler) template(a at, n *yaml.Node, what string) *template {
	if n.Kind != yaml.ScalarNode || isNull(n) {
		if n.Kind == yaml.MappingNode && len(n.Content) == 2 {
			a.errorf(n, `%s is a text; text with ${…} needs quotes around it here: "${…}"`, what)
			return nil
		}
		a.errorf(n, "%s is a text, not %s", what, kindWord(n))
		return nil
	}
	if rest := trapTail(a.src, n); rest > 0 && strings.Count(n.Value, "${") > strings.Count(n.Value, "}") {
		a.put(n.Line, rest, false, "YAML takes what follows blank # as a comment; put quotes around the text")
		return nil
	}
	if len(n.Value) > 1<<16 {
		a.errorf(n, "%s is longer than 64 KB", what)
		return nil
	}
	t := &template{source: n.Value}
	sp := newSpan(a.src, n)
	ok := true
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			t.parts = append(t.parts, part{text: plain.String()})
			plain.Reset()
		}
	}
	s := n.Value
	for at := 0; at < len(s); {
		i := strings.Index(s[at:], "$")
		if i < 0 {
			plain.WriteString(s[at:])
			break
		}
		plain.WriteString(s[at : at+i])
		at += i
		switch {
		case strings.HasPrefix(s[at:], "$${"):
			plain.WriteString("${")
			at += 3
		case strings.HasPrefix(s[at:], "${"):
			end := closing(s[at+2:])
			if end < 0 {
				line, col := sp.place(runeLen(s[:at]))
				a.put(line, col, false, "${ has no closing }")
				return nil
			}
			flush()
			c := &compiler{ld: rc.ld, at: a, scope: rc.scope, span: sp.after(runeLen(s[:at+2])), uses: &rc.acts}
			if p, good := c.part(s[at+2 : at+2+end]); good {
				t.parts = append(t.parts, p)
			} else {
				ok = false
			}
			at += 2 + end + 1
		default:
			a.warnBare(sp, s, at)
			plain.WriteByte('$')
			at++
		}
		if len(t.parts) > 64 {
			a.errorf(n, "%s has more than 64 parts", what)
			return nil
		}
	}
	flush()
	if !ok {
		return nil
	}
	return t
}

// closing finds the } that ends an expression; -1 when there is none.
func closing(s string) int {
	depth := 0
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0 && c == '\\' && quote != '`':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '{':
			depth++
		case c == '}':
			if depth == 0 {
				return i
			}
			depth--
		}
	}
	return -1
}

// part compiles the expression in a ${…}.
func (c *compiler) part(text string) (part, bool) {
	n := c.parse(text)
	if n == nil {
		return part{}, false
	}
	v := c.value(n)
	if v == nil {
		return part{}, false
	}
	c.uses.steps = min(c.uses.steps+v.steps, muchTooMany)
	return part{value: v.asText(), any: v.asAny()}, true
}

// noControl takes out control characters, which would end a header or a line.
func noControl(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, s)
}

// noNUL takes out what cannot stand in an argument or a variable.
func noNUL(s string) string { return strings.ReplaceAll(s, "\x00", "") }

// percent encodes all but what never means anything in a URL.
func percent(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~' {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

// body is a JSON body as written in a rule, its values still to come.
type body struct {
	keys []string // of an object
	kids []*body  // of an object or a list
	kind byte     // { [ or, for a literal or a text, 0
	raw  string   // the literal
	text *template
}

// jsonBody compiles a node to a body; nil when it has errors.
func (rc *ruleCompiler) jsonBody(a at, n *yaml.Node, depth int) *body {
	if depth > 8 {
		a.errorf(n, "json is nested deeper than 8")
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		pairs, ok := a.mapping(n, "json", nil)
		b := &body{kind: '{'}
		for _, p := range pairs {
			k := rc.jsonBody(a, p.val, depth+1)
			ok = ok && k != nil
			b.keys = append(b.keys, string(appendString(nil, p.name)))
			b.kids = append(b.kids, k)
		}
		if !ok {
			return nil
		}
		return b
	case yaml.SequenceNode:
		items, ok := a.items(n, "a list in json")
		b := &body{kind: '['}
		for _, i := range items {
			k := rc.jsonBody(a, i, depth+1)
			ok = ok && k != nil
			b.kids = append(b.kids, k)
		}
		if !ok {
			return nil
		}
		return b
	}
	if isNull(n) {
		return &body{raw: "null"}
	}
	if isPlain(n) && (n.Value == "true" || n.Value == "false" || isJSONNumber(n.Value)) {
		return &body{raw: n.Value}
	}
	t := rc.template(a, n, "a value in json")
	if t == nil {
		return nil
	}
	if s, ok := t.constant(); ok {
		return &body{raw: string(appendString(nil, s))}
	}
	return &body{text: t}
}

// append writes the body; false when it is a single value that is unknown, and left out.
func (b *body) append(out []byte, l *engine.Look) ([]byte, bool) {
	switch {
	case b.kind != 0:
		out = append(out, b.kind)
		first := true
		for i, k := range b.kids {
			mark := len(out)
			if !first {
				out = append(out, ',')
			}
			if b.kind == '{' {
				out = append(out, b.keys[i]...)
				out = append(out, ':')
			}
			var ok bool
			if out, ok = k.append(out, l); !ok {
				out = out[:mark]
				continue
			}
			first = false
		}
		return append(out, b.kind+2), true
	case b.text == nil:
		return append(out, b.raw...), true
	}
	if p := b.text.single(); p != nil {
		v, ok := p.any(l, nil)
		if !ok || v == nil {
			return out, false
		}
		return appendJSON(out, v), true
	}
	return appendString(out, b.text.loose(l)), true
}

// isConstant tells whether there is no ${…} in the body.
func (b *body) isConstant() bool {
	if b.text != nil {
		return false
	}
	for _, k := range b.kids {
		if !k.isConstant() {
			return false
		}
	}
	return true
}

// appendJSON writes a value of a message; keys are sorted, so that equal values give equal text.
func appendJSON(out []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendString(out, safeValue(v))
	case bool:
		return strconv.AppendBool(out, v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return append(out, "null"...)
		}
		return append(out, formatNumber(v)...)
	case []any:
		out = append(out, '[')
		for i, e := range v {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendJSON(out, e)
		}
		return append(out, ']')
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		out = append(out, '{')
		for i, k := range keys {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(appendString(out, k), ':')
			out = appendJSON(out, v[k])
		}
		return append(out, '}')
	}
	return append(out, "null"...)
}

// appendString writes a JSON string.
func appendString(out []byte, s string) []byte {
	// A string always has a JSON form; what is not UTF-8 in it is replaced.
	q, _ := json.Marshal(s)
	return append(out, q...)
}

// isJSONNumber tells whether a text is a number as JSON writes it: 12 and -0.5 are, 0123 and 1_000 are not.
func isJSONNumber(s string) bool {
	if s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9') || len(s) > 40 || !utf8.ValidString(s) {
		return false
	}
	return json.Valid([]byte(s))
}
