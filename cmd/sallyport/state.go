package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/engine"
)

const (
	// stateFile is the file below the data folder with what survives a restart.
	stateFile = "state.json"
	// stateEvery is how often the state is written at most.
	stateEvery = 2 * time.Second
	// stateRetry is how soon a write that failed is tried again, stateSay how often
	// that is said.
	stateRetry = 10 * time.Second
	stateSay   = time.Minute
	// stateClose is how long a stop waits for a slow disk.
	stateClose = time.Second
)

// loadState reads what an earlier run kept; nil when there is nothing. A file that
// is not right is set aside, loudly: the run begins without it.
func loadState(file string, log *slog.Logger, note func(text string)) *engine.State {
	b, err := readState(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var s engine.State
	if err == nil {
		s, err = engine.DecodeState(b)
	}
	if err == nil {
		return &s
	}
	bad := file + ".bad"
	if rerr := os.Rename(file, bad); rerr != nil {
		err = errors.Join(err, rerr)
	}
	log.Error("what the program remembered is lost: flags, counts, cooldowns and plate visits begin anew", "file", bad, "error", err)
	note(fmt.Sprintf("%s cannot be used: flags, counts, cooldowns and plate visits begin anew; it is kept as %s", file, bad))
	return nil
}

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

// stateKeeper writes the state beside the loop, which a slow disk never delays: of
// states that wait the latest counts.
type stateKeeper struct {
	file   string
	log    *slog.Logger
	states chan engine.State
	done   chan struct{}
}

func newStateKeeper(file string, log *slog.Logger) *stateKeeper {
	k := &stateKeeper{file: file, log: log, states: make(chan engine.State, 1), done: make(chan struct{})}
	go k.run()
	return k
}

// keep hands a state to the writer. It is called by one goroutine, never after close.
func (k *stateKeeper) keep(s engine.State) {
	select {
	case <-k.states:
	default:
	}
	k.states <- s // there is room: nobody else puts anything in
}

// close waits a moment for what was handed over to be written.
func (k *stateKeeper) close() {
	close(k.states)
	select {
	case <-k.done:
	case <-time.After(stateClose):
		k.log.Error("the disk is too slow: the last state is not written", "file", k.file)
	}
}

// run writes states as they come. One that could not be written is tried again
// until a later one comes.
func (k *stateKeeper) run() {
	defer close(k.done)
	var failed *engine.State
	var said time.Time
	var again <-chan time.Time
	for {
		var s engine.State
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
		if err := writeState(k.file, s); err != nil {
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

// replaceFile puts a text in the place of a file: at every moment, also when the
// power goes, one whole file is there.
func replaceFile(name string, text []byte) error {
	if old, err := os.ReadFile(name); err == nil && string(old) == string(text) {
		return nil // a flash card is not written without need
	}
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	fresh := name + ".new"
	f, err := os.OpenFile(fresh, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
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

// saving says when the loop hands its state on: at once when a relay was asked to
// go on, so that a restart does not ask again for the same arrival; else soon after
// a change, and no more often than every stateEvery.
type saving struct {
	keep  func(engine.State)
	timer *time.Timer
	armed bool
	kept  uint64    // the engine's Altered at the last time
	last  time.Time // and when that was
}

func newSaving(keep func(engine.State)) *saving {
	s := &saving{keep: keep, timer: time.NewTimer(0)}
	s.timer.Stop()
	return s
}

// look saves at once when a relay was asked, and arms the timer when something else
// changed since the last time.
func (s *saving) look(eng *engine.Engine, asked bool) {
	if s.keep == nil {
		return
	}
	if asked {
		s.timer.Stop()
		s.save(eng)
		return
	}
	if s.armed || eng.Altered() == s.kept {
		return
	}
	s.armed = true
	s.timer.Reset(max(0, stateEvery-time.Since(s.last)))
}

// save hands the present state on.
func (s *saving) save(eng *engine.Engine) {
	if s.keep == nil {
		return
	}
	s.armed, s.kept, s.last = false, eng.Altered(), time.Now()
	s.keep(eng.Export())
}
