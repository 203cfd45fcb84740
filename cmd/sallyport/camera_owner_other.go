//go:build !unix

package main

import "os"

// keepOwner does nothing: the folder decides.
func keepOwner(*os.File, os.FileInfo) error { return nil }
