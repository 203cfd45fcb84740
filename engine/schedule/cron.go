package schedule

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Cron is a cron expression of five fields (minute, hour, day of month, month, day of week), a word like @daily, or
// @every with a duration. It does not change once made.
//
// An expression that names its hours ("30 2 * * *") is a plan for the wall: every entry of it comes exactly once a
// day. When clocks go forward over it, it comes at the jump; when they go back over it, it comes the first time only.
// An expression for every hour ("*/15 * * * *") goes by the minutes as they pass, those of the hour that comes twice
// included. @every counts in whole steps from 1970-01-01 00:00 UTC, so it does not depend on when the program was
// started, and "@every 5m" is at :00, :05 and so on.
//
// As in cron itself, when both the day of the month and the day of the week are restricted, either will do.
type Cron struct {
	text  string
	zone  *time.Location
	every time.Duration // 0: the fields
	spec  cron.SpecSchedule
}

// star is the bit by which the parser marks a field that was * or ?.
const star = 1 << 63

// fieldsOnly and withDescriptors are what is accepted, apart from @every, which is read here.
const (
	fieldsOnly      = cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow
	withDescriptors = fieldsOnly | cron.Descriptor
)

// ParseCron reads a cron expression for the wall clock of a zone (nil: UTC). It refuses what would surprise: a zone
// inside the expression, @reboot, six fields, a negative @every or one under a second, and
// dates that never come.
func ParseCron(text string, zone *time.Location) (*Cron, error) {
	if zone == nil {
		zone = time.UTC
	}
	c := &Cron{text: strings.TrimSpace(text), zone: zone}
	fail := func(format string, args ...any) (*Cron, error) {
		return nil, fmt.Errorf("%s is not a cron time: %s", quote(text), fmt.Sprintf(format, args...))
	}
	word := strings.ToLower(c.text)
	switch {
	case c.text == "":
		return fail("it is empty (try \"0 22 * * *\")")
	case len(c.text) > 200:
		return fail("it is too long")
	case strings.HasPrefix(word, "tz=") || strings.HasPrefix(word, "cron_tz="):
		return fail("the time zone is that of the site file; leave %s out", c.text[:strings.Index(c.text, "=")+1])
	case word == "@reboot":
		return fail("use on: start for what is to be done at the start")
	case word == "@every" || strings.HasPrefix(word, "@every "):
		return c.parseEvery(strings.TrimSpace(c.text[len("@every"):]), fail)
	case strings.HasPrefix(word, "@"):
		schedule, err := cron.NewParser(withDescriptors).Parse(word)
		spec, ok := schedule.(*cron.SpecSchedule)
		if err != nil || !ok {
			return fail("the words are @yearly, @monthly, @weekly, @daily, @hourly and @every 5m")
		}
		c.spec = *spec
		return c, nil
	}
	fields := strings.Fields(c.text)
	if len(fields) != 5 {
		return fail("it has %d fields instead of 5: minute, hour, day of month, month, day of week", len(fields))
	}
	parser := cron.NewParser(fieldsOnly)
	for i, f := range []struct{ name, bounds string }{
		{"minute", "0-59"}, {"hour", "0-23"}, {"day of month", "1-31"}, {"month", "1-12 or jan-dec"},
		{"day of week", "0-6 or sun-sat, 0 is Sunday"},
	} {
		// Each field alone, for the message.
		alone := []string{"*", "*", "*", "*", "*"}
		alone[i] = fields[i]
		schedule, err := parser.Parse(strings.Join(alone, " "))
		if spec, ok := schedule.(*cron.SpecSchedule); err != nil || !ok || emptyField(spec) || strings.Contains(","+fields[i]+",", ",,") {
			return fail("%s %s (%s)", f.name, quote(fields[i]), f.bounds)
		}
	}
	schedule, err := parser.Parse(strings.Join(fields, " "))
	spec, ok := schedule.(*cron.SpecSchedule)
	if err != nil || !ok {
		return fail("it cannot be read")
	}
	c.spec = *spec
	if !c.comes() {
		return fail("that date never comes")
	}
	return c, nil
}

