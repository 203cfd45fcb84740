package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/journal"
	"github.com/sallyport/sallyport/journal/segment"
)

// diskClose is how long a stop waits for a slow disk to take the journal.
const diskClose = time.Second

// disk is what is kept below the data folder: the journal with its outbox, the
// recording, and what a restart must know. A disk that is full or dying loses entries,
// counted and said; it never holds up the loop or a relay.
type disk struct {
	log     *slog.Logger
	site    *config.Site
	journal *journal.Journal
	told    *journaling
	rec     *recorder
	marks   *markLog
	states  *keeper[engine.State]
	relays  *keeper[relay.Saved]
	modes   overrideKeeper
	killed  bool             // the run before did not end in order
	now     func() time.Time // the wall clock that people see
}

// runningFile is the file below the data folder that is there while a program runs:
// one that is there at a start is of a program that was killed.
const runningFile = "running"

// openDisk opens everything. It fails for a replay file that cannot be had; a data
// folder that cannot be used is tried again while the program runs. shift is how far the
// wall clock that people see is from the machine's.
func openDisk(site *config.Site, record string, secrets []string, shift time.Duration, log *slog.Logger) (*disk, error) {
	d := &disk{log: log, site: site, now: func() time.Time { return time.Now().Add(shift) }}
	if err := os.MkdirAll(site.Data, 0o750); err != nil {
		log.Error("the data folder cannot be used: journal, recording and memory are tried again while the program runs", "error", err)
	}
	var err error
	d.journal, err = journal.Open(journal.Config{Dir: site.Data, Images: site.Keep.Images > 0, Log: log, Now: d.now})
	if err != nil {
		return nil, err
	}
	d.told = newJournaling(d.journal, secrets)
	if d.rec, err = newRecorder(recorderConfig{data: site.Data, file: record, log: log}); err != nil {
		return nil, errors.Join(err, d.closeJournal())
	}
	d.marks = newMarkLog(filepath.Join(site.Data, marksFile), site.Sync, log)
	d.states = newKeeper(filepath.Join(site.Data, stateFile), log, func(file string, state engine.State) error {
		err := writeState(file, state)
		if err == nil {
			d.marks.clear(state.Marks())
		}
		return err
	})
	d.modes = newOverrideKeeper(d.journal, log)
	d.relays = newKeeper(filepath.Join(site.Data, relaysFile), log, writeRelays)
	running := filepath.Join(site.Data, runningFile)
	_, err = os.Stat(running)
	d.killed = err == nil
	if err := replaceFile(running, nil); err != nil {
		log.Warn("a kill of this run will not be noticed by the next", "error", err)
	}
	return d, nil
}

// serve puts the disk to the use of an appliance.
func (d *disk) serve(p *parts) {
	p.killed = d.killed
	p.told, p.rec, p.store = d.told, d.rec, outboxStore{d.journal}
	p.onOverrides = d.modes.keep
	p.state = restoreOverrides(p.state, d.journal, d.log)
	p.keepMark, p.onState, p.onRelayState = d.marks.keep, d.states.keep, d.relays.keep
	if d.site.Sync {
		p.synced = d.journal.Sync
	}
}

// close waits a moment for what was handed over to be written.
func (d *disk) close() error {
	d.states.close()
	d.relays.close()
	d.modes.close()
	d.marks.close()
	_ = os.Remove(filepath.Join(d.site.Data, runningFile))
	return errors.Join(d.rec.close(), d.closeJournal())
}

func (d *disk) closeJournal() error {
	ctx, cancel := context.WithTimeout(context.Background(), diskClose)
	defer cancel()
	if err := d.journal.Close(ctx); err != nil {
		return fmt.Errorf("the journal: %w", err)
	}
	return nil
}

// problems says what keeps the disk from being written.
func (d *disk) problems() []string {
	var why []string
	if p := d.journal.Stats().Problem; p != "" {
		why = append(why, "the journal cannot be written: "+p)
	}
	if p := d.rec.segments.Stats().Err; p != "" {
		why = append(why, "the recording cannot be written: "+p)
	}
	return why
}

// outboxStore is the journal's outbox as the runner sees it.
type outboxStore struct{ journal *journal.Journal }

func (o outboxStore) Put(p actions.Parcel, done func(error)) { o.journal.Put(journal.Parcel(p), done) }
func (o outboxStore) Update(p actions.Parcel)                { o.journal.Update(journal.Parcel(p)) }
func (o outboxStore) Remove(id string, done func(error))     { o.journal.Remove(id, done) }

func (o outboxStore) Parcels(ctx context.Context) ([]actions.Parcel, error) {
	kept, err := o.journal.Parcels(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]actions.Parcel, len(kept))
	for i, p := range kept {
		out[i] = actions.Parcel(p)
	}
	return out, nil
}

const (
	// tidyFirst is how long after the start old parts of the memory go for the first
	// time, tidyEvery how often after that.
	tidyFirst = time.Minute
	tidyEvery = 10 * time.Minute
	// tidyLook is how often it is looked whether so much came that it cannot wait: a
	// flood of pictures fills a disk within minutes.
	tidyLook = 5 * time.Second
	// tidyTo is how far, in percent of the allowed size, the memory shrinks when it is
	// over: so that it does not every time.
	tidyTo = 95
)

