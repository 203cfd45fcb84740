package web

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/engine"
)

const (
	// maxCookies bounds how many cookies of our name are looked at.
	maxCookies = 4
	// lookAgain is how often an answer that goes on looks whether its asker may still see it.
	lookAgain = 5 * time.Second
	// seenEvery is how old a note of the last use gets before it is written anew, and flushEvery how often that is
	// done at most: a flash card is not written without need.
	seenEvery, flushEvery = time.Hour, 10 * time.Minute
)

// identity is who asks. The zero identity is a stranger.
type identity struct {
	role Role
	// who is what the journal says.
	who string
	// user and session are set for a person who signed in, token for a script.
	user, session string
	token         bool
}

type identityKey struct{}

// callerIdentity is who a request is from, as [Server.serve] found it.
func callerIdentity(r *http.Request) identity {
	id, _ := r.Context().Value(identityKey{}).(identity)
	return id
}

// caller is who asks, for the journal: the user's name, the token's, or an address where nobody has to sign in.
func caller(r *http.Request) string { return cmp.Or(callerIdentity(r).who, "console") }

// roleOf is what the asker may do.
func roleOf(r *http.Request) Role { return callerIdentity(r).role }

// errStranger is said to those who show nothing.
var errStranger = errors.New("sign in first")

// identify finds out who asks. The error says why it is a stranger.
func (s *Server) identify(r *http.Request, now time.Time) (identity, error) {
	accounts := s.source.Auth.Accounts()
	if values, ok := r.Header["Authorization"]; ok {
		return s.bearer(accounts, values, now)
	}
	for i, c := range r.CookiesNamed(cookieName(r)) {
		if i == maxCookies {
			break
		}
		if id, ok := s.signedIn(accounts, c.Value, now); ok {
			return id, nil
		}
	}
	if len(accounts.Users) > 0 || s.remote || !loopbackHost(r.Host) {
		return identity{}, errStranger
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"} {
		if r.Header[name] != nil {
			return identity{}, errors.New("another program passes this on, from wherever it comes: set a password with `sallyport passwd` first")
		}
	}
	return identity{role: RoleEditor, who: "console at " + remoteHost(r)}, nil
}

// remoteHost is the address that a request comes from.
func remoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "an unknown address"
	}
	return host
}

// bearer is who shows a token.
func (s *Server) bearer(accounts *Accounts, values []string, now time.Time) (identity, error) {
	secret, ok := bearerToken(values)
	if !ok {
		return identity{}, errors.New("the Authorization header is not `Bearer TOKEN`")
	}
	hash := hashOf(secret)
	if s.local != "" && subtle.ConstantTimeCompare([]byte(hash), []byte(hashOf(s.local))) == 1 {
		return identity{role: RoleViewer, who: "this machine", token: true}, nil
	}
	t := accounts.token(hash)
	switch {
	case t == nil:
		return identity{}, errors.New("there is no such token")
	case !t.Expires.IsZero() && !now.Before(t.Expires):
		return identity{}, errors.New("the token has ended: make another one")
	case !t.Expires.IsZero() && now.Year() < engine.ClockSetYear:
		return identity{}, errors.New("the token has an end, and the clock of this machine is not set")
	}
	s.seen.note("token "+t.ID, t.Used, now)
	return identity{role: t.Scope.role(), who: "token " + t.Name, token: true}, nil
}

// bearerToken takes the token out of the Authorization header.
func bearerToken(values []string) (secret string, ok bool) {
	if len(values) != 1 {
		return "", false
	}
	scheme, secret, _ := strings.Cut(values[0], " ")
	ok = strings.EqualFold(scheme, "Bearer") && secret != "" && len(secret) <= 128 &&
		!strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' })
	return secret, ok
}

// signedIn is who shows a cookie.
func (s *Server) signedIn(accounts *Accounts, secret string, now time.Time) (identity, bool) {
	if len(secret) > 64 {
		return identity{}, false
	}
	session := accounts.session(hashOf(secret))
	if session == nil {
		return identity{}, false
	}
	u := accounts.User(session.User)
	if u == nil || session.over(s.seen.last("session "+session.Hash, session.Seen), now) {
		return identity{}, false
	}
	s.seen.note("session "+session.Hash, session.Seen, now)
	s.seen.note("user "+u.Name, u.Seen, now)
	return identity{role: u.Role, who: u.Name, user: u.Name, session: session.Hash}, true
}

