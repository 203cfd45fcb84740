package client

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/icholy/digest"
)

// DefaultTimeout is the time one exchange with a device may take.
const DefaultTimeout = 10 * time.Second

// Config says how to reach one device.
type Config struct {
	// URL is scheme://host[:port] of the device, without user name, path or query.
	URL string
	// Username and Password are sent as the device asks: Digest when it
	// offers that, else Basic. The first request goes out without them, so
	// that a wrong scheme never counts as a wrong password.
	Username, Password string
	// Pin is the SHA-256 fingerprint of the device's certificate, in hex, with
	// or without colons. With it exactly that certificate is accepted, however
	// it is signed; without it the certificate must be one the system trusts.
	Pin string
	// Trust, when set and Pin is not, is asked about each certificate that the
	// device shows, by its SHA-256 fingerprint in lower case hex with colons; an
	// error refuses it before anything is sent. It serves trust on first use. It
	// is called by several goroutines.
	Trust func(fingerprint string) error
	// HTTPClient may bring an own transport; redirects are never followed and
	// its other settings are not used. A Pin or Trust needs it to be an *http.Transport.
	HTTPClient *http.Client
	// Timeout is for one exchange, waiting for the turn not counted; 0 means
	// DefaultTimeout.
	Timeout time.Duration
	// LoginAgain is how long after a refused login the next call may log in once
	// more, whoever makes it: a device locks an account for some minutes after wrong
	// passwords, whoever sent them. 0 means never, which is until
	// [Client.SetCredentials] or [Client.ResetLogin]. Shorter than the device's own
	// lock, and the account may stay locked for good.
	LoginAgain time.Duration
	// Location is the zone the device's wall clock runs in; nil means time.Local.
	Location *time.Location
}

// A Client talks to one device, one request at a time. It is safe for use by
// several goroutines.
type Client struct {
	base     string // scheme://host[:port]
	secure   bool
	timeout  time.Duration
	again    time.Duration // LoginAgain
	location *time.Location
	reads    *http.Client // keeps connections
	actions  *http.Client // a fresh connection each, so that net/http never sends anything twice
	gate     gate

	mu       sync.Mutex // covers the fields below
	user     string
	password string
	scheme   scheme
	refused  *Error    // the refusal after which nothing is sent
	since    time.Time // when that was

	known     *Capabilities // nil until asked for
	forgotten int           // how often Forget was called
}

// scheme is how the device wants to be logged in to, as it said itself.
type scheme int

const (
	unknown scheme = iota
	basic
	asDigest
)

// New prepares a client; it sends nothing.
func New(c Config) (*Client, error) {
	u, err := parseAddress(c.URL)
	if err != nil {
		return nil, err
	}
	if c.Pin != "" && u.Scheme != "https" {
		return nil, fmt.Errorf("camera address %q has a pinned certificate but is not https", c.URL)
	}
	pin, err := parsePin(c.Pin)
	if err != nil {
		return nil, err
	}
	check := c.Trust
	if pin != nil {
		check = func(got string) error {
			if want := fingerprint(pin); got != want {
				return &CertificateError{Want: want, Got: got}
			}
			return nil
		}
	}
	keep, fresh, err := transports(c.HTTPClient, check)
	if err != nil {
		return nil, err
	}
	cl := &Client{
		base:     u.Scheme + "://" + u.Host,
		secure:   u.Scheme == "https",
		timeout:  c.Timeout,
		again:    c.LoginAgain,
		location: c.Location,
		reads:    &http.Client{Transport: keep, CheckRedirect: noRedirect},
		actions:  &http.Client{Transport: fresh, CheckRedirect: noRedirect},
		user:     c.Username,
		password: c.Password,
	}
	if cl.timeout <= 0 {
		cl.timeout = DefaultTimeout
	}
	if cl.location == nil {
		cl.location = time.Local
	}
	return cl, nil
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// transports gives one transport that keeps connections and one that does not.
// check, when not nil, is asked about the device's certificate, and nobody else is.
func transports(c *http.Client, check func(fingerprint string) error) (keep, fresh http.RoundTripper, err error) {
	var t *http.Transport
	switch {
	case c == nil || c.Transport == nil:
		t = &http.Transport{
			// No proxy: devices are on the local network, and a proxy of
			// the environment has no business with their passwords.
			DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout:    10 * time.Second,
			MaxIdleConnsPerHost:    1,
			IdleConnTimeout:        20 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true,
		}
	default:
		own, ok := c.Transport.(*http.Transport)
		if !ok {
			if check != nil {
				return nil, nil, errors.New("a pinned certificate needs an *http.Transport")
			}
			return c.Transport, c.Transport, nil
		}
		t = own.Clone()
	}
	if check != nil {
		cfg := &tls.Config{MinVersion: tls.VersionTLS12}
		if t.TLSClientConfig != nil {
			cfg = t.TLSClientConfig.Clone()
		}
		// The chain and the name are not looked at, because devices sign
		// their own; the certificate itself must be one that is trusted.
		cfg.InsecureSkipVerify = true
		cfg.VerifyConnection = func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 {
				return errors.New("the camera showed no certificate")
			}
			got := sha256.Sum256(s.PeerCertificates[0].Raw)
			return check(fingerprint(got[:]))
		}
		t.TLSClientConfig = cfg
		t.DialTLSContext = nil // it would pass the check by
	}
	once := t.Clone()
	once.DisableKeepAlives = true
	return t, once, nil
}

