package ruletest

import (
	"cmp"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/engine/scene"
	"go.yaml.in/yaml/v4"
)

// maxInputs bounds the events of one test besides its walks.
const maxInputs = 50_000

// test is one test as its file says it.
type test struct {
	name   string
	file   string
	line   int
	at     time.Time
	hasAt  bool
	until  time.Duration // the clock stops here; 0 = when nothing is left to happen
	given  given
	inputs []input
	relays []string // that the test itself moves
	fails  []string // calls with one of these in them do not come about
	expect []expectation
	clip   string
	clipAt time.Duration
}

// given is how things stood before the test began.
type given struct {
	flags    []engine.FlagDef
	contacts []wired
	relays   []wired
	offline  []string // cameras
}

// wired is the level of a contact or a relay.
type wired struct {
	name string
	on   bool
}

// input is one thing that happens, since the test began. One of the fields is set.
type input struct {
	at    time.Duration
	event *engine.Event
	relay *relayInput
	clock time.Time
}

// relayInput is somebody who moves a relay by hand.
type relayInput struct {
	relay string
	args  engine.RelayArgs
}

// names are what a test may refer to.
type names struct {
	cameras, rules, zones, lines, flags []string
	relays, contacts                    []string
	open                                bool // relays and contacts that nobody named exist too
}

func namesOf(o *Options) names {
	n := names{relays: slices.Clone(o.RelayNames), contacts: o.Contacts, open: o.Open}
	rs := o.Rules
	for _, c := range rs.Cameras {
		n.cameras = append(n.cameras, c.Name)
	}
	for _, z := range rs.Zones {
		n.zones = append(n.zones, z.Name)
	}
	for _, l := range rs.Lines {
		n.lines = append(n.lines, l.Name)
	}
	for _, f := range rs.Flags {
		n.flags = append(n.flags, f.Name)
	}
	for _, r := range rs.Rules {
		n.rules = append(n.rules, r.Name)
		for _, relay := range drives(r) {
			if !contains(n.relays, relay) {
				n.relays = append(n.relays, relay)
			}
		}
	}
	slices.Sort(n.relays)
	return n
}

// drives are the relays that a rule's steps move.
func drives(r *engine.Rule) []string {
	var out []string
	for _, steps := range [][]engine.Step{r.Do, r.Finally} {
		for i := range steps {
			if a, ok := steps[i].Args.(engine.RelayArgs); ok {
				out = append(out, a.Relay)
			}
		}
	}
	return out
}

// fileReader reads the tests of one file.
type fileReader struct {
	*reader
	o     *Options
	names names
	loc   *time.Location
	t     *test
	frame int64
}

// parse reads a test file. With any problem the tests are not to be run; how
// many there seem to be is told all the same.
func parse(name string, data []byte, o *Options) (tests []*test, seem int, problems []rulefile.Problem) {
	r := &fileReader{reader: newReader(name, data), o: o, names: namesOf(o), loc: o.Rules.Location}
	if r.loc == nil {
		r.loc = time.UTC
	}
	if top := r.reader.parse(data); top != nil {
		if p, ok := r.mapping(top, "a test file", "tests"); ok {
			if n := p.get("tests"); n == nil {
				r.errorf(top, "tests is missing")
			} else {
				items := r.items(n, "tests")
				seem = len(items)
				seen := make(map[string]bool)
				for _, c := range items {
					if t := r.test(c); t != nil {
						if seen[t.name] {
							r.errorf(c, "there are two tests of the name %s", quoted(t.name))
						}
						seen[t.name] = true
						tests = append(tests, t)
					}
				}
			}
		}
	} else if len(r.problems) == 0 {
		r.put(0, 0, "there is no test in the file")
	}
	slices.SortStableFunc(r.problems, func(a, b rulefile.Problem) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col)) })
	return tests, seem, r.problems
}

// defaultAt is when a test happens that does not say: a Monday at noon.
func defaultAt(loc *time.Location) time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, loc) }

