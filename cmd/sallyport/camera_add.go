package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/viewtron/client"
)

// cameraAdd is what `sallyport camera add` was asked.
type cameraAdd struct {
	siteFlags
	user, passwordEnv, passwordFile string
	plain, dryRun                   bool
}

// runCameraAdd is `sallyport camera add`: it asks a device who it is, shows that, and
// writes the entry of the site file that makes it a camera.
func runCameraAdd(ctx context.Context, p process, args []string) int {
	var f cameraAdd
	fs := p.cameraFlags("add")
	f.addSite(fs)
	fs.StringVar(&f.user, "user", "", "the `account` on the device (default admin, when there is a password)")
	fs.StringVar(&f.passwordEnv, "password-env", "", "the password is in this environment `variable`; the site file refers to it")
	fs.StringVar(&f.passwordFile, "password-file", "", "the password is in this `file`; the site file refers to it")
	fs.BoolVar(&f.plain, "plain-password", false, "write the password itself into the site file")
	fs.BoolVar(&f.dryRun, "dry-run", false, "show the entry, write nothing")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	wrong := ""
	switch {
	case len(rest) == 0:
		wrong = "want the address of a device, for example http://192.168.0.52"
	case len(rest) > 2:
		wrong = fmt.Sprintf("want an address and a name, got also %q", rest[2])
	case len(rest) == 2 && !cameraNamed(rest[1]):
		wrong = fmt.Sprintf("%q is no name for a camera: small letters, digits and dashes, a letter first", rest[1])
	case f.passwordEnv != "" && f.passwordFile != "":
		wrong = "--password-env and --password-file exclude each other"
	}
	if wrong != "" {
		fmt.Fprintf(p.stderr, "%s: %s\n", fs.Name(), wrong)
		return exitUsage
	}
	name := ""
	if len(rest) == 2 {
		name = rest[1]
	}
	code, err := f.add(ctx, p, rest[0], name)
	if err != nil {
		p.errorf("camera add: %v", err)
	}
	return code
}

// add does it. With an error nothing was written.
func (f *cameraAdd) add(ctx context.Context, p process, address, name string) (int, error) {
	doc, err := openSiteText(&f.siteFlags)
	if err != nil {
		return exitError, err
	}
	site, problems := doc.site()
	if config.Failed(problems) {
		printSiteProblems(p.stderr, problems)
		return exitError, fmt.Errorf("%s has errors; correct them first", doc.file)
	}
	password, err := f.password(p, address, doc.file)
	if err != nil {
		return exitError, err
	}
	found, err := probe(ctx, address, f.user, password, site.Location.Zone)
	var refused *client.Error
	switch {
	case unreachable(err):
		return exitUnreachable, fmt.Errorf("%s does not answer: %s", address, printable(err.Error()))
	case errors.As(err, &refused) && errors.Is(err, client.ErrLoginRefused) && f.user == "":
		return exitError, fmt.Errorf("%s wants a login: name the account with --user, and its password with --password-env or --password-file", address)
	case err != nil:
		return exitError, fmt.Errorf("%s: %s", address, refusal(err))
	}
	found.show(p.stdout)

	entries, have, err := found.entries(site, doc.file, name)
	if err != nil {
		return exitError, err
	}
	for _, is := range have {
		fmt.Fprintf(p.stdout, "it is camera %q of %s already\n", is, doc.file)
	}
	if len(entries) == 0 {
		fmt.Fprintf(p.stdout, "nothing is to be written\n")
		return exitOK, nil
	}
	text, promised := f.write(p, entries, found, password, doc.file)
	next, err := doc.with(entries, text)
	if err != nil {
		return exitError, fmt.Errorf("%w; nothing was written. Under cameras: in %s this belongs:\n%s", err, doc.file, strings.Join(blockOf(text, "  "), "\n"))
	}
	verb := "this would be written into"
	if !f.dryRun {
		if err := doc.replace(next); err != nil {
			return exitError, fmt.Errorf("%s was not changed: %w", doc.file, err)
		}
		verb = "this was written into"
	}
	fmt.Fprintf(p.stdout, "%s %s, under cameras:\n%s\n", verb, doc.file, strings.Join(blockOf(text, "  "), "\n"))
	_, problems = config.Parse(doc.file, []byte(next))
	printSiteProblems(p.stderr, slices.DeleteFunc(problems, doc.had))
	if promised != "" {
		fmt.Fprintln(p.stdout, promised)
	}
	switch {
	case f.dryRun:
	case found.recorder():
		fmt.Fprintf(p.stdout, "next: `sallyport camera subscribe %s` says what to type into its own page\n", entries[0].name)
	default:
		fmt.Fprintf(p.stdout, "next: start sallyport again if it runs, then `sallyport camera subscribe %s`\n", entries[0].name)
	}
	return exitOK, nil
}

