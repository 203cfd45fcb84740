package plates

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/viewtron/client"
)

// A Mapping says that the plates of a local list belong on a list of a camera.
type Mapping struct {
	Local  string
	Camera string // allow, block, temporary, or the camera's own name of a list
}

// SyncOptions are what a plan goes by, besides the camera.
type SyncOptions struct {
	// Local are the local lists, which are the truth.
	Local []*engine.List
	// Mapping says where they belong. Without any, lists called allow, block,
	// temporary or like a list of the camera belong there.
	Mapping []Mapping
	// Now is the wall clock, by which an entry is valid or not.
	Now time.Time
	// Zone is the one the camera's clock runs in; nil = time.Local.
	Zone *time.Location
	// Prune takes plates off that are on the camera only.
	Prune bool
	// AllowEmpty takes an empty or missing local list for one of nobody.
	AllowEmpty bool
}

// Op is what a step of a plan does.
type Op string

// The steps of a plan.
const (
	OpAdd    Op = "add"
	OpChange Op = "change" // of owner or validity
	OpMove   Op = "move"   // from one of the camera's lists to another
	OpRemove Op = "remove"
)

// A Step is one thing to do to one plate of a camera.
type Step struct {
	Op Op
	// Plate is the plate as it shall be, on the list Plate.Group; of a removal
	// as it is.
	Plate client.Plate
	From  string // the list it leaves, of a move
	Why   string // for people: what is new, or why it goes

	change client.PlateChange
	rank   int // steps of a lower rank come first
}

// How many plates are added in one call. A plate gets its validity after it was
// added; few at a time keep that moment short.
const (
	addAtOnce    = client.MaxBatch
	addWithTimes = 10
)

// atOnce is how many steps like this one are done in one call. The large calls come
// first.
func (s Step) atOnce() int {
	switch {
	case s.Op != OpAdd:
		return 1
	case s.Plate.Begin.IsZero() && s.Plate.End.IsZero():
		return addAtOnce
	}
	return addWithTimes
}

// FindingKind is what a plan has to say about a plate that no step is for.
type FindingKind string

// The kinds of findings.
const (
	FoundKept     FindingKind = "kept"     // it is on the camera only, and stays
	FoundLocal    FindingKind = "local"    // its local entry is nothing for a camera
	FoundNote     FindingKind = "note"     // the camera gets it, but not all of it
	FoundConflict FindingKind = "conflict" // nothing is done, a person must decide
	FoundUnfit    FindingKind = "unfit"    // no camera can hold it
	FoundRefused  FindingKind = "refused"  // a whole list is left alone
)

// Bad tells whether a person must do something about it.
func (k FindingKind) Bad() bool {
	return k == FoundConflict || k == FoundUnfit || k == FoundRefused
}

// A Finding is about one plate, or about a list when Number is empty.
type Finding struct {
	Kind   FindingKind
	Number string
	List   string // the camera's list, by its word: allow, block, temporary, or its own name
	Text   string
}

// A Plan is what makes the lists of one camera equal to the local ones.
type Plan struct {
	Steps    []Step    // in the order in which they are done
	Findings []Finding // by kind, then plate
	Same     int       // plates that are as they shall be
	// Unmapped are the local lists that belong on no list of the camera.
	Unmapped []string
}

// Count gives the number of steps with an op.
func (p *Plan) Count(op Op) int {
	n := 0
	for i := range p.Steps {
		if p.Steps[i].Op == op {
			n++
		}
	}
	return n
}

// Found gives the number of findings of a kind.
func (p *Plan) Found(k FindingKind) int {
	n := 0
	for i := range p.Findings {
		if p.Findings[i].Kind == k {
			n++
		}
	}
	return n
}

// Bad tells whether a finding needs a person.
func (p *Plan) Bad() bool {
	return slices.ContainsFunc(p.Findings, func(f Finding) bool { return f.Kind.Bad() })
}

// ListWord gives the word for a camera's list: allow, block, temporary, or its
// own name.
func ListWord(group string) string {
	for _, word := range []string{"allow", "block", "temporary"} {
		if client.GroupName(word) == group {
			return word
		}
	}
	return group
}

// farEnd is the end that a plate without one gets, since a device wants one: the
// same that firmware chooses. What ends after noEnd has none.
const (
	farYear = 2037
	noEnd   = 2036
)

// clockSlack is how far a camera's clock may be ahead of ours before a validity
// that it began itself counts as one that begins in the future.
const clockSlack = 5 * time.Minute

