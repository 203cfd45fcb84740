package client_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/viewtron/sim"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// recorder passes requests on and keeps what was sent.
type recorder struct {
	next http.Handler
	mu   sync.Mutex // covers the fields below
	sent []sent
}

type sent struct{ method, path, auth, body string }

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	b, _ := io.ReadAll(req.Body)
	req.Body = io.NopCloser(bytes.NewReader(b))
	scheme, _, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	r.mu.Lock()
	r.sent = append(r.sent, sent{req.Method, req.URL.Path, scheme, string(b)})
	r.mu.Unlock()
	r.next.ServeHTTP(w, req)
}

func (r *recorder) all() []sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.sent)
}

// commands are the paths of what was sent, with how it was logged in to.
func (r *recorder) commands() string {
	var out []string
	for _, s := range r.all() {
		out = append(out, strings.TrimSpace(s.path+" "+s.auth))
	}
	return strings.Join(out, ", ")
}

func serve(t *testing.T, h http.Handler) (*recorder, string) {
	t.Helper()
	rec := &recorder{next: h}
	srv := httptest.NewServer(rec)
	t.Cleanup(srv.Close)
	return rec, srv.URL
}

func dial(t *testing.T, c client.Config) *client.Client {
	t.Helper()
	if c.Location == nil {
		c.Location = time.UTC
	}
	cl, err := client.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// device starts a virtual camera with a login and a client for it.
func device(t *testing.T, o sim.Options) (*sim.Camera, *recorder, *client.Client) {
	t.Helper()
	o.Identity = sim.Identity{Name: "Gate", MAC: "58:5B:69:00:00:02", SN: "SIM00000GATE"}
	o.Username, o.Password, o.Location = "admin", "s3cret", time.UTC
	cam := sim.NewCamera(o)
	rec, url := serve(t, cam)
	return cam, rec, dial(t, client.Config{URL: url, Username: "admin", Password: "s3cret"})
}

// groups makes plate lists of ids and names.
func groups(pairs ...string) []sim.Group {
	var out []sim.Group
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, sim.Group{ID: pairs[i], Name: pairs[i+1]})
	}
	return out
}

