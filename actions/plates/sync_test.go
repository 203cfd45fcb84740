package plates_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/actions/plates"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// wire carries requests to a virtual camera without a network, so that its time is
// the test's.
type wire struct {
	cam    *sim.Camera
	after  func(command, body string) // called after each request
	broken func() bool                // the camera does not answer
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.broken != nil && w.broken() {
		return nil, io.ErrUnexpectedEOF
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	rec := httptest.NewRecorder()
	w.cam.ServeHTTP(rec, r)
	if w.after != nil {
		w.after(strings.TrimPrefix(r.URL.Path, "/"), string(body))
	}
	return rec.Result(), nil
}

func wired(t *testing.T, o sim.Options) (*sim.Camera, *wire, *client.Client) {
	t.Helper()
	o.Location = newYork()
	w := &wire{cam: sim.NewCamera(o)}
	c, err := client.New(client.Config{URL: "http://cam", Location: newYork(), Username: "admin", Password: "secret", HTTPClient: &http.Client{Transport: w}})
	if err != nil {
		t.Fatal(err)
	}
	return w.cam, w, c
}

// edits tells the plates that a request is about.
func edits(command, body string) string {
	var in struct {
		Added    []string `xml:"licensePlates>item>licensePlateNumber"`
		Modified string   `xml:"licensePlate>licensePlateNumber"`
		Deleted  string   `xml:"deleteAction>licensePlateNumber"`
	}
	if body != "" {
		_ = xml.Unmarshal([]byte(body), &in) // a read has none
	}
	return strings.TrimSpace(strings.Join(append(in.Added, in.Modified, in.Deleted), " "))
}

func mapping() []plates.Mapping {
	return []plates.Mapping{{Local: "residents", Camera: "allow"}, {Local: "banned", Camera: "block"}, {Local: "visitors", Camera: "temporary"}}
}

func put(t *testing.T, cam *sim.Camera, entries ...sim.ListEntry) {
	t.Helper()
	for _, e := range entries {
		if err := cam.Put(e); err != nil {
			t.Fatal(err)
		}
	}
}

// TestApplyMakesTheListsEqual: one pass does it all, in an order in which nobody has
// a right that he shall not have, and a second pass finds nothing to do.
func TestApplyMakesTheListsEqual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam, w, c := wired(t, sim.Options{})
		now := time.Now()
		day := 24 * time.Hour
		put(t, cam, sim.ListEntry{Number: "GONE1", Group: "whiteList"}, sim.ListEntry{Number: "GONE2", Group: "blackList"},
			sim.ListEntry{Number: "MOVE1", Group: "whiteList", Telephone: "123"}, sim.ListEntry{Number: "MOVE2", Group: "blackList"},
			sim.ListEntry{Number: "SAME1", Group: "whiteList", Owner: "Ann"}, sim.ListEntry{Number: "LONGER", Group: "whiteList", End: now.Add(day)},
			sim.ListEntry{Number: "SHORTER", Group: "whiteList"}, sim.ListEntry{Number: "KEPT1", Group: "temporaryList"})
		o := plates.SyncOptions{Mapping: mapping(), Now: now, Zone: newYork(), Local: []*engine.List{
			engine.NewList("residents", []engine.Entry{
				{Plate: "GONE1", Until: now, Schedule: -1}, {Plate: "MOVE2", Schedule: -1}, {Plate: "SAME1", Owner: "Ann", Schedule: -1},
				{Plate: "LONGER", Until: now.Add(9 * day), Schedule: -1}, {Plate: "SHORTER", Until: now.Add(9 * day), Schedule: -1},
				{Plate: "NEW1", Schedule: -1}, {Plate: "NEW2", Owner: "<Bob & Co>", From: now.Add(day), Schedule: -1},
			}),
			engine.NewList("banned", []engine.Entry{{Plate: "MOVE1", Schedule: -1}, {Plate: "NEW3", Schedule: -1}, {Plate: "GONE2", Until: now, Schedule: -1}}),
			engine.NewList("visitors", []engine.Entry{{Plate: "NEW4", Until: now.Add(day), Schedule: -1}}),
		}}
		plan, err := plates.ReadPlan(t.Context(), c, o)
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		w.after = func(command, body string) {
			if number := edits(command, body); number != "" && !strings.HasPrefix(command, "Get") {
				order = append(order, command+" "+number)
			}
		}
		var seen []int
		r := plates.Apply(t.Context(), c, plan, func(done int) { seen = append(seen, done) })
		if r.Err != nil || len(r.Failed) > 0 || len(r.Done) != len(plan.Steps) {
			t.Fatalf("%+v", r)
		}
		want := `DeleteLicensePlate GONE1
DeleteLicensePlate GONE2
DeleteLicensePlate MOVE1
AddLicensePlates MOVE1
ModifyLicensePlate MOVE1
DeleteLicensePlate MOVE2
AddLicensePlates MOVE2
AddLicensePlates NEW3
ModifyLicensePlate SHORTER
AddLicensePlates NEW4
ModifyLicensePlate NEW4
AddLicensePlates NEW1
AddLicensePlates NEW2
ModifyLicensePlate NEW2
ModifyLicensePlate LONGER`
		if got := strings.Join(order, "\n"); got != want {
			t.Errorf("order\n%s\nwant\n%s", got, want)
		}
		if !slices.Equal(seen, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) {
			t.Errorf("progress %v", seen)
		}
		i := slices.IndexFunc(cam.Plates(), func(e sim.ListEntry) bool { return e.Number == "MOVE1" })
		if e := cam.Plates()[i]; e.Group != "blackList" || e.Telephone != "123" {
			t.Errorf("%+v", e)
		}
		if plan, err = plates.ReadPlan(t.Context(), c, o); err != nil || len(plan.Steps) > 0 || plan.Same != 9 || plan.Found(plates.FoundKept) != 1 {
			t.Errorf("again: %+v, %v", plan, err)
		}
	})
}

