package segment

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Part is one segment of a folder, for those who read it from its end.
type Part struct {
	Name  string
	First time.Time // its first line's
	Size  int64     // bytes on the disk
}

// Parts gives the segments of a folder in the order in which they were written; none
// when there is no such folder.
func Parts(dir string) ([]Part, error) {
	all, err := list(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	parts := make([]Part, 0, len(all))
	for _, n := range all {
		info, err := os.Stat(filepath.Join(dir, n.String()))
		if err != nil {
			continue // retention has removed it meanwhile
		}
		parts = append(parts, Part{n.String(), n.first, info.Size()})
	}
	return parts, nil
}

// ReadPart gives the lines of one segment in their order, without their ends; each is
// good until the call returns. An error of each ends the read and is given back. What
// is damaged, and one that is not there any more, is passed over.
func ReadPart(ctx context.Context, dir, name string, each func(at time.Time, text []byte) error) error {
	n, ok := parseName(name)
	if !ok {
		return nil
	}
	var u unpacker
	var buf []byte
	return members(ctx, filepath.Join(dir, n.String()), 0, func(m *member) (bool, error) {
		if cap(buf) < m.header.size {
			buf = make([]byte, m.header.size)
		}
		b := buf[:m.header.size]
		if _, err := m.file.ReadAt(b, m.offset); err != nil {
			return false, err
		}
		text, err := u.unpack(m.header, b)
		if err != nil {
			return true, nil
		}
		for _, at := range m.header.times {
			end := bytes.IndexByte(text, '\n')
			if err := each(moment(at), text[:end:end]); err != nil {
				return false, err
			}
			text = text[end+1:]
		}
		return true, nil
	})
}
