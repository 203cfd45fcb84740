package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Limits of the stream.
const (
	// MaxStreams is how many streams are open at a time.
	MaxStreams = 32

	maxMissed    = 500 // entries that are sent again after a reconnect
	maxWaiting   = 256 // entries that wait for one client
	maxNamed     = 4096
	maxCrossings = 64
	streamWrite  = 10 * time.Second
	streamQuiet  = 15 * time.Second
)

// Hub hands what happens to every open stream. Telling it never waits for a client:
// each has a mailbox, in which of things that have a name the latest counts. Its
// methods may be used by many goroutines.
type Hub struct {
	listening atomic.Int32
	arrived   chan struct{}

	mu     sync.Mutex // guards what follows
	boxes  map[*mailbox]struct{}
	closed bool
}

// NewHub makes a hub that nobody listens to.
func NewHub() *Hub {
	return &Hub{arrived: make(chan struct{}, 1), boxes: make(map[*mailbox]struct{})}
}

// Listening says whether anybody listens. It costs one atomic load.
func (h *Hub) Listening() bool { return h.listening.Load() > 0 }

// Arrived gets a value after somebody new listens.
func (h *Hub) Arrived() <-chan struct{} { return h.arrived }

// Scene tells the targets of cameras at a moment. A camera that did not change is left out.
func (h *Hub) Scene(at time.Time, cameras map[string][]Target) {
	frames := make(map[string]json.RawMessage, len(cameras))
	for name, targets := range cameras {
		for i := range targets {
			targets[i].tidy()
		}
		if targets == nil {
			targets = []Target{}
		}
		if body, err := encode(targets); err == nil {
			frames[name] = body
		}
	}
	h.each(func(b *mailbox) {
		b.at = at
		for name, body := range frames {
			b.scene[name] = body
		}
	})
}

// Cross tells that a target crossed a line.
func (h *Hub) Cross(c Crossing) {
	body, err := encode(c)
	if err != nil {
		return
	}
	h.each(func(b *mailbox) {
		if len(b.crossings) < maxCrossings {
			b.crossings = append(b.crossings, body)
		}
	})
}

// Rule tells that a rule's state changed. A firing is not hidden by what comes after it.
func (h *Hub) Rule(t RuleTick) {
	if t.Keys == nil {
		t.Keys = []RuleKey{}
	}
	slot := t.Name
	if t.Fired {
		slot = "\x00" + slot
	}
	h.named("rule", slot, t)
}

// Relay tells a relay's new state.
func (h *Hub) Relay(r Relay) {
	r.tidy()
	h.named("relay", r.Name, r)
}

// Contact tells a contact's new level.
func (h *Hub) Contact(c Contact) { h.named("contact", c.Name, c) }

// Flag tells a flag's new value.
func (h *Hub) Flag(f Flag) { h.named("flag", f.Name, f) }

// Camera tells how a camera is.
func (h *Hub) Camera(c Camera) {
	c.tidy()
	h.named("camera", c.Name, c)
}

// Health tells what is wrong, all of it.
func (h *Hub) Health(all []Trouble) {
	if all == nil {
		all = []Trouble{}
	}
	h.named("health", "", page[Trouble]{Items: all})
}

// Rules tells which rule set is in force, and what is wrong with the files.
func (h *Hub) Rules(r Rules) {
	if r.Problems == nil {
		r.Problems = []Problem{}
	}
	h.named("rules", "", r)
}

// Entry tells of an entry of the journal, as one JSON object.
func (h *Hub) Entry(e StreamEntry) {
	h.each(func(b *mailbox) {
		if len(b.entries) >= maxWaiting {
			b.entries, b.reset = nil, true
		}
		b.entries = append(b.entries, e)
	})
}

// Reset tells that something was left out: everything is to be asked for anew.
func (h *Hub) Reset() { h.each(func(b *mailbox) { b.reset = true }) }

// Renew ends every stream. Whoever opens another one begins with a new [Hello]: it is for
// a clock that was set.
func (h *Hub) Renew() { h.each(func(b *mailbox) { b.bye = true }) }

// Close ends every stream; new ones end at once.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.each(func(b *mailbox) { b.bye = true })
}

// named puts the latest of something that has a name into every mailbox.
func (h *Hub) named(event, name string, v any) {
	body, err := encode(v)
	if err != nil {
		return
	}
	h.each(func(b *mailbox) {
		k := slot{event, name}
		if _, ok := b.latest[k]; !ok && len(b.latest) >= maxNamed {
			b.reset = true
			return
		}
		b.seq++
		b.latest[k] = latest{b.seq, body}
	})
}

// each changes every mailbox and wakes its reader.
func (h *Hub) each(f func(*mailbox)) {
	if !h.Listening() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for b := range h.boxes {
		b.mu.Lock()
		f(b)
		b.mu.Unlock()
		select {
		case b.wake <- struct{}{}:
		default:
		}
	}
}

// join adds a mailbox; nil when there are too many.
func (h *Hub) join() *mailbox {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.boxes) >= MaxStreams {
		return nil
	}
	b := newMailbox()
	if b.bye = h.closed; b.bye {
		b.wake <- struct{}{}
	}
	h.boxes[b] = struct{}{}
	h.listening.Store(int32(len(h.boxes)))
	select {
	case h.arrived <- struct{}{}:
	default:
	}
	return b
}

func (h *Hub) leave(b *mailbox) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.boxes, b)
	h.listening.Store(int32(len(h.boxes)))
}

// slot names something of which the latest counts.
type slot struct{ event, name string }

type latest struct {
	seq  uint64
	body json.RawMessage
}

