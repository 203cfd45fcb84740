package segment

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// noon is when the tests' lines begin.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// lostLine is how the tests say that lines are missing.
func lostLine(_ time.Time, n int64) []byte { return fmt.Appendf(nil, "lost %d", n) }

func open(t testing.TB, cfg Config) *Writer {
	t.Helper()
	if cfg.Run == "" {
		cfg.Run = "r1"
	}
	cfg.Lost = lostLine
	w, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func closeIt(t testing.TB, w *Writer) {
	t.Helper()
	if err := w.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// at is a line a number of seconds after noon.
func at(seconds int, text string) Line {
	return Line{At: noon.Add(time.Duration(seconds) * time.Second), Text: []byte(text)}
}

func snapshot(seconds int, text string) Line {
	l := at(seconds, text)
	l.Snapshot = true
	return l
}

func read(t testing.TB, dir string, since, until time.Time) ([]string, Info) {
	t.Helper()
	var got []string
	info, err := Read(t.Context(), dir, since, until, func(text []byte) error {
		got = append(got, string(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if info.Lines != int64(len(got)) {
		t.Errorf("%d lines, and says %d", len(got), info.Lines)
	}
	return got, info
}

func names(t testing.TB, dir string) []string {
	t.Helper()
	all, err := list(dir)
	if err != nil {
		t.Fatal(err)
	}
	var s []string
	for _, n := range all {
		s = append(s, n.String())
	}
	return s
}

// TestLinesComeBack also with the tool that everyone has.
func TestLinesComeBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "recording")
	w := open(t, Config{Dir: dir})
	var want []string
	for i := range 5000 {
		text := fmt.Sprintf(`{"n":%d,"text":"%s"}`, i, strings.Repeat("ab", i%90))
		want = append(want, text)
		l := at(i, text+"\n")
		l.Snapshot = i%1000 == 0
		w.Add(l)
	}
	closeIt(t, w)
	got, info := read(t, dir, time.Time{}, time.Time{})
	if !slices.Equal(got, want) {
		t.Errorf("%d lines came back of %d", len(got), len(want))
	}
	if !info.Begin.Equal(noon) || !info.Snapshot || len(info.Torn) > 0 || info.Within != 5000 {
		t.Errorf("%+v", info)
	}
	all := names(t, dir)
	if len(all) != 1 || all[0] != "0000000001-20260302T120000.000Z-r1.jsonl.gz" {
		t.Errorf("segments %q", all)
	}
	f, err := os.Open(filepath.Join(dir, all[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(z); err != nil || string(b) != strings.Join(want, "\n")+"\n" {
		t.Errorf("gunzip gives %d bytes, %v", len(b), err)
	}
	if s := w.Stats(); s.Lines != 5000 || s.Lost != 0 || s.Waiting != 0 || s.Segments != 1 || s.Err != "" {
		t.Errorf("%+v", s)
	}
	w.Add(at(9999, "after the end"))
	if s := w.Stats(); s.Lost != 1 {
		t.Errorf("after the end: %+v", s)
	}
}

// TestRange begins at the nearest snapshot and ends before the first later line.
func TestRange(t *testing.T) {
	dir := t.TempDir()
	w := open(t, Config{Dir: dir})
	w.Add(at(0, "0"))
	w.Add(snapshot(10, "S10"))
	w.Add(at(12, "12"))
	w.Add(snapshot(20, "S20"))
	w.Add(at(25, "25"))
	w.Cut()
	w.Add(at(30, "30"))
	w.Add(snapshot(40, "S40"))
	w.Add(at(41, "41"))
	closeIt(t, w)
	w = open(t, Config{Dir: dir, Run: "r2"})
	w.Add(snapshot(50, "S50"))
	w.Add(at(51, "51"))
	w.Add(at(51, "51b"))
	closeIt(t, w)
	if got := len(names(t, dir)); got != 3 {
		t.Errorf("%d segments", got)
	}
	for _, c := range []struct {
		since, until int
		want         string
		within       int64
	}{
		{0, 99, "0 S10 12 S20 25 30 S40 41 S50 51 51b", 11}, // no snapshot before: the oldest line
		{-5, 12, "0 S10 12", 3},
		{9, 11, "0 S10", 1},
		{10, 12, "S10 12", 2},
		{15, 22, "S10 12 S20", 1},
		{20, 20, "S20", 1},
		{35, 50, "S20 25 30 S40 41 S50", 3},
		{40, 40, "S40", 1},
		{45, 51, "S40 41 S50 51 51b", 3},
		{60, 99, "S50 51 51b", 0},
	} {
		got, info := read(t, dir, noon.Add(time.Duration(c.since)*time.Second), noon.Add(time.Duration(c.until)*time.Second))
		if strings.Join(got, " ") != c.want || info.Within != c.within {
			t.Errorf("from %d to %d: %q, %d within", c.since, c.until, got, info.Within)
		}
		if info.Snapshot != strings.HasPrefix(c.want, "S") {
			t.Errorf("from %d to %d: snapshot %v", c.since, c.until, info.Snapshot)
		}
	}
	stop := errors.New("enough")
	n := 0
	if _, err := Read(t.Context(), dir, time.Time{}, time.Time{}, func([]byte) error { n++; return stop }); !errors.Is(err, stop) || n != 1 {
		t.Errorf("%v after %d lines", err, n)
	}
	for _, empty := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		if _, err := Read(t.Context(), empty, time.Time{}, time.Time{}, nil); !errors.Is(err, ErrEmpty) || err.Error() != empty+": there is no recording" {
			t.Errorf("%v", err)
		}
	}
}

// TestAClockThatWasWrong: a machine without a clock of its own begins in the past.
// The order of writing holds, and a range of the present is found.
func TestAClockThatWasWrong(t *testing.T) {
	dir := t.TempDir()
	w := open(t, Config{Dir: dir})
	w.Add(snapshot(0, "S0"))
	w.Add(at(5, "5"))
	closeIt(t, w)
	w = open(t, Config{Dir: dir, Run: "r2"})
	past := func(text string, snapshot bool) Line {
		return Line{At: time.Unix(7, 0), Text: []byte(text), Snapshot: snapshot}
	}
	w.Add(past("P", true))
	w.Add(past("p", false))
	w.Add(at(100, "100"))
	closeIt(t, w)
	if got, _ := read(t, dir, noon.Add(3*time.Second), noon.Add(200*time.Second)); strings.Join(got, " ") != "S0 5 P p 100" {
		t.Errorf("%q", got)
	}
	if got, _ := read(t, dir, noon.Add(3*time.Second), noon.Add(50*time.Second)); strings.Join(got, " ") != "S0 5 P p" {
		t.Errorf("%q", got)
	}
	// Age removes neither what the next segment of the past seems to end, nor that.
	w = open(t, Config{Dir: dir})
	if n, err := w.Expire(t.Context(), noon.Add(-time.Hour)); n != 0 || err != nil {
		t.Errorf("%d removed, %v", n, err)
	}
	closeIt(t, w)
}

// TestWhenItIsWritten: loud lines within two seconds, quiet ones when there is
// enough or after ten minutes, snapshots at once, and fsync no more often than said.
func TestWhenItIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		w := open(t, Config{Dir: dir})
		defer w.Close(context.Background())
		quiet := func(text string) { w.Add(Line{At: noon, Text: []byte(text), Quiet: true}) }
		expect := func(what string, writes, syncs int64) {
			t.Helper()
			synctest.Wait()
			if s := w.Stats(); s.Writes != writes || s.Syncs != syncs {
				t.Errorf("%s: %d writes, %d syncs, want %d, %d", what, s.Writes, s.Syncs, writes, syncs)
			}
		}
		w.Add(snapshot(0, "S"))
		expect("a snapshot at once", 1, 1)
		quiet("q")
		time.Sleep(10*time.Minute - time.Millisecond)
		expect("a quiet line before its time", 1, 1)
		time.Sleep(time.Millisecond)
		expect("a quiet line after ten minutes", 2, 2)
		quiet("q")
		w.Add(at(0, "loud"))
		time.Sleep(2*time.Second - time.Millisecond)
		expect("a loud line before its time", 2, 2)
		time.Sleep(time.Millisecond)
		expect("a loud line after two seconds", 3, 2)
		if got, _ := read(t, dir, time.Time{}, time.Time{}); strings.Join(got, " ") != "S q q loud" {
			t.Errorf("%q", got)
		}
		w.Add(at(0, "loud"))
		time.Sleep(2 * time.Second)
		expect("the next one is not synced yet", 4, 2)
		time.Sleep(6 * time.Second)
		expect("ten seconds after the last time", 4, 3)
		time.Sleep(time.Hour)
		expect("nothing to do", 4, 3)
		for range 64 {
			quiet(strings.Repeat("x", 1024))
		}
		expect("enough quiet lines", 5, 4)
	})
}

// TestADayOfHeartbeats is the promise to flash: what eight cameras that see nothing
// cost in a day, each write counted in pages of 4 KB and with 8 KB for what the file
// system writes of its own, each fsync with 8 KB more.
func TestADayOfHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d pages
		w := open(t, Config{Dir: t.TempDir(), create: d.create})
		state := strings.Repeat(`{"camera":"camera-1","zones":[1,2,3],"devices":[{"name":"IPC-1","least":[12,13,15]}]},`, 200)
		begin := time.Now()
		for second := 0; time.Since(begin) < 24*time.Hour; second += 30 {
			if second%3600 == 0 {
				w.Cut()
				w.Add(Line{At: time.Now(), Snapshot: true, Text: fmt.Appendf(nil,
					`{"type":"snapshot","received":%q,"run":"20260302T120000.000Z","state":{"at":%d,"all":[%s0]},"mono":%d}`, time.Now().Format(time.RFC3339Nano), second, state, second)})
			}
			for i := range 8 {
				w.Add(Line{At: time.Now(), Quiet: true, Text: heartbeat(i, time.Now(), time.Since(begin))})
				time.Sleep(30 * time.Second / 8)
			}
		}
		closeIt(t, w)
		s := w.Stats()
		t.Logf("a day: %d lines, %.1f MB compressed, %d writes, %d syncs, %d segments: %.1f MB on the flash", s.Lines,
			float64(s.Written)/1e6, s.Writes, s.Syncs, s.Segments, float64(d.bytes)/1e6)
		if s.Lines != 24+8*2880 || s.Lost > 0 || s.Segments < 24 {
			t.Errorf("%+v", s)
		}
		if d.bytes > 50e6 {
			t.Errorf("%d bytes a day", d.bytes)
		}
	})
}

