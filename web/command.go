package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"
)

// maxCommand bounds the bytes of a command's body.
const maxCommand = 4 << 10

// Command is what a person or a script asks of a relay. Exactly one of Set, Pulse
// and Clear is given.
type Command struct {
	Relay string
	// Set is "on" or "off"; empty for neither.
	Set string
	// Pulse is how long it is to be on; 0 for no pulse.
	Pulse time.Duration
	// Clear clears the relay's fault.
	Clear bool
	// Who asks.
	Who string
	// Press says which press of a button this is, so that one that comes late or twice moves nothing. Zero of what
	// does not say so.
	Press Press
}

// Press is one press of a button in the page.
type Press struct {
	// ID is the page's own name for it, never used again.
	ID string
	// Run is the [Hello.Run] of the program that the page knows.
	Run string
	// At is when it was pressed, of the server's wall clock.
	At time.Time
}

// RefusedError is the error of a [Source] for a command that is not done. The
// caller gets its text in a 409.
type RefusedError string

// Error is the text itself.
func (e RefusedError) Error() string { return string(e) }

// BadQueryError is the error of a [Source] for a question that makes no sense. The
// caller gets its text in a 400.
type BadQueryError string

// Error is the text itself.
func (e BadQueryError) Error() string { return string(e) }

// failAs answers with an error of the source.
func failAs(w http.ResponseWriter, err error) {
	var none NotFoundError
	var refused RefusedError
	var bad BadQueryError
	var changed ChangedError
	var forbidden ForbiddenError
	var files RejectedError
	switch {
	case errors.As(err, &changed):
		fail(w, http.StatusPreconditionFailed, changed.Error())
	case errors.As(err, &forbidden):
		fail(w, http.StatusForbidden, forbidden.Error())
	case errors.As(err, &files):
		failWith(w, problem{Status: http.StatusUnprocessableEntity, Detail: files.Error(), Problems: files.Problems})
	case errors.As(err, &none):
		fail(w, http.StatusNotFound, none.Error())
	case errors.As(err, &refused):
		fail(w, http.StatusConflict, refused.Error())
	case errors.As(err, &bad):
		fail(w, http.StatusBadRequest, bad.Error())
	default:
		fail(w, http.StatusServiceUnavailable, err.Error())
	}
}

func (s *Server) command(w http.ResponseWriter, r *http.Request) {
	c, err := readCommand(r)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	c.Relay, c.Who = r.PathValue("name"), caller(r)
	relay, err := s.source.Command(r.Context(), c)
	if err != nil {
		failAs(w, err)
		return
	}
	relay.tidy()
	answerJSON(w, relay)
}

const wantCommand = `want one of {"set": "on"}, {"set": "off"}, {"pulse": "800ms"} and {"clear": true}`

const wantPress = `press: want its id, the run that the stream's hello gave, and at, when it was pressed`

// maxPressID bounds the bytes of a press's id and run.
const maxPressID = 64

func readCommand(r *http.Request) (Command, error) {
	// A form of another site cannot send this type without asking first.
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return Command{}, errors.New("want a body of Content-Type application/json")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxCommand+1))
	if err != nil {
		return Command{}, errors.New("the body could not be read")
	}
	if len(body) > maxCommand {
		return Command{}, fmt.Errorf("the body is longer than %d bytes", maxCommand)
	}
	var in struct {
		Set   *string `json:"set"`
		Pulse *string `json:"pulse"`
		Clear *bool   `json:"clear"`
		Press *struct {
			ID  string    `json:"id"`
			Run string    `json:"run"`
			At  time.Time `json:"at"`
		} `json:"press"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return Command{}, errors.New(wantCommand)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Command{}, errors.New(wantCommand)
	}
	given := 0
	for _, is := range []bool{in.Set != nil, in.Pulse != nil, in.Clear != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		return Command{}, errors.New(wantCommand)
	}
	var press Press
	if in.Press != nil {
		press = Press(*in.Press)
		if press.ID == "" || len(press.ID) > maxPressID || press.Run == "" || len(press.Run) > maxPressID || press.At.IsZero() {
			return Command{}, errors.New(wantPress)
		}
	}
	switch {
	case in.Set != nil && (*in.Set == "on" || *in.Set == "off"):
		return Command{Set: *in.Set, Press: press}, nil
	case in.Pulse != nil:
		d, err := time.ParseDuration(*in.Pulse)
		if err != nil || d <= 0 {
			return Command{}, fmt.Errorf(`%s is not a duration above 0 (try "800ms")`, quote(*in.Pulse))
		}
		return Command{Pulse: d, Press: press}, nil
	case in.Clear != nil && *in.Clear:
		return Command{Clear: true, Press: press}, nil
	}
	return Command{}, errors.New(wantCommand)
}

func (s *Server) cancel(w http.ResponseWriter, r *http.Request) {
	if err := s.source.Cancel(r.Context(), r.PathValue("id"), caller(r)); err != nil {
		failAs(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
