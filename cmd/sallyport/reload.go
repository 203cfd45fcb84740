package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/engine/watch"
)

// lastGood is the folder below the data folder with the last rule files that loaded.
const lastGood = "last-good-rules"

// reloader reads the rule files, and reads them again when they changed. A set
// with an error changes nothing.
type reloader struct {
	dir  string // the rule files
	data string // the data folder; empty = none
	site rulefile.Site
	// imports is the file with the accepted copies of cameras' zones; empty = there are none.
	imports string
	seen    *plateWatch // what cameras sent so far; nil = nothing
	log     *slog.Logger
	note    func(text string) // a line for people
	tell    func(text string) // a problem, as people read it
	// tellJournal is told of files that did not load, or are as they were again: the set in
	// force, whether it is that of the files, and what is wrong. nil: nobody is told.
	tellJournal func(hash string, loaded bool, problems []string)

	mu       sync.Mutex // guards what follows
	hash     string
	loadedAt time.Time
	rules    int
	problems []rulefile.Problem // of the last try
	instead  string             // what runs instead of the folder's rules; empty when those do
	unkept   string             // why the last good set could not be kept; empty when it was
	imported []string           // what the set in force imports: front/perimeter/1
	copies   accepted           // the accepted copies that it knows

	stamp string // of the file with the accepted copies, when it was last read; for who loads
	// soon has the files read at once; nil when nobody asks for that.
	soon chan struct{}
}

// nudgeTime is how long after a nudge the watcher's own notice of the same change is not said.
const nudgeTime = 3 * time.Second

// nudge has the files read again at once: somebody saved one over the console.
func (r *reloader) nudge() {
	select {
	case r.soon <- struct{}{}:
	default: // they are going to be read anyhow, or nobody watches
	}
}

// first reads the rules at the start. Files that do not load give the last good
// set, loudly; without one, no rules.
func (r *reloader) first() *engine.Ruleset {
	if rs, ok := r.load(); ok {
		return rs
	}
	if r.data != "" {
		dir := filepath.Join(r.data, lastGood)
		if from, err := os.ReadFile(filepath.Join(dir, keptFrom)); err == nil && string(from) == absolute(r.dir) {
			site, copies := siteImports(r.site, filepath.Join(dir, keptImports))
			rs, problems := rulefile.Load(dir, site)
			if !rulefile.Failed(problems) {
				r.took(rs, copies, "the last good set is in use")
				r.log.Error("the rule files do not load: running with the last good set", "rules", r.dir, "last good", dir)
				return rs
			}
		}
	}
	rs, _ := rulefile.LoadFiles(nil, r.dir, r.site)
	r.took(rs, nil, "there are no rules in use")
	r.log.Error("the rule files do not load and there is no last good set: running without rules", "rules", r.dir)
	return rs
}

// keptFrom is the file beside the last good set that says which folder it is of:
// another folder's rules are never taken for this one's.
const keptFrom = ".from"

// keptImports is the file beside the last good set with the accepted copies of cameras'
// zones that it was loaded with.
const keptImports = ".imports.json"

func absolute(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

// load tries the folder. On success the set is remembered as the last good one.
func (r *reloader) load() (*engine.Ruleset, bool) {
	site := r.site
	if r.seen != nil {
		site = r.seen.known(site)
	}
	r.stamp = fileStamp(r.imports)
	site, copies := siteImports(site, r.imports)
	rs, problems := rulefile.Load(r.dir, site)
	r.mu.Lock()
	r.problems = problems
	r.mu.Unlock()
	for _, p := range problems {
		r.tell(p.String())
	}
	if rulefile.Failed(problems) {
		return nil, false
	}
	r.took(rs, copies, "")
	r.keepLoaded()
	return rs, true
}

// keepLoaded keeps the files that loaded, or remembers why that is not so.
func (r *reloader) keepLoaded() {
	if r.data == "" {
		return
	}
	unkept := ""
	if err := r.keep(); err != nil {
		r.log.Warn("the rules could not be kept as the last good set", "error", err)
		unkept = err.Error()
	}
	r.mu.Lock()
	r.unkept = unkept
	r.mu.Unlock()
}

// keepAgain is how soon files that loaded and could not be kept are kept again.
const keepAgain = time.Minute

func (r *reloader) took(rs *engine.Ruleset, copies accepted, instead string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hash, r.loadedAt, r.rules, r.instead = rs.Hash, time.Now(), len(rs.Rules), instead
	r.imported, r.copies = rs.Imports, copies
}

// inForce gives what the set in force imports from cameras, and the accepted copies
// that it knows. Neither is to be changed.
func (r *reloader) inForce() (imports []string, copies accepted) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.imported, r.copies
}

