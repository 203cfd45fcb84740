package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/journal"
)

// journalFlags are what `sallyport journal` was asked.
type journalFlags struct {
	siteFlags
	since, until              string
	kind, camera, rule, relay string
	plate, head               string
	firing                    int64
	limit                     int
	json, newest, images      bool
}

// journalParts are the commands below `sallyport journal`.
func journalParts() []string { return []string{"verify", "list", "export"} }

// runJournal is `sallyport journal verify|list|export`: what happened, read from the
// disk, also while the program runs.
func runJournal(ctx context.Context, p process, args []string) int {
	var f journalFlags
	fs := p.flags("journal")
	if len(args) == 0 || !slices.Contains(journalParts(), args[0]) {
		f.addSite(fs)
		for _, part := range []string{"verify", "list"} {
			f.add(fs, part)
		}
		rest, code, ok := parse(fs, args)
		if !ok {
			return code
		}
		word := "nothing"
		if len(rest) > 0 {
			word = strconv.Quote(rest[0])
		}
		fmt.Fprintf(p.stderr, "%s: want verify, list or export first, got %s\n", fs.Name(), word)
		return exitUsage
	}
	part := args[0]
	f.addSite(fs)
	f.add(fs, part)
	rest, code, ok := parse(fs, args[1:])
	if !ok {
		return code
	}
	if !noArgs(fs, rest) {
		return exitUsage
	}
	file, site, ok := p.loadSite(&f.siteFlags)
	if !ok {
		return exitError
	}
	if file == "" {
		return p.errorf("journal: %v", errNoSiteFile)
	}
	q, err := f.query(time.Now(), siteZone(site))
	if err != nil {
		p.errorf("journal: %v", err)
		return exitUsage
	}
	if part == "verify" {
		return f.verify(ctx, p, site.Data)
	}
	if part == "export" {
		f.json, q.Limit = true, 0
	}
	if err := f.print(ctx, p, site.Data, q, siteZone(site)); err != nil {
		return p.errorf("journal: %v", err)
	}
	return exitOK
}

// add adds the flags of one part.
func (f *journalFlags) add(fs *flag.FlagSet, part string) {
	if part == "verify" {
		fs.StringVar(&f.head, "head", "", "also say whether the head `ID:HASH` that was noted earlier is still there")
		fs.BoolVar(&f.images, "images", false, "also read every picture")
		return
	}
	fs.StringVar(&f.since, "since", "", "from this `time` on: 22:00, 2026-03-02, 2026-03-02T22:00:05Z, or 2h for two hours ago")
	fs.StringVar(&f.until, "until", "", "before this `time`")
	fs.StringVar(&f.kind, "kind", "", "only these `KINDS`, with commas: "+strings.Join(journalKinds(), ", "))
	fs.StringVar(&f.camera, "camera", "", "only of the camera of this `name`")
	fs.StringVar(&f.rule, "rule", "", "only of the rule of this `name`")
	fs.StringVar(&f.relay, "relay", "", "only of the relay of this `name`")
	fs.StringVar(&f.plate, "plate", "", "only of this `plate`")
	if part == "list" {
		fs.Int64Var(&f.firing, "firing", 0, "only the firing with this `id` and what it led to")
		fs.IntVar(&f.limit, "limit", 100, "at most this many `entries`; 0 = all")
		fs.BoolVar(&f.newest, "newest", false, "the newest first; otherwise the oldest")
		fs.BoolVar(&f.json, "json", false, "print entries as JSON, one object a line")
	}
}

func journalKinds() []string {
	return []string{
		journal.KindEvent, journal.KindFiring, journal.KindSuppressed, journal.KindAction, journal.KindRelay, journal.KindReload,
		journal.KindLogin, journal.KindError,
	}
}

// query makes the question.
func (f *journalFlags) query(now time.Time, loc *time.Location) (q journal.Query, err error) {
	q = journal.Query{Camera: f.camera, Rule: f.rule, Relay: f.relay, Plate: f.plate, Firing: f.firing, Limit: f.limit, Newest: f.newest}
	for _, t := range []struct {
		name, text string
		at         *time.Time
	}{{"since", f.since, &q.Since}, {"until", f.until, &q.Until}} {
		if t.text == "" {
			continue
		}
		if *t.at, err = parseWhen(t.text, now, loc); err != nil {
			return q, fmt.Errorf("--%s %w", t.name, err)
		}
	}
	for k := range strings.SplitSeq(f.kind, ",") {
		switch k = strings.TrimSpace(k); {
		case k == "":
		case !slices.Contains(journalKinds(), k):
			return q, fmt.Errorf("--kind: there is no %q (kinds: %s)", k, strings.Join(journalKinds(), ", "))
		default:
			q.Kinds = append(q.Kinds, k)
		}
	}
	if f.limit < 0 {
		return q, errors.New("--limit takes a number from 0 on")
	}
	return q, nil
}

// print writes the entries.
func (f *journalFlags) print(ctx context.Context, p process, dir string, q journal.Query, loc *time.Location) error {
	r, err := journal.OpenReader(dir)
	if err != nil {
		return err
	}
	defer r.Close()
	out := bufio.NewWriter(p.stdout)
	most := q.Limit // 0 = all
	for printed := 0; ; {
		q.Limit = journal.MaxLimit
		if most > 0 {
			q.Limit = min(most-printed, journal.MaxLimit)
		}
		page, next, err := r.List(ctx, q)
		if err != nil {
			return errors.Join(out.Flush(), err)
		}
		for i := range page {
			if f.json {
				out.Write(page[i].AppendJSON(nil))
			} else {
				writeEntry(out, &page[i], loc)
			}
			if err := out.WriteByte('\n'); err != nil {
				return err // whoever reads has gone
			}
		}
		q.Cursor = next
		if printed += len(page); next == "" || printed == most {
			return out.Flush()
		}
	}
}