func says(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestEveryCommandAgainstEveryKindOfDevice(t *testing.T) {
	for _, api := range []sim.API{sim.API21, sim.API20, sim.API19} {
		for _, auth := range []sim.Auth{sim.Basic, sim.Digest} {
			t.Run(string(api)+" "+string(auth), func(t *testing.T) {
				ctx := t.Context()
				cam, _, c := device(t, sim.Options{API: api, Auth: auth, VirtualAlarms: 16, NoPlates: api != sim.API21})

				info, err := c.GetDeviceInfo(ctx)
				must(t, err)
				info.Raw = nil
				want := client.DeviceInfo{Name: "Gate", Model: "SIM-4MP", Brand: "Sallyport", Description: "virtual camera",
					MAC: "58:5b:69:00:00:02", SN: "SIM00000GATE", SoftwareVersion: "5.3.1", APIVersion: string(api),
					HTTPPostVersion: string(api), Channels: 1, AlarmIn: 1, AlarmOut: 1}
				if api == sim.API19 {
					want.HTTPPostVersion = ""
				}
				if !reflect.DeepEqual(info, want) {
					t.Errorf("device info\n got %+v\nwant %+v", info, want)
				}

				clock, err := c.GetDateAndTime(ctx)
				must(t, err)
				if d := time.Since(clock.Time); d < 0 || d > time.Minute || clock.Zone != "UTC+0" || clock.Sync != "NTP" {
					t.Errorf("clock %+v", clock)
				}

				picture, err := c.GetSnapshot(ctx, 1)
				must(t, err)
				if !bytes.Equal(picture, sim.Picture(nil)) {
					t.Error("the picture is not the camera's")
				}

				must(t, c.ManualAlarmOut(ctx, 0, true))
				if !cam.Stats().AlarmOut {
					t.Error("the alarm output is not on")
				}
				must(t, c.ManualAlarmOut(ctx, 1, false))
				if s := cam.Stats(); s.AlarmOut || s.AlarmOutSet != 2 {
					t.Errorf("the alarm output: %+v", s)
				}

				apis, err := c.GetSupportedAPIs(ctx)
				if api == sim.API19 {
					if !errors.Is(err, client.ErrUnknownCommand) {
						t.Errorf("GetSupportedAPIs on v1: %v", err)
					}
					says(t, err, "GetSupportedAPIs: the camera answered code 1 (invalid request, or the command is unknown)")
				} else {
					must(t, err)
					if !slices.Contains(apis, "GetSnapshot") || !slices.IsSorted(apis) || len(slices.Compact(slices.Clone(apis))) != len(apis) {
						t.Errorf("supported: %q", apis)
					}
					must(t, c.TriggerVirtualAlarm(ctx, 17))
					if s := cam.Stats(); !slices.Equal(s.Triggered, []int{17}) {
						t.Errorf("triggered %v", s.Triggered)
					}
				}

				err = c.AddPlate(ctx, client.Plate{Number: "ABC1234", Group: "allow"})
				if api != sim.API21 {
					if !errors.Is(err, client.ErrNoPlateLists) {
						t.Errorf("AddPlate without LicensePlates: %v", err)
					}
					says(t, err, "GetVehiclePlate: the camera does not know the commands for plate lists")
					return
				}
				must(t, err)
				g, err := c.Group(ctx, "allow")
				must(t, err)
				if want := (client.Group{ID: "2", Name: "whiteList"}); g != want {
					t.Errorf("group %+v, want %+v", g, want)
				}
				owner, phone := "Ann", "555-1234"
				until := time.Date(2027, 1, 31, 23, 59, 59, 0, time.UTC)
				must(t, c.ModifyLicensePlate(ctx, client.PlateChange{Number: "ABC1234", GroupID: g.ID, Owner: &owner, Telephone: &phone, End: until}))
				plates, err := c.Plates(ctx, g)
				must(t, err)
				if len(plates) != 1 || plates[0].Owner != "Ann" || plates[0].Telephone != phone || !plates[0].End.Equal(until) || plates[0].Group != "whiteList" {
					t.Errorf("plates %+v", plates)
				}
				must(t, c.DeleteLicensePlate(ctx, g.ID, "ABC1234"))
				if err := c.DeleteLicensePlate(ctx, g.ID, "ABC1234"); !errors.Is(err, client.ErrNotFound) {
					t.Errorf("delete twice: %v", err)
				}
				if plates, err := c.Plates(ctx, g); err != nil || len(plates) != 0 {
					t.Errorf("an empty list: %+v, %v", plates, err)
				}
				if s := cam.Stats(); s.BadLogins != 0 {
					t.Errorf("%d logins counted as wrong", s.BadLogins)
				}
			})
		}
	}
}

func TestRequestsAreWrittenAsTheDevicesWantThem(t *testing.T) {
	ctx := t.Context()
	_, rec, c := device(t, sim.Options{VirtualAlarms: 16})
	owner := `A "B" & <C>`
	_, err := c.AddLicensePlates(ctx, []client.PlateEntry{{Number: "ABC1234", GroupID: "2"}, {Number: "]]><x>", GroupID: "1"}})
	must(t, err)
	_, err = c.GetLicensePlates(ctx, "2", 1, 100)
	must(t, err)
	must(t, c.ModifyLicensePlate(ctx, client.PlateChange{Number: "ABC1234", GroupID: "2", Owner: &owner,
		Begin: time.Date(2026, 4, 7, 9, 28, 45, 0, time.UTC), End: time.Date(2026, 4, 8, 9, 28, 45, 0, time.UTC)}))
	must(t, c.DeleteLicensePlate(ctx, "1", "]]><x>"))
	must(t, c.ManualAlarmOut(ctx, 0, true))
	must(t, c.TriggerVirtualAlarm(ctx, 17))
	_, err = c.GetSnapshot(ctx, 1)
	must(t, err)

	var paths []string
	for _, s := range rec.all() {
		if s.auth == "" {
			continue // the first one, which asks how to log in
		}
		paths = append(paths, s.method+" "+s.path)
		if s.body == "" {
			continue
		}
		file := filepath.Join("testdata", "requests", strings.TrimPrefix(s.path, "/")+".xml")
		if *update {
			must(t, os.MkdirAll(filepath.Dir(file), 0o755))
			must(t, os.WriteFile(file, []byte(s.body), 0o644))
		}
		want, err := os.ReadFile(file)
		must(t, err)
		if s.body != string(want) {
			t.Errorf("%s differs (run with -update to accept):\n%s", file, s.body)
		}
	}
	want := []string{"POST /AddLicensePlates", "POST /GetLicensePlates", "POST /ModifyLicensePlate", "POST /DeleteLicensePlate",
		"POST /ManualAlarmOut", "GET /TriggerVirtualAlarm/17", "GET /GetSnapshot/1"}
	if !slices.Equal(paths, want) {
		t.Errorf("requests\n got %q\nwant %q", paths, want)
	}
}

func TestAWrongPasswordIsSentOnce(t *testing.T) {
	for _, auth := range []sim.Auth{sim.Basic, sim.Digest} {
		t.Run(string(auth), func(t *testing.T) {
			ctx := t.Context()
			cam := sim.NewCamera(sim.Options{Username: "admin", Password: "right", Auth: auth})
			rec, url := serve(t, cam)
			c := dial(t, client.Config{URL: url, Username: "admin", Password: "wrong"})
			_, err := c.GetDateAndTime(ctx)
			says(t, err, "GetDateAndTime: the camera answered code 9 (unauthorized)")
			if !errors.Is(err, client.ErrLoginRefused) {
				t.Errorf("%v is not ErrLoginRefused", err)
			}
			n := len(rec.all())
			for range 10 {
				err := c.ManualAlarmOut(ctx, 0, false)
				says(t, err, "ManualAlarmOut: the camera answered code 9 (unauthorized); not tried again with the same user name and password")
			}
			if s := cam.Stats(); s.BadLogins != 1 || len(rec.all()) != n || n != 2 {
				t.Errorf("%d wrong logins, %d requests (%s), then %d; want 1, 2, 2", s.BadLogins, n, rec.commands(), len(rec.all()))
			}
			c.SetCredentials("admin", "right")
			if _, err := c.GetDateAndTime(ctx); err != nil {
				t.Errorf("with the right password: %v", err)
			}
		})
	}
}

func TestALockedAccountIsLeftAlone(t *testing.T) {
	ctx := t.Context()
	cam := sim.NewCamera(sim.Options{Username: "admin", Password: "right", MaxFailures: 1})
	rec, url := serve(t, cam)
	dialed := dial(t, client.Config{URL: url, Username: "admin", Password: "wrong"})
	_, err := dialed.GetDateAndTime(ctx)
	says(t, err, "GetDateAndTime: the camera answered code 10 (user locked)")
	_, err = dialed.GetDateAndTime(ctx)
	says(t, err, "GetDateAndTime: the camera answered code 10 (user locked); not tried again with the same user name and password")
	if got, want := rec.commands(), "/GetDateAndTime, /GetDateAndTime Basic"; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	dialed.ResetLogin()
	_, err = dialed.GetDateAndTime(ctx)
	if !errors.Is(err, client.ErrLoginRefused) {
		t.Errorf("after a reset: %v", err)
	}
	// The device says that the account is locked before it sees a password.
	if got, want := rec.commands(), "/GetDateAndTime, /GetDateAndTime Basic, /GetDateAndTime"; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
}

func TestThePasswordIsNotSentBeforeTheDeviceAsks(t *testing.T) {
	ctx := t.Context()
	_, rec, c := device(t, sim.Options{Auth: sim.Digest})
	_, err := c.GetDateAndTime(ctx)
	must(t, err)
	if got, want := rec.commands(), "/GetDateAndTime, /GetDateAndTime Digest"; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	_, rec, c = device(t, sim.Options{})
	_, err = c.GetDateAndTime(ctx)
	must(t, err)
	_, err = c.GetDateAndTime(ctx)
	must(t, err)
	if got, want := rec.commands(), "/GetDateAndTime, /GetDateAndTime Basic, /GetDateAndTime Basic"; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
}

func TestADigestDeviceIsNotGivenThePasswordInTheClear(t *testing.T) {
	ctx := t.Context()
	cam := sim.NewCamera(sim.Options{Username: "admin", Password: "s3cret", Auth: sim.Digest})
	changed := false
	rec, url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if changed {
			w.Header().Set("WWW-Authenticate", `Basic realm="device"`)
			w.WriteHeader(401)
			return
		}
		cam.ServeHTTP(w, r)
	}))
	c := dial(t, client.Config{URL: url, Username: "admin", Password: "s3cret"})
	_, err := c.GetDateAndTime(ctx)
	must(t, err)
	changed = true
	_, err = c.GetDateAndTime(ctx)
	says(t, err, "GetDateAndTime: the camera asked for Digest before and now wants the password in the clear; nothing was sent")
	if strings.Contains(rec.commands(), "Basic") {
		t.Errorf("sent %s", rec.commands())
	}
}

