package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/viewtron/sim"
)

var (
	newYear = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	noEnd   = time.Date(2037, 12, 30, 10, 59, 59, 0, time.UTC) // what the virtual camera takes for none
)

// on is what a camera has, one plate a line: number, list, owner, end.
func on(cam *sim.Camera) string {
	var out []string
	for _, p := range cam.Plates() {
		end := p.End.UTC().Format("2006-01-02")
		if p.End.Equal(noEnd) {
			end = "-"
		}
		out = append(out, strings.Join([]string{p.Number, p.Group, p.Owner, end}, " "))
	}
	return strings.Join(out, "\n")
}

func has(t *testing.T, cam *sim.Camera, want ...string) {
	t.Helper()
	if got := on(cam); got != strings.Join(want, "\n") {
		t.Errorf("the camera has\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// each compares the errors of AddPlates; "" is none.
func each(t *testing.T, errs []error, want ...string) {
	t.Helper()
	if len(errs) != len(want) {
		t.Fatalf("%d errors, want %d", len(errs), len(want))
	}
	for i, err := range errs {
		if got := fmt.Sprint(err); got != want[i] && !(err == nil && want[i] == "") {
			t.Errorf("plate %d\n got %s\nwant %s", i, got, want[i])
		}
	}
}

func refused(code string) sim.Fault {
	return sim.Fault{Status: 200, ContentType: "application/xml", Body: `<config status="failed" errorCode="` + code + `"/>`}
}

func TestPlateListsInBothDialects(t *testing.T) {
	for _, api := range []sim.API{sim.API21, sim.API20, sim.API19} {
		for _, asked := range []bool{false, true} { // whether the capabilities are known before
			t.Run(fmt.Sprint(api, " ", asked), func(t *testing.T) {
				ctx := t.Context()
				cam, _, c := device(t, sim.Options{API: api})
				if asked {
					_, err := c.Capabilities(ctx)
					must(t, err)
				}
				groups, err := c.PlateGroups(ctx)
				must(t, err)
				var names []string
				for _, g := range groups {
					names = append(names, g.Name)
				}
				want, third := "whiteList blackList strangerList", "strangerList"
				if api == sim.API21 {
					want, third = "temporaryList whiteList blackList", "temporaryList"
				}
				if got := strings.Join(names, " "); got != want {
					t.Errorf("lists %s, want %s", got, want)
				}

				plates := []client.Plate{{Number: "ABC1234", Owner: "Ann", End: newYear}, {Number: " A1 "}, {Number: "", Owner: "Bob"}, {Number: "]]>&<x>", Owner: "]]>"}}
				errs, err := c.AddPlates(ctx, "allow", plates)
				must(t, err)
				each(t, errs, "", "", "plate is empty", "")
				errs, err = c.AddPlates(ctx, third, []client.Plate{{Number: "G7"}, {Number: "A1"}})
				must(t, err)
				stays := "take it off there first: AddLicensePlates"
				if api != sim.API21 {
					stays = "and this camera documents no removal; use its own page: AddVehiclePlate"
				}
				sep := "; "
				if api != sim.API21 {
					sep = ", "
				}
				exists := ": the camera answered code 203 (plate exists already)"
				if api == sim.API20 {
					exists += `: "Same License Plate Already Exists"`
				}
				each(t, errs, "", `plate "A1" is on the camera's list "whiteList" already`+sep+stays+exists)
				full := []string{"ABC1234 whiteList Ann 2027-01-01", "A1 whiteList  -", "]]>&<x> whiteList ]]> -", "G7 " + third + "  -"}
				has(t, cam, full...)

				// Again: nothing changes, and it is no error.
				errs, err = c.AddPlates(ctx, "whiteList", plates[:2])
				must(t, err)
				each(t, errs, "", "")
				has(t, cam, full...)

				all, err := c.AllPlates(ctx)
				must(t, err)
				var got []string
				for _, p := range all {
					got = append(got, p.Number+" "+p.Group)
				}
				order := []string{"ABC1234 whiteList", "A1 whiteList", "]]>&<x> whiteList", "G7 strangerList"}
				if api == sim.API21 {
					order = []string{"G7 temporaryList", "ABC1234 whiteList", "A1 whiteList", "]]>&<x> whiteList"}
				}
				if !slices.Equal(got, order) {
					t.Errorf("all plates %q, want %q", got, order)
				}
				for _, p := range all {
					if p.Number == "ABC1234" && (p.Owner != "Ann" || !p.End.Equal(newYear)) {
						t.Errorf("read back %+v", p)
					}
				}
				found, err := c.FindPlate(ctx, "", "a 1")
				must(t, err)
				if len(found) != 1 || found[0].Number != "A1" || found[0].Group != "whiteList" {
					t.Errorf("found %+v", found)
				}
				if found, err = c.FindPlate(ctx, "block", "A1"); err != nil || len(found) != 0 {
					t.Errorf("found on another list: %+v, %v", found, err)
				}

				owner := "Bob"
				modify := c.ModifyPlate(ctx, "allow", client.PlateChange{Number: "A1", Owner: &owner})
				move := c.MovePlate(ctx, "allow", "block", client.Plate{Number: "A1", Owner: owner})
				remove := c.RemovePlate(ctx, "allow", "ABC1234")
				if api == sim.API21 {
					must(t, errors.Join(modify, move, remove))
					has(t, cam, "]]>&<x> whiteList ]]> -", "G7 temporaryList  -", "A1 blackList Bob -")
					return
				}
				for what, err := range map[string]error{"ModifyPlate": modify, "MovePlate": move, "RemovePlate": remove} {
					says(t, err, what+" was not sent: this camera's VehiclePlate commands document no change and no removal of plates; use the camera's own page")
					if !errors.Is(err, client.ErrNotDocumented) {
						t.Errorf("%v is not ErrNotDocumented", err)
					}
				}
				err = c.AddPlate(ctx, client.Plate{Number: "ABC1234", Group: "allow", End: newYear.AddDate(1, 0, 0)})
				says(t, err, `plate "ABC1234" is on "whiteList" already with another owner or validity, and this camera documents no change; use its own page: AddVehiclePlate`+exists)
				says(t, c.AddPlate(ctx, client.Plate{Number: "T1", Group: "temporary"}),
					`the camera has no plate list "temporaryList"; it has "whiteList", "blackList", "strangerList"`)
				has(t, cam, full...)
			})
		}
	}
}

func TestVehiclePlateRequestsAreWrittenAsDocumented(t *testing.T) {
	ctx := t.Context()
	_, rec, c := device(t, sim.Options{API: sim.API20})
	errs, err := c.AddPlates(ctx, "allow", []client.Plate{
		{Number: "ABC1234", Owner: `A "B" & <C>`, Telephone: "555", Begin: newYear.AddDate(-1, 0, 0), End: newYear.Add(-time.Second)}, {Number: "]]><x>"}})
	must(t, err)
	each(t, errs, "", "")
	_, err = c.AllPlates(ctx)
	must(t, err)
	seen := 0
	last := map[string]string{}
	for _, s := range rec.all() {
		if strings.HasSuffix(s.path, "VehiclePlate") && s.auth != "" {
			last[s.path] = s.body
		}
	}
	for _, name := range []string{"AddVehiclePlate", "GetVehiclePlate"} {
		seen++
		file := filepath.Join("testdata", "requests", name+".xml")
		if *update {
			must(t, os.WriteFile(file, []byte(last["/"+name]), 0o644))
		}
		want, err := os.ReadFile(file)
		must(t, err)
		if last["/"+name] != string(want) {
			t.Errorf("%s differs (run with -update to accept):\n%s", file, last["/"+name])
		}
	}
}

// pages answers each read of plates with the next of some pages: of a list
// "allow" with id 2 alone, or of all when the camera is an old one.
func pages(t *testing.T, vehicle bool, list []string) (*recorder, *client.Client) {
	var n atomic.Int64
	rec, url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch command := strings.TrimPrefix(r.URL.Path, "/"); {
		case command == "GetLicensePlateGroups" && !vehicle:
			_, _ = io.WriteString(w, `<config><licensePlateGroups><item><groupId>2</groupId><groupName>whiteList</groupName></item></licensePlateGroups></config>`)
		case command == "GetLicensePlates" && !vehicle, command == "GetVehiclePlate" && vehicle:
			body, _ := io.ReadAll(r.Body)
			if strings.Contains(string(body), `<pageSize type="uint32">1</pageSize>`) {
				_, _ = io.WriteString(w, `<config errorCode="20"/>`) // what finds out the dialect
				return
			}
			i := int(n.Add(1))
			if i > len(list) {
				t.Errorf("page %d is asked for", i)
				w.WriteHeader(500)
				return
			}
			_, _ = io.WriteString(w, list[i-1])
		default:
			w.WriteHeader(400)
		}
	}))
	return rec, dial(t, client.Config{URL: url})
}

