package client_test

import (
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/viewtron/client"
)

// scripted is a device that answers each command with a text; to one that is
// not in it with an empty 400.
func scripted(t *testing.T, answers map[string]string) (*recorder, *client.Client) {
	t.Helper()
	rec, url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[strings.TrimPrefix(r.URL.Path, "/")]
		if !ok {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(w, body)
	}))
	return rec, dial(t, client.Config{URL: url})
}

func list(names ...string) string {
	return "<config><applicationInterfaces><item>" + strings.Join(names, "</item><item>") + "</item></applicationInterfaces></config>"
}

const (
	cameraInfo = "<config><deviceInfo><model>M</model><apiVersion>2.1.0</apiVersion><chlMaxCount>1</chlMaxCount></deviceInfo></config>"
	secondPush = `<config><httpPost/><httpPostV2><postUrlConf><urlList type="list" count="0" maxCount="3"/></postUrlConf></httpPostV2></config>`
	firstPush  = "<config><httpPost><bSwitch>false</bSwitch></httpPost></config>"
	success    = `<config status="success"/>`
)

func TestWhatADeviceCanDoIsFoundOut(t *testing.T) {
	refusal := func(code string) string { return `<config status="failed" errorCode="` + code + `"/>` }
	for _, tc := range []struct {
		name    string
		answers map[string]string
		want    client.Capabilities
		asked   string
	}{
		{"current camera", map[string]string{"GetDeviceInfo": cameraInfo, "GetHttpPostConfig": secondPush,
			"GetSupportedAPIs": list("GetLicensePlateGroups", "AddLicensePlates", "GetVehiclePlate", "GetDeviceInfo")},
			client.Capabilities{APIs: []string{"AddLicensePlates", "GetDeviceInfo", "GetLicensePlateGroups", "GetVehiclePlate"},
				Plates: client.LicensePlates, Push: client.PushSecond, Channels: 1},
			"/GetDeviceInfo, /GetSupportedAPIs, /GetHttpPostConfig"},
		{"older plates", map[string]string{"GetDeviceInfo": cameraInfo, "GetHttpPostConfig": firstPush, "GetSupportedAPIs": list("AddVehiclePlate")},
			client.Capabilities{APIs: []string{"AddVehiclePlate"}, Plates: client.VehiclePlate, Push: client.PushFirst, Channels: 1},
			"/GetDeviceInfo, /GetSupportedAPIs, /GetHttpPostConfig"},
		{"a recorder", map[string]string{"GetDeviceInfo": "<config><deviceInfo><apiVersion>2.0</apiVersion></deviceInfo></config>", "GetSupportedAPIs": list("GetDeviceInfo"),
			"GetChannelInfo": "<config><channelList><item><channelId>1</channelId></item><item><channelId>2</channelId></item></channelList></config>"},
			client.Capabilities{APIs: []string{"GetDeviceInfo"}, Channels: 2},
			"/GetDeviceInfo, /GetSupportedAPIs, /GetHttpPostConfig, /GetChannelInfo"},
		{"cannot say, probed", map[string]string{"GetDeviceInfo": cameraInfo, "GetLicensePlateGroups": refusal("1"), "GetVehiclePlate": refusal("20")},
			client.Capabilities{Plates: client.VehiclePlate, Channels: 1},
			"/GetDeviceInfo, /GetSupportedAPIs, /GetLicensePlateGroups, /GetVehiclePlate, /GetHttpPostConfig"},
		{"cannot say, has nothing", map[string]string{"GetDeviceInfo": cameraInfo, "GetSupportedAPIs": refusal("1")},
			client.Capabilities{Channels: 1},
			"/GetDeviceInfo, /GetSupportedAPIs, /GetLicensePlateGroups, /GetVehiclePlate, /GetHttpPostConfig"},
		{"an empty list says nothing", map[string]string{"GetDeviceInfo": cameraInfo, "GetSupportedAPIs": "<config/>", "GetLicensePlateGroups": "<config/>"},
			client.Capabilities{Plates: client.LicensePlates, Channels: 1},
			"/GetDeviceInfo, /GetSupportedAPIs, /GetLicensePlateGroups, /GetHttpPostConfig"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rec, c := scripted(t, tc.answers)
			for range 2 {
				got, err := c.Capabilities(t.Context())
				must(t, err)
				got.Info = client.DeviceInfo{}
				if !reflect.DeepEqual(got, tc.want) {
					t.Errorf("got  %+v\nwant %+v", got, tc.want)
				}
			}
			if got := rec.commands(); got != tc.asked {
				t.Errorf("asked\n %s, want\n %s", got, tc.asked)
			}
			c.Forget()
			_, err := c.Capabilities(t.Context())
			must(t, err)
			if n, want := len(rec.all()), 2*len(strings.Split(tc.asked, ", ")); n != want {
				t.Errorf("%d requests after Forget, want %d", n, want)
			}
		})
	}
}

