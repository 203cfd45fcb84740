package web

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
)

// Bounds of the accounts.
const (
	// MaxAccounts bounds the bytes of the accounts as text.
	MaxAccounts = 1 << 20

	maxUsers        = 100
	maxTokens       = 200
	maxSessions     = 1000
	maxUserSessions = 20
	maxName         = 64 // bytes
	minPassword     = 8  // characters
	maxPassword     = 1024

	// idleEnd and wholeEnd are how long a session lives unused, and at all.
	idleEnd  = 30 * 24 * time.Hour
	wholeEnd = 90 * 24 * time.Hour
	// future is how far ahead of the clock the beginning of something may be, which was then not begun by this clock.
	future = time.Hour

	// passwordCost is bcrypt's: a guess takes a quarter of a second on a PC.
	passwordCost    = 12
	accountsVersion = 1
	tokenPrefix     = "sallyport_"
)

// Scope is what a token may do.
type Scope string

// The scopes.
const (
	ScopeRead    Scope = "read"    // as a viewer
	ScopeOperate Scope = "operate" // as an operator
	ScopeEdit    Scope = "edit"    // as an editor
)

// role is what somebody with a token of the scope may do; RolePublic for a scope that there is not.
func (s Scope) role() Role {
	switch s {
	case ScopeRead:
		return RoleViewer
	case ScopeOperate:
		return RoleOperator
	case ScopeEdit:
		return RoleEditor
	}
	return RolePublic
}

// rank orders the roles; -1 is none of them.
func (r Role) rank() int {
	return slices.Index([]Role{RolePublic, RoleViewer, RoleOperator, RoleEditor}, r)
}

// may tells whether somebody of the role may do what takes the other one.
func (r Role) may(least Role) bool { return least.rank() >= 0 && r.rank() >= least.rank() }

// Accounts are who may use the console. What others see of them is never written to: they are cloned and changed.
// Passwords, tokens and sessions are in them as hashes only.
type Accounts struct {
	Users    []Account
	Tokens   []AccessToken
	Sessions []SignIn
}

// Account is a person.
type Account struct {
	Name string
	// Role is viewer, operator or editor.
	Role Role
	// Password is the bcrypt hash.
	Password string
	Created  time.Time
	// Seen is when the person was last here, to the hour; zero for never.
	Seen time.Time
}

// AccessToken is what a script shows to be let in.
type AccessToken struct {
	ID    string
	Name  string
	Scope Scope
	// Hash is the SHA-256 of the token in hexadecimal.
	Hash    string
	Created time.Time
	// Expires is when it ends; zero for never.
	Expires time.Time
	// Used is when it was last shown, to the hour; zero for never.
	Used time.Time
}

// SignIn is a session of a person in a browser.
type SignIn struct {
	// Hash is the SHA-256 of the cookie's value in hexadecimal.
	Hash    string
	User    string
	Created time.Time
	// Seen is when it was last used, to the hour.
	Seen time.Time
}

// accountsFile is the accounts as text.
type accountsFile struct {
	Version  int            `json:"version"`
	Users    []accountJSON  `json:"users"`
	Tokens   []tokenJSON    `json:"tokens,omitempty"`
	Sessions []signedInJSON `json:"sessions,omitempty"`
}

type accountJSON struct {
	Name     string     `json:"name"`
	Role     Role       `json:"role"`
	Password string     `json:"password"`
	Created  time.Time  `json:"created"`
	Seen     *time.Time `json:"seen,omitempty"`
}

type tokenJSON struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Scope   Scope      `json:"scope"`
	Hash    string     `json:"sha256"`
	Created time.Time  `json:"created"`
	Expires *time.Time `json:"expires,omitempty"`
	Used    *time.Time `json:"used,omitempty"`
}

type signedInJSON struct {
	Hash    string    `json:"sha256"`
	User    string    `json:"user"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"`
}

