package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// errDataInUse says that another sallyport runs on the same data folder.
var errDataInUse = errors.New("another sallyport runs with this data folder; stop it, or name another folder with `data`")

// lockWait is how long the lock is waited for, lockTry how often it is tried.
const (
	lockWait = 2 * time.Second
	lockTry  = 20 * time.Millisecond
)

// lockData keeps a second program from the same data folder: two would write the
// same state, and move the same relays. The lock ends with the process.
func lockData(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	name := filepath.Join(dir, "lock")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		// On a read-only disk, which may be written again later, an old one does as well.
		old, rerr := os.Open(name)
		if rerr != nil {
			return nil, err
		}
		if info, serr := old.Stat(); serr != nil || !info.Mode().IsRegular() {
			return nil, errors.Join(err, old.Close())
		}
		f = old
	}
	// A program that was killed a moment ago may not be gone yet.
	for until := time.Now().Add(lockWait); ; {
		err := lockFile(f)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, errDataInUse) || time.Now().After(until) {
			return nil, errors.Join(fmt.Errorf("%s: %w", dir, err), f.Close())
		}
		time.Sleep(lockTry)
	}
}
