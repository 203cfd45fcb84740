package web

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// PlateSource is where the console gets plates and their lists, as [Source].
type PlateSource struct {
	// Reads gives plates that were read, the newest first, and the cursor of the next page. A page may be short although
	// more follow.
	Reads func(context.Context, PlateQuery) (reads []PlateRead, next string, err error)
	// Lists are the local lists, in the order of the rule files.
	Lists func(context.Context) ([]PlateList, error)
	// List gives the entries of a list, in their order, that fit what is looked for; all for "". Its error is a
	// [NotFoundError] when there is no list of the name.
	List func(ctx context.Context, name, q string) ([]PlateEntry, error)
	// Put adds an entry to a list, or makes that of its plate say just this. Its error is as that of [FileSource.Save].
	Put func(ctx context.Context, list string, e PlateEntry, who string) (PlateEntry, error)
	// Remove takes a plate off a list. Its error is as that of [FileSource.Save].
	Remove func(ctx context.Context, list, plate, who string) error
	// Cameras are what the cameras have, asked now.
	Cameras func(context.Context) ([]CameraLists, error)
	// Plan compares the cameras' lists with the local ones. It may take as long as ctx lasts.
	Plan func(ctx context.Context, q SyncQuery, tell func(done float64, text string)) (SyncPlan, error)
	// Sync does what a plan that was shown says, and nothing when it would be another one now. tell is told of the plan as
	// far as it is done. It may take as long as ctx lasts.
	Sync func(ctx context.Context, shown SyncPlan, who string, tell func(done float64, text string, plan SyncPlan)) (SyncPlan, error)
}

// PlateQuery asks for plates that were read. Empty fields do not limit.
type PlateQuery struct {
	Since, Until time.Time
	Camera       string
	Q            string // as somebody types a plate, or a part of it
	Limit        int
	Cursor       string
}

// PlateRead is a plate that was read, and what came of it.
type PlateRead struct {
	// ID is that of its entry in the journal.
	ID     int64  `json:"id"`
	At     Time   `json:"at"`
	Camera string `json:"camera"`
	Number string `json:"number"`
	// List is the camera's own verdict: allow, block, temporary, stranger, or a recorder's group.
	List       string   `json:"list,omitempty"`
	Heading    string   `json:"heading,omitempty"`
	Confidence *float64 `json:"confidence,omitempty"`
	Vehicle    *Vehicle `json:"vehicle,omitempty"`
	// Lists are the local lists that it is on now, with the owner that stands there.
	Lists []PlateOn `json:"lists"`
	// Fired are the rules that fired, Held those that were held back.
	Fired []string   `json:"fired"`
	Held  []HeldBack `json:"held"`
	// Shadow are the rules that fired without doing anything; they are not in Fired. Undone are those in Fired of which
	// a step was not done, and why.
	Shadow []string   `json:"shadow,omitempty"`
	Undone []HeldBack `json:"undone,omitempty"`
	Images []string   `json:"images"`
}

// Vehicle is what a camera says of a car.
type Vehicle struct {
	Type  string `json:"type,omitempty"`
	Color string `json:"color,omitempty"`
	Brand string `json:"brand,omitempty"`
	Model string `json:"model,omitempty"`
}

// PlateOn is a local list that a plate is on.
type PlateOn struct {
	Name  string `json:"name"`
	Owner string `json:"owner,omitempty"`
}

// HeldBack is a rule that did not fire, and why.
type HeldBack struct {
	Rule   string `json:"rule"`
	Reason string `json:"reason"`
}

// PlateList is a local list.
type PlateList struct {
	Name string `json:"name"`
	// File and Line are where its entries stand, a path within the rules folder.
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Entries int    `json:"entries"`
	// Belongs are the cameras' lists that it goes to.
	Belongs []PlateBelongs `json:"belongs"`
	// Fixed says why it cannot be changed here; empty when it can.
	Fixed string `json:"fixed,omitempty"`
}

// PlateBelongs is a list of a camera.
type PlateBelongs struct {
	Camera string `json:"camera"`
	List   string `json:"list"`
}

