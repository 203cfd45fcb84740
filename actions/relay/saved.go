package relay

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	savedVersion = 1
	maxSaved     = 64 << 20 // bytes
	maxRelays    = 1024
)

// Saved is what a bank remembers over a restart: faults, how often relays were
// turned on and switched, and the visits that pulsed them. What asks for a
// relay, what holds it back for a moment, and the fault of a device that does
// not answer yet are not in it. It is encoded as JSON and read by [DecodeSaved].
type Saved struct {
	Version int `json:"version"`

	// At is the wall clock when this was taken; the zero time when it was not
	// known. Ages count back from here.
	At time.Time `json:"at"`

	Relays []SavedRelay `json:"relays"`
}

// SavedRelay is one relay of a Saved. Ages are in nanoseconds, oldest first.
type SavedRelay struct {
	Name     string          `json:"name"`
	Fault    string          `json:"fault,omitempty"`    // empty for none
	Ons      []time.Duration `json:"ons,omitempty"`      // ages of the last day's ons, at most 4096
	Switches []time.Duration `json:"switches,omitempty"` // ages of the last minute's changes of level, at most 31
	Visits   []SavedVisit    `json:"visits,omitempty"`   // at most 1024
}

// SavedVisit is a visit that pulsed a relay.
type SavedVisit struct {
	Visit string        `json:"visit"`
	Age   time.Duration `json:"age"` // since it last asked, up to a minute more
}

// DecodeSaved reads what was encoded of a Saved. The error says what is wrong:
// no JSON, another version, or values that no bank gives.
func DecodeSaved(data []byte) (Saved, error) {
	if len(data) > maxSaved {
		return Saved{}, fmt.Errorf("memory of the relays: %d bytes are more than %d", len(data), maxSaved)
	}
	var s Saved
	if err := json.Unmarshal(data, &s); err != nil {
		return Saved{}, fmt.Errorf("memory of the relays: %w", err)
	}
	if err := s.check(); err != nil {
		return Saved{}, fmt.Errorf("memory of the relays: %w", err)
	}
	return s, nil
}

func (s Saved) check() error {
	if s.Version != savedVersion {
		return fmt.Errorf("version %d is not known, only %d", s.Version, savedVersion)
	}
	if len(s.Relays) > maxRelays {
		return fmt.Errorf("%d relays are more than %d", len(s.Relays), maxRelays)
	}
	names := make(map[string]bool, len(s.Relays))
	for _, r := range s.Relays {
		if r.Name == "" || names[r.Name] {
			return fmt.Errorf("relay %q is there twice, or has no name", r.Name)
		}
		names[r.Name] = true
		if err := r.check(); err != nil {
			return fmt.Errorf("relay %q: %w", r.Name, err)
		}
	}
	return nil
}

func (r SavedRelay) check() error {
	if len(r.Fault) > maxFault {
		return errors.New("the fault is too long")
	}
	if err := checkAges("ons", r.Ons, maxOns, day); err != nil {
		return err
	}
	if err := checkAges("switches", r.Switches, maxSwitches+1, switchWindow); err != nil {
		return err
	}
	ages := make([]time.Duration, len(r.Visits))
	seen := make(map[string]bool, len(r.Visits))
	for i, v := range r.Visits {
		if v.Visit == "" || len(v.Visit) > maxKey || seen[v.Visit] {
			return fmt.Errorf("visits: %.40q is there twice, empty or too long", v.Visit)
		}
		seen[v.Visit], ages[i] = true, v.Age
	}
	return checkAges("visits", ages, maxVisits, visitMemory)
}

func checkAges(what string, ages []time.Duration, most int, oldest time.Duration) error {
	if len(ages) > most {
		return fmt.Errorf("%s: %d are more than %d", what, len(ages), most)
	}
	for i, age := range ages {
		switch {
		case age < 0 || age >= oldest:
			return fmt.Errorf("%s: an age of %v is not between 0 and %v", what, age, oldest)
		case i > 0 && age > ages[i-1]:
			return fmt.Errorf("%s: not oldest first", what)
		}
	}
	return nil
}

// Export gives what must outlast a restart. wall is the wall clock now, or the
// zero time when it is not set.
func (b *Bank) Export(now time.Duration, wall time.Time) Saved {
	now = b.advance(now)
	s := Saved{Version: savedVersion, At: wall.Round(0), Relays: make([]SavedRelay, 0, len(b.relays))}
	for _, r := range b.relays {
		e := SavedRelay{Name: r.Name, Ons: ages(recent(r.ons, now, day), now), Switches: ages(recent(r.switches, now, switchWindow), now)}
		if !r.passes {
			e.Fault = r.fault
		}
		for _, v := range r.visits {
			if age := now - v.last; age < visitMemory {
				e.Visits = append(e.Visits, SavedVisit{v.key, age})
			}
		}
		s.Relays = append(s.Relays, e)
	}
	return s
}

func ages(times []time.Duration, now time.Duration) []time.Duration {
	var out []time.Duration
	for _, t := range times {
		out = append(out, now-t)
	}
	return out
}

// Altered gives a number that changes with everything that [Bank.Export] would
// give otherwise than before, but for the time that passes.
func (b *Bank) Altered() uint64 { return b.altered }

// Restore takes up what an earlier bank exported, as DecodeSaved gives it, into
// one that was not used yet. wall is the wall clock now. The time away counts as
// none when it is not known, or when the clock went back. Relays that are not
// there any more are forgotten.
func (b *Bank) Restore(now time.Duration, wall time.Time, s Saved) {
	b.now = max(now, b.now)
	var away time.Duration
	if !wall.IsZero() && !s.At.IsZero() {
		away = max(0, wall.Sub(s.At))
	}
	// What is older than any window goes; so nothing runs over, either.
	times := func(ages []time.Duration, window time.Duration) []time.Duration {
		var out []time.Duration
		for _, age := range ages {
			if away < window-age {
				out = append(out, b.now-age-away)
			}
		}
		return out
	}
	for _, e := range s.Relays {
		r := b.find(e.Name)
		if r == nil {
			continue
		}
		r.ons, r.switches = times(e.Ons, day), times(e.Switches, switchWindow)
		r.visits = nil
		for _, v := range e.Visits {
			if away < visitMemory-v.Age {
				r.visits = append(r.visits, visit{v.Visit, b.now - v.Age - away})
			}
		}
		if e.Fault != "" {
			r.fault, r.cause = e.Fault, "fault from before the start: "+e.Fault
		}
	}
}
