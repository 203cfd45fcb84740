package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// jobsCases are requests that TestDescription makes besides the plain ones.
func jobsCases() []apiCase {
	begin := func(id string, err error) func(*Server) {
		return func(s *Server) {
			done := make(chan struct{})
			j, _ := s.jobs.start("test", "console at 127.0.0.1", func(_ context.Context, tell func(JobProgress)) (any, error) {
				defer close(done)
				tell(JobProgress{Done: 0.5, Text: "half of it", Result: []int{1}})
				return nil, err
			})
			<-done
			s.jobs.mu.Lock()
			j.id = id
			s.jobs.mu.Unlock()
			for range 1000 {
				if s.jobs.show(j, false).State != jobRunning {
					break
				}
				time.Sleep(time.Millisecond)
			}
		}
	}
	return []apiCase{
		{path: "/api/v1/jobs", method: "GET", target: "/api/v1/jobs", before: begin("one", errors.New("no")), status: 200},
		{path: "/api/v1/jobs/{id}", method: "GET", target: "/api/v1/jobs/one", before: begin("one", errors.New("no")), status: 200},
		{path: "/api/v1/jobs/{id}", method: "GET", target: "/api/v1/jobs/one?wait=20", before: begin("one", nil), status: 200},
		{path: "/api/v1/jobs/{id}", method: "GET", target: "/api/v1/jobs/one?wait=21", before: begin("one", nil), status: 400},
		{path: "/api/v1/jobs/{id}", method: "GET", target: "/api/v1/jobs/two", status: 404},
		{path: "/api/v1/jobs/{id}", method: "DELETE", target: "/api/v1/jobs/one", before: begin("one", nil), status: 204},
		{path: "/api/v1/jobs/{id}", method: "DELETE", target: "/api/v1/jobs/two", status: 404},
	}
}

// jobServer is a server whose clock is that of the bubble.
func jobServer(t *testing.T) *Server {
	t.Helper()
	s := server(t, full())
	t.Cleanup(s.jobs.stop)
	return s
}

// jobOf asks for a job.
func jobOf(t *testing.T, s *Server, id, query string) jobJSON {
	t.Helper()
	w := ask(s, "GET", "/api/v1/jobs/"+id+query, "localhost")
	var j jobJSON
	if err := json.Unmarshal(w.Body.Bytes(), &j); err != nil || w.Code != 200 {
		t.Fatal(w.Code, w.Body, err)
	}
	return j
}

// begin starts work as a handler does, and gives its id.
func begin(t *testing.T, s *Server, run jobRun) string {
	t.Helper()
	return beginAs(t, s, "console", run)
}

// asked is a request of somebody.
func asked(who string) *http.Request {
	r := httptest.NewRequest("POST", "/api/v1/x", nil)
	return r.WithContext(context.WithValue(r.Context(), identityKey{}, identity{who: who}))
}

func beginAs(t *testing.T, s *Server, who string, run jobRun) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.startJob(w, asked(who), "test", run)
	var j jobJSON
	if err := json.Unmarshal(w.Body.Bytes(), &j); err != nil || w.Code != http.StatusAccepted || w.Header().Get("Location") != "/api/v1/jobs/"+j.ID {
		t.Fatal(w.Code, w.Body, w.Header(), err)
	}
	return j.ID
}

// until is work that goes on until its context ends, or go is closed.
func until(goOn <-chan struct{}) jobRun {
	return func(ctx context.Context, _ func(JobProgress)) (any, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-goOn:
			return "well", nil
		}
	}
}

func TestJobsHaveTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := jobServer(t)
		goOn := make(chan struct{})
		var ids []string
		for i := range maxRunning + maxQueued {
			ids = append(ids, beginAs(t, s, fmt.Sprintf("user %d", i/2), until(goOn)))
		}
		w := httptest.NewRecorder()
		s.startJob(w, httptest.NewRequest("POST", "/api/v1/x", nil), "test", until(goOn))
		if want := problemText(429, "Too Many Requests", "too much work waits already; cancel some of it or try again in a minute"); w.Code != 429 || w.Body.String() != want || w.Header().Get("Retry-After") != "30" {
			t.Error(w.Code, w.Body, w.Header())
		}
		states := func() (out string) {
			for _, id := range ids {
				out += " " + string(jobOf(t, s, id, "").State)
			}
			return out
		}
		if got, want := states(), strings.Repeat(" running", 2)+strings.Repeat(" waiting", 8); got != want {
			t.Errorf("got%s\nwant%s", got, want)
		}
		// One that waits and one that runs are cancelled: the next ones begin.
		for _, i := range []int{0, 2} {
			if w := ask(s, "DELETE", "/api/v1/jobs/"+ids[i], "localhost"); w.Code != 204 {
				t.Fatal(w.Code, w.Body)
			}
		}
		synctest.Wait()
		if got, want := states(), " cancelled running cancelled running"+strings.Repeat(" waiting", 6); got != want {
			t.Errorf("got%s\nwant%s", got, want)
		}
		close(goOn)
		synctest.Wait()
		if got, want := states(), " cancelled done cancelled"+strings.Repeat(" done", 7); got != want {
			t.Errorf("got%s\nwant%s", got, want)
		}
		if j := jobOf(t, s, ids[9], ""); string(j.Result) != `"well"` || *j.Progress != 1 || j.Who != "user 4" {
			t.Errorf("%+v", j)
		}
		time.Sleep(jobKept + time.Second)
		w = ask(s, "GET", "/api/v1/jobs", "localhost")
		if w.Body.String() != `{"items":[]}`+"\n" {
			t.Errorf("an hour later %s", w.Body)
		}
	})
}

func TestAJobIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := jobServer(t)
		step := make(chan int)
		id := begin(t, s, func(_ context.Context, tell func(JobProgress)) (any, error) {
			for n := range step {
				tell(JobProgress{Done: float64(n) / 100, Text: fmt.Sprint("at ", n), Result: n})
			}
			return nil, errors.New("the recording ended")
		})
		synctest.Wait()
		time.Sleep(time.Second)
		begun := time.Now()
		if j := jobOf(t, s, id, "?wait=20"); j.State != jobRunning || time.Since(begun) != 20*time.Second || j.Progress != nil {
			t.Errorf("nothing happened: %+v after %s", j, time.Since(begun))
		}
		// A thousand steps in a row are one change, or a few.
		answers := make(chan jobJSON)
		go func() {
			for {
				j := jobOf(t, s, id, "?wait=20")
				answers <- j
				if j.State != jobRunning {
					return
				}
			}
		}()
		synctest.Wait()
		go func() {
			for n := range 1000 {
				step <- n
				time.Sleep(time.Millisecond)
			}
			close(step)
		}()
		count := 0
		var last jobJSON
		for last.State != jobFailed {
			last = <-answers
			count++
		}
		if count < 3 || count > 12 || last.Text != "at 999" || string(last.Result) != "999" || last.Error != "the recording ended" {
			t.Errorf("%d answers, the last %+v", count, last)
		}
		for _, query := range []string{"?wait=21", "?wait=-1", "?wait=soon"} {
			w := ask(s, "GET", "/api/v1/jobs/"+id+query, "localhost")
			if want := problemText(400, "Bad Request", fmt.Sprintf("wait: %q is not a number of seconds from 0 to 20", query[6:])); w.Code != 400 || w.Body.String() != want {
				t.Error(w.Code, w.Body)
			}
		}
	})
}

// TestNobodyTakesAllTheWork: what others begin does not wait for everything that one began before.
func TestNobodyTakesAllTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := jobServer(t)
		first, second := make(chan struct{}), make(chan struct{})
		ids := []string{beginAs(t, s, "eve", until(first))}
		for range maxRunning - 1 + maxOwnQueued {
			ids = append(ids, beginAs(t, s, "eve", until(second)))
		}
		w := httptest.NewRecorder()
		if s.startJob(w, asked("eve"), "test", until(second)); w.Code != 429 {
			t.Errorf("one more of eve: %d %s", w.Code, w.Body)
		}
		own := beginAs(t, s, "ann", until(second))
		if j := jobOf(t, s, own, ""); j.State != jobWaiting {
			t.Error(j.State)
		}
		close(first)
		synctest.Wait()
		if j := jobOf(t, s, own, ""); j.State != jobRunning {
			t.Errorf("when there is room, what ann began is %s", j.State)
		}
		close(second)
		synctest.Wait()
		for range maxJobs {
			ids = append(ids, beginAs(t, s, "eve", until(second)))
			synctest.Wait()
		}
		if n := len(s.jobs.all); n != maxOwnJobs+1 {
			t.Errorf("%d jobs are remembered", n)
		}
		if j := jobOf(t, s, own, ""); j.State != jobDone {
			t.Errorf("what ann began is %s", j.State)
		}
	})
}

