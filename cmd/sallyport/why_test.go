package main

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/web"
)

// why runs `sallyport why` on the site's appliance.
func (s *testSite) why(args ...string) (code int, out, err string) {
	s.Helper()
	s.write("asked.yaml", strings.Replace(siteText, `console: "127.0.0.1:0"`, `console: "`+strings.TrimPrefix(s.console, "http://")+`"`, 1))
	var stdout, stderr strings.Builder
	code = run(context.Background(), append([]string{"why", "-c", s.dir + "/asked.yaml"}, args...),
		process{stdout: &stdout, stderr: &stderr, getenv: func(string) string { return "" }})
	return code, stdout.String(), stderr.String()
}

// TestWhyOfARunningAppliance asks about a plate that just passed, and about
// somebody who stands on the porch.
func TestWhyOfARunningAppliance(t *testing.T) {
	s := startSite(t, strings.ReplaceAll(rulesText, "name: gate", "name: gate/100 %"), nil)
	s.post(plateRead("XYZ999"))
	s.post(plateRead("ABC1234"))
	s.out.await("gate is on (")
	code, out, errs := s.why("gate/100 %")
	want := `^"gate/100 %" \(.*rules.d/rules.yaml:11\) for gate/#1, plate XYZ999 at 2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}: false
  when     false    and
           true       plate\.heading == "approach"   plate\.heading = "approach"
         > false      plate\.on\("residents"\)         plate\.number = "XYZ999"
  state  idle
  why    the condition is false

"gate/100 %" .* for gate/#2, plate ABC1234 at .*: true
  when     true     and
           true       plate\.heading == "approach"   plate\.heading = "approach"
           true       plate\.on\("residents"\)         plate\.number = "ABC1234"
  state  active
  why    it fired
lately
  \d\d:\d\d:\d\d\.\d{3}  fired for gate/#2
$`
	if code != exitOK || !regexp.MustCompile(want).MatchString(out) || errs != "" {
		t.Errorf("%d\n%s%s", code, out, errs)
	}

	code, out, errs = s.why("gate/100 %", "--json", "--at", time.Now().UTC().Format(time.RFC3339Nano))
	var v web.Why
	if err := json.Unmarshal([]byte(out), &v); err != nil || code != exitOK || len(v.Looks) == 0 || v.Looks[len(v.Looks)-1].Plate != "ABC1234" {
		t.Errorf("%d %v\n%s%s", code, err, out, errs)
	}
	if code, out, errs = s.why("gate/100 %", "--at", "2026-03-02T00:00:00Z"); code != exitError ||
		errs != `sallyport: why: the appliance remembers no look of "gate/100 %" at 2026-03-02T00:00:00Z or before; look at a recording with --replay FILE`+"\n" {
		t.Errorf("%d\n%s%s", code, out, errs)
	}

	code, out, _ = s.why("light")
	if code != exitOK || !strings.Contains(out, "nothing that it looks at was there at ") {
		t.Errorf("%d\n%s", code, out)
	}
	s.walk(t, 20)
	s.out.await(`"light" for porch/2157`)
	code, out, _ = s.why("light", "--target", "2157")
	if code != exitOK || !strings.Contains(out, " for porch/2157 at ") || !strings.Contains(out, `target.class == "person"   target.class = "person"`) {
		t.Errorf("%d\n%s", code, out)
	}

	code, out, errs = s.why("ligth")
	if code != exitError || out != "" || errs != `sallyport: why: there is no rule "ligth" (did you mean "light"?)`+"\n" {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	if status, body := s.get("/api/v1/rules/nothing/why"); status != 404 || !strings.Contains(body, `there is no rule \"nothing\"`) {
		t.Errorf("%d %s", status, body)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
}

func TestParseMoment(t *testing.T) {
	start := time.Date(2026, 3, 2, 21, 59, 30, 500e6, time.UTC)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, want string }{
		{"22:00:05.250", "2026-03-02T22:00:05.25Z"},
		{"22:00", "2026-03-02T22:00:00Z"},
		{"21:59:30.500", "2026-03-02T21:59:30.5Z"},
		{"21:59:30", "2026-03-03T21:59:30Z"}, // the first one from the start on
		{"00:10", "2026-03-03T00:10:00Z"},
		{"2026-03-02 22:00:05", "2026-03-02T22:00:05Z"},
		{"2026-03-02T23:00:05+01:00", "2026-03-02T22:00:05Z"},
		{"12.5s", "2026-03-02T21:59:43Z"},
		{"+1m", "2026-03-02T22:00:30.5Z"},
	} {
		got, err := parseMoment(c.text, start, time.UTC)
		if text := got.UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano); err != nil || text != c.want {
			t.Errorf("%s: %s %v, want %s", c.text, text, err, c.want)
		}
		if got.Sub(got.Truncate(time.Millisecond)) != time.Millisecond-1 {
			t.Errorf("%s: lines show milliseconds, so all of it is meant: %v", c.text, got)
		}
	}
	if got, _ := parseMoment("23:00:05", start, berlin); !got.Truncate(time.Millisecond).Equal(time.Date(2026, 3, 2, 22, 0, 5, 0, time.UTC)) {
		t.Error(got)
	}
	for _, bad := range []string{"", "noon", "-5s", "25:00", "5"} {
		if got, err := parseMoment(bad, start, time.UTC); err == nil {
			t.Errorf("%s: %v", bad, got)
		}
	}
}

