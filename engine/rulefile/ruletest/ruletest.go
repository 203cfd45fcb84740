package ruletest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
)

// The bounds of a folder of tests, in bytes of one file.
const (
	maxFile = 1 << 20
	maxClip = 64 << 20
)

// Relays are the relays of one test: the arithmetic of a site's relays on the
// decision clock, without lines. Moments never go back.
type Relays interface {
	// Do takes one relay step. A request whose rule has no name comes from a person.
	Do(at time.Duration, q *engine.Request) (begun bool, reason string)
	// Advance does what falls due up to at and gives everything that changed since the last call, in order.
	Advance(at time.Duration) []Change
	// Next is when Advance has something to do; false when it has nothing.
	Next() (time.Duration, bool)
}

// Change is a relay's new level.
type Change struct {
	Relay string
	On    bool
	At    time.Duration // decision clock
	Cause string        // in words
	Rule  string        // behind it, if any
	Key   string
	Fault string // empty for none
}

// Clip is a recording as a test plays it.
type Clip struct {
	Start  time.Time // the wall clock at its first line; zero when it has none
	Events []ClipEvent
}

// ClipEvent is one event of a recording. The event is the reader's to give away.
type ClipEvent struct {
	After time.Duration // since the first line
	Event *engine.Event
}

// Options are what tests run with.
type Options struct {
	// Rules are tested. Cameras, rules, zones, lines and flags are those of the set.
	Rules *engine.Ruleset
	// Engine are the parts of the site file that decisions depend on.
	Engine engine.Options
	// Open says that there is no site file: relays and contacts exist because they are named.
	Open bool
	// RelayNames and Contacts are the names of the site file.
	RelayNames, Contacts []string
	// Relays makes the relays of one test, all off. Without a site file those of the names are needed.
	Relays func(names []string) (Relays, error)
	// Clip reads a recording; name is its path in the folder. Nil: tests may not name any.
	Clip func(name string, data []byte) (*Clip, error)
	// Pattern chooses tests by name: a part of it, or a pattern as of [path.Match]. Empty: all.
	Pattern string

	folder fs.FS
}

// rule finds a rule by its name; nil when there is none.
func (o *Options) rule(name string) *engine.Rule {
	for _, r := range o.Rules.Rules {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// chosen tells whether a test is to run.
func (o *Options) chosen(name string) bool {
	if o.Pattern == "" || strings.Contains(name, o.Pattern) {
		return true
	}
	ok, err := path.Match(o.Pattern, name)
	return ok && err == nil
}

// read reads a recording out of the folder.
func (o *Options) read(name string) ([]byte, error) { return readFile(o.folder, name, maxClip) }

func readFile(fsys fs.FS, name string, limit int64) ([]byte, error) {
	// Looked at before it is opened: to open a pipe could wait for ever.
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("the file is larger than %d MB", limit>>20)
	}
	return data, err
}

// reason is an error without the path, which the problem names already.
func reason(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no such file"
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return err.Error()
}

// Report is what became of all tests of a folder.
type Report struct {
	// Problems are what is wrong with the test files themselves; no test of such a file runs, all count as failed.
	Problems []rulefile.Problem
	// Results are the tests that ran, by file name, then in the file's order.
	Results []Result
	// Passed and Failed count tests.
	Passed, Failed int
}

// Result is what became of one test.
type Result struct {
	// File, Line and Name say which test it is.
	File string
	Line int
	Name string
	// Failures are the expectations that were not met; none when it passed.
	Failures []Failure
}

// Failure is one expectation that was not met.
type Failure struct {
	// Line and Col are the expectation's place in the file, from 1.
	Line, Col int
	// Expected says what was, in words.
	Expected string
	// Story tells what happened instead and why, some lines without an end.
	Story string
}

// Run runs the tests of a folder, the files *_test.yaml and *_test.yml directly
// in it, in name order; name is how the folder is called in what is reported.
// The error says that the folder cannot be read or that relays cannot be made;
// what is wrong with a test file stands in the report.
func Run(fsys fs.FS, name string, o Options) (*Report, error) {
	o.folder = fsys
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("the folder of rules cannot be read: %s", reason(err))
	}
	rep := &Report{}
	for _, e := range entries {
		if !isTestFile(e.Name()) {
			continue
		}
		full := path.Join(name, e.Name())
		data, err := readFile(fsys, e.Name(), maxFile)
		if err != nil {
			rep.Problems = append(rep.Problems, rulefile.Problem{File: full, Message: reason(err)})
			rep.Failed++
			continue
		}
		tests, seem, problems := parse(full, data, &o)
		if len(problems) > 0 {
			rep.Problems = append(rep.Problems, problems...)
			rep.Failed += max(1, seem)
			continue
		}
		for _, t := range tests {
			if !o.chosen(t.name) {
				continue
			}
			res := Result{File: full, Line: t.line, Name: t.name}
			if res.Failures, err = t.check(&o); err != nil {
				return nil, fmt.Errorf("%s:%d: test %q: %w", full, t.line, t.name, err)
			}
			if len(res.Failures) == 0 {
				rep.Passed++
			} else {
				rep.Failed++
			}
			rep.Results = append(rep.Results, res)
		}
	}
	return rep, nil
}

// Write tells the report: what is wrong with the files, then the story of every
// failure, then a line per file (verbose: per test), then `N passed, N failed`.
func (rep *Report) Write(w io.Writer, verbose bool) error {
	var b strings.Builder
	for _, p := range rep.Problems {
		b.WriteString(p.String() + "\n")
	}
	for i := 0; i < len(rep.Results); {
		file, from, failed := rep.Results[i].File, i, 0
		for ; i < len(rep.Results) && rep.Results[i].File == file; i++ {
			if len(rep.Results[i].Failures) > 0 {
				failed++
			}
		}
		for _, t := range rep.Results[from:i] {
			switch {
			case len(t.Failures) > 0:
				b.WriteString(t.String() + "\n")
			case verbose:
				fmt.Fprintf(&b, "ok    %s:%d: %s\n", t.File, t.Line, printable(t.Name))
			}
		}
		switch {
		case failed > 0:
			fmt.Fprintf(&b, "FAIL  %s  %d passed, %d failed\n", file, i-from-failed, failed)
		case !verbose:
			fmt.Fprintf(&b, "ok    %s  %d passed\n", file, i-from)
		}
	}
	fmt.Fprintf(&b, "%d passed, %d failed\n", rep.Passed, rep.Failed)
	_, err := io.WriteString(w, b.String())
	return err
}

// String is the test's failures, each as a story with its place first.
func (res *Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "FAIL  %s:%d: %s\n", res.File, res.Line, printable(res.Name))
	for _, f := range res.Failures {
		fmt.Fprintf(&b, "  %s:%d:%d: expected: %s\n", res.File, f.Line, f.Col, printable(f.Expected))
		for _, line := range slices.Collect(strings.Lines(f.Story)) {
			b.WriteString("    " + printable(strings.TrimRight(line, "\n")) + "\n")
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// printable keeps a terminal from being written to by what came from a file.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
