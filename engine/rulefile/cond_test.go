package rulefile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/scene"
)

// world is what the conditions of the tests are about.
const world = `
flags: {armed: true, level: 3, mode: home}
schedules:
  office: {days: mon-fri, from: "08:00", to: "18:00"}
  never: {dates: 2001-01-01}
zones:
  porch: {camera: porch, polygon: [[2000, 3000], [8000, 3000], [8000, 9000], [2000, 9000]], settle: 0s}
  yard: {camera: porch, import: perimeter/1}
  apron: {camera: gate, polygon: [[0, 0], [100, 0], [100, 100]]}
lines:
  kerb: {camera: porch, from: [0, 5000], to: [10000, 5000], in: right}
  fence: {camera: porch, import: tripwire/1}
lists:
  residents: [{plate: ABC1234, owner: Ann}, {plate: "0123"}, {plate: OLD111, until: 2025-12-31}, {plate: NEW222, from: 2026-03-02}]
`

// noon is a Monday.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// probe gives the truth of a condition for one event, by a rule that fires when it is true and one when it is false.
func probe(t *testing.T, on, condition string, wall time.Time, events ...*engine.Event) (engine.Truth, *engine.Ruleset) {
	t.Helper()
	quoted := "'" + strings.ReplaceAll(condition, "'", "''") + "'"
	not := "'!(" + strings.ReplaceAll(condition, "'", "''") + ")'"
	text := world + fmt.Sprintf("rules:\n  - {name: yes, on: %s, per: rule, when: %s, do: [{log: x}]}\n  - {name: no, on: %s, per: rule, when: %s, do: [{log: x}]}\n", on, quoted, on, not)
	rs := mustLoad(t, text)
	e, _ := engine.New(rs, engine.DefaultOptions(), engine.Instant{Wall: wall})
	truth := engine.Unknown
	for i, ev := range events {
		at := 10*time.Second + time.Duration(i)*150*time.Millisecond
		ev.Received = wall.Add(at)
		for _, d := range e.Apply(engine.Instant{Mono: at, Wall: wall.Add(at)}, ev) {
			if d.Type == engine.DecisionFiring {
				truth = engine.TruthOf(d.Rule.Name == "yes")
			}
		}
	}
	return truth, rs
}

func plate(change func(*engine.Plate)) *engine.Event {
	p := &engine.Plate{Number: "abc-1234", Confidence: 97, HasConfidence: true, Heading: "approach"}
	if change != nil {
		change(p)
	}
	return &engine.Event{Kind: engine.KindPlate, Camera: "gate", Plate: p}
}

func message(body any) *engine.Event {
	return &engine.Event{Kind: engine.KindMessage, Message: &engine.Message{Topic: "door/bell", Body: body}}
}

// stay is a person that stands in the porch for some frames.
func stay(frames int, boxes ...geometry.Box) []*engine.Event {
	if boxes == nil {
		boxes = []geometry.Box{{X1: 4000, Y1: 4000, X2: 4700, Y2: 6200}}
	}
	var out []*engine.Event
	for i := range frames {
		b := boxes[min(i, len(boxes)-1)]
		out = append(out, &engine.Event{Kind: engine.KindTarget, Camera: "porch", Targets: []engine.Listed{{ID: 7, HasID: true, Class: scene.Person, Box: b, HasBox: true}}})
	}
	return out
}

