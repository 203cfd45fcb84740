package sim_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"flag"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/viewtron/sim"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var (
	porch = sim.Identity{Name: "Porch & door", MAC: "58:5b:69:00:00:01", SN: "SIM0000PORCH", IP: "192.168.0.52"}
	nvr   = sim.Identity{Name: "NVR", MAC: "58:5B:69:00:00:09", IP: "192.168.0.60", Channel: 2}
	noon  = time.Date(2026, 3, 29, 12, 0, 0, 123456000, time.UTC)
)

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (run with -update to accept):\n%s", name, got)
	}
}

// bodies gives one post of each shape, with fixed bytes for pictures.
func bodies() map[string][]byte {
	zone := []sim.Point{{2000, 3000}, {8000, 3000}, {8000, 10000}, {2000, 10000}}
	line := []sim.Point{{0, 6000}, {10000, 6000}}
	event := func(kind string, id sim.Identity, f sim.Format) []byte {
		e := sim.SmartEvent{Kind: kind, EventID: 220, TargetID: 2157, Class: "person", Status: "start",
			Box: sim.Box{4403, 694, 5909, 8125}, Scene: []byte("\xff\xd8\xffscene\xff\xd9"), Crop: []byte("\xff\xd8\xffcrop\xff\xd9"), Format: f}
		if kind == "line_crossing" {
			e.Line = line
		} else {
			e.Zone = zone
		}
		return sim.AppendEvent(nil, id, noon, e)
	}
	read := sim.PlateRead{Number: "ABC1234", Heading: "approach", Confidence: 99, List: "whiteList", TargetID: 31,
		Box: sim.Box{3582, 1965, 4415, 2663}, Vehicle: sim.Vehicle{Type: "saloon car", Color: "grey", Brand: "Tesla", Model: "Tesla_ModelS"},
		Scene: []byte("\xff\xd8\xffscene\xff\xd9"), Crop: []byte("\xff\xd8\xffcrop\xff\xd9")}
	return map[string][]byte{
		"trajectory.xml": sim.AppendTrajectory(nil, porch, noon, []sim.Target{
			{ID: 2157, Class: "person", Box: sim.Box{4403, 694, 5909, 8125}},
			{ID: 2158, Class: "car", Box: sim.Box{0, 5000, 2400, 6600}},
		}),
		"plate.xml":                sim.AppendPlate(nil, porch, noon, read),
		"plate-unknown.xml":        sim.AppendPlate(nil, sim.Identity{}, noon, sim.PlateRead{Number: "XYZ999", Confidence: 80}),
		"intrusion.xml":            event("intrusion", porch, sim.V1),
		"intrusion-anonymous.xml":  event("intrusion", sim.Identity{}, sim.V1),
		"intrusion-v2.xml":         event("intrusion", nvr, sim.V2),
		"line_crossing.xml":        event("line_crossing", porch, sim.V1),
		"line_crossing-v2.xml":     event("line_crossing", nvr, sim.V2),
		"region_entry.xml":         event("region_entry", porch, sim.V1),
		"alarm-on.xml":             sim.AppendAlarm(nil, porch, noon, sim.Alarm{Name: "perimeterAlarm", On: true}),
		"alarm-off-v2.xml":         sim.AppendAlarm(nil, nvr, noon, sim.Alarm{Name: "vfdAlarm", ID: 2, Format: sim.V2}),
		"heartbeat.xml":            sim.AppendHeartbeat(nil, porch, sim.V1),
		"heartbeat-v2.xml":         sim.AppendHeartbeat(nil, nvr, sim.V2),
		"alarm-hostile.xml":        sim.AppendAlarm(nil, porch, noon, sim.Alarm{Name: "x><evil", On: true}),
		"trajectory-nobody.xml":    sim.AppendTrajectory(nil, porch, noon, nil),
		"plate-hostile-number.xml": sim.AppendPlate(nil, porch, noon, sim.PlateRead{Number: "\x01]]><x>&\xff"}),
	}
}

func TestBodiesAreAsRealCamerasSendThem(t *testing.T) {
	for name, body := range bodies() {
		golden(t, name, body)
		d := xml.NewDecoder(bytes.NewReader(body))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s is not XML: %v\n%s", name, err, body)
			}
		}
	}
}

func TestTrajectoryHasTheSizeOfARealOne(t *testing.T) {
	b := sim.AppendTrajectory(nil, porch, noon, []sim.Target{{ID: 1, Class: "person", Box: sim.Box{1, 2, 3, 4}}})
	if len(b) < 1500 || len(b) > 2000 {
		t.Errorf("a trajectory of one person has %d bytes, want about 1700", len(b))
	}
}

