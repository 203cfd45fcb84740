package config

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine/schedule"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Every file in testdata/*.bad.yaml holds one mistake and has its messages beside it.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/*.bad.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(strings.TrimSuffix(name, ".bad.yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, problems := Parse(name, data)
			var b strings.Builder
			for _, p := range problems {
				b.WriteString(p.Detail() + "\n")
			}
			got := b.String()
			if len(problems) == 0 {
				t.Error("no problem was found")
			}
			if Failed(problems) == strings.HasPrefix(name, "warning-") {
				t.Errorf("Failed says %v", Failed(problems))
			}
			if strings.Contains(got, "hunter2") {
				t.Errorf("a secret is shown:\n%s", got)
			}
			golden := strings.TrimSuffix(file, ".bad.yaml") + ".err"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%swant:\n%s", got, want)
			}
		})
	}
}

// Every message that the package can produce stands in some golden file.
func TestEveryMessageHasItsMistake(t *testing.T) {
	var golden strings.Builder
	files, _ := filepath.Glob("testdata/*.err")
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		golden.Write(data)
	}
	call := regexp.MustCompile(`(?:errorf|warnf)\([a-zA-Z.\[\]]+, ("(?:[^"\\]|\\.)*")`)
	verb := regexp.MustCompile(`%[a-z]`)
	for _, source := range []string{"decode.go", "load.go"} {
		data, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		found := call.FindAllStringSubmatch(string(data), -1)
		if len(found) < 5 {
			t.Fatalf("%s: only %d messages found", source, len(found))
		}
		for _, m := range found {
			var format string
			if err := json.Unmarshal([]byte(m[1]), &format); err != nil {
				t.Fatal(err)
			}
			pattern := verb.ReplaceAllString(regexp.QuoteMeta(format), ".*")
			// Links are followed on a real file system only, see TestALinkToAShellIsRefused.
			if strings.Contains(format, "is a link to") {
				continue
			}
			if !regexp.MustCompile(`(?m)^[^ ]+: (warning: )?` + pattern + `$`).MatchString(golden.String()) {
				t.Errorf("no testdata/*.bad.yaml for %q", format)
			}
		}
	}
}

