package config

import (
	"bytes"
	"encoding/json"
)

// node is a piece of a JSON Schema. [encoding/json] writes its keys in their order, so the text is always the same.
type node = map[string]any

// every has each mapping of a site file once, so that reading it shows all keys that there are.
const every = `
location: {}
listen: {}
tls: {}
cameras: {x: {match: {}, password: {}}}
relays: {x: {}}
contacts: {x: {}}
notifiers: {x: {}}
keep: {}
tracking: {}
plates: {}
`

// objects makes schemas of mappings from the keys that the reader takes.
type objects struct {
	fields, reserved map[string][]string // by the beginning of the mapping's messages
}

func readObjects() objects {
	o := objects{fields: map[string][]string{}, reserved: map[string][]string{}}
	d := &decoder{keys: func(where string, fields []field, reserved []string) {
		for _, f := range fields {
			o.fields[where] = append(o.fields[where], f.name)
		}
		o.reserved[where] = reserved
	}}
	r := &reader{decoder: d, site: defaults(""), follow: func(p string) (string, error) { return p, nil }}
	r.root(d.loadNode([]byte(every)))
	return o
}

// of is the mapping whose messages begin with where. A key that nothing is said about may hold anything: better that
// than to underline what the reader takes.
func (o objects) of(where string, says node, required ...string) node {
	properties := node{}
	for _, k := range o.fields[where] {
		p, ok := says[k]
		if !ok {
			p = node{}
		}
		properties[k] = p
	}
	for _, k := range o.reserved[where] {
		properties[k] = node{"description": "Kept for a later version; this one does not use it, and warns of it."}
	}
	n := node{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		n["required"] = required
	}
	return n
}

