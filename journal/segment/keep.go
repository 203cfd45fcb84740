package segment

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// list gives the segments of a folder in the order in which they were written.
// Other files are passed over.
func list(dir string) ([]name, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []name
	for _, e := range entries {
		if n, ok := parseName(e.Name()); ok && e.Type().IsRegular() {
			all = append(all, n)
		}
	}
	slices.SortFunc(all, func(a, b name) int { return strings.Compare(a.String(), b.String()) })
	return all, nil
}

func parseName(s string) (name, bool) {
	parts := strings.SplitN(strings.TrimSuffix(s, ending), "-", 3)
	if len(parts) != 3 {
		return name{}, false
	}
	number, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return name{}, false
	}
	first, err := time.Parse(nameStamp, parts[1])
	n := name{number, first, parts[2]}
	return n, err == nil && n.String() == s // so that it names the same file again
}

// Size is how many bytes the segments have on the disk.
func (w *Writer) Size() (int64, error) { return Size(w.cfg.Dir) }

// Size is how many bytes the segments of a folder have; 0 when there is none.
func Size(dir string) (int64, error) {
	all, err := list(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	var sum int64
	for _, n := range all {
		if info, err := os.Stat(filepath.Join(dir, n.String())); err == nil {
			sum += info.Size()
		}
	}
	return sum, err
}

// Expire removes the oldest segments as far as they hold nothing from before or
// later, never the one being written. It gives the number of removed ones.
func (w *Writer) Expire(ctx context.Context, before time.Time) (int, error) {
	return w.remove(ctx, func(all []name, _ int64) bool {
		end := all[0].first
		if len(all) == 1 {
			info, err := os.Stat(filepath.Join(w.cfg.Dir, all[0].String()))
			if err == nil {
				end = info.ModTime()
			}
		} else if all[1].first.After(end) { // else the clock went back in between
			end = all[1].first
		}
		return end.Before(before)
	})
}

// Shrink removes the oldest segments until all of them have at most that many
// bytes, never the one being written. It gives the number of removed ones.
func (w *Writer) Shrink(ctx context.Context, bytes int64) (int, error) {
	return w.remove(ctx, func(_ []name, size int64) bool { return size > bytes })
}

// remove removes the oldest segment as long as want says so.
func (w *Writer) remove(ctx context.Context, want func(all []name, size int64) bool) (int, error) {
	all, err := list(w.cfg.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	size, err := w.Size()
	if err != nil {
		return 0, err
	}
	for removed := 0; ; removed++ {
		if len(all) == 0 || !want(all, size) {
			return removed, nil
		}
		if err := ctx.Err(); err != nil {
			return removed, err
		}
		file := all[0].String()
		w.mu.Lock()
		open := w.open
		w.mu.Unlock()
		if file == open {
			return removed, nil
		}
		path := filepath.Join(w.cfg.Dir, file)
		info, err := os.Stat(path)
		if err == nil {
			err = os.Remove(path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return removed, err
		}
		if info != nil {
			size -= info.Size()
		}
		all = all[1:]
	}
}
