package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/journal"
)

const (
	// maxRemembered bounds the firings, alarms and keys that entries are linked by.
	maxRemembered = 8192
	// maxDetail is how much of what a step noted is kept, in bytes.
	maxDetail = 4 << 10
	// maxFiringEvent is how long the event within a firing may be, in bytes.
	maxFiringEvent = 32 << 10
	// maxLook is how long the look of a firing may be in its entry, in bytes, and
	// mostLooks how many are kept in a second.
	maxLook   = 16 << 10
	mostLooks = 20
	// maxProblems is how many problems of a reload are kept.
	maxProblems = 50
)

// journaling tells the journal what happens, in the order it is told. None of its
// methods waits for the disk. The loop calls most of them; those about people and
// errors may be called by anybody.
type journaling struct {
	j     *journal.Journal
	hide  *strings.Replacer // of secrets
	words *regexp.Regexp    // what follows them is a secret
	auth  *regexp.Regexp

	// explain gives the look on which a rule fired just now; nil when there is none.
	// It is set before the first decision, and only whoever tells decisions calls it.
	explain func(*engine.Decision) *engine.Explanation
	second  time.Duration // the decision clock's second that looks counts in
	looks   int

	// added is told of every entry that got an id, when it is set before the first one.
	added func(journal.Entry)

	mu      sync.Mutex // covers what follows
	rules   string     // hash of the set in force
	firings *recent[uint64]
	keys    *recent[ruleKey] // the last firing of a rule for a key
	alarms  *recent[alarmID] // 1 = on
}

// ruleKey is a rule's state for one key.
type ruleKey struct{ rule, key string }

// alarmID names an alarm.
type alarmID struct {
	camera, name string
	id, channel  int
}

// newJournaling begins to tell a journal. The secrets are texts that never reach it.
func newJournaling(j *journal.Journal, secrets []string) *journaling {
	var pairs []string
	for _, s := range secrets {
		if len(s) < 4 {
			continue // it would hide half of every text, and be guessed from the rest
		}
		pairs = append(pairs, s, "***")
		if b, err := json.Marshal(s); err == nil && string(b[1:len(b)-1]) != s {
			pairs = append(pairs, string(b[1:len(b)-1]), "***")
		}
	}
	return &journaling{
		j: j, hide: strings.NewReplacer(pairs...),
		words:   regexp.MustCompile(`(?i)\b(pass(?:word|wd)?|pwd|token|secret|authorization|api[-_]?key)(["']?\s*[:=]\s*["']?)[^\s"'&,;]+`),
		auth:    regexp.MustCompile(`(?i)\b(bearer|basic)\s+[a-z0-9+/._~=-]{8,}`),
		firings: newRecent[uint64](), keys: newRecent[ruleKey](), alarms: newRecent[alarmID](),
	}
}

// begin tells that the program starts, with which rules; killed says that the run
// before did not end in order.
func (l *journaling) begin(at engine.Instant, version, rules string, killed bool) {
	l.mu.Lock()
	l.rules = rules
	l.mu.Unlock()
	l.life(at, "start", version, rules, killed)
}

// end tells that the program stops.
func (l *journaling) end(at engine.Instant) { l.life(at, "stop", "", "", false) }

func (l *journaling) life(at engine.Instant, kind, version, rules string, killed bool) {
	l.add(journal.Entry{At: at.Wall, Kind: journal.KindEvent}, struct {
		Kind    string `json:"kind"`
		Version string `json:"version,omitempty"`
		Rules   string `json:"rules,omitempty"`
		Killed  bool   `json:"after_kill,omitempty"`
	}{kind, version, rules, killed})
}

// event tells of an event that is more than a frame, and gives the id of its entry;
// 0 when it has none. Heartbeats and alarms whose level is as it was have none, nor
// have relays, which are told with their cause.
func (l *journaling) event(at engine.Instant, ev *engine.Event) int64 {
	switch ev.Kind {
	case engine.KindTarget, engine.KindHeartbeat, engine.KindRelay, engine.KindStart, engine.KindNone:
		return 0
	case engine.KindAlarm:
		if !l.alarmChanged(ev) {
			return 0
		}
	}
	e := journal.Entry{At: at.Wall, Kind: journal.KindEvent, Camera: ev.Camera, Body: ev.AppendJSON(nil)}
	if ev.Plate != nil {
		e.Plate = ev.Plate.Number
	}
	if ev.Kind.Smart() || ev.Kind == engine.KindPlate || ev.Kind == engine.KindFace || ev.Kind == engine.KindFaceMatch {
		e.Images = pictures(ev)
	}
	return l.put(e)
}

