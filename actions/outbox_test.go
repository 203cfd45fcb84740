package actions_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/actions"
	"github.com/sallyport/sallyport/actions/plates"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/viewtron/client"
)

// disk is what outlives a run.
type disk struct {
	mu      sync.Mutex // covers what follows
	parcels []actions.Parcel
	ever    map[string]bool // what was on it at any time
}

func (d *disk) ids() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []string
	for _, p := range d.parcels {
		out = append(out, p.ID)
	}
	return out
}

// store is one run's way to a disk: an operation takes a millisecond.
type store struct {
	*disk
	slow  time.Duration
	point func(what string) // called at every step; the run may be killed there
	ops   chan func()

	mu   sync.Mutex // covers what follows
	dead bool
	full error // why nothing can be written
	log  []string
}

func newStore(t *testing.T, d *disk) *store {
	s := &store{disk: d, slow: time.Millisecond, ops: make(chan func(), 1<<16), point: func(string) {}}
	if d.ever == nil {
		d.ever = map[string]bool{}
	}
	go func() {
		for op := range s.ops {
			time.Sleep(s.slow)
			op()
		}
	}()
	t.Cleanup(func() { close(s.ops) })
	return s
}

func (s *store) kill() {
	s.mu.Lock()
	s.dead = true
	s.mu.Unlock()
}

func (s *store) fill(err error) {
	s.mu.Lock()
	s.full = err
	s.mu.Unlock()
}

func (s *store) isDead() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead
}

// ask queues one change of the disk.
func (s *store) ask(what, id string, change func(), done func(error)) {
	s.point("ask to " + what)
	s.ops <- func() {
		if s.isDead() {
			return
		}
		s.point("before " + what)
		s.mu.Lock()
		dead, err := s.dead, s.full
		s.log = append(s.log, what+" "+id)
		s.mu.Unlock()
		if dead {
			return
		}
		if err == nil {
			s.disk.mu.Lock()
			change()
			s.disk.mu.Unlock()
		}
		s.point("after " + what)
		if !s.isDead() {
			done(err)
		}
	}
}

func (s *store) Put(p actions.Parcel, done func(error)) {
	s.ask("put", p.ID, func() {
		s.ever[p.ID] = true
		for i := range s.parcels {
			if s.parcels[i].ID == p.ID {
				s.parcels[i] = p
				return
			}
		}
		s.parcels = append(s.parcels, p)
	}, done)
}

func (s *store) Update(p actions.Parcel) {
	s.ask("update", p.ID, func() {
		for i := range s.parcels {
			if s.parcels[i].ID == p.ID {
				s.parcels[i] = p
			}
		}
	}, func(error) {})
}

func (s *store) Remove(id string, done func(error)) {
	s.ask("remove", id, func() {
		s.parcels = slices.DeleteFunc(s.parcels, func(p actions.Parcel) bool { return p.ID == id })
	}, done)
}

func (s *store) Parcels(context.Context) ([]actions.Parcel, error) {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	return slices.Clone(s.parcels), nil
}

// keeper is a bench whose runner has a store.
type keeper struct {
	*bench
	store *store
	log   bytes.Buffer
}

// newKeeper starts a run, with what the runs before left on the disk.
func newKeeper(t *testing.T, run string, s *store, handlers ...actions.Handler) *keeper {
	t.Helper()
	k := &keeper{bench: &bench{begin: time.Now()}, store: s}
	c := actions.Config{
		Handlers: handlers, Now: k.now, Run: run,
		Log: slog.New(slog.NewTextHandler(&k.log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})),
		Report: func(o engine.Outcome, rec actions.Record) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.told = append(k.told, told{k.now(), o, rec})
		},
	}
	if s != nil {
		c.Store = s
	}
	r, err := actions.New(c)
	if err != nil {
		t.Fatal(err)
	}
	k.Runner = r
	if err := r.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	return k
}

// end ends a run as a stopped program does.
func (k *keeper) end() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = k.Close(ctx)
}

// all is what was told so far.
func (k *keeper) all() []told {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.told)
}

// records are what was reported, in order, with the parcel.
func (k *keeper) records() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []string
	for _, x := range k.told {
		s := fmt.Sprintf("%v %s", x.at.Round(time.Second), x.rec.Parcel)
		if x.rec.Earlier {
			s += " earlier"
		}
		if !x.rec.Begun {
			s += " not begun"
		}
		for _, more := range []string{x.rec.Reason, x.rec.Detail} {
			if more != "" {
				s += " | " + more
			}
		}
		out = append(out, s)
	}
	return out
}

// durable is a durable call.
func (b *bench) durable(id uint64, host string) engine.Request {
	q := b.once(id, host)
	q.Step.Durable = true
	q.Expires = b.now() + 24*time.Hour
	return q
}

// shortID is an id without the hash of its destination.
func shortID(s string) string { return s[:strings.LastIndexByte(s, '-')] }

func shortIDs(ids []string) []string {
	var out []string
	for _, s := range ids {
		out = append(out, shortID(s))
	}
	return out
}

