package main

import (
	"context"
	"crypto/tls"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/viewtron/sim"
)

// simPause is the time between two plays of a scene.
const simPause = 5 * time.Second

// simFlags are what a user says about the virtual camera.
type simFlags struct {
	listen, post, scene, camera, api, auth, user, password, plates, name, mac string
	recorder, tls, thermal, loop, quiet, track, needsReboot                   bool
	skew                                                                      time.Duration
	faults                                                                    []string
}

// runSim is `sallyport sim`: a virtual camera that others can talk to.
func runSim(ctx context.Context, p process, args []string) int {
	fs := p.flags("sim")
	var f simFlags
	f.define(fs)
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if !noArgs(fs, rest) {
		return exitUsage
	}
	s, err := f.build()
	if err != nil {
		p.errorf("sim: %v", err)
		return exitUsage
	}
	if err := s.run(ctx, p); err != nil {
		return p.errorf("sim: %v", err)
	}
	return exitOK
}

func (f *simFlags) define(fs *flag.FlagSet) {
	fs.StringVar(&f.listen, "listen", "127.0.0.1:8081", "the `address` at which the camera answers")
	fs.StringVar(&f.post, "post", "", "post everything to this `URL`, as if slot 1 had been set up")
	fs.StringVar(&f.scene, "scene", "", "the `file` of what happens in front of it; default: the demonstration's porch, again and again")
	fs.StringVar(&f.camera, "camera", "", "the `name` of the scene's camera to be; default: its first one")
	fs.StringVar(&f.name, "name", "", "its own `name`; default: that of the scene's camera")
	fs.StringVar(&f.mac, "mac", "", "its MAC `address`, so that several virtual cameras are told apart")
	fs.StringVar(&f.api, "api", "2.1", "the `generation` of its firmware: 1.9, 2.0 or 2.1")
	fs.BoolVar(&f.recorder, "recorder", false, "be a recorder, with the scene's cameras as its channels")
	fs.StringVar(&f.auth, "auth", "basic", "how it is logged in to: `basic or digest`")
	fs.StringVar(&f.user, "user", "admin", "the user `name`; empty: no login")
	fs.StringVar(&f.password, "password", "sallyport", "the `password`")
	fs.BoolVar(&f.tls, "tls", false, "answer over HTTPS, with a certificate of its own")
	fs.BoolVar(&f.thermal, "thermal", false, "measure temperatures, too")
	fs.StringVar(&f.plates, "plates", "", "put the plates of this CSV `file` on its lists; its first line names the columns: plate,list,owner,phone,from,until")
	fs.BoolVar(&f.track, "smart-track", true, "\"Smart track data\" is ticked; without it there are no trajectories")
	fs.BoolVar(&f.needsReboot, "needs-reboot", false, "that tick takes effect after a reboot only")
	fs.DurationVar(&f.skew, "skew", 0, "its clock is wrong by so much `time`")
	fs.BoolVar(&f.loop, "loop", false, "begin the scene anew whenever it is over")
	fs.BoolVar(&f.quiet, "quiet", false, "no line for each command and post")
	fs.Func("fault", "what goes wrong, `a word` each time: slow=2s, drop=0.1 (of the requests), lost=0.1 (of the answers), unknown=COMMAND or empty400 (400 with an empty body), clock20 (a clock of 20 digits in posts), empty-heartbeat, reboot=5m (each time)", func(v string) error {
		f.faults = append(f.faults, strings.Split(v, ",")...)
		return nil
	})
}

// simulation is a virtual camera that is ready to run.
type simulation struct {
	flags  simFlags
	opt    sim.Options
	scene  sim.Scene
	plates []sim.ListEntry
	push   sim.Push
	cert   *tls.Certificate
	reboot time.Duration // between reboots; 0: none
}

func (f simFlags) build() (*simulation, error) {
	s := &simulation{flags: f, scene: sim.DemoScene()}
	o := &s.opt
	o.Recorder, o.Thermal, o.Username, o.Password = f.recorder, f.thermal, f.user, f.password
	o.SmartTrack, o.NeedsReboot = f.track, f.needsReboot
	var ok bool
	if o.API, ok = map[string]sim.API{"1.9": sim.API19, "2.0": sim.API20, "2.1": sim.API21}[f.api]; !ok {
		return nil, fmt.Errorf("--api %q is none of 1.9, 2.0, 2.1", f.api)
	}
	if o.Auth = sim.Auth(f.auth); o.Auth != sim.Basic && o.Auth != sim.Digest {
		return nil, fmt.Errorf("--auth %q is neither basic nor digest", f.auth)
	}
	host, _, err := net.SplitHostPort(f.listen)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w (try 127.0.0.1:8081)", err)
	}
	if f.loop || f.scene == "" {
		o.Loop = simPause
	}
	if err := s.setTheScene(); err != nil {
		return nil, err
	}
	if err := s.identify(f); err != nil {
		return nil, err
	}
	if err := s.setFaults(); err != nil {
		return nil, err
	}
	if f.post != "" {
		slot, err := sim.SlotTo(1, f.post)
		if err != nil {
			return nil, fmt.Errorf("--post %w", err)
		}
		s.push.Slots = []sim.PushSlot{slot}
	}
	if f.plates != "" {
		if f.recorder {
			return nil, errors.New("--plates: a recorder has no plate lists")
		}
		if s.plates, err = readSimPlates(f.plates); err != nil {
			return nil, fmt.Errorf("--plates: %w", err)
		}
	}
	if f.tls {
		hosts := []string{"localhost", "127.0.0.1", "::1"}
		if host != "" && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
		cert, err := sim.SelfSigned(o.Name, hosts...)
		if err != nil {
			return nil, fmt.Errorf("--tls: %w", err)
		}
		s.cert = &cert
	}
	return s, nil
}

