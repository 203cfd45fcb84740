package schedule

import (
	"testing"
	"time"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Skipf("no time zones here: %v", err)
	}
	return z
}

func clock(t testing.TB, text string) Edge {
	t.Helper()
	e, err := ParseEdge(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// win makes a window of days, from and to; an empty days means every day.
func win(t testing.TB, days, from, to string) Window {
	t.Helper()
	w := Window{From: clock(t, from), To: clock(t, to)}
	if days != "" {
		d, err := ParseDays(days)
		if err != nil {
			t.Fatal(err)
		}
		w.Days = d
	}
	return w
}

func made(t testing.TB, place Place, windows ...Window) *Schedule {
	t.Helper()
	s, err := New(place, windows...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func at(t testing.TB, z *time.Location, text string) time.Time {
	t.Helper()
	for _, layout := range []string{"2006-01-02 15:04 MST", "2006-01-02 15:04", "2006-01-02 15:04:05"} {
		if layout == "2006-01-02 15:04 MST" {
			if len(text) < 17 || text[16] != ' ' {
				continue
			}
		}
		if got, err := time.ParseInLocation(layout, text, z); err == nil {
			return got
		}
	}
	t.Fatalf("bad time %q in the test", text)
	return time.Time{}
}

func TestHolds(t *testing.T) {
	ny := zone(t, "America/New_York")
	place := Place{Zone: ny}
	xmas := DateRange{Date{2026, 12, 24}, Date{2026, 12, 26}}
	everyXmas := DateRange{Date{0, 12, 24}, Date{0, 1, 6}}
	office := win(t, "mon-fri", "08:00", "18:00")
	for _, tt := range []struct {
		name    string
		windows []Window
		at      string
		want    bool
	}{
		{"before it", []Window{office}, "2026-03-02 07:59:59", false},
		{"the beginning is in", []Window{office}, "2026-03-02 08:00", true},
		{"the end is out", []Window{office}, "2026-03-02 18:00", false},
		{"just before the end", []Window{office}, "2026-03-02 17:59:59", true},
		{"on Sunday", []Window{office}, "2026-03-01 12:00", false},
		{"Friday's night goes into Saturday", []Window{win(t, "fri", "22:00", "06:00")}, "2026-03-07 05:59", true},
		{"and ends there", []Window{win(t, "fri", "22:00", "06:00")}, "2026-03-07 06:00", false},
		{"Friday's early morning is Thursday's", []Window{win(t, "fri", "22:00", "06:00")}, "2026-03-06 05:00", false},
		{"from = to is 24 h", []Window{win(t, "mon", "08:00", "08:00")}, "2026-03-03 07:59", true},
		{"and ends after them", []Window{win(t, "mon", "08:00", "08:00")}, "2026-03-03 08:00", false},
		{"to 24:00", []Window{win(t, "mon", "20:00", "24:00")}, "2026-03-02 23:59:59", true},
		{"to 24:00 ends with the day", []Window{win(t, "mon", "20:00", "24:00")}, "2026-03-03 00:00", false},
		{"the zero window is every day", []Window{{}}, "2026-03-03 00:00", true},
		{"a list is or", []Window{office, win(t, "sat", "10:00", "12:00")}, "2026-03-07 11:00", true},
		{"not", []Window{{Not: []Window{office}}}, "2026-03-02 12:00", false},
		{"not, outside", []Window{{Not: []Window{office}}}, "2026-03-02 19:00", true},
		{"not takes a part out", []Window{{Days: office.Days, From: office.From, To: office.To,
			Not: []Window{win(t, "", "12:00", "13:00")}}}, "2026-03-02 12:30", false},
		{"dates", []Window{{Dates: []DateRange{xmas}}}, "2026-12-26 23:59", true},
		{"after the dates", []Window{{Dates: []DateRange{xmas}}}, "2026-12-27 00:00", false},
		{"dates of another year", []Window{{Dates: []DateRange{xmas}}}, "2027-12-24 12:00", false},
		{"dates over the new year", []Window{{Dates: []DateRange{everyXmas}}}, "2029-01-06 12:00", true},
		{"a night that begins on the last date", []Window{{Dates: []DateRange{xmas}, From: clock(t, "22:00"), To: clock(t, "02:00")}}, "2026-12-27 01:00", true},
		{"days and dates must both fit", []Window{{Days: office.Days, Dates: []DateRange{xmas}}}, "2026-12-26 12:00", false},
		{"holidays", []Window{{Holidays: []DateRange{xmas}}}, "2026-12-25 12:00", true},
		{"an empty holidays file fits no day", []Window{{Holidays: []DateRange{}}}, "2026-12-25 12:00", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := made(t, place, tt.windows...)
			if got := s.Holds(at(t, ny, tt.at)); got != tt.want {
				t.Errorf("Holds(%s) = %v, want %v", tt.at, got, tt.want)
			}
		})
	}
}

// On the nights on which the clock changes, a window has the length that the wall gives it.
func TestLengthOverTheChange(t *testing.T) {
	for _, tt := range []struct {
		zone, days, from, to string
		after                string // look for the window after this
		length               time.Duration
	}{
		{"America/New_York", "", "22:00", "06:00", "2026-03-07 12:00", 7 * time.Hour},
		{"America/New_York", "", "22:00", "06:00", "2026-10-31 12:00", 9 * time.Hour},
		{"America/New_York", "", "22:00", "06:00", "2026-06-01 12:00", 8 * time.Hour},
		{"America/New_York", "sun", "00:00", "00:00", "2026-03-07 12:00", 23 * time.Hour},
		{"America/New_York", "sun", "00:00", "00:00", "2026-10-31 12:00", 25 * time.Hour},
		{"America/New_York", "", "02:15", "02:45", "2026-03-09 12:00", 30 * time.Minute},
		{"America/New_York", "", "02:15", "03:30", "2026-03-07 12:00", 30 * time.Minute},
		{"America/New_York", "", "01:00", "02:30", "2026-10-31 12:00", 2*time.Hour + 30*time.Minute},
		{"America/New_York", "", "01:00", "01:30", "2026-10-31 12:00", 30 * time.Minute},
		{"Europe/Berlin", "", "22:00", "06:00", "2026-03-28 12:00", 7 * time.Hour},
		{"Europe/Berlin", "", "22:00", "06:00", "2026-10-24 12:00", 9 * time.Hour},
		{"Australia/Lord_Howe", "", "22:00", "06:00", "2026-10-03 12:00", 7*time.Hour + 30*time.Minute},
		{"Australia/Lord_Howe", "", "22:00", "06:00", "2026-04-04 12:00", 8*time.Hour + 30*time.Minute},
		{"Asia/Kathmandu", "", "22:00", "06:00", "2026-04-04 12:00", 8 * time.Hour},
		// Midnight itself does not exist here on that day.
		{"Africa/Cairo", "fri", "00:00", "00:00", "2026-04-23 12:00", 23 * time.Hour},
	} {
		t.Run(tt.zone+" "+tt.from+" "+tt.after, func(t *testing.T) {
			z := zone(t, tt.zone)
			s := made(t, Place{Zone: z}, win(t, tt.days, tt.from, tt.to))
			begin, ok := s.Next(at(t, z, tt.after))
			if !ok || !s.Holds(begin) {
				t.Fatalf("no beginning after %s: %v", tt.after, begin)
			}
			end, ok := s.Next(begin)
			if !ok || s.Holds(end) {
				t.Fatalf("no end after %v: %v", begin, end)
			}
			if got := end.Sub(begin); got != tt.length {
				t.Errorf("from %v to %v is %v, want %v", begin, end, got, tt.length)
			}
		})
	}
}

func TestAWindowThatTheClockJumpsOverIsEmpty(t *testing.T) {
	z := zone(t, "America/New_York")
	s := made(t, Place{Zone: z}, win(t, "", "02:15", "02:45"))
	next, ok := s.Next(at(t, z, "2026-03-08 00:00"))
	if want := at(t, z, "2026-03-09 02:15"); !ok || !next.Equal(want) {
		t.Errorf("next is %v, want %v", next, want)
	}
}

func TestNextSkipsWhatChangesNothing(t *testing.T) {
	z := zone(t, "Europe/Berlin")
	place := Place{Zone: z}
	for _, tt := range []struct {
		name    string
		windows []Window
		from    string
		want    string // empty: never
	}{
		{"always", []Window{{}}, "2026-03-02 12:00", ""},
		{"never", []Window{{Not: []Window{{}}}}, "2026-03-02 12:00", ""},
		{"windows that touch are one", []Window{win(t, "", "08:00", "12:00"), win(t, "", "12:00", "18:00")}, "2026-03-02 09:00", "2026-03-02 18:00"},
		{"over the weekend", []Window{win(t, "mon-fri", "08:00", "18:00")}, "2026-03-06 18:00", "2026-03-09 08:00"},
		{"strictly after", []Window{win(t, "mon-fri", "08:00", "18:00")}, "2026-03-09 08:00", "2026-03-09 18:00"},
		{"a date years ahead", []Window{{Dates: []DateRange{{Date{2031, 5, 1}, Date{2031, 5, 1}}}}}, "2026-03-02 12:00", "2031-05-01 00:00"},
		{"a date that is over", []Window{{Dates: []DateRange{{Date{2021, 5, 1}, Date{2021, 5, 1}}}}}, "2026-03-02 12:00", ""},
		{"the edge of a not", []Window{{Not: []Window{win(t, "wed", "10:00", "11:00")}}}, "2026-03-02 12:00", "2026-03-04 10:00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := made(t, place, tt.windows...)
			got, ok := s.Next(at(t, z, tt.from))
			if tt.want == "" {
				if ok {
					t.Errorf("next is %v, want none", got)
				}
				if _, until := s.At(at(t, z, tt.from)); !until.IsZero() {
					t.Errorf("At says until %v, want no end", until)
				}
				return
			}
			if want := at(t, z, tt.want); !ok || !got.Equal(want) {
				t.Errorf("next is %v %v, want %v", got, ok, want)
			}
		})
	}
}

// Whatever the windows, Holds changes at the edges that Next gives and nowhere else.
func TestNextAgreesWithHolds(t *testing.T) {
	for _, name := range []string{"America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "UTC"} {
		z := zone(t, name)
		place := Place{Zone: z, Latitude: 52.5, Longitude: 13.4, Known: true}
		for i, s := range []*Schedule{
			made(t, place, win(t, "mon-fri", "22:30", "06:15"), win(t, "sun", "01:30", "02:45")),
			made(t, place, Window{Not: []Window{win(t, "", "02:15", "02:15"), win(t, "sat,sun", "23:00", "03:00")}}),
			made(t, place, win(t, "", "sunset-30m", "23:00"), win(t, "tue", "sunset", "sunrise+1h")),
		} {
			for _, start := range []string{"2026-03-27 00:00", "2026-04-03 00:00", "2026-10-02 00:00", "2026-10-30 00:00"} {
				from := at(t, z, start)
				want, until := s.At(from)
				for m := range 3 * 24 * 4 {
					now := from.Add(time.Duration(m) * 15 * time.Minute)
					for !until.IsZero() && !now.Before(until) {
						want, until = s.At(until)
					}
					if got := s.Holds(now); got != want {
						t.Fatalf("%s schedule %d at %v: Holds is %v, by the edges it is %v until %v", name, i, now, got, want, until)
					}
				}
			}
		}
	}
}

func TestSunOfKnownDays(t *testing.T) {
	for _, tt := range []struct {
		name      string
		place     Place
		day       Date
		rise, set string // on the wall, from almanacs
	}{
		{"Palm Beach, winter", Place{zone(t, "America/New_York"), 26.71, -80.05, true}, Date{2026, 12, 21}, "07:05", "17:32"},
		{"Palm Beach, summer", Place{zone(t, "America/New_York"), 26.71, -80.05, true}, Date{2026, 6, 21}, "06:27", "20:15"},
		{"Berlin, summer", Place{zone(t, "Europe/Berlin"), 52.52, 13.405, true}, Date{2026, 6, 21}, "04:43", "21:33"},
		{"Sydney, winter", Place{zone(t, "Australia/Sydney"), -33.87, 151.21, true}, Date{2026, 6, 21}, "07:00", "16:54"},
		{"Kiritimati, fourteen hours ahead", Place{zone(t, "Pacific/Kiritimati"), 1.87, -157.4, true}, Date{2026, 3, 20}, "06:34", "18:40"},
		{"Auckland, summer", Place{zone(t, "Pacific/Auckland"), -36.85, 174.76, true}, Date{2026, 12, 21}, "05:58", "20:39"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rise, set := tt.place.Sun(tt.day)
			for _, x := range []struct {
				what string
				got  time.Time
				want string
			}{{"sunrise", rise, tt.rise}, {"sunset", set, tt.set}} {
				want := at(t, tt.place.Zone, tt.day.String()+" "+x.want)
				if off := x.got.Sub(want).Abs(); off > 4*time.Minute {
					t.Errorf("%s is %v, the almanac says %v", x.what, x.got, want)
				}
			}
			if tt.place.Night(rise.Add(-time.Second)) != true || tt.place.Night(rise) || !tt.place.Day(rise) {
				t.Error("night does not end with sunrise")
			}
			if tt.place.Night(set.Add(-time.Second)) || !tt.place.Night(set) || tt.place.Day(set) {
				t.Error("night does not begin with sunset")
			}
		})
	}
}

func TestWhereTheSunDoesNotSet(t *testing.T) {
	tromso := Place{zone(t, "Europe/Oslo"), 69.65, 18.96, true}
	night, err := Night(tromso)
	if err != nil {
		t.Fatal(err)
	}
	// From the end of May to the end of July the sun does not set; from the end of November to the middle of January it
	// does not rise.
	for h := range 24 * 30 {
		summer := at(t, tromso.Zone, "2026-06-05 00:00").Add(time.Duration(h) * time.Hour)
		if tromso.Night(summer) || !tromso.Day(summer) {
			t.Fatalf("night at %v", summer)
		}
		winter := at(t, tromso.Zone, "2026-12-05 00:00").Add(time.Duration(h) * time.Hour)
		if !tromso.Night(winter) || tromso.Day(winter) {
			t.Fatalf("no night at %v", winter)
		}
	}
	// The next change after midsummer is the first sunset, in July.
	next, ok := night.Next(at(t, tromso.Zone, "2026-06-21 12:00"))
	if !ok || next.Before(at(t, tromso.Zone, "2026-07-20 00:00")) || next.After(at(t, tromso.Zone, "2026-08-03 00:00")) {
		t.Errorf("the first sunset after midsummer is %v", next)
	}
	next, ok = night.Next(at(t, tromso.Zone, "2026-12-21 12:00"))
	if !ok || next.Before(at(t, tromso.Zone, "2027-01-08 00:00")) || next.After(at(t, tromso.Zone, "2027-01-22 00:00")) {
		t.Errorf("the first sunrise after midwinter is %v", next)
	}
	// With an offset the window goes on from the midnight by the sun.
	s := made(t, tromso, win(t, "", "sunset-30m", "sunrise"))
	length := 0
	for m := range 24 * 60 {
		if s.Holds(at(t, tromso.Zone, "2026-06-21 12:00").Add(time.Duration(m) * time.Minute)) {
			length++
		}
	}
	if length < 29 || length > 31 {
		t.Errorf("sunset-30m to sunrise at midsummer is %d minutes, want 30", length)
	}
	for _, pole := range []float64{90, -90, 89.9} {
		p := Place{time.UTC, pole, 0, true}
		summer, winter := at(t, time.UTC, "2026-06-21 03:00"), at(t, time.UTC, "2026-12-21 03:00")
		if pole < 0 {
			summer, winter = winter, summer
		}
		if p.Night(summer) || !p.Night(winter) {
			t.Errorf("at %v: night in summer %v, in winter %v", pole, p.Night(summer), p.Night(winter))
		}
	}
}

// A window between the sun and a time of day never turns into most of a day when the sun passes that time.
func TestSunAndClockDoNotSwap(t *testing.T) {
	berlin := Place{zone(t, "Europe/Berlin"), 52.52, 13.405, true}
	for _, tt := range []struct {
		from, to string
		longest  time.Duration
	}{
		{"sunset", "21:00", 6 * time.Hour},
		{"06:30", "sunrise", 2 * time.Hour},
		{"sunset", "02:00", 11 * time.Hour},
		{"22:00", "sunrise", 11 * time.Hour},
		{"sunrise", "08:00", 5 * time.Hour},
		{"sunset", "sunrise", 17 * time.Hour},
		{"sunrise", "sunset", 17 * time.Hour},
		{"sunset-30m", "sunset+30m", time.Hour},
	} {
		s := made(t, berlin, win(t, "", tt.from, tt.to))
		for month := range 12 {
			now := at(t, berlin.Zone, "2026-01-21 13:00").AddDate(0, month, 0)
			for range 4 {
				holds, until := s.At(now)
				if until.IsZero() {
					break
				}
				if holds && until.Sub(now) > tt.longest {
					t.Errorf("%s to %s: from %v to %v is over %v", tt.from, tt.to, now, until, tt.longest)
				}
				now = until
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	deep := Window{}
	for range 10 {
		deep = Window{Not: []Window{deep}}
	}
	for _, tt := range []struct {
		name    string
		windows []Window
		want    string
	}{
		{"no window", nil, "a schedule needs at least one window"},
		{"the sun of nowhere", []Window{{From: Edge{Kind: Sunset}}}, "sunrise and sunset need the site's location (latitude and longitude)"},
		{"the sun of nowhere, in not", []Window{{Not: []Window{{To: Edge{Kind: Sunrise}}}}}, "sunrise and sunset need the site's location (latitude and longitude)"},
		{"a beginning at 24:00", []Window{{From: Edge{Offset: day}}}, "a window cannot begin at 24:00; write 00:00"},
		{"25 hours", []Window{{To: Edge{Offset: 25 * time.Hour}}}, "a time of day is from 00:00 to 24:00"},
		{"a date", []Window{{Dates: []DateRange{{Date{2026, 2, 30}, Date{2026, 2, 30}}}}}, "2026-02-30 is not a day of the calendar"},
		{"not in not", []Window{deep}, "not: stands in itself more than 8 deep"},
		{"too many", make([]Window, 1001), "a schedule has at most 1000 windows"},
	} {
		if _, err := New(Place{}, tt.windows...); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

// A look costs no memory: it stands in conditions that are evaluated on every frame.
func TestHoldsAllocatesNothing(t *testing.T) {
	s := made(t, Place{Zone: zone(t, "America/New_York")}, win(t, "mon-fri", "08:00", "18:00"), win(t, "", "22:00", "06:00"))
	now := time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)
	if n := testing.AllocsPerRun(100, func() { s.Holds(now) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkHolds(b *testing.B) {
	s := made(b, Place{Zone: zone(b, "America/New_York")}, win(b, "mon-fri", "08:00", "18:00"))
	now := time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)
	for b.Loop() {
		s.Holds(now)
	}
}
