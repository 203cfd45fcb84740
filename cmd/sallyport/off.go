package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/config"
)

// lastGoodSite is the copy of the last site file that a program ran with, below the
// data folder: `sallyport off` must find the relays also when the file was broken since.
const lastGoodSite = "last-good-site.yaml"

// offTime is how long one relay has to go off.
const offTime = 3 * time.Second

// runOff is `sallyport off`: it drives every relay of the site file to off, side by
// side, and ends. It runs before the program starts and after it has ended in any
// way, for a line may keep the level it had when its program died.
func runOff(ctx context.Context, p process, args []string) int {
	var sf siteFlags
	fs := p.flags("off")
	sf.addSite(fs)
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if !noArgs(fs, rest) {
		return exitUsage
	}
	file := sf.siteFile()
	if file == "" {
		return p.errorf("off: %v", errNoSiteFile)
	}
	site, err := p.siteOfRelays(file)
	if err != nil {
		return p.errorf("off: %v", err)
	}
	site = withRelayCamerasOnly(site)
	devices, err := deviceClients(site, p)
	if err != nil {
		// The relays of the other devices and all lines go off all the same.
		code = p.errorf("off: %v", err)
	}
	var relays []relay.Config
	for _, r := range site.Relays {
		line, err := openRelay(site, r, devices)
		if err != nil {
			code = p.errorf("off: relay %q: %v", r.Name, err)
			continue
		}
		relays = append(relays, relay.Config{Spec: relay.Spec{Name: r.Name}, Driver: line})
	}
	for i, err := range relay.Off(ctx, relays, offTime) {
		if err != nil {
			code = p.errorf("off: %v", err)
			continue
		}
		if r, _ := site.Relay(relays[i].Name); r.Memory {
			fmt.Fprintf(p.stdout, "%s is in memory: there is nothing to drive\n", r.Name)
		} else {
			fmt.Fprintf(p.stdout, "%s is off\n", r.Name)
		}
	}
	return code
}

// withRelayCamerasOnly is a site with the cameras whose outputs are relays: what the
// others need does not matter here.
func withRelayCamerasOnly(site *config.Site) *config.Site {
	s := *site
	s.Cameras = slices.DeleteFunc(slices.Clone(site.Cameras), func(c config.Camera) bool {
		return !slices.ContainsFunc(site.Relays, func(r config.Relay) bool { return r.Camera == c.Name })
	})
	return &s
}

// siteOfRelays reads the site file. When it has errors, the copy of the last one that
// was run with serves, which is said.
func (p process) siteOfRelays(file string) (*config.Site, error) {
	site, problems := config.Load(file)
	if !config.Failed(problems) {
		return site, nil
	}
	printSiteProblems(p.stderr, problems)
	folders := []string{filepath.Join(filepath.Dir(file), "data")}
	if site != nil {
		folders = append([]string{site.Data}, folders...)
	}
	// systemd tells the service's own folder, also when the file cannot be read at all.
	folders = append(folders, filepath.SplitList(p.getenv("STATE_DIRECTORY"))...)
	for i, dir := range folders {
		if dir == "" || slices.Contains(folders[:i], dir) {
			continue
		}
		name := filepath.Join(dir, lastGoodSite)
		from, err := readState(name + keptFrom)
		if err != nil || string(from) != absolute(file) {
			continue
		}
		text, err := readState(name)
		if err != nil {
			continue
		}
		// Under the file's own name: what it names beside itself is beside that.
		kept, problems := config.Parse(file, text)
		if config.Failed(problems) {
			continue
		}
		fmt.Fprintf(p.stderr, "sallyport: off: %s has errors; these are the relays of the last one that was run with, %s\n", file, name)
		return kept, nil
	}
	return nil, errors.New(file + " has errors, and no copy of one that was run with is there: correct it, and run this again")
}

// keepSite copies the site file for a later `sallyport off`. Passwords in it are as
// well kept as in the file itself.
func keepSite(site *config.Site) error {
	if site.Data == "" || site.File == "" {
		return nil
	}
	text, err := os.ReadFile(site.File)
	if err != nil {
		return err
	}
	name := filepath.Join(site.Data, lastGoodSite)
	return errors.Join(
		replaceFile(name, text),
		replaceFile(name+keptFrom, []byte(absolute(site.File))),
	)
}
