package sim

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Identity is how a device names itself in its posts. Empty parts are left out
// where real posts can lack them.
type Identity struct {
	Name string `json:"name"`
	MAC  string `json:"mac,omitempty"` // with colons
	SN   string `json:"sn,omitempty"`
	IP   string `json:"ip,omitempty"`
	// Channel is written by v2 posts only; 0 leaves it out.
	Channel int `json:"channel,omitempty"`
}

// Point is a place on the frame: x and y in 0..10000, origin top left, y down.
type Point [2]int

// Box is a rectangle on the frame: x1, y1, x2, y2 in 0..10000.
type Box [4]int

// Target is one tracked object in one trajectory post.
type Target struct {
	ID    uint32
	Class string // "person", "car", "motor"
	Box   Box
}

// Format is the dialect of a post (protocol notes 1).
type Format string

// The dialects. V1 is also the zero value's.
const (
	V1 Format = "v1"
	V2 Format = "v2"
)

const (
	xmlHead  = `<?xml version="1.0" encoding="UTF-8" ?>` + "\n"
	configV1 = `<config version="1.7" xmlns="http://www.ipc.com/ver10">` + "\n"
	configV2 = `<config version="2.0.0" xmlns="http://www.ipc.com/ver10">` + "\n"

	// What firmware puts at the head of every v1 post, used or not.
	typesV1 = `<types><openAlarmObj><enum>MOTION</enum><enum>SENSOR</enum><enum>PEA</enum><enum>AVD</enum><enum>OSC</enum><enum>VFD</enum><enum>VFD_MATCH</enum><enum>VEHICE</enum><enum>AOIENTRY</enum><enum>AOILEAVE</enum><enum>PASSLINECOUNT</enum><enum>TRAFFIC</enum><enum>FIRE</enum><enum>TEMPERATURE</enum><enum>VSD</enum><enum>PVD</enum><enum>LOITER</enum><enum>ASD</enum><enum>SMD</enum></openAlarmObj>` +
		`<subscribeRelationV1><enum>ALARM</enum><enum>FEATURE_RESULT</enum></subscribeRelationV1>` +
		`<perStatus><enum>SMART_NONE</enum><enum>SMART_START</enum><enum>SMART_STOP</enum><enum>SMART_PROCEDURE</enum></perStatus>` +
		`<targetType><enum>person</enum><enum>car</enum><enum>motor</enum></targetType></types>` + "\n"
	optionV1 = `<subscribeOption type="subscribeRelationV1">FEATURE_RESULT</subscribeOption>` + "\n"
)

// AppendTrajectory appends a v1 trajectory post (protocol notes 1.1). As real
// cameras do, it sends speed and direction as 0.
func AppendTrajectory(dst []byte, id Identity, at time.Time, targets []Target) []byte {
	return appendTrajectory(dst, id, at, targets, V1)
}

// AppendTrajectoryV2 appends a trajectory post as newer firmware writes it.
func AppendTrajectoryV2(dst []byte, id Identity, at time.Time, targets []Target) []byte {
	return appendTrajectory(dst, id, at, targets, V2)
}

func appendTrajectory(dst []byte, id Identity, at time.Time, targets []Target, f Format) []byte {
	if f == V2 {
		dst = append(dst, xmlHead+configV2+"<messageType>trajectory</messageType>\n"...)
		dst = appendDeviceInfo(dst, id)
		dst = appendStamp(dst, at, V2)
		dst = append(dst, "<traject>"...)
		for _, t := range targets {
			dst = append(dst, "<item><targetId>"...)
			dst = strconv.AppendUint(dst, uint64(t.ID), 10)
			dst = append(dst, "</targetId><point><x>0</x><y>0</y></point>"...)
			dst = appendRect(dst, t.Box, V2)
			dst = append(dst, "<velocity>0</velocity><direction>0</direction><targetType>"...)
			dst = appendText(dst, t.Class)
			dst = append(dst, "</targetType><trajectlength></trajectlength></item>"...)
		}
		return append(dst, "</traject>\n</config>\n"...)
	}
	dst = append(dst, xmlHead+configV1+typesV1+optionV1...)
	dst = appendStamp(dst, at, V1)
	dst = appendIdentity(dst, id)
	dst = append(dst, `<traject type="list" count="`...)
	dst = strconv.AppendInt(dst, int64(len(targets)), 10)
	dst = append(dst, `">`+"\n"...)
	for _, t := range targets {
		dst = append(dst, "    <item>\n      <targetId type=\"uint32\">"...)
		dst = strconv.AppendUint(dst, uint64(t.ID), 10)
		dst = append(dst, "</targetId>\n      <point>\n        <x type=\"uint32\">0</x>\n        <y type=\"uint32\">0</y>\n      </point>\n      "...)
		dst = appendRect(dst, t.Box, V1)
		dst = append(dst, "\n      <velocity type=\"uint32\">0</velocity>\n      <direction type=\"uint32\">0</direction>\n      <targetType type=\"targetType\">"...)
		dst = appendText(dst, t.Class)
		dst = append(dst, "</targetType>\n      <trajectlength type=\"list\" count=\"0\"/>\n    </item>\n"...)
	}
	return append(dst, "</traject>\n</config>\n"...)
}

