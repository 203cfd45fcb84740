package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/inputs/camera"
	"github.com/sallyport/sallyport/inputs/recording"
	"github.com/sallyport/sallyport/journal/segment"
)

const (
	// recordingDir is the folder below the data folder with the recording.
	recordingDir = "recording"
	// snapshotEvery is how often the engine's whole state is recorded.
	snapshotEvery = time.Hour
	// snapshotAgain is how soon it is recorded once more after lines were left out.
	snapshotAgain = time.Minute
	// recordClose is how long a stop waits for a slow disk.
	recordClose = time.Second
	// maxLevels bounds the alarms whose levels are told apart.
	maxLevels = 4096
	// fewWaiting is how many bytes wait at most for a disk that keeps up.
	fewWaiting = 1 << 20
	// maxRuleTexts bounds the rule files' texts in a recording, in bytes.
	maxRuleTexts = 4 << 20
)

// recorderConfig says where a recording goes.
type recorderConfig struct {
	data string // the data folder; the segments are below it. Empty: none
	file string // a replay file that is added to. Empty: none
	log  *slog.Logger
}

// recorder keeps everything that the engine takes, in its order, in the segments
// below the data folder and in a replay file, without ever holding anybody up: what
// a slow disk has no room for is left out, counted and said. A nil recorder keeps
// nothing. Every method but close may be called by anyone; the order of the calls is
// the order of the recording.
type recorder struct {
	log      *slog.Logger
	run      string
	segments *segment.Writer // nil: none
	file     *replayFile     // nil: none

	mu        sync.Mutex // guards what follows
	line      []byte     // reused
	body      []byte     // reused
	levels    map[alarmLevel]bool
	last      time.Duration // when the last snapshot was taken, decision clock
	look      time.Duration // when it is asked again whether lines were lost
	lost      int64         // how many were at the last snapshot
	unsnapped bool          // it was said that there is no snapshot
}

// alarmLevel names an alarm of a camera.
type alarmLevel struct {
	camera, name string
	id           int
}

// newRecorder opens the recording. Segments that cannot be written now are tried
// again and again; a replay file that cannot be opened is an error.
func newRecorder(c recorderConfig) (*recorder, error) {
	r := &recorder{log: c.log, run: time.Now().UTC().Format("20060102T150405.000Z"), levels: make(map[alarmLevel]bool)}
	if c.file != "" {
		var err error
		if r.file, err = openReplayFile(c.file, r.lostLine, c.log); err != nil {
			return nil, err
		}
	}
	if c.data != "" {
		var err error
		r.segments, err = segment.Open(segment.Config{Dir: filepath.Join(c.data, recordingDir), Run: r.run, Lost: r.lostLine, Log: c.log})
		if err != nil {
			return nil, errors.Join(err, r.close())
		}
	}
	return r, nil
}

// lostLine stands where lines are missing.
func (r *recorder) lostLine(at time.Time, n int64) []byte {
	return recording.Append(nil, &recording.Line{Type: recording.Lost, Received: at, Run: r.run, Lines: n}, false)
}