// page is an answer with plates from to to; total "" leaves it out.
func page(vehicle bool, total string, from, to int) string {
	element, number := "licensePlates", "licensePlateNumber"
	if vehicle {
		element, number = "vehiclePlates", "carPlateNumber"
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<config><%s type="list"`, element)
	if total != "" {
		fmt.Fprintf(&b, ` total="%s"`, total)
	}
	fmt.Fprintf(&b, ` count="%d">`, to-from)
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, `<item><%s>P%03d</%s><plateItemType>whiteList</plateItemType></item>`, number, i, number)
	}
	fmt.Fprintf(&b, "</%s></config>", element)
	return b.String()
}

func TestAListIsReadInFullOrNotAtAll(t *testing.T) {
	const none = `<config errorCode="20"/>`
	for _, vehicle := range []bool{false, true} {
		p := func(total string, from, to int) string { return page(vehicle, total, from, to) }
		name, command := "whiteList", "GetLicensePlates"
		if vehicle {
			name, command = "allList", "GetVehiclePlate"
		}
		changed := command + ": the camera's plate list changed while it was read: \"" + name + "\" "
		for _, tc := range []struct {
			name  string
			pages []string
			want  int
			err   string
		}{
			{"empty", []string{none}, 0, ""},
			{"empty in words", []string{p("0", 0, 0)}, 0, ""},
			{"one page", []string{p("3", 0, 3)}, 3, ""},
			{"three pages", []string{p("250", 0, 100), p("250", 100, 200), p("250", 200, 250)}, 250, ""},
			{"less at a time than asked for", []string{p("120", 0, 50), p("120", 50, 100), p("120", 100, 120)}, 120, ""},
			{"no total", []string{p("", 0, 100), p("", 100, 130), none}, 130, ""},
			{"no total, an empty page", []string{p("", 0, 3), p("", 3, 3)}, 3, ""},
			{"total is no number", []string{p("many", 0, 2), none}, 2, ""},
			{"shrinks, then stands", []string{p("130", 0, 100), p("129", 101, 130), p("129", 0, 100), p("129", 100, 129)}, 129, ""},
			{"shrinks and shrinks", []string{p("130", 0, 100), p("129", 101, 130), p("129", 0, 100), p("128", 101, 129)}, 0, changed + "had 129 plates and then 128"},
			{"ends early", []string{p("130", 0, 100), none, p("130", 0, 100), p("130", 0, 0)}, 0, changed + "ended after 100 of 130 plates"},
			{"empty with a total", []string{p("5", 0, 0), p("5", 0, 0)}, 0, changed + "ended after 0 of 5 plates"},
			{"a page twice", []string{p("200", 0, 100), p("200", 0, 100), p("200", 0, 100), p("200", 99, 199)}, 0, changed + `had plate "P099" on two pages`},
			{"more than told", []string{p("2", 0, 3), p("2", 0, 3)}, 0, changed + "had 2 plates and gave 3"},
			{"cut off", []string{strings.TrimSuffix(p("3", 0, 3), "</config>")}, 0, command + ": answer is not XML: it ends in the middle"},
			{"busy on page two", []string{p("130", 0, 100), `<config errorCode="7"/>`}, 0, command + ": the camera answered code 7 (busy)"},
		} {
			t.Run(command+" "+tc.name, func(t *testing.T) {
				_, c := pages(t, vehicle, tc.pages)
				plates, err := c.AllPlates(t.Context())
				if tc.err != "" {
					says(t, err, tc.err)
					if plates != nil {
						t.Errorf("%d plates came with the error", len(plates))
					}
					if errors.Is(err, client.ErrListChanged) != strings.HasPrefix(tc.err, changed) {
						t.Errorf("%v: ErrListChanged %v", err, errors.Is(err, client.ErrListChanged))
					}
					return
				}
				must(t, err)
				if len(plates) != tc.want {
					t.Fatalf("%d plates, want %d", len(plates), tc.want)
				}
				for i, q := range plates {
					if q.Number != fmt.Sprintf("P%03d", i) || q.Group != "whiteList" {
						t.Fatalf("plate %d is %+v", i, q)
					}
				}
			})
		}
	}
}

// A camera that gives fewer plates at a time may count its pages by what it was
// asked for or by what it gives: asked for that many, both come to the same.
func TestShortPagesOfAnOlderCameraLeaveNothingOut(t *testing.T) {
	rec, c := pages(t, true, []string{page(true, "", 0, 50), page(true, "", 50, 70), `<config errorCode="20"/>`})
	plates, err := c.AllPlates(t.Context())
	must(t, err)
	if len(plates) != 70 {
		t.Errorf("%d plates", len(plates))
	}
	var asked []string
	for _, s := range rec.all()[2:] {
		_, s, _ := strings.Cut(s.body, `<pageIndex type="uint32">`)
		index, s, _ := strings.Cut(s, `</pageIndex><pageSize type="uint32">`)
		size, _, _ := strings.Cut(s, "<")
		asked = append(asked, index+"×"+size)
	}
	if got := strings.Join(asked, " "); got != "0×100 1×50 2×50" {
		t.Errorf("asked for %s", got)
	}
	_, c = pages(t, true, []string{page(true, "", 0, 50), page(true, "", 50, 70), page(true, "", 70, 75), page(true, "", 0, 50), page(true, "", 50, 70), page(true, "", 70, 75)})
	_, err = c.AllPlates(t.Context())
	says(t, err, `GetVehiclePlate: the camera's plate list changed while it was read: "allList" went on after a page that was not full`)
}

func TestOlderCamerasMayWriteTheirListsDifferently(t *testing.T) {
	_, c := pages(t, true, []string{`<config><vehiclePlates type="list" maxCount="10000"><totalCount type="uint32">3</totalCount>
		<searchFilter><item><carPlateNum>X</carPlateNum></item></searchFilter>
		<item><carPlateNum type="string"><![CDATA[ A1 ]]></carPlateNum><listType>whiteList</listType><endTime>2027-01-01 00:00:00</endTime></item>
		<item><plateNumber>A2</plateNumber><vehicleListType>blackList</vehicleListType><endTime>2027/01/01 00:00:00</endTime></item>
		<item><carOwner>nobody's</carOwner></item></vehiclePlates></config>`})
	plates, err := c.AllPlates(t.Context())
	must(t, err)
	want := []client.Plate{{Number: "A1", Group: "whiteList", End: newYear}, {Number: "A2", Group: "blackList", End: newYear}}
	if !slices.Equal(plates, want) {
		t.Errorf("got  %+v\nwant %+v", plates, want)
	}
}

func TestEveryPlateOfABatchHasItsResult(t *testing.T) {
	ctx := t.Context()
	cam, rec, c := device(t, sim.Options{})
	for _, e := range []sim.ListEntry{{Number: "P050", Group: "blackList"}, {Number: "p 060", Group: "whiteList", Owner: "old"}, {Number: "P070", Group: "whiteList", Owner: "Ann", End: newYear}} {
		must(t, cam.Put(e))
	}
	var plates []client.Plate
	for i := range 250 {
		plates = append(plates, client.Plate{Number: fmt.Sprintf("P%03d", i)})
	}
	plates[3].Owner = "Eve"
	plates[60] = client.Plate{Number: "p 060", Owner: "new", Telephone: "555"}
	plates[70].Owner, plates[70].End = "Ann", newYear
	plates[80].Number = "P\n"
	plates[90].Number = " p089"
	plates[200].End = newYear
	errs, err := c.AddPlates(ctx, "allow", plates)
	must(t, err)
	for i, err := range errs {
		want := map[int]string{
			50: `plate "P050" is on the camera's list "blackList" already; take it off there first: AddLicensePlates: the camera answered code 203 (plate exists already)`,
			80: `plate "P\n" holds the character U+000A, which a camera cannot take`,
			90: `plate "p089" is given twice`,
		}[i]
		if got := fmt.Sprint(err); got != want && !(err == nil && want == "") {
			t.Errorf("plate %d: %v", i, err)
		}
	}
	details := map[string]string{}
	for _, p := range cam.Plates() {
		details[p.Number] = strings.Join([]string{p.Group, p.Owner, p.Telephone, p.End.UTC().Format("2006")}, " ")
	}
	for number, want := range map[string]string{
		"P003": "whiteList Eve  2037", "P050": "blackList   2037", "p 060": "whiteList new 555 2037", "P070": "whiteList Ann  2027", "P200": "whiteList   2027", "P249": "whiteList   2037",
	} {
		if details[number] != want {
			t.Errorf("%s is %q, want %q", number, details[number], want)
		}
	}
	if len(details) != 248 {
		t.Errorf("the camera has %d plates", len(details))
	}
	// 250 plates without the two that are not sent are three batches; two details
	// are set, one is changed, and the lists are read once for those that exist.
	count := map[string]int{}
	for _, s := range rec.all() {
		if s.auth != "" {
			count[s.path]++
		}
	}
	if count["/AddLicensePlates"] != 3 || count["/ModifyLicensePlate"] != 3 || count["/GetLicensePlates"] > 5 {
		t.Errorf("requests %v", count)
	}
}

func TestAPlateThatTheCameraDoesNotTakeStopsNoOther(t *testing.T) {
	for _, api := range []sim.API{sim.API21, sim.API20, sim.API19} {
		ctx := t.Context()
		var busy atomic.Bool
		cam := sim.NewCamera(sim.Options{API: api, Location: time.UTC})
		_, url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(strings.NewReader(string(b)))
			if strings.HasPrefix(r.URL.Path, "/Add") && strings.Contains(string(b), "BAD") {
				code := "16"
				if busy.Load() {
					code = "7"
				}
				_, _ = io.WriteString(w, refused(code).Body)
				return
			}
			cam.ServeHTTP(w, r)
		}))
		c := dial(t, client.Config{URL: url})
		errs, err := c.AddPlates(ctx, "allow", []client.Plate{{Number: "A1"}, {Number: "BAD"}, {Number: "A2"}})
		must(t, err)
		what := "AddVehiclePlate"
		if api == sim.API21 {
			what = "AddLicensePlates"
		}
		each(t, errs, "", what+": the camera answered code 16 (range error)", "")
		has(t, cam, "A1 whiteList  -", "A2 whiteList  -")
		// What says nothing of a plate stops the rest.
		busy.Store(true)
		errs, err = c.AddPlates(ctx, "allow", []client.Plate{{Number: "BAD"}, {Number: "A3"}})
		says(t, err, what+": the camera answered code 7 (busy)")
		each(t, errs, what+": the camera answered code 7 (busy)", what+": the camera answered code 7 (busy)")
	}
}

