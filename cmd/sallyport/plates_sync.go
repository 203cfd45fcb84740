package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/actions/plates"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/viewtron/client"
)

// syncFlags are what `sallyport plates sync` was asked.
type syncFlags struct {
	siteFlags
	camera                            string
	dryRun, prune, empty, all, asJSON bool
}

// runPlatesSync is `sallyport plates sync`.
func runPlatesSync(ctx context.Context, p process, args []string) int {
	var f syncFlags
	fs := p.platesFlags("sync")
	f.add(fs)
	fs.StringVar(&f.camera, "camera", "", "only the camera of this `name`")
	fs.BoolVar(&f.dryRun, "dry-run", false, "print the difference and change nothing")
	fs.BoolVar(&f.prune, "prune", false, "take plates off that are on a camera only; otherwise they are shown and kept")
	fs.BoolVar(&f.empty, "allow-empty", false, "take a local list that is empty or missing for one of nobody")
	fs.BoolVar(&f.all, "v", false, "print every plate, not only the first of each camera")
	fs.BoolVar(&f.asJSON, "json", false, "print JSON, one object a line")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if !noArgs(fs, rest) {
		return exitUsage
	}
	site, err := p.openSite(&f.siteFlags)
	if err != nil {
		return p.errorf("plates: %v", err)
	}
	if c, ok := site.Camera(f.camera); ok && c.NoLists {
		return p.errorf("plates: the site file says lists: none for camera %q", f.camera)
	}
	o, err := f.options(p, site)
	if err != nil {
		return p.errorf("plates: %v", err)
	}
	devices, skipped, err := p.listDevices(site, f.camera)
	if err != nil {
		return p.errorf("plates: %v", err)
	}
	out := bufio.NewWriter(p.stdout)
	s := &synchronizing{f: &f, p: p, out: out, zone: siteZone(site), options: o, devices: devices}
	if !f.asJSON {
		for _, text := range skipped {
			fmt.Fprintln(out, text)
		}
	}
	if len(devices) == 0 {
		_ = out.Flush() // the error below says more
		return p.errorf("plates: no camera of the site file has plate lists to synchronize")
	}
	for _, text := range waitingEdits(ctx, site, devices) {
		fmt.Fprintln(p.stderr, text)
	}
	s.plan(ctx)
	if err := out.Flush(); err != nil {
		return p.errorf("plates: %v", err)
	}
	if !f.dryRun {
		s.apply(ctx)
	}
	if err := out.Flush(); err != nil {
		return p.errorf("plates: %v", err)
	}
	return s.outcome.code()
}

// options loads the local lists. Rules that do not load synchronize nothing: half a
// list must not take the other half off the cameras.
func (f *syncFlags) options(p process, site *config.Site) (plates.SyncOptions, error) {
	rules, problems := rulefile.Load(f.rulesDir(site.File), ruleSite(site))
	if printRuleProblems(p.stderr, rowProblems(problems)) {
		return plates.SyncOptions{}, errors.New("the rules do not load: nothing is synchronized")
	}
	if f.prune {
		n := 0
		for _, r := range problems {
			if leftOut(r) {
				n++
			}
		}
		if n > 0 {
			return plates.SyncOptions{}, fmt.Errorf("%s of the list files cannot be used; with --prune their plates would be taken off the cameras: nothing is synchronized", count(n, "row"))
		}
	}
	now := wallClock()
	if now.IsZero() {
		return plates.SyncOptions{}, errNoClock
	}
	return plates.SyncOptions{Local: rules.Lists, Now: now, Zone: siteZone(site), Prune: f.prune, AllowEmpty: f.empty}, nil
}

// rowProblems are the errors, and what says that a plate is missing.
func rowProblems(problems []rulefile.Problem) []rulefile.Problem {
	var out []rulefile.Problem
	for _, r := range problems {
		if !r.Warning || leftOut(r) {
			out = append(out, r)
		}
	}
	return out
}

// leftOut tells whether a warning means that plates of a list file are not there.
func leftOut(r rulefile.Problem) bool {
	return r.Warning && strings.Contains(r.Message, "left out")
}

// synchronizing is one run of `sallyport plates sync`.
type synchronizing struct {
	f       *syncFlags
	p       process
	out     *bufio.Writer
	zone    *time.Location
	options plates.SyncOptions
	devices []*listDevice
	plans   []*plates.Plan // nil: there is none
	outcome listOutcome
}

