package sim_test

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/viewtron/sim"
)

// roundTrip is an http.RoundTripper made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func ok() *http.Response {
	return &http.Response{StatusCode: 200, Status: "200 OK", Body: http.NoBody, Header: http.Header{}}
}

func TestPlayKeepsTheCamerasPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var reads []string
		frames := 0
		cam := sim.NewCamera(sim.Options{Identity: sim.DemoScene().Cameras[1].Identity, Location: time.UTC,
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				b, err := io.ReadAll(r.Body)
				if err != nil {
					return nil, err
				}
				if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/xml" {
					t.Errorf("%s %s", r.Method, r.Header.Get("Content-Type"))
				}
				switch s := string(b); {
				case strings.Contains(s, "<traject "):
					frames++
				case strings.Contains(s, "VEHICE</smartType>"):
					read := time.Since(start).String()
					if strings.Contains(s, "<vehicleListType ") {
						read += " listed"
					}
					reads = append(reads, read)
				}
				return ok(), nil
			})})
		if err := cam.Play(t.Context(), sim.DemoScene(), "http://sallyport.invalid:5002/API"); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(start); got != 23*time.Second {
			t.Errorf("the scene took %s", got) // the last frame of the second car; the next heartbeat would be later
		}
		if got, want := strings.Join(reads, ", "), "8s listed, 8.6s listed, 16s"; got != want {
			t.Errorf("reads %q, want %q", got, want)
		}
		if s := cam.Stats(); s.Failed != 0 || s.Late != 0 || frames != 110 || s.Sent != frames+3+3 {
			t.Errorf("%d frames, %+v", frames, s)
		}
	})
}

func TestAPostWithoutAnswerIsLostAndTheRestGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		cam := sim.NewCamera(sim.Options{Identity: sim.DemoScene().Cameras[0].Identity,
			Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				if n++; n%2 == 0 {
					return nil, errors.New("connection refused")
				}
				return ok(), nil
			})})
		if err := cam.Play(t.Context(), sim.DemoScene(), "http://sallyport.invalid/"); err != nil {
			t.Fatal(err)
		}
		if s := cam.Stats(); s.Sent != 53 || s.Failed != 52 {
			t.Errorf("%+v", s)
		}
	})
}

func TestASlowReceiverGetsFewerFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := sim.NewCamera(sim.Options{Identity: sim.DemoScene().Cameras[0].Identity})
		err := cam.PlayTo(t.Context(), sim.DemoScene(), func(_ context.Context, p sim.Post) error {
			if p.At == 5*time.Second {
				time.Sleep(4 * time.Second)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if s := cam.Stats(); s.Late < 15 || s.Late > 25 {
			t.Errorf("%d frames were left out, want about 21", s.Late)
		}
	})
}

func TestPlayEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		cam := sim.NewCamera(sim.Options{Identity: sim.DemoScene().Cameras[0].Identity, Transport: roundTrip(func(*http.Request) (*http.Response, error) { return ok(), nil })})
		if err := cam.Play(ctx, sim.DemoScene(), "http://sallyport.invalid/"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Play gives %v", err)
		}
	})
	cam := sim.NewCamera(sim.Options{Identity: sim.Identity{Name: "attic"}})
	if err := cam.Play(t.Context(), sim.DemoScene(), "http://sallyport.invalid/"); err == nil || err.Error() != `the scene has no camera "attic"` {
		t.Errorf("Play of another camera gives %v", err)
	}
}

func TestPlayOverTheNetworkKeepsOneConnection(t *testing.T) {
	remotes := map[string]int{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		remotes[r.RemoteAddr]++
	}))
	defer srv.Close()
	scene := sim.Scene{Cameras: []sim.CameraScene{{Identity: sim.Identity{Name: "x"}, Targets: []sim.Track{
		{Class: "car", From: sim.Point{5000, 5000}, Moves: []sim.Move{{Stay: sim.Duration(100 * time.Millisecond)}}}}}}}
	cam := sim.NewCamera(sim.Options{Identity: sim.Identity{Name: "x"}, Rate: 100})
	if err := cam.Play(t.Context(), scene, srv.URL+"/API"); err != nil {
		t.Fatal(err)
	}
	srv.Close()
	if s := cam.Stats(); s.Sent != 11 || len(remotes) != 1 {
		t.Errorf("%+v over %d connections, want 11 posts over 1", s, len(remotes))
	}
}

