package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DeviceInfo is who a device says it is. Empty and zero mean that it did not say.
type DeviceInfo struct {
	Name, Model, Brand, Description string
	MAC                             string // lower case with colons
	SN                              string
	SoftwareVersion                 string
	APIVersion                      string // "" on v1 firmware that does not tell it anywhere
	HTTPPostVersion                 string
	Channels                        int // chlMaxCount
	AlarmIn, AlarmOut               int // counts of contacts and outputs
	Raw                             []byte
}

// GetDeviceInfo asks who the device is. Where it does not say its API version
// (v1), GetDeviceDetail is asked too; a refusal of that is no error.
func (c *Client) GetDeviceInfo(ctx context.Context) (DeviceInfo, error) {
	n, raw, err := c.do(ctx, call{command: "GetDeviceInfo"})
	if err != nil {
		return DeviceInfo{}, err
	}
	d := deviceInfo(n.at("deviceInfo"))
	d.Raw = raw
	if d.APIVersion != "" {
		return d, nil
	}
	n, _, err = c.do(ctx, call{command: "GetDeviceDetail"})
	var refused *Error
	switch {
	case err == nil:
		detail := deviceInfo(n.at("detail", "property"))
		d.APIVersion = detail.APIVersion
		if d.HTTPPostVersion == "" {
			d.HTTPPostVersion = detail.HTTPPostVersion
		}
	case errors.As(err, &refused) && !errors.Is(err, ErrLoginRefused):
	default:
		return DeviceInfo{}, err
	}
	return d, nil
}

func deviceInfo(n *node) DeviceInfo {
	count := func(name string) int { v, _ := number(n.at(name).text); return v }
	return DeviceInfo{
		Name: n.at("deviceName").text, Model: n.at("model").text, Brand: n.at("brand").text,
		Description: n.at("deviceDescription").text,
		MAC:         strings.ReplaceAll(strings.ToLower(n.at("mac").text), "-", ":"),
		SN:          n.at("sn").text, SoftwareVersion: n.at("softwareVersion").text,
		APIVersion: n.at("apiVersion").text, HTTPPostVersion: n.at("httpPostVersion").text,
		Channels: count("chlMaxCount"), AlarmIn: count("alarmInCount"), AlarmOut: count("alarmOutCount"),
	}
}

// GetSupportedAPIs asks which commands the device has: sorted, each once. v1
// firmware does not know the question: then the error is [ErrUnknownCommand].
func (c *Client) GetSupportedAPIs(ctx context.Context) ([]string, error) {
	n, _, err := c.do(ctx, call{command: "GetSupportedAPIs"})
	if err != nil {
		return nil, err
	}
	return supportedAPIs(n), nil
}

func supportedAPIs(n *node) []string {
	var names []string
	for _, it := range n.at("applicationInterfaces").items() {
		if it.text != "" {
			names = append(names, it.text)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// DateTime is a device's clock.
type DateTime struct {
	Time time.Time // the device's wall clock, read in Config.Location; zero when unreadable
	Zone string    // as the device writes it, for example "CST-8"
	Sync string    // "NTP", "manually", …
	Raw  []byte
}

// GetDateAndTime reads the device's clock.
func (c *Client) GetDateAndTime(ctx context.Context) (DateTime, error) {
	n, raw, err := c.do(ctx, call{command: "GetDateAndTime"})
	if err != nil {
		return DateTime{}, err
	}
	d := dateTime(n, c.location)
	d.Raw = raw
	return d, nil
}

func dateTime(n *node, loc *time.Location) DateTime {
	t := n.at("time")
	return DateTime{
		Time: parseTime(t.at("synchronizeInfo", "currentTime").text, loc),
		Zone: t.at("timezoneInfo", "timeZone").text,
		Sync: t.at("synchronizeInfo", "type").text,
	}
}

// wallTime is how the LicensePlates commands and the clock write a moment.
const wallTime = "2006-01-02 15:04:05"

func parseTime(s string, loc *time.Location) time.Time {
	t, err := time.ParseInLocation(wallTime, s, loc)
	if err != nil {
		return time.Time{}
	}
	return t
}

// GetSnapshot takes a picture; channel 0 leaves the channel to the device. The
// bytes are a whole JPEG or the call fails, whatever the device calls them.
func (c *Client) GetSnapshot(ctx context.Context, channel int) ([]byte, error) {
	_, raw, err := c.do(ctx, call{command: "GetSnapshot", path: channelPath(channel), limit: maxSnapshot})
	if err != nil {
		return nil, err
	}
	if err := checkJPEG(raw); err != nil {
		return nil, fmt.Errorf("GetSnapshot: %w", err)
	}
	return raw, nil
}

// checkJPEG looks at both ends of a picture. Devices may pad it with zeros.
func checkJPEG(b []byte) error {
	if !bytes.HasPrefix(b, []byte{0xff, 0xd8, 0xff}) {
		return errors.New("the camera's answer is not a JPEG picture")
	}
	if !bytes.HasSuffix(bytes.TrimRight(b, "\x00\r\n"), []byte{0xff, 0xd9}) {
		return errors.New("the camera's picture is cut off")
	}
	return nil
}

// ManualAlarmOut switches the device's alarm output; channel 0 leaves out the
// channel. It is sent once, and off is [Urgent]. A camera (not a recorder)
// resets the output by itself when a perimeter alarm ends (protocol notes 2).
func (c *Client) ManualAlarmOut(ctx context.Context, channel int, on bool) error {
	if !on {
		ctx = WithPriority(ctx, Urgent)
	}
	_, _, err := c.do(ctx, call{command: "ManualAlarmOut", path: channelPath(channel), body: manualAlarmOut(on), action: true, always: true})
	return err
}

func manualAlarmOut(on bool) []byte {
	r := newRequest("1.0")
	r.open("action")
	r.plain("status", strconv.FormatBool(on))
	r.close("action")
	return r.bytes()
}

// TriggerVirtualAlarm triggers a recorder's virtual alarm input, once. The ids
// follow those of the physical inputs.
func (c *Client) TriggerVirtualAlarm(ctx context.Context, id int) error {
	if id < 1 {
		return fmt.Errorf("TriggerVirtualAlarm: %d is not an alarm id", id)
	}
	_, _, err := c.do(ctx, call{command: "TriggerVirtualAlarm", path: "/" + strconv.Itoa(id), action: true, always: true})
	return err
}

func channelPath(channel int) string {
	if channel <= 0 {
		return ""
	}
	return "/" + strconv.Itoa(channel)
}