func TestTrajectoryIsBuiltWithoutGarbage(t *testing.T) {
	buf := make([]byte, 0, 4096)
	targets := []sim.Target{{ID: 1, Class: "person", Box: sim.Box{1, 2, 3, 4}}}
	if n := testing.AllocsPerRun(100, func() { buf = sim.AppendTrajectory(buf[:0], porch, noon, targets) }); n > 0 {
		t.Errorf("AppendTrajectory allocates %v times", n)
	}
}

func TestHostileTextStaysText(t *testing.T) {
	for _, s := range []string{"ABC1234", `"; rm -rf /;`, "]]><x>", "$(id)", "a ]]> b & <c>", "АВС1234", "", " x ", "<![CDATA[", "'"} {
		body := sim.AppendPlate(nil, sim.Identity{Name: s}, noon, sim.PlateRead{Number: s})
		var got struct {
			Name  string   `xml:"deviceName"`
			Plate []string `xml:"listInfo>item>plateNumber"`
		}
		if err := xml.Unmarshal(body, &got); err != nil {
			t.Errorf("%q: %v", s, err)
			continue
		}
		if got.Name != s || len(got.Plate) != 2 || got.Plate[0] != "" || got.Plate[1] != s {
			t.Errorf("%q arrives as name %q, plates %q", s, got.Name, got.Plate)
		}
	}
}

func TestPicturesAreJPEG(t *testing.T) {
	for _, b := range [][]byte{sim.Picture(nil), sim.Picture([]sim.Target{{Box: sim.Box{-5, 0, 20000, 10000}}}), sim.Crop("car")} {
		if _, err := jpeg.Decode(bytes.NewReader(b)); err != nil {
			t.Error(err)
		}
		if len(b) > 8<<10 {
			t.Errorf("a picture has %d bytes", len(b))
		}
	}
}

func TestBoxFollowsTheMoves(t *testing.T) {
	track := sim.Track{Class: "person", At: sim.Duration(time.Second), From: sim.Point{500, 9000}, Moves: []sim.Move{
		{To: &sim.Point{5000, 9000}, Over: sim.Duration(2 * time.Second)},
		{Stay: sim.Duration(10 * time.Second)},
		{To: &sim.Point{5000, 5000}, Over: sim.Duration(time.Second)},
	}}
	for _, c := range []struct {
		at   time.Duration
		want sim.Box
		ok   bool
	}{
		{999 * time.Millisecond, sim.Box{}, false},
		{time.Second, sim.Box{150, 6800, 850, 9000}, true},
		{2 * time.Second, sim.Box{2400, 6800, 3100, 9000}, true},
		{3 * time.Second, sim.Box{4650, 6800, 5350, 9000}, true},
		{13 * time.Second, sim.Box{4650, 6800, 5350, 9000}, true},
		{13500 * time.Millisecond, sim.Box{4650, 4800, 5350, 7000}, true},
		{14 * time.Second, sim.Box{4650, 2800, 5350, 5000}, true},
		{14*time.Second + 1, sim.Box{}, false},
	} {
		got, ok := track.BoxAt(c.at)
		if got != c.want || ok != c.ok {
			t.Errorf("at %s: %v %v, want %v %v", c.at, got, ok, c.want, c.ok)
		}
	}
	if got, want := sim.FootBox(sim.Point{100, 10000}, sim.Size("car")), (sim.Box{0, 8400, 1300, 10000}); got != want {
		t.Errorf("a car at the edge is %v, want %v", got, want)
	}
}

func TestFramesComeSevenTimesASecond(t *testing.T) {
	scene := sim.CameraScene{Identity: porch, Targets: []sim.Track{{Class: "person", From: sim.Point{500, 9000}, Moves: []sim.Move{
		{To: &sim.Point{5000, 9000}, Over: sim.Duration(2 * time.Second)}, {Stay: sim.Duration(10 * time.Second)}}}},
		Alarms: []sim.TimedAlarm{{At: sim.Duration(1428571428), Alarm: sim.Alarm{Name: "motionAlarm", On: true}}},
	}
	var at []time.Duration
	alarms := 0
	for p := range scene.Posts(noon, 0, nil) {
		if p.Kind == "alarm" {
			alarms++
			continue
		}
		if want := time.Duration(len(at)) * time.Second / 7; p.At != want {
			t.Fatalf("frame %d is at %s, want %s", len(at), p.At, want)
		}
		at = append(at, p.At)
	}
	if len(at) != 85 || at[84] != 12*time.Second || alarms != 1 {
		t.Errorf("%d frames, the last at %s, %d alarms; want 85, 12s, 1", len(at), at[len(at)-1], alarms)
	}
}

