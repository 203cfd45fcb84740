package rulefile

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestReadLists(t *testing.T) {
	lists, ok := ReadLists([]byte(`# people
lists:
  residents:
    - ABC1234 # Ann
    - {plate: "XY-12", owner: Bob, until: 2027-01-31, note: the nephew, colour: red}
    - [no]
    - {owner: nobody}
  staff: {file: plates/staff.csv}
  none: []
  strange: 7
rules: []
`))
	want := []ListText{
		{Name: "residents", Line: 3, Entries: []ListEntry{{Plate: "ABC1234"}, {Plate: "XY-12", Owner: "Bob", Until: "2027-01-31", Note: "the nephew"}}},
		{Name: "staff", Line: 8, File: "plates/staff.csv"},
		{Name: "none", Line: 9},
		{Name: "strange", Line: 10},
	}
	if !ok || !reflect.DeepEqual(lists, want) {
		t.Errorf("%v\n got %+v\nwant %+v", ok, lists, want)
	}
	if lists, ok := ReadLists([]byte("rules: []\n")); !ok || lists != nil {
		t.Error(lists, ok)
	}
	if _, ok := ReadLists([]byte("a: [\n")); ok {
		t.Error("half a file was read")
	}
}

func TestEntriesThatCanBeUsed(t *testing.T) {
	for _, tt := range []struct {
		e    ListEntry
		want string
	}{
		{ListEntry{Plate: "ABC 1234", Owner: "Ann", From: "2027-01-01", Until: "2027-01-31 18:00", Schedule: "office", Note: "=1"}, ""},
		{ListEntry{Plate: "A"}, `plate: a plate has at least 2 characters, not "A"`},
		{ListEntry{Plate: "ABC1234", Until: "tomorrow"}, `until: "tomorrow" is not a day or a time (try 2027-01-31 or "2027-01-31 18:00")`},
		{ListEntry{Plate: "ABC1234", From: "2027-01-02", Until: "2027-01-01"}, "until is before from"},
		{ListEntry{Plate: "ABC1234", From: "2027-01-02", Until: "2027-01-02"}, ""},
		{ListEntry{Plate: "ABC1234", Schedule: "offise"}, `schedule: there is no schedule "offise" (did you mean office?)`},
		{ListEntry{Plate: "ABC1234", Owner: "a\nb"}, "owner has characters that cannot be written"},
		{ListEntry{Plate: "ABC1234", Note: strings.Repeat("x", maxValue+1)}, "note: at most 256 characters"},
	} {
		got := ""
		if err := tt.e.Check(time.UTC, []string{"office"}); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.e, got, tt.want)
		}
	}
	from, until, err := ListEntry{From: "2027-01-02", Until: "2027-01-03"}.Period(time.UTC)
	if err != nil || !from.Equal(time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)) || !until.Equal(time.Date(2027, 1, 4, 0, 0, 0, 0, time.UTC)) {
		t.Error(from, until, err)
	}
}

const staff = "\ufeff# our people\r\nplate ,Owner,until\r\n\r\n\"ABC 1234\", \"Ann, the boss\",2027-01-31\r\n# Bob's\r\nXY-12,Bob\r\nA \"bad\" row,\r\nXY-13,a,b,c,d\r\nXY 14\r\nXY14,twice"

