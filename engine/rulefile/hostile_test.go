package rulefile

import (
	"fmt"
	"math/rand/v2"
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

// TestManyProblems shows what is said of a folder with more mistakes than anybody reads.
func TestManyProblems(t *testing.T) {
	const n = 9000
	site := testSite()
	site.Relays = map[string]RelayInfo{}
	var b strings.Builder
	b.WriteString("lists:\n")
	for i := range n {
		fmt.Fprintf(&b, "  people-of-the-house-%04d: []\n", i)
		site.Relays[fmt.Sprintf("relay-of-the-gate-%04d", i)] = RelayInfo{}
	}
	files := []File{{"a.yaml", []byte(b.String())}}
	for i := range n {
		if i%3000 == 0 {
			b.Reset()
			b.WriteString("rules:\n")
		}
		fmt.Fprintf(&b, "  - {name: r%d, on: plate, when: 'plate.on(\"people-of-the-house-x%03d\")', do: [{relay: relay-of-the-gate-x000, pulse: 1s}]}\n", i, i%1000)
		if i%3000 == 2999 {
			files = append(files, File{fmt.Sprintf("b%d.yaml", i/3000), []byte(b.String())})
		}
	}
	start := time.Now()
	rs, problems := LoadFiles(files, "rules.d", site)
	took := time.Since(start)
	t.Logf("it took %s", took)
	if took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	said := messages(problems)
	if rs != nil || len(said) != maxProblems+1 || said[maxProblems] != "rules.d: and 17000 more problems" {
		t.Fatalf("loads: %v, %d problems, the last: %s", rs != nil, len(said), said[len(said)-1])
	}
	if got, want := said[0], `rules.d/b0.yaml:2:43: rule "r0": when: there is no list "people-of-the-house-x000" (did you mean people-of-the-house-0000?)`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := said[maxMeant], `rules.d/b0.yaml:27:44: rule "r25": when: there is no list "people-of-the-house-x025"`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if n := strings.Count(strings.Join(said, "\n"), "did you mean"); n != maxMeant {
		t.Errorf("%d say what was meant", n)
	}
}

// TestManyWarnings shows that warnings, however many, keep nothing from being loaded and hide no error.
func TestManyWarnings(t *testing.T) {
	var b strings.Builder
	b.WriteString("rules:\n")
	for i := range 1500 {
		fmt.Fprintf(&b, "  - {name: r%d, on: start}\n", i)
	}
	rs, problems := loadText(t, b.String(), testSite())
	if said := messages(problems); rs == nil || len(said) != maxProblems+1 || said[maxProblems] != "rules.d: warning: and 500 more problems" {
		t.Errorf("loads: %v, %d problems, the last: %s", rs != nil, len(said), said[len(said)-1])
	}
	b.WriteString("  - {name: last, on: plate, when: plat.number == \"A\"}\n")
	rs, problems = loadText(t, b.String(), testSite())
	said := messages(problems)
	if rs != nil || len(said) != maxProblems+1 || said[maxProblems] != "rules.d: and 502 more problems" {
		t.Errorf("loads: %v, %d problems, the last: %s", rs != nil, len(said), said[len(said)-1])
	}
	if got, want := said[maxProblems-1], `rules.d/test.yaml:1502:35: rule "last": when: unknown name plat`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestDistance compares with a count that looks at everything.
func TestDistance(t *testing.T) {
	var whole func(a, b string) int
	whole = func(a, b string) int {
		if a == "" || b == "" {
			return len(a) + len(b)
		}
		d := min(whole(a[1:], b)+1, whole(a, b[1:])+1)
		same := 1
		if a[0] == b[0] {
			same = 0
		}
		d = min(d, whole(a[1:], b[1:])+same)
		if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
			d = min(d, whole(a[2:], b[2:])+1)
		}
		return d
	}
	random := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		b := make([]byte, random.IntN(7))
		for i := range b {
			b[i] = "abc"[random.IntN(3)]
		}
		return string(b)
	}
	for range 3000 {
		a, b, limit := word(), word(), 1+random.IntN(3)
		if got, want := distance(a, b, limit), whole(a, b); got != want && (got <= limit || want <= limit) {
			t.Fatalf("%q and %q at %d: %d, want %d", a, b, limit, got, want)
		}
	}
}