func TestPostsAreInOrderOfTime(t *testing.T) {
	for _, c := range sim.DemoScene().Cameras {
		last := time.Duration(-1)
		kinds := map[string]int{}
		for p := range c.Posts(noon, 0, nil) {
			if p.At < last {
				t.Errorf("%s: %s at %s comes after %s", c.Name, p.Kind, p.At, last)
			}
			last = p.At
			kinds[p.Kind]++
		}
		want := map[string]int{"porch": 99, "gate": 46 + 64}[c.Name]
		if kinds["target"] != want || kinds["heartbeat"] != 3 {
			t.Errorf("%s sends %v, want %d target", c.Name, kinds, want)
		}
	}
}

func TestDemoSceneSurvivesItsOwnFile(t *testing.T) {
	scene := sim.DemoScene()
	if err := scene.Check(); err != nil {
		t.Fatal(err)
	}
	b, err := json.MarshalIndent(scene, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "demo-scene.json", append(b, '\n'))
	back, err := sim.LoadScene(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.MarshalIndent(back, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, again) {
		t.Errorf("the scene changed:\n%s", again)
	}
}

func TestSceneFileMistakes(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{`{`, "scene file: unexpected EOF"},
		{`{"cameras":[]}`, "scene: 0 cameras; there must be 1 to 64"},
		{`{"camera":[]}`, `scene file: json: unknown field "camera"`},
		{`{"cameras":[{"name":"a"}]} {}`, "scene file: something follows after the scene"},
		{`{"cameras":[{"name":"a","heartbeat":"10"}]}`, `scene file: "10" is not a duration (try "2s")`},
		{`{"cameras":[{"name":"a","targets":[{"class":"person","from":[1,2,3]}]}]}`, `scene file: [1,2,3] is not a point (try [5000, 9000])`},
		{`{"cameras":[{"name":"a","targets":[{"class":"dog","from":[1,20000],"moves":[{"to":[1,1]}]}]},{"name":"a"}]}`,
			`scene: camera "a": target 1: class "dog" is none of person, car, motor` + "\n" +
				`scene: camera "a": target 1: from [1 20000] is not on the frame (0..10000)` + "\n" +
				`scene: camera "a": target 1: move 1 needs a point on the frame and a time over which it goes there` + "\n" +
				`scene: camera name "a" is empty or used twice`},
		{`{"cameras":[{"name":"a","alarms":[{"at":"1s","name":"not a name"}],"reads":[{"at":"25h","number":""}]}]}`,
			`scene: camera "a": read 1 is not within 24h` + "\n" +
				`scene: camera "a": read 1 has no plate number, or one that is too long` + "\n" +
				`scene: camera "a": alarm 1: "not a name" is not an alarm's element name (try "perimeterAlarm")`},
	} {
		_, err := sim.LoadScene(strings.NewReader(c.file))
		if err == nil || err.Error() != c.want {
			t.Errorf("%s:\n got %v\nwant %s", c.file, err, c.want)
		}
	}
}

func FuzzLoadScene(f *testing.F) {
	b, err := json.Marshal(sim.DemoScene())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(b))
	f.Add(`{"cameras":[{"name":"a","targets":[{"class":"car","from":[1,2],"moves":[{"to":[9,9],"over":"1ns","stay":"1h"}]}]}]}`)
	f.Fuzz(func(t *testing.T, file string) {
		s, err := sim.LoadScene(strings.NewReader(file))
		if err != nil {
			return
		}
		for _, c := range s.Cameras {
			n := 0
			for p := range c.Posts(noon, 0, nil) {
				if n++; n > 50 || p.At < 0 {
					break
				}
			}
		}
	})
}

func TestImagesAreInThePost(t *testing.T) {
	e := sim.SmartEvent{Kind: "intrusion", Scene: sim.Picture(nil), Crop: sim.Crop("person")}
	body := sim.AppendEvent(nil, porch, noon, e)
	for _, img := range [][]byte{e.Scene, e.Crop} {
		if !bytes.Contains(body, []byte(base64.StdEncoding.EncodeToString(img))) {
			t.Error("a picture is missing from the event")
		}
	}
}

// A scene of a whole day with one late visitor must not be searched frame by frame.
func TestEmptyTimeCostsNothing(t *testing.T) {
	var tracks []sim.Track
	for i := range 500 {
		tracks = append(tracks, sim.Track{Class: "car", At: sim.Duration(time.Duration(i+1) * time.Minute), From: sim.Point{5000, 5000}})
	}
	n := 0
	for p := range (sim.CameraScene{Identity: porch, Targets: tracks}).Posts(noon, 1000, nil) {
		if n++; p.At != time.Duration(n)*time.Minute {
			t.Fatalf("frame %d is at %s", n, p.At)
		}
	}
	if n != 500 {
		t.Errorf("%d frames, want 500", n)
	}
}
