package rulefile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/scene"
	"github.com/sallyport/sallyport/engine/schedule"
	"go.yaml.in/yaml/v4"
)

// The bounds of a rule folder.
const (
	maxFileSize = 1 << 20  // bytes of one rule file
	maxDataSize = 16 << 20 // bytes of one list or holidays file
	maxFiles    = 1000     // rule files
	maxRules    = 10_000   // in all files
)

// RelayInfo is what rules are checked against of a relay.
type RelayInfo struct {
	// MaxOn is the longest unbroken time on; 0 = not known.
	MaxOn time.Duration
}

// CameraInfo is what rules are checked against of a camera.
type CameraInfo struct {
	// Trusted says that its posts must come with a token or from an address of its own.
	Trusted bool
	// Plates says that it sent plates; NoHeading and NoConfidence that none of them had one.
	Plates, NoHeading, NoConfidence bool
	// URL says that its device can be called.
	URL bool
}

// Site is what the site file gives to rules: names, permissions and the place.
type Site struct {
	// Cameras, Contacts, Notifiers and Secrets are the names of the site file.
	Cameras, Contacts, Notifiers, Secrets []string
	// Known is what is known of cameras, by name; of one that is missing nothing is, and nothing is said.
	Known map[string]CameraInfo
	// Relays are the relays by name.
	Relays map[string]RelayInfo
	// PlateLists are the names of the lists that go to the cameras; no rule needs to use them.
	PlateLists []string
	// AllowPrograms are the absolute paths that `run` may start.
	AllowPrograms []string
	// AllowShell permits the `shell` verb.
	AllowShell bool
	// Location is the site's time zone; nil is UTC.
	Location *time.Location
	// Latitude and Longitude are degrees, north and east positive, and mean something only with HasPlace.
	Latitude, Longitude float64
	HasPlace            bool
	// Imports are the accepted copies of the cameras' own zones and lines by camera and name: front/perimeter/1.
	Imports map[string]Import
	// ImportsFault is why the accepted copies cannot be read. A set that imports something is then refused; empty = they
	// can.
	ImportsFault string
	// Open says that there is no site file: the names that rules use are taken as given and run and shell are accepted,
	// with one warning for all, and without HasPlace the place is Greenwich.
	Open bool
}

// File is one file of a rule folder: its path within the folder, with slashes, and its content.
type File struct {
	Name string
	Data []byte
}

// Load reads the rule files of a folder: *.yaml and *.yml in name order, without those that begin with a dot or an
// underscore or end in .disabled, ~, .swp or _test.yaml. With any error the rule set is nil. The problems are sorted by
// file, line and column; warnings come with a set that can be used.
func Load(dir string, site Site) (*engine.Ruleset, []Problem) {
	return LoadFS(os.DirFS(dir), filepath.ToSlash(filepath.Clean(dir)), site)
}

// LoadFS is [Load] from a file system; name is how the folder is called in problems.
func LoadFS(fsys fs.FS, name string, site Site) (*engine.Ruleset, []Problem) {
	ld := newLoader(site, name)
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		ld.file(".").put(0, 0, false, "the folder of rules cannot be read: "+reason(err))
		return nil, ld.sink.problems
	}
	ld.open = func(name string) ([]byte, error) { return readFile(fsys, name, maxDataSize) }
	var files []File
	for _, e := range entries {
		if !IsRuleFile(e.Name()) {
			continue
		}
		data, err := readFile(fsys, e.Name(), maxFileSize)
		if err != nil {
			ld.file(e.Name()).put(0, 0, false, reason(err))
			continue
		}
		files = append(files, File{e.Name(), data})
	}
	return ld.load(files)
}

// LoadFiles is [Load] from memory. Files that are not rule files serve as lists and holidays.
func LoadFiles(files []File, name string, site Site) (*engine.Ruleset, []Problem) {
	ld := newLoader(site, name)
	var rules []File
	for _, f := range files {
		switch {
		case !IsRuleFile(f.Name):
		case len(f.Data) > maxFileSize:
			ld.file(f.Name).put(0, 0, false, tooLarge(maxFileSize))
		default:
			rules = append(rules, f)
		}
	}
	slices.SortStableFunc(rules, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	ld.open = func(name string) ([]byte, error) {
		for _, f := range files {
			if f.Name == name {
				return f.Data, nil
			}
		}
		return nil, fs.ErrNotExist
	}
	return ld.load(rules)
}

// IsRuleFile tells whether a file of this name in the folder holds rules.
func IsRuleFile(name string) bool {
	base, ok := strings.CutSuffix(name, ".yaml")
	if !ok {
		base, ok = strings.CutSuffix(name, ".yml")
	}
	return ok && base != "" && !strings.ContainsAny(name, "/\\") && name[0] != '.' && name[0] != '_' && !strings.HasSuffix(base, "_test")
}

// errFolder says that a name is a folder's.
var errFolder = errors.New("is a folder")

func tooLarge(limit int) string { return fmt.Sprintf("the file is larger than %d MB", limit>>20) }

// readFile reads a regular file, no more than limit bytes of it.
func readFile(fsys fs.FS, name string, limit int) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errFolder
	case !info.Mode().IsRegular():
		return nil, errors.New("not a regular file")
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(data) > limit {
		return nil, errors.New(tooLarge(limit))
	}
	return data, nil
}

