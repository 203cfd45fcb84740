package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The bounds of rule files that come over the API.
const (
	maxFileText   = 1 << 20 // bytes of one file
	maxCheckText  = 1 << 20 // bytes of all files of a check
	maxCheckFiles = 64
	maxReplayDays = 7
	maxNearMisses = 1000
)

// FileSource is where the console gets the rule files, as [Source].
type FileSource struct {
	// List are the rule files with their lists and tests, in name order.
	List func(context.Context) ([]RuleFile, error)
	// Read gives a file's text and its tag. Its error is a [NotFoundError], or a [BadQueryError] for a path that is none.
	Read func(ctx context.Context, path string) (text []byte, etag string, err error)
	// Save writes a file. Its error is a [ChangedError] when the file is not what the caller takes it for, a
	// [RejectedError] when the files would not load, a [ForbiddenError] when a program would be started in another way,
	// a [RefusedError] when it cannot be written, and as Read's.
	Save func(context.Context, FileSave) (RuleFile, error)
	// Remove removes a file; its error is as Save's.
	Remove func(context.Context, FileSave) error
	// Check tells what is wrong with the folder with these files in place of its own; nil is a file that is not there.
	Check func(ctx context.Context, files map[string][]byte) ([]Problem, error)
	// Names are what can be said in a rule.
	Names func(context.Context) (Names, error)
	// Schema is the JSON Schema of rule files.
	Schema func() []byte
	// Replay puts the recording through the rules in force and through others, until ctx ends. Its error is a
	// [RejectedError] when the files do not load, a [RefusedError] when there is no recording.
	Replay func(ctx context.Context, q ReplayQuery, tell func(JobProgress)) (any, error)
	// Near looks for near misses in the recording, until ctx ends. Its error is a [NotFoundError] when there is no such
	// rule, a [RefusedError] when there is no recording.
	Near func(ctx context.Context, q NearQuery, tell func(JobProgress)) (any, error)
}

// RuleFile is one file of the rules folder.
type RuleFile struct {
	// Path is within the folder, with slashes.
	Path     string `json:"path"`
	Size     int64  `json:"size"`
	Modified Time   `json:"modified,omitzero"`
	// ETag changes with the text.
	ETag string `json:"etag"`
	// Rules, and Zones with lines, are the names that stand in it.
	Rules []string `json:"rules"`
	Zones []string `json:"zones"`
	// Problems are those of this file; their File is the Path.
	Problems []Problem `json:"problems"`
}

func (f *RuleFile) tidy() {
	if f.Rules == nil {
		f.Rules = []string{}
	}
	if f.Zones == nil {
		f.Zones = []string{}
	}
	if f.Problems == nil {
		f.Problems = []Problem{}
	}
}

// FileSave is what is to become of a file.
type FileSave struct {
	Path string
	// Text is the new one; not used by a removal.
	Text []byte
	// Match is the tag of the file that is changed; empty for one that must not be there yet.
	Match string
	// Who asks.
	Who string
}

// Names is what can be said in a rule.
type Names struct {
	Cameras   []string    `json:"cameras"`
	Zones     []PlaceName `json:"zones"`
	Lines     []PlaceName `json:"lines"`
	Relays    []string    `json:"relays"`
	Contacts  []string    `json:"contacts"`
	Lists     []string    `json:"lists"`
	Notifiers []string    `json:"notifiers"`
	Flags     []string    `json:"flags"`
	Schedules []string    `json:"schedules"`
	// Kinds are what a rule can be on.
	Kinds []string `json:"kinds"`
	// Words are fields, and functions with what stands in their brackets.
	Words []Word `json:"words"`
}

// PlaceName is a zone or a line, and the camera that it is on.
type PlaceName struct {
	Name   string `json:"name"`
	Camera string `json:"camera"`
}

// Word is a word of conditions.
type Word struct {
	// Name is target.class, or dwell of dwell("zone").
	Name      string `json:"name"`
	Signature string `json:"signature"`
	Help      string `json:"help"`
	// Values are all that it can be; absent when they cannot be listed.
	Values []string `json:"values,omitempty"`
}

// ReplayQuery asks what other rules would have decided.
type ReplayQuery struct {
	Since, Until time.Time
	// Files stand in place of those of the folder, by path; nil is a file that is not there.
	Files map[string][]byte
}

// NearQuery asks for near misses of a rule.
type NearQuery struct {
	Rule         string
	Since, Until time.Time
	Limit        int
}

// ChangedError is the error of a [Source] for something that was changed by somebody else. The caller gets its text in
// a 412.
type ChangedError string

// Error is the text itself.
func (e ChangedError) Error() string { return string(e) }

// ForbiddenError is the error of a [Source] for what nobody may do over the console. The caller gets its text in a 403.
type ForbiddenError string

