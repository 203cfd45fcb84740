package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The tests in this file keep the laws of docs/architecture.md.

const module = "github.com/sallyport/sallyport"

// law is what the packages of one room may import. The longest room that a
// package is in counts.
type law struct {
	room  string
	own   []string // of this module; a name with /… takes the packages below it too
	third []string // modules of others; * is every module on the list
}

func laws() []law {
	engine := []string{"engine", "engine/scene", "engine/geometry"}
	return []law{
		{"engine/geometry", nil, nil},
		{"engine/scene", []string{"engine/geometry"}, nil},
		{"engine", []string{"engine/scene", "engine/geometry"}, nil},
		{"engine/schedule", nil, []string{"github.com/robfig/cron/v3", "github.com/sj14/astral"}},
		{"engine/rulefile", append(engine, "engine/schedule"), []string{"github.com/expr-lang/expr", "go.yaml.in/yaml/v4"}},
		{"engine/rulefile/ruletest", append(engine, "engine/schedule", "engine/rulefile"), []string{"go.yaml.in/yaml/v4"}},
		{"engine/watch", nil, []string{"github.com/fsnotify/fsnotify"}},
		{"viewtron", nil, nil},
		{"viewtron/client", []string{"viewtron"}, []string{"github.com/icholy/digest"}},
		{"viewtron/sim", []string{"viewtron"}, nil},
		{"gpio", nil, []string{"github.com/warthog618/go-gpiocdev", "golang.org/x/sys"}},
		{"inputs", append(engine, "inputs/…", "viewtron", "gpio"), []string{"*"}},
		{"actions", append(engine, "actions/…", "viewtron/client", "gpio"), []string{"*"}},
		{"journal", append(engine, "journal/…"), []string{"*"}},
		{"config", nil, []string{"go.yaml.in/yaml/v4"}},
		{"web", append(engine, "web/…"), []string{"*"}},
		{"rules.d", nil, nil},
		{"cmd", []string{"…"}, []string{"*"}},
	}
}

// modules are the modules of others that this one may use. Some belong to one
// room only, and are not for the rooms that say *.
func modules() []string {
	return append([]string{
		"github.com/fsnotify/fsnotify", "github.com/warthog618/go-gpiocdev", "github.com/icholy/digest",
		"modernc.org/sqlite", "github.com/eclipse/paho.golang", "github.com/prometheus/client_golang",
		"github.com/coreos/go-systemd/v22", "github.com/cenkalti/backoff/v5", "golang.org/x/time", "golang.org/x/crypto",
		"github.com/nicholas-fedor/shoutrrr", "github.com/rogpeppe/go-internal", "golang.org/x/sys",
	}, homebound()...)
}

// homebound are the modules that no other room than theirs may know.
func homebound() []string {
	return []string{"github.com/expr-lang/expr", "go.yaml.in/yaml/v4", "github.com/robfig/cron/v3", "github.com/sj14/astral"}
}

// lawOf finds the law of a package, by its path within the module.
func lawOf(pkg string) (law, bool) {
	var best law
	found := false
	for _, l := range laws() {
		if (pkg == l.room || strings.HasPrefix(pkg, l.room+"/")) && len(l.room) >= len(best.room) {
			best, found = l, true
		}
	}
	// What is below the engine and has no law of its own is not the engine.
	if best.room == "engine" && pkg != "engine" {
		return law{}, false
	}
	return best, found
}

// allows tells whether a package of this module may be imported.
func (l law) allows(pkg string) bool {
	return slices.ContainsFunc(l.own, func(own string) bool {
		room, below := strings.CutSuffix(own, "…")
		return pkg == own || below && (pkg+"/" == room || strings.HasPrefix(pkg, room))
	})
}

// allowsModule tells whether a module of others may be imported.
func (l law) allowsModule(path string) bool {
	if slices.Contains(l.third, path) {
		return true
	}
	return slices.Contains(l.third, "*") && slices.Contains(modules(), path) && !slices.Contains(homebound(), path)
}

// listed is what `go list` says of a package.
type listed struct {
	ImportPath   string
	Standard     bool
	Module       *struct{ Path string }
	Imports      []string
	TestImports  []string
	XTestImports []string
	CgoFiles     []string
}

