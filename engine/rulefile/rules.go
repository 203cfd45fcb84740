package rulefile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/expr-lang/expr/parser"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/scene"
	"github.com/sallyport/sallyport/engine/schedule"
	"go.yaml.in/yaml/v4"
)

func ruleKeys() []string {
	return []string{"name", "on", "per", "when", "while", "for", "hold", "repeat", "cooldown", "limit", "mode", "do", "finally"}
}

func perWords() []string {
	return []string{"target", "visit", "plate", "camera", "alarm", "name", "rule"}
}

func modeWords() []string { return []string{"live", "shadow", "off"} }

// kindsForRules are the words that may follow `on:`; cron is written {cron: "…"}.
func kindsForRules() []string {
	var w []string
	for k := engine.KindTarget; k <= engine.KindStart; k++ {
		if k != engine.KindHeartbeat && k != engine.KindCron {
			w = append(w, k.String())
		}
	}
	return w
}

// kindMeant says which kind a word that is none may stand for: the kind behind a class or a device's word, one that is
// near, or any of them.
func kindMeant(word string) (why string) {
	w := strings.ToLower(word)
	if contains(classWords(), w) {
		return fmt.Sprintf(" (write on: target, and target.class == %q in when)", w)
	}
	if k := deviceKind(w); k != "" {
		return " (a device's " + clean(word) + " is on: " + k + ")"
	}
	if s := nearest(word, kindsForRules()); s != "" {
		return " (did you mean " + s + "?)"
	}
	return ": it is " + orList(kindsForRules()) + `, or {cron: "…"}`
}

// deviceKind is the kind of the events that devices send under a smartType, in lower case (protocol notes 1).
func deviceKind(word string) string {
	switch word {
	case "pea":
		return "intrusion or line_crossing"
	case "regionintrusion":
		return "intrusion"
	case "linecrossing":
		return "line_crossing"
	case "vehice", "vehicle":
		return "plate"
	case "vfd", "videofacedetect", "facedetection":
		return "face"
	case "vsd", "videometadata":
		return "metadata"
	case "aoientry", "aoi_entry", "regionentrance":
		return "region_entry"
	case "aoileave", "aoi_leave", "regionexiting":
		return "region_exit"
	case "loiter", "loiterdetection":
		return "loitering"
	case "pvd", "illegalparking":
		return "parking"
	case "passlinecount", "targetcountingbyline":
		return "line_count"
	case "traffic", "targetcountingbyarea":
		return "area_count"
	case "smd":
		return "motion"
	case "osc":
		return "object"
	case "avd":
		return "tamper"
	case "asd":
		return "audio"
	case "cdd", "cpc", "ipd", "crowdgathering":
		return "crowd"
	}
	return ""
}

// kindCarries is the table of docs/rules.md, Events.
func kindCarries(k engine.Kind) carries {
	switch k {
	case engine.KindTarget:
		return carriesEvent | carriesCamera | carriesTarget | carriesScene
	case engine.KindMotion, engine.KindSensor, engine.KindTamper, engine.KindAudio, engine.KindCrowd, engine.KindTemperature,
		engine.KindFire, engine.KindOther, engine.KindLineCount, engine.KindAreaCount:
		return carriesEvent | carriesCamera | carriesValues
	case engine.KindPlate:
		return carriesEvent | carriesCamera | carriesPlate
	case engine.KindFace, engine.KindFaceMatch:
		return carriesEvent | carriesCamera | carriesFace
	case engine.KindAlarm:
		return carriesEvent | carriesCamera | carriesAlarm
	case engine.KindCamera:
		return carriesEvent | carriesCamera
	case engine.KindContact, engine.KindRelay, engine.KindFlag:
		return carriesEvent | carriesName
	case engine.KindMessage:
		return carriesEvent | carriesMessage
	}
	if k.Smart() {
		return carriesEvent | carriesCamera | carriesTarget
	}
	return carriesEvent
}

