package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Group is one of the camera's plate lists.
type Group struct{ ID, Name string }

// FirmwareGroups are the lists of current firmware, with its ids: 1 is the
// temporary list, 2 the allow list, 3 the block list.
func FirmwareGroups() []Group {
	return []Group{{"1", "temporaryList"}, {"2", "whiteList"}, {"3", "blackList"}}
}

// OlderGroups are the lists with the ids that older documents give them: 1 is
// the allow list, 2 the block list, 3 the temporary list.
func OlderGroups() []Group {
	return []Group{{"1", "whiteList"}, {"2", "blackList"}, {"3", "temporaryList"}}
}

// ListEntry is a plate on one of the camera's lists. Zero times: from now on,
// until 2037, as the firmware sets it on add.
type ListEntry struct {
	Number    string    `json:"number"`
	Group     string    `json:"group"` // name: "whiteList", "blackList", "temporaryList"
	Owner     string    `json:"owner,omitempty"`
	Telephone string    `json:"telephone,omitempty"`
	Begin     time.Time `json:"begin,omitzero"`
	End       time.Time `json:"end,omitzero"`
}

// plateList keeps plates in the order they were added, and finds them by number.
type plateList struct {
	entries []*ListEntry // nil: removed
	at      map[string]int
}

func (l *plateList) find(number string) *ListEntry {
	if i, ok := l.at[number]; ok {
		return l.entries[i]
	}
	return nil
}

func (l *plateList) add(e ListEntry) {
	if l.at == nil {
		l.at = map[string]int{}
	}
	l.at[e.Number] = len(l.entries)
	l.entries = append(l.entries, &e)
}

func (l *plateList) remove(number string) {
	i, ok := l.at[number]
	if !ok {
		return
	}
	l.entries[i] = nil
	delete(l.at, number)
	if len(l.entries) > 64 && len(l.at) < len(l.entries)/2 {
		l.entries = slices.DeleteFunc(l.entries, func(e *ListEntry) bool { return e == nil })
		for i, e := range l.entries {
			l.at[e.Number] = i
		}
	}
}

// filter gives the plates of a list, or of all for "".
func (l *plateList) filter(group string) []ListEntry {
	var out []ListEntry
	for _, e := range l.entries {
		if e != nil && (group == "" || e.Group == group) {
			out = append(out, *e)
		}
	}
	return out
}

// Plates gives the plates on all lists, in the order they were added.
func (c *Camera) Plates() []ListEntry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.plates.filter("")
}

// Put puts a plate on a list, or changes it when the camera has it already.
func (c *Camera) Put(e ListEntry) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.group(e.Group); !ok {
		return fmt.Errorf("the camera has no plate list %q", e.Group)
	}
	c.validity(&e)
	if old := c.plates.find(e.Number); old != nil {
		*old = e
	} else {
		c.plates.add(e)
	}
	return nil
}

func (c *Camera) validity(e *ListEntry) {
	if e.Begin.IsZero() {
		e.Begin = c.now().Truncate(time.Second)
	}
	if e.End.IsZero() {
		e.End = time.Date(2037, 12, 30, 10, 59, 59, 0, c.opt.Location)
	}
}

// ListOf tells what the camera would send as vehicleListType for a plate at a
// time: its list's name, or "" when it is on none or not valid then.
func (c *Camera) ListOf(number string, at time.Time) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.listed(number, at).Group
}

// listed gives a plate's entry, or none when it is not valid then. The lock is held.
func (c *Camera) listed(number string, at time.Time) ListEntry {
	e := c.plates.find(number)
	if e == nil || at.Before(e.Begin) || at.After(e.End) {
		return ListEntry{}
	}
	return *e
}

// groups are the lists that the camera has.
func (c *Camera) groups() []Group {
	if c.opt.API != API21 {
		return []Group{{"whiteList", "whiteList"}, {"blackList", "blackList"}, {"strangerList", "strangerList"}}
	}
	return c.opt.Groups
}

func (c *Camera) group(name string) (Group, bool) {
	for _, g := range append(c.groups(), c.opt.Groups...) {
		if g.Name == name {
			return g, true
		}
	}
	return Group{}, false
}

func (c *Camera) groupByID(id string) (Group, bool) {
	for _, g := range c.opt.Groups {
		if g.ID == id {
			return g, true
		}
	}
	return Group{}, false
}

func (c *Camera) plateGroups(string, []byte) reply {
	return c.data(func(b []byte) []byte {
		b = append(b, fmt.Sprintf(`<licensePlateGroups type="list" count="%d">`, len(c.opt.Groups))...)
		for _, g := range c.opt.Groups {
			b = append(b, "<item>"...)
			b = appendString(b, "groupId", g.ID)
			b = appendString(b, "groupName", g.Name)
			b = append(b, "</item>"...)
		}
		return append(b, "</licensePlateGroups>"...)
	})
}

// maxPlateChars is what fits into the virtual camera's table.
const maxPlateChars = 63