func (r *fileReader) test(n *yaml.Node) *test {
	t := &test{file: r.reader.name, line: n.Line, at: defaultAt(r.loc)}
	r.t, r.frame = t, 0
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if v := n.Content[i+1]; n.Content[i].Value == "name" && v.Kind == yaml.ScalarNode {
			t.name, t.line = v.Value, v.Line
			defer r.within("test %s: ", quoted(t.name))()
			break
		}
	}
	p, ok := r.mapping(n, "a test", "name", "at", "until", "given", "cameras", "events", "replay", "fails", "expect")
	if !ok {
		return nil
	}
	if c := p.get("name"); c == nil {
		r.errorf(n, "name is missing")
	} else {
		r.text(c, "name")
	}
	if c := p.get("at"); c != nil {
		t.at, t.hasAt = r.date(c, "at", r.loc)
	}
	if c := p.get("until"); c != nil {
		t.until, _ = r.moment(c, "until", false)
	}
	if c := p.get("given"); c != nil {
		r.givens(c)
	}
	if c := p.get("events"); c != nil {
		done := r.within("events: ")
		for i, e := range r.items(c, "events") {
			d := r.within("%d: ", i+1)
			r.event(e)
			d()
		}
		done()
	}
	if c := p.get("cameras"); c != nil {
		r.cameras(c)
	}
	if c := p.get("replay"); c != nil {
		r.replay(c)
	}
	slices.SortStableFunc(t.inputs, func(a, b input) int { return cmp.Compare(a.at, b.at) })
	if n := len(t.inputs); t.until > 0 && n > 0 && t.inputs[n-1].at > t.until {
		r.errorf(p.get("until"), "the test ends at %s, before everything in it has happened (%s)", seconds(t.until), seconds(t.inputs[n-1].at))
	}
	if c := p.get("fails"); c != nil {
		for _, e := range r.items(c, "fails") {
			if s, ok := r.text(e, "fails"); ok {
				t.fails = append(t.fails, s)
			}
		}
	}
	if c := p.get("expect"); c == nil {
		r.errorf(n, "expect is missing: a test that expects nothing in particular says nothing (expect: {nothing: true} when nothing may happen)")
	} else {
		done := r.within("expect: ")
		items := []*yaml.Node{c}
		if c.Kind == yaml.SequenceNode {
			items = r.items(c, "expect")
			if len(c.Content) == 0 {
				r.errorf(c, "expect is empty")
			}
		}
		for i, e := range items {
			d := func() {}
			if len(items) > 1 {
				d = r.within("%d: ", i+1)
			}
			r.expectation(e)
			d()
		}
		done()
	}
	return t
}

// put adds a happening once, or as often as it says.
func (t *test) put(in input) { t.inputs = append(t.inputs, in) }

func (r *fileReader) givens(n *yaml.Node) {
	defer r.within("given: ")()
	p, ok := r.mapping(n, "given", "flags", "contacts", "relays", "cameras")
	if !ok {
		return
	}
	g := &r.t.given
	for _, k := range p.list {
		inner, ok := r.mapping(k.val, k.name)
		if !ok {
			continue
		}
		for _, e := range inner.list {
			switch k.name {
			case "flags":
				if i := slices.Index(r.names.flags, e.name); i < 0 {
					r.errorf(e.key, "there is no flag %s%s", quoted(e.name), meant(e.name, r.names.flags))
				} else if v, ok := r.flagValue(e.val, &r.o.Rules.Flags[i]); ok {
					g.flags = append(g.flags, engine.FlagDef{Name: e.name, Initial: v})
				}
			case "contacts":
				name, ok := r.contact(e.key)
				on, good := r.level(e.val, "the contact")
				if ok && good {
					g.contacts = append(g.contacts, wired{name, on})
				}
			case "relays":
				name, ok := r.relay(e.key, true)
				on, good := r.level(e.val, "the relay")
				if ok && good {
					g.relays = append(g.relays, wired{name, on})
				}
			case "cameras":
				name, ok := r.named(e.key, "camera", r.names.cameras)
				s, good := r.word(e.val, "a camera", "online", "offline")
				if ok && good && s == "offline" {
					g.offline = append(g.offline, name)
				}
			}
		}
	}
}