// put adds an entry.
func (l *journaling) put(e journal.Entry) int64 {
	e.ID = l.j.Add(e)
	if e.ID != 0 && l.added != nil {
		l.added(e)
	}
	return e.ID
}

// entryOf is the id of the entry of a firing of this run; 0 when it has none.
func (l *journaling) entryOf(firing uint64) int64 {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.firings.get(firing)
}

// pictures are an event's pictures. Until one is decoded it is held with a third
// more bytes, as it came.
func pictures(ev *engine.Event) []journal.Image {
	var list []journal.Image
	for _, p := range []struct {
		name  string
		image engine.Image
	}{{"scene", ev.Scene}, {"target", ev.Target}} {
		if p.image.Size > 0 {
			list = append(list, journal.Image{Name: p.name, Size: int64(p.image.Size) / 3 * 4, Bytes: p.image.Bytes})
		}
	}
	return list
}

// alarmChanged notes an alarm's level and says whether it is news. Off is none at first.
func (l *journaling) alarmChanged(ev *engine.Event) bool {
	if ev.Alarm == nil {
		return false
	}
	var now int64
	if ev.Alarm.On {
		now = 1
	}
	id := alarmID{ev.Camera, ev.Alarm.Name, ev.Alarm.ID, ev.Device.Channel}
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.alarms.get(id)
	l.alarms.put(id, now)
	return before != now
}

// firing is what a firing's entry holds besides what every entry does.
type firing struct {
	Type   string          `json:"type"`
	Target *uint64         `json:"target,omitempty"`
	Zone   string          `json:"zone,omitempty"`
	Since  string          `json:"since,omitempty"`
	Until  string          `json:"until,omitempty"`
	Reason string          `json:"reason,omitempty"`
	Visit  string          `json:"visit,omitempty"`
	Steps  []string        `json:"steps,omitempty"`
	Rules  string          `json:"rules,omitempty"`
	Event  json.RawMessage `json:"event,omitempty"`
	// Look is what the condition read when the rule fired.
	Look json.RawMessage `json:"look,omitempty"`
}

// decided tells of decisions. cause is the id of the entry of the event they come
// from; 0 when it has none, or when it was the time.
func (l *journaling) decided(cause int64, ds []engine.Decision) {
	for i := range ds {
		l.decision(cause, &ds[i])
	}
}

// decision tells of a firing, its end, what was held back, and steps that the engine
// does itself. Others are told with their outcome.
func (l *journaling) decision(cause int64, d *engine.Decision) {
	switch d.Type {
	case engine.DecisionFiring:
		l.fired(cause, d)
	case engine.DecisionEnd:
		e := l.within(d)
		e.Kind, e.Event = journal.KindFiring, cause
		l.add(e, firing{Type: "end", Target: target(d), Since: stamp(d.Since), Until: stamp(d.Until), Reason: d.Reason})
	case engine.DecisionSuppressed:
		e := l.within(d)
		e.Kind, e.Event = journal.KindSuppressed, cause
		l.add(e, struct {
			Type   string  `json:"type"`
			Target *uint64 `json:"target,omitempty"`
			Step   string  `json:"step,omitempty"`
			Reason string  `json:"reason"`
		}{"suppressed", target(d), l.clean(d.Step), l.clean(d.Reason)})
	case engine.DecisionAction:
		if d.Do != nil {
			return
		}
		e := l.within(d)
		e.Kind, e.Event = journal.KindAction, cause
		l.add(e, action{Type: "action", Step: l.clean(d.Step), Reason: d.Reason, Outcome: "done"})
	}
}

