package web

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestGuessingGetsSlow tries again and again, as soon as it may.
func TestGuessingGetsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		var waits []time.Duration
		for len(waits) < 12 {
			if wait := th.begin("10.0.0.1", "ann", time.Now()); wait > 0 {
				waits = append(waits, wait)
				if early := th.begin("10.0.0.1", "ann", time.Now()); early != wait {
					t.Errorf("asking made it longer: %v, %v", wait, early)
				}
				time.Sleep(wait)
			}
		}
		if got, want := fmt.Sprint(waits), "[1s 2s 4s 8s 16s 32s 1m4s 2m8s 4m16s 5m0s 5m0s 5m0s]"; got != want {
			t.Errorf("waits of %s, want %s", got, want)
		}
		// Another user and another address are free.
		if a, b := th.begin("10.0.0.1", "bob", time.Now()), th.begin("10.0.0.2", "ann", time.Now()); a != 0 || b != 0 {
			t.Error(a, b)
		}
		time.Sleep(5 * time.Minute)
		if wait := th.begin("10.0.0.1", "ann", time.Now()); wait != 0 {
			t.Error(wait)
		}
		th.succeeded("10.0.0.1", "ann")
		time.Sleep(longestAddress)
		if wait := th.begin("10.0.0.1", "ann", time.Now()); wait != 0 {
			t.Errorf("%v after the right password", wait)
		}
		th.succeeded("10.0.0.2", "ann")
		for range freePair {
			if wait := th.begin("10.0.0.2", "ann", time.Now()); wait != 0 {
				t.Errorf("%v after the right password", wait)
			}
		}
		time.Sleep(forgetAfter)
		if wait := th.begin("10.0.0.1", "ann", time.Now()); wait != 0 {
			t.Errorf("%v an hour later", wait)
		}
	})
}

// TestManyUsersOfOneAddress: whoever tries all names is slowed down too, but not for long.
func TestManyUsersOfOneAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		var longest time.Duration
		begun := time.Now()
		for n := range 100 {
			for {
				wait := th.begin("10.0.0.1", fmt.Sprint("user", n), time.Now())
				if wait == 0 {
					break
				}
				longest = max(longest, wait)
				time.Sleep(wait)
			}
		}
		if took := time.Since(begun); longest != longestAddress || took < 35*time.Minute {
			t.Errorf("100 names took %v, the longest wait %v", took, longest)
		}
	})
}

func TestFailuresAreBounded(t *testing.T) {
	th := newThrottle()
	now := time.Now()
	for n := range 3 * maxAttempts {
		th.begin(fmt.Sprint("10.0.", n/256, ".", n%256), "ann", now.Add(time.Duration(n)))
	}
	if len(th.pairs) != maxAttempts || len(th.addresses) != maxAttempts {
		t.Errorf("%d pairs, %d addresses", len(th.pairs), len(th.addresses))
	}
	th.untried("10.0.11.183", "ann")
	if _, ok := th.pairs[attempt{"10.0.11.183", "ann"}]; ok {
		t.Error("a try that was not made counts")
	}
}

func TestAddressesThatCount(t *testing.T) {
	for remote, want := range map[string]string{
		"10.0.0.1:40000": "10.0.0.1", "[::ffff:10.0.0.1]:1": "10.0.0.1", "[fd00:1:2:3:4:5:6:7]:1": "fd00:1:2:3::/64", "[::1]:1": "::1",
		"[fe80::1%eth0]:1": "fe80::/64", "": "unknown", "@": "unknown", "x:1": "unknown",
	} {
		if got := addressOf(remote); got != want {
			t.Errorf("%q counts for %q, not %q", remote, got, want)
		}
	}
}
