package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/viewtron/client"
)

// cameraInfo is what `sallyport camera info` shows. What a camera did not answer is
// absent, and named in Problems; what it has no command for in Cannot.
type cameraInfo struct {
	Name      string         `json:"name"`
	URL       string         `json:"url"`
	Channel   int            `json:"channel,omitempty"`
	Device    deviceWho      `json:"device"`
	Clock     *cameraClock   `json:"clock,omitempty"`
	Channels  []cameraInput  `json:"channels"`
	Detectors []detectorInfo `json:"detectors"`
	Plates    plateInfo      `json:"plates"`
	Push      *pushInfo      `json:"push,omitempty"`
	Cannot    []string       `json:"cannot"`
	Problems  []string       `json:"problems"`
}

type deviceWho struct {
	Name     string `json:"name,omitempty"`
	Model    string `json:"model,omitempty"`
	Brand    string `json:"brand,omitempty"`
	Firmware string `json:"firmware,omitempty"`
	API      string `json:"api,omitempty"`
	MAC      string `json:"mac,omitempty"`
	SN       string `json:"sn,omitempty"`
	Channels int    `json:"channels,omitempty"`
	Contacts int    `json:"contacts,omitempty"`
	Outputs  int    `json:"outputs,omitempty"`
}

type cameraClock struct {
	Time time.Time `json:"time"`
	Zone string    `json:"zone,omitempty"`
	Sync string    `json:"sync,omitempty"`
	Off  float64   `json:"off"` // seconds that it is ahead
}

type cameraInput struct {
	ID     int    `json:"id"`
	Name   string `json:"name,omitempty"`
	Online *bool  `json:"online,omitempty"`
}

type detectorInfo struct {
	Detector string   `json:"detector"`
	On       *bool    `json:"on,omitempty"` // absent: the device did not say
	Regions  int      `json:"regions"`
	Lines    int      `json:"lines"`
	Problems []string `json:"problems,omitempty"`
}

type plateInfo struct {
	Dialect string      `json:"dialect,omitempty"`
	Lists   []plateList `json:"lists"`
}

type plateList struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

type pushInfo struct {
	V1    *pushPlace `json:"v1,omitempty"`
	Max   int        `json:"max"`
	Slots []pushSlot `json:"slots"`
	// unsure says that it is not known where this sallyport is, as the camera sees it.
	unsure bool
}

type pushPlace struct {
	On   bool   `json:"on"`
	URL  string `json:"url,omitempty"` // without our own token
	Ours bool   `json:"ours"`          // it is this sallyport
}

type pushSlot struct {
	ID int `json:"id"`
	pushPlace
	Data   []string `json:"data"`
	Events []string `json:"events"`
}

// runCameraInfo is `sallyport camera info`: who a camera is, what it can do and how
// it is set up. What it does not answer is said beside what it does.
func runCameraInfo(ctx context.Context, p process, args []string) int {
	var sf siteFlags
	var asJSON bool
	fs := p.cameraFlags("info")
	sf.addSite(fs)
	fs.BoolVar(&asJSON, "json", false, "one JSON object")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	d, code, ok := p.openCamera(fs, &sf, rest)
	if !ok {
		return code
	}
	defer d.Close()
	info, err := d.info(ctx)
	if err != nil {
		return p.failed(d.camera.Name, err)
	}
	if asJSON {
		return p.printJSON(info)
	}
	info.text(p.stdout)
	return exitOK
}

// printJSON writes one value as JSON.
func (p process) printJSON(v any) int {
	e := json.NewEncoder(p.stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return p.errorf("%v", err)
	}
	return exitOK
}

