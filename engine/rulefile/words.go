package rulefile

import (
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/scene"
)

// names of things with fields.
func thingNames() []string {
	return []string{"now", "clock_ok", "event", "camera", "target", "plate", "face", "alarm", "message"}
}

// wordNames are the functions that read the world.
func wordNames() []string {
	return []string{
		"inside", "entered", "left", "dwell", "dwell_total", "overlap", "path", "crossed", "moving", "still", "toward", "came_from",
		"occupancy", "crossings", "balance", "seen", "during", "night", "day", "relay", "contact", "flag", "since",
	}
}

func functionNames() []string { return append(builtinNames(), wordNames()...) }

func isWord(s string) bool { return contains(wordNames(), s) }

// fieldNames are the fields of a thing.
func fieldNames(thing string) []string {
	switch thing {
	case "now":
		return []string{"weekday"}
	case "event":
		return []string{"kind", "raw", "id", "name", "status", "time", "received", "values"}
	case "camera":
		return []string{"name", "online", "device", "address"}
	case "target":
		return []string{"id", "class", "box", "age", "speed", "heading", "gone"}
	case "plate":
		return []string{"number", "list", "confidence", "heading", "color", "owner", "reads", "vehicle", "on", "looks", "near"}
	case "plate.vehicle":
		return []string{"type", "color", "brand", "model"}
	case "face":
		return []string{"age", "sex", "glasses", "mask", "match"}
	case "alarm":
		return []string{"name", "on", "channel"}
	case "message":
		return []string{"topic", "body"}
	}
	return nil
}

// carrier is what must be carried for a thing to be there, and the kinds that do, for messages.
func carrier(thing string) (carries, string) {
	switch thing {
	case "event":
		return carriesEvent, ""
	case "camera":
		return carriesCamera, "camera kinds"
	case "target":
		return carriesTarget, "target, intrusion and the other smart events"
	case "plate":
		return carriesPlate, "plate"
	case "face":
		return carriesFace, "face and face_match"
	case "alarm":
		return carriesAlarm, "alarm"
	case "message":
		return carriesMessage, "message"
	}
	return 0, ""
}

// carried checks that the rule's events bring something along.
func (c *compiler) carried(n ast.Node, what string, need carries, by string) bool {
	if c.scope.carries&need == need {
		return true
	}
	if by != "" {
		by = " (it comes with on: " + by + ")"
	}
	c.errorf(n, "%s is not carried by %s%s", what, c.scope.where, by)
	return false
}

// identifier compiles a name that stands alone.
func (c *compiler) identifier(x *ast.IdentifierNode) *val {
	switch x.Value {
	case "now":
		c.uses.reads |= engine.ReadsClock
		return &val{kind: kTime, node: x, steps: 1, time: func(l *engine.Look, _ *item) (time.Time, bool) { return l.Now(), l.ClockOK() }}
	case "clock_ok":
		c.uses.reads |= engine.ReadsClock
		v := &val{kind: kBool, node: x, steps: 1, leaf: func(l *engine.Look) engine.Truth { return engine.TruthOf(l.ClockOK()) }}
		return v.fromLeaf()
	}
	if contains(thingNames(), x.Value) {
		fields := fieldNames(x.Value)
		return c.errorf(x, "%s has fields; write %s.%s or another of them", x.Value, x.Value, fields[0])
	}
	if isWord(x.Value) || contains(builtinNames(), x.Value) {
		return c.errorf(x, "%s is a function; write %s(…)", x.Value, x.Value)
	}
	return c.errorf(x, "unknown name %s%s", clean(x.Value), c.at.meant(x.Value, append(thingNames(), functionNames()...)))
}

// fromLeaf gives a bool its closure of two values.
func (v *val) fromLeaf() *val {
	leaf := v.leaf
	v.truth = func(l *engine.Look, _ *item) engine.Truth { return leaf(l) }
	return v
}

// property is a constant name after a dot or in brackets.
func property(x *ast.MemberNode) (string, bool) {
	s, ok := x.Property.(*ast.StringNode)
	if !ok {
		return "", false
	}
	return s.Value, true
}

