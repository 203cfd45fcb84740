package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The bounds of long work.
const (
	maxRunning   = 2         // jobs at one time
	maxQueued    = 8         // that wait for their turn
	maxOwnQueued = 4         // of one caller
	maxJobs      = 32        // that are remembered
	maxOwnJobs   = 12        // of one caller
	jobKept      = time.Hour // how long one that ended is remembered
	jobTellEvery = 250 * time.Millisecond
	maxJobWait   = 20 * time.Second
	maxJobResult = 8 << 20 // bytes of a result in JSON
)

// JobProgress is how far long work has got.
type JobProgress struct {
	// Done is 0..1; negative while unknown.
	Done float64
	// Text says what it is at.
	Text string
	// Result is what there is so far; nil leaves it as it was. It must not be changed afterwards.
	Result any
}

// jobRun is long work: it ends soon after ctx does, tells how far it is as often as it likes, and gives its result.
type jobRun func(ctx context.Context, tell func(JobProgress)) (any, error)

// jobState is how a job is.
type jobState string

// The states of a job. The last three are its end.
const (
	jobWaiting   jobState = "waiting"
	jobRunning   jobState = "running"
	jobDone      jobState = "done"
	jobFailed    jobState = "failed"
	jobCancelled jobState = "cancelled"
)

// jobJSON is a job as it is answered.
type jobJSON struct {
	ID       string          `json:"id"`
	Kind     string          `json:"kind"`
	State    jobState        `json:"state"`
	Who      string          `json:"who"`
	Begun    Time            `json:"begun"`
	Ended    Time            `json:"ended,omitzero"`
	Progress *float64        `json:"progress,omitempty"`
	Text     string          `json:"text,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"`
	Error    string          `json:"error,omitempty"`
}

// job is one piece of long work.
type job struct {
	id, kind, who string
	begun         time.Time
	run           jobRun
	cancel        context.CancelFunc
	ctx           context.Context

	// The rest is guarded by the lock of the jobs.
	state    jobState
	ended    time.Time // on the clock of the process
	shown    time.Time // when it ended, as it is shown
	progress JobProgress
	result   any
	err      string
	changed  chan struct{} // closed at the next change
	told     time.Time     // when the last change was told
	telling  bool          // a change is going to be told
}

func (j *job) over() bool { return j.state != jobWaiting && j.state != jobRunning }

// jobs are the long work of a server. Few run at a time, so that rules have the machine.
type jobs struct {
	ctx  context.Context // ends with the server
	stop context.CancelFunc
	now  func() time.Time // what is shown as the time
	log  *slog.Logger

	mu  sync.Mutex
	all []*job // in the order in which they were begun
}

func newJobs(now func() time.Time, log *slog.Logger) *jobs {
	ctx, stop := context.WithCancel(context.Background())
	return &jobs{ctx: ctx, stop: stop, now: now, log: log}
}

// errBusy says that too much waits already.
var errBusy = errors.New("too much work waits already; cancel some of it or try again in a minute")

// start takes in work; it is done when its turn comes.
func (js *jobs) start(kind, who string, run jobRun) (*job, error) {
	js.mu.Lock()
	defer js.mu.Unlock()
	if js.ctx.Err() != nil {
		return nil, errors.New("the program ends")
	}
	js.forget()
	waiting, own, kept := 0, 0, 0
	for _, j := range js.all {
		if j.state == jobWaiting {
			waiting++
			if j.who == who {
				own++
			}
		}
		if j.who == who {
			kept++
		}
	}
	if waiting >= maxQueued || own >= maxOwnQueued {
		return nil, errBusy
	}
	if kept >= maxOwnJobs {
		js.forgetOne(func(j *job) bool { return j.who == who })
	}
	j := &job{id: strings.ToLower(rand.Text()[:12]), kind: kind, who: who, begun: js.now(), run: run, state: jobWaiting, changed: make(chan struct{})}
	j.progress.Done = -1
	j.ctx, j.cancel = context.WithCancel(js.ctx)
	js.all = append(js.all, j)
	js.next()
	return j, nil
}

// forget drops jobs that ended long ago, and the oldest ended ones of too many. The lock is held.
func (js *jobs) forget() {
	js.all = slices.DeleteFunc(js.all, func(j *job) bool { return j.over() && time.Since(j.ended) > jobKept })
	for len(js.all) >= maxJobs {
		if !js.forgetOne(func(*job) bool { return true }) {
			return
		}
	}
}

