package schedule

import (
	"fmt"
	"testing"
	"time"
)

func TestParseDays(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"mon-fri", "mon,tue,wed,thu,fri"},
		{"sat,sun", "sat,sun"},
		{"mon", "mon"},
		{"Fri - Mon", "mon,fri,sat,sun"},
		{"mon-sun", "mon,tue,wed,thu,fri,sat,sun"},
		{"mo", `"mo" is not a day (try "mon-fri" or "sat,sun")`},
		{"mon-fri,", `"mon-fri," is not a day (try "mon-fri" or "sat,sun")`},
		{"", `"" is not a day (try "mon-fri" or "sat,sun")`},
	} {
		got := ""
		if d, err := ParseDays(tt.text); err != nil {
			got = err.Error()
		} else {
			got = d.String()
		}
		if got != tt.want {
			t.Errorf("ParseDays(%q) = %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestParseEdge(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"08:00", "08:00"},
		{"8:05", "08:05"},
		{"24:00", "24:00"},
		{"06:30:15", "06:30:15"},
		{"sunset", "sunset"},
		{"sunset-30m", "sunset-30m"},
		{"Sunrise + 1h30m", "sunrise+1h30m"},
		{"sunset-2h", "sunset-2h"},
		{"24:01", `"24:01" is not a time of day (try "08:00" or "sunset-30m")`},
		{"8", `"8" is not a time of day (try "08:00" or "sunset-30m")`},
		{"08:60", `"08:60" is not a time of day (try "08:00" or "sunset-30m")`},
		{"-1:00", `"-1:00" is not a time of day (try "08:00" or "sunset-30m")`},
		{"sunset 30m", `"sunset 30m" is not a time of day (try "08:00" or "sunset-30m")`},
		{"sunset-30", `"30" is not a duration (try "30s")`},
		{"sunset-13h", `"sunset-13h": the sun's offset is at most 12h`},
	} {
		got := ""
		if e, err := ParseEdge(tt.text); err != nil {
			got = err.Error()
		} else {
			got = e.String()
		}
		if got != tt.want {
			t.Errorf("ParseEdge(%q) = %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestParseDates(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"2026-12-24", "2026-12-24"},
		{"12-24", "12-24"},
		{"02-29", "02-29"},
		{"2026-07-01..2026-08-31", "2026-07-01..2026-08-31"},
		{"12-24..01-06", "12-24..01-06"},
		{"2026-02-29", "2026-02-29 is not a day of the calendar"},
		{"2026-1-1", `"2026-1-1" is not a date (try "2026-12-24", or "12-24" for every year)`},
		{"24.12.2026", `"24.12.2026" is not a date (try "2026-12-24", or "12-24" for every year)`},
		{"2026-08-31..2026-07-01", "2026-08-31..2026-07-01 ends before it begins"},
		{"2026-08-31..09-01", "2026-08-31..09-01: write the year on both sides or on none"},
	} {
		got := ""
		if r, err := ParseDates(tt.text); err != nil {
			got = err.Error()
		} else {
			got = r.String()
		}
		if got != tt.want {
			t.Errorf("ParseDates(%q) = %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for _, tt := range []struct {
		text string
		want time.Duration
	}{
		{"800ms", 800 * time.Millisecond}, {"1.5s", 1500 * time.Millisecond}, {"0s", 0}, {"90s", 90 * time.Second},
		{"1h30m", 90 * time.Minute}, {"7d", 168 * time.Hour}, {"0.5d", 12 * time.Hour}, {"2m0.25s", 120250 * time.Millisecond},
	} {
		if got, err := ParseDuration(tt.text); err != nil || got != tt.want {
			t.Errorf("ParseDuration(%q) = %v, %v", tt.text, got, err)
		}
	}
	for _, tt := range []struct{ text, want string }{
		{"2x", `"2x" is not a duration (try "2s")`},
		{"5", `"5" is not a duration (try "5s")`},
		{"5 min", `"5 min" is not a duration (try "5m")`},
		{"2 hours", `"2 hours" is not a duration (try "2h")`},
		{"100msec", `"100msec" is not a duration (try "100ms")`},
		{"", `"" is not a duration (try "2s")`},
		{"-5s", `"-5s" is not a duration: it has no sign (try "5s")`},
		{"+1m30", `"+1m30" is not a duration: it has no sign (try "1m30s")`},
		{"-", `"-" is not a duration: it has no sign (try "2s")`},
		{"800", `"800" is not a duration (try "800ms")`},
		{"100", `"100" is not a duration (try "100ms")`},
		{"99", `"99" is not a duration (try "99s")`},
		{"0099", `"0099" is not a duration (try "0099s")`},
		{"1m30", `"1m30" is not a duration (try "1m30s")`},
		{"1h30", `"1h30" is not a duration (try "1h30m")`},
		{"1s500", `"1s500" is not a duration (try "1s500ms")`},
		{"1m 30s", `"1m 30s" is not a duration (try "1m30s")`},
		{"5S", `"5S" is not a duration (try "5s")`},
		{"5m1h", `"5m1h" is not a duration (try "5m")`},
		{"999999999d", `"999999999d" is too long for a duration`},
		{"9999999999999999s", `"9999999999999999s" has too many digits for a duration`},
	} {
		if _, err := ParseDuration(tt.text); err == nil || err.Error() != tt.want {
			t.Errorf("ParseDuration(%q): %v, want %s", tt.text, err, tt.want)
		}
	}
}

func TestParseHolidays(t *testing.T) {
	for _, tt := range []struct{ name, text, ranges, rows string }{
		{"a list", "# our days\n2026-12-25 Christmas\r\n\n12-26\n2026-07-01..2026-07-14, works holiday\n05-01,May Day\n", "[2026-12-25 12-26 2026-07-01..2026-07-14 05-01]", "[]"},
		{"a bad row is left out", "2026-12-25\nEaster\n2026-13-01\n12-26", "[2026-12-25 12-26]",
			"[{2 want a day like 2026-12-25 or 12-25 at the beginning of the line} {3 2026-13-01 is not a day of the calendar}]"},
		{"nothing", "", "[]", "[]"},
		{"iCalendar", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:20261227\r\nSUMMARY:Christmas\r\n and more\r\nEND:VEVENT\r\n" +
			"BEGIN:VEVENT\nDTSTART;VALUE=DATE:20200501\nRRULE:FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=1\nEND:VEVENT\n" +
			"BEGIN:VEVENT\nDTSTART:20261231T000000Z\nEND:VEVENT\nEND:VCALENDAR\n", "[2026-12-25..2026-12-26 05-01 2026-12-31]", "[]"},
		{"an event that moves", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20261126\nRRULE:FREQ=YEARLY;BYDAY=4TH\nEND:VEVENT\nBEGIN:VEVENT\nDTSTART:x\nEND:VEVENT\n", "[]",
			`[{2 an event that repeats by "BYDAY=4TH" is not supported; write its days out} {6 "x" is not a day of iCalendar}]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ranges, rows := ParseHolidays([]byte(tt.text))
			if got := fmt.Sprint(ranges); got != tt.ranges {
				t.Errorf("days: %s, want %s", got, tt.ranges)
			}
			if got := fmt.Sprint(rows); got != tt.rows {
				t.Errorf("rows: %s, want %s", got, tt.rows)
			}
			if ranges == nil {
				t.Error("no days must not mean any day")
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"mon-fri", "sunset-30m", "08:00", "12-24..01-06", "1h30m", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261225\nEND:VEVENT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := ParseDays(text); err == nil && d == 0 {
			t.Errorf("ParseDays(%q) gives no day", text)
		}
		if e, err := ParseEdge(text); err == nil {
			if again, err := ParseEdge(e.String()); err != nil || again != e {
				t.Errorf("ParseEdge(%q) = %v does not come back: %v, %v", text, e, again, err)
			}
		}
		if r, err := ParseDates(text); err == nil {
			if again, err := ParseDates(r.String()); err != nil || again != r {
				t.Errorf("ParseDates(%q) = %v does not come back: %v, %v", text, r, again, err)
			}
		}
		if d, err := ParseDuration(text); err == nil && d < 0 {
			t.Errorf("ParseDuration(%q) = %v", text, d)
		}
		ranges, _ := ParseHolidays([]byte(text))
		for _, r := range ranges {
			if err := r.check(); err != nil {
				t.Errorf("ParseHolidays(%q) gives %v: %v", text, r, err)
			}
		}
	})
}
