package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/actions/plates"
	"github.com/sallyport/sallyport/engine/rulefile"
	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// platesWorld is a site with virtual cameras that have plate lists.
type platesWorld struct {
	*testing.T
	dir, site string
	cams      []*sim.Camera
	urls      []string
}

const residentsAndBanned = `lists:
  residents: [{plate: ABC1234, owner: Ann}, {plate: "0123", until: 2099-01-01}]
  banned: [BAD0001]
`

// newPlatesWorld writes a site with cameras front, back, … whose lists are in rules.
func newPlatesWorld(t *testing.T, rules string, options ...sim.Options) *platesWorld {
	t.Helper()
	w := &platesWorld{T: t, dir: t.TempDir()}
	site := "location: {timezone: UTC}\nlisten: {console: \"127.0.0.1:1\"}\nplates: {lists: {residents: allow, banned: block}}\ncameras:\n"
	for i, o := range options {
		o.Location = time.UTC
		cam := sim.NewCamera(o)
		server := httptest.NewServer(cam)
		t.Cleanup(server.Close)
		w.cams, w.urls = append(w.cams, cam), append(w.urls, server.URL)
		site += fmt.Sprintf("  %s: {match: {ip: 192.168.1.%d}, url: %q, username: admin, password: {env: PW}}\n", camName(i), i+1, server.URL)
	}
	w.site = filepath.Join(w.dir, "sallyport.yaml")
	w.write("sallyport.yaml", site)
	w.write("rules.d/lists.yaml", rules)
	return w
}

// camName is the name of the camera with a number.
func camName(i int) string {
	if names := []string{"front", "back", "side"}; i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("cam%d", i)
}

func (w *platesWorld) write(name, text string) {
	w.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.Fatal(err)
	}
}

// run runs `sallyport plates …` and gives what it says, with the folder and the
// addresses of the cameras made equal on every machine.
func (w *platesWorld) run(args ...string) (code int, stdout, stderr string) {
	w.Helper()
	var out, errs strings.Builder
	p := process{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, getenv: func(name string) string {
		return map[string]string{"PW": "secret"}[name]
	}}
	code = run(w.Context(), append([]string{"plates", args[0], "-c", w.site}, args[1:]...), p)
	clean := func(s string) string {
		s = strings.ReplaceAll(s, w.dir, "DIR")
		for i, u := range w.urls {
			s = strings.ReplaceAll(s, u, "http://"+camName(i))
		}
		return s
	}
	return code, clean(out.String()), clean(errs.String())
}

// expect runs a command and compares everything that it says.
func (w *platesWorld) expect(args []string, code int, stdout, stderr string) {
	w.Helper()
	gotCode, gotOut, gotErr := w.run(args...)
	if gotCode != code || gotOut != stdout || gotErr != stderr {
		w.Errorf("plates %s: code %d, want %d\n--- stdout\n%s--- want\n%s--- stderr\n%s--- want\n%s", strings.Join(args, " "), gotCode, code, gotOut, stdout, gotErr, stderr)
	}
}

// on tells the plates of a camera, in their order of being added.
func (w *platesWorld) on(i int) string {
	var out []string
	for _, e := range w.cams[i].Plates() {
		out = append(out, e.Number+" "+plates.ListWord(e.Group))
	}
	return strings.Join(out, ", ")
}

func (w *platesWorld) put(i int, entries ...sim.ListEntry) {
	w.Helper()
	for _, e := range entries {
		if err := w.cams[i].Put(e); err != nil {
			w.Fatal(err)
		}
	}
}

