//go:build unix

package actions_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/actions/run"
	"github.com/sallyport/sallyport/actions/shell"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/scene"
)

// hostilePlates are what a camera could be made to read.
var hostilePlates = []string{
	`"; rm -rf /;`,
	`]]><x>`,
	`$(id)`,
	"`id`",
	`-rf`,
	`'||id||'`,
	`%n%s ${HOME} \x41 & | > /tmp/x`,
	strings.Repeat("A", 300),
	"АВС1234",        // Cyrillic
	"ＡＢＣ１２３４",        // full width
	"AB\u202eC1234",  // right to left
	"line1\nline2\t", // control characters
}

// plateFiring is a firing for a read of a plate.
func plateFiring(number string) *engine.Firing {
	return &engine.Firing{
		ID: 7, Rule: &engine.Rule{Name: "gate for residents", Per: engine.PerVisit}, Key: "gate/#12", Zone: "apron",
		At: engine.Instant{Wall: time.Date(2026, 3, 29, 15, 58, 46, 797e6, time.FixedZone("CEST", 7200))},
		Event: &engine.Event{
			Kind: engine.KindPlate, Camera: "gate", ID: 2357, HasID: true,
			Plate:   &engine.Plate{Number: number, List: "allow"},
			Targets: []engine.Listed{{ID: 9, HasID: true, Class: scene.Car}},
		},
	}
}

// carry carries one step out and gives its outcome and record.
func carry(t *testing.T, h actions.Handler, f *engine.Firing, a engine.Args, timeout time.Duration) (engine.Outcome, actions.Record) {
	t.Helper()
	b := newBench(t, h)
	b.Submit(engine.Request{Firing: f, Step: &engine.Step{Args: a, Timeout: timeout}, Args: a})
	b.shut(t)
	if len(b.told) != 1 {
		t.Fatalf("%d outcomes", len(b.told))
	}
	return b.told[0].out, b.told[0].rec
}

func TestAProgramGetsHostilePlatesAsData(t *testing.T) {
	me := self(t)
	for _, plate := range hostilePlates {
		f := plateFiring(plate)
		out, rec := carry(t, run.New([]string{me}, nil), f, engine.RunArgs{
			Argv: []string{me, helperWord, "tell", plate, "x" + plate}, Env: []string{"MINE=" + plate},
		}, 10*time.Second)
		if !out.Begun || out.Reason != "" {
			t.Fatalf("%q: %+v", plate, out)
		}
		var got given
		if err := json.Unmarshal([]byte(rec.Detail), &got); err != nil {
			t.Fatalf("%q: %v in %q", plate, err, rec.Detail)
		}
		if want := []string{plate, "x" + plate}; !reflect.DeepEqual(got.Args, want) {
			t.Errorf("arguments %q, want %q", got.Args, want)
		}
		short := []rune(plate)
		short = short[:min(len(short), 256)]
		want := []string{
			"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "MINE=" + plate,
			"SALLYPORT_RULE=gate for residents", "SALLYPORT_KEY=gate/#12", "SALLYPORT_KIND=plate", "SALLYPORT_CAMERA=gate",
			"SALLYPORT_EVENT=2357", "SALLYPORT_PLATE=" + string(short), "SALLYPORT_LIST=allow", "SALLYPORT_TARGET=9",
			"SALLYPORT_CLASS=car", "SALLYPORT_ZONE=apron", "SALLYPORT_TIME=2026-03-29T13:58:46.797Z",
		}
		slices.Sort(want)
		slices.Sort(got.Env)
		if !reflect.DeepEqual(got.Env, want) {
			t.Errorf("%q: variables %q, want %q", plate, got.Env, want)
		}
		var firing struct {
			Rule  string
			Event struct{ Plate struct{ Number string } }
		}
		if err := json.Unmarshal([]byte(got.Stdin), &firing); err != nil || firing.Event.Plate.Number != plate || firing.Rule != f.Rule.Name {
			t.Errorf("%q: standard input %s: %v", plate, got.Stdin, err)
		}
		if got.Dir != "/" {
			t.Errorf("started in %s", got.Dir)
		}
	}
}

func TestAShellGetsHostilePlatesAsData(t *testing.T) {
	for _, plate := range hostilePlates {
		out, rec := carry(t, shell.New(true, nil), plateFiring(plate),
			engine.ShellArgs{Command: `printf '%s|' "$SALLYPORT_PLATE" "$SALLYPORT_CAMERA" "$HOME"`}, 10*time.Second)
		short := []rune(plate)
		short = short[:min(len(short), 256)]
		if want := string(short) + "|gate||"; rec.Detail != want || out.Reason != "" {
			t.Errorf("the shell said %q, want %q (%s)", rec.Detail, want, out.Reason)
		}
	}
}

func TestUnknownVariablesAreAbsent(t *testing.T) {
	f := &engine.Firing{ID: 1, Rule: &engine.Rule{Name: "r", Per: engine.PerTarget}, Key: "front/2157", Event: &engine.Event{
		Kind: engine.KindTarget, Camera: "front", Targets: []engine.Listed{
			{ID: 3, HasID: true, Class: scene.Car}, {ID: 2157, HasID: true, Class: scene.Person}},
	}}
	_, rec := carry(t, shell.New(true, nil), f, engine.ShellArgs{Command: `env | grep SALLYPORT | sort`}, 10*time.Second)
	want := "SALLYPORT_CAMERA=front\nSALLYPORT_CLASS=person\nSALLYPORT_KEY=front/2157\nSALLYPORT_KIND=target\nSALLYPORT_RULE=r\nSALLYPORT_TARGET=2157\n"
	if rec.Detail != want {
		t.Errorf("got %q", rec.Detail)
	}
	f.Key, f.Rule = "front/x\x00y", &engine.Rule{Name: "r"}
	_, rec = carry(t, shell.New(true, nil), f, engine.ShellArgs{Command: `env | grep SALLYPORT | sort`}, 10*time.Second)
	if want := "SALLYPORT_CAMERA=front\nSALLYPORT_KEY=front/xy\nSALLYPORT_KIND=target\nSALLYPORT_RULE=r\n"; rec.Detail != want {
		t.Errorf("got %q", rec.Detail)
	}
}

