package schedule

import (
	"strings"
	"testing"
	"time"
)

func TestCronNext(t *testing.T) {
	for _, tt := range []struct {
		name, zone, cron, from string
		want                   []string // wall times, one after the other
	}{
		{"every evening", "Europe/Berlin", "0 22 * * *", "2026-03-02 21:59", []string{"2026-03-02 22:00", "2026-03-03 22:00"}},
		{"strictly after", "Europe/Berlin", "0 22 * * *", "2026-03-02 22:00", []string{"2026-03-03 22:00"}},
		{"workdays by name", "UTC", "30 7 * * mon-fri", "2026-03-06 08:00", []string{"2026-03-09 07:30"}},
		{"@daily", "Europe/Berlin", "@daily", "2026-03-02 12:00", []string{"2026-03-03 00:00", "2026-03-04 00:00"}},
		{"@hourly", "Europe/Berlin", "@hourly", "2026-03-02 12:30", []string{"2026-03-02 13:00"}},
		{"@weekly", "Europe/Berlin", "@weekly", "2026-03-02 12:30", []string{"2026-03-08 00:00"}},
		{"@monthly", "Europe/Berlin", "@monthly", "2026-03-02 12:30", []string{"2026-04-01 00:00"}},
		{"@yearly", "Europe/Berlin", "@yearly", "2026-03-02 12:30", []string{"2027-01-01 00:00"}},
		{"a leap day", "UTC", "0 0 29 2 *", "2026-03-02 12:30", []string{"2028-02-29 00:00", "2032-02-29 00:00"}},
		{"a leap day over the century", "UTC", "0 0 29 2 *", "2096-03-01 00:00", []string{"2104-02-29 00:00"}},
		{"either kind of day", "UTC", "0 0 13 * fri", "2026-03-02 00:00", []string{"2026-03-06 00:00", "2026-03-13 00:00", "2026-03-20 00:00"}},
		{"an impossible date or a day of the week", "UTC", "0 0 30 2 mon", "2026-01-31 00:00", []string{"2026-02-02 00:00"}},
		{"every five minutes", "UTC", "@every 5m", "2026-03-02 12:01", []string{"2026-03-02 12:05", "2026-03-02 12:10"}},
		{"every 90 s", "UTC", "@every 1m30s", "2026-03-02 12:00", []string{"2026-03-02 12:01:30", "2026-03-02 12:03"}},
		{"a quarter of an hour", "Europe/Berlin", "*/15 * * * *", "2026-03-02 12:50", []string{"2026-03-02 13:00", "2026-03-02 13:15"}},

		// The spring night: 02:00 to 03:00 does not exist.
		{"02:30 comes once, at the jump", "America/New_York", "30 2 * * *", "2026-03-07 12:00", []string{"2026-03-08 03:00", "2026-03-09 02:30"}},
		{"in Berlin, too", "Europe/Berlin", "30 2 * * *", "2026-03-28 12:00", []string{"2026-03-29 03:00", "2026-03-30 02:30"}},
		{"and where the jump is half an hour", "Australia/Lord_Howe", "15 2 * * *", "2026-10-03 12:00", []string{"2026-10-04 02:30", "2026-10-05 02:15"}},
		{"several at the jump are one", "America/New_York", "0,10,20 2 * * *", "2026-03-08 01:00", []string{"2026-03-08 03:00", "2026-03-09 02:00"}},
		{"two at the jump are one", "America/New_York", "0 2,3 * * *", "2026-03-08 01:00", []string{"2026-03-08 03:00", "2026-03-09 02:00"}},
		{"by the hour nothing is made up for", "America/New_York", "30 * * * *", "2026-03-08 01:00", []string{"2026-03-08 01:30", "2026-03-08 03:30"}},
		{"midnight does not exist", "Africa/Cairo", "0 0 * * *", "2026-04-23 12:00", []string{"2026-04-24 01:00", "2026-04-25 00:00"}},

		// The autumn night: 01:00 to 02:00 comes twice in New York, 02:00 to 03:00 in Berlin.
		{"01:30 comes once, the first time", "America/New_York", "30 1 * * *", "2026-10-31 12:00", []string{"2026-11-01 01:30 EDT", "2026-11-02 01:30"}},
		{"in Berlin, too", "Europe/Berlin", "30 2 * * *", "2026-10-24 12:00", []string{"2026-10-25 02:30 CEST", "2026-10-26 02:30"}},
		{"and where it is half an hour", "Australia/Lord_Howe", "45 1 * * *", "2026-04-04 12:00", []string{"2026-04-05 01:45 +11", "2026-04-06 01:45"}},
		{"every minute of an hour that comes twice", "America/New_York", "59 1 * * *", "2026-11-01 00:30", []string{"2026-11-01 01:59 EDT", "2026-11-02 01:59"}},
		{"by the hour both come", "America/New_York", "30 * * * *", "2026-11-01 00:45", []string{"2026-11-01 01:30 EDT", "2026-11-01 01:30 EST", "2026-11-01 02:30"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			z := zone(t, tt.zone)
			c, err := ParseCron(tt.cron, z)
			if err != nil {
				t.Fatal(err)
			}
			now := at(t, z, tt.from)
			for _, want := range tt.want {
				next, ok := c.Next(now)
				if !ok {
					t.Fatalf("none after %v, want %s", now, want)
				}
				layout := "2006-01-02 15:04:05"[:min(len(want), 19)]
				if strings.Count(want, " ") == 2 {
					layout = "2006-01-02 15:04 MST"
				}
				if got := next.Format(layout); got != want || next.Nanosecond() != 0 {
					t.Fatalf("after %v comes %v, want %s", now, next, want)
				}
				now = next
			}
		})
	}
}

