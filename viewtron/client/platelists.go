package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ErrListChanged is the kind of error of a plate list that changed while it was
// read, twice in a row: what was read of it is not all of it.
var ErrListChanged = errors.New("the camera's plate list changed while it was read")

// A PlateStuckError says that a plate is, or may be, on a list for longer than
// was asked for: the end of its validity could not be set, and the plate could
// not be taken off either. Whoever gets it has to go on trying: adding the plate
// again sets the end, [Client.RemovePlate] takes it off.
type PlateStuckError struct {
	Number, Group string // the plate, and the name of the list
	Err           error  // what went wrong
}

// Error names the plate and the list.
func (e *PlateStuckError) Error() string {
	return fmt.Sprintf("plate %q may be on %q for longer than it should: %v", e.Number, e.Group, e.Err)
}

// Unwrap gives what went wrong.
func (e *PlateStuckError) Unwrap() error { return e.Err }

// plateLists are the lists of a device and the commands that edit them.
type plateLists struct {
	vehicle bool // the VehiclePlate commands; else LicensePlates
	cached  bool // as it was found out once; the device may be another one now
	groups  []Group
}

// plateLists asks for the lists in the dialect that the device has.
func (c *Client) plateLists(ctx context.Context) (plateLists, error) {
	c.mu.Lock()
	vehicle := c.known != nil && c.known.Plates == VehiclePlate
	c.mu.Unlock()
	if vehicle {
		return plateLists{vehicle: true, cached: true, groups: vehicleGroups()}, nil
	}
	// The lists are needed anyway, and whether they can be asked for tells the
	// dialect: an edit does not depend on what else of the device can be found out.
	groups, err := c.GetLicensePlateGroups(ctx)
	if err == nil {
		return plateLists{groups: groups}, nil
	}
	if !errors.Is(err, ErrNoPlateLists) {
		return plateLists{}, err
	}
	if _, err := c.GetVehiclePlates(ctx, 0, 1); err != nil {
		return plateLists{}, err
	}
	return plateLists{vehicle: true, groups: vehicleGroups()}, nil
}

// outdated drops what is known of the device when it does not know the commands
// that it had.
func (c *Client) outdated(l plateLists, err error) bool {
	if !l.cached || !errors.Is(err, ErrUnknownCommand) && !errors.Is(err, ErrNoPlateLists) {
		return false
	}
	c.Forget()
	return true
}

// PlateGroups gives the device's plate lists: with the LicensePlates commands as
// the device lists them; with the older VehiclePlate commands whiteList,
// blackList and strangerList, whose ids are their names. A device that knows
// neither gives [ErrNoPlateLists].
func (c *Client) PlateGroups(ctx context.Context) ([]Group, error) {
	l, err := c.plateLists(ctx)
	return l.groups, err
}

// AllPlates reads all plates of all lists, in the order of [Client.PlateGroups];
// Plate.Group is the list's name. It is all or an error: when the number of
// plates and the pages do not agree, or a page comes twice, the list is read once
// more, and then the error is [ErrListChanged].
//
// It takes one request for 100 plates. Each has the priority of ctx, as in all
// calls here that need several: whoever synchronizes lists passes one with
// [Background], so that everything else goes in between.
func (c *Client) AllPlates(ctx context.Context) ([]Plate, error) {
	l, err := c.plateLists(ctx)
	if err != nil {
		return nil, err
	}
	plates, err := c.read(ctx, l)
	if c.outdated(l, err) {
		return c.AllPlates(ctx)
	}
	return plates, err
}

// read reads all plates of lists.
func (c *Client) read(ctx context.Context, l plateLists) ([]Plate, error) {
	if l.vehicle {
		return c.vehiclePlates(ctx)
	}
	var all []Plate
	for _, g := range l.groups {
		plates, err := c.Plates(ctx, g)
		if err != nil {
			return nil, err
		}
		all = append(all, plates...)
	}
	return all, nil
}

