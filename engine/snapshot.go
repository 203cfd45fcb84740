package engine

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/sallyport/sallyport/engine/scene"
)

const (
	// MaxSnapshot bounds the bytes of a snapshot.
	MaxSnapshot = 16 << 20
	// snapshotVersion is the version of what [Engine.Snapshot] gives.
	snapshotVersion = 1
	// maxPacked bounds the bytes of a snapshot before they are written as base64.
	maxPacked = MaxSnapshot/4*3 - 1024
)

// snapshot is a snapshot as it is written: what is known stands packed in State.
type snapshot struct {
	Version int    `json:"version"`
	Set     string `json:"set"`   // the hash of the rule set
	Check   uint32 `json:"check"` // of the packed state, CRC-32
	State   []byte `json:"state"`
	// Overrides are the modes that rules have instead of those in their files. The state
	// is of the set with them.
	Overrides []savedOverride `json:"overrides,omitempty"`
}

// Snapshot gives everything the engine knows as one line of JSON, so that a replay can
// go on from here: see [Resume]. What explanations remember is left out, and so are the
// bytes of pictures. It changes nothing, and the same state gives the same text. It is
// an error when there would be more than [MaxSnapshot] bytes.
func (e *Engine) Snapshot() ([]byte, error) {
	p := &packer{Pack: scene.NewPack(e.now.Mono, e.rs.location(), maxPacked), e: e}
	p.collect()
	p.set(e.rs)
	p.counts()
	p.state()
	if err := p.Err(); err != nil {
		return nil, fmt.Errorf("the engine's state cannot be written as a snapshot: %w", err)
	}
	set, err := json.Marshal(e.rs.Hash)
	if err != nil {
		return nil, fmt.Errorf("the name of the rule set cannot be written: %w", err)
	}
	packed := p.Bytes()
	b := make([]byte, 0, base64.StdEncoding.EncodedLen(len(packed))+len(set)+64)
	b = fmt.Appendf(b, `{"version":%d,"set":%s,"check":%d,"state":"`, snapshotVersion, set, crc32.ChecksumIEEE(packed))
	b = base64.StdEncoding.AppendEncode(b, packed)
	b = append(b, '"')
	if list := saveOverrides(e.overrides); len(list) > 0 {
		over, err := json.Marshal(list)
		if err != nil {
			return nil, fmt.Errorf("the modes of rules cannot be written: %w", err)
		}
		b = append(append(b, `,"overrides":`...), over...)
	}
	if b = append(b, '}'); len(b) > MaxSnapshot {
		return nil, fmt.Errorf("the snapshot has %d bytes, more than %d", len(b), MaxSnapshot)
	}
	return b, nil
}

// Resume makes an engine that goes on where another one was when it gave a snapshot. at
// is that moment, what [Engine.Now] gave then: the decision clock may have begun at
// another time, and when the wall clock is another one, it was set since; the zero time
// leaves it. With the set that was in force
// then, the engine decides from here on exactly what the other one decides. With another
// set it is as after a reload to that set at that moment: what did not change goes on.
// Steps that were planned go on with the values they had. Restore and Marks of the
// options are not looked at. What cannot be a snapshot gives an error.
func Resume(rs *Ruleset, o Options, at Instant, text []byte) (*Engine, error) {
	if len(text) > MaxSnapshot+1 { // a line break may follow
		return nil, fmt.Errorf("the snapshot has %d bytes, more than %d", len(text), MaxSnapshot)
	}
	var s snapshot
	if err := decodeStrict(bytes.TrimSpace(text), &s); err != nil {
		return nil, fmt.Errorf("the snapshot is not readable: %w", err)
	}
	switch {
	case s.Version != snapshotVersion:
		return nil, fmt.Errorf("the snapshot is of version %d, this program knows %d", s.Version, snapshotVersion)
	case crc32.ChecksumIEEE(s.State) != s.Check:
		return nil, errors.New("the snapshot is damaged")
	}
	if wrong := checkOverrides(s.Overrides); wrong != "" {
		return nil, fmt.Errorf("the snapshot cannot be right: %s", wrong)
	}
	e, err := resume(rs, o, at, &s)
	if err != nil {
		return nil, fmt.Errorf("the snapshot cannot be right: %w", err)
	}
	return e, nil
}

func resume(rs *Ruleset, o Options, at Instant, s *snapshot) (*Engine, error) {
	o.Restore, o.Marks = nil, nil
	p := &packer{Pack: scene.OpenPack(s.State, at.Mono, rs.location(), maxPacked)}
	if !p.Check(at.Mono >= 0 && at.Mono < maxAge, "it is resumed at no moment of a run") {
		return nil, p.Err()
	}
	was := &Ruleset{Location: rs.Location}
	p.set(was)
	if p.Err() != nil {
		return nil, p.Err()
	}
	over := openOverrides(s.Overrides)
	now := overridden(rs, over)
	same := s.Set == rs.Hash && was.like(now)
	if same {
		was = now
	}
	p.e = newEngine(was, o, at)
	p.e.written, p.e.overrides = rs, over
	p.counts()
	p.state()
	if p.Check(p.Left() == 0, "something follows it"); p.Err() != nil {
		return nil, p.Err()
	}
	e := p.e
	if !same {
		e.swap(now, endReload)
	}
	if !at.Wall.IsZero() && !at.Wall.Equal(e.now.Wall) {
		e.moveWall(at)
	}
	e.out = e.out[:0]
	return e, nil
}

// like tells whether a set that a snapshot describes is the other one, as far as what
// the engine remembers goes.
func (rs *Ruleset) like(o *Ruleset) bool {
	return slices.EqualFunc(rs.Rules, o.Rules, func(a, b *Rule) bool {
		return a.Name == b.Name && a.Identity == b.Identity && a.Mode == b.Mode && a.Per == b.Per && len(a.Crons) == len(b.Crons)
	}) && slices.EqualFunc(rs.Cameras, o.Cameras, func(a, b CameraDef) bool {
		return a.Name == b.Name && a.Layout.Equal(b.Layout)
	}) && slices.EqualFunc(rs.Lines, o.Lines, func(a, b Place) bool {
		return a.Name == b.Name
	}) && slices.EqualFunc(rs.Flags, o.Flags, func(a, b FlagDef) bool {
		return a.Name == b.Name && a.Initial.Type == b.Initial.Type
	})
}
