package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Where says what the look was about and when: `"gate" (rules.d/gate.yaml:7) for
// gate/#12 at 2026-03-02 22:00:05.250`.
func (x *Explanation) Where(loc *time.Location) string {
	var b strings.Builder
	b.WriteString(strconv.Quote(x.Rule))
	if x.File != "" {
		fmt.Fprintf(&b, " (%s:%d)", x.File, x.Line)
	}
	if about := x.About(); about != "" {
		b.WriteString(" for " + about)
	}
	b.WriteString(" at " + x.At.In(loc).Format("2006-01-02 15:04:05.000"))
	return b.String()
}

// About is what the look was about: the key, and the target and plate when the
// key does not name them. It is safe to show on a terminal.
func (x *Explanation) About() string {
	about := x.Key
	if x.HasTarget {
		if t := x.Camera + "/" + strconv.FormatUint(x.Target, 10); about != t {
			about = strings.TrimPrefix(about+", target "+t, ", ")
		}
	}
	if x.Plate != "" && x.Plate != x.Key {
		about = strings.TrimPrefix(about+", plate "+x.Plate, ", ")
	}
	return plain(about)
}

// plain keeps a terminal from being written to by what came from outside.
func plain(s string) string {
	q := strconv.Quote(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

// AppendText adds the explanation as lines for people: the condition as a tree,
// `>` before every part that is missing, the values, where the key stands and what
// holds it back.
func (x *Explanation) AppendText(b []byte, loc *time.Location) []byte {
	b = append(b, x.Where(loc)...)
	b = append(b, ": "+x.Answer.String()+"\n"...)
	b = x.While.appendText(b, "while")
	b = x.When.appendText(b, "when")
	b = append(b, "  state  "+x.State...)
	if x.For > 0 {
		b = append(b, " for "+said(x.For)...)
	}
	if x.State == holding.String() && x.Left > 0 {
		b = append(b, ", "+said(x.Left)+" of its hold left"...)
	}
	b = append(b, "\n  why    "+x.Why()+"\n"...)
	for _, h := range x.Did {
		if h.Step != "" {
			b = append(b, "         "+h.Text()+"\n"...)
		}
	}
	return b
}

func (p *Part) appendText(b []byte, word string) []byte {
	if p == nil {
		return b
	}
	var rows [][3]string
	rows = p.rows(rows, 0)
	width := 0
	for _, r := range rows {
		width = max(width, len([]rune(r[1])))
	}
	for i, r := range rows {
		lead := ""
		if i == 0 {
			lead = word
		}
		pad := ""
		if r[2] != "" {
			pad = strings.Repeat(" ", max(0, width-len([]rune(r[1])))) + "   " + r[2]
		}
		b = fmt.Appendf(b, "  %-5s  %s%s%s\n", lead, r[0], r[1], pad)
	}
	return b
}

// rows gives a line each for a part and its parts: the mark and the answer, the
// source, the values.
func (p *Part) rows(rows [][3]string, depth int) [][3]string {
	mark := "  "
	if p.Missing {
		mark = "> "
	}
	text := p.Op
	if p.Op == "" {
		text = plain(p.Text)
	}
	var values []string
	for _, v := range p.Values {
		if !p.Missing {
			v.Bound = nil // how far it is beyond does not matter
		}
		values = append(values, v.Text())
	}
	rows = append(rows, [3]string{mark + fmt.Sprintf("%-7s  ", p.Answer), strings.Repeat("  ", depth) + text, strings.Join(values, ", ")})
	for i := range p.Parts {
		rows = p.Parts[i].rows(rows, depth+1)
	}
	return rows
}

// Text is a value in words: dwell("porch") = 8.7s of 10s (13 % off).
func (r *Reading) Text() string {
	s := plain(r.Name) + " = " + strings.Map(shownRune, r.Value)
	if r.Bound != nil {
		s += " of " + r.Bound.Value + " (" + strconv.FormatFloat(float64(r.Bound.Off)/10, 'f', -1, 64) + " % off)"
	}
	return s
}

// shownRune leaves a terminal as it is: what a value holds came from outside.
func shownRune(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return '?'
}

// said is a duration for people: what is under a hundredth of a second is left out.
func said(d time.Duration) string { return d.Truncate(10 * time.Millisecond).String() }

// Why is what held the rule back, in words.
func (x *Explanation) Why() string {
	left := ""
	if x.Left > 0 {
		left = ", " + said(x.Left) + " left"
	}
	switch x.Held {
	case "mode":
		return "the rule's mode is off"
	case "while":
		return "held back: `while` is " + x.While.Answer.String() + " (while)"
	case "unknown":
		return "held back: the condition is unknown, and unknown is not true (unknown)"
	case "for":
		return "held back: it is true, but not yet as long as `for` asks" + left + " (for)"
	case "cooldown":
		return "held back by its cooldown" + left + " (cooldown)"
	case "limit":
		return "held back: it fired as often as its limit allows" + left + " (limit)"
	case "shadow":
		return "it fired in the shadow: nothing was done (shadow)"
	case "late":
		return "held back: the post came too late (late)"
	case "loop":
		return "held back: a chain of rules that set one another off was cut (loop)"
	case "visit":
		return "held back: it fired in this visit already (visit)"
	case firstLook:
		return "it was true at the first look: only what follows was done (first look)"
	case "active":
		return "it is active already: a match prolongs that and does nothing again (active)"
	case "":
	default:
		return "held back: " + plain(x.Held)
	}
	switch {
	case x.fired():
		return "it fired"
	case x.State == holding.String():
		return "the condition is not true any more; the rule is held active" + left
	case x.Answer != True:
		return "the condition is " + x.Answer.String()
	case x.State == active.String():
		return "it is active"
	case x.Kind == KindTarget && x.State == idle.String():
		return "it came true since the target's last update; the next one decides"
	}
	return "nothing held it back"
}

// Text is what came of a rule, in words, without its time.
func (h *Happening) Text() string {
	what := map[DecisionType]string{DecisionFiring: "fired", DecisionEnd: "ended", DecisionSuppressed: "did not fire"}[h.Type]
	if h.Step != "" {
		what = "did not do " + plain(h.Step)
	}
	if h.Key != "" {
		what += " for " + plain(h.Key)
	}
	if h.Reason != "" {
		what += " (" + plain(h.Reason) + ")"
	}
	return what
}

// explanationJSON is an explanation as the API and --json give it: times in UTC
// with milliseconds, durations in seconds, absent is unknown or none.
type explanationJSON struct {
	Rule   string          `json:"rule"`
	File   string          `json:"file,omitempty"`
	Line   int             `json:"line,omitempty"`
	At     string          `json:"at"`
	Kind   string          `json:"kind,omitempty"`
	Key    string          `json:"key,omitempty"`
	Camera string          `json:"camera,omitempty"`
	Target *uint64         `json:"target,omitempty"`
	Plate  string          `json:"plate,omitempty"`
	Answer Truth           `json:"answer"`
	While  *Part           `json:"while,omitempty"`
	When   *Part           `json:"when,omitempty"`
	State  string          `json:"state"`
	For    float64         `json:"for,omitempty"`
	Held   string          `json:"held,omitempty"`
	Left   float64         `json:"left,omitempty"`
	Did    []happeningJSON `json:"did"`
}

type happeningJSON struct {
	At     string `json:"at"`
	Type   string `json:"type"`
	Key    string `json:"key,omitempty"`
	Step   string `json:"step,omitempty"`
	Reason string `json:"reason,omitempty"`
}

func seconds(d time.Duration) float64   { return float64(d.Milliseconds()) / 1000 }
func ofSeconds(s float64) time.Duration { return time.Duration(s*1000+0.5) * time.Millisecond }
func (h Happening) json() happeningJSON {
	return happeningJSON{h.At.UTC().Format(millis), h.Type.String(), h.Key, h.Step, h.Reason}
}
func (j happeningJSON) parse() Happening {
	return Happening{parseStamp(j.At), parseType(j.Type), j.Key, j.Step, j.Reason}
}

func parseStamp(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// parseType finds a type by its word.
func parseType(s string) DecisionType {
	for t := DecisionEnter; t < DecisionAction; t++ {
		if t.String() == s {
			return t
		}
	}
	return DecisionAction
}

// MarshalJSON gives the happening with its time in UTC.
func (h Happening) MarshalJSON() ([]byte, error) { return json.Marshal(h.json()) }

// UnmarshalJSON reads what [Happening.MarshalJSON] gives.
func (h *Happening) UnmarshalJSON(b []byte) error {
	var j happeningJSON
	err := json.Unmarshal(b, &j)
	*h = j.parse()
	return err
}

// MarshalJSON gives times in UTC with milliseconds, and durations in seconds.
func (x *Explanation) MarshalJSON() ([]byte, error) {
	j := explanationJSON{
		Rule: x.Rule, File: x.File, Line: x.Line, At: x.At.UTC().Format(millis), Kind: x.Kind.String(), Key: x.Key, Camera: x.Camera,
		Plate: x.Plate, Answer: x.Answer, While: x.While, When: x.When, State: x.State, For: seconds(x.For), Held: x.Held, Left: seconds(x.Left),
		Did: make([]happeningJSON, 0, len(x.Did)),
	}
	if x.HasTarget {
		j.Target = &x.Target
	}
	for _, h := range x.Did {
		j.Did = append(j.Did, h.json())
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // conditions hold < and >
	err := enc.Encode(j)
	return bytes.TrimSpace(b.Bytes()), err
}

// UnmarshalJSON reads what [Explanation.MarshalJSON] gives.
func (x *Explanation) UnmarshalJSON(b []byte) error {
	var j explanationJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	kind, _ := ParseKind(j.Kind)
	*x = Explanation{
		Rule: j.Rule, File: j.File, Line: j.Line, At: parseStamp(j.At), Kind: kind, Key: j.Key, Camera: j.Camera, Plate: j.Plate,
		Answer: j.Answer, While: j.While, When: j.When, State: j.State, For: ofSeconds(j.For), Held: j.Held, Left: ofSeconds(j.Left),
	}
	if j.Target != nil {
		x.Target, x.HasTarget = *j.Target, true
	}
	for _, h := range j.Did {
		x.Did = append(x.Did, h.parse())
	}
	return nil
}
