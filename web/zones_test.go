package web

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// fullZones, emptyZones and brokenZones fill the functions of a source: everything set, nothing there, errors.
func fullZones(s *Source) {
	all := func() []DeviceZone {
		points := [][2]int32{{0, 0}, {9000, 0}, {9000, 9000}}
		return []DeviceZone{{"perimeter/1", "zone", points, "", points, "changed", "point 1 from [0, 0] to [1, 1]"}, {ID: "tripwire/1", Kind: "line", Direction: "both ways", State: "new"}}
	}
	s.Zones = ZoneSource{
		Edit: func(_ context.Context, e ZoneEdit) (ZoneEdited, error) {
			switch e.Was {
			case "none":
				return ZoneEdited{}, NotFoundError("there is no zone none in the rule files")
			case "odd":
				return ZoneEdited{}, RefusedError("zones.yaml: edit its text")
			case "bad":
				return ZoneEdited{}, RejectedError{[]Problem{{File: "zones.yaml", Message: "no YAML"}}}
			case "new":
				return ZoneEdited{Path: "zones.yaml", Text: "zones:\n"}, nil
			}
			return ZoneEdited{"zones.yaml", `"5f0c"`, "zones:\n", "zones: {}\n", []Problem{{File: "zones.yaml", Message: "m"}}}, nil
		},
		Imports: func(_ context.Context, camera string) ([]DeviceZone, error) {
			if camera != "front" {
				return nil, NotFoundError("no camera is called " + camera)
			}
			return all(), nil
		},
		Accept: func(context.Context, string, []string, string) ([]DeviceZone, error) { return all(), nil },
	}
}

func emptyZones(s *Source) {
	fullZones(s)
	s.Zones.Imports = func(context.Context, string) ([]DeviceZone, error) { return nil, nil }
}

func brokenZones(s *Source) {
	no := errors.New("not in time")
	s.Zones = ZoneSource{
		Edit:    func(context.Context, ZoneEdit) (ZoneEdited, error) { return ZoneEdited{}, no },
		Imports: func(context.Context, string) ([]DeviceZone, error) { return nil, no },
		Accept:  func(context.Context, string, []string, string) ([]DeviceZone, error) { return nil, no },
	}
}

const fullZoneEdit = `{"was": "porch", "kind": "zone", "file": "zones.yaml", "zone": {"name": "porch", "kind": "zone", "camera": "front",
	"points": [[0, 0], [9000, 0], [9000, 9000]], "in": "left", "anchor": "center", "classes": ["person"], "margin": 20, "settle": 0.2, "linger": 1, "import": "perimeter/1"}}`

// zonesCases are requests that TestDescription makes besides the plain ones.
func zonesCases() []apiCase {
	const edit, imports = "/api/v1/zones/edit", "/api/v1/cameras/{name}/imports"
	header := map[string]string{"Content-Type": "application/json"}
	return []apiCase{
		{path: edit, method: "POST", target: edit, body: fullZoneEdit, header: header, status: 200},
		{path: edit, method: "POST", target: edit, body: `{"was": "bad"}`, header: header, status: 422},
		{path: imports, method: "POST", target: "/api/v1/cameras/front/imports", body: `{"accept": ["perimeter/1"]}`, header: header, status: 200},
	}
}