// cookieName is the name of the session's cookie. Browsers keep one jar for all ports of a host, so the port that
// the browser sees is part of it.
func cookieName(r *http.Request) string {
	name := "sallyport"
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		if n, err := strconv.ParseUint(port, 10, 16); err == nil {
			name += "-" + strconv.FormatUint(n, 10)
		}
	}
	if r.TLS != nil {
		return "__Host-" + name
	}
	return name
}

// cookie is the session's cookie with a value; without one it removes it from the browser.
func cookie(r *http.Request, secret string) *http.Cookie {
	c := &http.Cookie{
		Name: cookieName(r), Value: secret, Path: "/", MaxAge: int(wholeEnd / time.Second),
		Secure: r.TLS != nil, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
	if secret == "" {
		c.MaxAge = -1
	}
	return c
}

// serve takes the methods there are, from those who may. What changes something is refused to pages of
// other sites: a browser on this machine must not be made to open a gate.
func (s *Server) serve(m methods, w http.ResponseWriter, r *http.Request) {
	id, err := s.identify(r, s.now())
	heard(r.Context(), id.role == RolePublic)
	h, ok := m[r.Method]
	if id.role == RolePublic && (!ok || h.role != RolePublic) {
		if !errors.Is(err, errStranger) {
			s.refused(r, err.Error())
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="sallyport"`)
		fail(w, http.StatusUnauthorized, err.Error())
		return
	}
	if !ok {
		allowed := slices.Sorted(maps.Keys(m))
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		fail(w, http.StatusMethodNotAllowed, "only "+strings.Join(allowed, " and ")+" is taken here")
		return
	}
	if h.role != RolePublic && fromAnotherSite(r) || r.Method != http.MethodGet && new(http.CrossOriginProtection).Check(r) != nil {
		fail(w, http.StatusForbidden, "a page of another site asks for this: refused")
		return
	}
	if !id.role.may(h.role) {
		fail(w, http.StatusForbidden, fmt.Sprintf("this takes the role %s, and %s has the role %s", h.role, id.who, id.role))
		return
	}
	if h.role != RolePublic {
		done, ok := s.turn(w, r, id, h)
		if !ok {
			return
		}
		defer done()
	}
	ctx := context.WithValue(r.Context(), identityKey{}, id)
	if h.long {
		// The answer has no time to be over by, and net/http would end the request with the time to read it.
		c := http.NewResponseController(w)
		_ = c.SetWriteDeadline(time.Time{}) // what cannot has none
		if r.Method == http.MethodGet {
			_ = c.SetReadDeadline(time.Time{})
		}
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		if h.role != RolePublic {
			go s.whileAllowed(ctx, cancel, r, id)
		}
		h.handle(w, r.WithContext(ctx))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, AnswerTime)
	defer cancel()
	h.handle(w, r.WithContext(ctx))
}

// fromAnotherSite tells whether a browser says that a page of another site asks, other than by a link that somebody
// followed. Such a page could read nothing of the answer, but keep this machine busy.
func fromAnotherSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		return r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document"
	}
	return false
}

// whileAllowed ends an answer that goes on when its asker is not the same any more: signed out, removed, of another role.
func (s *Server) whileAllowed(ctx context.Context, cancel context.CancelCauseFunc, r *http.Request, id identity) {
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	for {
		changed := s.changed.wait()
		if now, err := s.identify(r, s.now()); now != id {
			cancel(errors.Join(errStranger, err))
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		case <-changed:
		}
	}
}

// bell wakes everybody who waits for it.
type bell struct {
	mu   sync.Mutex // covers ring
	ring chan struct{}
}

// wait is closed at the next ring.
func (b *bell) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ring == nil {
		b.ring = make(chan struct{})
	}
	return b.ring
}

func (b *bell) rings() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ring != nil {
		close(b.ring)
		b.ring = nil
	}
}

// uses remembers when sessions, users and tokens were last used, and has it written from time to time.
type uses struct {
	mu       sync.Mutex // covers the fields below
	at       map[string]time.Time
	flushed  time.Time
	flushing bool
	flush    func(at map[string]time.Time)
}

// last is when something was last used, where the accounts say noted.
func (u *uses) last(what string, noted time.Time) time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	if at := u.at[what]; at.After(noted) {
		return at
	}
	return noted
}

// note remembers a use, where the accounts say noted.
func (u *uses) note(what string, noted, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.at[what] = now
	if now.Sub(noted) < seenEvery || u.flushing || now.Sub(u.flushed) < flushEvery {
		return
	}
	u.flushing, u.flushed = true, now
	at := maps.Clone(u.at)
	go func() {
		u.flush(at)
		u.mu.Lock()
		defer u.mu.Unlock()
		u.flushing = false
	}()
}

// forget drops what is not there any more.
func (u *uses) forget(is func(what string) bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	maps.DeleteFunc(u.at, func(what string, _ time.Time) bool { return !is(what) })
}

// writeSeen keeps the times of the last uses over a restart. It matters little: an error is only logged.
func (s *Server) writeSeen(at map[string]time.Time) {
	there := map[string]bool{}
	err := s.source.Auth.Change(false, func(a *Accounts) error {
		later := func(what string, t *time.Time) {
			there[what] = true
			if at[what].After(*t) {
				*t = at[what]
			}
		}
		for i := range a.Users {
			later("user "+a.Users[i].Name, &a.Users[i].Seen)
		}
		for i := range a.Tokens {
			later("token "+a.Tokens[i].ID, &a.Tokens[i].Used)
		}
		for i := range a.Sessions {
			later("session "+a.Sessions[i].Hash, &a.Sessions[i].Seen)
		}
		return nil
	})
	if err != nil {
		s.log.Warn("when users were last here could not be kept", "error", err)
		return
	}
	s.seen.forget(func(what string) bool { return there[what] })
}

// hostAllowed tells whether a Host header names this machine: a page of another site must not get here under a name of
// its own that it points at our address. Names are loopback's, those of the configuration, and the very address at
// which the request came in.
func (s *Server) hostAllowed(r *http.Request) bool {
	if loopbackHost(r.Host) {
		return true
	}
	name, ip, ok := splitHost(r.Host)
	if !ok {
		return false
	}
	if slices.ContainsFunc(s.names, func(own string) bool {
		if ip.IsValid() {
			other, err := netip.ParseAddr(own)
			return err == nil && other.Unmap() == ip.Unmap()
		}
		return strings.EqualFold(own, name)
	}) {
		return true
	}
	if !s.remote || !ip.IsValid() {
		return false
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return false
	}
	at, ok := netip.AddrFromSlice(local.IP)
	return ok && at.Unmap() == ip.Unmap()
}

// notThisMachine says so.
func (s *Server) notThisMachine(host string) string {
	text := fmt.Sprintf("the Host %s is not this machine: use ", quote(host))
	if s.remote {
		return text + "its address, or add the name under listen: names: in the site file"
	}
	return text + "localhost or 127.0.0.1"
}

// splitHost takes the port off a Host header. ip is set when the rest is an address. ok is false for what is no
// host[:port].
func splitHost(host string) (name string, ip netip.Addr, ok bool) {
	name, port, found := strings.Cut(host, ":")
	v6 := false
	if rest, is := strings.CutPrefix(host, "["); is {
		var tail string
		if name, tail, is = strings.Cut(rest, "]"); !is {
			return "", netip.Addr{}, false
		}
		v6 = true
		if port, found = strings.CutPrefix(tail, ":"); !found && tail != "" {
			return "", netip.Addr{}, false
		}
	}
	if name == "" || found && !isPort(port) {
		return "", netip.Addr{}, false
	}
	ip, err := netip.ParseAddr(name)
	if err != nil {
		return name, netip.Addr{}, !v6
	}
	return name, ip, ip.Zone() == "" && ip.Is6() == v6
}

// loopbackHost tells whether a Host header names this machine's loopback, with any port: it may have come through
// a tunnel.
func loopbackHost(host string) bool {
	name, ip, ok := splitHost(host)
	return ok && (strings.EqualFold(name, "localhost") || ip.IsValid() && ip.IsLoopback())
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}