func TestReadListFile(t *testing.T) {
	got, err := ReadListFile([]byte(staff))
	want := []ListEntry{{Plate: "ABC 1234", Owner: "Ann, the boss", Until: "2027-01-31"}, {Plate: "XY-12", Owner: "Bob"}, {Plate: "XY 14"}, {Plate: "XY14", Owner: "twice"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
	}
	for _, text := range []string{"", "owner\nAnn\n", "# only this\n"} {
		if _, err := ReadListFile([]byte(text)); err != errNoColumns { //nolint:errorlint // it is a constant
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestEditListFile(t *testing.T) {
	for _, tt := range []struct {
		what, text string
		e          ListEntry
		want       string
	}{
		{"a new one", staff, ListEntry{Plate: "NEW 1", Owner: `Eve "E", #1`}, staff + "\r\nNEW 1,\"Eve \"\"E\"\", #1\"\r\n"},
		{"a change", staff, ListEntry{Plate: "abc1234", Owner: "Ann, the boss", Until: "2028-01-31"}, strings.Replace(staff, "2027-01-31", "2028-01-31", 1)},
		{"a field less", staff, ListEntry{Plate: "abc1234", Owner: "Ann"}, strings.Replace(staff, ` "Ann, the boss",2027-01-31`, "Ann,", 1)},
		{"a field more", staff, ListEntry{Plate: "XY12", Owner: "Bob", Until: "2027-01-31"}, strings.Replace(staff, "XY-12,Bob", "XY-12,Bob,2027-01-31", 1)},
		{"a column more", staff, ListEntry{Plate: "XY12", Owner: "Bob", Note: "n"}, strings.Replace(strings.Replace(staff, "Owner,until", "Owner,until,note", 1), "XY-12,Bob", "XY-12,Bob,,n", 1)},
		{"as it is", staff, ListEntry{Plate: "XY12", Owner: "Bob"}, staff},
		{"semicolons", "plate;owner\nA1;Ann\n", ListEntry{Plate: "A2", Owner: "x;y, z"}, "plate;owner\nA1;Ann\nA2;\"x;y, z\"\n"},
		{"a text over lines", "plate,owner\nA1,Ann\n", ListEntry{Plate: "A2", Owner: "x\nEVIL"}, "plate,owner\nA1,Ann\nA2,\"x\nEVIL\"\n"},
		{"only the columns", "plate", ListEntry{Plate: "A2"}, "plate\nA2\n"},
	} {
		got, err := EditListFile([]byte(tt.text), tt.e)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: %v\n got %q\nwant %q", tt.what, err, got, tt.want)
		}
	}
	for plate, want := range map[string]string{
		"XY14": `the plate "XY14" is in this list 2 times; edit the file`,
		" .":   "the plate is missing",
	} {
		if _, err := EditListFile([]byte(staff), ListEntry{Plate: plate}); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", plate, err, want)
		}
	}
}

func TestRemoveListFileEntry(t *testing.T) {
	for plate, want := range map[string]string{
		"abc1234": strings.Replace(staff, "\"ABC 1234\", \"Ann, the boss\",2027-01-31\r\n", "", 1),
		"XY14":    strings.Replace(staff, "XY 14\r\nXY14,twice", "", 1),
	} {
		if got, err := RemoveListFileEntry([]byte(staff), plate); err != nil || string(got) != want {
			t.Errorf("%s: %v\n got %q\nwant %q", plate, err, got, want)
		}
	}
	if _, err := RemoveListFileEntry([]byte(staff), "NONE"); !errors.Is(err, ErrNotThere) {
		t.Error(err)
	}
}

// FuzzEditListFile: what is written can be read again, nothing else is lost, and taking it away gives what was there.
func FuzzEditListFile(f *testing.F) {
	f.Add([]byte(staff), "NEW 1", "Ann", "2027-01-31")
	f.Add([]byte(staff), "XY12", "a \"quoted\" one", "")
	f.Add([]byte("plate;owner\n\"a\nb\";c\n"), "A1", "#x", "")
	f.Add([]byte("owner,plate\r\n"), "\"A", ",", " ")
	f.Fuzz(func(t *testing.T, data []byte, plate, owner, until string) {
		l := ListEntry{Plate: strings.TrimSpace(plate), Owner: strings.TrimSpace(owner), Until: strings.TrimSpace(until)}
		if l.Check(time.UTC, nil) != nil {
			return
		}
		before, err := ReadListFile(data)
		if err != nil {
			return
		}
		text, err := EditListFile(data, l)
		if err != nil {
			return
		}
		after, err := ReadListFile(text)
		if err != nil {
			t.Fatalf("%q became %q: %v", data, text, err)
		}
		want := slices.Clone(before)
		found := false
		for i := range want {
			if same := (&listFile{rows: []listRow{{entry: want[i]}}}).of(l.Plate); len(same) == 1 {
				want[i], found = l, true
				want[i].Plate = before[i].Plate
			}
		}
		if !found {
			want = append(want, l)
		}
		if !reflect.DeepEqual(after, want) {
			t.Fatalf("%q became %q\n got %+v\nwant %+v", data, text, after, want)
		}
	})
}
