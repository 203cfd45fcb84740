package sim

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Push is a camera's push configuration: where it posts what.
type Push struct {
	V1    PushV1
	Slots []PushSlot // at most 3, of httpPostV2
}

// PushV1 is httpPost, the older push: everything but trajectories, to one place.
type PushV1 struct {
	On       bool
	Server   string // address
	Port     int
	Path     string
	Interval time.Duration // of heartbeats, 30 to 120 s
}

// PushSlot is one place that httpPostV2 posts to.
type PushSlot struct {
	ID             int // 1 to 3
	On             bool
	Protocol       string // "http" or "https"
	Domain         string // name or address
	Port           int
	Path           string
	Authentication string // "none"
	Heartbeat      bool
	Interval       time.Duration // of heartbeats, 30 to 120 s
	Data           []string      // of "alarmStatus", "traject", "smartData", "sourceImage", "targetImage"
	Events         []string      // of "ALL", "PERIMETER", …
}

const maxSlots = 3

func pushData() []string {
	return []string{"alarmStatus", "traject", "smartData", "sourceImage", "targetImage"}
}

func pushEvents() []string {
	return []string{"ALL", "MOTION", "SENSOR", "PERIMETER", "TRIPWIRE", "OSC", "AVD", "AOIENTRY", "AOILEAVE", "PASSLINECOUNT", "TRAFFIC", "VSD", "PVD", "LOITER", "ASD"}
}

// SlotTo makes a slot that posts everything to a URL, with heartbeats every 30 s.
func SlotTo(id int, to string) (PushSlot, error) {
	u, err := url.Parse(to)
	if err != nil {
		return PushSlot{}, err
	}
	s := PushSlot{
		ID: id, On: true, Protocol: u.Scheme, Domain: u.Hostname(), Path: u.RequestURI(), Authentication: "none",
		Heartbeat: true, Interval: 30 * time.Second, Data: pushData(), Events: []string{"ALL"},
	}
	switch {
	case u.Port() != "":
		s.Port, _ = strconv.Atoi(u.Port()) // digits only, says package url
	case u.Scheme == "https":
		s.Port = 443
	default:
		s.Port = 80
	}
	if code, err := s.check(); code != 0 {
		return PushSlot{}, fmt.Errorf("%q: %w (try http://192.168.0.10:5002/API)", to, err)
	}
	return s, nil
}

// check gives the code with which a camera refuses a slot, and why; 0: it does not.
func (s PushSlot) check() (int, error) {
	switch {
	case s.ID < 1 || s.ID > maxSlots:
		return 16, fmt.Errorf("urlId %d is not 1 to %d", s.ID, maxSlots)
	case s.Domain == "":
		return 15, errors.New("there is no host")
	case s.Protocol != "http" && s.Protocol != "https":
		return 16, fmt.Errorf("protocol %q is neither http nor https", s.Protocol)
	case s.Port < 1 || s.Port > 65535:
		return 16, fmt.Errorf("port %d is not 1 to 65535", s.Port)
	case len(s.Domain) > 255 || len(s.Path) > 255 || strings.ContainsAny(s.Domain, "/?#@ \t\r\n"):
		return 16, errors.New("host or path is not one")
	case s.Interval < 30*time.Second || s.Interval > 120*time.Second:
		return 16, fmt.Errorf("keepaliveTimeval %s is not 30s to 120s", s.Interval)
	}
	for _, d := range s.Data {
		if !slices.Contains(pushData(), d) {
			return 16, fmt.Errorf("%q is no data type", d)
		}
	}
	for _, e := range s.Events {
		if !slices.Contains(pushEvents(), e) {
			return 16, fmt.Errorf("%q is no event", e)
		}
	}
	return 0, nil
}

func (p PushV1) check() (int, error) {
	return PushSlot{ID: 1, Protocol: "http", Domain: p.Server, Port: p.Port, Path: p.Path, Interval: p.Interval}.check()
}

func (s PushSlot) url() string { return target(s.Protocol, s.Domain, s.Port, s.Path) }
func (p PushV1) url() string   { return target("http", p.Server, p.Port, p.Path) }

func target(protocol, host string, port int, path string) string {
	path, query, _ := strings.Cut(path, "?")
	return (&url.URL{Scheme: protocol, Host: net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(port)), Path: "/" + strings.TrimPrefix(path, "/"), RawQuery: query}).String()
}

// Push gives the push configuration as it is now.
func (c *Camera) Push() Push {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.push.clone()
}

func (p Push) clone() Push {
	p.Slots = slices.Clone(p.Slots)
	for i := range p.Slots {
		p.Slots[i].Data, p.Slots[i].Events = slices.Clone(p.Slots[i].Data), slices.Clone(p.Slots[i].Events)
	}
	return p
}

