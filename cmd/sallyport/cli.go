package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	_ "time/tzdata" // a site names its time zone; a bare machine may not know it
)

// The exit codes, the same for every command.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// process is the world of a command, so that a test can run the real one.
type process struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	hangup         <-chan os.Signal
}

// errorf writes one line a person can act on and gives the exit code for it.
func (p process) errorf(format string, args ...any) int {
	fmt.Fprintf(p.stderr, "sallyport: "+format+"\n", args...)
	return exitError
}

// command is one of sallyport's commands.
type command struct {
	name, args, short string
	run               func(ctx context.Context, p process, args []string) int
}

func commands() []command {
	return []command{
		{"demo", "[--for 30s] [--listen ADDR] [--console ADDR] [--record FILE]", "watch the whole appliance work, with nothing to set up", runDemo},
		{"run", "[-c sallyport.yaml] [--rules rules.d] [--json] [--record FILE]", "run the appliance", runAppliance},
		{"off", "[-c sallyport.yaml]", "turn every relay off, also after a crash", runOff},
		{"check", "[-c sallyport.yaml] [--rules rules.d]", "check the site file and the rules; says every problem at once", runCheck},
		{"decode", "[FILE…]", "say what a camera's post means, as JSON, an event a line", runDecode},
		{"replay", "[-c sallyport.yaml] [--rules rules.d] [--json] [--speed 1x|max] FILE", "recorded posts through the rules; moves nothing", runReplay},
		{"export", "[-c sallyport.yaml] [--since T] [--until T] [--camera NAME]", "a range of the recording as a replay file on stdout", runExport},
		{"journal", "verify|list|export [-c sallyport.yaml] [flags]", "what happened, was decided and done, and whether anybody changed it", runJournal},
		{"test", "[-c sallyport.yaml] [--rules rules.d] [-v] [PATTERN]", "run the rules' own tests, without cameras, relays or waiting", runTest},
		{"why", "RULE [-c sallyport.yaml] [--rules rules.d] [--replay FILE] [--at T] [--target ID] [--near] [--json]", "why a rule fired, or did not", runWhy},
		{"schema", "rules|site", "the JSON Schema of rule or site files, for editors", runSchema},
		{"diff", "OLD_RULES NEW_RULES RECORDING [-c sallyport.yaml] [--json]", "what two rule folders decide on one recording, side by side", runDiff},
		{"camera", "info|counts|snapshot|subscribe|add|zones NAME [-c sallyport.yaml] [flags]", "ask a camera who it is, and set it up", cameraGroup().run},
		{"plates", "list|add|remove|sync|import [-c sallyport.yaml] [flags]", "look at and edit the cameras' plate lists, and make them equal to the local ones", platesGroup().run},
		{"sim", "[--listen ADDR] [--post URL] [--scene FILE] [--api 1.9|2.0|2.1] [--recorder] [flags]", "a virtual camera: the devices' commands on ADDR, its posts to URL", runSim},
		{"passwd", "[USER] [-c sallyport.yaml] [--role viewer|operator|editor] [--delete]", "set a password for the console", runPasswd},
		{"token", "add|list|remove [-c sallyport.yaml] [flags]", "let scripts use the console", tokenGroup().run},
		{"version", "", "version, commit, Go, platform", runVersion},
	}
}

// run is the program: it finds the command and gives its exit code.
func run(ctx context.Context, args []string, p process) int {
	if len(args) == 0 {
		usage(p.stderr)
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		if len(args) == 2 && args[1] != "help" && !strings.HasPrefix(args[1], "-") {
			return run(ctx, []string{args[1], "-h"}, p)
		}
		usage(p.stdout)
		return exitOK
	case "-version", "--version":
		args[0] = "version"
	}
	names := make([]string, 0, 8)
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, p, args[1:])
		}
		names = append(names, c.name)
	}
	fmt.Fprintf(p.stderr, "sallyport: there is no command %q (commands: %s)\n", args[0], strings.Join(names, ", "))
	return exitUsage
}

func usage(w io.Writer) {
	fmt.Fprint(w, "sallyport turns what AI security cameras see into what a building does.\n\nusage: sallyport COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-8s %s\n", c.name, c.short)
	}
	fmt.Fprint(w, "\n\"sallyport COMMAND -h\" shows a command's flags.\n")
}

// flags makes the flag set of a command.
func (p process) flags(name string) *flag.FlagSet {
	fs := flag.NewFlagSet("sallyport "+name, flag.ContinueOnError)
	fs.SetOutput(p.stderr)
	for _, c := range commands() {
		if c.name == name {
			fs.Usage = func() {
				fmt.Fprintf(fs.Output(), "usage: %s\n%s\n", strings.TrimSpace("sallyport "+c.name+" "+c.args), c.short)
				fs.PrintDefaults()
			}
		}
	}
	return fs
}

// parse reads flags, which may also stand after arguments. ok is false when the
// command is to end with the code.
func parse(fs *flag.FlagSet, args []string) (rest []string, code int, ok bool) {
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, exitOK, false
			}
			return nil, exitUsage, false
		}
		args = fs.Args()
		if len(args) == 0 {
			return rest, exitOK, true
		}
		rest = append(rest, args[0])
		if args[0] == "--" {
			return append(rest[:len(rest)-1], args[1:]...), exitOK, true
		}
		args = args[1:]
	}
}

// noArgs refuses arguments where a command takes none.
func noArgs(fs *flag.FlagSet, rest []string) bool {
	if len(rest) == 0 {
		return true
	}
	fmt.Fprintf(fs.Output(), "%s: takes no argument, got %q\n", fs.Name(), rest[0])
	return false
}