// heartbeat is a post as a camera sends it every 30 s, as it is recorded.
func heartbeat(camera int, at time.Time, mono time.Duration) []byte {
	return fmt.Appendf(nil, `{"received":%q,"run":"20260302T120000.000Z","remote":"192.168.0.5%d","path":"/API","content_type":"application/xml; charset=utf-8","camera":"camera-%d",`+
		`"body":"<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<config version=\"1.7\" xmlns=\"http://www.ipc.com/ver10\">\n<types><openAlarmObj><enum>MOTION</enum><enum>SENSOR</enum><enum>PEA</enum><enum>AVD</enum><enum>OSC</enum><enum>VFD</enum><enum>VEHICE</enum></openAlarmObj><perStatus><enum>SMART_NONE</enum><enum>SMART_START</enum></perStatus></types>\n<subscribeOption type=\"subscribeRelationV1\">FEATURE_RESULT</subscribeOption>\n`+
		`<currentTime type=\"tint64\">%d</currentTime>\n<DeviceInfo><DeviceName type=\"string\"><![CDATA[IPC-%d]]></DeviceName><DeviceNo.>1</DeviceNo.><SN>I421B0Z%07d</SN><ipAddress>192.168.0.5%d</ipAddress><macAddress>58:5b:69:5f:42:%02x</macAddress></DeviceInfo>\n</config>","mono":%d.%09d}`,
		at.Format(time.RFC3339Nano), camera, camera, at.UnixMicro(), camera, camera*7919, camera, camera, mono/time.Second, mono%time.Second)
}

