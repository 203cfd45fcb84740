package camera

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/engine"
)

// post gives a body to a port without a connection.
func post(t testing.TB, p *Port, path, body string) int {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.RemoteAddr = "10.0.0.1:1234"
	p.ServeHTTP(w, r)
	return w.Code
}

// drain takes everything there is, a word each.
func drain(p *Port) []string {
	var got []string
	for {
		it, ok := p.Take()
		if !ok {
			return got
		}
		e := it.Events[0]
		s := e.Camera + " " + e.Kind.String()
		switch {
		case e.Plate != nil:
			s += " " + e.Plate.Number
		case e.Kind == engine.KindTarget:
			for _, l := range e.Targets {
				s += fmt.Sprintf(" %d@%d", l.ID, l.Box.X1)
			}
		}
		got = append(got, s)
		p.Release(it)
	}
}

var twoCameras = Config{Cameras: []Camera{{Name: "porch", Match: []Match{{MAC: porchMAC}}}, {Name: "gate", Match: []Match{{MAC: gateMAC}}}}}

func equal(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestQueuesTakeTurns shows that one camera's burst does not delay another, and
// that the order inside a camera is kept.
func TestQueuesTakeTurns(t *testing.T) {
	p := New(twoCameras)
	for i := range 4 {
		post(t, p, "/", trajectory(porchMAC, [5]int{i, i, 0, 50, 50}))
	}
	post(t, p, "/", plateV1("ABC1")) // of porch, which posts from there
	post(t, p, "/", trajectory(gateMAC, [5]int{7, 7, 0, 50, 50}))
	equal(t, drain(p), "porch target 0@0", "gate target 7@7", "porch target 1@1", "porch target 2@2", "porch target 3@3", "porch plate ABC1")
}

// TestPostsOfAStallComeInTheirOrder: a camera with few posts does not take the time on
// past another's that wait.
func TestPostsOfAStallComeInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(twoCameras)
		frame := func(mac string, id int) {
			post(t, p, "/", trajectory(mac, [5]int{id, 7, 0, 50, 50}))
			time.Sleep(200 * time.Millisecond)
		}
		for i := range 20 {
			frame(porchMAC, i)
			if i%8 == 0 {
				frame(gateMAC, 100+i)
			}
		}
		var want []string
		for i := range 20 {
			want = append(want, fmt.Sprintf("porch target %d@7", i))
			if i%8 == 0 {
				want = append(want, fmt.Sprintf("gate target %d@7", 100+i))
			}
		}
		equal(t, drain(p), want...)
	})
}

// TestOneSignalForABurst shows that the loop is woken once, and again after it
// has seen everything.
func TestOneSignalForABurst(t *testing.T) {
	p := New(twoCameras)
	signals := func() (n int) {
		for {
			select {
			case <-p.Ready():
				n++
			default:
				return n
			}
		}
	}
	for range 3 {
		for i := range 40 {
			post(t, p, "/", trajectory(porchMAC, [5]int{i, i, 0, 50, 50}))
		}
		if n := signals(); n != 1 {
			t.Errorf("%d signals for a burst", n)
		}
		if n := len(drain(p)); n != 40 {
			t.Errorf("%d items", n)
		}
	}
	// A loop that looks without having been called is not left asleep.
	post(t, p, "/", "")
	for range 3 {
		post(t, p, "/", trajectory(porchMAC))
		drain(p)
	}
	post(t, p, "/", trajectory(porchMAC))
	if n := signals(); n != 1 {
		t.Errorf("%d signals", n)
	}
}

// TestFullQueueMergesTrajectories shows that a busy loop finds the newest box of
// every target, after what happened before, and that the recording says the same.
func TestFullQueueMergesTrajectories(t *testing.T) {
	p := New(twoCameras)
	post(t, p, "/", trajectory(porchMAC, [5]int{1, 1, 0, 50, 50}))
	post(t, p, "/", plateV1("ABC1"))
	for i := range queueFrames - 1 {
		post(t, p, "/", trajectory(porchMAC, [5]int{2, i % 40, 0, 50, 50}))
	}
	post(t, p, "/", trajectory(porchMAC, [5]int{3, 41, 0, 50, 50}, [5]int{4, 42, 0, 50, 50}))
	post(t, p, "/", trajectory(porchMAC, [5]int{4, 43, 0, 50, 50}, [5]int{5, 44, 0, 50, 50}))
	post(t, p, "/", trajectory(gateMAC, [5]int{6, 6, 0, 50, 50}))

	s := p.Stats().Cameras
	if s[0].Merged != 2 || s[0].Dropped != 0 || s[0].Queued != queueFrames+1 || s[0].Frames != queueFrames+2 || s[1].Merged != 0 {
		t.Errorf("%+v", s)
	}
	var last *Item
	n := 0
	for {
		it, ok := p.Take()
		if !ok {
			break
		}
		if it.Events[0].Camera == "porch" {
			n++
			if it.Merged > 0 {
				last = it
				continue
			}
		}
		p.Release(it)
	}
	if n != queueFrames+1 || last == nil || last.Merged != 2 {
		t.Fatalf("%d items, last %+v", n, last)
	}
	var ids []string
	for _, l := range last.Events[0].Targets {
		ids = append(ids, fmt.Sprintf("%d@%d", l.ID, l.Box.X1))
	}
	if got := strings.Join(ids, " "); got != fmt.Sprintf("4@43 5@44 3@41 2@%d", (queueFrames-2)%40) {
		t.Errorf("targets %s", got)
	}
	again, v, err := NewReader(NewMatcher(twoCameras.Cameras)).Read(last.Received, last.Remote, last.Path, last.Raw)
	if err != nil || v != Matched || !reflect.DeepEqual(again[0].Targets, last.Events[0].Targets) || again[0].Device != last.Events[0].Device ||
		!again[0].Time.Equal(last.Events[0].Time) || !again[0].Received.Equal(last.Events[0].Received) {
		t.Errorf("%v %v\n%+v\n%+v", v, err, again, last.Events[0])
	}
}

