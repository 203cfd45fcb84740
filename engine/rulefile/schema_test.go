package rulefile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// TestSchemaFile holds the committed schema against the code.
func TestSchemaFile(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "schema", "rules.schema.json")
	got := Schema()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the code gives; run go test ./engine/rulefile -run TestSchemaFile -update", file)
	}
}

// schemaOf is the schema as an editor reads it.
func schemaOf(t *testing.T) map[string]any {
	t.Helper()
	var s map[string]any
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSchemaSaysSomethingOfEveryKey: a key that came into a table needs a shape too.
func TestSchemaSaysSomethingOfEveryKey(t *testing.T) {
	keys := 0
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if p, ok := v["properties"].(map[string]any); ok {
				for k, s := range p {
					keys++
					if m, ok := s.(map[string]any); !ok || len(m) == 0 {
						t.Errorf("%s: nothing is said about the key %s", path, k)
					}
				}
			}
			for k, e := range v {
				walk(path+"/"+k, e)
			}
		case []any:
			for i, e := range v {
				walk(fmt.Sprintf("%s/%d", path, i), e)
			}
		}
	}
	walk("", schemaOf(t))
	if keys < 100 {
		t.Errorf("only %d keys were found", keys)
	}
}

// TestSchemaTakesWhatTheLoaderTakes reads every shipped recipe and every example of the docs.
func TestSchemaTakesWhatTheLoaderTakes(t *testing.T) {
	s := schemaOf(t)
	texts := map[string]string{}
	files, err := filepath.Glob(filepath.Join("..", "..", "rules.d", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if IsRuleFile(filepath.Base(f)) {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			texts[f] = string(data)
		}
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range regexp.MustCompile("(?s)```yaml (?:rules|world)\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		texts[fmt.Sprintf("docs/rules.md, block %d", i+1)] = m[1]
	}
	texts["nothing"] = "rules:\n"
	texts["texts by their source"] = `
flags: {armed: false, mode: home, guests: 0}
lists: {a: [0123, {plate: 12345, until: 2027-01-31}], b: {file: plates/b.csv}}
schedules: {x: {days: [mon, tue], dates: ["12-24", 2026-05-01..2026-05-03]}, y: [{from: sunset-30m, to: sunrise}, {not: {days: sat}}]}
zones: {z: {camera: c, import: perimeter/1}, y: {camera: c, import: plate}, x: {camera: c, import: loitering/64}}
lines: {l: {camera: c, import: tripwire/1}, k: {camera: c, import: line_count/2, in: left}}
rules:
  - {name: 1, on: {cron: "@daily"}, do: {http: "http://h/x", expect: 204, json: {a: [1, null]}}}
  - {name: b, on: [intrusion, {cron: "0 1 * * *"}], per: rule, limit: 5/1h, do: [{plates: remove, number: 123, list: allow, cameras: [a]}]}
`
	if len(texts) < 20 {
		t.Errorf("only %d texts were found", len(texts))
	}
	for name, text := range texts {
		for _, problem := range validate(s, text) {
			t.Errorf("%s: %s", name, problem)
		}
	}
}

// TestSchemaUnderlines the mistakes that are mistakes of shape.
func TestSchemaUnderlines(t *testing.T) {
	s := schemaOf(t)
	rule := func(more string) string { return "rules: [{name: r, on: target, when: still(), " + more + "}]" }
	for _, text := range []string{
		"rulez: []",
		"zones: {Z: {camera: c, polygon: [[0, 0], [9, 0], [9, 9]]}}",
		"zones: {z: {camera: c, polygon: [[0, 0], [9, 0]]}}",
		"zones: {z: {camera: c, polygon: [[0.1, 0], [9, 0], [9, 9]]}}",
		"zones: {z: {camera: c, polygon: [[0, 0], [10001, 0], [9, 9]]}}",
		"zones: {z: {camera: c}}",
		"zones: {z: {camera: c, import: perimeter/1, classes: dog}}",
		"zones: {z: {camera: c, import: perimeter/1, linger: 1}}",
		"zones: {z: {camera: c, import: perimeter/1, linger: 1 s}}",
		"zones: {z: {camera: c, import: tripwire/1}}",
		"zones: {z: {camera: c, import: perimeter/0}}",
		"zones: {z: {camera: c, import: perimeter/65}}",
		"lines: {l: {camera: c, import: perimeter/1}}",
		"lines: {l: {camera: c, import: tripwire/1, from: [0, 0], to: [9, 9], in: left}}",
		"lines: {l: {camera: c, from: [0, 0], to: [9, 9]}}",
		"lines: {l: {camera: c, from: [0, 0], to: [9, 9], in: left, anchor: any}}",
		"schedules: {s: {}}",
		"schedules: {s: {day: mon}}",
		"lists: {l: [{owner: Ann}]}",
		"lists: {l: {}}",
		"flags: {f: null}",
		"rules: [{on: target}]",
		"rules: [{name: r, on: targets}]",
		"rules: [{name: r, on: cron}]",
		"rules: [null]",
		rule("then: []"), rule("per: zone"), rule("hold: 2x"), rule("repeat: sometimes"), rule("limit: 5"), rule("mode: dry"),
		rule("do: []") + "\nrules: []",
		rule("do: [{relays: gate, pulse: 1s}]"),
		rule("do: [{relay: gate}]"),
		rule("do: [{relay: gate, pulse: 1s, set: on}]"),
		rule("do: [{relay: gate, set: open}]"),
		rule("do: [{relay: gate, follow: false}]"),
		rule("do: [{relay: gate, log: x}]"),
		rule("do: [{http: ftp://h/}]"),
		rule("do: [{http: 'http://h/', expect: ok}]"),
		rule("do: [{run: []}]"),
		rule("do: [{plates: add, list: allow}]"),
		rule("do: [{flag: f}]"),
		rule("do: [{log: x, timeout: 3}]"),
	} {
		if len(validate(s, text)) == 0 {
			t.Errorf("the schema takes\n%s", text)
		}
		if !Failed(load(text)) {
			t.Errorf("the loader takes\n%s", text)
		}
	}
}

// TestSchemaKnowsWhatIsMissing: what this version does not do is underlined, and what it does is not.
func TestSchemaKnowsWhatIsMissing(t *testing.T) {
	s := schemaOf(t)
	steps := []string{
		"relay: gate, pulse: 1s", "http: 'http://h/'", "http: 'http://h/', durable: true", "http: 'http://h/', sign: key", "run: [/bin/x]", "shell: x",
		"plates: add, number: ABC1, list: allow", "plates: remove, number: ABC1, list: allow", "plates: update, number: ABC1, list: allow",
		"plates: update, number: ABC1, list: allow, phone: 12", "plates: update, number: ABC1, list: allow, to: block, valid: 1h",
		"plates: move, number: ABC1, list: allow", "plates: move, number: ABC1, list: allow, to: block", "plates: move, number: ABC1, list: allow, to: block, owner: Ann",
		"plates: add, number: ABC1, list: allow, to: block", "plates: add, number: ABC1, list: allow, owner: Ann, phone: 12, valid: 1h, cameras: c",
		"plates: remove, number: ABC1, list: allow, valid: 1h", "plates: remove, number: ABC1, list: allow, phone: 12", "plates: drop, number: ABC1, list: allow",
		"camera: c, snapshot: true", "camera: c, snapshot: false", "camera: c", "camera: c, virtual_alarm: 17", "camera: c, virtual_alarm: 0",
		"camera: c, virtual_alarm: 65536", "camera: c, virtual_alarm: 17, snapshot: true", "camera: c, alarm_out: on", "camera: c, snapshot: true, durable: true", "notify: phone, text: x", "mqtt: a/b, text: x", "flag: f, set: true",
		"count: l, set: 0", "log: x",
	}
	for _, v := range verbNames() {
		if !slices.ContainsFunc(steps, func(s string) bool { return strings.HasPrefix(s, v+":") }) {
			t.Errorf("no step here has the verb %s", v)
		}
	}
	for _, step := range steps {
		text := "flags: {f: false}\nlines: {l: {camera: c, from: [0, 0], to: [9, 9], in: left}}\nrules: [{name: r, on: target, when: still(), do: [{" + step + "}]}]"
		if schema, loader := len(validate(s, text)) == 0, !Failed(load(text)); schema != loader {
			t.Errorf("{%s}: taken by the schema: %v, by the loader: %v", step, schema, loader)
		}
	}
}

// load gives a text's problems without a site file.
func load(text string) []Problem {
	_, problems := LoadFiles([]File{{"a.yaml", []byte(text)}}, "rules.d", Site{Open: true})
	return problems
}

// validate holds a text against a schema; it knows the words that Schema uses.
func validate(schema map[string]any, text string) []string {
	var doc yaml.Node
	if err := yaml.Load([]byte(text), &doc); err != nil || len(doc.Content) == 0 {
		return []string{fmt.Sprint("not YAML: ", err)}
	}
	v := &validator{root: schema}
	v.check(schema, plainValue(doc.Content[0]), "")
	return v.problems
}

// plainValue is what an editor sees: dates are texts to it.
func plainValue(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if _, twice := m[n.Content[i].Value]; twice {
				m["the key is there twice: "+n.Content[i].Value] = true
			}
			m[n.Content[i].Value] = plainValue(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, plainValue(c))
		}
		return list
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool", "!!int", "!!float":
		var v any
		if json.Unmarshal([]byte(n.Value), &v) == nil {
			return v
		}
		return 83.0 // 0123 is a number to an editor
	}
	return n.Value
}

