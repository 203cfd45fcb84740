package client

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// seed adds the answers of testdata whose names begin with one of some words,
// all of them when there is none, and some that no command expects.
func seed(f *testing.F, words ...string) {
	f.Helper()
	files, err := filepath.Glob("testdata/answers/*.xml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		word, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".xml"), "-")
		if len(words) > 0 && !slices.Contains(words, word) {
			continue
		}
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	for _, s := range []string{
		`<config status="success"/>`,
		"\xef\xbb\xbf<?xml version='1.0' encoding='GB2312'?><!-- x --><config><a>\xff&#65;</a></config>",
	} {
		f.Add([]byte(s))
	}
}

// fuzzAnswer feeds answers that pass for a success to a decoder.
func fuzzAnswer(f *testing.F, check func(t *testing.T, n *node)) {
	f.Fuzz(func(t *testing.T, body []byte) {
		if n, err := judge(call{command: "GetX"}, answer{status: 200, body: body}); err == nil {
			check(t, n)
		}
	})
}

// fit fails when a message is not fit to be shown.
func fit(t *testing.T, messages ...string) {
	t.Helper()
	for _, m := range messages {
		if len(m) > 4096 || strings.ContainsAny(m, "\x00\x1b\n") || !utf8.ValidString(m) {
			t.Errorf("an unfit message: %q", m)
		}
	}
}

// FuzzJudge takes any answer with any status.
func FuzzJudge(f *testing.F) {
	for _, s := range []string{
		`<config status="success"/>`,
		`<config status="failed" errorCode="16" errorDesc="Range Error"/>`,
		`<config><errorCode>99999999999</errorCode></config>`,
		"<html>no</html>", "", " ",
	} {
		for _, status := range []int{200, 400, 401, 404, 500} {
			f.Add([]byte(s), status)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		k := call{command: "GetX"}
		fit(t, refusal(k, answer{status: status, body: body}).Error())
		n, err := judge(k, answer{status: status, body: body})
		if err != nil {
			fit(t, strings.ReplaceAll(err.Error(), "\n", ""))
		} else if n == nil || status != 200 {
			t.Errorf("HTTP %d passed for a success", status)
		}
	})
}

func FuzzPicture(f *testing.F) {
	f.Add([]byte("\xff\xd8\xff\xe0\xff\xd9"))
	f.Add([]byte("\xff\xd8\xff\xd9\x00\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if checkJPEG(b) == nil && (len(b) < 4 || b[0] != 0xff || b[1] != 0xd8) {
			t.Errorf("%q is no picture", b)
		}
	})
}

func FuzzDeviceInfo(f *testing.F) {
	seed(f, "info")
	fuzzAnswer(f, func(t *testing.T, n *node) {
		d := deviceInfo(n.at("deviceInfo"))
		if d.Channels < 0 || d.AlarmIn < 0 || d.AlarmOut < 0 || d.MAC != strings.ToLower(d.MAC) {
			t.Errorf("%+v", d)
		}
	})
}

func FuzzSupportedAPIs(f *testing.F) {
	seed(f, "apis")
	fuzzAnswer(f, func(t *testing.T, n *node) {
		apis := supportedAPIs(n)
		for i, s := range apis {
			if s == "" || i > 0 && s <= apis[i-1] {
				t.Errorf("%q", apis)
			}
			if has, known := (Capabilities{APIs: apis}).Has(s); !has || !known {
				t.Errorf("%q is listed and not known", s)
			}
		}
	})
}

func FuzzDateTime(f *testing.F) {
	seed(f, "clock")
	fuzzAnswer(f, func(_ *testing.T, n *node) { _ = dateTime(n, time.UTC) })
}

func FuzzDetection(f *testing.F) {
	var words []string
	for _, d := range Detectors() {
		words = append(words, d.Word())
	}
	seed(f, words...)
	inFrame := func(p Point) bool { return p.X >= 0 && p.X <= coordinate && p.Y >= 0 && p.Y <= coordinate }
	fuzzAnswer(f, func(t *testing.T, n *node) {
		for _, d := range Detectors() {
			got, err := detection(n, d)
			if err != nil {
				continue
			}
			fit(t, got.Problems...)
			last := 0
			for _, r := range got.Regions {
				if r.ID <= last || r.ID > maxRegions || len(r.Points) < 3 || len(r.Points) > maxPoints || slices.ContainsFunc(r.Points, func(p Point) bool { return !inFrame(p) }) {
					t.Errorf("%s: region %+v", d, r)
				}
				last = r.ID
			}
			last = 0
			for _, l := range got.Lines {
				if l.ID <= last || l.ID > maxRegions || !inFrame(l.From) || !inFrame(l.To) || l.From == l.To || !slices.Contains([]string{"", "none", "rightortop", "leftorbotton"}, l.Direction) {
					t.Errorf("%s: line %+v", d, l)
				}
				last = l.ID
			}
			if got.On && !got.HasSwitch || got.Hold < 0 || got.Hold > 24*time.Hour || got.Sensitivity < 0 || got.Sensitivity > 100 || len(got.Filters) > 3 {
				t.Errorf("%s: %+v", d, got)
			}
		}
	})
}

func FuzzLineCounts(f *testing.F) {
	seed(f, "counts")
	fuzzAnswer(f, func(t *testing.T, n *node) {
		c, err := lineCounts(n)
		if err != nil {
			fit(t, err.Error())
			return
		}
		for _, v := range []int{c.Entered.Person, c.Entered.Car, c.Entered.Bike, c.Left.Person, c.Left.Car, c.Left.Bike} {
			if v < 0 {
				t.Errorf("%+v", c)
			}
		}
	})
}