func TestAnOlderCameraThatStopsInTheMiddleOfABatch(t *testing.T) {
	cam, _, c := device(t, sim.Options{API: sim.API20, MaxPlates: 3})
	must(t, cam.Put(sim.ListEntry{Number: "A2", Group: "whiteList", Owner: "Ann"}))
	errs, err := c.AddPlates(t.Context(), "allow", []client.Plate{{Number: "A1"}, {Number: "A2", Owner: "Ann"}, {Number: "A3"}, {Number: "A4"}, {Number: "A1", Owner: "x"}})
	must(t, err)
	each(t, errs, "", "", "", "AddVehiclePlate: the camera answered code 202 (plate library full): \"Exceeding Maximum License Plate Library Limit\"", `plate "A1" is given twice`)
	has(t, cam, "A2 whiteList Ann -", "A1 whiteList  -", "A3 whiteList  -")
}

// faults are the commands of a virtual camera that fail.
type faults struct {
	mu sync.Mutex // covers by
	by map[string]sim.Fault
}

func (f *faults) set(command string, fault sim.Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.by[command] = fault
}

func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.by)
}

// faulty is a virtual camera whose commands fail as the test says at the time.
func faulty(t *testing.T) (cam *sim.Camera, c *client.Client, fail *faults) {
	fail = &faults{by: map[string]sim.Fault{}}
	cam, _, c = device(t, sim.Options{Fault: func(command string, _ *http.Request) sim.Fault {
		fail.mu.Lock()
		defer fail.mu.Unlock()
		return fail.by[command]
	}})
	return cam, c, fail
}