// A whole year of a job that comes once a day comes once on each of its days, in every zone.
func TestCronOnceADay(t *testing.T) {
	for _, name := range []string{"America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "UTC"} {
		z := zone(t, name)
		for _, text := range []string{"30 2 * * *", "30 1 * * *", "0 0 * * *", "45 1 * * *", "15 2 * * *"} {
			c, err := ParseCron(text, z)
			if err != nil {
				t.Fatal(err)
			}
			now := time.Date(2026, 1, 1, 12, 0, 0, 0, z)
			count := 0
			for end := now.AddDate(1, 0, 0); ; count++ {
				next, ok := c.Next(now)
				if !ok || !next.After(now) {
					t.Fatalf("%s %s: after %v comes %v", name, text, now, next)
				}
				if next.After(end) {
					break
				}
				if next.Sub(now) < 12*time.Hour {
					t.Errorf("%s %s: %v and %v are of one day", name, text, now, next)
				}
				now = next
			}
			if count != 365 {
				t.Errorf("%s %s: %d times in a year", name, text, count)
			}
		}
	}
}

func TestCronRefuses(t *testing.T) {
	for _, tt := range []struct{ cron, want string }{
		{"", `"" is not a cron time: it is empty (try "0 22 * * *")`},
		{"TZ=0", `"TZ=0" is not a cron time: the time zone is that of the site file; leave TZ= out`},
		{"TZ=UTC 0 0 * * *", `"TZ=UTC 0 0 * * *" is not a cron time: the time zone is that of the site file; leave TZ= out`},
		{"CRON_TZ=UTC @daily", `"CRON_TZ=UTC @daily" is not a cron time: the time zone is that of the site file; leave CRON_TZ= out`},
		{"@reboot", `"@reboot" is not a cron time: use on: start for what is to be done at the start`},
		{"@fortnightly", `"@fortnightly" is not a cron time: the words are @yearly, @monthly, @weekly, @daily, @hourly and @every 5m`},
		{"@every", `"@every" is not a cron time: "" is not a duration (try "2s")`},
		{"@every -5m", `"@every -5m" is not a cron time: a negative @every never comes`},
		{"@every 500ms", `"@every 500ms" is not a cron time: @every is at least 1s`},
		{"@every 0s", `"@every 0s" is not a cron time: @every is at least 1s`},
		{"@every 1.5s", `"@every 1.5s" is not a cron time: @every counts in whole seconds`},
		{"@every 5", `"@every 5" is not a cron time: "5" is not a duration (try "5s")`},
		{"@every 400d", `"@every 400d" is not a cron time: @every is at most 366d`},
		{"0 0 * *", `"0 0 * *" is not a cron time: it has 4 fields instead of 5: minute, hour, day of month, month, day of week`},
		{"0 0 0 * * *", `"0 0 0 * * *" is not a cron time: it has 6 fields instead of 5: minute, hour, day of month, month, day of week`},
		{"60 0 * * *", `"60 0 * * *" is not a cron time: minute "60" (0-59)`},
		{"0 24 * * *", `"0 24 * * *" is not a cron time: hour "24" (0-23)`},
		{"0 0 * * 7", `"0 0 * * 7" is not a cron time: day of week "7" (0-6 or sun-sat, 0 is Sunday)`},
		{", 0 * * *", `", 0 * * *" is not a cron time: minute "," (0-59)`},
		{"*/0 0 * * *", `"*/0 0 * * *" is not a cron time: minute "*/0" (0-59)`},
		{"0 0 30 2 *", `"0 0 30 2 *" is not a cron time: that date never comes`},
		{"0 0 31 4,6,9,11 *", `"0 0 31 4,6,9,11 *" is not a cron time: that date never comes`},
	} {
		if _, err := ParseCron(tt.cron, time.UTC); err == nil || err.Error() != tt.want {
			t.Errorf("ParseCron(%q): %v\nwant %s", tt.cron, err, tt.want)
		}
	}
}

func FuzzParseCron(f *testing.F) {
	for _, s := range []string{"0 22 * * *", "@every 5m", "*/15 1-5 * jan,mar mon-fri", "TZ=0", "0 0 29 2 *", "@daily", "1-60/7 * ? * 1"} {
		f.Add(s)
	}
	now := time.Date(2026, 3, 8, 1, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCron(text, time.UTC)
		if err != nil {
			return
		}
		if next, ok := c.Next(now); !ok || !next.After(now) {
			t.Errorf("%q was accepted; next is %v %v", text, next, ok)
		}
	})
}
