package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
)

// pagePolicy is what the console's page may do: its own scripts and styles, nothing inline, nothing from elsewhere.
// Pictures may also be made in the page.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// views are the addresses of the page, each with everything below it: what is shown there, the page decides.
func views() []string {
	return []string{"live", "rules", "zones", "journal", "plates", "relays", "system", "first-run", "sign-in"}
}

// pageRoutes are the page at every address of it, and what it is made of. Anybody may get them: they say nothing of the site.
func (s *Server) pageRoutes() []route {
	page := open(servePage(newAsset("static/index.html")))
	var routes []route
	for _, v := range views() {
		routes = append(routes, route{"/" + v, page}, route{"/" + v + "/{rest...}", page})
	}
	entries, _ := fs.ReadDir(files, "static/assets") // the error is that of an empty folder
	for _, e := range entries {
		routes = append(routes, route{"/assets/" + e.Name(), open(newAsset("static/assets/" + e.Name()).serve)})
	}
	return routes
}

// servePage answers with the page itself.
func servePage(a *asset) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", pagePolicy)
		a.serve(w, r)
	}
}

// asset is a file that browsers keep, and ask each time whether it is still the same: it changes with the program.
type asset struct {
	contentType string
	// load gives the file as it is and compressed, read and compressed once, when first asked for.
	load func() (body, zipped []byte, tag string)
}

func newAsset(name string) *asset {
	types := map[string]string{
		".html": "text/html; charset=utf-8",
		".js":   "text/javascript; charset=utf-8",
		".css":  "text/css; charset=utf-8",
		".svg":  "image/svg+xml",
	}
	a := &asset{contentType: types[path.Ext(name)]}
	if a.contentType == "" {
		a.contentType = "application/octet-stream"
	}
	var once sync.Once
	var body, zipped []byte
	var tag string
	a.load = func() ([]byte, []byte, string) {
		once.Do(func() {
			body, _ = files.ReadFile(name) // it was listed
			sum := sha256.Sum256(body)
			tag = base64.RawURLEncoding.EncodeToString(sum[:12])
			var b bytes.Buffer
			z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is one
			_, _ = z.Write(body)
			_ = z.Close() // a buffer takes everything
			zipped = b.Bytes()
		})
		return body, zipped, tag
	}
	return a
}

func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	body, zipped, tag := a.load()
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	if takesGzip(r.Header.Get("Accept-Encoding")) {
		body, tag = zipped, tag+"-z"
		h.Set("Content-Encoding", "gzip")
	}
	tag = `"` + tag + `"`
	h.Set("ETag", tag)
	for _, known := range strings.Split(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(known), "W/") == tag {
			h.Del("Content-Encoding")
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	answer(w, http.StatusOK, a.contentType, body)
}

// takesGzip says whether an Accept-Encoding names gzip without forbidding it.
func takesGzip(accept string) bool {
	for _, part := range strings.Split(accept, ",") {
		coding, weight, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			weight = strings.TrimSpace(weight)
			return !strings.HasPrefix(weight, "q=0") || strings.Trim(weight[len("q="):], "0.") != ""
		}
	}
	return false
}
