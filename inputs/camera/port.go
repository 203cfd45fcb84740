package camera

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/viewtron"
)

// Limits of the camera port.
const (
	// MaxBody is the largest body taken, in bytes; a larger one is answered 413.
	MaxBody = 8 << 20
	// RequestTime is the time a request may take to arrive, body included.
	RequestTime = 15 * time.Second
	// MaxConnections is the number of connections from one address.
	MaxConnections = 64
	// MaxLoopback is the number of connections from this machine itself.
	MaxLoopback = 4096

	maxAll      = 8192             // connections from everywhere
	idleTime    = 10 * time.Minute // cameras post heartbeats every 10 to 120 s
	answerTime  = 30 * time.Second // for the wait in the queue and the answer
	headerBytes = 16 << 10
	bodyStart   = 4 << 10 // the first buffer; most posts fit
	bodyHint    = 1 << 20 // a Content-Length is believed up to here
)

// success is the answer cameras want (protocol notes 1).
const success = `<config version="1.0" xmlns="http://www.ipc.com/ver10"><status>success</status></config>`

// hello answers a GET.
const hello = "Sallyport camera port: cameras POST their events here.\n"

// Config says what a Port is for.
type Config struct {
	// Cameras are the site's cameras. An item's Camera is a number in this list.
	Cameras []Camera
	// Log takes what goes wrong below HTTP; nil for nothing.
	Log *slog.Logger
}

// Port takes the cameras' posts. Any number of goroutines may serve; one loop
// takes the items: it waits for [Port.Ready], then calls [Port.Take] until there
// is nothing, and gives every item back with [Port.Release].
//
// A post is answered as soon as it is queued. Each camera has its own queue, of
// 256 trajectory posts and 64 others, and the queues are taken in turn. Full,
// trajectory posts are merged; others wait up to 2 s and are then answered 503.
type Port struct {
	matcher *Matcher
	names   []string
	queues  *queues
	budget  budget
	server  *http.Server
	doors   doors

	items     sync.Pool // of *Item
	scratches sync.Pool // of *scratch

	plain, xml, okLength []string // header values, never written to
	okBody               []byte

	posts, bad, tooLarge, slow, full atomic.Int64

	badMu    sync.Mutex // covers badTexts
	badTexts tally
}

// New makes a Port. It does not listen: see [Port.Serve].
func New(cfg Config) *Port {
	m := NewMatcher(cfg.Cameras)
	p := &Port{
		matcher:  m,
		names:    m.Cameras(),
		budget:   budget{of: make(map[netip.Addr]int64)},
		doors:    doors{open: make(map[netip.Addr]int)},
		plain:    []string{"text/plain; charset=utf-8"},
		xml:      []string{"application/xml"},
		okLength: []string{strconv.Itoa(len(success))},
		okBody:   []byte(success),
	}
	p.items.New = func() any { return &Item{buf: make([]byte, 0, bodyStart)} }
	p.scratches.New = func() any { return &scratch{words: words{}} }
	p.queues = newQueues(len(cfg.Cameras), p.Release)
	errorLog := log.New(io.Discard, "", 0)
	if cfg.Log != nil {
		errorLog = slog.NewLogLogger(cfg.Log.Handler(), slog.LevelWarn)
	}
	p.server = &http.Server{
		Handler:                      p,
		ReadTimeout:                  RequestTime,
		WriteTimeout:                 answerTime,
		IdleTimeout:                  idleTime,
		MaxHeaderBytes:               headerBytes,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     errorLog,
	}
	return p
}