type validator struct {
	root     map[string]any
	problems []string
}

func (v *validator) fails(schema, value any) bool {
	try := &validator{root: v.root}
	try.check(schema, value, "")
	return len(try.problems) > 0
}

func (v *validator) check(schema, value any, path string) {
	s, ok := schema.(map[string]any)
	if !ok {
		if schema == false {
			v.errorf(path, "may not be here")
		}
		return
	}
	for word, arg := range s {
		v.word(s, word, arg, value, path)
	}
}

func (v *validator) errorf(path, format string, args ...any) {
	v.problems = append(v.problems, path+": "+fmt.Sprintf(format, args...))
}

func (v *validator) word(s map[string]any, word string, arg, value any, path string) {
	text, isText := value.(string)
	number, isNumber := value.(float64)
	list, isList := value.([]any)
	mapping, isMapping := value.(map[string]any)
	count := func(good func(sub any) bool) int {
		n := 0
		for _, sub := range arg.([]any) {
			if good(sub) {
				n++
			}
		}
		return n
	}
	fits := func(sub any) bool { return !v.fails(sub, value) }
	bad := false
	switch word {
	case "$schema", "title", "description", "definitions", "examples":
	case "$ref":
		v.check(v.root["definitions"].(map[string]any)[strings.TrimPrefix(arg.(string), "#/definitions/")], value, path)
	case "type":
		kinds, several := arg.([]any)
		if !several {
			kinds = []any{arg}
		}
		bad = !slices.ContainsFunc(kinds, func(k any) bool {
			switch k {
			case "object":
				return isMapping
			case "array":
				return isList
			case "string":
				return isText
			case "number":
				return isNumber
			case "integer":
				return isNumber && number == math.Trunc(number)
			case "boolean":
				return value == true || value == false
			case "null":
				return value == nil
			}
			panic(k)
		})
	case "enum":
		bad = !slices.ContainsFunc(arg.([]any), func(e any) bool { return reflect.DeepEqual(e, value) })
	case "const":
		bad = !reflect.DeepEqual(arg, value)
	case "pattern":
		bad = isText && !regexp.MustCompile(arg.(string)).MatchString(text)
	case "minLength":
		bad = isText && float64(utf8.RuneCountInString(text)) < arg.(float64)
	case "minimum":
		bad = isNumber && number < arg.(float64)
	case "maximum":
		bad = isNumber && number > arg.(float64)
	case "minItems":
		bad = isList && float64(len(list)) < arg.(float64)
	case "maxItems":
		bad = isList && float64(len(list)) > arg.(float64)
	case "minProperties":
		bad = isMapping && float64(len(mapping)) < arg.(float64)
	case "items":
		for i, e := range list {
			v.check(arg, e, fmt.Sprintf("%s/%d", path, i))
		}
	case "required":
		for _, k := range arg.([]any) {
			if _, ok := mapping[k.(string)]; isMapping && !ok {
				v.errorf(path, "%s is missing", k)
			}
		}
	case "properties":
		for k, sub := range arg.(map[string]any) {
			if e, ok := mapping[k]; ok {
				v.check(sub, e, path+"/"+k)
			}
		}
	case "additionalProperties":
		known, _ := s["properties"].(map[string]any)
		for k, e := range mapping {
			if _, ok := known[k]; !ok {
				v.check(arg, e, path+"/"+k)
			}
		}
	case "propertyNames":
		for k := range mapping {
			v.check(arg, k, path+"/"+k)
		}
	case "not":
		bad = fits(arg)
	case "allOf":
		for _, sub := range arg.([]any) {
			v.check(sub, value, path)
		}
	case "anyOf":
		bad = count(fits) == 0
	case "oneOf":
		bad = count(fits) != 1
	default:
		panic("the schema has a word that is not known here: " + word)
	}
	if bad {
		v.errorf(path, "%v does not fit %s: %v", value, word, arg)
	}
}
