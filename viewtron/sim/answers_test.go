package sim_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/viewtron/sim"
)

// Every answer of every kind of device, as it stands on the wire.
func TestAnswersAreAsRealDevicesWriteThem(t *testing.T) {
	commands := []string{
		"GetDeviceInfo", "GetDeviceDetail", "GetSupportedAPIs", "GetChannelInfo", "GetChannelList", "GetAlarmInInfo", "GetAlarmInList", "GetDateAndTime",
		"GetAlarmStatus", "GetHttpPostConfig", "GetSmartPerimeterConfig", "GetSmartTripwireConfig/1", "GetSmartAoiEntryConfig", "GetSmartAoiLeaveConfig",
		"GetSmartLoiteringConfig", "GetSmartPvdConfig", "GetSmartVfdConfig", "GetSmartVehicleConfig", "GetPassLineCountConfig", "GetSmartVsdConfig",
		"GetMeasureTemperatureConfig", "GetPassLineCountStatistics", "GetLicensePlateGroups", "GetSnapshot/9", "GetSmartPerimeterConfig/2", "Reboot",
	}
	for _, o := range []sim.Options{
		{API: sim.API19}, {API: sim.API20, Thermal: true}, {API: sim.API21}, {API: sim.API20, Recorder: true, Channels: 2}, {API: sim.API19, Recorder: true, Channels: 2},
	} {
		name := "answers-" + string(o.API)
		if o.Recorder {
			name += "-recorder"
		}
		synctest.Test(t, func(t *testing.T) {
			o.Identity, o.Location = porch, time.UTC
			cam := sim.NewCamera(o)
			cam.SetSkew(-3 * time.Second)
			s, err := sim.SlotTo(2, "http://192.168.0.10:5002/c/token?x=1&y=2")
			if err != nil {
				t.Fatal(err)
			}
			for _, err := range []error{
				cam.SetPush(sim.Push{Slots: []sim.PushSlot{s}}),
				cam.SetRegion("region_entry", 2, []sim.Point{{0, 0}, {10000, 0}, {5000, 5000}}),
				cam.SetLine("tripwire", 2, sim.Point{1000, 2000}, sim.Point{1000, 8000}, "rightortop"),
				cam.SetAlarm("sceneChange", 0, true), cam.SetAlarm("motionAlarm", 2, true), cam.SetAlarm("sensorAlarmIn", 1, true),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			var b strings.Builder
			for _, c := range commands {
				w := ask(cam, "POST", "/"+c, "", "", `<config version="2.1.0"></config>`)
				fmt.Fprintf(&b, "%s: %d\n%s\n", c, w.Code, w.Body)
			}
			golden(t, name+".txt", []byte(b.String()))
		})
	}
}

// The requests of the vendor's Python client: Basic without being asked, POST with
// an empty body for reads, and the codes that it knows.
func TestTheVendorsClientIsUnderstood(t *testing.T) {
	wrap := func(body string) string {
		return `<?xml version="1.0" encoding="UTF-8"?><config version="2.1.0" xmlns="http://www.ipc.com/ver10">` + body + `</config>`
	}
	item := func(i int, number string) string {
		return fmt.Sprintf("<item><index>%d</index><licensePlateNumber><![CDATA[%s]]></licensePlateNumber><groupId><![CDATA[2]]></groupId></item>", i, number)
	}
	page := func(most, from int, group string) string {
		return wrap(fmt.Sprintf("<searchFilter><maxResult>%d</maxResult><resultOffset>%d</resultOffset><groupId><![CDATA[%s]]></groupId></searchFilter>", most, from, group))
	}
	plate := func(what, number, more string) string {
		return wrap("<" + what + "><licensePlateNumber><![CDATA[" + number + "]]></licensePlateNumber><groupId><![CDATA[2]]></groupId>" + more + "</" + what + ">")
	}
	cam := sim.NewCamera(sim.Options{Identity: porch, Username: "admin", Password: "s3cret", Location: time.UTC})
	for _, c := range []struct {
		method, path, body string
		want               []string
	}{
		{"GET", "/GetDeviceInfo", "", []string{`<apiVersion type="string">2.1.0</apiVersion>`, `<httpPostVersion type="string">2.1.0</httpPostVersion>`}},
		{"POST", "/GetSupportedAPIs", wrap(""), []string{`<item><![CDATA[GetLicensePlates]]></item>`, `<item><![CDATA[GetLicensePlateGroups]]></item>`}},
		{"POST", "/GetLicensePlateGroups", wrap(""), []string{`<groupId type="string">2</groupId><groupName type="string">whiteList</groupName>`}},
		{"POST", "/GetLicensePlates", page(50, 1, "2"), []string{`errorCode="20" errorDesc="Resources Not Exist"`}},
		{"POST", "/AddLicensePlates", wrap(`<licensePlates type="list" maxCount="100" count="1">` + item(1, "ABC1234") + `</licensePlates>`), []string{`<errorCode type="uint32">0</errorCode>`}},
		{"POST", "/AddLicensePlates", wrap(`<licensePlates type="list" maxCount="100" count="3">` + item(1, "ABC1234") + item(2, "B2") + item(3, "C3") + `</licensePlates>`),
			[]string{`<index type="uint32">1</index><errorCode type="uint32">203</errorCode>`, `<index type="uint32">3</index><errorCode type="uint32">0</errorCode>`}},
		{"POST", "/GetLicensePlates", page(2, 2, "2"), []string{`total="3" count="2"`, `>B2<`, `>C3<`}},
		{"POST", "/GetLicensePlates", page(2, 4, "2"), []string{`errorCode="20"`}},
		{"POST", "/ModifyLicensePlate", plate("licensePlate", "ABC1234", `<carOwner type="string"><![CDATA[Mike]]></carOwner><telephone type="string"><![CDATA[555-1234]]></telephone>`), []string{`status="success" errorCode="0"`}},
		{"POST", "/ModifyLicensePlate", plate("licensePlate", "NOBODY", `<carOwner type="string"><![CDATA[Mike]]></carOwner>`), []string{`errorCode="204"`}},
		{"POST", "/GetLicensePlates", page(1, 1, "2"), []string{`<carOwner type="string">Mike</carOwner>`, `<telephone type="string">555-1234</telephone>`, `<endTime type="string"><![CDATA[2037-12-30 10:59:59]]></endTime>`}},
		{"POST", "/DeleteLicensePlate", plate("deleteAction", "ABC1234", ""), []string{`status="success" errorCode="0"`}},
		{"POST", "/DeleteLicensePlate", plate("deleteAction", "ABC1234", ""), []string{`status="failed" errorCode="204" errorDesc="License Plate Not Exist"`}},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		r.Header.Set("Authorization", "Basic YWRtaW46czNjcmV0")
		r.Header.Set("User-Agent", "python-requests/2.32.3")
		r.Header.Set("Accept", "*/*")
		if c.body != "" {
			r.Header.Set("Content-Type", "application/xml")
		}
		w := httptest.NewRecorder()
		cam.ServeHTTP(w, r)
		for _, want := range c.want {
			if w.Code != 200 || !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s: %d %s, want %s", c.path, w.Code, w.Body, want)
			}
		}
	}
	if s := cam.Stats(); s.BadLogins != 0 {
		t.Errorf("%d wrong logins", s.BadLogins)
	}
}

