package client

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds on what a device may answer.
const (
	maxReply    = 4 << 20  // bytes of an XML answer
	maxSnapshot = 16 << 20 // bytes of a picture
	maxDepth    = 32
	maxNodes    = 200_000
)

// node is one element of an answer: local name, attributes, text, children.
type node struct {
	name string
	attr []xml.Attr
	text string
	kids []*node
	raw  bool // its text came in CDATA
}

// cdata opens a section of plain text.
const cdata = "<![CDATA["

// parse reads an XML document within the bounds above. Comments, processing
// instructions, name spaces and entity declarations are passed over.
func parse(body []byte) (*node, error) {
	if len(body) > maxReply {
		return nil, fmt.Errorf("answer of more than %d bytes", maxReply)
	}
	if start := bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), " \t\r\n"); !bytes.HasPrefix(start, []byte("<")) {
		return nil, errors.New("answer is not XML")
	}
	if !utf8.Valid(body) {
		body = bytes.ToValidUTF8(body, []byte("\uFFFD"))
	}
	d := xml.NewDecoder(bytes.NewReader(body))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	root := &node{}
	stack := []*node{root}
	text := [][]byte{nil} // what was read so far of each element of the stack
	nodes := 0
	for {
		start := d.InputOffset()
		tok, err := d.RawToken()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("answer is not XML: %w", err)
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if nodes++; nodes > maxNodes {
				return nil, errors.New("answer has too many elements")
			}
			if len(stack) > maxDepth {
				return nil, errors.New("answer is nested too deeply")
			}
			if len(stack) == 1 && len(root.kids) > 0 {
				return nil, errors.New("answer has more than one root element")
			}
			n := &node{name: t.Name.Local, attr: append([]xml.Attr(nil), t.Attr...)}
			top := stack[len(stack)-1]
			top.kids = append(top.kids, n)
			stack = append(stack, n)
			text = append(text, nil)
		case xml.EndElement:
			top := stack[len(stack)-1]
			if len(stack) == 1 || top.name != t.Name.Local {
				return nil, fmt.Errorf("answer is not XML: unexpected </%s>", cut(t.Name.Local, 64))
			}
			top.text = strings.TrimSpace(string(text[len(text)-1]))
			stack = stack[:len(stack)-1]
			text = text[:len(text)-1]
		case xml.CharData:
			text[len(text)-1] = append(text[len(text)-1], t...)
			if bytes.HasPrefix(body[start:], []byte(cdata)) {
				stack[len(stack)-1].raw = true
			}
		}
	}
	if len(stack) != 1 {
		return nil, errors.New("answer is not XML: it ends in the middle")
	}
	if len(root.kids) == 0 {
		return nil, errors.New("answer is not XML: it has no element")
	}
	return root.kids[0], nil
}

// at gives the first element along a path of names, or an empty one.
func (n *node) at(path ...string) *node {
	for _, name := range path {
		var next *node
		for _, k := range n.kids {
			if k.name == name {
				next = k
				break
			}
		}
		if next == nil {
			return &node{}
		}
		n = next
	}
	return n
}

// kid gives the first child with one of some names, in any case, or an empty
// one. The names are tried in order.
func (n *node) kid(names ...string) *node {
	for _, name := range names {
		for _, k := range n.kids {
			if strings.EqualFold(k.name, name) {
				return k
			}
		}
	}
	return &node{}
}

// items gives the children called item.
func (n *node) items() []*node {
	var out []*node
	for _, k := range n.kids {
		if k.name == "item" {
			out = append(out, k)
		}
	}
	return out
}

// find gives the value of an attribute.
func (n *node) find(name string) (string, bool) {
	for _, a := range n.attr {
		if a.Name.Local == name {
			return strings.TrimSpace(a.Value), true
		}
	}
	return "", false
}

// number reads a non-negative number; false when it is absent or none.
func number(s string) (int, bool) {
	v, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, false
	}
	return int(v), true
}

// request builds the body of a request. Every value that comes from outside
// goes through text, so that nothing in it can become markup.
type request struct{ b bytes.Buffer }

func newRequest(version string) *request {
	r := &request{}
	r.b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	r.open("config", "version", version, "xmlns", "http://www.ipc.com/ver10")
	return r
}

// open writes a start tag; attrs are pairs of constant name and plain value.
func (r *request) open(name string, attrs ...string) {
	r.b.WriteByte('<')
	r.b.WriteString(name)
	for i := 0; i+1 < len(attrs); i += 2 {
		fmt.Fprintf(&r.b, ` %s="`, attrs[i])
		_ = xml.EscapeText(&r.b, []byte(attrs[i+1])) // a bytes.Buffer does not fail
		r.b.WriteByte('"')
	}
	r.b.WriteByte('>')
}

func (r *request) close(name string) {
	r.b.WriteString("</")
	r.b.WriteString(name)
	r.b.WriteByte('>')
}

// text writes an element with a text value: in CDATA as the devices' documents
// do, and with entities where CDATA could not hold it (a device's parser may
// take only the first of two CDATA sections).
func (r *request) text(name, value string, attrs ...string) {
	r.open(name, attrs...)
	if strings.Contains(value, "]]>") || strings.ContainsFunc(value, unicode.IsControl) {
		_ = xml.EscapeText(&r.b, []byte(value))
	} else {
		r.b.WriteString(cdata)
		r.b.WriteString(value)
		r.b.WriteString("]]>")
	}
	r.close(name)
}

// plain writes an element with a number or a word of our own.
func (r *request) plain(name, value string, attrs ...string) {
	r.open(name, attrs...)
	_ = xml.EscapeText(&r.b, []byte(value))
	r.close(name)
}

// node writes what a device sent, as it sent it, but for blanks around text.
func (r *request) node(n *node) {
	var attrs []string
	for _, a := range n.attr {
		name := a.Name.Local
		if a.Name.Space != "" {
			name = a.Name.Space + ":" + name
		}
		attrs = append(attrs, name, a.Value)
	}
	switch {
	case len(n.kids) == 0 && n.raw:
		r.text(n.name, n.text, attrs...)
	case len(n.kids) == 0:
		r.plain(n.name, n.text, attrs...)
	default:
		r.open(n.name, attrs...)
		for _, k := range n.kids {
			r.node(k)
		}
		r.close(n.name)
	}
}

func (r *request) bytes() []byte {
	r.close("config")
	r.b.WriteByte('\n')
	return r.b.Bytes()
}

// checkText refuses what XML or a device cannot carry. max is in characters.
func checkText(what, s string, max int) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("%s %q is not valid UTF-8", what, cut(s, 64))
	}
	if n := utf8.RuneCountInString(s); n > max {
		return fmt.Errorf("%s %q has %d characters; a camera takes at most %d", what, cut(s, 40), n, max)
	}
	for _, c := range s {
		if unicode.IsControl(c) || c == '\uFFFE' || c == '\uFFFF' || c == utf8.RuneError {
			return fmt.Errorf("%s %q holds the character %U, which a camera cannot take", what, s, c)
		}
	}
	return nil
}