// list asks the go command for all packages of the module and what they need.
func list(t *testing.T) map[string]listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-test=false", "-json=ImportPath,Standard,Module,Imports,TestImports,XTestImports,CgoFiles", "./...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &errs)
	}
	all := make(map[string]listed)
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
}

// within gives a package's path within the module; false for those of others.
func within(path string) (string, bool) {
	if path == module {
		return "", true
	}
	return strings.CutPrefix(path, module+"/")
}

// TestImportsKeepTheLaws holds every import of every package against the table.
func TestImportsKeepTheLaws(t *testing.T) {
	all := list(t)
	packages := 0
	for path, p := range all {
		pkg, ours := within(path)
		if !ours {
			continue
		}
		packages++
		l, ok := lawOf(pkg)
		if !ok {
			t.Errorf("%s: the house has no such room", pkg)
			continue
		}
		for _, to := range p.Imports {
			target := all[to]
			switch in, own := within(to); {
			case own:
				if !l.allows(in) {
					t.Errorf("%s imports %s, which is not below it", pkg, in)
				}
			case target.Standard || target.Module == nil:
			case !l.allowsModule(target.Module.Path):
				t.Errorf("%s imports %s, which does not belong there", pkg, to)
			}
		}
		if len(p.CgoFiles) > 0 {
			t.Errorf("%s uses cgo", pkg)
		}
	}
	if packages < 15 {
		t.Errorf("only %d packages were looked at", packages)
	}
}

// TestRoomsDoNotKnowEachOther follows imports all the way: nothing that web,
// inputs or actions are made of is made of another of them, and nothing below
// them knows them.
func TestRoomsDoNotKnowEachOther(t *testing.T) {
	all := list(t)
	rooms := []string{"web", "inputs", "actions", "cmd"}
	for path := range all {
		pkg, ours := within(path)
		if !ours || strings.HasPrefix(pkg, "cmd/") {
			continue
		}
		seen := map[string]bool{path: true}
		for queue := []string{path}; len(queue) > 0; queue = queue[1:] {
			for _, to := range all[queue[0]].Imports {
				if seen[to] {
					continue
				}
				seen[to] = true
				queue = append(queue, to)
				in, own := within(to)
				room, _, _ := strings.Cut(in, "/")
				from, _, _ := strings.Cut(pkg, "/")
				if own && room != from && slices.Contains(rooms, room) {
					t.Errorf("%s needs %s", pkg, in)
				}
			}
		}
	}
}

// TestEveryModuleIsOnTheList looks at the modules that tests use, too.
func TestEveryModuleIsOnTheList(t *testing.T) {
	all := list(t)
	for path, p := range all {
		pkg, ours := within(path)
		if !ours {
			continue
		}
		for _, to := range append(p.TestImports, p.XTestImports...) {
			if _, own := within(to); own || !strings.Contains(strings.SplitN(to, "/", 2)[0], ".") {
				continue
			}
			if !slices.ContainsFunc(modules(), func(m string) bool { return to == m || strings.HasPrefix(to, m+"/") }) {
				t.Errorf("the tests of %s import %s, which is not on the list", pkg, to)
			}
		}
	}
}

// goFile is a parsed source file.
type goFile struct {
	name string // within the module, with slashes
	pkg  string // its folder
	test bool
	set  *token.FileSet
	ast  *ast.File
}

// goFiles reads every Go file of the module, whatever its build tags.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	var all []goFile
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "dist" || name == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		f := goFile{name: filepath.ToSlash(rel), test: strings.HasSuffix(name, "_test.go"), set: token.NewFileSet()}
		f.pkg = filepath.ToSlash(filepath.Dir(rel))
		if f.ast, err = parser.ParseFile(f.set, path, nil, parser.SkipObjectResolution); err != nil {
			return err
		}
		all = append(all, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// at is a place in the file, for messages.
func (f goFile) at(p token.Pos) string {
	return f.name + ":" + strconv.Itoa(f.set.Position(p).Line)
}

// imports gives the file's imports by the name they have in it.
func (f goFile) imports() map[string]string {
	names := make(map[string]string)
	for _, i := range f.ast.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		name := path[strings.LastIndex(path, "/")+1:]
		if i.Name != nil {
			name = i.Name.Name
		}
		names[name] = path
	}
	return names
}

