package web

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
)

// MaxConnections is how many connections are open at a time; more are closed at once.
const MaxConnections = 128

// Listen opens the console port on host:port, where host is localhost or a
// loopback address; port 0 takes a free one. Any other host is refused, a name
// too: what it stands for can change.
func Listen(address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("console: %q is not host:port (try \"127.0.0.1:8080\")", address)
	}
	ip, err := netip.ParseAddr(host)
	if host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return nil, refusal(address, port)
	}
	// A hosts file can point localhost anywhere, so what counts is what it resolves to.
	a, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	if !a.IP.IsLoopback() {
		return nil, refusal(address, port)
	}
	l, err := net.ListenTCP("tcp", a)
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	return l, nil
}

func refusal(address, port string) error {
	return fmt.Errorf("console: %q can be reached from other machines, and there is no sign-in yet to keep them out: use %q",
		address, net.JoinHostPort("127.0.0.1", port))
}

// ownHost tells whether a Host header names this machine's loopback, with any
// port: it may have come through a tunnel.
func ownHost(host string) bool {
	name, port, found := strings.Cut(host, ":")
	v6 := false
	if rest, ok := strings.CutPrefix(host, "["); ok {
		var tail string
		if name, tail, ok = strings.Cut(rest, "]"); !ok {
			return false
		}
		v6 = true
		if port, found = strings.CutPrefix(tail, ":"); !found && tail != "" {
			return false
		}
	}
	if found && !isPort(port) {
		return false
	}
	if !v6 && strings.EqualFold(name, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.Zone() == "" && ip.Is6() == v6 && ip.IsLoopback()
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// limited is a listener with at most MaxConnections open connections.
type limited struct {
	net.Listener
	room chan struct{}
}

// Accept is the next connection there is room for.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.room <- struct{}{}:
			return &counted{Conn: c, room: l.room}, nil
		default:
			_ = c.Close()
		}
	}
}

// counted is a connection that makes room when it is closed.
type counted struct {
	net.Conn
	room chan struct{}
	once sync.Once
}

// Close closes the connection.
func (c *counted) Close() error {
	c.once.Do(func() { <-c.room })
	return c.Conn.Close()
}
