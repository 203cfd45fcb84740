package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// StrangerGroup is a list of the VehiclePlate commands.
const StrangerGroup = "strangerList"

// vehicleTime is how the VehiclePlate commands write a moment.
const vehicleTime = "2006/01/02 15:04:05"

func vehicleGroups() []Group {
	var out []Group
	for _, name := range [...]string{AllowGroup, BlockGroup, StrangerGroup} {
		out = append(out, Group{ID: name, Name: name})
	}
	return out
}

// noChange refuses what the VehiclePlate commands cannot do.
func noChange(what string) error {
	return &NotDocumentedError{Command: what, Reason: "this camera's VehiclePlate commands document no change and no removal of plates; use the camera's own page"}
}

// GetVehiclePlates reads a page of all lists, with the older VehiclePlate
// commands. Pages count from 0. A device without them gives [ErrNoPlateLists].
func (c *Client) GetVehiclePlates(ctx context.Context, page, size int) (PlatePage, error) {
	if page < 0 || size < 1 {
		return PlatePage{}, fmt.Errorf("GetVehiclePlate: page %d must be at least 0 and size %d at least 1", page, size)
	}
	n, _, err := c.do(ctx, call{command: "GetVehiclePlate", body: getVehiclePlate(page, size)})
	var e *Error
	switch {
	case errors.Is(err, ErrUnknownCommand):
		return PlatePage{}, fmt.Errorf("GetVehiclePlate: %w", ErrNoPlateLists)
	case errors.As(err, &e) && e.Code == 20:
		return PlatePage{}, nil
	case err != nil:
		return PlatePage{}, err
	}
	return vehiclePage(n, c.location), nil
}

func getVehiclePlate(page, size int) []byte {
	r := newRequest("2.0.0")
	r.open("vehiclePlates", "type", "list", "maxCount", "10000", "count", "1")
	r.open("searchFilter")
	r.open("item")
	r.plain("pageIndex", strconv.Itoa(page), "type", "uint32")
	r.plain("pageSize", strconv.Itoa(size), "type", "uint32")
	r.plain("listType", "allList", "type", "vehicleListTypes")
	r.plain("carPlateNum", "", "type", "string")
	r.close("item")
	r.close("searchFilter")
	r.close("vehiclePlates")
	return r.bytes()
}

// vehiclePage reads an answer that no document shows: the names are those of the
// requests, and what similar answers use.
func vehiclePage(n *node, loc *time.Location) PlatePage {
	list := n.at("vehiclePlates")
	first := func(it *node, names ...string) string {
		for _, name := range names {
			if s := it.at(name).text; s != "" {
				return s
			}
		}
		return ""
	}
	var p PlatePage
	for _, it := range list.items() {
		p.items++
		number := first(it, "carPlateNumber", "carPlateNum", "plateNumber", "licensePlateNumber")
		if number == "" {
			continue
		}
		p.Plates = append(p.Plates, Plate{
			Number: number, Group: first(it, "plateItemType", "listType", "vehicleListType"),
			Owner: it.at("carOwner").text, Telephone: it.at("telephone").text,
			Begin: parseVehicleTime(it.at("beginTime").text, loc), End: parseVehicleTime(it.at("endTime").text, loc),
		})
	}
	p.tell("")
	for _, name := range [...]string{"total", "totalCount", "count"} {
		text, ok := list.find(name)
		if !ok {
			text = list.at(name).text
		}
		// A count of what the page holds is no total.
		if v, ok := number(text); ok && (name != "count" || v > p.items) {
			p.tell(text)
			break
		}
	}
	return p
}

func parseVehicleTime(s string, loc *time.Location) time.Time {
	if t, err := time.ParseInLocation(vehicleTime, s, loc); err == nil {
		return t
	}
	return parseTime(s, loc)
}

// vehiclePlates reads all lists.
func (c *Client) vehiclePlates(ctx context.Context) ([]Plate, error) {
	return readWhole(func() ([]Plate, error) { return c.vehiclePlatesOnce(ctx) })
}