// TestAJobIsOfWhoBeganIt: others cannot cancel it.
func TestAJobIsOfWhoBeganIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := jobServer(t)
		s.source.Auth = newMemory(signed(time.Now())).source()
		j, err := s.jobs.start("test", "ann", until(nil))
		if err != nil {
			t.Fatal(err)
		}
		w := askAs(s, "DELETE", "/api/v1/jobs/"+j.id, "otto", "")
		if want := problemText(403, "Forbidden", "this job is of ann: only they and editors can cancel it"); w.Code != 403 || w.Body.String() != want {
			t.Error(w.Code, w.Body)
		}
		w = askAs(s, "DELETE", "/api/v1/jobs/nope", "ann", "")
		if want := problemText(404, "Not Found", `there is no job "nope"; it was perhaps too long ago`); w.Code != 404 || w.Body.String() != want {
			t.Error(w.Code, w.Body)
		}
		if _, err := s.jobResult(j.id, "test"); err == nil || err.Error() != `the job "`+j.id+`" is running` {
			t.Error(err)
		}
		if _, err := s.jobResult(j.id, "sync"); err == nil || err.Error() != `there is no job "`+j.id+`" of this kind; it was perhaps too long ago` {
			t.Error(err)
		}
	})
}

// TestAJobThatBreaksDown takes nothing else with it, and its turn is free again.
func TestAJobThatBreaksDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said strings.Builder
		source := full()
		s, err := New(Config{Source: source, Log: slog.New(slog.NewTextHandler(&said, nil)), Now: func() time.Time { return time.Unix(0, 0) }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.jobs.stop)
		var ids []string
		for range 5 {
			ids = append(ids, begin(t, s, func(context.Context, func(JobProgress)) (any, error) { panic("nil zone") }))
		}
		synctest.Wait()
		for _, id := range ids {
			if j := jobOf(t, s, id, "?wait=20"); j.State != jobFailed || j.Error != "this broke down; the log says more" || j.Begun.Unix() != 0 || j.Ended.Unix() != 0 {
				t.Errorf("%+v", j)
			}
		}
		if strings.Count(said.String(), `msg="work for the console broke down" kind=test error="nil zone"`) != 5 {
			t.Error(said.String())
		}
		large := begin(t, s, func(context.Context, func(JobProgress)) (any, error) { return strings.Repeat("x", maxJobResult), nil })
		synctest.Wait()
		if j := jobOf(t, s, large, ""); j.Error != "the result is larger than 8 MB" || j.Result != nil {
			t.Errorf("%+.100v", j)
		}
	})
}

// TestAStopCancelsJobs and lets those go who wait for them.
func TestAStopCancelsJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := jobServer(t)
		id := begin(t, s, until(nil))
		answered := make(chan jobJSON)
		go func() { answered <- jobOf(t, s, id, "?wait=20") }()
		synctest.Wait()
		begun := time.Now()
		if err := s.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-answered
		synctest.Wait()
		if j := jobOf(t, s, id, ""); time.Since(begun) > 0 || j.State != jobCancelled {
			t.Errorf("%+v after %s", j, time.Since(begun))
		}
		w := httptest.NewRecorder()
		s.startJob(w, httptest.NewRequest("POST", "/api/v1/x", nil), "test", until(nil))
		if want := problemText(503, "Service Unavailable", "the program ends"); w.Code != 503 || w.Body.String() != want {
			t.Error(w.Code, w.Body)
		}
	})
}
