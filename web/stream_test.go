package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// follow opens a stream of a server and gives its events, a line each.
func follow(t *testing.T, s *Server, after string) (next func() string, end func()) {
	t.Helper()
	near, far := net.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_ = s.http.Serve(&oneConn{conn: far, done: ctx.Done()})
	}()
	if _, err := fmt.Fprintf(near, "GET /api/v1/stream%s HTTP/1.1\r\nHost: localhost\r\n\r\n", after); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(near), nil)
	if err != nil || r.StatusCode != 200 || r.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(r, err)
	}
	lines := bufio.NewReader(r.Body)
	next = func() string {
		var all []string
		for {
			line, err := lines.ReadString('\n')
			if line = strings.TrimSuffix(line, "\n"); line == "" && err == nil {
				if len(all) > 0 {
					return strings.Join(all, " | ")
				}
				continue
			}
			if err != nil {
				return err.Error()
			}
			all = append(all, line)
		}
	}
	return next, func() {
		cancel()
		_ = near.Close()
	}
}

// oneConn is a listener with one connection.
type oneConn struct {
	conn net.Conn
	done <-chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return named{c}, nil
	}
	<-l.done
	return nil, net.ErrClosed
}
func (l *oneConn) Close() error   { return nil }
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// named is a connection from this machine.
type named struct{ net.Conn }

func (named) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4000} }
func (named) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

const helloLine = `retry: 2000 | event: hello | data: {"now":"2026-03-29T14:00:00.000Z","run":"20260329T135834.452Z"}`

func TestAStreamTellsWhatHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := full()
		s := server(t, source)
		hub := s.source.Live.Hub
		next, end := follow(t, s, "")
		defer end()
		want := func(line string) {
			t.Helper()
			if got := next(); got != line {
				t.Errorf("got  %s\nwant %s", got, line)
			}
		}
		want(helloLine)
		when := at("2026-03-29T14:00:01Z")
		hub.Scene(when.Time, map[string][]Target{"front": {{ID: 1, Camera: "front"}}, "gate": nil})
		want(`event: scene | data: {"at":"2026-03-29T14:00:01.000Z","cameras":{"front":[{"id":1,"camera":"front","box":[0,0,0,0],"zones":{},"age":0}],"gate":[]}}`)
		hub.Cross(Crossing{At: when, Camera: "front", Line: "kerb", Direction: "in", Target: 1})
		want(`event: cross | data: {"at":"2026-03-29T14:00:01.000Z","camera":"front","line":"kerb","direction":"in","target":1}`)
		hub.Rule(RuleTick{Name: "gate", State: "active", Mode: "live", Fired: true})
		want(`event: rule | data: {"name":"gate","state":"active","keys":[],"mode":"live","fired":true}`)
		hub.Relay(Relay{Name: "gate", On: true})
		want(`event: relay | data: {"name":"gate","on":true,"max_on":0,"today":0,"confirm":false,"rules":[]}`)
		hub.Contact(Contact{Name: "door", On: ptr(true)})
		want(`event: contact | data: {"name":"door","on":true}`)
		hub.Flag(Flag{Name: "armed", Value: false})
		want(`event: flag | data: {"name":"armed","value":false}`)
		hub.Camera(Camera{Name: "front"})
		want(`event: camera | data: {"name":"front","online":false,"posts":0,"frames":0,"rate":0,"problems":[],"device":false}`)
		hub.Health(nil)
		want(`event: health | data: {"items":[]}`)
		hub.Rules(Rules{Hash: "3f", Count: 1})
		want(`event: rules | data: {"hash":"3f","problems":[],"count":1,"shadow":0,"overridden":0}`)
		hub.Entry(StreamEntry{8, json.RawMessage(`{"id":8}`)})
		want(`id: 8 | event: entry | data: {"id":8}`)
		hub.Reset()
		want(`event: reset | data: {}`)
		// Nothing for a while is said too, so that both ends know that the other is there.
		begun := time.Now()
		want(":")
		if d := time.Since(begun); d > streamQuiet {
			t.Errorf("quiet for %v", d)
		}
		hub.Close()
		want(`event: bye | data: {}`)
		want("EOF")
	})
}

