package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// maxCredentials bounds the bytes of a body about users, sessions and tokens.
	maxCredentials = 4 << 10
	// hashesAtOnce is how many passwords are hashed at a time, hashesWaiting how many may wait for it: a small machine
	// has other things to do.
	hashesAtOnce, hashesWaiting = 2, 16
	// refusalEvery is how often a refusal is told of, for each address and about.
	refusalEvery = time.Minute
	maxRefusals  = 100
	// firstUser is who sets the first password in the page.
	firstUser = "admin"
	// nobodysHash takes as long to compare with as the hash of a user. It is no password's.
	nobodysHash = "$2a$12$byEGsF/zi3rdG9iv8.R7durfbGTICcIbLHsrqe0vcZ2nzbNCzOPuu"
)

// AuthSource is where the console gets who may use the console, as [Source].
type AuthSource struct {
	// Accounts are the accounts as they are now, also when another program changed them. They are not written to. It is
	// asked for every request.
	Accounts func() *Accounts
	// Change changes the accounts: change is given a copy of the newest. When it fails nothing changes and its error
	// is given back. When the result cannot be kept that is an error if it must be; if it need not, it counts until
	// the program ends. An error of keeping is of no type of this package.
	Change func(must bool, change func(*Accounts) error) error
	// Tell tells of what happened, for the journal.
	Tell func(AccountEvent)
}

// AccountEvent is something that happened to accounts.
type AccountEvent struct {
	// Type is sign-in, sign-out, refused, password, user or token.
	Type string
	// Who did it; empty for a stranger.
	Who string
	// From is the address.
	From string
	// OK is false when it was refused.
	OK bool
	// Detail says more, in words.
	Detail string
}

// Session says who asks.
type Session struct {
	SignedIn    bool   `json:"signed_in"`
	User        string `json:"user,omitempty"`
	Role        Role   `json:"role,omitempty"`
	PasswordSet bool   `json:"password_set"`
	Site        string `json:"site,omitempty"`
	TLS         bool   `json:"tls"`
	Fingerprint string `json:"fingerprint,omitempty"`
}

// User is a person, as others see one.
type User struct {
	Name     string `json:"name"`
	Role     Role   `json:"role"`
	Created  Time   `json:"created"`
	LastSeen Time   `json:"last_seen,omitzero"`
}

// Token is an [AccessToken], as people see it.
type Token struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Scope    Scope  `json:"scope"`
	Created  Time   `json:"created"`
	Expires  Time   `json:"expires,omitzero"`
	LastUsed Time   `json:"last_used,omitzero"`
	// Secret is what the script shows; only in the answer that makes the token.
	Secret string `json:"secret,omitempty"`
}

func (s *Server) sessionRoutes() []route {
	return []route{
		{"/api/v1/session", methods{
			http.MethodGet:    {handle: s.session},
			http.MethodPost:   {handle: s.signIn},
			http.MethodDelete: {handle: s.signOut},
		}},
		{"/api/v1/password", methods{http.MethodPut: {role: RoleViewer, handle: s.putPassword}}},
		{"/api/v1/users", methods{http.MethodGet: {role: RoleEditor, handle: s.users}}},
		{"/api/v1/users/{name}", methods{
			http.MethodPut:    {role: RoleEditor, handle: s.putUser},
			http.MethodDelete: {role: RoleEditor, handle: s.deleteUser},
		}},
		{"/api/v1/tokens", methods{
			http.MethodGet:  {role: RoleEditor, handle: s.tokens},
			http.MethodPost: {role: RoleEditor, handle: s.postToken},
		}},
		{"/api/v1/tokens/{id}", methods{http.MethodDelete: {role: RoleEditor, handle: s.deleteToken}}},
	}
}

// sessionOf is what a page is told of who it is.
func (s *Server) sessionOf(r *http.Request, id identity) Session {
	out := Session{
		SignedIn: id.role != RolePublic, User: id.user, Role: id.role, PasswordSet: len(s.source.Auth.Accounts().Users) > 0,
		TLS: r.TLS != nil, Fingerprint: s.fingerprint,
	}
	if out.SignedIn {
		out.Site = s.site
	}
	return out
}

