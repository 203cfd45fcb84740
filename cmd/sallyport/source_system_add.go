package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/inputs/camera"
	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/web"
)

const (
	// probeTime is how long a device has to say who it is.
	probeTime = 15 * time.Second
	// probeKept is how long what a probe found is remembered, and with it the password.
	probeKept = 10 * time.Minute
	maxProbes = 16
	// maxCameraName bounds a camera's name, as the port does that suggests one.
	maxCameraName = 48
)

// passwordsDir is the folder below the data folder with the passwords of cameras that
// were added over the console, a file each.
const passwordsDir = "passwords"

// probes are the devices that were asked who they are, until they are added or forgotten.
type probes struct {
	one sync.Mutex // held while a device is asked
	mu  sync.Mutex // guards the rest
	all map[string]*probedDevice
}

// probedDevice is a device that was asked, and how.
type probedDevice struct {
	found          *probed
	user, password string
	at             time.Time
	added          string // the camera that it became; then its password is forgotten
}

// keep remembers a device and gives the key by which it is found.
func (p *probes) keep(d *probedDevice) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = make(map[string]*probedDevice)
	}
	for len(p.all) >= maxProbes {
		oldest := ""
		for key, other := range p.all {
			if oldest == "" || other.at.Before(p.all[oldest].at) {
				oldest = key
			}
		}
		delete(p.all, oldest)
	}
	key := rand.Text()
	p.all[key] = d
	time.AfterFunc(probeKept, func() { p.forget(key) })
	return key
}

func (p *probes) find(key string) *probedDevice {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all[key]
}

// became remembers what a device was added as, so that who adds it again is told.
func (p *probes) became(key, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d := p.all[key]; d != nil {
		p.all[key] = &probedDevice{found: d.found, at: d.at, added: name}
	}
}

func (p *probes) forget(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, key)
}

// probe asks a device who it is, one device at a time.
func (s *source) probe(ctx context.Context, who string, q web.ProbeQuery) (web.Probe, error) {
	if err := probable(q); err != nil {
		return web.Probe{}, err
	}
	user := q.Username
	if user == "" && q.Password != "" {
		user = "admin"
	}
	s.service.probes.one.Lock()
	defer s.service.probes.one.Unlock()
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	found, err := probe(ctx, q.URL, user, q.Password, s.site.Location.Zone)
	var refused *client.Error
	switch {
	case unreachable(err):
		err = fmt.Errorf("%s does not answer: %s", q.URL, printable(err.Error()))
	case errors.As(err, &refused) && errors.Is(err, client.ErrLoginRefused) && user == "":
		err = fmt.Errorf("%s wants a login: give the account and its password", q.URL)
	case errors.Is(err, client.ErrLoginRefused):
		err = fmt.Errorf("%s refuses the account or its password; after a few wrong ones it locks the account for some minutes", q.URL)
	case err != nil:
		err = fmt.Errorf("%s: %s", q.URL, refusal(err))
	}
	s.byHand(who, "camera probe "+q.URL, err)
	if err != nil {
		return web.Probe{}, err
	}
	info := found.caps.Info
	out := web.Probe{
		URL: found.url, Name: info.Name, Model: info.Model, MAC: info.MAC, SN: info.SN, Firmware: info.SoftwareVersion,
		Certificate: found.fingerprint, SuggestedName: s.freeCameraName(cameraNameOf(info.Name)), Notes: found.notes(s.site),
	}
	if found.recorder() {
		out.Channels = max(info.Channels, len(found.channels))
	}
	out.Key = s.service.probes.keep(&probedDevice{found: found, user: user, password: q.Password, at: time.Now()})
	return out, nil
}

// probable refuses what is no address of a device.
func probable(q web.ProbeQuery) error {
	address := q.URL
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	switch {
	case strings.Contains(address, "@"): // it is not said again: others see what comes of a probe
		return errors.New("give the account and its password on their own, not in the address")
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/":
		return fmt.Errorf("%q is no address of a device (try http://192.168.0.52)", shorten(q.URL, 100))
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("a device is asked over http or https, not %s", shorten(u.Scheme, 20))
	case strings.ContainsAny(q.Password, "\r\n\x00"):
		return errors.New("the password is not one line")
	}
	return nil
}

// freeCameraName is a name that no camera of the site has yet.
func (s *source) freeCameraName(base string) string {
	name := base
	for n := 2; ; n++ {
		if _, taken := s.site.Camera(name); !taken {
			return name
		}
		name = fmt.Sprintf("%s-%d", base, n)
	}
}

// notes say what the device is and can, for a person.
func (d *probed) notes(site *config.Site) []string {
	var out []string
	say := func(text string) { out = append(out, text) }
	if d.note != "" {
		say(d.note)
	}
	for _, c := range site.Cameras {
		if strings.EqualFold(c.URL, d.url) {
			say(fmt.Sprintf("it is camera %q of the site file already", c.Name))
			break
		}
	}
	if d.recorder() {
		say("it is a recorder: each of its channels becomes a camera")
		say("recorders send no frames: zones and lines need the cameras themselves")
	}
	if d.caps.Plates == client.NoPlateDialect {
		say("it keeps no plate lists")
	} else {
		say("it keeps plate lists")
	}
	if d.caps.Push == client.NoPush {
		say("where it posts to is set in its own page")
	} else {
		say("it can be told to post here")
	}
	if text := clockText(d.clock, d.off); text != "" {
		say("its clock: " + text)
	}
	return out
}

