package web

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// least is who may at least, by hand: a route that is not here does not exist, or this test fails.
func least() map[string]Role {
	const p, v, o, e = RolePublic, RoleViewer, RoleOperator, RoleEditor
	return map[string]Role{
		"GET /{$}": p, "GET /healthz": p, "GET /readyz": v,
		"GET /api/v1/session": p, "POST /api/v1/session": p, "DELETE /api/v1/session": p,
		"PUT /api/v1/password": v,
		"GET /api/v1/users":    e, "PUT /api/v1/users/{name}": e, "DELETE /api/v1/users/{name}": e,
		"GET /api/v1/tokens": e, "POST /api/v1/tokens": e, "DELETE /api/v1/tokens/{id}": e,

		"GET /api/v1/openapi.yaml": v, "GET /api/v1/status": v, "GET /api/v1/health": v, "GET /api/v1/stream": v,
		"GET /api/v1/cameras": v, "GET /api/v1/cameras/{name}": v, "GET /api/v1/cameras/{name}/snapshot": v, "GET /api/v1/cameras/{name}/tracks": v,
		"GET /api/v1/cameras/{name}/targets/{id}": v, "GET /api/v1/cameras/{name}/imports": e, "POST /api/v1/cameras/{name}/imports": e,
		"POST /api/v1/cameras": e, "POST /api/v1/cameras/probe": e,
		"GET /api/v1/zones": v, "POST /api/v1/zones/edit": v, "GET /api/v1/targets": v,
		"GET /api/v1/rules": v, "GET /api/v1/rules/{name}": v, "GET /api/v1/rules/{name}/why": v, "POST /api/v1/rules/{name}/near": v,
		"PUT /api/v1/rules/{name}/override": e, "DELETE /api/v1/rules/{name}/override": e,
		"GET /api/v1/files": v, "GET /api/v1/files/{path...}": v, "PUT /api/v1/files/{path...}": e, "DELETE /api/v1/files/{path...}": e,
		"POST /api/v1/check": v, "GET /api/v1/names": v, "GET /api/v1/schema": v, "POST /api/v1/replay": v,
		"GET /api/v1/jobs": v, "GET /api/v1/jobs/{id}": v, "DELETE /api/v1/jobs/{id}": v,
		"GET /api/v1/journal": v, "GET /api/v1/journal/{id}": v, "GET /api/v1/journal/{id}/images/{name}": v, "GET /api/v1/journal.csv": v,
		"POST /api/v1/journal/verify": v, "GET /api/v1/timeline": v,
		"GET /api/v1/plates/reads": v, "GET /api/v1/plates/lists": v, "GET /api/v1/plates/lists/{name}": v,
		"PUT /api/v1/plates/lists/{name}/{plate}": o, "DELETE /api/v1/plates/lists/{name}/{plate}": o,
		"GET /api/v1/plates/cameras": v, "POST /api/v1/plates/sync": e,
		"GET /api/v1/relays": v, "GET /api/v1/relays/{name}": v, "POST /api/v1/relays/{name}": o, "GET /api/v1/contacts": v,
		"GET /api/v1/flags": v, "POST /api/v1/flags/{name}": o, "POST /api/v1/messages/{topic...}": o,
		"GET /api/v1/outbox": v, "DELETE /api/v1/outbox/{id}": e,
		"GET /api/v1/system": v, "POST /api/v1/restart": e, "GET /api/v1/devices/unknown": v, "POST /api/v1/devices/unknown/adopt": e, "GET /api/v1/recipes": v,
	}
}

