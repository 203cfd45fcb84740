package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/viewtron/client"
)

// exitUnreachable is the exit code of a command whose camera does not answer. A camera
// that answers and refuses is an exitError.
const exitUnreachable = 3

// cameraParts are the commands below `sallyport camera`.
func cameraParts() []command {
	return []command{
		{"info", "NAME [-c sallyport.yaml] [--json]", "who a camera is, what it can do and how it is set up", runCameraInfo},
		{"counts", "NAME [-c sallyport.yaml] [--json]", "how many crossed its counting line", runCameraCounts},
		{"snapshot", "NAME [-c sallyport.yaml] [-o FILE|-]", "a picture, as it is now", runCameraSnapshot},
		{"subscribe", "NAME [-c sallyport.yaml] [--dry-run] [flags]", "have a camera post to this sallyport, and wait until it does", runCameraSubscribe},
		{"add", "URL [NAME] [-c sallyport.yaml] [--user U] [flags]", "ask a device who it is, and write it into the site file", runCameraAdd},
		{"zones", "NAME [-c sallyport.yaml] [--yaml|--json|--accept [WHICH…]|--forget WHICH…]", "a camera's own zones and lines, and which of them rules use with import:", runCameraZones},
	}
}

// cameraGroup is `sallyport camera …`: what is asked of one camera, or set up in it.
func cameraGroup() group { return group{"camera", cameraParts} }

// cameraFlags makes the flag set of a command below `sallyport camera`.
func (p process) cameraFlags(name string) *flag.FlagSet { return cameraGroup().flags(p, name) }

// siteDevice is one camera of the site file, ready to be asked.
type siteDevice struct {
	*client.Client
	site   *config.Site
	camera config.Camera
	// channel is the recorder's channel that the camera is; 0 for a camera.
	channel int
	getenv  func(string) string
}

// openCamera finds the camera that the one argument of a command names. ok is false
// when the command is to end with the code; why was said.
func (p process) openCamera(fs *flag.FlagSet, sf *siteFlags, rest []string) (d *siteDevice, code int, ok bool) {
	switch {
	case len(rest) == 0:
		fmt.Fprintf(p.stderr, "%s: want the name of a camera\n", fs.Name())
		return nil, exitUsage, false
	case len(rest) > 1:
		fmt.Fprintf(p.stderr, "%s: want one camera, got also %q\n", fs.Name(), rest[1])
		return nil, exitUsage, false
	}
	d, err := p.siteCamera(sf, rest[0])
	if err != nil {
		return nil, p.errorf("camera: %v", err), false
	}
	return d, exitOK, true
}

// errSiteFile says that the site file has errors, which were printed.
var errSiteFile = errors.New("the site file has errors")

// siteCamera makes a client for a camera of the site file.
func (p process) siteCamera(sf *siteFlags, name string) (*siteDevice, error) {
	file, site, ok := p.loadSite(sf)
	switch {
	case !ok:
		return nil, errSiteFile
	case file == "":
		return nil, errNoSiteFile
	}
	cam, ok := site.Camera(name)
	switch {
	case !ok && len(site.Cameras) == 0:
		return nil, fmt.Errorf("%s has no cameras; `sallyport camera add` writes one", file)
	case !ok:
		var names []string
		for _, c := range site.Cameras {
			names = append(names, c.Name)
		}
		return nil, fmt.Errorf("%s has no camera %q (it has %s)", file, name, strings.Join(names, ", "))
	case cam.URL == "":
		return nil, fmt.Errorf("camera %q has no url in %s, so it cannot be asked", name, file)
	}
	// What the others need does not matter here.
	one := *site
	one.Cameras = []config.Camera{cam}
	clients, err := deviceClients(&one, p)
	if err != nil {
		return nil, err
	}
	return &siteDevice{Client: clients[name], site: site, camera: cam, channel: outputChannel(site, name), getenv: p.getenv}, nil
}

// unreachable says that an error means that a device did not answer, not that it
// answered something else than what was wanted.
func unreachable(err error) bool {
	var refused *client.Error
	var network net.Error
	return err != nil && !errors.As(err, &refused) &&
		(errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded))
}

// failed says why a camera did not do what it was asked, and gives the exit code.
func (p process) failed(name string, err error) int {
	if unreachable(err) {
		p.errorf("camera %q does not answer: %s", name, printable(err.Error()))
		return exitUnreachable
	}
	return p.errorf("camera %q: %s", name, refusal(err))
}

// refusal is what a camera refused, and what to do about it when that is known.
func refusal(err error) string {
	text := printable(err.Error())
	var pin *client.CertificateError
	switch {
	case errors.As(err, &pin):
		return text + "; when it has got a new one, correct its tls_pin in the site file, or take its line out of pins.json in the data folder"
	case errors.Is(err, client.ErrLoginRefused):
		return text + "; correct its username and password: it is not tried again now, because a few wrong ones lock the account"
	case errors.Is(err, client.ErrNoPlateLists):
		return text + "; when it reads no plates, write lists: none for it into the site file"
	}
	return text
}

// howFar is a length of time for people: seconds with one decimal below a minute,
// else whole seconds.
func howFar(d time.Duration) string {
	if d = d.Abs(); d < time.Minute {
		return tenths(d)
	}
	return d.Round(time.Second).String()
}
