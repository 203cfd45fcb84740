package actions

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
)

const (
	capKill   = 5
	capSetGID = 6
	capSetUID = 7

	prCapAmbient         = 47
	prCapAmbientClearAll = 4
)

// mayBecome says why this process may not start programs as a user; nil when it
// may. Capabilities that systemd gives (AmbientCapabilities) would go on to the
// programs, which could become root with them, so they are not handed on any more.
// A program of another user that cannot be killed would run on after its time.
func mayBecome(u *User) error {
	if isSelf(u) {
		return nil
	}
	effective, ambient, err := capabilities()
	switch {
	case err != nil && os.Geteuid() != 0:
		return err
	case err == nil && (effective>>capSetUID&1 == 0 || effective>>capSetGID&1 == 0 || effective>>capKill&1 == 0):
		return errors.New("that takes root, or CAP_SETUID, CAP_SETGID and CAP_KILL")
	case ambient == 0:
		return nil
	}
	if _, _, e := syscall.AllThreadsSyscall6(syscall.SYS_PRCTL, prCapAmbient, prCapAmbientClearAll, 0, 0, 0, 0); e != 0 {
		return errors.New("the ambient capabilities of this process cannot be given up: " + e.Error())
	}
	return nil
}

// capabilities reads the effective and the ambient ones of this process.
func capabilities() (effective, ambient uint64, err error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0, err
	}
	found := false
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(line, ":")
		n, bad := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		switch {
		case bad != nil:
		case name == "CapEff":
			effective, found = n, true
		case name == "CapAmb":
			ambient = n
		}
	}
	if !found {
		return 0, 0, errors.New("/proc/self/status does not tell the capabilities of this process")
	}
	return effective, ambient, nil
}
