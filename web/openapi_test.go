package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

type object = map[string]any

// described is openapi.yaml, and which properties of its schemas were met.
type described struct {
	doc object
	met map[string]bool
}

// deref follows a $ref within the document, and says under which name the schema is known.
func (d *described) deref(schema object, name string) (object, string) {
	ref, ok := schema["$ref"].(string)
	if !ok {
		return schema, name
	}
	at := any(d.doc)
	for _, part := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		at = at.(object)[part]
	}
	return at.(object), ref[strings.LastIndexByte(ref, '/')+1:]
}

// check gives what is wrong with a value, by the words of JSON Schema that the document uses.
func (d *described) check(schema object, name string, v any) (wrong []string) {
	schema, name = d.deref(schema, name)
	bad := func(format string, a ...any) { wrong = append(wrong, name+": "+fmt.Sprintf(format, a...)) }
	for word := range schema {
		if !slices.Contains([]string{"type", "description", "additionalProperties", "required", "properties", "items", "minItems", "maxItems", "enum", "format"}, word) {
			bad("the test does not know %q", word)
		}
	}
	switch schema["type"] {
	case "string":
		s, ok := v.(string)
		if !ok {
			bad("%v is no string", v)
			break
		}
		if enum, ok := schema["enum"].([]any); ok && !slices.Contains(enum, any(s)) {
			bad("%q is none of %v", s, enum)
		}
		if schema["format"] == "date-time" {
			if t, err := time.Parse(time.RFC3339, s); err != nil || t.Location() != time.UTC {
				bad("%q is no time in UTC", s)
			}
		}
	case "boolean":
		if _, ok := v.(bool); !ok {
			bad("%v is no boolean", v)
		}
	case "number", "integer":
		if n, ok := v.(json.Number); !ok || schema["type"] == "integer" && strings.ContainsAny(n.String(), ".eE") {
			bad("%v is no %s", v, schema["type"])
		}
	case "array":
		items, ok := v.([]any)
		if !ok {
			bad("%v is no array", v)
			break
		}
		if n, ok := schema["minItems"].(int); ok && len(items) < n {
			bad("%d items are too few", len(items))
		}
		if n, ok := schema["maxItems"].(int); ok && len(items) > n {
			bad("%d items are too many", len(items))
		}
		for _, item := range items {
			wrong = append(wrong, d.check(schema["items"].(object), name+"[]", item)...)
		}
	case "object":
		o, ok := v.(object)
		if !ok {
			bad("%v is no object", v)
			break
		}
		properties, _ := schema["properties"].(object)
		required, _ := schema["required"].([]any)
		for _, r := range required {
			if _, ok := o[r.(string)]; !ok {
				bad("%s is missing", r)
			}
		}
		for key, value := range o {
			if p, ok := properties[key]; ok {
				d.met[name+"."+key] = true
				wrong = append(wrong, d.check(p.(object), name+"."+key, value)...)
			} else if more, ok := schema["additionalProperties"].(object); ok {
				wrong = append(wrong, d.check(more, name+"."+key, value)...)
			} else {
				bad("%s is not described", key)
			}
		}
	case nil:
		if len(schema) > 0 {
			bad("the test does not know a schema without a type")
		}
	default:
		bad("the test does not know type %v", schema["type"])
	}
	return wrong
}

// apiCase is a request, and what is answered.
type apiCase struct {
	path           string // as in the description
	method, target string
	body           string
	header         map[string]string
	source         func() Source // nil for full
	before         func(*Server) // nil for nothing
	status         int
}

// apiSample is a value that no answer holds by itself: what is asked, or what comes of a job.
type apiSample struct {
	schema string
	value  any
}