func (s *Server) session(w http.ResponseWriter, r *http.Request) {
	answerJSON(w, s.sessionOf(r, callerIdentity(r)))
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	var in struct {
		User     string `json:"user"`
		Password string `json:"password"`
	}
	if !readJSON(w, r, maxCredentials, &in, `want {"user": "ann", "password": "…"}`) {
		return
	}
	if len(s.source.Auth.Accounts().Users) == 0 {
		fail(w, http.StatusConflict, "no password was ever set, so there is nobody to sign in as")
		return
	}
	in.User = strings.ToLower(strings.TrimSpace(in.User)) // telephones begin with a capital
	hash, ok := s.proven(w, r, in.User, in.Password, problem{Status: http.StatusUnauthorized, Detail: "the user or the password is wrong"})
	if !ok {
		return
	}
	var secret string
	before := callerIdentity(r).session
	err := s.change(false, func(a *Accounts) (err error) {
		if u := a.User(in.User); u == nil || u.Password != hash {
			return RefusedError("the password was changed just now: sign in with the new one")
		}
		a.EndSession(before)
		secret, err = a.Begin(in.User, s.now())
		return err
	})
	if err != nil {
		failAs(w, err)
		return
	}
	s.tell(r, AccountEvent{Type: "sign-in", Who: in.User, OK: true})
	s.welcome(w, r, in.User, secret)
}

// welcome answers with a session that has just begun.
func (s *Server) welcome(w http.ResponseWriter, r *http.Request, user, secret string) {
	http.SetCookie(w, cookie(r, secret))
	role := RolePublic
	if u := s.source.Auth.Accounts().User(user); u != nil {
		role = u.Role
	}
	answerJSON(w, s.sessionOf(r, identity{role: role, user: user}))
}

// proven tells whether a password is the user's, and gives its hash. When it is not, the answer has been given.
func (s *Server) proven(w http.ResponseWriter, r *http.Request, user, password string, wrong problem) (hash string, ok bool) {
	from := addressOf(r.RemoteAddr)
	known := s.source.Auth.Accounts().User(user)
	if len(user) > maxName {
		user = user[:maxName] // it is nobody's
	}
	if wait := s.throttle.begin(from, user, time.Now()); wait > 0 {
		s.refused(r, "too many wrong passwords")
		tooMany(w, wait, "too many wrong passwords")
		return "", false
	}
	hash = s.nobody
	if known != nil {
		hash = known.Password
	}
	err := s.hashing.do(r.Context(), func() { ok = isPassword(hash, password) })
	if err != nil {
		s.throttle.untried(from, user)
		tooMany(w, time.Second, err.Error())
		return "", false
	}
	if !ok || known == nil {
		detail := "a user that there is not"
		if known != nil {
			detail = fmt.Sprintf("a wrong password for the user %s", known.Name)
		}
		s.refused(r, detail)
		failWith(w, wrong)
		return "", false
	}
	s.throttle.succeeded(from, user)
	return hash, true
}

