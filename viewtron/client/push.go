package client

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrNoFreeSlot is the kind of error of a device all of whose push slots are in
// use.
var ErrNoFreeSlot = errors.New("all push slots are in use")

// ErrNoPushV2 is the kind of error of a device without the second push, whose
// slots could be set.
var ErrNoPushV2 = errors.New("the device has no second push (httpPostV2)")

// A PushSlot is one place the second push posts to.
type PushSlot struct {
	ID             int // urlId, from 1; 0 in [PushConfig.WithSlot]: any that is free
	On             bool
	Protocol       string // "http" or "https"
	Domain         string // host name or address
	Port           int
	Path           string
	Authentication string // "none"
	Heartbeat      bool
	Interval       time.Duration // between heartbeats, 30 s to 120 s in whole seconds
	// Data is what is sent: alarmStatus, traject, smartData, sourceImage,
	// targetImage.
	Data []string
	// Events are the detectors it is sent for: ALL, or MOTION, SENSOR,
	// PERIMETER, TRIPWIRE, OSC, AVD, AOIENTRY, AOILEAVE, PASSLINECOUNT, TRAFFIC,
	// VSD, PVD, LOITER, ASD.
	Events []string
}

// PushV1 is the first push: one place, a post for each alarm.
type PushV1 struct {
	On       bool
	Server   string
	Port     int
	Path     string
	Interval time.Duration // between heartbeats
}

// PushConfig is where a device posts what it sees. It is a value: the With
// methods give a changed copy, and nothing reaches the device before
// [Client.SetHttpPostConfig].
type PushConfig struct {
	V1       *PushV1 // nil when the device has no first push
	HasV2    bool
	MaxSlots int // of the second push
	Slots    []PushSlot
	Raw      []byte // the answer as the device sent it

	sent  []sentSlot // the slots as they were read, with all the device said of them
	setV1 bool       // V1 was changed and goes into the request

}

// sentSlot is a slot as it was read.
type sentSlot struct {
	slot PushSlot
	node *node
}

// defaultSlots is the number of slots of a device that does not say.
const defaultSlots = 3

// GetHttpPostConfig reads where the device posts. Recorders are set up in their
// own pages only and do not know the question: [ErrUnknownCommand].
func (c *Client) GetHttpPostConfig(ctx context.Context) (PushConfig, error) {
	n, raw, err := c.do(ctx, call{command: "GetHttpPostConfig"})
	if err != nil {
		return PushConfig{}, err
	}
	p, err := pushConfig(n)
	if err != nil {
		return PushConfig{}, fmt.Errorf("GetHttpPostConfig: %w", err)
	}
	p.Raw = raw
	return p, nil
}

// SetHttpPostConfig writes all slots of the second push and, when it was
// changed, the first push. It replaces the device's whole list: start from what
// [Client.GetHttpPostConfig] gave.
func (c *Client) SetHttpPostConfig(ctx context.Context, p PushConfig) error {
	if err := p.check(); err != nil {
		return fmt.Errorf("SetHttpPostConfig: %w", err)
	}
	_, _, err := c.do(ctx, call{command: "SetHttpPostConfig", body: p.Request()})
	return err
}

func pushConfig(n *node) (PushConfig, error) {
	var p PushConfig
	if v1 := n.kid("httpPost"); v1.name != "" {
		p.V1 = &PushV1{Server: v1.kid("serverIp").text, Path: v1.kid("URL").text, Interval: seconds(v1.kid("keepaliveTimeval"))}
		p.V1.On, _ = truth(v1.kid("bSwitch").text)
		p.V1.Port, _ = number(v1.kid("serverPort").text)
	}
	v2 := n.kid("httpPostV2")
	p.HasV2 = v2.name != ""
	if !p.HasV2 {
		if p.V1 == nil {
			return p, errors.New("the camera's answer holds no push configuration")
		}
		return p, nil
	}
	list := v2.kid("postUrlConf").kid("urlList")
	if list.name == "" {
		// Without the list a set would empty it.
		return p, errors.New("the camera's answer holds no list of push slots")
	}
	most, _ := list.find("maxCount")
	p.MaxSlots, _ = number(most)
	if p.MaxSlots < 1 || p.MaxSlots > 64 {
		p.MaxSlots = defaultSlots
	}
	items := list.items()
	if len(items) > 64 {
		return p, fmt.Errorf("the camera lists %d push slots", len(items))
	}
	p.MaxSlots = max(p.MaxSlots, len(items))
	for i, it := range items {
		s := pushSlot(it)
		if s.ID == 0 {
			s.ID = i + 1
		}
		p.sent = append(p.sent, sentSlot{s.clone(), it})
		p.Slots = append(p.Slots, s)
	}
	return p, nil
}

