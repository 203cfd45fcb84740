//go:build race

package main

// raced says that the race detector is in: everything takes ten times as long.
const raced = true
