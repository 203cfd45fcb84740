package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/web"
)

// The bounds of the files that can be read and written over the console.
const (
	maxFileDepth = 3
	maxFileName  = 128 // characters of a path
	maxFileList  = 1000
	maxFileRead  = 16 << 20
	maxFileWrite = 1 << 20
)

// ruleFiles are the files of the rules folder as the console reads and writes them. Paths are data: none leads out of
// the folder, whatever stands in it.
type ruleFiles struct {
	dir  string
	site func() rulefile.Site // what rules may know at the moment
	// shift is how far the clock is moved that people see.
	shift time.Duration
	// lastGood is the folder with the last files that loaded; empty when there is none.
	lastGood string
	// saved is told who did what (saved, removed, accepted) with which file, after it was done.
	saved func(who, what, file string)

	mu sync.Mutex // one save at a time, so that of two only one can be the first
	// turn is held while rules are compiled for the console: one at a time, whoever asks.
	turn chan struct{}
}

// siteNow is what rules may know at the moment, as a reload would take it.
func (r *reloader) siteNow() rulefile.Site {
	site := r.site
	if r.seen != nil {
		site = r.seen.known(site)
	}
	site, _ = siteImports(site, r.imports)
	return site
}

// below is the path of a rule file within its folder, as the console names files: how the folders of this machine are
// called is nobody's business there.
func (r *reloader) below(file string) string {
	for _, dir := range []string{r.dir, filepath.Join(r.data, lastGood)} {
		if name, ok := strings.CutPrefix(file, filepath.ToSlash(filepath.Clean(dir))+"/"); ok {
			return name
		}
	}
	return file
}

// fileProblems are problems of the rule files, by their paths within the folder.
func (r *reloader) fileProblems(problems []rulefile.Problem) []web.Problem {
	all := webProblems(problems)
	for i := range all {
		all[i].File = r.below(all[i].File)
	}
	return all
}

// isFilePath tells whether a path is that of a file that belongs to the rules: rule files and their tests in the folder
// itself, lists and holidays also in folders below.
func isFilePath(name string) bool {
	if !fs.ValidPath(name) || !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxFileName {
		return false
	}
	parts := strings.Split(name, "/")
	if len(parts) > maxFileDepth {
		return false
	}
	for _, p := range parts {
		for i, c := range p {
			ok := unicode.IsLetter(c) || unicode.IsDigit(c) || i > 0 && (c == '-' || c == '_' || c == '.' || c == ' ')
			if !ok {
				return false
			}
		}
		if strings.HasSuffix(p, ".") || strings.HasSuffix(p, " ") {
			return false
		}
	}
	switch path.Ext(name) {
	case ".csv", ".ics", ".txt":
		return true
	}
	return rulefile.IsRuleFile(name) || isTestFile(name)
}

// isTestFile tells whether a file holds the rules' own tests.
func isTestFile(name string) bool {
	return !strings.Contains(name, "/") && (strings.HasSuffix(name, "_test.yaml") || strings.HasSuffix(name, "_test.yml"))
}

const wantFilePath = "a file is gate.yaml, gate_test.yaml, or a list or holidays such as plates/residents.csv (.csv, .ics, .txt): letters, digits and - _ . only"

func badFilePath(name string) error {
	return web.BadQueryError(fmt.Sprintf("%.60q is no path of a rule file; %s", name, wantFilePath))
}

// tagOf is the tag of a text.
func tagOf(text []byte) string {
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

// read reads a regular file below a folder.
func (f *ruleFiles) read(root *os.Root, name string) ([]byte, fs.FileInfo, error) {
	info, err := root.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, web.NotFoundError("there is no file " + name)
	case err != nil:
		return nil, nil, web.RefusedError(name + " cannot be read: " + pathless(err))
	case !info.Mode().IsRegular(): // to read a pipe could wait for ever
		return nil, nil, web.RefusedError(name + " is no regular file")
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, nil, web.RefusedError(name + " cannot be read: " + pathless(err))
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFileRead+1))
	switch {
	case err != nil:
		return nil, nil, web.RefusedError(name + " cannot be read: " + pathless(err))
	case len(text) > maxFileRead:
		return nil, nil, web.RefusedError(fmt.Sprintf("%s is larger than %d MB", name, maxFileRead>>20))
	}
	return text, info, nil
}

// pathless is an error without the path, which is said already.
func pathless(err error) string {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		err = p.Err
	case errors.As(err, &l):
		err = l.Err
	}
	return err.Error()
}

