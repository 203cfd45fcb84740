package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/actions/plates"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/journal"
	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/web"
)

// askListsTime is how long a device may take to say what is on its lists.
const askListsTime = 4500 * time.Millisecond

// syncTellEvery is how often a synchronization says how far it is.
const syncTellEvery = 300 * time.Millisecond

// plateSyncs brings the cameras' lists up to the local ones, by the clients of the running program: a device is asked one
// thing at a time, whoever asks.
type plateSyncs struct {
	*source
	busy sync.Mutex
}

// devices are those with lists.
func (p *plateSyncs) devices(camera string) ([]*listDevice, error) {
	devices, _, err := listDevicesOf(p.site, camera, p.ownClients)
	if err != nil {
		return nil, web.RefusedError(err.Error())
	}
	if len(devices) == 0 {
		return nil, web.RefusedError("no camera of the site file has plate lists that can be asked for: give one its url")
	}
	return devices, nil
}

// ownClients are the running program's clients for the cameras of a site.
func (p *plateSyncs) ownClients(site *config.Site) (map[string]*client.Client, error) {
	own := make(map[string]*client.Client)
	var errs []error
	for _, c := range site.Cameras {
		if own[c.Name] = p.clients[c.Name]; own[c.Name] == nil {
			errs = append(errs, fmt.Errorf("camera %q: it cannot be called; the log of the start says why", c.Name))
		}
	}
	return own, errors.Join(errs...)
}

// cameras asks every device what is on its lists, side by side.
func (p *plateSyncs) cameras(ctx context.Context) ([]web.CameraLists, error) {
	devices, _, err := listDevicesOf(p.site, "", p.ownClients)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, askListsTime)
	defer cancel()
	out := make([]web.CameraLists, len(devices))
	sideBySide(devices, func(i int, d *listDevice) {
		out[i].Camera = d.title()
		out[i].Lists, out[i].Error = sizes(ctx, d)
	})
	return out, nil
}

// sizes are the lists of a device, or why it cannot say.
func sizes(ctx context.Context, d *listDevice) ([]web.CameraListSize, string) {
	if d.err != nil {
		return nil, d.err.Error()
	}
	groups, err := d.PlateGroups(ctx)
	if err != nil {
		return nil, deviceWords(err)
	}
	on, err := d.AllPlates(ctx)
	if err != nil {
		return nil, deviceWords(err)
	}
	var out []web.CameraListSize
	for _, g := range groups {
		size := web.CameraListSize{Name: plates.ListWord(g.Name)}
		for i := range on {
			if on[i].Group == g.Name {
				size.Entries++
			}
		}
		out = append(out, size)
	}
	return out, ""
}

// deviceWords says why a device was of no use.
func deviceWords(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "it did not answer in time"
	case errors.Is(err, context.Canceled):
		return "stopped; a new plan goes on from here"
	}
	return err.Error()
}

// options are what a plan goes by: the rule files as they are now. Rules that do not load synchronize nothing: half a list
// must not take the other half off the cameras.
func (p *plateSyncs) options(prune bool) (plates.SyncOptions, error) {
	rules, problems := rulefile.Load(p.dir, p.siteNow())
	if rulefile.Failed(problems) {
		return plates.SyncOptions{}, errors.New("the rules do not load: nothing is synchronized")
	}
	left := 0
	for _, r := range problems {
		if leftOut(r) {
			left++
		}
	}
	if prune && left > 0 {
		return plates.SyncOptions{}, fmt.Errorf("%s of the list files cannot be used; their plates would be taken off the cameras: nothing is synchronized", count(left, "row"))
	}
	if wallClock().IsZero() {
		return plates.SyncOptions{}, errNoClock
	}
	return plates.SyncOptions{Local: rules.Lists, Now: p.instant(time.Now()).Wall, Zone: siteZone(p.site), Prune: prune}, nil
}

// madePlan is a plan for every device, as it is done and as it is shown.
type madePlan struct {
	devices []*listDevice
	plans   []*plates.Plan // nil: there is none
	shown   web.SyncPlan
}

func (p *plateSyncs) make(ctx context.Context, q web.SyncQuery, tell func(done float64, text string)) (*madePlan, error) {
	devices, err := p.devices(q.Camera)
	if err != nil {
		return nil, err
	}
	o, err := p.options(q.Prune)
	if err != nil {
		return nil, err
	}
	m := &madePlan{devices: devices, plans: make([]*plates.Plan, len(devices)), shown: web.SyncPlan{Camera: q.Camera, Prune: q.Prune}}
	m.shown.Cameras = make([]web.SyncCamera, len(devices))
	waiting := p.waiting()
	var mu sync.Mutex
	read := 0
	sideBySide(devices, func(i int, d *listDevice) {
		err := d.err
		if err == nil {
			own := o
			own.Mapping = d.mapping
			m.plans[i], err = plates.ReadPlan(ctx, d, own)
		}
		m.shown.Cameras[i] = shownPlan(d, m.plans[i], err, waiting)
		mu.Lock()
		defer mu.Unlock()
		read++
		tell(float64(read)/float64(len(devices)), fmt.Sprintf("%d of %s read", read, count(len(devices), "camera")))
	})
	return m, ctx.Err()
}

// waiting counts the edits by rules that still wait for each camera.
func (p *plateSyncs) waiting() map[string]int {
	n := make(map[string]int)
	for _, parcel := range p.runner.Outbox() {
		n[parcel.Lane]++
	}
	return n
}

