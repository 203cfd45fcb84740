package sim

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// slashTime is how the VehiclePlate commands write a moment.
const slashTime = "2006/01/02 15:04:05"

// addVehicles is AddVehiclePlate: the plates in order, up to the first that
// cannot be added, whose code is the answer.
func (c *Camera) addVehicles(_ string, body []byte) reply {
	var in struct {
		Items []struct {
			Number string `xml:"carPlateNumber"`
			Begin  string `xml:"beginTime"`
			End    string `xml:"endTime"`
			Owner  string `xml:"carOwner"`
			List   string `xml:"plateItemType"`
		} `xml:"vehiclePlates>item"`
	}
	if a, ok := c.read(body, &in); !ok {
		return a
	}
	if len(in.Items) == 0 {
		return c.refuse(15)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, it := range in.Items {
		e := ListEntry{Number: strings.TrimSpace(it.Number), Group: strings.TrimSpace(it.List), Owner: strings.TrimSpace(it.Owner)}
		bad := false
		for _, t := range [...]struct {
			text string
			into *time.Time
		}{{it.Begin, &e.Begin}, {it.End, &e.End}} {
			if t.text = strings.TrimSpace(t.text); t.text == "" {
				continue
			}
			at, err := time.ParseInLocation(slashTime, t.text, c.opt.Location)
			*t.into, bad = at, bad || err != nil
		}
		known := false
		for _, g := range c.groups() {
			known = known || g.Name == e.Group
		}
		switch {
		case e.Number == "":
			return c.refuse(15)
		case bad, !known, utf8.RuneCountInString(e.Number) > maxPlateChars:
			return c.refuse(16)
		case c.plates.find(e.Number) != nil:
			return c.refuse(203)
		case len(c.plates.at) >= c.opt.MaxPlates:
			return c.refuse(202)
		}
		c.validity(&e)
		c.plates.add(e)
	}
	return c.code(0)
}

// refuse gives a code in the words of the generation: v1 knows only the first five.
func (c *Camera) refuse(code int) reply {
	if c.opt.API == API19 && code < 200 {
		return c.code(3)
	}
	return c.code(code)
}

// getVehicles is GetVehiclePlate: a page of the plates that match.
func (c *Camera) getVehicles(_ string, body []byte) reply {
	type item struct {
		Index  int    `xml:"pageIndex"`
		Size   int    `xml:"pageSize"`
		List   string `xml:"listType"`
		Number string `xml:"carPlateNum"`
	}
	// The filter stands in vehiclePlates or, with some firmware, beside it.
	var in struct {
		Inside []item `xml:"vehiclePlates>searchFilter>item"`
		Beside []item `xml:"searchFilter>item"`
	}
	if a, ok := c.read(body, &in); !ok {
		return a
	}
	filters := append(in.Inside, in.Beside...)
	if len(filters) == 0 {
		return c.refuse(15)
	}
	f := filters[0]
	if f.Index < 0 || f.Index > 1_000_000 || f.Size < 1 || f.Size > 10_000 {
		return c.refuse(16)
	}
	group := strings.TrimSpace(f.List)
	if group == "allList" {
		group = ""
	} else if _, ok := c.group(group); !ok {
		return c.refuse(16)
	}
	number := strings.TrimSpace(f.Number)
	c.mu.Lock()
	var list []ListEntry
	for _, e := range c.plates.filter(group) {
		if strings.Contains(e.Number, number) {
			list = append(list, e)
		}
	}
	c.mu.Unlock()
	from := min(f.Index*f.Size, len(list))
	page := list[from:min(from+f.Size, len(list))]
	return c.data(func(b []byte) []byte {
		b = append(b, "<types><plateItemType><enum>whiteList</enum><enum>blackList</enum><enum>strangerList</enum></plateItemType></types>\n"...)
		b = append(b, fmt.Sprintf(`<vehiclePlates type="list" maxCount="10000" total="%d" count="%d">`, len(list), len(page))...)
		for _, e := range page {
			b = append(b, "<item>"...)
			b = appendString(b, "carPlateNumber", e.Number)
			b = appendString(b, "beginTime", e.Begin.In(c.opt.Location).Format(slashTime))
			b = appendString(b, "endTime", e.End.In(c.opt.Location).Format(slashTime))
			b = appendString(b, "carOwner", e.Owner)
			b = append(b, `<plateItemType type="plateItemType">`+e.Group+`</plateItemType></item>`...)
		}
		return append(b, "</vehiclePlates>"...)
	})
}
