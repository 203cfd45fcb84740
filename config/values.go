package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

func itoa(n int) string { return strconv.Itoa(n) }

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

// parseSize reads a number of bytes: a whole or decimal number with B, KB, MB, GB, TB (powers of 1000) or KiB, MiB,
// GiB, TiB (powers of 1024).
func parseSize(text string) (int64, error) {
	bad := fmt.Errorf("%s is not a size (try \"4GB\")", quote(text))
	whole, frac, unit, ok := number(text)
	if !ok || len(whole) > 15 || len(frac) > 6 {
		return 0, bad
	}
	scale := int64(0)
	for _, u := range []struct {
		name  string
		bytes int64
	}{
		{"B", 1}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
		{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	} {
		if strings.TrimSpace(unit) == u.name {
			scale = u.bytes
		}
	}
	if scale == 0 {
		return 0, bad
	}
	n, _ := strconv.ParseInt(whole, 10, 64)
	if n > (1<<60)/scale {
		return 0, fmt.Errorf("%s is too much for a size", quote(text))
	}
	total := n * scale
	for _, digit := range frac {
		scale /= 10
		total += int64(digit-'0') * scale
	}
	return total, nil
}

var errMAC = errors.New(`a MAC address has six pairs of hexadecimal digits (58:5b:69:5f:42:1b)`)

// parseMAC reads a MAC address with colons, dashes or nothing between the pairs and gives it in lower case with
// colons.
func parseMAC(text string) (string, error) {
	s := strings.ToLower(text)
	if len(s) == 17 {
		sep := s[2]
		if sep != ':' && sep != '-' {
			return "", errMAC
		}
		for i := 2; i < 17; i += 3 {
			if s[i] != sep {
				return "", errMAC
			}
		}
		s = strings.ReplaceAll(s, string(sep), "")
	}
	if len(s) != 12 {
		return "", errMAC
	}
	var b strings.Builder
	for i := 0; i < 12; i++ {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", errMAC
		}
		if i > 0 && i%2 == 0 {
			b.WriteByte(':')
		}
		b.WriteByte(s[i])
	}
	return b.String(), nil
}

// quote shows a value of the file in a message, cut when it is long.
func quote(text string) string {
	if r := []rune(text); len(r) > 60 {
		text = string(r[:60]) + "…"
	}
	return strconv.Quote(text)
}

// validName tells whether text is [a-z][a-z0-9-]*.
func validName(text string) bool {
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c >= 'a' && c <= 'z':
		case i > 0 && (c >= '0' && c <= '9' || c == '-'):
		default:
			return false
		}
	}
	return text != ""
}

// likelyName is text made into a valid name, or nothing when little of it would be left.
func likelyName(text string) string {
	if len(text) > 64 {
		return ""
	}
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= 'a' && r <= 'z', b.Len() > 0 && r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && (r == ' ' || r == '_' || r == '-' || r == '.'):
			b.WriteByte('-')
		}
	}
	return strings.TrimRight(b.String(), "-")
}
