//go:build !unix

package program

import "os/exec"

func ownGroup(*exec.Cmd) {}

// killGroup kills the program only: there are no process groups here.
func killGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }
