package rulefile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine"
)

// explained loads one rule, lets an event happen and gives what is explained of its condition, a part a line.
func explained(t *testing.T, on, when string, ev *engine.Event) string {
	t.Helper()
	text := "zones:\n  porch: {camera: front, polygon: [[0, 0], [9000, 0], [9000, 9000]]}\nlists:\n  residents: [{plate: ABC1234}]\n" +
		"schedules:\n  office: {days: mon-fri, from: \"08:00\", to: \"18:00\"}\nflags: {armed: false}\n" +
		"rules:\n  - name: it\n    on: " + on + "\n    when: |\n      " + when + "\n    do: [{log: x}]\n"
	rs, problems := LoadFiles([]File{{Name: "a.yaml", Data: []byte(text)}}, "rules.d", Site{Open: true})
	if Failed(problems) {
		t.Fatal(problems)
	}
	at := engine.Instant{Wall: time.Date(2026, 3, 2, 22, 0, 0, 0, time.UTC)}
	e, _ := engine.New(rs, engine.DefaultOptions(), at)
	at.Mono, at.Wall = time.Minute, at.Wall.Add(time.Minute)
	e.Apply(at, ev)
	var lines []string
	if !e.Explain("it", func(x *engine.Explanation) { lines = parts(nil, x.When, "") }) {
		t.Fatal("there is no rule")
	}
	return strings.Join(lines, "\n")
}

func parts(lines []string, p *engine.Part, indent string) []string {
	line := indent + p.Answer.String() + " " + p.Text
	if p.Op != "" {
		line = indent + p.Answer.String() + " " + p.Op
	}
	if p.Missing {
		line += " <-"
	}
	for _, v := range p.Values {
		line += "; " + v.Name + " = " + v.Value
		if v.Bound != nil {
			line += fmt.Sprintf(" of %s, off by %d", v.Bound.Value, v.Bound.Off)
		}
	}
	lines = append(lines, line)
	for i := range p.Parts {
		lines = parts(lines, &p.Parts[i], indent+"  ")
	}
	return lines
}

// TestReadings holds what parts of a condition are said to have read.
func TestReadings(t *testing.T) {
	read := func() *engine.Event {
		return &engine.Event{Kind: engine.KindPlate, Camera: "front", Plate: &engine.Plate{Number: "abc 1234", Confidence: 81, HasConfidence: true}}
	}
	motion := &engine.Event{Kind: engine.KindMotion, Camera: "front", Values: []engine.Value{{Name: "people", Number: 3.25}}}
	message := &engine.Event{Kind: engine.KindMessage, Message: &engine.Message{Topic: "door", Body: map[string]any{"n": 7.0, "list": []any{"a", "b"}}}}
	for _, c := range []struct {
		on, when string
		ev       *engine.Event
		want     string
	}{
		{"plate", `plate.confidence >= 90`, read(), `false plate.confidence >= 90 <-; plate.confidence = 81 of 90, off by 100`},
		{"plate", `90 <= plate.confidence`, read(), `false 90 <= plate.confidence <-; plate.confidence = 81 of 90, off by 100`},
		{"plate", `plate.on("residents")`, read(), `true plate.on("residents"); plate.number = "abc 1234"`},
		{"plate", `!(plate.heading == "away")`, read(), "unknown not\n  unknown plate.heading == \"away\" <-; plate.heading = unknown"},
		{"plate", `(plate.list ?? "none") == "allow"`, read(), `false (plate.list ?? "none") == "allow" <-; plate.list = unknown`},
		{"plate", `known(plate.heading)`, read(), `false known(plate.heading) <-; plate.heading = unknown`},
		{"plate", `len(plate.number) > 10`, read(), `false len(plate.number) > 10 <-; len(plate.number) = 8 of 10, off by 200; plate.number = "abc 1234"`},
		{"plate", `during("office") || plate.on("residents")`, read(),
			"true or\n  false during(\"office\"); now = Mon 2026-03-02 22:01:00\n  true plate.on(\"residents\"); plate.number = \"abc 1234\""},
		// Every part is evaluated, also those whose answer no longer matters.
		{"plate", `plate.confidence > 99 && flag("armed") && plate.on("residents")`, read(),
			"false and\n  false plate.confidence > 99 <-; plate.confidence = 81 of 99, off by 182\n  false flag(\"armed\") <-\n  true plate.on(\"residents\"); plate.number = \"abc 1234\""},
		// Of two ways to be true, the nearer one is what is missing.
		{"plate", `plate.confidence > 99 || flag("armed")`, read(),
			"false or\n  false plate.confidence > 99 <-; plate.confidence = 81 of 99, off by 182\n  false flag(\"armed\")"},
		{"plate", `flag("armed").since > "2m"`, read(), `false flag("armed").since > "2m" <-; flag("armed").since = 1m0s of 2m0s, off by 500`},
		{"motion", `event.values.people == 3`, motion, `false event.values.people == 3 <-; event.values.people = 3.25`},
		{"motion", `occupancy("porch") > event.values.people`, motion, `false occupancy("porch") > event.values.people <-; occupancy("porch") = 0; event.values.people = 3.25`},
		{"message", `float(message.body.n) > 8`, message, `false float(message.body.n) > 8 <-; float(message.body.n) = 7 of 8, off by 125; message.body.n = 7`},
		{"message", `any(message.body.list, string(#) == "c")`, message, `false any(message.body.list, string(#) == "c") <-; message.body.list = ["a","b"]`},
		{"contact", `contact("door").on`, &engine.Event{Kind: engine.KindContact, Name: "door", On: true}, `true contact("door").on`},
	} {
		if got := explained(t, c.on, c.when, c.ev); got != c.want {
			t.Errorf("%s\ngot\n%s\nwant\n%s", c.when, got, c.want)
		}
	}
}