// info asks a camera everything. The error is of a camera that does not answer or
// refuses the login; any other refusal is one of the problems.
func (d *siteDevice) info(ctx context.Context) (*cameraInfo, error) {
	i := &cameraInfo{
		Name: d.camera.Name, URL: d.camera.URL, Channel: d.channel, Channels: []cameraInput{}, Detectors: []detectorInfo{},
		Plates: plateInfo{Lists: []plateList{}}, Cannot: []string{}, Problems: []string{},
	}
	caps, err := d.Capabilities(ctx)
	if err != nil {
		if fatal(err) {
			return nil, err
		}
		i.Problems = append(i.Problems, printable(err.Error()))
		if caps.Info, err = d.GetDeviceInfo(ctx); err != nil {
			return nil, err
		}
	}
	w := caps.Info
	i.Device = deviceWho{
		Name: w.Name, Model: w.Model, Brand: w.Brand, Firmware: w.SoftwareVersion, API: w.APIVersion, MAC: w.MAC, SN: w.SN,
		Channels: max(caps.Channels, w.Channels), Contacts: w.AlarmIn, Outputs: w.AlarmOut,
	}
	for _, ask := range []struct {
		what string
		do   func(context.Context, *cameraInfo, client.Capabilities) error
	}{
		{"tell its clock", d.infoClock},
		{"list its channels", d.infoChannels},
		{"tell its detectors", d.infoDetectors},
		{"keep plates", d.infoPlates},
		{"be told where to post by `camera subscribe`: only in its own page", d.infoPush},
	} {
		err := ask.do(ctx, i, caps)
		switch {
		case err == nil:
		case errors.Is(err, client.ErrUnknownCommand):
			i.Cannot = append(i.Cannot, ask.what)
		case fatal(err):
			return nil, err
		default:
			i.Problems = append(i.Problems, printable(err.Error()))
		}
	}
	if w.AlarmOut == 0 {
		i.Cannot = append(i.Cannot, "switch an output: it has none")
	}
	return i, nil
}

// fatal says that it makes no sense to ask on: everything else would fail too.
func fatal(err error) bool {
	return unreachable(err) || errors.Is(err, client.ErrLoginRefused) || errors.Is(err, context.Canceled)
}

func (d *siteDevice) infoClock(ctx context.Context, i *cameraInfo, _ client.Capabilities) error {
	before := time.Now()
	c, err := d.GetDateAndTime(ctx)
	if err != nil {
		return err
	}
	if c.Time.IsZero() {
		return errors.New("its clock cannot be read")
	}
	off := clockOff(c.Time, before, time.Now())
	i.Clock = &cameraClock{Time: c.Time, Zone: c.Zone, Sync: c.Sync, Off: off.Seconds()}
	return nil
}

func (d *siteDevice) infoChannels(ctx context.Context, i *cameraInfo, _ client.Capabilities) error {
	list, err := d.GetChannels(ctx)
	if errors.Is(err, client.ErrUnknownCommand) && i.Device.Channels <= 1 {
		return nil // a camera has one, and nothing to list
	}
	for _, c := range list {
		in := cameraInput{ID: c.ID, Name: c.Name}
		if c.HasOnline {
			in.Online = &c.Online
		}
		i.Channels = append(i.Channels, in)
	}
	return err
}

func (d *siteDevice) infoDetectors(ctx context.Context, i *cameraInfo, caps client.Capabilities) error {
	unknown := 0
	for _, det := range client.Detectors() {
		if has, known := caps.Has(det.Command()); known && !has {
			unknown++
			continue
		}
		got, err := d.GetDetection(ctx, det, d.channel)
		switch {
		case errors.Is(err, client.ErrUnknownCommand):
			unknown++
			continue
		case fatal(err):
			return err
		case err != nil:
			i.Problems = append(i.Problems, printable(err.Error()))
			continue
		}
		one := detectorInfo{Detector: det.Word(), Regions: len(got.Regions), Lines: len(got.Lines), Problems: got.Problems}
		if got.HasSwitch {
			one.On = &got.On
		}
		i.Detectors = append(i.Detectors, one)
	}
	if unknown == len(client.Detectors()) {
		return client.ErrUnknownCommand
	}
	return nil
}

func (d *siteDevice) infoPlates(ctx context.Context, i *cameraInfo, caps client.Capabilities) error {
	i.Plates.Dialect = string(caps.Plates)
	switch caps.Plates {
	case client.LicensePlates:
		groups, err := d.GetLicensePlateGroups(ctx)
		if err != nil {
			return err
		}
		for _, g := range groups {
			page, err := d.GetLicensePlates(ctx, g.ID, 1, 1)
			var refused *client.Error
			if errors.As(err, &refused) && refused.Code == 20 {
				err = nil // nothing is on it
			}
			if err != nil {
				return err
			}
			i.Plates.Lists = append(i.Plates.Lists, plateList{g.Name, page.Total})
		}
		return nil
	case client.VehiclePlate:
		i.Cannot = append(i.Cannot, "change or remove a plate by command: only in its own page")
		return nil
	}
	return client.ErrUnknownCommand
}