// writeEntry writes an entry as one line for people: when, what, where and the rest.
func writeEntry(w io.Writer, e *journal.Entry, loc *time.Location) {
	fmt.Fprintf(w, "%s  %-6d %-10s", e.At.In(loc).Format("2006-01-02 15:04:05.000"), e.ID, e.Kind)
	var said []string
	if e.Kind == journal.KindEvent {
		said = eventWords(e)
	} else {
		said = entryWords(e)
	}
	for _, s := range said {
		if s != "" {
			fmt.Fprintf(w, " %s", printable(s))
		}
	}
}

// eventWords says what an event is.
func eventWords(e *journal.Entry) []string {
	var ev struct {
		Kind, Name string
		On, Online *bool
		Plate      struct{ Number, Heading string }
		Alarm      *struct {
			Name string
			On   bool
		}
		Version, Text string
		Step          float64
		Value         json.RawMessage
	}
	if err := json.Unmarshal(e.Body, &ev); err != nil {
		return []string{string(e.Body)}
	}
	words := []string{ev.Kind, e.Camera, ev.Plate.Number, ev.Plate.Heading, ev.Name, ev.Version, string(ev.Value)}
	switch {
	case ev.Kind == "camera" && ev.Text != "":
		words = append(words, ev.Text)
	case ev.Alarm != nil:
		words = append(words, ev.Alarm.Name, onOff(ev.Alarm.On))
	case ev.On != nil:
		words = append(words, onOff(*ev.On))
	case ev.Online != nil && *ev.Online:
		words = append(words, "online")
	case ev.Online != nil:
		words = append(words, "offline")
	case ev.Kind == "clock":
		words = append(words, "set by "+strconv.FormatFloat(ev.Step, 'f', 3, 64)+" s")
	}
	return words
}

// entryWords says what any other entry is.
func entryWords(e *journal.Entry) []string {
	var b struct {
		Type, Step, Outcome, Reason, Cause, Fault, Error, Detail, Rules, Who, From string
		On, Loaded, OK                                                             *bool
		Took                                                                       float64
		Tries, Dropped                                                             int
		Problems                                                                   []string
	}
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return []string{string(e.Body)}
	}
	var words []string
	if e.Kind == journal.KindRelay {
		words = append(words, e.Relay)
	}
	if b.On != nil {
		words = append(words, "is "+onOff(*b.On))
	}
	if b.Type == "end" {
		words = append(words, "end of")
	}
	if e.Rule != "" {
		words = append(words, strconv.Quote(e.Rule))
	}
	if e.Key != "" {
		words = append(words, "for "+e.Key)
	}
	if b.Step != "" {
		words = append(words, "· "+b.Step+":", b.Outcome)
	}
	switch {
	case b.Loaded != nil && *b.Loaded:
		words = append(words, "rules loaded, set "+short(b.Rules))
	case b.Loaded != nil:
		words = append(words, "rules did not load, set "+short(b.Rules)+" stays: "+strings.Join(b.Problems, "; "))
	case b.OK != nil:
		words = append(words, loginText(*b.OK, b.Type, b.Who, b.From, b.Detail))
	}
	for _, s := range []string{b.Reason, b.Cause} {
		if s != "" {
			words = append(words, "("+s+")")
		}
	}
	if b.Fault != "" {
		words = append(words, "fault: "+b.Fault)
	}
	if b.Tries > 1 {
		words = append(words, "after "+strconv.Itoa(b.Tries)+" tries")
	}
	words = append(words, b.Error)
	if b.Dropped > 0 {
		words = append(words, "("+strconv.Itoa(b.Dropped)+")")
	}
	if e.Kind == journal.KindError && b.Detail != "" {
		words = append(words, b.Detail)
	}
	return words
}

// verify says whether the journal is as it was written.
func (f *journalFlags) verify(ctx context.Context, p process, dir string) int {
	o := journal.VerifyOptions{Images: f.images}
	if f.head != "" {
		h, err := journal.ParseHead(f.head)
		if err != nil {
			p.errorf("journal: --head: %v", err)
			return exitUsage
		}
		o.Noted = &h
	}
	shown := false
	if terminal(p.stderr) {
		o.Progress = func(n int64) {
			shown = true
			fmt.Fprintf(p.stderr, "\r%s", entries(n))
		}
	}
	r, err := journal.Verify(ctx, dir, o)
	if shown {
		fmt.Fprint(p.stderr, "\r\x1b[K")
	}
	if err != nil {
		return p.errorf("journal: %v", err)
	}
	if r.Reason != "" {
		return p.errorf("journal: %s", r.Reason)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "ok: %s", entries(r.Entries))
	if r.Entries > 0 {
		fmt.Fprintf(&b, ", %d to %d", r.First, r.Last)
	}
	if r.Anchor.ID != 0 {
		fmt.Fprintf(&b, "; anchor %s", r.Anchor)
	}
	if r.Head.ID != 0 {
		fmt.Fprintf(&b, "; head %s", r.Head)
	}
	if f.images {
		fmt.Fprintf(&b, "; %s, %d no longer there", count(int(r.Images), "picture"), r.NoImages)
	}
	if o.Noted != nil {
		b.WriteString("; the noted head is there")
	}
	fmt.Fprintf(p.stdout, "%s\n", b.String())
	return exitOK
}

// entries is a number of entries.
func entries(n int64) string {
	if n == 1 {
		return "1 entry"
	}
	return strconv.FormatInt(n, 10) + " entries"
}

// terminal says whether somebody looks on.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
