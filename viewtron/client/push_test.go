package client_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/viewtron/client"
)

// ours is a slot as this program sets one.
func ours() client.PushSlot {
	return client.PushSlot{On: true, Protocol: "http", Domain: "192.168.0.10", Port: 5002, Path: "/c/t0ken", Authentication: "none",
		Heartbeat: true, Interval: 30 * time.Second, Data: []string{"alarmStatus", "traject", "smartData"}, Events: []string{"ALL"}}
}

func pushOf(t *testing.T, answer string) client.PushConfig {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "answers", answer+".xml"))
	must(t, err)
	p, err := answering(t, string(body)).GetHttpPostConfig(t.Context())
	must(t, err)
	return p
}

// golden compares a request's body with its file.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", "requests", name+".xml")
	if *update {
		must(t, os.MkdirAll(filepath.Dir(file), 0o755))
		must(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (run with -update to accept):\n%s", file, got)
	}
}

// reread sends a configuration to a device that answers with it.
func reread(t *testing.T, p client.PushConfig) client.PushConfig {
	t.Helper()
	got, err := answering(t, string(p.Request())).GetHttpPostConfig(t.Context())
	must(t, err)
	return got
}

func TestASlotGoesWhereNobodysIs(t *testing.T) {
	p := pushOf(t, "push-both")
	before := slices.Clone(p.Slots)
	with, err := p.WithSlot(ours())
	must(t, err)
	golden(t, "SetHttpPostConfig", with.Request())
	if !reflect.DeepEqual(p.Slots, before) {
		t.Error("the configuration it was made from changed")
	}
	want := ours()
	want.ID = 3 // is listed, off and empty
	if got := reread(t, with); len(got.Slots) != 2 || !reflect.DeepEqual(got.Slots[0], before[0]) || !reflect.DeepEqual(got.Slots[1], want) || got.V1 != nil {
		t.Errorf("the device would have %+v", got)
	}
	second := ours()
	second.Path = "/c/other"
	with, err = with.WithSlot(second)
	must(t, err)
	if n := len(with.Slots); n != 3 || with.Slots[2].ID != 2 {
		t.Errorf("the second one: %+v", with.Slots)
	}
	_, err = with.WithSlot(ours())
	says(t, err, "all push slots are in use: the device has 3 of them")
	if !errors.Is(err, client.ErrNoFreeSlot) {
		t.Error("is not ErrNoFreeSlot")
	}
	_, err = pushOf(t, "push-full").WithSlot(ours())
	says(t, err, "all push slots are in use: the device has 2 of them")

	first, err := pushOf(t, "push-empty-list").WithSlot(ours())
	must(t, err)
	if first.Slots[0].ID != 1 {
		t.Errorf("into an empty list: %+v", first.Slots)
	}
	golden(t, "SetHttpPostConfig-empty-list", first.Request())
}

func TestASlotTakesThePlaceOfItsNumber(t *testing.T) {
	p := pushOf(t, "push-both")
	s := ours()
	s.ID = 1
	with, err := p.WithSlot(s)
	must(t, err)
	// What is not known stays with the place; what belonged to the address goes.
	golden(t, "SetHttpPostConfig-replaced", with.Request())
	other := p.Slots[0]
	other.Path = "/elsewhere"
	kept, err := p.WithSlot(other)
	must(t, err)
	if body := string(kept.Request()); !strings.Contains(body, `<user type="string"><![CDATA[ann]]></user></url>`) || !strings.Contains(body, "<deep>") {
		t.Errorf("what belongs to the address is lost:\n%s", body)
	}
	s.ID = 4
	_, err = p.WithSlot(s)
	says(t, err, "push slot 4 does not exist; the device has 3")
	again, err := with.WithSlot(p.Slots[1])
	if err == nil {
		t.Errorf("a slot without a host was taken: %+v", again)
	}
}