func TestPlatesSync(t *testing.T) {
	w := newPlatesWorld(t, residentsAndBanned, sim.Options{Username: "admin", Password: "secret"}, sim.Options{Username: "admin", Password: "secret", Auth: sim.Digest})
	w.put(0, sim.ListEntry{Number: "OLD0001", Group: "whiteList", Begin: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}, sim.ListEntry{Number: "BAD0001", Group: "whiteList"})
	plan := `front: 2 to add, 1 to move, 1 only on the camera, kept (--prune takes them off)
  · OLD0001  allow: only on the camera
  > BAD0001  allow to block
  + 0123  allow
  + ABC1234  allow: owner "Ann"
back: 3 to add
  + BAD0001  block
  + 0123  allow
  + ABC1234  allow: owner "Ann"
`
	w.expect([]string{"sync", "--dry-run"}, exitOK, plan, "")
	if got := w.on(0) + "; " + w.on(1); got != "OLD0001 allow, BAD0001 allow; " {
		t.Errorf("a dry run changed something: %s", got)
	}
	w.expect([]string{"sync"}, exitOK, plan+"front: done: 2 added, 0 changed, 1 moved, 0 removed\nback: done: 3 added, 0 changed, 0 moved, 0 removed\n", "")
	if got := w.on(0) + "; " + w.on(1); got != "OLD0001 allow, BAD0001 block, 0123 allow, ABC1234 allow; BAD0001 block, 0123 allow, ABC1234 allow" {
		t.Errorf("it has %s", got)
	}
	w.expect([]string{"sync", "--camera", "back"}, exitOK, "back: 3 as they are\n", "")
	w.expect([]string{"sync", "--camera", "front", "--prune", "--json"}, exitOK,
		`{"type":"step","camera":"front","op":"remove","plate":"OLD0001","list":"allow","from":"2026-01-01T00:00:00Z","until":"2037-12-30T10:59:59Z","text":"on no local list"}
{"type":"plan","camera":"front","add":0,"change":0,"move":0,"remove":1,"same":3,"failed":0,"left":1}
{"type":"result","camera":"front","add":0,"change":0,"move":0,"remove":1,"same":3,"failed":0,"left":0}
`, "")
}

// TestPlatesSyncRefuses: half a list, a lost list and a contradiction take nobody off.
func TestPlatesSyncRefuses(t *testing.T) {
	old := sim.ListEntry{Number: "OLD0001", Group: "whiteList"}
	t.Run("rules that do not load", func(t *testing.T) {
		w := newPlatesWorld(t, "lists: {residents: [X]}\n", sim.Options{})
		w.put(0, old)
		w.expect([]string{"sync", "--prune", "--allow-empty"}, exitError, "", `DIR/rules.d/lists.yaml:1:21: list "residents": plate: a plate has at least 2 characters, not "X"
  lists: {residents: [X]}
                      ^
sallyport: plates: the rules do not load: nothing is synchronized
`)
	})
	t.Run("rows that are left out", func(t *testing.T) {
		w := newPlatesWorld(t, "lists: {residents: {file: residents.csv}}\n", sim.Options{})
		w.write("rules.d/residents.csv", "plate,owner\nABC1234,Ann\nX,Bob\n")
		w.put(0, old)
		row := "DIR/rules.d/residents.csv:3:1: warning: this row is left out: plate: a plate has at least 2 characters, not \"X\"\n  X,Bob\n  ^\n"
		w.expect([]string{"sync", "--prune"}, exitError, "", row+"sallyport: plates: 1 row of the list files cannot be used; with --prune their plates would be taken off the cameras: nothing is synchronized\n")
	})
	t.Run("an empty list", func(t *testing.T) {
		w := newPlatesWorld(t, "lists: {residents: [ABC1234], banned: []}\n", sim.Options{})
		w.put(0, sim.ListEntry{Number: "BAD0001", Group: "blackList"}, old)
		w.expect([]string{"sync", "--prune"}, exitError, `front: 1 to add, 1 to remove, 1 list left alone
  ! block: the local list "banned" is empty, but the camera has 1 plate there: nothing is done with that list; if it is meant, say --allow-empty, and --prune to take the plates off
  - OLD0001  allow: on no local list
  + ABC1234  allow
front: done: 1 added, 0 changed, 0 moved, 1 removed
`, "")
		w.expect([]string{"sync", "--prune", "--allow-empty"}, exitOK, "front: 1 to remove, 1 as they are\n  - BAD0001  block: on no local list\nfront: done: 0 added, 0 changed, 0 moved, 1 removed\n", "")
	})
	t.Run("a contradiction", func(t *testing.T) {
		w := newPlatesWorld(t, "lists: {residents: [ABC1234, DEF5678], banned: [abc-1234]}\n", sim.Options{})
		w.expect([]string{"sync"}, exitError, `front: 1 to add, 1 in conflict
  ! ABC1234  stands on the local lists "residents" (allow) and "banned" (block): nothing is done
  + DEF5678  allow
front: done: 1 added, 0 changed, 0 moved, 0 removed
`, "")
	})
	t.Run("no mapping", func(t *testing.T) {
		w := newPlatesWorld(t, residentsAndBanned, sim.Options{})
		text, err := os.ReadFile(w.site)
		if err != nil {
			t.Fatal(err)
		}
		w.write("sallyport.yaml", strings.Replace(string(text), "plates: {lists: {residents: allow, banned: block}}\n", "", 1))
		w.expect([]string{"sync"}, exitError, "", `sallyport: camera "front": no local list belongs on a list of the camera; say in the site file which do, with one of temporary, allow, block for each: plates: {lists: {residents: …, banned: …}}
`)
	})
}