// pages counts what a flash card writes.
type pages struct{ bytes int64 }

func (p *pages) create(string) (file, error) { return &pageFile{p: p}, nil }

type pageFile struct {
	p    *pages
	size int64
}

const (
	page     = 4096
	metadata = 8192
)

func (f *pageFile) Write(b []byte) (int, error) {
	first, last := f.size/page, (f.size+int64(len(b))-1)/page
	f.size += int64(len(b))
	f.p.bytes += (last-first+1)*page + metadata
	return len(b), nil
}

func (f *pageFile) Sync() error  { f.p.bytes += metadata; return nil }
func (f *pageFile) Close() error { return nil }

// TestSegmentsEnd at their size, and retention takes whole ones, the oldest first.
func TestSegmentsEnd(t *testing.T) {
	dir := t.TempDir()
	w := open(t, Config{Dir: dir, SegmentSize: 20_000})
	noise := make([]byte, 8<<10)
	x := uint32(1)
	for i := range 40 {
		for j := range noise { // not to be compressed
			x = x*1664525 + 1013904223
			noise[j] = 'a' + byte(x>>24)%64%26
		}
		w.Add(snapshot(i, fmt.Sprintf("%d %s", i, noise)))
		for w.Stats().Waiting > 0 {
			<-time.After(time.Millisecond)
		}
	}
	all := names(t, dir)
	if len(all) < 5 {
		t.Fatalf("segments %q", all)
	}
	size, err := w.Size()
	if err != nil || size < 100_000 {
		t.Errorf("size %d, %v", size, err)
	}
	for _, n := range all {
		if info, err := os.Stat(filepath.Join(dir, n)); err != nil || info.Size() > 30_000 {
			t.Errorf("%s: %v, %v", n, info.Size(), err)
		}
	}
	third, _ := parseName(all[2])
	if n, err := w.Expire(t.Context(), third.first.Add(time.Millisecond)); n != 2 || err != nil {
		t.Errorf("%d removed by age, %v", n, err)
	}
	if n, err := w.Expire(t.Context(), third.first.Add(time.Millisecond)); n != 0 || err != nil {
		t.Errorf("%d removed by age once more, %v", n, err)
	}
	if n, err := w.Shrink(t.Context(), 60_000); n == 0 || err != nil {
		t.Errorf("%d removed by size, %v", n, err)
	}
	if size, err = w.Size(); err != nil || size > 60_000 || size < 30_000 {
		t.Errorf("size %d, %v", size, err)
	}
	if _, err := w.Shrink(t.Context(), 0); err != nil {
		t.Error(err)
	}
	if got := names(t, dir); len(got) != 1 || got[0] != all[len(all)-1] {
		t.Errorf("the segment that is written must stay: %q", got)
	}
	w.Add(at(100, "last"))
	closeIt(t, w)
	got, _ := read(t, dir, time.Time{}, time.Time{})
	if len(got) == 0 || got[len(got)-1] != "last" {
		t.Errorf("%d lines", len(got))
	}
	if n, err := w.Expire(t.Context(), time.Now().Add(time.Hour)); n != 2 || err != nil {
		t.Errorf("%d removed when none is written any more, %v", n, err)
	}
}

