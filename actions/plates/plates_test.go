package plates_test

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
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
		{engine.PlatesArgs{Number: "A", List: "allow", Phone: strings.Repeat("5", 65)},
			`phone "` + strings.Repeat("5", 40) + `…" has 65 characters; a camera takes at most 64`},
		{engine.PlatesArgs{Op: engine.PlatesMove, Number: "A", List: "allow"}, "the list to move to is missing"},
		{engine.PlatesArgs{Op: engine.PlatesMove, Number: "A", List: "allow", To: "whiteList"}, `the plate is moved from "whiteList" to the same list`},
		{engine.PlatesArgs{Op: engine.PlatesUpdate, Number: "A", List: "allow"}, "there is nothing to update: neither owner, phone nor validity is given"},
		{engine.PlatesArgs{Op: 4, Number: "A", List: "allow"}, "4 is no edit of a plate list"},
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
	_, other := camera(t, sim.Options{Groups: []sim.Group{{ID: "1", Name: "Staff"}}})
	_, starting := camera(t, sim.Options{Groups: []sim.Group{}})
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
		"no such list":      {other, false, true},
		"no list yet":       {starting, false, false},
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

// The channels of a recorder are one device: two edits side by side could put a plate
// on a list again that the other has just taken off.
func TestARecorderGetsAnEditOnce(t *testing.T) {
	h := plates.New(plates.Config{Cameras: []plates.Camera{
		{Name: "gate"}, {Name: "one", Device: "nvr"}, {Name: "two", Device: "nvr"}, {Name: "yard", Apart: true}, {Name: "three", Device: "nvr", Apart: true},
	}})
	for _, tt := range []struct {
		cameras []string
		lanes   string
	}{
		{nil, "camera gate, camera one"},
		{[]string{"two"}, "camera one"},
		{[]string{"three", "two", "gate"}, "camera one, camera gate"},
		{[]string{"yard"}, "camera yard"},
		{[]string{"gone", "two"}, "camera gone, camera one"},
	} {
		var got []string
		for _, q := range h.Split(step(engine.PlatesArgs{Number: "A", Cameras: tt.cameras})) {
			got = append(got, h.Lane(q))
		}
		if s := strings.Join(got, ", "); s != tt.lanes {
			t.Errorf("%v: lanes %s, want %s", tt.cameras, s, tt.lanes)
		}
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

// desk is a virtual camera whose commands fail as a test says, and the action on it.
type desk struct {
	t   *testing.T
	cam *sim.Camera
	c   *client.Client
	h   actions.Handler
	now time.Time

	mu     sync.Mutex           // covers faults
	faults map[string]sim.Fault // by command; "" is all others
}

func newDesk(t *testing.T, o sim.Options) *desk {
	d := &desk{t: t, now: fired.Add(time.Minute), faults: map[string]sim.Fault{}}
	o.Fault = func(command string, _ *http.Request) sim.Fault {
		d.mu.Lock()
		defer d.mu.Unlock()
		if f, ok := d.faults[command]; ok {
			return f
		}
		return d.faults[""]
	}
	d.cam, d.c = camera(t, o)
	d.restart()
	return d
}

func (d *desk) fail(command string, f sim.Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults[command] = f
}

func (d *desk) heal() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.faults)
}

// restart forgets what is not on disk.
func (d *desk) restart() {
	d.h = plates.New(plates.Config{Cameras: []plates.Camera{{Name: "a", Lists: d.c}}, Now: func() time.Time { return d.now }})
}

func (d *desk) put(number, list, owner string, end time.Time) {
	d.t.Helper()
	if err := d.cam.Put(sim.ListEntry{Number: number, Group: list, Owner: owner, Telephone: "555", Begin: fired, End: end}); err != nil {
		d.t.Fatal(err)
	}
}

// do makes an edit; want is its error ("" = none), and away and permanent what
// becomes of it.
func (d *desk) do(a engine.PlatesArgs, want string, kind error) {
	d.t.Helper()
	err := all(d.h, a)
	if err == nil || want == "" {
		if err != nil || want != "" {
			d.t.Errorf("got  %v\nwant %s", err, want)
		}
		return
	}
	if err.Error() != want {
		d.t.Errorf("got  %v\nwant %s", err, want)
	}
	for _, k := range []error{actions.ErrAway, actions.ErrPermanent} {
		if errors.Is(err, k) != (k == kind) {
			d.t.Errorf("%v is %v: %v", err, k, errors.Is(err, k))
		}
	}
}

