//go:build unix

package actions_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/actions/run"
	"github.com/sallyport/sallyport/actions/shell"
	"github.com/sallyport/sallyport/engine"
)

// helperWord as first argument makes the test binary a program to be started.
const helperWord = "be-a-program"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == helperWord {
		syscall.Exit(helper(os.Args[2], os.Args[3:])) // os.Exit takes a second under the race detector
	}
	os.Exit(m.Run())
}

// given is what a program got.
type given struct {
	Args  []string
	Env   []string
	Stdin string
	Dir   string
}

func helper(what string, args []string) int {
	switch what {
	case "tell": // what it got
		in, _ := io.ReadAll(os.Stdin)
		dir, _ := os.Getwd()
		_ = json.NewEncoder(os.Stdout).Encode(given{args, os.Environ(), string(in), dir})
	case "exit": // with a code
		fmt.Println("going")
		n, _ := strconv.Atoi(args[0])
		return n
	case "flood": // more output than is kept, and never reads its input
		for range 300 {
			fmt.Print(strings.Repeat("x", 1000))
		}
	case "family": // a child that outlives it; both hold the pipes, and deaf to kind words
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
		child := exec.Command(os.Args[0], helperWord, "sleep")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Start(); err != nil {
			return 1
		}
		if err := os.WriteFile(args[0], []byte(strconv.Itoa(child.Process.Pid)), 0o600); err != nil {
			return 1
		}
		if len(args) > 1 { // it ends and leaves the child behind
			return 0
		}
		time.Sleep(time.Minute)
	case "pid": // tells its own and stays
		if err := os.WriteFile(args[0], []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
			return 1
		}
		time.Sleep(time.Minute)
	case "parent": // starts a program by a run step, and waits for it
		me, _ := os.Executable()
		a := engine.RunArgs{Argv: []string{me, helperWord, "pid", args[0]}}
		err := run.New([]string{me}, nil).Action.Do(context.Background(), asked(a))
		fmt.Println(err)
	case "become": // another user, if it may, for a shell step
		u, err := actions.LookupUser(args[0])
		if err != nil {
			fmt.Println(err)
			return 0
		}
		err = shell.New(true, u).Action.Do(context.Background(), asked(engine.ShellArgs{Command: args[1]}))
		fmt.Println(err)
	case "sleep":
		time.Sleep(time.Minute)
	}
	return 0
}

// self is the path of this program.
func self(t *testing.T) string {
	t.Helper()
	p, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return p
}
