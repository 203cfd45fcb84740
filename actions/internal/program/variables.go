package program

import (
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/scene"
)

const (
	// maxValue is how many characters a value keeps that reaches a variable.
	maxValue = 256

	timeForm = "2006-01-02T15:04:05.000Z"
)

// Variables are the SALLYPORT_… variables of a firing. What is unknown is
// absent; a value loses NUL bytes and what follows its 256th character.
func Variables(f *engine.Firing) []string {
	var env []string
	set := func(name, value string) {
		if value != "" {
			env = append(env, "SALLYPORT_"+name+"="+bound(value))
		}
	}
	if f.Rule != nil {
		set("RULE", f.Rule.Name)
	}
	set("KEY", f.Key)
	e := f.Event
	if e == nil {
		e = &engine.Event{}
	}
	set("KIND", e.Kind.String())
	set("CAMERA", e.Camera)
	if e.HasID {
		set("EVENT", strconv.FormatInt(e.ID, 10))
	}
	if e.Plate != nil {
		set("PLATE", e.Plate.Number)
		set("LIST", e.Plate.List)
	}
	id, class, known := target(f, e)
	if known {
		set("TARGET", strconv.FormatUint(id, 10))
	}
	if class != scene.ClassUnknown {
		set("CLASS", class.String())
	}
	set("ZONE", f.Zone)
	if !f.At.Wall.IsZero() {
		set("TIME", f.At.Wall.UTC().Format(timeForm))
	}
	return env
}

// target finds the target a firing is about: the one its key names ("front/2157"),
// else the only one its event lists.
func target(f *engine.Firing, e *engine.Event) (id uint64, class scene.Class, known bool) {
	if f.Rule != nil && f.Rule.Per == engine.PerTarget {
		if n, err := strconv.ParseUint(f.Key[strings.LastIndexByte(f.Key, '/')+1:], 10, 64); err == nil {
			for _, t := range e.Targets {
				if t.HasID && t.ID == n {
					return n, t.Class, true
				}
			}
			return n, scene.ClassUnknown, true
		}
	}
	if len(e.Targets) == 1 {
		return e.Targets[0].ID, e.Targets[0].Class, e.Targets[0].HasID
	}
	return 0, scene.ClassUnknown, false
}

func bound(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
	n := 0
	for i := range s {
		if n++; n > maxValue {
			return s[:i]
		}
	}
	return s
}
