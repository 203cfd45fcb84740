package main

import (
	"cmp"
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/journal"
)

// maxEntryText is how long the sentence about an entry gets, in bytes.
const maxEntryText = 300

// entryBody is what the bodies of entries hold, as far as sentences are made of it.
type entryBody struct {
	// Of what was decided and done.
	Type, Step, Outcome, Reason, Cause, Who, Fault, Error, Detail, Rules, From, Since, Until, File, What string
	Finally                                                                                              bool
	On, Loaded, OK                                                                                       *bool
	Took                                                                                                 float64
	Tries, Dropped                                                                                       int
	Problems                                                                                             []string

	// Of events.
	Kind, Name, Version, Text, Problem string
	Killed                             bool `json:"after_kill"`
	Over                               bool
	Online                             *bool
	Value                              json.RawMessage
	Plate                              struct {
		Number, List, Heading string
		Confidence            *float64
	}
	Face    struct{ Match string }
	Message struct{ Topic string }
	Alarm   *struct {
		Name string
		On   *bool
	}
	Targets []struct {
		ID    *uint64
		Class string
	}
}

// entryText says in one sentence what happened. When that was is not in it: the entry has it. Other times are in a zone.
func entryText(e *journal.Entry, zone *time.Location) string {
	var b entryBody
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return e.Kind + ": its text cannot be read"
	}
	var s string
	switch e.Kind {
	case journal.KindEvent:
		s = b.event(e)
	case journal.KindFiring:
		s = b.firing(e)
	case journal.KindSuppressed:
		s = b.suppressed(e)
	case journal.KindAction:
		s = b.action(e, zone)
	case journal.KindRelay:
		s = b.relay(e)
	case journal.KindReload:
		s = b.reload()
	case journal.KindLogin:
		s = loginText(b.OK != nil && *b.OK, b.Type, b.Who, b.From, b.Detail)
	default:
		s = after(b.Error, b.Detail)
		if b.Dropped > 0 {
			s += " (" + missingEntries(b.Dropped) + ")"
		}
		if e.Camera != "" {
			s = "camera " + e.Camera + ": " + s
		}
	}
	return shorten(strings.Join(strings.Fields(s), " "), maxEntryText)
}

// event says what came in.
func (b *entryBody) event(e *journal.Entry) string {
	at := ""
	if e.Camera != "" {
		at = " at " + e.Camera
	}
	switch b.Kind {
	case "start":
		s := "Sallyport " + b.Version + " started"
		if b.Killed {
			s += "; the run before did not end in order"
		}
		return s
	case "stop":
		return "Sallyport stopped"
	case "clock":
		return "the clock was set by " + strconv.FormatFloat(b.seconds(), 'f', -1, 64) + " s"
	case "plate":
		var what []string
		for _, s := range []string{b.Plate.List, b.Plate.Heading} {
			if s != "" {
				what = append(what, s)
			}
		}
		return after(b.Plate.Number+" read"+at, strings.Join(what, ", "))
	case "face":
		return "a face seen" + at
	case "face_match":
		return "the face of " + cmp.Or(b.Face.Match, "somebody known") + " seen" + at
	case "alarm":
		if b.Alarm == nil {
			break
		}
		s := "alarm " + strings.ReplaceAll(b.Alarm.Name, "_", " ") + at
		if b.Alarm.On != nil {
			s += " is " + onOff(*b.Alarm.On)
		}
		return s
	case "contact":
		if b.On == nil {
			return "contact " + b.Name + " cannot be read"
		}
		return "contact " + b.Name + " is " + onOff(*b.On)
	case "flag":
		return "flag " + b.Name + " is " + string(b.Value)
	case "message":
		return "message " + b.Message.Topic + " came"
	case "camera":
		switch {
		case b.Text != "":
			return "camera " + e.Camera + ": " + b.Text
		case b.Online != nil && *b.Online:
			return "camera " + e.Camera + " is online"
		case b.Online != nil:
			return "camera " + e.Camera + " is offline"
		}
	}
	s := strings.ReplaceAll(b.Kind, "_", " ") + at
	var who []string
	for _, t := range b.Targets[:min(len(b.Targets), 3)] {
		one := cmp.Or(t.Class, "target")
		if t.ID != nil {
			one += " " + strconv.FormatUint(*t.ID, 10)
		}
		who = append(who, one)
	}
	if n := len(b.Targets) - len(who); n > 0 {
		who = append(who, strconv.Itoa(n)+" more")
	}
	return after(s, strings.Join(who, ", "))
}

// seconds are by how much a clock was set; of other entries it is 0.
func (b *entryBody) seconds() float64 {
	n, err := strconv.ParseFloat(b.Step, 64)
	if err != nil {
		return 0
	}
	return n
}

