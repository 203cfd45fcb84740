package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

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
	// relays are used instead of the site's own lines; nil: those are.
	relays []relay.Config
	// load reads the site file anew for a restart; nil: the file itself is read.
	load func() (*config.Site, []config.Problem)
	// cameraPort and consolePort are the addresses that were got when the site file
	// leaves the port open, so that a restart gets them again.
	cameraPort, consolePort string
	// hash is that of the site file as it was read.
	hash string
	// writing is held by who changes the site file; probes are the devices that were asked.
	writing sync.Mutex
	probes  probes
	// refused says why the program does not run with the site file as it is; empty: it does.
	refused string
	// checked is the site file as it is on the disk.
	checked siteCheck
}

// siteCheck is what was found in the site file when it was last changed.
type siteCheck struct {
	mu     sync.Mutex // guards what follows
	looked bool
	file   os.FileInfo // nil: it could not be looked at
	broken bool
}

// brokenSite says that the program could not start again with the site file as it is;
// empty: it could. The file is read only when it was changed. It says nothing of what stands
// in the file, which not everybody may see.
func (s *service) brokenSite() string {
	if s.site.File == "" {
		return ""
	}
	if s.refused != "" {
		return "the program could not start again with the site file, and goes on with the one before; System says why"
	}
	c := &s.checked
	c.mu.Lock()
	defer c.mu.Unlock()
	info, err := os.Stat(s.site.File)
	if err != nil {
		info = nil
	}
	if !c.looked || (info == nil) != (c.file == nil) || info != nil && (!info.ModTime().Equal(c.file.ModTime()) || info.Size() != c.file.Size()) {
		_, problems := s.readSite()
		c.looked, c.file = true, info
		c.broken = slices.ContainsFunc(problems, func(p config.Problem) bool { return !p.Warning })
	}
	if c.broken {
		return "the site file has errors, so the program could not start again with it; System says which"
	}
	return ""
}

// run runs the appliance until ctx ends, and once more after each restart that was
// asked for. A site file that it cannot be restarted with leaves it with the one before.
func (s *service) run(ctx context.Context) error {
	out, errs := newOutput(s.stdout), newOutput(s.stderr)
	defer out.close()
	defer errs.close()
	s.hash = siteHash(s.site.File)
	var before *restart // the one before a restart that has not succeeded yet
	for {
		o, err := s.once(ctx, out, errs)
		log := slog.New(slog.NewTextHandler(errs, nil))
		switch {
		case o.again != nil && ctx.Err() == nil:
			if err != nil {
				log.Error("not everything ended as it should before the restart", "error", err)
			}
			before = &restart{s.site, s.hash}
			s.site, s.hash, s.refused = o.again.site, o.again.hash, ""
		case err != nil && !o.ran && before != nil && ctx.Err() == nil:
			log.Error("the program cannot be restarted with the site file as it is; the one before is used", "error", err)
			s.site, s.hash, s.refused = before.site, before.hash, err.Error()
			before = nil
		default:
			return err
		}
		supervisor{log}.tell(daemon.SdNotifyWatchdog)
	}
}

// outcomeOfRun is how the appliance ended.
type outcomeOfRun struct {
	ran   bool     // it had started
	again *restart // it is to be started again, with this; nil: it is not
}

