package viewtron

import (
	"bytes"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// payloads are the files of testdata, read once for every test.
func payloads(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no payloads in testdata: %v", err)
	}
	all := make(map[string][]byte)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[f] = b
	}
	return all
}

// samples are the vendor's own payloads, where they are at hand.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	files, _ := filepath.Glob("../../shared/samples/*/*.xml")
	all := make(map[string][]byte)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(filepath.Dir(f))+"/"+filepath.Base(f)] = b
	}
	return all
}

func TestPayloadsDecodeAsTheirGoldenFilesSay(t *testing.T) {
	for file, body := range payloads(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var p Post
			if err := Decode(body, &p); err != nil {
				t.Fatal(err)
			}
			got := dump(&p)
			golden := file[:len(file)-len(".xml")] + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestSamplesDecode(t *testing.T) {
	all := samples(t)
	if len(all) == 0 {
		t.Skip("the vendor's samples are not here")
	}
	want := map[string]struct {
		kind    Kind
		dialect Dialect
		says    []string // lines of the dump
	}{
		"ipc-v1/alarm-status.xml":            {KindAlarm, DialectV1, []string{`alarm: "vehicle" true`, "clock: 2025-11-19 12:15:11", `device.mac: "58:5b:69:5a:84:bb"`}},
		"ipc-v1/face-detection.xml":          {KindFace, DialectV1, []string{"  id: 15", "  class: person", "  box: 4200 1500 5800 4200"}},
		"ipc-v1/keepalive.xml":               {KindHeartbeat, DialectV1, []string{`device.sn: "NF40D099BCM0"`, `device.ip: "192.168.1.192"`}},
		"ipc-v1/lpr.xml":                     {KindPlate, DialectV1, []string{`plate: "ABC1234"`, `  list: "allow"`, `  group: "whiteList"`}},
		"ipc-v1/perimeter-intrusion.xml":     {KindIntrusion, DialectV1, []string{"event: 220", "status: start", "zone: [{1625 2133} {1725 8800} {7900 8900} {7800 2200}]", "  box: 113 0 5511 8472"}},
		"ipc-v1/video-metadata.xml":          {KindMetadata, DialectV1, []string{"  class: person", "time: 2024-11-19T19:40:34.584193Z"}},
		"ipc-v1/zone-entry.xml":              {KindRegionEntry, DialectV1, []string{"  id: 40", "  box: 2000 3000 4000 8000"}},
		"nvr-v2/alarm-status.xml":            {KindAlarm, DialectV2, []string{`alarm: "perimeter" true`, "  id: 1", "device.channel: 1"}},
		"nvr-v2/keepalive.xml":               {KindHeartbeat, DialectV2, []string{`device.name: "Office"`}},
		"nvr-v2/line-crossing.xml":           {KindLineCrossing, DialectV2, []string{"line: [{3579 2550} {3655 9797}]", "  id: 1309", "  class: person"}},
		"nvr-v2/region-intrusion.xml":        {KindIntrusion, DialectV2, []string{"event: 916", "zone: [{1590 3080} {4715 3181} {4772 9217} {416 9141}]"}},
		"nvr-v2/target-counting-by-line.xml": {KindLineCount, DialectV2, []string{"  id: 480", "line: [{3977 2146} {3977 9974}]"}},
		"nvr-v2/vehicle-lpr.xml":             {KindPlate, DialectV2, []string{`plate: "JP116D"`, `  vehicle.model: "GMC_SAVANA"`, "device.channel: 2"}},
		"nvr-v2/video-metadata.xml":          {KindMetadata, DialectV2, []string{"  box: 5284 4513 6079 9479"}},
	}
	for file, body := range all {
		t.Run(file, func(t *testing.T) {
			w, ok := want[file]
			if !ok {
				t.Fatal("this sample is not in the table")
			}
			var p Post
			if err := Decode(body, &p); err != nil {
				t.Fatal(err)
			}
			if p.Kind != w.kind || p.Dialect != w.dialect || len(p.Problems) > 0 {
				t.Errorf("kind %v, dialect %v, problems %q; want %v, %v, none", p.Kind, p.Dialect, p.Problems, w.kind, w.dialect)
			}
			got := "\n" + dump(&p)
			for _, line := range w.says {
				if !strings.Contains(got, "\n"+line+"\n") {
					t.Errorf("no line %q in\n%s", line, got)
				}
			}
		})
	}
}

// A camera that loses power in the middle of a post must not move anything.
func TestEveryPrefixIsRefused(t *testing.T) {
	all := payloads(t)
	maps.Copy(all, samples(t))
	for file, body := range all {
		t.Run(file, func(t *testing.T) {
			if len(bytes.TrimSpace(body)) == 0 {
				return
			}
			// What follows the root's end is blanks and comments: between
			// those the document is whole.
			root := bytes.LastIndex(body, []byte("</config>"))
			for _, end := range []string{"</DeviceInfo>", "</status>"} {
				root = max(root, bytes.LastIndex(body, []byte(end)))
			}
			rootEnd := root + bytes.IndexByte(body[root:], '>') + 1
			if first := bytes.Index(body, []byte("</config>")); first >= 0 {
				rootEnd = first + len("</config>")
			}
			var p Post
			for n := range body {
				err := Decode(body[:n:n], &p)
				if len(bytes.TrimPrefix(bytes.TrimSpace(body[:n]), []byte("\xef\xbb\xbf"))) == 0 {
					if err != nil || p.Kind != KindHeartbeat {
						t.Fatalf("%d blank bytes: kind %v, %v", n, p.Kind, err)
					}
					continue
				}
				if n < rootEnd && err == nil {
					t.Fatalf("the first %d of %d bytes were read as %v", n, len(body), p.Kind)
				}
				if err != nil && dump(&p) != dump(&Post{}) {
					t.Fatalf("the refused first %d bytes left\n%s", n, dump(&p))
				}
			}
		})
	}
}

func TestKindsByAnyName(t *testing.T) {
	names := map[Kind]string{
		KindPlate:       "VEHICE VEHICLE vehicle Vehice",
		KindFace:        "VFD videoFaceDetect faceDetection",
		KindFaceMatch:   "VFD_MATCH",
		KindMetadata:    "VSD videoMetadata VIDEOMETADATA",
		KindRegionEntry: "AOIENTRY AOI_ENTRY regionEntrance", KindRegionExit: "AOILEAVE AOI_LEAVE regionExiting",
		KindLoitering: "LOITER LOITERING loiterDetection loitering", KindParking: "PVD illegalParking",
		KindLineCount: "PASSLINECOUNT targetCountingByLine", KindAreaCount: "TRAFFIC targetCountingByArea",
		KindMotion: "MOTION SMD motion", KindSensor: "SENSOR sensor", KindObject: "OSC", KindTamper: "AVD", KindAudio: "ASD",
		KindCrowd: "CDD CPC IPD CROWDGATHERING", KindTemperature: "TEMPERATURE", KindFire: "FIRE",
		KindIntrusion: "regionIntrusion", KindLineCrossing: "lineCrossing linecrossing",
		KindOther: "FALLING EA PEA aNameLongerThanAnyOfTheNamesThatAreKnown",
	}
	for kind, words := range names {
		for _, word := range strings.Fields(words) {
			body := "<config><smartType> <![CDATA[ " + word + " ]]> </smartType><listInfo><item><plateNumber>A</plateNumber></item></listInfo></config>"
			var p Post
			if err := Decode([]byte(body), &p); err != nil {
				t.Fatal(err)
			}
			if p.Kind != kind || string(p.Raw) != word {
				t.Errorf("%s: kind %v, raw %q; want %v", word, p.Kind, p.Raw, kind)
			}
		}
	}
}

func TestClocks(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"1774792726", "2026-03-29T13:58:46Z"},
		{"1774792726797", "2026-03-29T13:58:46.797Z"},
		{"1774792726797123", "2026-03-29T13:58:46.797123Z"},
		{"17747927267971230000", ""},
		{"177479272", ""},
		{"-774792726", ""},
		{"0000000000", ""},
		{"soon", ""},
	} {
		var p Post
		if err := Decode([]byte("<config><currentTime>"+c.in+"</currentTime></config>"), &p); err != nil {
			t.Fatal(err)
		}
		got := ""
		if !p.Time.IsZero() {
			got = p.Time.Format(time.RFC3339Nano)
		}
		if got != c.want || (got == "") != (len(p.Problems) == 1) {
			t.Errorf("currentTime %s: %q, problems %q; want %q", c.in, got, p.Problems, c.want)
		}
	}
	for _, c := range []struct{ in, want string }{
		{"2026-03-29 09:58:21", "2026-03-29 09:58:21"},
		{"11-19-2025 12:15:11 PM", "2025-11-19 12:15:11"},
		{"11-19-2025 12:15:11 AM", "2025-11-19 00:15:11"},
		{"1-9-2025 1:05:01 pm", "2025-01-09 13:05:01"},
		{"11-19-2025 23:15:11", "2025-11-19 23:15:11"},
		{"2026/03/29T09:58:21", "2026-03-29 09:58:21"},
		{"11-19-2025 13:15:11 PM", ""},
		{"2026-02-29 09:58:21", ""},
		{"2026-03-29 24:00:00", ""},
		{"2026-03-29 09:58", ""},
		{"2026-03-29 09:58:21 CET", ""},
		{"29.03.2026", ""},
	} {
		var p Post
		if err := Decode([]byte("<config><dataTime><![CDATA["+c.in+"]]></dataTime></config>"), &p); err != nil {
			t.Fatal(err)
		}
		got := ""
		if !p.DeviceClock.IsZero() {
			got = p.DeviceClock.Format(time.DateTime)
		}
		if got != c.want || (got == "") != (len(p.Problems) == 1) {
			t.Errorf("dataTime %s: %q, problems %q; want %q", c.in, got, p.Problems, c.want)
		}
	}
}

