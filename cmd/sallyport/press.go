package main

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/web"
)

// presses knows the presses of buttons that came lately. A browser, or what is between, may hold a request back or
// send it again: what a person pressed comes at once and once, or not at all.
type presses struct {
	mu   sync.Mutex
	seen []string // the newest last
}

// maxPresses bounds the presses that are remembered. A press is refused as late long before so many came.
const maxPresses = 256

// check says how much of [commandTime] is left to a press, or why it may move nothing. run is this run of the
// program, now its wall clock.
func (p *presses) check(press web.Press, run string, now time.Time) (left time.Duration, err error) {
	if press == (web.Press{}) {
		return commandTime, nil
	}
	age := now.Sub(press.At)
	switch {
	case press.Run != run:
		return 0, web.RefusedError("the program began anew since the page was loaded: look at the relay and press again")
	case age < -commandTime: // whether it is late cannot be told
		return 0, web.RefusedError(fmt.Sprintf("the page's clock is %s ahead: load the page again, look at the relay and press again", (-age).Round(100*time.Millisecond)))
	case age > commandTime:
		return 0, web.RefusedError(fmt.Sprintf("the press came %s late: look at the relay and press again", age.Round(100*time.Millisecond)))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if slices.Contains(p.seen, press.ID) {
		return 0, web.RefusedError("this press came before: look at the relay and press again")
	}
	if len(p.seen) == maxPresses {
		p.seen = slices.Delete(p.seen, 0, 1)
	}
	p.seen = append(p.seen, press.ID)
	return min(commandTime, commandTime-age), nil
}
