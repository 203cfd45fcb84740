package camera

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections are in memory, for a clock that is not
// the world's.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// caller is a connection that says which address it comes from.
type caller struct {
	net.Conn
	addr string
}

func (c caller) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.ParseIP(c.addr), Port: 40000}
}

func (l *pipes) dial(addr string) net.Conn {
	ours, theirs := net.Pipe()
	l.conns <- caller{theirs, addr}
	return ours
}

// serve runs a port on a loopback listener until the test ends.
func serve(t testing.TB, p *Port) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- p.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // do not wait for connections the test left open
		_ = p.Shutdown(ctx)
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return l.Addr().String()
}

// talker is one connection spoken by hand.
type talker struct {
	t  testing.TB
	c  net.Conn
	br *bufio.Reader
}

func dial(t testing.TB, addr string) *talker {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return &talker{t, c, bufio.NewReader(c)}
}

func (k *talker) send(s string) {
	k.t.Helper()
	if _, err := io.WriteString(k.c, s); err != nil {
		k.t.Fatal(err)
	}
}

// answer is the next answer: its status, body and whether the connection stays.
func (k *talker) answer() (int, string, bool) {
	k.t.Helper()
	r, err := http.ReadResponse(k.br, nil)
	if err != nil {
		k.t.Fatalf("no answer: %v", err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	if int64(len(body)) != r.ContentLength {
		k.t.Errorf("Content-Length %d for %d bytes", r.ContentLength, len(body))
	}
	want := "application/xml"
	if strings.HasPrefix(string(body), "Sallyport") {
		want = "text/plain; charset=utf-8"
	}
	if got := r.Header.Get("Content-Type"); got != want {
		k.t.Errorf("Content-Type %q for %q", got, body)
	}
	return r.StatusCode, string(body), !r.Close
}

func failed(reason string) string {
	return `<config version="1.0" xmlns="http://www.ipc.com/ver10"><status>failed</status><error>` + reason + `</error></config>`
}

// TestTransport speaks HTTP as cameras, recorders and hostile ones do.
func TestTransport(t *testing.T) {
	body := trajectory(porchMAC, [5]int{1, 10, 20, 30, 40})
	length := fmt.Sprintf("Content-Length: %d\r\n", len(body))
	chunked := fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", 100, body[:100], len(body)-100, body[100:])
	for _, c := range []struct {
		name    string
		request string
		status  int
		answer  string
		stays   bool
		posts   int
	}{
		{"a camera", "POST /API HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\nConnection: keep-alive\r\n" + length + "\r\n" + body, 200, success, true, 1},
		{"no content type, a long path", "POST /API/SendAlarmStatus?a=b HTTP/1.1\r\nHost: x\r\n" + length + "\r\n" + body, 200, success, true, 1},
		{"a recorder: absolute form, close", "POST http://10.0.0.1:5002/API HTTP/1.1\r\nHost: 10.0.0.1:5002\r\nConnection: close\r\n" + length + "\r\n" + body, 200, success, false, 1},
		{"absolute form without a path", "POST http://10.0.0.1:5002 HTTP/1.1\r\nHost: 10.0.0.1:5002\r\n" + length + "\r\n" + body, 200, success, true, 1},
		{"HTTP/1.0", "POST /API HTTP/1.0\r\n" + length + "\r\n" + body, 200, success, false, 1},
		{"chunked", "POST /API HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked, 200, success, true, 1},
		{"chunked and Content-Length: 0", "POST /API HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked, 200, success, true, 1},
		{"an empty heartbeat", "POST /API HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 200, success, true, 1},
		{"no length at all", "POST /API HTTP/1.1\r\nHost: x\r\n\r\n", 200, success, true, 1},
		{"a stranger", "POST /API HTTP/1.1\r\nHost: x\r\n" + length + "\r\n" + strings.ReplaceAll(body, porchMAC, nvrMAC), 200, success, true, 0},
		{"a page of another kind", "POST /API HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n<html></html>", 200, success, true, 1},
		{"a body cut off by the connection", "POST /API HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\n<a></", 400, "", false, 0},
		{"a bad body", "POST /API HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\n<a></b>", 400, "", true, 0},
		{"a bad body, chunked", "POST /API HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n<a></b>\r\n0\r\n\r\n", 400, "", true, 0},
		{"bad chunks", "POST /API HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, failed("the body ended early or is not chunked as it says"), false, 0},
		{"too large by its length", fmt.Sprintf("POST /API HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", MaxBody+1), 413, failed("the body is larger than 8 MB"), false, 0},
		{"GET", "GET /any HTTP/1.1\r\nHost: x\r\n\r\n", 200, hello, true, 0},
		{"PUT", "PUT /API HTTP/1.1\r\nHost: x\r\n" + length + "\r\n" + body, 405, failed("only POST is taken here"), true, 0},
		{"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 405, failed("only POST is taken here"), true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := New(Config{Cameras: []Camera{{Name: "porch", Match: []Match{{MAC: porchMAC, IP: prefix("127.0.0.1/32")}}}}})
			k := dial(t, serve(t, p))
			k.send(c.request)
			status, answer, stays := k.answer()
			if status != c.status || c.answer != "" && answer != c.answer || stays != c.stays {
				t.Errorf("got %d %q, stays %v", status, answer, stays)
			}
			if c.status == 400 && !strings.HasPrefix(answer, `<config version="1.0" xmlns="http://www.ipc.com/ver10"><status>failed</status><error>`) {
				t.Errorf("answer %q", answer)
			}
			if got := len(drain(p)); got != c.posts {
				t.Errorf("%d posts taken, want %d", got, c.posts)
			}
			if !stays {
				if _, err := k.br.ReadByte(); err != io.EOF && err == nil {
					t.Errorf("the connection is still open: %v", err)
				}
				return
			}
			k.send("POST /next HTTP/1.1\r\nHost: x\r\n" + length + "\r\n" + body)
			if status, answer, _ := k.answer(); status != 200 || answer != success {
				t.Errorf("the next post: %d %q", status, answer)
			}
		})
	}
}

// TestErrorIsEscaped shows that what a hostile body says cannot break out of the
// answer.
func TestErrorIsEscaped(t *testing.T) {
	p := New(twoCameras)
	k := dial(t, serve(t, p))
	body := `<a></]]><x>"'&>`
	k.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	status, answer, _ := k.answer()
	inner, found := strings.CutPrefix(answer, `<config version="1.0" xmlns="http://www.ipc.com/ver10"><status>failed</status><error>`)
	inner, cut := strings.CutSuffix(inner, "</error></config>")
	if status != 400 || !found || !cut || strings.ContainsAny(inner, "<>\"") {
		t.Errorf("%d %q", status, answer)
	}
}

// TestPipelining shows that posts sent without waiting for the answers are all
// taken, in their order.
func TestPipelining(t *testing.T) {
	p := New(twoCameras)
	k := dial(t, serve(t, p))
	var all strings.Builder
	var want []string
	for i := range 20 {
		body := trajectory(porchMAC, [5]int{i, i, 0, 50, 50})
		fmt.Fprintf(&all, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		want = append(want, fmt.Sprintf("porch target %d@%d", i, i))
	}
	k.send(all.String())
	for range 20 {
		if status, answer, stays := k.answer(); status != 200 || answer != success || !stays {
			t.Errorf("%d %q %v", status, answer, stays)
		}
	}
	equal(t, drain(p), want...)
}

// TestTooLargeWhileItComes shows that a chunked body is cut off at the limit.
func TestTooLargeWhileItComes(t *testing.T) {
	p := New(twoCameras)
	k := dial(t, serve(t, p))
	k.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
	chunk := "100000\r\n" + strings.Repeat("x", 1<<20) + "\r\n"
	go func() {
		for range 9 {
			if _, err := io.WriteString(k.c, chunk); err != nil {
				return
			}
		}
	}()
	status, answer, stays := k.answer()
	if status != 413 || answer != failed("the body is larger than 8 MB") || stays {
		t.Errorf("%d %q %v", status, answer, stays)
	}
	if p.Stats().TooLarge != 1 || p.budget.used != 0 {
		t.Errorf("%+v, %d bytes held", p.Stats(), p.budget.used)
	}
}

// TestSlowSenders shows that a request has 15 s to arrive, that an idle camera
// keeps its connection, and that a post in time is taken however slow.
func TestSlowSenders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(twoCameras)
		l := newPipes()
		done := make(chan error)
		go func() { done <- p.Serve(l) }()
		body := trajectory(porchMAC, [5]int{1, 10, 20, 30, 40})
		head := fmt.Sprintf("POST /API HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", len(body))

		// A head that never ends.
		c := l.dial("10.0.0.7")
		begin := time.Now()
		_, _ = io.WriteString(c, "POST /API HTTP/1.1\r\n")
		if _, err := c.Read(make([]byte, 1)); err == nil || time.Since(begin) > RequestTime+time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		_ = c.Close()

		// A body that never ends, a byte a second.
		c = l.dial("10.0.0.7")
		begin = time.Now()
		_, _ = io.WriteString(c, head)
		drip := c
		go func() {
			for i := range body {
				if _, err := io.WriteString(drip, body[i:i+1]); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || r.StatusCode != 408 || !r.Close || time.Since(begin) > RequestTime+time.Second {
			t.Errorf("after %v: %v %v", time.Since(begin), r, err)
		}
		_ = c.Close()
		if s := p.Stats(); s.Slow != 1 {
			t.Errorf("%d slow senders counted", s.Slow)
		}

		// A slow one that is in time, and then silent for minutes.
		c = l.dial("10.0.0.7")
		br := bufio.NewReader(c)
		for range 3 {
			_, _ = io.WriteString(c, head[:20])
			time.Sleep(5 * time.Second)
			_, _ = io.WriteString(c, head[20:]+body[:50])
			time.Sleep(5 * time.Second)
			_, _ = io.WriteString(c, body[50:])
			r, err := http.ReadResponse(br, nil)
			if err != nil || r.StatusCode != 200 {
				t.Fatalf("%v %v", r, err)
			}
			_, _ = io.Copy(io.Discard, r.Body)
			time.Sleep(5 * time.Minute)
		}
		_ = c.Close()
		equal(t, drain(p), "porch target 1@10", "porch target 1@10", "porch target 1@10")
		synctest.Wait()
		if err := p.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := p.Stats().Connections; n != 0 {
			t.Errorf("%d connections counted", n)
		}
	})
}

// TestConnectionLimit shows that one address holds at most 64 connections and
// leaves room for others, and that a closed one makes room.
func TestConnectionLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(twoCameras)
		l := newPipes()
		done := make(chan error)
		go func() { done <- p.Serve(l) }()
		turned := func(c net.Conn) bool {
			_ = c.SetReadDeadline(time.Now().Add(time.Second))
			_, err := c.Read(make([]byte, 1))
			return err == io.EOF
		}
		var open []net.Conn
		for range MaxConnections {
			open = append(open, l.dial("10.0.0.7"))
		}
		over, other := l.dial("::ffff:10.0.0.7"), l.dial("10.0.0.8")
		if !turned(over) {
			t.Error("connection 65 was let in")
		}
		if turned(other) || turned(open[63]) {
			t.Error("others were turned away")
		}
		if s := p.Stats(); s.Connections != MaxConnections+1 || s.Turned != 1 {
			t.Errorf("%d connections, %d turned away", s.Connections, s.Turned)
		}
		_ = open[0].Close()
		synctest.Wait()
		next := l.dial("10.0.0.7")
		if turned(next) {
			t.Error("no room after a connection was closed")
		}
		for range 200 {
			open = append(open, l.dial("127.0.0.1"))
		}
		if turned(open[len(open)-1]) {
			t.Error("a connection of this machine was turned away")
		}
		for _, c := range append(open, over, other, next) {
			_ = c.Close()
		}
		synctest.Wait()
		if err := p.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		<-done
		if n := p.Stats().Connections; n != 0 {
			t.Errorf("%d connections counted", n)
		}
	})
}

// TestManyCamerasAtOnce lets handlers, the loop and readers of the lists run
// together; every post arrives once.
func TestManyCamerasAtOnce(t *testing.T) {
	p := New(twoCameras)
	addr := serve(t, p)
	const conns, each = 8, 100
	var wg sync.WaitGroup
	for i := range conns {
		wg.Add(1)
		go func() {
			defer wg.Done()
			k := dial(t, addr)
			mac := []string{porchMAC, gateMAC, nvrMAC}[i%3]
			for j := range each {
				body := trajectory(mac, [5]int{i*each + j, 1, 0, 50, 50})
				if j%10 == 9 {
					body = alarms(mac)
				}
				k.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
				if status, _, _ := k.answer(); status != 200 {
					t.Errorf("status %d", status)
				}
			}
		}()
	}
	stop := make(chan struct{})
	go func() { wg.Wait(); close(stop) }()
	got := 0
	for {
		select {
		case <-p.Ready():
			got += len(drain(p))
			p.Stats()
			p.Unknown()
			continue
		case <-stop:
		}
		break
	}
	got += len(drain(p))
	s := p.Stats()
	merged := s.Cameras[0].Merged + s.Cameras[1].Merged + s.Cameras[0].Dropped + s.Cameras[1].Dropped
	if want := 6 * each; got+int(merged) != want || s.Unknown != 2*each || s.Posts != conns*each {
		t.Errorf("%d items and %d merged of %d; %+v", got, merged, want, s)
	}
}