// begin is what a run begins with, before its engine is made: the rules, and what it
// remembers of earlier runs. A replay makes a new engine here.
func (r *recorder) begin(at engine.Instant, hash string, files map[string]string, memory *engine.State, marks []engine.Mark) {
	if r == nil {
		return
	}
	l := recording.Line{Type: recording.Snapshot, Hash: hash}
	if memory != nil {
		b, err := memory.Encode()
		if err != nil {
			r.log.Warn("what the program remembers is not in the recording", "error", err)
		}
		l.Memory = b
	}
	for i := range marks {
		if i == 0 {
			l.Marks = append(l.Marks, '[')
		} else {
			l.Marks = append(l.Marks, ',')
		}
		l.Marks = marks[i].AppendJSON(l.Marks)
	}
	if len(marks) > 0 {
		l.Marks = append(l.Marks, ']')
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = at.Mono
	r.put(at, &l, kindSnapshot)
	r.ruleSet(at, hash, files)
}

// start is the event of `on: start`, before the engine takes it.
func (r *recorder) start(at engine.Instant) { r.add(at, &recording.Line{Type: recording.Start}) }

// stop is the end of a run in order, before the engine is told.
func (r *recorder) stop(at engine.Instant) { r.add(at, &recording.Line{Type: recording.Stop}) }

// item is a post, before the engine takes its events; late says that it waited too long to move anything.
func (r *recorder) item(at engine.Instant, it *camera.Item, late bool) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l := recording.Line{Type: recording.Post, Remote: it.Remote, Path: it.Path, ContentType: it.ContentType, Camera: it.Events[0].Camera, Late: late}
	var stripped bool
	r.body, stripped = it.AppendWithoutPictures(r.body[:0])
	l.Body = r.body
	if slices.ContainsFunc(it.Events, func(ev *engine.Event) bool { return ev.Camera != l.Camera }) {
		l.Camera = "" // a recorder's heartbeat is of all its cameras
	}
	kind := kindLoud
	if r.quiet(it.Events) {
		kind = kindQuiet
	}
	r.write(at, &l, stripped, kind)
	if cap(r.body) > 1<<20 {
		r.body = nil
	}
}

// quiet says that a post tells nothing new: a heartbeat, or alarms that are as they were.
func (r *recorder) quiet(events []*engine.Event) bool {
	quiet := true
	for _, ev := range events {
		switch {
		case ev.Kind == engine.KindHeartbeat:
		case ev.Kind == engine.KindAlarm && ev.Alarm != nil:
			key := alarmLevel{ev.Camera, ev.Alarm.Name, ev.Alarm.ID}
			on, known := r.levels[key]
			if known && on == ev.Alarm.On {
				continue
			}
			quiet = false
			if !known && len(r.levels) >= maxLevels {
				continue
			}
			key.name = strings.Clone(key.name) // it may be a part of the whole post
			r.levels[key] = ev.Alarm.On
		default:
			quiet = false
		}
	}
	return quiet
}

// outcome is what became of a step.
func (r *recorder) outcome(at engine.Instant, o engine.Outcome) {
	r.add(at, &recording.Line{Type: recording.Outcome, Firing: o.Firing, Index: o.Index, Finally: o.Finally, Begun: o.Begun, Reason: o.Reason})
}

// relay is a relay's new level.
func (r *recorder) relay(at engine.Instant, c relay.Change) {
	r.add(at, &recording.Line{Type: recording.Relay, Name: c.Relay, On: c.On})
}

// contact is a contact's level; unknown says that it cannot be read, late that it
// waited too long to move anything.
func (r *recorder) contact(at engine.Instant, name string, on, unknown, late bool) {
	r.add(at, &recording.Line{Type: recording.Contact, Name: name, On: on, Unknown: unknown, Late: late})
}

// camera is that a camera was found to be there or not otherwise than by its posts;
// quiet says that it is as it was.
func (r *recorder) camera(at engine.Instant, name string, online, quiet bool) {
	r.addKind(at, &recording.Line{Type: recording.Camera, Name: name, On: online}, quiet)
}

// alarm is an alarm's level that a device told when it was asked; quiet says that it
// is no news.
func (r *recorder) alarm(at engine.Instant, ev *engine.Event, quiet bool) {
	r.addKind(at, &recording.Line{
		Type: recording.Alarm, Camera: ev.Camera, Name: ev.Alarm.Name, ID: ev.Alarm.ID, On: ev.Alarm.On, Unknown: ev.Unknown, Late: ev.Late,
	}, quiet)
}

// flag is a flag's value that somebody set; what rules set follows from the rest.
func (r *recorder) flag(at engine.Instant, name string, v engine.Scalar) {
	r.add(at, &recording.Line{Type: recording.Flag, Name: name, Value: scalarJSON(v)})
}

// override is that a rule was given another mode; nil: its file counts again.
func (r *recorder) override(at engine.Instant, rule string, o *engine.Override, who string) {
	l := recording.Line{Type: recording.Override, Name: rule, Who: who}
	if o != nil {
		l.Mode, l.Until = o.Mode.String(), o.Until
	}
	r.add(at, &l)
}

