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
		Snapshot: func(context.Context, string, bool) (Picture, error) {
			return Picture{At: at("2026-03-29T13:58:46Z").Time, JPEG: []byte("\xff\xd8\xff\xe0 a picture \xff\xd9")}, nil
		},
		Tracks: func(_ context.Context, q TrackQuery) ([]Track, time.Time, error) {
			return []Track{{ID: 2157, Class: "person", From: at("2026-03-29T13:58:46Z"), To: at("2026-03-29T13:58:49Z"), Points: [][3]int32{{0, 100, 200}, {3000, 400, 500}}}},
				at("2026-03-29T13:00:00Z").Time, nil
		},
		Target: func(_ context.Context, camera string, id uint64) (TargetFacts, error) {
			return TargetFacts{Target: Target{ID: id, Camera: camera}, Rules: []TargetRule{{Rule: "gate", State: "pending", Look: fullWhy().Looks[0]}, {Rule: "light", State: "idle"}}}, nil
		},
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
		Snapshot: func(_ context.Context, camera string, _ bool) (Picture, error) {
			return Picture{}, NotFoundError("there is no picture of camera \"" + camera + "\" yet")
		},
		Tracks: func(context.Context, TrackQuery) ([]Track, time.Time, error) { return nil, time.Time{}, nil },
		Target: func(context.Context, string, uint64) (TargetFacts, error) { return TargetFacts{}, nil },
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
		Snapshot: func(context.Context, string, bool) (Picture, error) {
			return Picture{}, RefusedError("camera front has no url in the site file, so it cannot be asked")
		},
		Tracks: func(context.Context, TrackQuery) ([]Track, time.Time, error) { return nil, time.Time{}, errStopping },
		Target: func(context.Context, string, uint64) (TargetFacts, error) { return TargetFacts{}, errStopping },
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
		{path: "/api/v1/cameras/{name}/snapshot", method: "GET", target: "/api/v1/cameras/front/snapshot?fresh=1", status: 200},
		{path: "/api/v1/cameras/{name}/snapshot", method: "GET", target: "/api/v1/cameras/front/snapshot?fresh=1", source: broken, status: 409},
		{path: "/api/v1/cameras/{name}/snapshot", method: "GET", target: "/api/v1/cameras/front/snapshot", source: empty, status: 404},
		{path: "/api/v1/cameras/{name}/tracks", method: "GET", target: "/api/v1/cameras/front/tracks?since=2026-03-29T00:00:00Z&until=2026-03-30T00:00:00Z&limit=2000&cursor=2026-03-29T13:00:00Z", status: 200},
		{path: "/api/v1/cameras/{name}/tracks", method: "GET", target: "/api/v1/cameras/front/tracks?since=today", status: 400},
		{path: "/api/v1/cameras/{name}/tracks", method: "GET", target: "/api/v1/cameras/front/tracks?limit=2001", status: 400},
		{path: "/api/v1/cameras/{name}/targets/{id}", method: "GET", target: "/api/v1/cameras/front/targets/2157", status: 200},
		{path: "/api/v1/cameras/{name}/targets/{id}", method: "GET", target: "/api/v1/cameras/front/targets/2157", source: empty, status: 200},
		{path: "/api/v1/cameras/{name}/targets/{id}", method: "GET", target: "/api/v1/cameras/front/targets/2157", source: broken, status: 503},
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
