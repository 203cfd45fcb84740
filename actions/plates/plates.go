// Package plates edits the cameras' own plate lists.
package plates

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/viewtron/client"
)

// Lists are the plate lists of one camera; [client.Client] has them. Both calls
// are safe to repeat: a plate that is there already is brought up to date, one
// that is gone already is no error.
type Lists interface {
	AddPlate(ctx context.Context, p client.Plate) error
	RemovePlate(ctx context.Context, list, number string) error
}

// Camera is a camera with plate lists.
type Camera struct {
	Name  string
	Lists Lists
}

// Config is what the action needs.
type Config struct {
	// Cameras are those that `cameras: all` means, and that a step may name.
	Cameras []Camera

	// Now is the wall clock, for validity; nil = time.Now.
	Now func() time.Time
}

// New gives the verb plates. Every camera has a lane of its own, one edit at a
// time: an edit is tried until the camera has it, and the next one waits, so
// that an add and a remove arrive in their order. A camera that is away is waited
// for; what a camera refuses is given up, so that it does not hold up the rest.
//
// Edits are kept in the outbox, so they survive a restart, and an edit that is
// overtaken by a later one of the same plate is not made at all: see replaces.
//
// A validity counts from the firing, so an edit that arrives late ends at the
// same moment. One that arrives after that takes the plate off the list: it may
// stand there from before, without an end.
func New(c Config) actions.Handler {
	e := &editor{cameras: slices.Clone(c.Cameras), now: c.Now}
	if e.now == nil {
		e.now = time.Now
	}
	return actions.Handler{
		Verb: engine.VerbPlates, Action: e, Split: e.split, Lane: lane,
		Kept: true, Subject: subject, Replaces: replaces,
	}
}

type editor struct {
	cameras []Camera
	now     func() time.Time
}

// split makes one request per camera.
func (e *editor) split(r engine.Request) []engine.Request {
	a, ok := r.Args.(engine.PlatesArgs)
	if !ok {
		return []engine.Request{r}
	}
	names := a.Cameras
	if len(names) == 0 {
		for _, c := range e.cameras {
			names = append(names, c.Name)
		}
	}
	out := make([]engine.Request, len(names))
	for i, name := range names {
		a.Cameras = []string{name}
		r.Args = a
		out[i] = r
	}
	return out
}

// subject is the plate that an edit is about, however it is spelt.
func subject(r engine.Request) string {
	a, _ := r.Args.(engine.PlatesArgs)
	return engine.NormalPlate(a.Number)
}

// replaces says whether the camera ends up the same when only the later of two
// edits of a plate is made. An edit of another list or of another spelling never
// replaces one. A removal replaces everything. An addition replaces what it says
// all of: an owner or a validity that only the earlier one names would be lost,
// and what was on the camera before a removal would stay. One that no camera takes
// replaces nothing.
//
// Of an addition and its removal the removal is left: whether the plate was on the
// list before is not known, and a banned plate that stays there opens a gate. The
// removal of a plate that is not there changes nothing.
func replaces(later, earlier engine.Request) bool {
	l, ok := later.Args.(engine.PlatesArgs)
	e, fine := earlier.Args.(engine.PlatesArgs)
	if !ok || !fine || checkEdit(l) != nil || strings.Trim(l.Number, " ") != strings.Trim(e.Number, " ") || client.GroupName(l.List) != client.GroupName(e.List) {
		return false
	}
	owner, valid := l.Owner != "", l.Valid > 0
	switch {
	case l.Op == engine.PlatesRemove:
		return true
	case l.Op != engine.PlatesAdd:
		return false
	case e.Op == engine.PlatesRemove:
		return owner && valid
	case e.Op == engine.PlatesAdd:
		return (owner || e.Owner == "") && (valid || e.Valid == 0)
	}
	return false
}

func lane(r engine.Request) string {
	if a, ok := r.Args.(engine.PlatesArgs); ok && len(a.Cameras) == 1 {
		return "camera " + a.Cameras[0]
	}
	return "camera"
}