func TestAnOutdatedChallengeIsAnsweredAnew(t *testing.T) {
	ctx := t.Context()
	n := 0
	rec, url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		if n < 3 {
			stale := ""
			if n == 2 {
				stale = ", stale=true"
			}
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Digest realm="x", nonce="n%d", qop="auth"%s`, n, stale))
			w.WriteHeader(401)
			return
		}
		fmt.Fprint(w, `<config status="success"/>`)
	}))
	c := dial(t, client.Config{URL: url, Username: "admin", Password: "s3cret"})
	must(t, c.ManualAlarmOut(ctx, 0, true))
	if got, want := rec.commands(), "/ManualAlarmOut, /ManualAlarmOut Digest, /ManualAlarmOut Digest"; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
}

func TestHostilePlatesArriveAsData(t *testing.T) {
	ctx := t.Context()
	cam, _, c := device(t, sim.Options{})
	hostile := []string{`"; rm -rf /;`, "]]><x>", "$(id)", "АВС1234", "<![CDATA[", "&amp;", `a'b"c`, "]]>", "100%s", "車123", "</config>"}
	for _, p := range hostile {
		must(t, c.AddPlate(ctx, client.Plate{Number: p, Group: "temporary", Owner: p, End: time.Now().Add(time.Hour)}))
	}
	var got []string
	for _, p := range cam.Plates() {
		if p.Number != p.Owner || p.Group != "temporaryList" {
			t.Errorf("%+v", p)
		}
		got = append(got, p.Number)
	}
	if !slices.Equal(got, hostile) {
		t.Errorf("the camera has %q, want %q", got, hostile)
	}
	g, err := c.Group(ctx, "temporary")
	must(t, err)
	back, err := c.Plates(ctx, g)
	must(t, err)
	for i, p := range back {
		if p.Number != hostile[i] || p.Owner != hostile[i] {
			t.Errorf("read back %+v, want %q", p, hostile[i])
		}
	}
	for _, p := range hostile {
		must(t, c.RemovePlate(ctx, "temporary", p))
	}
	if left := cam.Plates(); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestPlatesNoCameraCouldTakeAreRefused(t *testing.T) {
	ctx := t.Context()
	_, rec, c := device(t, sim.Options{})
	for _, tc := range []struct{ plate, want string }{
		{"", "plate is empty"},
		{"   ", "plate is empty"},
		{strings.Repeat("A", 300), `plate "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA…" has 300 characters; a camera takes at most 32`},
		{"AB\nC", `plate "AB\nC" holds the character U+000A, which a camera cannot take`},
		{"AB\x00C", `plate "AB\x00C" holds the character U+0000, which a camera cannot take`},
		{"AB\xffC", `plate "AB\xffC" is not valid UTF-8`},
	} {
		says(t, c.AddPlate(ctx, client.Plate{Number: tc.plate, Group: "allow"}), tc.want)
		says(t, c.RemovePlate(ctx, "allow", tc.plate), tc.want)
	}
	says(t, c.AddPlate(ctx, client.Plate{Number: "A1", Group: "allow", Owner: "x\x1b[2J"}),
		`owner "x\x1b[2J" holds the character U+001B, which a camera cannot take`)
	says(t, c.AddPlate(ctx, client.Plate{Number: "A1", Group: "allow", Begin: time.Unix(2e9, 0).UTC(), End: time.Unix(1e9, 0).UTC()}),
		"validity ends (2001-09-09T01:46:40Z) before it begins (2033-05-18T03:33:20Z)")
	if n := len(rec.all()); n != 0 {
		t.Errorf("%d requests were sent for them", n)
	}
}

func TestPlatesGoToTheListWithTheNameWhateverItsNumber(t *testing.T) {
	ctx := t.Context()
	cam, _, c := device(t, sim.Options{Groups: groups("1", "whiteList", "2", "blackList", "3", "temporaryList", "9", "staff & guests")})
	for _, tc := range []struct{ group, want string }{
		{"allow", "whiteList"}, {"block", "blackList"}, {"temporary", "temporaryList"}, {"staff & guests", "staff & guests"}, {"whiteList", "whiteList"},
	} {
		plate := "P" + tc.group
		must(t, c.AddPlate(ctx, client.Plate{Number: plate, Group: tc.group}))
		if got := cam.ListOf(plate, time.Now().Add(time.Minute)); got != tc.want {
			t.Errorf("%s went to %q, want %q", tc.group, got, tc.want)
		}
	}
	says(t, c.AddPlate(ctx, client.Plate{Number: "A", Group: "1"}),
		`the camera has no plate list "1"; it has "whiteList", "blackList", "temporaryList", "staff & guests"`)
	_, _, twice := device(t, sim.Options{Groups: groups("1", "whiteList", "2", "whiteList")})
	says(t, twice.AddPlate(ctx, client.Plate{Number: "A", Group: "allow"}), `the camera has 2 plate lists called "whiteList"`)
	_, _, none := device(t, sim.Options{Groups: []sim.Group{}})
	says(t, none.RemovePlate(ctx, "allow", "A"), `the camera has no plate list "whiteList"; it lists none`)
}

func TestAddingAgainIsNoError(t *testing.T) {
	ctx := t.Context()
	cam, _, c := device(t, sim.Options{})
	until := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	must(t, c.AddPlate(ctx, client.Plate{Number: "ABC1234", Group: "allow"}))
	must(t, c.AddPlate(ctx, client.Plate{Number: " ABC1234 ", Group: "allow", Owner: "Ann", End: until}))
	if p := cam.Plates(); len(p) != 1 || p[0].Owner != "Ann" || !p[0].End.Equal(until) {
		t.Errorf("the camera has %+v", p)
	}
	err := c.AddPlate(ctx, client.Plate{Number: "ABC1234", Group: "block"})
	says(t, err, `plate "ABC1234" is on the camera's list "whiteList" already; take it off there first: AddLicensePlates: the camera answered code 203 (plate exists already)`)
	if !errors.Is(err, client.ErrExists) {
		t.Error("the error is not ErrExists")
	}
	must(t, c.RemovePlate(ctx, "block", "ABC1234"))
	if p := cam.Plates(); len(p) != 1 || p[0].Group != "whiteList" {
		t.Errorf("taking it off another list left %+v", p)
	}
	must(t, c.RemovePlate(ctx, "allow", "ABC1234"))
	must(t, c.RemovePlate(ctx, "allow", "ABC1234"))
	if p := cam.Plates(); len(p) != 0 {
		t.Errorf("left over: %+v", p)
	}
}

func TestAPlateWhoseValidityCannotBeSetDoesNotStay(t *testing.T) {
	ctx := t.Context()
	refuse := func(command string, _ *http.Request) sim.Fault {
		if command == "ModifyLicensePlate" {
			return sim.Fault{Status: 200, Body: `<config status="failed" errorCode="16" errorDesc="Range Error"/>`}
		}
		return sim.Fault{}
	}
	cam, _, c := device(t, sim.Options{Fault: refuse})
	says(t, c.AddPlate(ctx, client.Plate{Number: "GUEST1", Group: "temporary", End: time.Now().Add(time.Hour)}),
		`plate "GUEST1" was not added to "temporaryList", because its validity could not be set: ModifyLicensePlate: the camera answered code 16 (range error)`)
	says(t, c.AddPlate(ctx, client.Plate{Number: "OWNED", Group: "allow", Owner: "Ann"}),
		`plate "OWNED" is on "whiteList", but its details could not be set: ModifyLicensePlate: the camera answered code 16 (range error)`)
	if p := cam.Plates(); len(p) != 1 || p[0].Number != "OWNED" {
		t.Errorf("the camera has %+v", p)
	}
}

func TestLongListsGoInBatchesAndComeInPages(t *testing.T) {
	ctx := t.Context()
	cam, rec, c := device(t, sim.Options{})
	must(t, cam.Put(sim.ListEntry{Number: "P042", Group: "blackList"}))
	var entries []client.PlateEntry
	for i := range 250 {
		entries = append(entries, client.PlateEntry{Number: fmt.Sprintf("P%03d", i), GroupID: "2"})
	}
	res, err := c.AddLicensePlates(ctx, entries)
	must(t, err)
	for i, r := range res {
		if r.PlateEntry != entries[i] || (r.Err != nil) != (i == 42) {
			t.Errorf("result %d: %+v", i, r)
		}
	}
	says(t, res[42].Err, "AddLicensePlates: the camera answered code 203 (plate exists already)")
	if got, want := rec.commands(), "/AddLicensePlates, /AddLicensePlates Basic, /AddLicensePlates Basic, /AddLicensePlates Basic"; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	plates, err := c.Plates(ctx, client.Group{ID: "2", Name: "whiteList"})
	must(t, err)
	if len(plates) != 249 || plates[0].Number != "P000" || plates[248].Number != "P249" {
		t.Errorf("%d plates came back", len(plates))
	}
}

func TestABrokenBatchSaysWhatWasNotSent(t *testing.T) {
	ctx := t.Context()
	n := 0
	_, _, c := device(t, sim.Options{Fault: func(string, *http.Request) sim.Fault {
		if n++; n == 2 {
			return sim.Fault{Status: 200, Body: `<config status="failed" errorCode="7"/>`}
		}
		return sim.Fault{}
	}})
	var entries []client.PlateEntry
	for i := range 250 {
		entries = append(entries, client.PlateEntry{Number: fmt.Sprintf("P%03d", i), GroupID: "2"})
	}
	res, err := c.AddLicensePlates(ctx, entries)
	says(t, err, "AddLicensePlates: the camera answered code 7 (busy)")
	for i, r := range res {
		switch {
		case i < 100 && r.Err != nil, i >= 100 && i < 200 && r.Err != err, i >= 200 && !errors.Is(r.Err, client.ErrNotSent):
			t.Fatalf("result %d: %v", i, r.Err)
		}
	}
}

func TestWhatADeviceMayAnswer(t *testing.T) {
	ctx := t.Context()
	huge := "<config>" + strings.Repeat(" ", 5<<20) + "</config>"
	deep := strings.Repeat("<a>", 50) + strings.Repeat("</a>", 50)
	for _, tc := range []struct {
		name   string
		status int
		body   string
		want   string // of GetDateAndTime; "" = no error
		is     error
	}{
		{"fine", 200, `<config><time/></config>`, "", nil},
		{"own words", 200, `<config status="failed" errorCode="16" errorDesc="Parameter out of range"/>`, `GetDateAndTime: the camera answered code 16 (range error): "Parameter out of range"`, nil},
		{"no words", 400, `<config status="failed" errorCode="12"/>`, "GetDateAndTime: the camera answered code 12 (invalid channel)", nil},
		{"unheard-of code", 200, `<config errorCode="4711"/>`, "GetDateAndTime: the camera answered code 4711", nil},
		{"code is no number", 200, `<config errorCode="many"/>`, `GetDateAndTime: the camera answered code 79 (internal error): "many"`, nil},
		{"failed without a code", 200, `<config status="failed"/>`, "GetDateAndTime: the camera answered HTTP 200", nil},
		{"empty 400", 400, "", "GetDateAndTime: the camera answered code 1 (invalid request, or the command is unknown)", client.ErrUnknownCommand},
		{"404", 404, "", "GetDateAndTime: the camera answered code 1 (invalid request, or the command is unknown)", client.ErrUnknownCommand},
		{"500", 500, "oops", "GetDateAndTime: the camera answered HTTP 500", nil},
		{"empty 200", 200, " \n", "GetDateAndTime: the camera's answer is empty", nil},
		{"a web page", 200, "<html><body></body></html>", "GetDateAndTime: the camera answered <html>, not <config>", nil},
		{"text", 200, "hello", "GetDateAndTime: answer is not XML", nil},
		{"cut", 200, "<config><time>", "GetDateAndTime: answer is not XML: it ends in the middle", nil},
		{"crossed", 200, "<config></time>", "GetDateAndTime: answer is not XML: unexpected </time>", nil},
		{"two roots", 200, "<config/><config/>", "GetDateAndTime: answer has more than one root element", nil},
		{"too deep", 200, deep, "GetDateAndTime: answer is nested too deeply", nil},
		{"too long", 200, huge, "GetDateAndTime: the camera's answer has more than 4194304 bytes", nil},
		{"unauthorized in words", 200, `<config status="failed" errorCode="9"/>`, "GetDateAndTime: the camera answered code 9 (unauthorized)", client.ErrLoginRefused},
		{"other charset", 200, `<?xml version="1.0" encoding="GB2312"?><config><time>` + "\xff" + `</time></config>`, "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			}))
			_, err := dial(t, client.Config{URL: url, Username: "a", Password: "b"}).GetDateAndTime(ctx)
			if tc.want == "" {
				must(t, err)
				return
			}
			says(t, err, tc.want)
			if tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("%v is not %v", err, tc.is)
			}
		})
	}
}