func TestAPlateWhoseEndIsNotSetAndThatCannotBeTakenOffIsNotForgotten(t *testing.T) {
	ctx := t.Context()
	cam, c, fail := faulty(t)
	gone := sim.Fault{Drop: true}
	fail.set("ModifyLicensePlate", gone)
	fail.set("DeleteLicensePlate", gone)
	guest := client.Plate{Number: "GUEST1", Group: "temporary", End: newYear}
	err := c.AddPlate(ctx, guest)
	says(t, err, `plate "GUEST1" may be on "temporaryList" for longer than it should: it was added, its validity could not be set (ModifyLicensePlate: EOF), and it could not be taken off again: DeleteLicensePlate: EOF`)
	var stuck *client.PlateStuckError
	if !errors.As(err, &stuck) || stuck.Number != "GUEST1" || stuck.Group != "temporaryList" {
		t.Errorf("%#v", err)
	}
	has(t, cam, "GUEST1 temporaryList  -")
	// The camera is back.
	fail.clear()
	must(t, c.AddPlate(ctx, guest))
	has(t, cam, "GUEST1 temporaryList  2027-01-01")

	// An answer to the addition that does not come: it may be there.
	fail.set("AddLicensePlates", gone)
	err = c.AddPlate(ctx, client.Plate{Number: "GUEST2", Group: "temporary", End: newYear})
	says(t, err, `plate "GUEST2" may be on "temporaryList" for longer than it should: it may have been added: AddLicensePlates: EOF`)
	says(t, c.AddPlate(ctx, client.Plate{Number: "GUEST3", Group: "temporary"}), "AddLicensePlates: EOF")
	says(t, c.AddPlate(ctx, client.Plate{Number: "BANNED", Group: "block", End: newYear}), "AddLicensePlates: EOF")
	fail.set("AddLicensePlates", refused("7"))
	says(t, c.AddPlate(ctx, client.Plate{Number: "GUEST4", Group: "temporary", End: newYear}), "AddLicensePlates: the camera answered code 7 (busy)")

	// A camera that is away is not waited for with every plate of a batch.
	fail.clear()
	fail.set("ModifyLicensePlate", gone)
	fail.set("DeleteLicensePlate", gone)
	before := cam.Stats().Requests
	errs, err := c.AddPlates(ctx, "allow", []client.Plate{{Number: "B1"}, {Number: "B2", End: newYear}, {Number: "B3", End: newYear}, {Number: "B4", Owner: "Ann"}})
	says(t, err, "DeleteLicensePlate: EOF")
	each(t, errs, "",
		`plate "B2" may be on "whiteList" for longer than it should: it was added, its validity could not be set (ModifyLicensePlate: EOF), and it could not be taken off again: DeleteLicensePlate: EOF`,
		`plate "B3" may be on "whiteList" for longer than it should: it was added, and then the camera did not answer any more: DeleteLicensePlate: EOF`,
		`plate "B4" is on "whiteList", but its details could not be set: DeleteLicensePlate: EOF`)
	if n := cam.Stats().Requests - before; n > 5 {
		t.Errorf("%d requests", n)
	}
}