// reason is an error without the path, which the problem names already.
func reason(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return err.Error()
}

// loader holds what is known while a set is loaded.
type loader struct {
	site Site
	name string
	sink *sink
	open func(string) ([]byte, error)
	hash []byte

	// Cameras have numbers in the order in which they are met; at the end they get those of the names' order.
	cameras     map[string]int
	cameraNames []string

	imports []string // by camera and name: front/perimeter/1

	zones      map[string]int
	zoneNames  []string
	zonePlaces []engine.Place
	zoneDefs   []scene.Zone
	zoneNodes  []pair
	zoneDecls  []declared

	lines      map[string]int
	lineNames  []string
	linePlaces []engine.Place
	lineDefs   []scene.Line
	lineNodes  []pair

	schedules     map[string]int
	scheduleNames []string
	scheduleDefs  []engine.NamedSchedule
	scheduleNodes []pair
	scheduleDecls []declared
	place         schedule.Place
	night         engine.Schedule

	lists     map[string]int
	listNames []string
	listDefs  []*engine.List
	listDecls []declared

	flags     map[string]int
	flagNames []string
	flagDefs  []engine.FlagDef
	flagDecls []declared

	rules     map[string]int
	ruleNames []string
	ruleDefs  []*engine.Rule

	relayNames []string
	driven     []drive
	asked      map[string]bool // rules whose since() is asked
	assumed    bool            // a name was taken as given
	unfed      []func()        // warnings of what nothing feeds, said when nothing is wrong
}

func newLoader(site Site, name string) *loader {
	ld := &loader{
		site: site, name: name, sink: &sink{},
		cameras: map[string]int{}, zones: map[string]int{}, lines: map[string]int{}, schedules: map[string]int{},
		asked: map[string]bool{}, lists: map[string]int{}, flags: map[string]int{}, rules: map[string]int{},
		place: schedule.Place{Zone: site.Location, Latitude: site.Latitude, Longitude: site.Longitude, Known: site.HasPlace},
	}
	if site.Open && !site.HasPlace {
		ld.place.Latitude, ld.place.Longitude, ld.place.Known = 51.4779, -0.0015, true
	}
	if ld.place.Known {
		if s, err := schedule.Night(ld.place); err == nil {
			ld.night = s
		}
	}
	for _, c := range site.Cameras {
		ld.addCamera(c)
	}
	for r := range site.Relays {
		ld.relayNames = append(ld.relayNames, r)
	}
	slices.Sort(ld.relayNames)
	return ld
}

// file is the place of a problem that concerns a whole file.
func (ld *loader) file(name string) at {
	return at{sink: ld.sink, src: &source{name: path.Join(ld.name, name)}}
}

func (ld *loader) addCamera(name string) {
	if _, ok := ld.cameras[name]; !ok {
		ld.cameras[name] = len(ld.cameraNames)
		ld.cameraNames = append(ld.cameraNames, name)
	}
}

// camera tells whether there is a camera of this name.
func (ld *loader) camera(name string) bool {
	if _, ok := ld.cameras[name]; ok {
		return true
	}
	if ld.site.Open && validName(name) {
		ld.addCamera(name)
		ld.assumed = true
		return true
	}
	return false
}

func (ld *loader) zone(z engine.ZoneRef) *scene.Zone { return &ld.zoneDefs[z] }

// validName tells whether a name is [a-z][a-z0-9-]*, of at most 64 characters.
func validName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || i > 0 && (c >= '0' && c <= '9' || c == '-')) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// doc is one file that could be read.
type doc struct {
	at       at
	sections []pair
}

func sectionNames() []string {
	return []string{"zones", "lines", "schedules", "lists", "flags", "rules"}
}

