//go:build unix

package main

import (
	"os"
	"syscall"
)

// giveToOwner gives a file to the owner of its folder when root wrote it: what a person
// set up as root in the data folder, the service must be able to read.
func giveToOwner(f *os.File, dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Uid != 0 {
		return f.Chown(int(s.Uid), int(s.Gid))
	}
	return nil
}
