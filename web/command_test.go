package web

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
)

// post sends JSON as a script on this machine does.
func post(s *Server, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", target, strings.NewReader(body))
	r.Host = "localhost"
	r.RemoteAddr = "127.0.0.1:40000"
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestCommand(t *testing.T) {
	var got []Command
	source := full()
	source.Command = func(_ context.Context, c Command) (Relay, error) {
		switch c.Relay {
		case "none":
			return Relay{}, NotFoundError(`no relay is called "none"`)
		case "stuck":
			return Relay{}, RefusedError(`relay "stuck" refuses: fault`)
		}
		got = append(got, c)
		return Relay{Name: c.Relay, On: true}, nil
	}
	s := server(t, source)
	who := "console at 127.0.0.1"
	for body, want := range map[string]Command{
		`{"set": "on"}`:       {Relay: "gate", Set: "on", Who: who},
		` {"set":"off"} `:     {Relay: "gate", Set: "off", Who: who},
		`{"pulse": "800ms"}`:  {Relay: "gate", Pulse: 800 * time.Millisecond, Who: who},
		"{\"clear\": true}\n": {Relay: "gate", Clear: true, Who: who},
		`{"pulse": "1s", "press": {"id": "p1", "run": "r", "at": "2026-03-29T13:58:46Z"}}`: {Relay: "gate", Pulse: time.Second, Who: who,
			Press: Press{ID: "p1", Run: "r", At: time.Date(2026, 3, 29, 13, 58, 46, 0, time.UTC)}},
	} {
		got = nil
		w := post(s, "/api/v1/relays/gate", body)
		if want := []Command{want}; w.Code != 200 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %d %s\n got %+v\nwant %+v", body, w.Code, w.Body, got, want)
		}
	}
	got = nil
	for body, want := range map[string]string{
		``:                                     wantCommand,
		`x`:                                    wantCommand,
		`{}`:                                   wantCommand,
		`{"set": "ON"}`:                        wantCommand,
		`{"set": true}`:                        wantCommand,
		`{"set": "on", "pulse": "1s"}`:         wantCommand,
		`{"set": "on"} {"set": "off"}`:         wantCommand,
		`{"pulse": "800ms"}]`:                  wantCommand,
		`{"pulse": "800ms"}}`:                  wantCommand,
		`{"clear": false}`:                     wantCommand,
		`{"open": true}`:                       wantCommand,
		`{"set": "on", "press": {"id": "p1"}}`: wantPress,
		`{"set": "on", "press": {"id": "p1", "run": "` + strings.Repeat("r", 65) + `", "at": "2026-03-29T13:58:46Z"}}`: wantPress,
		`{"set": "on", "press": {"id": "p1", "run": "r", "at": "soon"}}`:                                               wantCommand,
		`{"pulse": "soon"}`:              `"soon" is not a duration above 0 (try "800ms")`,
		`{"pulse": "-1s"}`:               `"-1s" is not a duration above 0 (try "800ms")`,
		strings.Repeat(" ", 5000) + `{}`: "the body is longer than 4096 bytes",
	} {
		if w := post(s, "/api/v1/relays/gate", body); w.Code != 400 || w.Body.String() != problemText(400, "Bad Request", want) {
			t.Errorf("%.40s: %d %s, want %s", body, w.Code, w.Body, want)
		}
	}
	if w := post(s, "/api/v1/relays/none", `{"set":"on"}`); w.Code != 404 || w.Body.String() != problemText(404, "Not Found", `no relay is called "none"`) {
		t.Error(w.Code, w.Body)
	}
	if w := post(s, "/api/v1/relays/stuck", `{"set":"on"}`); w.Code != 409 || w.Body.String() != problemText(409, "Conflict", `relay "stuck" refuses: fault`) {
		t.Error(w.Code, w.Body)
	}
	if got != nil {
		t.Errorf("%+v was done", got)
	}
}