// plan reads every camera and prints what is to be done.
func (s *synchronizing) plan(ctx context.Context) {
	s.plans = make([]*plates.Plan, len(s.devices))
	errs := make([]error, len(s.devices))
	sideBySide(s.devices, func(i int, d *listDevice) {
		if errs[i] = d.err; errs[i] != nil {
			return
		}
		o := s.options
		o.Mapping = d.mapping
		s.plans[i], errs[i] = plates.ReadPlan(ctx, d, o)
	})
	for i, d := range s.devices {
		plan := s.plans[i]
		switch {
		case errs[i] != nil:
			s.fail(d, errs[i])
			continue
		case s.f.asJSON:
			s.planJSON(d, plan)
		default:
			s.planText(d, plan)
		}
		s.outcome.refused = s.outcome.refused || plan.Bad()
	}
}

// fail says that nothing, or nothing more, is done with a camera.
func (s *synchronizing) fail(d *listDevice, err error) {
	if errors.Is(err, context.Canceled) {
		err = errStopped
	}
	s.outcome.note(s.p, d.name, err)
	if s.f.asJSON {
		writeJSON(s.out, syncJSON{Type: "error", Camera: d.name, Text: err.Error(), Unreachable: unreachable(err)})
	}
}

var errStopped = errors.New("stopped; the same command goes on")

// How many lines a camera's plan takes without -v.
const (
	mostSteps    = 20
	mostFindings = 50
)

func (s *synchronizing) planText(d *listDevice, plan *plates.Plan) {
	var parts []string
	for _, part := range []struct {
		n    int
		text string
	}{
		{plan.Count(plates.OpAdd), "to add"}, {plan.Count(plates.OpChange), "to change"}, {plan.Count(plates.OpMove), "to move"},
		{plan.Count(plates.OpRemove), "to remove"}, {plan.Found(plates.FoundConflict), "in conflict"},
		{plan.Found(plates.FoundUnfit), "that no camera can hold"}, {plan.Found(plates.FoundLocal), "not for the camera"},
		{plan.Found(plates.FoundKept), "only on the camera, kept (--prune takes them off)"}, {plan.Same, "as they are"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.text))
		}
	}
	if n := plan.Found(plates.FoundRefused); n > 0 {
		parts = append(parts, count(n, "list")+" left alone")
	}
	if len(parts) == 0 {
		parts = append(parts, "no plates")
	}
	fmt.Fprintf(s.out, "%s: %s\n", d.title(), strings.Join(parts, ", "))
	steps, findings := plan.Steps, plan.Findings
	if !s.f.all {
		steps, findings = steps[:min(len(steps), mostSteps)], findings[:min(len(findings), mostFindings)]
	}
	for _, f := range findings {
		sign := map[bool]string{true: "!", false: "·"}[f.Kind.Bad()]
		fmt.Fprintf(s.out, "  %s %s\n", sign, printable(findingText(f)))
	}
	s.more(len(plan.Findings) - len(findings))
	for _, st := range steps {
		fmt.Fprintf(s.out, "  %s\n", printable(stepText(st)))
	}
	s.more(len(plan.Steps) - len(steps))
	if len(plan.Unmapped) > 0 && s.f.all {
		fmt.Fprintf(s.out, "  on no list of the camera: the local %s\n", strings.Join(plan.Unmapped, ", "))
	}
}

func (s *synchronizing) more(n int) {
	if n > 0 {
		fmt.Fprintf(s.out, "  … and %d more (-v prints all)\n", n)
	}
}

func findingText(f plates.Finding) string {
	text := f.Text
	if f.List != "" {
		text = f.List + ": " + text
	}
	if f.Number != "" {
		text = f.Number + "  " + text
	}
	if f.Kind == plates.FoundConflict {
		text += ": nothing is done"
	}
	return text
}

func stepText(st plates.Step) string {
	sign, list := "", plates.ListWord(st.Plate.Group)
	switch st.Op {
	case plates.OpAdd:
		sign = "+"
	case plates.OpRemove:
		sign = "-"
	case plates.OpChange:
		sign = "~"
	case plates.OpMove:
		sign, list = ">", plates.ListWord(st.From)+" to "+list
	}
	text := sign + " " + st.Plate.Number + "  " + list
	if st.Why != "" {
		text += ": " + st.Why
	}
	return text
}

