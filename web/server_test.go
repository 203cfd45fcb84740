package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/engine"
)

func at(s string) Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return Time{t}
}

func ptr[T any](v T) *T { return &v }

// fullCamera and the others below have every field set.
func fullCamera() Camera {
	return Camera{Name: "front", Online: true, LastSeen: at("2026-03-29T15:58:46.797+02:00"), Posts: 1300, FramesExpected: true, Frames: 1200, Rate: 7.1,
		ClockSkew: ptr(Seconds(-297 * time.Millisecond)), Problems: []CameraProblem{
			{Kind: "clock", Text: "its clock is 40 s behind: set NTP in the camera", Since: at("2026-03-29T13:50:00Z")}, {Text: "box 3 is inside out", Count: 2}},
		Device: true, SnapshotAt: at("2026-03-29T13:57:00Z")}
}

// filled gives a source the functions of every room.
func filled(how string, s Source) Source {
	for _, room := range map[string][]func(*Source){
		"full":   {fullSession, fullLive, fullRules, fullFiles, fullZones, fullJournal, fullPlates, fullSystem},
		"empty":  {emptySession, emptyLive, emptyRules, emptyFiles, emptyZones, emptyJournal, emptyPlates, emptySystem},
		"broken": {brokenSession, brokenLive, brokenRules, brokenFiles, brokenZones, brokenJournal, brokenPlates, brokenSystem},
	}[how] {
		room(&s)
	}
	return s
}

func full() Source {
	return filled("full", Source{
		Status: func(context.Context) (Status, error) {
			return Status{
				Version: "v0.1.0", Uptime: Seconds(90*time.Second + 800*time.Millisecond),
				Site: "Elm Street 4", Timezone: "Europe/Berlin", Now: at("2026-03-29T14:00:00Z"), Demo: true,
				Rules: Rules{Count: 3, Shadow: 1, Overridden: 1, Hash: "3fa1c0", LoadedAt: at("2026-03-29T13:58:46Z"), Problems: []Problem{{
					File: "rules.d/gate.yaml", Line: 7, Column: 12, Rule: "gate", Part: "when", Message: "unknown name plat", Suggestion: "plate",
					Source: "    when: plat.list == \"allow\"", Caret: "          ^", Warning: true,
				}}},
				Cameras: []Camera{fullCamera()},
				Counts:  map[string]uint64{"posts": 1300, "bad": 1},
				Journal: &JournalStatus{Head: &Head{ID: 7, Hash: "5f0c", At: at("2026-03-29T13:58:46Z")}, Written: 7, Dropped: 2, Waiting: 1, Bytes: 4096,
					Error: "the disk is full"},
				Recording: &RecordingStatus{Written: 70, Dropped: 1, Bytes: 8192, Error: "the disk is full"},
			}, nil
		},
		Relays: func(context.Context) ([]Relay, error) {
			return []Relay{
				{Name: "gate", On: true, Since: at("2026-03-29T13:58:46.7979Z"), Cause: `rule "gate"`, MaxOn: Seconds(5 * time.Second), Fault: "the line could not be driven",
					Who: "console at 127.0.0.1", Waits: true, Today: 3, DailyCap: 50, Confirm: true, OffAt: at("2026-03-29T13:58:47.598Z"),
					Pulse: Seconds(800 * time.Millisecond), Camera: "front", Rules: []string{"gate"}},
				{Name: "porch", MaxOn: Seconds(12 * time.Hour)},
			}, nil
		},
		Cameras: func(context.Context) ([]Camera, error) {
			return []Camera{fullCamera(), {Name: "gate"}}, nil
		},
		Targets: func(context.Context) ([]Target, error) {
			return []Target{
				{ID: 2157, Camera: "front", Class: "person", Box: [4]int32{4403, 694, 5909, 8125}, Zones: map[string]Seconds{"porch": Seconds(1400 * time.Millisecond)},
					Heading: ptr(90.0), Speed: ptr(850.5), Age: Seconds(3 * time.Second)},
				{ID: 18446744073709551615, Camera: "front"},
			}, nil
		},
		UnknownDevices: func(context.Context) ([]Device, error) {
			return []Device{{Name: "Back", MAC: "58:5b:69:5f:42:1b", SN: "I421B0Z1173Q", Address: "192.168.0.60", Channel: 1, Remote: "192.168.0.61",
				FirstSeen: at("2026-03-29T13:58:46Z"), LastSeen: at("2026-03-29T13:59:46Z"), Posts: 61, Kind: "heartbeat", Cameras: []string{"a", "b"},
				Reason: "it fits more than one camera", Adopt: "back: {match: {ip: 192.168.0.61}}"}}, nil
		},
		Ready: func(context.Context) []string { return nil },
		Why:   func(context.Context, string) (Why, error) { return fullWhy(), nil },
		Contacts: func(context.Context) ([]Contact, error) {
			return []Contact{{Name: "door", On: ptr(true), Since: at("2026-03-29T13:58:46Z")}, {Name: "bell"}}, nil
		},
		Command: func(_ context.Context, c Command) (Relay, error) {
			return Relay{Name: c.Relay, On: true, Cause: fmt.Sprintf("set %q pulse %v clear %v", c.Set, c.Pulse, c.Clear), Who: c.Who}, nil
		},
		Journal: func(_ context.Context, q JournalQuery) ([]json.RawMessage, string, error) {
			if q.Cursor == "bad" {
				return nil, "", BadQueryError("cursor: bad is none")
			}
			return []json.RawMessage{json.RawMessage(`{"id":7,"at":"2026-03-29T13:58:46.000Z","kind":"firing","rule":"gate"}`)}, "8", nil
		},
		Outbox: func(context.Context) ([]Parcel, error) {
			t := at("2026-03-29T13:58:46Z")
			return []Parcel{{ID: "k3v-1-0", To: "https://example.com", Rule: "gate", Key: "gate/#1", Step: "http POST", Created: t, Due: t, Expires: t, Tries: 1, Next: t,
				Reason: "no answer"}}, nil
		},
		Cancel: func(context.Context, string, string) error { return nil },
	})
}

