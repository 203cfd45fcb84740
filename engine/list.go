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
	byHalf  map[half][]int   // of the folded forms; see near
}

// NewList makes a list. Entries keep their order.
func NewList(name string, entries []Entry) *List {
	l := &List{Name: name, entries: slices.Clone(entries), byPlate: make(map[string][]int, len(entries)), byLooks: make(map[string][]int, len(entries)), byHalf: make(map[half][]int)}
	for i := range l.entries {
		e := &l.entries[i]
		e.normal = NormalPlate(e.Plate)
		e.looks = lookAlike(e.normal)
		l.byPlate[e.normal] = append(l.byPlate[e.normal], i)
		l.byLooks[e.looks] = append(l.byLooks[e.looks], i)
		if r := []rune(e.looks); len(r) <= maxPlateRunes {
			front := half{length: len(r), text: string(r[:len(r)/2])}
			back := half{length: len(r), back: true, text: string(r[len(r)/2:])}
			l.byHalf[front] = append(l.byHalf[front], i)
			l.byHalf[back] = append(l.byHalf[back], i)
		}
	}
	return l
}

// half is one half of an entry of a length in characters.
type half struct {
	length int
	back   bool
	text   string
}

// near lists the entries at most one character off a folded plate, in order. One
// wrong, missing or extra character leaves one half of the entry as it is, so only
// those that share a half have to be compared: a long list costs no more.
func (l *List) near(folded string) []int {
	plate := []rune(folded)
	n := len(plate)
	if n > maxPlateRunes {
		return nil
	}
	var near []int
	for m := max(1, n-1); m <= n+1; m++ {
		front, back := m/2, m-m/2
		var maybe []int
		if front <= n {
			maybe = append(maybe, l.byHalf[half{length: m, text: string(plate[:front])}]...)
		}
		if back <= n {
			maybe = append(maybe, l.byHalf[half{length: m, back: true, text: string(plate[n-back:])}]...)
		}
		for _, i := range maybe {
			if edits(plate, []rune(l.entries[i].looks)) <= 1 {
				near = append(near, i)
			}
		}
	}
	slices.Sort(near)
	return slices.Compact(near)
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