// TestTornEnds: wherever a file ends, what was whole before it comes back, and the
// place is named when it is not the newest.
func TestTornEnds(t *testing.T) {
	dir := t.TempDir()
	w := open(t, Config{Dir: dir})
	for i := range 5 {
		w.Add(snapshot(i, fmt.Sprintf("S%d %s", i, strings.Repeat("x", 20*i))))
	}
	closeIt(t, w)
	first := names(t, dir)[0]
	whole, err := os.ReadFile(filepath.Join(dir, first))
	if err != nil {
		t.Fatal(err)
	}
	var ends []int
	for o := 0; o < len(whole); {
		h, err := parseHeader(whole[o:])
		if err != nil {
			t.Fatal(err)
		}
		o += h.size
		ends = append(ends, o)
	}
	for cut := 0; cut < len(whole); cut += 1 + cut%3 {
		torn := t.TempDir()
		if err := os.WriteFile(filepath.Join(torn, first), whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		n, good := 0, 0
		for _, end := range ends {
			if end <= cut {
				n, good = n+1, end
			}
		}
		if got, info := read(t, torn, time.Time{}, time.Time{}); len(got) != n || len(info.Torn) > 0 {
			t.Fatalf("cut at %d: %d lines of %d, %+v", cut, len(got), n, info)
		}
		if cut%5 != 0 {
			continue
		}
		w := open(t, Config{Dir: torn, Run: "r2"})
		w.Add(at(99, "next"))
		closeIt(t, w)
		got, info := read(t, torn, time.Time{}, time.Time{})
		if len(got) != n+1 || got[n] != "next" {
			t.Fatalf("cut at %d: %q", cut, got)
		}
		if want := int64(cut - good); want > 0 && !slices.Equal(info.Torn, []Torn{{first, want}}) || want == 0 && len(info.Torn) > 0 {
			t.Fatalf("cut at %d: %+v, want %d bytes", cut, info.Torn, want)
		}
	}
	// A sector in the middle that the disk lost costs the lines in it.
	for from := 0; from < len(whole)-100; from += 23 {
		hurt := slices.Clone(whole)
		copy(hurt[from:from+100], strings.Repeat("\xaa", 100))
		torn := t.TempDir()
		if err := os.WriteFile(filepath.Join(torn, first), hurt, 0o600); err != nil {
			t.Fatal(err)
		}
		begin := 0
		var want []string
		for i, end := range ends {
			if end <= from || begin >= from+100 {
				want = append(want, fmt.Sprintf("S%d", i))
			}
			begin = end
		}
		var got []string
		all, _ := read(t, torn, time.Time{}, time.Time{})
		for _, text := range all {
			s, _, _ := strings.Cut(text, " ")
			got = append(got, s)
		}
		if !slices.Equal(got, want) {
			t.Errorf("hurt at %d: %q, want %q", from, got, want)
		}
	}
}

// sick is a disk that fails, hangs, or takes only a part.
type sick struct {
	dir   string
	fails atomic.Bool
	part  atomic.Int64 // bytes that are taken of the first write that fails
	hang  chan struct{}
}

func (s *sick) create(name string) (file, error) {
	f, err := os.OpenFile(filepath.Join(s.dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	return &sickFile{s, f}, err
}

type sickFile struct {
	s *sick
	f *os.File
}

var errSick = errors.New("no space left on device")

func (f *sickFile) Write(b []byte) (int, error) {
	if f.s.hang != nil {
		<-f.s.hang
	}
	if f.s.fails.Load() {
		n, _ := f.f.Write(b[:min(int(f.s.part.Swap(0)), len(b))])
		return n, errSick
	}
	return f.f.Write(b)
}

func (f *sickFile) Sync() error  { return nil }
func (f *sickFile) Close() error { return f.f.Close() }

// TestADiskThatFails: lines wait while there is room, then they are left out and
// counted; it is said once a minute; when the disk is well again it goes on by
// itself in a new segment, no line stands there twice, and a line says what is missing.
func TestADiskThatFails(t *testing.T) {
	for _, part := range []int64{0, 30, 200} {
		synctest.Test(t, func(t *testing.T) {
			d := &sick{dir: t.TempDir()}
			var log bytes.Buffer
			w := open(t, Config{Dir: d.dir, Queue: 1000, create: d.create, Log: slog.New(slog.NewTextHandler(&log, nil))})
			w.Add(snapshot(0, "S0"))
			synctest.Wait()
			d.part.Store(part)
			d.fails.Store(true)
			for i := range 20 {
				l := at(i+1, fmt.Sprintf("%02d %s", i, strings.Repeat("y", 97)))
				l.Snapshot = i == 0 || i == 3 // members of their own
				w.Add(l)
				time.Sleep(10 * time.Second)
			}
			s := w.Stats()
			if s.Lost < 9 || s.Err != errSick.Error() || s.Waiting > 1000 {
				t.Errorf("%+v", s)
			}
			if n := strings.Count(log.String(), "the recording cannot be written"); n != 4 {
				t.Errorf("said %d times in 200 s:\n%s", n, &log)
			}
			if n := len(names(t, d.dir)); n > 4 {
				t.Errorf("%d segments, empty ones are left behind", n)
			}
			d.fails.Store(false)
			time.Sleep(6 * time.Second)
			w.Add(at(50, "well"))
			time.Sleep(3 * time.Second)
			if s := w.Stats(); s.Err != "" || s.Waiting != 0 {
				t.Errorf("%+v", s)
			}
			if n := strings.Count(log.String(), "the recording goes on"); n != 1 {
				t.Errorf("the log:\n%s", &log)
			}
			closeIt(t, w)
			got, _ := read(t, d.dir, time.Time{}, time.Time{})
			var short []string
			for _, g := range got {
				short = append(short, strings.TrimSuffix(g, " "+strings.Repeat("y", 97)))
			}
			kept := "S0,00,01,02,03,04,05,06,07,08,09"
			if part == 200 { // one line was whole on the disk and left room
				kept += ",10"
			}
			if text := strings.Join(short, ","); text != fmt.Sprintf("%s,lost %d,well", kept, s.Lost) {
				t.Errorf("part %d: %s", part, text)
			}
		})
	}
}

// TestADiskThatHangs holds nobody up: neither who adds a line nor who asks, nor the end.
func TestADiskThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &sick{dir: t.TempDir(), hang: make(chan struct{})}
		w := open(t, Config{Dir: d.dir, Queue: 1 << 20, create: d.create})
		begin := time.Now()
		for i := range 100_000 {
			w.Add(at(i, strings.Repeat("z", 100)))
		}
		time.Sleep(time.Second)
		if s := w.Stats(); s.Waiting > 1<<20 || s.Lost == 0 || s.Lost+s.Lines != 100_000 {
			t.Errorf("%+v", s)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := w.Close(ctx); fmt.Sprint(err) != "the recording is not whole: its disk does not take it: context deadline exceeded" {
			t.Errorf("%v", err)
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("it took %v", took)
		}
		close(d.hang)
		<-w.done
		got, _ := read(t, d.dir, time.Time{}, time.Time{})
		if len(got) < 10_000 {
			t.Errorf("%d lines", len(got))
		}
	})
}

// TestAFolderThatIsNotThere is tried again until it is.
func TestAFolderThatIsNotThere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := open(t, Config{Dir: dir})
		w.Add(snapshot(0, "S"))
		synctest.Wait()
		if s := w.Stats(); s.Err == "" || s.Waiting == 0 {
			t.Errorf("%+v", s)
		}
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * time.Second)
		if s := w.Stats(); s.Err != "" || s.Waiting != 0 {
			t.Errorf("%+v", s)
		}
		closeIt(t, w)
	})
	if got, _ := read(t, dir, time.Time{}, time.Time{}); len(got) != 1 {
		t.Errorf("%q", got)
	}
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{Run: "r"}, "segment: no folder"},
		{Config{Dir: "x", Run: "../r"}, `segment: the run "../r" has more than letters, digits and dots`},
		{Config{Dir: "x"}, `segment: the run "" has more than letters, digits and dots`},
	} {
		if _, err := Open(c.cfg); fmt.Sprint(err) != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// TestLinesThatAreNone are left out and counted.
func TestLinesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	w := open(t, Config{Dir: dir})
	for _, text := range []string{"", "\n", "a\nb", strings.Repeat("x", MaxLine+1)} {
		w.Add(at(0, text))
	}
	w.Add(at(0, "good"))
	w.Add(at(0, strings.Repeat("x", MaxLine)))
	closeIt(t, w)
	if got, _ := read(t, dir, time.Time{}, time.Time{}); len(got) != 3 || got[0] != "lost 4" || got[1] != "good" || len(got[2]) != MaxLine {
		t.Errorf("%d lines", len(got))
	}
}