func pushSlot(n *node) PushSlot {
	u := n.kid("url")
	s := PushSlot{
		Protocol: u.kid("protocol").text, Domain: u.kid("domain").text, Path: u.kid("path").text,
		Authentication: u.kid("authentication").text, Interval: seconds(n.kid("keepaliveTimeval")),
	}
	s.ID, _ = number(n.kid("urlId").text)
	s.On, _ = truth(n.kid("switch").text)
	s.Port, _ = number(u.kid("port").text)
	s.Heartbeat, _ = truth(n.kid("heatBeatSwitch", "heartBeatSwitch").text)
	for _, it := range n.kid("subscribeDateType", "subscribeDataType").items() {
		s.Data = append(s.Data, it.text)
	}
	for _, it := range n.kid("subscriptionEvents").items() {
		s.Events = append(s.Events, it.text)
	}
	return s
}

func seconds(n *node) time.Duration {
	v, _ := number(n.text)
	return time.Duration(min(v, maxHold)) * time.Second
}

func (s PushSlot) clone() PushSlot {
	s.Data, s.Events = slices.Clone(s.Data), slices.Clone(s.Events)
	return s
}

// empty tells whether a slot that the device lists is nobody's.
func (s PushSlot) empty() bool { return !s.On && s.Domain == "" }

func (p PushConfig) clone() PushConfig {
	slots := make([]PushSlot, len(p.Slots))
	for i, s := range p.Slots {
		slots[i] = s.clone()
	}
	p.Slots = slots
	if p.V1 != nil {
		v1 := *p.V1
		p.V1 = &v1
	}
	return p
}

// WithSlot gives the configuration with a slot put in: in the place of the one
// with its ID, or, when its ID is 0, in a free one. When none is free the error
// is [ErrNoFreeSlot].
func (p PushConfig) WithSlot(s PushSlot) (PushConfig, error) {
	if !p.HasV2 {
		return PushConfig{}, ErrNoPushV2
	}
	if err := checkSlot(s); err != nil {
		return PushConfig{}, err
	}
	p = p.clone()
	s = s.clone()
	at := func(f func(PushSlot) bool) int { return slices.IndexFunc(p.Slots, f) }
	if s.ID == 0 {
		if i := at(PushSlot.empty); i >= 0 {
			s.ID = p.Slots[i].ID
			p.Slots[i] = s
			return p, nil
		}
		for s.ID = 1; at(func(o PushSlot) bool { return o.ID == s.ID }) >= 0; s.ID++ {
		}
		if len(p.Slots) >= p.MaxSlots || s.ID > p.MaxSlots {
			return PushConfig{}, fmt.Errorf("%w: the device has %d of them", ErrNoFreeSlot, p.MaxSlots)
		}
		p.Slots = append(p.Slots, s)
		return p, nil
	}
	if i := at(func(o PushSlot) bool { return o.ID == s.ID }); i >= 0 {
		p.Slots[i] = s
		return p, nil
	}
	if s.ID < 0 || s.ID > p.MaxSlots || len(p.Slots) >= p.MaxSlots {
		return PushConfig{}, fmt.Errorf("push slot %d does not exist; the device has %d", s.ID, p.MaxSlots)
	}
	p.Slots = append(p.Slots, s)
	return p, nil
}

// WithV1 gives the configuration with the first push changed.
func (p PushConfig) WithV1(v PushV1) (PushConfig, error) {
	if p.V1 == nil {
		return PushConfig{}, errors.New("the device has no first push (httpPost)")
	}
	if err := checkV1(v); err != nil {
		return PushConfig{}, err
	}
	p = p.clone()
	p.V1, p.setV1 = &v, true
	return p, nil
}

// check refuses what no device could take. A slot that is as the device sent it
// is not looked at: it is the user's, and goes back as it came.
func (p PushConfig) check() error {
	if !p.HasV2 && !p.setV1 {
		return ErrNoPushV2
	}
	if len(p.Slots) > max(p.MaxSlots, 1) {
		return fmt.Errorf("%w: the device has %d of them", ErrNoFreeSlot, p.MaxSlots)
	}
	for i, from := range p.origins() {
		if from != nil && reflect.DeepEqual(from.slot, p.Slots[i]) {
			continue
		}
		if err := checkSlot(p.Slots[i]); err != nil {
			return err
		}
		if p.Slots[i].ID < 1 {
			return errors.New("a push slot has no number")
		}
	}
	if p.setV1 {
		return checkV1(*p.V1)
	}
	return nil
}

// origins gives for each slot what was read with its number, or nil.
func (p PushConfig) origins() []*sentSlot {
	out := make([]*sentSlot, len(p.Slots))
	used := make([]bool, len(p.sent))
	for i, s := range p.Slots {
		for j := range p.sent {
			if !used[j] && p.sent[j].slot.ID == s.ID {
				used[j], out[i] = true, &p.sent[j]
				break
			}
		}
	}
	return out
}