// draft is a rule known by name, before it is compiled.
type draft struct {
	at    at
	node  *yaml.Node
	pairs []pair
	name  string
	next  int // the line of what follows it in the file; 0 = nothing does
}

// addRules compiles the rules of all files, once all their names are known.
func (ld *loader) addRules(docs []doc) {
	var drafts []draft
	for _, d := range docs {
		for i, s := range d.sections {
			if s.name != "rules" || isNull(s.val) {
				continue
			}
			items, ok := d.at.items(s.val, "rules")
			if !ok && s.val.Kind != yaml.SequenceNode {
				continue
			}
			for k, n := range items {
				if isNull(n) {
					continue
				}
				if len(drafts) == maxRules {
					d.at.errorf(n, "there are more than %d rules", maxRules)
					break
				}
				if dr, ok := ld.draft(d.at, n); ok {
					switch {
					case k+1 < len(items):
						dr.next = items[k+1].Line
					case i+1 < len(d.sections):
						dr.next = d.sections[i+1].key.Line
					}
					drafts = append(drafts, dr)
				}
			}
		}
	}
	ld.ruleDefs = make([]*engine.Rule, 0, len(drafts))
	for _, d := range drafts {
		ld.ruleDefs = append(ld.ruleDefs, ld.rule(d))
	}
}

// draft reads a rule's name.
func (ld *loader) draft(a at, n *yaml.Node) (draft, bool) {
	if n.Kind == yaml.MappingNode {
		// The name is wanted for the problems that reading the mapping finds.
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == "name" && n.Content[i+1].Kind == yaml.ScalarNode {
				a.rule = n.Content[i+1].Value
			}
		}
	}
	pairs, ok := a.mapping(n, "a rule", ruleKeys())
	if !ok {
		return draft{}, false
	}
	nn := find(pairs, "name")
	if nn == nil {
		a.errorf(n, "name is missing")
		return draft{}, false
	}
	name, ok := a.text(nn, "name")
	if !ok {
		return draft{}, false
	}
	switch {
	case strings.TrimSpace(name) == "":
		a.errorf(nn, "the name is empty")
		return draft{}, false
	case runeLen(name) > 200 || strings.ContainsFunc(name, unicode.IsControl):
		a.rule = ""
		a.errorf(nn, "a rule's name has at most 200 characters, on one line")
		return draft{}, false
	}
	a.rule = name
	if !a.unique(ld.rules, &ld.ruleNames, nn, name) {
		return draft{}, false
	}
	return draft{at: a, node: n, pairs: pairs, name: name}, true
}

// rule compiles one rule. What has errors is left out of it; the set is not used then.
func (ld *loader) rule(d draft) *engine.Rule {
	r := &engine.Rule{Name: d.name, File: d.at.src.name, Line: d.node.Line, Text: d.at.src.extent(d.node, d.next)}
	rc := &ruleCompiler{ld: ld, at: d.at, node: d.node, rule: r, pairs: d.pairs}
	rc.on()
	rc.settings()
	rc.conditions()
	rc.steps()
	rc.finish()
	return r
}

// ruleCompiler compiles one rule.
type ruleCompiler struct {
	ld    *loader
	at    at
	node  *yaml.Node
	pairs []pair
	rule  *engine.Rule
	scope scope
	uses  uses // of when
	after uses // of while
	acts  uses // of steps
	onBad bool // `on:` has errors, so what it carries is not known
	mixed bool // kinds that differ in nature or default key

	when *branch
	// pulses are the relays the rule pulses, with the step's node.
	pulses []drive
	moves  []moved
}

func (rc *ruleCompiler) find(name string) *yaml.Node { return find(rc.pairs, name) }