// TestPlatesSyncSays what is wrong with one camera, and goes on with the others.
func TestPlatesSyncSays(t *testing.T) {
	w := newPlatesWorld(t, residentsAndBanned, sim.Options{Username: "admin", Password: "other"}, sim.Options{}, sim.Options{API: sim.API20})
	text, err := os.ReadFile(w.site)
	if err != nil {
		t.Fatal(err)
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	w.write("sallyport.yaml", string(text)+fmt.Sprintf(`  silent: {match: {ip: 192.168.0.9}}
  none: {match: {ip: 192.168.0.8}, url: "http://192.168.0.8", lists: none}
  again: {match: {ip: 192.168.0.10}, url: %q, username: admin, password: {env: PW}}
  nopassword: {match: {ip: 192.168.0.7}, url: "http://192.168.0.7", username: admin, password: {env: NOPE}}
`, w.urls[1]))
	w.put(2, sim.ListEntry{Number: "BAD0001", Group: "whiteList"})
	w.expect([]string{"sync"}, exitError, `silent: skipped, it has no url in the site file
none: skipped, the site file says lists: none
back (the same device as again): 3 to add
  + BAD0001  block
  + 0123  allow
  + ABC1234  allow: owner "Ann"
side: 2 to add, 1 to move
  > BAD0001  allow to block
  + 0123  allow
  + ABC1234  allow: owner "Ann"
back: done: 3 added, 0 changed, 0 moved, 0 removed
side: done: 2 added, 0 changed, 0 moved, 0 removed; 1 refused
  ! move BAD0001 on block: MovePlate was not sent: this camera's VehiclePlate commands document no change and no removal of plates; use the camera's own page
`, `sallyport: camera "front": GetLicensePlateGroups: the camera answered code 9 (unauthorized); correct its username and password: it is not tried again now, because a few wrong ones lock the account
sallyport: camera "nopassword": password: the environment variable NOPE is not set
`)
	w.expect([]string{"sync", "--camera", "none"}, exitError, "", "sallyport: plates: the site file says lists: none for camera \"none\"\n")
	w.write("sallyport.yaml", fmt.Sprintf("location: {timezone: UTC}\nlisten: {console: \"127.0.0.1:1\"}\nplates: {lists: {residents: allow}}\ncameras: {gone: {match: {ip: 192.168.0.1}, url: %q}}\n", gone.URL))
	code, out, errs := w.run("sync")
	if want := regexp.MustCompile(`^sallyport: camera "gone" does not answer: GetLicensePlateGroups: .*connection refused\n$`); code != exitUnreachable || out != "" || !want.MatchString(errs) {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	w.write("sallyport.yaml", fmt.Sprintf("plates: {lists: {residents: allow}}\ncameras: {a: {match: {ip: 192.168.0.1}, url: %[1]q}, b: {match: {ip: 192.168.0.2}, url: %[1]q, lists: {banned: block}}}\n", w.urls[1]))
	w.expect([]string{"sync"}, exitError, "", "sallyport: camera \"a\": \"a\" and \"b\" are one device (http://back) with different lists in the site file\n")
	w.expect([]string{"sync", "--camera", "b"}, exitError, "", "sallyport: camera \"b\": \"b\" and \"a\" are one device (http://back) with different lists in the site file\n")
	w.expect([]string{"sync", "--camera", "c"}, exitError, "", "sallyport: plates: the site file has no camera \"c\" (it has a, b)\n")
	w.expect([]string{"sync", "all"}, exitUsage, "", "sallyport plates sync: takes no argument, got \"all\"\n")
}

// TestPlatesByHand edits and lists.
func TestPlatesByHand(t *testing.T) {
	w := newPlatesWorld(t, residentsAndBanned, sim.Options{}, sim.Options{})
	w.expect([]string{"add", "ABC1234", "--list", "allow", "--owner", "Ann"}, exitOK, "front: ABC1234 is on allow\nback: ABC1234 is on allow\n", "")
	w.expect([]string{"add", "VIS0001", "--list", "temporary", "--camera", "front", "--until", "2099-01-31", "--phone", "555"}, exitOK,
		"front: VIS0001 is on temporary until 2099-01-31 23:59:59\n", "")
	w.expect([]string{"add", "NEW0001", "--list", "allow", "--camera", "front"}, exitOK,
		"front: NEW0001 is on allow\n", "front: warning: no local list for the camera has it; a sync with --prune takes it off\n")
	w.expect([]string{"add", "BAD0001", "--list", "allow", "--camera", "back"}, exitOK,
		"back: BAD0001 is on allow\n", "back: warning: the next sync moves it to block, where a local list has it\n")
	w.expect([]string{"add", "abc-1234", "--list", "block", "--camera", "back"}, exitOK,
		"back: abc-1234 is on block\n", "back: warning: the next sync will show a conflict: the camera spells it \"abc-1234\" (on block); write both the same\n")
	w.expect([]string{"add", "ABC1234", "--list", "block", "--camera", "back"}, exitError, "",
		"sallyport: camera \"back\": plate \"ABC1234\" is on the camera's list \"whiteList\" already; take it off there first: AddLicensePlates: the camera answered code 203 (plate exists already)\n")
	w.expect([]string{"remove", "ABC1234", "--list", "allow"}, exitOK, "front: ABC1234 taken off allow\nback: ABC1234 taken off allow\n",
		"front: warning: the next sync puts it on allow again, where a local list has it\nback: warning: the next sync puts it on allow again, where a local list has it\n")
	w.expect([]string{"remove", "abc1234"}, exitOK, "front: abc1234 was on no list\nback: abc1234 taken off block as \"abc-1234\"\n",
		"front: warning: the next sync puts it on allow again, where a local list has it\nback: warning: the next sync puts it on allow again, where a local list has it\n")
	w.expect([]string{"remove", "BAD0001", "--list", "block", "--camera", "back"}, exitOK, "back: BAD0001 was not on block\n",
		"back: warning: the next sync puts it on block again, where a local list has it\n")
	if got := w.on(0) + "; " + w.on(1); got != "VIS0001 temporary, NEW0001 allow; BAD0001 allow" {
		t.Errorf("it has %s", got)
	}
	begin := w.cams[0].Plates()[0].Begin.Format(time.DateTime)
	begin1 := w.cams[0].Plates()[1].Begin.Format(time.DateTime)
	w.expect([]string{"list", "--camera", "front"}, exitOK, `front: 2 plates
  NUMBER   LIST       OWNER  FROM                 UNTIL
  VIS0001  temporary         `+begin+`  2099-01-31 23:59:59
  NEW0001  allow             `+begin1+`  2037-12-30 10:59:59
`, "")
	w.expect([]string{"list", "--list", "block"}, exitOK, "front: 0 plates\nback: 0 plates\n", "")
	code, out, _ := w.run("list", "--json", "--list", "temporary")
	var got plateJSON
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitOK || got.Camera != "front" || got.List != "temporary" || got.Group != "temporaryList" || got.Phone != "555" || got.Until != "2099-01-31T23:59:59Z" {
		t.Errorf("code %d, %v: %s", code, err, out)
	}
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"add"}, "sallyport plates add: want one plate; one with blanks needs quotes\n"},
		{[]string{"add", "ABC1234"}, "sallyport plates add: say on which list with --list: allow, block, temporary, or the camera's own name\n"},
		{[]string{"add", "ABC1234", "--list", "allow", "--valid", "1h", "--until", "2099-01-01"}, "sallyport plates add: --valid and --until say the same; leave one out\n"},
		{[]string{"add", "ABC1234", "--list", "allow", "--valid", "soon"}, "sallyport plates add: --valid takes 24h or 7d, not \"soon\"\n"},
		{[]string{"add", "ABC1234", "--list", "allow", "--until", "soon"}, "sallyport plates add: --until takes 2027-01-31 or \"2027-01-31 18:00\", not \"soon\"\n"},
		{[]string{"add", "ABC1234", "--list", "allow", "--until", "2020-01-01"}, "sallyport plates add: --until 2020-01-01 has passed\n"},
		{[]string{"remove"}, "sallyport plates remove: want one plate; one with blanks needs quotes\n"},
		{[]string{"import"}, "sallyport plates import: say of which camera with --camera NAME\n"},
		{[]string{"dance"}, "sallyport plates: want list, add, remove, sync or import first, got \"dance\"\n"},
	} {
		w.expect(tc.args, exitUsage, "", tc.want)
	}
}

