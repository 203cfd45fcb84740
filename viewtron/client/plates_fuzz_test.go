package client

import (
	"strings"
	"testing"
	"time"
)

// FuzzVehiclePage reads an answer to GetVehiclePlate.
func FuzzVehiclePage(f *testing.F) {
	seed(f, "plates")
	for _, s := range []string{
		`<config version="2.0.0" xmlns="http://www.ipc.com/ver10"><vehiclePlates type="list" maxCount="10000" total="2" count="2"><item><carPlateNumber type="string"><![CDATA[ABC1234]]></carPlateNumber><beginTime type="string"><![CDATA[2026/01/01 00:00:00]]></beginTime><endTime>2026-12-31 23:59:59</endTime><carOwner><![CDATA[Ann]]></carOwner><plateItemType type="plateItemType">whiteList</plateItemType></item><item/></vehiclePlates></config>`,
		`<config><vehiclePlates count="9"><searchFilter><item><carPlateNum>X</carPlateNum></item></searchFilter><item><carPlateNum>X</carPlateNum><listType>blackList</listType></item></vehiclePlates></config>`,
		`<config><vehiclePlates><totalCount>-1</totalCount><total>99999999999</total></vehiclePlates></config>`,
	} {
		f.Add([]byte(s))
	}
	fuzzAnswer(f, func(t *testing.T, n *node) {
		p := vehiclePage(n, time.UTC)
		if p.Total < len(p.Plates) || p.items < len(p.Plates) || p.said < 0 {
			t.Errorf("%d plates of %d entries, %d in all, %d told", len(p.Plates), p.items, p.Total, p.said)
		}
		for _, q := range p.Plates {
			if q.Number == "" {
				t.Error("a plate without a number")
			}
		}
	})
}

// FuzzVehicleReply reads an answer to AddVehiclePlate.
func FuzzVehicleReply(f *testing.F) {
	seed(f, "plates")
	f.Add([]byte(`<config status="success"/>`))
	f.Add([]byte(`<config><vehiclePlatesReply><item><index>2</index><errorCode>203</errorCode><errorDesc>x</errorDesc></item><item><index>99</index><errorCode>x</errorCode></item></vehiclePlatesReply></config>`))
	f.Add([]byte(`<config><vehiclePlates type="list" count="1"><item><errorCode>16</errorCode></item></vehiclePlates></config>`))
	fuzzAnswer(f, func(t *testing.T, n *node) {
		results := []PlateResult{{PlateEntry: PlateEntry{Number: "A1"}}, {PlateEntry: PlateEntry{Number: "A2"}}, {PlateEntry: PlateEntry{Number: "A3"}}}
		items := vehicleReplies(n)
		itemReplies("AddVehiclePlate", items, results)
		for i, r := range results {
			if len(items) == 0 && r.Err != nil {
				t.Errorf("plate %d: %v without any result", i, r.Err)
			}
			if r.Err != nil {
				fit(t, r.Err.Error())
			}
		}
	})
}

// FuzzWholeList puts pages together as they may come, and holds that what is
// taken for the whole list is as long as the device says it is, with no plate on
// two pages.
func FuzzWholeList(f *testing.F) {
	f.Add("3:abc|3:")
	f.Add("-1:abc|-1:def|-1:")
	f.Add("6:abc|6:abc")
	f.Add("6:abc|5:de")
	f.Add("0:|")
	f.Fuzz(func(t *testing.T, script string) {
		w := wholeList{name: "x", seen: map[string]bool{}}
		given := 0
		for _, s := range strings.Split(script, "|") {
			var p PlatePage
			head, plates, _ := strings.Cut(s, ":")
			p.tell(head)
			for _, c := range plates {
				p.Plates = append(p.Plates, Plate{Number: string(c)})
			}
			p.items = len(p.Plates)
			given += p.items
			done, err := w.add(p)
			if err != nil {
				fit(t, err.Error())
				return
			}
			if !done {
				continue
			}
			if len(w.plates) != given || w.told && w.total != given || !w.told && p.items > 0 {
				t.Errorf("%q is taken for whole with %d of %d plates", script, len(w.plates), w.total)
			}
			return
		}
	})
}

// FuzzVehiclePlate writes any plate that is let through and reads it back.
func FuzzVehiclePlate(f *testing.F) {
	for _, s := range []string{"ABC1234", "]]><x>", `"; rm -rf /;`, "$(id)", "&lt;", "a]]>b]]>c", "\u00a0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := checkEntry(Plate{Number: s, Owner: s, Begin: time.Unix(1, 0), End: time.Unix(2e9, 0)})
		if err != nil {
			return
		}
		body := addVehiclePlate(BlockGroup, []entry{{Plate: p}}, time.UTC)
		n, err := parse(body)
		if err != nil {
			t.Fatalf("%q makes a request that is not XML: %v\n%s", s, err, body)
		}
		got := vehiclePage(n, time.UTC)
		if strings.TrimSpace(p.Number) == "" {
			return
		}
		if len(got.Plates) != 1 {
			t.Fatalf("%d plates arrive", len(got.Plates))
		}
		if q := got.Plates[0]; q.Number != strings.TrimSpace(p.Number) || q.Owner != strings.TrimSpace(p.Owner) || q.Group != BlockGroup || !q.Begin.Equal(p.Begin) || !q.End.Equal(p.End) {
			t.Errorf("%+v arrives as %+v", p, q)
		}
	})
}