// password finds the password. Without any of the flags it is the next line of stdin
// when an account is named.
func (f *cameraAdd) password(p process, address, siteFile string) (string, error) {
	var text string
	switch {
	case f.passwordEnv != "":
		if text = p.getenv(f.passwordEnv); text == "" {
			return "", fmt.Errorf("the environment variable %s is not set", f.passwordEnv)
		}
	case f.passwordFile != "":
		data, err := os.ReadFile(f.passwordFile)
		if err != nil {
			return "", err
		}
		text = strings.TrimRight(string(data), "\r\n")
		if text == "" || strings.ContainsAny(text, "\r\n\x00") {
			return "", fmt.Errorf("%s does not hold one line with a password", f.passwordFile)
		}
	case f.user != "":
		if isTerminal(p.stdin) {
			fmt.Fprintf(p.stderr, "password of %s at %s (it can be seen while it is typed; --password-env and --password-file are better): ", f.user, address)
		}
		line, err := bufio.NewReader(io.LimitReader(p.stdin, 4096)).ReadString('\n')
		if text = strings.TrimRight(line, "\r\n"); text == "" {
			if err == nil || errors.Is(err, io.EOF) {
				err = errors.New("no password was given; use --password-env or --password-file, or type it")
			}
			return "", err
		}
	default:
		return "", nil
	}
	if f.user == "" {
		f.user = "admin"
	}
	return text, nil
}