// contact is a contact's name. Without a site file those that are named exist.
func (r *fileReader) contact(n *yaml.Node) (string, bool) {
	if r.names.open {
		return r.text(n, "contact")
	}
	return r.named(n, "contact", r.names.contacts)
}

// relay is a relay's name. Without a site file those exist that a rule or the test itself moves.
func (r *fileReader) relay(n *yaml.Node, moves bool) (string, bool) {
	if r.names.open && moves {
		s, ok := r.text(n, "relay")
		if ok && !contains(r.t.relays, s) {
			r.t.relays = append(r.t.relays, s)
		}
		return s, ok
	}
	if !r.names.open {
		return r.named(n, "relay", r.names.relays)
	}
	known := append(slices.Clone(r.t.relays), r.names.relays...)
	s, ok := r.text(n, "relay")
	if ok && !contains(known, s) {
		r.errorf(n, "no rule moves a relay %s%s", quoted(s), meant(s, known))
		ok = false
	}
	return s, ok
}

func (r *fileReader) replay(n *yaml.Node) {
	file := n
	if n.Kind == yaml.MappingNode {
		p, ok := r.mapping(n, "replay", "file", "at")
		if !ok {
			return
		}
		if c := p.get("at"); c != nil {
			r.t.clipAt, _ = r.moment(c, "at", true)
		}
		if file = p.get("file"); file == nil {
			r.errorf(n, "replay: file is missing")
			return
		}
	}
	s, ok := r.text(file, "replay")
	if !ok {
		return
	}
	if !fs.ValidPath(s) || s == "." {
		r.errorf(file, "replay is a path within the folder of rules (clips/gate.jsonl), not %s", quoted(s))
		return
	}
	data, err := r.o.read(s)
	if err != nil {
		r.errorf(file, "replay: %s: %s", bare(s), reason(err))
		return
	}
	if r.o.Clip == nil {
		r.errorf(file, "replay: recordings cannot be read here")
		return
	}
	clip, err := r.o.Clip(s, data)
	if err != nil {
		r.errorf(file, "replay: %v", err)
		return
	}
	r.t.clip = s
	if !r.t.hasAt && !clip.Start.IsZero() {
		// A recording has its own time of day.
		r.t.at = clip.Start.Add(-r.t.clipAt)
	}
	for _, e := range clip.Events {
		r.t.put(input{at: r.t.clipAt + e.After, event: e.Event})
	}
}

func (r *fileReader) cameras(n *yaml.Node) {
	p, ok := r.mapping(n, "cameras")
	if !ok {
		return
	}
	for _, c := range p.list {
		done := r.within("cameras: ")
		name, ok := r.named(c.key, "camera", r.names.cameras)
		done()
		done = r.within("cameras: %s: ", name)
		before := len(r.problems)
		tracks := r.tracks(c.val)
		if ok && len(r.problems) == before {
			r.show(name, c.key, tracks)
		}
		done()
	}
}

// show turns the tracks of one camera into the posts it sends. Targets that are
// seen at the same moment stand in one post.
func (r *fileReader) show(camera string, n *yaml.Node, tracks []*track) {
	type seen struct {
		at time.Duration
		l  engine.Listed
	}
	var all []seen
	for _, t := range tracks {
		if r.frame += t.count(); r.frame > maxFrames {
			r.errorf(n, "the walks of a test have more than %d frames", maxFrames)
			return
		}
		t.frames(func(at time.Duration, l engine.Listed) { all = append(all, seen{at, l}) })
	}
	slices.SortStableFunc(all, func(a, b seen) int { return cmp.Compare(a.at, b.at) })
	for i := 0; i < len(all); {
		ev := &engine.Event{Kind: engine.KindTarget, Camera: camera}
		at := all[i].at
		for ; i < len(all) && all[i].at == at; i++ {
			ev.Targets = append(ev.Targets, all[i].l)
		}
		r.t.put(input{at: at, event: ev})
	}
}