// NewPlan compares what a camera has with the local lists. have are all plates
// of all groups. The error says that nothing can be planned, because no local
// list belongs on a list of the camera, or one that is named is not there.
// The same input gives the same plan.
func NewPlan(groups []client.Group, have []client.Plate, o SyncOptions) (*Plan, error) {
	if o.Zone == nil {
		o.Zone = time.Local
	}
	pl := planner{
		o: o, mapped: make(map[string]bool), refused: make(map[string]bool),
		wanted: make(map[string]*wanted), have: make(map[string][]client.Plate), listed: make(map[string]int),
	}
	if err := pl.lists(groups); err != nil {
		return nil, err
	}
	for _, p := range have {
		n := engine.NormalPlate(p.Number)
		pl.have[n] = append(pl.have[n], p)
		pl.listed[p.Group]++
	}
	pl.empties()
	pl.want()
	var normals []string
	for n := range pl.wanted {
		normals = append(normals, n)
	}
	for n := range pl.have {
		if pl.wanted[n] == nil {
			normals = append(normals, n)
		}
	}
	slices.Sort(normals)
	for _, n := range normals {
		pl.plate(pl.wanted[n], pl.have[n])
	}
	slices.SortStableFunc(pl.plan.Steps, func(a, b Step) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.From, b.From), cmp.Compare(a.Plate.Group, b.Plate.Group), cmp.Compare(b.atOnce(), a.atOnce()))
	})
	kinds := []FindingKind{FoundRefused, FoundConflict, FoundUnfit, FoundNote, FoundLocal, FoundKept}
	slices.SortStableFunc(pl.plan.Findings, func(a, b Finding) int {
		return cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind))
	})
	return &pl.plan, nil
}

type planner struct {
	o       SyncOptions
	plan    Plan
	maps    []mappedList
	mapped  map[string]bool // by group
	refused map[string]bool // by group
	wanted  map[string]*wanted
	have    map[string][]client.Plate
	listed  map[string]int // plates by group
}

// mappedList is a local list and the group its plates belong on.
type mappedList struct {
	name, group string
	list        *engine.List // nil: there is none of that name
}

// wanted is what the local lists say of a plate.
type wanted struct {
	live  []candidate // entries that a camera shall have
	inert []candidate // those that it shall not have: expired, or with a schedule
}

type candidate struct {
	list  string
	group string
	entry engine.Entry
	why   string // of an inert one
}

// lists finds the camera's list for every local one.
func (pl *planner) lists(groups []client.Group) error {
	var names []string
	for _, g := range groups {
		if slices.Contains(names, g.Name) {
			return fmt.Errorf("the camera has two plate lists called %q", g.Name)
		}
		names = append(names, g.Name)
	}
	find := func(name string) *engine.List {
		if i := slices.IndexFunc(pl.o.Local, func(l *engine.List) bool { return l.Name == name }); i >= 0 {
			return pl.o.Local[i]
		}
		return nil
	}
	for _, m := range pl.o.Mapping {
		group := client.GroupName(m.Camera)
		if !slices.Contains(names, group) {
			return fmt.Errorf("the local list %q belongs on the list %q of the camera, which it does not have (it has %s)", m.Local, m.Camera, words(names))
		}
		pl.maps = append(pl.maps, mappedList{m.Local, group, find(m.Local)})
	}
	if len(pl.o.Mapping) == 0 {
		for _, l := range pl.o.Local {
			if group := client.GroupName(l.Name); slices.Contains(names, group) {
				pl.maps = append(pl.maps, mappedList{l.Name, group, l})
			}
		}
	}
	if len(pl.maps) == 0 {
		return noMapping(pl.o.Local, names)
	}
	for _, l := range pl.maps {
		pl.mapped[l.group] = true
	}
	for _, l := range pl.o.Local {
		if !slices.ContainsFunc(pl.maps, func(m mappedList) bool { return m.name == l.Name }) {
			pl.plan.Unmapped = append(pl.plan.Unmapped, l.Name)
		}
	}
	return nil
}

// noMapping says which lines to write.
func noMapping(local []*engine.List, groups []string) error {
	if len(local) == 0 {
		return errors.New("the rules have no lists; write one, for example lists: {residents: [{plate: ABC1234, owner: Ann}]}")
	}
	var lines []string
	for _, l := range local[:min(len(local), 5)] {
		// Which list is which nobody can guess: a list that opens is never proposed for what may be a list of banned ones.
		lines = append(lines, l.Name+": …")
	}
	return fmt.Errorf("no local list belongs on a list of the camera; say in the site file which do, with one of %s for each: plates: {lists: {%s}}", words(groups), strings.Join(lines, ", "))
}