func TestPicturesMustBePictures(t *testing.T) {
	ctx := t.Context()
	good := sim.Picture(nil)
	for _, tc := range []struct {
		name string
		body []byte
		want string
	}{
		{"good", good, ""},
		{"padded", append(slices.Clone(good), 0, 0, 0), ""},
		{"cut", good[:len(good)/2], "GetSnapshot: the camera's picture is cut off"},
		{"text", []byte("no signal"), "GetSnapshot: the camera's answer is not a JPEG picture"},
		{"empty", nil, "GetSnapshot: the camera's answer is not a JPEG picture"},
		{"refused", []byte(`<config errorCode="12"/>`), "GetSnapshot: the camera answered code 12 (invalid channel)"},
	} {
		_, url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/jpeg")
			_, _ = w.Write(tc.body)
		}))
		got, err := dial(t, client.Config{URL: url}).GetSnapshot(ctx, 0)
		if tc.want == "" {
			must(t, err)
			if !bytes.Equal(got, tc.body) {
				t.Errorf("%s: the bytes changed", tc.name)
			}
			continue
		}
		says(t, err, tc.want)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere, away := serve(t, http.NotFoundHandler())
	_, url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, away+"/login", http.StatusFound) }))
	_, err := dial(t, client.Config{URL: url, Username: "a", Password: "b"}).GetDateAndTime(t.Context())
	says(t, err, `GetDateAndTime: the camera answered HTTP 302: "it redirects, which is not followed"`)
	if n := len(elsewhere.all()); n != 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
}