// message is a message from outside, with its JSON body.
func (r *recorder) message(at engine.Instant, topic string, body []byte) {
	r.add(at, &recording.Line{Type: recording.Message, Topic: topic, Body: body})
}

// command is what somebody asked for: who, about what, what. It changes nothing in a
// replay; what came of it is recorded by itself.
func (r *recorder) command(at engine.Instant, who, name, what string) {
	r.add(at, &recording.Line{Type: recording.Command, Who: who, Name: name, What: what})
}

// clock is that the wall clock was set ahead, or back, before the engine is told.
func (r *recorder) clock(at engine.Instant, step time.Duration) {
	r.add(at, &recording.Line{Type: recording.Clock, Step: step})
}

// rules is that another set comes into force, before the engine is told; a snapshot
// is to follow. files are the texts by name, or nil.
func (r *recorder) rules(at engine.Instant, hash string, files map[string]string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ruleSet(at, hash, files)
}

func (r *recorder) ruleSet(at engine.Instant, hash string, files map[string]string) {
	size := 0
	for name, text := range files {
		size += len(name) + len(text)
	}
	if size > maxRuleTexts {
		files = nil
	}
	r.put(at, &recording.Line{Type: recording.Rules, Hash: hash, Files: files}, kindLoud)
}

// wantsSnapshot says that one is to be taken: an hour after the last one, and soon
// after lines were left out, for a replay cannot know what was in them.
func (r *recorder) wantsSnapshot(at engine.Instant) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	since := at.Mono - r.last
	switch {
	case since >= snapshotEvery:
		return true
	case since < snapshotAgain || at.Mono < r.look:
		return false
	}
	r.look = at.Mono + time.Second
	lost, well := r.losses()
	return lost != r.lost && well
}

// losses counts what was left out, and says whether there is room again.
func (r *recorder) losses() (lost int64, well bool) {
	well = true
	if r.segments != nil {
		s := r.segments.Stats()
		lost, well = s.Lost, s.Err == "" && s.Waiting < fewWaiting
	}
	if r.file != nil {
		lost += r.file.lost.Load()
	}
	return lost, well
}

// snapshotter gives everything it knows.
type snapshotter interface {
	Now() engine.Instant
	Ruleset() *engine.Ruleset
	Snapshot() ([]byte, error)
}

// snapshot keeps all that the engine knows. In the segments a new one begins with it
// when an hour is over.
func (r *recorder) snapshot(e snapshotter) {
	if r == nil {
		return
	}
	at := e.Now()
	state, err := e.Snapshot()
	r.mu.Lock()
	defer r.mu.Unlock()
	hourly := at.Mono-r.last >= snapshotEvery
	r.last = at.Mono
	r.lost, _ = r.losses()
	if err != nil {
		if !r.unsnapped {
			r.unsnapped = true
			r.log.Warn("the recording goes on without a snapshot: a replay has to begin earlier", "error", err)
		}
		return
	}
	r.unsnapped = false
	if hourly && r.segments != nil {
		r.segments.Cut()
	}
	r.put(at, &recording.Line{Type: recording.Snapshot, Hash: e.Ruleset().Hash, State: state}, kindSnapshot)
}

// lineKind is how soon a line has to be on the disk.
type lineKind uint8

const (
	kindLoud lineKind = iota
	kindQuiet
	kindSnapshot
)

func (r *recorder) add(at engine.Instant, l *recording.Line) { r.addKind(at, l, false) }

func (r *recorder) addKind(at engine.Instant, l *recording.Line, quiet bool) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	kind := kindLoud
	if quiet {
		kind = kindQuiet
	}
	r.put(at, l, kind)
}

// put writes a line. The lock is held.
func (r *recorder) put(at engine.Instant, l *recording.Line, kind lineKind) {
	r.write(at, l, false, kind)
}