// member compiles a.b and a[b].
func (c *compiler) member(x *ast.MemberNode) *val {
	base := x.Node
	if ch, ok := base.(*ast.ChainNode); ok {
		base = ch.Node
	}
	switch b := base.(type) {
	case *ast.IdentifierNode:
		if contains(thingNames(), b.Value) && b.Value != "clock_ok" {
			if p, ok := property(x); ok {
				return c.field(x, b.Value, p)
			}
			return c.errorf(x, "a field of %s is written with a dot", b.Value)
		}
	case *ast.CallNode:
		if id, ok := b.Callee.(*ast.IdentifierNode); ok {
			switch id.Value {
			case "relay", "contact", "flag":
				if p, ok := property(x); ok {
					return c.wired(x, b, id.Value, p)
				}
			}
		}
	case *ast.MemberNode:
		if id, ok := b.Node.(*ast.IdentifierNode); ok {
			p, _ := property(b)
			switch {
			case id.Value == "plate" && p == "vehicle":
				if f, ok := property(x); ok {
					return c.field(x, "plate.vehicle", f)
				}
			case id.Value == "event" && p == "values":
				return c.eventValue(x)
			}
		}
	}
	v := c.value(base)
	if v == nil {
		return nil
	}
	switch v.kind {
	case kUntyped:
		return c.untypedMember(x, v)
	case kBox:
		i, ok := x.Property.(*ast.IntegerNode)
		if !ok || i.Value < 0 || i.Value > 3 {
			return c.errorf(x, "a box is [x1, y1, x2, y2]; write %s[0] to %s[3]", base.String(), base.String())
		}
		f, side := v.box, i.Value
		return &val{kind: kNumber, node: x, steps: v.steps + 1, bounded: true, high: geometry.Size, num: func(l *engine.Look, it *item) (float64, bool) {
			b, ok := f(l, it)
			return float64([4]int32{b.X1, b.Y1, b.X2, b.Y2}[side]), ok
		}}
	}
	return c.errorf(x, "%s is %s and has no fields", base.String(), v.kind)
}

// untypedMember looks into a message's body.
func (c *compiler) untypedMember(x *ast.MemberNode, v *val) *val {
	f := v.any
	switch p := x.Property.(type) {
	case *ast.StringNode:
		name := p.Value
		return &val{kind: kUntyped, node: x, steps: v.steps + 2, any: func(l *engine.Look, it *item) (any, bool) {
			b, ok := f(l, it)
			if !ok {
				return nil, false
			}
			m, _ := b.(map[string]any)
			e := m[name]
			return e, e != nil
		}}
	case *ast.IntegerNode:
		at := p.Value
		return &val{kind: kUntyped, node: x, steps: v.steps + 2, any: func(l *engine.Look, it *item) (any, bool) {
			b, ok := f(l, it)
			if !ok {
				return nil, false
			}
			list, _ := b.([]any)
			if at < 0 || at >= len(list) {
				return nil, false
			}
			return list[at], list[at] != nil
		}}
	}
	return c.errorf(x, "only a constant name or number can stand in [ ]")
}

// eventValue is event.values.name.
func (c *compiler) eventValue(x *ast.MemberNode) *val {
	name, ok := property(x)
	if !ok {
		return c.errorf(x, `event.values takes a name: event.values.enterPersonCount`)
	}
	if !c.carried(x, "event.values", carriesValues, "motion, line_count, area_count and the like") {
		return nil
	}
	return &val{kind: kNumber, node: x, steps: 8, num: func(l *engine.Look, _ *item) (float64, bool) {
		e := l.Event()
		if e == nil {
			return 0, false
		}
		for i := range e.Values {
			if e.Values[i].Name == name {
				return finite(e.Values[i].Number)
			}
		}
		return 0, false
	}}
}

// eventText makes a text out of the event; empty is unknown.
func eventText(n ast.Node, get func(*engine.Event) string) *val {
	return &val{kind: kText, node: n, steps: 1, text: func(l *engine.Look, _ *item) (string, bool) {
		e := l.Event()
		if e == nil {
			return "", false
		}
		s := get(e)
		return s, s != ""
	}}
}

func plateText(n ast.Node, get func(*engine.Plate) string) *val {
	return &val{kind: kText, node: n, steps: 1, text: func(l *engine.Look, _ *item) (string, bool) {
		p := l.Plate()
		if p == nil {
			return "", false
		}
		s := get(p)
		return s, s != ""
	}}
}

func faceText(n ast.Node, get func(*engine.Face) string) *val {
	return eventText(n, func(e *engine.Event) string {
		if e.Face == nil {
			return ""
		}
		return get(e.Face)
	})
}

