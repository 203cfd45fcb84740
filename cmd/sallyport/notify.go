package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/sallyport/sallyport/engine"
)

// supervisor tells the service manager that the program runs, that it is well, and
// that it ends. Without one, as on a terminal, it tells nobody.
type supervisor struct{ log *slog.Logger }

func (s supervisor) tell(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.log.Warn("the service manager cannot be told", "state", state, "error", err)
	}
}

func (s supervisor) ready() { s.tell(daemon.SdNotifyReady) }

func (s supervisor) stopping() { s.tell(daemon.SdNotifyStopping) }

// reloading says that the program begins anew without ending; ready follows. Its
// watchdog goes on.
func (s supervisor) reloading() { s.tell(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyWatchdog) }

// watch says that the program is well for as long as well answers in time, which is
// a way through everything that moves relays: a hang is then a restart. It ends with
// ctx, or at once when nobody wants to know.
func (s supervisor) watch(ctx context.Context, well func(context.Context) error) {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil || limit <= 0 {
		if err != nil {
			s.log.Warn("the service manager's watchdog cannot be fed", "error", err)
		}
		return
	}
	// Two tries fit into the limit, so that one slow answer is no restart.
	every := limit / 4
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		asked, cancel := context.WithTimeout(ctx, 2*every)
		err := well(asked)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.log.Error("the program does not answer itself; the service manager will start it again if that lasts", "error", err)
		default:
			s.tell(daemon.SdNotifyWatchdog)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// well asks once around: through the loop that owns the engine, and through every
// relay's owner.
func (a *appliance) well(ctx context.Context) error {
	if err := a.ask(ctx, func(*engine.Engine) {}); err != nil {
		return fmt.Errorf("the loop: %w", err)
	}
	return a.relay.Ping(ctx)
}
