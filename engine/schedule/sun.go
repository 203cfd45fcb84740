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
		return place.sunrise(d).Add(e.Offset)
	case Sunset:
		return place.sunset(d).Add(e.Offset)
	}
	return d.moment(e.Offset, place.zone())
}

// Sun is sunrise and sunset of a day at the place, to the second: those before and after the day's noon by the sun,
// which near the poles may be on a neighbouring day on the wall. Where the sun does not set, they are the midnights
// by the sun before and after that noon; where it does not rise, both are that noon.
func (p Place) Sun(d Date) (rise, set time.Time) { return p.sunrise(d), p.sunset(d) }

func (p Place) sunrise(d Date) time.Time {
	solar := p.solarDay(d)
	rise, err := astral.Sunrise(p.observer(), solar.moment(0, time.UTC))
	switch {
	case errors.Is(err, astral.ErrAlwaysBelow):
		rise = p.noon(solar)
	case err != nil:
		rise = middle(p.noon(solar.addDays(-1)), p.noon(solar))
	}
	// Whole seconds: the last bits of a float may differ between processors, and then two machines would not decide
	// alike.
	return rise.Round(time.Second).In(p.zone())
}

func (p Place) sunset(d Date) time.Time {
	solar := p.solarDay(d)
	set, err := astral.Sunset(p.observer(), solar.moment(0, time.UTC))
	switch {
	case errors.Is(err, astral.ErrAlwaysBelow):
		set = p.noon(solar)
	case err != nil:
		set = middle(p.noon(solar), p.noon(solar.addDays(1)))
	}
	return set.Round(time.Second).In(p.zone())
}

func (p Place) observer() astral.Observer {
	return astral.Observer{Latitude: p.Latitude, Longitude: p.Longitude}
}

func middle(a, b time.Time) time.Time { return a.Add(b.Sub(a) / 2) }

// solarDay is the day by the sun, which is counted in UTC, whose noon is on that day on the wall. It is another one
// where the zone is far from the longitude.
func (p Place) solarDay(d Date) Date {
	for _, shift := range [...]int{0, -1, 1} {
		if c := d.addDays(shift); dateOf(p.noon(c), p.zone()) == d {
			return c
		}
	}
	return d
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