// TestASlowClientHoldsNobodyUp tells a client that reads nothing more than it has room for.
func TestASlowClientHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := server(t, full())
		hub := s.source.Live.Hub
		next, end := follow(t, s, "")
		defer end()
		next()
		hub.Reset() // it does not read this, so that nothing after it can be written
		synctest.Wait()
		for i := range 1000 {
			when := at("2026-03-29T14:00:00Z").Add(time.Duration(i) * 100 * time.Millisecond)
			hub.Scene(when, map[string][]Target{"front": {{ID: uint64(i)}}})
			hub.Rule(RuleTick{Name: "gate", State: "idle", KeysMore: i})
			if i == 10 {
				hub.Rule(RuleTick{Name: "gate", State: "active", Fired: true})
			}
			hub.Relay(Relay{Name: "gate", Today: i})
			hub.Entry(StreamEntry{int64(i + 1), json.RawMessage(`{}`)})
		}
		synctest.Wait()
		next()
		var got []string
		for len(got) == 0 || !strings.Contains(got[len(got)-1], "id: 1000 ") {
			got = append(got, next())
		}
		i := slices.IndexFunc(got, func(line string) bool { return strings.HasPrefix(line, "event: reset") })
		if i < 0 {
			t.Fatalf("no reset among %d events", len(got))
		}
		rest := got[i:]
		if len(rest) > maxWaiting+5 || !strings.Contains(rest[1], `"id":999`) || !strings.Contains(rest[2], `"fired":true`) ||
			!strings.Contains(rest[3], `"keys_more":999`) || !strings.Contains(rest[4], `"today":999`) {
			t.Errorf("after the reset came %d events, first %s", len(rest), strings.Join(rest[:5], "\n"))
		}
		hub.Close()
	})
}

func TestAClientThatIsGoneIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := server(t, full())
		hub := s.source.Live.Hub
		_, end := follow(t, s, "")
		defer end()
		if !hub.Listening() {
			t.Error("nobody listens")
		}
		// It reads nothing any more: a write that takes ten seconds is the last.
		for range 20 {
			hub.Entry(StreamEntry{1, json.RawMessage(`"` + strings.Repeat("x", 10_000) + `"`)})
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if hub.Listening() {
			t.Error("it is still told what happens")
		}
	})
}

func TestAStreamGoesOnWhereItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := full()
		var missed []StreamEntry
		var failed error
		source.Live.Missed = func(_ context.Context, after int64, most int) ([]StreamEntry, error) {
			source.Live.Hub.Entry(StreamEntry{9, json.RawMessage(`{"id":9}`)}) // it comes while the journal is read
			source.Live.Hub.Entry(StreamEntry{10, json.RawMessage(`{"id":10}`)})
			return missed, failed
		}
		s := server(t, source)
		events := func(after string, n int) (all []string) {
			next, end := follow(t, s, after)
			defer end()
			for range n {
				all = append(all, next())
			}
			return all
		}
		for _, id := range []int64{8, 9} {
			missed = append(missed, StreamEntry{id, fmt.Appendf(nil, `{"id":%d}`, id)})
		}
		// Each comes once, in order.
		if got, want := events("?after=7", 4), []string{helloLine, `id: 8 | event: entry | data: {"id":8}`, `id: 9 | event: entry | data: {"id":9}`, `id: 10 | event: entry | data: {"id":10}`}; !slices.Equal(got, want) {
			t.Errorf("got %s", strings.Join(got, "\n"))
		}
		missed = make([]StreamEntry, maxMissed+1)
		if got := events("?after=7", 2); got[1] != "event: reset | data: {}" {
			t.Errorf("more than can be sent: %q", got)
		}
		failed = errStopping
		if got := events("?after=7", 2); got[1] != "event: reset | data: {}" {
			t.Errorf("a journal that does not answer: %q", got)
		}
	})
}

func TestTheHubCostsNothingWhileNobodyListens(t *testing.T) {
	hub := NewHub()
	now := time.Now()
	relay := Relay{Name: "gate", Rules: []string{}}
	if n := testing.AllocsPerRun(100, func() {
		if hub.Listening() {
			hub.Scene(now, nil)
			hub.Relay(relay)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
