package main

import "syscall"

// diskSpace is how many bytes the disk of a folder has, and how many of them are free
// for the program; both 0 when that cannot be asked.
func diskSpace(dir string) (free, total uint64) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, 0
	}
	return st.Bavail * uint64(st.Bsize), st.Blocks * uint64(st.Bsize)
}