// syncJSON is a line of `plates sync --json`.
type syncJSON struct {
	Type        string `json:"type"` // finding, step, plan, failed, result, error
	Camera      string `json:"camera"`
	Kind        string `json:"kind,omitempty"` // of a finding
	Op          string `json:"op,omitempty"`   // of a step
	Plate       string `json:"plate,omitempty"`
	List        string `json:"list,omitempty"`
	FromList    string `json:"from_list,omitempty"`
	Owner       string `json:"owner,omitempty"`
	From        string `json:"from,omitempty"`
	Until       string `json:"until,omitempty"`
	Text        string `json:"text,omitempty"`
	Unreachable bool   `json:"unreachable,omitempty"`
	*syncCounts
}

type syncCounts struct {
	Add    int `json:"add"`
	Change int `json:"change"`
	Move   int `json:"move"`
	Remove int `json:"remove"`
	Same   int `json:"same"`
	Failed int `json:"failed"`
	Left   int `json:"left"`
}

func (s *synchronizing) planJSON(d *listDevice, plan *plates.Plan) {
	for _, f := range plan.Findings {
		writeJSON(s.out, syncJSON{Type: "finding", Camera: d.name, Kind: string(f.Kind), Plate: f.Number, List: f.List, Text: f.Text})
	}
	for _, st := range plan.Steps {
		writeJSON(s.out, s.stepJSON("step", d, st, st.Why))
	}
	writeJSON(s.out, syncJSON{Type: "plan", Camera: d.name, syncCounts: &syncCounts{
		Add: plan.Count(plates.OpAdd), Change: plan.Count(plates.OpChange), Move: plan.Count(plates.OpMove), Remove: plan.Count(plates.OpRemove),
		Same: plan.Same, Left: len(plan.Steps),
	}})
}

func (s *synchronizing) stepJSON(kind string, d *listDevice, st plates.Step, text string) syncJSON {
	j := syncJSON{
		Type: kind, Camera: d.name, Op: string(st.Op), Plate: st.Plate.Number, List: plates.ListWord(st.Plate.Group), Owner: st.Plate.Owner,
		From: rfc3339(st.Plate.Begin, s.zone), Until: rfc3339(st.Plate.End, s.zone), Text: text,
	}
	if st.From != "" {
		j.FromList = plates.ListWord(st.From)
	}
	return j
}

// apply carries the plans out and prints what came of them.
func (s *synchronizing) apply(ctx context.Context) {
	show := newProgress(s.p.stderr)
	results := make([]*plates.Result, len(s.devices))
	sideBySide(s.devices, func(i int, d *listDevice) {
		plan := s.plans[i]
		if plan == nil || len(plan.Steps) == 0 {
			return
		}
		results[i] = plates.Apply(ctx, d, plan, func(done int) { show.set(d.name, done, len(plan.Steps)) })
	})
	show.end()
	for i, d := range s.devices {
		r := results[i]
		if r == nil {
			continue
		}
		left := len(s.plans[i].Steps) - len(r.Done) - len(r.Failed)
		if s.f.asJSON {
			for _, f := range r.Failed {
				writeJSON(s.out, s.stepJSON("failed", d, f.Step, f.Err.Error()))
			}
			writeJSON(s.out, syncJSON{Type: "result", Camera: d.name, syncCounts: &syncCounts{
				Add: r.Count(plates.OpAdd), Change: r.Count(plates.OpChange), Move: r.Count(plates.OpMove), Remove: r.Count(plates.OpRemove),
				Same: s.plans[i].Same, Failed: len(r.Failed), Left: left,
			}})
		} else {
			fmt.Fprintf(s.out, "%s: done: %d added, %d changed, %d moved, %d removed", d.name, r.Count(plates.OpAdd), r.Count(plates.OpChange), r.Count(plates.OpMove), r.Count(plates.OpRemove))
			if n := len(r.Failed); n > 0 {
				fmt.Fprintf(s.out, "; %d refused", n)
			}
			if left > 0 {
				fmt.Fprintf(s.out, "; %d left, the same command finishes it", left)
			}
			fmt.Fprintln(s.out)
			s.failures(r.Failed)
		}
		s.outcome.refused = s.outcome.refused || len(r.Failed) > 0
		if r.Err != nil {
			s.fail(d, r.Err)
		}
	}
}