func (d *siteDevice) infoPush(ctx context.Context, i *cameraInfo, _ client.Capabilities) error {
	push, err := d.GetHttpPostConfig(ctx)
	if err != nil {
		return err
	}
	i.Push = &pushInfo{Max: push.MaxSlots, Slots: []pushSlot{}}
	home, err := d.home(ctx)
	if err != nil {
		i.Push.unsure = true
		i.Problems = append(i.Problems, "whether it posts here cannot be said: "+printable(err.Error()))
	}
	if v := push.V1; v != nil {
		i.Push.V1 = &pushPlace{On: v.On, Ours: home.is(v.Server, v.Port, v.Path)}
		if v.Server != "" {
			i.Push.V1.URL = home.masked("http://" + net.JoinHostPort(v.Server, strconv.Itoa(v.Port)) + v.Path)
		}
	}
	for _, s := range push.Slots {
		if s.Domain == "" {
			continue
		}
		i.Push.Slots = append(i.Push.Slots, pushSlot{
			s.ID, pushPlace{s.On, home.masked(slotURL(s)), home.is(s.Domain, s.Port, s.Path)}, s.Data, s.Events,
		})
	}
	return nil
}

// text writes what is known for people.
func (i *cameraInfo) text(w io.Writer) {
	var b bytes.Buffer
	line := func(what, text string) { fmt.Fprintf(&b, "%-11s%s\n", what, printable(text)) }
	line(i.Name, whoText(client.DeviceInfo{
		Name: i.Device.Name, Model: i.Device.Model, Brand: i.Device.Brand, SoftwareVersion: i.Device.Firmware, APIVersion: i.Device.API,
		MAC: i.Device.MAC, SN: i.Device.SN,
	}))
	at := i.URL
	if i.Channel > 0 {
		at += ", channel " + strconv.Itoa(i.Channel)
	}
	line("address", at)
	if c := i.Clock; c != nil {
		off := time.Duration(c.Off * float64(time.Second))
		line("clock", clockText(client.DateTime{Time: c.Time, Zone: c.Zone, Sync: c.Sync}, off))
	}
	for _, c := range i.Channels {
		text := strconv.Itoa(c.ID)
		if c.Name != "" {
			text += " " + c.Name
		}
		if c.Online != nil && !*c.Online {
			text += ", offline"
		}
		line("channel", text)
	}
	for _, d := range i.Detectors {
		var parts []string
		switch {
		case d.On == nil:
			parts = append(parts, "it does not say whether it is on")
		default:
			parts = append(parts, onOff(*d.On))
		}
		if d.Regions > 0 {
			parts = append(parts, count(d.Regions, "region"))
		}
		if d.Lines > 0 {
			parts = append(parts, count(d.Lines, "line"))
		}
		line("detector", d.Detector+" "+strings.Join(append(parts, d.Problems...), ", "))
	}
	for _, l := range i.Plates.Lists {
		line("plates", l.Name+": "+count(l.Count, "plate"))
	}
	if i.Plates.Dialect != "" {
		line("plates", "the "+i.Plates.Dialect+" commands")
	}
	if p := i.Push; p != nil {
		ours := false
		if p.V1 != nil {
			line("push v1", p.V1.text())
			ours = p.V1.Ours && p.V1.On
		}
		for _, s := range p.Slots {
			line("push "+strconv.Itoa(s.ID), s.text()+", "+strings.Join(s.Data, " ")+", events "+strings.Join(s.Events, " "))
			ours = ours || s.Ours && s.On
		}
		if p.Max > 0 {
			line("push", fmt.Sprintf("%d of %s used", len(p.Slots), count(p.Max, "slot")))
		}
		if !ours && !p.unsure {
			line("push", "nothing is posted to this sallyport: `sallyport camera subscribe "+i.Name+"` sets it up")
		}
	}
	for _, c := range i.Cannot {
		line("cannot", c)
	}
	for _, p := range i.Problems {
		line("problem", p)
	}
	_, _ = w.Write(b.Bytes())
}

func (p *pushPlace) text() string {
	text := onOff(p.On)
	if p.URL == "" {
		return text
	}
	text += ", " + p.URL
	if p.Ours {
		text += " (this sallyport)"
	}
	return text
}

// whoText is who a device is in one line.
func whoText(d client.DeviceInfo) string {
	var parts []string
	if d.Name != "" {
		parts = append(parts, strconv.Quote(d.Name))
	}
	for _, k := range [][2]string{{"model", d.Model}, {"brand", d.Brand}, {"firmware", d.SoftwareVersion}, {"API", d.APIVersion}, {"mac", d.MAC}, {"sn", d.SN}} {
		if k[1] != "" {
			parts = append(parts, k[0]+" "+k[1])
		}
	}
	if len(parts) == 0 {
		return "it says nothing of itself"
	}
	return printable(strings.Join(parts, ", "))
}

