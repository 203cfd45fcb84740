package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/engine"
)

const (
	// stateFile and relaysFile are the files below the data folder with what survives
	// a restart: of the engine, and of the relays.
	stateFile  = "state.json"
	relaysFile = "relays.json"
	// stateEvery is how often the state is written at most. Soon after a start it is
	// written more often, down to stateSoon: a program that is killed again and again
	// must not forget that a car was still being read.
	stateEvery = 2 * time.Second
	stateSoon  = 100 * time.Millisecond
	// stateRetry is how soon a write that failed is tried again, stateSay how often
	// that is said.
	stateRetry = 10 * time.Second
	stateSay   = time.Minute
	// stateClose is how long a stop waits for a slow disk.
	stateClose = time.Second
)

// loadState reads what an earlier run kept of the engine.
func loadState(file string, log *slog.Logger, note func(text string)) *engine.State {
	return loadKept(file, engine.DecodeState, "flags, counts, cooldowns and plate visits begin anew", log, note)
}

// loadRelays reads what an earlier run kept of the relays.
func loadRelays(file string, log *slog.Logger, note func(text string)) *relay.Saved {
	s := loadKept(file, relay.DecodeSaved, "faults and daily caps of relays begin anew", log, note)
	if s != nil {
		for i := range s.Relays {
			// The engine and its marks know what a visit pulsed. A number alone, after
			// a power cut that took the engine's last two seconds, may be that of
			// another car by now, and would keep the gate closed for it.
			s.Relays[i].Visits = nil
		}
	}
	return s
}

// loadKept reads what an earlier run kept; nil when there is nothing. A file that
// is not right is set aside, loudly: the run begins without it.
func loadKept[T any](file string, decode func([]byte) (T, error), lost string, log *slog.Logger, note func(text string)) *T {
	b, err := readState(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var s T
	if err == nil {
		s, err = decode(b)
	}
	if err == nil {
		return &s
	}
	bad := file + ".bad"
	if rerr := os.Rename(file, bad); rerr != nil {
		err = errors.Join(err, rerr)
	}
	log.Error("what the program remembered is lost: "+lost, "file", bad, "error", err)
	note(fmt.Sprintf("%s cannot be used: %s; it is kept as %s", file, lost, bad))
	return nil
}

// readState reads a file that the program keeps, and of one that grew out of all
// bounds the beginning.
func readState(file string) ([]byte, error) {
	if err := regular(file); err != nil {
		return nil, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, engine.MaxState+2))
}

// regular says what is wrong with a file that is not a regular one: to open a pipe
// could wait for ever.
func regular(file string) error {
	info, err := os.Stat(file)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", file)
	}
	return err
}

// keeper writes states beside those who have them, whom a slow disk never delays: of
// states that wait the latest counts.
type keeper[T any] struct {
	file   string
	log    *slog.Logger
	write  func(file string, state T) error
	states chan T
	done   chan struct{}
}

func newKeeper[T any](file string, log *slog.Logger, write func(file string, state T) error) *keeper[T] {
	k := &keeper[T]{file: file, log: log, write: write, states: make(chan T, 1), done: make(chan struct{})}
	go k.run()
	return k
}

// keep hands a state to the writer. It is called by one goroutine at a time, never
// after close.
func (k *keeper[T]) keep(s T) {
	select {
	case <-k.states:
	default:
	}
	k.states <- s // there is room: nobody else puts anything in
}

// close waits a moment for what was handed over to be written.
func (k *keeper[T]) close() {
	close(k.states)
	select {
	case <-k.done:
	case <-time.After(stateClose):
		k.log.Error("the disk is too slow: the last state is not written", "file", k.file)
	}
}

