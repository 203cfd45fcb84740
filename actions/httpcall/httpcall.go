// Package httpcall makes the calls of http steps.
package httpcall

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/engine"
)

const (
	width     = 4        // calls to one host under way at a time
	queue     = 1024     // calls to one host that wait; most run into their deadline first
	maxAnswer = 64 << 10 // bytes of an answer that are read
	maxIdle   = 256      // connections kept to all hosts

	// maxStale is how many kept connections may turn out closed before a call
	// is given up: one more than are kept for both lanes of a host.
	maxStale = 2*width + 1
)

// Config is what the action needs. The zero value is ready.
type Config struct {
	// Roots are the authorities that sign servers' certificates; nil = the
	// system's.
	Roots *x509.CertPool

	// DenyPrivate refuses addresses that are not of the public network: private,
	// loopback, link-local, shared (CGNAT), multicast and reserved ones, also
	// inside of IPv6 forms. Each address a name stands for is looked at when it is
	// dialled.
	DenyPrivate bool

	// Secret finds the secret with a name, for signed calls. It is asked each time.
	Secret func(name string) (string, error)

	// Wall is the clock of signatures; nil = time.Now.
	Wall func() time.Time
}

// New gives the verb http. Every scheme and host has a lane of its own with four
// calls under way.
//
// Certificates are verified, redirects are not followed, proxies of the
// environment are not used, and only HTTP/1.1 is spoken. At most 64 KB of an
// answer are read, and thrown away. A request that may have reached the host is
// never sent again by this package: net/http repeats a GET when a kept
// connection breaks, which is kept from doing so here.
//
// A call that is told carries the id of its step as Idempotency-Key, the same at
// every try, unless the step gives one of its own. A signed call has the headers
// of Standard Webhooks. A durable call waits for a host that cannot be reached or
// says that it is busy; one that the host does not accept is given up after some
// tries, so that it does not hold up the rest.
func New(c Config) actions.Handler {
	call := &caller{secret: c.Secret, wall: c.Wall}
	if call.wall == nil {
		call.wall = time.Now
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	if c.DenyPrivate {
		dialer.Control = denyPrivate
	}
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.Roots, NextProtos: []string{"http/1.1"}}
	call.transport = &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &counted{Conn: conn}, nil
		},
		DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := (&tls.Dialer{NetDialer: dialer, Config: tlsConfig}).DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &counted{Conn: conn}, nil
		},
		DisableCompression:     true,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    2 * width, // steps tried once and steps told have a lane each
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxAnswer,
	}
	return actions.Handler{Verb: engine.VerbHTTP, Action: call, Lane: lane, Width: width, Queue: queue}
}

// lane is scheme and host of a request's address, without a user.
func lane(r engine.Request) string {
	a, _ := r.Args.(engine.HTTPArgs)
	s := a.URL
	at := strings.Index(s, "://")
	if at < 0 {
		return "http"
	}
	end := len(s)
	if i := strings.IndexAny(s[at+3:], "/?#"); i >= 0 {
		end = at + 3 + i
	}
	if i := strings.LastIndexByte(s[at+3:end], '@'); i >= 0 {
		return s[:at+3] + s[at+3+i+1:end]
	}
	return s[:end]
}

// counted is a connection that counts what is written to it.
type counted struct {
	net.Conn
	writes atomic.Int64
}

// Write counts first: what was tried may have arrived.
func (c *counted) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

type caller struct {
	transport *http.Transport
	secret    func(name string) (string, error)
	wall      func() time.Time
}

// Do makes the call.
func (c *caller) Do(ctx context.Context, r engine.Request) error {
	a, ok := r.Args.(engine.HTTPArgs)
	if !ok {
		return refuse(fmt.Errorf("not the values of an http step: %T", r.Args))
	}
	call, err := prepare(a, r.Firing)
	if err != nil {
		return refuse(err)
	}
	if !r.Step.TriedOnce() && call.header["Idempotency-Key"] == nil {
		if id := actions.ID(ctx); id != "" {
			call.header["Idempotency-Key"] = []string{id}
		}
	}
	if a.Sign != "" {
		if err := c.sign(ctx, call, a.Sign); err != nil {
			// Somebody may yet put the secret there.
			return actions.NotBegun(actions.Away(err))
		}
	}
	begin := time.Now()
	for stale := 0; ; stale++ {
		s := sending{ctx: ctx}
		answer, err := c.transport.RoundTrip(call.request(&s))
		var private *privateError
		switch {
		case err == nil:
			return call.judge(ctx, answer)
		case ctx.Err() != nil:
			return actions.Away(fmt.Errorf("%s: no answer in %v: %w", call.host, time.Since(begin).Round(time.Millisecond), ctx.Err()))
		case errors.As(err, &private):
			return refuse(fmt.Errorf("%s: %w", call.host, private))
		case s.untouched() && s.reused && stale < maxStale:
			// The host had closed the kept connection and nothing was sent.
			continue
		case s.untouched():
			return actions.Away(actions.NotBegun(fmt.Errorf("%s: %w", call.host, err)))
		}
		return actions.Away(fmt.Errorf("%s: %w", call.host, err))
	}
}

// call is what is sent.
type call struct {
	method   string
	url      *url.URL
	host     string // scheme and host, for messages: paths and queries hold secrets
	name     string // the Host header when the step gives one
	header   http.Header
	body     []byte
	min, max int
}

