package program

import (
	"math"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"github.com/sallyport/sallyport/actions"
)

const (
	sysCloseRange       = 436 // on every architecture of Linux that Go knows
	closeRangeCloexec   = 4
	firstOwnDescriptor  = 3
	descriptorsOfItself = "/proc/self/fd"
)

// separate makes the program the first of a process group that runs as a user,
// and has it killed when this process dies.
func separate(cmd *exec.Cmd, as *actions.User) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: credential(as)}
	return nil
}

// closeOnExec keeps open files of this process from programs. Go's own are closed
// anyway; what the process was started with, and what others opened, might not be:
// nobody but this process may hold a relay's line.
func closeOnExec() {
	if _, _, e := syscall.Syscall(sysCloseRange, firstOwnDescriptor, math.MaxInt32, closeRangeCloexec); e != 0 {
		closeEachOnExec()
	}
}

// closeEachOnExec does so on a kernel before 5.11. A file that cannot be marked is
// gone already.
func closeEachOnExec() {
	files, err := os.ReadDir(descriptorsOfItself)
	if err != nil {
		return
	}
	for _, f := range files {
		if n, err := strconv.Atoi(f.Name()); err == nil && n >= firstOwnDescriptor {
			syscall.CloseOnExec(n)
		}
	}
}
