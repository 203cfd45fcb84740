package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// alarmKey names an alarm: the device's element and its number, which on a
// recorder is the channel's.
type alarmKey struct {
	name string
	id   int
}

// alarmState is an alarm that is on.
type alarmState struct {
	until time.Time // zero: until it is switched off
}

// alarmChange is a change that Run has to post.
type alarmChange struct {
	alarmKey
	on bool
}

// SetAlarm switches an alarm by hand, for example "motionAlarm", "sceneChange",
// or "sensorAlarmIn" for the contact of that id; id 0 is 1. It stays as it is
// set, and Run posts the change to whom it may concern.
func (c *Camera) SetAlarm(name string, id int, on bool) error {
	if !isName(name) {
		return fmt.Errorf("%q is not an alarm's element name (try \"motionAlarm\")", name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.setAlarm(alarmKey{name, max(id, 1)}, on, time.Time{})
	return nil
}

// setAlarm changes an alarm and notes an edge. The lock is held.
func (c *Camera) setAlarm(k alarmKey, on bool, until time.Time) {
	was := c.alarms[k]
	switch {
	case on && was != nil:
		was.until = until
		return
	case on:
		c.alarms[k] = &alarmState{until: until}
	case was == nil:
		return
	default:
		delete(c.alarms, k)
		// An outright oddity of the firmware of cameras, not of recorders.
		if k.name == "perimeterAlarm" && !c.opt.Recorder {
			clear(c.outputs)
		}
	}
	c.changed = append(c.changed, alarmChange{k, on})
	c.changed = c.changed[max(0, len(c.changed)-256):]
	c.poke()
}

// expire ends the alarms whose hold time is over. The lock is held.
func (c *Camera) expire(now time.Time) {
	var over []alarmKey
	for k, a := range c.alarms {
		if !a.until.IsZero() && !now.Before(a.until) {
			over = append(over, k)
		}
	}
	slices.SortFunc(over, compareAlarms)
	for _, k := range over {
		c.setAlarm(k, false, time.Time{})
	}
}

func compareAlarms(a, b alarmKey) int {
	return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.id, b.id))
}

// nextExpiry is when the next hold time is over; zero: none runs. The lock is held.
func (c *Camera) nextExpiry() time.Time {
	var next time.Time
	for _, a := range c.alarms {
		if !a.until.IsZero() && (next.IsZero() || a.until.Before(next)) {
			next = a.until
		}
	}
	return next
}

// alarmStatus answers GetAlarmStatus: cameras list every alarm, recorders the
// ones that are on.
func (c *Camera) alarmStatus(string, []byte) reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire(time.Now())
	ids := map[string][]int{}
	names := []string{"motionAlarm", "sensorAlarmIn", "perimeterAlarm", "tripwireAlarm", "vfdAlarm", "vehicleAlarm", "aoiEntryAlarm", "aoiLeaveAlarm", "pvdAlarm", "loiteringAlarm"}
	if c.opt.Recorder {
		names = nil
	}
	for _, n := range names {
		ids[n] = []int{1}
	}
	for k := range c.alarms {
		if len(ids[k.name]) == 0 {
			names = append(names, k.name)
		}
		if !slices.Contains(ids[k.name], k.id) {
			ids[k.name] = append(ids[k.name], k.id)
		}
	}
	if c.opt.Recorder {
		slices.Sort(names)
	} else {
		slices.Sort(names[10:])
	}
	w := c.writer()
	w.open("alarmStatusInfo")
	for _, name := range names {
		slices.Sort(ids[name])
		grouped := c.opt.API != API19 || name == "sensorAlarmIn"
		switch {
		case grouped && c.opt.API == API19:
			w.list(name, len(ids[name]), 0)
			w.b = append(w.b, `<itemType type="boolean"/>`...)
		case grouped:
			w.open(name)
		}
		for _, id := range ids[name] {
			element, attr := name, ` type="boolean"`
			if grouped {
				element, attr = "item", ""
			}
			w.b = append(w.b, "<"+element+attr+` id="`+strconv.Itoa(id)+`">`+strconv.FormatBool(c.alarms[alarmKey{name, id}] != nil)...)
			w.close(element)
		}
		if grouped {
			w.close(name)
		}
	}
	w.close("alarmStatusInfo")
	return w.reply()
}