// TestPlatesImport: what comes from a camera is read back exactly by the rules.
func TestPlatesImport(t *testing.T) {
	w := newPlatesWorld(t, residentsAndBanned, sim.Options{})
	w.expect([]string{"import", "--camera", "front"}, exitError, "", "sallyport: plates: the camera's lists are empty\n")
	w.put(0, sim.ListEntry{Number: "=1+1", Group: "whiteList", Owner: `=HYPERLINK("http://x";"y"), "Ann"`},
		sim.ListEntry{Number: "#ABC 1", Group: "whiteList", Owner: "# Bob", End: time.Date(2099, 1, 31, 23, 59, 59, 0, time.UTC)},
		sim.ListEntry{Number: "ABC1234", Group: "whiteList", End: time.Date(2030, 1, 31, 23, 59, 59, 0, time.UTC)},
		sim.ListEntry{Number: "DEF5678", Group: "whiteList", Begin: time.Date(2030, 1, 31, 18, 0, 0, 0, time.UTC), End: time.Date(2031, 1, 31, 17, 59, 59, 0, time.UTC)},
		sim.ListEntry{Number: "X", Group: "whiteList"})
	csv := `plate,owner,from,until
"=1+1","=HYPERLINK(""http://x"";""y""), ""Ann""","",""
"#ABC 1","# Bob","",""
"ABC1234","","","2030-01-31"
"DEF5678","","2030-01-31 18:00:00","2031-01-31 18:00:00"
`
	hint := "front: 4 plates of the list allow. Saved as rules.d/plates/NAME.csv it is a local list with this in a rule file:\n  lists: {NAME: {file: plates/NAME.csv}}\nand with this in the site file a sync keeps it on the camera:\n  plates: {lists: {NAME: allow}}\n"
	left := "front: left out: plate \"X\"; a list file takes 2 to 32 characters\n"
	w.expect([]string{"import", "--camera", "front"}, exitOK, csv, left+hint)
	w.put(0, sim.ListEntry{Number: "BAD0001", Group: "blackList"})
	w.expect([]string{"import", "--camera", "front"}, exitError, "", "sallyport: plates: say which list with --list: allow (5 plates), block (1 plate)\n")
	w.expect([]string{"import", "--camera", "front", "--list", "allow"}, exitOK, csv, left+hint)

	w.write("rules.d/lists.yaml", "lists: {residents: {file: residents.csv}, banned: [BAD0001]}\n")
	w.write("rules.d/residents.csv", csv)
	w.expect([]string{"sync", "--prune"}, exitOK, "front: 1 to remove, 5 as they are\n  - X  allow: on no local list\nfront: done: 0 added, 0 changed, 0 moved, 1 removed\n", "")
}

