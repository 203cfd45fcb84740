package plates_test

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/actions/plates"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/viewtron/sim"
)

func camera(t *testing.T, o sim.Options) (*sim.Camera, *client.Client) {
	t.Helper()
	o.Location = time.UTC
	cam := sim.NewCamera(o)
	srv := httptest.NewServer(cam)
	t.Cleanup(srv.Close)
	c, err := client.New(client.Config{URL: srv.URL, Location: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return cam, c
}

var fired = time.Date(2026, 4, 7, 9, 28, 45, 0, time.UTC)

func step(a engine.PlatesArgs) engine.Request {
	return engine.Request{
		Firing: &engine.Firing{ID: 1, Rule: &engine.Rule{Name: "r"}, At: engine.Instant{Wall: fired}},
		Step:   &engine.Step{Args: a}, Args: a,
	}
}

// all makes the edit on every camera the step means.
func all(h actions.Handler, a engine.PlatesArgs) error {
	var problems []error
	for _, q := range h.Split(step(a)) {
		problems = append(problems, h.Action.Do(context.Background(), q))
	}
	return errors.Join(problems...)
}

func text(cams ...*sim.Camera) string {
	var s []string
	for _, c := range cams {
		for _, p := range c.Plates() {
			s = append(s, strings.Join([]string{p.Number, p.Group, p.Owner, p.Begin.UTC().Format("0102 150405"), p.End.UTC().Format("0102 150405")}, "|"))
		}
		s = append(s, ";")
	}
	return strings.Join(s, " ")
}

func TestPlatesGoOnTheListThatIsNamedOnEveryCamera(t *testing.T) {
	a, ac := camera(t, sim.Options{})
	b, bc := camera(t, sim.Options{Groups: []sim.Group{{ID: "1", Name: "whiteList"}, {ID: "2", Name: "temporaryList"}, {ID: "9", Name: "Staff"}}})
	h := plates.New(plates.Config{
		Cameras: []plates.Camera{{Name: "a", Lists: ac}, {Name: "b", Lists: bc}},
		Now:     func() time.Time { return fired.Add(time.Hour) },
	})
	if err := all(h, engine.PlatesArgs{Op: engine.PlatesAdd, Number: "ABC1234", List: "temporary", Owner: "Ann", Valid: 24 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	want := "ABC1234|temporaryList|Ann|0407 092845|0408 092845"
	if got := text(a, b); got != want+" ; "+want+" ;" {
		t.Errorf("after add: %s", got)
	}
	if err := all(h, engine.PlatesArgs{Op: engine.PlatesRemove, Number: "ABC1234", List: "temporary", Cameras: []string{"b"}}); err != nil {
		t.Fatal(err)
	}
	if got := text(a, b); got != want+" ; ;" {
		t.Errorf("after remove: %s", got)
	}
	if err := all(h, engine.PlatesArgs{Op: engine.PlatesRemove, Number: "ABC1234", List: "temporary", Cameras: []string{"b"}}); err != nil {
		t.Errorf("removing what is gone: %v", err)
	}
	if err := all(h, engine.PlatesArgs{Op: engine.PlatesAdd, Number: "S1", List: "Staff", Cameras: []string{"b"}}); err != nil {
		t.Fatal(err)
	}
	if got := b.Plates(); len(got) != 1 || got[0].Group != "Staff" {
		t.Errorf("a list of the user's own: %+v", got)
	}
}

func TestAHostilePlateIsData(t *testing.T) {
	for _, plate := range []string{`"; rm -rf /;`, `]]><x>`, `$(id)`, `&amp;<![CDATA[`, "АВС1234", "ＡＢＣ１２３４", `' OR 1=1 --`} {
		cam, c := camera(t, sim.Options{})
		h := plates.New(plates.Config{Cameras: []plates.Camera{{Name: "a", Lists: c}}})
		if err := all(h, engine.PlatesArgs{Op: engine.PlatesAdd, Number: plate, List: "block", Owner: plate}); err != nil {
			t.Errorf("%q: %v", plate, err)
			continue
		}
		if p := cam.Plates(); len(p) != 1 || p[0].Number != plate || p[0].Owner != plate || p[0].Group != "blackList" {
			t.Errorf("%q became %+v", plate, p)
		}
	}
}

func TestWhatAHostilePlateLooksLikeOnTheWire(t *testing.T) {
	var bodies []string
	cam := sim.NewCamera(sim.Options{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(b))
		r.Body = io.NopCloser(strings.NewReader(string(b)))
		cam.ServeHTTP(w, r)
	}))
	defer srv.Close()
	c, err := client.New(client.Config{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	h := plates.New(plates.Config{Cameras: []plates.Camera{{Name: "a", Lists: c}}})
	const plate = `]]></item><item><x>`
	if err := all(h, engine.PlatesArgs{Op: engine.PlatesAdd, Number: plate, List: "block"}); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Items []struct {
			Number string `xml:"licensePlateNumber"`
		} `xml:"licensePlates>item"`
	}
	if err := xml.Unmarshal([]byte(bodies[len(bodies)-1]), &doc); err != nil || len(doc.Items) != 1 || doc.Items[0].Number != plate {
		t.Errorf("%v in %s", err, bodies[len(bodies)-1])
	}
}

func TestEditsThatNeverCanBeMade(t *testing.T) {
	cam, c := camera(t, sim.Options{})
	h := plates.New(plates.Config{Cameras: []plates.Camera{{Name: "a", Lists: c}}, Now: func() time.Time { return fired.Add(48 * time.Hour) }})
	for _, tt := range []struct {
		args engine.PlatesArgs
		want string
	}{
		{engine.PlatesArgs{Number: strings.Repeat("A", 300), List: "allow"},
			`plate "` + strings.Repeat("A", 40) + `…" has 300 characters; a camera takes at most 32`},
		{engine.PlatesArgs{List: "allow"}, "plate is empty"},
		{engine.PlatesArgs{Number: "A\nB", List: "allow"}, `plate "A\nB" holds a control character`},
		{engine.PlatesArgs{Number: "A\xff", List: "allow"}, `plate "A\xff" is not valid UTF-8`},
		{engine.PlatesArgs{Number: "A", List: "allow", Owner: strings.Repeat("ü", 65)},
			`owner "` + strings.Repeat("ü", 20) + `…" has 65 characters; a camera takes at most 64`},
		{engine.PlatesArgs{Number: "A", List: "allow", Cameras: []string{"x"}}, `there is no camera "x" with plate lists`},
		{engine.PlatesArgs{Op: engine.PlatesMove, Number: "A", List: "allow"}, "plates: move is not supported yet"},
	} {
		err := all(h, tt.args)
		if err == nil || err.Error() != tt.want {
			t.Errorf("got  %v\nwant %s", err, tt.want)
		}
		if !errors.Is(err, actions.ErrNotBegun) || !errors.Is(err, actions.ErrPermanent) {
			t.Errorf("%v: would be tried again", err)
		}
	}
	if n := cam.Stats().Requests; n != 0 {
		t.Errorf("the camera got %d requests", n)
	}
}

func TestWhichErrorsAreWaitedOut(t *testing.T) {
	dead, err := client.New(client.Config{URL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	answer := func(status int, body string) plates.Lists {
		_, c := camera(t, sim.Options{Fault: func(string, *http.Request) sim.Fault {
			return sim.Fault{Status: status, ContentType: "application/xml", Body: body}
		}})
		return c
	}
	code := func(n string) plates.Lists {
		return answer(200, `<config status="failed" errorCode="`+n+`" errorDesc="x"/>`)
	}
	_, locked := camera(t, sim.Options{Username: "admin", Password: "x"})
	_, old := camera(t, sim.Options{API: sim.API20, NoPlates: true})
	_, drops := camera(t, sim.Options{Fault: func(string, *http.Request) sim.Fault { return sim.Fault{Drop: true} }})
	_, full := camera(t, sim.Options{MaxPlates: -1})
	for name, tt := range map[string]struct {
		lists           plates.Lists
		away, permanent bool
	}{
		"unreachable":       {dead, true, false},
		"drops connections": {drops, true, false},
		"wrong login":       {locked, true, false},
		"busy":              {code("7"), true, false},
		"internal":          {code("79"), true, false},
		"gateway":           {answer(502, "<html>"), true, false},
		"range error":       {code("16"), false, true},
		"no plate lists":    {old, false, true},
		"library full":      {full, false, true},
		"not XML":           {answer(200, "hello"), false, false},
	} {
		h := plates.New(plates.Config{Cameras: []plates.Camera{{Name: "a", Lists: tt.lists}}})
		err := all(h, engine.PlatesArgs{Op: engine.PlatesAdd, Number: "A1", List: "allow"})
		if err == nil || errors.Is(err, actions.ErrAway) != tt.away || errors.Is(err, actions.ErrPermanent) != tt.permanent {
			t.Errorf("%s: %v: away %v, permanent %v", name, err, errors.Is(err, actions.ErrAway), errors.Is(err, actions.ErrPermanent))
		}
		if err != nil && !strings.HasPrefix(err.Error(), `camera "a": `) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestACameraHasALaneOfItsOwn(t *testing.T) {
	h := plates.New(plates.Config{Cameras: []plates.Camera{{Name: "a"}, {Name: "b"}}})
	var got []string
	for _, q := range h.Split(step(engine.PlatesArgs{Number: "A"})) {
		got = append(got, h.Lane(q))
	}
	if s := strings.Join(got, ", "); s != "camera a, camera b" {
		t.Errorf("lanes %s", s)
	}
	if q := h.Split(engine.Request{Args: engine.LogArgs{}}); len(q) != 1 || h.Lane(q[0]) != "camera" {
		t.Errorf("another verb's values: %v", q)
	}
}

func TestAnEditThatArrivesAfterItsValidityLeavesNobodyOnTheList(t *testing.T) {
	cam, c := camera(t, sim.Options{})
	now := fired
	h := plates.New(plates.Config{Cameras: []plates.Camera{{Name: "a", Lists: c}}, Now: func() time.Time { return now }})
	if err := all(h, engine.PlatesArgs{Number: "ABC1234", List: "allow"}); err != nil {
		t.Fatal(err)
	}
	now = fired.Add(24 * time.Hour)
	for range 2 {
		if err := all(h, engine.PlatesArgs{Number: "ABC1234", List: "allow", Valid: 24 * time.Hour}); err != nil {
			t.Error(err)
		}
		if got := cam.Plates(); len(got) != 0 {
			t.Errorf("on the list: %+v", got)
		}
	}
}