// Vehicle is what a camera thinks of the car behind a plate.
type Vehicle struct {
	Type  string `json:"type,omitempty"`
	Color string `json:"color,omitempty"`
	Brand string `json:"brand,omitempty"`
	Model string `json:"model,omitempty"`
}

// PlateRead is one reading of a plate.
type PlateRead struct {
	Number     string  `json:"number"`
	Heading    string  `json:"heading,omitempty"`    // "approach", "away"; "" leaves it out
	Confidence int     `json:"confidence,omitempty"` // 0..100
	List       string  `json:"list,omitempty"`       // vehicleListType as sent: "whiteList", …; "" leaves it out
	TargetID   uint32  `json:"target,omitempty"`
	Box        Box     `json:"box,omitzero"` // of the plate; zero leaves it out
	Vehicle    Vehicle `json:"vehicle,omitzero"`
	Scene      []byte  `json:"-"` // JPEG of the whole frame; empty sends an empty element
	Crop       []byte  `json:"-"` // JPEG of the plate
	// Owner is sent in v2 only, where List is the group's name; heading and
	// confidence are not.
	Owner  string `json:"-"`
	Format Format `json:"-"`
}

// AppendPlate appends a plate post. v1 has an overview item, then the plate's
// (protocol notes 1.4), v2 one item with places in pixels (1.5).
func AppendPlate(dst []byte, id Identity, at time.Time, r PlateRead) []byte {
	if r.Format == V2 {
		return appendPlateV2(dst, id, at, r)
	}
	dst = append(dst, xmlHead+configV1+typesV1...)
	dst = append(dst, `<smartType type="openAlarmObj">VEHICE</smartType>`+"\n"+optionV1...)
	dst = appendStamp(dst, at, V1)
	dst = appendIdentity(dst, id)
	dst = append(dst, `<plateCount type="uint32">1</plateCount>`+"\n"+`<listInfo type="list" count="2">`+"\n"...)
	dst = appendPlateItem(dst, 0, PlateRead{Crop: r.Scene})
	dst = appendPlateItem(dst, 1, r)
	return append(dst, "</listInfo>\n</config>\n"...)
}

// Size of the source image that posts tell.
const sourceWidth, sourceHeight = 1920, 1080