// setTheScene reads what happens, and takes from it who the camera is.
func (s *simulation) setTheScene() error {
	f := s.flags
	if f.scene != "" {
		r, err := os.Open(f.scene)
		if err != nil {
			return fmt.Errorf("--scene: %w", err)
		}
		defer r.Close()
		if s.scene, err = sim.LoadScene(r); err != nil {
			return fmt.Errorf("--scene %s: %w", f.scene, err)
		}
	}
	if f.recorder {
		if f.camera != "" {
			return errors.New("--camera: a recorder shows all cameras of the scene")
		}
		s.opt.Identity = sim.Identity{Name: "recorder", MAC: "58:5b:69:00:00:0f", SN: "SIM0RECORDER", IP: "127.0.0.1"}
		s.opt.Channels = max(len(s.scene.Cameras), 4)
		return nil
	}
	name := f.camera
	if name == "" {
		name = s.scene.Cameras[0].Name
	}
	c, ok := s.scene.Camera(name)
	if !ok {
		var have []string
		for _, c := range s.scene.Cameras {
			have = append(have, fmt.Sprintf("%q", c.Name))
		}
		return fmt.Errorf("--camera: the scene has no camera %q; it has %s", name, strings.Join(have, ", "))
	}
	// The camera plays its part under whatever name it is given, so nobody else's part is kept.
	s.scene.Cameras = []sim.CameraScene{c}
	s.opt.Identity = c.Identity
	if s.opt.MAC == "" {
		s.opt.MAC = "58:5b:69:00:00:01"
	}
	return nil
}

// identify gives the device the name and the MAC address that were asked for.
func (s *simulation) identify(f simFlags) error {
	if f.name != "" {
		s.opt.Name = f.name
	}
	if f.mac != "" {
		mac, err := net.ParseMAC(f.mac)
		if err != nil || len(mac) != 6 {
			return fmt.Errorf("--mac: %q is no MAC address (try \"58:5b:69:00:00:02\")", f.mac)
		}
		s.opt.MAC = mac.String()
		s.opt.SN = "SIM" + strings.ToUpper(strings.ReplaceAll(s.opt.MAC, ":", ""))
	}
	return nil
}

// setFaults reads what is to go wrong.
func (s *simulation) setFaults() error {
	var all []func(string, *http.Request) sim.Fault
	for _, word := range s.flags.faults {
		name, value, _ := strings.Cut(word, "=")
		bad := func(try string) error { return fmt.Errorf("--fault %q (try %s)", word, try) }
		switch name {
		case "slow":
			d, err := time.ParseDuration(value)
			if err != nil || d <= 0 {
				return bad("slow=2s")
			}
			all = append(all, sim.Slow(d))
		case "drop", "lost":
			share, err := strconv.ParseFloat(value, 64)
			if err != nil || !(share > 0 && share <= 1) {
				return bad(name + "=0.1")
			}
			if name == "drop" {
				all = append(all, sim.Drops(share, 1))
			} else {
				all = append(all, sim.Loses(share, 1))
			}
		case "unknown":
			if value == "" {
				return bad("unknown=GetSupportedAPIs")
			}
			all = append(all, sim.Unknown(value))
		case "empty400":
			all = append(all, sim.Unknown(""))
		case "clock20":
			s.opt.LongClock = true
		case "empty-heartbeat":
			s.opt.EmptyHeartbeats = true
		case "reboot":
			d, err := time.ParseDuration(value)
			if err != nil || d < time.Minute {
				return bad("reboot=5m")
			}
			s.reboot = d
		default:
			return bad("slow=2s, drop=0.1, lost=0.1, unknown=COMMAND, empty400, clock20, empty-heartbeat or reboot=5m")
		}
	}
	if len(all) > 0 {
		s.opt.Fault = sim.Faults(all...)
	}
	return nil
}