func TestTruth(t *testing.T) {
	const T, F, U = engine.True, engine.False, engine.Unknown
	known := plate(nil)
	blank := plate(func(p *engine.Plate) { *p = engine.Plate{} })
	nvr := plate(func(p *engine.Plate) { p.Heading, p.HasConfidence = "", false })
	msg := message(map[string]any{
		"n": 3.5, "s": "Hello", "t": "42", "b": true, "z": nil, "list": []any{1.0, 2.0, 3.0}, "mixed": []any{1.0, "a", nil},
		"rows": []any{map[string]any{"x": 1.0, "tags": []any{"a", "b"}}, map[string]any{"x": 5.0, "tags": []any{}}}, "m": map[string]any{"k": "v"},
	})
	motion := &engine.Event{Kind: engine.KindMotion, Raw: "MOTION", Camera: "front", ID: 12, HasID: true, Values: []engine.Value{{Name: "count", Number: 4}}}
	face := &engine.Event{Kind: engine.KindFaceMatch, Camera: "front", Face: &engine.Face{Age: "young", Match: "Ann"}}
	alarm := &engine.Event{Kind: engine.KindAlarm, Camera: "front", Alarm: &engine.Alarm{Name: "perimeter", On: true, ID: 2}}
	start := &engine.Event{Kind: engine.KindStart}
	for _, c := range []struct {
		on        string
		ev        *engine.Event
		condition string
		want      engine.Truth
	}{
		// Unknown is the third value.
		{"plate", known, `plate.heading == "approach"`, T},
		{"plate", known, `plate.heading != "approach"`, F},
		{"plate", nvr, `plate.heading == "approach"`, U},
		{"plate", nvr, `plate.heading != "away"`, U},
		{"plate", nvr, `!(plate.heading == "away")`, U},
		{"plate", nvr, `plate.heading == "away" && plate.number == "x"`, F},
		{"plate", nvr, `plate.heading == "away" || plate.number == "abc-1234"`, T},
		{"plate", nvr, `plate.heading == "away" || plate.number == "x"`, U},
		{"plate", nvr, `known(plate.heading)`, F},
		{"plate", nvr, `!known(plate.heading) && !known(plate.confidence)`, T},
		{"plate", nvr, `(plate.heading ?? "approach") == "approach"`, T},
		{"plate", nvr, `(plate.list ?? "none") == "none"`, T},
		{"plate", nvr, `plate.confidence > 50 ? true : plate.number == "x"`, U},
		{"plate", nvr, `(plate.confidence ?? 100) > 50`, T},
		{"plate", known, `plate.confidence > 50 ? plate.number == "abc-1234" : plate.number == "x"`, T},
		{"plate", known, `plate.confidence / 0 > 1`, U},
		{"plate", known, `plate.confidence in [96, 97]`, T},
		{"plate", known, `plate.heading in ["away"]`, F},
		{"plate", known, `plate.heading not in ["away"]`, T},
		{"plate", known, `90 < plate.confidence < 98`, T},
		{"plate", known, `plate.number startsWith "abc" and plate.number endsWith "34"`, T},
		{"plate", known, `plate.number matches "^[a-c]{3}-[0-9]+$"`, T},
		{"plate", known, `plate.number contains "Z"`, F},
		{"plate", known, `upper(plate.number) == "ABC-1234"`, T},
		{"plate", known, `len(plate.number) == 8`, T},
		{"plate", known, `plate.number + "!" == "abc-1234!"`, T},
		{"plate", known, `known(plate.vehicle.type)`, F},
		{"plate", known, `plate.reads == 1`, T},
		{"plate", known, `plate.on("residents")`, T},
		{"plate", known, `plate.on("residents") && plate.owner == "Ann"`, T},
		{"plate", blank, `plate.on("residents")`, U},
		{"plate", plate(func(p *engine.Plate) { p.Number = "0123" }), `plate.on("residents")`, T},
		{"plate", plate(func(p *engine.Plate) { p.Number = "OLD111" }), `plate.on("residents")`, F},
		{"plate", plate(func(p *engine.Plate) { p.Number = "NEW222" }), `plate.on("residents")`, T},
		{"plate", plate(func(p *engine.Plate) { p.Number = "A8C1234" }), `plate.on("residents")`, F},
		{"plate", plate(func(p *engine.Plate) { p.Number = "A8C1234" }), `plate.looks("residents")`, T},
		{"plate", plate(func(p *engine.Plate) { p.Number = "ABC1239" }), `plate.looks("residents")`, F},
		{"plate", plate(func(p *engine.Plate) { p.Number = "ABC1239" }), `plate.near("residents")`, T},

		// A leaf that met an unknown is unknown, also within predicates; what was not met does not count.
		{"message", msg, `float(message.body.n) > 3`, T},
		{"message", msg, `float(message.body.t) == 42`, T},
		{"message", msg, `float(message.body.s) > 3`, U},
		{"message", msg, `string(message.body.n) == "3.5"`, T},
		{"message", msg, `string(message.body.list) == "x"`, U},
		{"message", msg, `message.body.b`, T},
		{"message", msg, `message.body.s`, U},
		{"message", msg, `known(message.body.z)`, F},
		{"message", msg, `known(message.body.none.deeper)`, F},
		{"message", msg, `string(message.body["s"]) == "Hello"`, T},
		{"message", msg, `string(message.body.m?.k) == "v"`, T},
		{"message", msg, `float(message.body.list[1]) == 2`, T},
		{"message", msg, `known(message.body.list[9])`, F},
		{"message", msg, `len(message.body.list) == 3 && len(message.body.s) == 5 && len(message.body.m) == 1`, T},
		{"message", msg, `len(message.body.n) == 3`, U},
		{"message", msg, `any(message.body.list, float(#) > 2)`, T},
		{"message", msg, `all(message.body.list, float(#) > 2)`, F},
		{"message", msg, `none(message.body.list, float(#) > 3)`, T},
		{"message", msg, `one(message.body.list, float(#) > 2)`, T},
		{"message", msg, `one(message.body.list, float(#) > 1)`, F},
		{"message", msg, `any(message.body.list, #index == 2 && float(#) == 3)`, T},
		{"message", msg, `any(message.body.mixed, float(#) > 2)`, U},
		{"message", msg, `any(message.body.mixed, float(#) == 1)`, T},
		{"message", msg, `any(message.body.mixed, known(#) && string(#) == "q")`, F},
		{"message", msg, `any(message.body.s, string(#) == "q")`, U},
		{"message", msg, `any(message.body.rows, float(.x) == 5)`, T},
		{"message", msg, `any(message.body.rows, any(.tags, string(#) == "b"))`, T},
		{"message", msg, `all(message.body.rows, any(.tags, string(#) == "b"))`, F},
		{"message", msg, `any(["x", "door/bell"], # == message.topic)`, T},
		{"message", msg, `message.topic | upper() == "DOOR/BELL"`, T},
		{"message", msg, `float(message.body.q ?? 3) == 3`, T},
		{"message", msg, `int(message.body.n) == 3 && round(float(message.body.n)) == 4 && abs(-2) == float(message.body.list[1])`, T},
		{"message", msg, `max(float(message.body.n), 2, 9) == 9 && min(float(message.body.n), 2) == 2`, T},
		{"message", msg, `max(float(message.body.q), 2) > 1`, U},
		{"message", msg, `float(message.body.n) % 2 == 1.5 && -float(message.body.n) < 0 && float(message.body.n) * 2 - 1 == 6`, T},
		{"message", msg, `trim(" a ") == string(message.body.s) || lower(string(message.body.s)) == "hello"`, T},

		// What other events carry.
		{"motion", motion, `event.values.count == 4 && event.values["count"] > 3`, T},
		{"motion", motion, `event.values.other == 4`, U},
		{"motion", motion, `event.kind == "motion"`, T},
		{"motion", motion, `event.raw == "MOTION" && event.id == 12`, T},
		{"motion", motion, `camera.name == "front"`, T},
		{"motion", motion, `known(event.status) || known(camera.device) || known(camera.address) || known(event.time)`, F},
		{"motion", motion, `event.received <= now`, T},
		{"motion", motion, `now - event.received < "1s"`, T},
		{"face_match", face, `face.match == "Ann" && face.age == "young"`, T},
		{"face_match", face, `face.mask == "yes" || face.sex == "male" || face.glasses == "yes"`, U},
		{"alarm", alarm, `alarm.on && alarm.name == "perimeter" && alarm.channel == 2`, T},

		// The world.
		{"start", start, `clock_ok && now.weekday == "mon"`, T},
		{"start", start, `during("office") && !during("never")`, T},
		{"start", start, `day() == !night()`, T},
		{"start", start, `flag("armed") && flag("level") == 3 && flag("mode") == "home"`, T},
		{"start", start, `flag("armed").since >= "10s" && flag("armed").since < "11s"`, T},
		{"start", start, `relay("gate").on || contact("door").on || contact("door").open`, U},
		{"start", start, `known(relay("gate").since) || known(contact("door").since)`, F},
		{"start", start, `since("yes") > "1s"`, U},
		{"start", start, `occupancy("porch") == 0 && occupancy("porch", "car") < 1`, T},
		{"start", start, `occupancy("yard") == 0`, U},
		{"start", start, `seen("porch", "person", "1h")`, F},
		{"start", start, `"1h" > flag("armed").since + "1s" - "500ms"`, T},
		{"start", start, `max(flag("armed").since, flag("mode").since) > "1s"`, T},
	} {
		if got, _ := probe(t, c.on, c.condition, noon, c.ev.Clone()); got != c.want {
			t.Errorf("on: %s: %s is %s, want %s", c.on, c.condition, got, c.want)
		}
	}
}