// StreamEntry is an entry of the journal with its id.
type StreamEntry struct {
	ID   int64
	Body json.RawMessage
}

// mailbox is what waits for one client.
type mailbox struct {
	wake chan struct{}

	mu sync.Mutex // guards what follows
	mail
}

// mail is what was put into a mailbox.
type mail struct {
	at        time.Time // of the scene
	scene     map[string]json.RawMessage
	crossings []json.RawMessage
	latest    map[slot]latest
	seq       uint64
	entries   []StreamEntry
	reset     bool
	bye       bool
}

func emptyMail() mail {
	return mail{scene: make(map[string]json.RawMessage), latest: make(map[slot]latest)}
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1), mail: emptyMail()} }

// take empties the mailbox.
func (b *mailbox) take() mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.mail
	b.mail = emptyMail()
	return m
}

// append adds what was put in as server-sent events. Entries up to the id sent are left
// out; it gives the id of the last one.
func (m *mail) append(out []byte, sent int64) ([]byte, int64) {
	if m.reset {
		out = appendEvent(out, "reset", []byte("{}"))
	}
	if len(m.scene) > 0 {
		body, err := encode(sceneFrame{Time{m.at}, m.scene})
		if err == nil {
			out = appendEvent(out, "scene", body)
		}
	}
	for _, c := range m.crossings {
		out = appendEvent(out, "cross", c)
	}
	type one struct {
		event string
		latest
	}
	all := make([]one, 0, len(m.latest))
	for k, l := range m.latest {
		all = append(all, one{k.event, l})
	}
	slices.SortFunc(all, func(a, b one) int { return cmp.Compare(a.seq, b.seq) })
	for _, l := range all {
		out = appendEvent(out, l.event, l.body)
	}
	for _, e := range m.entries {
		if e.ID > sent || e.ID == 0 {
			out, sent = appendEntry(out, e), max(sent, e.ID)
		}
	}
	if m.bye {
		out = appendEvent(out, "bye", []byte("{}"))
	}
	return out, sent
}

// sceneFrame is who is where, of the cameras that changed.
type sceneFrame struct {
	At      Time                       `json:"at"`
	Cameras map[string]json.RawMessage `json:"cameras"`
}

// appendEvent adds an event whose body is JSON, which has no line breaks but at its end.
func appendEvent(out []byte, event string, body []byte) []byte {
	out = append(append(out, "event: "...), event...)
	out = append(append(out, "\ndata: "...), body...)
	if out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	return append(out, '\n')
}

func appendEntry(out []byte, e StreamEntry) []byte {
	if e.ID != 0 {
		out = append(out, "id: "...)
		out = append(strconv.AppendInt(out, e.ID, 10), '\n')
	}
	return appendEvent(out, "entry", e.Body)
}

// Hello is the first event of a stream.
type Hello struct {
	// Now is the server's wall clock.
	Now Time `json:"now"`
	// Run changes with the program's start.
	Run string `json:"run"`
}

// stream answers with everything that happens, until the client goes or the program ends.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	after, err := resumeAfter(r)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	hub := s.source.Live.Hub
	box := hub.join()
	if box == nil {
		w.Header().Set("Retry-After", "10")
		fail(w, http.StatusServiceUnavailable, fmt.Sprintf("%d pages follow what happens already; close one of them", MaxStreams))
		return
	}
	defer hub.leave(box)
	out := http.NewResponseController(w)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	send := func(b []byte) bool {
		_ = out.SetWriteDeadline(time.Now().Add(streamWrite))
		if _, err := w.Write(b); err != nil {
			return false
		}
		if out.Flush() != nil {
			return false
		}
		// It is for this piece only: HTTP/2 would end a stream on which nothing happens.
		_ = out.SetWriteDeadline(time.Time{})
		return true
	}

	hello, err := encode(s.source.Live.Hello())
	if err != nil {
		return
	}
	first := appendEvent([]byte("retry: 2000\n"), "hello", hello)
	sent := after
	if after >= 0 {
		first, sent = s.missed(r.Context(), first, after)
	}
	if !send(first) {
		return
	}
	quiet := time.NewTicker(streamQuiet)
	defer quiet.Stop()
	var buf []byte
	for {
		select {
		case <-r.Context().Done():
			return
		case <-quiet.C:
			if !send([]byte(":\n\n")) {
				return
			}
			continue
		case <-box.wake:
		}
		m := box.take()
		if buf, sent = m.append(buf[:0], sent); len(buf) > 0 && !send(buf) || m.bye {
			return
		}
		if cap(buf) > 1<<20 {
			buf = nil
		}
	}
}

// missed adds the entries that a client missed, or a reset. It gives the id of the last one.
func (s *Server) missed(ctx context.Context, out []byte, after int64) ([]byte, int64) {
	ctx, cancel := context.WithTimeout(ctx, AnswerTime)
	defer cancel()
	entries, err := s.source.Live.Missed(ctx, after, maxMissed+1)
	if err != nil || len(entries) > maxMissed {
		return appendEvent(out, "reset", []byte("{}")), after
	}
	for _, e := range entries {
		out, after = appendEntry(out, e), max(after, e.ID)
	}
	return out, after
}

// resumeAfter is the id of the last entry that the client had; -1 when it had none.
func resumeAfter(r *http.Request) (int64, error) {
	v := r.URL.Query().Get("after")
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		v = last // of a reconnect, which repeats the address
	}
	if v == "" {
		return -1, nil
	}
	id, err := strconv.ParseInt(v, 10, 64)
	if err != nil || id < 0 {
		return -1, errors.New("after: " + quote(v) + " is not the id of an entry")
	}
	return id, nil
}