func (c *Cron) parseEvery(text string, fail func(string, ...any) (*Cron, error)) (*Cron, error) {
	if strings.HasPrefix(text, "-") {
		return fail("a negative @every never comes")
	}
	every, err := ParseDuration(text)
	switch {
	case err != nil:
		return fail("%v", err)
	case every < time.Second:
		return fail("@every is at least 1s")
	case every%time.Second != 0:
		return fail("@every counts in whole seconds")
	case every > 366*day:
		return fail("@every is at most 366d")
	}
	c.every = every
	return c, nil
}

// emptyField tells whether a field fits no value at all (",").
func emptyField(s *cron.SpecSchedule) bool {
	for _, f := range []uint64{s.Minute, s.Hour, s.Dom, s.Month, s.Dow} {
		if f&^star == 0 {
			return true
		}
	}
	return false
}

// comes tells whether there is such a date at all: a day of the month that one of its months has.
func (c *Cron) comes() bool {
	if c.spec.Dow&star == 0 && c.spec.Dom&star == 0 {
		return true // the day of the week will do
	}
	// With a day of the month alone, it comes when one of its months has it; 2000 was a leap year.
	first := bits.TrailingZeros64(c.spec.Dom &^ star)
	for month := time.January; month <= time.December; month++ {
		if c.spec.Month&(1<<uint(month)) != 0 && first <= time.Date(2000, month+1, 0, 0, 0, 0, 0, time.UTC).Day() {
			return true
		}
	}
	return false
}

// String is the expression as it was written.
func (c *Cron) String() string { return c.text }

// onDay tells whether the expression has entries on that day.
func (c *Cron) onDay(d Date) bool {
	if c.spec.Month&(1<<uint(d.Month)) == 0 {
		return false
	}
	dom := c.spec.Dom&(1<<uint(d.Day)) != 0
	dow := c.spec.Dow&(1<<uint(d.weekday())) != 0
	if c.spec.Dom&star != 0 || c.spec.Dow&star != 0 {
		return dom && dow
	}
	return dom || dow
}

const everyHour = 1<<24 - 1

// Next is the first moment after t at which the expression comes; false when there is none in the next nine years,
// which ParseCron rules out for dates of the usual calendar.
func (c *Cron) Next(t time.Time) (time.Time, bool) {
	if c.every > 0 {
		// Whole seconds and no float: the step may be longer than a day.
		step := int64(c.every / time.Second)
		now := t.Unix()
		n := now / step
		if now < 0 && now%step != 0 {
			n--
		}
		return time.Unix((n+1)*step, 0).In(c.zone), true
	}
	today := dateOf(t, c.zone)
	// Yesterday too: where midnight is jumped over, its last entry is at the jump, which is today.
	for ahead := -1; ahead <= 9*366; ahead++ {
		d := today.addDays(ahead)
		if !c.onDay(d) {
			continue
		}
		if next, ok := c.nextOn(d, t); ok {
			return next, true
		}
	}
	return time.Time{}, false
}

// nextOn is the first entry of that day that is after t.
func (c *Cron) nextOn(d Date, t time.Time) (time.Time, bool) {
	if c.spec.Hour&everyHour == everyHour {
		return c.nextMinute(d, t)
	}
	for hour := range 24 {
		if c.spec.Hour&(1<<uint(hour)) == 0 {
			continue
		}
		// The last minute of the hour first: mostly the hour is over.
		if !d.moment(time.Duration(hour)*time.Hour+59*time.Minute, c.zone).After(t) {
			continue
		}
		for minute := range 60 {
			if c.spec.Minute&(1<<uint(minute)) == 0 {
				continue
			}
			at := d.moment(time.Duration(hour)*time.Hour+time.Duration(minute)*time.Minute, c.zone)
			if at.After(t) {
				return at, true
			}
		}
	}
	return time.Time{}, false
}

// nextMinute is the first minute after t that the wall shows on that day and that fits, for an expression that goes
// by every hour.
func (c *Cron) nextMinute(d Date, t time.Time) (time.Time, bool) {
	at := d.moment(0, c.zone)
	end := d.addDays(1).moment(0, c.zone)
	if !at.After(t) {
		at = t.Truncate(time.Minute).Add(time.Minute)
	}
	for ; at.Before(end); at = at.Add(time.Minute) {
		if c.spec.Minute&(1<<uint(at.In(c.zone).Minute())) != 0 {
			return at.In(c.zone), true
		}
	}
	return time.Time{}, false
}
