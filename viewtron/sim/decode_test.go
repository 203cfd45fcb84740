package sim_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/viewtron"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// TestPostsAreReadAsWhatTheyAre decodes every body with the real decoder.
func TestPostsAreReadAsWhatTheyAre(t *testing.T) {
	want := map[string]string{
		"trajectory.xml":           "target v1 device=Porch & door/58:5b:69:00:00:01 2157 person {4403 694 5909 8125 true}, 2158 car {0 5000 2400 6600 true}",
		"trajectory-nobody.xml":    "target v1 device=Porch & door/58:5b:69:00:00:01",
		"plate.xml":                "plate v1 device=Porch & door/58:5b:69:00:00:01 plate=ABC1234 allow approach 99 Tesla {3582 1965 4415 2663 true}",
		"plate-unknown.xml":        "plate v1 device=/ plate=XYZ999 80",
		"plate-hostile-number.xml": "plate v1 device=Porch & door/58:5b:69:00:00:01 plate=\uFFFD]]><x>&\uFFFD 0",
		"intrusion.xml":            "intrusion v1 device=Porch & door/58:5b:69:00:00:01 220 start 2157 person {4403 694 5909 8125 true} zone=4",
		"intrusion-anonymous.xml":  "intrusion v1 device=/ 220 start 2157 person {4403 694 5909 8125 true} zone=4",
		"intrusion-v2.xml":         "intrusion v2 device=NVR/58:5b:69:00:00:09/2 220 2157 person {4403 694 5909 8125 true} zone=4",
		"line_crossing.xml":        "line_crossing v1 device=Porch & door/58:5b:69:00:00:01 220 start 2157 person {4403 694 5909 8125 true} line",
		"line_crossing-v2.xml":     "line_crossing v2 device=NVR/58:5b:69:00:00:09/2 220 2157 person {4403 694 5909 8125 true} line",
		"region_entry.xml":         "region_entry v1 device=Porch & door/58:5b:69:00:00:01 2157 person {4403 694 5909 8125 true}",
		"alarm-on.xml":             "alarm v1 device=Porch & door/58:5b:69:00:00:01 perimeter/1=true",
		"alarm-off-v2.xml":         "alarm v2 device=NVR/58:5b:69:00:00:09/2 vfd/2=false",
		"alarm-hostile.xml":        "alarm v1 device=Porch & door/58:5b:69:00:00:01 unknown/1=true",
		"heartbeat.xml":            "heartbeat v1 device=Porch & door/58:5b:69:00:00:01",
		"heartbeat-v2.xml":         "heartbeat v2 device=NVR/58:5b:69:00:00:09",
	}
	all := bodies()
	if len(all) != len(want) {
		t.Errorf("%d bodies, %d expectations", len(all), len(want))
	}
	var p viewtron.Post
	for name, body := range all {
		if err := viewtron.Decode(body, &p); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := summary(&p); got != want[name] {
			t.Errorf("%s\n got %s\nwant %s", name, got, want[name])
		}
		if len(p.Problems) > 0 && name != "plate-hostile-number.xml" {
			t.Errorf("%s: %v", name, p.Problems)
		}
		if strings.HasPrefix(name, "alarm-on") || strings.HasPrefix(name, "alarm-hostile") {
			if !p.DeviceClock.Equal(noon.Truncate(time.Second)) {
				t.Errorf("%s: clock %s", name, p.DeviceClock)
			}
		} else if p.Kind != viewtron.KindHeartbeat && !p.Time.Equal(noon) {
			t.Errorf("%s: time %s", name, p.Time)
		}
	}
}

func summary(p *viewtron.Post) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s device=%s/%s", p.Kind, p.Dialect, p.Device.Name, p.Device.MAC)
	if p.Device.Channel.Known {
		fmt.Fprintf(&b, "/%d", p.Device.Channel.V)
	}
	if p.EventID.Known {
		fmt.Fprintf(&b, " %d", p.EventID.V)
	}
	if p.Status != viewtron.StatusNone {
		fmt.Fprintf(&b, " %s", p.Status)
	}
	if len(p.Plates) == 0 {
		for i, t := range p.Targets {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, " %d %s %v", t.ID.V, t.Class, t.Box)
		}
	}
	for _, pl := range p.Plates {
		fmt.Fprintf(&b, " plate=%s", pl.Number)
		for _, s := range []string{string(pl.List), pl.Heading.String(), fmt.Sprint(pl.Confidence), string(pl.Vehicle.Brand)} {
			if s != "" {
				b.WriteByte(' ')
				b.WriteString(s)
			}
		}
		if pl.Box.Known {
			fmt.Fprintf(&b, " %v", pl.Box)
		}
	}
	for _, a := range p.Alarms {
		fmt.Fprintf(&b, " %s/%d=%t", a.Name, a.ID.V, a.On)
	}
	if len(p.Zone) > 0 {
		fmt.Fprintf(&b, " zone=%d", len(p.Zone))
	}
	if p.HasLine {
		b.WriteString(" line")
	}
	return b.String()
}

func TestDemoIsReadWithItsPictures(t *testing.T) {
	var p viewtron.Post
	for _, c := range sim.DemoScene().Cameras {
		for post := range c.Posts(noon, 0, nil) {
			if err := viewtron.Decode(post.Body, &p); err != nil {
				t.Fatalf("%s at %s: %v\n%s", c.Name, post.At, err, post.Body)
			}
			if p.Kind.String() != post.Kind || len(p.Problems) > 0 || string(p.Device.MAC) != c.MAC {
				t.Errorf("%s at %s: %s is read as %s of %s, %v", c.Name, post.At, post.Kind, p.Kind, p.Device.MAC, p.Problems)
			}
			if post.Kind == "intrusion" || post.Kind == "plate" {
				for _, img := range []viewtron.Image{p.Scene, p.Crop} {
					b, err := img.AppendDecode(nil)
					if err != nil || !bytes.HasPrefix(b, []byte{0xff, 0xd8, 0xff}) {
						t.Errorf("%s at %s: picture %q, %v", c.Name, post.At, b, err)
					}
				}
			}
		}
	}
}
