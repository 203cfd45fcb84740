package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/viewtron/client"
)

// What a list file can hold: characters of a plate without blanks and dashes, and of
// an owner.
const (
	leastPlate = 2
	mostPlate  = 32
	mostOwner  = 256
)

// endlessYear: a validity that ends in it or later is none; the firmware writes
// 2037.
const endlessYear = 2036

// importCSV writes plates as a list file that the rules take, how many, and what was
// left out. Every field is quoted, so that nothing in a text of the camera is a
// separator, a comment or a further line.
func importCSV(have []client.Plate, now time.Time, zone *time.Location) (text []byte, n int, problems []string) {
	var b bytes.Buffer
	b.WriteString("plate,owner,from,until\n")
	for _, p := range have {
		number := strings.TrimSpace(p.Number)
		switch size := utf8.RuneCountInString(engine.NormalPlate(number)); {
		case unprintable(number):
			problems = append(problems, fmt.Sprintf("left out: plate %q holds a control character", shorten(number, 40)))
			continue
		case size < leastPlate, size > mostPlate:
			problems = append(problems, fmt.Sprintf("left out: plate %q; a list file takes %d to %d characters", shorten(number, 40), leastPlate, mostPlate))
			continue
		}
		owner := strings.TrimSpace(p.Owner)
		if unprintable(owner) || utf8.RuneCountInString(owner) > mostOwner {
			problems = append(problems, fmt.Sprintf("plate %q comes without its owner, which a list file cannot hold", number))
			owner = ""
		}
		from, until := "", ""
		if p.Begin.After(now) {
			from = p.Begin.In(zone).Format(time.DateTime)
		}
		if !p.End.IsZero() && p.End.In(zone).Year() < endlessYear {
			// The camera's end is the last second that counts.
			first := p.End.In(zone).Add(time.Second)
			until = first.Format(time.DateTime)
			if h, m, s := first.Clock(); h == 0 && m == 0 && s == 0 {
				until = first.AddDate(0, 0, -1).Format(time.DateOnly)
			}
		}
		for i, field := range []string{number, owner, from, until} {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`"` + strings.ReplaceAll(field, `"`, `""`) + `"`)
		}
		b.WriteByte('\n')
		n++
	}
	return b.Bytes(), n, problems
}

// unprintable tells whether a text cannot stand in a list file as it is.
func unprintable(s string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl)
}
