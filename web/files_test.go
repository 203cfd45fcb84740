package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
)

func fullFile() RuleFile {
	return RuleFile{Path: "gate.yaml", Size: 7, Modified: at("2026-03-29T13:58:46Z"), ETag: `"5f0c"`, Rules: []string{"gate"}, Zones: []string{"drive"},
		Problems: []Problem{{File: "gate.yaml", Line: 7, Message: "m", Warning: true}}}
}

// fullFiles, emptyFiles and brokenFiles fill the functions of a source: everything set, nothing there, errors.
func fullFiles(s *Source) {
	s.Files = FileSource{
		List: func(context.Context) ([]RuleFile, error) { return []RuleFile{fullFile(), {Path: "x.csv"}}, nil },
		Read: func(_ context.Context, path string) ([]byte, string, error) {
			if path != "gate.yaml" {
				return nil, "", NotFoundError("there is no file " + path)
			}
			return []byte("rules:\n"), `"5f0c"`, nil
		},
		Save: func(_ context.Context, f FileSave) (RuleFile, error) {
			switch {
			case f.Path == "program.yaml":
				return RuleFile{}, ForbiddenError("rule \"x\" has a run step")
			case f.Path == "full.yaml":
				return RuleFile{}, RefusedError("the disk is full")
			case string(f.Text) == "bad":
				return RuleFile{}, RejectedError{[]Problem{{File: f.Path, Message: "w", Warning: true}, {File: f.Path, Line: 1, Message: "unknown name plat"}}}
			case f.Match != `"5f0c"`:
				return RuleFile{}, ChangedError(f.Path + " was changed meanwhile")
			}
			return fullFile(), nil
		},
		Remove: func(_ context.Context, f FileSave) error {
			if f.Match != `"5f0c"` {
				return ChangedError(f.Path + " was changed meanwhile")
			}
			return nil
		},
		Check: func(_ context.Context, files map[string][]byte) ([]Problem, error) {
			if string(files["gate.yaml"]) == "bad" {
				return []Problem{{File: "gate.yaml", Line: 1, Message: "unknown name plat"}}, nil
			}
			return nil, nil
		},
		Names: func(context.Context) (Names, error) {
			one := []string{"x"}
			place := []PlaceName{{"drive", "front"}}
			return Names{one, place, place, one, one, one, one, one, one, one, []Word{{"target.class", "target.class", "what it is", []string{"person"}}}}, nil
		},
		Schema: func() []byte { return []byte("{}\n") },
		Replay: func(_ context.Context, q ReplayQuery, tell func(JobProgress)) (any, error) {
			return []any{q.Until.Sub(q.Since).String(), len(q.Files)}, nil
		},
		Near: func(_ context.Context, q NearQuery, tell func(JobProgress)) (any, error) {
			return []any{q.Rule, q.Limit}, nil
		},
	}
}

func emptyFiles(s *Source) {
	fullFiles(s)
	f := &s.Files
	f.List = func(context.Context) ([]RuleFile, error) { return nil, nil }
	f.Names = func(context.Context) (Names, error) { return Names{}, nil }
}

func brokenFiles(s *Source) {
	no := errors.New("not in time")
	s.Files = FileSource{
		List:   func(context.Context) ([]RuleFile, error) { return nil, no },
		Read:   func(context.Context, string) ([]byte, string, error) { return nil, "", no },
		Save:   func(context.Context, FileSave) (RuleFile, error) { return RuleFile{}, no },
		Remove: func(context.Context, FileSave) error { return no },
		Check:  func(context.Context, map[string][]byte) ([]Problem, error) { return nil, no },
		Names:  func(context.Context) (Names, error) { return Names{}, no },
		Schema: func() []byte { return []byte("{}\n") },
		Replay: func(context.Context, ReplayQuery, func(JobProgress)) (any, error) { return nil, no },
		Near:   func(context.Context, NearQuery, func(JobProgress)) (any, error) { return nil, no },
	}
}

// filesCases are requests that TestDescription makes besides the plain ones.
func filesCases() []apiCase {
	const one, gate = "/api/v1/files/{path...}", "/api/v1/files/gate.yaml"
	jsonType := map[string]string{"Content-Type": "application/json"}
	return []apiCase{
		{path: one, method: "GET", target: gate, status: 200},
		{path: one, method: "PUT", target: gate, body: "rules: []", header: map[string]string{"If-Match": `"5f0c"`}, status: 200},
		{path: one, method: "PUT", target: gate, body: "bad", header: map[string]string{"If-Match": `"5f0c"`}, status: 422},
		{path: one, method: "DELETE", target: gate, header: map[string]string{"If-Match": `"5f0c"`}, status: 204},
		{path: "/api/v1/check", method: "POST", target: "/api/v1/check", body: `{"files": {"gate.yaml": "bad", "x.yaml": null}}`, header: jsonType, status: 200},
		{path: "/api/v1/replay", method: "POST", target: "/api/v1/replay", body: `{"since": "2026-03-29T13:00:00Z", "until": "2026-03-29T14:00:00Z", "files": {"gate.yaml": "rules: []"}}`, header: jsonType, status: 202},
		{path: "/api/v1/replay", method: "POST", target: "/api/v1/replay", body: `{"files": {"gate.yaml": "bad"}}`, header: jsonType, status: 422},
		{path: "/api/v1/rules/{name}/near", method: "POST", target: "/api/v1/rules/gate%20light/near", body: `{"since": "2026-03-29T13:00:00Z", "until": "2026-03-29T14:00:00Z", "limit": 7}`, header: jsonType, status: 202},
	}
}