func appendPlateV2(dst []byte, id Identity, at time.Time, r PlateRead) []byte {
	dst = append(dst, xmlHead+configV2+"<messageType>alarmData</messageType>\n"...)
	dst = appendDeviceInfo(dst, id)
	dst = append(dst, "<smartType>vehicle</smartType>\n"...)
	dst = appendStamp(dst, at, V2)
	dst = appendSource(dst, r.Scene, V2)
	dst = append(dst, "<licensePlateListInfo><item><targetId>"...)
	dst = strconv.AppendUint(dst, uint64(r.TargetID), 10)
	dst = append(dst, "</targetId>"...)
	b := r.Box
	for i := range b {
		b[i] = b[i] * [...]int{sourceWidth, sourceHeight}[i%2] / 10000
	}
	dst = appendRect(dst, b, V2)
	dst = append(dst, "<licensePlateAttribute><licensePlateNumber>"...)
	dst = appendText(dst, r.Number)
	dst = append(dst, "</licensePlateNumber></licensePlateAttribute><carAttribute>"...)
	dst = appendElement(dst, "carType", r.Vehicle.Type)
	dst = appendElement(dst, "color", r.Vehicle.Color)
	dst = appendElement(dst, "brand", r.Vehicle.Brand)
	dst = appendElement(dst, "model", r.Vehicle.Model)
	dst = append(dst, "</carAttribute>"...)
	if r.List != "" {
		dst = append(dst, "<licensePlateMatchInfo>"...)
		dst = appendElement(dst, "groupName", r.List)
		dst = appendElement(dst, "carOwner", r.Owner)
		dst = append(dst, "</licensePlateMatchInfo>"...)
	}
	dst = append(dst, "<targetImageData><dataType>0</dataType><targetType>car</targetType><width>0</width><height>0</height><targetBase64Length>"...)
	dst = strconv.AppendInt(dst, int64(base64.StdEncoding.EncodedLen(len(r.Crop))), 10)
	dst = append(dst, "</targetBase64Length><targetBase64Data>"...)
	dst = base64.StdEncoding.AppendEncode(dst, r.Crop)
	return append(dst, "</targetBase64Data></targetImageData></item></licensePlateListInfo>\n</config>\n"...)
}

// appendPlateItem appends the overview (image 0) or the plate (image 1).
func appendPlateItem(dst []byte, image int, r PlateRead) []byte {
	dst = append(dst, "<item>"...)
	dst = appendUint(dst, "image", uint64(image))
	dst = appendUint(dst, "vehiceId", uint64(r.TargetID))
	dst = append(dst, `<plateNumber type="string">`...)
	dst = appendText(dst, r.Number)
	dst = append(dst, "</plateNumber>"...)
	dst = appendUint(dst, "plateCharCount", uint64(utf8.RuneCountInString(r.Number)))
	if r.Heading != "" {
		dst = append(dst, `<vehicleDirect type="vehicleDirectType">`...)
		dst = appendText(dst, r.Heading)
		dst = append(dst, "</vehicleDirect>"...)
	}
	if r.List != "" {
		dst = append(dst, `<vehicleListType type="vehileMatchAlarmList">`...)
		dst = appendText(dst, r.List)
		dst = append(dst, "</vehicleListType>"...)
	}
	dst = appendUint(dst, "SourceImageWidth", 2688)
	dst = appendUint(dst, "SourceImageHeight", 1520)
	b := r.Box
	for _, c := range [...]struct {
		name string
		x, y int
	}{{"leftTop", b[0], b[1]}, {"rightTop", b[2], b[1]}, {"leftBottom", b[0], b[3]}, {"rightBottom", b[2], b[3]}} {
		if image > 0 && b == (Box{}) {
			break // the overview's corners are sent as zeros, a plate's are where it is
		}
		dst = append(dst, '<')
		dst = append(dst, c.name...)
		dst = append(dst, '>')
		dst = appendPoint(dst, Point{c.x, c.y}, V1)
		dst = append(dst, "</"...)
		dst = append(dst, c.name...)
		dst = append(dst, '>')
	}
	dst = append(dst, `<PlateConfidence type="uint32" count="`...)
	dst = strconv.AppendInt(dst, int64(r.Confidence)*100, 10)
	dst = append(dst, `"/><plateColor type="uint32" count="0"/><plateStyle type="uint32" count="0"/>`...)
	if image > 0 {
		dst = append(dst, "<carAttr>"...)
		for _, a := range [...]struct{ name, kind, value string }{
			{"color", "vsdCarAttrColorType", r.Vehicle.Color}, {"type", "vsdCarAttrTypeType", r.Vehicle.Type},
			{"brand", "vsdCarAttrBrandType", r.Vehicle.Brand}, {"model", "vsdCarAttrModelType", r.Vehicle.Model},
		} {
			if a.value == "" {
				continue
			}
			dst = append(dst, "<"+a.name+` type="`+a.kind+`">`...)
			dst = appendText(dst, a.value)
			dst = append(dst, "</"+a.name+">"...)
		}
		// Cameras send this y empty.
		dst = append(dst, `</carAttr><carRect><x type="uint32">0</x><y type="uint32"/><width type="uint32">0</width><height type="uint32">0</height></carRect>`...)
	}
	class := ""
	if image > 0 {
		class = "car"
	}
	dst = appendTargetImage(dst, class, r.Crop)
	return append(dst, "</item>\n"...)
}