// field compiles a field of a thing.
func (c *compiler) field(x *ast.MemberNode, thing, name string) *val {
	need, by := carrier(strings.TrimSuffix(thing, ".vehicle"))
	if !contains(fieldNames(thing), name) {
		return c.errorf(x, "%s has no field %s%s", thing, clean(name), c.at.meant(name, fieldNames(thing)))
	}
	full := thing + "." + name
	if thing == "event" && name == "name" {
		need, by = carriesName, "contact, relay and flag"
	}
	if !c.carried(x, full, need, by) {
		return nil
	}
	switch full {
	case "now.weekday":
		c.uses.reads |= engine.ReadsClock
		wakes := c.scope.wakes
		return &val{kind: kText, node: x, steps: 1, words: weekdays(), text: func(l *engine.Look, _ *item) (string, bool) {
			if !l.ClockOK() {
				return "", false
			}
			now := l.Now()
			if wakes {
				l.WakeIn(time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, now.Location()).Sub(now))
			}
			return weekday(now.Weekday()), true
		}}
	case "event.kind":
		return eventText(x, func(e *engine.Event) string { return e.Kind.String() }).of(kindWords(c.scope.on)...)
	case "event.raw":
		return eventText(x, func(e *engine.Event) string { return e.Raw })
	case "event.id":
		return &val{kind: kNumber, node: x, steps: 1, num: func(l *engine.Look, _ *item) (float64, bool) {
			e := l.Event()
			if e == nil {
				return 0, false
			}
			return float64(e.ID), e.HasID
		}}
	case "event.name":
		v := eventText(x, func(e *engine.Event) string { return e.Name })
		v.what = isEventName
		return v
	case "event.status":
		c.uses.statuses = true
		return eventText(x, func(e *engine.Event) string { return e.Status.String() }).of("start", "stop", "procedure")
	case "event.time", "event.received":
		device := name == "time"
		return &val{kind: kTime, node: x, steps: 1, time: func(l *engine.Look, _ *item) (time.Time, bool) {
			e := l.Event()
			if e == nil {
				return time.Time{}, false
			}
			if device {
				return e.Time, !e.Time.IsZero()
			}
			return e.Received, !e.Received.IsZero()
		}}
	case "event.values":
		return c.errorf(x, "event.values takes a name: event.values.enterPersonCount")
	case "camera.name":
		v := &val{kind: kText, node: x, steps: 1, text: func(l *engine.Look, _ *item) (string, bool) { return l.Camera() }}
		v.what = isCameraName
		return v
	case "camera.online":
		c.uses.reads |= engine.ReadsCameras
		return (&val{kind: kBool, node: x, steps: 1, leaf: (*engine.Look).CameraOnline}).fromLeaf()
	case "camera.device":
		return eventText(x, func(e *engine.Event) string { return e.Device.Name })
	case "camera.address":
		return eventText(x, func(e *engine.Event) string { return e.Device.Address })
	case "message.topic":
		return eventText(x, func(e *engine.Event) string {
			if e.Message == nil {
				return ""
			}
			return e.Message.Topic
		})
	case "message.body":
		return &val{kind: kUntyped, node: x, steps: 1, any: func(l *engine.Look, _ *item) (any, bool) {
			e := l.Event()
			if e == nil || e.Message == nil {
				return nil, false
			}
			return e.Message.Body, e.Message.Body != nil
		}}
	case "alarm.name":
		return eventText(x, func(e *engine.Event) string {
			if e.Alarm == nil {
				return ""
			}
			return e.Alarm.Name
		})
	case "alarm.on":
		return (&val{kind: kBool, node: x, steps: 1, leaf: func(l *engine.Look) engine.Truth {
			e := l.Event()
			if e == nil || e.Alarm == nil {
				return engine.Unknown
			}
			return engine.TruthOf(e.Alarm.On)
		}}).fromLeaf()
	case "alarm.channel":
		return &val{kind: kNumber, node: x, steps: 1, num: func(l *engine.Look, _ *item) (float64, bool) {
			e := l.Event()
			if e == nil || e.Alarm == nil {
				return 0, false
			}
			return float64(e.Alarm.ID), e.Alarm.ID != 0
		}}
	case "face.age":
		return faceText(x, func(f *engine.Face) string { return f.Age })
	case "face.sex":
		return faceText(x, func(f *engine.Face) string { return f.Sex })
	case "face.glasses":
		return faceText(x, func(f *engine.Face) string { return f.Glasses })
	case "face.mask":
		return faceText(x, func(f *engine.Face) string { return f.Mask })
	case "face.match":
		return faceText(x, func(f *engine.Face) string { return f.Match })
	}
	if thing == "target" {
		return c.targetField(x, name)
	}
	return c.plateField(x, thing, name)
}

// of says which words a text can be.
func (v *val) of(words ...string) *val {
	v.words = words
	return v
}

func kindWords(kinds []engine.Kind) []string {
	var w []string
	for _, k := range kinds {
		w = append(w, k.String())
	}
	return w
}

func weekdays() []string { return []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} }

func weekday(d time.Weekday) string { return weekdays()[(int(d)+6)%7] }

func classWords() []string { return []string{"person", "car", "motor"} }

func (c *compiler) targetField(x *ast.MemberNode, name string) *val {
	switch name {
	case "id":
		return &val{kind: kNumber, node: x, steps: 1, num: func(l *engine.Look, _ *item) (float64, bool) {
			id, ok := l.TargetID()
			return float64(id), ok
		}}
	case "class":
		return &val{kind: kText, node: x, steps: 1, what: isTargetClass, words: classWords(), text: func(l *engine.Look, _ *item) (string, bool) {
			k, ok := l.TargetClass()
			return k.String(), ok
		}}
	case "box":
		return &val{kind: kBox, node: x, steps: 1, box: func(l *engine.Look, _ *item) (geometry.Box, bool) { return l.TargetBox() }}
	case "age":
		return &val{kind: kDuration, node: x, steps: 1, grows: true, dur: func(l *engine.Look, _ *item) (time.Duration, bool) { return l.TargetAge() }}
	case "speed":
		return &val{kind: kNumber, node: x, steps: 5, num: func(l *engine.Look, _ *item) (float64, bool) { return l.Speed() }}
	case "heading":
		return &val{kind: kNumber, node: x, steps: 5, bounded: true, high: 360, num: func(l *engine.Look, _ *item) (float64, bool) { return l.Heading() }}
	}
	c.uses.atEnd = true
	return (&val{kind: kBool, node: x, steps: 1, leaf: func(l *engine.Look) engine.Truth {
		t := l.Target()
		if t == nil {
			return engine.Unknown
		}
		return engine.TruthOf(t.Gone())
	}}).fromLeaf()
}

