package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"log/slog"
	"net"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// files are what is served as it is.
//
//go:embed static openapi
var files embed.FS

// Limits of the port.
const (
	// AnswerTime is how long a function of the [Source] has.
	AnswerTime = 5 * time.Second

	headerTime  = 5 * time.Second
	readTime    = 10 * time.Second
	writeTime   = 15 * time.Second
	idleTime    = time.Minute
	headerBytes = 16 << 10
	maxStreams  = 64 // requests at a time on one connection
	shownBytes  = 64 // of a caller's own words in an error
)

// Config is what a [Server] is made of.
type Config struct {
	Source Source
	// Log gets what goes wrong inside the server; nil for nowhere.
	Log *slog.Logger
	// Now is the time that is shown; nil is the clock of this machine.
	Now func() time.Time
	// Site is the site's name, for those who signed in.
	Site string
	// Remote lets other machines reach the port. Nobody gets in without a password then.
	Remote bool
	// Names are the hosts, names or addresses, by which this machine is asked for besides loopback's and, with Remote, the
	// address at which a request comes in.
	Names []string
	// TLS encrypts what is served; nil for not.
	TLS *tls.Config
	// Fingerprint is that of a self-signed certificate, for people to compare; empty for another one or none.
	Fingerprint string
	// LocalToken lets the program's own commands on this machine look, as a viewer; empty for not.
	LocalToken string
}

// Server answers the console port. It may be used by many goroutines.
type Server struct {
	source Source
	log    *slog.Logger
	now    func() time.Time
	routes []route
	mux    *http.ServeMux
	http   *http.Server
	open   connections
	turns  turns
	jobs   *jobs

	site, fingerprint, local string
	remote                   bool
	names                    []string
	tls                      *tls.Config

	throttle *throttle
	hashing  hashing
	cost     int    // of new passwords
	nobody   string // what the password of a user that there is not is compared with
	refusals refusals
	changed  bell
	seen     uses

	mu       sync.Mutex            // guards the fields below
	fresh    map[net.Conn]struct{} // connections that have not sent a whole request yet
	stopping bool
}

// route is one path and what it takes.
type route struct {
	pattern string
	methods methods
}

// methods are what is done for a path, by HTTP method.
type methods map[string]method

// method is what is done, and for whom.
type method struct {
	// role is the least that may ask.
	role Role
	// long says that it may take longer than [AnswerTime] and has no end to be written by: streams and exports.
	long   bool
	handle http.HandlerFunc
}

// Role is what somebody may do. Each may what the one before it may.
type Role string

// The roles.
const (
	RolePublic   Role = ""         // nobody has signed in
	RoleViewer   Role = "viewer"   // looks
	RoleOperator Role = "operator" // moves relays, adds plates
	RoleEditor   Role = "editor"   // changes rules, cameras and people
)

func get(h http.HandlerFunc) methods { return methods{http.MethodGet: {role: RoleViewer, handle: h}} }

// open is what anybody may get.
func open(h http.HandlerFunc) methods { return methods{http.MethodGet: {handle: h}} }

