package rulefile

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/engine"
	"go.yaml.in/yaml/v4"
)

// declared is something a file gives a name to, and whether a rule uses it.
type declared struct {
	at   at
	key  *yaml.Node
	used bool
}

// warnUnused warns of what no rule uses.
func (ld *loader) warnUnused() {
	for _, all := range [][]declared{ld.zoneDecls, ld.scheduleDecls, ld.listDecls, ld.flagDecls} {
		for _, d := range all {
			if !d.used {
				d.at.warnf(d.key, "no rule uses it")
			}
		}
	}
}

// use notes what a rule uses.
func (rc *ruleCompiler) use() {
	ld := rc.ld
	for _, u := range []*uses{&rc.uses, &rc.after, &rc.acts} {
		for _, z := range u.zones {
			ld.zoneDecls[z].used = true
		}
		for _, s := range u.schedules {
			ld.scheduleDecls[s].used = true
		}
		for _, l := range u.lists {
			ld.listDecls[l].used = true
		}
		for _, f := range u.flags {
			ld.flagDecls[ld.flags[f]].used = true
		}
	}
	if !has(rc.rule.On, engine.KindFlag) {
		return
	}
	// A rule on: flag that asks for no name looks at every flag.
	for i := range ld.flagDecls {
		if name := ld.flagNames[i]; rc.rule.Names == nil || contains(rc.rule.Names, name) {
			ld.flagDecls[i].used = true
		}
	}
}

// checkCharges warns of a cooldown or limit that never holds anything back: a rule fires once per visit, and each visit
// has its own.
func (rc *ruleCompiler) checkCharges() {
	if rc.rule.Per != engine.PerVisit || rc.rule.Repeat || rc.onBad {
		return
	}
	for _, key := range []string{"cooldown", "limit"} {
		if n := rc.find(key); n != nil {
			rc.at.warnf(n, "%s does nothing here: the rule fires once per visit, and a visit is a key of its own; hold it per: plate or per: camera, or write repeat: true", key)
		}
	}
}

// moved is a step that moves something: drives a relay, or changes a device's list by what an event says.
type moved struct {
	at    at
	node  *yaml.Node
	relay string // empty for a list
	what  string // what is done to the plate: added, changed, moved
}

// checkTrust warns of a rule that lets anybody who can post as a camera move a relay or fill a list.
func (rc *ruleCompiler) checkTrust() {
	camera, ok := rc.untrusted()
	if !ok {
		return
	}
	const advice = "takes posts from anybody; give it a token, or match it by ip"
	for _, m := range rc.moves {
		switch {
		case m.relay == "":
			m.at.warnf(m.node, "what is %s comes from camera %q, which %s", m.what, camera, advice)
		case rc.uses.deviceList && len(rc.uses.lists) == 0:
			rc.at.in("when").warnf(rc.find("when"), "relay %q moves on plate.list alone, as camera %q sends it, which %s, or ask plate.on for a list of your own", m.relay, camera, advice)
			return
		}
	}
}

// checkSent warns of a rule that reads what its cameras never sent with a plate: such a part is unknown for ever. A rule
// that asks known() or gives a default knows that.
func (rc *ruleCompiler) checkSent() {
	n := rc.find("when")
	if n == nil || rc.scope.carries&carriesPlate == 0 {
		return
	}
	source := strings.ReplaceAll(n.Value, " ", "")
	for _, field := range []struct {
		name  string
		reads bool
		never func(CameraInfo) bool
	}{
		{"heading", rc.uses.heading, func(i CameraInfo) bool { return i.NoHeading }},
		{"confidence", rc.uses.confidence, func(i CameraInfo) bool { return i.NoConfidence }},
	} {
		word := "plate." + field.name
		if !field.reads || strings.Contains(source, "known("+word) || strings.Contains(source, word+"??") {
			continue
		}
		var silent []string
		for _, name := range rc.cameras() {
			info := rc.ld.site.Known[name]
			if info.Plates && !field.never(info) {
				silent = nil
				break
			}
			if info.Plates {
				silent = append(silent, strconv.Quote(name))
			}
		}
		if len(silent) > 0 {
			rc.at.in("when").warnf(n, "camera %s never sent %s with a plate, so this is unknown", strings.Join(silent, ", "), word)
		}
	}
}

// cameras are the cameras whose events the rule takes, sorted.
func (rc *ruleCompiler) cameras() []string {
	var names []string
	for _, c := range rc.rule.Need.Cameras {
		names = append(names, rc.ld.cameraNames[c])
	}
	if len(names) == 0 {
		names = slices.Clone(rc.ld.cameraNames)
	}
	slices.Sort(names)
	return names
}

// untrusted is the first camera whose events the rule takes and whose posts may come from anybody.
func (rc *ruleCompiler) untrusted() (string, bool) {
	if rc.scope.carries&carriesCamera == 0 || len(rc.moves) == 0 {
		return "", false
	}
	for _, n := range rc.cameras() {
		if info, known := rc.ld.site.Known[n]; known && !info.Trusted {
			return n, true
		}
	}
	return "", false
}

// warnBare warns of $plate.number in a text: without braces it is only text.
func (a at) warnBare(sp *span, text string, dollar int) {
	rest := text[dollar+1:]
	name, field, ok := strings.Cut(rest, ".")
	if !ok || !contains(thingNames(), name) {
		return
	}
	end := strings.IndexFunc(field, func(r rune) bool { return r != '_' && r != '.' && (r < 'a' || r > 'z') })
	if end < 0 {
		end = len(field)
	}
	field = strings.TrimRight(field[:end], ".")
	if first, _, _ := strings.Cut(field, "."); !contains(fieldNames(name), first) {
		return
	}
	line, col := sp.place(runeLen(text[:dollar]))
	a.put(line, col, true, "$"+name+"."+field+" is only text here (did you mean ${"+name+"."+field+"}?)")
}
