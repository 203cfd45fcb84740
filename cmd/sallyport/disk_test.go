package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/inputs/recording"
	"github.com/sallyport/sallyport/journal"
)

// entry is an entry of the journal, as far as these tests look.
type entry struct {
	ID                                  int64
	Kind, Rule, Relay, Plate, Type, Who string
	Step, Outcome, Reason, Cause, Error string
	On, Loaded                          bool
	At                                  time.Time
	Problems                            []string
	Links                               struct{ Event, Firing int64 }
	Event                               struct{ Kind, Name string }
}

func (s *testSite) entries(query string) []entry {
	s.Helper()
	code, body := s.get("/api/v1/journal?" + query)
	var page struct{ Items []entry }
	if err := json.Unmarshal([]byte(body), &page); err != nil || code != 200 {
		s.Fatal(code, body, err)
	}
	return page.Items
}

// awaitEntry waits until the journal has an entry that fits.
func (s *testSite) awaitEntry(query string, fits func(entry) bool) entry {
	s.Helper()
	for over := time.Now().Add(20 * time.Second); ; {
		all := s.entries(query)
		if i := slices.IndexFunc(all, fits); i >= 0 {
			return all[i]
		}
		if time.Now().After(over) {
			s.Fatalf("no such entry: %+v", all)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func (s *testSite) send(method, path, body string) (int, string) {
	s.Helper()
	return s.as("Content-Type", "application/json", method, path, body)
}

// TestTheJournalTellsAnArrival: from the plate that was read to the relay that moved.
func TestTheJournalTellsAnArrival(t *testing.T) {
	s := startSite(t, rulesText, nil)
	s.post(plateRead("ABC1234"))
	s.out.await("gate is off (")
	off := s.awaitEntry("kind=relay", func(e entry) bool { return e.Relay == "gate" && !e.On })
	firing := s.awaitEntry("kind=firing", func(e entry) bool { return e.ID == off.Links.Firing })
	if firing.Rule != "gate" || firing.Plate != "ABC1234" || !strings.HasPrefix(off.Cause, `end of pulse (rule "gate" gate/#`) {
		t.Errorf("%+v\n%+v", firing, off)
	}
	plate := s.awaitEntry("plate=ABC1234&kind=event", func(e entry) bool { return e.ID == firing.Links.Event })
	if plate.Event.Kind != "plate" {
		t.Errorf("%+v", plate)
	}
	s.awaitEntry("kind=action", func(e entry) bool {
		return e.Links.Firing == firing.ID && e.Step == "relay gate pulse 100ms" && e.Outcome == "done"
	})
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	code, out, errs := runCommand(t, "journal", "verify", "-c", filepath.Join(s.dir, "sallyport.yaml"))
	if code != 0 || !strings.HasPrefix(out, "ok: ") || errs != "" {
		t.Errorf("%d %s%s", code, out, errs)
	}
}

// TestAStartWithWarnings: rules with warnings are rules that loaded, and no line of
// theirs, where secrets may stand, gets into the journal.
func TestAStartWithWarnings(t *testing.T) {
	s := startSite(t, rulesText+`  - name: told
    on: plate
    when: plate.heading == "away"
    cooldown: 2s # hush-hush-hush
    do: [{log: "${plate.number}"}]
`, nil)
	s.awaitEntry("kind=reload", func(e entry) bool {
		if !e.Loaded || len(e.Problems) != 1 || strings.Contains(e.Problems[0], "hush") {
			s.Errorf("%+v", e)
		}
		return true
	})
}

// TestRelaysByHand: what a person asks is done within the limits, and journaled with
// who it was.
func TestRelaysByHand(t *testing.T) {
	s := startSite(t, rulesText, nil)
	const who = "console at 127.0.0.1"
	code, body := s.send("POST", "/api/v1/relays/gate", `{"pulse": "50ms"}`)
	if code != 200 || !strings.Contains(body, `"on":true`) || !strings.Contains(body, `"who":"`+who+`"`) {
		t.Error(code, body)
	}
	s.awaitEntry("kind=relay&relay=gate", func(e entry) bool { return e.On && e.Who == who && e.Cause == "by hand: "+who })
	s.awaitEntry("kind=action&relay=gate", func(e entry) bool {
		return e.Type == "command" && e.Who == who && e.Step == "relay gate pulse 50ms" && e.Outcome == "done"
	})
	if code, body := s.send("POST", "/api/v1/relays/porch", `{"set": "on"}`); code != 200 {
		t.Error(code, body)
	}
	if code, body := s.send("POST", "/api/v1/relays/porch", `{"pulse": "1s"}`); code != 409 || !strings.Contains(body, `relay \"porch\" refuses: on`) {
		t.Error(code, body)
	}
	s.awaitEntry("kind=action&relay=porch", func(e entry) bool { return e.Outcome == "not begun" && e.Reason == "on" })
	if code, body := s.send("POST", "/api/v1/relays/cellar", `{"set": "on"}`); code != 404 || !strings.Contains(body, `no relay is called \"cellar\"`) {
		t.Error(code, body)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	code, out, errs := runCommand(t, "export", "-c", filepath.Join(s.dir, "sallyport.yaml"))
	if code != 0 || !strings.Contains(out, `"type":"command"`) || !strings.Contains(out, `"who":"`+who+`"`) {
		t.Errorf("%d %s%s", code, out, errs)
	}
}

// TestAFolderThatCannotBeWritten: the program runs, its relays move, and it says what
// is wrong; when the folder can be had, the journal goes on by itself.
func TestAFolderThatCannotBeWritten(t *testing.T) {
	var data string
	s := startSite(t, rulesText, func(svc *service) {
		data = svc.site.Data
		if err := os.WriteFile(data, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	s.post(plateRead("ABC1234"))
	s.out.await("gate is off (")
	for over := time.Now().Add(20 * time.Second); ; {
		code, body := s.get("/readyz")
		if code == 503 && strings.Contains(body, "the journal cannot be written: ") && strings.Contains(body, "the recording cannot be written: ") {
			break
		}
		if time.Now().After(over) {
			t.Fatal(code, body)
		}
		<-time.After(10 * time.Millisecond)
	}
	if err := os.Remove(data); err != nil {
		t.Fatal(err)
	}
	for over := time.Now().Add(20 * time.Second); ; {
		code, body := s.get("/readyz")
		if !strings.Contains(body, "the journal cannot") && !strings.Contains(body, "the recording cannot") {
			break
		}
		if time.Now().After(over) {
			t.Fatal(code, body)
		}
		s.post(plateRead("XYZ999")) // something to write
		<-time.After(100 * time.Millisecond)
	}
	s.awaitEntry("plate=XYZ999", func(e entry) bool { return e.Kind == "event" })
}

// TestMemoryGivesWayInOrder: when all of it is larger than allowed, what stands first
// in keep_order goes first, and no further than need be.
func TestMemoryGivesWayInOrder(t *testing.T) {
	site := config.Default()
	site.Data = t.TempDir()
	d, err := openDisk(site, "", nil, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	picture := bytes.Repeat([]byte{0xff, 0xd8, 7}, 30_000)
	for i := range 20 {
		at := now.Add(time.Duration(i) * time.Second)
		d.journal.Add(journal.Entry{At: at, Kind: journal.KindEvent, Camera: "gate", Body: []byte(`{"kind":"plate"}`),
			Images: []journal.Image{{Name: "scene", Size: 90_000, Bytes: func() ([]byte, error) { return picture, nil }}}})
		d.rec.add(engine.Instant{Wall: at}, &recording.Line{Type: recording.Command, Who: "test", What: strings.Repeat("x", 100)})
	}
	if err := d.journal.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, err := d.sizes(t.Context())
	if err != nil || before["images"] != 20*90_000 {
		t.Fatal(before, err)
	}
	total := before["images"] + before["journal"] + before["recording"]
	site.Keep.Size = total - 450_000
	if err := d.shrink(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := d.sizes(t.Context())
	if err != nil || after["images"] > before["images"]-450_000 || after["images"] < before["images"]-700_000 {
		t.Errorf("%v, then %v, %v", before, after, err)
	}
	if entries, _, err := d.journal.List(t.Context(), journal.Query{}); err != nil || len(entries) != 20 {
		t.Errorf("%d entries, %v", len(entries), err)
	}

	site.Keep.Journal, site.Keep.Images, site.Keep.Recording = time.Hour, time.Hour, time.Hour
	if err := d.expire(t.Context(), now.Add(time.Hour+10*time.Second)); err != nil {
		t.Fatal(err)
	}
	entries, _, err := d.journal.List(t.Context(), journal.Query{})
	if err != nil || len(entries) != 10 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
	if err := d.expire(t.Context(), time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Error(err)
	}
}

func TestErrorsOfTheLogAreEntries(t *testing.T) {
	site := config.Default()
	site.Data = t.TempDir()
	d, err := openDisk(site, "", []string{"hunter22"}, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	var text bytes.Buffer
	log := slog.New(tee{slog.NewTextHandler(&text, nil), d.told, 0})
	log.Warn("this is nothing")
	log.With("a", 1).Error("it broke", "camera", "gate", "error", errors.New("password hunter22 was wrong"))
	if err := d.journal.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	entries, _, err := d.journal.List(t.Context(), journal.Query{})
	if err != nil || len(entries) != 1 || entries[0].Kind != journal.KindError || entries[0].Camera != "gate" ||
		string(entries[0].Body) != `{"error":"it broke","detail":"error: password *** was wrong"}` {
		t.Errorf("%v %s", err, fmt.Sprint(entries))
	}
	if !strings.Contains(text.String(), "this is nothing") || !strings.Contains(text.String(), "it broke") {
		t.Error(&text)
	}
}

// TestNothingMovesBeforeTheJournalIsOnTheDisk: with `sync: true` the firing can be
// read from the disk at the moment that the line moves.
func TestNothingMovesBeforeTheJournalIsOnTheDisk(t *testing.T) {
	saw := make(chan error, 1)
	line := &readingLine{saw: saw}
	s := startSite(t, rulesText, func(svc *service) {
		svc.site.Sync = true
		line.data = svc.site.Data
		svc.relays = []relay.Config{
			{Spec: relay.Spec{Name: "porch", MaxOn: time.Hour}, Driver: &spyLine{}},
			{Spec: relay.Spec{Name: "gate", MaxOn: time.Second}, Driver: line},
		}
	})
	s.post(plateRead("ABC1234"))
	select {
	case err := <-saw:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the gate did not open")
	}
}

// readingLine looks for a firing in the journal at the moment that it is turned on.
type readingLine struct {
	data string
	saw  chan error
}

func (l *readingLine) Set(on bool) error {
	if !on {
		return nil
	}
	l.saw <- func() error {
		r, err := journal.OpenReader(l.data)
		if err != nil {
			return err
		}
		defer r.Close()
		entries, _, err := r.List(context.Background(), journal.Query{Kinds: []string{journal.KindFiring}})
		if err != nil {
			return err
		}
		if len(entries) != 1 || entries[0].Rule != "gate" {
			return fmt.Errorf("firings on the disk: %v", entries)
		}
		return nil
	}()
	return nil
}

func (l *readingLine) Close() error { return nil }

// TestAnExportDecidesWhatTheRunDecided: what a running program decided, a replay of
// its own recording decides too, byte for byte.
func TestAnExportDecidesWhatTheRunDecided(t *testing.T) {
	rules := rulesText + `  - name: bell
    on: plate
    when: plate.number != ""
    per: plate
    cooldown: 1h
    do: [{flag: rang, set: true, for: 100ms}, {log: "${plate.number}", after: 50ms}]
  - name: after the bell
    when: flag("rang")
    for: 20ms
    do: [{relay: porch, follow: true}]
flags: {rang: false}
`
	s := startSite(t, rules, func(svc *service) { svc.json = true })
	for i := range 3 {
		for _, body := range [][]byte{plateRead("ABC1234"), plateRead("XYZ999"), plateRead(fmt.Sprint("CAR10", i)), plateRead("ABC1234")} {
			s.post(body)
		}
		s.out.await(fmt.Sprint(`"key":"CAR10`, i, `","camera":"gate","step":"log`))
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	var live strings.Builder
	for line := range strings.Lines(s.out.String()) {
		if strings.HasPrefix(line, `{"at":`) {
			live.WriteString(line)
		}
	}
	site := filepath.Join(s.dir, "sallyport.yaml")
	code, recorded, errs := runCommand(t, "export", "-c", site)
	if code != 0 {
		t.Fatal(errs)
	}
	file := filepath.Join(t.TempDir(), "r.jsonl")
	if err := os.WriteFile(file, []byte(recorded), 0o600); err != nil {
		t.Fatal(err)
	}
	code, replayed, errs := runCommand(t, "replay", "-c", site, "--json", file)
	if code != 0 || replayed != live.String() {
		t.Errorf("code %d %s\nlive\n%s\nreplayed\n%s", code, errs, live.String(), replayed)
	}
}

// TestAFloodOfPicturesGivesWaySoon: what comes faster than old parts are taken away in
// their turn does not fill the disk meanwhile.
func TestAFloodOfPicturesGivesWaySoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := config.Default()
		site.Data, site.Keep.Size = t.TempDir(), 1_000_000
		d, err := openDisk(site, "", nil, 0, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer d.close()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { d.tidy(ctx) })
		defer wg.Wait()
		defer cancel()
		picture := bytes.Repeat([]byte{0xff, 0xd8, 7}, 30_000)
		for range 20 {
			d.journal.Add(journal.Entry{At: time.Now(), Kind: journal.KindEvent, Body: []byte(`{"kind":"plate"}`),
				Images: []journal.Image{{Name: "scene", Size: 90_000, Bytes: func() ([]byte, error) { return picture, nil }}}})
		}
		time.Sleep(tidyFirst / 2)
		synctest.Wait()
		if sizes, err := d.sizes(t.Context()); err != nil || sizes["images"] > site.Keep.Size {
			t.Errorf("%v, %v", sizes, err)
		}
	})
}