// New makes a server. It refuses a source with a function missing.
func New(c Config) (*Server, error) {
	if name := missing(reflect.ValueOf(c.Source)); name != "" {
		return nil, fmt.Errorf("console: the source has no %s function", name)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Source.Live.Hub == nil {
		c.Source.Live.Hub = NewHub()
	}
	s := &Server{
		source: c.Source,
		log:    c.Log,
		now:    c.Now,
		mux:    http.NewServeMux(),
		jobs:   newJobs(c.Now, c.Log),
		turns:  turns{all: map[string]*turn{}},
		fresh:  map[net.Conn]struct{}{},

		site: c.Site, fingerprint: c.Fingerprint, local: c.LocalToken, remote: c.Remote, names: c.Names, tls: c.TLS,
		throttle: newThrottle(), hashing: newHashing(), cost: passwordCost, nobody: nobodysHash,
		refusals: refusals{told: map[string]time.Time{}},
	}
	s.seen = uses{at: map[string]time.Time{}, flush: s.writeSeen}
	s.routes = slices.Concat(s.baseRoutes(), s.sessionRoutes(), s.liveRoutes(), s.ruleRoutes(), s.fileRoutes(), s.zoneRoutes(),
		s.jobRoutes(), s.journalRoutes(), s.plateRoutes(), s.systemRoutes())
	for _, r := range slices.Concat(s.routes, s.pageRoutes()) {
		s.mux.HandleFunc(r.pattern, func(w http.ResponseWriter, req *http.Request) { s.serve(r.methods, w, req) })
	}
	s.mux.HandleFunc("/", notFound)
	s.http = &http.Server{
		Handler:                      s,
		ReadHeaderTimeout:            headerTime,
		ReadTimeout:                  readTime,
		WriteTimeout:                 writeTime,
		IdleTimeout:                  idleTime,
		MaxHeaderBytes:               headerBytes,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(&errorLog{c.Log}, "", 0),
		ConnState:                    s.connState,
		ConnContext:                  withConnection,
		HTTP2:                        &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
	}
	return s, nil
}

// missing is the name of the first function of a source that is not there; empty when all are.
func missing(v reflect.Value) string {
	for i := range v.NumField() {
		f := v.Field(i)
		switch f.Kind() {
		case reflect.Struct:
			if name := missing(f); name != "" {
				return v.Type().Field(i).Name + "." + name
			}
		case reflect.Func:
			if f.IsNil() {
				return v.Type().Field(i).Name
			}
		}
	}
	return ""
}

func (s *Server) baseRoutes() []route {
	c := s.source
	relay := one(c.Relays, "relay", func(r Relay) string { return r.Name }, (*Relay).tidy)
	return []route{
		{"/{$}", open(servePage(newAsset("static/index.html")))},
		{"/healthz", open(s.healthz)},
		{"/readyz", get(s.readyz)},
		{"/api/v1/openapi.yaml", get(s.description)},
		{"/api/v1/status", get(s.status)},
		{"/api/v1/relays", get(collection(c.Relays, (*Relay).tidy))},
		{"/api/v1/relays/{name}", methods{http.MethodGet: {role: RoleViewer, handle: relay}, http.MethodPost: {role: RoleOperator, handle: s.command}}},
		{"/api/v1/contacts", get(collection(c.Contacts, func(*Contact) {}))},
		{"/api/v1/cameras", methods{
			http.MethodGet:  {role: RoleViewer, handle: collection(c.Cameras, (*Camera).tidy)},
			http.MethodPost: {role: RoleEditor, handle: s.addCamera},
		}},
		{"/api/v1/cameras/{name}", get(one(c.Cameras, "camera", func(c Camera) string { return c.Name }, (*Camera).tidy))},
		{"/api/v1/devices/unknown", get(collection(c.UnknownDevices, func(*Device) {}))},
		{"/api/v1/targets", get(collection(c.Targets, (*Target).tidy))},
		{"/api/v1/rules/{name}/why", get(s.why)},
		{"/api/v1/journal", get(s.journal)},
		{"/api/v1/outbox", get(collection(c.Outbox, func(*Parcel) {}))},
		{"/api/v1/outbox/{id}", methods{http.MethodDelete: {role: RoleEditor, handle: s.cancel}}},
	}
}

// Serve answers on l until [Server.Shutdown], and then returns nil. A listener
// that is not on loopback is closed and refused, unless the server is for other machines too.
func (s *Server) Serve(l net.Listener) error {
	a, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		_ = l.Close()
		return fmt.Errorf("console: %q is not a TCP address", l.Addr())
	}
	if !a.IP.IsLoopback() && !s.remote {
		_ = l.Close()
		return refusal(a.String(), strconv.Itoa(a.Port))
	}
	l = &limited{Listener: l, open: &s.open}
	if s.tls != nil {
		l = &encrypted{l, s.tls, s}
	}
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("console: %w", err)
	}
	return nil
}

// Shutdown stops listening, cancels long work and waits for the answers under way. When ctx ends
// before they do, they are cut off and the error says so.
func (s *Server) Shutdown(ctx context.Context) error {
	s.jobs.stop()
	s.source.Live.Hub.Close() // the streams end
	// Browsers open connections ahead of need; net/http would wait 5 s for a request on them.
	s.mu.Lock()
	s.stopping = true
	for c := range s.fresh {
		_ = c.Close()
	}
	s.mu.Unlock()
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("console: answers under way were cut off: %w", err), s.http.Close())
	}
	return nil
}