func (s *simulation) run(ctx context.Context, p process) error {
	var mu sync.Mutex // covers p.stdout
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(p.stdout, format+"\n", args...)
	}
	if !s.flags.quiet {
		s.opt.Watch = func(a sim.Activity) { say("%s  %s", time.Now().Format("15:04:05.000"), simLine(a)) }
	}
	cam := sim.NewCamera(s.opt)
	cam.SetSkew(s.flags.skew)
	for _, e := range s.plates {
		if err := cam.Put(e); err != nil {
			return err
		}
	}
	if err := cam.SetPush(s.push); err != nil {
		return err
	}
	l, err := net.Listen("tcp", s.flags.listen)
	if err != nil {
		return err
	}
	defer l.Close()
	s.introduce(say, l.Addr(), len(cam.Plates()))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	errs := make(chan error, 2)
	go func() {
		if s.cert != nil {
			errs <- cam.ServeTLS(ctx, l, *s.cert)
		} else {
			errs <- cam.Serve(ctx, l)
		}
	}()
	go func() { errs <- cam.Run(ctx, s.scene) }()
	var again <-chan time.Time
	if s.reboot > 0 {
		t := time.NewTicker(s.reboot)
		defer t.Stop()
		again = t.C
	}
	for {
		select {
		case <-again:
			say("%s  reboots", time.Now().Format("15:04:05.000"))
			cam.Reboot()
		case err := <-errs:
			stop()
			return errors.Join(err, <-errs)
		}
	}
}

// introduce says who the camera is and how to reach it.
func (s *simulation) introduce(say func(string, ...any), addr net.Addr, plates int) {
	what := "camera"
	if s.opt.Recorder {
		what = "recorder"
	}
	scheme := "http"
	if s.cert != nil {
		scheme = "https"
	}
	say("a virtual %s called %q, API %s", what, s.opt.Name, s.opt.API)
	say("address      %s://%s", scheme, addr)
	if s.opt.Username == "" {
		say("login        none")
	} else {
		say("login        %s, password %s, %s", s.opt.Username, s.opt.Password, s.opt.Auth)
	}
	if s.cert != nil {
		say("certificate  %s", sim.Fingerprint(*s.cert))
	}
	scene := s.flags.scene
	if scene == "" {
		scene = "the demonstration"
	}
	if s.opt.Loop > 0 {
		scene += ", again and again"
	}
	say("scene        %s", scene)
	if plates > 0 {
		say("plates       %d", plates)
	}
	if s.flags.post == "" {
		say("posts        nowhere yet")
	} else {
		say("posts        to %s", s.flags.post)
	}
}

// simLine says what the camera did.
func simLine(a sim.Activity) string {
	if a.Post != "" {
		if a.Err != nil {
			why := a.Err
			if u := (*url.Error)(nil); errors.As(why, &u) {
				why = u.Err // the rest says the URL again
			}
			return fmt.Sprintf("%-10s to %s: %v", a.Post, a.URL, why)
		}
		return fmt.Sprintf("%-10s to %s", a.Post, a.URL)
	}
	line := fmt.Sprintf("%-10s from %s: ", a.Command, a.Remote)
	if len(a.Command) > 64 {
		line = fmt.Sprintf("%q from %s: ", a.Command[:64]+"…", a.Remote)
	}
	switch {
	case a.Err != nil:
		return line + a.Err.Error()
	case a.Code != 0:
		return line + fmt.Sprintf("code %d", a.Code)
	case a.Status != http.StatusOK:
		return line + fmt.Sprintf("HTTP %d", a.Status)
	}
	return line + "done"
}

// readSimPlates reads the plates of a CSV file whose first line names the columns.
func readSimPlates(name string) ([]sim.ListEntry, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(io.LimitReader(f, 16<<20))
	r.FieldsPerRecord = -1
	r.TrimLeadingSpace = true
	var columns []string
	var out []sim.ListEntry
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := r.FieldPos(0)
		if columns == nil {
			for _, c := range row {
				columns = append(columns, strings.ToLower(strings.TrimSpace(strings.TrimPrefix(c, "\ufeff"))))
			}
			if !slices.Contains(columns, "plate") {
				return nil, fmt.Errorf("%s: the first line names no column %q (try plate,list,owner,phone,from,until)", name, "plate")
			}
			continue
		}
		e := sim.ListEntry{Group: "whiteList"}
		for i, v := range row {
			if v = strings.TrimSpace(v); i >= len(columns) || v == "" {
				continue
			}
			var bad error
			switch columns[i] {
			case "plate":
				e.Number = v
			case "list":
				e.Group = map[string]string{"allow": "whiteList", "block": "blackList", "temporary": "temporaryList"}[v]
				if e.Group == "" {
					e.Group = v
				}
			case "owner":
				e.Owner = v
			case "phone":
				e.Telephone = v
			case "from":
				e.Begin, bad = simTime(v, false)
			case "until":
				e.End, bad = simTime(v, true)
			}
			if bad != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, line, bad)
			}
		}
		if e.Number == "" {
			return nil, fmt.Errorf("%s:%d: there is no plate", name, line)
		}
		out = append(out, e)
	}
	return out, nil
}

// simTime reads a day or a moment; as an end a day is included.
func simTime(s string, end bool) (time.Time, error) {
	for _, layout := range [...]string{"2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	t, err := time.ParseInLocation("2006-01-02", s, time.Local)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time (try 2026-12-31 or 2026-12-31 18:00)", s)
	}
	if end {
		t = t.AddDate(0, 0, 1).Add(-time.Second)
	}
	return t, nil
}
