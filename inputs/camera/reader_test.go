package camera

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/scene"
	"github.com/sallyport/sallyport/viewtron"
)

// samples is where real posts lie beside the repository; empty when they do not.
func samples(t testing.TB) string {
	dir, err := filepath.Abs("../../../shared/samples")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no samples beside the repository")
	}
	return dir
}

// TestSamples reads real posts and looks at what matters of each.
func TestSamples(t *testing.T) {
	dir := samples(t)
	box := func(x1, y1, x2, y2 int32) geometry.Box { return geometry.Box{X1: x1, Y1: y1, X2: x2, Y2: y2} }
	type event = engine.Event
	for file, c := range map[string]struct {
		kind  engine.Kind
		check func(e *event) bool
	}{
		"ipc-v1/alarm-status.xml": {engine.KindAlarm, func(e *event) bool {
			return *e.Alarm == engine.Alarm{Name: "vehicle", On: true, ID: 1} && e.Device.MAC == "58:5b:69:5a:84:bb" &&
				e.Device.SN == "I84BB0A8D59C" && e.Device.Name == "Viewtron IPC" && e.Device.Address == "192.168.1.57" && e.Time.IsZero() && e.Digest == 0
		}},
		"ipc-v1/face-detection.xml": {engine.KindFace, func(e *event) bool {
			return e.Raw == "VFD" && e.Device == engine.Device{} && e.Time.UnixMicro() == 1732045234584193 && e.Digest != 0 &&
				e.Targets[0].ID == 15 && e.Targets[0].Class == scene.Person && e.Targets[0].Box == box(4200, 1500, 5800, 4200) && e.Target.Size > 0
		}},
		"ipc-v1/keepalive.xml": {engine.KindHeartbeat, func(e *event) bool {
			return e.Device.SN == "NF40D099BCM0" && e.Device.MAC == "58:5b:69:5a:84:bb" && e.Digest == 0
		}},
		"ipc-v1/lpr.xml": {engine.KindPlate, func(e *event) bool {
			return e.Plate.Number == "ABC1234" && e.Plate.List == "allow" && e.Plate.Group == "whiteList" && !e.Plate.HasConfidence &&
				e.Plate.Heading == "" && e.Scene.Size > 0 && e.Target.Size > 0 && e.Raw == "VEHICE"
		}},
		"ipc-v1/perimeter-intrusion.xml": {engine.KindIntrusion, func(e *event) bool {
			return e.Status == engine.StatusStart && e.ID == 220 && e.HasID && len(e.Zone) == 4 && e.Zone[0] == geometry.Point{X: 1625, Y: 2133} &&
				e.Targets[0] == engine.Listed{ID: 20, HasID: true, Class: scene.Person, Box: box(113, 0, 5511, 8472), HasBox: true}
		}},
		"ipc-v1/video-metadata.xml": {engine.KindMetadata, func(e *event) bool { return e.Raw == "VSD" && e.Scene.Size > 0 && e.Target.Size > 0 }},
		"ipc-v1/zone-entry.xml": {engine.KindRegionEntry, func(e *event) bool {
			return e.Targets[0].ID == 40 && e.Targets[0].Box == box(2000, 3000, 4000, 8000)
		}},
		"nvr-v2/alarm-status.xml": {engine.KindAlarm, func(e *event) bool {
			return *e.Alarm == engine.Alarm{Name: "perimeter", On: true, ID: 1} && e.Device.Channel == 1 && e.Device.MAC == "58:5b:69:40:f4:0d"
		}},
		"nvr-v2/keepalive.xml": {engine.KindHeartbeat, func(e *event) bool { return e.Device.MAC == "58:5b:69:12:f0:79" && e.Device.Channel == 0 }},
		"nvr-v2/line-crossing.xml": {engine.KindLineCrossing, func(e *event) bool {
			return len(e.Line) == 2 && e.Line[0] == geometry.Point{X: 3579, Y: 2550} && e.Targets[0].ID == 1309 && e.ID == 1409
		}},
		"nvr-v2/region-intrusion.xml": {engine.KindIntrusion, func(e *event) bool {
			return e.Targets[0].Class == scene.Person && e.Targets[0].Box == box(3096, 3715, 4005, 9861) && len(e.Zone) == 4
		}},
		"nvr-v2/target-counting-by-line.xml": {engine.KindLineCount, func(e *event) bool {
			return len(e.Targets) == 1 && !e.Targets[0].HasBox && e.Targets[0].ID == 480
		}},
		"nvr-v2/vehicle-lpr.xml": {engine.KindPlate, func(e *event) bool {
			return e.Plate.Number == "JP116D" && e.Plate.Color == "white" && !e.Plate.HasBox && e.Device.Channel == 2 &&
				e.Plate.Vehicle == engine.Vehicle{Type: "mpv", Color: "white", Brand: "GMC", Model: "GMC_SAVANA"}
		}},
		"nvr-v2/video-metadata.xml": {engine.KindMetadata, func(e *event) bool { return e.Targets[0].ID == 2215 && e.Time.UnixMicro() == 1772145578273000 }},
	} {
		t.Run(file, func(t *testing.T) {
			body, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			events, err := Decode(body)
			if err != nil {
				t.Fatal(err)
			}
			if len(events) != 1 || events[0].Kind != c.kind || !c.check(events[0]) {
				t.Errorf("%d events, the first: %+v plate %+v alarm %+v", len(events), events[0], events[0].Plate, events[0].Alarm)
			}
			if e := events[0]; e.Camera != "" || !e.Received.IsZero() || len(e.Problems) > 0 && file != "nvr-v2/vehicle-lpr.xml" {
				t.Errorf("camera %q, received %v, problems %q", e.Camera, e.Received, e.Problems)
			}
			// A camera's post is the same event, with camera and receive time.
			m := NewMatcher([]Camera{{Name: "cam", Match: []Match{{IP: prefix("127.0.0.1/32")}}}})
			live, v, err := NewReader(m).Read(noon, ip("127.0.0.1"), "/API", body)
			if err != nil || v != Matched {
				t.Fatal(v, err)
			}
			if e := live[0]; e.Camera != "cam" || !e.Received.Equal(noon) {
				t.Errorf("camera %q, received %v", e.Camera, e.Received)
			}
			live[0].Camera, live[0].Received = "", events[0].Received
			if !same(live[0], events[0]) {
				t.Errorf("live %+v\ndecoded %+v", live[0], events[0])
			}
		})
	}
}

