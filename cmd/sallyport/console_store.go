package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/web"
)

// accountsFile holds who may use the console, below the data folder: users, tokens and sessions, as hashes only.
const accountsFile = "console.json"

// accountsLook is how often the file is looked at, because `sallyport passwd` may have changed it.
const accountsLook = time.Second

// accountStore keeps the accounts of the console. Several programs may use the file at a time, so it is locked and read
// again before it is changed. It may be used by many goroutines.
type accountStore struct {
	file string // empty: nothing is kept
	log  *slog.Logger

	changing sync.Mutex // held while the file is changed, which may take long on a dying disk

	mu       sync.Mutex // covers the fields below
	accounts *web.Accounts
	known    fileMark // of the file as it was looked at last
	unusable error    // why that one is not in use
	looked   time.Time
	outside  func(what string) // nil for nobody
}

// fileMark tells one content of a file from another, by what can be seen without reading it.
type fileMark struct {
	there    bool
	size     int64
	modified time.Time
	info     os.FileInfo
}

func (m fileMark) same(o fileMark) bool {
	return m.there == o.there && (!m.there || m.size == o.size && m.modified.Equal(o.modified) && os.SameFile(m.info, o.info))
}

func markOf(file string) (fileMark, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR): // what should be its folder is a file
		if link, err := os.Lstat(file); err == nil && link.Mode()&fs.ModeSymlink != 0 {
			return fileMark{}, fmt.Errorf("%s is a link that leads nowhere", file)
		}
		return fileMark{}, nil
	case err != nil:
		return fileMark{}, err
	case !info.Mode().IsRegular():
		return fileMark{}, fmt.Errorf("%s is not a regular file", file)
	}
	return fileMark{true, info.Size(), info.ModTime(), info}, nil
}

// openAccounts reads the accounts of a data folder; without a folder they are in memory only. A file that cannot be used
// is an error: it never means that there is no password.
func openAccounts(dataDir string, log *slog.Logger) (*accountStore, error) {
	s := &accountStore{log: log, accounts: &web.Accounts{}}
	if dataDir == "" {
		return s, nil
	}
	s.file = filepath.Join(dataDir, accountsFile)
	if err := s.refresh(); err != nil {
		return nil, fmt.Errorf("the users of the console cannot be read: %s: %w; put the file back from a backup, or remove it and set a password anew with `sallyport passwd`",
			s.file, err)
	}
	return s, nil
}

// tellOutside has what other programs change told, in words, by what does not wait.
func (s *accountStore) tellOutside(tell func(what string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outside = tell
}

// refresh looks at the file, and reads it when it is another one than before. The error says why it cannot be used; what
// was known then stays.
func (s *accountStore) refresh() error {
	s.looked = time.Now()
	mark, err := markOf(s.file)
	if err == nil && mark.same(s.known) {
		return s.unusable
	}
	s.known, s.unusable = mark, err
	if err == nil && mark.there {
		var accounts *web.Accounts
		accounts, s.unusable = readAccounts(s.file)
		if s.unusable == nil && len(accounts.Users) == 0 && len(s.accounts.Users) > 0 {
			s.unusable = errors.New("it has no users any more")
		}
		if s.unusable == nil {
			if s.outside != nil {
				for _, what := range accountChanges(s.accounts, accounts) {
					s.outside(what)
				}
			}
			s.accounts = accounts
		}
	}
	return s.unusable
}

func readAccounts(file string) (*web.Accounts, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, web.MaxAccounts+1))
	if err != nil {
		return nil, err
	}
	return web.ParseAccounts(text)
}

// current gives the accounts, as they were on the disk a second ago at most. A file that becomes unusable while the
// program runs, or goes, changes nothing.
func (s *accountStore) current() *web.Accounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == "" || time.Since(s.looked) < accountsLook {
		return s.accounts
	}
	if !s.changing.TryLock() {
		return s.accounts // what stands there may be our own already
	}
	defer s.changing.Unlock()
	before, was := s.known, s.unusable
	switch err := s.refresh(); {
	case err != nil && (was == nil || was.Error() != err.Error()):
		s.log.Error("the users of the console stay as they were, for their file cannot be used", "file", s.file, "error", err)
	case before.there && !s.known.there:
		s.log.Error("the file with the users of the console is gone; they stay as they were until the next start", "file", s.file)
	}
	return s.accounts
}

// change changes the accounts and writes them. When they cannot be written, that is an error if they must be; if they need
// not, they count until the end of the program.
func (s *accountStore) change(must bool, f func(*web.Accounts) error) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	var unkept error
	if s.file != "" {
		unlock, err := s.lock()
		if err != nil {
			unkept = err
		} else {
			defer unlock()
		}
	}
	s.mu.Lock()
	if s.file != "" && unkept == nil {
		unkept = s.refresh()
	}
	changed := s.accounts.Clone()
	s.mu.Unlock()
	if err := f(changed); err != nil {
		return err
	}
	if s.file != "" && unkept == nil {
		unkept = replaceFile(s.file, changed.Text())
	}
	if unkept != nil {
		unkept = fmt.Errorf("the users of the console cannot be written: %w", unkept)
		if must {
			return unkept
		}
		s.log.Warn(unkept.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts = changed
	if s.file != "" && unkept == nil {
		s.known, s.unusable = fileMark{}, nil
		if mark, err := markOf(s.file); err == nil {
			s.known = mark
		}
	}
	return nil
}

// lock keeps other programs from changing the file. No program keeps it for long.
func (s *accountStore) lock() (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(s.file), 0o750); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(s.file+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := giveToOwner(f, filepath.Dir(s.file)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	for until := time.Now().Add(lockWait); ; {
		err := lockFile(f)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, errDataInUse) || time.Now().After(until) {
			return nil, errors.Join(fmt.Errorf("%s: another program has it: %w", f.Name(), err), f.Close())
		}
		time.Sleep(lockTry)
	}
}

// accountChanges says in words how two accounts differ in more than sessions.
func accountChanges(was, is *web.Accounts) (out []string) {
	for _, u := range is.Users {
		switch old := was.User(u.Name); {
		case old == nil:
			out = append(out, fmt.Sprintf("added the user %s, %s", u.Name, u.Role))
		case old.Password != u.Password && old.Role != u.Role:
			out = append(out, fmt.Sprintf("changed the user %s, %s, with a new password", u.Name, u.Role))
		case old.Role != u.Role:
			out = append(out, fmt.Sprintf("changed the user %s, %s", u.Name, u.Role))
		case old.Password != u.Password:
			out = append(out, fmt.Sprintf("set a new password for the user %s", u.Name))
		}
	}
	for _, u := range was.Users {
		if is.User(u.Name) == nil {
			out = append(out, "removed the user "+u.Name)
		}
	}
	has := func(a *web.Accounts, id string) bool {
		return slices.ContainsFunc(a.Tokens, func(t web.AccessToken) bool { return t.ID == id })
	}
	for _, t := range is.Tokens {
		if !has(was, t.ID) {
			out = append(out, fmt.Sprintf("made the token %s, %s", t.Name, t.Scope))
		}
	}
	for _, t := range was.Tokens {
		if !has(is, t.ID) {
			out = append(out, "removed the token "+t.Name)
		}
	}
	return out
}