func TestWhatAProgramStepIsRefusedFor(t *testing.T) {
	me := self(t)
	for _, tt := range []struct {
		name string
		h    actions.Handler
		args engine.Args
		want string
	}{
		{"not allowed", run.New([]string{"/bin/true"}, nil), engine.RunArgs{Argv: []string{"/bin/false"}},
			"/bin/false: not in allow_programs of the site file"},
		{"another spelling", run.New([]string{"/bin/true"}, nil), engine.RunArgs{Argv: []string{"/bin/../bin/true"}},
			"/bin/../bin/true: not in allow_programs of the site file"},
		{"none allowed", run.New(nil, nil), engine.RunArgs{Argv: []string{"/bin/true"}}, "/bin/true: not in allow_programs of the site file"},
		{"no program", run.New(nil, nil), engine.RunArgs{}, "not the values of a run step: engine.RunArgs"},
		{"not there", run.New([]string{"/nowhere/x"}, nil), engine.RunArgs{Argv: []string{"/nowhere/x"}},
			"/nowhere/x: cannot be started: no such file or directory"},
		{"NUL argument", run.New([]string{me}, nil), engine.RunArgs{Argv: []string{me, "a", "b\x00c"}}, me + ": argument 2 holds a NUL byte"},
		{"NUL variable", run.New([]string{me}, nil), engine.RunArgs{Argv: []string{me}, Env: []string{"A=b\x00c"}}, me + ": the variable A holds a NUL byte"},
		{"no variable", run.New([]string{me}, nil), engine.RunArgs{Argv: []string{me}, Env: []string{"=x"}}, me + `: "=x" is not a variable`},
		{"NUL folder", run.New([]string{me}, nil), engine.RunArgs{Argv: []string{me}, Dir: "/\x00"}, me + ": the folder holds a NUL byte"},
		{"shell not allowed", shell.New(false, nil), engine.ShellArgs{Command: "true"}, "the site file does not say allow_shell: true"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, rec := carry(t, tt.h, plateFiring("A"), tt.args, time.Second)
			if out.Begun || out.Reason != tt.want || rec.Err == nil {
				t.Errorf("got %+v\nwant %s", out, tt.want)
			}
		})
	}
}

func TestAnExitCodeIsToldAndOutputIsKept(t *testing.T) {
	me := self(t)
	out, rec := carry(t, run.New([]string{me}, nil), plateFiring("A"), engine.RunArgs{Argv: []string{me, helperWord, "exit", "3"}}, 10*time.Second)
	var exit *exec.ExitError
	if !out.Begun || out.Reason != me+": exit status 3" || !errors.As(rec.Err, &exit) || exit.ExitCode() != 3 || rec.Detail != "going\n" {
		t.Errorf("got %+v, output %q", out, rec.Detail)
	}
	f := plateFiring("A")
	f.Event.Problems = []string{strings.Repeat("long ", 100_000)} // more than a pipe holds, and nobody reads it
	out, rec = carry(t, run.New([]string{me}, nil), f, engine.RunArgs{Argv: []string{me, helperWord, "flood"}}, 10*time.Second)
	if want := strings.Repeat("x", 64<<10) + "\n[234464 more bytes]"; out.Reason != "" || rec.Detail != want {
		t.Errorf("got %+v and %d bytes of output", out, len(rec.Detail))
	}
}

// gone waits until there is no such process any more, or only its corpse.
func gone(t *testing.T, pidFile string) {
	t.Helper()
	b, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, _ := strconv.Atoi(string(b))
	for range 500 {
		stat, err := os.ReadFile(filepath.Join("/proc", string(b), "stat"))
		if syscall.Kill(pid, 0) != nil || err == nil && strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d lives on", pid)
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

func TestAProgramThatTakesTooLongIsKilledWithItsChildren(t *testing.T) {
	me, file := self(t), filepath.Join(t.TempDir(), "pid")
	begin := time.Now()
	out, rec := carry(t, run.New([]string{me}, nil), plateFiring("A"), engine.RunArgs{Argv: []string{me, helperWord, "family", file}}, time.Second)
	if !out.Begun || !errors.Is(rec.Err, context.DeadlineExceeded) || !strings.HasPrefix(out.Reason, me+": killed after 1") {
		t.Errorf("got %+v", out)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
	gone(t, file)
}

func TestWhatAProgramLeavesBehindIsKilled(t *testing.T) {
	me, file := self(t), filepath.Join(t.TempDir(), "pid")
	begin := time.Now()
	out, _ := carry(t, run.New([]string{me}, nil), plateFiring("A"), engine.RunArgs{Argv: []string{me, helperWord, "family", file, "end"}}, 20*time.Second)
	if !out.Begun || out.Reason != "" {
		t.Errorf("got %+v", out)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	gone(t, file)
}
