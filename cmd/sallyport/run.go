package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/actions"
	cameraverb "github.com/sallyport/sallyport/actions/camera"
	"github.com/sallyport/sallyport/actions/plates"
	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/watch"

	"github.com/sallyport/sallyport/web"
)

// stopTime is how long a graceful stop waits for what is on its way, after the
// relays are off.
const stopTime = 1500 * time.Millisecond

// runAppliance is `sallyport run`.
func runAppliance(ctx context.Context, p process, args []string) int {
	var sf siteFlags
	fs := p.flags("run")
	sf.add(fs)
	asJSON := fs.Bool("json", false, "print events and decisions as JSON, one object a line")
	record := fs.String("record", "", "also add what comes in to this replay `file`")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if !noArgs(fs, rest) {
		return exitUsage
	}
	file := sf.siteFile()
	if file == "" {
		return p.errorf("run: %v", errNoSiteFile)
	}
	site, problems := config.Load(file)
	if printSiteProblems(p.stderr, problems) {
		return exitError
	}
	s := service{process: p, site: site, dir: sf.rulesDir(file), json: *asJSON, record: *record}
	if err := s.run(ctx); err != nil {
		return p.errorf("run: %v", err)
	}
	return exitOK
}

// service is an appliance with its ports, its printed lines and its reloads.
type service struct {
	process
	site   *config.Site
	dir    string
	json   bool
	quiet  bool // alarms and plates are not printed as events
	record string
	shift  time.Duration
	// started is told the address of the camera port once everything runs; it may
	// play something and its end ends the service.
	started func(ctx context.Context, cameras net.Addr) error
	// running is given the appliance before its loop begins; nil for nobody.
	running func(*appliance)
	// relays are used instead of the site's own lines, by a demonstration.
	relays []relay.Config
}

