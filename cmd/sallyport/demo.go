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
	"sync"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/viewtron/sim"
)

//go:embed demo
var demoFiles embed.FS

// demoHour is the hour of its own clock at which a demonstration begins.
const demoHour = 22

// demoPause is the time between two plays of the scene.
const demoPause = 35 * time.Second

// runDemo is `sallyport demo`: the whole appliance, cameras included, in one process.
func runDemo(ctx context.Context, p process, args []string) int {
	fs := p.flags("demo")
	length := fs.Duration("for", 0, "end by itself after this `time` (30s shows everything once); default: runs until interrupted")
	listen := fs.String("listen", "127.0.0.1:0", "the camera port's `address`")
	console := fs.String("console", "127.0.0.1:8080", "the console's `address`")
	record := fs.String("record", "", "also add what comes in to this replay `file`")
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
	dir, err := os.MkdirTemp("", "sallyport-demo-")
	if err != nil {
		return p.errorf("demo: %v", err)
	}
	defer os.RemoveAll(dir)
	if err := copyDemo(dir); err != nil {
		return p.errorf("demo: %v", err)
	}
	site, problems := config.Load(filepath.Join(dir, "sallyport.yaml"))
	if printSiteProblems(p.stderr, problems) {
		return exitError
	}
	site.Listen.Cameras, site.Listen.Console = *listen, *console
	if _, err := net.ResolveTCPAddr("tcp", *console); err != nil {
		return p.errorf("demo: --console: %v", err)
	}
	if !free(*console) {
		// Somebody else has the usual port; any other will do here.
		site.Listen.Console = "127.0.0.1:0"
	}
	if *length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *length)
		defer cancel()
	}
	rules := filepath.Join(dir, "rules.d")
	fmt.Fprintf(p.stdout, "Two simulated cameras, two relays in memory, and it is %d:00. The rules are in %s; edit them and watch.\n", demoHour, rules)
	now := time.Now().UTC()
	s := service{
		process: p, site: site, dir: rules, quiet: true, record: *record,
		shift:   time.Date(now.Year(), now.Month(), now.Day(), demoHour, 0, 0, 0, time.UTC).Sub(now),
		started: playDemo,
	}
	if err := s.run(ctx); err != nil {
		return p.errorf("demo: %v", err)
	}
	return exitOK
}

// free tells whether an address can be listened on.
func free(addr string) bool {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// copyDemo writes the demonstration's files where they can be edited.
func copyDemo(dir string) error {
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
		return os.WriteFile(filepath.Join(dir, rel), b, 0o644)
	})
}

// playDemo plays the scene again and again until ctx ends, each camera with its
// own connection, as real ones do.
func playDemo(ctx context.Context, cameras net.Addr) error {
	scene := sim.DemoScene()
	url := "http://" + cameras.String() + "/API"
	var wg sync.WaitGroup
	errs := make([]error, len(scene.Cameras))
	for i, c := range scene.Cameras {
		wg.Go(func() {
			for ctx.Err() == nil {
				begin := time.NewTimer(demoPause)
				cam := sim.NewCamera(sim.Options{Identity: c.Identity})
				if err := cam.Play(ctx, scene, url); err != nil && ctx.Err() == nil {
					errs[i] = fmt.Errorf("the simulated camera %q: %w", c.Name, err)
					begin.Stop()
					return
				}
				select {
				case <-begin.C:
				case <-ctx.Done():
					begin.Stop()
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