func words(groups []string) string {
	if len(groups) == 0 {
		return "none"
	}
	var out []string
	for _, g := range groups {
		out = append(out, short(ListWord(g)))
	}
	return strings.Join(out, ", ")
}

// empties refuses the camera's lists whose local list looks lost.
func (pl *planner) empties() {
	for _, l := range pl.maps {
		what := ""
		switch {
		case l.list == nil:
			what = fmt.Sprintf("there is no local list %q", l.name)
		case len(l.list.Entries()) == 0:
			what = fmt.Sprintf("the local list %q is empty", l.name)
		}
		word, n := ListWord(l.group), pl.listed[l.group]
		switch {
		case what == "":
		case n > 0 && !pl.o.AllowEmpty:
			pl.refused[l.group] = true
			pl.find(FoundRefused, "", word, fmt.Sprintf("%s, but the camera has %s there: nothing is done with that list; if it is meant, say --allow-empty, and --prune to take the plates off", what, plateCount(n)))
		case l.list == nil && !pl.o.AllowEmpty:
			// Nothing can be emptied, but banned ones may be missing.
			pl.find(FoundRefused, "", word, what+"; if there shall be none, say --allow-empty or take it out of the site file")
		}
	}
}

// want collects what the local lists say of each plate.
func (pl *planner) want() {
	for _, l := range pl.maps {
		if l.list == nil {
			continue
		}
		for _, e := range l.list.Entries() {
			n := engine.NormalPlate(e.Plate)
			w := pl.wanted[n]
			if w == nil {
				w = &wanted{}
				pl.wanted[n] = w
			}
			c := candidate{list: l.name, group: l.group, entry: e}
			c.entry.Plate = strings.Trim(e.Plate, " ")
			switch {
			case !e.Until.IsZero() && !pl.o.Now.Before(e.Until):
				c.why = "its time has passed"
				w.inert = append(w.inert, c)
			case e.Schedule >= 0 && l.group != client.BlockGroup:
				c.why = "it has a schedule, which a camera cannot hold"
				w.inert = append(w.inert, c)
			default:
				w.live = append(w.live, c)
			}
		}
	}
}

// plate plans one plate: w is what the local lists say, nil when nothing; on is
// where the camera has it.
func (pl *planner) plate(w *wanted, on []client.Plate) {
	if w == nil {
		w = &wanted{}
	}
	onOurs := slices.ContainsFunc(on, func(p client.Plate) bool { return pl.mapped[p.Group] })
	if len(w.live) == 0 && !onOurs {
		if len(w.inert) > 0 {
			c := w.inert[0]
			pl.find(FoundLocal, c.entry.Plate, ListWord(c.group), "on the local list "+strconv.Quote(c.list)+" only: "+c.why)
		}
		return
	}
	for _, p := range on {
		if pl.refused[p.Group] {
			return
		}
	}
	for _, c := range w.live {
		if pl.refused[c.group] {
			return
		}
	}
	for _, c := range w.live {
		if first := w.live[0]; c.group != first.group {
			pl.find(FoundConflict, first.entry.Plate, "", fmt.Sprintf("stands on the local lists %q (%s) and %q (%s)", first.list, ListWord(first.group), c.list, ListWord(c.group)))
			return
		}
	}
	if len(on) > 1 {
		on = slices.SortedFunc(slices.Values(on), func(a, b client.Plate) int {
			return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Group, b.Group))
		})
		var places []string
		for _, p := range on {
			places = append(places, fmt.Sprintf("as %q on %s", short(p.Number), short(ListWord(p.Group))))
		}
		pl.find(FoundConflict, on[0].Number, "", "the camera has it more than once: "+strings.Join(places[:min(len(places), 4)], ", "))
		return
	}
	switch {
	case len(w.live) == 0:
		pl.unwanted(w, on[0])
	case len(on) == 0:
		pl.add(pl.choose(w.live))
	default:
		pl.compare(pl.choose(w.live), on[0])
	}
}