func TestAllProblemsAtOnceInTheOrderOfTheFile(t *testing.T) {
	_, problems := Parse("sallyport.yaml", []byte(`late: 2x
relays:
  gate: {memory: true}
  Light: {memory: true, max_on: 5s}
  siren: {camera: nvr, max_on: 3m}
allow_shell: maybe
`))
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	want := []string{
		`sallyport.yaml:1:7: late: "2x" is not a duration (try "2s")`,
		`sallyport.yaml:3:3: relay "gate": max_on is missing: the longest it may ever stay on (try "5s" for a gate, "12h" for a light)`,
		`sallyport.yaml:4:3: relays: "Light" is not a name for a relay: small letters, digits and -, a letter first (try "light")`,
		`sallyport.yaml:5:19: relay "siren": camera: there is no camera "nvr"`,
		`sallyport.yaml:6:14: allow_shell: want true or false, found "maybe"`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTheWholeSiteFile(t *testing.T) {
	site, problems := Load("testdata/example.yaml")
	// Each key that is kept for later is said to be unused, and nothing else.
	if Failed(problems) || len(problems) != len(site.Reserved) {
		t.Fatal(problems)
	}
	for i, p := range problems {
		key := site.Reserved[i]
		if !strings.HasSuffix(": "+p.Message, ": "+key[strings.LastIndex(key, ".")+1:]+": is not used in this version") {
			t.Errorf("%s: %s", key, p)
		}
	}
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Skip(err)
	}
	want := &Site{
		File:     "testdata/example.yaml",
		Name:     "Elm Street 4",
		Location: Location{26.71, -80.05, true, "America/New_York", zone},
		Listen:   Listen{":5002", "127.0.0.1:8080", []string{"sallyport.example.com", "10.0.0.7"}},
		TLS:      TLS{"testdata/console.pem", "/etc/ssl/console.key"},
		Cameras: []Camera{
			{Name: "porch", Match: []Match{{MAC: "58:5b:69:5f:42:1b", IP: netip.MustParsePrefix("192.168.0.52/32")}},
				URL: "http://192.168.0.52", Username: "admin", Password: Secret{env: "PORCH_PASSWORD"}, Lists: []PlateList{{"residents", "allow"}}},
			{Name: "nvr-gate", Match: []Match{
				{IP: netip.MustParsePrefix("192.168.0.55/32"), Channel: 2},
				{IP: netip.MustParsePrefix("10.1.0.0/16"), Channel: ChannelAny},
				{SN: "0123", Name: "Front"},
			}, URL: "https://192.168.0.55", Username: "admin", Password: Secret{env: "NVR_PASSWORD"}, Token: Secret{file: "testdata/gate.token"}, TLSPin: strings.Repeat("a1", 32), Poll: 2 * time.Second, NoLists: true},
		},
		Relays: []Relay{
			{Name: "gate", Chip: "gpiochip0", Line: 17, ActiveLow: true, MaxOn: 5 * time.Second, MinOff: 3 * time.Second,
				Interlock: []string{"gate-close"}, InterlockWait: 500 * time.Millisecond},
			{Name: "gate-close", Chip: "gpiochip0", Line: 22, ActiveLow: true, MaxOn: 5 * time.Second,
				Interlock: []string{"gate"}, InterlockWait: 500 * time.Millisecond, Feedback: "door", FeedbackTime: 500 * time.Millisecond},
			{Name: "porch", Chip: "gpiochip0", Line: 27, MaxOn: 12 * time.Hour, DailyCap: 20},
			{Name: "siren", Camera: "nvr-gate", MaxOn: 3 * time.Minute, Confirm: new(true), Feedback: "door", FeedbackTime: 250 * time.Millisecond},
			{Name: "bench", Memory: true, MaxOn: time.Hour},
		},
		Contacts: []Contact{{Name: "door", Chip: "gpiochip0", Line: 24, ActiveLow: true, Pull: "up", Debounce: 30 * time.Millisecond}},
		Notifiers: []Notifier{
			{Name: "phone", URL: Secret{plain: "ntfy://ntfy.sh/elm-street"}},
			{Name: "mail", URL: Secret{env: "MAIL_URL"}},
		},
		Secrets: []NamedSecret{
			{Name: "hook", Secret: Secret{env: "HOOK_SECRET"}},
			{Name: "other", Secret: Secret{file: "testdata/other.secret"}},
		},
		DenyPrivate:   true,
		RunAs:         "sallyport-steps",
		Sync:          true,
		AllowPrograms: []string{"/usr/local/bin/open.sh"},
		Data:          "/var/lib/sallyport",
		Keep:          Keep{7 * day, 400 * day, 30 * day, 4_000_000_000},
		KeepOrder:     []string{"images", "recording", "journal"},
		Tracking:      Tracking{1500 * time.Millisecond, 0},
		Late:          3 * time.Second,
		Plates:        Plates{30 * time.Second, []PlateList{{"residents", "allow"}, {"banned", "Blocked cars"}}},
		Reserved:      []string{"mqtt", "frigate", "holidays", "uplink"},
	}
	got, expected := reflect.ValueOf(*site), reflect.ValueOf(*want)
	for i := range got.NumField() {
		if !reflect.DeepEqual(got.Field(i).Interface(), expected.Field(i).Interface()) {
			t.Errorf("%s: got %+v, want %+v", got.Type().Field(i).Name, got.Field(i).Interface(), expected.Field(i).Interface())
		}
	}
	for _, ok := range []bool{has(site.Camera("porch")), has(site.Relay("gate")), has(site.Contact("door")), has(site.Notifier("mail")), has(site.Secret("other"))} {
		if !ok {
			t.Error("a name is not found")
		}
	}
	if has(site.Camera("x")) || has(site.Relay("x")) || has(site.Contact("x")) || has(site.Notifier("x")) || has(site.Secret("x")) {
		t.Error("a name is found that is not there")
	}
}

// The example of the interface's description is a valid site file.
func TestTheDescribedExample(t *testing.T) {
	text, err := os.ReadFile("../../shared/design/interface.md")
	if err != nil {
		t.Skip("the description is not here")
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	block, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("no example found")
	}
	site, problems := Parse("sallyport.yaml", []byte(block))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if len(site.Cameras) != 2 || len(site.Relays) != 5 || len(site.Contacts) != 1 || len(site.Notifiers) != 1 {
		t.Errorf("%+v", site)
	}
}

func has[T any](_ T, ok bool) bool { return ok }

func TestAnEmptyFileIsTheDefaults(t *testing.T) {
	for _, text := range []string{"", "# nothing yet\n", "---\n", "relays:\ncameras:\n"} {
		site, problems := Parse("/etc/sallyport/sallyport.yaml", []byte(text))
		if len(problems) > 0 {
			t.Fatalf("%q: %v", text, problems)
		}
		if site.Data != "/etc/sallyport/data" || site.Listen.Cameras != ":5002" || !site.Listen.ConsoleOnLoopback() ||
			site.Tracking.Timeout != 1500*time.Millisecond || site.Location.Zone == nil || site.Location.Known {
			t.Errorf("%q: %+v", text, site)
		}
	}
	if s := Default(); s.Location.Zone != time.UTC || !s.Location.Known || s.Late != 3*time.Second {
		t.Errorf("Default: %+v", s)
	}
}

func TestAFileThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "sallyport.yaml")
	site, problems := Load(missing)
	if site != nil || fmt.Sprint(problems) != "["+missing+": cannot be read: no such file or directory]" {
		t.Errorf("%v %v", site, problems)
	}
	long := filepath.Join(dir, "long.yaml")
	if err := os.WriteFile(long, make([]byte, maxSize+1), 0o644); err != nil {
		t.Fatal(err)
	}
	site, problems = Load(long)
	if site != nil || fmt.Sprint(problems) != "["+long+": cannot be read: it is longer than 1048576 bytes]" {
		t.Errorf("%v %v", site, problems)
	}
	site, problems = Parse("x.yaml", make([]byte, maxSize+1))
	if site != nil || fmt.Sprint(problems) != "[x.yaml: is longer than 1048576 bytes]" {
		t.Errorf("%v %v", site, problems)
	}
}

