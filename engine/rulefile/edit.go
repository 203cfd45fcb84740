package rulefile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/scene"
	"github.com/sallyport/sallyport/engine/schedule"
	"go.yaml.in/yaml/v4"
)

// ErrNotThere is the error for something that is to be changed or removed and is not in the file.
const ErrNotThere = EditError("this is not in the file")

// Place is a zone or line as [EditPlace] writes it. What is empty or nil stays as it is in the file.
type Place struct {
	Name, Camera string
	// Points are the corners of a zone, or a line's two points. They count only without Import.
	Points []geometry.Point
	// Import is the camera's own zone or line that it is: perimeter/1.
	Import string
	// In is left or right, of a line.
	In string
	// Anchor is the point of a target that counts: bottom, center, top, of a zone also any.
	Anchor string
	// Classes are of a zone; empty and not nil is all.
	Classes        []string
	Margin         *int
	Settle, Linger *time.Duration
}

// EditPlace writes a zone or line into the text of a rule file; section is zones or lines. was is its name until now,
// empty for a new one; a nil p removes it. Comments, order, quotes and line ends of everything else stay. The text is
// not checked as a rule file is. The error is a [Problem] of a text that cannot be read, or an [EditError]:
// [ErrNotThere] when there is no was.
func EditPlace(text []byte, section, was string, p *Place) ([]byte, error) {
	if section != "zones" && section != "lines" {
		return nil, EditError("there is no section " + cut(section))
	}
	e, err := newEdit(text)
	if err != nil {
		return nil, err
	}
	if s, ok := e.doc.at(section); ok && s.val.Kind != yaml.MappingNode && !isNull(s.val) {
		return nil, EditError(section + " is no mapping in this file")
	}
	switch {
	case was == "" && p == nil:
		return nil, ErrNotThere
	case was == "":
		err = e.addPlace(section, p)
	default:
		s, ok := e.doc.at(section, was)
		switch {
		case !ok:
			return nil, ErrNotThere
		case p == nil:
			err = e.remove(was, section)
		case s.val.Kind != yaml.MappingNode:
			return nil, EditError(cut(was) + " is no mapping in this file")
		default:
			err = e.changePlace(section, was, p)
		}
	}
	if err != nil {
		return nil, err
	}
	return e.text()
}

// edit is a text that is being changed, and beside it what it must mean in the end.
type edit struct {
	doc  *document
	want *yaml.Node // the same change, made to the meaning
}

func newEdit(text []byte) (*edit, error) {
	doc, err := newDocument(text, "")
	if err != nil {
		return nil, err
	}
	again, err := newDocument(text, "")
	if err != nil {
		return nil, err
	}
	if again.top == nil {
		again.top = &yaml.Node{Kind: yaml.MappingNode}
	}
	return &edit{doc, again.top}, nil
}

// text gives the changed text, after a look whether it means what it should: everything as before, but for what was to
// be changed. Whatever was overlooked in the text, nothing else of the rules is changed by it.
func (e *edit) text() ([]byte, error) {
	if meaning(e.doc.top) != meaning(e.want) {
		return nil, errInPlace
	}
	return e.doc.data, nil
}

// meaning is what a file says, with nothing for a section that is empty.
func meaning(top *yaml.Node) string {
	var b strings.Builder
	if top == nil {
		return ""
	}
	for i := 0; i+1 < len(top.Content); i += 2 {
		v := top.Content[i+1]
		if isNull(v) || len(v.Content) == 0 && v.Kind != yaml.ScalarNode {
			continue
		}
		b.WriteString(strconv.Quote(top.Content[i].Value) + ":")
		canonical(&b, v)
		b.WriteByte('\n')
	}
	return b.String()
}

// apply makes a change to the text and reads it again.
func (e *edit) apply(all ...splice) error {
	if len(all) == 0 {
		return nil
	}
	data, err := spliced(e.doc.data, all)
	if err != nil {
		return err
	}
	doc, err := newDocument(data, "")
	if _, is := problemOf(err); is {
		return errInPlace
	}
	if err != nil {
		return err
	}
	e.doc = doc
	return nil
}

