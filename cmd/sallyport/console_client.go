package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/sallyport/sallyport/config"
)

// localTokenFile holds what the program's own commands show to the running program, so that they may look at it when a
// password is set. It is another one at each start, below the data folder, and of whoever may read that.
const localTokenFile = "console.token"

// keepLocalToken makes such a token and writes it.
func keepLocalToken(dataDir string) (token string, forget func(), err error) {
	if dataDir == "" {
		return "", func() {}, nil
	}
	token, file := rand.Text(), filepath.Join(dataDir, localTokenFile)
	if err := replaceFile(file, []byte(token+"\n")); err != nil {
		return "", func() {}, err
	}
	return token, func() { _ = os.Remove(file) }, nil
}

// consoleClient asks the program that runs on this machine.
type consoleClient struct {
	base  string // its address
	token string
	http  *http.Client
}

func newConsoleClient(site *config.Site) *consoleClient {
	c := &consoleClient{base: consoleURL(site)}
	if text, err := readState(filepath.Join(site.Data, localTokenFile)); err == nil {
		c.token = strings.TrimSpace(string(text))
	}
	// A proxy of the environment is not between this machine and itself.
	c.http = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
		// It is known by its own file instead: nobody else may vouch for it, and its name is not asked for.
		InsecureSkipVerify: true,
		VerifyPeerCertificate: func(shown [][]byte, _ [][]*x509.Certificate) error {
			file := site.TLS.Cert
			if file == "" {
				file = filepath.Join(site.Data, ownCertFile)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			for b, rest := pem.Decode(text); b != nil; b, rest = pem.Decode(rest) {
				if b.Type == "CERTIFICATE" {
					if len(shown) > 0 && bytes.Equal(b.Bytes, shown[0]) {
						return nil
					}
					break
				}
			}
			return fmt.Errorf("it does not show the certificate of %s", file)
		},
	}}}
	return c
}

// get asks for one thing below /api/v1/.
func (c *consoleClient) get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/api/v1/"+path, nil)
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		_ = resp.Body.Close() // nothing more is wanted of it
		return nil, errNotLetIn
	}
	return resp, err
}

// errNotLetIn says that the running program was not shown its token.
var errNotLetIn = errors.New("the running program has a password, and shows what it knows only to its own user and root: use sudo")

// consoleURL is where the console of this machine answers.
func consoleURL(site *config.Site) string {
	scheme := "http://"
	if consoleEncrypted(site) {
		scheme = "https://"
	}
	host, port, err := net.SplitHostPort(site.Listen.Console)
	if err != nil {
		return scheme + site.Listen.Console
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + net.JoinHostPort(host, port)
}
