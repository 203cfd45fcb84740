package web

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// asking asks as somebody until the answer is there.
func asking(ctx context.Context, s *Server, target string, scope Scope, body ...string) (answer chan *httptest.ResponseRecorder) {
	answer = make(chan *httptest.ResponseRecorder, 1)
	go func() {
		r := httptest.NewRequestWithContext(ctx, "GET", target, nil)
		if len(body) > 0 {
			r = httptest.NewRequestWithContext(ctx, "POST", target, strings.NewReader(body[0]))
			r.Header.Set("Content-Type", "application/json")
		}
		r.Host = "localhost"
		r.Header.Set("Authorization", "Bearer "+tokenOf(scope))
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		answer <- w
	}()
	return answer
}

// callers is how many callers are answered.
func callers(s *Server) int {
	s.turns.mu.Lock()
	defer s.turns.mu.Unlock()
	return len(s.turns.all)
}

// TestNobodyAsksForEverythingAtATime: what one caller asks for is answered a few at a time, and others do not wait for it.
func TestNobodyAsksForEverythingAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goOn := make(chan struct{})
		var inside atomic.Int32
		s, _ := withPassword(t, func(c *Config) {
			c.Source.Files.Read = func(context.Context, string) ([]byte, string, error) {
				inside.Add(1)
				<-goOn
				return []byte("rules: []\n"), `"x"`, nil
			}
		})
		held := func() int { synctest.Wait(); return int(inside.Load()) }
		var all []chan *httptest.ResponseRecorder
		for range maxAnswers + maxInLine {
			all = append(all, asking(t.Context(), s, "/api/v1/files/gate.yaml", ScopeEdit))
		}
		if n := held(); n != maxAnswers {
			t.Errorf("%d at a time", n)
		}
		const busy = "too much is asked at a time: try again in 10 s"
		if w := <-asking(t.Context(), s, "/api/v1/relays", ScopeEdit); w.Code != 429 || w.Header().Get("Retry-After") != "10" || !strings.Contains(w.Body.String(), busy) {
			t.Errorf("one more: %d %s", w.Code, w.Body)
		}
		if w := <-asking(t.Context(), s, "/api/v1/relays/gate", ScopeEdit, `{"pulse": "800ms"}`); w.Code != 200 {
			t.Errorf("a press: %d %s", w.Code, w.Body)
		}
		gone, leave := context.WithCancel(t.Context())
		other := asking(gone, s, "/api/v1/files/gate.yaml", ScopeOperate)
		if n := held(); n != maxAnswers+1 {
			t.Errorf("with another caller %d", n)
		}
		goOn <- struct{}{}
		if n := held(); n < maxAnswers+2 {
			t.Errorf("after one ended %d", n)
		}
		time.Sleep(turnWait)
		synctest.Wait()
		close(goOn)
		leave()
		<-other
		codes := map[int]int{}
		for _, a := range all {
			codes[(<-a).Code]++
		}
		if codes[200]+codes[429] != len(all) || codes[200] < maxAnswers || codes[429] < maxInLine-1 {
			t.Errorf("%v", codes)
		}
		if n := callers(s); n != 0 {
			t.Errorf("%d callers are remembered", n)
		}
	})
}

// TestNoPressWaitsInLine: what cannot be done at once is not done, for it would come late.
func TestNoPressWaitsInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goOn := make(chan struct{})
		s, _ := withPassword(t, func(c *Config) {
			c.Source.Command = func(context.Context, Command) (Relay, error) {
				<-goOn
				return Relay{}, nil
			}
		})
		var all []chan *httptest.ResponseRecorder
		for range maxChanges {
			all = append(all, asking(t.Context(), s, "/api/v1/relays/gate", ScopeEdit, `{"set": "on"}`))
		}
		synctest.Wait()
		begun := time.Now()
		if w := <-asking(t.Context(), s, "/api/v1/relays/gate", ScopeEdit, `{"set": "on"}`); w.Code != 429 || time.Since(begun) > 0 {
			t.Errorf("one more: %d after %v", w.Code, time.Since(begun))
		}
		close(goOn)
		for _, a := range all {
			if w := <-a; w.Code != 200 {
				t.Error(w.Code, w.Body)
			}
		}
	})
}

// TestNobodyFollowsWithEveryStream: one caller leaves streams for others.
func TestNobodyFollowsWithEveryStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := withPassword(t, nil)
		var all []chan *httptest.ResponseRecorder
		ctx, leave := context.WithCancel(t.Context())
		for range MaxStreams {
			all = append(all, asking(ctx, s, "/api/v1/stream", ScopeOperate))
		}
		synctest.Wait()
		if n := len(s.source.Live.Hub.boxes); n != maxLasting {
			t.Errorf("%d streams of one caller", n)
		}
		own := asking(ctx, s, "/api/v1/stream", ScopeEdit)
		synctest.Wait()
		if n := len(s.source.Live.Hub.boxes); n != maxLasting+1 {
			t.Errorf("%d streams of two callers", n)
		}
		if w := <-asking(ctx, s, "/api/v1/relays", ScopeOperate); w.Code != 200 {
			t.Errorf("something else: %d", w.Code)
		}
		leave()
		for _, a := range append(all, own) {
			<-a
		}
	})
}

// TestWhatIsNotFetchedIsNotKept: an export and a result end when nobody reads them any more.
func TestWhatIsNotFetchedIsNotKept(t *testing.T) {
	for name, target := range map[string]string{"export": "/api/v1/journal.csv", "result": "/api/v1/jobs/"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := full()
				source.Entries.Export = func(_ context.Context, _ JournalQuery, each func(*JournalRow) error) error {
					for {
						if err := each(&JournalRow{ID: 1, Text: strings.Repeat("a row", 100)}); err != nil {
							return err
						}
					}
				}
				s := server(t, source)
				if name == "result" {
					target += begin(t, s, func(context.Context, func(JobProgress)) (any, error) { return strings.Repeat("x", 1<<20), nil })
					synctest.Wait()
				}
				l, done := run(s)
				c, begun := l.dial(), time.Now()
				_, _ = io.WriteString(c, "GET "+target+" HTTP/1.1\r\nHost: localhost\r\n\r\n")
				_, _ = io.ReadFull(c, make([]byte, 1000))
				for callers(s) > 0 && time.Since(begun) < time.Hour {
					time.Sleep(time.Second)
					synctest.Wait()
				}
				if took := time.Since(begun); took > writeTime+2*time.Second {
					t.Errorf("it was kept for %v", took)
				}
				_ = c.Close()
				if err := s.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
				if err := <-done; err != nil && err != http.ErrServerClosed {
					t.Error(err)
				}
			})
		})
	}
}