func FuzzAlarmStatus(f *testing.F) {
	seed(f, "alarms")
	fuzzAnswer(f, func(t *testing.T, n *node) {
		s, err := alarmStatus(n)
		if err != nil {
			return
		}
		fit(t, s.Problems...)
		for _, a := range s.States {
			if a.Name == "" || a.ID < 0 || a.Channel != 0 && a.Channel != a.ID || s.ActiveOnly && !a.On {
				t.Errorf("%+v", a)
			}
		}
	})
}

func FuzzChannels(f *testing.F) {
	seed(f, "channels", "inputs")
	fuzzAnswer(f, func(t *testing.T, n *node) {
		seen := map[int]bool{}
		for _, c := range channels(n) {
			if c.ID < 1 || seen[c.ID] || c.Online && !c.HasOnline {
				t.Errorf("%+v", c)
			}
			seen[c.ID] = true
		}
	})
}

func FuzzAlarmInputs(f *testing.F) {
	seed(f, "inputs", "channels")
	fuzzAnswer(f, func(t *testing.T, n *node) {
		seen := map[int]bool{}
		for _, in := range alarmInputs(n) {
			if in.ID < 1 || seen[in.ID] {
				t.Errorf("%+v", in)
			}
			seen[in.ID] = true
		}
	})
}

// FuzzPushConfig writes what it read, untouched and with a slot put in, and
// finds the other slots unchanged.
func FuzzPushConfig(f *testing.F) {
	seed(f, "push")
	fuzzAnswer(f, func(t *testing.T, n *node) {
		p, err := pushConfig(n)
		if err != nil || !p.HasV2 {
			return
		}
		again := func(p PushConfig) PushConfig {
			n, err := parse(p.Request())
			if err != nil {
				t.Fatalf("a request that is not XML: %v\n%s", err, p.Request())
			}
			got, err := pushConfig(n)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		got := again(p)
		if len(got.Slots) != len(p.Slots) {
			t.Fatalf("%d slots came back as %d", len(p.Slots), len(got.Slots))
		}
		for i := range p.Slots {
			if !reflect.DeepEqual(got.Slots[i], p.Slots[i]) {
				t.Errorf("slot\n%+v came back as\n%+v", p.Slots[i], got.Slots[i])
			}
		}
		s := PushSlot{On: true, Protocol: "http", Domain: "a", Port: 80, Path: "/", Authentication: "none", Interval: time.Minute}
		with, err := p.WithSlot(s)
		if err != nil {
			return
		}
		found := false
		for i, o := range again(with).Slots {
			if i < len(p.Slots) && reflect.DeepEqual(o, p.Slots[i]) {
				continue
			}
			s.ID = o.ID
			if found || !reflect.DeepEqual(o, s) || i < len(p.Slots) && !p.Slots[i].empty() {
				t.Errorf("slot %d became\n%+v", i, o)
			}
			found = true
		}
		if !found {
			t.Error("the slot that was put in is not there")
		}
	})
}

func FuzzPlateGroups(f *testing.F) {
	f.Add([]byte(`<config><licensePlateGroups type="list" count="3"><item><groupId><![CDATA[1]]></groupId><groupName><![CDATA[temporaryList]]></groupName></item><item><id>2</id><name>whiteList</name></item></licensePlateGroups></config>`))
	fuzzAnswer(f, func(t *testing.T, n *node) {
		for _, g := range plateGroups(n) {
			if _, err := findGroup(plateGroups(n), g.Name); err == nil && g.ID == "" {
				t.Error("a group without an id was found")
			}
		}
	})
}

func FuzzPlatePage(f *testing.F) {
	f.Add([]byte(`<config><licensePlates type="list" total="2" count="2"><item><licensePlateNumber>ABC1234</licensePlateNumber><groupId>2</groupId><beginTime>2026-04-07 09:28:45</beginTime><endTime/><carOwner>Ann</carOwner></item></licensePlates></config>`))
	fuzzAnswer(f, func(t *testing.T, n *node) {
		if p := platePage(n, time.UTC); p.Total < len(p.Plates) {
			t.Errorf("%d plates of %d", len(p.Plates), p.Total)
		}
	})
}

func FuzzPlateReplies(f *testing.F) {
	f.Add([]byte(`<config><licensePlatesReply><item><index>2</index><errorCode>203</errorCode></item><item><index>99</index><errorCode>x</errorCode></item></licensePlatesReply></config>`))
	fuzzAnswer(f, func(_ *testing.T, n *node) { plateReplies(n, make([]PlateResult, 3)) })
}

// FuzzPlate writes any plate that is let through and reads it back.
func FuzzPlate(f *testing.F) {
	for _, s := range []string{"ABC1234", "]]><x>", `"; rm -rf /;`, "$(id)", "&lt;", "\u202eABC", "a]]>b]]>c", "\u00a0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		number, err := checkPlate(s)
		if err != nil {
			return
		}
		for name, body := range map[string][]byte{
			"licensePlates": addLicensePlates([]PlateResult{{PlateEntry: PlateEntry{Number: number, GroupID: "2"}}}),
			"deleteAction":  deleteLicensePlate("2", number),
			"licensePlate":  modifyLicensePlate(PlateChange{Number: number, GroupID: "2", Owner: &number}, time.UTC),
		} {
			n, err := parse(body)
			if err != nil {
				t.Fatalf("%q makes a request that is not XML: %v\n%s", s, err, body)
			}
			n = n.at(name)
			if name == "licensePlates" {
				n = n.at("item")
			}
			if got := n.at("licensePlateNumber").text; got != strings.TrimSpace(number) {
				t.Errorf("%s: %q arrives as %q", name, number, got)
			}
			if got := n.at("groupId").text; got != "2" {
				t.Errorf("%s: the group of %q is %q", name, number, got)
			}
		}
	})
}
