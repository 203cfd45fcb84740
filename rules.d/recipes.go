// Package recipes holds the shipped rule files, so that the program has them with it.
package recipes

import (
	"embed"
	"io/fs"
)

//go:embed *.yaml
var files embed.FS

// Files are the rule files of this folder, with their tests.
func Files() fs.FS { return files }