// SmartEvent is one detection, with its pictures.
type SmartEvent struct {
	// Kind is "intrusion", "line_crossing", "region_entry", "region_exit",
	// "loitering", "parking" or "metadata"; anything else is sent as it is.
	Kind     string  `json:"kind"`
	EventID  uint32  `json:"event_id,omitempty"`
	TargetID uint32  `json:"target,omitempty"`
	Class    string  `json:"class,omitempty"`  // of the target
	Status   string  `json:"status,omitempty"` // "start", "stop", "procedure"; "" leaves it out (v2 always does)
	Zone     []Point `json:"zone,omitempty"`
	Line     []Point `json:"line,omitempty"` // two points, of a line crossing
	Box      Box     `json:"box,omitzero"`
	Scene    []byte  `json:"-"` // JPEG of the whole frame
	Crop     []byte  `json:"-"` // JPEG of the target
	Format   Format  `json:"format,omitempty"`
}

// AppendEvent appends a smart event. A v1 event with an empty identity carries
// none, as most real ones do (protocol notes 1.4, 1.5).
func AppendEvent(dst []byte, id Identity, at time.Time, e SmartEvent) []byte {
	if e.Format == V2 {
		return appendEventV2(dst, id, at, e)
	}
	dst = append(dst, xmlHead+configV1...)
	dst = append(dst, `<smartType type="openAlramObj">`...)
	dst = appendText(dst, smartType(e.Kind, V1))
	dst = append(dst, `</smartType>`+"\n"+`<subscribeRelation type="subscribeOption">FEATURE_RESULT</subscribeRelation>`+"\n"...)
	dst = appendStamp(dst, at, V1)
	dst = appendIdentity(dst, id)
	dst = append(dst, typesV1...)
	block, info := "", ""
	switch e.Kind {
	case "intrusion":
		block, info = "perimeter", "perInfo"
	case "line_crossing":
		block, info = "tripwire", "tripInfo"
	}
	if block != "" {
		dst = append(dst, "<"+block+"><"+info+` type="list" count="1"><item>`...)
		dst = appendUint(dst, "eventId", uint64(e.EventID))
		dst = appendUint(dst, "targetId", uint64(e.TargetID))
		if e.Status != "" {
			dst = append(dst, `<status type="smartStatus">`...)
			dst = appendText(dst, "SMART_"+strings.ToUpper(e.Status))
			dst = append(dst, "</status>"...)
		}
		if len(e.Zone) > 0 {
			dst = append(dst, `<boundary type="list" count="`...)
			dst = strconv.AppendInt(dst, int64(len(e.Zone)), 10)
			dst = append(dst, `">`...)
			for _, p := range e.Zone {
				dst = append(dst, "<item><point>"...)
				dst = appendPoint(dst, p, V1)
				dst = append(dst, "</point></item>"...)
			}
			dst = append(dst, "</boundary>"...)
		}
		if len(e.Line) == 2 {
			dst = append(dst, "<line>"...)
			dst = appendLine(dst, e.Line, V1)
			dst = append(dst, "</line>"...)
		}
		dst = appendRect(dst, e.Box, V1)
		dst = append(dst, "</item></"+info+"></"+block+">\n"...)
	}
	dst = appendSource(dst, e.Scene, V1)
	dst = append(dst, `<listInfo type="list" count="1"><item>`...)
	dst = append(dst, `<targetId type="tuint32">`...)
	dst = strconv.AppendUint(dst, uint64(e.TargetID), 10)
	dst = append(dst, "</targetId>"...)
	dst = appendRect(dst, e.Box, V1)
	dst = appendTargetImage(dst, classNumber(e.Class), e.Crop)
	return append(dst, "</item></listInfo>\n</config>\n"...)
}

