package web

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// How sign-ins are slowed down. The delay is for an address and a user together, so that nobody can lock a user out from
// elsewhere; and a shorter one for an address with whatever users.
const (
	freePair, longestPair       = 5, 5 * time.Minute
	freeAddress, longestAddress = 20, 30 * time.Second

	// forgetAfter is how long failures count, maxAttempts of how many pairs or addresses.
	forgetAfter = time.Hour
	maxAttempts = 1000
)

// throttle slows down those who guess passwords. It may be used by many goroutines.
type throttle struct {
	mu        sync.Mutex // covers the fields below
	pairs     map[attempt]failures
	addresses map[attempt]failures
}

// attempt is who tries: an address, and a user unless it stands for all of them.
type attempt struct{ address, user string }

// failures are how often in a row, and when last.
type failures struct {
	count int
	last  time.Time
}

func newThrottle() *throttle {
	return &throttle{pairs: map[attempt]failures{}, addresses: map[attempt]failures{}}
}

// begin counts a try as failed, until [throttle.succeeded] says otherwise: many at a time do not get more than their
// number. A try that comes too early is not counted; it may be made after wait.
func (t *throttle) begin(address, user string, now time.Time) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	pair, alone := attempt{address, user}, attempt{address: address}
	wait = max(left(t.pairs[pair], freePair, longestPair, now), left(t.addresses[alone], freeAddress, longestAddress, now))
	if wait == 0 {
		note(t.pairs, pair, now)
		note(t.addresses, alone, now)
	}
	return wait
}

// succeeded takes back that a try failed.
func (t *throttle) succeeded(address, user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.pairs, attempt{address, user})
	t.back(t.addresses, attempt{address: address})
}

// untried takes back a try that was not made.
func (t *throttle) untried(address, user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.back(t.pairs, attempt{address, user})
	t.back(t.addresses, attempt{address: address})
}

func (t *throttle) back(of map[attempt]failures, a attempt) {
	if f, ok := of[a]; ok && f.count > 1 {
		f.count--
		of[a] = f
	} else {
		delete(of, a)
	}
}

// left is how long the next try has to wait.
func left(f failures, free int, longest time.Duration, now time.Time) time.Duration {
	over := f.count - free
	if over < 0 || now.Sub(f.last) >= forgetAfter || now.Before(f.last) {
		return 0
	}
	return max(min(time.Second<<min(over, 20), longest)-now.Sub(f.last), 0)
}

// note counts a failure. Of too many the one that is longest ago is forgotten.
func note(of map[attempt]failures, a attempt, now time.Time) {
	f, ok := of[a]
	if !ok && len(of) >= maxAttempts {
		var oldest attempt
		var at time.Time
		for other, f := range of {
			if at.IsZero() || f.last.Before(at) || f.last.Equal(at) && other.less(oldest) {
				oldest, at = other, f.last
			}
		}
		delete(of, oldest)
	}
	if now.Sub(f.last) >= forgetAfter {
		f.count = 0
	}
	of[a] = failures{f.count + 1, now}
}

func (a attempt) less(b attempt) bool {
	return a.address < b.address || a.address == b.address && a.user < b.user
}

// addressOf is the address that a request counts for. Somebody with IPv6 has a whole network of addresses.
func addressOf(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return "unknown"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return "unknown"
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() || ip.IsLoopback() {
		return ip.String()
	}
	p, _ := ip.Prefix(64) // an address always has one
	return p.String()
}