// forgetOne drops the oldest job that ended, of some. The lock is held.
func (js *jobs) forgetOne(of func(*job) bool) bool {
	i := slices.IndexFunc(js.all, func(j *job) bool { return j.over() && of(j) })
	if i >= 0 {
		js.all = slices.Delete(js.all, i, i+1)
	}
	return i >= 0
}

// next begins what may run now: of whom least runs, the oldest. The lock is held.
func (js *jobs) next() {
	running, of := 0, map[string]int{}
	for _, j := range js.all {
		if j.state == jobRunning {
			running++
			of[j.who]++
		}
	}
	for ; running < maxRunning; running++ {
		var first *job
		for _, j := range js.all {
			if j.state == jobWaiting && (first == nil || of[j.who] < of[first.who]) {
				first = j
			}
		}
		if first == nil {
			return
		}
		of[first.who]++
		first.state = jobRunning
		js.tell(first, true)
		go js.do(first)
	}
}

// do does a job to its end.
func (js *jobs) do(j *job) {
	result, err := js.guarded(j)
	js.mu.Lock()
	defer js.mu.Unlock()
	switch {
	case err == nil:
		js.end(j, jobDone, "")
		if result != nil {
			j.result = result
		}
	case j.ctx.Err() != nil:
		js.end(j, jobCancelled, "")
	default:
		js.end(j, jobFailed, err.Error())
	}
	js.next()
}

// guarded runs the work; a panic in it is an error, and goes no further.
func (js *jobs) guarded(j *job) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			js.log.Error("work for the console broke down", "kind", j.kind, "error", p, "stack", string(debug.Stack()))
			err = errors.New("this broke down; the log says more")
		}
	}()
	return j.run(j.ctx, func(p JobProgress) {
		js.mu.Lock()
		defer js.mu.Unlock()
		if j.over() {
			return
		}
		if p.Result != nil {
			j.result = p.Result
		}
		p.Result = nil
		j.progress = p
		js.tell(j, false)
	})
}

// end notes how a job ended. The lock is held.
func (js *jobs) end(j *job, state jobState, err string) {
	j.state, j.err, j.ended, j.shown = state, err, time.Now(), js.now()
	j.cancel()
	j.run = nil
	js.tell(j, true)
}

// tell wakes who waits for a change of a job: at once, or so that it is not too often. The lock is held.
func (js *jobs) tell(j *job, now bool) {
	since := time.Since(j.told)
	switch {
	case now || since >= jobTellEvery:
		j.told = time.Now()
		close(j.changed)
		j.changed = make(chan struct{})
	case !j.telling:
		j.telling = true
		time.AfterFunc(jobTellEvery-since, func() {
			js.mu.Lock()
			defer js.mu.Unlock()
			j.telling = false
			if !j.over() {
				js.tell(j, true)
			}
		})
	}
}

// find gives a job by its id; nil when there is none.
func (js *jobs) find(id string) *job {
	js.mu.Lock()
	defer js.mu.Unlock()
	js.forget()
	for _, j := range js.all {
		if j.id == id {
			return j
		}
	}
	return nil
}

// finish cancels a job. One that did not begin yet never does.
func (js *jobs) finish(j *job) {
	js.mu.Lock()
	defer js.mu.Unlock()
	j.cancel()
	if j.state == jobWaiting {
		js.end(j, jobCancelled, "")
	}
}

// show is a job as it is answered.
func (js *jobs) show(j *job, whole bool) jobJSON {
	js.mu.Lock()
	v := jobJSON{ID: j.id, Kind: j.kind, State: j.state, Who: j.who, Begun: Time{j.begun}, Text: j.progress.Text, Error: j.err}
	if j.over() {
		v.Ended = Time{j.shown}
	}
	if p := j.progress.Done; p >= 0 && p <= 1 {
		v.Progress = &p
	}
	if j.state == jobDone {
		one := 1.0
		v.Progress = &one
	}
	result := j.result
	js.mu.Unlock()
	if !whole || result == nil {
		return v
	}
	text, err := encode(result)
	switch {
	case err != nil:
		v.Error = err.Error()
	case len(text) > maxJobResult:
		v.Error = fmt.Sprintf("the result is larger than %d MB", maxJobResult>>20)
	default:
		v.Result = bytes.TrimSuffix(text, []byte{'\n'})
	}
	return v
}

