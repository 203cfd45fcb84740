//go:build unix && !linux

package program

import (
	"os/exec"
	"syscall"

	"github.com/sallyport/sallyport/actions"
)

// separate makes the program the first of a process group that runs as a user.
func separate(cmd *exec.Cmd, as *actions.User) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: credential(as)}
	return nil
}

// closeOnExec has nothing to do: Go's own files are closed anyway.
func closeOnExec() {}
