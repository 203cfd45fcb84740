package program

import (
	"os"
	"syscall"
	"testing"
)

func TestEveryOpenFileIsMarkedToBeClosed(t *testing.T) {
	for name, mark := range map[string]func(){"at once": closeOnExec, "on an old kernel": closeEachOnExec} {
		fd, err := syscall.Open(os.DevNull, syscall.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		mark()
		flags, _, e := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
		if e != 0 || flags&syscall.FD_CLOEXEC == 0 {
			t.Errorf("%s: flags %d, %v", name, flags, e)
		}
		_ = syscall.Close(fd)
	}
}
