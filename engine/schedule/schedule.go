// Package schedule answers "does it hold?" and "when next?" for weekly windows, the sun and cron. Everything in it is
// a pure function of the time it is given: it has no clock of its own and keeps nothing between calls.
//
// Times on the wall are those of a place. On the night on which clocks go forward, a time that does not exist is the
// moment of the jump; on the night on which they go back, a time that comes twice is the first of the two. So a
// window that spans the change has the length that it has on the wall: 22:00 to 06:00 is seven hours or nine.
package schedule

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Place is where the sun rises and which clock hangs on the wall.
type Place struct {
	// Zone is the time zone; nil means UTC.
	Zone *time.Location
	// Latitude and Longitude are degrees, north and east positive.
	Latitude, Longitude float64
	// Known tells whether Latitude and Longitude were given. Without them there is no sun.
	Known bool
}

func (p Place) zone() *time.Location {
	if p.Zone == nil {
		return time.UTC
	}
	return p.Zone
}

// Days is a set of days of the week. The zero value means every day.
type Days uint8

// Has tells whether the day is in the set.
func (d Days) Has(day time.Weekday) bool { return d == 0 || d&(1<<uint(day)) != 0 }

// EdgeKind says what an Edge counts from.
type EdgeKind uint8

// The kinds of Edge.
const (
	// Clock counts from 00:00 on the wall.
	Clock EdgeKind = iota
	// Sunrise counts from sunrise.
	Sunrise
	// Sunset counts from sunset.
	Sunset
)

// Edge is the beginning or the end of a window on one day.
type Edge struct {
	// Kind says what Offset counts from.
	Kind EdgeKind
	// Offset is 0 to 24 h for Clock, -12 h to 12 h for Sunrise and Sunset.
	Offset time.Duration
}

// Date is a day of the calendar. Year 0 means every year.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateRange is the days from First to Last, both included. Both have a year, or neither has; without one the range
// may go over the end of the year (12-24 to 01-06).
type DateRange struct {
	First, Last Date
}

// Window is one window of a schedule. It belongs to the day on which it begins: Days, Dates and Holidays are asked
// about that day, and all that are given must fit. Not is asked about the moment itself.
type Window struct {
	// Days of the week on which the window begins.
	Days Days
	// From and To are its beginning, included, and its end, excluded. A To that is not after From is on the next
	// day, so equal clock times last until the same time of the next day; see Schedule for the sun.
	From, To Edge
	// Dates on which the window begins; nil: any.
	Dates []DateRange
	// Holidays on which the window begins; nil: any. A list that is there and empty fits no day.
	Holidays []DateRange
	// Not takes out the moments at which any of these windows holds.
	Not []Window
}

// Schedule is a list of windows of which one must hold. It does not change once made and may be used from several
// goroutines.
//
// Where an edge is the sun, which day the end is on does not depend on the season: sunrise may be from 03:00 to
// 12:00 and sunset from 12:00 to 24:00, and the end is on the next day only if it could not come after the beginning
// on the same one. So "from sunset to 23:00" is empty on a night when the sun sets later, and "from 06:30 to sunrise"
// in summer. On a day on which the sun does not set, sunrise and sunset are the middle of the night; on one on which
// it does not rise, both are noon by the sun.
type Schedule struct {
	place   Place
	windows []window
}

// window is a Window with what is worked out once.
type window struct {
	Window
	nextDay bool // the end is on the day after the beginning
	not     []window
}

const (
	day = 24 * time.Hour
	// maxNot bounds how deep `not` may stand in `not`.
	maxNot = 8
	// maxWindows bounds all windows of a schedule together.
	maxWindows = 1000
)

var (
	errNoPlace = errors.New("sunrise and sunset need the site's location (latitude and longitude)")
	errEmpty   = errors.New("a schedule needs at least one window")
	errNot     = fmt.Errorf("not: stands in itself more than %d deep", maxNot)
	errMany    = fmt.Errorf("a schedule has at most %d windows", maxWindows)
)

// New makes a schedule of windows of which one must hold. It fails when there is none, when one asks for the sun and
// the place is not known, or when an edge, a date or the nesting is out of bounds.
func New(place Place, windows ...Window) (*Schedule, error) {
	if len(windows) == 0 {
		return nil, errEmpty
	}
	left := maxWindows
	ws, err := build(place, windows, 0, &left)
	if err != nil {
		return nil, err
	}
	return &Schedule{place: place, windows: ws}, nil
}

func build(place Place, windows []Window, depth int, left *int) ([]window, error) {
	if depth > maxNot {
		return nil, errNot
	}
	if *left -= len(windows); *left < 0 {
		return nil, errMany
	}
	out := make([]window, 0, len(windows))
	for _, w := range windows {
		if (w.From.Kind != Clock || w.To.Kind != Clock) && !place.Known {
			return nil, errNoPlace
		}
		for _, e := range []Edge{w.From, w.To} {
			if err := e.check(); err != nil {
				return nil, err
			}
		}
		if w.From.Kind == Clock && w.From.Offset >= day {
			return nil, errors.New("a window cannot begin at 24:00; write 00:00")
		}
		for _, r := range slices.Concat(w.Dates, w.Holidays) {
			if err := r.check(); err != nil {
				return nil, err
			}
		}
		not, err := build(place, w.Not, depth+1, left)
		if err != nil {
			return nil, err
		}
		out = append(out, window{Window: w, nextDay: w.endsNextDay(), not: not})
	}
	return out, nil
}

// endsNextDay tells whether the end cannot come after the beginning on the same day.
func (w Window) endsNextDay() bool {
	if w.From.Kind == w.To.Kind {
		return w.To.Offset <= w.From.Offset
	}
	if w.From.Kind != Clock && w.To.Kind != Clock {
		return w.From.Kind == Sunset
	}
	earliest, latest := w.From.Offset, w.To.Offset
	switch w.From.Kind {
	case Sunrise:
		earliest += 3 * time.Hour
	case Sunset:
		earliest += 12 * time.Hour
	}
	switch w.To.Kind {
	case Sunrise:
		latest += 12 * time.Hour
	case Sunset:
		latest += 24 * time.Hour
	}
	return latest <= earliest
}

// Holds tells whether t is inside.
func (s *Schedule) Holds(t time.Time) bool { return holds(s.place, s.windows, t) }

func holds(place Place, windows []window, t time.Time) bool {
	for i := range windows {
		if windows[i].holds(place, t) {
			return true
		}
	}
	return false
}

// reach is how many days before its own a moment may have a window that holds it, and after it one that has begun: a
// window ends on the next day at the latest, and the sun's offsets move an edge by up to half a day more.
const (
	reachBack  = 2
	reachAhead = 1
)

func (w *window) holds(place Place, t time.Time) bool {
	today := dateOf(t, place.zone())
	for back := -reachAhead; back <= reachBack; back++ {
		d := today.addDays(-back)
		if !w.on(d) {
			continue
		}
		if t.Before(w.From.moment(place, d)) {
			continue
		}
		if t.Before(w.end(place, d)) {
			return len(w.not) == 0 || !holds(place, w.not, t)
		}
	}
	return false
}

// on tells whether the window begins on that day.
func (w *window) on(d Date) bool {
	return w.Days.Has(d.weekday()) &&
		(w.Dates == nil || anyHas(w.Dates, d)) &&
		(w.Holidays == nil || anyHas(w.Holidays, d))
}

// span is the window that begins on that day, as moments. It may be empty (to not after from).
func (w *window) span(place Place, d Date) (from, to time.Time) {
	return w.From.moment(place, d), w.end(place, d)
}

// end is the end of the window that begins on that day.
func (w *window) end(place Place, d Date) time.Time {
	if w.nextDay {
		d = d.addDays(1)
	}
	return w.To.moment(place, d)
}

// Next is the first moment after t at which the answer of Holds changes; false when there is none in the next ten
// years (or 400 days for a schedule without dates).
func (s *Schedule) Next(t time.Time) (time.Time, bool) {
	now := s.Holds(t)
	today := dateOf(t, s.place.zone())
	horizon := 400
	if hasDates(s.windows) {
		horizon = 3660
	}
	var edges []time.Time
	for ahead := -reachBack; ahead <= horizon; ahead++ {
		d := today.addDays(ahead)
		edges = edgesOf(s.place, s.windows, d, edges)
		// An edge of a later day can come before one of this day by less than reachBack days, so look only at what
		// is certainly complete.
		complete := d.addDays(-reachAhead-1).moment(0, s.place.zone())
		slices.SortFunc(edges, time.Time.Compare)
		n := 0
		for _, e := range edges {
			if !e.Before(complete) {
				break
			}
			n++
			if e.After(t) && s.Holds(e) != now {
				return e, true
			}
		}
		edges = slices.Delete(edges, 0, n)
	}
	return time.Time{}, false
}

// At is Holds and Next in one: whether t is inside, and until when that answer stays true. The zero time means that
// it does not change any more. A caller that asks often keeps the answer until then, as long as time goes forward.
func (s *Schedule) At(t time.Time) (holds bool, until time.Time) {
	holds = s.Holds(t)
	if next, ok := s.Next(t); ok {
		until = next
	}
	return holds, until
}

func hasDates(windows []window) bool {
	for i := range windows {
		if windows[i].Dates != nil || windows[i].Holidays != nil || hasDates(windows[i].not) {
			return true
		}
	}
	return false
}

// edgesOf appends every beginning and end of windows that begin on that day.
func edgesOf(place Place, windows []window, d Date, edges []time.Time) []time.Time {
	for i := range windows {
		w := &windows[i]
		if w.on(d) {
			if from, to := w.span(place, d); from.Before(to) {
				edges = append(edges, from, to)
			}
		}
		edges = edgesOf(place, w.not, d, edges)
	}
	return edges
}

// UsesSun tells whether any of the windows has the sun as an edge, so that a place is needed.
func UsesSun(windows []Window) bool {
	for _, w := range windows {
		if w.From.Kind != Clock || w.To.Kind != Clock || UsesSun(w.Not) {
			return true
		}
	}
	return false
}