func TestTruthOfTargets(t *testing.T) {
	const T, F, U = engine.True, engine.False, engine.Unknown
	in := geometry.Box{X1: 4000, Y1: 4000, X2: 4700, Y2: 6200}
	walk := func(from, to, frames int) []geometry.Box {
		var out []geometry.Box
		for i := range frames {
			y := int32(from + (to-from)*i/(frames-1))
			out = append(out, geometry.Box{X1: 4000, Y1: y - 2200, X2: 4700, Y2: y})
		}
		return out
	}
	for _, c := range []struct {
		frames    int
		boxes     []geometry.Box
		condition string
		want      engine.Truth
	}{
		{2, nil, `target.class == "person" && target.class in ["person", "car"] && target.class != "car"`, T},
		{2, nil, `target.class == "car"`, F},
		{2, nil, `target.id == 7 && target.box[0] == 4000 && target.box[3] == 6200`, T},
		{2, nil, `target.gone`, F},
		{2, nil, `inside("porch")`, T},
		{2, nil, `inside("apron")`, F},
		{2, nil, `inside("yard")`, U},
		{2, nil, `!inside("yard")`, U},
		{12, nil, `dwell("porch") > "1s" && target.age > "1s" && dwell_total("porch", "10m") > "1s"`, T},
		{12, nil, `dwell("porch") > "1h"`, F},
		{12, nil, `dwell("apron") > "1s"`, F},
		{2, nil, `overlap("porch") == 100`, T},
		{12, nil, `still()`, T},
		{12, nil, `moving("down")`, F},
		{12, nil, `known(target.heading)`, F},
		{2, nil, `moving("down")`, U},
		{12, walk(2500, 8000, 12), `moving("down") && moving(180, 10) && !moving("up") && target.speed > 1000`, T},
		{12, walk(2500, 8000, 12), `target.heading > 179 && target.heading < 181`, T},
		{1, []geometry.Box{in}, `entered("porch")`, T},
		{12, nil, `entered("porch")`, F},
		{12, nil, `left("porch") || came_from("porch") || crossed("kerb")`, F},
		{12, nil, `occupancy("porch") == 1 && seen("porch", "person", "1s")`, T},
	} {
		if got, _ := probe(t, "target", c.condition, noon, stay(c.frames, c.boxes...)...); got != c.want {
			t.Errorf("%s is %s, want %s", c.condition, got, c.want)
		}
	}
}