// shownPlan is a device's plan as the console shows it.
func shownPlan(d *listDevice, plan *plates.Plan, err error, waiting map[string]int) web.SyncCamera {
	c := web.SyncCamera{Camera: d.title()}
	if err != nil {
		c.Error = deviceWords(err)
		return c
	}
	for _, name := range append([]string{d.name}, d.also...) {
		if n := waiting["camera "+name]; n > 0 {
			c.Findings = append(c.Findings, web.SyncFinding{Kind: "note", Text: count(n, "edit") + " by rules still wait for this camera and are made too"})
		}
	}
	for _, f := range plan.Findings {
		c.Findings = append(c.Findings, web.SyncFinding{Kind: string(f.Kind), Plate: f.Number, List: f.List, Text: strings.ReplaceAll(f.Text, "--prune", "the box for plates that only the camera has")})
	}
	for _, st := range plan.Steps {
		s := web.SyncStep{Op: string(st.Op), Plate: st.Plate.Number, List: plates.ListWord(st.Plate.Group), Text: st.Why}
		if st.From != "" {
			s.FromList = plates.ListWord(st.From)
		}
		c.Steps = append(c.Steps, s)
	}
	c.Same = plan.Same
	return c
}

func (p *plateSyncs) plan(ctx context.Context, q web.SyncQuery, tell func(done float64, text string)) (web.SyncPlan, error) {
	m, err := p.make(ctx, q, tell)
	if err != nil {
		return web.SyncPlan{}, err
	}
	return m.shown, nil
}

// errOtherPlan says that what was shown is not what would be done now.
var errOtherPlan = errors.New("the lists changed since the plan was made: look again, nothing was done")

func (p *plateSyncs) sync(ctx context.Context, shown web.SyncPlan, who string, tell func(done float64, text string, plan web.SyncPlan)) (web.SyncPlan, error) {
	if !p.busy.TryLock() {
		return web.SyncPlan{}, errors.New("another synchronization is under way")
	}
	defer p.busy.Unlock()
	m, err := p.make(ctx, web.SyncQuery{Camera: shown.Camera, Prune: shown.Prune}, func(float64, string) {})
	if err != nil {
		return web.SyncPlan{}, err
	}
	if !samePlan(shown, m.shown) {
		return web.SyncPlan{}, errOtherPlan
	}
	if p.told != nil {
		p.told.platesSync(p.instant(time.Now()).Wall, who, m.shown)
	}
	progress := &syncProgress{plan: m.shown, tell: tell}
	results := make([]*plates.Result, len(m.devices))
	sideBySide(m.devices, func(i int, d *listDevice) {
		if plan := m.plans[i]; plan != nil && len(plan.Steps) > 0 {
			results[i] = plates.Apply(ctx, d, plan, func(done int) { progress.over(i, done) })
		}
	})
	for i, r := range results {
		if r != nil {
			settle(&progress.plan.Cameras[i], m.plans[i], r)
		}
	}
	progress.end()
	return progress.plan, ctx.Err()
}

// samePlan tells whether the same would be done.
func samePlan(a, b web.SyncPlan) bool {
	return slices.EqualFunc(a.Cameras, b.Cameras, func(a, b web.SyncCamera) bool {
		return a.Camera == b.Camera && (a.Error == "") == (b.Error == "") && slices.Equal(a.Steps, b.Steps)
	})
}

// settle notes what came of the steps.
func settle(c *web.SyncCamera, plan *plates.Plan, r *plates.Result) {
	type step struct{ op, plate, group string }
	of := func(s plates.Step) step { return step{string(s.Op), s.Plate.Number, s.Plate.Group} }
	done, failed := make(map[step]bool), make(map[step]string)
	for _, s := range r.Done {
		done[of(s)] = true
	}
	for _, f := range r.Failed {
		failed[of(f.Step)] = f.Err.Error()
	}
	for i, s := range plan.Steps {
		c.Steps[i].Done, c.Steps[i].Failed = done[of(s)], failed[of(s)]
	}
	if r.Err != nil {
		c.Error = deviceWords(r.Err)
	}
}

// syncProgress says how far a synchronization is, not too often.
type syncProgress struct {
	tell func(done float64, text string, plan web.SyncPlan)

	mu   sync.Mutex // covers what follows
	plan web.SyncPlan
	last time.Time
}

// over notes that the first steps of a device are over.
func (s *syncProgress) over(device, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	steps := s.plan.Cameras[device].Steps
	for i := range steps[:min(n, len(steps))] {
		steps[i].Done = true
	}
	if now := time.Now(); now.Sub(s.last) >= syncTellEvery {
		s.last = now
		s.say()
	}
}

func (s *syncProgress) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say()
}

// say tells it, with a plan that nobody writes to any more. The lock is held.
func (s *syncProgress) say() {
	plan := s.plan
	plan.Cameras = slices.Clone(plan.Cameras)
	all, over := 0, 0
	for i := range plan.Cameras {
		plan.Cameras[i].Steps = slices.Clone(plan.Cameras[i].Steps)
		for _, st := range plan.Cameras[i].Steps {
			all++
			if st.Done || st.Failed != "" {
				over++
			}
		}
	}
	s.tell(float64(over)/float64(max(all, 1)), fmt.Sprintf("%d of %s", over, count(all, "step")), plan)
}

// platesSync tells that somebody had the cameras' lists made equal to the local ones.
func (l *journaling) platesSync(at time.Time, who string, plan web.SyncPlan) {
	n := 0
	for _, c := range plan.Cameras {
		n += len(c.Steps)
	}
	l.add(journal.Entry{At: at, Kind: journal.KindAction}, byHand{"command", l.clean(who), "synchronize the cameras' plate lists, " + count(n, "step"), "done", ""})
}
