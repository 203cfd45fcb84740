package rulefile

import (
	"slices"
	"strings"
	"testing"
)

// TestEveryWordIsExplained: what the loader knows stands in the help, and nothing else.
func TestEveryWordIsExplained(t *testing.T) {
	var known []string
	for _, thing := range thingNames() {
		if fields := fieldNames(thing); len(fields) == 0 || thing == "now" {
			known = append(known, thing)
		}
		for _, f := range fieldNames(thing) {
			name := thing + "." + f
			if more := fieldNames(name); len(more) > 0 {
				for _, m := range more {
					known = append(known, name+"."+m)
				}
				continue
			}
			known = append(known, name)
		}
	}
	known = append(known, functionNames()...)
	var helped []string
	for _, w := range Words() {
		helped = append(helped, w.Name)
		if w.Help == "" || strings.HasSuffix(w.Help, ".") || !strings.HasPrefix(w.Signature, w.Name) {
			t.Errorf("%+v", w)
		}
	}
	slices.Sort(known)
	slices.Sort(helped)
	if !slices.Equal(known, helped) {
		t.Errorf("known  %q\nhelped %q", known, helped)
	}
	if len(Kinds()) < 10 || !slices.Contains(Kinds(), "target") {
		t.Error(Kinds())
	}
}

func TestOutline(t *testing.T) {
	text := `zones:
  porch: {camera: front, import: plate}
lines: {kerb: {camera: front}}
lists: {residents: []}
flags: {armed: false}
schedules: {office: {days: mon}}
rules:
  # The first.
  - name: one   # so
    on: target
    do: [{log: "x"}]

  - {name: two, do: {run: [/bin/true]}}
  - name: three
    finally:
      - log: x
      - shell: |
          true
  - name: "four"
    do:
      - http: https://example.com
        json: {run: 1, shell: 2}
`
	o, ok := ReadOutline([]byte(text))
	if !ok || len(o.Rules) != 4 || o.Zones[0] != (Named{"porch", 2}) || o.Lines[0] != (Named{"kerb", 3}) || o.Lists[0].Name != "residents" || o.FlagDefs[0].Name != "armed" || o.Schedules[0].Name != "office" {
		t.Fatalf("%+v", o)
	}
	var programs []string
	for _, r := range o.Rules {
		if r.Programs {
			programs = append(programs, r.Name)
		}
	}
	if !slices.Equal(programs, []string{"two", "three"}) {
		t.Errorf("programs are started by %q", programs)
	}
	if want := "  - name: one   # so\n    on: target\n    do: [{log: \"x\"}]"; o.Rules[0].Text != want || o.Rules[0].Line != 9 {
		t.Errorf("line %d\n%s", o.Rules[0].Line, o.Rules[0].Text)
	}
	again, ok := ReadOutline([]byte("rules: [{\"name\": 'two', do: {\"run\": [/bin/true]}}]"))
	if !ok || again.Rules[0].Meaning != o.Rules[1].Meaning {
		t.Errorf("%+v", again)
	}
	if _, ok := ReadOutline([]byte("rules: [")); ok {
		t.Error("half a file was read")
	}
	if o, ok := ReadOutline([]byte("# nothing\n")); !ok || o.Rules != nil {
		t.Error(o, ok)
	}
}