// send makes a request with a body and headers: name, value, ….
func send(s *Server, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host, r.RemoteAddr = "localhost", "127.0.0.1:40000"
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestFilesAreReadAndWritten(t *testing.T) {
	var got []FileSave
	source := full()
	save, remove := source.Files.Save, source.Files.Remove
	source.Files.Save = func(ctx context.Context, f FileSave) (RuleFile, error) {
		got = append(got, f)
		if f.Match == "" {
			f.Match = `"5f0c"`
		}
		return save(ctx, f)
	}
	source.Files.Remove = func(ctx context.Context, f FileSave) error { got = append(got, f); return remove(ctx, f) }
	s := server(t, source)
	w := send(s, "GET", "/api/v1/files/gate.yaml", "")
	if w.Code != 200 || w.Body.String() != "rules:\n" || w.Header().Get("ETag") != `"5f0c"` || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Error(w.Code, w.Body, w.Header())
	}
	if w := send(s, "GET", "/api/v1/files/gate.yaml", "", "If-None-Match", `"old", W/"5f0c"`); w.Code != 304 || w.Body.Len() > 0 {
		t.Error(w.Code, w.Body)
	}
	const who = "console at 127.0.0.1"
	for _, c := range []struct {
		method, path, body string
		headers            []string
		code               int
		want               string
		save               *FileSave
	}{
		{"PUT", "gate.yaml", "x", nil, 428, wantMatch, nil},
		{"PUT", "gate.yaml", "x", []string{"If-Match", "*"}, 400, wantMatch, nil},
		{"PUT", "gate.yaml", "x", []string{"If-Match", `"a", "b"`}, 400, wantMatch, nil},
		{"PUT", "gate.yaml", "x", []string{"If-Match", `"5f0c"`, "If-None-Match", "*"}, 400, wantMatch, nil},
		{"PUT", "gate.yaml", "x", []string{"If-None-Match", `"5f0c"`}, 400, wantMatch, nil},
		{"PUT", "gate.yaml", "x", []string{"If-Match", `"5f0d"`}, 412, "gate.yaml was changed meanwhile", &FileSave{"gate.yaml", []byte("x"), `"5f0d"`, who}},
		{"PUT", "gate.yaml", "bad", []string{"If-Match", `"5f0c"`}, 422, "the rules would not load: unknown name plat", &FileSave{"gate.yaml", []byte("bad"), `"5f0c"`, who}},
		{"PUT", "program.yaml", "x", []string{"If-None-Match", "*"}, 403, `rule "x" has a run step`, &FileSave{"program.yaml", []byte("x"), "", who}},
		{"PUT", "full.yaml", "x", []string{"If-None-Match", "*"}, 409, "the disk is full", &FileSave{"full.yaml", []byte("x"), "", who}},
		{"PUT", "plates/new%20one.csv", "plate\n", []string{"If-None-Match", "*"}, 200, "", &FileSave{"plates/new one.csv", []byte("plate\n"), "", who}},
		{"PUT", "gate.yaml", "x", []string{"If-Match", `"5f0c"`, "Sec-Fetch-Site", "cross-site"}, 403, "a page of another site asks for this: refused", nil},
		{"PUT", "gate.yaml", strings.Repeat("x", 1<<20+1), []string{"If-Match", `"5f0c"`}, 413, "the body is longer than 1048576 bytes", nil},
		{"PUT", "..%2f..%2fetc/passwd", "x", []string{"If-None-Match", "*"}, 404, `there is nothing at "/api/v1/files/../../etc/passwd"; /api/v1/openapi.yaml lists what there is`, nil},
		{"DELETE", "gate.yaml", "", nil, 428, wantMatch, nil},
		{"DELETE", "gate.yaml", "", []string{"If-None-Match", "*"}, 400, wantMatch, nil},
		{"DELETE", "gate.yaml", "", []string{"If-Match", `"5f0d"`}, 412, "gate.yaml was changed meanwhile", &FileSave{"gate.yaml", nil, `"5f0d"`, who}},
		{"DELETE", "gate.yaml", "", []string{"If-Match", `"5f0c"`}, 204, "", &FileSave{"gate.yaml", nil, `"5f0c"`, who}},
	} {
		got = nil
		w := send(s, c.method, "/api/v1/files/"+c.path, c.body, c.headers...)
		var p problem
		if c.code >= 400 {
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatal(err)
			}
		}
		if w.Code != c.code || p.Detail != c.want {
			t.Errorf("%s %s %q: %d %s, want %d %s", c.method, c.path, c.headers, w.Code, p.Detail, c.code, c.want)
		}
		if c.code == 422 && (len(p.Problems) != 2 || p.Problems[1].Message != "unknown name plat") {
			t.Errorf("problems %+v", p.Problems)
		}
		var want []FileSave
		if c.save != nil {
			want = []FileSave{*c.save}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s %s: asked for %+v, want %+v", c.method, c.path, got, want)
		}
	}
}

func TestWhatWouldBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := full()
		why := source.Why
		source.Why = func(ctx context.Context, rule string) (Why, error) {
			if rule == "none" {
				return Why{}, NotFoundError(`there is no rule "none"`)
			}
			return why(ctx, rule)
		}
		s := server(t, source)
		t.Cleanup(s.jobs.stop)
		const check = `want {"files": {"gate.yaml": "the text", "old.yaml": null}}`
		many := `{"files": {`
		for i := range 65 {
			many += `"` + strings.Repeat("x", i+1) + `": null,`
		}
		many = strings.TrimSuffix(many, ",") + `}}`
		for _, c := range []struct {
			target, body string
			code         int
			want         string
		}{
			{"check", `{}`, 200, `{"ok":true,"problems":[]}` + "\n"},
			{"check", `{"files": {"gate.yaml": "good"}}`, 200, `{"ok":true,"problems":[]}` + "\n"},
			{"check", `{"files": {"gate.yaml": "bad"}}`, 200, `{"ok":false,"problems":[{"file":"gate.yaml","line":1,"message":"unknown name plat","warning":false}]}` + "\n"},
			{"check", `{"file": {}}`, 400, problemText(400, "Bad Request", check)},
			{"check", `{"files": {"a": 1}}`, 400, problemText(400, "Bad Request", check)},
			{"check", `{"files": {}} {}`, 400, problemText(400, "Bad Request", check)},
			{"check", many, 400, problemText(400, "Bad Request", "65 files at one time are too many (64)")},
			{"check", `{"files": {"a": "` + strings.Repeat("x", 1<<19) + `", "b": "` + strings.Repeat("x", 1<<19+1) + `"}}`, 413, problemText(413, "Request Entity Too Large", "the files are larger than 1 MB together")},
			{"replay", `{"since": "yesterday"}`, 400, problemText(400, "Bad Request", `since: "yesterday" is not a time (try 2026-03-29T13:58:46Z)`)},
			{"replay", `{"since": "2026-03-29T13:58:46Z", "until": "2026-03-29T13:58:46Z"}`, 400, problemText(400, "Bad Request", "since is not before until")},
			{"replay", `{"since": "2026-03-22T13:58:45Z", "until": "2026-03-29T13:58:46Z"}`, 400, problemText(400, "Bad Request", "that is longer than 7 days")},
			{"rules/none/near", `{}`, 404, problemText(404, "Not Found", `there is no rule "none"`)},
			{"rules/gate/near", `{"limit": 0}`, 400, problemText(400, "Bad Request", "limit is from 1 to 1000")},
		} {
			w := send(s, "POST", "/api/v1/"+c.target, c.body, "Content-Type", "application/json")
			if w.Code != c.code || w.Body.String() != c.want {
				t.Errorf("%s %.50s: %d %s, want %d %s", c.target, c.body, w.Code, w.Body, c.code, c.want)
			}
		}
		if w := send(s, "POST", "/api/v1/check", "{}", "Content-Type", "text/plain"); w.Code != 400 || w.Body.String() != problemText(400, "Bad Request", "want a body of Content-Type application/json") {
			t.Error(w.Code, w.Body)
		}
		for target, want := range map[string]string{"replay": `["24h0m0s",0]`, "rules/gate/near": `["gate",100]`} {
			w := send(s, "POST", "/api/v1/"+target, "{}", "Content-Type", "application/json")
			var j jobJSON
			if err := json.Unmarshal(w.Body.Bytes(), &j); err != nil || w.Code != 202 {
				t.Fatal(w.Code, w.Body)
			}
			synctest.Wait()
			if j = jobOf(t, s, j.ID, ""); string(j.Result) != want || j.State != jobDone {
				t.Errorf("%s: %+v", target, j)
			}
		}
	})
}
