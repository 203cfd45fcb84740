//go:build ignore

// Summary reads what `go test -json` prints and prints what a person wants to
// know: a line a package, the whole story of what failed, and how many tests
// there were.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

func main() {
	output := make(map[string]*strings.Builder) // by package and test
	count := make(map[string]int)
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) == 0 && err != nil {
			break
		}
		var e event
		if json.Unmarshal(line, &e) != nil {
			os.Stdout.Write(line) // not of a test: what the go command says itself
			continue
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "build-output":
			fmt.Print(e.Output)
		case "output":
			if output[key] == nil {
				output[key] = new(strings.Builder)
			}
			output[key].WriteString(e.Output)
		case "pass", "fail", "skip":
			name := strings.TrimPrefix(e.Package, "github.com/sallyport/sallyport/")
			if e.Test != "" {
				count[e.Action]++
			}
			if b := output[key]; b != nil && e.Action == "fail" {
				fmt.Print(b)
			}
			if e.Test == "" && e.Action != "skip" {
				fmt.Printf("%-5s %-32s %6.1f s\n", e.Action, name, e.Elapsed)
			}
			delete(output, key)
		}
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", count["pass"], count["fail"], count["skip"])
}