// unwanted plans a plate of the camera that no local entry wants there.
func (pl *planner) unwanted(w *wanted, p client.Plate) {
	word := ListWord(p.Group)
	// An entry that ended says nothing about the other lists of the camera.
	i := slices.IndexFunc(w.inert, func(c candidate) bool { return c.group == p.Group })
	switch {
	case i >= 0 && w.inert[i].entry.Plate != p.Number:
		pl.spelling(w.inert[i], p)
	case i >= 0:
		pl.remove(p, w.inert[i].why)
	case pl.o.Prune:
		pl.remove(p, OnNoList)
	default:
		pl.find(FoundKept, p.Number, word, "only on the camera")
	}
}

func (pl *planner) spelling(c candidate, p client.Plate) {
	pl.find(FoundConflict, c.entry.Plate, ListWord(c.group), fmt.Sprintf("the camera spells it %q (on %s); write both the same", short(p.Number), short(ListWord(p.Group))))
}

// choose picks the entry that counts now, else the next that will. A camera
// holds one period of a plate.
func (pl *planner) choose(live []candidate) candidate {
	now := pl.o.Now
	begun := func(c candidate) bool { return !c.entry.From.After(now) }
	best := live[0]
	for _, c := range live[1:] {
		switch {
		case begun(c) != begun(best):
			if begun(c) {
				best = c
			}
		case begun(c):
			if !best.entry.Until.IsZero() && (c.entry.Until.IsZero() || c.entry.Until.After(best.entry.Until)) {
				best = c
			}
		case c.entry.From.Before(best.entry.From):
			best = c
		}
	}
	for _, c := range live {
		if !c.entry.From.Equal(best.entry.From) || !c.entry.Until.Equal(best.entry.Until) {
			pl.find(FoundNote, best.entry.Plate, ListWord(best.group), "has several periods; the camera can hold one and has that which counts now or next")
			break
		}
	}
	return best
}

// target gives the plate as the camera shall have it. Begin is set when it is
// still to come, End when there is one. ok is false when no camera can hold it,
// which was noted then.
func (pl *planner) target(c candidate) (p client.Plate, ok bool) {
	word := ListWord(c.group)
	if err := check("plate", c.entry.Plate, client.MaxPlateChars); err != nil {
		pl.find(FoundUnfit, c.entry.Plate, word, err.Error())
		return p, false
	}
	p = client.Plate{Number: c.entry.Plate, Group: c.group, Owner: strings.TrimSpace(c.entry.Owner)}
	if p.Owner != "" {
		if err := check("owner", p.Owner, client.MaxTextChars); err != nil {
			pl.find(FoundNote, p.Number, word, "without its owner: "+err.Error())
			p.Owner = ""
		}
	}
	far := pl.far()
	if from := c.entry.From; from.After(pl.o.Now) {
		if !from.Before(far) {
			pl.find(FoundUnfit, p.Number, word, "it begins after the end of a camera's calendar, "+far.Format(time.DateOnly))
			return p, false
		}
		p.Begin = from
	}
	if until := c.entry.Until; !until.IsZero() && until.Before(far) {
		// A camera's end is the last second that counts, ours the first that does not.
		p.End = until.Add(-time.Nanosecond).Truncate(time.Second)
	}
	if !p.Begin.IsZero() && p.End.IsZero() {
		// With an end, a plate that was added and could not be given its
		// beginning is taken off again.
		p.End = far
	}
	if !p.Begin.IsZero() && !p.Begin.Before(p.End) {
		pl.find(FoundUnfit, p.Number, word, "its time is shorter than a second")
		return p, false
	}
	return p, true
}

// OnNoList is the Why of a removal of what is on the camera only.
const OnNoList = "on no local list"

// far is the end of a plate without one.
func (pl *planner) far() time.Time { return time.Date(farYear, 12, 30, 10, 59, 59, 0, pl.o.Zone) }

func (pl *planner) add(c candidate) {
	p, ok := pl.target(c)
	if !ok {
		return
	}
	rank := rankAdd
	if p.Group == client.BlockGroup {
		rank = rankBlock
	}
	pl.step(Step{Op: OpAdd, Plate: p, Why: describe(p, pl.far()), rank: rank})
}

func (pl *planner) remove(p client.Plate, why string) {
	rank := rankRemove
	if p.Group == client.BlockGroup {
		rank = rankUnblock
	}
	pl.step(Step{Op: OpRemove, Plate: p, Why: why, rank: rank})
}