// Serve answers the connections of l until Shutdown. It returns nil after a
// Shutdown, else what ended it.
func (p *Port) Serve(l net.Listener) error {
	err := p.server.Serve(&doorway{l, &p.doors})
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Shutdown stops listening, lets requests that have begun end until ctx is
// over, and closes every connection.
func (p *Port) Shutdown(ctx context.Context) error {
	err := p.server.Shutdown(ctx)
	return errors.Join(err, p.server.Close())
}

// Ready says that there may be items. It carries one signal for a burst.
func (p *Port) Ready() <-chan struct{} { return p.queues.ready }

// Take is the next item, or false when there is none now. Only one goroutine
// may call it.
func (p *Port) Take() (*Item, bool) { return p.queues.take() }

// Release gives an item back. Nothing of it may be used afterwards but its pictures.
func (p *Port) Release(it *Item) {
	p.budget.put(it.Remote, it.charge)
	for _, e := range it.Events {
		e.Reset()
	}
	buf := it.buf
	if len(it.pictures) > 0 || cap(buf) > keepBuffer {
		buf = make([]byte, 0, bodyStart)
	}
	keep := it.Events[:min(len(it.Events), 4):min(len(it.Events), 4)]
	*it = Item{Events: keep[:0], buf: buf, pictures: it.pictures[:0]}
	p.items.Put(it)
}

// Unknown lists the devices that post and are no camera; see [Matcher.Unknown].
func (p *Port) Unknown() []UnknownDevice { return p.matcher.Unknown() }

// Ambiguous lists the senders in doubt; see [Matcher.Ambiguous].
func (p *Port) Ambiguous() []AmbiguousPost { return p.matcher.Ambiguous() }

// Stats copies the counts. Any goroutine may call it.
func (p *Port) Stats() Stats {
	s := Stats{
		Cameras: p.queues.stats(p.names, time.Now()),
		Posts:   uint64(p.posts.Load()), Bad: uint64(p.bad.Load()),
		TooLarge: uint64(p.tooLarge.Load()), Slow: uint64(p.slow.Load()), Full: uint64(p.full.Load()),
	}
	s.Unknown, s.Ambiguous = p.matcher.unmatched()
	s.Connections, s.Turned = p.doors.count()
	p.badMu.Lock()
	defer p.badMu.Unlock()
	s.BadTexts = p.badTexts.sorted()
	return s
}

// ServeHTTP takes one post.
func (p *Port) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodPost:
	case http.MethodGet:
		h := w.Header()
		h["Content-Type"] = p.plain
		h["Content-Length"] = []string{strconv.Itoa(len(hello))}
		_, _ = io.WriteString(w, hello)
		return
	default:
		w.Header().Set("Allow", "GET, POST")
		p.refuse(w, http.StatusMethodNotAllowed, "only POST is taken here", false)
		return
	}

	it := p.items.Get().(*Item)
	if a, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		it.Remote = clean(a.Addr())
	}
	if err := p.receive(r, it); err != nil {
		p.Release(it)
		p.refuseBody(w, err)
		return
	}
	it.Received = time.Now()
	if err := p.accept(r, it); err != nil {
		p.refuseBody(w, err)
		return
	}
	h := w.Header()
	h["Content-Type"] = p.xml
	h["Content-Length"] = p.okLength
	h["Date"] = nil
	_, _ = w.Write(p.okBody)
}

// Why a body is not taken.
var (
	errTooLarge = errors.New("the body is larger than 8 MB")
	errNoRoom   = errors.New("too many large posts at once, try again")
	errFull     = errors.New("the camera's queue is full, try again")
)

// accept reads the post in it.buf and queues it. Whatever it returns, the item
// is no longer the caller's.
func (p *Port) accept(r *http.Request, it *Item) error {
	s := p.scratches.Get().(*scratch)
	defer p.scratches.Put(s)
	if err := viewtron.Decode(it.buf, &s.post); err != nil {
		p.Release(it)
		return err
	}
	p.posts.Add(1)
	var (
		by      *sender
		verdict Verdict
	)
	group := p.matcher.groupOf(r.URL.Path)
	by, verdict, it.Camera, s.key = p.matcher.find(it.Received, it.Remote, group, &s.post, s.key)
	beat := recorderBeat(verdict, &s.post)
	if verdict != Matched && !beat {
		p.Release(it)
		return nil
	}
	if beat {
		it.Camera = by.fits[0]
	}
	it.Raw = it.buf
	it.Path = p.matcher.recordPath(r.URL.Path, group)
	if v := r.Header["Content-Type"]; len(v) > 0 {
		it.ContentType = v[0]
	}
	for _, m := range s.post.Pictures {
		it.pictures = append(it.pictures, [2]int{m.Offset, m.Offset + len(m.Text)})
	}
	if beat {
		it.Events = s.beats(it.Events, by, p.matcher, it.Received, it.buf)
	} else {
		it.Events = s.events(it.Events, by, p.names[it.Camera], it.Received, it.buf)
	}
	if !p.queues.push(it) {
		p.Release(it)
		return errFull
	}
	return nil
}

