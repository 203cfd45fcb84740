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
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/viewtron/client"
)

// Lists are the plate lists of one camera; [client.Client] has them. All calls
// are safe to repeat: a plate that is there already is brought up to date, one
// that is gone already is no error, and a move that broke off goes on.
type Lists interface {
	AddPlate(ctx context.Context, p client.Plate) error
	RemovePlate(ctx context.Context, list, number string) error
	ModifyPlate(ctx context.Context, list string, p client.PlateChange) error
	MovePlate(ctx context.Context, from, to string, p client.Plate) error
	FindPlate(ctx context.Context, list, number string) ([]client.Plate, error)
}

// Camera is a camera with plate lists.
type Camera struct {
	Name  string
	Lists Lists
	// Device is the same for cameras that are one device, such as the channels of a
	// recorder: an edit is made there once, in the first one's name. Empty: no other
	// camera is.
	Device string
	// Apart says that `cameras: all` does not mean it.
	Apart bool
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
// stand there from before, without an end. An edit that may have left a plate on
// a list for longer than was asked for is never given up: it is tried until the
// plate is off, and then made anew.
//
// An update changes what it gives of a plate that is on the list. A move takes
// the plate with all that the camera has of it; one that is on neither list is
// not put on a list, because then it was not on the first one when the rule
// fired, but for the block list, where it does no harm.
func New(c Config) actions.Handler {
	e := &editor{cameras: slices.Clone(c.Cameras), now: c.Now, stuck: map[try]bool{}, moving: map[try]client.Plate{}}
	if e.now == nil {
		e.now = time.Now
	}
	return actions.Handler{
		Verb: engine.VerbPlates, Action: e, Split: e.split, Lane: lane,
		Kept: true, Subject: subject, Replaces: replaces,
	}
}

// maxRemembered bounds the edits of which something is remembered between tries;
// those that are cancelled in between stay.
const maxRemembered = 10_000

type editor struct {
	cameras []Camera
	now     func() time.Time

	mu     sync.Mutex           // covers the fields below
	stuck  map[try]bool         // edits that may have left a plate without its end
	moving map[try]client.Plate // moves that began: what the camera had of the plate
}

// try is what the tries of one edit on one camera have in common.
type try struct {
	camera, number, list string
	at                   time.Time // of the firing
	firing               uint64
	index                int
	finally              bool
}

func tryOf(r engine.Request, a engine.PlatesArgs) try {
	t := try{camera: a.Cameras[0], number: a.Number, list: a.List, index: r.Index, finally: r.Finally}
	if r.Firing != nil {
		t.at, t.firing = r.Firing.At.Wall.Round(0).UTC(), uint64(r.Firing.ID)
	}
	return t
}

// split makes one request per device. Two lanes for one device could put a plate on a
// list again that the other has just taken off.
func (e *editor) split(r engine.Request) []engine.Request {
	a, ok := r.Args.(engine.PlatesArgs)
	if !ok {
		return []engine.Request{r}
	}
	names := a.Cameras
	if len(names) == 0 {
		for _, c := range e.cameras {
			if !c.Apart {
				names = append(names, c.Name)
			}
		}
	}
	out := make([]engine.Request, 0, len(names))
	var done []string
	for _, name := range names {
		name = e.first(name)
		if slices.Contains(done, name) {
			continue
		}
		done = append(done, name)
		a.Cameras = []string{name}
		r.Args = a
		out = append(out, r)
	}
	return out
}

// first gives the first camera that is the same device as a camera.
func (e *editor) first(name string) string {
	i := slices.IndexFunc(e.cameras, func(c Camera) bool { return c.Name == name })
	if i < 0 || e.cameras[i].Device == "" {
		return name
	}
	device := e.cameras[i].Device
	return e.cameras[slices.IndexFunc(e.cameras, func(c Camera) bool { return c.Device == device })].Name
}

// subject is the plate that an edit is about, however it is spelt.
func subject(r engine.Request) string {
	a, _ := r.Args.(engine.PlatesArgs)
	return engine.NormalPlate(a.Number)
}

// replaces says whether the camera ends up the same when only the later of two
// edits of a plate is made. An edit of another list or of another spelling never
// replaces one, and a move neither replaces nor is replaced: what it does depends
// on what was on the camera. A removal replaces everything else. An addition or an
// update replaces what it says all of: an owner, a phone or a validity that only
// the earlier one names would be lost, and what was on the camera before a removal
// would stay. An earlier edit with a validity may come to be such a removal. An
// update does not replace an addition: without it there may be nothing to change.
// One that no camera takes replaces nothing.
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
	owner, phone, valid := l.Owner != "", l.Phone != "", l.Valid > 0
	covers := (owner || e.Owner == "") && (phone || e.Phone == "") && (valid || e.Valid == 0)
	all := owner && phone && valid
	switch {
	case l.Op == engine.PlatesMove || e.Op == engine.PlatesMove:
		return false
	case l.Op == engine.PlatesRemove:
		return true
	case l.Op == engine.PlatesAdd && e.Op == engine.PlatesAdd:
		return covers
	case l.Op == engine.PlatesAdd && e.Op == engine.PlatesRemove:
		return all
	case e.Op == engine.PlatesUpdate && e.Valid == 0:
		return covers
	case e.Op == engine.PlatesUpdate && l.Op == engine.PlatesAdd:
		return all
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
	err := e.edit(ctx, e.cameras[i].Lists, r, a)
	if err == nil {
		return nil
	}
	return judge(fmt.Errorf("camera %q: %w", a.Cameras[0], err))
}

// edit makes an edit on one camera, and remembers what the next try of it has to
// know.
func (e *editor) edit(ctx context.Context, lists Lists, r engine.Request, a engine.PlatesArgs) error {
	t := tryOf(r, a)
	e.mu.Lock()
	stuck := e.stuck[t]
	e.mu.Unlock()
	if stuck {
		// Whatever the camera says now: the plate must not stay.
		list := client.GroupName(goal(a))
		err := lists.RemovePlate(ctx, list, a.Number)
		switch {
		case err == nil:
			e.settle(t, false)
		case refusesRemoval(err):
			// It is tried some times more; but a camera that has no way to take it
			// off must not hold up the bans that wait.
			return fmt.Errorf("plate %q may be on %q for longer than it should, and could not be taken off: %s", a.Number, list, err)
		default:
			return &client.PlateStuckError{Number: a.Number, Group: list, Err: err}
		}
	}
	var end time.Time
	if a.Valid > 0 {
		end = r.Firing.At.Wall.Add(a.Valid)
	}
	late := a.Valid > 0 && !e.now().Before(end)
	var err error
	switch {
	case a.Op == engine.PlatesRemove:
		err = lists.RemovePlate(ctx, client.GroupName(a.List), a.Number)
	case a.Op == engine.PlatesMove:
		err = e.move(ctx, lists, t, a)
	case late:
		actions.Note(ctx, "its validity has passed, so it is not on the list")
		err = lists.RemovePlate(ctx, client.GroupName(a.List), a.Number)
		if errors.Is(err, client.ErrNotDocumented) {
			actions.Note(ctx, "nor could it be taken off, had it been there before: "+err.Error())
			err = nil
		}
	case a.Op == engine.PlatesAdd:
		p := client.Plate{Number: a.Number, Group: client.GroupName(a.List), Owner: a.Owner, Telephone: a.Phone, End: end}
		if a.Valid > 0 {
			p.Begin = r.Firing.At.Wall
		}
		err = lists.AddPlate(ctx, p)
	default:
		p := client.PlateChange{Number: a.Number, End: end}
		if a.Owner != "" {
			p.Owner = &a.Owner
		}
		if a.Phone != "" {
			p.Telephone = &a.Phone
		}
		err = lists.ModifyPlate(ctx, client.GroupName(a.List), p)
	}
	var stays *client.PlateStuckError
	e.settle(t, errors.As(err, &stays))
	return err
}

// refusesRemoval tells whether a camera answered that it does not take a plate off.
// What a camera says to anything else, it may say because it is just starting.
func refusesRemoval(err error) bool {
	var answer *client.Error
	return errors.Is(err, client.ErrNotDocumented) ||
		errors.As(err, &answer) && answer.Command == "DeleteLicensePlate" && errors.Is(judge(err), actions.ErrPermanent)
}

// settle notes whether an edit may have left a plate without its end.
func (e *editor) settle(t try, stuck bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if stuck {
		if len(e.stuck) < maxRemembered {
			e.stuck[t] = true
		}
	} else {
		delete(e.stuck, t)
	}
}

// goal is the list that a plate is on after an edit.
func goal(a engine.PlatesArgs) string {
	if a.Op == engine.PlatesMove {
		return a.To
	}
	return a.List
}

// move moves a plate with all that the camera has of it.
func (e *editor) move(ctx context.Context, lists Lists, t try, a engine.PlatesArgs) error {
	from, to := client.GroupName(a.List), client.GroupName(a.To)
	found, err := lists.FindPlate(ctx, from, a.Number)
	if err != nil {
		return err
	}
	e.mu.Lock()
	p, begun := e.moving[t]
	e.mu.Unlock()
	switch {
	case len(found) > 1:
		return refuse(fmt.Errorf("plate %q is on the camera's list %q %d times, in different spellings", a.Number, from, len(found)))
	case len(found) == 1:
		p = found[0]
	case !begun:
		there, err := lists.FindPlate(ctx, to, a.Number)
		switch {
		case err != nil:
			return err
		case len(there) > 0:
			actions.Note(ctx, "it is on that list already")
			return nil
		case to != client.BlockGroup:
			return refuse(fmt.Errorf("plate %q is neither on the camera's list %q nor on %q, so there is nothing to move", a.Number, from, to))
		}
		p = client.Plate{Number: a.Number}
	}
	e.mu.Lock()
	if len(e.moving) < maxRemembered {
		e.moving[t] = p
	}
	e.mu.Unlock()
	err = lists.MovePlate(ctx, from, to, p)
	if err == nil || errors.Is(judge(err), actions.ErrPermanent) {
		e.mu.Lock()
		delete(e.moving, t)
		e.mu.Unlock()
	}
	return err
}

// judge says of a camera's error whether the camera is away, refuses this edit,
// or may do better next time.
func judge(err error) error {
	var answer *client.Error
	var pin *client.CertificateError
	var network net.Error
	var stays *client.PlateStuckError
	switch {
	case errors.As(err, &stays):
		return actions.Away(err)
	case errors.Is(err, actions.ErrPermanent):
		return err
	case errors.Is(err, client.ErrNotDocumented), errors.Is(err, client.ErrNoList):
		return refuse(err)
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
	for _, f := range [...]struct{ what, text string }{{"owner", a.Owner}, {"phone", a.Phone}} {
		if f.text == "" {
			continue
		}
		if err := check(f.what, f.text, client.MaxTextChars); err != nil {
			return err
		}
	}
	switch {
	case a.Op > engine.PlatesMove:
		return fmt.Errorf("%d is no edit of a plate list", a.Op)
	case a.Op == engine.PlatesUpdate && a.Owner == "" && a.Phone == "" && a.Valid == 0:
		return errors.New("there is nothing to update: neither owner, phone nor validity is given")
	case a.Op == engine.PlatesMove && a.To == "":
		return errors.New("the list to move to is missing")
	case a.Op == engine.PlatesMove && client.GroupName(a.To) == client.GroupName(a.List):
		return fmt.Errorf("the plate is moved from %q to the same list", client.GroupName(a.List))
	}
	return nil
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