// Schema is the JSON Schema (draft 7) of site files, as editors read it. Its keys are those that [Parse] takes. It knows
// shapes only: whether a camera exists or a line is taken, Parse says.
func Schema() []byte {
	o := readObjects()
	named := func(says string, of node) node {
		return node{
			"description": says, "type": []string{"object", "null"},
			"propertyNames": node{"pattern": "^[a-z][a-z0-9-]*$"}, "additionalProperties": of,
		}
	}
	location := o.of("location: ", node{
		"latitude":  node{"description": "Degrees, north positive. For the sun.", "type": "number", "minimum": -90, "maximum": 90},
		"longitude": node{"description": "Degrees, east positive.", "type": "number", "minimum": -180, "maximum": 180},
		"timezone":  node{"description": "The time zone; without it that of the machine.", "type": "string", "examples": []string{"America/New_York", "Europe/Berlin"}},
	})
	location["dependencies"] = node{"latitude": []string{"longitude"}, "longitude": []string{"latitude"}}
	top := o.of("", node{
		"site":     is("text", "What people call the place."),
		"location": location,
		"listen": o.of("listen: ", node{
			"cameras": address("Where cameras post to (:5002)."),
			"console": node{
				"description": "Where the API and the console answer (127.0.0.1:8080): an address, or :8080 for all of them. Anything but this machine's own needs a password (sallyport passwd), and is encrypted.",
				"type":        "string", "pattern": `^(localhost|[0-9.]*|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$`, "examples": []string{"127.0.0.1:8080", ":8443"},
			},
			"names": node{
				"description": "The names and addresses by which browsers ask for the console, besides its own addresses and the machine's name.",
				"type":        "array", "items": node{"type": "string", "pattern": "^[A-Za-z0-9_:.-]+$"}, "examples": []string{"sallyport.example.com"},
			},
		}),
		"tls": o.of("tls: ", node{
			"cert": is("text", "The certificate and those that lead to a known one, PEM; from the folder of this file. Read again when it changes."),
			"key":  is("text", "Its private key, PEM."),
		}, "cert", "key"),
		"insecure":       node{"description": "Lets other machines reach the console without encryption: passwords go over the network for all to read.", "type": "boolean"},
		"cameras":        named("The devices whose posts are taken, by the names that rules use.", cameraSchema(o)),
		"relays":         named("The outputs, by the names that rules use.", relaySchema(o)),
		"contacts":       named("The wired inputs, by the names that rules use.", contactSchema(o)),
		"notifiers":      named("The ways to tell a person, by the names that rules use.", o.of(`notifier "x": `, node{"url": is("secret", "The address of the service, with its password.")}, "url")),
		"secrets":        named("Values that rules refer to by name, to sign calls with.", is("secret", "Its value.")),
		"deny_private":   node{"description": "Keeps http steps from private, loopback and link-local addresses.", "type": "boolean"},
		"run_as":         node{"description": "The user, by name or number, that run and shell steps run as.", "type": []string{"string", "integer"}, "pattern": "^[^-: /][^: /]*$"},
		"sync":           node{"description": "A relay waits until the journal's entry about it is on the disk.", "type": "boolean"},
		"allow_programs": node{"description": "The programs that run may start: absolute paths, no shells and no interpreters.", "type": "array", "items": node{"type": "string", "pattern": "^/"}, "uniqueItems": true},
		"allow_shell":    node{"description": "Permits the shell verb.", "type": "boolean"},
		"data":           is("text", "The folder of everything that is kept; from the folder of this file (data)."),
		"keep": o.of("keep: ", node{
			"recording": is("duration", "How long posts are kept (7d)."),
			"journal":   is("duration", "How long decisions are kept (400d)."),
			"images":    is("duration", "How long pictures are kept (30d)."),
			"size":      node{"description": "How much space all of it may take (4GB).", "type": "string", "pattern": `^[0-9]+(\.[0-9]+)? *([KMGT]i?)?B$`, "examples": []string{"4GB", "500MB"}},
		}),
		"keep_order": node{"description": "What gives way first when space runs out.", "type": "array", "items": node{"type": "string", "enum": keepParts()}, "minItems": len(keepParts()), "uniqueItems": true},
		"tracking": o.of("tracking: ", node{
			"timeout": is("duration", "A target without a frame for this long is gone (1.5s)."),
			"rejoin":  is("duration", "A target that comes back within this time goes on as the same one (0s: never)."),
		}),
		"late": is("duration", "A post that comes this much later than its device's posts usually do moves nothing (3s)."),
		"plates": o.of("plates: ", node{
			"visit_gap": is("duration", "The longest pause between two reads of one visit (30s)."),
			"lists":     plateLists("Which local lists go to which lists of the cameras: {residents: allow, banned: block}."),
		}),
	})
	top["$schema"] = "http://json-schema.org/draft-07/schema#"
	top["title"] = "Sallyport site"
	top["description"] = "What exists at the place. The reference is docs/interface.md."
	top["type"] = []string{"object", "null"}
	top["definitions"] = node{
		"text":     node{"type": []string{"string", "number", "boolean"}, "minLength": 1},
		"duration": node{"type": "string", "minLength": 1, "pattern": durationPattern, "examples": []string{"800ms", "2s", "1m30s", "12h", "7d"}},
		"secret": node{
			"description": "{env: NAME} or {file: path}. A plain text is taken, too, and everybody can read it.",
			"anyOf": []node{ref("text"), func() node {
				n := o.of(`camera "x": password: `, node{
					"env":  node{"description": "The name of an environment variable.", "type": "string", "pattern": "^[^= \t]+$"},
					"file": is("text", "The path of a file that holds it; from the folder of this file."),
				})
				n["minProperties"], n["maxProperties"] = 1, 1
				return n
			}()},
		},
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	// Maps, texts and numbers can always be written.
	_ = e.Encode(top)
	return b.Bytes()
}

// durationPattern is ParseDuration as a pattern, but for the bounds.
const durationPattern = `^([0-9]+(\.[0-9]+)?d)?([0-9]+(\.[0-9]+)?h)?([0-9]+(\.[0-9]+)?m)?([0-9]+(\.[0-9]+)?s)?([0-9]+(\.[0-9]+)?ms)?$`

// ref points to a definition.
func ref(name string) node { return node{"$ref": "#/definitions/" + name} }

// is is a definition with its own description. Draft 7 reads over what stands beside a $ref, hence allOf.
func is(name, says string) node { return node{"description": says, "allOf": []node{ref(name)}} }

func address(says string) node {
	return node{"description": says, "type": "string", "pattern": ":[0-9]{1,5}$", "examples": []string{":5002", "127.0.0.1:8080"}}
}

func cameraSchema(o objects) node {
	match := o.of(`camera "x": match: `, node{
		"mac":     node{"description": "The device's MAC address.", "type": []string{"string", "number"}, "pattern": "^([0-9A-Fa-f]{2}[:-]?){5}[0-9A-Fa-f]{2}$"},
		"sn":      is("text", "The serial number as the device sends it."),
		"ip":      node{"description": "The address that posts come from, or a network (192.168.0.0/24).", "type": "string"},
		"channel": node{"description": "The recorder's channel, from 1, or any.", "anyOf": []node{{"type": "integer", "minimum": 1, "maximum": 1024}, {"const": "any"}}},
		"name":    is("text", "The device's own name."),
	})
	match["minProperties"] = 1
	n := o.of(`camera "x": `, node{
		"match":    node{"description": "Which posts are its own: all keys of one entry must fit.", "anyOf": []node{match, {"type": "array", "minItems": 1, "items": match}}},
		"url":      node{"description": "The device's own API; needed to edit its plate lists or to switch its output.", "type": "string", "pattern": "^https?://[^@?#/]+/*$"},
		"username": is("text", "The account on the device."),
		"password": is("secret", "Its password."),
		"token":    is("secret", "Posts must come to /c/<token>."),
		"tls_pin":  node{"description": "The SHA-256 fingerprint of its certificate; without it the one it shows first is trusted.", "type": "string", "pattern": "^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$"},
		"poll":     is("duration", "Ask it for its alarms this often, because it cannot push them (2s; at least 1s)."),
		"lists":    node{"description": "Which local lists go to which of its plate lists, or none; instead of plates: lists:.", "anyOf": []node{{"const": "none"}, plateLists("Local list to the camera's list.")}},
	})
	n["dependencies"] = node{"poll": []string{"url"}}
	return n
}

func plateLists(says string) node {
	return node{"description": says, "type": "object", "additionalProperties": ref("text")}
}

// wire are the keys of a relay or a contact that say where it is wired.
func wire(more node) node {
	more["chip"] = node{"description": "The GPIO chip (gpiochip0).", "type": "string", "pattern": "^(/dev/)?[A-Za-z0-9_.-]+$"}
	more["line"] = node{"description": "The line of the chip.", "type": "integer", "minimum": 0, "maximum": 1023}
	more["memory"] = node{"description": "Wired to nothing.", "const": true}
	return more
}

// onePlace says that a thing is wired in one way.
func onePlace(n node, others ...string) node {
	ways := []node{{"required": []string{"chip", "line"}}}
	for _, k := range others {
		ways = append(ways, node{"required": []string{k}})
	}
	n["oneOf"] = ways
	n["dependencies"] = node{"chip": []string{"line"}, "line": []string{"chip"}}
	return n
}

func relaySchema(o objects) node {
	n := onePlace(o.of(`relay "x": `, wire(node{
		"active_low":     node{"description": "On while the line is low, as with most relay boards.", "type": "boolean"},
		"camera":         is("text", "The camera whose own alarm output this is."),
		"max_on":         is("duration", "The longest it ever stays on, whatever asks for it."),
		"min_off":        is("duration", "The least time off before it goes on again."),
		"interlock":      node{"description": "The relays that must not be on together with it.", "type": "array", "items": ref("text")},
		"interlock_wait": is("duration", "The pause after one of these went off."),
		"feedback":       is("text", "The contact that says what the relay really is; a mismatch is a fault."),
		"feedback_time":  is("duration", "How long it may say something else (250ms)."),
		"daily_cap":      node{"description": "How often it may be turned on in any 24 hours.", "type": "integer", "minimum": 1, "maximum": 4096},
		"confirm":        node{"description": "The console asks once more before it switches the relay.", "type": "boolean"},
	}), "max_on"), "memory", "camera")
	n["dependencies"].(node)["feedback_time"] = []string{"feedback"}
	return n
}

func contactSchema(o objects) node {
	return onePlace(o.of(`contact "x": `, wire(node{
		"active_low": node{"description": "On while the line is low.", "type": "boolean"},
		"pull":       node{"description": "The line's resistor.", "type": "string", "enum": pullWords()},
		"debounce":   is("duration", "How long a level must last to count (20ms)."),
	})), "memory")
}