func appendEventV2(dst []byte, id Identity, at time.Time, e SmartEvent) []byte {
	dst = append(dst, xmlHead+configV2+"<messageType>alarmData</messageType>\n"...)
	dst = appendDeviceInfo(dst, id)
	dst = append(dst, "<smartType>"...)
	dst = appendText(dst, smartType(e.Kind, V2))
	dst = append(dst, "</smartType>\n"...)
	dst = appendStamp(dst, at, V2)
	dst = append(dst, "<eventInfo><item><eventId>"...)
	dst = strconv.AppendUint(dst, uint64(e.EventID), 10)
	dst = append(dst, "</eventId><targetId>"...)
	dst = strconv.AppendUint(dst, uint64(e.TargetID), 10)
	dst = append(dst, "</targetId>"...)
	if len(e.Line) == 2 {
		dst = append(dst, "<boundary>tripwire</boundary><directionLine>"...)
		dst = appendLine(dst, e.Line, V2)
		dst = append(dst, "</directionLine>"...)
	} else if len(e.Zone) > 0 {
		dst = append(dst, "<boundary>area</boundary><pointGroup>"...)
		for _, p := range e.Zone {
			dst = append(dst, "<item>"...)
			dst = appendPoint(dst, p, V2)
			dst = append(dst, "</item>"...)
		}
		dst = append(dst, "</pointGroup>"...)
	}
	dst = appendRect(dst, e.Box, V2)
	dst = append(dst, "</item></eventInfo>\n"...)
	dst = appendSource(dst, e.Scene, V2)
	dst = append(dst, "<targetListInfo><item><targetId>"...)
	dst = strconv.AppendUint(dst, uint64(e.TargetID), 10)
	dst = append(dst, "</targetId><targetType>"...)
	dst = appendText(dst, e.Class)
	dst = append(dst, "</targetType><targetImageData><dataType>0</dataType><width>0</width><height>0</height><targetBase64Length>"...)
	dst = strconv.AppendInt(dst, int64(base64.StdEncoding.EncodedLen(len(e.Crop))), 10)
	dst = append(dst, "</targetBase64Length><targetBase64Data>"...)
	dst = base64.StdEncoding.AppendEncode(dst, e.Crop)
	return append(dst, "</targetBase64Data></targetImageData></item></targetListInfo>\n</config>\n"...)
}

// smartType gives the device's name of a kind (protocol notes 1).
func smartType(kind string, f Format) string {
	names := [...]struct{ kind, v1, v2 string }{
		{"intrusion", "PEA", "regionIntrusion"},
		{"line_crossing", "PEA", "lineCrossing"},
		{"region_entry", "AOIENTRY", "regionEntrance"},
		{"region_exit", "AOILEAVE", "regionExiting"},
		{"loitering", "LOITER", "loiterDetection"},
		{"parking", "PVD", "illegalParking"},
		{"metadata", "VSD", "videoMetadata"},
	}
	for _, n := range names {
		if n.kind == kind {
			if f == V2 {
				return n.v2
			}
			return n.v1
		}
	}
	return kind
}

// classNumber is how v1 smart events write a class.
func classNumber(class string) string {
	switch class {
	case "person":
		return "1"
	case "car":
		return "2"
	case "motor":
		return "4"
	}
	return class
}

// Alarm is one change of an alarm's state.
type Alarm struct {
	Name   string `json:"name"`         // the device's element: "perimeterAlarm", "motionAlarm", …
	ID     int    `json:"id,omitempty"` // 0 is sent as 1
	On     bool   `json:"on"`
	Format Format `json:"format,omitempty"`
}

