package camera

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine"
)

// The moment the tests' posts arrive.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const (
	porchMAC = "58:5b:69:00:00:01"
	gateMAC  = "58:5b:69:00:00:02"
	nvrMAC   = "58:5b:69:00:00:09"
)

// trajectory is a v1 trajectory post of a camera; boxes are id, x1, y1, x2, y2.
func trajectory(mac string, boxes ...[5]int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?><config version="1.7" xmlns="http://www.ipc.com/ver10">
<subscribeOption type="subscribeRelation">FEATURE_RESULT</subscribeOption><currentTime type="tint64">%d</currentTime>
<mac type="string"><![CDATA[%s]]></mac><sn type="string"><![CDATA[SN1]]></sn><deviceName type="string"><![CDATA[Front]]></deviceName>
<traject type="list" count="%d">`, noon.UnixMicro(), mac, len(boxes))
	for _, x := range boxes {
		fmt.Fprintf(&b, `<item><targetId type="uint32">%d</targetId><point><x type="uint32">0</x><y type="uint32">0</y></point>
<rect><x1 type="uint32">%d</x1><y1 type="uint32">%d</y1><x2 type="uint32">%d</x2><y2 type="uint32">%d</y2></rect>
<velocity type="uint32">0</velocity><direction type="uint32">0</direction><targetType type="targetType">person</targetType>
<trajectlength type="list" count="0"/></item>`, x[0], x[1], x[2], x[3], x[4])
	}
	b.WriteString("</traject></config>\n")
	return b.String()
}

// plateV1 is a v1 plate post: it names no device.
func plateV1(number string) string {
	return fmt.Sprintf(`<config version="1.7" xmlns="http://www.ipc.com/ver10"><smartType type="openAlramObj">VEHICE</smartType>
<currentTime type="tint64">%d</currentTime>
<listInfo type="list" count="2"><item><targetImageData><targetBase64Length type="uint32">8</targetBase64Length><targetBase64Data type="string"><![CDATA[b3ZlcnZpZXc=]]></targetBase64Data></targetImageData></item>
<item><plateNumber type="string"><![CDATA[%s]]></plateNumber><vehicleListType type="string">whiteList</vehicleListType>
<PlateConfidence type="list" count="9900"/><vehicleDirect type="string">leave</vehicleDirect>
<targetImageData><targetBase64Data type="string"><![CDATA[cGxhdGU=]]></targetBase64Data></targetImageData></item></listInfo>
<sourceDataInfo><sourceBase64Data type="string"><![CDATA[d2hvbGUgZnJhbWU=]]></sourceBase64Data></sourceDataInfo></config>`, noon.UnixMicro(), number)
}

// device is the deviceInfo of a v2 post; channel 0 is left out.
func device(mac string, channel int) string {
	s := `<deviceInfo><deviceName><![CDATA[Recorder]]></deviceName><ip><![CDATA[10.0.0.9]]></ip><mac><![CDATA[` + strings.ToUpper(mac) + `]]></mac>`
	if channel > 0 {
		s += fmt.Sprintf("<channelId>%d</channelId>", channel)
	}
	return s + "</deviceInfo>"
}

// intrusionV2 is a recorder's smart event.
func intrusionV2(mac string, channel int) string {
	return fmt.Sprintf(`<config version="2.0.0" xmlns="http://www.ipc.com/ver10"><messageType>alarmData</messageType>%s<smartType>regionIntrusion</smartType>
<currentTime>%d</currentTime><eventInfo><item><eventId>916</eventId><targetId>716</targetId><boundary>area</boundary>
<pointGroup><item><x>1590</x><y>3080</y></item><item><x>4715</x><y>3181</y></item><item><x>4772</x><y>9217</y></item></pointGroup>
<rect><x1>3096</x1><y1>3715</y1><x2>4005</x2><y2>9861</y2></rect></item></eventInfo>
<targetListInfo><item><targetId>716</targetId><targetType>person</targetType></item></targetListInfo></config>`, device(mac, channel), noon.UnixMicro())
}

// keepaliveV2 is a recorder's heartbeat: it names no channel.
func keepaliveV2(mac string) string {
	return `<config version="2.0.0" xmlns="http://www.ipc.com/ver10"><messageType>keepalive</messageType>` + device(mac, 0) + `</config>`
}

// alarms is an alarm status with two alarms.
func alarms(mac string) string {
	return `<config version="2.0.0" xmlns="http://www.ipc.com/ver10"><messageType>alarmStatus</messageType>` + device(mac, 1) +
		fmt.Sprintf(`<currentTime>%d</currentTime>`, noon.UnixMicro()) +
		`<alarmStatusInfo><perimeterAlarm><item id="1">true</item></perimeterAlarm><motionAlarm><item id="2">false</item></motionAlarm></alarmStatusInfo></config>`
}

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// read reads one post and wants it to be readable.
func read(t *testing.T, r *Reader, remote, path, body string) ([]*engine.Event, Verdict) {
	t.Helper()
	events, v, err := r.Read(noon, ip(remote), path, []byte(body))
	if err != nil {
		t.Fatalf("Read: %v\n%s", err, body)
	}
	return events, v
}