// Cameras that can be told apart are taken without a word.
func TestMappingsThatDiffer(t *testing.T) {
	for _, text := range []string{
		`{a: {match: {mac: "58:5b:69:00:00:01"}}, b: {match: {mac: "58:5b:69:00:00:02"}}}`,
		`{a: {match: {ip: 10.0.0.1, channel: 1}}, b: {match: {ip: 10.0.0.1, channel: 2}}}`,
		`{a: {match: {ip: 10.0.0.1}}, b: {match: {ip: 10.0.0.2}}, c: {match: {ip: 10.0.1.0/24}}}`,
		`{a: {match: {mac: "58:5b:69:00:00:01", ip: 10.0.0.1}}, b: {match: {mac: "58:5b:69:00:00:02", ip: 10.0.0.1}}}`,
		`{a: {match: {sn: A, channel: any}}, b: {match: {sn: B}}, c: {match: {sn: C, name: x}}}`,
		`{a: {match: [{ip: 10.0.0.1}, {ip: 10.0.0.1, channel: 2}]}}`,
		`{a: {token: {env: A}}, b: {token: {env: B}}, c: {match: {ip: 10.0.0.1}}}`,
	} {
		if _, problems := Parse("s.yaml", []byte("cameras: "+text)); len(problems) > 0 {
			t.Errorf("%s: %v", text, problems)
		}
	}
}

func TestWhoCanReachTheConsole(t *testing.T) {
	for address, loopback := range map[string]bool{
		"127.0.0.1:8080": true, "127.0.0.2:0": true, "localhost:80": true, "[::1]:8080": true,
		":8443": false, "0.0.0.0:8443": false, "[::]:8443": false, "192.168.0.53:80": false, "[fd00::1]:8080": false,
	} {
		for _, insecure := range []bool{false, !loopback} {
			site, problems := Parse("s.yaml", fmt.Appendf(nil, "listen: {console: %q}\ninsecure: %v", address, insecure))
			if len(problems) > 0 {
				t.Errorf("%s: %v", address, problems)
			} else if site.Listen.ConsoleOnLoopback() != loopback || site.Insecure != insecure {
				t.Errorf("%s: on loopback: %v, insecure: %v", address, site.Listen.ConsoleOnLoopback(), site.Insecure)
			}
		}
	}
}