// PlateEntry is an entry of a local list, as it is written.
type PlateEntry struct {
	Plate    string `json:"plate"`
	Owner    string `json:"owner,omitempty"`
	From     string `json:"from,omitempty"`
	Until    string `json:"until,omitempty"`
	Schedule string `json:"schedule,omitempty"`
	Note     string `json:"note,omitempty"`
	// Valid says that it counts now, Why why not.
	Valid bool   `json:"valid"`
	Why   string `json:"why,omitempty"`
}

// CameraLists are the lists that a device has.
type CameraLists struct {
	Camera string `json:"camera"`
	// Error says why it could not be asked.
	Error string           `json:"error,omitempty"`
	Lists []CameraListSize `json:"lists"`
}

// CameraListSize is one list of a device.
type CameraListSize struct {
	Name    string `json:"name"`
	Entries int    `json:"entries"`
}

// SyncQuery asks for a plan.
type SyncQuery struct {
	// Camera is the only one to look at; empty for all.
	Camera string
	// Prune takes plates off that are on a camera only.
	Prune bool
}

// SyncPlan is what makes the cameras' lists equal to the local ones, and what was done of it.
type SyncPlan struct {
	// Camera and Prune are as they were asked for.
	Camera  string       `json:"camera,omitempty"`
	Prune   bool         `json:"prune,omitempty"`
	Cameras []SyncCamera `json:"cameras"`
}

// SyncCamera is the plan for one device.
type SyncCamera struct {
	Camera   string        `json:"camera"`
	Error    string        `json:"error,omitempty"`
	Steps    []SyncStep    `json:"steps"`
	Findings []SyncFinding `json:"findings"`
	// Same counts the plates that are as they shall be.
	Same int `json:"same"`
}

// SyncStep is one thing to do to one plate.
type SyncStep struct {
	Op       string `json:"op"` // add, change, move, remove
	Plate    string `json:"plate"`
	List     string `json:"list"`
	FromList string `json:"from_list,omitempty"`
	Text     string `json:"text,omitempty"`
	Done     bool   `json:"done,omitempty"`
	// Failed says why it was not done.
	Failed string `json:"failed,omitempty"`
}

// SyncFinding is something that no step is for.
type SyncFinding struct {
	Kind  string `json:"kind"`
	Plate string `json:"plate,omitempty"`
	List  string `json:"list,omitempty"`
	Text  string `json:"text"`
}

func (s *Server) plateRoutes() []route {
	c := s.source.Plates
	return []route{
		{"/api/v1/plates/reads", get(s.plateReads)},
		{"/api/v1/plates/lists", get(collection(c.Lists, (*PlateList).tidy))},
		{"/api/v1/plates/lists/{name}", get(s.plateList)},
		{"/api/v1/plates/lists/{name}/{plate}", methods{
			http.MethodPut:    {role: RoleOperator, handle: s.putPlate},
			http.MethodDelete: {role: RoleOperator, handle: s.removePlate},
		}},
		{"/api/v1/plates/cameras", get(collection(c.Cameras, (*CameraLists).tidy))},
		{"/api/v1/plates/sync", methods{http.MethodPost: {role: RoleEditor, handle: s.syncPlates}}},
	}
}

func (l *PlateList) tidy() {
	if l.Belongs == nil {
		l.Belongs = []PlateBelongs{}
	}
}

func (c *CameraLists) tidy() {
	if c.Lists == nil {
		c.Lists = []CameraListSize{}
	}
}

func (r *PlateRead) tidy() {
	if r.Lists == nil {
		r.Lists = []PlateOn{}
	}
	if r.Fired == nil {
		r.Fired = []string{}
	}
	if r.Held == nil {
		r.Held = []HeldBack{}
	}
	if r.Images == nil {
		r.Images = []string{}
	}
}

func (p *SyncPlan) tidy() {
	if p.Cameras == nil {
		p.Cameras = []SyncCamera{}
	}
	for i := range p.Cameras {
		if p.Cameras[i].Steps == nil {
			p.Cameras[i].Steps = []SyncStep{}
		}
		if p.Cameras[i].Findings == nil {
			p.Cameras[i].Findings = []SyncFinding{}
		}
	}
}