func fullWhy() Why {
	happening := engine.Happening{At: at("2026-03-29T13:58:46.797Z").Time, Type: engine.DecisionSuppressed, Key: "front/2157", Step: "relay gate pulse 800ms", Reason: "min_off"}
	part := &engine.Part{Op: "and", Text: "dwell and inside", Answer: engine.False, Parts: []engine.Part{
		{Text: `dwell("porch") > "2s"`, Missing: true, Values: []engine.Reading{{Name: `dwell("porch")`, Value: "1.7s", Bound: &engine.Bound{Value: "2s", Off: 150}}}},
		{Text: `inside("porch")`, Answer: engine.Unknown},
	}}
	return Why{
		Rule: "gate", File: "rules.d/gate.yaml", Line: 7, At: at("2026-03-29T13:58:46.797Z"),
		Looks: []*engine.Explanation{{
			Rule: "gate", File: "rules.d/gate.yaml", Line: 7, At: at("2026-03-29T13:58:46.797Z").Time, Kind: engine.KindTarget, Key: "front/2157", Camera: "front",
			Target: 2157, HasTarget: true, Plate: "ABC1234", Answer: engine.False, When: part, While: part, State: "pending", For: 1700 * time.Millisecond,
			Held: "for", Left: 300 * time.Millisecond, Did: []engine.Happening{happening},
		}},
		Happenings: []engine.Happening{happening},
	}
}

func empty() Source {
	return filled("empty", Source{
		Status:         func(context.Context) (Status, error) { return Status{Cameras: []Camera{{Name: "gate"}}}, nil },
		Relays:         func(context.Context) ([]Relay, error) { return nil, nil },
		Cameras:        func(context.Context) ([]Camera, error) { return nil, nil },
		Targets:        func(context.Context) ([]Target, error) { return nil, nil },
		UnknownDevices: func(context.Context) ([]Device, error) { return nil, nil },
		Ready:          func(context.Context) []string { return nil },
		Why: func(_ context.Context, rule string) (Why, error) {
			if rule == "bare" {
				return Why{Rule: rule}, nil
			}
			return Why{}, NotFoundError(fmt.Sprintf("there is no rule %q", rule))
		},
		Contacts: func(context.Context) ([]Contact, error) { return nil, nil },
		Command: func(_ context.Context, c Command) (Relay, error) {
			return Relay{}, RefusedError(fmt.Sprintf("relay %q refuses: fault", c.Relay))
		},
		Journal: func(context.Context, JournalQuery) ([]json.RawMessage, string, error) { return nil, "", nil },
		Outbox:  func(context.Context) ([]Parcel, error) { return nil, nil },
		Cancel:  func(_ context.Context, id, _ string) error { return NotFoundError("nothing waits under the id " + id) },
	})
}

