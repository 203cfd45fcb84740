package engine

import "errors"

// MaxSnapshot bounds the bytes of a snapshot.
const MaxSnapshot = 16 << 20

// Snapshot gives everything the engine knows as one line of JSON, so that a replay can go
// on from here: [Resume]. It changes nothing. It is an error when it would have more
// than [MaxSnapshot] bytes.
func (e *Engine) Snapshot() ([]byte, error) {
	return nil, errors.New("snapshots are not made yet")
}

// Resume makes an engine that goes on where another one was when it gave a snapshot.
// at is that moment on both clocks; the decision clock may have begun at another time.
// With the set that was in force then, it decides from here on exactly what the other
// one decides. With another set it is as after a reload to that set at that moment.
// What cannot be a snapshot gives an error.
func Resume(rs *Ruleset, o Options, at Instant, snapshot []byte) (*Engine, error) {
	return nil, errors.New("snapshots are not read yet")
}
