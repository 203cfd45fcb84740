package httpcall_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/actions/httpcall"
	"github.com/sallyport/sallyport/engine"
)

func step(a engine.HTTPArgs) engine.Request {
	return engine.Request{
		Firing: &engine.Firing{ID: 1, Rule: &engine.Rule{Name: "r"}, Event: &engine.Event{}},
		Step:   &engine.Step{Args: a}, Args: a,
	}
}

// do makes one call with a fresh handler.
func do(t *testing.T, a engine.HTTPArgs) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return httpcall.New(httpcall.Config{}).Action.Do(ctx, step(a))
}

func wantError(t *testing.T, err error, text string, begun bool) {
	t.Helper()
	if err == nil || err.Error() != text {
		t.Errorf("got  %v\nwant %s", err, text)
	}
	if got := !errors.Is(err, actions.ErrNotBegun); got != begun {
		t.Errorf("%v: begun: %v", err, got)
	}
}

func TestWhatIsSent(t *testing.T) {
	type seen struct {
		method, uri, host, body string
		length                  int64
		header                  http.Header
	}
	var got seen
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = seen{r.Method, r.RequestURI, r.Host, string(b), r.ContentLength, r.Header}
		if len(r.TransferEncoding) > 0 {
			t.Errorf("sent with %q", r.TransferEncoding)
		}
	}))
	defer srv.Close()
	host := strings.TrimPrefix(srv.URL, "http://")
	for _, tt := range []struct {
		name string
		args engine.HTTPArgs
		want seen
	}{
		{"nothing but an address", engine.HTTPArgs{URL: srv.URL},
			seen{"GET", "/", host, "", 0, http.Header{"User-Agent": {"sallyport"}}}},
		{"a post without a body", engine.HTTPArgs{URL: srv.URL + "/on", Method: "POST"},
			seen{"POST", "/on", host, "", 0, http.Header{"User-Agent": {"sallyport"}, "Content-Length": {"0"}}}},
		{"delete", engine.HTTPArgs{URL: srv.URL + "/on", Method: "DELETE"},
			seen{"DELETE", "/on", host, "", 0, http.Header{"User-Agent": {"sallyport"}}}},
		{"json", engine.HTTPArgs{
			URL: srv.URL + "/x?plate=%22%3B%20rm%20-rf%20%2F%3B", Method: "POST", ContentType: "application/json",
			Body: []byte(`{"plate":"]]><x>"}`), Headers: [][2]string{{"x-tag", "a"}, {"X-Tag", "b"}, {"Host", "gate.local"}, {"user-agent", "me"}},
		}, seen{"POST", "/x?plate=%22%3B%20rm%20-rf%20%2F%3B", "gate.local", `{"plate":"]]><x>"}`, 18, http.Header{
			"User-Agent": {"me"}, "Content-Length": {"18"}, "Content-Type": {"application/json"}, "X-Tag": {"a", "b"}}}},
		{"a user in the address", engine.HTTPArgs{URL: "http://ann:secret@" + host + "/"},
			seen{"GET", "/", host, "", 0, http.Header{"User-Agent": {"sallyport"}, "Authorization": {"Basic YW5uOnNlY3JldA=="}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := do(t, tt.args); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestAPictureIsTheBody(t *testing.T) {
	var body, kind string
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		body, kind = string(b), r.Header.Get("Content-Type")
	}))
	defer srv.Close()
	h := httpcall.New(httpcall.Config{})
	q := step(engine.HTTPArgs{URL: srv.URL, Method: "POST", Image: "target"})
	q.Firing.Event.Target = engine.Image{Size: 4, Bytes: func() ([]byte, error) { return []byte("JPEG"), nil }}
	if err := h.Action.Do(t.Context(), q); err != nil || body != "JPEG" || kind != "image/jpeg" {
		t.Errorf("got %q as %q, %v", body, kind, err)
	}
	q.Args = engine.HTTPArgs{URL: srv.URL, Method: "POST", Image: "scene"}
	wantError(t, h.Action.Do(t.Context(), q), "the event carries no scene picture", false)
	q.Firing.Event.Scene = engine.Image{Size: 4, Bytes: func() ([]byte, error) { return nil, errors.New("bad base64") }}
	wantError(t, h.Action.Do(t.Context(), q), "the scene picture cannot be read: bad base64", false)
	q.Firing.Event = nil
	wantError(t, h.Action.Do(t.Context(), q), "the event carries no scene picture", false)
}

func TestTheStatusDecides(t *testing.T) {
	calls := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		status := 0
		_, _ = fmt.Sscan(r.URL.Path[1:], &status)
		w.Header().Set("Location", "/200")
		w.WriteHeader(status)
	}))
	defer srv.Close()
	for _, tt := range []struct {
		status, min, max int
		want             string
	}{
		{200, 0, 0, ""},
		{204, 0, 0, ""},
		{404, 0, 0, "answered 404 Not Found, expected 2xx"},
		{500, 200, 299, "answered 500 Internal Server Error, expected 2xx"},
		{302, 0, 0, "answered 302 Found, expected 2xx; redirects are not followed"},
		{302, 300, 399, ""},
		{200, 201, 201, "answered 200 OK, expected 201"},
		{200, 201, 204, "answered 200 OK, expected 201 to 204"},
		{799, 0, 0, "answered 799, expected 2xx"},
	} {
		calls = 0
		err := do(t, engine.HTTPArgs{URL: fmt.Sprintf("%s/%d", srv.URL, tt.status), ExpectMin: tt.min, ExpectMax: tt.max})
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || err.Error() != srv.URL+": "+tt.want) {
			t.Errorf("%d: got %v, want %s", tt.status, err, tt.want)
		}
		if calls != 1 {
			t.Errorf("%d: %d calls", tt.status, calls)
		}
	}
}

func TestAHostThatIsNotThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	wantError(t, do(t, engine.HTTPArgs{URL: "http://" + addr + "/secret?token=1"}),
		"http://"+addr+": dial tcp "+addr+": connect: connection refused", false)
}

func TestAnAddressThatIsNone(t *testing.T) {
	wantError(t, do(t, engine.HTTPArgs{URL: "ftp://h/secret"}), "not an http or https address", false)
	wantError(t, do(t, engine.HTTPArgs{URL: "http:///x"}), "not an http or https address", false)
	wantError(t, do(t, engine.HTTPArgs{URL: "http://h/%zz?token=1"}), `not an address: invalid URL escape "%zz"`, false)
}

func TestCertificatesAreVerified(t *testing.T) {
	calls := 0
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls++ }))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	wantError(t, do(t, engine.HTTPArgs{URL: srv.URL}),
		srv.URL+": tls: failed to verify certificate: x509: certificate signed by unknown authority", false)
	if calls != 0 {
		t.Error("the call arrived")
	}
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	h := httpcall.New(httpcall.Config{Roots: roots})
	for range 3 {
		if err := h.Action.Do(t.Context(), step(engine.HTTPArgs{URL: srv.URL})); err != nil {
			t.Error(err)
		}
	}
	if calls != 3 {
		t.Errorf("%d calls of 3 arrived", calls)
	}
}

func TestNoAnswer(t *testing.T) {
	done := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
	defer srv.Close()
	defer close(done)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	err := httpcall.New(httpcall.Config{}).Action.Do(ctx, step(engine.HTTPArgs{URL: srv.URL}))
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, actions.ErrNotBegun) ||
		!strings.HasPrefix(err.Error(), srv.URL+": no answer in 1") || !strings.HasSuffix(err.Error(), "ms: context deadline exceeded") {
		t.Errorf("got %v", err)
	}
}

func TestAnAnswerWithoutEndIsNotRead(t *testing.T) {
	var sent atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for {
			n, err := w.Write(make([]byte, 32<<10))
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	}))
	if err := do(t, engine.HTTPArgs{URL: srv.URL}); err != nil {
		t.Error(err)
	}
	srv.Close() // waits for the handler, which sees the connection go
	if n := sent.Load(); n > 32<<20 {
		t.Errorf("%d bytes went out", n)
	}
}

// breaker answers the first requests of a connection, and then closes it when it
// has read one more (or, with idle, before that).
func breaker(t *testing.T, answers int, idle bool) (url string, arrived *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	arrived = &atomic.Int64{}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r := bufio.NewReader(c)
				for range answers {
					q, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, q.Body)
					arrived.Add(1)
					fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}
				if !idle {
					if q, err := http.ReadRequest(r); err == nil {
						_, _ = io.Copy(io.Discard, q.Body)
						arrived.Add(1)
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String(), arrived
}

func TestARequestThatMayHaveArrivedIsNeverSentAgain(t *testing.T) {
	for _, tt := range []struct{ method, body string }{{"GET", ""}, {"HEAD", ""}, {"OPTIONS", ""}, {"GET", "x"}, {"PUT", ""}, {"POST", "x"}} {
		url, arrived := breaker(t, 1, false)
		h := httpcall.New(httpcall.Config{})
		q := step(engine.HTTPArgs{URL: url, Method: tt.method, Body: []byte(tt.body)})
		if err := h.Action.Do(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		err := h.Action.Do(t.Context(), q)
		if err == nil || errors.Is(err, actions.ErrNotBegun) {
			t.Errorf("%s %q: %v", tt.method, tt.body, err)
		}
		if n := arrived.Load(); n != 2 {
			t.Errorf("%s %q: %d requests arrived for 2 calls", tt.method, tt.body, n)
		}
	}
}

func TestAConnectionThatTheHostClosedIsReplaced(t *testing.T) {
	url, arrived := breaker(t, 1, true)
	h := httpcall.New(httpcall.Config{})
	begun := 0
	for range 50 {
		err := h.Action.Do(t.Context(), step(engine.HTTPArgs{URL: url}))
		if err != nil && errors.Is(err, actions.ErrNotBegun) {
			t.Errorf("nothing was sent and it was not tried on a fresh connection: %v", err)
		}
		if err != nil {
			begun++ // written at the very moment the host closed: nobody can know
		}
	}
	if n := arrived.Load(); n > 50 || n+int64(begun) < 50 {
		t.Errorf("%d requests arrived for 50 calls, %d failed", n, begun)
	}
}

func TestLanes(t *testing.T) {
	h := httpcall.New(httpcall.Config{})
	for url, want := range map[string]string{
		"https://a.example:8443/x/y?z#q":     "https://a.example:8443",
		"http://a.example":                   "http://a.example",
		"http://ann:p@ss@a.example/@x":       "http://a.example",
		"http://a.example?http://b.example/": "http://a.example",
		"http://[::1]:80/":                   "http://[::1]:80",
		"nonsense":                           "http",
	} {
		if got := h.Lane(step(engine.HTTPArgs{URL: url})); got != want {
			t.Errorf("%s: lane %q, want %q", url, got, want)
		}
	}
}

func BenchmarkCall(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	b.Run("ours", func(b *testing.B) {
		h := httpcall.New(httpcall.Config{})
		q := step(engine.HTTPArgs{URL: srv.URL + "/?id=1"})
		b.ReportAllocs()
		for b.Loop() {
			if err := h.Action.Do(b.Context(), q); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bare", func(b *testing.B) {
		c := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
		b.ReportAllocs()
		for b.Loop() {
			r, err := c.Get(srv.URL + "/?id=1")
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, r.Body)
			r.Body.Close()
		}
	})
}