// TestNearMisses follows the approaches of one key: the nearest of each, and none
// that was followed by what it missed.
func TestNearMisses(t *testing.T) {
	at := time.Date(2026, 3, 2, 22, 0, 0, 0, time.UTC)
	look := func(off int) *engine.Explanation {
		at = at.Add(time.Second)
		x := &engine.Explanation{Rule: "r", At: at, State: "idle", When: &engine.Part{Values: []engine.Reading{{Name: "x", Value: "v", Bound: &engine.Bound{Value: "b", Off: off}}}}}
		x.When.Missing = true
		if off < 0 {
			x.Answer, x.When.Answer = engine.True, engine.True
		}
		return x
	}
	waiting := func(held time.Duration) *engine.Explanation {
		x := look(-1)
		x.State, x.For = "pending", held
		return x
	}
	for _, c := range []struct {
		name  string
		looks []*engine.Explanation
		want  string
	}{
		{"the nearest of each approach", []*engine.Explanation{look(900), look(150), look(130), look(170), look(900), look(199), look(900)}, "130 199"},
		{"it came true", []*engine.Explanation{look(900), look(150), look(-1)}, ""},
		{"it goes away from what it was", []*engine.Explanation{look(-1), look(10), look(150), look(900), look(100)}, "100"},
		{"for was not long enough", []*engine.Explanation{waiting(0), waiting(8 * time.Second), look(900)}, "100"},
		{"for was much too short", []*engine.Explanation{waiting(0), look(900)}, ""},
		{"for was long enough", []*engine.Explanation{waiting(8 * time.Second), look(-1), look(900)}, ""},
		{"it was gone before for was over", []*engine.Explanation{waiting(8500 * time.Millisecond)}, "150"},
	} {
		n, a := &nears{}, &approach{waits: 10 * time.Second}
		for _, x := range c.looks {
			n.look(a, x)
		}
		n.missed(a)
		var got []string
		for _, m := range n.Near {
			got = append(got, strings.TrimSuffix(tenth(m.Off*10), ".0"))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestWhyIsAsShown holds the example of the docs against the script's.
func TestWhyIsAsShown(t *testing.T) {
	script, err := os.ReadFile("testdata/script/why.txtar")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, b := range blocks(t) {
		if b.info == "text why" {
			shown++
			if !strings.Contains(string(script), "\n"+b.text+"--") {
				t.Errorf("%s: `sallyport why` does not say that:\n%s", b, b.text)
			}
		}
	}
	if shown == 0 {
		t.Error("the docs show no explanation")
	}
}