// AppendAlarm appends an alarm status post (protocol notes 1.6). A name that
// is no XML name is sent as "unknownAlarm". at is written as the wall clock of
// its location in v1, which sends no zone.
func AppendAlarm(dst []byte, id Identity, at time.Time, a Alarm) []byte {
	name := a.Name
	if !isName(name) {
		name = "unknownAlarm"
	}
	n := int64(max(a.ID, 1))
	if a.Format == V2 {
		dst = append(dst, xmlHead+configV2+"<messageType>alarmStatus</messageType>\n"...)
		dst = appendDeviceInfo(dst, id)
		dst = appendStamp(dst, at, V2)
		dst = append(dst, "<alarmStatusInfo><"+name+`><item id="`...)
		dst = strconv.AppendInt(dst, n, 10)
		dst = append(dst, `">`...)
		dst = strconv.AppendBool(dst, a.On)
		return append(dst, "</item></"+name+"></alarmStatusInfo>\n</config>\n"...)
	}
	dst = append(dst, xmlHead+configV1+"<alarmStatusInfo><"+name+` type="boolean" id="`...)
	dst = strconv.AppendInt(dst, n, 10)
	dst = append(dst, `">`...)
	dst = strconv.AppendBool(dst, a.On)
	dst = append(dst, "</"+name+"></alarmStatusInfo>\n<dataTime><![CDATA["...)
	dst = at.AppendFormat(dst, "01-02-2006 03:04:05 PM")
	dst = append(dst, "]]></dataTime>\n<deviceInfo>"...)
	dst = appendElement(dst, "deviceName", id.Name)
	dst = append(dst, "<deviceNo.><![CDATA[1]]></deviceNo.>"...)
	dst = appendElement(dst, "sn", id.SN)
	dst = appendElement(dst, "ipAddress", id.IP)
	dst = appendElement(dst, "macAddress", id.MAC)
	return append(dst, "</deviceInfo>\n</config>\n"...)
}

// AppendHeartbeat appends a heartbeat: v1 is a DeviceInfo document, v2 a
// keepalive. (A third form, the empty body, needs no function.)
func AppendHeartbeat(dst []byte, id Identity, f Format) []byte {
	if f == V2 {
		dst = append(dst, xmlHead+configV2+"<messageType>keepalive</messageType>\n"...)
		id.Channel = 0 // keepalives name none
		dst = appendDeviceInfo(dst, id)
		return append(dst, "</config>\n"...)
	}
	dst = append(dst, xmlHead+"<DeviceInfo>\n"...)
	dst = appendElement(dst, "DeviceName", id.Name)
	dst = append(dst, "<DeviceNo.>1</DeviceNo.>"...)
	dst = appendElement(dst, "SN", id.SN)
	dst = appendElement(dst, "ipAddress", id.IP)
	dst = appendElement(dst, "macAddress", id.MAC)
	return append(dst, "\n</DeviceInfo>\n"...)
}

// appendStamp appends currentTime in microseconds.
func appendStamp(dst []byte, at time.Time, f Format) []byte {
	if f == V2 {
		dst = append(dst, "<currentTime>"...)
	} else {
		dst = append(dst, `<currentTime type="tint64">`...)
	}
	dst = strconv.AppendInt(dst, at.UnixMicro(), 10)
	return append(dst, "</currentTime>\n"...)
}

// appendIdentity appends the identity as v1 posts carry it, at the top.
func appendIdentity(dst []byte, id Identity) []byte {
	for _, e := range [...]struct{ name, value string }{{"mac", id.MAC}, {"sn", id.SN}, {"deviceName", id.Name}} {
		if e.value == "" {
			continue
		}
		dst = append(dst, "<"+e.name+` type="string">`...)
		dst = appendText(dst, e.value)
		dst = append(dst, "</"+e.name+">\n"...)
	}
	return dst
}

// appendDeviceInfo appends the identity as v2 posts carry it.
func appendDeviceInfo(dst []byte, id Identity) []byte {
	dst = append(dst, "<deviceInfo>"...)
	dst = appendElement(dst, "deviceName", id.Name)
	dst = appendElement(dst, "ip", id.IP)
	dst = appendElement(dst, "mac", id.MAC)
	if id.Channel > 0 {
		dst = append(dst, "<channelId>"...)
		dst = strconv.AppendInt(dst, int64(id.Channel), 10)
		dst = append(dst, "</channelId>"...)
	}
	return append(dst, "</deviceInfo>\n"...)
}

// appendElement appends a plain element, or nothing for an empty value.
func appendElement(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, "<"+name+">"...)
	dst = appendText(dst, value)
	return append(dst, "</"+name+">"...)
}

func appendUint(dst []byte, name string, v uint64) []byte {
	dst = append(dst, "<"+name+` type="uint32">`...)
	dst = strconv.AppendUint(dst, v, 10)
	return append(dst, "</"+name+">"...)
}

