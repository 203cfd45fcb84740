package web

import (
	"net/http"
	"sync"
	"time"
)

// How many requests of one caller are answered at a time: what is asked for is in memory until it has been fetched, and a
// slow caller may fetch slowly.
const (
	maxAnswers = 16 // questions that are soon answered; the next ones wait for a turn
	maxLasting = 16 // that go on: streams and exports
	maxChanges = 16 // that change something: none of them waits, for what it does would come late
	maxInLine  = 96 // that wait
	turnWait   = 20 * time.Second
)

// turns gives each caller a turn.
type turns struct {
	mu  sync.Mutex // covers all and the counts in it
	all map[string]*turn
}

// turn is one caller's: of a person, of a token, of an address.
type turn struct {
	room  chan struct{}
	asked int // requests that are answered or wait
}

// join adds a request to those of a caller; nil when too many wait.
func (ts *turns) join(who string, room, inLine int) *turn {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	t := ts.all[who]
	if t == nil {
		t = &turn{room: make(chan struct{}, room)}
		ts.all[who] = t
	}
	if t.asked >= room+inLine {
		return nil
	}
	t.asked++
	return t
}

func (ts *turns) leave(who string, t *turn) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t.asked--; t.asked == 0 {
		delete(ts.all, who)
	}
}

// turn waits for a caller's turn. It is over when done is called. When there is none, the answer has been given.
func (s *Server) turn(w http.ResponseWriter, r *http.Request, id identity, m method) (done func(), ok bool) {
	who, room, inLine := id.who, maxAnswers, maxInLine
	switch {
	case m.long:
		who, room, inLine = who+" lasting", maxLasting, 0
	case r.Method != http.MethodGet:
		who, room, inLine = who+" changes", maxChanges, 0
	}
	t := s.turns.join(who, room, inLine)
	if t == nil {
		tooMany(w, 10*time.Second, "too much is asked at a time")
		return nil, false
	}
	done = func() {
		<-t.room
		s.turns.leave(who, t)
	}
	select {
	case t.room <- struct{}{}:
		return done, true
	default:
	}
	c := http.NewResponseController(w)
	_ = c.SetWriteDeadline(time.Now().Add(turnWait + writeTime)) // what cannot has none
	_ = c.SetReadDeadline(time.Time{})                           // net/http would take its end for that of the caller
	over := time.NewTimer(turnWait)
	defer over.Stop()
	select {
	case t.room <- struct{}{}:
		_ = c.SetWriteDeadline(time.Now().Add(writeTime))
		return done, true
	case <-over.C:
		tooMany(w, 10*time.Second, "too much is asked at a time")
	case <-r.Context().Done():
	}
	s.turns.leave(who, t)
	return nil, false
}
