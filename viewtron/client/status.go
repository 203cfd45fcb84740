package client

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/viewtron"
)

// An AlarmState is one alarm input or detector of a device, on or off.
type AlarmState struct {
	// Name is the name that package viewtron gives it in posts, for example
	// motion, perimeter, sensor or chl_offline.
	Name string
	// ID is as the device sent it, 0 when it sent none: the number of an alarm
	// input, or the channel of everything else.
	ID int
	// Channel is the channel the alarm belongs to, 0 when the device did not
	// say; alarm inputs have none.
	Channel int
	On      bool
}

// AlarmStatus is the state of a device's alarms.
type AlarmStatus struct {
	States []AlarmState // in the device's order
	// ActiveOnly says that nothing in the answer is off: then what is not listed
	// is off. Devices of the second generation may list active alarms only.
	ActiveOnly bool
	// Problems names what could not be read and was left out, a line each; while
	// there are any, ActiveOnly is false.
	Problems []string
	Raw      []byte // the answer as the device sent it
}

// Bounds on what the state of a device may hold.
const (
	maxStates   = 4096
	maxNames    = 256 // different alarms
	maxChannels = 1024
)

// GetAlarmStatus reads the state of all alarms. Do not ask more often than once
// a second. An alarm is a hint: it goes off when its hold time runs out, not
// when the person leaves.
func (c *Client) GetAlarmStatus(ctx context.Context) (AlarmStatus, error) {
	n, raw, err := c.do(ctx, call{command: "GetAlarmStatus"})
	if err != nil {
		return AlarmStatus{}, err
	}
	s, err := alarmStatus(n)
	if err != nil {
		return AlarmStatus{}, fmt.Errorf("GetAlarmStatus: %w", err)
	}
	s.Raw = raw
	return s, nil
}

func alarmStatus(n *node) (AlarmStatus, error) {
	var out AlarmStatus
	var kids []*node
	found := false
	for _, list := range n.kids {
		if strings.EqualFold(list.name, "alarmStatusInfo") {
			kids, found = append(kids, list.kids...), true
		}
	}
	if !found {
		// Without it nothing is known; it must not pass for "all is off".
		return out, errors.New("the camera's answer holds no alarm states")
	}
	names := map[string]string{}
	off := false
	add := func(name string, at *node, around *node) {
		if at.text == "" {
			return
		}
		on, ok := truth(at.text)
		if !ok {
			out.problem("%s is %q, neither true nor false", name, cut(at.text, 40))
			return
		}
		if len(out.States) == maxStates {
			out.problem("more than %d states", maxStates)
			return
		}
		s := AlarmState{Name: name, On: on}
		id, ok := at.find("id")
		if !ok {
			id, _ = around.find("id")
		}
		if s.ID, ok = number(id); !ok && id != "" {
			out.problem("%s has the id %q", name, cut(id, 40))
			return
		}
		if name != "sensor" {
			s.Channel = s.ID
		}
		off = off || !on
		out.States = append(out.States, s)
	}
	for _, k := range kids {
		name, ok := names[k.name]
		if !ok {
			if len(names) == maxNames {
				out.problem("more than %d different alarms", maxNames)
				break
			}
			name = alarmName(k.name)
			names[k.name] = name
		}
		if name == "" {
			out.problem("%q is no name of an alarm", cut(k.name, 40))
			continue
		}
		items := k.items()
		for _, it := range items {
			add(name, it, k)
		}
		if len(items) == 0 {
			add(name, k, k)
		}
	}
	out.ActiveOnly = !off && len(out.Problems) == 0
	return out, nil
}

func (s *AlarmStatus) problem(format string, args ...any) {
	if len(s.Problems) < maxProblems {
		s.Problems = append(s.Problems, fmt.Sprintf(format, args...))
	}
}

