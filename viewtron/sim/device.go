package sim

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Numbers of contacts and outputs.
const (
	recorderInputs  = 16 // physical ones; the virtual ones follow
	recorderOutputs = 4
)

// virtualHold is how long a virtual alarm stays on.
const virtualHold = 10 * time.Second

func (c *Camera) alarmIns() int {
	if c.opt.Recorder {
		return recorderInputs
	}
	return 1
}

func (c *Camera) alarmOuts() int {
	if c.opt.Recorder {
		return recorderOutputs
	}
	return 1
}

func (c *Camera) deviceInfo(string, []byte) reply {
	return c.data(func(b []byte) []byte {
		b = append(b, "<deviceInfo>"...)
		b = c.appendInfo(b)
		if c.opt.API != API19 {
			b = c.appendVersions(b)
		}
		b = appendUint(b, "chlMaxCount", uint64(c.opt.Channels))
		b = appendUint(b, "alarmInCount", uint64(c.alarmIns()))
		b = appendUint(b, "alarmOutCount", uint64(c.alarmOuts()))
		return append(b, "</deviceInfo>"...)
	})
}

func (c *Camera) deviceDetail(string, []byte) reply {
	return c.data(func(b []byte) []byte {
		b = append(b, "<detail><property>"...)
		b = c.appendVersions(c.appendInfo(b))
		b = append(b, "</property><smart>"...)
		for _, d := range detectors() {
			b = append(b, "<"+d.support+` type="boolean">`...)
			b = strconv.AppendBool(b, d.word != "thermal" || c.opt.Thermal)
			b = append(b, "</"+d.support+">"...)
		}
		return append(b, "</smart></detail>"...)
	})
}

func (c *Camera) appendInfo(b []byte) []byte {
	description, model, software := "virtual camera", "SIM-4MP", "5.3.1"
	if c.opt.Recorder {
		description, model, software = "virtual recorder", "SIM-NVR", "1.4.13"
	}
	for _, e := range [...]struct{ name, value string }{
		{"deviceName", c.opt.Name}, {"deviceDescription", description}, {"model", model}, {"brand", "Sallyport"},
		{"softwareVersion", software}, {"mac", c.opt.MAC}, {"sn", c.opt.SN},
	} {
		b = appendString(b, e.name, e.value)
	}
	return b
}

func (c *Camera) appendVersions(b []byte) []byte {
	b = appendString(b, "apiVersion", string(c.opt.API))
	if c.opt.API != API19 {
		b = appendString(b, "httpPostVersion", string(c.opt.API))
	}
	return b
}

func (c *Camera) supported(string, []byte) reply {
	return c.data(func(b []byte) []byte {
		// Real devices give a count that is not true and repeat names.
		b = append(b, `<applicationInterfaces type="list" count="111"><itemType type="string" maxLen="63"/>`...)
		for _, h := range append(handlers(), handlers()[0]) {
			if c.has(h) {
				b = append(b, "<item><![CDATA["+h.name+"]]></item>"...)
			}
		}
		return append(b, "</applicationInterfaces>"...)
	})
}

// SetChannel takes a channel of a recorder off line, with its alarm
// (chlOfflineAlarm), or brings it back.
func (c *Camera) SetChannel(id int, online bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.opt.Recorder || id < 1 || id > c.opt.Channels {
		return fmt.Errorf("there is no channel %d", id)
	}
	c.offline[id] = !online
	c.setAlarm(alarmKey{"chlOfflineAlarm", id}, !online, time.Time{})
	return nil
}

func (c *Camera) channelStatus(id int) string {
	if c.offline[id] {
		return "offline"
	}
	return "online"
}

func (c *Camera) channelInfo(string, []byte) reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.writer()
	if w.typed {
		w.types("channelStatus", "online", "offline", "videoOn", "videoLoss")
	}
	w.list("channelList", c.opt.Channels, 0)
	for id := 1; id <= c.opt.Channels; id++ {
		w.open("item")
		w.num("channelId", id)
		w.text("name", "channel"+strconv.Itoa(id))
		w.word("status", "channelStatus", c.channelStatus(id))
		w.word("attribute", "channelType", "Normal")
		w.close("item")
	}
	w.close("channelList")
	return w.reply()
}