// pass lets time pass, and what happens in it end.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// late is a store whose parcels are read late, as on a slow disk.
type late struct {
	*store
	after time.Duration
	fails int // so many times
}

func (l *late) Parcels(ctx context.Context) ([]actions.Parcel, error) {
	time.Sleep(l.after)
	if l.fails > 0 {
		l.fails--
		return nil, errors.New("disk I/O error")
	}
	return l.store.Parcels(ctx)
}

// A camera was away while a plate was to be put on its list. The program starts
// again, and takes the plate off before the disk has told of what waits.
func TestAnEditDoesNotOvertakeThoseOfTheRunBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		var up atomic.Bool
		var seen []string
		h := plates.New(plates.Config{Cameras: []plates.Camera{{Name: "a"}}})
		h.Action = actions.Func(func(ctx context.Context, r engine.Request) error {
			if !up.Load() {
				return actions.Away(errors.New("no route to host"))
			}
			seen = append(seen, shortID(actions.ID(ctx)))
			return nil
		})
		edit := func(k *keeper, id uint64, op engine.PlatesOp) {
			q := k.durable(id, "http://a")
			q.Expires = 0
			q.Args = engine.PlatesArgs{Op: op, Number: "ABC123", List: "allow", Cameras: []string{"a"}}
			q.Step.Args = q.Args
			k.Submit(q)
		}
		k := newKeeper(t, "one", newStore(t, d), h)
		edit(k, 1, engine.PlatesAdd)
		pass(time.Minute)
		k.end()

		up.Store(true)
		k = &keeper{bench: &bench{begin: time.Now()}}
		s := &late{store: newStore(t, d), after: time.Second, fails: 1}
		r, err := actions.New(actions.Config{
			Handlers: []actions.Handler{h}, Now: k.now, Run: "two", Store: s, Report: func(engine.Outcome, actions.Record) {},
		})
		if err != nil {
			t.Fatal(err)
		}
		k.Runner = r
		edit(k, 1, engine.PlatesRemove)
		if err := r.Start(t.Context()); err == nil {
			t.Fatal("the disk can be read")
		}
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour)
		k.end()
		if len(seen) == 0 || seen[len(seen)-1] != "two-1-do0" {
			t.Errorf("the camera was told %v", seen)
		}
	})
}

func TestAnOutboxThatCannotBeReadHoldsNothingUpForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{bench: &bench{begin: time.Now()}}
		var tried []time.Duration
		r, err := actions.New(actions.Config{
			Handlers: []actions.Handler{action(1, func(context.Context, engine.Request) error {
				tried = append(tried, k.now())
				return nil
			})},
			Now: k.now, Store: newStore(t, &disk{}), Report: func(engine.Outcome, actions.Record) {},
		})
		if err != nil {
			t.Fatal(err)
		}
		k.Runner = r
		k.Submit(k.durable(1, "http://a"))
		pass(time.Hour)
		k.end()
		if len(tried) != 1 || tried[0] != 30*time.Second {
			t.Errorf("tried at %v", tried)
		}
	})
}

func TestADurableStepIsOnDiskBeforeItIsTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, &disk{})
		s.slow = time.Second
		k := newKeeper(t, "run", s, action(4, func(ctx context.Context, r engine.Request) error {
			if got := shortIDs(s.ids()); !slices.Contains(got, shortID(actions.ID(ctx))) {
				t.Errorf("tried while the disk holds %v", got)
			}
			return nil
		}))
		k.Submit(k.durable(1, "http://a"))
		k.Submit(k.durable(2, "http://a"))
		if got := k.now(); got != 0 {
			t.Errorf("Submit took %v", got)
		}
		pass(time.Minute)
		k.end()
		equal(t, k.lines(), []string{"1s #1 begun", "2s #2 begun"})
		if got := s.ids(); len(got) != 0 {
			t.Errorf("left on the disk: %v", got)
		}
	})
}

func TestADurableStepGoesOnAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		var up atomic.Bool
		var seen []string
		h := action(4, func(ctx context.Context, r engine.Request) error {
			if !up.Load() {
				return actions.Away(errors.New("no route to host"))
			}
			seen = append(seen, fmt.Sprintf("%s %s %s %s", shortID(actions.ID(ctx)), r.Firing.Rule.Name, r.Firing.Key, byURL(r)))
			return nil
		})
		k := newKeeper(t, "one", newStore(t, d), h)
		for i := range uint64(3) {
			k.Submit(k.durable(i+1, "http://a"))
		}
		pass(time.Minute)
		k.end()
		if got := k.records(); len(got) != 0 {
			t.Errorf("what goes on was reported: %v", got)
		}
		k = newKeeper(t, "two", newStore(t, d), h)
		k.Submit(k.durable(1, "http://a"))
		pass(time.Hour)
		up.Store(true)
		pass(time.Hour)
		k.end()
		equal(t, seen, []string{
			"one-1-do0 r k http://a", "one-2-do0 r k http://a", "one-3-do0 r k http://a", "two-1-do0 r k http://a",
		})
		for i, x := range k.all() {
			if x.rec.Earlier != (i < 3) || x.rec.Earlier && x.out.Firing != 0 {
				t.Errorf("%+v of an earlier run: %v", x.out, x.rec.Earlier)
			}
		}
		if got := d.ids(); len(got) != 0 {
			t.Errorf("left on the disk: %v", got)
		}
	})
}

