package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine/rulefile"
)

// runCheck is `sallyport check`: the site file and the rules, all problems at once.
func runCheck(_ context.Context, p process, args []string) int {
	var sf siteFlags
	flags := p.flags("check")
	sf.add(flags)
	rest, code, ok := parse(flags, args)
	if !ok {
		return code
	}
	if !noArgs(flags, rest) {
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
	if site != nil {
		for _, text := range missingSecrets(site, p) {
			fmt.Fprintln(p.stderr, file+": warning: "+text)
		}
		if text := openToAll(site); text != "" {
			fmt.Fprintln(p.stderr, file+": warning: "+text)
		}
	}
	dir := sf.rulesDir(file)
	rules, problems := rulefile.Load(dir, ruleSite(site))
	failed = printRuleProblems(p.stderr, problems) || failed
	if failed {
		return exitError
	}
	if site != nil {
		fmt.Fprintf(p.stdout, "%s: %s, %s: ok\n", file, count(len(site.Cameras), "camera"), count(len(site.Relays), "relay"))
	}
	fmt.Fprintf(p.stdout, "%s: %s, %s: ok\n", dir, count(len(rules.Rules), "rule"), count(len(rules.Zones), "zone"))
	return exitOK
}

// missingSecrets says which passwords, tokens and secrets `run` would not find here.
func missingSecrets(site *config.Site, p process) []string {
	var missing []string
	for _, c := range site.Cameras {
		if _, err := c.Token.Value(p.getenv, os.ReadFile); err != nil {
			missing = append(missing, fmt.Sprintf("camera %q: token: %v", c.Name, err))
		}
		if c.URL == "" {
			continue
		}
		if _, err := c.Password.Value(p.getenv, os.ReadFile); err != nil {
			missing = append(missing, fmt.Sprintf("camera %q: password: %v", c.Name, err))
		}
	}
	for _, s := range site.Secrets {
		if _, err := s.Secret.Value(p.getenv, os.ReadFile); err != nil {
			missing = append(missing, fmt.Sprintf("secret %q: %v", s.Name, err))
		}
	}
	return missing
}

// openToAll says why `run` would not open a console to other machines here; empty when it would.
func openToAll(site *config.Site) string {
	if site.Listen.ConsoleOnLoopback() {
		return ""
	}
	accounts, err := openAccounts(site.Data, slog.New(slog.DiscardHandler))
	switch {
	case errors.Is(err, fs.ErrPermission): // whoever runs it may read what we may not
		return ""
	case err != nil:
		return err.Error()
	case len(accounts.current().Users) == 0:
		return fmt.Sprintf("listen.console: other machines can reach %q, and no password is set: `run` refuses to start until one is (sallyport passwd -c %s)", site.Listen.Console, site.File)
	}
	return ""
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