// jobResult gives what a job of a kind ended with. Its error is a [NotFoundError] when there is no such job, and a
// [RefusedError] when it did not end well.
func (s *Server) jobResult(id, kind string) (any, error) {
	j := s.jobs.find(id)
	if j == nil || j.kind != kind {
		return nil, NotFoundError("there is no job " + quote(id) + " of this kind; it was perhaps too long ago")
	}
	s.jobs.mu.Lock()
	defer s.jobs.mu.Unlock()
	if j.state != jobDone {
		return nil, RefusedError("the job " + quote(id) + " is " + string(j.state))
	}
	return j.result, nil
}

func (s *Server) jobRoutes() []route {
	return []route{
		{"/api/v1/jobs", get(s.listJobs)},
		{"/api/v1/jobs/{id}", methods{
			http.MethodGet:    {role: RoleViewer, long: true, handle: s.getJob},
			http.MethodDelete: {role: RoleViewer, handle: s.cancelJob},
		}},
	}
}

// startJob begins long work and answers with it. The names of kinds are those of the API's description.
func (s *Server) startJob(w http.ResponseWriter, r *http.Request, kind string, run func(ctx context.Context, tell func(JobProgress)) (any, error)) {
	j, err := s.jobs.start(kind, caller(r), run)
	switch {
	case errors.Is(err, errBusy):
		w.Header().Set("Retry-After", "30")
		fail(w, http.StatusTooManyRequests, err.Error())
		return
	case err != nil:
		fail(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	body, err := encode(s.jobs.show(j, true))
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Location", "/api/v1/jobs/"+j.id)
	answer(w, http.StatusAccepted, "application/json", body)
}

func (s *Server) listJobs(w http.ResponseWriter, _ *http.Request) {
	s.jobs.mu.Lock()
	s.jobs.forget()
	all := slices.Clone(s.jobs.all)
	s.jobs.mu.Unlock()
	items := []jobJSON{}
	for _, j := range slices.Backward(all) {
		items = append(items, s.jobs.show(j, false))
	}
	answerJSON(w, page[jobJSON]{Items: items})
}

// getJob gives a job; with wait, when it changed or the seconds are over.
func (s *Server) getJob(w http.ResponseWriter, r *http.Request) {
	wait := time.Duration(0)
	if v := r.URL.Query().Get("wait"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > int(maxJobWait/time.Second) {
			fail(w, http.StatusBadRequest, fmt.Sprintf("wait: %s is not a number of seconds from 0 to %d", quote(v), maxJobWait/time.Second))
			return
		}
		wait = time.Duration(n) * time.Second
	}
	j := s.jobs.find(r.PathValue("id"))
	if j == nil {
		fail(w, http.StatusNotFound, noJob(r.PathValue("id")))
		return
	}
	s.jobs.mu.Lock()
	over, changed := j.over(), j.changed
	s.jobs.mu.Unlock()
	// A server that cannot move its deadline has none. Without one a result would be kept for whoever does not fetch it.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(wait + writeTime))
	if wait > 0 && !over {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-changed:
		case <-t.C:
		case <-r.Context().Done():
			return
		case <-s.jobs.ctx.Done():
		}
	}
	answerJSON(w, s.jobs.show(j, true))
}

func noJob(id string) string {
	return "there is no job " + quote(id) + "; it was perhaps too long ago"
}

func (s *Server) cancelJob(w http.ResponseWriter, r *http.Request) {
	j := s.jobs.find(r.PathValue("id"))
	switch {
	case j == nil:
		fail(w, http.StatusNotFound, noJob(r.PathValue("id")))
		return
	case j.who != caller(r) && !roleOf(r).may(RoleEditor):
		fail(w, http.StatusForbidden, "this job is of "+j.who+": only they and editors can cancel it")
		return
	}
	s.jobs.finish(j)
	w.WriteHeader(http.StatusNoContent)
}

// readJSON reads a body of at most limit bytes into a value, with no field that it does not know; false when that was
// answered with an error. want says what is wanted.
func readJSON(w http.ResponseWriter, r *http.Request, limit int64, into any, want string) bool {
	// A form of another site cannot send this type without asking first.
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		fail(w, http.StatusBadRequest, "want a body of Content-Type application/json")
		return false
	}
	body, ok := readBody(w, r, limit)
	if !ok {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if d.Decode(into) != nil {
		fail(w, http.StatusBadRequest, want)
		return false
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		fail(w, http.StatusBadRequest, want)
		return false
	}
	return true
}

// readBody reads a body of at most limit bytes; false when that was answered with an error.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, bool) {
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case err != nil:
		fail(w, http.StatusBadRequest, "the body could not be read")
		return nil, false
	case int64(len(body)) > limit:
		fail(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is longer than %d bytes", limit))
		return nil, false
	}
	return body, true
}