// withPassword is a server where everybody signs in.
func withPassword(t *testing.T, change func(*Config)) (*Server, *memory) {
	t.Helper()
	m := newMemory(signed(time.Now()))
	c := Config{Source: full(), Site: "Elm Street 4"}
	c.Source.Auth = m.source()
	if change != nil {
		change(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.cost = cheap
	var nerr error
	if s.nobody, nerr = hashPassword("nobody's password", cheap); nerr != nil {
		t.Fatal(nerr)
	}
	return s, m
}

// target is an address of a route.
func target(pattern string) string {
	return strings.NewReplacer("{$}", "", "{name}", "front", "{id}", "k3v", "{plate}", "ABC1234", "{path...}", "gate.yaml", "{topic...}", "bell").Replace(pattern)
}

// TestEveryRouteWithEveryRole walks all routes as everybody there can be.
func TestEveryRouteWithEveryRole(t *testing.T) {
	s, _ := withPassword(t, func(c *Config) { c.LocalToken = "of-this-run" })
	const reached = 299
	table := least()
	for _, r := range s.routes {
		for name, m := range r.methods {
			if want, ok := table[name+" "+r.pattern]; !ok {
				t.Errorf("%s %s is not in the table of this test: who may at least?", name, r.pattern)
			} else if m.role != want {
				t.Errorf("%s %s takes %q, not %q", name, r.pattern, m.role, want)
			}
			m.handle = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(reached) }
			r.methods[name] = m
		}
	}
	for key := range table {
		name, pattern, _ := strings.Cut(key, " ")
		if !slices.ContainsFunc(s.routes, func(r route) bool { return r.pattern == pattern && r.methods[name].handle != nil }) {
			t.Errorf("%s is in the table of this test and not there", key)
		}
	}
	askers := []struct {
		name, header, value string
		role                Role
	}{
		{"a stranger", "X-Nothing", "", RolePublic},
		{"a viewer", "Cookie", "sallyport=" + cookieOf("vera"), RoleViewer},
		{"an operator", "Cookie", "sallyport=" + cookieOf("otto"), RoleOperator},
		{"an editor", "Cookie", "sallyport=" + cookieOf("ann"), RoleEditor},
		{"a read token", "Authorization", "Bearer " + tokenOf(ScopeRead), RoleViewer},
		{"an operate token", "Authorization", "bearer " + tokenOf(ScopeOperate), RoleOperator},
		{"an edit token", "Authorization", "Bearer " + tokenOf(ScopeEdit), RoleEditor},
		{"a command of this machine", "Authorization", "Bearer of-this-run", RoleViewer},
		{"a wrong token", "Authorization", "Bearer " + tokenOf("read") + "x", RolePublic},
		{"a wrong cookie", "Cookie", "sallyport=" + cookieOf("nobody"), RolePublic},
		{"the cookie of another port", "Cookie", "sallyport-8080=" + cookieOf("ann"), RolePublic},
		{"the cookie of an encrypted port", "Cookie", "__Host-sallyport=" + cookieOf("ann"), RolePublic},
		{"a hash instead of its secret", "Authorization", "Bearer " + hashOf(tokenOf(ScopeEdit)), RolePublic},
	}
	for _, r := range s.routes {
		for name := range r.methods {
			route := name + " " + r.pattern
			for _, a := range askers {
				req := httptest.NewRequest(name, target(r.pattern), nil)
				req.Host = "localhost"
				req.Header.Set(a.header, a.value)
				w := httptest.NewRecorder()
				s.ServeHTTP(w, req)
				want := reached
				switch {
				case a.role.may(table[route]):
				case a.role == RolePublic:
					want = http.StatusUnauthorized
				default:
					want = http.StatusForbidden
				}
				if w.Code != want {
					t.Errorf("%s by %s: %d, want %d: %s", route, a.name, w.Code, want, w.Body)
				}
			}
		}
	}
}

// TestStrangers get nothing but problem details, whatever they try, and nothing of theirs is done.
func TestStrangers(t *testing.T) {
	s, m := withPassword(t, nil)
	table := least()
	before := string(m.get().Text())
	for _, r := range s.routes {
		for _, name := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "get"} {
			if role, ok := table[name+" "+r.pattern]; ok && role == RolePublic && r.methods[name].handle != nil {
				continue
			}
			for _, body := range []string{"", `{"set": "on"}`} {
				req := httptest.NewRequest(name, target(r.pattern), strings.NewReader(body))
				req.Host = "localhost"
				req.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				s.ServeHTTP(w, req)
				if want := problemText(401, "Unauthorized", "sign in first"); w.Code != 401 || w.Body.String() != want ||
					w.Header().Get("Content-Type") != "application/problem+json" || w.Header().Get("WWW-Authenticate") != `Bearer realm="sallyport"` {
					t.Errorf("%s %s: %d %s", name, r.pattern, w.Code, w.Body)
				}
			}
		}
	}
	for _, path := range []string{"/api/v1/nothing", "/nothing", "/api/v1/", "/metrics", "/debug/pprof/"} {
		if w := askAs(s, "GET", path, "", ""); w.Code != 404 || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if after := string(m.get().Text()); after != before {
		t.Errorf("the accounts changed:\n%s", after)
	}
}

func TestWhoMayNotIsToldWhy(t *testing.T) {
	s, _ := withPassword(t, nil)
	for _, c := range []struct{ method, target, user, want string }{
		{"POST", "/api/v1/relays/gate", "vera", problemText(403, "Forbidden", "this takes the role operator, and vera has the role viewer")},
		{"GET", "/api/v1/users", "otto", problemText(403, "Forbidden", "this takes the role editor, and otto has the role operator")},
		{"PATCH", "/api/v1/users", "otto", problemText(405, "Method Not Allowed", "only GET is taken here")},
	} {
		if w := askAs(s, c.method, c.target, c.user, ""); w.Body.String() != c.want {
			t.Errorf("%s %s: %s, want %s", c.method, c.target, w.Body, c.want)
		}
	}
	for header, want := range map[string]string{
		"Basic YW5uOnB3":                     "the Authorization header is not `Bearer TOKEN`",
		"Bearer":                             "the Authorization header is not `Bearer TOKEN`",
		"Bearer a b":                         "the Authorization header is not `Bearer TOKEN`",
		"Bearer " + strings.Repeat("x", 129): "the Authorization header is not `Bearer TOKEN`",
		"Bearer sallyport_there-is-no-such-token": "there is no such token",
	} {
		req := httptest.NewRequest("GET", "/api/v1/status", nil)
		req.Host = "localhost"
		req.Header.Set("Authorization", header)
		// Who shows a wrong token is not let in by a cookie either.
		req.AddCookie(&http.Cookie{Name: "sallyport", Value: cookieOf("ann")})
		w := httptest.NewRecorder()
		s.ServeHTTP(w, req)
		if want := problemText(401, "Unauthorized", want); w.Body.String() != want {
			t.Errorf("%s: %s, want %s", header, w.Body, want)
		}
	}
}

// TestNoPasswordIsOpenOnThisMachineOnly: an editor on loopback, and nobody anywhere else.
func TestNoPasswordIsOpenOnThisMachineOnly(t *testing.T) {
	s := server(t, full())
	req := func(header, value string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "/api/v1/users", nil)
		r.Host, r.RemoteAddr = "localhost:8080", "127.0.0.1:40000"
		r.Header.Set(header, value)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	if w := req("Accept", "*/*"); w.Code != 200 {
		t.Error(w.Code, w.Body)
	}
	for _, header := range []string{"X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Host"} {
		if w, want := req(header, "10.0.0.7"), problemText(401, "Unauthorized", "another program passes this on, from wherever it comes: set a password with `sallyport passwd` first"); w.Body.String() != want {
			t.Errorf("%s: %s", header, w.Body)
		}
	}
	// Another name of this machine is for those who sign in.
	s.names = []string{"sallyport.example.com"}
	r := httptest.NewRequest("GET", "/api/v1/status", nil)
	r.Host = "sallyport.example.com"
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, r); w.Code != 401 {
		t.Error(w.Code, w.Body)
	}
	s.remote = true
	if w := req("Accept", "*/*"); w.Code != 401 {
		t.Error(w.Code, w.Body)
	}
}

func TestTokensEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := withPassword(t, nil)
		get := func() (int, string) {
			r := httptest.NewRequest("GET", "/api/v1/status", nil)
			r.Host = "localhost"
			r.Header.Set("Authorization", "Bearer "+tokenOf(ScopeRead))
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			return w.Code, w.Body.String()
		}
		// synctest's clock is at 2000, which is before any clock was set here.
		if code, body := get(); code != 401 || body != problemText(401, "Unauthorized", "the token has an end, and the clock of this machine is not set") {
			t.Error(code, body)
		}
		moved := 30 * 365 * 24 * time.Hour
		s.now = func() time.Time { return time.Now().Add(moved) }
		s.source.Auth = newMemory(signed(s.now())).source()
		if code, body := get(); code != 200 {
			t.Error(code, body)
		}
		time.Sleep(24 * time.Hour)
		if code, body := get(); code != 401 || body != problemText(401, "Unauthorized", "the token has ended: make another one") {
			t.Error(code, body)
		}
	})
}

func TestSessionsEndByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := withPassword(t, nil)
		code := func() int { return askAs(s, "GET", "/api/v1/status", "ann", "").Code }
		// Used now and then it lives, but not for ever.
		for day := 0; day < 89; day += 29 {
			if got := code(); got != 200 {
				t.Errorf("day %d: %d", day, got)
			}
			synctest.Wait()
			time.Sleep(29 * 24 * time.Hour)
		}
		time.Sleep(3 * 24 * time.Hour)
		if got := code(); got != 401 {
			t.Errorf("after 90 days: %d", got)
		}
		// Unused it ends sooner; that it was used outlives a restart.
		s, _ = withPassword(t, nil)
		time.Sleep(20 * 24 * time.Hour)
		if got := code(); got != 200 {
			t.Error(got)
		}
		synctest.Wait()
		time.Sleep(29 * 24 * time.Hour)
		s2, err := New(Config{Source: s.source})
		if err != nil {
			t.Fatal(err)
		}
		if got := askAs(s2, "GET", "/api/v1/status", "ann", "").Code; got != 200 {
			t.Errorf("used 29 days ago, after a restart: %d", got)
		}
		if got := askAs(s2, "GET", "/api/v1/status", "vera", "").Code; got != 401 {
			t.Errorf("not used for 49 days: %d", got)
		}
		// From the future nothing is known of its age.
		s2.now = func() time.Time { return time.Now().Add(-60 * 24 * time.Hour) }
		if got := askAs(s2, "GET", "/api/v1/status", "ann", "").Code; got != 401 {
			t.Errorf("before it began: %d", got)
		}
	})
}

