package gpio

import (
	"sync"
	"time"
)

// InputConfig says which line to read and how.
type InputConfig struct {
	// Chip is the name of the chip's device below /dev ("gpiochip0"), or its
	// full path. A symbolic link is followed.
	Chip string

	// Line is the line's number on the chip, from 0.
	Line int

	// ActiveLow says that the line is on at the low level.
	ActiveLow bool

	// Pull is the chip's own resistor on the line: "up", "down", "none" (switched
	// off), or empty to leave it as it is. Some drivers take the wish and ignore
	// it, and the kernel does not say so.
	Pull string

	// Debounce is how long a level must last to count, at most MaxDebounce; 0:
	// every change counts. The kernel does it; where the chip's driver refuses,
	// it is done here.
	Debounce time.Duration
}

// MaxDebounce is the longest debounce a line can have.
const MaxDebounce = time.Minute

// maxEdges is how many changes wait for a reader who is slow; beyond these the
// oldest are dropped and counted.
const maxEdges = 128

// Edge is a change of an input line.
type Edge struct {
	// On is the level from then on; true is active.
	On bool

	// At is when the line changed, or, with a debounce, when the new level
	// counted. For a level that was found by reading the line it is the time of
	// the reading. It carries a monotonic reading, never lies in the future, and
	// never goes back from one edge of a line to the next.
	At time.Time
}

// tap is what all input lines have in common: a bounded queue of the changes
// that the source reports, and a level that is read again at every Take, so
// that the last word is always what the line really is. The source is never
// held up by a slow reader.
type tap struct {
	read    func() (bool, error) // the level now, after active_low; called with mu held
	settle  time.Duration        // debounce to be done here; 0: none
	changed chan struct{}        // holds a value when Take may have something to say

	mu     sync.Mutex // covers what follows
	queue  []Edge
	missed uint64
	broken error // why there will be no more changes
	closed bool

	told  bool // last was given by Take and no error since
	last  bool
	since time.Time // of the last edge given

	// Only with settle.
	level    bool        // what counts
	settling *time.Timer // runs since the last change; nil when the level is settled
}

// newTap starts with the level that the line has now.
func newTap(settle time.Duration, read func() (bool, error)) (*tap, error) {
	level, err := read()
	if err != nil {
		return nil, err
	}
	t := &tap{read: read, settle: settle, level: level, changed: make(chan struct{}, 1), queue: make([]Edge, 0, maxEdges)}
	t.wake() // for the first level
	return t, nil
}

func (t *tap) wake() {
	select {
	case t.changed <- struct{}{}:
	default: // the reader is to come anyway
	}
}

// push takes a change from the source. mu is held.
func (t *tap) push(e Edge) {
	if t.closed {
		return
	}
	if t.settle > 0 {
		t.unsettle()
		return
	}
	t.enqueue(e)
}

func (t *tap) enqueue(e Edge) {
	if len(t.queue) == maxEdges {
		t.missed++
		copy(t.queue, t.queue[1:])
		t.queue = t.queue[:maxEdges-1]
	}
	t.queue = append(t.queue, e)
	t.wake()
}

// unsettle starts the time anew that the level must last. mu is held.
func (t *tap) unsettle() {
	if t.settling != nil {
		t.settling.Stop()
	}
	var timer *time.Timer
	timer = time.AfterFunc(t.settle, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.settling != timer {
			return // a later change came first
		}
		t.settling = nil
		level, err := t.read()
		if err != nil {
			t.wake() // the reader will find out
			return
		}
		if level != t.level {
			t.level = level
			t.enqueue(Edge{On: level, At: time.Now()})
		}
	})
	t.settling = timer
}

// lose counts changes that the source dropped, and has the level read again.
func (t *tap) lose(n uint64) {
	t.missed += n
	t.wake()
}

// fail says that the source will report no change any more.
func (t *tap) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.broken == nil {
		t.broken = err
	}
	t.wake()
}

// now reads the level that counts. mu is held.
func (t *tap) now() (bool, error) {
	switch {
	case t.closed:
		return false, ErrClosed
	case t.broken != nil:
		return false, t.broken
	}
	level, err := t.read()
	if err != nil || t.settle == 0 {
		return level, err
	}
	if level != t.level && t.settling == nil {
		t.unsettle() // its change was lost
	}
	return t.level, nil
}

// On reads the line: true is on (active). With a debounce it is the level that
// counts, not one that did not last yet. After Close it returns ErrClosed.
func (t *tap) On() (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now()
}

// Changed gives a channel that holds a value when Take may have something new
// to say, from the start for the first level. It is never closed.
func (t *tap) Changed() <-chan struct{} { return t.changed }

// Take gives the changes since the last call, oldest first and on and off in
// turn. It reads the line as well, so that the last level given is always the
// one that the line has. The first call, and the first one after an error, gives
// at least one edge: the level as it is. With an error come the changes from
// before it. After Close it returns ErrClosed.
//
// It does not matter how late it is called, but only the last 128 changes wait;
// Missed counts the others.
func (t *tap) Take() ([]Edge, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	level, err := t.now()
	if t.closed {
		return nil, err
	}
	var edges []Edge
	give := func(e Edge) {
		if t.told && e.On == t.last {
			return
		}
		if e.At.Before(t.since) {
			e.At = t.since
		}
		t.told, t.last, t.since = true, e.On, e.At
		edges = append(edges, e)
	}
	for _, e := range t.queue {
		give(e)
	}
	t.queue = t.queue[:0]
	if err != nil {
		t.told = false
		return edges, err
	}
	give(Edge{On: level, At: time.Now()})
	return edges, nil
}

// Missed counts the changes that were too many for a slow reader and were never
// given by Take.
func (t *tap) Missed() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.missed
}

// shut ends the tap; it says whether it was the first to do so.
func (t *tap) shut() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.closed = true
	if t.settling != nil {
		t.settling.Stop()
		t.settling = nil
	}
	return true
}

// MemoryInput is an input line that exists only in this process. It is safe for
// use by several goroutines.
type MemoryInput struct {
	*tap

	// Covered by tap.mu.
	on     bool
	broken error
}

// NewMemoryInput returns an input line in memory, off. A level must last for
// debounce to count; 0 or less: every change counts.
func NewMemoryInput(debounce time.Duration) *MemoryInput {
	m := new(MemoryInput)
	m.tap, _ = newTap(max(debounce, 0), func() (bool, error) { return m.on, m.broken }) // nothing is broken yet
	return m
}

// Set wires the line on or off. After Close it returns ErrClosed.
func (m *MemoryInput) Set(on bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	if m.on != on {
		m.on = on
		m.push(Edge{On: on, At: time.Now()})
	}
	return nil
}

// Break makes the line unreadable: reading it returns err, until Break(nil)
// mends it.
func (m *MemoryInput) Break(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = err
	m.wake()
}

// Close releases the line. A second Close returns ErrClosed.
func (m *MemoryInput) Close() error {
	if !m.shut() {
		return ErrClosed
	}
	return nil
}
