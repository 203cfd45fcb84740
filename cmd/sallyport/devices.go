package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/sallyport/sallyport/actions/relay"
	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/gpio"
	"github.com/sallyport/sallyport/inputs/contact"
	"github.com/sallyport/sallyport/viewtron/client"
)

// loginAgain is how long a device that refused the login is left alone, by all parts of
// the program together. A few wrong passwords lock an account for some minutes, whoever
// typed them; a siren must sound after that, and a banned plate come off the list. More
// often, and we would be the ones who lock it.
const loginAgain = 10 * time.Minute

// deviceClients makes a client for every camera that has an address to call. Cameras of
// one recorder have the same: then it takes one request at a time from all of them, and
// one wrong password.
func deviceClients(site *config.Site, p process) (map[string]*client.Client, error) {
	return deviceClientsSaying(site, p, func(text string) { fmt.Fprintf(p.stderr, "sallyport: %s\n", text) })
}

// deviceClientsSaying is deviceClients for who has an own place for what must be said:
// that a certificate was trusted. say may be called at any time, by one goroutine at a time.
func deviceClientsSaying(site *config.Site, p process, say func(string)) (map[string]*client.Client, error) {
	clients := make(map[string]*client.Client)
	shared := make(map[deviceKey]*client.Client)
	trusted := newPins(site.Data, say)
	var errs []error
	for _, c := range site.Cameras {
		if c.URL == "" {
			continue
		}
		password, err := c.Password.Value(p.getenv, os.ReadFile)
		if err != nil {
			errs = append(errs, fmt.Errorf("camera %q: password: %w", c.Name, err))
			continue
		}
		key := deviceKey{strings.ToLower(c.URL), c.Username, password, c.TLSPin}
		if d := shared[key]; d != nil {
			clients[c.Name] = d
			continue
		}
		cfg := client.Config{
			URL: c.URL, Username: c.Username, Password: password, Pin: c.TLSPin, LoginAgain: loginAgain, Location: site.Location.Zone,
		}
		if address, secure := strings.CutPrefix(c.URL, "https://"); secure && c.TLSPin == "" {
			cfg.Trust = trusted.trust(c.Name, address)
		}
		d, err := client.New(cfg)
		if err != nil {
			errs = append(errs, fmt.Errorf("camera %q: %w", c.Name, err))
			continue
		}
		clients[c.Name], shared[key] = d, d
	}
	return clients, errors.Join(errs...)
}

// deviceKey is what cameras have in common that are one device.
type deviceKey struct{ url, username, password, pin string }

// openRelays requests every line; when one cannot be had the others are released.
func openRelays(site *config.Site, devices map[string]*client.Client) ([]relay.Config, error) {
	var relays []relay.Config
	var errs []error
	for _, r := range site.Relays {
		line, err := openRelay(site, r, devices)
		if err != nil {
			errs = append(errs, fmt.Errorf("relay %q: %w", r.Name, err))
			continue
		}
		relays = append(relays, relay.Config{
			Spec:   relaySpec(r),
			Driver: line,
		})
	}
	if len(errs) > 0 {
		return nil, errors.Join(errors.Join(errs...), closeRelays(relays))
	}
	return relays, nil
}

// relaySpec is what a relay of the site file may do.
func relaySpec(r config.Relay) relay.Spec {
	return relay.Spec{
		Name: r.Name, MaxOn: r.MaxOn, MinOff: r.MinOff, Interlock: r.Interlock, InterlockWait: r.InterlockWait,
		DailyCap: r.DailyCap, Feedback: r.Feedback, FeedbackTime: r.FeedbackTime,
	}
}

// openRelay gets what a relay is moved by. A line is off from then on; a device is
// not asked yet.
func openRelay(site *config.Site, r config.Relay, devices map[string]*client.Client) (relay.Driver, error) {
	switch {
	case r.Memory:
		return gpio.NewMemory(nil), nil
	case r.Camera != "":
		d := devices[r.Camera]
		if c, _ := site.Camera(r.Camera); d == nil && c.URL == "" {
			return nil, fmt.Errorf("the camera %q has no url to switch its output by", r.Camera)
		}
		if d == nil {
			return nil, fmt.Errorf("the camera %q cannot be called", r.Camera)
		}
		return &alarmOutput{device: d, channel: outputChannel(site, r.Camera)}, nil
	}
	return gpio.OpenOutput(gpio.OutputConfig{Chip: r.Chip, Line: r.Line, ActiveLow: r.ActiveLow})
}

func closeRelays(relays []relay.Config) error {
	var errs []error
	for _, r := range relays {
		if err := r.Driver.Close(); err != nil {
			errs = append(errs, fmt.Errorf("relay %q: %w", r.Name, err))
		}
	}
	return errors.Join(errs...)
}

// alarmOutput is a device's own alarm output as a relay's line. Its owner alone uses it.
type alarmOutput struct {
	device  *client.Client
	channel int
	off     bool // it was switched off, and not on since
	// moved is set from an on that may have arrived until an off has.
	moved bool
}

// outputTime is how long a device may take to switch its output.
const outputTime = 3 * time.Second

// outputLoginAgain is how often a device that refused the login is asked again to switch
// off what it was told to switch on. Otherwise nobody would for long: a few wrong
// passwords lock an account, whoever typed them, and a relay must not stay on for that.
const outputLoginAgain = time.Minute

// Set switches the output.
func (o *alarmOutput) Set(on bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), outputTime)
	defer cancel()
	ctx = client.WithPriority(ctx, client.Urgent)
	o.off = false
	err := o.device.ManualAlarmOut(ctx, o.channel, on)
	if !on && o.moved && errors.Is(err, client.ErrLoginRefused) && o.device.RetryLogin(outputLoginAgain) {
		err = o.device.ManualAlarmOut(ctx, o.channel, false)
	}
	switch {
	case err == nil && !on:
		o.off, o.moved = true, false
	case on && !errors.Is(err, client.ErrLoginRefused):
		o.moved = true // a refused login moved nothing, and is not worth an account
	}
	return err
}

// Close switches the output off, unless it is.
func (o *alarmOutput) Close() error {
	if o.off {
		return nil
	}
	return o.Set(false)
}

// outputChannel is the channel of a recorder that a camera stands for; 0 for none.
func outputChannel(site *config.Site, name string) int {
	c, _ := site.Camera(name)
	for _, m := range c.Match {
		if m.Channel > 0 {
			return m.Channel
		}
	}
	return 0
}

// contacts are the wired inputs of a site.
func contacts(site *config.Site) []contact.Contact {
	var out []contact.Contact
	for _, c := range site.Contacts {
		in := contact.Contact{Name: c.Name, Line: gpio.InputConfig{Chip: c.Chip, Line: c.Line, ActiveLow: c.ActiveLow, Pull: c.Pull, Debounce: c.Debounce}}
		if c.Memory {
			in.Memory = gpio.NewMemoryInput(c.Debounce)
		}
		out = append(out, in)
	}
	return out
}

// wallClock is the machine's clock; the zero time while it is not set.
func wallClock() time.Time {
	if now := time.Now(); now.Year() >= engine.ClockSetYear {
		return now
	}
	return time.Time{}
}
