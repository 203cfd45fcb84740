package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/web"
)

// typedAt runs a command on a site with something on its standard input.
func typedAt(t *testing.T, dir, stdin string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	p := process{stdin: strings.NewReader(stdin), stdout: &o, stderr: &e, getenv: func(string) string { return "" }}
	code = run(context.Background(), append(args, "-c", filepath.Join(dir, "sallyport.yaml")), p)
	return code, o.String(), e.String()
}

func TestPasswd(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "sallyport.yaml"), []byte(siteText), 0o644); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "data", accountsFile)
	for _, c := range []struct {
		stdin     string
		args      []string
		code      int
		out, errs string
	}{
		{"", []string{"passwd"}, 1, "", "sallyport: passwd: there is no password on the standard input\n"},
		{"short\n", []string{"passwd"}, 1, "", "sallyport: passwd: a password has at least 8 characters\n"},
		{"correct horse\n", []string{"passwd", "ann", "--role", "viewer"}, 1, "", "sallyport: passwd: the first user must be an editor: somebody has to be able to add others\n"},
		{"correct horse\nmore\n", []string{"passwd"}, 0, "The password of admin is set. Everybody signs in to the console from now on.\n", ""},
		{"correct horse\n", []string{"passwd", "bob"}, 1, "", "sallyport: passwd: there is no user \"bob\" yet: say --role viewer, operator or editor\n"},
		{"correct horse\n", []string{"passwd", "Bob", "--role", "viewer"}, 1, "", "sallyport: passwd: \"Bob\" is not a user's name: want a letter or digit, then at most 63 small letters, digits and . _ - @\n"},
		{"correct horse\n", []string{"passwd", "bob", "--role", "boss"}, 1, "", "sallyport: passwd: \"boss\" is not a role: want viewer, operator or editor\n"},
		{"battery staple", []string{"passwd", "bob", "--role", "operator"}, 0, "The password of bob is set. Who was signed in as bob has to do so again.\n", ""},
		{"correct horse\n", []string{"passwd"}, 1, "", "sallyport: passwd: whose password? There are admin, bob\n"},
		{"", []string{"passwd", "--delete", "admin"}, 1, "", "sallyport: passwd: \"admin\" is the last editor: make somebody else an editor first\n"},
		{"", []string{"passwd", "--delete", "ann"}, 1, "", "sallyport: passwd: no user is called \"ann\"\n"},
		{"", []string{"passwd", "bob", "--delete"}, 0, "bob is removed, and signed out.\n", ""},
		{"", []string{"passwd", "--delete"}, 2, "", "sallyport passwd: --delete wants the name of a user, and nothing else\n"},
		{"", []string{"passwd", "a", "b"}, 2, "", "sallyport passwd: wants one user, got [\"a\" \"b\"]\n"},
	} {
		code, out, errs := typedAt(t, dir, c.stdin, c.args...)
		if code != c.code || out != c.out || errs != c.errs {
			t.Errorf("%v: %d %q %q, want %d %q %q", c.args, code, out, errs, c.code, c.out, c.errs)
		}
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	text, err := os.ReadFile(file)
	if err != nil || bytes.Contains(text, []byte("horse")) || bytes.Contains(text, []byte("staple")) {
		t.Errorf("%s %v", text, err)
	}
	if err := os.WriteFile(file, []byte(`{"version": 1, "users": [}`), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := typedAt(t, dir, "correct horse\n", "passwd")
	want := "sallyport: passwd: the users of the console cannot be read: " + file + ": it is not the JSON that it should be; put the file back from a backup, or remove it and set a password anew with `sallyport passwd`\n"
	if code != 1 || errs != want {
		t.Errorf("%d %s, want %s", code, errs, want)
	}
}

func TestTokenCommands(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "sallyport.yaml"), []byte(siteText), 0o644); err != nil {
		t.Fatal(err)
	}
	const once = "A script shows it as `Authorization: Bearer TOKEN`. It is not shown again:\n"
	if code, out, errs := typedAt(t, dir, "", "token", "list"); code != 0 || out != "there are no tokens\n" || errs != "" {
		t.Error(code, out, errs)
	}
	code, out, errs := typedAt(t, dir, "", "token", "add", "doorbell", "--scope", "operate", "--expires", "90d")
	if code != 0 || !strings.HasPrefix(out, "sallyport_") || errs != once {
		t.Error(code, out, errs)
	}
	for _, c := range []struct {
		args []string
		code int
		errs string
	}{
		{[]string{"token", "add", "doorbell", "--scope", "read"}, 1, "sallyport: token add: there is a token \"doorbell\": take another name, or remove it first\n"},
		{[]string{"token", "add", "x"}, 1, "sallyport: token add: \"\" is not a scope: want read, operate or edit\n"},
		{[]string{"token", "add", "x", "--scope", "read", "--expires", "soon"}, 1, "sallyport: token add: --expires: \"soon\" is not a duration (try \"2s\")\n"},
		{[]string{"token", "add"}, 2, "sallyport token add: wants one name, got []\n"},
		{[]string{"token", "list", "x"}, 2, "sallyport token list: takes no argument, got \"x\"\n"},
		{[]string{"token", "remove", "x"}, 1, "sallyport: token remove: no token has the id \"x\"\n"},
	} {
		if code, out, errs := typedAt(t, dir, "", c.args...); code != c.code || out != "" || errs != c.errs {
			t.Errorf("%v: %d %q %q, want %d %q", c.args, code, out, errs, c.code, c.errs)
		}
	}
	_, out, _ = typedAt(t, dir, "", "token", "list")
	lines := strings.Split(out, "\n")
	today, end := time.Now().Format(time.DateOnly), time.Now().Add(90*24*time.Hour).Format(time.DateOnly)
	if len(lines) != 3 || lines[0] != "ID        SCOPE    MADE        ENDS        LAST USED  NAME" || lines[1][8:] != "  operate  "+today+"  "+end+"  never      doorbell" {
		t.Errorf("%q", lines)
	}
	if code, out, _ := typedAt(t, dir, "", "token", "remove", lines[1][:8]); code != 0 || out != "The token doorbell is removed.\n" {
		t.Error(code, out)
	}
	if _, out, _ := typedAt(t, dir, "", "token", "list"); out != "there are no tokens\n" {
		t.Error(out)
	}
}

