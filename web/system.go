package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// SystemSource is where the console gets the machine and its site file, as [Source]. who is who asks, for the journal.
type SystemSource struct {
	// System says how the program and its machine are.
	System func(context.Context) (System, error)
	// Restart begins the program anew with its site file as it is. It gives a [SiteError] when that has errors;
	// then nothing is stopped.
	Restart func(ctx context.Context, who string) error
	// Adopt writes an unknown device into the site file. Its errors are a [BadQueryError] for a name that is none,
	// a [NotFoundError] when there is no such device, a [RefusedError] when it cannot be written.
	Adopt func(ctx context.Context, who string, a Adoption) (Adopted, error)
	// Probe asks a device who it is; it may take long. Password is kept in memory, to be written with AddCamera.
	Probe func(ctx context.Context, who string, q ProbeQuery) (Probe, error)
	// AddCamera writes the device that a probe found into the site file, as a camera of that name. Its errors are
	// those of Adopt.
	AddCamera func(ctx context.Context, who string, found Probe, as string) (Adopted, error)
	// Recipes are the rule files that come with the program.
	Recipes func(context.Context) ([]Recipe, error)
}

// SiteError is the error of a [Source] for a site file that has errors: one a text, with its place.
type SiteError []string

// Error is all of them.
func (e SiteError) Error() string {
	return "the program is not restarted, for the site file has errors: " + strings.Join(e, "; ")
}

// System is how the program and its machine are.
type System struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	// Started is when the program began, or began anew.
	Started Time `json:"started"`
	PID     int  `json:"pid"`
	// Memory is what the program holds of the machine's, in bytes.
	Memory uint64 `json:"memory"`
	Listen Ports  `json:"listen"`
	// PostTo is what a camera's push set-up should name.
	PostTo string `json:"post_to"`
	// Data is the data folder; nil without one.
	Data *DataFolder `json:"data,omitempty"`
	// SiteFile is the path of the site file.
	SiteFile string `json:"site_file"`
	// RestartNeeded says that the site file was changed since it was read: a restart would take it.
	RestartNeeded bool `json:"restart_needed"`
	// SiteProblems are those of the site file as it is now, one a text.
	SiteProblems []string `json:"site_problems"`
}

// Ports are where the program listens.
type Ports struct {
	Cameras string `json:"cameras"`
	Console string `json:"console"`
	// TLS says that the console's is encrypted, Fingerprint is the SHA-256 of a certificate of its own.
	TLS         bool   `json:"tls"`
	Fingerprint string `json:"fingerprint,omitempty"`
}

// DataFolder is the folder of journal, pictures and recording; sizes in bytes.
type DataFolder struct {
	Path string `json:"path"`
	// Free and Total are of the disk; both 0 when they cannot be asked.
	Free      uint64 `json:"free"`
	Total     uint64 `json:"total"`
	Journal   int64  `json:"journal"`
	Images    int64  `json:"images"`
	Recording int64  `json:"recording"`
	// Limit is how large the three together may get.
	Limit int64 `json:"limit,omitempty"`
	// Keep is how long each of them is kept, in words.
	Keep map[string]string `json:"keep"`
}

// Adoption says which unknown device is to be a camera, as the list of unknown devices has it, and of what name.
type Adoption struct {
	Remote  string `json:"remote"`
	MAC     string `json:"mac,omitempty"`
	SN      string `json:"sn,omitempty"`
	Name    string `json:"name,omitempty"`
	Channel int    `json:"channel,omitempty"`
	As      string `json:"as"`
}

// Adopted is what was written into the site file.
type Adopted struct {
	// Camera is the first camera's name.
	Camera string `json:"camera"`
	// Lines are those that were written.
	Lines string `json:"lines"`
	// RestartNeeded says that a restart makes it count.
	RestartNeeded bool `json:"restart_needed"`
}

// ProbeQuery is a device to be asked.
type ProbeQuery struct {
	URL      string `json:"url"`
	Username string `json:"username"`
	Password string `json:"password"`
}

// Probe is what a device said.
type Probe struct {
	URL      string `json:"url"`
	Name     string `json:"name,omitempty"`
	Model    string `json:"model,omitempty"`
	MAC      string `json:"mac,omitempty"`
	SN       string `json:"sn,omitempty"`
	Firmware string `json:"firmware,omitempty"`
	// Channels is how many cameras a recorder has; 0 for a camera.
	Channels int `json:"channels,omitempty"`
	// Certificate is the SHA-256 of the certificate it showed, to be trusted from then on.
	Certificate string `json:"certificate,omitempty"`
	// Notes say what it can and cannot, in words.
	Notes         []string `json:"notes"`
	SuggestedName string   `json:"suggested_name"`
	// Key is the source's own, by which it finds the device again.
	Key string `json:"-"`
}

