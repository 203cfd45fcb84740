package web

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// fullLive, emptyLive and brokenLive fill the functions of a source: everything set, nothing there, errors.
func fullLive(s *Source) {
	s.Live = LiveSource{
		Hub:   NewHub(),
		Hello: func() Hello { return Hello{Now: at("2026-03-29T14:00:00Z"), Run: "20260329T135834.452Z"} },
		Missed: func(_ context.Context, after int64, most int) ([]StreamEntry, error) {
			return []StreamEntry{{ID: after + 1, Body: json.RawMessage(`{"id":8}`)}}, nil
		},
		Zones: func(context.Context) ([]Zone, error) {
			return []Zone{
				{Name: "porch", Kind: "zone", Camera: "front", Points: [][2]int32{{0, 0}, {10000, 0}, {10000, 10000}}, Anchor: "bottom", Classes: []string{"person"}, Margin: 150,
					Settle: ptr(Seconds(200 * time.Millisecond)), Linger: ptr(Seconds(time.Second)), File: "rules.d/zones.yaml", Line: 3, Rules: []string{"light"}},
				{Name: "kerb", Kind: "line", Camera: "front", Points: [][2]int32{{0, 6000}, {10000, 6000}}, In: "right", Anchor: "bottom", Margin: 100,
					File: "rules.d/zones.yaml", Line: 9, Import: "tripwire/1"},
			}, nil
		},
		Health: func(context.Context) ([]Trouble, error) {
			return []Trouble{{Level: "fault", Area: "camera", Name: "front", Text: "front is offline", Since: at("2026-03-29T13:58:46Z")}}, nil
		},
		Flags: func(context.Context) ([]Flag, error) {
			return []Flag{{Name: "armed", Value: true, Since: at("2026-03-29T13:58:46Z")}, {Name: "guests", Value: 2.0}}, nil
		},
		SetFlag: func(_ context.Context, name string, value any, _ string) (Flag, error) {
			return Flag{Name: name, Value: value, Since: at("2026-03-29T14:00:00Z")}, nil
		},
		Message: func(context.Context, Message) error { return nil },
	}
}

func emptyLive(s *Source) {
	s.Live = LiveSource{
		Hub:    NewHub(),
		Hello:  func() Hello { return Hello{} },
		Missed: func(context.Context, int64, int) ([]StreamEntry, error) { return nil, nil },
		Zones:  func(context.Context) ([]Zone, error) { return nil, nil },
		Health: func(context.Context) ([]Trouble, error) { return nil, nil },
		Flags:  func(context.Context) ([]Flag, error) { return nil, nil },
		SetFlag: func(_ context.Context, name string, _ any, _ string) (Flag, error) {
			return Flag{}, NotFoundError(`no flag is called "` + name + `"`)
		},
		Message: func(context.Context, Message) error { return nil },
	}
}

var errStopping = errors.New("the appliance is stopping")

func brokenLive(s *Source) {
	s.Live = LiveSource{
		Hello:  func() Hello { return Hello{} },
		Missed: func(context.Context, int64, int) ([]StreamEntry, error) { return nil, errStopping },
		Zones:  func(context.Context) ([]Zone, error) { return nil, errStopping },
		Health: func(context.Context) ([]Trouble, error) { return nil, errStopping },
		Flags:  func(context.Context) ([]Flag, error) { return nil, errStopping },
		SetFlag: func(context.Context, string, any, string) (Flag, error) {
			return Flag{}, BadQueryError("the flag armed is true or false")
		},
		Message: func(context.Context, Message) error { return errStopping },
	}
}

// liveCases are requests that TestDescription makes besides the plain ones.
func liveCases() []apiCase {
	end := func(s *Server) { s.source.Live.Hub.Close() }
	crowd := func(s *Server) {
		for range MaxStreams {
			s.source.Live.Hub.join()
		}
	}
	js := map[string]string{"Content-Type": "application/json"}
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	return []apiCase{
		{path: "/api/v1/stream", method: "GET", target: "/api/v1/stream", before: end, status: 200},
		{path: "/api/v1/stream", method: "GET", target: "/api/v1/stream?after=7", before: end, status: 200},
		{path: "/api/v1/stream", method: "GET", target: "/api/v1/stream?after=seven", status: 400},
		{path: "/api/v1/stream", method: "GET", target: "/api/v1/stream", before: crowd, status: 503},
		{path: "/api/v1/flags/{name}", method: "POST", target: "/api/v1/flags/armed", body: `{"set": true}`, header: js, status: 200},
		{path: "/api/v1/flags/{name}", method: "POST", target: "/api/v1/flags/armed", body: `{"set": [1]}`, header: js, status: 400},
		{path: "/api/v1/flags/{name}", method: "POST", target: "/api/v1/flags/armed", body: `{"set": 1}`, header: js, source: broken, status: 400},
		{path: "/api/v1/flags/{name}", method: "POST", target: "/api/v1/flags/armed", body: `{"set": 1}`, header: js, source: empty, status: 404},
		{path: "/api/v1/messages/{topic...}", method: "POST", target: "/api/v1/messages/gate/open", body: `{"user": "ann"}`, header: js, status: 204},
		{path: "/api/v1/messages/{topic...}", method: "POST", target: "/api/v1/messages/gate%2fopen", body: `null`, header: js, status: 204},
		{path: "/api/v1/messages/{topic...}", method: "POST", target: "/api/v1/messages/" + strings.Repeat("x", 257), body: `null`, header: js, status: 400},
		{path: "/api/v1/messages/{topic...}", method: "POST", target: "/api/v1/messages/a%07", body: `null`, header: js, status: 400},
		{path: "/api/v1/messages/{topic...}", method: "POST", target: "/api/v1/messages/a", body: `1e999`, header: js, status: 400},
		{path: "/api/v1/messages/{topic...}", method: "POST", target: "/api/v1/messages/a", body: deep(24), header: js, status: 204},
		{path: "/api/v1/messages/{topic...}", method: "POST", target: "/api/v1/messages/a", body: deep(25), header: js, status: 400},
		{path: "/api/v1/messages/{topic...}", method: "POST", target: "/api/v1/messages/a", body: `"` + strings.Repeat("[", 1000) + `\""`, header: js, status: 204},
		{path: "/api/v1/messages/{topic...}", method: "POST", target: "/api/v1/messages/a", body: `"` + strings.Repeat("x", 64<<10) + `"`, header: js, status: 413},
		{path: "/api/v1/messages/{topic...}", method: "POST", target: "/api/v1/messages/a", body: `1`, header: js, source: broken, status: 503},
	}
}