// parsePin reads a SHA-256 fingerprint in hex, with or without colons.
func parsePin(s string) ([]byte, error) {
	if s == "" {
		return nil, nil
	}
	b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(s), ":", ""))
	if err != nil || len(b) != sha256.Size {
		return nil, fmt.Errorf("pinned certificate %q is not a SHA-256 fingerprint (64 hex digits)", cut(s, 100))
	}
	return b, nil
}

// fingerprint writes a hash in lower case hex with colons.
func fingerprint(b []byte) string {
	var s strings.Builder
	for i, c := range b {
		if i > 0 {
			s.WriteByte(':')
		}
		fmt.Fprintf(&s, "%02x", c)
	}
	return s.String()
}

// Close drops idle connections. The client can still be used.
func (c *Client) Close() {
	c.reads.CloseIdleConnections()
	c.actions.CloseIdleConnections()
}

// SetCredentials changes user name and password and lets calls through again.
func (c *Client) SetCredentials(user, password string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.user, c.password, c.scheme, c.refused = user, password, unknown, nil
}

// ResetLogin lets calls through again after a refused login, with the same
// credentials: for when a person says that the account was unlocked.
func (c *Client) ResetLogin() { c.RetryLogin(0) }

// RetryLogin is ResetLogin unless the login was refused less than after ago. It says
// whether calls are let through now. Those who share a client and each want to try
// again now and then do not add up with it.
func (c *Client) RetryLogin(after time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.retry(after)
}

// retry is RetryLogin for those who hold the lock.
func (c *Client) retry(after time.Duration) bool {
	if c.refused != nil && time.Since(c.since) < after {
		return false
	}
	c.scheme, c.refused = unknown, nil
	return true
}

// call is one command to a device.
type call struct {
	command string // also the first part of the path
	path    string // the rest of it, with a leading slash, or ""
	body    []byte // nil: GET
	limit   int64  // bytes of the answer; 0 = maxReply
	action  bool   // moves something: never sent twice, an empty 200 is a yes
	always  bool   // a write that is sent whatever the device says it has
}

// answer is what came back, before anything is made of it.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do sends a command when its turn comes and gives the answer's body and, where
// it is XML, its root. A device's refusal is an *Error.
func (c *Client) do(ctx context.Context, k call) (*node, []byte, error) {
	if err := c.allowed(k); err != nil {
		return nil, nil, err
	}
	p := priorityOf(ctx)
	var giveUp context.CancelCauseFunc
	if p < Urgent && isRead(k.command) {
		ctx, giveUp = context.WithCancelCause(ctx)
		defer giveUp(nil)
	}
	if err := c.gate.enter(ctx, p, giveUp); err != nil {
		return nil, nil, fmt.Errorf("%s: waiting for the camera: %w", k.command, err)
	}
	defer c.gate.leave()
	if err := c.held(k.command); err != nil {
		return nil, nil, err
	}
	ans, err := c.login(ctx, k)
	if err != nil {
		return nil, nil, err
	}
	n, err := judge(k, ans)
	if err != nil {
		return nil, nil, c.note(err)
	}
	return n, ans.body, nil
}