// TestApplyGoesOnWherever it was cut off: a synchronization is cut after any number
// of requests, again and again, and looked at after every request: no plate is ever on
// a list where it neither was nor is wanted, or back where it was taken from.
func TestApplyGoesOnWherever(t *testing.T) {
	for seed := range uint64(25) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			cam, w, c := wired(t, sim.Options{})
			now := time.Now()
			groups := []string{"whiteList", "blackList", "temporaryList"}
			names := []string{"residents", "banned", "visitors"}
			local := make([][]engine.Entry, 3)
			before, wanted := make(map[string]string), make(map[string]string)
			for i := range 3 {
				local[i] = append(local[i], engine.Entry{Plate: fmt.Sprintf("FIRST%d", i), Schedule: -1})
				wanted[fmt.Sprintf("FIRST%d", i)] = groups[i]
			}
			for i := range 30 {
				number := fmt.Sprintf("P%03d", i)
				if on := rng.IntN(5); on < 3 {
					before[number] = groups[on]
					put(t, cam, sim.ListEntry{Number: number, Group: groups[on]})
				}
				if on := rng.IntN(4); on < 3 {
					e := engine.Entry{Plate: number, Schedule: -1}
					if rng.IntN(2) == 0 {
						e.Owner = "Ann " + number
					}
					if rng.IntN(3) == 0 {
						e.Until = now.Add(time.Duration(1+rng.IntN(1000)) * time.Hour)
					}
					local[on] = append(local[on], e)
					wanted[number] = groups[on]
				}
			}
			o := plates.SyncOptions{Mapping: mapping(), Now: now, Zone: newYork(), Prune: true}
			for i, n := range names {
				o.Local = append(o.Local, engine.NewList(n, local[i]))
			}
			gone := make(map[string]bool) // from where it was
			w.after = func(command, body string) {
				on := make(map[string]string)
				for _, e := range cam.Plates() {
					on[e.Number] = e.Group
				}
				for n, g := range on {
					switch {
					case g == wanted[n]:
					case g != before[n]:
						t.Fatalf("seed %d: after %s: %s is on %s, was on %q, belongs on %q", seed, command, n, g, before[n], wanted[n])
					case gone[n]:
						t.Fatalf("seed %d: after %s: %s is back on %s", seed, command, n, g)
					}
				}
				for n, g := range before {
					gone[n] = gone[n] || on[n] != g
				}
			}
			left := 0
			w.broken = func() bool { left--; return left < 0 }
			for run := 0; ; run++ {
				if run > 200 {
					t.Fatalf("seed %d: it is never finished", seed)
				}
				left = 6 + rng.IntN(20)
				plan, err := plates.ReadPlan(t.Context(), c, o)
				if err != nil {
					if !plates.Unreachable(err) {
						t.Fatal(err)
					}
					continue
				}
				if len(plan.Steps) == 0 {
					break
				}
				r := plates.Apply(t.Context(), c, plan, nil)
				if len(r.Failed) > 0 || r.Err == nil && len(r.Done) != len(plan.Steps) || r.Err != nil && !plates.Unreachable(r.Err) {
					t.Fatalf("seed %d: %+v", seed, r)
				}
			}
			for _, e := range cam.Plates() {
				if wanted[e.Number] != e.Group {
					t.Errorf("seed %d: %s is on %s", seed, e.Number, e.Group)
				}
				delete(wanted, e.Number)
			}
			if len(wanted) > 0 {
				t.Errorf("seed %d: missing: %v", seed, wanted)
			}
		})
	}
}

