package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// ZoneSource is where the console gets zones and lines, as [Source].
type ZoneSource struct {
	// Edit gives what a rule file becomes when a zone or line is written into it; it changes nothing. Its error is a
	// [NotFoundError] when there is no such zone, a [RefusedError] when the file cannot be edited so, a [RejectedError]
	// when it cannot be read, a [BadQueryError] for a file that is none.
	Edit func(context.Context, ZoneEdit) (ZoneEdited, error)
	// Imports asks a camera for its own zones and lines. Its error is a [NotFoundError] when there is no such camera, a
	// [RefusedError] when it cannot be asked.
	Imports func(ctx context.Context, camera string) ([]DeviceZone, error)
	// Accept lets rules use zones and lines as they are on the camera now: those named, all for none; who asks is
	// journaled. It gives what Imports gives then; its error is as its.
	Accept func(ctx context.Context, camera string, names []string, who string) ([]DeviceZone, error)
}

// ZoneEdit is a zone or line that is to be written into a rule file.
type ZoneEdit struct {
	// Was is its name in the file; empty for a new one.
	Was string `json:"was"`
	// Kind is zone or line, of Was; empty when there is only one of that name.
	Kind string `json:"kind"`
	// Zone is nil when it is to be removed.
	Zone *ZoneText `json:"zone"`
	// File is where a new one goes; empty for zones.yaml.
	File string `json:"file"`
}

// ZoneText is a zone or line as it is to be. What is nil or empty stays as the file has it.
type ZoneText struct {
	Name    string     `json:"name"`
	Kind    string     `json:"kind"`
	Camera  string     `json:"camera"`
	Points  [][2]int32 `json:"points"`
	In      string     `json:"in"`
	Anchor  string     `json:"anchor"`
	Classes []string   `json:"classes"` // empty and not nil is all
	Margin  *int       `json:"margin"`
	Settle  *Seconds   `json:"settle"`
	Linger  *Seconds   `json:"linger"`
	Import  string     `json:"import"`
	// A zone as it was given may be sent back; these say nothing here.
	File  any `json:"file"`
	Line  any `json:"line"`
	Rules any `json:"rules"`
}

// ZoneEdited is a file with a zone or line written into it.
type ZoneEdited struct {
	Path string `json:"path"`
	// ETag is that of the file as it is now; empty when it is new.
	ETag   string `json:"etag,omitempty"`
	Before string `json:"before"`
	Text   string `json:"text"`
	// Problems are those that the folder would have with it.
	Problems []Problem `json:"problems"`
}

// DeviceZone is a zone or line that is set up on a camera.
type DeviceZone struct {
	// ID is perimeter/1.
	ID string `json:"id"`
	// Kind is zone or line.
	Kind   string     `json:"kind"`
	Points [][2]int32 `json:"points"`
	// Direction says which way counts over a line; empty for a zone.
	Direction string `json:"direction,omitempty"`
	// Accepted is the copy that rules use, when it differs.
	Accepted [][2]int32 `json:"accepted,omitempty"`
	// State is new, accepted, changed or gone.
	State string `json:"state"`
	// Difference says how it differs from the copy, or why it cannot be accepted; empty for neither.
	Difference string `json:"difference,omitempty"`
}

func (z *DeviceZone) tidy() {
	if z.Points == nil {
		z.Points = [][2]int32{}
	}
}

// The bounds of an edit and of an acceptance.
const (
	maxZoneEdit   = 32 << 10 // bytes
	maxZonePoints = 64
	maxAccept     = 256 // names
)

func (s *Server) zoneRoutes() []route {
	return []route{
		{"/api/v1/zones/edit", methods{http.MethodPost: {role: RoleViewer, handle: s.editZone}}},
		{"/api/v1/cameras/{name}/imports", methods{
			http.MethodGet:  {role: RoleEditor, handle: s.imports},
			http.MethodPost: {role: RoleEditor, handle: s.acceptImports},
		}},
	}
}

const wantZoneEdit = `want {"was": "porch", "zone": {"name": "porch", "kind": "zone", "camera": "front", "points": [[0, 0], [9000, 0], [9000, 9000]]}}; ` +
	`without was it is a new one, without zone it is removed; points are whole numbers`

func (s *Server) editZone(w http.ResponseWriter, r *http.Request) {
	var e ZoneEdit
	if !readJSON(w, r, maxZoneEdit, &e, wantZoneEdit) {
		return
	}
	if err := e.valid(); err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	v, err := s.source.Zones.Edit(r.Context(), e)
	if err != nil {
		failAs(w, err)
		return
	}
	if v.Problems == nil {
		v.Problems = []Problem{}
	}
	answerJSON(w, v)
}

// valid tells what of an edit makes no sense. Whether a zone is right, the check of the file says.
func (e *ZoneEdit) valid() error {
	kind := func(s string) bool { return slices.Contains([]string{"zone", "line"}, s) }
	switch z := e.Zone; {
	case e.Was == "" && z == nil:
		return errors.New(wantZoneEdit)
	case e.Kind != "" && !kind(e.Kind):
		return errors.New("kind is zone or line, not " + quote(e.Kind))
	case z == nil:
		return nil
	case !kind(z.Kind):
		return errors.New("kind is zone or line, not " + quote(z.Kind))
	case e.Was != "" && e.Kind != "" && e.Kind != z.Kind:
		return errors.New("a zone does not become a line, nor a line a zone")
	case e.Was == "" && (z.Name == "" || z.Camera == ""):
		return errors.New("a new zone or line needs a name and a camera")
	case len(z.Points) > maxZonePoints:
		return fmt.Errorf("a zone has at most %d points", maxZonePoints)
	}
	return nil
}

func (s *Server) imports(w http.ResponseWriter, r *http.Request) {
	items, err := s.source.Zones.Imports(r.Context(), r.PathValue("name"))
	s.answerImports(w, items, err)
}

func (s *Server) acceptImports(w http.ResponseWriter, r *http.Request) {
	const want = `want {"accept": ["perimeter/1"]} or {"accept": "all"}`
	var in struct {
		Accept any `json:"accept"`
	}
	if !readJSON(w, r, maxZoneEdit, &in, want) {
		return
	}
	var names []string
	list, ok := in.Accept.([]any)
	for _, v := range list {
		name, is := v.(string)
		ok = ok && is && strings.Contains(name, "/")
		names = append(names, name)
	}
	if in.Accept != "all" && (!ok || len(names) == 0 || len(names) > maxAccept) {
		fail(w, http.StatusBadRequest, want)
		return
	}
	items, err := s.source.Zones.Accept(r.Context(), r.PathValue("name"), names, caller(r))
	s.answerImports(w, items, err)
}

func (s *Server) answerImports(w http.ResponseWriter, items []DeviceZone, err error) {
	if err != nil {
		failAs(w, err)
		return
	}
	for i := range items {
		items[i].tidy()
	}
	if items == nil {
		items = []DeviceZone{}
	}
	answerJSON(w, page[DeviceZone]{Items: items})
}