func TestADestinationThatIsAwayForAWeekIsAskedLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, &disk{})
		var tries []time.Duration
		var k *keeper
		h := action(1, func(context.Context, engine.Request) error {
			tries = append(tries, k.now().Round(time.Second))
			if k.now() < 7*24*time.Hour {
				return actions.Away(errors.New("no route to host"))
			}
			return nil
		})
		h.Kept = true
		k = newKeeper(t, "run", s, h)
		q := k.durable(1, "camera")
		q.Expires = 0
		k.Submit(q)
		pass(8 * 24 * time.Hour)
		k.end()
		if got := fmt.Sprint(tries[:9]); got != "[0s 1s 3s 7s 15s 31s 1m3s 2m3s 3m3s]" {
			t.Errorf("tried at %v", got)
		}
		if n := len(tries); n < 2000 || n > 2100 {
			t.Errorf("tried %d times in a week", n)
		}
		updates := 0
		for _, l := range s.log {
			if strings.HasPrefix(l, "update") {
				updates++
			}
		}
		if updates > 12 {
			t.Errorf("the disk was written %d times for tries", updates)
		}
		if rec := k.all()[0].rec; rec.Tries != len(tries) || !rec.Begun || rec.Reason != "" {
			t.Errorf("record %+v", rec)
		}
	})
}

func TestWhatADestinationRefusesIsGivenUpAndDoesNotHoldUpTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, &disk{})
		k := newKeeper(t, "run", s, action(4, func(_ context.Context, r engine.Request) error {
			switch r.Firing.ID {
			case 1:
				return errors.New("answered 404")
			case 2:
				return actions.NotBegun(actions.Permanent(errors.New("no such thing")))
			}
			return nil
		}))
		for i := range uint64(3) {
			k.Submit(k.durable(i+1, "http://a"))
		}
		k.Submit(k.durable(4, "http://b"))
		pass(time.Hour)
		k.end()
		var got []string
		for _, l := range k.records() {
			got = append(got, l[:strings.LastIndexByte(l[:strings.Index(l+" |", " |")], '-')]+l[strings.Index(l+" |", " |"):])
		}
		want := []string{"0s run-4-do0", "5m3s run-1-do0 | answered 404", "5m3s run-2-do0 | no such thing", "5m3s run-3-do0"}
		equal(t, got, want)
		if n := k.all()[1].rec.Tries; n != 11 {
			t.Errorf("tried %d times", n)
		}
		if got := s.ids(); len(got) != 0 {
			t.Errorf("left on the disk: %v", got)
		}
	})
}

func TestADurableStepExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		away := actions.NotBegun(actions.Away(errors.New("no route to host")))
		h := action(1, func(context.Context, engine.Request) error { return away })
		k := newKeeper(t, "one", newStore(t, d), h)
		for i := range uint64(3) {
			q := k.durable(i+1, "http://a")
			q.Expires = time.Duration(i+1) * time.Hour
			k.Submit(q)
		}
		pass(90 * time.Minute)
		k.end()
		var got []string
		for _, x := range k.all() {
			got = append(got, fmt.Sprintf("%v #%d %s", x.at.Round(time.Minute), x.out.Firing, x.out.Reason))
		}
		// The first is given up when there is no time for another try.
		if len(got) != 1 || !strings.HasSuffix(got[0], "#1 no route to host") {
			t.Errorf("got %v", got)
		}
		pass(time.Hour) // off
		k = newKeeper(t, "two", newStore(t, d), h)
		pass(time.Second)
		equal(t, k.records()[:1], []string{"0s " + k.all()[0].rec.Parcel + " earlier | expired | no route to host"})
		if n := len(k.Outbox()); n != 1 {
			t.Errorf("%d wait", n)
		}
		pass(time.Hour)
		k.end()
		if got := d.ids(); len(got) != 0 {
			t.Errorf("left on the disk: %v", got)
		}
	})
}

// TestAPlateEditThatBeganDoesNotExpire: it may have left a plate on a list without
// its end, so it is tried until the camera has it, over restarts too.
func TestAPlateEditThatBeganDoesNotExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		back := false
		h := action(1, func(context.Context, engine.Request) error {
			if !back {
				return actions.Away(errors.New("the connection broke"))
			}
			return nil
		})
		h.Kept = true
		k := newKeeper(t, "one", newStore(t, d), h)
		q := k.durable(1, "camera")
		q.Expires = time.Minute
		k.Submit(q)
		pass(time.Hour)
		if n := len(k.Outbox()); n != 1 {
			t.Errorf("%d wait", n)
		}
		k.end()
		pass(time.Hour) // off
		back = true
		k = newKeeper(t, "two", newStore(t, d), h)
		pass(2 * time.Minute)
		k.end()
		if got := d.ids(); len(got) != 0 {
			t.Errorf("left on the disk: %v", got)
		}
		if all := k.all(); len(all) != 1 || all[0].rec.Err != nil {
			t.Errorf("got %v", k.records())
		}
	})
}