// compare plans a plate that the camera has and shall have.
func (pl *planner) compare(c candidate, h client.Plate) {
	switch {
	case !pl.mapped[h.Group]:
		pl.find(FoundConflict, c.entry.Plate, ListWord(c.group), fmt.Sprintf("stands on the camera's list %q, on which no local list belongs", short(h.Group)))
		return
	case h.Number != c.entry.Plate:
		pl.spelling(c, h)
		return
	}
	p, ok := pl.target(c)
	if !ok {
		return
	}
	if h.Group != p.Group {
		rank := rankMove
		switch {
		case p.Group == client.BlockGroup:
			rank = rankMoveToBlock
		case h.Group == client.BlockGroup:
			rank = rankMoveOffBlock
		}
		if p.Owner == "" {
			p.Owner = h.Owner
		}
		p.Telephone = h.Telephone
		pl.step(Step{Op: OpMove, Plate: p, From: h.Group, Why: describe(p, pl.far()), rank: rank})
		return
	}
	ch := client.PlateChange{Number: h.Number}
	var what []string
	if p.Owner != "" && p.Owner != strings.TrimSpace(h.Owner) {
		ch.Owner = &p.Owner
		what = append(what, "owner "+strconv.Quote(p.Owner))
	}
	longer := false
	switch begun := h.Begin.IsZero() || !h.Begin.After(pl.o.Now.Add(clockSlack)); {
	case p.Begin.IsZero() && !begun:
		ch.Begin, longer = pl.o.Now.Truncate(time.Second), true
		what = append(what, "begins now instead of "+pl.wall(h.Begin))
	case !p.Begin.IsZero() && pl.wall(h.Begin) != pl.wall(p.Begin):
		ch.Begin, longer = p.Begin, !begun && p.Begin.Before(h.Begin)
		what = append(what, "from "+pl.wall(p.Begin))
	}
	endless := func(t time.Time) bool {
		return t.IsZero() || t.In(pl.o.Zone).Year() >= noEnd && !t.Before(time.Date(noEnd, 1, 1, 0, 0, 0, 0, pl.o.Zone))
	}
	switch {
	case p.End.IsZero() || p.End.Equal(pl.far()):
		if !endless(h.End) {
			ch.End, longer = pl.far(), true
			what = append(what, "no end instead of "+pl.wall(h.End))
		}
	case pl.wall(h.End) != pl.wall(p.End):
		ch.End = p.End
		longer = longer || !h.End.IsZero() && p.End.After(h.End)
		what = append(what, "until "+pl.wall(p.End))
	}
	if len(what) == 0 {
		pl.plan.Same++
		return
	}
	rank := rankStricter
	if longer != (p.Group == client.BlockGroup) {
		rank = rankLooser
	}
	if ch.Begin.IsZero() && ch.End.IsZero() {
		rank = rankStricter
	}
	pl.step(Step{Op: OpChange, Plate: p, Why: strings.Join(what, ", "), change: ch, rank: rank})
}

// The order of the steps: what takes rights away comes before what gives them,
// so that no plate is ever on a list where it is not wanted any more while
// others are worked on.
const (
	rankRemove = iota
	rankUnblock
	rankMoveToBlock
	rankMove
	rankMoveOffBlock
	rankBlock
	rankStricter
	rankAdd
	rankLooser
)

func (pl *planner) step(s Step) { pl.plan.Steps = append(pl.plan.Steps, s) }

func (pl *planner) find(k FindingKind, number, list, text string) {
	pl.plan.Findings = append(pl.plan.Findings, Finding{Kind: k, Number: number, List: list, Text: text})
}

// wall is a moment as the camera holds it. Moments are compared like this, since
// the hour that an autumn night has twice cannot be told apart there.
func (pl *planner) wall(t time.Time) string { return t.In(pl.o.Zone).Format(time.DateTime) }

// describe says what is special about a plate that a camera gets.
func describe(p client.Plate, far time.Time) string {
	var what []string
	if p.Owner != "" {
		what = append(what, "owner "+strconv.Quote(p.Owner))
	}
	if !p.Begin.IsZero() {
		what = append(what, "from "+p.Begin.In(far.Location()).Format(time.DateTime))
	}
	if !p.End.IsZero() && !p.End.Equal(far) {
		what = append(what, "until "+p.End.In(far.Location()).Format(time.DateTime))
	}
	return strings.Join(what, ", ")
}

func plateCount(n int) string {
	if n == 1 {
		return "1 plate"
	}
	return strconv.Itoa(n) + " plates"
}
