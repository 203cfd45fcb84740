package httpcall

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/actions"
)

// sign adds the headers of Standard Webhooks (standardwebhooks.com, version 1):
// the id of the step, the moment of the try in seconds, and the signature of both
// and the body.
func (c *caller) sign(ctx context.Context, q *call, name string) error {
	if c.secret == nil {
		return fmt.Errorf("sign: there is no secret %q", name)
	}
	secret, err := c.secret(name)
	if err != nil {
		return fmt.Errorf("sign: the secret %q: %w", name, err)
	}
	key, err := signKey(secret)
	if err != nil {
		return fmt.Errorf("sign: the secret %q: %w", name, err)
	}
	id := actions.ID(ctx)
	if id == "" {
		id = rand.Text()
	}
	stamp := strconv.FormatInt(c.wall().Unix(), 10)
	q.header["Webhook-Id"] = []string{id}
	q.header["Webhook-Timestamp"] = []string{stamp}
	q.header["Webhook-Signature"] = []string{signature(key, id, stamp, q.body)}
	return nil
}

// signKey is the key of a secret: what follows whsec_ in base64, or else the bytes
// of the text.
func signKey(secret string) ([]byte, error) {
	text, coded := strings.CutPrefix(strings.TrimSpace(secret), "whsec_")
	key := []byte(text)
	if coded {
		var err error
		if key, err = base64.StdEncoding.DecodeString(text); err != nil {
			if key, err = base64.RawStdEncoding.DecodeString(text); err != nil {
				return nil, errors.New("what follows whsec_ is not base64")
			}
		}
	}
	if len(key) == 0 {
		return nil, errors.New("it is empty")
	}
	return key, nil
}

func signature(key []byte, id, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	for _, part := range [][]byte{[]byte(id), {'.'}, []byte(stamp), {'.'}, body} {
		mac.Write(part)
	}
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