func TestCertificates(t *testing.T) {
	ctx := t.Context()
	rec := &recorder{next: sim.NewCamera(sim.Options{VirtualAlarms: 16})}
	srv := httptest.NewUnstartedServer(rec)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	sum := sha256.Sum256(srv.Certificate().Raw)
	pin := hex.EncodeToString(sum[:])
	var colons []string
	for i := 0; i < len(pin); i += 2 {
		colons = append(colons, pin[i:i+2])
	}

	_, err := dial(t, client.Config{URL: srv.URL}).GetDateAndTime(ctx)
	says(t, err, "GetDateAndTime: the camera's certificate is not trusted (x509: certificate signed by unknown authority); to trust exactly this one, pin "+strings.Join(colons, ":"))

	wrong := strings.Repeat("00:", 31) + "00"
	_, err = dial(t, client.Config{URL: srv.URL, Pin: wrong}).GetDateAndTime(ctx)
	says(t, err, "GetDateAndTime: the camera's certificate is not the pinned one: its SHA-256 fingerprint is "+strings.Join(colons, ":")+", pinned is "+wrong)
	var ce *client.CertificateError
	if !errors.As(err, &ce) {
		t.Errorf("%v is no CertificateError", err)
	}
	if n := len(rec.all()); n != 0 {
		t.Fatalf("%d requests reached a device that is not trusted", n)
	}
	for _, pin := range []string{pin, strings.ToUpper(pin), strings.Join(colons, ":")} {
		for _, hc := range []*http.Client{nil, {}, {Transport: &http.Transport{}}} {
			c := dial(t, client.Config{URL: srv.URL, Pin: pin, HTTPClient: hc})
			_, err := c.GetDateAndTime(ctx)
			must(t, err)
			must(t, c.TriggerVirtualAlarm(ctx, 17))
		}
	}
}