func TestAnEndThatTheCameraRefusesTakesThePlateOff(t *testing.T) {
	ctx := t.Context()
	cam, c, fail := faulty(t)
	put := func(number, list string, end time.Time) {
		must(t, cam.Put(sim.ListEntry{Number: number, Group: list, End: end}))
	}
	put("STUCK", "temporaryList", time.Time{})                // from a try that broke off
	put("SOONER", "temporaryList", newYear.AddDate(-1, 0, 0)) // ends before anyway
	put("BANNED", "blackList", time.Time{})
	fail.set("ModifyLicensePlate", refused("16"))
	why := "ModifyLicensePlate: the camera answered code 16 (range error)"
	says(t, c.AddPlate(ctx, client.Plate{Number: "STUCK", Group: "temporary", End: newYear}),
		`plate "STUCK" was taken off "temporaryList", because its validity could not be set: `+why)
	says(t, c.AddPlate(ctx, client.Plate{Number: "SOONER", Group: "temporary", End: newYear}),
		`plate "SOONER" is on "temporaryList", but its details could not be set: `+why)
	says(t, c.AddPlate(ctx, client.Plate{Number: "BANNED", Group: "block", End: newYear}),
		`plate "BANNED" is on "blackList", but its details could not be set: `+why)
	has(t, cam, "SOONER temporaryList  2026-01-01", "BANNED blackList  -")

	put("STUCK", "temporaryList", time.Time{})
	fail.set("DeleteLicensePlate", sim.Fault{Drop: true})
	err := c.AddPlate(ctx, client.Plate{Number: "STUCK", Group: "temporary", End: newYear})
	says(t, err, `plate "STUCK" may be on "temporaryList" for longer than it should: its validity could not be set (`+why+`), and it could not be taken off: DeleteLicensePlate: EOF`)
	// What may be better next time is not decided by taking the plate off.
	fail.clear()
	fail.set("ModifyLicensePlate", refused("7"))
	err = c.AddPlate(ctx, client.Plate{Number: "STUCK", Group: "temporary", End: newYear})
	says(t, err, `plate "STUCK" may be on "temporaryList" for longer than it should: ModifyLicensePlate: the camera answered code 7 (busy)`)
	has(t, cam, "SOONER temporaryList  2026-01-01", "BANNED blackList  -", "STUCK temporaryList  -")
}