// eventKinds are the words after `kind:`.
func eventKinds() []string {
	return []string{
		"intrusion", "line_crossing", "region_entry", "region_exit", "loitering", "parking", "metadata", "object", "motion", "sensor", "tamper",
		"audio", "crowd", "temperature", "fire", "other", "line_count", "area_count", "face", "face_match", "heartbeat", "start",
	}
}

// event reads one entry of `events:`. The key that says what it is comes with its own.
func (r *fileReader) event(n *yaml.Node) {
	p, ok := r.mapping(n, "an event",
		"at", "times", "every", "late", "camera", "plate", "confidence", "heading", "list", "color", "owner", "vehicle", "status", "id",
		"alarm", "on", "face", "kind", "values", "targets", "raw", "contact", "flag", "set", "message", "body", "relay", "pulse", "online", "clock")
	if !ok {
		return
	}
	var at, every time.Duration
	times := int64(1)
	if c := p.get("at"); c != nil {
		at, _ = r.moment(c, "at", true)
	}
	if c := p.get("every"); c != nil {
		every, _ = r.moment(c, "every", false)
		if !p.has("times") {
			r.errorf(c, "every goes with times: how often it happens")
		}
	}
	if c := p.get("times"); c != nil {
		times, _ = r.integer(c, "times", 1, 10_000)
		if !p.has("every") {
			r.errorf(c, "times goes with every: the time from one to the next")
		}
	}
	in, ok := r.happening(p)
	if !ok {
		return
	}
	if c := p.get("late"); c != nil && in.event != nil {
		in.event.Late, _ = r.level(c, "late")
	}
	for i := range times {
		next := in
		next.at = at + time.Duration(i)*every
		if next.at > maxMoment {
			r.errorf(n, "it goes on for more than 31d")
			return
		}
		if len(r.t.inputs) >= maxInputs {
			r.errorf(n, "a test has at most %d events", maxInputs)
			return
		}
		if in.event != nil {
			next.event = in.event.Clone()
		}
		r.t.put(next)
	}
}

// always are the keys that every event may have.
func always(more ...string) []string { return append([]string{"at", "times", "every"}, more...) }

func (r *fileReader) happening(p *pairs) (input, bool) {
	before := len(r.problems)
	var in input
	switch {
	case p.has("plate"):
		r.only(p, "plate", always("late", "camera", "plate", "confidence", "heading", "list", "color", "owner", "vehicle", "status", "id")...)
		in.event = r.plate(p)
	case p.has("alarm"):
		r.only(p, "alarm", always("late", "camera", "alarm", "on", "id")...)
		in.event = r.alarm(p)
	case p.has("contact"):
		r.only(p, "contact", always("contact", "on")...)
		in.event = &engine.Event{Kind: engine.KindContact}
		in.event.Name, _ = r.contact(p.get("contact"))
		in.event.On = r.needLevel(p, "on")
	case p.has("flag"):
		r.only(p, "flag", always("flag", "set")...)
		in.event = &engine.Event{Kind: engine.KindFlag}
		name, ok := r.named(p.get("flag"), "flag", r.names.flags)
		if set := p.get("set"); set == nil {
			r.errorf(p.node, "set is missing: the flag's new value")
		} else if ok {
			in.event.Name = name
			in.event.Value, _ = r.flagValue(set, &r.o.Rules.Flags[slices.Index(r.names.flags, name)])
		}
	case p.has("message"):
		r.only(p, "message", always("message", "body")...)
		m := &engine.Message{}
		m.Topic, _ = r.text(p.get("message"), "message")
		if b := p.get("body"); b != nil {
			m.Body = r.json(b)
		}
		in.event = &engine.Event{Kind: engine.KindMessage, Message: m}
	case p.has("relay"):
		r.only(p, "relay", always("relay", "set", "pulse")...)
		in.relay = r.byHand(p)
	case p.has("online"):
		r.only(p, "online", always("camera", "online")...)
		in.event = &engine.Event{Kind: engine.KindCamera}
		in.event.Camera = r.needCamera(p)
		in.event.Name = in.event.Camera
		in.event.On = r.needLevel(p, "online")
	case p.has("clock"):
		r.only(p, "clock", "at", "clock")
		in.clock, _ = r.date(p.get("clock"), "clock", r.loc)
	case p.has("face") || p.has("kind"):
		r.only(p, "this kind of event", always("late", "camera", "kind", "face", "status", "id", "values", "targets", "raw")...)
		in.event = r.camEvent(p)
	default:
		r.errorf(p.node, "an event has one of plate, alarm, kind, face, contact, flag, message, relay, online or clock")
	}
	return in, len(r.problems) == before
}