// TestPagesOfOtherSitesMoveNothing: what a browser on this machine sends for a page
// of another site is refused, whatever its form.
func TestPagesOfOtherSitesMoveNothing(t *testing.T) {
	source := full()
	source.Command = func(context.Context, Command) (Relay, error) {
		t.Error("it was done")
		return Relay{}, nil
	}
	source.Cancel = func(context.Context, string, string) error {
		t.Error("it was done")
		return nil
	}
	s := server(t, source)
	for _, c := range []struct {
		method, target, contentType, header, value string
		status                                     int
		detail                                     string
	}{
		{"POST", "/api/v1/relays/gate", "application/json", "Sec-Fetch-Site", "cross-site", 403, "a page of another site asks for this: refused"},
		{"POST", "/api/v1/relays/gate", "application/json", "Sec-Fetch-Site", "same-site", 403, "a page of another site asks for this: refused"},
		{"POST", "/api/v1/relays/gate", "application/json", "Origin", "https://evil.example", 403, "a page of another site asks for this: refused"},
		{"POST", "/api/v1/relays/gate", "application/json", "Origin", "null", 403, "a page of another site asks for this: refused"},
		{"DELETE", "/api/v1/outbox/k3v", "", "Origin", "http://localhost.evil.example", 403, "a page of another site asks for this: refused"},
		{"POST", "/api/v1/relays/gate", "text/plain", "", "", 400, "want a body of Content-Type application/json"},
		{"POST", "/api/v1/relays/gate", "application/x-www-form-urlencoded", "", "", 400, "want a body of Content-Type application/json"},
		{"POST", "/api/v1/relays/gate", "", "", "", 400, "want a body of Content-Type application/json"},
	} {
		r := httptest.NewRequest(c.method, c.target, strings.NewReader(`{"set": "on"}`))
		r.Host = "localhost"
		r.Header.Set("Content-Type", c.contentType)
		if c.header != "" {
			r.Header.Set(c.header, c.value)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		var p problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != c.status || p.Detail != c.detail {
			t.Errorf("%s %s %s: %d %s, want %d %s", c.method, c.header, c.value, w.Code, p.Detail, c.status, c.detail)
		}
	}
}

// TestPagesOfOtherSitesAskNothing: they could not read it, but keep this machine busy, where nobody has to sign in. A link
// may be followed.
func TestPagesOfOtherSitesAskNothing(t *testing.T) {
	s := server(t, full())
	for _, c := range []struct {
		target, site, mode, dest string
		status                   int
	}{
		{"/api/v1/journal.csv", "cross-site", "no-cors", "image", 403},
		{"/api/v1/timeline", "cross-site", "cors", "empty", 403},
		{"/api/v1/timeline", "same-site", "no-cors", "empty", 403},
		{"/api/v1/journal", "cross-site", "navigate", "iframe", 403},
		{"/api/v1/journal", "cross-site", "", "", 403},
		{"/api/v1/journal", "cross-site", "navigate", "document", 200},
		{"/api/v1/journal", "same-origin", "cors", "empty", 200},
		{"/api/v1/journal", "none", "navigate", "document", 200},
		{"/api/v1/journal", "", "", "", 200},
		{"/live", "cross-site", "navigate", "document", 200},
		{"/healthz", "cross-site", "no-cors", "empty", 200},
	} {
		r := httptest.NewRequest("GET", c.target, nil)
		r.Host = "localhost"
		for name, value := range map[string]string{"Sec-Fetch-Site": c.site, "Sec-Fetch-Mode": c.mode, "Sec-Fetch-Dest": c.dest} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != c.status {
			t.Errorf("%+v: %d %s", c, w.Code, w.Body)
		}
	}
}

func TestJournalQuestions(t *testing.T) {
	var got JournalQuery
	source := full()
	source.Journal = func(_ context.Context, q JournalQuery) ([]json.RawMessage, string, error) {
		got = q
		if q.Cursor == "x" {
			return nil, "", BadQueryError("cursor: x is none of ours")
		}
		return nil, "", nil
	}
	s := server(t, source)
	w := ask(s, "GET", "/api/v1/journal?since=2026-03-29T13:58:46Z&until=2026-03-30T00:00:00%2B02:00&kind=firing,relay&kind=error&camera=gate&rule=a%20b"+
		"&relay=r&plate=ABC&firing=9&limit=7&order=newest&cursor=8", "localhost")
	want := JournalQuery{Since: time.Date(2026, 3, 29, 13, 58, 46, 0, time.UTC), Kinds: []string{"firing", "relay", "error"}, Camera: "gate", Rule: "a b",
		Relay: "r", Plate: "ABC", Firing: 9, Limit: 7, Newest: true, Cursor: "8"}
	if !got.Until.Equal(time.Date(2026, 3, 29, 22, 0, 0, 0, time.UTC)) {
		t.Error("until", got.Until)
	}
	got.Until = time.Time{}
	if w.Code != 200 || w.Body.String() != `{"items":[]}`+"\n" || !reflect.DeepEqual(got, want) {
		t.Errorf("%d %s\n got %+v\nwant %+v", w.Code, w.Body, got, want)
	}
	if ask(s, "GET", "/api/v1/journal", "localhost"); got.Limit != 100 {
		t.Errorf("%d entries on a page, want 100", got.Limit)
	}
	for query, want := range map[string]string{
		"since=yesterday":       `since: "yesterday" is not a time (try 2026-03-29T13:58:46Z)`,
		"kind=fire":             `kind: there is no "fire" (kinds: event, firing, end, suppressed, action, relay, reload, login, error)`,
		"firing=x":              `firing: "x" is not the id of an entry`,
		"limit=0":               `limit: "0" is not a number from 1 to 1000`,
		"limit=1001":            `limit: "1001" is not a number from 1 to 1000`,
		"order=up":              `order: "up" is not newest or oldest`,
		"rule=a&rule=b":         `"rule" is there twice`,
		"who=me":                `there is no "who" to ask by (since, until, kind, camera, rule, relay, plate, firing, limit, order, cursor)`,
		"cursor=x":              "cursor: x is none of ours",
		"since=%zz":             "the question after ? cannot be read",
		"limit=9;drop%20table=": "the question after ? cannot be read",
	} {
		if w := ask(s, "GET", "/api/v1/journal?"+query, "localhost"); w.Code != 400 || w.Body.String() != problemText(400, "Bad Request", want) {
			// The encoder leaves quotes escaped as %q does.
			t.Errorf("%s: %d %s, want %s", query, w.Code, w.Body, want)
		}
	}
}

func TestCancel(t *testing.T) {
	var got string
	source := full()
	source.Cancel = func(_ context.Context, id, who string) error { got = id + " by " + who; return nil }
	if w := ask(server(t, source), "DELETE", "/api/v1/outbox/k3v-1-0", "localhost"); w.Code != 204 || got != "k3v-1-0 by console at 192.0.2.1" || w.Body.Len() > 0 {
		t.Error(w.Code, got, w.Body)
	}
	w := ask(server(t, empty()), "DELETE", "/api/v1/outbox/k3v", "localhost")
	if w.Code != 404 || w.Body.String() != problemText(404, "Not Found", "nothing waits under the id k3v") {
		t.Error(w.Code, w.Body)
	}
}