// run writes states as they come. One that could not be written is tried again
// until a later one comes.
func (k *keeper[T]) run() {
	defer close(k.done)
	var failed *T
	var said time.Time
	var again <-chan time.Time
	for {
		var s T
		select {
		case next, ok := <-k.states:
			if !ok {
				return
			}
			s = next
		case <-again:
			s = *failed
		}
		failed, again = nil, nil
		if err := k.write(k.file, s); err != nil {
			failed, again = &s, time.After(stateRetry)
			if now := time.Now(); said.IsZero() || now.Sub(said) >= stateSay {
				said = now
				k.log.Error("what a restart needs cannot be written", "file", k.file, "error", err)
			}
		}
	}
}

// writeState puts a state in the place of the last one.
func writeState(file string, s engine.State) error {
	b, err := s.Encode()
	if err != nil {
		return err
	}
	return replaceFile(file, b)
}

// writeRelays puts the memory of the relays in the place of the last one.
func writeRelays(file string, s relay.Saved) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return replaceFile(file, append(b, '\n'))
}

// replaceFile puts a text in the place of a file: at every moment, also when the
// power goes, one whole file is there.
func replaceFile(name string, text []byte) error {
	if regular(name) == nil { // to read a pipe could wait for ever
		if old, err := os.ReadFile(name); err == nil && string(old) == string(text) {
			return nil // a flash card is not written without need
		}
	}
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	fresh := name + ".new"
	// What is left there goes first: a link would be followed, a pipe wait for ever.
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = giveToOwner(f, dir)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err := os.Rename(fresh, name); err != nil {
		return err
	}
	return syncFolder(dir)
}

// syncFolder makes a rename last over a loss of power.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// saving says when the loop hands its state on: soon after a change, and no more
// often than every stateEvery, but for the first moments of a run. What must not be
// forgotten until then is noted by a markLog.
type saving struct {
	keep  func(engine.State)
	timer *time.Timer
	armed bool
	begun time.Time
	kept  uint64    // the engine's Altered at the last time
	last  time.Time // and when that was
}

func newSaving(keep func(engine.State)) *saving {
	s := &saving{keep: keep, timer: time.NewTimer(0), begun: time.Now()}
	s.timer.Stop()
	return s
}

// look arms the timer when something changed since the last time.
func (s *saving) look(eng *engine.Engine) {
	if s.keep == nil || s.armed || eng.Altered() == s.kept {
		return
	}
	s.armed = true
	every := min(max(time.Since(s.begun)/8, stateSoon), stateEvery)
	s.timer.Reset(max(0, every-time.Since(s.last)))
}

// save hands the present state on.
func (s *saving) save(eng *engine.Engine) {
	if s.keep == nil {
		return
	}
	s.armed, s.kept, s.last = false, eng.Altered(), time.Now()
	s.keep(eng.Export())
}

// relayMemory keeps what a restart must know of the relays: faults, which a restart
// does not clear, and how often they were turned on.
type relayMemory struct {
	keep func(relay.Saved) // nil: nothing is kept

	mu     sync.Mutex // guards what follows, and the calls of keep
	relays *relay.Service
	timer  *time.Timer
	kept   uint64 // Altered at the last time
	closed bool
}

// relaysSoon is how long changes of relays are gathered before they are written: a
// fault must not be forgotten by a kill, and a light must not wear the card out.
const relaysSoon = 100 * time.Millisecond

// begin says whose memory it is.
func (m *relayMemory) begin(relays *relay.Service) {
	m.mu.Lock()
	m.relays = relays
	m.mu.Unlock()
	m.changed()
}

// changed is told of every change of a relay.
func (m *relayMemory) changed() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.keep == nil || m.relays == nil || m.closed || m.timer != nil || m.relays.Altered() == m.kept {
		return
	}
	m.timer = time.AfterFunc(relaysSoon, m.save)
}

func (m *relayMemory) save() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.timer = nil
	if m.keep == nil || m.relays == nil || m.closed {
		return
	}
	m.kept = m.relays.Altered()
	m.keep(m.relays.Export())
}

// close keeps the last state; nothing is kept afterwards.
func (m *relayMemory) close() {
	m.save()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
}