// TestApplyTriesAgain: what passes by itself is waited for.
func TestApplyTriesAgain(t *testing.T) {
	for _, fault := range []sim.Fault{
		{Status: http.StatusServiceUnavailable},
		{Status: http.StatusOK, Body: `<config status="failed" errorCode="7" errorDesc="Busy"/>`},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			cam, _, c := wired(t, sim.Options{Fault: func(string, *http.Request) sim.Fault {
				if n++; n%7 == 0 {
					return fault
				}
				return sim.Fault{}
			}})
			put(t, cam, sim.ListEntry{Number: "MOVE1", Group: "whiteList"})
			var residents []engine.Entry
			for i := range 30 {
				residents = append(residents, engine.Entry{Plate: fmt.Sprintf("NEW%02d", i), Schedule: -1})
			}
			o := plates.SyncOptions{Mapping: mapping()[:2], Now: time.Now(), Zone: newYork(), Local: []*engine.List{
				engine.NewList("residents", residents), engine.NewList("banned", []engine.Entry{{Plate: "MOVE1", Schedule: -1}}),
			}}
			plan, err := plates.ReadPlan(t.Context(), c, o)
			if err != nil {
				t.Fatal(err)
			}
			r := plates.Apply(t.Context(), c, plan, nil)
			if r.Err != nil || len(r.Failed) > 0 || len(cam.Plates()) != 31 || cam.ListOf("MOVE1", time.Now()) != "blackList" {
				t.Errorf("%v %v, %d plates", r.Err, r.Failed, len(cam.Plates()))
			}
		})
	}
}

