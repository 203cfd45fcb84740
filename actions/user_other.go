//go:build !linux

package actions

import (
	"errors"
	"os"
)

// mayBecome says why this process may not start programs as a user; nil when it may.
func mayBecome(u *User) error {
	if isSelf(u) || os.Geteuid() == 0 {
		return nil
	}
	return errors.New("that takes root")
}
