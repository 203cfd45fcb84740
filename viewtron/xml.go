package viewtron

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// scanner walks the elements of one XML document without building anything. It
// checks what tells a whole document from a cut or a garbled one: that every
// element ends, in order, that attributes are quoted, that there is one root and
// nothing after it. It does not expand anything but the five named entities and
// numeric character references, and knows no namespaces.
//
// After [scanner.child] has said true the element is open and the caller must do
// exactly one of: loop over its children with child, read it with leaf or
// gather, or skip it. The first error sticks and ends all loops.
type scanner struct {
	b    []byte
	pos  int
	err  *Error
	name []byte // of the element opened last
	tag  []byte // its attributes, as written
	// count is its count="…", nil when there is none. It is looked at on every
	// element, because a hostile one refuses the post.
	count []byte
	loose []byte // the last text passed over by child
	empty bool   // it closed itself: <name/>
	depth int
	open  [MaxDepth]span // the names of the open elements
}

type span struct{ from, to int }

// stop tells the bytes that end a name.
var stop = [256]bool{
	0: true, '\t': true, '\n': true, '\r': true, ' ': true, '>': true, '/': true, '<': true, '=': true,
	'"': true, '\'': true, '&': true, '!': true, '?': true,
}

const (
	cdataOpen  = "<![CDATA["
	cdataClose = "]]>"
)

// root opens the root element. It says false for an error and for a document
// that is blank from end to end; blank is then true.
func (s *scanner) root() (blank, ok bool) {
	b := s.b
	if bytes.HasPrefix(b, []byte("\xef\xbb\xbf")) {
		s.pos = 3
	} else if bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")) {
		s.fail(0, "UTF-16 is not read, only UTF-8")
		return false, false
	}
	seen := false
	for s.err == nil {
		i := s.pos
		for i < len(b) && (b[i] <= ' ') {
			i++
		}
		if i == len(b) {
			if !seen {
				return true, false
			}
			s.fail(i, "the post ends before its root element")
			break
		}
		if b[i] != '<' {
			s.fail(i, fmt.Sprintf("%q where an XML element was expected", head(b[i:])))
			break
		}
		if i+1 < len(b) && (b[i+1] == '!' || b[i+1] == '?') {
			if bytes.HasPrefix(b[i:], []byte(cdataOpen)) {
				s.fail(i, "text outside the root element")
				break
			}
			seen = true
			s.misc(i)
			continue
		}
		return false, s.start(i)
	}
	return false, false
}

// end checks that only blanks, comments and instructions follow the root.
func (s *scanner) end() {
	b := s.b
	for s.err == nil {
		i := s.pos
		for i < len(b) && b[i] <= ' ' {
			i++
		}
		if i == len(b) {
			return
		}
		if b[i] != '<' || i+1 < len(b) && b[i+1] != '!' && b[i+1] != '?' || bytes.HasPrefix(b[i:], []byte(cdataOpen)) {
			s.fail(i, fmt.Sprintf("%q after the root element", head(b[i:])))
			return
		}
		s.misc(i)
	}
}

// child opens the next child of the open element, or closes that element and
// says false. Text between children is passed over.
func (s *scanner) child() bool {
	if s.empty {
		s.empty = false
		s.depth--
		return false
	}
	b := s.b
	for s.err == nil {
		i := s.pos
		for i < len(b) && b[i] <= ' ' {
			i++
		}
		if i < len(b) && b[i] != '<' {
			k := bytes.IndexByte(b[i:], '<')
			if k < 0 {
				s.cut()
				return false
			}
			s.loose = trim(b[i : i+k])
			i += k
		}
		if i+1 >= len(b) {
			s.cut()
			return false
		}
		switch b[i+1] {
		case '/':
			s.close(i)
			return false
		case '!', '?':
			s.misc(i)
			if s.err == nil && bytes.HasPrefix(b[i:], []byte(cdataOpen)) {
				if t := trim(b[i+len(cdataOpen) : s.pos-len(cdataClose)]); len(t) > 0 {
					s.loose = t
				}
			}
		default:
			return s.start(i)
		}
	}
	return false
}

// skip passes over the open element with all that is in it.
func (s *scanner) skip() {
	for above := s.depth - 1; s.depth > above && s.err == nil; {
		s.child()
	}
}

