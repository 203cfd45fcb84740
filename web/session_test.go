package web

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// fullSession, emptySession and brokenSession fill the functions of a source: everything set, nothing there, errors.
func fullSession(s *Source) { s.Auth = newMemory(&Accounts{}).source() }

func emptySession(s *Source) { s.Auth = newMemory(&Accounts{}).source() }

func brokenSession(s *Source) {
	s.Auth = newMemory(&Accounts{}).source()
	s.Auth.Change = func(bool, func(*Accounts) error) error { return errors.New("the disk is full") }
}

// memory keeps accounts as the program does.
type memory struct {
	mu       sync.Mutex // covers the fields below
	accounts *Accounts
	told     []AccountEvent
	full     bool // what must be kept is not
}

func newMemory(a *Accounts) *memory { return &memory{accounts: a} }

func (m *memory) source() AuthSource {
	return AuthSource{
		Accounts: func() *Accounts {
			m.mu.Lock()
			defer m.mu.Unlock()
			return m.accounts
		},
		Change: func(must bool, f func(*Accounts) error) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			a := m.accounts.Clone()
			if err := f(a); err != nil {
				return err
			}
			if must && m.full {
				return errors.New("the disk is full")
			}
			m.accounts = a
			return nil
		},
		Tell: func(e AccountEvent) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.told = append(m.told, e)
		},
	}
}

// cheap is a cost of hashes for tests.
const cheap = 4

// annsPassword is the password of everybody here, and cookieOf and tokenOf what they show: the secrets of signed.
const annsPassword = "correct horse"

func cookieOf(user string) string { return "cookie-of-" + user }
func tokenOf(s Scope) string      { return "sallyport_" + string(s) }

// signed are accounts with a user of each role, who have signed in, and a token of each scope.
func signed(now time.Time) *Accounts {
	hash, err := hashPassword(annsPassword, cheap)
	if err != nil {
		panic(err)
	}
	a := &Accounts{}
	for name, role := range map[string]Role{"ann": RoleEditor, "otto": RoleOperator, "vera": RoleViewer} {
		a.Users = append(a.Users, Account{Name: name, Role: role, Password: hash, Created: now})
		a.Sessions = append(a.Sessions, SignIn{Hash: hashOf(cookieOf(name)), User: name, Created: now, Seen: now})
	}
	slices.SortFunc(a.Users, func(a, b Account) int { return strings.Compare(a.Name, b.Name) })
	for _, scope := range []Scope{ScopeRead, ScopeOperate, ScopeEdit} {
		a.Tokens = append(a.Tokens, AccessToken{ID: "id-" + string(scope), Name: "script " + string(scope), Scope: scope, Hash: hashOf(tokenOf(scope)), Created: now})
	}
	a.Tokens[0].Expires = now.Add(24 * time.Hour)
	return a
}

// askAs asks as one of the users of signed; with a body as JSON.
func askAs(s *Server, method, target, user, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host, r.RemoteAddr = "localhost", "127.0.0.1:40000"
	if user != "" {
		r.AddCookie(&http.Cookie{Name: "sallyport", Value: cookieOf(user)})
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// sessionCases are requests that TestDescription makes besides the plain ones.
func sessionCases() []apiCase {
	source := func() Source {
		s := full()
		s.Auth = newMemory(signed(time.Now())).source()
		return s
	}
	before := func(s *Server) { s.cost, s.site, s.fingerprint = cheap, "Elm Street 4", "AB:CD" }
	none, js := map[string]string{}, map[string]string{"Content-Type": "application/json"}
	as := func(user string) map[string]string {
		return map[string]string{"Content-Type": "application/json", "Cookie": "sallyport=" + cookieOf(user)}
	}
	full := func(s string) string { return `{"user": "ann", "password": "` + s + `"}` }
	c := func(path, method, target, body string, header map[string]string, status int) apiCase {
		return apiCase{path: path, method: method, target: target, body: body, header: header, source: source, before: before, status: status}
	}
	return []apiCase{
		c("/api/v1/session", "GET", "/api/v1/session", "", none, 200),
		c("/api/v1/session", "GET", "/api/v1/session", "", as("ann"), 200),
		c("/api/v1/session", "POST", "/api/v1/session", full(annsPassword), js, 200),
		c("/api/v1/session", "POST", "/api/v1/session", full("wrong"), js, 401),
		c("/api/v1/session", "POST", "/api/v1/session", "{}", none, 400),
		c("/api/v1/session", "DELETE", "/api/v1/session", "", as("ann"), 204),
		c("/api/v1/password", "PUT", "/api/v1/password", `{"old": "`+annsPassword+`", "new": "battery staple"}`, as("vera"), 200),
		c("/api/v1/password", "PUT", "/api/v1/password", `{"old": "wrong", "new": "battery staple"}`, as("vera"), 403),
		c("/api/v1/users", "GET", "/api/v1/users", "", as("ann"), 200),
		c("/api/v1/users", "GET", "/api/v1/users", "", as("otto"), 403),
		c("/api/v1/users", "GET", "/api/v1/users", "", none, 401),
		c("/api/v1/users/{name}", "PUT", "/api/v1/users/bob", `{"role": "viewer", "password": "battery staple"}`, as("ann"), 200),
		c("/api/v1/users/{name}", "DELETE", "/api/v1/users/otto", "", as("ann"), 204),
		c("/api/v1/users/{name}", "DELETE", "/api/v1/users/ann", "", as("ann"), 409),
		c("/api/v1/tokens", "GET", "/api/v1/tokens", "", map[string]string{"Authorization": "Bearer " + tokenOf(ScopeEdit)}, 200),
		c("/api/v1/tokens", "POST", "/api/v1/tokens", `{"name": "doorbell", "scope": "operate", "expires": "2999-01-01T00:00:00Z"}`, as("ann"), 200),
		c("/api/v1/tokens", "POST", "/api/v1/tokens", `{"name": "script read", "scope": "read"}`, as("ann"), 409),
		c("/api/v1/tokens/{id}", "DELETE", "/api/v1/tokens/id-read", "", as("ann"), 204),
		c("/api/v1/tokens/{id}", "DELETE", "/api/v1/tokens/none", "", as("ann"), 404),
	}
}
