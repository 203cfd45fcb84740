package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// personality is a kind of device and the way it is reached.
type personality struct {
	api      sim.API
	recorder bool
	auth     sim.Auth
	https    bool
}

func (p personality) String() string {
	kind, scheme := "camera", "http"
	if p.recorder {
		kind = "recorder"
	}
	if p.https {
		scheme = "https"
	}
	return strings.Join([]string{kind, string(p.api), string(p.auth), scheme}, " ")
}

func personalities() []personality {
	var out []personality
	for _, recorder := range []bool{false, true} {
		for _, api := range []sim.API{sim.API19, sim.API20, sim.API21} {
			for _, auth := range []sim.Auth{sim.Basic, sim.Digest} {
				for _, https := range []bool{false, true} {
					out = append(out, personality{api, recorder, auth, https})
				}
			}
		}
	}
	return out
}

// bench is a device and a client for it.
type bench struct {
	personality
	cam *sim.Camera
	rec *recorder
	c   *client.Client
}

// later tells whether the device is of the second generation.
func (b bench) later() bool { return b.api != sim.API19 }

// set puts the device on the network. What it has comes from the documents of
// the devices, not from what the simulator says of itself.
func set(t *testing.T, p personality) bench {
	t.Helper()
	ground := []sim.Point{{500, 400}, {9500, 400}, {9500, 9000}, {500, 9000}}
	o := sim.Options{
		Identity: sim.Identity{Name: "Gate <&>", MAC: "58:5B:69:00:00:02", SN: "SIM00000GATE"},
		Username: "admin", Password: "s3cret", Auth: p.auth, API: p.api, Recorder: p.recorder, Thermal: true, Location: time.UTC,
		Detections: []sim.Detection{
			{Detector: "perimeter", On: true, Hold: 15 * time.Second, Regions: [][]sim.Point{nil, ground}, Classes: []string{"person", "car"}},
			{Detector: "region_entry", Regions: [][]sim.Point{ground}},
			{Detector: "region_exit", On: true, Regions: [][]sim.Point{ground}},
			{Detector: "loitering", On: true, Regions: [][]sim.Point{ground}},
			{Detector: "parking", On: true, Regions: [][]sim.Point{ground}},
			{Detector: "tripwire", On: true, Lines: []sim.Line{{From: sim.Point{5000, 1000}, To: sim.Point{5000, 9000}, Direction: "rightortop"}}},
			{Detector: "line_count", On: true, Lines: []sim.Line{{From: sim.Point{0, 6000}, To: sim.Point{10000, 6000}, Direction: "leftorbotton"}}},
			{Detector: "plate", On: true, Regions: [][]sim.Point{ground}},
			{Detector: "face", On: true},
			{Detector: "metadata"},
			{Detector: "thermal", On: true},
		},
	}
	b := bench{personality: p, cam: sim.NewCamera(o)}
	must(t, b.cam.SetPush(sim.Push{Slots: []sim.PushSlot{{ID: 2, On: true, Protocol: "http", Domain: "user.example.com", Port: 80, Path: "/theirs",
		Authentication: "none", Interval: time.Minute, Data: []string{"alarmStatus"}, Events: []string{"ALL"}}}}))
	b.rec = &recorder{next: b.cam}
	srv := httptest.NewUnstartedServer(b.rec)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	cfg := client.Config{Username: "admin", Password: "s3cret"}
	if p.https {
		srv.StartTLS()
		shown, err := client.Certificate(t.Context(), srv.URL, 0)
		must(t, err)
		cfg.Pin = shown.Fingerprint
	} else {
		srv.Start()
	}
	t.Cleanup(srv.Close)
	cfg.URL = srv.URL
	b.c = dial(t, cfg)
	return b
}

// same compares what came with what was expected.
func same(got, want any) error {
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("got\n %+v, want\n %+v", got, want)
	}
	return nil
}

