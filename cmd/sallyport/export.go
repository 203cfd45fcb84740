package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/inputs/recording"
	"github.com/sallyport/sallyport/journal/segment"
)

// runExport is `sallyport export`: a range of the recording as a replay file on
// stdout, also while the program runs (then without its last lines: heartbeats and
// the like are written after ten minutes at most, everything else after two seconds).
//
// So that a replay of it decides what was decided, it begins with the nearest
// snapshot at or before --since. The first line then is {"type":"lead","received":T}:
// what is before T is there to warm up, and a replay prints decisions from T on only.
func runExport(ctx context.Context, p process, args []string) int {
	var sf siteFlags
	fs := p.flags("export")
	sf.addSite(fs)
	since := fs.String("since", "", "begin at this `time`: 22:00, 2026-03-02, 2026-03-02T22:00:05Z, or 2h for two hours ago (default: everything)")
	until := fs.String("until", "", "end at this `time`")
	camera := fs.String("camera", "", "of posts only those of the camera of this `name`; everything else stays")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if !noArgs(fs, rest) {
		return exitUsage
	}
	file, site, ok := p.loadSite(&sf)
	if !ok {
		return exitError
	}
	if file == "" {
		return p.errorf("export: %v", errNoSiteFile)
	}
	e := export{process: p, loc: siteZone(site), camera: *camera, out: bufio.NewWriter(p.stdout)}
	now := time.Now()
	for _, f := range []struct {
		name, text string
		at         *time.Time
	}{{"since", *since, &e.since}, {"until", *until, &e.until}} {
		if f.text == "" {
			continue
		}
		at, err := parseWhen(f.text, now, e.loc)
		if err != nil {
			p.errorf("export: --%s %v", f.name, err)
			return exitUsage
		}
		*f.at = at
	}
	if !e.until.IsZero() && e.until.Before(e.since) {
		p.errorf("export: --until %s is before --since %s", e.moment(e.until), e.moment(e.since))
		return exitUsage
	}
	err := e.run(ctx, filepath.Join(site.Data, recordingDir))
	if ferr := e.out.Flush(); err == nil {
		err = ferr
	}
	if err != nil {
		return p.errorf("export: %v", err)
	}
	return exitOK
}

// export writes a range of a recording.
type export struct {
	process
	loc          *time.Location
	since, until time.Time // zero = no end
	camera       string    // empty = all
	out          *bufio.Writer
	begun        bool
	posts        int // of the camera
}

// exported is what has to be known of a line.
type exported struct {
	Type     recording.Type `json:"type"`
	Received time.Time      `json:"received"`
	Camera   string         `json:"camera"`
}

func (e *export) run(ctx context.Context, dir string) error {
	info, err := segment.Read(ctx, dir, e.since, e.until, e.line)
	for _, t := range info.Torn {
		fmt.Fprintf(e.stderr, "sallyport: export: %s: %s could not be read and are left out\n", t.File, count(int(t.Bytes), "byte"))
	}
	switch {
	case errors.Is(err, segment.ErrEmpty):
		return fmt.Errorf("there is no recording in %s", dir)
	case err != nil:
		return err
	case info.Lines == 0:
		return fmt.Errorf("nothing was recorded before %s", e.moment(e.until))
	case info.Within == 0:
		fmt.Fprintf(e.stderr, "sallyport: export: nothing was recorded in this range; there is only what was before it\n")
	case e.camera != "" && e.posts == 0:
		fmt.Fprintf(e.stderr, "sallyport: export: there is no post of a camera %q in this range\n", e.camera)
	}
	return nil
}

// line writes one line, before the first one what is to be known.
func (e *export) line(text []byte) error {
	var l exported
	if !e.begun || e.camera != "" {
		if err := json.Unmarshal(text, &l); err != nil {
			return fmt.Errorf("the recording holds a line that is none: %w", err)
		}
	}
	if !e.begun {
		e.begun = true
		e.begin(&l)
	}
	if e.camera != "" && (l.Type == "" || l.Type == recording.Post) {
		switch l.Camera {
		case e.camera:
			e.posts++
		case "": // of several
		default:
			return nil
		}
	}
	e.out.Write(text)
	return e.out.WriteByte('\n')
}

// begin writes what stands before the first line.
func (e *export) begin(l *exported) {
	snapshot := l.Type == recording.Snapshot
	early := !e.since.IsZero() && l.Received.Before(e.since)
	switch {
	case early && snapshot:
		fmt.Fprintf(e.stderr, "sallyport: export: it begins at %s, with the last snapshot before that\n", e.moment(l.Received))
	case early:
		fmt.Fprintf(e.stderr, "sallyport: export: it begins at %s, with the oldest line: there is no snapshot before that\n", e.moment(l.Received))
	case !snapshot:
		fmt.Fprintf(e.stderr, "sallyport: export: it begins at %s, without a snapshot: a replay does not know what was before\n", e.moment(l.Received))
	case !e.since.IsZero():
		fmt.Fprintf(e.stderr, "sallyport: export: it begins at %s: nothing older is recorded\n", e.moment(l.Received))
	}
	if early {
		e.out.Write(recording.Append(nil, &recording.Line{Type: recording.Lead, Received: e.since}, false))
	}
}

func (e *export) moment(t time.Time) string { return t.In(e.loc).Format("2006-01-02 15:04:05") }

// parseWhen reads a moment of the past: RFC 3339, a date, a date with a time of day,
// a time of day (the last one that was, in the zone), or how long ago.
func parseWhen(s string, now time.Time, loc *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", time.DateTime, "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, loc); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{"15:04", time.TimeOnly} {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		day := now.In(loc)
		at := time.Date(day.Year(), day.Month(), day.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), loc)
		if at.After(now) {
			at = time.Date(day.Year(), day.Month(), day.Day()-1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), loc)
		}
		return at, nil
	}
	if d, ok := parseAgo(s); ok {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("takes 22:00, 2026-03-02, 2026-03-02T22:00:05Z or 2h (ago), not %q", s)
}

// parseAgo reads a time span; days are there as well.
func parseAgo(s string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err == nil
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d >= 0
}