// TestReadWhileWriting: a reader gets a beginning of what was added, whole lines in order.
func TestReadWhileWriting(t *testing.T) {
	dir := t.TempDir()
	w := open(t, Config{Dir: dir, SegmentSize: 4000, Flush: time.Millisecond})
	end := make(chan struct{})
	go func() {
		defer close(end)
		for i := range 3000 {
			l := at(i, fmt.Sprint(i))
			l.Snapshot = i%50 == 0
			w.Add(l)
			if i%100 == 0 {
				<-time.After(time.Millisecond)
			}
		}
	}()
	check := func() int {
		n := 0
		_, err := Read(t.Context(), dir, time.Time{}, time.Time{}, func(text []byte) error {
			if string(text) != fmt.Sprint(n) {
				return fmt.Errorf("line %d is %s", n, text)
			}
			n++
			return nil
		})
		if err != nil && !errors.Is(err, ErrEmpty) {
			t.Error(err)
		}
		return n
	}
	for over := false; !over; {
		select {
		case <-end:
			over = true
		default:
		}
		check()
	}
	closeIt(t, w)
	if n := check(); n != 3000 {
		t.Errorf("%d lines", n)
	}
}

// TestAKillLosesTheLastSecondsOnly kills a process that writes.
func TestAKillLosesTheLastSecondsOnly(t *testing.T) {
	if dir := os.Getenv("SEGMENT_TEST_KILL"); dir != "" {
		w := open(t, Config{Dir: dir, Flush: 20 * time.Millisecond, SegmentSize: 10_000})
		for i := 0; ; i++ {
			w.Add(at(i, fmt.Sprint(i)))
			if i%1000 == 0 {
				fmt.Println(i)
				<-time.After(time.Millisecond)
			}
		}
	}
	dir := t.TempDir()
	for round := range 2 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestAKillLosesTheLastSecondsOnly$")
		cmd.Env = append(os.Environ(), "SEGMENT_TEST_KILL="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 1)
		for said := 0; said < 200 && err == nil; {
			if _, err = out.Read(b); b[0] == '\n' {
				said++
			}
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		next, runs := 0, 0
		_, err = Read(t.Context(), dir, time.Time{}, time.Time{}, func(text []byte) error {
			if string(text) == "0" {
				next, runs = 0, runs+1
			}
			if string(text) != fmt.Sprint(next) {
				return fmt.Errorf("line %s after %d", text, next-1)
			}
			next++
			return nil
		})
		if err != nil || runs != round+1 || next < 1000 {
			t.Errorf("%v, %d runs, %d lines", err, runs, next)
		}
	}
}