// on reads what the rule is looked at for.
func (rc *ruleCompiler) on() {
	r, a := rc.rule, rc.at.in("on")
	n := rc.find("on")
	if n == nil {
		rc.scope = scope{where: "a rule without on:", wakes: true}
		r.Level, r.Per = true, engine.PerRule
		return
	}
	items, ok := a.oneOrMore(n, "on")
	rc.onBad = !ok
	if ok && len(items) == 0 {
		a.errorf(n, "the list is empty; leave on out for a rule that is looked at whenever something it reads changes")
		rc.onBad = true
	}
	for _, i := range items {
		k, ok := rc.kind(a, i)
		if !ok {
			rc.onBad = true
			continue
		}
		if has(r.On, k) && k != engine.KindCron {
			a.errorf(i, "%s is there twice", k)
			rc.onBad = true
		}
		r.On = union(r.On, []engine.Kind{k})
	}
	rc.scope.carries = ^carries(0)
	if len(r.On) == 0 {
		return
	}
	rc.scope.on = r.On
	words := make([]string, len(r.On))
	r.Level = true
	for i, k := range r.On {
		words[i] = k.String()
		rc.scope.carries &= kindCarries(k)
		r.Level = r.Level && k.Nature() == engine.Level
		rc.mixed = rc.mixed || k.Nature() != r.On[0].Nature() || k.DefaultPer() != r.On[0].DefaultPer()
	}
	rc.scope.where = "a rule on: " + words[0]
	if len(words) > 1 {
		rc.scope.where = "a rule on: [" + strings.Join(words, ", ") + "]"
	}
	r.Per = r.On[0].DefaultPer()
	if rc.onBad {
		rc.scope.carries = ^carries(0)
	}
}

// kind reads one entry of `on:`.
func (rc *ruleCompiler) kind(a at, n *yaml.Node) (engine.Kind, bool) {
	switch n.Kind {
	case yaml.ScalarNode:
		if isNull(n) {
			return 0, false
		}
		if n.Value == "cron" {
			a.errorf(n, `cron is written {cron: "0 22 * * *"}`)
			return 0, false
		}
		if !contains(kindsForRules(), n.Value) {
			a.errorf(n, "unknown event kind %s%s", clean(n.Value), kindMeant(n.Value))
			return 0, false
		}
		k, ok := engine.ParseKind(n.Value)
		if k == engine.KindMessage {
			rc.ld.unfed = append(rc.ld.unfed, func() { a.warnf(n, "nothing feeds messages in this version, so this never happens") })
		}
		return k, ok
	case yaml.MappingNode:
		pairs, ok := a.mapping(n, "on", []string{"cron"})
		c := find(pairs, "cron")
		if !ok || c == nil {
			return 0, false
		}
		text, ok := a.text(c, "cron")
		if !ok {
			return 0, false
		}
		cron, err := schedule.ParseCron(text, rc.ld.site.Location)
		if err != nil {
			a.errorf(c, "%v", err)
			return 0, false
		}
		rc.rule.Crons = append(rc.rule.Crons, cron)
		return engine.KindCron, true
	}
	a.errorf(n, "an event kind is a word, not %s", kindWord(n))
	return 0, false
}

// settings reads everything but conditions and steps.
func (rc *ruleCompiler) settings() {
	r := rc.rule
	r.Mode = engine.ModeLive
	for _, p := range rc.pairs {
		a := rc.at
		switch p.name {
		case "per":
			rc.per(a, p.val)
		case "for":
			d, ok := a.duration(p.val, "for", true)
			r.For = d
			switch {
			case !ok || rc.onBad:
			case rc.mixed:
				a.errorf(p.val, "for cannot be used with kinds that differ (%s)", strings.TrimPrefix(rc.scope.where, "a rule "))
			case !r.Level:
				a.errorf(p.val, "for cannot be used on %s: it happens in an instant and does not last; use hold, or on: target", r.On[0])
			}
		case "hold":
			r.Hold, _ = a.duration(p.val, "hold", true)
		case "cooldown":
			r.Cooldown, _ = a.duration(p.val, "cooldown", true)
		case "repeat":
			r.Repeat, _ = a.boolean(p.val, "repeat")
		case "limit":
			rc.limit(a, p.val)
		case "mode":
			s, _ := a.word(p.val, "mode", modeWords())
			switch s {
			case "shadow":
				r.Mode = engine.ModeShadow
			case "off":
				r.Mode = engine.ModeOff
			}
		}
	}
	if rc.mixed && !rc.onBad && rc.find("per") == nil {
		rc.at.in("on").errorf(rc.find("on"), "these kinds differ in what they are held per or in whether they last, so per must be written")
	}
}