func TestZoneEdits(t *testing.T) {
	var got *ZoneEdit
	source := full()
	edit := source.Zones.Edit
	source.Zones.Edit = func(ctx context.Context, e ZoneEdit) (ZoneEdited, error) { got = &e; return edit(ctx, e) }
	s := server(t, source)
	settle, linger, margin := Seconds(200*time.Millisecond), Seconds(time.Second), 20
	whole := &ZoneEdit{Was: "porch", Kind: "zone", File: "zones.yaml", Zone: &ZoneText{Name: "porch", Kind: "zone", Camera: "front", Points: [][2]int32{{0, 0}, {9000, 0}, {9000, 9000}},
		In: "left", Anchor: "center", Classes: []string{"person"}, Margin: &margin, Settle: &settle, Linger: &linger, Import: "perimeter/1"}}
	edited := `{"path":"zones.yaml","etag":"\"5f0c\"","before":"zones:\n","text":"zones: {}\n","problems":[{"file":"zones.yaml","message":"m","warning":false}]}` + "\n"
	many := strings.Repeat(`[0, 0],`, 64) + `[0, 0]`
	for _, c := range []struct {
		body string
		code int
		want string
		edit *ZoneEdit
	}{
		{fullZoneEdit, 200, edited, whole},
		{`{"was": "porch"}`, 200, edited, &ZoneEdit{Was: "porch"}},
		{`{"was": "new", "zone": {"kind": "line", "classes": [], "rules": ["a"], "file": "x", "line": 3}}`, 200, `{"path":"zones.yaml","before":"","text":"zones:\n","problems":[]}` + "\n",
			&ZoneEdit{Was: "new", Zone: &ZoneText{Kind: "line", Classes: []string{}, Rules: []any{"a"}, File: "x", Line: 3.0}}},
		{`{"was": "none"}`, 404, problemText(404, "Not Found", "there is no zone none in the rule files"), &ZoneEdit{Was: "none"}},
		{`{"was": "odd"}`, 409, problemText(409, "Conflict", "zones.yaml: edit its text"), &ZoneEdit{Was: "odd"}},
		{`{}`, 400, problemText(400, "Bad Request", wantZoneEdit), nil},
		{`{"zone": {"points": [[0.5, 0]]}}`, 400, problemText(400, "Bad Request", wantZoneEdit), nil},
		{`{"zone": {"points": [[99999999999, 0]]}}`, 400, problemText(400, "Bad Request", wantZoneEdit), nil},
		{`{"zone": {"colour": "red"}}`, 400, problemText(400, "Bad Request", wantZoneEdit), nil},
		{`{"was": "a", "kind": "spot"}`, 400, problemText(400, "Bad Request", `kind is zone or line, not "spot"`), nil},
		{`{"was": "a", "zone": {"name": "b"}}`, 400, problemText(400, "Bad Request", `kind is zone or line, not ""`), nil},
		{`{"was": "a", "kind": "line", "zone": {"kind": "zone"}}`, 400, problemText(400, "Bad Request", "a zone does not become a line, nor a line a zone"), nil},
		{`{"zone": {"kind": "zone", "name": "b"}}`, 400, problemText(400, "Bad Request", "a new zone or line needs a name and a camera"), nil},
		{`{"zone": {"kind": "zone", "name": "b", "camera": "c", "points": [` + many + `]}}`, 400, problemText(400, "Bad Request", "a zone has at most 64 points"), nil},
		{strings.Repeat(" ", 1<<15) + `{}`, 413, problemText(413, "Request Entity Too Large", "the body is longer than 32768 bytes"), nil},
	} {
		got = nil
		w := send(s, "POST", "/api/v1/zones/edit", c.body, "Content-Type", "application/json")
		if w.Code != c.code || w.Body.String() != c.want || !reflect.DeepEqual(got, c.edit) {
			t.Errorf("%.80s: %d %s, want %d %s\nasked %+v", c.body, w.Code, w.Body, c.code, c.want, got)
		}
	}
}

func TestImportsAreAccepted(t *testing.T) {
	var got []string
	source := full()
	source.Zones.Accept = func(_ context.Context, camera string, names []string, who string) ([]DeviceZone, error) {
		got = append([]string{camera, who}, names...)
		return nil, nil
	}
	s := server(t, source)
	const want = `want {"accept": ["perimeter/1"]} or {"accept": "all"}`
	for body, names := range map[string][]string{
		`{"accept": "all"}`:                      {},
		`{"accept": ["perimeter/1", "plate/1"]}`: {"perimeter/1", "plate/1"},
		`{}`:                                     nil,
		`{"accept": []}`:                         nil,
		`{"accept": ["all"]}`:                    nil,
		`{"accept": [1]}`:                        nil,
		`{"accept": "none"}`:                     nil,
		`{"accept": "all", "x":1}`:               nil,
		`{"accept": [` + strings.Repeat(`"a/1",`, 256) + `"a/1"]}`: nil,
	} {
		got = nil
		w := send(s, "POST", "/api/v1/cameras/front/imports", body, "Content-Type", "application/json")
		if names == nil {
			if w.Code != 400 || w.Body.String() != problemText(400, "Bad Request", want) || got != nil {
				t.Errorf("%.50s: %d %s, asked for %q", body, w.Code, w.Body, got)
			}
			continue
		}
		if w.Code != 200 || w.Body.String() != `{"items":[]}`+"\n" || len(got) != 2+len(names) || got[0] != "front" || !reflect.DeepEqual(got[2:], names) {
			t.Errorf("%.50s: %d %s, asked for %q", body, w.Code, w.Body, got)
		}
	}
}