func TestMACsInAnySpelling(t *testing.T) {
	const want = "58:5b:69:5f:42:1b"
	for in, want := range map[string]string{
		"58:5b:69:5f:42:1b": want, "58:5B:69:5F:42:1B": want, "58-5b-69-5F-42-1b": want, "585b.695f.421b": want,
		"585B695F421B": want, " 58:5b:69:5f:42:1b ": want, "58 5b 69 5f 42 1b": want,
		"00:00:00:00:00:00": "", "": "", "58:5b:69:5f:42": "", "58:5b:69:5f:42:1b:00": "", "58:5b:69:5f:42:1g": "", "localhost": "",
	} {
		var p Post
		if err := Decode([]byte("<config><mac>"+in+"</mac></config>"), &p); err != nil {
			t.Fatal(err)
		}
		if string(p.Device.MAC) != want {
			t.Errorf("%q: %q, want %q", in, p.Device.MAC, want)
		}
	}
}

func TestAlarmNames(t *testing.T) {
	for in, want := range map[string]string{
		"motionAlarm": "motion", "sensorAlarm": "sensor", "sensorAlarmIn": "sensor", "perimeterAlarm": "perimeter",
		"tripwireAlarm": "tripwire", "vfdAlarm": "vfd", "VFDAlarm": "vfd", "vehiceAlarm": "vehicle", "vehicleAlarm": "vehicle",
		"aoiEntryAlarm": "aoi_entry", "aoiLeaveAlarm": "aoi_leave", "passlineAlarm": "passline", "trafficAlarm": "traffic",
		"oscAlarm": "osc", "avdAlarm": "avd", "clarityAbnormal": "clarity_abnormal", "colorAbnormal": "color_abnormal",
		"sceneChange": "scene_change", "cpcAlarm": "cpc", "CPCAlarm": "cpc", "cddAlarm": "cdd", "CDDAlarm": "cdd",
		"ipdAlarm": "ipd", "IPDAlarm": "ipd", "pvdAlarm": "pvd", "loiteringAlarm": "loitering", "asdAlarm": "asd",
		"humanMotionAlarm": "human_motion", "vehicleMotionAlarm": "vehicle_motion", "vehiceMotionAlarm": "vehicle_motion",
		"chlOfflineAlarm": "chl_offline", "newHTTPThingAlarm": "new_http_thing", "Alarm": "alarm",
	} {
		var p Post
		body := "<config><alarmStatusInfo><" + in + ` type="boolean" id="7">true</` + in + "></alarmStatusInfo></config>"
		if err := Decode([]byte(body), &p); err != nil {
			t.Fatal(err)
		}
		if p.Kind != KindAlarm || len(p.Alarms) != 1 || string(p.Alarms[0].Name) != want || !p.Alarms[0].On || p.Alarms[0].ID != (Uint{7, true}) {
			t.Errorf("%s: %v %+v, want %s", in, p.Kind, p.Alarms, want)
		}
	}
}

