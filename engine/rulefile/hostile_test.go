package rulefile

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine"
)

// fill repeats a text up to the most bytes an expression may have, with others around.
func fill(before, text, after string) string {
	return before + strings.Repeat(text, (maxSource-len(before)-len(after))/len(text)) + after
}

// nest puts an expression into others as deep as the most bytes allow.
func nest(open, middle, end string, most int) string {
	n := min(most, (maxSource-len(middle))/(len(open)+len(end)))
	return strings.Repeat(open, n) + middle + strings.Repeat(end, n)
}

// hostileConditions are as long as they may be, of one shape each.
func hostileConditions() map[string]string {
	const all = maxSource
	return map[string]string{
		"!":                    fill("", "!", "(plate.reads > 1)"),
		"not":                  fill("", "not ", "known(plate.reads)"),
		"! to the limit":       strings.Repeat("!", maxNesting-3) + "(plate.reads > 1)",
		"!( to the limit":      nest("!(", "plate.reads > 1", ")", maxNesting-3),
		"minus":                fill("", "-", "plate.reads > 1"),
		"- -":                  fill("", "- ", "plate.reads > 1"),
		"(":                    nest("(", "plate.reads", ")", all),
		"open (":               fill("", "(", ""),
		"[":                    nest("[", "1", "]", all),
		"a ? b : (a ? b : c)":  nest("plate.reads > 1 ? 1 : (", "1", ")", all),
		"a ? b : a ? b : c":    fill("", "plate.reads > 1 ? true : ", "false"),
		".a.a":                 fill("message.body", ".a", " == 1"),
		"?.a":                  fill("message.body", "?.a", " == 1"),
		"[0][0]":               fill("message.body", "[0]", " == 1"),
		"abs(abs(":             nest("abs(", "plate.reads", ")", all),
		"any(any(":             nest("any(message.body, ", "# == 1", ")", all),
		"1 < (1 < x < 1) < 1":  nest("1 < (", "1", ") < 1", all),
		"1 < (… ? 1 : 1) < 1":  nest("1 < (true ? 1 : ", "1", ") < 1", all),
		"1 < (…) to the limit": nest("1 < (", "1", ") < 1", 8),
		"a < a < a":            fill("plate.reads", " < plate.reads", ""),
		"&&":                   fill("", "day() && ", "day()"),
		"||":                   fill("", "day() || ", "day()"),
		"&& with 1 < 2":        fill("day()", " && 1<2", ""),
		"(a && b) || c":        nest("(", "day()", " && day()) || day()", maxNesting-3),
		"a || (a && b)":        nest("day() || (day() && ", "day()", ")", all),
		"inside ||":            fill("", `inside("porch")||`, `inside("porch")`),
		"+":                    fill("plate.reads", "+1", " > 1"),
		"*":                    fill("plate.reads", "*1", " > 1"),
		"texts +":              fill("plate.number", `+"a"`, ` == "a"`),
		"==":                   fill("day()", " == day()", ""),
		"??":                   fill("plate.number", ` ?? "a"`, ` == "a"`),
		"in":                   fill("plate.reads in [", "1,", "1]"),
		"let":                  fill("", "let a = 1; ", "a"),
		";":                    fill("", "1;", "1"),
		"{":                    fill("", "{a:", "1"),
		"|":                    fill("plate.reads", "|abs()", " > 1"),
		"text not closed":      fill(`"`, "a", ""),
		"wide characters":      fill(`plate.number == "`, "Ä", `"`),
		"any row":              fill("any(message.body, ", "#==1&&", "true)"),
	}
}

// ruleWith is a file of one rule on a kind that carries what the condition asks for.
func ruleWith(condition string) string {
	on := "target"
	for _, kind := range []string{"message", "plate"} {
		if strings.Contains(condition, kind+".") {
			on = kind
		}
	}
	return "zones: {porch: {camera: porch, polygon: [[0, 0], [9999, 0], [9999, 9999]]}}\nrules:\n  - {name: r, on: " + on + ", do: [{log: x}], when: '" + condition + "'}\n"
}

// TestHostileConditions loads conditions made to be slow. What keeps them fast is bounded before it is looked at; the
// time here is far above what it takes, so that only a shape that grows faster than its length fails.
func TestHostileConditions(t *testing.T) {
	for name, condition := range hostileConditions() {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			rs, problems := loadText(t, ruleWith(condition), testSite())
			took := time.Since(start)
			if took > time.Second {
				t.Errorf("%d bytes took %s", len(condition), took)
			}
			t.Logf("%d bytes, %s, loads: %v, %d problems", len(condition), took, rs != nil, len(problems))
		})
	}
}

// TestNesting shows what the bound on nesting lets through, and that two ! are none.
func TestNesting(t *testing.T) {
	read := plate(func(p *engine.Plate) { p.Confidence, p.HasConfidence = 97, true })
	for _, c := range []struct {
		condition string
		want      engine.Truth
	}{
		{`!!(plate.confidence > 1)`, engine.True},
		{`not not !(plate.confidence > 1)`, engine.False},
		{`(!!(plate.confidence > 1)) == true`, engine.True},
		{`(!!!(plate.confidence > 1)) == true`, engine.False},
		{strings.Repeat("!", 60) + "(plate.confidence > 1)", engine.True},
		{strings.Repeat("(", 60) + "plate.confidence" + strings.Repeat(")", 60) + " > 1", engine.True},
		{strings.Repeat("plate.confidence > 99 || ", 150) + "plate.confidence == 97", engine.True},
		{strings.Repeat("plate.confidence < 99 && ", 150) + "plate.confidence == 2", engine.False},
	} {
		if got, _ := probe(t, "plate", c.condition, noon, read.Clone()); got != c.want {
			t.Errorf("%.60s is %s, want %s", c.condition, got, c.want)
		}
	}
	rs := mustLoad(t, world+"rules: [{name: r, on: plate, when: '!!(plate.confidence > 1) && known(plate.number)', do: [{log: x}]}]")
	if got := rs.Rules[0].When.Kids[0]; got.Op != engine.CondLeaf || got.Text != "plate.confidence > 1" {
		t.Errorf("!! is kept: %d %s", got.Op, got.Text)
	}
}