func TestConfigMistakes(t *testing.T) {
	for _, tc := range []struct {
		c    client.Config
		want string
	}{
		{client.Config{URL: "192.168.0.52"}, `camera address "192.168.0.52" must begin with http:// or https://`},
		{client.Config{URL: "http://"}, `camera address "http://" names no host`},
		{client.Config{URL: "http://admin:pw@cam"}, "camera address holds a user name or password; write them in their own fields"},
		{client.Config{URL: "http://cam/x"}, `camera address "http://cam/x" must end after host and port`},
		{client.Config{URL: "http://cam:x"}, `camera address "http://cam:x": invalid port ":x" after host`},
		{client.Config{URL: "http://cam", Pin: strings.Repeat("00", 32)}, `camera address "http://cam" has a pinned certificate but is not https`},
		{client.Config{URL: "https://cam", Pin: "1234"}, `pinned certificate "1234" is not a SHA-256 fingerprint (64 hex digits)`},
		{client.Config{URL: "https://cam", Pin: strings.Repeat("00", 32), HTTPClient: &http.Client{Transport: roundTrip(nil)}}, "a pinned certificate needs an *http.Transport"},
	} {
		_, err := client.New(tc.c)
		says(t, err, tc.want)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestASlowDeviceIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := client.New(client.Config{URL: "http://cam", Timeout: 3 * time.Second, HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}})
		must(t, err)
		start := time.Now()
		err = c.ManualAlarmOut(t.Context(), 0, true)
		says(t, err, "ManualAlarmOut: no answer within 3s: context deadline exceeded")
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("gave up after %s", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		says(t, c.ManualAlarmOut(ctx, 0, true), "ManualAlarmOut: context deadline exceeded")
	})
}

func TestOneRequestAtATimeAndAnOffGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var order []string
		busy := 0
		c, err := client.New(client.Config{URL: "http://cam", HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			if busy++; busy > 1 {
				t.Error("two requests at a time")
			}
			order = append(order, r.URL.Path)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			busy--
			mu.Unlock()
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(`<config status="success"/>`)), Header: http.Header{}}, nil
		})}})
		must(t, err)
		ctx := t.Context()
		var wg sync.WaitGroup
		start := func(f func() error) {
			wg.Go(func() {
				if err := f(); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		start(func() error { return c.TriggerVirtualAlarm(ctx, 1) })
		start(func() error { return c.TriggerVirtualAlarm(client.WithPriority(ctx, client.Background), 2) })
		start(func() error { return c.TriggerVirtualAlarm(ctx, 3) })
		start(func() error { return c.TriggerVirtualAlarm(ctx, 4) })
		gone, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		wg.Go(func() {
			says(t, c.TriggerVirtualAlarm(gone, 5), "TriggerVirtualAlarm: waiting for the camera: context deadline exceeded")
		})
		start(func() error { return c.ManualAlarmOut(ctx, 0, false) })
		wg.Wait()
		want := "/TriggerVirtualAlarm/1 /ManualAlarmOut /TriggerVirtualAlarm/3 /TriggerVirtualAlarm/4 /TriggerVirtualAlarm/2"
		if got := strings.Join(order, " "); got != want {
			t.Errorf("order\n got %s\nwant %s", got, want)
		}
	})
}

// An action that gets no answer may have happened: net/http must not send it
// again, as it does with a GET whose kept connection broke.
func TestAnActionIsNeverSentTwice(t *testing.T) {
	ctx := t.Context()
	drop := false
	cam, rec, c := device(t, sim.Options{VirtualAlarms: 16, Fault: func(string, *http.Request) sim.Fault { return sim.Fault{Drop: drop} }})
	_, err := c.GetDateAndTime(ctx)
	must(t, err)
	must(t, c.TriggerVirtualAlarm(ctx, 17))
	n := len(rec.all())
	drop = true
	if err := c.TriggerVirtualAlarm(ctx, 17); err == nil {
		t.Error("a dropped connection is no error")
	}
	if got := len(rec.all()) - n; got != 1 {
		t.Errorf("sent %d times", got)
	}
	if s := cam.Stats(); len(s.Triggered) != 1 {
		t.Errorf("triggered %v", s.Triggered)
	}
}
