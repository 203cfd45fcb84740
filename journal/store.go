package journal

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"modernc.org/sqlite"
)

// database is the file below the data folder.
const database = "journal.db"

// What a database of ours says of itself.
const (
	applicationID = 0x53505254
	version       = 1
)

// spanBits is how many bits of an id count within a span.
const spanBits = 10

// schema makes an empty database ours. Spans hold the earliest and latest time of
// 1024 ids each, so that a time is found whatever the clock did meanwhile; the
// state holds the anchor of the chain.
const schema = `
CREATE TABLE entries (
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, camera TEXT NOT NULL, rule TEXT NOT NULL, key TEXT NOT NULL,
  relay TEXT NOT NULL, plate TEXT NOT NULL, event INTEGER NOT NULL, firing INTEGER NOT NULL, body TEXT NOT NULL, images TEXT NOT NULL,
  hash BLOB NOT NULL
) STRICT;
CREATE INDEX by_kind ON entries(kind);
CREATE INDEX by_camera ON entries(camera) WHERE camera <> '';
CREATE INDEX by_rule ON entries(rule) WHERE rule <> '';
CREATE INDEX by_relay ON entries(relay) WHERE relay <> '';
CREATE INDEX by_plate ON entries(plate) WHERE plate <> '';
CREATE INDEX by_firing ON entries(firing) WHERE firing <> 0;
CREATE TABLE spans (block INTEGER PRIMARY KEY, low INTEGER NOT NULL, high INTEGER NOT NULL) STRICT;
CREATE TABLE state (name TEXT PRIMARY KEY, id INTEGER NOT NULL, at INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, lane TEXT NOT NULL, verb TEXT NOT NULL, fold TEXT NOT NULL, body BLOB NOT NULL,
  rule TEXT NOT NULL, key TEXT NOT NULL, step TEXT NOT NULL, firing INTEGER NOT NULL, created INTEGER NOT NULL, due INTEGER NOT NULL,
  expires INTEGER NOT NULL, tries INTEGER NOT NULL, next INTEGER NOT NULL, reason TEXT NOT NULL
) STRICT;
`

// link is one end of the chain.
type link struct {
	id   int64
	at   int64 // microseconds
	hash [32]byte
}

// head is the link for others; the zero Head when there is none.
func (l link) head() Head {
	if l.id == 0 {
		return Head{}
	}
	return Head{ID: l.id, Hash: hex.EncodeToString(l.hash[:]), At: time.UnixMicro(l.at).UTC()}
}

// store is the open database. Only the writer uses it.
type store struct {
	dir     string
	db      *sql.DB
	conn    *sql.Conn
	insert  *sql.Stmt
	info    os.FileInfo // of the file that is open
	head    link
	parcels int
}

// setAside is a database that was put out of the way.
type setAside struct {
	file  string // its new name
	err   error  // why
	saved int    // parcels that were taken over
}

// body makes the body of the entry that tells of it.
func (s *setAside) body() []byte {
	b, err := json.Marshal(struct {
		Error string `json:"error"`
		File  string `json:"file"`
		Saved int    `json:"steps_saved"`
	}{"the journal was damaged and begins anew: " + s.err.Error(), filepath.Base(s.file), s.saved})
	if err != nil {
		return nil
	}
	return b
}

// errForeign says that a database is not one of ours.
var errForeign = errors.New("it is not a journal of this program")

// openStore opens the database of a folder, or begins one. One that is damaged is
// set aside when that is allowed.
func openStore(dir string, now time.Time, mayAside bool) (*store, *setAside, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, nil, err
	}
	s, err := tryStore(dir)
	if err == nil || !damaged(err) || !mayAside {
		return s, nil, plain(dir, err)
	}
	bad, parcels, aerr := putAside(dir, now, err)
	if aerr != nil {
		return nil, nil, errors.Join(err, aerr)
	}
	if s, err = tryStore(dir); err != nil {
		return nil, bad, err
	}
	if err := s.takeOver(parcels); err != nil {
		return nil, bad, errors.Join(err, s.close())
	}
	bad.saved = s.parcels
	return s, bad, nil
}

// damaged tells a database that will never do from a disk that does not do now.
func damaged(err error) bool {
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() & 0xff {
		case 11, 26: // SQLITE_CORRUPT, SQLITE_NOTADB
			return true
		}
	}
	return errors.Is(err, errForeign)
}

// errDiskFull says so in fewer words than SQLite.
var errDiskFull = errors.New("the disk is full")

// plain puts in plain words what SQLite says of a disk.
func plain(dir string, err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case 13: // SQLITE_FULL
		return errDiskFull
	case 8, 14: // SQLITE_READONLY, SQLITE_CANTOPEN
		f, oerr := os.OpenFile(filepath.Join(dir, database), os.O_RDWR, 0)
		if oerr != nil {
			return oerr // it says why
		}
		return errors.Join(err, f.Close())
	}
	return err
}