// wanted is the node of the meaning at a path. The path is that of the text.
func (e *edit) wanted(path ...any) *yaml.Node {
	n := e.want
	for _, step := range path {
		switch step := step.(type) {
		case string:
			i := keyIndex(n, step)
			if i < 0 {
				return nil
			}
			n = n.Content[2*i+1]
		case int:
			n = n.Content[step]
		}
	}
	return n
}

// value is something to write: its text, in one line, and its meaning.
type value struct {
	text string
	node *yaml.Node
}

func scalarValue(s string) (value, error) {
	t, err := written(s)
	if err != nil {
		return value{}, err
	}
	return value{t, readScalar(t)}, nil
}

func numberValue(n int) value {
	t := strconv.Itoa(n)
	return value{t, readScalar(t)}
}

func listValue(items []value) value {
	v := value{node: &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}}
	var texts []string
	for _, i := range items {
		texts = append(texts, i.text)
		v.node.Content = append(v.node.Content, i.node)
	}
	v.text = "[" + strings.Join(texts, ", ") + "]"
	return v
}

func pointValue(p geometry.Point) value {
	return listValue([]value{numberValue(int(p.X)), numberValue(int(p.Y))})
}

func polygonValue(points []geometry.Point) value {
	var all []value
	for _, p := range points {
		all = append(all, pointValue(p))
	}
	return listValue(all)
}

// field is one key to write.
type field struct {
	key   string
	value value
	gone  bool // it is to be removed instead
}

func mappingValue(fields []field) value {
	v := value{node: &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}}
	var texts []string
	for _, f := range fields {
		if !f.gone {
			texts = append(texts, f.key+": "+f.value.text)
			v.node.Content = append(v.node.Content, keyNode(f.key), f.value.node)
		}
	}
	v.text = "{" + strings.Join(texts, ", ") + "}"
	return v
}

func keyNode(key string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}
}

// fields are the keys of a place, in the order in which they are written.
func (p *Place) fields(section string) ([]field, error) {
	var out []field
	var failed error
	set := func(key, s string) {
		if s == "" {
			return
		}
		v, err := scalarValue(s)
		if err != nil {
			failed = err
		}
		out = append(out, field{key: key, value: v})
	}
	gone := func(keys ...string) {
		for _, k := range keys {
			out = append(out, field{key: k, gone: true})
		}
	}
	line := section == "lines"
	set("camera", p.Camera)
	switch {
	case p.Import != "":
		set("import", p.Import)
		gone("polygon", "from", "to")
	case len(p.Points) == 0:
	case line && len(p.Points) != 2:
		return nil, EditError(fmt.Sprintf("a line has 2 points, not %d", len(p.Points)))
	case line:
		out = append(out, field{key: "from", value: pointValue(p.Points[0])}, field{key: "to", value: pointValue(p.Points[1])})
		gone("import")
	default:
		out = append(out, field{key: "polygon", value: polygonValue(p.Points)})
		gone("import")
	}
	if line {
		set("in", p.In)
	}
	set("anchor", p.Anchor)
	if p.Settle != nil && !line {
		set("settle", durationText(*p.Settle))
	}
	if p.Margin != nil {
		out = append(out, field{key: "margin", value: numberValue(*p.Margin)})
	}
	if p.Linger != nil && !line {
		set("linger", durationText(*p.Linger))
	}
	if p.Classes != nil && !line {
		var all []value
		for _, c := range p.Classes {
			v, err := scalarValue(c)
			if err != nil {
				failed = err
			}
			all = append(all, v)
		}
		if len(all) == 0 {
			gone("classes")
		} else {
			out = append(out, field{key: "classes", value: listValue(all)})
		}
	}
	return out, failed
}

// durationText writes a duration as a rule file has it.
func durationText(d time.Duration) string {
	switch {
	case d == 0:
		return "0s"
	case d%time.Second == 0 && d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + "s"
	case d < time.Second && d%time.Millisecond == 0:
		return strconv.Itoa(int(d/time.Millisecond)) + "ms"
	}
	s := d.String()
	if t, ok := strings.CutSuffix(s, "m0s"); ok {
		s = t + "m"
	}
	if t, ok := strings.CutSuffix(s, "h0m"); ok {
		s = t + "h"
	}
	return s
}