// BenchmarkAdd is what a frame pays for being recorded.
func BenchmarkAdd(b *testing.B) {
	var d pages
	w := open(b, Config{Dir: b.TempDir(), create: d.create})
	defer w.Close(context.Background())
	text := heartbeat(1, noon, time.Hour)
	b.ReportAllocs()
	for b.Loop() {
		w.Add(Line{At: noon, Text: text})
	}
	if s := w.Stats(); s.Lost > 0 {
		b.Logf("%d lost of %d", s.Lost, s.Lines+s.Lost)
	}
}

// FuzzRead reads anything that stands in a folder: it ends without a panic, and a
// segment behind it is read.
func FuzzRead(f *testing.F) {
	dir := f.TempDir()
	w := open(f, Config{Dir: dir})
	w.Add(snapshot(0, "S0"))
	w.Add(at(1, "1"))
	w.Add(snapshot(2, "S2"))
	closeIt(f, w)
	whole, err := os.ReadFile(filepath.Join(dir, names(f, dir)[0]))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-5])
	f.Add(append([]byte(head+head), whole[20:]...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name{1, noon, "r0"}.String()), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name{2, noon.Add(time.Hour), "r1"}.String()), whole, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, since := range []time.Time{{}, noon.Add(time.Minute)} {
			var lines []string
			if _, err := Read(t.Context(), dir, since, time.Time{}, func(text []byte) error {
				lines = append(lines, string(text))
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if n := len(lines); n < 3 || lines[n-1] != "S2" || lines[n-3] != "S0" {
				t.Errorf("since %v: %q", since, lines)
			}
		}
	})
}

