package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/web"
)

// firstUser is whom `passwd` is about when nobody is named and there is nobody yet.
const firstUser = "admin"

// maxPasswordLine bounds a line that is read as a password, in bytes.
const maxPasswordLine = 4 << 10

// runPasswd is `sallyport passwd`.
func runPasswd(ctx context.Context, p process, args []string) int {
	var sf siteFlags
	fs := p.flags("passwd")
	sf.addSite(fs)
	role := fs.String("role", "", "what the user may do: `viewer`, operator or editor; needed for new users but the first, who is an editor")
	remove := fs.Bool("delete", false, "remove the user")
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if len(rest) > 1 {
		fmt.Fprintf(fs.Output(), "%s: wants one user, got %q\n", fs.Name(), rest)
		return exitUsage
	}
	if *remove && (*role != "" || len(rest) == 0) {
		fmt.Fprintf(fs.Output(), "%s: --delete wants the name of a user, and nothing else\n", fs.Name())
		return exitUsage
	}
	accounts, code := p.openAccounts(sf, "passwd")
	if accounts == nil {
		return code
	}
	var name string
	if len(rest) == 1 {
		name = rest[0]
	}
	if *remove {
		if err := accounts.change(true, func(a *web.Accounts) error { return a.RemoveUser(name) }); err != nil {
			return p.errorf("passwd: %v", err)
		}
		fmt.Fprintf(p.stdout, "%s is removed, and signed out.\n", name)
		return exitOK
	}
	name, as, err := whosePassword(accounts.current(), name, web.Role(*role))
	if err != nil {
		return p.errorf("passwd: %v", err)
	}
	password, err := p.newPassword(ctx, name)
	if err != nil {
		return p.errorf("passwd: %v", err)
	}
	hash, err := web.HashPassword(password)
	if err != nil {
		return p.errorf("passwd: %v", err)
	}
	first := false
	if err := accounts.change(true, func(a *web.Accounts) error {
		first = len(a.Users) == 0
		return a.SetUser(name, as, hash, "", time.Now())
	}); err != nil {
		return p.errorf("passwd: %v", err)
	}
	if first {
		fmt.Fprintf(p.stdout, "The password of %s is set. Everybody signs in to the console from now on.\n", name)
	} else {
		fmt.Fprintf(p.stdout, "The password of %s is set. Who was signed in as %s has to do so again.\n", name, name)
	}
	return exitOK
}

// openAccounts opens the accounts of the site; nil when there is a code to end with.
func (p process) openAccounts(sf siteFlags, command string) (*accountStore, int) {
	file := sf.siteFile()
	if file == "" {
		return nil, p.errorf("%s: %v", command, errNoSiteFile)
	}
	site, problems := config.Load(file)
	if config.Failed(problems) {
		printSiteProblems(p.stderr, problems)
		return nil, exitError
	}
	accounts, err := openAccounts(site.Data, slog.New(slog.NewTextHandler(p.stderr, nil)))
	if err != nil {
		return nil, p.errorf("%s: %v", command, err)
	}
	return accounts, exitOK
}

// whosePassword finds out whose password is to be set, and what the user may do from then on; an empty role is as before.
func whosePassword(a *web.Accounts, name string, role web.Role) (string, web.Role, error) {
	if name == "" {
		switch len(a.Users) {
		case 0:
			name = firstUser
		case 1:
			name = a.Users[0].Name
		default:
			var names []string
			for _, u := range a.Users {
				names = append(names, u.Name)
			}
			return "", "", fmt.Errorf("whose password? There are %s", strings.Join(names, ", "))
		}
	}
	if a.User(name) == nil && role == "" {
		if len(a.Users) > 0 {
			return "", "", fmt.Errorf("there is no user %q yet: say --role viewer, operator or editor", name)
		}
		role = web.RoleEditor
	}
	// What cannot be is said before a password is typed.
	return name, role, a.Clone().SetUser(name, role, "x", "", time.Time{})
}

// newPassword reads a password: twice from a terminal, which does not show it, and otherwise one line.
func (p process) newPassword(ctx context.Context, user string) (string, error) {
	if f, ok := p.stdin.(*os.File); ok && isTerminal(f) {
		first, err := p.hidden(ctx, f, "New password for "+user+": ")
		if err != nil {
			return "", err
		}
		second, err := p.hidden(ctx, f, "Once more: ")
		if err != nil {
			return "", err
		}
		if first != second {
			return "", errors.New("these were two different passwords; nothing is changed")
		}
		return first, nil
	}
	return passwordLine(p.stdin)
}

// hidden asks for a line on a terminal that does not show what is typed. A signal ends it with the terminal as it was.
func (p process) hidden(ctx context.Context, f *os.File, ask string) (string, error) {
	show, err := hideTyping(f)
	if err != nil {
		return "", err
	}
	defer fmt.Fprintln(p.stderr) // the line end that was typed was not shown either
	defer show()
	fmt.Fprint(p.stderr, ask)
	type line struct {
		text string
		err  error
	}
	typed := make(chan line, 1)
	go func() {
		text, err := passwordLine(f)
		typed <- line{text, err}
	}()
	select {
	case l := <-typed:
		return l.text, l.err
	case <-ctx.Done():
		return "", errors.New("nothing is changed")
	}
}

// passwordLine reads one line, and no more than it.
func passwordLine(r io.Reader) (string, error) {
	text, err := bufio.NewReaderSize(oneByOne{io.LimitReader(r, maxPasswordLine)}, 16).ReadString('\n')
	if err != nil && (!errors.Is(err, io.EOF) || text == "") {
		if errors.Is(err, io.EOF) {
			err = errors.New("there is no password on the standard input")
		}
		return "", err
	}
	return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"), nil
}

// oneByOne gives a byte at a time, so that what follows a line is left for the next one.
type oneByOne struct{ r io.Reader }

// Read reads one byte.
func (o oneByOne) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	return o.r.Read(b[:1])
}
