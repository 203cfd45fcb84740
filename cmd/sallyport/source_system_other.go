//go:build !linux

package main

// diskSpace cannot be asked here.
func diskSpace(string) (free, total uint64) { return 0, 0 }
