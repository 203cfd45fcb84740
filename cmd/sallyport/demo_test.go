package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/web"
)

// TestDemo is the demonstration with a crowd: it is ten at night, it keeps a journal, and
// goes on over a restart, at the same address.
func TestDemo(t *testing.T) {
	out, errs := newScreen(t), newScreen(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"demo", "--console", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--targets", "40"}, process{stdout: out, stderr: errs, getenv: func(string) string { return "" }})
	}()
	defer stop()
	out.await("the console is at ")
	_, rest, _ := strings.Cut(out.String(), "the console is at ")
	console, _, _ := strings.Cut(rest, "\n")
	get := func(path string, into any) {
		t.Helper()
		r, err := http.Get(console + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(b, into) != nil {
			t.Fatalf("%s: %v %s", path, err, b)
		}
	}
	out.await(" enters porch")
	var status web.Status
	get("/api/v1/status", &status)
	if !status.Demo || status.Now.UTC().Hour() != demoHour || status.Journal == nil || status.Recording == nil || len(status.Cameras) != 2 {
		t.Errorf("%+v", status)
	}
	var targets struct{ Items []web.Target }
	get("/api/v1/targets", &targets)
	if len(targets.Items) < maxWalkers {
		t.Errorf("%d targets", len(targets.Items))
	}
	r, err := http.Post(console+"/api/v1/restart", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusAccepted {
		t.Error(r.Status)
	}
	out.awaitCount("the console is at "+console, 2)
	seen := strings.Count(out.String(), " enters porch")
	out.awaitCount(" enters porch", seen+1)
	stop()
	if code := <-ended; code != exitOK || strings.Contains(errs.String(), "level=ERROR") {
		t.Error(code, errs)
	}
}

// TestDemoFlags holds what is said of flags that make no sense.
func TestDemoFlags(t *testing.T) {
	for args, want := range map[string]string{
		"--targets 41":  "sallyport: demo: --targets 41 is not 0 to 40\n",
		"--targets -1":  "sallyport: demo: --targets -1 is not 0 to 40\n",
		"--console x:y": "sallyport: demo: --console: lookup tcp/y: unknown port\n",
		"--for -1s":     "sallyport: demo: --for -1s is in the past (try --for 30s)\n",
	} {
		code, out, errs := typed(append([]string{"demo"}, strings.Fields(args)...)...)
		if code == exitOK || out != "" || errs != want {
			t.Errorf("%s: %s", args, fmt.Sprint(code, out, errs))
		}
	}
}
