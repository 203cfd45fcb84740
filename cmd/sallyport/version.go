package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// runVersion is `sallyport version`.
func runVersion(_ context.Context, p process, args []string) int {
	fs := p.flags("version")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if !noArgs(fs, rest) {
		return exitUsage
	}
	fmt.Fprintln(p.stdout, versionText())
	return exitOK
}

// versionText is version, commit, Go and platform in one line.
func versionText() string {
	version, commit := buildVersion()
	return fmt.Sprintf("sallyport %s commit %s %s %s/%s", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// buildVersion is what the build says of itself.
func buildVersion() (version, commit string) {
	version, commit = "devel", "unknown"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version, commit
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		version = v
	}
	dirty := ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "+changes"
			}
		}
	}
	return version, commit + dirty
}