func prepare(a engine.HTTPArgs, f *engine.Firing) (*call, error) {
	u, err := url.Parse(a.URL)
	if err != nil {
		var e *url.Error
		if errors.As(err, &e) {
			err = e.Err
		}
		return nil, fmt.Errorf("not an address: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("not an http or https address")
	}
	c := &call{
		method: a.Method, url: u, host: u.Scheme + "://" + u.Host, body: a.Body,
		header: make(http.Header, len(a.Headers)+2), min: a.ExpectMin, max: a.ExpectMax,
	}
	if c.method == "" {
		c.method = http.MethodGet
	}
	if c.min == 0 {
		c.min, c.max = 200, 299
	}
	c.header["User-Agent"] = []string{"sallyport"}
	if a.ContentType != "" {
		c.header["Content-Type"] = []string{a.ContentType}
	}
	if a.Image != "" {
		if c.body, err = picture(a.Image, f); err != nil {
			return nil, err
		}
		if a.ContentType == "" {
			c.header["Content-Type"] = []string{"image/jpeg"}
		}
	}
	if p, ok := u.User.Password(); ok || u.User != nil {
		basic := http.Request{Header: c.header}
		basic.SetBasicAuth(u.User.Username(), p)
	}
	given := ""
	for _, h := range a.Headers {
		name := http.CanonicalHeaderKey(h[0])
		switch {
		case name == "Host":
			c.name = h[1]
		case name == given:
			c.header[name] = append(c.header[name], h[1])
		default:
			c.header[name] = []string{h[1]}
		}
		given = name
	}
	return c, nil
}

// picture gives the picture of a firing's event.
func picture(which string, f *engine.Firing) ([]byte, error) {
	var img engine.Image
	switch {
	case f.Event == nil:
	case which == "scene":
		img = f.Event.Scene
	case which == "target":
		img = f.Event.Target
	default:
		return nil, fmt.Errorf("there is no picture %q", which)
	}
	if img.Size == 0 || img.Bytes == nil {
		return nil, fmt.Errorf("the event carries no %s picture", which)
	}
	b, err := img.Bytes()
	if err != nil {
		return nil, fmt.Errorf("the %s picture cannot be read: %w", which, err)
	}
	if len(b) == 0 {
		return nil, fmt.Errorf("the event carries no %s picture", which)
	}
	return b, nil
}

// request makes what net/http can send once: with a body of some kind and
// without GetBody it has no way to send it again.
func (c *call) request(s *sending) *http.Request {
	q := &http.Request{
		Method: c.method, URL: c.url, Host: c.name, Header: c.header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(c.body)),
	}
	switch {
	case len(c.body) > 0:
		q.Body = io.NopCloser(bytes.NewReader(c.body))
	case c.method == http.MethodGet, c.method == http.MethodHead, c.method == http.MethodOptions:
		// net/http looks into it, finds nothing and sends the request without.
		q.Body = nothing{}
	default:
		q.Body = http.NoBody
	}
	trace := &httptrace.ClientTrace{GotConn: s.got, WroteRequest: s.wrote}
	return q.WithContext(httptrace.WithClientTrace(s.ctx, trace))
}

// judge says whether an answer is what the step expects.
func (c *call) judge(ctx context.Context, answer *http.Response) error {
	// The status decides; the rest is read only so that the connection can be
	// used again.
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer))
	_ = answer.Body.Close()
	status := fmt.Sprintf("%d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
	actions.Note(ctx, status)
	actions.NoteStatus(ctx, answer.StatusCode)
	if answer.StatusCode >= c.min && answer.StatusCode <= c.max {
		return nil
	}
	hint := ""
	if answer.StatusCode/100 == 3 {
		hint = "; redirects are not followed"
	}
	err := fmt.Errorf("%s: answered %s, expected %s%s", c.host, strings.TrimSpace(status), c.expected(), hint)
	switch answer.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		// The host says that it is not the call's fault.
		return actions.Away(err)
	}
	return err
}

func (c *call) expected() string {
	switch {
	case c.min == c.max:
		return fmt.Sprint(c.min)
	case c.min%100 == 0 && c.max == c.min+99:
		return fmt.Sprintf("%dxx", c.min/100)
	}
	return fmt.Sprintf("%d to %d", c.min, c.max)
}

// sending follows one request on its way.
type sending struct {
	ctx    context.Context
	conn   *counted
	before int64
	reused bool
}

// got is called by the goroutine that waits for the answer.
func (s *sending) got(i httptrace.GotConnInfo) {
	s.reused = i.Reused
	if s.conn, _ = i.Conn.(*counted); s.conn != nil {
		s.before = s.conn.writes.Load()
	}
}

func (s *sending) wrote(httptrace.WroteRequestInfo) { actions.Started(s.ctx) }

// untouched says that nothing of the request was written. It means something
// only after RoundTrip failed: the connection takes nothing more then.
func (s *sending) untouched() bool { return s.conn == nil || s.conn.writes.Load() == s.before }

// nothing is an empty body that net/http does not know to be empty.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }
func (nothing) Close() error             { return nil }

// refuse marks an error of a step that never can do anything.
func refuse(err error) error { return actions.NotBegun(actions.Permanent(err)) }