// Do makes the edit on the one camera that the request names.
func (e *editor) Do(ctx context.Context, r engine.Request) error {
	a, ok := r.Args.(engine.PlatesArgs)
	if !ok || len(a.Cameras) != 1 {
		return refuse(fmt.Errorf("not the values of a plates step: %T", r.Args))
	}
	i := slices.IndexFunc(e.cameras, func(c Camera) bool { return c.Name == a.Cameras[0] })
	if i < 0 {
		return refuse(fmt.Errorf("there is no camera %q with plate lists", a.Cameras[0]))
	}
	if err := checkEdit(a); err != nil {
		return refuse(err)
	}
	lists := e.cameras[i].Lists
	var err error
	switch a.Op {
	case engine.PlatesAdd:
		p := client.Plate{Number: a.Number, Group: client.GroupName(a.List), Owner: a.Owner}
		if a.Valid > 0 {
			p.Begin = r.Firing.At.Wall
			p.End = p.Begin.Add(a.Valid)
		}
		if a.Valid > 0 && !e.now().Before(p.End) {
			actions.Note(ctx, "its validity has passed, so it is not on the list")
			err = lists.RemovePlate(ctx, p.Group, a.Number)
		} else {
			err = lists.AddPlate(ctx, p)
		}
	case engine.PlatesRemove:
		err = lists.RemovePlate(ctx, client.GroupName(a.List), a.Number)
	default:
		return refuse(fmt.Errorf("plates: %s is not supported yet", a.Op))
	}
	if err == nil {
		return nil
	}
	err = fmt.Errorf("camera %q: %w", a.Cameras[0], err)
	return judge(err)
}

// judge says of a camera's error whether the camera is away, refuses this edit,
// or may do better next time.
func judge(err error) error {
	var answer *client.Error
	var pin *client.CertificateError
	var network net.Error
	switch {
	case errors.As(err, &answer):
		if answer.NotSent {
			err = actions.NotBegun(err)
		}
		switch c := answer.Code; {
		case answer.NotSent,
			c == 5, c == 7, // refused by the address list; busy
			c == 8, c == 9, c == 10, // the login, until somebody mends it
			c == 17, c == 79, c >= 80 && c <= 84, // service off, internal, upgrading
			c == 0 && answer.HTTPStatus >= 500:
			return actions.Away(err)
		case c == 0:
			return err
		}
		return actions.Permanent(err)
	case errors.Is(err, client.ErrNoPlateLists):
		return refuse(err)
	case errors.As(err, &network), errors.As(err, &pin), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return actions.Away(err)
	}
	return err
}

// checkEdit refuses an edit that no camera can make.
func checkEdit(a engine.PlatesArgs) error {
	if err := check("plate", a.Number, client.MaxPlateChars); err != nil {
		return err
	}
	if a.Owner == "" {
		return nil
	}
	return check("owner", a.Owner, client.MaxTextChars)
}

// check refuses a text that no camera can hold.
func check(what, s string, most int) error {
	n := utf8.RuneCountInString(s)
	switch {
	case s == "":
		return fmt.Errorf("%s is empty", what)
	case !utf8.ValidString(s):
		return fmt.Errorf("%s %q is not valid UTF-8", what, short(s))
	case n > most:
		return fmt.Errorf("%s %q has %d characters; a camera takes at most %d", what, short(s), n, most)
	case strings.ContainsFunc(s, unicode.IsControl):
		return fmt.Errorf("%s %q holds a control character", what, s)
	}
	return nil
}

// short is the beginning of a text.
func short(s string) string {
	if len(s) <= 40 {
		return s
	}
	return strings.ToValidUTF8(s[:40], "") + "…"
}

// refuse marks an error of a step that never can do anything.
func refuse(err error) error { return actions.NotBegun(actions.Permanent(err)) }
