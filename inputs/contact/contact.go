// Package contact watches the wired inputs of a site: door contacts, buttons,
// anything that opens or closes a circuit.
//
// Every contact has a goroutine of its own. It hands on changes in order, says
// when a line cannot be read any more (the contact is then unknown, which is not
// off), and goes on trying. A contact that chatters is slowed down, so that it
// can neither flood the engine nor delay another contact; its last level comes
// through all the same.
package contact

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sallyport/sallyport/gpio"
)

// Rate is how many changes a second of one contact are handed on for long;
// Burst is how many may come at once.
const (
	Rate  = 50
	Burst = 10
)

const (
	// slot is the time that one handed-on change takes of the allowance. A level
	// that had to wait waits no longer than this.
	slot = time.Second / Rate

	// look is how often a level is read with no change reported, and a lost line
	// tried again.
	look = time.Second

	// tellEvery is how often a contact that loses changes is spoken of.
	tellEvery = time.Minute
)

// Contact is one wired input.
type Contact struct {
	// Name is what rules call it.
	Name string

	// Line is where it is wired. It is not looked at when Memory is given.
	Line gpio.InputConfig

	// Memory is the line in memory instead. It stays the caller's: Close does
	// not close it.
	Memory *gpio.MemoryInput
}

// Change is what became of a contact.
type Change struct {
	Name string

	// On is the level; true is active. It is false while Known is.
	On bool

	// Known is false from the moment that the line cannot be read any more. The
	// next change, when it can be read again, is no edge: it says how things
	// stand.
	Known bool

	// At is when the line changed (see gpio.Edge), with a monotonic reading; of
	// the first level, and of a line lost or had again, when that was noticed.
	At time.Time
}

// Options are what a Service needs from its surroundings.
type Options struct {
	// OnChange is called for the first level of every contact, in the order of
	// the contacts and before New returns, and for every change afterwards. The
	// changes of one contact come in order and one at a time; those of different
	// contacts may come at the same time. It may block: changes then wait in a
	// bounded queue, and the last level is always handed on. It must not call
	// Close.
	OnChange func(Change)

	// Problem, when given, is told what is wrong with a contact: once when its
	// line is lost and once when it is had again (of a line that comes and goes
	// once a minute), and at most once a minute that changes were left out. As
	// OnChange, it may be called by several contacts at the same time.
	Problem func(contact, problem string)
}

// State is how a contact stands.
type State struct {
	Name      string
	On, Known bool

	// Since is the time of the last change that was handed on.
	Since time.Time

	// Missed counts the changes that came faster than they could be read.
	Missed uint64

	// Dropped counts the changes that were not handed on because the contact
	// chattered.
	Dropped uint64
}

// input is a line as package gpio has it.
type input interface {
	Changed() <-chan struct{}
	Take() ([]gpio.Edge, error)
	Missed() uint64
	Close() error
}

// Service watches the contacts of a site. Its methods may be used by several
// goroutines.
type Service struct {
	watchers []*watcher
	stop     chan struct{}
	once     sync.Once
	running  sync.WaitGroup
}

// New opens the line of every contact, hands on their first levels, and watches
// them from then on. It fails for contacts without a name or with the same one,
// and for every line that cannot be had or read, all at once; then no line is
// held and nothing was handed on. Close must be called in the end.
func New(contacts []Contact, o Options) (*Service, error) {
	return start(contacts, o, func(c gpio.InputConfig) (input, error) { return gpio.OpenInput(c) })
}

func start(contacts []Contact, o Options, open func(gpio.InputConfig) (input, error)) (*Service, error) {
	if o.OnChange == nil {
		return nil, errors.New("contact: OnChange is required")
	}
	if o.Problem == nil {
		o.Problem = func(string, string) {}
	}
	s := &Service{stop: make(chan struct{})}
	var problems []error
	firsts := make([]gpio.Edge, 0, len(contacts))
	names := make(map[string]bool)
	for _, c := range contacts {
		var err error
		var first gpio.Edge
		w := &watcher{Contact: c, o: o, open: open}
		switch {
		case c.Name == "":
			err = errors.New("has no name")
		case names[c.Name]:
			err = errors.New("is there twice")
		default:
			first, err = w.begin()
		}
		names[c.Name] = true
		if err != nil {
			problems = append(problems, fmt.Errorf("contact %q: %w", c.Name, err))
			continue
		}
		s.watchers, firsts = append(s.watchers, w), append(firsts, first)
	}
	if len(problems) > 0 {
		for _, w := range s.watchers {
			w.release()
		}
		return nil, errors.Join(problems...)
	}
	for i, w := range s.watchers {
		w.hand(Change{Name: w.Name, On: firsts[i].On, Known: true, At: firsts[i].At})
	}
	for _, w := range s.watchers {
		s.running.Go(func() { w.run(s.stop) })
	}
	return s, nil
}

// States gives how every contact stands, in the order of New.
func (s *Service) States() []State {
	states := make([]State, len(s.watchers))
	for i, w := range s.watchers {
		states[i] = w.now()
	}
	return states
}

// Close ends the watching and releases the lines. It waits for an OnChange that
// is running; none comes afterwards. A second Close does nothing.
func (s *Service) Close() {
	s.once.Do(func() {
		close(s.stop)
		s.running.Wait()
		for _, w := range s.watchers {
			w.release()
		}
	})
}
