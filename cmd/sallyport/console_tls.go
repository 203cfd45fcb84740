package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
)

// ownCertFile holds the certificate that the program made itself, with its key, below the data folder.
const ownCertFile = "console-cert.pem"

// ownCertYears is how long it lasts, certLook how often the files of another one are looked at.
const (
	ownCertYears = 10
	certLook     = 10 * time.Second
)

// consoleEncrypted tells whether the console of a site speaks TLS.
func consoleEncrypted(site *config.Site) bool {
	return site.TLS.Cert != "" || !site.Listen.ConsoleOnLoopback() && !site.Insecure
}

// consoleTLS is how the console of a site is encrypted; nil for not. The fingerprint is that of a certificate that
// nobody vouches for.
func consoleTLS(site *config.Site, log *slog.Logger) (c *tls.Config, fingerprint string, err error) {
	if !consoleEncrypted(site) {
		return nil, "", nil
	}
	c = &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if site.TLS.Cert != "" {
		k := &keptCert{cert: site.TLS.Cert, key: site.TLS.Key, log: log}
		if k.known, err = tls.LoadX509KeyPair(k.cert, k.key); err != nil {
			return nil, "", fmt.Errorf("tls: %w", err)
		}
		k.looked, k.marks = time.Now(), k.look()
		c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return k.get(), nil }
		return c, "", nil
	}
	own, err := ownCert(filepath.Join(site.Data, ownCertFile), consoleNames(site), log)
	if err != nil {
		return nil, "", err
	}
	c.Certificates = []tls.Certificate{own}
	return c, fingerprintOf(own.Certificate[0]), nil
}

// keptCert is a certificate whose files may change.
type keptCert struct {
	cert, key string
	log       *slog.Logger

	mu     sync.Mutex // covers the fields below
	known  tls.Certificate
	marks  [2]fileMark
	looked time.Time
}

func (k *keptCert) look() (marks [2]fileMark) {
	marks[0], _ = markOf(k.cert) // what cannot be looked at is as if it were not there
	marks[1], _ = markOf(k.key)
	return marks
}

// get is the certificate as its files are now; as they were when they cannot be used.
func (k *keptCert) get() *tls.Certificate {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.looked) >= certLook {
		k.looked = time.Now()
		if marks := k.look(); !marks[0].same(k.marks[0]) || !marks[1].same(k.marks[1]) {
			k.marks = marks
			if fresh, err := tls.LoadX509KeyPair(k.cert, k.key); err != nil {
				k.log.Error("the console keeps its old certificate, for the new one cannot be used", "error", err)
			} else {
				k.known = fresh
				k.log.Info("the console has a new certificate", "file", k.cert)
			}
		}
	}
	c := k.known
	return &c
}

// ownCert reads the certificate that the program made, or makes one. When it cannot be kept, it is another one at the next
// start, which is said.
func ownCert(file string, names []string, log *slog.Logger) (tls.Certificate, error) {
	text, err := readState(file)
	switch {
	case err == nil:
		c, err := tls.X509KeyPair(text, text)
		if err == nil && time.Now().Before(c.Leaf.NotAfter) {
			return c, nil
		}
		if err != nil {
			return c, fmt.Errorf("the console's certificate in %s cannot be used: %w; remove the file, and another one is made", file, err)
		}
		log.Warn("the console's own certificate has ended: another one is made", "file", file)
	case !errors.Is(err, fs.ErrNotExist):
		return tls.Certificate{}, fmt.Errorf("the console's certificate in %s cannot be read: %w", file, err)
	}
	if text, err = newCert(names); err != nil {
		return tls.Certificate{}, fmt.Errorf("the console's certificate cannot be made: %w", err)
	}
	if err := replaceFile(file, text); err != nil {
		log.Warn("the console's certificate could not be kept: it is another one at the next start", "error", err)
	}
	return tls.X509KeyPair(text, text)
}

// newCert makes a certificate for names and addresses, and gives it with its key.
func newCert(names []string) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	// It begins early, for the clock of this machine or of a browser's may be wrong.
	begin := time.Date(engine.ClockSetYear-1, 1, 1, 0, 0, 0, 0, time.UTC)
	end := time.Now()
	if end.Year() < engine.ClockSetYear {
		end = time.Date(engine.ClockSetYear, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "sallyport"}, NotBefore: begin, NotAfter: end.AddDate(ownCertYears, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, n)
		}
	}
	all, _ := net.InterfaceAddrs() // without them the names have to do
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLinkLocalUnicast() {
			c.IPAddresses = append(c.IPAddresses, n.IP)
		}
	}
	cert, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		return nil, err
	}
	keyText, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, b := range []*pem.Block{{Type: "CERTIFICATE", Bytes: cert}, {Type: "PRIVATE KEY", Bytes: keyText}} {
		if err := pem.Encode(&out, b); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// consoleNames are the names by which browsers may ask for the console.
func consoleNames(site *config.Site) []string {
	names := []string{}
	if host, err := os.Hostname(); err == nil && host != "" {
		short, _, _ := strings.Cut(host, ".")
		names = append(names, host, short, short+".local")
	}
	names = append(names, "localhost")
	names = append(names, site.Listen.Names...)
	if host, _, err := net.SplitHostPort(site.Listen.Console); err == nil {
		if ip, err := netip.ParseAddr(host); err == nil && !ip.IsUnspecified() && !ip.IsLoopback() {
			names = append(names, host)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// fingerprintOf is the SHA-256 of a certificate as browsers show it.
func fingerprintOf(cert []byte) string {
	sum := sha256.Sum256(cert)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}