func TestAnUndoGoesOnWhenTheCallerHasGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cam, _, c := device(t, sim.Options{Fault: func(command string, _ *http.Request) sim.Fault {
		if command == "ModifyLicensePlate" {
			cancel()
			return refused("16")
		}
		return sim.Fault{}
	}})
	errs, err := c.AddPlates(ctx, "allow", []client.Plate{{Number: "A1", End: newYear}, {Number: "A2", End: newYear}})
	must(t, err)
	for i, err := range errs {
		if err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf(`plate "A%d" was not added to "whiteList", because its validity could not be set: ModifyLicensePlate: `, i+1)) {
			t.Errorf("plate %d: %v", i, err)
		}
	}
	has(t, cam)
	_, err = c.AddPlates(ctx, "allow", []client.Plate{{Number: "A1"}})
	says(t, err, "GetLicensePlateGroups: waiting for the camera: context canceled")
}

func TestAMovedPlateIsNeverOnBothLists(t *testing.T) {
	ctx := t.Context()
	guest := client.Plate{Number: "ABC1234", Owner: "Ann", End: newYear}
	moved := "ABC1234 whiteList Ann 2027-01-01"
	for stop := int64(1); ; stop++ {
		var n atomic.Int64
		var cam *sim.Camera
		var c *client.Client
		cam, _, c = device(t, sim.Options{Fault: func(command string, _ *http.Request) sim.Fault {
			if got := on(cam); strings.Count(got, "ABC1234") > 1 {
				t.Errorf("before %s it is on both: %s", command, got)
			}
			return sim.Fault{Drop: n.Add(1) == stop}
		}})
		must(t, cam.Put(sim.ListEntry{Number: "ABC1234", Group: "temporaryList", Owner: "Ann", End: newYear}))
		_ = c.MovePlate(ctx, "temporary", "allow", guest)
		if n.Load() < stop {
			has(t, cam, moved)
			if stop < 5 {
				t.Errorf("stopped %d times only", stop)
			}
			break
		}
		must(t, c.MovePlate(ctx, "temporary", "allow", guest))
		has(t, cam, moved)
		must(t, c.MovePlate(ctx, "temporary", "allow", guest))
		has(t, cam, moved)
	}
	cam, _, c := device(t, sim.Options{MaxPlates: 1})
	must(t, c.MovePlate(ctx, "temporary", "allow", client.Plate{Number: "NEW"}))
	has(t, cam, "NEW whiteList  -")
	says(t, c.MovePlate(ctx, "temporary", "temporaryList", client.Plate{Number: "NEW"}), `plate "NEW" cannot be moved from "temporaryList" to the same list`)
	says(t, c.MovePlate(ctx, "allow", "staff", client.Plate{Number: "NEW"}), `the camera has no plate list "staff"; it has "temporaryList", "whiteList", "blackList"`)
	says(t, c.MovePlate(ctx, "staff", "allow", client.Plate{Number: "NEW"}), `the camera has no plate list "staff"; it has "temporaryList", "whiteList", "blackList"`)
	says(t, c.MovePlate(ctx, "block", "temporary", client.Plate{Number: "NEW"}),
		`plate "NEW" was taken off "blackList", and then: plate "NEW" is on the camera's list "whiteList" already; take it off there first: AddLicensePlates: the camera answered code 203 (plate exists already)`)
	has(t, cam, "NEW whiteList  -")
}

