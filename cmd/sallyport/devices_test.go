package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// TestCamerasOfOneRecorderShareAWrongPassword: whatever asks whichever of them, one
// wrong password reaches the recorder.
func TestCamerasOfOneRecorderShareAWrongPassword(t *testing.T) {
	nvr := sim.NewCamera(sim.Options{Username: "admin", Password: "right"})
	srv := httptest.NewServer(nvr)
	defer srv.Close()
	site, problems := config.Parse("sallyport.yaml", []byte(`cameras:
  one: {match: {ip: 127.0.0.1, channel: 1}, url: `+srv.URL+`, username: admin, password: {env: PW}}
  two: {match: {ip: 127.0.0.1, channel: 2}, url: `+srv.URL+`, username: admin, password: {env: PW}}
  three: {match: {ip: 127.0.0.1, channel: 3}, url: `+srv.URL+`, username: admin, password: {env: PW}}
  other: {match: {ip: 127.0.0.2}, url: `+srv.URL+`, username: user, password: {env: PW}}
`))
	if config.Failed(problems) {
		t.Fatal(problems)
	}
	devices, err := deviceClientsSaying(site, process{getenv: func(string) string { return "wrong" }}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		for _, name := range []string{"one", "two", "three"} {
			if _, err := devices[name].GetDeviceInfo(t.Context()); !errors.Is(err, client.ErrLoginRefused) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if got := nvr.Stats().BadLogins; got != 1 {
		t.Errorf("a wrong password was sent %d times", got)
	}
	if devices["one"] == devices["other"] {
		t.Error("cameras with different logins share a client")
	}
	a := &appliance{parts: parts{site: site}, health: newHealth(site, time.Now, func(cameraNews) {})}
	for i := range site.Cameras {
		site.Cameras[i].Poll = time.Second
	}
	if got := len(a.pollers(devices)); got != 1 {
		t.Errorf("a recorder is asked for its alarms by %d pollers", got)
	}
}

// TestALockedAccountIsTriedEveryTenMinutesByAllTogether, and served when it is open.
func TestALockedAccountIsTriedEveryTenMinutesByAllTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		locked := true
		logins := 0
		cam := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, _, ok := r.BasicAuth(); ok {
				logins++
				if !locked {
					_, _ = w.Write([]byte(`<config status="success"/>`))
					return
				}
			}
			w.Header().Set("WWW-Authenticate", `Basic realm="device"`)
			w.WriteHeader(http.StatusUnauthorized)
		})
		d, err := client.New(client.Config{
			URL: "http://camera", Username: "admin", Password: "pw", LoginAgain: loginAgain, HTTPClient: &http.Client{Transport: inside{cam}},
		})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		polled, output := polledDevice{d}, alarmOutput{device: d}
		try := func() error {
			polled.ResetLogin()
			_ = output.Set(true)
			_ = output.Set(false)
			_, _ = d.GetHttpPostConfig(t.Context())
			return d.TriggerVirtualAlarm(t.Context(), 1)
		}
		for time.Since(begin) < 25*time.Minute {
			if try() == nil {
				t.Fatal("the account is locked")
			}
			time.Sleep(time.Second)
		}
		if logins != 3 {
			t.Errorf("%d logins in 25 minutes", logins)
		}
		locked = false
		for try() != nil {
			if time.Since(begin) > time.Hour {
				t.Fatal("the account is open, but not tried")
			}
			time.Sleep(time.Second)
		}
		if took := time.Since(begin).Round(time.Second); took != 30*time.Minute {
			t.Errorf("served again after %v", took)
		}
	})
}