// once starts everything in the order that is safe, and stops it in the reverse.
func (s *service) once(ctx context.Context, out, errs *output) (o outcomeOfRun, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	log := slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: slog.LevelInfo}))
	lines := printer{out: out, json: s.json, quiet: s.quiet, loc: s.site.Location.Zone}

	unlock, err := lockData(s.site.Data)
	switch {
	case errors.Is(err, errDataInUse):
		return o, err
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
		return o, err
	}
	remote := !s.site.Listen.ConsoleOnLoopback()
	if remote && s.shift != 0 {
		return o, fmt.Errorf("the console of a demonstration is for this machine only, and others can reach %q: use \"127.0.0.1:8080\"", s.site.Listen.Console)
	}
	if remote && len(accounts.current().Users) == 0 {
		return o, fmt.Errorf("listen.console: other machines can reach %q, and no password is set: set one with `sallyport passwd -c %s` first", s.site.Listen.Console, s.site.File)
	}
	encryption, fingerprint, err := consoleTLS(s.site, log)
	if err != nil {
		return o, err
	}
	cams, err := inputCameras(s.site, s.process)
	if err != nil {
		return o, err
	}
	devices, err := deviceClientsSaying(s.site, s.process, func(text string) { log.Warn(text) })
	if err != nil {
		return o, err
	}
	relays := s.relays
	if relays == nil {
		if relays, err = openRelays(s.site, devices); err != nil {
			return o, err
		}
	}

	seen := newPlateWatch()
	r := &reloader{dir: s.dir, seen: seen, data: s.site.Data, site: ruleSite(s.site), imports: importsPath(s.site.Data), log: log, note: lines.note,
		tell: errs.text, soon: make(chan struct{}, 1)}
	w := watch.New(s.dir, watch.Options{Problem: func(err error) { log.Warn("watching the rules folder", "error", err) }})
	defer w.Close()
	rules := r.first()
	if time.Now().Year() < engine.ClockSetYear {
		log.Warn("the clock is not set: schedules are unknown until it is", "now", time.Now())
	}

	parts := parts{
		plates: seen, live: newLive(web.NewHub()),
		site: s.site, rules: rules, cameras: cams, relays: relays, log: log, shift: s.shift,
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
			return o, errors.Join(err, closeRelays(relays))
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
	var kept *disk
	var lastEntry int64 // of earlier runs
	if s.site.Data != "" {
		parts.state = loadState(filepath.Join(s.site.Data, stateFile), log, lines.note)
		parts.marks = loadMarks(filepath.Join(s.site.Data, marksFile), log)
		parts.relayState = loadRelays(filepath.Join(s.site.Data, relaysFile), log, lines.note)
		if kept, err = openDisk(s.site, s.record, siteSecrets(s.site, s.process), s.shift, log); err != nil {
			return o, errors.Join(err, closeRelays(relays))
		}
		log = slog.New(tee{log.Handler(), kept.told, s.shift})
		parts.log = log
		kept.serve(&parts)
		kept.told.added = parts.live.entry
		lastEntry = kept.journal.Head().ID
		r.log, r.tellJournal = log, func(hash string, loaded bool, problems []string) {
			kept.told.reload(engine.Instant{Wall: time.Now().Add(s.shift)}, hash, loaded, problems)
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
			return o, errors.Join(err, closeRelays(relays))
		}
		defer func() {
			if err := parts.rec.close(); err != nil {
				log.Error(err.Error())
			}
		}()
	}
	a, err := newAppliance(parts)
	if err != nil {
		return o, errors.Join(err, closeRelays(relays))
	}
	// Whatever ends this function, relays go off before their lines are released.
	defer func() {
		err = errors.Join(err, a.closeRelays())
		a.closeRunner()
		a.last()
		lines.note("stopped")
	}()

	cameraPort, err := net.Listen("tcp", address(s.site.Listen.Cameras, s.cameraPort))
	if err != nil {
		return o, fmt.Errorf("listen.cameras: %w", err)
	}
	defer cameraPort.Close()
	consolePort, err := web.Listen(address(s.site.Listen.Console, s.consolePort), remote)
	if err != nil {
		return o, fmt.Errorf("listen.console: %w", err)
	}
	defer consolePort.Close()
	s.cameraPort, s.consolePort = cameraPort.Addr().String(), consolePort.Addr().String()
	zones := &driftWatch{inForce: r.inForce, cameras: driftCameras(s.site, devices), tell: a.health.zones, log: log}
	src := &source{
		appliance: a, reloader: r, zones: zones, site: s.site, disk: kept, accounts: accounts, files: newRuleFiles(r, nil), clients: devices,
		service: s, restarts: make(chan restart, 1), listen: [2]net.Addr{cameraPort.Addr(), consolePort.Addr()}, fingerprint: fingerprint,
		trackReader: newTrackReader(),
	}
	if kept != nil {
		src.files = newRuleFiles(r, func(who, what, file string) { kept.told.saved(a.instant(time.Now()), who, what, file) })
	}
	src.files.shift = s.shift
	localToken, forget, err := keepLocalToken(s.site.Data)
	if err != nil && len(accounts.current().Users) > 0 {
		log.Warn("`why` and other commands cannot ask this program, for there is a password", "error", err)
	}
	defer forget()
	console, err := web.New(web.Config{
		Source: src.web(), Log: log, Now: func() time.Time { return time.Now().Add(s.shift) }, Site: s.site.Name, Remote: remote, Names: consoleNames(s.site), TLS: encryption, Fingerprint: fingerprint, LocalToken: localToken,
	})
	if err != nil {
		return o, err
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
	wg.Go(func() {
		src.loadPictures(ctx)
		src.loadTally(ctx, lastEntry)
	})
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
	o.ran = true
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
	case next := <-src.restarts:
		o.again = &next
	}
	// Rules end and relays go off before anything is waited for: what is still on
	// its way in moves nothing any more.
	cancel()
	stopLoop()
	if o.again != nil {
		lines.note("the program starts again")
		manager.reloading()
	} else {
		lines.note("the program ends")
	}
	stopCtx, stop := context.WithTimeout(context.Background(), stopTime)
	defer stop()
	select {
	case <-a.stopped:
	case <-stopCtx.Done():
		log.Error("the loop does not end; relays are turned off all the same")
	}
	err = errors.Join(err, a.closeRelays())
	if o.again == nil {
		manager.stopping()
	}
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
	return o, err
}

// address is the address to listen on: the one that was got before, when the site file
// leaves the port open.
func address(configured, got string) string {
	if _, port, err := net.SplitHostPort(configured); err == nil && port == "0" && got != "" {
		return got
	}
	return configured
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
	case l.quiet && ev.Kind == engine.KindContact:
		l.out.text(fmt.Sprintf("%s  %-10s %s is %s", ev.Received.In(l.loc).Format(clockMillis), "contact", ev.Name, onOff(ev.On)))
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
