package journal

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// imagesDir is the folder below the data folder with a folder a day (UTC).
	imagesDir = "images"
	// maxImage bounds one picture, in bytes.
	maxImage = 16 << 20
	day      = "2006-01-02"
)

// imageFile is where a picture of an entry is kept.
func imageFile(dir string, at time.Time, id int64, name string) string {
	return filepath.Join(dir, imagesDir, at.UTC().Format(day), strconv.FormatInt(id, 10)+"-"+name+".jpg")
}

// imageName says whether a picture may be called so.
func imageName(s string) bool {
	return s != "" && len(s) <= 16 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") == ""
}

// keepImage writes a picture and notes its size and hash, or why it is missing.
// The files are not forced to the disk: when the power goes the last ones may be
// gone, and their entries say what they were.
func keepImage(dir string, keep bool, e *Entry, m *Image) {
	bytes := m.Bytes
	m.Bytes, m.Size = nil, 0
	if m.Missing != "" {
		return
	}
	switch {
	case !imageName(m.Name):
		m.Name, m.Missing = "", "a picture must be named by small letters"
		return
	case !keep:
		m.Missing = "pictures are not kept"
		return
	case bytes == nil:
		m.Missing = "it was cut out"
		return
	}
	b, err := bytes()
	switch {
	case err != nil:
		m.Missing = "it cannot be decoded"
		return
	case len(b) == 0 || len(b) > maxImage:
		m.Missing = "its size is " + strconv.Itoa(len(b)) + " bytes"
		return
	}
	if err := writeImage(imageFile(dir, e.At, e.ID, m.Name), b); err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		m.Missing = cut(err.Error())
		return
	}
	sum := sha256.Sum256(b)
	m.Size, m.SHA256 = int64(len(b)), hex.EncodeToString(sum[:])
}

func writeImage(file string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return err
	}
	err := os.WriteFile(file, b, 0o640)
	if err != nil {
		err = errors.Join(err, os.Remove(file))
	}
	return err
}

// readImage reads a picture and compares it with what its entry says.
func readImage(dir string, e *Entry, m *Image) ([]byte, error) {
	if m.SHA256 == "" || !imageName(m.Name) {
		return nil, ErrNoImage
	}
	f, err := os.Open(imageFile(dir, e.At, e.ID, m.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoImage
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxImage+1))
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != m.SHA256 {
		return nil, errImageAltered
	}
	return b, nil
}

// errImageAltered says that a picture is not the one that was written.
var errImageAltered = errors.New("the picture was altered or is not whole")

// imageDays lists the days that have pictures, the oldest first.
func imageDays(dir string) ([]string, error) {
	list, err := os.ReadDir(filepath.Join(dir, imagesDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var days []string
	for _, d := range list {
		if _, err := time.Parse(day, d.Name()); err == nil && d.IsDir() {
			days = append(days, d.Name())
		}
	}
	return days, nil // ReadDir sorts
}

// expireImages removes the days that are wholly before a time.
func expireImages(ctx context.Context, dir string, before time.Time) error {
	days, err := imageDays(dir)
	for _, d := range days {
		began, perr := time.Parse(day, d)
		if perr != nil || began.AddDate(0, 0, 1).After(before) {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, imagesDir, d)))
	}
	return err
}

// picture is one file of a day.
type picture struct {
	name string
	id   int64
	size int64
}

// picturesOf lists a day's pictures, the oldest first.
func picturesOf(dir, d string) (list []picture, size int64, err error) {
	files, err := os.ReadDir(filepath.Join(dir, imagesDir, d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	for _, f := range files {
		info, ierr := f.Info()
		if ierr != nil || !info.Mode().IsRegular() {
			continue // it went meanwhile, or is none of ours
		}
		id, _, _ := strings.Cut(f.Name(), "-")
		n, perr := strconv.ParseInt(id, 10, 64)
		if perr != nil {
			continue
		}
		list = append(list, picture{f.Name(), n, info.Size()})
		size += info.Size()
	}
	slices.SortStableFunc(list, func(a, b picture) int { return cmp.Compare(a.id, b.id) })
	return list, size, err
}

// imageBytes is what all pictures take, in bytes.
func imageBytes(ctx context.Context, dir string) (int64, error) {
	days, err := imageDays(dir)
	var all int64
	for _, d := range days {
		_, n, derr := picturesOf(dir, d)
		all += n
		if err = errors.Join(err, derr, ctx.Err()); err != nil {
			return all, err
		}
	}
	return all, err
}

// shrinkImages removes the oldest pictures until all take at most a number of bytes.
func shrinkImages(ctx context.Context, dir string, bytes int64) error {
	all, err := imageBytes(ctx, dir)
	if err != nil || all <= bytes {
		return err
	}
	days, err := imageDays(dir)
	if err != nil {
		return err
	}
	for _, d := range days {
		list, _, err := picturesOf(dir, d)
		if err != nil {
			return err
		}
		for _, p := range list {
			if all <= bytes || ctx.Err() != nil {
				return ctx.Err()
			}
			if err := os.Remove(filepath.Join(dir, imagesDir, d, p.name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			all -= p.size
		}
		_ = os.Remove(filepath.Join(dir, imagesDir, d)) // it stays when something is in it
	}
	return nil
}