func (c *compiler) plateField(x *ast.MemberNode, thing, name string) *val {
	if thing == "plate.vehicle" {
		switch name {
		case "type":
			return plateText(x, func(p *engine.Plate) string { return p.Vehicle.Type })
		case "color":
			return plateText(x, func(p *engine.Plate) string { return p.Vehicle.Color })
		case "brand":
			return plateText(x, func(p *engine.Plate) string { return p.Vehicle.Brand })
		}
		return plateText(x, func(p *engine.Plate) string { return p.Vehicle.Model })
	}
	switch name {
	case "number":
		return plateText(x, func(p *engine.Plate) string { return p.Number })
	case "list":
		c.uses.deviceList = true
		return plateText(x, func(p *engine.Plate) string { return p.List })
	case "heading":
		c.uses.heading = true
		return plateText(x, func(p *engine.Plate) string { return p.Heading }).of("approach", "away")
	case "color":
		return plateText(x, func(p *engine.Plate) string { return p.Color })
	case "owner":
		return &val{kind: kText, node: x, steps: 1, text: func(l *engine.Look, _ *item) (string, bool) { return l.PlateOwner() }}
	case "confidence":
		c.uses.confidence = true
		return &val{kind: kNumber, node: x, steps: 1, bounded: true, high: 100, num: func(l *engine.Look, _ *item) (float64, bool) {
			p := l.Plate()
			if p == nil {
				return 0, false
			}
			return p.Confidence, p.HasConfidence
		}}
	case "reads":
		return &val{kind: kNumber, node: x, steps: 1, num: func(l *engine.Look, _ *item) (float64, bool) {
			n, ok := l.PlateReads()
			return float64(n), ok
		}}
	case "vehicle":
		return c.errorf(x, "plate.vehicle has fields; write plate.vehicle.type or another of them")
	}
	return c.errorf(x, `plate.%s takes a list: plate.%s("residents")`, name, name)
}

// call compiles a function call.
func (c *compiler) call(x *ast.CallNode) *val {
	switch f := x.Callee.(type) {
	case *ast.IdentifierNode:
		return c.builtin(x, f.Value, x.Arguments)
	case *ast.MemberNode:
		id, ok := f.Node.(*ast.IdentifierNode)
		p, _ := property(f)
		if ok && id.Value == "plate" && (p == "on" || p == "looks" || p == "near") {
			return c.plateOn(x, p)
		}
		if ok && contains(thingNames(), id.Value) {
			if contains(fieldNames(id.Value), p) {
				return c.errorf(f, "%s.%s is a field; write it without ( )", id.Value, p)
			}
			return c.errorf(f, "%s has no field %s%s", id.Value, clean(p), c.at.meant(p, fieldNames(id.Value)))
		}
		if c.value(f) == nil {
			return nil
		}
	}
	return c.errorf(x, "this cannot be called")
}

func (c *compiler) plateOn(x *ast.CallNode, name string) *val {
	if !c.carried(x, "plate."+name, carriesPlate, "plate") {
		return nil
	}
	list, ok := c.constantName(x, x.Arguments, "list", c.ld.listNames, c.ld.lists)
	if !ok {
		return nil
	}
	c.uses.lists = union(c.uses.lists, []int{list})
	c.also = []reading{
		{name: "plate.number", val: plateText(x, func(p *engine.Plate) string { return p.Number })},
		{name: "its entry in " + c.ld.listNames[list], says: "not valid now", only: func(l *engine.Look) bool { return l.PlateLapsed(list) }},
	}
	level := engine.PlateExact
	steps := 2
	switch name {
	case "looks":
		level, steps = engine.PlateLooks, 50
	case "near":
		level, steps = engine.PlateNear, 200
		// Against somebody a forgiving match is on the safe side; for somebody it is not.
		if ast.Node(x) != c.leafNode || !c.neg {
			c.uses.near = true
		}
	}
	return (&val{kind: kBool, node: x, steps: steps, leaf: func(l *engine.Look) engine.Truth { return l.PlateOn(list, level) }}).fromLeaf()
}

// constantName gives the number of the thing that the only argument names.
func (c *compiler) constantName(n ast.Node, args []ast.Node, what string, names []string, index map[string]int) (int, bool) {
	if len(args) != 1 {
		c.errorf(n, "the name of one %s is needed", what)
		return 0, false
	}
	return c.named(args[0], what, names, index)
}

// named gives the number of a thing by its constant name.
func (c *compiler) named(n ast.Node, what string, names []string, index map[string]int) (int, bool) {
	s, ok := n.(*ast.StringNode)
	if !ok {
		c.errorf(n, "the name of a %s is a constant text in quotes", what)
		return 0, false
	}
	i, ok := index[s.Value]
	if !ok {
		declare := ""
		if what == "flag" {
			declare = "; declare it under flags: with its first value"
		}
		c.errorf(n, "there is no %s %s%s%s", what, cut(s.Value), c.at.meant(s.Value, names), declare)
	}
	return i, ok
}