// leaf gives the text of the open element when it is in one piece, plain or
// CDATA, with only blanks around it, and closes the element. When it is not, ok
// is false and nothing has moved.
func (s *scanner) leaf() (t []byte, cdata, ok bool) {
	if s.empty {
		s.empty = false
		s.depth--
		return nil, false, true
	}
	b, i := s.b, s.pos
	k := bytes.IndexByte(b[i:], '<')
	if k < 0 {
		s.cut()
		return nil, false, false
	}
	j := i + k
	if j+1 < len(b) && b[j+1] == '/' {
		s.close(j)
		return b[i:j], false, s.err == nil
	}
	if !bytes.HasPrefix(b[j:], []byte(cdataOpen)) || len(trim(b[i:j])) > 0 {
		return nil, false, false
	}
	from := j + len(cdataOpen)
	n := bytes.Index(b[from:], []byte(cdataClose))
	if n < 0 {
		s.cut()
		return nil, false, false
	}
	to := from + n
	m := to + len(cdataClose)
	for m < len(b) && b[m] <= ' ' {
		m++
	}
	if m+1 < len(b) && b[m] == '<' && b[m+1] == '/' {
		s.close(m)
		return b[from:to], true, s.err == nil
	}
	return nil, false, false
}

// gather appends the text of the open element, however many pieces it is in, to
// dst and closes the element. Elements inside it are passed over. It stops
// appending soon after limit bytes.
func (s *scanner) gather(dst []byte, limit int) []byte {
	if s.empty {
		s.empty = false
		s.depth--
		return dst
	}
	b, limit := s.b, limit+len(dst)
	for s.err == nil {
		k := bytes.IndexByte(b[s.pos:], '<')
		if k < 0 || s.pos+k+1 >= len(b) {
			s.cut()
			break
		}
		i := s.pos + k
		dst = appendText(dst, b[s.pos:i], false, limit)
		switch {
		case b[i+1] == '/':
			s.close(i)
			return dst
		case bytes.HasPrefix(b[i:], []byte(cdataOpen)):
			s.misc(i)
			if s.err == nil {
				dst = appendText(dst, b[i+len(cdataOpen):s.pos-len(cdataClose)], true, limit)
			}
		case b[i+1] == '!' || b[i+1] == '?':
			s.misc(i)
		default:
			if s.start(i) {
				s.skip()
			}
		}
	}
	return dst
}

// start opens the element whose tag begins at i.
func (s *scanner) start(i int) bool {
	b := s.b
	j := i + 1
	for j < len(b) && !stop[b[j]] {
		j++
	}
	if j == len(b) {
		s.cut()
		return false
	}
	c := b[i+1]
	if j == i+1 || c == '-' || c == '.' || c >= '0' && c <= '9' || j-i > MaxTag {
		s.fail(i, fmt.Sprintf("%q is not a tag", head(b[i:])))
		return false
	}
	if s.depth == MaxDepth {
		s.fail(i, fmt.Sprintf("elements more than %d deep", MaxDepth))
		return false
	}
	s.name = b[i+1 : j]
	s.open[s.depth] = span{i + 1, j}
	s.depth++
	s.count = nil
	if b[j] == '>' {
		s.tag = nil
		s.pos = j + 1
		return true
	}
	return s.attributes(i, j)
}