// tooMany asks to come again later.
func tooMany(w http.ResponseWriter, wait time.Duration, why string) {
	seconds := int((wait + time.Second - 1) / time.Second)
	w.Header().Set("Retry-After", fmt.Sprint(seconds))
	fail(w, http.StatusTooManyRequests, fmt.Sprintf("%s: try again in %d s", why, seconds))
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	if id := callerIdentity(r); id.session != "" {
		if err := s.change(false, func(a *Accounts) error { a.EndSession(id.session); return nil }); err != nil {
			failAs(w, err)
			return
		}
		s.tell(r, AccountEvent{Type: "sign-out", Who: id.who, OK: true})
	}
	http.SetCookie(w, cookie(r, ""))
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) putPassword(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Old *string `json:"old"`
		New string  `json:"new"`
	}
	if !readJSON(w, r, maxCredentials, &in, `want {"old": "…", "new": "…"}`) {
		return
	}
	id := callerIdentity(r)
	var checked string // the hash of the old password
	switch {
	case id.token:
		fail(w, http.StatusForbidden, "a token has no password: sign in as a user")
		return
	case id.user != "" && in.Old == nil:
		fail(w, http.StatusBadRequest, "the old password is needed")
		return
	case id.user != "":
		var ok bool
		if checked, ok = s.proven(w, r, id.user, *in.Old, problem{Status: http.StatusForbidden, Detail: "the old password is wrong"}); !ok {
			return
		}
	}
	hash, ok := s.newPassword(w, r, in.New)
	if !ok {
		return
	}
	user := id.user
	var secret string
	err := s.change(true, func(a *Accounts) (err error) {
		role := Role("")
		switch u := a.User(user); {
		case user == "" && len(a.Users) > 0, user != "" && (u == nil || u.Password != checked):
			return RefusedError("somebody else changed the password just now")
		case user == "":
			user, role = firstUser, RoleEditor
		}
		if err = a.SetUser(user, role, hash, "", s.now()); err == nil {
			secret, err = a.Begin(user, s.now())
		}
		return err
	})
	if err != nil {
		failAs(w, err)
		return
	}
	detail := "set a new password"
	if id.user == "" {
		detail = "set the first password"
	}
	s.tell(r, AccountEvent{Type: "password", Who: user, OK: true, Detail: detail})
	s.welcome(w, r, user, secret)
}

// newPassword hashes a password. When that cannot be, the answer has been given.
func (s *Server) newPassword(w http.ResponseWriter, r *http.Request, password string) (hash string, ok bool) {
	var bad error
	if err := s.hashing.do(r.Context(), func() { hash, bad = hashPassword(password, s.cost) }); err != nil {
		tooMany(w, time.Second, err.Error())
		return "", false
	}
	if bad != nil {
		fail(w, http.StatusBadRequest, bad.Error())
		return "", false
	}
	return hash, true
}

func (s *Server) users(w http.ResponseWriter, _ *http.Request) {
	items := []User{}
	for _, u := range s.source.Auth.Accounts().Users {
		items = append(items, s.user(u))
	}
	answerJSON(w, page[User]{Items: items})
}

func (s *Server) user(u Account) User {
	return User{Name: u.Name, Role: u.Role, Created: Time{u.Created}, LastSeen: Time{s.seen.last("user "+u.Name, u.Seen)}}
}

func (s *Server) putUser(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	var in struct {
		Role     Role    `json:"role"`
		Password *string `json:"password"`
	}
	if !readJSON(w, r, maxCredentials, &in, `want {"role": "viewer", "password": "…"}, or one of them for a user that there is`) {
		return
	}
	if in.Role == "" && in.Password == nil {
		fail(w, http.StatusBadRequest, "nothing is to be changed: want a role, a password or both")
		return
	}
	if err := CheckUserName(name); err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	id := callerIdentity(r)
	if id.user == "" && !id.token {
		fail(w, http.StatusConflict, "set your own password first: until then there are no users")
		return
	}
	hash := ""
	if in.Password != nil {
		var ok bool
		if hash, ok = s.newPassword(w, r, *in.Password); !ok {
			return
		}
	}
	var u Account
	did := "changed the user "
	err := s.change(true, func(a *Accounts) error {
		if a.User(name) == nil {
			did = "added the user "
		}
		if err := a.SetUser(name, in.Role, hash, id.session, s.now()); err != nil {
			return err
		}
		u = *a.User(name)
		return nil
	})
	if err != nil {
		failAs(w, err)
		return
	}
	detail := did + name + ", " + string(u.Role)
	if hash != "" {
		detail += ", with a new password"
	}
	s.tell(r, AccountEvent{Type: "user", Who: id.who, OK: true, Detail: detail})
	answerJSON(w, s.user(u))
}

