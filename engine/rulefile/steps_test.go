package rulefile

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sallyport/sallyport/engine"
)

// filled gives the values of a rule's only step for one event, or why it is skipped.
func filled(t *testing.T, on, step string, ev *engine.Event) (engine.Args, string) {
	t.Helper()
	rs := mustLoad(t, world+"rules:\n  - name: r\n    on: "+on+"\n    when: known(event.kind)\n    per: rule\n    do:\n      - "+step+"\n")
	e, _ := engine.New(rs, engine.DefaultOptions(), engine.Instant{Wall: noon})
	at := 10 * time.Second
	ev.Received = noon.Add(at)
	var seen []string
	for _, d := range e.Apply(engine.Instant{Mono: at, Wall: noon.Add(at)}, ev) {
		switch {
		case d.Type == engine.DecisionAction && d.Do != nil:
			return d.Do.Args, ""
		case d.Type == engine.DecisionSuppressed:
			return nil, d.Reason
		}
		seen = append(seen, d.Type.String()+" "+d.Reason)
	}
	t.Fatalf("%s: nothing was done (%q)", step, seen)
	return nil, ""
}

// shown prints a step's values, byte slices as text.
func shown(a engine.Args, skip string) string {
	if skip != "" {
		return "skipped: " + skip
	}
	if h, ok := a.(engine.HTTPArgs); ok {
		return strings.TrimSpace(fmt.Sprintf("%s %s %q %s %s", h.Method, h.URL, h.Headers, h.ContentType, h.Body))
	}
	return fmt.Sprintf("%+v", a)
}

