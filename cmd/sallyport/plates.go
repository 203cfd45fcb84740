package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/sallyport/sallyport/actions/plates"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/viewtron/client"
)

// platesParts are the commands below `sallyport plates`.
func platesParts() []command {
	return []command{
		{"list", "[-c sallyport.yaml] [--camera NAME] [--list NAME] [--json]", "what stands on the cameras' plate lists", runPlatesList},
		{"add", "NUMBER --list allow [-c sallyport.yaml] [--rules rules.d] [--camera NAME|all] [--owner TEXT] [--phone TEXT] [--valid 24h | --until T]", "put a plate on a list of the cameras by hand", runPlatesAdd},
		{"remove", "NUMBER [-c sallyport.yaml] [--rules rules.d] [--list NAME] [--camera NAME|all]", "take a plate off the cameras' lists by hand", runPlatesRemove},
		{"sync", "[-c sallyport.yaml] [--rules rules.d] [--camera NAME] [--dry-run] [--prune] [--allow-empty] [-v] [--json]", "make the cameras' lists equal to the local ones; prints the difference first", runPlatesSync},
		{"import", "--camera NAME [-c sallyport.yaml] [--list NAME]", "a camera's list as a list file for the rules, on stdout", runPlatesImport},
	}
}

// platesGroup is `sallyport plates …`: the plate lists in the cameras.
func platesGroup() group { return group{"plates", platesParts} }

// platesFlags makes the flag set of a command below `sallyport plates`.
func (p process) platesFlags(name string) *flag.FlagSet { return platesGroup().flags(p, name) }

// listDevice is one device with plate lists.
type listDevice struct {
	*client.Client
	name    string // its first camera of the site file
	url     string
	also    []string // further cameras that are the same device
	mapping []plates.Mapping
	err     error // why it cannot be asked
}

// mostDevices is how many devices are worked on side by side.
const mostDevices = 8

// all is the word for every camera.
const allCameras = "all"

// listDevices makes a client for each device that a camera of the site file names,
// once for those that are one device. name is a camera's, or empty or "all" for
// all that have lists. skipped says which were left out, and why.
func (p process) listDevices(site *config.Site, name string) (devices []*listDevice, skipped []string, err error) {
	return listDevicesOf(site, name, func(site *config.Site) (map[string]*client.Client, error) { return deviceClients(site, p) })
}

// listDevicesOf is listDevices with clients from elsewhere: of the cameras of a site, and an error for those that have none.
func listDevicesOf(site *config.Site, name string, clientsOf func(*config.Site) (map[string]*client.Client, error)) (devices []*listDevice, skipped []string, err error) {
	one := *site
	one.Cameras = nil
	every := name == "" || name == allCameras
	found := false
	for _, c := range site.Cameras {
		if !every && c.Name != name {
			continue
		}
		found = true
		switch {
		case c.URL == "" && !every:
			return nil, nil, fmt.Errorf("camera %q has no url in the site file, so it cannot be asked", c.Name)
		case c.URL == "":
			skipped = append(skipped, c.Name+": skipped, it has no url in the site file")
		case c.NoLists && every:
			skipped = append(skipped, c.Name+": skipped, the site file says lists: none")
		default:
			one.Cameras = append(one.Cameras, c)
		}
	}
	if !found && !every {
		var names []string
		for _, c := range site.Cameras {
			names = append(names, c.Name)
		}
		return nil, nil, fmt.Errorf("the site file has no camera %q (it has %s)", name, cmp.Or(strings.Join(names, ", "), "none"))
	}
	for _, c := range one.Cameras {
		if i := slices.IndexFunc(devices, func(d *listDevice) bool { return d.url == c.URL }); i >= 0 {
			devices[i].also = append(devices[i].also, c.Name)
			continue
		}
		d := &listDevice{name: c.Name, url: c.URL, mapping: mappingOf(site, c)}
		// Which lists a device gets must not depend on which of its cameras is named.
		for _, o := range site.Cameras {
			if o.URL == c.URL && !o.NoLists && !slices.Equal(mappingOf(site, o), d.mapping) {
				d.err = fmt.Errorf("%q and %q are one device (%s) with different lists in the site file", c.Name, o.Name, c.URL)
			}
		}
		devices = append(devices, d)
	}
	one.Cameras = slices.DeleteFunc(one.Cameras, func(c config.Camera) bool {
		return !slices.ContainsFunc(devices, func(d *listDevice) bool { return d.name == c.Name })
	})
	clients, err := clientsOf(&one)
	var errs interface{ Unwrap() []error }
	for _, d := range devices {
		if d.Client = clients[d.name]; d.Client != nil || !errors.As(err, &errs) {
			continue
		}
		for _, err := range errs.Unwrap() {
			if text, ok := strings.CutPrefix(err.Error(), fmt.Sprintf("camera %q: ", d.name)); ok {
				d.err = errors.New(text)
			}
		}
	}
	return devices, skipped, nil
}

// mappingOf says which local lists belong on which lists of a camera.
func mappingOf(site *config.Site, c config.Camera) []plates.Mapping {
	lists := c.Lists
	if len(lists) == 0 {
		lists = site.Plates.Lists
	}
	var m []plates.Mapping
	for _, l := range lists {
		m = append(m, plates.Mapping{Local: l.Local, Camera: l.Camera})
	}
	return m
}