func TestCaseAndBlanksDoNotHideAPlate(t *testing.T) {
	ctx := t.Context()
	cam, _, c := device(t, sim.Options{})
	for _, number := range []string{"abc 1234", "XY-1", "ABC1235", "abc1235"} {
		must(t, cam.Put(sim.ListEntry{Number: number, Group: "whiteList"}))
	}
	owner := "Ann"
	must(t, c.ModifyPlate(ctx, "allow", client.PlateChange{Number: "ABC1234", Owner: &owner}))
	has(t, cam, "abc 1234 whiteList Ann -", "XY-1 whiteList  -", "ABC1235 whiteList  -", "abc1235 whiteList  -")
	must(t, c.RemovePlate(ctx, "allow", "ABC1234"))
	// What is there as written is meant, and nothing else.
	must(t, c.RemovePlate(ctx, "allow", "abc1235"))
	must(t, c.RemovePlate(ctx, "allow", "XY1"))
	must(t, cam.Put(sim.ListEntry{Number: "ſ1", Group: "blackList"}))
	must(t, c.RemovePlate(ctx, "block", "S1"))
	must(t, c.RemovePlate(ctx, "block", "s 1"))
	if got := on(cam); !strings.Contains(got, "ſ1 ") {
		t.Errorf("another letter is taken for an S: %s", got)
	}
	must(t, c.RemovePlate(ctx, "block", "ſ\u00a01"))
	must(t, c.RemovePlate(ctx, "block", "XY-1"))
	has(t, cam, "XY-1 whiteList  -", "ABC1235 whiteList  -")
	err := c.ModifyPlate(ctx, "allow", client.PlateChange{Number: "XY1", Owner: &owner})
	says(t, err, `ModifyLicensePlate: the camera answered code 204 (plate not found): "License Plate Not Exist"`)
	if !errors.Is(err, client.ErrNotFound) {
		t.Errorf("%v is not ErrNotFound", err)
	}
	says(t, c.ModifyPlate(ctx, "allow", client.PlateChange{Number: " "}), "plate is empty")
	says(t, c.ModifyPlate(ctx, "allow", client.PlateChange{Number: "A", Begin: newYear, End: newYear}),
		"validity ends (2027-01-01T00:00:00Z) before it begins (2027-01-01T00:00:00Z)")
}

// A synchronization passes Background: each of its requests waits for all others.
func TestReadingAListLetsEverythingElseGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var order []string
		n := 0
		c, err := client.New(client.Config{URL: "http://cam", HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			body := page(false, "300", 0, 0)
			mu.Lock()
			switch order = append(order, strings.TrimPrefix(r.URL.Path, "/")); r.URL.Path {
			case "/GetLicensePlateGroups":
				body = `<config><licensePlateGroups><item><groupId>2</groupId><groupName>whiteList</groupName></item></licensePlateGroups></config>`
			case "/GetLicensePlates":
				body = page(false, "300", n*100, n*100+100)
				n++
			}
			mu.Unlock()
			time.Sleep(time.Second)
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}}, nil
		})}})
		must(t, err)
		var wg sync.WaitGroup
		wg.Go(func() {
			plates, err := c.AllPlates(client.WithPriority(t.Context(), client.Background))
			if err != nil || len(plates) != 300 {
				t.Errorf("%d plates, %v", len(plates), err)
			}
		})
		time.Sleep(1500 * time.Millisecond) // the first page is being read
		for range 2 {
			wg.Go(func() { _ = c.TriggerVirtualAlarm(t.Context(), 1) })
		}
		wg.Wait()
		want := "GetLicensePlateGroups GetLicensePlates TriggerVirtualAlarm/1 TriggerVirtualAlarm/1 GetLicensePlates GetLicensePlates"
		if got := strings.Join(order, " "); got != want {
			t.Errorf("order\n got %s\nwant %s", got, want)
		}
	})
}

func TestNothingIsAddedWhoseEndCannotBeSet(t *testing.T) {
	ctx := t.Context()
	cam, _, c := device(t, sim.Options{Fault: func(command string, _ *http.Request) sim.Fault {
		if command == "GetSupportedAPIs" {
			return sim.Fault{Status: 200, ContentType: "application/xml", Body: `<config><applicationInterfaces><item>AddLicensePlates</item><item>GetLicensePlates</item></applicationInterfaces></config>`}
		}
		return sim.Fault{}
	}})
	_, err := c.Capabilities(ctx)
	must(t, err)
	errs, err := c.AddPlates(ctx, "allow", []client.Plate{{Number: "A1", End: newYear}, {Number: "A2"}})
	must(t, err)
	each(t, errs, "ModifyLicensePlate was not sent: the device's own list of commands does not have it", "")
	has(t, cam, "A2 whiteList  -")
}