// TestClockNotSet shows that ignorance of the time opens nothing.
func TestClockNotSet(t *testing.T) {
	early := time.Date(1970, 1, 1, 0, 5, 0, 0, time.UTC)
	for _, c := range []struct {
		condition string
		want      engine.Truth
	}{
		{`clock_ok`, engine.False},
		{`during("office")`, engine.Unknown},
		{`!during("office")`, engine.Unknown},
		{`night()`, engine.Unknown},
		{`day()`, engine.Unknown},
		{`now.weekday == "thu"`, engine.Unknown},
		{`known(now)`, engine.False},
	} {
		if got, _ := probe(t, "start", c.condition, early, &engine.Event{Kind: engine.KindStart}); got != c.want {
			t.Errorf("%s is %s, want %s", c.condition, got, c.want)
		}
	}
	read := plate(func(p *engine.Plate) { p.Number = "NEW222" })
	if got, _ := probe(t, "plate", `plate.on("residents")`, early, read); got != engine.Unknown {
		t.Errorf("an entry with a date is %s while the clock is not set", got)
	}
}

func TestNeed(t *testing.T) {
	person, car, motor := scene.Person, scene.Car, scene.Motor
	// Cameras by name order: front 0, gate 1, porch 2. Zones: porch 0, yard 1, apron 2.
	for _, c := range []struct {
		condition string
		cameras   []int
		classes   scene.ClassSet
		zones     []engine.ZoneRef
	}{
		{`inside("porch")`, []int{2}, 0, []engine.ZoneRef{0}},
		{`!inside("porch")`, nil, 0, nil},
		{`known(inside("porch"))`, nil, 0, nil},
		{`(inside("porch") ?? true)`, nil, 0, nil},
		{`entered("porch") && target.class == "person"`, []int{2}, scene.Classes(person), []engine.ZoneRef{0}},
		{`left("porch") || inside("apron")`, []int{1, 2}, 0, []engine.ZoneRef{0, 2}},
		{`left("porch") || still()`, nil, 0, nil},
		{`left("porch") || (inside("apron") && still())`, []int{1, 2}, 0, []engine.ZoneRef{0, 2}},
		{`target.class in ["car", "motor"]`, nil, scene.Classes(car, motor), nil},
		{`target.class != "car"`, nil, scene.Classes(person, motor), nil},
		{`target.class not in ["car"]`, nil, 0, nil},
		{`dwell("porch") > "2s"`, []int{2}, 0, []engine.ZoneRef{0}},
		{`"2s" <= dwell("porch")`, []int{2}, 0, []engine.ZoneRef{0}},
		{`dwell("porch") > "0s"`, []int{2}, 0, []engine.ZoneRef{0}},
		{`dwell("porch") < "2s"`, nil, 0, nil},
		{`dwell("porch") <= "0s"`, nil, 0, nil},
		{`dwell("porch") != "5s"`, nil, 0, nil},
		// A box may reach into a zone whose anchor is outside: the camera is all that is sure.
		{`overlap("porch") > 20`, []int{2}, 0, nil},
		{`overlap("porch") < 20`, nil, 0, nil},
		{`dwell_total("porch", "1m") > "5s"`, []int{2}, 0, nil},
		{`came_from("porch")`, []int{2}, 0, nil},
		{`toward("porch")`, []int{2}, 0, nil},
		{`crossed("kerb", "in")`, []int{2}, 0, nil},
		{`path("yard", "porch", "10s")`, []int{2}, 0, []engine.ZoneRef{0}},
		{`camera.name == "gate"`, []int{1}, 0, nil},
		{`camera.name != "gate"`, nil, 0, nil},
		{`camera.name in ["gate", "porch"] && still()`, []int{1, 2}, 0, nil},
		{`camera.name in ["gate", "porch"] && inside("porch")`, []int{2}, 0, []engine.ZoneRef{0}},
		{`inside("porch") && (inside("porch") || inside("yard"))`, []int{2}, 0, []engine.ZoneRef{0}},
		{`(inside("porch") || inside("yard")) && inside("yard")`, []int{2}, 0, []engine.ZoneRef{1}},
		{`still() ? inside("porch") : inside("yard")`, nil, 0, nil},
	} {
		rs := mustLoad(t, world+"rules:\n  - {name: r, on: target, when: '"+c.condition+"', do: [{log: x}]}\n")
		want := fmt.Sprint(c.cameras, c.classes, c.zones)
		if got := fmt.Sprint(rs.Rules[0].Need.Cameras, rs.Rules[0].Need.Classes, rs.Rules[0].Need.Zones); got != want {
			t.Errorf("%s needs %s, want %s", c.condition, got, want)
		}
	}
}

