package web

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// askWith asks with one header more.
func askWith(s *Server, target, name, value string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", target, nil)
	r.Host = "localhost:8080"
	r.Header.Set(name, value)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestPageIsAtEveryAddressOfIt(t *testing.T) {
	s := server(t, full())
	index, err := files.ReadFile("static/index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{
		"/", "/live", "/live/front", "/rules", "/rules/gate%20for%20all", "/rules/a%2fb", "/rules/gate/why", "/zones", "/zones/front/porch", "/journal", "/journal/7",
		"/plates", "/plates/reads/7", "/relays", "/relays/gate", "/system", "/system/cameras/front", "/first-run", "/sign-in", "/live?sheet=health",
	} {
		w := ask(s, "GET", target, "localhost:8080")
		if w.Code != 200 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || w.Body.String() != string(index) {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; " +
				"base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Referrer-Policy":              "no-referrer",
			"X-Content-Type-Options":       "nosniff",
			"Cache-Control":                "no-cache",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", target, name, got, want)
			}
		}
	}
	for _, target := range []string{"/Live", "/livecam", "/rules/", "/assets", "/assets/nothing.js", "/assets/../index.html", "/static/index.html", "/api/v1/live", "/api", "/api/v2/status"} {
		w := ask(s, "GET", target, "localhost:8080")
		if w.Code != 404 || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", target, w.Code, w.Header().Get("Content-Type"))
		}
	}
}

// What the page names is there, and is the page's own: no script or style stands in it, and nothing is from elsewhere.
func TestPageNamesWhatThereIs(t *testing.T) {
	s := server(t, full())
	index := ask(s, "GET", "/", "localhost").Body.String()
	links := regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(index, -1)
	for _, l := range links {
		if w := ask(s, "GET", l[1], "localhost"); w.Code != 200 {
			t.Errorf("%s: %d", l[1], w.Code)
		}
	}
	if len(links) < 4 {
		t.Errorf("only %d links", len(links))
	}
	for _, inline := range []string{"<style", "style=", "onclick", "javascript:", "http:", "https:"} {
		if strings.Contains(index, inline) {
			t.Errorf("the page holds %q", inline)
		}
	}
	if scripts := regexp.MustCompile(`<script[^>]*>[^<]`).FindAllString(index, -1); scripts != nil {
		t.Errorf("scripts stand in the page: %q", scripts)
	}
}

func TestAssets(t *testing.T) {
	s := server(t, full())
	entries, err := fs.ReadDir(files, "static/assets")
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
	for _, e := range entries {
		target := "/assets/" + e.Name()
		want, err := files.ReadFile("static" + target)
		if err != nil {
			t.Fatal(err)
		}
		plain := ask(s, "GET", target, "localhost")
		if plain.Code != 200 || plain.Body.String() != string(want) || plain.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s: %d %q", target, plain.Code, plain.Header())
		}
		if got, want := plain.Header().Get("Content-Type"), types[e.Name()[strings.LastIndexByte(e.Name(), '.')+1:]]; got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}

		zipped := askWith(s, target, "Accept-Encoding", "br, gzip, deflate")
		if zipped.Header().Get("Content-Encoding") != "gzip" || zipped.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: %q", target, zipped.Header())
			continue
		}
		z, err := gzip.NewReader(zipped.Body)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(z); err != nil || string(body) != string(want) {
			t.Errorf("%s: unpacked it is another file: %v", target, err)
		}

		tag := plain.Header().Get("ETag")
		if tag == "" || tag == zipped.Header().Get("ETag") {
			t.Errorf("%s: ETag %s, compressed %s", target, tag, zipped.Header().Get("ETag"))
		}
		for known, code := range map[string]int{tag: 304, `"other", W/` + tag: 304, `"other"`: 200, "": 200} {
			w := askWith(s, target, "If-None-Match", known)
			if w.Code != code || code == 304 && w.Body.Len() > 0 || w.Header().Get("ETag") != tag {
				t.Errorf("%s, If-None-Match %s: %d, %d bytes, ETag %s", target, known, w.Code, w.Body.Len(), w.Header().Get("ETag"))
			}
		}
	}
	if len(entries) < 3 {
		t.Errorf("only %d assets", len(entries))
	}
}

func TestTakesGzip(t *testing.T) {
	for accept, want := range map[string]bool{
		"": false, "gzip": true, "deflate, gzip;q=0.5": true, "GZIP": true, "gzip; q=0": false, "gzip;q=0.0": false, "gzip;q=0.001": true, "br": false, "xgzip": false,
		"gzip;": true, "gzip;q=": true, "*": false, "gzip;q": true,
	} {
		if got := takesGzip(accept); got != want {
			t.Errorf("%q: %v, want %v", accept, got, want)
		}
	}
}