// name keeps a constant name for the rule's index by name, when the rule is of that kind.
func (c *compiler) name(k engine.Kind, name string) {
	if has(c.scope.on, k) {
		if c.uses.names == nil {
			c.uses.names = map[engine.Kind][]string{}
		}
		c.uses.names[k] = union(c.uses.names[k], []string{name})
	}
}

func (c *compiler) cameraExists(v *val) bool {
	if !c.ld.camera(v.str()) {
		c.errorf(v.node, "there is no camera %s%s", cut(v.str()), c.at.meant(v.str(), c.ld.cameraNames))
		return false
	}
	return true
}

// pin is the need of a condition that only holds on a zone's camera.
func (c *compiler) pin(z engine.ZoneRef) need { return need{cams: []int{c.ld.zonePlaces[z].Camera}} }

func (c *compiler) zoneArg(n ast.Node) (engine.ZoneRef, bool) {
	i, ok := c.named(n, "zone", c.ld.zoneNames, c.ld.zones)
	z := engine.ZoneRef(i)
	if ok && !has(c.uses.zones, z) {
		c.uses.zones = append(c.uses.zones, z)
	}
	return z, ok
}

func (c *compiler) classArg(n ast.Node, z engine.ZoneRef) (scene.Class, bool) {
	s, ok := n.(*ast.StringNode)
	if !ok {
		c.errorf(n, "a class is a constant text: %s", orList(classWords()))
		return 0, false
	}
	class, ok := scene.ParseClass(s.Value)
	if !ok {
		c.errorf(n, "a class is %s, not %s%s", orList(classWords()), cut(s.Value), c.at.meant(s.Value, classWords()))
		return 0, false
	}
	if set := c.ld.zone(z).Classes; set != 0 && !set.Has(class) {
		c.warnf(n, "zone %q never holds a %s: its classes are %s", c.ld.zonePlaces[z].Name, class, classList(set))
	}
	return class, true
}

func classList(set scene.ClassSet) string {
	var w []string
	for _, k := range []scene.Class{scene.Person, scene.Car, scene.Motor} {
		if set.Has(k) {
			w = append(w, k.String())
		}
	}
	return strings.Join(w, ", ")
}

func (c *compiler) durationArg(n ast.Node) (time.Duration, bool) {
	v := c.value(n)
	if v == nil {
		return 0, false
	}
	if v.kind == kText && !v.constant || v.kind == kDuration {
		c.errorf(n, "a constant duration is needed here")
		return 0, false
	}
	if v = c.durationOf(v); v == nil {
		return 0, false
	}
	return v.duration(), true
}

// count checks the number of arguments.
func (c *compiler) count(n ast.Node, name string, args []ast.Node, low, high int, form string) bool {
	if len(args) >= low && len(args) <= high {
		return true
	}
	c.errorf(n, "%s is written %s", name, form)
	return false
}

// word compiles a function that reads the world.
func (c *compiler) word(n ast.Node, name string, args []ast.Node) *val {
	switch name {
	case "inside", "entered", "left", "dwell", "dwell_total", "overlap", "path", "crossed", "moving", "still", "toward", "came_from":
		if !c.carried(n, name+"()", carriesScene, "target") {
			return nil
		}
	}
	c.also = also(n, name)
	switch name {
	case "inside", "entered", "left", "toward", "came_from", "dwell", "overlap":
		return c.zoneWord(n, name, args)
	case "dwell_total":
		if !c.count(n, name, args, 2, 2, `dwell_total("zone", "10m")`) {
			return nil
		}
		z, ok1 := c.zoneArg(args[0])
		d, ok2 := c.durationArg(args[1])
		if !ok1 || !ok2 {
			return nil
		}
		return &val{kind: kDuration, node: n, steps: 5, what: isDwellTotal, zone: z, dur: func(l *engine.Look, _ *item) (time.Duration, bool) { return l.DwellTotal(z, d) }}
	case "path":
		return c.path(n, args)
	case "crossed":
		return c.crossed(n, args)
	case "moving":
		return c.moving(n, args)
	case "still":
		if !c.count(n, name, args, 0, 0, "still()") {
			return nil
		}
		return (&val{kind: kBool, node: n, steps: 5, leaf: (*engine.Look).Still}).fromLeaf()
	case "occupancy":
		return c.occupancy(n, args)
	case "seen":
		return c.seen(n, args)
	case "during":
		i, ok := c.constantName(n, args, "schedule", c.ld.scheduleNames, c.ld.schedules)
		if !ok {
			return nil
		}
		c.uses.reads |= engine.ReadsClock
		c.uses.schedules = union(c.uses.schedules, []int{i})
		return (&val{kind: kBool, node: n, steps: 20, leaf: func(l *engine.Look) engine.Truth { return l.During(i) }}).fromLeaf()
	case "night", "day":
		if !c.count(n, name, args, 0, 0, name+"()") {
			return nil
		}
		night := c.ld.night
		if night == nil {
			return c.errorf(n, "%s() needs the site's latitude and longitude (location: in the site file)", name)
		}
		c.uses.reads |= engine.ReadsClock
		not := name == "day"
		return (&val{kind: kBool, node: n, steps: 50, leaf: func(l *engine.Look) engine.Truth {
			t := l.Schedule(night)
			if not {
				t = t.Not()
			}
			return t
		}}).fromLeaf()
	case "relay", "contact":
		return c.errorf(n, `%s("name") has fields; write %s("name").on or .since`, name, name)
	case "flag":
		return c.flag(n, args)
	case "crossings":
		return c.crossings(n, args)
	case "balance":
		return c.balance(n, args)
	}
	return c.since(n, args)
}

