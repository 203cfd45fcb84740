package client

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limits of the LicensePlates commands. The devices document none for texts;
// these are far above any real plate and below what firmware tables show.
const (
	MaxBatch      = 100 // plates in one AddLicensePlates
	MaxPlateChars = 32  // characters of a plate
	MaxTextChars  = 64  // characters of owner and telephone

	pageSize  = 100
	maxPlates = 200_000 // plates of one group that are read
)

// The group names of current firmware, and the words this program uses for them.
const (
	AllowGroup     = "whiteList"     // "allow"
	BlockGroup     = "blackList"     // "block"
	TemporaryGroup = "temporaryList" // "temporary"
)

// A Group is one of a device's plate lists. Ids differ between devices: find a
// group by its name, with [Client.Group].
type Group struct {
	ID   string
	Name string
}

// A Plate is one entry of a device's list.
type Plate struct {
	Number    string
	Group     string // name; what the device calls it, or "allow", "block", "temporary"
	Owner     string // "" = none
	Telephone string
	// Begin and End are the validity as the device judges it, to the second;
	// zero = the device's own choice.
	Begin, End time.Time
}

// GetLicensePlateGroups lists the device's plate lists. On a device without the
// LicensePlates commands the error is [ErrNoPlateLists].
func (c *Client) GetLicensePlateGroups(ctx context.Context) ([]Group, error) {
	n, _, err := c.do(ctx, call{command: "GetLicensePlateGroups"})
	if errors.Is(err, ErrUnknownCommand) {
		return nil, fmt.Errorf("GetLicensePlateGroups: %w", ErrNoPlateLists)
	}
	if err != nil {
		return nil, err
	}
	return plateGroups(n), nil
}

func plateGroups(n *node) []Group {
	var out []Group
	for _, it := range n.at("licensePlateGroups").items() {
		g := Group{ID: it.at("groupId").text, Name: it.at("groupName").text}
		if g.ID == "" {
			g.ID = it.at("id").text
		}
		if g.Name == "" {
			g.Name = it.at("name").text
		}
		if g.ID != "" && g.Name != "" {
			out = append(out, g)
		}
	}
	return out
}

// Group finds a list by its name, or by the words allow, block and temporary.
// It asks the device each time: an id that is out of date would put a plate on
// the wrong list.
func (c *Client) Group(ctx context.Context, name string) (Group, error) {
	groups, err := c.GetLicensePlateGroups(ctx)
	if err != nil {
		return Group{}, err
	}
	return findGroup(groups, name)
}

// GroupName gives the device's name for the words allow, block and temporary,
// and any other name as it is.
func GroupName(word string) string {
	switch word {
	case "allow":
		return AllowGroup
	case "block":
		return BlockGroup
	case "temporary":
		return TemporaryGroup
	}
	return word
}