// TestFullQueueMergesAnOlderPair shows that a device new to a full queue finds
// room without a box being lost.
func TestFullQueueMergesAnOlderPair(t *testing.T) {
	p := New(Config{Cameras: []Camera{{Name: "all", Match: []Match{{IP: prefix("10.0.0.0/8")}}}}})
	post(t, p, "/", trajectory(gateMAC, [5]int{1, 1, 0, 50, 50}, [5]int{2, 1, 0, 50, 50}))
	for i := range queueFrames - 2 {
		post(t, p, "/", trajectory(fmt.Sprintf("00:00:00:00:%02x:%02x", i>>8, i&255), [5]int{i, 1, 0, 50, 50}))
	}
	post(t, p, "/", trajectory(gateMAC, [5]int{2, 2, 0, 50, 50}))
	post(t, p, "/", trajectory(porchMAC, [5]int{3, 3, 0, 50, 50}))
	if s := p.Stats().Cameras[0]; s.Dropped != 0 || s.Merged != 1 {
		t.Errorf("%+v", s)
	}
	got := drain(p)
	equal(t, got[len(got)-2:], "all target 2@2 1@1", "all target 3@3")
}

// TestFullQueueOfManyDevices shows what gives way when nothing can be merged.
func TestFullQueueOfManyDevices(t *testing.T) {
	p := New(Config{Cameras: []Camera{{Name: "all", Match: []Match{{IP: prefix("10.0.0.0/8")}}}}})
	for i := range queueFrames + 1 {
		post(t, p, "/", trajectory(fmt.Sprintf("00:00:00:00:%02x:%02x", i>>8, i&255), [5]int{i, 1, 0, 50, 50}))
	}
	if s := p.Stats().Cameras[0]; s.Dropped != 1 || s.Merged != 0 {
		t.Errorf("%+v", s)
	}
	if got := drain(p); len(got) != queueFrames || got[0] != "all target 1@1" {
		t.Errorf("%d items, first %s", len(got), got[0])
	}
}

// TestFullQueueOfEvents shows that a plate waits at most 2 s for room and is
// then refused, that another camera's is not delayed, and that trajectories and
// heartbeats never wait.
func TestFullQueueOfEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(twoCameras)
		post(t, p, "/", trajectory(porchMAC))
		for i := range queueEvents {
			if got := post(t, p, "/", plateV1(fmt.Sprint("P", i))); got != 200 {
				t.Fatalf("plate %d: %d", i, got)
			}
		}
		begin := time.Now()
		if got := post(t, p, "/", plateV1("LATE")); got != 503 || time.Since(begin) != queueWait {
			t.Errorf("%d after %v", got, time.Since(begin))
		}
		begin = time.Now()
		for _, body := range []string{trajectory(gateMAC), trajectory(porchMAC), ""} {
			if got := post(t, p, "/", body); got != 200 || time.Since(begin) != 0 {
				t.Errorf("%d after %v: %s", got, time.Since(begin), body)
			}
		}
		if s := p.Stats().Cameras[0]; s.Refused != 1 || s.Waited != 1 || s.Queued != queueEvents+2 {
			t.Errorf("%+v", s)
		}

		// Two more wait, in their order, and are let in as room comes.
		results := make(chan string, 2)
		for i := range 2 {
			go func() {
				results <- fmt.Sprint(i, post(t, p, "/", strings.Replace(alarms(porchMAC), "perimeter", fmt.Sprint("a", i), 2)))
			}()
			synctest.Wait()
		}
		time.Sleep(time.Second)
		got := drain(p)
		synctest.Wait()
		got = append(got, drain(p)...)
		if n := len(got); n != queueEvents+5 {
			t.Errorf("%d items: %v", n, got)
		}
		if a, b := <-results, <-results; !(a == "0 200" && b == "1 200" || a == "1 200" && b == "0 200") {
			t.Errorf("%s, %s", a, b)
		}
		if s := p.Stats().Cameras[0]; s.Refused != 1 || s.Waited != 3 || s.Queued != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestHeartbeatGivesWay shows that a heartbeat is answered and dropped when the