// tidy takes away what is older than `keep` says, and what is over its size, until
// ctx ends.
func (d *disk) tidy(ctx context.Context) {
	t := time.NewTimer(tidyFirst)
	defer t.Stop()
	look := time.NewTicker(tidyLook)
	defer look.Stop()
	var seen int64 // of what was written, at the last time
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		case <-look.C:
			if d.grown()-seen < d.site.Keep.Size/100*(100-tidyTo) {
				continue
			}
		}
		seen = d.grown()
		if err := d.expire(ctx, d.now()); err != nil && ctx.Err() == nil {
			d.log.Warn("old parts of journal and recording could not be taken away", "error", err)
		}
		t.Reset(tidyEvery)
	}
}

// grown is how many bytes of pictures and of the recording were written since the start.
func (d *disk) grown() int64 {
	return d.journal.Stats().Images + d.rec.segments.Stats().Written
}

// expire makes the memory as old and as large as it may be. While the clock is not
// set nothing is old.
func (d *disk) expire(ctx context.Context, now time.Time) error {
	var errs []error
	if now.Year() >= engine.ClockSetYear {
		keep := d.site.Keep
		errs = append(errs, d.journal.Expire(ctx, now.Add(-keep.Journal), now.Add(-keep.Images)))
		_, err := d.rec.segments.Expire(ctx, now.Add(-keep.Recording))
		errs = append(errs, err)
	}
	return errors.Join(append(errs, d.shrink(ctx))...)
}

// shrink makes room when all of it together is larger than allowed: what stands first
// in keep_order gives way first, and altogether if need be.
func (d *disk) shrink(ctx context.Context) error {
	sizes, err := d.sizes(ctx)
	if err != nil {
		return err
	}
	over := -d.site.Keep.Size
	for _, n := range sizes {
		over += n
	}
	if over <= 0 {
		return nil
	}
	over += d.site.Keep.Size / 100 * (100 - tidyTo)
	for _, part := range d.site.KeepOrder {
		if over <= 0 {
			break
		}
		goal := max(sizes[part]-over, 0)
		var err error
		switch part {
		case "images":
			err = d.journal.ShrinkImages(ctx, goal)
		case "recording":
			_, err = d.rec.segments.Shrink(ctx, goal)
		case "journal":
			err = d.journal.Shrink(ctx, goal)
		}
		if err != nil {
			return err
		}
		left, err := d.sizes(ctx)
		if err != nil {
			return err
		}
		over -= sizes[part] - left[part]
	}
	return nil
}

// sizes gives the bytes of every part of the memory by its name in `keep`.
func (d *disk) sizes(ctx context.Context) (map[string]int64, error) {
	database, images, err := d.journal.Usage(ctx)
	if err != nil {
		return nil, err
	}
	recorded, err := segment.Size(filepath.Join(d.site.Data, recordingDir))
	if err != nil {
		return nil, err
	}
	return map[string]int64{"journal": database, "images": images, "recording": recorded}, nil
}

// tee is a log that the journal hears of too: what is an error is an entry.
type tee struct {
	slog.Handler
	told  *journaling
	shift time.Duration // of the wall clock that people see
}

// Handle writes a record, and tells the journal of an error.
func (t tee) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError {
		camera, detail := "", ""
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "camera" {
				camera = a.Value.String()
				return true
			}
			if detail != "" {
				detail += ", "
			}
			detail += a.Key + ": " + a.Value.String()
			return true
		})
		var err error
		if detail != "" {
			err = errors.New(detail)
		}
		t.told.failure(r.Time.Add(t.shift), camera, r.Message, err)
	}
	return t.Handler.Handle(ctx, r)
}

// WithAttrs is not used by this program; what it gives tells the journal too.
func (t tee) WithAttrs(attrs []slog.Attr) slog.Handler {
	return tee{t.Handler.WithAttrs(attrs), t.told, t.shift}
}

// WithGroup is as WithAttrs.
func (t tee) WithGroup(name string) slog.Handler {
	return tee{t.Handler.WithGroup(name), t.told, t.shift}
}

// outboxAgain is how soon an outbox that could not be read is tried again.
const outboxAgain = 10 * time.Second

// resumeOutbox takes up the steps that earlier runs left.
func (a *appliance) resumeOutbox(ctx context.Context) {
	for said := false; ; said = true {
		err := a.runner.Start(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		if !said {
			a.log.Error("the steps that earlier runs left cannot be read; they are tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(outboxAgain):
		}
	}
}

// siteSecrets are the texts of a site that must not get into the journal.
func siteSecrets(site *config.Site, p process) []string {
	var all []string
	add := func(s config.Secret) {
		if v, err := s.Value(p.getenv, os.ReadFile); err == nil && v != "" {
			all = append(all, v)
		}
	}
	for _, c := range site.Cameras {
		add(c.Password)
		add(c.Token)
	}
	for _, n := range site.Notifiers {
		add(n.URL)
	}
	for _, n := range site.Secrets {
		add(n.Secret)
	}
	return all
}