// UnmarshalJSON reads a body. Step is a text in most and a number in that of a clock.
func (b *entryBody) UnmarshalJSON(text []byte) error {
	type plain entryBody
	into := struct {
		*plain
		Step json.RawMessage
	}{plain: (*plain)(b)}
	if err := json.Unmarshal(text, &into); err != nil {
		return err
	}
	if json.Unmarshal(into.Step, &b.Step) != nil {
		b.Step = string(into.Step)
	}
	return nil
}

// firing says that a rule fired or ended.
func (b *entryBody) firing(e *journal.Entry) string {
	s := e.Rule
	switch {
	case b.Type == "end":
		s += " ended" + forKey(e)
		if d, ok := lasted(b.Since, b.Until); ok {
			s += " after " + d
		}
		if b.Reason != "" {
			s += " (" + b.Reason + ")"
		}
	case b.Reason == "shadow":
		s += " would have fired" + forKey(e) + " (shadow)"
	case b.Reason != "":
		s += " fired" + forKey(e) + " (" + b.Reason + ")"
	default:
		s += " fired" + forKey(e)
	}
	return s
}

// suppressed says what was held back, and why.
func (b *entryBody) suppressed(e *journal.Entry) string {
	if b.Step != "" {
		return after(e.Rule+forKey(e)+", step "+b.Step+" held back", heldWords(b.Reason))
	}
	return after(e.Rule+forKey(e)+" held back", heldWords(b.Reason))
}

// heldWords says why something was held back, where the rule language's own word says too little.
func heldWords(reason string) string {
	switch reason {
	case "limit":
		return "it fired as often as its limit allows"
	case "late":
		return "the post came too late"
	case "loop":
		return "a chain of rules that set one another off was cut"
	case "unknown":
		return "the condition is unknown, and unknown is not true"
	case "visit":
		return "this visit had it already"
	case "active":
		return "it is active already"
	case "first look":
		return "it was true at the first look"
	}
	return reason
}

// action says what became of a step, or of what somebody asked for.
func (b *entryBody) action(e *journal.Entry, zone *time.Location) string {
	if b.Type == "command" {
		if mode, ok := strings.CutPrefix(b.Step, "mode "); ok && e.Rule != "" {
			return b.mode(e, mode, zone)
		}
		what, _ := b.relayWords()
		return b.came(cmp.Or(what, b.Step)+handSaid(b.Who, ": "), somebody(b.Who)+" asked for "+b.Step)
	}
	if (b.Step == "log" || strings.HasPrefix(b.Step, "log ")) && b.Outcome == "done" {
		return after(e.Rule+" says", b.Detail)
	}
	if what, ok := b.relayWords(); ok && e.Rule != "" {
		if b.Outcome == "done" && b.Reason == leaseOver {
			return "relay " + e.Relay + " no longer held on by " + e.Rule
		}
		return b.came(what+" by "+e.Rule, e.Rule+forKey(e)+", step "+b.Step)
	}
	s := b.Step
	if e.Rule != "" {
		s = e.Rule + forKey(e) + ", step " + b.Step
	}
	if b.Outcome == "done" {
		return s + " done" + tried(b.Tries)
	}
	return b.came(s, s)
}

// mode says which mode a rule was given by hand, or has again.
func (b *entryBody) mode(e *journal.Entry, mode string, zone *time.Location) string {
	s := e.Rule + ": mode " + mode
	if word, until, ok := strings.Cut(mode, " until "); ok {
		if t, err := time.Parse(time.RFC3339, until); err == nil {
			layout := "15:04"
			if t, at := t.In(zone), e.At.In(zone); t.Year() != at.Year() {
				layout = "Mon 2 Jan 2006 15:04"
			} else if t.YearDay() != at.YearDay() {
				layout = "Mon 2 Jan 15:04"
			}
			s = e.Rule + ": mode " + word + " until " + t.In(zone).Format(layout)
		}
	}
	if b.Who == clockSetIt {
		return b.came(s, s)
	}
	s += " by hand: " + cmp.Or(b.Who, "somebody")
	return b.came(s, s)
}

// came adds what came of a step: well is said when it was done, else is said with the reason.
func (b *entryBody) came(well, other string) string {
	switch b.Outcome {
	case "failed":
		return after(other+" failed"+tried(b.Tries), b.Reason)
	case "not begun":
		return after(other+" was not begun", heldWords(b.Reason))
	}
	if b.Reason != "" {
		well += " (" + b.Reason + ")"
	}
	return well
}

// relayWords says what a relay step does: relay gate pulse 800ms is relay gate on for 0.8 s.
func (b *entryBody) relayWords() (string, bool) {
	words := strings.Fields(b.Step)
	if len(words) < 3 || words[0] != "relay" {
		return "", false
	}
	name := words[1]
	switch words[2] {
	case "pulse":
		if len(words) == 4 {
			if d, err := time.ParseDuration(words[3]); err == nil {
				return "relay " + name + " on for " + inWords(d), true
			}
		}
	case "on", "off":
		return "relay " + name + " " + words[2], true
	case "follow":
		return "relay " + name + " held on", true
	case "clear":
		return "fault of relay " + name + " cleared", true
	}
	return "", false
}

