package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Row is one line of a holidays file that cannot be used.
type Row struct {
	// Line counts from 1.
	Line int
	// Err says why.
	Err error
}

// errHoliday is what a line that does not begin with a day is told.
var errHoliday = errors.New("want a day like 2026-12-25 or 12-25 at the beginning of the line")

const (
	maxHolidays     = 4000
	maxHolidayBytes = 1 << 20
)

// ParseHolidays reads a holidays file: iCalendar (its all-day events, those of every year included), or a plain list
// with a day at the beginning of each line ("2026-12-25 Christmas", "12-25", "2026-07-01..2026-07-14"), # for
// comments. What cannot be read is left out and returned as a row; the rest serves. The slice is never nil, so that
// an empty file means that no day is a holiday.
func ParseHolidays(data []byte) ([]DateRange, []Row) {
	if len(data) > maxHolidayBytes {
		return []DateRange{}, []Row{{Line: 1, Err: fmt.Errorf("the file is longer than %d bytes", maxHolidayBytes)}}
	}
	text := strings.TrimPrefix(strings.ReplaceAll(string(data), "\r\n", "\n"), "\ufeff")
	lines := strings.Split(text, "\n")
	ranges, rows := []DateRange{}, []Row(nil)
	if strings.HasPrefix(strings.ToUpper(strings.TrimSpace(text)), "BEGIN:VCALENDAR") {
		ranges, rows = parseICS(lines)
	} else {
		for i, line := range lines {
			line, _, _ = strings.Cut(line, "#")
			day, _, _ := strings.Cut(strings.TrimSpace(strings.ReplaceAll(line, "\t", " ")), " ")
			day = strings.TrimRight(day, ",;")
			if before, _, found := strings.Cut(day, ","); found {
				day = before
			}
			if day == "" {
				continue
			}
			r, err := ParseDates(day)
			if err != nil {
				if day[0] < '0' || day[0] > '9' {
					err = errHoliday
				}
				rows = append(rows, Row{i + 1, err})
				continue
			}
			ranges = append(ranges, r)
		}
	}
	if len(ranges) > maxHolidays {
		rows = append(rows, Row{1, fmt.Errorf("only the first %d days are used", maxHolidays)})
		ranges = ranges[:maxHolidays]
	}
	return ranges, rows
}

// parseICS reads the events of an iCalendar file (RFC 5545): DTSTART, DTEND (the day after the last) and a yearly
// RRULE without anything else in it that moves the day.
func parseICS(lines []string) ([]DateRange, []Row) {
	ranges, rows := []DateRange{}, []Row(nil)
	var start, end, rule string
	inEvent, beginLine := false, 0
	for i, line := range lines {
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
			continue // the rest of a long line; what is read here is never that long
		}
		name, value, _ := strings.Cut(line, ":")
		name, _, _ = strings.Cut(name, ";")
		value = strings.TrimSpace(value)
		switch strings.ToUpper(name) {
		case "BEGIN":
			if strings.EqualFold(value, "VEVENT") {
				inEvent, beginLine = true, i+1
				start, end, rule = "", "", ""
			}
		case "DTSTART":
			start = value
		case "DTEND":
			end = value
		case "RRULE":
			rule = strings.ToUpper(value)
		case "END":
			if !inEvent || !strings.EqualFold(value, "VEVENT") {
				continue
			}
			inEvent = false
			r, err := icsRange(start, end, rule)
			if err != nil {
				rows = append(rows, Row{beginLine, err})
				continue
			}
			ranges = append(ranges, r)
		}
	}
	return ranges, rows
}

func icsRange(start, end, rule string) (DateRange, error) {
	first, err := icsDate(start)
	if err != nil {
		return DateRange{}, err
	}
	last := first
	if end != "" {
		after, err := icsDate(end)
		if err != nil {
			return DateRange{}, err
		}
		last = after
		if !strings.Contains(end, "T") && first.order() < after.order() {
			last = after.addDays(-1)
		}
	}
	r := DateRange{first, last}
	if rule != "" {
		for part := range strings.SplitSeq(rule, ";") {
			switch key, value, _ := strings.Cut(part, "="); {
			case key == "FREQ" && value == "YEARLY", key == "INTERVAL" && value == "1", key == "WKST", key == "":
			case key == "BYMONTH" && value == fmt.Sprint(int(first.Month)):
			case key == "BYMONTHDAY" && value == fmt.Sprint(first.Day):
			default:
				return DateRange{}, fmt.Errorf("an event that repeats by %s is not supported; write its days out", quote(part))
			}
		}
		r.First.Year, r.Last.Year = 0, 0
	}
	if err := r.check(); err != nil {
		return DateRange{}, err
	}
	return r, nil
}

// icsDate reads 20261225 or the day of 20261225T000000Z.
func icsDate(text string) (Date, error) {
	digits, _, _ := strings.Cut(text, "T")
	t, err := time.Parse("20060102", digits)
	if err != nil {
		return Date{}, fmt.Errorf("%s is not a day of iCalendar", quote(text))
	}
	return Date{t.Year(), t.Month(), t.Day()}, nil
}
