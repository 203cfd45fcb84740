package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/engine"
)

// spyLine looks at the disk at the moment that it is turned on.
type spyLine struct {
	data string
	saw  chan kept
}

// kept is what a kill leaves of the engine's memory.
type kept struct{ marks, state string }

func (l *spyLine) Set(on bool) error {
	if !on {
		return nil
	}
	// The marks first: a state that takes their place is there before they go.
	var k kept
	if b, err := os.ReadFile(filepath.Join(l.data, marksFile)); err == nil {
		k.marks = string(b)
	}
	if b, err := os.ReadFile(filepath.Join(l.data, stateFile)); err == nil {
		k.state = string(b)
	}
	l.saw <- k
	return nil
}

func (l *spyLine) Close() error { return nil }

// TestAPulseIsNotedBeforeItMoves: a program that is killed at any moment after a line
// moved knows of it when it starts again.
func TestAPulseIsNotedBeforeItMoves(t *testing.T) {
	line := &spyLine{saw: make(chan kept, 1)}
	var marks string
	s := startSite(t, stateRules, func(svc *service) {
		marks = filepath.Join(svc.site.Data, marksFile)
		line.data = svc.site.Data
		svc.site.Sync = true // so that a busy machine is waited for longer
		svc.relays = []relay.Config{
			{Spec: relay.Spec{Name: "porch", MaxOn: time.Hour}, Driver: &spyLine{}},
			{Spec: relay.Spec{Name: "gate", MaxOn: time.Second}, Driver: line},
		}
	})
	s.post(plateRead("ABC1234"))
	var saw kept
	select {
	case saw = <-line.saw:
	case <-time.After(20 * time.Second):
		t.Fatal("the gate did not open")
	}
	// On a slow disk a state that knows of it may be there already.
	if !strings.Contains(saw.state, `"pulsed":["gate"]`) {
		m, err := engine.DecodeMark([]byte(strings.TrimSuffix(saw.marks, "\n")))
		if err != nil || m.Relay != "gate" || m.Visit == nil || m.Visit.First != "ABC1234" || m.Rule != "gate" {
			t.Fatalf("%v: %+v", err, saw)
		}
	}
	// The state that knows of it takes its place.
	for over := time.Now().Add(20 * time.Second); ; {
		if b, err := os.ReadFile(marks); err == nil && len(b) == 0 {
			break
		}
		if time.Now().After(over) {
			t.Fatal("the marks are never forgotten")
		}
		<-time.After(10 * time.Millisecond)
	}

	// After a kill at that moment the same car opens nothing more.
	again := &spyLine{saw: make(chan kept, 1)}
	b := startSite(t, stateRules, func(svc *service) {
		if err := os.MkdirAll(svc.site.Data, 0o750); err != nil {
			t.Fatal(err)
		}
		again.data = svc.site.Data
		for name, text := range map[string]string{marksFile: saw.marks, stateFile: saw.state} {
			if text == "" {
				continue
			}
			if err := os.WriteFile(filepath.Join(again.data, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		svc.relays = []relay.Config{
			{Spec: relay.Spec{Name: "porch", MaxOn: time.Hour}, Driver: &spyLine{}},
			{Spec: relay.Spec{Name: "gate", MaxOn: time.Second}, Driver: again},
		}
	})
	b.post(plateRead("ABC1234"))
	b.post(plateRead("ABC1234"))
	b.post(plateRead("ARM1"))
	b.out.await("armed (arm)")
	if len(again.saw) > 0 {
		t.Errorf("the gate opened again:\n%s", b.out)
	}
}

func mark(seq uint64) *engine.Mark {
	return &engine.Mark{Seq: seq, At: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), Rule: "gate", Per: engine.PerVisit, Relay: "gate"}
}

func logged(b *bytes.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

func seqs(marks []engine.Mark) (n []uint64) {
	for _, m := range marks {
		n = append(n, m.Seq)
	}
	return n
}

func TestMarksAreReadBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data", marksFile)
	var log bytes.Buffer
	m := newMarkLog(file, true, logged(&log))
	for seq := range uint64(3) {
		<-m.keep(mark(seq + 1))
	}
	m.clear(2) // a state that does not know of the third
	<-m.keep(mark(4))
	m.close()
	if got := seqs(loadMarks(file, logged(&log))); !reflect.DeepEqual(got, []uint64{1, 2, 3, 4}) || log.Len() > 0 {
		t.Errorf("%v, %s", got, &log)
	}
	m = newMarkLog(file, false, logged(&log))
	<-m.keep(mark(5))
	m.clear(5)
	<-m.keep(mark(6))
	m.close()
	if got := seqs(loadMarks(file, logged(&log))); !reflect.DeepEqual(got, []uint64{6}) || log.Len() > 0 {
		t.Errorf("%v, %s", got, &log)
	}
	if got := loadMarks(filepath.Join(t.TempDir(), marksFile), logged(&log)); got != nil || log.Len() > 0 {
		t.Errorf("marks out of nothing: %v, %s", got, &log)
	}
}

func TestATornMarkIsLeftOut(t *testing.T) {
	file := filepath.Join(t.TempDir(), marksFile)
	whole := append(mark(1).AppendJSON(nil), '\n')
	text := append(append([]byte{}, whole...), mark(2).AppendJSON(nil)[:40]...)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	if got := seqs(loadMarks(file, logged(&log))); !reflect.DeepEqual(got, []uint64{1}) || !strings.Contains(log.String(), "lines of the marks file cannot be read and are left out") {
		t.Errorf("%v, %s", got, &log)
	}
}

// TestADiskThatTakesNoMarks: what could not be noted is noted with the next one that
// can be, nobody is told otherwise, and it is said once.
func TestADiskThatTakesNoMarks(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	m := newMarkLog(filepath.Join(blocked, marksFile), false, logged(&log))
	first, second := m.keep(mark(1)), m.keep(mark(2))
	m.ops <- markOp{} // taken when both were tried
	m.clear(0)
	for len(m.ops) > 0 {
		<-time.After(time.Millisecond)
	}
	select {
	case <-first:
		t.Error("the first counts as noted")
	case <-second:
		t.Error("the second counts as noted")
	default:
	}
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	<-m.keep(mark(3))
	m.close()
	if got := seqs(loadMarks(filepath.Join(blocked, marksFile), logged(&log))); !reflect.DeepEqual(got, []uint64{1, 2, 3}) {
		t.Errorf("%v", got)
	}
	if n := strings.Count(log.String(), "what is asked of relays cannot be noted on the disk: a restart may ask again"); n != 1 {
		t.Errorf("said %d times: %s", n, &log)
	}
}

// TestTheLastMarksOfAHugeFileCount: what was asked last is what must not be asked again.
func TestTheLastMarksOfAHugeFileCount(t *testing.T) {
	file := filepath.Join(t.TempDir(), marksFile)
	text := append(bytes.Repeat([]byte("{}\n"), engine.MaxState/3+1), mark(9).AppendJSON(nil)...)
	if err := os.WriteFile(file, append(text, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	if got := seqs(loadMarks(file, logged(&log))); !reflect.DeepEqual(got, []uint64{9}) {
		t.Errorf("%v, %s", got, &log)
	}
}

// A disk that takes longer for the last state than a stop waits tells of it later.
func TestAStateThatIsWrittenAfterTheEnd(t *testing.T) {
	m := newMarkLog(filepath.Join(t.TempDir(), marksFile), false, slog.New(slog.DiscardHandler))
	m.close()
	m.clear(1)
}