// TestSeveralProgramsChangeTheUsers at a time, and no change is lost.
func TestSeveralProgramsChangeTheUsers(t *testing.T) {
	dir := t.TempDir()
	log := slog.New(slog.DiscardHandler)
	var wg sync.WaitGroup
	const programs, each = 4, 10
	for p := range programs {
		wg.Go(func() {
			s, err := openAccounts(dir, log)
			if err != nil {
				t.Error(err)
				return
			}
			for n := range each {
				if err := s.change(true, func(a *web.Accounts) error {
					_, _, err := a.AddToken(fmt.Sprint(p, " ", n), web.ScopeRead, time.Time{}, time.Now())
					return err
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	s, err := openAccounts(dir, log)
	if err != nil || len(s.current().Tokens) != programs*each {
		t.Error(len(s.current().Tokens), err)
	}
}

// TestTheRunningProgramNoticesChanges within a second; and a file that becomes unusable, or goes, changes nothing.
func TestTheRunningProgramNoticesChanges(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		log := slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "file" {
				return slog.Attr{}
			}
			return a
		}}))
		running, err := openAccounts(dir, log)
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		running.tellOutside(func(what string) { told = append(told, what) })
		other, err := openAccounts(dir, log)
		if err != nil {
			t.Fatal(err)
		}
		const hash = "$2a$04$byEGsF/zi3rdG9iv8.R7durfbGTICcIbLHsrqe0vcZ2nzbNCzOPuu"
		set := func(name string, role web.Role) {
			t.Helper()
			if err := other.change(true, func(a *web.Accounts) error { return a.SetUser(name, role, hash, "", time.Now()) }); err != nil {
				t.Fatal(err)
			}
		}
		set("ann", web.RoleEditor)
		set("bob", web.RoleViewer)
		time.Sleep(accountsLook)
		if got := running.current(); len(got.Users) != 2 {
			t.Errorf("%+v", got)
		}
		set("bob", web.RoleOperator)
		time.Sleep(accountsLook)
		running.current()
		if err := other.change(true, func(a *web.Accounts) error { return a.RemoveUser("bob") }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(accountsLook)
		running.current()
		if got, want := strings.Join(told, "; "), "added the user ann, editor; added the user bob, viewer; changed the user bob, operator; removed the user bob"; got != want {
			t.Errorf("told %s, want %s", got, want)
		}
		if said.Len() > 0 {
			t.Error(said.String())
		}

		file := filepath.Join(dir, accountsFile)
		good, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for text, want := range map[string]string{
			`{"version": 1, "users": []}`: `level=ERROR msg="the users of the console stay as they were, for their file cannot be used" error="it has no users any more"` + "\n",
			"{":                           `level=ERROR msg="the users of the console stay as they were, for their file cannot be used" error="it is not the JSON that it should be"` + "\n",
		} {
			said.Reset()
			if err := replaceFile(file, []byte(text)); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				time.Sleep(accountsLook)
				if got := running.current(); len(got.Users) != 1 {
					t.Errorf("%+v", got)
				}
			}
			if said.String() != want {
				t.Errorf("said %s, want %s", said.String(), want)
			}
			if err := running.change(true, func(*web.Accounts) error { return nil }); err == nil {
				t.Error("an unusable file was written over")
			}
			if err := replaceFile(file, good); err != nil {
				t.Fatal(err)
			}
			time.Sleep(accountsLook)
			running.current()
		}
		said.Reset()
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(accountsLook)
			if got := running.current(); len(got.Users) != 1 {
				t.Errorf("%+v", got)
			}
		}
		if want := `level=ERROR msg="the file with the users of the console is gone; they stay as they were until the next start"` + "\n"; said.String() != want {
			t.Errorf("said %s, want %s", said.String(), want)
		}
	})
}