// FindPlate looks for a plate on the list with this name or word, on all lists
// when it is "". It gives those that are spelled as asked for; when there is
// none, those that differ in case and blanks only. None is no error.
func (c *Client) FindPlate(ctx context.Context, group, number string) ([]Plate, error) {
	number, err := checkPlate(number)
	if err != nil {
		return nil, err
	}
	l, err := c.plateLists(ctx)
	if err != nil {
		return nil, err
	}
	if group != "" {
		g, err := findGroup(l.groups, group)
		if err != nil {
			return nil, err
		}
		l.groups = []Group{g}
	}
	plates, err := c.read(ctx, l)
	if c.outdated(l, err) {
		return c.FindPlate(ctx, group, number)
	}
	if err != nil {
		return nil, err
	}
	if group != "" {
		plates = slices.DeleteFunc(plates, func(p Plate) bool { return p.Group != l.groups[0].Name })
	}
	return spelled(plates, number), nil
}

// spelled gives those of plates that are number; exactly, or else but for case
// and blanks.
func spelled(plates []Plate, number string) []Plate {
	var exact, alike []Plate
	for _, p := range plates {
		switch {
		case p.Number == number:
			exact = append(exact, p)
		case looseNumber(p.Number) == looseNumber(number):
			alike = append(alike, p)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return alike
}

// looseNumber is a plate without case and blanks. What else may differ, a device
// tells apart too.
func looseNumber(s string) string {
	return strings.Map(func(r rune) rune {
		switch u := unicode.ToUpper(r); {
		case unicode.IsSpace(r):
			return -1
		case r >= utf8.RuneSelf && u < utf8.RuneSelf:
			return r // a letter of another script never becomes a plain one ('ſ' is not S)
		default:
			return u
		}
	}, s)
}

// AddPlates puts plates on the list with this name or word; Plate.Group is not
// looked at. There is one error for each plate, in order: nil when it is on the
// list now with all that was asked for. The last error is of the whole: what was
// not sent because of it says [ErrNotSent].
//
// Plates are added in batches of at most [MaxBatch], and of at most ten that must
// end; owner, telephone and validity are set right after the batch. A plate that is on that list already, be it with
// other case or blanks, is brought up to date; one on another list is an error
// that names the list (and [ErrExists]). When the end of the validity cannot be
// set, the plate is taken off again, so that nobody gets in for longer than was
// asked for, except from the block list, where longer is safer. If it may be that
// it stays, its error is a [PlateStuckError].
//
// The VehiclePlate commands take owner and validity in one go and know no
// telephone: that is left out. They document no change: a plate that is there
// with another owner or validity is an error ([ErrExists]).
func (c *Client) AddPlates(ctx context.Context, group string, plates []Plate) ([]error, error) {
	errs := make([]error, len(plates))
	a := adder{Client: c, errs: errs}
	given := make(map[string]bool, len(plates))
	for i, p := range plates {
		errs[i] = ErrNotSent
		p, err := checkEntry(p)
		if err == nil && given[looseNumber(p.Number)] {
			err = fmt.Errorf("plate %q is given twice", p.Number)
		}
		if err != nil {
			errs[i] = err
			continue
		}
		given[looseNumber(p.Number)] = true
		a.todo = append(a.todo, entry{Plate: p, at: i})
	}
	if len(a.todo) == 0 {
		return errs, nil
	}
	l, err := c.plateLists(ctx)
	if err != nil {
		return errs, err
	}
	if a.group, err = findGroup(l.groups, group); err != nil {
		return errs, err
	}
	a.groups = l.groups
	if !l.vehicle {
		return errs, a.license(ctx)
	}
	err = a.vehicle(ctx)
	if c.outdated(l, err) {
		return c.AddPlates(ctx, group, plates)
	}
	return errs, err
}

// checkEntry gives a plate as it is sent, or says why no camera could hold it.
func checkEntry(p Plate) (Plate, error) {
	number, err := checkPlate(p.Number)
	if err != nil {
		return p, err
	}
	p.Number = number
	return p, checkDetails(changeOf(p))
}

// changeOf is what is set of a plate after it was added.
func changeOf(p Plate) PlateChange {
	ch := PlateChange{Number: p.Number, Begin: p.Begin, End: p.End}
	if p.Owner != "" {
		ch.Owner = &p.Owner
	}
	if p.Telephone != "" {
		ch.Telephone = &p.Telephone
	}
	return ch
}

func (p PlateChange) empty() bool {
	return p.Owner == nil && p.Telephone == nil && p.Begin.IsZero() && p.End.IsZero()
}

// AddPlate is [Client.AddPlates] for one plate, on the list that p.Group names.
func (c *Client) AddPlate(ctx context.Context, p Plate) error {
	errs, err := c.AddPlates(ctx, p.Group, []Plate{p})
	if errors.Is(errs[0], ErrNotSent) {
		return err
	}
	return errs[0]
}

// entry is a plate to add and its place in the call.
type entry struct {
	Plate
	at int
}

// adder is one call of AddPlates under way.
type adder struct {
	*Client
	group  Group
	groups []Group
	todo   []entry
	errs   []error

	lists map[string]byNumber // by the id of a group, those that were read
	gone  error               // the camera did not answer any more
}

// byNumber are the plates of a list by what looseNumber makes of them.
type byNumber map[string][]Plate

func index(plates []Plate) byNumber {
	m := make(byNumber, len(plates))
	for _, p := range plates {
		m[looseNumber(p.Number)] = append(m[looseNumber(p.Number)], p)
	}
	return m
}

func (m byNumber) find(number string) []Plate { return spelled(m[looseNumber(number)], number) }

// endBatch is how many plates that must end are added before their ends are set:
// if everything stops in between, no more than these stay without.
const endBatch = 10

// next is how many of the plates go into the next batch; most bounds those that
// must end.
func (a *adder) next(todo []entry, most int) int {
	ending := 0
	for i, e := range todo {
		if a.mustEnd(e.Plate) {
			ending++
		}
		if i == MaxBatch || ending > most {
			return i
		}
	}
	return len(todo)
}

// batches hands out the plates in batches. A batch that the device refuses for
// the sake of one plate is handed out plate by plate.
func (a *adder) batches(ctx context.Context, command string, ending int, add func([]entry) error) error {
	for rest := a.todo; len(rest) > 0; {
		n := a.next(rest, ending)
		batch := rest[:n]
		rest = rest[n:]
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
		err := add(batch)
		if ofItem(err) && len(batch) > 1 {
			for i := range batch {
				a.errs[batch[i].at] = ErrNotSent
			}
			for i := range batch {
				if err = add(batch[i : i+1]); err != nil && !ofItem(err) {
					break
				}
			}
		}
		if err != nil && !ofItem(err) {
			return err
		}
	}
	return nil
}

// license adds with the LicensePlates commands.
func (a *adder) license(ctx context.Context) error {
	if err := a.allowed(call{command: "ModifyLicensePlate"}); err != nil {
		// Nothing is added whose end could not be set.
		a.todo = slices.DeleteFunc(a.todo, func(e entry) bool {
			if a.mustEnd(e.Plate) {
				a.errs[e.at] = err
				return true
			}
			return false
		})
	}
	return a.batches(ctx, "AddLicensePlates", endBatch, func(batch []entry) error { return a.batch(ctx, batch) })
}

// batch adds at most MaxBatch plates and sets their details.
func (a *adder) batch(ctx context.Context, batch []entry) error {
	results := make([]PlateResult, len(batch))
	for i, e := range batch {
		results[i].PlateEntry = PlateEntry{Number: e.Number, GroupID: a.group.ID}
	}
	n, _, err := a.do(ctx, call{command: "AddLicensePlates", body: addLicensePlates(results)})
	if err != nil {
		for _, e := range batch {
			a.errs[e.at] = err
			switch {
			case len(batch) == 1 && errors.Is(err, ErrExists):
				a.errs[e.at] = a.existing(ctx, e.Plate, err)
			case a.mustEnd(e.Plate) && mayHaveHappened(err):
				a.errs[e.at] = a.stuck(e.Plate, fmt.Errorf("it may have been added: %w", err))
			}
		}
		return err
	}
	plateReplies(n, results)
	// First those that stand there without their end.
	for _, ending := range [...]bool{true, false} {
		for i, e := range batch {
			if a.mustEnd(e.Plate) != ending {
				continue
			}
			if a.errs[e.at] = results[i].Err; results[i].Err == nil {
				a.errs[e.at] = a.details(ctx, e.Plate)
			}
		}
	}
	a.unsure(results)
	for i, e := range batch {
		if err := results[i].Err; maybeThere(err) {
			a.errs[e.at] = a.existing(ctx, e.Plate, err)
		}
	}
	return a.gone
}

// maybeThere tells whether a plate of a batch may be on a list in spite of its
// result, so that it is looked for.
func maybeThere(result error) bool {
	var none *noResultError
	return errors.Is(result, ErrExists) || errors.As(result, &none)
}

// unsure drops the lists that were read before a batch of which the device did
// not name all plates: they may be there since.
func (a *adder) unsure(results []PlateResult) {
	for _, r := range results {
		if maybeThere(r.Err) && !errors.Is(r.Err, ErrExists) {
			a.lists = nil
		}
	}
}

// mustEnd tells whether a plate must not stay without the end of its validity.
func (a *adder) mustEnd(p Plate) bool { return !p.End.IsZero() && a.group.Name != BlockGroup }

func (a *adder) stuck(p Plate, err error) error {
	return &PlateStuckError{Number: p.Number, Group: a.group.Name, Err: err}
}

// details sets what a plate that was just added has.
func (a *adder) details(ctx context.Context, p Plate) error {
	change := changeOf(p)
	if change.empty() {
		return nil
	}
	change.GroupID = a.group.ID
	err := a.gone
	if err == nil {
		err = a.ModifyLicensePlate(ctx, change)
	}
	switch {
	case err == nil:
		return nil
	case !a.mustEnd(p):
		if !answered(err) {
			a.gone = err
		}
		return fmt.Errorf("plate %q is on %q, but its details could not be set: %w", p.Number, a.group.Name, err)
	case a.gone != nil:
		return a.stuck(p, fmt.Errorf("it was added, and then the camera did not answer any more: %w", err))
	}
	if derr := a.takeOff(ctx, p); derr != nil {
		return a.stuck(p, fmt.Errorf("it was added, its validity could not be set (%w), and it could not be taken off again: %w", err, derr))
	}
	return fmt.Errorf("plate %q was not added to %q, because its validity could not be set: %w", p.Number, a.group.Name, err)
}

// takeOff takes a plate off the list. The caller may have given up; the plate
// must go all the same.
func (a *adder) takeOff(ctx context.Context, p Plate) error {
	undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*a.timeout)
	defer cancel()
	err := a.DeleteLicensePlate(WithPriority(undo, max(Normal, priorityOf(ctx))), a.group.ID, p.Number)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil && !answered(err):
		a.gone = err
	}
	return err
}

