package client

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// A PlateDialect is the family of commands with which a device keeps plates.
type PlateDialect string

// The dialects. A device without plate lists has none of them.
const (
	LicensePlates  PlateDialect = "LicensePlates"
	VehiclePlate   PlateDialect = "VehiclePlate"
	NoPlateDialect PlateDialect = ""
)

// A PushGeneration is how a device can be set up to post what it sees.
type PushGeneration int

// The generations. A device whose push is set up in its own pages only has
// NoPush; one with PushSecond has the first as well.
const (
	NoPush     PushGeneration = 0
	PushFirst  PushGeneration = 1
	PushSecond PushGeneration = 2
)

// Capabilities is what a device is and can do.
type Capabilities struct {
	Info DeviceInfo
	// APIs are the commands the device says it has, sorted, each once; nil when
	// it cannot say, as devices of the first generation.
	APIs     []string
	Plates   PlateDialect
	Push     PushGeneration
	Channels int // 0 when the device did not say
}

// Has tells whether the device has a command, and whether that is known: it is
// not when the device cannot say which commands it has, nor for a write when its
// list names reads only.
func (k Capabilities) Has(command string) (has, known bool) {
	if k.APIs == nil {
		return false, false
	}
	if _, found := slices.BinarySearch(k.APIs, command); found {
		return true, true
	}
	// The line counter's settings are listed under a name they do not answer to.
	if command == LineCount.Command() {
		if _, found := slices.BinarySearch(k.APIs, "GetSmartPassLineCountConfig"); found {
			return true, true
		}
	}
	return false, isRead(command) || slices.ContainsFunc(k.APIs, func(s string) bool { return !isRead(s) })
}

// isRead tells by its name whether a command changes nothing.
func isRead(command string) bool { return strings.HasPrefix(command, "Get") }

// Capabilities finds out what the device is and can do, with reads only, and
// keeps the answer until [Client.Forget]. From then on a write that the device
// is known not to have is refused with [ErrNotDocumented] before it is sent; its
// outputs and virtual alarms never are.
func (c *Client) Capabilities(ctx context.Context) (Capabilities, error) {
	c.mu.Lock()
	known, asked := c.known, c.forgotten
	c.mu.Unlock()
	if known != nil {
		return known.clone(), nil
	}
	k, err := c.discover(ctx)
	if err != nil {
		return Capabilities{}, err
	}
	c.mu.Lock()
	if c.forgotten == asked {
		kept := k.clone()
		c.known = &kept
	}
	c.mu.Unlock()
	return k, nil
}

// Forget drops what is known of the device, for when its firmware may have
// changed.
func (c *Client) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = nil
	c.forgotten++
}

func (k Capabilities) clone() Capabilities {
	k.APIs = slices.Clone(k.APIs)
	k.Info.Raw = slices.Clone(k.Info.Raw)
	return k
}

func (c *Client) discover(ctx context.Context) (Capabilities, error) {
	var k Capabilities
	var err error
	if k.Info, err = c.GetDeviceInfo(ctx); err != nil {
		return k, err
	}
	if k.APIs, err = c.GetSupportedAPIs(ctx); err != nil && !refused(err) {
		return k, err
	}
	if k.Plates, err = c.plateDialect(ctx, k); err != nil {
		return k, err
	}
	if k.Push, err = c.pushGeneration(ctx); err != nil {
		return k, err
	}
	k.Channels = k.Info.Channels
	if k.Channels == 0 {
		list, err := c.GetChannels(ctx)
		if err != nil && !refused(err) {
			return k, err
		}
		k.Channels = len(list)
	}
	return k, nil
}

// refused tells whether an error is the device's lasting no to a question. No
// answer, a busy device and a refused login may be different next time.
func refused(err error) bool {
	var e *Error
	return errors.As(err, &e) && !errors.Is(e, ErrLoginRefused) && e.Code != 7
}

// understood tells whether a device that gave err to a read has the command.
func understood(err error) bool {
	var e *Error
	if err == nil {
		return true
	}
	return errors.As(err, &e) && (e.Code == 4 || e.Code == 15 || e.Code == 16 || e.Code == 20 || e.Code >= 201 && e.Code <= 207)
}

func (c *Client) plateDialect(ctx context.Context, k Capabilities) (PlateDialect, error) {
	if k.APIs != nil {
		for _, d := range []struct {
			dialect  PlateDialect
			commands []string
		}{
			{LicensePlates, []string{"GetLicensePlateGroups", "GetLicensePlates", "AddLicensePlates"}},
			{VehiclePlate, []string{"GetVehiclePlate", "AddVehiclePlate"}},
		} {
			for _, command := range d.commands {
				if has, _ := k.Has(command); has {
					return d.dialect, nil
				}
			}
		}
		return NoPlateDialect, nil
	}
	for _, probe := range []struct {
		dialect PlateDialect
		call    call
	}{
		{LicensePlates, call{command: "GetLicensePlateGroups"}},
		{VehiclePlate, call{command: "GetVehiclePlate", body: getVehiclePlate(0, 1)}},
	} {
		_, _, err := c.do(ctx, probe.call)
		switch {
		case understood(err):
			return probe.dialect, nil
		case !refused(err):
			return NoPlateDialect, err
		}
	}
	return NoPlateDialect, nil
}

func (c *Client) pushGeneration(ctx context.Context) (PushGeneration, error) {
	p, err := c.GetHttpPostConfig(ctx)
	switch {
	case refused(err):
		return NoPush, nil
	case err != nil:
		return NoPush, err
	case p.HasV2:
		return PushSecond, nil
	case p.V1 != nil:
		return PushFirst, nil
	}
	return NoPush, nil
}

// allowed refuses a write that the device is known not to have. Its own list is
// believed less than what it showed: where it can be read how it posts, that can
// be set. Its outputs and virtual alarms are tried whatever it lists: recorders
// have them without listing them all, and a siren that could have sounded must.
func (c *Client) allowed(k call) error {
	if isRead(k.command) || k.always {
		return nil
	}
	c.mu.Lock()
	known := c.known
	c.mu.Unlock()
	if known == nil {
		return nil
	}
	if has, sure := known.Has(k.command); sure && !has && (k.command != "SetHttpPostConfig" || known.Push == NoPush) {
		return &NotDocumentedError{Command: k.command, Reason: "the device's own list of commands does not have it"}
	}
	return nil
}

// Query sends a read by its name and gives the answer as the device sent it, for
// reads this package has no method for; channel 0 leaves out the channel. What
// is not a read (its name begins with Get) is refused with [ErrNotDocumented].
func (c *Client) Query(ctx context.Context, command string, channel int) ([]byte, error) {
	letters := func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' }
	if strings.TrimFunc(command, letters) != "" || len(command) > 64 || !isRead(command) {
		return nil, &NotDocumentedError{Command: cut(command, 64), Reason: "only reads (Get…) are sent by name, because what a write does to a device is not documented for all of them"}
	}
	_, raw, err := c.do(ctx, call{command: command, path: channelPath(channel)})
	return raw, err
}