// TestAnAnswerThatGoesOnEndsWithItsSession: a stream is not for those who may not any more.
func TestAnAnswerThatGoesOnEndsWithItsSession(t *testing.T) {
	for name, end := range map[string]struct {
		do    func(s *Server, m *memory)
		after time.Duration
	}{
		"a sign-out":         {func(s *Server, _ *memory) { askAs(s, "DELETE", "/api/v1/session", "vera", "") }, 0},
		"another role":       {func(s *Server, _ *memory) { askAs(s, "PUT", "/api/v1/users/vera", "ann", `{"role": "editor"}`) }, 0},
		"the user's removal": {func(s *Server, _ *memory) { askAs(s, "DELETE", "/api/v1/users/vera", "ann", "") }, 0},
		"passwd elsewhere": {func(_ *Server, m *memory) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.accounts = m.accounts.Clone()
			m.accounts.Sessions = nil
		}, lookAgain},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, m := withPassword(t, nil)
			for _, r := range s.routes {
				if r.pattern == "/api/v1/stream" {
					r.methods["GET"] = method{role: RoleViewer, long: true, handle: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}
				}
			}
			begun, over := time.Now(), make(chan time.Duration, 1)
			go func() {
				askAs(s, "GET", "/api/v1/stream", "vera", "")
				over <- time.Since(begun)
			}()
			time.Sleep(10 * lookAgain)
			synctest.Wait()
			select {
			case d := <-over:
				t.Fatalf("%s: over after %v already", name, d)
			default:
			}
			end.do(s, m)
			if took := <-over - 10*lookAgain; took > end.after {
				t.Errorf("%s: it took %v", name, took)
			}
		})
	}
}

// timedWriter remembers by when something has to be written.
type timedWriter struct {
	*httptest.ResponseRecorder
	by time.Time
}

func (w *timedWriter) SetWriteDeadline(by time.Time) error {
	w.by = by
	return nil
}

// TestAQuietStreamHasNoDeadline: over HTTP/2 it would be cut off by one.
func TestAQuietStreamHasNoDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := withPassword(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		r := httptest.NewRequestWithContext(ctx, "GET", "/api/v1/stream", nil)
		r.Host = "localhost"
		r.Header.Set("Authorization", "Bearer "+tokenOf(ScopeEdit))
		w := &timedWriter{httptest.NewRecorder(), time.Now().Add(writeTime)}
		over := make(chan struct{})
		go func() {
			defer close(over)
			s.ServeHTTP(w, r)
		}()
		synctest.Wait()
		if !w.by.IsZero() || !strings.Contains(w.Body.String(), "event: hello") {
			t.Errorf("it has to be over by %v: %s", w.by, w.Body)
		}
		cancel()
		<-over
	})
}

func TestHostsOfAPortForOthers(t *testing.T) {
	s, _ := withPassword(t, func(c *Config) { c.Remote, c.Names = true, []string{"gate", "gate.local", "10.9.9.9"} })
	local := &net.TCPAddr{IP: net.IPv4(192, 168, 0, 53), Port: 8443}
	for host, want := range map[string]bool{
		"localhost:8443": true, "127.0.0.1": true, "192.168.0.53:8443": true, "192.168.0.53": true, "gate:8443": true, "GATE.local": true, "10.9.9.9:1": true,
		"[::ffff:192.168.0.53]:8443": true,
		"192.168.0.54:8443":          false, "gate.example.com": false, "evil.example": false, "gate.local.evil.example": false, "": false, "[gate]": false,
		"gate.local.": false, "0.0.0.0": false, "10.9.9.9.": false, "[fd00::1]": false,
	} {
		r := httptest.NewRequest("GET", "/healthz", nil)
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
		r.Host = host
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if (w.Code == 200) != want {
			t.Errorf("%q: %d %s", host, w.Code, w.Body)
		}
		if text := problemText(403, "Forbidden", fmt.Sprintf("the Host %q is not this machine: use its address, or add the name under listen: names: in the site file", host)); !want && w.Body.String() != text {
			t.Errorf("%s, want %s", w.Body, text)
		}
	}
}

