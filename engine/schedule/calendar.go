package schedule

import (
	"fmt"
	"time"
)

// dateOf is the day of t on the wall.
func dateOf(t time.Time, zone *time.Location) Date {
	y, m, d := t.In(zone).Date()
	return Date{y, m, d}
}

// utc is noon of the day in UTC: a handle for arithmetic with days, free of time zones.
func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC) }

func (d Date) addDays(n int) Date { return dateOf(d.utc().AddDate(0, 0, n), time.UTC) }

func (d Date) weekday() time.Weekday { return d.utc().Weekday() }

// order is the place of the day in a calendar whose months have 31 days.
func (d Date) order() int { return (d.Year*12+int(d.Month)-1)*31 + d.Day - 1 }

// moment is the moment at which the wall shows that time of that day: the jump, when clocks go forward over it, and
// the first of two.
func (d Date) moment(clock time.Duration, zone *time.Location) time.Time {
	if zone == time.UTC {
		return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, zone).Add(clock)
	}
	// The same digits read as UTC, from which an offset of the zone is taken away.
	wall := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Add(clock)
	// Offsets change at most once in these two days; both of them are looked at.
	_, before := wall.Add(-day).In(zone).Zone()
	_, after := wall.Add(day).In(zone).Zone()
	first := wall.Add(-time.Duration(before) * time.Second)
	second := wall.Add(-time.Duration(after) * time.Second)
	firstFits, secondFits := shows(first, wall, zone), shows(second, wall, zone)
	switch {
	case firstFits && secondFits:
		if second.Before(first) {
			return second.In(zone)
		}
		return first.In(zone)
	case firstFits:
		return first.In(zone)
	case secondFits:
		return second.In(zone)
	}
	// The wall never shows this time: the clock jumps over it, somewhere between the two readings.
	lo, hi := second, first
	if hi.Before(lo) {
		lo, hi = hi, lo
	}
	lo, hi = lo.Add(-time.Minute).Truncate(time.Second), hi.Add(time.Minute).Truncate(time.Second)
	_, offset := lo.In(zone).Zone()
	for hi.Sub(lo) > time.Second {
		mid := lo.Add(hi.Sub(lo) / 2).Truncate(time.Second)
		if _, o := mid.In(zone).Zone(); o == offset {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi.In(zone)
}

// shows tells whether the wall shows the digits of wall at moment t.
func shows(t, wall time.Time, zone *time.Location) bool {
	_, offset := t.In(zone).Zone()
	return t.Add(time.Duration(offset) * time.Second).Equal(wall)
}

func (d Date) check() error {
	year := d.Year
	if year == 0 {
		year = 2000 // a leap year, so that 02-29 is a day
	}
	if year < 1900 || year > 2200 || d.Month < 1 || d.Month > 12 || d.Day < 1 ||
		dateOf(time.Date(year, d.Month, d.Day, 12, 0, 0, 0, time.UTC), time.UTC).Day != d.Day {
		return fmt.Errorf("%s is not a day of the calendar", d)
	}
	return nil
}

// String is 2026-12-24, or 12-24 without a year.
func (d Date) String() string {
	if d.Year == 0 {
		return fmt.Sprintf("%02d-%02d", int(d.Month), d.Day)
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

func (r DateRange) check() error {
	if err := r.First.check(); err != nil {
		return err
	}
	if err := r.Last.check(); err != nil {
		return err
	}
	if (r.First.Year == 0) != (r.Last.Year == 0) {
		return fmt.Errorf("%s..%s: write the year on both sides or on none", r.First, r.Last)
	}
	if r.First.Year != 0 && r.Last.order() < r.First.order() {
		return fmt.Errorf("%s..%s ends before it begins", r.First, r.Last)
	}
	return nil
}

// Has tells whether the day is in the range.
func (r DateRange) Has(d Date) bool {
	if r.First.Year != 0 {
		return r.First.order() <= d.order() && d.order() <= r.Last.order()
	}
	d.Year = 0
	if r.Last.order() < r.First.order() {
		return d.order() >= r.First.order() || d.order() <= r.Last.order()
	}
	return r.First.order() <= d.order() && d.order() <= r.Last.order()
}

func anyHas(ranges []DateRange, d Date) bool {
	for _, r := range ranges {
		if r.Has(d) {
			return true
		}
	}
	return false
}

// String is the range as it is written: 2026-12-24, or 2026-07-01..2026-08-31.
func (r DateRange) String() string {
	if r.First == r.Last {
		return r.First.String()
	}
	return r.First.String() + ".." + r.Last.String()
}
