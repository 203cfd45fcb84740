package sim

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// login checks the credentials of a request. A request without any is
// challenged and is no failure.
func (c *Camera) login(w http.ResponseWriter, r *http.Request) (reply, bool) {
	if c.opt.Username == "" {
		return reply{}, true
	}
	now := time.Now()
	auth := r.Header.Get("Authorization")
	good, stale := false, false
	if c.opt.Auth == Digest {
		good, stale = c.checkDigest(auth, r, now)
	} else if user, password, ok := r.BasicAuth(); ok {
		good = same(user, c.opt.Username) && same(password, c.opt.Password)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	code := 9
	switch {
	case now.Before(c.locked):
		code = 10
	case good && !stale:
		c.failures = 0
		return reply{}, true
	case auth != "" && !stale:
		c.stats.BadLogins++
		if c.failures++; c.failures >= c.opt.MaxFailures {
			c.failures, c.locked, code = 0, now.Add(c.opt.LockFor), 10
		}
	}
	challenge := `Basic realm="device"`
	if c.opt.Auth == Digest {
		challenge = `Digest realm="device", qop="auth", algorithm=MD5, nonce="` + c.nonce(now) + `"`
		if stale {
			challenge += ", stale=true"
		}
	}
	w.Header().Set("WWW-Authenticate", challenge)
	a := c.code(code)
	a.status = http.StatusUnauthorized
	return a, false
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// nonce makes a challenge that tells its own age.
func (c *Camera) nonce(now time.Time) string {
	stamp := strconv.FormatInt(now.UnixMilli(), 16)
	sum := sha256.Sum256([]byte(stamp + c.secret))
	return stamp + "-" + hex.EncodeToString(sum[:8])
}

// checkDigest checks a Digest login (RFC 7616, MD5, qop auth). stale: the
// challenge it answers is not ours or over a minute old.
func (c *Camera) checkDigest(auth string, r *http.Request, now time.Time) (good, stale bool) {
	rest, ok := strings.CutPrefix(auth, "Digest ")
	if !ok {
		return false, false
	}
	v := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		v[name] = strings.Trim(value, `"`)
	}
	stamp, _, _ := strings.Cut(v["nonce"], "-")
	ms, err := strconv.ParseInt(stamp, 16, 64)
	made := time.UnixMilli(ms)
	if err != nil || v["nonce"] != c.nonce(made) || now.Sub(made) > time.Minute {
		return false, true
	}
	h := func(s string) string { sum := md5.Sum([]byte(s)); return hex.EncodeToString(sum[:]) }
	want := h(h(c.opt.Username+":device:"+c.opt.Password) + ":" + v["nonce"] + ":" + v["nc"] + ":" + v["cnonce"] + ":" + v["qop"] + ":" + h(r.Method+":"+r.URL.RequestURI()))
	return v["uri"] == r.URL.RequestURI() && v["username"] == c.opt.Username && same(v["response"], want), false
}