// text gives a file and its tag.
func (f *ruleFiles) text(_ context.Context, name string) ([]byte, string, error) {
	root, err := f.open(name)
	if err != nil {
		return nil, "", err
	}
	defer root.Close()
	text, _, err := f.read(root, name)
	if err != nil {
		return nil, "", err
	}
	return text, tagOf(text), nil
}

// list gives all files with what stands in them and what is wrong with them.
func (f *ruleFiles) list(ctx context.Context) ([]web.RuleFile, error) {
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	problems, err := f.check(ctx, nil)
	if err != nil {
		return nil, err
	}
	var all []web.RuleFile
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && d != nil && d.IsDir() && name != ".":
			return fs.SkipDir
		case err != nil:
			return err
		case d.IsDir():
			if name != "." && (strings.HasPrefix(d.Name(), ".") || strings.Count(name, "/") >= maxFileDepth-1) {
				return fs.SkipDir
			}
			return nil
		case len(all) >= maxFileList:
			return fs.SkipAll
		case !isFilePath(name):
			return nil
		}
		text, info, err := f.read(root, name)
		if err != nil {
			return nil // a link that leads out, or a pipe: the check says it where it counts
		}
		all = append(all, f.webFile(name, text, info, problems))
		return nil
	})
	return all, err
}

func (f *ruleFiles) webFile(name string, text []byte, info fs.FileInfo, problems []web.Problem) web.RuleFile {
	w := web.RuleFile{Path: name, Size: int64(len(text)), ETag: tagOf(text)}
	if info != nil {
		w.Modified = web.Time{Time: info.ModTime().Add(f.shift)}
	}
	for _, p := range problems {
		if p.File == name {
			w.Problems = append(w.Problems, p)
		}
	}
	if rulefile.IsRuleFile(name) {
		o, _ := rulefile.ReadOutline(text)
		for _, r := range o.Rules {
			w.Rules = append(w.Rules, r.Name)
		}
		for _, z := range append(o.Zones, o.Lines...) {
			w.Zones = append(w.Zones, z.Name)
		}
	}
	return w
}

// inside tells whether a file is one that the console shows.
func (f *ruleFiles) inside(name string) bool {
	root, err := f.open(name)
	if err != nil {
		return false
	}
	defer root.Close()
	_, err = root.Stat(name)
	return err == nil
}

// check tells what is wrong with the folder with other files in place of its own. Files in problems are paths within
// the folder.
func (f *ruleFiles) check(ctx context.Context, files map[string][]byte) ([]web.Problem, error) {
	var problems []rulefile.Problem
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !isFilePath(name) {
			return nil, badFilePath(name)
		}
		if files[name] != nil && isTestFile(name) {
			problems = append(problems, rulefile.CheckText(files[name], name)...)
		}
	}
	_, more, err := f.load(ctx, files)
	return webProblems(append(problems, more...)), err
}

// load loads the folder with other files in place of its own.
func (f *ruleFiles) load(ctx context.Context, files map[string][]byte) (*engine.Ruleset, []rulefile.Problem, error) {
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return nil, nil, errors.New("other rules are being checked; try again")
	}
	rules, problems := rulefile.LoadFS(overlaid{os.DirFS(f.dir), files}, ".", f.site())
	return rules, f.showable(problems, files), nil
}

// showable takes out of problems what stands in files that the console does not show: whoever may try rules out can name
// any file of the folder as a list, and must not read it in what is said of it.
func (f *ruleFiles) showable(problems []rulefile.Problem, files map[string][]byte) []rulefile.Problem {
	shown := map[string]bool{".": true}
	for i := range problems {
		p := &problems[i]
		is, known := shown[p.File]
		if !known {
			_, given := files[p.File]
			is = given || rulefile.IsRuleFile(p.File) || f.inside(p.File)
			shown[p.File] = is
		}
		if !is {
			p.Message, p.Source, p.Caret, p.Line, p.Col = "it is not a list or holidays that can be used; what is wrong with it is shown on the machine itself only", "", "", 0, 0
		}
	}
	return problems
}