// Error is the text itself.
func (e ForbiddenError) Error() string { return string(e) }

// RejectedError is the error of a [Source] for rule files that would not load. The caller gets it in a 422.
type RejectedError struct {
	Problems []Problem
}

// Error says it in one line.
func (e RejectedError) Error() string {
	for _, p := range e.Problems {
		if !p.Warning {
			return "the rules would not load: " + p.Message
		}
	}
	return "the rules would not load"
}

func (s *Server) fileRoutes() []route {
	f := s.source.Files
	return []route{
		{"/api/v1/files", get(collection(f.List, (*RuleFile).tidy))},
		{"/api/v1/files/{path...}", methods{
			http.MethodGet:    {role: RoleViewer, handle: s.readFile},
			http.MethodPut:    {role: RoleEditor, handle: s.saveFile},
			http.MethodDelete: {role: RoleEditor, handle: s.removeFile},
		}},
		{"/api/v1/check", methods{http.MethodPost: {role: RoleViewer, handle: s.check}}},
		{"/api/v1/names", get(s.ruleNames)},
		{"/api/v1/schema", get(s.schema)},
		{"/api/v1/replay", methods{http.MethodPost: {role: RoleViewer, handle: s.replay}}},
		{"/api/v1/rules/{name}/near", methods{http.MethodPost: {role: RoleViewer, handle: s.near}}},
	}
}