func (rc *ruleCompiler) per(a at, n *yaml.Node) {
	s, ok := a.word(n, "per", perWords())
	if !ok || rc.onBad {
		return
	}
	rc.rule.Per, _ = engine.ParsePer(s)
	var need carries
	switch rc.rule.Per {
	case engine.PerTarget:
		need = carriesTarget
	case engine.PerVisit, engine.PerPlate:
		need = carriesPlate
	case engine.PerCamera:
		need = carriesCamera
	case engine.PerAlarm:
		need = carriesAlarm
	case engine.PerName:
		need = carriesName
	}
	if rc.scope.carries&need != need {
		a.errorf(n, "per: %s cannot be used in %s", s, rc.scope.where)
	}
}

// limit reads 5/1h.
func (rc *ruleCompiler) limit(a at, n *yaml.Node) {
	s, ok := a.text(n, "limit")
	if !ok {
		return
	}
	count, per, ok := strings.Cut(s, "/")
	v, err := strconv.Atoi(strings.TrimSpace(count))
	if !ok || err != nil || v < 1 || v > 1000 {
		a.errorf(n, "a limit is a count from 1 to 1000 and a time, such as 5/1h, not %s", cut(s))
		return
	}
	d, err := schedule.ParseDuration(strings.TrimSpace(per))
	switch {
	case err != nil:
		a.errorf(n, "limit: %v", err)
	case d <= 0 || d > maxDuration:
		a.errorf(n, "the time of a limit is more than 0 and at most 3650d")
	default:
		rc.rule.Limit = engine.Limit{Count: v, Per: d}
	}
}

// condition compiles the expression that a node holds; nil when it has errors.
func (ld *loader) condition(a at, n *yaml.Node, sc scope, u *uses) *branch {
	key := "when"
	if a.part == "while" {
		key = "while"
	} else if a.part != "when" {
		key = "if"
	}
	rest := trapTail(a.src, n)
	switch {
	case n.Kind == yaml.ScalarNode && isBang(n):
		a.errorf(n, "a condition that begins with ! needs \"%s: |\" with the condition on the next line, or single quotes around it", key)
		return nil
	case n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode:
		open := "{"
		if n.Kind == yaml.SequenceNode {
			open = "["
		}
		if n.Style&yaml.FlowStyle == 0 {
			a.errorf(n, "a condition is one text, not %s; one that holds a colon and a blank, or begins with -, needs \"%s: |\" before it", kindWord(n), key)
			return nil
		}
		a.errorf(n, "a condition that begins with %s needs \"%s: |\" with the condition on the next line, or single quotes around it", open, key)
		return nil
	case isNull(n):
		a.errorf(n, "the condition is empty")
		return nil
	case rest > 0 && cutOff(n.Value):
		a.put(n.Line, rest, false, fmt.Sprintf("YAML takes what follows blank # as a comment; a condition that holds it needs \"%s: |\" with the condition on the next line, or single quotes around it", key))
		return nil
	}
	c := &compiler{ld: ld, at: a, scope: sc, span: newSpan(a.src, n), uses: u}
	return c.condition(n.Value)
}

// trapTail is the column of a comment behind a plain scalar on its line; 0 when there is none.
func trapTail(src *source, n *yaml.Node) int {
	if n.Kind != yaml.ScalarNode || !isPlain(n) {
		return 0
	}
	line := []rune(src.line(n.Line))
	for i := max(n.Column-1, 1); i < len(line); i++ {
		if line[i] == '#' && (line[i-1] == ' ' || line[i-1] == '\t') {
			return i + 1
		}
	}
	return 0
}