func (c *Camera) addPlates(_ string, body []byte) reply {
	var in struct {
		Items []struct {
			Index  string `xml:"index"`
			Number string `xml:"licensePlateNumber"`
			Group  string `xml:"groupId"`
		} `xml:"licensePlates>item"`
	}
	if a, ok := c.read(body, &in); !ok {
		return a
	}
	if len(in.Items) == 0 {
		return c.code(15)
	}
	if len(in.Items) > 100 {
		return c.code(16)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.data(func(b []byte) []byte {
		b = append(b, "<licensePlatesReply>"...)
		for _, it := range in.Items {
			number := strings.TrimSpace(it.Number)
			g, ok := c.groupByID(strings.TrimSpace(it.Group))
			code := 0
			switch {
			case number == "":
				code = 15
			case utf8.RuneCountInString(number) > maxPlateChars:
				code = 16
			case !ok:
				code = 207
			case c.plates.find(number) != nil:
				code = 203
			case len(c.plates.at) >= c.opt.MaxPlates:
				code = 202
			default:
				e := ListEntry{Number: number, Group: g.Name}
				c.validity(&e)
				c.plates.add(e)
			}
			index, _ := strconv.ParseUint(strings.TrimSpace(it.Index), 10, 32)
			b = append(b, "<item>"...)
			b = appendUint(b, "index", index)
			b = appendUint(b, "errorCode", uint64(code))
			b = append(b, "</item>"...)
		}
		return append(b, "</licensePlatesReply>"...)
	})
}

func (c *Camera) getPlates(_ string, body []byte) reply {
	var in struct {
		Max    int    `xml:"searchFilter>maxResult"`
		Offset int    `xml:"searchFilter>resultOffset"`
		Group  string `xml:"searchFilter>groupId"`
	}
	if a, ok := c.read(body, &in); !ok {
		return a
	}
	if in.Offset < 1 || in.Max < 1 {
		return c.code(16)
	}
	g, ok := c.groupByID(strings.TrimSpace(in.Group))
	if !ok {
		return c.code(207)
	}
	c.mu.Lock()
	list := c.plates.filter(g.Name)
	c.mu.Unlock()
	if in.Offset > len(list) {
		return c.code(20)
	}
	page := list[in.Offset-1:]
	page = page[:min(len(page), in.Max, 100)]
	return c.data(func(b []byte) []byte {
		b = append(b, fmt.Sprintf(`<licensePlates type="list" total="%d" count="%d">`, len(list), len(page))...)
		for _, e := range page {
			b = append(b, "<item>"...)
			b = appendString(b, "licensePlateNumber", e.Number)
			b = appendString(b, "groupId", g.ID)
			b = appendString(b, "beginTime", e.Begin.In(c.opt.Location).Format(wallTime))
			b = appendString(b, "endTime", e.End.In(c.opt.Location).Format(wallTime))
			b = appendString(b, "licensePlateType", "")
			b = appendString(b, "carOwner", e.Owner)
			b = appendString(b, "cardNumber", "")
			b = appendString(b, "telephone", e.Telephone)
			b = append(b, "</item>"...)
		}
		return append(b, "</licensePlates>"...)
	})
}

// typed is a value that counts only with its type attribute.
type typed struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

func (c *Camera) modifyPlate(_ string, body []byte) reply {
	var in struct {
		Number string `xml:"licensePlate>licensePlateNumber"`
		Group  string `xml:"licensePlate>groupId"`
		Owner  *typed `xml:"licensePlate>carOwner"`
		Phone  *typed `xml:"licensePlate>telephone"`
		Begin  *typed `xml:"licensePlate>beginTime"`
		End    *typed `xml:"licensePlate>endTime"`
	}
	if a, ok := c.read(body, &in); !ok {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, code := c.find(in.Number, in.Group)
	if code != 0 {
		return c.code(code)
	}
	e := *entry
	for _, f := range [...]struct {
		in   *typed
		text *string
		time *time.Time
	}{{in.Owner, &e.Owner, nil}, {in.Phone, &e.Telephone, nil}, {in.Begin, nil, &e.Begin}, {in.End, nil, &e.End}} {
		switch {
		case f.in == nil:
		case f.in.Type != "string":
			return c.code(16)
		case f.text != nil:
			*f.text = f.in.Text
		default:
			t, err := time.ParseInLocation(wallTime, f.in.Text, c.opt.Location)
			if err != nil {
				return c.code(16)
			}
			*f.time = t
		}
	}
	*entry = e
	return c.code(0)
}

func (c *Camera) deletePlate(_ string, body []byte) reply {
	var in struct {
		Number string `xml:"deleteAction>licensePlateNumber"`
		Group  string `xml:"deleteAction>groupId"`
	}
	if a, ok := c.read(body, &in); !ok {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e, code := c.find(in.Number, in.Group)
	if code == 0 {
		c.plates.remove(e.Number)
	}
	return c.code(code)
}

// find looks for a plate on a list; a code other than 0 says why it is not there.
func (c *Camera) find(number, group string) (e *ListEntry, code int) {
	g, ok := c.groupByID(strings.TrimSpace(group))
	if !ok {
		return nil, 207
	}
	e = c.plates.find(strings.TrimSpace(number))
	if e == nil || e.Group != g.Name {
		return nil, 204
	}
	return e, 0
}