// alarmName asks package viewtron, so that an alarm has the same name whether it
// was pushed or asked for; "" for what is no name.
func alarmName(element string) string {
	if element == "" || strings.ContainsAny(element, "<>&/ \t\r\n\"'=") {
		return ""
	}
	var p viewtron.Post
	err := viewtron.Decode([]byte("<config><alarmStatusInfo><"+element+">true</"+element+"></alarmStatusInfo></config>"), &p)
	if err != nil || len(p.Alarms) != 1 {
		return ""
	}
	return string(p.Alarms[0].Name)
}

// A Channel is one video channel of a device.
type Channel struct {
	ID        int    // from 1
	Name      string // "" when the device gives none, as the older ones do
	Online    bool
	HasOnline bool // the device said whether it is online; else Online means nothing
}

// GetChannels lists the channels: with GetChannelInfo, and on a device that
// does not know it with GetChannelList, which only recorders have. A camera of
// the first generation has neither: [ErrUnknownCommand].
func (c *Client) GetChannels(ctx context.Context) ([]Channel, error) {
	n, _, err := c.do(ctx, call{command: "GetChannelInfo"})
	if errors.Is(err, ErrUnknownCommand) {
		// The devices' documents ask not to send the old question to a camera.
		info, ierr := c.GetDeviceInfo(ctx)
		switch {
		case ierr != nil:
			return nil, ierr
		case strings.EqualFold(info.Description, "IPCamera"):
			return nil, err
		}
		n, _, err = c.do(ctx, call{command: "GetChannelList"})
	}
	if err != nil {
		return nil, err
	}
	return channels(n), nil
}

func channels(n *node) []Channel {
	var out []Channel
	seen := map[int]bool{}
	for _, it := range listed(n, "channelList", "channelIDList") {
		s := it.kid("channelId", "chlId", "id").text
		if s == "" {
			s = it.text
		}
		id, ok := number(s)
		if !ok || id == 0 || seen[id] {
			continue
		}
		if len(out) == maxChannels {
			break
		}
		seen[id] = true
		ch := Channel{ID: id}
		if name := it.kid("name", "channelName").text; checkText("name", name, 4*MaxTextChars) == nil {
			ch.Name = name
		}
		status := it.kid("status", "channelStatus").text
		if status == "" {
			status, _ = it.find("channelStatus")
		}
		switch strings.ToLower(status) {
		case "online", "videoon":
			ch.Online, ch.HasOnline = true, true
		case "offline", "videoloss":
			ch.HasOnline = true
		}
		out = append(out, ch)
	}
	return out
}

// listed gives the items of a list, wherever the device put them: older ones
// write an empty list and the items beside it.
func listed(n *node, names ...string) []*node {
	list := n.kid(names...)
	if items := list.items(); len(items) > 0 {
		return items
	}
	if list.name == "" {
		return nil
	}
	return n.items()
}

// An AlarmInput is one alarm input of a device.
type AlarmInput struct {
	ID      int
	Name    string // "" when the device gives none
	Virtual bool   // it has no terminals: [Client.TriggerVirtualAlarm] triggers it
}

// GetAlarmInInfo lists the alarm inputs. Devices of the first generation do not
// know the question: [ErrUnknownCommand].
func (c *Client) GetAlarmInInfo(ctx context.Context) ([]AlarmInput, error) {
	n, _, err := c.do(ctx, call{command: "GetAlarmInInfo"})
	if err != nil {
		return nil, err
	}
	return alarmInputs(n), nil
}

func alarmInputs(n *node) []AlarmInput {
	var out []AlarmInput
	seen := map[int]bool{}
	for _, it := range listed(n, "alarmInInfoList", "alarmInIDList") {
		s := it.kid("id", "alarmInId").text
		if s == "" {
			s = it.text
		}
		id, ok := number(s)
		if !ok || id == 0 || seen[id] {
			continue
		}
		if len(out) == maxChannels {
			break
		}
		seen[id] = true
		in := AlarmInput{ID: id, Virtual: strings.EqualFold(it.kid("alarmInType", "type").text, "virtual")}
		if name := it.kid("name", "alarmInName").text; checkText("name", name, 4*MaxTextChars) == nil {
			in.Name = name
		}
		out = append(out, in)
	}
	return out
}