// attributes reads the rest of the tag that begins at i, from j on.
func (s *scanner) attributes(i, j int) bool {
	b := s.b[:min(len(s.b), i+MaxTag)]
	from := j
	for {
		k := j
		for k < len(b) && b[k] <= ' ' {
			k++
		}
		if k == len(b) {
			break
		}
		if b[k] == '>' {
			s.tag = b[from:k]
			s.pos = k + 1
			return s.countServes(i)
		}
		if b[k] == '/' {
			if k+1 == len(b) {
				break
			}
			if b[k+1] != '>' {
				s.fail(k, `"/" inside a tag`)
				return false
			}
			s.tag = b[from:k]
			s.pos = k + 2
			s.empty = true
			return s.countServes(i)
		}
		name := k
		for k < len(b) && !stop[b[k]] {
			k++
		}
		if k == len(b) {
			break
		}
		if k == name || name == j {
			s.fail(name, fmt.Sprintf("%q is not an attribute", head(b[name:])))
			return false
		}
		nameEnd := k
		for k < len(b) && b[k] <= ' ' {
			k++
		}
		if k == len(b) {
			break
		}
		if b[k] != '=' {
			s.fail(k, fmt.Sprintf("the attribute %q has no value", head(b[name:nameEnd])))
			return false
		}
		k++
		for k < len(b) && b[k] <= ' ' {
			k++
		}
		if k == len(b) {
			break
		}
		quote := b[k]
		if quote != '"' && quote != '\'' {
			s.fail(k, fmt.Sprintf("the value of the attribute %q is not quoted", head(b[name:nameEnd])))
			return false
		}
		k++
		n := bytes.IndexByte(b[k:], quote)
		if n < 0 {
			break
		}
		value := b[k : k+n]
		if bytes.IndexByte(value, '<') >= 0 {
			s.fail(k, fmt.Sprintf(`"<" in the value of the attribute %q`, head(b[name:nameEnd])))
			return false
		}
		if s.count == nil && string(b[name:nameEnd]) == "count" {
			s.count = value
		}
		j = k + n + 1
	}
	if len(b) < len(s.b) {
		s.fail(i, fmt.Sprintf("a tag of more than %d bytes", MaxTag))
	} else {
		s.cut()
	}
	return false
}

// countServes refuses a post whose list claims a number of entries that cannot
// be. A plate's confidence is also called count; what that may be is the
// decoder's to say.
func (s *scanner) countServes(i int) bool {
	if s.count == nil || isConfidence(s.name) {
		return true
	}
	if n, ok := digits(trim(s.count)); ok && n > MaxCount {
		s.fail(i, fmt.Sprintf("%s has count=%q, more than %d", head(s.name), head(s.count), MaxCount))
		return false
	}
	return true
}

// attribute is the value of one attribute of the element opened last, nil when
// it has none of that name.
func (s *scanner) attribute(want string) []byte {
	b := s.tag
	for {
		for len(b) > 0 && b[0] <= ' ' {
			b = b[1:]
		}
		n := 0
		for n < len(b) && !stop[b[n]] {
			n++
		}
		name := b[:n]
		q := n
		for q < len(b) && b[q] != '"' && b[q] != '\'' {
			q++
		}
		if q >= len(b) {
			return nil
		}
		end := bytes.IndexByte(b[q+1:], b[q])
		if end < 0 {
			return nil
		}
		if string(name) == want {
			return trim(b[q+1 : q+1+end])
		}
		b = b[q+1+end+1:]
	}
}

// close closes the open element with the end tag that begins at i.
func (s *scanner) close(i int) {
	b := s.b
	o := s.open[s.depth-1]
	j := i + 2 + o.to - o.from
	if j < len(b) && string(b[i+2:j]) == string(b[o.from:o.to]) {
		for j < len(b) && b[j] <= ' ' {
			j++
		}
		if j < len(b) && b[j] == '>' {
			s.pos = j + 1
			s.depth--
			return
		}
	}
	if bytes.IndexByte(b[i:], '>') < 0 {
		s.cut()
		return
	}
	s.fail(i, fmt.Sprintf("%q where </%s> was expected", head(b[i:]), head(b[o.from:o.to])))
}

// misc passes over the comment, CDATA section or instruction at i.
func (s *scanner) misc(i int) {
	rest := s.b[i:]
	var until string
	skip := 0
	switch {
	case bytes.HasPrefix(rest, []byte("<!--")):
		until, skip = "-->", 4
	case bytes.HasPrefix(rest, []byte(cdataOpen)):
		until, skip = cdataClose, len(cdataOpen)
	case bytes.HasPrefix(rest, []byte("<?")):
		until, skip = "?>", 2
	case bytes.HasPrefix(rest, []byte("<!DOCTYPE")):
		s.fail(i, "a DOCTYPE is refused")
		return
	case bytes.HasPrefix([]byte("<!--"), rest), bytes.HasPrefix([]byte(cdataOpen), rest), bytes.HasPrefix([]byte("<!DOCTYPE"), rest):
		s.cut()
		return
	default:
		s.fail(i, fmt.Sprintf("%q is not a tag", head(rest)))
		return
	}
	n := bytes.Index(rest[skip:], []byte(until))
	if n < 0 {
		s.cut()
		return
	}
	s.pos = i + skip + n + len(until)
}

