package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// inside carries calls to a device without a network.
type inside struct{ http.Handler }

func (i inside) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	i.ServeHTTP(w, r)
	return w.Result(), nil
}

// Somebody else types wrong passwords until the camera locks the account, while its
// output is on: it goes off as soon as the lock is over.
func TestAnOutputGoesOffAfterTheAccountWasLocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := sim.NewCamera(sim.Options{Username: "admin", Password: "pw"})
		open := func(password string) *client.Client {
			d, err := client.New(client.Config{
				URL: "http://camera", Username: "admin", Password: password, HTTPClient: &http.Client{Transport: inside{cam}},
			})
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		o := alarmOutput{device: open("pw")}
		if err := o.Set(true); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			_ = open("wrong").ManualAlarmOut(t.Context(), 0, true)
		}
		start := time.Now()
		for o.Set(false) != nil && time.Since(start) < time.Hour {
			time.Sleep(100 * time.Millisecond) // as its owner does
		}
		if took := time.Since(start); took > 6*time.Minute || cam.Stats().AlarmOut {
			t.Errorf("on %v, after %v", cam.Stats().AlarmOut, took)
		}
		// What nobody switched on is not worth an account.
		quiet := alarmOutput{device: open("wrong")}
		bad := cam.Stats().BadLogins
		for range 36_000 {
			_ = quiet.Set(false)
			time.Sleep(100 * time.Millisecond)
		}
		if got := cam.Stats().BadLogins - bad; got != 1 {
			t.Errorf("a wrong password was sent %d times", got)
		}
	})
}
