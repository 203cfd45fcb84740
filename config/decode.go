package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// decoder walks the YAML nodes by hand, so that every problem has its place and the text of a value is the text that
// was written (0123 stays 0123).
type decoder struct {
	file     string
	dir      string
	lines    []string
	masks    []mask
	problems []Problem
	// meant are the keys that were misspelt, each after the beginning of its mapping's messages.
	meant []string
	// keys, when not nil, is told the keys of every mapping that is read. The schema is made so.
	keys func(where string, fields []field, reserved []string)
}

// mask is a plain secret in the source.
type mask struct {
	line, col int
	text      string
}

// field is one key of a mapping: what reads its value.
type field struct {
	name string
	read func(value *yaml.Node)
}

// at is the place of a problem.
type at struct{ line, col int }

func place(n *yaml.Node) at { return at{n.Line, n.Column} }

func (d *decoder) errorf(n *yaml.Node, format string, args ...any) {
	d.add(place(n), false, fmt.Sprintf(format, args...))
}

func (d *decoder) warnf(n *yaml.Node, format string, args ...any) {
	d.add(place(n), true, fmt.Sprintf(format, args...))
}

func (d *decoder) add(where at, warning bool, message string) {
	p := Problem{File: d.file, Line: where.line, Col: where.col, Message: message, Warning: warning}
	if where.line >= 1 && where.line <= len(d.lines) {
		p.Source, p.caret = d.sourceLine(where)
	}
	d.problems = append(d.problems, p)
}

// sourceLine is the line with its plain secrets masked and a long rest cut off, and the column at which the place
// then is; 0 when the place itself is not shown.
func (d *decoder) sourceLine(where at) (string, int) {
	line := []rune(d.lines[where.line-1])
	caret := where.col
	var here []mask
	for _, m := range d.masks {
		if m.line == where.line {
			here = append(here, m)
		}
	}
	// From the right, so that the columns of the others stay true.
	slices.SortFunc(here, func(a, b mask) int { return cmp.Compare(b.col, a.col) })
	for _, m := range here {
		if m.col < 1 || m.col > len(line)+1 {
			continue
		}
		length := scalarLength(line[m.col-1:], m.text)
		end := m.col - 1 + length
		line = slices.Concat(line[:m.col-1], []rune(masked), line[end:])
		switch {
		case caret >= m.col+length:
			caret += len(masked) - length
		case caret > m.col:
			caret = m.col
		}
	}
	const widest = 200
	if len(line) > widest {
		line = append(line[:widest:widest], '…')
	}
	if caret > len(line)+1 {
		caret = 0
	}
	return string(line), caret
}

// scalarLength is how many characters the scalar at the beginning of source takes: a quoted one to its closing
// quote, a plain one as long as its value, anything else (a block, several lines) the rest of the line.
func scalarLength(source []rune, value string) int {
	if len(source) == 0 {
		return 0
	}
	switch q := source[0]; q {
	case '"', '\'':
		for i := 1; i < len(source); i++ {
			switch {
			case q == '"' && source[i] == '\\':
				i++
			case source[i] == q && q == '\'' && i+1 < len(source) && source[i+1] == '\'':
				i++
			case source[i] == q:
				return i + 1
			}
		}
		return len(source)
	}
	if v := []rune(value); len(v) > 0 && len(v) <= len(source) && slices.Equal(v, source[:len(v)]) {
		return len(v)
	}
	return len(source)
}

// findMasks notes every plain secret of the tree, whether or not the key is one that exists: the problem may be that
// the key was misspelt. A URL is one where it may hold an account (user:password@), and always among the notifiers
// (urls). Whatever stands under secrets without {env: …} or {file: …} is one.
func (d *decoder) findMasks(n *yaml.Node, depth int, urls bool) {
	if depth > 32 {
		return
	}
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			if value.Kind == yaml.ScalarNode && (secretKey(key.Value) || strings.Contains(value.Value, "@") || urls && strings.Contains(value.Value, "://")) {
				d.masks = append(d.masks, mask{value.Line, value.Column, value.Value})
			}
			d.findMasks(value, depth+1, urls || depth == 0 && key.Value == "notifiers")
			if depth == 0 && secretKey(key.Value) {
				d.maskAll(value, depth+1)
			}
		}
		return
	}
	for _, c := range n.Content {
		d.findMasks(c, depth+1, urls)
	}
}

// maskAll notes every value below n but names of variables and files.
func (d *decoder) maskAll(n *yaml.Node, depth int) {
	for i, v := range n.Content {
		name := n.Kind == yaml.MappingNode && (i%2 == 0 || n.Content[i-1].Value == "env" || n.Content[i-1].Value == "file")
		switch {
		case v.Kind == yaml.ScalarNode && !name:
			d.masks = append(d.masks, mask{v.Line, v.Column, v.Value})
		case v.Kind != yaml.ScalarNode && depth < 32:
			d.maskAll(v, depth+1)
		}
	}
}

