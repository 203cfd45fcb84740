package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
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

func (m *memory) get() *Accounts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.accounts
}

func (m *memory) events() []AccountEvent {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.told)
}

func (m *memory) fill(full bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.full = full
}

func (m *memory) source() AuthSource {
	return AuthSource{
		Accounts: m.get,
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
	for i, name := range []string{"ann", "otto", "vera"} {
		role := []Role{RoleEditor, RoleOperator, RoleViewer}[i]
		a.Users = append(a.Users, Account{Name: name, Role: role, Password: hash, Created: now})
		a.Sessions = append(a.Sessions, SignIn{Hash: hashOf(cookieOf(name)), User: name, Created: now, Seen: now})
	}
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

// browser keeps a cookie as one does.
type browser struct {
	s      *Server
	cookie string
}

func (b *browser) do(method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host, r.RemoteAddr = "localhost:8080", "10.0.0.7:40000"
	if b.cookie != "" {
		r.Header.Set("Cookie", b.cookie)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	b.s.ServeHTTP(w, r)
	if c := w.Result().Cookies(); len(c) > 0 {
		b.cookie = c[0].Name + "=" + c[0].Value
		if c[0].MaxAge < 0 {
			b.cookie = ""
		}
	}
	return w
}

func wantAnswer(t *testing.T, what string, w *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if w.Code != status || w.Body.String() != body {
		t.Errorf("%s: %d %s\nwant %d %s", what, w.Code, w.Body, status, body)
	}
}

const (
	strangerJSON = `{"signed_in":false,"password_set":true,"tls":false}` + "\n"
	annJSON      = `{"signed_in":true,"user":"ann","role":"editor","password_set":true,"site":"Elm Street 4","tls":false}` + "\n"
)

func TestSignInAndOut(t *testing.T) {
	s, m := withPassword(t, nil)
	b := &browser{s: s}
	wantAnswer(t, "a stranger", b.do("GET", "/api/v1/session", ""), 200, strangerJSON)
	wantAnswer(t, "a wrong password", b.do("POST", "/api/v1/session", `{"user":"ann","password":"wrong"}`), 401, problemText(401, "Unauthorized", "the user or the password is wrong"))
	wantAnswer(t, "no such user", b.do("POST", "/api/v1/session", `{"user":"bob","password":"`+annsPassword+`"}`), 401, problemText(401, "Unauthorized", "the user or the password is wrong"))
	wantAnswer(t, "a hash", b.do("POST", "/api/v1/session", `{"user":"ann","password":"`+m.get().Users[0].Password+`"}`), 401, problemText(401, "Unauthorized", "the user or the password is wrong"))
	wantAnswer(t, "no user", b.do("POST", "/api/v1/session", `{"password":"x","more":1}`), 400, problemText(400, "Bad Request", `want {"user": "ann", "password": "…"}`))
	if b.cookie != "" {
		t.Fatal("a cookie for a stranger:", b.cookie)
	}
	w := b.do("POST", "/api/v1/session", `{"user":" Ann","password":"`+annsPassword+`"}`)
	wantAnswer(t, "ann", w, 200, annJSON)
	if got, want := w.Header().Get("Set-Cookie"), b.cookie+"; Path=/; Max-Age=7776000; HttpOnly; SameSite=Strict"; got != want || !strings.HasPrefix(got, "sallyport-8080=") {
		t.Errorf("%s, want %s", got, want)
	}
	if strings.Contains(string(m.get().Text()), strings.TrimPrefix(b.cookie, "sallyport-8080=")) {
		t.Error("the cookie is kept as it is")
	}
	wantAnswer(t, "who is it", b.do("GET", "/api/v1/session", ""), 200, annJSON)
	// Signing in again takes the place of the session.
	first, sessions := b.cookie, len(m.get().Sessions)
	wantAnswer(t, "ann again", b.do("POST", "/api/v1/session", `{"user":"ann","password":"`+annsPassword+`"}`), 200, annJSON)
	if len(m.get().Sessions) != sessions || b.cookie == first {
		t.Errorf("%d sessions, not %d", len(m.get().Sessions), sessions)
	}
	kept := b.cookie
	wantAnswer(t, "out", b.do("DELETE", "/api/v1/session", ""), 204, "")
	if b.cookie != "" {
		t.Error("the cookie stays:", b.cookie)
	}
	for _, old := range []string{first, kept} {
		b.cookie = old
		wantAnswer(t, "an old cookie", b.do("GET", "/api/v1/session", ""), 200, strangerJSON)
	}
	b.cookie = ""
	wantAnswer(t, "out twice", b.do("DELETE", "/api/v1/session", ""), 204, "")
	want := []AccountEvent{
		{Type: "refused", From: "10.0.0.7", Detail: "a wrong password for the user ann"}, // one of three within a minute
		{Type: "sign-in", Who: "ann", From: "10.0.0.7", OK: true},
		{Type: "sign-in", Who: "ann", From: "10.0.0.7", OK: true},
		{Type: "sign-out", Who: "ann", From: "10.0.0.7", OK: true},
	}
	if !slices.Equal(m.events(), want) {
		t.Errorf("told %+v\nwant %+v", m.events(), want)
	}
}

// TestAnEncryptedCookie is of this host and nothing else.
func TestAnEncryptedCookie(t *testing.T) {
	s, _ := withPassword(t, nil)
	r := httptest.NewRequest("POST", "https://localhost/api/v1/session", strings.NewReader(`{"user":"ann","password":"`+annsPassword+`"}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	c := w.Header().Get("Set-Cookie")
	if !strings.HasPrefix(c, "__Host-sallyport=") || !strings.HasSuffix(c, "; Path=/; Max-Age=7776000; HttpOnly; Secure; SameSite=Strict") {
		t.Error(c)
	}
}

// TestTheCookieOfAnotherProgram with the same name, on another port, does not keep anybody out.
func TestTheCookieOfAnotherProgram(t *testing.T) {
	s, _ := withPassword(t, nil)
	r := httptest.NewRequest("GET", "/api/v1/status", nil)
	r.Host = "localhost:08080"
	r.Header.Set("Cookie", "sallyport-8080=x; sallyport-8080=y; sallyport-8080="+cookieOf("ann"))
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, r); w.Code != 200 {
		t.Error(w.Code, w.Body)
	}
}

func TestPagesOfOtherSitesCannotSignIn(t *testing.T) {
	s, _ := withPassword(t, nil)
	for _, header := range []string{"Origin", "Sec-Fetch-Site"} {
		for _, c := range []struct{ method, target string }{{"POST", "/api/v1/session"}, {"DELETE", "/api/v1/session"}, {"PUT", "/api/v1/password"}, {"PUT", "/api/v1/users/ann"}} {
			r := httptest.NewRequest(c.method, c.target, strings.NewReader(`{}`))
			r.Host = "localhost:8080"
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Cookie", "sallyport-8080="+cookieOf("ann"))
			r.Header.Set(header, map[string]string{"Origin": "http://localhost:9090", "Sec-Fetch-Site": "same-site"}[header])
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			wantAnswer(t, header, w, 403, problemText(403, "Forbidden", "a page of another site asks for this: refused"))
		}
	}
	r := httptest.NewRequest("POST", "/api/v1/session", strings.NewReader(`{"user":"ann","password":"`+annsPassword+`"}`))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "text/plain")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	wantAnswer(t, "a form", w, 400, problemText(400, "Bad Request", "want a body of Content-Type application/json"))
}

// TestGuessesAreSlowedDown over the API, and others are not.
func TestGuessesAreSlowedDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := withPassword(t, nil)
		b := &browser{s: s}
		guess := func(user, password string) *httptest.ResponseRecorder {
			return b.do("POST", "/api/v1/session", `{"user":"`+user+`","password":"`+password+`"}`)
		}
		for range freePair {
			guess("ann", "wrong")
		}
		w := guess("ann", annsPassword)
		wantAnswer(t, "the sixth", w, 429, problemText(429, "Too Many Requests", "too many wrong passwords: try again in 1 s"))
		if got := w.Header().Get("Retry-After"); got != "1" {
			t.Error("Retry-After:", got)
		}
		wantAnswer(t, "another user", guess("vera", annsPassword), 200, strings.NewReplacer("ann", "vera", "editor", "viewer").Replace(annJSON))
		time.Sleep(time.Second)
		wantAnswer(t, "a second later", guess("ann", annsPassword), 200, annJSON)
		refused := 0
		for _, e := range m.events() {
			if e.Type == "refused" {
				refused++
			}
		}
		if refused != 1 {
			t.Errorf("%d refusals are told of", refused)
		}
	})
}

// TestHashesWaitTheirTurn: few at a time, and not for ever.
func TestHashesWaitTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHashing()
		goOn := make(chan struct{})
		var running, most atomic.Int32
		var failed atomic.Int32
		for range hashesWaiting + 5 {
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), AnswerTime)
				defer cancel()
				if err := h.do(ctx, func() {
					most.Store(max(most.Load(), running.Add(1)))
					<-goOn
					running.Add(-1)
				}); err != nil {
					failed.Add(1)
				}
			}()
		}
		synctest.Wait()
		if got := failed.Load(); got != 5 {
			t.Errorf("%d were sent away at once", got)
		}
		time.Sleep(AnswerTime)
		synctest.Wait()
		if got := failed.Load(); got != hashesWaiting+5-hashesAtOnce {
			t.Errorf("%d were sent away", got)
		}
		close(goOn)
		synctest.Wait()
		if most.Load() != hashesAtOnce {
			t.Errorf("%d at a time", most.Load())
		}
	})
}

func TestTheFirstPassword(t *testing.T) {
	m := newMemory(&Accounts{})
	source := full()
	source.Auth = m.source()
	s := server(t, source)
	s.cost, s.site = cheap, "Elm Street 4"
	b, other := &browser{s: s}, &browser{s: s}
	wantAnswer(t, "before", b.do("GET", "/api/v1/session", ""), 200, `{"signed_in":true,"role":"editor","password_set":false,"site":"Elm Street 4","tls":false}`+"\n")
	wantAnswer(t, "nobody to sign in as", b.do("POST", "/api/v1/session", `{"user":"admin","password":"x"}`), 409, problemText(409, "Conflict", "no password was ever set, so there is nobody to sign in as"))
	wantAnswer(t, "other users first", b.do("PUT", "/api/v1/users/bob", `{"role":"editor","password":"battery staple"}`), 409, problemText(409, "Conflict", "set your own password first: until then there are no users"))
	wantAnswer(t, "short", b.do("PUT", "/api/v1/password", `{"new":"short"}`), 400, problemText(400, "Bad Request", "a password has at least 8 characters"))
	m.fill(true)
	wantAnswer(t, "a full disk", b.do("PUT", "/api/v1/password", `{"new":"battery staple"}`), 503, problemText(503, "Service Unavailable", "the disk is full"))
	if b.cookie != "" || len(m.get().Users) > 0 {
		t.Fatal("a password that is not kept")
	}
	m.fill(false)
	admin := strings.Replace(annJSON, "ann", "admin", 1)
	wantAnswer(t, "the first", b.do("PUT", "/api/v1/password", `{"new":"battery staple"}`), 200, admin)
	wantAnswer(t, "who is it", b.do("GET", "/api/v1/session", ""), 200, admin)
	wantAnswer(t, "others", other.do("GET", "/api/v1/session", ""), 200, strangerJSON)
	wantAnswer(t, "others set theirs", other.do("PUT", "/api/v1/password", `{"new":"something else"}`), 401, problemText(401, "Unauthorized", "sign in first"))
	if want := (AccountEvent{Type: "password", Who: "admin", From: "10.0.0.7", OK: true, Detail: "set the first password"}); len(m.events()) != 1 || m.events()[0] != want {
		t.Errorf("told %+v", m.events())
	}
}

func TestOnesOwnPassword(t *testing.T) {
	s, m := withPassword(t, nil)
	phone, desk := &browser{s: s, cookie: "sallyport-8080=" + cookieOf("vera")}, &browser{s: s}
	vera := strings.NewReplacer("ann", "vera", "editor", "viewer").Replace(annJSON)
	wantAnswer(t, "desk", desk.do("POST", "/api/v1/session", `{"user":"vera","password":"`+annsPassword+`"}`), 200, vera)
	wantAnswer(t, "without the old one", desk.do("PUT", "/api/v1/password", `{"new":"battery staple"}`), 400, problemText(400, "Bad Request", "the old password is needed"))
	wantAnswer(t, "wrong", desk.do("PUT", "/api/v1/password", `{"old":"wrong","new":"battery staple"}`), 403, problemText(403, "Forbidden", "the old password is wrong"))
	wantAnswer(t, "short", desk.do("PUT", "/api/v1/password", `{"old":"`+annsPassword+`","new":"short"}`), 400, problemText(400, "Bad Request", "a password has at least 8 characters"))
	before := desk.cookie
	wantAnswer(t, "right", desk.do("PUT", "/api/v1/password", `{"old":"`+annsPassword+`","new":"battery staple"}`), 200, vera)
	wantAnswer(t, "desk goes on", desk.do("GET", "/api/v1/session", ""), 200, vera)
	wantAnswer(t, "the phone is out", phone.do("GET", "/api/v1/session", ""), 200, strangerJSON)
	stale := &browser{s: s, cookie: before}
	wantAnswer(t, "the cookie from before", stale.do("GET", "/api/v1/session", ""), 200, strangerJSON)
	wantAnswer(t, "the old password", phone.do("POST", "/api/v1/session", `{"user":"vera","password":"`+annsPassword+`"}`), 401, problemText(401, "Unauthorized", "the user or the password is wrong"))
	wantAnswer(t, "the new password", phone.do("POST", "/api/v1/session", `{"user":"vera","password":"battery staple"}`), 200, vera)
	if m.get().session(hashOf(cookieOf("ann"))) == nil {
		t.Error("ann was signed out, too")
	}
	r := httptest.NewRequest("PUT", "/api/v1/password", strings.NewReader(`{"new":"battery staple"}`))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+tokenOf(ScopeEdit))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	wantAnswer(t, "a script", w, 403, problemText(403, "Forbidden", "a token has no password: sign in as a user"))
}

func TestUsersAndTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := withPassword(t, nil)
		do := func(method, target, body string) *httptest.ResponseRecorder {
			return askAs(s, method, target, "ann", body)
		}
		user := func(name, role, more string) string {
			return `{"name":"` + name + `","role":"` + role + `","created":"2000-01-01T00:00:00.000Z"` + more + `}`
		}
		const seen = `,"last_seen":"2000-01-01T00:00:00.000Z"`
		wantAnswer(t, "users", do("GET", "/api/v1/users", ""), 200, `{"items":[`+user("ann", "editor", seen)+`,`+user("otto", "operator", "")+`,`+user("vera", "viewer", "")+`]}`+"\n")
		wantAnswer(t, "nothing", do("PUT", "/api/v1/users/bob", `{}`), 400, problemText(400, "Bad Request", "nothing is to be changed: want a role, a password or both"))
		wantAnswer(t, "half", do("PUT", "/api/v1/users/bob", `{"role":"viewer"}`), 400, problemText(400, "Bad Request", `"bob" is new: a role and a password are needed`))
		wantAnswer(t, "a bad name", do("PUT", "/api/v1/users/B%20ob", `{"role":"viewer","password":"battery staple"}`), 400,
			problemText(400, "Bad Request", `"B ob" is not a user's name: want a letter or digit, then at most 63 small letters, digits and . _ - @`))
		wantAnswer(t, "bob", do("PUT", "/api/v1/users/bob", `{"role":"viewer","password":"battery staple"}`), 200, user("bob", "viewer", "")+"\n")
		wantAnswer(t, "vera may more", do("PUT", "/api/v1/users/vera", `{"role":"operator"}`), 200, user("vera", "operator", "")+"\n")
		wantAnswer(t, "and signs in anew", askAs(s, "GET", "/api/v1/status", "vera", ""), 401, problemText(401, "Unauthorized", "sign in first"))
		wantAnswer(t, "ann's own", do("PUT", "/api/v1/users/ann", `{"password":"battery staple"}`), 200, user("ann", "editor", seen)+"\n")
		if w := do("GET", "/api/v1/users", ""); w.Code != 200 {
			t.Error("ann signed herself out:", w.Code)
		}
		wantAnswer(t, "the last editor", do("PUT", "/api/v1/users/ann", `{"role":"viewer"}`), 409, problemText(409, "Conflict", `"ann" is the last editor: make somebody else an editor first`))
		wantAnswer(t, "the last editor", do("DELETE", "/api/v1/users/ann", ""), 409, problemText(409, "Conflict", `"ann" is the last editor: make somebody else an editor first`))
		wantAnswer(t, "otto", do("DELETE", "/api/v1/users/otto", ""), 204, "")

		w := do("POST", "/api/v1/tokens", `{"name":"doorbell","scope":"operate","expires":"2000-01-03T00:00:00Z"}`)
		var token Token
		if err := json.Unmarshal(w.Body.Bytes(), &token); err != nil || w.Code != 200 || !strings.HasPrefix(token.Secret, "sallyport_") || len(token.Secret) != 53 || token.Scope != ScopeOperate {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if w := do("GET", "/api/v1/tokens", ""); strings.Contains(w.Body.String(), "secret") || !strings.Contains(w.Body.String(), `{"id":"`+token.ID+`","name":"doorbell","scope":"operate","created":"2000-01-01T00:00:00.000Z","expires":"2000-01-03T00:00:00.000Z"}`) {
			t.Error(w.Body)
		}
		wantAnswer(t, "a script like that", do("POST", "/api/v1/tokens", `{"name":"doorbell","scope":"read"}`), 409, problemText(409, "Conflict", `there is a token "doorbell": take another name, or remove it first`))
		wantAnswer(t, "gone", do("DELETE", "/api/v1/tokens/"+token.ID, ""), 204, "")
		m.fill(true)
		wantAnswer(t, "a full disk", do("DELETE", "/api/v1/users/bob", ""), 503, problemText(503, "Service Unavailable", "the disk is full"))
		wantAnswer(t, "a sign-in all the same", askAs(s, "POST", "/api/v1/session", "", `{"user":"ann","password":"battery staple"}`), 200, annJSON)
		var details []string
		for _, e := range m.events() {
			details = append(details, e.Type+" "+e.Who+": "+e.Detail)
		}
		want := []string{
			"user ann: added the user bob, viewer, with a new password", "user ann: changed the user vera, operator", "user ann: changed the user ann, editor, with a new password",
			"user ann: removed the user otto", "token ann: made the token doorbell, operate", "token ann: removed the token doorbell", "sign-in ann: ",
		}
		if !slices.Equal(details, want) {
			t.Errorf("told %q\nwant %q", details, want)
		}
	})
}

// TestWhoIsJournaled: by name, once people sign in.
func TestWhoIsJournaled(t *testing.T) {
	s, _ := withPassword(t, nil)
	if w := askAs(s, "POST", "/api/v1/relays/gate", "otto", `{"set":"on"}`); !strings.Contains(w.Body.String(), `"who":"otto"`) {
		t.Error(w.Body)
	}
	r := httptest.NewRequest("POST", "/api/v1/relays/gate", strings.NewReader(`{"set":"on"}`))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+tokenOf(ScopeOperate))
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, r); !strings.Contains(w.Body.String(), `"who":"token script operate"`) {
		t.Error(w.Body)
	}
}