// cutOff tells whether an expression lacks its end.
func cutOff(text string) bool {
	if len(text) > maxSource || tooManyBrackets(text) >= 0 {
		return false // which is said of it
	}
	_, err := parser.Parse(text)
	return err != nil && (strings.Contains(err.Error(), "EOF") || strings.Contains(err.Error(), "not terminated"))
}

func (rc *ruleCompiler) conditions() {
	r := rc.rule
	if n := rc.find("when"); n != nil {
		rc.when = rc.ld.condition(rc.at.in("when"), n, rc.scope, &rc.uses)
		if rc.when != nil {
			r.When = rc.when.cond
		}
	} else if !rc.onBad {
		for _, k := range r.On {
			if k != engine.KindCron && k != engine.KindStart && k != engine.KindMessage {
				rc.at.errorf(rc.node, "when is missing; it may be left out only under cron, start and message")
				break
			}
		}
		if len(r.On) == 0 {
			rc.at.errorf(rc.node, "when is missing; it may be left out only under cron, start and message")
		}
	}
	if n := rc.find("while"); n != nil {
		sc := scope{where: "while, which has no event", wakes: true}
		if b := rc.ld.condition(rc.at.in("while"), n, sc, &rc.after); b != nil {
			r.While = b.cond
		}
	}
}

// finish puts together what the conditions and steps said.
func (rc *ruleCompiler) finish() {
	r, ld := rc.rule, rc.ld
	if len(r.On) == 0 && rc.find("on") == nil {
		r.Reads = rc.uses.reads
		if n := rc.find("when"); r.Reads == 0 && rc.when != nil {
			rc.at.in("when").warnf(n, "this rule has no on: and reads nothing that changes")
		}
	}
	r.Reads |= rc.after.reads
	r.Statuses = rc.uses.statuses
	r.AtEnd = rc.uses.atEnd
	if rc.when != nil {
		n := rc.when.need
		r.Need = engine.Need{Cameras: append([]int(nil), n.cams...), Classes: n.classes, Zones: n.zones}
		r.Names = rc.names(n)
		rc.checkClasses(n)
	}
	zones := union(union(rc.uses.zones, rc.after.zones), rc.acts.zones)
	if len(rc.uses.zones) > 0 {
		r.FirstZone = ld.zonePlaces[rc.uses.zones[0]].Name
	}
	rc.use()
	r.Uses = rc.named(zones)
	rc.checkCharges()
	rc.checkTrust()
	rc.checkSent()
	if s := rc.uses.steps + rc.after.steps + rc.acts.steps; s > maxSteps {
		rc.at.errorf(rc.node, "the rule takes up to %d steps, more than %d; look through fewer lists or texts", s, maxSteps)
	}
	if rc.uses.near {
		for _, d := range rc.pulses {
			rc.at.in("when").errorf(rc.find("when"), "plate.near is too forgiving to decide over a pulse (of relay %q); use plate.on or plate.looks", d.relay)
			break
		}
	}
	rc.identity(zones)
}

// named is what the rule names, for people to see.
func (rc *ruleCompiler) named(zones []engine.ZoneRef) engine.Uses {
	var u engine.Uses
	for _, z := range slices.Sorted(slices.Values(zones)) {
		u.Zones = append(u.Zones, rc.ld.zonePlaces[z].Name)
	}
	lines := union(union(rc.uses.lines, rc.after.lines), rc.acts.lines)
	slices.Sort(lines)
	for _, l := range lines {
		u.Lines = append(u.Lines, rc.ld.linePlaces[l].Name)
	}
	lists := union(union(rc.uses.lists, rc.after.lists), rc.acts.lists)
	slices.Sort(lists)
	for _, l := range lists {
		u.Lists = append(u.Lists, rc.ld.listNames[l])
	}
	mine := len(rc.ld.driven)
	for mine > 0 && rc.ld.driven[mine-1].rule == rc.rule {
		mine--
	}
	for _, d := range rc.ld.driven[mine:] {
		if !slices.Contains(u.Relays, d.relay) {
			u.Relays = append(u.Relays, d.relay)
		}
	}
	return u
}