func TestAWrongWallClockDoesNotKeepAStepLongerThanItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		h := action(1, func(context.Context, engine.Request) error { return actions.Away(errors.New("away")) })
		k := newKeeper(t, "one", newStore(t, d), h)
		k.Submit(k.durable(1, "http://a"))
		pass(time.Second)
		k.end()
		// The machine wakes up in 1970.
		s := newStore(t, d)
		begin := time.Now()
		var told atomic.Int64
		r, err := actions.New(actions.Config{
			Handlers: []actions.Handler{h}, Now: func() time.Duration { return time.Since(begin) }, Store: s,
			Wall:   func() time.Time { return time.Unix(0, 0).Add(time.Since(begin)) },
			Report: func(engine.Outcome, actions.Record) { told.Add(1) },
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(25 * time.Hour)
		if n := told.Load(); n != 1 {
			t.Errorf("reported %d times after a day", n)
		}
		_ = r.Close(t.Context())
	})
}

func TestAFullDiskStopsNoDurableStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, &disk{})
		var up atomic.Bool
		k := newKeeper(t, "run", s, action(1, func(_ context.Context, r engine.Request) error {
			if byURL(r) == "http://a" || up.Load() {
				return nil
			}
			return actions.Away(errors.New("away"))
		}))
		s.fill(errors.New("no space left on device"))
		k.Submit(k.durable(1, "http://a"))
		k.Submit(k.durable(2, "http://b"))
		pass(5 * time.Second)
		if rec := k.all()[0].rec; !rec.Begun || rec.Reason != "" || rec.Detail != "it was kept in memory only: no space left on device" {
			t.Errorf("record %+v", rec)
		}
		if got := s.ids(); len(got) != 0 {
			t.Errorf("on the disk: %v", got)
		}
		s.fill(nil)
		pass(10 * time.Second)
		equal(t, shortIDs(s.ids()), []string{"run-2-do0"})
		up.Store(true)
		pass(time.Hour)
		k.end()
		if rec := k.all()[1].rec; rec.Detail != "" {
			t.Errorf("record %+v", rec)
		}
		if got := s.ids(); len(got) != 0 {
			t.Errorf("left on the disk: %v", got)
		}
		want := `level=ERROR msg="durable steps are in memory only: they cannot be written" error="no space left on device"` + "\n" +
			`level=INFO msg="durable steps are written again"` + "\n"
		if k.log.String() != want {
			t.Errorf("log %s", k.log.String())
		}
	})
}

// instant is a store that answers before it returns.
type instant struct{ *store }

func (s instant) Put(p actions.Parcel, done func(error)) { s.parcels = append(s.parcels, p); done(nil) }
func (s instant) Remove(string, func(error))             { panic("nothing was removed") }

func TestAStoreMayAnswerAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := instant{newStore(t, &disk{})}
		r, err := actions.New(actions.Config{
			Handlers: []actions.Handler{action(1, func(context.Context, engine.Request) error { return actions.Away(errors.New("away")) })},
			Now:      clock(), Store: s, Report: func(engine.Outcome, actions.Record) {},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		b := &bench{Runner: r, begin: time.Now()}
		b.Submit(b.durable(1, "http://a"))
		pass(time.Second / 2)
		if got := r.Outbox(); len(got) != 1 || got[0].Tries != 1 {
			t.Errorf("outbox %+v", got)
		}
		_ = r.Close(t.Context())
	})
}

func TestADiskThatHangsStopsNoDurableStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, &disk{})
		s.slow = time.Minute
		k := newKeeper(t, "run", s, action(1, func(context.Context, engine.Request) error { return nil }))
		k.Submit(k.durable(1, "http://a"))
		pass(30 * time.Second)
		equal(t, k.lines(), []string{"10s #1 begun"})
		pass(5 * time.Minute)
		k.end()
		if got := s.ids(); len(got) != 0 {
			t.Errorf("left on the disk: %v", got)
		}
	})
}

func TestWhatCannotBeRemovedIsRemovedLaterInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, &disk{})
		gate := make(chan struct{})
		k := newKeeper(t, "run", s, action(1, func(context.Context, engine.Request) error { <-gate; return nil }))
		for i := range uint64(3) {
			k.Submit(k.durable(i+1, "http://a"))
		}
		pass(time.Second)
		s.fill(errors.New("read-only file system"))
		close(gate)
		pass(time.Second)
		if n := len(k.records()); n != 3 {
			t.Errorf("%d were told", n)
		}
		equal(t, shortIDs(s.ids()), []string{"run-1-do0", "run-2-do0", "run-3-do0"})
		pass(time.Minute)
		s.fill(nil)
		pass(time.Minute)
		if got := s.ids(); len(got) != 0 {
			t.Errorf("left on the disk: %v", got)
		}
		k.end()
	})
}

