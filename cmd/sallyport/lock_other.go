//go:build !unix

package main

import "os"

// lockFile does nothing where the system has no lock of this kind.
func lockFile(*os.File) error { return nil }
