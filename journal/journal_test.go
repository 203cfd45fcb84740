package journal

import (
	"context"
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
)

// begun is when the tests' clock begins.
func begun() time.Time { return time.Date(2026, 3, 29, 13, 58, 46, 797_000_000, time.UTC) }

// open opens a journal that the test closes.
func open(t testing.TB, dir string, change ...func(*Config)) *Journal {
	t.Helper()
	c := Config{Dir: dir, Images: true}
	for _, f := range change {
		f(&c)
	}
	j, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close(context.Background()) })
	return j
}

func closeNow(t testing.TB, j *Journal) {
	t.Helper()
	if err := j.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func flush(t testing.TB, j *Journal) {
	t.Helper()
	if err := j.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// entry is the n-th entry of a test.
func entry(n int) Entry {
	kinds := []string{KindEvent, KindFiring, KindAction, KindRelay, KindError}
	return Entry{
		At: begun().Add(time.Duration(n) * time.Second), Kind: kinds[n%len(kinds)],
		Camera: []string{"", "gate", "porch"}[n%3], Rule: []string{"gate for residents", ""}[n%2],
		Key: fmt.Sprintf("gate/#%d", n), Relay: []string{"", "", "", "gate"}[n%4], Plate: fmt.Sprintf("ABC%d", n%7),
		Body: fmt.Appendf(nil, `{"n":%d}`, n),
	}
}

func fill(t testing.TB, j *Journal, n int) {
	t.Helper()
	for i := range n {
		if j.Add(entry(i)) == 0 {
			t.Fatalf("entry %d was dropped", i)
		}
	}
	flush(t, j)
}

func verify(t testing.TB, dir string, o VerifyOptions) Result {
	t.Helper()
	r, err := Verify(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func all(t testing.TB, j interface {
	List(context.Context, Query) ([]Entry, string, error)
}, q Query) []Entry {
	t.Helper()
	var list []Entry
	for {
		es, next, err := j.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, es...)
		if next == "" {
			return list
		}
		q.Cursor = next
	}
}

func ids(es []Entry) []int64 {
	var list []int64
	for _, e := range es {
		list = append(list, e.ID)
	}
	return list
}

func TestAddAndList(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a folder?mode=memory#x%41&y")
	j := open(t, dir)
	e := Entry{At: begun(), Kind: KindFiring, Camera: "gate", Rule: "r", Key: "gate/#1", Relay: "gate", Plate: "ABC1234", Event: 7, Firing: 9, Body: []byte(`{"reason":"x"}`)}
	if id := j.Add(e); id != 1 {
		t.Fatalf("first id %d", id)
	}
	flush(t, j)
	got := all(t, j, Query{})
	if len(got) != 1 {
		t.Fatalf("%d entries", len(got))
	}
	e.ID, e.Hash = 1, got[0].Hash
	if fmt.Sprint(got[0]) != fmt.Sprint(e) || len(e.Hash) != 64 {
		t.Fatalf("got %v, want %v", got[0], e)
	}
	if h := j.Head(); h.ID != 1 || h.Hash != e.Hash || !h.At.Equal(begun()) {
		t.Fatalf("head %v", h)
	}
	closeNow(t, j)
	j = open(t, dir)
	if id := j.Add(e); id != 2 {
		t.Fatalf("id after a restart %d", id)
	}
	closeNow(t, j)
	if r := verify(t, dir, VerifyOptions{}); r.Reason != "" || r.Entries != 2 || r.First != 1 || r.Last != 2 {
		t.Fatalf("%+v", r)
	}
	if j.Add(e) != 0 {
		t.Fatal("a closed journal took an entry")
	}
	if _, _, err := j.List(t.Context(), Query{}); !errors.Is(err, ErrClosed) {
		t.Fatalf("list of a closed journal: %v", err)
	}
}

// Rows are written together 200 ms after the first, and at once when somebody waits.
func TestGroupCommit(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		j, err := Open(Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		j.Add(entry(0))
		time.Sleep(150 * time.Millisecond)
		j.Add(entry(1))
		time.Sleep(49 * time.Millisecond)
		synctest.Wait()
		if h := j.Head(); h.ID != 0 {
			t.Fatalf("written after 199 ms: %v", h)
		}
		if s := j.Stats(); s.Waiting != 2 || s.Lag != 199*time.Millisecond || s.Written != 0 {
			t.Fatalf("%+v", s)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		settle(j)
		if h := j.Head(); h.ID != 2 {
			t.Fatalf("not written after 200 ms: %v", h)
		}
		before := time.Now()
		done := make(chan error, 1)
		j.Add(entry(2))
		j.AddThen(entry(3), func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if d := time.Since(before); d != 0 {
			t.Fatalf("an entry that somebody waits for took %v", d)
		}
		if h := j.Head(); h.ID != 4 {
			t.Fatalf("head %v", h)
		}
		if err := j.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// settle waits for a write that is under way.
func settle(j *Journal) {
	for range 10 {
		synctest.Wait()
	}
}

func TestChainShowsTampering(t *testing.T) {
	const n = 30
	does := func(id int) string {
		return fmt.Sprintf("entry %d does not follow from entry %d: one of them was altered, or entries were removed, moved or put in", id, id-1)
	}
	for name, tt := range map[string]struct {
		sql    string
		bad    int64
		reason string
	}{
		"whole":        {"", 0, ""},
		"removed":      {"DELETE FROM entries WHERE id = 12", 13, "entry 13 does not follow from entry 11: one of them was altered, or entries were removed, moved or put in"},
		"first gone":   {"DELETE FROM entries WHERE id = 1", 2, "entry 2 is not the beginning: it was altered, or something before it was removed"},
		"body":         {`UPDATE entries SET body = '{"n":99}' WHERE id = 12`, 12, does(12)},
		"time":         {"UPDATE entries SET at = at + 1 WHERE id = 12", 12, does(12)},
		"link":         {"UPDATE entries SET firing = 3 WHERE id = 12", 12, does(12)},
		"moved text":   {"UPDATE entries SET camera = camera || rule, rule = '' WHERE id = 13", 13, does(13)},
		"hash":         {"UPDATE entries SET hash = randomblob(32) WHERE id = 12", 12, does(12)},
		"images":       {`UPDATE entries SET images = '[]' WHERE id = 12`, 12, does(12)},
		"swapped":      {"UPDATE entries SET id = -1 WHERE id = 12; UPDATE entries SET id = 12 WHERE id = 13; UPDATE entries SET id = 13 WHERE id = -1", 12, does(12)},
		"put in":       {"UPDATE entries SET id = id + 1 WHERE id IN (SELECT id FROM entries WHERE id = 30); INSERT INTO entries SELECT 30, at, kind, camera, rule, key, relay, plate, event, firing, body, images, hash FROM entries WHERE id = 29", 30, does(30)},
		"put at front": {"INSERT INTO entries SELECT 0, at, kind, camera, rule, key, relay, plate, event, firing, body, images, hash FROM entries WHERE id = 29", 0, "entry 0 was put in: the journal begins after entry 0"},
		"false anchor": {"INSERT INTO state VALUES ('anchor', 5, 0, randomblob(32)); DELETE FROM entries WHERE id <= 5", 6, does(6)},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			j := open(t, dir)
			fill(t, j, n)
			closeNow(t, j)
			tamper(t, dir, tt.sql)
			r := verify(t, dir, VerifyOptions{})
			if r.Bad != tt.bad || r.Reason != tt.reason {
				t.Fatalf("bad %d: %s", r.Bad, r.Reason)
			}
		})
	}
}

// tamper changes a database behind the journal's back.
func tamper(t testing.TB, dir, sql string) {
	t.Helper()
	s, err := tryStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if err := s.exec(sql); err != nil {
		t.Fatal(err)
	}
}

func TestNotedHead(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	fill(t, j, 10)
	middle, err := ParseHead(all(t, j, Query{})[4].Hash)
	if err == nil {
		t.Fatalf("parsed a head without an id: %v", middle)
	}
	five := all(t, j, Query{})[4]
	head := j.Head()
	closeNow(t, j)
	noted := func(s string) *Head {
		h, err := ParseHead(s)
		if err != nil {
			t.Fatal(err)
		}
		return &h
	}
	check := func(h *Head, bad int64, reason string) {
		t.Helper()
		if r := verify(t, dir, VerifyOptions{Noted: h}); r.Bad != bad || r.Reason != reason {
			t.Fatalf("bad %d: %s", r.Bad, r.Reason)
		}
	}
	check(noted(head.String()), 0, "")
	check(noted(fmt.Sprintf("5:%s", strings.ToUpper(five.Hash[:16]))), 0, "")
	check(noted("5:"+head.Hash), 5, "entry 5 is not the noted head")
	tamper(t, dir, "DELETE FROM entries WHERE id > 8")
	check(nil, 0, "")
	check(noted(head.String()), 10, "the noted head, entry 10, is gone: the journal ends at entry 8")
	tamper(t, dir, "INSERT INTO state SELECT 'anchor', id, at, hash FROM entries WHERE id = 6; DELETE FROM entries WHERE id <= 6")
	check(noted(fmt.Sprintf("5:%s", five.Hash)), 5, "the noted head, entry 5, cannot be judged: it was removed by its age, the journal begins after entry 6")
	for _, s := range []string{"", "5", "5:", "5:abc", "x:" + head.Hash, "-5:" + head.Hash, "5:" + head.Hash + "0", "5:zzzzzzzzzzzzzzzzzzzz"} {
		if _, err := ParseHead(s); err == nil || err.Error() != "a head is ID:HASH, as the status shows it; of the hash at least 16 digits" {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestExpireLeavesAnchor(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, func(c *Config) { c.Now = func() time.Time { return begun().Add(time.Hour) } })
	future := entry(0)
	future.At = begun().AddDate(50, 0, 0) // a clock that was wrong once
	j.Add(future)
	fill(t, j, 1150)
	es := all(t, j, Query{Limit: 1000})
	if err := j.Expire(t.Context(), begun().Add(1050*time.Second), time.Time{}); err != nil {
		t.Fatal(err)
	}
	got := all(t, j, Query{})
	if len(got) != 100 || !slices.Equal(ids(got), ids(es[1051:])) {
		t.Fatalf("%d entries from %d", len(got), got[0].ID)
	}
	r := verify(t, dir, VerifyOptions{Noted: &Head{ID: 1051, Hash: es[1050].Hash}})
	if r.Reason != "" || r.Entries != 100 || r.Anchor.ID != 1051 || r.Anchor.Hash != es[1050].Hash || r.First != 1052 {
		t.Fatalf("%+v", r)
	}
	// Also when nothing is left the chain and the ids go on.
	if err := j.Expire(t.Context(), begun().Add(2000*time.Second), time.Time{}); err != nil {
		t.Fatal(err)
	}
	closeNow(t, j)
	j = open(t, dir)
	if h := j.Head(); h.ID != 1151 || h.Hash != es[1150].Hash {
		t.Fatalf("head of an empty journal: %v", h)
	}
	if id := j.Add(entry(1)); id != 1152 {
		t.Fatalf("id %d", id)
	}
	flush(t, j)
	if r := verify(t, dir, VerifyOptions{}); r.Reason != "" || r.Entries != 1 || r.Anchor.ID != 1151 {
		t.Fatalf("%+v", r)
	}
}

func TestShrinkGivesRoomBack(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	for i := range 2500 {
		e := entry(i)
		e.Body = fmt.Appendf(nil, `{"text":%q}`, strings.Repeat("x", 1800))
		j.Add(e)
		if i%500 == 499 {
			flush(t, j)
		}
	}
	flush(t, j)
	const most = 5 << 19
	if s := j.Stats().Size; s < most+most/2 {
		t.Fatalf("only %d bytes", s)
	}
	if err := j.Shrink(t.Context(), most); err != nil {
		t.Fatal(err)
	}
	database, _, err := j.Usage(t.Context())
	if err != nil || database > most+1<<16 || database < most/2 || j.Stats().Size != database {
		t.Fatalf("%d bytes, %v", database, err)
	}
	if err := j.Shrink(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, dir, VerifyOptions{}); r.Reason != "" || r.Entries != leastKept || r.Last != 2500 {
		t.Fatalf("%+v", r)
	}
}

func TestQueries(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	const n = 2200
	var want []Entry
	for i := range n {
		e := entry(i)
		switch {
		case i >= 1500 && i < 1600:
			e.At = e.At.AddDate(-40, 0, 0) // the clock was not set
		case i >= 1600 && i < 1700:
			e.At = e.At.Add(2 * time.Hour)
		}
		if i%10 == 3 {
			e.Firing = int64(i - 2)
		}
		e.ID = j.Add(e)
		want = append(want, e)
		if i%1000 == 0 {
			flush(t, j)
		}
	}
	flush(t, j)
	at := func(s int) time.Time { return begun().Add(time.Duration(s) * time.Second) }
	for name, tt := range map[string]struct {
		q    Query
		keep func(Entry) bool
	}{
		"all":        {Query{}, func(Entry) bool { return true }},
		"since":      {Query{Since: at(2000)}, func(e Entry) bool { return !e.At.Before(at(2000)) }},
		"until":      {Query{Until: at(100)}, func(e Entry) bool { return e.At.Before(at(100)) }},
		"between":    {Query{Since: at(1000), Until: at(1100)}, func(e Entry) bool { return !e.At.Before(at(1000)) && e.At.Before(at(1100)) }},
		"nanosecond": {Query{Since: at(1000).Add(1), Until: at(1100)}, func(e Entry) bool { return e.At.After(at(1000)) && e.At.Before(at(1100)) }},
		"never":      {Query{Since: at(1100), Until: at(1000)}, func(Entry) bool { return false }},
		"kind":       {Query{Kinds: []string{KindError}}, func(e Entry) bool { return e.Kind == KindError }},
		"kinds":      {Query{Kinds: []string{KindError, KindEvent, KindError}}, func(e Entry) bool { return e.Kind == KindError || e.Kind == KindEvent }},
		"no kind":    {Query{Kinds: []string{"x' OR 1 --"}}, func(Entry) bool { return false }},
		"camera":     {Query{Camera: "gate"}, func(e Entry) bool { return e.Camera == "gate" }},
		"rule":       {Query{Rule: "gate for residents", Until: at(500)}, func(e Entry) bool { return e.Rule != "" && e.At.Before(at(500)) }},
		"relay":      {Query{Relay: "gate", Kinds: []string{KindRelay, KindAction}}, func(e Entry) bool { return e.Relay == "gate" && (e.Kind == KindRelay || e.Kind == KindAction) }},
		"plate":      {Query{Plate: "ABC3"}, func(e Entry) bool { return e.Plate == "ABC3" }},
		"firing":     {Query{Firing: 1002}, func(e Entry) bool { return e.ID == 1002 || e.Firing == 1002 }},
	} {
		for _, newest := range []bool{false, true} {
			for _, limit := range []int{7, 1000} {
				var want2 []int64
				for _, e := range want {
					if tt.keep(e) {
						want2 = append(want2, e.ID)
					}
				}
				if newest {
					slices.Reverse(want2)
				}
				q := tt.q
				q.Newest, q.Limit = newest, limit
				if limit == 7 && len(want2) > 150 {
					continue // it would take long
				}
				if got := ids(all(t, j, q)); !slices.Equal(got, want2) {
					t.Errorf("%s newest=%v limit=%d: %d entries, want %d", name, newest, limit, len(got), len(want2))
				}
			}
		}
	}
	for _, limit := range []int{-1, 1001} {
		if _, _, err := j.List(t.Context(), Query{Limit: limit}); err == nil || err.Error() != "limit must be 1..1000" {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
	for _, c := range []string{"x", "o", "o0", "n5", "o-3", "o5x", "o 5"} {
		if _, _, err := j.List(t.Context(), Query{Cursor: c}); err == nil || err.Error() != "the cursor is not one that a page gave as next" {
			t.Errorf("cursor %q: %v", c, err)
		}
	}
}

// Pages taken while others write and old entries go hold every entry once, in order.
func TestListWhileWriting(t *testing.T) {
	j := open(t, t.TempDir())
	var wg sync.WaitGroup
	for w := range 3 {
		wg.Go(func() {
			for i := range 500 {
				j.Add(entry(i*3 + w))
				if i%20 == 0 {
					_ = j.Sync(context.Background())
				}
			}
		})
	}
	wg.Go(func() {
		for s := range 30 {
			if err := j.Expire(context.Background(), begun().Add(time.Duration(s*20)*time.Second), time.Time{}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	q := Query{Limit: 50}
	var last int64
	for range 20 {
		es, next, err := j.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		before := last
		for _, e := range es {
			if e.ID <= before {
				t.Fatalf("entry %d after %d", e.ID, before)
			}
			before = e.ID
		}
		if r := verify(t, j.cfg.Dir, VerifyOptions{}); r.Reason != "" {
			t.Fatal(r.Reason)
		}
		if next != "" {
			q.Cursor, last = next, before
		}
	}
	wg.Wait()
}

func TestImages(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	picture := func(s string) func() ([]byte, error) { return func() ([]byte, error) { return []byte(s), nil } }
	id := j.Add(Entry{At: begun(), Kind: KindEvent, Images: []Image{
		{Name: "scene", Size: 100, Bytes: picture("a scene")},
		{Name: "target", Size: 100, Bytes: func() ([]byte, error) { return nil, errors.New("bad base64") }},
		{Name: "../../etc", Size: 100, Bytes: picture("x")},
		{Name: "cut"},
	}})
	flush(t, j)
	e := all(t, j, Query{})[0]
	want := []Image{
		{Name: "scene", Size: 7},
		{Name: "target", Missing: "it cannot be decoded"}, {Missing: "a picture must be named by small letters"}, {Name: "cut", Missing: "it was cut out"},
	}
	want[0].SHA256 = e.Images[0].SHA256
	if len(e.Images[0].SHA256) != 64 || fmt.Sprint(e.Images) != fmt.Sprint(want) {
		t.Fatalf("%v", e.Images)
	}
	file := filepath.Join(dir, "images", "2026-03-29", "1-scene.jpg")
	if b, err := os.ReadFile(file); err != nil || string(b) != "a scene" {
		t.Fatalf("%q, %v", b, err)
	}
	if b, err := j.Image(t.Context(), id, "scene"); err != nil || string(b) != "a scene" {
		t.Fatalf("%q, %v", b, err)
	}
	for _, name := range []string{"target", "other", "../../etc", ""} {
		if _, err := j.Image(t.Context(), id, name); !errors.Is(err, ErrNoImage) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if r := verify(t, dir, VerifyOptions{Images: true}); r.Reason != "" || r.Images != 1 || r.NoImages != 3 {
		t.Fatalf("%+v", r)
	}
	if err := os.WriteFile(file, []byte("another"), 0o640); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, dir, VerifyOptions{Images: true}); r.Bad != 1 || r.Reason != `entry 1: the picture "scene": the picture was altered or is not whole` {
		t.Fatalf("%+v", r)
	}
	if _, err := j.Image(t.Context(), id, "scene"); err == nil || err.Error() != "the picture was altered or is not whole" {
		t.Fatal(err)
	}
	if err := j.Expire(t.Context(), time.Time{}, time.Date(2026, 3, 30, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(file)); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the day is still there: %v", err)
	}
	if r := verify(t, dir, VerifyOptions{Images: true}); r.Reason != "" || r.NoImages != 4 {
		t.Fatalf("%+v", r)
	}
}

func TestShrinkImages(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	for i := range 12 {
		b := make([]byte, 1000)
		j.Add(Entry{At: begun().Add(time.Duration(i) * 8 * time.Hour), Kind: KindEvent, Images: []Image{{Name: "scene", Size: 1000, Bytes: func() ([]byte, error) { return b, nil }}}})
	}
	flush(t, j)
	if err := j.ShrinkImages(t.Context(), 4500); err != nil {
		t.Fatal(err)
	}
	if _, n, err := j.Usage(t.Context()); err != nil || n != 4000 {
		t.Fatalf("%d bytes, %v", n, err)
	}
	for i := int64(1); i <= 12; i++ {
		if _, err := j.Image(t.Context(), i, "scene"); (err == nil) != (i > 8) {
			t.Errorf("picture %d: %v", i, err)
		}
	}
	if days, _ := imageDays(dir); len(days) != 2 {
		t.Errorf("empty days stay: %v", days)
	}
}

// What is too much is dropped and counted, and one entry in its place says so.
func TestBounds(t *testing.T) {
	j := &Journal{room: maxEntries, cfg: Config{Now: begun}, log: slog.New(slog.DiscardHandler), wake: make(chan struct{}, 1), nextID: 1}
	for i := range maxEntries + 5 {
		j.Add(entry(i))
	}
	if s := j.Stats(); s.Waiting != maxEntries+1 || s.Dropped != 5 {
		t.Fatalf("%+v", s)
	}
	gap := j.queue[len(j.queue)-1]
	if string(gap.lost.body()) != `{"error":"entries are missing here: the disk did not take them","dropped":5,"since":"2026-03-29T18:31:50.797Z","until":"2026-03-29T18:31:54.797Z"}` {
		t.Fatalf("%s", gap.lost.body())
	}
	if id := j.Add(entry(0)); id != 0 {
		t.Fatalf("a dropped entry has the id %d", id)
	}
	// Pictures are left out before entries are.
	j = &Journal{room: maxEntries, cfg: Config{Now: begun}, log: slog.New(slog.DiscardHandler), wake: make(chan struct{}, 1), nextID: 1}
	for range 40 {
		j.Add(Entry{Images: []Image{{Name: "scene", Size: 1 << 20, Bytes: func() ([]byte, error) { return nil, nil }}}})
	}
	if s := j.Stats(); s.Waiting != 40 || s.Dropped != 0 || s.Bytes > 32<<20+40*1024 {
		t.Fatalf("%+v", s)
	}
	if m := j.queue[35].entry.Images[0]; m.Missing != "too many pictures waited for the disk" || m.Bytes != nil {
		t.Fatalf("%+v", m)
	}
}

func TestStrangeEntries(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	j.Add(Entry{At: begun(), Kind: KindError, Camera: "a\x00b\xff", Rule: strings.Repeat("é", 400), Body: []byte(`not json`)})
	j.Add(Entry{At: begun(), Kind: KindError, Body: []byte(`["a list"]`)})
	j.Add(Entry{At: begun(), Kind: KindError, Body: []byte(`{"text":"` + strings.Repeat("x", MaxBody) + `"}`)})
	j.Add(Entry{Kind: KindError})
	flush(t, j)
	es := all(t, j, Query{})
	const no = `{"error":"what this entry had to say was no JSON object"}`
	for i, want := range []string{no, no, `{"error":"this entry had 262155 bytes; the journal takes 262144"}`, "{}"} {
		if string(es[i].Body) != want {
			t.Errorf("%d: %s", i, es[i].Body)
		}
	}
	if es[0].Camera != "a\uFFFDb" || es[0].Rule != strings.Repeat("é", 256) {
		t.Errorf("%q %q", es[0].Camera, es[0].Rule)
	}
	if r := verify(t, dir, VerifyOptions{}); r.Reason != "" {
		t.Fatal(r.Reason)
	}
}

// TestQueriesThatFindNothing: a cursor behind the last id there can be is none, and a
// plate of nothing but dashes is no question for all of them.
func TestQueriesThatFindNothing(t *testing.T) {
	j := open(t, t.TempDir())
	j.Add(entry(0))
	flush(t, j)
	if es, _, err := j.List(t.Context(), Query{Cursor: "o9223372036854775807"}); !errors.Is(err, ErrCursor) {
		t.Error(es, err)
	}
	if es := all(t, j, Query{Plate: "- ."}); len(es) > 0 {
		t.Errorf("%+v", es)
	}
}