func (s *Server) deleteUser(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if err := s.change(true, func(a *Accounts) error { return a.RemoveUser(name) }); err != nil {
		failAs(w, err)
		return
	}
	s.tell(r, AccountEvent{Type: "user", Who: caller(r), OK: true, Detail: "removed the user " + name})
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) tokens(w http.ResponseWriter, _ *http.Request) {
	items := []Token{}
	for _, t := range s.source.Auth.Accounts().Tokens {
		items = append(items, s.token(t))
	}
	answerJSON(w, page[Token]{Items: items})
}

func (s *Server) token(t AccessToken) Token {
	return Token{ID: t.ID, Name: t.Name, Scope: t.Scope, Created: Time{t.Created}, Expires: Time{t.Expires},
		LastUsed: Time{s.seen.last("token "+t.ID, t.Used)}}
}

func (s *Server) postToken(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Name    string     `json:"name"`
		Scope   Scope      `json:"scope"`
		Expires *time.Time `json:"expires"`
	}
	if !readJSON(w, r, maxCredentials, &in, `want {"name": "…", "scope": "read"}, and "expires": "2027-01-01T00:00:00Z" if it is to end`) {
		return
	}
	var t AccessToken
	var secret string
	err := s.change(true, func(a *Accounts) (err error) {
		t, secret, err = a.AddToken(in.Name, in.Scope, given(in.Expires), s.now())
		return err
	})
	if err != nil {
		failAs(w, err)
		return
	}
	s.tell(r, AccountEvent{Type: "token", Who: caller(r), OK: true, Detail: fmt.Sprintf("made the token %s, %s", t.Name, t.Scope)})
	out := s.token(t)
	out.Secret = secret
	answerJSON(w, out)
}

func (s *Server) deleteToken(w http.ResponseWriter, r *http.Request) {
	var t AccessToken
	err := s.change(true, func(a *Accounts) (err error) {
		t, err = a.RemoveToken(r.PathValue("id"))
		return err
	})
	if err != nil {
		failAs(w, err)
		return
	}
	s.tell(r, AccountEvent{Type: "token", Who: caller(r), OK: true, Detail: "removed the token " + t.Name})
	w.WriteHeader(http.StatusNoContent)
}

// change changes the accounts, and lets answers that go on look whether they still may.
func (s *Server) change(must bool, f func(*Accounts) error) error {
	if err := s.source.Auth.Change(must, f); err != nil {
		return err
	}
	s.changed.rings()
	return nil
}

func (s *Server) tell(r *http.Request, e AccountEvent) {
	e.From = remoteHost(r)
	s.source.Auth.Tell(e)
}

// refused tells of somebody who was not let in, for each address once in a while.
func (s *Server) refused(r *http.Request, detail string) {
	if s.refusals.first(addressOf(r.RemoteAddr), time.Now()) {
		s.tell(r, AccountEvent{Type: "refused", Detail: detail})
	}
}

// refusals remembers of which addresses was told lately.
type refusals struct {
	mu   sync.Mutex // covers told
	told map[string]time.Time
}

// first tells whether an address is to be told of. When many were lately, no more are.
func (f *refusals) first(address string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at, ok := f.told[address]; ok && now.Sub(at) < refusalEvery {
		return false
	}
	if len(f.told) >= maxRefusals {
		for a, at := range f.told {
			if now.Sub(at) >= refusalEvery {
				delete(f.told, a)
			}
		}
		if len(f.told) >= maxRefusals {
			return false
		}
	}
	f.told[address] = now
	return true
}

// hashing lets few passwords be hashed at a time.
type hashing struct {
	slots   chan struct{}
	waiting chan struct{}
}

func newHashing() hashing {
	return hashing{make(chan struct{}, hashesAtOnce), make(chan struct{}, hashesWaiting)}
}

// do runs f when it is its turn. The error says that there are too many before it.
func (h hashing) do(ctx context.Context, f func()) error {
	select {
	case h.waiting <- struct{}{}:
		defer func() { <-h.waiting }()
	default:
		return errors.New("too many sign-ins at a time")
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return errors.New("too many sign-ins at a time")
	}
	f()
	return nil
}