func (s *Server) readFile(w http.ResponseWriter, r *http.Request) {
	text, etag, err := s.source.Files.Read(r.Context(), r.PathValue("path"))
	if err != nil {
		failAs(w, err)
		return
	}
	w.Header().Set("ETag", etag)
	if slices.Contains(tags(r.Header.Get("If-None-Match")), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	answer(w, http.StatusOK, "text/plain; charset=utf-8", text)
}

// tags are the entity tags of a header.
func tags(header string) []string {
	var all []string
	for t := range strings.SplitSeq(header, ",") {
		all = append(all, strings.TrimPrefix(strings.TrimSpace(t), "W/"))
	}
	return all
}

const wantMatch = `name the text that is to be changed: If-Match with its ETag, or If-None-Match: * for a new file`

// match reads which text the caller takes for the present one, empty for none; false when that was answered with an
// error. Without it one person's work would be lost under another's.
func match(w http.ResponseWriter, r *http.Request, fresh bool) (string, bool) {
	is, not := r.Header.Get("If-Match"), r.Header.Get("If-None-Match")
	switch {
	case fresh && is == "" && not == "*":
		return "", true
	case not != "" || len(is) < 3 || is[0] != '"' || is[len(is)-1] != '"' || strings.ContainsAny(is, " ,"):
		if is == "" && not == "" {
			fail(w, http.StatusPreconditionRequired, wantMatch)
		} else {
			fail(w, http.StatusBadRequest, wantMatch)
		}
		return "", false
	}
	return is, true
}

func (s *Server) saveFile(w http.ResponseWriter, r *http.Request) {
	tag, ok := match(w, r, true)
	if !ok {
		return
	}
	text, ok := readBody(w, r, maxFileText)
	if !ok {
		return
	}
	f, err := s.source.Files.Save(r.Context(), FileSave{Path: r.PathValue("path"), Text: text, Match: tag, Who: caller(r)})
	if err != nil {
		failAs(w, err)
		return
	}
	f.tidy()
	w.Header().Set("ETag", f.ETag)
	answerJSON(w, f)
}

func (s *Server) removeFile(w http.ResponseWriter, r *http.Request) {
	tag, ok := match(w, r, false)
	if !ok {
		return
	}
	if err := s.source.Files.Remove(r.Context(), FileSave{Path: r.PathValue("path"), Match: tag, Who: caller(r)}); err != nil {
		failAs(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// overlay is the files that stand in place of those of the folder; false when that was answered with an error.
func overlay(w http.ResponseWriter, files map[string]*string) (map[string][]byte, bool) {
	if len(files) > maxCheckFiles {
		fail(w, http.StatusBadRequest, fmt.Sprintf("%d files at one time are too many (%d)", len(files), maxCheckFiles))
		return nil, false
	}
	out := make(map[string][]byte, len(files))
	size := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if files[name] == nil {
			out[name] = nil
			continue
		}
		size += len(*files[name])
		// An empty file is not one that is gone.
		out[name] = append([]byte{}, *files[name]...)
	}
	if size > maxCheckText {
		fail(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the files are larger than %d MB together", maxCheckText>>20))
		return nil, false
	}
	return out, true
}

// maxFilesBody bounds a body with files in JSON: each character of them may be escaped.
const maxFilesBody = 6*maxCheckText + 64<<10

func (s *Server) check(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Files map[string]*string `json:"files"`
	}
	if !readJSON(w, r, maxFilesBody, &in, `want {"files": {"gate.yaml": "the text", "old.yaml": null}}`) {
		return
	}
	files, ok := overlay(w, in.Files)
	if !ok {
		return
	}
	problems, err := s.source.Files.Check(r.Context(), files)
	if err != nil {
		failAs(w, err)
		return
	}
	v := struct {
		OK       bool      `json:"ok"`
		Problems []Problem `json:"problems"`
	}{!slices.ContainsFunc(problems, func(p Problem) bool { return !p.Warning }), problems}
	if problems == nil {
		v.Problems = []Problem{}
	}
	answerJSON(w, v)
}

func (s *Server) ruleNames(w http.ResponseWriter, r *http.Request) {
	n, err := s.source.Files.Names(r.Context())
	if err != nil {
		failAs(w, err)
		return
	}
	for _, list := range []*[]string{&n.Cameras, &n.Relays, &n.Contacts, &n.Lists, &n.Notifiers, &n.Flags, &n.Schedules, &n.Kinds} {
		if *list == nil {
			*list = []string{}
		}
	}
	if n.Zones == nil {
		n.Zones = []PlaceName{}
	}
	if n.Lines == nil {
		n.Lines = []PlaceName{}
	}
	if n.Words == nil {
		n.Words = []Word{}
	}
	answerJSON(w, n)
}

func (s *Server) schema(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, "application/schema+json", s.source.Files.Schema())
}

// span reads the range of a question about the recording; the last 24 hours without one. False when that was answered
// with an error.
func (s *Server) span(w http.ResponseWriter, since, until string) (from, to time.Time, ok bool) {
	to = s.jobs.now()
	for _, f := range []struct {
		name, text string
		into       *time.Time
	}{{"until", until, &to}, {"since", since, &from}} {
		if f.text == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339Nano, f.text)
		if err != nil {
			fail(w, http.StatusBadRequest, fmt.Sprintf("%s: %s is not a time (try 2026-03-29T13:58:46Z)", f.name, quote(f.text)))
			return from, to, false
		}
		*f.into = t
	}
	if from.IsZero() {
		from = to.Add(-24 * time.Hour)
	}
	switch d := to.Sub(from); {
	case d <= 0:
		fail(w, http.StatusBadRequest, "since is not before until")
		return from, to, false
	case d > maxReplayDays*24*time.Hour:
		fail(w, http.StatusBadRequest, fmt.Sprintf("that is longer than %d days", maxReplayDays))
		return from, to, false
	}
	return from, to, true
}

func (s *Server) replay(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Since string             `json:"since"`
		Until string             `json:"until"`
		Files map[string]*string `json:"files"`
	}
	if !readJSON(w, r, maxFilesBody, &in, `want {"since": "2026-03-29T13:00:00Z", "until": "2026-03-29T14:00:00Z", "files": {"gate.yaml": "the text"}}`) {
		return
	}
	from, to, ok := s.span(w, in.Since, in.Until)
	if !ok {
		return
	}
	files, ok := overlay(w, in.Files)
	if !ok {
		return
	}
	// What does not load is said at once.
	problems, err := s.source.Files.Check(r.Context(), files)
	if err == nil && slices.ContainsFunc(problems, func(p Problem) bool { return !p.Warning }) {
		err = RejectedError{problems}
	}
	if err != nil {
		failAs(w, err)
		return
	}
	s.startJob(w, r, "replay", func(ctx context.Context, tell func(JobProgress)) (any, error) {
		return s.source.Files.Replay(ctx, ReplayQuery{Since: from, Until: to, Files: files}, tell)
	})
}

func (s *Server) near(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Since string `json:"since"`
		Until string `json:"until"`
		Limit *int   `json:"limit"`
	}
	if !readJSON(w, r, maxCommand, &in, `want {"since": "2026-03-29T13:00:00Z", "until": "2026-03-29T14:00:00Z", "limit": 100}`) {
		return
	}
	from, to, ok := s.span(w, in.Since, in.Until)
	if !ok {
		return
	}
	limit := defaultLimit
	if in.Limit != nil {
		if limit = *in.Limit; limit < 1 || limit > maxNearMisses {
			fail(w, http.StatusBadRequest, fmt.Sprintf("limit is from 1 to %d", maxNearMisses))
			return
		}
	}
	q := NearQuery{Rule: r.PathValue("name"), Since: from, Until: to, Limit: limit}
	// Whether there is such a rule is said at once.
	if _, err := s.source.Why(r.Context(), q.Rule); err != nil {
		failAs(w, err)
		return
	}
	s.startJob(w, r, "near", func(ctx context.Context, tell func(JobProgress)) (any, error) {
		return s.source.Files.Near(ctx, q, tell)
	})
}