// isTerminal says that a reader or writer is a terminal, as far as can be told without
// asking the system for more than what it is.
func isTerminal(v any) bool {
	file, ok := v.(*os.File)
	if !ok || file == nil {
		return false
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// probed is a device that was asked who it is.
type probed struct {
	url         string
	fingerprint string // of its certificate; empty without https
	note        string // how the address was understood
	caps        client.Capabilities
	channels    []client.Channel
	clock       client.DateTime
	off         time.Duration // how far its clock is ahead of ours
}

// recorder says that the device has several channels.
func (d *probed) recorder() bool { return d.caps.Info.Channels > 1 || len(d.channels) > 1 }

// probe asks a device who it is. An address without http:// or https:// is tried with
// the first, then with the second.
func probe(ctx context.Context, address, user, password string, zone *time.Location) (*probed, error) {
	address = strings.TrimRight(address, "/")
	tries := []string{address}
	if !strings.Contains(address, "://") {
		tries = []string{"http://" + address, "https://" + address}
	}
	var first error
	for i, url := range tries {
		d := &probed{url: url}
		// Trust on first use: whoever calls shows the fingerprint, and writes it down.
		c, err := client.New(client.Config{URL: url, Username: user, Password: password, Location: zone, Trust: func(got string) error {
			if d.fingerprint == "" {
				d.fingerprint = got
			}
			if d.fingerprint != got {
				return &client.CertificateError{Want: d.fingerprint, Got: got}
			}
			return nil
		}})
		if err != nil {
			return nil, err
		}
		defer c.Close()
		err = d.ask(ctx, c)
		var refused *client.Error
		// What speaks https only may answer to http, but not as a device does.
		switch other := errors.As(err, &refused) && refused.Code == 0; {
		case err == nil:
			if i > 0 {
				d.note = fmt.Sprintf("%s does not answer as a camera over http (%s), so https is used", address, printable(first.Error()))
			} else if len(tries) > 1 {
				d.note = fmt.Sprintf("%s answers over http, without encryption; give https://%s when it has that too", address, address)
			}
			return d, nil
		case i > 0:
			return nil, fmt.Errorf("over http: %w; over https: %w", first, err)
		case len(tries) > 1 && (other || unreachable(err)):
			first = err
		default:
			return nil, err
		}
	}
	return nil, first
}

// ask fills d. Only who the device is must be known.
func (d *probed) ask(ctx context.Context, c *client.Client) error {
	caps, err := c.Capabilities(ctx)
	if err != nil && !fatal(err) {
		caps.Info, err = c.GetDeviceInfo(ctx)
	}
	if err != nil {
		return err
	}
	d.caps = caps
	before := time.Now()
	if clock, err := c.GetDateAndTime(ctx); err == nil && !clock.Time.IsZero() {
		d.clock, d.off = clock, clockOff(clock.Time, before, time.Now())
	}
	if caps.Info.Channels > 1 || caps.Channels > 1 {
		if d.channels, err = c.GetChannels(ctx); err != nil || len(d.channels) == 0 {
			d.channels = nil
			for id := range max(caps.Info.Channels, caps.Channels) {
				d.channels = append(d.channels, client.Channel{ID: id + 1})
			}
		}
	}
	return nil
}

// show says what the device is.
func (d *probed) show(w io.Writer) {
	if d.note != "" {
		fmt.Fprintln(w, d.note)
	}
	info := d.caps.Info
	kind := "a camera"
	if d.recorder() {
		kind = "a recorder with " + count(max(info.Channels, len(d.channels)), "channel")
	}
	fmt.Fprintf(w, "%s is %s: %s\n", d.url, kind, whoText(info))
	if d.fingerprint != "" {
		fmt.Fprintf(w, "its certificate is trusted on first use: SHA-256 %s\n", d.fingerprint)
	}
	if text := clockText(d.clock, d.off); text != "" {
		fmt.Fprintln(w, "its clock: "+text)
	}
}

// added is one entry that is to be written.
type added struct {
	name    string
	channel int
	match   config.Match
	posts   bool // it is known by its posts only, without an address to ask it at
}

// entries are the cameras to write for a device: one, or one for each channel of a
// recorder. have are those that the site file has already, which are left out.
func (d *probed) entries(site *config.Site, file, name string) (out []added, have []string, err error) {
	m := config.Match{MAC: macOf(d.caps.Info.MAC)}
	if m.MAC == "" {
		m.SN = d.caps.Info.SN
	}
	if u, err := url.Parse(d.url); err == nil {
		if a, err := netip.ParseAddr(u.Hostname()); err == nil {
			a = a.Unmap().WithZone("")
			m.IP = netip.PrefixFrom(a, a.BitLen())
		}
	}
	if (m == config.Match{}) {
		return nil, nil, errors.New("the device tells neither a MAC address nor a serial number; give its address as numbers, so that its posts can be known by it")
	}
	base := name
	if base == "" {
		base = cameraNameOf(d.caps.Info.Name)
	}
	channels := []int{0}
	if d.recorder() {
		channels = channels[:0]
		for _, c := range d.channels {
			channels = append(channels, c.ID)
		}
	}
	taken := make(map[string]bool)
	for _, c := range site.Cameras {
		taken[c.Name] = true
	}
	for _, channel := range channels {
		want := base
		if channel > 0 {
			want += "-" + strconv.Itoa(channel)
		}
		if i := slices.IndexFunc(site.Cameras, func(c config.Camera) bool { return d.is(c, m, channel) }); i >= 0 {
			if is := site.Cameras[i].Name; name != "" && is != want {
				return nil, nil, fmt.Errorf("this device is camera %q of %s already", is, file)
			}
			have = append(have, site.Cameras[i].Name)
			continue
		}
		if taken[want] && name != "" {
			return nil, nil, fmt.Errorf("%s has a camera %q already, which is another device; give another name", file, want)
		}
		free := want
		for n := 2; taken[free]; n++ {
			free = want + "-" + strconv.Itoa(n)
		}
		taken[free] = true
		one := added{name: free, channel: channel, match: m}
		one.match.Channel = channel
		out = append(out, one)
	}
	return out, have, nil
}

// is says that a camera of the site file is the device, or its channel.
func (d *probed) is(c config.Camera, m config.Match, channel int) bool {
	for _, have := range c.Match {
		if channel > 0 && have.Channel > 0 && have.Channel != channel {
			continue
		}
		switch {
		case have.MAC != "" && m.MAC != "":
			if have.MAC == m.MAC {
				return true
			}
		case have.SN != "" && d.caps.Info.SN != "":
			if have.SN == d.caps.Info.SN {
				return true
			}
		case c.URL == d.url:
			return true
		}
	}
	return false
}

// write makes the lines of the entries, without the indentation they get in the file,
// and says what is left to do about the password.
func (f *cameraAdd) write(p process, entries []added, d *probed, password, siteFile string) (lines []string, promised string) {
	secret := ""
	switch {
	case password == "":
	case f.plain:
		secret = yamlText(password)
	case f.passwordEnv != "":
		secret = "{env: " + yamlText(f.passwordEnv) + "}"
	case f.passwordFile != "":
		secret = "{file: " + yamlText(secretPath(f.passwordFile, siteFile)) + "}"
	default:
		variable := strings.ToUpper(strings.ReplaceAll(entries[0].name, "-", "_")) + "_PASSWORD"
		secret = "{env: " + variable + "}"
		promised = fmt.Sprintf("the password was not written: put it into the environment variable %s, for sallyport and for these commands", variable)
	}
	for _, e := range entries {
		lines = append(lines, e.name+":", "  match: "+matchText(e.match), "  url: "+yamlText(d.url))
		if f.user != "" {
			lines = append(lines, "  username: "+yamlText(f.user))
		}
		if secret != "" {
			lines = append(lines, "  password: "+secret)
		}
		if d.fingerprint != "" {
			lines = append(lines, "  tls_pin: "+yamlText(d.fingerprint))
		}
	}
	return lines, promised
}

// secretPath is the path of a password file as the site file has it: below its own
// folder a short one.
func secretPath(name, siteFile string) string {
	name = absolute(name)
	if rel, err := filepath.Rel(filepath.Dir(absolute(siteFile)), name); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return name
}

// matchText is a mapping as the site file has it.
func matchText(m config.Match) string {
	var keys []string
	if m.MAC != "" {
		keys = append(keys, `mac: "`+m.MAC+`"`)
	}
	if m.SN != "" {
		keys = append(keys, "sn: "+yamlText(m.SN))
	}
	if m.Name != "" {
		keys = append(keys, "name: "+yamlText(m.Name))
	}
	if m.IP.IsValid() {
		keys = append(keys, "ip: "+yamlText(m.IP.Addr().String()))
	}
	if m.Channel > 0 {
		keys = append(keys, "channel: "+strconv.Itoa(m.Channel))
	}
	return "{" + strings.Join(keys, ", ") + "}"
}

// yamlText writes a text so that YAML reads it back as it is, without quotes where it
// certainly does.
func yamlText(s string) string {
	if regexp.MustCompile(`^(https?://)?[A-Za-z/][A-Za-z0-9._/-]*(:[0-9]+)?$|^(https?://)?[0-9]+(\.[0-9]+){3}(:[0-9]+)?$`).MatchString(s) {
		switch strings.ToLower(s) {
		case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		default:
			return s
		}
	}
	return strconv.QuoteToASCII(s)
}

// macOf is a MAC address if a text is one, in lower case with colons.
func macOf(s string) string {
	s = strings.ToLower(strings.ReplaceAll(s, "-", ":"))
	if !regexp.MustCompile(`^([0-9a-f]{2}:){5}[0-9a-f]{2}$`).MatchString(s) || s == "00:00:00:00:00:00" {
		return ""
	}
	return s
}

// cameraNamed says that a text can be a camera's name.
func cameraNamed(s string) bool { return regexp.MustCompile(`^[a-z][a-z0-9-]*$`).MatchString(s) }

// cameraNameOf makes a name out of what a device calls itself.
func cameraNameOf(s string) string {
	s = regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(s), "-")
	s = strings.TrimLeft(s, "-0123456789")
	s = strings.TrimRight(s[:min(len(s), 32)], "-")
	if s == "" {
		return "camera"
	}
	return s
}

// siteDocument is a site file as text, to be added to.
type siteDocument struct {
	file string // as it was named
	real string // where it is, links followed
	text string
	info fs.FileInfo // nil: it is not there yet
}

// openSiteText reads the site file. One that is named and not there is an empty one.
func openSiteText(sf *siteFlags) (*siteDocument, error) {
	s := &siteDocument{file: sf.siteFile()}
	if s.file == "" {
		return nil, errNoSiteFile
	}
	var err error
	if s.real, err = filepath.EvalSymlinks(s.file); errors.Is(err, fs.ErrNotExist) {
		s.real = s.file
		if _, err := os.Lstat(s.file); err == nil {
			return nil, fmt.Errorf("%s is a link to nothing", s.file)
		}
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	if s.info, err = os.Stat(s.real); err != nil {
		return nil, err
	}
	if !s.info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", s.file)
	}
	text, err := os.ReadFile(s.real)
	s.text = string(text)
	return s, err
}

func (s *siteDocument) site() (*config.Site, []config.Problem) {
	if s.info == nil {
		return config.Parse(s.file, nil)
	}
	return config.Load(s.file)
}

// had says that a problem was there before.
func (s *siteDocument) had(p config.Problem) bool {
	_, before := config.Parse(s.file, []byte(s.text))
	return slices.ContainsFunc(before, func(b config.Problem) bool { return b.Message == p.Message })
}

// with is the text with the entries, after it was made sure that it says what the file
// said before and the entries, and nothing else.
func (s *siteDocument) with(entries []added, lines []string) (string, error) {
	text, err := insertCameras(s.text, lines)
	if err != nil {
		return "", err
	}
	after, problems := config.Parse(s.file, []byte(text))
	for _, p := range problems {
		if !p.Warning {
			return "", fmt.Errorf("the file would not load (%s)", p.Message)
		}
	}
	before, _ := config.Parse(s.file, []byte(s.text))
	if before == nil || after == nil || len(after.Cameras) != len(before.Cameras)+len(entries) {
		return "", errors.New("the file is written in a way that cannot be added to")
	}
	for i, e := range entries {
		c := after.Cameras[len(before.Cameras)+i]
		if c.Name != e.name || len(c.Match) != 1 || c.Match[0] != e.match || (c.URL == "") != e.posts {
			return "", errors.New("the file is written in a way that cannot be added to")
		}
	}
	same := *after
	same.Cameras = same.Cameras[:len(before.Cameras):len(before.Cameras)]
	if len(same.Cameras) == 0 {
		same.Cameras = before.Cameras
	}
	if !reflect.DeepEqual(&same, before) {
		return "", errors.New("the file is written in a way that cannot be added to")
	}
	return text, nil
}

// replace writes the file, whole or not at all, with the mode and the owner it had.
func (s *siteDocument) replace(text string) (err error) {
	mode := fs.FileMode(0o640)
	if s.info != nil {
		mode = s.info.Mode().Perm()
		if now, err := os.ReadFile(s.real); err != nil || string(now) != s.text {
			return errors.Join(err, errors.New("somebody else changed it meanwhile; try again"))
		}
	}
	dir := filepath.Dir(s.real)
	f, err := os.CreateTemp(dir, filepath.Base(s.real)+".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.WriteString(text); err != nil {
		return err
	}
	if s.info != nil {
		if err = keepOwner(f, s.info); err != nil {
			return fmt.Errorf("it belongs to somebody else, and would not any more: %w", err)
		}
	}
	if err = f.Chmod(mode); err != nil {
		return err
	}
	if err = errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), s.real); err != nil {
		return err
	}
	return syncFolder(dir)
}