// names are the only names the rule is looked at for; nil for all.
func (rc *ruleCompiler) names(n need) []string {
	var all []string
	for _, k := range rc.rule.On {
		switch k {
		case engine.KindContact, engine.KindRelay, engine.KindFlag, engine.KindCamera:
		default:
			return nil
		}
		names := union(rc.uses.names[k], n.names)
		if len(names) == 0 {
			return nil
		}
		all = union(all, names)
	}
	return all
}

// checkClasses warns when no zone the rule needs ever holds a class it needs.
func (rc *ruleCompiler) checkClasses(n need) {
	if n.classes == 0 || len(n.zones) == 0 {
		return
	}
	var all scene.ClassSet
	for _, z := range n.zones {
		set := rc.ld.zone(z).Classes
		if set == 0 || set&n.classes != 0 {
			return
		}
		all |= set
	}
	rc.at.in("when").warnf(rc.find("when"), "the condition is never true: zone %q only holds %s", rc.ld.zonePlaces[n.zones[0]].Name, classList(all))
}

// identity hashes everything that makes the rule what it is: its own text and what it names but lists.
func (rc *ruleCompiler) identity(zones []engine.ZoneRef) {
	ld := rc.ld
	var b strings.Builder
	canonical(&b, rc.node)
	add := func(what string, p pair) {
		b.WriteString("\n" + what + " " + p.name + " ")
		canonical(&b, p.val)
	}
	for _, z := range zones {
		add("zone", ld.zoneNodes[z])
	}
	for _, l := range union(union(rc.uses.lines, rc.after.lines), rc.acts.lines) {
		add("line", ld.lineNodes[l])
	}
	for _, s := range union(union(rc.uses.schedules, rc.after.schedules), rc.acts.schedules) {
		add("schedule", ld.scheduleNodes[s])
	}
	for _, f := range union(union(rc.uses.flags, rc.after.flags), rc.acts.flags) {
		fmt.Fprintf(&b, "\nflag %s %d", f, ld.flagDefs[ld.flags[f]].Initial.Type)
	}
	sum := sha256.Sum256([]byte(b.String()))
	rc.rule.Identity = hex.EncodeToString(sum[:16])
}

// drive is one step that drives a relay.
type drive struct {
	relay   string
	op      engine.RelayOp
	rule    *engine.Rule
	at      at
	node    *yaml.Node
	finally bool
	aside   bool // not done at once each time the rule fires
}

// checkAll looks at what only shows when all rules are known.
func (ld *loader) checkAll() {
	// An error in a rule may be why it uses none.
	errors := ld.sink.errors > 0
	if !errors {
		ld.warnUnused()
		for _, warn := range ld.unfed {
			warn()
		}
	}
	for _, r := range ld.ruleDefs {
		r.Remember = ld.asked[r.Name]
	}
	ld.checkFights()
	if ld.assumed {
		ld.file("").put(0, 0, true, "without a site file, the names that rules use are taken as given")
	}
}

const fightFormat = "this rule and rule %q fight for relay %q: %s"

// checkFights warns of two rules that want different things of one relay.
func (ld *loader) checkFights() {
	// The first drive of each sort is remembered: one from another rule is enough to warn.
	first := map[string]drive{}
	switches := switches{}
	fights := func(d drive, why string, keys ...string) bool {
		for _, k := range keys {
			if o, ok := first[k]; ok && o.rule != d.rule {
				d.at.warnf(d.node, fightFormat, o.rule.Name, d.relay, why)
				return true
			}
		}
		return false
	}
	for _, d := range ld.driven {
		const ends = "one follows and the other switches it off"
		sort := func(op engine.RelayOp) string { return d.relay + " " + op.String() }
		switch d.op {
		case engine.RelayToggle:
			_ = fights(d, "both toggle it", sort(engine.RelayToggle)) || fights(d, ends, sort(engine.RelayFollow))
		case engine.RelayFollow:
			fights(d, ends, sort(engine.RelayOff), sort(engine.RelayToggle))
		case engine.RelayOff:
			_ = fights(d, ends, sort(engine.RelayFollow)) || ld.fightsAtOnce(d, switches)
		case engine.RelayOn:
			ld.fightsAtOnce(d, switches)
		}
		if k := sort(d.op); first[k].rule == nil {
			first[k] = d
		}
	}
}