func findGroup(groups []Group, name string) (Group, error) {
	want := GroupName(name)
	var found []Group
	for _, g := range groups {
		if g.Name == want {
			found = append(found, g)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		var names []string
		for _, g := range groups {
			names = append(names, strconv.Quote(cut(g.Name, 40)))
		}
		if len(names) == 0 {
			return Group{}, fmt.Errorf("the camera has no plate list %q; it lists none", want)
		}
		return Group{}, &noListError{fmt.Sprintf("the camera has no plate list %q; it has %s", want, strings.Join(names, ", "))}
	}
	return Group{}, fmt.Errorf("the camera has %d plate lists called %q", len(found), want)
}

// noListError is an error of the kind [ErrNoList].
type noListError struct{ text string }

func (e *noListError) Error() string { return e.text }

// Is tells its kind.
func (e *noListError) Is(target error) bool { return target == ErrNoList }

// PlateEntry is one plate to add to the list with an id.
type PlateEntry struct {
	Number  string
	GroupID string
}

// PlateResult is what the device said about one entry of a batch.
type PlateResult struct {
	PlateEntry
	Err error // nil: added; an *Error with the item's code; ErrNotSent
}

// AddLicensePlates adds plates in batches of [MaxBatch]. There is a result for
// each entry, in order. The error is of a whole batch; entries that were not
// sent because of it say [ErrNotSent].
func (c *Client) AddLicensePlates(ctx context.Context, entries []PlateEntry) ([]PlateResult, error) {
	out := make([]PlateResult, len(entries))
	for i, e := range entries {
		out[i] = PlateResult{PlateEntry: e, Err: ErrNotSent}
	}
	for i := range entries {
		number, err := checkPlate(entries[i].Number)
		if err != nil {
			return out, fmt.Errorf("AddLicensePlates: %w", err)
		}
		out[i].Number = number
	}
	for from := 0; from < len(out); from += MaxBatch {
		batch := out[from:min(from+MaxBatch, len(out))]
		n, _, err := c.do(ctx, call{command: "AddLicensePlates", body: addLicensePlates(batch)})
		if err != nil {
			// Only what the device answered about is known; of the present
			// batch nothing is.
			for i := range batch {
				batch[i].Err = err
			}
			return out, err
		}
		plateReplies(n, batch)
	}
	return out, nil
}

func addLicensePlates(batch []PlateResult) []byte {
	r := newRequest("2.1.0")
	r.open("licensePlates", "type", "list", "maxCount", strconv.Itoa(MaxBatch), "count", strconv.Itoa(len(batch)))
	for i, e := range batch {
		r.open("item")
		r.plain("index", strconv.Itoa(i+1))
		r.text("licensePlateNumber", e.Number)
		r.text("groupId", e.GroupID)
		r.close("item")
	}
	r.close("licensePlates")
	return r.bytes()
}

// plateReplies writes the codes of a batch's reply into its results.
func plateReplies(n *node, batch []PlateResult) {
	itemReplies("AddLicensePlates", n.at("licensePlatesReply").items(), batch)
}

// A noResultError says that a device named other plates of a batch and not this one.
type noResultError struct{ command, number string }

func (e *noResultError) Error() string {
	return fmt.Sprintf("%s: the camera gave no result for plate %q", e.command, e.number)
}

// itemReplies writes the codes of single plates into their results. A reply
// without any is a yes to all; one that is missing among others is not known to
// be added.
func itemReplies(command string, items []*node, batch []PlateResult) {
	for i := range batch {
		batch[i].Err = nil
		if len(items) > 0 {
			batch[i].Err = &noResultError{command: command, number: batch[i].Number}
		}
	}
	for pos, it := range items {
		i, ok := number(it.at("index").text)
		if !ok {
			i = pos + 1
		}
		if i < 1 || i > len(batch) {
			continue
		}
		s := it.at("errorCode").text
		code, ok := number(s)
		switch {
		case !ok:
			batch[i-1].Err = &Error{Command: command, Code: 79, Desc: s, HTTPStatus: 200}
		case code != 0:
			batch[i-1].Err = &Error{Command: command, Code: code, Desc: it.at("errorDesc").text, HTTPStatus: 200}
		default:
			batch[i-1].Err = nil
		}
	}
}

// PlatePage is a part of a list. Plate.Group holds the group's id here, since
// that is all the device sends.
type PlatePage struct {
	Plates []Plate
	Total  int // of the whole list

	items int  // entries of the answer, also those without a number
	told  bool // the device said how long the list is,
	said  int  // namely so
}

// GetLicensePlates reads at most limit plates of the list with an id, from
// offset, which counts from 1. An empty list is an empty page.
func (c *Client) GetLicensePlates(ctx context.Context, groupID string, offset, limit int) (PlatePage, error) {
	if offset < 1 || limit < 1 {
		return PlatePage{}, fmt.Errorf("GetLicensePlates: offset %d and limit %d must be at least 1", offset, limit)
	}
	n, _, err := c.do(ctx, call{command: "GetLicensePlates", body: getLicensePlates(groupID, offset, limit)})
	var e *Error
	if errors.As(err, &e) && e.Code == 20 {
		return PlatePage{}, nil
	}
	if err != nil {
		return PlatePage{}, err
	}
	return platePage(n, c.location), nil
}

func getLicensePlates(groupID string, offset, limit int) []byte {
	r := newRequest("2.1.0")
	r.open("searchFilter")
	r.plain("maxResult", strconv.Itoa(limit))
	r.plain("resultOffset", strconv.Itoa(offset))
	r.text("groupId", groupID)
	r.close("searchFilter")
	return r.bytes()
}

func platePage(n *node, loc *time.Location) PlatePage {
	list := n.at("licensePlates")
	var p PlatePage
	for _, it := range list.items() {
		p.items++
		number := it.at("licensePlateNumber").text
		if number == "" {
			continue
		}
		p.Plates = append(p.Plates, Plate{
			Number: number, Group: it.at("groupId").text,
			Owner: it.at("carOwner").text, Telephone: it.at("telephone").text,
			Begin: parseTime(it.at("beginTime").text, loc), End: parseTime(it.at("endTime").text, loc),
		})
	}
	total, _ := list.find("total")
	p.tell(total)
	return p
}

// tell takes what the device says of the whole list's length.
func (p *PlatePage) tell(total string) {
	p.said, p.told = number(total)
	p.Total = max(p.said, len(p.Plates))
}

// Plates reads a whole list, page by page. Plate.Group is the group's name. A
// list that cannot be read in full is an error, see [Client.AllPlates].
func (c *Client) Plates(ctx context.Context, g Group) ([]Plate, error) {
	return readWhole(func() ([]Plate, error) { return c.licensePlates(ctx, g) })
}

// licensePlates reads a whole list once.
func (c *Client) licensePlates(ctx context.Context, g Group) ([]Plate, error) {
	r := wholeList{name: g.Name, seen: map[string]bool{}}
	for {
		page, err := c.GetLicensePlates(ctx, g.ID, r.items+1, pageSize)
		if err != nil {
			return nil, err
		}
		for i := range page.Plates {
			page.Plates[i].Group = g.Name
		}
		switch done, err := r.add(page); {
		case err != nil:
			return nil, fmt.Errorf("GetLicensePlates: %w", err)
		case done:
			return r.plates, nil
		}
	}
}

// PlateChange says what to change of a plate; nil and zero are left as they are.
type PlateChange struct {
	Number     string
	GroupID    string
	Owner      *string
	Telephone  *string
	Begin, End time.Time
}

// ModifyLicensePlate changes owner, telephone or validity of a plate. A plate
// that is not on the list is [ErrNotFound].
func (c *Client) ModifyLicensePlate(ctx context.Context, p PlateChange) error {
	number, err := checkPlate(p.Number)
	if err != nil {
		return fmt.Errorf("ModifyLicensePlate: %w", err)
	}
	p.Number = number
	if err := checkDetails(p); err != nil {
		return fmt.Errorf("ModifyLicensePlate: %w", err)
	}
	_, _, err = c.do(ctx, call{command: "ModifyLicensePlate", body: modifyLicensePlate(p, c.location)})
	return err
}

func modifyLicensePlate(p PlateChange, loc *time.Location) []byte {
	r := newRequest("2.1.0")
	r.open("licensePlate")
	r.text("licensePlateNumber", p.Number)
	r.text("groupId", p.GroupID)
	// Without the type attribute a device answers Range Error.
	change := func(name, value string) { r.text(name, value, "type", "string") }
	if !p.Begin.IsZero() {
		change("beginTime", p.Begin.In(loc).Format(wallTime))
	}
	if !p.End.IsZero() {
		change("endTime", p.End.In(loc).Format(wallTime))
	}
	if p.Owner != nil {
		change("carOwner", *p.Owner)
	}
	if p.Telephone != nil {
		change("telephone", *p.Telephone)
	}
	r.close("licensePlate")
	return r.bytes()
}

// DeleteLicensePlate takes a plate off the list with an id. A plate that is not
// there is [ErrNotFound].
func (c *Client) DeleteLicensePlate(ctx context.Context, groupID, number string) error {
	number, err := checkPlate(number)
	if err != nil {
		return fmt.Errorf("DeleteLicensePlate: %w", err)
	}
	_, _, err = c.do(ctx, call{command: "DeleteLicensePlate", body: deleteLicensePlate(groupID, number)})
	return err
}

func deleteLicensePlate(groupID, number string) []byte {
	r := newRequest("2.1.0")
	r.open("deleteAction")
	r.text("licensePlateNumber", number)
	r.text("groupId", groupID)
	r.close("deleteAction")
	return r.bytes()
}

// checkPlate gives a plate without blanks around it, or says why no camera
// could hold it.
func checkPlate(s string) (string, error) {
	s = strings.Trim(s, " ")
	if err := checkText("plate", s, MaxPlateChars); err != nil {
		return "", err
	}
	if s == "" {
		return "", errors.New("plate is empty")
	}
	return s, nil
}

func checkDetails(p PlateChange) error {
	if p.Owner != nil {
		if err := checkText("owner", *p.Owner, MaxTextChars); err != nil {
			return err
		}
	}
	if p.Telephone != nil {
		if err := checkText("telephone", *p.Telephone, MaxTextChars); err != nil {
			return err
		}
	}
	for _, t := range []time.Time{p.Begin, p.End} {
		if !t.IsZero() && (t.Year() < 1970 || t.Year() > 2100) {
			return fmt.Errorf("validity %s is out of range", t.Format(time.RFC3339))
		}
	}
	if !p.Begin.IsZero() && !p.End.IsZero() && !p.Begin.Before(p.End) {
		return fmt.Errorf("validity ends (%s) before it begins (%s)", p.End.Format(time.RFC3339), p.Begin.Format(time.RFC3339))
	}
	return nil
}
