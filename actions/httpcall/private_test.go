package httpcall

import (
	"net/netip"
	"testing"
)

func TestWhichAddressesAreNotPublic(t *testing.T) {
	for addr, want := range map[string]string{
		"0.0.0.0": "an unspecified address", "::": "an unspecified address",
		"127.0.0.1": "a loopback address", "127.255.0.9": "a loopback address", "::1": "a loopback address",
		"10.0.0.1": "a private address", "172.31.255.255": "a private address", "192.168.0.9": "a private address", "fd00::1": "a private address",
		"169.254.169.254": "a link-local address", "fe80::1": "a link-local address",
		"224.0.0.1": "a multicast address", "239.255.255.250": "a multicast address", "ff02::1": "a multicast address",
		"100.64.0.1": "a shared address (CGNAT)", "100.127.255.255": "a shared address (CGNAT)",
		"0.1.2.3": "a reserved address", "255.255.255.255": "a reserved address", "192.0.0.8": "a reserved address", "198.19.0.1": "a reserved address",
		"fec0::1": "a site-local address", "64:ff9b:1::8.8.8.8": "a private address (local NAT64)", "100::1": "a reserved address",
		// IPv4 addresses inside.
		"::ffff:127.0.0.1": "a loopback address", "::ffff:10.1.2.3": "a private address", "::127.0.0.1": "a loopback address",
		"2002:7f00:1::": "a loopback address", "2002:c0a8:1::1": "a private address",
		"64:ff9b::192.168.1.1": "a private address", "64:ff9b::a9fe:a9fe": "a link-local address",
		"::ffff:0:10.0.0.1":        "a private address",
		"2001:0:1:2:3:4:3f57:fefe": "a private address", // 192.168.1.1, inverted
		// The public network.
		"8.8.8.8": "", "172.32.0.1": "", "100.128.0.1": "", "2606:4700::1111": "", "::ffff:8.8.8.8": "", "2002:808:808::1": "",
		"64:ff9b::8.8.8.8": "", "2001:0:1:2:3:4:f7f7:f7f7": "", "192.169.0.1": "", "169.253.0.1": "",
	} {
		if got := private(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %q, want %q", addr, got, want)
		}
	}
}

func TestAWebhookIsSignedAsTheStandardSays(t *testing.T) {
	// The first is the vector of the standard's own libraries.
	for _, tt := range []struct{ secret, id, stamp, body, want string }{
		{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", `{"test": 2432232314}`, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
		{"1ä", "run-7-do0-ab", "0", "", "v1,mMlxZj1Vzkfpl16e//rx2yXM99SUjcT79Tj/DhEYrDo="},
	} {
		key, err := signKey(tt.secret)
		if err != nil {
			t.Fatal(err)
		}
		if got := signature(key, tt.id, tt.stamp, []byte(tt.body)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.id, got, tt.want)
		}
	}
	for secret, want := range map[string]string{
		"": "it is empty", "whsec_": "it is empty", " \n": "it is empty", "whsec_?": "what follows whsec_ is not base64",
	} {
		if _, err := signKey(secret); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", secret, err, want)
		}
	}
}