// served serves s on a port of its own, encrypted, until the test ends.
func served(t *testing.T, s *Server) (address string) {
	t.Helper()
	l, err := Listen("127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// TestPlainHTTPOnTheEncryptedPort is answered in words, and a browser is sent on.
func TestPlainHTTPOnTheEncryptedPort(t *testing.T) {
	ts := httptest.NewUnstartedServer(nil)
	ts.StartTLS()
	defer ts.Close()
	s, _ := withPassword(t, func(c *Config) {
		c.TLS = &tls.Config{Certificates: ts.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}}
	})
	address := served(t, s)
	const text = "This port is encrypted: use https:// instead of http://.\n"
	for _, c := range []struct{ request, answer, location string }{
		{"GET /rules/gate%20x?a=b HTTP/1.1\r\nHost: " + address + "\r\n\r\n", "307", "https://" + address + "/rules/gate%20x?a=b"},
		{"GET //evil.example/ HTTP/1.1\r\nHost: " + address + "\r\n\r\n", "307", "https://" + address + "//evil.example/"},
		{"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "400", ""},
		{"GET /api/v1/status HTTP/1.1\r\nHost: " + address + "\r\nAuthorization: Bearer x\r\n\r\n", "400", ""},
		{"POST /api/v1/session HTTP/1.1\r\nHost: " + address + "\r\nContent-Length: 2\r\n\r\n{}", "400", ""},
		{"GET / HTTP/1.1\r\nHost: " + strings.Repeat("x", 9000) + "\r\n\r\n", "", ""},
		{"\x16\x03\x01\x00\x05hello", "", ""},
		{"\x00\x00\x00\x00\x00\x00", "", ""},
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := conn.Write([]byte(c.request)); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			b.Write(buf[:n])
			if err != nil {
				break
			}
		}
		_ = conn.Close()
		got := b.String()
		if c.answer == "" {
			if strings.Contains(got, "HTTP/") {
				t.Errorf("%.40q: %s", c.request, got)
			}
			continue
		}
		if !strings.HasPrefix(got, "HTTP/1.1 "+c.answer) || !strings.HasSuffix(got, text) || strings.Contains(got, "Location:") != (c.location != "") ||
			!strings.Contains(got, c.location) {
			t.Errorf("%.60q:\n%s", c.request, got)
		}
	}

	client := ts.Client()
	client.CheckRedirect = nil
	resp, err := client.Get("https://" + address + "/api/v1/session")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got Session
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || !got.TLS || got.SignedIn || resp.ProtoMajor != 1 {
		t.Errorf("%+v %v %s", got, err, resp.Proto)
	}
}

// FuzzCredentials: whatever a header holds, nobody gets in but with what was given out.
func FuzzCredentials(f *testing.F) {
	for _, s := range []string{"", "Bearer x", "bearer " + tokenOf(ScopeRead), "sallyport=" + cookieOf("ann"), `sallyport="` + cookieOf("ann") + `"; a=b`, "sallyport=;;=", "Bearer \x00"} {
		f.Add(s, s)
	}
	now := time.Now()
	accounts := signed(now)
	known := []string{tokenOf(ScopeRead), tokenOf(ScopeOperate), tokenOf(ScopeEdit), cookieOf("ann"), cookieOf("otto"), cookieOf("vera")}
	s := &Server{source: Source{Auth: newMemory(accounts).source()}, now: time.Now}
	s.seen = uses{at: map[string]time.Time{}, flush: func(map[string]time.Time) {}}
	f.Fuzz(func(t *testing.T, authorization, cookies string) {
		r := &http.Request{Method: "GET", Host: "localhost", Header: http.Header{"Cookie": {cookies}}}
		if authorization != "" {
			r.Header["Authorization"] = []string{authorization}
		}
		id, err := s.identify(r, now)
		if id.role == RolePublic {
			if err == nil {
				t.Error("a stranger without a reason")
			}
			return
		}
		if !slices.ContainsFunc(known, func(k string) bool { return strings.Contains(authorization, k) || strings.Contains(cookies, k) }) {
			t.Errorf("%q, %q: let in as %+v", authorization, cookies, id)
		}
	})
}