func TestALinkToAShellIsRefused(t *testing.T) {
	dir := t.TempDir()
	for name, target := range map[string]string{"bash": "", "open": "bash", "fine": "open.sh", "open.sh": ""} {
		var err error
		if target == "" {
			err = os.WriteFile(filepath.Join(dir, name), nil, 0o755)
		} else {
			err = os.Symlink(target, filepath.Join(dir, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "sallyport.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "allow_programs:\n  - %[1]s/open\n  - %[1]s/fine\n  - %[1]s/not-there-yet\n", dir), 0o644); err != nil {
		t.Fatal(err)
	}
	site, problems := Load(file)
	want := fmt.Sprintf(`[%s:2:5: allow_programs: %q is a link to %q, which runs whatever stands in its arguments]`, file, dir+"/open", real+"/bash")
	if fmt.Sprint(problems) != want {
		t.Errorf("got %v, want %s", problems, want)
	}
	if got := site.AllowPrograms; !reflect.DeepEqual(got, []string{dir + "/fine", dir + "/not-there-yet"}) {
		t.Errorf("allowed: %v", got)
	}
}

func TestInterpreter(t *testing.T) {
	for _, p := range []string{
		"/bin/sh", "/bin/bash", "/bin/dash", "/usr/bin/zsh", "/usr/bin/ksh93", "/usr/bin/fish", "/bin/busybox", "/usr/bin/env",
		"/usr/bin/python", "/usr/bin/python3", "/usr/bin/python3.12", "/opt/Python3", "/usr/bin/perl5.36.0", "/usr/bin/ruby3.1", "/usr/bin/node",
		"/usr/bin/node-20", "/usr/bin/php8.2", "/usr/bin/lua5.4", "/usr/bin/tclsh8.6", "/usr/bin/gawk", "/usr/bin/awk", "/usr/bin/sudo", "/usr/bin/xargs",
		"/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1", "powershell.exe",
	} {
		if !Interpreter(p) {
			t.Errorf("%s is not seen as an interpreter", p)
		}
	}
	for _, p := range []string{"/usr/local/bin/open.sh", "/usr/bin/mosquitto_pub", "/usr/bin/curl", "/usr/local/bin/gate2", "/usr/local/bin/python-free", "/opt/2fa", "/"} {
		if Interpreter(p) {
			t.Errorf("%s is seen as an interpreter", p)
		}
	}
}

func TestInterlocksAreSymmetric(t *testing.T) {
	site, problems := Parse("s.yaml", []byte(`relays:
  a: {memory: true, max_on: 1s, interlock: [c, b, b], interlock_wait: 1s}
  b: {memory: true, max_on: 1s}
  c: {memory: true, max_on: 1s, interlock: [a], interlock_wait: 2s}
  d: {memory: true, max_on: 1s, interlock_wait: 3s}
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var got []string
	for _, r := range site.Relays {
		got = append(got, fmt.Sprint(r.Name, r.Interlock, r.InterlockWait))
	}
	want := []string{"a[b c] 2s", "b[a] 1s", "c[a] 2s", "d[] 3s"}
	for i := range want {
		if strings.ReplaceAll(got[i], "] ", "]") != strings.ReplaceAll(want[i], "] ", "]") {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestAliasesServe(t *testing.T) {
	site, problems := Parse("s.yaml", []byte("relays:\n  a: &light {memory: true, max_on: 12h}\n  b: *light\n"))
	if len(problems) > 0 || len(site.Relays) != 2 || site.Relays[1].MaxOn != 12*time.Hour {
		t.Errorf("%+v %v", site, problems)
	}
}

func TestSecrets(t *testing.T) {
	getenv := func(name string) string { return map[string]string{"PW": "hunter2"}[name] }
	readFile := func(path string) ([]byte, error) {
		switch path {
		case "good":
			return []byte("hunter2\r\n"), nil
		case "empty":
			return []byte("\n"), nil
		case "two":
			return []byte("a\nb\n"), nil
		}
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	for _, tt := range []struct {
		s            Secret
		want, source string
	}{
		{Secret{}, "", ""},
		{PlainSecret("hunter2"), "hunter2", "the site file"},
		{Secret{env: "PW"}, "hunter2", "env PW"},
		{Secret{file: "good"}, "hunter2", "file good"},
		{Secret{env: "NONE"}, "error: the environment variable NONE is not set", "env NONE"},
		{Secret{file: "empty"}, "error: secret file: empty is empty", "file empty"},
		{Secret{file: "two"}, "error: secret file: two holds more than one line", "file two"},
		{Secret{file: "none"}, "error: secret file: open none: file does not exist", "file none"},
	} {
		got, err := tt.s.Value(getenv, readFile)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != tt.want || tt.s.Source() != tt.source || tt.s.IsZero() != (tt.source == "") {
			t.Errorf("%s: got %q, source %q", tt.want, got, tt.s.Source())
		}
	}
	_, err := Secret{file: "none"}.Value(getenv, readFile)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v does not wrap the reason", err)
	}
}

func TestASecretIsNeverPrinted(t *testing.T) {
	c := Camera{Name: "porch", Password: PlainSecret("hunter2"), Token: Secret{env: "TOKEN"}}
	var log strings.Builder
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	log.Write(asJSON)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&log, format+" "+format+"\n", c, c.Password)
		fmt.Fprintf(&log, format+"\n", &c.Password)
	}
	if strings.Contains(log.String(), "hunter2") || strings.Contains(log.String(), "68756e74657232") {
		t.Error(log.String())
	}
	if !strings.Contains(log.String(), "***") {
		t.Error("nothing is shown in its place")
	}
}

// The same duration language as in rules.
func TestParseDuration(t *testing.T) {
	for _, tt := range []struct {
		text string
		want time.Duration
	}{
		{"800ms", 800 * time.Millisecond}, {"1.5s", 1500 * time.Millisecond}, {"0s", 0},
		{"1h30m", 90 * time.Minute}, {"7d", 168 * time.Hour}, {"0.5d", 12 * time.Hour},
	} {
		if got, err := ParseDuration(tt.text); err != nil || got != tt.want {
			t.Errorf("ParseDuration(%q) = %v, %v", tt.text, got, err)
		}
	}
	for _, tt := range []struct{ text, want string }{
		{"2x", `"2x" is not a duration (try "2s")`},
		{"5 min", `"5 min" is not a duration (try "5m")`},
		{"5m1h", `"5m1h" is not a duration (try "5m")`},
		{"-5s", `"-5s" is not a duration: it has no sign (try "5s")`},
		{"+1m30", `"+1m30" is not a duration: it has no sign (try "1m30s")`},
		{"-", `"-" is not a duration: it has no sign (try "2s")`},
		{"800", `"800" is not a duration (try "800ms")`},
		{"100", `"100" is not a duration (try "100ms")`},
		{"99", `"99" is not a duration (try "99s")`},
		{"0099", `"0099" is not a duration (try "0099s")`},
		{"1m30", `"1m30" is not a duration (try "1m30s")`},
		{"1h30", `"1h30" is not a duration (try "1h30m")`},
		{"1s500", `"1s500" is not a duration (try "1s500ms")`},
		{"1m 30s", `"1m 30s" is not a duration (try "1m30s")`},
		{"5S", `"5S" is not a duration (try "5s")`},
		{"9999999999999999s", `"9999999999999999s" has too many digits for a duration`},
	} {
		_, err := ParseDuration(tt.text)
		if err == nil || err.Error() != tt.want {
			t.Errorf("ParseDuration(%q): %v, want %s", tt.text, err, tt.want)
		}
		if _, inRules := schedule.ParseDuration(tt.text); fmt.Sprint(inRules) != fmt.Sprint(err) {
			t.Errorf("rules say of %q: %v, the site file: %v", tt.text, inRules, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		site, problems := Parse("s.yaml", data)
		if site == nil && !Failed(problems) {
			t.Error("no site and no problem")
		}
		for _, p := range problems {
			if p.Message == "" || p.Line < 0 || strings.Contains(p.String(), "\n") {
				t.Errorf("problem %q", p)
			}
			_ = p.Detail()
		}
		if site == nil || Failed(problems) {
			return
		}
		for _, r := range site.Relays {
			if r.MaxOn <= 0 {
				t.Errorf("relay %q without max_on was accepted", r.Name)
			}
		}
	})
}

// The site files that come with the program are without a warning.
func TestShippedSites(t *testing.T) {
	for _, name := range []string{"../packaging/sallyport.yaml", "../testdata/bench/sallyport.yaml", "../cmd/sallyport/demo/sallyport.yaml"} {
		if _, problems := Load(name); len(problems) > 0 {
			t.Errorf("%v", problems)
		}
	}
}
