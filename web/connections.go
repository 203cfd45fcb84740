package web

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
)

// MaxConnections is how many connections are open at a time. One address, unless it is this machine's own, has at most
// MaxAddressConnections of them. When there is no room for one more, one of a stranger is closed for it; without one the
// new one is.
const (
	MaxConnections        = 128
	MaxAddressConnections = 48
)

// connections are those that are open.
type connections struct {
	mu  sync.Mutex // covers all
	all []*counted // in the order in which they came
}

// counted is a connection that makes room when it is closed.
type counted struct {
	net.Conn
	of *connections
	// group is what it counts for, address the very address that it comes from.
	group, address string
	// known says that who asks over it may see something.
	known atomic.Bool
}

// limited is a listener whose connections are bounded.
type limited struct {
	net.Listener
	open *connections
}

// Accept is the next connection there is room for.
func (l *limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		remote := conn.RemoteAddr().String()
		c := &counted{Conn: conn, of: l.open, group: addressOf(remote), address: remote}
		if host, _, err := net.SplitHostPort(remote); err == nil {
			c.address = host
		}
		in, out := l.open.enter(c)
		if out != nil {
			_ = out.Conn.Close()
		}
		if in {
			return c, nil
		}
		_ = conn.Close()
	}
}

// enter adds a connection if there is room, and gives the one that has to go for it.
func (cs *connections) enter(c *counted) (in bool, out *counted) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	own := 0
	for _, o := range cs.all {
		if o.group == c.group {
			own++
		}
	}
	switch ip, err := netip.ParseAddr(c.group); {
	case own >= MaxAddressConnections && (err != nil || !ip.IsLoopback()):
		out = spare(cs.all, func(o *counted) bool { return o.group == c.group })
	case len(cs.all) >= MaxConnections:
		out = spare(cs.all, func(*counted) bool { return true })
	default:
		cs.all = append(cs.all, c)
		return true, nil
	}
	if out == nil {
		return false, nil
	}
	cs.all = append(slices.DeleteFunc(cs.all, func(o *counted) bool { return o == out }), c)
	return true, out
}

// spare is a stranger's connection that goes for another one: of whoever has the most, the oldest. So nobody who opens
// many keeps others from signing in. It is nil when there is none.
func spare(all []*counted, of func(*counted) bool) (oldest *counted) {
	groups, addresses := map[string]int{}, map[string]int{}
	var strangers []*counted
	for _, c := range all {
		if of(c) && !c.known.Load() {
			strangers = append(strangers, c)
			groups[c.group]++
			addresses[c.address]++
		}
	}
	for _, c := range strangers {
		if oldest == nil || groups[c.group] > groups[oldest.group] ||
			c.group == oldest.group && addresses[c.address] > addresses[oldest.address] {
			oldest = c
		}
	}
	return oldest
}

// Close closes the connection.
func (c *counted) Close() error {
	c.of.mu.Lock()
	c.of.all = slices.DeleteFunc(c.of.all, func(o *counted) bool { return o == c })
	c.of.mu.Unlock()
	return c.Conn.Close()
}

type connectionKey struct{}

// withConnection keeps in a connection's context which one it is.
func withConnection(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if h, ok := c.(*hinting); ok {
		c = h.Conn
	}
	if own, ok := c.(*counted); ok {
		return context.WithValue(ctx, connectionKey{}, own)
	}
	return ctx
}

// heard notes on the connection of a request whether a stranger asks.
func heard(ctx context.Context, stranger bool) {
	if c, ok := ctx.Value(connectionKey{}).(*counted); ok {
		c.known.Store(!stranger)
	}
}