// queue is full of posts.
func TestHeartbeatGivesWay(t *testing.T) {
	p := New(Config{Cameras: []Camera{{Name: "any", Match: []Match{{IP: prefix("10.0.0.0/8")}}}}})
	for i := range queueEvents + 3 {
		if got := post(t, p, "/", ""); got != 200 {
			t.Fatalf("heartbeat %d: %d", i, got)
		}
	}
	if s := p.Stats().Cameras[0]; s.Dropped != 3 || s.Posts != queueEvents+3 {
		t.Errorf("%+v", s)
	}
}

// TestStats shows what is told of a camera.
func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(twoCameras)
		for range 100 { // ten seconds at ten frames a second
			post(t, p, "/", trajectory(porchMAC, [5]int{1, 50, 0, 10, 10})) // inside out
			time.Sleep(100 * time.Millisecond)
		}
		drain(p)
		post(t, p, "/", "<broken")
		post(t, p, "/", trajectory(nvrMAC))
		s := p.Stats()
		c := s.Cameras[0]
		if c.Name != "porch" || c.Frames != 100 || c.Posts != 100 || c.Rate != 10 || !c.HasSkew || c.LastSeen.IsZero() {
			t.Errorf("%+v", c)
		}
		if want := c.LastSeen.Sub(noon); c.Skew != want {
			t.Errorf("skew %v, want %v", c.Skew, want)
		}
		if len(c.Problems) != 1 || c.Problems[0].Count != 100 {
			t.Errorf("problems %v", c.Problems)
		}
		if s.Posts != 101 || s.Bad != 1 || len(s.BadTexts) != 1 || s.Unknown != 1 {
			t.Errorf("%+v", s)
		}
		time.Sleep(5 * time.Second)
		if r := p.Stats().Cameras[0].Rate; r != 5 {
			t.Errorf("rate %v after 5 s of silence", r)
		}
		time.Sleep(time.Hour)
		if r := p.Stats().Cameras[0].Rate; r != 0 {
			t.Errorf("rate %v after an hour of silence", r)
		}
	})
}

// TestProblemsAreBounded shows that a device cannot fill the memory with ever
// new problems.
func TestProblemsAreBounded(t *testing.T) {
	var c tally
	for i := range 1000 {
		c.note(strings.Repeat("x", i))
	}
	list := c.sorted()
	if len(list) != maxProblems+1 || list[0].Text != otherProblems || list[0].Count != 1000-maxProblems {
		t.Errorf("%d texts, first %v", len(list), list[0])
	}
}

// TestLargeBodiesAreBounded shows that the memory of large bodies is bounded for
// one address, that a post waits 2 s for it, and that it is given back.
func TestLargeBodiesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(twoCameras)
		big := strings.Replace(plateV1("ABC1"), "d2hvbGUgZnJhbWU=", strings.Repeat("AAAA", 7<<20/4), 1)
		post(t, p, "/", trajectory(porchMAC))
		var got []int
		begin := time.Now()
		for range 4 {
			got = append(got, post(t, p, "/", big))
		}
		if fmt.Sprint(got) != "[200 200 200 503]" || p.Stats().Full != 1 || time.Since(begin) != queueWait {
			t.Errorf("%v, %d, after %v", got, p.Stats().Full, time.Since(begin))
		}
		it, _ := p.Take()
		p.Release(it)
		it, _ = p.Take()
		bytes := it.Events[0].Scene.Bytes
		short, stripped := it.AppendWithoutPictures(nil)
		if !stripped || len(short) > 4096 || len(it.Raw) < 7<<20 {
			t.Errorf("stripped %v to %d bytes of %d", stripped, len(short), len(it.Raw))
		}
		begin = time.Now()
		waits := make(chan int)
		go func() { waits <- post(t, p, "/", big) }()
		time.Sleep(time.Second)
		p.Release(it)
		if got := <-waits; got != 200 || time.Since(begin) != time.Second {
			t.Errorf("after release: %d after %v", got, time.Since(begin))
		}
		if picture, err := bytes(); err != nil || len(picture) != 7<<20/4*3 {
			t.Errorf("the picture after release: %d bytes, %v", len(picture), err)
		}
		drain(p)
		if p.budget.used != 0 || len(p.budget.of) != 0 {
			t.Errorf("%d bytes of %v not given back", p.budget.used, p.budget.of)
		}
	})
}
