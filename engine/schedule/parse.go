package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

var weekdays = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ParseDays reads days of the week: "mon", "mon-fri", "sat,sun", "fri-mon". The error reads `"mo" is not a day (try
// "mon-fri" or "sat,sun")`.
func ParseDays(text string) (Days, error) {
	bad := fmt.Errorf("%s is not a day (try \"mon-fri\" or \"sat,sun\")", quote(text))
	var days Days
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(strings.ToLower(strings.TrimSpace(part)), "-")
		a, ok := weekday(strings.TrimSpace(first))
		b := a
		if ok && isRange {
			b, ok = weekday(strings.TrimSpace(last))
		}
		if !ok {
			return 0, bad
		}
		for d := a; ; d = (d + 1) % 7 {
			days |= 1 << d
			if d == b {
				break
			}
		}
	}
	return days, nil
}

func weekday(word string) (uint, bool) {
	for i, w := range weekdays {
		if w == word {
			return uint(i), true
		}
	}
	return 0, false
}

// String lists the days from Monday on: "mon,tue"; every day is "mon,tue,wed,thu,fri,sat,sun".
func (d Days) String() string {
	var parts []string
	for i := 1; i <= 7; i++ {
		if d.Has(time.Weekday(i % 7)) {
			parts = append(parts, weekdays[i%7])
		}
	}
	return strings.Join(parts, ",")
}

// ParseEdge reads a beginning or an end: "08:00", "24:00", "sunrise", "sunset-30m", "sunrise+1h30m". The error reads
// `"8" is not a time of day (try "08:00" or "sunset-30m")`.
func ParseEdge(text string) (Edge, error) {
	bad := fmt.Errorf("%s is not a time of day (try \"08:00\" or \"sunset-30m\")", quote(text))
	word := strings.ToLower(strings.TrimSpace(text))
	for _, sun := range []struct {
		word string
		kind EdgeKind
	}{{"sunrise", Sunrise}, {"sunset", Sunset}} {
		rest, ok := strings.CutPrefix(word, sun.word)
		if !ok {
			continue
		}
		e := Edge{Kind: sun.kind}
		rest = strings.TrimSpace(rest)
		if rest == "" {
			return e, nil
		}
		if rest[0] != '+' && rest[0] != '-' {
			return Edge{}, bad
		}
		offset, err := ParseDuration(strings.TrimSpace(rest[1:]))
		if err != nil {
			return Edge{}, err
		}
		e.Offset = offset
		if rest[0] == '-' {
			e.Offset = -offset
		}
		if err := e.check(); err != nil {
			return Edge{}, fmt.Errorf("%s: %w", quote(text), err)
		}
		return e, nil
	}
	clock, err := parseClock(word)
	if err != nil {
		return Edge{}, bad
	}
	return Edge{Kind: Clock, Offset: clock}, nil
}

// parseClock reads h:mm, hh:mm or hh:mm:ss from 0:00 to 24:00.
func parseClock(text string) (time.Duration, error) {
	parts := strings.Split(text, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return 0, strconv.ErrSyntax
	}
	var total time.Duration
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second}[:len(parts)] {
		p := parts[i]
		n, err := strconv.ParseUint(p, 10, 8)
		if err != nil || len(p) > 2 || (i > 0 && (len(p) != 2 || n > 59)) {
			return 0, strconv.ErrSyntax
		}
		total += time.Duration(n) * unit
	}
	if total > day {
		return 0, strconv.ErrRange
	}
	return total, nil
}

// String is the edge as it is written.
func (e Edge) String() string {
	switch e.Kind {
	case Sunrise, Sunset:
		word := "sunrise"
		if e.Kind == Sunset {
			word = "sunset"
		}
		switch {
		case e.Offset > 0:
			return word + "+" + shortDuration(e.Offset)
		case e.Offset < 0:
			return word + "-" + shortDuration(-e.Offset)
		}
		return word
	}
	h, m, s := e.Offset/time.Hour, e.Offset/time.Minute%60, e.Offset/time.Second%60
	if s != 0 {
		return fmt.Sprintf("%02d:%02d:%02d", h, m, s)
	}
	return fmt.Sprintf("%02d:%02d", h, m)
}

// shortDuration is a duration without the zeros that time.Duration writes after it (1h30m, not 1h30m0s).
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// ParseDate reads a day: "2026-12-24", or "12-24" for every year.
func ParseDate(text string) (Date, error) {
	bad := fmt.Errorf("%s is not a date (try \"2026-12-24\", or \"12-24\" for every year)", quote(text))
	parts := strings.Split(strings.TrimSpace(text), "-")
	var d Date
	switch len(parts) {
	case 3:
		y, err := strconv.ParseUint(parts[0], 10, 16)
		if err != nil || len(parts[0]) != 4 || y == 0 {
			return Date{}, bad
		}
		d.Year = int(y)
		parts = parts[1:]
	case 2:
	default:
		return Date{}, bad
	}
	m, err1 := strconv.ParseUint(parts[0], 10, 8)
	n, err2 := strconv.ParseUint(parts[1], 10, 8)
	if err1 != nil || err2 != nil || len(parts[0]) != 2 || len(parts[1]) != 2 {
		return Date{}, bad
	}
	d.Month, d.Day = time.Month(m), int(n)
	if err := d.check(); err != nil {
		return Date{}, err
	}
	return d, nil
}