func TestTheOlderPlateCommands(t *testing.T) {
	add := func(number, list, begin, end string) string {
		return `<?xml version="1.0" encoding="utf-8"?><config><vehiclePlates type="list" count="1"><item><carPlateNumber type="string"><![CDATA[` + number + `]]></carPlateNumber>` +
			`<beginTime type="string"><![CDATA[` + begin + `]]></beginTime><endTime type="string"><![CDATA[` + end + `]]></endTime><carOwner type="string"><![CDATA[John & Co]]></carOwner>` +
			`<plateItemType type="string">` + list + `</plateItemType></item></vehiclePlates></config>`
	}
	get := func(index, size int, list, number string) string {
		return fmt.Sprintf(`<config version="2.0.0" xmlns="http://www.ipc.com/ver10"><vehiclePlates type="list" maxCount="10000" count="1"><searchFilter><item><pageIndex type="uint32">%d</pageIndex>`+
			`<pageSize type="uint32">%d</pageSize><listType type="vehicleListTypes">%s</listType><carPlateNum type="string">%s</carPlateNum></item></searchFilter></vehiclePlates></config>`, index, size, list, number)
	}
	const begin, end = "2024/01/01 00:00:00", "2030/12/31 23:59:59"
	cam := sim.NewCamera(sim.Options{API: sim.API20, Location: time.UTC, MaxPlates: 3})
	for _, c := range []struct{ path, body, want string }{
		{"AddVehiclePlate", add("ABC1234", "whiteList", begin, end), `status="success"`},
		{"AddVehiclePlate", add("ABC1234", "blackList", begin, end), `errorCode="203"`},
		{"AddVehiclePlate", add("BAD1", "blackList", "", ""), `status="success"`},
		{"AddVehiclePlate", add("BAD2", "temporaryList", begin, end), `errorCode="16"`},
		{"AddVehiclePlate", add("BAD2", "whiteList", "2024-01-01 00:00:00", end), `errorCode="16"`},
		{"AddVehiclePlate", add("", "whiteList", begin, end), `errorCode="15"`},
		{"AddVehiclePlate", add("BAD2", "strangerList", begin, end), `status="success"`},
		{"AddVehiclePlate", add("FULL", "whiteList", begin, end), `errorCode="202"`},
		{"GetVehiclePlate", get(0, 2, "allList", ""), `total="3" count="2"><item><carPlateNumber type="string">ABC1234</carPlateNumber><beginTime type="string"><![CDATA[2024/01/01 00:00:00]]></beginTime><endTime type="string"><![CDATA[2030/12/31 23:59:59]]></endTime><carOwner type="string"><![CDATA[John & Co]]></carOwner><plateItemType type="plateItemType">whiteList</plateItemType></item>`},
		{"GetVehiclePlate", get(1, 2, "allList", ""), `total="3" count="1"><item><carPlateNumber type="string">BAD2<`},
		{"GetVehiclePlate", get(2, 2, "allList", ""), `total="3" count="0"></vehiclePlates>`},
		{"GetVehiclePlate", get(0, 10, "blackList", ""), `total="1" count="1"><item><carPlateNumber type="string">BAD1<`},
		{"GetVehiclePlate", get(0, 10, "allList", "C12"), `total="1" count="1"><item><carPlateNumber type="string">ABC1234<`},
		{"GetVehiclePlate", get(0, 0, "allList", ""), `errorCode="16"`},
		{"GetVehiclePlate", `<config></config>`, `errorCode="15"`},
		{"ModifyVehiclePlate", add("ABC1234", "whiteList", begin, end), `errorCode="1"`},
		{"DeleteVehiclePlate", add("ABC1234", "whiteList", begin, end), `errorCode="1"`},
		{"GetLicensePlateGroups", "", `errorCode="1"`},
	} {
		if w := ask(cam, "POST", "/"+c.path, "", "", c.body); !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s\n got %d %s\nwant %s", c.path, c.body, w.Code, w.Body, c.want)
		}
	}
	at := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	if now, then := cam.ListOf("ABC1234", time.Now()), cam.ListOf("ABC1234", at); now != "whiteList" || then != "" {
		t.Errorf("on %q now, on %q when it is over", now, then)
	}
	// Older documents mean other lists by the same ids.
	older := sim.NewCamera(sim.Options{Groups: sim.OlderGroups()})
	if w := ask(older, "POST", "/GetLicensePlateGroups", "", "", ""); !strings.Contains(w.Body.String(), `<groupId type="string">1</groupId><groupName type="string">whiteList</groupName>`) {
		t.Errorf("older groups: %s", w.Body)
	}
}

