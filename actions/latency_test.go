package actions_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/actions/httpcall"
	"github.com/sallyport/sallyport/engine"
)

// BenchmarkSubmitToRequest measures from Submit to the arrival of the request at
// its server, at 700 a second, beside a bare client with four workers.
func BenchmarkSubmitToRequest(b *testing.B) {
	arrived := make(chan time.Time, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived <- time.Now() }))
	defer srv.Close()
	measure := func(b *testing.B, send func(id int)) {
		var took []time.Duration
		for i := 0; b.Loop(); i++ {
			time.Sleep(time.Second / 700)
			begin := time.Now()
			send(i)
			took = append(took, (<-arrived).Sub(begin))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-µs")
		b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-µs")
	}
	b.Run("runner", func(b *testing.B) {
		begin := time.Now()
		r, err := actions.New(actions.Config{
			Handlers: []actions.Handler{httpcall.New(httpcall.Config{})},
			Now:      func() time.Duration { return time.Since(begin) },
			Report: func(o engine.Outcome, _ actions.Record) {
				if o.Reason != "" {
					b.Error(o.Reason)
				}
			},
		})
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = r.Close(context.Background()) }()
		measure(b, func(id int) {
			a := engine.HTTPArgs{URL: fmt.Sprintf("%s/?id=%d", srv.URL, id)}
			now := time.Since(begin)
			r.Submit(engine.Request{
				Firing: &engine.Firing{ID: uint64(id), Rule: &engine.Rule{Name: "r"}, Event: &engine.Event{}},
				Step:   &engine.Step{Args: a}, Args: a, Due: now, Expires: now + 3*time.Second,
			})
		})
	})
	b.Run("bare", func(b *testing.B) {
		c := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
		ids := make(chan int, 1024)
		for range 4 {
			go func() {
				for id := range ids {
					r, err := c.Get(srv.URL + "/?id=" + strconv.Itoa(id))
					if err != nil {
						b.Error(err)
						continue
					}
					_, _ = io.Copy(io.Discard, r.Body)
					r.Body.Close()
				}
			}()
		}
		defer close(ids)
		measure(b, func(id int) { ids <- id })
	})
}
