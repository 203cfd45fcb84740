package main

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/engine"
)

const stateRules = rulesText + `  - name: arm
    on: plate
    when: plate.number == "ARM1"
    cooldown: 1h
    per: rule
    do: [{flag: armed, set: true}, {log: armed}]
  - name: tell
    on: plate
    when: flag("armed")
    per: plate
    do: [{log: "armed and ${plate.number}"}]
flags: {armed: false}
`

// TestAKillForgetsNothingThatWasWritten: what is written 2 s after a change at the
// latest is what a run after a kill begins with.
func TestAKillForgetsNothingThatWasWritten(t *testing.T) {
	a := startSite(t, stateRules, nil)
	a.post(plateRead("ABC1234"))
	a.post(plateRead("ARM1"))
	a.out.await("armed (arm)")
	var kept []byte
	for over := time.Now().Add(10 * time.Second); ; {
		kept, _ = os.ReadFile(filepath.Join(a.dir, "data", stateFile))
		if bytes.Contains(kept, []byte(`"value":{"bool":true}`)) && bytes.Contains(kept, []byte(`"pulsed":["gate"]`)) {
			break
		}
		if time.Now().After(over) {
			t.Fatalf("the state is not written: %s", kept)
		}
		<-time.After(10 * time.Millisecond)
	}
	// The first run goes on; the second knows only the file, as after a kill.
	b := startSite(t, stateRules, func(s *service) {
		if err := os.MkdirAll(s.site.Data, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.site.Data, stateFile), kept, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	b.post(plateRead("ABC1234"))
	b.post(plateRead("ARM1"))
	b.post(plateRead("OTHER77"))
	b.out.await("armed and OTHER77 (tell)")
	for _, never := range []string{"gate is on (", "ABC1234 came in", "armed (arm)"} {
		if strings.Contains(b.out.String(), never) {
			t.Errorf("after the restart %q:\n%s", never, b.out)
		}
	}
	for _, want := range []string{"armed and ABC1234 (tell)", "cooldown"} {
		if !strings.Contains(b.out.String(), want) {
			t.Errorf("after the restart there is no %q:\n%s", want, b.out)
		}
	}
}

func TestAGracefulStopWritesTheState(t *testing.T) {
	s := startSite(t, stateRules, nil)
	s.post(plateRead("ARM1"))
	s.out.await("armed (arm)")
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.dir, "data", stateFile)
	b, err := os.ReadFile(file)
	if err != nil || !bytes.Contains(b, []byte(`"value":{"bool":true}`)) {
		t.Errorf("%v: %s", err, b)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v: plates are nobody else's business", info.Mode(), err)
	}
}

func TestAStateThatCannotBeUsedIsSetAside(t *testing.T) {
	for _, text := range []string{"", "{", `{"version":9}`, strings.Repeat("x", 100_000)} {
		file := filepath.Join(t.TempDir(), stateFile)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		var notes []string
		s := loadState(file, slog.New(slog.NewTextHandler(&log, nil)), func(text string) { notes = append(notes, text) })
		if s != nil {
			t.Errorf("%.20q is used", text)
		}
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%.20q is left: %v", text, err)
		}
		if b, err := os.ReadFile(file + ".bad"); err != nil || string(b) != text {
			t.Errorf("%.20q is not set aside: %v", text, err)
		}
		want := file + " cannot be used: flags, counts, cooldowns and plate visits begin anew; it is kept as " + file + ".bad"
		if len(notes) != 1 || notes[0] != want || !strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("said %q, logged %s", notes, &log)
		}
	}
	if s := loadState(filepath.Join(t.TempDir(), stateFile), nil, nil); s != nil {
		t.Error("a state out of nothing")
	}
}

// TestADiskThatFailsIsSaidOnceAMinute: and once it works again the latest state is written.
func TestADiskThatFailsIsSaidOnceAMinute(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		blocked := filepath.Join(dir, "data")
		if err := os.WriteFile(blocked, nil, 0o600); err != nil { // a file where the folder should be
			t.Fatal(err)
		}
		k := newKeeper(filepath.Join(blocked, stateFile), slog.New(slog.NewTextHandler(&log, nil)), writeState)
		for range 60 {
			k.keep(engine.State{})
			k.keep(engine.State{})
			time.Sleep(stateEvery)
		}
		synctest.Wait()
		if n := strings.Count(log.String(), "what a restart needs cannot be written"); n != 2 {
			t.Errorf("said %d times in two minutes:\n%s", n, &log)
		}
		if err := os.Remove(blocked); err != nil {
			t.Fatal(err)
		}
		time.Sleep(stateRetry)
		synctest.Wait()
		if b, err := os.ReadFile(k.file); err != nil || !regexp.MustCompile(`^\{"version":1,.*\}\n$`).Match(b) {
			t.Errorf("%q, %v", b, err)
		}
		k.close()
	})
}

// TestStatesAreWrittenAtMostEveryTwoSeconds counts what the loop hands over.
func TestStatesAreWrittenAtMostEveryTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		eng, _ := engine.New(&engine.Ruleset{Flags: []engine.FlagDef{{Name: "f", Initial: engine.Scalar{Type: engine.ScalarNumber}}}}, engine.DefaultOptions(), engine.Instant{Wall: start})
		var at []time.Duration
		s := newSaving(func(engine.State) { at = append(at, time.Since(start)) })
		s.begun = start.Add(-time.Minute) // not just started
		change := time.NewTicker(300 * time.Millisecond)
		defer change.Stop()
		for time.Since(start) < 10*time.Second {
			s.look(eng)
			select {
			case <-change.C:
				if d := time.Since(start); d < 5*time.Second {
					v := engine.Scalar{Type: engine.ScalarNumber, Number: d.Seconds()}
					eng.Apply(engine.Instant{Mono: d, Wall: time.Now()}, &engine.Event{Kind: engine.KindFlag, Name: "f", Value: v})
				}
			case <-s.timer.C:
				s.save(eng)
			}
		}
		if len(at) != 4 || at[0] != 300*time.Millisecond || at[1] != 2300*time.Millisecond || at[3] > 6300*time.Millisecond {
			t.Errorf("handed over at %v", at)
		}
	})
}

// TestAStateIsWrittenSoonAfterAStart: a program that lives for a second, again and
// again, keeps what it saw; one that goes on spares the disk.
func TestAStateIsWrittenSoonAfterAStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		eng, _ := engine.New(&engine.Ruleset{Flags: []engine.FlagDef{{Name: "f", Initial: engine.Scalar{Type: engine.ScalarNumber}}}}, engine.DefaultOptions(), engine.Instant{Wall: start})
		var kept []time.Duration
		s := newSaving(func(engine.State) { kept = append(kept, time.Since(start)) })
		change := time.NewTicker(20 * time.Millisecond)
		defer change.Stop()
		for time.Since(start) < time.Minute {
			s.look(eng)
			select {
			case <-change.C:
				d := time.Since(start)
				eng.Apply(engine.Instant{Mono: d, Wall: time.Now()}, &engine.Event{Kind: engine.KindFlag, Name: "f", Value: engine.Scalar{Type: engine.ScalarNumber, Number: d.Seconds()}})
			case <-s.timer.C:
				s.save(eng)
			}
		}
		for i, d := range kept[1:] {
			if gap := d - kept[i]; gap > max(d/7, 120*time.Millisecond) || gap > stateEvery {
				t.Errorf("after %v nothing was kept until %v", kept[i], d)
			}
		}
		if n := len(kept); n > 70 {
			t.Errorf("kept %d times in the first minute", n)
		}
	})
}