func broken() Source {
	err := errors.New("the loop is stopping")
	return filled("broken", Source{
		Status:         func(context.Context) (Status, error) { return Status{}, err },
		Relays:         func(context.Context) ([]Relay, error) { return nil, err },
		Cameras:        func(context.Context) ([]Camera, error) { return nil, err },
		Targets:        func(context.Context) ([]Target, error) { return nil, err },
		UnknownDevices: func(context.Context) ([]Device, error) { return nil, err },
		Why:            func(context.Context, string) (Why, error) { return Why{}, err },
		Contacts:       func(context.Context) ([]Contact, error) { return nil, err },
		Command:        func(context.Context, Command) (Relay, error) { return Relay{}, err },
		Journal:        func(context.Context, JournalQuery) ([]json.RawMessage, string, error) { return nil, "", err },
		Outbox:         func(context.Context) ([]Parcel, error) { return nil, err },
		Cancel:         func(context.Context, string, string) error { return err },
		Ready: func(context.Context) []string {
			return []string{"the rules have 2 errors", `relay "gate" is not held`}
		},
	})
}

func server(t *testing.T, s Source) *Server {
	t.Helper()
	v, err := New(Config{Source: s})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func ask(s *Server, method, target, host string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Host = host
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func problemText(status int, title, detail string) string {
	return fmt.Sprintf(`{"type":"about:blank","title":%q,"status":%d,"detail":%q}`+"\n", title, status, detail)
}

const (
	frontJSON = `{"name":"front","online":true,"last_seen":"2026-03-29T13:58:46.797Z","posts":1300,"frames_expected":true,"frames":1200,"rate":7.1,"clock_skew":-0.297,` +
		`"problems":[{"kind":"clock","text":"its clock is 40 s behind: set NTP in the camera","since":"2026-03-29T13:50:00.000Z"},{"text":"box 3 is inside out","count":2}],"device":true,"snapshot_at":"2026-03-29T13:57:00.000Z"}`
	happeningJSON = `{"at":"2026-03-29T13:58:46.797Z","type":"suppressed","key":"front/2157","step":"relay gate pulse 800ms","reason":"min_off"}`
	partJSON      = `{"op":"and","text":"dwell and inside","answer":"false","parts":[{"text":"dwell(\"porch\") > \"2s\"","answer":"false","missing":true,` +
		`"values":[{"name":"dwell(\"porch\")","value":"1.7s","bound":{"value":"2s","off":150}}]},{"text":"inside(\"porch\")","answer":"unknown"}]}`
	gateJSON = `{"name":"gate","online":false,"posts":0,"frames":0,"rate":0,"problems":[],"device":false}`
)

func TestAnswers(t *testing.T) {
	const js, text, errs = "application/json", "text/plain; charset=utf-8", "application/problem+json"
	stopping := problemText(503, "Service Unavailable", "the loop is stopping")
	none := func(p string) string {
		return problemText(404, "Not Found", `there is nothing at "`+p+`"; /api/v1/openapi.yaml lists what there is`)
	}
	for _, c := range []struct {
		source            Source
		path              string
		status            int
		contentType, body string
	}{
		{full(), "/healthz", 200, text, "ok\n"},
		{full(), "/readyz", 200, text, "ok\n"},
		{full(), "/api/v1/status", 200, js, `{"version":"v0.1.0","site":"Elm Street 4","timezone":"Europe/Berlin","now":"2026-03-29T14:00:00.000Z","uptime":90.8,"demo":true,"rules":{"hash":"3fa1c0","loaded_at":"2026-03-29T13:58:46.000Z",` +
			`"problems":[{"file":"rules.d/gate.yaml","line":7,"column":12,"rule":"gate","part":"when","message":"unknown name plat","suggestion":"plate",` +
			`"source":"    when: plat.list == \"allow\"","caret":"          ^","warning":true}],"count":3,"shadow":1,"overridden":1},"cameras":[` + frontJSON + `],"counts":{"bad":1,"posts":1300},"journal":{"head":{"id":7,"hash":"5f0c","at":"2026-03-29T13:58:46.000Z"},"written":7,"dropped":2,"waiting":1,"bytes":4096,"error":"the disk is full"},"recording":{"written":70,"dropped":1,"bytes":8192,"error":"the disk is full"}}` + "\n"},
		{full(), "/api/v1/relays", 200, js, `{"items":[{"name":"gate","on":true,"since":"2026-03-29T13:58:46.797Z","cause":"rule \"gate\"","who":"console at 127.0.0.1","max_on":5,` +
			`"fault":"the line could not be driven","waits":true,"today":3,"daily_cap":50,"confirm":true,"off_at":"2026-03-29T13:58:47.598Z","pulse":0.8,"camera":"front","rules":["gate"]},` +
			`{"name":"porch","on":false,"max_on":43200,"today":0,"confirm":false,"rules":[]}]}` + "\n"},
		{full(), "/api/v1/cameras", 200, js, `{"items":[` + frontJSON + "," + gateJSON + "]}\n"},
		{full(), "/api/v1/cameras/front", 200, js, frontJSON + "\n"},
		{full(), "/api/v1/cameras/gate", 200, js, gateJSON + "\n"},
		{full(), "/api/v1/targets", 200, js, `{"items":[{"id":2157,"camera":"front","class":"person","box":[4403,694,5909,8125],"zones":{"porch":1.4},` +
			`"heading":90,"speed":850.5,"age":3},{"id":18446744073709551615,"camera":"front","box":[0,0,0,0],"zones":{},"age":0}]}` + "\n"},
		{full(), "/api/v1/devices/unknown", 200, js, `{"items":[{"name":"Back","mac":"58:5b:69:5f:42:1b","sn":"I421B0Z1173Q","address":"192.168.0.60","channel":1,` +
			`"remote":"192.168.0.61","first_seen":"2026-03-29T13:58:46.000Z","last_seen":"2026-03-29T13:59:46.000Z","posts":61,"kind":"heartbeat","cameras":["a","b"],` +
			`"reason":"it fits more than one camera","adopt":"back: {match: {ip: 192.168.0.61}}"}]}` + "\n"},
		{full(), "/api/v1/rules/gate%20for%20all/why", 200, js, `{"rule":"gate","file":"rules.d/gate.yaml","line":7,"at":"2026-03-29T13:58:46.797Z","looks":[` +
			`{"rule":"gate","file":"rules.d/gate.yaml","line":7,"at":"2026-03-29T13:58:46.797Z","kind":"target","key":"front/2157","camera":"front","target":2157,` +
			`"plate":"ABC1234","answer":"false","while":` + partJSON + `,"when":` + partJSON + `,"state":"pending","for":1.7,"held":"for","left":0.3,"did":[` + happeningJSON + `]}` + `],"happenings":[` + happeningJSON + "]}\n"},

		{empty(), "/api/v1/rules/bare/why", 200, js, `{"rule":"bare","looks":[],"happenings":[]}` + "\n"},
		{empty(), "/api/v1/rules/a%20b/why", 404, errs, problemText(404, "Not Found", `there is no rule "a b"`)},
		{empty(), "/api/v1/status", 200, js, `{"version":"","site":"","timezone":"","now":"0001-01-01T00:00:00.000Z","uptime":0,"demo":false,"rules":{"problems":[],"count":0,"shadow":0,"overridden":0},"cameras":[` + gateJSON + `],"counts":{}}` + "\n"},
		{empty(), "/api/v1/relays", 200, js, `{"items":[]}` + "\n"},
		{empty(), "/api/v1/cameras", 200, js, `{"items":[]}` + "\n"},
		{empty(), "/api/v1/targets", 200, js, `{"items":[]}` + "\n"},
		{empty(), "/api/v1/devices/unknown", 200, js, `{"items":[]}` + "\n"},
		{empty(), "/api/v1/cameras/gate", 404, errs, problemText(404, "Not Found", `no camera is called "gate"`)},
		{empty(), "/api/v1/cameras/" + strings.Repeat("x", 100), 404, errs,
			problemText(404, "Not Found", `no camera is called "`+strings.Repeat("x", 64)+`…"`)},
		{empty(), "/api/v1/cameras/%1b%5b2J", 404, errs, problemText(404, "Not Found", `no camera is called "\x1b[2J"`)},

		{broken(), "/healthz", 200, text, "ok\n"},
		{broken(), "/readyz", 503, errs, `{"type":"about:blank","title":"Service Unavailable","status":503,` +
			`"detail":"the rules have 2 errors; relay \"gate\" is not held","reasons":["the rules have 2 errors","relay \"gate\" is not held"]}` + "\n"},
		{broken(), "/api/v1/status", 503, errs, stopping},
		{broken(), "/api/v1/relays", 503, errs, stopping},
		{broken(), "/api/v1/cameras", 503, errs, stopping},
		{broken(), "/api/v1/cameras/front", 503, errs, stopping},
		{broken(), "/api/v1/targets", 503, errs, stopping},
		{broken(), "/api/v1/devices/unknown", 503, errs, stopping},
		{broken(), "/api/v1/rules/gate/why", 503, errs, stopping},

		{full(), "/favicon.ico", 404, errs, none("/favicon.ico")},
		{full(), "/static/index.html", 404, errs, none("/static/index.html")},
		{full(), "/api/v1/", 404, errs, none("/api/v1/")},
		{full(), "/api/v1/cameras/", 404, errs, none("/api/v1/cameras/")},
		{full(), "/api/v1/../../healthz", 404, errs, none("/api/v1/../../healthz")},
		{full(), "/api/v1/cameras/front%2f..%2fgate", 404, errs, none("/api/v1/cameras/front/../gate")},
		{full(), "//healthz", 404, errs, none("//healthz")},
		{full(), "/<script>", 404, errs, none("/<script>")},
	} {
		w := ask(server(t, c.source), "GET", "http://x"+c.path, "localhost:8080")
		if w.Code != c.status || w.Header().Get("Content-Type") != c.contentType || w.Body.String() != c.body {
			t.Errorf("%s: %d %s\n%s\nwant %d %s\n%s", c.path, w.Code, w.Header().Get("Content-Type"), w.Body, c.status, c.contentType, c.body)
		}
		for name, want := range map[string]string{
			"Cache-Control":                "no-store",
			"Content-Length":               fmt.Sprint(len(c.body)),
			"Content-Security-Policy":      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Referrer-Policy":              "no-referrer",
			"X-Content-Type-Options":       "nosniff",
			"Access-Control-Allow-Origin":  "",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", c.path, name, got, want)
			}
		}
	}
}

func TestANumberThatIsNoneIsAnError(t *testing.T) {
	s := full()
	s.Cameras = func(context.Context) ([]Camera, error) { return []Camera{{Name: "front", Rate: math.NaN()}}, nil }
	w := ask(server(t, s), "GET", "/api/v1/cameras", "localhost")
	if want := problemText(500, "Internal Server Error", "json: unsupported value: NaN"); w.Code != 500 || w.Body.String() != want {
		t.Errorf("%d %s, want %s", w.Code, w.Body, want)
	}
}

func TestOnlyTheMethodsThereAre(t *testing.T) {
	s := server(t, full())
	for _, r := range s.routes {
		target := strings.NewReplacer("{$}", "", "{name}", "front", "{id}", "k3v", "{topic...}", "gate/open").Replace(r.pattern)
		allowed := slices.Sorted(maps.Keys(r.methods))
		want := problemText(405, "Method Not Allowed", "only "+strings.Join(allowed, " and ")+" is taken here")
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "get", "X"} {
			if slices.Contains(allowed, method) {
				continue
			}
			w := ask(s, method, target, "localhost")
			if w.Code != 405 || w.Header().Get("Allow") != strings.Join(allowed, ", ") || w.Body.String() != want {
				t.Errorf("%s %s: %d, Allow %q, %s", method, target, w.Code, w.Header().Get("Allow"), w.Body)
			}
		}
	}
}

