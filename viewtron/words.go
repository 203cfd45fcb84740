package viewtron

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// form says in which dialect a smartType is written so.
type form uint8

const (
	formAny form = iota
	formV1
	formV2
)

// kindPEA is intrusion or line crossing, as the block inside tells. It never
// leaves the decoder.
const kindPEA Kind = 255

// kindOf finds a smartType, without case (protocol notes 1).
func kindOf(word []byte) (Kind, form) {
	var buf [24]byte
	if len(word) > len(buf) {
		return KindOther, formAny
	}
	for i, c := range word {
		buf[i] = lower(c)
	}
	switch string(buf[:len(word)]) {
	case "pea":
		return kindPEA, formV1
	case "regionintrusion":
		return KindIntrusion, formV2
	case "linecrossing":
		return KindLineCrossing, formV2
	case "vehice":
		return KindPlate, formV1
	case "vehicle":
		return KindPlate, formAny
	case "vfd":
		return KindFace, formV1
	case "videofacedetect", "facedetection":
		return KindFace, formV2
	case "vfd_match":
		return KindFaceMatch, formV1
	case "vsd":
		return KindMetadata, formV1
	case "videometadata":
		return KindMetadata, formV2
	case "aoientry", "aoi_entry":
		return KindRegionEntry, formV1
	case "regionentrance":
		return KindRegionEntry, formV2
	case "aoileave", "aoi_leave":
		return KindRegionExit, formV1
	case "regionexiting":
		return KindRegionExit, formV2
	case "loiter":
		return KindLoitering, formV1
	case "loitering":
		return KindLoitering, formAny
	case "loiterdetection":
		return KindLoitering, formV2
	case "pvd":
		return KindParking, formV1
	case "illegalparking":
		return KindParking, formV2
	case "passlinecount":
		return KindLineCount, formV1
	case "targetcountingbyline":
		return KindLineCount, formV2
	case "traffic":
		return KindAreaCount, formV1
	case "targetcountingbyarea":
		return KindAreaCount, formV2
	case "motion":
		return KindMotion, formAny
	case "smd":
		return KindMotion, formV1
	case "sensor":
		return KindSensor, formAny
	case "osc":
		return KindObject, formV1
	case "avd":
		return KindTamper, formV1
	case "asd":
		return KindAudio, formV1
	case "cdd", "cpc", "ipd", "crowdgathering":
		return KindCrowd, formV1
	case "temperature":
		return KindTemperature, formV1
	case "fire":
		return KindFire, formV1
	}
	return KindOther, formAny
}

// status reads SMART_START and the like; the prefix may be missing.
func status(t []byte) Status {
	if len(t) > 6 && bytes.EqualFold(t[:6], []byte("SMART_")) {
		t = t[6:]
	}
	switch {
	case bytes.EqualFold(t, []byte("START")):
		return StatusStart
	case bytes.EqualFold(t, []byte("STOP")):
		return StatusStop
	case bytes.EqualFold(t, []byte("PROCEDURE")):
		return StatusProcedure
	}
	return StatusNone
}

// class reads a targetType, a word or v1's number.
func class(t []byte) Class {
	switch string(t) {
	case "person", "1":
		return ClassPerson
	case "car", "2":
		return ClassCar
	case "motor", "4":
		return ClassMotor
	}
	var buf [16]byte
	if len(t) > len(buf) {
		return ClassUnknown
	}
	for i, c := range t {
		buf[i] = lower(c)
	}
	switch string(buf[:len(t)]) {
	case "person", "human":
		return ClassPerson
	case "car", "vehicle":
		return ClassCar
	case "motor", "bike", "motorcycle", "motorbike", "bicycle":
		return ClassMotor
	}
	return ClassUnknown
}

