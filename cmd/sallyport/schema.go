package main

import (
	"context"
	"fmt"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine/rulefile"
)

// runSchema is `sallyport schema`: what editors need to complete and underline rule
// and site files.
func runSchema(_ context.Context, p process, args []string) int {
	fs := p.flags("schema")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if len(rest) != 1 {
		fs.Usage()
		return exitUsage
	}
	var text []byte
	switch rest[0] {
	case "rules":
		text = rulefile.Schema()
	case "site":
		text = config.Schema()
	default:
		fmt.Fprintf(p.stderr, "sallyport schema: there is a schema of rules and one of site, not of %q\n", rest[0])
		return exitUsage
	}
	if _, err := p.stdout.Write(text); err != nil {
		return p.errorf("schema: %v", err)
	}
	return exitOK
}