// SetPush sets the push configuration, as a person does in the device's own page.
func (c *Camera) SetPush(p Push) error {
	if p.V1.On {
		if code, err := p.V1.check(); code != 0 {
			return fmt.Errorf("httpPost: %w", err)
		}
	}
	if len(p.Slots) > maxSlots {
		return fmt.Errorf("%d slots; a camera has %d", len(p.Slots), maxSlots)
	}
	for _, s := range p.Slots {
		if code, err := s.check(); code != 0 {
			return fmt.Errorf("slot %d: %w", s.ID, err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.storePush(p.clone())
	return nil
}

// storePush puts a configuration into effect. The lock is held.
func (c *Camera) storePush(p Push) {
	c.push = p
	c.pushed++
	c.poke()
}

func (c *Camera) getPush(string, []byte) reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.writer()
	v1 := c.push.V1
	if v1 == (PushV1{}) {
		v1 = PushV1{Port: 80, Path: "/API", Interval: 90 * time.Second}
	}
	w.open("httpPost")
	w.flag("bSwitch", v1.On)
	w.cdata("protocolType", "API")
	w.cdata("serverIp", v1.Server)
	w.plain("serverPort", strconv.Itoa(v1.Port))
	w.plain("keepaliveTimeval", strconv.Itoa(int(v1.Interval/time.Second)))
	w.flag("onlineStatus", v1.On)
	w.cdata("URL", v1.Path)
	w.close("httpPost")
	if c.opt.NoPushV2 {
		return w.reply()
	}
	w.open("httpPostV2")
	w.open("postUrlConf")
	w.b = append(w.b, fmt.Sprintf(`<urlList type="list" count="%d" maxCount="%d">`, len(c.push.Slots), maxSlots)...)
	for _, s := range c.push.Slots {
		w.open("item")
		w.plain("urlId", strconv.Itoa(s.ID))
		w.plain("switch", strconv.FormatBool(s.On))
		w.open("url")
		w.plain("protocol", s.Protocol)
		w.cdata("domain", s.Domain)
		w.plain("port", strconv.Itoa(s.Port))
		w.cdata("path", s.Path)
		w.cdata("authentication", s.Authentication)
		w.close("url")
		w.plain("heatBeatSwitch", strconv.FormatBool(s.Heartbeat))
		w.plain("keepaliveTimeval", strconv.Itoa(int(s.Interval/time.Second)))
		w.words("subscribeDateType", s.Data)
		w.words("subscriptionEvents", s.Events)
		w.close("item")
	}
	w.close("urlList")
	w.close("postUrlConf")
	w.close("httpPostV2")
	return w.reply()
}

// plain writes a bare value without a type, as the push configuration has them.
func (w *writer) plain(name, v string) {
	w.open(name)
	w.b = append(w.b, v...)
	w.close(name)
}

// cdata writes any text without a type.
func (w *writer) cdata(name, v string) {
	w.open(name)
	w.b = appendText(w.b, v)
	w.close(name)
}

func (w *writer) words(name string, v []string) {
	w.b = append(w.b, "<"+name+` type="list" count="`+strconv.Itoa(len(v))+`">`...)
	for _, s := range v {
		w.plain("item", s)
	}
	w.close(name)
}

func (c *Camera) setPush(_ string, body []byte) reply {
	var in struct {
		V1 *struct {
			On       string `xml:"bSwitch"`
			Server   string `xml:"serverIp"`
			Port     int    `xml:"serverPort"`
			Interval int    `xml:"keepaliveTimeval"`
			Path     string `xml:"URL"`
		} `xml:"httpPost"`
		V2 *struct {
			Items []struct {
				ID     int    `xml:"urlId"`
				On     string `xml:"switch"`
				Scheme string `xml:"url>protocol"`
				Domain string `xml:"url>domain"`
				Port   int    `xml:"url>port"`
				Path   string `xml:"url>path"`
				Auth   string `xml:"url>authentication"`

				Heartbeat string   `xml:"heatBeatSwitch"`
				Interval  int      `xml:"keepaliveTimeval"`
				Data      []string `xml:"subscribeDateType>item"`
				Events    []string `xml:"subscriptionEvents>item"`
			} `xml:"postUrlConf>urlList>item"`
		} `xml:"httpPostV2"`
	}
	if a, ok := c.read(body, &in); !ok {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if in.V1 == nil && in.V2 == nil || in.V1 == nil && c.opt.NoPushV2 {
		return c.refuse(15)
	}
	// The parts that the request leaves out stay; a part that it has is replaced whole.
	next := c.push.clone()
	if v := in.V1; v != nil {
		next.V1 = PushV1{On: truth(v.On), Server: strings.TrimSpace(v.Server), Port: v.Port, Path: strings.TrimSpace(v.Path), Interval: seconds(v.Interval)}
		if code, _ := next.V1.check(); next.V1.On && code != 0 {
			return c.refuse(code)
		}
	}
	if in.V2 != nil && !c.opt.NoPushV2 {
		next.Slots = nil
		if len(in.V2.Items) > maxSlots {
			return c.refuse(19)
		}
		for _, v := range in.V2.Items {
			s := PushSlot{
				ID: v.ID, On: truth(v.On), Protocol: strings.TrimSpace(v.Scheme), Domain: strings.TrimSpace(v.Domain), Port: v.Port,
				Path: strings.TrimSpace(v.Path), Authentication: strings.TrimSpace(v.Auth), Heartbeat: truth(v.Heartbeat), Interval: seconds(v.Interval),
				Data: trimmed(v.Data), Events: trimmed(v.Events),
			}
			if code, _ := s.check(); code != 0 {
				return c.refuse(code)
			}
			if slices.ContainsFunc(next.Slots, func(o PushSlot) bool { return o.ID == s.ID }) {
				return c.refuse(16)
			}
			next.Slots = append(next.Slots, s)
		}
	}
	c.storePush(next)
	return c.code(0)
}

func truth(s string) bool { return strings.TrimSpace(s) == "true" }

func seconds(n int) time.Duration { return time.Duration(min(max(n, -1), 1000)) * time.Second }

func trimmed(in []string) []string {
	var out []string
	for _, s := range in {
		out = append(out, strings.TrimSpace(s))
	}
	return out
}
