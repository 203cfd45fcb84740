package web

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

func TestAccountsAsText(t *testing.T) {
	now := time.Date(2026, 3, 29, 13, 58, 46, 797e6, time.UTC)
	a := signed(now)
	a.Users[0].Seen, a.Tokens[1].Used = now.Add(time.Hour), now.Add(time.Minute)
	text := a.Text()
	b, err := ParseAccounts(text)
	if err != nil {
		t.Fatal(err)
	}
	if again := b.Text(); !bytes.Equal(again, text) || !strings.Contains(string(text), a.Sessions[0].Hash) {
		t.Errorf("%s\nbecomes\n%s", text, again)
	}
	for _, secret := range []string{annsPassword, cookieOf("ann"), tokenOf(ScopeEdit)} {
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("%s is in it", secret)
		}
	}
}

// TestAccountsThatCannotBe are never taken for accounts without a password.
func TestAccountsThatCannotBe(t *testing.T) {
	good := string(signed(time.Unix(1e9, 0)).Text())
	edit := func(old, new string) string {
		t.Helper()
		if !strings.Contains(good, old) {
			t.Fatalf("no %s in %s", old, good)
		}
		return strings.Replace(good, old, new, 1)
	}
	for text, want := range map[string]string{
		"":                                      "it is not the JSON that it should be",
		"{":                                     "it is not the JSON that it should be",
		"null":                                  "it is of version 0, and this program knows version 1",
		"{}":                                    "it is of version 0, and this program knows version 1",
		`{"version": 2, "users": []}`:           "it is of version 2, and this program knows version 1",
		`{"version": 1, "user": []}`:            "it is not the JSON that it should be",
		`{"version": 1, "users": []} {}`:        "something follows its end",
		strings.Repeat(" ", MaxAccounts+1):      "it is longer than 1048576 bytes",
		edit(`"name": "ann"`, `"name": "Ann"`):  `user 1: "Ann" is not a user's name: want a letter or digit, then at most 63 small letters, digits and . _ - @`,
		edit(`"name": "otto"`, `"name": "ann"`): `user "ann" is there twice`,
		edit(`"role": "viewer"`, `"role": "owner"`):      `user "vera": "owner" is not a role`,
		edit(`"role": "viewer"`, `"role": ""`):           `user "vera": "" is not a role`,
		edit(`"password": "$2a`, `"password": "`):        `user "ann": the password is no bcrypt hash`,
		edit(`"role": "editor"`, `"role": "viewer"`):     "none of its users is an editor",
		edit(`"scope": "read"`, `"scope": "all"`):        "token 1 has no id, name, scope or hash that can be used",
		edit(`"id": "id-edit"`, `"id": "id-read"`):       `token "id-read" is there twice`,
		edit(`"user": "otto"`, `"user": "nobody"`):       "session 2 has no user or hash that can be used",
		edit(`"sha256": "`, `"sha256": "0`):              "token 1 has no id, name, scope or hash that can be used",
		edit(`"created": "2001`, `"created": "20010000`): "it is not the JSON that it should be",
	} {
		if a, err := ParseAccounts([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%.80q: %v, %v\nwant %s", text, a, err, want)
		}
	}
	many := &Accounts{}
	for i := range maxUsers + 1 {
		many.Users = append(many.Users, Account{Name: fmt.Sprint("u", i), Role: RoleEditor, Password: signed(time.Now()).Users[0].Password})
	}
	if _, err := ParseAccounts(many.Text()); err == nil || err.Error() != "it has more than 100 users, 200 tokens or 1000 sessions" {
		t.Error(err)
	}
	if a, err := ParseAccounts([]byte(`{"version": 1, "users": []}`)); err != nil || len(a.Users) != 0 {
		t.Error(a, err)
	}
}

func TestUsersAreChanged(t *testing.T) {
	now := time.Now()
	var bad BadQueryError
	var refused RefusedError
	var none NotFoundError
	hash := signed(now).Users[0].Password
	for name, c := range map[string]struct {
		do   func(a *Accounts) error
		want string
		as   any
	}{
		"a bad name":         {func(a *Accounts) error { return a.SetUser("../x", RoleViewer, hash, "", now) }, `"../x" is not a user's name: want a letter or digit, then at most 63 small letters, digits and . _ - @`, &bad},
		"no such role":       {func(a *Accounts) error { return a.SetUser("bob", "boss", hash, "", now) }, `"boss" is not a role: want viewer, operator or editor`, &bad},
		"new, no password":   {func(a *Accounts) error { return a.SetUser("bob", RoleViewer, "", "", now) }, `"bob" is new: a role and a password are needed`, &bad},
		"new, no role":       {func(a *Accounts) error { return a.SetUser("bob", "", hash, "", now) }, `"bob" is new: a role and a password are needed`, &bad},
		"the last editor":    {func(a *Accounts) error { return a.SetUser("ann", RoleViewer, "", "", now) }, `"ann" is the last editor: make somebody else an editor first`, &refused},
		"removing the last":  {func(a *Accounts) error { return a.RemoveUser("ann") }, `"ann" is the last editor: make somebody else an editor first`, &refused},
		"removing nobody":    {func(a *Accounts) error { return a.RemoveUser("bob") }, `no user is called "bob"`, &none},
		"the first a viewer": {func(a *Accounts) error { *a = Accounts{}; return a.SetUser("bob", RoleViewer, hash, "", now) }, "the first user must be an editor: somebody has to be able to add others", &refused},
		"too many": {func(a *Accounts) error {
			for i := range maxUsers - 3 {
				if err := a.SetUser(fmt.Sprint("u", i), RoleViewer, hash, "", now); err != nil {
					return err
				}
			}
			return a.SetUser("bob", RoleViewer, hash, "", now)
		}, "there are 100 users, and more are not kept: remove one first", &refused},
		"a token's name":       {func(a *Accounts) error { _, _, err := a.AddToken("a\nb", ScopeRead, time.Time{}, now); return err }, `"a\nb" is not a name for a token: want 1 to 64 letters, digits and signs`, &bad},
		"a token's scope":      {func(a *Accounts) error { _, _, err := a.AddToken("x", "all", time.Time{}, now); return err }, `"all" is not a scope: want read, operate or edit`, &bad},
		"a token of yesterday": {func(a *Accounts) error { _, _, err := a.AddToken("x", ScopeRead, now, now); return err }, "the token would have ended already", &bad},
		"a token twice": {func(a *Accounts) error {
			_, _, err := a.AddToken("script read", ScopeRead, time.Time{}, now)
			return err
		}, `there is a token "script read": take another name, or remove it first`, &refused},
		"no such token": {func(a *Accounts) error { _, err := a.RemoveToken("x"); return err }, `no token has the id "x"`, &none},
	} {
		a := signed(now)
		if err := c.do(a); err == nil || err.Error() != c.want || !errors.As(err, c.as) {
			t.Errorf("%s: %v (%T), want %s", name, err, err, c.want)
		}
	}

	a := signed(now)
	if err := a.SetUser("bob", RoleEditor, hash, "", now); err != nil {
		t.Fatal(err)
	}
	if err := a.SetUser("ann", RoleViewer, "", "", now); err != nil || a.User("ann").Role != RoleViewer || a.session(hashOf(cookieOf("ann"))) != nil || a.session(hashOf(cookieOf("vera"))) == nil {
		t.Errorf("%v %+v", err, a)
	}
	if err := a.RemoveUser("vera"); err != nil || a.User("vera") != nil || a.session(hashOf(cookieOf("vera"))) != nil {
		t.Errorf("%v %+v", err, a)
	}
	if err := a.valid(); err != nil {
		t.Error(err)
	}
}

// TestSessionsAreBounded: of too many the one that was used least lately goes.
func TestSessionsAreBounded(t *testing.T) {
	now := time.Now()
	a := signed(now)
	for i := range 2 * maxUserSessions {
		if _, err := a.Begin("vera", now.Add(time.Duration(i)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(a.Sessions); got != maxUserSessions+2 || a.session(hashOf(cookieOf("vera"))) != nil || a.session(hashOf(cookieOf("ann"))) == nil {
		t.Errorf("%d sessions", got)
	}
	for i := range maxSessions {
		a.Sessions = append(a.Sessions, SignIn{Hash: hashOf(fmt.Sprint(i)), User: "otto", Created: now, Seen: now.Add(time.Hour)})
	}
	a.Sessions = a.Sessions[:maxSessions]
	if _, err := a.Begin("ann", now.Add(time.Hour)); err != nil || len(a.Sessions) != maxSessions || a.session(hashOf(cookieOf("ann"))) != nil {
		t.Errorf("%d sessions, %v", len(a.Sessions), err)
	}
	if _, err := a.Begin("ann", now.Add(wholeEnd+2*time.Hour)); err != nil || len(a.Sessions) != 1 {
		t.Errorf("%d sessions are left of those that are over, %v", len(a.Sessions), err)
	}
	if _, err := a.Begin("nobody", now); err == nil {
		t.Error("a session of nobody")
	}
}

func TestPasswords(t *testing.T) {
	for password, want := range map[string]string{
		"1234567":                          "a password has at least 8 characters",
		"äöüäöüä":                          "a password has at least 8 characters",
		strings.Repeat("x", 1025):          "a password has at most 1024 bytes",
		"12345678":                         "",
		"äöüäöüäö":                         "",
		"\x00\x00\x00\x00\x00\x00\x00\x00": "",
		strings.Repeat("x", 1024):          "",
	} {
		h, err := hashPassword(password, cheap)
		if (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("%q: %v, want %s", password, err, want)
		}
		if err == nil && (!isPassword(h, password) || isPassword(h, password+"x") || isPassword(h, password[:len(password)-1])) {
			t.Errorf("%q: the hash is not its own", password)
		}
	}
	if isPassword(nobodysHash, "12345678") || isPassword("", "") || isPassword("12345678", "12345678") {
		t.Error("nobody's password was guessed")
	}
	if cost, err := bcrypt.Cost([]byte(nobodysHash)); cost != passwordCost || err != nil {
		t.Errorf("nobody's password takes another time: cost %d, %v", cost, err)
	}
}

// FuzzAccounts: what is read as accounts can be written and read again, and never has users without an editor.
func FuzzAccounts(f *testing.F) {
	f.Add(signed(time.Unix(1e9, 0)).Text())
	f.Add([]byte(`{"version": 1, "users": []}`))
	f.Add([]byte(`{"version": 1, "users": [{"name": "a", "role": "editor", "password": "$2a$04$", "created": "2026-01-01T00:00:00Z"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := ParseAccounts(text)
		if err != nil {
			return
		}
		if _, err := ParseAccounts(a.Text()); err != nil {
			t.Errorf("%s cannot be read again: %v", a.Text(), err)
		}
		if len(a.Users) > 0 && a.RemoveUser(a.Users[0].Name) == nil && a.valid() != nil {
			t.Error("no editor is left")
		}
	})
}
