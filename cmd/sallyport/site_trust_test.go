package main

import (
	"net/netip"
	"testing"

	"github.com/sallyport/sallyport/config"
)

// TestTrustedCameras shows which cameras rules may take at their word: those that need a token or an address.
func TestTrustedCameras(t *testing.T) {
	ip := config.Match{IP: netip.MustParsePrefix("192.168.0.52/32")}
	mac := config.Match{MAC: "58:5b:69:5f:42:1b"}
	site := ruleSite(&config.Site{Cameras: []config.Camera{
		{Name: "token", Match: []config.Match{mac}, Token: config.PlainSecret("t")},
		{Name: "ip", Match: []config.Match{ip}},
		{Name: "mac", Match: []config.Match{mac}},
		{Name: "either", Match: []config.Match{ip, mac}},
		{Name: "anywhere", Match: []config.Match{{IP: netip.MustParsePrefix("0.0.0.0/0")}}},
	}})
	for name, want := range map[string]bool{"token": true, "ip": true, "mac": false, "either": false, "anywhere": false} {
		if got := site.Known[name].Trusted; got != want {
			t.Errorf("%s: trusted %v, want %v", name, got, want)
		}
	}
}
