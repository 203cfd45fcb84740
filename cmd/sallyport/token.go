package main

import (
	"context"
	"flag"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/web"
)

// tokenGroup is `sallyport token`.
func tokenGroup() group {
	return group{name: "token", parts: func() []command {
		return []command{
			{"add", "NAME --scope read|operate|edit [--expires 90d] [-c sallyport.yaml]", "make a token for a script; it is shown once", runTokenAdd},
			{"list", "[-c sallyport.yaml]", "the tokens that there are", runTokenList},
			{"remove", "ID [-c sallyport.yaml]", "remove a token; it does not let anybody in from then on", runTokenRemove},
		}
	}}
}

// tokenFlags parses the flags of a part of `token`, which wants so many arguments.
func tokenFlags(p process, name, wants string, args []string, more func(*flag.FlagSet)) (accounts *accountStore, rest []string, code int) {
	var sf siteFlags
	fs := tokenGroup().flags(p, name)
	sf.addSite(fs)
	if more != nil {
		more(fs)
	}
	rest, code, ok := parse(fs, args)
	if !ok {
		return nil, nil, code
	}
	if wants == "" && !noArgs(fs, rest) {
		return nil, nil, exitUsage
	}
	if wants != "" && len(rest) != 1 {
		fmt.Fprintf(fs.Output(), "%s: wants %s, got %q\n", fs.Name(), wants, rest)
		return nil, nil, exitUsage
	}
	accounts, code = p.openAccounts(sf, "token "+name)
	return accounts, rest, code
}

func runTokenAdd(_ context.Context, p process, args []string) int {
	var scope, expires string
	accounts, rest, code := tokenFlags(p, "add", "one name", args, func(fs *flag.FlagSet) {
		fs.StringVar(&scope, "scope", "", "what it lets a script do: `read`, operate or edit")
		fs.StringVar(&expires, "expires", "", "after what `time` it ends: 90d, 12h (default: never)")
	})
	if accounts == nil {
		return code
	}
	now := time.Now()
	var end time.Time
	if expires != "" {
		d, err := config.ParseDuration(expires)
		if err != nil {
			return p.errorf("token add: --expires: %v", err)
		}
		end = now.Add(d)
	}
	var secret string
	err := accounts.change(true, func(a *web.Accounts) (err error) {
		_, secret, err = a.AddToken(rest[0], web.Scope(scope), end, now)
		return err
	})
	if err != nil {
		return p.errorf("token add: %v", err)
	}
	fmt.Fprintln(p.stderr, "A script shows it as `Authorization: Bearer TOKEN`. It is not shown again:")
	fmt.Fprintln(p.stdout, secret)
	return exitOK
}

func runTokenList(_ context.Context, p process, args []string) int {
	accounts, _, code := tokenFlags(p, "list", "", args, nil)
	if accounts == nil {
		return code
	}
	tokens := accounts.current().Tokens
	if len(tokens) == 0 {
		fmt.Fprintln(p.stdout, "there are no tokens")
		return exitOK
	}
	day := func(t time.Time, none string) string {
		if t.IsZero() {
			return none
		}
		return t.Format(time.DateOnly)
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSCOPE\tMADE\tENDS\tLAST USED\tNAME")
	for _, t := range tokens {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Scope, day(t.Created, ""), day(t.Expires, "never"), day(t.Used, "never"), printable(t.Name))
	}
	if err := w.Flush(); err != nil {
		return p.errorf("token list: %v", err)
	}
	return exitOK
}

func runTokenRemove(_ context.Context, p process, args []string) int {
	accounts, rest, code := tokenFlags(p, "remove", "one id (`token list` shows them)", args, nil)
	if accounts == nil {
		return code
	}
	var t web.AccessToken
	err := accounts.change(true, func(a *web.Accounts) (err error) {
		t, err = a.RemoveToken(rest[0])
		return err
	})
	if err != nil {
		return p.errorf("token remove: %v", err)
	}
	fmt.Fprintf(p.stdout, "The token %s is removed.\n", printable(t.Name))
	return exitOK
}
