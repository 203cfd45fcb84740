package config

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong in the site file, and where.
type Problem struct {
	// File is the path as it was given.
	File string
	// Line and Col count from 1, Col in characters; both are 0 when the problem has no place in the file.
	Line, Col int
	// Message says what is wrong.
	Message string
	// Source is the line itself, with plain secrets replaced by ***; empty when there is none.
	Source string
	// Warning is true for what does not keep the site from being used.
	Warning bool
	// caret is the column in Source, which moves when a secret in front of it was replaced.
	caret int
}

// String is the problem in one line: `sallyport.yaml:12:5: relay "gate": max_on is missing`.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Col)
	}
	b.WriteString(": ")
	if p.Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Error is String, so that a Problem can be returned as an error.
func (p Problem) Error() string { return p.String() }

// Detail is String, then the source line and a caret under the place, without a line end.
func (p Problem) Detail() string {
	if p.Source == "" || p.caret < 1 {
		return p.String()
	}
	var pad strings.Builder
	for i, r := range []rune(p.Source) {
		if i >= p.caret-1 {
			break
		}
		if r == '\t' {
			pad.WriteByte('\t')
		} else {
			pad.WriteByte(' ')
		}
	}
	return p.String() + "\n  " + p.Source + "\n  " + pad.String() + "^"
}

// Failed tells whether any of the problems is more than a warning.
func Failed(problems []Problem) bool {
	for _, p := range problems {
		if !p.Warning {
			return true
		}
	}
	return false
}

// didYouMean is ` (did you mean "x"?)` for the nearest of the known words, or nothing when none is near.
func didYouMean(word string, known []string) string {
	if s := nearest(word, known); s != "" {
		return fmt.Sprintf(" (did you mean %q?)", s)
	}
	return ""
}

// nearest is the known word at the least edit distance from word, at most a third of its length (at least 1, at most
// 3); the first of several.
func nearest(word string, known []string) string {
	if len(word) > 64 {
		return ""
	}
	limit := min(max(len(word)/3, 1), 3)
	best, bestAt := "", limit+1
	for _, k := range known {
		if d := distance(strings.ToLower(word), k); d < bestAt {
			best, bestAt = k, d
		}
	}
	return best
}

// distance counts insertions, deletions, replacements and swaps of neighbours between a and b.
func distance(a, b string) int {
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