// TestOwnChangesAreNotThoseOfAnotherProgram: the journal must not name the wrong one.
func TestOwnChangesAreNotThoseOfAnotherProgram(t *testing.T) {
	s, err := openAccounts(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.tellOutside(func(what string) { t.Errorf("another program %s", what) })
	over := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
			}
			s.mu.Lock()
			s.looked = time.Time{}
			s.mu.Unlock()
			s.current()
		}
	})
	for n := range 50 {
		if err := s.change(true, func(a *web.Accounts) error {
			_, _, err := a.AddToken(fmt.Sprint(n), web.ScopeRead, time.Time{}, time.Now())
			return err
		}); err != nil {
			t.Error(err)
		}
	}
	close(over)
	wg.Wait()
}

// TestUsersThatCannotBeReadAreNotNone: whatever stands in the place of the file, the program does not start without its
// password.
func TestUsersThatCannotBeReadAreNotNone(t *testing.T) {
	for name, put := range map[string]func(file string) error{
		"a link that leads nowhere": func(file string) error { return os.Symlink("/not/mounted/console.json", file) },
		"a link to itself":          func(file string) error { return os.Symlink(accountsFile, file) },
		"a folder":                  func(file string) error { return os.Mkdir(file, 0o700) },
		"nothing in it":             func(file string) error { return os.WriteFile(file, nil, 0o600) },
		"zeros":                     func(file string) error { return os.WriteFile(file, make([]byte, 4096), 0o600) },
		"a half of it":              func(file string) error { return os.WriteFile(file, []byte(`{"version": 1, "users": [`), 0o600) },
		"no version":                func(file string) error { return os.WriteFile(file, []byte("{}"), 0o600) },
		"another program's": func(file string) error {
			return os.WriteFile(file, []byte(`{"version": 1, "users": [], "more": 1}`), 0o600)
		},
	} {
		file := filepath.Join(t.TempDir(), accountsFile)
		if err := put(file); err != nil {
			t.Fatal(err)
		}
		if s, err := openAccounts(filepath.Dir(file), slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "the users of the console cannot be read") {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

// TestAFullDiskKeepsNobodyOut: a sign-in counts until the program ends, a new password is not taken.
func TestAFullDiskKeepsNobodyOut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "file", "data")
	if err := os.WriteFile(filepath.Dir(dir), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := openAccounts(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	token := func(name string) func(*web.Accounts) error {
		return func(a *web.Accounts) error {
			_, _, err := a.AddToken(name, web.ScopeRead, time.Time{}, time.Now())
			return err
		}
	}
	if err := s.change(true, token("a")); err == nil || !strings.HasPrefix(err.Error(), "the users of the console cannot be written: ") || len(s.current().Tokens) != 0 {
		t.Error(err)
	}
	if err := s.change(false, token("a")); err != nil || len(s.current().Tokens) != 1 {
		t.Error(err)
	}
}

// signIn gives a client that is signed in.
func (s *testSite) signIn(user, password string) (code int, cookie string) {
	s.Helper()
	r, err := http.NewRequest("POST", s.console+"/api/v1/session", strings.NewReader(fmt.Sprintf(`{"user":%q,"password":%q}`, user, password)))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer answer.Body.Close()
	for _, c := range answer.Cookies() {
		cookie = c.Name + "=" + c.Value
	}
	return answer.StatusCode, cookie
}

// as asks with a cookie or a token.
func (s *testSite) as(header, value, method, path, body string) (int, string) {
	s.Helper()
	r, err := http.NewRequest(method, s.console+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set(header, value)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		s.Fatal(err)
	}
	return answer.StatusCode, string(b)
}

// TestARunningProgramGetsAPassword: from then on everybody signs in, the commands of this machine still work, the
// journal tells it all, and the session outlives a restart.
func TestARunningProgramGetsAPassword(t *testing.T) {
	s := startSite(t, rulesText, nil)
	if code, body := s.get("/api/v1/status"); code != 200 {
		t.Fatal(code, body)
	}
	if code, _, errs := typedAt(t, s.dir, "correct horse\n", "passwd"); code != 0 {
		t.Fatal(errs)
	}
	for over := time.Now().Add(10 * time.Second); ; {
		if code, _ := s.get("/api/v1/status"); code == 401 {
			break
		}
		if time.Now().After(over) {
			t.Fatal("the password was not noticed")
		}
		<-time.After(50 * time.Millisecond)
	}
	if code, _ := s.signIn("admin", "wrong"); code != 401 {
		t.Error(code)
	}
	code, cookie := s.signIn("admin", "correct horse")
	if code != 200 {
		t.Fatal(code)
	}
	if code, body := s.as("Cookie", cookie, "POST", "/api/v1/relays/gate", `{"pulse":"50ms"}`); code != 200 || !strings.Contains(body, `"who":"admin"`) {
		t.Error(code, body)
	}
	if code, out, errs := s.why("light"); code != 0 {
		t.Errorf("why: %d %s%s", code, out, errs)
	}
	if err := os.Remove(filepath.Join(s.dir, "data", localTokenFile)); err != nil {
		t.Error(err)
	}
	if code, _, errs := s.why("light"); code != 1 || errs != "sallyport: why: the running program has a password, and shows what it knows only to its own user and root: use sudo\n" {
		t.Errorf("why: %d %s", code, errs)
	}
	_, token, _ := typedAt(t, s.dir, "", "token", "add", "script", "--scope", "read")
	token = "Bearer " + strings.TrimSpace(token)
	for over := time.Now().Add(10 * time.Second); ; {
		if code, _ := s.as("Authorization", token, "GET", "/api/v1/status", ""); code == 200 {
			break
		}
		if time.Now().After(over) {
			t.Fatal("the token was not noticed")
		}
		<-time.After(50 * time.Millisecond)
	}
	if code, body := s.as("Authorization", token, "POST", "/api/v1/relays/gate", `{"set":"on"}`); code != 403 {
		t.Error(code, body)
	}
	var logins []string
	for over := time.Now().Add(10 * time.Second); len(logins) < 4 && time.Now().Before(over); <-time.After(20 * time.Millisecond) {
		_, body := s.as("Cookie", cookie, "GET", "/api/v1/journal?kind=login", "")
		var page struct {
			Items []struct{ Text string }
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatal(err, body)
		}
		logins = nil
		for _, e := range page.Items {
			logins = append(logins, e.Text)
		}
	}
	want := []string{
		"another program of this machine added the user admin, editor",
		"somebody was refused from 127.0.0.1: a wrong password for the user admin",
		"admin signed in from 127.0.0.1",
		"another program of this machine made the token script, read",
	}
	if strings.Join(logins, "\n") != strings.Join(want, "\n") {
		t.Errorf("the journal tells %q\nwant %q", logins, want)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "data", localTokenFile)); !errors.Is(err, os.ErrNotExist) {
		t.Error("the token of the run stays:", err)
	}
}

// TestOthersNeedAPassword: a port that other machines reach is not opened without one.
func TestOthersNeedAPassword(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "sallyport.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(siteText, `console: "127.0.0.1:0"`, `console: ":0"`, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	code, _, errs := runCommand(t, "run", "-c", file)
	if want := "sallyport: run: listen.console: other machines can reach \":0\", and no password is set: set one with `sallyport passwd -c " + file + "` first\n"; code != 1 || !strings.HasSuffix(errs, want) {
		t.Errorf("%d %s, want %s", code, errs, want)
	}
}

// TestADemonstrationIsForThisMachine: it has no password.
func TestADemonstrationIsForThisMachine(t *testing.T) {
	code, _, errs := typed("demo", "--console", ":0", "--for", "1s")
	if want := "sallyport: demo: the console of a demonstration is for this machine only, and others can reach \":0\": use \"127.0.0.1:8080\"\n"; code != 1 || errs != want {
		t.Errorf("%d %s, want %s", code, errs, want)
	}
}

// TestTheOwnCertificate is made once, kept for its owner only, and known by its fingerprint.
func TestTheOwnCertificate(t *testing.T) {
	dir := t.TempDir()
	site, problems := config.Parse(filepath.Join(dir, "sallyport.yaml"), []byte("listen: {console: \"192.168.0.53:8443\", names: [gate.example.com, 10.9.9.9]}\n"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	log := slog.New(slog.DiscardHandler)
	c, fingerprint, err := consoleTLS(site, log)
	if err != nil {
		t.Fatal(err)
	}
	leaf := c.Certificates[0].Leaf
	host, _ := os.Hostname()
	for _, name := range []string{"localhost", "gate.example.com", "10.9.9.9", "192.168.0.53", "127.0.0.1", strings.Split(host, ".")[0] + ".local"} {
		if err := leaf.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	if leaf.PublicKeyAlgorithm != x509.ECDSA || leaf.NotAfter.Before(time.Now().AddDate(10, 0, -1)) || leaf.IsCA || len(fingerprint) != 95 {
		t.Errorf("%v %v %s", leaf.PublicKeyAlgorithm, leaf.NotAfter, fingerprint)
	}
	file := filepath.Join(dir, "data", ownCertFile)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	if _, again, err := consoleTLS(site, log); err != nil || again != fingerprint {
		t.Errorf("%s is %s at the next start, %v", fingerprint, again, err)
	}
	if err := os.WriteFile(file, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err = consoleTLS(site, log)
	if err == nil || !strings.HasPrefix(err.Error(), "the console's certificate in "+file+" cannot be used: ") || !strings.HasSuffix(err.Error(), "; remove the file, and another one is made") {
		t.Error(err)
	}
	for text, want := range map[string]bool{
		`listen: {console: "127.0.0.1:80"}`:                              false,
		`listen: {console: "127.0.0.1:80"}` + "\ntls: {cert: a, key: b}": true,
		`listen: {console: ":80"}`:                                       true,
		`listen: {console: ":80"}` + "\ninsecure: true":                  false,
	} {
		site, _ := config.Parse("sallyport.yaml", []byte(text))
		if got := consoleEncrypted(site); got != want {
			t.Errorf("%s: encrypted %v", text, got)
		}
	}
}

// TestACertificateOfTheUser is served, read again when it changes, and kept when what it changes to is none; and the
// commands of this machine know it.
func TestACertificateOfTheUser(t *testing.T) {
	dir := t.TempDir()
	write := func() string {
		t.Helper()
		text, err := newCert([]string{"gate.example.com"})
		if err != nil {
			t.Fatal(err)
		}
		if err := replaceFile(filepath.Join(dir, "console.pem"), text); err != nil {
			t.Fatal(err)
		}
		c, err := tls.X509KeyPair(text, text)
		if err != nil {
			t.Fatal(err)
		}
		return fingerprintOf(c.Certificate[0])
	}
	first := write()
	k := &keptCert{cert: filepath.Join(dir, "console.pem"), key: filepath.Join(dir, "console.pem"), log: slog.New(slog.DiscardHandler)}
	synctest.Test(t, func(t *testing.T) {
		var err error
		if k.known, err = tls.LoadX509KeyPair(k.cert, k.key); err != nil {
			t.Fatal(err)
		}
		k.looked, k.marks = time.Now(), k.look()
		shown := func() string {
			time.Sleep(certLook)
			return fingerprintOf(k.get().Certificate[0])
		}
		if got := shown(); got != first {
			t.Error(got, first)
		}
		second := write()
		if got := shown(); got != second {
			t.Error(got, second)
		}
		if err := replaceFile(k.cert, []byte("no certificate")); err != nil {
			t.Fatal(err)
		}
		if got := shown(); got != second {
			t.Error(got, second)
		}
	})

	s := startSite(t, rulesText, func(s *service) {
		file := filepath.Join(filepath.Dir(s.site.File), "console.pem")
		text, err := newCert([]string{"gate.example.com"})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s.site.TLS = config.TLS{Cert: file, Key: file}
	})
	if !strings.HasPrefix(s.console, "https://127.0.0.1:") {
		t.Fatal(s.console)
	}
	site, _ := config.Load(filepath.Join(s.dir, "sallyport.yaml"))
	site.Listen.Console = strings.TrimPrefix(s.console, "https://")
	site.TLS = config.TLS{Cert: filepath.Join(s.dir, "console.pem"), Key: filepath.Join(s.dir, "console.pem")}
	resp, err := newConsoleClient(site).get(t.Context(), "session")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var session web.Session
	if err := json.NewDecoder(resp.Body).Decode(&session); err != nil || !session.TLS || session.Role != web.RoleViewer || session.Fingerprint != "" {
		t.Errorf("%+v %v", session, err)
	}
	// Another certificate in its place is not believed.
	write()
	site.TLS.Cert = filepath.Join(dir, "console.pem")
	if _, err := newConsoleClient(site).get(t.Context(), "session"); err == nil || !strings.HasSuffix(err.Error(), ": it does not show the certificate of "+site.TLS.Cert) {
		t.Error(err)
	}
	conn, err := net.Dial("tcp", site.Listen.Console)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	h2 := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err := h2.Handshake(); err != nil || h2.ConnectionState().NegotiatedProtocol != "h2" {
		t.Error(h2.ConnectionState().NegotiatedProtocol, err)
	}
}