func TestABusyDeviceIsAskedAgainNextTime(t *testing.T) {
	answers := map[string]string{"GetDeviceInfo": cameraInfo, "GetSupportedAPIs": `<config status="failed" errorCode="7"/>`}
	_, c := scripted(t, answers)
	_, err := c.Capabilities(t.Context())
	says(t, err, "GetSupportedAPIs: the camera answered code 7 (busy)")
}

func TestWhatIsKnownOfACommand(t *testing.T) {
	reads := client.Capabilities{APIs: []string{"GetDeviceInfo", "GetSmartPassLineCountConfig"}}
	both := client.Capabilities{APIs: []string{"GetDeviceInfo", "SetHttpPostConfig"}}
	for _, tc := range []struct {
		name       string
		k          client.Capabilities
		command    string
		has, known bool
	}{
		{"cannot say", client.Capabilities{}, "GetDeviceInfo", false, false},
		{"listed", both, "SetHttpPostConfig", true, true},
		{"read not listed", both, "GetSnapshot", false, true},
		{"write not listed", both, "AddLicensePlates", false, true},
		{"write, only reads listed", reads, "AddLicensePlates", false, false},
		{"read, only reads listed", reads, "GetSnapshot", false, true},
		{"listed under its other name", reads, "GetPassLineCountConfig", true, true},
	} {
		if has, known := tc.k.Has(tc.command); has != tc.has || known != tc.known {
			t.Errorf("%s: %v, %v", tc.name, has, known)
		}
	}
}

func TestAWriteTheDeviceDoesNotListIsNotSent(t *testing.T) {
	ctx := t.Context()
	entries := []client.PlateEntry{{Number: "ABC1234", GroupID: "2"}}
	answers := map[string]string{"GetDeviceInfo": cameraInfo, "GetHttpPostConfig": secondPush, "SetHttpPostConfig": success,
		"AddLicensePlates": "<config><licensePlatesReply/></config>", "ManualAlarmOut": success, "TriggerVirtualAlarm/17": success,
		"GetSupportedAPIs": list("GetDeviceInfo", "SetDateAndTime")}
	rec, c := scripted(t, answers)
	_, err := c.AddLicensePlates(ctx, entries)
	must(t, err) // nothing is known yet

	_, err = c.Capabilities(ctx)
	must(t, err)
	n := len(rec.all())
	_, err = c.AddLicensePlates(ctx, entries)
	says(t, err, "AddLicensePlates was not sent: the device's own list of commands does not have it")
	var e *client.NotDocumentedError
	if !errors.Is(err, client.ErrNotDocumented) || !errors.As(err, &e) || e.Command != "AddLicensePlates" {
		t.Errorf("%#v", err)
	}
	if got := len(rec.all()); got != n {
		t.Errorf("%d requests were sent", got-n)
	}
	// Outputs and virtual alarms are tried whatever the device lists.
	must(t, c.ManualAlarmOut(ctx, 0, true))
	must(t, c.ManualAlarmOut(ctx, 0, false))
	must(t, c.TriggerVirtualAlarm(ctx, 17))
	// It showed that it has a second push.
	p, err := c.GetHttpPostConfig(ctx)
	must(t, err)
	with, err := p.WithSlot(ours())
	must(t, err)
	must(t, c.SetHttpPostConfig(ctx, with))

	c.Forget()
	_, err = c.AddLicensePlates(ctx, entries)
	must(t, err)

	delete(answers, "GetHttpPostConfig")
	_, err = c.Capabilities(ctx)
	must(t, err)
	says(t, c.SetHttpPostConfig(ctx, with), "SetHttpPostConfig was not sent: the device's own list of commands does not have it")
}