func (c *compiler) zoneWord(n ast.Node, name string, args []ast.Node) *val {
	if !c.count(n, name, args, 1, 1, name+`("zone")`) {
		return nil
	}
	z, ok := c.zoneArg(args[0])
	if !ok {
		return nil
	}
	v := &val{kind: kBool, node: n, steps: 2, zone: z}
	in := c.pin(z)
	in.zones = []engine.ZoneRef{z}
	switch name {
	case "inside":
		v.need = in
		v.leaf = func(l *engine.Look) engine.Truth { return l.Inside(z) }
	case "entered":
		v.need = in
		v.leaf = func(l *engine.Look) engine.Truth { return l.Entered(z) }
	case "left":
		c.uses.atEnd = true
		v.need = in
		v.leaf = func(l *engine.Look) engine.Truth { return l.Left(z) }
	case "came_from":
		v.need = c.pin(z)
		v.leaf = func(l *engine.Look) engine.Truth { return l.CameFrom(z) }
	case "toward":
		v.steps = 200
		v.need = c.pin(z)
		v.leaf = func(l *engine.Look) engine.Truth { return l.Toward(z) }
	case "dwell":
		return &val{kind: kDuration, node: n, steps: 2, what: isDwell, zone: z, grows: true, dur: func(l *engine.Look, _ *item) (time.Duration, bool) { return l.Dwell(z) }}
	case "overlap":
		return &val{kind: kNumber, node: n, steps: 200, what: isOverlap, zone: z, bounded: true, high: 100, num: func(l *engine.Look, _ *item) (float64, bool) {
			p, ok := l.Overlap(z)
			return float64(p), ok
		}}
	}
	return v.fromLeaf()
}

// maxPath is the most zones of a path.
const maxPath = 8

func (c *compiler) path(n ast.Node, args []ast.Node) *val {
	const form = `path("street", "driveway", "10s"): two to eight zones in their order, then the time`
	if !c.count(n, "path", args, 3, maxPath+1, form) {
		return nil
	}
	var zones []engine.ZoneRef
	ok := true
	for _, a := range args[:len(args)-1] {
		z, good := c.zoneArg(a)
		zones = append(zones, z)
		ok = ok && good
	}
	d, good := c.durationArg(args[len(args)-1])
	if !ok || !good {
		return nil
	}
	last := zones[len(zones)-1]
	for i, z := range zones {
		if c.ld.zonePlaces[z].Camera != c.ld.zonePlaces[last].Camera {
			return c.errorf(args[i], "the zones of a path are on one camera: %q is on another than %q", c.ld.zonePlaces[z].Name, c.ld.zonePlaces[last].Name)
		}
	}
	v := &val{kind: kBool, node: n, steps: 20 * len(zones), need: c.pin(last), leaf: func(l *engine.Look) engine.Truth { return l.Path(zones, d) }}
	v.need.zones = []engine.ZoneRef{last}
	return v.fromLeaf()
}

func (c *compiler) lineArg(n ast.Node) (engine.LineRef, bool) {
	i, ok := c.named(n, "line", c.ld.lineNames, c.ld.lines)
	r := engine.LineRef(i)
	if ok {
		c.uses.lines = union(c.uses.lines, []engine.LineRef{r})
	}
	return r, ok
}

func (c *compiler) crossed(n ast.Node, args []ast.Node) *val {
	if !c.count(n, "crossed", args, 1, 2, `crossed("line") or crossed("line", "in")`) {
		return nil
	}
	line, ok := c.lineArg(args[0])
	if !ok {
		return nil
	}
	d := scene.DirectionNone
	if len(args) == 2 {
		if d, ok = c.directionArg(args[1]); !ok {
			return nil
		}
	}
	v := &val{kind: kBool, node: n, steps: 2, need: need{cams: []int{c.ld.linePlaces[line].Camera}}, leaf: func(l *engine.Look) engine.Truth { return l.Crossed(line, d) }}
	if !c.ld.lineKnown(line) {
		v.leaf = func(*engine.Look) engine.Truth { return engine.Unknown }
	}
	return v.fromLeaf()
}

