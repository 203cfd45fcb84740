package web

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
)

// comingFrom is a connection from an address.
type comingFrom struct {
	net.Conn
	address net.TCPAddr
}

func (c *comingFrom) RemoteAddr() net.Addr { return &c.address }
func (c *comingFrom) LocalAddr() net.Addr  { return loopback }

// dialFrom makes a connection that comes from an address.
func (p *pipes) dialFrom(ip string) net.Conn {
	a, b := net.Pipe()
	p.conns <- &comingFrom{b, net.TCPAddr{IP: net.ParseIP(ip), Port: 40000}}
	return a
}

// asks gives the status of what is asked over a connection that stays; 0 when it is closed.
func asks(c net.Conn, token string) int {
	if token != "" {
		token = "Authorization: Bearer " + token + "\r\n"
	}
	// A pipe has no room of its own.
	go func() { _, _ = io.WriteString(c, "GET /api/v1/relays HTTP/1.1\r\nHost: localhost\r\n"+token+"\r\n") }()
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, r.Body)
	return r.StatusCode
}

// TestStrangersKeepNobodyOut: who holds all the connections there are keeps nobody from signing in, and nobody who has
// signed in is cut off.
func TestStrangersKeepNobodyOut(t *testing.T) {
	for name, stranger := range map[string]func(i int) string{
		"few addresses":              func(i int) string { return fmt.Sprintf("192.168.0.%d", 66+i%3) },
		"many addresses of one net":  func(i int) string { return fmt.Sprintf("2001:db8::%x", 0x100+i) },
		"addresses of many nets":     func(i int) string { return fmt.Sprintf("2001:db8:0:%x::%x", i%40, i) },
		"this machine, by a tunnel":  func(int) string { return "127.0.0.1" },
		"the address of the one too": func(int) string { return "192.168.0.9" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := withPassword(t, nil)
				l, done := run(s)
				var all []net.Conn
				known := l.dialFrom("192.168.0.9")
				if got := asks(known, tokenOf(ScopeEdit)); got != 200 {
					t.Fatal("who has a token is answered", got)
				}
				for i := range 2 * MaxConnections {
					c := l.dialFrom(stranger(i))
					if all = append(all, c); i%2 == 0 {
						asks(c, "")
					}
				}
				if got := asks(known, tokenOf(ScopeEdit)); got != 200 {
					t.Errorf("who was there is answered %d", got)
				}
				fresh := l.dialFrom("192.168.0.9")
				for i := range 20 {
					all = append(all, l.dialFrom(stranger(i)))
				}
				if got := asks(fresh, tokenOf(ScopeEdit)); got != 200 {
					t.Errorf("who comes is answered %d", got)
				}
				synctest.Wait()
				s.open.mu.Lock()
				if n := len(s.open.all); n > MaxConnections {
					t.Errorf("%d connections", n)
				}
				s.open.mu.Unlock()
				for _, c := range append(all, known, fresh) {
					_ = c.Close()
				}
				synctest.Wait()
				s.open.mu.Lock()
				if n := len(s.open.all); n > 0 {
					t.Errorf("%d connections are left", n)
				}
				s.open.mu.Unlock()
				if err := s.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestTooManyConnections: of those who may look nobody is cut off for somebody who comes.
func TestTooManyConnections(t *testing.T) {
	for name, c := range map[string]struct {
		from func(i int) string
		room int
	}{
		"one address":    {func(int) string { return "192.168.0.9" }, MaxAddressConnections},
		"one net":        {func(i int) string { return fmt.Sprintf("fe80::%x", i+1) }, MaxAddressConnections},
		"many addresses": {func(i int) string { return fmt.Sprintf("192.168.0.%d", i+1) }, MaxConnections},
		"this machine":   {func(int) string { return "127.0.0.1" }, MaxConnections},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := withPassword(t, nil)
				l, done := run(s)
				var all []net.Conn
				for i := range c.room {
					all = append(all, l.dialFrom(c.from(i)))
					if got := asks(all[i], tokenOf(ScopeEdit)); got != 200 {
						t.Fatalf("the connection %d: %d", i, got)
					}
				}
				over := l.dialFrom(c.from(0))
				if got := asks(over, tokenOf(ScopeEdit)); got != 0 {
					t.Errorf("one too many: %d", got)
				}
				_ = all[0].Close()
				synctest.Wait()
				all = append(all, l.dialFrom(c.from(0)))
				for i, conn := range all[1:] {
					if got := asks(conn, tokenOf(ScopeEdit)); got != 200 {
						t.Errorf("the connection %d after one left: %d", i, got)
					}
				}
				for _, conn := range append(all, over) {
					_ = conn.Close()
				}
				if err := s.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}