// preset tells whether a key that is not in the file need not be written, for its value is the one that counts without
// it.
func preset(section string, f field) bool {
	v := f.value.text
	switch f.key {
	case "anchor":
		return v == "bottom"
	case "settle":
		return v == durationText(scene.DefaultSettle)
	case "linger":
		return v == durationText(scene.DefaultLinger)
	case "margin":
		if section == "lines" {
			return v == strconv.Itoa(scene.DefaultLineMargin)
		}
		return v == strconv.Itoa(scene.DefaultMargin)
	}
	return false
}

// equal tells whether a node says what a field is to say, however it is written.
func equal(n *yaml.Node, f field) bool {
	if n.Kind == yaml.ScalarNode && f.value.node.Kind == yaml.ScalarNode {
		switch f.key {
		case "settle", "linger":
			a, err1 := schedule.ParseDuration(n.Value)
			b, err2 := schedule.ParseDuration(f.value.node.Value)
			return err1 == nil && err2 == nil && a == b
		case "plate": // its spelling is the file's
			return engine.NormalPlate(n.Value) == engine.NormalPlate(f.value.node.Value)
		}
		return n.Value == f.value.node.Value
	}
	if f.key == "classes" {
		return slices.Equal(wordSet(n), wordSet(f.value.node))
	}
	var a, b strings.Builder
	canonical(&a, n)
	canonical(&b, f.value.node)
	return a.String() == b.String()
}