// putAside renames the database and what belongs to it, and gives the parcels that
// can still be read.
func putAside(dir string, now time.Time, why error) (*setAside, []Parcel, error) {
	file := filepath.Join(dir, database)
	parcels := salvage(dir)
	base := file + ".bad-" + now.UTC().Format("20060102T150405Z")
	bad := base
	for n := 2; ; n++ {
		if _, err := os.Lstat(bad); errors.Is(err, fs.ErrNotExist) {
			break
		}
		bad = base + "-" + strconv.Itoa(n)
	}
	for _, tail := range []string{"-shm", "-wal", ""} {
		if err := os.Rename(file+tail, bad+tail); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
	}
	return &setAside{file: bad, err: why}, parcels, nil
}

// salvage reads the parcels of a damaged database, as far as that goes.
func salvage(dir string) []Parcel {
	if info, err := os.Stat(filepath.Join(dir, database)); err != nil || !info.Mode().IsRegular() {
		return nil // to open a pipe would wait for ever
	}
	db, err := sql.Open("sqlite", dsn(dir, "mode=ro"))
	if err != nil {
		return nil
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	parcels, _ := readParcels(context.Background(), db) // what was read up to the damage counts
	return parcels
}

// takeOver puts the parcels of a damaged database into this one.
func (s *store) takeOver(parcels []Parcel) error {
	batch := make([]*op, 0, len(parcels))
	for i := range parcels {
		batch = append(batch, &op{put: &parcels[i]})
	}
	for part := range slices.Chunk(batch, maxBatch) {
		if _, err := s.write(part, false); err != nil {
			return err
		}
	}
	return nil
}

// dsn names the database for the driver.
func dsn(dir, query string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(dir, database)), RawQuery: query}
	return u.String()
}