func (c *compiler) directionArg(n ast.Node) (scene.Direction, bool) {
	s, ok := n.(*ast.StringNode)
	switch {
	case ok && s.Value == "in":
		return scene.In, true
	case ok && s.Value == "out":
		return scene.Out, true
	}
	c.errorf(n, `the direction of a crossing is "in" or "out"`)
	return scene.DirectionNone, false
}

// crossings counts the crossings of a line in a sliding window.
func (c *compiler) crossings(n ast.Node, args []ast.Node) *val {
	if !c.count(n, "crossings", args, 2, 3, `crossings("line", "1h") or crossings("line", "in", "1h")`) {
		return nil
	}
	line, ok := c.lineArg(args[0])
	if !ok {
		return nil
	}
	d := scene.DirectionNone
	if len(args) == 3 {
		if d, ok = c.directionArg(args[1]); !ok {
			return nil
		}
	}
	last := args[len(args)-1]
	window, ok := c.durationArg(last)
	if !ok {
		return nil
	}
	if window <= 0 || window > engine.MaxWindow {
		return c.errorf(last, "crossings are counted over more than 0s and at most 24h")
	}
	c.uses.reads |= engine.ReadsCounts
	known := c.ld.lineKnown(line)
	return &val{kind: kNumber, node: n, steps: 30, bounded: true, high: engine.MaxCrossings, num: func(l *engine.Look, _ *item) (float64, bool) {
		return float64(l.Crossings(line, d, window)), known
	}}
}

// balance is the ins minus the outs of a line.
func (c *compiler) balance(n ast.Node, args []ast.Node) *val {
	if !c.count(n, "balance", args, 1, 1, `balance("line")`) {
		return nil
	}
	line, ok := c.lineArg(args[0])
	if !ok {
		return nil
	}
	c.uses.reads |= engine.ReadsCounts
	c.uses.balances = union(c.uses.balances, []engine.LineRef{line})
	known := c.ld.lineKnown(line)
	return &val{kind: kNumber, node: n, steps: 3, num: func(l *engine.Look, _ *item) (float64, bool) { return float64(l.Balance(line)), known }}
}

func (c *compiler) moving(n ast.Node, args []ast.Node) *val {
	const form = `moving("left") or moving(90, 30): degrees clockwise from up, and how far off`
	if !c.count(n, "moving", args, 1, 2, form) {
		return nil
	}
	var direction, tolerance float64
	if len(args) == 1 {
		s, ok := args[0].(*ast.StringNode)
		words := []string{"up", "right", "down", "left"}
		if !ok {
			return c.errorf(n, "moving is written %s", form)
		}
		if !contains(words, s.Value) {
			return c.errorf(args[0], "a direction is %s, not %s%s", orList(words), cut(s.Value), c.at.meant(s.Value, words))
		}
		for i, w := range words {
			if w == s.Value {
				direction = float64(90 * i)
			}
		}
		tolerance = 45
	} else {
		a, b := c.value(args[0]), c.value(args[1])
		if a == nil || b == nil {
			return nil
		}
		if a.kind != kNumber || b.kind != kNumber || !a.constant || !b.constant {
			return c.errorf(n, "moving is written %s", form)
		}
		direction, tolerance = a.number(), b.number()
		if direction < 0 || direction > 360 || tolerance <= 0 || tolerance >= 180 {
			return c.errorf(n, "a direction is 0 to 360 degrees, and how far off more than 0 and less than 180")
		}
	}
	return (&val{kind: kBool, node: n, steps: 5, leaf: func(l *engine.Look) engine.Truth { return l.Moving(direction, tolerance) }}).fromLeaf()
}

func (c *compiler) occupancy(n ast.Node, args []ast.Node) *val {
	if !c.count(n, "occupancy", args, 1, 2, `occupancy("zone") or occupancy("zone", "car")`) {
		return nil
	}
	z, ok := c.zoneArg(args[0])
	if !ok {
		return nil
	}
	class := scene.ClassUnknown
	if len(args) == 2 {
		if class, ok = c.classArg(args[1], z); !ok {
			return nil
		}
	}
	c.uses.reads |= engine.ReadsScene
	return &val{kind: kNumber, node: n, steps: 20, bounded: true, high: scene.MaxTargets, num: func(l *engine.Look, _ *item) (float64, bool) {
		p, ok := l.Occupancy(z, class)
		return float64(p), ok
	}}
}

func (c *compiler) seen(n ast.Node, args []ast.Node) *val {
	if !c.count(n, "seen", args, 3, 3, `seen("zone", "car", "3s")`) {
		return nil
	}
	z, ok := c.zoneArg(args[0])
	if !ok {
		return nil
	}
	class, ok1 := c.classArg(args[1], z)
	within, ok2 := c.durationArg(args[2])
	if !ok1 || !ok2 {
		return nil
	}
	c.uses.reads |= engine.ReadsScene
	wakes := c.scope.wakes
	return (&val{kind: kBool, node: n, steps: 20, leaf: func(l *engine.Look) engine.Truth {
		t := l.Seen(z, class, within)
		if wakes && t == engine.True {
			l.WakeIn(within - lastSeen(l, z, class, within) + 1)
		}
		return t
	}}).fromLeaf()
}