func TestOnlyReadsAreSentByName(t *testing.T) {
	ctx := t.Context()
	rec, c := scripted(t, map[string]string{"GetDiskInfo": success, "GetImageConfig/2": success})
	raw, err := c.Query(ctx, "GetDiskInfo", 0)
	must(t, err)
	if string(raw) != success {
		t.Errorf("got %q", raw)
	}
	_, err = c.Query(ctx, "GetImageConfig", 2)
	must(t, err)
	for _, command := range []string{"SetSmartPerimeterConfig", "DeleteVehiclePlate", "Get/../SetX", "GetX?a=b", "", "get"} {
		_, err := c.Query(ctx, command, 0)
		says(t, err, command+" was not sent: only reads (Get…) are sent by name, because what a write does to a device is not documented for all of them")
		if !errors.Is(err, client.ErrNotDocumented) {
			t.Errorf("%q: %v", command, err)
		}
	}
	if got, want := rec.commands(), "/GetDiskInfo, /GetImageConfig/2"; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
}

func TestACameraIsNotAskedARecordersQuestion(t *testing.T) {
	beside := `<config><channelIDList type="list" count="1"/><item channelStatus="offline">7</item></config>`
	info := "<config><deviceInfo><deviceDescription>IPCamera</deviceDescription><apiVersion>1.7</apiVersion></deviceInfo></config>"
	rec, c := scripted(t, map[string]string{"GetDeviceInfo": info, "GetChannelList": beside})
	_, err := c.GetChannels(t.Context())
	says(t, err, "GetChannelInfo: the camera answered code 1 (invalid request, or the command is unknown)")
	if got, want := rec.commands(), "/GetChannelInfo, /GetDeviceInfo"; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	_, c = scripted(t, map[string]string{"GetDeviceInfo": strings.Replace(info, "IPCamera", "NVR", 1), "GetChannelList": beside})
	got, err := c.GetChannels(t.Context())
	must(t, err)
	if want := []client.Channel{{ID: 7, HasOnline: true}}; !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestDetectorsHaveACommandAndAWordEach(t *testing.T) {
	want := []string{
		"perimeter GetSmartPerimeterConfig", "tripwire GetSmartTripwireConfig", "region_entry GetSmartAoiEntryConfig",
		"region_exit GetSmartAoiLeaveConfig", "loitering GetSmartLoiteringConfig", "parking GetSmartPvdConfig", "face GetSmartVfdConfig",
		"plate GetSmartVehicleConfig", "line_count GetPassLineCountConfig", "metadata GetSmartVsdConfig", "thermal GetMeasureTemperatureConfig",
	}
	var got []string
	for _, d := range client.Detectors() {
		got = append(got, d.Word()+" "+d.Command())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n %q, want\n %q", got, want)
	}
	rec, c := scripted(t, nil)
	_, err := c.GetDetection(t.Context(), "smell", 1)
	says(t, err, `"smell" is not a detector`)
	_, err = c.GetDetection(t.Context(), client.Thermal, 3)
	if !errors.Is(err, client.ErrUnknownCommand) || rec.commands() != "/GetMeasureTemperatureConfig/3" {
		t.Errorf("%v after %s", err, rec.commands())
	}
}