func TestSteps(t *testing.T) {
	read := plate(func(p *engine.Plate) { p.Number, p.List = "AB 12/ä", "allow" })
	bare := plate(func(p *engine.Plate) { *p = engine.Plate{Number: "XY99", Confidence: 91.5, HasConfidence: true} })
	for _, c := range []struct {
		ev   *engine.Event
		step string
		want string
	}{
		{read, `{log: "a ${plate.number} b"}`, `{Text:a AB 12/ä b}`},
		{bare, `{log: "a ${plate.color} b"}`, `{Text:a  b}`},
		{read, `{log: "$${plate.number} costs $5 $"}`, `{Text:${plate.number} costs $5 $}`},
		{read, `{log: "${plate.number + '}'}${plate.confidence}"}`, `{Text:AB 12/ä}97}`},
		{read, `{http: "http://a:80/x/${plate.number}?q=${plate.list}"}`, `GET http://a:80/x/AB%2012%2F%C3%A4?q=allow []`},
		{bare, `{http: "http://a/${plate.color}"}`, `skipped: unknown`},
		{bare, `{http: "http://a/b", json: {plate: "${plate.color}", text: "p ${plate.color}", confidence: "${plate.confidence}", id: 0123, n: 1.50, yes: true, none: null, list: ["${plate.color}", "x", 3], o: {k: "${plate.color}"}}}`,
			`POST http://a/b [] application/json {"text":"p ","confidence":91.5,"id":"0123","n":1.50,"yes":true,"none":null,"list":["x",3],"o":{}}`},
		{read, `{http: "http://a/b", method: PUT, form: {plate: "${plate.number}", x: "${plate.color}", y: "a ${plate.color}"}, headers: {X-Plate: "${plate.number}", X-None: "${plate.color}"}}`,
			`PUT http://a/b [["X-Plate" "AB 12/ä"]] application/x-www-form-urlencoded plate=AB+12%2F%C3%A4&y=a+`},
		{read, `{http: "http://a/b", text: "n ${plate.number}", expect: 2xx}`, `POST http://a/b [] text/plain; charset=utf-8 n AB 12/ä`},
		{read, `{run: [/usr/local/bin/open.sh, "${plate.number}", "x ${plate.list}"], env: {LIST: "${plate.list}", NONE: "${plate.color}"}, dir: /tmp}`,
			`{Argv:[/usr/local/bin/open.sh AB 12/ä x allow] Env:[LIST=allow] Dir:/tmp}`},
		{bare, `{run: [/usr/local/bin/open.sh, "${plate.color}"]}`, `skipped: unknown`},
		{read, `{plates: add, number: "${plate.number}", list: temporary, cameras: [gate, front], owner: "${plate.owner}", valid: 24h}`,
			`{Op:add Number:AB 12/ä List:temporary To: Owner: Phone: Cameras:[gate front] Valid:24h0m0s}`},
		{read, `{plates: add, number: "${plate.number}", list: temporary, phone: "+49 ${plate.list}"}`,
			`{Op:add Number:AB 12/ä List:temporary To: Owner: Phone:+49 allow Cameras:[] Valid:0s}`},
		{read, `{plates: move, number: "${plate.number}", list: temporary, to: allow, cameras: all}`,
			`{Op:move Number:AB 12/ä List:temporary To:allow Owner: Phone: Cameras:[] Valid:0s}`},
		{read, `{plates: update, number: "${plate.number}", list: allow, owner: "${plate.owner}", phone: "${plate.list}", valid: 2h}`,
			`{Op:update Number:AB 12/ä List:allow To: Owner: Phone:allow Cameras:[] Valid:2h0m0s}`},
		{read, `{plates: update, number: "${plate.number}", list: allow, owner: "${plate.owner}"}`, `skipped: unknown`},
		{read, `{camera: gate, virtual_alarm: 17}`, `{Camera:gate VirtualAlarm:17 Snapshot:false}`},
		{read, `{camera: front, snapshot: true}`, `{Camera:front VirtualAlarm:0 Snapshot:true}`},
		{bare, `{plates: remove, number: "${plate.color}", list: temporary, cameras: all}`, `skipped: unknown`},
		{read, `{relay: gate, pulse: 800ms}`, `{Relay:gate Op:pulse Pulse:800ms}`},
		{read, `{log: "${[1, 2]} ${event.received} ${plate.confidence > 90}"}`, `{Text:[1,2] 2026-03-02T12:00:10Z true}`},
	} {
		args, skip := filled(t, "plate", c.step, c.ev.Clone())
		if got := shown(args, skip); got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.step, got, c.want)
		}
	}
	body := map[string]any{"a": []any{1.0, "x", nil}, "b": map[string]any{"z": true, "c": 2.0}}
	args, skip := filled(t, "message", `{http: "http://a/b", json: {all: "${message.body}", none: "${message.body.q}", list: "${message.body.a}"}}`, message(body))
	if got, want := shown(args, skip), `POST http://a/b [] application/json {"all":{"a":[1,"x",null],"b":{"c":2,"z":true}},"list":[1,"x",null]}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestHostileValues shows that what a camera sends arrives everywhere as data.
func TestHostileValues(t *testing.T) {
	for _, number := range []string{
		`"; rm -rf /;`, `]]><x>`, `$(id)`, "`id`", strings.Repeat("Ä", 300), "АВС1234", "a\x00b\r\nX-Evil: 1", "\xff\xfe", "..", ".", "-rf", "--help", `${plate.number}`, `","x":"y`, "a/../../etc", "%2e%2e", "\u202eabc",
	} {
		ev := func() *engine.Event { return plate(func(p *engine.Plate) { p.Number = number }) }

		args, skip := filled(t, "plate", `{http: "http://a/x/${plate.number}/y?n=${plate.number}#f", json: {n: "${plate.number}", t: "t ${plate.number}"}, headers: {X-N: "${plate.number}"}}`, ev())
		if contains([]string{".", "..", "%2e%2e", "a/../../etc"}, number) {
			if skip != "a value is . or .. in the path" {
				t.Errorf("%q in a URL: %s", number, shown(args, skip))
			}
		} else {
			h := args.(engine.HTTPArgs)
			if strings.Count(h.URL, "/") != 5 || strings.ContainsAny(h.URL, "\r\n\x00 \"<>") || strings.Count(h.URL, "?") != 1 || strings.Count(h.URL, "#") != 1 {
				t.Errorf("%q in a URL: %s", number, h.URL)
			}
			if v := h.Headers[0][1]; strings.ContainsAny(v, "\r\n\x00") || !utf8.ValidString(v) {
				t.Errorf("%q in a header: %q", number, v)
			}
			if !isJSONObject(h.Body) {
				t.Errorf("%q in json: %s", number, h.Body)
			}
		}

		args, skip = filled(t, "plate", `{run: [/usr/local/bin/open.sh, "${plate.number}", "n=${plate.number}"], env: {N: "${plate.number}"}}`, ev())
		if strings.HasPrefix(number, "-") {
			if skip != "argument begins with -" {
				t.Errorf("%q as an argument: %s", number, shown(args, skip))
			}
		} else {
			r := args.(engine.RunArgs)
			if len(r.Argv) != 3 || len(r.Env) != 1 || strings.Contains(r.Argv[1]+r.Env[0], "\x00") || utf8.RuneCountInString(r.Argv[1]) > 256 || r.Argv[2] != "n="+r.Argv[1] {
				t.Errorf("%q as an argument: %q", number, r)
			}
		}

		args, _ = filled(t, "plate", `{plates: add, number: "${plate.number}", list: temporary, owner: "o ${plate.number}", phone: "p ${plate.number}"}`, ev())
		p := args.(engine.PlatesArgs)
		if strings.ContainsAny(p.Number+p.Owner+p.Phone, "\r\n\x00") || utf8.RuneCountInString(p.Number) > 256 || !utf8.ValidString(p.Number) {
			t.Errorf("%q as a plate: %q", number, p)
		}

		args, _ = filled(t, "plate", `{log: "came: ${plate.number}"}`, ev())
		if text := args.(engine.LogArgs).Text; strings.ContainsAny(text, "\r\n\x00") || !strings.HasPrefix(text, "came: ") {
			t.Errorf("%q in a log: %q", number, text)
		}
	}
}