// save writes a file: checked as `sallyport check` does, and whole or not at all.
func (f *ruleFiles) save(ctx context.Context, s web.FileSave) (web.RuleFile, error) {
	if len(s.Text) > maxFileWrite {
		return web.RuleFile{}, web.RefusedError(fmt.Sprintf("the text is larger than %d MB", maxFileWrite>>20))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	root, err := f.open(s.Path)
	if err != nil {
		return web.RuleFile{}, err
	}
	defer root.Close()
	problems, err := f.prepare(ctx, root, s, append([]byte{}, s.Text...))
	if err != nil {
		return web.RuleFile{}, err
	}
	info, err := f.write(root, s.Path, s.Text)
	if err != nil {
		return web.RuleFile{}, web.RefusedError(s.Path + " cannot be written: " + pathless(err))
	}
	f.saved(s.Who, "saved", s.Path)
	return f.webFile(s.Path, s.Text, info, problems), nil
}

// remove removes a file; what is left is checked before.
func (f *ruleFiles) remove(ctx context.Context, s web.FileSave) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	root, err := f.open(s.Path)
	if err != nil {
		return err
	}
	defer root.Close()
	if _, err := f.prepare(ctx, root, s, nil); err != nil {
		return err
	}
	if err := root.Remove(s.Path); err != nil {
		return web.RefusedError(s.Path + " cannot be removed: " + pathless(err))
	}
	syncRoot(root, path.Dir(s.Path))
	f.saved(s.Who, "removed", s.Path)
	return nil
}

// open opens the folder for a path in it.
func (f *ruleFiles) open(name string) (*os.Root, error) {
	if !isFilePath(name) {
		return nil, badFilePath(name)
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, web.RefusedError("the folder of rules cannot be opened: " + pathless(err))
	}
	return root, nil
}

// prepare tells whether a file may become a text, nil for none: it is what the caller takes it for, the rules load
// with it, and no program is started in another way than now. The problems are warnings.
func (f *ruleFiles) prepare(ctx context.Context, root *os.Root, s web.FileSave, text []byte) ([]web.Problem, error) {
	if link, err := root.Lstat(s.Path); err == nil && !link.Mode().IsRegular() {
		return nil, web.RefusedError(s.Path + " is a link or something else than a file; it is changed where it leads to")
	}
	if err := f.expected(root, s); err != nil {
		return nil, err
	}
	problems, err := f.check(ctx, map[string][]byte{s.Path: text})
	if err != nil {
		return nil, err
	}
	if err := f.acceptable(ctx, s.Path, problems); err != nil {
		return nil, err
	}
	if err := f.samePrograms(s.Path, text); err != nil {
		return nil, err
	}
	return problems, f.expected(root, s) // somebody may have changed it while it was checked
}

// expected tells whether a file is what the caller takes it for.
func (f *ruleFiles) expected(root *os.Root, s web.FileSave) error {
	old, _, err := f.read(root, s.Path)
	var none web.NotFoundError
	switch {
	case errors.As(err, &none):
		if s.Match != "" {
			return web.ChangedError(s.Path + " is not there any more")
		}
	case err != nil:
		return err
	case s.Match == "":
		return web.ChangedError("there is a file " + s.Path + " already")
	case s.Match != tagOf(old):
		return web.ChangedError(s.Path + " was changed meanwhile; take the new text over first")
	}
	return nil
}

// acceptable refuses errors. Those that other files have already do not count: of two broken files one can be mended
// first. Nothing comes in force until there is no error left.
func (f *ruleFiles) acceptable(ctx context.Context, name string, problems []web.Problem) error {
	isError := func(p web.Problem) bool { return !p.Warning }
	if !slices.ContainsFunc(problems, isError) {
		return nil
	}
	now, err := f.check(ctx, nil)
	if err != nil {
		return err
	}
	known := func(p web.Problem) bool {
		return p.Warning || p.File != name && p.File != "." && slices.ContainsFunc(now, func(o web.Problem) bool { return o == p })
	}
	for _, p := range problems {
		if !known(p) {
			return web.RejectedError{Problems: problems}
		}
	}
	return nil
}

// samePrograms refuses a text by which a program would be started that is not started now, or in another way: who may
// edit rules in a browser must not by that be able to run anything on this machine. Rules that start programs can be
// moved within their file, and removed.
func (f *ruleFiles) samePrograms(name string, text []byte) error {
	if text == nil || !rulefile.IsRuleFile(name) {
		return nil
	}
	o, ok := rulefile.ReadOutline(text)
	if !ok {
		return web.ForbiddenError("it cannot be read what programs this text starts; edit the file on the machine itself")
	}
	var now map[string]bool
	for _, r := range o.Rules {
		if !r.Programs {
			continue
		}
		if now == nil {
			now = f.programs()
		}
		if !now[r.Meaning] {
			return web.ForbiddenError(fmt.Sprintf("rule %q has a run or shell step: such rules can be added and changed only in the file on the machine itself, not over the console", r.Name))
		}
	}
	return nil
}