func TestManyPlatesAreNoBurden(t *testing.T) {
	const n = 6_000
	cam := sim.NewCamera(sim.Options{MaxPlates: n})
	start := time.Now()
	for i := 0; i < n; i += 100 {
		var b strings.Builder
		b.WriteString(`<config><licensePlates>`)
		for j := range 100 {
			fmt.Fprintf(&b, "<item><index>%d</index><licensePlateNumber>P%05d</licensePlateNumber><groupId>2</groupId></item>", j+1, i+j)
		}
		b.WriteString(`</licensePlates></config>`)
		if w := ask(cam, "POST", "/AddLicensePlates", "", "", b.String()); strings.Contains(w.Body.String(), `errorCode="`) || strings.Contains(w.Body.String(), ">203<") {
			t.Fatal(w.Body)
		}
	}
	for i := range n {
		if i%10 == 7 {
			continue
		}
		body := fmt.Sprintf("<config><deleteAction><licensePlateNumber>P%05d</licensePlateNumber><groupId>2</groupId></deleteAction></config>", i)
		if w := ask(cam, "POST", "/DeleteLicensePlate", "", "", body); !strings.Contains(w.Body.String(), `errorCode="0"`) {
			t.Fatal(w.Body)
		}
	}
	left := cam.Plates()
	if len(left) != n/10 || left[0].Number != "P00007" || left[n/10-1].Number != "P05997" ||
		!slices.IsSortedFunc(left, func(a, b sim.ListEntry) int { return strings.Compare(a.Number, b.Number) }) {
		t.Errorf("%d plates are left, from %s", len(left), left[0].Number)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}