// held gives the refusal that keeps calls back, with this call's name.
func (c *Client) held(command string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused == nil || c.again > 0 && c.retry(c.again) {
		return nil
	}
	e := *c.refused
	e.Command, e.NotSent = command, true
	return &e
}

// note remembers a refused login.
func (c *Client) note(err error) error {
	var e *Error
	if errors.As(err, &e) && errors.Is(e, ErrLoginRefused) {
		c.mu.Lock()
		c.refused, c.since = e, time.Now()
		c.mu.Unlock()
	}
	return err
}

// login sends a call and logs in as the device asks. Credentials go out once:
// a second time only when a Digest device itself says that its challenge, not
// the password, was out of date.
func (c *Client) login(ctx context.Context, k call) (answer, error) {
	c.mu.Lock()
	user, password, known := c.user, c.password, c.scheme
	c.mu.Unlock()

	var auth string
	if known == basic {
		auth = basicAuth(user, password)
	}
	ans, err := c.send(ctx, k, auth)
	if err != nil || !asksLogin(k, ans) {
		return ans, err
	}
	if auth != "" || user == "" || locked(k, ans) {
		// Credentials sent to a locked account may lock it for longer.
		return ans, c.note(refusal(k, ans))
	}
	for range 2 {
		chal, cerr := digest.FindChallenge(ans.header)
		if cerr != nil {
			if known == asDigest && !c.secure {
				return ans, fmt.Errorf("%s: the camera asked for Digest before and now wants the password in the clear; nothing was sent", k.command)
			}
			if auth != "" {
				return ans, c.note(refusal(k, ans))
			}
			auth = basicAuth(user, password)
			known = basic
		} else {
			auth, cerr = digestAuth(chal, k, user, password)
			if cerr != nil {
				return ans, fmt.Errorf("%s: %w", k.command, cerr)
			}
			known = asDigest
		}
		if ans, err = c.send(ctx, k, auth); err != nil {
			return ans, err
		}
		if !asksLogin(k, ans) {
			c.mu.Lock()
			if c.user == user && c.password == password {
				c.scheme = known
			}
			c.mu.Unlock()
			return ans, nil
		}
		if known == basic {
			break
		}
		if chal, cerr = digest.FindChallenge(ans.header); cerr != nil || !chal.Stale || locked(k, ans) {
			break
		}
	}
	return ans, c.note(refusal(k, ans))
}

// asksLogin tells whether an answer is about the login.
func asksLogin(k call, a answer) bool {
	if a.status == http.StatusUnauthorized {
		return true
	}
	if len(a.body) == 0 || len(a.body) > 4096 || a.status != http.StatusOK && a.status != http.StatusBadRequest {
		return false
	}
	_, err := judge(k, a)
	var e *Error
	return errors.As(err, &e) && e.Code == 9
}

// locked tells whether an answer says that the account is locked.
func locked(k call, a answer) bool { return refusal(k, a).Code == 10 }

// refusal makes the error of an answer that asks for a login.
func refusal(k call, a answer) *Error {
	e := &Error{Command: k.command, Code: 9, HTTPStatus: a.status}
	if n, err := parse(a.body); err == nil {
		if code, desc := topCode(n); code != 0 {
			e.Desc = desc
			if code == 8 || code == 9 || code == 10 {
				e.Code = code
			}
		}
	}
	return e
}

func basicAuth(user, password string) string {
	var r http.Request
	r.Header = http.Header{}
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}

func digestAuth(chal *digest.Challenge, k call, user, password string) (string, error) {
	cred, err := digest.Digest(chal, digest.Options{
		Method: k.method(), URI: k.uri(), Count: 1,
		GetBody:  func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(k.body))), nil },
		Username: user, Password: password,
	})
	if err != nil {
		return "", err
	}
	return cred.String(), nil
}