func TestHost(t *testing.T) {
	s := server(t, full())
	for _, host := range []string{
		"localhost", "LocalHost", "localhost:8080", "localhost:1", "127.0.0.1", "127.0.0.1:8080", "127.1.2.3:65535", "[::1]", "[::1]:8080",
		"[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]:80",
	} {
		if w := ask(s, "GET", "/healthz", host); w.Code != 200 {
			t.Errorf("%q: %d %s", host, w.Code, w.Body)
		}
	}
	for _, host := range []string{
		"", "evil.example", "evil.example:8080", "localhost.evil.example", "evil.localhost", "localhost.", "localhost@evil.example", "evil.example@localhost",
		"localhost:", "localhost:x", "localhost:+1", "localhost:65536", "localhost:80:80", "localhost, evil.example", " localhost", "localhost ",
		"127.0.0.1.evil.example", "127.0.0.1.", "127.1", "127.0.0.01", "2130706433", "0x7f.0.0.1", "0.0.0.0", "0", "192.168.0.1:8080", "10.0.0.1",
		"::1", "[::1", "::1]", "[::1]x", "[::1]:", "[::1]8080", "[::1%lo]", "[::2]", "[::]", "[localhost]", "[127.0.0.1]", "[]", "[]:80", ":8080",
		"[::ffff:10.0.0.1]", "lоcalhost", "localhost\x00", "localhost/", "localhost#", "[[::1]]",
	} {
		for _, path := range []string{"/", "/healthz", "/api/v1/status", "/nothing"} {
			w := ask(s, "GET", path, host)
			if want := http.StatusForbidden; w.Code != want || !strings.HasSuffix(w.Body.String(), `is not this machine: use localhost or 127.0.0.1"}`+"\n") {
				t.Errorf("%q: %d %s", host, w.Code, w.Body)
			}
		}
	}
	w := ask(s, "GET", "/", "evil.example:8080")
	if want := problemText(403, "Forbidden", `the Host "evil.example:8080" is not this machine: use localhost or 127.0.0.1`); w.Body.String() != want {
		t.Errorf("%s, want %s", w.Body, want)
	}
}