// same compares two events, but for the functions that fetch pictures.
func same(a, b *engine.Event) bool {
	x, y := a.Clone(), b.Clone()
	x.Scene.Bytes, x.Target.Bytes, y.Scene.Bytes, y.Target.Bytes = nil, nil, nil, nil
	return reflect.DeepEqual(x, y)
}

func TestSeveralAlarmsAreSeveralEvents(t *testing.T) {
	events, err := Decode([]byte(alarms(nvrMAC)))
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != 2 || *events[0].Alarm != (engine.Alarm{Name: "perimeter", On: true, ID: 1}) || *events[1].Alarm != (engine.Alarm{Name: "motion", ID: 2}) {
		t.Fatalf("%+v", events)
	}
	if events[1].Kind != engine.KindAlarm || events[1].Device.MAC != nvrMAC || !events[1].Time.Equal(noon) {
		t.Errorf("%+v", events[1])
	}
}

func TestAlarmStatusWithoutAlarms(t *testing.T) {
	events, err := Decode([]byte(`<config version="2.0.0"><messageType>alarmStatus</messageType><alarmStatusInfo></alarmStatusInfo></config>`))
	if err != nil || len(events) != 1 || events[0].Kind != engine.KindHeartbeat {
		t.Fatalf("%v %+v", err, events)
	}
}

