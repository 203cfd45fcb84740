package rulefile

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// Outline is what stands where in one rule file.
type Outline struct {
	Rules                                    []RuleOutline
	Zones, Lines, Schedules, Lists, FlagDefs []Named
}

// Named is something that has a name in a file, and the line of the name, from 1.
type Named struct {
	Name string
	Line int
}

// RuleOutline is one rule of a file.
type RuleOutline struct {
	Named
	// Text is the rule's own lines, with their comments.
	Text string
	// Meaning is the same for two rules that say the same, however they are written.
	Meaning string
	// Programs says that it starts programs: it has a `run` or `shell` step.
	Programs bool
}

// ReadOutline reads what stands in the text of a rule file, whether it would load or not; false when it cannot be read
// as a rule file at all.
func ReadOutline(data []byte) (Outline, bool) {
	var o Outline
	d, err := newDocument(data, "")
	if err != nil {
		return o, false
	}
	for _, s := range []struct {
		name string
		into *[]Named
	}{{"zones", &o.Zones}, {"lines", &o.Lines}, {"schedules", &o.Schedules}, {"lists", &o.Lists}, {"flags", &o.FlagDefs}} {
		at, ok := d.at(s.name)
		if !ok || at.val.Kind != yaml.MappingNode {
			continue
		}
		for i := 0; i+1 < len(at.val.Content); i += 2 {
			*s.into = append(*s.into, Named{at.val.Content[i].Value, at.val.Content[i].Line})
		}
	}
	at, ok := d.at("rules")
	if !ok || at.val.Kind != yaml.SequenceNode {
		return o, true
	}
	for i, n := range at.val.Content {
		r := RuleOutline{Named: Named{Line: n.Line}, Programs: startsPrograms(n)}
		if k := keyIndex(n, "name"); k >= 0 {
			r.Name = n.Content[2*k+1].Value
		}
		var b strings.Builder
		canonical(&b, n)
		r.Meaning = b.String()
		if from, to, err := d.span(d.child(at, i)); err == nil {
			if d.blank(d.lineStart(from), from) {
				from = d.lineStart(from)
			}
			if d.idle(to, d.lineEnd(to)) {
				to = d.lineEnd(to)
			}
			r.Text = strings.ReplaceAll(string(d.data[from:to]), "\r\n", "\n")
		}
		o.Rules = append(o.Rules, r)
	}
	return o, true
}

// CheckText says what keeps a text from being read as a file of rules or of tests at all; nothing when it can be read.
// What stands in it is not looked at. name is how the file is called in the problem.
func CheckText(data []byte, name string) []Problem {
	_, err := newDocument(data, name)
	if p, ok := problemOf(err); ok {
		return []Problem{p}
	}
	if err != nil {
		return []Problem{{File: name, Message: err.Error()}}
	}
	return nil
}

// startsPrograms tells whether a rule has a step that starts a program, as the loader finds the verb of a step.
func startsPrograms(rule *yaml.Node) bool {
	for _, key := range []string{"do", "finally"} {
		k := keyIndex(rule, key)
		if k < 0 {
			continue
		}
		steps := []*yaml.Node{rule.Content[2*k+1]}
		if steps[0].Kind == yaml.SequenceNode {
			steps = steps[0].Content
		}
		for _, s := range steps {
			if keyIndex(s, "run") >= 0 || keyIndex(s, "shell") >= 0 {
				return true
			}
		}
	}
	return false
}
