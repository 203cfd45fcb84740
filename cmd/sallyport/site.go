package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/engine/scene"
	"github.com/sallyport/sallyport/inputs/camera"
)

// siteFlags are the flags of every command that reads the site file.
type siteFlags struct {
	site, rules string
}

func (f *siteFlags) add(fs *flag.FlagSet) {
	f.addSite(fs)
	fs.StringVar(&f.rules, "rules", "", "the `folder` with the rule files (default rules.d next to the site file)")
}

// addSite adds the flag for the site file alone.
func (f *siteFlags) addSite(fs *flag.FlagSet) {
	fs.StringVar(&f.site, "c", "", "the site `file` (default sallyport.yaml, else /etc/sallyport/sallyport.yaml)")
}

// errNoSiteFile is what a command says that cannot do without one.
var errNoSiteFile = errors.New("there is no sallyport.yaml here nor in /etc/sallyport; name one with -c")

// siteFile is the site file to read; empty when none was named and none is there.
func (f *siteFlags) siteFile() string {
	if f.site != "" {
		return f.site
	}
	for _, name := range []string{"sallyport.yaml", "/etc/sallyport/sallyport.yaml"} {
		if _, err := os.Stat(name); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return name
		}
	}
	return ""
}

// rulesDir is the folder with the rule files of a site.
func (f *siteFlags) rulesDir(siteFile string) string {
	if f.rules != "" {
		return f.rules
	}
	return filepath.Join(filepath.Dir(siteFile), "rules.d")
}

// printProblems writes every problem with its place, and says whether one is an error.
func printSiteProblems(w io.Writer, problems []config.Problem) (failed bool) {
	for _, p := range problems {
		fmt.Fprintln(w, p.Detail())
	}
	return config.Failed(problems)
}

func printRuleProblems(w io.Writer, problems []rulefile.Problem) (failed bool) {
	for _, p := range problems {
		fmt.Fprintln(w, p.String())
	}
	return rulefile.Failed(problems)
}

// ruleSite is what the rule loader may know of a site. A nil site takes the
// names that rules use as given.
func ruleSite(site *config.Site) rulefile.Site {
	if site == nil {
		return rulefile.Site{Open: true}
	}
	s := rulefile.Site{
		Relays:        make(map[string]rulefile.RelayInfo, len(site.Relays)),
		AllowPrograms: site.AllowPrograms,
		AllowShell:    site.AllowShell,
		Location:      site.Location.Zone,
		Latitude:      site.Location.Latitude,
		Longitude:     site.Location.Longitude,
		HasPlace:      site.Location.Known,
	}
	s.Known = make(map[string]rulefile.CameraInfo, len(site.Cameras))
	for _, c := range site.Cameras {
		s.Cameras = append(s.Cameras, c.Name)
		// One mapping without an address lets anybody in.
		open := slices.ContainsFunc(c.Match, func(m config.Match) bool { return !m.IP.IsValid() || m.IP.Bits() == 0 })
		for _, l := range c.Lists {
			s.PlateLists = append(s.PlateLists, l.Local)
		}
		s.Known[c.Name] = rulefile.CameraInfo{Trusted: !c.Token.IsZero() || !open, URL: c.URL != ""}
	}
	for _, l := range site.Plates.Lists {
		s.PlateLists = append(s.PlateLists, l.Local)
	}
	for _, r := range site.Relays {
		s.Relays[r.Name] = rulefile.RelayInfo{MaxOn: r.MaxOn}
	}
	for _, c := range site.Contacts {
		s.Contacts = append(s.Contacts, c.Name)
	}
	for _, n := range site.Notifiers {
		s.Notifiers = append(s.Notifiers, n.Name)
	}
	for _, n := range site.Secrets {
		s.Secrets = append(s.Secrets, n.Name)
	}
	s, _ = siteImports(s, importsPath(site.Data))
	return s
}

// engineOptions are the parts of a site that decisions depend on.
func engineOptions(site *config.Site) engine.Options {
	o := engine.DefaultOptions()
	if site != nil {
		o.Tracking = scene.Options{Timeout: site.Tracking.Timeout, Rejoin: site.Tracking.Rejoin}
		o.Late = site.Late
		o.VisitGap = site.Plates.VisitGap
	}
	return o
}

// inputCameras are a site's cameras as the camera input matches them.
func inputCameras(site *config.Site, p process) ([]camera.Camera, error) {
	var cams []camera.Camera
	var errs []error
	for _, c := range site.Cameras {
		token, err := c.Token.Value(p.getenv, os.ReadFile)
		if err != nil {
			errs = append(errs, fmt.Errorf("camera %q: token: %w", c.Name, err))
			continue
		}
		in := camera.Camera{Name: c.Name, Token: token}
		for _, m := range c.Match {
			channel := m.Channel
			if channel == config.ChannelAny {
				channel = camera.ChannelAny
			}
			in.Match = append(in.Match, camera.Match{MAC: m.MAC, SN: m.SN, Name: m.Name, IP: m.IP, Channel: channel})
		}
		cams = append(cams, in)
	}
	return cams, errors.Join(errs...)
}

// anyAddress are mappings that every post fits.
func anyAddress() []camera.Match {
	return []camera.Match{
		{IP: netip.PrefixFrom(netip.IPv4Unspecified(), 0)},
		{IP: netip.PrefixFrom(netip.IPv6Unspecified(), 0)},
	}
}