func (s *scanner) cut() {
	if s.depth > 0 {
		o := s.open[s.depth-1]
		s.fail(len(s.b), fmt.Sprintf("the post ends inside <%s>", head(s.b[o.from:o.to])))
		return
	}
	s.fail(len(s.b), "the post ends in the middle")
}

func (s *scanner) fail(at int, reason string) {
	if s.err == nil {
		s.err = &Error{Offset: at, Reason: reason}
	}
	s.empty = false
}

// head is the beginning of b, short enough for a message, and valid UTF-8.
func head(b []byte) string {
	const most = 24
	if len(b) > most {
		b = b[:most]
	}
	return string(bytes.ToValidUTF8(b, []byte("\uFFFD")))
}

func trim(b []byte) []byte {
	for len(b) > 0 && b[0] <= ' ' {
		b = b[1:]
	}
	for len(b) > 0 && b[len(b)-1] <= ' ' {
		b = b[:len(b)-1]
	}
	return b
}

// plain says whether t can be given out as it stands: ASCII without control
// characters and without references to resolve.
func plain(t []byte, cdata bool) bool {
	for _, c := range t {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c >= utf8.RuneSelf || c == '&' && !cdata {
			return false
		}
	}
	return true
}

// appendText appends t with its references resolved (not in CDATA) as valid
// UTF-8, and stops soon after dst is limit bytes long. A reference that is not
// one of XML's own, or is never closed, stays as it is written. Characters XML
// forbids become U+FFFD.
func appendText(dst, t []byte, cdata bool, limit int) []byte {
	for len(t) > 0 && len(dst) <= limit {
		c := t[0]
		switch {
		case c == '&' && !cdata:
			r, n := reference(t)
			dst = utf8.AppendRune(dst, allowed(r))
			t = t[n:]
		case c < utf8.RuneSelf:
			dst = utf8.AppendRune(dst, allowed(rune(c)))
			t = t[1:]
		default:
			r, n := utf8.DecodeRune(t)
			dst = utf8.AppendRune(dst, allowed(r))
			t = t[n:]
		}
	}
	return dst
}

// allowed is r, or U+FFFD for what XML 1.0 forbids in text.
func allowed(r rune) rune {
	switch {
	case r == '\t', r == '\n', r == '\r':
		return r
	case r < ' ', r == 0xFFFE, r == 0xFFFF, r > utf8.MaxRune, r >= 0xD800 && r <= 0xDFFF:
		return utf8.RuneError
	}
	return r
}

// reference reads the reference t begins with and says how long it is written.
func reference(t []byte) (rune, int) {
	end := bytes.IndexByte(t[:min(len(t), 12)], ';')
	if end < 0 {
		return '&', 1
	}
	switch name := t[1:end]; string(name) {
	case "lt":
		return '<', end + 1
	case "gt":
		return '>', end + 1
	case "amp":
		return '&', end + 1
	case "quot":
		return '"', end + 1
	case "apos":
		return '\'', end + 1
	default:
		if len(name) < 2 || name[0] != '#' {
			return '&', 1
		}
		base, num := rune(10), name[1:]
		if num[0] == 'x' {
			base, num = 16, num[1:]
		}
		if len(num) == 0 {
			return '&', 1
		}
		var r rune
		for _, c := range num {
			v := rune(hex(c))
			if v < 0 || v >= base {
				return '&', 1
			}
			r = min(r*base+v, utf8.MaxRune+1)
		}
		return r, end + 1
	}
}

// hex is the value of a hexadecimal digit, -1 when c is none.
func hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// digits reads a number of digits only; one past the largest uint64 is given as
// the largest. ok is false when t is empty or holds anything else.
func digits(t []byte) (n uint64, ok bool) {
	if len(t) == 0 {
		return 0, false
	}
	const most = ^uint64(0)
	for _, c := range t {
		if c < '0' || c > '9' {
			return 0, false
		}
		v := uint64(c - '0')
		if n > (most-v)/10 {
			n = most
			continue
		}
		n = n*10 + v
	}
	return n, true
}
