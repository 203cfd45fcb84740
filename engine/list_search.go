package engine

import "strings"

// Fit says how well a plate fits what somebody looks for: 1 it is the same, 2 it reads the same, 3 it begins with it,
// 4 it holds it, 5 one character is wrong, missing or too many, 0 it does not fit. Letters and digits that are taken for one
// another are the same from 2 on. What never counts in a plate does not count here either.
func (want PlateWanted) Fit(plate string) int {
	normal := NormalPlate(plate)
	folded := lookAlike(normal)
	switch {
	case normal == want.normal:
		return 1
	case folded == want.folded:
		return 2
	case strings.HasPrefix(folded, want.folded):
		return 3
	case strings.Contains(folded, want.folded):
		return 4
	}
	a, b := []rune(folded), []rune(want.folded)
	if len(b) >= minNear && len(a) <= maxPlateRunes && len(b) <= maxPlateRunes && edits(a, b) <= 1 {
		return 5
	}
	return 0
}

// minNear is how long a plate must be for one wrong character in it to be forgiven: of shorter ones too many would fit.
const minNear = 4

// PlateWanted is what somebody looks for among plates.
type PlateWanted struct{ normal, folded string }

// WantPlate makes it of what was typed; false when nothing of that counts in a plate.
func WantPlate(typed string) (PlateWanted, bool) {
	n := NormalPlate(typed)
	return PlateWanted{n, lookAlike(n)}, n != ""
}

// Find gives the entries of a plate, however it is written, in their order. Look-alikes are not among them.
func (l *List) Find(plate string) []Entry {
	var out []Entry
	for _, i := range l.byPlate[NormalPlate(plate)] {
		out = append(out, l.entries[i])
	}
	return out
}