func (l *journaling) fired(cause int64, d *engine.Decision) {
	e, f := about(d), d.Firing
	e.Kind, e.Event = journal.KindFiring, cause
	look := l.look(d)
	l.mu.Lock()
	defer l.mu.Unlock()
	body := firing{Type: "firing", Target: target(d), Zone: d.Zone, Reason: d.Reason, Visit: f.Visit, Rules: l.rules, Look: look}
	for i := range f.Rule.Do {
		body.Steps = append(body.Steps, l.clean(f.Rule.Do[i].Text))
	}
	// A frame has no entry of its own: the one that counted stands here.
	if cause == 0 && f.Event != nil {
		if ev := f.Event.AppendJSON(nil); len(ev) <= maxFiringEvent {
			body.Event = ev
		}
	}
	id := l.add(e, body)
	l.firings.put(f.ID, id)
	l.keys.put(ruleKey{f.Rule.Name, f.Key}, id)
}

// look is the look on which a rule fired, without secrets; nil when it is not kept.
func (l *journaling) look(d *engine.Decision) json.RawMessage {
	if l.explain == nil {
		return nil
	}
	if s := d.At.Mono.Truncate(time.Second); s != l.second {
		l.second, l.looks = s, 0
	}
	if l.looks++; l.looks > mostLooks {
		return nil
	}
	x := l.explain(d)
	if x == nil {
		return nil
	}
	shown := *x // the engine keeps its own
	shown.File, shown.Line = "", 0
	shown.When, shown.While = l.cleanPart(x.When), l.cleanPart(x.While)
	b, err := shown.MarshalJSON()
	if err != nil || len(b) > maxLook {
		return nil
	}
	return b
}

// cleanPart is a copy of a part of a condition without secrets.
func (l *journaling) cleanPart(p *engine.Part) *engine.Part {
	if p == nil {
		return nil
	}
	c := *p
	c.Text = l.clean(p.Text)
	c.Values = slices.Clone(p.Values)
	for i := range c.Values {
		v := &c.Values[i]
		v.Name, v.Value = l.clean(v.Name), l.clean(v.Value)
	}
	c.Parts = slices.Clone(p.Parts)
	for i := range c.Parts {
		c.Parts[i] = *l.cleanPart(&p.Parts[i])
	}
	return &c
}

// within is an entry about a decision, with the firing it belongs to.
func (l *journaling) within(d *engine.Decision) journal.Entry {
	e := about(d)
	if d.Firing != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		e.Firing = l.firings.get(d.Firing.ID)
	}
	return e
}

// about is an entry with what a decision is about.
func about(d *engine.Decision) journal.Entry {
	e := journal.Entry{At: d.At.Wall, Camera: d.Camera, Key: d.Key}
	if d.Rule != nil {
		e.Rule = d.Rule.Name
	}
	if f := d.Firing; f != nil && f.Event != nil && f.Event.Plate != nil {
		e.Plate = f.Event.Plate.Number
	}
	return e
}

func target(d *engine.Decision) *uint64 {
	if !d.HasTarget {
		return nil
	}
	return &d.Target
}

// stamp is a time as decisions show it; empty for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// action is what an action's entry holds besides what every entry does.
type action struct {
	Type    string  `json:"type"`
	Step    string  `json:"step,omitempty"`
	Finally bool    `json:"finally,omitempty"`
	Outcome string  `json:"outcome"` // done, failed, not begun
	Reason  string  `json:"reason,omitempty"`
	Lane    string  `json:"lane,omitempty"`
	Took    float64 `json:"took,omitempty"` // seconds
	Tries   int     `json:"tries,omitempty"`
	Status  int     `json:"status,omitempty"`
	Exit    *int    `json:"exit,omitempty"`
	Detail  string  `json:"detail,omitempty"`
	Parcel  string  `json:"parcel,omitempty"`
	Earlier bool    `json:"earlier,omitempty"`
	// Unmarked says that it began before a note of it was on the disk.
	Unmarked bool `json:"unmarked,omitempty"`
}