// secretKey tells whether a key of that name probably has a secret as its value.
func secretKey(key string) bool {
	key = strings.ToLower(key)
	for _, word := range []string{"pass", "token", "secret", "psk", "credential"} {
		if strings.Contains(key, word) {
			return true
		}
	}
	return nearest(key, []string{"password", "token", "secret", "passphrase"}) != ""
}

// maskKeys finds the secrets of a file whose YAML cannot be read, by the words in its lines.
func (d *decoder) maskKeys() {
	within := false // the secrets, a name a line
	for i, line := range d.lines {
		if name, rest, found := strings.Cut(line, ":"); found && line[0] != ' ' {
			within = secretKey(strings.Trim(name, "\"' ")) && strings.TrimSpace(rest) == ""
		} else if found && within {
			d.masks = append(d.masks, mask{i + 1, len([]rune(name)) + 2, ""})
			continue
		}
		key, _, found := strings.Cut(line, ":")
		start := len(key) + 1
		for rest := line; found; {
			words := strings.FieldsFunc(key, func(r rune) bool { return strings.ContainsRune(" \t{},-\"'", r) })
			if len(words) > 0 && secretKey(words[len(words)-1]) {
				d.masks = append(d.masks, mask{i + 1, len([]rune(line[:start])) + 1, ""})
				break
			}
			rest = line[start:]
			key, _, found = strings.Cut(rest, ":")
			start += len(key) + 1
		}
	}
}

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for i := 0; n.Kind == yaml.AliasNode && n.Alias != nil && i < 8; i++ {
		n = n.Alias
	}
	return n
}

// kindName is what a person calls a node.
func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		if isNull(n) {
			return "nothing"
		}
		return quote(n.Value)
	}
	return "something else"
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// misspelt tells whether a key of the mapping was probably meant to be this one. That it is missing then need not be
// said, too.
func (d *decoder) misspelt(where string, keys ...string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { return slices.Contains(d.meant, where+key) })
}

// mapping reads the keys of n. where is the beginning of its messages (`relay "gate": `). Reserved keys are accepted
// with a warning and handed to onReserved. It tells whether n was a mapping.
func (d *decoder) mapping(n *yaml.Node, where string, fields []field, reserved []string, onReserved func(key string)) bool {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		names := make([]string, len(fields))
		for i, f := range fields {
			names[i] = f.name
		}
		d.errorf(n, "%swant a mapping with %s, found %s", where, strings.Join(names, ", "), kindName(n))
		return false
	}
	if d.keys != nil {
		d.keys(where, fields, reserved)
	}
	d.pairs(n, where, func(key, value *yaml.Node) {
		for _, f := range fields {
			if f.name == key.Value {
				f.read(value)
				return
			}
		}
		if slices.Contains(reserved, key.Value) {
			d.warnf(key, "%s%s: is not used in this version", where, key.Value)
			onReserved(key.Value)
			return
		}
		if key.Value == "<<" {
			d.errorf(key, "%smerging with << is not supported; write the keys out", where)
			return
		}
		names := make([]string, 0, len(fields)+len(reserved))
		for _, f := range fields {
			names = append(names, f.name)
		}
		known := append(slices.Clone(names), reserved...)
		hint := didYouMean(key.Value, known)
		if hint != "" {
			d.meant = append(d.meant, where+nearest(key.Value, known))
		} else {
			hint = " (there are " + strings.Join(names, ", ") + ")"
		}
		d.errorf(key, "%sunknown key %s%s", where, quote(key.Value), hint)
	})
	return true
}

// pairs calls each for every key of a mapping, reporting keys that are no text or come twice.
func (d *decoder) pairs(n *yaml.Node, where string, each func(key, value *yaml.Node)) {
	lines := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := resolve(n.Content[i]), n.Content[i+1]
		if key.Kind != yaml.ScalarNode || isNull(key) {
			d.errorf(n.Content[i], "%sa key must be a word, found %s", where, kindName(key))
			continue
		}
		if first, twice := lines[key.Value]; twice {
			d.errorf(n.Content[i], "%s%s is here twice; the first is in line %d", where, quote(key.Value), first)
			continue
		}
		lines[key.Value] = key.Line
		each(key, value)
	}
}

// named reads a mapping from names to things (`relays:`); what is the word for one of them.
func (d *decoder) named(n *yaml.Node, section, what string, each func(key, value *yaml.Node)) {
	n = resolve(n)
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.errorf(n, "%s: want a mapping from names to %s, found %s", section, section, kindName(n))
		return
	}
	d.pairs(n, section+": ", func(key, value *yaml.Node) {
		if !validName(key.Value) {
			suggestion := ""
			if s := likelyName(key.Value); s != "" {
				suggestion = fmt.Sprintf(" (try %q)", s)
			}
			d.errorf(key, "%s: %s is not a name for a %s: small letters, digits and -, a letter first%s",
				section, quote(key.Value), what, suggestion)
			return
		}
		each(key, value)
	})
}