// ParseAccounts reads accounts from their text. The error says what is wrong with the text, and nothing of its content
// that is secret.
func ParseAccounts(text []byte) (*Accounts, error) {
	if len(text) > MaxAccounts {
		return nil, fmt.Errorf("it is longer than %d bytes", MaxAccounts)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var in accountsFile
	if err := d.Decode(&in); err != nil {
		return nil, errors.New("it is not the JSON that it should be")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows its end")
	}
	if in.Version != accountsVersion {
		return nil, fmt.Errorf("it is of version %d, and this program knows version %d", in.Version, accountsVersion)
	}
	a := &Accounts{}
	for _, u := range in.Users {
		a.Users = append(a.Users, Account{u.Name, u.Role, u.Password, u.Created, given(u.Seen)})
	}
	for _, t := range in.Tokens {
		a.Tokens = append(a.Tokens, AccessToken{t.ID, t.Name, t.Scope, t.Hash, t.Created, given(t.Expires), given(t.Used)})
	}
	for _, s := range in.Sessions {
		a.Sessions = append(a.Sessions, SignIn(s))
	}
	return a, a.valid()
}

// valid says what cannot be.
func (a *Accounts) valid() error {
	if len(a.Users) > maxUsers || len(a.Tokens) > maxTokens || len(a.Sessions) > maxSessions {
		return fmt.Errorf("it has more than %d users, %d tokens or %d sessions", maxUsers, maxTokens, maxSessions)
	}
	editor := len(a.Users) == 0
	for i, u := range a.Users {
		if err := CheckUserName(u.Name); err != nil {
			return fmt.Errorf("user %d: %w", i+1, err)
		}
		if slices.ContainsFunc(a.Users[:i], func(o Account) bool { return o.Name == u.Name }) {
			return fmt.Errorf("user %q is there twice", u.Name)
		}
		if !u.Role.may(RoleViewer) {
			return fmt.Errorf("user %q: %s is not a role", u.Name, quote(string(u.Role)))
		}
		if _, err := bcrypt.Cost([]byte(u.Password)); err != nil {
			return fmt.Errorf("user %q: the password is no bcrypt hash", u.Name)
		}
		editor = editor || u.Role == RoleEditor
	}
	if !editor {
		return errors.New("none of its users is an editor")
	}
	for i, t := range a.Tokens {
		switch {
		case t.ID == "" || len(t.ID) > maxName || !shownName(t.Name) || t.Scope.role() == RolePublic || !isHash(t.Hash):
			return fmt.Errorf("token %d has no id, name, scope or hash that can be used", i+1)
		case slices.ContainsFunc(a.Tokens[:i], func(o AccessToken) bool { return o.ID == t.ID || o.Hash == t.Hash }):
			return fmt.Errorf("token %q is there twice", t.ID)
		}
	}
	for i, s := range a.Sessions {
		if a.User(s.User) == nil || !isHash(s.Hash) {
			return fmt.Errorf("session %d has no user or hash that can be used", i+1)
		}
	}
	return nil
}

func isHash(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size
}

func given(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func shown(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Text is the accounts as [ParseAccounts] reads them.
func (a *Accounts) Text() []byte {
	out := accountsFile{Version: accountsVersion, Users: []accountJSON{}}
	for _, u := range a.Users {
		out.Users = append(out.Users, accountJSON{u.Name, u.Role, u.Password, u.Created.UTC(), shown(u.Seen.UTC())})
	}
	for _, t := range a.Tokens {
		out.Tokens = append(out.Tokens, tokenJSON{t.ID, t.Name, t.Scope, t.Hash, t.Created.UTC(), shown(t.Expires.UTC()), shown(t.Used.UTC())})
	}
	for _, s := range a.Sessions {
		out.Sessions = append(out.Sessions, signedInJSON{Hash: s.Hash, User: s.User, Created: s.Created.UTC(), Seen: s.Seen.UTC()})
	}
	text, _ := json.MarshalIndent(out, "", " ") // texts and times of this age always can be
	return append(text, '\n')
}

// Clone is a copy that may be changed.
func (a *Accounts) Clone() *Accounts {
	return &Accounts{slices.Clone(a.Users), slices.Clone(a.Tokens), slices.Clone(a.Sessions)}
}

// User is the person of that name; nil for nobody.
func (a *Accounts) User(name string) *Account {
	for i := range a.Users {
		if a.Users[i].Name == name {
			return &a.Users[i]
		}
	}
	return nil
}

// SetUser adds a person or changes one: an empty role or hash leaves what there is. The person's sessions end, but for
// the one whose hash is keep. A new person needs both; the last editor stays one. The errors are of the types that
// a [Source] gives.
func (a *Accounts) SetUser(name string, role Role, hash, keep string, now time.Time) error {
	if err := CheckUserName(name); err != nil {
		return BadQueryError(err.Error())
	}
	if role != "" && !role.may(RoleViewer) {
		return BadQueryError(fmt.Sprintf("%s is not a role: want viewer, operator or editor", quote(string(role))))
	}
	u := a.User(name)
	switch {
	case u == nil && (role == "" || hash == ""):
		return BadQueryError(fmt.Sprintf("%q is new: a role and a password are needed", name))
	case u == nil && len(a.Users) == 0 && role != RoleEditor:
		return RefusedError("the first user must be an editor: somebody has to be able to add others")
	case u == nil && len(a.Users) >= maxUsers:
		return RefusedError(fmt.Sprintf("there are %d users, and more are not kept: remove one first", maxUsers))
	case u == nil:
		a.Users = append(a.Users, Account{Name: name, Role: role, Password: hash, Created: now})
		return nil
	}
	if role != "" && role != RoleEditor && a.lastEditor(name) {
		return lastEditor(name)
	}
	if role != "" {
		u.Role = role
	}
	if hash != "" {
		u.Password = hash
	}
	a.endSessions(name, keep)
	return nil
}

// RemoveUser removes a person with all sessions, but never the last editor. The errors are of the types that a
// [Source] gives.
func (a *Accounts) RemoveUser(name string) error {
	if a.User(name) == nil {
		return NotFoundError("no user is called " + quote(name))
	}
	if a.lastEditor(name) {
		return lastEditor(name)
	}
	a.Users = slices.DeleteFunc(a.Users, func(u Account) bool { return u.Name == name })
	a.endSessions(name, "")
	return nil
}

func lastEditor(name string) error {
	return RefusedError(fmt.Sprintf("%q is the last editor: make somebody else an editor first", name))
}

func (a *Accounts) lastEditor(name string) bool {
	return !slices.ContainsFunc(a.Users, func(u Account) bool { return u.Role == RoleEditor && u.Name != name })
}

// endSessions ends the sessions of a person, but for one.
func (a *Accounts) endSessions(user, keep string) {
	a.Sessions = slices.DeleteFunc(a.Sessions, func(s SignIn) bool { return s.User == user && s.Hash != keep })
}

// EndSession ends one session.
func (a *Accounts) EndSession(hash string) {
	a.Sessions = slices.DeleteFunc(a.Sessions, func(s SignIn) bool { return s.Hash == hash })
}

// Begin begins a session of a person and gives the cookie's value, which is kept nowhere. Sessions that are over go, and
// of too many the one that was used least lately. The error is a [NotFoundError] when there is no such person.
func (a *Accounts) Begin(user string, now time.Time) (secret string, err error) {
	if a.User(user) == nil {
		return "", NotFoundError("no user is called " + quote(user))
	}
	a.Sessions = slices.DeleteFunc(a.Sessions, func(s SignIn) bool { return s.over(s.Seen, now) })
	oldest := func(of func(SignIn) bool) {
		at := -1
		for i, s := range a.Sessions {
			if of(s) && (at < 0 || s.Seen.Before(a.Sessions[at].Seen)) {
				at = i
			}
		}
		a.Sessions = slices.Delete(a.Sessions, at, at+1)
	}
	own := 0
	for _, s := range a.Sessions {
		if s.User == user {
			own++
		}
	}
	if own >= maxUserSessions {
		oldest(func(s SignIn) bool { return s.User == user })
	}
	if len(a.Sessions) >= maxSessions {
		oldest(func(SignIn) bool { return true })
	}
	secret = newSecret()
	a.Sessions = append(a.Sessions, SignIn{Hash: hashOf(secret), User: user, Created: now, Seen: now})
	return secret, nil
}

// session is the session of a cookie; nil for none. Whether it is over is not looked at.
func (a *Accounts) session(hash string) *SignIn {
	for i := range a.Sessions {
		if a.Sessions[i].Hash == hash {
			return &a.Sessions[i]
		}
	}
	return nil
}

// over tells whether a session that was last used at seen has ended by itself. One from the future is over, too: its age
// is not known.
func (s *SignIn) over(seen, now time.Time) bool {
	return now.Sub(seen) >= idleEnd || now.Sub(s.Created) >= wholeEnd || s.Created.Sub(now) > future
}

// AddToken makes a token and gives its secret, which is kept nowhere. expires is when it ends; zero for never. The errors
// are of the types that a [Source] gives.
func (a *Accounts) AddToken(name string, scope Scope, expires, now time.Time) (AccessToken, string, error) {
	switch {
	case !shownName(name):
		return AccessToken{}, "", BadQueryError(fmt.Sprintf("%s is not a name for a token: want 1 to %d letters, digits and signs", quote(name), maxName))
	case scope.role() == RolePublic:
		return AccessToken{}, "", BadQueryError(fmt.Sprintf("%s is not a scope: want read, operate or edit", quote(string(scope))))
	case !expires.IsZero() && !expires.After(now):
		return AccessToken{}, "", BadQueryError("the token would have ended already")
	case slices.ContainsFunc(a.Tokens, func(t AccessToken) bool { return t.Name == name }):
		return AccessToken{}, "", RefusedError(fmt.Sprintf("there is a token %s: take another name, or remove it first", quote(name)))
	case len(a.Tokens) >= maxTokens:
		return AccessToken{}, "", RefusedError(fmt.Sprintf("there are %d tokens, and more are not kept: remove one first", maxTokens))
	}
	secret := tokenPrefix + newSecret()
	t := AccessToken{ID: hashOf(secret)[:8], Name: name, Scope: scope, Hash: hashOf(secret), Created: now, Expires: expires}
	for slices.ContainsFunc(a.Tokens, func(o AccessToken) bool { return o.ID == t.ID }) {
		t.ID = hashOf(t.ID)[:8]
	}
	a.Tokens = append(a.Tokens, t)
	return t, secret, nil
}

// RemoveToken removes a token and gives it. The error is a [NotFoundError] when there is none.
func (a *Accounts) RemoveToken(id string) (AccessToken, error) {
	for i, t := range a.Tokens {
		if t.ID == id {
			a.Tokens = slices.Delete(a.Tokens, i, i+1)
			return t, nil
		}
	}
	return AccessToken{}, NotFoundError("no token has the id " + quote(id))
}

// token is the token of that hash; nil for none. Whether it has ended is not looked at.
func (a *Accounts) token(hash string) *AccessToken {
	for i := range a.Tokens {
		if a.Tokens[i].Hash == hash {
			return &a.Tokens[i]
		}
	}
	return nil
}

// CheckUserName says what is wrong with the name of a person.
func CheckUserName(name string) error {
	ok := name != "" && len(name) <= maxName && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789._-@") == "" &&
		!strings.ContainsAny(name[:1], "._-@")
	if !ok {
		return fmt.Errorf("%s is not a user's name: want a letter or digit, then at most %d small letters, digits and . _ - @", quote(name), maxName-1)
	}
	return nil
}

// shownName tells whether a text can be the name of a token.
func shownName(s string) bool {
	return s != "" && len(s) <= maxName && utf8.ValidString(s) && strings.TrimSpace(s) == s &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// HashPassword hashes a password of at least 8 characters and at most 1024 bytes.
func HashPassword(password string) (string, error) { return hashPassword(password, passwordCost) }

func hashPassword(password string, cost int) (string, error) {
	switch {
	case utf8.RuneCountInString(password) < minPassword:
		return "", fmt.Errorf("a password has at least %d characters", minPassword)
	case len(password) > maxPassword:
		return "", fmt.Errorf("a password has at most %d bytes", maxPassword)
	}
	h, err := bcrypt.GenerateFromPassword(shortened(password), cost)
	return string(h), err
}

// isPassword tells whether a hash is that of the password. It takes its time.
func isPassword(hash, password string) bool {
	return bcrypt.CompareHashAndPassword([]byte(hash), shortened(password)) == nil
}

// shortened is a password as bcrypt takes it, which reads 72 bytes and none after a zero byte.
func shortened(password string) []byte {
	sum := sha256.Sum256([]byte(password))
	return base64.StdEncoding.AppendEncode(nil, sum[:])
}

// newSecret is 256 random bits as text.
func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// hashOf is what is kept of a secret with 256 random bits.
func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