func FuzzHost(f *testing.F) {
	for _, s := range []string{"localhost:80", "[::1]:80", "127.0.0.1", "evil.example", "[", "]:", "127.0.0.1:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if !loopbackHost(host) {
			return
		}
		name := host
		if h, _, err := net.SplitHostPort(host); err == nil {
			name = h
		}
		name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
		if ip := net.ParseIP(name); !strings.EqualFold(name, "localhost") && (ip == nil || !ip.IsLoopback()) {
			t.Errorf("%q was taken for this machine", host)
		}
	})
}

func TestNewWantsAWholeSource(t *testing.T) {
	for name, take := range map[string]func(*Source){
		"Status":         func(s *Source) { s.Status = nil },
		"Relays":         func(s *Source) { s.Relays = nil },
		"Cameras":        func(s *Source) { s.Cameras = nil },
		"Targets":        func(s *Source) { s.Targets = nil },
		"UnknownDevices": func(s *Source) { s.UnknownDevices = nil },
		"Ready":          func(s *Source) { s.Ready = nil },
		"Why":            func(s *Source) { s.Why = nil },
		"Contacts":       func(s *Source) { s.Contacts = nil },
		"Command":        func(s *Source) { s.Command = nil },
		"Journal":        func(s *Source) { s.Journal = nil },
		"Outbox":         func(s *Source) { s.Outbox = nil },
		"Cancel":         func(s *Source) { s.Cancel = nil },
	} {
		s := full()
		take(&s)
		if _, err := New(Config{Source: s}); err == nil || err.Error() != "console: the source has no "+name+" function" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestListenOnlyOnLoopback(t *testing.T) {
	const open = " can be reached from other machines, and only the site file can say that it may be: use "
	for address, want := range map[string]string{
		"0.0.0.0:8080":          `console: "0.0.0.0:8080"` + open + `"127.0.0.1:8080"`,
		":8080":                 `console: ":8080"` + open + `"127.0.0.1:8080"`,
		"[::]:8080":             `console: "[::]:8080"` + open + `"127.0.0.1:8080"`,
		"192.168.0.53:80":       `console: "192.168.0.53:80"` + open + `"127.0.0.1:80"`,
		"sallyport.local:80":    `console: "sallyport.local:80"` + open + `"127.0.0.1:80"`,
		"127.0.0.1.evil.com:80": `console: "127.0.0.1.evil.com:80"` + open + `"127.0.0.1:80"`,
		"[::ffff:10.0.0.1]:80":  `console: "[::ffff:10.0.0.1]:80"` + open + `"127.0.0.1:80"`,
		"127.0.0.1":             `console: "127.0.0.1" is not host:port (try "127.0.0.1:8080")`,
		"":                      `console: "" is not host:port (try "127.0.0.1:8080")`,
		"::1:80":                `console: "::1:80" is not host:port (try "127.0.0.1:8080")`,
		"127.0.0.1:99999":       `console: address 99999: invalid port`,
	} {
		if l, err := Listen(address, false); err == nil || err.Error() != want {
			t.Errorf("%s: %v, %v\nwant %s", address, l, err, want)
		}
	}
	for _, address := range []string{"127.0.0.1:0", "127.7.7.7:0", "localhost:0", "[::ffff:127.0.0.1]:0", "[::1]:0"} {
		l, err := Listen(address, false)
		if err != nil {
			if strings.HasPrefix(address, "[::1]") { // a machine without IPv6
				continue
			}
			t.Error(err)
			continue
		}
		if !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
			t.Errorf("%s: listens on %s", address, l.Addr())
		}
		if second, err := Listen(l.Addr().String(), false); err == nil || err.Error() != "console: listen tcp "+l.Addr().String()+": bind: address already in use" {
			t.Errorf("%s twice: %v, %v", address, second, err)
		}
		_ = l.Close()
	}
}

// pipes is a listener whose connections are made by dial, without a network.
type pipes struct {
	addr   net.Addr
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes(a net.Addr) *pipes { return &pipes{a, make(chan net.Conn), make(chan struct{})} }

func (p *pipes) dial() net.Conn {
	a, b := net.Pipe()
	p.conns <- b
	return a
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return p.addr }

func TestServeOnlyOnLoopback(t *testing.T) {
	for _, c := range []struct {
		addr net.Addr
		want string
	}{
		{&net.TCPAddr{IP: net.IPv4zero, Port: 80}, `console: "0.0.0.0:80" can be reached from other machines, and only the site file can say that it may be: use "127.0.0.1:80"`},
		{&net.UnixAddr{Name: "/run/x", Net: "unix"}, `console: "/run/x" is not a TCP address`},
	} {
		l := newPipes(c.addr)
		if err := server(t, full()).Serve(l); err == nil || err.Error() != c.want {
			t.Errorf("%v\nwant %s", err, c.want)
		}
		select {
		case <-l.closed:
		default:
			t.Errorf("%v was left open", c.addr)
		}
	}
}

var loopback = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}

// run serves in a bubble, and gives the channel on which Serve's error comes.
func run(s *Server) (*pipes, chan error) {
	l, done := newPipes(loopback), make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	return l, done
}

func TestSlowCallersAreCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := server(t, full())
		l, done := run(s)
		for sent, want := range map[string]time.Duration{
			"":                                   headerTime,
			"GET / HTTP/1.1\r\nHost: local":      headerTime,
			"GET /healthz HTTP/1.1\r\nHost: x\r": headerTime,
			"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n": readTime,
			"GET /healthz HTTP/1.1\r\nHost: localhost\r\nAccept: a/b\r\n\r\n": idleTime,
		} {
			c, began := l.dial(), time.Now()
			go func() { _, _ = io.WriteString(c, sent) }()
			_, _ = io.Copy(io.Discard, c)
			if got := time.Since(began); got != want {
				t.Errorf("%q: cut off after %v, want %v", sent, got, want)
			}
			_ = c.Close()
		}
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestASourceHasItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := full()
		src.Status = func(ctx context.Context) (Status, error) {
			<-ctx.Done()
			return Status{}, fmt.Errorf("the loop did not answer: %w", ctx.Err())
		}
		began := time.Now()
		w := ask(server(t, src), "GET", "/api/v1/status", "localhost")
		want := problemText(503, "Service Unavailable", "the loop did not answer: context deadline exceeded")
		if w.Body.String() != want || time.Since(began) != AnswerTime {
			t.Errorf("after %v: %s", time.Since(began), w.Body)
		}
	})
}

