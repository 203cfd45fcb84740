package watch

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	// maxDepth is how many folders deep files are looked for.
	maxDepth = 4
	// maxFiles bounds the files that are looked at.
	maxFiles = 10_000
	// maxFolders bounds the folders that are watched.
	maxFolders = 500
	// maxBytes is how much of one file is read; of a longer one, its size and time stamp count too.
	maxBytes = 16 << 20
)

// ignored tells whether a file or folder of that name is none of ours.
func ignored(name string) bool {
	switch {
	case strings.HasPrefix(name, "."), strings.HasPrefix(name, "_"),
		strings.HasSuffix(name, "~"), strings.HasSuffix(name, ".swp"), strings.HasSuffix(name, ".disabled"),
		strings.HasSuffix(name, "_test.yaml"), strings.HasSuffix(name, "_test.yml"):
		return true
	}
	return false
}

// considered tells whether a file of that name is a rule file or a list.
func considered(name string) bool {
	switch filepath.Ext(name) {
	case ".yaml", ".yml", ".csv", ".ics", ".txt":
		return !ignored(name)
	}
	return false
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// walk calls file for every file that counts, in the order of names, and folder for every folder that holds them;
// links are followed. It stops at the bounds. It returns an error of reading dir itself.
func walk(dir string, file func(path string, info os.FileInfo), folder func(path string)) error {
	files, folders := 0, 0
	var visit func(dir string, depth int) error
	visit = func(dir string, depth int) error {
		if folders++; folders > maxFolders {
			return nil
		}
		folder(dir)
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if ignored(e.Name()) {
				continue
			}
			path := filepath.Join(dir, e.Name())
			// Most entries need no Stat: a plain file of another kind is nothing to us.
			if e.Type().IsRegular() && !considered(e.Name()) {
				continue
			}
			info, err := os.Stat(path)
			if err != nil {
				continue // gone since, or a link to nowhere: the same as not there
			}
			switch {
			case info.IsDir() && depth < maxDepth:
				// A folder that cannot be read counts as empty.
				_ = visit(path, depth+1)
			case info.Mode().IsRegular() && considered(e.Name()):
				if files++; files <= maxFiles {
					file(path, info)
				}
			}
		}
		return nil
	}
	return visit(dir, 0)
}

// hash is a digest of the names and contents of all files; equal when nothing that counts has changed.
func hash(dir string) string {
	h := sha256.New()
	err := walk(dir, func(path string, info os.FileInfo) {
		fmt.Fprintf(h, "%q %d\n", path, info.Size())
		if info.Size() > maxBytes {
			fmt.Fprintf(h, "%d\n", info.ModTime().UnixNano())
		}
		f, err := os.Open(path)
		if err != nil {
			fmt.Fprintf(h, "unreadable\n")
			return
		}
		defer f.Close()
		n, err := io.Copy(h, io.LimitReader(f, maxBytes))
		fmt.Fprintf(h, "\n%d %t\n", n, err == nil)
	}, func(string) {})
	if err != nil {
		return "no folder"
	}
	return hex.EncodeToString(h.Sum(nil))
}

// stampOf is like hash, by sizes and time stamps alone: cheap enough to be asked several times a second.
func stampOf(dir string) string {
	h := sha256.New()
	err := walk(dir, func(path string, info os.FileInfo) {
		fmt.Fprintf(h, "%q %d %d\n", path, info.Size(), info.ModTime().UnixNano())
	}, func(string) {})
	if err != nil {
		return "no folder"
	}
	return hex.EncodeToString(h.Sum(nil))
}

// foldersOf are the folders in which a change matters: those that hold files, and those in which the files really
// are when they are links.
func foldersOf(dir string) []string {
	var folders []string
	seen := make(map[string]bool)
	add := func(path string) {
		if !seen[path] && len(folders) < maxFolders {
			seen[path] = true
			folders = append(folders, path)
		}
	}
	_ = walk(dir, func(path string, _ os.FileInfo) {
		if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeSymlink == 0 {
			return
		}
		if target, err := filepath.EvalSymlinks(path); err == nil {
			add(filepath.Dir(target))
		}
	}, func(path string) {
		if exists(path) {
			add(path)
		}
	})
	return folders
}

// above are the folders over dir, the nearest first.
func above(dir string) []string {
	var folders []string
	for {
		parent := filepath.Dir(dir)
		if parent == dir {
			return folders
		}
		folders = append(folders, parent)
		dir = parent
	}
}
