package main

import (
	"context"
	"fmt"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine/rulefile"
)

// runCheck is `sallyport check`: the site file and the rules, all problems at once.
func runCheck(_ context.Context, p process, args []string) int {
	var sf siteFlags
	fs := p.flags("check")
	sf.add(fs)
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if !noArgs(fs, rest) {
		return exitUsage
	}
	failed := false
	file := sf.siteFile()
	var site *config.Site
	if file != "" {
		var problems []config.Problem
		site, problems = config.Load(file)
		failed = printSiteProblems(p.stderr, problems)
		if site == nil {
			return exitError
		}
	}
	dir := sf.rulesDir(file)
	rules, problems := rulefile.Load(dir, ruleSite(site))
	failed = printRuleProblems(p.stderr, problems) || failed
	if failed {
		return exitError
	}
	fmt.Fprintf(p.stdout, "%s: %s, %s: ok\n", dir, count(len(rules.Rules), "rule"), count(len(rules.Zones), "zone"))
	return exitOK
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
