package web

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// RuleSource is where the console gets the rules as they stand, as [Source].
type RuleSource struct {
	// Rules are all rules, in the order in which they are looked at.
	Rules func(context.Context) ([]Rule, error)
	// Rule is one of them. Its error is a [NotFoundError] when there is none of the name.
	Rule func(ctx context.Context, name string) (RuleDetail, error)
	// Override gives a rule another mode than its file says, of which Mode and Until count;
	// nil gives it the file's again. Its error is a [NotFoundError] when there is no rule of
	// the name, and a [RefusedError] when there are too many overrides.
	Override func(ctx context.Context, name string, o *Override, who string) (Rule, error)
}

// Rule is a rule and how it stands.
type Rule struct {
	Name string `json:"name"`
	// File and Line are where it stands: rules.d/gate.yaml.
	File string `json:"file"`
	Line int    `json:"line"`
	// Mode is in force, FileMode as the file says: live, shadow or off.
	Mode     string `json:"mode"`
	FileMode string `json:"file_mode"`
	// Override is what somebody set instead of the file's mode; nil for nothing.
	Override *Override `json:"override,omitempty"`
	// On are the kinds of events it is looked at for; none for a standing rule.
	On  []string `json:"on"`
	Per string   `json:"per"`
	// State is the one that counts most of all keys: active, holding, pending, barred, idle.
	State string `json:"state"`
	// Keys are those that are not idle, at most 20, and KeysMore how many more there are.
	Keys     []RuleKey `json:"keys"`
	KeysMore int       `json:"keys_more,omitempty"`
	// Cameras are those it can be looked at for, of its condition and its zones; none for all.
	Cameras []string `json:"cameras"`
	// Relays are those that its steps drive.
	Relays []string `json:"relays"`
	// LastFiring is its last one; nil when none is known.
	LastFiring *LastFiring `json:"last_firing,omitempty"`
	// Hours are the last 24, the oldest first.
	Hours []RuleHour `json:"hours"`
	// Problems are those of its file that name it.
	Problems []Problem `json:"problems"`
}

// RuleKey is a rule's state for one key.
type RuleKey struct {
	Key   string `json:"key"`
	State string `json:"state"`
	Since Time   `json:"since,omitzero"`
	// Ends is when pending, barred or holding ends by itself.
	Ends   Time   `json:"ends,omitzero"`
	Camera string `json:"camera,omitempty"`
	// Target is the camera's number of the target it is about; nil for none.
	Target *uint64 `json:"target,omitempty"`
	// Held is what holds it back: for, cooldown, limit and others.
	Held string `json:"held,omitempty"`
}

// LastFiring is when a rule fired last.
type LastFiring struct {
	// ID is of the journal's entry; 0 when there is none.
	ID  int64  `json:"id,omitempty"`
	At  Time   `json:"at"`
	Key string `json:"key,omitempty"`
}

// RuleHour counts what a rule did in an hour.
type RuleHour struct {
	Firings    int `json:"firings"`
	Suppressed int `json:"suppressed"`
}

// Override is a rule's mode as somebody set it.
type Override struct {
	Mode string `json:"mode"`
	// Until is when the file counts again; zero for never.
	Until Time   `json:"until,omitzero"`
	Who   string `json:"who"`
	At    Time   `json:"at"`
}

// RuleDetail is a rule with all there is to say of it.
type RuleDetail struct {
	Rule
	// Text is its own lines of its file.
	Text string `json:"text"`
	// Zones are the zones and lines that it names, Lists the lists.
	Zones []string `json:"zones"`
	Lists []string `json:"lists"`
	// Entries are its newest firings and suppressed ones, newest first, at most 20.
	Entries []json.RawMessage `json:"entries"`
}

// RuleTick is how a rule stands, in the stream.
type RuleTick struct {
	Name     string    `json:"name"`
	State    string    `json:"state"`
	Keys     []RuleKey `json:"keys"`
	KeysMore int       `json:"keys_more,omitempty"`
	Mode     string    `json:"mode"`
	// Fired says that it fired just now.
	Fired bool `json:"fired,omitempty"`
}

func (r *Rule) tidy() {
	for _, list := range []*[]string{&r.On, &r.Cameras, &r.Relays} {
		if *list == nil {
			*list = []string{}
		}
	}
	if r.Keys == nil {
		r.Keys = []RuleKey{}
	}
	if r.Hours == nil {
		r.Hours = []RuleHour{}
	}
	if r.Problems == nil {
		r.Problems = []Problem{}
	}
}

func (r *RuleDetail) tidy() {
	r.Rule.tidy()
	for _, list := range []*[]string{&r.Zones, &r.Lists} {
		if *list == nil {
			*list = []string{}
		}
	}
	if r.Entries == nil {
		r.Entries = []json.RawMessage{}
	}
}

func (s *Server) ruleRoutes() []route {
	return []route{
		{"/api/v1/rules", get(collection(s.source.Rules.Rules, (*Rule).tidy))},
		{"/api/v1/rules/{name}", get(s.rule)},
		{"/api/v1/rules/{name}/override", methods{
			http.MethodPut:    {role: RoleEditor, handle: s.setOverride},
			http.MethodDelete: {role: RoleEditor, handle: s.endOverride},
		}},
	}
}

// maxOverrideBody bounds the bytes of an override's body, maxOverride how long one lasts
// that ends by itself.
const (
	maxOverrideBody = 1 << 10
	maxOverride     = 10 * 366 * 24 * time.Hour
)

const wantOverride = `want {"mode": "live"}, {"mode": "shadow"} or {"mode": "off"}, with "until" when it is to end by itself`

func (s *Server) setOverride(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Mode  string     `json:"mode"`
		Until *time.Time `json:"until"`
	}
	if !readJSON(w, r, maxOverrideBody, &in, wantOverride) {
		return
	}
	if !slices.Contains([]string{"live", "shadow", "off"}, in.Mode) {
		fail(w, http.StatusBadRequest, wantOverride)
		return
	}
	o := Override{Mode: in.Mode}
	if in.Until != nil {
		left := in.Until.Sub(s.now())
		if left <= 0 || left > maxOverride {
			fail(w, http.StatusBadRequest, "until: it is to lie in the next ten years")
			return
		}
		o.Until = Time{*in.Until}
	}
	s.override(w, r, &o)
}

func (s *Server) endOverride(w http.ResponseWriter, r *http.Request) { s.override(w, r, nil) }

func (s *Server) override(w http.ResponseWriter, r *http.Request, o *Override) {
	v, err := s.source.Rules.Override(r.Context(), r.PathValue("name"), o, caller(r))
	if err != nil {
		failAs(w, err)
		return
	}
	v.tidy()
	answerJSON(w, v)
}

func (s *Server) rule(w http.ResponseWriter, r *http.Request) {
	v, err := s.source.Rules.Rule(r.Context(), r.PathValue("name"))
	if err != nil {
		failAs(w, err)
		return
	}
	v.tidy()
	answerJSON(w, v)
}
