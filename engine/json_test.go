package engine

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/scene"
)

func fullEvent() *Event {
	return &Event{
		Kind: KindPlate, Raw: "VEHICE", Camera: "gate",
		Device:   Device{Name: "Front", MAC: "58:5b:69:5f:42:1b", SN: "I421B0Z1173Q", Address: "192.168.0.52", Channel: 1},
		Received: time.Date(2026, 3, 29, 13, 58, 46, 797e6, time.UTC), Time: time.Date(2026, 3, 29, 9, 58, 46, 5e8, time.FixedZone("", -4*3600)),
		ID: 2357, HasID: true, Status: StatusStart,
		Targets: []Listed{{ID: 2157, HasID: true, Class: scene.Person, Box: geometry.Box{X1: 4403, Y1: 694, X2: 5909, Y2: 8125}, HasBox: true}},
		Zone:    []geometry.Point{{X: 450, Y: 466}, {X: 9775, Y: 400}, {X: 9675, Y: 9466}},
		Line:    []geometry.Point{{X: 5000, Y: 1000}, {X: 5000, Y: 9000}},
		Plate: &Plate{Number: "ABC1234", List: "allow", Group: "whiteList", Confidence: 99, HasConfidence: true, Heading: "approach", Color: "white", Owner: "Ann",
			Vehicle: Vehicle{"saloon car", "grey", "Tesla", "Tesla_ModelS"}, Box: geometry.Box{X1: 3582, Y1: 1965, X2: 4415, Y2: 2663}, HasBox: true},
		Face:   &Face{"middleAged", "male", "unknown", "unknown", "Ann"},
		Alarm:  &Alarm{Name: "perimeter", On: true, ID: 1},
		Values: []Value{{"enterPersonCount", 3}},
		Scene:  Image{Size: 474378}, Target: Image{Size: 100774},
		Problems: []string{`box "x" is inside out`},
	}
}

const fullJSON = `{"kind":"plate","raw":"VEHICE","camera":"gate",` +
	`"device":{"name":"Front","mac":"58:5b:69:5f:42:1b","sn":"I421B0Z1173Q","address":"192.168.0.52","channel":1},` +
	`"received":"2026-03-29T13:58:46.797Z","time":"2026-03-29T13:58:46.5Z","event_id":2357,"status":"start",` +
	`"targets":[{"id":2157,"class":"person","box":[4403,694,5909,8125]}],` +
	`"zone":[[450,466],[9775,400],[9675,9466]],"line":[[5000,1000],[5000,9000]],` +
	`"plate":{"number":"ABC1234","list":"allow","group":"whiteList","confidence":99,"heading":"approach","color":"white","owner":"Ann",` +
	`"vehicle":{"type":"saloon car","color":"grey","brand":"Tesla","model":"Tesla_ModelS"},"box":[3582,1965,4415,2663]},` +
	`"face":{"age":"middleAged","sex":"male","glasses":"unknown","mask":"unknown","match":"Ann"},` +
	`"alarm":{"name":"perimeter","on":true,"id":1},"values":{"enterPersonCount":3},` +
	`"images":{"scene":474378,"target":100774},"problems":["box \"x\" is inside out"]}`

func TestEventJSON(t *testing.T) {
	for _, c := range []struct {
		ev   *Event
		want string
	}{
		{fullEvent(), fullJSON},
		{fullEvent().Clone(), fullJSON},
		{&Event{Kind: KindHeartbeat}, `{"kind":"heartbeat"}`},
		{&Event{Kind: KindIntrusion, Targets: []Listed{{}, {Class: scene.Car}}}, `{"kind":"intrusion","targets":[{},{"class":"car"}]}`},
		{&Event{Kind: KindContact, Name: "door", On: true}, `{"kind":"contact","name":"door","on":true}`},
		{&Event{Kind: KindCamera, Camera: "gate", Name: "gate"}, `{"kind":"camera","camera":"gate","online":false}`},
		{&Event{Kind: KindFlag, Name: "mode", Value: Scalar{Type: ScalarText, Text: "away"}}, `{"kind":"flag","name":"mode","value":"away"}`},
		{&Event{Kind: KindFlag, Name: "armed", Value: boolean(true)}, `{"kind":"flag","name":"armed","value":true}`},
		{&Event{Kind: KindFlag, Name: "n", Value: Scalar{Type: ScalarNumber, Number: 1.5}}, `{"kind":"flag","name":"n","value":1.5}`},
		{&Event{Kind: KindMessage, Message: &Message{Topic: "a/b", Body: map[string]any{"x": 1.0}}}, `{"kind":"message","message":{"topic":"a/b","body":{"x":1}}}`},
	} {
		got, err := json.Marshal(c.ev)
		if err != nil || string(got) != c.want {
			t.Errorf("got  %s %v\nwant %s", got, err, c.want)
		}
	}
}