func TestStatusWords(t *testing.T) {
	for in, want := range map[string]Status{
		"SMART_START": StatusStart, "SMART_STOP": StatusStop, "SMART_PROCEDURE": StatusProcedure, "SMART_NONE": StatusNone,
		"smart_start": StatusStart, "stop": StatusStop, "": StatusNone, "success": StatusNone,
	} {
		var p Post
		body := "<config><smartType>PEA</smartType><perimeter><perInfo><item><status>" + in + "</status></item></perInfo></perimeter></config>"
		if err := Decode([]byte(body), &p); err != nil {
			t.Fatal(err)
		}
		if p.Status != want {
			t.Errorf("%q: %v, want %v", in, p.Status, want)
		}
	}
}

func TestTextIsAlwaysValid(t *testing.T) {
	for in, want := range map[string]string{
		"ABC1234":                        "ABC1234",
		"<![CDATA[ ABC1234 ]]>":          "ABC1234",
		" \t<![CDATA[AB]]>C<!-- --> ":    "ABC",
		"<![CDATA[AB]]><![CDATA[&lt;]]>": "AB&lt;",
		"A&lt;B&gt;&amp;&quot;&apos;":    `A<B>&"'`,
		"&#65;&#x42;&#x1F697;":           "AB\U0001F697",
		"&#xD800;&#0;&#99999999;":        "\uFFFD\uFFFD\uFFFD",
		"&bomb;&#;&#x;&#12a;& &":         "&bomb;&#;&#x;&#12a;& &",
		"A\xffB\xc3":                     "A\uFFFDB\uFFFD",
		"A\x00\x1bB":                     "A\uFFFD\uFFFDB",
		"<x>no</x>yes<y/>":               "yes",
		"АВС\u202e123":                   "АВС\u202e123",
	} {
		var p Post
		body := "<config><smartType>VEHICE</smartType><listInfo><item><plateNumber>" + in + "</plateNumber></item></listInfo></config>"
		if err := Decode([]byte(body), &p); err != nil {
			t.Fatalf("%q: %v", in, err)
		}
		if len(p.Plates) != 1 || string(p.Plates[0].Number) != want || !utf8.Valid(p.Plates[0].Number) {
			t.Errorf("%q: %+v, want %q", in, p.Plates, want)
		}
	}
	long := strings.Repeat("x", MaxText)
	for _, in := range []string{long + "x", "<![CDATA[" + long + "]]>x", strings.Repeat("\xff", MaxText/2)} {
		var p Post
		if err := Decode([]byte("<config><deviceName>"+in+"</deviceName></config>"), &p); err != nil {
			t.Fatal(err)
		}
		if p.Device.Name != nil || len(p.Problems) != 1 || p.Problems[0] != "deviceName is longer than 4096 bytes" {
			t.Errorf("%d bytes: %d bytes, problems %q", len(in), len(p.Device.Name), p.Problems)
		}
	}
}

func TestRefusals(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }
	items := func(n int) string {
		var w strings.Builder
		for i := range n {
			fmt.Fprintf(&w, "<item><targetId>%d</targetId></item>", i)
		}
		return "<config><traject>" + w.String() + "</traject></config>"
	}
	points := func(n int) string {
		return "<config><pointGroup>" + strings.Repeat("<item><x>1</x><y>2</y></item>", n) + "</pointGroup></config>"
	}
	alarms := func(n int) string {
		return "<config><alarmStatusInfo><motionAlarm>" + strings.Repeat("<item>true</item>", n) + "</motionAlarm></alarmStatusInfo></config>"
	}
	for _, c := range []struct{ body, want string }{
		{deep(MaxDepth), ""},
		{deep(MaxDepth + 1), "byte 192: elements more than 64 deep"},
		{items(MaxTargets), ""},
		{items(MaxTargets + 1), "byte 2347: more than 64 targets in one post"},
		{points(MaxPoints), ""},
		{points(MaxPoints + 1), "byte 1905: more than 64 points in one polygon"},
		{alarms(MaxAlarms), ""},
		{alarms(MaxAlarms + 1), "byte 4407: more than 256 alarms in one post"},
		{`<config><traject count="10000"/></config>`, ""},
		{`<config><traject type="list" count="999999999"/></config>`, `byte 8: traject has count="999999999", more than 10000`},
		{`<config><x count=' 99999999999999999999999 '/></config>`, `byte 8: x has count=" 99999999999999999999999", more than 10000`},
		{`<config><sourceDataInfo><sourceBase64Length>999999999</sourceBase64Length></sourceDataInfo></config>`, "byte 74: sourceBase64Length is 999999999, more than 67108864"},
		{`<config a="` + strings.Repeat("x", 5000) + `"/>`, "byte 0: a tag of more than 4096 bytes"},
		{`<` + strings.Repeat("x", 5000) + `/>`, `byte 0: "<xxxxxxxxxxxxxxxxxxxxxxx" is not a tag`},
		{`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, "byte 0: a DOCTYPE is refused"},
		{`<a></b>`, `byte 3: "</b>" where </a> was expected`},
		{`<a></ab>`, `byte 3: "</ab>" where </a> was expected`},
		{`<a></a><b/>`, `byte 7: "<b/>" after the root element`},
		{`<a></a>x`, `byte 7: "x" after the root element`},
		{"<a></a>\r\n\x00\x00<!-- x --><?y?>", ""},
		{`{"a":1}`, `byte 0: "{\"a\":1}" where an XML element was expected`},
		{`<?xml version="1.0"?>`, "byte 21: the post ends before its root element"},
		{"\xff\xfe<\x00", "byte 0: UTF-16 is not read, only UTF-8"},
		{`<a b></a>`, `byte 4: the attribute "b" has no value`},
		{`<a b=c></a>`, `byte 5: the value of the attribute "b" is not quoted`},
		{`<a b="c"d="e"></a>`, `byte 8: "d=\"e\"></a>" is not an attribute`},
		{`<a b="<"></a>`, `byte 6: "<" in the value of the attribute "b"`},
		{`<a / ></a>`, `byte 3: "/" inside a tag`},
		{`<1></1>`, `byte 0: "<1></1>" is not a tag`},
		{`<a><!ELEMENT></a>`, `byte 3: "<!ELEMENT></a>" is not a tag`},
		{`<![CDATA[x]]>`, "byte 0: text outside the root element"},
		{`<a><b></b>`, "byte 10: the post ends inside <a>"},
	} {
		var p Post
		got := ""
		if err := Decode([]byte(c.body), &p); err != nil {
			got = err.Error()
			var e *Error
			if !errors.As(err, &e) {
				t.Errorf("%.60s: %T", c.body, err)
			}
		}
		if got != c.want {
			t.Errorf("%.60s:\n got %s\nwant %s", c.body, got, c.want)
		}
	}
}

func TestPictures(t *testing.T) {
	jpeg := bytes.Repeat([]byte("\xff\xd8 not really a picture \x00\x01\x02"), 40)
	one := base64.StdEncoding.EncodeToString(jpeg)
	var wrapped strings.Builder
	for i := 0; i < len(one); i += 76 {
		wrapped.WriteString(one[i:min(len(one), i+76)] + "\r\n")
	}
	for name, text := range map[string]string{
		"one line": one, "wrapped": wrapped.String(), "cdata": "\n  <![CDATA[ " + one + " ]]>\n",
		"no padding": strings.TrimRight(one, "="), "blank before padding": strings.TrimRight(one, "=") + " \t=" + "\n=",
	} {
		body := []byte("<config><sourceDataInfo><sourceBase64Data>" + text + "</sourceBase64Data></sourceDataInfo></config>")
		var p Post
		if err := Decode(body, &p); err != nil {
			t.Fatal(err)
		}
		got, err := p.Scene.AppendDecode(nil)
		if err != nil || !bytes.Equal(got, jpeg) || p.Scene.Size() != len(jpeg) {
			t.Errorf("%s: %d bytes, size %d, %v; want %d", name, len(got), p.Scene.Size(), err, len(jpeg))
		}
		if !bytes.Equal(p.Scene.Text, body[p.Scene.Offset:p.Scene.Offset+len(p.Scene.Text)]) {
			t.Errorf("%s: the picture is not at byte %d", name, p.Scene.Offset)
		}
		less := string(p.AppendWithoutPictures(nil, body))
		if strings.Contains(less, one[:8]) || Decode([]byte(less), &p) != nil || p.Scene.Known() {
			t.Errorf("%s: without pictures it is %q", name, less)
		}
	}
	var p Post
	body := "<config><sourceDataInfo><sourceBase64Data>BASE64_JPEG</sourceBase64Data></sourceDataInfo></config>"
	if err := Decode([]byte(body), &p); err != nil {
		t.Fatal(err)
	}
	_, err := p.Scene.AppendDecode(nil)
	const want = "the picture at byte 42 of the post is not base64: illegal base64 data at input byte 6"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestBlanksAreCountedExactly(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		b := make([]byte, r.IntN(300))
		want := 0
		for i := range b {
			if r.IntN(40) == 0 {
				b[i] = byte(r.IntN(256))
			} else {
				b[i] = "AZaz09+/="[r.IntN(9)]
			}
			if b[i] <= ' ' {
				want++
			}
		}
		if got := blanks(b); got != want {
			t.Fatalf("%q: %d, want %d", b, got, want)
		}
	}
}

func TestReusedPostIsLikeAFreshOne(t *testing.T) {
	all := payloads(t)
	maps.Copy(all, samples(t))
	files := slices.Sorted(maps.Keys(all))
	var reused Post
	for range 3 {
		for _, file := range files {
			var fresh Post
			if err := errors.Join(Decode(all[file], &fresh), Decode(all[file], &reused)); err != nil {
				t.Fatal(err)
			}
			if got, want := dump(&reused), dump(&fresh); got != want {
				t.Errorf("%s: reused\n%s\nfresh\n%s", file, got, want)
			}
		}
	}
}

func TestFramePathDoesNotAllocate(t *testing.T) {
	var p Post
	for name, body := range map[string][]byte{
		"trajectory": trajectoryBody(), "event of 520 KB": eventBody(),
	} {
		if n := testing.AllocsPerRun(100, func() {
			if err := Decode(body, &p); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// A post may say little in very many words; what is kept of it stays small.
func TestTextThatCannotStayInTheBodyIsBounded(t *testing.T) {
	item := "<item><carOwner>&lt;" + strings.Repeat("x", 4000) + "</carOwner></item>"
	body := []byte("<config><listInfo>" + strings.Repeat(item, 400) + "</listInfo></config>")
	var p Post
	err := Decode(body, &p)
	if err == nil || !strings.HasSuffix(err.Error(), ": more than 1048576 bytes of text to keep") {
		t.Errorf("got %v", err)
	}
	if err := Decode(nil, &p); err != nil || cap(p.text) > 64<<10 {
		t.Errorf("%v; %d bytes are held for nothing", err, cap(p.text))
	}
	same := []byte("<config>" + strings.Repeat("<deviceName>a&lt;b</deviceName><currentTime>&#49;774792726</currentTime>", 1000) + "</config>")
	if err := Decode(same, &p); err != nil || string(p.Device.Name) != "a<b" || p.Time.Unix() != 1774792726 || len(p.text) > 64 {
		t.Errorf("%v; name %q, %v, %d bytes kept", err, p.Device.Name, p.Time, len(p.text))
	}
}
