package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Off drives the lines of these relays off, side by side, each for limit at
// most, trying again every 100 ms, and then closes their drivers. It needs no
// Service, and only one of the two may use the drivers. The answer has an entry
// per relay, in their order: nil when its line was driven off, else what is
// wrong, with the relay's name. A driver that is still at work after limit, or
// when ctx is done, is left to itself: it is closed once it is done.
func Off(ctx context.Context, relays []Config, limit time.Duration) []error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	errs := make([]error, len(relays))
	var all sync.WaitGroup
	for i, r := range relays {
		all.Go(func() {
			if err := offOne(ctx, r.Driver); err != nil {
				errs[i] = fmt.Errorf("relay %q: %w", r.Name, err)
			}
		})
	}
	all.Wait()
	return errs
}

func offOne(ctx context.Context, d Driver) error {
	if d == nil {
		return errors.New("has no line")
	}
	var mu sync.Mutex // covers last, which is nil once the line is off
	last := errors.New("the line did not answer; it may still be on")
	done := make(chan error, 1)
	go func() {
		var off error
		for {
			off = d.Set(false)
			if off != nil {
				off = fmt.Errorf("cannot be turned off: %w", off)
			}
			mu.Lock()
			last = off
			mu.Unlock()
			if off == nil || !pause(ctx, retryOff) {
				break
			}
		}
		err := d.Close()
		switch {
		case off != nil:
			err = off
		case err != nil:
			err = fmt.Errorf("cannot be released: %w", err)
		}
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	mu.Lock()
	defer mu.Unlock()
	return last
}

// pause waits, and says whether ctx allows to go on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
