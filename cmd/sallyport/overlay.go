package main

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// overlaid is a folder with some files in place of its own; nil is a file that is not there.
type overlaid struct {
	base  fs.FS
	files map[string][]byte
}

// Open opens a file or a folder.
func (o overlaid) Open(name string) (fs.File, error) {
	data, ok := o.files[name]
	switch {
	case !ok:
		return o.base.Open(name)
	case data == nil:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &memFile{memInfo{path.Base(name), int64(len(data))}, bytes.NewReader(data)}, nil
}

// Stat tells of a file without opening it: to open a pipe would wait for ever.
func (o overlaid) Stat(name string) (fs.FileInfo, error) {
	data, ok := o.files[name]
	switch {
	case !ok:
		return fs.Stat(o.base, name)
	case data == nil:
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return memInfo{path.Base(name), int64(len(data))}, nil
}

// ReadDir lists a folder, in name order.
func (o overlaid) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(o.base, name)
	if err != nil {
		return nil, err
	}
	for _, file := range slices.Sorted(maps.Keys(o.files)) {
		if path.Dir(file) != name {
			continue
		}
		all = slices.DeleteFunc(all, func(e fs.DirEntry) bool { return e.Name() == path.Base(file) })
		if data := o.files[file]; data != nil {
			all = append(all, fs.FileInfoToDirEntry(memInfo{path.Base(file), int64(len(data))}))
		}
	}
	slices.SortFunc(all, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return all, nil
}

// memFile is an open file in memory.
type memFile struct {
	info memInfo
	io.Reader
}

// Stat tells of the file.
func (f *memFile) Stat() (fs.FileInfo, error) { return f.info, nil }

// Close does nothing.
func (f *memFile) Close() error { return nil }

// memInfo is a file in memory.
type memInfo struct {
	name string
	size int64
}

// Name is the file's, without its folder.
func (i memInfo) Name() string { return i.name }

// Size is in bytes.
func (i memInfo) Size() int64 { return i.size }

// Mode is that of a regular file.
func (i memInfo) Mode() fs.FileMode { return 0o640 }

// ModTime is not known.
func (i memInfo) ModTime() time.Time { return time.Time{} }

// IsDir is false.
func (i memInfo) IsDir() bool { return false }

// Sys is nothing.
func (i memInfo) Sys() any { return nil }