// sideBySide does something with every device, a few at a time.
func sideBySide(devices []*listDevice, do func(i int, d *listDevice)) {
	slots := make(chan struct{}, mostDevices)
	var wg sync.WaitGroup
	for i, d := range devices {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			do(i, d)
		})
	}
	wg.Wait()
}

// listOutcome is what an exit code is made of.
type listOutcome struct {
	refused, unreachable bool
}

// note takes what came of one camera, and says it when it is an error.
func (o *listOutcome) note(p process, name string, err error) {
	switch {
	case err == nil:
	case p.failed(name, err) == exitUnreachable:
		o.unreachable = true
	default:
		o.refused = true
	}
}

func (o *listOutcome) code() int {
	switch {
	case o.refused:
		return exitError
	case o.unreachable:
		return exitUnreachable
	}
	return exitOK
}

// openSite loads the site file of a command that needs one.
func (p process) openSite(sf *siteFlags) (*config.Site, error) {
	file, site, ok := p.loadSite(sf)
	switch {
	case !ok:
		return nil, errSiteFile
	case file == "":
		return nil, errNoSiteFile
	}
	return site, nil
}

// isList tells whether a plate's group is the one that a user names.
func isList(p client.Plate, list string) bool {
	return list == "" || p.Group == client.GroupName(list)
}

// runPlatesList is `sallyport plates list`.
func runPlatesList(ctx context.Context, p process, args []string) int {
	var sf siteFlags
	var camera, list string
	var asJSON bool
	fs := p.platesFlags("list")
	sf.addSite(fs)
	fs.StringVar(&camera, "camera", "", "only of the camera of this `name`")
	fs.StringVar(&list, "list", "", "only this `list`: allow, block, temporary, or the camera's own name")
	fs.BoolVar(&asJSON, "json", false, "print plates as JSON, one object a line")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if !noArgs(fs, rest) {
		return exitUsage
	}
	site, err := p.openSite(&sf)
	if err != nil {
		return p.errorf("plates: %v", err)
	}
	devices, skipped, err := p.listDevices(site, camera)
	if err != nil {
		return p.errorf("plates: %v", err)
	}
	for _, text := range skipped {
		fmt.Fprintln(p.stderr, text)
	}
	have := make([][]client.Plate, len(devices))
	errs := make([]error, len(devices))
	sideBySide(devices, func(i int, d *listDevice) {
		if errs[i] = d.err; d.Client != nil {
			have[i], errs[i] = d.AllPlates(ctx)
		}
	})
	var o listOutcome
	w := bufio.NewWriter(p.stdout)
	for i, d := range devices {
		if errs[i] != nil {
			o.note(p, d.name, errs[i])
			continue
		}
		on := slices.DeleteFunc(have[i], func(pl client.Plate) bool { return !isList(pl, list) })
		if asJSON {
			for _, pl := range on {
				writeJSON(w, shownPlate(d.name, pl, siteZone(site)))
			}
			continue
		}
		fmt.Fprintf(w, "%s: %s\n", d.title(), count(len(on), "plate"))
		tablePlates(w, on, siteZone(site))
	}
	if err := w.Flush(); err != nil {
		return p.errorf("plates: %v", err)
	}
	return o.code()
}

// title is what a device is called.
func (d *listDevice) title() string {
	if len(d.also) == 0 {
		return d.name
	}
	return d.name + " (the same device as " + strings.Join(d.also, ", ") + ")"
}

// tablePlates prints plates in columns.
func tablePlates(w io.Writer, on []client.Plate, zone *time.Location) {
	if len(on) == 0 {
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "  NUMBER\tLIST\tOWNER\tFROM\tUNTIL\n")
	for _, p := range on {
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\n", printable(p.Number), printable(plates.ListWord(p.Group)), printable(p.Owner), wallTime(p.Begin, zone), wallTime(p.End, zone))
	}
	_ = t.Flush() // w keeps its error
}

// wallTime is a moment in a zone, for people; empty for none.
func wallTime(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format(time.DateTime)
}

// plateJSON is a plate of a camera for scripts.
type plateJSON struct {
	Camera string `json:"camera"`
	Plate  string `json:"plate"`
	List   string `json:"list"`
	Group  string `json:"group"`
	Owner  string `json:"owner,omitempty"`
	Phone  string `json:"phone,omitempty"`
	From   string `json:"from,omitempty"`
	Until  string `json:"until,omitempty"`
}

func shownPlate(camera string, p client.Plate, zone *time.Location) plateJSON {
	return plateJSON{camera, p.Number, plates.ListWord(p.Group), p.Group, p.Owner, p.Telephone, rfc3339(p.Begin, zone), rfc3339(p.End, zone)}
}

func rfc3339(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format(time.RFC3339)
}

// writeJSON writes a value as one line.
func writeJSON(w io.Writer, v any) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the writer keeps its error; the values are plain
}

// errNoClock is why nothing is done with validities.
var errNoClock = errors.New("the clock of this machine is not set, so nobody knows which entries are valid")