func TestWhatARuleReads(t *testing.T) {
	for _, c := range []struct {
		rule string
		want string
	}{
		{`on: target, when: target.gone`, "atEnd=true statuses=false names=[] reads=0"},
		{`on: target, when: left("porch")`, "atEnd=true statuses=false names=[] reads=0"},
		{`on: intrusion, when: event.status == "stop"`, "atEnd=false statuses=true names=[] reads=0"},
		{`on: contact, when: contact("door").on`, "atEnd=false statuses=false names=[door] reads=0"},
		{`on: [contact, relay], when: contact("door").on && relay("gate").on`, "atEnd=false statuses=false names=[door gate] reads=0"},
		{`on: [contact, flag], when: contact("door").on`, "atEnd=false statuses=false names=[] reads=0"},
		{`on: [camera, motion], per: camera, when: camera.name == "gate"`, "atEnd=false statuses=false names=[] reads=0"},
		{`on: contact, when: contact("door").on && relay("gate").on`, "atEnd=false statuses=false names=[door] reads=0"},
		{`on: relay, when: 'event.name in ["gate", "porch"]'`, "atEnd=false statuses=false names=[gate porch] reads=0"},
		{`on: relay, when: event.name == "gate" || flag("armed")`, "atEnd=false statuses=false names=[] reads=0"},
		{`on: relay, when: event.name != "gate"`, "atEnd=false statuses=false names=[] reads=0"},
		{`on: camera, when: camera.name == "gate" && camera.online`, "atEnd=false statuses=false names=[gate] reads=0"},
		{`when: occupancy("porch") > 1`, "atEnd=false statuses=false names=[] reads=2"},
		{`when: flag("armed") && during("office")`, "atEnd=false statuses=false names=[] reads=5"},
		{`on: plate, when: plate.on("residents"), while: relay("gate").on || contact("door").on`, "atEnd=false statuses=false names=[] reads=24"},
		{`on: start, when: since("r") > "1h"`, "atEnd=false statuses=false names=[] reads=0"},
	} {
		r := mustLoad(t, world+"rules:\n  - {name: r, "+c.rule+", do: [{log: x}]}\n").Rules[0]
		if got := fmt.Sprintf("atEnd=%v statuses=%v names=%v reads=%d", r.AtEnd, r.Statuses, r.Names, r.Reads); got != c.want {
			t.Errorf("%s: %s, want %s", c.rule, got, c.want)
		}
	}
}

