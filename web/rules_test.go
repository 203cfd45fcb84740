package web

import (
	"context"
	"encoding/json"
	"time"
)

func fullRule() Rule {
	return Rule{
		Name: "gate", File: "rules.d/gate.yaml", Line: 7, Mode: "shadow", FileMode: "live",
		Override: &Override{Mode: "shadow", Until: at("2026-03-29T20:00:00Z"), Who: "ann", At: at("2026-03-29T13:00:00Z")},
		On:       []string{"target"}, Per: "target", State: "active",
		Keys: []RuleKey{
			{Key: "front/2157", State: "pending", Since: at("2026-03-29T13:58:46Z"), Ends: at("2026-03-29T13:58:48Z"), Camera: "front", Target: ptr(uint64(2157)), Held: "for"},
			{Key: "front/3", State: "active"},
		},
		KeysMore: 2, Cameras: []string{"front"}, Relays: []string{"gate"}, LastFiring: &LastFiring{ID: 7, At: at("2026-03-29T13:58:46Z"), Key: "front/2157"},
		Hours: []RuleHour{{Firings: 2, Suppressed: 1}}, Problems: []Problem{{File: "rules.d/gate.yaml", Message: "the condition is never true", Warning: true}},
	}
}

// fullRules, emptyRules and brokenRules fill the functions of a source: everything set, nothing there, errors.
func fullRules(s *Source) {
	s.Rules = RuleSource{
		Rules: func(context.Context) ([]Rule, error) {
			return []Rule{fullRule(), {Name: "bare", Mode: "live", FileMode: "off", State: "idle"}}, nil
		},
		Rule: func(_ context.Context, name string) (RuleDetail, error) {
			return RuleDetail{Rule: fullRule(), Text: "  - name: gate", Zones: []string{"porch"}, Lists: []string{"residents"},
				Entries: []json.RawMessage{json.RawMessage(`{"id":7,"at":"2026-03-29T13:58:46.000Z","kind":"firing","rule":"gate","text":"gate fired"}`)}}, nil
		},
		Override: func(_ context.Context, name string, o *Override, who string) (Rule, error) {
			r := fullRule()
			if r.Name = name; o == nil {
				r.Override = nil
			} else {
				r.Override = &Override{Mode: o.Mode, Until: o.Until, Who: who, At: at("2026-03-29T14:00:00Z")}
			}
			return r, nil
		},
	}
}

func emptyRules(s *Source) {
	s.Rules = RuleSource{
		Rules: func(context.Context) ([]Rule, error) { return nil, nil },
		Rule: func(_ context.Context, name string) (RuleDetail, error) {
			return RuleDetail{}, NotFoundError(`no rule is called "` + name + `"`)
		},
		Override: func(_ context.Context, name string, _ *Override, _ string) (Rule, error) {
			return Rule{}, NotFoundError(`no rule is called "` + name + `"`)
		},
	}
}

func brokenRules(s *Source) {
	s.Rules = RuleSource{
		Rules: func(context.Context) ([]Rule, error) { return nil, errStopping },
		Rule:  func(context.Context, string) (RuleDetail, error) { return RuleDetail{}, errStopping },
		Override: func(context.Context, string, *Override, string) (Rule, error) {
			return Rule{}, RefusedError("too many rules have another mode than their files say")
		},
	}
}

// rulesCases are requests that TestDescription makes besides the plain ones.
func rulesCases() []apiCase {
	js := map[string]string{"Content-Type": "application/json"}
	const p, target = "/api/v1/rules/{name}/override", "/api/v1/rules/gate/override"
	return []apiCase{
		{path: p, method: "PUT", target: target, body: `{"mode": "off"}`, header: js, status: 200},
		{path: p, method: "PUT", target: target, body: `{"mode": "off", "until": "` + time.Now().UTC().Add(time.Hour).Format(time.RFC3339) + `"}`, header: js, status: 200},
		{path: p, method: "PUT", target: target, body: `{"mode": "on"}`, header: js, status: 400},
		{path: p, method: "PUT", target: target, body: `{"mode": "off", "until": "2020-01-01T00:00:00Z"}`, header: js, status: 400},
		{path: p, method: "PUT", target: target, body: `{"mode": "off"}`, status: 400},
		{path: p, method: "PUT", target: target, body: `{"mode": "off"}`, header: js, source: empty, status: 404},
		{path: p, method: "PUT", target: target, body: `{"mode": "off"}`, header: js, source: broken, status: 409},
		{path: p, method: "DELETE", target: target, status: 200},
		{path: p, method: "DELETE", target: target, source: empty, status: 404},
	}
}
