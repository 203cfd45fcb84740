package main

import (
	"cmp"
	"time"

	"github.com/sallyport/sallyport/journal"
	"github.com/sallyport/sallyport/web"
)

// authSource is who may use the console.
func (s *source) authSource() web.AuthSource {
	tell := func(e web.AccountEvent) {
		if s.told != nil {
			s.told.login(s.instant(time.Now()).Wall, e)
		}
	}
	s.accounts.tellOutside(func(what string) {
		tell(web.AccountEvent{Type: "user", Who: "another program of this machine", OK: true, Detail: what})
	})
	return web.AuthSource{Accounts: s.accounts.current, Change: s.accounts.change, Tell: tell}
}

// login tells that somebody signed in or out, was refused, or changed who may use the console.
func (l *journaling) login(at time.Time, e web.AccountEvent) {
	l.add(journal.Entry{At: at, Kind: journal.KindLogin}, struct {
		Type   string `json:"type"`
		Who    string `json:"who,omitempty"`
		From   string `json:"from,omitempty"`
		OK     bool   `json:"ok"`
		Detail string `json:"detail,omitempty"`
	}{e.Type, l.clean(e.Who), e.From, e.OK, shorten(l.clean(e.Detail), maxDetail)})
}

// loginText says what an entry of a sign-in, or of what else happened to users and tokens, tells.
func loginText(ok bool, kind, who, from, detail string) string {
	text := cmp.Or(who, "somebody")
	switch {
	case !ok:
		text += " was refused"
	case kind == "sign-out":
		text += " signed out"
	case detail != "":
		text += " " + detail
	default:
		text += " signed in"
	}
	if from != "" {
		text += " from " + from
	}
	if !ok && detail != "" {
		text += ": " + detail
	}
	return text
}