// TestDotsInAPath shows that no value leads a call to another path, however it is escaped.
func TestDotsInAPath(t *testing.T) {
	for _, c := range []struct {
		address, number string
		skipped         bool
	}{
		{"http://a/x/${plate.number}/y", "..", true},
		{"http://a/x/${plate.number}/y", ".", true},
		{"http://a/x/${plate.number}", "..", true},
		{"http://a/${plate.number}?q=1", "..", true},
		{"http://a/x/${plate.number}/y", "%2e", true},
		{"http://a/x/${plate.number}/y", "%2E%2e", true},
		{"http://a/x/${plate.number}/y", ".%2e", true},
		{"http://a/x/${plate.number}/y", "%252e%25252e", true},
		{"http://a/x/${plate.number}/y", "%2%35%%32E", false},
		{"http://a/x/${plate.number}/y", "%%32e", true},
		{"http://a/x/${plate.number}/y", "../etc", true},
		{"http://a/x/${plate.number}/y", `..\etc`, true},
		{"http://a/x/${plate.number}/y", "b/%2e%2e%2fc", true},
		{"http://a/x/.${plate.number}/y", ".", true},
		{"http://a/x/%2e${plate.number}/y", ".", true},
		{"http://a/x/${plate.number}${plate.number}", ".", true},
		{"http://a/x/n${plate.number}/y", "..", false},
		{"http://a/x/${plate.number}/y", "...", false},
		{"http://a/x/${plate.number}/y", "A.B", false},
		{"http://a/x/${plate.number}/y", "%", false},
		{"http://a/x?n=${plate.number}", "../..", false},
		{"http://a/x#${plate.number}", "..", false},
	} {
		args, skip := filled(t, "plate", `{http: "`+c.address+`"}`, plate(func(p *engine.Plate) { p.Number = c.number }))
		if (skip == "a value is . or .. in the path") != c.skipped || !c.skipped && skip != "" {
			t.Errorf("%q in %s: %s", c.number, c.address, shown(args, skip))
		}
	}
	if dotSegment("http://a/" + strings.Repeat("%25", 1<<16) + "x") {
		t.Error("a row of % is taken for dots")
	}
}

func isJSONObject(b []byte) bool {
	var m map[string]any
	return json.Unmarshal(b, &m) == nil && len(m) == 2
}

