package rulefile

import (
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// span leads from a place in a scalar's text to the place in the file.
type span struct {
	src  *source
	node *yaml.Node
	from int // runes of the scalar before the text
	// places has the line and column of each rune of the scalar; made when first asked.
	places [][2]int
}

func newSpan(src *source, n *yaml.Node) *span { return &span{src: src, node: n} }

// after is the span of a text that begins some runes later in the same scalar.
func (s *span) after(runes int) *span {
	c := *s
	c.from += runes
	return &c
}

// place is the line and column of the character at an offset in the text.
func (s *span) place(offset int) (line, col int) {
	if s.places == nil {
		s.places = locate(s.src, s.node)
	}
	i := min(max(offset+s.from, 0), len(s.places)-1)
	// The end of a block is past its last line; a person looks for it at the end of the text.
	for i > 0 && s.places[i] == [2]int{} {
		i--
	}
	if i < 0 || s.places[i] == [2]int{} {
		return s.node.Line, s.node.Column
	}
	return s.places[i][0], s.places[i][1]
}

// locate walks a scalar's value and its source side by side. Of the styles of YAML only blanks, line ends and the
// escapes of quoted texts differ between the two, so blanks are skipped where they do not matter.
func locate(src *source, n *yaml.Node) [][2]int {
	value := []rune(n.Value)
	places := make([][2]int, len(value)+1)
	r := &reader{src: src, line: n.Line, col: n.Column}
	r.load()
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		r.nextLine()
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		// A tag may stand before the quote.
		for !r.end() && r.at() != '\'' && r.at() != '"' {
			r.step()
		}
		r.step()
	}
	double := n.Style&yaml.DoubleQuotedStyle != 0
	single := n.Style&yaml.SingleQuotedStyle != 0
	for i, v := range value {
		if v == ' ' || v == '\t' || v == '\n' {
			places[i] = [2]int{r.line, r.col}
			if !r.end() && isBlank(r.at()) && (v != ' ' || r.at() != '\n') {
				r.step()
			} else if double && !r.end() && r.at() == '\\' {
				r.escape()
			}
			continue
		}
		for !r.end() && isBlank(r.at()) {
			r.step()
		}
		if r.end() {
			break
		}
		places[i] = [2]int{r.line, r.col}
		switch {
		case double && r.at() == '\\':
			r.escape()
		case single && r.at() == '\'':
			r.step()
			r.step()
		default:
			r.step()
		}
	}
	if len(value) > 0 && !r.end() {
		places[len(value)] = [2]int{r.line, r.col}
	}
	return places
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' || r == '\n' }

// reader walks the characters of a file from a place on.
type reader struct {
	src       *source
	line, col int
	runes     []rune
}

func (r *reader) load() { r.runes = []rune(r.src.line(r.line)) }

func (r *reader) end() bool { return r.line > len(r.src.lines) }

// at is the character here; a line end is one.
func (r *reader) at() rune {
	if r.col-1 < len(r.runes) {
		return r.runes[r.col-1]
	}
	return '\n'
}

func (r *reader) step() {
	if r.col-1 < len(r.runes) {
		r.col++
		return
	}
	r.nextLine()
}

func (r *reader) nextLine() {
	r.line, r.col = r.line+1, 1
	r.load()
}

// escape steps over an escape of a double-quoted text.
func (r *reader) escape() {
	r.step()
	n := 1
	switch r.at() {
	case 'x':
		n = 3
	case 'u':
		n = 5
	case 'U':
		n = 9
	}
	for range n {
		r.step()
	}
}

// runeLen counts the characters of a text.
func runeLen(s string) int { return utf8.RuneCountInString(s) }