func TestPicturesAreFetchedWhenWanted(t *testing.T) {
	events, err := Decode([]byte(plateV1("ABC1234")))
	if err != nil {
		t.Fatal(err)
	}
	e := events[0]
	scene, err1 := e.Scene.Bytes()
	target, err2 := e.Target.Bytes()
	if string(scene) != "whole frame" || string(target) != "plate" || err1 != nil || err2 != nil {
		t.Errorf("%q %v, %q %v", scene, err1, target, err2)
	}
	if e.Scene.Size != len("whole frame") || e.Target.Size != len("plate") {
		t.Errorf("sizes %d, %d", e.Scene.Size, e.Target.Size)
	}
	if p := e.Plate; p.Confidence != 99 || !p.HasConfidence || p.Heading != "away" || p.List != "allow" {
		t.Errorf("%+v", p)
	}
}

// TestDigest shows what makes two posts copies of each other.
func TestDigest(t *testing.T) {
	of := func(body string) uint64 {
		events, err := Decode([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return events[0].Digest
	}
	a := of(plateV1("ABC1234"))
	if a == 0 {
		t.Fatal("a plate with a stamp has no digest")
	}
	if b := of(strings.Replace(plateV1("ABC1234"), "d2hvbGUgZnJhbWU=", "b3RoZXI=", 1)); a != b {
		t.Error("another picture makes another digest")
	}
	if of(plateV1("ABC1235")) == a {
		t.Error("another plate has the same digest")
	}
	if of(strings.Replace(plateV1("ABC1234"), "currentTime", "otherTime", 2)) != 0 {
		t.Error("a plate without a stamp has a digest")
	}
	for _, body := range []string{trajectory(porchMAC, [5]int{1, 0, 0, 10, 10}), alarms(nvrMAC), keepaliveV2(nvrMAC), ""} {
		if of(body) != 0 {
			t.Errorf("a digest where duplicates are not looked for: %s", body)
		}
	}
	if of(intrusionV2(nvrMAC, 1)) == 0 {
		t.Error("a smart event with a stamp has no digest")
	}
}

// TestEveryKindHasItsEvent shows that no kind of post is left out of the tables.
func TestEveryKindHasItsEvent(t *testing.T) {
	for k := viewtron.KindOther; k <= viewtron.KindFire; k++ {
		if eventKinds[k].String() != k.String() {
			t.Errorf("%v becomes %v", k, eventKinds[k])
		}
	}
	for c := viewtron.ClassUnknown; c <= viewtron.ClassMotor; c++ {
		if targetClasses[c].String() != c.String() {
			t.Errorf("%v becomes %v", c, targetClasses[c])
		}
	}
	for s := viewtron.StatusNone; s <= viewtron.StatusProcedure; s++ {
		if statuses[s].String() != s.String() {
			t.Errorf("%v becomes %v", s, statuses[s])
		}
	}
}

func TestUnreadableBody(t *testing.T) {
	_, err := Decode([]byte("<config><a></config>"))
	if err == nil {
		t.Fatal("no error")
	}
	if _, ok := err.(*viewtron.Error); !ok {
		t.Errorf("%T: %v", err, err)
	}
}

// FuzzRead shows that no body makes the reader fall over, and that what a
// merged trajectory is recorded as decodes to the same event.
func FuzzRead(f *testing.F) {
	for _, s := range []string{trajectory(porchMAC, [5]int{1, 10, 20, 30, 40}), plateV1("ABC1234"), intrusionV2(nvrMAC, 1), alarms(nvrMAC), keepaliveV2(nvrMAC), ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := Decode(body)
		if err != nil {
			return
		}
		for _, e := range events {
			for _, m := range []engine.Image{e.Scene, e.Target} {
				if m.Size > 0 {
					_, _ = m.Bytes()
				}
			}
			if e.Kind == engine.KindTarget {
				e.Problems = e.Problems[:0]
				again, err := Decode(appendTrajectory(nil, e))
				if err != nil {
					t.Fatalf("%v\n%s", err, appendTrajectory(nil, e))
				}
				if !reflect.DeepEqual(again[0].Targets, e.Targets) || again[0].Device != e.Device || !again[0].Time.Equal(e.Time) {
					t.Fatalf("%+v\n%+v", again[0], e)
				}
			}
		}
	})
}
