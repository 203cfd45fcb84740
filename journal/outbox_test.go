package journal

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// put puts a parcel and waits for it.
func put(t testing.TB, j *Journal, p Parcel) {
	t.Helper()
	done := make(chan error, 1)
	j.Put(p, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestOutbox(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	p := Parcel{
		ID: "run1-7-0", Lane: "camera gate", Verb: "plates", Fold: "ABC1234", Body: []byte{0, 1, 255}, Rule: "r", Key: "gate/#1", Step: "plates add",
		Firing: 7, Created: begun(), Due: begun().Add(time.Second), Expires: begun().Add(time.Hour),
	}
	first := p
	first.Lane, first.Body = "elsewhere", nil
	put(t, j, first)
	put(t, j, Parcel{ID: "b"})
	put(t, j, Parcel{ID: "c"})
	put(t, j, p) // in the place of the first
	p.Tries, p.Next, p.Reason = 3, begun().Add(time.Minute), "refused"
	changed := p
	changed.Lane = "elsewhere"
	j.Update(changed)
	j.Update(Parcel{ID: "nobody", Tries: 1})
	removed := make(chan error, 2)
	j.Remove("b", func(err error) { removed <- err })
	j.Remove("nobody", func(err error) { removed <- err })
	j.Remove("c", nil)
	for range 2 {
		if err := <-removed; err != nil {
			t.Fatal(err)
		}
	}
	put(t, j, Parcel{ID: "c"}) // put again it is the last
	closeNow(t, j)
	j = open(t, dir)
	ps, err := j.Parcels(t.Context())
	if err != nil || len(ps) != 2 || ps[1].ID != "c" || fmt.Sprint(ps[0]) != fmt.Sprint(p) {
		t.Fatalf("%v, %v", ps, err)
	}
	if n := j.Stats().Parcels; n != 2 {
		t.Errorf("%d parcels", n)
	}
	if err := j.Expire(t.Context(), time.Now().AddDate(1, 0, 0), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if ps, err := j.Parcels(t.Context()); err != nil || len(ps) != 2 {
		t.Errorf("retention took parcels: %v, %v", ps, err)
	}
}

// A step is on the disk before the firing it belongs to.
func TestPutStandsBeforeWhatComesLater(t *testing.T) {
	j := &Journal{wake: make(chan struct{}, 1), nextID: 1, room: 10}
	j.Add(entry(0))
	j.Put(Parcel{ID: "a"}, nil)
	j.Add(entry(1))
	if b := j.batch(); len(b) != 3 || b[1].put == nil {
		t.Errorf("%v", b)
	}
}

// What its owner was told is not on the disk is not on it later either: nobody would
// take it out.
func TestPutThatFailed(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		j := open(t, dir)
		// The commit fails after it reached the disk.
		o := &op{put: &Parcel{ID: "a"}, tried: true}
		if err := j.job(t.Context(), func(s *store) error {
			_, err := s.write([]*op{o}, false)
			j.mu.Lock()
			j.push(o)
			j.mu.Unlock()
			return errors.Join(err, errPulled)
		}); !errors.Is(err, errPulled) {
			t.Fatal(err)
		}
		for j.Stats().Problem != "" {
			time.Sleep(time.Second)
		}
		if ps, err := j.Parcels(t.Context()); err != nil || len(ps) != 0 || j.Stats().Parcels != 0 {
			t.Errorf("%v, %v", ps, err)
		}
	})
}

func TestOutboxIsBounded(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	if err := j.job(t.Context(), func(s *store) error { s.parcels = maxParcels; return nil }); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 3)
	j.Put(Parcel{ID: "a"}, func(err error) { done <- err })
	if err := <-done; !errors.Is(err, ErrOutboxFull) || err.Error() != "the outbox is full: 100000 steps wait in it" {
		t.Error(err)
	}
	j.Put(Parcel{ID: "b", Body: make([]byte, maxParcelBytes+1)}, func(err error) { done <- err })
	if err := <-done; !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	id := j.Add(entry(0)) // a parcel that is refused takes nothing with it
	flush(t, j)
	if j.Head().ID != id {
		t.Error("the entry beside it is not there")
	}
	closeNow(t, j)
	j.Put(Parcel{ID: "c"}, func(err error) { done <- err })
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func BenchmarkAdd(b *testing.B) {
	dir := b.TempDir()
	j := open(b, dir)
	for i := 0; b.Loop(); i++ {
		e := entry(i)
		e.Body = slices.Concat([]byte(`{"text":"`), make([]byte, 0, 300), []byte(`"}`))
		for j.Add(e) == 0 {
			flush(b, j)
		}
	}
	flush(b, j)
}