// appendNumber appends a coordinate: with its type in v1, bare in v2.
func appendNumber(dst []byte, name string, v int, f Format) []byte {
	dst = append(dst, '<')
	dst = append(dst, name...)
	if f != V2 {
		dst = append(dst, ` type="uint32"`...)
	}
	dst = append(dst, '>')
	dst = strconv.AppendInt(dst, int64(v), 10)
	dst = append(dst, "</"...)
	dst = append(dst, name...)
	return append(dst, '>')
}

func appendRect(dst []byte, b Box, f Format) []byte {
	dst = append(dst, "<rect>"...)
	dst = appendNumber(dst, "x1", b[0], f)
	dst = appendNumber(dst, "y1", b[1], f)
	dst = appendNumber(dst, "x2", b[2], f)
	dst = appendNumber(dst, "y2", b[3], f)
	return append(dst, "</rect>"...)
}

func appendPoint(dst []byte, p Point, f Format) []byte {
	dst = appendNumber(dst, "x", p[0], f)
	return appendNumber(dst, "y", p[1], f)
}

func appendLine(dst []byte, line []Point, f Format) []byte {
	dst = append(dst, "<startPoint>"...)
	dst = appendPoint(dst, line[0], f)
	dst = append(dst, "</startPoint><endPoint>"...)
	dst = appendPoint(dst, line[1], f)
	return append(dst, "</endPoint>"...)
}

// appendSource appends the picture of the whole frame.
func appendSource(dst []byte, jpeg []byte, f Format) []byte {
	attr, open, end := ` type="uint32"`, `<sourceBase64Data type="string"><![CDATA[`, "]]></sourceBase64Data>"
	if f == V2 {
		attr, open, end = "", "<sourceBase64Data>", "</sourceBase64Data>"
	}
	dst = append(dst, "<sourceDataInfo><dataType"+attr+">0</dataType><width"+attr+">1920</width><height"+attr+">1080</height><sourceBase64Length"+attr+">"...)
	dst = strconv.AppendInt(dst, int64(base64.StdEncoding.EncodedLen(len(jpeg))), 10)
	dst = append(dst, "</sourceBase64Length>"+open...)
	dst = base64.StdEncoding.AppendEncode(dst, jpeg)
	return append(dst, end+"</sourceDataInfo>\n"...)
}

// appendTargetImage appends the picture of one target, v1.
func appendTargetImage(dst []byte, class string, jpeg []byte) []byte {
	dst = append(dst, `<targetImageData><dataType type="uint32">0</dataType><targetType type="targetType">`...)
	dst = appendText(dst, class)
	dst = append(dst, "</targetType>"...)
	dst = appendNumber(dst, "width", 0, V1)
	dst = appendNumber(dst, "height", 0, V1)
	dst = appendNumber(dst, "targetBase64Length", base64.StdEncoding.EncodedLen(len(jpeg)), V1)
	dst = append(dst, `<targetBase64Data type="string">`...)
	dst = base64.StdEncoding.AppendEncode(dst, jpeg)
	return append(dst, "</targetBase64Data></targetImageData>"...)
}

// appendText appends a value so that it stays a value: short plain words bare,
// anything else in CDATA, what CDATA cannot hold with entities. What XML
// cannot carry at all becomes U+FFFD.
func appendText(dst []byte, s string) []byte {
	plain, end := true, strings.Contains(s, "]]>")
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c >= 0x7f || c == '<' || c == '>' || c == '&' {
			plain = false
			break
		}
	}
	if plain {
		return append(dst, s...)
	}
	if !end {
		dst = append(dst, "<![CDATA["...)
	}
	for _, c := range s {
		switch {
		case c < ' ' && c != '\t' && c != '\n' && c != '\r', c == '\uFFFE', c == '\uFFFF':
			c = utf8.RuneError
		case end && c == '<':
			dst = append(dst, "&lt;"...)
			continue
		case end && c == '>':
			dst = append(dst, "&gt;"...)
			continue
		case end && c == '&':
			dst = append(dst, "&amp;"...)
			continue
		}
		dst = utf8.AppendRune(dst, c)
	}
	if !end {
		dst = append(dst, "]]>"...)
	}
	return dst
}

// isName tells whether s can be an element's name.
func isName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (i == 0 || s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return true
}
