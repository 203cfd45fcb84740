package journal

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// AppendJSON adds an entry that was read as one JSON object: id, kind and at, what it
// is about, its body's fields (of an event the whole body as event), links to the
// entries that led to it, its pictures and its hash.
func (e *Entry) AppendJSON(b []byte) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, e.ID, 10)
	b = appendText(b, "kind", e.Kind)
	b = appendText(b, "at", e.At.UTC().Format("2006-01-02T15:04:05.000Z"))
	b = appendText(b, "camera", e.Camera)
	b = appendText(b, "rule", e.Rule)
	b = appendText(b, "key", e.Key)
	b = appendText(b, "relay", e.Relay)
	b = appendText(b, "plate", e.Plate)
	if e.Kind == KindEvent {
		b = append(append(b, `,"event":`...), e.Body...)
	} else if inner := bytes.TrimSpace(e.Body); len(inner) > 2 && inner[0] == '{' {
		b = append(append(b, ','), bytes.TrimSpace(inner[1:len(inner)-1])...)
	}
	if e.Event != 0 || e.Firing != 0 {
		b = append(b, `,"links":{`...)
		if e.Event != 0 {
			b = append(b, `"event":`...)
			b = strconv.AppendInt(b, e.Event, 10)
		}
		if e.Firing != 0 {
			if e.Event != 0 {
				b = append(b, ',')
			}
			b = append(b, `"firing":`...)
			b = strconv.AppendInt(b, e.Firing, 10)
		}
		b = append(b, '}')
	}
	if images := encodeImages(e.Images); images != "" {
		b = append(append(b, `,"images":`...), images...)
	}
	return append(appendText(b, "hash", e.Hash), '}')
}

// appendText adds a field, unless it is empty.
func appendText(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return append(b, strings.TrimSuffix(text.String(), "\n")...)
}