func TestListsDecideWhatThePostSays(t *testing.T) {
	cam := sim.NewCamera(sim.Options{})
	day := 24 * time.Hour
	for _, e := range []sim.ListEntry{
		{Number: "ALLOW", Group: "whiteList"},
		{Number: "BLOCK", Group: "blackList"},
		{Number: "GUEST", Group: "temporaryList", Begin: noon, End: noon.Add(day)},
	} {
		if err := cam.Put(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := cam.Put(sim.ListEntry{Number: "X", Group: "strangerList"}); err == nil || err.Error() != `the camera has no plate list "strangerList"` {
		t.Errorf("Put on a list that is not there gives %v", err)
	}
	for _, c := range []struct {
		number string
		at     time.Time
		want   string
	}{
		{"ALLOW", time.Now(), "whiteList"}, {"BLOCK", time.Now(), "blackList"}, {"OTHER", time.Now(), ""},
		{"GUEST", noon.Add(-time.Second), ""}, {"GUEST", noon.Add(day), "temporaryList"}, {"GUEST", noon.Add(day + 1), ""},
	} {
		if got := cam.ListOf(c.number, c.at); got != c.want {
			t.Errorf("%s at %s is on %q, want %q", c.number, c.at, got, c.want)
		}
	}
}

func ask(h http.Handler, method, path, user, password, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if user != "" {
		r.SetBasicAuth(user, password)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestWrongPasswordsLockTheAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := sim.NewCamera(sim.Options{Username: "admin", Password: "right", MaxFailures: 3, LockFor: time.Minute})
		for range 10 {
			if w := ask(cam, "GET", "/GetDeviceInfo", "", "", ""); w.Code != 401 || w.Header().Get("WWW-Authenticate") != `Basic realm="device"` {
				t.Fatalf("no credentials: %d %v", w.Code, w.Header())
			}
		}
		for i, want := range []string{`errorCode="9"`, `errorCode="9"`, `errorCode="10"`} {
			if w := ask(cam, "GET", "/GetDeviceInfo", "admin", "wrong", ""); w.Code != 401 || !strings.Contains(w.Body.String(), want) {
				t.Errorf("wrong password %d: %d %s", i+1, w.Code, w.Body)
			}
		}
		if w := ask(cam, "GET", "/GetDeviceInfo", "admin", "right", ""); w.Code != 401 || !strings.Contains(w.Body.String(), `errorDesc="User Locked"`) {
			t.Errorf("locked: %d %s", w.Code, w.Body)
		}
		time.Sleep(time.Minute)
		if w := ask(cam, "GET", "/GetDeviceInfo", "admin", "right", ""); w.Code != 200 {
			t.Errorf("after the lock: %d %s", w.Code, w.Body)
		}
		if s := cam.Stats(); s.BadLogins != 3 {
			t.Errorf("%+v", s)
		}
	})
}

func TestDeviceRefusesWhatADeviceRefuses(t *testing.T) {
	cam := sim.NewCamera(sim.Options{})
	const head = `<config version="2.1.0" xmlns="http://www.ipc.com/ver10">`
	if err := cam.Put(sim.ListEntry{Number: "ABC1234", Group: "whiteList"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path, body string
		status           int
		want             string
	}{
		{"offset from 0", "/GetLicensePlates", head + `<searchFilter><maxResult>10</maxResult><resultOffset>0</resultOffset><groupId>2</groupId></searchFilter></config>`, 200, `errorCode="16"`},
		{"not a number", "/GetLicensePlates", head + `<searchFilter><maxResult>ten</maxResult></searchFilter></config>`, 200, `errorCode="16"`},
		{"empty list", "/GetLicensePlates", head + `<searchFilter><maxResult>10</maxResult><resultOffset>1</resultOffset><groupId>3</groupId></searchFilter></config>`, 200, `errorCode="20"`},
		{"no such group", "/GetLicensePlates", head + `<searchFilter><maxResult>10</maxResult><resultOffset>1</resultOffset><groupId>7</groupId></searchFilter></config>`, 200, `errorCode="207"`},
		{"change without a type", "/ModifyLicensePlate", head + `<licensePlate><licensePlateNumber>ABC1234</licensePlateNumber><groupId>2</groupId><carOwner>Ann</carOwner></licensePlate></config>`, 200, `errorCode="16"`},
		{"delete on another list", "/DeleteLicensePlate", head + `<deleteAction><licensePlateNumber>ABC1234</licensePlateNumber><groupId>3</groupId></deleteAction></config>`, 200, `errorCode="204"`},
		{"not XML", "/AddLicensePlates", `<config`, 200, `errorCode="2"`},
		{"nothing to add", "/AddLicensePlates", head + `</config>`, 200, `errorCode="15"`},
		{"unknown command", "/Reboot", ``, 400, `errorCode="1" errorDesc="Invalid Request"`},
		{"item codes", "/AddLicensePlates", head + `<licensePlates><item><index>1</index><licensePlateNumber>ABC1234</licensePlateNumber><groupId>2</groupId></item><item><index>2</index><licensePlateNumber>NEW</licensePlateNumber><groupId>9</groupId></item></licensePlates></config>`, 200,
			`<item><index type="uint32">1</index><errorCode type="uint32">203</errorCode></item><item><index type="uint32">2</index><errorCode type="uint32">207</errorCode></item>`},
	} {
		w := ask(cam, "POST", c.path, "", "", c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: %d %s, want %d with %s", c.name, w.Code, w.Body, c.status, c.want)
		}
	}
	if w := ask(cam, "GET", "/ManualAlarmOut", "", "", ""); w.Code != 400 {
		t.Errorf("a write by GET: %d", w.Code)
	}
	old := sim.NewCamera(sim.Options{API: sim.API19})
	if w := ask(old, "GET", "/GetSupportedAPIs", "", "", ""); w.Code != 400 || w.Body.Len() != 0 {
		t.Errorf("unknown command on old firmware: %d %q", w.Code, w.Body)
	}
}

func FuzzDevice(f *testing.F) {
	f.Add("/AddLicensePlates", `<config><licensePlates><item><index>1</index><licensePlateNumber>A</licensePlateNumber><groupId>2</groupId></item></licensePlates></config>`)
	f.Add("/ModifyLicensePlate", `<config><licensePlate><licensePlateNumber>A</licensePlateNumber><groupId>2</groupId><endTime type="string">2026-01-01 00:00:00</endTime></licensePlate></config>`)
	f.Add("/GetLicensePlates", `<config><searchFilter><maxResult>99999999</maxResult><resultOffset>1</resultOffset><groupId>2</groupId></searchFilter></config>`)
	f.Add("/TriggerVirtualAlarm/17", "")
	f.Add("/GetSmartPerimeterConfig/2", "")
	f.Add("/AddVehiclePlate", `<config><vehiclePlates><item><carPlateNumber>A</carPlateNumber><beginTime>2024/01/01 00:00:00</beginTime><plateItemType>whiteList</plateItemType></item></vehiclePlates></config>`)
	f.Add("/GetVehiclePlate", `<config><vehiclePlates><searchFilter><item><pageIndex>999999</pageIndex><pageSize>9999</pageSize><listType>allList</listType></item></searchFilter></vehiclePlates></config>`)
	f.Add("/SetHttpPostConfig", `<config><httpPost><bSwitch>true</bSwitch><serverIp>h</serverIp><serverPort>80</serverPort><keepaliveTimeval>30</keepaliveTimeval></httpPost><httpPostV2><postUrlConf><urlList><item><urlId>1</urlId><switch>true</switch><url><protocol>http</protocol><domain>[::1]</domain><port>1</port><path>%zz?#</path></url><keepaliveTimeval>30</keepaliveTimeval><subscriptionEvents><item>ALL</item></subscriptionEvents></item></urlList></postUrlConf></httpPostV2></config>`)
	f.Fuzz(func(t *testing.T, path, body string) {
		for _, o := range []sim.Options{{}, {API: sim.API20, Thermal: true}, {Recorder: true}} {
			cam := sim.NewCamera(o)
			r := httptest.NewRequest("POST", "/", strings.NewReader(body))
			r.URL.Path = path
			w := httptest.NewRecorder()
			cam.ServeHTTP(w, r)
			if w.Code != 200 && w.Code != 400 {
				t.Errorf("%d", w.Code)
			}
			// What it took it also tells, as XML, and it can be posted to.
			told := ask(cam, "GET", "/GetHttpPostConfig", "", "", "").Body.Bytes()
			if err := xml.Unmarshal(told, new(struct{})); err != nil {
				t.Errorf("%v in %s", err, told)
			}
			p := cam.Push()
			for _, s := range p.Slots {
				if err := sim.NewCamera(sim.Options{}).SetPush(sim.Push{Slots: []sim.PushSlot{s}}); err != nil {
					t.Errorf("%+v: %v", s, err)
				}
			}
		}
	})
}