func (ld *loader) load(files []File) (*engine.Ruleset, []Problem) {
	if len(files) > maxFiles {
		ld.file(".").put(0, 0, false, fmt.Sprintf("there are more than %d rule files", maxFiles))
		return nil, ld.sink.problems
	}
	var docs []doc
	for _, f := range files {
		ld.addHash(f.Name, f.Data)
		src := newSource(path.Join(ld.name, f.Name), f.Data)
		a := at{sink: ld.sink, src: src}
		top := a.parse(f.Data)
		if top == nil {
			continue
		}
		if pairs, ok := a.mapping(top, "a rule file", sectionNames()); ok {
			docs = append(docs, doc{a, pairs})
		}
	}
	// What is named comes before what names it, over all files.
	for _, s := range []struct {
		name string
		add  func(at, pair)
	}{
		{"flags", ld.addFlag}, {"schedules", ld.addSchedule}, {"zones", ld.addZone}, {"lines", ld.addLine}, {"lists", ld.addList},
	} {
		for _, d := range docs {
			ld.section(d, s.name, s.add)
		}
	}
	ld.addRules(docs)
	ld.checkAll()

	problems := ld.sink.list(ld.name)
	// What has errors holds numbers of things that do not exist, so nothing may be put together from it.
	if Failed(problems) {
		return nil, problems
	}
	return ld.ruleset(), problems
}

// section goes through the named things of one section of one file.
func (ld *loader) section(d doc, name string, add func(at, pair)) {
	for _, s := range d.sections {
		if s.name != name || isNull(s.val) {
			continue
		}
		pairs, ok := d.at.mapping(s.val, name, nil)
		if !ok {
			continue
		}
		for _, p := range pairs {
			a := d.at
			a.prefix = fmt.Sprintf("%s %q: ", strings.TrimSuffix(name, "s"), p.name)
			if !validName(p.name) {
				d.at.errorf(p.key, "%s is not a name: names are a-z, 0-9 and -, begin with a letter and have at most 64 characters", cut(p.name))
				continue
			}
			add(a, p)
		}
	}
}

// unique gives a name its number; false when it has one already.
func (a at) unique(index map[string]int, names *[]string, p *yaml.Node, name string) bool {
	if _, ok := index[name]; ok {
		a.errorf(p, "this name is taken; names are unique over all files")
		return false
	}
	index[name] = len(*names)
	*names = append(*names, name)
	return true
}

func (ld *loader) addHash(name string, data []byte) {
	sum := sha256.Sum256(data)
	ld.hash = fmt.Appendf(ld.hash, "%q %x\n", name, sum)
}

// data reads a list or holidays file, which must lie in the folder.
func (ld *loader) data(a at, n *yaml.Node, what string) (string, []byte, bool) {
	name, ok := a.text(n, what)
	if !ok {
		return "", nil, false
	}
	if !fs.ValidPath(name) || name == "." {
		a.errorf(n, "%s is a path within the folder of rules (plates/residents.csv), not %s", what, cut(name))
		return "", nil, false
	}
	data, err := ld.open(name)
	if err != nil {
		why := reason(err)
		if errors.Is(err, fs.ErrNotExist) {
			why = "there is no such file"
		}
		a.errorf(n, "%s: %s", clean(name), why)
		return "", nil, false
	}
	ld.addHash(name, data)
	return name, data, true
}

// ruleset puts everything together. It is only used when there was no error.
func (ld *loader) ruleset() *engine.Ruleset {
	rs := &engine.Ruleset{
		Location: ld.site.Location, Zones: ld.zonePlaces, Lines: ld.linePlaces, Lists: ld.listDefs,
		Schedules: ld.scheduleDefs, Flags: ld.flagDefs, Rules: ld.ruleDefs,
	}
	sum := sha256.Sum256(ld.hash)
	rs.Hash = hex.EncodeToString(sum[:])
	slices.Sort(ld.imports)
	rs.Imports = slices.Compact(ld.imports)

	sorted := slices.Clone(ld.cameraNames)
	slices.Sort(sorted)
	number := make([]int, len(sorted))
	for i, name := range sorted {
		number[ld.cameras[name]] = i
		rs.Cameras = append(rs.Cameras, engine.CameraDef{Name: name, Layout: &scene.Layout{}})
	}
	for i := range rs.Zones {
		p := &rs.Zones[i]
		p.Camera = number[p.Camera]
		l := rs.Cameras[p.Camera].Layout
		p.Index = len(l.Zones)
		l.Zones = append(l.Zones, ld.zoneDefs[i])
	}
	for i := range rs.Lines {
		p := &rs.Lines[i]
		p.Camera = number[p.Camera]
		l := rs.Cameras[p.Camera].Layout
		p.Index = len(l.Lines)
		l.Lines = append(l.Lines, ld.lineDefs[i])
	}
	for _, r := range rs.Rules {
		for i := range r.Need.Cameras {
			r.Need.Cameras[i] = number[r.Need.Cameras[i]]
		}
		slices.Sort(r.Need.Cameras)
	}
	return rs
}