// wordSet are the sorted texts of a list, or the one text that stands for a list of one.
func wordSet(n *yaml.Node) []string {
	all := []string{n.Value}
	if n.Kind == yaml.SequenceNode {
		all = nil
		for _, c := range n.Content {
			all = append(all, c.Value)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (e *edit) addPlace(section string, p *Place) error {
	fields, err := p.fields(section)
	if err != nil {
		return err
	}
	fields = slices.DeleteFunc(fields, func(f field) bool { return f.gone || preset(section, f) })
	key, err := written(p.Name)
	if err != nil {
		return err
	}
	if _, ok := e.doc.at(section, p.Name); ok {
		return EditError(cut(p.Name) + " is in this file already")
	}
	v := mappingValue(fields)
	parent, ok := e.doc.at(section)
	text := key + ": " + v.text
	// A new one is written as the last one is.
	if ok && parent.val.Kind == yaml.MappingNode && !isFlow(parent.val) && !parent.flow && len(parent.val.Content) > 0 {
		if last := parent.val.Content[len(parent.val.Content)-1]; last.Kind == yaml.MappingNode && !isFlow(last) && last.Line > parent.val.Content[len(parent.val.Content)-2].Line {
			indent := strings.Repeat(" ", last.Column-1)
			text = key + ":"
			for _, f := range fields {
				text += e.doc.nl + indent + f.key + ": " + f.value.text
			}
		}
	}
	if err := e.addTo(section, p.Name, text, v); err != nil {
		return err
	}
	return nil
}

// addTo adds a named thing to a section, which is made when there is none.
func (e *edit) addTo(section, name, text string, v value) error {
	parent, ok := e.doc.at(section)
	var all []splice
	var err error
	switch {
	case !ok && e.doc.top == nil, !ok && !isFlow(e.doc.top):
		all, err = e.doc.newSection(section, text)
	case !ok:
		all, err = e.doc.add(spot{val: e.doc.top, limit: len(e.doc.data)}, []string{section + ": {" + text + "}"})
	case isEmptyNull(parent.val) && !parent.flow:
		var colon int
		if colon, err = e.doc.afterColon(parent.key, false); err == nil {
			at := e.doc.lineEnd(colon)
			if !e.doc.idle(colon, at) {
				return errInPlace
			}
			indent := e.doc.column(e.doc.offset(parent.key)) + "  "
			all = []splice{{at, at, e.doc.nl + indent + text}}
		}
	case isNull(parent.val):
		var s splice
		s, err = e.doc.put(parent, "{"+text+"}")
		all = []splice{s}
	default:
		all, err = e.doc.add(parent, []string{text})
	}
	if err != nil {
		return err
	}
	want := e.wanted(section)
	if want == nil {
		want = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		e.want.Content = append(e.want.Content, keyNode(section), want)
	} else if want.Kind == yaml.ScalarNode {
		*want = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	}
	want.Content = append(want.Content, keyNode(name), v.node)
	return e.apply(all...)
}

// newSection writes a section at the end of the file.
func (d *document) newSection(section, text string) ([]splice, error) {
	indent, before := "", ""
	if d.top != nil && len(d.top.Content) > 0 {
		from := d.offset(d.top.Content[0])
		indent = d.column(from)
	}
	end := len(d.data)
	if n := len(d.data); n > 0 && d.data[n-1] != '\n' && string(d.data) != bom {
		before = d.nl
	}
	if len(strings.TrimSpace(strings.TrimPrefix(string(d.data), bom))) > 0 {
		before += d.nl
	}
	return []splice{{end, end, before + indent + section + ":" + d.nl + indent + "  " + text + d.nl}}, nil
}

func (e *edit) changePlace(section, was string, p *Place) error {
	fields, err := p.fields(section)
	if err != nil {
		return err
	}
	m := e.wanted(section, was)
	fields = slices.DeleteFunc(fields, func(f field) bool { return keyIndex(m, f.key) < 0 && preset(section, f) })
	if err := e.setFields(fields, section, was); err != nil {
		return err
	}
	if p.Name == "" || p.Name == was {
		return nil
	}
	if _, ok := e.doc.at(section, p.Name); ok {
		return EditError(cut(p.Name) + " is in this file already")
	}
	key, err := written(p.Name)
	if err != nil {
		return err
	}
	s, _ := e.doc.at(section, was)
	if quoted, ok := quotedAs(s.key, keyNode(p.Name)); ok {
		key = quoted
	}
	sp, err := e.doc.rename(s, key)
	if err != nil {
		return err
	}
	in := e.wanted(section)
	in.Content[2*keyIndex(in, was)] = keyNode(p.Name)
	return e.apply(sp)
}

// setFields sets and removes keys of a mapping. What says the same already stays as it is written.
func (e *edit) setFields(fields []field, path ...any) error {
	// What is there is set first, then what is new is added, and last what goes is removed, so that the mapping is never
	// without a key.
	var all []splice
	var fresh []field
	for _, f := range fields {
		s, ok := e.doc.at(append(slices.Clone(path), f.key)...)
		switch {
		case f.gone:
		case !ok:
			fresh = append(fresh, f)
		case !equal(s.val, f):
			more, err := e.doc.change(s, f.value)
			if err != nil {
				return err
			}
			all = append(all, more...)
			*e.wanted(append(slices.Clone(path), f.key)...) = *f.value.node
		}
	}
	if err := e.apply(all...); err != nil {
		return err
	}
	if len(fresh) > 0 {
		s, _ := e.doc.at(path...)
		m := e.wanted(path...)
		var texts []string
		for _, f := range fresh {
			texts = append(texts, f.key+": "+f.value.text)
			m.Content = append(m.Content, keyNode(f.key), f.value.node)
		}
		more, err := e.doc.add(s, texts)
		if err != nil {
			return err
		}
		if err := e.apply(more...); err != nil {
			return err
		}
	}
	for _, f := range fields {
		if _, ok := e.doc.at(append(slices.Clone(path), f.key)...); f.gone && ok {
			if err := e.remove(f.key, path...); err != nil {
				return err
			}
		}
	}
	return nil
}

// change writes a value in the place of another. Of a list only the items that differ are touched.
func (d *document) change(s spot, v value) ([]splice, error) {
	if s.val.Kind != yaml.SequenceNode || v.node.Kind != yaml.SequenceNode || len(s.val.Content) == 0 || len(v.node.Content) == 0 {
		text := v.text
		// A text keeps its quotes.
		if quoted, ok := quotedAs(s.val, v.node); ok {
			text = quoted
		}
		one, err := d.put(s, text)
		return []splice{one}, err
	}
	var all []splice
	old, now := s.val.Content, v.node.Content
	same := min(len(old), len(now))
	for i := range same {
		var a, b strings.Builder
		canonical(&a, old[i])
		canonical(&b, now[i])
		if a.String() == b.String() {
			continue
		}
		more, err := d.change(d.child(s, i), value{flowText(now[i]), now[i]})
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	switch {
	case len(old) > same:
		one, err := d.cut(s, same, len(old)-same)
		return append(all, one), err
	case len(now) > same:
		var texts []string
		for _, n := range now[same:] {
			texts = append(texts, flowText(n))
		}
		more, err := d.add(s, texts)
		return append(all, more...), err
	}
	return all, nil
}

// quotedAs writes a text in the quotes that another has.
func quotedAs(old, now *yaml.Node) (string, bool) {
	if old.Kind != yaml.ScalarNode || now.Kind != yaml.ScalarNode || now.ShortTag() != "!!str" {
		return "", false
	}
	text := ""
	switch {
	case old.Style&yaml.DoubleQuotedStyle != 0:
		text = strconv.Quote(now.Value)
	case old.Style&yaml.SingleQuotedStyle != 0:
		text = "'" + strings.ReplaceAll(now.Value, "'", "''") + "'"
	}
	n := readScalar(text)
	return text, text != "" && n != nil && n.Value == now.Value && !strings.ContainsAny(text, "\r\n")
}

// flowText writes a value that this file made, in one line.
func flowText(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		if n.ShortTag() == "!!int" {
			return n.Value
		}
		t, _ := written(n.Value) // it was written so before
		return t
	}
	var texts []string
	for _, c := range n.Content {
		texts = append(texts, flowText(c))
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// remove takes a key out of a mapping.
func (e *edit) remove(key string, path ...any) error {
	s, ok := e.doc.at(path...)
	i := -1
	if ok {
		i = keyIndex(s.val, key)
	}
	if i < 0 {
		return ErrNotThere
	}
	one, err := e.doc.cut(s, i, 1)
	if err != nil {
		return err
	}
	m := e.wanted(path...)
	m.Content = slices.Delete(m.Content, 2*i, 2*i+2)
	return e.apply(one)
}

// ListEntry is an entry of a list of plates as it is written in a rule file.
type ListEntry struct {
	// Plate is as a person writes it. It is found whatever its case, blanks, dots and dashes.
	Plate string
	// Owner, From, Until, Schedule and Note are empty when they are not there. From and Until are days or times:
	// 2027-01-31, 2027-01-31 18:00.
	Owner, From, Until, Schedule, Note string
}

func (l ListEntry) fields() ([]field, error) {
	var out []field
	for _, f := range []struct{ key, text string }{
		{"plate", l.Plate}, {"owner", l.Owner}, {"from", l.From}, {"until", l.Until}, {"schedule", l.Schedule}, {"note", l.Note},
	} {
		if f.text == "" {
			out = append(out, field{key: f.key, gone: true})
			continue
		}
		v, err := scalarValue(f.text)
		if err != nil {
			return nil, err
		}
		out = append(out, field{key: f.key, value: v})
	}
	return out, nil
}

// EditListEntry adds an entry to a list that stands in the text of a rule file, or makes the entry of its plate say
// just this. Comments, order, quotes and line ends of everything else stay. The text is not checked as a rule file is.
// The error is a [Problem] of a text that cannot be read, or an [EditError]: [ErrNotThere] when there is no such list.
func EditListEntry(text []byte, list string, l ListEntry) ([]byte, error) {
	if engine.NormalPlate(l.Plate) == "" {
		return nil, EditError("the plate is missing")
	}
	e, at, err := editList(text, list, l.Plate)
	if err != nil {
		return nil, err
	}
	fields, err := l.fields()
	if err != nil {
		return nil, err
	}
	switch len(at) {
	case 0:
		err = e.addItem(list, mappingValue(fields))
	case 1:
		err = e.changeItem(list, at[0], fields)
	default:
		return nil, EditError(fmt.Sprintf("the plate %s is in this list %d times; edit the file", cut(l.Plate), len(at)))
	}
	if err != nil {
		return nil, err
	}
	return e.text()
}

// RemoveListEntry takes all entries of a plate out of a list that stands in the text of a rule file. Its error is as
// that of [EditListEntry]; [ErrNotThere] also when the plate is not in the list.
func RemoveListEntry(text []byte, list, plate string) ([]byte, error) {
	e, at, err := editList(text, list, plate)
	if err != nil {
		return nil, err
	}
	if len(at) == 0 {
		return nil, ErrNotThere
	}
	for _, i := range slices.Backward(at) {
		if err := e.removeItem(list, i); err != nil {
			return nil, err
		}
	}
	return e.text()
}

// editList begins an edit of a list; at are the numbers of the entries of a plate.
func editList(text []byte, list, plate string) (e *edit, at []int, err error) {
	if e, err = newEdit(text); err != nil {
		return nil, nil, err
	}
	s, ok := e.doc.at("lists", list)
	switch {
	case !ok:
		return nil, nil, ErrNotThere
	case keyIndex(s.val, "file") >= 0:
		return nil, nil, EditError("the list " + cut(list) + " is in a file of its own")
	case s.val.Kind != yaml.SequenceNode && !isNull(s.val):
		return nil, nil, EditError("the list " + cut(list) + " is no list in this file")
	}
	normal := engine.NormalPlate(plate)
	for i, item := range s.val.Content {
		n := item
		if k := keyIndex(item, "plate"); k >= 0 {
			n = item.Content[2*k+1]
		}
		if n.Kind == yaml.ScalarNode && engine.NormalPlate(n.Value) == normal {
			at = append(at, i)
		}
	}
	return e, at, nil
}

func (e *edit) addItem(list string, v value) error {
	s, _ := e.doc.at("lists", list)
	want := e.wanted("lists", list)
	var all []splice
	var err error
	switch {
	case isEmptyNull(s.val) && !s.flow:
		var colon int
		if colon, err = e.doc.afterColon(s.key, false); err == nil {
			at := e.doc.lineEnd(colon)
			if !e.doc.idle(colon, at) {
				return errInPlace
			}
			all = []splice{{at, at, e.doc.nl + e.doc.column(e.doc.offset(s.key)) + "  - " + v.text}}
		}
	case isNull(s.val):
		var one splice
		one, err = e.doc.put(s, "["+v.text+"]")
		all = []splice{one}
	default:
		all, err = e.doc.add(s, []string{v.text})
	}
	if err != nil {
		return err
	}
	if want.Kind == yaml.ScalarNode {
		*want = yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	}
	want.Content = append(want.Content, v.node)
	return e.apply(all...)
}

func (e *edit) changeItem(list string, i int, fields []field) error {
	s, _ := e.doc.at("lists", list, i)
	if s.val.Kind == yaml.MappingNode {
		return e.setFields(fields, "lists", list, i)
	}
	// The plate alone.
	if !slices.ContainsFunc(fields, func(f field) bool { return !f.gone && f.key != "plate" }) && !slices.ContainsFunc(fields, func(f field) bool { return f.key == "plate" && !equal(s.val, f) }) {
		return nil
	}
	for k := range fields {
		if f := &fields[k]; f.key == "plate" && equal(s.val, *f) {
			to, err := e.doc.end(s.val, s.flow, s.limit)
			if err != nil {
				return err
			}
			f.value = value{string(e.doc.data[e.doc.offset(s.val):to]), s.val}
		}
	}
	v := mappingValue(fields)
	one, err := e.doc.put(s, v.text)
	if err != nil {
		return err
	}
	*e.wanted("lists", list, i) = *v.node
	return e.apply(one)
}

// removeItem takes an entry out of a list. A list without entries is written [].
func (e *edit) removeItem(list string, i int) error {
	s, _ := e.doc.at("lists", list)
	want := e.wanted("lists", list)
	want.Content = slices.Delete(want.Content, i, i+1)
	one, err := e.doc.cut(s, i, 1)
	if err != nil {
		return err
	}
	if len(s.val.Content) > 1 || isFlow(s.val) {
		return e.apply(one)
	}
	colon, err := e.doc.afterColon(s.key, s.flow)
	if err != nil {
		return err
	}
	return e.apply(splice{colon, colon, " []"}, one)
}

// HasKey tells whether a named thing in the text of a rule file has a key: the line kerb an `in`.
func HasKey(text []byte, section, name, key string) bool {
	d, err := newDocument(text, "")
	if err != nil {
		return false
	}
	_, ok := d.at(section, name, key)
	return ok
}