// tryStore opens the database as it is.
func tryStore(dir string) (_ *store, err error) {
	file := filepath.Join(dir, database)
	switch info, err := os.Stat(file); {
	case errors.Is(err, fs.ErrNotExist):
		// It is made here because SQLite would let everybody read it.
		f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o640)
		if err != nil {
			return nil, err
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: %w", file, errForeign)
	}
	// A commit is as safe with it, and takes half the time on a card.
	if _, err := sqlite.Fdatasync(true); err != nil && !errors.Is(err, sqlite.ErrFdatasyncUnavailable) {
		return nil, err
	}
	// With synchronous=FULL every commit is on the disk before it returns.
	db, err := sql.Open("sqlite", dsn(dir, "mode=rw&_busy_timeout=1000&_auto_vacuum=INCREMENTAL&_journal_mode=WAL&_synchronous=FULL&_defensive=1&_pragma=secure_delete(FAST)&_pragma=journal_size_limit(8388608)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	s := &store{dir: dir, db: db}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.conn, err = db.Conn(context.Background()); err != nil {
		return nil, err
	}
	if err := s.begin(); err != nil {
		return nil, err
	}
	if s.info, err = os.Stat(file); err != nil {
		return nil, err
	}
	if s.head, err = readHead(context.Background(), s.conn); err != nil {
		return nil, err
	}
	if err := s.one("SELECT count(*) FROM outbox", &s.parcels); err != nil {
		return nil, err
	}
	s.insert, err = s.conn.PrepareContext(context.Background(), `INSERT INTO entries VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)`)
	return s, err
}

// begin makes an empty database ours, and refuses one that is not.
func (s *store) begin() error {
	var app, ver, tables int64
	for _, p := range []struct {
		query string
		into  *int64
	}{{"PRAGMA application_id", &app}, {"PRAGMA user_version", &ver}, {"SELECT count(*) FROM sqlite_schema", &tables}} {
		if err := s.one(p.query, p.into); err != nil {
			return err
		}
	}
	switch {
	case app == applicationID && ver == version:
		return s.exec(keptTable) // an older program made none
	case app == applicationID && ver > version:
		return fmt.Errorf("%w: it was written by a later version", errForeign)
	case app != 0 || ver != 0 || tables != 0:
		return errForeign
	}
	return s.exec(fmt.Sprintf("BEGIN IMMEDIATE; %s %s; PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT", schema, keptTable, applicationID, version))
}

func (s *store) exec(query string, args ...any) error {
	_, err := s.conn.ExecContext(context.Background(), query, args...)
	return err
}

func (s *store) one(query string, into ...any) error {
	return s.conn.QueryRowContext(context.Background(), query).Scan(into...)
}

// close closes the database; a part of it that was never opened is nil.
func (s *store) close() error {
	var errs []error
	if s.insert != nil {
		errs = append(errs, s.insert.Close())
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	return errors.Join(append(errs, s.db.Close())...)
}

// errGone says that the folder was removed or replaced under the open database. What
// would be written to it nobody could read.
var errGone = errors.New("journal.db was removed or replaced while it was written")

// there says whether the open database is still the file of that name.
func (s *store) there() error {
	now, err := os.Stat(filepath.Join(s.dir, database))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case os.SameFile(now, s.info):
		return nil
	}
	// At its close SQLite would remove the -wal by its name: that of another database.
	return errors.Join(errGone, s.conn.Raw(func(c any) error {
		if fc, ok := c.(sqlite.FileControl); ok {
			_, err := fc.FileControlPersistWAL("main", 1)
			return err
		}
		return nil
	}))
}

// size is what the database takes on the disk, in bytes.
func (s *store) size() int64 { return sizeOf(s.dir) }

func sizeOf(dir string) int64 {
	var n int64
	for _, tail := range []string{"", "-wal", "-shm"} {
		if info, err := os.Stat(filepath.Join(dir, database+tail)); err == nil {
			n += info.Size()
		}
	}
	return n
}

// querier is a database or one connection of it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// readHead reads the last entry, or the anchor when there is none.
func readHead(ctx context.Context, q querier) (link, error) {
	l, ok, err := readLink(q.QueryRowContext(ctx, "SELECT id, at, hash FROM entries ORDER BY id DESC LIMIT 1"))
	if err != nil || ok {
		return l, err
	}
	return readAnchor(ctx, q)
}

// readAnchor reads the last entry that retention removed; the zero link when it
// removed none.
func readAnchor(ctx context.Context, q querier) (link, error) {
	l, _, err := readLink(q.QueryRowContext(ctx, "SELECT id, at, hash FROM state WHERE name = 'anchor'"))
	return l, err
}

func readLink(row *sql.Row) (l link, ok bool, err error) {
	var hash []byte
	err = row.Scan(&l.id, &l.at, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return link{}, false, nil
	}
	copy(l.hash[:], hash)
	return l, err == nil, err
}

// written is what became of a batch.
type written struct {
	written int64
	lost    int64 // entries that had no place in the chain any more
	lostAt  time.Time
	refused map[int]error // by place in the batch: parcels that were not taken
}

// write writes a batch as one transaction. With nothing to write it does nothing,
// unless it is to show that it could.
func (s *store) write(batch []*op, probe bool) (res written, err error) {
	if !probe && !slices.ContainsFunc(batch, func(o *op) bool { return !o.probe }) {
		return res, nil
	}
	if err := s.there(); err != nil {
		return res, err
	}
	if err := s.exec("BEGIN IMMEDIATE"); err != nil {
		return res, err
	}
	head, parcels := s.head, s.parcels
	defer func() {
		if err != nil {
			s.head, s.parcels = head, parcels
			_ = s.exec("ROLLBACK") // the first error says more
		}
	}()
	spans := newSpans()
	res.refused = make(map[int]error)
	for i, o := range batch {
		switch {
		case o.entry != nil:
			err = s.writeEntry(o.entry, spans, &res)
		case o.put != nil:
			var refused error
			if refused, err = s.writeParcel(o.put); refused != nil {
				res.refused[i] = refused
			}
		case o.update != nil:
			p := o.update
			err = s.exec("UPDATE outbox SET tries = ?, next = ?, reason = ? WHERE id = ?", p.Tries, micro(p.Next), p.Reason, p.ID)
		case o.remove != "":
			err = s.removeParcel(o.remove)
		}
		if err != nil {
			return res, err
		}
	}
	for _, b := range spans.order {
		l := spans.of[b]
		if err := s.exec("INSERT INTO spans VALUES (?,?,?) ON CONFLICT(block) DO UPDATE SET low = min(low, excluded.low), high = max(high, excluded.high)", b, l[0], l[1]); err != nil {
			return res, err
		}
	}
	if probe {
		if err := s.exec("INSERT INTO state VALUES ('probe', 1, 0, x'') ON CONFLICT(name) DO UPDATE SET id = id + 1"); err != nil {
			return res, err
		}
	}
	return res, s.exec("COMMIT")
}

// writeEntry adds an entry to the end of the chain. One that was written already, by
// a commit that seemed to fail, is left as it is; one whose place is taken is lost.
func (s *store) writeEntry(e *Entry, spans *spans, res *written) error {
	at := e.At.UnixMicro()
	if e.ID <= s.head.id {
		var there int64
		err := s.conn.QueryRowContext(context.Background(), "SELECT count(*) FROM entries WHERE id = ? AND at = ? AND kind = ?", e.ID, at, e.Kind).Scan(&there)
		if err == nil && there == 0 {
			res.lost++
			res.lostAt = e.At
		}
		return err
	}
	images := encodeImages(e.Images)
	hash := chain(s.head.hash, e, at, images)
	_, err := s.insert.ExecContext(context.Background(), e.ID, at, e.Kind, e.Camera, e.Rule, e.Key, e.Relay, e.Plate, e.Event, e.Firing, string(e.Body), images, hash[:])
	if err != nil {
		return err
	}
	s.head = link{id: e.ID, at: at, hash: hash}
	res.written++
	spans.add(e.ID, at)
	return nil
}

// spans collects the earliest and latest time of blocks of ids.
type spans struct {
	of    map[int64][2]int64
	order []int64
}

func newSpans() *spans { return &spans{of: make(map[int64][2]int64)} }

func (s *spans) add(id, at int64) {
	b := id >> spanBits
	l, ok := s.of[b]
	if !ok {
		s.order = append(s.order, b)
		l = [2]int64{at, at}
	}
	s.of[b] = [2]int64{min(l[0], at), max(l[1], at)}
}

// micro is a time as it is stored; 0 for the zero time.
func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// timeOf is a stored time.
func timeOf(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