// outcome tells what became of a step.
func (l *journaling) outcome(at engine.Instant, o engine.Outcome, r actions.Record) {
	e := journal.Entry{At: at.Wall, Kind: journal.KindAction}
	q := &r.Request
	if f := q.Firing; f != nil {
		e.Camera, e.Key = f.Camera, f.Key
		if f.Rule != nil {
			e.Rule = f.Rule.Name
		}
		if f.Event != nil && f.Event.Plate != nil {
			e.Plate = f.Event.Plate.Number
		}
	}
	switch a := q.Args.(type) {
	case engine.RelayArgs:
		e.Relay = a.Relay
	case engine.CameraArgs:
		e.Camera = a.Camera // which it asked, and whose picture it is
	}
	if !r.Earlier { // the numbers of an earlier run are others
		l.mu.Lock()
		e.Firing = l.firings.get(o.Firing)
		l.mu.Unlock()
	}
	body := action{
		Type: "action", Finally: o.Finally, Outcome: "done", Reason: l.clean(o.Reason), Lane: l.clean(r.Lane), Tries: r.Tries,
		Took: float64(r.Took.Milliseconds()) / 1000, Status: r.Status, Detail: shorten(l.clean(shorten(r.Detail, 2*maxDetail)), maxDetail),
		Parcel: r.Parcel, Earlier: r.Earlier, Unmarked: r.Unrecorded,
	}
	if q.Step != nil {
		body.Step = l.clean(q.Step.Text)
	}
	if a, ok := q.Args.(engine.LogArgs); ok {
		body.Detail = shorten(l.clean(a.Text), maxDetail)
	}
	if jpeg := r.Picture; len(jpeg) > 0 {
		e.Images = []journal.Image{{Name: "snapshot", Size: int64(len(jpeg)), Bytes: func() ([]byte, error) { return jpeg, nil }}}
	}
	if r.HasExit {
		body.Exit = &r.ExitCode
	}
	switch {
	case !o.Begun:
		body.Outcome = "not begun"
	case o.Reason != "":
		body.Outcome = "failed"
	case q.Lease && !q.LeaseOn:
		body.Reason = leaseOver
	}
	l.add(e, body)
}

// leaseOver stands with a step that held a relay on and holds it no longer.
const leaseOver = "ended"

// relay tells of a relay's new level, or its fault, and why, and gives the id of the
// entry.
func (l *journaling) relay(at engine.Instant, c relay.Change) int64 {
	e := journal.Entry{At: at.Wall, Kind: journal.KindRelay, Relay: c.Relay, Rule: c.Rule, Key: c.Key}
	if c.Rule != "" {
		l.mu.Lock()
		e.Firing = l.keys.get(ruleKey{c.Rule, c.Key})
		l.mu.Unlock()
	}
	return l.add(e, struct {
		On    bool   `json:"on"`
		Cause string `json:"cause,omitempty"`
		Who   string `json:"who,omitempty"`
		Fault string `json:"fault,omitempty"`
	}{c.On, l.clean(c.Cause), c.Who, l.clean(c.Fault)})
}

// command tells what somebody asked of a relay by hand, and what came of it.
func (l *journaling) command(at time.Time, who, name, what string, out relay.Outcome) {
	body := byHand{"command", l.clean(who), "relay " + name + " " + what, "done", out.Reason}
	switch {
	case !out.Begun:
		body.Outcome = "not begun"
	case out.Err != nil:
		body.Outcome, body.Reason = "failed", l.clean(out.Err.Error())
	}
	l.add(journal.Entry{At: at, Kind: journal.KindAction, Relay: name}, body)
}

// byHand is what the entry of something done by hand holds.
type byHand struct {
	Type    string `json:"type"`
	Who     string `json:"who"`
	Step    string `json:"step"`
	Outcome string `json:"outcome"`
	Reason  string `json:"reason,omitempty"`
}

// cancelled tells that somebody gave a step in the outbox up.
func (l *journaling) cancelled(at time.Time, who, id string) {
	l.add(journal.Entry{At: at, Kind: journal.KindAction}, byHand{"command", l.clean(who), "cancel " + id, "done", ""})
}

