package segment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// ErrEmpty says that a folder holds no segments.
var ErrEmpty = errors.New("there is no recording")

// Info says what a read gave.
type Info struct {
	// Begin is when the first line was; zero when there was none.
	Begin time.Time
	// Snapshot says that the first line was a snapshot.
	Snapshot bool
	// Lines is how many were given, Within how many of them were not before since.
	Lines, Within int64
	// Torn are the places that could not be read and were passed over. The end of the
	// newest segment, which may be in the middle of being written, is none.
	Torn []Torn
}

// Torn is a part of a segment that could not be read: the power went while it was
// written, or the disk lost it.
type Torn struct {
	File  string
	Bytes int64
}

// Read gives the lines of a folder in the order in which they were added: from the
// nearest snapshot at or before since to the last line before one that is later than
// until. Without such a snapshot it begins at the oldest line; a zero since means
// the oldest line, a zero until the newest. It also works while a writer writes.
// The text has no line end and is good until each returns; an error of each ends the
// read and is given back. A folder without segments gives [ErrEmpty].
func Read(ctx context.Context, dir string, since, until time.Time, each func(text []byte) error) (Info, error) {
	var info Info
	all, err := list(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return info, err
	}
	if len(all) == 0 {
		return info, fmt.Errorf("%s: %w", dir, ErrEmpty)
	}
	at, err := start(ctx, dir, all, since)
	if err != nil {
		return info, err
	}
	last := int64(1<<63 - 1)
	if !until.IsZero() {
		last = nanos(until)
	}
	r := reading{ctx: ctx, info: &info, since: nanos(since), until: last, each: each}
	for i := at.segment; i < len(all) && !r.over; i++ {
		from := int64(0)
		if i == at.segment {
			from = at.offset
		}
		if err := r.segment(filepath.Join(dir, all[i].String()), from, i == len(all)-1); err != nil {
			return info, err
		}
	}
	return info, nil
}

// place is where a read begins.
type place struct {
	segment int
	offset  int64
}

// start finds the nearest snapshot at or before since. Segments are looked at from
// the one that began last before since; where the clock was wrong, that is not the
// order in which they were written.
func start(ctx context.Context, dir string, all []name, since time.Time) (place, error) {
	if since.IsZero() {
		return place{}, nil
	}
	order := make([]int, 0, len(all))
	for i := range all {
		if !all[i].first.After(since) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if c := all[b].first.Compare(all[a].first); c != 0 {
			return c
		}
		return b - a
	})
	for _, i := range order {
		best, at := int64(-1), int64(0)
		err := members(ctx, filepath.Join(dir, all[i].String()), 0, func(m *member) (bool, error) {
			if t := m.header.times[0]; m.header.snapshot && t <= nanos(since) && (best < 0 || t >= at) {
				best, at = m.offset, t
			}
			return true, nil
		})
		if err != nil {
			return place{}, err
		}
		if best >= 0 {
			return place{i, best}, nil
		}
	}
	return place{}, nil
}

// reading gives lines to each.
type reading struct {
	ctx          context.Context
	info         *Info
	since, until int64
	each         func(text []byte) error
	unpack       unpacker
	member       []byte
	over         bool
}

// segment reads one segment from an offset. One that retention has removed in the
// meantime has no lines.
func (r *reading) segment(path string, from int64, newest bool) error {
	good := from
	torn := int64(0)
	err := members(r.ctx, path, from, func(m *member) (bool, error) {
		torn += m.offset - good
		good = m.offset + int64(m.header.size)
		if cap(r.member) < m.header.size {
			r.member = make([]byte, m.header.size)
		}
		b := r.member[:m.header.size]
		if _, err := m.file.ReadAt(b, m.offset); err != nil {
			return false, err
		}
		text, err := r.unpack.unpack(m.header, b)
		if err != nil {
			torn += int64(m.header.size)
			return true, nil
		}
		return true, r.lines(m.header, text)
	})
	if err != nil && !errors.Is(err, errOver) {
		return err
	}
	if info, err := os.Stat(path); err == nil && !newest && !r.over {
		torn += info.Size() - good
	}
	if torn > 0 {
		r.info.Torn = append(r.info.Torn, Torn{filepath.Base(path), torn})
	}
	return nil
}

// errOver ends a segment in the middle.
var errOver = errors.New("over")

func (r *reading) lines(h header, text []byte) error {
	for _, at := range h.times {
		if at > r.until {
			r.over = true
			return errOver
		}
		end := bytes.IndexByte(text, '\n')
		if r.info.Lines == 0 {
			r.info.Begin, r.info.Snapshot = moment(at), h.snapshot
		}
		r.info.Lines++
		if at >= r.since {
			r.info.Within++
		}
		if err := r.each(text[:end:end]); err != nil {
			return err
		}
		text = text[end+1:]
	}
	return nil
}

// member is one member of a segment.
type member struct {
	file   io.ReaderAt
	offset int64
	header header
}

// members visits the whole members of a segment from an offset on, until visit says
// no. What is between them and no member is passed over.
func members(ctx context.Context, path string, from int64, visit func(*member) (bool, error)) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	buf := make([]byte, fixed+maxPayload)
	m := member{file: f, offset: from}
	for m.offset < size {
		if err := ctx.Err(); err != nil {
			return err
		}
		m.header, err = readHeader(f, m.offset, size, buf)
		switch {
		case errors.Is(err, errDamaged), errors.Is(err, io.ErrUnexpectedEOF):
			next, err := search(f, m.offset+1, size, buf)
			if err != nil || next < 0 {
				return err
			}
			m.offset = next
			continue
		case err != nil:
			return err
		}
		if more, err := visit(&m); err != nil || !more {
			return err
		}
		m.offset += int64(m.header.size)
	}
	return nil
}

// readHeader reads the header of a member that is whole in the file. Most are
// short: of a long one the rest is read after.
func readHeader(f io.ReaderAt, at, size int64, buf []byte) (header, error) {
	for n := min(512, len(buf)); ; n = len(buf) {
		got, err := f.ReadAt(buf[:min(int64(n), size-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return header{}, err
		}
		h, err := parseHeader(buf[:got])
		if errors.Is(err, io.ErrUnexpectedEOF) && got == n && n < len(buf) {
			continue
		}
		if err == nil && at+int64(h.size) > size {
			return h, io.ErrUnexpectedEOF
		}
		return h, err
	}
}

// search looks for the next whole member; -1 when there is none.
func search(f io.ReaderAt, from, size int64, buf []byte) (int64, error) {
	window := make([]byte, batch)
	for from < size {
		got, err := f.ReadAt(window[:min(int64(len(window)), size-from)], from)
		if err != nil && !errors.Is(err, io.EOF) {
			return -1, err
		}
		i := bytes.Index(window[:got], []byte(head))
		if i < 0 {
			if from+int64(got) >= size || got <= len(head) {
				return -1, nil
			}
			from += int64(got - len(head) + 1)
			continue
		}
		from += int64(i)
		if _, err := readHeader(f, from, size, buf); err == nil {
			return from, nil
		} else if !errors.Is(err, errDamaged) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return -1, err
		}
		from++
	}
	return -1, nil
}