// first gives the first error.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// raw makes sure that an answer was kept as XML, and takes it away.
func raw(b *[]byte) error {
	if !strings.Contains(string(*b), "<config") {
		return fmt.Errorf("kept %q", *b)
	}
	*b = nil
	return nil
}

// conformance is one command: what must come of it on a device that has it, and
// the kind of error on one that has not.
type conformance struct {
	name  string
	has   func(bench) bool
	lacks error
	do    func(ctx context.Context, b bench) error
}

func all(bench) bool        { return true }
func later(b bench) bool    { return b.later() }
func camera(b bench) bool   { return !b.recorder }
func licenses(b bench) bool { return !b.recorder && b.api == sim.API21 }

func conformanceSuite() []conformance {
	suite := []conformance{
		{"GetDeviceInfo", all, nil, func(ctx context.Context, b bench) error {
			d, err := b.c.GetDeviceInfo(ctx)
			if err := first(err, raw(&d.Raw)); err != nil {
				return err
			}
			want := []any{"Gate <&>", "58:5b:69:00:00:02", "SIM00000GATE", string(b.api), 1, 1}
			if b.recorder {
				want[4], want[5] = 4, 16
				if !b.later() {
					want[3] = "" // nothing tells it
				}
			}
			return same([]any{d.Name, d.MAC, d.SN, d.APIVersion, d.Channels, d.AlarmIn}, want)
		}},
		{"GetSupportedAPIs", later, client.ErrUnknownCommand, func(ctx context.Context, b bench) error {
			apis, err := b.c.GetSupportedAPIs(ctx)
			return first(err, same([]bool{slices.IsSorted(apis), slices.Contains(apis, "GetAlarmStatus"), slices.Contains(apis, "SetHttpPostConfig")}, []bool{true, true, !b.recorder}))
		}},
		{"GetDateAndTime", all, nil, func(ctx context.Context, b bench) error {
			clock, err := b.c.GetDateAndTime(ctx)
			if d := time.Since(clock.Time); err == nil && (d < 0 || d > time.Minute) {
				return fmt.Errorf("the clock is %s off", d)
			}
			return err
		}},
		{"GetChannels", func(b bench) bool { return b.later() || b.recorder }, client.ErrUnknownCommand, func(ctx context.Context, b bench) error {
			if b.recorder {
				if err := b.cam.SetChannel(2, false); err != nil {
					return err
				}
				defer func() { _ = b.cam.SetChannel(2, true) }()
			}
			list, err := b.c.GetChannels(ctx)
			if err != nil {
				return err
			}
			want := []client.Channel{{ID: 1, Name: "channel1", Online: true, HasOnline: true}}
			if b.recorder {
				want = append(want, client.Channel{ID: 2, Name: "channel2", HasOnline: true},
					client.Channel{ID: 3, Name: "channel3", Online: true, HasOnline: true}, client.Channel{ID: 4, Name: "channel4", Online: true, HasOnline: true})
			}
			for i := range want {
				if !b.later() {
					want[i].Name = ""
				}
			}
			return same(list, want)
		}},
		{"GetAlarmInInfo", later, client.ErrUnknownCommand, func(ctx context.Context, b bench) error {
			list, err := b.c.GetAlarmInInfo(ctx)
			if err != nil {
				return err
			}
			if !b.recorder {
				return same(list, []client.AlarmInput{{ID: 1}})
			}
			return same([]any{len(list), list[15].Virtual, list[16]}, []any{32, false, client.AlarmInput{ID: 17, Virtual: true}})
		}},
		{"GetAlarmStatus", all, nil, func(ctx context.Context, b bench) error {
			id := 1
			if b.recorder {
				id = 3
			}
			must := func(on bool) error {
				return first(b.cam.SetAlarm("motionAlarm", id, on), b.cam.SetAlarm("sensorAlarmIn", 1, on))
			}
			if err := must(true); err != nil {
				return err
			}
			got, err := b.c.GetAlarmStatus(ctx)
			if err := first(err, raw(&got.Raw), must(false)); err != nil {
				return err
			}
			var on []client.AlarmState
			for _, s := range got.States {
				if s.On {
					on = append(on, s)
				}
			}
			want := []client.AlarmState{{Name: "motion", ID: id, Channel: id, On: true}, {Name: "sensor", ID: 1, On: true}}
			return first(same(on, want), same([]any{got.ActiveOnly, got.Problems}, []any{b.recorder, []string(nil)}))
		}},
		{"GetSnapshot", all, nil, func(ctx context.Context, b bench) error {
			picture, err := b.c.GetSnapshot(ctx, 1)
			return first(err, same(len(picture) > 100, true))
		}},
		{"GetSnapshot of no channel", all, nil, func(ctx context.Context, b bench) error {
			_, err := b.c.GetSnapshot(ctx, 9)
			var e *client.Error
			if !errors.As(err, &e) {
				return fmt.Errorf("no refusal: %w", err)
			}
			// The first generation says nothing but that it does not like it.
			return same(e.Code, map[bool]int{true: 12, false: 1}[b.later()])
		}},
		{"ManualAlarmOut", all, nil, func(ctx context.Context, b bench) error {
			return first(b.c.ManualAlarmOut(ctx, 1, true), same(b.cam.Output(1), true), b.c.ManualAlarmOut(ctx, 1, false), same(b.cam.Output(1), false),
				b.c.ManualAlarmOut(ctx, 0, true), b.c.ManualAlarmOut(ctx, 0, false))
		}},
		{"TriggerVirtualAlarm", func(b bench) bool { return b.recorder && b.later() }, client.ErrUnknownCommand, func(ctx context.Context, b bench) error {
			return first(b.c.TriggerVirtualAlarm(ctx, 17), same(b.cam.Stats().Triggered, []int{17}))
		}},
		{"GetPassLineCountStatistics", func(b bench) bool { return camera(b) && b.later() }, client.ErrUnknownCommand, func(ctx context.Context, b bench) error {
			got, err := b.c.GetPassLineCountStatistics(ctx, 1)
			return first(err, raw(&got.Raw), same(got, client.LineCounts{}))
		}},
		{"GetHttpPostConfig and SetHttpPostConfig", camera, client.ErrUnknownCommand, func(ctx context.Context, b bench) error {
			p, err := b.c.GetHttpPostConfig(ctx)
			if err := first(err, raw(&p.Raw)); err != nil {
				return err
			}
			v1 := *p.V1
			with, err := p.WithSlot(ours())
			if err := first(err, b.c.SetHttpPostConfig(ctx, with)); err != nil {
				return err
			}
			now := b.cam.Push()
			if err := same([]any{len(now.Slots), now.Slots[0].Path, now.Slots[0].ID, now.Slots[1].Path, now.Slots[1].ID, now.V1}, []any{2, "/theirs", 2, "/c/t0ken", 1, sim.PushV1{}}); err != nil {
				return err
			}
			v1.On, v1.Server = true, "192.168.0.10"
			first1, err := p.WithV1(v1)
			if err := first(err, b.c.SetHttpPostConfig(ctx, first1)); err != nil {
				return err
			}
			again, err := b.c.GetHttpPostConfig(ctx)
			return first(err, same([]any{again.Slots, *again.V1}, []any{p.Slots, v1}))
		}},
		{"LicensePlates", licenses, client.ErrNoPlateLists, func(ctx context.Context, b bench) error {
			groups, err := b.c.GetLicensePlateGroups(ctx)
			if err != nil {
				return err
			}
			if err := same(groups, []client.Group{{ID: "1", Name: "temporaryList"}, {ID: "2", Name: "whiteList"}, {ID: "3", Name: "blackList"}}); err != nil {
				return err
			}
			owner, until := "Ann <&>", time.Date(2030, 1, 31, 23, 59, 59, 0, time.UTC)
			added, err := b.c.AddLicensePlates(ctx, []client.PlateEntry{{Number: "ABC1234", GroupID: "2"}, {Number: "ABC1234", GroupID: "3"}})
			if err != nil {
				return err
			}
			if added[0].Err != nil || !errors.Is(added[1].Err, client.ErrExists) {
				return fmt.Errorf("added %v", added)
			}
			if err := b.c.ModifyLicensePlate(ctx, client.PlateChange{Number: "ABC1234", GroupID: "2", Owner: &owner, End: until}); err != nil {
				return err
			}
			page, err := b.c.GetLicensePlates(ctx, "2", 1, 100)
			if err != nil {
				return err
			}
			if len(page.Plates) != 1 || page.Total != 1 || page.Plates[0].Owner != owner || !page.Plates[0].End.Equal(until) {
				return fmt.Errorf("listed %+v", page)
			}
			if err := b.c.DeleteLicensePlate(ctx, "2", "ABC1234"); err != nil {
				return err
			}
			if err := b.c.DeleteLicensePlate(ctx, "2", "ABC1234"); !errors.Is(err, client.ErrNotFound) {
				return fmt.Errorf("deleted twice: %w", err)
			}
			page, err = b.c.GetLicensePlates(ctx, "2", 1, 100)
			return first(err, same(page, client.PlatePage{}))
		}},
		{"plates in either dialect", camera, client.ErrNoPlateLists, func(ctx context.Context, b bench) error {
			plate := client.Plate{Number: "XYZ789", Group: "allow", Owner: "Bob", Begin: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2030, 1, 31, 23, 59, 59, 0, time.UTC)}
			if err := b.c.AddPlate(ctx, plate); err != nil {
				return err
			}
			list, err := b.c.AllPlates(ctx)
			if err != nil {
				return err
			}
			if len(list) != 1 || list[0].Number != plate.Number || list[0].Group != client.AllowGroup || list[0].Owner != "Bob" || !list[0].End.Equal(plate.End) {
				return fmt.Errorf("listed %+v", list)
			}
			owner := "Cid"
			modified := b.c.ModifyPlate(ctx, "allow", client.PlateChange{Number: plate.Number, Owner: &owner})
			moved := b.c.MovePlate(ctx, "allow", "block", plate)
			removed := b.c.RemovePlate(ctx, "block", plate.Number)
			if licenses(b) {
				return first(modified, moved, removed, same(len(b.cam.Plates()), 0))
			}
			for _, err := range []error{modified, moved, removed} {
				if !errors.Is(err, client.ErrNotDocumented) {
					return fmt.Errorf("what is not documented gave %w", err)
				}
			}
			return same(b.cam.ListOf(plate.Number, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)), "whiteList")
		}},
		{"a write by name", func(bench) bool { return false }, client.ErrNotDocumented, func(ctx context.Context, b bench) error {
			_, err := b.c.Query(ctx, "SetSmartPerimeterConfig", 0)
			return err
		}},
		{"a read by name", camera, client.ErrUnknownCommand, func(ctx context.Context, b bench) error {
			got, err := b.c.Query(ctx, "GetDeviceDetail", 0)
			return first(err, same(strings.Contains(string(got), "supportPerimeter"), true))
		}},
		// From here on the client knows what the device has.
		{"Capabilities", all, nil, func(ctx context.Context, b bench) error {
			k, err := b.c.Capabilities(ctx)
			if err != nil {
				return err
			}
			plates, push := client.VehiclePlate, client.PushSecond
			if licenses(b) {
				plates = client.LicensePlates
			}
			channels := 1
			if b.recorder {
				plates, push, channels = client.NoPlateDialect, client.NoPush, 4
			}
			n := len(b.rec.all())
			if _, err := b.c.Capabilities(ctx); err != nil {
				return err
			}
			return same([]any{k.APIs != nil, k.Plates, k.Push, k.Channels, k.Info.SN, len(b.rec.all()) - n}, []any{b.later(), plates, push, channels, "SIM00000GATE", 0})
		}},
		{"a write that is known to be missing", func(b bench) bool { return licenses(b) || !b.later() }, client.ErrNotDocumented, func(ctx context.Context, b bench) error {
			n := len(b.rec.all())
			_, err := b.c.AddLicensePlates(ctx, []client.PlateEntry{{Number: "LATE1", GroupID: "1"}})
			if !b.later() {
				// It cannot say what it has, so that it is asked.
				if !errors.Is(err, client.ErrUnknownCommand) && !errors.Is(err, client.ErrNoPlateLists) {
					return fmt.Errorf("a device that cannot say: %w", err)
				}
				return same(len(b.rec.all()) > n, true)
			}
			if err != nil && len(b.rec.all()) != n {
				return fmt.Errorf("it was sent: %w", err)
			}
			return err
		}},
	}
	for _, d := range client.Detectors() {
		suite = append(suite, conformance{d.Command(),
			func(b bench) bool { return camera(b) && (d != client.Thermal || b.later()) }, client.ErrUnknownCommand,
			func(ctx context.Context, b bench) error { return detectionIs(ctx, b, d) }})
	}
	return suite
}