// fileStamp changes when a file is replaced or written to.
func fileStamp(file string) string {
	info, err := os.Stat(file)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano())
}

// keep copies the rule files beside the last good ones, then puts them in their
// place: at every moment one whole set is there.
func (r *reloader) keep() error {
	target := filepath.Join(r.data, lastGood)
	fresh, old := target+".new", target+".old"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := os.MkdirAll(fresh, 0o750); err != nil {
		return err
	}
	if err := copyRules(fresh, r.dir); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(fresh, keptFrom), []byte(absolute(r.dir)), 0o640); err != nil {
		return err
	}
	if _, copies := r.inForce(); len(copies) > 0 {
		if err := writeAccepted(filepath.Join(fresh, keptImports), copies); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(old); err != nil {
		return err
	}
	if err := os.Rename(target, old); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := os.Rename(fresh, target); err != nil {
		return err
	}
	return os.RemoveAll(old)
}

// maxKept bounds the bytes of one file that is kept.
const maxKept = 16 << 20

// copyRules copies rule files and lists; anything else stays where it is. Only
// regular files are opened: a pipe or a device among them would never end.
func copyRules(to, from string) error {
	from, err := filepath.EvalSymlinks(from)
	if err != nil {
		return err
	}
	return filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if rel != "." && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o750)
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() || !slices.Contains([]string{".yaml", ".yml", ".csv", ".ics", ".txt"}, filepath.Ext(path)) {
			return nil
		}
		b, err := readBounded(path, maxKept)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o640)
	})
}

// readBounded reads a file of at most n bytes.
func readBounded(path string, n int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, n+1))
	if err == nil && int64(len(b)) > n {
		err = fmt.Errorf("%s: larger than %d MB", path, n>>20)
	}
	return b, err
}

// importsEvery is how often is looked whether copies of cameras' zones were accepted.
const importsEvery = 500 * time.Millisecond

// watch reads the rules again after every change, of the accepted copies of cameras'
// zones too, and on SIGHUP, until ctx ends.
func (r *reloader) watch(ctx context.Context, w *watch.Watcher, hangup <-chan os.Signal, swap func(*engine.Ruleset, []string)) {
	again, accepts := time.NewTicker(keepAgain), time.NewTicker(importsEvery)
	defer again.Stop()
	defer accepts.Stop()
	var nudged time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
			if now := r.current(); now.unkept != "" && now.instead == "" && !rulefile.Failed(now.problems) {
				r.keepLoaded()
			}
			continue
		case <-accepts.C:
			// Much is written in the data folder; one file of it is looked at.
			if fileStamp(r.imports) == r.stamp {
				continue
			}
		case <-r.soon:
			nudged = time.Now()
		case <-w.Changes():
		case <-hangup:
			nudged = time.Time{}
		}
		before := r.current()
		rs, ok := r.load()
		switch {
		case !ok:
			r.note("the rules did not load; the running set stays")
			if r.tellJournal != nil {
				r.tellJournal(before.hash, false, r.said())
			}
		case rs.Hash == before.hash && before.instead == "":
			if time.Since(nudged) > nudgeTime {
				r.note("the rules are as they were")
			}
			if r.tellJournal != nil && rulefile.Failed(before.problems) {
				r.tellJournal(rs.Hash, true, r.said())
			}
		default:
			swap(rs, r.said())
			r.note(fmt.Sprintf("rules loaded: %s, set %s", count(len(rs.Rules), "rule"), short(rs.Hash)))
		}
	}
}

// ruleStatus is what the running set is and what the last try said.
type ruleStatus struct {
	hash     string
	loadedAt time.Time
	rules    int
	problems []rulefile.Problem
	instead  string
	unkept   string
}

func (r *reloader) current() ruleStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return ruleStatus{r.hash, r.loadedAt, r.rules, slices.Clone(r.problems), r.instead, r.unkept}
}

// said is what was said of the files at the last try, a line each. The lines of the
// files themselves are not in it: secrets may stand there.
func (r *reloader) said() []string {
	var all []string
	for _, p := range r.current().problems {
		all = append(all, p.Summary())
	}
	return all
}

func short(hash string) string { return hash[:min(12, len(hash))] }
