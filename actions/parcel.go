package actions

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/engine"
)

const (
	parcelVersion = 1
	maxPicture    = 4 << 20 // bytes of a picture that is kept with its step
	maxEnvelope   = 4 << 20 // bytes of everything else in a parcel's body
	maxRun        = 64      // characters of a run's id
)

// envelope is the first line of a parcel's body; the picture follows it as it is.
type envelope struct {
	Version int             `json:"version"`
	Run     string          `json:"run"`
	Order   time.Duration   `json:"order"` // the run's decision clock when it is due
	Seq     int64           `json:"seq"`   // among those of one moment
	Firing  uint64          `json:"firing"`
	Index   int             `json:"index"`
	Finally bool            `json:"finally,omitempty"`
	At      time.Time       `json:"at"` // wall clock of the firing
	Camera  string          `json:"camera,omitempty"`
	Text    string          `json:"text,omitempty"`
	Timeout time.Duration   `json:"timeout,omitempty"`
	Retry   int             `json:"retry,omitempty"`
	Durable bool            `json:"durable,omitempty"`
	Args    json.RawMessage `json:"args"`
	Picture int             `json:"picture,omitempty"` // bytes
}

// pack makes the body of a parcel, and the request as it is made again from it: it
// holds nothing of the event but the picture it sends.
func pack(q engine.Request, run string, order time.Duration, seq int64) ([]byte, engine.Request, error) {
	args, err := engine.EncodeArgs(q.Args)
	if err != nil {
		return nil, q, err
	}
	picture, err := picture(q)
	if err != nil {
		return nil, q, err
	}
	head, err := json.Marshal(envelope{
		Version: parcelVersion, Run: run, Order: order, Seq: seq, Firing: q.Firing.ID, Index: q.Index, Finally: q.Finally,
		At: q.Firing.At.Wall.Round(0), Camera: q.Firing.Camera, Text: q.Step.Text, Timeout: q.Step.Timeout, Retry: q.Step.Retry,
		Durable: q.Step.Durable, Args: args, Picture: len(picture),
	})
	if err != nil {
		return nil, q, err
	}
	if len(head) > maxEnvelope {
		return nil, q, fmt.Errorf("the step has %d bytes; at most %d are kept", len(head), maxEnvelope)
	}
	body := make([]byte, 0, len(head)+1+len(picture))
	body = append(append(append(body, head...), '\n'), picture...)
	f := *q.Firing
	f.Event = withPicture(q.Args, body[len(head)+1:])
	q.Firing = &f
	return body, q, nil
}

// unpack makes the request of a parcel again. Its firing has what the parcel
// tells of it, no more.
func unpack(p Parcel, verb engine.Verb) (engine.Request, envelope, error) {
	var e envelope
	head, picture, ok := bytes.Cut(p.Body, []byte{'\n'})
	if !ok || len(head) > maxEnvelope {
		return engine.Request{}, e, errors.New("the body is cut or too long")
	}
	d := json.NewDecoder(bytes.NewReader(head))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return engine.Request{}, e, fmt.Errorf("the body cannot be read: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return engine.Request{}, e, errors.New("the body goes on after its end")
	}
	switch {
	case e.Version != parcelVersion:
		return engine.Request{}, e, fmt.Errorf("the body has version %d, not %d", e.Version, parcelVersion)
	case e.Picture != len(picture) || len(picture) > maxPicture:
		return engine.Request{}, e, fmt.Errorf("the picture has %d bytes, not %d", len(picture), e.Picture)
	case e.Index < 0 || e.Timeout < 0 || e.Retry < 0:
		return engine.Request{}, e, errors.New("the body holds a negative number")
	}
	args, err := engine.DecodeArgs(verb, e.Args)
	if err != nil {
		return engine.Request{}, e, err
	}
	return engine.Request{
		Firing: &engine.Firing{
			ID: e.Firing, Rule: &engine.Rule{Name: p.Rule}, Key: p.Key, Camera: e.Camera,
			At: engine.Instant{Wall: e.At}, Event: withPicture(args, picture),
		},
		Index: e.Index, Finally: e.Finally, Args: args,
		Step: &engine.Step{Text: e.Text, Timeout: e.Timeout, Retry: e.Retry, Durable: e.Durable, Args: args},
	}, e, nil
}

// wanted is which picture of the event a step sends; empty when none.
func wanted(a engine.Args) string {
	switch a := a.(type) {
	case engine.HTTPArgs:
		return a.Image
	case engine.NotifyArgs:
		return a.Image
	}
	return ""
}

// picture reads the picture that a step sends. One that is not there is for the
// action to complain about.
func picture(q engine.Request) ([]byte, error) {
	var img engine.Image
	which := wanted(q.Args)
	switch {
	case q.Firing.Event == nil:
	case which == "scene":
		img = q.Firing.Event.Scene
	case which == "target":
		img = q.Firing.Event.Target
	}
	if img.Size == 0 || img.Bytes == nil {
		return nil, nil
	}
	tooLarge := func(n int) error {
		return fmt.Errorf("the %s picture has %d bytes; at most %d are kept", which, n, maxPicture)
	}
	if img.Size > maxPicture {
		return nil, tooLarge(img.Size)
	}
	b, err := img.Bytes()
	if err != nil {
		return nil, fmt.Errorf("the %s picture cannot be read: %w", which, err)
	}
	if len(b) > maxPicture {
		return nil, tooLarge(len(b))
	}
	return b, nil
}

// withPicture is an event of which only the picture that a step sends is left.
func withPicture(a engine.Args, b []byte) *engine.Event {
	e := &engine.Event{}
	if len(b) == 0 {
		return e
	}
	img := engine.Image{Size: len(b), Bytes: func() ([]byte, error) { return b, nil }}
	if wanted(a) == "target" {
		e.Target = img
	} else {
		e.Scene = img
	}
	return e
}

// stepID is the id of one step for one destination: unique over runs and the same
// at every try. It holds no dot, which the signatures of webhooks are joined with.
func stepID(run string, q engine.Request, lane string) string {
	list := "do"
	if q.Finally {
		list = "finally"
	}
	sum := sha256.Sum256([]byte(lane))
	return run + "-" + strconv.FormatUint(q.Firing.ID, 10) + "-" + list + strconv.Itoa(q.Index) + "-" + hex.EncodeToString(sum[:6])
}

// runID makes an id of a text that fits into a header.
func runID(s string) string {
	s = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			return c
		}
		return -1
	}, s)
	if s == "" {
		s = rand.Text()
	}
	return s[:min(len(s), maxRun)]
}

// ID is the id of the step that a context is of: the same at every try, over
// restarts too. Empty on a context that is not of a runner.
func ID(ctx context.Context) string {
	if t, ok := ctx.Value(taskKey{}).(*task); ok {
		return t.ident()
	}
	return ""
}