func (k call) method() string {
	if k.body == nil {
		return http.MethodGet
	}
	return http.MethodPost
}

func (k call) uri() string { return "/" + k.command + k.path }

// send makes one exchange.
func (c *Client) send(ctx context.Context, k call, auth string) (answer, error) {
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var body io.Reader
	if k.body != nil {
		body = strings.NewReader(string(k.body))
	}
	req, err := http.NewRequestWithContext(ctx, k.method(), c.base+k.uri(), body)
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", k.command, err)
	}
	if k.body != nil {
		req.Header.Set("Content-Type", "application/xml")
	}
	req.Header.Set("User-Agent", "sallyport")
	if auth != "" {
		req.Header.Set("Authorization", auth)
	}
	hc := c.reads
	if k.action {
		hc = c.actions
	}
	fail := func(err error) (answer, error) {
		if errors.Is(context.Cause(parent), errGivenUp) {
			err = errGivenUp
		}
		if ctx.Err() != nil && parent.Err() == nil {
			return answer{}, fmt.Errorf("%s: no answer within %s: %w", k.command, c.timeout, context.DeadlineExceeded)
		}
		return answer{}, fmt.Errorf("%s: %w", k.command, explain(err))
	}
	resp, err := hc.Do(req)
	if err != nil {
		return fail(err)
	}
	defer resp.Body.Close()
	limit := k.limit
	if limit == 0 {
		limit = maxReply
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return fail(err)
	}
	if int64(len(b)) > limit {
		return answer{}, fmt.Errorf("%s: the camera's answer has more than %d bytes", k.command, limit)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: b}, nil
}

// explain strips what net/http wraps around an error (it repeats the address)
// and says what to do about an untrusted certificate.
func explain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var pin *CertificateError
	if errors.As(err, &pin) {
		return pin
	}
	var cv *tls.CertificateVerificationError
	if errors.As(err, &cv) && len(cv.UnverifiedCertificates) > 0 {
		sum := sha256.Sum256(cv.UnverifiedCertificates[0].Raw)
		return fmt.Errorf("the camera's certificate is not trusted (%w); to trust exactly this one, pin %s", cv.Err, fingerprint(sum[:]))
	}
	return err
}

// judge makes a device's refusal an error and gives the root of an XML answer,
// nil for a body that is not XML. In this order: HTTP status, then the top code.
func judge(k call, a answer) (*node, error) {
	fail := &Error{Command: k.command, HTTPStatus: a.status}
	empty := len(strings.TrimSpace(string(a.body))) == 0
	n, perr := parse(a.body)
	if perr == nil {
		code, desc := topCode(n)
		fail.Code, fail.Desc = code, desc
		if code != 0 {
			return nil, fail
		}
	}
	switch {
	case a.status == http.StatusOK:
	case a.status >= 300 && a.status < 400:
		fail.Desc = "it redirects, which is not followed"
		return nil, fail
	case a.status == http.StatusBadRequest && empty, a.status == http.StatusNotFound:
		fail.Code = 1
		return nil, fail
	default:
		return nil, fail
	}
	switch {
	case perr == nil:
		if n.name != "config" {
			return nil, fmt.Errorf("%s: the camera answered <%s>, not <config>", k.command, cut(n.name, 64))
		}
		st, _ := n.find("status")
		if strings.EqualFold(st, "failed") || strings.EqualFold(n.at("status").text, "failed") {
			return nil, fail
		}
		return n, nil
	case k.action && empty:
		return nil, nil
	case k.limit != 0: // a picture
		return nil, nil
	case empty:
		return nil, fmt.Errorf("%s: the camera's answer is empty", k.command)
	}
	return nil, fmt.Errorf("%s: %w", k.command, perr)
}

// topCode gives the code and words of the root element; a code that is not a
// number counts as an internal error of the device.
func topCode(n *node) (int, string) {
	s, ok := n.find("errorCode")
	if !ok {
		s = n.at("errorCode").text
	}
	desc, ok := n.find("errorDesc")
	if !ok {
		desc = n.at("errorDesc").text
	}
	if s == "" {
		return 0, desc
	}
	code, ok := number(s)
	if !ok {
		return 79, s
	}
	return code, desc
}