// FuzzImport: whatever a camera's texts are, the rules read them as they are.
func FuzzImport(f *testing.F) {
	f.Add("ABC1234", "Ann")
	f.Add("#A \"B\"", "=cmd|' /C calc'!A0")
	f.Add("plate", "a,b;c\n\"d")
	f.Add("\ufeffAB", " \u00a0x")
	f.Fuzz(func(t *testing.T, number, owner string) {
		text, n, _ := importCSV([]client.Plate{{Number: number, Owner: owner}, {Number: "LAST1"}}, time.Now(), time.UTC)
		set, problems := rulefile.LoadFiles([]rulefile.File{
			{Name: "a.yaml", Data: []byte("lists: {x: {file: x.csv}}\n")}, {Name: "x.csv", Data: text},
		}, "rules.d", openSite())
		if set == nil {
			t.Fatal(problems)
		}
		entries := set.Lists[0].Entries()
		if len(entries) != n || entries[n-1].Plate != "LAST1" {
			t.Fatalf("%q: %d entries of %d: %v", text, len(entries), n, problems)
		}
		if n == 2 {
			if got := entries[0]; got.Plate != strings.TrimSpace(number) || got.Owner != strings.TrimSpace(owner) && got.Owner != "" {
				t.Errorf("%q %q is read as %q %q", number, owner, got.Plate, got.Owner)
			}
		}
	})
}