func TestShutdown(t *testing.T) {
	held := func() (Source, chan struct{}) {
		src, release := full(), make(chan struct{})
		src.Relays = func(context.Context) ([]Relay, error) {
			<-release
			return nil, nil
		}
		return src, release
	}
	const get = "GET /api/v1/relays HTTP/1.1\r\nHost: localhost\r\n\r\n"
	t.Run("waits for answers, not for idle or silent callers", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			src, release := held()
			s := server(t, src)
			l, done := run(s)
			silent, idle, busy := l.dial(), l.dial(), l.dial()
			_, _ = io.WriteString(idle, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
			if r, err := http.ReadResponse(bufio.NewReader(idle), nil); err != nil || r.StatusCode != 200 {
				t.Fatal(r, err)
			}
			_, _ = io.WriteString(busy, get)
			synctest.Wait()
			began, down := time.Now(), make(chan error, 1)
			go func() { down <- s.Shutdown(t.Context()) }()
			synctest.Wait()
			if err := <-done; err != nil {
				t.Error(err)
			}
			if _, err := silent.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("the silent caller: %v", err)
			}
			time.Sleep(time.Second)
			close(release)
			r, err := http.ReadResponse(bufio.NewReader(busy), nil)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(r.Body); string(body) != `{"items":[]}`+"\n" || err != nil {
				t.Errorf("%q, %v", body, err)
			}
			if err := <-down; err != nil {
				t.Error(err)
			}
			if d := time.Since(began); d > 2*time.Second {
				t.Errorf("took %v", d)
			}
		})
	})
	t.Run("cuts off what takes too long", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			src, release := held()
			s := server(t, src)
			l, done := run(s)
			busy := l.dial()
			_, _ = io.WriteString(busy, get)
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			began := time.Now()
			err := s.Shutdown(ctx)
			if want := "console: answers under way were cut off: context deadline exceeded"; err == nil || err.Error() != want || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v, want %s", err, want)
			}
			if d := time.Since(began); d != 2*time.Second {
				t.Errorf("took %v", d)
			}
			if _, err := busy.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("the caller: %v", err)
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
			close(release)
		})
	})
	t.Run("before it serves", func(t *testing.T) {
		s := server(t, full())
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		l := newPipes(loopback)
		if err := s.Serve(l); err != nil {
			t.Error(err)
		}
		<-l.closed
	})
}