// relay says what level a relay has now, and why.
func (b *entryBody) relay(e *journal.Entry) string {
	s := "relay " + e.Relay
	if b.On != nil {
		s += " is " + onOff(*b.On)
	}
	cause, by, _ := strings.Cut(b.Cause, " (")
	switch {
	case b.Fault != "":
		return s + ", fault: " + b.Fault
	case b.Who != "" && strings.HasPrefix(cause, "by hand"):
		return s + ":" + handSaid(b.Who, ", ")
	case e.Rule == "":
		return after(s, b.Cause)
	case strings.Contains(cause, "rule "+strconv.Quote(e.Rule)) && !strings.HasPrefix(cause, "rule "):
		cause, _, _ = strings.Cut(cause, "rule "+strconv.Quote(e.Rule))
		return after(s, cause+e.Rule)
	case by != "" || !strings.HasPrefix(cause, "rule "):
		return after(s, cause+" ("+e.Rule+")")
	}
	return after(s, e.Rule+forKey(e))
}

// reload says whether rule files were taken.
func (b *entryBody) reload() string {
	if b.File != "" {
		return somebody(b.Who) + " " + cmp.Or(b.What, "saved") + " " + b.File
	}
	if b.Loaded != nil && *b.Loaded {
		return "rules loaded, set " + short(b.Rules)
	}
	s := "rules did not load, set " + short(b.Rules) + " stays"
	if len(b.Problems) == 0 {
		return s
	}
	s += ": " + b.Problems[0]
	if n := len(b.Problems) - 1; n > 0 {
		s += " (and " + strconv.Itoa(n) + " more)"
	}
	return s
}

// somebody is who did something. The console on the machine itself has no user.
func somebody(who string) string {
	if here(who) {
		return "somebody at this machine"
	}
	return cmp.Or(who, "somebody")
}

// handSaid says that it was done by hand, and by whom.
func handSaid(who, mark string) string {
	if here(who) {
		return " by hand at this machine"
	}
	return " by hand" + mark + cmp.Or(who, "somebody")
}

// here tells whether somebody used the console on the machine itself without a user.
func here(who string) bool {
	host, ok := strings.CutPrefix(who, "console at ")
	if !ok {
		return false
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// forKey says whom a rule is about: for ABC1234, for target 7 at porch.
func forKey(e *journal.Entry) string {
	place, id, cut := strings.Cut(e.Key, "/")
	switch {
	case e.Plate != "":
		return " for " + e.Plate
	case e.Key == "" || e.Key == e.Rule:
		return ""
	case !cut:
		return " for " + e.Key
	case strings.HasPrefix(id, "#"):
		return " for visit " + id[1:] + " at " + place
	}
	if _, err := strconv.ParseUint(id, 10, 64); err == nil {
		return " for target " + id + " at " + place
	}
	return " for " + strings.ReplaceAll(id, "/", " ") + " at " + place
}

// lasted is how long something lasted.
func lasted(since, until string) (string, bool) {
	from, err := time.Parse(time.RFC3339, since)
	to, err2 := time.Parse(time.RFC3339, until)
	if err != nil || err2 != nil || to.Before(from) {
		return "", false
	}
	return inWords(to.Sub(from)), true
}

// inWords is a duration for people: 0.8 s, 12 min, 3 h 20 min.
func inWords(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.FormatFloat(d.Round(100*time.Millisecond).Seconds(), 'f', -1, 64) + " s"
	case d < time.Hour:
		return twoParts(int(d.Round(time.Second)/time.Second), "min", "s", d < 10*time.Minute)
	}
	return twoParts(int(d.Round(time.Minute)/time.Minute), "h", "min", true)
}

// twoParts is a number of small units in large ones, 60 each, and the rest when it is wanted.
func twoParts(n int, large, small string, rest bool) string {
	s := strconv.Itoa(n/60) + " " + large
	if n%60 != 0 && rest {
		s += " " + strconv.Itoa(n%60) + " " + small
	}
	return s
}

// after joins a beginning with what explains it, when there is something.
func after(s, more string) string {
	if more == "" {
		return s
	}
	return s + ": " + more
}

// tried says how often something was tried, when that was more than once.
func tried(n int) string {
	if n < 2 {
		return ""
	}
	return " after " + strconv.Itoa(n) + " tries"
}

func missingEntries(n int) string {
	if n == 1 {
		return "1 entry is missing"
	}
	return strconv.Itoa(n) + " entries are missing"
}