// TestWaitingEdits: edits that the running program has for a camera are told.
func TestWaitingEdits(t *testing.T) {
	w := newPlatesWorld(t, residentsAndBanned, sim.Options{})
	console := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/outbox" {
			http.NotFound(rw, r)
			return
		}
		fmt.Fprint(rw, `{"items":[{"to":"camera front"},{"to":"camera front"},{"to":"camera other"},{"to":"host x"}]}`)
	}))
	defer console.Close()
	text, err := os.ReadFile(w.site)
	if err != nil {
		t.Fatal(err)
	}
	w.write("sallyport.yaml", strings.Replace(string(text), "127.0.0.1:1", strings.TrimPrefix(console.URL, "http://"), 1))
	if code, _, errs := w.run("sync", "--dry-run"); code != exitOK || errs != "front: 2 edits by rules still wait for this camera; the running program makes them too\n" {
		t.Errorf("code %d: %s", code, errs)
	}
}

// TestPlatesOverview: every part says how it is used.
func TestPlatesOverview(t *testing.T) {
	code, _, errs := runCommand(t, "plates", "-h")
	for _, part := range platesParts() {
		if want := "usage: sallyport plates " + part.name + " " + part.args + "\n" + part.short + "\n"; code != exitOK || !strings.Contains(errs, want) {
			t.Errorf("code %d: %s", code, errs)
		}
	}
}

// TestPlatesProgress: a terminal gets one line that is written over, ten times a second at most.
func TestPlatesProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		pr := newProgress(&b)
		pr.set("front", 1, 20)
		pr.end()
		if b.Len() > 0 {
			t.Errorf("a pipe gets %q", b.String())
		}
		pr.w = &b
		pr.set("front", 1, 20)
		pr.set("front", 2, 20)
		time.Sleep(100 * time.Millisecond)
		pr.set("back", 3, 20)
		pr.end()
		if got, want := b.String(), "\rfront 1/20  \rfront 2/20  back 3/20  \r                       \r"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