func TestAStepThatIsDueLaterIsOnDiskNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		var mu sync.Mutex // covers done
		var done []string
		seen := func() []string {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(done)
		}
		h := action(1, func(ctx context.Context, r engine.Request) error {
			mu.Lock()
			defer mu.Unlock()
			done = append(done, shortID(actions.ID(ctx)))
			return nil
		})
		k := newKeeper(t, "one", newStore(t, d), h)
		later := func(id uint64, after time.Duration) engine.Request {
			q := k.durable(id, "http://a")
			q.Due += after
			q.Expires += after
			return q
		}
		kept, taken, lost := later(1, time.Minute), later(2, time.Minute), later(3, time.Hour)
		for _, q := range []engine.Request{kept, taken, lost} {
			k.Plan(q)
		}
		shadow := later(4, time.Minute)
		shadow.Firing.Shadow = true
		k.Plan(shadow)
		k.Plan(k.once(5, "http://a"))
		pass(time.Second)
		equal(t, shortIDs(d.ids()), []string{"one-1-do0", "one-2-do0", "one-3-do0"})
		k.Submit(k.durable(6, "http://a")) // what is due later holds nobody up
		pass(time.Second)
		equal(t, seen(), []string{"one-6-do0"})
		if got := k.Outbox(); len(got) != 3 || !got[2].Due.Equal(k.begin.Add(time.Hour)) || got[2].Body != nil || got[2].Step != "" {
			t.Errorf("outbox %+v", got)
		}
		pass(time.Minute)
		k.Submit(kept)
		k.Unplan(2, 0, false)
		pass(time.Second)
		equal(t, seen(), []string{"one-6-do0", "one-1-do0"})
		equal(t, shortIDs(d.ids()), []string{"one-3-do0"})
		k.end()

		pass(30 * time.Minute)
		k = newKeeper(t, "two", newStore(t, d), h)
		pass(20 * time.Minute)
		equal(t, seen(), []string{"one-6-do0", "one-1-do0"})
		pass(10 * time.Minute)
		k.end()
		equal(t, seen(), []string{"one-6-do0", "one-1-do0", "one-3-do0"})
		if got := d.ids(); len(got) != 0 {
			t.Errorf("left on the disk: %v", got)
		}
	})
}

func TestADurableStepCanBeCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		k := newKeeper(t, "run", newStore(t, d), action(1, func(ctx context.Context, r engine.Request) error {
			_ = sleep(ctx, time.Second)
			return actions.Away(errors.New("away"))
		}))
		for i := range uint64(3) {
			k.Submit(k.durable(i+1, "http://a"))
		}
		plan := k.durable(4, "http://a")
		plan.Due += time.Hour
		k.Plan(plan)
		pass(500 * time.Millisecond)
		ids := map[uint64]string{}
		for _, p := range k.Outbox() {
			ids[uint64(p.Firing)] = p.ID
		}
		if err := k.Cancel("nobody"); !errors.Is(err, actions.ErrNoParcel) || err.Error() != "no such step is waiting" {
			t.Errorf("got %v", err)
		}
		if err := k.Cancel(ids[1]); !errors.Is(err, actions.ErrUnderWay) || err.Error() != "it is being tried just now; it will not be tried again" {
			t.Errorf("got %v", err)
		}
		for _, i := range []uint64{2, 4} {
			if err := k.Cancel(ids[i]); err != nil {
				t.Error(err)
			}
		}
		pass(time.Second)
		k.Submit(plan)
		pass(3500 * time.Millisecond)
		equal(t, shortIDs(d.ids()), []string{"run-3-do0"})
		if got := k.Outbox(); len(got) != 1 || got[0].Tries == 0 || got[0].Reason != "away" || got[0].Next.IsZero() {
			t.Errorf("outbox %+v", got)
		}
		if err := k.Cancel(ids[3]); err != nil {
			t.Error(err)
		}
		k.end()
		if got := d.ids(); len(got) != 0 {
			t.Errorf("left on the disk: %v", got)
		}
		var got []string
		for _, x := range k.all() {
			got = append(got, fmt.Sprintf("#%d %v %s", x.out.Firing, x.out.Begun, x.out.Reason))
		}
		equal(t, got, []string{"#2 false cancelled", "#1 true away", "#4 false cancelled", "#3 true cancelled"})
	})
}

func TestACancelledStepThatTheDiskKeepsIsToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, &disk{})
		k := newKeeper(t, "run", s, action(1, func(context.Context, engine.Request) error { return actions.Away(errors.New("away")) }))
		k.Submit(k.durable(1, "http://a"))
		pass(time.Second / 2)
		s.fill(errors.New("read-only file system"))
		err := k.Cancel(k.Outbox()[0].ID)
		want := "it is cancelled, but not yet removed from the disk, and would be tried again after a restart: read-only file system"
		if err == nil || err.Error() != want {
			t.Errorf("got %v", err)
		}
		k.end()
	})
}

func TestTheOutboxIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(t, "run", nil, action(1, func(context.Context, engine.Request) error { return actions.Away(errors.New("away")) }))
		for i := range uint64(10_001) {
			k.Submit(k.durable(i, "http://a"))
		}
		k.Submit(k.durable(20_000, "http://b"))
		equal(t, k.lines(), []string{"0s #10000 not begun queue full"})
		picture := make([]byte, 4<<20)
		for i := range uint64(20) {
			q := k.durable(30_000+i, "")
			q.Args = engine.HTTPArgs{URL: "http://c", Image: "scene"}
			q.Firing.Event.Scene = engine.Image{Size: len(picture), Bytes: func() ([]byte, error) { return picture, nil }}
			k.Submit(q)
		}
		equal(t, k.lines()[1:], []string{
			"0s #30015 not begun outbox full", "0s #30016 not begun outbox full", "0s #30017 not begun outbox full",
			"0s #30018 not begun outbox full", "0s #30019 not begun outbox full",
		})
		k.end()
	})
}

func TestAPictureIsKeptWithItsStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		var up atomic.Bool
		var seen []string
		h := action(1, func(ctx context.Context, r engine.Request) error {
			if !up.Load() {
				return actions.Away(errors.New("away"))
			}
			b, err := r.Firing.Event.Target.Bytes()
			seen = append(seen, string(b), fmt.Sprint(err, r.Firing.Event.Scene.Size))
			return nil
		})
		k := newKeeper(t, "one", newStore(t, d), h)
		q := k.durable(1, "http://a")
		q.Args = engine.HTTPArgs{URL: "http://a", Image: "target"}
		q.Firing.Event = &engine.Event{
			Scene:  engine.Image{Size: 3, Bytes: func() ([]byte, error) { return []byte("all"), nil }},
			Target: engine.Image{Size: 7, Bytes: func() ([]byte, error) { return []byte("\xff\xd8\n{}\n\x00"), nil }},
		}
		k.Submit(q)
		large := k.durable(2, "http://a")
		large.Args = engine.HTTPArgs{URL: "http://a", Image: "scene"}
		large.Firing.Event = &engine.Event{Scene: engine.Image{Size: 5 << 20, Bytes: func() ([]byte, error) { return nil, nil }}}
		k.Submit(large)
		equal(t, k.lines(), []string{"0s #2 not begun the scene picture has 5242880 bytes; at most 4194304 are kept"})
		pass(time.Second)
		k.end()
		up.Store(true)
		k = newKeeper(t, "two", newStore(t, d), h)
		pass(time.Minute)
		k.end()
		equal(t, seen, []string{"\xff\xd8\n{}\n\x00", "<nil> 0"})
	})
}

func TestAParcelThatCannotBeReadIsToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{parcels: []actions.Parcel{
			{ID: "a", Lane: "x", Verb: "http", Body: []byte("{}\n"), Rule: "r"},
			{ID: "b", Lane: "x", Verb: "mqtt", Body: []byte("{}\n"), Rule: "r"},
			{ID: "c", Lane: "x", Verb: "http", Body: []byte("nonsense"), Rule: "r"},
			{ID: "d", Lane: "x", Verb: "http", Body: []byte(`{"version":1,"args":{},"lock":true}` + "\n"), Rule: "r"},
		}}
		k := newKeeper(t, "run", newStore(t, d), action(1, func(context.Context, engine.Request) error { return nil }))
		pass(time.Second)
		k.end()
		equal(t, k.records(), []string{
			"0s a earlier not begun | the body has version 0, not 1",
			`0s b earlier not begun | nothing carries out the verb "mqtt"`,
			"0s c earlier not begun | the body is cut or too long",
			`0s d earlier not begun | the body cannot be read: json: unknown field "lock"`,
		})
		if got := d.ids(); len(got) != 0 {
			t.Errorf("left on the disk: %v", got)
		}
	})
}

// lists is a camera's plate lists that notes every edit.
type lists struct {
	mu    sync.Mutex // covers what follows
	down  bool
	on    map[string]string // list and plate → owner, end
	edits []string
	// about is called before an edit takes effect; an error stops it.
	about func() error
}

