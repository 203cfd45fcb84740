package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// secureCamera is a virtual camera with a certificate that it signed itself, and a
// site file that names it.
func secureCamera(t *testing.T, dir string) *config.Site {
	t.Helper()
	srv := httptest.NewUnstartedServer(sim.NewCamera(sim.Options{Identity: sim.Identity{Name: "Gate"}}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // refused certificates are what is tried
	srv.StartTLS()
	t.Cleanup(srv.Close)
	site, problems := config.Parse(filepath.Join(dir, "sallyport.yaml"), []byte("cameras:\n  gate: {match: {ip: 127.0.0.1}, url: "+srv.URL+"}\n"))
	if config.Failed(problems) {
		t.Fatal(problems)
	}
	if err := os.MkdirAll(site.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	return site
}

func askInfo(t *testing.T, site *config.Site) (said []string, err error) {
	t.Helper()
	clients, err := deviceClientsSaying(site, process{getenv: os.Getenv}, func(text string) { said = append(said, text) })
	if err != nil {
		t.Fatal(err)
	}
	_, err = clients["gate"].GetDeviceInfo(context.Background())
	return said, err
}

// TestTrustOnFirstUse: the first certificate of a device is kept and said once, by the
// next program too; another one is refused.
func TestTrustOnFirstUse(t *testing.T) {
	site := secureCamera(t, t.TempDir())
	said, err := askInfo(t, site)
	if err != nil {
		t.Fatal(err)
	}
	if len(said) != 1 || !strings.HasPrefix(said[0], `camera "gate": its certificate is trusted on first use: SHA-256 `) {
		t.Errorf("said %q", said)
	}
	_, first, _ := strings.Cut(said[0], "SHA-256 ")
	if said, err = askInfo(t, site); err != nil || len(said) != 0 {
		t.Errorf("the second program: %q, %v", said, err)
	}

	other := strings.Repeat("00:", 31) + "00"
	data, err := os.ReadFile(filepath.Join(site.Data, pinsFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(site.Data, pinsFile), []byte(strings.Replace(string(data), first, other, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = askInfo(t, site)
	var changed *client.CertificateError
	if !errors.As(err, &changed) || changed.Want != other || changed.Got != first {
		t.Errorf("a changed certificate: %v", err)
	}
	if text := "GetDeviceInfo: the camera's certificate is not the pinned one: its SHA-256 fingerprint is " + first + ", pinned is " + other +
		"; when the camera was replaced or reset, take its line out of " + filepath.Join(site.Data, pinsFile); err.Error() != text {
		t.Errorf("a changed certificate:\n got %v\nwant %s", err, text)
	}

	if err := os.WriteFile(filepath.Join(site.Data, pinsFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := "GetDeviceInfo: the certificates that were trusted cannot be read, so this one (" + first + ") is not trusted: correct or remove " +
		filepath.Join(site.Data, pinsFile) + ": unexpected end of JSON input"
	if _, err = askInfo(t, site); err == nil || err.Error() != want {
		t.Errorf("a broken file:\n got %v\nwant %s", err, want)
	}

	if err := os.WriteFile(filepath.Join(site.Data, pinsFile), []byte("null"), 0o600); err != nil {
		t.Fatal(err)
	}
	want = strings.Replace(want, "unexpected end of JSON input", "it holds no mapping", 1)
	if _, err = askInfo(t, site); err == nil || err.Error() != want {
		t.Errorf("a file that says nothing:\n got %v\nwant %s", err, want)
	}

	// What the site file says counts, whatever was trusted.
	site.Cameras[0].TLSPin = strings.ReplaceAll(first, ":", "")
	if said, err = askInfo(t, site); err != nil || len(said) != 0 {
		t.Errorf("pinned: %q, %v", said, err)
	}
	site.Cameras[0].TLSPin = strings.ReplaceAll(other, ":", "")
	if _, err = askInfo(t, site); !errors.As(err, &changed) {
		t.Errorf("pinned to another: %v", err)
	}
}

// TestTrustWithoutADataFolder: what cannot be kept is said, with what to do.
func TestTrustWithoutADataFolder(t *testing.T) {
	site := secureCamera(t, t.TempDir())
	if err := os.Remove(site.Data); err != nil {
		t.Fatal(err)
	}
	said, err := askInfo(t, site)
	if err != nil || len(said) != 1 || !strings.HasSuffix(said[0], "; it could not be kept (stat "+site.Data+": no such file or directory), so write it as tls_pin into the site file") {
		t.Errorf("said %q, %v", said, err)
	}
}
