package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// errPulled is what a job fails with in tests: the database is opened anew after it.
var errPulled = errors.New("the disk was pulled out")

// room is how many entries may wait in tests.
const room = 1500

// A folder that cannot be used holds nothing up: the journal runs without it, counts
// what it has no room for, and writes when it can.
func TestFolderCannotBeUsed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(dir, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		j, err := Open(Config{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		j.room = room
		first := j.Add(entry(0))
		if want := time.Now().UnixMilli(); first != want {
			t.Errorf("ids begin at %d, want %d", first, want)
		}
		if err := j.Sync(t.Context()); err == nil || err.Error() != "mkdir "+dir+": not a directory" {
			t.Errorf("sync: %v", err)
		}
		put := make(chan error, 1)
		j.Put(Parcel{ID: "a"}, func(err error) { put <- err })
		if err := <-put; err == nil || err.Error() != "mkdir "+dir+": not a directory" {
			t.Errorf("put: %v", err)
		}
		for i := range room + 100 {
			j.Add(entry(i))
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if n := strings.Count(log.String(), "the journal cannot be written; everything else goes on"); n != 5 {
			t.Errorf("said %d times in five minutes:\n%s", n, log.String())
		}
		s := j.Stats()
		if s.Dropped != 101 || s.Waiting != room+1 || s.Problem != "mkdir "+dir+": not a directory" || s.Lag != 5*time.Minute || s.Written != 0 {
			t.Errorf("%+v", s)
		}
		j.Add(entry(0)) // it counts with those before it
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		time.Sleep(retryMost)
		settle(j)
		for j.Stats().Waiting > 0 {
			time.Sleep(time.Millisecond)
		}
		if s := j.Stats(); s.Problem != "" || s.Written != room+1 || s.Dropped != 102 {
			t.Errorf("%+v", s)
		}
		if !strings.Contains(log.String(), "the journal is written again") {
			t.Error("nobody was told that it is written again")
		}
		list := all(t, j, Query{Kinds: []string{KindError}, Newest: true, Limit: 1})
		if !strings.HasPrefix(string(list[0].Body), `{"error":"entries are missing here: the disk did not take them","dropped":102,`) {
			t.Errorf("%s", list[0].Body)
		}
		if err := j.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if r := verify(t, dir, VerifyOptions{}); r.Reason != "" || r.Entries != room+1 {
		t.Errorf("%+v", r)
	}
}

// A write that hangs in the kernel hangs nobody else, and whoever waits is told.
func TestDiskHangs(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		j, err := Open(Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		j.room = room
		hang, began := make(chan struct{}), make(chan struct{})
		go func() {
			_ = j.job(context.Background(), func(*store) error { close(began); <-hang; return nil })
		}()
		<-began
		type told struct {
			what string
			err  error
			at   time.Duration
		}
		start := time.Now()
		tell := make(chan told, 10)
		j.Put(Parcel{ID: "a"}, func(err error) { tell <- told{"put", err, time.Since(start)} })
		j.AddThen(entry(1), func(err error) { tell <- told{"add", err, time.Since(start)} })
		for i := range 2 * room {
			j.Add(entry(i))
		}
		if s := j.Stats(); s.Waiting != room+2 || s.Dropped != room+1 || j.Head().ID != 0 {
			t.Errorf("%+v", s)
		}
		if g := <-tell; g.what != "add" || !errors.Is(g.err, ErrSlow) || g.at != slowDisk {
			t.Errorf("%+v", g)
		}
		if s := j.Stats(); s.Problem != "the disk does not answer" {
			t.Errorf("%+v", s)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if err := j.Sync(ctx); !errors.Is(err, ErrSlow) {
			t.Errorf("sync: %v", err)
		}
		if err := j.Expire(ctx, time.Now(), time.Time{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("expire: %v", err)
		}
		cancel()
		close(hang)
		if err := j.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if g := <-tell; g.what != "put" || g.err != nil || g.at < slowDisk {
			t.Errorf("%+v", g)
		}
		if s := j.Stats(); s.Problem != "" || s.Waiting != 0 || s.Parcels != 1 {
			t.Errorf("%+v", s)
		}
		if err := j.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A journal that cannot be closed in time says what it lost.
func TestCloseIsBounded(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		j, err := Open(Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		hang, began := make(chan struct{}), make(chan struct{})
		go func() {
			_ = j.job(context.Background(), func(*store) error { close(began); <-hang; return nil })
		}()
		<-began
		j.Add(entry(0))
		j.Add(entry(1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := j.Close(ctx); err == nil || err.Error() != "the journal lost 2 entries at its end: the disk does not answer: context deadline exceeded" {
			t.Errorf("%v", err)
		}
		close(hang)
		<-j.done
	})
}

// An idle journal writes nothing.
func TestIdleWritesNothing(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		j, err := Open(Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		j.Add(entry(0))
		if err := j.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := files(t, dir)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if err := j.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if after := files(t, dir); after != before {
			t.Errorf("written while idle:\n%s%s", before, after)
		}
		if err := j.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// files are the names, sizes and times of a folder's files.
func files(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range list {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&b, info.Name(), info.Size(), info.ModTime())
	}
	return b.String()
}

func TestDamagedIsSetAside(t *testing.T) {
	foreign := func(t *testing.T, dir, sql string) {
		j := open(t, dir)
		closeNow(t, j)
		tamper(t, dir, sql)
	}
	for name, tt := range map[string]struct {
		make func(t *testing.T, dir string)
		why  string
	}{
		"no database": {func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, database), bytes.Repeat([]byte("no "), 5000), 0o640); err != nil {
				t.Fatal(err)
			}
		}, "file is not a database (26)"},
		"a folder": {func(t *testing.T, dir string) {
			if err := os.MkdirAll(filepath.Join(dir, database, "x"), 0o750); err != nil {
				t.Fatal(err)
			}
		}, "it is not a journal of this program"},
		"another program's": {func(t *testing.T, dir string) { foreign(t, dir, "PRAGMA application_id=77") }, "it is not a journal of this program"},
		"a later version's": {func(t *testing.T, dir string) { foreign(t, dir, "PRAGMA user_version=2") }, "it was written by a later version"},
		"cut":               {func(t *testing.T, dir string) { spoil(t, dir) }, "database disk image is malformed (11)"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			tt.make(t, dir)
			var log bytes.Buffer
			now := begun()
			j := open(t, dir, func(c *Config) {
				c.Log, c.Now = slog.New(slog.NewTextHandler(&log, nil)), func() time.Time { return now }
			})
			if id := j.Add(entry(0)); id != now.UnixMilli()+1 {
				t.Errorf("ids begin at %d", id)
			}
			flush(t, j)
			const bad = "journal.db.bad-20260329T135846Z"
			es := all(t, j, Query{})
			var body struct{ Error, File string }
			if len(es) != 2 || json.Unmarshal(es[0].Body, &body) != nil || body.File != bad || !strings.HasSuffix(body.Error, tt.why) || es[0].Kind != KindError {
				t.Fatalf("%s", es[0].Body)
			}
			if _, err := os.Stat(filepath.Join(dir, bad)); err != nil {
				t.Error(err)
			}
			if !strings.Contains(log.String(), "the journal is damaged: it is set aside and a new one begun") {
				t.Errorf("nobody was told: %s", log.String())
			}
			closeNow(t, j)
			if r := verify(t, dir, VerifyOptions{}); r.Reason != "" || r.Entries != 2 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// spoil makes a journal of some pages and overwrites those where entries begin.
func spoil(t *testing.T, dir string) {
	t.Helper()
	j := open(t, dir)
	fill(t, j, 300)
	closeNow(t, j)
	overwrite(t, dir, "entries")
}

// overwrite overwrites the first page of a table.
func overwrite(t *testing.T, dir, table string) {
	t.Helper()
	s, err := tryStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	var page int64
	err = errors.Join(s.one("SELECT rootpage FROM sqlite_schema WHERE name = '"+table+"'", &page), s.close())
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, database), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xA5}, 4096), (page-1)*4096); err != nil {
		t.Fatal(err)
	}
}

// A journal that becomes damaged while it runs begins anew by itself, with the steps
// that wait.
func TestDamagedWhileRunning(t *testing.T) { synctest.Test(t, damagedWhileRunning) }

func damagedWhileRunning(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	fill(t, j, 300)
	for i := range 3 {
		put(t, j, Parcel{ID: fmt.Sprint("p", i), Body: []byte("body")})
	}
	if err := j.job(t.Context(), func(s *store) error {
		var busy, pages, done int64
		return errors.Join(s.one("PRAGMA wal_checkpoint(TRUNCATE)", &busy, &pages, &done), s.close(), errPulled)
	}); !errors.Is(err, errPulled) {
		t.Fatal(err)
	}
	overwrite(t, dir, "entries")
	id := j.Add(entry(7))
	if id != 301 {
		t.Errorf("id %d", id)
	}
	for j.Stats().Problem != "" || j.Stats().Waiting > 0 {
		time.Sleep(10 * time.Millisecond)
	}
	es := all(t, j, Query{})
	if len(es) != 2 || es[0].ID != 301 || es[1].Kind != KindError {
		t.Fatalf("%v", es)
	}
	if ps, err := j.Parcels(t.Context()); err != nil || len(ps) != 3 || ps[2].ID != "p2" || string(ps[2].Body) != "body" {
		t.Errorf("%v, %v", ps, err)
	}
	// It does not fill the disk with damaged ones: the next is an hour off.
	j.dropReader()
	if err := j.job(t.Context(), func(s *store) error { return errors.Join(s.close(), errPulled) }); !errors.Is(err, errPulled) {
		t.Fatal(err)
	}
	overwrite(t, dir, "entries")
	j.Add(entry(8))
	for !strings.Contains(j.Stats().Problem, "malformed") {
		time.Sleep(10 * time.Millisecond)
	}
	if list, err := filepath.Glob(filepath.Join(dir, database+".bad-*Z")); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
}

// A commit that seemed to fail but reached the disk is not written twice.
func TestCommitThatSeemedToFail(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	fill(t, j, 3)
	// The journal forgets the last commit, as after an fsync that failed.
	e := entry(3)
	e.ID = j.Add(e)
	flush(t, j)
	e.tidy()
	if err := j.job(t.Context(), func(s *store) error {
		res, err := s.write([]*op{{entry: &e}, {entry: &Entry{ID: 2, At: begun().Add(-time.Hour), Kind: KindError, Body: []byte("{}")}}}, false)
		if res.written != 0 || res.lost != 1 {
			t.Errorf("%+v", res)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, dir, VerifyOptions{}); r.Reason != "" || r.Entries != 4 {
		t.Errorf("%+v", r)
	}
}

// Ids that were given before it was known which were used go on behind those.
func TestIDsThatWereUsed(t *testing.T) { synctest.Test(t, iDsThatWereUsed) }

func iDsThatWereUsed(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, func(c *Config) { c.Now = begun })
	j.nextID = 10 * begun().UnixMilli()
	fill(t, j, 2)
	closeNow(t, j)
	real := dir + ".away"
	if err := os.Rename(dir, real); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir, func(c *Config) { c.Now = begun })
	low := j.Add(entry(3))
	if err := errors.Join(os.Remove(dir), os.Rename(real, dir)); err != nil {
		t.Fatal(err)
	}
	for j.Stats().Waiting > 0 {
		time.Sleep(10 * time.Millisecond)
	}
	high := j.Add(entry(4))
	flush(t, j)
	es := all(t, j, Query{})
	if s := j.Stats(); s.Dropped != 1 || low >= es[1].ID || len(es) != 4 || es[3].ID != high || es[2].Kind != KindError || !strings.Contains(string(es[2].Body), `"dropped":1`) {
		t.Errorf("%+v, %v", s, es)
	}
	if r := verify(t, dir, VerifyOptions{}); r.Reason != "" {
		t.Error(r.Reason)
	}
}
