package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/viewtron/sim"
)

//go:embed demo
var demoFiles embed.FS

// demoHour is the hour of its own clock at which a demonstration begins.
const demoHour = 22

// runDemo is `sallyport demo`: the whole appliance, cameras included, in one process.
func runDemo(ctx context.Context, p process, args []string) int {
	fs := p.flags("demo")
	length := fs.Duration("for", 0, "end by itself after this `time` (30s shows everything once); default: runs until interrupted")
	listen := fs.String("listen", "127.0.0.1:0", "the camera port's `address`")
	console := fs.String("console", "127.0.0.1:8080", "the console's `address`")
	record := fs.String("record", "", "also add what comes in to this replay `file`")
	walkers := fs.Int("targets", 0, "let so `many` more people walk about (at most 40)")
	seed := fs.Uint64("seed", 1, "another `number` makes them walk elsewhere")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if !noArgs(fs, rest) {
		return exitUsage
	}
	if *length < 0 {
		p.errorf("demo: --for %v is in the past (try --for 30s)", *length)
		return exitUsage
	}
	if *walkers < 0 || *walkers > maxWalkers {
		p.errorf("demo: --targets %d is not 0 to %d", *walkers, maxWalkers)
		return exitUsage
	}
	dir, err := os.MkdirTemp("", "sallyport-demo-")
	if err != nil {
		return p.errorf("demo: %v", err)
	}
	defer os.RemoveAll(dir)
	if err := playDemo(ctx, p, demo{
		dir: dir, length: *length, listen: *listen, console: *console, record: *record, scene: demoScene(*walkers, *seed), crowd: *walkers > 0,
	}); err != nil {
		return p.errorf("demo: %v", err)
	}
	return exitOK
}

// demo is a demonstration that is asked for.
type demo struct {
	dir                     string // where its files are
	length                  time.Duration
	listen, console, record string
	scene                   sim.Scene
	crowd                   bool
}

// playDemo runs the appliance in front of simulated cameras, which go on when it is
// restarted.
func playDemo(ctx context.Context, p process, d demo) error {
	if _, err := net.ResolveTCPAddr("tcp", d.console); err != nil {
		return fmt.Errorf("--console: %w", err)
	}
	cameras, stop := context.WithCancel(ctx)
	defer stop()
	addresses := make(map[string]string)
	var cams []*sim.Camera
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	password, err := demoFiles.ReadFile("demo/camera.password")
	if err != nil {
		return err
	}
	for _, c := range d.scene.Cameras {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		o := sim.Options{
			Identity: c.Identity, Username: "admin", Password: strings.TrimSpace(string(password)), Auth: sim.Digest, Location: time.UTC,
			SmartTrack: true, Loop: demoPause, Detections: demoDetections(c.Name), NoPlates: len(c.Plates) == 0,
		}
		if d.crowd {
			o.Rate = 10
		}
		cam := sim.NewCamera(o)
		wg.Go(func() { _ = cam.Serve(cameras, l) }) // a camera that is not there is for the program to say
		addresses[c.Name] = l.Addr().String()
		cams = append(cams, cam)
	}
	if err := copyDemo(d.dir, addresses); err != nil {
		return err
	}
	load := func() (*config.Site, []config.Problem) {
		site, problems := config.Load(filepath.Join(d.dir, "sallyport.yaml"))
		if site != nil {
			site.Listen.Cameras, site.Listen.Console = d.listen, d.console
		}
		return site, problems
	}
	site, problems := load()
	if printSiteProblems(p.stderr, problems) {
		return errors.New("its own files are wrong")
	}
	if !free(d.console) {
		// Somebody else has the usual port; any other will do here.
		d.console = "127.0.0.1:0"
		site.Listen.Console = d.console
	}
	show := cameras
	if d.length > 0 {
		var cancel context.CancelFunc
		show, cancel = context.WithTimeout(cameras, d.length)
		defer cancel()
	}
	rules := filepath.Join(d.dir, "rules.d")
	fmt.Fprintf(p.stdout, "Two simulated cameras, relays in memory, and it is %d:00. The rules are in %s; edit them and watch.\n", demoHour, rules)
	now := time.Now().UTC()
	var once sync.Once
	s := service{
		process: p, site: site, load: load, dir: rules, quiet: true, record: d.record,
		shift: time.Date(now.Year(), now.Month(), now.Day(), demoHour, 0, 0, 0, time.UTC).Sub(now),
		started: func(running context.Context, port net.Addr) error {
			for _, c := range cams {
				if err := c.SetPush(demoPush(port)); err != nil {
					return err
				}
			}
			// The scene begins with the program; a restart does not begin it anew.
			once.Do(func() {
				for _, c := range cams {
					wg.Go(func() { _ = c.Run(show, d.scene) }) // ends with show only: the scene was checked
				}
			})
			<-running.Done()
			return nil
		},
	}
	return s.run(show)
}

// demoPush is a camera's push configuration as docs/cameras.md advises: events and
// plates by the older push, which has their pictures, frames by the newer one.
func demoPush(to net.Addr) sim.Push {
	address, ok := to.(*net.TCPAddr)
	if !ok {
		return sim.Push{}
	}
	host := "127.0.0.1"
	if !address.IP.IsUnspecified() {
		host = address.IP.String()
	}
	return sim.Push{
		V1: sim.PushV1{On: true, Server: host, Port: address.Port, Path: "/API", Interval: 30 * time.Second},
		Slots: []sim.PushSlot{{
			ID: 1, On: true, Protocol: "http", Domain: host, Port: address.Port, Path: "/API", Authentication: "none",
			Interval: 30 * time.Second, Data: []string{"traject"}, Events: []string{"ALL"},
		}},
	}
}

// free tells whether an address can be listened on.
func free(addr string) bool {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// copyDemo writes the demonstration's files where they can be edited, with the
// addresses of its cameras.
func copyDemo(dir string, addresses map[string]string) error {
	return fs.WalkDir(demoFiles, "demo", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel("demo", filepath.FromSlash(path))
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(dir, rel), 0o755)
		}
		b, err := demoFiles.ReadFile(path)
		if err != nil {
			return err
		}
		text := string(b)
		for name, address := range addresses {
			text = strings.ReplaceAll(text, name+".invalid", address)
		}
		return os.WriteFile(filepath.Join(dir, rel), []byte(text), 0o600)
	})
}