// text reads a word or line as it is written in the source.
func (d *decoder) text(n *yaml.Node, where string, into *string) bool {
	v := resolve(n)
	if v.Kind != yaml.ScalarNode {
		d.errorf(n, "%swant a text, found %s", where, kindName(v))
		return false
	}
	if v.Style&yaml.TaggedStyle != 0 {
		d.errorf(n, "%stags like %s are not supported", where, v.Tag)
		return false
	}
	if isNull(v) || v.Value == "" {
		d.errorf(n, "%sis empty", where)
		return false
	}
	if strings.ContainsFunc(v.Value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		d.errorf(n, "%sholds a line break or another control character", where)
		return false
	}
	*into = v.Value
	return true
}

func (d *decoder) boolean(n *yaml.Node, where string, into *bool) {
	v := resolve(n)
	if v.Kind == yaml.ScalarNode && v.Style == 0 {
		switch v.Value {
		case "true":
			*into = true
			return
		case "false":
			*into = false
			return
		}
	}
	d.errorf(n, "%swant true or false, found %s", where, kindName(v))
}

// integer reads a whole number from least to most.
func (d *decoder) integer(n *yaml.Node, where string, least, most int, into *int) bool {
	v := resolve(n)
	if v.Kind == yaml.ScalarNode && v.Style == 0 {
		i, err := strconv.Atoi(v.Value)
		if err == nil && strconv.Itoa(i) == v.Value {
			if i < least || i > most {
				d.errorf(n, "%s%d is not from %d to %d", where, i, least, most)
				return false
			}
			*into = i
			return true
		}
	}
	d.errorf(n, "%swant a whole number from %d to %d, found %s", where, least, most, kindName(v))
	return false
}

// decimal reads a number from least to most.
func (d *decoder) decimal(n *yaml.Node, where string, least, most float64, into *float64) bool {
	v := resolve(n)
	if v.Kind == yaml.ScalarNode && v.Style == 0 && strings.Trim(v.Value, "0123456789.-+") == "" {
		f, err := strconv.ParseFloat(v.Value, 64)
		if err == nil {
			if f < least || f > most {
				d.errorf(n, "%s%s is not from %g to %g", where, v.Value, least, most)
				return false
			}
			*into = f
			return true
		}
	}
	d.errorf(n, "%swant a number from %g to %g, found %s", where, least, most, kindName(v))
	return false
}

// duration reads a duration of at least the given length.
func (d *decoder) duration(n *yaml.Node, where string, least time.Duration, into *time.Duration) bool {
	v := resolve(n)
	if v.Kind != yaml.ScalarNode || isNull(v) {
		d.errorf(n, "%swant a duration like \"2s\", found %s", where, kindName(v))
		return false
	}
	got, err := ParseDuration(v.Value)
	if err != nil {
		d.errorf(n, "%s%v", where, err)
		return false
	}
	if got < least {
		if got == 0 {
			d.errorf(n, "%smust be more than 0", where)
		} else {
			d.errorf(n, "%s%s is less than %s", where, quote(v.Value), least)
		}
		return false
	}
	*into = got
	return true
}

// list calls each for every entry; a single scalar is refused.
func (d *decoder) list(n *yaml.Node, where string, each func(entry *yaml.Node)) {
	v := resolve(n)
	if v.Kind != yaml.SequenceNode {
		d.errorf(n, "%swant a list, found %s", where, kindName(v))
		return
	}
	for _, e := range v.Content {
		each(e)
	}
}

// finish sorts the problems by place.
func (d *decoder) finish() []Problem {
	slices.SortStableFunc(d.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return d.problems
}

// loadNode reads the YAML. A nil node without problems is an empty file.
func (d *decoder) loadNode(data []byte) *yaml.Node {
	var doc yaml.Node
	err := yaml.Load(data, &doc)
	if err == nil {
		if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
			return nil
		}
		return doc.Content[0]
	}
	d.maskKeys()
	var le *yaml.LoadError
	if !errors.As(err, &le) {
		d.add(at{}, false, "cannot be read as YAML: "+err.Error())
		return nil
	}
	message := strings.TrimPrefix(le.Message, "yaml: ")
	where := at{le.Mark.Line, le.Mark.Column}
	switch {
	case message == "no documents in stream":
		return nil
	case strings.HasPrefix(message, "expected single document"):
		d.add(at{}, false, "holds more than one YAML document (a line with ---); only one is read")
		return nil
	case message == "found character that cannot start any token" && where.line >= 1 && where.line <= len(d.lines) &&
		strings.HasPrefix(strings.TrimLeft(d.lines[where.line-1], " "), "\t"):
		message = "indented with a tab; YAML wants spaces"
	case le.ContextMsg != "":
		message = le.ContextMsg + ": " + message
	}
	d.add(where, false, "not valid YAML: "+message)
	return nil
}

// because is the reason in an error of the file system, without the path that stands in front of it anyway.
func because(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}
