package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/inputs/poll"
	"github.com/sallyport/sallyport/viewtron/client"
)

const (
	// pushEvery is how often a camera is asked where it posts to.
	pushEvery = 10 * time.Minute
	// pushSoon is how long after a camera came back it is asked.
	pushSoon = 5 * time.Second
)

// pushTarget is where a camera posts to.
type pushTarget struct {
	host string
	port int
}

// pushWatch notices that a camera does not post to us any more because its push set-up
// is gone, as after a factory reset.
type pushWatch struct {
	name   string
	device interface {
		GetHttpPostConfig(ctx context.Context) (client.PushConfig, error)
	}
	path    string // with the camera's token; empty without one
	port    int    // ours
	local   func() []netip.Addr
	posting func() bool // it posted of late
	back    <-chan struct{}
	health  *health

	ours []pushTarget // what was seen to be us
}

// pushWatches are one for each camera that can be asked. A recorder's channels cannot.
func (a *appliance) pushWatches(devices map[string]*client.Client) []*pushWatch {
	_, text, err := net.SplitHostPort(a.site.Listen.Cameras)
	port, err2 := strconv.Atoi(text)
	if err != nil || err2 != nil || port == 0 {
		return nil
	}
	var list []*pushWatch
	for i, c := range a.site.Cameras {
		h := a.health.of(c.Name)
		if devices[c.Name] == nil || h.channel {
			continue
		}
		w := &pushWatch{name: c.Name, device: devices[c.Name], port: port, local: localAddresses, back: h.back, health: a.health}
		if a.cameras[i].Token != "" {
			w.path = "/c/" + a.cameras[i].Token
		}
		w.posting = func() bool {
			s := a.port.Stats().Cameras[i]
			return s.Posts > 0 && time.Since(s.LastSeen) < pushEvery
		}
		list = append(list, w)
	}
	return list
}

// localAddresses are this machine's.
func localAddresses() []netip.Addr {
	var list []netip.Addr
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			list = append(list, p.Addr())
		}
	}
	return list
}

// run asks until ctx ends, or the device says that it does not know the question.
func (w *pushWatch) run(ctx context.Context) {
	wait := pushSoon
	for {
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-w.back:
			t.Stop()
			wait = pushSoon // after a reset it is there before it is ready
			continue
		case <-t.C:
		}
		wait = pushEvery
		config, err := w.device.GetHttpPostConfig(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, client.ErrUnknownCommand):
			return
		case err != nil:
			if err = askedOf(err); errors.Is(err, poll.ErrLogin) {
				w.health.refused(w.name, err)
			}
		default:
			w.health.pushes(w.name, w.look(config))
		}
	}
}

// look says whether the camera's set-up is as it should be, as far as that is known.
func (w *pushWatch) look(c client.PushConfig) bool {
	var ours []pushTarget
	known := false
	see := func(t pushTarget, path string) {
		known = known || slices.Contains(w.ours, t)
		if w.isOurs(t, path) {
			ours = append(ours, t)
		}
	}
	if c.V1 != nil && c.V1.On {
		see(pushTarget{c.V1.Server, c.V1.Port}, c.V1.Path)
	}
	for _, s := range c.Slots {
		if s.On {
			see(pushTarget{s.Domain, s.Port}, s.Path)
		}
	}
	if len(ours) > 0 {
		w.ours = ours
	}
	return known || len(ours) > 0 || len(w.ours) == 0
}

// isOurs says whether a camera that posts there posts to us: by our port, and our
// address, the camera's token, or because it does post to us.
func (w *pushWatch) isOurs(t pushTarget, path string) bool {
	if t.port != w.port || t.host == "" {
		return false
	}
	if w.path != "" && strings.HasPrefix(path, w.path) {
		return true
	}
	if a, err := netip.ParseAddr(t.host); err == nil && slices.Contains(w.local(), a.Unmap()) {
		return true
	}
	if name, err := os.Hostname(); err == nil && strings.EqualFold(name, t.host) {
		return true
	}
	return w.posting()
}