// programs are the rules with steps that start programs, as they are now. A file that cannot be read at all counts as
// it was when it loaded last.
func (f *ruleFiles) programs() map[string]bool {
	all := make(map[string]bool)
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return all
	}
	take := func(file string) bool {
		if regular(file) != nil {
			return false
		}
		text, err := readBounded(file, maxFileRead)
		if err != nil {
			return false
		}
		o, ok := rulefile.ReadOutline(text)
		for _, r := range o.Rules {
			if r.Programs {
				all[r.Meaning] = true
			}
		}
		return ok
	}
	for _, e := range entries {
		if rulefile.IsRuleFile(e.Name()) && !take(filepath.Join(f.dir, e.Name())) && f.lastGood != "" {
			if from, err := os.ReadFile(filepath.Join(f.lastGood, keptFrom)); err == nil && string(from) == absolute(f.dir) {
				take(filepath.Join(f.lastGood, e.Name()))
			}
		}
	}
	return all
}

// write puts a text in the place of a file, so that at every moment the old or the new one is there, whole.
func (f *ruleFiles) write(root *os.Root, name string, text []byte) (fs.FileInfo, error) {
	dir := path.Dir(name)
	if err := root.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	mode := fs.FileMode(0o640)
	if old, err := root.Lstat(name); err == nil {
		mode = old.Mode().Perm()
	}
	// The loader leaves out what begins with a dot.
	fresh := path.Join(dir, "."+path.Base(name)+".new")
	if err := root.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	file, err := root.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err = file.Write(text); err == nil {
		err = file.Chmod(mode)
	}
	if err == nil {
		err = giveToOwner(file, filepath.Join(f.dir, filepath.FromSlash(dir)))
	}
	if err == nil {
		err = file.Sync()
	}
	info, serr := file.Stat()
	if cerr := file.Close(); err == nil {
		err = errors.Join(serr, cerr)
	}
	if err == nil {
		err = root.Rename(fresh, name)
	}
	if err != nil {
		_ = root.Remove(fresh)
		return nil, err
	}
	syncRoot(root, dir)
	return info, nil
}

// syncRoot makes a change of a folder last over a loss of power, if its file system can.
func syncRoot(root *os.Root, dir string) {
	if d, err := root.Open(dir); err == nil {
		_ = d.Sync() // not every file system syncs folders; the file itself is written
		_ = d.Close()
	}
}

// fileSource gives the console the rule files.
func (s *source) fileSource() web.FileSource {
	return web.FileSource{
		List: s.files.list, Read: s.files.text, Save: s.files.save, Remove: s.files.remove, Check: s.files.check,
		Names: s.names, Schema: rulefile.Schema, Replay: s.replay, Near: s.near,
	}
}

// names are what can be said in a rule: of the site, and of the set in force.
func (s *source) names(ctx context.Context) (web.Names, error) {
	var rules *engine.Ruleset
	if err := s.ask(ctx, func(e *engine.Engine) { rules = e.Ruleset() }); err != nil {
		return web.Names{}, err
	}
	site := s.siteNow()
	n := web.Names{Cameras: site.Cameras, Contacts: site.Contacts, Notifiers: site.Notifiers, Kinds: rulefile.Kinds()}
	n.Relays = slices.Sorted(maps.Keys(site.Relays))
	for _, z := range rules.Zones {
		n.Zones = append(n.Zones, web.PlaceName{Name: z.Name, Camera: rules.Cameras[z.Camera].Name})
	}
	for _, l := range rules.Lines {
		n.Lines = append(n.Lines, web.PlaceName{Name: l.Name, Camera: rules.Cameras[l.Camera].Name})
	}
	for _, l := range rules.Lists {
		n.Lists = append(n.Lists, l.Name)
	}
	for _, f := range rules.Flags {
		n.Flags = append(n.Flags, f.Name)
	}
	for _, c := range rules.Schedules {
		n.Schedules = append(n.Schedules, c.Name)
	}
	for _, w := range rulefile.Words() {
		n.Words = append(n.Words, web.Word{Name: w.Name, Signature: w.Signature, Help: w.Help, Values: w.Values})
	}
	return n, nil
}

// newRuleFiles are the files of a reloader, which reads them anew after every save. journal is told of each; nil for
// nobody.
func newRuleFiles(r *reloader, journal func(who, what, file string)) *ruleFiles {
	f := &ruleFiles{dir: r.dir, site: r.siteNow, turn: make(chan struct{}, 1)}
	if r.data != "" {
		f.lastGood = filepath.Join(r.data, lastGood)
	}
	f.saved = func(who, what, file string) {
		if journal != nil {
			journal(who, what, file)
		}
		r.nudge()
	}
	return f
}
