package web

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Listen opens the console port on host:port; port 0 takes a free one. The host is localhost or a loopback address,
// or when remote is true any address, or none for all of them. Any other host is refused, a name too: what it stands
// for can change.
func Listen(address string, remote bool) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("console: %q is not host:port (try \"127.0.0.1:8080\")", address)
	}
	ip, err := netip.ParseAddr(host)
	if named := host != "" && host != "localhost" && err != nil; named || !remote && host != "localhost" && !ip.IsLoopback() {
		return nil, refusal(address, port)
	}
	// A hosts file can point localhost anywhere, so what counts is what it resolves to.
	a, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	if !remote && !a.IP.IsLoopback() {
		return nil, refusal(address, port)
	}
	l, err := net.ListenTCP("tcp", a)
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	return l, nil
}

func refusal(address, port string) error {
	return fmt.Errorf("console: %q can be reached from other machines, and only the site file can say that it may be: use %q",
		address, net.JoinHostPort("127.0.0.1", port))
}

// encrypted is a listener whose connections speak TLS.
type encrypted struct {
	net.Listener
	config *tls.Config
	server *Server
}

// Accept is the next connection. It shakes hands when it is first read, by who serves it.
func (l *encrypted) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tls.Server(&hinting{Conn: c, server: l.server}, l.config), nil
}

// hinting is a connection that should begin with TLS. Who speaks plain HTTP instead is told so in HTTP.
type hinting struct {
	net.Conn
	server *Server
	begun  bool
}

// maxPlain bounds the bytes of a plain request.
const maxPlain = 8 << 10

// Read reads what is to be decrypted.
func (c *hinting) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.begun || n == 0 {
		return n, err
	}
	c.begun = true
	const handshake = 22
	if b[0] == handshake || b[0] < 'A' || b[0] > 'Z' {
		return n, err
	}
	rest := io.MultiReader(bytes.NewReader(bytes.Clone(b[:n])), c.Conn)
	if r, err := http.ReadRequest(bufio.NewReader(io.LimitReader(rest, maxPlain))); err == nil {
		c.hint(r)
	}
	return 0, io.EOF
}

// hint answers a plain request. A browser is sent to the same place with https; what carries a token is not, so that
// somebody notices that it went over the network for all to read.
func (c *hinting) hint(r *http.Request) {
	w := http.Response{StatusCode: http.StatusBadRequest, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Close: true}
	w.Header.Set("Content-Type", "text/plain; charset=utf-8")
	w.Header.Set("X-Content-Type-Options", "nosniff")
	text := "This port is encrypted: use https:// instead of http://.\n"
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, c.LocalAddr()))
	if r.Method == http.MethodGet && r.Header["Authorization"] == nil && strings.HasPrefix(r.URL.Path, "/") && c.server.hostAllowed(r) {
		w.StatusCode = http.StatusTemporaryRedirect
		w.Header.Set("Location", (&url.URL{Scheme: "https", Host: r.Host, Path: r.URL.Path, RawQuery: r.URL.RawQuery}).String())
	}
	w.ContentLength, w.Body = int64(len(text)), io.NopCloser(strings.NewReader(text))
	_ = w.Write(c.Conn) // an error is a caller who went away
}