// addCamera writes a device that was asked into the site file, and its password into a
// file of its own.
func (s *source) addCamera(_ context.Context, who string, p web.Probe, as string) (web.Adopted, error) {
	held := s.service.probes.find(p.Key)
	if held == nil {
		return web.Adopted{}, web.RefusedError("this device was asked too long ago; ask it again")
	}
	if held.added != "" {
		return web.Adopted{}, web.RefusedError(fmt.Sprintf("it is added already, as camera %q, which counts after a restart", held.added))
	}
	out, err := s.writeCameras(as, func(site *config.Site, file string) ([]added, []string, func(), error) {
		entries, have, err := held.found.entries(site, file, as)
		switch {
		case err != nil:
			return nil, nil, nil, err
		case len(entries) == 0:
			return nil, nil, nil, fmt.Errorf("it is camera %q already", have[0])
		}
		f := cameraAdd{user: held.user}
		undo := func() {}
		if held.password != "" {
			if s.site.Data == "" {
				return nil, nil, nil, errors.New("there is no data folder to keep the password in")
			}
			f.passwordFile = filepath.Join(s.site.Data, passwordsDir, entries[0].name)
			// A file of a camera that was taken out of the site file may be there still.
			before, failed := os.ReadFile(f.passwordFile)
			if err := keepPassword(f.passwordFile, held.password); err != nil {
				return nil, nil, nil, fmt.Errorf("the password cannot be kept: %w", err)
			}
			undo = func() {
				if failed != nil {
					_ = os.Remove(f.passwordFile)
				} else {
					_ = keepPassword(f.passwordFile, string(before))
				}
			}
		}
		lines, _ := f.write(s.service.process, entries, held.found, held.password, file)
		return entries, lines, undo, nil
	})
	s.byHand(who, "camera add "+held.found.url+" as "+as, err)
	if err == nil {
		s.service.probes.became(p.Key, out.Camera)
	}
	return out, err
}

// keepPassword writes a password's file, which only this program's user can read.
func keepPassword(name, password string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	return replaceFile(name, []byte(password+"\n"))
}

// adopt writes a device that posts, and is no camera yet, into the site file.
func (s *source) adopt(_ context.Context, who string, a web.Adoption) (web.Adopted, error) {
	all := s.port.Unknown()
	i := slices.IndexFunc(all, func(u camera.UnknownDevice) bool {
		d := u.Device
		return u.Remote.String() == a.Remote && d.MAC == a.MAC && d.SN == a.SN && d.Name == a.Name && d.Channel == a.Channel
	})
	if i < 0 {
		return web.Adopted{}, web.NotFoundError("no such device posts here any more, or it is a camera already")
	}
	if all[i].Adopt == "" {
		return web.Adopted{}, web.RefusedError("it cannot be adopted: " + all[i].Reason)
	}
	out, err := s.writeCameras(a.As, func(*config.Site, string) ([]added, []string, func(), error) {
		// The advice is the entry itself, under another name.
		advised, _ := config.Parse("", []byte("cameras:\n"+all[i].Adopt))
		if advised == nil || len(advised.Cameras) != 1 || len(advised.Cameras[0].Match) != 1 {
			return nil, nil, nil, errors.New("the device says nothing by which its posts could be known")
		}
		m := advised.Cameras[0].Match[0]
		return []added{{name: a.As, channel: m.Channel, match: m, posts: true}}, []string{a.As + ":", "  match: " + matchText(m)}, func() {}, nil
	})
	s.byHand(who, "camera adopt "+a.Remote+" as "+a.As, err)
	return out, err
}

// writeCameras writes entries into the site file, one writer at a time. compose gives them
// for the file as it is now, and what takes back what it did besides.
func (s *source) writeCameras(as string, compose func(site *config.Site, file string) (entries []added, lines []string, undo func(), err error)) (web.Adopted, error) {
	if !cameraNamed(as) || len(as) > maxCameraName {
		return web.Adopted{}, web.BadQueryError(fmt.Sprintf("%q is no name for a camera: small letters, digits and dashes, a letter first, at most %d", shorten(as, 100), maxCameraName))
	}
	s.service.writing.Lock()
	defer s.service.writing.Unlock()
	doc, err := openSiteText(&siteFlags{site: s.site.File})
	if err != nil {
		return web.Adopted{}, web.RefusedError(err.Error())
	}
	site, problems := doc.site()
	if config.Failed(problems) {
		return web.Adopted{}, web.RefusedError(doc.file + " has errors; correct them first")
	}
	if _, taken := site.Camera(as); taken {
		return web.Adopted{}, web.RefusedError(fmt.Sprintf("%s has a camera %q already; give another name", doc.file, as))
	}
	entries, lines, undo, err := compose(site, doc.file)
	if err != nil {
		return web.Adopted{}, web.RefusedError(err.Error())
	}
	written := strings.Join(blockOf(lines, "  "), "\n") + "\n"
	next, err := doc.with(entries, lines)
	if err == nil {
		err = doc.replace(next)
	}
	if err != nil {
		undo()
		return web.Adopted{}, web.RefusedError(fmt.Sprintf("%s was not changed: %v. Under cameras: this belongs:\n%s", doc.file, err, written))
	}
	return web.Adopted{Camera: entries[0].name, Lines: written, RestartNeeded: true}, nil
}
