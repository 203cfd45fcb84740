package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
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
	switch {
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

// caller is who asks, until people sign in: the address.
func caller(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "console"
	}
	return "console at " + host
}

const wantCommand = `want one of {"set": "on"}, {"set": "off"}, {"pulse": "800ms"} and {"clear": true}`

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
	switch {
	case in.Set != nil && (*in.Set == "on" || *in.Set == "off"):
		return Command{Set: *in.Set}, nil
	case in.Pulse != nil:
		d, err := time.ParseDuration(*in.Pulse)
		if err != nil || d <= 0 {
			return Command{}, fmt.Errorf(`%s is not a duration above 0 (try "800ms")`, quote(*in.Pulse))
		}
		return Command{Pulse: d}, nil
	case in.Clear != nil && *in.Clear:
		return Command{Clear: true}, nil
	}
	return Command{}, errors.New(wantCommand)
}

// Bounds of a page of the journal.
const (
	defaultLimit = 100
	maxLimit     = 1000
)

// JournalQuery asks for entries of the journal. Empty fields do not limit.
type JournalQuery struct {
	Since, Until time.Time
	Kinds        []string // any of them
	Camera, Rule string
	Relay, Plate string
	Limit        int
	Newest       bool // the newest first; otherwise the oldest
	Cursor       string
}

func (s *Server) journal(w http.ResponseWriter, r *http.Request) {
	q, err := readJournalQuery(r.URL.RawQuery)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	items, next, err := s.source.Journal(r.Context(), q)
	if err != nil {
		failAs(w, err)
		return
	}
	if items == nil {
		items = []json.RawMessage{}
	}
	answerJSON(w, page[json.RawMessage]{Items: items, Next: next})
}

// kinds are the kinds of entries there are.
func kinds() []string {
	return []string{"event", "firing", "suppressed", "action", "relay", "reload", "login", "error"}
}

func readJournalQuery(raw string) (JournalQuery, error) {
	q := JournalQuery{Limit: defaultLimit}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, errors.New("the question after ? cannot be read")
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		all := values[name]
		if len(all) > 1 && name != "kind" {
			return q, fmt.Errorf("%s is there twice", quote(name))
		}
		v := all[0]
		switch name {
		case "since", "until":
			t, err := time.Parse(time.RFC3339Nano, v)
			if err != nil {
				return q, fmt.Errorf("%s: %s is not a time (try 2026-03-29T13:58:46Z)", name, quote(v))
			}
			if name == "since" {
				q.Since = t
			} else {
				q.Until = t
			}
		case "kind":
			for _, v := range all {
				for k := range strings.SplitSeq(v, ",") {
					if !slices.Contains(kinds(), k) {
						return q, fmt.Errorf("kind: there is no %s (kinds: %s)", quote(k), strings.Join(kinds(), ", "))
					}
					q.Kinds = append(q.Kinds, k)
				}
			}
		case "camera":
			q.Camera = v
		case "rule":
			q.Rule = v
		case "relay":
			q.Relay = v
		case "plate":
			q.Plate = v
		case "limit":
			if q.Limit, err = strconv.Atoi(v); err != nil || q.Limit < 1 || q.Limit > maxLimit {
				return q, fmt.Errorf("limit: %s is not a number from 1 to %d", quote(v), maxLimit)
			}
		case "order":
			if v != "newest" && v != "oldest" {
				return q, fmt.Errorf("order: %s is not newest or oldest", quote(v))
			}
			q.Newest = v == "newest"
		case "cursor":
			q.Cursor = v
		default:
			return q, fmt.Errorf("there is no %s to ask by (since, until, kind, camera, rule, relay, plate, limit, order, cursor)", quote(name))
		}
	}
	return q, nil
}

func (s *Server) cancel(w http.ResponseWriter, r *http.Request) {
	if err := s.source.Cancel(r.Context(), r.PathValue("id"), caller(r)); err != nil {
		failAs(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