// TestDescription holds what is answered and openapi.yaml against each other: the same routes and methods, no
// property undescribed, none described that never comes, and every content type and status as it says.
func TestDescription(t *testing.T) {
	body := ask(server(t, full()), "GET", "/api/v1/openapi.yaml", "localhost")
	if body.Code != 200 || body.Header().Get("Content-Type") != "application/yaml" {
		t.Fatal(body.Code, body.Header())
	}
	d := described{met: map[string]bool{}}
	if err := yaml.Unmarshal(body.Body.Bytes(), &d.doc); err != nil {
		t.Fatal(err)
	}
	paths := d.doc["paths"].(object)
	var routes []string
	for _, r := range server(t, full()).routes {
		routes = append(routes, strings.TrimSuffix(r.pattern, "{$}"))
	}
	slices.Sort(routes)
	if got := slices.Sorted(maps.Keys(paths)); !slices.Equal(got, routes) {
		t.Fatalf("described %q\nanswered  %q", got, routes)
	}

	verify := func(p, method string, w *httptest.ResponseRecorder) {
		described, ok := paths[p].(object)[strings.ToLower(method)].(object)
		if !ok {
			t.Fatalf("%s: %s is not described", p, method)
		}
		responses := described["responses"].(object)
		response, ok := responses[fmt.Sprint(w.Code)].(object)
		if !ok {
			response = responses["default"].(object)
		}
		response, _ = d.deref(response, "")
		if w.Code == http.StatusNoContent {
			if response["content"] != nil || w.Body.Len() > 0 {
				t.Errorf("%s: 204 with a body", p)
			}
			return
		}
		contentType, _, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		content, ok := response["content"].(object)[contentType].(object)
		if !ok {
			t.Errorf("%s: %d comes as %s, which is not described", p, w.Code, contentType)
			return
		}
		var v any = w.Body.String()
		if strings.HasSuffix(contentType, "json") {
			dec := json.NewDecoder(w.Body)
			dec.UseNumber()
			if err := dec.Decode(&v); err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range d.check(content["schema"].(object), p, v) {
			t.Errorf("%s: %d: %s", p, w.Code, s)
		}
	}
	for _, r := range server(t, full()).routes {
		p := strings.TrimSuffix(r.pattern, "{$}")
		target := strings.NewReplacer("{name}", "front", "{id}", "k3v").Replace(p)
		if got, want := len(paths[p].(object)), len(r.methods); got != want {
			t.Errorf("%s: %d methods are described, %d taken", p, got, want)
		}
		for _, source := range []Source{full(), empty(), broken()} {
			s := server(t, source)
			for method, m := range r.methods {
				if m.long {
					continue // one of the cases below, which ends
				}
				verify(p, method, ask(s, method, target, "localhost"))
				verify(p, method, ask(s, method, target, "evil.example"))
				if method == http.MethodPost {
					verify(p, method, post(s, target, `{"set": "on"}`))
				}
				verify(p, method, ask(s, "PATCH", target, "localhost"))
			}
		}
	}
	for _, c := range slices.Concat(sessionCases(), liveCases(), rulesCases(), filesCases(), zonesCases(), jobsCases(), journalCases(), platesCases(), systemCases()) {
		source := full()
		if c.source != nil {
			source = c.source()
		}
		s := server(t, source)
		if c.before != nil {
			c.before(s)
		}
		req := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
		req.Host, req.RemoteAddr = "localhost", "127.0.0.1:40000"
		for name, value := range c.header {
			req.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, req)
		if w.Code != c.status {
			t.Errorf("%s %s: status %d, not %d: %s", c.method, c.target, w.Code, c.status, w.Body)
		}
		verify(c.path, c.method, w)
		// What is asked with is described too.
		if body, ok := paths[c.path].(object)[strings.ToLower(c.method)].(object)["requestBody"].(object); ok && w.Code < 300 {
			content, ok := body["content"].(object)["application/json"].(object)
			if !ok {
				continue
			}
			var v any
			dec := json.NewDecoder(strings.NewReader(c.body))
			dec.UseNumber()
			if err := dec.Decode(&v); err != nil {
				t.Fatal(err)
			}
			for _, s := range d.check(content["schema"].(object), c.path, v) {
				t.Errorf("%s: the question: %s", c.path, s)
			}
		}
	}
	for _, sample := range slices.Concat(systemSamples(), journalSamples(), platesSamples()) {
		body, err := encode(sample.value)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber()
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		for _, wrong := range d.check(object{"$ref": "#/components/schemas/" + sample.schema}, sample.schema, v) {
			t.Error(wrong)
		}
	}
	for _, name := range []string{"Command.set", "Command.pulse", "Command.clear", "Command.press", "Press.id", "Press.run", "Press.at"} {
		d.met[name] = true // TestCommand
	}

	// next is reserved: every collection but the journal is given whole.
	for name, schema := range d.doc["components"].(object)["schemas"].(object) {
		properties, _ := schema.(object)["properties"].(object)
		for key := range properties {
			if !d.met[name+"."+key] && key != "next" {
				t.Errorf("%s.%s is described and never comes", name, key)
			}
		}
	}
}