// If everything stops between a batch and the ends of its plates, few plates stay
// without.
func TestFewPlatesAreWithoutTheirEndAtATime(t *testing.T) {
	var cam *sim.Camera
	var c *client.Client
	var most atomic.Int64
	cam, _, c = device(t, sim.Options{Fault: func(string, *http.Request) sim.Fault {
		open := int64(0)
		for _, p := range cam.Plates() {
			if strings.HasPrefix(p.Number, "G") && p.End.Equal(noEnd) {
				open++
			}
		}
		most.Store(max(most.Load(), open))
		return sim.Fault{}
	}})
	var plates []client.Plate
	for i := range 150 {
		p := client.Plate{Number: fmt.Sprintf("P%03d", i)}
		if i >= 110 {
			p.Number, p.End = fmt.Sprintf("G%03d", i), newYear
		}
		plates = append(plates, p)
	}
	errs, err := c.AddPlates(t.Context(), "allow", plates)
	must(t, err)
	must(t, errors.Join(errs...))
	if n := most.Load(); n != 10 {
		t.Errorf("%d plates at a time were without their end", n)
	}
	if got := on(cam); strings.Count(got, "2027-01-01") != 40 || len(cam.Plates()) != 150 {
		t.Errorf("the camera has\n%s", got)
	}
}

func TestAnOlderCameraThatWasReplacedIsAskedAnew(t *testing.T) {
	ctx := t.Context()
	old := sim.NewCamera(sim.Options{API: sim.API20, Location: time.UTC})
	current := sim.NewCamera(sim.Options{Location: time.UTC})
	var replaced atomic.Bool
	_, url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if replaced.Load() {
			current.ServeHTTP(w, r)
			return
		}
		old.ServeHTTP(w, r)
	}))
	c := dial(t, client.Config{URL: url})
	_, err := c.Capabilities(ctx)
	must(t, err)
	must(t, c.AddPlate(ctx, client.Plate{Number: "A1", Group: "allow"}))
	replaced.Store(true)
	must(t, c.AddPlate(ctx, client.Plate{Number: "A2", Group: "allow"}))
	has(t, current, "A2 whiteList  -")
	replaced.Store(false)
	_, err = c.Capabilities(ctx)
	must(t, err)
	replaced.Store(true)
	plates, err := c.AllPlates(ctx)
	must(t, err)
	if len(plates) != 1 || plates[0].Number != "A2" {
		t.Errorf("read %+v", plates)
	}
}

// A camera that names only the plates it did not add: the others are looked for.
func TestPlatesWithoutAResultAreLookedFor(t *testing.T) {
	ctx := t.Context()
	cam := sim.NewCamera(sim.Options{Location: time.UTC})
	must(t, cam.Put(sim.ListEntry{Number: "A2", Group: "blackList"}))
	_, url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/AddLicensePlates" {
			cam.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		cam.ServeHTTP(answer, r)
		var failed strings.Builder
		for _, item := range strings.SplitAfter(answer.Body.String(), "</item>") {
			if strings.Contains(item, ">203<") {
				_, item, _ = strings.Cut(item, "<item>")
				failed.WriteString("<item>" + item)
			}
		}
		_, _ = io.WriteString(w, "<config><licensePlatesReply>"+failed.String()+"</licensePlatesReply></config>")
	}))
	c := dial(t, client.Config{URL: url})
	errs, err := c.AddPlates(ctx, "allow", []client.Plate{{Number: "A1", Owner: "Ann", End: newYear}, {Number: "A2"}, {Number: "A3"}})
	must(t, err)
	each(t, errs, "", `plate "A2" is on the camera's list "blackList" already; take it off there first: AddLicensePlates: the camera answered code 203 (plate exists already)`, "")
	has(t, cam, "A2 blackList  -", "A1 whiteList Ann 2027-01-01", "A3 whiteList  -")
}

func TestAPlateWithoutAResultThatIsNotThereIsAnError(t *testing.T) {
	for _, vehicle := range []bool{false, true} {
		_, url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/AddLicensePlates", "/AddVehiclePlate":
				_, _ = io.WriteString(w, `<config><licensePlatesReply><item><index>1</index><errorCode>0</errorCode></item></licensePlatesReply><vehiclePlatesReply><item><index>1</index><errorCode>0</errorCode></item></vehiclePlatesReply></config>`)
			case "/GetLicensePlateGroups":
				if vehicle {
					w.WriteHeader(400)
					return
				}
				_, _ = io.WriteString(w, `<config><licensePlateGroups><item><groupId>2</groupId><groupName>whiteList</groupName></item></licensePlateGroups></config>`)
			default:
				_, _ = io.WriteString(w, `<config errorCode="20"/>`)
			}
		}))
		errs, err := dial(t, client.Config{URL: url}).AddPlates(t.Context(), "allow", []client.Plate{{Number: "A1"}, {Number: "A2"}})
		must(t, err)
		what := "AddLicensePlates"
		if vehicle {
			what = "AddVehiclePlate"
		}
		each(t, errs, "", what+`: the camera gave no result for plate "A2"`)
	}
}
