package rulefile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem is one thing that is wrong in the rule files, and where.
type Problem struct {
	// File is the file's path as a person would write it: rules.d/gate.yaml.
	File string
	// Line and Col count from 1, Col in characters; both are 0 when the problem is the whole file's.
	Line, Col int
	// Rule is the rule's name; empty when the problem is not in a rule.
	Rule string
	// Part is where in the rule: when, while, do 2, finally 1; may be empty.
	Part string
	// Message says what is wrong.
	Message string
	// Source is the line of the file, cut to the part around the place; Caret is a line that points at it. Both are
	// empty when the problem has no place.
	Source, Caret string
	// Warning is true for what does not keep the set from being used.
	Warning bool
}

// Summary is the problem in one line: `rules.d/gate.yaml:7:12: rule "gate": when: unknown name plat (did you mean plate?)`.
func (p Problem) Summary() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Col)
	}
	b.WriteString(": ")
	if p.Warning {
		b.WriteString("warning: ")
	}
	if p.Rule != "" {
		fmt.Fprintf(&b, "rule %q: ", p.Rule)
	}
	if p.Part != "" {
		b.WriteString(p.Part + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// String is [Problem.Summary], then the source line and a line with a caret under the place, without a line end.
func (p Problem) String() string {
	if p.Source == "" {
		return p.Summary()
	}
	return p.Summary() + "\n  " + p.Source + "\n  " + p.Caret
}

// Error is [Problem.Summary], so that a Problem can be returned as an error.
func (p Problem) Error() string { return p.Summary() }

// Failed tells whether any of the problems is more than a warning.
func Failed(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return !p.Warning })
}

// sortProblems orders by file, line and column, then as reported.
func sortProblems(ps []Problem) {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
}

// sourceWidth is how much of a long line is shown.
const sourceWidth = 120

// snippet gives the part of a line around a column, fit for a terminal, and the caret below it.
func snippet(line string, col int) (source, caret string) {
	runes := []rune(strings.ToValidUTF8(line, "?"))
	at := min(max(col-1, 0), len(runes))
	from := 0
	if len(runes) > sourceWidth {
		from = max(0, min(at-sourceWidth/2, len(runes)-sourceWidth))
	}
	shown := runes[from:min(len(runes), from+sourceWidth)]
	out := make([]rune, len(shown))
	for i, r := range shown {
		// A tab or a control character would move the caret or the terminal.
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf) {
			r = ' '
		}
		out[i] = r
	}
	s := strings.TrimRight(string(out), " ")
	if s == "" {
		return "", ""
	}
	return s, strings.Repeat(" ", at-from) + "^"
}

// Nearest is the name that was probably meant by a word that is none; empty when none is near.
func Nearest(word string, known []string) string { return nearest(word, known) }

// nearest is the known word at the least edit distance, at most a third of the word's length (1 to 3); the first of several.
func nearest(word string, known []string) string {
	if len(word) > 64 {
		return ""
	}
	limit := min(max(len(word)/3, 1), 3)
	best, bestAt := "", limit+1
	word = strings.ToLower(word)
	for _, k := range known {
		if len(k) > 64 {
			continue
		}
		if d := distance(word, strings.ToLower(k), limit); d < bestAt {
			best, bestAt = k, d
		}
	}
	return best
}

// distance counts insertions, deletions, replacements and swaps of neighbours between a and b; some number above the
// limit when there are more than that.
func distance(a, b string, limit int) int {
	far := limit + 1
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return far
	}
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		// What is further from the diagonal than the limit is too far already.
		low, high := max(1, i-limit), min(len(b), i+limit)
		cur[low-1] = far
		if low == 1 {
			cur[0] = i
		}
		for j := low; j <= high; j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			above := far
			if j < i+limit {
				above = prev[j] + 1
			}
			cur[j] = min(above, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}

// cut shortens a text from a file for a message and shows it quoted.
func cut(s string) string {
	if utf8.RuneCountInString(s) > 60 {
		s = string([]rune(s)[:60]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
