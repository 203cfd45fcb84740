package client

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// CertificateInfo is what a device shows before anything is said to it.
type CertificateInfo struct {
	// Fingerprint is the SHA-256 of the certificate, lower case hex with colons:
	// what [Config.Pin] takes.
	Fingerprint     string
	Subject, Issuer string
	NotAfter        time.Time
	Trusted         bool // by this system, for the address that was asked
}

// Certificate looks at the certificate of a device, so that a person can compare
// and pin it. It sends no request and no password. A timeout of 0 means
// DefaultTimeout.
func Certificate(ctx context.Context, address string, timeout time.Duration) (CertificateInfo, error) {
	u, err := parseAddress(address)
	if err != nil {
		return CertificateInfo{}, err
	}
	if u.Scheme != "https" {
		return CertificateInfo{}, fmt.Errorf("camera address %q is not https, so it has no certificate", cut(address, 200))
	}
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	port := u.Port()
	if port == "" {
		port = "443"
	}
	d := tls.Dialer{Config: &tls.Config{
		MinVersion: tls.VersionTLS12,
		// Whatever it shows is what is asked for; nothing is sent after it.
		InsecureSkipVerify: true,
		ServerName:         u.Hostname(),
	}}
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		if ctx.Err() != nil && parent.Err() == nil {
			return CertificateInfo{}, fmt.Errorf("certificate of %s: no answer within %s: %w", u.Host, timeout, context.DeadlineExceeded)
		}
		return CertificateInfo{}, fmt.Errorf("certificate of %s: %w", u.Host, err)
	}
	defer conn.Close()
	chain := conn.(*tls.Conn).ConnectionState().PeerCertificates
	if len(chain) == 0 {
		return CertificateInfo{}, fmt.Errorf("certificate of %s: %w", u.Host, errors.New("the camera showed no certificate"))
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	leaf := chain[0]
	_, untrusted := leaf.Verify(x509.VerifyOptions{DNSName: u.Hostname(), Intermediates: between})
	sum := sha256.Sum256(leaf.Raw)
	return CertificateInfo{
		Fingerprint: fingerprint(sum[:]),
		Subject:     printable(leaf.Subject.String()), Issuer: printable(leaf.Issuer.String()),
		NotAfter: leaf.NotAfter, Trusted: untrusted == nil,
	}, nil
}

// printable makes text from a device fit for a terminal.
func printable(s string) string {
	return cut(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, s), 400)
}

// parseAddress reads the address of a device: scheme, host and port only.
func parseAddress(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("camera address %q: %w", address, errors.Unwrap(err))
	}
	switch {
	case u.User != nil:
		return nil, errors.New("camera address holds a user name or password; write them in their own fields")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("camera address %q must begin with http:// or https://", address)
	case u.Hostname() == "":
		return nil, fmt.Errorf("camera address %q names no host", address)
	case (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("camera address %q must end after host and port", address)
	}
	return u, nil
}