func (l *lists) edit(what, list, plate, details string) error {
	l.mu.Lock()
	down, about := l.down, l.about
	l.mu.Unlock()
	if down {
		return fmt.Errorf("no route to host: %w", io.ErrUnexpectedEOF)
	}
	if about != nil {
		if err := about(); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.on == nil {
		l.on = map[string]string{}
	}
	l.edits = append(l.edits, strings.TrimSpace(what+" "+list+" "+plate+" "+details))
	switch what {
	case "add":
		l.on[list+" "+plate] = details
	case "remove":
		delete(l.on, list+" "+plate)
	}
	return nil
}

func (l *lists) AddPlate(_ context.Context, p client.Plate) error {
	details := p.Owner
	if p.Telephone != "" {
		details += " " + p.Telephone
	}
	if !p.End.IsZero() {
		details += " " + p.End.Sub(p.Begin).String()
	}
	return l.edit("add", p.Group, p.Number, details)
}

func (l *lists) RemovePlate(_ context.Context, list, number string) error {
	return l.edit("remove", list, number, "")
}

func (l *lists) ModifyPlate(_ context.Context, list string, p client.PlateChange) error {
	details := ""
	for _, s := range []*string{p.Owner, p.Telephone} {
		if s != nil {
			details += " " + *s
		}
	}
	if !p.End.IsZero() {
		details += " until END"
	}
	return l.edit("update", list, p.Number, strings.TrimSpace(details))
}

func (l *lists) MovePlate(_ context.Context, from, to string, p client.Plate) error {
	return l.edit("move", from+" "+to, p.Number, "")
}

func (l *lists) FindPlate(_ context.Context, list, number string) ([]client.Plate, error) {
	return []client.Plate{{Number: number, Group: list}}, nil
}

// TestAPlateThatMayStayTooLongIsTakenOffHoweverLongThatTakes also when the camera
// answers what makes no sense, as one does that is starting: any other edit is given
// up then.
func TestAPlateThatMayStayTooLongIsTakenOffHoweverLongThatTakes(t *testing.T) {
	for _, restart := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d, cam := &disk{}, &lists{}
			calls := 0
			cam.about = func() error {
				calls++
				switch {
				case calls == 1:
					return &client.PlateStuckError{Number: "A1", Group: "temporaryList", Err: io.ErrUnexpectedEOF}
				case !restart && calls < 40:
					return errors.New("it makes no sense")
				}
				return nil
			}
			h := plates.New(plates.Config{Cameras: []plates.Camera{{Name: "a", Lists: cam}}})
			k := newKeeper(t, "one", newStore(t, d), h)
			a := engine.PlatesArgs{Op: engine.PlatesAdd, Number: "A1", List: "temporary", Valid: 240 * time.Hour}
			q := k.durable(1, "")
			q.Args, q.Step.Args, q.Step.Durable, q.Expires = a, a, false, 0
			q.Firing.At.Wall = time.Now()
			k.Submit(q)
			want := []string{"remove temporaryList A1", "add temporaryList A1  240h0m0s"}
			if restart {
				synctest.Wait()
				k.end()
				k = newKeeper(t, "two", newStore(t, d), plates.New(plates.Config{Cameras: []plates.Camera{{Name: "a", Lists: cam}}}))
				want = want[1:]
			}
			pass(7 * 24 * time.Hour)
			k.end()
			equal(t, cam.edits, want)
			if got := d.ids(); len(got) != 0 {
				t.Errorf("left on the disk: %v", got)
			}
		})
	}
}

