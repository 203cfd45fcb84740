package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/journal"
	shipped "github.com/sallyport/sallyport/rules.d"
	"github.com/sallyport/sallyport/web"
)

func (s *source) systemSource() web.SystemSource {
	return web.SystemSource{
		System: s.system, Restart: s.restart, Recipes: func(context.Context) ([]web.Recipe, error) { return shippedRecipes() },
		Adopt: s.adopt, Probe: s.probe, AddCamera: s.addCamera,
	}
}

// restart is the site file that the program is to begin anew with.
type restart struct {
	site *config.Site
	hash string // of the file
}

// siteHash is the hash of a site file as it is now; empty when it cannot be read.
func siteHash(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// readSite reads the site file as it is now.
func (s *service) readSite() (*config.Site, []config.Problem) {
	if s.load != nil {
		return s.load()
	}
	return config.Load(s.site.File)
}

// next is what a restart would begin with, or why it would not get far.
func (s *service) next() (restart, []string) {
	next := restart{hash: siteHash(s.site.File)}
	site, problems := s.readSite()
	var wrong []string
	for _, p := range problems {
		if !p.Warning {
			wrong = append(wrong, p.String())
		}
	}
	if site == nil || len(wrong) > 0 {
		return next, wrong
	}
	next.site = site
	say := func(err error) {
		if err != nil {
			wrong = append(wrong, strings.Split(err.Error(), "\n")...)
		}
	}
	_, err := inputCameras(site, s.process)
	say(err)
	for _, c := range site.Cameras {
		if c.URL == "" {
			continue
		}
		if _, err := c.Password.Value(s.getenv, os.ReadFile); err != nil {
			say(fmt.Errorf("camera %q: password: %w", c.Name, err))
		}
	}
	if site.RunAs != "" {
		_, err := actions.LookupUser(site.RunAs)
		say(err)
	}
	for _, l := range [...]struct{ key, now, then string }{
		{"cameras", s.site.Listen.Cameras, site.Listen.Cameras}, {"console", s.site.Listen.Console, site.Listen.Console},
	} {
		_, now, _ := net.SplitHostPort(l.now)
		_, then, _ := net.SplitHostPort(l.then)
		if now == then {
			continue // it is ours
		}
		port, err := net.Listen("tcp", l.then)
		if err != nil {
			say(fmt.Errorf("listen.%s: %w", l.key, err))
			continue
		}
		_ = port.Close()
	}
	return next, wrong
}

// restart begins the program anew, if it can be expected to get there.
func (s *source) restart(_ context.Context, who string) error {
	next, wrong := s.service.next()
	if next.site != nil && !next.site.Listen.ConsoleOnLoopback() && len(s.accounts.current().Users) == 0 {
		wrong = append(wrong, fmt.Sprintf("listen.console: other machines could reach %q, and no password is set: set one first", next.site.Listen.Console))
	}
	if len(wrong) > 0 {
		return web.SiteError(wrong)
	}
	select {
	case s.restarts <- next:
	default:
		return web.RefusedError("the program is about to begin anew already")
	}
	s.byHand(who, "restart", nil)
	return nil
}

// byHand tells the journal what somebody did, or tried to.
func (s *source) byHand(who, what string, err error) {
	if s.disk == nil {
		return
	}
	t := s.disk.told
	body := byHand{"command", t.clean(who), t.clean(what), "done", ""}
	if err != nil {
		body.Outcome, body.Reason = "failed", shorten(t.clean(err.Error()), maxDetail)
	}
	t.add(journal.Entry{At: s.instant(time.Now()).Wall, Kind: journal.KindAction}, body)
}

// system says how the program and its machine are.
func (s *source) system(ctx context.Context) (web.System, error) {
	version, commit := buildVersion()
	out := web.System{
		Version: version, Commit: commit, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Started: s.wallAt(0), PID: os.Getpid(), Memory: ownMemory(),
		Listen: web.Ports{
			Cameras: s.listen[0].String(), Console: s.listen[1].String(), TLS: consoleEncrypted(s.site), Fingerprint: s.fingerprint,
		},
		PostTo:        "http://" + reachable(s.listen[0]) + "/API",
		SiteFile:      s.site.File,
		RestartNeeded: s.service.hash != siteHash(s.site.File),
	}
	_, problems := s.service.readSite()
	for _, p := range problems {
		out.SiteProblems = append(out.SiteProblems, p.String())
	}
	if s.service.refused != "" {
		out.SiteProblems = append(out.SiteProblems, "the program could not begin anew with the site file, and goes on with the one before: "+s.service.refused)
	}
	if s.disk == nil {
		return out, nil
	}
	sizes, err := s.disk.sizes(ctx)
	if err != nil {
		return web.System{}, err
	}
	keep := s.site.Keep
	out.Data = &web.DataFolder{
		Path: s.site.Data, Journal: sizes["journal"], Images: sizes["images"], Recording: sizes["recording"], Limit: keep.Size,
		Keep: map[string]string{"journal": daysText(keep.Journal), "images": daysText(keep.Images), "recording": daysText(keep.Recording)},
	}
	out.Data.Free, out.Data.Total = diskSpace(s.site.Data)
	return out, nil
}

// daysText is how long something is kept, in words.
func daysText(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d <= 0:
		return "not kept"
	case d%day == 0:
		return count(int(d/day), "day")
	case d%time.Hour == 0:
		return count(int(d/time.Hour), "hour")
	}
	return d.String()
}

