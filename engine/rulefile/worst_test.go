package rulefile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine"
	"go.yaml.in/yaml/v4"
)

// TestEndlessConditions are refused: nothing could stop them once they run.
func TestEndlessConditions(t *testing.T) {
	for _, c := range []struct{ condition, want string }{
		{`len(uniq(map(1..9000, 1.0*#))) > 1`, "unknown function uniq"},
		{`len(1..9000) > 1`, "ranges (..) are not part of the rule language"},
		{`len(map(message.body.a, 1.0*#)) > 1`, "unknown function map (did you mean max?)"},
		{`all(message.body.a, all(message.body.a, all(message.body.a, string(#) == "x")))`, "predicates are nested at most 2 deep"},
		{`all(message.body.a, all(message.body.a, string(#) == "x" || string(#) == "y"))`, fmt.Sprintf("the rule takes up to %d steps, more than 20000; look through fewer lists or texts", 33092)},
	} {
		rs, problems := loadText(t, "rules:\n  - {name: r, on: message, when: '"+c.condition+"', do: [{log: x}]}\n", testSite())
		var errors []string
		for _, p := range problems {
			if !p.Warning {
				errors = append(errors, p.Message)
			}
		}
		if got := strings.Join(errors, "\n"); rs != nil || got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.condition, got, c.want)
		}
	}
}

// worstConditions come near the most steps a rule may take, each with its own kind of work; none decides early.
func worstConditions() map[string]string {
	list := strings.TrimSuffix(strings.Repeat("1,", maxItems), ",")
	texts := strings.TrimSuffix(strings.Repeat(`"ab",`, maxItems), ",")
	return map[string]string{
		"entries twice":  `all(message.body.list, all(message.body.list, known(#)))`,
		"numbers":        `all([` + list + `], all([` + list + `], # + 1 < 5))`,
		"texts":          `all([` + texts + `], all([` + texts + `], # != "x"))`,
		"lower":          `all([` + list + `], # != 2 && lower(string(message.body.cased)) != "x")`,
		"upper":          `all([` + list + `], # != 2 && upper(string(message.body.cased)) != "x")`,
		"trim":           `all([` + list + `], # != 2 && trim(string(message.body.blank)) != "x")`,
		"len":            `all([` + list + `], # != 2 && len(string(message.body.text)) != 1)`,
		"contains":       `all([` + list + `], # != 2 && !(string(message.body.text) contains "ÄÄx"))`,
		"contains text":  `all([` + list + `], # != 2 && string(message.body.text) contains string(message.body.end))`,
		"texts together": `all([` + list + `], # != 2 && string(message.body.text) + "x" != "y")`,
		"float":          `all([` + list + `], all([1,1,1,1,1,1,1,1], !known(float(message.body.text))))`,
		"matches":        `!(string(message.body.text) matches "Ä+ÄxÄ")`,
		"matches short":  `all([` + texts + `], !(# matches "a+b+c"))`,
	}
}

// worstMessage has the largest of each that a message may hold; more than one message can.
func worstMessage() *engine.Event {
	list := make([]any, maxItems)
	for i := range list {
		list[i] = "x"
	}
	const wide = maxText / 2
	return message(map[string]any{
		"list": list, "text": strings.Repeat("Ä", wide-1), "end": strings.Repeat("Ä", wide/2-1) + "x",
		"cased": strings.Repeat("Ä", maxCased/2), "blank": strings.Repeat("\u0085", maxCased/2),
	})
}

// BenchmarkWorstRule shows that a rule near the limit of steps takes under 5 ms; us/limit is the time of one that uses
// all of them, in microseconds.
func BenchmarkWorstRule(b *testing.B) {
	for name, condition := range worstConditions() {
		b.Run(name, func(b *testing.B) {
			rs, problems := LoadFiles([]File{{"a.yaml", []byte("rules:\n  - {name: r, on: message, per: rule, when: '" + condition + "', do: [{log: x}]}\n")}}, "rules.d", testSite())
			if rs == nil {
				b.Fatal(listing(problems))
			}
			e, _ := engine.New(rs, engine.DefaultOptions(), engine.Instant{Wall: noon})
			at := 10 * time.Second
			ev := worstMessage()
			for b.Loop() {
				at += time.Second
				ev.Received = noon.Add(at)
				e.Apply(engine.Instant{Mono: at, Wall: noon.Add(at)}, ev)
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(b.N)*maxSteps/float64(stepsOf(condition)), "us/limit")
		})
	}
}

// TestLongTexts shows what the functions make of texts that would take them long.
func TestLongTexts(t *testing.T) {
	ev := message(map[string]any{"cased": strings.Repeat("Ä", maxCased/2), "long": strings.Repeat("Ä", maxCased), "digits": strings.Repeat("1", maxNumber+1), "text": strings.Repeat("x", maxText)})
	for _, c := range []struct {
		condition string
		want      engine.Truth
	}{
		{`lower(string(message.body.cased)) contains "ä"`, engine.True},
		{`lower(string(message.body.long)) contains "ä"`, engine.Unknown},
		{`upper(string(message.body.long)) contains "Ä"`, engine.Unknown},
		{`trim(string(message.body.long)) contains "Ä"`, engine.Unknown},
		{`string(message.body.long) contains "Ä"`, engine.True},
		{`len(string(message.body.cased)) == 512`, engine.True},
		{`len(string(message.body.long)) == 1024`, engine.True},
		{`len(message.body.long) == 1024`, engine.True},
		{`known(float(message.body.digits))`, engine.False},
		{`known(string(message.body.text) + "x")`, engine.False},
	} {
		if got, _ := probe(t, "message", c.condition, noon, ev.Clone()); got != c.want {
			t.Errorf("%s is %s, want %s", c.condition, got, c.want)
		}
	}
	for name, condition := range worstConditions() {
		if n := stepsOf(condition); n == 0 || n > maxSteps {
			t.Errorf("%s takes %d steps", name, n)
		}
	}
}

// stepsOf is the computed number of steps of a condition on a message; 0 when it has errors.
func stepsOf(condition string) int {
	ld := newLoader(testSite(), "rules.d")
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: condition, Line: 1, Column: 1}
	b := ld.condition(at{sink: ld.sink, src: newSource("a.yaml", []byte(condition))}, n, scope{carries: carriesMessage, on: []engine.Kind{engine.KindMessage}}, &uses{})
	if b == nil {
		return 0
	}
	return b.steps
}