// TestTreeOfACondition shows the parts by which a condition is explained.
func TestTreeOfACondition(t *testing.T) {
	r := mustLoad(t, world+"rules:\n  - {name: r, on: plate, when: '!known(plate.heading) && (plate.on(\"residents\") or plate.confidence > 90) && plate.reads > 1', do: [{log: x}]}\n").Rules[0]
	var show func(c *engine.Cond) string
	show = func(c *engine.Cond) string {
		var kids []string
		for _, k := range c.Kids {
			kids = append(kids, show(k))
		}
		if kids == nil {
			return c.Text
		}
		return fmt.Sprintf("%d(%s)", c.Op, strings.Join(kids, "; "))
	}
	const want = `1(3(known(plate.heading)); 2(plate.on("residents"); plate.confidence > 90); plate.reads > 1)`
	if got := show(r.When); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestNoAllocation keeps conditions on targets off the heap.
func TestNoAllocation(t *testing.T) {
	rs := mustLoad(t, world+`rules:
  - {name: r, on: target, when: 'target.class in ["car", "motor"] && inside("porch") && dwell("porch") > "1h" && camera.name == "porch" && !still() && moving("left")', do: [{log: x}]}
`)
	e, _ := engine.New(rs, engine.DefaultOptions(), engine.Instant{Wall: noon})
	ev := stay(1)[0]
	ev.Targets[0].Class = scene.Car
	at := 10 * time.Second
	step := func() {
		at += 150 * time.Millisecond
		ev.Received = noon.Add(at)
		e.Apply(engine.Instant{Mono: at, Wall: noon.Add(at)}, ev)
	}
	for range 50 {
		step()
	}
	before := e.Looks()
	if n := testing.AllocsPerRun(200, step); n > 0 {
		t.Errorf("%v allocations a frame", n)
	}
	if e.Looks() == before {
		t.Error("the rule was not looked at")
	}
}

// FuzzCondition compiles any expression and, when it is accepted, looks with it: neither may panic.
func FuzzCondition(f *testing.F) {
	for _, s := range []string{
		`target.class == "person" && dwell("porch") > "2s"`, `any(message.body.rows, any(.tags, string(#) == "b"))`, `plate.on("residents") || !known(plate.heading)`,
		`(plate.list ?? "none") in ["a", "b"]`, `moving(90, 30) ? still() : target.box[0] > 3 + 4 * 2`, `max(flag("armed").since, "3s") > "1s"`, `message.topic | upper() matches "^A+$"`,
		`now - event.received < "1s" and now.weekday not in ["mon"]`, `path("yard", "porch", "10s") || crossed("kerb", "in")`, `string([1][0]) == "1" || len("a" + "b") > int("3")`,
		`seen("porch", "car", "3s") && occupancy("porch", "car") % 2 == 1`, `one([1, 2, 3], # > target.speed)`, `known(target.box) && known(now) && float("1e3") > -1`,
	} {
		for on := range byte(3) {
			f.Add(s, on)
		}
	}
	f.Fuzz(func(t *testing.T, condition string, on byte) {
		if strings.ContainsAny(condition, "\n\r") {
			return
		}
		word := []string{"target", "plate", "message"}[on%3]
		ev := []*engine.Event{stay(1)[0], plate(nil), message(map[string]any{"rows": []any{map[string]any{"tags": []any{"a"}}}, "n": 3.0})}[on%3]
		quoted := "'" + strings.ReplaceAll(condition, "'", "''") + "'"
		rs, _ := LoadFiles([]File{{"a.yaml", []byte(world + "rules:\n  - {name: r, on: " + word + ", when: " + quoted + ", do: [{log: x}]}\n  - {name: s, when: " + quoted + ", do: [{log: x}]}\n")}}, "rules.d", testSite())
		if rs == nil {
			rs, _ = LoadFiles([]File{{"a.yaml", []byte(world + "rules:\n  - {name: r, on: " + word + ", when: " + quoted + ", do: [{log: x}]}\n")}}, "rules.d", testSite())
		}
		if rs == nil {
			return
		}
		e, _ := engine.New(rs, engine.DefaultOptions(), engine.Instant{Wall: noon})
		ev.Received = noon.Add(time.Second)
		e.Apply(engine.Instant{Mono: time.Second, Wall: ev.Received}, ev)
		e.Advance(engine.Instant{Mono: 3 * time.Second, Wall: noon.Add(3 * time.Second)})
	})
}