// reload tells that rule files were read: which set is in force now, whether it is
// the one that was read, and what is wrong with the files.
func (l *journaling) reload(at engine.Instant, rules string, loaded bool, problems []string) {
	l.mu.Lock()
	l.rules = rules
	l.mu.Unlock()
	body := struct {
		Rules    string   `json:"rules,omitempty"`
		Loaded   bool     `json:"loaded"`
		Problems []string `json:"problems,omitempty"`
		More     int      `json:"more_problems,omitempty"`
	}{Rules: rules, Loaded: loaded}
	for i, p := range problems {
		if i == maxProblems {
			body.More = len(problems) - i
			break
		}
		body.Problems = append(body.Problems, shorten(l.clean(p), maxDetail/4))
	}
	l.add(journal.Entry{At: at.Wall, Kind: journal.KindReload}, body)
}

// saved tells that somebody saved or removed a rule file over the console, or accepted a camera's zones. Whether the
// rules were taken comes after.
func (l *journaling) saved(at engine.Instant, who, what, file string) {
	l.add(journal.Entry{At: at.Wall, Kind: journal.KindReload}, struct {
		Who  string `json:"who"`
		What string `json:"what"`
		File string `json:"file"`
	}{shorten(who, maxDetail/4), what, shorten(file, maxDetail/4)})
}

// clock tells that the wall clock was set, by how much.
func (l *journaling) clock(at engine.Instant, step time.Duration) {
	l.add(journal.Entry{At: at.Wall, Kind: journal.KindEvent}, struct {
		Kind string  `json:"kind"`
		Step float64 `json:"step"` // seconds
	}{"clock", float64(step.Milliseconds()) / 1000})
}

// failure tells of something that went wrong, of which nothing else tells.
func (l *journaling) failure(at time.Time, camera, what string, err error) {
	body := struct {
		Error  string `json:"error"`
		Detail string `json:"detail,omitempty"`
	}{Error: l.clean(what)}
	if err != nil {
		body.Detail = shorten(l.clean(err.Error()), maxDetail)
	}
	l.add(journal.Entry{At: at, Kind: journal.KindError, Camera: camera}, body)
}

// add adds an entry with a body.
func (l *journaling) add(e journal.Entry, body any) int64 {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		b.Reset()
		b.WriteString(`{"error":` + strconv.Quote("an entry could not be written") + `}`)
	}
	e.Body = bytes.TrimSpace(b.Bytes())
	return l.put(e)
}

// clean takes secrets out of a text: those of the site file, what stands behind a
// word like password, and of every address all but the host.
func (l *journaling) clean(s string) string {
	if s == "" {
		return ""
	}
	s = l.hide.Replace(hosts(strings.ToValidUTF8(s, "\uFFFD")))
	s = l.auth.ReplaceAllString(s, "$1 ***")
	return l.words.ReplaceAllString(s, "$1$2***")
}

// hosts cuts every address in a text to its scheme and host: what comes before and
// after may be a secret.
func hosts(s string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, "://")
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i+3])
		s = s[i+3:]
		end := strings.IndexAny(s, " \t\r\n\"'`<>|")
		if end < 0 {
			end = len(s)
		}
		address, rest := s[:end], s[end:]
		host, cutOff := address, false
		if k := strings.IndexAny(address, `/?#\`); k >= 0 {
			host, cutOff = address[:k], k+1 < len(address)
		}
		if k := strings.LastIndexByte(host, '@'); k >= 0 {
			host = host[k+1:]
		}
		b.WriteString(host)
		if cutOff {
			b.WriteString("/…")
			// The colon before the reason in errors belongs to the text.
			if strings.HasSuffix(address, ":") {
				b.WriteByte(':')
			}
		}
		s = rest
	}
}

// shorten cuts a text to a number of bytes.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// recent keeps the numbers of the last things that had one.
type recent[K comparable] struct {
	of    map[K]int64
	order []K // a ring, once it is full
	next  int
}

func newRecent[K comparable]() *recent[K] {
	return &recent[K]{of: make(map[K]int64)}
}

// get is 0 for what is not remembered.
func (r *recent[K]) get(k K) int64 { return r.of[k] }

func (r *recent[K]) put(k K, n int64) {
	if _, ok := r.of[k]; ok {
		r.of[k] = n
		return
	}
	if len(r.order) < maxRemembered {
		r.order = append(r.order, k)
	} else {
		delete(r.of, r.order[r.next])
		r.order[r.next] = k
		r.next = (r.next + 1) % maxRemembered
	}
	r.of[k] = n
}