// uses calls f for every pkg.Name of another package in the file.
func (f goFile) uses(visit func(path, name string, at token.Pos)) {
	names := f.imports()
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok {
				if path, ok := names[id.Name]; ok {
					visit(path, sel.Sel.Name, sel.Pos())
				}
			}
		}
		return true
	})
}

// TestOnlyTheCommandReadsItsSurroundings keeps flags, environment and signals in cmd.
func TestOnlyTheCommandReadsItsSurroundings(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test || strings.HasPrefix(f.pkg, "cmd/") {
			continue
		}
		for _, path := range f.imports() {
			if path == "flag" || path == "os/signal" {
				t.Errorf("%s imports %s", f.name, path)
			}
		}
		f.uses(func(path, name string, at token.Pos) {
			if (path == "os" || path == "syscall") && slices.Contains([]string{"Args", "Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv", "Exit"}, name) {
				t.Errorf("%s uses %s.%s", f.at(at), path, name)
			}
		})
	}
}

// TestNoInitNoCgo: nothing happens by being imported, and nothing needs C.
func TestNoInitNoCgo(t *testing.T) {
	for _, f := range goFiles(t) {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init function", f.at(fn.Pos()))
			}
		}
		for name, path := range f.imports() {
			if path == "C" {
				t.Errorf("%s uses cgo", f.name)
			}
			if path == "unsafe" && !f.test {
				t.Errorf("%s uses unsafe", f.name)
			}
			if name == "." && !f.test {
				t.Errorf("%s imports %s into its own names", f.name, path)
			}
		}
	}
}

// TestTheEngineIsPure: no clock, no goroutine, no channel, no I/O, no log.
func TestTheEngineIsPure(t *testing.T) {
	clock := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
	outside := []string{"os", "net", "io/fs", "log", "log/slog", "net/http", "os/exec", "path/filepath", "sync", "sync/atomic", "context", "math/rand", "math/rand/v2", "crypto/rand", "runtime"}
	looked := 0
	for _, f := range goFiles(t) {
		if f.test || f.pkg != "engine" && f.pkg != "engine/scene" && f.pkg != "engine/geometry" && f.pkg != "engine/schedule" {
			continue
		}
		looked++
		for _, path := range f.imports() {
			if slices.Contains(outside, path) {
				t.Errorf("%s imports %s", f.name, path)
			}
		}
		f.uses(func(path, name string, at token.Pos) {
			if path == "time" && slices.Contains(clock, name) {
				t.Errorf("%s uses time.%s", f.at(at), name)
			}
		})
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n.(type) {
			case *ast.GoStmt, *ast.ChanType, *ast.SelectStmt:
				t.Errorf("%s has a goroutine or a channel", f.at(n.Pos()))
			}
			return true
		})
	}
	if looked < 15 {
		t.Errorf("only %d files were looked at", looked)
	}
}

// TestTheHouseHasItsRoomsOnly: nothing is added at the top.
func TestTheHouseHasItsRoomsOnly(t *testing.T) {
	rooms := []string{"cmd", "engine", "actions", "inputs", "rules.d", "packaging", "testdata", "viewtron", "gpio", "journal", "config", "web", "docs"}
	for _, name := range tracked(t) {
		top, _, below := strings.Cut(name, "/")
		if below && !strings.HasPrefix(top, ".") && !slices.Contains(rooms, top) {
			t.Errorf("%s: the house has no such room", name)
		}
	}
}

// TestNoFileNamesAMachine: what belongs to the machine of whoever wrote it does
// not belong into the tree.
func TestNoFileNamesAMachine(t *testing.T) {
	words := []string{"/wo" + "rk/", "/ro" + "ot/", "/tmp/he" + "lpers"}
	for _, name := range tracked(t) {
		data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed, not committed yet
		}
		if err != nil {
			t.Error(err)
			continue
		}
		for _, w := range words {
			if i := bytes.Index(data, []byte(w)); i >= 0 {
				t.Errorf("%s:%d names %s", name, 1+bytes.Count(data[:i], []byte("\n")), w)
			}
		}
	}
}

// tracked are the files that git knows, with slashes. A copy of the tree that is
// no clone has none to look at.
func tracked(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("not a clone: git ls-files: %v", err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}
