package sim

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Slow is a fault for Options.Fault: every answer takes so much longer.
func Slow(d time.Duration) func(string, *http.Request) Fault {
	return func(string, *http.Request) Fault { return Fault{Delay: d} }
}

// Drops is a fault for Options.Fault: this share of the requests, 0 to 1, is
// not done, and the connection is closed without an answer. The same seed drops the same ones.
func Drops(share float64, seed uint64) func(string, *http.Request) Fault {
	hit := chance(share, seed)
	return func(string, *http.Request) Fault { return Fault{Drop: hit()} }
}

// Loses is a fault for Options.Fault: this share of the requests, 0 to 1, is
// done, but the connection is closed without an answer.
func Loses(share float64, seed uint64) func(string, *http.Request) Fault {
	hit := chance(share, seed)
	return func(string, *http.Request) Fault { return Fault{Lost: hit()} }
}

// chance is true so often.
func chance(share float64, seed uint64) func() bool {
	var mu sync.Mutex // covers rnd
	rnd := rand.New(rand.NewPCG(seed, 0))
	return func() bool {
		mu.Lock()
		defer mu.Unlock()
		return rnd.Float64() < share
	}
}

// Unknown is a fault for Options.Fault: a command is answered 400 with an empty
// body, as some firmware answers one that it does not know; "" is every command.
func Unknown(command string) func(string, *http.Request) Fault {
	return func(name string, _ *http.Request) Fault {
		if command != "" && command != name {
			return Fault{}
		}
		return Fault{Status: http.StatusBadRequest}
	}
}

// Faults makes one fault of several: delays add up, the first other one counts.
func Faults(all ...func(string, *http.Request) Fault) func(string, *http.Request) Fault {
	return func(command string, r *http.Request) Fault {
		var out Fault
		for _, f := range all {
			next := f(command, r)
			delay := out.Delay + next.Delay
			if !out.Drop && !out.Lost && out.Status == 0 {
				out = next
			}
			out.Delay = delay
		}
		return out
	}
}