func TestSlotsThatWereNotTouchedGoBackAsTheyCame(t *testing.T) {
	for _, name := range []string{"push-both", "push-full"} {
		p := pushOf(t, name)
		body := string(p.Request())
		if strings.Contains(body, "<httpPost>") {
			t.Errorf("%s: the first push is sent: %s", name, body)
		}
		if got := reread(t, p); !reflect.DeepEqual(got.Slots, p.Slots) {
			t.Errorf("%s: %+v came back as %+v", name, p.Slots, got.Slots)
		}
	}
	body := string(pushOf(t, "push-both").Request())
	for _, part := range []string{
		`<user type="string"><![CDATA[ann]]></user>`, `<extra mode="a&#34;b" xml:lang="en"><deep><![CDATA[x]]></deep></extra>`,
		"<note>kept</note>", "<item>futureData</item>", "<![CDATA[/in?a=1&b=<2>]]>",
	} {
		if !strings.Contains(body, part) {
			t.Errorf("%s is lost:\n%s", part, body)
		}
	}
}

func TestTheFirstPushIsSetWhenAsked(t *testing.T) {
	p := pushOf(t, "push-first-only")
	_, err := p.WithSlot(ours())
	says(t, err, "the device has no second push (httpPostV2)")
	if !errors.Is(err, client.ErrNoPushV2) {
		t.Error("is not ErrNoPushV2")
	}
	says(t, answering(t, `<config status="success"/>`).SetHttpPostConfig(t.Context(), p), "SetHttpPostConfig: the device has no second push (httpPostV2)")
	with, err := p.WithV1(client.PushV1{On: true, Server: "192.168.0.10", Port: 5002, Path: "/API", Interval: time.Minute})
	must(t, err)
	if p.V1.On {
		t.Error("the configuration it was made from changed")
	}
	golden(t, "SetHttpPostConfig-first", with.Request())
	must(t, answering(t, `<config status="success"/>`).SetHttpPostConfig(t.Context(), with))
	_, err = pushOf(t, "push-empty-list").WithV1(client.PushV1{})
	says(t, err, "the device has no first push (httpPost)")
}

func TestSlotsNoDeviceCouldTakeAreRefused(t *testing.T) {
	p := pushOf(t, "push-both")
	for _, tc := range []struct {
		change func(*client.PushSlot)
		want   string
	}{
		{func(s *client.PushSlot) { s.Protocol = "ftp" }, `push protocol "ftp" is neither http nor https`},
		{func(s *client.PushSlot) { s.Domain = "" }, `push host "" is not a host name or address`},
		{func(s *client.PushSlot) { s.Domain = "a b" }, `push host "a b" is not a host name or address`},
		{func(s *client.PushSlot) { s.Domain = "a\x1b" }, `push host "a\x1b" holds the character U+001B, which a camera cannot take`},
		{func(s *client.PushSlot) { s.Port = 70000 }, "push port 70000 is not 1 to 65535"},
		{func(s *client.PushSlot) { s.Path = "API" }, `push path "API" does not begin with a slash or holds a blank`},
		{func(s *client.PushSlot) { s.Authentication = "" }, `push authentication "" is not a word`},
		{func(s *client.PushSlot) { s.Interval = 5 * time.Second }, "push interval 5s is not 30s to 120s in whole seconds"},
		{func(s *client.PushSlot) { s.Interval = 30500 * time.Millisecond }, "push interval 30.5s is not 30s to 120s in whole seconds"},
		{func(s *client.PushSlot) { s.Data = []string{"a</item>"} }, `push data or event "a</item>" is not a word`},
		{func(s *client.PushSlot) { s.ID = -1 }, "push slot -1 does not exist; the device has 3"},
	} {
		s := ours()
		tc.change(&s)
		_, err := p.WithSlot(s)
		says(t, err, tc.want)
	}
	// Changing the list by hand is looked at as well, before anything is sent.
	rec, url := serve(t, nil)
	c := dial(t, client.Config{URL: url})
	p.Slots[0].Domain = "a b"
	says(t, c.SetHttpPostConfig(t.Context(), p), `SetHttpPostConfig: push host "a b" is not a host name or address`)
	p.Slots = append(p.Slots, p.Slots...)
	says(t, c.SetHttpPostConfig(t.Context(), p), "SetHttpPostConfig: all push slots are in use: the device has 3 of them")
	if n := len(rec.all()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}