// ownMemory is what the program holds of the machine's memory, in bytes.
func ownMemory() uint64 {
	// The second number of statm counts the pages that are in memory.
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		if fields := strings.Fields(string(text)); len(fields) > 1 {
			if pages, err := strconv.ParseUint(fields[1], 10, 64); err == nil {
				return pages * uint64(os.Getpagesize())
			}
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys
}

// shippedRecipes are the rule files that come with the program, and the names they use.
func shippedRecipes() ([]web.Recipe, error) {
	files := shipped.Files()
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, err
	}
	var out []web.Recipe
	for _, name := range names {
		if !rulefile.IsRuleFile(name) {
			continue
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		r := web.Recipe{File: name, Text: recipeText(string(text)), Title: recipeTitle(string(text))}
		rules, problems := rulefile.LoadFiles([]rulefile.File{{Name: name, Data: text}}, "recipes", rulefile.Site{Open: true})
		if rulefile.Failed(problems) {
			return nil, fmt.Errorf("the recipe %s does not load: %s", name, problems[0])
		}
		for _, c := range rules.Cameras {
			r.Cameras = append(r.Cameras, c.Name)
		}
		for _, z := range rules.Zones {
			r.Zones = append(r.Zones, z.Name)
		}
		for _, l := range rules.Lines {
			r.Lines = append(r.Lines, l.Name)
		}
		for _, l := range rules.Lists {
			r.Lists = append(r.Lists, l.Name)
		}
		for _, one := range rules.Rules {
			r.Relays = append(r.Relays, one.Uses.Relays...)
		}
		slices.Sort(r.Relays)
		r.Relays = slices.Compact(r.Relays)
		out = append(out, r)
	}
	return out, nil
}

// recipeText is a recipe without the line for editors, which names a file that is not
// there at the site.
func recipeText(text string) string {
	if first, rest, _ := strings.Cut(text, "\n"); strings.HasPrefix(first, "# yaml-language-server:") {
		return strings.TrimLeft(rest, "\n")
	}
	return text
}

// recipeTitle is the first sentence of a recipe's first comment.
func recipeTitle(text string) string {
	var words []string
	for line := range strings.Lines(recipeText(text)) {
		said, ok := strings.CutPrefix(strings.TrimSpace(line), "#")
		if !ok || strings.TrimSpace(said) == "" {
			break
		}
		words = append(words, strings.TrimSpace(said))
	}
	title, _, _ := strings.Cut(strings.Join(words, " ")+" ", ". ")
	return strings.TrimSuffix(strings.TrimSpace(title), ".")
}