// errInline says that there is no place for an entry of its own lines.
var errInline = errors.New("its cameras are written in one line, between { and }")

// insertCameras puts entries, given as lines, at the end of the cameras of a site
// file's text. Everything else stays as it is, comments and order too.
func insertCameras(text string, entries []string) (string, error) {
	eol := "\n"
	if strings.Contains(text, "\r\n") {
		eol = "\r\n"
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += eol
	}
	lines := strings.SplitAfter(text, "\n")
	lines = lines[:len(lines)-1]
	begins := regexp.MustCompile(`^\x{feff}?(cameras|"cameras"|'cameras')[ \t]*:([ \t\r\n]|$)`)
	head := slices.IndexFunc(lines, begins.MatchString)
	if head < 0 {
		if len(lines) > 0 && strings.TrimSpace(lines[len(lines)-1]) != "" {
			lines = append(lines, eol)
		}
		lines = append(lines, "cameras:"+eol)
		head = len(lines) - 1
	}
	key, value, _ := strings.Cut(strings.TrimRight(lines[head], "\r\n"), ":")
	value, comment, commented := strings.Cut(value, "#")
	switch strings.TrimSpace(value) {
	case "":
	case "{}", "null", "~":
		lines[head] = key + ":"
		if commented {
			lines[head] += " #" + comment
		}
		lines[head] += eol
	default:
		return "", errInline
	}
	last, indent := head, ""
	for i := head + 1; i < len(lines); i++ {
		content := strings.TrimLeft(lines[i], " ")
		blank := strings.TrimRight(content, "\r\n\t ") == ""
		in := lines[i][:len(lines[i])-len(content)]
		if !blank && in == "" && !strings.HasPrefix(content, "#") {
			break
		}
		if blank || in == "" {
			continue
		}
		last = i
		if indent == "" && !strings.HasPrefix(content, "#") {
			indent = in
		}
	}
	if indent == "" {
		indent = "  "
	}
	var fresh []string
	for _, l := range blockOf(entries, indent) {
		fresh = append(fresh, l+eol)
	}
	return strings.Join(slices.Insert(lines, last+1, fresh...), ""), nil
}

// blockOf indents lines.
func blockOf(lines []string, indent string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = indent + l
	}
	return out
}