func (r *fileReader) needLevel(p *pairs, name string) bool {
	n := p.get(name)
	if n == nil {
		r.errorf(p.node, "%s is missing", name)
		return false
	}
	on, _ := r.level(n, "the level")
	return on
}

func (r *fileReader) needCamera(p *pairs) string {
	n := p.get("camera")
	if n == nil {
		r.errorf(p.node, "camera is missing")
		return ""
	}
	s, _ := r.named(n, "camera", r.names.cameras)
	return s
}

func (r *fileReader) byHand(p *pairs) *relayInput {
	in := &relayInput{}
	in.relay, _ = r.relay(p.get("relay"), true)
	in.args.Relay = in.relay
	set, pulse := p.get("set"), p.get("pulse")
	switch {
	case (set == nil) == (pulse == nil):
		r.errorf(p.node, "say what is done to the relay by hand: set: on, set: off or pulse: 800ms")
	case pulse != nil:
		in.args.Op = engine.RelayPulse
		in.args.Pulse, _ = r.moment(pulse, "pulse", false)
	default:
		in.args.Op = engine.RelayOff
		if on, _ := r.level(set, "set"); on {
			in.args.Op = engine.RelayOn
		}
	}
	return in
}

func (r *fileReader) status(ev *engine.Event, p *pairs) {
	if n := p.get("status"); n != nil {
		s, _ := r.word(n, "status", "start", "stop", "procedure")
		for _, st := range []engine.Status{engine.StatusStart, engine.StatusStop, engine.StatusProcedure} {
			if st.String() == s {
				ev.Status = st
			}
		}
	}
	if n := p.get("id"); n != nil {
		ev.ID, ev.HasID = r.integer(n, "id", 0, 1<<62)
	}
}

func (r *fileReader) plate(p *pairs) *engine.Event {
	pl := &engine.Plate{}
	ev := &engine.Event{Kind: engine.KindPlate, Camera: r.needCamera(p), Plate: pl}
	r.status(ev, p)
	for _, k := range p.list {
		switch k.name {
		case "plate":
			pl.Number, _ = r.text(k.val, "plate")
			if pl.Number == "" && k.val.Kind == yaml.ScalarNode && !isNull(k.val) {
				r.errorf(k.val, "plate is empty")
			}
		case "confidence":
			pl.Confidence, pl.HasConfidence = r.number(k.val, "confidence", 0, 100)
		case "heading":
			pl.Heading, _ = r.word(k.val, "heading", "approach", "away")
		case "list":
			pl.List, _ = r.text(k.val, "list")
			pl.Group = pl.List
		case "color":
			pl.Color, _ = r.text(k.val, "color")
		case "owner":
			pl.Owner, _ = r.text(k.val, "owner")
		case "vehicle":
			v, ok := r.mapping(k.val, "vehicle", "type", "color", "brand", "model")
			if !ok {
				continue
			}
			for _, e := range v.list {
				s, _ := r.text(e.val, e.name)
				switch e.name {
				case "type":
					pl.Vehicle.Type = s
				case "color":
					pl.Vehicle.Color = s
				case "brand":
					pl.Vehicle.Brand = s
				case "model":
					pl.Vehicle.Model = s
				}
			}
		}
	}
	return ev
}