// receive reads the body into the item's buffer. A Content-Length is a hint for
// the buffer's size; chunked bodies grow it.
func (p *Port) receive(r *http.Request, it *Item) error {
	size := r.ContentLength
	if size > MaxBody {
		return errTooLarge
	}
	buf := it.buf[:0]
	defer func() { it.buf = buf }()
	for size < 0 || int64(len(buf)) < size {
		if len(buf) == cap(buf) || len(buf) == 0 && size > int64(cap(buf)) {
			grown := max(2*int64(cap(buf)), min(size, bodyHint))
			if size > 0 {
				grown = min(grown, size)
			}
			grown = min(grown, MaxBody+1)
			if !p.charge(it, grown) {
				return errNoRoom
			}
			buf = append(make([]byte, 0, grown), buf...)
		}
		n, err := r.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if len(buf) > MaxBody {
			return errTooLarge
		}
		if err == io.EOF {
			if size > 0 && int64(len(buf)) < size {
				return io.ErrUnexpectedEOF
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// charge takes what a buffer of n bytes costs from the budget of large bodies.
func (p *Port) charge(it *Item, n int64) bool {
	if n <= keepBuffer {
		return true
	}
	more := n - it.charge
	if more > 0 {
		if !p.budget.take(it.Remote, more) {
			return false
		}
		it.charge = n
	}
	return true
}

// refuseBody answers a post that was not taken.
func (p *Port) refuseBody(w http.ResponseWriter, err error) {
	var unreadable *viewtron.Error
	switch {
	case errors.As(err, &unreadable):
		p.bad.Add(1)
		p.badMu.Lock()
		p.badTexts.note(unreadable.Reason)
		p.badMu.Unlock()
		p.refuse(w, http.StatusBadRequest, err.Error(), false)
	case errors.Is(err, errFull):
		p.refuse(w, http.StatusServiceUnavailable, err.Error(), false)
	case errors.Is(err, errNoRoom):
		p.full.Add(1)
		p.refuse(w, http.StatusServiceUnavailable, err.Error(), true)
	case errors.Is(err, errTooLarge):
		p.tooLarge.Add(1)
		p.refuse(w, http.StatusRequestEntityTooLarge, err.Error(), true)
	case errors.Is(err, os.ErrDeadlineExceeded):
		p.slow.Add(1)
		p.refuse(w, http.StatusRequestTimeout, "the post did not arrive within 15 s", true)
	default:
		p.bad.Add(1)
		p.refuse(w, http.StatusBadRequest, "the body ended early or is not chunked as it says", true)
	}
}

// refuse answers with an error in the cameras' XML.
func (p *Port) refuse(w http.ResponseWriter, status int, reason string, hangUp bool) {
	b := append([]byte(nil), `<config version="1.0" xmlns="http://www.ipc.com/ver10"><status>failed</status><error>`...)
	b = appendEscaped(b, reason)
	b = append(b, `</error></config>`...)
	h := w.Header()
	h["Content-Type"] = p.xml
	h["Content-Length"] = []string{strconv.Itoa(len(b))}
	if hangUp {
		h["Connection"] = []string{"close"}
	}
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

// doors counts the open connections.
type doors struct {
	mu     sync.Mutex // covers the fields below
	open   map[netip.Addr]int
	all    int
	turned uint64
}

func (d *doors) enter(a netip.Addr) bool {
	limit := MaxConnections
	if a.IsLoopback() {
		limit = MaxLoopback
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all >= maxAll || d.open[a] >= limit {
		d.turned++
		return false
	}
	d.all++
	d.open[a]++
	return true
}

func (d *doors) leave(a netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all--
	if d.open[a]--; d.open[a] == 0 {
		delete(d.open, a)
	}
}

func (d *doors) count() (open int, turned uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.all, d.turned
}

// doorway is a listener that turns connections away beyond the limits.
type doorway struct {
	net.Listener
	doors *doors
}

// Accept is the next connection within the limits.
func (l *doorway) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		var a netip.Addr
		if t, ok := c.RemoteAddr().(*net.TCPAddr); ok {
			a = clean(t.AddrPort().Addr())
		}
		if l.doors.enter(a) {
			return &visitor{Conn: c, addr: a, doors: l.doors}, nil
		}
		_ = c.Close()
	}
}

// visitor is a counted connection.
type visitor struct {
	net.Conn
	addr  netip.Addr
	doors *doors
	once  sync.Once
}

// Close closes the connection and counts it out.
func (v *visitor) Close() error {
	v.once.Do(func() { v.doors.leave(v.addr) })
	return v.Conn.Close()
}