// existing brings a plate up to date that the device says it has.
func (a *adder) existing(ctx context.Context, p Plate, exists error) error {
	var on Plate
	err := a.gone
	if err == nil {
		on, err = a.find(ctx, p.Number)
	}
	switch {
	case err != nil:
		if a.mustEnd(p) {
			return a.stuck(p, err)
		}
		return err
	case on.Group == "" && !errors.Is(exists, ErrExists):
		return exists
	case on.Group == "":
		return fmt.Errorf("plate %q is said to exist on the camera but is on none of its lists: %w", p.Number, exists)
	case on.Group != a.group.Name:
		return fmt.Errorf("plate %q is on the camera's list %q already; take it off there first: %w", p.Number, on.Group, exists)
	}
	change := changeOf(p)
	// The device spells it so.
	change.Number, change.GroupID = on.Number, a.group.ID
	if change.Owner != nil && *change.Owner == on.Owner {
		change.Owner = nil
	}
	if change.Telephone != nil && *change.Telephone == on.Telephone {
		change.Telephone = nil
	}
	if change.Begin.Truncate(time.Second).Equal(on.Begin) {
		change.Begin = time.Time{}
	}
	if change.End.Truncate(time.Second).Equal(on.End) {
		change.End = time.Time{}
	}
	if change.empty() {
		return nil
	}
	if err = a.ModifyLicensePlate(ctx, change); err == nil {
		return nil
	}
	longer := a.mustEnd(p) && !change.End.IsZero() && (on.End.IsZero() || on.End.After(p.End))
	switch {
	case !longer:
		if !answered(err) {
			a.gone = err
		}
		return fmt.Errorf("plate %q is on %q, but its details could not be set: %w", p.Number, a.group.Name, err)
	case !ofItem(err):
		if !answered(err) {
			a.gone = err
		}
		return a.stuck(p, err)
	}
	// It was there before, perhaps from a try whose answer was lost.
	if derr := a.takeOff(ctx, on); derr != nil {
		return a.stuck(p, fmt.Errorf("its validity could not be set (%w), and it could not be taken off: %w", err, derr))
	}
	return fmt.Errorf("plate %q was taken off %q, because its validity could not be set: %w", p.Number, a.group.Name, err)
}