// ntpOver is how far a camera's clock may be off without a word about it.
const ntpOver = 2 * time.Second

// clockOff is how far a device's clock, which shows whole seconds, is ahead of ours,
// when the answer came between two moments. Half a second either way is the clock's
// own doubt.
func clockOff(shown, before, after time.Time) time.Duration {
	middle := before.Add(after.Sub(before) / 2)
	return shown.Add(500 * time.Millisecond).Sub(middle)
}

// clockText is a device's clock in one line; empty when it cannot be read.
func clockText(c client.DateTime, off time.Duration) string {
	if c.Time.IsZero() {
		return ""
	}
	text := c.Time.Format(time.DateTime)
	if c.Zone != "" {
		text += " " + c.Zone
	}
	if c.Sync != "" {
		text += ", set by " + c.Sync
	}
	way := "ahead"
	if off < 0 {
		way = "behind"
	}
	switch {
	case off.Abs() <= ntpOver:
		text += ", right"
	default:
		text += fmt.Sprintf(", %s %s: set NTP", howFar(off), way)
		if near := off.Round(30 * time.Minute); near != 0 && (off-near).Abs() <= ntpOver {
			text += ", or the time zone is another one than the site file's"
		}
	}
	return printable(text)
}

// runCameraCounts is `sallyport camera counts`: how many crossed the counting line.
func runCameraCounts(ctx context.Context, p process, args []string) int {
	var sf siteFlags
	var asJSON bool
	fs := p.cameraFlags("counts")
	sf.addSite(fs)
	fs.BoolVar(&asJSON, "json", false, "one JSON object")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	d, code, ok := p.openCamera(fs, &sf, rest)
	if !ok {
		return code
	}
	defer d.Close()
	c, err := d.GetPassLineCountStatistics(ctx, d.channel)
	if errors.Is(err, client.ErrUnknownCommand) {
		return p.errorf("camera %q: it has no counting line that can be asked (%s)", d.camera.Name, printable(err.Error()))
	}
	if err != nil {
		return p.failed(d.camera.Name, err)
	}
	if asJSON {
		type classes struct {
			Person int `json:"person"`
			Car    int `json:"car"`
			Bike   int `json:"bike"`
		}
		return p.printJSON(struct {
			Name    string  `json:"name"`
			Entered classes `json:"entered"`
			Left    classes `json:"left"`
		}{d.camera.Name, classes(c.Entered), classes(c.Left)})
	}
	for _, row := range []struct {
		word string
		n    client.ClassCount
	}{{"entered", c.Entered}, {"left", c.Left}} {
		fmt.Fprintf(p.stdout, "%-8s person %d, car %d, bike %d\n", row.word, row.n.Person, row.n.Car, row.n.Bike)
	}
	return exitOK
}

// runCameraSnapshot is `sallyport camera snapshot`: a picture, as it is now.
func runCameraSnapshot(ctx context.Context, p process, args []string) int {
	var sf siteFlags
	var out string
	fs := p.cameraFlags("snapshot")
	sf.addSite(fs)
	fs.StringVar(&out, "o", "-", "write the picture (JPEG) to this `file`; - is stdout")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if (out == "-" || out == "") && isTerminal(p.stdout) {
		fmt.Fprintf(p.stderr, "%s: a picture is nothing for a terminal: name a file with -o, or send it on\n", fs.Name())
		return exitUsage
	}
	d, code, ok := p.openCamera(fs, &sf, rest)
	if !ok {
		return code
	}
	defer d.Close()
	picture, err := d.GetSnapshot(ctx, d.channel)
	if err != nil {
		return p.failed(d.camera.Name, err)
	}
	if out == "-" || out == "" {
		if _, err := p.stdout.Write(picture); err != nil {
			return p.errorf("%v", err)
		}
		return exitOK
	}
	if err := writeWhole(out, picture); err != nil {
		return p.errorf("%v", err)
	}
	fmt.Fprintf(p.stdout, "%s: %d bytes\n", out, len(picture))
	return exitOK
}

// writeWhole writes a file, whole or not at all. What is there and no file, a pipe or
// a device, is written to as it is.
func writeWhole(name string, data []byte) (err error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(name, data, 0o644)
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