// lastSeen finds how long ago something was in a zone by asking for ever shorter times, to a millisecond.
func lastSeen(l *engine.Look, z engine.ZoneRef, class scene.Class, within time.Duration) time.Duration {
	low, high := time.Duration(0), within
	for high-low > time.Millisecond {
		mid := (low + high) / 2
		if l.Seen(z, class, mid) == engine.True {
			high = mid
		} else {
			low = mid
		}
	}
	return low
}

// wired compiles relay("x").on and the like.
func (c *compiler) wired(x *ast.MemberNode, call *ast.CallNode, what, field string) *val {
	if what == "flag" {
		if field != "since" {
			return c.errorf(x, `flag("name") has no field %s%s`, clean(field), c.at.meant(field, []string{"since"}))
		}
		i, ok := c.constantName(call, call.Arguments, "flag", c.ld.flagNames, c.ld.flags)
		if !ok {
			return nil
		}
		name := c.useFlag(i)
		return &val{kind: kDuration, node: x, steps: 3, grows: true, dur: func(l *engine.Look, _ *item) (time.Duration, bool) {
			s, at := l.Flag(name)
			return l.Instant().Mono - at, s.Type != engine.ScalarNone
		}}
	}
	fields := []string{"on", "since"}
	if what == "contact" {
		fields = []string{"on", "open", "since"}
	}
	if !contains(fields, field) {
		return c.errorf(x, `%s("name") has no field %s%s`, what, clean(field), c.at.meant(field, fields))
	}
	if len(call.Arguments) != 1 {
		return c.errorf(call, `%s takes one name: %s("name").%s`, what, what, field)
	}
	s, ok := call.Arguments[0].(*ast.StringNode)
	if !ok {
		return c.errorf(call.Arguments[0], "the name of a %s is a constant text in quotes", what)
	}
	name := s.Value
	known := c.ld.site.Contacts
	if what == "relay" {
		known = c.ld.relayNames
	}
	if !contains(known, name) {
		if !c.ld.site.Open || !validName(name) {
			return c.errorf(s, "there is no %s %s%s", what, cut(name), c.at.meant(name, known))
		}
		c.ld.assumed = true
	}
	get := (*engine.Look).Contact
	if what == "relay" {
		get = (*engine.Look).Relay
		c.uses.reads |= engine.ReadsRelays
		c.uses.relays = union(c.uses.relays, []string{name})
		c.name(engine.KindRelay, name)
	} else {
		c.uses.reads |= engine.ReadsContact
		c.name(engine.KindContact, name)
	}
	if field == "since" {
		return &val{kind: kDuration, node: x, steps: 3, grows: true, dur: func(l *engine.Look, _ *item) (time.Duration, bool) {
			v := get(l, name)
			return l.Instant().Mono - v.Since, v.On != engine.Unknown
		}}
	}
	open := field == "open"
	return (&val{kind: kBool, node: x, steps: 3, leaf: func(l *engine.Look) engine.Truth {
		on := get(l, name).On
		if open {
			on = on.Not()
		}
		return on
	}}).fromLeaf()
}

func (c *compiler) useFlag(i int) string {
	name := c.ld.flagNames[i]
	c.uses.reads |= engine.ReadsFlags
	c.uses.flags = union(c.uses.flags, []string{name})
	c.name(engine.KindFlag, name)
	return name
}

// flag is flag("armed"), of the type its initial value has.
func (c *compiler) flag(n ast.Node, args []ast.Node) *val {
	i, ok := c.constantName(n, args, "flag", c.ld.flagNames, c.ld.flags)
	if !ok {
		return nil
	}
	name := c.useFlag(i)
	v := &val{node: n, steps: 3}
	switch c.ld.flagDefs[i].Initial.Type {
	case engine.ScalarBool:
		v.kind = kBool
		v.leaf = func(l *engine.Look) engine.Truth {
			s, _ := l.Flag(name)
			if s.Type != engine.ScalarBool {
				return engine.Unknown
			}
			return engine.TruthOf(s.Bool)
		}
		return v.fromLeaf()
	case engine.ScalarNumber:
		v.kind = kNumber
		v.num = func(l *engine.Look, _ *item) (float64, bool) {
			s, _ := l.Flag(name)
			return s.Number, s.Type == engine.ScalarNumber
		}
		return v
	}
	v.kind = kText
	v.text = func(l *engine.Look, _ *item) (string, bool) {
		s, _ := l.Flag(name)
		return s.Text, s.Type == engine.ScalarText
	}
	return v
}

// since is the time since a rule last fired for this key.
func (c *compiler) since(n ast.Node, args []ast.Node) *val {
	i, ok := c.constantName(n, args, "rule", c.ld.ruleNames, c.ld.rules)
	if !ok {
		return nil
	}
	name := c.ld.ruleNames[i]
	c.ld.asked[name] = true
	c.uses.reads |= engine.ReadsFirings
	return &val{kind: kDuration, node: n, steps: 5, what: isSince, grows: true, dur: func(l *engine.Look, _ *item) (time.Duration, bool) { return l.Since(name) }}
}