func (r *recorder) write(at engine.Instant, l *recording.Line, stripped bool, kind lineKind) {
	l.Received, l.Mono, l.HasMono, l.Run = at.Wall, at.Mono, true, r.run
	r.line = recording.Append(r.line[:0], l, stripped)
	if r.segments != nil {
		r.segments.Add(segment.Line{At: at.Wall, Text: r.line, Snapshot: kind == kindSnapshot, Quiet: kind == kindQuiet})
	}
	if r.file != nil {
		r.file.add(at.Wall, r.line)
	}
	if cap(r.line) > 1<<20 {
		r.line = nil
	}
}

// close writes what waits, for a second at most. Nothing may be recorded after it.
func (r *recorder) close() error {
	if r == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), recordClose)
	defer cancel()
	var errs []error
	if r.file != nil {
		errs = append(errs, r.file.close(ctx))
	}
	if r.segments != nil {
		errs = append(errs, r.segments.Close(ctx))
	}
	return errors.Join(errs...)
}

// scalarJSON is a flag's value as a recording has it.
func scalarJSON(v engine.Scalar) []byte {
	switch v.Type {
	case engine.ScalarBool:
		return strconv.AppendBool(nil, v.Bool)
	case engine.ScalarNumber:
		if !math.IsNaN(v.Number) && !math.IsInf(v.Number, 0) {
			return strconv.AppendFloat(nil, v.Number, 'g', -1, 64)
		}
	case engine.ScalarText:
		if b, err := json.Marshal(v.Text); err == nil {
			return b
		}
	}
	return []byte("null")
}

const (
	// fileLines and fileBytes bound what waits for a replay file's disk.
	fileLines = 4096
	fileBytes = 32 << 20
)

// replayFile is one file that lines are added to.
type replayFile struct {
	log      *slog.Logger
	lines    chan []byte
	done     chan struct{}
	waiting  atomic.Int64 // bytes
	lost     atomic.Int64 // lines left out
	failed   error        // the writer's own, until done is closed
	missing  int64        // of them since the last line that was taken; the adder's own
	lostLine func(at time.Time, n int64) []byte
}

func openReplayFile(name string, lostLine func(time.Time, int64) []byte, log *slog.Logger) (*replayFile, error) {
	if err := regular(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return nil, err
	}
	r := &replayFile{log: log, lines: make(chan []byte, fileLines), done: make(chan struct{}), lostLine: lostLine}
	go func() {
		defer close(r.done)
		defer f.Close()
		r.write(f)
	}()
	return r, nil
}

func (r *replayFile) write(w io.Writer) {
	for line := range r.lines {
		r.waiting.Add(-int64(len(line)))
		if r.failed != nil {
			continue
		}
		if _, r.failed = w.Write(line); r.failed != nil {
			r.log.Error("the recording ends here", "error", r.failed)
		}
	}
}

// add hands a copy of a line on.
func (r *replayFile) add(at time.Time, line []byte) {
	if r.missing > 0 && !r.try(r.lostLine(at, r.missing)) {
		r.leaveOut()
		return
	}
	r.missing = 0
	if !r.try(append([]byte(nil), line...)) {
		r.leaveOut()
	}
}

func (r *replayFile) try(line []byte) bool {
	if r.waiting.Load()+int64(len(line)) > fileBytes {
		return false
	}
	select {
	case r.lines <- line:
		r.waiting.Add(int64(len(line)))
		return true
	default:
		return false
	}
}

func (r *replayFile) leaveOut() {
	if r.missing++; r.lost.Add(1) == 1 {
		r.log.Error("the disk is too slow for the recording: lines are left out")
	}
}

// close writes what waits, as long as ctx lasts.
func (r *replayFile) close(ctx context.Context) error {
	close(r.lines)
	select {
	case <-r.done:
	case <-ctx.Done():
		return errors.New("the recording is not whole: its file does not take it")
	}
	if r.failed != nil {
		return fmt.Errorf("the recording is not whole: %w", r.failed)
	}
	if n := r.lost.Load(); n > 0 {
		return fmt.Errorf("the recording is not whole: %d lines were left out", n)
	}
	return nil
}
