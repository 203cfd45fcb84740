package client_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/viewtron/client"
)

// A long synchronization is many requests: what asks for the device's state
// goes in between, and an off before both.
func TestASynchronizationLetsTheOthersIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var order []string
		c, err := client.New(client.Config{URL: "http://cam", HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			order = append(order, r.URL.Path)
			mu.Unlock()
			time.Sleep(time.Second) // a slow device
			answer := `<config><alarmStatusInfo/></config>`
			if r.Method == http.MethodPost {
				answer = `<config status="success"><licensePlatesReply/></config>`
			}
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(answer)), Header: http.Header{}}, nil
		})}})
		must(t, err)
		ctx := t.Context()
		var plates []client.PlateEntry
		for i := range 400 {
			plates = append(plates, client.PlateEntry{Number: fmt.Sprintf("P%03d", i), GroupID: "2"})
		}
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = c.AddLicensePlates(client.WithPriority(ctx, client.Background), plates) })
		synctest.Wait()
		for range 2 {
			wg.Go(func() {
				_, err := c.GetAlarmStatus(ctx)
				if err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		time.Sleep(1500 * time.Millisecond) // the first of them is under way
		wg.Go(func() {
			if err := c.ManualAlarmOut(ctx, 0, false); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		want := "/AddLicensePlates /GetAlarmStatus /ManualAlarmOut /GetAlarmStatus /AddLicensePlates /AddLicensePlates /AddLicensePlates"
		if got := strings.Join(order, " "); got != want {
			t.Errorf("order\n got %s\nwant %s", got, want)
		}
	})
}

// A read that hangs does not keep an output on: it is given up after a second. What
// writes is not.
func TestAnOffDoesNotWaitForAReadThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := client.New(client.Config{URL: "http://cam", HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != "/ManualAlarmOut" {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(`<config status="success"/>`)), Header: http.Header{}}, nil
		})}})
		must(t, err)
		ctx := t.Context()
		for _, under := range []struct {
			do   func() error
			err  string
			took time.Duration
		}{
			{func() error { _, err := c.GetAlarmStatus(ctx); return err },
				"GetAlarmStatus: given up, because something had to be switched at once", time.Second},
			{func() error { return c.TriggerVirtualAlarm(ctx, 1) },
				"TriggerVirtualAlarm: no answer within 10s: context deadline exceeded", 10 * time.Second},
		} {
			var wg sync.WaitGroup
			wg.Go(func() { says(t, under.do(), under.err) })
			synctest.Wait()
			start := time.Now()
			must(t, c.ManualAlarmOut(ctx, 0, false))
			if took := time.Since(start); took != under.took {
				t.Errorf("%s: the off took %v, want %v", under.err, took, under.took)
			}
			wg.Wait()
		}
	})
}