func checkSlot(s PushSlot) error {
	if s.Protocol != "http" && s.Protocol != "https" {
		return fmt.Errorf("push protocol %q is neither http nor https", cut(s.Protocol, 40))
	}
	if err := checkAddress(s.Domain, s.Port, s.Path); err != nil {
		return err
	}
	if !word(s.Authentication) {
		return fmt.Errorf("push authentication %q is not a word", cut(s.Authentication, 40))
	}
	if s.Interval < 30*time.Second || s.Interval > 120*time.Second || s.Interval%time.Second != 0 {
		return fmt.Errorf("push interval %s is not 30s to 120s in whole seconds", s.Interval)
	}
	if len(s.Data) > 64 || len(s.Events) > 64 {
		return errors.New("a push slot has too many words")
	}
	for _, w := range append(slices.Clone(s.Data), s.Events...) {
		if !word(w) {
			return fmt.Errorf("push data or event %q is not a word", cut(w, 40))
		}
	}
	return nil
}

func checkV1(v PushV1) error {
	if v.Interval < 10*time.Second || v.Interval > 120*time.Second || v.Interval%time.Second != 0 {
		return fmt.Errorf("push interval %s is not 10s to 120s in whole seconds", v.Interval)
	}
	return checkAddress(v.Server, v.Port, v.Path)
}

func checkAddress(host string, port int, path string) error {
	if err := checkText("push host", host, 255); err != nil {
		return err
	}
	if host == "" || strings.ContainsAny(host, " /?#@\\") {
		return fmt.Errorf("push host %q is not a host name or address", cut(host, 100))
	}
	if port < 1 || port > 65535 {
		return fmt.Errorf("push port %d is not 1 to 65535", port)
	}
	if err := checkText("push path", path, 255); err != nil {
		return err
	}
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, " \\") {
		return fmt.Errorf("push path %q does not begin with a slash or holds a blank", cut(path, 100))
	}
	return nil
}

// word tells whether s is one word of letters, digits and underscores.
func word(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 40
}

// Request is the body of SetHttpPostConfig: all slots of the second push, those
// that were not changed with everything the device said of them, and the first
// push only when it was changed.
func (p PushConfig) Request() []byte {
	r := newRequest("1.0")
	if p.setV1 && p.V1 != nil {
		r.open("httpPost")
		r.plain("bSwitch", strconv.FormatBool(p.V1.On))
		r.text("serverIp", p.V1.Server)
		r.plain("serverPort", strconv.Itoa(p.V1.Port))
		r.plain("keepaliveTimeval", wholeSeconds(p.V1.Interval))
		r.text("URL", p.V1.Path)
		r.close("httpPost")
	}
	if p.HasV2 {
		r.open("httpPostV2")
		r.open("postUrlConf")
		r.open("urlList", "type", "list", "count", strconv.Itoa(len(p.Slots)))
		for i, from := range p.origins() {
			s := p.Slots[i]
			switch {
			case from == nil:
				r.slot(s, nil)
			case reflect.DeepEqual(from.slot, s):
				r.node(from.node)
			default:
				r.slot(s, from)
			}
		}
		r.close("urlList")
		r.close("postUrlConf")
		r.close("httpPostV2")
	}
	return r.bytes()
}

func wholeSeconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

// slot writes a slot in the order of the devices' documents. What the device
// said of the same place besides, and this package does not know, goes along;
// what belonged to another address (a password, perhaps) does not.
func (r *request) slot(s PushSlot, was *sentSlot) {
	r.open("item")
	r.plain("urlId", strconv.Itoa(s.ID))
	r.plain("switch", strconv.FormatBool(s.On))
	r.open("url")
	r.plain("protocol", s.Protocol)
	r.text("domain", s.Domain)
	r.plain("port", strconv.Itoa(s.Port))
	r.text("path", s.Path)
	r.plain("authentication", s.Authentication)
	if was != nil && was.slot.Protocol == s.Protocol && was.slot.Domain == s.Domain && was.slot.Port == s.Port {
		r.others(was.node.kid("url"), "protocol", "domain", "port", "path", "authentication")
	}
	r.close("url")
	r.plain("heatBeatSwitch", strconv.FormatBool(s.Heartbeat))
	r.plain("keepaliveTimeval", wholeSeconds(s.Interval))
	r.words("subscribeDateType", s.Data)
	r.words("subscriptionEvents", s.Events)
	if was != nil {
		r.others(was.node, "urlId", "switch", "url", "heatBeatSwitch", "heartBeatSwitch", "keepaliveTimeval",
			"subscribeDateType", "subscribeDataType", "subscriptionEvents")
	}
	r.close("item")
}

// others writes the children of n but those with one of some names.
func (r *request) others(n *node, names ...string) {
	for _, k := range n.kids {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, k.name) }) {
			r.node(k)
		}
	}
}

func (r *request) words(name string, list []string) {
	r.open(name, "type", "list", "count", strconv.Itoa(len(list)))
	for _, w := range list {
		r.plain("item", w)
	}
	r.close(name)
}
