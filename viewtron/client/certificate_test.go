package client_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/viewtron/sim"
)

func TestACertificateIsShownBeforeAnythingIsSent(t *testing.T) {
	ctx := t.Context()
	rec := &recorder{next: sim.NewCamera(sim.Options{})}
	srv := httptest.NewUnstartedServer(rec)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	got, err := client.Certificate(ctx, srv.URL, 0)
	must(t, err)
	sum := sha256.Sum256(srv.Certificate().Raw)
	if strings.ReplaceAll(got.Fingerprint, ":", "") != hex.EncodeToString(sum[:]) || got.Trusted || got.Subject != "O=Acme Co" || got.Issuer != "O=Acme Co" || !got.NotAfter.Equal(srv.Certificate().NotAfter) {
		t.Errorf("got %+v", got)
	}
	if n := len(rec.all()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	_, err = dial(t, client.Config{URL: srv.URL, Pin: got.Fingerprint}).GetDateAndTime(ctx)
	must(t, err)
}

func TestCertificatesThatCannotBeHad(t *testing.T) {
	_, err := client.Certificate(t.Context(), "http://cam", 0)
	says(t, err, `camera address "http://cam" is not https, so it has no certificate`)
	_, err = client.Certificate(t.Context(), "https://admin:pw@cam", 0)
	says(t, err, "camera address holds a user name or password; write them in their own fields")

	// A device that takes the connection and says nothing.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	_, err = client.Certificate(t.Context(), "https://"+l.Addr().String(), 50*time.Millisecond)
	says(t, err, "certificate of "+l.Addr().String()+": no answer within 50ms: context deadline exceeded")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v is no DeadlineExceeded", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = client.Certificate(ctx, "https://"+l.Addr().String(), time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}
