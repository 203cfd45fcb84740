package engine

import (
	"slices"
	"time"
	"unicode"
)

// Entry is one plate of a local list.
type Entry struct {
	Plate    string // as the user wrote it
	Owner    string
	From     time.Time // zero = always was
	Until    time.Time // the first instant it is no longer valid; zero = always
	Schedule int       // number in Ruleset.Schedules; -1 = none

	normal, looks string
}

// List is a plate list under its name.
type List struct {
	Name    string
	entries []Entry
	byPlate map[string][]int // by normal form
	byLooks map[string][]int // by normal form, look-alikes folded
}

// NewList makes a list. Entries keep their order.
func NewList(name string, entries []Entry) *List {
	l := &List{Name: name, entries: slices.Clone(entries), byPlate: make(map[string][]int, len(entries)), byLooks: make(map[string][]int, len(entries))}
	for i := range l.entries {
		e := &l.entries[i]
		e.normal = NormalPlate(e.Plate)
		e.looks = lookAlike(e.normal)
		l.byPlate[e.normal] = append(l.byPlate[e.normal], i)
		l.byLooks[e.looks] = append(l.byLooks[e.looks], i)
	}
	return l
}

// Entries are the list's entries in their order; not to be changed.
func (l *List) Entries() []Entry { return l.entries }

// NormalPlate is a plate without what never counts: case, blanks, dots and dashes.
func NormalPlate(s string) string {
	clean := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 'a' && c <= 'z' || c == ' ' || c == '.' || c == '-' || c >= 0x80 || c < ' ' {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	b := make([]rune, 0, len(s))
	for _, r := range s {
		switch {
		case r == ' ' || r == '.' || r == '-' || r == '\t' || r == '\u00a0' || r == '·' || r == '‐' || r == '‑' || r == '–':
		case r >= 'a' && r <= 'z':
			b = append(b, r-'a'+'A')
		case r >= 0x80:
			// A letter of another script never becomes a plain one ('ſ' is not S).
			if u := unicode.ToUpper(r); u >= 0x80 {
				r = u
			}
			b = append(b, r)
		default:
			b = append(b, r)
		}
	}
	return string(b)
}