func TestHostileTextStaysJSON(t *testing.T) {
	for _, s := range []string{`"; rm -rf /;`, "]]><x>", "$(id)", "\x00\x1f\x7f", "\xff\xfe", "\u2028\u2029", "ab\\", "tab\tnew\nline\r", "ＡＢＣ", "\U0001F697"} {
		got := (&Event{Kind: KindPlate, Plate: &Plate{Number: s}}).AppendJSON(nil)
		var back struct{ Plate struct{ Number string } }
		want, _ := json.Marshal(s)
		var text string
		json.Unmarshal(want, &text)
		if err := json.Unmarshal(got, &back); err != nil || back.Plate.Number != text {
			t.Errorf("%q became %s (%v)", s, got, err)
		}
	}
}

func TestNumbersAreWrittenAsEncodingJSONDoes(t *testing.T) {
	for _, v := range []float64{0, 3, -3, 0.1, 1e20, 1e21, 1.5e300, 1e-6, 1e-7, 123456.789, 1e15, 5e-324, -2.5e-9} {
		want, _ := json.Marshal(v)
		if got := appendNumber(nil, v); string(got) != string(want) {
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
	if got := appendNumber(nil, math.NaN()); string(got) != "null" {
		t.Errorf("NaN is %s", got)
	}
}

func TestDecisionJSON(t *testing.T) {
	b := newBench(t, &Rule{Name: "light", On: []Kind{KindTarget}, When: inYard, FirstZone: "yard", Do: []Step{turnOn("porch")}, Hold: 1234 * time.Millisecond})
	b.frame("front", at(8, outside), at(2157, inside))
	b.wait(1100 * time.Millisecond)
	b.frame("front", at(2157, inside))
	b.wait(time.Minute)
	want := []string{
		`{"at":"2026-03-02T08:00:10.000Z","type":"enter","camera":"front","target":2157,"zone":"yard","since":"2026-03-02T08:00:10.000Z"}`,
		`{"at":"2026-03-02T08:00:10.000Z","type":"firing","rule":"light","key":"front/2157","camera":"front","target":2157,"zone":"yard"}`,
		`{"at":"2026-03-02T08:00:10.000Z","type":"action","rule":"light","key":"front/2157","camera":"front","target":2157,"step":"on porch"}`,
		`{"at":"2026-03-02T08:00:11.500Z","type":"vanish","camera":"front","target":8,"since":"2026-03-02T08:00:10.000Z","until":"2026-03-02T08:00:10.000Z"}`,
		`{"at":"2026-03-02T08:00:12.600Z","type":"leave","camera":"front","target":2157,"zone":"yard","since":"2026-03-02T08:00:10.000Z","until":"2026-03-02T08:00:11.100Z","dwell":1.1,"reason":"offline"}`,
		`{"at":"2026-03-02T08:00:12.600Z","type":"vanish","camera":"front","target":2157,"since":"2026-03-02T08:00:10.000Z","until":"2026-03-02T08:00:11.100Z"}`,
		`{"at":"2026-03-02T08:00:13.834Z","type":"end","rule":"light","key":"front/2157","camera":"front","target":2157,"since":"2026-03-02T08:00:10.000Z","until":"2026-03-02T08:00:13.834Z"}`,
	}
	if len(b.all) != len(want) {
		t.Fatalf("%d decisions, want %d", len(b.all), len(want))
	}
	for i, d := range b.all {
		if got := string(d.AppendJSON(nil)); got != want[i] {
			t.Errorf("got  %s\nwant %s", got, want[i])
		}
	}
	f := `{"at":"2026-03-02T08:00:10.000Z","type":"firing","rule":"light","key":"front/2157","camera":"front","target":2157,"zone":"yard","id":1,"steps":["on porch"],` +
		`"event":{"kind":"target","camera":"front","received":"2026-03-02T08:00:10.000Z","targets":[{"id":8,"class":"person","box":[7700,3000,8300,6000]},{"id":2157,"class":"person","box":[1700,3000,2300,6000]}]}}`
	if got := string(b.all[1].Firing.AppendJSON(nil)); got != f {
		t.Errorf("got  %s\nwant %s", got, f)
	}
}

func TestDecisionFieldOrder(t *testing.T) {
	d := Decision{
		At: Instant{Wall: time.Date(2026, 3, 2, 8, 0, 0, 1e6, time.UTC)}, Type: DecisionCross, Rule: &Rule{Name: "r"}, Key: "k", Camera: "c", Target: 1, HasTarget: true,
		Zone: "z", Line: "l", Direction: "in", Since: time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC), Until: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC),
		Dwell: 90*time.Minute + 50*time.Millisecond, HasDwell: true, Step: "s", Reason: "x",
	}
	want := `{"at":"2026-03-02T08:00:00.001Z","type":"cross","rule":"r","key":"k","camera":"c","target":1,"zone":"z","line":"l","direction":"in",` +
		`"since":"2026-03-02T07:00:00.000Z","until":"2026-03-02T08:00:00.000Z","dwell":5400.05,"step":"s","reason":"x"}`
	if got := string(d.AppendJSON(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