// TestRawRequests sends bytes over a real port, as hostile callers do.
func TestRawRequests(t *testing.T) {
	s := server(t, full())
	l, err := Listen("127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	defer func() {
		if err := errors.Join(s.Shutdown(context.Background()), <-done); err != nil {
			t.Error(err)
		}
	}()
	for _, c := range []struct {
		request string
		want    string // the status line
	}{
		{"GET /healthz HTTP/1.1\r\nHost: " + l.Addr().String() + "\r\n", "HTTP/1.1 200 OK"},
		{"GET http://localhost/healthz HTTP/1.1\r\nHost: evil.example\r\n", "HTTP/1.1 200 OK"}, // the target counts, as RFC 9112 says; a browser never sends one
		{"GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n", "HTTP/1.1 403 Forbidden"},
		{"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n", "HTTP/1.1 403 Forbidden"},
		{"GET /healthz HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost\r\n", "HTTP/1.1 403 Forbidden"},
		{"GET /healthz HTTP/1.1\r\nHost:\r\n", "HTTP/1.1 403 Forbidden"},
		{"GET /healthz HTTP/1.0\r\n", "HTTP/1.0 403 Forbidden"},
		{"GET /healthz HTTP/1.1\r\n", "HTTP/1.1 400 Bad Request: missing required Host header"},
		{"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n", "HTTP/1.1 400 Bad Request"},
		{"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n", "HTTP/1.1 404 Not Found"},
		{"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n", "HTTP/1.1 404 Not Found"},
		{"POST /api/v1/relays/gate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n", "HTTP/1.1 400 Bad Request"},
		{"POST /api/v1/relays HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n", "HTTP/1.1 405 Method Not Allowed"},
		{"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n", "HTTP/1.1 431 Request Header Fields Too Large"},
		{"GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n", "HTTP/1.1 200 OK"},
		{"GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: x\r\n", "HTTP/1.1 501 Not Implemented"},
		{"\x16\x03\x01\x02\x00", "HTTP/1.1 400 Bad Request"},
	} {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		// The server may answer and close before it has read all of a request that is too long.
		_, _ = io.WriteString(conn, c.request+"Connection: close\r\n\r\n")
		got, err := bufio.NewReader(conn).ReadString('\n')
		if strings.TrimSuffix(got, "\r\n") != c.want {
			t.Errorf("%.80q: %q, %v, want %q", c.request, got, err, c.want)
		}
		_ = conn.Close()
	}
}