// Recipe is a rule file that comes with the program.
type Recipe struct {
	File  string `json:"file"`
	Title string `json:"title"`
	Text  string `json:"text"`
	// The rest are the names that it uses, which are the user's to change.
	Cameras  []string `json:"cameras"`
	Zones    []string `json:"zones"`
	Lines    []string `json:"lines"`
	Relays   []string `json:"relays"`
	Contacts []string `json:"contacts"`
	Lists    []string `json:"lists"`
}

func (s *System) tidy() {
	if s.SiteProblems == nil {
		s.SiteProblems = []string{}
	}
	if s.Data != nil && s.Data.Keep == nil {
		s.Data.Keep = map[string]string{}
	}
}

func (r *Recipe) tidy() {
	for _, list := range []*[]string{&r.Cameras, &r.Zones, &r.Lines, &r.Relays, &r.Contacts, &r.Lists} {
		if *list == nil {
			*list = []string{}
		}
	}
}

// maxSystemBody bounds the bytes of what is asked here.
const maxSystemBody = 8 << 10

func (s *Server) systemRoutes() []route {
	return []route{
		{"/api/v1/system", get(s.system)},
		{"/api/v1/restart", methods{http.MethodPost: {role: RoleEditor, handle: s.restart}}},
		{"/api/v1/devices/unknown/adopt", methods{http.MethodPost: {role: RoleEditor, handle: s.adopt}}},
		{"/api/v1/cameras/probe", methods{http.MethodPost: {role: RoleEditor, handle: s.probe}}},
		{"/api/v1/recipes", get(collection(s.source.System.Recipes, (*Recipe).tidy))},
	}
}

func (s *Server) system(w http.ResponseWriter, r *http.Request) {
	v, err := s.source.System.System(r.Context())
	if err != nil {
		failAs(w, err)
		return
	}
	v.tidy()
	answerJSON(w, v)
}

// restart says that the program begins anew. When the answer comes it has not yet.
func (s *Server) restart(w http.ResponseWriter, r *http.Request) {
	err := s.source.System.Restart(r.Context(), caller(r))
	var site SiteError
	switch {
	case errors.As(err, &site):
		failWith(w, problem{Status: http.StatusConflict, Detail: site.Error(), Reasons: site})
	case err != nil:
		failAs(w, err)
	default:
		answer(w, http.StatusAccepted, "application/json", []byte("{\"restarts\":true}\n"))
	}
}

func (s *Server) adopt(w http.ResponseWriter, r *http.Request) {
	var a Adoption
	if !readJSON(w, r, maxSystemBody, &a, `want {"remote": …, "mac": …, "sn": …, "name": …, "channel": …, "as": …}, as the unknown device says them, and as a name for the camera`) {
		return
	}
	v, err := s.source.System.Adopt(r.Context(), caller(r), a)
	if err != nil {
		failAs(w, err)
		return
	}
	answerJSON(w, v)
}

func (s *Server) probe(w http.ResponseWriter, r *http.Request) {
	var q ProbeQuery
	if !readJSON(w, r, maxSystemBody, &q, `want {"url": …, "username": …, "password": …}, for example http://192.168.0.52`) {
		return
	}
	if q.URL == "" {
		fail(w, http.StatusBadRequest, "want the address of a device, for example http://192.168.0.52")
		return
	}
	who := caller(r)
	s.startJob(w, r, "probe", func(ctx context.Context, tell func(JobProgress)) (any, error) {
		// Everybody who looks sees the job, and somebody may have typed a password into the address.
		tell(JobProgress{Done: -1, Text: "asking the device"})
		v, err := s.source.System.Probe(ctx, who, q)
		if err != nil {
			return nil, err
		}
		if v.Notes == nil {
			v.Notes = []string{}
		}
		return v, nil
	})
}

// addCamera writes the device that a probe found into the site file.
func (s *Server) addCamera(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Probe string `json:"probe"`
		As    string `json:"as"`
	}
	if !readJSON(w, r, maxSystemBody, &q, `want {"probe": "the id of a probe's job", "as": "a name for the camera"}`) {
		return
	}
	found, err := s.jobResult(q.Probe, "probe")
	if err != nil {
		failAs(w, err)
		return
	}
	probe, ok := found.(Probe)
	if !ok {
		fail(w, http.StatusConflict, "the probe found no device")
		return
	}
	v, err := s.source.System.AddCamera(r.Context(), caller(r), probe, q.As)
	if err != nil {
		failAs(w, err)
		return
	}
	answerJSON(w, v)
}
