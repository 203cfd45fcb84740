// Command sallyport turns what AI security cameras see into what a building does.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// stopLimit is how long a stop may take; until then further signals change nothing.
const stopLimit = 5 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends what does not end by itself, and not before the relays had
	// time to go off: timeout(1) and impatient people send two at once.
	context.AfterFunc(ctx, func() { time.AfterFunc(stopLimit, stop) })
	// A reader that goes away must not end the program with its relays on.
	signal.Ignore(syscall.SIGPIPE)
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	os.Exit(run(ctx, os.Args[1:], process{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, hangup: hangup}))
}
