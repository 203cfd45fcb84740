//go:build !linux

package main

import (
	"errors"
	"os"
)

// hideTyping is not known here.
func hideTyping(*os.File) (show func(), err error) {
	return nil, errors.New("a password that is typed would be shown on this system: pipe it in")
}