func (r *fileReader) alarm(p *pairs) *engine.Event {
	a := &engine.Alarm{}
	ev := &engine.Event{Kind: engine.KindAlarm, Camera: r.needCamera(p), Alarm: a}
	a.Name, _ = r.text(p.get("alarm"), "alarm")
	a.On = r.needLevel(p, "on")
	if n := p.get("id"); n != nil {
		v, _ := r.integer(n, "id", 0, 1<<31-1)
		a.ID = int(v)
	}
	return ev
}

// camEvent reads what a camera says besides plates, alarms and trajectories.
func (r *fileReader) camEvent(p *pairs) *engine.Event {
	ev := &engine.Event{}
	word := ""
	if n := p.get("kind"); n != nil {
		word, _ = r.word(n, "kind", eventKinds()...)
	}
	if n := p.get("face"); n != nil {
		ev.Face = r.face(n)
		switch {
		case word == "" && ev.Face.Match != "":
			word = engine.KindFaceMatch.String()
		case word == "":
			word = engine.KindFace.String()
		case word != "face" && word != "face_match":
			r.errorf(n, "face goes with kind: face or kind: face_match")
		}
	}
	ev.Kind, _ = engine.ParseKind(word)
	if ev.Kind != engine.KindStart {
		ev.Camera = r.needCamera(p)
	}
	r.status(ev, p)
	for _, k := range p.list {
		switch k.name {
		case "raw":
			ev.Raw, _ = r.text(k.val, "raw")
		case "values":
			v, ok := r.mapping(k.val, "values")
			if !ok {
				continue
			}
			for _, e := range v.list {
				x, _ := r.number(e.val, e.name, -1e15, 1e15)
				ev.Values = append(ev.Values, engine.Value{Name: e.name, Number: x})
			}
		case "targets":
			for _, c := range r.items(k.val, "targets") {
				ev.Targets = append(ev.Targets, r.listed(c))
			}
		}
	}
	return ev
}

func (r *fileReader) face(n *yaml.Node) *engine.Face {
	f := &engine.Face{}
	p, ok := r.mapping(n, "face", "age", "sex", "glasses", "mask", "match")
	if !ok {
		return f
	}
	for _, e := range p.list {
		s, _ := r.text(e.val, e.name)
		switch e.name {
		case "age":
			f.Age = s
		case "sex":
			f.Sex = s
		case "glasses":
			f.Glasses = s
		case "mask":
			f.Mask = s
		case "match":
			f.Match = s
		}
	}
	return f
}

// listed is a target that a smart event names.
func (r *fileReader) listed(n *yaml.Node) engine.Listed {
	var l engine.Listed
	p, ok := r.mapping(n, "a target", "id", "class", "box")
	if !ok {
		return l
	}
	if c := p.get("id"); c != nil {
		v, good := r.integer(c, "id", 0, 1<<62)
		l.ID, l.HasID = uint64(v), good
	}
	if c := p.get("class"); c != nil {
		s, _ := r.word(c, "class", "person", "car", "motor")
		l.Class, _ = scene.ParseClass(s)
	}
	if c := p.get("box"); c != nil {
		v, good := r.numbers(c, "box", "[x1, y1, x2, y2]", 4, 0, geometry.Size)
		if good {
			l.Box = geometry.Box{X1: v[0], Y1: v[1], X2: v[2], Y2: v[3]}
			if l.HasBox = l.Box.Valid(); !l.HasBox {
				r.errorf(c, "box is [x1, y1, x2, y2] with x1 left of x2 and y1 above y2")
			}
		}
	}
	return l
}

// isTestFile tells whether a file of this name holds tests of rules.
func isTestFile(name string) bool {
	base, ok := strings.CutSuffix(name, ".yaml")
	if !ok {
		base, ok = strings.CutSuffix(name, ".yml")
	}
	return ok && strings.HasSuffix(base, "_test") && base != "_test" && name[0] != '.' && name[0] != '_'
}
