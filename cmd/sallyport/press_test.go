package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/web"
)

// TestPress: a press counts at once and once, and only for the run of the program that its page knows.
func TestPress(t *testing.T) {
	const run = "20260329T135834.452Z"
	now := time.Date(2026, 3, 29, 14, 0, 0, 0, time.UTC)
	press := func(id, run string, age time.Duration) web.Press {
		return web.Press{ID: id, Run: run, At: now.Add(-age)}
	}
	var p presses
	for i, c := range []struct {
		press web.Press
		left  time.Duration
		err   string
	}{
		{web.Press{}, 3 * time.Second, ""},
		{press("a", run, 0), 3 * time.Second, ""},
		{press("b", run, 500*time.Millisecond), 2500 * time.Millisecond, ""},
		{press("c", run, -time.Second), 3 * time.Second, ""}, // the page's clock is a little ahead
		{press("c2", run, -time.Minute), 0, "the page's clock is 1m0s ahead: load the page again, look at the relay and press again"},
		{press("d", run, 3001*time.Millisecond), 0, "the press came 3s late: look at the relay and press again"},
		{press("a", run, 0), 0, "this press came before: look at the relay and press again"},
		{press("e", "another", 0), 0, "the program began anew since the page was loaded: look at the relay and press again"},
	} {
		left, err := p.check(c.press, run, now)
		said := ""
		if err != nil {
			said = err.Error()
		}
		if left != c.left || said != c.err {
			t.Errorf("%d: %v %q, want %v %q", i, left, said, c.left, c.err)
		}
	}
	for i := range 2 * maxPresses {
		if _, err := p.check(press("many"+strconv.Itoa(i), run, 0), run, now); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.seen) != maxPresses {
		t.Errorf("%d presses are remembered", len(p.seen))
	}
}

// TestPressMovesOnce: the page's press moves the relay, the same one again does not, and off is never held back.
func TestPressMovesOnce(t *testing.T) {
	s := startSite(t, rulesText, nil)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.console+"/api/v1/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	var hello web.Hello
	for lines := bufio.NewScanner(stream.Body); lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			if err := json.Unmarshal([]byte(data), &hello); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	for _, c := range []struct {
		body   string
		age    time.Duration
		status int
		want   string
	}{
		{`"pulse":"200ms"`, 0, http.StatusOK, `"on":true`},
		{`"pulse":"200ms"`, 0, http.StatusConflict, `relay \"gate\" refuses: this press came before: look at the relay and press again`},
		{`"set":"off"`, time.Hour, http.StatusOK, `"on":false`},
	} {
		at := hello.Now.Add(-c.age).Format(time.RFC3339Nano)
		body := fmt.Sprintf(`{%s,"press":{"id":"p1","run":%q,"at":%q}}`, c.body, hello.Run, at)
		r, err := http.Post(s.console+"/api/v1/relays/gate", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || r.StatusCode != c.status || !strings.Contains(string(answer), c.want) {
			t.Errorf("%s: %d %s %v, want %d %s", c.body, r.StatusCode, answer, err, c.status, c.want)
		}
	}
}

// TestTheClockIsSet: every page is given the new clock, by which the next press is on time.
func TestTheClockIsSet(t *testing.T) {
	var a *appliance
	s := startSite(t, rulesText, func(s *service) { s.running = func(x *appliance) { a = x } })
	await := s.stream("")
	await("hello", `"run":"`)
	if err := a.order(t.Context(), func(*engine.Engine) {
		a.wall += time.Hour
		a.now()
	}); err != nil {
		t.Fatal(err)
	}
	await("bye", "{}")
	s.stream("")("hello", `"run":"`)
}

// TestWhatIsDoneByHandIsJournaledAtTheClockThatPeopleSee: also where the clock is moved.
func TestWhatIsDoneByHandIsJournaledAtTheClockThatPeopleSee(t *testing.T) {
	s := startSite(t, rulesText, func(s *service) { s.shift = 5 * time.Hour })
	if code, body := s.send("POST", "/api/v1/relays/gate", `{"pulse":"200ms"}`); code != 200 {
		t.Fatal(code, body)
	}
	e := s.awaitEntry("kind=action", func(e entry) bool { return e.Relay == "gate" })
	if off := time.Until(e.At); off < 4*time.Hour || off > 5*time.Hour {
		t.Errorf("it is journaled for in %v", off)
	}
}

// TestAnOrderIsNotDoneLate: what the loop does not take at once, as when it stands still, it never does.
func TestAnOrderIsNotDoneLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := appliance{orders: make(chan func(*engine.Engine)), stopped: make(chan struct{})}
		begun := time.Now()
		err := a.order(t.Context(), func(*engine.Engine) { t.Error("it is done") })
		if want := "the engine did not take it within 3s, and it is not done: try again"; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		if d := time.Since(begun); d != commandTime {
			t.Errorf("given up after %v", d)
		}
		select {
		case f := <-a.orders:
			f(nil)
		default:
		}
	})
}