func (d *decoder) heading(t []byte) Heading {
	switch {
	case bytes.EqualFold(t, []byte("approach")):
		return HeadingApproach
	case bytes.EqualFold(t, []byte("away")), bytes.EqualFold(t, []byte("leave")):
		return HeadingAway
	case bytes.EqualFold(t, []byte("unknown")):
		return HeadingUnknown
	}
	d.problem("vehicleDirect %q is neither approach nor away", head(t))
	return HeadingUnknown
}

// list is the word of ours for a device's list; an NVR's own group keeps its name.
func (d *decoder) list(group []byte) []byte {
	switch {
	case bytes.EqualFold(group, []byte("whiteList")):
		return d.keep([]byte("allow"))
	case bytes.EqualFold(group, []byte("blackList")):
		return d.keep([]byte("block"))
	case bytes.EqualFold(group, []byte("temporaryList")):
		return d.keep([]byte("temporary"))
	case bytes.EqualFold(group, []byte("strangerList")):
		return d.keep([]byte("stranger"))
	}
	return group
}

// keep puts t, as valid text, into the post's own buffer.
func (d *decoder) keep(t []byte) []byte {
	start := len(d.p.text)
	d.p.text = appendText(d.p.text, t, true, start+MaxText)
	return d.p.text[start:len(d.p.text):len(d.p.text)]
}

// alarmName is the element's name without Alarm, in lower snake case, with its
// spelling mended: aoiEntryAlarm is aoi_entry, VFDAlarm is vfd.
func (d *decoder) alarmName(name []byte) []byte {
	if len(name) > 64 {
		name = name[:64]
	}
	if n := bytes.TrimSuffix(name, []byte("AlarmIn")); len(n) > 0 {
		name = n
	}
	if n := bytes.TrimSuffix(name, []byte("Alarm")); len(n) > 0 {
		name = n
	}
	switch {
	case bytes.EqualFold(name, []byte("vehice")):
		return d.keep([]byte("vehicle"))
	case bytes.HasPrefix(name, []byte("vehiceM")):
		name = append([]byte("vehicle"), name[len("vehice"):]...)
	}
	upper := func(i int) bool { return i < len(name) && name[i] >= 'A' && name[i] <= 'Z' }
	var snake []byte
	for i, c := range name {
		if upper(i) {
			// A word begins at a capital after a small letter, and at the last
			// capital of a run when a small letter follows it.
			small := i+1 < len(name) && name[i+1] >= 'a' && name[i+1] <= 'z'
			if i > 0 && name[i-1] != '_' && (!upper(i-1) || small) {
				snake = append(snake, '_')
			}
			c = lower(c)
		}
		snake = append(snake, c)
	}
	return d.keep(snake)
}

// bareWord says whether an element's name says too little without the one
// around it.
func bareWord(name []byte) bool {
	switch string(name) {
	case "person", "human", "car", "vehicle", "bike", "motor", "nonMotor", "count", "total", "value", "min", "max":
		return true
	}
	return false
}

