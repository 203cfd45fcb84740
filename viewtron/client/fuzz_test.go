package client

import (
	"strings"
	"testing"
	"time"
)

// FuzzReply reads an answer as every command would.
func FuzzReply(f *testing.F) {
	for _, s := range []string{
		`<config status="success"/>`,
		`<config status="failed" errorCode="16" errorDesc="Range Error"/>`,
		`<?xml version="1.0" encoding="UTF-8"?><config version="2.1.0" xmlns="http://www.ipc.com/ver10"><deviceInfo><deviceName type="string"><![CDATA[IPC]]></deviceName><mac>58-5B-69-00-00-01</mac><chlMaxCount>1</chlMaxCount></deviceInfo></config>`,
		`<config><licensePlateGroups type="list" count="3"><item><groupId><![CDATA[1]]></groupId><groupName><![CDATA[temporaryList]]></groupName></item></licensePlateGroups></config>`,
		`<config><licensePlatesReply><item><index>2</index><errorCode>203</errorCode></item><item><index>99</index><errorCode>x</errorCode></item></licensePlatesReply></config>`,
		`<config><licensePlates type="list" total="2" count="2"><item><licensePlateNumber>ABC1234</licensePlateNumber><groupId>2</groupId><beginTime>2026-04-07 09:28:45</beginTime><endTime/><carOwner>Ann</carOwner></item></licensePlates></config>`,
		`<config><time><timezoneInfo><timeZone>CST-8</timeZone></timezoneInfo><synchronizeInfo><type>NTP</type><currentTime>2024-08-21 15:05:31</currentTime></synchronizeInfo></time></config>`,
		`<config><applicationInterfaces><item>GetDeviceInfo</item><item>GetDeviceInfo</item></applicationInterfaces></config>`,
		"\xef\xbb\xbf<?xml version='1.0' encoding='GB2312'?><!-- x --><config><a>\xff&#65;</a></config>",
		"\xff\xd8\xff\xe0\xff\xd9",
	} {
		f.Add([]byte(s), 200)
	}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		_ = checkJPEG(body)
		_ = refusal(call{command: "X"}, answer{status: status, body: body})
		n, err := judge(call{command: "X"}, answer{status: status, body: body})
		if err != nil {
			if len(err.Error()) > 4096 || strings.ContainsAny(err.Error(), "\x00\x1b") {
				t.Errorf("an unfit message: %q", err)
			}
			return
		}
		_ = deviceInfo(n.at("deviceInfo"))
		_ = supportedAPIs(n)
		_ = dateTime(n, time.UTC)
		for _, g := range plateGroups(n) {
			if _, err := findGroup(plateGroups(n), g.Name); err == nil && g.ID == "" {
				t.Error("a group without an id was found")
			}
		}
		p := platePage(n, time.UTC)
		if p.Total < len(p.Plates) {
			t.Errorf("%d plates of %d", len(p.Plates), p.Total)
		}
		plateReplies(n, make([]PlateResult, 3))
	})
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