// detectionIs reads a detector and compares it with what the camera was given.
func detectionIs(ctx context.Context, b bench, d client.Detector) error {
	got, err := b.c.GetDetection(ctx, d, 1)
	if err := first(err, raw(&got.Raw)); err != nil {
		return err
	}
	if d == client.PlateDetection && (got.Sensitivity == 0 || got.Area == "") {
		return fmt.Errorf("sensitivity and area are missing: %+v", got)
	}
	var want sim.Detection
	for _, s := range b.cam.Detections() {
		if s.Detector == d.Word() {
			want = s
		}
	}
	var regions []client.Region
	for i, r := range want.Regions {
		region := client.Region{ID: i + 1}
		for _, p := range r {
			region.Points = append(region.Points, client.Point{X: int(p[0]), Y: int(p[1])})
		}
		if len(r) > 0 {
			regions = append(regions, region)
		}
	}
	var lines []client.Line
	for i, l := range want.Lines {
		lines = append(lines, client.Line{ID: i + 1, From: client.Point{X: int(l.From[0]), Y: int(l.From[1])}, To: client.Point{X: int(l.To[0]), Y: int(l.To[1])}, Direction: l.Direction})
	}
	if err := same([]any{got.Detector, got.On, got.HasSwitch, got.Regions, got.Lines, got.Problems}, []any{d, want.On, true, regions, lines, []string(nil)}); err != nil {
		return err
	}
	if d != client.Perimeter {
		return nil
	}
	classes := map[string]bool{}
	for _, f := range got.Filters {
		classes[f.Class] = f.On
	}
	return same([]any{got.Hold, classes["person"], classes["car"], classes["motor"]}, []any{15 * time.Second, true, true, false})
}

// Every command against every kind of device, over every way of logging in.
// What a device does not have is a typed error, and no login is ever wrong.
func TestConformance(t *testing.T) {
	for _, p := range personalities() {
		t.Run(p.String(), func(t *testing.T) {
			b := set(t, p)
			for _, k := range conformanceSuite() {
				err := k.do(t.Context(), b)
				switch {
				case k.has(b) && err != nil:
					t.Errorf("%s: %v", k.name, err)
				case !k.has(b) && !errors.Is(err, k.lacks):
					t.Errorf("%s: %v, want an error of the kind %q", k.name, err, k.lacks)
				}
			}
			if s := b.cam.Stats(); s.BadLogins != 0 {
				t.Errorf("%d logins counted as wrong", s.BadLogins)
			}
		})
	}
}