// TestApplyStops when the camera refuses the login or is gone, and goes on when it
// refuses one plate.
func TestApplyStops(t *testing.T) {
	answer := func(code int) error { return &client.Error{Command: "DeleteLicensePlate", Code: code, HTTPStatus: 200} }
	for _, tc := range []struct {
		name         string
		err          error
		done, failed int
		stopped      string
		tries        int
	}{
		{"refused", answer(16), 2, 1, "", 1},
		{"not documented", fmt.Errorf("RemovePlate: %w", client.ErrNotDocumented), 2, 1, "", 1},
		{"login", answer(9), 1, 0, "DeleteLicensePlate: the camera answered code 9 (unauthorized)", 1},
		{"gone", io.ErrUnexpectedEOF, 1, 0, "unexpected EOF", 3},
		{"busy", answer(7), 2, 1, "", 3},
		{"certificate", &client.CertificateError{}, 2, 1, "", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				plan, err := plates.NewPlan([]client.Group{{ID: "1", Name: "whiteList"}}, []client.Plate{
					{Number: "A1", Group: "whiteList"}, {Number: "B1", Group: "whiteList"}, {Number: "C1", Group: "whiteList"},
				}, plates.SyncOptions{Now: time.Now(), Mapping: []plates.Mapping{{Local: "l", Camera: "allow"}}, Local: []*engine.List{engine.NewList("l", nil)}, Prune: true, AllowEmpty: true})
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				f := &fakeLists{fail: func(number string) error {
					if number == "B1" {
						return tc.err
					}
					return nil
				}}
				r := plates.Apply(t.Context(), f, plan, nil)
				stopped := ""
				if r.Err != nil {
					stopped = r.Err.Error()
				}
				if len(r.Done) != tc.done || len(r.Failed) != tc.failed || stopped != tc.stopped || f.tries["B1"] != tc.tries {
					t.Errorf("done %d, failed %v, stopped %q, tried %d times", len(r.Done), r.Failed, stopped, f.tries["B1"])
				}
				if took := time.Since(start); tc.tries == 3 && took != 2500*time.Millisecond {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// TestAPlateWithoutItsEndGoes: a plate that is on the list without its end is tried
// again, and then taken off.
func TestAPlateWithoutItsEndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam, _, c := wired(t, sim.Options{Fault: func(command string, r *http.Request) sim.Fault {
			if command == "ModifyLicensePlate" {
				return sim.Fault{Status: http.StatusOK, Body: `<config status="failed" errorCode="79"/>`}
			}
			return sim.Fault{}
		}})
		now := time.Now()
		o := plates.SyncOptions{Mapping: mapping()[:1], Now: now, Zone: newYork(), Local: []*engine.List{engine.NewList("residents", []engine.Entry{
			{Plate: "ENDS", Until: now.Add(time.Hour), Schedule: -1}, {Plate: "STAYS", Schedule: -1},
		})}}
		plan, err := plates.ReadPlan(t.Context(), c, o)
		if err != nil {
			t.Fatal(err)
		}
		r := plates.Apply(t.Context(), c, plan, nil)
		if len(r.Failed) != 1 || r.Failed[0].Step.Plate.Number != "ENDS" || r.Err != nil || cam.ListOf("ENDS", now) != "" || cam.ListOf("STAYS", now) != "whiteList" {
			t.Errorf("%+v, %+v", r, cam.Plates())
		}
	})
}

// TestApplyEndsWithItsContext: who gives up leaves the rest for the next time.
func TestApplyEndsWithItsContext(t *testing.T) {
	plan, err := plates.NewPlan([]client.Group{{ID: "1", Name: "whiteList"}}, []client.Plate{{Number: "A1", Group: "whiteList"}, {Number: "B1", Group: "whiteList"}},
		plates.SyncOptions{Now: time.Now(), Mapping: []plates.Mapping{{Local: "l", Camera: "allow"}}, Local: []*engine.List{engine.NewList("l", nil)}, Prune: true, AllowEmpty: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := plates.Apply(ctx, &fakeLists{}, plan, func(int) { cancel() })
	if len(r.Done) != 1 || !errors.Is(r.Err, context.Canceled) {
		t.Errorf("%+v", r)
	}
}

// fakeLists takes every edit, but those that fail.
type fakeLists struct {
	fail  func(number string) error
	tries map[string]int
}

func (f *fakeLists) try(number string) error {
	if f.tries == nil {
		f.tries = make(map[string]int)
	}
	f.tries[number]++
	if f.fail == nil {
		return nil
	}
	return f.fail(number)
}

func (f *fakeLists) AddPlates(_ context.Context, _ string, ps []client.Plate) ([]error, error) {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = f.try(p.Number)
	}
	return errs, nil
}

func (f *fakeLists) RemovePlate(_ context.Context, _, number string) error { return f.try(number) }

func (f *fakeLists) ModifyPlate(_ context.Context, _ string, p client.PlateChange) error {
	return f.try(p.Number)
}

func (f *fakeLists) MovePlate(_ context.Context, _, _ string, p client.Plate) error {
	return f.try(p.Number)
}

// changingLists change while they are read, the first times.
type changingLists struct{ times int }

func (c *changingLists) PlateGroups(context.Context) ([]client.Group, error) {
	return []client.Group{{ID: "1", Name: "whiteList"}}, nil
}

func (c *changingLists) AllPlates(context.Context) ([]client.Plate, error) {
	if c.times--; c.times >= 0 {
		return nil, fmt.Errorf("GetLicensePlates: %w", client.ErrListChanged)
	}
	return nil, nil
}

// TestReadPlan reads again what changed meanwhile, and plans nothing of half a list.
func TestReadPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := plates.SyncOptions{Now: time.Now(), Local: []*engine.List{engine.NewList("allow", []engine.Entry{{Plate: "A1", Schedule: -1}})}}
		if plan, err := plates.ReadPlan(t.Context(), &changingLists{2}, o); err != nil || len(plan.Steps) != 1 {
			t.Errorf("%+v, %v", plan, err)
		}
		if plan, err := plates.ReadPlan(t.Context(), &changingLists{3}, o); plan != nil || !errors.Is(err, client.ErrListChanged) {
			t.Errorf("%+v, %v", plan, err)
		}
	})
}