// run starts everything in the order that is safe, and stops it in the reverse.
func (s *service) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out, errs := newOutput(s.stdout), newOutput(s.stderr)
	defer out.close()
	defer errs.close()
	log := slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: slog.LevelInfo}))
	lines := printer{out: out, json: s.json, quiet: s.quiet, loc: s.site.Location.Zone}

	unlock, err := lockData(s.site.Data)
	switch {
	case errors.Is(err, errDataInUse):
		return err
	case err != nil:
		log.Warn("the data folder cannot be used", "error", err)
	default:
		defer unlock()
	}
	if err := keepSite(s.site); err != nil {
		log.Warn("the site file could not be copied for `sallyport off`", "error", err)
	}
	accounts, err := openAccounts(s.site.Data, log)
	if err != nil {
		return err
	}
	remote := !s.site.Listen.ConsoleOnLoopback()
	if remote && len(accounts.current().Users) == 0 {
		return fmt.Errorf("listen.console: other machines can reach %q, and no password is set: set one with `sallyport passwd -c %s` first", s.site.Listen.Console, s.site.File)
	}
	encryption, fingerprint, err := consoleTLS(s.site, log)
	if err != nil {
		return err
	}
	cams, err := inputCameras(s.site, s.process)
	if err != nil {
		return err
	}
	devices, err := deviceClientsSaying(s.site, s.process, func(text string) { log.Warn(text) })
	if err != nil {
		return err
	}
	if s.relays == nil {
		if s.relays, err = openRelays(s.site, devices); err != nil {
			return err
		}
	}

	seen := newPlateWatch()
	r := &reloader{dir: s.dir, seen: seen, data: s.site.Data, site: ruleSite(s.site), imports: importsPath(s.site.Data), log: log, note: lines.note,
		tell: errs.text}
	w := watch.New(s.dir, watch.Options{Problem: func(err error) { log.Warn("watching the rules folder", "error", err) }})
	defer w.Close()
	rules := r.first()
	if time.Now().Year() < engine.ClockSetYear {
		log.Warn("the clock is not set: schedules are unknown until it is", "now", time.Now())
	}

	parts := parts{
		plates: seen, live: newLive(web.NewHub()),
		site: s.site, rules: rules, cameras: cams, relays: s.relays, log: log, shift: s.shift,
		onEvent: lines.event, onDecision: lines.decision, onRelay: lines.relay, onCamera: lines.camera, onLog: lines.logStep,
	}
	parts.secret = s.secret
	for _, n := range s.site.Secrets {
		if _, err := s.secret(n.Name); err != nil {
			log.Error("what is signed with a secret waits until it is there", "secret", n.Name, "error", err)
		}
	}
	if s.site.RunAs != "" {
		if parts.runAs, err = actions.LookupUser(s.site.RunAs); err != nil {
			return errors.Join(err, closeRelays(s.relays))
		}
	}
	if !s.json { // decisions say what was decided, and `why` the rest
		parts.onClosed = lines.closed
	}
	for _, c := range s.site.Cameras {
		if d := devices[c.Name]; d != nil {
			parts.lists = append(parts.lists, plates.Camera{Name: c.Name, Lists: d, Device: strings.ToLower(c.URL), Apart: c.NoLists})
			parts.devices = append(parts.devices, cameraverb.Camera{Name: c.Name, Device: d, Channel: outputChannel(s.site, c.Name)})
		}
	}
	// A demonstration always begins anew, and keeps nothing but a replay file.
	var kept *disk
	var lastEntry int64 // of earlier runs
	if s.site.Data != "" && s.shift == 0 {
		parts.state = loadState(filepath.Join(s.site.Data, stateFile), log, lines.note)
		parts.marks = loadMarks(filepath.Join(s.site.Data, marksFile), log)
		parts.relayState = loadRelays(filepath.Join(s.site.Data, relaysFile), log, lines.note)
		if kept, err = openDisk(s.site, s.record, siteSecrets(s.site, s.process), log); err != nil {
			return errors.Join(err, closeRelays(s.relays))
		}
		log = slog.New(tee{log.Handler(), kept.told})
		parts.log = log
		kept.serve(&parts)
		kept.told.added = parts.live.entry
		lastEntry = kept.journal.Head().ID
		r.log, r.tellJournal = log, func(hash string, loaded bool, problems []string) {
			kept.told.reload(engine.Instant{Wall: time.Now()}, hash, loaded, problems)
		}
		if said := r.said(); len(said) > 0 {
			r.tellJournal(rules.Hash, r.current().instead == "", said)
		}
		defer func() {
			if err := kept.close(); err != nil {
				log.Error(err.Error())
			}
		}()
	} else if s.record != "" {
		if parts.rec, err = newRecorder(recorderConfig{file: s.record, log: log}); err != nil {
			return errors.Join(err, closeRelays(s.relays))
		}
		defer func() {
			if err := parts.rec.close(); err != nil {
				log.Error(err.Error())
			}
		}()
	}
	a, err := newAppliance(parts)
	if err != nil {
		return errors.Join(err, closeRelays(s.relays))
	}
	// Whatever ends this function, relays go off before their lines are released.
	defer func() {
		err = errors.Join(err, a.closeRelays())
		a.closeRunner()
		a.last()
		lines.note("stopped")
	}()

	cameraPort, err := net.Listen("tcp", s.site.Listen.Cameras)
	if err != nil {
		return fmt.Errorf("listen.cameras: %w", err)
	}
	defer cameraPort.Close()
	consolePort, err := web.Listen(s.site.Listen.Console, remote)
	if err != nil {
		return fmt.Errorf("listen.console: %w", err)
	}
	defer consolePort.Close()
	zones := &driftWatch{inForce: r.inForce, cameras: driftCameras(s.site, devices), tell: a.health.zones, log: log}
	src := &source{appliance: a, reloader: r, zones: zones, site: s.site, disk: kept, accounts: accounts}
	localToken, forget, err := keepLocalToken(s.site.Data)
	if err != nil && len(accounts.current().Users) > 0 {
		log.Warn("`why` and other commands cannot ask this program, for there is a password", "error", err)
	}
	defer forget()
	console, err := web.New(web.Config{
		Source: src.web(), Log: log, Site: s.site.Name, Remote: remote, Names: consoleNames(s.site), TLS: encryption, Fingerprint: fingerprint, LocalToken: localToken,
	})
	if err != nil {
		return err
	}

	consoleAt := "http://" + reachable(consolePort.Addr())
	if encryption != nil {
		consoleAt = "https://" + reachable(consolePort.Addr())
	}
	var wg sync.WaitGroup
	failed := make(chan error, 3)
	wg.Go(func() { failed <- a.port.Serve(cameraPort) })
	wg.Go(func() { failed <- console.Serve(consolePort) })
	wg.Go(func() { src.tellStreams(ctx) })
	wg.Go(func() { src.loadTally(ctx, lastEntry) })
	wg.Go(func() { src.strangers(ctx, consoleAt, lines.note) })
	loopCtx, stopLoop := context.WithCancel(context.Background())
	defer stopLoop()
	if s.running != nil {
		s.running(a)
	}
	go a.loop(loopCtx)
	wg.Go(func() { r.watch(ctx, w, s.hangup, a.swapRules) })
	wg.Go(func() { zones.run(ctx) })
	wg.Go(func() { a.watchCameras(ctx, devices) })
	if kept != nil {
		wg.Go(func() { kept.tidy(ctx) })
		wg.Go(func() { a.resumeOutbox(ctx) })
	}
	lines.note(fmt.Sprintf("%s: %s, %s; %s: %s, %s", s.site.File, count(len(s.site.Cameras), "camera"), count(len(s.site.Relays), "relay"),
		s.dir, count(len(rules.Rules), "rule"), count(len(rules.Zones), "zone")))
	lines.note(fmt.Sprintf("cameras post to http://%s; the console is at %s", reachable(cameraPort.Addr()), consoleAt))
	if fingerprint != "" {
		lines.note("the console's certificate is its own; compare its SHA-256 once: " + fingerprint)
	}
	if remote && encryption == nil {
		log.Warn("insecure: passwords for the console go over the network for all to read")
	}
	manager := supervisor{log}
	manager.ready()
	// Until the loop has ended: a stop that hangs is ended by the service manager too.
	wg.Go(func() { manager.watch(loopCtx, a.well) })
	if s.started != nil {
		wg.Go(func() {
			if err := s.started(ctx, cameraPort.Addr()); err != nil && ctx.Err() == nil {
				failed <- err
				return
			}
			cancel()
		})
	}

	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	// Rules end and relays go off before anything is waited for: what is still on
	// its way in moves nothing any more.
	cancel()
	stopLoop()
	lines.note("the program ends")
	stopCtx, stop := context.WithTimeout(context.Background(), stopTime)
	defer stop()
	select {
	case <-a.stopped:
	case <-stopCtx.Done():
		log.Error("the loop does not end; relays are turned off all the same")
	}
	err = errors.Join(err, a.closeRelays())
	manager.stopping()
	var ports sync.WaitGroup
	ports.Go(func() { _ = a.port.Shutdown(stopCtx) })
	ports.Go(func() { _ = console.Shutdown(stopCtx) })
	ports.Go(a.closeRunner)
	ports.Wait()
	over := make(chan struct{})
	go func() {
		wg.Wait()
		close(over)
	}()
	select {
	case <-over:
	case <-stopCtx.Done():
	}
	return err
}