func (d *desk) has(want ...string) {
	d.t.Helper()
	var got []string
	for _, p := range d.cam.Plates() {
		got = append(got, strings.Join([]string{p.Number, p.Group, p.Owner, p.Telephone, p.End.UTC().Format("2006-01-02 15:04:05")}, "|"))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		d.t.Errorf("the camera has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func refused(code string) sim.Fault {
	return sim.Fault{Status: 200, ContentType: "application/xml", Body: `<config status="failed" errorCode="` + code + `"/>`}
}

func TestAPlateThatMayStayTooLongIsNotGivenUp(t *testing.T) {
	gone, starting := sim.Fault{Drop: true}, sim.Fault{Status: 404}
	guest := engine.PlatesArgs{Number: "GUEST1", List: "temporary", Valid: 24 * time.Hour}
	const (
		stays   = `camera "a": plate "GUEST1" may be on "temporaryList" for longer than it should: `
		forever = "GUEST1|temporaryList|||2037-12-30 10:59:59"
		aDay    = "GUEST1|temporaryList|||2026-04-08 09:28:45"
	)
	stuck := func(t *testing.T) *desk {
		d := newDesk(t, sim.Options{})
		d.fail("ModifyLicensePlate", gone)
		d.fail("DeleteLicensePlate", gone)
		d.do(guest, stays+"it was added, its validity could not be set (ModifyLicensePlate: EOF), and it could not be taken off again: DeleteLicensePlate: EOF", actions.ErrAway)
		d.has(forever)
		d.heal()
		return d
	}
	t.Run("the camera is back", func(t *testing.T) {
		d := stuck(t)
		d.do(guest, "", nil)
		d.has(aDay)
	})
	t.Run("the program was started anew", func(t *testing.T) {
		d := stuck(t)
		d.restart()
		d.do(guest, "", nil)
		d.has(aDay)
	})
	t.Run("its time has passed meanwhile", func(t *testing.T) {
		for _, restart := range []bool{false, true} {
			d := stuck(t)
			if restart {
				d.restart()
			}
			d.now = fired.Add(24 * time.Hour)
			d.do(guest, "", nil)
			d.has()
		}
	})
	t.Run("the camera is starting, and answers what means nothing", func(t *testing.T) {
		d := stuck(t)
		d.fail("", starting)
		for range 10 {
			d.do(guest, stays+"GetVehiclePlate: the camera does not know the commands for plate lists", actions.ErrAway)
		}
		d.heal()
		d.do(guest, "", nil)
		d.has(aDay)
	})
	t.Run("the camera does not take the validity", func(t *testing.T) {
		for _, restart := range []bool{false, true} {
			d := stuck(t)
			what := "was not added to"
			if restart {
				d.restart()
				what = "was taken off"
			}
			d.fail("ModifyLicensePlate", refused("16"))
			d.do(guest, `camera "a": plate "GUEST1" `+what+` "temporaryList", because its validity could not be set: ModifyLicensePlate: the camera answered code 16 (range error)`, actions.ErrPermanent)
			d.has()
		}
	})
	t.Run("the camera does not take it off", func(t *testing.T) {
		d := stuck(t)
		d.fail("DeleteLicensePlate", refused("16"))
		// It is neither away, which would hold up all other edits, nor given up at once.
		d.do(guest, stays[:len(stays)-2]+", and could not be taken off: DeleteLicensePlate: the camera answered code 16 (range error)", nil)
		d.fail("DeleteLicensePlate", refused("7"))
		d.do(guest, stays+"DeleteLicensePlate: the camera answered code 7 (busy)", actions.ErrAway)
		d.heal()
		d.do(guest, "", nil)
		d.has(aDay)
	})
	t.Run("the answer to the addition is lost", func(t *testing.T) {
		d := newDesk(t, sim.Options{})
		d.fail("AddLicensePlates", gone)
		d.do(guest, stays+"it may have been added: AddLicensePlates: EOF", actions.ErrAway)
		d.heal()
		d.do(guest, "", nil)
		d.has(aDay)
	})
}

func TestAnUpdateChangesOnlyWhatItGives(t *testing.T) {
	d := newDesk(t, sim.Options{})
	end := fired.Add(240 * time.Hour)
	update := func(a engine.PlatesArgs) engine.PlatesArgs {
		a.Op, a.Number, a.List = engine.PlatesUpdate, "ABC1234", "allow"
		return a
	}
	d.put("abc 1234", "whiteList", "Ann", end)
	d.do(update(engine.PlatesArgs{Owner: "Bob"}), "", nil)
	d.has("abc 1234|whiteList|Bob|555|2026-04-17 09:28:45")
	d.do(update(engine.PlatesArgs{Phone: "777"}), "", nil)
	d.has("abc 1234|whiteList|Bob|777|2026-04-17 09:28:45")
	d.do(update(engine.PlatesArgs{Valid: time.Hour}), "", nil)
	d.has("abc 1234|whiteList|Bob|777|2026-04-07 10:28:45")
	other := update(engine.PlatesArgs{Owner: "Eve"})
	other.List = "temporary"
	d.do(other, `camera "a": ModifyLicensePlate: the camera answered code 204 (plate not found): "License Plate Not Exist"`, actions.ErrPermanent)
	d.has("abc 1234|whiteList|Bob|777|2026-04-07 10:28:45")
	d.fail("ModifyLicensePlate", sim.Fault{Drop: true})
	d.do(update(engine.PlatesArgs{Valid: time.Hour}), `camera "a": ModifyLicensePlate: EOF`, actions.ErrAway)
	d.heal()
	d.now = fired.Add(time.Hour)
	d.do(update(engine.PlatesArgs{Valid: time.Hour}), "", nil)
	d.has()
}

func TestAMoveTakesThePlateWithAllThatIsKeptOfIt(t *testing.T) {
	move := engine.PlatesArgs{Op: engine.PlatesMove, Number: "ABC1234", List: "temporary", To: "allow"}
	const moved = "abc 1234|whiteList|Ann|555|2026-04-17 09:28:45"
	end := fired.Add(240 * time.Hour)
	const nowhere = `camera "a": plate "ABC1234" is neither on the camera's list "temporaryList" nor on "whiteList", so there is nothing to move`

	d := newDesk(t, sim.Options{})
	d.do(move, nowhere, actions.ErrPermanent)
	d.put("abc 1234", "temporaryList", "Ann", end)
	d.do(move, "", nil)
	d.has(moved)
	d.do(move, "", nil)
	d.has(moved)

	// What is banned is on the block list afterwards, wherever it was not.
	d = newDesk(t, sim.Options{})
	ban := move
	ban.To = "block"
	d.do(ban, "", nil)
	d.has("ABC1234|blackList|||2037-12-30 10:59:59")

	// It breaks off between the lists.
	for _, restart := range []bool{false, true} {
		d = newDesk(t, sim.Options{})
		d.put("abc 1234", "temporaryList", "Ann", end)
		d.fail("AddLicensePlates", sim.Fault{Drop: true})
		err := all(d.h, move)
		if !errors.Is(err, actions.ErrAway) {
			t.Errorf("%v is not waited for", err)
		}
		d.has()
		d.heal()
		if restart {
			// What the camera had of it is not known any more, nor whether it was
			// there at all: it is not let in.
			d.restart()
			d.do(move, nowhere, actions.ErrPermanent)
			d.has()
			continue
		}
		d.do(move, "", nil)
		d.has(moved)
	}

	d = newDesk(t, sim.Options{})
	d.put("abc 1234", "temporaryList", "Ann", end)
	d.put("ABC 1234", "temporaryList", "Bob", end)
	d.do(move, `camera "a": plate "ABC1234" is on the camera's list "temporaryList" 2 times, in different spellings`, actions.ErrPermanent)
}

func TestAnOlderCameraTakesAdditionsOnly(t *testing.T) {
	d := newDesk(t, sim.Options{API: sim.API20})
	add := engine.PlatesArgs{Number: "ABC1234", List: "allow", Owner: "Ann", Phone: "555", Valid: 24 * time.Hour}
	const there = "ABC1234|whiteList|Ann||2026-04-08 09:28:45"
	for range 2 { // the answer to the first may have been lost
		d.do(add, "", nil)
		d.has(there)
	}
	const cannot = " was not sent: this camera's VehiclePlate commands document no change and no removal of plates; use the camera's own page"
	for what, a := range map[string]engine.PlatesArgs{
		"RemovePlate": {Op: engine.PlatesRemove, Number: "ABC1234", List: "allow"},
		"ModifyPlate": {Op: engine.PlatesUpdate, Number: "ABC1234", List: "allow", Owner: "Bob"},
		"MovePlate":   {Op: engine.PlatesMove, Number: "ABC1234", List: "allow", To: "block"},
	} {
		d.do(a, `camera "a": `+what+cannot, actions.ErrPermanent)
	}
	d.fail("AddVehiclePlate", sim.Fault{Drop: true})
	d.do(add, `camera "a": AddVehiclePlate: EOF`, actions.ErrAway)
	d.heal()
	d.has(there)
	// Too late: it is not added, and was not there before as far as it matters.
	d.now = fired.Add(48 * time.Hour)
	add.Number = "LATE1"
	d.do(add, "", nil)
	d.has(there)
}