// maxSwitches bounds how many steps of a relay each other one is compared with.
const maxSwitches = 100

// switches are the steps that switch a relay on or off at once, by relay and word.
type switches map[string][]trigger

// fightsAtOnce warns of a step that switches a relay on when another rule switches it off, on the same event; or the
// other way round.
func (ld *loader) fightsAtOnce(d drive, known switches) bool {
	if d.aside || d.rule.Mode != engine.ModeLive {
		return false
	}
	t := newTrigger(d.rule)
	other := engine.RelayOn
	if d.op == engine.RelayOn {
		other = engine.RelayOff
	}
	found := false
	for _, o := range known[d.relay+" "+other.String()] {
		if o.rule == d.rule {
			continue
		}
		why := ""
		switch {
		case t.same(o):
			why = "one switches it on and the other off on the same condition"
		case t.implies(o):
			why = "one switches it on and the other off, and that one fires whenever this one does"
		case o.implies(t):
			why = "one switches it on and the other off, and this one fires whenever that one does"
		default:
			continue
		}
		d.at.warnf(d.node, fightFormat, o.rule.Name, d.relay, why)
		found = true
		break
	}
	if k := d.relay + " " + d.op.String(); len(known[k]) < maxSwitches {
		known[k] = append(known[k], t)
	}
	return found
}

// trigger is what a rule is looked at for and when it holds.
type trigger struct {
	rule *engine.Rule
	// parts are the texts of what must all hold, sorted, each once; mask has a bit for each, to compare fast.
	parts []string
	mask  uint64
}

func newTrigger(r *engine.Rule) trigger {
	t := trigger{rule: r}
	add := func(c *engine.Cond) {
		h := fnv.New32a()
		_, _ = h.Write([]byte(c.Text))
		t.mask |= 1 << (h.Sum32() % 64)
		t.parts = append(t.parts, c.Text)
	}
	for _, c := range []*engine.Cond{r.When, r.While} {
		switch {
		case c == nil:
		case c.Op == engine.CondAnd:
			for _, k := range c.Kids {
				add(k)
			}
		default:
			add(c)
		}
	}
	slices.Sort(t.parts)
	t.parts = slices.Compact(t.parts)
	return t
}

// same tells whether both fire at the same time. Rules with a cron are taken to have different ones.
func (t trigger) same(o trigger) bool {
	return !has(t.rule.On, engine.KindCron) && slices.Equal(t.rule.On, o.rule.On) && t.rule.For == o.rule.For && slices.Equal(t.parts, o.parts)
}

// implies tells whether o fires on an event whenever t does: both in an instant, on a kind they share, and all that o
// asks for t asks too. A rule that lasts fires when it begins to hold, and two of them begin at different times.
func (t trigger) implies(o trigger) bool {
	if t.rule.Level || o.rule.Level || len(t.rule.On) == 0 || o.mask&^t.mask != 0 || len(o.parts) > len(t.parts) {
		return false
	}
	if !slices.ContainsFunc(t.rule.On, func(k engine.Kind) bool { return k != engine.KindCron && has(o.rule.On, k) }) {
		return false
	}
	i := 0
	for _, p := range o.parts {
		for i < len(t.parts) && t.parts[i] < p {
			i++
		}
		if i == len(t.parts) || t.parts[i] != p {
			return false
		}
	}
	return true
}