// find looks for a plate on all lists, first on that of the call; an empty one
// when it is on none. Each list is read once in a call.
func (a *adder) find(ctx context.Context, number string) (Plate, error) {
	if a.lists == nil {
		a.lists = map[string]byNumber{}
	}
	search := append([]Group{a.group}, a.groups...)
	var alike Plate
	for _, g := range search {
		if _, ok := a.lists[g.ID]; !ok {
			plates, err := a.Plates(ctx, g)
			if err != nil {
				return Plate{}, err
			}
			a.lists[g.ID] = index(plates)
		}
		if found := a.lists[g.ID].find(number); len(found) > 0 {
			if found[0].Number == number {
				return found[0], nil
			}
			if alike.Group == "" {
				alike = found[0]
			}
		}
	}
	return alike, nil
}

// ofItem tells whether a device's refusal is about what was sent, so that
// something else may be taken; unlike that of a device which is busy, locked or
// broken.
func ofItem(err error) bool {
	var e *Error
	if !errors.As(err, &e) || e.NotSent {
		return false
	}
	return e.Code == 2 || e.Code == 3 || e.Code == 15 || e.Code == 16 || e.Code == 19 || e.Code >= 201 && e.Code <= 207
}

// answered tells whether the device answered, be it with a refusal.
func answered(err error) bool {
	var e *Error
	return errors.As(err, &e) || errors.Is(err, ErrNotDocumented)
}

