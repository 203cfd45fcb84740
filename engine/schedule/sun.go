package schedule

import (
	"errors"
	"math"
	"time"

	"github.com/sj14/astral/pkg/astral"
)

// check tells whether the offset is one that its kind may have.
func (e Edge) check() error {
	switch e.Kind {
	case Clock:
		if e.Offset < 0 || e.Offset > day {
			return errors.New("a time of day is from 00:00 to 24:00")
		}
	case Sunrise, Sunset:
		if e.Offset < -12*time.Hour || e.Offset > 12*time.Hour {
			return errors.New("the sun's offset is at most 12h")
		}
	default:
		return errors.New("an edge of a window is a time of day, sunrise or sunset")
	}
	return nil
}

// moment is the edge on that day.
func (e Edge) moment(place Place, d Date) time.Time {
	switch e.Kind {
	case Sunrise:
		rise, _ := place.Sun(d)
		return rise.Add(e.Offset)
	case Sunset:
		_, set := place.Sun(d)
		return set.Add(e.Offset)
	}
	return d.moment(e.Offset, place.zone())
}

// Sun is sunrise and sunset of a day at the place, to the second: those before and after the day's noon by the sun,
// which near the poles may be on a neighbouring day on the wall. Where the sun does not set, they are the midnights
// by the sun before and after that noon; where it does not rise, both are that noon.
func (p Place) Sun(d Date) (rise, set time.Time) {
	zone := p.zone()
	// The day by the sun is counted in UTC and may be a day off where the zone is far from the longitude.
	solar := d
	for _, shift := range []int{0, -1, 1} {
		c := d.addDays(shift)
		if dateOf(p.noon(c), zone) == d {
			solar = c
			break
		}
	}
	observer := astral.Observer{Latitude: p.Latitude, Longitude: p.Longitude}
	midnight := time.Date(solar.Year, solar.Month, solar.Day, 0, 0, 0, 0, time.UTC)
	noon := p.noon(solar)
	before := p.noon(solar.addDays(-1))
	after := p.noon(solar.addDays(1))

	// Whole seconds: the last bits of a float may differ between processors, and then two machines would not decide
	// alike.
	rise, err := astral.Sunrise(observer, midnight)
	switch {
	case errors.Is(err, astral.ErrAlwaysBelow):
		rise = noon
	case err != nil:
		rise = before.Add(noon.Sub(before) / 2)
	}
	set, err = astral.Sunset(observer, midnight)
	switch {
	case errors.Is(err, astral.ErrAlwaysBelow):
		set = noon
	case err != nil:
		set = noon.Add(after.Sub(noon) / 2)
	}
	return rise.Round(time.Second).In(zone), set.Round(time.Second).In(zone)
}

// noon is the moment at which the sun stands highest on that day of the sun (its day in UTC plus the longitude), to
// about half a minute.
func (p Place) noon(d Date) time.Time {
	// The equation of time, in minutes, by the usual short series; the sum is made of whole milliseconds so that it
	// is the same on every processor.
	b := 2 * math.Pi * float64(d.utc().YearDay()-81) / 364
	eot := float64(9.87*math.Sin(2*b)) - float64(7.53*math.Cos(b)) - float64(1.5*math.Sin(b))
	minutes := float64(-4*p.Longitude) - eot
	return time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC).
		Add(time.Duration(math.Round(minutes*60)) * time.Second)
}

// Night is the schedule that holds while the sun is below the horizon. It fails when the place is not known.
func Night(place Place) (*Schedule, error) {
	return New(place, Window{From: Edge{Kind: Sunset}, To: Edge{Kind: Sunrise}})
}

// Night tells whether the sun is below the horizon at t. It says false for a place that is not known; ask Known
// first, for then the right answer is that nobody knows.
func (p Place) Night(t time.Time) bool {
	s, err := Night(p)
	return err == nil && s.Holds(t)
}

// Day tells whether the sun is above the horizon at t. It says false for a place that is not known.
func (p Place) Day(t time.Time) bool { return p.Known && !p.Night(t) }