func isConfidence(name []byte) bool {
	return string(name) == "PlateConfidence" || string(name) == "plateConfidence"
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// mac writes a MAC address in lower case with colons, from any usual spelling.
// What is not one is named; all zeros is none.
func (d *decoder) mac(t []byte) []byte {
	var nibbles [12]byte
	n, zero, asIs := 0, true, len(t) == 17
	for i, c := range t {
		v := hex(c)
		switch {
		case v >= 0 && n < len(nibbles):
			nibbles[n] = byte(v)
			n++
			zero = zero && v == 0
			asIs = asIs && i%3 != 2 && c == lower(c)
		case v < 0 && (c == ':' || c == '-' || c == '.' || c == ' ') && len(t) > 12:
			asIs = asIs && i%3 == 2 && c == ':'
		default:
			n = -1
		}
		if n < 0 {
			break
		}
	}
	if n != len(nibbles) || len(t) != 12 && len(t) != 14 && len(t) != 17 {
		d.problem("mac %q is not a MAC address", head(t))
		return nil
	}
	if zero {
		return nil
	}
	if asIs {
		return t
	}
	const digit = "0123456789abcdef"
	start := len(d.p.text)
	for i, v := range nibbles {
		if i > 0 && i%2 == 0 {
			d.p.text = append(d.p.text, ':')
		}
		d.p.text = append(d.p.text, digit[v])
	}
	return d.p.text[start:len(d.p.text):len(d.p.text)]
}

// stamp reads currentTime: 10 digits are seconds, 13 milliseconds, 16
// microseconds, anything else is not a time (protocol notes 1.3).
func stamp(t []byte) (time.Time, bool) {
	n, ok := digits(t)
	if !ok || n == 0 {
		return time.Time{}, false
	}
	switch len(t) {
	case 10:
		return time.Unix(int64(n), 0).UTC(), true
	case 13:
		return time.UnixMilli(int64(n)).UTC(), true
	case 16:
		return time.UnixMicro(int64(n)).UTC(), true
	}
	return time.Time{}, false
}

// wallClock reads dataTime: 2026-03-29 09:58:21 or 11-19-2025 12:15:11 PM
// (protocol notes 1.3). It has no zone and is given as if it were UTC.
func wallClock(t []byte) (time.Time, bool) {
	var part [6]int
	var width [6]int
	n := 0
	i := 0
	for ; i < len(t) && n < 6; n++ {
		from := i
		for i < len(t) && t[i] >= '0' && t[i] <= '9' && i-from < 4 {
			part[n] = part[n]*10 + int(t[i]-'0')
			i++
		}
		if width[n] = i - from; width[n] == 0 {
			return time.Time{}, false
		}
		if n == 5 {
			continue
		}
		seps := [5]string{"-/", "-/", " T", ":", ":"}[n]
		if i == len(t) || strings.IndexByte(seps, t[i]) < 0 {
			return time.Time{}, false
		}
		for i++; n == 2 && i < len(t) && t[i] == ' '; i++ {
		}
	}
	if n < 6 {
		return time.Time{}, false
	}
	year, month, day, hour := part[0], part[1], part[2], part[3]
	if width[0] != 4 {
		if width[2] != 4 {
			return time.Time{}, false
		}
		month, day, year = part[0], part[1], part[2]
	}
	switch half := trim(t[i:]); {
	case len(half) == 0:
	case hour < 1 || hour > 12:
		return time.Time{}, false
	case bytes.EqualFold(half, []byte("AM")):
		hour %= 12
	case bytes.EqualFold(half, []byte("PM")):
		hour = hour%12 + 12
	default:
		return time.Time{}, false
	}
	when := time.Date(year, time.Month(month), day, hour, part[4], part[5], 0, time.UTC)
	if year == 0 || when.Month() != time.Month(month) || when.Day() != day || when.Hour() != hour || when.Minute() != part[4] || when.Second() != part[5] {
		return time.Time{}, false
	}
	return when, true
}

// integer reads a whole number with or without a minus; one beyond 32 bits is
// given as the nearest that is not.
func integer(t []byte) (int32, bool) {
	neg := len(t) > 1 && t[0] == '-'
	if neg {
		t = t[1:]
	}
	n, ok := digits(t)
	const most = 1 << 30 // so that a sum of two still fits
	v := int32(min(n, most-1))
	if neg {
		v = -v
	}
	return v, ok
}

// decimal reads a plain decimal number: 3, -12.5.
func decimal(t []byte) (float64, bool) {
	if len(t) == 0 || len(t) > 24 {
		return 0, false
	}
	dot, digit := false, false
	for i, c := range t {
		switch {
		case c >= '0' && c <= '9':
			digit = true
		case c == '.' && !dot:
			dot = true
		case c == '-' && i == 0:
		default:
			return 0, false
		}
	}
	if !digit {
		return 0, false
	}
	n, err := strconv.ParseFloat(string(t), 64)
	return n, err == nil
}