// channelList is what old recorders answer: the ids stand beside the list.
func (c *Camera) channelList(string, []byte) reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.writer()
	w.types("channelStatus", "online", "offline", "videoOn", "videoLoss")
	w.b = append(w.b, fmt.Sprintf(`<channelIDList type="list" count="%d"/><itemType type="string" maxLen="20"/>`, c.opt.Channels)...)
	for id := 1; id <= c.opt.Channels; id++ {
		w.b = append(w.b, fmt.Sprintf(`<item channelStatus="%s">%d</item>`, c.channelStatus(id), id)...)
	}
	return w.reply()
}

func (c *Camera) alarmInInfo(string, []byte) reply {
	n := c.alarmIns()
	all := n + c.opt.VirtualAlarms
	w := c.writer()
	if w.typed {
		w.types("alarmType", "local", "virtual", "remote")
	}
	w.list("alarmInInfoList", all, 0)
	for id := 1; id <= all; id++ {
		word := "local"
		if id > n {
			word = "virtual"
		}
		w.open("item")
		w.num("id", id)
		w.word("alarmInType", "alarmType", word)
		w.close("item")
	}
	w.close("alarmInInfoList")
	return w.reply()
}

func (c *Camera) alarmInList(string, []byte) reply {
	w := c.writer()
	w.b = append(w.b, fmt.Sprintf(`<alarmInIDList type="list" count="%d"></alarmInIDList><itemType type="string" maxLen="20"/>`, c.alarmIns())...)
	for id := 1; id <= c.alarmIns(); id++ {
		w.b = append(w.b, fmt.Sprintf("<item>%d</item>", id)...)
	}
	return w.reply()
}

const wallTime = "2006-01-02 15:04:05"

func (c *Camera) clock(string, []byte) reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.data(func(b []byte) []byte {
		now := c.now()
		// POSIX counts the offset westward.
		_, offset := now.Zone()
		if c.opt.API == API19 {
			b = append(b, "<types><synchronizeType><enum>manually</enum><enum>NTP</enum></synchronizeType></types>"...)
		}
		b = append(b, "<time><timezoneInfo>"...)
		b = appendString(b, "timeZone", fmt.Sprintf("UTC%+d", -offset/3600))
		b = append(b, `</timezoneInfo><synchronizeInfo><type type="synchronizeType">NTP</type>`...)
		b = appendString(b, "currentTime", now.Format(wallTime))
		return append(b, "</synchronizeInfo></time>"...)
	})
}

func (c *Camera) snapshot(rest string, _ []byte) reply {
	ch, a, ok := c.channel(rest, c.opt.Channels)
	if !ok {
		return a
	}
	c.mu.Lock()
	part, targets := c.seen(ch)
	c.mu.Unlock()
	return reply{status: http.StatusOK, kind: "application/octet-stream", body: part.frame(targets)}
}

func (c *Camera) alarmOut(rest string, body []byte) reply {
	var in struct {
		Status string `xml:"action>status"`
	}
	ch, a, ok := c.channel(rest, c.alarmOuts())
	if !ok {
		return a
	}
	if a, ok := c.read(body, &in); !ok {
		return a
	}
	on, err := strconv.ParseBool(strings.TrimSpace(in.Status))
	if err != nil {
		return c.code(3)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outputs[ch-1] = on
	c.stats.AlarmOutSet++
	return c.code(0)
}

// Output tells whether an alarm output is on; they count from 1.
func (c *Camera) Output(id int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return id >= 1 && id <= len(c.outputs) && c.outputs[id-1]
}

func (c *Camera) virtualAlarm(rest string, _ []byte) reply {
	id, err := strconv.Atoi(rest)
	if err != nil || id <= c.alarmIns() || id > c.alarmIns()+c.opt.VirtualAlarms {
		return c.code(6)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Triggered = append(c.stats.Triggered, id)
	c.stats.Triggered = c.stats.Triggered[max(0, len(c.stats.Triggered)-100):]
	c.setAlarm(alarmKey{"sensorAlarmIn", id}, true, time.Now().Add(virtualHold))
	return c.code(0)
}
