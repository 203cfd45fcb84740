package rulefile

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/geometry"
)

// node is a piece of a JSON Schema. [encoding/json] writes its keys in their order, so the text is always the same.
type node = map[string]any

// Schema is the JSON Schema (draft 7) of rule files, as editors read it. Its keys and words are the tables that the
// loader reads files with. It knows shapes only: what a condition means and whether a name exists, [Load] says.
func Schema() []byte {
	names := node{"pattern": "^[a-z][a-z0-9-]{0,63}$"}
	named := func(says string, of node) node {
		return node{"description": says, "type": []string{"object", "null"}, "propertyNames": names, "additionalProperties": of}
	}
	top := object(sectionNames(), node{
		"zones":     named("Places on a camera's picture, by name.", ref("zone")),
		"lines":     named("Lines on a camera's picture that targets cross, by name.", ref("line")),
		"schedules": named("Times of the week and the year, by name, for during(\"…\").", ref("schedule")),
		"lists":     named("Lists of plates, by name, for plate.on(\"…\").", ref("list")),
		"flags":     named("Values that rules set and read, by name, with what they are at first: true, false, a number or a text.", node{"type": []string{"boolean", "number", "string"}}),
		"rules":     node{"description": "The rules, looked at in this order.", "type": []string{"array", "null"}, "items": ref("rule")},
	})
	top["$schema"] = "http://json-schema.org/draft-07/schema#"
	top["title"] = "Sallyport rules"
	top["description"] = "A file of rules.d. The reference is docs/rules.md."
	top["type"] = []string{"object", "null"}
	top["definitions"] = node{
		"zone": zoneSchema(), "line": lineSchema(), "point": pointSchema(), "class": words("What a target is.", classWords()),
		"schedule": schedulesSchema(), "window": windowSchema(), "list": listSchema(), "entry": entrySchema(),
		"rule": ruleSchema(), "on": onSchema(), "step": stepSchema(), "steps": oneOrMore("Steps, started in this order.", ref("step")),
		"duration":  node{"type": "string", "minLength": 1, "pattern": durationPattern, "examples": []string{"800ms", "2s", "1m30s", "1h", "7d"}},
		"condition": node{"type": "string", "minLength": 1},
		"text":      node{"type": []string{"string", "number", "boolean"}},
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	// Maps, texts and numbers can always be written.
	_ = e.Encode(top)
	return b.Bytes()
}

// durationPattern is schedule.ParseDuration as a pattern, but for the bounds.
const durationPattern = `^([0-9]+(\.[0-9]+)?d)?([0-9]+(\.[0-9]+)?h)?([0-9]+(\.[0-9]+)?m)?([0-9]+(\.[0-9]+)?s)?([0-9]+(\.[0-9]+)?ms)?$`

// object is a mapping with the keys of a table. A key that nothing is said about may hold anything: better that than to
// underline what the loader takes.
func object(keys []string, says node, required ...string) node {
	properties := node{}
	for _, k := range keys {
		p, ok := says[k]
		if !ok {
			p = node{}
		}
		properties[k] = p
	}
	n := node{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		n["required"] = required
	}
	return n
}

// ref points to a definition.
func ref(name string) node { return node{"$ref": "#/definitions/" + name} }

// is is a definition with its own description. Draft 7 reads over what stands beside a $ref, hence allOf.
func is(name, says string) node { return node{"description": says, "allOf": []node{ref(name)}} }

// words is one of a few words.
func words(says string, known []string) node {
	return node{"description": says, "type": "string", "enum": known}
}

// oneOrMore is a thing or a list of it.
func oneOrMore(says string, of node) node {
	return node{"description": says, "anyOf": []node{of, {"type": "array", "items": of}}}
}

func truth(says string) node { return node{"description": says, "type": "boolean"} }

func number(says string, low, high int) node {
	return node{"description": says, "type": "integer", "minimum": low, "maximum": high}
}

func pointSchema() node {
	return node{
		"description": "[x, y] in 1/10000 of the picture's width and height, from the top left.",
		"type":        "array", "minItems": 2, "maxItems": 2, "items": node{"type": "integer", "minimum": 0, "maximum": geometry.Size},
	}
}

func zoneSchema() node {
	n := object(zoneKeys(), node{
		"camera":  is("text", "The camera, by its name in the site file."),
		"polygon": node{"description": "The corners: 3 to 64 points, not self-crossing.", "type": "array", "minItems": geometry.MinPoints, "maxItems": geometry.MaxPoints, "items": ref("point")},
		"import":  importOf("The camera's own zone, as it was last accepted (perimeter/1).", zoneImports()),
		"anchor":  words("The point of the box that must be inside: bottom, if nothing is said; any is any overlap.", zoneAnchors()),
		"settle":  is("duration", "In only after at least 2 updates inside in a row that span this long (200ms)."),
		"margin":  number("Out only this far beyond the edge (150) …", 0, geometry.Size),
		"linger":  is("duration", "… and for this long (1s)."),
		"classes": oneOrMore("Others are never in (all).", ref("class")),
	}, "camera")
	n["oneOf"] = []node{{"required": []string{"polygon"}}, {"required": []string{"import"}}}
	return n
}

func lineSchema() node {
	n := object(lineKeys(), node{
		"camera": is("text", "The camera, by its name in the site file."),
		"from":   ref("point"),
		"to":     ref("point"),
		"import": importOf("The camera's own line, as it was last accepted (tripwire/1).", lineImports()),
		"in":     words("The side, looking from `from` to `to`, a move onto which is in.", sideWords()),
		"margin": number("How far beyond the line a target must be (100).", 0, geometry.Size),
		"anchor": words("The point of the box that crosses (bottom).", lineAnchors()),
	}, "camera")
	n["oneOf"] = []node{{"required": []string{"from", "to", "in"}}, {"required": []string{"import"}}}
	return n
}

// importOf is what a camera has itself: the detector, and the number it has there.
func importOf(says string, words []string) node {
	first := `^(` + strings.Join(words, "|") + `)/([1-9]|[1-5][0-9]|6[0-4])$`
	if contains(words, "plate") {
		first += `|^plate$`
	}
	return node{"description": says, "type": "string", "pattern": first, "examples": []string{words[0] + "/1"}}
}

func schedulesSchema() node {
	return oneOrMore("A window, or a list of windows of which one must hold.", ref("window"))
}

func windowSchema() node {
	edge := func(says string) node {
		return node{"description": says, "type": "string", "examples": []string{"08:00", "24:00", "sunrise", "sunset-30m"}}
	}
	n := object(windowKeys(), node{
		"days":     oneOrMore("mon-fri, or sat,sun; a window belongs to the day it begins on.", ref("text")),
		"from":     edge("The beginning (00:00); may be by the sun."),
		"to":       edge("The end (24:00); before the beginning: on the next day."),
		"dates":    oneOrMore("2026-12-24, 12-24 for every year, or 12-24..12-31.", ref("text")),
		"holidays": is("text", "A file of days in the folder of rules: iCalendar, or a date a line."),
		"not":      is("schedule", "Not in these windows."),
	})
	n["minProperties"] = 1
	return n
}

func listSchema() node {
	return node{"description": "Plates, here or in a file.", "anyOf": []node{
		{"type": "array", "items": node{"anyOf": []node{ref("entry"), {"type": []string{"string", "number"}}}}},
		object([]string{"file"}, node{"file": is("text", "A CSV file in the folder of rules, with the columns plate,owner,from,until,schedule,note.")}, "file"),
	}}
}

func entrySchema() node {
	return object(entryFields(), node{
		"plate":    is("text", "The plate. Case, blanks, dots and dashes do not count."),
		"owner":    is("text", "For ${plate.owner}."),
		"from":     is("text", "Valid from this day or time (2026-03-02, or \"2026-03-02 14:00\")."),
		"until":    is("text", "Valid until this day, included, or this time."),
		"schedule": is("text", "Valid in this schedule only."),
		"note":     is("text", "For people."),
	}, "plate")
}

func onSchema() node {
	cron := object([]string{"cron"}, node{"cron": node{"description": "Minute, hour, day of month, month, day of week; or @daily, @every 5m.", "type": "string", "examples": []string{"0 22 * * *", "@every 5m"}}}, "cron")
	one := node{"anyOf": []node{{"type": "string", "enum": kindsForRules()}, cron}}
	return oneOrMore("What the rule is looked at for. Left out: whenever something it reads changes.", one)
}

func ruleSchema() node {
	return object(ruleKeys(), node{
		"name":     is("text", "What it is called in logs and tests; unique over all files."),
		"on":       ref("on"),
		"per":      words("What it holds a state for: each target, each visit of a car, each plate, each camera, …", perWords()),
		"when":     is("condition", "The condition. What is unknown does not hold."),
		"while":    is("condition", "A condition without an event. When it turns false the rule ends at once."),
		"for":      is("duration", "The condition must hold this long first."),
		"hold":     is("duration", "The rule stays active this long after the condition."),
		"repeat":   truth("A further match while it is active does the steps again."),
		"cooldown": is("duration", "No firing of this key before this is over."),
		"limit":    node{"description": "At most so many firings of a key in any such time.", "type": "string", "pattern": `^\s*[0-9]+\s*/\s*[0-9.a-z]+\s*$`, "examples": []string{"5/1h"}},
		"mode":     words("live; shadow decides and shows, but does nothing; off.", modeWords()),
		"do":       is("steps", "What is done when the rule becomes active."),
		"finally":  is("steps", "What is done when it ends."),
	}, "name")
}

// missingVerbs are the verbs that the loader knows and this version does not do.
func missingVerbs() []string { return []string{"mqtt"} }

func stepSchema() node {
	var verbs []node
	for _, v := range verbNames() {
		switch {
		case contains(missingVerbs(), v):
		case v == "plates":
			for _, edit := range platesWords() {
				verbs = append(verbs, verbSchema(v, edit))
			}
		default:
			verbs = append(verbs, verbSchema(v, ""))
		}
	}
	return node{"description": "One verb with what goes with it.", "oneOf": verbs}
}

// verbSchema is a step with one verb; of plates, with one edit.
func verbSchema(verb, edit string) node {
	text := func(says string) node { return is("text", says+" May hold ${…}.") }
	texts := func(says string) node {
		return node{"description": says + " May hold ${…}.", "type": "object", "additionalProperties": ref("text")}
	}
	image := words("The picture of the event: the scene, or the target alone.", imageWords())
	says := node{
		"if":       is("condition", "Only when this holds; judged at the firing."),
		"after":    is("duration", "Starts this long after the step before started."),
		"timeout":  is("duration", "How long it may take (10s; at most 10m)."),
		"expires":  is("duration", "Not started later than this after it was due."),
		"retry":    number("How often a told step is tried again.", 0, 100),
		"durable":  node{"description": "Only http and plates can be durable.", "const": false},
		"wait":     truth("The next step waits for the end of this one."),
		"on_error": words("With wait: whether the rest is done when this fails.", onErrorWords()),
	}
	if verb == "http" || verb == "plates" {
		says["durable"] = truth("Kept on disk until it has arrived or expired, over restarts too. Not for what moves something.")
	}
	add := func(more node) { maps.Copy(says, more) }
	var one, some []node
	keys := verbKeys(verb)
	switch verb {
	case "relay":
		add(node{
			"relay":  is("text", "The relay, by its name in the site file."),
			"pulse":  is("duration", "On for this long, once."),
			"set":    words("On, off, or the other way round; it stays so.", setWords()),
			"follow": node{"description": "On while the rule is active.", "const": true},
		})
		for _, k := range verbKeys(verb) {
			one = append(one, node{"required": []string{k}})
		}
	case "http":
		add(node{
			"http":    node{"description": "The address. May hold ${…} behind the host.", "type": "string", "pattern": "^https?://"},
			"method":  words("GET, or POST when it carries something.", methodWords()),
			"headers": texts("Headers by name."),
			"json":    node{"description": "The body as JSON. A value that is exactly one ${…} keeps its type."},
			"form":    texts("The body as the fields of a form."),
			"text":    text("The body as text."),
			"image":   image,
			"sign":    is("text", "The secret of the site file that the call is signed with (Standard Webhooks)."),
			"expect":  node{"description": "The status that counts as done: 2xx, 204 or 200-204.", "anyOf": []node{{"type": "integer", "minimum": 100, "maximum": 599}, {"type": "string", "pattern": "^([1-5]xx|[0-9]{3}( *- *[0-9]{3})?)$"}}},
		})
	case "run":
		add(node{
			"run": node{"description": "The program, which must stand in allow_programs of the site file, and its arguments.", "type": "array", "minItems": 1, "maxItems": 64, "items": ref("text")},
			"env": texts("Variables by name."),
			"dir": is("text", "The folder it starts in."),
		})
	case "shell":
		add(node{"shell": node{"description": "A command for the shell; needs allow_shell in the site file. No ${…}: use $SALLYPORT_PLATE and the like.", "type": "string"}})
	case "plates":
		add(node{
			"plates":  node{"description": "What is done to the cameras' own lists: " + orList(platesWords()) + ".", "const": edit},
			"number":  text("The plate."),
			"list":    is("text", "allow, block, temporary, or a group of the device. With move: the list it is on."),
			"to":      is("text", "With move: the list it comes to."),
			"cameras": oneOrMore("The cameras by name, or all.", ref("text")),
			"owner":   text("Whose plate it is."),
			"phone":   text("The owner's phone number."),
			"valid":   is("duration", "How long it stays on the list."),
		})
		if edit == "update" {
			for _, k := range []string{"owner", "phone", "valid"} {
				some = append(some, node{"required": []string{k}})
			}
		}
	case "camera":
		add(node{
			"camera":        is("text", "The camera, by its name in the site file, which has a url there."),
			"virtual_alarm": number("The virtual alarm of a recorder to raise, by its id.", 1, engine.MaxVirtualAlarm),
			"snapshot":      node{"description": "Take a picture now, and keep it with this step in the journal.", "const": true},
		})
		for _, k := range verbKeys(verb) {
			one = append(one, node{"required": []string{k}})
		}
	case "notify":
		add(node{"notify": is("text", "The notifier, by its name in the site file. Checked, but not sent in this version."), "title": text("The title."), "text": text("The text."), "image": image})
	case "flag":
		add(node{"flag": is("text", "The flag, by its name under flags."), "set": is("text", "Its new value."), "for": is("duration", "For this long; then it goes back.")})
	case "count":
		add(node{"count": is("text", "The line whose balance is set."), "set": number("The new balance, often 0.", -maxCount, maxCount)})
	case "log":
		add(node{"log": text("A line of the program's output.")})
	}
	required := []string{verb}
	switch verb {
	case "plates":
		keys, required = platesKeys(edit), append(required, "number", "list")
		if edit == "move" {
			required = append(required, "to")
		}
	case "flag", "count":
		required = append(required, "set")
	}
	n := object(append(append([]string{verb}, keys...), stepKeys()...), says, required...)
	n["title"] = strings.TrimSpace(verb + " " + edit)
	if one != nil {
		n["oneOf"] = one
	}
	if some != nil {
		n["anyOf"] = some
	}
	return n
}