// failures prints which steps the camera refused; of those for one reason, which a
// device that cannot remove plates has for every one, the first.
func (s *synchronizing) failures(failed []plates.StepError) {
	const most = 5
	byReason := make(map[string]int)
	for _, f := range failed {
		reason := f.Err.Error()
		var answer *client.Error
		if errors.As(f.Err, &answer) {
			reason = fmt.Sprint(answer.Command, answer.Code)
		}
		if byReason[reason]++; byReason[reason] <= most || s.f.all {
			fmt.Fprintf(s.out, "  ! %s %s on %s: %s\n", f.Step.Op, printable(f.Step.Plate.Number), printable(plates.ListWord(f.Step.Plate.Group)), printable(f.Err.Error()))
		}
	}
	n := 0
	for _, times := range byReason {
		if !s.f.all {
			n += max(0, times-most)
		}
	}
	s.more(n)
}

// progress shows on a terminal how far each camera is, and nothing elsewhere.
type progress struct {
	w io.Writer // nil: nobody looks

	mu    sync.Mutex // covers the fields below
	names []string
	text  map[string]string
	last  time.Time
	width int
}

func newProgress(w io.Writer) *progress {
	pr := &progress{text: make(map[string]string)}
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			pr.w = w
		}
	}
	return pr
}

// set says how far a camera is.
func (pr *progress) set(name string, done, of int) {
	if pr.w == nil {
		return
	}
	pr.mu.Lock()
	defer pr.mu.Unlock()
	if _, ok := pr.text[name]; !ok {
		pr.names = append(pr.names, name)
	}
	pr.text[name] = fmt.Sprintf("%s %d/%d", name, done, of)
	if now := time.Now(); now.Sub(pr.last) >= 100*time.Millisecond {
		pr.last = now
		pr.show()
	}
}

// mostWidth keeps the line on one row of a terminal.
const mostWidth = 78

func (pr *progress) show() {
	var line string
	for _, n := range pr.names {
		line += pr.text[n] + "  "
	}
	line = line[:min(len(line), mostWidth)]
	fmt.Fprintf(pr.w, "\r%-*s", pr.width, line)
	pr.width = len(line)
}

// end wipes the line.
func (pr *progress) end() {
	if pr.w == nil {
		return
	}
	pr.mu.Lock()
	defer pr.mu.Unlock()
	fmt.Fprintf(pr.w, "\r%*s\r", pr.width, "")
}

// waitingTime is how long the running program may take to say which edits wait.
const waitingTime = time.Second

// waitingEdits says which plate edits the running program still has for the cameras.
// When none runs, or it says nothing, there is nothing to say.
func waitingEdits(ctx context.Context, site *config.Site, devices []*listDevice) []string {
	ctx, cancel := context.WithTimeout(ctx, waitingTime)
	defer cancel()
	resp, err := newConsoleClient(site).get(ctx, "outbox")
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	var page struct {
		Items []struct {
			To string `json:"to"`
		} `json:"items"`
	}
	if resp.StatusCode != http.StatusOK || json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&page) != nil {
		return nil
	}
	waiting := make(map[string]int)
	for _, it := range page.Items {
		waiting[it.To]++
	}
	var out []string
	for _, d := range devices {
		for _, name := range append([]string{d.name}, d.also...) {
			if n := waiting["camera "+name]; n > 0 {
				out = append(out, fmt.Sprintf("%s: %s by rules still wait for this camera; the running program makes them too", name, count(n, "edit")))
			}
		}
	}
	return out
}

// undone says what the next sync would do to one plate, when on is what a camera has
// of it; empty when nothing.
func undone(groups []client.Group, on []client.Plate, number string, o plates.SyncOptions) string {
	o.Prune, o.AllowEmpty = true, true
	plan, err := plates.NewPlan(groups, on, o)
	if err != nil {
		return ""
	}
	normal := engine.NormalPlate(number)
	for _, st := range plan.Steps {
		if engine.NormalPlate(st.Plate.Number) != normal {
			continue
		}
		switch st.Op {
		case plates.OpAdd:
			return "the next sync puts it on " + plates.ListWord(st.Plate.Group) + " again, where a local list has it"
		case plates.OpMove:
			return "the next sync moves it to " + plates.ListWord(st.Plate.Group) + ", where a local list has it"
		case plates.OpChange:
			return "the next sync changes it, as a local list says: " + st.Why
		case plates.OpRemove:
			if st.Why == plates.OnNoList {
				return "no local list for the camera has it; a sync with --prune takes it off"
			}
			return "the next sync takes it off: " + st.Why
		}
	}
	for _, f := range plan.Findings {
		if f.Kind == plates.FoundConflict && engine.NormalPlate(f.Number) == normal {
			return "the next sync will show a conflict: " + f.Text
		}
	}
	return ""
}