func TestEditsOfAPlateAreFolded(t *testing.T) {
	add := func(n, list, owner string, valid time.Duration) engine.PlatesArgs {
		return engine.PlatesArgs{Op: engine.PlatesAdd, Number: n, List: list, Owner: owner, Valid: valid}
	}
	full := func(n, list, owner string, valid time.Duration) engine.PlatesArgs {
		a := add(n, list, owner, valid)
		a.Phone = "555"
		return a
	}
	remove := func(n, list string) engine.PlatesArgs {
		return engine.PlatesArgs{Op: engine.PlatesRemove, Number: n, List: list}
	}
	update := func(n, owner, phone string, valid time.Duration) engine.PlatesArgs {
		return engine.PlatesArgs{Op: engine.PlatesUpdate, Number: n, List: "allow", Owner: owner, Phone: phone, Valid: valid}
	}
	move := func(n, from, to string) engine.PlatesArgs {
		return engine.PlatesArgs{Op: engine.PlatesMove, Number: n, List: from, To: to}
	}
	const allow, temp = "whiteList", "temporaryList"
	for _, tt := range []struct {
		name string
		do   []engine.PlatesArgs
		want []string
	}{
		{"an addition and its removal", []engine.PlatesArgs{add("A1", "allow", "", 0), remove("A1", "allow")}, []string{"remove " + allow + " A1"}},
		{"a later addition says more", []engine.PlatesArgs{add("A1", "allow", "Ann", 0), add("A1", "whiteList", "Bob", 240*time.Hour)}, []string{"add " + allow + " A1 Bob 240h0m0s"}},
		{"a later addition says less", []engine.PlatesArgs{add("A1", "allow", "Ann", 240*time.Hour), add("A1", "allow", "Bob", 0)},
			[]string{"add " + allow + " A1 Ann 240h0m0s", "add " + allow + " A1 Bob"}},
		{"a removal and an addition that says all", []engine.PlatesArgs{remove("A1", "allow"), full("A1", "allow", "Ann", 240*time.Hour)}, []string{"add " + allow + " A1 Ann 555 240h0m0s"}},
		{"a removal and an addition that would keep what was there", []engine.PlatesArgs{remove("A1", "allow"), add("A1", "allow", "Ann", 0)},
			[]string{"remove " + allow + " A1", "add " + allow + " A1 Ann"}},
		{"a removal and an addition that would keep a phone", []engine.PlatesArgs{remove("A1", "allow"), add("A1", "allow", "Ann", 240*time.Hour)},
			[]string{"remove " + allow + " A1", "add " + allow + " A1 Ann 240h0m0s"}},
		{"updates", []engine.PlatesArgs{update("A1", "Ann", "", 0), update("A1", "Bob", "555", 0), update("A1", "Eve", "", 0), update("A1", "Eve", "777", 240*time.Hour), update("A1", "Joe", "888", 240*time.Hour)},
			[]string{"update " + allow + " A1 Eve 777 until END", "update " + allow + " A1 Joe 888 until END"}},
		{"an update that says less", []engine.PlatesArgs{update("A1", "Bob", "555", 0), update("A1", "Eve", "", 0)}, []string{"update " + allow + " A1 Bob 555", "update " + allow + " A1 Eve"}},
		{"an addition is no update", []engine.PlatesArgs{add("A1", "allow", "Ann", 0), update("A1", "Bob", "", 0)}, []string{"add " + allow + " A1 Ann", "update " + allow + " A1 Bob"}},
		{"an addition that says what an update says", []engine.PlatesArgs{update("A1", "Ann", "", 0), add("A1", "allow", "Bob", 0)}, []string{"add " + allow + " A1 Bob"}},
		{"an addition that says less than an update", []engine.PlatesArgs{update("A1", "", "", 240*time.Hour), add("A1", "allow", "Bob", 240*time.Hour)},
			[]string{"update " + allow + " A1 until END", "add " + allow + " A1 Bob 240h0m0s"}},
		{"an update and a removal", []engine.PlatesArgs{update("A1", "Ann", "", 240*time.Hour), remove("A1", "allow")}, []string{"remove " + allow + " A1"}},
		{"a removal and an update", []engine.PlatesArgs{remove("A1", "allow"), update("A1", "Ann", "555", 240*time.Hour)}, []string{"remove " + allow + " A1", "update " + allow + " A1 Ann 555 until END"}},
		{"moves are all made", []engine.PlatesArgs{add("A1", "temporary", "", 0), move("A1", "temporary", "allow"), remove("A1", "temporary"), move("A1", "temporary", "allow"), move("A1", "temporary", "allow"), remove("A1", "allow")},
			[]string{"add " + temp + " A1", "move " + temp + " " + allow + " A1", "remove " + temp + " A1", "move " + temp + " " + allow + " A1", "move " + temp + " " + allow + " A1", "remove " + allow + " A1"}},
		{"in and out all week", []engine.PlatesArgs{add("A1", "temporary", "", 0), remove("A1", "temporary"), add("A1", "temporary", "", 0), remove("A1", "temporary"), add("A1", "temporary", "", 0), remove("A1", "temporary")},
			[]string{"remove " + temp + " A1"}},
		{"a validity that has passed meanwhile", []engine.PlatesArgs{remove("A1", "allow"), full("A1", "allow", "Ann", time.Hour)}, []string{"remove " + allow + " A1"}},
		{"what no camera takes replaces nothing", []engine.PlatesArgs{remove("A1", "allow"), add("A1", "allow", strings.Repeat("x", 65), 240*time.Hour)}, []string{"remove " + allow + " A1"}},
		{"other lists and plates are kept apart", []engine.PlatesArgs{add("A1", "allow", "", 0), add("B2", "allow", "", 0), remove("A1", "temporary"), remove("A1", "allow")},
			[]string{"add " + allow + " A1", "add " + allow + " B2", "remove " + temp + " A1", "remove " + allow + " A1"}},
		{"another spelling", []engine.PlatesArgs{add("A-1", "allow", "", 0), remove("a1", "allow")}, []string{"add " + allow + " A-1", "remove " + allow + " a1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, restart := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					d, cam := &disk{}, &lists{down: true}
					// The camera's first edit is on its way when the others come.
					h := plates.New(plates.Config{Cameras: []plates.Camera{{Name: "a", Lists: cam}}})
					k := newKeeper(t, "one", newStore(t, d), h)
					for i, a := range append([]engine.PlatesArgs{add("Z9", "block", "", 0)}, tt.do...) {
						q := k.durable(uint64(i+1), "")
						q.Args, q.Step.Args, q.Step.Durable, q.Expires = a, a, false, 0
						q.Firing.At.Wall = time.Now()
						k.Submit(q)
					}
					pass(time.Minute)
					if restart {
						k.end()
						k = newKeeper(t, "two", newStore(t, d), h)
					}
					pass(7 * 24 * time.Hour)
					cam.mu.Lock()
					cam.down = false
					cam.mu.Unlock()
					pass(time.Hour)
					k.end()
					equal(t, cam.edits[1:], tt.want)
					if got := d.ids(); len(got) != 0 {
						t.Errorf("left on the disk: %v", got)
					}
					if restart {
						return
					}
					if n := len(k.all()); n != len(tt.do)+1 {
						t.Errorf("%d of %d were told", n, len(tt.do)+1)
					}
					for _, x := range k.all() {
						if strings.Contains(x.out.Reason, "a camera takes at most 64") {
							continue
						}
						folded := strings.HasPrefix(x.rec.Detail, "camera a: superseded by one-")
						if !x.out.Begun || x.out.Reason != "" || folded != (x.rec.Tries == 0) {
							t.Errorf("told %+v %+v", x.out, x.rec)
						}
					}
				})
			}
		})
	}
}
