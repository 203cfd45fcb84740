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
