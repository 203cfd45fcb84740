//go:build unix

package program

import (
	"os"
	"os/exec"
	"syscall"

	"github.com/sallyport/sallyport/actions"
)

// credential is whom a program runs as; nil = the user of this process.
func credential(as *actions.User) *syscall.Credential {
	if as == nil || os.Geteuid() != 0 && os.Geteuid() == int(as.UID) {
		return nil
	}
	// Groups are set even when there are none, so that this process's are not kept.
	return &syscall.Credential{Uid: as.UID, Gid: as.GID, Groups: as.Groups}
}

// killGroup kills the program and all it started.
func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
