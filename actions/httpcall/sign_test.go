package httpcall_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/actions/httpcall"
	"github.com/sallyport/sallyport/engine"
)

// through makes one call by a runner and gives what was reported.
func through(t *testing.T, h actions.Handler, q engine.Request) actions.Record {
	t.Helper()
	begin := time.Now()
	var rec actions.Record
	r, err := actions.New(actions.Config{
		Handlers: []actions.Handler{h}, Run: "run", Now: func() time.Duration { return time.Since(begin) },
		Report: func(_ engine.Outcome, got actions.Record) { rec = got },
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Submit(q)
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	return rec
}

func TestWhatACallIsKnownBy(t *testing.T) {
	var got http.Header
	var body string
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r.Header, string(b)
	}))
	defer srv.Close()
	secrets := func(name string) (string, error) {
		if name != "hook" {
			return "", errors.New("there is none")
		}
		return "our secret", nil
	}
	h := httpcall.New(httpcall.Config{Secret: secrets, Wall: func() time.Time { return time.Unix(1614265330, 5e8) }})
	call := func(a engine.HTTPArgs, retry int, durable bool) engine.Request {
		a.URL, a.Method, a.Body = srv.URL, "POST", []byte(`{"plate":"ABC1234"}`)
		q := step(a)
		q.Step.Retry, q.Step.Durable = retry, durable
		return q
	}

	rec := through(t, h, call(engine.HTTPArgs{}, 0, false))
	if rec.Status != 200 || rec.Detail != "200 OK" || got["Idempotency-Key"] != nil || got["Webhook-Id"] != nil || rec.Parcel != "" {
		t.Errorf("tried once: %+v with %v", rec, got)
	}
	rec = through(t, h, call(engine.HTTPArgs{}, 1, false))
	if id := got.Get("Idempotency-Key"); id != rec.Parcel || !strings.HasPrefix(id, "run-1-do0-") {
		t.Errorf("told: %q, record %q", id, rec.Parcel)
	}
	_ = through(t, h, call(engine.HTTPArgs{Headers: [][2]string{{"idempotency-key", "mine"}}}, 1, false))
	if id := got.Values("Idempotency-Key"); len(id) != 1 || id[0] != "mine" {
		t.Errorf("with one of its own: %q", id)
	}
	rec = through(t, h, call(engine.HTTPArgs{Sign: "hook"}, 0, true))
	id := got.Get("Webhook-Id")
	mac := hmac.New(sha256.New, []byte("our secret"))
	mac.Write([]byte(id + ".1614265330." + body))
	if id != rec.Parcel || id != got.Get("Idempotency-Key") || strings.Contains(id, ".") || got.Get("Webhook-Timestamp") != "1614265330" ||
		got.Get("Webhook-Signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		t.Errorf("signed: %v, record %q", got, rec.Parcel)
	}
	got = nil
	rec = through(t, h, call(engine.HTTPArgs{Sign: "other"}, 0, false))
	if rec.Begun || rec.Reason != `sign: the secret "other": there is none` || got != nil {
		t.Errorf("without the secret: %+v", rec)
	}
	// A durable call waits for its secret as it does for its host.
	if err := h.Action.Do(t.Context(), call(engine.HTTPArgs{Sign: "other"}, 0, true)); !errors.Is(err, actions.ErrAway) || !errors.Is(err, actions.ErrNotBegun) {
		t.Errorf("a durable call without the secret: %v", err)
	}
	rec = through(t, httpcall.New(httpcall.Config{}), call(engine.HTTPArgs{Sign: "hook"}, 0, false))
	if rec.Begun || rec.Reason != `sign: there is no secret "hook"` {
		t.Errorf("without secrets: %+v", rec)
	}
}

func TestAPrivateAddressIsDenied(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was reached") }))
	defer srv.Close()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(srv.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	h := httpcall.New(httpcall.Config{DenyPrivate: true})
	for host, want := range map[string]string{
		"127.0.0.1":          "127.0.0.1 is a loopback address",
		"localhost":          "127.0.0.1 is a loopback address", // after the name was looked up
		"[::ffff:127.0.0.1]": "127.0.0.1 is a loopback address",
		"0.0.0.0":            "0.0.0.0 is an unspecified address",
		"192.168.77.1":       "192.168.77.1 is a private address",
	} {
		for _, scheme := range []string{"http", "https"} {
			url := scheme + "://" + host + ":" + port
			rec := through(t, h, step(engine.HTTPArgs{URL: url + "/secret"}))
			reason := strings.Replace(rec.Reason, "::1 is", "127.0.0.1 is", 1)
			if want := url + ": " + want + ", which deny_private of the site file forbids"; rec.Begun || reason != want {
				t.Errorf("got  %v %s\nwant %s", rec.Begun, rec.Reason, want)
			}
			if !errors.Is(rec.Err, actions.ErrPermanent) {
				t.Errorf("%s: would be tried again", url)
			}
		}
	}
}

func TestWhichAnswersAreWaitedOut(t *testing.T) {
	status := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	h := httpcall.New(httpcall.Config{})
	for _, tt := range []struct {
		status int
		away   bool
	}{{302, false}, {400, false}, {404, false}, {408, true}, {425, true}, {429, true}, {500, false}, {502, true}, {503, true}, {504, true}} {
		status = tt.status
		if err := h.Action.Do(t.Context(), step(engine.HTTPArgs{URL: srv.URL})); err == nil || errors.Is(err, actions.ErrAway) != tt.away {
			t.Errorf("%v: away %v", err, !tt.away)
		}
	}
	srv.Close()
	if err := httpcall.New(httpcall.Config{}).Action.Do(t.Context(), step(engine.HTTPArgs{URL: srv.URL})); !errors.Is(err, actions.ErrAway) || !errors.Is(err, actions.ErrNotBegun) {
		t.Errorf("%v: not away", err)
	}
}
