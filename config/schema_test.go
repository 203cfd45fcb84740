package config

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
	file := filepath.Join("..", "docs", "schema", "site.schema.json")
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
		t.Errorf("%s is not what the code gives; run go test ./config -run TestSchemaFile -update", file)
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

// TestSchemaSaysSomethingOfEveryKey: a key that the reader learns needs a shape too, and a mapping that it learns must
// be met when the keys are collected.
func TestSchemaSaysSomethingOfEveryKey(t *testing.T) {
	keys := 0
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if p, ok := v["properties"].(map[string]any); ok {
				if len(p) == 0 {
					t.Errorf("%s: there are no keys", path)
				}
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
	if keys < 60 {
		t.Errorf("only %d keys were found", keys)
	}
}

// TestSchemaTakesWhatTheReaderTakes reads the shipped site file, the examples of the docs and what only warns.
func TestSchemaTakesWhatTheReaderTakes(t *testing.T) {
	s := schemaOf(t)
	texts := map[string]string{"nothing": "cameras:\n", "aliases": "cameras: {a: {match: &m {ip: 10.0.0.1, channel: any}}, b: {match: [*m, {sn: 0123}]}}\n"}
	names, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, "../packaging/sallyport.yaml") {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(data)
	}
	page, err := os.ReadFile("../docs/interface.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range regexp.MustCompile("(?s)```yaml site\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		texts[fmt.Sprintf("docs/interface.md, block %d", i+1)] = m[1]
	}
	taken := 0
	for name, text := range texts {
		if _, problems := Parse("sallyport.yaml", []byte(text)); Failed(problems) {
			continue
		}
		taken++
		for _, problem := range validate(s, text) {
			t.Errorf("%s: %s", name, problem)
		}
	}
	if taken < 8 {
		t.Errorf("only %d texts were taken", taken)
	}
}

// TestSchemaUnderlines the mistakes that are mistakes of shape; those that are not are listed.
func TestSchemaUnderlines(t *testing.T) {
	s := schemaOf(t)
	beyond := []string{
		"camera-poll-fast", "camera-tls-pin-http", "control-character", "duration-too-long", "duration-too-short", "duration-zero", "line-twice", "listen-same", "match-ip", "notifier-url",
		"program-dots", "program-interpreter-with-version", "program-shell", "relay-active-low-of-a-camera", "relay-feedback-time-long", "relay-feedback-unknown", "relay-interlock-itself", "relay-of-the-same-output",
		"relay-interlock-unknown", "relay-line-octal", "relay-max-on-zero", "relay-of-a-camera-without-url", "relay-of-unknown-camera", "size-too-little", "size-too-much",
		"tag", "timezone", "tls-insecure", "url-port",
	}
	names, err := filepath.Glob("testdata/*.bad.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, problems := Parse("sallyport.yaml", text); !Failed(problems) {
			continue
		}
		mistake := strings.TrimSuffix(filepath.Base(name), ".bad.yaml")
		if seen := len(validate(s, string(text))) > 0; seen == slices.Contains(beyond, mistake) {
			t.Errorf("%s: underlined: %v", mistake, seen)
		}
	}
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
	if n.Kind == yaml.AliasNode {
		return plainValue(n.Alias)
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
	case "maxProperties":
		bad = isMapping && float64(len(mapping)) > arg.(float64)
	case "uniqueItems":
		for i, e := range list {
			bad = bad || slices.ContainsFunc(list[:i], func(o any) bool { return reflect.DeepEqual(o, e) })
		}
	case "dependencies":
		for k, needs := range arg.(map[string]any) {
			if _, ok := mapping[k]; ok {
				v.word(s, "required", needs, value, path)
			}
		}
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