// mayHaveHappened tells whether a command may have been carried out in spite of
// its error.
func mayHaveHappened(err error) bool {
	var answer *Error
	var dial *net.OpError
	switch {
	case errors.Is(err, ErrNotDocumented):
		return false
	case errors.As(err, &answer):
		return answer.HTTPStatus >= 500
	case errors.As(err, &dial):
		return dial.Op != "dial"
	}
	return true
}

// ModifyPlate changes owner, telephone or validity of a plate on the list with
// this name or word. A plate that is not on it, not with other case or blanks
// either, is [ErrNotFound]. The VehiclePlate commands cannot do it: then the error
// is [ErrNotDocumented].
func (c *Client) ModifyPlate(ctx context.Context, group string, p PlateChange) error {
	number, err := checkPlate(p.Number)
	if err != nil {
		return err
	}
	p.Number = number
	if err := checkDetails(p); err != nil {
		return err
	}
	g, err := c.editable(ctx, "ModifyPlate", group)
	if err != nil {
		return err
	}
	p.GroupID = g.ID
	return c.asSpelled(ctx, g, number, func(number string) error {
		p.Number = number
		return c.ModifyLicensePlate(ctx, p)
	})
}

// RemovePlate takes a plate off the list with this name or word. A plate that
// is not on it is no error; one that differs in case and blanks only is taken
// off. The VehiclePlate commands cannot do it: then the error is
// [ErrNotDocumented].
func (c *Client) RemovePlate(ctx context.Context, group, number string) error {
	number, err := checkPlate(number)
	if err != nil {
		return err
	}
	g, err := c.editable(ctx, "RemovePlate", group)
	if err != nil {
		return err
	}
	err = c.asSpelled(ctx, g, number, func(number string) error { return c.DeleteLicensePlate(ctx, g.ID, number) })
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// MovePlate takes a plate off the list from and puts it on the list to, with all
// that p has (p.Group is not looked at). It goes off first, so that it is never on
// both. When the second half fails the plate is on neither list: call it again. A
// plate that is not on from any more is added all the same; one that is on a third
// list is an error that names it. For the rest see [Client.AddPlates]. The
// VehiclePlate commands cannot do it: then the error is [ErrNotDocumented].
func (c *Client) MovePlate(ctx context.Context, from, to string, p Plate) error {
	p, err := checkEntry(p)
	if err != nil {
		return err
	}
	if _, err := c.editable(ctx, "MovePlate", to); err != nil {
		return err // before it is off the other
	}
	if GroupName(from) == GroupName(to) {
		return fmt.Errorf("plate %q cannot be moved from %q to the same list", p.Number, GroupName(from))
	}
	if err := c.RemovePlate(ctx, from, p.Number); err != nil {
		return err
	}
	p.Group = to
	if err := c.AddPlate(ctx, p); err != nil {
		return fmt.Errorf("plate %q was taken off %q, and then: %w", p.Number, GroupName(from), err)
	}
	return nil
}

// editable finds a list whose plates can be changed and removed.
func (c *Client) editable(ctx context.Context, what, group string) (Group, error) {
	l, err := c.plateLists(ctx)
	if err != nil {
		return Group{}, err
	}
	g, err := findGroup(l.groups, group)
	if err != nil {
		return Group{}, err
	}
	if l.vehicle {
		return Group{}, noChange(what)
	}
	return g, nil
}

// asSpelled does something to a plate of a list; when the device does not find
// it, to those that differ in case and blanks only.
func (c *Client) asSpelled(ctx context.Context, g Group, number string, do func(number string) error) error {
	notFound := do(number)
	if !errors.Is(notFound, ErrNotFound) {
		return notFound
	}
	plates, err := c.Plates(ctx, g)
	if err != nil {
		return err
	}
	found := spelled(plates, number)
	for _, p := range found {
		if err := do(p.Number); err != nil {
			return err
		}
	}
	if len(found) == 0 {
		return notFound
	}
	return nil
}

// wholeList puts the pages of a list together and notices when they are not all
// of it.
type wholeList struct {
	name   string
	plates []Plate
	items  int             // entries so far
	told   bool            // a page said how long the list is,
	total  int             // namely so
	seen   map[string]bool // plates of earlier pages
}

// add takes the next page and says whether it was the last: all that the device
// told of are there, or, when it does not tell, the page is empty.
func (w *wholeList) add(p PlatePage) (done bool, err error) {
	if p.told && !w.told {
		w.told, w.total = true, p.said
	}
	switch {
	case p.items == 0 && w.told && w.total != w.items:
		return false, fmt.Errorf("%w: %q ended after %d of %d plates", ErrListChanged, w.name, w.items, w.total)
	case p.items == 0:
		return true, nil
	case p.told && p.said != w.total:
		return false, fmt.Errorf("%w: %q had %d plates and then %d", ErrListChanged, w.name, w.total, p.said)
	}
	key := func(p Plate) string { return p.Group + "\x00" + p.Number }
	for _, q := range p.Plates {
		if w.seen[key(q)] {
			return false, fmt.Errorf("%w: %q had plate %q on two pages", ErrListChanged, w.name, cut(q.Number, 40))
		}
	}
	for _, q := range p.Plates {
		w.seen[key(q)] = true
	}
	w.plates = append(w.plates, p.Plates...)
	w.items += p.items
	switch {
	case w.items > maxPlates:
		return false, fmt.Errorf("the camera lists more than %d plates in %q", maxPlates, w.name)
	case w.told && w.items > w.total:
		return false, fmt.Errorf("%w: %q had %d plates and gave %d", ErrListChanged, w.name, w.total, w.items)
	}
	return w.told && w.items == w.total, nil
}

// readWhole reads a list, once more when it changed meanwhile.
func readWhole(read func() ([]Plate, error)) ([]Plate, error) {
	plates, err := read()
	if errors.Is(err, ErrListChanged) {
		plates, err = read()
	}
	return plates, err
}