// TestAFolderThatIsRemoved: what comes after it can be read, and what was in the file
// that is gone counts as left out.
func TestAFolderThatIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "recording")
		w := open(t, Config{Dir: dir})
		w.Add(snapshot(0, "S0"))
		synctest.Wait()
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		w.Add(at(1, "one"))
		time.Sleep(time.Minute)
		if s := w.Stats(); s.Lost != 1 || s.Err != "" || len(names(t, dir)) != 1 {
			t.Errorf("%+v, %v", s, names(t, dir))
		}
		if err := w.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestPartsReadFromTheEnd: each segment can be read by itself.
func TestPartsReadFromTheEnd(t *testing.T) {
	dir := t.TempDir()
	if parts, err := Parts(filepath.Join(dir, "none")); len(parts) != 0 || err != nil {
		t.Errorf("no folder has %v, %v", parts, err)
	}
	w := open(t, Config{Dir: dir})
	for i := range 6 {
		if i%2 == 0 {
			w.Cut()
		}
		w.Add(at(i, fmt.Sprint("line ", i)))
	}
	closeIt(t, w)
	parts, err := Parts(dir)
	if err != nil || len(parts) != 3 {
		t.Fatal(parts, err)
	}
	var got []string
	for i := len(parts) - 1; i >= 0; i-- {
		if parts[i].Size == 0 || !parts[i].First.Equal(at(2*i, "").At) {
			t.Errorf("part %d is %+v", i, parts[i])
		}
		if err := ReadPart(t.Context(), dir, parts[i].Name, func(at time.Time, text []byte) error {
			got = append(got, string(text))
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
	if want := []string{"line 4", "line 5", "line 2", "line 3", "line 0", "line 1"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	for _, name := range []string{"../x", "0000000009-20260302T080000.000Z-gone.jsonl.gz"} {
		if err := ReadPart(t.Context(), dir, name, func(time.Time, []byte) error { return errors.New("there is nothing") }); err != nil {
			t.Error(err)
		}
	}
}
