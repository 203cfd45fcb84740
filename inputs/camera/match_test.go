package camera

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine"
)

// TestMatching goes through the rules of the site file's `match`: who posted
// before, what is posted, and whose it is.
func TestMatching(t *testing.T) {
	porch := Camera{Name: "porch", Match: []Match{{MAC: porchMAC}}}
	gate := Camera{Name: "gate", Match: []Match{{MAC: gateMAC, IP: prefix("10.0.0.2/32")}}}
	front := Camera{Name: "front", Match: []Match{{IP: prefix("10.0.0.9/32"), Channel: 1}}}
	yard := Camera{Name: "yard", Match: []Match{{IP: prefix("10.0.0.9/32"), Channel: 2}}}
	rest := Camera{Name: "rest", Match: []Match{{IP: prefix("10.0.0.9/32"), Channel: ChannelAny}}}
	drive := Camera{Name: "drive", Match: []Match{{IP: prefix("10.0.0.9/32"), Channel: 1}}, Token: "s3cret"}
	type post struct{ remote, path, body string }
	plate := plateV1("ABC1234")
	for _, c := range []struct {
		name    string
		cameras []Camera
		before  []post
		post    post
		want    string
	}{
		{"by mac from anywhere", []Camera{porch, gate}, nil, post{"192.168.7.7", "/API", trajectory(porchMAC)}, "porch"},
		{"every key agrees", []Camera{porch, gate}, nil, post{"10.0.0.2", "/", trajectory(gateMAC)}, "gate"},
		{"the mac agrees, the address does not", []Camera{porch, gate}, nil, post{"10.0.0.3", "/API", trajectory(gateMAC)}, "unknown"},
		{"the address agrees, the mac does not", []Camera{gate}, nil, post{"10.0.0.2", "/API", trajectory(porchMAC)}, "unknown"},
		{"an IPv4 address inside IPv6", []Camera{gate}, nil, post{"::ffff:10.0.0.2", "/API", trajectory(gateMAC)}, "gate"},
		{"a whole network", []Camera{{Name: "net", Match: []Match{{IP: prefix("10.0.0.0/8")}}}}, nil, post{"10.9.9.9", "/API", trajectory(porchMAC)}, "net"},
		{"by serial number", []Camera{{Name: "sn", Match: []Match{{SN: "SN1"}}}}, nil, post{"10.9.9.9", "/API", trajectory(porchMAC)}, "sn"},
		{"by name", []Camera{{Name: "named", Match: []Match{{Name: "Front"}}}}, nil, post{"10.9.9.9", "/API", trajectory(porchMAC)}, "named"},
		{"a key the post does not carry is left aside", []Camera{{Name: "both", Match: []Match{{SN: "other", MAC: nvrMAC}}}}, nil, post{"10.9.9.9", "/API", intrusionV2(nvrMAC, 1)}, "both"},
		{"a second mapping of one camera", []Camera{{Name: "two", Match: []Match{{MAC: gateMAC}, {MAC: porchMAC}}}}, nil, post{"10.9.9.9", "/API", trajectory(porchMAC)}, "two"},
		{"two mappings of one camera both fit", []Camera{{Name: "two", Match: []Match{{SN: "SN1"}, {MAC: porchMAC}}}}, nil, post{"10.9.9.9", "/API", trajectory(porchMAC)}, "two"},
		{"two cameras fit", []Camera{porch, {Name: "sn", Match: []Match{{SN: "SN1"}}}}, nil, post{"10.9.9.9", "/API", trajectory(porchMAC)}, "ambiguous"},
		{"no mapping at all", []Camera{{Name: "none"}}, nil, post{"10.9.9.9", "/API", trajectory(porchMAC)}, "unknown"},

		{"nothing said, nothing known", []Camera{porch}, nil, post{"10.0.0.1", "/API", plate}, "unknown"},
		{"nothing said, by address", []Camera{porch, gate}, nil, post{"10.0.0.2", "/API", plate}, "gate"},
		{"nothing said, known from its trajectories", []Camera{porch, gate}, []post{{"10.0.0.1", "/API", trajectory(porchMAC)}}, post{"10.0.0.1", "/API", plate}, "porch"},
		{"nothing said, another address", []Camera{porch, gate}, []post{{"10.0.0.1", "/API", trajectory(porchMAC)}}, post{"10.0.0.4", "/API", plate}, "unknown"},
		{"who posted from there comes before ip", []Camera{porch, {Name: "addr", Match: []Match{{IP: prefix("10.0.0.1/32"), SN: "else"}}}}, []post{{"10.0.0.1", "/API", trajectory(porchMAC)}}, post{"10.0.0.1", "/API", plate}, "porch"},
		{"two post from there, ip decides", []Camera{porch, gate}, []post{{"10.0.0.2", "/API", trajectory(porchMAC)}, {"10.0.0.2", "/API", trajectory(gateMAC)}}, post{"10.0.0.2", "/API", plate}, "gate"},
		{"two post from there, no ip", []Camera{porch, {Name: "gate", Match: []Match{{MAC: gateMAC}}}}, []post{{"10.0.0.2", "/API", trajectory(porchMAC)}, {"10.0.0.2", "/API", trajectory(gateMAC)}}, post{"10.0.0.2", "/API", plate}, "unknown"},
		{"strangers teach nothing", []Camera{porch}, []post{{"10.0.0.1", "/API", trajectory(gateMAC)}}, post{"10.0.0.1", "/API", plate}, "unknown"},
		{"an empty heartbeat is like any post that says nothing", []Camera{porch}, []post{{"10.0.0.1", "/API", trajectory(porchMAC)}}, post{"10.0.0.1", "/API", ""}, "porch"},
		{"two addresses match", []Camera{front, {Name: "twin", Match: []Match{{IP: prefix("10.0.0.0/24")}}}}, nil, post{"10.0.0.9", "/API", plate}, "twin"},

		{"a channel", []Camera{front, yard}, nil, post{"10.0.0.9", "/API", intrusionV2(nvrMAC, 2)}, "yard"},
		{"another channel", []Camera{front, yard}, nil, post{"10.0.0.9", "/API", intrusionV2(nvrMAC, 3)}, "unknown"},
		{"no channel, two cameras of the recorder", []Camera{front, yard}, nil, post{"10.0.0.9", "/API", intrusionV2(nvrMAC, 0)}, "no channel"},
		{"no channel, the only one", []Camera{front}, nil, post{"10.0.0.9", "/API", intrusionV2(nvrMAC, 0)}, "front"},
		{"no channel, any", []Camera{front, yard, rest}, nil, post{"10.0.0.9", "/API", intrusionV2(nvrMAC, 0)}, "rest"},
		{"a channel that any takes too", []Camera{front, rest}, nil, post{"10.0.0.9", "/API", intrusionV2(nvrMAC, 1)}, "ambiguous"},
		{"a channel only any takes", []Camera{front, rest}, nil, post{"10.0.0.9", "/API", intrusionV2(nvrMAC, 7)}, "rest"},

		{"a token", []Camera{drive}, nil, post{"10.0.0.9", "/c/s3cret", intrusionV2(nvrMAC, 1)}, "drive"},
		{"a token and what legacy cameras add", []Camera{drive}, nil, post{"10.0.0.9", "/c/s3cret/SendAlarmStatus", intrusionV2(nvrMAC, 1)}, "drive"},
		{"no token", []Camera{drive}, nil, post{"10.0.0.9", "/API", intrusionV2(nvrMAC, 1)}, "unknown"},
		{"a wrong token", []Camera{drive}, nil, post{"10.0.0.9", "/c/s3cre", intrusionV2(nvrMAC, 1)}, "unknown"},
		{"the name is no token", []Camera{drive}, nil, post{"10.0.0.9", "/c/drive", intrusionV2(nvrMAC, 1)}, "unknown"},
		{"a token from a wrong address", []Camera{drive}, nil, post{"10.0.0.8", "/c/s3cret", intrusionV2(nvrMAC, 1)}, "unknown"},
		{"a token keeps others out", []Camera{drive, porch}, nil, post{"10.0.0.1", "/c/s3cret", trajectory(porchMAC)}, "unknown"},
		{"others on any path", []Camera{drive, porch}, nil, post{"10.0.0.1", "/c/else", trajectory(porchMAC)}, "porch"},
		{"a token tells who says nothing", []Camera{{Name: "tok", Match: []Match{{MAC: gateMAC}}, Token: "abc"}}, nil, post{"10.0.0.1", "/c/abc", plate}, "tok"},
		{"a token and no mapping", []Camera{{Name: "tok", Token: "abc"}}, nil, post{"10.0.0.1", "/c/abc", plate}, "tok"},
		{"what was learnt with a token needs it", []Camera{{Name: "tok", Match: []Match{{MAC: porchMAC}}, Token: "abc"}}, []post{{"10.0.0.1", "/c/abc", trajectory(porchMAC)}}, post{"10.0.0.1", "/API", plate}, "unknown"},
		{"a recorded token", []Camera{drive}, nil, post{"10.0.0.9", "/c/~drive", intrusionV2(nvrMAC, 1)}, "drive"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewReader(NewMatcher(c.cameras))
			for _, p := range c.before {
				read(t, r, p.remote, p.path, p.body)
			}
			for range 2 { // the second time from what is kept at hand
				events, v := read(t, r, c.post.remote, c.post.path, c.post.body)
				got := v.String()
				if v == Matched {
					got = events[0].Camera
				}
				if got != c.want {
					t.Fatalf("got %s, want %s", got, c.want)
				}
			}
		})
	}
}