func TestStepDefaults(t *testing.T) {
	rs := mustLoad(t, world+`rules:
  - name: r
    on: plate
    when: plate.on("residents")
    repeat: true
    cooldown: 30s
    limit: 5/1h
    mode: shadow
    per: plate
    do:
      - {relay: gate, pulse: 800ms}
      - {relay: porch, set: off, after: 2s}
      - {http: "https://u:secret@h/x?k=${plate.number}"}
      - {http: "https://h/x", retry: 3, wait: true, on_error: stop, timeout: 5s}
      - {http: "https://h/x", durable: true, sign: hook}
      - {plates: add, number: "${plate.number}", list: temporary}
      - {plates: update, number: "${plate.number}", list: temporary, phone: "1"}
      - {plates: move, number: "${plate.number}", list: temporary, to: allow}
      - {camera: gate, virtual_alarm: 17}
      - {camera: front, snapshot: true, expires: 10s, timeout: 20s}
      - {log: x, if: plate.reads > 1}
      - {flag: armed, set: false, for: 10m}
      - {flag: mode, set: 12}
    finally:
      - {relay: porch, set: on, expires: 10s}
`)
	r := rs.Rules[0]
	if !r.Repeat || r.Cooldown != 30*time.Second || r.Limit != (engine.Limit{Count: 5, Per: time.Hour}) || r.Mode != engine.ModeShadow || r.Per != engine.PerPlate {
		t.Errorf("%+v", r)
	}
	var got []string
	for _, s := range append(r.Do, r.Finally...) {
		line := fmt.Sprintf("%s | %s once=%v timeout=%s expires=%s retry=%d", s.Text, s.Verb(), s.TriedOnce(), s.Timeout, s.Expires, s.Retry)
		if s.Durable {
			line += " durable"
		}
		if s.If != nil {
			line += " if " + s.If.Text
		}
		if s.After > 0 {
			line += " after " + s.After.String()
		}
		if s.Wait {
			line += fmt.Sprintf(" wait stop=%v", s.Stop)
		}
		got = append(got, line)
	}
	want := []string{
		"relay gate pulse 800ms | relay once=true timeout=10s expires=3s retry=0",
		"relay porch off | relay once=true timeout=10s expires=0s retry=0 after 2s",
		"http GET https://***@h/x?k=${plate.number} | http once=true timeout=10s expires=3s retry=0",
		"http GET https://h/x | http once=false timeout=5s expires=24h0m0s retry=3 wait stop=true",
		"http GET https://h/x | http once=false timeout=10s expires=24h0m0s retry=0 durable",
		"plates add temporary | plates once=false timeout=10s expires=0s retry=0",
		"plates update temporary | plates once=false timeout=10s expires=0s retry=0",
		"plates move temporary to allow | plates once=false timeout=10s expires=0s retry=0",
		"camera gate virtual_alarm 17 | camera once=true timeout=10s expires=3s retry=0",
		"camera front snapshot | camera once=true timeout=20s expires=10s retry=0",
		"log x | log once=false timeout=10s expires=0s retry=0 if plate.reads > 1",
		"flag armed set false | flag once=false timeout=10s expires=0s retry=0",
		"flag mode set 12 | flag once=false timeout=10s expires=0s retry=0",
		"relay porch on | relay once=true timeout=10s expires=10s retry=0",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if a := r.Do[4].Args.(engine.HTTPArgs); a.Sign != "hook" {
		t.Errorf("%+v", a)
	}
	if a := r.Do[12].Args.(engine.FlagArgs); a.Set != (engine.Scalar{Type: engine.ScalarText, Text: "12"}) {
		t.Errorf("%+v", a)
	}
}

// TestWakesByItself shows that what grows with time is judged at the moment it reaches its bound, and not before.
func TestWakesByItself(t *testing.T) {
	for _, c := range []struct {
		rules string
		want  string
	}{
		{`  - {name: r, when: 'flag("armed").since > "5s"', do: [{log: x}]}`, "r at 5s"},
		{`  - {name: r, when: 'flag("armed").since >= "5s" && flag("armed").since < "7s"', do: [{log: x}], finally: [{log: y}]}`, "r at 5s, end at 7s"},
		{`  - {name: r, when: '!during("office")', do: [{log: x}]}`, "r at 6h0m0s"},
		{`  - {name: r, when: 'now.weekday == "tue"', do: [{log: x}]}`, "r at 12h0m0s"},
		{`  - {name: r, on: start, when: 'flag("armed")', hold: 1h, while: 'flag("armed").since <= "90s"', do: [{log: x}]}`, "r at 1s, end at 1m30s"},
		{`  - {name: r, when: 'max(flag("armed").since, flag("mode").since) > "5s"', do: [{log: x}]}`, "r at 5s"},
		{`  - {name: r, when: '(flag("armed").since ?? "0s") > "5s"', do: [{log: x}]}`, "r at 5s"},
		{`  - {name: r, when: 'flag("armed") ? flag("armed").since > "5s" : false', do: [{log: x}]}`, "r at 5s"},
	} {
		rs := mustLoad(t, world+"rules:\n"+c.rules+"\n")
		e, _ := engine.New(rs, engine.DefaultOptions(), engine.Instant{Wall: noon})
		var got []string
		note := func(ds []engine.Decision) {
			for _, d := range ds {
				switch d.Type {
				case engine.DecisionFiring:
					got = append(got, d.Rule.Name+" at "+d.At.Mono.Round(50*time.Millisecond).String())
				case engine.DecisionEnd:
					got = append(got, "end at "+d.At.Mono.Round(50*time.Millisecond).String())
				}
			}
		}
		note(e.Apply(engine.Instant{Mono: time.Second, Wall: noon.Add(time.Second)}, &engine.Event{Kind: engine.KindStart}))
		for range 20 {
			at, ok := e.Next()
			if !ok || at > 13*time.Hour {
				break
			}
			note(e.Advance(engine.Instant{Mono: at, Wall: noon.Add(at)}))
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.rules, s, c.want)
		}
	}
}

// TestPlatesWithoutACameraToCall: the cameras that `all` means are those of the site file that have a url.
func TestPlatesWithoutACameraToCall(t *testing.T) {
	const text = "rules:\n  - {name: r, on: start, do: [{plates: remove, number: AB12, list: block}]}\n"
	site := testSite()
	for _, c := range []struct {
		known map[string]CameraInfo
		want  string
	}{
		{nil, ""},
		{map[string]CameraInfo{"porch": {}, "gate": {URL: true}}, ""},
		{map[string]CameraInfo{"porch": {}, "gate": {}}, `rules.d/test.yaml:2:40: warning: rule "r": do 1: no camera has a url in the site file, so this is never done
    - {name: r, on: start, do: [{plates: remove, number: AB12, list: block}]}
                                         ^
`},
	} {
		site.Known = c.known
		_, problems := loadText(t, text, site)
		if got := listing(problems); got != c.want {
			t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
		}
	}
}