func (s *Server) plateReads(w http.ResponseWriter, r *http.Request) {
	q := PlateQuery{Limit: defaultLimit}
	err := eachParam(r.URL.RawQuery, nil, func(name, v string) (err error) {
		switch name {
		case "since":
			q.Since, err = timeParam(name, v)
		case "until":
			q.Until, err = timeParam(name, v)
		case "q":
			q.Q = v
		case "camera":
			q.Camera = v
		case "limit":
			q.Limit, err = limitParam(v, maxLimit)
		case "cursor":
			q.Cursor = v
		default:
			err = fmt.Errorf("there is no %s to ask by (since, until, q, camera, limit, cursor)", quote(name))
		}
		return err
	})
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	reads, next, err := s.source.Plates.Reads(r.Context(), q)
	if err != nil {
		failAs(w, err)
		return
	}
	if reads == nil {
		reads = []PlateRead{}
	}
	for i := range reads {
		reads[i].tidy()
	}
	answerJSON(w, page[PlateRead]{Items: reads, Next: next})
}

func (s *Server) plateList(w http.ResponseWriter, r *http.Request) {
	q := ""
	err := eachParam(r.URL.RawQuery, nil, func(name, v string) error {
		if name != "q" {
			return fmt.Errorf("there is no %s to ask by (q)", quote(name))
		}
		q = v
		return nil
	})
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	entries, err := s.source.Plates.List(r.Context(), r.PathValue("name"), q)
	if err != nil {
		failAs(w, err)
		return
	}
	if entries == nil {
		entries = []PlateEntry{}
	}
	answerJSON(w, page[PlateEntry]{Items: entries})
}

const wantPlate = `want {"owner": …, "from": …, "until": …, "schedule": …, "note": …}, each a text and none needed`

func (s *Server) putPlate(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Owner    string `json:"owner"`
		From     string `json:"from"`
		Until    string `json:"until"`
		Schedule string `json:"schedule"`
		Note     string `json:"note"`
	}
	if !readJSON(w, r, maxCommand, &in, wantPlate) {
		return
	}
	e, err := s.source.Plates.Put(r.Context(), r.PathValue("name"), PlateEntry{
		Plate: r.PathValue("plate"), Owner: in.Owner, From: in.From, Until: in.Until, Schedule: in.Schedule, Note: in.Note,
	}, caller(r))
	if err != nil {
		failAs(w, err)
		return
	}
	answerJSON(w, e)
}

func (s *Server) removePlate(w http.ResponseWriter, r *http.Request) {
	if err := s.source.Plates.Remove(r.Context(), r.PathValue("name"), r.PathValue("plate"), caller(r)); err != nil {
		failAs(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

const wantSync = `want {"dry_run": true}, with "camera" and "prune" if need be, and then {"plan": …} with the id of the job that made the plan`

// syncPlates makes a plan, or does what a plan that was shown says. Nothing is done that was not shown.
func (s *Server) syncPlates(w http.ResponseWriter, r *http.Request) {
	var in struct {
		DryRun bool   `json:"dry_run"`
		Camera string `json:"camera"`
		Prune  bool   `json:"prune"`
		Plan   string `json:"plan"`
	}
	if !readJSON(w, r, maxCommand, &in, wantSync) {
		return
	}
	if in.DryRun == (in.Plan != "") || in.Plan != "" && (in.Camera != "" || in.Prune) {
		fail(w, http.StatusBadRequest, wantSync)
		return
	}
	if in.DryRun {
		q := SyncQuery{Camera: in.Camera, Prune: in.Prune}
		s.startJob(w, r, "sync-plan", func(ctx context.Context, tell func(JobProgress)) (any, error) {
			plan, err := s.source.Plates.Plan(ctx, q, func(done float64, text string) { tell(JobProgress{Done: done, Text: text}) })
			if err != nil {
				return nil, err
			}
			plan.tidy()
			return plan, nil
		})
		return
	}
	made, err := s.jobResult(in.Plan, "sync-plan")
	if err != nil {
		failAs(w, err)
		return
	}
	shown, ok := made.(SyncPlan)
	if !ok {
		fail(w, http.StatusConflict, "the job "+strconv.Quote(in.Plan)+" has no plan")
		return
	}
	who := caller(r)
	s.startJob(w, r, "sync", func(ctx context.Context, tell func(JobProgress)) (any, error) {
		plan, err := s.source.Plates.Sync(ctx, shown, who, func(done float64, text string, plan SyncPlan) {
			plan.tidy()
			tell(JobProgress{Done: done, Text: text, Result: plan})
		})
		if err != nil {
			return nil, err
		}
		plan.tidy()
		return plan, nil
	})
}