// TestRecordedTokenIsNoToken shows that the way a recording names a token opens
// nothing on the port itself.
func TestRecordedTokenIsNoToken(t *testing.T) {
	p := New(Config{Cameras: []Camera{{Name: "drive", Token: "s3cret"}}})
	for path, want := range map[string]uint64{"/c/~drive": 0, "/c/s3cret": 1} {
		before := p.Stats().Cameras[0].Posts
		if got := post(t, p, path, trajectory(porchMAC)); got != 200 {
			t.Fatalf("%s: status %d", path, got)
		}
		if got := p.Stats().Cameras[0].Posts - before; got != want {
			t.Errorf("%s: %d posts taken, want %d", path, got, want)
		}
	}
	it, _ := p.Take()
	if it.Path != "/c/~drive" {
		t.Errorf("recorded path %q", it.Path)
	}
}

// TestMovedAway shows that an address is given on: a camera silent for an hour
// while another posts from there no longer counts.
func TestMovedAway(t *testing.T) {
	r := NewReader(NewMatcher([]Camera{{Name: "porch", Match: []Match{{MAC: porchMAC}}}, {Name: "gate", Match: []Match{{MAC: gateMAC}}}}))
	at := func(d time.Duration, body string) string {
		events, v, err := r.Read(noon.Add(d), ip("10.0.0.1"), "/", []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if v == Matched {
			return events[0].Camera
		}
		return v.String()
	}
	at(0, trajectory(porchMAC))
	at(time.Minute, trajectory(gateMAC))
	if got := at(2*time.Minute, plateV1("A1")); got != "unknown" {
		t.Errorf("two cameras at one address: %s", got)
	}
	at(61*time.Minute, trajectory(gateMAC))
	if got := at(62*time.Minute, plateV1("A1")); got != "gate" {
		t.Errorf("an hour later: %s", got)
	}
	if got := at(24*time.Hour, plateV1("A1")); got != "gate" {
		t.Errorf("the last one to post stays: %s", got)
	}
}

// TestUnknownDevices shows the list of strangers and the lines that adopt them.
func TestUnknownDevices(t *testing.T) {
	m := NewMatcher([]Camera{
		{Name: "drive", Match: []Match{{MAC: nvrMAC}}, Token: "s3cret"},
		{Name: "recorder"}, {Name: "a", Match: []Match{{SN: "SN1"}}}, {Name: "b", Match: []Match{{SN: "SN1"}}},
	})
	r := NewReader(m)
	read(t, r, "10.0.0.4", "/API", plateV1("ABC1234"))
	read(t, r, "10.0.0.4", "/API", plateV1("XYZ"))
	read(t, r, "10.0.0.9", "/API", intrusionV2(gateMAC, 3))
	read(t, r, "10.0.0.9", "/API", intrusionV2(nvrMAC, 1))
	read(t, r, "10.0.0.5", "/API", `<config version="1.7"><alarmStatusInfo><motionAlarm id="1">true</motionAlarm></alarmStatusInfo><deviceName><![CDATA[2 "Tor" Süd: #1]]></deviceName></config>`)
	read(t, r, "10.0.0.6", "/API", trajectory(porchMAC))

	const stranger = "no camera of the site file fits"
	got := m.Unknown()
	slices.SortStableFunc(got, func(a, b UnknownDevice) int { return a.Remote.Compare(b.Remote) })
	var lines []string
	for _, u := range got {
		lines = append(lines, fmt.Sprintf("%s %s %d: %s\n%s", u.Remote, u.Kind, u.Posts, u.Reason, u.Adopt))
	}
	want := []string{
		"10.0.0.4 plate 2: " + stranger + "\n# under cameras:\n  camera:\n    match: {ip: \"10.0.0.4\"}\n",
		"10.0.0.5 alarm 1: " + stranger + "\n# under cameras:\n  tor-sd-1:\n    match: {name: \"2 \\\"Tor\\\" S\\u00fcd: #1\", ip: \"10.0.0.5\"}\n",
		"10.0.0.9 intrusion 1: " + stranger + "\n# under cameras:\n  recorder-3:\n    match: {mac: \"58:5b:69:00:00:02\", channel: 3}\n",
		"10.0.0.9 intrusion 1: camera \"drive\" takes posts only at /c/<its token>\n",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	a := m.Ambiguous()
	if len(a) != 1 || fmt.Sprint(a[0].Cameras) != "[a b]" || a[0].Device.MAC != porchMAC ||
		a[0].Reason != "it fits 2 cameras; add a key to their `match` that tells them apart" {
		t.Errorf("ambiguous: %+v", a)
	}
}

// TestListsAreBounded shows that a device cannot fill the memory or push others
// off the list.
func TestListsAreBounded(t *testing.T) {
	m := NewMatcher([]Camera{{Name: "porch", Match: []Match{{MAC: porchMAC}}}})
	r := NewReader(m)
	read(t, r, "10.0.0.1", "/", trajectory(gateMAC))
	for i := range 5000 {
		read(t, r, "10.6.6.6", "/", intrusionV2(fmt.Sprintf("66:66:66:66:%02x:%02x", i>>8, i&255), 1))
	}
	u := m.Unknown()
	if len(u) != 1+maxListedAddress {
		t.Errorf("%d entries, want %d", len(u), 1+maxListedAddress)
	}
	if !slices.ContainsFunc(u, func(d UnknownDevice) bool { return d.Device.MAC == gateMAC }) {
		t.Errorf("the first device was pushed off the list")
	}
	if n := len(m.senders); n > maxSenders {
		t.Errorf("%d senders kept", n)
	}
	for i := range 3000 {
		read(t, r, fmt.Sprintf("10.1.%d.%d", i>>8, i&255), "/", trajectory(porchMAC))
	}
	if len(m.places) > maxPlaces || len(m.order) != len(m.places) {
		t.Errorf("%d places, %d in order", len(m.places), len(m.order))
	}
	if unknown, _ := m.unmatched(); unknown != 5001 {
		t.Errorf("%d posts counted, want 5001", unknown)
	}
}

// TestHeartbeatOfARecorder shows that a heartbeat without a channel is one of every
// camera of the recorder, and neither a stranger nor in doubt.
func TestHeartbeatOfARecorder(t *testing.T) {
	m := NewMatcher([]Camera{
		{Name: "front", Match: []Match{{MAC: nvrMAC, Channel: 1}}}, {Name: "yard", Match: []Match{{MAC: nvrMAC, Channel: 2}}},
	})
	r := NewReader(m)
	events, v := read(t, r, "10.0.0.9", "/", keepaliveV2(nvrMAC))
	if v != Matched || len(events) != 2 || events[0].Camera != "front" || events[1].Camera != "yard" ||
		events[0].Kind != engine.KindHeartbeat || events[1].Kind != engine.KindHeartbeat {
		t.Errorf("verdict %v, events %v", v, events)
	}
	if len(m.Unknown())+len(m.Ambiguous()) != 0 {
		t.Errorf("listed: %v %v", m.Unknown(), m.Ambiguous())
	}
	read(t, r, "10.0.0.9", "/", intrusionV2(nvrMAC, 0))
	a := m.Ambiguous()
	if len(a) != 1 || a[0].Reason != "it comes from a recorder of the site file and names no channel; write `channel: any` at the camera whose it is" {
		t.Errorf("%+v", a)
	}
}