// ParseDates reads a day or a range of days, both ends included: "2026-12-24", "2026-07-01..2026-08-31",
// "12-24..01-06".
func ParseDates(text string) (DateRange, error) {
	first, last, isRange := strings.Cut(text, "..")
	a, err := ParseDate(first)
	if err != nil {
		return DateRange{}, err
	}
	r := DateRange{a, a}
	if isRange {
		if r.Last, err = ParseDate(last); err != nil {
			return DateRange{}, err
		}
	}
	if err := r.check(); err != nil {
		return DateRange{}, err
	}
	return r, nil
}

// maxDuration bounds every duration, so that sums of a few never overflow.
const maxDuration = 36500 * day

// ParseDuration reads a duration as users write it: whole or decimal numbers with the units ms, s, m, h and d, the
// larger unit first ("800ms", "1.5s", "1h30m", "7d"). It has no sign. The error reads `"2x" is not a duration
// (try "2s")` or `"-9s" is not a duration: it has no sign (try "9s")`.
func ParseDuration(text string) (time.Duration, error) {
	d, wrong := parseDuration(text)
	switch trimmed := strings.TrimSpace(text); {
	case wrong == "":
		return d, nil
	case wrong != notDuration:
		return 0, fmt.Errorf("%s %s", quote(text), wrong)
	case strings.HasPrefix(trimmed, "-"), strings.HasPrefix(trimmed, "+"):
		return 0, fmt.Errorf("%s %s: it has no sign (try %q)", quote(text), wrong, likelyDuration(trimmed[1:]))
	}
	return 0, fmt.Errorf("%s %s (try %q)", quote(text), wrong, likelyDuration(text))
}

const notDuration = "is not a duration"

// parseDuration says what is wrong with a text that is no duration.
func parseDuration(text string) (d time.Duration, wrong string) {
	last := time.Duration(1<<63 - 1)
	rest := text
	if rest == "" {
		return 0, notDuration
	}
	for rest != "" {
		whole, frac, after, ok := number(rest)
		if !ok {
			return 0, notDuration
		}
		unit, after, ok := durationUnit(after)
		if !ok || unit >= last {
			return 0, notDuration
		}
		last = unit
		if len(whole) > 15 || len(frac) > 9 {
			return 0, "has too many digits for a duration"
		}
		n, _ := strconv.ParseInt(whole, 10, 64)
		if n > int64(maxDuration/unit) {
			return 0, "is too long for a duration"
		}
		d += time.Duration(n) * unit
		scale := unit
		for _, digit := range frac {
			scale /= 10
			d += time.Duration(digit-'0') * scale
		}
		if d > maxDuration {
			return 0, "is too long for a duration"
		}
		rest = after
	}
	return d, ""
}

// number cuts a decimal number off the front of text.
func number(text string) (whole, frac, after string, ok bool) {
	i := 0
	for i < len(text) && text[i] >= '0' && text[i] <= '9' {
		i++
	}
	whole, after = text[:i], text[i:]
	if strings.HasPrefix(after, ".") {
		j := 1
		for j < len(after) && after[j] >= '0' && after[j] <= '9' {
			j++
		}
		frac, after = after[1:j], after[j:]
		if frac == "" {
			return "", "", "", false
		}
	}
	return whole, frac, after, whole != ""
}

// durationUnit cuts a unit off the front of text.
func durationUnit(text string) (unit time.Duration, after string, ok bool) {
	i := 0
	for i < len(text) && text[i] >= 'a' && text[i] <= 'z' {
		i++
	}
	switch text[:i] {
	case "ms":
		return time.Millisecond, text[i:], true
	case "s":
		return time.Second, text[i:], true
	case "m":
		return time.Minute, text[i:], true
	case "h":
		return time.Hour, text[i:], true
	case "d":
		return day, text[i:], true
	}
	return 0, "", false
}

// likelyDuration is what somebody who wrote text probably wanted: the same without blanks and capitals, a last number
// without a unit with the next smaller one (1m30 is 1m30s), else its number with the unit its word begins like. A number
// alone is seconds, or milliseconds from 100 on, as in pulse: 800.
func likelyDuration(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	whole, frac, after, ok := number(text)
	if !ok || len(whole) > 9 || len(frac) > 3 {
		return "2s"
	}
	if after != "" && len(text) <= 32 {
		for _, unit := range []string{"", "h", "m", "s", "ms"} {
			likely := strings.ReplaceAll(text, " ", "") + unit
			if _, wrong := parseDuration(likely); wrong == "" {
				return likely
			}
		}
	}
	n := whole
	if frac != "" {
		n += "." + frac
	}
	after = strings.TrimSpace(after)
	switch {
	case strings.HasPrefix(after, "ms"), strings.HasPrefix(after, "mil"):
		return n + "ms"
	case strings.HasPrefix(after, "m"):
		return n + "m"
	case strings.HasPrefix(after, "h"):
		return n + "h"
	case strings.HasPrefix(after, "d"):
		return n + "d"
	case after == "" && len(strings.TrimLeft(whole, "0")) >= 3:
		return n + "ms"
	}
	return n + "s"
}

// quote shows a value of the file in a message, cut when it is long.
func quote(text string) string {
	if r := []rune(text); len(r) > 60 {
		text = string(r[:60]) + "…"
	}
	return strconv.Quote(text)
}