// reachable is an address as others would type it: of a port that is open on all
// addresses the first that other machines can reach.
func reachable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsUnspecified() {
		return a.String()
	}
	all, _ := net.InterfaceAddrs() // without them the port alone is said
	for _, own := range all {
		if n, ok := own.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return net.JoinHostPort(n.IP.String(), port)
		}
	}
	return net.JoinHostPort("localhost", port)
}

// secret finds a secret of the site file.
func (s *service) secret(name string) (string, error) {
	secret, ok := s.site.Secret(name)
	if !ok {
		return "", fmt.Errorf("there is no secret %q in the site file", name)
	}
	return secret.Value(s.getenv, os.ReadFile)
}

// printer writes a line an event and a line a decision. Decisions come from the
// loop and notes from elsewhere, hence the lock.
type printer struct {
	out   *output
	json  bool
	quiet bool
	loc   *time.Location
}

func (l *printer) event(ev *engine.Event) {
	switch {
	case l.json:
		l.out.text(string(ev.AppendJSON(nil)))
	case ev.Kind == engine.KindHeartbeat:
		// One every few seconds from each camera would hide what happens.
	case l.quiet && (ev.Kind == engine.KindAlarm || ev.Kind == engine.KindPlate):
		// The decision that follows says it in fewer words.
	case l.quiet:
		l.out.text(fmt.Sprintf("%s  %-10s %s says %s", ev.Received.In(l.loc).Format(clockMillis), "event", ev.Camera, ev.Kind))
	default:
		l.out.text(fmt.Sprintf("%s  %-10s %s", ev.Received.In(l.loc).Format(clockMillis), "event", ev.AppendJSON(nil)))
	}
}

// decision hands a copy on: what it points to does not change any more, so the
// text can be made elsewhere.
func (l *printer) decision(d *engine.Decision) {
	if !l.json && d.Do != nil && d.Do.Step.Verb() == engine.VerbLog {
		return // the line it writes says more
	}
	c := *d
	l.out.line(func(b []byte) []byte {
		if l.json {
			return c.AppendJSON(b)
		}
		return append(b, decisionText(&c, l.loc)...)
	})
}

// relay writes a relay's new level, and why.
func (l *printer) relay(at engine.Instant, c relay.Change) {
	if l.json || c.Cause == "" && !c.On {
		return // off at the start is no news
	}
	text := fmt.Sprintf("%s  %-10s %s is %s", at.Wall.In(l.loc).Format(clockMillis), "relay", c.Relay, onOff(c.On))
	if c.Cause != "" {
		text += " (" + printable(c.Cause) + ")"
	}
	if c.Fault != "" {
		text += ", fault: " + printable(c.Fault)
	}
	l.out.text(text)
}

// closed writes why a plate made no rule fire.
func (l *printer) closed(at engine.Instant, plate string, why []string) {
	for _, w := range why {
		l.out.text(fmt.Sprintf("%s  %-10s %s: %s", at.Wall.In(l.loc).Format(clockMillis), "no firing", printable(plate), printable(w)))
	}
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// logStep writes the line of a log step.
func (l *printer) logStep(at engine.Instant, rule, line string) {
	if l.json {
		return // the decision says it
	}
	l.out.text(fmt.Sprintf("%s  %-10s %s (%s)", at.Wall.In(l.loc).Format(clockMillis), "log", printable(line), printable(rule)))
}

// note writes a line that is neither. In JSON it would be in the way.
func (l *printer) note(text string) {
	if !l.json {
		l.out.text(text)
	}
}
