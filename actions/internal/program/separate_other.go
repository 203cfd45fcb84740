//go:build !unix

package program

import (
	"errors"
	"os/exec"

	"github.com/sallyport/sallyport/actions"
)

// separate cannot make a process group or change the user here.
func separate(_ *exec.Cmd, as *actions.User) error {
	if as != nil {
		return errors.New("run_as is not available on this system")
	}
	return nil
}

func closeOnExec() {}

// killGroup kills the program only: there are no process groups here.
func killGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }
