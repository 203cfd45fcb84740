package viewtron

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// trajectoryBody is a post of one target as a 1.7 camera sends it, 1.7 KB.
func trajectoryBody() []byte {
	var w strings.Builder
	w.WriteString(`<?xml version="1.0" encoding="UTF-8" ?>
<config version="1.7" xmlns="http://www.ipc.com/ver10">
  <types>
    <openAlramObj>
      `)
	for _, e := range strings.Fields("MOTION SENSOR PEA AVD OSC CDD CPC IPD VFD VFD_MATCH VEHICE AOIENTRY AOILEAVE PASSLINECOUNT TRAFFIC VSD LOITER") {
		w.WriteString("<enum>" + e + "</enum>")
	}
	w.WriteString("\n    </openAlramObj>\n")
	for _, list := range []string{"subscribeRelation ALARM FEATURE_RESULT ALARM_FEATURE", "perStatus SMART_NONE SMART_START SMART_STOP SMART_PROCEDURE", "targetType person car motor"} {
		words := strings.Fields(list)
		w.WriteString("    <" + words[0] + ">\n")
		for _, e := range words[1:] {
			w.WriteString("      <enum>" + e + "</enum>\n")
		}
		w.WriteString("    </" + words[0] + ">\n")
	}
	w.WriteString(`  </types>
  <subscribeOption type="subscribeRelation">FEATURE_RESULT</subscribeOption>
  <currentTime type="tint64">1774792726797123</currentTime>
  <mac type="string"><![CDATA[58:5b:69:aa:01:02]]></mac>
  <sn type="string"><![CDATA[N000000000A1]]></sn>
  <deviceName type="string"><![CDATA[Porch]]></deviceName>
  <traject type="list" count="1">
    <item>
      <targetId type="uint32">2157</targetId>
      <point>
        <x type="uint32">0</x>
        <y type="uint32">0</y>
      </point>
      <rect>
        <x1 type="uint32">4403</x1>
        <y1 type="uint32">694</y1>
        <x2 type="uint32">5909</x2>
        <y2 type="uint32">8125</y2>
      </rect>
      <velocity type="uint32">0</velocity>
      <direction type="uint32">0</direction>
      <targetType type="targetType">person</targetType>
      <trajectlength type="list" count="0"/>
    </item>
  </traject>
</config>
`)
	return []byte(w.String())
}

// eventBody is an intrusion with its two pictures, 520 KB.
func eventBody() []byte {
	r := rand.New(rand.NewPCG(3, 4))
	picture := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return base64.StdEncoding.EncodeToString(b)
	}
	scene, crop := picture(260_000), picture(130_000)
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>
<config version="1.7" xmlns="http://www.ipc.com/ver10">
<smartType type="openAlramObj">PEA</smartType>
<currentTime type="tint64">1774792726797123</currentTime>
<types><openAlramObj type="string">VEHICE,PEA,VFD,VSD</openAlramObj><targetType type="string">1,2,4</targetType></types>
<perimeter><perInfo type="list" count="1"><item>
<eventId type="uint32">220</eventId><targetId type="uint32">20</targetId><status type="smartStatus">SMART_START</status>
<boundary type="list" count="4">
<item><point><x type="uint32">1625</x><y type="uint32">2133</y></point></item>
<item><point><x type="uint32">1725</x><y type="uint32">8800</y></point></item>
<item><point><x type="uint32">7900</x><y type="uint32">8900</y></point></item>
<item><point><x type="uint32">7800</x><y type="uint32">2200</y></point></item>
</boundary>
<rect><x1 type="uint32">113</x1><y1 type="uint32">0</y1><x2 type="uint32">5511</x2><y2 type="uint32">8472</y2></rect>
</item></perInfo></perimeter>
<sourceDataInfo><dataType type="uint32">0</dataType><width type="uint32">1920</width><height type="uint32">1080</height>
<sourceBase64Length type="uint32">%d</sourceBase64Length><sourceBase64Data type="string"><![CDATA[%s]]></sourceBase64Data></sourceDataInfo>
<listInfo type="list" count="1"><item><targetId type="tuint32">20</targetId>
<targetImageData><dataType type="uint32">0</dataType><targetType type="uint32">1</targetType><Width type="tuint32">1276</Width><Height type="tuint32">1080</Height>
<targetBase64Length type="uint32">%d</targetBase64Length><targetBase64Data type="string"><![CDATA[%s]]></targetBase64Data></targetImageData></item></listInfo>
</config>
`, len(scene), scene, len(crop), crop)
}

func benchmarkDecode(b *testing.B, body []byte) {
	var p Post
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if err := Decode(body, &p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTrajectory(b *testing.B) {
	body := trajectoryBody()
	b.Run("Decode", func(b *testing.B) { benchmarkDecode(b, body) })
	b.Run("tokens", func(b *testing.B) { benchmarkTokens(b, body) })
	b.Run("encoding-xml", func(b *testing.B) { benchmarkXML(b, body) })
}

func BenchmarkEvent520KB(b *testing.B) {
	body := eventBody()
	b.Run("Decode", func(b *testing.B) { benchmarkDecode(b, body) })
	b.Run("Decode+Size", func(b *testing.B) {
		var p Post
		b.ReportAllocs()
		for b.Loop() {
			if err := Decode(body, &p); err != nil || p.Scene.Size() != 260_000 || p.Crop.Size() != 130_000 {
				b.Fatal(err, p.Scene.Size(), p.Crop.Size())
			}
		}
	})
	b.Run("tokens", func(b *testing.B) { benchmarkTokens(b, body) })
	b.Run("encoding-xml", func(b *testing.B) { benchmarkXML(b, body) })
}

// benchmarkTokens is the floor: it finds every tag and every text and does
// nothing with them.
func benchmarkTokens(b *testing.B, body []byte) {
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for i := 0; i < len(body); {
			k := bytes.IndexByte(body[i:], '<')
			if k < 0 {
				break
			}
			i += k
			until := ">"
			if bytes.HasPrefix(body[i:], []byte("<![CDATA[")) {
				until = "]]>"
			}
			k = bytes.Index(body[i:], []byte(until))
			if k < 0 {
				break
			}
			n++
			i += k + len(until)
		}
	}
	if n == 0 {
		b.Fatal("no tokens")
	}
}

// xmlPost is what encoding/xml needs to be told to read the same parts.
type xmlPost struct {
	XMLName   xml.Name  `xml:"config"`
	SmartType string    `xml:"smartType"`
	Time      int64     `xml:"currentTime"`
	MAC       string    `xml:"mac"`
	SN        string    `xml:"sn"`
	Name      string    `xml:"deviceName"`
	Targets   []xmlItem `xml:"traject>item"`
	PerInfo   []xmlItem `xml:"perimeter>perInfo>item"`
	List      []xmlItem `xml:"listInfo>item"`
	Scene     []byte    `xml:"sourceDataInfo>sourceBase64Data"`
}

type xmlItem struct {
	ID    uint64 `xml:"targetId"`
	X1    int    `xml:"rect>x1"`
	Y1    int    `xml:"rect>y1"`
	X2    int    `xml:"rect>x2"`
	Y2    int    `xml:"rect>y2"`
	Type  string `xml:"targetType"`
	Crop  []byte `xml:"targetImageData>targetBase64Data"`
	Class string `xml:"targetImageData>targetType"`
}

func benchmarkXML(b *testing.B, body []byte) {
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		var p xmlPost
		if err := xml.Unmarshal(body, &p); err != nil {
			b.Fatal(err)
		}
	}
}
