package camera

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// posted is one post of a test.
type posted struct{ remote, body string }

// nameOnly is an alarm of a device that says nothing but its name.
func nameOnly(name string) string {
	return `<config version="1.7"><alarmStatusInfo><motionAlarm id="1">true</motionAlarm></alarmStatusInfo><deviceName><![CDATA[` + name + `]]></deviceName></config>`
}

// TestAdoptTogether takes everything that the list of unknown devices proposes into the
// site and shows the posts again: no post may fit two of the new cameras.
func TestAdoptTogether(t *testing.T) {
	for _, c := range []struct {
		name  string
		posts []posted
		want  []string // what is listed, in the order of the addresses: name and reason, then the proposal
		whose []string // of each post after the adoption
	}{
		{
			"a camera that does not always say who it is",
			[]posted{{"10.0.0.4", plateV1("A1")}, {"10.0.0.4", trajectory(porchMAC)}, {"10.0.0.4", trajectory(porchMAC)}},
			[]string{
				": it says nothing of itself and an unknown device posts from its address; adopt that one (\"front\") first\n",
				"Front: no camera of the site file fits\n# under cameras:\n  front:\n    match: {mac: \"58:5b:69:00:00:01\"}\n",
			},
			[]string{"unknown", "front", "front"},
		},
		{
			"a recorder",
			[]posted{{"10.0.0.9", keepaliveV2(nvrMAC)}, {"10.0.0.9", intrusionV2(nvrMAC, 1)}, {"10.0.0.9", intrusionV2(nvrMAC, 2)}},
			[]string{
				"Recorder: it is the heartbeat of a recorder; adopt the recorder's channels, which are listed when they post\n",
				"Recorder: no camera of the site file fits\n# under cameras:\n  recorder-1:\n    match: {mac: \"58:5b:69:00:00:09\", channel: 1}\n",
				"Recorder: no camera of the site file fits\n# under cameras:\n  recorder-2:\n    match: {mac: \"58:5b:69:00:00:09\", channel: 2}\n",
			},
			[]string{"recorder-1 recorder-2", "recorder-1", "recorder-2"},
		},
		{
			"a heartbeat alone",
			[]posted{{"10.0.0.9", keepaliveV2(nvrMAC)}},
			[]string{"Recorder: no camera of the site file fits; if it is a recorder, its channels are listed when they post: adopt those instead\n" +
				"# under cameras:\n  recorder:\n    match: {mac: \"58:5b:69:00:00:09\"}\n"},
			[]string{"recorder"},
		},
		{
			"two cameras of one name",
			[]posted{{"10.0.0.4", trajectory(porchMAC)}, {"10.0.0.5", trajectory(gateMAC)}},
			[]string{
				"Front: no camera of the site file fits\n# under cameras:\n  front:\n    match: {mac: \"58:5b:69:00:00:01\"}\n",
				"Front: no camera of the site file fits\n# under cameras:\n  front-2:\n    match: {mac: \"58:5b:69:00:00:02\"}\n",
			},
			[]string{"front", "front-2"},
		},
		{
			"one camera from two addresses",
			[]posted{{"10.0.0.4", trajectory(porchMAC)}, {"10.0.0.5", trajectory(porchMAC)}},
			[]string{
				"Front: no camera of the site file fits\n# under cameras:\n  front:\n    match: {mac: \"58:5b:69:00:00:01\"}\n",
				"Front: it is probably the unknown device that is listed to be adopted as \"front\"; adopt that one first\n",
			},
			[]string{"front", "front"},
		},
		{
			"a camera that at times says only its name",
			[]posted{{"10.0.0.4", nameOnly("Front")}, {"10.0.0.4", trajectory(porchMAC)}, {"10.0.0.5", nameOnly("Front")}},
			[]string{
				"Front: it is probably the unknown device that is listed to be adopted as \"front\"; adopt that one first\n",
				"Front: no camera of the site file fits\n# under cameras:\n  front:\n    match: {mac: \"58:5b:69:00:00:01\"}\n",
				"Front: no camera of the site file fits\n# under cameras:\n  front-2:\n    match: {name: \"Front\", ip: \"10.0.0.5\"}\n",
			},
			[]string{"unknown", "front", "front-2"},
		},
		{
			"a name too long for a site file",
			[]posted{{"10.0.0.4", nameOnly(strings.Repeat("n", 400))}},
			[]string{strings.Repeat("n", 64) + "…: no camera of the site file fits\n# under cameras:\n  camera:\n    match: {ip: \"10.0.0.4\"}\n"},
			[]string{"camera"},
		},
		{
			"nothing to know it by",
			[]posted{{"", plateV1("A1")}},
			[]string{": no camera of the site file fits, and it shows nothing to know it by\n"},
			[]string{"unknown"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := NewMatcher(nil)
			whose(t, NewReader(m), c.posts)
			got := m.Unknown()
			slices.SortStableFunc(got, func(a, b UnknownDevice) int {
				return cmp.Or(a.Remote.Compare(b.Remote), cmp.Compare(a.Device.MAC, b.Device.MAC), cmp.Compare(a.Device.Channel, b.Device.Channel))
			})
			var lines []string
			for _, u := range got {
				lines = append(lines, fmt.Sprintf("%s: %s\n%s", u.Device.Name, u.Reason, u.Adopt))
			}
			if !slices.Equal(lines, c.want) {
				t.Errorf("listed\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(c.want, "\n"))
			}
			if now := whose(t, NewReader(NewMatcher(adopted(t, m))), c.posts); !slices.Equal(now, c.whose) {
				t.Errorf("adopted, the posts are %q, want %q", now, c.whose)
			}
		})
	}
}

// TestAdoptTogetherWhoever does so with many devices that say ever another part of
// themselves; a recorder always says its MAC address with the channel.
func TestAdoptTogetherWhoever(t *testing.T) {
	var posts []posted
	for i := range 512 {
		var b strings.Builder
		b.WriteString(`<config version="2.0.0"><messageType>alarmData</messageType><deviceInfo>`)
		if i&3 != 0 {
			fmt.Fprintf(&b, "<mac>58:5b:69:00:00:%02x</mac>", i&3)
		}
		if i>>2&1 != 0 {
			b.WriteString("<sn>S1</sn>")
		}
		if i>>3&3 != 0 {
			fmt.Fprintf(&b, "<deviceName>N%d</deviceName>", i>>3&3)
		}
		if i&3 != 0 && i>>5&3 != 0 {
			fmt.Fprintf(&b, "<channelId>%d</channelId>", i>>5&3)
		}
		b.WriteString("</deviceInfo><smartType>regionIntrusion</smartType></config>")
		posts = append(posts, posted{fmt.Sprintf("10.0.0.%d", i*7%61), b.String()})
	}
	m := NewMatcher([]Camera{{Name: "n1"}, {Name: "camera"}})
	whose(t, NewReader(m), posts)
	cameras := adopted(t, m)
	if len(cameras) < 8 {
		t.Errorf("only %d cameras are proposed", len(cameras))
	}
	list := m.Unknown()
	after := NewMatcher(cameras)
	for _, u := range list {
		if fits, _ := after.fits(identityOf(mappable(u.Device), u.Remote)); len(fits) > 1 {
			t.Errorf("%+v from %s fits %d of the proposed cameras", u.Device, u.Remote, len(fits))
		}
		if u.Reason == "" {
			t.Errorf("%+v: no reason", u.Device)
		}
	}
}

// whose shows posts, and says whose each is.
func whose(t *testing.T, r *Reader, posts []posted) []string {
	t.Helper()
	var list []string
	for _, p := range posts {
		var remote netip.Addr
		if p.remote != "" {
			remote = ip(p.remote)
		}
		events, v, err := r.Read(noon, remote, "/API", []byte(p.body))
		if err != nil {
			t.Fatalf("Read: %v\n%s", err, p.body)
		}
		if v != Matched {
			list = append(list, v.String())
			continue
		}
		var names []string
		for _, e := range events {
			if !slices.Contains(names, e.Camera) {
				names = append(names, e.Camera)
			}
		}
		list = append(list, strings.Join(names, " "))
	}
	return list
}

// adopted reads the proposals of a matcher back, with their names unlike each other and
// unlike those of the cameras there are.
func adopted(t *testing.T, m *Matcher) []Camera {
	t.Helper()
	taken := m.Cameras()
	var cameras []Camera
	for _, u := range m.Unknown() {
		if u.Adopt == "" {
			continue
		}
		lines := strings.Split(u.Adopt, "\n")
		if len(lines) != 4 || lines[0] != "# under cameras:" || lines[3] != "" {
			t.Fatalf("proposal %q", u.Adopt)
		}
		c := Camera{Name: strings.TrimSuffix(strings.TrimPrefix(lines[1], "  "), ":")}
		if slices.Contains(taken, c.Name) {
			t.Errorf("the name %q is proposed twice or taken", c.Name)
		}
		taken = append(taken, c.Name)
		var e Match
		keys := strings.TrimSuffix(strings.TrimPrefix(lines[2], "    match: {"), "}")
		for _, pair := range strings.Split(keys, ", ") {
			key, value, _ := strings.Cut(pair, ": ")
			value = strings.Trim(value, `"`)
			switch key {
			case "mac":
				e.MAC = value
			case "sn":
				e.SN = value
			case "name":
				e.Name = value
			case "ip":
				a := ip(value)
				e.IP = netip.PrefixFrom(a, a.BitLen())
			case "channel":
				if _, err := fmt.Sscan(value, &e.Channel); err != nil {
					t.Fatal(err)
				}
			default:
				t.Fatalf("proposal %q", u.Adopt)
			}
		}
		c.Match = []Match{e}
		cameras = append(cameras, c)
	}
	return cameras
}