// connState keeps the set of fresh connections.
func (s *Server) connState(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(s.fresh, c)
	case s.stopping:
		_ = c.Close()
	default:
		s.fresh[c] = struct{}{}
	}
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	switch {
	case !s.hostAllowed(r):
		fail(w, http.StatusForbidden, s.notThisMachine(r.Host))
	case !strings.HasPrefix(r.URL.Path, "/") || r.URL.Path != path.Clean(r.URL.Path):
		// The mux would redirect to the clean path.
		notFound(w, r)
	default:
		s.mux.ServeHTTP(w, r)
	}
}

// errorLog takes what net/http complains about.
type errorLog struct{ log *slog.Logger }

// Write takes a line. That somebody gave a handshake up is no news: browsers do it for every certificate that they do not
// know, and who knocks on the port could fill the log with it.
func (l *errorLog) Write(line []byte) (int, error) {
	if text := strings.TrimSpace(string(line)); !strings.HasPrefix(text, "http: TLS handshake error") {
		l.log.Warn(text)
	}
	return len(line), nil
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, "text/plain; charset=utf-8", []byte("ok\n"))
}

// description is the API's description, which is kept in pieces, one for each room of the API.
func (s *Server) description(w http.ResponseWriter, _ *http.Request) {
	var body []byte
	for _, pattern := range []string{"head.yaml", "paths:", "*.paths.yaml", "components.yaml", "  schemas:", "*.schemas.yaml"} {
		if strings.HasSuffix(pattern, ":") {
			body = append(append(body, pattern...), '\n')
			continue
		}
		names, err := fs.Glob(files, "openapi/"+pattern)
		for _, name := range names {
			var piece []byte
			if piece, err = files.ReadFile(name); err != nil {
				break
			}
			body = append(body, piece...)
		}
		if err != nil {
			fail(w, http.StatusInternalServerError, err.Error())
			return
		}
	}
	answer(w, http.StatusOK, "application/yaml", body)
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if reasons := s.source.Ready(r.Context()); len(reasons) > 0 {
		failWith(w, problem{Status: http.StatusServiceUnavailable, Detail: strings.Join(reasons, "; "), Reasons: reasons})
		return
	}
	answer(w, http.StatusOK, "text/plain; charset=utf-8", []byte("ok\n"))
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	v, err := s.source.Status(r.Context())
	if err != nil {
		fail(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	v.tidy()
	answerJSON(w, v)
}

// one answers with the item of a list that the path names.
func one[T any](all func(context.Context) ([]T, error), what string, name func(T) string, tidy func(*T)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		items, err := all(r.Context())
		if err != nil {
			fail(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		want := r.PathValue("name")
		for i := range items {
			if name(items[i]) == want {
				tidy(&items[i])
				answerJSON(w, items[i])
				return
			}
		}
		fail(w, http.StatusNotFound, "no "+what+" is called "+quote(want))
	}
}

// collection answers with all items of a list, each tidied first.
func collection[T any](get func(context.Context) ([]T, error), tidy func(*T)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		items, err := get(r.Context())
		if err != nil {
			fail(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		if items == nil {
			items = []T{}
		}
		for i := range items {
			tidy(&items[i])
		}
		answerJSON(w, page[T]{Items: items})
	}
}

func notFound(w http.ResponseWriter, r *http.Request) {
	fail(w, http.StatusNotFound, "there is nothing at "+quote(r.URL.Path)+"; /api/v1/openapi.yaml lists what there is")
}

// quote quotes a caller's words, cut short.
func quote(s string) string {
	if len(s) > shownBytes {
		s = strings.ToValidUTF8(s[:shownBytes], "") + "…"
	}
	return strconv.Quote(s)
}

func fail(w http.ResponseWriter, status int, detail string) {
	failWith(w, problem{Status: status, Detail: detail})
}

func failWith(w http.ResponseWriter, p problem) {
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	body, _ := encode(p) // texts and a number always can be
	answer(w, p.Status, "application/problem+json", body)
}

func answerJSON(w http.ResponseWriter, v any) {
	body, err := encode(v)
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	answer(w, http.StatusOK, "application/json", body)
}

// encode leaves <, > and & as they are: people read this in a terminal, and no
// browser takes it for a page.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

func answer(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error is a caller who went away
}