func (c *Client) vehiclePlatesOnce(ctx context.Context) ([]Plate, error) {
	w := wholeList{name: "allList", seen: map[string]bool{}}
	size, short := pageSize, false
	for i := 0; ; i++ {
		page, err := c.GetVehiclePlates(ctx, i, size)
		if err != nil {
			return nil, err
		}
		done, err := w.add(page)
		switch {
		case err == nil && short && page.items > 0:
			err = fmt.Errorf("%w: %q went on after a page that was not full", ErrListChanged, w.name)
		case err == nil && i == 0 && page.items < size:
			// All there are, or all it gives at a time: then its pages may be
			// counted in these. Asked for that many, both come to the same.
			size = page.items
		case page.items < size:
			short = true
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("GetVehiclePlate: %w", err)
		case done:
			slices.SortStableFunc(w.plates, func(a, b Plate) int { return cmp.Compare(groupRank(a.Group), groupRank(b.Group)) })
			return w.plates, nil
		}
	}
}

// groupRank is the place of a list among those of the VehiclePlate commands.
func groupRank(name string) int {
	for i, g := range vehicleGroups() {
		if g.Name == name {
			return i
		}
	}
	return len(vehicleGroups())
}

func addVehiclePlate(group string, batch []entry, loc *time.Location) []byte {
	r := newRequest("2.0.0")
	r.open("vehiclePlates", "type", "list", "count", strconv.Itoa(len(batch)))
	for _, e := range batch {
		r.open("item")
		r.text("carPlateNumber", e.Number, "type", "string")
		if !e.Begin.IsZero() {
			r.text("beginTime", e.Begin.In(loc).Format(vehicleTime), "type", "string")
		}
		if !e.End.IsZero() {
			r.text("endTime", e.End.In(loc).Format(vehicleTime), "type", "string")
		}
		if e.Owner != "" {
			r.text("carOwner", e.Owner, "type", "string")
		}
		r.plain("plateItemType", group, "type", "string")
		r.close("item")
	}
	r.close("vehiclePlates")
	return r.bytes()
}

// vehicle adds with the VehiclePlate commands.
func (a *adder) vehicle(ctx context.Context) error {
	return a.batches(ctx, "AddVehiclePlate", MaxBatch, func(batch []entry) error {
		n, _, err := a.do(ctx, call{command: "AddVehiclePlate", body: addVehiclePlate(a.group.Name, batch, a.location)})
		if err != nil {
			for _, e := range batch {
				a.errs[e.at] = err
				if len(batch) == 1 && errors.Is(err, ErrExists) {
					a.errs[e.at] = a.existingVehicle(ctx, e.Plate, err)
				}
			}
			return err
		}
		results := make([]PlateResult, len(batch))
		for i, e := range batch {
			results[i].Number = e.Number
		}
		itemReplies("AddVehiclePlate", vehicleReplies(n), results)
		a.unsure(results)
		for i, e := range batch {
			if a.errs[e.at] = results[i].Err; maybeThere(results[i].Err) {
				a.errs[e.at] = a.existingVehicle(ctx, e.Plate, results[i].Err)
			}
		}
		return nil
	})
}

// vehicleReplies finds the results of single plates, which no document shows and
// similar answers have.
func vehicleReplies(n *node) []*node {
	for _, name := range [...]string{"vehiclePlatesReply", "vehiclePlates"} {
		var out []*node
		for _, it := range n.at(name).items() {
			if it.at("errorCode").text != "" {
				out = append(out, it)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// existingVehicle looks whether a plate that the device says it has is there as
// asked for: a try whose answer was lost may have added it.
func (a *adder) existingVehicle(ctx context.Context, p Plate, exists error) error {
	if a.lists == nil {
		plates, err := a.vehiclePlates(ctx)
		if err != nil {
			return err
		}
		a.lists = map[string]byNumber{"": index(plates)}
	}
	found := a.lists[""].find(p.Number)
	switch {
	case len(found) == 0 && !errors.Is(exists, ErrExists):
		return exists
	case len(found) == 0:
		return fmt.Errorf("plate %q is said to exist on the camera but is on none of its lists: %w", p.Number, exists)
	case found[0].Group != a.group.Name:
		return fmt.Errorf("plate %q is on the camera's list %q already, and this camera documents no removal; use its own page: %w", p.Number, found[0].Group, exists)
	case differs(p, found[0]):
		return fmt.Errorf("plate %q is on %q already with another owner or validity, and this camera documents no change; use its own page: %w", p.Number, a.group.Name, exists)
	}
	return nil
}

// differs tells whether a plate of a device is not what is asked for.
func differs(want, got Plate) bool {
	return want.Owner != "" && want.Owner != got.Owner ||
		!want.Begin.IsZero() && !want.Begin.Truncate(time.Second).Equal(got.Begin) ||
		!want.End.IsZero() && !want.End.Truncate(time.Second).Equal(got.End)
}
